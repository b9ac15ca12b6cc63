//! A seat dials outside: early media and reliable provisional answers on both sides of the engine,
//! and a CANCEL at every moment.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::json;

use crate::{
    ear::Ear,
    engine::{Engine, free_port},
    guests, journal,
    line::{Heard, Line},
    party::{Party, SOON, session, sound_at},
    trunks::{NUMBER, with_trunks},
};

/// The seat's tone and the carrier's, Hz.
const TONES: (f64, f64) = (600.0, 1_100.0);

/// So long nothing may come.
const SILENCE: Duration = Duration::from_millis(700);

/// Where the seat's phone stands.
const DESK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);

/// A call that has reached the carrier, which has said nothing yet.
struct Dialled {
    engine: Engine,
    seat: Party,
    /// Of the seat's INVITE.
    branch: String,
    desk: Ear,
    carrier: Party,
    /// What the carrier heard.
    invite: Heard,
    far: Ear,
}

/// Seat 0012 dials by an INVITE with these headers.
fn dials(headers: &str) -> Dialled {
    let port = free_port();
    let engine = with_trunks(port, free_port());
    let carrier = Line::bound(SocketAddr::from(([127, 0, 0, 1], port)), &engine);
    let line = Line::from(&DESK.to_string(), &engine);
    let password = engine.password("0012");
    assert_eq!(line.register("0012", &password).status(), 200);
    let desk = Ear::at(DESK.into(), TONES.0);
    let own = session(&line, desk.port);
    let login = ("0012", password.as_str());
    let (seat, branch) = Party::dials_as(line, login, NUMBER, headers, &own);
    let (carrier, invite) = Party::called(carrier, SOON);
    Dialled {
        engine,
        seat,
        branch,
        desk,
        carrier,
        invite,
        far: Ear::at(Ipv4Addr::LOCALHOST.into(), TONES.1),
    }
}

impl Dialled {
    fn carrier_says(&self, status: &str, headers: &str) {
        let contact = format!("Contact: <sip:carrier@{{local}}>\n{headers}");
        self.carrier.answers(&self.invite, status, &contact, "");
    }

    fn carrier_says_with_sound(&self, status: &str, headers: &str) {
        let contact = format!("Contact: <sip:carrier@{{local}}>\n{headers}");
        let own = session(&self.carrier.line, self.far.port);
        self.carrier.answers(&self.invite, status, &contact, &own);
        self.far.speaks_to(sound_at(&self.invite));
    }

    /// Both hear each other, and the seat hangs up.
    fn talks_and_ends(mut self, answer: &Heard) {
        self.seat.acknowledges(answer, "");
        assert!(self.desk.hears(TONES.1), "the seat hears the outside");
        assert!(self.far.hears(TONES.0), "the outside hears the seat");
        self.seat.hangs_up();
        let bye = self.carrier.hears("BYE", SOON);
        self.carrier.answers(&bye, "200 OK", "", "");
        self.ended("answered");
    }

    fn ended(&self, outcome: &str) {
        let ended = journal::until(&self.engine, "the end", |r| r["type"] == "dial-ended");
        assert_eq!(ended["outcome"], outcome, "{ended}");
    }
}

#[test]
fn a_seat_hears_what_the_trunk_plays_before_the_answer() {
    let mut call = dials("");
    call.carrier_says("180 Ringing", "");
    let ringing = call.seat.hears("180 INVITE", SOON);
    assert_eq!(ringing.header("RSeq"), None, "nobody asked for it");
    call.carrier_says_with_sound("183 Session Progress", "");
    let early = call.seat.hears("183 INVITE", SOON);
    call.desk.speaks_to(sound_at(&early));
    assert!(call.desk.hears(TONES.1), "the announcement is not heard");
    call.carrier_says_with_sound("200 OK", "");
    call.carrier.hears("ACK", SOON);
    let answer = call.seat.hears("200 INVITE", SOON);
    assert_eq!(sound_at(&answer), sound_at(&early));
    call.talks_and_ends(&answer);
}

/// A trunk that has its provisional answers acknowledged (RFC 3262 §4), and whose 200 carries no
/// session, since the 183 had it (§5).
#[test]
fn a_trunk_s_reliable_183_is_acknowledged_and_its_session_holds() {
    let mut call = dials("");
    call.carrier_says_with_sound("183 Session Progress", "Require: 100rel\nRSeq: 7\n");
    let prack = call.carrier.hears("PRACK", SOON);
    let invite = call.invite.header("CSeq").unwrap();
    assert_eq!(
        prack.header("RAck"),
        Some(format!("7 {invite}").as_str()),
        "{}",
        prack.0
    );
    call.carrier.answers(&prack, "200 OK", "", "");
    let early = call.seat.hears("183 INVITE", SOON);
    call.desk.speaks_to(sound_at(&early));
    assert!(call.desk.hears(TONES.1), "the announcement is not heard");
    call.carrier_says("200 OK", "");
    call.carrier.hears("ACK", SOON);
    let answer = call.seat.hears("200 INVITE", SOON);
    call.talks_and_ends(&answer);
}

/// The PRACK of a reliable response.
fn acknowledged(seat: &mut Party, response: &Heard, invite: u32) {
    assert_eq!(response.header("Require"), Some("100rel"), "{}", response.0);
    let rseq = response.header("RSeq").expect("RSeq");
    seat.learns(response);
    seat.asks("PRACK", &format!("RAck: {rseq} {invite} INVITE\n"), "");
    seat.hears("200 PRACK", SOON);
}

/// Who supports 100rel gets what matters reliably: the early session, again and again until its
/// PRACK, and no 200 may overtake it (RFC 3262 §3). A bare 180 may get lost.
#[test]
fn an_early_session_is_reliable_to_who_supports_it() {
    let mut call = dials("Supported: 100rel\n");
    call.carrier_says("180 Ringing", "");
    let ringing = call.seat.hears("180 INVITE", SOON);
    assert_eq!(ringing.header("RSeq"), None, "{}", ringing.0);
    call.carrier_says_with_sound("183 Session Progress", "");
    let early = call.seat.hears("183 INVITE", SOON);
    let again = call.seat.hears("183 INVITE", SOON);
    assert_eq!(early.0, again.0, "the same again");
    call.carrier_says_with_sound("200 OK", "");
    call.carrier.hears("ACK", SOON);
    let overtaken = call.seat.hears_within("200 INVITE", SILENCE);
    assert!(overtaken.is_none(), "the 200 came before the PRACK");
    call.desk.speaks_to(sound_at(&early));
    acknowledged(&mut call.seat, &early, 2);
    let answer = call.seat.hears("200 INVITE", SOON);
    call.talks_and_ends(&answer);
}

/// Who requires 100rel gets everything reliably, one after the other (RFC 3262 §3).
#[test]
fn every_provisional_answer_is_reliable_to_who_requires_it() {
    let mut call = dials("Require: 100rel\n");
    call.carrier_says("180 Ringing", "");
    let ringing = call.seat.hears("180 INVITE", SOON);
    call.carrier_says_with_sound("183 Session Progress", "");
    let overtaken = call.seat.hears_within("183 INVITE", SILENCE);
    assert!(overtaken.is_none(), "the 180 has no PRACK yet");
    acknowledged(&mut call.seat, &ringing, 2);
    let early = call.seat.hears("183 INVITE", SOON);
    let number = |heard: &Heard| heard.header("RSeq").and_then(|n| n.parse::<u32>().ok());
    assert_eq!(number(&early), number(&ringing).map(|n| n + 1));
    call.desk.speaks_to(sound_at(&early));
    acknowledged(&mut call.seat, &early, 2);
    call.carrier_says_with_sound("200 OK", "");
    call.carrier.hears("ACK", SOON);
    let answer = call.seat.hears("200 INVITE", SOON);
    call.talks_and_ends(&answer);
}

/// The seat cancels, and is told so; the carrier hears a CANCEL as soon as it may (RFC 3261 §9.1:
/// not before its first answer).
#[test]
fn a_cancel_before_the_trunk_said_anything_waits_for_its_first_answer() {
    let mut call = dials("");
    call.gives_up();
    let early = call.carrier.hears_within("CANCEL", SILENCE);
    assert!(early.is_none(), "before any answer");
    call.carrier_says("180 Ringing", "");
    call.is_cancelled_at_the_carrier();
    call.ended("abandoned");
}

#[test]
fn a_cancel_after_180_stops_the_ringing_outside() {
    let mut call = dials("");
    call.carrier_says("100 Trying", "");
    call.carrier_says("180 Ringing", "");
    call.seat.hears("180 INVITE", SOON);
    call.gives_up();
    call.is_cancelled_at_the_carrier();
    call.ended("abandoned");
}

#[test]
fn a_cancel_that_crosses_the_trunk_s_200_ends_the_call_it_made() {
    let mut call = dials("");
    call.carrier_says("180 Ringing", "");
    call.seat.hears("180 INVITE", SOON);
    call.gives_up();
    let cancel = call.carrier.hears("CANCEL", SOON);
    call.carrier_says_with_sound("200 OK", "");
    call.carrier.answers(&cancel, "200 OK", "", "");
    call.carrier.hears("ACK", SOON);
    let bye = call.carrier.hears("BYE", SOON);
    call.carrier.answers(&bye, "200 OK", "", "");
    call.ended("abandoned");
}

#[test]
fn a_seat_s_cancel_that_crosses_our_200_changes_nothing() {
    let mut call = dials("");
    call.carrier_says_with_sound("200 OK", "");
    call.carrier.hears("ACK", SOON);
    let answer = call.seat.hears("200 INVITE", SOON);
    call.seat.cancels(&call.branch);
    call.seat.hears("200 CANCEL", SOON);
    call.desk.speaks_to(sound_at(&answer));
    call.talks_and_ends(&answer);
}

impl Dialled {
    /// The seat's CANCEL is answered, and its INVITE is over.
    fn gives_up(&mut self) {
        self.seat.cancels(&self.branch);
        self.seat.hears("200 CANCEL", SOON);
        let over = self.seat.hears("487 INVITE", SOON);
        self.seat.acknowledges(&over, &self.branch);
    }

    fn is_cancelled_at_the_carrier(&mut self) {
        let cancel = self.carrier.hears("CANCEL", SOON);
        assert_eq!(cancel.header("Via"), self.invite.header("Via"), "§9.1");
        assert!(cancel.header("Reason").is_some(), "{}", cancel.0);
        self.carrier.answers(&cancel, "200 OK", "", "");
        self.carrier_says("487 Request Terminated", "");
        self.carrier.hears("ACK", SOON);
    }
}

/// A supervisor at a seat's own call, each party with a tone of its own: listens, whispers, talks
/// with both, and takes it over.
#[test]
fn a_seat_s_own_call_is_supervised() {
    const GUEST: f64 = 1_500.0;
    let all = [TONES.0, TONES.1, GUEST];
    let mut call = dials("");
    call.carrier_says_with_sound("200 OK", "");
    call.carrier.hears("ACK", SOON);
    let answer = call.seat.hears("200 INVITE", SOON);
    call.seat.acknowledges(&answer, "");
    call.desk.speaks_to(sound_at(&answer));
    assert!(call.desk.hears(TONES.1) && call.far.hears(TONES.0));
    let line = guests::registered(&call.engine, "1002", "127.0.0.67");
    let supervise = |mode: &str| {
        let body = json!({ "mode": mode, "by": "1002" });
        let (status, answer) = call.engine.post("/api/v1/seats/0012/supervise", &body);
        assert_eq!(status, 204, "{mode}: {answer}");
    };
    supervise("monitor");
    let (mut guest, _) = guests::answers(line, GUEST);
    assert!(guest.ear.hears_just(&[TONES.0, TONES.1], &all), "the guest");
    assert!(
        call.desk.hears_just(&[TONES.1], &all),
        "the seat, listened to"
    );
    assert!(
        call.far.hears_just(&[TONES.0], &all),
        "outside, listened to"
    );
    supervise("whisper");
    assert!(
        call.desk.hears_just(&[TONES.1, GUEST], &all),
        "the seat, whispered to"
    );
    assert!(
        call.far.hears_just(&[TONES.0], &all),
        "outside, beside a whisper"
    );
    supervise("barge");
    assert!(
        call.far.hears_just(&[TONES.0, GUEST], &all),
        "outside, of three"
    );
    supervise("take-over");
    let bye = call.seat.hears("BYE", SOON);
    call.seat.answers(&bye, "200 OK", "", "");
    assert!(call.far.hears_just(&[GUEST], &all), "outside, taken over");
    assert!(guest.ear.hears_just(&[TONES.1], &all), "who took it over");
    guest.phone.hangs_up();
    let bye = call.carrier.hears("BYE", SOON);
    call.carrier.answers(&bye, "200 OK", "", "");
    call.ended("answered");
}
