"""From an empty or older database to a working one: migrations, permissions, roles, master data. Safe to repeat."""

from __future__ import annotations

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.migrate import upgrade
from app.system.models import ProtocolKind
from app.system.protocol import record

ADMINISTRATOR = "Administrator"


def setup_all() -> None:
    from app.core.slices import parts

    upgrade()
    appbuilder = current_app.appbuilder  # type: ignore[attr-defined]
    appbuilder.sm._create_db()
    appbuilder.add_permissions(update_perms=True)
    for module in parts("seed"):
        module.seed()


def set_administrator(username: str, password: str, email: str = "") -> bool:
    """Create the administrator (True) or give an existing user the role and this password (False)."""
    from app.admin.passwords import check_password, set_password

    security = current_app.appbuilder.sm  # type: ignore[attr-defined]
    check_password(password, username)
    role = security.find_role(ADMINISTRATOR)
    if role is None:
        raise InvalidInput(_("There are no roles yet. Run “flask ptt setup” first."))
    with transaction() as session:
        user = session.scalar(select(security.user_model).where(security.user_model.username == username))
        created = user is None
        if user is None:
            user = security.user_model(username=username, first_name=username, last_name="", active=True, email=email or f"{username}@localhost.localdomain")
            session.add(user)
        if role not in user.roles:
            user.roles = [*user.roles, role]
        set_password(user, password)
        session.flush()
        record(ProtocolKind.SECURITY, "administrator", subject_type="user", subject_id=user.id, subject=username)
    return created


def is_set_up() -> bool:
    from app.migrate import is_current

    try:
        return is_current()
    finally:
        db.session.rollback()
