//! The interpreter: leads one caller through a script.

use core::time::Duration;
use std::{collections::VecDeque, sync::Arc};

use hotline_model::{
    Instant, QueueId, SkillId,
    event::MessageEnd,
    limits::{SCRIPT_STEPS_AT_ONCE, TYPED_AHEAD_DIGITS},
};

use crate::{
    Booked, KEYS, Language, Offer, Program, PromptKey,
    number::{self, Entry},
    program::{Act, Ask, Said, Step, StepIndex},
    speech::digits_spoken,
};

/// Longest time for the prompts of one step, seconds. Then the step goes on as if they had ended:
/// a lost report of the media worker must not hold a caller.
pub const PROMPTS_LONGEST_S: u64 = 120;

/// Longest time of a caller in one script, seconds. Then the script goes where it would go had the
/// caller said nothing: somebody who presses keys for ten minutes needs a human.
pub const SCRIPT_LONGEST_S: u64 = 600;

/// What is known of the call when a script starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The language that the caller chose before, e.g. in the menu before a survey. `None`, or a
    /// language that the script does not offer (`also-in`): the script's own.
    pub language: Option<Language>,
}

/// What happened to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The caller can hear. The first input; a second one is ignored.
    Begin,
    /// The caller pressed a key: `0`–`9`, `*`, `#`, `A`–`D`; anything else is ignored.
    Digit(char),
    /// The prompts of the latest [`Effect::Play`] were heard to the end. The end of a play that was
    /// stopped or replaced is not to be handed in.
    PlayEnded,
    /// Whether the caller is to be called back, as [`Effect::Callback`] asked.
    CallbackTaken(Booked),
    /// [`Run::deadline`] passed. Too early a call is ignored.
    DeadlinePassed,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Say these prompts, one after the other, in place of what is being said.
    Play {
        /// What to say; never empty.
        prompts: Vec<PromptKey>,
        /// Whether a key cuts them short. For the record: the run itself says [`Effect::StopPlay`].
        interruptible: bool,
    },
    /// Stop saying the prompts.
    StopPlay,
    /// The caller asks for a human. The last effect of a run.
    Enqueue {
        /// The queue.
        queue: QueueId,
        /// Skills asked of the seat beyond the queue's own.
        skills: Vec<SkillId>,
        /// 0 (first) to 9.
        priority: u8,
        /// The language to go on with.
        language: Language,
    },
    /// The caller chose in a menu, for the journal.
    Chosen {
        /// The step's name.
        menu: String,
        /// The key that led on: one of the menu's, or the last of several wrong ones. `None` when
        /// the time ran out.
        digit: Option<char>,
    },
    /// The caller gave a score.
    Score {
        /// The key.
        digit: char,
        /// What the script says it means, one of [`crate::MEANINGS`].
        meaning: String,
    },
    /// The caller was asked for a score and gave none.
    NoScore,
    /// Play the tone after which the caller speaks; its end is told as that of prompts. Followed by
    /// [`Effect::Record`].
    Beep,
    /// Record the caller alone from now on, until [`Effect::StopRecord`] or the end of the call.
    Record {
        /// How long at most; for the record: the run itself says when it is over.
        longest: Duration,
    },
    /// The message is over.
    StopRecord {
        /// How: by a key or its time.
        ended: MessageEnd,
    },
    /// The caller wants to be called back: answer with [`Input::CallbackTaken`]. Where it is taken,
    /// whatever releases the caller later lets the call stand on in line. With the number to be called,
    /// where the caller typed one ([`crate::is_citizens`]) in place of the own.
    Callback(Offer, Option<String>),
    /// The caller waits on where the call stood in line before, at the old priority. The last effect
    /// of a run.
    WaitOn {
        /// The queue of a caller who stood in none.
        queue: QueueId,
    },
    /// Release the caller. The last effect of a run.
    HangUp {
        /// Why, as the script says.
        cause: String,
    },
}

/// One caller's way through a script.
#[derive(Clone, Debug)]
pub struct Run {
    program: Arc<Program>,
    language: Language,
    phase: Phase,
    step: StepIndex,
    /// Wrong keys pressed in this step.
    wrong: u8,
    /// Keys pressed before they were asked for, oldest first.
    typed_ahead: VecDeque<char>,
    /// The number that is being typed; it is neither journalled nor logged before it is booked.
    typing: String,
    /// Numbers of this run that were none, or not what the caller meant.
    mistyped: u8,
    /// The number that the caller typed and confirmed.
    number: Option<String>,
    /// When the phase ends by itself.
    phase_ends: Instant,
    /// When the caller has been in the script for too long.
    script_ends: Instant,
}

/// What the run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `Begin`.
    Beginning,
    /// The end of the step's prompts.
    Saying,
    /// A key.
    Listening,
    /// The next digit of a number.
    Typing,
    /// The end of the number that is read back.
    ReadingBack,
    /// The key that confirms it.
    Confirming,
    /// The end of the tone before a message.
    Beeping,
    /// The end of a message.
    Recording,
    /// Whether the caller is called back.
    Asking,
    /// Nothing: the last effect was given.
    Over,
}

impl Run {
    /// A run at the script's start. It waits for [`Input::Begin`].
    pub fn start(program: Arc<Program>, facts: Facts) -> Self {
        let chosen = facts.language;
        let language = chosen.filter(|language| program.languages().contains(language));
        Self {
            language: language.unwrap_or(program.language()),
            phase: Phase::Beginning,
            step: program.start,
            wrong: 0,
            typed_ahead: VecDeque::new(),
            typing: String::new(),
            mistyped: 0,
            number: None,
            phase_ends: Instant::START,
            script_ends: Instant::START,
            program,
        }
    }

    /// Takes in what happened at `now` and appends what is to be done to `effects`. Always ends
    /// with [`Effect::Enqueue`], [`Effect::WaitOn`] or [`Effect::HangUp`] when time passes; after that it does nothing.
    pub fn handle(&mut self, now: Instant, input: Input, effects: &mut Vec<Effect>) {
        let next = match (self.phase, input) {
            (Phase::Over, _) => None,
            (Phase::Beginning, Input::Begin) => {
                self.script_ends = now + Duration::from_secs(SCRIPT_LONGEST_S);
                Some(self.step)
            }
            (Phase::Listening, Input::Digit(key)) if KEYS.contains(key) => {
                self.answer(now, key, effects)
            }
            (Phase::Typing, Input::Digit(key)) if KEYS.contains(key) => {
                self.type_digit(now, key, effects)
            }
            (Phase::Confirming, Input::Digit(key)) if KEYS.contains(key) => {
                self.confirm(now, key, effects)
            }
            (Phase::ReadingBack, Input::Digit(key)) if KEYS.contains(key) => {
                effects.push(Effect::StopPlay);
                self.confirm(now, key, effects)
            }
            (Phase::ReadingBack, Input::PlayEnded) => self.ask_to_confirm(now),
            (Phase::Recording, Input::Digit(key)) if KEYS.contains(key) => {
                self.message_over(MessageEnd::Key, effects)
            }
            // Pressed into the tone: whoever it is has not begun to speak.
            (Phase::Beeping, Input::Digit(_)) => None,
            (_, Input::Digit(key)) if KEYS.contains(key) => self.type_ahead(now, key, effects),
            (Phase::Saying, Input::PlayEnded) => self.prompts_over(now, effects),
            (Phase::Beeping, Input::PlayEnded) => self.record(now, effects),
            (Phase::Asking, Input::CallbackTaken(taken)) => self.answered(taken),
            (_, Input::DeadlinePassed) if self.deadline().is_some() => self.time(now, effects),
            _ => None,
        };
        self.go(now, next, effects);
    }

    /// When [`Input::DeadlinePassed`] is to be handed in; `None` before `Begin` and after the end.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Beginning | Phase::Over => None,
            Phase::Saying
            | Phase::Listening
            | Phase::Typing
            | Phase::ReadingBack
            | Phase::Confirming
            | Phase::Beeping
            | Phase::Recording
            | Phase::Asking => Some(self.phase_ends.min(self.script_ends)),
        }
    }

    /// Whether the run is over: the caller was enqueued or released.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// The language spoken to the caller.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The script.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Name of the step the caller is in.
    pub fn step(&self) -> &str {
        self.program.step(self.step).map_or("", |step| &step.name)
    }

    /// Enters step after step, until one waits for something.
    fn go(&mut self, now: Instant, first: Option<StepIndex>, effects: &mut Vec<Effect>) {
        let mut next = first;
        for _ in 0..SCRIPT_STEPS_AT_ONCE {
            let Some(step) = next else { return };
            next = self.enter(now, step, effects);
        }
        if let Some(step) = next {
            // A loop of keys typed ahead; the checker refuses all others.
            self.step = step;
            self.end_as_in_silence(effects);
        }
    }

    /// Enters a step; gives the next one where there is nothing to wait for.
    fn enter(
        &mut self,
        now: Instant,
        at: StepIndex,
        effects: &mut Vec<Effect>,
    ) -> Option<StepIndex> {
        let program = Arc::clone(&self.program);
        let step = program.step(at)?;
        self.step = at;
        self.wrong = 0;
        self.sort_out_typed_ahead(&step.act);
        if let Act::Number(entry) = &step.act
            && self.mistyped >= entry.tries
        {
            return self.no_number(entry, effects);
        }
        let skipped = step.interruptible && !self.typed_ahead.is_empty();
        if step.say.is_empty() || skipped {
            return self.prompts_over(now, effects);
        }
        self.say(now, step.say.iter(), step.interruptible, effects);
        None
    }

    /// A menu takes the first key typed ahead that it knows: the others were pressed before the
    /// caller could know what it asks. A score is an answer to a question that was heard, and a
    /// message one to a tone, so that nothing typed ahead counts.
    fn sort_out_typed_ahead(&mut self, act: &Act) {
        match act {
            Act::Menu { keys, .. } => {
                let known = |key: &char| keys.iter().any(|(known, _)| known == key);
                let unknown = self
                    .typed_ahead
                    .iter()
                    .take_while(|&key| !known(key))
                    .count();
                self.typed_ahead.drain(..unknown);
            }
            Act::Score { .. } | Act::Message { .. } => self.typed_ahead.clear(),
            Act::Then(_)
            | Act::Callback { .. }
            | Act::Number(_)
            | Act::Enqueue { .. }
            | Act::WaitOn { .. }
            | Act::HangUp { .. } => {}
        }
    }

    fn say<'s>(
        &mut self,
        now: Instant,
        said: impl Iterator<Item = &'s Said>,
        interruptible: bool,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(Effect::Play {
            prompts: said.map(|said| said.in_language(self.language)).collect(),
            interruptible,
        });
        self.phase = Phase::Saying;
        self.phase_ends = now + Duration::from_secs(PROMPTS_LONGEST_S);
    }

    /// Keeps a key that was not asked for yet. It cuts interruptible prompts short.
    fn type_ahead(
        &mut self,
        now: Instant,
        key: char,
        effects: &mut Vec<Effect>,
    ) -> Option<StepIndex> {
        if self.typed_ahead.len() == TYPED_AHEAD_DIGITS {
            self.typed_ahead.pop_front();
        }
        self.typed_ahead.push_back(key);
        let interruptible = self.program.step(self.step)?.interruptible;
        if self.phase != Phase::Saying || !interruptible {
            return None;
        }
        effects.push(Effect::StopPlay);
        self.prompts_over(now, effects)
    }

    /// The prompts of the step were heard, cut short or skipped: does what the step does.
    fn prompts_over(&mut self, now: Instant, effects: &mut Vec<Effect>) -> Option<StepIndex> {
        let program = Arc::clone(&self.program);
        match &program.step(self.step)?.act {
            Act::Then(next) => Some(*next),
            Act::Menu { ask, .. } | Act::Score { ask, .. } => {
                self.phase = Phase::Listening;
                self.phase_ends = now + ask.wait;
                let key = self.typed_ahead.pop_front()?;
                self.answer(now, key, effects)
            }
            Act::Message { .. } => {
                // The key that cut the prompts short is not one that ends the message.
                self.typed_ahead.clear();
                effects.push(Effect::Beep);
                self.phase = Phase::Beeping;
                self.phase_ends = now + Duration::from_secs(PROMPTS_LONGEST_S);
                None
            }
            Act::Callback { offer, .. } => {
                effects.push(Effect::Callback(offer.clone(), self.number.clone()));
                self.phase = Phase::Asking;
                self.phase_ends = now + Duration::from_secs(PROMPTS_LONGEST_S);
                None
            }
            Act::Number(entry) => self.begin_typing(now, entry, effects),
            end @ (Act::Enqueue { .. } | Act::WaitOn { .. } | Act::HangUp { .. }) => {
                self.end(end, effects);
                None
            }
        }
    }

    fn answered(&mut self, booked: Booked) -> Option<StepIndex> {
        if booked == Booked::NoNumber && self.number.take().is_some() {
            self.mistyped = self.mistyped.saturating_add(1);
        }
        match &self.program.step(self.step)?.act {
            Act::Callback { ways, .. } => Some(ways.after(booked)),
            _ => None,
        }
    }

    /// The tone was heard: the caller speaks.
    fn record(&mut self, now: Instant, effects: &mut Vec<Effect>) -> Option<StepIndex> {
        let Act::Message { longest, .. } = self.program.step(self.step)?.act else {
            return None;
        };
        effects.push(Effect::Record { longest });
        self.phase = Phase::Recording;
        self.phase_ends = now + longest;
        None
    }

    fn message_over(&self, ended: MessageEnd, effects: &mut Vec<Effect>) -> Option<StepIndex> {
        effects.push(Effect::StopRecord { ended });
        self.program.step(self.step)?.next_in_silence()
    }

    /// A key pressed as an answer to the step's question.
    fn answer(&mut self, now: Instant, key: char, effects: &mut Vec<Effect>) -> Option<StepIndex> {
        let program = Arc::clone(&self.program);
        let step = program.step(self.step)?;
        match &step.act {
            Act::Menu { keys, ask } => {
                let target = keys.iter().find(|(known, _)| *known == key);
                let Some(&(_, target)) = target else {
                    return self.wrong_key(now, key, step, ask, effects);
                };
                effects.push(chosen(step, Some(key)));
                Some(target)
            }
            Act::Score {
                meanings,
                then,
                ask,
            } => {
                let meaning = meanings.iter().find(|(known, _)| *known == key);
                let Some((_, meaning)) = meaning else {
                    return self.wrong_key(now, key, step, ask, effects);
                };
                effects.push(Effect::Score {
                    digit: key,
                    meaning: meaning.clone(),
                });
                Some(*then)
            }
            Act::Then(_)
            | Act::Message { .. }
            | Act::Callback { .. }
            | Act::Number(_)
            | Act::Enqueue { .. }
            | Act::WaitOn { .. }
            | Act::HangUp { .. } => None,
        }
    }

    /// The entry of this step's number.
    fn entry(&self) -> Option<Entry> {
        match &self.program.step(self.step)?.act {
            Act::Number(entry) => Some(entry.clone()),
            _ => None,
        }
    }

    /// The caller types a number; what was typed during the question is its beginning.
    fn begin_typing(
        &mut self,
        now: Instant,
        entry: &Entry,
        effects: &mut Vec<Effect>,
    ) -> Option<StepIndex> {
        self.typing.clear();
        self.phase = Phase::Typing;
        self.phase_ends = now + entry.wait;
        while self.phase == Phase::Typing {
            let key = self.typed_ahead.pop_front()?;
            if let Some(next) = self.type_digit(now, key, effects) {
                return Some(next);
            }
        }
        None
    }

    fn type_digit(
        &mut self,
        now: Instant,
        key: char,
        effects: &mut Vec<Effect>,
    ) -> Option<StepIndex> {
        let entry = self.entry()?;
        match key {
            number::ENDS => return self.number_typed(now, &entry, effects),
            number::ANEW => self.typing.clear(),
            digit if digit.is_ascii_digit() && self.typing.len() < number::TYPED_DIGITS => {
                self.typing.push(digit);
            }
            _ => {}
        }
        self.phase_ends = now + entry.wait;
        None
    }

    /// The number is whole: reads it back, or asks again where it is none.
    fn number_typed(
        &mut self,
        now: Instant,
        entry: &Entry,
        effects: &mut Vec<Effect>,
    ) -> Option<StepIndex> {
        if !number::is_citizens(&self.typing) {
            return self.ask_number_again(now, entry, &entry.wrong, effects);
        }
        let said = |said: &[Said]| -> Vec<PromptKey> {
            let prompts = said.iter().map(|said| said.in_language(self.language));
            prompts.collect()
        };
        let mut prompts = said(&entry.read);
        prompts.extend(digits_spoken(self.language, &self.typing));
        prompts.extend(said(&entry.confirm));
        effects.push(Effect::Play {
            prompts,
            interruptible: true,
        });
        self.phase = Phase::ReadingBack;
        self.phase_ends = now + Duration::from_secs(PROMPTS_LONGEST_S);
        None
    }

    fn ask_to_confirm(&mut self, now: Instant) -> Option<StepIndex> {
        let entry = self.entry()?;
        self.phase = Phase::Confirming;
        self.phase_ends = now + entry.wait;
        None
    }

    /// One key takes the number, any other asks for it again.
    fn confirm(&mut self, now: Instant, key: char, effects: &mut Vec<Effect>) -> Option<StepIndex> {
        let entry = self.entry()?;
        if key != number::CONFIRMS {
            return self.ask_number_again(now, &entry, &[], effects);
        }
        let program = Arc::clone(&self.program);
        effects.push(chosen(program.step(self.step)?, Some(key)));
        self.number = Some(core::mem::take(&mut self.typing));
        Some(entry.then)
    }

    fn ask_number_again(
        &mut self,
        now: Instant,
        entry: &Entry,
        wrong: &[Said],
        effects: &mut Vec<Effect>,
    ) -> Option<StepIndex> {
        self.typed_ahead.clear();
        self.mistyped = self.mistyped.saturating_add(1);
        if self.mistyped >= entry.tries {
            return self.no_number(entry, effects);
        }
        let program = Arc::clone(&self.program);
        let step = program.step(self.step)?;
        let mut said = wrong.iter().chain(&step.say).peekable();
        if said.peek().is_none() {
            return self.begin_typing(now, entry, effects);
        }
        self.say(now, said, step.interruptible, effects);
        None
    }

    /// The caller typed no number that is confirmed.
    fn no_number(&mut self, entry: &Entry, effects: &mut Vec<Effect>) -> Option<StepIndex> {
        self.typing.clear();
        let program = Arc::clone(&self.program);
        effects.push(chosen(program.step(self.step)?, None));
        Some(entry.otherwise)
    }

    /// Asks again, or goes on when the tries are used up. What was typed after a wrong key was
    /// typed on a wrong assumption.
    fn wrong_key(
        &mut self,
        now: Instant,
        key: char,
        step: &Step,
        ask: &Ask,
        effects: &mut Vec<Effect>,
    ) -> Option<StepIndex> {
        self.typed_ahead.clear();
        self.wrong = self.wrong.saturating_add(1);
        if self.wrong >= ask.tries {
            effects.push(unanswered(step, Some(key))?);
            return Some(ask.wrong);
        }
        let mut said = ask.say_wrong.iter().chain(&step.say).peekable();
        if said.peek().is_none() {
            self.phase_ends = now + ask.wait;
        } else {
            self.say(now, said, step.interruptible, effects);
        }
        None
    }

    /// A deadline passed, if it did.
    fn time(&mut self, now: Instant, effects: &mut Vec<Effect>) -> Option<StepIndex> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        match self.phase {
            Phase::Saying | Phase::Beeping | Phase::ReadingBack => effects.push(Effect::StopPlay),
            Phase::Recording => effects.push(Effect::StopRecord {
                ended: MessageEnd::Time,
            }),
            Phase::Beginning
            | Phase::Listening
            | Phase::Typing
            | Phase::Confirming
            | Phase::Asking
            | Phase::Over => {}
        }
        let program = Arc::clone(&self.program);
        let step = program.step(self.step)?;
        let too_long = now >= self.script_ends;
        match self.phase {
            Phase::Saying if !too_long => return self.prompts_over(now, effects),
            Phase::Beeping if !too_long => return self.record(now, effects),
            Phase::ReadingBack if !too_long => return self.ask_to_confirm(now),
            // Many forget the key that ends it.
            Phase::Typing if !too_long && !self.typing.is_empty() => {
                let entry = self.entry()?;
                return self.number_typed(now, &entry, effects);
            }
            _ => {}
        }
        effects.extend(unanswered(step, None));
        if too_long {
            self.end_as_in_silence(effects);
            return None;
        }
        step.next_in_silence()
    }

    /// Goes at once to the end that a silent caller would come to. The checker proved that every
    /// step has one, no further away than there are steps.
    fn end_as_in_silence(&mut self, effects: &mut Vec<Effect>) {
        let program = Arc::clone(&self.program);
        for _ in 0..=program.steps.len() {
            let Some(step) = program.step(self.step) else {
                return;
            };
            match step.next_in_silence() {
                Some(next) => self.step = next,
                None => return self.end(&step.act, effects),
            }
        }
    }

    fn end(&mut self, act: &Act, effects: &mut Vec<Effect>) {
        self.phase = Phase::Over;
        match act {
            Act::Enqueue {
                queue,
                skills,
                priority,
                language,
            } => effects.push(Effect::Enqueue {
                queue: *queue,
                skills: skills.clone(),
                priority: *priority,
                language: language.unwrap_or(self.language),
            }),
            Act::WaitOn { queue } => effects.push(Effect::WaitOn { queue: *queue }),
            Act::HangUp { cause } => effects.push(Effect::HangUp {
                cause: cause.clone(),
            }),
            Act::Then(_)
            | Act::Menu { .. }
            | Act::Score { .. }
            | Act::Message { .. }
            | Act::Callback { .. }
            | Act::Number(_) => {}
        }
    }
}

fn chosen(step: &Step, digit: Option<char>) -> Effect {
    Effect::Chosen {
        menu: step.name.clone(),
        digit,
    }
}

/// What the journal is told when a question was left without an answer; `last` is the last wrong
/// key.
fn unanswered(step: &Step, last: Option<char>) -> Option<Effect> {
    match step.act {
        Act::Menu { .. } => Some(chosen(step, last)),
        // Never a digit of a number.
        Act::Number(_) => Some(chosen(step, None)),
        Act::Score { .. } => Some(Effect::NoScore),
        Act::Then(_)
        | Act::Message { .. }
        | Act::Callback { .. }
        | Act::Enqueue { .. }
        | Act::WaitOn { .. }
        | Act::HangUp { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Known;

    fn run(script: &str) -> Run {
        let text = format!("name = \"test\"\nlanguage = \"zh\"\nalso-in = \"en\"\n{script}");
        let known = Known {
            queues: &|_| true,
            prompts: &|_, _| true,
        };
        let program = Program::compile(&text, &known).unwrap();
        Run::start(Arc::new(program), Facts::default())
    }

    /// The effects of one input, `ms` after the start.
    fn at(run: &mut Run, ms: u64, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        let now = Instant::START + Duration::from_millis(ms);
        run.handle(now, input, &mut effects);
        effects
    }

    fn deadline_ms(run: &Run) -> Option<u64> {
        run.deadline().map(|at| at.millis_since(Instant::START))
    }

    fn play(keys: &[&str], interruptible: bool) -> Effect {
        let keys = keys.iter();
        Effect::Play {
            prompts: keys.map(|&key| PromptKey::new(Language::Zh, key)).collect(),
            interruptible,
        }
    }

    fn picked(menu: &str, digit: Option<char>) -> Effect {
        Effect::Chosen {
            menu: menu.to_owned(),
            digit,
        }
    }

    fn over(cause: &str) -> Effect {
        Effect::HangUp {
            cause: cause.to_owned(),
        }
    }

    const ASK: &str = r#"
        start = "ask"
        [step.ask]
        say = "q"
        menu = { 1 = "one" }
        wait-seconds = 7
        tries = 3
        say-wrong = "no"
        on-silence = "silent"
        on-wrong = "wrong"
        [step.one]
        hang-up = "one"
        [step.silent]
        hang-up = "silent"
        [step.wrong]
        hang-up = "wrong"
    "#;

    #[test]
    fn the_time_of_a_menu_counts_from_the_end_of_its_prompts() {
        let mut run = run(ASK);
        assert_eq!(deadline_ms(&run), None);
        assert_eq!(at(&mut run, 0, Input::Begin), [play(&["q"], true)]);
        assert_eq!(deadline_ms(&run), Some(PROMPTS_LONGEST_S * 1_000));
        assert_eq!(at(&mut run, 4_000, Input::PlayEnded), []);
        assert_eq!(deadline_ms(&run), Some(11_000));
        assert_eq!(at(&mut run, 10_999, Input::DeadlinePassed), []);
        let silence = [picked("ask", None), over("silent")];
        assert_eq!(at(&mut run, 11_000, Input::DeadlinePassed), silence);
        assert_eq!(deadline_ms(&run), None);
        for input in [
            Input::Begin,
            Input::Digit('1'),
            Input::PlayEnded,
            Input::DeadlinePassed,
        ] {
            assert_eq!(at(&mut run, 99_000, input), []);
        }
    }

    #[test]
    fn a_wrong_key_is_answered_until_the_tries_are_used_up() {
        let mut run = run(ASK);
        at(&mut run, 0, Input::Begin);
        let again = play(&["no", "q"], true);
        assert_eq!(
            at(&mut run, 1_000, Input::Digit('2')),
            [Effect::StopPlay, again.clone()]
        );
        at(&mut run, 9_000, Input::PlayEnded);
        assert_eq!(at(&mut run, 10_000, Input::Digit('#')), [again]);
        at(&mut run, 18_000, Input::PlayEnded);
        assert_eq!(deadline_ms(&run), Some(25_000));
        let end = [picked("ask", Some('*')), over("wrong")];
        assert_eq!(at(&mut run, 19_000, Input::Digit('*')), end);
    }

    #[test]
    fn without_a_word_to_say_a_wrong_key_starts_the_time_again() {
        let mut run = run(&ASK
            .replace("say = \"q\"", "")
            .replace("say-wrong = \"no\"", ""));
        assert_eq!(at(&mut run, 0, Input::Begin), []);
        assert_eq!(deadline_ms(&run), Some(7_000));
        assert_eq!(at(&mut run, 3_000, Input::Digit('5')), []);
        assert_eq!(deadline_ms(&run), Some(10_000));
    }

    #[test]
    fn what_is_not_a_key_of_a_telephone_is_ignored() {
        let mut run = run(ASK);
        at(&mut run, 0, Input::Begin);
        for key in ['a', 'E', '一', '\0', ' '] {
            assert_eq!(at(&mut run, 1_000, Input::Digit(key)), []);
        }
        assert_eq!(at(&mut run, 2_000, Input::Digit('1')).len(), 3);
    }

    #[test]
    fn keys_pressed_before_the_begin_count_and_the_oldest_are_dropped() {
        let mut early = run(ASK);
        at(&mut early, 0, Input::Digit('1'));
        assert_eq!(
            at(&mut early, 0, Input::Begin),
            [picked("ask", Some('1')), over("one")]
        );
        let mut many = run(ASK);
        at(&mut many, 0, Input::Digit('1'));
        for _ in 0..TYPED_AHEAD_DIGITS {
            at(&mut many, 0, Input::Digit('9'));
        }
        assert_eq!(at(&mut many, 0, Input::Begin), [play(&["q"], true)]);
    }

    #[test]
    fn keys_during_prompts_that_are_said_to_the_end_are_kept() {
        let mut run = run(&ASK.replace("say = \"q\"", "say = \"q\"\ninterruptible = false"));
        assert_eq!(at(&mut run, 0, Input::Begin), [play(&["q"], false)]);
        assert_eq!(at(&mut run, 1_000, Input::Digit('1')), []);
        assert_eq!(
            at(&mut run, 4_000, Input::PlayEnded),
            [picked("ask", Some('1')), over("one")]
        );
    }

    #[test]
    fn a_lost_report_of_the_end_of_prompts_holds_nobody() {
        let mut run = run(ASK);
        at(&mut run, 0, Input::Begin);
        assert_eq!(
            at(&mut run, 120_000, Input::DeadlinePassed),
            [Effect::StopPlay]
        );
        assert_eq!(deadline_ms(&run), Some(127_000));
        assert_eq!(
            at(&mut run, 120_500, Input::Digit('1')),
            [picked("ask", Some('1')), over("one")]
        );
    }

    #[test]
    fn nothing_typed_ahead_is_a_score() {
        let mut run = run(r#"
            start = "hello"
            [step.hello]
            say = "a"
            then = "ask"
            [step.ask]
            say = "q"
            score = { 1 = "satisfied" }
            then = "bye"
            on-silence = "bye"
            [step.bye]
            say = "b"
            hang-up = "over"
        "#);
        at(&mut run, 0, Input::Begin);
        let asked = [Effect::StopPlay, play(&["q"], true)];
        assert_eq!(at(&mut run, 500, Input::Digit('1')), asked);
        at(&mut run, 3_000, Input::PlayEnded);
        let none = [Effect::NoScore, play(&["b"], false)];
        assert_eq!(at(&mut run, 8_000, Input::DeadlinePassed), none);
        assert_eq!(at(&mut run, 8_500, Input::Digit('1')), []);
        assert_eq!(at(&mut run, 9_000, Input::PlayEnded), [over("over")]);
    }

    const MESSAGE: &str = r#"
        start = "ask"
        [step.ask]
        say = "q"
        message-seconds = 60
        then = "bye"
        [step.bye]
        hang-up = "over"
    "#;

    fn record(seconds: u64) -> Effect {
        Effect::Record {
            longest: Duration::from_secs(seconds),
        }
    }

    fn message_over(ended: MessageEnd) -> Effect {
        Effect::StopRecord { ended }
    }

    #[test]
    fn a_message_is_said_between_the_tone_and_a_key() {
        let mut run = run(MESSAGE);
        assert_eq!(at(&mut run, 0, Input::Begin), [play(&["q"], true)]);
        assert_eq!(at(&mut run, 4_000, Input::PlayEnded), [Effect::Beep]);
        assert_eq!(at(&mut run, 4_200, Input::Digit('#')), [], "into the tone");
        assert_eq!(at(&mut run, 4_500, Input::PlayEnded), [record(60)]);
        assert_eq!(deadline_ms(&run), Some(64_500));
        assert_eq!(at(&mut run, 5_000, Input::PlayEnded), []);
        let end = [message_over(MessageEnd::Key), over("over")];
        assert_eq!(at(&mut run, 9_000, Input::Digit('5')), end);
    }

    #[test]
    fn a_message_ends_by_its_time() {
        let mut run = run(MESSAGE);
        at(&mut run, 0, Input::Begin);
        at(&mut run, 4_000, Input::PlayEnded);
        at(&mut run, 4_500, Input::PlayEnded);
        assert_eq!(at(&mut run, 64_499, Input::DeadlinePassed), []);
        let end = [message_over(MessageEnd::Time), over("over")];
        assert_eq!(at(&mut run, 64_500, Input::DeadlinePassed), end);
    }

    #[test]
    fn the_key_that_cuts_the_prompts_short_does_not_end_the_message() {
        let mut run = run(MESSAGE);
        at(&mut run, 0, Input::Digit('7'));
        assert_eq!(at(&mut run, 0, Input::Begin), [play(&["q"], true)]);
        let cut = [Effect::StopPlay, Effect::Beep];
        assert_eq!(at(&mut run, 1_000, Input::Digit('1')), cut);
        assert_eq!(at(&mut run, 1_500, Input::PlayEnded), [record(60)]);
        assert!(!run.is_over());
    }

    #[test]
    fn a_lost_report_of_the_tones_end_lets_the_caller_speak() {
        let mut run = run(MESSAGE);
        at(&mut run, 0, Input::Begin);
        at(&mut run, 4_000, Input::PlayEnded);
        let late = [Effect::StopPlay, record(60)];
        assert_eq!(at(&mut run, 124_000, Input::DeadlinePassed), late);
    }

    #[test]
    fn the_longest_time_in_a_script_ends_a_message_as_well() {
        let script = MESSAGE.replace("message-seconds = 60", "message-seconds = 300");
        let script = script.replace(
            "[step.bye]",
            "[step.again]\nmessage-seconds = 300\nthen = \"third\"\n\
             [step.third]\nmessage-seconds = 300\nthen = \"bye\"\n[step.bye]",
        );
        let mut run = run(&script.replacen("then = \"bye\"", "then = \"again\"", 1));
        at(&mut run, 0, Input::Begin);
        for ms in [4_000, 4_500] {
            at(&mut run, ms, Input::PlayEnded);
        }
        let next = [message_over(MessageEnd::Time), Effect::Beep];
        assert_eq!(at(&mut run, 304_500, Input::DeadlinePassed), next);
        at(&mut run, 305_000, Input::PlayEnded);
        assert_eq!(deadline_ms(&run), Some(600_000));
        let end = [message_over(MessageEnd::Time), over("over")];
        assert_eq!(at(&mut run, 600_000, Input::DeadlinePassed), end);
    }

    /// A menu whose key leads back to it, through silent steps.
    fn circle(length: usize) -> String {
        let mut text = String::from(
            "start = \"ask\"\n[step.ask]\nmenu = { 1 = \"s0\" }\non-silence = \"human\"\n\
             [step.human]\nsay = \"c\"\nenqueue = \"general\"\n",
        );
        for step in 0..length {
            text += &format!("[step.s{step}]\nthen = \"s{}\"\n", step + 1);
        }
        text + &format!("[step.s{length}]\nthen = \"ask\"\n")
    }

    #[test]
    fn too_many_steps_at_once_end_as_silence_does() {
        let mut run = run(&circle(20));
        for _ in 0..TYPED_AHEAD_DIGITS {
            at(&mut run, 0, Input::Digit('1'));
        }
        let effects = at(&mut run, 0, Input::Begin);
        assert!(run.is_over());
        assert!(
            matches!(effects.last(), Some(Effect::Enqueue { .. })),
            "{effects:?}"
        );
        // 256 steps are twelve rounds of 22.
        assert_eq!(effects.len(), 12 + 1);
    }

    #[test]
    fn a_caller_who_keeps_pressing_gets_a_human_in_the_end() {
        let mut run = run(&circle(0));
        at(&mut run, 0, Input::Begin);
        for second in 1..SCRIPT_LONGEST_S {
            assert_eq!(
                at(&mut run, second * 1_000, Input::Digit('1')),
                [picked("ask", Some('1'))]
            );
        }
        assert_eq!(deadline_ms(&run), Some(SCRIPT_LONGEST_S * 1_000));
        let effects = at(&mut run, SCRIPT_LONGEST_S * 1_000, Input::DeadlinePassed);
        assert_eq!(effects.first(), Some(&picked("ask", None)));
        assert!(
            matches!(effects.get(1), Some(Effect::Enqueue { .. })),
            "{effects:?}"
        );
    }

    #[test]
    fn the_language_chosen_before_is_spoken_where_the_script_has_it() {
        let program = run(ASK).program;
        let english = Facts {
            language: Some(Language::En),
        };
        let mut chosen = Run::start(Arc::clone(&program), english);
        let said = at(&mut chosen, 0, Input::Begin);
        let Some(Effect::Play { prompts, .. }) = said.first() else {
            panic!("{said:?}");
        };
        assert_eq!(prompts.as_slice(), [PromptKey::new(Language::En, "q")]);
        let mut only_chinese = Program::clone(&program);
        only_chinese.languages.truncate(1);
        let run = Run::start(Arc::new(only_chinese), english);
        assert_eq!(run.language(), Language::Zh);
    }
}
