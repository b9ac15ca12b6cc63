//! Peers of both IP versions: the sound of each is at our address of its version.

use core::net::IpAddr;

use hotline_media::Command;
use hotline_model::{
    LegId,
    event::{Event, Outcome},
};
use hotline_sip::endpoint::Event as SipEvent;

use crate::bench::{A, Bench, PHONE, SIX, at, exchange_for, sdp, settings, trunk};

/// The exchange has an address of each version.
fn both() -> Bench {
    let mut settings = settings(vec![trunk("first", A, 1), trunk("second", SIX, 2)]);
    settings.more_media_addresses = vec![exchange_for(SIX).ip()];
    Bench::with(settings)
}

/// Our addresses of a leg's ports, in the order they were asked for.
fn opened(bench: &Bench, leg: LegId) -> Vec<IpAddr> {
    let commands = bench.media.iter();
    let opened = commands.filter_map(|command| match command {
        Command::Open { leg: of, address } if *of == leg => Some(*address),
        _ => None,
    });
    opened.collect()
}

fn answered(bench: &mut Bench, peer: usize) -> String {
    let told = bench.told(peer);
    let body = told.into_iter().find_map(|event| match event {
        SipEvent::Answered { body, .. } => Some(body),
        _ => None,
    });
    String::from_utf8(body.expect("an answer")).unwrap()
}

fn refused(bench: &mut Bench, peer: usize) -> Option<u16> {
    let told = bench.told(peer);
    told.iter().find_map(|event| match event {
        SipEvent::Refused { status, .. } => Some(*status),
        _ => None,
    })
}

#[test]
fn a_caller_of_one_version_talks_with_a_phone_of_the_other() {
    let mut bench = both();
    bench.register_at(SIX);
    bench.call(A, "13800000001", "12345", None, &[]);
    assert!(answered(&mut bench, A).contains("c=IN IP4 10.0.0.1\r\n"));
    assert!(bench.invite_heard(SIX).contains("c=IN IP6 2001:db8::1\r\n"));
    let agent = bench.invited(SIX).unwrap();
    bench.does(SIX, |endpoint, now| {
        endpoint.answer(now, agent, sdp(SIX, 5_000, "sendrecv"));
    });
    let (caller, agent) = bench.bridged().expect("both hear each other");
    assert_eq!(opened(&bench, caller), [exchange_for(A).ip()]);
    assert_eq!(opened(&bench, agent), [exchange_for(SIX).ip()]);
}

/// A phone may signal by one version and speak by the other.
#[test]
fn an_offer_of_the_other_version_is_answered_where_we_have_it() {
    let mut bench = both();
    let offer = sdp(SIX, 4_000, "sendrecv");
    bench.call_with(A, "13800000001", "12345", None, &[], &offer);
    assert!(answered(&mut bench, A).contains("c=IN IP6 2001:db8::1\r\n"));

    let mut bench = Bench::new(vec![trunk("first", A, 1)]);
    bench.call_with(A, "13800000001", "12345", None, &[], &offer);
    assert_eq!(refused(&mut bench, A), Some(488));
    let cause = "488 its sound is IPv6 alone and the engine has no such address";
    assert_eq!(
        bench.count(|event| matches!(event,
            Event::CallEnded { outcome: Outcome::Rejected, cause: why, .. } if why == cause)),
        1,
        "{:?}",
        bench.events
    );
    assert!(bench.is_clean());
}

/// A browser behind a proxy: the addresses of its connection are the proxy's.
#[test]
fn the_sound_of_a_browser_is_at_the_main_address() {
    let bench = both();
    let board = bench.exchange.switchboard();
    let (ours, proxy) = (exchange_for(SIX), "[2001:db8::9]:40000".parse().unwrap());
    let path = |transport| hotline_calls::Path::stream(transport, ours, proxy, 1);
    let at = |transport| board.sound_address(&path(transport), &[]);
    assert_eq!(at(hotline_calls::Transport::Wss), exchange_for(A).ip());
    assert_eq!(at(hotline_calls::Transport::Tls), ours.ip());
}

#[test]
fn a_call_goes_out_by_a_trunk_of_the_other_version_when_the_first_is_full() {
    let mut bench = both();
    let seat = bench.dial("06358261234");
    let first = bench.invited(A).unwrap();
    assert!(bench.invite_heard(A).contains("c=IN IP4 10.0.0.1\r\n"));
    bench.does(A, |endpoint, now| endpoint.reject(now, first, 503, &[]));
    assert!(bench.invite_heard(SIX).contains("c=IN IP6 2001:db8::1\r\n"));
    let second = bench.invited(SIX).unwrap();
    bench.does(SIX, |endpoint, now| {
        endpoint.answer(now, second, sdp(SIX, 6_000, "sendrecv"));
    });
    let (_, outside) = bench.bridged().expect("both hear each other");
    let addresses = [exchange_for(A).ip(), exchange_for(SIX).ip()];
    assert_eq!(opened(&bench, outside), addresses);
    bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, seat, None));
    assert!(bench.is_clean());
}

#[test]
fn a_seat_behind_a_nat_may_be_heard_from_elsewhere_and_a_trunk_may_not() {
    let behind = String::from_utf8(sdp(PHONE, 4_000, "sendrecv")).unwrap();
    let behind = behind.replace(&at(PHONE).ip().to_string(), "192.168.1.20");
    let kind = [("Content-Type", "application/sdp")];
    let learns = |bench: &Bench| -> Vec<bool> {
        let connected = bench.media.iter().filter_map(|command| match command {
            Command::Connect { agreed, .. } => Some(agreed.learns),
            _ => None,
        });
        connected.collect()
    };
    let honest = sdp(PHONE, 4_000, "sendrecv");
    for (offer, expected) in [(behind.as_bytes(), true), (&honest, false)] {
        let mut bench = Bench::new(vec![trunk("mobile", A, 1)]);
        bench.call_with(PHONE, "1001", "12345", Some("secret"), &kind, offer);
        assert_eq!(learns(&bench).last(), Some(&expected));
    }
    // A carrier's sound has servers of its own: they are what its session says.
    let mut bench = Bench::new(vec![trunk("mobile", A, 1)]);
    bench.call_with(A, "13800001234", "12345", None, &kind, behind.as_bytes());
    assert_eq!(learns(&bench).last(), Some(&false));
}
