//! A fault of the engine's own ends the call it happens in, and no other: in every stage, in foul
//! weather, seats and lines are given back and the others' calls go on.

#![cfg(test)]

use core::time::Duration;
use std::panic;

use hotline_calls::{exchange::BeforeStage, stage::Input};
use hotline_model::{
    CallId,
    event::{Event, Outcome},
};
use hotline_sim::{World, actors::Person, network::Weather, town::seat_id};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

/// Calls that shall break, if what breaks them comes.
const fn is_doomed(call: CallId) -> bool {
    call.0.is_multiple_of(4)
}

/// A day in which `look` breaks some calls. Gives how many broke and how many were answered.
fn day(seed: u64, look: BeforeStage) -> Result<(usize, usize), String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut people: Vec<_> = (0..4)
        .map(|at| {
            let agent = Person::Agent {
                seat: seat_id(at),
                steady: true,
                talks: Duration::from_secs(5),
            };
            (Duration::ZERO, agent)
        })
        .collect();
    for at in 0..30 {
        let begins = Duration::from_secs(2 + 4 * at);
        people.push((begins, Person::random_caller(&mut random)));
    }
    let mut world = World::new(seed, Weather::FOUL, people)?;
    world.break_in(look);
    world
        .run(Duration::from_secs(3_600))
        .and_then(|()| world.judge())
        .map_err(|broken| format!("seed {seed}: {broken}"))?;
    let mut broke = 0;
    let mut answered = 0;
    for stamped in world.journal() {
        match &stamped.event {
            Event::FaultCaught { call, .. } => {
                if !call.is_some_and(is_doomed) {
                    return Err(format!("seed {seed}: {call:?} was to live"));
                }
                broke += 1;
            }
            Event::CallEnded {
                outcome: Outcome::Answered,
                ..
            } => answered += 1,
            _ => {}
        }
    }
    Ok((broke, answered))
}

#[test]
fn a_fault_ends_one_call_alone() {
    // A panic prints where it was; here that is only noise.
    panic::set_hook(Box::new(|_| {}));
    let breakers: [(&str, BeforeStage); 6] = [
        ("arriving", |call, input| {
            assert!(!is_doomed(call) || !matches!(input, Input::MediaOpened(..)));
        }),
        ("menu", |call, input| {
            assert!(!is_doomed(call) || !matches!(input, Input::PlayEnded(_)));
        }),
        ("digit", |call, input| {
            assert!(!is_doomed(call) || !matches!(input, Input::Digit(_)));
        }),
        ("offered", |call, input| {
            assert!(!is_doomed(call) || !matches!(input, Input::Offered { .. }));
        }),
        ("answered by the seat", |call, input| {
            assert!(!is_doomed(call) || !matches!(input, Input::Answered(..)));
        }),
        ("ended", |call, input| {
            assert!(!is_doomed(call) || !matches!(input, Input::Ended(..)));
        }),
    ];
    let days: Vec<_> = breakers
        .into_iter()
        .map(|(name, look)| {
            let days: Result<Vec<_>, _> = (0..4).map(|seed| day(seed, look)).collect();
            (name, days)
        })
        .collect();
    drop(panic::take_hook());
    for (name, days) in days {
        let days = days.unwrap_or_else(|broken| panic!("{name}: {broken}"));
        let broke: usize = days.iter().map(|day| day.0).sum();
        let answered: usize = days.iter().map(|day| day.1).sum();
        assert!(broke > 3, "{name}: only {broke} broke");
        assert!(answered > 20, "{name}: only {answered} answered");
    }
}
