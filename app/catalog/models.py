"""What is sold and where it runs: articles, tariffs with tiers and services, PTT modes and servers, tax rates."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, Column, ForeignKey, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.money import PriceType
from app.core.secrets import SecretType
from app.core.states import Stateful, name_states
from app.core.types import UTCDateTime, words

LANGUAGES = ("en", "de", "pt_BR")


class TaxClass(enum.Enum):
    """How an article is taxed at home; abroad the customer's tax case decides (`tax.py`)."""

    STANDARD = "standard"
    REDUCED = "reduced"
    ZERO = "zero"


class Texts:
    """A name in each language; English is the fallback."""

    name_en: Mapped[str] = mapped_column(String(120))
    name_de: Mapped[str] = mapped_column(String(120), default="")
    name_pt_br: Mapped[str] = mapped_column(String(120), default="")

    def name(self, language: str) -> str:
        return getattr(self, f"name_{language.replace('-', '_').lower()}", "") or self.name_en


class Article(Texts, Model):
    __tablename__ = "article"
    __table_args__ = (CheckConstraint("net_price >= 0", name="price"),)
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    unit: Mapped[str] = mapped_column(String(12), default="C62")      # UN/ECE Recommendation 20: C62 piece, MON month
    net_price: Mapped[Decimal] = mapped_column(PriceType, default=Decimal(0))
    tax_class: Mapped[TaxClass] = mapped_column(words(TaxClass), default=TaxClass.STANDARD)
    revenue_account: Mapped[str] = mapped_column(String(12), default="")
    commissionable: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return f"{self.number} {self.name_en}"


class TaxRate(Model):
    """Percent of a tax class in a country from a day on; the newest that has begun counts."""

    __tablename__ = "tax_rate"
    __table_args__ = (UniqueConstraint("country", "tax_class", "valid_from"), CheckConstraint("rate >= 0", name="rate"))
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(String(2))
    tax_class: Mapped[TaxClass] = mapped_column(words(TaxClass))
    valid_from: Mapped[date]
    rate: Mapped[Decimal] = mapped_column(PriceType)

    def __str__(self) -> str:
        return f"{self.country} {self.rate.normalize():f} %"


class PttMode(Model):
    __tablename__ = "ptt_mode"
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    needs_phone: Mapped[bool] = mapped_column(default=False)          # the handset is addressed by its number
    group_invitation: Mapped[bool] = mapped_column(default=False)     # group invitation by SMS (NPOC)
    configuration_sms: Mapped[bool] = mapped_column(default=True)     # SMS with a link to the settings of a license
    setup_password: Mapped[bool] = mapped_column(default=False)       # that page makes a new password for the app
    download_url: Mapped[str] = mapped_column(String(200), default="")   # where the app is; empty: no download SMS

    def __str__(self) -> str:
        return self.name


class Service(Texts, Model):
    __tablename__ = "service"
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(12), unique=True)
    safety_critical: Mapped[bool] = mapped_column(default=False)      # may exempt its license from the lock (setting)
    active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.name_en


class Billing(enum.Enum):
    POSTPAID = "postpaid"
    PREPAID = "prepaid"


class ProRata(enum.Enum):
    NONE = "none"
    DAY = "day"


class TierPolicy(enum.Enum):
    ALL_UNITS = "all_units"
    GRADUATED = "graduated"


class WhileLocked(enum.Enum):
    BILL = "bill"
    SKIP = "skip"


class TariffState(enum.Enum):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class Tariff(Stateful, Model):
    __tablename__ = "tariff"
    __table_args__ = (CheckConstraint("period_months > 0 and trial_days >= 0", name="numbers"),)
    __protocol__ = "settings"
    ARROWS = frozenset({(TariffState.DRAFT, TariffState.ACTIVE), (TariffState.ACTIVE, TariffState.RETIRED),
                        (TariffState.RETIRED, TariffState.ACTIVE)})

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    mode_id: Mapped[int] = mapped_column(ForeignKey("ptt_mode.id"))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))   # else the customer's article
    currency: Mapped[str] = mapped_column(String(3), default="EUR")
    billing: Mapped[Billing] = mapped_column(words(Billing), default=Billing.POSTPAID)
    period_months: Mapped[int] = mapped_column(default=1)
    pro_rata: Mapped[ProRata] = mapped_column(words(ProRata), default=ProRata.DAY)
    while_locked: Mapped[WhileLocked] = mapped_column(words(WhileLocked), default=WhileLocked.BILL)
    tier_policy: Mapped[TierPolicy] = mapped_column(words(TierPolicy), default=TierPolicy.ALL_UNITS)
    trial_days: Mapped[int] = mapped_column(default=0)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    state: Mapped[TariffState] = mapped_column(words(TariffState), default=TariffState.DRAFT)

    mode: Mapped[PttMode] = relationship()
    article: Mapped[Article | None] = relationship()
    tiers: Mapped[list[TariffTier]] = relationship(back_populates="tariff", cascade="all, delete-orphan", order_by="TariffTier.from_quantity")
    services: Mapped[list[TariffService]] = relationship(back_populates="tariff", cascade="all, delete-orphan")

    def __str__(self) -> str:
        return self.name


class TariffTier(Model):
    """`unit_price` holds from the `from_quantity`-th license on; the first tier begins at 1."""

    __tablename__ = "tariff_tier"
    __table_args__ = (UniqueConstraint("tariff_id", "from_quantity"), CheckConstraint("from_quantity >= 1 and unit_price >= 0", name="numbers"))
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id", ondelete="CASCADE"))
    from_quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(PriceType)

    tariff: Mapped[Tariff] = relationship(back_populates="tiers")

    def __str__(self) -> str:
        return f"{self.tariff} ≥ {self.from_quantity}"


class TariffService(Model):
    """A service that the tariff offers: included, or at `unit_price` per license and period."""

    __tablename__ = "tariff_service"
    __table_args__ = (UniqueConstraint("tariff_id", "service_id"), CheckConstraint("unit_price >= 0", name="price"))
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id", ondelete="CASCADE"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    included: Mapped[bool] = mapped_column(default=False)
    unit_price: Mapped[Decimal] = mapped_column(PriceType, default=Decimal(0))

    tariff: Mapped[Tariff] = relationship(back_populates="services")
    service: Mapped[Service] = relationship()

    def __str__(self) -> str:
        return f"{self.tariff}: {self.service}"


server_mode = Table(
    "ptt_server_mode", Model.metadata,
    Column("server_id", ForeignKey("ptt_server.id", ondelete="CASCADE"), primary_key=True),
    Column("mode_id", ForeignKey("ptt_mode.id"), primary_key=True),
)


class PttServer(Model):
    __tablename__ = "ptt_server"
    __protocol__ = "settings"
    __protocol_skip__ = ("secret", "revision", "health_ok", "health_note", "health_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    driver: Mapped[str] = mapped_column(String(30))
    profile: Mapped[str] = mapped_column(String(30), default="simulator")
    wsdl: Mapped[str] = mapped_column(String(300))
    endpoint: Mapped[str] = mapped_column(String(300), default="")
    username: Mapped[str] = mapped_column(String(80), default="")
    secret: Mapped[str | None] = mapped_column(SecretType)
    verify_tls: Mapped[bool] = mapped_column(default=True)
    allowed_hosts: Mapped[str] = mapped_column(String(300), default="")   # further hosts for WSDL imports, comma separated
    read_timeout: Mapped[int] = mapped_column(default=10)
    user_limit: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    revision: Mapped[int] = mapped_column(default=0)
    health_ok: Mapped[bool | None]
    health_note: Mapped[str] = mapped_column(Text, default="")
    health_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    modes: Mapped[list[PttMode]] = relationship(secondary=server_mode)

    def __str__(self) -> str:
        return self.name


name_states({
    TaxClass.STANDARD: (_l("Standard rate"), ""), TaxClass.REDUCED: (_l("Reduced rate"), ""), TaxClass.ZERO: (_l("Zero rate"), ""),
    Billing.POSTPAID: (_l("Afterwards, by invoice"), ""), Billing.PREPAID: (_l("In advance"), ""),
    ProRata.NONE: (_l("Full period"), ""), ProRata.DAY: (_l("By days"), ""),
    TierPolicy.ALL_UNITS: (_l("One price for all"), ""), TierPolicy.GRADUATED: (_l("Each tier its own price"), ""),
    WhileLocked.BILL: (_l("Billed while locked"), ""), WhileLocked.SKIP: (_l("Not billed while locked"), ""),
    TariffState.DRAFT: (_l("Draft"), ""), TariffState.ACTIVE: (_l("Active"), "ok"), TariffState.RETIRED: (_l("Retired"), ""),
})
