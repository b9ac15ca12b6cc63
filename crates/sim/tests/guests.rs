//! Random days of supervision: supervisors listen, whisper, break in and take over, agents consult
//! and bring together, pause recordings and have cards entered, in any order and at any moment.
//! After every step each party hears whom it must and nobody else.

#![cfg(test)]

use core::time::Duration;

use hotline_calls::orders::TalkRequest;
use hotline_model::{SeatId, event::Event, guest::GuestMode};
use hotline_sim::{
    World,
    actors::{Deed, Person},
    network::Weather,
    town::seat_id,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

const SEATS: usize = 5;
const CALLERS: usize = 4;
const WISHES: usize = 260;
/// Wishes come so long, ms.
const DAY_MS: u32 = 45_000;

fn below(random: &mut ChaCha8Rng, most: u32) -> u32 {
    random.next_u32() % most
}

fn mode(random: &mut ChaCha8Rng) -> GuestMode {
    match below(random, 9) {
        0..3 => GuestMode::Monitor,
        3..5 => GuestMode::Whisper,
        5..8 => GuestMode::Barge,
        _ => GuestMode::TakeOver,
    }
}

fn wish(random: &mut ChaCha8Rng) -> Deed {
    let other: SeatId = seat_id(below(random, SEATS as u32) as usize);
    let reason = || "complaint".to_owned();
    let request = match below(random, 20) {
        0..6 => TalkRequest::Supervise(other, mode(random)),
        6 => TalkRequest::EndSupervision(other),
        7..10 => TalkRequest::Consult(other),
        10..12 => TalkRequest::Merge,
        12 => TalkRequest::Complete,
        13 => TalkRequest::Cancel,
        14..16 => TalkRequest::Pause {
            paused: below(random, 2) == 0,
            reason: reason(),
        },
        16..18 => TalkRequest::CardEntry(below(random, 2) == 0),
        18 => return Deed::Hold,
        _ => return Deed::Resume,
    };
    Deed::Ask(request)
}

fn people(random: &mut ChaCha8Rng) -> Vec<(Duration, Person)> {
    let seats = (0..SEATS).map(|at| {
        let talks = Duration::from_millis(4_000 + u64::from(below(random, 16_000)));
        let steady = at < 3;
        let seat = seat_id(at);
        (
            Duration::ZERO,
            Person::Agent {
                seat,
                steady,
                talks,
            },
        )
    });
    let mut people: Vec<_> = seats.collect();
    for _ in 0..CALLERS {
        let begins = Duration::from_millis(1_000 + u64::from(below(random, 12_000)));
        let patience = (below(random, 3) == 0)
            .then(|| Duration::from_millis(9_000 + u64::from(below(random, 20_000))));
        let keys = vec![(Duration::from_millis(900), "0")];
        people.push((begins, Person::Caller { patience, keys }));
    }
    people
}

fn day(seed: u64, weather: Weather) -> World {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x9e57);
    let people = people(&mut random);
    let mut world = World::new(seed, weather, people).unwrap();
    world.judge_ears();
    for _ in 0..WISHES {
        let at = Duration::from_millis(3_000 + u64::from(below(&mut random, DAY_MS)));
        let line = below(&mut random, SEATS as u32) as usize;
        world.plan_at(at, line, wish(&mut random));
    }
    let ran = world.run(Duration::from_secs(400));
    if let Err(broken) = ran.and_then(|()| world.judge()) {
        let journal = world.journal();
        let last = &journal[journal.len().saturating_sub(40)..];
        let last: String = last.iter().map(|it| format!("{it:?}\n")).collect();
        panic!("seed {seed}: {broken}\n{last}");
    }
    world
}

fn count(world: &World, wanted: fn(&Event) -> bool) -> usize {
    let journal = world.journal().iter();
    journal.filter(|stamped| wanted(&stamped.event)).count()
}

/// What a run of days must have seen, lest it prove nothing.
#[derive(Default)]
struct Seen {
    talks: usize,
    modes: [usize; 4],
    taken: usize,
    merged: usize,
    cards: usize,
    pauses: usize,
    holds: usize,
}

impl Seen {
    fn add(&mut self, world: &World) {
        let ears = world.ears().unwrap();
        let modes = [
            GuestMode::Monitor,
            GuestMode::Whisper,
            GuestMode::Barge,
            GuestMode::Consult,
        ];
        for (sum, mode) in self.modes.iter_mut().zip(modes) {
            *sum += ears.guests_seen(mode);
        }
        self.talks += count(world, |e| matches!(e, Event::TalkStarted { .. }));
        self.taken += count(
            world,
            |e| matches!(e, Event::GuestLeft { cause, .. } if cause.contains("took the caller over")),
        );
        self.merged += count(world, |e| {
            let barge = GuestMode::Barge;
            matches!(e, Event::GuestModeChanged { mode, .. } if *mode == barge)
        });
        self.cards += count(world, |e| matches!(e, Event::CardEntryBegan { .. }));
        self.pauses += count(world, |e| matches!(e, Event::RecordingPaused { .. }));
        self.holds += count(world, |e| matches!(e, Event::TalkHeld { .. }));
    }

    fn is_enough_for(&self, days: usize) {
        let all = [
            self.talks,
            self.modes[0],
            self.modes[1],
            self.modes[2],
            self.modes[3],
            self.merged,
            self.cards,
            self.pauses,
            self.holds,
        ];
        assert!(all.iter().all(|seen| *seen > days / 4), "{all:?}");
        assert!(self.taken > days / 10, "{} taken over", self.taken);
    }
}

#[test]
fn everybody_hears_whom_they_must_on_five_hundred_days() {
    let mut seen = Seen::default();
    for seed in 0..500 {
        seen.add(&day(seed, Weather::FAIR));
    }
    seen.is_enough_for(500);
}

#[test]
fn and_so_they_do_in_foul_weather() {
    let mut seen = Seen::default();
    for seed in 1_000..1_100 {
        seen.add(&day(seed, Weather::FOUL));
    }
    seen.is_enough_for(100);
}
