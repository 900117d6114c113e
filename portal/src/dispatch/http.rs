//! Invoices by requests to an address, and answers asked for there. `README.md` says what is expected of it.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use keis_registry::dispatch::{Batch, Carrier, Item, Message, NotNow, SendOutcome};
use keis_registry::ids::MessageId;
use keis_registry::invoices::FileMark;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::{Host, Url};

use super::{SetupError, wire};
use crate::settings::Dispatch;

/// Longest answer, and most answers of a page.
const LONGEST_ANSWER: usize = 2 * 1024 * 1024;
const MOST_ANSWERS: usize = 1_000;
/// Longest cursor that is kept.
const LONGEST_CURSOR: usize = 500;

/// The address.
pub struct Http {
    client: reqwest::Client,
    address: Url,
    token_file: Option<PathBuf>,
    look_up: bool,
}

impl Http {
    /// The address of the settings. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`SetupError`] when it is no address for invoices, or its certificates cannot be used.
    pub fn new(settings: &Dispatch) -> Result<Self, SetupError> {
        let wrong = || SetupError::Address(settings.address.clone());
        let mut address: Url = settings.address.parse().map_err(|_| wrong())?;
        if !is_safe(&address) || address.query().is_some() || address.fragment().is_some() {
            return Err(wrong());
        }
        if !address.path().ends_with('/') {
            address.set_path(&format!("{}/", address.path()));
        }
        // The tree enables two providers of rustls, so one must be named; another part of the program may have done it.
        drop(rustls::crypto::ring::default_provider().install_default());
        // A redirect could carry the token and an invoice to addresses that nobody named.
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(settings.request_seconds.max(1)));
        let client = match &settings.authority_file {
            None => client,
            Some(path) => {
                let pem = std::fs::read(path).unwrap_or_default();
                let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
                if certificates.is_empty() {
                    return Err(SetupError::Authority { path: path.clone() });
                }
                let own = client.tls_built_in_root_certs(false);
                certificates.into_iter().fold(own, reqwest::ClientBuilder::add_root_certificate)
            }
        };
        let token_file = settings.token_file.clone();
        Ok(Self { client: client.build()?, address, token_file, look_up: settings.look_up })
    }

    fn at(&self, path: &str) -> Url {
        self.address.join(path).expect("an id below an address is an address")
    }

    /// With the token. It is read for every request, so that it can be changed while the portal runs.
    async fn ask(&self, request: RequestBuilder) -> Result<Response, NotNow> {
        let request = match &self.token_file {
            None => request,
            Some(path) => {
                let token = tokio::fs::read_to_string(path).await.map_err(|_| NotNow::because("no_token"))?;
                request.bearer_auth(token.trim())
            }
        };
        request
            .send()
            .await
            .map_err(|error| NotNow::because(if error.is_timeout() { "timeout" } else { "unreachable" }))
    }
}

/// https, or http that does not leave the machine.
fn is_safe(address: &Url) -> bool {
    let within = match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let named = address.username().is_empty() && address.password().is_none() && address.has_host();
    named && (address.scheme() == "https" || address.scheme() == "http" && within)
}

/// What a status means where nothing was taken.
fn not_now(response: &Response) -> NotNow {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    NotNow { why: format!("status_{}", response.status().as_u16()), after: seconds.map(Duration::from_secs) }
}

/// Whether the address may take the same document another time: its own trouble, ours with the token or the address, or too fast.
fn may_pass(status: StatusCode) -> bool {
    let passing = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::CONFLICT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    !status.is_client_error() || passing.contains(&status)
}

async fn body(mut response: Response) -> Result<Vec<u8>, NotNow> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| NotNow::because("cut_off"))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(NotNow::because("too_long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[async_trait]
impl Carrier for Http {
    async fn send(&self, message: &Message) -> Result<SendOutcome, NotNow> {
        let document = &message.document;
        let mut request = self
            .client
            .post(self.at("documents"))
            .header("Idempotency-Key", message.id.to_string())
            .header(CONTENT_TYPE, "application/xml")
            .header("Document-Kind", if message.is_credit_note { "credit_note" } else { "invoice" })
            .header("Document-SHA256", FileMark::of("", &document.bytes).hash_text());
        for (name, participant) in [("Document-Sender", &document.sender), ("Document-Receiver", &document.receiver)] {
            // What cannot stand in a header stands in the document alone.
            let plain = participant.as_ref().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
            if let Some(participant) = plain {
                request = request.header(name, participant.as_str());
            }
        }
        let response = self.ask(request.body(document.bytes.clone())).await?;
        let status = response.status();
        match status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                Ok(SendOutcome::Sent)
            }
            _ if may_pass(status) => Err(not_now(&response)),
            _ => Ok(SendOutcome::Refused(format!("status_{}", status.as_u16()))),
        }
    }

    async fn known(&self, id: MessageId) -> Result<Option<bool>, NotNow> {
        if !self.look_up {
            return Ok(None);
        }
        let response = self.ask(self.client.get(self.at(&format!("documents/{id}")))).await?;
        match response.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(Some(true)),
            StatusCode::NOT_FOUND => Ok(Some(false)),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Ok(None),
            _ => Err(not_now(&response)),
        }
    }

    async fn answers(&self, after: &str) -> Result<Batch, NotNow> {
        let mut address = self.at("answers");
        address.query_pairs_mut().append_pair("after", after);
        let response = self.ask(self.client.get(address)).await?;
        if response.status() != StatusCode::OK {
            return Err(not_now(&response));
        }
        let page: Value = serde_json::from_slice(&body(response).await?).map_err(|_| NotNow::because("no_json"))?;
        let answers = page["answers"].as_array().ok_or(NotNow::because("no_json"))?;
        let cursor = page["next"].as_str().unwrap_or(after);
        if answers.len() > MOST_ANSWERS || cursor.len() > LONGEST_CURSOR {
            return Err(NotNow::because("too_long"));
        }
        let item = |(number, value)| Item { source: format!("{after}#{number}"), told: wire::told_value(value) };
        let items: Vec<Item> = answers.iter().enumerate().map(item).collect();
        // A page that leads nowhere is the last one, whatever it holds.
        let more = !items.is_empty() && cursor != after;
        Ok(Batch { items, cursor: cursor.to_owned(), more })
    }

    async fn taken(&self, _batch: &Batch) -> Result<(), NotNow> {
        // The cursor says it with the next request.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::DispatchKind;

    use super::*;

    #[test]
    fn invoices_go_nowhere_in_the_clear() {
        for (address, sound) in [
            ("https://sabis.example/api", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]:1/", true),
            ("http://sabis.example/", false),
            ("https://sabis.example/?a=b", false),
            ("https://user:word@sabis.example/", false),
            ("ftp://127.0.0.1/", false),
            ("sabis.example", false),
        ] {
            let made = Http::new(&Dispatch::new(DispatchKind::Http, address));
            assert_eq!(made.is_ok(), sound, "{address}");
            if let Ok(made) = made {
                assert!(made.at("documents/x").path().ends_with("/documents/x"), "{address}");
            }
        }
    }
}
