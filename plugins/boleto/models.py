"""All tables of the plugin."""

from plugins.boleto.agreement_models import Agreement
from plugins.boleto.return_models import EventState, ReturnEvent, ReturnFile
from plugins.boleto.slip_models import Order, OrderKind, OrderState, Remittance, RemittanceFile, Slip, SlipState

__all__ = ["Agreement", "EventState", "Order", "OrderKind", "OrderState", "Remittance", "RemittanceFile", "ReturnEvent", "ReturnFile", "Slip", "SlipState"]
