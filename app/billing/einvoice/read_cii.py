"""Reads a Cross Industry Invoice (D16B and later), the syntax of ZUGFeRD and of XRechnung (CII)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.billing.einvoice.facts import Address, Allowance, Contact, EInvoice, Line, Means, Party, Totals, Vat
from app.billing.einvoice.xml_parts import Reader

RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
_r = Reader({"rsm": RSM, "a": RAM, "u": UDT})


def read_cii(root: Any) -> EInvoice:
    text, one = _r.text, _r.one
    document, trade = one(root, "rsm:ExchangedDocument"), one(root, "rsm:SupplyChainTradeTransaction")
    agreement, delivery = one(trade, "a:ApplicableHeaderTradeAgreement"), one(trade, "a:ApplicableHeaderTradeDelivery")
    paid = one(trade, "a:ApplicableHeaderTradeSettlement")
    terms = _r.all(paid, "a:SpecifiedTradePaymentTerms")
    mandate = next((found for row in terms if (found := text(row, "a:DirectDebitMandateID"))), None)
    period, preceding = one(paid, "a:BillingSpecifiedPeriod"), one(paid, "a:InvoiceReferencedDocument")
    deliver_to = one(delivery, "a:ShipToTradeParty/a:PostalTradeAddress")
    type_code = text(document, "a:TypeCode")
    return EInvoice(
        "CII", type_code == "381", text(root, "rsm:ExchangedDocumentContext/a:GuidelineSpecifiedDocumentContextParameter/a:ID"), text(document, "a:ID"),
        type_code, _day(document, "a:IssueDateTime"), next((day for row in terms if (day := _day(row, "a:DueDateDateTime"))), None),
        text(paid, "a:InvoiceCurrencyCode"), text(agreement, "a:BuyerReference"), next((found for row in terms if (found := _r.raw(row, "a:Description"))), None),
        text(paid, "a:CreditorReferenceID"), text(paid, "a:PaymentReference"), [text(row, "a:Content") or "" for row in _r.all(document, "a:IncludedNote")],
        _party(one(agreement, "a:SellerTradeParty")), _party(one(agreement, "a:BuyerTradeParty")), one(agreement, "a:SellerTaxRepresentativeTradeParty") is not None,
        None if deliver_to is None else _address(deliver_to), _day(delivery, "a:ActualDeliverySupplyChainEvent/a:OccurrenceDateTime"),
        None if period is None else (_day(period, "a:StartDateTime"), _day(period, "a:EndDateTime")),
        None if preceding is None else (text(preceding, "a:IssuerAssignedID") or "", None),
        [_means(row, mandate) for row in _r.all(paid, "a:SpecifiedTradeSettlementPaymentMeans")],
        list(map(_allowance, _r.all(paid, "a:SpecifiedTradeAllowanceCharge"))), list(map(_line, _r.all(trade, "a:IncludedSupplyChainTradeLineItem"))),
        list(map(_vat, _r.all(paid, "a:ApplicableTradeTax"))), _totals(paid),
        [name for row in _r.all(agreement, "a:AdditionalReferencedDocument/a:AttachmentBinaryObject") if (name := row.get("filename"))],
        [text(row, "a:URIID") or "" for row in _r.all(agreement, "a:AdditionalReferencedDocument") if one(row, "a:URIID") is not None])


def _day(element: Any, path: str) -> str | None:
    """102 is YYYYMMDD; given back as ISO 8601."""
    value = _r.text(_r.one(element, path), "*")
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if value and len(value) == 8 and value.isdigit() else value


def _party(row: Any) -> Party:
    if row is None:
        return Party()
    text = _r.text
    ids = {found.get("schemeID"): (found.text or "").strip() for found in _r.all(row, "a:SpecifiedTaxRegistration/a:ID")}
    contact, address, endpoint = _r.one(row, "a:DefinedTradeContact"), _r.one(row, "a:PostalTradeAddress"), _r.one(row, "a:URIUniversalCommunication/a:URIID")
    return Party(
        text(row, "a:Name"), ids.get("VA"), ids.get("FC"), text(row, "a:ID"), None if endpoint is None else (endpoint.get("schemeID"), endpoint.text),
        None if address is None else _address(address),
        None if contact is None else Contact(text(contact, "a:PersonName") or text(contact, "a:DepartmentName"),
                                             text(contact, "a:TelephoneUniversalCommunication/a:CompleteNumber"),
                                             text(contact, "a:EmailURIUniversalCommunication/a:URIID")))


def _address(row: Any) -> Address:
    text = _r.text
    return Address(text(row, "a:LineOne"), text(row, "a:LineTwo"), text(row, "a:PostcodeCode"), text(row, "a:CityName"), text(row, "a:CountrySubDivisionName"),
                   text(row, "a:CountryID"))


def _means(row: Any, mandate: str | None) -> Means:
    account, payer = _r.one(row, "a:PayeePartyCreditorFinancialAccount"), _r.one(row, "a:PayerPartyDebtorFinancialAccount")
    return Means(_r.text(row, "a:TypeCode"), _r.text(row, "a:Information"), account is not None,
                 _r.text(account, "a:IBANID") or _r.text(account, "a:ProprietaryID"), _r.text(account, "a:AccountName"),
                 _r.text(row, "a:PayeeSpecifiedCreditorFinancialInstitution/a:BICID"), _r.one(row, "a:ApplicableTradeSettlementFinancialCard") is not None,
                 payer is not None or mandate is not None, mandate, _r.text(payer, "a:IBANID"))


def _allowance(row: Any) -> Allowance:
    return Allowance(_r.text(row, "a:ChargeIndicator/u:Indicator") in ("true", "1"), _r.amount(row, "a:ActualAmount") or Decimal(0), _r.amount(row, "a:BasisAmount"),
                     _r.amount(row, "a:CalculationPercent"), _r.text(row, "a:CategoryTradeTax/a:CategoryCode"),
                     _r.amount(row, "a:CategoryTradeTax/a:RateApplicablePercent"), _r.text(row, "a:Reason"))


def _line(row: Any) -> Line:
    price = _r.one(row, "a:SpecifiedLineTradeAgreement/a:NetPriceProductTradePrice")
    paid = _r.one(row, "a:SpecifiedLineTradeSettlement")
    billed = "a:SpecifiedLineTradeDelivery/a:BilledQuantity"
    return Line(_r.text(row, "a:AssociatedDocumentLineDocument/a:LineID") or "", _r.text(row, "a:SpecifiedTradeProduct/a:Name"), _r.amount(row, billed),
                _r.attribute(row, billed, "unitCode"), _r.amount(price, "a:ChargeAmount"),
                _r.amount(paid, "a:SpecifiedTradeSettlementLineMonetarySummation/a:LineTotalAmount"), _r.text(paid, "a:ApplicableTradeTax/a:CategoryCode"),
                _r.amount(paid, "a:ApplicableTradeTax/a:RateApplicablePercent"), _r.amount(price, "a:BasisQuantity"),
                _r.text(row, "a:SpecifiedTradeProduct/a:SellerAssignedID"), _r.one(paid, "a:BillingSpecifiedPeriod") is not None,
                list(map(_allowance, _r.all(paid, "a:SpecifiedTradeAllowanceCharge"))))


def _vat(row: Any) -> Vat:
    return Vat(_r.text(row, "a:CategoryCode"), _r.amount(row, "a:RateApplicablePercent"), _r.amount(row, "a:BasisAmount"), _r.amount(row, "a:CalculatedAmount"),
               _r.text(row, "a:ExemptionReason"), _r.text(row, "a:ExemptionReasonCode"))


def _totals(paid: Any) -> Totals:
    row, amount = _r.one(paid, "a:SpecifiedTradeSettlementHeaderMonetarySummation"), _r.amount
    return Totals(amount(row, "a:LineTotalAmount"), amount(row, "a:AllowanceTotalAmount"), amount(row, "a:ChargeTotalAmount"), amount(row, "a:TaxBasisTotalAmount"),
                  amount(row, "a:TaxTotalAmount"), amount(row, "a:GrandTotalAmount"), amount(row, "a:TotalPrepaidAmount"), amount(row, "a:RoundingAmount"),
                  amount(row, "a:DuePayableAmount"))
