"""Writes a Cross Industry Invoice of EN 16931. Elements stand in the order of the schema; what is None is left out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from app.billing.einvoice.facts import PROCESS, Address, Allowance, EInvoice, Line, Means, Party, Vat
from app.billing.einvoice.read_cii import RAM, RSM, UDT

NAMES = {"rsm": RSM, "ram": RAM, "udt": UDT, "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"}


def write_cii(invoice: EInvoice) -> bytes:
    root = etree.Element(f"{{{RSM}}}CrossIndustryInvoice", nsmap=NAMES)
    context = _rsm(root, "ExchangedDocumentContext")
    _text(_add(context, "BusinessProcessSpecifiedDocumentContextParameter"), "ID", PROCESS)
    _text(_add(context, "GuidelineSpecifiedDocumentContextParameter"), "ID", invoice.specification)
    document = _rsm(root, "ExchangedDocument")
    _text(document, "ID", invoice.number)
    _text(document, "TypeCode", invoice.type_code)
    _day(document, "IssueDateTime", invoice.issued_on)
    for note in invoice.notes:
        _text(_add(document, "IncludedNote"), "Content", note)
    trade = _rsm(root, "SupplyChainTradeTransaction")
    for line in invoice.lines:
        _line(trade, line)
    agreement = _add(trade, "ApplicableHeaderTradeAgreement")
    _text(agreement, "BuyerReference", invoice.buyer_reference)
    _party(agreement, "SellerTradeParty", invoice.seller)
    _party(agreement, "BuyerTradeParty", invoice.buyer)
    delivery = _add(trade, "ApplicableHeaderTradeDelivery")
    if invoice.deliver_to is not None:
        _address(_add(delivery, "ShipToTradeParty"), invoice.deliver_to)
    if invoice.delivered_on:
        _day(_add(delivery, "ActualDeliverySupplyChainEvent"), "OccurrenceDateTime", invoice.delivered_on)
    _settlement(_add(trade, "ApplicableHeaderTradeSettlement"), invoice)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _settlement(paid: Any, invoice: EInvoice) -> None:
    sums = invoice.totals
    _text(paid, "CreditorReferenceID", invoice.creditor_id)
    _text(paid, "PaymentReference", invoice.remittance)
    _text(paid, "InvoiceCurrencyCode", invoice.currency)
    for means in invoice.means:
        _means(paid, means)
    for vat in invoice.vat:
        _vat(paid, vat)
    if invoice.period is not None:
        period = _add(paid, "BillingSpecifiedPeriod")
        _day(period, "StartDateTime", invoice.period[0])
        _day(period, "EndDateTime", invoice.period[1])
    for row in invoice.allowances:
        _allowance(paid, row)
    mandate = next((means.mandate for means in invoice.means if means.mandate), None)
    if invoice.payment_terms or invoice.due_on or mandate:
        terms = _add(paid, "SpecifiedTradePaymentTerms")
        _text(terms, "Description", invoice.payment_terms)
        _day(terms, "DueDateDateTime", invoice.due_on)
        _text(terms, "DirectDebitMandateID", mandate)
    total = _add(paid, "SpecifiedTradeSettlementHeaderMonetarySummation")
    for name, value in (("LineTotalAmount", sums.lines), ("ChargeTotalAmount", sums.charges), ("AllowanceTotalAmount", sums.allowances), ("TaxBasisTotalAmount", sums.net)):
        _amount(total, name, value)
    _amount(total, "TaxTotalAmount", sums.tax, currencyID=invoice.currency)
    for name, value in (("RoundingAmount", sums.rounding), ("GrandTotalAmount", sums.gross), ("TotalPrepaidAmount", sums.prepaid), ("DuePayableAmount", sums.payable)):
        _amount(total, name, value)
    if invoice.preceding is not None:
        before = _add(paid, "InvoiceReferencedDocument")
        _text(before, "IssuerAssignedID", invoice.preceding[0])
        if invoice.preceding[1]:
            stamp = _add(before, "FormattedIssueDateTime")
            found = etree.SubElement(stamp, f"{{{NAMES['qdt']}}}DateTimeString", {"format": "102"})
            found.text = _compact(invoice.preceding[1])


def _add(parent: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{RAM}}}{name}", attributes)


def _rsm(parent: Any, name: str) -> Any:
    return etree.SubElement(parent, f"{{{RSM}}}{name}")


def _text(parent: Any, name: str, value: str | None, **attributes: str | None) -> None:
    if value is not None:
        _add(parent, name, **{key: text for key, text in attributes.items() if text is not None}).text = clean(value)


def clean(value: str) -> str:
    """Without the characters that XML cannot carry."""
    return "".join(char for char in value if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff"))


def _compact(day: date | str) -> str:
    return day.strftime("%Y%m%d") if isinstance(day, date) else day.replace("-", "")


def _day(parent: Any, name: str, value: date | str | None) -> None:
    if value:
        etree.SubElement(_add(parent, name), f"{{{UDT}}}DateTimeString", {"format": "102"}).text = _compact(value)


def _amount(parent: Any, name: str, value: Decimal | None, **attributes: str | None) -> None:
    if value is not None:
        _text(parent, name, f"{value:.2f}", **attributes)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _party(parent: Any, name: str, party: Party) -> None:
    row = _add(parent, name)
    _text(row, "ID", party.identifier)
    _text(row, "Name", party.name)
    if party.contact is not None:
        contact = _add(row, "DefinedTradeContact")
        _text(contact, "PersonName", party.contact.name)
        if party.contact.phone is not None:
            _text(_add(contact, "TelephoneUniversalCommunication"), "CompleteNumber", party.contact.phone)
        if party.contact.email is not None:
            _text(_add(contact, "EmailURIUniversalCommunication"), "URIID", party.contact.email)
    if party.address is not None:
        _address(row, party.address)
    if party.endpoint is not None:
        _text(_add(row, "URIUniversalCommunication"), "URIID", party.endpoint[1], schemeID=party.endpoint[0])
    for scheme, number in (("FC", party.tax_number), ("VA", party.vat_id)):
        if number:
            _text(_add(row, "SpecifiedTaxRegistration"), "ID", number, schemeID=scheme)


def _address(parent: Any, address: Address) -> None:
    row = _add(parent, "PostalTradeAddress")
    for name, value in (("PostcodeCode", address.postcode), ("LineOne", address.street), ("LineTwo", address.extra), ("CityName", address.city),
                        ("CountryID", address.country), ("CountrySubDivisionName", address.region)):
        _text(row, name, value)


def _means(parent: Any, means: Means) -> None:
    row = _add(parent, "SpecifiedTradeSettlementPaymentMeans")
    _text(row, "TypeCode", means.code)
    _text(row, "Information", means.text)
    if means.card:
        _text(_add(row, "ApplicableTradeSettlementFinancialCard"), "ID", means.card_number)
    if means.debited_iban is not None:
        _text(_add(row, "PayerPartyDebtorFinancialAccount"), "IBANID", means.debited_iban)
    if means.transfer:
        account = _add(row, "PayeePartyCreditorFinancialAccount")
        is_iban = bool(means.iban) and str(means.iban)[:2].isalpha() and str(means.iban)[2:4].isdigit()
        _text(account, "IBANID", means.iban if is_iban else None)
        _text(account, "AccountName", means.account_name)
        _text(account, "ProprietaryID", None if is_iban else means.iban)
        if means.bic:
            _text(_add(row, "PayeeSpecifiedCreditorFinancialInstitution"), "BICID", means.bic)


def _vat(parent: Any, vat: Vat) -> None:
    row = _add(parent, "ApplicableTradeTax")
    _amount(row, "CalculatedAmount", vat.tax)
    _text(row, "TypeCode", "VAT")
    _text(row, "ExemptionReason", vat.reason)
    _amount(row, "BasisAmount", vat.taxable)
    _text(row, "CategoryCode", vat.category)
    _text(row, "ExemptionReasonCode", vat.code)
    _text(row, "RateApplicablePercent", None if vat.rate is None else _plain(vat.rate))


def _allowance(parent: Any, row: Allowance) -> None:
    found = _add(parent, "SpecifiedTradeAllowanceCharge")
    etree.SubElement(_add(found, "ChargeIndicator"), f"{{{UDT}}}Indicator").text = "true" if row.charge else "false"
    _text(found, "CalculationPercent", None if row.percent is None else _plain(row.percent))
    _amount(found, "BasisAmount", row.base)
    _amount(found, "ActualAmount", row.amount)
    _text(found, "Reason", row.reason)
    if row.category:
        tax = _add(found, "CategoryTradeTax")
        _text(tax, "TypeCode", "VAT")
        _text(tax, "CategoryCode", row.category)
        _text(tax, "RateApplicablePercent", None if row.rate is None else _plain(row.rate))


def _line(trade: Any, line: Line) -> None:
    row = _add(trade, "IncludedSupplyChainTradeLineItem")
    _text(_add(row, "AssociatedDocumentLineDocument"), "LineID", line.id)
    product = _add(row, "SpecifiedTradeProduct")
    _text(product, "SellerAssignedID", line.article)
    _text(product, "Name", line.name)
    price = _add(_add(row, "SpecifiedLineTradeAgreement"), "NetPriceProductTradePrice")
    _text(price, "ChargeAmount", None if line.price is None else _plain(line.price))
    if line.base_quantity:
        _text(price, "BasisQuantity", _plain(line.base_quantity), unitCode=line.unit)
    if line.quantity is not None:
        _text(_add(row, "SpecifiedLineTradeDelivery"), "BilledQuantity", _plain(line.quantity), unitCode=line.unit)
    paid = _add(row, "SpecifiedLineTradeSettlement")
    tax = _add(paid, "ApplicableTradeTax")
    _text(tax, "TypeCode", "VAT")
    _text(tax, "CategoryCode", line.category)
    _text(tax, "RateApplicablePercent", None if line.rate is None else _plain(line.rate))
    for allowance in line.allowances:
        _allowance(paid, allowance)
    _amount(_add(paid, "SpecifiedTradeSettlementLineMonetarySummation"), "LineTotalAmount", line.net)
