//! A seat with two phones: which REGISTER takes the seat back from a shared phone, when the phone
//! goes back, and whether the seat is reached when its page is cut off.

use hotline_calls::{
    Input, Path, Transport,
    orders::{OrderRefused, SeatRequest},
    settings::{Aor, Credentials, SecondPhone},
};
use hotline_model::{SeatId, event::Event, guest::GuestMode, seat::Work};
use hotline_sip::endpoint::OutgoingRequest;

use crate::{
    bench::{A, Bench, EXCHANGE, PHONE, STRANGER, at, exchange_for, s, seat, trunk},
    shared_phones::{answers, dials, hangs_up, house, logs_in, open, story},
};

/// The softphone of seat 1001 registers: series, number in it, seconds, and what it says of itself.
fn registers(bench: &mut Bench, series: &str, cseq: u32, expires: u32, instance: &str) -> String {
    let address = "<sip:1001@hotline>".to_owned();
    let request = OutgoingRequest {
        path: Path::udp(at(PHONE), exchange_for(PHONE)),
        method: "REGISTER".to_owned(),
        target: "sip:hotline".to_owned(),
        from: address.clone(),
        to: address,
        call_id: Some(series.to_owned()),
        cseq: Some(cseq),
        headers: vec![
            (
                "Contact".to_owned(),
                format!("<sip:1001@{}>{instance}", at(PHONE)),
            ),
            ("Expires".to_owned(), expires.to_string()),
        ],
        body: Vec::new(),
        credentials: Some(Credentials {
            realm: None,
            user: "1001".to_owned(),
            password: "secret".to_owned(),
        }),
    };
    bench.does(PHONE, |endpoint, now| {
        endpoint.request(now, request);
    });
    let mut heard = bench.peers[PHONE].heard.iter().rev();
    let answer = heard.find(|text| text.starts_with("SIP/2.0")).unwrap();
    answer[8..11].to_owned()
}

fn own_bindings(bench: &Bench) -> usize {
    let registrar = &bench.exchange.switchboard().registrar;
    registrar.contacts(Aor::Seat(seat())).len()
}

#[test]
fn a_softphone_left_running_does_not_take_the_seat_back() {
    let mut bench = open(SecondPhone::TakesOver);
    registers(&mut bench, "series-1", 1, 3_600, "");
    logs_in(&mut bench, STRANGER, "1001", "246810");
    assert_eq!(story(&mut bench), ["1001 at desk-1"]);
    // It refreshes by itself, and is told that it is bound no more.
    assert_eq!(registers(&mut bench, "series-1", 10, 3_600, ""), "403");
    assert_eq!(story(&mut bench), [""; 0]);
    assert_eq!(own_bindings(&bench), 0);
    // So also at the next shared phone.
    logs_in(&mut bench, crate::bench::B, "1001", "246810");
    story(&mut bench);
    assert_eq!(registers(&mut bench, "series-1", 20, 3_600, ""), "403");
    // Whoever starts it anew means it.
    assert_eq!(registers(&mut bench, "series-2", 1, 3_600, ""), "200");
    let back = ["1001 gave desk-2 back: taken over by another phone"];
    assert_eq!(story(&mut bench), back);
    assert_eq!(own_bindings(&bench), 1);
    // And once no phone is lent, the first may come again.
    assert_eq!(registers(&mut bench, "series-1", 30, 3_600, ""), "200");
}

#[test]
fn the_same_softphone_in_a_new_series_goes_on_until_it_was_ended() {
    let instance = ";+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\";reg-id=1";
    let mut bench = open(SecondPhone::TakesOver);
    registers(&mut bench, "series-1", 1, 3_600, instance);
    logs_in(&mut bench, STRANGER, "1001", "246810");
    story(&mut bench);
    // After a lost network some begin a new series.
    let again = registers(&mut bench, "series-2", 1, 3_600, instance);
    assert_eq!(again, "403");
    assert_eq!(story(&mut bench), [""; 0]);
    // Closed, and opened again.
    assert_eq!(registers(&mut bench, "series-2", 10, 0, instance), "200");
    assert_eq!(story(&mut bench), [""; 0]);
    assert_eq!(registers(&mut bench, "series-3", 1, 3_600, instance), "200");
    assert_eq!(story(&mut bench).len(), 1);
}

#[test]
fn a_phone_does_not_go_back_in_the_middle_of_a_talk() {
    let mut bench = open(SecondPhone::TakesOver);
    logs_in(&mut bench, STRANGER, "1001", "246810");
    bench.order(seat(), SeatRequest::Ready).unwrap();
    bench.told(STRANGER);
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    answers(&mut bench, STRANGER);
    story(&mut bench);
    assert_eq!(registers(&mut bench, "series-1", 1, 3_600, ""), "200");
    assert_eq!(story(&mut bench), [""; 0]);
    hangs_up(&mut bench, A, caller);
    let back = ["1001 gave desk-1 back: taken over by another phone"];
    assert_eq!(story(&mut bench), back);
}

#[test]
fn nor_in_the_middle_of_an_own_call_begun_in_wrap_up() {
    let mut bench = open(SecondPhone::default());
    logs_in(&mut bench, STRANGER, "1001", "246810");
    bench.order(seat(), SeatRequest::Ready).unwrap();
    bench.told(STRANGER);
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    answers(&mut bench, STRANGER);
    hangs_up(&mut bench, A, caller);
    assert_eq!(bench.work(), Work::WrapUp);
    let own = dials(&mut bench, STRANGER, "063512340000");
    answers(&mut bench, A);
    bench.order(seat(), SeatRequest::SignOut).unwrap();
    assert_eq!(story(&mut bench), ["1001 at desk-1"]);
    hangs_up(&mut bench, STRANGER, own);
    assert_eq!(story(&mut bench), ["1001 gave desk-1 back: signed out"]);
}

/// Seconds after which a desk whose page is cut off is lost.
const LOST_AFTER: u64 = 10;

fn named(id: &str) -> SeatId {
    SeatId::new(id).unwrap()
}

fn wss(connection: u64) -> Path {
    let remote = "10.9.0.9:50000".parse().unwrap();
    Path::stream(
        Transport::Wss,
        EXCHANGE.parse().unwrap(),
        remote,
        connection,
    )
}

/// A browser of that seat's agent connects, registers, and its page begins to follow.
fn opens_browser(bench: &mut Bench, seat: SeatId, connection: u64) {
    let path = wss(connection);
    let now = bench.now;
    bench
        .exchange
        .handle_input(now, Input::SeatConnected { path, seat });
    let text = format!(
        "REGISTER sip:hotline SIP/2.0\r\n\
         Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKb{connection}\r\n\
         Max-Forwards: 69\r\nFrom: <sip:{seat}@hotline>;tag=b{connection}\r\n\
         To: <sip:{seat}@hotline>\r\nCall-ID: browser-{connection}\r\nCSeq: 1 REGISTER\r\n\
         Contact: <sip:x@df7jal23ls0d.invalid;transport=ws>\r\nExpires: 600\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let bytes = text.as_bytes();
    bench
        .exchange
        .handle_input(now, Input::Received { path, bytes });
    page(bench, seat, true);
}

/// A page of the seat's agent begins to follow, or ends.
fn page(bench: &mut Bench, seat: SeatId, opened: bool) {
    let now = bench.now;
    bench
        .exchange
        .handle_input(now, Input::DeskStreams { seat, opened });
    bench.settle();
}

fn is_lost(bench: &Bench, seat: SeatId) -> bool {
    let floor = &bench.exchange.switchboard().floor;
    floor.seat(seat).unwrap().desk_lost
}

/// A house with shared phones that loses desks.
fn with_pages() -> Bench {
    let mut all = house(SecondPhone::default());
    all.desk_lost_after = Some(s(LOST_AFTER));
    let mut bench = Bench::with(all);
    bench.sign_in(STRANGER, "desk-1", "phones");
    bench
}

#[test]
fn a_desk_cut_off_long_ago_is_lost_when_the_shared_phone_goes_back() {
    let mut bench = with_pages();
    opens_browser(&mut bench, seat(), 7);
    logs_in(&mut bench, STRANGER, "1001", "246810");
    page(&mut bench, seat(), false);
    bench.pass(s(LOST_AFTER + 5));
    assert!(!is_lost(&bench, seat()), "the phone on the table rings");
    bench.sign_in(STRANGER, "desk-1", "phones");
    logs_in(&mut bench, STRANGER, "1002", "246810");
    assert!(is_lost(&bench, seat()));
}

#[test]
fn or_when_a_phone_of_its_own_goes_that_was_not_the_latest_heard_of() {
    let mut bench = with_pages();
    registers(&mut bench, "series-1", 1, 3_600, "");
    bench.pass(s(1));
    opens_browser(&mut bench, seat(), 7);
    page(&mut bench, seat(), false);
    bench.pass(s(LOST_AFTER + 5));
    assert!(!is_lost(&bench, seat()), "the phone on the table rings");
    registers(&mut bench, "series-1", 10, 0, "");
    assert!(is_lost(&bench, seat()));
    // And it is back with a phone, though that is not the preferred one.
    registers(&mut bench, "series-1", 20, 3_600, ";q=0.1");
    assert!(!is_lost(&bench, seat()));
}

#[test]
fn each_desk_is_lost_in_its_own_time() {
    let mut bench = with_pages();
    for (connection, id) in [(7, "1001"), (8, "1002"), (9, "1003")] {
        opens_browser(&mut bench, named(id), connection);
    }
    let began = bench.now;
    for id in ["1002", "1001", "1003"] {
        page(&mut bench, named(id), false);
        bench.pass(s(2));
    }
    page(&mut bench, named("1001"), true);
    bench.pass(s(60));
    let lost = |event: &Event| match event {
        Event::SeatDeskLost { seat, after_ms } => Some((*seat, *after_ms)),
        _ => None,
    };
    let told: Vec<_> = bench.events.iter().filter_map(lost).collect();
    let after = LOST_AFTER * 1_000;
    assert_eq!(told, [(named("1002"), after), (named("1003"), after)]);
    let wake = bench.exchange.next_wake();
    assert!(
        wake.is_none_or(|at| at > began + s(60)),
        "none is due again"
    );
}

#[test]
fn nobody_is_given_on_to_a_desk_that_is_lost_nor_is_it_asked_in() {
    let mut all = house(SecondPhone::default());
    all.trunks = vec![trunk("incoming", A, 1)];
    all.desk_lost_after = Some(s(LOST_AFTER));
    let mut bench = Bench::with(all);
    let other = named("1002");
    opens_browser(&mut bench, other, 7);
    page(&mut bench, other, false);
    bench.pass(s(LOST_AFTER + 1));
    assert!(is_lost(&bench, other));
    bench.register();
    bench.call(A, "13800000001", "12345", None, &[]);
    answers(&mut bench, PHONE);
    bench.order_transfer("1002");
    assert_eq!(bench.done.pop(), Some(Err(OrderRefused::TargetBusy)));
    let asked_in = [
        hotline_calls::orders::TalkRequest::Consult(other),
        hotline_calls::orders::TalkRequest::Supervise(other, GuestMode::Monitor),
    ];
    for request in asked_in {
        let answer = bench.order(seat(), SeatRequest::Talk(request));
        assert_eq!(answer, Err(OrderRefused::TargetBusy));
    }
    bench.pass(s(1));
    bench.dial("1002");
    let answer = bench.peers[PHONE].heard.last().unwrap();
    assert!(answer.starts_with("SIP/2.0 486"), "{answer}");
}
