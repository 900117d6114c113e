//! Extracts of the Pupil Register, schools and providers: sent in, followed, and what they brought.

use std::sync::Arc;

use askama::Template;
use keis_registry::import::{ImportError, Phase, Problem, Progress};
use keis_registry::permission::Permission;

use super::job::{Content, End, Ended, Jobs, Task};
use super::pupil::current_year;
use super::upload;
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::route::{Route, get};
use crate::site::Site;
use crate::words::Words;

/// Names of problems that the upload sends here.
const PROBLEMS: [&str; 7] = ["broken", "no-file", "fields", "forbidden", "ledger", "busy", "too-large"];

/// A file that is being read.
struct Running {
    what: String,
    phase: String,
    done: u64,
    of: Option<u64>,
    told: String,
}

/// A file that was read.
struct Outcome {
    what: String,
    when: String,
    dry_run: bool,
    failure: Option<String>,
    counts: Vec<(String, String)>,
    bad: u64,
    bad_lines: Vec<(u64, String)>,
    more_bad: Option<String>,
}

#[derive(Template)]
#[template(path = "office/import.html")]
struct ImportPage {
    f: Frame,
    contents: Vec<(&'static str, String)>,
    year: String,
    problem: Option<String>,
    running: Option<Running>,
    results: Vec<Outcome>,
}

/// The routes.
pub(super) fn routes(site: &Arc<Site>, jobs: &Arc<Jobs>) -> Vec<Route> {
    let shown = {
        let jobs = jobs.clone();
        move |site, call| show(site, call, jobs.clone())
    };
    vec![get(site, "/office/import", shown), upload::route(site, jobs)]
}

/// What a file holds, in words.
pub(super) fn what(w: &Words, task: &Task) -> String {
    w.text(&format!("office-import-{}", task.content.name()))
}

async fn show(site: Arc<Site>, call: Call, jobs: Arc<Jobs>) -> Answer {
    call.acting(Permission::ImportRegister).await?;
    let w = call.words();
    let problem = call.query.get("problem").filter(|key| PROBLEMS.contains(key));
    let problem = problem.map(|key| w.text(&format!("office-import-problem-{key}")));
    let running = jobs.running().map(|(task, progress)| follow(w, &task, progress));
    let results = jobs.ended().iter().map(|ended| result(w, ended)).collect();
    let contents = Content::ALL.map(|content| (content.name(), w.text(&format!("office-import-{}", content.name()))));
    let year = current_year(&site).await?.to_string();
    let f = call.frame(&site, Section::Import, w.text("office-import-title")).await?;
    page(&ImportPage { f, contents: contents.to_vec(), year, problem, running, results })
}

fn follow(w: &Words, task: &Task, progress: Option<Progress>) -> Running {
    let phase = match progress.map(|progress| progress.phase) {
        None | Some(Phase::Reading) => "office-import-reading",
        Some(Phase::Writing) => "office-import-writing",
        Some(Phase::Drawing) => "office-import-drawing",
    };
    let done = progress.map_or(0, |progress| progress.done);
    let of = progress.and_then(|progress| progress.of);
    let told = match of {
        Some(of) => w.with("office-import-done-of", &[("done", &w.number(done)), ("of", &w.number(of))]),
        None => w.with1("office-import-done", "done", &w.number(done)),
    };
    Running { what: what(w, task), phase: w.text(phase), done, of, told }
}

fn result(w: &Words, ended: &Ended) -> Outcome {
    let mut shown = Outcome {
        what: what(w, &ended.task),
        when: w.date_time(&ended.task.began),
        dry_run: ended.task.dry_run,
        failure: None,
        counts: Vec::new(),
        bad: 0,
        bad_lines: Vec::new(),
        more_bad: None,
    };
    match &ended.end {
        End::Broken => shown.failure = Some(w.text("office-import-broke-off")),
        End::Failed(error) => shown.failure = Some(failure(w, error)),
        End::Read(report) => {
            let counts = [
                ("office-import-lines", report.lines),
                ("office-import-arrived", report.arrived),
                ("office-import-returned", report.returned),
                ("office-import-moved", report.moved),
                ("office-import-changed", report.changed),
                ("office-import-left", report.left),
                ("office-import-unchanged", report.unchanged),
                ("office-import-outdated", report.outdated),
                ("office-import-kept", report.kept),
                ("office-import-bad", report.bad),
            ];
            let told = counts.iter().enumerate().filter(|(at, (_, count))| *at == 0 || *count > 0);
            shown.counts = told.map(|(_, (key, count))| (w.text(key), w.number(*count))).collect();
            shown.bad = report.bad;
            shown.bad_lines = report.bad_lines.iter().map(|bad| (bad.line, wrong(w, &bad.problem))).collect();
            let listed = report.bad_lines.len() as u64;
            let more = report.bad.saturating_sub(listed);
            shown.more_bad = (more > 0).then(|| w.with1("office-import-more-bad", "count", &w.number(more)));
        }
    }
    shown
}

/// What is wrong with a line, in words. Columns keep the names that they have in the file.
fn wrong(w: &Words, problem: &Problem) -> String {
    let column = |key: &str, column: &str| w.with1(key, "column", column);
    match problem {
        Problem::Long => w.text("office-line-long"),
        Problem::Quote => w.text("office-line-quote"),
        Problem::LineEnd => w.text("office-line-end"),
        Problem::Columns { found, wanted } => {
            w.with("office-line-columns", &[("found", &w.number(*found)), ("wanted", &w.number(*wanted))])
        }
        Problem::Encoding => w.text("office-line-encoding"),
        Problem::PupilTwice { earlier } => w.with1("office-line-pupil-twice", "line", &earlier.to_string()),
        Problem::CodeTwice { earlier } => w.with1("office-line-code-twice", "line", &earlier.to_string()),
        Problem::RegisterCode => column("office-line-register-code", "register_code"),
        Problem::Empty { column: name } => column("office-line-empty", name),
        Problem::Name { column: name } => column("office-line-name", name),
        Problem::Number { column: name } => column("office-line-number", name),
        Problem::Place => column("office-line-place", "place"),
        Problem::Instant => column("office-line-instant", "at"),
        Problem::LegalCode { column: name } => column("office-line-legal-code", name),
        Problem::Certificate => column("office-line-certificate", "provider_code"),
        Problem::Class { column: name } => column("office-line-class", name),
        Problem::Grade => column("office-line-grade", "grade"),
        Problem::School => column("office-line-school", "school_code"),
        Problem::Branch { branches } => w.with1("office-line-branch", "branches", &branches.to_string()),
        Problem::Word { column: name, words } => {
            w.with("office-line-word", &[("column", *name), ("words", &words.replace(" or ", ", "))])
        }
        Problem::NotEnrolled => w.text("office-line-not-enrolled"),
    }
}

/// Why a file was not taken over, in words.
fn failure(w: &Words, error: &ImportError) -> String {
    match error {
        ImportError::Empty => w.text("office-import-failed-empty"),
        ImportError::Encoding => w.text("office-import-failed-encoding"),
        ImportError::Separator => w.text("office-import-failed-separator"),
        ImportError::Header { missing, .. } => w.with1("office-import-failed-header", "missing", missing),
        ImportError::Read(_) => w.text("office-import-failed-read"),
        ImportError::MassLeaving { left, enrolled, most } => {
            let (left, enrolled) = (w.number(*left), w.number(*enrolled));
            w.with("office-import-failed-leaving", &[("left", &left), ("of", &enrolled), ("most", &most.to_string())])
        }
        ImportError::Superseded => w.text("office-import-failed-superseded"),
        ImportError::Registry(_) => w.text("office-import-broke-off"),
    }
}
