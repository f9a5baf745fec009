"""Call-backs: somebody wants to be called, from the portal (a customer) or from the website (anybody)."""

from __future__ import annotations

import enum
from datetime import datetime

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.states import Stateful, name_states
from app.core.types import UTCDateTime, words
from app.customers.models import Customer


class CallbackState(enum.Enum):
    OPEN = "open"
    UNREACHED = "unreached"     # was called, nobody answered; call again
    DONE = "done"
    DROPPED = "dropped"         # spam, a wrong number, settled otherwise


class Callback(Stateful, Model):
    """A wish to be called. `key` is that of the form that was sent: sent twice, it is one wish."""

    __tablename__ = "callback_request"
    __table_args__ = (Index(None, "state"), Index(None, "customer_id"))
    __protocol__ = "customer"
    ARROWS = frozenset({(CallbackState.OPEN, CallbackState.UNREACHED), (CallbackState.OPEN, CallbackState.DONE), (CallbackState.OPEN, CallbackState.DROPPED),
                        (CallbackState.UNREACHED, CallbackState.DONE), (CallbackState.UNREACHED, CallbackState.DROPPED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(20))                      # E.164
    wished: Mapped[str] = mapped_column(String(100), default="")        # when, in the person's own words
    message: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(5), default="en")
    origin: Mapped[str] = mapped_column(String(10))                     # "portal", "website"
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    network_address: Mapped[str] = mapped_column(String(45), default="")
    state: Mapped[CallbackState] = mapped_column(words(CallbackState), default=CallbackState.OPEN)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    note: Mapped[str] = mapped_column(Text, default="")                 # of staff
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_by: Mapped[str] = mapped_column(String(64), default="")

    customer: Mapped[Customer | None] = relationship()

    def __str__(self) -> str:
        return self.name


name_states({CallbackState.OPEN: (_l("To call"), "warn"), CallbackState.UNREACHED: (_l("Not reached"), "warn"),
             CallbackState.DONE: (_l("Called"), "ok"), CallbackState.DROPPED: (_l("Dropped"), "")})
