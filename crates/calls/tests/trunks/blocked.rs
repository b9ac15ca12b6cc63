//! Callers whom two people blocked: not served by trunk, until the day that was set, and the same
//! after a start from the events.

use hotline_calls::blacklist::{Blacklist, BlockDenied, BlockRequest, BlockedAnswer};
use hotline_model::{ScriptId, Timestamp, event::Event};
use hotline_sip::endpoint::Event as SipEvent;

use crate::bench::{A, Bench, s, trunk};

const CITIZEN: &str = "13800000001";
const DAY_MS: i64 = 86_400_000;
const WALL: i64 = 1_795_305_600_000;

fn bench(answer: BlockedAnswer) -> Bench {
    let mut bench = Bench::new(vec![trunk("mobile", A, 1)]);
    bench.exchange.block(Blacklist::new(answer));
    bench
}

fn asks(bench: &mut Bench, by: &str, request: BlockRequest) -> Result<u64, BlockDenied> {
    let asked = bench.exchange.ask_of_blocks(bench.now, by, request);
    bench.settle();
    asked
}

fn blocked_for(bench: &mut Bench, days: i64) -> u64 {
    let request = BlockRequest::Propose {
        number: CITIZEN.to_owned(),
        withheld: false,
        reason: "骚扰".to_owned(),
        until: Timestamp(WALL + days * DAY_MS),
    };
    let block = asks(bench, "1001", request).unwrap();
    asks(bench, "lead", BlockRequest::Approve(block)).unwrap();
    block
}

/// The citizen calls; the status of a refusal.
fn calls(bench: &mut Bench) -> Option<u16> {
    bench.told(A);
    bench.call(A, CITIZEN, "12345", None, &[]);
    let told = bench.told(A);
    told.iter().find_map(|event| match event {
        SipEvent::Refused { status, .. } => Some(*status),
        _ => None,
    })
}

fn count(bench: &Bench) -> (usize, usize) {
    let blocked = bench.count(|event| matches!(event, Event::CallerBlocked { .. }));
    let rejected = bench.count(|event| {
        matches!(event, Event::InviteRejected { status: 603, trunk: Some(_), cause, .. }
            if cause == "the caller is blocked")
    });
    (blocked, rejected)
}

#[test]
fn a_blocked_caller_is_rejected_until_the_day_that_was_set() {
    let mut bench = bench(BlockedAnswer::Reject);
    let request = BlockRequest::Propose {
        number: CITIZEN.to_owned(),
        withheld: false,
        reason: "骚扰".to_owned(),
        until: Timestamp(WALL + DAY_MS),
    };
    let block = asks(&mut bench, "lead", request).unwrap();
    assert_eq!(calls(&mut bench), None, "nobody approved it yet");
    let same = asks(&mut bench, "lead", BlockRequest::Approve(block));
    assert_eq!(same, Err(BlockDenied::SamePerson));
    asks(&mut bench, "other", BlockRequest::Approve(block)).unwrap();
    assert_eq!(calls(&mut bench), Some(603));
    assert_eq!(count(&bench), (1, 1));
    assert_eq!(bench.exchange.blocks().next().unwrap().turned_away, 1);
    bench.pass(s(86_399));
    assert_eq!(calls(&mut bench), Some(603));
    bench.pass(s(2));
    let expired = bench.count(|event| matches!(event, Event::BlockExpired { .. }));
    assert_eq!((expired, bench.exchange.blocks().count()), (1, 0));
    assert_eq!(calls(&mut bench), None);
    assert_eq!(count(&bench), (2, 2));
}

#[test]
fn a_script_may_answer_in_place_of_the_rejection() {
    let name = ScriptId::new("12345-direct").unwrap();
    let mut bench = bench(BlockedAnswer::Script(name));
    blocked_for(&mut bench, 1);
    assert_eq!(calls(&mut bench), None);
    let told = bench.count(|event| matches!(event, Event::CallerBlocked { call: Some(_), .. }));
    assert_eq!((told, count(&bench)), (1, (1, 0)));
    // A script that is not there any more serves nobody either.
    let mut gone = self::bench(BlockedAnswer::Script(ScriptId::new("gone").unwrap()));
    blocked_for(&mut gone, 1);
    assert_eq!(calls(&mut gone), Some(603));
}

#[test]
fn a_start_comes_to_the_same_list_from_the_events() {
    let mut before = bench(BlockedAnswer::Reject);
    let block = blocked_for(&mut before, 30);
    let mut list = Blacklist::new(BlockedAnswer::Reject);
    for event in &before.events {
        list.note(Timestamp(WALL), event);
    }
    let mut after = Bench::new(vec![trunk("mobile", A, 1)]);
    after.exchange.block(list);
    assert_eq!(calls(&mut after), Some(603));
    let lift = BlockRequest::Lift(block, "道歉".to_owned());
    asks(&mut after, "1001", lift).unwrap();
    assert_eq!(calls(&mut after), None);
}
