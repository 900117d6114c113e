//! `keis bench`, small: every ratio is there, and every order that was sent is in a block.

use keis_tests::program;
use keis_tests::wait::turn;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bench_tells_every_ratio_of_one_run() {
    let _turn = turn().await;
    let small = ["--orders", "240", "--classes", "30", "--rounds", "2", "--pupils", "4", "--seconds", "1"];
    let said = program::keis(["bench", "--json"].iter().chain(&small)).await.well();
    let told: Value = serde_json::from_str(&said.out).expect("one JSON document");
    assert_eq!(told["format"], 2);
    let ratios = told["ratios"].as_object().expect("ratios");
    assert_eq!(ratios.len(), 7, "{ratios:?}");
    for (name, ratio) in ratios {
        // An export so small may come in one piece: then nothing is told of the orders alone.
        if name == "replay_share_of_verify_limit_in_orders" && ratio.is_null() {
            continue;
        }
        assert!(ratio.as_f64().is_some_and(|ratio| ratio.is_finite() && ratio > 0.0), "{name}: {ratio}");
    }
    for (load, pupils) in [("single", 1.0), ("classes", 20.0)] {
        let one = &told["figures"][load];
        assert_eq!(one["transactions"], 200, "a sixth is kept for the latency");
        let rate = |name: &str| one[name].as_f64().expect("a figure");
        let debits = rate("transactions_per_second") * pupils;
        assert!((rate("debits_per_second") - debits).abs() < debits / 1e6, "{one}");
        assert!(rate("half_load_p50_millis") <= rate("half_load_p99_millis"), "{one}");
    }
}
