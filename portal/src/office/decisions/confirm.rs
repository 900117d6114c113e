//! The page between a form and a signature, where names were typed that the bytes hold as ids: it says what was found, and its
//! form says to the browser what is to be signed.

use std::sync::Arc;

use askama::Template;

use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;

/// What is about to be proposed.
pub(super) struct Confirm {
    /// Heading of the page.
    pub(super) title: String,
    /// What it says.
    pub(super) facts: Vec<(String, String)>,
    /// What should be known.
    pub(super) warnings: Vec<String>,
    /// Where the form goes.
    pub(super) action: &'static str,
    /// What is signed.
    pub(super) intent: &'static str,
    /// What the form says: name, value, and what people call the value.
    pub(super) fields: Vec<(&'static str, String, Option<String>)>,
}

#[derive(Template)]
#[template(path = "office/decision_confirm.html")]
struct ConfirmPage {
    f: Frame,
    facts: Vec<(String, String)>,
    warnings: Vec<String>,
    action: &'static str,
    intent: &'static str,
    fields: Vec<(&'static str, String, Option<String>)>,
}

/// Answers with the page.
pub(super) async fn confirm(site: &Arc<Site>, call: &Call, confirm: Confirm) -> Answer {
    let Confirm { title, facts, warnings, action, intent, fields } = confirm;
    let f = call.frame(site, Section::Decisions, title).await?.with_scripts(&["page.js"]);
    page(&ConfirmPage { f, facts, warnings, action, intent, fields })
}
