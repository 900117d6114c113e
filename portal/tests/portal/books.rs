//! The accountants' tables: the closing report, payment orders, and payments recorded from the bank's file.

use crate::bills_support::stage::{ACCOUNT, SYSTEM, Stage, asked, id, key, page, payment, says, settle, sum};
use crate::bills_support::{SEALED, YEAR, pay, statement};
use crate::support::ledger::{NETWORK, NOW};
use crate::support::{BUDGET_HOLDER, Browser, OPERATOR, Page};
use keis_ledger::ids::{ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Operation, Owner, SettlementOperation};
use keis_ledger::record::{PaymentWay, StatementState};
use keis_portal::words::Lang;
use keis_registry::bodies::{NewProvider, ProviderKind};
use keis_registry::payments::BankMark;
use keis_registry::permission::Role;
use serde_json::{Value, json};

const IBAN: &str = "LT121000011101001000";

fn book(source: &str, accepted: u64, account: u64) -> Value {
    json!({
        "source": source, "statements": 1, "accepted": accepted, "credited": 0,
        "settlement": {
            "opening": 0, "issued": accepted, "contested": 0, "paid": 0, "came_back": 0, "set_off": 0, "credited": 0,
            "closing": accepted,
        },
        "paid": { "opening": 0, "paid": 0, "came_back": 0, "repaid": 0, "closing": 0 },
        "receivable": { "opening": 0, "credited": 0, "set_off": 0, "repaid": 0, "closing": 0 },
        "checks": [{ "what": "settlement", "reckoned": accepted, "account": account }],
    })
}

fn report(provider: ProviderId, account: u64) -> Value {
    let row = |place: Value, vat: Value, accepted: u64, credited: u64| {
        json!({
            "provider": provider, "place": place, "vat": vat, "buyer": "programme", "orders": 2, "pupils": 41,
            "accepted": accepted, "credits": u64::from(credited > 0), "credited": credited,
        })
    };
    json!({
        "year": YEAR, "height": 7, "time": NOW, "agrees": account == 12_345,
        "sources": [book("state", 12_345, account), book("school", 0, 0)],
        "rows": [
            row(json!("LT-13"), json!("exempt_culture"), 12_000, 0), row(json!("LT-57"), Value::Null, 345, 0),
            row(Value::Null, json!("standard"), 0, 50),
        ],
    })
}

#[tokio::test]
async fn a_closing_report_is_a_page_and_two_tables() {
    let stage = Stage::new().await;
    let address = format!("/office/books/{YEAR}");
    let budget = stage.budget_holder().await;
    assert_eq!(budget.get(&address).await.status, 404, "the gateway knows none");
    stage.ledger.shelf().report = Some(report(stage.site.provider.id, 12_345));
    let shown = page(&budget, &address).await;
    says(&shown, "books-agrees");
    for text in [&sum(12_345), "Šviesos teatras", "300000001"] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    let w = Lang::Lt.words();
    assert!(shown.text.contains(&w.count("books-rows", 1_u64)), "one provider: {}", shown.text);
    for (by, rows) in [("place", 3_u64), ("vat", 3), ("buyer", 1), ("everything", 3), ("nonsense", 1)] {
        let shown = page(&budget, &format!("{address}?by={by}&period=2026-Q1")).await;
        assert!(shown.text.contains(&w.count("books-rows", rows)), "{by}: {}", shown.text);
    }
    says(&page(&budget, &format!("{address}?by=place")).await, "books-unknown");
    assert!(page(&budget, &format!("{address}?period=2026-03&lang=en")).await.text.contains("€123.45"));
    for wrong in ["2026-13", "2026-Q5", "x"] {
        assert_eq!(budget.get(&format!("{address}?period={wrong}")).await.status, 400, "{wrong}");
    }

    let rows = budget.get(&format!("{address}/rows.csv?period=2026-02")).await;
    assert_eq!(rows.header("content-type"), "text/csv; charset=utf-8");
    assert!(rows.header("content-disposition").contains("2026-02.csv"), "{}", rows.header("content-disposition"));
    assert!(rows.text.contains(";2;41;120,00;0;0,00;120,00\r\n"), "{}", rows.text);
    assert!(rows.text.contains(";2;41;0,00;1;-0,50;-0,50\r\n"), "{}", rows.text);
    assert_eq!(rows.text.lines().count(), 4, "{}", rows.text);
    let accounts = budget.get(&format!("{address}/accounts.csv")).await;
    assert_eq!(accounts.text.lines().count(), 1 + 2 * (20 + 1), "{}", accounts.text);
    assert!(accounts.text.contains(";123,45;123,45\r\n"), "{}", accounts.text);

    stage.ledger.shelf().report = Some(report(stage.site.provider.id, 12_344));
    let shown = budget.get(&format!("{address}?lang=lt")).await;
    says(&shown, "books-differs");
    assert!(shown.text.contains("role=\"alert\"") && shown.text.contains(&sum(1)), "{}", shown.text);
    for path in ["", "/rows.csv", "/accounts.csv", "/payments", "/refused.csv"] {
        assert_eq!(budget.get(&format!("/office/books/{SEALED}{path}")).await.status, 410, "{path}");
        let coordinator = stage.site.signed_in("coordinator").await;
        assert_eq!(coordinator.get(&format!("{address}{path}")).await.status, 403, "{path}");
    }
    stage.site.shutdown().await;
}

#[tokio::test]
async fn payment_orders_leave_nothing_out_silently() {
    let stage = Stage::new().await;
    let (registry, provider) = (&stage.site.registry, stage.site.provider.id);
    let account = registry.keep_payment_account(&SYSTEM, provider, IBAN).await.expect("it is kept");
    let other = |code: &str, name: &str| NewProvider {
        code: code.to_owned(),
        kind: ProviderKind::Legal,
        name: name.to_owned(),
        place: stage.site.provider.place,
        vat_registered: false,
        controlling_code: None,
    };
    let risky = other("300000002", "=HYPERLINK(\"http://x\")");
    let risky: ProviderId = registry.put_provider(&SYSTEM, &risky).await.expect("a provider").body.id;
    let bare = other("300000003", "Be sąskaitos, VšĮ");
    let bare: ProviderId = registry.put_provider(&SYSTEM, &bare).await.expect("a provider").body.id;
    let risky_account = registry.keep_payment_account(&SYSTEM, risky, "DE89370400440532013000").await.expect("kept");
    stage.put(1, Buyer::Programme, 1_250, StatementState::Approved);
    stage.put(2, stage.school(), 300, StatementState::Approved);
    stage.put(3, Buyer::Programme, 400, StatementState::InvoiceAttached);
    {
        let mut shelf = stage.ledger.shelf();
        let approved = |provider, cents| statement(provider, Buyer::Programme, cents, StatementState::Approved);
        shelf.statements.insert(id(4), approved(risky, 77));
        shelf.statements.insert(id(5), approved(bare, 55));
        shelf.accounts.extend([(provider, account), (risky, risky_account)]);
    }
    let budget = stage.budget_holder().await;
    let path = format!("/office/bills/{YEAR}/payable.csv?year=2026");
    let table = budget.get(&path).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert!(table.header("content-disposition").starts_with("attachment; filename=\""));
    assert!(table.text.contains(";12,50;EUR;") && table.text.contains(";0,77;EUR;"), "{}", table.text);
    for absent in [id(2), id(3), id(5)] {
        assert!(!table.text.contains(&absent.to_string()), "{absent}: {}", table.text);
    }
    assert!(table.text.contains("'=HYPERLINK"), "{}", table.text);
    assert!(table.text.contains(";2026-03-12\r\n"), "thirty days after the approval: {}", table.text);
    let shown = page(&budget, &format!("/office/bills/{YEAR}/payable?year=2026")).await;
    let w = Lang::Lt.words();
    assert!(shown.text.contains(&w.count("books-payable-count", 2_u64)) && shown.text.contains(&sum(1_327)));
    let hash = keis_registry::invoices::FileMark::of("x", table.text.as_bytes()).hash_text();
    assert!(shown.text.contains(&hash), "the page names the file's hash: {}", shown.text);
    says(&shown, "books-out-none");
    assert!(shown.text.contains("Be sąskaitos") && shown.text.contains(&sum(55)), "{}", shown.text);

    let operator = stage.operator().await;
    let table = operator.get(&path).await;
    assert!(table.text.contains(&id(2).to_string()) && !table.text.contains(&id(1).to_string()), "{}", table.text);
    stage.ledger.shelf().accounts.insert(provider, ACCOUNT);
    let shown = page(&operator, &format!("/office/bills/{YEAR}/payable")).await;
    says(&shown, "books-out-elsewhere");
    stage.site.shutdown().await;
}

fn order(statement: StatementId, number: u8) -> String {
    format!("{}-{number:02}", statement.to_string().trim_start_matches("stm_"))
}

async fn upload(browser: &Browser, file: &str) -> Page {
    let address = format!("/office/books/{YEAR}/payments");
    browser.follow(browser.post_file(&address, &[], Some(("mokėjimai.csv", file.as_bytes()))).await).await
}

/// What the page's form asks to be signed, sent as it is.
async fn sign(browser: &Browser, page: &Page) -> Vec<Operation> {
    let inputs = page.text.split("<input type=\"hidden\" ").skip(1);
    let value = |input: &str, name: &str| {
        let found = input.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        Some(found.to_owned())
    };
    let fields: Vec<(String, String)> =
        inputs.filter_map(|input| Some((value(input, "name")?, value(input, "value")?))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let signing = browser.post(&format!("/office/bills/{YEAR}/pay?from=file"), &fields).await;
    assert!(signing.text.contains(&format!("/office/books/{YEAR}/payments")), "one comes back: {}", signing.text);
    asked(&signing).0
}

#[tokio::test]
async fn payments_of_a_file_are_recorded_once() {
    let stage = Stage::new().await;
    let (one, two) = (id(0xa1), id(0xa2));
    stage.put(0xa1, Buyer::Programme, 123_450, StatementState::Approved);
    stage.put(0xa2, Buyer::Programme, 2_000, StatementState::Approved);
    let budget = stage.budget_holder().await;
    let file = format!(
        "\u{feff}Mokėjimo nuoroda;Suma;Data;Mokėjimo numeris banke\r\n{};1 234,50;2026-02-09;FT 1\r\n{two};20.00;2026.02.10;FT 2\r\n",
        order(one, 1)
    );
    let shown = upload(&budget, &file).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    for key in ["books-fate-ready", "books-next-title"] {
        says(&shown, key);
    }
    assert!(shown.text.contains(&sum(125_450)) && !shown.says("books-refused-title"), "{}", shown.text);
    let operations = sign(&budget, &shown).await;
    let (first, second) =
        (stage.mark(BankMark::Reference, "FT 1").await, stage.mark(BankMark::Reference, "FT 2").await);
    let record = |statement, cents, reference| {
        let amount = Cents::new(cents);
        settle(SettlementOperation::RecordPayment { year: YEAR, statement, amount, reference })
    };
    let mut expected = vec![record(one, 123_450, first), record(two, 2_000, second)];
    expected.sort_by_key(|operation| format!("{operation:?}"));
    let mut operations = operations;
    operations.sort_by_key(|operation| format!("{operation:?}"));
    assert_eq!(operations, expected);

    // The first is recorded; the second waits. Then both are, and the same file changes nothing.
    pay(stage.ledger.shelf().statements.get_mut(&one).expect("it is there"), payment(123_450, first, BUDGET_HOLDER));
    let again = page(&budget, &format!("/office/books/{YEAR}/payments")).await;
    assert!(again.text.contains(&sum(2_000)) && again.says("books-fate-recorded"), "{}", again.text);
    assert_eq!(sign(&budget, &again).await, [record(two, 2_000, second)]);
    pay(stage.ledger.shelf().statements.get_mut(&two).expect("it is there"), payment(2_000, second, BUDGET_HOLDER));
    for _ in 0..2 {
        let shown = upload(&budget, &file).await;
        says(&shown, "books-outcome-nothing");
        assert!(!shown.says("books-next-title") && !shown.says("books-refused-title"), "{}", shown.text);
    }
    // Nobody else sees the file, and it is gone when its officer is done.
    let operator = stage.operator().await;
    assert!(!page(&operator, &format!("/office/books/{YEAR}/payments")).await.says("books-outcome-title"));
    let done = budget.follow(budget.post(&format!("/office/books/{YEAR}/forget"), &[]).await).await;
    assert!(!done.says("books-outcome-title"));
    says(&budget.follow(budget.get(&format!("/office/books/{YEAR}/refused.csv")).await).await, "books-file-gone");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn each_wrong_line_is_refused_with_its_reason() {
    let stage = Stage::new().await;
    let approved = |number| stage.put(number, Buyer::Programme, 1_000, StatementState::Approved);
    let [good, above, below, twice, paid, back, used, otherwise, done] = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(approved);
    let attached = stage.put(10, Buyer::Programme, 1_000, StatementState::InvoiceAttached);
    let closed = stage.put(11, Buyer::Programme, 1_000, StatementState::Reconciled);
    let school = stage.put(12, stage.school(), 1_000, StatementState::Approved);
    let mark = async |text: &str| stage.mark(BankMark::Reference, text).await;
    let (recorded, returned, other, foreign) =
        (mark("REC").await, mark("BACK").await, mark("OTHER").await, mark("FOREIGN").await);
    {
        let mut shelf = stage.ledger.shelf();
        let mut pay_one = |id, cents, reference| {
            pay(shelf.statements.get_mut(&id).expect("it is there"), payment(cents, reference, BUDGET_HOLDER));
        };
        pay_one(paid, 1_000, recorded);
        pay_one(otherwise, 400, other);
        pay_one(done, 100, foreign);
        let bill = &mut shelf.statements.get_mut(&back).expect("it is there").1;
        bill.payments.push(payment(1_000, returned, BUDGET_HOLDER));
        bill.payments[0].way = PaymentWay::Returned { reference: returned };
    }
    let lines: Vec<(String, &str)> = vec![
        (format!("{};10;2026-02-01;GOOD", order(good, 1)), ""),
        (format!("{};10;2026-02-01;REC", order(paid, 1)), ""),
        (format!("{};10,01;2026-02-01;A", order(above, 1)), "books-line-above"),
        (format!("{};9,99;2026-02-01;B", order(below, 1)), "books-line-below"),
        (format!("{};10;2026-02-01;C", order(twice, 1)), ""),
        (format!("{};10;2026-02-01;D", order(twice, 1)), "books-line-statement-twice"),
        (format!("{};10;2026-02-01;GOOD", order(below, 1)), "books-line-twice"),
        (format!("{};10;2026-02-01;BACK", order(back, 1)), "books-line-returned"),
        (format!("{};10;2026-02-01;FOREIGN", order(used, 1)), "books-line-used"),
        (format!("{};10;2026-02-01;OTHER", order(otherwise, 1)), "books-line-otherwise"),
        (format!("{};10;2026-02-01;E", order(done, 1)), "books-line-order-done"),
        (format!("{};10;2026-02-01;F", order(good, 2)), "books-line-unknown"),
        (format!("{};10;2026-02-01;G", order(id(99), 1)), "books-line-unknown"),
        (format!("{};10;2026-02-01;H", order(attached, 1)), "books-line-not-approved"),
        (format!("{closed};10;2026-02-01;I"), "books-line-closed"),
        (format!("{};10;2026-02-01;J", order(school, 1)), "books-line-not-payer"),
        (format!("{};10;2026-02-11;K", order(below, 1)), "books-line-future"),
        (format!("{};-10;2026-02-01;L", order(below, 1)), "books-line-amount"),
        (format!("{};99999999999999999999;2026-02-01;M", order(below, 1)), "books-line-amount"),
        (format!("{};10;rytoj;N", order(below, 1)), "books-line-day"),
        ("=HYPERLINK(0);10;2026-02-01;O".to_owned(), "books-line-reference"),
        (format!("{};10;2026-02-01;", order(below, 1)), "books-line-bank"),
    ];
    let text: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    let budget = stage.budget_holder().await;
    let shown = upload(&budget, &format!("reference;amount;booking_day;bank_reference\n{text}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let w = Lang::Lt.words();
    let refused = lines.iter().filter(|(_, key)| !key.is_empty()).count();
    assert!(shown.text.contains(&w.count("books-refused-caption", refused)), "{}", shown.text);
    assert!(shown.text.contains(&w.count("books-next-caption", 2_u64)), "{}", shown.text);
    assert_eq!(sign(&budget, &shown).await.len(), 2);
    let table = budget.get(&format!("/office/books/{YEAR}/refused.csv")).await;
    assert_eq!(table.text.lines().count(), refused + 1, "{}", table.text);
    assert!(table.text.contains(";'=HYPERLINK") && !table.text.contains(";=HYPERLINK"), "{}", table.text);
    for (number, (_, key)) in lines.iter().enumerate().filter(|(_, (_, key))| !key.is_empty()) {
        let line = table.text.lines().find(|line| line.starts_with(&format!("{};", number + 2)));
        assert!(
            line.is_some_and(|line| line.contains(w.text(key).split(':').next().unwrap_or_default())),
            "{number} {key}: {line:?}"
        );
    }

    // Who approved does not pay; without an account nobody does.
    let user = stage.user(Role::Officer, "Darius Ąžuolas").await;
    stage.site.registry.add_officer_key(&user, Role::Officer, key(8), "Darbo kompiuteris").await.expect("it is kept");
    stage.ledger.shelf().keys.insert(key(8), Owner::Operator(OPERATOR));
    let operator = stage.operator().await;
    let own = format!("reference;amount;booking_day;bank_reference\n{};10;2026-02-01;P\n", order(school, 1));
    says(&upload(&operator, &own).await, "bills-own-approval");
    stage.ledger.shelf().accounts.clear();
    says(&page(&budget, &format!("/office/books/{YEAR}/payments")).await, "bills-account-missing");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn the_bank_s_file_is_compared_with_what_was_recorded() {
    let stage = Stage::new().await;
    let paid = |number| stage.put(number, Buyer::Programme, 1_000, StatementState::Approved);
    let [whole, part, silent] = [1, 2, 3].map(paid);
    let done = stage.put(4, Buyer::Programme, 1_000, StatementState::Approved);
    let texts = ["W", "P1", "P2", "S", "D"];
    let mut marks = Vec::new();
    for text in texts {
        marks.push(stage.mark(BankMark::Reference, text).await);
    }
    {
        let mut shelf = stage.ledger.shelf();
        for (id, cents, mark) in
            [(whole, 1_000, 0), (part, 600, 1), (part, 400, 2), (silent, 1_000, 3), (done, 1_000, 4)]
        {
            pay(shelf.statements.get_mut(&id).expect("it is there"), payment(cents, marks[mark], BUDGET_HOLDER));
        }
        shelf.statements.get_mut(&done).expect("it is there").0.state = StatementState::Reconciled;
    }
    let line = |id, cents: &str, bank: &str| format!("{id};{cents};2026-02-01;{bank}\n");
    let file = [
        "reference;amount;booking_day;bank_reference\n".to_owned(),
        line(whole, "10", "W"),
        line(part, "6", "P1"),
        line(done, "10", "D"),
        line(silent, "9", "S"),
        line(whole, "10", "X"),
    ];
    let operator = stage.operator().await;
    let address = format!("/office/books/{YEAR}/compare");
    says(&operator.follow(operator.get(&address).await).await, "books-file-gone");
    assert!(upload(&operator, &file.concat()).await.text.contains(&address));
    let shown = page(&operator, &address).await;
    let w = Lang::Lt.words();
    for (key, count) in [("books-compare-found", 1_u64), ("books-compare-missing", 2), ("books-refused-caption", 2)] {
        assert!(shown.text.contains(&w.count(key, count)), "{key}: {}", shown.text);
    }
    says(&shown, "books-line-not-recorded");
    says(&shown, "books-line-otherwise");
    let (id, fields) =
        (whole.to_string(), |id: &str| vec![("statement", id.to_owned()), ("bank", "2026-02/1".to_owned())]);
    let fields = fields(&id);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let signing = operator.post(&format!("/office/bills/{YEAR}/reconcile?from=file"), &fields).await;
    assert!(signing.text.contains(&address), "one comes back: {}", signing.text);
    let bank = stage.mark(BankMark::Statement, "2026-02/1").await;
    assert_eq!(asked(&signing).0, [settle(SettlementOperation::Reconcile { year: YEAR, statement: whole, bank })]);
    let table = operator.get(&format!("/office/books/{YEAR}/differences.csv")).await;
    assert_eq!(table.text.lines().count(), 3, "{}", table.text);

    let budget = stage.budget_holder().await;
    upload(&budget, &file.concat()).await;
    let shown = page(&budget, &address).await;
    says(&shown, "books-line-not-comparer");
    assert!(
        shown.text.contains(&w.count("books-compare-found", 0_u64)),
        "who recorded does not compare: {}",
        shown.text
    );
    stage.site.shutdown().await;
}

#[tokio::test]
async fn files_that_are_none_are_told_so() {
    let stage = Stage::new().await;
    let budget = stage.budget_holder().await;
    let address = format!("/office/books/{YEAR}/payments");
    let head = "reference;amount;booking_day;bank_reference\n";
    let huge = format!("{head}{}", "x".repeat(1024 * 1024));
    let many = format!("{head}{}", "a;1;2026-01-01;b\n".repeat(5_001));
    for (file, key) in [
        (&b""[..], "books-file-none"),
        (b"\n", "books-file-empty"),
        (head.as_bytes(), "books-file-empty"),
        (b"\x7fELF\x02\x01\x01\0", "books-file-not-text"),
        (b"a;b;c\n1;2;3\n", "books-file-columns"),
        (huge.as_bytes(), "books-file-long"),
        (many.as_bytes(), "books-file-many"),
    ] {
        let page = budget.post_file(&address, &[], Some(("a.csv", file))).await;
        assert_eq!(page.status, 422, "{key}");
        says(&page, key);
        assert!(page.text.contains("aria-invalid"), "{key}");
    }
    assert_eq!(budget.post(&address, &[("a", "b")]).await.status, 400, "no file at all");
    let coordinator = stage.site.signed_in("coordinator").await;
    assert_eq!(coordinator.post_file(&address, &[], Some(("a.csv", b"x"))).await.status, 403);
    let worst = format!("{head}{}", format!("{};1;2026-01-01;F\n", order(id(1), 1)).repeat(5_000));
    let begun = std::time::Instant::now();
    assert_eq!(upload(&budget, &worst).await.status, 200);
    println!("5000 lines judged and shown in {:?}", begun.elapsed());
    stage.site.shutdown().await;
}

#[tokio::test]
async fn the_desk_says_how_long_the_oldest_waits() {
    let stage = Stage::new().await;
    stage.put(1, Buyer::Programme, 1_000, StatementState::InvoiceAttached);
    stage.put(2, Buyer::Programme, 1_000, StatementState::InvoiceAttached);
    stage.ledger.shelf().statements.get_mut(&id(2)).expect("it is there").0.issued.0 -= 5 * 24 * 60 * 60 * 1000;
    let list = page(&stage.operator().await, "/office/bills").await;
    assert!(list.text.contains(&Lang::Lt.words().count("books-age", 6_u64)), "{}", list.text);
    for link in [
        "/office/books/2026\"",
        "/office/books/2026/payments\"",
        "/office/bills/2026/payable?",
        "/office/differences\"",
    ] {
        assert!(list.text.contains(link), "{link}: {}", list.text);
    }
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_sealed_year_keeps_its_closing_report() {
    let stage = Stage::new().await;
    let mut settled = report(stage.site.provider.id, 12_345);
    for source in settled["sources"].as_array_mut().expect("two sources") {
        let accepted = source["accepted"].clone();
        (source["settlement"]["paid"], source["settlement"]["closing"]) = (accepted.clone(), json!(0));
        (source["paid"]["paid"], source["paid"]["closing"]) = (accepted.clone(), accepted);
    }
    {
        let mut shelf = stage.ledger.shelf();
        (shelf.ended, shelf.report) = (true, Some(settled));
        shelf.funds = [("minted", 20_000), ("paid", 12_345), ("returned", 7_655)].into();
    }
    let budget = stage.budget_holder().await;
    let address = format!("/office/books/{YEAR}");
    let files = ["rows.csv", "accounts.csv"].map(|file| format!("{address}/{file}?period=2026-Q1"));
    let mut before = Vec::new();
    for file in &files {
        before.push(budget.get(file).await.text);
    }
    let sealed = budget.post(&format!("/office/bills/{YEAR}/seal"), &[("typed", "2026")]).await;
    assert_eq!(sealed.status, 303, "{}", sealed.text);
    stage.ledger.shelf().sealed = true;

    for (file, before) in files.iter().zip(&before) {
        let after = budget.get(file).await;
        assert_eq!((after.status, &after.text), (200, before), "{file}");
    }
    for lang in ["lt", "en"] {
        let shown = page(&budget, &format!("{address}?lang={lang}")).await;
        assert!(shown.text.contains(&NETWORK.to_string()), "the seal's root is named: {}", shown.text);
        assert!(!shown.text.contains("role=\"alert\"") && shown.text.contains("Šviesos teatras"), "{}", shown.text);
    }
    let end = page(&budget, &format!("/office/bills/{YEAR}/end")).await;
    assert!(end.text.contains(&format!("href=\"{address}\"")), "{}", end.text);
    let coordinator = stage.site.signed_in("coordinator").await;
    assert_eq!(coordinator.get(&address).await.status, 403);

    // Something was paid between the report and the seal.
    stage.ledger.shelf().funds.insert("paid", 12_346);
    let shown = budget.get(&format!("{address}?lang=lt")).await;
    assert!(shown.text.contains("role=\"alert\""), "{}", shown.text);
    stage.site.shutdown().await;
}
