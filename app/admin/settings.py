"""Settings about members of staff."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import InvalidInput
from app.system.settings import Setting, declare

STAFF = _l("Staff")
ALERTS = _l("Alerts")


def check_roles(names: list[str]) -> None:
    """Only roles that exist, and never the administrator's."""
    from flask import current_app

    from app.admin.setup import ADMINISTRATOR

    security = current_app.appbuilder.sm  # type: ignore[attr-defined]
    for name in names:
        if name == ADMINISTRATOR:
            raise InvalidInput(_("The administrator role sees everything. Take it off the list."), field="staff.own_customers_roles")
        if security.role_named(name) is None:
            raise InvalidInput(_("There is no role “%(name)s”. Write the names of roles, one a line.", name=name), field="staff.own_customers_roles")


def check_addresses(addresses: list[str]) -> None:
    from app.system.mail import is_address

    for address in addresses:
        if not is_address(address):
            raise InvalidInput(_("“%(address)s” is not an e-mail address.", address=address), field="alerts.addresses")
    if len(addresses) > 20:
        raise InvalidInput(_("Write at most 20 addresses."), field="alerts.addresses")


declare(
    Setting("alerts.addresses", list, [], _l("Who is told"), ALERTS,
            _l("E-mail addresses, one a line. They hear once when a job fails or does not run, when e-mails or licenses are stuck, when a disk fills up or a backup is missing; then again only after it was mended."),
            check=check_addresses),
    Setting("alerts.late_minutes", int, 120, _l("A job is late after minutes"), ALERTS, _l("When a run waits longer than this, or its worker is silent for so long."), minimum=15, maximum=1440),
    Setting("alerts.disk_percent", int, 10, _l("A disk is full below, percent free"), ALERTS, minimum=1, maximum=50),
    Setting("staff.require_second_factor", bool, True, _l("Second factor is required"), STAFF,
            _l("Administrators and billing staff need a code of their telephone to sign in. Whoever has none yet is led to set it up and sees nothing else before. Off in the demo only.")),
    Setting("staff.own_customers_roles", list, [], _l("Roles that see only their own customers"), STAFF,
            _l("One role a line, for example Sales. A member of staff all of whose roles stand here sees the customers of the representative that is linked to the user, and what belongs to them."),
            check=check_roles),
)
