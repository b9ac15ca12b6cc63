//! Whether people wait as long as they are told: each estimate beside the wait that came of it.

use core::{fmt, time::Duration};

use hotline_acd::ExpectedWait;

/// Estimates are told apart by the middle of their range: below these many seconds, and the rest.
pub const BELOW_S: [u64; 5] = [30, 60, 120, 240, 480];

/// Estimates of one kind, and what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Estimates whose wait is known.
    pub known: u64,
    /// Waits within the range.
    pub within: u64,
    /// Waits shorter than it said.
    pub shorter: u64,
    /// Waits longer than it said, those that were given up after its end too.
    pub longer: u64,
    /// Callers who gave up before its end: nobody knows.
    pub gave_up: u64,
    /// Wait less middle of the range, of those who were answered, summed, ms.
    pub error_ms: i64,
    /// The same without its sign, summed, ms.
    pub off_ms: u64,
    /// Of those who were answered.
    pub answered: u64,
}

impl Row {
    /// Share of the known waits within the range.
    pub fn coverage(&self) -> Option<f64> {
        (self.known > 0).then(|| self.within as f64 / self.known as f64)
    }

    /// Mean of wait less middle, seconds.
    pub fn mean_error_s(&self) -> Option<f64> {
        (self.answered > 0).then(|| self.error_ms as f64 / self.answered as f64 / 1_000.0)
    }

    /// Mean distance of wait and middle, seconds.
    pub fn mean_off_s(&self) -> Option<f64> {
        (self.answered > 0).then(|| self.off_ms as f64 / self.answered as f64 / 1_000.0)
    }

    fn note(&mut self, estimate: ExpectedWait, wait: Duration, answered: bool) {
        if !answered && wait <= estimate.to {
            self.gave_up += 1;
            return;
        }
        self.known += 1;
        self.within += u64::from((estimate.from..=estimate.to).contains(&wait));
        self.shorter += u64::from(wait < estimate.from);
        self.longer += u64::from(wait > estimate.to);
        if answered {
            let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
            let error = ms(wait).saturating_sub(ms(middle(estimate)));
            self.answered += 1;
            self.error_ms = self.error_ms.saturating_add(error);
            self.off_ms = self.off_ms.saturating_add(error.unsigned_abs());
        }
    }

    fn add(&mut self, other: &Self) {
        self.known += other.known;
        self.within += other.within;
        self.shorter += other.shorter;
        self.longer += other.longer;
        self.gave_up += other.gave_up;
        self.error_ms += other.error_ms;
        self.off_ms += other.off_ms;
        self.answered += other.answered;
    }
}

/// All estimates of some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calibration {
    /// By the middle of the range: below each of [`BELOW_S`], and the rest.
    pub rows: [Row; BELOW_S.len() + 1],
}

impl Calibration {
    /// A caller was told this estimate and was answered, or gave up, after so long.
    pub fn note(&mut self, estimate: ExpectedWait, wait: Duration, answered: bool) {
        let middle_s = middle(estimate).as_secs();
        let at = BELOW_S.iter().take_while(|&&below| middle_s >= below);
        let at = at.count();
        if let Some(row) = self.rows.get_mut(at) {
            row.note(estimate, wait, answered);
        }
    }

    /// All rows together.
    pub fn total(&self) -> Row {
        let mut sum = Row::default();
        for row in &self.rows {
            sum.add(row);
        }
        sum
    }
}

fn middle(estimate: ExpectedWait) -> Duration {
    estimate.from.saturating_add(estimate.to) / 2
}

impl fmt::Display for Calibration {
    /// The table of `README.md`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| estimated | waits | within, % | shorter, % | longer, % | gave up before | mean error, s | mean distance, s |"
        )?;
        writeln!(
            f,
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
        )?;
        let bounds = core::iter::once(0).chain(BELOW_S);
        let names = bounds.zip(BELOW_S.map(Some).into_iter().chain([None]));
        let names = names.map(|(from, to)| match to {
            Some(to) => format!("{from}–{to} s"),
            None => format!("{from} s and more"),
        });
        let total = self.total();
        let all = names.chain(["all".to_owned()]);
        for (name, row) in all.zip(self.rows.iter().chain([&total])) {
            let percent = |n: u64| match row.known {
                0 => "—".to_owned(),
                known => format!("{:.1}", n as f64 / known as f64 * 100.0),
            };
            let seconds = |s: Option<f64>| s.map_or("—".to_owned(), |s| format!("{s:.0}"));
            writeln!(
                f,
                "| {name} | {} | {} | {} | {} | {} | {} | {} |",
                row.known,
                percent(row.within),
                percent(row.shorter),
                percent(row.longer),
                row.gave_up,
                seconds(row.mean_error_s()),
                seconds(row.mean_off_s()),
            )?;
        }
        Ok(())
    }
}
