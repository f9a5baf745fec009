"""Settings of direct debits that hold for all bank accounts; what differs by bank stands with the account."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l

from app.plugin_api import InvalidInput
from app.system.settings import Setting
from plugins.sepa.ids import is_mandate_id

SECTION = _l("SEPA direct debit")
ON_DAY, ON_CREDIT = "collection_day", "bank_credit"


def _prefix(value: str) -> None:
    if value and (not is_mandate_id(value) or len(value) > 10):
        raise InvalidInput(_l("At most 10 characters: letters without accents, digits and + ? / - : ( ) . , '"))


SETTINGS = (
    Setting("sepa.mandate_prefix", str, "M-", _l("Mandate references begin with"), SECTION,
            _l("A new mandate is called by this, the customer's number and a counter: M-10042-1."), check=_prefix),
    Setting("sepa.notice_days", int, 14, _l("Days between announcement and collection"), SECTION,
            _l("The rulebook asks for 14 calendar days unless you agreed on fewer with your customers, in your terms or in the mandate; at least 1."), minimum=1, maximum=60),
    Setting("sepa.collect_ahead_days", int, 2, _l("Prepare files so many days ahead"), SECTION,
            _l("Direct debits go into a file when their day of collection is at most this many calendar days after the earliest one that the bank can still reach."), minimum=0, maximum=14),
    Setting("sepa.most_late_days", int, 7, _l("Announce again after days"), SECTION,
            _l("When a collection comes so many days later than it was announced, the customer is told anew before money is taken."), minimum=0, maximum=60),
    Setting("sepa.use_first", bool, False, _l("Mark the first collection (FRST)"), SECTION,
            _l("Banks take RCUR from the first collection on. Switch this on only when your bank asks for FRST.")),
    Setting("sepa.second_person", bool, False, _l("A second person releases files"), SECTION,
            _l("While this is on, a file can be exported only after somebody else than the one who proposed it has released it.")),
    Setting("sepa.book_on", str, ON_DAY, _l("Count a collection as paid"), SECTION,
            _l("On the day of collection: a customer whose account was debited is never reminded or locked, and a return reopens the demand. "
               "On the bank's credit: nothing counts before a statement or a person says that the money is there."),
            choices=[(ON_DAY, _l("on the day of collection")), (ON_CREDIT, _l("when the bank has credited it"))]),
    Setting("sepa.lock_grace_days", int, 10, _l("No lock after a return, days"), SECTION,
            _l("A customer whose direct debit came back is not locked for unpaid demands for so many days: he is told and may pay."), minimum=0, maximum=60),
    Setting("sepa.retry", bool, True, _l("Collect once more by itself"), SECTION,
            _l("After “insufficient funds” and “no reason given” a direct debit is announced and collected one more time.")),
    Setting("sepa.most_amount", Decimal, Decimal("100000.00"), _l("Ask before larger amounts"), SECTION,
            _l("A demand over this is not collected by the run; it stands in the preview with the reason."), minimum=Decimal("0.01"), maximum=Decimal("999999999.99")),
)
