//! An identity provider that says whatever a test makes it say.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use keis_portal::settings::Oidc;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreHmacKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;
use warp::Filter;
use warp::http::StatusCode;

use super::{Browser, Page, SCHOOL};

/// Its name at the portal.
pub const NAME: &str = "lying";
/// The portal's name at it.
pub const CLIENT: &str = "keis";
/// The portal's secret at it.
pub const SECRET: &str = "a secret of this test alone";

/// A signing key.
pub struct Key {
    signing: CoreEdDsaPrivateSigningKey,
}

impl Key {
    pub fn new(id: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let id = JsonWebKeyId::new(id.to_owned());
        let signing = CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pair.serialize_pem(), Some(id)).expect("a key");
        Self { signing }
    }

    pub fn public(&self) -> Value {
        serde_json::to_value(self.signing.as_verification_key()).expect("a key is JSON")
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        self.signing.sign(&CoreJwsSigningAlgorithm::EdDsa, message.as_bytes()).expect("a signature")
    }
}

/// How a token is signed.
pub enum Seal<'a> {
    By(&'a Key),
    Shared(Vec<u8>),
    Nothing,
}

/// A token of any form.
pub fn token(header: &Value, payload: &Value, seal: &Seal<'_>) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(payload));
    let signature = match seal {
        Seal::By(key) => key.sign(&message),
        Seal::Shared(secret) => {
            let key = CoreHmacKey::new(secret.clone());
            key.sign(&CoreJwsSigningAlgorithm::HmacSha256, message.as_bytes()).expect("a signature")
        }
        Seal::Nothing => Vec::new(),
    };
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// What the provider answers at present.
#[derive(Default)]
pub struct Script {
    /// Its keys.
    pub keys: Vec<Value>,
    /// Status and answer of its token endpoint.
    pub answer: (u16, Value),
    /// Status and answer of its user info endpoint.
    pub person: (u16, Value),
    /// Forms that its token endpoint was sent.
    pub asked: Vec<Vec<(String, String)>>,
    /// How often its keys were fetched.
    pub fetched: usize,
    /// Changes of what it says of itself.
    pub metadata: Value,
}

/// The provider.
pub struct Liar {
    pub issuer: String,
    pub key: Key,
    pub script: Arc<Mutex<Script>>,
}

impl Liar {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let issuer = format!("http://{}", listener.local_addr().expect("it has an address"));
        Self::serve(listener, issuer)
    }

    /// One that speaks HTTPS, with this certificate.
    pub async fn start_tls(certificate: &rcgen::Certificate, key: &rcgen::KeyPair) -> Self {
        let plain = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let issuer = format!("https://localhost:{}", listener.local_addr().expect("it has an address").port());
        let behind = plain.local_addr().expect("it has an address");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], key).expect("they belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not trust the certificate breaks off here.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut inner = TcpStream::connect(behind).await.expect("the provider listens");
                    drop(tokio::io::copy_bidirectional(&mut stream, &mut inner).await);
                });
            }
        });
        Self::serve(plain, issuer)
    }

    fn serve(listener: TcpListener, issuer: String) -> Self {
        let key = Key::new("first");
        let script = Script { keys: vec![key.public()], answer: (500, json!({})), ..Script::default() };
        let script = Arc::new(Mutex::new(script));
        let (own, shared) = (issuer.clone(), script.clone());
        let metadata = warp::path!(".well-known" / "openid-configuration").map(move || {
            let script = shared.lock().expect("no test panics with it");
            warp::reply::json(&metadata(&own, &script.metadata))
        });
        let shared = script.clone();
        let keys = warp::path!("keys").map(move || {
            let mut script = shared.lock().expect("no test panics with it");
            script.fetched += 1;
            warp::reply::json(&json!({ "keys": script.keys }))
        });
        let shared = script.clone();
        let answer = warp::path!("token").and(warp::body::bytes()).map(move |body: Bytes| {
            let mut script = shared.lock().expect("no test panics with it");
            script.asked.push(url::form_urlencoded::parse(&body).into_owned().collect());
            reply(&script.answer)
        });
        let shared = script.clone();
        let person = warp::path!("me").map(move || reply(&shared.lock().expect("no test panics with it").person));
        let routes = metadata.or(keys).or(answer).or(person);
        tokio::spawn(warp::serve(routes).incoming(listener).run());
        Self { issuer, key, script }
    }

    pub fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().expect("no test panics with it")
    }

    /// Settings for a portal, with the secret in a file.
    pub fn settings(&self, folder: &std::path::Path) -> Oidc {
        let file = folder.join("secret");
        std::fs::write(&file, format!("{SECRET}\n")).expect("a file");
        Oidc {
            name: NAME.to_owned(),
            label: "Melagių katalogas".to_owned(),
            issuer: self.issuer.parse().expect("an address"),
            client_id: CLIENT.to_owned(),
            client_secret_file: Some(file),
            roles_claim: "keis_roles".to_owned(),
            scopes: Oidc::standard_scopes(),
            authority_file: None,
        }
    }

    /// What an honest provider would sign.
    pub fn claims(&self, begun: &Begun) -> Value {
        let now = now();
        json!({
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "7d1c",
            "exp": now + 300,
            "iat": now,
            "nonce": begun.nonce,
            "name": "Ona Kazlauskienė",
            "keis_roles": [{ "role": "coordinator", "body": SCHOOL }],
        })
    }

    /// The header of an honest token.
    pub fn header() -> Value {
        json!({ "alg": "EdDSA", "kid": "first", "typ": "JWT" })
    }

    /// The token endpoint answers with this token from now on.
    pub fn give(&self, token: &str) {
        let answer = json!({ "access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token });
        self.script().answer = (200, answer);
    }

    /// The token endpoint answers with an honest token of these claims from now on.
    pub fn give_claims(&self, claims: &Value) {
        self.give(&token(&Self::header(), claims, &Seal::By(&self.key)));
    }
}

fn metadata(issuer: &str, changes: &Value) -> Value {
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    });
    let fields = metadata.as_object_mut().expect("an object");
    fields.extend(changes.as_object().cloned().unwrap_or_default());
    metadata
}

fn reply((status, value): &(u16, Value)) -> impl warp::Reply + use<> {
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    warp::reply::with_status(warp::reply::json(value), status)
}

pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("the clock is past 1970").as_secs()
}

/// A sign-in under way: what the portal sent the browser off with.
#[derive(Debug, Clone)]
pub struct Begun {
    pub url: Url,
    pub state: String,
    pub nonce: String,
    pub challenge: String,
}

/// Begins a sign-in.
pub async fn begin(browser: &Browser, path: &str) -> Begun {
    let page = browser.get(path).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let url = page.location();
    let value = |name: &str| {
        let found = url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        found.unwrap_or_else(|| panic!("{name} is missing from {url}"))
    };
    let (state, nonce, challenge) = (value("state"), value("nonce"), value("code_challenge"));
    assert_eq!(value("code_challenge_method"), "S256");
    assert_eq!(value("response_type"), "code");
    Begun { url, state, nonce, challenge }
}

/// Comes back from the provider with a code.
pub async fn come_back(browser: &Browser, state: &str) -> Page {
    browser.get(&format!("/signin/callback/{NAME}?code=code&state={state}")).await
}
