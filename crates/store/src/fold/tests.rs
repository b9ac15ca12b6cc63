//! The folds of the wallboard: window edges, counting rules, and a naive count beside them.

use std::{
    collections::{BTreeMap, BTreeSet},
    slice,
};

use hotline_model::{
    CallId, Timestamp, TrunkId,
    event::{Event, Outcome, TransferKind},
    seat::OfferResult,
};
use proptest::prelude::*;

use super::*;
use crate::{
    samples::{
        NOON, answered, arrived, day, dialled, ended, overflowed, queue, queued, records, seat,
        story,
    },
    wallboard::Stage,
};

const MINUTE: i64 = 60_000;

fn folded(records: &[Record]) -> Folds {
    let mut folds = Folds::new(480);
    for record in records {
        folds.apply(record);
    }
    folds
}

/// A record of a call whose wall clock stands at `at`.
fn record_at(at: i64, event: Event) -> Record {
    let mut record = records([event]).remove(0);
    record.stamped.at = Timestamp(at);
    record
}

#[test]
fn a_seats_call_outside_is_in_no_figure_and_on_the_board() {
    let mut folds = Folds::new(480);
    let calls = [dialled(1), dialled(2).into_iter().take(3).collect()];
    let denied = Event::DialRejected {
        seat: seat("1001"),
        called: "0044123".into(),
        status: 403,
        cause: "not allowed".into(),
    };
    for record in records(calls.concat().into_iter().chain([denied])) {
        folds.apply(&record);
    }
    let now = Timestamp(NOON + 60_000);
    let counts = folds.counters().counts(now);
    assert_eq!(counts, Default::default(), "K1 to K14 count inbound calls");
    assert_eq!(folds.calls_today(seat("1001"), now), 0);
    let lines = folds.live_calls(60_000);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].stage, Stage::Talking);
    assert_eq!(lines[0].caller, "1001");
    assert_eq!(
        lines[0].called, "138****9999",
        "a citizen's number is masked"
    );
}

#[test]
fn a_seats_own_call_to_the_hotline_is_in_no_figure() {
    let own = |events: Vec<Event>| {
        events.into_iter().map(|mut event| {
            if let Event::CallArrived { trunk, .. } = &mut event {
                *trunk = None;
            }
            event
        })
    };
    let events = story(1).into_iter().chain(own(story(2)));
    let left = [
        arrived(3),
        queued(3, "general"),
        ended(3, Outcome::Abandoned),
    ];
    let all = records(events.chain(own(left.to_vec())));
    let folds = folded(&all);
    let now = Timestamp(NOON + 60_000);
    let counts = folds.counters().counts(now);
    assert_eq!(counts, folded(&records(story(1))).counters().counts(now));
    assert_eq!(
        (counts.inbound(), counts.answered, counts.abandoned),
        (1, 1, 0)
    );
    assert_eq!(folds.calls_today(seat("1001"), now), 1);
}

#[test]
fn a_blocked_call_counts_as_inbound_and_is_shown_apart() {
    let rejected = Event::InviteRejected {
        source: "192.0.2.1:5060".into(),
        trunk: TrunkId::new("mobile").ok(),
        caller: "13800000009".into(),
        called: "12345".into(),
        status: 603,
        cause: "the caller is blocked".into(),
    };
    let blocked = |call| Event::CallerBlocked { block: 1, call };
    let story = story(1).into_iter().chain([
        blocked(None),
        rejected,
        arrived(2),
        blocked(Some(CallId(2))),
        ended(2, Outcome::LeftMenu),
    ]);
    let totals = folded(&records(story)).totals(Timestamp(NOON + 60_000));
    assert_eq!((totals.inbound, totals.answered, totals.blocked), (3, 1, 2));
    assert_eq!(
        totals.answer_rate,
        Some(1.0 / 3.0),
        "blocking betters no rate"
    );
    assert_eq!(totals.human_requests, 1);
}

#[test]
fn whom_a_task_or_a_block_is_about_is_masked() {
    let due_at = Timestamp(NOON);
    let (number, by) = ("13800009999".to_owned(), "lead".to_owned());
    let (note, reason) = (String::new(), String::new());
    let all = records([
        Event::TaskAdded {
            number: number.clone(),
            note,
            due_at,
            by: by.clone(),
        },
        Event::BlockProposed {
            block: 1,
            number,
            reason,
            until: due_at,
            by,
            withheld: false,
        },
    ]);
    for record in &all {
        let shown = serde_json::to_value(record.masked()).unwrap();
        assert_eq!(shown["number"], "138****9999", "{shown}");
    }
    // Of a number that was withheld nothing is shown at all.
    let mut block = all[1].clone();
    let Event::BlockProposed { withheld, .. } = &mut block.stamped.event else {
        panic!("{block:?}");
    };
    *withheld = true;
    let shown = serde_json::to_value(block.masked()).unwrap();
    assert_eq!(shown["number"], "", "{shown}");
}

#[test]
fn a_known_caller_is_shown_with_the_number_of_the_call_and_the_last_seat() {
    let known = Event::CallerRecognised {
        call: CallId(1),
        queue: queue("general"),
        calls: 3,
        within_h: 72,
        last_seat: Some(seat("1002")),
    };
    let folds = folded(&records([arrived(1), known, queued(1, "general")]));
    let line = folds.live_calls(0).remove(0);
    assert_eq!(
        (line.nth_call, line.last_seat),
        (Some(3), Some(seat("1002")))
    );
    assert_eq!(line.stage, Stage::Waiting);
}

#[test]
fn what_strangers_ask_for_is_counted_apart_and_what_a_trunk_brings_is_inbound() {
    let refused = |trunk: Option<&str>| {
        let trunk = trunk.map(|id| TrunkId::new(id).unwrap());
        [
            Event::InviteRejected {
                source: "192.0.2.66:5060".into(),
                trunk,
                caller: "100".into(),
                called: "12345".into(),
                status: 503,
                cause: "the table is full".into(),
            },
            Event::RequestsTurnedAway {
                trunk,
                invites: 40,
                others: 2,
                cause: "overload".into(),
            },
        ]
    };
    let now = Timestamp(NOON + 60_000);
    let counts = |events: [Event; 2]| folded(&records(events)).counters().counts(now);
    let strangers = counts(refused(None));
    assert_eq!((strangers.inbound(), strangers.strangers), (0, 41));
    assert_eq!(strangers.answer_rate(), Ratio::default(), "in no rate");
    let carriers = counts(refused(Some("mobile")));
    assert_eq!((carriers.inbound(), carriers.strangers), (41, 0));
}

#[test]
fn a_withheld_number_is_on_no_board() {
    let mut event = arrived(1);
    if let Event::CallArrived { withheld, .. } = &mut event {
        *withheld = true;
    }
    let all = records([event]);
    let mut folds = Folds::new(480);
    folds.apply(&all[0]);
    assert_eq!(folds.live_calls(0)[0].caller, "");
    let Event::CallArrived { caller, .. } = all[0].masked().stamped.event else {
        unreachable!()
    };
    assert_eq!(caller, "");
}

#[test]
fn a_number_that_a_caller_was_given_on_to_is_masked() {
    let to = |to: &str| Event::TalkTransferred {
        call: CallId(1),
        from: seat("1001"),
        to: to.to_owned(),
        kind: TransferKind::Blind,
    };
    for (written, shown) in [
        ("outside:06358261234", "outside:063****1234"),
        ("1002", "1002"),
        ("queue:business", "queue:business"),
    ] {
        let all = records([arrived(1), to(written)]);
        assert_eq!(all[1].masked().stamped.event, to(shown));
        assert_eq!(all[1].stamped.event, to(written), "the journal keeps it");
    }
}

#[test]
fn the_windows_edges_are_exact() {
    // 59.999 s into its minute.
    let minute = NOON.div_euclid(MINUTE) * MINUTE;
    let folds = folded(&[record_at(minute + 59_999, arrived(1))]);
    let inbound = |now| folds.totals(Timestamp(now)).inbound;
    assert_eq!(inbound(minute - 1), 0, "before its minute");
    assert_eq!(inbound(minute), 1, "its own minute");
    assert_eq!(inbound(minute + 1_439 * MINUTE), 1);
    assert_eq!(
        inbound(minute + 1_440 * MINUTE - 1),
        1,
        "the last of its 24 hours"
    );
    assert_eq!(inbound(minute + 1_440 * MINUTE), 0);
    assert_eq!(folds.totals(Timestamp(minute)).window_s, 86_400);
}

#[test]
fn what_becomes_of_a_call_counts_in_the_minute_of_its_arrival() {
    let folds = folded(&[
        record_at(NOON, arrived(1)),
        record_at(NOON + 5 * MINUTE, answered(1, "1001", "general", 9_000)),
        record_at(NOON + 1_441 * MINUTE, ended(1, Outcome::Answered)),
    ]);
    let last = (NOON.div_euclid(MINUTE) + 1_439) * MINUTE;
    let totals = folds.totals(Timestamp(last));
    assert_eq!((totals.inbound, totals.answered), (1, 1));
    // Both leave together: no rate above 1 at the edge.
    let totals = folds.totals(Timestamp(last + MINUTE));
    assert_eq!((totals.inbound, totals.answered), (0, 0));
    assert_eq!(totals.answer_rate, None);
}

#[test]
fn each_wait_counts_up_to_its_bound() {
    let mut events = Vec::new();
    for (call, wait) in (1..).zip([0, 15_000, 15_001, 20_000, 20_001, 30_000, 30_001]) {
        events.extend([arrived(call), answered(call, "1001", "general", wait)]);
    }
    let folds = folded(&records(events));
    let counts = folds.counters().counts(Timestamp(NOON + MINUTE));
    assert_eq!(counts.answers_in, [2, 4, 6]);
    assert_eq!((counts.answered, counts.answered_in_15s), (7, 2));
}

#[test]
fn a_repeated_answer_is_a_request_and_not_a_call() {
    let folds = folded(&records([
        arrived(1),
        queued(1, "general"),
        answered(1, "1001", "general", 30_000),
        queued(1, "english"),
        answered(1, "1002", "english", 1_000),
        ended(1, Outcome::Answered),
    ]));
    let now = Timestamp(NOON + MINUTE);
    let totals = folds.totals(now);
    assert_eq!(
        (totals.answered, totals.answered_in_15s),
        (1, 0),
        "the clock is not restarted"
    );
    assert_eq!(totals.human_requests, 2);
    assert_eq!(totals.answer_rate, Some(1.0));
    let of_queues = [
        (queue("english"), Ratio::new(1, 1)),
        (queue("general"), Ratio::new(1, 1)),
    ];
    assert_eq!(folds.queue_rates(now), of_queues);
}

#[test]
fn abandons_are_told_apart_by_their_wait() {
    let mut all = Vec::new();
    for (call, wait) in (1u64..).zip([4_999, 5_000, 15_000, 15_001]) {
        let mut records = records([
            arrived(call),
            queued(call, "general"),
            ended(call, Outcome::Abandoned),
        ]);
        records[2].stamped.up_ms = records[1].stamped.up_ms + wait;
        all.extend(records);
    }
    let counts = folded(&all).counters().counts(Timestamp(NOON + MINUTE));
    assert_eq!(
        (
            counts.abandoned,
            counts.abandoned_in_15s,
            counts.abandoned_short
        ),
        (4, 3, 1)
    );
}

/// asterisk#1736: nobody counts twice, whatever was refused on the way.
#[test]
fn a_call_that_a_second_queue_refused_counts_by_what_became_of_it() {
    let refused = |call, name: &str| Event::QueueRefused {
        call: CallId(call),
        queue: queue(name),
        cause: "full".into(),
    };
    let fates = [
        (vec![], Outcome::TimedOut),
        (vec![], Outcome::Abandoned),
        (vec![], Outcome::Overflowed),
        (vec![], Outcome::LeftMessage),
        (vec![], Outcome::Unreached),
        (vec![], Outcome::Refused),
        (vec![], Outcome::Interrupted),
        (vec![queued(1, "business")], Outcome::Abandoned),
        (vec![queued(1, "business")], Outcome::TimedOut),
        (vec![overflowed(1, "business")], Outcome::Overflowed),
        (
            vec![answered(1, "1001", "business", 9_000)],
            Outcome::Answered,
        ),
    ];
    let now = Timestamp(NOON + MINUTE);
    for (then, outcome) in fates {
        let before = vec![arrived(1), queued(1, "general"), refused(1, "english")];
        let end = vec![ended(1, outcome)];
        let folds = folded(&records([before, then, end].concat()));
        let totals = folds.totals(now);
        assert_eq!(totals.human_requests, 1, "{outcome:?}: {totals:?}");
        let of_queues: u64 = folds.queue_rates(now).iter().map(|(_, r)| r.all).sum();
        assert_eq!(of_queues, 1, "{outcome:?}");
        let said = [
            (Outcome::TimedOut, totals.timed_out),
            (Outcome::Abandoned, totals.abandoned),
            (Outcome::Overflowed, totals.overflowed),
            (Outcome::LeftMessage, totals.left_message),
            (Outcome::Unreached, totals.unreached),
            (Outcome::Refused, totals.refused),
            (Outcome::Interrupted, totals.refused),
            (Outcome::Answered, totals.answered),
        ];
        let counts = said.into_iter().find(|(of, _)| *of == outcome);
        assert_eq!(
            counts,
            Some((outcome, 1)),
            "the count is the call's own word"
        );
    }
}

#[test]
fn a_refusal_counts_once() {
    let refused = |call| Event::QueueRefused {
        call: CallId(call),
        queue: queue("general"),
        cause: "full".into(),
    };
    let folds = folded(&records([
        arrived(1),
        refused(1),
        ended(1, Outcome::Refused),
        arrived(2),
        ended(2, Outcome::Refused),
    ]));
    let now = Timestamp(NOON + MINUTE);
    let totals = folds.totals(now);
    assert_eq!((totals.refused, totals.human_requests), (2, 2));
    assert_eq!(
        folds.queue_rates(now),
        [(queue("general"), Ratio::new(0, 1))]
    );
}

#[test]
fn a_seats_day_begins_at_local_midnight() {
    // 23:59:59.999 and 00:00 in China.
    let midnight = 1_795_276_800_000;
    assert_eq!(Timestamp(midnight).civil(480).hour, 0);
    let answer = |at, call| record_at(at, answered(call, "1001", "general", 1));
    let folds = folded(&[
        answer(midnight - 2, 1),
        answer(midnight - 1, 2),
        answer(midnight, 3),
    ]);
    assert_eq!(folds.calls_today(seat("1001"), Timestamp(midnight + 1)), 1);
    assert_eq!(
        folds.calls_today(seat("1001"), Timestamp(midnight - 1)),
        0,
        "yesterday is over"
    );
    assert_eq!(folds.calls_today(seat("1002"), Timestamp(midnight)), 0);
    let before = folded(&[answer(midnight - 2, 1), answer(midnight - 1, 2)]);
    assert_eq!(before.calls_today(seat("1001"), Timestamp(midnight - 1)), 2);
    assert_eq!(before.calls_today(seat("1001"), Timestamp(midnight)), 0);
}

#[test]
fn a_wild_clock_does_not_push_the_present_out() {
    let mut all = vec![
        record_at(NOON, arrived(1)),
        record_at(NOON * 10, arrived(2)),
    ];
    for minutes in 1..2 * KEPT_MINUTES as i64 {
        all.push(record_at(NOON + minutes * MINUTE, arrived(3)));
    }
    let folds = folded(&all);
    let last = NOON + (2 * KEPT_MINUTES as i64 - 1) * MINUTE;
    assert_eq!(folds.totals(Timestamp(last)).inbound, 1_440);
    assert_eq!(folds.totals(Timestamp(i64::MIN)).inbound, 0);
    assert_eq!(folds.totals(Timestamp(i64::MAX)).inbound, 0);
}

#[test]
fn a_live_call_is_where_its_last_event_put_it() {
    let events = story(7);
    let stage_after = |count: usize| {
        let folds = folded(&records(events[..count].to_vec()));
        let lines = folds.live_calls(count as u64 * 1_000);
        lines
            .first()
            .map(|line| (line.stage, line.since_ms, line.total_ms))
    };
    // The n-th event happens at n − 1 seconds; each line is asked for at n seconds.
    assert_eq!(stage_after(1), Some((Stage::Arriving, 1_000, 1_000)));
    assert_eq!(stage_after(2), Some((Stage::Arriving, 2_000, 2_000)));
    assert_eq!(stage_after(5), Some((Stage::Menu, 3_000, 5_000)));
    assert_eq!(stage_after(6), Some((Stage::Waiting, 1_000, 6_000)));
    assert_eq!(stage_after(8), Some((Stage::Offering, 2_000, 8_000)));
    assert_eq!(stage_after(15), Some((Stage::Talking, 7_000, 15_000)));
    assert_eq!(stage_after(18), Some((Stage::Surveying, 3_000, 18_000)));
    assert_eq!(stage_after(19), None);
    let line = folded(&records(events[..9].to_vec()))
        .live_calls(9_000)
        .remove(0);
    assert_eq!(
        (line.caller.as_str(), line.called.as_str()),
        ("138****0007", "12345")
    );
    assert_eq!(
        (line.queue, line.seat),
        (Some(queue("general")), Some(seat("1001")))
    );
    assert_eq!(line.position, None);
}

#[test]
fn a_caller_who_is_given_on_is_shown_so_until_somebody_talks_or_the_line_has_it_again() {
    let call = CallId(1);
    let offered = |to: &str| Event::SeatOffered {
        call,
        seat: seat(to),
        queue: queue("general"),
        why: "transferred by seat 1001".into(),
    };
    let not_answered = |to: &str| Event::OfferEnded {
        call,
        seat: seat(to),
        result: OfferResult::NoAnswer,
        rang_ms: 20_000,
    };
    let failed = |back: bool| Event::TransferFailed {
        call,
        from: seat("1001"),
        to: "1002".into(),
        cause: "status 480".into(),
        back,
    };
    let tried = Event::TrunkTried {
        call,
        trunk: TrunkId::new("mobile").unwrap(),
        target: "UDP 192.0.2.1:5060".into(),
        called: "06358261234".into(),
        for_guest: false,
    };
    let outside = Event::OutsideAnswered {
        call,
        trunk: TrunkId::new("mobile").unwrap(),
        since_dialled_ms: 3_000,
        for_guest: false,
    };
    let talk = [
        arrived(1),
        queued(1, "general"),
        answered(1, "1001", "general", 9_000),
    ];
    let after = |more: &[Event]| {
        let events: Vec<Event> = talk.iter().chain(more).cloned().collect();
        let line = folded(&records(events)).live_calls(60_000).remove(0);
        (line.stage, line.seat.map(|seat| seat.to_string()))
    };
    let at = |stage, seat: &str| (stage, Some(seat.to_owned()));
    assert_eq!(after(&[]), at(Stage::Talking, "1001"));
    assert_eq!(after(&[offered("1002")]), at(Stage::Transferring, "1002"));
    let unanswered = [offered("1002"), not_answered("1002")];
    assert_eq!(
        after(&unanswered).0,
        Stage::Transferring,
        "until it is told"
    );
    let back = [&unanswered[..], &[failed(true)]].concat();
    assert_eq!(after(&back), at(Stage::Talking, "1001"));
    let in_line = [&unanswered[..], &[failed(false)]].concat();
    assert_eq!(after(&in_line), (Stage::Waiting, None));
    let again = [&back[..], &[offered("1003")]].concat();
    assert_eq!(after(&again), at(Stage::Transferring, "1003"));
    let taken = [&again[..], &[answered(1, "1003", "general", 30_000)]].concat();
    assert_eq!(after(&taken), at(Stage::Talking, "1003"));
    assert_eq!(
        after(slice::from_ref(&tried)),
        at(Stage::Transferring, "1001")
    );
    assert_eq!(after(&[tried, outside]).0, Stage::Talking);
}

#[test]
fn waiting_calls_have_their_places_by_priority_and_entry() {
    let entered = |call: u64, priority: u8| Event::QueueEntered {
        call: CallId(call),
        queue: queue("general"),
        priority,
        position: 1,
    };
    let events = [
        arrived(1),
        arrived(2),
        arrived(3),
        entered(2, 5),
        entered(1, 5),
        entered(3, 0),
    ];
    let lines = folded(&records(events.to_vec())).live_calls(10_000);
    let places: Vec<_> = lines
        .iter()
        .map(|line| (line.call.0, line.position))
        .collect();
    assert_eq!(places, [(1, Some(3)), (2, Some(2)), (3, Some(1))]);
}

#[test]
fn a_call_whose_seat_does_not_answer_waits_again() {
    let offered = Event::SeatOffered {
        call: CallId(1),
        seat: seat("1001"),
        queue: queue("general"),
        why: "free".into(),
    };
    let no_answer = Event::OfferEnded {
        call: CallId(1),
        seat: seat("1001"),
        result: OfferResult::NoAnswer,
        rang_ms: 15_000,
    };
    let folds = folded(&records([
        arrived(1),
        queued(1, "general"),
        offered,
        no_answer,
    ]));
    let line = folds.live_calls(10_000).remove(0);
    assert_eq!((line.stage, line.seat), (Stage::Waiting, None));
}

#[test]
fn a_start_clears_the_live_calls() {
    let mut all = records([
        arrived(1),
        Event::EngineStarted {
            version: "0.1.0".into(),
        },
    ]);
    assert_eq!(folded(&all[..1]).live_calls(0).len(), 1);
    assert_eq!(folded(&all).live_calls(0), []);
    // The end that the next run writes is of no live call, and counts all the same.
    all.push(record_at(NOON, ended(1, Outcome::Interrupted)));
    let folds = folded(&all);
    assert_eq!(folds.totals(Timestamp(NOON)).inbound, 1);
    assert_eq!(folds.live_calls(0), []);
}

/// The same figures by the most naive way: sets of calls, filtered by arrival.
fn naive(records: &[Record], now: Timestamp) -> [u64; 11] {
    let last = now.0.div_euclid(MINUTE);
    let arrived: BTreeMap<CallId, i64> = records
        .iter()
        .filter(|r| matches!(r.stamped.event, Event::CallArrived { .. }))
        .map(|r| {
            (
                r.stamped.event.call().unwrap(),
                r.stamped.at.0.div_euclid(MINUTE),
            )
        })
        .collect();
    let inside = |minute: i64| (last - 1_439..=last).contains(&minute);
    let of_window: Vec<&Event> = records
        .iter()
        .filter(|r| match r.stamped.event.call() {
            Some(call) => inside(arrived[&call]),
            None => inside(r.stamped.at.0.div_euclid(MINUTE)),
        })
        .map(|r| &r.stamped.event)
        .collect();
    let count = |is: &dyn Fn(&Event) -> bool| of_window.iter().filter(|e| is(e)).count() as u64;
    let with =
        |o: Outcome| count(&|e| matches!(e, Event::CallEnded { outcome, .. } if *outcome == o));
    let answered: BTreeSet<_> = of_window
        .iter()
        .filter(|e| matches!(e, Event::SeatAnswered { .. }))
        .filter_map(|e| e.call())
        .collect();
    [
        count(&|e| matches!(e, Event::CallArrived { .. } | Event::InviteRejected { .. })),
        answered.len() as u64,
        count(&|e| {
            matches!(
                e,
                Event::SeatAnswered {
                    since_queue_ms: 0..=15_000,
                    ..
                }
            )
        }),
        with(Outcome::Abandoned),
        with(Outcome::Refused),
        with(Outcome::TimedOut),
        with(Outcome::LeftMessage),
        with(Outcome::Overflowed),
        count(&|e| matches!(e, Event::SurveyOffered { .. })),
        count(&|e| matches!(e, Event::SurveyAnswered { .. })),
        count(&|e| matches!(e, Event::SurveyAnswered { meaning, .. } if meaning == "satisfied")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_agrees_with_a_naive_count(
        seed in any::<u64>(),
        calls in 1u64..120,
        shift in -30i64..1_460,
    ) {
        let records = day(seed, calls);
        let folds = folded(&records);
        let now = Timestamp(NOON + shift * MINUTE);
        let t = folds.totals(now);
        prop_assert_eq!(naive(&records, now), [
            t.inbound, t.answered, t.answered_in_15s, t.abandoned, t.refused, t.timed_out,
            t.left_message, t.overflowed, t.survey_offered, t.survey_answered, t.satisfied,
        ]);
        let unserved = t.abandoned + t.refused + t.timed_out + t.left_message + t.overflowed;
        prop_assert_eq!(t.human_requests, t.answered + unserved);
        let of_queues: u64 = folds.queue_rates(now).iter().map(|(_, r)| r.all).sum();
        prop_assert_eq!(of_queues, t.human_requests, "each request is some queue's");
        // Whatever ended lives no more.
        prop_assert_eq!(folds.live_calls(u64::MAX).len(), 0);
    }
}

#[test]
fn a_message_counts_as_a_request_where_the_caller_had_asked_for_a_human() {
    let refused = Event::QueueRefused {
        call: CallId(3),
        queue: queue("general"),
        cause: "full".into(),
    };
    let all = records([
        arrived(1),
        ended(1, Outcome::LeftMessage),
        arrived(2),
        queued(2, "general"),
        ended(2, Outcome::LeftMessage),
        arrived(3),
        refused,
        ended(3, Outcome::LeftMessage),
    ]);
    let totals = folded(&all).totals(Timestamp(NOON));
    assert_eq!((totals.inbound, totals.answered), (3, 0));
    // The third asked a queue that refused it, the first asked for nobody.
    assert_eq!(
        (totals.left_message, totals.refused, totals.human_requests),
        (2, 0, 2)
    );
    assert_eq!(totals.answer_rate, Some(0.0));
}

#[test]
fn the_guests_of_a_talk_stand_on_its_line() {
    use crate::wallboard::GuestLine;
    use hotline_model::guest::{GuestMode, GuestName};

    let call = CallId(1);
    let guest = GuestName::Seat(seat("1009"));
    // A number outside is shown masked.
    let colleague = GuestName::Outside("13800009999".into());
    let events = [
        arrived(1),
        queued(1, "general"),
        answered(1, "1001", "general", 1_000),
        Event::GuestCalled {
            call,
            seat: seat("1001"),
            guest: guest.clone(),
            mode: GuestMode::Monitor,
        },
        Event::GuestJoined {
            call,
            guest: guest.clone(),
            mode: GuestMode::Monitor,
        },
        Event::GuestCalled {
            call,
            seat: seat("1001"),
            guest: colleague.clone(),
            mode: GuestMode::Consult,
        },
        Event::TrunkTried {
            call,
            trunk: TrunkId::new("mobile").unwrap(),
            target: "UDP 192.0.2.1:5060".into(),
            called: "13800009999".into(),
            for_guest: true,
        },
        Event::GuestModeChanged {
            call,
            guest: guest.clone(),
            mode: GuestMode::Barge,
        },
        Event::GuestLeft {
            call,
            guest: guest.clone(),
            mode: GuestMode::Barge,
            cause: "hung up".into(),
        },
    ];
    let line = |guest: &GuestName, mode, joined, asked| GuestLine {
        name: guest.masked(),
        mode,
        joined,
        asked,
    };
    let all = records(events);
    let after = |count: usize| folded(&all[..count]).live_calls(0)[0].guests.clone();
    let asked = line(&colleague, GuestMode::Consult, false, true);
    assert_eq!(after(3), []);
    assert_eq!(after(4), [line(&guest, GuestMode::Monitor, false, false)]);
    assert_eq!(after(5), [line(&guest, GuestMode::Monitor, true, false)]);
    assert_eq!(
        after(8),
        [line(&guest, GuestMode::Barge, true, false), asked.clone()]
    );
    assert_eq!(after(9), slice::from_ref(&asked));
    let stage = folded(&all[..7]).live_calls(0)[0].stage;
    assert_eq!(
        stage,
        Stage::Talking,
        "a guest is called, and nobody given on"
    );
    assert_eq!(asked.name.to_string(), "outside:138****9999");
    assert!(!line(&guest, GuestMode::Monitor, true, false).is_open());
    assert!(asked.is_open());
}

#[test]
fn a_seats_own_call_is_the_one_s_who_took_it_over() {
    let mut events: Vec<Event> = dialled(2).into_iter().take(3).collect();
    events.push(Event::TalkTransferred {
        call: CallId(2),
        from: seat("1001"),
        to: "1009".into(),
        kind: TransferKind::TakeOver,
    });
    let lines = folded(&records(events)).live_calls(0);
    assert_eq!(lines[0].seat, Some(seat("1009")));
}

#[test]
fn a_queue_shows_its_day_its_quarter_its_forecast_and_its_alert() {
    let general = queue("general");
    let forecast = |needed: Option<u32>| Event::StaffingForecast {
        queue: general,
        serving: 5,
        needed,
        answered_permille: needed.map(|_| 912),
        in_time_permille: needed.map(|_| 640),
    };
    let alert = Event::ServiceLevelAlerted {
        queue: general,
        serving: 5,
        needed: Some(7),
        answered_permille: Some(912),
        answered_target_permille: 950,
        in_time_permille: Some(640),
        in_time_target_permille: 800,
    };
    // One call twenty minutes ago that gave up, one now that was answered in time.
    let old = [
        arrived(1),
        queued(1, "general"),
        ended(1, Outcome::Abandoned),
    ];
    let new = [
        arrived(2),
        queued(2, "general"),
        answered(2, "1001", "general", 9_000),
    ];
    let mut folds = Folds::new(480);
    for event in old {
        folds.apply(&record_at(NOON - 20 * MINUTE, event));
    }
    for event in new.into_iter().chain([forecast(Some(7)), alert]) {
        folds.apply(&record_at(NOON, event));
    }
    let levels = folds.queue_levels(Timestamp(NOON), 90_000);
    assert_eq!(levels.len(), 1);
    let level = levels[&general];
    assert_eq!(level.answer_rate(), Ratio::new(1, 2));
    assert_eq!(level.in_15s_rate(), Ratio::new(1, 2));
    let quarter = level.quarter_line();
    assert_eq!((quarter.requests, quarter.answer_rate), (1, Some(1.0)));
    let ahead = level.forecast.unwrap();
    assert_eq!(
        (ahead.needed, ahead.more, ahead.answered),
        (Some(7), Some(2), Some(0.912))
    );
    let raised = level.alert.unwrap();
    assert_eq!((raised.since_ms, raised.answered_target), (90_000, 0.95));

    // Nobody is at work: nothing is known, and nothing of before is shown.
    let recovered = Event::ServiceLevelRecovered {
        queue: general,
        lasted_ms: 1,
    };
    for event in [forecast(None), recovered] {
        folds.apply(&record_at(NOON, event));
    }
    let level = folds.queue_levels(Timestamp(NOON), 90_000)[&general];
    let ahead = level.forecast.unwrap();
    assert_eq!(
        (ahead.more, ahead.answered, level.alert),
        (None, None, None)
    );

    let version = "0.1.0".into();
    folds.apply(&record_at(NOON, Event::EngineStarted { version }));
    let level = folds.queue_levels(Timestamp(NOON), 0)[&general];
    assert_eq!(
        (level.forecast, level.alert),
        (None, None),
        "a new run knows nothing yet"
    );
    assert_eq!(level.answer_rate(), Ratio::new(1, 2), "and forgets no call");
}
