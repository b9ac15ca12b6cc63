//! A caller whom a seat gives on to a number outside: music, the call there, the talk, and the way
//! back.

use std::sync::Arc;

use hotline_calls::settings::{Trunk, compile_alone};
use hotline_media::Command;
use hotline_model::{
    LegId, ScriptId,
    event::{Event, Outcome, ReleasedBy, TransferKind},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::bench::{A, B, Bench, PHONE, s, sdp, seat, settings, trunk};

const NUMBER: &str = "06358261234";
const JOURNALLED: &str = "outside:06358261234";

/// Callers come by A, and calls go out by B.
fn trunks() -> Vec<Trunk> {
    let mut incoming = trunk("incoming", A, 1);
    incoming.outbound.targets.clear();
    vec![incoming, trunk("outgoing", B, 1)]
}

/// A bench in which a caller (the first dialog) talks with the seat (the second).
fn talking() -> (Bench, DialogId, DialogId) {
    talking_at(Bench::new(trunks()))
}

fn talking_at(mut bench: Bench) -> (Bench, DialogId, DialogId) {
    bench.register();
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    let agent = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, agent);
    assert_eq!(bench.work(), Work::Talking);
    (bench, caller, agent)
}

fn pick_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| {
        endpoint.answer(now, dialog, sdp(peer, 5_000, "sendrecv"));
    });
}

fn refer(bench: &mut Bench, agent: DialogId, target: &str) {
    bench.does(PHONE, |endpoint, now| {
        endpoint.refer(now, agent, target, None);
    });
}

/// The statuses that the phone was told of its REFER.
fn told(bench: &mut Bench) -> Vec<u16> {
    let told = bench.told(PHONE).into_iter();
    told.filter_map(|event| match event {
        SipEvent::ReferProgress { status, .. } => Some(status),
        _ => None,
    })
    .collect()
}

fn hang_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| endpoint.hang_up(now, dialog, None));
}

fn hears_music(bench: &Bench, leg: LegId) -> bool {
    let commands = bench.media.iter().rev();
    let last = commands.into_iter().find_map(|command| match command {
        Command::Bridge { a, b } if leg == *a || leg == *b => Some(false),
        Command::Play {
            leg: at,
            repeat: true,
            ..
        } if leg == *at => Some(true),
        _ => None,
    });
    last == Some(true)
}

fn transferred(bench: &Bench) -> usize {
    bench.count(|event| {
        matches!(event, Event::TalkTransferred { to, kind: TransferKind::Blind, from, .. }
            if to == JOURNALLED && from.as_str() == "1001")
    })
}

fn talks_ended(bench: &Bench) -> usize {
    bench.count(|event| matches!(event, Event::TalkEnded { .. }))
}

fn recordings(bench: &Bench) -> usize {
    bench.count(|event| matches!(event, Event::RecordingClosed { .. }))
}

fn call_ended(bench: &Bench, by: ReleasedBy) -> usize {
    bench.count(|event| {
        matches!(event, Event::CallEnded { outcome: Outcome::Answered, released_by, .. }
            if *released_by == by)
    })
}

#[test]
fn a_phone_gives_its_caller_on_to_a_number_outside() {
    let (mut bench, caller, agent) = talking();
    let (caller_leg, agent_leg) = bench.bridged().unwrap();
    refer(&mut bench, agent, "sip:06358261234@hotline");
    assert!(hears_music(&bench, caller_leg));
    assert_eq!(bench.work(), Work::Hold);
    let outside = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, outside, 180, Vec::new());
    });
    assert_eq!(talks_ended(&bench), 0, "the agent's part goes on");
    bench.pass(s(5));
    pick_up(&mut bench, B, outside);
    assert_eq!(told(&mut bench), [100, 180, 200]);
    assert_eq!((transferred(&bench), talks_ended(&bench)), (1, 1));
    let (a, b) = bench.bridged().unwrap();
    assert!(
        a == caller_leg && b != agent_leg,
        "the caller and the outside"
    );
    assert_eq!(recordings(&bench), 1, "the first talk's");
    assert_eq!(bench.work(), Work::WrapUp, "and no longer with this call");
    bench.pass(s(60));
    hang_up(&mut bench, B, outside);
    assert_eq!(recordings(&bench), 2);
    assert_eq!(call_ended(&bench, ReleasedBy::Agent), 1);
    let ended = bench.told(A).into_iter();
    let ended =
        ended.filter(|event| matches!(event, SipEvent::Ended { dialog, .. } if *dialog == caller));
    assert_eq!(ended.count(), 1);
    assert!(bench.is_clean(), "{:?}", bench.events);
}

#[test]
fn the_page_gives_a_caller_on_outside_as_the_phone_does() {
    let (mut bench, caller, _) = talking();
    bench.order_transfer(NUMBER);
    let outside = bench.invited(B).unwrap();
    pick_up(&mut bench, B, outside);
    assert_eq!((transferred(&bench), talks_ended(&bench)), (1, 1));
    // The caller holds and takes off again, and leaves.
    for (direction, held, resumed) in [("sendonly", 1, 1), ("sendrecv", 1, 2)] {
        bench.does(A, |endpoint, now| {
            endpoint.reoffer(now, caller, sdp(A, 4_000, direction));
        });
        // The agent's own hold, for the transfer, was never taken off.
        let counted = bench.count(|event| {
            matches!(
                event,
                Event::TalkHeld {
                    by: ReleasedBy::Caller,
                    ..
                }
            )
        });
        let back = bench.count(|event| matches!(event, Event::TalkResumed { .. }));
        assert_eq!((counted, back + 1), (held, resumed), "{direction}");
    }
    hang_up(&mut bench, A, caller);
    assert_eq!(call_ended(&bench, ReleasedBy::Caller), 1);
    bench.pass(s(60));
    assert!(bench.is_clean());
}

#[test]
fn a_caller_hears_what_the_trunk_plays_and_music_or_the_agent_after() {
    let (mut bench, _, agent) = talking();
    let (caller_leg, agent_leg) = bench.bridged().unwrap();
    refer(&mut bench, agent, "sip:06358261234@hotline");
    let outside = bench.invited(B).unwrap();
    for _ in 0..2 {
        bench.does(B, |endpoint, now| {
            endpoint.ring(now, outside, 183, sdp(B, 5_000, "sendrecv"));
        });
    }
    let (a, trunk_leg) = bench.bridged().unwrap();
    assert!(
        a == caller_leg && trunk_leg != agent_leg,
        "the caller and the trunk"
    );
    let bridges = |bench: &Bench| {
        let commands = bench.media.iter();
        commands
            .filter(|command| matches!(command, Command::Bridge { .. }))
            .count()
    };
    assert_eq!(bridges(&bench), 2, "the talk's and one with the trunk");
    bench.does(B, |endpoint, now| endpoint.reject(now, outside, 486, &[]));
    assert_eq!(bench.bridged(), Some((caller_leg, agent_leg)));
    assert_eq!(bench.work(), Work::Talking);
    // And to nobody's silence where the agent's phone holds.
    bench.does(PHONE, |endpoint, now| {
        endpoint.reoffer(now, agent, sdp(PHONE, 5_000, "sendonly"));
    });
    refer(&mut bench, agent, "sip:06358261234@hotline");
    let outside = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, outside, 183, sdp(B, 5_000, "sendrecv"));
    });
    assert!(!hears_music(&bench, caller_leg));
    bench.does(B, |endpoint, now| endpoint.reject(now, outside, 486, &[]));
    assert!(hears_music(&bench, caller_leg));
    assert_eq!(bench.work(), Work::Hold);
}

/// The score is the seat's that gave the caller on.
#[test]
fn a_caller_given_outside_is_asked_for_the_score() {
    let survey = ScriptId::new("survey").unwrap();
    for leaves in [A, B] {
        let mut settings = settings(trunks());
        let script = compile_alone(include_str!("../../../../ivr-scripts/survey.toml")).unwrap();
        settings.scripts.insert(survey, Arc::new(script));
        settings.survey = Some(survey);
        let (mut bench, caller, agent) = talking_at(Bench::with(settings));
        refer(&mut bench, agent, "sip:06358261234@hotline");
        let outside = bench.invited(B).unwrap();
        pick_up(&mut bench, B, outside);
        bench.pass(s(30));
        hang_up(
            &mut bench,
            leaves,
            if leaves == A { caller } else { outside },
        );
        let offered =
            |e: &Event| matches!(e, Event::SurveyOffered { seat: of, .. } if *of == seat());
        assert_eq!(bench.count(offered), usize::from(leaves == B));
        assert_eq!(
            call_ended(&bench, ReleasedBy::Caller),
            usize::from(leaves == A)
        );
        hang_up(&mut bench, A, caller);
        assert_eq!(call_ended(&bench, ReleasedBy::Caller), 1);
        bench.pass(s(60));
        assert!(bench.is_clean());
    }
}

#[test]
fn an_agent_who_hangs_up_leaves_the_transfer_going_on() {
    let (mut bench, caller, agent) = talking();
    refer(&mut bench, agent, "tel:0635-8261234");
    hang_up(&mut bench, PHONE, agent);
    assert_eq!((talks_ended(&bench), bench.work()), (1, Work::WrapUp));
    let outside = bench.invited(B).unwrap();
    // The seat is not busy meanwhile: it takes the next caller.
    bench.pass(s(20));
    pick_up(&mut bench, B, outside);
    assert_eq!((transferred(&bench), talks_ended(&bench)), (1, 1));
    hang_up(&mut bench, A, caller);
    bench.pass(s(60));
    assert!(bench.is_clean());
}

#[test]
fn who_is_not_reached_outside_is_with_the_agent_again() {
    let (mut bench, caller, agent) = talking();
    let before = bench.bridged();
    refer(&mut bench, agent, "sip:06358261234@hotline");
    let outside = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| endpoint.reject(now, outside, 486, &[]));
    assert_eq!(told(&mut bench), [100, 486]);
    let back = |event: &Event| matches!(event, Event::TransferFailed { to, back: true, .. } if to == JOURNALLED);
    assert_eq!(bench.count(back), 1);
    assert_eq!((bench.bridged(), bench.work()), (before, Work::Talking));
    assert_eq!(bench.count(|e| matches!(e, Event::TalkResumed { .. })), 1);
    // And may be given on anew.
    refer(&mut bench, agent, "sip:06358261234@hotline");
    assert!(bench.invited(B).is_some());
    hang_up(&mut bench, A, caller);
    bench.pass(s(60));
    assert!(bench.is_clean());
}

#[test]
fn who_is_not_reached_outside_and_left_alone_is_first_in_line() {
    let (mut bench, first, agent) = talking();
    let second = bench.call(A, "13800000002", "12345", None, &[]);
    refer(&mut bench, agent, "sip:06358261234@hotline");
    hang_up(&mut bench, PHONE, agent);
    let outside = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| endpoint.reject(now, outside, 486, &[]));
    let lost = |event: &Event| matches!(event, Event::TransferFailed { back: false, .. });
    assert_eq!(bench.count(lost), 1);
    bench.pass(s(120));
    let invite = bench.invite_heard(PHONE);
    assert!(
        invite.contains("13800000001"),
        "before who came later: {invite}"
    );
    hang_up(&mut bench, A, first);
    hang_up(&mut bench, A, second);
    bench.pass(s(120));
    assert!(bench.is_clean());
}

#[test]
fn a_caller_who_leaves_meanwhile_leaves_nothing_behind() {
    for agent_stays in [true, false] {
        let (mut bench, caller, agent) = talking();
        refer(&mut bench, agent, "sip:06358261234@hotline");
        let outside = bench.invited(B).unwrap();
        bench.does(B, |endpoint, now| {
            endpoint.ring(now, outside, 180, Vec::new());
        });
        if !agent_stays {
            hang_up(&mut bench, PHONE, agent);
        }
        hang_up(&mut bench, A, caller);
        let told = bench.told(B);
        assert!(
            told.iter()
                .any(|event| matches!(event, SipEvent::Cancelled { .. }))
        );
        assert_eq!((talks_ended(&bench), transferred(&bench)), (1, 0));
        bench.pass(s(120));
        assert!(bench.is_clean());
    }
}

#[test]
fn nobody_is_sent_where_the_lists_do_not_allow() {
    // The seat's list has 0635 and 138, the trunks' 0635 and 1.
    for target in [
        "sip:06358261234@evil.example",
        "sip:06358261234@10.0.3.2",
        "sip:00881612345678@hotline",
        "sip:16812345@hotline",
        "sip:110@hotline",
        "sip:053188888888@hotline",
        "sip:+85212345678@hotline",
        "sip:0635@hotline;x=1",
        "tel:00246812345",
    ] {
        let (mut bench, caller, agent) = talking();
        refer(&mut bench, agent, target);
        if target.starts_with("sip:0635@") {
            assert!(bench.invited(B).is_some(), "what is allowed: {target}");
            continue;
        }
        let statuses = told(&mut bench);
        assert!(matches!(statuses[..], [403] | []), "{target}: {statuses:?}");
        assert!(bench.invited(B).is_none(), "{target}");
        let journalled = |event: &Event| {
            matches!(event, Event::SeatRequested { request, through, done: false, .. }
                if request.starts_with("transfer") && through == "phone"
                    && !request.contains("8261234"))
        };
        let tried = usize::from(!statuses.is_empty());
        assert_eq!(bench.count(journalled), tried, "{target}");
        assert_eq!(bench.work(), Work::Talking, "{target}");
        hang_up(&mut bench, A, caller);
    }
    // Whoever outside was given a caller can send nobody on.
    let (mut bench, _, agent) = talking();
    refer(&mut bench, agent, "sip:06358261234@hotline");
    let outside = bench.invited(B).unwrap();
    pick_up(&mut bench, B, outside);
    bench.does(B, |endpoint, now| {
        endpoint.refer(now, outside, "sip:13800000009@hotline", None);
    });
    let told = bench.told(B);
    let refused = |event: &SipEvent| matches!(event, SipEvent::ReferProgress { status: 403, .. });
    assert!(told.iter().any(refused), "{told:?}");
}

#[test]
fn a_call_made_for_a_caller_has_a_hop_less() {
    let (mut bench, _, agent) = talking();
    let max_forwards = |bench: &Bench, peer| {
        let header = Bench::header(bench.invite_heard(peer), "Max-Forwards");
        header.unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(max_forwards(&bench, PHONE), 69);
    refer(&mut bench, agent, "sip:06358261234@hotline");
    assert_eq!(max_forwards(&bench, B), 69);
    let mut bench = Bench::new(trunks());
    bench.dial(NUMBER);
    assert_eq!(max_forwards(&bench, B), 69);
}
