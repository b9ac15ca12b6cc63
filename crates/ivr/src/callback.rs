//! A step that offers to call back (回呼): whoever takes it hangs up and keeps the place in line.

use core::time::Duration;

use hotline_model::{QueueId, limits::CALLBACK_KEPT_MIN};
use toml::Spanned;

use crate::{
    fields::Fields,
    program::{Act, StepIndex},
    step::{Reader, stand_in},
};

/// Settings of such a step beside `callback`.
pub(crate) const CALLBACK_SETTINGS: [&str; 6] = [
    "then",
    "else",
    "no-number",
    "attempts",
    "retry-seconds",
    "keep-minutes",
];

/// How often the caller is called where the script names no number.
const USUAL_ATTEMPTS: u8 = 3;

/// From an attempt that reached nobody to the next where the script names no time, seconds.
const USUAL_RETRY_S: u16 = 600;

/// How long the caller stands in line at most where the script names no time, minutes.
const USUAL_KEEP_MIN: u16 = 240;

/// What a step offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Where a caller stands who has not waited in any queue before.
    pub queue: QueueId,
    /// How often the caller is called at most, 1 or more.
    pub attempts: u8,
    /// From an attempt that reached nobody to when the caller's place counts again.
    pub retry_after: Duration,
    /// How long the caller stands in line at most.
    pub keep: Duration,
}

/// What becomes of an offer that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booked {
    /// The caller is called back.
    Taken,
    /// The caller is not.
    Refused,
    /// The caller is not, for want of a number that can be called: withheld, unknown, or one that may
    /// not be dialled. Another one may be typed.
    NoNumber,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ways {
    pub taken: StepIndex,
    pub otherwise: StepIndex,
    pub no_number: StepIndex,
}

impl Ways {
    pub(crate) const fn after(&self, booked: Booked) -> StepIndex {
        match booked {
            Booked::Taken => self.taken,
            Booked::Refused => self.otherwise,
            Booked::NoNumber => self.no_number,
        }
    }
}

pub(crate) fn read(reader: &mut Reader<'_>, step: &Spanned<&str>, fields: &mut Fields<'_>) -> Act {
    let queue = reader.queue_in(fields, "callback");
    let attempts = fields.number("attempts", &(1..=9), reader.faults);
    let retry = fields.number("retry-seconds", &(10..=7_200), reader.faults);
    let keep = fields.number("keep-minutes", &(1..=CALLBACK_KEPT_MIN), reader.faults);
    let taken = reader.required_target(fields, "then", step);
    let otherwise = reader.required_target(fields, "else", step);
    let ways = Ways {
        taken,
        otherwise,
        no_number: reader.target_in(fields, "no-number").unwrap_or(otherwise),
    };
    let Some(queue) = queue else {
        return stand_in();
    };
    let offer = Offer {
        queue,
        attempts: attempts.unwrap_or(USUAL_ATTEMPTS),
        retry_after: Duration::from_secs(retry.unwrap_or(USUAL_RETRY_S).into()),
        keep: Duration::from_secs(60 * u64::from(keep.unwrap_or(USUAL_KEEP_MIN))),
    };
    Act::Callback { offer, ways }
}
