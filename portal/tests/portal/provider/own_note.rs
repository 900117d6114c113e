//! A provider's own credit note is compared as its own invoice is.

use super::invoicing::{attach, prepared};
use super::*;

#[tokio::test]
async fn a_providers_own_credit_note_is_taken_when_nothing_differs() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let (id, order) = (made.to_string(), super::id(9).to_string());
    let staff = stage.staff().await;
    let form = [("statement", id.as_str()), ("number", "ŠT 77"), ("issued", "2026-05-02")];
    let check = staff.post(&format!("/provider/statements/{made}/invoice/make?year=2026"), &form).await;
    attach(&stage, made, &check.hidden("invoice"), &check.hidden("number"));
    stage.market.book().orders.get_mut(&super::id(9)).expect("it is there").state = OrderState::Settled;
    let credit = format!("/provider/statements/{made}/credit?year=2026");
    let drawn = [
        ("statement", id.as_str()),
        ("order", order.as_str()),
        ("amount-0", "1,50"),
        ("number", "KR 1"),
        ("issued", "2026-05-09"),
    ];
    let note = staff.post_file(&credit, &drawn, None).await.hidden("note");
    let xml = staff.get(&format!("/provider/statements/{made}/paper/xml?year=2026&file={note}")).await.text;

    // The provider's own invoice and credit note of another program.
    let file = check.hidden("invoice");
    let invoice = staff.get(&format!("/provider/statements/{made}/paper/xml?year=2026&file={file}")).await.text;
    let invoice = invoice.replace("ŠT 77", "ŠT 78");
    stage.market.book().bills.clear();
    stage.market.book().statements.get_mut(&made).expect("it is there").state = StatementState::Accepted;
    let path = format!("/provider/statements/{made}/invoice?year=2026");
    let own = staff.post_file(&path, &[("statement", id.as_str())], Some(("78.xml", invoice.as_bytes()))).await;
    assert_eq!(own.status, 200, "{}", own.text);
    attach(&stage, made, &own.hidden("invoice"), &own.hidden("number"));

    let fields = [("statement", id.as_str()), ("order", order.as_str()), ("number", "KR 2"), ("amount-0", "1,50")];
    let sent = async |bytes: &str| staff.post_file(&credit, &fields, Some(("kr.xml", bytes.as_bytes()))).await;
    let sound = xml.replace("ŠT 77", "ŠT 78").replace("KR 1", "KR 2");
    let another = OrderId(bytes(77)).to_string();
    for (bytes, says) in [
        (sound.replace("290757560", "111111111"), "inv-differs-buyer"),
        (sound.replace(crate::support::PROVIDER, "300000002"), "inv-differs-seller"),
        (sound.replace(">EUR<", ">PLN<").replace("\"EUR\"", "\"PLN\""), "inv-differs-currency"),
    ] {
        let refused = sent(&bytes).await;
        assert_eq!(refused.status, 422, "{says}");
        assert!(refused.says(says), "{says}: {}", refused.text);
    }
    let w = Lang::Lt.words();
    page(&staff, "/provider?lang=lt").await;
    for (bytes, says) in [
        (xml.replace("KR 1", "KR 2"), w.with1("inv-differs-invoice", "number", "ŠT 78")),
        (sound.replace(&order, &another), w.with1("inv-differs-order-missing", "order", &order)),
        (sound.replace("1.50", "1.40"), w.money(&Cents::new(140))),
    ] {
        let refused = sent(&bytes).await;
        assert_eq!(refused.status, 422, "{says}");
        assert!(refused.text.contains(&says), "{says}: {}", refused.text);
    }
    let taken = sent(&sound).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    assert!(taken.text.contains("KR 2") && taken.text.contains("kr.xml"));
    stage.site.shutdown().await;
}
