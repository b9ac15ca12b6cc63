//! A call: what is known about it whatever stage it is in, and the stage.

use hotline_ivr::Language;
use hotline_model::{
    CallId, Instant, QueueId, SeatId, TrunkId,
    event::{Event, Outcome, ReleasedBy},
};

use crate::{
    callback::{Before, Callback},
    guests::{Guests, Recorded},
    leg::Leg,
    messages::{Messages, ended_by},
    stage::Stage,
    switchboard::Switchboard,
};

/// Priority of a caller whom no script gave one: the middle of 0–9.
const USUAL_PRIORITY: u8 = 5;

/// A call from a citizen.
pub struct Call {
    /// What is known whatever the stage.
    pub facts: Facts,
    /// Where it stands.
    pub stage: Stage,
}

/// What a call is and was. The clocks are set once and never restarted.
pub struct Facts {
    /// The call.
    pub id: CallId,
    /// Where it came from.
    pub trunk: Option<TrunkId>,
    /// The caller's number, normalised; empty when the network does not say it.
    pub caller: String,
    /// The caller asked that no seat be shown the number: see [`Facts::shown_caller`].
    pub withheld: bool,
    /// The seat that dialled, where a seat did.
    pub dialled_by: Option<SeatId>,
    /// The call goes out: what was talked so far.
    pub outgoing: Option<Talked>,
    /// The number dialled, normalised.
    pub called: String,
    /// The language the caller is spoken to.
    pub language: Language,
    /// The language the caller chose in a menu; scripts after it speak it too.
    pub asked_language: Option<Language>,
    /// The caller's side. Present until the call ended, or absent while the caller is to be called
    /// back.
    pub leg: Leg,
    /// INVITE received.
    pub arrived: Instant,
    /// The caller left the menu.
    pub menu_left: Option<Instant>,
    /// The caller first entered a queue.
    pub queued: Option<Instant>,
    /// The queue the caller entered last.
    pub last_queue: Option<QueueId>,
    /// The priority the caller had there.
    pub last_priority: u8,
    /// The instant that decides the place in line, where it is not `queued`.
    pub place_from: Option<Instant>,
    /// The caller asked to be called back.
    pub callback: Option<Callback>,
    /// What the clocks showed when an earlier run of the engine ended.
    pub before: Before,
    /// Queues that it left by overflow, each with the rules by which it did, one a bit.
    pub overflowed: Vec<(QueueId, u8)>,
    /// A human answered at least once.
    pub human_answered: bool,
    /// Recordings made so far.
    pub recordings: u32,
    /// Hops that calls made on behalf of this one may take: its INVITE's Max-Forwards less one
    /// (RFC 7332 §4). `None`: it said nothing.
    pub hops: Option<u32>,
    /// Further seats that take part, and what is between all.
    pub guests: Guests,
    /// The talk's recording.
    pub recorded: Recorded,
    /// What the caller said to the engine.
    pub messages: Messages,
    plays: u32,
}

/// How long an outgoing call was talked, ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Talked {
    /// From the answer to the end, hold included.
    pub talk_ms: u64,
    /// On hold.
    pub hold_ms: u64,
}

impl Facts {
    /// A call that just arrived.
    pub fn new(
        id: CallId,
        trunk: Option<TrunkId>,
        caller: String,
        called: String,
        leg: Leg,
        now: Instant,
    ) -> Self {
        Self {
            id,
            trunk,
            caller,
            withheld: false,
            dialled_by: None,
            outgoing: None,
            called,
            language: Language::Zh,
            asked_language: None,
            leg,
            arrived: now,
            menu_left: None,
            queued: None,
            last_queue: None,
            last_priority: USUAL_PRIORITY,
            place_from: None,
            callback: None,
            before: Before::default(),
            overflowed: Vec::new(),
            human_answered: false,
            recordings: 0,
            hops: None,
            guests: Guests::default(),
            recorded: Recorded::default(),
            messages: Messages::default(),
            plays: 0,
        }
    }

    /// The caller's number as a seat may be shown it.
    pub fn shown_caller(&self) -> &str {
        if self.withheld || self.caller.is_empty() {
            "anonymous"
        } else {
            &self.caller
        }
    }

    /// A number for the next sound played on the caller's leg: the report that it ended names it,
    /// so that a late report of a replaced sound is recognised. Steps of 2^16 leave room for what
    /// counts on by itself ([`crate::comfort::Comfort`]).
    pub fn next_play(&mut self) -> u32 {
        self.plays = self.plays.wrapping_add(1 << 16);
        self.plays
    }

    /// The rules by which the call left the queue, one a bit.
    pub fn left_by(&self, queue: QueueId) -> u8 {
        let mut left = self.overflowed.iter();
        left.find(|(of, _)| *of == queue).map_or(0, |&(_, by)| by)
    }

    /// The call left the queue by this rule, or not yet by any.
    pub fn leaves_by(&mut self, queue: QueueId, rule: usize) {
        let bit = u32::try_from(rule).ok().and_then(|n| 1u8.checked_shl(n));
        let before = self.left_by(queue);
        self.overflowed.retain(|(of, _)| *of != queue);
        self.overflowed.push((queue, before | bit.unwrap_or(0)));
    }

    /// How a call ends in a script, or beside a seat: it asked for a human and was sent away, was
    /// served, or never asked.
    pub fn outcome_of_script(&self) -> Outcome {
        match self.overflowed.is_empty() {
            true => Outcome::LeftMenu,
            false if self.human_answered => Outcome::Answered,
            false => Outcome::Overflowed,
        }
    }

    /// The call is over: says so, hangs up what is left and closes the caller's leg. The stage it
    /// returns is the last, so it is said once.
    pub fn end(
        &mut self,
        now: Instant,
        outcome: Outcome,
        released_by: ReleasedBy,
        cause: impl Into<String>,
        board: &mut Switchboard,
    ) -> Stage {
        self.talk_over(now, board);
        self.end_message(now, ended_by(released_by), board);
        self.forget_callback(board);
        board.close_leg(now, &mut self.leg, None);
        let total_ms = now.millis_since(self.arrived) + self.before.arrival_ms;
        let (call, cause) = (self.id, cause.into());
        let event = match self.outgoing {
            None => Event::CallEnded {
                call,
                outcome,
                released_by,
                cause,
                total_ms,
            },
            Some(Talked { talk_ms, hold_ms }) => Event::DialEnded {
                call,
                outcome,
                released_by,
                cause,
                talk_ms,
                hold_ms,
                total_ms,
            },
        };
        board.happened(now, event);
        if let Some(seat) = self.dialled_by.take() {
            board.seat_leaves_line(now, seat);
        }
        Stage::Ended
    }
}
