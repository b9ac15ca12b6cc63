//! What a challenge offers, and what it does not tell.

use core::time::Duration;

use hotline_calls::{Input, Output, Path, settings::Aor};
use hotline_model::{
    SeatId,
    event::Event,
    limits::{REGISTRATION_MAX_S, STRANGER_BURST, WRONG_PROOFS},
};

use crate::bench::{A, Bench, STRANGER, at, exchange_for, s, settings, trunk};

/// The algorithms offered to whoever calls as `user`.
fn offered(bench: &mut Bench, user: &str) -> Vec<String> {
    // A stranger may not ask quickly.
    bench.pass(s(5));
    bench.peers[STRANGER].heard.clear();
    bench.call(STRANGER, user, "12345", None, &[]);
    let heard = bench.peers[STRANGER].heard.iter();
    let lines = heard.flat_map(|text| text.lines());
    lines
        .filter_map(|line| {
            let (_, rest) = line
                .strip_prefix("WWW-Authenticate")?
                .split_once("algorithm=")?;
            Some(rest.split(',').next()?.to_owned())
        })
        .collect()
}

#[test]
fn an_unknown_user_is_asked_like_some_seat() {
    let mut old = settings(vec![trunk("mobile", A, 1)]);
    old.seats[1].md5_only = true;
    let mut bench = Bench::with(old);
    assert_eq!(offered(&mut bench, "1001"), ["SHA-256", "MD5"]);
    assert_eq!(offered(&mut bench, "1002"), ["MD5"]);
    let mut single = 0;
    for n in 0..60 {
        let name = format!("20{n:02}");
        let first = offered(&mut bench, &name);
        assert_eq!(offered(&mut bench, &name), first, "{name}: always alike");
        assert!(first.len() == 2 || first == ["MD5"], "{first:?}");
        single += usize::from(first.len() == 1);
    }
    assert!(
        (15..=45).contains(&single),
        "half of them, as of the seats: {single}"
    );
}

#[test]
fn md5_is_neither_offered_nor_taken_where_it_is_forbidden() {
    let mut strict = settings(vec![trunk("mobile", A, 1)]);
    strict.md5 = false;
    // The configuration check refuses this; the engine would rather shut the phone out.
    strict.seats[1].md5_only = true;
    let mut bench = Bench::with(strict);
    for user in ["1001", "1002", "nobody"] {
        assert_eq!(offered(&mut bench, user), ["SHA-256"], "{user}");
    }
    bench.register();
    let seat = SeatId::new("1001").unwrap();
    let board = bench.exchange.switchboard();
    assert_eq!(
        board.registrar.contacts_to_ring(Aor::Seat(seat)).len(),
        1,
        "by SHA-256"
    );
}

/// Passwords are guessed by whatever is challenged; a REFER outside a dialog is.
#[test]
fn guessing_by_refer_is_banned_like_guessing_by_register() {
    for method in ["REGISTER", "REFER"] {
        let mut bench = Bench::with(settings(vec![trunk("mobile", A, 1)]));
        let bans = |bench: &Bench| bench.count(|e| matches!(e, Event::SourceBanned { .. }));
        let mut guesses = 0;
        while bans(&bench) == 0 && guesses < 2 * WRONG_PROOFS {
            // A stranger may not ask quickly.
            bench.pass(Duration::from_millis(500));
            bench.ask(STRANGER, method, "1001", "wrong");
            guesses += 1;
        }
        assert_eq!((bans(&bench), guesses), (1, WRONG_PROOFS), "{method}");
        bench.peers[STRANGER].heard.clear();
        bench.ask(STRANGER, "REGISTER", "1001", "secret");
        let heard = &bench.peers[STRANGER].heard;
        assert!(heard.is_empty(), "not even an answer: {heard:?}");
    }
}

/// Where a phone was signed in, more is served than of a stranger; until its binding ends, by
/// whatever way.
#[test]
fn an_address_is_no_office_any_more_when_its_last_binding_has_expired() {
    let served = |bench: &mut Bench| {
        let path = Path::udp(exchange_for(STRANGER), at(STRANGER));
        let asked = |n: u32| {
            let from = format!("<sip:1001@hotline>;tag={n}");
            format!(
                "OPTIONS sip:hotline SIP/2.0\r\nVia: SIP/2.0/UDP {0};branch=z9hG4bKo{n};rport\r\n\
                 From: {from}\r\nTo: <sip:hotline>\r\nCall-ID: options-{n}\r\nCSeq: 1 OPTIONS\r\n\
                 Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                at(STRANGER)
            )
        };
        (0..2 * STRANGER_BURST)
            .filter(|&n| {
                let bytes = asked(n);
                let bytes = bytes.as_bytes();
                bench
                    .exchange
                    .handle_input(bench.now, Input::Received { path, bytes });
                let outputs = core::iter::from_fn(|| bench.exchange.poll_output());
                let answered = |output: &Output| matches!(output, Output::Transmit { bytes, .. } if bytes.starts_with(b"SIP/2.0 200"));
                outputs.filter(answered).count() == 1
            })
            .count()
    };
    let all = 2 * STRANGER_BURST as usize;
    let mut bench = Bench::with(settings(vec![trunk("mobile", A, 1)]));
    bench.sign_in(STRANGER, "1001", "secret");
    assert_eq!(served(&mut bench), all, "a phone is signed in there");
    // It went without a word: its binding ends long before the sign-in would.
    bench.peers[STRANGER].dead = true;
    bench.pass(s(u64::from(REGISTRATION_MAX_S) / 2));
    let registrar = &bench.exchange.switchboard().registrar;
    assert!(
        registrar
            .contact(Aor::Seat(SeatId::new("1001").unwrap()))
            .is_none()
    );
    assert!(served(&mut bench) < all, "a stranger like others");
}
