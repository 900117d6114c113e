//! Officers: registers' extracts, a service, an act for who phones, log and differences; and the next year, from the budget
//! holder's decision to the pupils' money.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keis_ledger::classifiers::{Place, Year};
use keis_ledger::ids::{SchoolId, ServiceId};
use keis_ledger::money::Cents;
use keis_ledger::record::OrderState;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::{turn, until};

use crate::hands::{PATIENCE, PUPILS, links, texts, until_at};

/// A pupil whom the register learned of after the extract; names like these exist nowhere.
const ARRIVAL: &str = "7770000777,Naujokas,Atvykėlaitis";

/// The fields of a line of the sample's files; the first line is the header. Only for lines without quotes.
fn fields(house: &House, file: &str, line: usize) -> Vec<String> {
    let text = std::fs::read_to_string(house.files.join(file)).expect("the sample has the file");
    let line = text.lines().nth(line).expect("the file has the line");
    line.split(',').map(str::to_owned).collect()
}

/// Sends a file in; returns what the page counts of it, once it is read.
async fn upload(officer: &Browser, content: &str, year: Year, file: &Path, dry: bool) -> BTreeMap<String, u64> {
    officer.open("office/import?lang=en").await;
    let before = texts(officer, "section.card").await.len();
    officer.choose("#content", content).await;
    officer.fill("#year", &year.to_string()).await;
    let ticked = officer.see("#dry").await.is_selected().await.expect("a box");
    assert!(ticked, "a file is compared only, unless somebody says otherwise");
    if !dry {
        officer.click("label[for=dry]").await;
    }
    let path = file.to_str().expect("a path of text");
    officer.see("#file").await.send_keys(path).await.expect("a file can be chosen");
    officer.click("form[action='/office/import/upload'] button").await;
    let read = async || {
        let results = texts(officer, "section.card").await;
        (results.len() > before).then_some(results)
    };
    until("the file is read", PATIENCE, read).await;
    let headed = officer.see("section.card h3").await.text().await.expect("a heading has text");
    assert_eq!(headed.contains("compared only"), dry, "{headed}");
    let names = texts(officer, "section.card:first-of-type dl dt").await;
    let counts = texts(officer, "section.card:first-of-type dl dd").await;
    let number =
        |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number");
    names.into_iter().zip(counts.into_iter().map(number)).collect()
}

/// Changes of the register with one arrival and one line that cannot be used.
fn changes(house: &House) -> PathBuf {
    let pupil = fields(house, "pupils.csv", 1);
    let place = pupil[3..].join(",");
    let header = std::fs::read_to_string(house.files.join("pupil_changes.csv")).expect("the sample has the file");
    let header = header.lines().next().expect("a header");
    let good = format!("2027-02-01T04:00:00Z,arrived,{ARRIVAL},{place},");
    let bad = good.replace("7770000777", "7770000778").replace("2027-02-01T", "2027-02-31T");
    let file = house.files.join("changes-of-february.csv");
    std::fs::write(&file, format!("{header}\n{good}\n{bad}\n")).expect("the file can be written");
    file
}

async fn pupils_of(house: &House, school: SchoolId, year: Year) -> u64 {
    let found = house.ledger().school_wallet(school, year).await.expect("the gateways answer");
    found.expect("the school has a wallet").pupils
}

/// The id of the school of a code, as the officer finds it.
async fn school_of(officer: &Browser, code: &str) -> SchoolId {
    officer.open(&format!("office/behalf?q={code}")).await;
    officer.click("main a[href^='/office/behalf/sch_']").await;
    let path = officer.path().await;
    let id = path.split(['/', '?']).find_map(|part| part.parse().ok());
    id.unwrap_or_else(|| panic!("{path} names no school"))
}

/// Compared first, then taken over: the arrival gets a wallet and the year's money, the bad line stops nobody.
async fn imports(house: &House, officer: &Browser, school: SchoolId) {
    let (file, year) = (changes(house), house.year().await);
    let before = pupils_of(house, school, year).await;
    let compared = upload(officer, "changes", year, &file, true).await;
    officer.assert_accessible().await;
    officer.click("section.card summary").await;
    assert_eq!(texts(officer, "section.card tbody th").await, ["3"], "the number of the bad line");
    officer.picture("import-compared").await;
    assert_eq!(pupils_of(house, school, year).await, before);
    let taken = upload(officer, "changes", year, &file, false).await;
    assert_eq!(compared, taken);
    let bad = "Lines that could not be used";
    assert_eq!((taken["Lines"], taken["New"], taken[bad]), (2, 1, 1), "{taken:?}");
    let opened = async || (pupils_of(house, school, year).await == before + 1).then_some(());
    until("the arrival has a wallet", PATIENCE, opened).await;
    let funded = async || {
        let wallets = house.ledger().all_school_pupils(school, year).await.ok()?;
        wallets.iter().all(|wallet| wallet.allocated).then_some(())
    };
    until("the arrival has money", PATIENCE, funded).await;
    // The same file again changes nothing.
    let again = upload(officer, "changes", year, &file, false).await;
    assert_eq!(again.get("New").copied().unwrap_or_default(), 0, "{again:?}");
}

/// A form that lacks something says so; filled in, the service is in everybody's catalogue and on the ledger.
async fn publishes(house: &House, driver: &WebDriver, officer: &Browser) {
    officer.open("office/services/new").await;
    for (css, text) in [
        ("#provider", fields(house, "providers.csv", 2)[0].as_str()),
        ("#title-lt", "Šokio pamoka rūmuose"),
        ("#title-en", "A dance lesson in the palace"),
        ("#description-lt", "Mokomės senovinių šokių."),
        ("#description-en", "We learn old dances."),
        ("#capacity", "28"),
        ("#price", "4.50"),
    ] {
        officer.fill(css, text).await;
    }
    officer.choose("#field", "dance").await;
    officer.choose("#kind", "lesson").await;
    officer.set("#from", "2027-01-01").await;
    officer.set("#until", "2027-12-31").await;
    officer.click("form[action='/office/services/new'] button").await;
    officer.hear("Choose at least one venue.").await;
    officer.assert_accessible().await;
    officer.picture("service-without-a-venue").await;
    officer.click("input[name=venue][value='LT-57']").await;
    officer.click("form[action='/office/services/new'] button").await;
    officer.hear("The service is published.").await;
    let path = officer.path().await;
    let id: ServiceId = path.split(['/', '?']).find_map(|part| part.parse().ok()).expect("the service's page");
    let public = driver.browser(&house.url).await;
    public.open(&format!("services/{id}?lang=en")).await;
    public.hear("A dance lesson in the palace").await;
    public.hear("€4.50").await;
    public.close().await.expect("the browser ends");
    let found = house.ledger().service(id).await.expect("the gateways answer").expect("the service is on the ledger");
    assert_eq!((found.service.version, found.service.terms.price), (1, Cents::new(450)));
    assert_eq!(found.service.terms.venues, [Place::Municipality(57)]);
    assert_eq!(found.document.expect("a description")["title"]["lt"], "Šokio pamoka rūmuose");
}

/// A school phones: the officer orders for it, says how and why, and the receipt says who signed.
async fn orders_for_a_school(house: &House, officer: &Browser, school: SchoolId) {
    let year = house.year().await;
    let ids = async || {
        let orders = house.ledger().all_school_orders(school, year, None).await.expect("the gateways answer");
        orders.into_iter().map(|view| view.id).collect::<Vec<_>>()
    };
    let before = ids().await;
    officer.open(&format!("office/behalf/{school}/new?q=film")).await;
    let sessions = links(officer, "main a[href*='session=ses_']").await;
    officer.open(sessions.last().expect("a film has a session").trim_start_matches('/')).await;
    officer.click("input[name=class]").await;
    officer.press("Show the pupils").await;
    officer.see("#pupil").await;
    officer.click("input[name=pupil]").await;
    officer.press("Place the order").await;
    officer.hear("First make sure who asked, and tick it.").await;
    officer.assert_accessible().await;
    officer.choose("#channel", "phone").await;
    officer.choose("#reason", "no-device").await;
    officer.click("label[for=verified]").await;
    officer.picture("order-for-who-phones").await;
    officer.press("Place the order").await;
    officer.hear("The order is placed. The institution gets a notice.").await;
    let order = ids().await.into_iter().find(|id| !before.contains(id)).expect("a new order").to_string();
    assert_eq!(house.order(&order).await.order.state, OrderState::Requested);
    let history = house.history(&order).await;
    assert!(history.len() == 1 && history[0].on_behalf, "{history:?}");
}

/// The school is told, and sees whose hand it was.
async fn is_told(driver: &WebDriver, house: &House) {
    let coordinator = driver.browser(&house.url).await;
    coordinator.sign_in("coordinator").await;
    coordinator.hear("An officer of the programme acted for the school at your request.").await;
    coordinator.assert_accessible().await;
    coordinator.picture("notice-of-an-act").await;
    coordinator.press("Look").await;
    coordinator.hear("waits for the provider").await;
    coordinator.hear("by an officer of the programme at your request").await;
    coordinator.open("school").await;
    coordinator.press("I have read it").await;
    coordinator.see("#own").await;
    assert!(!coordinator.has("#notices").await, "a notice that was read is still there");
    coordinator.assert_quiet().await;
    coordinator.close().await.expect("the browser ends");
}

/// Log and differences tell of all that.
async fn looks_back(house: &House, officer: &Browser) {
    officer.open("office/log").await;
    for told in ["acted for somebody else", "queued something for the ledger", "by phone, no-device"] {
        officer.hear(told).await;
    }
    officer.press("Verify the chain").await;
    officer.hear("The chain holds.").await;
    officer.open("office/differences").await;
    officer.press("Compare").await;
    officer.hear(&format!("The year {}, compared at", house.year().await)).await;
    // The demo lived with keys of its own before the doors opened; nothing else may differ.
    let kinds = texts(officer, "main table:first-of-type tbody tr th").await;
    let unknown = "the ledger has a key that nobody asked for here";
    assert!(kinds.iter().all(|kind| kind == unknown), "{kinds:?}");
    officer.assert_accessible().await;
    officer.picture("differences").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_officer_imports_publishes_and_acts_for_who_phones() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let school = school_of(&officer, &fields(&house, "schools.csv", 1)[0]).await;
    imports(&house, &officer, school).await;
    publishes(&house, &driver, &officer).await;
    orders_for_a_school(&house, &officer, school).await;
    is_told(&driver, &house).await;
    looks_back(&house, &officer).await;
    officer.assert_quiet().await;
    officer.close().await.expect("the browser ends");
    house.close().await;
}

/// The budget holder's officer opens a year with rules of its own, after having read them once more.
async fn opens_a_year(budget: &Browser, year: Year) {
    budget.open("office/year").await;
    budget.press("Open a year").await;
    assert_eq!(budget.see("#year").await.prop("value").await.expect("a field"), Some(year.to_string()));
    budget.fill("#amount", "0").await;
    budget.press("Review").await;
    budget.hear("Write an amount in euro, such as 14.50.").await;
    budget.assert_accessible().await;
    budget.fill("#amount", "15.00").await;
    budget.fill("#late", "40").await;
    budget.press("Review").await;
    budget.hear("Opening the year mints its budget.").await;
    budget.hear("€9,000.00").await;
    budget.assert_accessible().await;
    budget.picture("a-year-to-be-opened").await;
    budget.press("Open the year").await;
    budget.hear(&format!("The year {year} is open.")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_budget_holder_opens_the_next_year_and_its_pupils_get_their_money() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let year = Year(house.year().await.0 + 1);
    let budget = driver.browser(&house.url).await;
    budget.sign_in("budget-officer").await;
    opens_a_year(&budget, year).await;
    let pupils = u64::try_from(PUPILS).expect("few pupils");
    let funds = async || house.ledger().funds(year).await.expect("the gateways answer").expect("the year is open");
    let opened = funds().await;
    assert_eq!((opened.money.state.budget, opened.money.state.pupils), (Cents::new(1_500 * pupils), Cents::ZERO));
    let rules = house.ledger().parameters().await.expect("the gateways answer").years;
    let rules = &rules.iter().find(|known| known.year == year).expect("the year is open").parameters;
    assert_eq!((rules.amount_per_pupil, rules.late_share.get()), (Cents::new(1_500), 4_000));
    assert!(!budget.has("form[action$='/allocate']").await, "wallets are the operator's work");

    // The operator's officer prepares the wallets from the register, opens them, and gives out the money.
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let told = upload(&officer, "pupils", year, &house.files.join("pupils.csv"), false).await;
    assert_eq!(told["Lines"], pupils, "{told:?}");
    let page = format!("office/year/{year}");
    officer.open(&page).await;
    officer.press("Open the prepared wallets").await;
    officer.hear("The wallets are being opened.").await;
    officer.press("Give open wallets their money").await;
    officer.hear("The money is being given.").await;
    until_at(&officer, &page, &format!("progress[value='{pupils}'][max='{pupils}']")).await;
    officer.hear("The money adds up.").await;
    officer.assert_accessible().await;
    officer.picture("the-next-year").await;
    let given = funds().await;
    assert!(given.money.balances());
    assert_eq!((given.money.state.budget, given.money.state.pupils), (Cents::ZERO, Cents::new(1_500 * pupils)));
    for browser in [budget, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
