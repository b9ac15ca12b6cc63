//! What may be dialled outside: denied unless both the seat's and a trunk's list allow it.

use hotline_model::SeatId;

use crate::{
    settings::Settings,
    trunks::numbers::{NumberOf, NumberRule, by_rules},
};

/// Shortest number that is called outside, digits. Shorter is a slip of the finger.
const SHORTEST: usize = 3;

/// A number outside that somebody is allowed to call. There is no other way to get one, so that
/// neither REFER nor a redirection leads around the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside(String);

impl Outside {
    /// The number, if `seat` may dial it and some trunk may carry it.
    ///
    /// # Errors
    /// [`Denied`], with what to journal.
    pub fn allowed(settings: &Settings, seat: SeatId, number: &str) -> Result<Self, Denied> {
        let number = plain(number)?;
        let seat = settings.seat(seat);
        if !seat.is_some_and(|seat| begins(&number, &seat.outbound_prefixes)) {
            return Err(Denied::Seat);
        }
        carried(settings, &number)?;
        Ok(Self(number))
    }

    /// The number, if it is one of help and some trunk may carry it: any seat may call it into its
    /// talk.
    ///
    /// # Errors
    /// [`Denied`], with what to journal.
    pub fn emergency(settings: &Settings, number: &str) -> Result<Self, Denied> {
        let mut listed = settings.emergencies.iter();
        if !listed.any(|one| one.number == number) {
            return Err(Denied::NoNumber);
        }
        Self::of_queue(settings, number)
    }

    /// The number, if some trunk may carry it: whoever wrote the configuration sends callers of a
    /// queue there, and not a seat.
    ///
    /// # Errors
    /// [`Denied`], with what to journal.
    pub fn of_queue(settings: &Settings, number: &str) -> Result<Self, Denied> {
        let number = plain(number)?;
        carried(settings, &number)?;
        Ok(Self(number))
    }

    /// The number.
    pub fn number(&self) -> &str {
        &self.0
    }
}

fn plain(number: &str) -> Result<String, Denied> {
    let number = by_rules(number, &NumberRule::usual(), NumberOf::Called);
    let digits = number.strip_prefix('+').unwrap_or(&number);
    if digits.len() < SHORTEST || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Denied::NoNumber);
    }
    Ok(number)
}

fn begins(number: &str, prefixes: &[String]) -> bool {
    let mut prefixes = prefixes.iter().filter(|prefix| !prefix.is_empty());
    prefixes.any(|prefix| number.starts_with(prefix.as_str()))
}

fn carried(settings: &Settings, number: &str) -> Result<(), Denied> {
    let mut trunks = settings.trunks.iter().map(|trunk| &trunk.outbound);
    let carries =
        trunks.any(|outbound| !outbound.targets.is_empty() && begins(number, &outbound.prefixes));
    carries.then_some(()).ok_or(Denied::Trunks)
}

/// Why a number may not be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It is none.
    NoNumber,
    /// The seat may not.
    Seat,
    /// No trunk may.
    Trunks,
}

impl Denied {
    /// The SIP status that says so.
    pub const fn status(self) -> u16 {
        match self {
            Self::NoNumber => 404,
            Self::Seat | Self::Trunks => 403,
        }
    }

    /// In a few words, for the journal.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::NoNumber => "number not served, and none to dial outside",
            Self::Seat => "the seat may not dial this number (outbound_prefixes in seats.toml)",
            Self::Trunks => "no trunk may carry this number (outbound_prefixes in trunks.toml)",
        }
    }
}
