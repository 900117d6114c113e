//! What stands around every page: title, navigation, language, who is signed in, a message.

use std::sync::Arc;

use askama::Template;
use keis_registry::permission::Permission;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::site::Site;
use crate::words::{Lang, Words};

/// The part of the site that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Everything without a place in the navigation.
    None,
    /// The catalogue.
    Services,
    /// The programme's figures.
    Figures,
    /// A school's start page.
    School,
    /// Classes.
    Classes,
    /// A school's orders.
    Orders,
    /// Pupils who have not been anywhere.
    Unreached,
    /// A provider's start page.
    Provider,
    /// A provider's sessions.
    Sessions,
    /// Requests to answer, and orders.
    Requests,
    /// Statements.
    Statements,
    /// An officer's start page.
    Office,
    /// Decisions of two institutions.
    Decisions,
    /// Keys to approve.
    Keys,
    /// The programme year.
    Year,
    /// Statements, payments, the year's end.
    Bills,
    /// Services to publish.
    Publishing,
    /// The register's extract.
    Import,
    /// Schools, providers and persons.
    People,
    /// The log.
    Log,
    /// Differences between registry and ledger, and what waits for the ledger.
    Differences,
    /// Keys of one's own.
    Wallet,
}

/// Address, message key, section and the permission that shows it; none shows it to everybody.
type Entry = (&'static str, &'static str, Section, Option<Permission>);

/// The navigation, in its order.
const NAVIGATION: &[Entry] = &[
    ("/services", "nav-services", Section::Services, None),
    ("/figures", "nav-figures", Section::Figures, None),
    ("/school", "nav-school", Section::School, Some(Permission::ProposeOrder)),
    ("/school/classes", "nav-classes", Section::Classes, Some(Permission::ProposeOrder)),
    ("/school/orders", "nav-orders", Section::Orders, Some(Permission::ProposeOrder)),
    ("/school/unreached", "nav-unreached", Section::Unreached, Some(Permission::ProposeOrder)),
    ("/provider", "nav-provider", Section::Provider, Some(Permission::OfferSessions)),
    ("/provider/sessions", "nav-sessions", Section::Sessions, Some(Permission::OfferSessions)),
    ("/provider/requests", "nav-requests", Section::Requests, Some(Permission::AnswerRequests)),
    ("/provider/statements", "nav-statements", Section::Statements, Some(Permission::AcceptStatements)),
    ("/office", "nav-office", Section::Office, Some(Permission::SeeDifferences)),
    ("/office/decisions", "nav-decisions", Section::Decisions, Some(Permission::Decide)),
    ("/office/keys", "nav-keys", Section::Keys, Some(Permission::ApproveKeys)),
    ("/office/year", "nav-year", Section::Year, Some(Permission::ManageYear)),
    ("/office/bills", "nav-bills", Section::Bills, Some(Permission::RecordPayments)),
    ("/office/services", "nav-publishing", Section::Publishing, Some(Permission::PublishServices)),
    ("/office/import", "nav-import", Section::Import, Some(Permission::ImportRegister)),
    ("/office/people", "nav-people", Section::People, Some(Permission::ManageBodies)),
    ("/office/log", "nav-log", Section::Log, Some(Permission::SeeLog)),
    ("/office/differences", "nav-differences", Section::Differences, Some(Permission::SeeDifferences)),
    ("/wallet", "nav-wallet", Section::Wallet, Some(Permission::HoldKeys)),
];

/// What a section stands under in the first row of the navigation: the key of a word; the second row lists those that stand
/// together. Sections without one stand in the first row themselves.
fn group(section: Section) -> Option<&'static str> {
    match section {
        Section::Office | Section::Decisions | Section::Keys => Some("nav-group-work"),
        Section::Year | Section::Bills => Some("nav-group-money"),
        Section::Publishing | Section::Import | Section::People => Some("nav-group-register"),
        Section::Log | Section::Differences => Some("nav-group-oversight"),
        Section::None
        | Section::Services
        | Section::Figures
        | Section::School
        | Section::Classes
        | Section::Orders
        | Section::Unreached
        | Section::Provider
        | Section::Sessions
        | Section::Requests
        | Section::Statements
        | Section::Wallet => None,
    }
}

/// The rows of the navigation for who may do this: first row, second row and what the second is called.
fn rows(
    w: &Words,
    section: Section,
    may: impl Fn(Permission) -> bool,
) -> (Vec<NavLink>, Vec<NavLink>, Option<&'static str>) {
    let mut first: Vec<NavLink> = Vec::new();
    let mut second = Vec::new();
    let mut last = None;
    let here = group(section);
    for (href, key, of, _) in NAVIGATION.iter().filter(|(_, _, _, permission)| permission.is_none_or(&may)) {
        let link = |key, current| NavLink { href, label: w.text(key), current };
        match group(*of) {
            None => first.push(link(key, *of == section)),
            Some(name) => {
                if last != Some(name) {
                    first.push(link(name, here == Some(name)));
                }
                if here == Some(name) {
                    second.push(link(key, *of == section));
                }
            }
        }
        last = group(*of);
    }
    (first, second, here)
}

/// A link of the navigation.
pub struct NavLink {
    /// Where to.
    pub href: &'static str,
    /// What it is called.
    pub label: String,
    /// Whether the page belongs to it.
    pub current: bool,
}

/// How a message looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Something was done.
    Good,
    /// Something must be known.
    Plain,
    /// Something went wrong.
    Bad,
}

/// A message that is shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// How it looks.
    pub mood: Mood,
    /// What it says, in the language of the page that left it.
    pub text: String,
}

impl Flash {
    /// Something was done.
    pub fn good(text: impl Into<String>) -> Self {
        Self { mood: Mood::Good, text: text.into() }
    }

    /// Something went wrong.
    pub fn bad(text: impl Into<String>) -> Self {
        Self { mood: Mood::Bad, text: text.into() }
    }

    /// The class of its look.
    pub fn class(&self) -> &'static str {
        match self.mood {
            Mood::Good => "good",
            Mood::Plain => "plain",
            Mood::Bad => "bad",
        }
    }
}

/// What every template is given as `f`.
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// Language.
    pub lang: Lang,
    /// The words.
    pub w: &'static Words,
    /// The navigation for this user.
    pub nav: Vec<NavLink>,
    /// Its second row: what stands together with this page.
    pub subnav: Vec<NavLink>,
    /// What the second row is called.
    pub subnav_label: String,
    /// Name of who is signed in.
    pub user: Option<String>,
    /// This address in the other language.
    pub other_lang_href: String,
    /// Whether the network is a simulation.
    pub simulated: bool,
    /// A message.
    pub flash: Option<Flash>,
    /// Scripts of the page beside the common one, by their names under `/assets/`.
    pub scripts: Vec<&'static str>,
}

impl Frame {
    pub(crate) fn new(site: &Arc<Site>, call: &Call, section: Section, title: String, flash: Option<Flash>) -> Self {
        let w = call.words();
        let may = |permission: Permission| {
            call.user.as_ref().is_some_and(|user| user.grants.iter().any(|grant| grant.role.may(permission)))
        };
        let (nav, subnav, group) = rows(w, section, may);
        Self {
            title,
            lang: call.lang,
            w,
            nav,
            subnav,
            subnav_label: group.map(|key| w.text(key)).unwrap_or_default(),
            user: call.user.as_ref().map(|user| user.name.clone()),
            other_lang_href: in_language(call, call.lang.other()),
            simulated: site.network.simulated,
            flash,
            scripts: Vec::new(),
        }
    }

    /// The same with scripts.
    pub fn with_scripts(mut self, scripts: &[&'static str]) -> Self {
        self.scripts.extend_from_slice(scripts);
        self
    }
}

/// The address of a request with another language.
fn in_language(call: &Call, lang: Lang) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let others = call.query.0.iter().filter(|(name, _)| name != "lang");
    query.extend_pairs(others).append_pair("lang", lang.code());
    format!("{}?{}", call.uri.path(), query.finish())
}

/// The page that tells of trouble.
#[derive(Template)]
#[template(path = "trouble.html")]
pub(crate) struct TroublePage {
    pub(crate) f: Frame,
    pub(crate) more: String,
}

#[cfg(test)]
mod tests {
    use keis_registry::permission::Role;

    use super::*;

    #[test]
    fn every_page_of_the_navigation_is_reached_in_two_rows_that_are_short() {
        let w = Lang::Lt.words();
        for role in Role::ALL {
            let (first, second, _) = rows(w, Section::None, |permission| role.may(permission));
            assert!(first.len() <= 8 && second.is_empty(), "{role}: {} in the first row", first.len());
            for (href, _, section, permission) in NAVIGATION {
                let (first, second, name) = rows(w, *section, |permission| role.may(permission));
                let shown = first.iter().chain(&second).any(|link| link.href == *href && link.current);
                assert_eq!(shown, permission.is_none_or(|permission| role.may(permission)), "{role} {href}");
                assert!(second.len() <= 4, "{role} {name:?}: {} in the second row", second.len());
            }
        }
    }
}
