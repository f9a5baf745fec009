"""The system's part of the menu."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.admin import queries
from app.admin.views_documents import DocumentView
from app.admin.views_jobs import JobRunView, JobsPage
from app.admin.views_mail_templates import MailTextPage
from app.admin.views_plugins import EventFailureView, PluginsPage
from app.admin.views_records import MailView, ProtocolView
from app.admin.views_search import SearchPage
from app.admin.views_settings import SettingsPage
from app.admin.views_sms_texts import SmsTextPage
from app.admin.views_users import RoleView, SessionsPage, UserView
from app.core.views import AdminEntry

VIEWS = [
    AdminEntry(JobsPage, _l("Jobs"), "system", "fa-clock"),
    AdminEntry(JobRunView, _l("Job runs"), "system", "fa-list-check", count=queries.runs_waiting),
    AdminEntry(ProtocolView, _l("Protocol"), "system", "fa-scroll"),
    AdminEntry(DocumentView, _l("Documents"), "system", "fa-folder-open"),
    AdminEntry(MailView, _l("E-mails"), "system", "fa-envelope", count=queries.mails_waiting),
    AdminEntry(MailTextPage, _l("E-mail texts"), "system", "fa-envelope-open-text"),
    AdminEntry(SmsTextPage, _l("SMS texts"), "system", "fa-comment-dots"),
    AdminEntry(SettingsPage, _l("Settings"), "system", "fa-sliders"),
    AdminEntry(PluginsPage, _l("Plugins"), "system", "fa-plug"),
    AdminEntry(EventFailureView, "", area="system"),
    AdminEntry(SearchPage, "", area="customers"),
    AdminEntry(UserView, _l("Users"), "system", "fa-users"),
    AdminEntry(RoleView, _l("Roles"), "system", "fa-user-shield"),
    AdminEntry(SessionsPage, _l("Sessions"), "system", "fa-desktop"),
]
