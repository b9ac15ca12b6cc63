//! Days with three media threads, in foul weather: calls spread over all of them, nobody is to meet
//! anybody of another thread, and a thread that ends by a fault takes its own calls along alone.

#![cfg(test)]

use core::time::Duration;

use hotline_model::event::{Event, Outcome};
use hotline_sim::{World, actors::Person, network::Weather, town::seat_id};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

/// The second in which a thread is lost.
const LOST_AT: Duration = Duration::from_secs(75);

/// A day of six agents and forty callers; `lost` is the thread that ends in it.
fn day(seed: u64, lost: Option<usize>) -> World {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x3da1);
    let agents = (0..6).map(|at| {
        let agent = Person::Agent {
            seat: seat_id(at),
            steady: at < 3,
            talks: Duration::from_secs(12),
        };
        (Duration::ZERO, agent)
    });
    let mut people: Vec<_> = agents.collect();
    for at in 0..40 {
        let begins = Duration::from_secs(2 + 3 * at);
        people.push((begins, Person::random_caller(&mut random)));
    }
    let mut world = World::new(seed, Weather::FOUL, people).unwrap();
    if let Some(thread) = lost {
        world.lose_thread_at(LOST_AT, thread);
    }
    let ran = world.run(Duration::from_secs(3_600));
    if let Err(broken) = ran.and_then(|()| world.judge()) {
        panic!("seed {seed}: {broken}");
    }
    world
}

fn count(world: &World, wanted: impl Fn(&Event) -> bool) -> usize {
    let journal = world.journal().iter();
    journal.filter(|stamped| wanted(&stamped.event)).count()
}

#[test]
fn calls_spread_over_all_threads() {
    for seed in 0..6 {
        let most = day(seed, None).most_legs();
        assert_eq!(most.len(), 3);
        let (least, most) = (most.iter().min().unwrap(), most.iter().max().unwrap());
        assert!(*least >= 2 && *most <= 4 * least, "{least} to {most}");
    }
}

#[test]
fn a_lost_thread_ends_its_own_calls_alone() {
    let (mut broke, mut answered) = (0, 0);
    for seed in 0..6 {
        let world = day(seed, Some(seed as usize % 3));
        assert_eq!(world.most_legs()[seed as usize % 3], 0, "nothing after");
        let lost = |event: &Event| matches!(event, Event::FaultCaught { call: None, fault } if fault.starts_with("media thread"));
        assert_eq!(count(&world, lost), 1);
        // It broke what stood in it then, and nothing broke at another time.
        let at = |event: &Event| matches!(event, Event::FaultCaught { call: Some(_), .. });
        for stamped in world.journal().iter().filter(|it| at(&it.event)) {
            assert_eq!(Duration::from_millis(stamped.up_ms), LOST_AT);
            broke += 1;
        }
        answered += world
            .journal()
            .iter()
            .filter(|it| Duration::from_millis(it.up_ms) > LOST_AT)
            .filter(|it| {
                matches!(
                    it.event,
                    Event::CallEnded {
                        outcome: Outcome::Answered,
                        ..
                    }
                )
            })
            .count();
    }
    assert!(broke > 5, "only {broke} calls broke");
    assert!(answered > 30, "only {answered} were answered afterwards");
}
