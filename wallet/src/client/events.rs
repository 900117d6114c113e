//! The stream of events: what took effect, from a point on, without loss or repeat, whichever gateways come and go.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use keis_ledger::chain::Height;
use keis_ledger::ids::{OrderId, ProviderId, SchoolId};
use keis_ledger::receipt::Receipt;
use reqwest::Response;
use serde::Deserialize;

use super::transport::{Call, Transport};
use super::{Client, ClientError, Event};
use crate::wire::ReceiptWire;

const PATH: &str = "/v1/events";
/// What carries a receipt.
const RECEIPT: &str = "receipt";
/// Longest event that is read, in bytes; above any receipt.
const LONGEST_EVENT: usize = 64 * 1024;

/// What a stream of events is narrowed to; everything when nothing is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// About this school.
    pub school: Option<SchoolId>,
    /// About this provider.
    pub provider: Option<ProviderId>,
    /// About this order.
    pub order: Option<OrderId>,
}

impl Client {
    /// What takes effect after `after`, or from now on; public parts of receipts, in order, each once. The stream looks
    /// for another gateway when one goes away, as long as it takes, and goes on where it was; it ends after an error that
    /// time does not mend.
    pub fn events(
        &self,
        after: Option<(Height, u32)>,
        filter: EventFilter,
    ) -> BoxStream<'static, Result<Event, ClientError>> {
        let follower = Follower {
            transport: self.transport.clone(),
            filter,
            place: after.map(|(height, index)| Place { height: height.0, index }),
            connection: None,
            pause: Duration::ZERO,
        };
        stream::unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            match follower.next().await {
                Ok(event) => Some((Ok(event), Some(follower))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

/// Where a stream is: everything up to here was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    height: u64,
    index: u32,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (height, index) = text.split_once('.')?;
        Some(Self { height: height.parse().ok()?, index: index.parse().ok()? })
    }
}

struct Follower {
    transport: Transport,
    filter: EventFilter,
    place: Option<Place>,
    connection: Option<Connection>,
    pause: Duration,
}

struct Connection {
    response: Response,
    read: Reader,
}

impl Follower {
    async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            let Some(connection) = &mut self.connection else {
                self.connect().await?;
                continue;
            };
            match connection.next().await? {
                Some(message) => {
                    self.pause = Duration::ZERO;
                    if let Some(event) = self.take(message)? {
                        return Ok(event);
                    }
                }
                None => self.connection = None,
            }
        }
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).clamp(self.transport.first_pause(), self.transport.longest_pause());
        match self.transport.open(&self.call()).await {
            Ok(response) => self.connection = Some(Connection { response, read: Reader::default() }),
            Err(error) if error.may_pass_later() => self.pause = self.transport.longest_pause(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn call(&self) -> Call {
        let mut call = Call::get(PATH);
        if let Some(Place { height, index }) = self.place {
            call = call.with("after", format_args!("{height}.{index}"));
        }
        let EventFilter { school, provider, order } = self.filter;
        call = school.into_iter().fold(call, |call, id| call.with("school", id));
        call = provider.into_iter().fold(call, |call, id| call.with("provider", id));
        order.into_iter().fold(call, |call, id| call.with("order", id))
    }

    /// Moves to a message's place; an event, unless it was told before or only moves the place.
    fn take(&mut self, message: Message) -> Result<Option<Event>, ClientError> {
        let told = self.place;
        self.place = told.max(Place::parse(&message.id));
        if message.data.is_empty() || message.event != RECEIPT {
            return Ok(None);
        }
        let receipt = serde_json::from_str(&message.data);
        let Public(receipt) = receipt.map_err(|source| ClientError::Form { path: PATH.to_owned(), source })?;
        let here = Place { height: receipt.height.0, index: receipt.index };
        self.place = self.place.max(Some(here));
        let fresh = told.is_none_or(|told| told < here);
        Ok(fresh.then_some(Event { height: receipt.height, index: receipt.index, receipt }))
    }
}

#[derive(Deserialize)]
struct Public(#[serde(deserialize_with = "ReceiptWire::deserialize")] Receipt);

impl Connection {
    /// The next message; none when the connection has ended.
    async fn next(&mut self) -> Result<Option<Message>, ClientError> {
        loop {
            if let Some(message) = self.read.message() {
                return Ok(Some(message));
            }
            if self.read.bytes.len() > LONGEST_EVENT {
                return Err(ClientError::TooLong { path: PATH.to_owned(), most: LONGEST_EVENT });
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.read.bytes.extend_from_slice(&chunk),
                Ok(None) | Err(_) => return Ok(None),
            }
        }
    }
}

/// One block of lines of an event stream.
#[derive(Debug, Default)]
struct Message {
    id: String,
    event: String,
    data: String,
}

/// Bytes that have arrived and are not yet a message.
#[derive(Default)]
struct Reader {
    bytes: Vec<u8>,
    searched: usize,
}

impl Reader {
    fn message(&mut self) -> Option<Message> {
        // The end may lie across two chunks.
        let from = self.searched.saturating_sub(1);
        let end = self.bytes[from..].windows(2).position(|pair| pair == b"\n\n");
        let Some(end) = end.map(|end| from + end) else {
            self.searched = self.bytes.len();
            return None;
        };
        let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
        self.searched = 0;
        let mut message = Message::default();
        for line in String::from_utf8_lossy(&block).lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => value.clone_into(&mut message.id),
                "event" => value.clone_into(&mut message.event),
                "data" => message.data.push_str(value),
                // Comments and fields that this client has no use for.
                _ => {}
            }
        }
        Some(message)
    }
}
