//! A thousand seeded calls in foul weather with random hang-ups, refusals, dead phones and
//! changed minds: the rules of distribution hold after every step, and everything is given back.

#![cfg(test)]

use core::time::Duration;

use hotline_model::event::{Event, Outcome};
use hotline_sim::{World, actors::Person, network::Weather, town::seat_id};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// People of one day: `seats` agents with their whims and `callers` in `minutes`.
fn day(seed: u64, seats: usize, callers: usize, minutes: u64) -> Vec<(Duration, Person)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xda1);
    let mut people: Vec<(Duration, Person)> = (0..seats)
        .map(|at| {
            let talks = Duration::from_millis(u64::from(1_000 + random.next_u32() % 15_000));
            // The first two seats are steady, so that a day is never hopeless.
            (
                Duration::ZERO,
                Person::Agent {
                    seat: seat_id(at),
                    steady: at < 2,
                    talks,
                },
            )
        })
        .collect();
    for _ in 0..callers {
        let begins = 1_000 + u64::from(random.next_u32()) % (minutes * 60_000);
        people.push((
            Duration::from_millis(begins),
            Person::random_caller(&mut random),
        ));
    }
    people
}

fn live(seed: u64, weather: Weather, people: Vec<(Duration, Person)>) -> World {
    let mut world = World::new(seed, weather, people).unwrap();
    if let Err(broken) = world.run(Duration::from_secs(3_600)) {
        panic!("seed {seed}: {broken}\n{}", tail(&world));
    }
    if let Err(left) = world.judge() {
        panic!("seed {seed}: {left}\n{}", tail(&world));
    }
    world
}

fn tail(world: &World) -> String {
    let journal = world.journal();
    let last = &journal[journal.len().saturating_sub(30)..];
    last.iter()
        .map(|stamped| format!("{stamped:?}\n"))
        .collect()
}

fn count(world: &World, wanted: impl Fn(&Event) -> bool) -> usize {
    world
        .journal()
        .iter()
        .filter(|stamped| wanted(&stamped.event))
        .count()
}

#[test]
fn a_thousand_calls_hold_the_rules() {
    let (mut arrived, mut answered, mut refused, mut scores) = (0, 0, 0, 0);
    for seed in 0..20 {
        let world = live(seed, Weather::FOUL, day(seed, 6, 50, 6));
        arrived += count(&world, |event| matches!(event, Event::CallArrived { .. }));
        answered += count(&world, |event| {
            matches!(
                event,
                Event::CallEnded {
                    outcome: Outcome::Answered,
                    ..
                }
            )
        });
        refused += count(&world, |event| {
            use hotline_model::seat::OfferResult::{NoAnswer, Refused, Unreachable};
            matches!(
                event,
                Event::OfferEnded {
                    result: NoAnswer | Refused | Unreachable,
                    ..
                }
            )
        });
        scores += count(&world, |event| {
            matches!(event, Event::SurveyAnswered { .. })
        });
    }
    // Callers who cancel before their INVITE got through are no calls.
    assert!(arrived > 900, "only {arrived} calls");
    assert!(answered > 300, "only {answered} answered");
    assert!(
        refused > 50,
        "only {refused} refusals: the agents have no whims"
    );
    assert!(scores > 100, "only {scores} scores");
}

#[test]
fn the_same_seed_is_the_same_day() {
    let first = live(7, Weather::FOUL, day(7, 4, 30, 3));
    let again = live(7, Weather::FOUL, day(7, 4, 30, 3));
    assert_eq!(first.journal(), again.journal());
    let other = live(8, Weather::FOUL, day(8, 4, 30, 3));
    assert_ne!(first.journal(), other.journal());
}
