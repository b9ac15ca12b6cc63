//! A caller whom the queue sends outside or to a script: called by trunk, music meanwhile, the talk,
//! and the way back to the old place.

use std::{collections::BTreeSet, sync::Arc};

use hotline_acd::{Overflow, OverflowTo, OverflowWhen};
use hotline_calls::settings::{Trunk, compile_alone};
use hotline_media::Command;
use hotline_model::{
    CallId, ScriptId,
    event::{Event, Outcome},
    seat::Work,
};
use hotline_sip::endpoint::DialogId;

use crate::bench::{A, B, Bench, PHONE, s, sdp, settings, trunk};

/// Callers come by A, and calls go out by B.
fn trunks() -> Vec<Trunk> {
    let mut incoming = trunk("incoming", A, 1);
    incoming.outbound.targets.clear();
    vec![incoming, trunk("outgoing", B, 1)]
}

/// A bench whose queue sends callers there after ten seconds, and a caller in it.
fn waiting(to: OverflowTo) -> (Bench, DialogId) {
    let mut settings = settings(trunks());
    let farewell = "name = \"farewell\"\nlanguage = \"zh\"\nstart = \"bye\"\n\n\
                    [step.bye]\nhang-up = \"nobody is here\"\n";
    let farewell = compile_alone(farewell).unwrap();
    let id = ScriptId::new("farewell").unwrap();
    settings.scripts.insert(id, Arc::new(farewell));
    settings.queues[0].floor.overflow = vec![Overflow {
        when: OverflowWhen::Waited(s(10)),
        to,
    }];
    let mut bench = Bench::with(settings);
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    (bench, caller)
}

fn outside() -> OverflowTo {
    OverflowTo::Outside("06358261234".into())
}

fn pick_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| {
        endpoint.answer(now, dialog, sdp(peer, 5_000, "sendrecv"));
    });
}

fn hang_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| endpoint.hang_up(now, dialog, None));
}

fn ended(bench: &Bench, how: Outcome) -> usize {
    bench.count(|event| matches!(event, Event::CallEnded { outcome, .. } if *outcome == how))
}

fn overflowed(bench: &Bench, where_to: &str) -> usize {
    bench.count(|event| {
        matches!(event, Event::QueueOverflowed { to, why, .. }
            if to == where_to && why == "waited 10 s, at most 10 s here")
    })
}

fn nobody_left(bench: &Bench) -> bool {
    bench.exchange.live_calls() == 0 && bench.exchange.switchboard().live_legs() == 0
}

#[test]
fn a_caller_sent_outside_talks_there() {
    let (mut bench, _) = waiting(outside());
    assert_eq!(bench.invited(B), None);
    bench.pass(s(10));
    let there = bench.invited(B).unwrap();
    assert_eq!(overflowed(&bench, "outside:06358261234"), 1);
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, there, 180, Vec::new());
    });
    assert_eq!(bench.bridged(), None, "music until somebody answers");
    pick_up(&mut bench, B, there);
    let (caller, far) = bench.bridged().unwrap();
    let legs: BTreeSet<_> = [caller, far].into();
    assert_eq!(legs.len(), 2);
    assert_eq!(bench.exchange.stage_of(CallId(1)), Some("outgoing"));
    bench.pass(s(30));
    hang_up(&mut bench, B, there);
    // No seat answered: so it counts, whatever was said outside.
    assert_eq!(ended(&bench, Outcome::Overflowed), 1);
    assert!(nobody_left(&bench), "{:?}", bench.events);
}

#[test]
fn a_caller_whom_nobody_answers_outside_waits_on_and_is_not_sent_again() {
    let (mut bench, _) = waiting(outside());
    bench.pass(s(10));
    let there = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| endpoint.reject(now, there, 486, &[]));
    assert_eq!(bench.exchange.stage_of(CallId(1)), Some("waiting"));
    bench.pass(s(60));
    assert_eq!(bench.invited(B), None);
    assert_eq!(overflowed(&bench, "outside:06358261234"), 1);
    let entered = bench.count(|event| matches!(event, Event::QueueEntered { position: 1, .. }));
    assert_eq!(entered, 2);
    bench.register();
    let agent = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, agent);
    assert_eq!(bench.work(), Work::Talking);
    hang_up(&mut bench, PHONE, agent);
    bench.pass(s(60));
    assert_eq!(ended(&bench, Outcome::Answered), 1);
    assert!(bench.is_clean(), "{:?}", bench.events);
}

#[test]
fn a_caller_who_gives_up_while_it_rings_outside_leaves_nothing() {
    let (mut bench, caller) = waiting(outside());
    bench.pass(s(10));
    let there = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, there, 183, sdp(B, 5_000, "sendrecv"));
    });
    assert!(bench.bridged().is_some(), "the caller hears the trunk");
    hang_up(&mut bench, A, caller);
    bench.pass(s(5));
    assert_eq!(ended(&bench, Outcome::Abandoned), 1);
    assert!(nobody_left(&bench), "{:?}", bench.events);
}

#[test]
fn a_caller_sent_to_a_script_hears_it_from_its_start() {
    let (mut bench, _) = waiting(OverflowTo::Script(ScriptId::new("farewell").unwrap()));
    let before = bench.media.len();
    bench.pass(s(10));
    assert_eq!(overflowed(&bench, "script:farewell"), 1);
    let started = bench.count(|event| {
        matches!(event, Event::ScriptStarted { script, .. } if script.as_str() == "farewell")
    });
    assert_eq!(started, 1);
    let mut after = bench.media[before..].iter();
    assert!(after.any(|command| matches!(command, Command::StopPlay { .. })));
    assert_eq!(ended(&bench, Outcome::Overflowed), 1);
    assert!(nobody_left(&bench), "{:?}", bench.events);
}

#[test]
fn a_script_that_is_gone_leaves_nobody_in_silence() {
    let (mut bench, _) = waiting(OverflowTo::Script(ScriptId::new("gone").unwrap()));
    bench.pass(s(10));
    bench.pass(s(60));
    let why = |event: &Event| {
        matches!(event, Event::CallEnded { outcome: Outcome::Overflowed, cause, .. }
            if cause == "the script is gone")
    };
    assert_eq!(bench.count(why), 1, "{:?}", bench.events);
    assert!(nobody_left(&bench), "{:?}", bench.events);
}
