//! Signatures of reads (RFC 9421): who asks, what, of which gateway, when, and only once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keis_ledger::crypto::SecretKey;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Request, Url};
use sfv::{DictSerializer, KeyRef, StringRef, key_ref, string_ref};

use crate::random::random_bytes;

const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
/// Name of the signature within the message, and what it is for.
const LABEL: &KeyRef = key_ref("keis");
const TAG: &StringRef = string_ref("keis");
/// How long a signature holds, beyond the minute that clocks may differ.
const LIFE: Duration = Duration::from_secs(30);

/// Signs a request without a body, as it stands, for one use now.
pub(super) fn sign(request: &mut Request, key: &SecretKey) {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nonce = hex::encode(random_bytes::<16>());
    let components = components(request.method().as_str(), request.url());
    let input = input(&components, created, &nonce, &key.public().to_string());
    let (_, parameters) = input.split_once('=').expect("a dictionary's member has its label and `=`");
    let mut base: String = components.iter().map(|(name, value)| format!("\"{}\": {value}\n", name.as_str())).collect();
    base.push_str(&format!("\"@signature-params\": {parameters}"));

    let mut signature = DictSerializer::new();
    let _ = signature.bare_item(LABEL, key.sign(base.as_bytes()).0.as_slice());
    let signature = signature.finish().expect("it has one member");
    for (name, value) in [(SIGNATURE_INPUT, input), (SIGNATURE, signature)] {
        let value = HeaderValue::from_str(&value).expect("structured fields are visible ASCII");
        request.headers_mut().insert(name, value);
    }
}

/// What is covered, in the order of the base's lines.
fn components(method: &str, url: &Url) -> [(&'static StringRef, String); 4] {
    let host = url.host_str().unwrap_or_default();
    // A scheme's usual port is in neither the address nor the header `Host`.
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    [
        (string_ref("@method"), method.to_owned()),
        (string_ref("@authority"), authority),
        (string_ref("@path"), url.path().to_owned()),
        (string_ref("@query"), format!("?{}", url.query().unwrap_or_default())),
    ]
}

fn input(components: &[(&StringRef, String)], created: Duration, nonce: &str, key: &str) -> String {
    let text = |text| StringRef::from_str(text).expect("hexadecimal digits and prefixes are visible ASCII");
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or_default().clamp(0, 999_999_999_999);
    let instant = |time| sfv::Integer::try_from(seconds(time)).expect("twelve digits are below the fifteen of a field");
    let mut input = DictSerializer::new();
    let mut covered = input.inner_list(LABEL);
    for (name, _) in components {
        let _ = covered.bare_item(*name);
    }
    let _ = covered
        .finish()
        .parameter(key_ref("created"), instant(created))
        .parameter(key_ref("expires"), instant(created + LIFE))
        .parameter(key_ref("nonce"), text(nonce))
        .parameter(key_ref("keyid"), text(key))
        .parameter(key_ref("alg"), string_ref("ed25519"))
        .parameter(key_ref("tag"), TAG);
    input.finish().expect("it has one member")
}
