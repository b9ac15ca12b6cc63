//! A conversation with a script as text: for the terminal and for the golden transcripts.
//!
//! ```text
//! == the caller knows the way          a dialogue's title; [en] at its end: English was chosen
//! < say welcome                        what the script does
//! > 1.5s press 0                       what the caller does, and how long after the line before
//! < stop
//! < say recording-notice (to the end)  prompts that a key does not cut short
//! > 4s heard                           the prompts ended
//! < chosen main 0
//! < enqueue general priority 5 zh
//! ```
//! Whether a callback is taken is said by `> taken`, `> refused` or `> no-number`.
//! A message is `< beep`, `> 1s heard`, `< record 120 s`, `> 20s press 1`, `< message over: a key`.

use core::time::Duration;
use std::{collections::VecDeque, sync::Arc};

use hotline_model::{Instant, diagnostic::Diagnostic, event::MessageEnd};

use crate::{Booked, Effect, Facts, Input, KEYS, Language, Program, Run};

/// Longest time that one line lets pass, seconds.
const LINE_S: u64 = 3_600;

/// A caller at a keyboard: lines in, lines out, time as the lines say.
#[derive(Clone, Debug)]
pub struct Dialogue {
    run: Run,
    now: Instant,
    saying: bool,
    /// The script waits for whether a callback is taken.
    offered: bool,
}

impl Dialogue {
    /// Starts the script at 0 s; the lines it says first are appended to `said`.
    pub fn start(program: Arc<Program>, facts: Facts, said: &mut Vec<String>) -> Self {
        let mut dialogue = Self {
            run: Run::start(program, facts),
            now: Instant::START,
            saying: false,
            offered: false,
        };
        dialogue.handle(Input::Begin, said);
        dialogue
    }

    /// Takes a line such as `2.5s press 2`, `4s heard` or `3s wait` (the time since the line before
    /// may be left out where something is done), and appends what the script does to `said`, one
    /// line each.
    ///
    /// # Errors
    /// A sentence for the person who typed it, when the line is not understood.
    pub fn line(&mut self, line: &str, said: &mut Vec<String>) -> Result<(), String> {
        let mut words = line.split_whitespace().peekable();
        let passes = words.peek().and_then(|word| seconds(word));
        if passes.is_some() {
            words.next();
        }
        let words: Vec<&str> = words.collect();
        match (passes, words.as_slice()) {
            (passes, ["press", keys]) if keys.chars().all(|key| KEYS.contains(key)) => {
                self.pass(passes.unwrap_or_default(), said);
                for key in keys.chars() {
                    self.handle(Input::Digit(key), said);
                }
                Ok(())
            }
            (passes, ["heard"]) => {
                self.pass(passes.unwrap_or_default(), said);
                if !self.saying {
                    return Err("nothing is being said".to_owned());
                }
                self.handle(Input::PlayEnded, said);
                Ok(())
            }
            (passes, [word @ ("taken" | "refused" | "no-number")]) => {
                self.pass(passes.unwrap_or_default(), said);
                if !self.offered {
                    return Err("no callback was asked for".to_owned());
                }
                let booked = match *word {
                    "taken" => Booked::Taken,
                    "refused" => Booked::Refused,
                    _ => Booked::NoNumber,
                };
                self.handle(Input::CallbackTaken(booked), said);
                Ok(())
            }
            (Some(passes), [] | ["wait"]) => {
                self.pass(passes, said);
                Ok(())
            }
            _ => Err(
                "write `press KEY`, `heard`, `3s wait`, or after `callback` `taken`, \
                      `refused` or `no-number`, with the time before it: `2.5s press 2`"
                    .to_owned(),
            ),
        }
    }

    /// The script said its last word.
    pub fn is_over(&self) -> bool {
        self.run.is_over()
    }

    /// Name of the step the caller is in.
    pub fn step(&self) -> &str {
        self.run.step()
    }

    /// Lets time pass, and each deadline at its very time.
    fn pass(&mut self, time: Duration, said: &mut Vec<String>) {
        let until = self.now + time;
        while let Some(deadline) = self.run.deadline().filter(|&deadline| deadline <= until) {
            self.now = self.now.max(deadline);
            self.handle(Input::DeadlinePassed, said);
        }
        self.now = until;
    }

    fn handle(&mut self, input: Input, said: &mut Vec<String>) {
        if input == Input::PlayEnded {
            self.saying = false;
        }
        if let Input::CallbackTaken(_) = input {
            self.offered = false;
        }
        let mut effects = Vec::new();
        self.run.handle(self.now, input, &mut effects);
        for effect in &effects {
            match effect {
                Effect::Play { .. } | Effect::Beep => self.saying = true,
                Effect::StopPlay => self.saying = false,
                Effect::Callback(..) => self.offered = true,
                _ => {}
            }
            said.push(line_of(effect, self.run.language()));
        }
    }
}

/// An effect as a line, for a run in `language`.
fn line_of(effect: &Effect, language: Language) -> String {
    match effect {
        Effect::Play {
            prompts,
            interruptible,
        } => {
            let mut line = "say".to_owned();
            for prompt in prompts {
                line.push(' ');
                if prompt.language == language {
                    line.push_str(&prompt.key);
                } else {
                    line.push_str(&prompt.to_string());
                }
            }
            if !interruptible {
                line.push_str(" (to the end)");
            }
            line
        }
        Effect::StopPlay => "stop".to_owned(),
        Effect::Beep => "beep".to_owned(),
        Effect::Record { longest } => format!("record {} s", longest.as_secs()),
        Effect::StopRecord { ended } => format!(
            "message over: {}",
            match ended {
                MessageEnd::Key => "a key",
                _ => "its time",
            }
        ),
        Effect::Enqueue {
            queue,
            skills,
            priority,
            language,
        } => {
            let mut line = format!("enqueue {queue} priority {priority} {language}");
            for skill in skills {
                line.push_str(" skill ");
                line.push_str(skill.as_str());
            }
            line
        }
        Effect::Chosen { menu, digit } => match digit {
            Some(digit) => format!("chosen {menu} {digit}"),
            None => format!("chosen {menu} nothing"),
        },
        Effect::Score { digit, meaning } => format!("score {digit} {meaning}"),
        Effect::NoScore => "no score".to_owned(),
        Effect::Callback(offer, number) => {
            let at = number.as_ref().map(|number| format!(" at {number}"));
            format!(
                "callback {}{}: {} times, {} s apart, kept {} min",
                offer.queue,
                at.unwrap_or_default(),
                offer.attempts,
                offer.retry_after.as_secs(),
                offer.keep.as_secs() / 60
            )
        }
        Effect::WaitOn { queue } => format!("wait on, else {queue}"),
        Effect::HangUp { cause } => format!("hang up: {cause}"),
    }
}

/// A time such as `3s` or `2.5s`, at most to the millisecond.
fn seconds(word: &str) -> Option<Duration> {
    let number = word.strip_suffix('s')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let whole = whole.parse().ok().filter(|&whole| whole < LINE_S)?;
    let ms = format!("{part:0<3}").parse().ok()?;
    Some(Duration::from_secs(whole) + Duration::from_millis(ms))
}

/// Plays a transcript against the script.
///
/// # Errors
/// In each dialogue the first line that the script did not say as written, or that is not
/// understood.
pub fn replay(program: &Arc<Program>, transcript: &str) -> Result<(), Vec<Diagnostic>> {
    let mut replay = Replay {
        program,
        dialogue: None,
        said: VecDeque::new(),
        skipping: true,
        faults: Vec::new(),
    };
    let mut at = 0;
    let mut dialogues = 0;
    for line in transcript.split_inclusive('\n') {
        let text = line.trim();
        // The place of a line is its text, without the spaces around it.
        let from = at + line.len() - line.trim_start().len();
        at += line.len();
        if text.starts_with("==") {
            dialogues += 1;
        }
        if let Err(fault) = replay.line(text) {
            // A title's fault is that of the dialogue before it.
            replay.skipping = !text.starts_with("==");
            replay
                .faults
                .push(Diagnostic::new(from..from + text.len(), fault));
        }
    }
    if let Err(fault) = replay.end() {
        replay.faults.push(Diagnostic::new(at..at, fault));
    }
    if dialogues == 0 {
        let fault = Diagnostic::new(0..0, "the transcript has no dialogue");
        replay
            .faults
            .push(fault.with_help("begin one with a line `== its title`"));
    }
    if replay.faults.is_empty() {
        Ok(())
    } else {
        Err(replay.faults)
    }
}

struct Replay<'p> {
    program: &'p Arc<Program>,
    dialogue: Option<Dialogue>,
    /// What the script said and the transcript did not mention yet.
    said: VecDeque<String>,
    /// The rest of a dialogue with a fault is not looked at.
    skipping: bool,
    faults: Vec<Diagnostic>,
}

impl Replay<'_> {
    fn line(&mut self, text: &str) -> Result<(), String> {
        if let Some(title) = text.strip_prefix("==") {
            // The new dialogue begins, whatever became of the one before.
            let ended = self.end();
            self.begin(title);
            return ended;
        }
        if text.is_empty() || text.starts_with('#') || self.skipping {
            return Ok(());
        }
        if let Some(expected) = text.strip_prefix('<') {
            return match self.said.pop_front() {
                Some(said) if said == expected.trim() => Ok(()),
                Some(said) => Err(format!("the script did: {said}")),
                None => Err("the script did nothing here".to_owned()),
            };
        }
        let Some(done) = text.strip_prefix('>') else {
            return Err("a line begins with `>`, `<`, `==` or `#`".to_owned());
        };
        self.nothing_left()?;
        let mut said = Vec::new();
        let Some(dialogue) = &mut self.dialogue else {
            return Ok(());
        };
        dialogue.line(done, &mut said)?;
        self.said.extend(said);
        Ok(())
    }

    fn begin(&mut self, title: &str) {
        let chosen = title
            .trim_end()
            .strip_suffix(']')
            .and_then(|t| t.rsplit_once('['));
        let facts = Facts {
            language: chosen.and_then(|(_, language)| language.parse().ok()),
        };
        let mut said = Vec::new();
        let dialogue = Dialogue::start(Arc::clone(self.program), facts, &mut said);
        self.dialogue = Some(dialogue);
        self.said = said.into();
        self.skipping = false;
    }

    fn end(&mut self) -> Result<(), String> {
        if self.skipping {
            return Ok(());
        }
        self.nothing_left()?;
        match &self.dialogue {
            Some(dialogue) if !dialogue.is_over() => Err(format!(
                "the dialogue before this line stops in step `{}`, before the script ends",
                dialogue.step()
            )),
            _ => Ok(()),
        }
    }

    fn nothing_left(&mut self) -> Result<(), String> {
        match self.said.pop_front() {
            Some(said) => Err(format!("before this line the script did: {said}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Known;

    const SCRIPT: &str = r#"
        name = "test"
        language = "zh"
        also-in = "en"
        start = "ask"
        [step.ask]
        say = ["q", "en:q"]
        menu = { 1 = "human" }
        on-silence = "bye"
        [step.human]
        enqueue = "general"
        skills = ["tax", "sichuan"]
        [step.bye]
        hang-up = "over"
    "#;

    fn program() -> Arc<Program> {
        let known = Known {
            queues: &|_| true,
            prompts: &|_, _| true,
        };
        Arc::new(Program::compile(SCRIPT, &known).unwrap())
    }

    /// The lines with a fault, and what is wrong there.
    fn faults(transcript: &str) -> Vec<(usize, String)> {
        let faults = replay(&program(), transcript).err().unwrap_or_default();
        let faults = faults.into_iter();
        faults
            .map(|fault| (fault.line(transcript), fault.what))
            .collect()
    }

    #[test]
    fn a_true_transcript_has_no_fault() {
        let silence = "# why\n== a\n< say q en:q\n\n> 3s heard\n> 5s\n\
                       < chosen ask nothing\n< hang up: over\n";
        assert_eq!(faults(silence), []);
        let key = "== b [en]\n< say zh:q q\n> press 1\n< stop\n< chosen ask 1\n\
                   < enqueue general priority 5 en skill tax skill sichuan\n";
        let key = key.replace("say zh:q q", "say q q");
        assert_eq!(faults(&key), []);
        assert_eq!(faults(&format!("{silence}{key}")), []);
    }

    #[test]
    fn an_untrue_line_is_found() {
        let wrong = "== a\n< say welcome\n< never looked at\n";
        assert_eq!(
            faults(wrong),
            [(2, "the script did: say q en:q".to_owned())]
        );
        let more = "== a\n< say q en:q\n< stop\n";
        assert_eq!(
            faults(more),
            [(3, "the script did nothing here".to_owned())]
        );
        let left = "== a\n> 1s press 1\n";
        let expected = "before this line the script did: say q en:q";
        assert_eq!(faults(left), [(2, expected.to_owned())]);
        let left = "== a\n< say q en:q\n> 1s press 1\n";
        assert_eq!(
            faults(left),
            [(4, "before this line the script did: stop".to_owned())]
        );
    }

    #[test]
    fn an_unfinished_dialogue_is_found_and_the_next_one_is_read() {
        let unfinished = "== a\n< say q en:q\n== b\n< oh\n";
        let stops = "the dialogue before this line stops in step `ask`, before the script ends";
        let did = "the script did: say q en:q";
        assert_eq!(
            faults(unfinished),
            [(3, stops.to_owned()), (4, did.to_owned())]
        );
        assert_eq!(
            faults("# nothing\n"),
            [(1, "the transcript has no dialogue".to_owned())]
        );
    }

    #[test]
    fn a_line_that_is_not_understood_says_what_to_write() {
        let mut said = Vec::new();
        let mut dialogue = Dialogue::start(program(), Facts::default(), &mut said);
        for line in [
            "",
            "wait",
            "press",
            "press x",
            "2.s heard",
            "1.2345s wait",
            "9999s wait",
        ] {
            let fault = dialogue.line(line, &mut said).unwrap_err();
            assert!(fault.starts_with("write `press KEY`"), "{line}: {fault}");
        }
        assert_eq!(dialogue.line("1s heard", &mut said), Ok(()));
        let twice = dialogue.line("heard", &mut said);
        assert_eq!(twice, Err("nothing is being said".to_owned()));
        assert_eq!(dialogue.line("4.999s", &mut said), Ok(()));
        assert!(!dialogue.is_over());
        assert_eq!(dialogue.line("0.001s wait", &mut said), Ok(()));
        assert!(dialogue.is_over());
        assert_eq!(said, ["say q en:q", "chosen ask nothing", "hang up: over"]);
    }
}
