//! What people type and send by mistake, or to try: each is answered with words, and nothing of it is kept twice.

use super::invoicing::{attach, prepared};
use super::*;

#[tokio::test]
async fn odd_details_are_refused_or_shown_as_they_are() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let staff = stage.staff().await;
    let details = |series: &'static str, bic: &'static str| {
        [("city", "Šiauliai"), ("country", "LT"), ("series", series), ("bic", bic), ("street", ""), ("contact", "")]
    };
    for (series, bic) in [("LNB\u{7}", ""), ("LNB", "HABALT2"), ("LNB", "12345678901"), ("\u{202e}", "x")] {
        let refused = staff.post("/provider/invoicing", &details(series, bic)).await;
        assert_eq!(refused.status, 422, "{series:?} {bic:?}: {}", refused.text);
    }
    let odd = "Š-<b>&\"/ą;1";
    assert_eq!(staff.post("/provider/invoicing", &details(odd, "")).await.status, 303);
    let made = accepted(&stage);
    let offered = page(&staff, &format!("/provider/statements/{made}/invoice?year=2026")).await;
    assert!(!offered.text.contains("<b>&") && offered.text.contains("Š-&#60;b&#62;"), "{}", offered.text);
    let id = made.to_string();
    let form = [("statement", id.as_str()), ("issued", "2026-05-02")];
    let check = staff.post(&format!("/provider/statements/{made}/invoice/make?year=2026"), &form).await;
    assert_eq!(check.status, 200, "{}", check.text);
    let invoice = check.hidden("invoice");
    let xml = staff.get(&format!("/provider/statements/{made}/paper/xml?year=2026&file={invoice}")).await;
    let read = keis_einvoice::Received::parse(xml.text.as_bytes()).expect("it is UBL");
    assert!(read.number.starts_with(odd), "{}", read.number);
    assert!(xml.header("content-disposition").is_ascii(), "{}", xml.header("content-disposition"));
    stage.site.shutdown().await;
}

#[tokio::test]
async fn an_invoice_that_is_made_twice_at_once_is_one() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let (staff, other) = (stage.staff().await, stage.staff().await);
    let id = made.to_string();
    let make = format!("/provider/statements/{made}/invoice/make?year=2026");
    let form = [("statement", id.as_str()), ("issued", "2026-05-02")];
    let (one, two) = tokio::join!(staff.post(&make, &form), other.post(&make, &form));
    assert_eq!((one.status, two.status), (200, 200), "{} {}", one.text, two.text);
    assert_eq!(one.hidden("invoice"), two.hidden("invoice"));
    assert_eq!(one.hidden("number"), two.hidden("number"));
    let papers = stage.site.registry.papers(&Actor::System("test"), YEAR, made).await.expect("they are read");
    assert_eq!(papers.len(), 1, "{papers:?}");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn odd_files_numbers_and_days_are_told() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let id = made.to_string();
    let staff = stage.staff().await;
    let path = format!("/provider/statements/{made}/invoice?year=2026");
    let make = format!("/provider/statements/{made}/invoice/make?year=2026");
    let long = "9".repeat(61);
    for (number, issued, says) in [
        (long.as_str(), "2026-05-02", "inv-error-number-long"),
        ("1\u{0}2", "2026-05-02", "inv-error-number-long"),
        ("1", "2026-02-30", "inv-error-day"),
        ("1", "99999-01-01", "inv-error-day"),
        ("1", "-1", "inv-error-day"),
    ] {
        let form = [("statement", id.as_str()), ("number", number), ("issued", issued)];
        let refused = staff.post(&make, &form).await;
        assert!(refused.status == 422 && refused.says(says), "{number} {issued}: {} {}", refused.status, refused.text);
    }
    let statement = [("statement", id.as_str())];
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Invoice>&b;</Invoice>";
    for (bytes, says) in [
        (b"PK\x03\x04 a spreadsheet \xff".to_vec(), "inv-xml-letters"),
        (bomb.as_bytes().to_vec(), "inv-xml-declares"),
        (b"<html><body>not an invoice</body></html>".to_vec(), "inv-xml-other"),
        (b"<Invoice".to_vec(), "inv-not-taken"),
        (vec![b' '; 7 * 1024 * 1024], "inv-not-taken"),
    ] {
        let refused = staff.post_file(&path, &statement, Some(("own.xml", &bytes))).await;
        assert_eq!(refused.status, 422, "{says}");
        assert!(refused.says("inv-not-taken"), "{says}: {}", refused.text);
        if says != "inv-not-taken" {
            assert!(refused.text.contains(&Lang::Lt.words().text(says)), "{says}: {}", refused.text);
        }
    }
    let kept = stage.site.registry.papers(&Actor::System("test"), YEAR, made).await.expect("they are read");
    assert!(kept.is_empty(), "{kept:?}");

    // Amounts of a credit note.
    let form = [("statement", id.as_str()), ("number", "1"), ("issued", "2026-05-02")];
    let check = staff.post(&make, &form).await;
    attach(&stage, made, &check.hidden("invoice"), &check.hidden("number"));
    stage.market.book().orders.get_mut(&super::id(9)).expect("it is there").state = OrderState::Settled;
    let order = super::id(9).to_string();
    let credit = format!("/provider/statements/{made}/credit?year=2026");
    for amount in ["99999999999999999999999", "-1", "1e9", "NaN", "１", "0x10"] {
        let fields =
            [("statement", id.as_str()), ("order", order.as_str()), ("amount-0", amount), ("issued", "2026-05-09")];
        let refused = staff.post_file(&credit, &fields, None).await;
        assert!(refused.status == 422 && refused.says("provider-credit-amount-wrong"), "{amount}: {}", refused.text);
    }
    stage.site.shutdown().await;
}
