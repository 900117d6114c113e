//! A form of one or two fields that leads to a signature.

use std::sync::Arc;

use askama::Template;
use warp::http::StatusCode;

use super::INTENT;
use crate::call::{Answer, Call, page_with};
use crate::frame::{Frame, Section};
use crate::site::Site;
use keis_registry::payments::LONGEST_MARK;

/// A field that people fill in.
pub(super) struct Field {
    pub(super) name: &'static str,
    /// What the amount is of, where the signing page compares both together.
    pub(super) line: Option<String>,
    pub(super) label: String,
    pub(super) hint: Option<String>,
    pub(super) value: String,
    pub(super) error: Option<String>,
    /// Whether it is an amount, which the signing page compares in cents.
    pub(super) is_amount: bool,
}

/// A value that is sent along, with what the signing page calls it.
pub(super) struct Hidden {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) label: String,
}

/// What such a form says and asks.
pub(super) struct Form {
    pub(super) title: String,
    pub(super) back: (String, String),
    pub(super) intro: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) action: String,
    pub(super) intent: &'static str,
    pub(super) hidden: Vec<Hidden>,
    pub(super) fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "office/bill_form.html")]
struct FormPage {
    f: Frame,
    form: Form,
    most: usize,
}

impl FormPage {
    fn wrong(&self) -> bool {
        self.form.fields.iter().any(|field| field.error.is_some())
    }
}

impl Field {
    fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// Answers with the form; with the status of a wrong one when a field has an error.
pub(super) async fn show(site: &Arc<Site>, call: &Call, form: Form) -> Answer {
    let f = call.frame(site, Section::Bills, form.title.clone()).await?.with_scripts(INTENT);
    let page = FormPage { f, form, most: LONGEST_MARK };
    let status = if page.wrong() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page_with(status, &page)
}
