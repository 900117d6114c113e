//! The credit note about a reversal, of which the ledger takes none.

use keis_einvoice::{Credited, Kind as Paper, Received};
use keis_registry::documents::Reversal;
use keis_registry::invoices::PaperKind;

use super::invoicing::{attach, prepared};
use super::*;

/// The statement's order: a euro of its second line was credited by the provider, then its first line was reversed.
fn reverse(stage: &Stage, made: StatementId) {
    let of = |statement| Subject { order: Some(id(9)), statement, ..Subject::default() };
    let ours = of(Some(made));
    stage.market.moved(Kind::StatementAccepted, ours, 0, 0);
    stage.market.moved(Kind::InvoiceAttached, ours, 0, 0);
    stage.market.moved(Kind::CreditNoted, ours, 100, 1);
    stage.market.moved(Kind::OrderReversed, of(None), 500, 1);
    let mut book = stage.market.book();
    let order = book.orders.get_mut(&id(9)).expect("it is there");
    order.state = OrderState::Settled;
    (order.lines[0].state, order.lines[0].due) = (LineState::Reversed, Amounts::ZERO);
    order.lines[1].due = Amounts { state: Cents::new(400), school: Cents::ZERO };
    book.bills.get_mut(&made).expect("it is there")["bill"]["credited"] = 600.into();
}

async fn kept(stage: &Stage, made: StatementId) -> Vec<keis_registry::documents::Kept> {
    let all = stage.site.registry.documents(&Actor::System("test"), YEAR, made).await.expect("they are read");
    all.into_iter().filter(|kept| kept.reversal.is_some()).collect()
}

#[tokio::test]
async fn a_reversal_after_the_invoice_has_one_credit_note_and_nothing_is_signed() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let (statement, order) = (made.to_string(), id(9).to_string());
    let staff = stage.staff().await;
    let form = [("statement", statement.as_str()), ("issued", "2026-05-02")];
    let check = staff.post(&format!("/provider/statements/{made}/invoice/make?year=2026"), &form).await;
    attach(&stage, made, &check.hidden("invoice"), &check.hidden("number"));
    let path = format!("/provider/statements/{made}/reversed?year=2026");
    let asked = format!("{path}&order={order}");
    let not_yet = staff.get(&asked).await;
    assert!(staff.follow(not_yet).await.says("provider-rev-none"));

    reverse(&stage, made);
    assert!(page(&staff, &format!("/provider/statements/{made}")).await.says("provider-rev-give"));
    for lang in LANGS {
        let shown = page(&staff, &format!("{asked}&lang={}", lang.code())).await;
        assert!(shown.text.contains(&lang.words().money(&Cents::new(500))), "{}", shown.text);
    }
    page(&staff, "/provider?lang=lt").await;
    let fields = |issued| [("statement", statement.as_str()), ("order", order.as_str()), ("issued", issued)];
    let refused = staff.post_file(&path, &fields("2026-05-01"), None).await;
    assert!(refused.status == 422 && refused.says("inv-error-before-invoice"), "{}", refused.text);
    let done = staff.post_file(&path, &fields("2026-05-09"), None).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(staff.follow(done).await.text.contains("LNB-000002"));

    let notes = kept(&stage, made).await;
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!((note.kind, note.reversal), (PaperKind::CreditNote(id(9)), Some(Reversal { height: 5, index: 0 })));
    let before = &note.credit.as_ref().expect("it was drawn").before;
    assert_eq!(before, &[Credited { order: id(9), gross: Cents::new(100) }], "the provider's own note came first");
    let received = Received::parse(&note.bytes).expect("it is UBL");
    assert_eq!((received.kind, received.totals.gross), (Paper::CreditNote, 500));
    assert_eq!(received.preceding, ["LNB-000001"]);
    let twice = staff.post_file(&path, &fields("2026-05-10"), None).await;
    assert!(staff.follow(twice).await.says("provider-rev-none"));
    assert_eq!(kept(&stage, made).await.len(), 1);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn of_an_invoice_from_elsewhere_the_providers_own_note_is_compared() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let (statement, order) = (made.to_string(), id(9).to_string());
    let staff = stage.staff().await;
    let form = [("statement", statement.as_str()), ("number", "ŠT 1"), ("issued", "2026-05-02")];
    let check = staff.post(&format!("/provider/statements/{made}/invoice/make?year=2026"), &form).await;
    attach(&stage, made, &check.hidden("invoice"), &check.hidden("number"));
    reverse(&stage, made);
    let path = format!("/provider/statements/{made}/reversed?year=2026");
    let fields =
        [("statement", statement.as_str()), ("order", order.as_str()), ("number", "ŠT 2"), ("issued", "2026-05-09")];
    assert_eq!(staff.post_file(&path, &fields, None).await.status, 303);
    let drawn = kept(&stage, made).await.remove(0).bytes;
    let drawn = String::from_utf8(drawn).expect("it is text").replace("ŠT 2", "ŠT 3").replace("ŠT 1", "X 1");

    // Another statement's provider brings the same from its own program; the attached invoice is not kept here.
    let key = |number: u8| keis_ledger::ids::Commitment([number; 32]).to_string();
    attach(&stage, made, &key(1), &key(2));
    stage.market.book().bills.get_mut(&made).expect("it is there")["bill"]["credited"] = 1_100.into();
    stage.market.moved(Kind::OrderReversed, Subject { order: Some(id(9)), ..Subject::default() }, 500, 1);
    assert!(page(&staff, &format!("{path}&order={order}")).await.says("inv-credit-file"));
    let sent = async |file| staff.post_file(&path, &fields, file).await;
    for (file, says) in [(None, "provider-rev-file"), (Some(("n.pdf", &b"%PDF"[..])), "provider-rev-file")] {
        let refused = sent(file).await;
        assert!(refused.status == 422 && refused.says(says), "{}", refused.text);
    }
    let less = drawn.replace("5.00", "4.00");
    let refused = sent(Some(("n.xml", less.as_bytes()))).await;
    assert!(refused.status == 422 && refused.text.contains("4,00"), "{}", refused.text);
    let numbered_twice = drawn.replace("ŠT 3", "ŠT 1");
    let refused = sent(Some(("n.xml", numbered_twice.as_bytes()))).await;
    assert!(refused.status == 422 && refused.says("inv-error-number-taken"), "the invoice's number: {}", refused.text);
    let taken = sent(Some(("n.xml", drawn.as_bytes()))).await;
    assert_eq!(taken.status, 303, "{}", taken.text);
    assert_eq!(kept(&stage, made).await.len(), 2);
    stage.site.shutdown().await;
}
