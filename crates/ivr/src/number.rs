//! A step that takes a telephone number by keys: typed until `#`, read back digit by digit, and good
//! once the caller confirms it.

use core::time::Duration;

use toml::Spanned;

use crate::{
    fields::Fields,
    program::{Act, Said, StepIndex},
    step::Reader,
};

/// Settings of such a step beside `type-number`.
pub(crate) const NUMBER_SETTINGS: [&str; 6] = [
    "say-read",
    "say-confirm",
    "say-wrong",
    "wait-seconds",
    "tries",
    "else",
];

/// From one key to the next, and from the question to the answer, where the script names no time,
/// seconds.
const USUAL_WAIT_S: u8 = 8;

/// Numbers typed until the script goes on without one, where the script names none.
const USUAL_TRIES: u8 = 3;

/// Digits kept of what somebody types: one more than any number has, so that too long a number is
/// not taken for its beginning.
pub(crate) const TYPED_DIGITS: usize = 13;

/// The key that ends a number, the key that begins it anew, and the key that confirms it.
pub(crate) const ENDS: char = '#';
pub(crate) const ANEW: char = '*';
pub(crate) const CONFIRMS: char = '1';

/// What is said of a number that was typed, and how often it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Before its digits.
    pub read: Vec<Said>,
    /// After them: which key confirms.
    pub confirm: Vec<Said>,
    /// Before it is asked for again, where it was none.
    pub wrong: Vec<Said>,
    pub wait: Duration,
    pub tries: u8,
    pub then: StepIndex,
    pub otherwise: StepIndex,
}

impl Entry {
    pub(crate) fn said(&self) -> impl Iterator<Item = &Said> {
        self.read.iter().chain(&self.confirm).chain(&self.wrong)
    }
}

pub(crate) fn read(reader: &mut Reader<'_>, step: &Spanned<&str>, fields: &mut Fields<'_>) -> Act {
    let wait = fields.number("wait-seconds", &(1..=60), reader.faults);
    let tries = fields.number("tries", &(1..=5), reader.faults);
    Act::Number(Entry {
        read: reader.said(fields, "say-read"),
        confirm: reader.said(fields, "say-confirm"),
        wrong: reader.said(fields, "say-wrong"),
        wait: Duration::from_secs(u64::from(wait.unwrap_or(USUAL_WAIT_S))),
        tries: tries.unwrap_or(USUAL_TRIES),
        then: reader.required_target(fields, "type-number", step),
        otherwise: reader.required_target(fields, "else", step),
    })
}

/// Whether somebody may ask to be called at this number: a mobile number of China, a landline with its
/// area code, or one of the own area. What costs more than a call in the country (international,
/// 160/168 and their like behind an area code, 400 and 95/96 numbers) is none, whatever the trunks may
/// carry: who types a number may be anybody, and the hotline pays. Neither is an emergency number.
pub fn is_citizens(number: &str) -> bool {
    let digits = number.as_bytes();
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    match digits {
        // 工信部《电信网编号计划》(2017): 13x to 19x, 11 digits.
        [b'1', b'3'..=b'9', ..] => digits.len() == 11,
        // Area codes 010 and 02x have two further digits, all others three.
        [b'0', b'1', b'0', own @ ..] | [b'0', b'2', _, own @ ..] => is_landline(own),
        [b'0', b'3'..=b'9', _, _, own @ ..] => is_landline(own),
        own => is_landline(own),
    }
}

/// A number within its area: seven or eight digits, the first 2 to 8 (1 and 9 begin services).
fn is_landline(own: &[u8]) -> bool {
    matches!(own, [b'2'..=b'8', ..]) && matches!(own.len(), 7 | 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_citizens_can_be_typed() {
        for good in [
            "13812345678",
            "16612345678",
            "19912345678",
            "01062345678",
            "02161234567",
            "06358261234",
            "063582612345",
            "8261234",
            "62345678",
        ] {
            assert!(is_citizens(good), "{good}");
        }
        for bad in [
            "",
            "110",
            "119",
            "12345",
            "00491701234567",
            "0085291234567",
            "1381234567",
            "138123456789",
            "12812345678",
            "4001234567",
            "8001234567",
            "95588",
            "96315",
            "06351681234",
            "0108",
            "010168123456",
            "16812345",
            "1391234567#",
            "+8613812345678",
            "06359551234",
            "98261234",
        ] {
            assert!(!is_citizens(bad), "{bad}");
        }
    }
}
