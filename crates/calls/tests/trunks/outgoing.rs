//! A seat calls somebody outside.

use core::time::Duration;

use hotline_calls::{
    Path, Transport,
    settings::{Target, Trunk},
};
use hotline_media::{Command, Report, Stats};
use hotline_model::{
    event::{Event, Outcome, Party, ReleasedBy},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::bench::{A, B, Bench, EXCHANGE, PHONE, at, s, sdp, trunk};

const NUMBER: &str = "06358261234";

fn two() -> Vec<Trunk> {
    vec![trunk("first", A, 1), trunk("second", B, 2)]
}

fn refused(bench: &mut Bench) -> Option<u16> {
    let told = bench.told(PHONE);
    told.iter().find_map(|event| match event {
        SipEvent::Refused { status, .. } => Some(*status),
        _ => None,
    })
}

fn end(bench: &Bench) -> (Outcome, ReleasedBy, String) {
    let ends: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::DialEnded {
                outcome,
                released_by,
                cause,
                ..
            } => Some((*outcome, *released_by, cause.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(ends.len(), 1, "ended once: {:?}", bench.events);
    assert!(bench.is_clean());
    ends[0].clone()
}

/// The seat dials and the first trunk answers.
fn talking() -> (Bench, DialogId, DialogId) {
    let mut bench = Bench::new(two());
    let seat = bench.dial(NUMBER);
    let outside = bench.invited(A).unwrap();
    bench.does(A, |endpoint, now| {
        endpoint.answer(now, outside, sdp(A, 6_000, "sendrecv"));
    });
    (bench, seat, outside)
}

#[test]
fn a_call_goes_out_under_the_hotlines_number_and_is_recorded() {
    let mut bench = Bench::new(two());
    bench.dial("0635-826.1234");
    let invite = bench.invite_heard(A).to_owned();
    assert!(
        invite.starts_with("INVITE sip:06358261234@10.0.1.2:5060 SIP/2.0\r\n"),
        "{invite}"
    );
    assert!(
        invite.contains("From: <sip:063512345@10.0.0.1>;tag="),
        "{invite}"
    );
    let asserted = Bench::header(&invite, "P-Asserted-Identity").unwrap();
    assert_eq!(asserted, "<sip:063512345@10.0.0.1>");
    assert!(
        !invite.contains("1001") && !invite.contains("Wang"),
        "nothing of the agent: {invite}"
    );
    assert_eq!(bench.work(), Work::Busy);
    let outside = bench.invited(A).unwrap();
    bench.does(A, |endpoint, now| {
        endpoint.ring(now, outside, 180, Vec::new());
    });
    let ringing = bench.told(PHONE);
    assert!(ringing.iter().any(|event| matches!(event,
        SipEvent::Ringing { status: 180, body, .. } if body.is_empty())));
    assert_eq!(bench.bridged(), None);
    bench.does(A, |endpoint, now| {
        endpoint.answer(now, outside, sdp(A, 6_000, "sendrecv"));
    });
    let told = bench.told(PHONE);
    assert!(told.iter().any(|event| matches!(event,
        SipEvent::Answered { body, .. } if !body.is_empty())));
    let (seat_leg, outside_leg) = bench.bridged().unwrap();
    let recorded = bench.media.iter().find_map(|command| match command {
        Command::Record { left, right, .. } => Some((*left, *right)),
        _ => None,
    });
    assert_eq!(recorded, Some((outside_leg, Some(seat_leg))));
    bench.pass(s(20));
    bench.does(A, |endpoint, now| endpoint.hang_up(now, outside, None));
    let told = bench.told(PHONE);
    assert!(
        told.iter()
            .any(|event| matches!(event, SipEvent::Ended { .. }))
    );
    assert_eq!(
        end(&bench),
        (Outcome::Answered, ReleasedBy::Caller, "hung up".to_owned())
    );
    let talked = bench.count(|event| {
        matches!(
            event,
            Event::DialEnded {
                talk_ms: 20_000,
                ..
            }
        )
    });
    assert_eq!(talked, 1);
    let inbound = bench.count(|event| {
        matches!(
            event,
            Event::CallArrived { .. } | Event::CallEnded { .. } | Event::InviteRejected { .. }
        )
    });
    assert_eq!(inbound, 0, "no inbound call");
}

#[test]
fn the_seat_hears_what_the_trunk_plays_before_the_answer() {
    let mut bench = Bench::new(two());
    bench.dial(NUMBER);
    let outside = bench.invited(A).unwrap();
    bench.does(A, |endpoint, now| {
        endpoint.ring(now, outside, 183, sdp(A, 6_000, "sendrecv"));
    });
    let early = bench.told(PHONE);
    assert!(
        early.iter().any(|event| matches!(event,
        SipEvent::Ringing { status: 183, body, .. } if !body.is_empty())),
        "{early:?}"
    );
    assert!(bench.bridged().is_some());
    // 180 after 183 takes the sound away from nobody. The 183 was reliable, so its answer is the
    // answer, whatever the final response repeats (RFC 3262 §5).
    bench.does(A, |endpoint, now| {
        endpoint.ring(now, outside, 180, Vec::new());
    });
    bench.does(A, |endpoint, now| {
        endpoint.answer(now, outside, sdp(A, 7_000, "sendrecv"));
    });
    let remotes: Vec<_> = bench
        .media
        .iter()
        .filter_map(|command| match command {
            Command::Connect { agreed, .. } => Some(format!("{agreed:?}")),
            _ => None,
        })
        .collect();
    assert!(
        remotes.iter().any(|agreed| agreed.contains("6000")),
        "{remotes:?}"
    );
    assert!(
        bench
            .told(PHONE)
            .iter()
            .any(|event| matches!(event, SipEvent::Answered { .. }))
    );
}

#[test]
fn a_trunk_that_is_overloaded_rests_and_the_next_is_tried() {
    let mut bench = Bench::new(two());
    bench.dial(NUMBER);
    let first = bench.invited(A).unwrap();
    let retry = ("Retry-After", "60".to_owned());
    bench.does(A, |endpoint, now| {
        endpoint.reject(now, first, 503, &[retry]);
    });
    let second = bench.invited(B).expect("the next trunk");
    bench.does(B, |endpoint, now| {
        endpoint.answer(now, second, sdp(B, 6_000, "sendrecv"));
    });
    assert_eq!(
        bench.count(|event| matches!(event, Event::TrunkTried { .. })),
        2
    );
    let failed = bench.count(|event| matches!(event, Event::TrunkFailed { status: 503, .. }));
    assert_eq!(failed, 1);
    bench.does(B, |endpoint, now| endpoint.hang_up(now, second, None));
    assert_eq!(end(&bench).0, Outcome::Answered);
    bench.dial(NUMBER);
    assert!(
        bench.invited(A).is_none() && bench.invited(B).is_some(),
        "it rests"
    );
    bench.pass(s(61));
    bench.dial(NUMBER);
    assert!(bench.invited(A).is_some(), "and is tried again");
}

#[test]
fn a_silent_trunk_is_left_after_four_seconds_and_a_slow_one_is_not() {
    let mut bench = Bench::new(two());
    bench.peers[A].dead = true;
    bench.dial(NUMBER);
    bench.pass(Duration::from_millis(3_900));
    assert!(bench.invited(B).is_none());
    bench.pass(Duration::from_millis(200));
    assert!(bench.invited(B).is_some());
    let unheard = bench.count(|event| matches!(event, Event::TrunkFailed { status: 408, .. }));
    assert_eq!(unheard, 1);
    // 100 (Trying) comes from the endpoint by itself: a trunk may take its time to ring.
    let mut bench = Bench::new(two());
    bench.dial(NUMBER);
    bench.pass(s(15));
    assert!(bench.invited(B).is_none());
    let slow = bench.invited(A).unwrap();
    bench.does(A, |endpoint, now| {
        endpoint.answer(now, slow, sdp(A, 6_000, "sendrecv"));
    });
    assert!(bench.bridged().is_some());
}

#[test]
fn a_connection_that_cannot_be_had_leads_to_the_next_trunk() {
    let mut first = trunk("first", A, 1);
    let lost = Path::stream(Transport::Tcp, EXCHANGE.parse().unwrap(), at(A), 0);
    first.outbound.targets = vec![Target { path: lost }];
    let mut bench = Bench::new(vec![first, trunk("second", B, 2)]);
    bench.peers[A].dead = true;
    bench.dial(NUMBER);
    bench.path_lost(lost);
    assert!(bench.invited(B).is_some());
}

#[test]
fn silent_trunks_are_tried_for_half_a_minute_at_most() {
    let mut many = trunk("first", A, 1);
    let target = many.outbound.targets[0];
    many.outbound.targets = vec![target; 12];
    let mut bench = Bench::new(vec![many]);
    bench.peers[A].dead = true;
    bench.dial(NUMBER);
    bench.pass(s(27));
    assert_eq!(refused(&mut bench), None);
    bench.pass(s(6));
    assert!(refused(&mut bench).is_some());
    assert_eq!(end(&bench).0, Outcome::Failed);
    let tried = bench.count(|event| matches!(event, Event::TrunkTried { .. }));
    assert_eq!(tried, 8, "4 s each");
}

#[test]
fn what_the_number_says_is_final_and_told_to_the_seat() {
    for (status, told) in [
        (486, 486),
        (404, 404),
        (603, 603),
        (480, 480),
        (403, 403),
        (302, 480),
    ] {
        let mut bench = Bench::new(two());
        bench.dial(NUMBER);
        let outside = bench.invited(A).unwrap();
        bench.does(A, |endpoint, now| {
            endpoint.reject(now, outside, status, &[]);
        });
        assert_eq!(refused(&mut bench), Some(told));
        assert!(bench.invited(B).is_none(), "{status} is no trunk's fault");
        let answer = bench.peers[PHONE].heard.last().unwrap();
        let reason = Bench::header(answer, "Reason").unwrap();
        assert!(
            reason.starts_with(&format!("SIP;cause={status}")),
            "{reason}"
        );
        assert_eq!(end(&bench).0, Outcome::Refused);
    }
    // A trunk that wants a login we do not have is no answer of the number.
    let mut bench = Bench::new(vec![trunk("first", A, 1)]);
    bench.dial(NUMBER);
    let outside = bench.invited(A).unwrap();
    bench.does(A, |endpoint, now| endpoint.reject(now, outside, 407, &[]));
    assert_eq!(refused(&mut bench), Some(503));
    assert_eq!(end(&bench).0, Outcome::Failed);
}

#[test]
fn the_seat_may_hang_up_at_every_moment() {
    // Before the trunk says anything, while it rings, and with early media.
    for moment in 0..3 {
        let mut bench = Bench::new(two());
        let seat = bench.dial(NUMBER);
        let outside = bench.invited(A).unwrap();
        bench.does(A, |endpoint, now| match moment {
            0 => {}
            1 => endpoint.ring(now, outside, 180, Vec::new()),
            _ => endpoint.ring(now, outside, 183, sdp(A, 6_000, "sendrecv")),
        });
        bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, seat, None));
        bench.pass(s(40));
        let cancelled = bench.told(A);
        assert!(
            cancelled
                .iter()
                .any(|event| matches!(event, SipEvent::Cancelled { .. }))
        );
        assert_eq!(end(&bench).0, Outcome::Abandoned, "moment {moment}");
        assert!(bench.invited(B).is_none());
    }
    // The answer crosses the CANCEL: the trunk is hung up.
    let mut bench = Bench::new(two());
    let seat = bench.dial(NUMBER);
    let outside = bench.invited(A).unwrap();
    let now = bench.now;
    bench.peers[A]
        .endpoint
        .answer(now, outside, sdp(A, 6_000, "sendrecv"));
    bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, seat, None));
    bench.pass(s(40));
    assert_eq!(
        bench.count(|event| matches!(event, Event::DialEnded { .. })),
        1
    );
    assert!(bench.is_clean());
    let told = bench.told(A);
    assert!(
        told.iter()
            .any(|e| matches!(e, SipEvent::Ended { .. } | SipEvent::Cancelled { .. }))
    );
}

#[test]
fn either_side_may_hold() {
    for holder in [PHONE, A] {
        let (mut bench, seat, outside) = talking();
        let dialog = if holder == PHONE { seat } else { outside };
        let by = if holder == PHONE {
            ReleasedBy::Agent
        } else {
            ReleasedBy::Caller
        };
        bench.pass(s(5));
        bench.does(holder, |endpoint, now| {
            endpoint.reoffer(now, dialog, sdp(holder, 6_000, "sendonly"));
        });
        let held =
            bench.count(|event| matches!(event, Event::TalkHeld { by: who, .. } if *who == by));
        assert_eq!(held, 1, "{holder}");
        let (seat_leg, outside_leg) = bench.bridged().unwrap();
        let listener = if holder == PHONE {
            outside_leg
        } else {
            seat_leg
        };
        assert!(bench.media.iter().any(|command| matches!(command,
            Command::Play { leg, repeat: true, .. } if *leg == listener)));
        bench.pass(s(10));
        bench.does(holder, |endpoint, now| {
            endpoint.reoffer(now, dialog, sdp(holder, 6_000, "sendrecv"));
        });
        let resumed = bench.count(|event| matches!(event, Event::TalkResumed { .. }));
        assert_eq!(resumed, 1);
        bench.pass(s(5));
        bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, seat, None));
        assert_eq!(end(&bench).1, ReleasedBy::Agent);
        let sums = bench.count(|event| {
            matches!(
                event,
                Event::DialEnded {
                    talk_ms: 20_000,
                    hold_ms: 10_000,
                    ..
                }
            )
        });
        assert_eq!(sums, 1, "{:?}", bench.events.last());
        let told = bench.told(A);
        assert!(
            told.iter()
                .any(|event| matches!(event, SipEvent::Ended { .. }))
        );
    }
}

#[test]
fn nothing_may_be_dialled_unless_both_lists_allow_it() {
    // The seat's list has 0635 and 138, the trunks' 0635 and 1.
    let mut no_targets = trunk("first", A, 1);
    no_targets.outbound.targets.clear();
    for (number, trunks, status) in [
        ("110", two(), 403),
        ("053188888888", two(), 403),
        ("008613800000001", vec![], 403),
        ("0086053188888888", two(), 403),
        (NUMBER, vec![no_targets], 403),
        ("0635a261234", two(), 404),
        ("+", two(), 404),
    ] {
        let mut bench = Bench::new(trunks);
        bench.dial(number);
        assert_eq!(refused(&mut bench), Some(status), "{number}");
        let journalled = bench.count(|event| {
            matches!(event,
            Event::DialRejected { status: said, .. } if *said == status)
        });
        assert_eq!(journalled, 1, "{number}");
        assert_eq!(
            bench.events.len(),
            1,
            "no call, and no inbound one: {:?}",
            bench.events
        );
        assert!(bench.invited(A).is_none() && bench.is_clean());
    }
    for number in [NUMBER, "13800000001", "+8613800000001"] {
        let mut bench = Bench::new(two());
        bench.dial(number);
        assert!(bench.invited(A).is_some(), "{number}");
    }
    // A citizen on a trunk gets nowhere, whatever the lists allow.
    let mut bench = Bench::new(two());
    bench.call(A, "13800000001", NUMBER, None, &[]);
    assert!(bench.invited(B).is_none() && bench.invited(A).is_none());
    let refused = bench.count(|event| matches!(event, Event::InviteRejected { status: 404, .. }));
    assert_eq!(refused, 1);
}

#[test]
fn a_seat_at_a_trunks_address_proves_itself_and_dials() {
    let mut bench = Bench::new(two());
    bench.call(B, "1001", NUMBER, None, &[]);
    assert!(bench.invited(A).is_none(), "not without its digest");
    bench.call(B, "1001", NUMBER, Some("secret"), &[]);
    assert!(bench.invited(A).is_some());
}

#[test]
fn a_full_trunk_is_passed_over() {
    let mut first = trunk("first", A, 1);
    first.calls_limit = Some(1);
    let mut bench = Bench::new(vec![first, trunk("second", B, 2)]);
    bench.call(A, "13800000009", "12345", None, &[]);
    bench.told(A);
    bench.dial(NUMBER);
    assert!(bench.invited(A).is_none() && bench.invited(B).is_some());
    let mut only = trunk("first", A, 1);
    only.calls_limit = Some(1);
    let mut bench = Bench::new(vec![only]);
    bench.call(A, "13800000009", "12345", None, &[]);
    bench.dial(NUMBER);
    assert_eq!(refused(&mut bench), Some(503));
}

#[test]
fn a_seat_in_a_call_of_its_own_is_offered_none() {
    let mut bench = Bench::new(two());
    bench.register();
    let own = bench.dial("12345");
    assert_eq!(bench.work(), Work::Busy);
    bench.told(PHONE);
    bench.call(A, "13800000001", "12345", None, &[]);
    bench.pass(s(5));
    assert!(bench.invited(PHONE).is_none(), "a citizen waits");
    // A second call of its own ends first: it is still busy.
    let other = bench.dial(NUMBER);
    bench.pass(s(1));
    bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, other, None));
    assert_eq!(bench.work(), Work::Busy);
    bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, own, None));
    assert!(
        bench.invited(PHONE).is_some(),
        "and is offered the citizen at once"
    );
}

#[test]
fn a_seat_dials_with_its_session_inside_a_multipart_body() {
    let mut bench = Bench::new(two());
    let offer = String::from_utf8(sdp(PHONE, 4_000, "sendrecv")).unwrap();
    let body = format!("--x\r\nContent-Type: application/sdp\r\n\r\n{offer}\r\n--x--\r\n");
    let kind = [("Content-Type", "multipart/mixed;boundary=x")];
    bench.call_with(
        PHONE,
        "1001",
        NUMBER,
        Some("secret"),
        &kind,
        body.as_bytes(),
    );
    assert!(bench.invited(A).is_some(), "the trunk hears of it");
}

#[test]
fn a_trunk_has_its_place_back_after_a_fault() {
    for side in [0, 1] {
        let (mut bench, ..) = talking();
        let (seat, outside) = bench.bridged().unwrap();
        let leg = [seat, outside][side];
        bench.reports(Report::Broke { leg });
        bench.pass(s(60));
        assert_eq!(end(&bench).0, Outcome::Failed);
    }
}

#[test]
fn what_each_side_heard_is_told_of_the_right_one() {
    let (mut bench, seat, _) = talking();
    let (seat_leg, outside_leg) = bench.bridged().unwrap();
    bench.pass(s(10));
    bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, seat, None));
    for (leg, received) in [(seat_leg, 1), (outside_leg, 2)] {
        let stats = Stats {
            received,
            score: Some(400),
            ..Stats::default()
        };
        bench.reports(Report::Closed { leg, stats });
    }
    let measured = bench.events.iter().filter_map(|event| match event {
        Event::SoundMeasured {
            party, received, ..
        } => Some((*party, *received)),
        _ => None,
    });
    let measured: Vec<_> = measured.collect();
    assert_eq!(measured, [(Party::Agent, 1), (Party::Caller, 2)]);
}
