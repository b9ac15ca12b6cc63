//! What callers say to the engine alone: a voicemail and how it ends, a remark after the score, and
//! what becomes of such a call in the statistics.

#![cfg(test)]

use core::time::Duration;
use std::sync::Arc;

use hotline_calls::settings::{Settings, compile_alone};
use hotline_media::Clip;
use hotline_model::{
    event::{Event, MessageEnd, MessageKind, Outcome, ReleasedBy},
    limits::MESSAGE_EMPTY_MS,
};
use hotline_sim::{
    World,
    actors::{Deed, Person},
    network::Weather,
    town::seat_id,
};

const CALLER: usize = 0;

/// The callers' number leads to this script; what it says takes 80 ms each.
fn answered_by(settings: &mut Settings, text: &str) {
    let program = compile_alone(text).unwrap();
    for prompt in program.prompts() {
        let sound = Clip::silence(80);
        settings.prompts.insert(prompt.language, &prompt.key, sound);
    }
    settings.numbers[0].script = program.name();
    settings.scripts.insert(program.name(), Arc::new(program));
}

fn voicemail(settings: &mut Settings) {
    answered_by(
        settings,
        include_str!("../../../ivr-scripts/voicemail.toml"),
    );
}

/// A caller who dials the voicemail at 2 s, and does this. The two prompts are over 160 ms later,
/// the tone half a second after them.
fn called(plans: &[(f64, Deed)]) -> World {
    let people = vec![(Duration::ZERO, Person::Planned { seat: None })];
    let mut world = World::changed(1, Weather::FAIR, people, voicemail).unwrap();
    world.plan_at(Duration::from_secs(2), CALLER, Deed::Dial("12345"));
    for (at, deed) in plans {
        world.plan_at(Duration::from_secs_f64(*at), CALLER, deed.clone());
    }
    judged(world)
}

fn judged(mut world: World) -> World {
    let ran = world.run(Duration::from_secs(400));
    if let Err(broken) = ran.and_then(|()| world.judge()) {
        panic!("{broken}\n{:#?}", world.journal());
    }
    world
}

/// The journal's times and events of messages and their calls.
fn told<T>(world: &World, of: impl Fn(&Event) -> Option<T>) -> Vec<(u64, T)> {
    let journal = world.journal().iter();
    journal
        .filter_map(|stamped| Some((stamped.up_ms, of(&stamped.event)?)))
        .collect()
}

fn began(event: &Event) -> Option<(u32, MessageKind, String)> {
    match event {
        Event::MessageBegan {
            message,
            kind,
            file,
            ..
        } => Some((*message, *kind, file.clone())),
        _ => None,
    }
}

fn left(event: &Event) -> Option<(u32, MessageEnd)> {
    match event {
        Event::MessageLeft { message, ended, .. } => Some((*message, *ended)),
        _ => None,
    }
}

fn outcome(world: &World) -> (Outcome, ReleasedBy) {
    let ends = told(world, |event| match event {
        Event::CallEnded {
            outcome,
            released_by,
            ..
        } => Some((*outcome, *released_by)),
        _ => None,
    });
    assert_eq!(ends.len(), 1, "{ends:?}");
    ends[0].1
}

#[test]
fn a_message_is_recorded_after_the_tone_until_a_key() {
    let world = called(&[(12.0, Deed::Press("#"))]);
    let [(began_ms, (1, MessageKind::Voicemail, file))] = &told(&world, began)[..] else {
        panic!("{:#?}", world.journal());
    };
    // The answer, 160 ms of words, half a second of tone.
    assert!((2_660..2_900).contains(began_ms), "{began_ms}");
    assert!(file.ends_with("-000001-message-1.wav"), "{file}");
    let [(left_ms, (1, MessageEnd::Key))] = told(&world, left)[..] else {
        panic!("{:#?}", world.journal());
    };
    assert!((12_000..12_500).contains(&left_ms), "{left_ms}");
    assert_eq!(outcome(&world), (Outcome::LeftMessage, ReleasedBy::Engine));
    let talks = told(&world, |e| {
        matches!(e, Event::RecordingStarted { .. }).then_some(())
    });
    assert_eq!(talks, []);
}

#[test]
fn the_time_of_the_script_ends_a_message() {
    let world = called(&[]);
    let (began, left) = (told(&world, began), told(&world, left));
    assert_eq!((left.len(), left[0].1), (1, (1, MessageEnd::Time)));
    assert_eq!(left[0].0 - began[0].0, 120_000);
    assert_eq!(outcome(&world), (Outcome::LeftMessage, ReleasedBy::Engine));
}

#[test]
fn a_hang_up_in_the_message_keeps_it() {
    let world = called(&[(9.0, Deed::HangUp)]);
    let left = told(&world, left);
    assert_eq!((left.len(), left[0].1), (1, (1, MessageEnd::HangUp)));
    assert_eq!(outcome(&world), (Outcome::LeftMessage, ReleasedBy::Caller));
}

#[test]
fn whoever_hangs_up_at_the_tone_left_no_message() {
    let seconds = |ms: u64| Duration::from_millis(ms).as_secs_f64();
    // The message begins at 2.7 s or so: half a second of it, and a second and a half.
    for (ms, outcomes) in [
        (MESSAGE_EMPTY_MS / 2, Outcome::LeftMenu),
        (3 * MESSAGE_EMPTY_MS / 2, Outcome::LeftMessage),
    ] {
        let world = called(&[(2.75 + seconds(ms), Deed::HangUp)]);
        let kept = told(&world, left);
        assert_eq!(kept.len(), 1, "it is kept all the same");
        assert_eq!(outcome(&world), (outcomes, ReleasedBy::Caller), "{ms} ms");
    }
    let world = called(&[(2.3, Deed::HangUp)]);
    assert_eq!(told(&world, began), [], "before the tone's end");
    assert_eq!(outcome(&world), (Outcome::LeftMenu, ReleasedBy::Caller));
}

#[test]
fn a_phone_that_dies_in_the_message_leaves_it_too() {
    let world = called(&[(8.0, Deed::Die)]);
    let left = told(&world, left);
    assert_eq!((left.len(), left[0].1), (1, (1, MessageEnd::Network)));
    assert_eq!(outcome(&world), (Outcome::Failed, ReleasedBy::Network));
}

#[test]
fn a_script_may_take_several_messages() {
    let two = r#"
        name = "two"
        language = "zh"
        start = "first"
        [step.first]
        message-seconds = 5
        then = "second"
        [step.second]
        message-seconds = 5
        then = "bye"
        [step.bye]
        hang-up = "over"
    "#;
    let people = vec![(Duration::ZERO, Person::Planned { seat: None })];
    let script = |settings: &mut Settings| answered_by(settings, two);
    let mut world = World::changed(1, Weather::FAIR, people, script).unwrap();
    world.plan_at(Duration::from_secs(2), CALLER, Deed::Dial("12345"));
    let world = judged(world);
    let files: Vec<_> = told(&world, began)
        .into_iter()
        .map(|(_, it)| it.2)
        .collect();
    assert_eq!(files.len(), 2);
    assert!(files[0].ends_with("-message-1.wav") && files[1].ends_with("-message-2.wav"));
    let ends: Vec<_> = told(&world, left).into_iter().map(|(_, it)| it).collect();
    assert_eq!(ends, [(1, MessageEnd::Time), (2, MessageEnd::Time)]);
}

#[test]
fn a_fault_of_the_engine_in_a_message_leaves_it_with_an_end() {
    let people = vec![(Duration::ZERO, Person::Planned { seat: None })];
    let mut world = World::changed(1, Weather::FAIR, people, voicemail).unwrap();
    world.break_in(|_, input| {
        assert!(
            !matches!(input, hotline_calls::stage::Input::Digit('9')),
            "a fault on purpose"
        );
    });
    world.plan_at(Duration::from_secs(2), CALLER, Deed::Dial("12345"));
    world.plan_at(Duration::from_secs(8), CALLER, Deed::Press("9"));
    let world = judged(world);
    let left = told(&world, left);
    assert_eq!((left.len(), left[0].1), (1, (1, MessageEnd::Interrupted)));
    assert_eq!(outcome(&world).0, Outcome::Failed);
}

/// An agent, and a caller who presses keys in the survey.
fn surveyed(keys: &[(f64, &'static str)], hang_up: Option<(usize, usize)>) -> World {
    let keys = keys.iter();
    let keys = keys.map(|&(at, key)| (Duration::from_secs_f64(at), key));
    let agent = Person::Agent {
        seat: seat_id(0),
        steady: true,
        talks: Duration::from_secs(6),
    };
    let caller = Person::Caller {
        patience: None,
        keys: keys.collect(),
    };
    let people = vec![(Duration::ZERO, agent), (Duration::from_secs(2), caller)];
    let script = |settings: &mut Settings| {
        let menu = settings.numbers[0].script;
        answered_by(
            settings,
            include_str!("../../../ivr-scripts/survey-remark.toml"),
        );
        settings.survey = Some(settings.numbers[0].script);
        settings.numbers[0].script = menu;
    };
    let mut world = World::changed(1, Weather::FAIR, people, script).unwrap();
    if let Some((events, line)) = hang_up {
        world.hang_up_at(events, line);
    }
    judged(world)
}

const SURVEY_KEYS: [(f64, &str); 3] = [(0.9, "0"), (14.0, "3"), (22.0, "#")];

#[test]
fn a_remark_after_the_score_is_a_file_of_its_own() {
    let world = surveyed(&SURVEY_KEYS, None);
    let [(began_ms, (1, MessageKind::Remark, remark))] = &told(&world, began)[..] else {
        panic!("{:#?}", world.journal());
    };
    let talk = told(&world, |event| match event {
        Event::RecordingClosed { file, .. } => Some(file.clone()),
        _ => None,
    });
    assert_eq!(talk.len(), 1, "{talk:?}");
    let (closed_ms, talk) = &talk[0];
    assert!(talk != remark && closed_ms <= began_ms);
    let about = told(&world, |event| match event {
        Event::MessageLeft {
            seat, queue, ended, ..
        } => Some((*seat, *queue, *ended)),
        _ => None,
    });
    assert_eq!(about[0].1, (Some(seat_id(0)), None, MessageEnd::Key));
    let scored = |e: &Event| matches!(e, Event::SurveyAnswered { digit: '3', .. }).then_some(());
    assert_eq!(told(&world, scored).len(), 1);
    assert_eq!(outcome(&world), (Outcome::Answered, ReleasedBy::Engine));
}

#[test]
fn a_hang_up_at_every_event_of_a_call_with_a_remark_ends_cleanly() {
    let whole = surveyed(&SURVEY_KEYS, None);
    for at in 1..=whole.journal().len() {
        for line in [0, 1] {
            let world = surveyed(&SURVEY_KEYS, Some((at, line)));
            assert_eq!(told(&world, began).len(), told(&world, left).len());
        }
    }
}
