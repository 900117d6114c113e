//! Readable documents, read back: the PDF by poppler, the page as text.

#[path = "../../../tests/einvoice/cases.rs"]
mod cases;

mod html;
mod pdf;
