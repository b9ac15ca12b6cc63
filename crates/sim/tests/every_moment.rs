//! Every hang-up at every moment ends cleanly: the same call again and again, hung up by the
//! caller or the agent at each event of its journal.

#![cfg(test)]

use core::time::Duration;

use hotline_model::event::Event;
use hotline_sim::{World, actors::Person, network::Weather, town::seat_id};

const AGENT: usize = 0;
const CALLER: usize = 1;

fn people() -> Vec<(Duration, Person)> {
    let keys = vec![
        (Duration::from_millis(900), "0"),
        (Duration::from_secs(14), "1"),
        (Duration::from_secs(16), "1"),
    ];
    vec![
        (
            Duration::ZERO,
            Person::Agent {
                seat: seat_id(0),
                steady: true,
                talks: Duration::from_secs(6),
            },
        ),
        (
            Duration::from_secs(2),
            Person::Caller {
                patience: None,
                keys,
            },
        ),
    ]
}

fn live(seed: u64, weather: Weather, hang_up: Option<(usize, usize)>) -> World {
    let mut world = World::new(seed, weather, people()).unwrap();
    if let Some((events, line)) = hang_up {
        world.hang_up_at(events, line);
    }
    let ran = world.run(Duration::from_secs(600));
    match ran.and_then(|()| world.judge()) {
        Ok(()) => world,
        Err(broken) => panic!(
            "seed {seed}, hang up {hang_up:?}: {broken}\n{:#?}",
            world.journal()
        ),
    }
}

#[test]
fn nobody_hangs_up_early_and_the_call_is_whole() {
    let world = live(1, Weather::FAIR, None);
    let happened = |wanted: fn(&Event) -> bool| world.journal().iter().any(|s| wanted(&s.event));
    assert!(happened(|e| matches!(e, Event::TalkStarted { .. })));
    assert!(happened(|e| matches!(
        e,
        Event::SurveyAnswered { digit: '1', .. }
    )));
    assert!(happened(|e| matches!(e, Event::RecordingClosed { .. })));
}

#[test]
fn a_hang_up_at_every_event_ends_cleanly() {
    let events = live(1, Weather::FAIR, None).journal().len();
    assert!(events > 20);
    for at in 1..=events {
        for line in [AGENT, CALLER] {
            live(1, Weather::FAIR, Some((at, line)));
        }
    }
}

#[test]
fn and_so_it_does_in_foul_weather() {
    for seed in 0..5 {
        let events = live(seed, Weather::FOUL, None).journal().len();
        for at in 1..=events {
            for line in [AGENT, CALLER] {
                live(seed, Weather::FOUL, Some((at, line)));
            }
        }
    }
}
