//! The page as text.

use keis_einvoice::Invoice;
use keis_einvoice_print::{Language, Sheet};

use crate::cases;

fn html(sheet: &Sheet) -> String {
    String::from_utf8(sheet.to_html()).expect("UTF-8")
}

#[test]
fn nothing_of_a_text_is_markup_and_nothing_comes_from_elsewhere() {
    let mut facts = cases::mixed();
    facts.seller.name = cases::text("<script>alert(1)</script> & \"Co\" <img src=x onerror=y>");
    facts.heading.note = Some(cases::text("</style><link rel=stylesheet href=//evil.example>"));
    let page = html(&Sheet::of_invoice(&Invoice::draw(facts).expect("a sound invoice"), Language::English));
    for forbidden in ["<script", "<img", "<link", "<iframe", "src=", "url(", "@import"] {
        let shown = page.replace("&#60;script&#62;", "").replace("&#60;img src=x", "");
        assert!(!shown.contains(forbidden), "{forbidden}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("&#60;script&#62;alert(1)"));
}

#[test]
fn every_document_is_a_page_of_its_language_with_all_lines() {
    for (name, invoice) in cases::invoices() {
        for (language, tag) in [(Language::Lithuanian, "lt"), (Language::English, "en")] {
            let page = html(&Sheet::of_invoice(&invoice, language));
            assert!(page.contains(&format!("<html lang=\"{tag}\">")), "{name}");
            let orders = invoice.lines().iter().filter(|line| page.contains(&line.order.to_string())).count();
            assert_eq!(orders, invoice.lines().len(), "{name}");
        }
    }
}
