//! Any input in any state, any settings: nothing panics, and every invariant holds.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod support;

use std::time::Duration;

use hotline_acd::{
    Choice, Input, Overflow, OverflowTo, OverflowWhen, QueueSettings, SeatSettings, Skills,
    Widening,
};
use hotline_model::{
    CallId, Instant, QueueId, ScriptId, SeatId, SkillId,
    seat::{Device, Intent, OfferResult, Reason},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use support::{World, at_ms, q, s};

/// Three names that exist (if the settings happen to have them) and one that does not.
fn a_seat() -> impl Strategy<Value = SeatId> {
    select(vec![s("1001"), s("1002"), s("1003"), s("nobody")])
}

fn a_queue() -> impl Strategy<Value = QueueId> {
    select(vec![q("general"), q("english"), q("nowhere")])
}

fn a_wish() -> impl Strategy<Value = Option<(SeatId, Duration)>> {
    option::weighted(0.2, (a_seat(), a_duration()))
}

fn a_call() -> impl Strategy<Value = CallId> {
    (0..6u64).prop_map(CallId)
}

/// Nothing, an instant, a while, for ever.
fn a_duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_nanos(1)),
        (0..60u64).prop_map(Duration::from_secs),
        Just(Duration::from_nanos(u64::MAX)),
    ]
}

fn an_instant() -> impl Strategy<Value = Instant> {
    prop_oneof![
        8 => (0..100_000u64).prop_map(at_ms),
        1 => Just(Instant::from_start(Duration::from_nanos(u64::MAX))),
    ]
}

fn an_intent() -> impl Strategy<Value = Intent> {
    prop_oneof![
        3 => Just(Intent::Ready),
        1 => Just(Intent::NotReady(Reason::Meal)),
        1 => Just(Intent::NotReady(Reason::LoggedOut)),
    ]
}

fn a_result() -> impl Strategy<Value = OfferResult> {
    select(vec![
        OfferResult::Answered,
        OfferResult::NoAnswer,
        OfferResult::Refused,
        OfferResult::Unreachable,
        OfferResult::CallerGone,
        OfferResult::Withdrawn,
    ])
}

fn a_skill() -> impl Strategy<Value = (SkillId, u8)> {
    let names = ["english", "dialect"].map(|name| SkillId::new(name).unwrap());
    (select(names.to_vec()), 0..4u8)
}

fn a_choice() -> impl Strategy<Value = Choice> {
    select(vec![
        Choice::LongestIdle,
        Choice::LeastOccupied,
        Choice::FewestCalls,
        Choice::MostSkilled,
        Choice::RoundRobin,
        Choice::FixedOrder,
        Choice::WeightedRandom,
    ])
}

prop_compose! {
    fn a_widening()(
        after in a_duration(), skills in option::of(vec(a_skill(), 0..2)),
        queues in vec(a_queue(), 0..2),
    ) -> Widening {
        Widening { after, skills: skills.map(Skills::from), queues }
    }
}

prop_compose! {
    fn an_overflow()(
        wait in a_duration(), when in 0..4, queue in a_queue(), to in 0..4,
    ) -> Overflow {
        Overflow {
            when: match when {
                0 => OverflowWhen::Waited(wait),
                1 => OverflowWhen::Expected(wait),
                2 => OverflowWhen::Unstaffed(wait),
                _ => OverflowWhen::Full,
            },
            to: match to {
                0 => OverflowTo::Script(ScriptId::new("voicemail").unwrap()),
                1 => OverflowTo::Outside("021962288".into()),
                _ => OverflowTo::Queue(queue),
            },
        }
    }
}

prop_compose! {
    fn queue_settings()(
        id in a_queue(), threshold in a_duration(), weight in select(vec![0, 1, 5, u32::MAX]),
        capacity in 0..4usize, longest_wait in option::of(a_duration()), ring_for in a_duration(),
        wrap_up in a_duration(), wrap_up_cap in a_duration(), skills in vec(a_skill(), 0..2),
        choice in a_choice(), seed in any::<u64>(), widen in vec(a_widening(), 0..4),
        overflow in vec(an_overflow(), 0..10), ageing in option::of(a_duration()),
        answered_percent in any::<u8>(), in_time_percent in any::<u8>(),
    ) -> QueueSettings {
        QueueSettings {
            id, threshold, weight, capacity, longest_wait, ring_for, wrap_up, wrap_up_cap,
            skills: Skills::from(skills), choice, seed, widen, overflow, ageing,
            answered_percent, in_time_percent,
        }
    }
}

prop_compose! {
    fn seat_settings()(
        id in a_seat(), queues in vec(a_queue(), 0..3), skills in vec(a_skill(), 0..3),
        weight in select(vec![0, 1, 3, u32::MAX]),
    ) -> SeatSettings {
        SeatSettings { id, queues, skills, weight }
    }
}

fn an_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        6 => (a_call(), a_queue(), 0..3u8, an_instant(), any::<u8>(), a_wish(), any::<bool>())
            .prop_map(|(call, queue, priority, arrived, spent, preferred, promised)| {
                let spent = spent & spent.rotate_left(3);
                Input::CallQueued { call, queue, priority, arrived, spent, preferred, promised }
            }),
        1 => a_call().prop_map(|call| Input::CallLeft { call }),
        1 => (a_call(), any::<u8>())
            .prop_map(|(call, priority)| Input::Prioritise { call, priority }),
        1 => (a_call(), a_queue()).prop_map(|(call, queue)| Input::Move { call, queue }),
        1 => (a_call(), a_seat()).prop_map(|(call, seat)| Input::Pick { call, seat }),
        3 => (a_call(), a_seat()).prop_map(|(call, seat)| Input::Rang { call, seat }),
        3 => (a_call(), a_seat()).prop_map(|(call, seat)| Input::Answered { call, seat }),
        3 => (a_call(), a_seat(), a_result())
            .prop_map(|(call, seat, why)| Input::NotAnswered { call, seat, why }),
        3 => (a_call(), a_seat()).prop_map(|(call, seat)| Input::TalkEnded { call, seat }),
        1 => (a_call(), a_seat()).prop_map(|(call, seat)| Input::NotReached { call, seat }),
        2 => (a_call(), a_seat()).prop_map(|(call, to)| Input::Transfer { call, to }),
        1 => a_seat().prop_map(|seat| Input::Held { seat }),
        1 => a_seat().prop_map(|seat| Input::Resumed { seat }),
        4 => (a_seat(), an_intent()).prop_map(|(seat, intent)| Input::SetIntent { seat, intent }),
        1 => (a_seat(), an_intent()).prop_map(|(seat, intent)| Input::Force { seat, intent }),
        1 => (a_seat(), any::<bool>()).prop_map(|(seat, lost)| Input::SetDesk { seat, lost }),
        3 => a_seat().prop_map(|seat| Input::SetDevice { seat, device: Device::Registered }),
        1 => a_seat().prop_map(|seat| Input::SetDevice { seat, device: Device::Unregistered }),
        1 => (a_seat(), any::<bool>()).prop_map(|(seat, busy)| Input::SeatBusy { seat, busy }),
        1 => a_seat().prop_map(|seat| Input::EndWrapUp { seat }),
        1 => (a_seat(), a_duration()).prop_map(|(seat, by)| Input::ExtendWrapUp { seat, by }),
        1 => Just(Input::TimePassed),
    ]
}

/// Something happens, or the settings change.
#[derive(Clone, Debug)]
enum Step {
    Input(Input),
    Change(Vec<QueueSettings>, Vec<SeatSettings>),
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => an_input().prop_map(Step::Input),
        1 => (vec(queue_settings(), 0..4), vec(seat_settings(), 0..5))
            .prop_map(|(queues, seats)| Step::Change(queues, seats)),
    ]
}

fn take(world: &mut World, now: Instant, step: Step) {
    match step {
        Step::Input(input) => world.step(now, input),
        Step::Change(queues, seats) => world.change(now, queues, seats),
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_every_invariant_holds(
        queues in vec(queue_settings(), 0..4),
        seats in vec(seat_settings(), 0..5),
        steps in vec((0..15_000u64, a_step()), 0..120),
    ) {
        let mut world = World::new(queues, seats);
        let mut now = at_ms(0);
        for (ms, step) in steps {
            now = now + Duration::from_millis(ms * ms / 15_000);
            take(&mut world, now, step);
        }
    }

    /// Clocks that jump, backwards and to the end of time.
    #[test]
    fn whatever_the_clock_says_every_invariant_holds(
        queues in vec(queue_settings(), 1..3),
        seats in vec(seat_settings(), 1..4),
        steps in vec((an_instant(), a_step()), 0..60),
    ) {
        let mut world = World::new(queues, seats);
        for (now, step) in steps {
            take(&mut world, now, step);
        }
    }
}
