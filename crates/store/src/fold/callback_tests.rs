//! A caller who asked to be called back, as the folds see it: neither abandoned nor answered until
//! reached, and counted once.

use hotline_model::{CallId, Timestamp, event::Event, event::Outcome, seat::OfferResult};

use crate::{
    Folds, Record,
    fold::Call,
    samples::{
        NOON, answered, arrived, callback_dialled, callback_failed, callback_requested, ended,
        queued, records, seat,
    },
    wallboard::{Stage, Totals},
};

fn folded(records: &[Record]) -> Folds {
    let mut folds = Folds::new(480);
    records.iter().for_each(|record| folds.apply(record));
    folds
}

/// Figures of a call that was promised a callback, and then this.
fn totals(then: Vec<Event>) -> Totals {
    let before = vec![arrived(1), queued(1, "general"), callback_requested(1)];
    let records = records([before, then].concat());
    folded(&records).totals(Timestamp(NOON + 60_000))
}

fn offered(result: OfferResult) -> [Event; 2] {
    let (call, seat) = (CallId(1), seat("1001"));
    let offered = Event::SeatOffered {
        call,
        seat,
        queue: crate::samples::queue("general"),
        why: "free".into(),
    };
    let ended = Event::OfferEnded {
        call,
        seat,
        result,
        rang_ms: 1_000,
    };
    [offered, ended]
}

#[test]
fn it_is_no_request_before_its_end_is_known() {
    let t = totals(vec![queued(1, "general"), callback_dialled(1, 1)]);
    assert_eq!((t.inbound, t.human_requests), (1, 0));
    assert_eq!((t.abandoned, t.answered, t.unreached), (0, 0, 0));
}

#[test]
fn reached_it_is_answered_after_all_of_its_wait() {
    let t = totals(vec![
        callback_dialled(1, 1),
        answered(1, "1001", "general", 900_000),
        ended(1, Outcome::Answered),
    ]);
    assert_eq!((t.answered, t.answered_in_15s, t.human_requests), (1, 0, 1));
    assert_eq!((t.abandoned, t.unreached), (0, 0));
}

#[test]
fn unreached_it_is_a_request_that_nobody_answered() {
    let t = totals(vec![
        callback_dialled(1, 1),
        callback_failed(1, 1, None),
        ended(1, Outcome::Unreached),
    ]);
    assert_eq!((t.unreached, t.human_requests, t.answered), (1, 1, 0));
    assert_eq!(t.abandoned, 0);
    assert_eq!(t.answer_rate, Some(0.0));
}

#[test]
fn who_rang_again_is_counted_by_the_later_call() {
    let t = totals(vec![
        arrived(2),
        queued(2, "general"),
        ended(1, Outcome::RangAgain),
        answered(2, "1001", "general", 3_000),
        ended(2, Outcome::Answered),
    ]);
    assert_eq!((t.inbound, t.human_requests, t.answered), (2, 1, 1));
}

#[test]
fn the_board_shows_where_it_stands_and_when_it_stands_in_no_line() {
    let [offered, answered_offer] = offered(OfferResult::Answered);
    let mut folds = folded(&[]);
    let mut seen = Vec::new();
    let events = vec![
        arrived(1),
        queued(1, "general"),
        callback_requested(1),
        queued(1, "general"),
        arrived(2),
        queued(2, "general"),
        offered,
        answered_offer,
        callback_dialled(1, 1),
        callback_failed(1, 1, Some(600)),
        queued(1, "general"),
    ];
    for record in records(events) {
        folds.apply(&record);
        let lines = folds.live_calls(20_000);
        let line = lines.iter().find(|line| line.call == CallId(1)).unwrap();
        let other = lines.iter().find(|line| line.call == CallId(2));
        let other = other.and_then(|line| line.position);
        seen.push((line.stage, line.position, other));
    }
    use Stage::{Arriving, CallbackWaiting, CallingBack, Offering, Waiting};
    assert_eq!(
        seen,
        [
            (Arriving, None, None),
            (Waiting, Some(1), None),
            (CallbackWaiting, Some(1), None),
            (CallbackWaiting, Some(1), None),
            (CallbackWaiting, Some(1), None),
            (CallbackWaiting, Some(1), Some(2)),
            (Offering, None, Some(1)),
            (Offering, None, Some(1)),
            (CallingBack, None, Some(1)),
            // Until its time it stands in no line, then before who came after it.
            (CallbackWaiting, None, Some(1)),
            (CallbackWaiting, Some(1), Some(2)),
        ]
    );
}

#[test]
fn a_seat_that_does_not_answer_leaves_it_a_callback() {
    let before = [arrived(1), queued(1, "general"), callback_requested(1)];
    let events: Vec<_> = before
        .into_iter()
        .chain(offered(OfferResult::Refused))
        .collect();
    let line = folded(&records(events)).live_calls(9_000).remove(0);
    assert_eq!(
        (line.stage, line.position),
        (Stage::CallbackWaiting, Some(1))
    );
}

#[test]
fn after_a_restart_it_is_on_the_board_again_with_its_age() {
    let version = "0.1.0".to_owned();
    let restored = Event::CallbackRestored {
        call: CallId(1),
        caller: "13800000001".into(),
        called: "12345".into(),
        queue: crate::samples::queue("general"),
        priority: 5,
        attempts: 0,
        lived_ms: 70_000,
    };
    let events = [
        arrived(1),
        queued(1, "general"),
        callback_requested(1),
        Event::EngineStarted { version },
        restored.clone(),
        queued(1, "general"),
    ];
    let all = records(events);
    let now = all.last().unwrap().stamped.up_ms;
    let lines = folded(&all).live_calls(now);
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].stage, lines[0].position),
        (Stage::CallbackWaiting, Some(1))
    );
    assert_eq!(lines[0].caller, "138****0001");
    assert_eq!(lines[0].total_ms, 71_000);
    // The list masks both numbers.
    for event in [restored, callback_requested(1)] {
        let record = records([event]).remove(0).masked();
        let text = serde_json::to_string(&record.stamped).unwrap();
        assert!(!text.contains("13800000001"), "{text}");
    }
    // Its wait in line cannot be told from this run's clock alone.
    let mut call = Call::begun(&all[0]).unwrap();
    for record in &all[1..] {
        call.apply(record, 480);
    }
    call.apply(&records([ended(1, Outcome::Unreached)])[0], 480);
    assert_eq!(call.row.wait_ms, None);
    assert_eq!(call.row.outcome, Some(Outcome::Unreached));
}
