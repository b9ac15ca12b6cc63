//! Shifts (班次), as written in `seats.toml`.

use std::collections::BTreeSet;

use hotline_model::{
    QueueId, SeatId,
    diagnostic::Diagnostic,
    limits::SHIFTS,
    shift::{Day, Shift},
};
use toml::{Spanned, value::Datetime};

use super::{
    ConfiguredSeat, File,
    files::{SeatsFile, WeekdayKey},
    once,
};

/// The shifts, in the order of the file, of these seats.
pub(super) fn check(file: &mut File<SeatsFile>, seats: &[ConfiguredSeat]) -> Vec<Shift> {
    let (mut names, mut shifts) = (Vec::new(), Vec::new());
    let found = &mut file.found;
    for keys in &file.value.shift {
        let name = keys.name.get_ref().clone();
        once(&mut names, name.clone(), &keys.name, "shift", found);
        let mut members = BTreeSet::new();
        for text in &keys.seats {
            let known = SeatId::new(text.get_ref()).ok();
            match known.filter(|id| seats.iter().any(|seat| seat.floor.id == *id)) {
                Some(seat) => {
                    members.insert(seat);
                }
                None => unknown(text, "seat", found),
            }
        }
        for text in &keys.queues {
            let named = |queue: &QueueId| queue.as_str() == text.get_ref();
            let serve = |seat: &&ConfiguredSeat| seat.floor.queues.iter().any(named);
            let before = members.len();
            members.extend(seats.iter().filter(serve).map(|seat| seat.floor.id));
            if members.len() == before && !seats.iter().any(|seat| serve(&seat)) {
                let what = format!("no seat serves a queue {:?}", text.get_ref());
                found.push(Diagnostic::new(text.span(), what));
            }
        }
        if members.is_empty() {
            let what = "nobody is in the shift";
            let help = "name its people with `seats`, or all of a queue with `queues`";
            found.push(Diagnostic::new(keys.name.span(), what).with_help(help));
        }
        let mut days = [false; 7];
        for day in &keys.days {
            if let Some(works) = days.get_mut(*day as usize) {
                *works = true;
            }
        }
        if keys.days.is_empty() {
            days = [true; 7];
        }
        let (Some(from_s), Some(to_s)) = (second_of(&keys.from, found), second_of(&keys.to, found))
        else {
            continue;
        };
        let mut day = |keys: &Option<_>| keys.as_ref().and_then(|it| day_of(it, found));
        let (first, last) = (day(&keys.first_day), day(&keys.last_day));
        if let (Some(first), Some(last)) = (first, last)
            && first > last
        {
            let what = "the shift is over before it begins";
            let help = "`first_day` is the first on which it begins, `last_day` the last";
            found.push(Diagnostic::new(keys.name.span(), what).with_help(help));
        }
        shifts.push(Shift {
            name,
            days,
            from_s,
            to_s,
            first,
            last,
            seats: members,
        });
    }
    if let Some(one_more) = file.value.shift.get(SHIFTS) {
        let what = format!("more than {SHIFTS} shifts");
        found.push(Diagnostic::new(one_more.name.span(), what));
    }
    shifts
}

/// A day of the calendar.
fn day_of(written: &Spanned<Datetime>, found: &mut Vec<Diagnostic>) -> Option<Day> {
    let day = match written.get_ref() {
        Datetime {
            date: Some(date),
            time: None,
            offset: None,
        } => Day::read(&format!(
            "{:04}-{:02}-{:02}",
            date.year, date.month, date.day
        )),
        _ => None,
    };
    if day.is_none() {
        let what = "this is a day, as 2026-01-31";
        found.push(Diagnostic::new(written.span(), what));
    }
    day
}

fn unknown(text: &Spanned<String>, what: &str, found: &mut Vec<Diagnostic>) {
    let fault = format!("there is no {what} {:?}", text.get_ref());
    found.push(Diagnostic::new(text.span(), fault));
}

/// A time of day in seconds.
fn second_of(written: &Spanned<Datetime>, found: &mut Vec<Diagnostic>) -> Option<u32> {
    let Datetime { date, time, offset } = written.get_ref();
    let Some(time) = time.filter(|_| date.is_none() && offset.is_none()) else {
        let what = "this is a time of day, as 08:30:00";
        found.push(Diagnostic::new(written.span(), what));
        return None;
    };
    let seconds = u32::from(time.second.unwrap_or_default());
    Some(u32::from(time.hour) * 3_600 + u32::from(time.minute) * 60 + seconds)
}

impl WeekdayKey {
    /// All, Monday first.
    #[cfg(test)]
    const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];
}

#[cfg(test)]
mod tests {
    use super::{
        super::{file_of, seats},
        *,
    };

    const SEATS: &str = "[[seat]]\nid = \"1001\"\nname = \"a\"\nqueues = [\"general\"]\n\
                         [[seat]]\nid = \"1002\"\nname = \"b\"\nqueues = [\"general\"]\n\
                         [[seat]]\nid = \"1003\"\nname = \"c\"\nqueues = []\n";

    fn of(text: &str) -> (Vec<Shift>, Vec<String>) {
        let mut file = file_of::<SeatsFile>(&format!("{SEATS}{text}"));
        let queues = [QueueId::new("general").unwrap()];
        let seats = seats::check(&mut file, &queues, true);
        let shifts = check(&mut file, &seats);
        (shifts, file.found.into_iter().map(|it| it.what).collect())
    }

    #[test]
    fn a_shift_has_days_hours_and_people() {
        let (shifts, found) = of("[[shift]]\nname = \"夜班\"\ndays = [\"fri\", \"sun\"]\n\
             from = 22:00:00\nto = 06:30:00\nqueues = [\"general\"]\nseats = [\"1003\"]\n");
        assert!(found.is_empty(), "{found:?}");
        let shift = &shifts[0];
        assert_eq!((shift.from_s, shift.to_s), (79_200, 23_400));
        assert_eq!(shift.seats.len(), 3);
        let works = WeekdayKey::ALL.map(|day| shift.days[day as usize]);
        assert_eq!(works, [false, false, false, false, true, false, true]);
        // Without days it is on every day.
        let (shifts, _) =
            of("[[shift]]\nname = \"a\"\nfrom = 08:00:00\nto = 18:00:00\nseats = [\"1001\"]\n");
        assert_eq!(shifts[0].days, [true; 7]);
    }

    #[test]
    fn a_shift_holds_from_its_first_day_to_its_last() {
        let text = "[[shift]]\nname = \"a\"\nfrom = 22:00:00\nto = 06:00:00\nseats = [\"1001\"]\n\
                    first_day = 2026-03-02\nlast_day = 2026-03-31\n";
        let (shifts, found) = of(text);
        assert!(found.is_empty(), "{found:?}");
        let begins = |day: &str| shifts[0].on(Day::read(day).unwrap(), 480).is_some();
        let days = ["2026-03-01", "2026-03-02", "2026-03-31", "2026-04-01"];
        assert_eq!(days.map(begins), [false, true, true, false]);
        // The last night ends on the day after.
        let morning = Day::read("2026-04-01").unwrap().begins(480);
        let hours = |n: i64| hotline_model::Timestamp(morning.0 + n * 3_600_000);
        assert!(shifts[0].holds(hours(5), 480) && !shifts[0].holds(hours(22), 480));
        let wrong = text.replace("2026-03-02", "2026-04-02");
        assert_eq!(of(&wrong).1, ["the shift is over before it begins"]);
        let wrong = text.replace("2026-03-02", "08:00:00");
        assert_eq!(of(&wrong).1, ["this is a day, as 2026-01-31"]);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let hours = "from = 08:00:00\nto = 18:00:00\n";
        for (text, what) in [
            (
                format!("[[shift]]\nname = \"a\"\n{hours}"),
                "nobody is in the shift",
            ),
            (
                format!("[[shift]]\nname = \"a\"\n{hours}seats = [\"1001\", \"9\"]\n"),
                "there is no seat \"9\"",
            ),
            (
                format!("[[shift]]\nname = \"a\"\n{hours}seats = [\"1001\"]\nqueues = [\"x\"]\n"),
                "no seat serves a queue \"x\"",
            ),
            (
                "[[shift]]\nname = \"a\"\nfrom = 2026-01-01\nto = 18:00:00\nseats = [\"1001\"]\n"
                    .to_owned(),
                "this is a time of day, as 08:30:00",
            ),
        ] {
            assert_eq!(of(&text).1, [what], "{text}");
        }
    }
}
