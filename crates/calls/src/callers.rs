//! Who called before, and who talked with them: read off the events as they are written, and taken
//! over from earlier runs at the start. Who withholds the number is not recognised.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hotline_model::{
    CallId, SeatId, Timestamp,
    event::Event,
    limits::{CALLER_CALLS, CALLERS, CALLERS_KEPT_H},
    task::dialable,
};

/// The numbers that are known.
#[derive(Debug, Default)]
pub struct Callers {
    known: BTreeMap<String, Known>,
    /// By when something was last heard of them.
    ages: BTreeSet<(Timestamp, String)>,
    /// Numbers of live calls, and the seat that dialled, where one did.
    live: BTreeMap<CallId, (String, Option<SeatId>)>,
}

#[derive(Debug, Default)]
struct Known {
    calls: VecDeque<Timestamp>,
    talked: Option<(SeatId, Timestamp)>,
    heard: Timestamp,
}

/// What is known of a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recognised {
    /// Calls within the window, this one included.
    pub calls: u32,
    /// The seat that talked with the caller last, within the window.
    pub last_seat: Option<SeatId>,
}

impl Callers {
    /// An event was written.
    pub fn note(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::CallArrived {
                call,
                trunk: Some(_),
                caller,
                withheld: false,
                ..
            } => {
                if let Some(number) = dialable(caller) {
                    self.called(&number, at);
                    self.live.insert(*call, (number, None));
                }
            }
            // It came in an earlier run, and was counted then.
            Event::CallbackRestored { call, caller, .. } => {
                if let Some(number) = dialable(caller) {
                    self.live.insert(*call, (number, None));
                }
            }
            Event::CallDialled {
                call, seat, called, ..
            } => {
                if let Some(number) = dialable(called) {
                    self.live.insert(*call, (number, Some(*seat)));
                }
            }
            Event::SeatAnswered { call, seat, .. } => {
                if let Some((number, _)) = self.live.get(call).cloned() {
                    self.talked(&number, *seat, at);
                }
            }
            Event::OutsideAnswered {
                call,
                for_guest: false,
                ..
            } => {
                if let Some((number, Some(seat))) = self.live.get(call).cloned() {
                    self.talked(&number, seat, at);
                }
            }
            Event::CallEnded { call, .. } | Event::DialEnded { call, .. } => {
                self.live.remove(call);
            }
            _ => {}
        }
    }

    /// The number called at that time.
    pub fn called(&mut self, number: &str, at: Timestamp) {
        let known = self.heard(number, at);
        known.calls.push_back(at);
        if known.calls.len() > CALLER_CALLS {
            known.calls.pop_front();
        }
    }

    /// The seat talked with it at that time.
    pub fn talked(&mut self, number: &str, seat: SeatId, at: Timestamp) {
        let known = self.heard(number, at);
        if known.talked.is_none_or(|(_, before)| before <= at) {
            known.talked = Some((seat, at));
        }
    }

    /// What is known of the number at that time, of the window before it.
    pub fn recognise(&self, number: &str, now: Timestamp, window: Duration) -> Recognised {
        let number = dialable(number);
        let Some(known) = number.and_then(|number| self.known.get(&number)) else {
            return Recognised::default();
        };
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let from = Timestamp(now.0.saturating_sub(window));
        let calls = known.calls.iter().filter(|&&at| at >= from).count();
        let talked = known.talked.filter(|&(_, at)| at >= from);
        Recognised {
            calls: u32::try_from(calls).unwrap_or(u32::MAX),
            last_seat: talked.map(|(seat, _)| seat),
        }
    }

    /// How many numbers are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn heard(&mut self, number: &str, at: Timestamp) -> &mut Known {
        let kept = i64::try_from(CALLERS_KEPT_H * 3_600_000).unwrap_or(i64::MAX);
        let old = Timestamp(at.0.saturating_sub(kept));
        while let Some((heard, _)) = self.ages.first()
            && (*heard < old || (self.known.len() >= CALLERS && !self.known.contains_key(number)))
        {
            if let Some((_, gone)) = self.ages.pop_first() {
                self.known.remove(&gone);
            }
        }
        let known = self.known.entry(number.to_owned()).or_default();
        self.ages.remove(&(known.heard, number.to_owned()));
        known.heard = known.heard.max(at);
        self.ages.insert((known.heard, number.to_owned()));
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(minutes: i64) -> Timestamp {
        Timestamp(1_795_246_212_000 + minutes * 60_000)
    }

    fn seat(name: &str) -> SeatId {
        SeatId::new(name).unwrap()
    }

    fn recognised(calls: u32, last: Option<&str>) -> Recognised {
        Recognised {
            calls,
            last_seat: last.map(seat),
        }
    }

    #[test]
    fn calls_and_the_last_seat_are_counted_within_the_window() {
        let mut callers = Callers::default();
        callers.called("13812345678", at(0));
        callers.talked("13812345678", seat("1001"), at(1));
        callers.called("13812345678", at(50));
        let of = |number, minutes| callers.recognise(number, at(minutes), HOUR);
        assert_eq!(of("13812345678", 50), recognised(2, Some("1001")));
        assert_eq!(of("013812345678", 61), recognised(1, Some("1001")));
        assert_eq!(of("13812345678", 62), recognised(1, None));
        assert_eq!(of("13812345679", 50), recognised(0, None));
        assert_eq!(of("", 50), recognised(0, None));
    }

    #[test]
    fn events_say_who_called_and_who_talked() {
        let mut callers = Callers::default();
        let arrived = |withheld| Event::CallArrived {
            call: CallId(1),
            trunk: hotline_model::TrunkId::new("mobile").ok(),
            caller: "13812345678".into(),
            called: "12345".into(),
            sip_call_id: String::new(),
            withheld,
        };
        callers.note(at(0), &arrived(true));
        assert!(callers.is_empty(), "a withheld number is not remembered");
        callers.note(at(0), &arrived(false));
        let talks = |call, by: &str| Event::SeatAnswered {
            call: CallId(call),
            seat: seat(by),
            queue: hotline_model::QueueId::new("general").unwrap(),
            since_arrival_ms: 0,
            since_menu_ms: 0,
            since_queue_ms: 0,
        };
        callers.note(at(1), &talks(1, "1001"));
        callers.note(at(2), &talks(9, "1009"));
        let known = callers.recognise("13812345678", at(2), HOUR);
        assert_eq!(known, recognised(1, Some("1001")));
        // A seat's own call to the citizen counts as a talk, and as no call of the citizen's.
        callers.note(
            at(3),
            &Event::CallDialled {
                call: CallId(2),
                seat: seat("1002"),
                called: "013812345678".into(),
                sip_call_id: String::new(),
                purpose: None,
            },
        );
        callers.note(
            at(4),
            &Event::OutsideAnswered {
                call: CallId(2),
                trunk: hotline_model::TrunkId::new("mobile").unwrap(),
                since_dialled_ms: 1,
                for_guest: false,
            },
        );
        let known = callers.recognise("13812345678", at(4), HOUR);
        assert_eq!(known, recognised(1, Some("1002")));
    }

    #[test]
    fn a_full_table_forgets_whom_it_heard_of_least_lately_and_nobody_is_kept_for_ever() {
        let mut callers = Callers::default();
        let number = |n: usize| format!("139{n:08}");
        for n in 0..CALLERS {
            callers.called(&number(n), at(0));
        }
        callers.called(&number(0), at(1));
        callers.called("13812345678", at(2));
        assert_eq!(callers.len(), CALLERS);
        assert_eq!(callers.recognise(&number(0), at(2), HOUR).calls, 2);
        assert_eq!(callers.recognise(&number(1), at(2), HOUR).calls, 0);
        let hours = i64::try_from(CALLERS_KEPT_H).unwrap();
        callers.called("13812345678", at(hours * 60 + 3));
        assert_eq!(callers.len(), 1);
        for minute in 0..100 {
            callers.called("13812345678", at(hours * 60 + 4 + minute));
        }
        let known = callers.recognise("13812345678", at(hours * 60 + 104), HOUR * 100);
        assert_eq!(known.calls as usize, CALLER_CALLS);
    }
}
