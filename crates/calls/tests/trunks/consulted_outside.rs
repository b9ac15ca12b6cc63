//! A number outside in a talk: consulted, brought together with the caller, given the caller, and
//! each way in which it comes to nothing.

use std::sync::Arc;

use hotline_calls::{
    orders::{OrderRefused, TalkRequest},
    settings::{Emergency, Settings, compile_alone},
};
use hotline_media::Report;
use hotline_model::{
    CallId, ScriptId,
    event::{Event, Outcome, Party, ReleasedBy, TransferKind},
    guest::{GuestMode, GuestName},
    seat::Work,
};
use hotline_sip::endpoint::{DialogId, Event as SipEvent};

use crate::{
    bench::{A, B, Bench, PHONE, STRANGER, s, sdp, seat, settings, trunk},
    guests::{Talk, named},
    moving::hung_up,
};

const NUMBER: &str = "06358261234";

/// Callers come by A; calls go out by B, and by another carrier where B fails.
fn outside() -> Settings {
    let mut incoming = trunk("incoming", A, 1);
    incoming.outbound.targets.clear();
    let others = [trunk("outgoing", B, 1), trunk("backup", STRANGER, 2)];
    settings([incoming].into_iter().chain(others).collect())
}

fn talking_in(settings: Settings) -> Talk {
    let mut bench = Bench::with(settings);
    bench.register();
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    let agent = bench.invited(PHONE).unwrap();
    bench.does(PHONE, |endpoint, now| {
        endpoint.answer(now, agent, sdp(PHONE, 5_000, "sendrecv"));
    });
    bench.told(PHONE);
    let (c, a) = bench.bridged().unwrap();
    Talk {
        bench,
        caller,
        agent,
        legs: vec![('C', c), ('A', a)],
    }
}

fn talking() -> Talk {
    talking_in(outside())
}

fn asks(talk: &mut Talk, to: &str) -> Result<(), OrderRefused> {
    talk.ask(TalkRequest::ConsultByName(to.to_owned()))
}

/// The number has answered: G.
fn consulting() -> (Talk, DialogId) {
    let mut talk = talking();
    assert_eq!(asks(&mut talk, NUMBER), Ok(()));
    let dialog = talk.answers(B, 'G');
    (talk, dialog)
}

fn merged() -> (Talk, DialogId) {
    let (mut talk, dialog) = consulting();
    assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
    assert_eq!(talk.hears(), "CA CG AC AG GC GA");
    (talk, dialog)
}

fn given_on(talk: &Talk) -> usize {
    talk.bench.count(|e| {
        let attended = TransferKind::Attended;
        matches!(e, Event::TalkTransferred { from, to, kind, .. }
            if *from == seat() && to == "outside:06358261234" && *kind == attended)
    })
}

fn call_ended(talk: &Talk, by: ReleasedBy) -> usize {
    talk.bench.count(|e| {
        matches!(e, Event::CallEnded { outcome: Outcome::Answered, released_by, .. }
            if *released_by == by)
    })
}

#[test]
fn the_caller_hears_music_while_the_agent_consults_a_number_outside() {
    for to in [NUMBER, "outside:06358261234", "0635-826-1234"] {
        let mut talk = talking();
        assert_eq!(asks(&mut talk, to), Ok(()), "{to}");
        assert_eq!(
            (talk.hears().as_str(), talk.bench.work()),
            ("C*", Work::Hold)
        );
        assert_eq!(asks(&mut talk, NUMBER), Err(OrderRefused::AlreadySo));
        assert_eq!(talk.ask(TalkRequest::Merge), Err(OrderRefused::NoGuest));
        assert_eq!(talk.ask(TalkRequest::Complete), Err(OrderRefused::NoGuest));
        // The carrier learns the hotline's number, and nothing of the agent or the caller.
        let invite = talk.bench.invite_heard(B);
        assert!(invite.starts_with("INVITE sip:06358261234@"), "{invite}");
        let from = Bench::header(invite, "From").unwrap();
        assert!(from.contains("063512345"), "{from}");
        assert!(!invite.contains("1001") && !invite.contains("13800000001"));
        assert_eq!(Bench::header(invite, "Max-Forwards").unwrap(), "69");
        let guest = talk.answers(B, 'G');
        assert_eq!(talk.hears(), "C* AG GA");
        assert_eq!(talk.also_recorded(), "G");
        let events = |which: fn(&Event) -> bool| talk.bench.count(which);
        let name = GuestName::Outside(NUMBER.to_owned());
        let joined = |e: &Event| matches!(e, Event::GuestJoined { guest, mode: GuestMode::Consult, .. } if *guest == name);
        assert_eq!(talk.bench.count(joined), 1);
        assert_eq!(
            (
                events(|e| matches!(
                    e,
                    Event::TrunkTried {
                        for_guest: true,
                        ..
                    }
                )),
                events(|e| matches!(
                    e,
                    Event::OutsideAnswered {
                        for_guest: true,
                        ..
                    }
                )),
            ),
            (1, 1)
        );
        assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
        assert_eq!(talk.hears(), "CA CG AC AG GC GA");
        assert_eq!(talk.bench.work(), Work::Talking);
        assert_eq!(talk.ask(TalkRequest::Cancel), Ok(()));
        let told = talk.bench.told(B);
        let ended = |e: &SipEvent| matches!(e, SipEvent::Ended { dialog, .. } if *dialog == guest);
        assert!(told.iter().any(ended), "{told:?}");
        assert_eq!(talk.hears(), "CA AC");
        talk.ends_clean();
    }
}

/// The journal holds who was asked for, but nobody's number in clear in what was asked.
#[test]
fn the_number_asked_for_is_masked() {
    let (talk, _) = consulting();
    let asked = |e: &Event| {
        matches!(e, Event::SeatRequested { request, done: true, .. }
            if request == "consult outside:063****1234")
    };
    assert_eq!(talk.bench.count(asked), 1);
    talk.ends_clean();
}

#[test]
fn whoever_was_consulted_outside_goes_on_with_the_caller() {
    for brought_together in [false, true] {
        for leaves in [A, B] {
            let (mut talk, outside) = if brought_together {
                merged()
            } else {
                consulting()
            };
            assert_eq!(talk.ask(TalkRequest::Complete), Ok(()));
            assert!(hung_up(&mut talk.bench, PHONE), "the agent");
            assert_eq!(talk.hears(), "CG GC");
            assert_eq!(talk.bench.work(), Work::WrapUp);
            assert_eq!(given_on(&talk), 1);
            assert_eq!(
                talk.left(GuestMode::Barge, "took the caller over"),
                usize::from(brought_together)
            );
            // The next caller is not kept waiting by it, and the seat is in no talk.
            assert_eq!(talk.ask(TalkRequest::Cancel), Err(OrderRefused::NotTalking));
            talk.bench.pass(s(30));
            let (caller, by) = (talk.caller, leaves);
            talk.hangs_up(by, if leaves == A { caller } else { outside });
            assert!(hung_up(&mut talk.bench, if leaves == A { B } else { A }));
            let by = if leaves == A {
                ReleasedBy::Caller
            } else {
                ReleasedBy::Agent
            };
            assert_eq!(call_ended(&talk, by), 1);
            talk.bench.pass(s(60));
            assert!(talk.bench.is_clean());
        }
    }
}

/// Keys of whoever is outside are no score, and no answer of the caller's.
#[test]
fn the_caller_alone_gives_the_score_afterwards() {
    let survey = ScriptId::new("survey").unwrap();
    let mut all = outside();
    let script = compile_alone(include_str!("../../../../ivr-scripts/survey.toml")).unwrap();
    all.scripts.insert(survey, Arc::new(script));
    all.survey = Some(survey);
    let mut talk = talking_in(all);
    assert_eq!(asks(&mut talk, NUMBER), Ok(()));
    let outside = talk.answers(B, 'G');
    let (c, g) = (talk.legs[0].1, talk.legs[2].1);
    let presses = |talk: &mut Talk, leg| {
        talk.bench.reports(Report::Digit {
            leg,
            digit: '1',
            ms: 100,
        });
        talk.bench
            .count(|e| matches!(e, Event::SurveyAnswered { .. }))
    };
    assert_eq!(presses(&mut talk, g), 0);
    assert_eq!(talk.ask(TalkRequest::Complete), Ok(()));
    assert_eq!(presses(&mut talk, g), 0);
    talk.hangs_up(B, outside);
    let offered = |e: &Event| matches!(e, Event::SurveyOffered { seat: of, .. } if *of == seat());
    assert_eq!(talk.bench.count(offered), 1);
    assert_eq!(presses(&mut talk, g), 0);
    assert_eq!(presses(&mut talk, c), 1);
    let caller = talk.caller;
    talk.hangs_up(A, caller);
    talk.bench.pass(s(60));
    assert!(talk.bench.is_clean());
}

#[test]
fn a_seat_consults_no_number_that_it_may_not_dial() {
    let mut talk = talking();
    for (to, why) in [
        ("053188888888", OrderRefused::NotAllowed),
        ("outside:00881612345678", OrderRefused::NotAllowed),
        ("110", OrderRefused::NotAllowed),
        ("12", OrderRefused::TargetUnknown),
        ("outside:1002", OrderRefused::NotAllowed),
        ("outside:", OrderRefused::TargetUnknown),
        ("queue:general", OrderRefused::TargetUnknown),
        ("nobody", OrderRefused::TargetUnknown),
    ] {
        assert_eq!(asks(&mut talk, to), Err(why), "{to}");
    }
    assert_eq!(talk.hears(), "CA AC");
    assert!(talk.bench.invited(B).is_none());
    assert_eq!(
        talk.bench.count(|e| matches!(e, Event::GuestCalled { .. })),
        0
    );
    talk.ends_clean();
}

/// 110 is called where the lists say so.
#[test]
fn the_police_is_consulted_by_its_number() {
    let mut all = outside();
    for trunk in &mut all.trunks {
        trunk.outbound.prefixes.push("110".to_owned());
    }
    for seat in &mut all.seats {
        seat.outbound_prefixes.push("110".to_owned());
    }
    let mut talk = talking_in(all);
    assert_eq!(asks(&mut talk, "110"), Ok(()));
    talk.answers(B, 'G');
    assert_eq!(talk.hears(), "C* AG GA");
    talk.ends_clean();
}

/// 110 is a number of help, and the seat itself may dial nothing.
fn helped() -> Talk {
    let mut settings = outside();
    let number = "110".to_owned();
    settings.emergencies = vec![Emergency {
        number: number.clone(),
        name: "公安".to_owned(),
    }];
    settings.seats[0].outbound_prefixes.clear();
    settings.trunks[1].outbound.prefixes.push(number);
    talking_in(settings)
}

#[test]
fn help_is_called_into_the_talk_and_the_agent_stays_until_it_speaks() {
    let emergency = |number: &str| TalkRequest::Emergency(number.to_owned());
    let mut talk = helped();
    let wrong = talk.ask(emergency("06358261234"));
    assert_eq!(wrong, Err(OrderRefused::TargetUnknown));
    assert_eq!(asks(&mut talk, "110"), Err(OrderRefused::NotAllowed));
    assert_eq!(talk.ask(emergency("110")), Ok(()));
    // Caller and agent talk on while it rings.
    assert_eq!(talk.hears(), "CA AC");
    assert_eq!(talk.ask(emergency("110")), Err(OrderRefused::TargetBusy));
    let invite = talk.bench.invite_heard(B);
    assert!(invite.starts_with("INVITE sip:110@"), "{invite}");
    talk.answers(B, 'G');
    assert_eq!(talk.hears(), "CA CG AC AG GC GA");
    // It is not left alone with whom it does not know, and not before it is there.
    assert_eq!(
        talk.ask(TalkRequest::Complete),
        Err(OrderRefused::NotSpoken)
    );
    let leg = talk.leg('G');
    talk.bench.reports(Report::Spoke { leg });
    talk.bench.reports(Report::Spoke { leg });
    let name = GuestName::Outside("110".to_owned());
    let spoke = |e: &Event| matches!(e, Event::GuestSpoke { guest, .. } if *guest == name);
    assert_eq!(talk.bench.count(spoke), 1);
    assert_eq!(talk.ask(TalkRequest::Complete), Ok(()));
    let given = |e: &Event| matches!(e, Event::TalkTransferred { to, .. } if to == "outside:110");
    assert_eq!(talk.bench.count(given), 1);
}

#[test]
fn an_agent_who_is_cut_off_leaves_the_caller_with_help() {
    let mut talk = helped();
    let emergency = TalkRequest::Emergency("110".to_owned());
    assert_eq!(talk.ask(emergency), Ok(()));
    talk.answers(B, 'G');
    let agent = talk.agent;
    talk.hangs_up(PHONE, agent);
    assert_eq!(
        talk.bench.count(|e| matches!(e, Event::CallEnded { .. })),
        0
    );
    assert_eq!(talk.hears(), "CG GC");
}

#[test]
fn an_agent_who_leaves_while_help_is_called_leaves_the_caller_waiting_for_it() {
    let mut talk = helped();
    let emergency = TalkRequest::Emergency("110".to_owned());
    assert_eq!(talk.ask(emergency), Ok(()));
    let (agent, call) = (talk.agent, CallId(1));
    talk.hangs_up(PHONE, agent);
    assert_eq!(talk.bench.exchange.stage_of(call), Some("forwarding"));
    let ends = |e: &Event| matches!(e, Event::CallEnded { .. });
    assert_eq!(talk.bench.count(ends), 0);
    assert_eq!(
        talk.bench.work(),
        Work::WrapUp,
        "the seat is the agent's again"
    );
    // 110 answers the same INVITE, and talks with the caller.
    talk.answers(B, 'G');
    assert_eq!(talk.hears(), "CG GC");
    let given = |e: &Event| matches!(e, Event::TalkTransferred { to, .. } if to == "outside:110");
    assert_eq!(talk.bench.count(given), 1);
}

#[test]
fn a_caller_whom_no_help_answers_stands_in_the_queue_again() {
    let mut talk = helped();
    let emergency = TalkRequest::Emergency("110".to_owned());
    assert_eq!(talk.ask(emergency), Ok(()));
    let there = talk.bench.invited(B).unwrap();
    let (agent, call) = (talk.agent, CallId(1));
    talk.hangs_up(PHONE, agent);
    talk.bench
        .does(B, |endpoint, now| endpoint.reject(now, there, 486, &[]));
    assert_eq!(talk.bench.exchange.stage_of(call), Some("waiting"));
}

#[test]
fn help_that_says_nothing_holds_the_agent_no_longer_than_two_minutes() {
    let mut talk = helped();
    let emergency = TalkRequest::Emergency("110".to_owned());
    assert_eq!(talk.ask(emergency), Ok(()));
    talk.answers(B, 'G');
    let complete = talk.ask(TalkRequest::Complete);
    assert_eq!(complete, Err(OrderRefused::NotSpoken));
    let leg = talk.leg('G');
    talk.bench.reports(Report::Speechless { leg });
    let silent = |e: &Event| matches!(e, Event::GuestSilent { after_s: 120, .. });
    assert_eq!(talk.bench.count(silent), 1);
    assert_eq!(talk.ask(TalkRequest::Complete), Ok(()));
}

#[test]
fn a_side_that_says_nothing_is_an_event_unless_it_is_held() {
    let silent = |talk: &Talk, side: Party| {
        talk.bench
            .count(|e| matches!(e, Event::PartySilent { party, after_s: 10, .. } if *party == side))
    };
    let mut talk = talking();
    talk.bench.pass(s(10));
    for name in ['C', 'A'] {
        let leg = talk.leg(name);
        talk.bench.reports(Report::Speechless { leg });
    }
    let all = [Party::Caller, Party::Agent].map(|side| silent(&talk, side));
    assert_eq!(all, [1, 1]);
    // Music is no silence of the caller's.
    let mut talk = talking();
    assert_eq!(asks(&mut talk, NUMBER), Ok(()));
    talk.bench.pass(s(10));
    let leg = talk.leg('C');
    talk.bench.reports(Report::Speechless { leg });
    assert_eq!(silent(&talk, Party::Caller), 0);
}

#[test]
fn who_is_not_reached_outside_leaves_the_agent_with_the_caller() {
    for (status, cause) in [(486, "status 486"), (0, "status 480")] {
        let mut talk = talking();
        assert_eq!(asks(&mut talk, NUMBER), Ok(()));
        let dialog = talk.bench.invited(B).unwrap();
        talk.bench.does(B, |endpoint, now| {
            endpoint.ring(now, dialog, 180, Vec::new());
        });
        assert_eq!(talk.hears(), "C* A*", "the ring-back tone");
        if status == 0 {
            talk.bench.pass(s(130));
        } else {
            talk.bench
                .does(B, |endpoint, now| endpoint.reject(now, dialog, status, &[]));
        }
        assert_eq!(talk.left(GuestMode::Consult, cause), 1, "{cause}");
        assert_eq!(
            (talk.hears().as_str(), talk.bench.work()),
            ("CA AC", Work::Talking)
        );
        // And may be tried anew.
        assert_eq!(asks(&mut talk, NUMBER), Ok(()));
        talk.answers(B, 'G');
        assert_eq!(talk.hears(), "C* AG GA");
        talk.ends_clean();
    }
}

#[test]
fn one_carrier_after_the_other_is_tried() {
    for silent in [false, true] {
        let mut talk = talking();
        talk.bench.peers[B].dead = silent;
        assert_eq!(asks(&mut talk, NUMBER), Ok(()));
        if silent {
            talk.bench.pass(s(5));
        } else {
            let dialog = talk.bench.invited(B).unwrap();
            talk.bench
                .does(B, |endpoint, now| endpoint.reject(now, dialog, 503, &[]));
        }
        let failed = |e: &Event| {
            matches!(
                e,
                Event::TrunkFailed {
                    for_guest: true,
                    ..
                }
            )
        };
        assert_eq!(talk.bench.count(failed), 1);
        talk.answers(STRANGER, 'G');
        assert_eq!(talk.hears(), "C* AG GA", "silent: {silent}");
        talk.ends_clean();
    }
    // None is left.
    let mut talk = talking();
    assert_eq!(asks(&mut talk, NUMBER), Ok(()));
    for peer in [B, STRANGER] {
        let dialog = talk.bench.invited(peer).unwrap();
        talk.bench
            .does(peer, |endpoint, now| endpoint.reject(now, dialog, 503, &[]));
    }
    assert_eq!(talk.left(GuestMode::Consult, "status 503"), 1);
    assert_eq!(talk.hears(), "CA AC");
    talk.ends_clean();
}

/// The agent hears the trunk's own ringing or announcement; nobody else does.
#[test]
fn the_agent_hears_what_the_trunk_plays() {
    for answered in [true, false] {
        let mut talk = talking();
        assert_eq!(asks(&mut talk, NUMBER), Ok(()));
        let dialog = talk.bench.invited(B).unwrap();
        talk.bench.does(B, |endpoint, now| {
            endpoint.ring(now, dialog, 180, Vec::new());
        });
        assert_eq!(talk.hears(), "C* A*");
        let owner = talk
            .bench
            .media
            .iter()
            .rev()
            .find_map(|command| match command {
                hotline_media::Command::Open { leg, .. } => Some(*leg),
                _ => None,
            });
        talk.legs.push(('G', owner.unwrap()));
        for _ in 0..2 {
            talk.bench.does(B, |endpoint, now| {
                endpoint.ring(now, dialog, 183, sdp(B, 7_000, "sendrecv"));
            });
            assert_eq!(talk.hears(), "C* AG");
        }
        assert_eq!(talk.also_recorded(), "", "not a word was spoken");
        talk.bench.does(B, |endpoint, now| match answered {
            true => endpoint.answer(now, dialog, sdp(B, 7_000, "sendrecv")),
            false => endpoint.reject(now, dialog, 404, &[]),
        });
        let hears = if answered { "C* AG GA" } else { "CA AC" };
        assert_eq!(talk.hears(), hears);
        talk.ends_clean();
    }
}

#[test]
fn whoever_hangs_up_meanwhile_leaves_nothing_behind() {
    // The caller, while it rings and while the agent consults.
    let mut talk = talking();
    assert_eq!(asks(&mut talk, NUMBER), Ok(()));
    let dialog = talk.bench.invited(B).unwrap();
    talk.bench.does(B, |endpoint, now| {
        endpoint.ring(now, dialog, 180, Vec::new());
    });
    let caller = talk.caller;
    talk.hangs_up(A, caller);
    let told = talk.bench.told(B);
    let cancelled = |e: &SipEvent| matches!(e, SipEvent::Cancelled { .. });
    assert!(told.iter().any(cancelled), "{told:?}");
    assert_eq!(call_ended(&talk, ReleasedBy::Caller), 1);
    talk.bench.pass(s(120));
    assert!(talk.bench.is_clean());
    let (talk, _) = consulting();
    talk.ends_clean();
    // The agent: nobody is consulted any more.
    let (mut talk, _) = consulting();
    let agent = talk.agent;
    talk.hangs_up(PHONE, agent);
    assert!(hung_up(&mut talk.bench, B));
    assert_eq!(talk.left(GuestMode::Consult, "the agent left"), 1);
    assert_eq!(given_on(&talk), 0);
    talk.ends_clean();
    // The one outside.
    for three in [false, true] {
        let (mut talk, outside) = if three { merged() } else { consulting() };
        talk.hangs_up(B, outside);
        assert_eq!(
            (talk.hears().as_str(), talk.bench.work()),
            ("CA AC", Work::Talking)
        );
        talk.ends_clean();
    }
}

#[test]
fn an_agent_who_leaves_a_talk_of_three_leaves_the_caller_to_the_one_outside() {
    let (mut talk, outside) = merged();
    let agent = talk.agent;
    talk.hangs_up(PHONE, agent);
    assert_eq!(talk.hears(), "CG GC");
    assert_eq!((talk.bench.work(), given_on(&talk)), (Work::WrapUp, 1));
    talk.hangs_up(B, outside);
    assert_eq!(call_ended(&talk, ReleasedBy::Agent), 1);
    talk.bench.pass(s(60));
    assert!(talk.bench.is_clean());
}

#[test]
fn a_supervisor_hears_the_one_outside_and_takes_the_call_over() {
    let mut all = outside();
    all.trunks.pop();
    let mut talk = talking_in(all);
    talk.bench.sign_in(STRANGER, "1002", "secret2");
    assert_eq!(talk.supervise("1002", GuestMode::Monitor), Ok(()));
    talk.answers(STRANGER, 'S');
    assert_eq!(asks(&mut talk, NUMBER), Ok(()));
    talk.answers(B, 'G');
    assert_eq!(talk.hears(), "C* AG SA SG GA");
    assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
    assert_eq!(talk.hears(), "CA CG AC AG SC SA SG GC GA");
    assert_eq!(talk.supervise("1002", GuestMode::TakeOver), Ok(()));
    assert_eq!(talk.hears(), "CS CG SC SG GC GS");
    // It is the supervisor's talk now, and so is the guest.
    let cancel = talk.bench.order(named("1002"), TalkRequest::Cancel.into());
    assert_eq!(cancel, Ok(()));
    assert_eq!(talk.hears(), "CS SC");
    talk.ends_clean();
}

#[test]
fn a_fault_of_the_outside_leg_is_the_guests_alone() {
    let (mut talk, _) = merged();
    let leg = talk.legs[2].1;
    talk.bench.reports(Report::Broke { leg });
    assert!(hung_up(&mut talk.bench, B));
    assert_eq!(talk.hears(), "CA AC");
    talk.ends_clean();
    let (mut talk, _) = consulting();
    let leg = talk.legs[0].1;
    talk.bench.reports(Report::Broke { leg });
    assert!(hung_up(&mut talk.bench, B));
    talk.bench.pass(s(60));
    assert!(talk.bench.is_clean());
}

/// The media port of the outside leg is not opened in time.
#[test]
fn no_port_is_no_guest() {
    let mut talk = talking();
    talk.bench.ports_wait = true;
    assert_eq!(asks(&mut talk, NUMBER), Ok(()));
    talk.bench.pass(s(3));
    assert_eq!(talk.left(GuestMode::Consult, "status 503"), 1);
    assert_eq!(talk.hears(), "CA AC");
    talk.ends_clean();
}

/// A seat that talks with whom it called consults another number, has three talk, and leaves the
/// two outside to each other.
#[test]
fn a_seat_consults_a_number_while_it_talks_with_whom_it_called() {
    for (complete, leaves) in [(true, A), (true, B), (false, A)] {
        let mut all = outside();
        // The first number goes by A, the second by B.
        all.trunks[0] = trunk("incoming", A, 1);
        all.trunks[0].outbound.prefixes = vec!["138".to_owned()];
        all.trunks[1].outbound.prefixes = vec!["0635".to_owned()];
        all.trunks.pop();
        let mut bench = Bench::with(all);
        let agent = bench.dial("13858261234");
        let citizen = bench.invited(A).unwrap();
        bench.does(A, |endpoint, now| {
            endpoint.answer(now, citizen, sdp(A, 6_000, "sendrecv"));
        });
        bench.told(PHONE);
        let (a, c) = bench.bridged().unwrap();
        let mut talk = Talk {
            bench,
            caller: citizen,
            agent,
            legs: vec![('C', c), ('A', a)],
        };
        assert_eq!(asks(&mut talk, NUMBER), Ok(()));
        assert_eq!(talk.hears(), "C*");
        let outside = talk.answers(B, 'G');
        assert_eq!(talk.hears(), "C* AG GA");
        if complete {
            assert_eq!(talk.ask(TalkRequest::Complete), Ok(()));
            assert!(hung_up(&mut talk.bench, PHONE));
        } else {
            assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
            assert_eq!(talk.hears(), "CA CG AC AG GC GA");
            talk.hangs_up(PHONE, agent);
        }
        assert_eq!(talk.hears(), "CG GC");
        assert_eq!((talk.bench.work(), given_on(&talk)), (Work::Free, 1));
        assert_eq!(talk.ask(TalkRequest::Cancel), Err(OrderRefused::NotTalking));
        talk.bench.pass(s(10));
        talk.hangs_up(leaves, if leaves == A { citizen } else { outside });
        assert!(hung_up(&mut talk.bench, if leaves == A { B } else { A }));
        let ended = |e: &Event| {
            matches!(
                e,
                Event::DialEnded {
                    outcome: Outcome::Answered,
                    talk_ms: 10_000..,
                    ..
                }
            )
        };
        assert_eq!(talk.bench.count(ended), 1);
        talk.bench.pass(s(60));
        assert!(talk.bench.is_clean());
    }
}
