"""All tables of the plugin."""

from plugins.sepa.debit_models import (
    BatchState,
    DebitBatch,
    DebitFile,
    DebitState,
    DirectDebit,
    NoticeState,
    PreNotification,
)
from plugins.sepa.mandate_models import CreditorAccount, Mandate, MandateState
from plugins.sepa.return_models import DebitReturn, ReturnState, StatusReportFile

__all__ = ["CreditorAccount", "DebitReturn", "DebitBatch", "DebitFile", "BatchState", "DirectDebit", "DebitState", "Mandate", "MandateState", "PreNotification", "NoticeState",
           "ReturnState", "StatusReportFile"]
