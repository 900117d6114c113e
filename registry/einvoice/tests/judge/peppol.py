"""The rules that Peppol BIS Billing 3.0 adds to EN 16931, those that apply in every country, in our own words and code.

Peppol publishes them as a schematron that no package ships; `RULES` lists each with what it says. Not listed: rules of single
countries (DK, SE, NO, IT, NL, GR, IS, DE) and of identifiers that neither a Lithuanian party nor its buyer has.
"""

import datetime
import re
from decimal import Decimal, InvalidOperation

NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
SPECIFICATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROCESS = re.compile(r"urn:fdc:peppol\.eu:2017:poacc:billing:[0-9]{2}:1\.0")
LINES = "cac:InvoiceLine | cac:CreditNoteLine"
CHARGES = "cac:AllowanceCharge | cac:InvoiceLine/cac:AllowanceCharge | cac:CreditNoteLine/cac:AllowanceCharge"
SLACK = Decimal("0.02")
INVOICE_TYPES = {"71", "80", "82", "84", "102", "218", "219", "326", "331", "380", "382", "383", "386", "388", "393", "395", "553", "575", "623", "780", "817", "870", "875", "876", "877"}
CREDIT_TYPES = {"381", "396", "81", "83", "532"}
# Exemption codes that stand for one category alone.
CATEGORY_OF_CODE = {
    "VATEX-EU-G": "G", "VATEX-EU-O": "O", "VATEX-EU-IC": "K", "VATEX-EU-AE": "AE",
    "VATEX-EU-D": "E", "VATEX-EU-F": "E", "VATEX-EU-I": "E", "VATEX-EU-J": "E",
}


def all_of(node, path):
    return node.xpath(path, namespaces=NAMES)


def texts(node, path):
    return [(found.text or "").strip() for found in all_of(node, path)]


def text(node, path):
    found = texts(node, path)
    return found[0] if found else None


def number(node, path, otherwise="0"):
    try:
        return Decimal(text(node, path) or otherwise)
    except InvalidOperation:
        return Decimal("NaN")


def is_close(one, other):
    return abs(one - other) <= SLACK


def is_credit(root):
    return root.tag.endswith("}CreditNote")


def each(path, holds):
    """A rule about every node of a path."""
    return lambda root: all(holds(node) for node in all_of(root, path))


def no_empty_elements(root):
    return all(len(node) or (node.text or "").strip() for node in root.iter("*"))


def is_date(day):
    try:
        datetime.date.fromisoformat(day)
    except ValueError:
        return False
    return len(day) == 10


def tax_signs(root):
    accounting, currency = text(root, "cbc:TaxCurrencyCode"), text(root, "cbc:DocumentCurrencyCode")
    if accounting is None:
        return True
    of = lambda code: number(root, f"cac:TaxTotal/cbc:TaxAmount[@currencyID='{code}']")
    return of(accounting) * of(currency) >= 0


def net_of_line(line):
    quantity = number(line, "cbc:InvoicedQuantity | cbc:CreditedQuantity", "1")
    base = number(line, "cac:Price/cbc:BaseQuantity", "1") or Decimal(1)
    charges = {"true": Decimal(0), "false": Decimal(0)}
    for charge in all_of(line, "cac:AllowanceCharge"):
        kind = text(charge, "cbc:ChargeIndicator")
        charges[kind] = charges.get(kind, Decimal(0)) + number(charge, "cbc:Amount")
    expected = quantity * (number(line, "cac:Price/cbc:PriceAmount") / base) + charges["true"] - charges["false"]
    return is_close(number(line, "cbc:LineExtensionAmount"), expected)


def inside_period(end, holds):
    def rule(root):
        bound = text(root, f"cac:InvoicePeriod/cbc:{end}")
        return bound is None or all(holds(day, bound) for line in all_of(root, LINES) for day in texts(line, f"cac:InvoicePeriod/cbc:{end}"))

    return rule


def currencies(root):
    currency = text(root, "cbc:DocumentCurrencyCode")
    amounts = [node for node in root.iter("*") if node.get("currencyID")]
    other = all_of(root, "cac:TaxTotal[not(cac:TaxSubtotal)]/cbc:TaxAmount")
    return all(node.get("currencyID") == currency for node in amounts if node not in other)


def units(line):
    base = all_of(line, "cac:Price/cbc:BaseQuantity[@unitCode]")
    quantity = all_of(line, "cbc:InvoicedQuantity | cbc:CreditedQuantity")
    return not base or not quantity or base[0].get("unitCode") == quantity[0].get("unitCode")


def exemption_codes(root):
    for category in all_of(root, "//cac:TaxCategory[cbc:TaxExemptionReasonCode]"):
        only = CATEGORY_OF_CODE.get(text(category, "cbc:TaxExemptionReasonCode").upper())
        if only is not None and text(category, "cbc:ID") != only:
            return False
    return True


R = "PEPPOL-EN16931-R"
RULES = [
    (R + "001", "The business process is named (BT-23).", lambda r: text(r, "cbc:ProfileID") is not None),
    (R + "002", "The document bears one note at most.", lambda r: len(all_of(r, "cbc:Note")) <= 1),
    (R + "003", "A buyer's reference or the number of a purchase order is there.",
     lambda r: bool(all_of(r, "cbc:BuyerReference | cac:OrderReference/cbc:ID"))),
    (R + "004", "The specification (BT-24) is Peppol BIS Billing 3.0.",
     lambda r: (text(r, "cbc:CustomizationID") or "").startswith(SPECIFICATION)),
    (R + "005", "A second currency for VAT is another than the document's.",
     lambda r: text(r, "cbc:TaxCurrencyCode") in (None, "") or text(r, "cbc:TaxCurrencyCode") != text(r, "cbc:DocumentCurrencyCode")),
    (R + "006", "The document names one invoiced object at most.",
     lambda r: len(all_of(r, "cac:AdditionalDocumentReference[cbc:DocumentTypeCode='130']")) <= 1),
    (R + "007", "The business process has Peppol's form with a number of two digits.",
     lambda r: bool(PROCESS.search(text(r, "cbc:ProfileID") or ""))),
    (R + "008", "No element is empty.", no_empty_elements),
    (R + "010", "The buyer has an electronic address.", each("cac:AccountingCustomerParty/cac:Party", lambda p: bool(all_of(p, "cbc:EndpointID")))),
    (R + "020", "The seller has an electronic address.", each("cac:AccountingSupplierParty/cac:Party", lambda p: bool(all_of(p, "cbc:EndpointID")))),
    (R + "040", "An allowance or charge with base and percentage is their product.",
     each(CHARGES, lambda c: not all_of(c, "cbc:MultiplierFactorNumeric") or not all_of(c, "cbc:BaseAmount")
          or is_close(number(c, "cbc:Amount"), number(c, "cbc:BaseAmount") * number(c, "cbc:MultiplierFactorNumeric") / 100))),
    (R + "041", "A percentage of an allowance or charge comes with its base.",
     each(CHARGES, lambda c: not all_of(c, "cbc:MultiplierFactorNumeric") or bool(all_of(c, "cbc:BaseAmount")))),
    (R + "042", "A base of an allowance or charge comes with its percentage.",
     each(CHARGES, lambda c: not all_of(c, "cbc:BaseAmount") or bool(all_of(c, "cbc:MultiplierFactorNumeric")))),
    (R + "043", "Whether it is an allowance or a charge is said by false or true, not by 0 or 1.",
     each(CHARGES, lambda c: text(c, "cbc:ChargeIndicator") in ("true", "false"))),
    (R + "044", "A price bears no charge.", each("//cac:Price/cac:AllowanceCharge", lambda c: text(c, "cbc:ChargeIndicator") == "false")),
    (R + "046", "A net price is the gross price less its allowance.",
     each("//cac:Price[cac:AllowanceCharge/cbc:BaseAmount]", lambda p: number(p, "cbc:PriceAmount")
          == number(p, "cac:AllowanceCharge/cbc:BaseAmount") - number(p, "cac:AllowanceCharge/cbc:Amount"))),
    (R + "051", "Every amount is in the document's currency, but for VAT in a second one.", currencies),
    (R + "053", "There is exactly one VAT total with a breakdown.", lambda r: len(all_of(r, "cac:TaxTotal[cac:TaxSubtotal]")) == 1),
    (R + "054", "A VAT total without breakdown is there once if a second currency is, else never.",
     lambda r: len(all_of(r, "cac:TaxTotal[not(cac:TaxSubtotal)]")) == len(all_of(r, "cbc:TaxCurrencyCode")[:1])),
    (R + "055", "VAT has the same sign in both currencies.", tax_signs),
    (R + "061", "Direct debit names its mandate.",
     each("cac:PaymentMeans[normalize-space(cbc:PaymentMeansCode)='49' or normalize-space(cbc:PaymentMeansCode)='59']",
          lambda m: bool(all_of(m, "cac:PaymentMandate/cbc:ID")))),
    (R + "080", "The document names one project at most.",
     lambda r: len(all_of(r, "cac:AdditionalDocumentReference[cbc:DocumentTypeCode='50']")) <= 1),
    (R + "100", "A line names one invoiced object at most.", each(LINES, lambda line: len(all_of(line, "cac:DocumentReference")) <= 1)),
    (R + "101", "A line's document is nothing but the invoiced object.",
     each(LINES, lambda line: not all_of(line, "cac:DocumentReference") or "130" in texts(line, "cac:DocumentReference/cbc:DocumentTypeCode"))),
    (R + "110", "A line's period begins within the document's.", inside_period("StartDate", lambda day, bound: day >= bound)),
    (R + "111", "A line's period ends within the document's.", inside_period("EndDate", lambda day, bound: day <= bound)),
    (R + "120", "A line's net is quantity times price by base quantity, with charges, less allowances; two cents are rounding.",
     each(LINES, net_of_line)),
    (R + "121", "A price's base quantity is above zero.",
     each("//cac:Price[cbc:BaseQuantity]", lambda p: number(p, "cbc:BaseQuantity") > 0)),
    (R + "130", "A price's base quantity is in the unit of the line's quantity.", each(LINES, units)),
    ("PEPPOL-EN16931-F001", "Every date is YYYY-MM-DD.",
     lambda r: all(is_date(node.text or "") for node in r.iter("*") if node.tag.endswith("Date"))),
    ("PEPPOL-EN16931-P0100", "An invoice has a type that the billing process knows.",
     lambda r: is_credit(r) or text(r, "cbc:InvoiceTypeCode") in INVOICE_TYPES),
    ("PEPPOL-EN16931-P0101", "A credit note has a type that the billing process knows.",
     lambda r: not is_credit(r) or text(r, "cbc:CreditNoteTypeCode") in CREDIT_TYPES),
    ("PEPPOL-EN16931-CL008", "An electronic address is of a scheme to which Peppol delivers: mail and file transfer are none.",
     lambda r: all(re.fullmatch(r"[0-9]{4}", node.get("schemeID") or "") for node in all_of(r, "//cbc:EndpointID"))),
    ("PEPPOL-EN16931-P0104..P0111", "An exemption code that belongs to one VAT category stands with that one.", exemption_codes),
]


def broken(root):
    """The ids of the rules that a document breaks."""
    return [rule for rule, _, holds in RULES if not holds(root)]
