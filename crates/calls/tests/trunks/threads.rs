//! Several media threads: where legs are opened, what becomes of a call whose thread has no port, and
//! of all calls of a thread that is lost. The bench refuses every command over two threads, so all
//! its scenarios show that whoever is brought together meets in one.

use hotline_calls::settings::Trunk;
use hotline_media::{Command, Report};
use hotline_model::{
    LegId, MediaThread,
    event::{Event, Outcome, ReleasedBy},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::{
    bench::{A, B, Bench, PHONE, STRANGER, s, sdp, trunk},
    moving::{dialog_heard, hung_up, refused, talking},
};

fn trunks() -> Vec<Trunk> {
    vec![trunk("incoming", A, 1)]
}

/// The threads of the legs opened so far, in order.
fn opened(bench: &Bench) -> Vec<usize> {
    let opens = bench.media.iter().filter_map(|command| match command {
        Command::Open { leg, .. } => Some(leg.thread().at()),
        _ => None,
    });
    opens.collect()
}

fn load(bench: &Bench) -> Vec<usize> {
    bench.exchange.switchboard().threads().legs().collect()
}

/// The phone at that peer picks up.
fn picks_up(bench: &mut Bench, peer: usize) -> DialogId {
    let dialog = bench.invited(peer).unwrap();
    bench.does(peer, |endpoint, now| {
        endpoint.answer(now, dialog, sdp(peer, 5_000, "sendrecv"));
    });
    dialog
}

#[test]
fn calls_spread_and_every_leg_of_one_is_beside_its_first() {
    let mut bench = Bench::new(trunks());
    bench.register();
    // The first call and its agent; the second call, which waits.
    bench.call(A, "13800000001", "12345", None, &[]);
    picks_up(&mut bench, PHONE);
    let second = bench.call(A, "13800000002", "12345", None, &[]);
    assert_eq!(opened(&bench), [0, 0, 1]);
    assert_eq!(load(&bench), [2, 1]);
    // A seat that takes part in nothing calls out where there is most room.
    bench.sign_in(STRANGER, "1002", "secret2");
    bench.call(STRANGER, "1002", "06358261234", Some("secret2"), &[]);
    picks_up(&mut bench, A);
    assert_eq!(opened(&bench), [0, 0, 1, 1, 1]);
    // Where a call ended there is room again.
    bench.does(A, |endpoint, now| endpoint.hang_up(now, second, None));
    assert_eq!(load(&bench), [2, 2]);
    bench.call(A, "13800000003", "12345", None, &[]);
    assert_eq!(opened(&bench).last(), Some(&0));
}

#[test]
fn what_a_seat_dials_beside_its_talk_is_beside_it() {
    // The talk is the first thread's; alone, each of these would go to the second.
    let (mut bench, _, _, replaces) = talking();
    assert_eq!(load(&bench), [2, 0]);
    bench.sign_in(STRANGER, "1002", "secret2");
    // A colleague, whose phone is rung, and who takes the caller over by a leg of its own.
    bench.call(PHONE, "1001", "1002", Some("secret"), &[]);
    picks_up(&mut bench, STRANGER);
    assert_eq!(load(&bench), [4, 0]);
    let replaces = [("Replaces", replaces.as_str())];
    bench.call(STRANGER, "1002", "12345", Some("secret2"), &replaces);
    assert_eq!(opened(&bench), [0; 5]);
    assert_eq!(load(&bench), [2, 0]);
    let named = dialog_heard(&bench, STRANGER, "ACK");
    assert!(!named.is_empty());
}

#[test]
fn a_star_code_beside_a_talk_changes_nothing_for_it() {
    let (mut bench, _, _, _) = talking();
    bench.call(PHONE, "1001", "*81", Some("secret"), &[]);
    assert_eq!(opened(&bench), [0; 3]);
    bench.pass(s(20));
    assert_eq!((load(&bench), bench.work()), (vec![2, 0], Work::Talking));
}

#[test]
fn a_new_call_goes_to_another_thread_where_the_first_has_no_port() {
    let mut bench = Bench::new(trunks());
    bench.register();
    bench.portless = vec![MediaThread::of(0)];
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    assert_eq!(
        opened(&bench),
        [0, 1, 1],
        "asked again, and the phone beside"
    );
    picks_up(&mut bench, PHONE);
    assert_eq!(bench.work(), Work::Talking);
    let answered = bench.told(A);
    let answered = answered
        .iter()
        .filter(|event| matches!(event, SipEvent::Answered { .. }));
    assert_eq!(answered.count(), 1);
    // The next is not sent there in vain, whichever has fewer legs.
    bench.call(A, "13800000002", "12345", None, &[]);
    assert_eq!(opened(&bench), [0, 1, 1, 1]);
    assert_eq!(load(&bench), [0, 3]);
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    assert!(hung_up(&mut bench, PHONE));
    assert_eq!(load(&bench), [0, 1]);
}

#[test]
fn a_trunks_place_follows_a_call_to_another_thread() {
    let mut line = trunk("incoming", A, 1);
    line.calls_limit = Some(1);
    let mut bench = Bench::new(vec![line]);
    bench.portless = vec![MediaThread::of(0)];
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    bench.call(A, "13800000002", "12345", None, &[]);
    assert_eq!(refused(&mut bench, A), Some(503), "it is full");
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    bench.call(A, "13800000003", "12345", None, &[]);
    assert_eq!(refused(&mut bench, A), None, "it has room again");
}

#[test]
fn a_call_without_any_port_is_refused_before_its_answer() {
    let mut bench = Bench::new(trunks());
    bench.register();
    bench.portless = vec![MediaThread::of(0), MediaThread::of(1)];
    bench.call(A, "13800000001", "12345", None, &[]);
    assert_eq!(opened(&bench), [0, 1], "each asked once");
    assert_eq!(refused(&mut bench, A), Some(503));
    let ended = |e: &Event| {
        matches!(e, Event::CallEnded { outcome: Outcome::Rejected, cause, .. }
            if cause.contains("no media port"))
    };
    assert_eq!(bench.count(ended), 1);
    assert_eq!(bench.count(|e| matches!(e, Event::CallAnswered { .. })), 0);
    assert!(bench.is_clean());
    assert_eq!(load(&bench), [0, 0]);
}

#[test]
fn a_lost_thread_takes_its_calls_along_and_no_other() {
    let (mut bench, lost, _, _) = talking();
    bench.sign_in(STRANGER, "1002", "secret2");
    let other = bench.call(A, "13800000002", "12345", None, &[]);
    // Two seats that talk, in the thread that stays; then one beside the talk that goes.
    bench.call(PHONE, "1001", "1002", Some("secret"), &[]);
    picks_up(&mut bench, STRANGER);
    assert_eq!(opened(&bench), [0, 0, 1, 0, 0]);
    bench.told(A);
    bench.told(PHONE);
    bench.told(STRANGER);
    bench.thread_lost(0);
    let ended = bench.told(A);
    let ended: Vec<DialogId> = ended
        .iter()
        .filter_map(|event| match event {
            SipEvent::Ended { dialog, .. } => Some(*dialog),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [lost], "and not {other:?}");
    assert!(hung_up(&mut bench, PHONE) && hung_up(&mut bench, STRANGER));
    let failed = |e: &Event| {
        matches!(
            e,
            Event::CallEnded {
                outcome: Outcome::Failed,
                released_by: ReleasedBy::Engine,
                ..
            }
        )
    };
    assert_eq!(bench.count(failed), 1);
    let told = |e: &Event| matches!(e, Event::FaultCaught { call: None, fault } if fault == "media thread 0 ended, and 4 legs with it");
    assert_eq!(bench.count(told), 1);
    assert_eq!(bench.count(|e| matches!(e, Event::ConsultEnded { .. })), 1);
    // Its recording is closed and its seat serves again: the call that waited.
    assert!(bench.exchange.switchboard().recordings.is_empty());
    bench.pass(s(30));
    picks_up(&mut bench, PHONE);
    assert_eq!(bench.work(), Work::Talking);
    assert_eq!(load(&bench), [0, 2]);
    // New calls go where there is a thread, without a detour.
    bench.call(B, "13800000004", "12345", None, &[]);
    bench.call(A, "13800000003", "12345", None, &[]);
    assert!(opened(&bench)[5..].iter().all(|&thread| thread == 1));
    bench.does(A, |endpoint, now| endpoint.hang_up(now, other, None));
    bench.pass(s(60));
    let board = bench.exchange.switchboard();
    assert!(board.owner(LegId(MediaThread::of(0).number(1))).is_none());
}

#[test]
fn a_recording_whose_end_a_dying_thread_swallowed_is_ended_with_it() {
    let (mut bench, caller, _, _) = talking();
    bench.dying = Some(MediaThread::of(0));
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    bench.pass(s(60));
    let open = |bench: &Bench| bench.exchange.switchboard().recordings.len();
    assert_eq!(open(&bench), 1, "nobody ended it");
    bench.thread_lost(1);
    assert_eq!(open(&bench), 1, "it is another's");
    bench.thread_lost(0);
    assert_eq!(open(&bench), 0);
    assert!(bench.is_clean());
}

#[test]
fn what_an_idle_seat_dials_goes_to_a_thread_with_ports() {
    for number in ["*81", "1002"] {
        let mut bench = Bench::new(trunks());
        bench.register();
        bench.sign_in(STRANGER, "1002", "secret2");
        bench.portless = vec![MediaThread::of(0)];
        bench.call(PHONE, "1001", number, Some("secret"), &[]);
        if number == "1002" {
            picks_up(&mut bench, STRANGER);
            let opened = opened(&bench);
            assert_eq!(opened[opened.len() - 2..], [1, 1]);
        }
        let told = bench.told(PHONE);
        let answered = |event: &SipEvent| matches!(event, SipEvent::Answered { .. });
        assert!(told.iter().any(answered), "{number}: {told:?}");
        if number == "1002" {
            assert_eq!(load(&bench), [0, 2]);
            bench.call(A, "13800000001", "12345", None, &[]);
            assert_eq!(opened(&bench).last(), Some(&1), "it is known to be full");
        }
    }
    // Where no thread has one the seat is told so, and nothing is left.
    for number in ["*81", "1002"] {
        let mut bench = Bench::new(trunks());
        bench.register();
        bench.sign_in(STRANGER, "1002", "secret2");
        bench.portless = vec![MediaThread::of(0), MediaThread::of(1)];
        bench.call(PHONE, "1001", number, Some("secret"), &[]);
        bench.pass(s(60));
        assert_eq!(load(&bench), [0, 0]);
        assert!(bench.is_clean(), "{number}");
    }
}

/// Another program may have taken its ports.
#[test]
fn a_thread_that_lacked_a_port_for_any_leg_is_passed_over_by_new_calls() {
    let mut bench = Bench::new(trunks());
    bench.call(A, "13800000001", "12345", None, &[]);
    bench.call(A, "13800000002", "12345", None, &[]);
    bench.portless = vec![MediaThread::of(0)];
    // The phone is rung beside the first call, in vain.
    bench.register();
    let before = opened(&bench).len();
    bench.call(A, "13800000003", "12345", None, &[]);
    assert_eq!(opened(&bench)[before..], [1]);
}

#[test]
fn a_leg_of_nobody_that_is_heard_of_is_closed() {
    let mut bench = Bench::new(trunks());
    let leg = LegId(MediaThread::of(1).number(77));
    for report in [Report::Silent { leg }, Report::Opened { leg, port: 20_000 }] {
        bench.media.clear();
        bench.reports(report);
        assert!(matches!(bench.media[..], [Command::Close { leg: of }] if of == leg));
    }
}
