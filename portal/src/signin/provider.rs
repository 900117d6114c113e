//! One OpenID Connect provider: authorization code with PKCE (S256), state and nonce, and the token's verification.
//!
//! The library checks signature, issuer, audience, nonce and end; checked here beside it: the list of algorithms, the
//! authorised party, the time of issue and the access token's hash.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keis_registry::users::Claims;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken,
    IdTokenClaims, IdTokenFields, IssuerUrl, LanguageTag, LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
    UserInfoError,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::SetupError;
use super::claims::roles;
use super::pending::Pending;
use crate::session::seconds;
use crate::settings::Oidc;
use crate::words::Lang;

/// How long what a provider says of itself, its keys included, is taken from memory.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// A token with an unknown key makes the portal ask for keys again, no oftener than this.
const KEYS_PAUSE: Duration = Duration::from_secs(10);
/// A provider that did not answer is not asked again before.
const SILENCE: Duration = Duration::from_secs(2);
/// Pauses between the attempts to reach a provider.
const RETRIES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];
/// Longest wait for one answer of a provider.
const PATIENCE: Duration = Duration::from_secs(8);
/// How far the provider's clock may be off.
const SKEW_SECONDS: u64 = 60;
/// Longest text that is taken from a claim.
const LONGEST_TEXT: usize = 200;

type Metadata = ProviderMetadataWithLogout;
type Fields = IdTokenFields<
    Extra,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Token = IdToken<Extra, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Answered = StandardTokenResponse<Fields, CoreTokenType>;
type Client = openidconnect::Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answered,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Claims beyond the standard ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Extra {
    #[serde(flatten)]
    claims: serde_json::Map<String, serde_json::Value>,
}

impl AdditionalClaims for Extra {}

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The answer belongs to no sign-in that waits in this browser.
    Expired,
    /// The person broke it off at the provider.
    Cancelled,
    /// The provider names an error.
    Said(String),
    /// The provider does not answer.
    Unreachable,
    /// What the provider answers does not stand up.
    Unverified,
    /// Nothing that the provider says of the person holds here.
    NoRole(Vec<String>),
    /// An officer shut the person out.
    Disabled,
}

/// What is known of a provider.
#[derive(Default)]
struct Known {
    metadata: Option<(Instant, Arc<Metadata>)>,
    renewed: Option<Instant>,
    failed: Option<Instant>,
}

/// A provider.
pub(super) struct Provider {
    pub(super) settings: Oidc,
    secret: Option<ClientSecret>,
    callback: RedirectUrl,
    signed_out: PostLogoutRedirectUrl,
    http: reqwest::Client,
    known: Mutex<Known>,
}

impl Provider {
    pub(super) fn new(settings: &Oidc, public_url: &Url) -> Result<Self, SetupError> {
        if !is_safe(&settings.issuer, &settings.issuer) {
            return Err(SetupError::Issuer(settings.name.clone()));
        }
        let secret = settings.client_secret_file.as_ref().map(|path| {
            let read = std::fs::read_to_string(path);
            read.map(|text| ClientSecret::new(text.trim().to_owned()))
                .map_err(|source| SetupError::Secret { path: path.clone(), source })
        });
        // The tree enables two providers of rustls, so one must be named; another part of the program may have done it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = http(settings)?;
        let own = |path: String| {
            let mut url = public_url.clone();
            url.set_path(&path);
            url
        };
        Ok(Self {
            settings: settings.clone(),
            secret: secret.transpose()?,
            callback: RedirectUrl::from_url(own(format!("/signin/callback/{}", settings.name))),
            signed_out: PostLogoutRedirectUrl::from_url(own("/signedout".to_owned())),
            http,
            known: Mutex::default(),
        })
    }

    /// Where the browser goes to sign in, and what is kept until it comes back.
    pub(super) async fn begin(&self, next: &str, lang: Lang) -> Result<(Url, Pending), Refusal> {
        let metadata = self.metadata().await?;
        let client = self.client(&metadata);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(self.scopes())
            .add_ui_locale(LanguageTag::new(lang.code().to_owned()))
            .set_pkce_challenge(challenge);
        let (url, state, nonce) = request.url();
        let pending = Pending {
            provider: self.settings.name.clone(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            next: next.to_owned(),
            begun: seconds(),
        };
        Ok((url, pending))
    }

    /// What is asked for; the library asks for `openid` itself.
    fn scopes(&self) -> impl Iterator<Item = Scope> {
        let wanted = self.settings.scopes.iter().filter(|scope| *scope != "openid");
        wanted.map(|scope| Scope::new(scope.clone()))
    }

    /// Whether an answer that names its issuer names this one; one that names none is held to its state alone.
    pub(super) fn is_issuer(&self, named: Option<&str>) -> bool {
        named.is_none_or(|named| candidates(&self.settings.issuer).iter().any(|issuer| issuer.as_str() == named))
    }

    /// Who comes back with a code.
    pub(super) async fn finish(&self, code: String, pending: &Pending) -> Result<Claims, Refusal> {
        let metadata = self.metadata().await?;
        let client = self.client(&metadata);
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|_| self.lacks("a token endpoint"))?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()));
        let answered = request.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::Request(error) => self.silent("the token endpoint", &error),
            RequestTokenError::ServerResponse(_) => self.refused("the code was not taken"),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => self.refused("the answer cannot be read"),
        })?;
        let token = answered.id_token().ok_or_else(|| self.refused("there is no token"))?;
        let access = answered.access_token();
        let claims = match self.verified(&metadata, token, access, pending) {
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let metadata = self.renewed().await?;
                self.verified(&metadata, token, access, pending)
            }
            verified => verified,
        };
        let claims = claims.map_err(|error| self.refused(&error.to_string()))?;
        self.person(&metadata, claims, access.clone()).await
    }

    /// Where the browser ends its sign-in at the provider, too, if there is such a place.
    pub(super) async fn way_out(&self, lang: Lang) -> Option<Url> {
        let metadata = self.metadata().await.ok()?;
        let end = metadata.additional_metadata().end_session_endpoint.clone()?;
        let request = LogoutRequest::from(end)
            .set_client_id(ClientId::new(self.settings.client_id.clone()))
            .set_post_logout_redirect_uri(self.signed_out.clone())
            .add_ui_locale(LanguageTag::new(lang.code().to_owned()));
        Some(request.http_get_url())
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let id = ClientId::new(self.settings.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), id, self.secret.clone());
        let methods = metadata.token_endpoint_auth_methods_supported();
        let basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let auth = if basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        client.set_auth_type(auth).set_redirect_uri(self.callback.clone())
    }

    fn verified(
        &self,
        metadata: &Metadata,
        token: &Token,
        access: &AccessToken,
        pending: &Pending,
    ) -> Result<IdTokenClaims<Extra, CoreGenderClaim>, ClaimsVerificationError> {
        let client = self.client(metadata);
        let (earliest, latest) = (pending.begun.saturating_sub(SKEW_SECONDS), seconds() + SKEW_SECONDS);
        let verifier =
            client.id_token_verifier().set_allowed_algs(algorithms()).set_issue_time_verifier_fn(move |at| {
                let at = u64::try_from(at.timestamp()).unwrap_or_default();
                if (earliest..=latest).contains(&at) { Ok(()) } else { Err("issued at another time".to_owned()) }
            });
        let claims = token.claims(&verifier, &Nonce::new(pending.nonce.clone()))?;
        if claims.authorized_party().is_some_and(|party| party.as_str() != self.settings.client_id) {
            return Err(ClaimsVerificationError::InvalidAudience("the token was made for another".to_owned()));
        }
        if let Some(given) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(ClaimsVerificationError::SignatureVerification)?;
            let key = token.signing_key(&verifier).map_err(ClaimsVerificationError::SignatureVerification)?;
            let hash = AccessTokenHash::from_token(access, algorithm, key);
            if hash.ok().as_ref() != Some(given) {
                return Err(ClaimsVerificationError::Other("the access token is another's".to_owned()));
            }
        }
        Ok(claims.clone())
    }

    /// What the token says of the person; what it leaves out is asked of the provider.
    async fn person(
        &self,
        metadata: &Metadata,
        token: IdTokenClaims<Extra, CoreGenderClaim>,
        access: AccessToken,
    ) -> Result<Claims, Refusal> {
        let claim = self.settings.roles_claim.as_str();
        let mut found = token.additional_claims().claims.get(claim).cloned();
        let mut name = token.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        let mut email = token.email().filter(|_| token.email_verified() != Some(false)).map(|email| email.to_string());
        if (found.is_none() || name.is_none()) && metadata.userinfo_endpoint().is_some() {
            let more = self.asked(metadata, &token, access).await?;
            found = found.or_else(|| more.additional_claims().claims.get(claim).cloned());
            name = name.or_else(|| more.name().and_then(|name| name.get(None)).map(|name| name.to_string()));
            let verified = more.email().filter(|_| more.email_verified() != Some(false));
            email = email.or_else(|| verified.map(|email| email.to_string()));
        }
        let subject = token.subject().to_string();
        Ok(Claims {
            issuer: token.issuer().to_string(),
            name: shortened(name.unwrap_or_else(|| subject.clone())),
            email: email.map(shortened),
            roles: roles(found.as_ref()),
            subject,
        })
    }

    async fn asked(
        &self,
        metadata: &Metadata,
        token: &IdTokenClaims<Extra, CoreGenderClaim>,
        access: AccessToken,
    ) -> Result<UserInfoClaims<Extra, CoreGenderClaim>, Refusal> {
        let client = self.client(metadata);
        let request = client.user_info(access, Some(token.subject().clone())).map_err(|_| self.lacks("user info"))?;
        request.request_async(&self.http).await.map_err(|error| {
            if let UserInfoError::Request(error) = &error {
                return self.silent("the user info endpoint", error);
            }
            // The text of what does not fit may quote what is personal.
            self.refused("the user info cannot be used")
        })
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, Refusal> {
        let mut known = self.known.lock().await;
        if let Some((read, metadata)) = &known.metadata
            && read.elapsed() < FRESH
        {
            return Ok(metadata.clone());
        }
        let old = known.metadata.as_ref().map(|(_, metadata)| metadata.clone());
        match (self.discover(&mut known).await, old) {
            (Err(Refusal::Unreachable), Some(old)) => Ok(old),
            (found, _) => found,
        }
    }

    /// The provider's keys as they are now: it may have changed them.
    async fn renewed(&self) -> Result<Arc<Metadata>, Refusal> {
        let mut known = self.known.lock().await;
        if let (Some(renewed), Some((_, metadata))) = (known.renewed, &known.metadata)
            && renewed.elapsed() < KEYS_PAUSE
        {
            return Ok(metadata.clone());
        }
        known.renewed = Some(Instant::now());
        self.discover(&mut known).await
    }

    async fn discover(&self, known: &mut Known) -> Result<Arc<Metadata>, Refusal> {
        if known.failed.is_some_and(|failed| failed.elapsed() < SILENCE) {
            return Err(Refusal::Unreachable);
        }
        let mut cause = None;
        for pause in RETRIES.into_iter().map(Some).chain([None]) {
            for issuer in candidates(&self.settings.issuer) {
                match Metadata::discover_async(issuer, &self.http).await {
                    Ok(metadata) => {
                        let metadata = Arc::new(self.checked(metadata)?);
                        known.metadata = Some((Instant::now(), metadata.clone()));
                        known.failed = None;
                        return Ok(metadata);
                    }
                    Err(error) => cause = Some(error),
                }
            }
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
        known.failed = Some(Instant::now());
        Err(cause.map_or(Refusal::Unreachable, |cause| self.silent("discovery", &cause)))
    }

    fn checked(&self, metadata: Metadata) -> Result<Metadata, Refusal> {
        let token = metadata.token_endpoint().ok_or_else(|| self.lacks("a token endpoint"))?.url();
        let others = metadata.userinfo_endpoint().map(|endpoint| endpoint.url());
        let end = metadata.additional_metadata().end_session_endpoint.as_ref().map(|endpoint| endpoint.url());
        let named = [metadata.authorization_endpoint().url(), token, metadata.jwks_uri().url()];
        let all = named.into_iter().chain(others).chain(end);
        if all.into_iter().all(|url| is_safe(url, &self.settings.issuer)) {
            Ok(metadata)
        } else {
            Err(self.refused("an endpoint is not https"))
        }
    }

    fn silent(&self, what: &str, error: &(dyn std::error::Error + 'static)) -> Refusal {
        tracing::warn!(provider = self.settings.name, what, error, "an identity provider does not answer");
        Refusal::Unreachable
    }

    fn lacks(&self, what: &str) -> Refusal {
        tracing::error!(provider = self.settings.name, what, "an identity provider lacks what signing in needs");
        Refusal::Unverified
    }

    fn refused(&self, reason: &str) -> Refusal {
        tracing::warn!(provider = self.settings.name, reason, "an identity provider's answer was refused");
        Refusal::Unverified
    }
}

/// The way to a provider's addresses, and whom it trusts to vouch for them.
fn http(settings: &Oidc) -> Result<reqwest::Client, SetupError> {
    // A redirect could make the portal ask addresses that are its own business.
    let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    if let Some(path) = &settings.authority_file {
        let pem = std::fs::read(path).map_err(|source| SetupError::Authority { path: path.clone(), source })?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if certificates.is_empty() {
            return Err(SetupError::NoCertificate { path: path.clone() });
        }
        http = http.tls_built_in_root_certs(false);
        for certificate in certificates {
            http = http.add_root_certificate(certificate);
        }
    }
    http.build().map_err(|source| match &settings.authority_file {
        Some(path) => SetupError::NoCertificate { path: path.clone() },
        None => SetupError::Http(source),
    })
}

/// Signatures that anybody can make whom the key is shown to, and none at all, are not among them.
fn algorithms() -> Vec<CoreJwsSigningAlgorithm> {
    use CoreJwsSigningAlgorithm as Algorithm;
    vec![
        Algorithm::RsaSsaPkcs1V15Sha256,
        Algorithm::RsaSsaPkcs1V15Sha384,
        Algorithm::RsaSsaPkcs1V15Sha512,
        Algorithm::RsaSsaPssSha256,
        Algorithm::RsaSsaPssSha384,
        Algorithm::RsaSsaPssSha512,
        Algorithm::EcdsaP256Sha256,
        Algorithm::EcdsaP384Sha384,
        Algorithm::EdDsa,
    ]
}

/// Issuers are compared letter by letter, and an address without a path is written with and without its slash.
fn candidates(issuer: &Url) -> Vec<IssuerUrl> {
    let text = issuer.as_str();
    let bare = text.strip_suffix('/').filter(|_| issuer.path() == "/");
    let texts = bare.into_iter().chain([text]);
    texts.filter_map(|text| IssuerUrl::new(text.to_owned()).ok()).collect()
}

/// Whether tokens may travel there: by HTTPS, or within this machine when the issuer is there.
fn is_safe(url: &Url, issuer: &Url) -> bool {
    let is_here = |url: &Url| match url.host() {
        Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => true,
        "http" => is_here(url) && is_here(issuer),
        _ => false,
    }
}

fn shortened(text: String) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn tokens_travel_by_https_or_within_the_machine() {
        let (far, here) = (url("https://login.example"), url("http://127.0.0.1:8000"));
        assert!(is_safe(&url("https://login.example/token"), &far));
        assert!(is_safe(&url("http://127.0.0.1:8000/token"), &here));
        assert!(is_safe(&url("http://[::1]:8000/token"), &here));
        for unsafe_one in ["http://login.example/token", "http://127.0.0.1:8000/token", "ftp://login.example"] {
            assert!(!is_safe(&url(unsafe_one), &far), "{unsafe_one}");
        }
        assert!(!is_safe(&url("http://login.example/token"), &here));
    }

    #[test]
    fn an_issuer_without_a_path_is_known_with_and_without_its_slash() {
        let texts = |text: &str| candidates(&url(text)).iter().map(|issuer| issuer.to_string()).collect::<Vec<_>>();
        assert_eq!(texts("https://login.example"), ["https://login.example", "https://login.example/"]);
        assert_eq!(texts("https://login.example/realm/"), ["https://login.example/realm/"]);
    }

    #[test]
    fn no_algorithm_is_allowed_that_shares_its_key() {
        use openidconnect::JwsSigningAlgorithm;
        assert!(algorithms().iter().all(|algorithm| !algorithm.uses_shared_secret()));
    }
}
