"""Lists that staff keeps under a name: an address with its filters, order and tab."""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.types import UTCDateTime


class StaffListView(Model):
    """`view` is the list's endpoint, `query` the arguments of its address. A shared one is offered to all who may open the list."""

    __tablename__ = "staff_list_view"
    __table_args__ = (UniqueConstraint("user_id", "view", "name"), Index(None, "view"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    view: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text, default="")
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)

    def __str__(self) -> str:
        return self.name


class StaffListDefault(Model):
    """The saved list that somebody sees when he opens the list without asking for anything."""

    __tablename__ = "staff_list_default"
    __table_args__ = (Index(None, "list_view_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    view: Mapped[str] = mapped_column(String(60), primary_key=True)
    list_view_id: Mapped[int] = mapped_column(ForeignKey("staff_list_view.id", ondelete="CASCADE"))
