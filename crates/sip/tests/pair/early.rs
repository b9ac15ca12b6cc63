//! Sessions before the answer, and reliable provisional responses.

use std::time::Duration;

use hotline_model::Instant;
use hotline_sip::{endpoint::Event, path::Transport};

use crate::users::Deed;
use crate::world::{FAIR, World, weather, world};

/// A call with early media: the answer in a reliable 183, offers of both sides before and after.
fn early_call(seed: u64) -> World {
    let mut world = world(seed);
    let invite = [Deed::Invite, Deed::InviteReliably][seed as usize % 2];
    world.plan(0, 0, invite);
    let progress = world.between(300, 1_500).as_millis() as u64;
    world.plan(1, progress, Deed::Progress);
    if seed.is_multiple_of(3) {
        world.plan(1, progress + 40, Deed::Ring);
    }
    world
}

#[test]
fn early_sessions_survive_any_weather() {
    let (mut answered, mut agreed, mut early) = (0, 0, 0);
    for seed in 0..1_200 {
        let mut world = early_call(seed);
        for side in 0..2 {
            let (first, second) = (world.between(800, 6_000), world.between(8_000, 20_000));
            let number = 10 * (side as u32 + 1);
            world.plan(side, first.as_millis() as u64, Deed::ReofferEarly(number));
            world.plan(side, second.as_millis() as u64, Deed::Reoffer(number + 1));
        }
        let answer = world.between(1_600, 9_000).as_millis() as u64;
        world.plan(1, answer, Deed::Answer);
        world.plan((seed % 2) as usize, 80_000, Deed::HangUp);
        world.plan((1 - seed % 2) as usize, 200_000, Deed::HangUp);
        world.run_until(Instant::START + Duration::from_secs(79));
        let [a, b] = &world.sides;
        let (a, b) = (&a.user, &b.user);
        early += a.early_offers + b.early_offers;
        let lives = a.end.is_none() && b.end.is_none() && a.saw_answer && b.saw_ack;
        let done = a.pending_offers == 0 && b.pending_offers == 0;
        if lives && done && !a.saw_refusal && !b.saw_refusal {
            assert_eq!(a.session, b.session, "seed {seed}");
            agreed += 1;
        }
        if weather(seed).lost <= 50 {
            assert!(a.saw_answer, "seed {seed}: {:?} {:?}", a.end, b.end);
        }
        world.run();
        world.check();
        answered += u32::from(world.sides[0].user.saw_answer);
    }
    assert!(answered > 1_000, "{answered}");
    assert!(agreed > 600, "{agreed}");
    assert!(early > 600, "{early}: offers before the 200");
}

#[test]
fn cancel_crosses_a_reliable_183_at_every_moment() {
    let (mut cancelled, mut crossed) = (0, 0);
    for seed in 0..1_500 {
        let mut world = early_call(seed);
        let answer = world.between(600, 3_000).as_millis() as u64;
        let quit = world.between(0, 3_200).as_millis() as u64;
        let offer = world.between(600, 3_000).as_millis() as u64;
        world.plan((seed % 2) as usize, offer, Deed::ReofferEarly(1));
        world.plan(1, answer, Deed::Answer);
        world.plan(0, quit, Deed::HangUp);
        world.plan(1, 100_000, Deed::HangUp);
        world.run();
        world.check();
        let [caller, callee] = &world.sides;
        cancelled += u32::from(matches!(callee.user.end, Some(Event::Cancelled { .. })));
        crossed += u32::from(callee.user.answered_here && !caller.user.saw_answer);
    }
    assert!(cancelled > 100 && crossed > 20, "{cancelled} {crossed}");
}

#[test]
fn without_a_prack_the_call_is_refused_on_both_sides() {
    for seed in 0..40 {
        let mut world = World::new(seed, Transport::Udp, FAIR);
        world.swallowed = Some((b"PRACK", Instant::START));
        world.plan(0, 0, Deed::InviteReliably);
        world.plan(1, 500, Deed::Progress);
        world.plan(1, 1_000 + seed * 500, Deed::Answer);
        world.run();
        world.check();
        let [caller, callee] = &world.sides;
        assert!(matches!(callee.user.end, Some(Event::Cancelled { .. })));
        let status = match caller.user.end {
            Some(Event::Refused { status, .. }) => status,
            _ => 0,
        };
        // Every third caller waits for twenty seconds only.
        assert_eq!(status, if seed % 3 == 0 { 408 } else { 504 }, "seed {seed}");
    }
}
