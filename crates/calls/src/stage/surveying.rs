//! Surveying: the agent has left, the caller gives the score. Digits come from the caller's leg
//! only: nobody can press for them.

use std::collections::VecDeque;

use hotline_ivr::{Booked, Effect};
use hotline_model::{
    Instant, SeatId,
    event::{Event, Outcome, ReleasedBy},
};

use super::{Input, Stage, cause, released_by, script::Script};
use crate::{
    call::Facts,
    switchboard::{Side, Switchboard},
};

/// A call whose caller is asked for the score.
pub struct Surveying {
    script: Script,
    seat: SeatId,
    scored: bool,
}

impl Surveying {
    /// Starts the survey's script; without one the call is over.
    #[must_use]
    pub fn enter(facts: &mut Facts, now: Instant, seat: SeatId, board: &mut Switchboard) -> Stage {
        let program = board
            .settings
            .survey
            .and_then(|survey| board.settings.scripts.get(&survey))
            .cloned();
        let Some(program) = program else {
            return facts.end(now, Outcome::Answered, ReleasedBy::Agent, "hung up", board);
        };
        board.happened(
            now,
            Event::SurveyOffered {
                call: facts.id,
                seat,
            },
        );
        let (script, decisions) = Script::begin(facts, now, program, Some(seat), board);
        Box::new(Self {
            script,
            seat,
            scored: false,
        })
        .decide(facts, now, decisions, board)
    }

    /// When the script wants to be woken.
    pub fn deadline(&self) -> Option<Instant> {
        self.script.deadline()
    }

    /// See [`Stage::handle`].
    #[must_use]
    pub fn handle(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        input: Input,
        board: &mut Switchboard,
    ) -> Stage {
        match input {
            Input::Ended(Side::Caller, _, why) => {
                let by = released_by(Side::Caller, why);
                self.over(facts, now, by, cause(why), board)
            }
            Input::Silent(Side::Caller, _) => {
                let why = "no sound from the caller's side";
                self.over(facts, now, ReleasedBy::Network, why, board)
            }
            input => {
                let decisions = self.script.handle(facts, now, &input, board);
                self.decide(facts, now, decisions, board)
            }
        }
    }

    fn decide(
        mut self: Box<Self>,
        facts: &mut Facts,
        now: Instant,
        decisions: Vec<Effect>,
        board: &mut Switchboard,
    ) -> Stage {
        let mut decisions = VecDeque::from(decisions);
        while let Some(decision) = decisions.pop_front() {
            match decision {
                // Whoever was served needs no callback.
                Effect::Callback(..) => {
                    let refused = Booked::Refused;
                    decisions.extend(self.script.callback(facts, now, refused, board));
                }
                Effect::Score { digit, meaning } if !self.scored => {
                    self.scored = true;
                    let (call, seat) = (facts.id, self.seat);
                    board.happened(
                        now,
                        Event::SurveyAnswered {
                            call,
                            seat,
                            digit,
                            meaning,
                        },
                    );
                }
                Effect::HangUp { cause } => {
                    return self.over(facts, now, ReleasedBy::Engine, &cause, board);
                }
                // A survey that asks for a queue would never end: the call has been served.
                Effect::Enqueue { .. } | Effect::WaitOn { .. } => {
                    return self.over(facts, now, ReleasedBy::Engine, "survey over", board);
                }
                // Carried out by the script, or a second score.
                Effect::Score { .. }
                | Effect::NoScore
                | Effect::Play { .. }
                | Effect::StopPlay
                | Effect::Chosen { .. }
                | Effect::Beep
                | Effect::Record { .. }
                | Effect::StopRecord { .. } => {}
            }
        }
        Stage::Surveying(self)
    }

    fn over(
        &self,
        facts: &mut Facts,
        now: Instant,
        by: ReleasedBy,
        why: &str,
        board: &mut Switchboard,
    ) -> Stage {
        if !self.scored {
            let (call, seat) = (facts.id, self.seat);
            board.happened(now, Event::SurveyUnanswered { call, seat });
        }
        facts.end(now, Outcome::Answered, by, why, board)
    }
}
