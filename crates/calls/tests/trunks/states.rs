//! Whether a trunk is up: OPTIONS, Retry-After, registrations.

use core::time::Duration;

use hotline_calls::settings::{Credentials, Register, Trunk};
use hotline_model::event::{Event, TrunkState};

use crate::bench::{A, Bench, s, trunk};

fn asked() -> Trunk {
    let mut trunk = trunk("mobile", A, 1);
    trunk.outbound.options_every = Some(s(30));
    trunk
}

fn turns(bench: &Bench) -> Vec<(String, TrunkState, String)> {
    let turns = bench.events.iter().filter_map(|event| match event {
        Event::TrunkStateChanged {
            target,
            state,
            detail,
            ..
        } => Some((target.clone(), *state, detail.clone())),
        _ => None,
    });
    turns.collect()
}

fn last(bench: &Bench) -> (TrunkState, String) {
    let (_, state, detail) = turns(bench).pop().unwrap();
    (state, detail)
}

fn heard(bench: &Bench, method: &str) -> usize {
    let heard = bench.peers[A].heard.iter();
    heard.filter(|text| text.starts_with(method)).count()
}

#[test]
fn a_target_is_asked_and_its_silence_takes_it_down() {
    let mut bench = Bench::new(vec![asked()]);
    bench.pass(s(2));
    let options = bench.peers[A].heard[0].clone();
    assert!(
        options.starts_with("OPTIONS sip:10.0.1.2:5060 "),
        "{options}"
    );
    assert_eq!(Bench::header(&options, "Max-Forwards").unwrap(), "70");
    assert_eq!(last(&bench), (TrunkState::Up, "answers".to_owned()));
    bench.pass(s(300));
    assert_eq!(turns(&bench).len(), 1, "said once");
    assert!((10..=12).contains(&heard(&bench, "OPTIONS")));
    bench.peers[A].dead = true;
    bench.pass(s(45));
    assert_eq!(last(&bench), (TrunkState::Down, "no answer".to_owned()));
    bench.peers[A].dead = false;
    bench.pass(s(31));
    assert_eq!(last(&bench).0, TrunkState::Up);
    assert_eq!(turns(&bench).len(), 3);
}

#[test]
fn any_answer_shows_that_a_target_lives_but_503_rests_it() {
    let mut bench = Bench::new(vec![asked()]);
    bench.peers[A].answers = (405, Vec::new());
    bench.pass(s(2));
    assert_eq!(last(&bench).0, TrunkState::Up);
    bench.peers[A].answers = (503, vec![("Retry-After", "90".to_owned())]);
    bench.pass(s(31));
    assert_eq!(
        last(&bench),
        (TrunkState::Down, "503, rests 90 s".to_owned())
    );
    bench.dial("06358261234");
    assert!(bench.invited(A).is_none(), "it is left alone");
    bench.peers[A].answers = (200, Vec::new());
    bench.pass(s(100));
    assert_eq!(last(&bench).0, TrunkState::Up);
    assert!(
        turns(&bench)
            .iter()
            .any(|(_, state, _)| *state == TrunkState::Unknown)
    );
}

fn registering(realm: &str) -> Trunk {
    let mut trunk = trunk("mobile", A, 1);
    trunk.outbound.register = Some(Register {
        target: trunk.outbound.targets[0],
        user: "063512345".to_owned(),
        domain: "ims.example".to_owned(),
        every: s(600),
    });
    trunk.outbound.login = Some(Credentials {
        realm: Some(realm.to_owned()),
        user: "063512345".to_owned(),
        password: "s3cret".to_owned(),
    });
    trunk
}

#[test]
fn a_registration_is_refreshed_at_half_of_what_was_granted() {
    let mut bench = Bench::new(vec![registering("ims")]);
    bench.peers[A].answers = (200, vec![("Expires", "100".to_owned())]);
    bench.pass(s(1));
    let register = bench.peers[A].heard[0].clone();
    assert!(
        register.starts_with("REGISTER sip:ims.example "),
        "{register}"
    );
    assert_eq!(Bench::header(&register, "Expires").unwrap(), "600");
    let contact = Bench::header(&register, "Contact").unwrap();
    assert_eq!(contact, "<sip:063512345@10.0.0.1:5060>");
    assert_eq!(last(&bench), (TrunkState::Up, "for 100 s".to_owned()));
    bench.pass(s(48));
    assert_eq!(heard(&bench, "REGISTER"), 1);
    bench.pass(s(2));
    assert_eq!(heard(&bench, "REGISTER"), 2);
    let again = bench.peers[A].heard[1].clone();
    let id = |text: &str| Bench::header(text, "Call-ID").unwrap();
    assert_eq!(id(&register), id(&again), "one Call-ID (RFC 3261 §10.2)");
}

#[test]
fn a_refused_registration_is_tried_again_with_longer_and_longer_waits() {
    let mut bench = Bench::new(vec![registering("ims")]);
    bench.peers[A].answers = (403, Vec::new());
    let mut at = Vec::new();
    for half in 0..2_400 {
        let before = heard(&bench, "REGISTER");
        bench.pass(Duration::from_millis(500));
        if heard(&bench, "REGISTER") > before {
            at.push(half / 2);
        }
    }
    assert_eq!(last(&bench), (TrunkState::Down, "refused, 403".to_owned()));
    assert_eq!(turns(&bench)[0].0, "register UDP 10.0.1.2:5060");
    let waits: Vec<_> = at.windows(2).map(|two| two[1] - two[0]).collect();
    for (wait, usual) in waits.iter().zip([5, 10, 20, 40, 80, 160, 300, 300]) {
        let fifth = usual / 5 + 1;
        assert!((usual - fifth..=usual + fifth).contains(wait), "{waits:?}");
    }
    bench.peers[A].answers = (200, Vec::new());
    bench.pass(s(370));
    assert_eq!(last(&bench).0, TrunkState::Up);
}

#[test]
fn a_challenge_is_answered_in_the_configured_realm_alone() {
    let challenge = |realm: &str| {
        let value = format!("Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"");
        (401, vec![("WWW-Authenticate", value)])
    };
    let proofs = |bench: &Bench| {
        let heard = bench.peers[A].heard.iter();
        heard
            .filter(|text| text.contains("\r\nAuthorization:"))
            .count()
    };
    let mut bench = Bench::new(vec![registering("ims")]);
    bench.peers[A].answers = challenge("ims");
    bench.pass(s(1));
    assert_eq!(proofs(&bench), 1);
    let mut bench = Bench::new(vec![registering("ims")]);
    bench.peers[A].answers = challenge("somebody.else");
    bench.pass(s(60));
    assert!(heard(&bench, "REGISTER") > 2);
    assert_eq!(proofs(&bench), 0, "no digest leaks");
    assert_eq!(last(&bench), (TrunkState::Down, "refused, 401".to_owned()));
}
