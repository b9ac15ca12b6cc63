//! The trunks of the present run: how each is, and what it carries, from events alone.

use std::collections::BTreeMap;

use hotline_model::{
    CallId, TrunkId,
    event::{Event, TrunkState},
    guest::GuestName,
};

use crate::{Record, wallboard::TrunkLine};

/// How the target of a registration begins.
const REGISTRATION: &str = "register ";

/// The trunks.
#[derive(Clone, Debug, Default)]
pub struct LiveTrunks {
    trunks: BTreeMap<TrunkId, Live>,
    came: BTreeMap<CallId, TrunkId>,
    leave: BTreeMap<CallId, TrunkId>,
    /// Numbers outside that take part in a call, or are rung to.
    guests: BTreeMap<(CallId, GuestName), TrunkId>,
    /// Who was a guest last, and may have gone on with the call.
    parted: BTreeMap<CallId, (GuestName, TrunkId)>,
}

#[derive(Clone, Debug, Default)]
struct Live {
    targets: BTreeMap<String, (TrunkState, String)>,
    state: TrunkState,
    since_up_ms: u64,
}

impl LiveTrunks {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        match &record.stamped.event {
            // What an earlier run knew is nothing to this one.
            Event::EngineStarted { .. } | Event::EngineStopped {} => *self = Self::default(),
            Event::TrunkStateChanged {
                trunk,
                target,
                state,
                detail,
            } => {
                let live = self.trunks.entry(*trunk).or_default();
                let known = (*state, detail.clone());
                live.targets.insert(target.clone(), known);
                live.judge(record.stamped.up_ms);
            }
            Event::CallArrived {
                call,
                trunk: Some(trunk),
                ..
            } => {
                self.came.insert(*call, *trunk);
            }
            Event::TrunkTried {
                call,
                trunk,
                called,
                for_guest: true,
                ..
            } => {
                let guest = GuestName::Outside(called.clone());
                self.guests.insert((*call, guest), *trunk);
            }
            Event::TrunkTried { call, trunk, .. } => {
                self.leave.insert(*call, *trunk);
            }
            // Another trunk is tried for a guest, or it leaves.
            Event::TrunkFailed {
                for_guest: true, ..
            } => {}
            Event::TrunkFailed { call, .. } | Event::CallbackFailed { call, .. } => {
                self.leave.remove(call);
            }
            // Nobody is on the line any more.
            Event::CallbackRequested { call, .. } => {
                self.came.remove(call);
            }
            Event::CallEnded { call, .. } | Event::DialEnded { call, .. } => {
                self.came.remove(call);
                self.leave.remove(call);
                self.guests.retain(|(of, _), _| of != call);
                self.parted.remove(call);
            }
            event => self.guest_left(event),
        }
    }

    /// A guest is carried no more, unless it is who takes the caller.
    fn guest_left(&mut self, event: &Event) {
        match event {
            Event::GuestLeft { call, guest, .. } => {
                let key = (*call, guest.clone());
                if let Some(trunk) = self.guests.remove(&key) {
                    self.parted.insert(*call, (key.1, trunk));
                }
            }
            Event::TalkTransferred { call, to, .. } => {
                if let Some((guest, trunk)) = self.parted.remove(call)
                    && guest.to_string() == *to
                {
                    self.guests.insert((*call, guest), trunk);
                }
            }
            _ => {}
        }
    }

    /// One line per trunk of `trunks`.
    pub fn lines(&self, trunks: &[TrunkId], now_up_ms: u64) -> Vec<TrunkLine> {
        let unknown = Live::default();
        let carried = |by: &mut dyn Iterator<Item = &TrunkId>, trunk: TrunkId| {
            let count = by.filter(|by| **by == trunk).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let line = |&trunk: &TrunkId| {
            let live = self.trunks.get(&trunk).unwrap_or(&unknown);
            TrunkLine {
                trunk,
                state: live.state,
                detail: live.detail(),
                since_ms: now_up_ms.saturating_sub(live.since_up_ms),
                calls_in: carried(&mut self.came.values(), trunk),
                calls_out: carried(&mut self.leave.values().chain(self.guests.values()), trunk),
            }
        };
        trunks.iter().map(line).collect()
    }
}

impl Live {
    fn judge(&mut self, up_ms: u64) {
        let of = |registration: bool| {
            let targets = self.targets.iter();
            targets
                .filter(move |(name, _)| name.starts_with(REGISTRATION) == registration)
                .map(|(_, (state, _))| *state)
        };
        let state = TrunkState::of(of(false), of(true).next());
        if state != self.state {
            (self.state, self.since_up_ms) = (state, up_ms);
        }
    }

    /// The targets that are as the trunk is and the worse ones, each with its reason: of a trunk
    /// that is up, what is not.
    fn detail(&self) -> String {
        let bad = self
            .targets
            .iter()
            .filter(|(_, (state, _))| match self.state {
                TrunkState::Up => *state == TrunkState::Down,
                ours => *state >= ours,
            });
        let words: Vec<String> = bad
            .map(|(target, (_, why))| format!("{target}: {why}"))
            .collect();
        words.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{arrived, dialled, ended, records};
    use hotline_model::{
        SeatId,
        event::{Outcome, TransferKind},
        guest::GuestMode,
    };

    fn turned(target: &str, state: TrunkState, detail: &str) -> Event {
        Event::TrunkStateChanged {
            trunk: TrunkId::new("mobile").unwrap(),
            target: target.into(),
            state,
            detail: detail.into(),
        }
    }

    fn line(events: Vec<Event>) -> TrunkLine {
        let mut trunks = LiveTrunks::default();
        for record in records(events) {
            trunks.apply(&record);
        }
        let mobile = TrunkId::new("mobile").unwrap();
        trunks.lines(&[mobile], 60_000).remove(0)
    }

    #[test]
    fn a_trunk_says_since_when_it_is_down_and_why() {
        use TrunkState::{Down, Unknown, Up};
        assert_eq!(line(vec![]).state, Unknown);
        let (a, b) = ("UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060");
        let one = line(vec![turned(a, Up, "answers"), turned(b, Down, "no answer")]);
        assert_eq!(one.state, Up);
        assert_eq!(one.detail, "UDP 192.0.2.2:5060: no answer");
        let none = line(vec![
            turned(a, Up, "answers"),
            turned(b, Down, "no answer"),
            turned(a, Down, "503, rests 30 s"),
        ]);
        assert_eq!((none.state, none.since_ms), (Down, 58_000));
        assert_eq!(
            none.detail,
            "UDP 192.0.2.1:5060: 503, rests 30 s; UDP 192.0.2.2:5060: no answer"
        );
        let refused = turned("register UDP 192.0.2.1:5060", Down, "refused, 403");
        let unregistered = line(vec![turned(a, Up, "answers"), refused]);
        assert_eq!(unregistered.state, Down);
        assert_eq!(
            unregistered.detail,
            "register UDP 192.0.2.1:5060: refused, 403"
        );
        let version = "0.1.0".to_owned();
        let again = line(vec![turned(a, Down, "x"), Event::EngineStarted { version }]);
        assert_eq!((again.state, again.detail.as_str()), (Unknown, ""));
    }

    #[test]
    fn calls_are_counted_both_ways_and_only_while_they_live() {
        let mut events = vec![arrived(1), arrived(2)];
        events.extend(dialled(3).into_iter().take(3));
        let busy = line(events.clone());
        assert_eq!((busy.calls_in, busy.calls_out), (2, 1));
        events.push(ended(1, Outcome::Answered));
        events.extend(dialled(3).into_iter().skip(3));
        let quiet = line(events.clone());
        assert_eq!((quiet.calls_in, quiet.calls_out), (1, 0));
        events.extend(dialled(4).into_iter().take(2));
        events.push(Event::TrunkFailed {
            call: CallId(4),
            trunk: TrunkId::new("mobile").unwrap(),
            status: 503,
            cause: "the trunk is not available".into(),
            for_guest: false,
        });
        assert_eq!(line(events).calls_out, 0);
    }

    #[test]
    fn a_guest_outside_is_carried_while_it_takes_part_or_has_the_caller() {
        let (call, trunk) = (CallId(1), TrunkId::new("mobile").unwrap());
        let guest = GuestName::Outside("06358261234".into());
        let tried = Event::TrunkTried {
            call,
            trunk,
            target: "UDP 192.0.2.1:5060".into(),
            called: "06358261234".into(),
            for_guest: true,
        };
        let failed = Event::TrunkFailed {
            call,
            trunk,
            status: 503,
            cause: String::new(),
            for_guest: true,
        };
        let left = Event::GuestLeft {
            call,
            guest,
            mode: GuestMode::Consult,
            cause: String::new(),
        };
        let given = Event::TalkTransferred {
            call,
            from: SeatId::new("1001").unwrap(),
            to: "outside:06358261234".into(),
            kind: TransferKind::Attended,
        };
        let events = [tried.clone(), failed, tried, left, given];
        let out = |count: usize| {
            let story = dialled(1).into_iter().take(2);
            line(story.chain(events[..count].iter().cloned()).collect()).calls_out
        };
        assert_eq!([out(0), out(1), out(3), out(4), out(5)], [1, 2, 2, 1, 2]);
        let mut all = events.to_vec();
        all.push(ended(1, Outcome::Answered));
        assert_eq!(line(all).calls_out, 0);
    }
}
