//! The fixed figures of distribution, each with its reason.

use core::time::Duration;

use hotline_model::Instant;

/// The rules of distribution, as a number: one more with each change after which the same words give
/// another decision, or another reason in words, and with each key of the floor's settings that older
/// releases did not write. Journals of another number are not replayed; `tests/replay.rs` notices
/// who forgets.
pub const DECISIONS: u32 = 1;

/// From the offer until the seat's phone must ring or answer. Over UDP that is five transmissions
/// of the INVITE (RFC 3261 §17.1.1.2: at 0, 0.5, 1.5, 3.5 and 7.5 s) less the last: a phone that is
/// silent for so long is not there, and the caller goes on to another seat.
pub const RING_WITHIN: Duration = Duration::from_secs(5);

/// A seat that refused a call is left alone for so long, so that the caller does not ring the only
/// agent in a loop (amazon-connect-streams#292).
pub const REFUSED_BACK_OFF: Duration = Duration::from_secs(10);

/// After so many refusals in a row the seat is not ready ([`Reason::Refused`]): whoever refuses
/// three callers is not at work.
///
/// [`Reason::Refused`]: hotline_model::seat::Reason::Refused
pub const REFUSALS_IN_A_ROW: u8 = 3;

/// A seat whose phone could not be reached is left alone for so long; doubled each time in a row,
/// up to [`UNREACHABLE_BACK_OFF_CAP`]. A new registration clears it.
pub const UNREACHABLE_BACK_OFF: Duration = Duration::from_secs(10);

/// Longest back-off of an unreachable seat.
pub const UNREACHABLE_BACK_OFF_CAP: Duration = Duration::from_secs(80);

/// Seats that a call remembers as having declined it (refused, unanswered, unreachable). When full
/// the oldest is forgotten: after so many the caller has met every seat worth trying.
pub const DECLINED_PER_CALL: usize = 16;

/// Cause of a refusal: as many callers wait as the queue holds.
pub const QUEUE_FULL: &str = "queue full";

/// Cause of a refusal: no queue of that name.
pub const QUEUE_UNKNOWN: &str = "queue unknown";

/// The floor's clock stops here, after 292 years: half of what an [`Instant`] holds, so that every
/// deadline lies ahead of the present and no turn goes on for ever, whatever the shell says.
pub const LAST_INSTANT: Instant = Instant::from_start(Duration::from_nanos(1 << 63));

/// Where seats are chosen by occupancy: work so long ago counts half. As long as one slot of a
/// shift plan, so that a hard morning is forgotten by noon and a long talk is not at once.
pub const OCCUPANCY_HALF_LIFE: Duration = Duration::from_secs(1_800);

/// Longest wait that a step of priority may count like: a day; more is no ageing to a caller.
pub const AGEING_LONGEST: Duration = Duration::from_secs(86_400);

/// Callers of a queue that the settings name no more, and that nobody signed in serves any more,
/// are let go after so long: a phone that lost its registration has come back by then.
pub const CLOSED_UNSERVED: Duration = Duration::from_secs(60);

/// How often the waits that callers may expect are looked at where a queue sends away those whose
/// is too long: often enough beside a wait of minutes, and rarely beside the turns of a floor.
pub const EXPECTED_WAIT_EVERY: Duration = Duration::from_secs(5);

/// Callers of the last quarter of an hour below which nothing is forecast: fewer say nothing about
/// the next.
pub const FORECAST_KNOWN_AFTER: u64 = 5;

/// Time since the start below which nothing is forecast.
pub const FORECAST_NEEDS: Duration = Duration::from_secs(120);

/// The rate of arrivals is that of the shortest of these times in which so many callers came, so
/// that a surge is seen within minutes and a quiet night is not taken for one; else of the last.
pub const RATE_WINDOWS: [Duration; 4] = [
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
    Duration::from_secs(900),
];

/// Callers that make a rate; see [`RATE_WINDOWS`]. Chance moves it by an eighth.
pub const RATE_KNOWN_AFTER: u64 = 60;

/// How long callers usually wait before they give up, where few did lately (our default).
pub const USUAL_PATIENCE: Duration = Duration::from_secs(90);

/// The usual patience counts like so many callers who gave up.
pub const USUAL_PATIENCE_WEIGHS: u8 = 5;

/// How often each queue's next quarter of an hour is forecast.
pub const FORECAST_EVERY: Duration = Duration::from_secs(15);

/// A forecast misses its target for so long before it is an alert.
pub const ALERT_AFTER: Duration = Duration::from_secs(30);

/// A forecast reaches its target for so long before an alert is over.
pub const ALERT_OVER_AFTER: Duration = Duration::from_secs(180);

/// Callers may come by chance: an alert is raised where the target is missed even with so many
/// standard deviations (of a Poisson number) fewer of them.
pub const ALERT_DEVIATIONS: f64 = 3.0;

/// Calls whose handling was seen before a wait is estimated: fewer say nothing about the next.
pub const PACE_KNOWN_AFTER: u32 = 5;
