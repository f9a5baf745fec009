"""Menu entries of the license slice."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.views import AdminEntry
from app.licenses.provisioning import failed_orders
from app.licenses.reconcile import open_drifts
from app.licenses.views_accounts import AccountPage, AssignmentView
from app.licenses.views_associations import AssociationView, MemberView
from app.licenses.views_bulk import LicenseBulkPage
from app.licenses.views_drift import DriftView
from app.licenses.views_groups import GroupView
from app.licenses.views_licenses import ClosedLicenseView, LicenseView, PublicLicenseView
from app.licenses.views_provisioning import ProvisioningView
from app.licenses.views_servers import ServerView
from app.licenses.views_sms import SmsView, to_decide

VIEWS = [
    AdminEntry(LicenseView, _l("All licenses"), "licenses", "fa-walkie-talkie"),
    AdminEntry(ClosedLicenseView, _l("Closed user groups"), "licenses", "fa-people-group"),
    AdminEntry(PublicLicenseView, _l("Public licenses"), "licenses", "fa-user"),
    AdminEntry(LicenseBulkPage, _l("Bulk actions"), "licenses", "fa-list-check", rank=60),
    AdminEntry(GroupView, _l("Groups"), "licenses", "fa-comments"),
    AdminEntry(ProvisioningView, _l("Provisioning"), "licenses", "fa-server", count=failed_orders),
    AdminEntry(DriftView, _l("Differences"), "licenses", "fa-code-compare", count=open_drifts),
    AdminEntry(SmsView, _l("SMS"), "licenses", "fa-comment-sms", count=to_decide, rank=55),
    AdminEntry(AssociationView, _l("Associations"), "customers", "fa-link"),
    AdminEntry(MemberView, _l("Members of associations"), area="customers"),
    AdminEntry(AssignmentView, _l("Tariffs of customers"), area="customers"),
    AdminEntry(AccountPage, _l("Locks of customers"), area="customers"),
    AdminEntry(ServerView, _l("PTT servers"), "catalog", "fa-server"),
]
