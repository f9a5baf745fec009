"""Tax numbers of persons and companies: compact form when valid, InvalidInput with advice when not (python-stdnum does the arithmetic)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from stdnum import exceptions
from stdnum.br import cnpj as stdnum_cnpj
from stdnum.br import cpf as stdnum_cpf
from stdnum.eu import vat as stdnum_vat
from stdnum.util import clean

from app.core.errors import InvalidInput


def cpf(text: str, field: str = "tax_number") -> str:
    """11 digits. A digit repeated eleven times has right check digits and is nobody's number."""
    return _checked(stdnum_cpf, text, 11, _("“%(text)s” is not a valid CPF.", text=text), field, repeated=True)


def cnpj(text: str, field: str = "tax_number") -> str:
    """14 characters: digits, since 2026 also capital letters before the two check digits."""
    return _checked(stdnum_cnpj, text.upper() if text.isascii() else text, 14, _("“%(text)s” is not a valid CNPJ.", text=text), field, repeated=True)


def _checked(module: Any, text: str, length: int, message: str, field: str, repeated: bool = False) -> str:
    try:
        compact = module.compact(text)
        if not compact.isascii() or len(compact) != length or (repeated and len(set(compact)) == 1):
            raise InvalidInput(message, field)
        return str(module.validate(compact))
    except exceptions.ValidationError as error:
        raise InvalidInput(message, field) from error


def eu_vat_id(text: str, field: str = "vat_id") -> tuple[str, str]:
    """(prefix of the member state, the number as it was given without spaces and signs); Greece is EL."""
    try:
        stdnum_vat.validate(text)
    except exceptions.ValidationError as error:
        raise InvalidInput(_("“%(text)s” is not a VAT id of a member state of the European Union, for example ATU12345675.", text=text), field) from error
    compact = clean(text, " -./,").upper()
    return compact[:2], compact
