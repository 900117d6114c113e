//! A kept document as a page and as a file, for all who see its statement.

use std::sync::Arc;

use askama::Template;
use keis_einvoice_print::{Language, Sheet};
use keis_ledger::ids::Commitment;
use keis_registry::documents::Kept;
use keis_registry::invoices::PaperKind;
use keis_registry::{Actor, RegistryError};
use keis_wallet::client::StatementView;
use warp::http::{HeaderValue, header};
use warp::reply::Response;

use crate::billing::told::{DocumentLook, look};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Lang;

#[derive(Template)]
#[template(path = "parts/document_page.html")]
struct DocumentPage {
    f: Frame,
    back: String,
    back_label: String,
    xml: String,
    /// The same to be printed, in the language of the page.
    pdf: String,
    hash: String,
    drawn: bool,
    look: DocumentLook,
}

/// The document that a query's `file` names, of a statement; nothing for who may not see it.
pub(crate) async fn find(site: &Site, call: &Call, actor: &Actor, view: &StatementView) -> Result<Kept, Trouble> {
    let file: Commitment = call.query.need("file")?;
    match site.registry.document(actor, view.year, view.id, &file).await {
        Ok(found) => found.ok_or(Trouble::NotFound),
        Err(RegistryError::Denied(_)) => Err(Trouble::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// The document as a page.
pub(crate) async fn show(
    site: &Arc<Site>,
    call: &Call,
    section: Section,
    (back, back_label): (String, String),
    kept: &Kept,
) -> Answer {
    let w = call.words();
    let title = match kept.kind {
        PaperKind::Invoice => w.with1("inv-invoice-title", "number", &kept.number),
        PaperKind::CreditNote(_) => w.with1("inv-credit-title", "number", &kept.number),
    };
    let xml = format!("{}/xml?year={}&file={}", call.uri.path(), kept.year, kept.commitments.file);
    let pdf = format!("{xml}&form=pdf");
    let hash = keis_registry::invoices::FileMark::of("", &kept.bytes).hash_text();
    let f = call.frame(site, section, title).await?;
    page(&DocumentPage { f, back, back_label, xml, pdf, hash, drawn: kept.facts.is_some(), look: look(w, kept)? })
}

/// The document as a file: itself, or with `form=pdf` a PDF in the language of the page.
pub(crate) async fn file(call: &Call, kept: Kept) -> Answer {
    if call.query.get("form") != Some("pdf") {
        let name = kept.file_name();
        return named(&name, "application/xml; charset=utf-8", kept.bytes);
    }
    let language = match call.words().lang() {
        Lang::Lt => Language::Lithuanian,
        Lang::En => Language::English,
    };
    let name = format!("{}.pdf", kept.file_name().trim_end_matches(".xml"));
    let print = move || Sheet::of_xml(&kept.bytes, language).map(|sheet| sheet.to_pdf());
    let printed = tokio::task::spawn_blocking(print).await.map_err(Trouble::internal)?;
    let pdf = printed.map_err(Trouble::internal)?.map_err(Trouble::internal)?;
    named(&name, "application/pdf", pdf)
}

fn named(name: &str, media_type: &'static str, bytes: Vec<u8>) -> Answer {
    let plain: String = name.chars().map(|letter| if letter.is_ascii() { letter } else { '_' }).collect();
    let escaped: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{escaped}");
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).map_err(Trouble::internal)?);
    Ok(response)
}
