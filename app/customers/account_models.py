"""Who signs in for customers: accounts, the links by which they choose a password, their sessions, the terms they accepted."""

from __future__ import annotations

import enum
from datetime import date, datetime

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.states import Stateful, name_states
from app.core.types import UTCDateTime, words
from app.customers.models import Customer
from app.system.outbox import OutboxRow


class AccountState(enum.Enum):
    INVITED = "invited"     # has no password yet
    ACTIVE = "active"
    DISABLED = "disabled"


class AccountRole(enum.Enum):
    OWNER = "owner"         # everything, and the terms are accepted by him
    BILLING = "billing"     # invoices, payments, the address
    MANAGER = "manager"     # licenses and groups
    READER = "reader"       # looks, changes nothing


class LinkPurpose(enum.Enum):
    WELCOME = "welcome"
    RESET = "reset"


class PortalAccount(Stateful, Model):
    """A login of the customers' portal. `customer` is whose account it is: without a `login` of its own he signs in with his
    customer number and gets mail at his own address. What the account may see stands in `links`."""

    __tablename__ = "portal_account"
    __table_args__ = (Index("uq_portal_account_main", "customer_id", unique=True, postgresql_where=text("login IS NULL"), sqlite_where=text("login IS NULL")),
                      Index(None, "customer_id"))
    __protocol__ = "customer"
    __protocol_skip__ = ("password_hash", "last_login_at", "version")
    ARROWS = frozenset({(AccountState.INVITED, AccountState.ACTIVE), (AccountState.INVITED, AccountState.DISABLED), (AccountState.ACTIVE, AccountState.DISABLED),
                        (AccountState.DISABLED, AccountState.ACTIVE), (AccountState.DISABLED, AccountState.INVITED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    login: Mapped[str | None] = mapped_column(String(254), unique=True)      # an e-mail address in small letters, or nothing
    name: Mapped[str] = mapped_column(String(120), default="")
    language: Mapped[str] = mapped_column(String(5), default="en")
    state: Mapped[AccountState] = mapped_column(words(AccountState), default=AccountState.INVITED)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_set_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    version: Mapped[int] = mapped_column(default=1)

    customer: Mapped[Customer] = relationship()
    links: Mapped[list[AccountCustomer]] = relationship(back_populates="account", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.login or self.customer.number


class AccountCustomer(Model):
    """The account may act for the customer."""

    __tablename__ = "portal_account_customer"
    __table_args__ = (UniqueConstraint("account_id", "customer_id"), Index(None, "customer_id"))
    __protocol__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("portal_account.id", ondelete="CASCADE"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    role: Mapped[AccountRole] = mapped_column(words(AccountRole), default=AccountRole.OWNER)

    account: Mapped[PortalAccount] = relationship(back_populates="links")
    customer: Mapped[Customer] = relationship()

    def __str__(self) -> str:
        return f"{self.account}: {self.customer}"


class PasswordLink(Model):
    """A link that was mailed: usable once, until it expires or a newer one replaces it. Only its SHA-256 is here."""

    __tablename__ = "password_link"
    __table_args__ = (Index(None, "account_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("portal_account.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[LinkPurpose] = mapped_column(words(LinkPurpose))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)      # replaced, or the account was disabled

    account: Mapped[PortalAccount] = relationship()


class PasswordRequest(OutboxRow, Model):
    """Somebody typed a customer number. Whether there is such a customer is looked up by a worker: the answer tells nothing."""

    __tablename__ = "password_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(254))
    address: Mapped[str] = mapped_column(String(45), default="")


class PortalSession(Model):
    """A sign-in of a portal account. The cookie holds the token, this row only its SHA-256; `ended_at` ends it at once."""

    __tablename__ = "portal_session"
    __table_args__ = (Index(None, "account_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("portal_account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    address: Mapped[str] = mapped_column(String(45), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_because: Mapped[str] = mapped_column(String(20), default="")   # "logout", "idle", "expired", "password", "staff"


class TermsState(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class TermsVersion(Stateful, Model):
    """General terms in one version, with a text per language. Once published it never changes (a trigger refuses it)."""

    __tablename__ = "terms_version"
    __protocol__ = "customer"
    __protocol_skip__ = ("text_en", "text_de", "text_pt_br", "version")
    ARROWS = frozenset({(TermsState.DRAFT, TermsState.PUBLISHED)})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)             # as it is called: "2026-11"
    valid_from: Mapped[date]
    text_en: Mapped[str] = mapped_column(Text, default="")
    text_de: Mapped[str] = mapped_column(Text, default="")
    text_pt_br: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[TermsState] = mapped_column(words(TermsState), default=TermsState.DRAFT)
    sha256: Mapped[str] = mapped_column(String(64), default="")         # of name, day and all texts; set when published
    published_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class TermsAcceptance(Model):
    """Proof: who accepted which text for which customer, when, from where and how. Rows are only ever added."""

    __tablename__ = "terms_acceptance"
    __table_args__ = (Index(None, "customer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    account_id: Mapped[int] = mapped_column()                           # no key: the proof outlives the account
    account: Mapped[str] = mapped_column(String(254))
    terms_id: Mapped[int] = mapped_column(ForeignKey("terms_version.id"))
    version: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(5))
    sha256: Mapped[str] = mapped_column(String(64))                     # of the text that was shown
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    address: Mapped[str] = mapped_column(String(45))
    email: Mapped[str] = mapped_column(String(254))                     # where the link was sent to
    how: Mapped[str] = mapped_column(String(20))                        # "link" (used it), "tick" (used it, with the box ticked)

    terms: Mapped[TermsVersion] = relationship()

    def __str__(self) -> str:
        return f"{self.account}: {self.version}"


name_states({
    AccountState.INVITED: (_l("Invited"), "info"), AccountState.ACTIVE: (_l("Active"), "ok"), AccountState.DISABLED: (_l("Disabled"), "bad"),
    AccountRole.OWNER: (_l("Owner"), ""), AccountRole.BILLING: (_l("Pays"), ""), AccountRole.MANAGER: (_l("Manages licenses"), ""), AccountRole.READER: (_l("Reads only"), ""),
    LinkPurpose.WELCOME: (_l("Welcome"), ""), LinkPurpose.RESET: (_l("New password"), ""),
    TermsState.DRAFT: (_l("Draft"), ""), TermsState.PUBLISHED: (_l("Published"), "ok"),
})
