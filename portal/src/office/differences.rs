//! What differs between registry and ledger, and what to do about it. Compared in the background: a full year takes a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::time::Timestamp;
use keis_registry::permission::Permission;
use keis_registry::reconcile::{About, Difference, ReconcileError, Remedy, Report, reconcile};

use super::pupil::current_year;
use crate::call::{Answer, Call, page, redirect};
use crate::door::Book;
use crate::frame::{Flash, Frame, Section};
use crate::route::{Route, get, post};
use crate::site::Site;
use crate::words::Words;

/// Differences that the page lists.
const LISTED: usize = 200;

/// What came of the latest comparison.
enum Outcome {
    Compared(Report),
    Failed,
}

#[derive(Default)]
struct State {
    running: Option<(Year, Timestamp)>,
    latest: Option<(Year, Timestamp, Arc<Outcome>)>,
}

/// The comparison, one at a time.
#[derive(Default)]
struct Comparison(Mutex<State>);

impl Comparison {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, year: Year) -> bool {
        let mut state = self.state();
        if state.running.is_some() {
            return false;
        }
        state.running = Some((year, keis_registry::now()));
        true
    }

    fn end(&self, outcome: Outcome) {
        let mut state = self.state();
        if let Some((year, began)) = state.running.take() {
            state.latest = Some((year, began, Arc::new(outcome)));
        }
    }
}

/// A difference as it is shown.
struct Row {
    kind: String,
    about: String,
    href: Option<String>,
    detail: String,
    advice: String,
    advice_href: Option<&'static str>,
}

/// The latest comparison.
struct Compared {
    year: String,
    at: String,
    failed: bool,
    checked: Vec<(String, String)>,
    total: u64,
    counts: Vec<(String, String)>,
    rows: Vec<Row>,
    cut: bool,
}

#[derive(Template)]
#[template(path = "office/differences.html")]
struct DifferencesPage {
    f: Frame,
    year: String,
    running: Option<String>,
    compared: Option<Compared>,
}

/// The routes.
pub(super) fn routes(site: &Arc<Site>) -> Vec<Route> {
    let comparison = Arc::<Comparison>::default();
    let shown = {
        let comparison = comparison.clone();
        move |site, call| show(site, call, comparison.clone())
    };
    let run = move |site, call| run(site, call, comparison.clone());
    vec![get(site, "/office/differences", shown), post(site, "/office/differences", run)]
}

async fn show(site: Arc<Site>, call: Call, comparison: Arc<Comparison>) -> Answer {
    call.acting(Permission::SeeDifferences).await?;
    let w = call.words();
    let (running, latest) = {
        let state = comparison.state();
        (state.running, state.latest.clone())
    };
    let running = running.map(|(_, began)| w.with1("office-differences-running", "since", &w.date_time(&began)));
    let compared = latest.map(|(year, at, outcome)| compared(w, year, at, &outcome));
    let year = current_year(&site).await?.to_string();
    let f = call.frame(&site, Section::Differences, w.text("office-differences-title")).await?;
    page(&DifferencesPage { f, year, running, compared })
}

async fn run(site: Arc<Site>, call: Call, comparison: Arc<Comparison>) -> Answer {
    let acting = call.acting(Permission::SeeDifferences).await?;
    let year = Year(call.form.need("year")?);
    if !comparison.begin(year) {
        call.flash(Flash::bad(call.words().text("office-differences-busy"))).await?;
        return redirect("/office/differences");
    }
    let (site, actor) = (site.clone(), acting.actor());
    let working = tokio::spawn(async move {
        let book = Book::new(site.client.clone());
        reconcile(&site.registry, &actor, year, &book).await
    });
    // A task of its own, so that the place is freed even if the comparison breaks off.
    tokio::spawn(async move {
        let outcome = match working.await {
            Ok(Ok(report)) => Outcome::Compared(report),
            Ok(Err(error)) => {
                warn(&error);
                Outcome::Failed
            }
            Err(error) => {
                tracing::error!(%error, "the comparison broke off");
                Outcome::Failed
            }
        };
        comparison.end(outcome);
    });
    redirect("/office/differences")
}

fn warn(error: &ReconcileError) {
    tracing::warn!(error = error as &dyn std::error::Error, "registry and ledger could not be compared");
}

fn compared(w: &Words, year: Year, at: Timestamp, outcome: &Outcome) -> Compared {
    let mut shown = Compared {
        year: year.to_string(),
        at: w.date_time(&at),
        failed: false,
        checked: Vec::new(),
        total: 0,
        counts: Vec::new(),
        rows: Vec::new(),
        cut: false,
    };
    match outcome {
        Outcome::Failed => shown.failed = true,
        Outcome::Compared(report) => {
            let checked = [
                ("office-differences-pupils", report.pupils),
                ("office-differences-bodies", report.bodies),
                ("office-differences-keys", report.keys),
                ("office-differences-erased", report.erased),
            ];
            shown.checked = checked.iter().map(|(key, count)| (w.text(key), w.number(*count))).collect();
            shown.total = report.counts.values().sum();
            let named = |kind: &keis_registry::reconcile::DifferenceKind| w.text(&kind_key(kind.name()));
            shown.counts = report.counts.iter().map(|(kind, count)| (named(kind), w.number(*count))).collect();
            shown.rows = report.differences.iter().take(LISTED).map(|difference| row(w, difference)).collect();
            shown.cut = shown.total > shown.rows.len() as u64;
        }
    }
    shown
}

fn kind_key(name: &str) -> String {
    format!("office-difference-{name}")
}

fn row(w: &Words, difference: &Difference) -> Row {
    let href = match difference.about {
        About::School(id) => Some(format!("/office/people/{id}")),
        About::Provider(id) => Some(format!("/office/people/{id}")),
        About::Key(_, Some(id)) => Some(format!("/office/keys/{id}")),
        About::Row(_) => Some("/office/outbox?state=refused".to_owned()),
        About::Wallet(..) | About::Person(_) | About::Key(_, None) => None,
    };
    let (advice, advice_href) = match difference.remedy {
        Remedy::Wait => ("office-remedy-wait", Some("/office/outbox?state=waiting")),
        Remedy::SeeRow => ("office-remedy-row", Some("/office/outbox?state=refused")),
        Remedy::Import => ("office-remedy-import", Some("/office/import")),
        Remedy::OpenAgain => ("office-remedy-open", Some("/office/year")),
        Remedy::NextYear => ("office-remedy-next-year", None),
        Remedy::Revoke => ("office-remedy-revoke", Some("/office/keys?state=active")),
        Remedy::Inquire => ("office-remedy-inquire", Some("/office/log")),
    };
    Row {
        kind: w.text(&kind_key(difference.kind.name())),
        about: difference.about.to_string(),
        href,
        detail: difference.detail.clone(),
        advice: w.text(advice),
        advice_href,
    }
}
