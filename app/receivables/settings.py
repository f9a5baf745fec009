"""Settings of receivables: when unpaid demands lock, and how payments find their demand."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l

import app.receivables.interest_settings
import app.receivables.reminder_settings
import app.system.retention  # noqa: F401  these declare their own
from app.licenses.settings import LOCKS
from app.system.settings import Setting, declare

PAYMENTS = _l("Payments")

declare(
    Setting("locks.threshold", Decimal, Decimal("0.01"), _l("Lock from this overdue sum on"), LOCKS,
            _l("A customer is locked when the demands that may lock him sum up to at least this, in his currency. Once locked he stays so until all of them are paid."),
            minimum=Decimal("0.01"), maximum=Decimal("9999999")),
    Setting("locks.after_days", int, 10, _l("Days after the due date"), LOCKS,
            _l("A demand may lock when more days than these have passed since it was due: due on the 15th with 10 days, locked from the 26th on."),
            minimum=0, maximum=365),
    Setting("locks.require_notice", bool, True, _l("Lock only after a notice"), LOCKS,
            _l("While this is on, a demand locks only when the customer was told the day of the lock and that day has passed: a reminder level with a lock notice does it. "
               "Switch it off when you tell your customers in another way. A day that was named is waited for in any case.")),
    Setting("locks.max_intake_age_hours", int, 0, _l("Lock only with fresh payments, hours"), LOCKS,
            _l("Nobody is locked when a source of payments (bank statement, PayPal) was last read longer ago than this; the hourly run is held and says which. "
               "0: the age is not checked. A source that fails during the run holds the locks in any case."), minimum=0, maximum=24 * 31),
    Setting("payments.allocate_oldest", bool, True, _l("Payments by hand pay the oldest demands"), PAYMENTS,
            _l("Staff knows whose a payment is: when it is entered by hand and neither its reference nor its amount tells which demand is meant, it pays the "
               "oldest that are not disputed. When this is off, and for payments from other sources always, the rest stays as credit and is proposed.")),
    Setting("payments.use_credit", bool, False, _l("Credit pays later invoices by itself"), PAYMENTS,
            _l("When this is off, money that was left over when it came in stays as the customer's credit until staff uses it; it is proposed for later demands. "
               "When it is on, the hourly run lets it pay them, oldest first.")),
    Setting("prepaid.invoices", bool, True, _l("Write invoices for prepaid periods"), PAYMENTS,
            _l("The hourly run writes an invoice for each period that was bought, settled by what was paid in advance. When a period is taken back its invoice is cancelled.")),
    Setting("payments.pass_on_return_fee", bool, True, _l("Pass the bank's fee for returns on"), PAYMENTS,
            _l("The fee that the bank takes for a returned payment becomes a demand on the customer, due after his terms of payment.")),
)
