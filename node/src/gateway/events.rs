//! The stream of what takes effect: public parts of receipts as server-sent events, in order, from any point of history on.
//!
//! An event's id is its place, `HEIGHT.INDEX`: everything up to there was told. A stream opens with a place and repeats it
//! as a sign of life, so that who comes back asks for nothing twice and misses nothing, whatever is filtered.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

use futures::{Stream, stream};
use keis_ledger::chain::Height;
use keis_ledger::ids::{OrderId, ProviderId, SchoolId};
use keis_ledger::receipt::{Receipt, Subject};
use tokio::sync::OwnedSemaphorePermit;
use warp::Reply;
use warp::sse::Event;

use super::Context;
use super::call::{Answer, Call};
use super::problem::Problem;
use super::schema;
use crate::chain::ChainError;
use crate::view::Views;

/// Blocks read in one go.
const STRIDE: u64 = 64;

/// A point in history: everything up to it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    height: u64,
    index: u32,
}

/// A text that is no place.
#[derive(Debug, thiserror::Error)]
#[error("a place is `HEIGHT.INDEX`")]
struct PlaceError;

impl FromStr for Place {
    type Err = PlaceError;
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let (height, index) = text.split_once('.').ok_or(PlaceError)?;
        let height = height.parse().map_err(|_| PlaceError)?;
        Ok(Self { height, index: index.parse().map_err(|_| PlaceError)? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.height, self.index)
    }
}

/// What a stream is narrowed to.
#[derive(Debug, Clone, Copy)]
struct Filter {
    school: Option<SchoolId>,
    provider: Option<ProviderId>,
    order: Option<OrderId>,
}

impl Filter {
    fn takes(&self, subject: &Subject) -> bool {
        self.school.is_none_or(|school| subject.school == Some(school))
            && self.provider.is_none_or(|provider| subject.provider == Some(provider))
            && self.order.is_none_or(|order| subject.order == Some(order))
    }
}

/// Everything that takes effect, as it does: server-sent events named `receipt`, whose id is `HEIGHT.INDEX` and whose data is
/// the public receipt. The stream goes on after the field `Last-Event-ID`; `after` stands in for it at first.
#[utoipa::path(get, path = "/v1/events", tag = "transactions",
    params(
        ("after" = Option<String>, Query, description = "`HEIGHT.INDEX`: what comes after it; from now on if absent"),
        ("school" = Option<String>, Query, description = "About this school"),
        ("provider" = Option<String>, Query, description = "About this provider"),
        ("order" = Option<String>, Query, description = "About this order"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last id that was read; goes before `after`"),
    ),
    responses(
        (status = 200, description = "The stream", body = schema::ReceiptEvent, content_type = "text/event-stream"),
        (status = 400, description = "A wrong parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many streams", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn events(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["after", "school", "provider", "order"])?;
    let filter = Filter {
        school: call.parameter("school")?,
        provider: call.parameter("provider")?,
        order: call.parameter("order")?,
    };
    let after: Option<Place> = match call.header_text("last-event-id")?.filter(|id| !id.is_empty()) {
        Some(id) => Some(id.parse().map_err(|error: PlaceError| Problem::malformed(error.to_string()))?),
        None => call.parameter("after")?,
    };
    let full = |_| Problem::unavailable("streams_full", "the node serves as many streams as it can; ask another one");
    let place = context.streams.clone().try_acquire_owned().map_err(full)?;
    let feed = Feed::new(context, filter, after, Counted::new(place));
    Ok(warp::sse::reply(feed.stream()).into_response())
}

/// A stream's place; given back and uncounted when the stream ends.
struct Counted {
    _place: OwnedSemaphorePermit,
}

impl Counted {
    fn new(place: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("keis_gateway_streams").increment(1);
        Self { _place: place }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("keis_gateway_streams").decrement(1);
    }
}

/// One client's stream. It reads on when the client has taken what was read: who reads slowly holds nothing up.
struct Feed {
    context: Arc<Context>,
    views: Views,
    filter: Filter,
    /// Everything up to here was told, or filtered away.
    told: Place,
    /// Blocks up to here were read.
    read: Height,
    ready: VecDeque<Receipt>,
    opened: bool,
    _counted: Counted,
}

impl Feed {
    fn new(context: Arc<Context>, filter: Filter, after: Option<Place>, counted: Counted) -> Self {
        let views = context.services.views.clone();
        let told = after.unwrap_or_else(|| Place { height: views.borrow().height().0, index: u32::MAX });
        let read = if told.index == u32::MAX { told.height } else { told.height.saturating_sub(1) };
        let (read, ready) = (Height(read), VecDeque::new());
        Self { context, views, filter, told, read, ready, opened: false, _counted: counted }
    }

    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> + Send + Sync + 'static {
        stream::unfold(self, |mut feed| async move { feed.next().await.map(|event| (Ok(event), feed)) })
    }

    /// The next event; none at the end of the node's service.
    async fn next(&mut self) -> Option<Event> {
        if !self.opened {
            self.opened = true;
            return Some(self.sign("open"));
        }
        loop {
            if self.context.stopping.is_cancelled() {
                return None;
            }
            if let Some(receipt) = self.ready.pop_front() {
                return self.tell(&receipt);
            }
            let tip = self.views.borrow_and_update().height();
            if self.read < tip {
                self.read_on(tip).await.ok()?;
                continue;
            }
            let stopping = self.context.stopping.clone();
            tokio::select! {
                () = stopping.cancelled() => return None,
                changed = self.views.changed() => changed.ok()?,
                () = tokio::time::sleep(self.context.stream_pause) => return Some(self.sign("here")),
            }
        }
    }

    /// Reads some blocks more.
    async fn read_on(&mut self, tip: Height) -> Result<(), Problem> {
        let (from, until) = (self.read.next(), Height(tip.0.min(self.read.0.saturating_add(STRIDE))));
        let (filter, told) = (self.filter, self.told);
        let read = self.context.read(move |archive| {
            let mut found = VecDeque::new();
            for height in (from.0..=until.0).map(Height) {
                let Some(past) = archive.past(height)? else { continue };
                let receipts = past.receipts.iter().map(|full| &full.receipt);
                let fresh = receipts.filter(|receipt| told < Place::of(receipt) && filter.takes(&receipt.subject));
                found.extend(fresh.cloned());
            }
            Ok::<_, ChainError>(found)
        });
        self.ready = read.await?;
        self.read = until;
        if self.ready.is_empty() {
            self.told = self.told.max(Place { height: until.0, index: u32::MAX });
        }
        Ok(())
    }

    fn tell(&mut self, receipt: &Receipt) -> Option<Event> {
        self.told = Place::of(receipt);
        if self.ready.is_empty() {
            self.told = self.told.max(Place { height: self.read.0, index: u32::MAX });
        }
        let event = Event::default().event("receipt").id(Place::of(receipt).to_string()).json_data(receipt);
        event.inspect_err(|error| tracing::error!(%error, "a receipt cannot be told")).ok()
    }

    /// A sign of life that says how far the stream is.
    fn sign(&self, word: &str) -> Event {
        Event::default().comment(word).id(self.told.to_string())
    }
}

impl Place {
    fn of(receipt: &Receipt) -> Self {
        Self { height: receipt.height.0, index: receipt.index }
    }
}
