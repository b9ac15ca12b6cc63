//! `[tasks]`: the rules of the list of citizens to be called.

use hotline_model::{diagnostic::Diagnostic, task::TaskRules};
use serde::Deserialize;
use toml::Spanned;

/// `[tasks]`; what is not written is as [`TaskRules::default`] has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskKeys {
    /// A missed call should be called back within so many minutes.
    first_try_minutes: Option<Spanned<u32>>,
    /// Rest after an attempt that did not reach anybody, minutes.
    retry_after_minutes: Option<Spanned<u32>>,
    /// Attempts.
    attempts: Option<Spanned<u32>>,
    /// Shortest wait that is listed, seconds.
    ignore_below_s: Option<Spanned<u32>>,
    /// Days after which a task is dropped.
    keep_days: Option<Spanned<u32>>,
    /// Minutes after which whoever took a task and did nothing loses it.
    take_minutes: Option<Spanned<u32>>,
    /// Whether a seat is given no next task while callers wait whom it serves; yes without the line.
    callers_first: Option<bool>,
}

impl TaskKeys {
    /// Whether callers in line come before tasks.
    pub fn callers_first(&self) -> bool {
        self.callers_first.unwrap_or(true)
    }

    /// The rules, and a fault for each that cannot be meant.
    pub fn check(&self, found: &mut Vec<Diagnostic>) -> TaskRules {
        let usual = TaskRules::default();
        let mut take = |key: &Option<Spanned<u32>>, name: &str, usual, (from, to): (u32, u32)| {
            let Some(key) = key else { return usual };
            let value = *key.get_ref();
            if !(from..=to).contains(&value) {
                let what = format!("`{name}` is {from} to {to}");
                let help = format!("without the line it is {usual}");
                found.push(Diagnostic::new(key.span(), what).with_help(help));
            }
            value
        };
        TaskRules {
            first_try_minutes: take(
                &self.first_try_minutes,
                "first_try_minutes",
                usual.first_try_minutes,
                (1, 1_440),
            ),
            retry_after_minutes: take(
                &self.retry_after_minutes,
                "retry_after_minutes",
                usual.retry_after_minutes,
                (1, 1_440),
            ),
            attempts: take(&self.attempts, "attempts", usual.attempts, (1, 20)),
            ignore_below_s: take(
                &self.ignore_below_s,
                "ignore_below_s",
                usual.ignore_below_s,
                (0, 60),
            ),
            keep_days: take(&self.keep_days, "keep_days", usual.keep_days, (1, 90)),
            take_minutes: take(
                &self.take_minutes,
                "take_minutes",
                usual.take_minutes,
                (1, 480),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (TaskRules, Vec<String>) {
        let keys: TaskKeys = toml::from_str(text).unwrap();
        let mut found = Vec::new();
        let rules = keys.check(&mut found);
        (rules, found.into_iter().map(|fault| fault.what).collect())
    }

    #[test]
    fn what_is_not_written_is_the_default() {
        assert_eq!(read(""), (TaskRules::default(), Vec::new()));
        let (rules, faults) = read("attempts = 5\nignore_below_s = 0");
        assert_eq!((rules.attempts, rules.ignore_below_s), (5, 0));
        assert_eq!((rules.first_try_minutes, faults.len()), (30, 0));
    }

    #[test]
    fn what_cannot_be_meant_is_a_fault() {
        for (text, fault) in [
            ("attempts = 0", "`attempts` is 1 to 20"),
            ("keep_days = 91", "`keep_days` is 1 to 90"),
            ("ignore_below_s = 61", "`ignore_below_s` is 0 to 60"),
            ("first_try_minutes = 0", "`first_try_minutes` is 1 to 1440"),
            ("take_minutes = 481", "`take_minutes` is 1 to 480"),
            (
                "retry_after_minutes = 0",
                "`retry_after_minutes` is 1 to 1440",
            ),
        ] {
            assert_eq!(read(text).1, [fault]);
        }
        assert!(toml::from_str::<TaskKeys>("attempt = 1").is_err());
    }
}
