//! The floor against a naive matcher ([`naive`]): over ten thousand random histories both decide the
//! same.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod naive;
mod support;

use hotline_acd::{Input, Output, rules};
use hotline_model::{CallId, seat::Work};
use naive::{Decision, Naive};
use support::{
    Dice, World, at, at_ms,
    histories::{centre, changed, legal_input, pause_ms, shift_begins},
    q, queue, s, seat,
};

/// Half of the histories see work's worth double.
fn dawn_ms(seed: u64) -> u64 {
    let half_life = rules::OCCUPANCY_HALF_LIFE.as_millis() as u64;
    [10_000, 3 * half_life - 60_000][seed as usize % 2]
}

fn decisions(outputs: &[Output]) -> Vec<Decision> {
    let decision = |output: &Output| match *output {
        Output::Offer { call, seat, .. } => Some(Decision::Offer(call, seat)),
        Output::Withdraw { call, seat, why } => Some(Decision::Withdraw(call, seat, why)),
        Output::TimedOut { call, .. } => Some(Decision::TimedOut(call)),
        Output::Overflowed { call, rule, .. } => Some(Decision::Overflowed(call, rule)),
        Output::Refused { call, .. } => Some(Decision::Refused(call)),
        Output::SeatChanged { .. } => None,
    };
    outputs.iter().filter_map(decision).collect()
}

#[test]
fn ten_thousand_histories_are_decided_as_the_naive_matcher_decides_them() {
    let mut total = support::Tally::default();
    for seed in 0..10_000 {
        let mut dice = Dice(seed);
        let (queues, seats) = centre(&mut dice);
        let mut naive = Naive::new(&queues, &seats);
        let mut world = World::new(queues, seats);
        let mut morning = shift_begins(&world, &mut dice).into_iter();
        let (mut next_call, mut now_ms) = (0, dawn_ms(seed));
        for step in 0..120 {
            now_ms += pause_ms(&mut dice);
            let now = at_ms(now_ms);
            let next = morning
                .next()
                .or_else(|| legal_input(&world, &mut dice, &mut next_call));
            let Some(input) = next else { continue };
            if dice.below(40) == 0 {
                let (queues, seats) = changed(&world, &mut dice);
                let wanted = naive.change(now, &queues, &seats);
                let decided = decisions(&world.change(now, queues, seats));
                assert_eq!(decided, wanted, "seed {seed} step {step}: a change");
                same_state(&world, &naive, seed, step);
                continue;
            }
            let decided = decisions(&world.step(now, input));
            let mut wanted = Vec::new();
            if support::by_hand(input) {
                wanted = naive.step(now, Input::TimePassed);
            }
            wanted.extend(naive.step(now, input));
            assert_eq!(decided, wanted, "seed {seed} step {step}: {input:?}");
            same_state(&world, &naive, seed, step);
        }
        let here = world.tally;
        total.offers += here.offers;
        total.answered += here.answered;
        total.failed += here.failed;
        total.withdrawn += here.withdrawn;
        total.timed_out += here.timed_out;
        total.overflowed += here.overflowed;
        total.moved += here.moved;
        total.by_hand += here.by_hand;
    }
    // The histories are not trivial.
    let enough = total.offers > 20_000 && total.answered > 7_500 && total.timed_out > 4_000;
    let enough = enough && total.overflowed > 2_000 && total.moved > 1_000 && total.by_hand > 1_000;
    let enough = enough && total.failed > 6_000 && total.withdrawn > 6_000;
    assert!(enough, "{total:?}");
}

fn same_state(world: &World, naive: &Naive, seed: u64, step: u64) {
    for settings in &world.seats {
        let i = naive.names.iter().position(|name| *name == settings.id);
        let (view, other) = (
            world.floor.seat(settings.id).unwrap(),
            &naive.seats[i.unwrap()],
        );
        let work = if other.busy && other.work == Work::Free {
            Work::Busy
        } else {
            other.work
        };
        assert_eq!(
            (
                view.intent,
                view.pending,
                view.work,
                view.deadline,
                view.backs_off_until
            ),
            (
                other.intent,
                other.pending,
                work,
                other.until,
                other.back_off.map(|it| it.0)
            ),
            "seed {seed} step {step} seat {}",
            settings.id
        );
    }
    assert_eq!(world.calls.len(), naive.calls.len());
}

/// Invariant 6: a floor is a function of its inputs.
#[test]
fn a_history_replayed_gives_the_same_outputs_bit_for_bit() {
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let (queues, seats) = centre(&mut dice);
        let mut world = World::new(queues.clone(), seats.clone());
        let mut morning = shift_begins(&world, &mut dice).into_iter();
        let mut history = Vec::new();
        let (mut next_call, mut now_ms) = (0, dawn_ms(seed));
        for _ in 0..150 {
            now_ms += pause_ms(&mut dice);
            let next = morning
                .next()
                .or_else(|| legal_input(&world, &mut dice, &mut next_call));
            if let Some(input) = next {
                let outputs = world.step(at_ms(now_ms), input);
                history.push((at_ms(now_ms), input, outputs));
            }
        }
        let mut again = World::new(queues, seats);
        for (now, input, outputs) in history {
            assert_eq!(again.step(now, input), outputs, "seed {seed}");
        }
    }
}

/// The judge can be wrong only if it judges: a caller out of turn is noticed.
#[test]
#[should_panic(expected = "is offered before")]
fn the_watcher_notices_an_inversion() {
    let mut world = World::new(vec![queue("general")], vec![seat("1001", &["general"])]);
    world.call(1, "general");
    world.pass(at(5));
    world.call(2, "general");
    world.check_offer(CallId(2), s("1001"), q("general"));
}
