"""Settings of reminders and of the lawyer list."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting, declare

REMINDERS = _l("Reminders")

declare(
    Setting("reminders.review", bool, True, _l("Look at reminders before they go"), REMINDERS,
            _l("While this is on, the daily run waits until somebody has looked at the letters and approved them. When it is off, they go at once, but for more than are usual.")),
    Setting("reminders.minimum", Decimal, Decimal("0.01"), _l("Smallest sum"), REMINDERS,
            _l("A customer is reminded when what is overdue, less his credit, is at least this, in his currency."), minimum=Decimal("0.01"), maximum=Decimal("99999")),
    Setting("reminders.pay_days", int, 7, _l("Days to pay"), REMINDERS, _l("From the letter to the day that it asks to pay by."), minimum=1, maximum=60),
    Setting("reminders.by_mail", bool, True, _l("Send reminders by e-mail"), REMINDERS,
            _l("To customers who get their invoices by e-mail. The letters of the others are in the document manager, to be printed.")),
    Setting("reminders.folder", str, "Reminders/{year}", _l("Folder"), REMINDERS, _l("Folder of the document manager; {year} and {month} are filled in.")),
    Setting("lawyer.second_person", bool, True, _l("A second person hands over to the lawyer"), REMINDERS,
            _l("While this is on, who chooses the demands cannot hand them over himself.")),
)
