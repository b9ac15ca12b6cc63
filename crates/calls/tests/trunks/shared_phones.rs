//! Shared phones: an agent logs in at one with a PIN, and it is the seat's until it is given back.

use hotline_calls::{
    orders::{OrderRefused, SeatRequest},
    settings::{Ha1, Pin, SecondPhone, Settings, SharedPhone, Srtp},
};
use hotline_media::{Command, Report};
use hotline_model::{
    LegId, PhoneId, SeatId, Timestamp,
    event::Event,
    limits::{PIN_LOCK_S, PIN_TRIES},
    seat::{Device, Intent, Reason, Work},
    shift::{Day, Shift},
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::bench::{A, B, Bench, PHONE, STRANGER, at, s, sdp, seat, settings, trunk};

/// The shared phones, by the peer that plays each.
const DESKS: [(usize, &str); 2] = [(STRANGER, "desk-1"), (B, "desk-2")];

pub fn house(rule: SecondPhone) -> Settings {
    let mut all = settings(vec![trunk("incoming", A, 1)]);
    all.second_phone = rule;
    all.phones = DESKS
        .map(|(_, id)| SharedPhone {
            id: PhoneId::new(id).unwrap(),
            place: String::new(),
            ha1: Ha1::of(id, "hotline", "phones"),
            md5_only: false,
            srtp: Srtp::default(),
        })
        .into();
    for seat in &mut all.seats {
        seat.pin = Some(Pin::of(seat.floor.id, "246810"));
    }
    all
}

/// A house whose shared phones are registered.
pub fn open(rule: SecondPhone) -> Bench {
    let mut bench = Bench::with(house(rule));
    for (peer, id) in DESKS {
        bench.sign_in(peer, id, "phones");
    }
    bench
}

fn desk(peer: usize) -> &'static str {
    DESKS.iter().find(|(at, _)| *at == peer).unwrap().1
}

pub fn dials(bench: &mut Bench, peer: usize, number: &str) -> DialogId {
    bench.call(peer, desk(peer), number, Some("phones"), &[])
}

fn newest_leg(bench: &Bench) -> LegId {
    let mut media = bench.media.iter().rev();
    let opened = media.find_map(|command| match command {
        Command::Open { leg, .. } => Some(*leg),
        _ => None,
    });
    opened.unwrap()
}

pub fn presses(bench: &mut Bench, leg: LegId, keys: &str) {
    for digit in keys.chars() {
        let ms = 100;
        bench.reports(Report::Digit { leg, digit, ms });
    }
}

/// Somebody dials `*9` and the number there, and types a PIN.
pub fn logs_in(bench: &mut Bench, peer: usize, number: &str, pin: &str) {
    dials(bench, peer, &format!("*9{number}"));
    let leg = newest_leg(bench);
    presses(bench, leg, pin);
}

/// What the journal says of shared phones, and no more.
pub fn story(bench: &mut Bench) -> Vec<String> {
    let events = core::mem::take(&mut bench.events);
    let told = events.into_iter().filter_map(|event| match event {
        Event::SeatLentPhone { seat, phone } => Some(format!("{seat} at {phone}")),
        Event::SeatGavePhoneBack { seat, phone, why } => {
            Some(format!("{seat} gave {phone} back: {why}"))
        }
        Event::PhoneLogInRefused { phone, seat, why } => {
            let seat = seat.map_or("?".to_owned(), |seat| seat.to_string());
            Some(format!("{seat} not at {phone}: {why}"))
        }
        Event::PhoneLogInLocked { phone, seat, .. } => {
            let what = seat.map_or(phone.to_string(), |seat| seat.to_string());
            Some(format!("{what} locked"))
        }
        _ => None,
    });
    told.collect()
}

fn state(bench: &Bench, seat: &str) -> (Intent, Device) {
    let floor = &bench.exchange.switchboard().floor;
    let view = floor.seat(SeatId::new(seat).unwrap()).unwrap();
    (view.intent, view.device)
}

const OUT: Intent = Intent::NotReady(Reason::LoggedOut);

/// The phone that rings for a caller picks up.
pub fn answers(bench: &mut Bench, peer: usize) -> DialogId {
    let agent = bench.invited(peer).unwrap();
    bench.does(peer, |endpoint, now| {
        endpoint.answer(now, agent, sdp(peer, 5_000, "sendrecv"));
    });
    agent
}

pub fn hangs_up(bench: &mut Bench, peer: usize, dialog: DialogId) {
    bench.does(peer, |endpoint, now| endpoint.hang_up(now, dialog, None));
}

#[test]
fn a_phone_that_is_nobodys_does_nothing_but_log_in() {
    let mut bench = open(SecondPhone::default());
    for number in ["12345", "*1", "*4", "063512345678", "1002"] {
        dials(&mut bench, STRANGER, number);
        let told = bench.told(STRANGER);
        let connected = |event: &SipEvent| matches!(event, SipEvent::Answered { .. });
        assert!(told.iter().any(connected), "{number}: {told:?}");
        bench.pass(s(1));
        assert!(bench.is_clean(), "{number}");
    }
    let asked = |event: &Event| {
        matches!(
            event,
            Event::CallArrived { .. }
                | Event::CallDialled { .. }
                | Event::SeatRequested { .. }
                | Event::ConsultStarted { .. }
        )
    };
    assert_eq!(bench.count(asked), 0, "{:?}", bench.events);
    // Nor does anybody ring it.
    assert_eq!(state(&bench, "1001"), (OUT, Device::Unregistered));
}

#[test]
fn the_seat_is_at_the_phone_until_it_signs_out() {
    let mut bench = open(SecondPhone::default());
    logs_in(&mut bench, STRANGER, "1001", "24*246810");
    assert_eq!(story(&mut bench), ["1001 at desk-1"]);
    assert_eq!(state(&bench, "1001"), (OUT, Device::Registered));
    // Its codes are the seat's, and so are the calls.
    dials(&mut bench, STRANGER, "*1");
    assert_eq!(state(&bench, "1001").0, Intent::Ready);
    bench.pass(s(1));
    bench.told(STRANGER);
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    answers(&mut bench, STRANGER);
    assert_eq!(bench.work(), Work::Talking);
    assert!(bench.bridged().is_some());
    // Signed out in the talk: the phone stays until it is over.
    bench.order(seat(), SeatRequest::SignOut).unwrap();
    assert_eq!(story(&mut bench), [""; 0]);
    hangs_up(&mut bench, A, caller);
    assert_eq!(story(&mut bench), ["1001 gave desk-1 back: signed out"]);
    assert_eq!(state(&bench, "1001"), (OUT, Device::Unregistered));
    // By code.
    logs_in(&mut bench, STRANGER, "1001", "246810");
    bench.told(STRANGER);
    let dialled = dials(&mut bench, STRANGER, "063512345678");
    let is_the_seats =
        |event: &Event| matches!(event, Event::CallDialled { seat: by, .. } if *by == seat());
    assert_eq!(bench.count(is_the_seats), 1);
    hangs_up(&mut bench, STRANGER, dialled);
    dials(&mut bench, STRANGER, "*4");
    bench.pass(s(1));
    let told = story(&mut bench);
    assert_eq!(
        told,
        ["1001 at desk-1", "1001 gave desk-1 back: signed out"]
    );
    bench.pass(s(60));
    assert!(bench.is_clean());
}

#[test]
fn wrong_pins_lock_the_phone_and_the_seat_for_a_while() {
    let mut bench = open(SecondPhone::default());
    for _ in 0..PIN_TRIES {
        logs_in(&mut bench, STRANGER, "1001", "111111");
    }
    let mut expected = vec!["1001 not at desk-1: wrong PIN"; PIN_TRIES as usize - 1];
    expected.extend([
        "desk-1 locked",
        "1001 locked",
        "1001 not at desk-1: wrong PIN",
    ]);
    assert_eq!(story(&mut bench), expected);
    // The seat is locked at every phone, the phone for every seat; others are not.
    let locked = |desk: &str| format!("1001 not at {desk}: locked after too many wrong PINs");
    logs_in(&mut bench, STRANGER, "1001", "246810");
    logs_in(&mut bench, B, "1001", "246810");
    assert_eq!(story(&mut bench), [locked("desk-1"), locked("desk-2")]);
    logs_in(&mut bench, STRANGER, "1002", "246810");
    logs_in(&mut bench, B, "1002", "246810");
    let told = story(&mut bench);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1], "1002 at desk-2");
    // A number that is no seat's is asked like any, and counts at the phone.
    bench.pass(s(PIN_LOCK_S));
    logs_in(&mut bench, STRANGER, "999", "246810");
    assert_eq!(story(&mut bench), ["? not at desk-1: wrong PIN"]);
    logs_in(&mut bench, STRANGER, "1001", "246810");
    assert_eq!(story(&mut bench), ["1001 at desk-1"]);
    // No PIN stands anywhere.
    let all = format!("{:?}{:?}", bench.events, bench.media);
    assert!(!all.contains("246810") && !all.contains("111111"));
}

#[test]
fn one_phone_has_one_log_in_at_a_time() {
    let mut bench = open(SecondPhone::RingsToo);
    let first = dials(&mut bench, B, "*91001");
    bench.told(B);
    dials(&mut bench, B, "*91002");
    let busy = |event: &SipEvent| matches!(event, SipEvent::Refused { status: 486, .. });
    assert!(bench.told(B).iter().any(busy));
    assert_eq!(
        story(&mut bench),
        ["? not at desk-2: somebody logs in there already"]
    );
    // The next one is let in when the first is over.
    hangs_up(&mut bench, B, first);
    dials(&mut bench, B, "*91002");
    assert!(!bench.told(B).iter().any(busy));
}

#[test]
fn a_second_log_in_takes_over() {
    let mut bench = open(SecondPhone::TakesOver);
    bench.register();
    logs_in(&mut bench, STRANGER, "1001", "246810");
    assert_eq!(story(&mut bench), ["1001 at desk-1"]);
    // The seat's own phone rings no more, and the seat is as ready as it was.
    let board = bench.exchange.switchboard();
    assert_eq!(board.phones_of(seat()).len(), 1);
    assert_eq!(state(&bench, "1001"), (Intent::Ready, Device::Registered));
    logs_in(&mut bench, B, "1001", "246810");
    assert_eq!(
        story(&mut bench),
        [
            "1001 gave desk-1 back: taken over by another phone",
            "1001 at desk-2"
        ]
    );
    assert_eq!(state(&bench, "1001"), (Intent::Ready, Device::Registered));
    // Another agent at the same phone: whoever forgot to sign out is signed out.
    logs_in(&mut bench, B, "1002", "246810");
    assert_eq!(
        story(&mut bench),
        [
            "1001 gave desk-2 back: another agent logged in",
            "1002 at desk-2"
        ]
    );
    assert_eq!(state(&bench, "1001"), (OUT, Device::Unregistered));
    // Not in the middle of a call.
    bench
        .order(SeatId::new("1002").unwrap(), SeatRequest::Ready)
        .unwrap();
    bench.told(B);
    bench.call(A, "13800000001", "12345", None, &[]);
    answers(&mut bench, B);
    logs_in(&mut bench, B, "1001", "246810");
    logs_in(&mut bench, STRANGER, "1002", "246810");
    assert_eq!(
        story(&mut bench),
        [
            "1001 not at desk-2: a call is under way",
            "1002 not at desk-1: a call is under way"
        ]
    );
    // The own phone comes back, and takes its seat back.
    logs_in(&mut bench, STRANGER, "1001", "246810");
    bench.sign_in(PHONE, "1001", "secret");
    assert_eq!(
        story(&mut bench),
        [
            "1001 at desk-1",
            "1001 gave desk-1 back: taken over by another phone"
        ]
    );
}

#[test]
fn or_is_refused_by_rule() {
    let mut bench = open(SecondPhone::Refused);
    logs_in(&mut bench, STRANGER, "1001", "246810");
    logs_in(&mut bench, B, "1001", "246810");
    logs_in(&mut bench, STRANGER, "1002", "246810");
    assert_eq!(
        story(&mut bench),
        [
            "1001 at desk-1",
            "1001 not at desk-2: the seat has another phone",
            "1002 not at desk-1: another agent is logged in at the phone"
        ]
    );
    bench.sign_in(PHONE, "1001", "secret");
    let own = format!("<sip:1001@{}>", at(PHONE));
    let board = bench.exchange.switchboard();
    let rung = board.phones_of(seat());
    assert!(rung.len() == 1 && !own.contains(&rung[0].0), "{rung:?}");
    // The same agent there again changes nothing.
    logs_in(&mut bench, STRANGER, "1001", "246810");
    assert_eq!(story(&mut bench), [""; 0]);
}

#[test]
fn a_phone_that_goes_away_signs_its_seat_out() {
    let mut bench = open(SecondPhone::default());
    logs_in(&mut bench, STRANGER, "1001", "246810");
    bench.order(seat(), SeatRequest::Ready).unwrap();
    bench.peers[STRANGER].dead = true;
    bench.pass(s(600));
    assert_eq!(
        story(&mut bench),
        [
            "1001 at desk-1",
            "1001 gave desk-1 back: the phone is gone: not answering"
        ]
    );
    assert_eq!(state(&bench, "1001"), (OUT, Device::Unregistered));
}

#[test]
fn a_seat_without_a_pin_or_out_of_its_time_is_not_let_in() {
    let mut all = house(SecondPhone::default());
    all.seats[0].pin = None;
    all.seats[1].memberships = vec![hotline_calls::settings::Membership {
        contractor: String::new(),
        from: None,
        until: Some((2020, 1, 1, 0, 0, 0)),
    }];
    let mut bench = Bench::with(all);
    bench.sign_in(STRANGER, "desk-1", "phones");
    logs_in(&mut bench, STRANGER, "1001", "246810");
    logs_in(&mut bench, STRANGER, "1002", "246810");
    assert_eq!(
        story(&mut bench),
        [
            "1001 not at desk-1: wrong PIN",
            "1002 not at desk-1: the seat may take no calls at this time"
        ]
    );
    // Whoever hangs up, or presses nothing, leaves nothing behind.
    let dialog = dials(&mut bench, STRANGER, "*91003");
    hangs_up(&mut bench, STRANGER, dialog);
    dials(&mut bench, STRANGER, "*91003");
    bench.pass(s(60));
    assert!(bench.is_clean());
    assert_eq!(story(&mut bench), [""; 0]);
}

#[test]
fn a_code_does_not_end_what_a_supervisor_forced() {
    let mut bench = Bench::new(vec![trunk("incoming", A, 1)]);
    bench.register();
    let forced = Intent::NotReady(Reason::Forced);
    let force = SeatRequest::NotReady(Reason::Forced);
    bench.supervisor_orders(seat(), force).unwrap();
    let asked = |bench: &Bench| {
        let asked = bench.events.iter().rev().find_map(|event| match event {
            Event::SeatRequested { request, done, .. } => Some((request.clone(), *done)),
            _ => None,
        });
        asked.unwrap()
    };
    for (code, request) in [("*1", "ready"), ("*21", "not-ready meal")] {
        bench.dial(code);
        assert_eq!(asked(&bench), (request.to_owned(), false));
        bench.pass(s(1));
    }
    let meal = SeatRequest::NotReady(Reason::Meal);
    assert_eq!(bench.order(seat(), meal), Err(OrderRefused::Forced));
    assert_eq!(state(&bench, "1001").0, forced);
    bench.order(seat(), SeatRequest::SignOut).unwrap();
    let ready = bench.order(seat(), SeatRequest::Ready);
    assert_eq!(ready, Err(OrderRefused::Forced));
    bench.supervisor_orders(seat(), SeatRequest::Ready).unwrap();
    assert_eq!(state(&bench, "1001").0, Intent::Ready);
    bench
        .order(seat(), SeatRequest::NotReady(Reason::Meal))
        .unwrap();
}

#[test]
fn the_phone_goes_back_when_the_shift_is_over_and_the_talk_too() {
    let mut all = house(SecondPhone::default());
    all.shifts = vec![Shift {
        name: "早班".to_owned(),
        days: [true; 7],
        from_s: 8 * 3_600,
        to_s: 16 * 3_600,
        first: None,
        last: None,
        seats: [seat()].into(),
    }];
    let mut bench = Bench::with(all);
    for (peer, id) in DESKS {
        bench.sign_in(peer, id, "phones");
    }
    let midnight = Day::read("2026-11-22").unwrap().begins(480);
    let clock = |bench: &mut Bench, hour: i64| {
        bench.clock(Timestamp(midnight.0 + hour * 3_600_000));
    };
    // Whoever comes before the shift is not sent away before it.
    clock(&mut bench, 7);
    logs_in(&mut bench, STRANGER, "1001", "246810");
    logs_in(&mut bench, B, "1002", "246810");
    clock(&mut bench, 7);
    clock(&mut bench, 9);
    bench.order(seat(), SeatRequest::Ready).unwrap();
    bench.told(STRANGER);
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    answers(&mut bench, STRANGER);
    clock(&mut bench, 17);
    assert_eq!(story(&mut bench), ["1001 at desk-1", "1002 at desk-2"]);
    hangs_up(&mut bench, A, caller);
    // And nobody else's, who is in no shift.
    assert_eq!(
        story(&mut bench),
        ["1001 gave desk-1 back: the shift is over"]
    );
    assert_eq!(state(&bench, "1001").0, OUT);
    // Whoever stays longer by a new log-in stays.
    logs_in(&mut bench, STRANGER, "1001", "246810");
    clock(&mut bench, 18);
    assert_eq!(story(&mut bench), ["1001 at desk-1"]);
}
