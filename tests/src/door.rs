//! The public door as anybody may knock at it, without the wallet's client.

/// A client of HTTP.
pub fn http() -> reqwest::Client {
    // The tree enables two providers of rustls, so one must be named; another part of the program may have done it.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().expect("a client can be made on this machine")
}
