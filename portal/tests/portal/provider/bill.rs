//! A statement after its acceptance: invoice, payments, credit notes, what is owed back.

use keis_ledger::ids::Commitment;
use keis_registry::invoices::{FileMark, NewPaper, PaperKind};
use serde_json::json;

use super::*;

const PDF: (&str, &[u8]) = ("sąskaita 77.pdf", b"%PDF an invoice");

#[tokio::test]
async fn a_bill_is_followed_to_its_payment() {
    let stage = Stage::new().await;
    let made = accepted(&stage);
    let staff = stage.staff().await;
    let path = format!("/provider/statements/{made}/invoice?year=2026");
    // A paper of before invoices were made here: its file was kept elsewhere.
    let new = NewPaper {
        kind: PaperKind::Invoice,
        year: YEAR,
        statement: made,
        provider: stage.site.provider.id,
        buyer: Buyer::Programme,
        number: "LT 77".to_owned(),
        file: FileMark::of(PDF.0, PDF.1),
    };
    let kept = stage.site.registry.keep_paper(&Actor::System("test"), &new).await.expect("it is kept");
    let key = format!("key_{}", "01".repeat(32));
    let bill = json!({
        "bill": {
            "invoice": { "file": kept.file, "number": kept.number, "by": key },
            "approval": { "by": key, "at": NOW },
            "payments": [{
                "amount": 500, "institution": format!("ins_{}", "01".repeat(16)), "at": NOW,
                "way": { "bank": { "reference": Commitment([1; 32]), "account": Commitment([2; 32]) } },
            }],
            "credited": 0, "bank": null,
        },
        "paid": 500, "set_off": 0,
    });
    {
        let mut book = stage.market.book();
        book.bills.insert(made, bill);
        let account = json!({ "account": Commitment([2; 32]), "since": NOW });
        book.provider = json!({ "payment_account": account });
        let statement = book.statements.get_mut(&made).expect("it is there");
        (statement.state, statement.balance) = (StatementState::Approved, Cents::new(1_000));
    }
    for lang in LANGS {
        let w = lang.words();
        let shown = page(&staff, &format!("/provider/statements/{made}?lang={}", lang.code())).await;
        for says in ["LT 77", PDF.0, &w.text("provider-way-bank"), &w.money(&Cents::new(1_000))] {
            assert!(shown.text.contains(says), "{says}: {}", shown.text);
        }
        assert!(shown.text.contains(&w.text("provider-part-paid")));
        assert!(!shown.text.contains(&w.text("provider-no-account").replace('\'', "&#39;")));
    }
    let late = staff.get(&path).await;
    assert!(staff.follow(late).await.text.contains("LT 77"));
    for (state, says) in [
        (StatementState::InvoiceAttached, "provider-next-approval"),
        (StatementState::Paid, "provider-next-paid"),
        (StatementState::Reconciled, "provider-next-reconciled"),
        (StatementState::Credited, "provider-next-credited"),
    ] {
        stage.market.book().statements.get_mut(&made).expect("it is there").state = state;
        assert!(page(&staff, &format!("/provider/statements/{made}?lang=lt")).await.says(says), "{says}");
    }
    let teacher = stage.site.signed_in("teacher").await;
    assert_eq!(teacher.get(&path).await.status, 403);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_credit_note_gives_back_no_more_than_is_due() {
    let stage = Stage::new().await;
    let made = accepted(&stage);
    let (statement, order) = (made.to_string(), id(9).to_string());
    stage.market.book().orders.get_mut(&id(9)).expect("it is there").state = OrderState::Settled;
    let staff = stage.staff().await;
    let path = format!("/provider/statements/{made}/credit?year=2026");
    let way = format!("{path}&amp;order={order}");
    let shown = page(&staff, &format!("/provider/statements/{made}")).await;
    assert!(shown.text.contains(&way) || shown.text.contains(&way.replace("&amp;", "&#38;")), "{}", shown.text);
    for lang in LANGS {
        page(&staff, &format!("{path}&order={order}&lang={}", lang.code())).await;
    }
    page(&staff, "/provider?lang=lt").await;
    let fields = |amounts: &[(&'static str, &'static str)]| {
        let mut all = vec![("statement", statement.as_str()), ("order", order.as_str()), ("number", "KR 1")];
        all.extend_from_slice(amounts);
        all
    };
    for (amounts, wrong) in [
        (vec![], "provider-credit-nothing"),
        (vec![("amount-0", "0")], "provider-credit-nothing"),
        (vec![("amount-0", "5,01")], "provider-credit-amount-wrong"),
        (vec![("amount-0", "1"), ("amount-2", "viską")], "provider-credit-amount-wrong"),
    ] {
        let refused = staff.post_file(&path, &fields(&amounts), Some(PDF)).await;
        assert_eq!(refused.status, 422, "{amounts:?}");
        assert!(refused.says(wrong), "{amounts:?}");
    }
    let given = fields(&[("amount-0", "1,5"), ("amount-2", "5"), ("amount-7", "3")]);
    assert_eq!(staff.post_file(&path, &given, None).await.status, 422, "a file belongs to it");
    let check = staff.post_file(&path, &given, Some(PDF)).await;
    assert_eq!(check.status, 200, "{}", check.text);
    assert!(check.text.contains("6,50") && check.text.contains("value=\"0:150\"") && check.text.contains("\"2:500\""));
    let note = check.hidden("note");
    let sign = format!("/provider/statements/{made}/credit/sign?year=2026");
    let form = |credits: &[&'static str]| {
        let mut all = vec![("statement", statement.clone()), ("order", order.clone()), ("note", note.clone())];
        all.extend(credits.iter().map(|credit| ("credit", (*credit).to_owned())));
        all
    };
    let post = async |credits: &[&'static str]| {
        let form = form(credits);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        staff.post(&sign, &form).await
    };
    let credit = SettlementOperation::CreditNote {
        year: YEAR,
        statement: made,
        order: id(9),
        lines: vec![(0, Cents::new(150)), (2, Cents::new(500))],
        note: note.parse().expect("a commitment"),
    };
    let sheet = post(&["2:500", "0:150"]).await;
    assert_eq!(sheet.asked(), [Operation::Settlement(credit)]);
    assert!(!sheet.label(format!("{order}/0")).is_empty() && sheet.label(&note) == PDF.0);
    assert_eq!(post(&["0:501"]).await.status, 303, "more than is due");
    for wrong in [&[][..], &["0:150", "0:150"], &["x"]] {
        assert_eq!(post(wrong).await.status, 400, "{wrong:?}");
    }
    let papers = stage.site.registry.papers(&Actor::System("test"), YEAR, made).await.expect("they are read");
    assert!(papers.iter().all(|paper| paper.kind == PaperKind::CreditNote(id(9))) && papers.len() == 1);
    assert!(page(&staff, &format!("/provider/statements/{made}")).await.text.contains("KR 1"));
    stage.site.shutdown().await;
}

#[tokio::test]
async fn what_is_owed_back_is_shown() {
    let stage = Stage::new().await;
    let staff = stage.staff().await;
    assert!(!page(&staff, "/provider/statements").await.says("provider-owed-why"));
    {
        let mut book = stage.market.book();
        book.receivables = vec![json!({ "buyer": "programme", "owed": 777 })];
        book.repayments = vec![json!({
            "reference": Commitment([1; 32]),
            "repayment": {
                "provider": stage.site.provider.id, "buyer": { "school": stage.site.school.id }, "amount": 333,
                "institution": format!("ins_{}", "01".repeat(16)), "at": NOW, "bank": null,
            },
        })];
    }
    let shown = page(&staff, "/provider/statements").await;
    assert!(shown.says("provider-owed-why") && shown.says("provider-repaid-recorded"));
    assert!(shown.text.contains("7,77") && shown.text.contains("3,33") && shown.text.contains(&stage.site.school.name));
    stage.site.shutdown().await;
}
