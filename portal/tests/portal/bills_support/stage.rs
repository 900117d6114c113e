//! A site over a year's books, and what its pages say and want signed.

use keis_ledger::crypto::{PublicKey, SecretKey};
use keis_ledger::ids::{Commitment, InstitutionId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Operation, SettlementOperation};
use keis_ledger::record::{Invoice, InvoiceApproval, Payment, PaymentWay, StatementState};
use keis_portal::words::Lang;
use keis_registry::Actor;
use keis_registry::payments::BankMark;
use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim, User};
use serde_json::Value;

use super::{Ledger, statement};
use crate::support::ledger::NOW;
use crate::support::{Browser, Page, SiteOptions, TestSite, start};

pub const ACCOUNT: Commitment = Commitment([61; 32]);
pub const SYSTEM: Actor = Actor::System("test");

/// A site over a year's books.
pub struct Stage {
    pub site: TestSite,
    pub ledger: Ledger,
}

pub fn id(number: u8) -> StatementId {
    StatementId([number; 16])
}

pub fn invoice() -> Option<Invoice> {
    Some(Invoice { file: Commitment([62; 32]), number: Commitment([63; 32]), by: key(9) })
}

pub fn key(number: u8) -> PublicKey {
    SecretKey::from_bytes(&[number; 32]).public()
}

pub fn payment(cents: u64, reference: Commitment, institution: InstitutionId) -> Payment {
    let way = PaymentWay::Bank { reference, account: ACCOUNT };
    Payment { amount: Cents::new(cents), way, institution, at: NOW }
}

impl Stage {
    pub async fn new() -> Self {
        let ledger = Ledger::start().await;
        let options = SiteOptions { gateway: Some(ledger.address.clone()), ..SiteOptions::default() };
        let site = start(options).await;
        ledger.shelf().accounts.insert(site.provider.id, ACCOUNT);
        Self { site, ledger }
    }

    pub fn put(&self, number: u8, buyer: Buyer, cents: u64, state: StatementState) -> StatementId {
        let mut one = statement(self.site.provider.id, buyer, cents, state);
        if state.is_accepted() && state != StatementState::Accepted {
            one.1.invoice = invoice();
        }
        if state == StatementState::Approved {
            one.1.approval = Some(InvoiceApproval { by: key(8), at: NOW });
        }
        self.ledger.shelf().statements.insert(id(number), one);
        id(number)
    }

    pub fn school(&self) -> Buyer {
        Buyer::School(self.site.school.id)
    }

    pub async fn operator(&self) -> Browser {
        self.site.signed_in("officer").await
    }

    pub async fn budget_holder(&self) -> Browser {
        self.site.signed_in("budget_officer").await
    }

    /// The user of a sample person, who has signed in.
    pub async fn user(&self, role: Role, name: &str) -> User {
        let claims = Claims {
            issuer: "simulated".into(),
            subject: role.to_string(),
            name: name.into(),
            email: None,
            roles: vec![RoleClaim { role, body: None }],
        };
        self.site.registry.sign_in(&claims).await.expect("the office is known").user
    }

    pub async fn mark(&self, mark: BankMark, text: &str) -> Commitment {
        self.site.registry.keep_bank_marks(&SYSTEM, mark, &[text.to_owned()]).await.expect("it is kept")[0]
    }
}

pub fn says(page: &Page, key: &str) {
    assert!(page.says(key), "{key}: {} {}", page.status, page.text);
}

pub fn sum(cents: u64) -> String {
    Lang::Lt.words().money(&Cents::new(cents))
}

pub async fn page(browser: &Browser, path: &str) -> Page {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    for key in ["bills-", "office-", "public-", "count-", "statement-"] {
        assert!(!page.text.contains(&format!(">{key}")), "{path}: a message is missing: {key}");
    }
    assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
    page
}

/// What a signing page wants signed, and what it calls things.
pub fn asked(page: &Page) -> (Vec<Operation>, Value) {
    (page.asked(), page.sheet()["dictionary"].clone())
}

pub fn settle(operation: SettlementOperation) -> Operation {
    Operation::Settlement(operation)
}
