//! A portal over a registry of its own and a ledger that stands still, and a browser without scripts.

#![allow(unreachable_pub, reason = "shared by the files of one binary")]

pub mod browser;
pub mod ledger;
pub mod lying;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use keis_ledger::classifiers::{Place, Scopes};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::InstitutionId;
use keis_ledger::money::Cents;
use keis_ledger::operation::Party;
use keis_ledger::time::{Span, Timestamp};
use keis_portal::catalogue::Catalogue;
use keis_portal::server::{Portal, ServerError};
use keis_portal::settings::{Dispatch, Limits, Oidc, Settings, Tls};
use keis_portal::signin::{SamplePerson, SignIn};
use keis_portal::site::{Institutions, Network, Site};
use keis_registry::bodies::{NewProvider, NewSchool, Provider, ProviderKind, School};
use keis_registry::keys::{KeyRequest, mark_active};
use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim, User};
use keis_registry::{Actor, MasterKey, Registry};
use keis_wallet::client::{Client, Policy};
use tempfile::TempDir;
use url::Url;

pub use browser::{Browser, Page};

/// Code of the school that every test site has.
pub const SCHOOL: &str = "190000001";
/// Code of a second school.
pub const OTHER_SCHOOL: &str = "190000002";
/// Code of the provider that every test site has.
pub const PROVIDER: &str = "300000001";

/// An address on which nobody listens yet, for those who must be told of a portal before it starts.
pub fn reserve() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it has an address")
}

/// What a test site is to be.
pub struct SiteOptions {
    pub listen: SocketAddr,
    /// The address that browsers use; the listener's by plain HTTP when none is given.
    pub public_url: Option<Url>,
    pub oidc: Vec<Oidc>,
    pub people: Vec<SamplePerson>,
    pub tls: Option<Tls>,
    pub limits: Limits,
    /// Where the ledger's gateway is; one that stands still when none is given.
    pub gateway: Option<String>,
    /// The way of invoices to the buyer's system, as pages tell of it.
    pub dispatch: Option<Dispatch>,
    pub metrics: Option<SocketAddr>,
}

impl Default for SiteOptions {
    fn default() -> Self {
        Self {
            listen: reserve(),
            public_url: None,
            oidc: Vec::new(),
            people: sample_people(),
            tls: None,
            limits: Limits::default(),
            gateway: None,
            dispatch: None,
            metrics: None,
        }
    }
}

/// One person of every role, whose id is the role's name; and one of nobody's.
pub fn sample_people() -> Vec<SamplePerson> {
    let of = |role: Role, name: &str, body: Option<&str>| SamplePerson {
        id: role.to_string(),
        name: name.to_owned(),
        roles: vec![RoleClaim { role, body: body.map(str::to_owned) }],
    };
    let mut people = vec![
        of(Role::Coordinator, "Ona Kazlauskienė", Some(SCHOOL)),
        of(Role::Teacher, "Jonas Žukauskas", Some(SCHOOL)),
        of(Role::ProviderStaff, "Rūta Šimkutė", Some(PROVIDER)),
        of(Role::Officer, "Darius Ąžuolas", None),
        of(Role::BudgetOfficer, "Eglė Čepaitė", None),
    ];
    people.push(SamplePerson { id: "nobody".to_owned(), ..of(Role::Teacher, "Niekas Niekur", Some("999999999")) });
    people
}

/// A running portal.
pub struct TestSite {
    /// Its address, without a slash at the end.
    pub url: String,
    pub site: Arc<Site>,
    pub registry: Registry,
    pub school: School,
    pub other_school: School,
    pub provider: Provider,
    portal: Portal,
    folder: TempDir,
}

impl TestSite {
    /// A browser that knows nothing yet.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// A browser in which a sample person is signed in.
    pub async fn signed_in(&self, person: &str) -> Browser {
        let browser = self.browser();
        let page = browser.post("/signin/simulated", &[("person", person)]).await;
        assert_eq!(page.status, 303, "{person} signs in: {}", page.text);
        browser
    }

    /// The registry's view of a sample person, who has signed in.
    pub async fn user(&self, person: &str) -> User {
        let person = sample_people().into_iter().find(|one| one.id == person).expect("a sample person");
        let SamplePerson { id, name, roles } = person;
        let claims = Claims { issuer: "simulated".into(), subject: id, name, email: None, roles };
        self.registry.sign_in(&claims).await.expect("the person may sign in").user
    }

    /// A key that the person asked for, an officer approved and the ledger has.
    pub async fn active_key(&self, person: &str, party: Party, key: PublicKey, scopes: Scopes) {
        let (user, label) = (self.user(person).await, "Raštinė".to_owned());
        let asked = self.registry.request_key(&user, &KeyRequest { party, key, scopes, label }).await;
        let (id, until) = (asked.expect("it may be asked for"), ledger::NOW.after(Span::days(365)));
        let approved = self.registry.approve_key(&Actor::System("test"), id, Cents::ZERO, Timestamp(0), until).await;
        approved.expect("it waits");
        let mut work = self.registry.begin().await.expect("the registry writes");
        mark_active(&mut work, id).await.expect("it was approved");
        work.commit().await.expect("it is written");
    }

    pub fn address(&self) -> SocketAddr {
        self.portal.address()
    }

    /// The file of the registry's database.
    pub fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("registry.sqlite")
    }

    pub async fn shutdown(self) {
        self.portal.shutdown().await;
    }
}

/// Starts a portal.
pub async fn start(options: SiteOptions) -> TestSite {
    try_start(options).await.expect("the portal starts")
}

/// Starts a portal, or says why not.
pub async fn try_start(options: SiteOptions) -> Result<TestSite, ServerError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("registry.sqlite");
    let registry = Registry::open(&format!("sqlite:{}", file.display()), &MasterKey::generate()).await;
    let registry = registry.expect("the registry opens");
    let (school, other_school, provider) = bodies(&registry).await;
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let own: Url = format!("{scheme}://{}", options.listen).parse().expect("an address");
    let settings = Settings {
        listen: options.listen,
        public_url: options.public_url.unwrap_or(own),
        tls: options.tls,
        oidc: options.oidc,
        simulated_sign_in: !options.people.is_empty(),
        limits: options.limits,
        dispatch: options.dispatch,
        metrics: options.metrics,
    };
    let gateway = match options.gateway {
        Some(gateway) => gateway,
        None => ledger::start().await,
    };
    let client = Client::new(&[gateway], Policy { attempts: 1, ..Policy::default() }).expect("a client");
    let network = Network { hash: ledger::NETWORK, simulated: true, institutions: institutions() };
    let sign_in = SignIn::new(&settings, &network).expect("ways to sign in");
    let people = options.people;
    let sign_in = if people.is_empty() { sign_in } else { sign_in.simulated(people).expect("sample people") };
    let site = Site::new(settings, network, registry.clone(), client, Catalogue::default(), sign_in);
    let portal = Portal::start(site.clone()).await?;
    let url = format!("{scheme}://{}", portal.address());
    Ok(TestSite { url, site, registry, school, other_school, provider, portal, folder })
}

/// The institution that operates the programme.
pub const OPERATOR: InstitutionId = InstitutionId([0xA1; 16]);
/// The institution that holds the budget.
pub const BUDGET_HOLDER: InstitutionId = InstitutionId([0xB2; 16]);

fn institutions() -> Institutions {
    Institutions {
        names: [(OPERATOR, "Nacionalinė biblioteka".to_owned()), (BUDGET_HOLDER, "Kultūros ministerija".to_owned())]
            .into(),
        operators: vec![OPERATOR],
        budget_holders: vec![BUDGET_HOLDER],
    }
}

async fn bodies(registry: &Registry) -> (School, School, Provider) {
    let actor = Actor::System("test");
    let school = |code: &str, name: &str| NewSchool {
        code: code.to_owned(),
        name: name.to_owned(),
        place: Place::Municipality(57),
        branches: 0,
        controlling_code: None,
    };
    let one = registry.put_school(&actor, &school(SCHOOL, "Vilniaus Ąžuolų gimnazija")).await.expect("a school");
    let other = registry.put_school(&actor, &school(OTHER_SCHOOL, "Kauno Liepų mokykla")).await.expect("a school");
    let provider = NewProvider {
        code: PROVIDER.to_owned(),
        kind: ProviderKind::Legal,
        name: "Šviesos teatras".to_owned(),
        place: Place::Municipality(57),
        vat_registered: false,
        controlling_code: None,
    };
    let provider = registry.put_provider(&actor, &provider).await.expect("a provider");
    (one.body, other.body, provider.body)
}
