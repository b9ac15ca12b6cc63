//! A script at work on the caller's leg: shared by the menu before the queue and the survey after
//! the talk.

use std::sync::Arc;

use hotline_ivr::{Booked, Effect, Facts as ScriptFacts, Input as ScriptInput, Program, Run};
use hotline_media::{Clip, Command};
use hotline_model::{Instant, SeatId, event::Event};

use super::Input;
use crate::{call::Facts, leg::ToMedia, switchboard::Switchboard};

/// A running script.
pub struct Script {
    run: Run,
    play: u32,
    /// The seat of the talk that was: what is said now is about it.
    about: Option<SeatId>,
}

impl Script {
    /// Starts the script, after a talk with that seat where there was one; what it decides is in `decisions`.
    pub fn begin(
        facts: &mut Facts,
        now: Instant,
        program: Arc<Program>,
        about: Option<SeatId>,
        board: &mut Switchboard,
    ) -> (Self, Vec<Effect>) {
        board.happened(
            now,
            Event::ScriptStarted {
                call: facts.id,
                script: program.name(),
                version: program.version().to_owned(),
            },
        );
        let known = ScriptFacts {
            language: facts.asked_language,
        };
        let mut script = Self {
            run: Run::start(program, known),
            play: 0,
            about,
        };
        let decisions = script.feed(facts, now, ScriptInput::Begin, board);
        (script, decisions)
    }

    /// Lets the script see an input of its stage; inputs it has no interest in do nothing.
    pub fn handle(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        input: &Input,
        board: &mut Switchboard,
    ) -> Vec<Effect> {
        match *input {
            Input::Digit(digit) => self.feed(facts, now, ScriptInput::Digit(digit), board),
            Input::PlayEnded(play) if play == self.play => {
                self.feed(facts, now, ScriptInput::PlayEnded, board)
            }
            Input::DeadlinePassed => self.feed(facts, now, ScriptInput::DeadlinePassed, board),
            _ => Vec::new(),
        }
    }

    /// Says whether the caller is called back, as [`Effect::Callback`] asked.
    pub fn callback(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        booked: Booked,
        board: &mut Switchboard,
    ) -> Vec<Effect> {
        self.feed(facts, now, ScriptInput::CallbackTaken(booked), board)
    }

    /// When the script wants to be woken.
    pub fn deadline(&self) -> Option<Instant> {
        self.run.deadline()
    }

    /// Carries out what concerns sound and journal, returns what the stage must decide.
    fn feed(
        &mut self,
        facts: &mut Facts,
        now: Instant,
        input: ScriptInput,
        board: &mut Switchboard,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.run.handle(now, input, &mut effects);
        let mut decisions = Vec::new();
        for effect in effects {
            match effect {
                Effect::Play { prompts, .. } => {
                    let clips = board.settings.prompts.clips(&prompts);
                    self.play(facts, clips, board);
                }
                Effect::Beep => {
                    let clips = board.settings.prompts.beep();
                    self.play(facts, clips, board);
                }
                Effect::Record { .. } => facts.begin_message(now, self.about, board),
                Effect::StopRecord { ended } => facts.end_message(now, ended, board),
                Effect::StopPlay => board.media(Command::StopPlay { leg: facts.leg.id }),
                Effect::Chosen { menu, digit } => {
                    board.happened(
                        now,
                        Event::MenuChosen {
                            call: facts.id,
                            menu,
                            digit,
                        },
                    );
                }
                decision => decisions.push(decision),
            }
        }
        decisions
    }

    /// Plays something once; its end is the script's.
    fn play(&mut self, facts: &mut Facts, clips: Vec<Clip>, board: &mut Switchboard) {
        self.play = facts.next_play();
        let (leg, play) = (facts.leg.id, self.play);
        board.media(Command::Play {
            leg,
            play,
            clips,
            repeat: false,
        });
    }
}
