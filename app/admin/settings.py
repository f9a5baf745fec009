"""Settings about members of staff."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import InvalidInput
from app.system.settings import Setting, declare

STAFF = _l("Staff")


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


declare(
    Setting("staff.require_second_factor", bool, True, _l("Second factor is required"), STAFF,
            _l("Administrators and billing staff need a code of their telephone to sign in. Whoever has none yet is led to set it up and sees nothing else before. Off in the demo only.")),
    Setting("staff.own_customers_roles", list, [], _l("Roles that see only their own customers"), STAFF,
            _l("One role a line, for example Sales. A member of staff all of whose roles stand here sees the customers of the representative that is linked to the user, and what belongs to them."),
            check=check_roles),
)
