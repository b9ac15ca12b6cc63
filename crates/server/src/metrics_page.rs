//! What is measured while the engine runs, for the metrics page.

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// From the turn in which a seat was found for a caller who waited (the turn that learned that the
/// seat is free) to its phone's INVITE in the hands of the socket, seconds.
pub const READY_TO_INVITE: &str = "hotline_ready_to_invite_seconds";

/// Upper bounds of its buckets, seconds: fine below the millisecond aimed at, wide above.
const READY_TO_INVITE_S: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_15, 0.000_2, 0.000_3, 0.000_4, 0.000_5, 0.000_75, 0.001, 0.001_5,
    0.002, 0.003, 0.005, 0.01, 0.05, 0.5,
];

/// How often what was measured goes into its buckets; until then each value is kept.
const SORTED_EVERY: Duration = Duration::from_secs(5);

/// Begins to measure.
///
/// # Errors
/// When something measures already.
pub fn begin() -> Result<PrometheusHandle, BuildError> {
    let whole = Matcher::Full(READY_TO_INVITE.to_owned());
    let page = PrometheusBuilder::new()
        .set_buckets_for_metric(whole, &READY_TO_INVITE_S)?
        .install_recorder()?;
    metrics::describe_histogram!(
        READY_TO_INVITE,
        metrics::Unit::Seconds,
        "From a seat found for a waiting caller to its INVITE at the socket"
    );
    let sorted = page.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SORTED_EVERY).await;
            sorted.run_upkeep();
        }
    });
    Ok(page)
}
