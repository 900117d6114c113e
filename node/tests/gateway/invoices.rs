//! E-invoices from the operator's folder: whom they are served to, in which form, and what is never served.

use std::fs;
use std::path::Path;

use keis_ledger::ids::{Commitment, ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::SettlementOperation;
use keis_node::gateway::Settings;
use keis_wallet::client::{Client, InvoiceForm, Policy};
use serde_json::json;

use crate::acts::{INVOICE, bill, bind_account, reverse, settlement};
use crate::party::{
    OTHER_PROVIDER_KEY, OTHER_SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, STATEMENT, STRANGER_KEY, Signing,
    TEACHER_KEY, request_orders, serving, settle,
};
use crate::support::{AUDITOR, Answer, BUDGET_HOLDER, OPERATOR, ORDER, Stand, YEAR, key};

const XML: &str = "<Invoice/>";

fn put(folder: &Path, paper: Commitment, ending: &str, content: &str) {
    let folder = folder.join(YEAR.to_string()).join(STATEMENT.to_string());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{paper}.{ending}")), content).unwrap();
}

fn path() -> String {
    format!("/v1/settlements/{STATEMENT}/invoice?year={YEAR}")
}

/// A node with an approved invoice, and the folder that it serves.
async fn stand() -> (Stand, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { invoices: Some(folder.path().to_owned()), ..Settings::default() };
    let mut stand = serving(settings).await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    bill(&mut stand).await;
    (stand, folder)
}

async fn read(stand: &Stand, seed: u8, path: &str, head: &[(&str, &str)]) -> Answer {
    stand.read_as(path, &Signing::of(stand, seed, path), head).await
}

#[tokio::test(flavor = "multi_thread")]
async fn parties_and_offices_read_it_and_nobody_else() {
    let (stand, folder) = stand().await;
    put(folder.path(), INVOICE, "xml", XML);
    for seed in [PROVIDER_KEY, OPERATOR, BUDGET_HOLDER, AUDITOR] {
        let answer = read(&stand, seed, &path(), &[]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, XML.as_bytes()), "{seed}");
        assert_eq!(answer.header("content-type"), "application/xml");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    // The programme buys here: the school of the pupils is no side of the bill.
    for seed in [SCHOOL_KEY, OTHER_SCHOOL_KEY, OTHER_PROVIDER_KEY, PUPIL_KEY, TEACHER_KEY] {
        read(&stand, seed, &path(), &[]).await.is_problem(403, "not_yours");
    }
    stand.get(&path()).await.is_problem(401, "signature_missing");
    read(&stand, STRANGER_KEY, &path(), &[]).await.is_problem(401, "signature_wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn form_is_the_one_that_is_wanted_most() {
    let (stand, folder) = stand().await;
    for ending in ["xml", "html", "pdf"] {
        put(folder.path(), INVOICE, ending, ending);
    }
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (accept, wanted) in [
        ("", "xml"),
        ("*/*", "xml"),
        ("application/xml", "xml"),
        ("text/xml", "xml"),
        ("application/*", "xml"),
        ("application/pdf", "pdf"),
        ("text/*;q=0.3, application/pdf;q=0.2", "html"),
        ("application/xml;q=0, */*", "html"),
        ("image/png, application/pdf;q=0.1", "pdf"),
        (browser, "html"),
    ] {
        let answer = read(&stand, PROVIDER_KEY, &path(), &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, wanted.as_bytes()), "{accept}");
        assert_eq!(answer.header("vary"), "accept");
    }
    for accept in ["application/zip", "image/*", "application/xml;q=0"] {
        read(&stand, PROVIDER_KEY, &path(), &[("accept", accept)]).await.is_problem(406, "not_acceptable");
    }
    let page = read(&stand, PROVIDER_KEY, &path(), &[("accept", "text/html")]).await;
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let tag = page.header("etag").to_owned();
    let again = read(&stand, PROVIDER_KEY, &path(), &[("accept", "text/html"), ("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = read(&stand, PROVIDER_KEY, &path(), &[("accept", "application/pdf"), ("if-none-match", &tag)]).await;
    assert_eq!(other.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_file_is_never_served() {
    let (mut stand, folder) = stand().await;
    let stray = Commitment([99; 32]);
    put(folder.path(), stray, "xml", "stray");
    read(&stand, OPERATOR, &path(), &[]).await.is_problem(404, "absent_here");
    let list = read(&stand, OPERATOR, &path(), &[("accept", "application/json")]).await.is(200);
    assert_eq!(list["held"], json!([]));
    let with = |paper: &str| format!("{}&paper={paper}", path());
    read(&stand, OPERATOR, &with(&stray.to_string()), &[]).await.is_problem(404, "not_found");
    for wrong in ["x", "../../../etc/passwd", "..%2F..%2Fx"] {
        assert_eq!(read(&stand, OPERATOR, &with(wrong), &[]).await.status, 400, "{wrong}");
    }
    let note = SettlementOperation::CreditNote {
        year: YEAR,
        statement: STATEMENT,
        order: ORDER,
        lines: vec![(0, Cents::new(100))],
        note: stray,
    };
    settlement(&mut stand, PROVIDER_KEY, note).await;
    let answer = read(&stand, PROVIDER_KEY, &with(&stray.to_string()), &[]).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"stray".as_slice()));
    read(&stand, PROVIDER_KEY, &path(), &[]).await.is_problem(404, "absent_here");

    let list = read(&stand, PROVIDER_KEY, &path(), &[("accept", "application/json")]).await.is(200);
    let (invoice, held) = (INVOICE.to_string(), vec![stray.to_string()]);
    assert_eq!(
        list,
        json!({ "year": YEAR, "statement": STATEMENT, "invoice": invoice, "held": held, "reversals": [] })
    );

    // A folder or a link in the place of the file is none.
    let place = folder.path().join(YEAR.to_string()).join(STATEMENT.to_string()).join(format!("{INVOICE}.xml"));
    std::os::unix::fs::symlink("/etc/hostname", &place).unwrap();
    read(&stand, PROVIDER_KEY, &path(), &[]).await.is_problem(404, "absent_here");
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    read(&stand, PROVIDER_KEY, &path(), &[]).await.is_problem(404, "absent_here");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { invoices: Some(folder.path().to_owned()), ..Settings::default() };
    let mut stand = serving(settings).await;
    request_orders(&mut stand).await;
    let other = format!("/v1/settlements/{}/invoice?year={YEAR}", StatementId([77; 16]));
    read(&stand, OPERATOR, &other, &[]).await.is_problem(404, "not_found");
    settle(&mut stand).await;
    read(&stand, OPERATOR, &path(), &[]).await.is_problem(404, "not_found");
    bind_account(&mut stand, 1).await;
    read(&stand, OPERATOR, &format!("{}&paper=1", path()), &[]).await.is_problem(400, "malformed");
    let wrong = format!("/v1/settlements/{}/invoice?year={YEAR}", ProviderId([77; 16]));
    read(&stand, OPERATOR, &wrong, &[]).await.is_problem(400, "malformed");
    read(&stand, OPERATOR, &format!("{}&colour=red", path()), &[]).await.is_problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_reads_every_form() {
    let (stand, folder) = stand().await;
    let client = Client::new(&[&stand.address], Policy::default()).unwrap().signed_by(key(PROVIDER_KEY));
    let key = (YEAR, STATEMENT);
    assert_eq!(client.invoice(key, None, InvoiceForm::Xml).await.unwrap(), None);
    for (ending, form) in [("xml", InvoiceForm::Xml), ("html", InvoiceForm::Html), ("pdf", InvoiceForm::Pdf)] {
        put(folder.path(), INVOICE, ending, ending);
        assert_eq!(client.invoice(key, None, form).await.unwrap(), Some(ending.into()));
        assert_eq!(client.invoice(key, Some(INVOICE), form).await.unwrap(), Some(ending.into()));
    }
    let papers = client.papers(key).await.unwrap().unwrap();
    assert_eq!((papers.invoice, papers.held), (Some(INVOICE), vec![INVOICE]));
    assert_eq!(client.papers((YEAR, StatementId([77; 16]))).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_folder_says_that_it_has_none() {
    let mut stand = serving(Settings::default()).await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    bill(&mut stand).await;
    read(&stand, PROVIDER_KEY, &path(), &[]).await.is_problem(404, "absent_here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_about_a_reversal_is_served_where_the_ledger_has_that_reversal() {
    let (mut stand, folder) = stand().await;
    let note = Commitment([97; 32]);
    let path_of = |paper: Commitment| format!("{}&paper={paper}", path());
    let put_about = |place: &str, paper: Commitment, ending: &str| {
        let folder = folder.path().join(YEAR.to_string()).join(STATEMENT.to_string()).join(place);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{paper}.{ending}")), ending).unwrap();
    };
    put_about("1.0", note, "xml");
    read(&stand, PROVIDER_KEY, &path_of(note), &[]).await.is_problem(404, "not_found");
    reverse(&mut stand, 7).await;
    let history = format!("/v1/orders/{ORDER}/history?year={YEAR}");
    let history = stand.read(OPERATOR, &history).await.is(200);
    let receipts = history["receipts"].as_array().unwrap();
    let reversed = receipts.iter().rfind(|receipt| receipt["kind"] == "order_reversed").unwrap();
    let (height, index) = (reversed["height"].as_u64().unwrap(), reversed["index"].as_u64().unwrap());
    let place = format!("{height}.{index}");
    for ending in ["xml", "html", "pdf"] {
        put_about(&place, note, ending);
    }
    for seed in [PROVIDER_KEY, OPERATOR, BUDGET_HOLDER, AUDITOR] {
        for (accept, wanted) in [("", "xml"), ("text/html", "html"), ("application/pdf", "pdf")] {
            let answer = read(&stand, seed, &path_of(note), &[("accept", accept)]).await;
            assert_eq!((answer.status, answer.body.as_slice()), (200, wanted.as_bytes()), "{seed} {accept}");
        }
    }
    for seed in [SCHOOL_KEY, OTHER_SCHOOL_KEY, OTHER_PROVIDER_KEY, PUPIL_KEY] {
        read(&stand, seed, &path_of(note), &[]).await.is_problem(403, "not_yours");
    }
    // Elsewhere, of another kind of receipt or without the reversal's place, it is a stray file.
    let stray = Commitment([98; 32]);
    for place in [format!("{height}.{}", index + 1), format!("{}.0", height - 1), "x".to_owned()] {
        put_about(&place, stray, "xml");
    }
    put(folder.path(), stray, "xml", "stray");
    read(&stand, OPERATOR, &path_of(stray), &[]).await.is_problem(404, "not_found");
    let list = read(&stand, PROVIDER_KEY, &path(), &[("accept", "application/json")]).await.is(200);
    assert_eq!((&list["held"], &list["reversals"]), (&json!([]), &json!([note.to_string()])));
    let client = Client::new(&[&stand.address], Policy::default()).unwrap().signed_by(key(PROVIDER_KEY));
    let papers = client.papers((YEAR, STATEMENT)).await.unwrap().unwrap();
    assert_eq!((papers.held, papers.reversals), (Vec::new(), vec![note]));
    let held = client.invoice((YEAR, STATEMENT), Some(note), InvoiceForm::Xml).await.unwrap();
    assert_eq!(held, Some("xml".into()));
}
