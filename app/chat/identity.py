"""Who is behind this request: a member of staff or a portal login, by the row of the session and by nothing the request says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import current_app, g
from flask_login import current_user
from sqlalchemy import select

from app.chat import queries
from app.chat.models import Conversation, Side
from app.chat.services import Speaker
from app.core.db import db
from app.customers import account_sessions
from app.customers.account_models import PortalAccount
from app.customers.models import Customer

PAGE = "ChatPage"


@dataclass(frozen=True, slots=True)
class Who:
    """`session_id`: of the staff's or the portal's session row; `customer_id`: for whom a portal login acts now (0 for staff)."""

    speaker: Speaker
    session_id: int
    customer_id: int = 0

    def sees(self, ident: object) -> Conversation | None:
        if self.speaker.side is Side.STAFF:
            return queries.conversation(ident)
        return queries.own_conversation(ident, self.speaker.id, self.customer_id)


def staff() -> Who | None:
    """The signed-in member of staff, if he may open the chat desk."""
    if not current_user.is_authenticated or not current_app.extensions["appbuilder"].sm.has_access("can_index", PAGE):
        return None
    return Who(Speaker(Side.STAFF, current_user.id, staff_name(current_user)), int(g.staff_session_id))


def may_answer() -> bool:
    return bool(current_app.extensions["appbuilder"].sm.has_access("can_send", PAGE))


def staff_name(user: object) -> str:
    return f"{getattr(user, 'first_name', '')} {getattr(user, 'last_name', '')}".strip() or str(getattr(user, "username", ""))


def customer() -> Who | None:
    """The signed-in portal login."""
    found = current_app.extensions["ptt_portal_visitor"]()
    if found is None:
        return None
    session_id, visitor = found
    return Who(Speaker(Side.CUSTOMER, visitor.account_id, account_name(visitor.account_id)), session_id, visitor.customer_id)


def account_name(account_id: int) -> str:
    """The person, else the contact or company whose login it is."""
    found = db.session.execute(select(PortalAccount.name, Customer.contact, Customer.company).join(PortalAccount.customer).where(PortalAccount.id == account_id)).one_or_none()
    return next((name for name in found or () if name), "")


def over(side: Side, session_ids: Collection[int]) -> set[int]:
    """Sessions that count no more."""
    if not session_ids:
        return set()
    return account_sessions.over(session_ids) if side is Side.CUSTOMER else set(current_app.extensions["ptt_staff_sessions_over"](session_ids))
