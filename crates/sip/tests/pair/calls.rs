//! Calls, refusals and registrations in any weather.

use std::time::Duration;

use hotline_model::Instant;
use hotline_sip::{
    endpoint::{EndedBy, Event},
    path::Transport,
};

use crate::users::Deed;
use crate::world::{FAIR, Next, World, weather, world};

#[test]
fn a_call_in_fair_weather_tells_the_plain_story() {
    let mut world = World::new(1, Transport::Udp, FAIR);
    world.plan(0, 0, Deed::Invite);
    world.plan(1, 200, Deed::Ring);
    world.plan(1, 2_000, Deed::Answer);
    world.plan(0, 9_000, Deed::HangUp);
    world.run();
    world.check();
    let [caller, callee] = &world.sides;
    assert!(caller.user.saw_answer && callee.user.saw_ack);
    assert!(matches!(
        callee.user.end,
        Some(Event::Ended {
            why: EndedBy::Bye,
            ..
        })
    ));
}

#[test]
fn calls_survive_any_weather() {
    let mut answered = 0;
    for seed in 0..1_200 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        let (ring, answer) = (world.between(500, 1_500), world.between(1_500, 9_000));
        let end = world.between(12_000, 40_000).as_millis() as u64;
        world.plan(1, ring.as_millis() as u64, Deed::Ring);
        world.plan(1, answer.as_millis() as u64, Deed::Answer);
        let quitter = (seed % 2) as usize;
        world.plan(quitter, end, Deed::HangUp);
        if seed % 5 == 0 {
            // Both at once.
            world.plan(1 - quitter, end + seed % 7 * 30, Deed::HangUp);
        }
        world.run();
        world.check();
        answered += u32::from(world.sides[0].user.saw_answer);
        if weather(seed).lost <= 50 {
            // One loss in twenty is mended by repetition, always.
            let [caller, callee] = &world.sides;
            assert!(caller.user.saw_answer && callee.user.saw_ack, "seed {seed}");
        }
    }
    assert!(answered > 1_000, "{answered}");
}

#[test]
fn cancel_crosses_200_at_every_moment() {
    let (mut cancelled, mut crossed) = (0, 0);
    for seed in 0..1_500 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        if seed % 3 > 0 {
            world.plan(1, 100, Deed::Ring);
        }
        let answer = world.between(200, 1_400).as_millis() as u64;
        let quit = world.between(0, 1_600).as_millis() as u64;
        match seed % 4 {
            3 => world.plan(1, answer, Deed::Reject(486)),
            _ => world.plan(1, answer, Deed::Answer),
        }
        world.plan(0, quit, Deed::HangUp);
        // Without the caller's word the callee would talk to nobody for ever.
        world.plan(1, 100_000, Deed::HangUp);
        world.run();
        world.check();
        let callee = &world.sides[1].user;
        cancelled += u32::from(matches!(callee.end, Some(Event::Cancelled { .. })));
        crossed += u32::from(
            callee.answered_here
                && !world.sides[0].user.saw_answer
                && matches!(callee.end, Some(Event::Ended { .. })),
        );
    }
    assert!(cancelled > 100 && crossed > 20, "{cancelled} {crossed}");
}

#[test]
fn refusals_arrive() {
    let mut refused = 0;
    for seed in 0..1_000 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        let when = world.between(300, 3_000).as_millis() as u64;
        world.plan(
            1,
            when,
            Deed::Reject([404, 486, 503, 603][seed as usize % 4]),
        );
        world.plan(0, 60_000, Deed::HangUp);
        world.run();
        world.check();
        refused += u32::from(matches!(
            world.sides[0].user.end,
            Some(Event::Refused { .. })
        ));
    }
    assert!(refused > 900, "{refused}");
}

#[test]
fn glare_ends_with_one_session_on_both_sides() {
    let mut agreed = 0;
    for seed in 0..1_200 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 600, Deed::Answer);
        for round in 0..3 {
            let at = 6_000 + round * 15_000;
            let (first, second) = (world.between(0, 400), world.between(0, 400));
            world.plan(
                0,
                at + first.as_millis() as u64,
                Deed::Reoffer(10 + round as u32),
            );
            world.plan(
                1,
                at + second.as_millis() as u64,
                Deed::Reoffer(20 + round as u32),
            );
        }
        world.plan((seed % 2) as usize, 120_000, Deed::HangUp);
        // All is quiet before the end: compare then.
        world.run_until(Instant::START + Duration::from_secs(119));
        let [a, b] = &world.sides;
        let lives = a.user.end.is_none() && b.user.end.is_none() && a.user.saw_answer;
        if lives && a.user.pending_offers == 0 && b.user.pending_offers == 0 {
            assert_eq!(a.user.session, b.user.session, "seed {seed}");
            assert!(a.user.session > 0, "seed {seed}");
            agreed += 1;
        }
        world.run();
        world.check();
    }
    assert!(agreed > 900, "{agreed}");
}

#[test]
fn registrations_survive_any_weather() {
    for seed in 0..1_000 {
        let mut world = world(seed);
        for n in 0..4 {
            world.plan(0, n * 9_000, Deed::Register(1 + n as u32));
        }
        world.run();
        world.check();
        let served = world.sides[1].user.registered;
        assert!(
            served <= 4,
            "seed {seed}: a retransmission is no new request"
        );
        assert_eq!(world.sides[0].user.requests.len(), 4);
    }
}

#[test]
fn streams_may_break_at_any_time() {
    for seed in 0..1_000 {
        let mut world = World::new(seed, Transport::Tcp, FAIR);
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 500, [Deed::Ring, Deed::Progress][seed as usize / 3 % 2]);
        world.plan((seed / 6 % 2) as usize, 900, Deed::ReofferEarly(6));
        world.plan(1, 2_000, Deed::Answer);
        world.plan((seed % 2) as usize, 4_000, Deed::Reoffer(7));
        world.plan((seed / 2 % 2) as usize, 9_000, Deed::HangUp);
        world.plan(0, 200_000, Deed::HangUp);
        world.plan(1, 200_000, Deed::HangUp);
        for _ in 0..seed % 3 {
            let when = Instant::START + world.between(0, 10_000);
            world.at(when, Next::Break);
        }
        world.run();
        world.check();
    }
}
