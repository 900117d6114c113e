//! The accountants' pages: who sees and does what, that a form asks exactly for what it says, and bad input told in words.

use crate::bills_support::stage::{SYSTEM, Stage, asked, id, key, page, payment, says, settle, sum};
use crate::bills_support::{SEALED, YEAR, pay};
use crate::support::ledger::NOW;
use crate::support::{BUDGET_HOLDER, OPERATOR};
use keis_ledger::ids::{Commitment, OrderId, PupilId, ServiceId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Owner, SettlementOperation};
use keis_ledger::record::{Invoice, LineState, OrderState, Repayment, StatementState};
use keis_ledger::time::Timestamp;
use keis_portal::words::Lang;
use keis_registry::invoices::{FileMark, NewPaper, PaperKind};
use keis_registry::payments::BankMark;
use keis_registry::permission::Role;

#[tokio::test]
async fn officers_alone_see_the_books() {
    let stage = Stage::new().await;
    let one = stage.put(1, Buyer::Programme, 1_000, StatementState::Accepted);
    let paths = [
        "/office/bills".to_owned(),
        format!("/office/bills/{YEAR}/{one}"),
        format!("/office/bills/{YEAR}/payable.csv"),
        format!("/office/bills/{YEAR}/debts"),
        format!("/office/bills/{YEAR}/end"),
        format!("/office/bills/{YEAR}/pay?statement={one}"),
    ];
    for person in ["coordinator", "teacher", "provider_staff"] {
        let browser = stage.site.signed_in(person).await;
        for path in &paths {
            assert_eq!(browser.get(path).await.status, 403, "{person} {path}");
        }
        let form = [("statement", one.to_string()), ("act", "approve".to_owned())];
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(browser.post(&format!("/office/bills/{YEAR}/act"), &form).await.status, 403, "{person}");
        assert_eq!(browser.post(&format!("/office/bills/{YEAR}/seal"), &[("typed", "2026")]).await.status, 403);
    }
    assert_eq!(stage.site.browser().get(&paths[0]).await.status, 303, "sign in first");
    for browser in [stage.operator().await, stage.budget_holder().await] {
        for path in &paths[..5] {
            assert_eq!(browser.get(path).await.status, 200, "{path}");
        }
    }
    stage.site.shutdown().await;
}

#[tokio::test]
async fn the_list_tells_what_waits_for_whom_with_sums_by_state_and_source() {
    let stage = Stage::new().await;
    stage.put(1, Buyer::Programme, 1_000, StatementState::InvoiceAttached);
    stage.put(2, Buyer::Programme, 2_000, StatementState::Approved);
    stage.put(3, stage.school(), 4_000, StatementState::Approved);
    stage.put(4, Buyer::Programme, 8_000, StatementState::Contested);
    {
        let mut shelf = stage.ledger.shelf();
        let part = shelf.statements.get_mut(&id(2)).expect("it is there");
        pay(part, payment(500, Commitment([1; 32]), BUDGET_HOLDER));
    }
    let operator = stage.operator().await;
    let list = page(&operator, "/office/bills").await;
    let w = Lang::Lt.words();
    for (key, count) in [("bills-wait-approve", 1_u64), ("bills-wait-pay-programme", 1), ("bills-wait-pay-school", 1)] {
        assert!(list.text.contains(&w.count(key, count)), "{key}: {}", list.text);
    }
    assert_eq!(list.text.matches(&w.text("bills-waits-you")).count(), 2, "approval and the school's money");
    says(&list, "bills-part-paid");
    for cents in [1_500, 4_000, 8_000] {
        assert!(list.text.contains(&sum(cents)), "{cents}: {}", list.text);
    }
    assert!(!list.text.contains("name=\"statement\""), "nothing is chosen in a list of everything");

    let narrowed = page(&operator, "/office/bills?year=2026&state=invoice_attached&payer=programme").await;
    assert!(narrowed.text.contains(&format!("value=\"{}\"", id(1))) && !narrowed.text.contains(&id(4).to_string()));
    let of_others = page(&stage.budget_holder().await, "/office/bills?year=2026&state=invoice_attached").await;
    assert!(!of_others.text.contains(&format!("value=\"{}\"", id(1))), "the operator approves");
    let school = page(&operator, "/office/bills?year=2026&school=ąžuol").await;
    assert!(school.text.contains(&id(3).to_string()) && !school.text.contains(&id(1).to_string()));
    let nobody = page(&operator, "/office/bills?year=2026&provider=niekas").await;
    says(&nobody, "bills-none");
    let months = page(&operator, "/office/bills?year=2026&month=3").await;
    says(&months, "bills-none");
    assert!(page(&operator, "/office/bills?year=2026&month=2").await.text.contains(&id(1).to_string()));
    page(&operator, "/office/bills?lang=en").await;
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_long_list_has_pages_without_gap_or_repeat() {
    let stage = Stage::new().await;
    for number in 1..=120 {
        stage.put(number, Buyer::Programme, 100, StatementState::InvoiceAttached);
        let mut shelf = stage.ledger.shelf();
        let one = shelf.statements.get_mut(&id(number)).expect("it is there");
        one.0.issued = Timestamp(NOW.0 - u64::from(number / 7));
    }
    let operator = stage.operator().await;
    for start in ["/office/bills?year=2026", "/office/bills?year=2026&state=invoice_attached"] {
        let (mut seen, mut path) = (Vec::new(), Some(start.to_owned()));
        while let Some(here) = path {
            let list = page(&operator, &here).await;
            seen.extend(
                (1..=120).filter(|number| list.text.contains(&format!("/office/bills/{YEAR}/{}\"", id(*number)))),
            );
            let next = list.text.split("href=\"/office/bills?").skip(1).map(|rest| rest.split('"').next());
            path = next
                .flatten()
                .find(|query| query.contains("after=") && !query.contains("lang="))
                .map(|query| format!("/office/bills?{}", query.replace("&#38;", "&").replace("&amp;", "&")));
            assert!(seen.len() <= 120);
        }
        seen.sort_unstable();
        assert_eq!(seen, (1..=120).collect::<Vec<u8>>(), "{start}");
    }
    stage.site.shutdown().await;
}

#[tokio::test]
async fn invoices_are_approved_by_the_operator_and_refused_by_either() {
    let stage = Stage::new().await;
    let one = stage.put(1, Buyer::Programme, 1_000, StatementState::InvoiceAttached);
    let other = stage.put(2, stage.school(), 2_000, StatementState::InvoiceAttached);
    let (operator, budget) = (stage.operator().await, stage.budget_holder().await);
    let path = format!("/office/bills/{YEAR}/act");
    let (first, second) = (one.to_string(), other.to_string());
    let both = [("statement", first.as_str()), ("statement", second.as_str()), ("act", "approve")];
    let (operations, names) = asked(&operator.post(&path, &both).await);
    let approve = |statement| settle(SettlementOperation::Approve { year: YEAR, statement });
    assert_eq!(operations, [approve(one), approve(other)]);
    assert!(names[&first].as_str().unwrap_or_default().contains("Šviesos teatras"), "{names}");
    assert_eq!(budget.post(&path, &both).await.status, 403);

    let reject = [("statement", first.as_str()), ("act", "reject"), ("reason", "Ne tas pirkėjas")];
    for browser in [&operator, &budget] {
        let (operations, _) = asked(&browser.post(&path, &reject).await);
        assert_eq!(operations, [settle(SettlementOperation::RejectInvoice { year: YEAR, statement: one })]);
    }
    let reasons = stage.site.registry.refusals(&SYSTEM, one, None).await.expect("the registry reads");
    assert_eq!(reasons.iter().map(|reason| reason.text.as_deref()).collect::<Vec<_>>(), [Some("Ne tas pirkėjas")]);
    assert!(page(&operator, &format!("/office/bills/{YEAR}/{one}")).await.says("bills-reject-why"));

    stage.ledger.shelf().accounts.clear();
    let page =
        operator.follow(operator.post(&path, &both[..1].iter().copied().chain([both[2]]).collect::<Vec<_>>()).await);
    assert!(page.await.text.contains("Šviesos teatras"), "whose account is missing is told");
    stage.ledger.shelf().statements.get_mut(&one).expect("it is there").0.state = StatementState::Accepted;
    says(&operator.follow(operator.post(&path, &reject).await).await, "bills-no-longer-invoice");
    says(&operator.follow(operator.post(&path, &[("act", "approve")]).await).await, "bills-none-chosen");
    let unknown = id(77).to_string();
    assert_eq!(operator.post(&path, &[("statement", unknown.as_str()), ("act", "approve")]).await.status, 404);
    assert_eq!(operator.post(&path, &[("statement", first.as_str()), ("act", "burn")]).await.status, 400);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn payments_are_recorded_by_the_payer_with_their_bank_references() {
    let stage = Stage::new().await;
    let one = stage.put(1, Buyer::Programme, 1_250, StatementState::Approved);
    let other = stage.put(2, Buyer::Programme, 2_000, StatementState::Approved);
    let school = stage.put(3, stage.school(), 300, StatementState::Approved);
    let budget = stage.budget_holder().await;
    let path = format!("/office/bills/{YEAR}/pay");
    let form = page(&budget, &format!("{path}?statement={one}&statement={other}")).await;
    assert!(form.text.contains("data-intent=\"settlement.record_payment\"") && form.text.contains("value=\"12,50\""));

    let (first, second) = (one.to_string(), other.to_string());
    let fill = |sums: [&'static str; 2], marks: [&'static str; 2]| {
        vec![
            ("statement", first.clone()),
            ("payment", sums[0].to_owned()),
            ("reference", marks[0].to_owned()),
            ("statement", second.clone()),
            ("payment", sums[1].to_owned()),
            ("reference", marks[1].to_owned()),
        ]
    };
    let send = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        budget.post(&path, &fields).await
    };
    for (sums, marks, key) in [
        (["12,51", "20"], ["FT1", "FT2"], "bills-error-above"),
        (["", "20"], ["FT1", "FT2"], "office-error-money"),
        (["12,50", "20"], ["FT1", " "], "office-error-empty"),
        (["12,50", "20"], ["FT 1", "FT  1"], "bills-error-twice"),
    ] {
        let page = send(fill(sums, marks)).await;
        assert_eq!(page.status, 422, "{key}");
        says(&page, key);
        assert!(page.text.contains("role=\"alert\""), "{key}");
    }

    let (operations, names) = asked(&send(fill(["12,50", "15"], ["FT 001", "FT002"])).await);
    let reference = stage.mark(BankMark::Reference, " FT  001 ").await;
    let second_reference = stage.mark(BankMark::Reference, "FT002").await;
    let record = |statement, cents, reference| {
        let amount = Cents::new(cents);
        settle(SettlementOperation::RecordPayment { year: YEAR, statement, amount, reference })
    };
    assert_eq!(operations, [record(one, 1_250, reference), record(other, 1_500, second_reference)]);
    assert_eq!(names[reference.to_string()], "FT 001", "the page says what the commitment stands for");

    stage.ledger.shelf().statements.get_mut(&other).expect("it is there").1.payments =
        vec![payment(1, reference, BUDGET_HOLDER)];
    let page = send(fill(["12,50", "15"], ["FT 001", "FT002"])).await;
    assert_eq!(page.status, 422);
    says(&page, "bills-error-used");

    says(&budget.follow(budget.get(&format!("{path}?statement={school}")).await).await, "bills-not-payer");
    let operator = stage.operator().await;
    assert_eq!(operator.get(&format!("{path}?statement={school}")).await.status, 200);
    says(&operator.follow(operator.get(&format!("{path}?statement={one}")).await).await, "bills-not-payer");
    stage.ledger.shelf().accounts.clear();
    says(&budget.follow(budget.get(&format!("{path}?statement={one}")).await).await, "bills-account-missing");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn who_approved_is_told_beforehand_that_another_pays() {
    let stage = Stage::new().await;
    let school = stage.put(1, stage.school(), 300, StatementState::Approved);
    let operator = stage.operator().await;
    let user = stage.user(Role::Officer, "Darius Ąžuolas").await;
    let path = format!("/office/bills/{YEAR}/{school}");
    assert!(page(&operator, &path).await.text.contains("/office/bills/2026/pay"));
    stage.site.registry.add_officer_key(&user, Role::Officer, key(8), "Darbo kompiuteris").await.expect("it is kept");
    stage.ledger.shelf().keys.insert(key(8), Owner::Operator(OPERATOR));
    let shown = page(&operator, &path).await;
    says(&shown, "bills-own-approval");
    assert!(!shown.text.contains("/office/bills/2026/pay"), "{}", shown.text);
    let refused = operator.get(&format!("/office/bills/{YEAR}/pay?statement={school}")).await;
    says(&operator.follow(refused).await, "bills-own-approval");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn payments_come_back_are_set_off_and_compared_with_the_bank() {
    let stage = Stage::new().await;
    let one = stage.put(1, Buyer::Programme, 1_000, StatementState::Approved);
    let other = stage.put(2, Buyer::Programme, 2_000, StatementState::Approved);
    let reference = stage.mark(BankMark::Reference, "FT 900").await;
    {
        let mut shelf = stage.ledger.shelf();
        pay(shelf.statements.get_mut(&one).expect("it is there"), payment(1_000, reference, BUDGET_HOLDER));
        shelf.owed.push((stage.site.provider.id, Buyer::Programme, Cents::new(700)));
    }
    let (operator, budget) = (stage.operator().await, stage.budget_holder().await);
    let shown = page(&operator, &format!("/office/bills/{YEAR}/{one}")).await;
    assert!(shown.text.contains("FT 900"), "officers read what stands behind a commitment: {}", shown.text);
    assert!(!shown.text.contains("return_payment"), "the payer records what came back");

    let (first, mark) = (one.to_string(), reference.to_string());
    let back = [("statement", first.as_str()), ("reference", mark.as_str()), ("act", "return")];
    let (operations, names) = asked(&budget.post(&format!("/office/bills/{YEAR}/act"), &back).await);
    assert_eq!(operations, [settle(SettlementOperation::ReturnPayment { year: YEAR, statement: one, reference })]);
    assert_eq!(names[&mark], "FT 900");
    assert_eq!(operator.post(&format!("/office/bills/{YEAR}/act"), &back).await.status, 403);

    let path = format!("/office/bills/{YEAR}/set-off");
    assert!(page(&budget, &format!("{path}?statement={other}")).await.text.contains("value=\"7,00\""));
    let second = other.to_string();
    let wrong = budget.post(&path, &[("statement", second.as_str()), ("payment", "7,01")]).await;
    assert_eq!(wrong.status, 422);
    says(&wrong, "bills-error-above");
    let (operations, _) = asked(&budget.post(&path, &[("statement", second.as_str()), ("payment", "7")]).await);
    let amount = Cents::new(700);
    assert_eq!(operations, [settle(SettlementOperation::SetOff { year: YEAR, statement: other, amount })]);

    let path = format!("/office/bills/{YEAR}/reconcile");
    says(&budget.follow(budget.get(&format!("{path}?statement={one}")).await).await, "bills-not-comparer");
    says(&operator.follow(operator.get(&format!("{path}?statement={other}")).await).await, "bills-no-longer-paid");
    assert!(page(&operator, &format!("{path}?statement={one}")).await.text.contains("FT 900"));
    let wrong = operator.post(&path, &[("statement", first.as_str()), ("bank", "  ")]).await;
    assert_eq!(wrong.status, 422);
    says(&wrong, "office-error-empty");
    let fields = [("statement", first.as_str()), ("bank", "2026-02/7")];
    let (operations, names) = asked(&operator.post(&path, &fields).await);
    let bank = stage.mark(BankMark::Statement, "2026-02/7").await;
    assert_eq!(operations, [settle(SettlementOperation::Reconcile { year: YEAR, statement: one, bank })]);
    assert_eq!(names[bank.to_string()], "2026-02/7");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn debts_are_repaid_and_compared_with_the_bank() {
    let stage = Stage::new().await;
    let provider = stage.site.provider.id;
    stage.put(1, Buyer::Programme, 1_000, StatementState::Paid);
    let reference = stage.mark(BankMark::Reference, "GR 5").await;
    {
        let mut shelf = stage.ledger.shelf();
        shelf.statements.get_mut(&id(1)).expect("it is there").1.credited = Cents::new(900);
        shelf.owed.push((provider, Buyer::Programme, Cents::new(700)));
        let institution = BUDGET_HOLDER;
        let (buyer, amount) = (Buyer::Programme, Cents::new(200));
        shelf.repaid.push((reference, Repayment { provider, buyer, amount, institution, at: NOW, bank: None }));
    }
    let (operator, budget) = (stage.operator().await, stage.budget_holder().await);
    let list = page(&budget, &format!("/office/bills/{YEAR}/debts")).await;
    assert!(list.text.contains(&sum(700)) && list.text.contains("GR 5") && list.text.contains("/repay?"));
    assert!(!list.text.contains("/repaid?"), "another institution compares: {}", list.text);

    let path = format!("/office/bills/{YEAR}/repay");
    let text = provider.to_string();
    let fields = [("provider", text.as_str()), ("buyer", "programme"), ("amount", "8"), ("reference", "")];
    let wrong = budget.post(&path, &fields).await;
    assert_eq!(wrong.status, 422);
    says(&wrong, "bills-error-above");
    says(&wrong, "office-error-empty");
    let fields = [("provider", text.as_str()), ("buyer", "programme"), ("amount", "3,50"), ("reference", "GR 6")];
    let (operations, _) = asked(&budget.post(&path, &fields).await);
    let (amount, buyer) = (Cents::new(350), Buyer::Programme);
    let new = stage.mark(BankMark::Reference, "GR 6").await;
    let expected = SettlementOperation::RecordRepayment { year: YEAR, provider, buyer, amount, reference: new };
    assert_eq!(operations, [settle(expected)]);
    assert_eq!(operator.post(&path, &fields).await.status, 403);

    let path = format!("/office/bills/{YEAR}/repaid");
    let mark = reference.to_string();
    let fields = [("provider", text.as_str()), ("reference", mark.as_str()), ("bank", "2026-03/1")];
    let (operations, _) = asked(&operator.post(&path, &fields).await);
    let bank = stage.mark(BankMark::Statement, "2026-03/1").await;
    assert_eq!(operations, [settle(SettlementOperation::ReconcileRepayment { year: YEAR, reference, bank })]);
    assert_eq!(budget.post(&path, &fields).await.status, 403);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_statement_is_shown_with_its_orders_its_invoice_and_where_it_is_paid() {
    const IBAN: &str = "LT121000011101001000";
    let stage = Stage::new().await;
    let (registry, provider) = (&stage.site.registry, stage.site.provider.id);
    let account = registry.keep_payment_account(&SYSTEM, provider, IBAN).await.expect("it is kept");
    let one = stage.put(1, Buyer::Programme, 1_250, StatementState::Approved);
    let paper = NewPaper {
        kind: PaperKind::Invoice,
        year: YEAR,
        statement: one,
        provider,
        buyer: Buyer::Programme,
        number: "ŠT-77".to_owned(),
        file: FileMark::of("saskaita.pdf", b"%PDF"),
    };
    let kept = registry.keep_paper(&SYSTEM, &paper).await.expect("it is kept");
    let session = crate::market::session(ServiceId([5; 16]), 0, 2);
    let pupils = [PupilId([1; 16]), PupilId([2; 16])];
    let at = (SessionId([4; 16]), &session);
    let mut order = crate::market::order(stage.site.school.id, provider, at, &pupils, OrderState::Settled);
    order.lines[0].state = LineState::Attended;
    order.lines[0].due.state = Cents::new(987);
    order.lines[1].state = LineState::Absent;
    order.lines[1].due.state = Cents::new(263);
    {
        let mut shelf = stage.ledger.shelf();
        shelf.accounts.insert(provider, account);
        shelf.orders.insert(OrderId([3; 16]), order);
        let shown = shelf.statements.get_mut(&one).expect("it is there");
        shown.0.orders = vec![OrderId([3; 16])];
        shown.1.invoice = Some(Invoice { file: kept.file, number: kept.number, by: key(9) });
    }
    let budget = stage.budget_holder().await;
    let shown = page(&budget, &format!("/office/bills/{YEAR}/{one}")).await;
    for text in ["ŠT-77", "saskaita.pdf", &paper.file.hash_text(), "Vilniaus Ąžuolų gimnazija", &sum(1_250)] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    says(&shown, "bills-vat-unknown");
    assert!(!shown.text.contains("pup_"), "a pupil's wallet is no business of accountants: {}", shown.text);
    let form = page(&budget, &format!("/office/bills/{YEAR}/pay?statement={one}")).await;
    assert!(form.text.contains(IBAN) && form.text.contains("ŠT-77"), "{}", form.text);
    assert!(page(&budget, "/office/bills?year=2026").await.text.contains("ŠT-77"));
    let table = budget.get(&format!("/office/bills/{YEAR}/payable.csv")).await;
    let row = format!("Šviesos teatras;300000001;{IBAN};12,50;EUR;ŠT-77;");
    assert!(table.text.contains(&row), "{}", table.text);
    let order = format!("{}-01", one.to_string().trim_start_matches("stm_"));
    assert!(order.len() <= 35 && table.text.contains(&format!(";{order};Saskaita fakt. ŠT-77, ")), "{}", table.text);
    let english = budget.get(&format!("/office/bills/{YEAR}/{one}?lang=en")).await;
    assert!(english.text.contains("€12.50") && english.text.contains("What happened"), "{}", english.text);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_year_is_sealed_when_nothing_stands_in_its_way() {
    let stage = Stage::new().await;
    let (operator, budget) = (stage.operator().await, stage.budget_holder().await);
    let path = format!("/office/bills/{YEAR}/end");
    stage.put(1, Buyer::Programme, 1_000, StatementState::Paid);
    {
        let mut shelf = stage.ledger.shelf();
        shelf.funds = [("minted", 1_000), ("pupils", 300), ("settlement", 100), ("paid", 600)].into();
        shelf.open_orders = 2;
    }
    let shown = page(&budget, &path).await;
    says(&shown, "bills-seal-not-yet");
    assert!(shown.text.contains(&sum(300)) && shown.text.contains(&Lang::Lt.words().count("count-orders", 2_u64)));
    assert!(!shown.text.contains("name=\"typed\""));

    {
        let mut shelf = stage.ledger.shelf();
        shelf.funds = [("minted", 1_000), ("returned", 400), ("paid", 600)].into();
        (shelf.open_orders, shelf.ended) = (0, true);
        shelf.statements.get_mut(&id(1)).expect("it is there").0.state = StatementState::Reconciled;
        shelf.statements.get_mut(&id(1)).expect("it is there").0.balance = Cents::ZERO;
    }
    says(&page(&operator, &path).await, "bills-seal-who");
    assert!(page(&budget, &path).await.text.contains("name=\"typed\""));
    let wrong = budget.post(&format!("/office/bills/{YEAR}/seal"), &[("typed", "2025")]).await;
    assert_eq!(wrong.status, 422);
    says(&wrong, "bills-seal-wrong");
    assert_eq!(operator.post(&format!("/office/bills/{YEAR}/seal"), &[("typed", "2026")]).await.status, 403);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_sealed_year_answers_with_its_sums() {
    let stage = Stage::new().await;
    let budget = stage.budget_holder().await;
    let shown = page(&budget, &format!("/office/bills/{SEALED}/end")).await;
    assert!(shown.text.contains(&sum(98_765_400)) && shown.text.contains(&sum(8_765_400)), "{}", shown.text);
    for path in [format!("{}", id(1)), "debts".to_owned(), "payable.csv".to_owned(), format!("pay?statement={}", id(1))]
    {
        let page = budget.get(&format!("/office/bills/{SEALED}/{path}")).await;
        assert_eq!(page.status, 410, "{path}");
        says(&page, "bills-gone");
    }
    let list = budget.follow(budget.get(&format!("/office/bills?year={SEALED}")).await).await;
    assert_eq!((list.status, list.url.path()), (200, format!("/office/bills/{SEALED}/end").as_str()));
    assert_eq!(budget.get("/office/bills/1999/debts").await.status, 404);
    stage.site.shutdown().await;
}
