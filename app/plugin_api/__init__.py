"""All that a plugin may import of the core, besides the public models and services of the slices (docs/plugins.md)."""

from app.core import clock, formats
from app.core.actor import current_actor
from app.core.apart import ends_all
from app.core.db import after_commit, db, let_go, transaction
from app.core.errors import Conflict, DomainError, Held, InvalidInput
from app.core.jobs import Context as JobContext
from app.core.jobs import Job
from app.core.money import MoneyType, PriceType, from_cents, round_money, to_cents
from app.core.sql import among
from app.core.states import Stateful, name_states
from app.core.types import BigId, Json, UTCDateTime, words
from app.plugin_api.accounting import AccountingExport, ExportFile, ExportRequest
from app.plugin_api.base import API_VERSION, Plugin
from app.plugin_api.contracts import AdminPage, InvoiceExtra, InvoiceFacts, PayAction, PayDemand, PaymentMethod
from app.plugin_api.mail import MailTemplate, Placeholder
from app.plugin_api.payment import (
    PaidFacts,
    PayerFacts,
    PaymentBlock,
    PaymentIntake,
    PaymentMeans,
    Picture,
    RefundAnswer,
)
from app.plugin_api.portal import PortalEntry, PortalVisitor, portal_page, portal_visitor
from app.plugin_api.provisioning import (
    GroupState,
    Health,
    ProvisioningDriver,
    ProvisioningError,
    Refused,
    ServerAccess,
    TryLater,
    Unknown,
    UserState,
)
from app.plugin_api.rest import ApiField, ApiResource
from app.plugin_api.sms import SmsGateway, SmsMessage, SmsReceipt, SmsReport

__all__ = [
    "API_VERSION", "AccountingExport", "AdminPage", "ApiField", "ApiResource", "BigId", "Conflict",
    "DomainError", "ExportFile", "ExportRequest", "GroupState", "Health", "Held", "InvalidInput",
    "InvoiceExtra", "InvoiceFacts", "Job", "JobContext", "Json", "MailTemplate", "MoneyType", "PaidFacts",
    "PayAction", "PayDemand", "PayerFacts", "PaymentBlock", "PaymentIntake", "PaymentMeans", "PaymentMethod",
    "Picture", "Placeholder", "Plugin", "PortalEntry", "PortalVisitor", "PriceType", "ProvisioningDriver",
    "ProvisioningError", "RefundAnswer", "Refused", "ServerAccess", "SmsGateway", "SmsMessage", "SmsReceipt",
    "SmsReport", "Stateful", "TryLater", "UTCDateTime", "Unknown", "UserState", "after_commit", "among",
    "clock", "current_actor", "db", "ends_all", "formats", "from_cents", "let_go", "name_states", "portal_page", "portal_visitor", "round_money", "to_cents",
    "transaction", "words",
]
