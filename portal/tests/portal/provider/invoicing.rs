//! Invoices and credit notes that are made from statements, and a provider's own e-invoices.

use keis_einvoice::{Kind, RateStep, Received, Text, VatNumber, VatRates, VatRegistration};
use keis_ledger::ids::Commitment;
use keis_ledger::money::BasisPoints;
use keis_portal::billing::{Billing, BillingTrouble, Draft, Lack};
use keis_registry::billing::{ProgrammePart, Terms};
use serde_json::json;

use super::*;

const SYSTEM: Actor = Actor::System("test");
const IBAN: &str = "LT121000011101001000";

fn text(text: &str) -> Text {
    Text::new(text).expect("it may stand on an invoice")
}

const DETAILS: [(&str, &str); 6] = [
    ("street", "Žemaitės g. 7"),
    ("city", "Šiauliai"),
    ("country", "lt"),
    ("series", "LNB"),
    ("bic", "habalt22"),
    ("contact", "Rūta"),
];

/// What the programme must have said, and two institutions decided, before there are invoices.
pub(super) async fn prepared(stage: &Stage) {
    let points = |points| BasisPoints::new(points).expect("a rate");
    let step = RateStep { from: "2020-01-01".parse().expect("a day"), standard: points(2_100), reduced: points(900) };
    let officer = stage.site.signed_in("officer").await;
    let buyer = [
        ("name", "Nacionalinė biblioteka"),
        ("code", "290757560"),
        ("city", "Vilnius"),
        ("country", "LT"),
        ("scheme", "0200"),
        ("endpoint", "290757560"),
        ("answering_scheme", "0200"),
        ("answering", "290757560"),
    ];
    assert_eq!(officer.post("/office/invoicing/buyer", &buyer).await.status, 303);
    let terms = Terms { reference: Some(text("KP")), order: None, contract: None, payment: None, days_due: 30 };
    let rates = VatRates::new(vec![step]).expect("one step");
    for part in [ProgrammePart::Terms(terms), ProgrammePart::Rates(rates)] {
        stage.site.registry.set_programme_billing(&SYSTEM, &part).await.expect("it is set");
    }
    let provider = stage.site.provider.id;
    let account = stage.site.registry.keep_payment_account(&SYSTEM, provider, IBAN).await.expect("it is kept");
    stage.market.book().provider = json!({ "payment_account": { "account": account, "since": NOW } });
    let staff = stage.staff().await;
    assert_eq!(staff.post("/provider/invoicing", &DETAILS).await.status, 303);
}

/// Attaches what was made, as the ledger would tell of it.
pub(super) fn attach(stage: &Stage, made: StatementId, file: &str, number: &str) {
    let key = format!("key_{}", "01".repeat(32));
    let mut book = stage.market.book();
    let invoice = json!({ "file": file, "number": number, "by": key });
    let bill = json!({ "invoice": invoice, "approval": null, "payments": [], "credited": 0, "bank": null });
    book.bills.insert(made, json!({ "bill": bill, "paid": 0, "set_off": 0 }));
    book.statements.get_mut(&made).expect("it is there").state = StatementState::InvoiceAttached;
}

#[tokio::test]
async fn what_is_missing_is_told_with_who_can_mend_it() {
    let stage = Stage::new().await;
    let made = accepted(&stage);
    let staff = stage.staff().await;
    let path = format!("/provider/statements/{made}/invoice?year=2026");
    let first = page(&staff, &path).await;
    for lack in ["address", "account", "answering", "buyer", "terms", "rates"] {
        assert!(first.says(&format!("inv-lack-{lack}")), "{lack}: {}", first.text);
    }
    assert!(first.says("inv-mend-operator") && first.says("inv-mend-provider"));
    let billing = Billing::new(stage.site.site.client.clone(), stage.site.registry.clone());
    let view = stage.site.site.client.statement(YEAR, made).await.expect("it answers").expect("it is there");
    let draft = Draft { issued: "2026-05-01".parse().expect("a day"), due: None, note: None };
    let Err(BillingTrouble::Lacks(lacks)) = billing.prepare(&SYSTEM, &view, &draft).await else { panic!("it is made") };
    let all = [Lack::Address, Lack::Account, Lack::Answering, Lack::Buyer, Lack::Terms, Lack::Rates];
    assert_eq!(lacks, all);

    for (field, wrong, says) in [
        ("city", "", "office-error-empty"),
        ("country", "Lietuva", "inv-error-country"),
        ("bic", "12", "inv-error-bic"),
        ("next", "0", "inv-error-next"),
        ("scheme", "999", "inv-error-scheme"),
        ("series", &"s".repeat(41), "inv-error-series-long"),
        ("street", "pup_00000000000000000000000000000001", "inv-error-text"),
    ] {
        let mut form: Vec<(&str, &str)> = DETAILS.into_iter().filter(|(name, _)| *name != field).collect();
        form.push((field, wrong));
        let refused = staff.post("/provider/invoicing", &form).await;
        assert_eq!(refused.status, 422, "{field}");
        assert!(refused.says(says), "{field}");
        assert!(refused.text.contains(&format!("id=\"{field}-error\"")), "{field}");
    }
    assert_eq!(staff.post("/provider/invoicing", &DETAILS).await.status, 303);
    for lang in LANGS {
        let kept = page(&staff, &format!("/provider/invoicing?lang={}", lang.code())).await;
        assert!(kept.text.contains("Žemaitės g. 7") && kept.text.contains("HABALT22"));
    }
    assert!(!page(&staff, &format!("{path}&lang=lt")).await.says("inv-lack-address"));
    let teacher = stage.site.signed_in("teacher").await;
    assert_eq!(teacher.get("/provider/invoicing").await.status, 403);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn an_invoice_is_made_seen_signed_and_downloaded() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let id = made.to_string();
    let staff = stage.staff().await;
    let path = format!("/provider/statements/{made}/invoice?year=2026");
    let make = format!("/provider/statements/{made}/invoice/make?year=2026");
    for lang in LANGS {
        let offered = page(&staff, &format!("{path}&lang={}", lang.code())).await;
        assert!(offered.text.contains("LNB-000001"), "{}", offered.text);
    }
    page(&staff, "/provider?lang=lt").await;
    let form = |number: &'static str, issued: &'static str, due: &'static str| {
        [("statement", id.as_str()), ("offered", "LNB-000001"), ("number", number), ("issued", issued), ("due", due)]
    };
    for (form, says) in [
        (form("LNB-000001", "", ""), "office-error-empty"),
        (form("LNB-000001", "rytoj", ""), "inv-error-day"),
        (form("LNB-000001", "2026-05-02", "2026-05-01"), "inv-error-due"),
    ] {
        let refused = staff.post(&make, &form).await;
        assert_eq!(refused.status, 422, "{says}");
        assert!(refused.says(says), "{says}: {}", refused.text);
    }
    let check = staff.post(&make, &form("LNB-000001", "2026-05-02", "")).await;
    assert_eq!(check.status, 200, "{}", check.text);
    for says in ["LNB-000001", "Šviesos spektaklis", "Nacionalinė biblioteka", "15,00", "2026-06-01", "HABALT22"] {
        assert!(check.text.contains(says), "{says}: {}", check.text);
    }
    let (invoice, number) = (check.hidden("invoice"), check.hidden("number"));
    let again = staff.post(&make, &form("LNB-000001", "2026-05-02", "")).await;
    assert_eq!((again.hidden("invoice"), again.hidden("number")), (invoice.clone(), number.clone()));
    let fields = [("statement", id.as_str()), ("invoice", invoice.as_str()), ("number", number.as_str())];
    let sheet = staff.post(&format!("/provider/statements/{made}/invoice/sign?year=2026"), &fields).await;
    let commitment = |text: &str| text.parse::<Commitment>().expect("a commitment");
    let attached = SettlementOperation::AttachInvoice {
        year: YEAR,
        statement: made,
        invoice: commitment(&invoice),
        number: commitment(&number),
    };
    assert_eq!(sheet.asked(), [Operation::Settlement(attached)]);

    attach(&stage, made, &invoice, &number);
    let shown = page(&staff, &format!("/provider/statements/{made}")).await;
    assert!(shown.says("inv-open") && shown.text.contains("LNB-000001"));
    let paper = format!("/provider/statements/{made}/paper?year=2026&file={invoice}");
    assert!(page(&staff, &paper).await.says("inv-drawn"));
    let xml = format!("/provider/statements/{made}/paper/xml?year=2026&file={invoice}");
    let file = staff.get(&xml).await;
    let received = Received::parse(file.text.as_bytes()).expect("it is UBL");
    assert_eq!((received.totals.payable, received.number.as_str()), (1_500, "LNB-000001"));
    assert_eq!(received.seller.code.as_deref(), Some(crate::support::PROVIDER));
    let officer = stage.site.signed_in("officer").await;
    let bill = officer.get(&format!("/office/bills/2026/{made}?lang=lt")).await;
    assert!(bill.text.contains(&format!("/office/invoicing/2026/{made}/paper")), "{}", bill.text);
    let seen = officer.get(&format!("/office/invoicing/2026/{made}/paper?file={invoice}")).await;
    assert!(seen.text.contains("LNB-000001"));
    let same = officer.get(&format!("/office/invoicing/2026/{made}/paper/xml?file={invoice}")).await;
    assert_eq!(same.text, file.text);
    for nobody in [stage.site.signed_in("coordinator").await, stage.site.browser()] {
        assert_ne!(nobody.get(&xml).await.status, 200);
    }
    assert_eq!(staff.get(&xml.replace(&invoice, &Commitment([3; 32]).to_string())).await.status, 404);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_providers_own_e_invoice_is_taken_when_nothing_differs() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let id = made.to_string();
    let staff = stage.staff().await;
    let form = [("statement", id.as_str()), ("number", "ŠT 77"), ("issued", "2026-05-02")];
    let check = staff.post(&format!("/provider/statements/{made}/invoice/make?year=2026"), &form).await;
    let invoice = check.hidden("invoice");
    let xml = staff.get(&format!("/provider/statements/{made}/paper/xml?year=2026&file={invoice}")).await.text;
    let path = format!("/provider/statements/{made}/invoice?year=2026");
    let statement = [("statement", id.as_str())];
    for (bytes, says) in [
        ("%PDF an invoice".to_owned(), "inv-not-taken"),
        (xml.replace("290757560", "111111111"), "inv-differs-buyer"),
        (xml.replace(IBAN, "DE89370400440532013000"), "inv-differs-account"),
        (xml.replace(crate::support::PROVIDER, "300000002"), "inv-differs-seller"),
    ] {
        let refused = staff.post_file(&path, &statement, Some(("own.xml", bytes.as_bytes()))).await;
        assert_eq!(refused.status, 422, "{says}");
        assert!(refused.says(says), "{says}: {}", refused.text);
    }
    let cheaper = xml.replace("15.00", "14.00");
    let refused = staff.post_file(&path, &statement, Some(("own.xml", cheaper.as_bytes()))).await;
    assert!(refused.text.contains("14,00") && refused.text.contains("15,00"), "{}", refused.text);
    assert_eq!(staff.post_file(&path, &statement, None).await.status, 422);
    let own = xml.replace("ŠT 77", "ŠT 78");
    let check = staff.post_file(&path, &statement, Some(("sąskaita.xml", own.as_bytes()))).await;
    assert_eq!(check.status, 200, "{}", check.text);
    assert!(check.text.contains("ŠT 78") && check.text.contains("sąskaita.xml"));
    let (invoice, number) = (check.hidden("invoice"), check.hidden("number"));
    attach(&stage, made, &invoice, &number);
    let paper = format!("/provider/statements/{made}/paper?year=2026&file={invoice}");
    assert!(page(&staff, &paper).await.says("inv-received"));

    // Its credit note is the provider's own, too.
    let credit = format!("/provider/statements/{made}/credit?year=2026");
    let order = id_of_order();
    stage.market.book().orders.get_mut(&super::id(9)).expect("it is there").state = OrderState::Settled;
    assert!(page(&staff, &format!("{credit}&order={order}")).await.says("inv-credit-file"));
    let fields = [("statement", id.as_str()), ("order", order.as_str()), ("number", "KR 1"), ("amount-0", "1,50")];
    let refused = staff.post_file(&credit, &fields, Some(("kr.xml", own.as_bytes()))).await;
    assert_eq!(refused.status, 422, "an invoice is no credit note");
    assert!(refused.says("inv-differs-kind"));
    let pdf = staff.post_file(&credit, &fields, Some(("kr.pdf", b"%PDF"))).await;
    assert_eq!(pdf.status, 200, "{}", pdf.text);
    stage.site.shutdown().await;
}

fn id_of_order() -> String {
    super::id(9).to_string()
}

#[tokio::test]
async fn a_credit_note_is_drawn_from_its_invoice() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let (id, order) = (made.to_string(), id_of_order());
    let staff = stage.staff().await;
    let form = [("statement", id.as_str()), ("issued", "2026-05-02")];
    let check = staff.post(&format!("/provider/statements/{made}/invoice/make?year=2026"), &form).await;
    attach(&stage, made, &check.hidden("invoice"), &check.hidden("number"));
    stage.market.book().orders.get_mut(&super::id(9)).expect("it is there").state = OrderState::Settled;
    let path = format!("/provider/statements/{made}/credit?year=2026");
    for lang in LANGS {
        page(&staff, &format!("{path}&order={order}&lang={}", lang.code())).await;
    }
    let shown = page(&staff, &format!("{path}&order={order}&lang=lt")).await;
    assert!(shown.says("inv-credit-drawn") && !shown.text.contains("type=\"file\""));
    let fields = |issued: &'static str, number: &'static str| {
        [
            ("statement", id.as_str()),
            ("order", order.as_str()),
            ("amount-0", "1,50"),
            ("number", number),
            ("issued", issued),
            ("reason", "Sirgo"),
        ]
    };
    for (issued, number, says) in [
        ("2026-05-01", "", "inv-error-before-invoice"),
        ("", "", "office-error-empty"),
        ("2026-05-09", "LNB-000001", "inv-error-number-taken"),
    ] {
        let refused = staff.post_file(&path, &fields(issued, number), None).await;
        assert_eq!(refused.status, 422, "{says}");
        assert!(refused.says(says), "{says}: {}", refused.text);
    }
    let check = staff.post_file(&path, &fields("2026-05-09", ""), None).await;
    assert_eq!(check.status, 200, "{}", check.text);
    assert!(check.text.contains("LNB-000002"));
    let note = check.hidden("note");
    let xml = staff.get(&format!("/provider/statements/{made}/paper/xml?year=2026&file={note}")).await.text;
    let received = Received::parse(xml.as_bytes()).expect("it is UBL");
    assert_eq!((received.kind, received.totals.payable), (Kind::CreditNote, 150));

    // The ledger took it: what is left is less, and the next note has the next number.
    {
        let mut book = stage.market.book();
        book.orders.get_mut(&super::id(9)).expect("it is there").lines[0].due.state = Cents::new(350);
    }
    let next = staff.post_file(&path, &fields("2026-05-09", ""), None).await;
    assert!(next.text.contains("LNB-000003"), "{}", next.text);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_change_of_status_is_told_order_by_order() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    let earlier = SessionId(bytes(3));
    let other = {
        stage.market.book().sessions.insert(earlier, {
            let past = session(SERVICE, 0, 3);
            let start = Timestamp(NOW.0 - 5 * DAY);
            Session { offer: SessionOffer { start, end: Timestamp(start.0 + HOUR), ..past.offer }, ..past }
        });
        stage.put(10, earlier, OrderState::Settled)
    };
    {
        let mut book = stage.market.book();
        let order = book.orders.get_mut(&other).expect("it is there");
        order.lines[0].due = Amounts { state: Cents::new(500), school: Cents::ZERO };
        let statement = book.statements.get_mut(&made).expect("it is there");
        statement.orders.push(other);
        (statement.total, statement.balance) = (Cents::new(2_000), Cents::new(2_000));
    }
    let billing = Billing::new(stage.site.site.client.clone(), stage.site.registry.clone());
    let registered = VatRegistration {
        number: VatNumber::new("LT100001234512").expect("a number"),
        from: billing.day(Timestamp(NOW.0 - 2 * DAY)),
        until: None,
    };
    let provider = stage.site.provider.id;
    stage.site.registry.set_vat_registrations(&SYSTEM, provider, &[registered]).await.expect("it is set");
    let staff = stage.staff().await;
    let shown = page(&staff, &format!("/provider/statements/{made}/invoice?year=2026")).await;
    assert!(shown.says("inv-mixed-status") && shown.says("inv-mixed-do"), "{}", shown.text);
    assert!(shown.text.contains(&other.to_string()) && shown.text.contains(&id_of_order()));
    let id = made.to_string();
    let form = [("statement", id.as_str()), ("issued", "2026-05-02")];
    let refused = staff.post(&format!("/provider/statements/{made}/invoice/make?year=2026"), &form).await;
    assert_eq!(refused.status, 422);
    assert!(refused.says("inv-mixed-status"));
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_school_sees_the_invoices_of_its_own_money() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    {
        let mut book = stage.market.book();
        for line in &mut book.orders.get_mut(&super::id(9)).expect("it is there").lines {
            line.due = Amounts { state: Cents::ZERO, school: Cents::new(500) };
        }
        let statement = book.statements.get_mut(&made).expect("it is there");
        statement.buyer = Buyer::School(stage.site.school.id);
    }
    let staff = stage.staff().await;
    let id = made.to_string();
    let form = [("statement", id.as_str()), ("issued", "2026-05-02")];
    let make = format!("/provider/statements/{made}/invoice/make?year=2026");
    let refused = staff.post(&make, &form).await;
    assert!(refused.status == 422 && refused.says("inv-lack-school-address"), "{}", refused.text);
    let officer = stage.site.signed_in("officer").await;
    let school = format!("/office/invoicing/{}", stage.site.school.id);
    let wrong = officer.post(&school, &[("city", "Vilnius"), ("country", "X")]).await;
    assert!(wrong.status == 422 && wrong.says("inv-error-country"));
    assert_eq!(officer.post(&school, &[("city", "Vilnius"), ("country", "LT")]).await.status, 303);
    let check = staff.post(&make, &form).await;
    assert!(check.text.contains(&stage.site.school.name), "{}", check.text);
    let invoice = check.hidden("invoice");
    attach(&stage, made, &invoice, &check.hidden("number"));

    let coordinator = stage.site.signed_in("coordinator").await;
    for lang in LANGS {
        let list = coordinator.get(&format!("/school/statements?lang={}", lang.code())).await;
        assert!(list.status == 200 && list.text.contains("LNB-000001"), "{}", list.text);
    }
    let xml = coordinator.get(&format!("/school/statements/{made}/paper/xml?year=2026&file={invoice}")).await;
    assert_eq!(Received::parse(xml.text.as_bytes()).expect("it is UBL").totals.payable, 1_500);
    let paper = coordinator.get(&format!("/school/statements/{made}/paper?year=2026&file={invoice}")).await;
    assert!(paper.says("inv-drawn") || paper.text.contains("LNB-000001"));
    let teacher = stage.site.signed_in("teacher").await;
    assert_eq!(teacher.get("/school/statements").await.status, 403);
    let mine = Buyer::School(stage.site.other_school.id);
    stage.market.book().statements.get_mut(&made).expect("it is there").buyer = mine;
    let stranger = coordinator.get(&format!("/school/statements/{made}/paper/xml?year=2026&file={invoice}")).await;
    assert_eq!(stranger.status, 404);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn officers_set_what_the_programme_says() {
    let stage = Stage::new().await;
    let officer = stage.site.signed_in("officer").await;
    let budget = stage.site.signed_in("budget_officer").await;
    let provider = format!("/office/invoicing/{}", stage.site.provider.id);
    for lang in LANGS {
        for path in ["", "/buyer", "/terms", "/rates"] {
            for browser in [&officer, &budget] {
                let shown = browser.get(&format!("/office/invoicing{path}?lang={}", lang.code())).await;
                assert_eq!(shown.status, 200, "{path}");
                assert!(!shown.text.contains(">inv-"), "{path}: {}", shown.text);
            }
        }
        assert_eq!(officer.get(&format!("{provider}?lang={}", lang.code())).await.status, 200);
    }
    officer.get("/office/invoicing?lang=lt").await;
    assert_eq!(budget.get(&provider).await.status, 403);
    assert_eq!(stage.staff().await.get("/office/invoicing").await.status, 403);
    for (path, form, says) in [
        ("buyer", vec![("name", "x")], "office-error-empty"),
        ("terms", vec![("days", "30")], "inv-error-reference"),
        ("terms", vec![("reference", "KP"), ("days", "366")], "inv-error-days"),
        ("rates", vec![("rates", "2026-01-01; 21")], "inv-error-rates-line"),
        ("rates", vec![("rates", "2026-01-01; 21; 9\n2026-01-01; 21; 12")], "inv-error-rates"),
        ("rates", vec![("rates", "2026-01-01; 0; 9")], "inv-error-rates"),
    ] {
        let refused = officer.post(&format!("/office/invoicing/{path}"), &form).await;
        assert_eq!(refused.status, 422, "{path} {form:?}");
        assert!(refused.says(says), "{path} {form:?}: {}", refused.text);
    }
    assert_eq!(budget.post("/office/invoicing/terms", &[("reference", "KP"), ("days", "30")]).await.status, 303);
    let steps = [("rates", "2026-01-01; 21; 12\r\n2009-09-01; 21; 9,5")];
    assert_eq!(officer.post("/office/invoicing/rates", &steps).await.status, 303);
    let shown = officer.get("/office/invoicing").await;
    assert!(shown.text.contains("2009-09-01; 21,00; 9,50") && shown.text.contains("KP"), "{}", shown.text);

    let registrations = format!("{provider}/registrations");
    for (wrong, says) in [
        ("LT1; 2020-01-01", "inv-error-registrations-line"),
        ("LT100001234512; 2020-01-01\nLT100001234512; 2021-01-01", "inv-error-registrations"),
    ] {
        let refused = officer.post(&registrations, &[("registrations", wrong)]).await;
        assert!(refused.status == 422 && refused.says(says), "{wrong}: {}", refused.text);
    }
    assert_eq!(officer.post(&registrations, &[("registrations", "lt100001234512; 2020-01-01")]).await.status, 303);
    let apart = officer.get("/office/invoicing").await;
    assert!(apart.says("inv-apart-title") && apart.text.contains("Šviesos teatras"), "{}", apart.text);
    let own = stage.staff().await.get("/provider/invoicing").await;
    assert!(own.text.contains("LT100001234512"));
    stage.site.shutdown().await;
}
