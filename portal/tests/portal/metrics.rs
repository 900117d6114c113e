//! What the portal tells whoever watches over it: at an address of its own, counts and states alone.

use keis_portal::settings::Tls;

use crate::support::{SiteOptions, reserve, start};

/// Begins every name that is told.
const TOLD: [&str; 9] = [
    "keis_portal_registry_up 1",
    "keis_portal_gateway_up 1",
    "keis_portal_catalogue_ready ",
    "keis_portal_certificate_expires_timestamp_seconds 1900000000",
    "keis_outbox_rows{state=\"refused\"} 0",
    "keis_outbox_oldest_seconds 0",
    "keis_dispatch_documents{state=\"dead\"} 0",
    "keis_dispatch_documents{state=\"given_up\"} 0",
    "keis_dispatch_answers_aside 0",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_told_at_their_own_address_and_nowhere_else() {
    let mut parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    parameters.not_after =
        std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(1_900_000_000)).expect("a time").into();
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let tls = Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&tls.certificate, certificate.pem()).expect("a file");
    std::fs::write(&tls.key, key.serialize_pem()).expect("a file");
    let address = reserve();
    let site = start(SiteOptions { tls: Some(tls), metrics: Some(address), ..SiteOptions::default() }).await;
    let http = reqwest::Client::builder().no_proxy().danger_accept_invalid_certs(true).build().expect("a client");
    let answer = http.get(format!("http://{address}/metrics")).send().await.expect("it answers");
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.expect("a text");
    for told in TOLD {
        assert!(text.lines().any(|line| line.starts_with(told)), "{told} is not in\n{text}");
    }
    assert_eq!(http.get(format!("http://{address}/")).send().await.expect("it answers").status(), 404);
    let page = http.get(format!("{}/metrics", site.url)).send().await.expect("the portal answers");
    assert_eq!(page.status(), 404, "visitors see numbers");
    site.shutdown().await;
}
