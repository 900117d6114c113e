//! The words of a readable document. Few and fixed, so they are here and not among the portal's.

use std::str::FromStr;

/// In which language a document is shown. Texts of the document itself stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Lithuanian.
    Lithuanian,
    /// English.
    English,
}

impl Language {
    /// Its tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Lithuanian => "lt",
            Self::English => "en",
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::Lithuanian => &LITHUANIAN,
            Self::English => &ENGLISH,
        }
    }
}

/// No language of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language is lt or en")]
pub struct NoLanguage;

impl FromStr for Language {
    type Err = NoLanguage;

    fn from_str(tag: &str) -> Result<Self, NoLanguage> {
        [Self::Lithuanian, Self::English].into_iter().find(|language| language.tag() == tag).ok_or(NoLanguage)
    }
}

/// Words of one language.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) language: Language,
    pub(crate) vat_invoice: &'static str,
    pub(crate) invoice: &'static str,
    pub(crate) vat_credit_note: &'static str,
    pub(crate) credit_note: &'static str,
    pub(crate) number: &'static str,
    pub(crate) seller: &'static str,
    pub(crate) buyer: &'static str,
    pub(crate) code: &'static str,
    pub(crate) certificate: &'static str,
    pub(crate) vat_number: &'static str,
    pub(crate) endpoint: &'static str,
    pub(crate) issued: &'static str,
    pub(crate) due: &'static str,
    pub(crate) period: &'static str,
    pub(crate) statement: &'static str,
    pub(crate) contract: &'static str,
    pub(crate) order: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) of_invoice: &'static str,
    pub(crate) services: &'static str,
    pub(crate) line: &'static str,
    pub(crate) service: &'static str,
    pub(crate) day: &'static str,
    pub(crate) pupils: &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) vat: &'static str,
    pub(crate) net: &'static str,
    pub(crate) tax: &'static str,
    pub(crate) gross: &'static str,
    pub(crate) exempt: &'static str,
    pub(crate) outside: &'static str,
    pub(crate) taxation: &'static str,
    pub(crate) group_rated: &'static str,
    pub(crate) group_exempt: &'static str,
    pub(crate) group_outside: &'static str,
    pub(crate) category: &'static str,
    pub(crate) taxable: &'static str,
    pub(crate) total_net: &'static str,
    pub(crate) total_tax: &'static str,
    pub(crate) total_gross: &'static str,
    pub(crate) payable: &'static str,
    pub(crate) credited: &'static str,
    pub(crate) payment: &'static str,
    pub(crate) account: &'static str,
    pub(crate) bank: &'static str,
    pub(crate) holder: &'static str,
    pub(crate) payment_reference: &'static str,
    pub(crate) terms: &'static str,
    pub(crate) notes: &'static str,
    pub(crate) page: &'static str,
    pub(crate) of_pages: &'static str,
    pub(crate) readable: &'static str,
}

const LITHUANIAN: Words = Words {
    language: Language::Lithuanian,
    vat_invoice: "PVM sąskaita faktūra",
    invoice: "Sąskaita faktūra",
    vat_credit_note: "Kreditinė PVM sąskaita faktūra",
    credit_note: "Kreditinė sąskaita faktūra",
    number: "Nr.",
    seller: "Pardavėjas",
    buyer: "Pirkėjas",
    code: "Kodas",
    certificate: "Individualios veiklos pažyma",
    vat_number: "PVM mokėtojo kodas",
    endpoint: "Elektroninis adresas",
    issued: "Išrašyta",
    due: "Apmokėti iki",
    period: "Laikotarpis",
    statement: "Suvestinė",
    contract: "Sutartis",
    order: "Užsakymas",
    reference: "Pirkėjo nuoroda",
    of_invoice: "Kredituojama sąskaita",
    services: "Paslaugos",
    line: "Nr.",
    service: "Paslauga ir užsakymas",
    day: "Suteikta",
    pupils: "Mokinių",
    quantity: "Kiekis",
    vat: "PVM tarifas",
    net: "Be PVM",
    tax: "PVM",
    gross: "Su PVM",
    exempt: "neapm.",
    outside: "–",
    taxation: "Apmokestinimas",
    group_rated: "PVM",
    group_exempt: "PVM neapmokestinama",
    group_outside: "Ne PVM mokėtojas",
    category: "PVM kategorija",
    taxable: "Apmokestinama vertė",
    total_net: "Iš viso be PVM",
    total_tax: "PVM",
    total_gross: "Iš viso su PVM",
    payable: "Mokėti",
    credited: "Kredituojama",
    payment: "Mokėjimas",
    account: "Sąskaita",
    bank: "Banko kodas",
    holder: "Gavėjas",
    payment_reference: "Mokėjimo paskirtis",
    terms: "Sąlygos",
    notes: "Pastabos",
    page: "psl.",
    of_pages: "iš",
    readable: "Tai elektroninės sąskaitos atvaizdas. Galioja elektroninė sąskaita (UBL 2.1).",
};

const ENGLISH: Words = Words {
    language: Language::English,
    vat_invoice: "VAT invoice",
    invoice: "Invoice",
    vat_credit_note: "VAT credit note",
    credit_note: "Credit note",
    number: "No.",
    seller: "Seller",
    buyer: "Buyer",
    code: "Code",
    certificate: "Certificate of individual activity",
    vat_number: "VAT number",
    endpoint: "Electronic address",
    issued: "Issued",
    due: "Due",
    period: "Period",
    statement: "Statement",
    contract: "Contract",
    order: "Order",
    reference: "Buyer's reference",
    of_invoice: "Credits invoice",
    services: "Services",
    line: "No.",
    service: "Service and order",
    day: "Supplied",
    pupils: "Pupils",
    quantity: "Quantity",
    vat: "VAT rate",
    net: "Net",
    tax: "VAT",
    gross: "With VAT",
    exempt: "exempt",
    outside: "–",
    taxation: "Taxation",
    group_rated: "VAT",
    group_exempt: "Exempt from VAT",
    group_outside: "Not registered for VAT",
    category: "VAT category",
    taxable: "Taxable amount",
    total_net: "Total without VAT",
    total_tax: "VAT",
    total_gross: "Total with VAT",
    payable: "To pay",
    credited: "Credited",
    payment: "Payment",
    account: "Account",
    bank: "Bank",
    holder: "Payee",
    payment_reference: "Payment reference",
    terms: "Terms",
    notes: "Notes",
    page: "Page",
    of_pages: "of",
    readable: "This is an image of an electronic invoice. The electronic invoice (UBL 2.1) is what holds.",
};
