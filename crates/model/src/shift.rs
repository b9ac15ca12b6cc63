//! Shifts (班次): on which days and between which hours which seats should be at work.

use core::{fmt, time::Duration};
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{SeatId, Timestamp};

/// Seconds of a day.
const DAY_S: u32 = 86_400;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A calendar day of local time, in days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i64);

impl Day {
    /// The day of a moment, at so many minutes east of UTC.
    pub fn of(at: Timestamp, offset_minutes: i32) -> Self {
        let local = at.0.saturating_add(i64::from(offset_minutes) * 60_000);
        Self(local.div_euclid(DAY_MS))
    }

    /// Its first moment, at so many minutes east of UTC.
    pub fn begins(self, offset_minutes: i32) -> Timestamp {
        let local = self.0.saturating_mul(DAY_MS);
        Timestamp(local.saturating_sub(i64::from(offset_minutes) * 60_000))
    }

    /// Which day of the week, Monday is 0.
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7) as usize
    }

    /// The day before.
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The day after.
    pub const fn after(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Reads `2026-11-22`; `None` where it is no day of the calendar.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(str::parse::<i64>);
        let (year, month, day) = (
            parts.next()?.ok()?,
            parts.next()?.ok()?,
            parts.next()?.ok()?,
        );
        let fits = (1970..=9999).contains(&year) && (1..=12).contains(&month);
        if !fits || !(1..=31).contains(&day) || parts.next().is_some() {
            return None;
        }
        // The inverse of `Timestamp::civil`, after Howard Hinnant's `days_from_civil`.
        let year_from_march = if month <= 2 { year - 1 } else { year };
        let month_from_march = (month + 9) % 12;
        let of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let of_era = year_from_march.rem_euclid(400);
        let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let found = Self(year_from_march.div_euclid(400) * 146_097 + of_era - 719_468);
        // A thirtieth of February is another day.
        (found.to_string() == format!("{year:04}-{month:02}-{day:02}")).then_some(found)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.begins(0).civil(0);
        write!(f, "{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
    }
}

/// One shift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// What people call it.
    pub name: String,
    /// On which days of the week it begins, Monday first.
    pub days: [bool; 7],
    /// When it begins, seconds of the local day.
    pub from_s: u32,
    /// When it ends, seconds of the local day; where that is not after its begin, of the next day.
    pub to_s: u32,
    /// The first day on which it may begin; `None`: no day is too early.
    pub first: Option<Day>,
    /// The last day on which it may begin; `None`: no day is too late.
    pub last: Option<Day>,
    /// Who should be there.
    pub seats: BTreeSet<SeatId>,
}

impl Shift {
    /// How long it is.
    pub const fn length(&self) -> Duration {
        let to_s = if self.to_s > self.from_s {
            self.to_s
        } else {
            self.to_s + DAY_S
        };
        Duration::from_secs((to_s - self.from_s) as u64)
    }

    /// From when until when it lasts that begins on this day; `None`: none does.
    pub fn on(&self, day: Day, offset_minutes: i32) -> Option<(Timestamp, Timestamp)> {
        self.days.get(day.weekday()).filter(|works| **works)?;
        let too_early = self.first.is_some_and(|first| day < first);
        if too_early || self.last.is_some_and(|last| day > last) {
            return None;
        }
        let from = day.begins(offset_minutes);
        let from = from.after(Duration::from_secs(u64::from(self.from_s)));
        Some((from, from.after(self.length())))
    }

    /// Whether it lasts at this moment.
    pub fn holds(&self, at: Timestamp, offset_minutes: i32) -> bool {
        let today = Day::of(at, offset_minutes);
        // A night's shift began yesterday.
        let mut turns = [today.before(), today].into_iter();
        turns.any(|day| {
            let turn = self.on(day, offset_minutes);
            turn.is_some_and(|(from, to)| from <= at && at < to)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for text in ["1970-01-01", "2024-02-29", "2026-11-22", "2100-03-01"] {
            assert_eq!(Day::read(text).unwrap().to_string(), text);
        }
        let bad = [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "2026-1-1-1",
            "today",
            "1969-12-31",
        ];
        for text in bad {
            assert_eq!(Day::read(text), None, "{text}");
        }
        // 2026-11-22 is a Sunday; 15:30:12 of the day before in China.
        assert_eq!(Day::read("2026-11-22").unwrap().weekday(), 6);
        let day = Day::of(Timestamp(1_795_246_212_000), 480);
        assert_eq!(day.to_string(), "2026-11-21");
        assert_eq!(Day::of(day.begins(480), 480), day);
        assert_eq!(Day::of(Timestamp(day.begins(480).0 - 1), 480), day.before());
    }

    #[test]
    fn a_nights_shift_goes_on_after_midnight() {
        let saturday = Day::read("2026-11-21").unwrap();
        let mut days = [false; 7];
        days[saturday.weekday()] = true;
        let night = Shift {
            name: "night".to_owned(),
            days,
            from_s: 22 * 3_600,
            to_s: 6 * 3_600,
            first: None,
            last: None,
            seats: BTreeSet::new(),
        };
        assert_eq!(night.length(), Duration::from_secs(8 * 3_600));
        let (from, to) = night.on(saturday, 480).unwrap();
        assert_eq!(from.civil(480).to_string(), "2026-11-21 22:00:00.000");
        assert_eq!(to.civil(480).to_string(), "2026-11-22 06:00:00.000");
        assert_eq!(night.on(saturday.after(), 480), None);
        let holds = |ms: i64| night.holds(Timestamp(ms), 480);
        assert!(!holds(from.0 - 1) && holds(from.0) && holds(to.0 - 1) && !holds(to.0));
        // The same hours of another day are nobody's.
        assert!(!holds(from.0 + DAY_MS) && !holds(to.0 - 1 - DAY_MS));
    }
}
