//! E-invoices of legal persons, for the sides of their statements: files of a folder that the operator's portal fills.
//!
//! The node knows nothing of who is on them. It makes a name from ids that the ledger holds, so a file is served only when the
//! ledger names its commitment for the statement that is asked for; others may lie there and are never seen. Of a reversal the ledger
//! takes no note and names none: the note about it lies under the height and place of the reversal's receipt, and is served where the
//! ledger has such a reversal of the statement's orders. Invoices of natural persons are never put there: the portal alone shows them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, StatementId};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{Bill, LineState, Order, Reference, Statement};
use keis_ledger::state::State;
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::Context;
use super::call::{Answer, Call, bytes, json};
use super::index::Content;
use super::keep::Keep;
use super::problem::Problem;
use super::schema;
use super::years::missing;
use crate::chain::ChainError;
use crate::view::View;

/// Longest file that is served.
const LONGEST: u64 = 16 << 20;
/// What a page may do: show itself.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// In which form an invoice is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Xml,
    Html,
    Pdf,
    /// Not a paper, but which papers there are.
    List,
}

/// Which papers of a statement are served here.
#[derive(Serialize, ToSchema)]
pub(super) struct Papers {
    /// Its year.
    #[schema(value_type = u16)]
    year: Year,
    /// The statement.
    #[schema(value_type = String, example = "stm_00ff…")]
    statement: StatementId,
    /// Commitment of the invoice that is attached, whether it is served here or not.
    #[schema(value_type = Option<String>)]
    invoice: Option<Commitment>,
    /// Commitments of the papers that the ledger names and that are served here, credit notes included: each is a `paper`.
    #[schema(value_type = Vec<String>)]
    held: Vec<Commitment>,
    /// The same of credit notes about reversals, of which the ledger names the reversal alone.
    #[schema(value_type = Vec<String>)]
    reversals: Vec<Commitment>,
}

/// Where the receipt of a reversal stands: height, and place in the block.
type Reversal = (Height, u32);

impl Form {
    /// All forms, the one first that is served to who takes any.
    const ALL: [Self; 4] = [Self::Xml, Self::Html, Self::Pdf, Self::List];

    fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml",
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
            Self::List => "application/json",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::List => "json",
        }
    }

    /// How much a range of media types wants this form, in thousandths, with how exactly it names it.
    fn wanted_by(self, range: &str) -> Option<(u8, u16)> {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next()?.to_ascii_lowercase();
        let own = self.media_type().split(';').next()?;
        let kind = own.split('/').next()?;
        let exactness = match named.as_str() {
            "*/*" => 0,
            range if range.strip_suffix("/*") == Some(kind) => 1,
            range if range == own => 2,
            "text/xml" if self == Self::Xml => 2,
            _ => return None,
        };
        let quality = parts.find_map(|parameter| parameter.strip_prefix("q=")).unwrap_or("1");
        let quality = quality.parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality))?;
        Some((exactness, (quality * 1_000.0) as u16))
    }

    /// The form that a client wants most; the most exact range speaks for each form (RFC 9110).
    fn of(accept: Option<&str>) -> Result<Self, Problem> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Ok(Self::Xml) };
        let quality = |form: Self| {
            let ranges = accept.split(',').filter_map(|range| form.wanted_by(range));
            ranges.max().map_or(0, |(_, quality)| quality)
        };
        let mut best = None;
        for form in Self::ALL {
            let quality = quality(form);
            if quality > best.map_or(0, |(quality, _)| quality) {
                best = Some((quality, form));
            }
        }
        best.map(|(_, form)| form).ok_or_else(|| Problem::not_acceptable(&Self::ALL.map(Self::media_type)))
    }
}

/// Whether some form of an invoice is taken by who says so.
#[cfg(fuzzing)]
pub(super) fn takes(accept: &str) -> bool {
    Form::of(Some(accept)).is_ok()
}

/// The invoice of a statement, for its sides: UBL 2.1, the same to be read by people, or a list of what there is. Of legal persons alone, at the
/// operator's node; the portal shows those of natural persons. The field `Accept` chooses: `application/xml` (usual), `text/html`,
/// `application/pdf`, or `application/json` for a list.
#[utoipa::path(get, path = "/v1/settlements/{id}/invoice", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The statement"),
        ("year" = u16, Query, description = "Its programme year"),
        ("paper" = Option<String>, Query, description = "Commitment of a credit note of it, also of one about a reversal; the attached invoice if absent"),
    ),
    responses(
        (status = 200, description = "The invoice", content(
            (String = "application/xml"), (String = "text/html"), (String = "application/pdf"), (Papers = "application/json"))),
        (status = 304, description = "The client holds it"),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "No statement, no invoice, or no file of it here: it is a natural person's, was made elsewhere \
            or is yet to come", body = schema::Problem, content_type = "application/problem+json"),
        (status = 406, description = "In no such form", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn invoice(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "paper"])?;
    let (id, year): (StatementId, Year) = (call.id()?, call.year()?);
    let paper: Option<Commitment> = call.parameter("paper")?;
    let reader = context.reader(&call).await?;
    let state = &reader.view.tip.state;
    let statement = state.get::<Statement>((year, id));
    let statement = statement.ok_or_else(|| missing(state, year, "the statement is not on the ledger in this year"))?;
    reader.statement(statement)?;
    let form = Form::of(call.header("accept"))?;
    if form == Form::List {
        return list(&context, (year, id), &reader.view).await;
    }
    let none = "this node holds no file of it: it is a natural person's, which the portal shows, or not drawn by the \
        operator, or yet to come";
    let paper = match (named(state, (year, id), paper), paper) {
        (Ok(paper), _) => paper,
        (Err(unnamed), Some(paper)) => {
            return reversed(&context, ((year, id), &reader.view), (paper, form), unnamed).await;
        }
        (Err(unnamed), None) => return Err(unnamed),
    };
    let folder = context.invoices.clone().ok_or_else(|| Problem::absent_here(none))?;
    let held = context.work(move || read(&place(&folder, (year, id)), paper, form)).await?;
    let held = held.map_err(|error| Problem::internal(&error))?.ok_or_else(|| Problem::absent_here(none))?;
    Ok(answer((id, paper), form, held))
}

/// A note about a reversal; `unnamed` where there is none.
async fn reversed(
    context: &Arc<Context>,
    (key, view): ((Year, StatementId), &Arc<View>),
    (paper, form): (Commitment, Form),
    unnamed: Problem,
) -> Answer {
    let reversals = reversals(context, key, view).await?;
    let Some(folder) = context.invoices.clone().filter(|_| !reversals.is_empty()) else { return Err(unnamed) };
    let held = context.work(move || {
        let mut places = reversals.into_iter().map(|reversal| place_of_reversal(&folder, key, reversal));
        places.find_map(|place| read(&place, paper, form).transpose()).transpose()
    });
    let held = held.await?.map_err(|error| Problem::internal(&error))?.ok_or(unnamed)?;
    Ok(answer((key.1, paper), form, held))
}

/// Where receipts tell of reversals of a statement's orders since its provider accepted it.
async fn reversals(
    context: &Arc<Context>,
    (year, id): (Year, StatementId),
    view: &Arc<View>,
) -> Result<Vec<Reversal>, Problem> {
    let state = &view.tip.state;
    let is_reversed = |order: &OrderId| {
        let order = state.get::<Order>((year, *order));
        order.is_some_and(|order| order.lines.iter().any(|line| line.state == LineState::Reversed))
    };
    let orders = state.get::<Statement>((year, id)).map_or(&[][..], |statement| statement.orders.as_slice());
    let orders: Vec<OrderId> = orders.iter().copied().filter(is_reversed).collect();
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let read = move |content: &Content, _: &View| -> Vec<Vec<Reversal>> {
        orders.iter().map(|order| content.history(year, *order).to_vec()).collect()
    };
    let histories = context.list(read).await?;
    let found = context.read(move |archive| {
        let mut found = Vec::new();
        for history in histories {
            let mut is_accepted = false;
            for (height, index) in history {
                let past = archive.past(height)?;
                let Some(receipt) = past.as_ref().and_then(|past| past.receipts.get(index as usize)) else { continue };
                let (kind, statement) = (receipt.receipt.kind, receipt.receipt.subject.statement);
                is_accepted |= kind == Kind::StatementAccepted && statement == Some(id);
                found.extend((is_accepted && kind == Kind::OrderReversed).then_some((height, index)));
            }
        }
        Ok::<_, ChainError>(found)
    });
    found.await
}

/// The papers of a statement that lie in the folder: those that the ledger names, and notes about its reversals.
async fn list(context: &Arc<Context>, key: (Year, StatementId), view: &Arc<View>) -> Answer {
    let attached = attached(&view.tip.state, key);
    let reversals = reversals(context, key, view).await?;
    let (folder, view) = (context.invoices.clone(), view.clone());
    let found = context.work(move || -> io::Result<(Vec<Commitment>, Vec<Commitment>)> {
        let Some(folder) = folder else { return Ok((Vec::new(), Vec::new())) };
        let named = held(&place(&folder, key), |paper| named(&view.tip.state, key, Some(paper)).is_ok())?;
        let mut about = Vec::new();
        for reversal in reversals {
            about.extend(held(&place_of_reversal(&folder, key, reversal), |_| true)?);
        }
        about.sort_unstable();
        Ok((named, about))
    });
    let (held, reversals) = found.await?.map_err(|error| Problem::internal(&error))?;
    json(StatusCode::OK, Keep::Never, &Papers { year: key.0, statement: key.1, invoice: attached, held, reversals })
}

fn held(place: &Path, is_named: impl Fn(Commitment) -> bool) -> io::Result<Vec<Commitment>> {
    let files = match fs::read_dir(place) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut held = Vec::new();
    for file in files {
        let name = file?.file_name();
        let paper = name.to_str().and_then(|name| name.strip_suffix(".xml")).and_then(|paper| paper.parse().ok());
        held.extend(paper.filter(|paper| is_named(*paper)));
    }
    held.sort_unstable();
    Ok(held)
}

/// Where the papers of a statement lie: a name made of ids alone.
fn place(folder: &Path, (year, statement): (Year, StatementId)) -> PathBuf {
    folder.join(year.to_string()).join(statement.to_string())
}

/// Where notes about a reversal lie: a name made of what the ledger says of it.
fn place_of_reversal(folder: &Path, key: (Year, StatementId), (height, index): Reversal) -> PathBuf {
    place(folder, key).join(format!("{}.{index}", height.0))
}

fn attached(state: &State, key: (Year, StatementId)) -> Option<Commitment> {
    Some(state.get::<Bill>(key)?.invoice?.file)
}

/// The paper that is wanted, once the ledger names it for the statement.
fn named(state: &State, key: (Year, StatementId), paper: Option<Commitment>) -> Result<Commitment, Problem> {
    let attached = attached(state, key);
    let Some(paper) = paper else {
        return attached.ok_or_else(|| Problem::not_found("no invoice is attached to the statement"));
    };
    let (year, statement) = key;
    let is_note = state.get::<Reference>(paper) == Some(&Reference { year, statement: Some(statement) });
    if attached == Some(paper) || is_note {
        Ok(paper)
    } else {
        Err(Problem::not_found("the ledger names no such paper for the statement"))
    }
}

/// The file of a paper, whose name is made of ids alone.
fn read(place: &Path, paper: Commitment, form: Form) -> io::Result<Option<Vec<u8>>> {
    let path = place.join(format!("{paper}.{}", form.ending()));
    match path.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() <= LONGEST => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut held = Vec::new();
    File::open(&path)?.take(LONGEST).read_to_end(&mut held)?;
    Ok(Some(held))
}

fn answer((id, paper): (StatementId, Commitment), form: Form, held: Vec<u8>) -> Response {
    let mut response = bytes(StatusCode::OK, Keep::Own, form.media_type(), held);
    let headers = response.headers_mut();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::VARY, "accept");
    set(
        header::CONTENT_DISPOSITION,
        &format!("inline; filename=\"{id}-{}.{}\"", &paper.to_string()[..12], form.ending()),
    );
    set(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}
