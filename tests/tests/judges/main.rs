//! Outside judges of the two doors: schemathesis over the JSON of gateway and portal, sslyze over the portal's TLS, hostile
//! values in every form. `KEIS_ROUNDS=N` makes schemathesis ask N times as much.

mod forms;
mod html;
mod schemathesis;
mod tls;

use std::path::{Path, PathBuf};

use keis_tests::house::House;
use keis_tests::wait::turn;

/// Pupils of the sample: two schools.
const PUPILS: usize = 600;

/// Where `tests/judges/prepare.sh` puts the judges' programs.
fn program(name: &str) -> PathBuf {
    let path = judges().join("venv/bin").join(name);
    assert!(path.exists(), "{} is missing: run sh tests/judges/prepare.sh", path.display());
    path
}

/// The folder of the judges' settings.
fn judges() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("judges")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_is_as_it_is_described() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    schemathesis::gateway(&house).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_portal_withstands_its_judges() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    schemathesis::portal(&house).await;
    tls::intermediate(&house).await;
    forms::probe(&house).await;
    house.close().await;
}
