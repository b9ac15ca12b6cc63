//! Time that is handed in: a monotonic instant for durations, a wall-clock timestamp for people.

use core::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A point on the engine's monotonic clock, in nanoseconds since the engine started. There is no
/// `now()`: the shell (or the simulator) says what time it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Instant(u64);

impl Instant {
    /// The start of the engine.
    pub const START: Self = Self(0);

    /// The instant `since_start` after the start of the engine.
    pub const fn from_start(since_start: Duration) -> Self {
        Self(nanos(since_start))
    }

    /// Time since the start of the engine.
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Whole milliseconds from `earlier` to `self`; zero when `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// At most 2^64 ns, which are 584 years of uptime.
const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 {
        return u64::MAX;
    }
    nanos as u64
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

/// Wall-clock time: milliseconds since 1970-01-01T00:00:00Z. For people and the journal; never
/// for measuring a duration, since it may be stepped.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The timestamp `duration` after this one.
    pub fn after(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Year, month, day, hour, minute, second and millisecond at `offset_minutes` east of UTC
    /// (China: 480). The proleptic Gregorian calendar, after Howard Hinnant's `civil_from_days`.
    pub fn civil(self, offset_minutes: i32) -> Civil {
        let local = self.0.saturating_add(i64::from(offset_minutes) * 60_000);
        let (days, ms) = (local.div_euclid(86_400_000), local.rem_euclid(86_400_000));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Civil {
            year: year as i32,
            month: month as u8,
            day: day as u8,
            hour: (ms / 3_600_000) as u8,
            minute: (ms / 60_000 % 60) as u8,
            second: (ms / 1_000 % 60) as u8,
            millisecond: (ms % 1_000) as u16,
        }
    }
}

/// A date and time of day as a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, e.g. 2026.
    pub year: i32,
    /// Month, 1–12.
    pub month: u8,
    /// Day of the month, 1–31.
    pub day: u8,
    /// Hour, 0–23.
    pub hour: u8,
    /// Minute, 0–59.
    pub minute: u8,
    /// Second, 0–59.
    pub second: u8,
    /// Millisecond, 0–999.
    pub millisecond: u16,
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            millisecond,
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millisecond:03}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_never_wrap() {
        let later = Instant::START + Duration::from_secs(5);
        assert_eq!(later.since(Instant::START), Duration::from_secs(5));
        assert_eq!(Instant::START.since(later), Duration::ZERO);
        // A nanosecond and more beyond what can be told: for ever, and not at once.
        let ages = Duration::from_secs(18_446_744_074);
        assert!(later + ages > later && later - ages == Instant::START);
        assert!(Instant::from_start(ages) > later);
    }

    #[test]
    fn the_calendar_knows_leap_days_and_zones() {
        assert_eq!(Timestamp(0).civil(0).to_string(), "1970-01-01 00:00:00.000");
        assert_eq!(
            Timestamp(1_709_164_800_000).civil(0).to_string(),
            "2024-02-29 00:00:00.000"
        );
        assert_eq!(
            Timestamp(1_795_305_600_123).civil(480).to_string(),
            "2026-11-22 08:00:00.123"
        );
        assert_eq!(
            Timestamp(-1).civil(0).to_string(),
            "1969-12-31 23:59:59.999"
        );
    }
}
