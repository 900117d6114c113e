//! Times that were measured, as figures.

use std::time::Duration;

/// The time within which so many percent of these were done.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1).expect("something was measured");
    sorted[(sorted.len() * percent / 100).min(last)]
}

/// Median and 99th percentile, as figures are written.
pub fn told(times: &[Duration]) -> String {
    let [half, most] = [50, 99].map(|percent| percentile(times, percent).as_millis());
    format!("p50 {half} ms, p99 {most} ms of {}", times.len())
}
