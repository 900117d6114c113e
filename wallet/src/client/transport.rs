//! One call over several gateways: timeouts, attempts, pauses. Knows no route.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keis_ledger::crypto::SecretKey;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::error::{ClientError, Problem};
use super::signing;
use crate::random::random_bytes;

/// Longest answer that is read, in bytes; above any page or proof.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;
/// How much longer than it waits for a transaction a gateway may take to answer.
const WAIT_MARGIN: Duration = Duration::from_secs(5);
/// Longest silence of a stream; gateways send something every few seconds.
const LONGEST_SILENCE: Duration = Duration::from_secs(45);

/// How patient a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// For a connection.
    pub connect: Duration,
    /// For an answer, beyond a wait that was asked for.
    pub request: Duration,
    /// Attempts for one call, over all gateways.
    pub attempts: u32,
    /// Pause after every gateway failed once; it doubles each time.
    pub first_pause: Duration,
    /// Longest pause, also when a gateway asks for more.
    pub longest_pause: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            request: Duration::from_secs(15),
            attempts: 8,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }
}

#[derive(Clone)]
pub(super) struct Transport {
    http: reqwest::Client,
    /// For answers without an end.
    streams: reqwest::Client,
    signer: Option<Arc<SecretKey>>,
    gateways: Arc<[Url]>,
    /// The gateway that answered last.
    preferred: Arc<AtomicUsize>,
    policy: Policy,
}

/// What is asked; asking again does no harm.
pub(super) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, Vec<u8>)>,
    wait: Duration,
    accept: Option<&'static str>,
}

/// What a gateway said.
pub(super) enum Answer {
    /// What was asked for.
    Found(Content),
    /// There is none.
    Missing(Box<Problem>),
    /// It does not take this.
    Refused(Box<Problem>),
}

/// The body of an answer.
pub(super) struct Content {
    path: String,
    pub(super) body: Vec<u8>,
}

/// Why an attempt failed that another one may make good.
enum Failure {
    Unreachable(reqwest::Error),
    Unavailable { problem: Box<Problem>, retry_after: Option<Duration> },
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: None,
            wait: Duration::ZERO,
            accept: None,
        }
    }

    pub(super) fn post(path: &str, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, body: Some((content_type, body)), ..Self::get(path) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Asks for one form of what has several.
    pub(super) fn accepting(self, media_type: &'static str) -> Self {
        Self { accept: Some(media_type), ..self }
    }

    /// Lets the gateway wait for an end, in whole seconds.
    pub(super) fn waiting(self, wait: Duration) -> Self {
        match wait.as_secs() {
            0 => self,
            seconds => Self { wait: Duration::from_secs(seconds), ..self.with("wait", seconds) },
        }
    }

    /// The error of an answer that is not about what was asked for.
    pub(super) fn about_other_thing(&self) -> ClientError {
        ClientError::OtherThing { path: self.path.clone() }
    }
}

impl Content {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|source| ClientError::Form { path: self.path.clone(), source })
    }
}

impl Transport {
    pub(super) fn new<S: AsRef<str>>(gateways: &[S], policy: Policy) -> Result<Self, ClientError> {
        let gateways: Arc<[Url]> = gateways.iter().map(|address| parse(address.as_ref())).collect::<Result<_, _>>()?;
        if gateways.is_empty() {
            return Err(ClientError::NoGateway);
        }
        // The tree enables two providers of rustls, so one must be named; another part of the program may have done it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = || {
            reqwest::Client::builder()
                .connect_timeout(policy.connect)
                .pool_idle_timeout(Duration::from_secs(20))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
        };
        let http = builder().build().map_err(ClientError::Setup)?;
        let streams = builder().read_timeout(LONGEST_SILENCE).build().map_err(ClientError::Setup)?;
        Ok(Self { http, streams, signer: None, gateways, preferred: Arc::default(), policy })
    }

    pub(super) fn signed_by(self, key: SecretKey) -> Self {
        Self { signer: Some(Arc::new(key)), ..self }
    }

    pub(super) fn first_pause(&self) -> Duration {
        self.policy.first_pause
    }

    pub(super) fn longest_pause(&self) -> Duration {
        self.policy.longest_pause
    }

    /// Asks one gateway after the other until one answers.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, ClientError> {
        let mut round = Round::new(&self.policy);
        loop {
            let (turn, gateway) = self.turn();
            match self.attempt(gateway, call).await? {
                Ok(answer) => return Ok(answer),
                Err(failure) => self.go_on(&mut round, turn, failure).await?,
            }
        }
    }

    /// Asks one gateway after the other until one opens a stream.
    pub(super) async fn open(&self, call: &Call) -> Result<Response, ClientError> {
        let mut round = Round::new(&self.policy);
        loop {
            let (turn, gateway) = self.turn();
            let failure = match self.request(&self.streams, gateway, call, None).await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => match read(response, call).await? {
                    Ok(Answer::Found(_)) => return Err(call.about_other_thing()),
                    Ok(Answer::Missing(problem) | Answer::Refused(problem)) => {
                        return Err(ClientError::Problem(problem));
                    }
                    Err(failure) => failure,
                },
                Err(error) => Failure::Unreachable(error),
            };
            self.go_on(&mut round, turn, failure).await?;
        }
    }

    fn turn(&self) -> (usize, &Url) {
        let turn = self.preferred.load(Ordering::Relaxed);
        (turn, &self.gateways[turn % self.gateways.len()])
    }

    /// Moves to the next gateway after a failure, with a pause when every one has failed; the error when it was the last
    /// attempt.
    async fn go_on(&self, round: &mut Round, turn: usize, failure: Failure) -> Result<(), ClientError> {
        // Whoever saw the failure first moves everybody on; the others find the next one preferred already.
        let _ = self.preferred.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        if round.attempt >= self.policy.attempts {
            return Err(failure.into_error(&self.gateways[turn % self.gateways.len()], round.attempt));
        }
        let every_one_failed = (round.attempt as usize).is_multiple_of(self.gateways.len());
        if every_one_failed {
            let asked = failure.retry_after().unwrap_or_default();
            tokio::time::sleep(jittered(round.pause).max(asked).min(self.policy.longest_pause)).await;
            round.pause = (round.pause * 2).min(self.policy.longest_pause);
        }
        round.attempt += 1;
        Ok(())
    }

    async fn attempt(&self, gateway: &Url, call: &Call) -> Result<Result<Answer, Failure>, ClientError> {
        let patience = if call.wait.is_zero() { self.policy.request } else { call.wait + WAIT_MARGIN };
        match self.request(&self.http, gateway, call, Some(patience)).await {
            Ok(response) => read(response, call).await,
            Err(error) => Ok(Err(Failure::Unreachable(error))),
        }
    }

    async fn request(
        &self,
        http: &reqwest::Client,
        gateway: &Url,
        call: &Call,
        patience: Option<Duration>,
    ) -> Result<Response, reqwest::Error> {
        let mut url = gateway.clone();
        url.set_path(&format!("{}{}", gateway.path().trim_end_matches('/'), call.path));
        let mut request = http.request(call.method.clone(), url).query(&call.query);
        if let Some(patience) = patience {
            request = request.timeout(patience);
        }
        if let Some(accept) = call.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some((content_type, body)) = &call.body {
            request = request.header(CONTENT_TYPE, *content_type).body(body.clone());
        }
        let mut request = request.build()?;
        if let Some(key) = self.signer.as_ref().filter(|_| call.body.is_none()) {
            signing::sign(&mut request, key);
        }
        http.execute(request).await
    }
}

/// How far the attempts of one call have come.
struct Round {
    attempt: u32,
    pause: Duration,
}

impl Round {
    fn new(policy: &Policy) -> Self {
        Self { attempt: 1, pause: policy.first_pause }
    }
}

async fn read(response: Response, call: &Call) -> Result<Result<Answer, Failure>, ClientError> {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let body = match read_body(response, &call.path).await? {
        Ok(body) => body,
        Err(error) => return Ok(Err(Failure::Unreachable(error))),
    };
    if status.is_success() {
        return Ok(Ok(Answer::Found(Content { path: call.path.clone(), body })));
    }
    let problem = Box::new(problem(status, &body));
    Ok(match status {
        StatusCode::NOT_FOUND => Ok(Answer::Missing(problem)),
        StatusCode::UNPROCESSABLE_ENTITY => Ok(Answer::Refused(problem)),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Err(Failure::Unavailable { problem, retry_after })
        }
        other if other.is_server_error() => Err(Failure::Unavailable { problem, retry_after }),
        _ => return Err(ClientError::Problem(problem)),
    })
}

impl Failure {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable(_) => None,
            Self::Unavailable { retry_after, .. } => *retry_after,
        }
    }

    fn into_error(self, gateway: &Url, attempts: u32) -> ClientError {
        let gateway = gateway.to_string();
        match self {
            Self::Unreachable(source) => ClientError::Unreachable { gateway, attempts, source: source.without_url() },
            Self::Unavailable { problem, .. } => ClientError::Unavailable { gateway, attempts, problem },
        }
    }
}

fn parse(address: &str) -> Result<Url, ClientError> {
    let wrong = || ClientError::Address { address: address.to_owned() };
    let url = Url::parse(address).map_err(|_| wrong())?;
    let web = matches!(url.scheme(), "http" | "https");
    if web && url.has_host() && url.query().is_none() { Ok(url) } else { Err(wrong()) }
}

async fn read_body(mut response: Response, path: &str) -> Result<Result<Vec<u8>, reqwest::Error>, ClientError> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_ANSWER => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(ClientError::TooLong { path: path.to_owned(), most: LONGEST_ANSWER }),
            Ok(None) => return Ok(Ok(body)),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// The problem in an answer; what stands before a gateway may answer without one.
fn problem(status: StatusCode, body: &[u8]) -> Problem {
    let mut problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
        status: 0,
        title: status.canonical_reason().unwrap_or("unknown status").to_owned(),
        detail: "the answer holds no problem".to_owned(),
        code: String::new(),
        fields: std::collections::BTreeMap::new(),
    });
    problem.status = status.as_u16();
    problem
}

/// Whole seconds alone; the other form of the header is a date, for which the growing pauses do.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Between half of a pause and the whole, so that many clients do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let share = u32::from(u16::from_le_bytes(random_bytes()));
    pause / 2 + pause / 2 * share / u32::from(u16::MAX)
}
