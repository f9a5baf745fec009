"""Who is signed in, and what he may: one read of the session, one of the rights, for each request."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, has_request_context, session
from flask_appbuilder.const import AUTH_DB
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_permissionview_role,
)
from flask_login import LoginManager, current_user
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.admin import passwords, sessions, throttle
from app.admin import rights as kept_rights
from app.core.access import nobody_asked
from app.core.db import db, transaction
from app.core.errors import DomainError
from app.system.models import ProtocolKind
from app.system.protocol import record


class TooManyTries(DomainError):
    """The account or the address has to wait."""


def must_wait(name: str, address: str) -> None:
    """Raises TooManyTries while this account or address has to wait."""
    from flask_babel import gettext as _

    from app.core import clock, formats

    wait = throttle.wait_until(name, address)
    if wait is not None:
        seconds = int((wait - clock.now()).total_seconds())
        minutes = max(1, -(-seconds // 60))
        raise TooManyTries(_("Too many failed tries. Try again in %(minutes)s minutes.", minutes=formats.number(minutes)))


class SecurityManager(FabSecurityManager):
    """FAB's users, roles and rights; our login, sessions and per-request set of rights. Only the database login exists."""

    def __init__(self, appbuilder: Any):
        config = current_app.config
        config["AUTH_TYPE"] = AUTH_DB
        config["AUTH_ROLE_ADMIN"] = "Administrator"      # gets every right by itself
        config["AUTH_USER_REGISTRATION"] = False
        config.setdefault("FAB_PASSWORD_HASH_METHOD", passwords.METHOD)
        config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"] = generate_password_hash("nobody", config["FAB_PASSWORD_HASH_METHOD"], 16)
        super().__init__(appbuilder)
        kept_rights.install()

    def create_login_manager(self, app: Any) -> LoginManager:
        manager = LoginManager()
        manager.session_protection = None            # the session row is the protection
        manager.init_app(app, add_context_processor=True)
        manager.request_loader(lambda request: self.load_staff())   # there is no user loader: no user id in a cookie is believed
        return manager

    def create_limiter(self, app: Any) -> Any:
        """FAB's limiter counts per process: ours is `throttle`."""
        from flask_limiter import Limiter
        from flask_limiter.util import get_remote_address

        return Limiter(key_func=get_remote_address, enabled=False)

    def register_views(self) -> None:
        """None of FAB's security views and interfaces: the shell adds its own."""

    # sessions

    def load_staff(self) -> Any:
        """The member of staff whose running session the cookie names."""
        found = sessions.current(User)
        if found is None:
            session.pop(sessions.COOKIE_KEY, None)
            return None
        row, user = found
        if not user.active:
            sessions.end([row.id], "inactive")
            return None
        g.staff_session_id = row.id
        if not nobody_asked():
            sessions.touch(row)
        return user

    # login

    def sign_in(self, name: str, password: str, address: str) -> User | None:
        """The user when name and password fit. TooManyTries while the account or the address has to wait.

        The second factor comes between this and `sessions.start`: the login asks for it before it starts the session.
        """
        must_wait(name, address)
        user = db.session.scalar(select(User).where((User.username == name) | (User.email == name)).order_by(User.id))
        known = user is not None and bool(user.active)
        stored = user.password if known else current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
        right = passwords.matches(stored, password or "x") and known
        if not right:
            throttle.failed(name, address)
            with transaction():
                record(ProtocolKind.SECURITY, "login_failed", subject_type="staff", subject_id=user.id if known else None,
                       subject=user.username if known else "")
            return None
        throttle.passed(name)
        if passwords.is_outdated(user.password):
            with transaction():
                user.password = passwords.hash_password(password)
        return user

    def set_password(self, user: User, password: str, keep: int | None = None, field: str = "password") -> None:
        """Store a new password (checked), end all sessions of the user but `keep`, and tell the owner."""
        from flask_babel import gettext as _

        from app.admin.notices import tell_owner

        passwords.check_password(password, user, field)
        with transaction():
            passwords.set_password(user, password, keep)
            tell_owner(user, "password", _("Password changed"), _("The password of your account was changed. All other sessions were ended."))
            record(ProtocolKind.SECURITY, "password_changed", subject_type="staff", subject_id=user.id, subject=user.username)

    # rights

    def has_access(self, permission_name: str, view_name: str) -> bool:
        if not has_request_context() or not current_user.is_authenticated:
            return False
        from app.admin.own_customers import is_closed

        return (permission_name, view_name) in self.rights() and not is_closed(view_name)

    def rights(self) -> frozenset[tuple[str, str]]:
        """All (permission, view) of the signed-in user; looked up once a request, read when a role has changed."""
        found = g.get("ptt_rights")
        if found is None:
            found = g.ptt_rights = kept_rights.kept(current_user.id, self.rights_of)
        return found

    def rights_of(self, user_id: int) -> frozenset[tuple[str, str]]:
        query = (select(Permission.name, ViewMenu.name).distinct()
                 .join(PermissionView, PermissionView.permission_id == Permission.id)
                 .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
                 .join(assoc_permissionview_role, assoc_permissionview_role.c.permission_view_id == PermissionView.id)
                 .where(assoc_permissionview_role.c.role_id.in_(kept_rights.role_ids(user_id))))
        return frozenset((name, view) for name, view in db.session.execute(query))

    def role_named(self, name: str) -> Role | None:
        return db.session.scalar(select(Role).where(Role.name == name))
