//! Officers' acts: each a row of the outbox, told with what became of it.

use std::sync::Arc;
use std::time::Duration;

use crate::office_support::{TestDoor, gateway};
use crate::support::{Browser, Page, SCHOOL, SiteOptions, TestSite, start};
use keis_ledger::classifiers::Place;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{DocumentId, SchoolId};
use keis_ledger::operation::{CatalogueOperation, FundsOperation, Operation, Party, WalletOperation};
use keis_portal::words::Lang;
use keis_registry::bodies::NewSchool;
use keis_registry::keys::{KeyRequest, KeyState};
use keis_registry::outbox::{self, Office, OutboxState};
use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim, User};
use keis_registry::{Actor, Page as Part};

const SYSTEM: Actor = Actor::System("test");
/// A code that a register would give: its last digit checks the others.
const REGISTERED: &str = "190000015";
const PUPILS: &str = "register_code,given_name,family_name,school_code,branch,place,class,joint_class,grade\n";

async fn at_work() -> (TestSite, Arc<TestDoor>, Browser) {
    let site = start(SiteOptions { gateway: Some(gateway().await), ..SiteOptions::default() }).await;
    let door = TestDoor::open(&site.registry);
    let officer = site.signed_in("officer").await;
    (site, door, officer)
}

fn says(page: &Page, key: &str) {
    assert!(page.says(key), "{key}: {} {}", page.status, page.text);
}

async fn coordinator(site: &TestSite) -> User {
    let roles = vec![RoleClaim { role: Role::Coordinator, body: Some(SCHOOL.to_owned()) }];
    let claims = Claims { issuer: "test".into(), subject: "1".into(), name: "Ona".into(), email: None, roles };
    site.registry.sign_in(&claims).await.expect("the school is known").user
}

/// Waits for something that another task does.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking).await.unwrap_or_else(|_| panic!("{what} never came"))
}

#[tokio::test]
async fn a_key_is_compared_approved_used_and_revoked() {
    let (site, door, officer) = at_work().await;
    let user = coordinator(&site).await;
    let key = SecretKey::from_bytes(&[3; 32]).public();
    let request = KeyRequest {
        party: Party::School(site.school.id),
        key,
        scopes: Role::Coordinator.scopes(),
        label: "Mokyklos kompiuteris".to_owned(),
    };
    let id = site.registry.request_key(&user, &request).await.unwrap();
    let list = officer.get("/office/keys").await;
    assert!(
        list.text.contains("Mokyklos kompiuteris") && list.text.contains("Vilniaus Ąžuolų gimnazija"),
        "{}",
        list.text
    );
    assert!(list.text.contains(&keis_registry::keys::fingerprint(key)), "{}", list.text);

    let path = format!("/office/keys/{id}");
    let period = [("cap", "500,00"), ("from", "2026-02-01"), ("until", "2026-12-31")];
    let page = officer.post(&format!("{path}/approve"), &period).await;
    assert_eq!(page.status, 422);
    says(&page, "office-key-not-compared");

    let compared: Vec<(&str, &str)> = period.into_iter().chain([("compared", "yes")]).collect();
    let page = officer.follow(officer.post(&format!("{path}/approve"), &compared).await).await;
    says(&page, "office-key-approved-flash");
    let state = |state: KeyState| {
        let (site, user) = (&site, &user);
        async move {
            let keys = site.registry.keys_of(user).await.unwrap();
            keys.iter().any(|key| key.state == state).then_some(())
        }
    };
    until("the binding", || state(KeyState::Active)).await;
    assert!(matches!(
        &door.signed()[..],
        [(Office::Operator, None, Operation::Wallet(WalletOperation::BindKeys { .. }))]
    ));
    let page = officer.follow(officer.post(&format!("{path}/approve"), &compared).await).await;
    says(&page, "office-key-decided");

    assert_eq!(officer.post(&format!("{path}/revoke"), &[]).await.status, 400);
    officer.post(&format!("{path}/revoke"), &[("sure", "yes")]).await;
    until("the revocation", || state(KeyState::Revoked)).await;
    site.shutdown().await;
}

#[tokio::test]
async fn a_year_is_shown_before_it_is_opened() {
    let (site, door, _) = at_work().await;
    let budget = site.signed_in("budget_officer").await;
    let form = budget.get("/office/year/open").await;
    assert!(
        form.text.contains("value=\"2027\"") && form.text.contains("2027-12-20"),
        "the year after the last: {}",
        form.text
    );
    let mut fields = vec![
        ("year", "2027"),
        ("amount", "14,00"),
        ("pupils", "0"),
        ("reserve", "1000"),
        ("from", "2027-01-01"),
        ("until", "2027-12-20"),
        ("register", "2027-01-31"),
        ("arrivals", "pro_rata"),
        ("hold", "5"),
        ("change", "3"),
        ("cancel", "5"),
        ("attendance", "5"),
        ("settlement", "21"),
        ("late", "50"),
        ("absence", "100"),
        ("minimum", "0"),
        ("grade-from", "9"),
        ("grade-until", "12"),
        ("holidays", "2027-01-01\n2027-02-16"),
    ];
    let page = budget.post("/office/year/open", &fields).await;
    assert_eq!(page.status, 422);
    assert!(page.text.contains("href=\"#pupils\"") && page.text.contains("id=\"pupils-error\""), "{}", page.text);
    assert!(page.text.contains("value=\"1000\""), "what was filled in stays: {}", page.text);

    fields[2].1 = "100";
    let page = budget.post("/office/year/open", &fields).await;
    assert_eq!(page.status, 200);
    says(&page, "office-year-confirm-more");
    assert!(page.text.contains("1\u{a0}400,00\u{a0}€"), "{}", page.text);
    assert!(door.signed().is_empty(), "nothing happens before the second look");

    fields.push(("sure", "yes"));
    let page = budget.post("/office/year/open", &fields).await;
    assert_eq!(page.header("location"), "/office/year/2027");
    match &door.signed()[..] {
        [(Office::BudgetHolder, None, Operation::Funds(FundsOperation::OpenYear { year, budget, reserve, .. }))] => {
            assert_eq!((year.0, budget.get(), reserve.get()), (2027, 140_000, 100_000));
        }
        other => panic!("{other:?}"),
    }
    site.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_told_in_words_and_given_up_on_purpose() {
    let (site, door, officer) = at_work().await;
    door.refuse(Some("wallet_closed"));
    let school = site.school.id.to_string();
    let paid = [("q", "Vilniaus"), ("school", school.as_str()), ("paid", "120,00")];
    let page = officer.follow(officer.post("/office/year/2026/school-money", &paid).await).await;
    let rule = Lang::Lt.words().text("rejection-wallet_closed");
    assert!(page.text.contains(&rule), "{}", page.text);
    let page = officer.get("/office").await;
    assert!(page.text.contains(&rule), "the work list shows it: {}", page.text);

    let row = outbox::list(&site.registry, Some(OutboxState::Refused), &Part::first(10)).await.unwrap().items[0].id.0;
    assert_eq!(officer.post(&format!("/office/outbox/{row}/discard"), &[]).await.status, 400, "a tick is needed");
    door.refuse(None);
    let page = officer.follow(officer.post(&format!("/office/outbox/{row}/retry"), &[]).await).await;
    says(&page, "office-outbox-retried");
    assert_eq!(
        officer.post(&format!("/office/outbox/{row}/discard"), &[("sure", "yes")]).await.status,
        400,
        "it is done"
    );
    let page = officer.post("/office/year/2026/school-money", &[("school", school.as_str()), ("paid", "0")]).await;
    assert_eq!(page.status, 422);
    site.shutdown().await;
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_done_once() {
    let (site, door, officer) = at_work().await;
    let school = site.school.id.to_string();
    let shown = officer.get("/office/year/2026?q=Vilniaus").await;
    let number = shown.text.split("name=\"once\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let number = number.expect("the form has a number of its own").to_owned();
    let paid = |once: &str, sum: &str| {
        let fields = [("once", once), ("q", "Vilniaus"), ("school", school.as_str()), ("paid", sum)];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |fields: [(String, String); 4]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = officer.post("/office/year/2026/school-money", &fields).await;
        assert_eq!(page.header("location"), "/office/year/2026", "{}", page.text);
    };
    let (_, _) = tokio::join!(send(paid(&number, "120,00")), send(paid(&number, "120,00")));
    assert_eq!(door.signed().len(), 1, "a double click pays once");
    send(paid(&number, "130,00")).await;
    send(paid("another form of the same sum", "120,00")).await;
    assert_eq!(door.signed().len(), 3, "other forms are other payments");
    site.shutdown().await;
}

#[tokio::test]
async fn a_school_that_is_in_no_file_gets_its_wallet() {
    let (site, door, officer) = at_work().await;
    let page = officer.post("/office/people/schools/new", &[("name", "Nauja mokykla")]).await;
    assert_eq!(page.status, 422);
    let fields = [("name", "Nauja mokykla"), ("code", "190000077"), ("place", "LT-15"), ("branches", "1")];
    let page = officer.post("/office/people/schools/new", &fields).await;
    let page = officer.follow(page).await;
    assert!(page.text.contains("Nauja mokykla"), "{}", page.text);
    assert!(site.registry.school_by_code("190000077").await.unwrap().unwrap().opened);
    assert!(matches!(&door.signed()[..], [(_, None, Operation::Wallet(WalletOperation::OpenSchools { .. }))]));
    let page = officer.post(&format!("/office/people/{}/standing", site.school.id), &[("to", "close")]).await;
    assert_eq!(page.status, 400, "closing needs a tick");
    site.shutdown().await;
}

#[tokio::test]
async fn a_service_is_published_with_its_description() {
    let (site, door, officer) = at_work().await;
    let mut fields = vec![
        ("provider", "300000001"),
        ("title-lt", "Molio dirbtuvės"),
        ("title-en", "Clay"),
        ("description-lt", "Lipdome."),
        ("field", "visual_arts"),
        ("kind", "workshop"),
        ("grade-from", "1"),
        ("grade-until", "4"),
        ("price", "6,50"),
        ("capacity", "25"),
        ("vat", "exempt_culture"),
        ("from", "2026-01-01"),
        ("until", "2027-12-31"),
        ("venue", "LT-57"),
    ];
    let page = officer.post("/office/services/new", &fields).await;
    assert_eq!(page.status, 422);
    says(&page, "office-error-provider-closed");
    let mut work = site.registry.begin().await.unwrap();
    keis_registry::bodies::mark_provider_opened(&mut work, site.provider.id).await.unwrap();
    work.commit().await.unwrap();
    let page = officer.post("/office/services/new", &fields).await;
    assert!(page.header("location").starts_with("/office/services/srv_"), "{} {}", page.status, page.text);
    match &door.signed()[..] {
        [(_, None, Operation::Catalogue(CatalogueOperation::Publish { provider, terms, .. }))] => {
            assert_eq!(*provider, site.provider.id);
            assert_eq!(terms.price.get(), 650);
            assert_ne!(terms.document, DocumentId([0; 32]));
        }
        other => panic!("{other:?}"),
    }
    fields[13].1 = "LT-99";
    assert_eq!(officer.post("/office/services/new", &fields).await.status, 422);
    site.shutdown().await;
}

async fn upload(officer: &Browser, fields: &[(&str, &str)], file: &str) -> Page {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body +=
        "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\ncontent-type: text/csv\r\n\r\n";
    body += &format!("{file}\r\n--edge--\r\n");
    let url = officer.url("/office/import/upload");
    let origin = url.origin().ascii_serialization();
    let request = officer.http().post(url).header("content-type", "multipart/form-data; boundary=edge");
    officer.send(request.header("origin", origin).header("sec-fetch-site", "same-origin").body(body)).await
}

/// The import's page once nothing is read any more.
async fn imported(officer: &Browser) -> Page {
    until("the end of the import", || async {
        let page = officer.get("/office/import").await;
        page.text.contains("enctype").then_some(page)
    })
    .await
}

/// A school that extracts can name.
async fn registered(site: &TestSite) -> SchoolId {
    let school = NewSchool {
        code: REGISTERED.to_owned(),
        name: "Pavyzdinė mokykla".to_owned(),
        place: Place::Municipality(57),
        branches: 0,
        controlling_code: None,
    };
    site.registry.put_school(&SYSTEM, &school).await.expect("the registry takes a school").body.id
}

fn extract() -> String {
    format!(
        "{PUPILS}2026000001,Ieva,Slaptaitė,{REGISTERED},0,LT-57,5a,,5\n2026000002,Matas,Slaptas,{REGISTERED},0,LT-57,5a,,five\n"
    )
}

#[tokio::test]
async fn an_extract_is_compared_and_then_taken_over() {
    let (site, _door, officer) = at_work().await;
    let school = registered(&site).await;
    let dry = [("content", "pupils"), ("year", "2026"), ("dry", "yes")];
    let page = upload(&officer, &dry, &extract()).await;
    assert_eq!((page.status, page.header("location")), (303, "/office/import"));
    let page = imported(&officer).await;
    says(&page, "office-import-was-dry");
    assert!(page.text.contains(">3</th>"), "the bad line is told by its number: {}", page.text);
    assert!(!page.text.contains("Slapt"), "no name on the report");
    assert!(site.registry.classes(&SYSTEM, school).await.unwrap().is_empty(), "nothing was taken over");

    upload(&officer, &dry[..2], &extract()).await;
    imported(&officer).await;
    assert_eq!(site.registry.classes(&SYSTEM, school).await.unwrap()[0].pupils, 1);

    for (fields, file, problem) in
        [(&dry[..1], "", "fields"), (&[("content", "cats"), ("year", "2026")][..], "", "fields")]
    {
        let page = upload(&officer, fields, file).await;
        assert_eq!(page.header("location"), format!("/office/import?problem={problem}"));
    }
    upload(&officer, &dry[..2], "name;age\n").await;
    says(&imported(&officer).await, "office-import-failed-separator");
    let coordinator = site.signed_in("coordinator").await;
    assert_eq!(upload(&coordinator, &dry, &extract()).await.header("location"), "/office/import?problem=forbidden");
    let nobody = upload(&site.browser(), &dry, &extract()).await;
    assert!(nobody.header("location").starts_with("/signin"), "{}", nobody.text);
    site.shutdown().await;
}

#[tokio::test]
async fn a_pupil_is_found_for_a_reason_and_erased_for_good() {
    let (site, _door, officer) = at_work().await;
    registered(&site).await;
    upload(&officer, &[("content", "pupils"), ("year", "2026")], &extract()).await;
    imported(&officer).await;
    let page = officer.post("/office/pupil", &[("code", "2026000001")]).await;
    assert_eq!(page.status, 422);
    assert!(!page.text.contains("Slaptaitė"), "without a reason nobody is shown");
    let asked = [("code", "2026000001"), ("reason", "request"), ("case", "2026/14")];
    let page = officer.post("/office/pupil", &asked).await;
    assert!(page.text.contains("Ieva Slaptaitė"), "{}", page.text);
    let person = page.text.split("/office/erase/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();

    let path = format!("/office/erase/{person}");
    says(&officer.get(&path).await, "office-erase-warning");
    let mut sure = vec![("reason", "request"), ("case", "2026/14"), ("typed", "taip")];
    let page = officer.post(&path, &sure).await;
    assert_eq!(page.status, 422);
    says(&page, "office-erase-not-typed");
    sure[2].1 = "ištrinti";
    let page = officer.post(&path, &sure).await;
    says(&page, "office-erased-more");
    assert!(page.text.contains(&person) && !page.text.contains("Slaptaitė"), "{}", page.text);
    says(&officer.post("/office/pupil", &asked).await, "office-pupil-nobody");
    for page in [officer.get(&path).await, officer.post(&path, &sure).await] {
        assert_eq!(page.status, 200, "who is erased stays so: {}", page.text);
        says(&page, "office-erased-before");
    }
    assert_eq!(officer.post("/office/erase/per_00", &sure).await.status, 404);
    let nobody = format!("/office/erase/per_{}", "0".repeat(32));
    assert_eq!(officer.post(&nobody, &sure).await.status, 404, "nobody has this id");

    let log = officer.get("/office/log?subject=2026/14").await;
    says(&log, "office-log-pupil-looked-up");
    assert!(!log.text.contains("Slapt") && !log.text.contains("2026000001"), "the log names nobody: {}", log.text);
    let page = officer.follow(officer.post("/office/log/verify", &[]).await).await;
    assert!(page.text.contains("flash good"), "{}", page.text);
    site.shutdown().await;
}
