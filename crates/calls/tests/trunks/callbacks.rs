//! A caller who asks to be called back: keeps the place in line with nobody on the line, is called
//! when a seat has answered, and is let go once; never served twice.

use std::sync::Arc;

use hotline_acd::{Overflow, OverflowTo, OverflowWhen};
use hotline_calls::{
    callback::{Callback, Restored},
    orders::{CallOrder, CallRequest},
    settings::{Settings, Trunk, compile_alone},
};
use hotline_media::{Command, Report};
use hotline_model::{
    CallId, LegId, QueueId, ScriptId, Timestamp, TrunkId,
    event::{Event, Outcome},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::bench::{A, B, Bench, PHONE, s, sdp, seat as bench_seat, settings, trunk};

const FIRST: CallId = CallId(1);
const SECOND: CallId = CallId(2);

/// Callers come by A, and calls go out by B.
fn trunks() -> Vec<Trunk> {
    let mut incoming = trunk("incoming", A, 1);
    incoming.outbound.targets.clear();
    vec![incoming, trunk("outgoing", B, 1)]
}

/// After ten seconds the queue offers a callback: two attempts a minute apart, kept ten minutes.
pub fn offers() -> Settings {
    let mut settings = settings(trunks());
    let text = include_str!("../../../../ivr-scripts/callback-offer.toml");
    let text = text.replace("attempts = 3", "attempts = 2");
    let text = text.replace("retry-seconds = 600", "retry-seconds = 60");
    let text = text.replace("keep-minutes = 240", "keep-minutes = 10");
    let id = ScriptId::new("callback-offer").unwrap();
    let script = compile_alone(&text).unwrap();
    settings.scripts.insert(id, Arc::new(script));
    settings.queues[0].floor.overflow = vec![Overflow {
        when: OverflowWhen::Waited(s(10)),
        to: OverflowTo::Script(id),
    }];
    settings
}

/// The leg that the exchange opened last.
pub fn newest_leg(bench: &Bench) -> LegId {
    let opened = bench.media.iter().rev().find_map(|command| match command {
        Command::Open { leg, .. } => Some(*leg),
        _ => None,
    });
    opened.unwrap()
}

/// Somebody waits until the callback is offered.
pub fn asked(bench: &mut Bench, number: &str) -> DialogId {
    let caller = bench.call(A, number, "12345", None, &[]);
    let leg = newest_leg(bench);
    bench.pass(s(10));
    bench.reports(Report::Digit {
        leg,
        digit: '1',
        ms: 100,
    });
    caller
}

pub fn pick_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| {
        endpoint.answer(now, dialog, sdp(peer, 5_000, "sendrecv"));
    });
}

pub fn hang_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| endpoint.hang_up(now, dialog, None));
}

pub fn ended(bench: &Bench, call: CallId) -> Option<Outcome> {
    let mut ended = bench.events.iter().filter_map(|event| match event {
        Event::CallEnded {
            call: of, outcome, ..
        } if *of == call => Some(*outcome),
        _ => None,
    });
    let outcome = ended.next();
    assert_eq!(ended.next(), None, "{call} ended twice");
    outcome
}

pub fn failed(bench: &Bench) -> Vec<(u8, Option<u64>)> {
    let failed = bench.events.iter().filter_map(|event| match event {
        Event::CallbackFailed {
            attempt,
            again_after_s,
            ..
        } => Some((*attempt, *again_after_s)),
        _ => None,
    });
    failed.collect()
}

fn is_hung_up(bench: &mut Bench, peer: usize) -> bool {
    let told = bench.told(peer);
    told.iter()
        .any(|event| matches!(event, SipEvent::Ended { .. }))
}

pub fn stage(bench: &Bench, call: CallId) -> Option<&'static str> {
    bench.exchange.stage_of(call)
}

/// A caller was promised a callback, another waits behind, and then the seat's phone rings.
pub fn rings() -> (Bench, DialogId) {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    bench.call(A, "13800000002", "12345", None, &[]);
    bench.pass(s(5));
    bench.register();
    let seat = bench.invited(PHONE).unwrap();
    (bench, seat)
}

/// And has answered.
pub fn answered() -> (Bench, DialogId, DialogId) {
    let (mut bench, seat) = rings();
    pick_up(&mut bench, PHONE, seat);
    let there = bench.invited(B).unwrap();
    (bench, seat, there)
}

#[test]
fn whoever_is_called_back_is_hung_up_and_stands_on_without_a_line() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    assert!(is_hung_up(&mut bench, A));
    assert_eq!(stage(&bench, FIRST), Some("waiting"));
    let board = bench.exchange.switchboard();
    assert_eq!(board.live_legs(), 0);
    assert_eq!(board.trunks.live(TrunkId::new("incoming").unwrap()), 0);
    assert_eq!(board.floor.position(FIRST), Some(1));
    assert_eq!(bench.exchange.live_calls(), 0, "it holds up no stop");
    // Who comes later stands behind, and is told so.
    bench.call(A, "13800000002", "12345", None, &[]);
    let floor = &bench.exchange.switchboard().floor;
    assert_eq!(floor.position(SECOND), Some(2));
    let waits = bench.exchange.waits(FIRST).unwrap();
    assert_eq!(waits.position, Some(1));
    let requested = |event: &Event| {
        matches!(event, Event::CallbackRequested { number, attempts: 2, retry_after_s: 60, .. }
            if number == "13800000001")
    };
    assert_eq!(bench.count(requested), 1);
    assert_eq!(ended(&bench, FIRST), None);
}

#[test]
fn the_seat_is_rung_first_and_then_the_citizen_who_talks_as_any_caller() {
    let (mut bench, seat) = rings();
    // For the caller without a line, who came first; and nobody is called yet.
    assert_eq!(stage(&bench, FIRST), Some("offering"));
    assert_eq!(bench.invited(B), None);
    let from = Bench::header(bench.invite_heard(PHONE), "From").unwrap();
    assert!(
        from.starts_with("\"回呼 138****0001\" <sip:13800000001@hotline>"),
        "{from}"
    );
    pick_up(&mut bench, PHONE, seat);
    let there = bench.invited(B).unwrap();
    assert!(bench.invite_heard(B).starts_with("INVITE sip:13800000001@"));
    assert_eq!(stage(&bench, FIRST), Some("calling-back"));
    assert_eq!(bench.work(), Work::Talking);
    let rings_back = bench.media.iter().rev().find_map(|command| match command {
        Command::Play {
            leg, repeat: true, ..
        } => Some(*leg),
        _ => None,
    });
    assert!(rings_back.is_some());
    bench.pass(s(7));
    let answers = |event: &Event| matches!(event, Event::SeatAnswered { .. });
    assert_eq!(bench.count(answers), 0, "no citizen was answered so far");
    pick_up(&mut bench, B, there);
    assert_eq!(stage(&bench, FIRST), Some("talking"));
    let (a, b) = bench.bridged().unwrap();
    assert_eq!(Some(b), rings_back);
    assert_ne!(a, b);
    // 10 s in line, 5 s without a line, 7 s until the citizen answered.
    let waited = |event: &Event| {
        matches!(
            event,
            Event::SeatAnswered {
                call: FIRST,
                since_queue_ms: 22_000,
                ..
            }
        )
    };
    assert_eq!(bench.count(waited), 1, "{:?}", bench.events);
    let reached = |event: &Event| {
        matches!(
            event,
            Event::CallbackReached {
                attempt: 1,
                since_requested_ms: 12_000,
                ..
            }
        )
    };
    assert_eq!(bench.count(reached), 1);
    let recorded = bench.media.iter().any(|command| {
        matches!(command, Command::Record { left, right: Some(right), .. }
            if (*left, *right) == (a, b))
    });
    assert!(recorded, "left the citizen, right the seat");
    bench.pass(s(60));
    hang_up(&mut bench, PHONE, seat);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::Answered));
    // The next in line is served by the same seat after its wrap-up.
    assert_eq!(bench.work(), Work::WrapUp);
    bench.pass(s(31));
    assert_eq!(stage(&bench, SECOND), Some("offering"));
}

#[test]
fn the_seat_hears_the_trunk_before_the_answer_and_the_citizen_its_number_after() {
    let (mut bench, _, there) = answered();
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, there, 183, sdp(B, 5_000, "sendrecv"));
    });
    let early = bench.bridged().unwrap();
    pick_up(&mut bench, B, there);
    let apart = bench
        .media
        .iter()
        .rposition(|command| matches!(command, Command::Unbridge { leg } if *leg == early.0));
    let talk = bench
        .media
        .iter()
        .rposition(|command| matches!(command, Command::Bridge { .. }));
    assert!(apart.unwrap() < talk.unwrap());
    let announced = |event: &Event| matches!(event, Event::SeatAnnounced { call: FIRST, .. });
    assert_eq!(bench.count(announced), 1);
}

#[test]
fn a_citizen_who_hangs_up_ends_the_talk_and_leaves_nothing() {
    let (mut bench, _, there) = answered();
    pick_up(&mut bench, B, there);
    bench.pass(s(20));
    hang_up(&mut bench, B, there);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::Answered));
    assert!(is_hung_up(&mut bench, PHONE));
}

#[test]
fn where_nobody_is_reached_the_seat_is_free_at_once_and_no_seat_is_rung_over_and_over() {
    let (mut bench, seat, there) = answered();
    bench.does(B, |endpoint, now| endpoint.reject(now, there, 486, &[]));
    assert!(is_hung_up(&mut bench, PHONE));
    assert_eq!(failed(&bench), [(1, Some(60))]);
    assert_eq!(stage(&bench, FIRST), Some("resting"));
    assert_eq!(bench.exchange.live_calls(), 1, "the next is under way");
    // Without wrap-up the seat serves the next.
    assert_eq!(stage(&bench, SECOND), Some("offering"));
    let _ = seat;
    bench.pass(s(1));
    let next = bench.peers[PHONE]
        .heard
        .iter()
        .filter(|it| it.starts_with("INVITE"))
        .count();
    assert_eq!(next, 2);
}

#[test]
fn after_the_last_attempt_it_ends_unreached() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    bench.register();
    let seat = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, seat);
    let there = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| endpoint.reject(now, there, 480, &[]));
    bench.pass(s(59));
    assert_eq!(bench.invited(PHONE), None, "not before its time");
    bench.pass(s(2));
    let seat = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, seat);
    let there = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| endpoint.reject(now, there, 404, &[]));
    assert_eq!(failed(&bench), [(1, Some(60)), (2, None)]);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::Unreached));
    bench.pass(s(600));
    assert_eq!(bench.invited(PHONE), None);
    assert!(bench.is_clean(), "{:?}", bench.events);
    assert!(bench.exchange.switchboard().callbacks.is_empty());
}

#[test]
fn it_comes_back_before_those_who_came_after_it() {
    let (mut bench, _, there) = answered();
    bench.does(B, |endpoint, now| endpoint.reject(now, there, 486, &[]));
    let second = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, second);
    bench.call(A, "13800000003", "12345", None, &[]);
    bench.pass(s(70));
    let floor = &bench.exchange.switchboard().floor;
    assert_eq!(floor.position(FIRST), Some(1));
    assert_eq!(floor.position(CallId(3)), Some(2));
}

#[test]
fn a_seat_that_hangs_up_before_the_answer_ends_the_attempt_and_not_the_callback() {
    let (mut bench, seat, there) = answered();
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, there, 180, Vec::new());
    });
    hang_up(&mut bench, PHONE, seat);
    let told = bench.told(B);
    let cancelled = |event: &SipEvent| matches!(event, SipEvent::Cancelled { .. });
    assert!(told.iter().any(cancelled), "{told:?}");
    assert_eq!(failed(&bench), [(1, Some(60))]);
    assert_eq!(stage(&bench, FIRST), Some("resting"));
    assert_eq!(
        bench
            .exchange
            .switchboard()
            .trunks
            .live(TrunkId::new("outgoing").unwrap()),
        0
    );
}

#[test]
fn who_rings_again_has_the_place_and_is_not_called_back() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    bench.call(A, "13800000002", "12345", None, &[]);
    bench.pass(s(5));
    bench.call(A, "13800000001", "12345", None, &[]);
    let third = CallId(3);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
    let floor = &bench.exchange.switchboard().floor;
    assert_eq!(floor.position(third), Some(1));
    assert_eq!(floor.position(SECOND), Some(2));
    bench.register();
    assert_eq!(stage(&bench, third), Some("offering"));
    let seat = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, seat);
    assert_eq!(bench.invited(B), None, "nobody is called");
    // Its own wait, not that of the call before it.
    let waited = |event: &Event| {
        matches!(
            event,
            Event::SeatAnswered {
                call: CallId(3),
                since_queue_ms: 0,
                ..
            }
        )
    };
    assert_eq!(bench.count(waited), 1, "{:?}", bench.events);
}

#[test]
fn who_rings_again_is_neither_given_up_nor_refused() {
    let mut settings = offers();
    settings.queues[0].floor.longest_wait = Some(s(60));
    settings.queues[0].floor.capacity = 1;
    let mut bench = Bench::with(settings);
    asked(&mut bench, "13800000001");
    bench.pass(s(120));
    bench.call(A, "13800000002", "12345", None, &[]);
    bench.call(A, "13800000001", "12345", None, &[]);
    let third = CallId(3);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
    let floor = &bench.exchange.switchboard().floor;
    let places = [third, SECOND].map(|call| floor.position(call));
    assert_eq!(places, [Some(1), Some(2)]);
    assert_eq!(stage(&bench, third), Some("waiting"));
}

#[test]
fn no_callback_begins_that_the_engines_end_would_cut_off() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    bench.drains();
    bench.register();
    assert_eq!(bench.invited(PHONE), None);
    assert_eq!(ended(&bench, FIRST), None, "the next start restores it");
    assert_eq!(bench.exchange.live_calls(), 0);
}

#[test]
fn who_rings_again_while_being_called_is_served_by_that_seat() {
    let (mut bench, _, there) = answered();
    bench.does(B, |endpoint, now| {
        endpoint.ring(now, there, 180, Vec::new());
    });
    bench.call(A, "13800000001", "12345", None, &[]);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
    assert!(is_hung_up(&mut bench, PHONE) || bench.invited(PHONE).is_some());
    // Free at once, and the new call has the oldest place.
    assert_eq!(stage(&bench, CallId(3)), Some("offering"));
    assert_eq!(stage(&bench, SECOND), Some("waiting"));
}

#[test]
fn who_rings_again_while_the_seat_rings_is_offered_to_it_anew() {
    let (mut bench, _) = rings();
    bench.call(A, "13800000001", "12345", None, &[]);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
    assert_eq!(stage(&bench, CallId(3)), Some("offering"));
}

#[test]
fn the_place_is_not_kept_for_ever() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    bench.pass(s(599));
    assert_eq!(ended(&bench, FIRST), None);
    bench.pass(s(2));
    assert_eq!(ended(&bench, FIRST), Some(Outcome::Unreached));
    assert_eq!(bench.exchange.switchboard().floor.position(FIRST), None);
    assert!(bench.exchange.switchboard().callbacks.is_empty());
}

#[test]
fn nobody_is_promised_what_cannot_be() {
    for (number, headers) in [
        ("anonymous", &[][..]),
        ("13800000001", &[("Privacy", "id")][..]),
        ("85212345678", &[][..]), // no trunk carries it
    ] {
        let mut bench = Bench::with(offers());
        bench.call(A, number, "12345", None, headers);
        let leg = newest_leg(&bench);
        bench.pass(s(10));
        bench.reports(Report::Digit {
            leg,
            digit: '1',
            ms: 100,
        });
        let refused = |event: &Event| matches!(event, Event::CallbackRefused { .. });
        assert_eq!(bench.count(refused), 1, "{number}");
        assert_eq!(stage(&bench, FIRST), Some("menu"), "asked for a number");
        bench.pass(s(8));
        assert_eq!(stage(&bench, FIRST), Some("waiting"), "{number}");
        assert_eq!(bench.exchange.live_calls(), 1, "{number}: on the line");
        bench.pass(s(60));
        assert_eq!(bench.count(refused), 1, "asked once");
    }
}

#[test]
fn anything_else_waits_on_at_the_same_place() {
    let mut bench = Bench::with(offers());
    bench.call(A, "13800000001", "12345", None, &[]);
    let leg = newest_leg(&bench);
    bench.call(A, "13800000002", "12345", None, &[]);
    bench.pass(s(10));
    bench.reports(Report::Digit {
        leg,
        digit: '3',
        ms: 100,
    });
    let floor = &bench.exchange.switchboard().floor;
    assert_eq!(floor.position(FIRST), Some(1));
    bench.pass(s(120));
    assert_eq!(bench.exchange.switchboard().floor.position(FIRST), Some(1));
}

#[test]
fn a_queue_that_is_gone_lets_it_go() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    let mut without = offers();
    without.queues.clear();
    bench.replace(without);
    bench.pass(hotline_acd::rules::CLOSED_UNSERVED);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::Unreached));
}

#[test]
fn other_settings_leave_it_where_it_stands() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    let mut other = offers();
    other.queues[0].floor.longest_wait = Some(s(30));
    bench.replace(other);
    bench.pass(s(60));
    assert_eq!(bench.exchange.switchboard().floor.position(FIRST), Some(1));
    // A number that no trunk may carry any more is not called.
    let mut strict = offers();
    strict.trunks[1].outbound.prefixes = vec!["0635".to_owned()];
    let mut bench = Bench::with(strict);
    bench.exchange.restore(bench.now, vec![promised(7, 0)]);
    bench.register();
    assert_eq!(bench.invited(PHONE), None, "nor is a seat rung for it");
    assert_eq!(stage(&bench, CallId(7)), Some("resting"));
    assert_eq!(bench.invited(B), None);
}

/// What an earlier run promised this call, a minute ago.
pub fn promised(call: u64, made: u8) -> Restored {
    let start = 1_795_305_600_000;
    Restored {
        call: CallId(call),
        trunk: Some(TrunkId::new("incoming").unwrap()),
        caller: format!("1380000000{call}"),
        called: "12345".to_owned(),
        language: "zh".to_owned(),
        arrived_at: Timestamp(start - 70_000),
        queued_at: Timestamp(start - 65_000),
        place_at: Timestamp(start - 65_000),
        requested_at: Timestamp(start - 60_000),
        rests_until: None,
        callback: Callback {
            number: format!("1380000000{call}"),
            queue: QueueId::new("general").unwrap(),
            priority: 5,
            attempts: 2,
            retry_after: s(60),
            keep: s(600),
            made,
            stands_since: None,
            stood_before: s(0),
        },
    }
}

#[test]
fn after_a_restart_they_stand_where_they_stood_before_all_who_come_then() {
    let mut bench = Bench::with(offers());
    bench.now = bench.now + s(1);
    let rests = Restored {
        rests_until: Some(Timestamp(1_795_305_600_000 + 31_000)),
        ..promised(8, 1)
    };
    let standing = vec![promised(9, 0), rests, promised(7, 1), promised(6, 2)];
    bench.exchange.restore(bench.now, standing);
    bench.call(A, "13800000005", "12345", None, &[]);
    let (first, second) = (CallId(9), CallId(7));
    let floor = &bench.exchange.switchboard().floor;
    assert_eq!(floor.position(first), Some(1));
    assert_eq!(floor.position(second), Some(2));
    assert_eq!(floor.position(CallId(8)), None);
    assert_eq!(stage(&bench, CallId(8)), Some("resting"));
    // The engine stopped in its last attempt.
    assert_eq!(ended(&bench, CallId(6)), Some(Outcome::Unreached));
    bench.pass(s(31));
    let floor = &bench.exchange.switchboard().floor;
    assert_eq!(floor.position(CallId(8)), Some(2), "at its own place");
    bench.register();
    let seat = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, seat);
    let there = bench.invited(B).unwrap();
    pick_up(&mut bench, B, there);
    // All of the wait: 66 s before, 31 s now.
    let waited = |event: &Event| {
        matches!(
            event,
            Event::SeatAnswered {
                since_queue_ms: 97_000,
                ..
            }
        )
    };
    assert_eq!(bench.count(waited), 1, "{:?}", bench.events);
    // Kept for ten minutes in all.
    bench.pass(s(600 - 60 - 31 - 1));
    assert_eq!(ended(&bench, second), Some(Outcome::Unreached));
}

#[test]
fn no_more_are_promised_than_can_stand() {
    let mut bench = Bench::with(offers());
    let many = (0..hotline_model::limits::CALLBACKS as u64).map(|nth| {
        let number = format!("139{nth:08}");
        let callback = Callback {
            number: number.clone(),
            ..promised(7, 0).callback
        };
        Restored {
            call: CallId(1_000 + nth),
            caller: number,
            callback,
            ..promised(7, 0)
        }
    });
    let many = many.collect();
    bench.exchange.restore(bench.now, many);
    asked(&mut bench, "13800000001");
    let full = |event: &Event| {
        matches!(event, Event::CallbackRefused { call: FIRST, cause }
            if cause == "as many are being called back as can be")
    };
    assert_eq!(bench.count(full), 1);
    assert_eq!(stage(&bench, FIRST), Some("waiting"));
    // One is over, and there is room again.
    bench.pass(s(700));
    asked(&mut bench, "13800000002");
    assert_eq!(
        bench.count(|event| matches!(event, Event::CallbackRefused { .. })),
        1
    );
}

#[test]
fn who_is_promised_one_already_is_promised_no_second_one() {
    let mut bench = Bench::with(offers());
    bench.call(A, "13800000001", "12345", None, &[]);
    let leg = newest_leg(&bench);
    bench.call(A, "13800000001", "12345", None, &[]);
    let other = newest_leg(&bench);
    bench.pass(s(10));
    bench.reports(Report::Digit {
        leg,
        digit: '1',
        ms: 100,
    });
    bench.reports(Report::Digit {
        leg: other,
        digit: '1',
        ms: 100,
    });
    let twice = |event: &Event| {
        matches!(event, Event::CallbackRefused { call: SECOND, cause }
            if cause == "the caller is being called back already")
    };
    assert_eq!(bench.count(twice), 1, "{:?}", bench.events);
    // The one on the line waits on, and so is not called back as well.
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
    assert_eq!(bench.exchange.switchboard().floor.position(SECOND), Some(1));
}

#[test]
fn who_talks_on_another_line_meanwhile_is_not_called_back() {
    let mut bench = Bench::with(offers());
    bench.call(A, "13800000001", "12345", None, &[]);
    let leg = newest_leg(&bench);
    bench.pass(s(5));
    bench.call(A, "13800000001", "12345", None, &[]);
    bench.pass(s(5));
    let digit = '1';
    bench.reports(Report::Digit {
        leg,
        digit,
        ms: 100,
    });
    assert_eq!(ended(&bench, FIRST), None);
    bench.register();
    // Both wait; the callback's turn is first, and its seat refuses it.
    let seat = bench.invited(PHONE).unwrap();
    assert_eq!(stage(&bench, FIRST), Some("offering"));
    bench.does(PHONE, |endpoint, now| endpoint.reject(now, seat, 486, &[]));
    let order = CallOrder {
        ticket: 9,
        by: "test".to_owned(),
        call: SECOND,
        request: CallRequest::Seat(bench_seat()),
    };
    bench.order_call(order);
    let seat = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, seat);
    assert_eq!(stage(&bench, SECOND), Some("talking"));
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
}

/// What the caller on the leg presses.
fn presses(bench: &mut Bench, leg: LegId, keys: &str) {
    for digit in keys.chars() {
        bench.reports(Report::Digit {
            leg,
            digit,
            ms: 100,
        });
    }
}

fn refused(bench: &Bench, why: &str) -> usize {
    bench.count(|event| matches!(event, Event::CallbackRefused { cause, .. } if cause == why))
}

/// The number that a callback was promised to.
fn promised_to(bench: &Bench) -> Option<&str> {
    bench.events.iter().find_map(|event| match event {
        Event::CallbackRequested { number, .. } => Some(number.as_str()),
        _ => None,
    })
}

#[test]
fn a_caller_types_another_number_and_is_called_there() {
    let mut bench = Bench::with(offers());
    bench.call(A, "13800000001", "12345", None, &[]);
    let leg = newest_leg(&bench);
    bench.pass(s(10));
    presses(&mut bench, leg, "213900000009#");
    assert_eq!(promised_to(&bench), None, "not before it is confirmed");
    presses(&mut bench, leg, "1");
    assert_eq!(promised_to(&bench), Some("13900000009"));
    assert!(is_hung_up(&mut bench, A));
    bench.register();
    let seat = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, seat);
    let there = bench.invited(B).unwrap();
    let invite = bench.invite_heard(B);
    assert!(invite.contains("13900000009"), "{invite}");
    pick_up(&mut bench, B, there);
    assert_eq!(stage(&bench, FIRST), Some("talking"));
    // What was typed is in no record but the promise.
    let typed = bench.events.iter().filter(|event| {
        let text = format!("{event:?}");
        text.contains("13900000009")
            && !matches!(
                event,
                Event::CallbackRequested { .. } | Event::TrunkTried { .. }
            )
    });
    assert_eq!(typed.count(), 0);
}

#[test]
fn whoever_withheld_the_number_types_one() {
    let mut bench = Bench::with(offers());
    bench.call(A, "13800000001", "12345", None, &[("Privacy", "id")]);
    let leg = newest_leg(&bench);
    bench.pass(s(10));
    presses(&mut bench, leg, "1");
    assert_eq!(refused(&bench, "the number is withheld"), 1);
    assert_eq!(promised_to(&bench), None);
    // "We cannot call this number", and the question; the bench says prompts at once.
    presses(&mut bench, leg, "13900000009#");
    presses(&mut bench, leg, "1");
    assert_eq!(promised_to(&bench), Some("13900000009"));
}

#[test]
fn a_number_that_the_trunks_may_not_carry_is_promised_nothing() {
    let mut bench = Bench::with(offers());
    bench.call(A, "13800000001", "12345", None, &[]);
    let leg = newest_leg(&bench);
    bench.pass(s(10));
    // Peking: the trunks of this house carry 0635 and mobile numbers alone.
    presses(&mut bench, leg, "201062345678#");
    presses(&mut bench, leg, "1");
    let why = "no trunk may carry this number (outbound_prefixes in trunks.toml)";
    assert_eq!(refused(&bench, why), 1);
    assert_eq!(promised_to(&bench), None);
    assert_eq!(stage(&bench, FIRST), Some("menu"));
}

#[test]
fn nobody_is_called_because_of_two_others() {
    let mut bench = Bench::with(offers());
    for number in ["13800000001", "13800000002"] {
        bench.call(A, number, "12345", None, &[]);
        let leg = newest_leg(&bench);
        bench.pass(s(10));
        presses(&mut bench, leg, "213900000009#");
        presses(&mut bench, leg, "1");
    }
    assert_eq!(
        refused(&bench, "the caller is being called back already"),
        1
    );
}

#[test]
fn who_rings_again_from_either_number_takes_the_place() {
    for number in ["13800000001", "13900000009"] {
        let mut bench = Bench::with(offers());
        bench.call(A, "13800000001", "12345", None, &[]);
        let leg = newest_leg(&bench);
        bench.pass(s(10));
        presses(&mut bench, leg, "213900000009#");
        presses(&mut bench, leg, "1");
        bench.call(A, number, "12345", None, &[]);
        assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain), "{number}");
        assert_eq!(stage(&bench, SECOND), Some("waiting"));
    }
}

#[test]
fn who_rings_again_and_is_refused_by_a_closed_queue_keeps_the_promise() {
    let mut settings = offers();
    let script = "name = \"gone\"\nlanguage = \"zh\"\nstart = \"queue\"\n\n\
                  [step.queue]\nenqueue = \"gone\"\n";
    let id = ScriptId::new("gone").unwrap();
    settings
        .scripts
        .insert(id, Arc::new(compile_alone(script).unwrap()));
    settings.numbers.push(hotline_calls::settings::Number {
        number: "12346".to_owned(),
        aliases: Vec::new(),
        script: id,
    });
    let mut bench = Bench::with(settings);
    asked(&mut bench, "13800000001");
    bench.call(A, "13800000001", "12346", None, &[]);
    bench.pass(s(30));
    assert_eq!(ended(&bench, SECOND), Some(Outcome::Refused));
    assert_eq!(ended(&bench, FIRST), None, "it is called back all the same");
    assert_eq!(stage(&bench, FIRST), Some("waiting"));
    // And who rings the right number has the place.
    bench.call(A, "13800000001", "12345", None, &[]);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
}
