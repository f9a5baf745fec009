"""Who knows how an issued invoice gets paid: the core (bank transfer, paid in advance), or the plugin of its payment method."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from flask_babel import gettext as _

from app.billing.models import InvoiceKind
from app.core.apart import ends_all, reason_of
from app.core.db import db, in_transaction
from app.core.errors import DomainError, InvalidInput
from app.plugin_api.contracts import InvoiceFacts
from app.plugin_api.registry import plugins

log = logging.getLogger(__name__)
T = TypeVar("T")
TRANSFER = "transfer"
PAID_IN_ADVANCE = "prepaid"     # in place of a payment method: the money was there before


def method_of(head: Any) -> Any:
    """The plugin's method; None where nothing has to be paid, or by bank transfer. Raises InvalidInput while its plugin is not there."""
    if head.kind is not InvoiceKind.INVOICE or head.payment_method in (TRANSFER, PAID_IN_ADVANCE):
        return None
    method = plugins().by_code("payment_methods").get(head.payment_method)
    if method is None:
        raise InvalidInput(_("The payment method “%(method)s” is not installed. Start its plugin, then the PDF is made.", method=head.payment_method))
    return method


def ask(head: Any, method: Any, question: Callable[[InvoiceFacts], T]) -> T:
    """What the method answers to a question of its own. A plugin's fault holds this invoice's files, not those of others: InvalidInput."""
    try:
        return question(InvoiceFacts(head.id, head.number, head.customer_id, head.issued_on, head.due_on, head.currency, head.gross, head.language))
    except DomainError:
        raise
    except Exception as error:
        if ends_all(error):
            raise
        log.exception("payment method %s cannot say how %s is paid", head.payment_method, head.number)
        if not in_transaction():
            db.session.rollback()
        raise InvalidInput(_("The payment method “%(method)s” failed (%(error)s). The PDF is made when that is mended.", method=method.title, error=reason_of(error))) from error
