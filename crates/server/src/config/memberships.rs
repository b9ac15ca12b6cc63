//! When a seat may take calls, and for which contractor, as written in `seats.toml`.

use hotline_calls::settings::{LocalTime, Membership};
use hotline_model::diagnostic::Diagnostic;
use toml::{Spanned, value::Datetime};

use super::files::MembershipKeys;

/// The memberships of a seat, in the order of the file.
pub(super) fn check(keys: &[MembershipKeys], found: &mut Vec<Diagnostic>) -> Vec<Membership> {
    let mut all: Vec<Membership> = Vec::new();
    for keys in keys {
        let from = keys.from.as_ref().and_then(|from| local(from, 0, found));
        let until = keys
            .until
            .as_ref()
            .and_then(|until| local(until, 24, found));
        let spans = keys.until.as_ref().or(keys.from.as_ref());
        let span = spans.map_or(0..0, Spanned::span);
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            let what = "the membership ends before it begins";
            found.push(Diagnostic::new(span.clone(), what));
        }
        let overlaps = |one: &Membership| {
            let before = |end: Option<LocalTime>, begin: Option<LocalTime>| matches!((end, begin), (Some(end), Some(begin)) if end <= begin);
            !before(one.until, from) && !before(until, one.from)
        };
        if all.iter().any(overlaps) {
            let what = "two memberships of the seat hold at the same time";
            let help = "end the first with `until` before the next begins with `from`";
            found.push(Diagnostic::new(span, what).with_help(help));
        }
        let contractor = keys.contractor.clone();
        all.push(Membership {
            contractor,
            from,
            until,
        });
    }
    all
}

/// Local time; of a day alone its hour 0, or 24 where the whole day is meant.
fn local(
    written: &Spanned<Datetime>,
    hour_of_a_day: u8,
    found: &mut Vec<Diagnostic>,
) -> Option<LocalTime> {
    let Datetime { date, time, offset } = written.get_ref();
    let Some(date) = date.filter(|_| offset.is_none()) else {
        let what = "this is a day or a local time, as 2026-01-31 or 2026-01-31T09:00:00";
        let help = "without an offset: [time] in engine.toml says which local time it is";
        found.push(Diagnostic::new(written.span(), what).with_help(help));
        return None;
    };
    let (hour, minute, second) = match time {
        Some(time) => (time.hour, time.minute, time.second.unwrap_or_default()),
        None => (hour_of_a_day, 0, 0),
    };
    let year = i32::from(date.year);
    Some((year, date.month, date.day, hour, minute, second))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{file_of, files::SeatsFile},
        *,
    };

    fn of(list: &str) -> (Vec<Membership>, Vec<String>) {
        let text =
            format!("[[seat]]\nid = \"1\"\nname = \"n\"\nqueues = []\nmembership = [{list}]\n");
        let file = file_of::<SeatsFile>(&text);
        let mut found = Vec::new();
        let all = check(&file.value.seat[0].membership, &mut found);
        (all, found.into_iter().map(|it| it.what).collect())
    }

    #[test]
    fn a_day_is_meant_whole_and_a_moment_exactly() {
        let (all, found) = of(
            "{ contractor = \"甲\", from = 2026-01-01, until = 2026-12-31 }, \
                               { from = 2027-01-01T09:00:00 }",
        );
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(all[0].contractor, "甲");
        assert_eq!(all[0].from, Some((2026, 1, 1, 0, 0, 0)));
        assert_eq!(all[0].until, Some((2026, 12, 31, 24, 0, 0)));
        assert_eq!(all[1].from, Some((2027, 1, 1, 9, 0, 0)));
        assert_eq!(all[1].until, None);
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (list, what) in [
            (
                "{ from = 2026-02-02, until = 2026-02-01 }",
                "the membership ends before it begins",
            ),
            (
                "{ until = 2026-02-02 }, { from = 2026-02-02 }",
                "two memberships of the seat hold at the same time",
            ),
            (
                "{ from = 2026-02-02T00:00:00Z }",
                "this is a day or a local time, as 2026-01-31 or 2026-01-31T09:00:00",
            ),
        ] {
            assert_eq!(of(list).1, [what], "{list}");
        }
        let (_, found) = of("{ until = 2026-02-01 }, { from = 2026-02-02 }");
        assert!(found.is_empty(), "{found:?}");
    }
}
