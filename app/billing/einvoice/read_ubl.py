"""Reads an invoice or credit note of UBL 2.1."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.billing.einvoice.facts import Address, Allowance, Contact, EInvoice, Line, Means, Party, Totals, Vat
from app.billing.einvoice.xml_parts import Reader

INVOICE, CREDIT_NOTE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2", "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
_r = Reader({"c": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2", "b": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"})


def read_ubl(root: Any) -> EInvoice:
    credit = root.tag == f"{{{CREDIT_NOTE}}}CreditNote"
    word = "CreditNote" if credit else "Invoice"
    text, one = _r.text, _r.one
    seller, buyer = one(root, "c:AccountingSupplierParty/c:Party"), one(root, "c:AccountingCustomerParty/c:Party")
    payee = one(root, "c:PayeeParty")
    sepa = [row for row in (*_r.all(seller, "c:PartyIdentification/b:ID"), *_r.all(payee, "c:PartyIdentification/b:ID")) if row.get("schemeID") == "SEPA"]
    period, preceding = one(root, "c:InvoicePeriod"), one(root, "c:BillingReference/c:InvoiceDocumentReference")
    deliver_to = one(root, "c:Delivery/c:DeliveryLocation/c:Address")
    means = _r.all(root, "c:PaymentMeans")
    return EInvoice(
        "UBL", credit, text(root, "b:CustomizationID"), text(root, "b:ID"), text(root, f"b:{word}TypeCode"), text(root, "b:IssueDate"),
        text(root, "b:DueDate") or next((day for row in means if (day := text(row, "b:PaymentDueDate"))), None), text(root, "b:DocumentCurrencyCode"),
        text(root, "b:BuyerReference"), _r.raw(root, "c:PaymentTerms/b:Note"), (sepa[0].text or "").strip() if sepa else None,
        next((found for row in means if (found := text(row, "b:PaymentID"))), None), ["".join(row.itertext()) for row in _r.all(root, "b:Note")],
        _party(seller), _party(buyer), one(root, "c:TaxRepresentativeParty") is not None, None if deliver_to is None else _address(deliver_to),
        text(root, "c:Delivery/b:ActualDeliveryDate"), None if period is None else (text(period, "b:StartDate"), text(period, "b:EndDate")),
        None if preceding is None else (text(preceding, "b:ID") or "", text(preceding, "b:IssueDate")), list(map(_means, means)),
        list(map(_allowance, _r.all(root, "c:AllowanceCharge"))), [_line(row, word) for row in _r.all(root, f"c:{word}Line")],
        list(map(_vat, _r.all(root, "c:TaxTotal/c:TaxSubtotal"))), _totals(root),
        [name for row in _r.all(root, "c:AdditionalDocumentReference/c:Attachment/b:EmbeddedDocumentBinaryObject") if (name := row.get("filename"))],
        [(text(row, "b:URI") or "") for row in _r.all(root, "c:AdditionalDocumentReference/c:Attachment/c:ExternalReference")])


def _is_vat(scheme: Any) -> bool:
    return (_r.text(scheme, "c:TaxScheme/b:ID") or "").upper() == "VAT"


def _party(row: Any) -> Party:
    if row is None:
        return Party()
    text = _r.text
    schemes = _r.all(row, "c:PartyTaxScheme")
    contact, address, endpoint = _r.one(row, "c:Contact"), _r.one(row, "c:PostalAddress"), _r.one(row, "b:EndpointID")
    return Party(
        text(row, "c:PartyLegalEntity/b:RegistrationName"), next((text(s, "b:CompanyID") for s in schemes if _is_vat(s)), None),
        next((text(s, "b:CompanyID") for s in schemes if not _is_vat(s)), None), text(row, "c:PartyIdentification/b:ID"),
        None if endpoint is None else (endpoint.get("schemeID"), endpoint.text), None if address is None else _address(address),
        None if contact is None else Contact(text(contact, "b:Name"), text(contact, "b:Telephone"), text(contact, "b:ElectronicMail")))


def _address(row: Any) -> Address:
    text = _r.text
    return Address(text(row, "b:StreetName"), text(row, "b:AdditionalStreetName"), text(row, "b:PostalZone"), text(row, "b:CityName"),
                   text(row, "b:CountrySubentity"), text(row, "c:Country/b:IdentificationCode"))


def _means(row: Any) -> Means:
    account, mandate = _r.one(row, "c:PayeeFinancialAccount"), _r.one(row, "c:PaymentMandate")
    return Means(_r.text(row, "b:PaymentMeansCode"), _r.attribute(row, "b:PaymentMeansCode", "name"), account is not None, _r.text(account, "b:ID"),
                 _r.text(account, "b:Name"), _r.text(account, "c:FinancialInstitutionBranch/b:ID"), _r.one(row, "c:CardAccount") is not None,
                 mandate is not None, _r.text(mandate, "b:ID"), _r.text(mandate, "c:PayerFinancialAccount/b:ID"))


def _allowance(row: Any) -> Allowance:
    return Allowance(_r.text(row, "b:ChargeIndicator") in ("true", "1"), _r.amount(row, "b:Amount") or Decimal(0), _r.amount(row, "b:BaseAmount"),
                     _r.amount(row, "b:MultiplierFactorNumeric"), _r.text(row, "c:TaxCategory/b:ID"), _r.amount(row, "c:TaxCategory/b:Percent"),
                     _r.text(row, "b:AllowanceChargeReason"))


def _line(row: Any, word: str) -> Line:
    quantity = "b:CreditedQuantity" if word == "CreditNote" else "b:InvoicedQuantity"
    return Line(_r.text(row, "b:ID") or "", _r.text(row, "c:Item/b:Name"), _r.amount(row, quantity), _r.attribute(row, quantity, "unitCode"),
                _r.amount(row, "c:Price/b:PriceAmount"), _r.amount(row, "b:LineExtensionAmount"), _r.text(row, "c:Item/c:ClassifiedTaxCategory/b:ID"),
                _r.amount(row, "c:Item/c:ClassifiedTaxCategory/b:Percent"), _r.amount(row, "c:Price/b:BaseQuantity"),
                _r.text(row, "c:Item/c:SellersItemIdentification/b:ID"), _r.one(row, "c:InvoicePeriod") is not None,
                list(map(_allowance, _r.all(row, "c:AllowanceCharge"))))


def _vat(row: Any) -> Vat:
    return Vat(_r.text(row, "c:TaxCategory/b:ID"), _r.amount(row, "c:TaxCategory/b:Percent"), _r.amount(row, "b:TaxableAmount"), _r.amount(row, "b:TaxAmount"),
               _r.text(row, "c:TaxCategory/b:TaxExemptionReason"), _r.text(row, "c:TaxCategory/b:TaxExemptionReasonCode"))


def _totals(root: Any) -> Totals:
    row, amount = _r.one(root, "c:LegalMonetaryTotal"), _r.amount
    taxes = _r.all(root, "c:TaxTotal")
    currency = _r.text(root, "b:DocumentCurrencyCode")
    tax = next((t for t in taxes if _r.attribute(t, "b:TaxAmount", "currencyID") == currency), taxes[0] if taxes else None)
    return Totals(amount(row, "b:LineExtensionAmount"), amount(row, "b:AllowanceTotalAmount"), amount(row, "b:ChargeTotalAmount"),
                  amount(row, "b:TaxExclusiveAmount"), amount(tax, "b:TaxAmount"), amount(row, "b:TaxInclusiveAmount"), amount(row, "b:PrepaidAmount"),
                  amount(row, "b:PayableRoundingAmount"), amount(row, "b:PayableAmount"))
