//! A provider whose certificate comes from an authority of its own, and what is asked of it.

use std::path::{Path, PathBuf};

use crate::support::lying::{Liar, NAME, begin, come_back};
use crate::support::{SiteOptions, TestSite, start};
use keis_portal::settings::Oidc;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;

const START: &str = "/signin/oidc/lying";

/// An authority of one institution.
struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { certificate: params.self_signed(&key).expect("a certificate"), key }
    }

    fn vouches_for(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        (params.signed_by(&key, &self.certificate, &self.key).expect("a certificate"), key)
    }

    fn file(&self, folder: &Path) -> PathBuf {
        let path = folder.join("authority.pem");
        std::fs::write(&path, self.certificate.pem()).expect("a file");
        path
    }
}

async fn provider(authority: &Authority, name: &str) -> Liar {
    drop(rustls::crypto::ring::default_provider().install_default());
    let (certificate, key) = authority.vouches_for(name);
    Liar::start_tls(&certificate, &key).await
}

async fn site(oidc: Oidc) -> TestSite {
    start(SiteOptions { oidc: vec![oidc], people: Vec::new(), ..SiteOptions::default() }).await
}

async fn asked(oidc: Oidc) -> String {
    let site = site(oidc).await;
    let begun = begin(&site.browser(), START).await;
    let scope = begun.url.query_pairs().find(|(key, _)| key == "scope").expect("a scope").1.into_owned();
    site.shutdown().await;
    scope
}

#[tokio::test]
async fn the_scopes_of_the_settings_are_asked_for() {
    let (liar, folder) = (Liar::start().await, TempDir::new().expect("a folder"));
    let usual = liar.settings(folder.path());
    assert_eq!(asked(usual.clone()).await, "openid profile email");
    let scopes = ["openid", "keis:roles", "offline_access"].map(str::to_owned).to_vec();
    assert_eq!(asked(Oidc { scopes, ..usual.clone() }).await, "openid keis:roles offline_access");
    assert_eq!(asked(Oidc { scopes: Vec::new(), ..usual }).await, "openid");
}

#[tokio::test]
async fn somebody_signs_in_at_a_provider_whose_own_authority_is_named() {
    let (authority, folder) = (Authority::new(), TempDir::new().expect("a folder"));
    let liar = provider(&authority, "localhost").await;
    let oidc = Oidc { authority_file: Some(authority.file(folder.path())), ..liar.settings(folder.path()) };
    let site = site(oidc).await;
    let browser = site.browser();
    let begun = begin(&browser, START).await;
    assert!(begun.url.as_str().starts_with(&liar.issuer), "{}", begun.url);
    liar.give_claims(&liar.claims(&begun));
    let page = come_back(&browser, &begun.state).await;
    assert_eq!((page.status, page.header("location")), (303, "/school"), "{NAME}: {}", page.text);
    site.shutdown().await;
}

/// Nobody's certificate, another authority's, and one for another name.
#[tokio::test]
async fn a_provider_for_whom_nobody_vouches_is_not_asked() {
    let (authority, other) = (Authority::new(), Authority::new());
    let folder = TempDir::new().expect("a folder");
    let file = authority.file(folder.path());
    for (case, liar, named) in [
        ("no authority is named", provider(&authority, "localhost").await, None),
        ("another authority", provider(&other, "localhost").await, Some(file.clone())),
        ("another name", provider(&authority, "login.example").await, Some(file)),
    ] {
        let site = site(Oidc { authority_file: named, ..liar.settings(folder.path()) }).await;
        let page = site.browser().get(START).await;
        assert_eq!(page.status, 503, "{case}: {}", page.text);
        assert_eq!(liar.script().fetched, 0, "{case}");
        site.shutdown().await;
    }
}
