//! Events for tests: one of each kind, and whole days of calls from a seed.

use hotline_model::{
    CallId, Instant, PhoneId, QueueId, ScriptId, SeatId, Timestamp, TrunkId,
    change::{ChangeKind, ItemChange, KeyChange},
    event::{Event, MessageEnd, MessageKind, Outcome, Party, ReleasedBy, Stamped},
    floor::Input,
    seat::{Device, Intent, OfferResult, Reason, Work},
    task::{TaskEnd, TaskResult, TaskRules},
};

use crate::{Record, journal::Hash};

/// 2026-11-21 15:30:12.000 in China.
pub(crate) const NOON: i64 = 1_795_246_212_000;

pub(crate) fn seat(name: &str) -> SeatId {
    SeatId::new(name).unwrap()
}

fn phone(name: &str) -> PhoneId {
    PhoneId::new(name).unwrap()
}

pub(crate) fn queue(name: &str) -> QueueId {
    QueueId::new(name).unwrap()
}

pub(crate) fn arrived(call: u64) -> Event {
    Event::CallArrived {
        call: CallId(call),
        trunk: Some(TrunkId::new("mobile").unwrap()),
        caller: format!("138{call:08}"),
        called: "12345".into(),
        sip_call_id: format!("{call}@carrier"),
        withheld: false,
    }
}

/// A call sent away from the queue.
pub fn overflowed(call: u64, name: &str) -> Event {
    Event::QueueOverflowed {
        call: CallId(call),
        queue: queue(name),
        to: "script:voicemail".into(),
        why: "waited 60 s, at most 60 s here".into(),
    }
}

/// The callback that a caller asked for.
pub(crate) fn callback_requested(call: u64) -> Event {
    Event::CallbackRequested {
        call: CallId(call),
        number: format!("138{call:08}"),
        queue: queue("general"),
        priority: 5,
        attempts: 2,
        retry_after_s: 600,
        keep_s: 14_400,
        language: "zh".into(),
        in_line_ms: 0,
    }
}

/// A seat answered for it, and the caller is called.
pub(crate) fn callback_dialled(call: u64, attempt: u8) -> Event {
    let (call, seat) = (CallId(call), seat("1001"));
    Event::CallbackDialled {
        call,
        seat,
        attempt,
    }
}

/// Nobody was reached.
pub(crate) fn callback_failed(call: u64, attempt: u8, again_after_s: Option<u64>) -> Event {
    Event::CallbackFailed {
        call: CallId(call),
        seat: seat("1001"),
        attempt,
        cause: "486 busy".into(),
        again_after_s,
        not_counted: false,
    }
}

pub(crate) fn queued(call: u64, name: &str) -> Event {
    Event::QueueEntered {
        call: CallId(call),
        queue: queue(name),
        priority: 5,
        position: 1,
    }
}

pub(crate) fn answered(call: u64, by: &str, name: &str, wait_ms: u64) -> Event {
    Event::SeatAnswered {
        call: CallId(call),
        seat: seat(by),
        queue: queue(name),
        since_arrival_ms: wait_ms + 3_000,
        since_menu_ms: wait_ms + 100,
        since_queue_ms: wait_ms,
    }
}

pub(crate) fn ended(call: u64, outcome: Outcome) -> Event {
    Event::CallEnded {
        call: CallId(call),
        outcome,
        released_by: ReleasedBy::Caller,
        cause: "BYE".into(),
        total_ms: 60_000,
    }
}

/// The story of a call that a seat made to somebody outside.
pub(crate) fn dialled(call: u64) -> Vec<Event> {
    let (id, trunk) = (CallId(call), TrunkId::new("mobile").unwrap());
    let called = "13800009999".to_owned();
    let file = format!("{call:06}.wav");
    vec![
        Event::CallDialled {
            call: id,
            seat: seat("1001"),
            called: called.clone(),
            sip_call_id: format!("{call}@phone"),
            purpose: None,
        },
        Event::TrunkTried {
            call: id,
            trunk,
            target: "UDP 192.0.2.1:5060".into(),
            called,
            for_guest: false,
        },
        Event::OutsideAnswered {
            call: id,
            trunk,
            since_dialled_ms: 4_000,
            for_guest: false,
        },
        Event::RecordingStarted {
            call: id,
            file: file.clone(),
        },
        Event::RecordingClosed {
            call: id,
            file,
            ms: 9_000,
            sha256: String::new(),
        },
        Event::DialEnded {
            call: id,
            outcome: Outcome::Answered,
            released_by: ReleasedBy::Agent,
            cause: "hung up".into(),
            talk_ms: 9_000,
            hold_ms: 0,
            total_ms: 14_000,
        },
    ]
}

/// The story of a message: left, listened to twice, settled.
pub(crate) fn message(call: u64) -> Vec<Event> {
    let (id, file) = (CallId(call), format!("{call:06}-message-1.wav"));
    let heard = |by: &str| Event::MessageHeard {
        call: id,
        message: 1,
        file: file.clone(),
        by: by.into(),
    };
    vec![
        Event::MessageBegan {
            call: id,
            message: 1,
            file: file.clone(),
            kind: MessageKind::Voicemail,
            queue: Some(queue("general")),
            seat: None,
        },
        Event::MessageLeft {
            call: id,
            message: 1,
            file: file.clone(),
            kind: MessageKind::Voicemail,
            queue: Some(queue("general")),
            seat: None,
            ms: 12_345,
            sha256: "00".repeat(32),
            ended: MessageEnd::Key,
        },
        heard("lihua"),
        heard("wang"),
        Event::MessageSettled {
            call: id,
            message: 1,
            by: "zhang".into(),
            note: "已回电".into(),
        },
    ]
}

pub(crate) fn seat_changed(name: &str, intent: Intent, work: Work, call: Option<u64>) -> Event {
    Event::SeatChanged {
        seat: seat(name),
        intent,
        work,
        call: call.map(CallId),
    }
}

/// The story of a call that a human answered and the caller scored, with each event of a call.
pub(crate) fn story(call: u64) -> Vec<Event> {
    let id = CallId(call);
    let by = seat("1001");
    let file = format!("{call:06}.wav");
    vec![
        arrived(call),
        Event::CallAnswered { call: id },
        Event::ScriptStarted {
            call: id,
            script: ScriptId::new("12345-menu").unwrap(),
            version: "0123456789abcdef".into(),
        },
        Event::MenuChosen {
            call: id,
            menu: "main".into(),
            digit: Some('0'),
        },
        Event::MenuChosen {
            call: id,
            menu: "second".into(),
            digit: None,
        },
        queued(call, "general"),
        Event::SeatOffered {
            call: id,
            seat: by,
            queue: queue("general"),
            why: "空闲最久 \"longest idle\"\n".into(),
        },
        Event::OfferEnded {
            call: id,
            seat: by,
            result: OfferResult::Answered,
            rang_ms: 2_500,
        },
        answered(call, "1001", "general", 4_000),
        Event::SeatAnnounced { call: id, seat: by },
        Event::TalkStarted { call: id, seat: by },
        Event::RecordingStarted {
            call: id,
            file: file.clone(),
        },
        Event::TalkHeld {
            call: id,
            by: ReleasedBy::Agent,
        },
        Event::TalkResumed {
            call: id,
            by: ReleasedBy::Agent,
        },
        Event::TalkEnded {
            call: id,
            seat: by,
            talk_ms: 45_000,
            hold_ms: 5_000,
            released_by: ReleasedBy::Agent,
        },
        Event::SurveyOffered { call: id, seat: by },
        Event::SurveyAnswered {
            call: id,
            seat: by,
            digit: '1',
            meaning: "satisfied".into(),
        },
        Event::RecordingClosed {
            call: id,
            file,
            ms: 45_000,
            sha256: "00".repeat(32),
        },
        ended(call, Outcome::Answered),
    ]
}

/// One of each event there is.
pub(crate) fn one_of_each() -> Vec<Event> {
    let mut events = vec![
        Event::EngineStarted {
            version: "0.1.0".into(),
        },
        Event::SettingsRead {
            digest: "00".repeat(32),
            queues: 3,
            seats: 5,
        },
        Event::FloorSet {
            ns: Instant::START,
            digest: "22".repeat(32),
            rules: 1,
        },
        Event::FloorTold {
            ns: Instant::from_start(core::time::Duration::from_nanos(1_000_000_007)),
            input: Input::CallQueued {
                call: CallId(7),
                queue: queue("general"),
                priority: 1,
                arrived: Instant::START,
                spent: 2,
                preferred: Some((seat("1001"), core::time::Duration::from_millis(1_500))),
                promised: true,
            },
        },
        Event::SettingsChanged {
            by: "api:supervisor".into(),
            digest: "11".repeat(32),
            changes: vec![ItemChange {
                file: "queues.toml".into(),
                item: "queue general".into(),
                kind: ChangeKind::Changed,
                keys: vec![KeyChange {
                    key: "wrap_up_s".into(),
                    was: Some("10".into()),
                    is: None,
                }],
            }],
            more: 1,
        },
        Event::SeatDeviceChanged {
            seat: seat("1001"),
            device: Device::Registered,
            detail: "sip:1001@192.0.2.7:5060;transport=tcp".into(),
        },
        Event::SeatDeskLost {
            seat: seat("1001"),
            after_ms: 15_000,
        },
        Event::SeatDeskBack {
            seat: seat("1001"),
            lost_ms: 20_000,
        },
        Event::PhoneDeviceChanged {
            phone: phone("desk-1"),
            device: Device::Registered,
            detail: "sip:desk-1@192.0.2.9:5060".into(),
        },
        Event::SeatLentPhone {
            seat: seat("1001"),
            phone: phone("desk-1"),
        },
        Event::SeatGavePhoneBack {
            seat: seat("1001"),
            phone: phone("desk-1"),
            why: "signed out".into(),
        },
        Event::PhoneLogInRefused {
            phone: phone("desk-1"),
            seat: None,
            why: "wrong PIN".into(),
        },
        Event::PhoneLogInLocked {
            phone: phone("desk-1"),
            seat: Some(seat("1001")),
            for_s: 900,
        },
        Event::PageSignedIn {
            user: "1001".into(),
            seat: Some(seat("1001")),
            from: "192.0.2.7".into(),
            ended: 1,
        },
        Event::PageSignInRefused {
            user: "1001".into(),
            from: "192.0.2.8".into(),
        },
        Event::SeatRequested {
            seat: seat("1001"),
            request: "ready".into(),
            through: "phone".into(),
            done: true,
        },
        seat_changed("1001", Intent::Ready, Work::Free, None),
        Event::InviteRejected {
            source: "192.0.2.66:5060".into(),
            trunk: None,
            caller: "匿名\u{0}\u{7f}".into(),
            called: String::new(),
            status: 503,
            cause: "系统繁忙".into(),
        },
    ];
    events.extend(story(1));
    events.extend(message(1));
    events.extend([
        arrived(2),
        Event::QueueRefused {
            call: CallId(2),
            queue: queue("general"),
            cause: "full".into(),
        },
        ended(2, Outcome::Refused),
        arrived(3),
        Event::SurveyUnanswered {
            call: CallId(3),
            seat: seat("1002"),
        },
        Event::RecordingFailed {
            call: CallId(3),
            file: "3.wav".into(),
            cause: "no space left".into(),
        },
        Event::SoundMeasured {
            call: CallId(3),
            party: Party::Caller,
            guest: None,
            mode: None,
            received: 2_990,
            lost: 10,
            jitter_us: 1_250,
            round_trip_us: Some(42_000),
            score: 421,
        },
        ended(3, Outcome::Failed),
        Event::RecordingSpaceLow {
            free_mb: 499,
            keep_free_mb: 500,
        },
        Event::RecordingDiskStalled { for_ms: 2_000 },
        Event::RecordingSoundLost { blocks: 40 },
        Event::RecordingDiskFollowed { after_ms: 9_000 },
        Event::StaffingForecast {
            queue: queue("general"),
            serving: 5,
            needed: Some(7),
            answered_permille: Some(912),
            in_time_permille: Some(640),
        },
        Event::ServiceLevelAlerted {
            queue: queue("general"),
            serving: 5,
            needed: Some(7),
            answered_permille: Some(912),
            answered_target_permille: 950,
            in_time_permille: Some(640),
            in_time_target_permille: 800,
        },
        Event::ServiceLevelRecovered {
            queue: queue("general"),
            lasted_ms: 240_000,
        },
        Event::RecordingSpaceRegained { free_mb: 550 },
        Event::CallerRecognised {
            call: CallId(3),
            queue: queue("general"),
            calls: 2,
            within_h: 72,
            last_seat: Some(seat("1002")),
        },
        Event::BlockProposed {
            block: 1,
            number: "13800009999".into(),
            reason: "骚扰".into(),
            until: Timestamp(NOON + 86_400_000),
            by: "1001".into(),
            withheld: false,
        },
        Event::BlockApproved {
            block: 1,
            by: "supervisor".into(),
        },
        Event::CallerBlocked {
            block: 1,
            call: None,
        },
        Event::BlockLifted {
            block: 1,
            by: "supervisor".into(),
            reason: "道歉".into(),
        },
        Event::BlockRefused {
            block: 2,
            by: "supervisor".into(),
            reason: "证据不足".into(),
        },
        Event::BlockExpired { block: 3 },
        Event::TaskRulesSet {
            rules: TaskRules::default(),
        },
        Event::TaskAdded {
            number: "13800009999".into(),
            note: "问是否满意".into(),
            due_at: Timestamp(NOON + 3_600_000),
            by: "supervisor".into(),
        },
        Event::TaskTaken {
            task: 7,
            seat: seat("1001"),
            by: "1001".into(),
        },
        Event::TaskShown {
            task: 7,
            seat: seat("1001"),
            by: "1001".into(),
        },
        Event::TaskLetGo {
            task: 7,
            seat: seat("1001"),
            by: "1001".into(),
        },
        Event::TaskResultEntered {
            task: 7,
            seat: seat("1001"),
            by: "1001".into(),
            result: TaskResult::Satisfied,
            score: Some(5),
            remark: "已解决".into(),
        },
        Event::TaskRevealed {
            task: 7,
            by: "supervisor".into(),
            reason: "核实号码".into(),
        },
        Event::TaskClosed {
            task: 7,
            end: TaskEnd::Closed,
            by: "supervisor".into(),
            reason: "已当面答复".into(),
        },
        seat_changed(
            "1001",
            Intent::NotReady(Reason::Meal),
            Work::WrapUp,
            Some(1),
        ),
        Event::EngineStopped {},
    ]);
    events
}

/// The events as records, one second apart, from [`NOON`] on.
pub(crate) fn records(events: impl IntoIterator<Item = Event>) -> Vec<Record> {
    (1u64..)
        .zip(events)
        .map(|(seq, event)| Record {
            seq,
            stamped: stamped(seq, event),
            hash: Hash::START.follow(&seq.to_le_bytes()),
        })
        .collect()
}

/// The event as number `seq` of such a sequence.
pub(crate) fn stamped(seq: u64, event: Event) -> Stamped {
    let ms = (seq - 1) * 1_000;
    Stamped {
        at: Timestamp(NOON + ms as i64),
        up_ms: ms,
        event,
    }
}

/// A small generator: tests want the same day for the same seed, nothing more.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// `calls` calls of all kinds, woven into one another, with the seats' states; the same for the
/// same seed. About one call in ten seconds.
pub(crate) fn day(seed: u64, calls: u64) -> Vec<Record> {
    let mut dice = Dice(seed);
    let mut timed = vec![(
        0,
        Event::EngineStarted {
            version: "0.1.0".into(),
        },
    )];
    let mut at = 1;
    for call in 1..=calls {
        at += dice.below(20_000);
        let mut story = Story {
            at,
            call,
            events: &mut timed,
        };
        story.play(&mut dice);
    }
    timed.sort_by_key(|(at, _)| *at);
    (1..)
        .zip(timed)
        .map(|(seq, (ms, event))| Record {
            seq,
            stamped: Stamped {
                at: Timestamp(NOON + ms as i64),
                up_ms: ms,
                event,
            },
            hash: Hash::START.follow(&seq.to_le_bytes()),
        })
        .collect()
}

struct Story<'a> {
    at: u64,
    call: u64,
    events: &'a mut Vec<(u64, Event)>,
}

impl Story<'_> {
    fn after(&mut self, ms: u64, event: Event) {
        self.at += ms;
        self.events.push((self.at, event));
    }

    fn play(&mut self, dice: &mut Dice) {
        let (call, id) = (self.call, CallId(self.call));
        let name = ["general", "english", "enterprise"][dice.below(3) as usize];
        let fate = dice.below(13);
        if fate == 0 {
            let (source, caller) = ("192.0.2.1:5060".into(), format!("{call}"));
            let (called, cause) = ("12345".into(), "overload".into());
            let rejected = Event::InviteRejected {
                source,
                trunk: Some(TrunkId::new("mobile").unwrap()),
                caller,
                called,
                status: 503,
                cause,
            };
            return self.after(0, rejected);
        }
        self.after(0, arrived(call));
        self.after(1, Event::CallAnswered { call: id });
        if fate == 1 {
            return self.after(dice.below(9_000), ended(call, Outcome::LeftMenu));
        }
        if fate == 2 {
            let cause = "full".into();
            self.after(
                500,
                Event::QueueRefused {
                    call: id,
                    queue: queue(name),
                    cause,
                },
            );
            return self.after(4_000, ended(call, Outcome::Refused));
        }
        self.after(dice.below(5_000), queued(call, name));
        let waited = dice.below(40_000);
        match fate {
            3 | 4 => self.after(waited, ended(call, Outcome::Abandoned)),
            5 => self.after(60_000, ended(call, Outcome::TimedOut)),
            6 => self.after(waited, ended(call, Outcome::Failed)),
            7 => {
                for (ms, event) in [waited, 12_345, 0, 60_000, 900]
                    .into_iter()
                    .zip(message(call))
                {
                    let before_the_end = matches!(event, Event::MessageBegan { .. });
                    self.after(ms, event);
                    if before_the_end {
                        self.after(12_400, ended(call, Outcome::LeftMessage));
                    }
                }
            }
            8 => {
                self.after(waited, overflowed(call, name));
                self.after(9_000, ended(call, Outcome::Overflowed));
            }
            _ => self.talk(dice, name, waited),
        }
    }

    fn talk(&mut self, dice: &mut Dice, name: &str, waited: u64) {
        let (call, id) = (self.call, CallId(self.call));
        let by = format!("{}", 1_001 + dice.below(5));
        let file = format!("{call:06}.wav");
        let ready = |work| seat_changed(&by, Intent::Ready, work, Some(call));
        self.after(waited, answered(call, &by, name, waited));
        self.after(0, ready(Work::Talking));
        self.after(
            1,
            Event::RecordingStarted {
                call: id,
                file: file.clone(),
            },
        );
        let talk_ms = dice.below(300_000);
        let released_by = [ReleasedBy::Agent, ReleasedBy::Caller][dice.below(2) as usize];
        let over = Event::TalkEnded {
            call: id,
            seat: seat(&by),
            talk_ms,
            hold_ms: 0,
            released_by,
        };
        self.after(talk_ms, over);
        self.after(0, ready(Work::WrapUp));
        self.after(
            20,
            Event::RecordingClosed {
                call: id,
                file,
                ms: talk_ms,
                sha256: "00".repeat(32),
            },
        );
        if released_by == ReleasedBy::Agent {
            self.after(
                50,
                Event::SurveyOffered {
                    call: id,
                    seat: seat(&by),
                },
            );
            match dice.below(4) {
                0 => self.after(
                    6_000,
                    Event::SurveyUnanswered {
                        call: id,
                        seat: seat(&by),
                    },
                ),
                key => {
                    let meaning = ["satisfied", "fair", "dissatisfied"][key as usize - 1].into();
                    let digit = char::from(b'0' + key as u8);
                    let (call, seat) = (id, seat(&by));
                    self.after(
                        2_000,
                        Event::SurveyAnswered {
                            call,
                            seat,
                            digit,
                            meaning,
                        },
                    );
                }
            }
        }
        self.after(10, ended(call, Outcome::Answered));
    }
}
