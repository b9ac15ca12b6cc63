//! Callers who are to be called back and callers who are sent on by rules, in foul weather, with
//! citizens who do not answer, agents with whims and an engine that is killed: every promise ends
//! once, nobody is called by two at once, places are kept, and the figures agree with the journal.

#![cfg(test)]

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use hotline_model::event::{Event, Outcome};
use hotline_sim::{
    World,
    actors::Person,
    network::Weather,
    town::{seat_id, send_on},
};
use hotline_store::{Record, fold::Counters, journal::Hash, kpi::Counts};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// The people of one world: one to three seats, and citizens within a minute and a half.
fn people(seed: u64) -> Vec<(Duration, Person)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xca11);
    let seats = 1 + seed as usize % 3;
    let agents = (0..seats).map(|at| {
        let agent = Person::Agent {
            seat: seat_id(at),
            // One is steady, so that a world is never hopeless.
            steady: at == 0,
            talks: Duration::from_secs(12 + 6 * at as u64),
        };
        // Nobody is there when the first callers come.
        (Duration::from_secs(5 * (seed % 4)), agent)
    });
    let mut people: Vec<_> = agents.collect();
    for _ in 0..16 {
        let begins = Duration::from_millis(u64::from(1_000 + random.next_u32() % 90_000));
        people.push((begins, Person::random_citizen(&mut random)));
    }
    people
}

fn live(seed: u64) -> World {
    let weather = if seed.is_multiple_of(4) {
        Weather::FAIR
    } else {
        Weather::FOUL
    };
    let mut world = World::changed(seed, weather, people(seed), |settings| {
        send_on(settings).unwrap();
    })
    .unwrap();
    // Every third world is killed once, some of them twice.
    if seed.is_multiple_of(3) {
        world.restart_at(Duration::from_millis(40_000 + seed * 997 % 90_000));
    }
    if seed.is_multiple_of(9) {
        world.restart_at(Duration::from_millis(135_000 + seed * 1_009 % 60_000));
    }
    let ran = world.run(Duration::from_secs(3_600));
    if let Err(broken) = ran.and_then(|()| world.judge()) {
        let journal = world.journal();
        let last = &journal[journal.len().saturating_sub(60)..];
        let tail: String = last
            .iter()
            .map(|stamped| format!("{stamped:?}\n"))
            .collect();
        panic!("seed {seed}: {broken}\n{tail}");
    }
    world
}

/// The figures by the live engine's fold.
fn counted(world: &World) -> Counts {
    let mut counters = Counters::default();
    for (seq, stamped) in (1..).zip(world.journal()) {
        counters.apply(&Record {
            seq,
            stamped: stamped.clone(),
            hash: Hash::START,
        });
    }
    let began = world.journal().first().unwrap().at;
    counters.of_minutes(began, 120).0
}

/// The journal, counted by hand.
#[derive(Default)]
struct Told {
    arrived: u64,
    answered: BTreeSet<hotline_model::CallId>,
    ends: BTreeMap<String, u64>,
    overflowed: BTreeMap<String, usize>,
    restored: usize,
    failed: usize,
}

fn told(world: &World) -> Told {
    let mut told = Told::default();
    for stamped in world.journal() {
        match &stamped.event {
            Event::CallArrived { .. } => told.arrived += 1,
            Event::SeatAnswered { call, .. } => {
                told.answered.insert(*call);
            }
            Event::CallEnded { outcome, .. } => {
                *told.ends.entry(format!("{outcome:?}")).or_default() += 1;
            }
            Event::QueueOverflowed { queue, to, .. } => {
                *told.overflowed.entry(format!("{queue}>{to}")).or_default() += 1;
            }
            Event::CallbackRestored { .. } => told.restored += 1,
            Event::CallbackFailed { .. } => told.failed += 1,
            _ => {}
        }
    }
    told
}

fn agrees(seed: u64, world: &World, told: &Told) {
    let counts = counted(world);
    let ended = |outcome: Outcome| told.ends.get(&format!("{outcome:?}")).copied();
    let pairs = [
        ("arrived", counts.arrived, told.arrived),
        ("answered", counts.answered, told.answered.len() as u64),
        ("ends", told.ends.values().sum(), told.arrived),
        (
            "abandoned",
            counts.abandoned,
            ended(Outcome::Abandoned).unwrap_or(0),
        ),
        (
            "unreached",
            counts.unreached,
            ended(Outcome::Unreached).unwrap_or(0),
        ),
        (
            "timed out",
            counts.timed_out,
            ended(Outcome::TimedOut).unwrap_or(0),
        ),
    ];
    for (what, counted, told) in pairs {
        assert_eq!(counted, told, "seed {seed}: {what}");
    }
}

/// Lives through fifty worlds. All that is to be seen has to be seen so often at least.
fn fifty(first: u64) {
    let mut promises: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ways: BTreeMap<String, usize> = BTreeMap::new();
    let (mut restored, mut failed) = (0, 0);
    for seed in first..first + 50 {
        let world = live(seed);
        for (how, many) in world.promises() {
            *promises.entry(how).or_default() += many;
        }
        let told = told(&world);
        agrees(seed, &world, &told);
        for (way, many) in &told.overflowed {
            *ways.entry(way.clone()).or_default() += many;
        }
        restored += told.restored;
        failed += told.failed;
    }
    println!("{promises:?}, restored {restored}, failed {failed}, {ways:?}");
    for how in ["reached", "unreached", "rang again"] {
        let many = promises.get(how).copied().unwrap_or(0);
        assert!(many >= 20, "{how}: {many}");
    }
    assert!(restored >= 20, "{restored}");
    assert!(failed >= 50, "{failed}");
    for way in [
        "general>script:callback-offer",
        "general>queue:business",
        "business>queue:general",
        "business>script:callback-offer",
        "english>queue:general",
        "english>script:callback-offer",
    ] {
        let many = ways.get(way).copied().unwrap_or(0);
        assert!(many >= 2, "{way}: {many}");
    }
}

#[test]
fn promises_and_places_are_kept_in_fifty_worlds() {
    fifty(0);
}

#[test]
fn and_in_fifty_more() {
    fifty(50);
}

#[test]
fn and_in_a_third_fifty() {
    fifty(100);
}

#[test]
fn and_in_a_fourth() {
    fifty(150);
}
