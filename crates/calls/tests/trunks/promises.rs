//! Promises of a callback at the edges: what uses one up, when none is offered, to whom none is
//! made, and which other call keeps it.

use hotline_acd::QueueSettings;
use hotline_calls::{
    callback::{Callback, Restored},
    orders::{OrderRefused, SeatRequest},
    settings::{Announce, Emergency, Queue, Regulars},
};
use hotline_media::Report;
use hotline_model::{
    CallId, QueueId,
    event::{Event, Outcome},
    limits::{CALLBACK_NO_WAY_REST_S, CALLS},
};

use crate::{
    bench::{A, B, Bench, PHONE, s, seat},
    callbacks::{
        asked, ended, failed, hang_up, newest_leg, offers, pick_up, promised, rings, stage,
    },
};

const FIRST: CallId = CallId(1);
const SECOND: CallId = CallId(2);

/// The seat answers for the promise, and the trunk says this of the number.
fn attempted(bench: &mut Bench, status: u16) {
    let phone = bench.invited(PHONE).unwrap();
    pick_up(bench, PHONE, phone);
    let there = bench.invited(B).unwrap();
    bench.does(B, |endpoint, now| endpoint.reject(now, there, status, &[]));
}

#[test]
fn an_attempt_counts_only_when_the_number_itself_decided() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    bench.register();
    // The carrier is overloaded, again and again: two attempts are allowed.
    for _ in 0..2 {
        attempted(&mut bench, 503);
        assert_eq!(ended(&bench, FIRST), None);
        bench.pass(s(61));
    }
    // The seat hangs up before the answer.
    let phone = bench.invited(PHONE).unwrap();
    pick_up(&mut bench, PHONE, phone);
    hang_up(&mut bench, PHONE, phone);
    bench.told(B);
    bench.pass(s(61));
    assert_eq!(failed(&bench), [(1, Some(60)); 3]);
    attempted(&mut bench, 486);
    bench.pass(s(61));
    attempted(&mut bench, 486);
    assert_eq!(failed(&bench).split_off(3), [(1, Some(60)), (2, None)]);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::Unreached));
    let says = |event: &Event| {
        matches!(
            event,
            Event::CallbackFailed {
                not_counted: true,
                attempt: 1,
                ..
            }
        )
    };
    assert_eq!(bench.count(says), 3, "{:?}", bench.events);
}

#[test]
fn no_seat_is_rung_for_a_promise_while_no_way_is_open() {
    let mut settings = offers();
    settings.trunks[1].calls_limit = Some(1);
    let mut bench = Bench::with(settings);
    asked(&mut bench, "13800000001");
    asked(&mut bench, "13800000002");
    // The only line out brings a caller in.
    let caller = bench.call(B, "13800000003", "12345", None, &[]);
    bench.register();
    assert_eq!(stage(&bench, CallId(3)), Some("offering"));
    let dialled = |event: &Event| matches!(event, Event::CallbackDialled { .. });
    for call in [FIRST, SECOND] {
        assert_eq!(stage(&bench, call), Some("resting"));
    }
    bench.pass(s(CALLBACK_NO_WAY_REST_S + 1));
    assert_eq!(
        stage(&bench, FIRST),
        Some("resting"),
        "the line is full still"
    );
    assert_eq!(failed(&bench), []);
    hang_up(&mut bench, B, caller);
    bench.told(PHONE);
    bench.pass(s(CALLBACK_NO_WAY_REST_S));
    assert_eq!(stage(&bench, FIRST), Some("offering"), "first come, first");
    assert_eq!(bench.count(dialled), 0);
    attempted(&mut bench, 486);
    assert_eq!(failed(&bench), [(1, Some(60))]);
    // However long there is no way, the place is not kept for ever.
    bench.call(B, "13800000004", "12345", None, &[]);
    bench.pass(s(700));
    for call in [FIRST, SECOND] {
        assert_eq!(ended(&bench, call), Some(Outcome::Unreached));
    }
    assert!(bench.exchange.switchboard().callbacks.is_empty());
}

#[test]
fn no_promise_is_offered_again_during_the_drain() {
    let (mut bench, phone) = rings();
    assert_eq!(stage(&bench, FIRST), Some("offering"));
    bench.drains();
    bench.does(PHONE, |endpoint, now| endpoint.reject(now, phone, 486, &[]));
    bench.pass(s(11));
    assert_eq!(stage(&bench, FIRST), Some("waiting"));
    assert_eq!(
        stage(&bench, SECOND),
        Some("offering"),
        "who is on the line"
    );
    assert_eq!(bench.exchange.live_calls(), 1);
    assert_eq!(ended(&bench, FIRST), None, "the next start restores it");
}

#[test]
fn nobody_is_promised_a_call_to_help_or_to_ourselves() {
    for number in ["110", "0635119", "12345", "063512345", "+86063512345"] {
        let mut settings = offers();
        settings.emergencies = ["110", "119"]
            .map(|number| Emergency {
                number: number.to_owned(),
                name: String::new(),
            })
            .into();
        let mut bench = Bench::with(settings);
        bench.call(A, number, "12345", None, &[]);
        let leg = newest_leg(&bench);
        bench.pass(s(10));
        bench.reports(Report::Digit {
            leg,
            digit: '1',
            ms: 100,
        });
        let refused = |event: &Event| matches!(event, Event::CallbackRefused { .. });
        assert_eq!(bench.count(refused), 1, "{number}");
        let asked = "the caller is asked for another number";
        assert_eq!(stage(&bench, FIRST), Some("menu"), "{number}: {asked}");
        assert_eq!(bench.exchange.live_calls(), 1, "{number}: on the line");
    }
}

#[test]
fn one_citizen_has_one_promise_in_whatever_form_the_number_comes() {
    let mut bench = Bench::with(offers());
    asked(&mut bench, "13800000001");
    // As a carrier of another city writes it.
    bench.call(A, "013800000001", "12345", None, &[]);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
    assert_eq!(stage(&bench, SECOND), Some("waiting"));
    assert!(bench.exchange.switchboard().callbacks.is_empty());
}

#[test]
fn who_was_called_by_a_seat_of_its_own_accord_is_not_called_back() {
    let mut bench = Bench::with(offers());
    bench.sign_in(PHONE, "1001", "secret");
    asked(&mut bench, "13800000001");
    bench.dial("13800000001");
    let there = bench.invited(B).unwrap();
    assert_eq!(ended(&bench, FIRST), None, "not before the answer");
    pick_up(&mut bench, B, there);
    assert_eq!(ended(&bench, FIRST), Some(Outcome::RangAgain));
    assert!(bench.exchange.switchboard().callbacks.is_empty());
    // By a click, too.
    asked(&mut bench, "13800000002");
    bench.order(seat(), SeatRequest::Ready).unwrap();
    assert_eq!(ended(&bench, CallId(3)), None);
}

#[test]
fn a_caller_is_given_on_to_a_queue_in_which_promises_alone_stand() {
    let mut settings = offers();
    let second = QueueId::new("second").unwrap();
    settings.queues.push(Queue {
        floor: QueueSettings {
            capacity: 1,
            ..QueueSettings::new(second)
        },
        name: "second".to_owned(),
        announce: Announce::default(),
        regulars: Regulars::default(),
    });
    let mut bench = Bench::with(settings);
    let one = promised(7, 0);
    let callback = Callback {
        queue: second,
        ..one.callback.clone()
    };
    bench
        .exchange
        .restore(bench.now, vec![Restored { callback, ..one }]);
    bench.register();
    bench.call(A, "13800000001", "12345", None, &[]);
    let talk = |bench: &mut Bench| {
        let phone = bench.invited(PHONE).unwrap();
        pick_up(bench, PHONE, phone);
        bench.order_transfer("queue:second");
        bench.done.pop().unwrap()
    };
    assert_eq!(talk(&mut bench), Ok(()));
    let floor = &bench.exchange.switchboard().floor;
    assert_eq!(floor.queue_of(FIRST), Some(second));
    // Now somebody on a line stands there, and the queue has room for no more.
    bench.pass(s(31));
    bench.call(A, "13800000002", "12345", None, &[]);
    assert_eq!(talk(&mut bench), Err(OrderRefused::TargetBusy));
}

#[test]
fn promises_take_no_room_of_the_calls() {
    let mut bench = Bench::with(offers());
    let many = (0..CALLS as u64).map(|nth| Restored {
        call: CallId(10_000 + nth),
        caller: format!("139{nth:08}"),
        ..promised(7, 0)
    });
    bench.exchange.restore(bench.now, many.collect());
    bench.call(A, "13800000001", "12345", None, &[]);
    let rejected = |event: &Event| matches!(event, Event::InviteRejected { .. });
    assert_eq!(bench.count(rejected), 0);
    assert_eq!(stage(&bench, FIRST), Some("waiting"));
    // A seat's own call has room, too, and once they are over nothing is counted twice.
    bench.sign_in(PHONE, "1001", "secret");
    let number = "13800000009".to_owned();
    let dial = SeatRequest::Dial {
        number,
        purpose: None,
    };
    assert_eq!(bench.order(seat(), dial), Ok(()));
    bench.pass(s(700));
    assert!(bench.exchange.switchboard().callbacks.is_empty());
    assert_eq!(bench.exchange.switchboard().callbacks.standing(), 0);
}
