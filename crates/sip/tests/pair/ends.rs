//! Calls whose end is lost, and calls that last.

use std::time::Duration;

use hotline_model::Instant;
use hotline_sip::{
    endpoint::{EndedBy, Event},
    path::Transport,
};

use crate::users::Deed;
use crate::world::{FAIR, SESSION_S, World, weather, world};

#[test]
fn a_lost_ack_ends_the_call_on_both_sides() {
    for seed in 0..40 {
        let mut world = World::new(seed, Transport::Udp, FAIR);
        world.swallowed = Some((b"ACK", Instant::START));
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 500 + seed * 100, Deed::Answer);
        world.run();
        world.check();
        let how = |side: usize| match world.sides[side].user.end {
            Some(Event::Ended { why, .. }) => Some(why),
            _ => None,
        };
        assert_eq!(how(0), Some(EndedBy::Bye), "seed {seed}");
        assert_eq!(how(1), Some(EndedBy::NoAck), "seed {seed}");
    }
}

#[test]
fn a_lost_bye_ends_with_the_session() {
    for seed in 0..40 {
        let mut world = World::new(seed, Transport::Udp, FAIR);
        let quitter = (seed % 2) as usize;
        let end = 20_000 + seed * 1_500;
        let since = Instant::START + Duration::from_millis(end);
        world.swallowed = Some((b"BYE", since));
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 500, Deed::Answer);
        world.plan(quitter, end, Deed::HangUp);
        world.run_until(since + Duration::from_secs(u64::from(SESSION_S)));
        // RFC 4028 §10: the callee waits for a refresh in vain; the caller's is answered 481.
        let why = match world.sides[1 - quitter].user.end {
            Some(Event::Ended { why, .. }) => why,
            _ => panic!("seed {seed}: it goes on for ever"),
        };
        let expected = [EndedBy::Expired, EndedBy::Timeout][quitter];
        assert_eq!(why, expected, "seed {seed}");
        world.run();
        world.check();
    }
}

#[test]
fn long_calls_are_kept_alive_in_any_weather() {
    let mut lived = 0;
    for seed in 0..400 {
        let mut world = world(seed);
        world.plan(0, 0, Deed::Invite);
        world.plan(1, 8_000, Deed::Answer);
        let end = 600_000;
        world.plan((seed % 2) as usize, end, Deed::HangUp);
        world.plan((1 - seed % 2) as usize, end + 100_000, Deed::HangUp);
        world.run_until(Instant::START + Duration::from_millis(end - 1));
        let alive = world.sides.iter().all(|side| side.user.end.is_none());
        lived += u32::from(alive);
        if weather(seed).lost <= 50 {
            let ends = world.sides.each_ref().map(|side| &side.user.end);
            assert!(alive, "seed {seed}: {ends:?}");
        }
        world.run();
        world.check();
    }
    assert!(lived > 250, "{lived}");
}
