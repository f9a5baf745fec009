"""Settings of boletos that hold for all agreements; what differs by bank stands with the agreement."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting

SECTION = _l("Boleto and Pix")
SETTINGS = (
    Setting("boleto.second_copy_days", int, 3, _l("A second copy may be paid within days"), SECTION,
            _l("Counted from the day on which the customer asks for it; the fine and interest are computed up to the new day."), minimum=0, maximum=30),
    Setting("boleto.page", bool, True, _l("Print the boleto behind the invoice"), SECTION, _l("A page with the payment slip for the bank follows the pages of the invoice.")),
)
