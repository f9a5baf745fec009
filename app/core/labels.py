"""Words for columns that many tables have; a view's `label_columns` goes before."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

LABELS: dict[str, Any] = {
    "name": _l("Name"), "name_en": _l("Name in English"), "name_de": _l("Name in German"), "name_pt_br": _l("Name in Portuguese"),
    "title": _l("Title"), "number": _l("Number"), "code": _l("Code"), "state": _l("State"), "kind": _l("Kind"), "note": _l("Note"),
    "text": _l("Text"), "active": _l("Active"), "language": _l("Language"), "currency": _l("Currency"), "country": _l("Country"),
    "street": _l("Street"), "address_extra": _l("Address line 2"), "postcode": _l("Postcode"), "city": _l("City"), "region": _l("State or region"),
    "phone": _l("Phone number"), "email": _l("E-mail"), "contact": _l("Contact"), "company": _l("Company"),
    "customer": _l("Customer"), "customers": _l("Customers"), "representative": _l("Representative"), "partner": _l("Sales partner"),
    "association": _l("Association"), "tariff": _l("Tariff"), "article": _l("Article"), "server": _l("PTT server"), "mode": _l("PTT mode"),
    "modes": _l("PTT modes"), "service": _l("Service"), "license": _l("License"), "alias": _l("Alias"), "user_name": _l("User name"),
    "device": _l("Device"), "network": _l("Mobile network"), "permissions": _l("Permissions"), "sync_state": _l("PTT server state"),
    "valid_from": _l("Valid from"), "valid_to": _l("Valid until"), "active_from": _l("Active from"), "active_to": _l("Last day"),
    "created_at": _l("Created"), "changed_at": _l("Changed"), "since": _l("Since"), "at": _l("Time"), "period": _l("Period"),
    "amount": _l("Amount"), "open": _l("Open"), "net": _l("Net"), "tax": _l("Tax"), "gross": _l("Gross"), "quantity": _l("Quantity"),
    "unit": _l("Unit"), "unit_price": _l("Unit price"), "net_price": _l("Net price"), "rate": _l("Rate in percent"),
    "issued_on": _l("Issued"), "due_on": _l("Due"), "received_on": _l("Received"), "settled_on": _l("Settled"), "reference": _l("Reference"),
    "method": _l("Method"), "payment_method": _l("Payment method"), "invoice": _l("Invoice"), "payment": _l("Payment"),
    "error": _l("Error"), "attempts": _l("Attempts"), "due_at": _l("Next attempt"), "started_at": _l("Started"), "finished_at": _l("Finished"),
    "subject": _l("Subject"), "reason": _l("Reason"), "recipient": _l("Recipient"), "file_name": _l("File"), "size": _l("Size"), "folder": _l("Folder"),
    "tax_class": _l("Tax class"), "vat_id": _l("VAT number"), "tax_number": _l("Tax number"), "iban": _l("IBAN"),
}
