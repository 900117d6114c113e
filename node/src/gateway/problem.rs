//! What goes wrong, as RFC 9457 problems. Texts for clients are written here; causes inside the node go to the log alone.

pub mod lithuanian;

use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::rejection::Rejection;
use serde_json::{Map, Value, json};
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::signature::WANTED;

/// Media type of a problem.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// A problem to be answered: a stable code, a status, words for people, and fields for programs.
#[derive(Debug)]
pub(super) struct Problem(Box<Content>);

/// What a problem says; kept with its answer, to be said in another tongue.
#[derive(Debug, Clone)]
pub(super) struct Content {
    status: StatusCode,
    title: &'static str,
    code: String,
    detail: String,
    fields: Map<String, Value>,
    retry_after_seconds: Option<u32>,
    allow: Option<String>,
    wants_signature: bool,
    /// Whether the code is one of the ledger's rules.
    is_ledgers: bool,
}

impl Problem {
    fn new(status: StatusCode, code: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Content {
            status,
            title,
            code: code.to_owned(),
            detail: detail.into(),
            fields: Map::new(),
            retry_after_seconds: None,
            allow: None,
            wants_signature: false,
            is_ledgers: false,
        }))
    }

    /// The request cannot be understood.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be understood", detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing", detail)
    }

    /// No route is at the address.
    pub(super) fn nothing_here() -> Self {
        Self::not_found("nothing answers at this address; /v1/openapi.json lists what does")
    }

    /// It is on the ledger, and this node has no copy of what lies beside.
    pub(super) fn absent_here(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "absent_here", "It is not held here", detail)
    }

    /// The client takes none of the forms that there are.
    pub(super) fn not_acceptable(forms: &[&str]) -> Self {
        let detail = format!("this address answers {}", forms.join(", "));
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "There is no such form", detail)
    }

    /// The records of a year are no longer in the state.
    pub(super) fn year_sealed(year: Year, root: &Hash) -> Self {
        let detail = format!("the year {year} is sealed: one record of it is left, and archives keep the others");
        let problem = Self::new(StatusCode::GONE, "year_sealed", "The year is sealed", detail);
        problem.with("year", json!(year)).with("root", json!(root))
    }

    /// The route has other methods.
    pub(super) fn method_not_allowed(allow: String) -> Self {
        let detail = format!("this address answers {allow}");
        let title = "The method is not allowed here";
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", title, detail);
        problem.0.allow = Some(allow);
        problem
    }

    /// The body did not arrive in time.
    pub(super) fn body_timeout() -> Self {
        let detail = "the body of the request did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request took too long", detail)
    }

    /// The body is too large.
    pub(super) fn too_large(limit: usize) -> Self {
        let detail = format!("the body has at most {limit} bytes");
        let problem = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large", detail);
        problem.with("limit", json!(limit))
    }

    /// The body is of another type.
    pub(super) fn unsupported_type(expected: &[&str]) -> Self {
        let detail = format!("the body must be of the type {}", expected.join(" or "));
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type", "The body is of another type", detail)
    }

    /// A transaction has no effect; code and fields are the ledger's.
    pub(super) fn rejected(rejection: &Rejection) -> Self {
        let detail = rejection.to_string();
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "rejected", "The transaction has no effect", detail);
        problem.0.is_ledgers = true;
        if let Value::Object(mut fields) = rejection_json(rejection) {
            if let Some(Value::String(code)) = fields.remove("code") {
                problem.0.code = code;
            }
            fields.remove("detail");
            problem.0.fields = fields;
        }
        problem
    }

    /// What is asked for is understood, and cannot be taken.
    pub(super) fn refused(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "The request cannot be taken", detail)
    }

    /// One sender has too much waiting.
    pub(super) fn sender_full() -> Self {
        let detail = "too much of this signer waits already; send it again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "sender_full", "Too many requests", detail).retry_after(2)
    }

    /// What is asked for needs a signature.
    pub(super) fn signature_missing(detail: impl Into<String>) -> Self {
        Self::unauthenticated("signature_missing", "A signature is needed", detail)
    }

    /// The request's signature is not to be relied on.
    pub(super) fn signature_wrong(detail: impl Into<String>) -> Self {
        Self::unauthenticated("signature_wrong", "The signature does not hold", detail)
    }

    fn unauthenticated(code: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, code, title, detail);
        problem.0.wants_signature = true;
        problem
    }

    /// Who asks is known, and may not read this.
    pub(super) fn not_yours(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_yours", "This belongs to others", detail)
    }

    /// One key reads too much.
    pub(super) fn reader_full() -> Self {
        let detail = "this key has asked too much within a few minutes; ask again soon";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "reader_full", "Too many requests", detail).retry_after(5)
    }

    /// One address has too many connections.
    pub(super) fn visitor_full() -> Self {
        let detail = "this address has too many connections already; close some, or use them again";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "visitor_full", "Too many requests", detail).retry_after(5)
    }

    /// The node cannot answer now.
    pub(super) fn unavailable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "The node cannot answer now", detail).retry_after(1)
    }

    /// The node's disk has too little room.
    pub(super) fn disk_full() -> Self {
        Self::unavailable("disk_full", "the node's disk is nearly full; ask another node, or later").retry_after(30)
    }

    /// A fault of the node. The cause is logged, and not told.
    pub(super) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(%cause, source = cause.source().map(tracing::field::display), "a request failed inside the node");
        let detail = "the node failed to answer; its operator finds the cause in its log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The node failed", detail)
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Adds a field for programs.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.fields.insert(name.to_owned(), value);
        self
    }

    /// The answer as it goes over the wire before anything was asked, in English; the connection ends after it.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let content = &*self.0;
        let (status, text) = (content.status, content.text(content.title, &content.detail, None));
        let retry =
            content.retry_after_seconds.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
        let length = text.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {MEDIA_TYPE}\r\ncache-control: no-store\r\n{retry}connection: close\r\n\
             content-length: {length}\r\n\r\n{text}"
        )
        .into_bytes()
    }

    /// The answer, in English; [`tongue::say`](super::tongue::say) has the last word.
    pub(super) fn into_response(self) -> Response {
        let content = &*self.0;
        let mut response = Response::new(content.text(content.title, &content.detail, None).into());
        *response.status_mut() = content.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = content.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if content.wants_signature {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Signature"));
            headers.insert("accept-signature", HeaderValue::from_static(WANTED));
        }
        if let Some(allow) = content.allow.as_ref().and_then(|methods| HeaderValue::from_str(methods).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response.extensions_mut().insert(self.0);
        response
    }
}

impl Content {
    /// The problem as JSON, in these words.
    fn text(&self, title: &str, detail: &str, note: Option<&str>) -> String {
        let mut body = self.fields.clone();
        body.insert("type".to_owned(), json!(format!("urn:keis:problem:{}", self.code)));
        body.insert("title".to_owned(), json!(title));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(detail));
        body.insert("code".to_owned(), json!(self.code));
        if let Some(note) = note {
            body.insert("note".to_owned(), json!(note));
        }
        Value::Object(body).to_string()
    }

    /// The same in Lithuanian. What is particular to the request stands in English beside, for who wrote the program.
    pub(super) fn in_lithuanian(&self) -> String {
        if self.is_ledgers {
            let detail = lithuanian::of_rule(&self.code).unwrap_or(self.detail.as_str());
            return self.text(lithuanian::NO_EFFECT, detail, Some(&self.detail));
        }
        let (title, detail) = lithuanian::of_gateway(&self.code).unwrap_or((self.title, self.detail.as_str()));
        self.text(title, detail, Some(&self.detail))
    }
}

/// A rejection with its code, words for people, and fields.
pub(super) fn rejection_json(rejection: &Rejection) -> Value {
    let mut value = serde_json::to_value(rejection).expect("a rejection is a plain object");
    value["detail"] = json!(rejection.to_string());
    value
}
