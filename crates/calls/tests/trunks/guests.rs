//! Guests of a talk: who hears whom in each mode, who may come, and how each way to leave ends.

use std::collections::{BTreeMap, BTreeSet};

use hotline_acd::SeatSettings;
use hotline_calls::{
    orders::{OrderRefused, TalkRequest},
    settings::{Ha1, Seat},
};
use hotline_media::{Command, Report};
use hotline_model::{
    LegId, SeatId,
    event::{Event, TransferKind},
    guest::GuestMode,
    seat::Work,
};
use hotline_sip::endpoint::DialogId;

use crate::{
    bench::{A, B, Bench, PHONE, STRANGER, s, sdp, seat, settings, trunk},
    moving::{dialog_heard, hung_up, talking},
};

/// Where seats 1002 and 1003 have their phones.
const SECOND: usize = STRANGER;
const THIRD: usize = B;

pub fn named(seat: &str) -> SeatId {
    SeatId::new(seat).unwrap()
}

/// What the media worker does with rows, in a few lines: who hears whom after all commands. Who
/// hears music is `Music`.
#[derive(Debug, Default)]
struct Ears {
    rows: BTreeMap<LegId, BTreeSet<LegId>>,
    music: BTreeSet<LegId>,
    shielded: BTreeSet<LegId>,
}

impl Ears {
    fn of(bench: &Bench) -> Self {
        Self::after(&bench.media)
    }

    fn after(commands: &[Command]) -> Self {
        let mut ears = Self::default();
        for command in commands {
            match command {
                Command::Open { leg, .. } => {
                    ears.rows.insert(*leg, BTreeSet::new());
                }
                Command::Bridge { a, b } => {
                    for (leg, other) in [(*a, *b), (*b, *a)] {
                        ears.isolate(leg);
                        ears.music.remove(&leg);
                        ears.rows.entry(leg).or_default().insert(other);
                    }
                    ears.rows.entry(*a).or_default().insert(*b);
                }
                Command::Unbridge { leg } => ears.isolate(*leg),
                Command::Close { leg } => {
                    ears.isolate(*leg);
                    ears.rows.remove(leg);
                    ears.music.remove(leg);
                }
                Command::Hear { leg, voices } => {
                    for voice in voices {
                        assert!(ears.rows.contains_key(&voice.leg), "{voice:?} is not open");
                    }
                    let row = voices.iter().map(|voice| voice.leg);
                    ears.rows.insert(*leg, row.collect());
                }
                Command::Play {
                    leg, repeat: true, ..
                } => {
                    ears.music.insert(*leg);
                }
                Command::Play { leg, .. } | Command::StopPlay { leg } => {
                    ears.music.remove(leg);
                }
                Command::Shield {
                    leg,
                    shielded: true,
                } => {
                    ears.shielded.insert(*leg);
                }
                Command::Shield { leg, .. } => {
                    ears.shielded.remove(leg);
                }
                _ => {}
            }
        }
        ears
    }

    fn isolate(&mut self, leg: LegId) {
        self.rows.entry(leg).or_default().clear();
        for row in self.rows.values_mut() {
            row.remove(&leg);
        }
    }

    /// `CA` for "the caller hears the agent", sorted; `C*` for music.
    fn words(&self, legs: &[(char, LegId)]) -> String {
        let mut words = Vec::new();
        for (name, leg) in legs {
            if self.music.contains(leg) {
                words.push(format!("{name}*"));
                continue;
            }
            for (other, voice) in legs {
                if self.rows.get(leg).is_some_and(|row| row.contains(voice)) {
                    words.push(format!("{name}{other}"));
                }
            }
        }
        words.join(" ")
    }
}

/// A talk, the scene of all tests.
pub struct Talk {
    pub bench: Bench,
    pub caller: DialogId,
    pub agent: DialogId,
    /// C: caller, A: agent; guests as they come.
    pub legs: Vec<(char, LegId)>,
}

impl Talk {
    fn new() -> Self {
        let (mut bench, caller, agent, _) = talking();
        bench.sign_in(SECOND, "1002", "secret2");
        bench.sign_in(THIRD, "1003", "secret3");
        bench.told(PHONE);
        let (c, a) = bench.bridged().unwrap();
        Self {
            bench,
            caller,
            agent,
            legs: vec![('C', c), ('A', a)],
        }
    }

    pub fn ask(&mut self, request: TalkRequest) -> Result<(), OrderRefused> {
        self.bench.order(seat(), request.into())
    }

    pub fn supervise(&mut self, by: &str, mode: GuestMode) -> Result<(), OrderRefused> {
        self.ask(TalkRequest::Supervise(named(by), mode))
    }

    /// The guest's phone, which rings, answers.
    pub fn answers(&mut self, peer: usize, name: char) -> DialogId {
        let dialog = self.bench.invited(peer).expect("it rings");
        let opened = |command: &Command| match command {
            Command::Open { leg, .. } => Some(*leg),
            _ => None,
        };
        let leg = self.bench.media.iter().rev().find_map(opened).unwrap();
        self.bench.does(peer, |endpoint, now| {
            endpoint.answer(now, dialog, sdp(peer, 7_000, "sendrecv"));
        });
        self.legs.push((name, leg));
        dialog
    }

    /// A guest is there.
    fn with(by: &str, peer: usize, mode: GuestMode) -> (Self, DialogId) {
        let mut talk = Self::new();
        assert_eq!(talk.supervise(by, mode), Ok(()));
        let dialog = talk.answers(peer, 'G');
        (talk, dialog)
    }

    fn consulting() -> (Self, DialogId) {
        let mut talk = Self::new();
        assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
        let dialog = talk.answers(SECOND, 'G');
        (talk, dialog)
    }

    pub fn hears(&self) -> String {
        Ears::of(&self.bench).words(&self.legs)
    }

    /// The leg of that name.
    pub fn leg(&self, name: char) -> LegId {
        self.legs.iter().find(|(its, _)| *its == name).unwrap().1
    }

    pub fn hangs_up(&mut self, peer: usize, dialog: DialogId) {
        self.bench
            .does(peer, |endpoint, now| endpoint.hang_up(now, dialog, None));
    }

    fn agent_holds(&mut self, direction: &str) {
        let agent = self.agent;
        let body = sdp(PHONE, 5_000, direction);
        self.bench
            .does(PHONE, |endpoint, now| endpoint.reoffer(now, agent, body));
    }

    pub fn work_of(&self, seat: &str) -> Work {
        let floor = &self.bench.exchange.switchboard().floor;
        floor.seat(named(seat)).unwrap().work
    }

    pub fn left(&self, mode: GuestMode, cause: &str) -> usize {
        self.bench.count(|e| {
            matches!(e, Event::GuestLeft { mode: of, cause: why, .. }
                if *of == mode && why.contains(cause))
        })
    }

    /// Voices recorded beside caller and agent, by name.
    pub fn also_recorded(&self) -> String {
        let also = self.bench.media.iter().filter_map(|command| match command {
            Command::RecordAlso { leg, .. } => Some(*leg),
            _ => None,
        });
        let name = |leg| self.legs.iter().find(|(_, of)| *of == leg).map(|it| it.0);
        also.filter_map(name).collect()
    }

    /// The caller hangs up; nothing is left of anything.
    pub fn ends_clean(mut self) {
        let caller = self.caller;
        self.hangs_up(A, caller);
        self.bench.pass(s(60));
        assert!(self.bench.is_clean());
        for seat in ["1001", "1002", "1003"] {
            assert_eq!(self.work_of(seat), Work::Free, "{seat}");
        }
        let count = |which: fn(&Event) -> bool| self.bench.count(which);
        assert_eq!(
            count(|e| matches!(e, Event::GuestCalled { .. })),
            count(|e| matches!(e, Event::GuestLeft { .. })),
        );
        assert_eq!(count(|e| matches!(e, Event::CallEnded { .. })), 1);
        assert_eq!(count(|e| matches!(e, Event::FaultCaught { .. })), 0);
    }
}

#[test]
fn each_mode_has_its_ears() {
    for (mode, hears, recorded) in [
        (GuestMode::Monitor, "CA AC GC GA", ""),
        (GuestMode::Whisper, "CA AC AG GC GA", ""),
        (GuestMode::Barge, "CA CG AC AG GC GA", "G"),
    ] {
        let mut talk = Talk::new();
        assert_eq!(talk.supervise("1002", mode), Ok(()));
        assert_eq!(talk.hears(), "CA AC", "nobody yet");
        assert_eq!(talk.work_of("1002"), Work::Busy);
        talk.answers(SECOND, 'G');
        assert_eq!(talk.hears(), hears, "{mode}");
        assert_eq!(talk.also_recorded(), recorded, "{mode}");
        talk.ends_clean();
    }
}

#[test]
fn a_guest_changes_its_part() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Monitor);
    for (mode, hears) in [
        (GuestMode::Whisper, "CA AC AG GC GA"),
        (GuestMode::Barge, "CA CG AC AG GC GA"),
        (GuestMode::Monitor, "CA AC GC GA"),
    ] {
        assert_eq!(talk.supervise("1002", mode), Ok(()));
        assert_eq!(talk.hears(), hears, "{mode}");
    }
    let again = talk.supervise("1002", GuestMode::Monitor);
    assert_eq!(again, Err(OrderRefused::AlreadySo));
    // Who spoke with the caller was recorded; who listens again must not be, hence a second file.
    assert_eq!(talk.also_recorded(), "G");
    let files = |e: &Event| matches!(e, Event::RecordingStarted { .. });
    assert_eq!(talk.bench.count(files), 2);
    assert_eq!(talk.ask(TalkRequest::EndSupervision(named("1002"))), Ok(()));
    assert!(hung_up(&mut talk.bench, SECOND));
    assert_eq!(talk.hears(), "CA AC");
    talk.ends_clean();
}

#[test]
fn two_supervisors_do_not_hear_each_other_unless_they_barge() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Monitor);
    assert_eq!(talk.supervise("1003", GuestMode::Whisper), Ok(()));
    talk.answers(THIRD, 'H');
    assert_eq!(talk.hears(), "CA AC AH GC GA HC HA");
    assert_eq!(talk.supervise("1002", GuestMode::Barge), Ok(()));
    assert_eq!(talk.supervise("1003", GuestMode::Barge), Ok(()));
    assert_eq!(talk.hears(), "CA CG CH AC AG AH GC GA GH HC HA HG");
    talk.ends_clean();
}

#[test]
fn who_may_not_come_is_refused() {
    let mut talk = Talk::new();
    let monitor = GuestMode::Monitor;
    assert_eq!(
        talk.supervise("1001", monitor),
        Err(OrderRefused::TargetBusy)
    );
    assert_eq!(
        talk.supervise("9999", monitor),
        Err(OrderRefused::TargetUnknown)
    );
    let other = TalkRequest::Supervise(named("1003"), monitor);
    let asked = talk.bench.order(named("1002"), other.into());
    assert_eq!(asked, Err(OrderRefused::NotTalking));
    let own = talk.ask(TalkRequest::Consult(seat()));
    assert_eq!(own, Err(OrderRefused::TargetBusy));
    let consult = talk.supervise("1002", GuestMode::Consult);
    assert_eq!(consult, Err(OrderRefused::NotAllowed));
    for request in [
        TalkRequest::Merge,
        TalkRequest::Complete,
        TalkRequest::Cancel,
        TalkRequest::EndSupervision(named("1002")),
    ] {
        assert_eq!(talk.ask(request), Err(OrderRefused::NoGuest));
    }
    assert_eq!(talk.hears(), "CA AC");
    assert_eq!(talk.supervise("1002", monitor), Ok(()));
    // A guest is nobody's colleague meanwhile.
    let busy = talk.ask(TalkRequest::Consult(named("1002")));
    assert_eq!(busy, Err(OrderRefused::TargetBusy));
    talk.ends_clean();
}

#[test]
fn a_guest_who_does_not_answer_changes_nothing() {
    for (status, cause) in [(486, "status 486"), (0, "in time")] {
        let mut talk = Talk::new();
        assert_eq!(talk.supervise("1002", GuestMode::Barge), Ok(()));
        let dialog = talk.bench.invited(SECOND).unwrap();
        if status == 0 {
            talk.bench.pass(s(40));
        } else {
            talk.bench.does(SECOND, |endpoint, now| {
                endpoint.reject(now, dialog, status, &[]);
            });
        }
        assert_eq!(talk.left(GuestMode::Barge, cause), 1, "{cause}");
        assert_eq!(
            (talk.hears().as_str(), talk.work_of("1002")),
            ("CA AC", Work::Free)
        );
        talk.ends_clean();
    }
}

#[test]
fn a_guest_hangs_up_and_the_talk_goes_on() {
    for mode in [GuestMode::Monitor, GuestMode::Whisper, GuestMode::Barge] {
        let (mut talk, guest) = Talk::with("1002", SECOND, mode);
        talk.hangs_up(SECOND, guest);
        assert_eq!(talk.left(mode, "hung up"), 1);
        assert_eq!(talk.hears(), "CA AC");
        assert_eq!(talk.work_of("1002"), Work::Free);
        talk.ends_clean();
    }
}

#[test]
fn the_agent_hangs_up_while_somebody_listens() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Monitor);
    let agent = talk.agent;
    talk.hangs_up(PHONE, agent);
    assert!(hung_up(&mut talk.bench, SECOND));
    assert_eq!(talk.left(GuestMode::Monitor, "the talk is over"), 1);
    assert_eq!(talk.work_of("1001"), Work::WrapUp);
    talk.ends_clean();
}

#[test]
fn the_agent_leaves_a_conference_and_the_guest_goes_on_with_the_caller() {
    let (mut talk, guest) = Talk::with("1002", SECOND, GuestMode::Barge);
    let agent = talk.agent;
    talk.hangs_up(PHONE, agent);
    assert_eq!(talk.hears(), "CG GC");
    assert_eq!(
        (talk.work_of("1001"), talk.work_of("1002")),
        (Work::WrapUp, Work::Talking)
    );
    talk.hangs_up(SECOND, guest);
    assert_eq!(
        talk.bench.count(|e| matches!(e, Event::TalkEnded { .. })),
        2
    );
    talk.ends_clean();
}

#[test]
fn a_hold_keeps_the_guests() {
    for (mode, held, open) in [
        (GuestMode::Monitor, "C* GA", "CA AC GC GA"),
        (GuestMode::Whisper, "C* AG GA", "CA AC AG GC GA"),
        (GuestMode::Barge, "C* AG GA", "CA CG AC AG GC GA"),
    ] {
        let (mut talk, _) = Talk::with("1002", SECOND, mode);
        talk.agent_holds("sendonly");
        assert_eq!(talk.hears(), held, "{mode}");
        talk.agent_holds("sendrecv");
        assert_eq!(talk.hears(), open, "{mode}");
        talk.ends_clean();
    }
}

#[test]
fn a_transfer_keeps_who_listens() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Monitor);
    talk.bench.order_transfer("1003");
    assert_eq!(talk.hears(), "C* GA");
    talk.answers(THIRD, 'B');
    assert_eq!(talk.hears(), "CB GC GB BC");
    talk.ends_clean();
}

#[test]
fn take_over_takes_the_agents_place() {
    // At once when it answers, or while it listens.
    for first in [GuestMode::TakeOver, GuestMode::Monitor] {
        let (mut talk, guest) = Talk::with("1002", SECOND, first);
        if first == GuestMode::Monitor {
            assert_eq!(talk.supervise("1002", GuestMode::TakeOver), Ok(()));
        }
        assert!(hung_up(&mut talk.bench, PHONE), "the old agent");
        assert_eq!(talk.hears(), "CG GC");
        assert_eq!(
            (talk.work_of("1001"), talk.work_of("1002")),
            (Work::WrapUp, Work::Talking)
        );
        assert_eq!(talk.left(first, "took the caller over"), 1);
        let given = |e: &Event| {
            matches!(e, Event::TalkTransferred { from, to, kind: TransferKind::TakeOver, .. }
                if *from == seat() && to == "1002")
        };
        assert_eq!(talk.bench.count(given), 1);
        talk.hangs_up(SECOND, guest);
        assert_eq!(talk.work_of("1002"), Work::WrapUp);
        talk.ends_clean();
    }
}

#[test]
fn who_listens_stays_through_a_take_over() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Monitor);
    assert_eq!(talk.supervise("1003", GuestMode::TakeOver), Ok(()));
    talk.answers(THIRD, 'B');
    assert_eq!(talk.hears(), "CB GC GB BC");
    talk.ends_clean();
}

#[test]
fn there_is_nothing_to_take_over_once_the_agent_is_gone() {
    let mut talk = Talk::new();
    assert_eq!(talk.supervise("1002", GuestMode::TakeOver), Ok(()));
    let agent = talk.agent;
    talk.hangs_up(PHONE, agent);
    assert_eq!(talk.left(GuestMode::TakeOver, "the talk is over"), 1);
    assert_eq!(talk.work_of("1002"), Work::Free);
    talk.ends_clean();
}

#[test]
fn the_caller_hears_music_while_the_agent_consults() {
    let mut talk = Talk::new();
    assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
    assert_eq!(
        (talk.hears().as_str(), talk.bench.work()),
        ("C*", Work::Hold)
    );
    let twice = talk.ask(TalkRequest::Consult(named("1003")));
    assert_eq!(twice, Err(OrderRefused::AlreadySo));
    assert_eq!(
        talk.ask(TalkRequest::Merge),
        Err(OrderRefused::NoGuest),
        "it rings"
    );
    talk.answers(SECOND, 'G');
    assert_eq!(talk.hears(), "C* AG GA");
    assert_eq!(talk.also_recorded(), "G");
    assert_eq!(talk.ask(TalkRequest::Cancel), Ok(()));
    assert!(hung_up(&mut talk.bench, SECOND));
    assert_eq!(
        (talk.hears().as_str(), talk.bench.work()),
        ("CA AC", Work::Talking)
    );
    talk.ends_clean();
}

/// The agent, who heard the music of a caller who holds, must hear whom it consults.
#[test]
fn an_agent_consults_while_the_caller_holds() {
    let mut talk = Talk::new();
    let caller = talk.caller;
    let body = sdp(A, 4_000, "sendonly");
    talk.bench
        .does(A, |endpoint, now| endpoint.reoffer(now, caller, body));
    assert_eq!(talk.hears(), "A*");
    assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
    talk.answers(SECOND, 'G');
    assert_eq!(talk.hears(), "C* AG GA");
    talk.ends_clean();
}

#[test]
fn a_consultation_that_fails_gives_the_caller_back() {
    let mut talk = Talk::new();
    assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
    let dialog = talk.bench.invited(SECOND).unwrap();
    talk.bench.does(SECOND, |endpoint, now| {
        endpoint.reject(now, dialog, 486, &[]);
    });
    assert_eq!(
        (talk.hears().as_str(), talk.bench.work()),
        ("CA AC", Work::Talking)
    );
    let (mut talk, guest) = Talk::consulting();
    talk.hangs_up(SECOND, guest);
    assert_eq!(
        (talk.hears().as_str(), talk.bench.work()),
        ("CA AC", Work::Talking)
    );
    talk.ends_clean();
}

#[test]
fn a_consultation_becomes_a_talk_of_three_and_a_transfer() {
    for merged in [false, true] {
        let (mut talk, _) = Talk::consulting();
        if merged {
            assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
            assert_eq!(talk.hears(), "CA CG AC AG GC GA");
            assert_eq!(talk.bench.work(), Work::Talking);
            assert_eq!(talk.ask(TalkRequest::Merge), Err(OrderRefused::NoGuest));
        }
        assert_eq!(talk.ask(TalkRequest::Complete), Ok(()));
        assert!(hung_up(&mut talk.bench, PHONE));
        assert_eq!(talk.hears(), "CG GC");
        assert_eq!(talk.work_of("1002"), Work::Talking);
        let given = |e: &Event| {
            let attended = TransferKind::Attended;
            matches!(e, Event::TalkTransferred { kind, .. } if *kind == attended)
        };
        assert_eq!(talk.bench.count(given), 1);
        talk.ends_clean();
    }
}

/// A guest of the agent beside the first one, and so on: each is consulted, then brought in.
#[test]
fn a_talk_of_three_becomes_one_of_four() {
    let (mut talk, _) = Talk::consulting();
    assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
    assert_eq!(talk.ask(TalkRequest::Consult(named("1003"))), Ok(()));
    talk.answers(THIRD, 'H');
    assert_eq!(talk.hears(), "C* AG AH GA GH HA HG");
    assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
    assert_eq!(talk.hears(), "CA CG CH AC AG AH GC GA GH HC HA HG");
    assert_eq!(talk.also_recorded(), "GH");
    // The newest goes first.
    assert_eq!(talk.ask(TalkRequest::Cancel), Ok(()));
    assert_eq!(talk.hears(), "CA CG AC AG GC GA");
    talk.ends_clean();
}

/// Found by a random day: the rows of the guests stayed while the next agent's number was said, so
/// that one who became a silent listener meanwhile was still heard.
#[test]
fn guests_hear_nobody_until_the_next_agent_talks() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Barge);
    assert_eq!(talk.supervise("1003", GuestMode::Barge), Ok(()));
    talk.answers(THIRD, 'H');
    assert_eq!(talk.supervise("1002", GuestMode::TakeOver), Ok(()));
    assert_eq!(talk.hears(), "CG CH GC GH HC HG");
    let media = &talk.bench.media;
    let recorded = |command: &Command| matches!(command, Command::Record { .. });
    let at = media.iter().rposition(recorded).unwrap();
    let meanwhile = Ears::after(&media[..at]);
    assert_eq!(meanwhile.words(&talk.legs), "");
    talk.ends_clean();
}

/// The agent who consults hears that the colleague's phone rings.
#[test]
fn the_agent_hears_the_ring_back_tone() {
    for answered in [true, false] {
        let mut talk = Talk::new();
        assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
        assert_eq!(talk.hears(), "C*", "it does not ring yet");
        let dialog = talk.bench.invited(SECOND).unwrap();
        let opened = |command: &Command| match command {
            Command::Open { leg, .. } => Some(*leg),
            _ => None,
        };
        let leg = talk.bench.media.iter().rev().find_map(opened).unwrap();
        talk.legs.push(('G', leg));
        talk.bench.does(SECOND, |endpoint, now| {
            endpoint.ring(now, dialog, 180, Vec::new());
        });
        assert_eq!(talk.hears(), "C* A*");
        // 450 Hz for 1 s, then 4 s of nothing.
        let last = talk
            .bench
            .media
            .iter()
            .rev()
            .find_map(|command| match command {
                Command::Play {
                    clips,
                    repeat: true,
                    ..
                } => Some(clips.clone()),
                _ => None,
            });
        let lengths: Vec<_> = last.unwrap().iter().map(|clip| clip.duration()).collect();
        assert_eq!(lengths, [s(1), s(4)]);
        if answered {
            talk.bench.does(SECOND, |endpoint, now| {
                endpoint.answer(now, dialog, sdp(SECOND, 7_000, "sendrecv"));
            });
            assert_eq!(talk.hears(), "C* AG GA");
        } else {
            assert_eq!(talk.ask(TalkRequest::Cancel), Ok(()));
            assert_eq!(talk.hears(), "CA AC");
        }
        talk.ends_clean();
    }
    // It goes on whoever else is rung, and comes to nothing.
    let mut talk = Talk::new();
    assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
    let consulted = talk.bench.invited(SECOND).unwrap();
    talk.bench.does(SECOND, |endpoint, now| {
        endpoint.ring(now, consulted, 180, Vec::new());
    });
    assert_eq!(talk.supervise("1003", GuestMode::Monitor), Ok(()));
    let supervisor = talk.bench.invited(THIRD).unwrap();
    assert_eq!(talk.hears(), "C* A*");
    talk.bench.does(THIRD, |endpoint, now| {
        endpoint.reject(now, supervisor, 486, &[]);
    });
    assert_eq!(talk.hears(), "C* A*");
    // Nor does another phone of the agent's end it.
    let replaces = dialog_heard(&talk.bench, PHONE, "ACK");
    let replaces = [("Replaces", replaces.as_str())];
    talk.bench
        .call(A, "1001", "12345", Some("secret"), &replaces);
    let moved = talk
        .bench
        .media
        .iter()
        .rev()
        .find_map(|command| match command {
            Command::Record {
                right: Some(leg), ..
            } => Some(*leg),
            _ => None,
        });
    talk.legs[1].1 = moved.unwrap();
    assert_eq!(talk.hears(), "C* A*");
    talk.bench.does(SECOND, |endpoint, now| {
        endpoint.reject(now, consulted, 486, &[]);
    });
    assert_eq!(talk.hears(), "CA AC");
    talk.ends_clean();
    // A supervisor's phone rings for nobody to hear.
    let mut talk = Talk::new();
    assert_eq!(talk.supervise("1002", GuestMode::Barge), Ok(()));
    let dialog = talk.bench.invited(SECOND).unwrap();
    talk.bench.does(SECOND, |endpoint, now| {
        endpoint.ring(now, dialog, 180, Vec::new());
    });
    assert_eq!(talk.hears(), "CA AC");
    talk.ends_clean();
}

/// The seat 1001 talks with somebody it called outside: C is that citizen.
fn called_outside() -> (Talk, DialogId) {
    let mut bench = Bench::new(vec![trunk("first", A, 1)]);
    let agent = bench.dial("06358261234");
    let outside = bench.invited(A).unwrap();
    bench.does(A, |endpoint, now| {
        endpoint.answer(now, outside, sdp(A, 6_000, "sendrecv"));
    });
    bench.sign_in(SECOND, "1002", "secret2");
    bench.sign_in(THIRD, "1003", "secret3");
    bench.told(PHONE);
    let (a, c) = bench.bridged().unwrap();
    let talk = Talk {
        bench,
        caller: outside,
        agent,
        legs: vec![('C', c), ('A', a)],
    };
    (talk, outside)
}

fn ends_outside(mut talk: Talk) {
    let outside = talk.caller;
    talk.hangs_up(A, outside);
    talk.bench.pass(s(60));
    assert!(talk.bench.is_clean());
    for seat in ["1001", "1002", "1003"] {
        assert_eq!(talk.work_of(seat), Work::Free, "{seat}");
    }
    let count = |which: fn(&Event) -> bool| talk.bench.count(which);
    assert_eq!(
        count(|e| matches!(e, Event::GuestCalled { .. })),
        count(|e| matches!(e, Event::GuestLeft { .. })),
    );
    assert_eq!(count(|e| matches!(e, Event::DialEnded { .. })), 1);
    assert_eq!(count(|e| matches!(e, Event::FaultCaught { .. })), 0);
}

#[test]
fn a_seats_own_call_is_supervised_as_any() {
    let (mut talk, _) = called_outside();
    assert_eq!(talk.supervise("1002", GuestMode::Monitor), Ok(()));
    talk.answers(SECOND, 'G');
    for (mode, hears) in [
        (GuestMode::Monitor, "CA AC GC GA"),
        (GuestMode::Whisper, "CA AC AG GC GA"),
        (GuestMode::Barge, "CA CG AC AG GC GA"),
    ] {
        if mode != GuestMode::Monitor {
            assert_eq!(talk.supervise("1002", mode), Ok(()));
        }
        assert_eq!(talk.hears(), hears, "{mode}");
    }
    assert_eq!(talk.also_recorded(), "G");
    // Who enters a card's number is the citizen.
    let citizen = talk.legs[0].1;
    assert_eq!(talk.ask(TalkRequest::CardEntry(true)), Ok(()));
    assert!(Ears::of(&talk.bench).shielded.contains(&citizen));
    talk.agent_holds("sendonly");
    assert_eq!(talk.hears(), "C* AG GA");
    ends_outside(talk);
}

#[test]
fn a_seats_own_call_is_taken_over() {
    for first in [GuestMode::TakeOver, GuestMode::Whisper] {
        let (mut talk, _) = called_outside();
        assert_eq!(talk.supervise("1002", first), Ok(()));
        let guest = talk.answers(SECOND, 'G');
        if first == GuestMode::Whisper {
            assert_eq!(talk.supervise("1002", GuestMode::TakeOver), Ok(()));
        }
        assert!(hung_up(&mut talk.bench, PHONE), "the old agent");
        assert_eq!(talk.hears(), "CG GC");
        assert_eq!(
            (talk.work_of("1001"), talk.work_of("1002")),
            (Work::Free, Work::Busy)
        );
        let given = |e: &Event| {
            matches!(e, Event::TalkTransferred { from, to, kind: TransferKind::TakeOver, .. }
                if *from == seat() && to == "1002")
        };
        assert_eq!(talk.bench.count(given), 1);
        // It is the supervisor's call now, who may be supervised again and ends it.
        let monitor = TalkRequest::Supervise(named("1003"), GuestMode::Monitor);
        assert_eq!(talk.bench.order(named("1002"), monitor.into()), Ok(()));
        talk.answers(THIRD, 'H');
        assert_eq!(talk.hears(), "CG GC HC HG");
        talk.hangs_up(SECOND, guest);
        assert!(hung_up(&mut talk.bench, A));
        ends_outside(talk);
    }
}

#[test]
fn a_seat_consults_while_it_talks_with_whom_it_called() {
    for complete in [false, true] {
        let (mut talk, _) = called_outside();
        assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
        assert_eq!(talk.hears(), "C*");
        talk.answers(SECOND, 'G');
        assert_eq!(talk.hears(), "C* AG GA");
        if complete {
            assert_eq!(talk.ask(TalkRequest::Complete), Ok(()));
            assert!(hung_up(&mut talk.bench, PHONE));
        } else {
            assert_eq!(talk.ask(TalkRequest::Merge), Ok(()));
            assert_eq!(talk.hears(), "CA CG AC AG GC GA");
            // The agent leaves the conference.
            let agent = talk.agent;
            talk.hangs_up(PHONE, agent);
        }
        assert_eq!(talk.hears(), "CG GC");
        ends_outside(talk);
    }
}

#[test]
fn the_caller_or_the_agent_goes_during_a_consultation() {
    let (talk, _) = Talk::consulting();
    talk.ends_clean();
    let (mut talk, _) = Talk::consulting();
    let agent = talk.agent;
    talk.hangs_up(PHONE, agent);
    assert!(hung_up(&mut talk.bench, SECOND));
    assert_eq!(talk.left(GuestMode::Consult, "the agent left"), 1);
    talk.ends_clean();
}

#[test]
fn a_supervisor_hears_the_consultation_and_not_the_music() {
    let (mut talk, _) = Talk::with("1003", THIRD, GuestMode::Monitor);
    assert_eq!(talk.ask(TalkRequest::Consult(named("1002"))), Ok(()));
    talk.answers(SECOND, 'K');
    assert_eq!(talk.hears(), "C* AK GA GK KA");
    assert_eq!(talk.ask(TalkRequest::Cancel), Ok(()));
    assert_eq!(talk.hears(), "CA AC GC GA", "the supervisor is still there");
    talk.ends_clean();
}

#[test]
fn nobody_hears_a_card_s_number() {
    let mut talk = Talk::new();
    let caller = talk.legs[0].1;
    assert_eq!(
        talk.ask(TalkRequest::CardEntry(false)),
        Err(OrderRefused::AlreadySo)
    );
    assert_eq!(talk.ask(TalkRequest::CardEntry(true)), Ok(()));
    assert!(Ears::of(&talk.bench).shielded.contains(&caller));
    let paused = |talk: &Talk| {
        let mut commands = talk.bench.media.iter().rev();
        commands.find_map(|command| match command {
            Command::PauseRecord { paused, .. } => Some(*paused),
            _ => None,
        })
    };
    assert_eq!(paused(&talk), Some(true));
    // Another file begins meanwhile: it is silent too.
    assert_eq!(talk.supervise("1002", GuestMode::TakeOver), Ok(()));
    talk.answers(SECOND, 'G');
    let commands = talk.bench.media.iter();
    let pauses = commands.filter(|it| matches!(it, Command::PauseRecord { paused: true, .. }));
    assert_eq!(pauses.count(), 2);
    let off = talk
        .bench
        .order(named("1002"), TalkRequest::CardEntry(false).into());
    assert_eq!(off, Ok(()));
    assert!(!Ears::of(&talk.bench).shielded.contains(&caller));
    assert_eq!(paused(&talk), Some(false));
    let ended = |e: &Event| matches!(e, Event::CardEntryEnded { by, .. } if by == "api:test");
    assert_eq!(talk.bench.count(ended), 1);
    talk.ends_clean();
}

#[test]
fn a_pause_of_the_recording_says_who_and_why() {
    let mut talk = Talk::new();
    let pause = |paused: bool, reason: &str| TalkRequest::Pause {
        paused,
        reason: reason.to_owned(),
    };
    assert_eq!(talk.ask(pause(false, "x")), Err(OrderRefused::AlreadySo));
    assert_eq!(talk.ask(pause(true, "")), Err(OrderRefused::NotAllowed));
    assert_eq!(
        talk.ask(pause(true, &"x".repeat(201))),
        Err(OrderRefused::NotAllowed)
    );
    assert_eq!(talk.ask(pause(true, "a bank account")), Ok(()));
    assert_eq!(talk.ask(pause(true, "again")), Err(OrderRefused::AlreadySo));
    let paused = |e: &Event| {
        matches!(e, Event::RecordingPaused { by, reason, .. }
            if by == "api:test" && reason == "a bank account")
    };
    assert_eq!(talk.bench.count(paused), 1);
    // A card's number meanwhile: both must be over before anything is recorded.
    assert_eq!(talk.ask(TalkRequest::CardEntry(true)), Ok(()));
    assert_eq!(talk.ask(pause(false, "done")), Ok(()));
    let pauses = |bench: &Bench| -> Vec<bool> {
        let commands = bench.media.iter();
        let paused = commands.filter_map(|command| match command {
            Command::PauseRecord { paused, .. } => Some(*paused),
            _ => None,
        });
        paused.collect()
    };
    assert_eq!(pauses(&talk.bench), [true]);
    assert_eq!(talk.ask(TalkRequest::CardEntry(false)), Ok(()));
    assert_eq!(pauses(&talk.bench), [true, false]);
    // Forgotten at the end of the talk: the journal does not leave it open.
    assert_eq!(talk.ask(pause(true, "forgotten")), Ok(()));
    let caller = talk.caller;
    talk.hangs_up(A, caller);
    let ended = |e: &Event| matches!(e, Event::RecordingResumed { by, .. } if by == "engine");
    assert_eq!(talk.bench.count(ended), 1);
    talk.bench.pass(s(60));
    assert!(talk.bench.is_clean());
}

#[test]
fn a_fault_of_a_guests_leg_is_the_guests_alone() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Barge);
    let leg = talk.legs[2].1;
    talk.bench.reports(Report::Broke { leg });
    assert!(hung_up(&mut talk.bench, SECOND));
    assert_eq!(talk.hears(), "CA AC");
    talk.ends_clean();
}

#[test]
fn a_fault_in_the_call_frees_its_guests() {
    let (mut talk, _) = Talk::with("1002", SECOND, GuestMode::Monitor);
    assert_eq!(talk.supervise("1003", GuestMode::Whisper), Ok(()));
    let leg = talk.legs[0].1;
    talk.bench.reports(Report::Broke { leg });
    assert!(hung_up(&mut talk.bench, SECOND));
    talk.bench.pass(s(60));
    assert!(talk.bench.is_clean());
    for seat in ["1002", "1003"] {
        assert_eq!(talk.work_of(seat), Work::Free, "{seat}");
    }
    assert_eq!(
        talk.bench.count(|e| matches!(e, Event::GuestLeft { .. })),
        2
    );
}

#[test]
fn a_conference_has_sixteen_parties() {
    let mut all = settings(vec![trunk("incoming", A, 1)]);
    let guests: Vec<String> = (2_001..=2_015).map(|seat: u32| seat.to_string()).collect();
    for guest in &guests {
        let first = all.seats[0].clone();
        let floor = SeatSettings {
            id: named(guest),
            ..first.floor.clone()
        };
        let ha1 = Ha1::of(guest, "hotline", guest);
        all.seats.push(Seat {
            floor,
            ha1,
            ..first
        });
    }
    let mut bench = Bench::with(all);
    bench.register();
    let caller = bench.call(A, "13800000001", "12345", None, &[]);
    let agent = bench.invited(PHONE).unwrap();
    bench.does(PHONE, |endpoint, now| {
        endpoint.answer(now, agent, sdp(PHONE, 5_000, "sendrecv"));
    });
    let (c, _) = bench.bridged().unwrap();
    for (at, guest) in guests.iter().enumerate() {
        bench.sign_in(SECOND, guest, guest);
        bench.told(SECOND);
        let wish = TalkRequest::Supervise(named(guest), GuestMode::Barge);
        let asked = bench.order(seat(), wish.into());
        if at == 14 {
            assert_eq!(asked, Err(OrderRefused::GuestsFull));
            break;
        }
        assert_eq!(asked, Ok(()), "{guest}");
        let dialog = bench.invited(SECOND).unwrap();
        bench.does(SECOND, |endpoint, now| {
            endpoint.answer(now, dialog, sdp(SECOND, 7_000, "sendrecv"));
        });
    }
    let ears = Ears::of(&bench);
    assert_eq!(ears.rows.len(), 16);
    assert!(ears.rows.values().all(|row| row.len() == 15), "{ears:?}");
    assert!(ears.rows.contains_key(&c));
    bench.does(A, |endpoint, now| endpoint.hang_up(now, caller, None));
    bench.pass(s(60));
    assert!(bench.is_clean());
}
