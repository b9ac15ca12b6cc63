//! Whatever is written in a script or pressed on a telephone: no panic, and always an end.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use core::time::Duration;
use std::sync::Arc;

use hotline_ivr::{
    Effect, Facts, Input, KEYS, Known, Language, Program, Run, SCRIPT_LONGEST_S, dialogue,
};
use hotline_model::{Instant, diagnostic::Diagnostic, limits::MESSAGE_S};
use proptest::prelude::*;

const SHIPPED: [&str; 5] = [
    include_str!("../../../ivr-scripts/12345-menu.toml"),
    include_str!("../../../ivr-scripts/12345-direct.toml"),
    include_str!("../../../ivr-scripts/survey.toml"),
    include_str!("../../../ivr-scripts/survey-remark.toml"),
    include_str!("../../../ivr-scripts/voicemail.toml"),
];

fn compile(text: &str) -> Result<Program, Vec<Diagnostic>> {
    Program::compile(
        text,
        &Known {
            queues: &|_| true,
            prompts: &|_, _| true,
        },
    )
}

/// Every fault points into the text, at whole characters, in order, and says something.
fn faults_are_well_placed(text: &str, compiled: Result<Program, Vec<Diagnostic>>) {
    let Err(faults) = compiled else { return };
    assert!(!faults.is_empty());
    assert!(faults.is_sorted_by_key(|fault| fault.span.start));
    for fault in faults {
        assert!(text.get(fault.span.clone()).is_some(), "{fault:?}");
        assert!(
            !fault.what.is_empty() && !fault.what.ends_with('.'),
            "{fault:?}"
        );
    }
}

/// A step of a generated script; targets are taken modulo the number of steps.
#[derive(Clone, Debug)]
enum Plan {
    Then {
        say: bool,
    },
    Menu {
        say: bool,
        keys: Vec<(usize, usize)>,
        tries: u8,
        wrong: usize,
    },
    Score {
        wrong: usize,
    },
    Message {
        say: bool,
        seconds: u16,
    },
}

fn plan() -> impl Strategy<Value = Plan> {
    let keys = proptest::collection::vec((0..KEYS.len(), 0..64_usize), 1..6);
    prop_oneof![
        any::<bool>().prop_map(|say| Plan::Then { say }),
        (any::<bool>(), keys, 1..=5_u8, 0..64_usize).prop_map(|(say, keys, tries, wrong)| {
            Plan::Menu {
                say,
                keys,
                tries,
                wrong,
            }
        }),
        (0..64_usize).prop_map(|wrong| Plan::Score { wrong }),
        (any::<bool>(), 1..=MESSAGE_S).prop_map(|(say, seconds)| Plan::Message { say, seconds }),
    ]
}

/// A script of these steps. In silence each leads to the next, and the last is an end: such a
/// script is always right. Keys lead anywhere, in circles too.
fn script(plans: &[(Plan, Option<bool>)], enqueue: bool) -> String {
    let mut text =
        String::from("name = \"p\"\nlanguage = \"zh\"\nalso-in = \"en\"\nstart = \"s0\"\n");
    let steps = plans.len() + 1;
    for (at, (plan, interruptible)) in plans.iter().enumerate() {
        let next = at + 1;
        text += &format!("[step.s{at}]\n");
        if let Some(interruptible) = interruptible {
            text += &format!("interruptible = {interruptible}\n");
        }
        text += &match plan {
            Plan::Then { say } => format!("{}then = \"s{next}\"\n", said(*say)),
            Plan::Menu {
                say,
                keys,
                tries,
                wrong,
            } => {
                let mut keys = keys.clone();
                keys.sort();
                keys.dedup_by_key(|(key, _)| *key);
                let keys = keys.iter().map(|&(key, target)| {
                    format!("\"{}\" = \"s{}\"", &KEYS[key..=key], target % steps)
                });
                let keys = keys.collect::<Vec<_>>().join(", ");
                let wrong = wrong % steps;
                format!(
                    "{}menu = {{ {keys} }}\ntries = {tries}\non-wrong = \"s{wrong}\"\n\
                     on-silence = \"s{next}\"\n",
                    said(*say)
                )
            }
            Plan::Score { wrong } => format!(
                "say = \"q\"\nscore = {{ 1 = \"satisfied\" }}\nthen = \"s{next}\"\n\
                 on-wrong = \"s{}\"\non-silence = \"s{next}\"\n",
                wrong % steps
            ),
            Plan::Message { say, seconds } => format!(
                "{}message-seconds = {seconds}\nthen = \"s{next}\"\n",
                said(*say)
            ),
        };
    }
    let end = if enqueue {
        "enqueue = \"general\""
    } else {
        "hang-up = \"over\""
    };
    text + &format!("[step.s{}]\nsay = \"last\"\n{end}\n", plans.len())
}

fn said(say: bool) -> &'static str {
    if say { "say = \"a\"\n" } else { "" }
}

fn input() -> impl Strategy<Value = (u64, Input)> {
    let input = prop_oneof![
        1 => Just(Input::Begin),
        6 => (0..KEYS.len()).prop_map(|key| Input::Digit(char::from(KEYS.as_bytes()[key]))),
        1 => any::<char>().prop_map(Input::Digit),
        4 => Just(Input::PlayEnded),
        3 => Just(Input::DeadlinePassed),
    ];
    (0..20_000_u64, input)
}

/// Hands inputs to a run and checks each answer.
struct Watched {
    run: Run,
    now: Instant,
    begun: bool,
    ends: usize,
    beeping: bool,
    recording: bool,
}

impl Watched {
    fn handle(&mut self, input: Input) {
        let was_over = self.run.is_over();
        let mut effects = Vec::new();
        self.run.handle(self.now, input, &mut effects);
        self.begun |= input == Input::Begin;
        assert!(
            effects.is_empty() || (self.begun && !was_over),
            "{effects:?}"
        );
        assert_eq!(
            self.run.deadline().is_some(),
            self.begun && !self.run.is_over()
        );
        for effect in &effects {
            if let Effect::Play { prompts, .. } = effect {
                assert!(!prompts.is_empty());
            }
            match effect {
                // A message is a tone, then its beginning, then its end, and nothing is said in it.
                Effect::Beep => assert!(!core::mem::replace(&mut self.beeping, true)),
                Effect::Record { longest } => {
                    assert!(core::mem::take(&mut self.beeping) && !self.recording);
                    assert!(longest.as_secs() <= u64::from(MESSAGE_S));
                    self.recording = true;
                }
                Effect::StopRecord { .. } => assert!(core::mem::take(&mut self.recording)),
                // The script's own time ends a tone, too.
                Effect::StopPlay => assert!(!self.recording),
                _ => {
                    assert!(!self.recording, "{effect:?} in a message");
                    self.beeping = false;
                }
            }
            if matches!(
                effect,
                Effect::Enqueue { .. } | Effect::WaitOn { .. } | Effect::HangUp { .. }
            ) {
                self.ends += 1;
                assert_eq!(Some(effect), effects.last());
            }
        }
        assert_eq!(self.ends, usize::from(self.run.is_over()));
        assert!(
            effects.len() <= 4 * 256,
            "{} effects at once",
            effects.len()
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        faults_are_well_placed(&text, compile(&text));
    }

    #[test]
    fn any_toml_is_read_without_panic(
        lines in proptest::collection::vec(
            "(\\[step\\.[ab]\\]|(name|start|say|menu|then|score|message-seconds|step|a) = (1|\"a\"|\\[\"a\"\\]|true|\\{1 = \"a\"\\}))",
            0..20,
        )
    ) {
        let text = lines.join("\n");
        faults_are_well_placed(&text, compile(&text));
    }

    #[test]
    fn a_damaged_script_is_read_without_panic(
        which in 0..SHIPPED.len(),
        from in any::<prop::sample::Index>(),
        length in 0..40_usize,
        instead in "[ \\n\"=\\[\\]{}a-z0-9.税#]{0,12}",
    ) {
        let letters: Vec<char> = SHIPPED[which].chars().collect();
        let from = from.index(letters.len());
        let upto = (from + length).min(letters.len());
        let text: String = letters[..from].iter().chain(&instead.chars().collect::<Vec<_>>())
            .chain(&letters[upto..]).collect();
        faults_are_well_placed(&text, compile(&text));
    }

    #[test]
    fn every_caller_comes_to_an_end(
        plans in proptest::collection::vec((plan(), any::<Option<bool>>()), 0..12),
        enqueue in any::<bool>(),
        english in any::<bool>(),
        inputs in proptest::collection::vec(input(), 0..120),
        begin_first in any::<bool>(),
    ) {
        let text = script(&plans, enqueue);
        let program = Arc::new(compile(&text).expect("the script is right"));
        let language = english.then_some(Language::En);
        let mut watched = Watched {
            run: Run::start(program, Facts { language }),
            now: Instant::START,
            begun: false,
            ends: 0,
            beeping: false,
            recording: false,
        };
        if begin_first {
            watched.handle(Input::Begin);
        }
        for (ms, input) in inputs {
            watched.now = watched.now + Duration::from_millis(ms);
            watched.handle(input);
        }
        watched.handle(Input::Begin);
        // Only time passes now: at most three deadlines a step, and never past the script's own.
        let mut deadlines = 0;
        while let Some(deadline) = watched.run.deadline() {
            prop_assert!(deadlines <= 3 * (plans.len() + 1));
            deadlines += 1;
            watched.now = watched.now.max(deadline);
            watched.handle(Input::DeadlinePassed);
        }
        prop_assert!(watched.run.is_over());
    }

    #[test]
    fn a_caller_who_never_stops_pressing_reaches_an_end(
        plans in proptest::collection::vec((plan(), any::<Option<bool>>()), 0..12),
        keys in proptest::collection::vec((0..KEYS.len(), 0..3_000_u64), 1..20),
    ) {
        let program = Arc::new(compile(&script(&plans, true)).expect("the script is right"));
        let mut run = Run::start(program, Facts::default());
        let mut effects = Vec::new();
        run.handle(Instant::START, Input::Begin, &mut effects);
        let mut now = Instant::START;
        let too_long = Instant::START + Duration::from_secs(SCRIPT_LONGEST_S);
        for &(key, ms) in keys.iter().cycle() {
            now = now + Duration::from_millis(ms + 1);
            if run.deadline().is_some_and(|deadline| deadline <= now) {
                run.handle(now, Input::DeadlinePassed, &mut effects);
            }
            if now >= too_long || run.is_over() {
                break;
            }
            run.handle(now, Input::Digit(char::from(KEYS.as_bytes()[key])), &mut effects);
        }
        prop_assert!(run.is_over());
    }

    #[test]
    fn any_transcript_is_read_without_panic(
        lines in proptest::collection::vec(
            "([<>=#] ?)?(== .*|[0-9]{0,4}\\.?[0-9]{0,4}s? (press [0-9#]{0,3}|heard|wait)|\\PC{0,20})",
            0..20,
        )
    ) {
        let program = Arc::new(compile(SHIPPED[0]).expect("the script is right"));
        let text = lines.join("\n");
        if let Err(faults) = dialogue::replay(&program, &text) {
            for fault in faults {
                prop_assert!(text.get(fault.span.clone()).is_some(), "{:?}", fault);
            }
        }
    }
}
