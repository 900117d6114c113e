//! The PDF as another program reads it.

use std::process::Command;

use keis_einvoice::{Charge, Invoice, text_of};
use keis_einvoice_print::{Language, Sheet};
use keis_ledger::money::Cents;

use crate::cases;

/// What poppler's program says of a PDF.
fn poppler(program: &str, arguments: &[&str], pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("invoice.pdf");
    std::fs::write(&file, pdf).expect("the folder takes a file");
    let output =
        Command::new(program).args(arguments).arg(&file).args((program == "pdftotext").then_some("-")).output();
    let output = output.expect("poppler's programs are installed by `sh tests/prepare.sh`");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text in UTF-8")
}

/// The text, with every space made a plain one.
fn text(pdf: &[u8]) -> String {
    poppler("pdftotext", &["-layout", "-enc", "UTF-8"], pdf).replace(['\u{a0}', '\u{202f}'], " ")
}

fn pages(pdf: &[u8]) -> usize {
    let answer = poppler("pdfinfo", &[], pdf);
    let line = answer.lines().find_map(|line| line.strip_prefix("Pages:")).expect("a number of pages");
    line.trim().parse().expect("a number")
}

fn pdf(sheet: &Sheet) -> Vec<u8> {
    sheet.to_pdf().expect("the document fits a PDF")
}

fn case(name: &str) -> Invoice {
    let mut cases = cases::invoices().into_iter();
    cases.find(|(case, _)| case == name).unwrap_or_else(|| panic!("no case {name}")).1
}

/// An amount as Lithuanians write it.
fn lithuanian(amount: Cents) -> String {
    let text = text_of(amount).replace('.', ",");
    let (whole, part) = text.split_once(',').expect("two decimals");
    let digits: Vec<char> = whole.chars().collect();
    let groups: Vec<String> = digits.rchunks(3).rev().map(|group| group.iter().collect()).collect();
    format!("{},{part}", groups.join(" "))
}

#[test]
fn every_case_says_its_parties_sums_and_references_in_both_languages() {
    for (name, invoice) in cases::invoices() {
        let (facts, totals) = (invoice.facts(), invoice.totals());
        for language in [Language::Lithuanian, Language::English] {
            let text = text(&pdf(&Sheet::of_invoice(&invoice, language)));
            let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for wanted in [
                facts.heading.number.to_string(),
                facts.heading.issued.to_string(),
                facts.heading.due.to_string(),
                facts.settlement.statement.to_string(),
                facts.seller.name.to_string(),
                facts.seller.address.city.to_string(),
                "LT12 1000 0111 0100 1000".to_owned(),
            ] {
                assert!(plain.contains(&wanted), "{name}: {wanted} is missing in\n{text}");
            }
            if language == Language::Lithuanian {
                for amount in [totals.net, totals.tax, totals.gross] {
                    assert!(plain.contains(&format!("{} €", lithuanian(amount))), "{name}: {amount} in\n{text}");
                }
            }
        }
    }
}

/// Sums of the columns of a table of lines, from rows that end in three amounts.
fn columns(text: &str) -> [u64; 3] {
    let cents = |word: &str| word.replace(',', "").replace('.', "").parse::<u64>().ok();
    let mut sums = [0; 3];
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_row = words.len() > 6 && words.iter().any(|word| word.len() == 10 && word.starts_with("2026-"));
        if let (true, [.., net, tax, gross]) = (is_row, words.as_slice())
            && let (Some(net), Some(tax), Some(gross)) = (cents(net), cents(tax), cents(gross))
        {
            sums = [sums[0] + net, sums[1] + tax, sums[2] + gross];
        }
    }
    sums
}

#[test]
fn two_thousand_lines_stand_on_pages_that_are_numbered_and_headed() {
    let invoice = case("lines-2000");
    let pdf = pdf(&Sheet::of_invoice(&invoice, Language::English));
    let (text, pages) = (text(&pdf), pages(&pdf));
    assert!((60..=140).contains(&pages), "{pages} pages");
    assert_eq!(text.matches("Service and order").count(), pages - usize::from(!last_has_lines(&text)), "{pages} pages");
    for page in 1..=pages {
        assert!(text.contains(&format!("Page {page} of {pages}")), "page {page} of {pages}");
    }
    let plain: String = text.split_whitespace().collect();
    for order in invoice.lines().iter().map(|line| line.order.to_string()) {
        assert!(plain.contains(&order), "{order} is missing");
    }
    let totals = invoice.totals();
    assert_eq!(columns(&text), [totals.net, totals.tax, totals.gross].map(Cents::get));
}

/// Whether the last page shows lines, and not only what stands below them.
fn last_has_lines(text: &str) -> bool {
    let last = text.trim_end_matches('\u{c}').rsplit('\u{c}').next().unwrap_or_default();
    last.contains("ord_")
}

#[test]
fn letters_are_read_back_and_those_that_turn_text_around_are_left_out() {
    let mut facts = cases::mixed();
    let alphabet = "Aą Cč Eę Eė Iį Sš Uų Uū Zž ĄČĘĖĮŠŲŪŽ „žalčių“ – €";
    facts.heading.note = Some(cases::text(&format!("{alphabet} Ελλάς Киев 漢 \u{202e}atsukta")));
    let invoice = Invoice::draw(facts).expect("a sound invoice");
    let text = text(&pdf(&Sheet::of_invoice(&invoice, Language::Lithuanian)));
    assert!(text.contains(&format!("{alphabet} Ελλάς Киев 漢 atsukta")), "{text}");
    for word in ["PVM sąskaita faktūra", "Pardavėjas", "Pirkėjas", "Šiauliai", "Žemaitės g. 7-2", "Kuršėnų"] {
        let invoice = if word == "Kuršėnų" { case("school-money") } else { invoice.clone() };
        let shown = self::text(&pdf(&Sheet::of_invoice(&invoice, Language::Lithuanian)));
        assert!(shown.contains(word), "{word} is missing in\n{shown}");
    }
}

#[test]
fn a_credit_note_names_its_invoice_and_its_sums() {
    for (name, note) in cases::credit_notes() {
        let text = text(&pdf(&Sheet::of_credit_note(&note, Language::Lithuanian)));
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let invoice = &note.invoice().facts().heading;
        assert!(plain.contains("Kreditinė"), "{name}");
        assert!(plain.contains(&format!("{} ({})", invoice.number, invoice.issued)), "{name}: {text}");
        assert!(plain.contains(&format!("Kredituojama {} €", lithuanian(note.totals().gross))), "{name}: {text}");
        assert!(!plain.contains("LT12 1000"), "{name}: nobody pays a credit note to the seller");
    }
}

#[test]
fn equal_documents_give_equal_bytes_dated_by_their_day_of_issue() {
    let invoice = case("mixed");
    let first = pdf(&Sheet::of_invoice(&invoice, Language::Lithuanian));
    assert_eq!(first, pdf(&Sheet::of_invoice(&invoice, Language::Lithuanian)));
    assert!(poppler("pdfinfo", &["-isodates"], &first).contains("CreationDate:    2026-04-02T00:00:00Z"));
    let marked = String::from_utf8_lossy(&first).contains("pdfaid:part>2<");
    assert!(marked, "it says that it is PDF/A-2");
}

#[test]
fn a_provider_s_own_file_is_shown_as_far_as_it_says_things() {
    let invoice = case("standard-many");
    let xml = String::from_utf8(invoice.to_xml()).expect("UTF-8");
    let (mut foreign, mut rest) = (String::new(), xml.as_str());
    // Without what only our own documents say.
    while let Some((before, after)) = rest.split_once("<cac:AdditionalItemProperty>") {
        foreign.push_str(before);
        rest = after.split_once("</cac:AdditionalItemProperty>").expect("an element ends").1;
    }
    foreign.push_str(rest);
    let sheet = Sheet::of_xml(foreign.as_bytes(), Language::English).expect("UBL");
    let text = text(&pdf(&sheet));
    assert!(text.contains("Quantity") && !text.contains("Pupils"), "{text}");
    let nets: Vec<String> = invoice.lines().iter().map(|line: &Charge| text_of(line.net)).collect();
    assert!(nets.iter().all(|net| text.contains(net.as_str())), "{nets:?} in\n{text}");
}
