//! Events for tests: one of each kind, and whole days of calls from a seed.

use hotline_model::{
    CallId, QueueId, ScriptId, SeatId, Timestamp, TrunkId,
    event::{Event, Outcome, ReleasedBy, Stamped},
    seat::{Device, Intent, OfferResult, Reason, Work},
};

use crate::{Record, journal::Hash};

/// 2026-11-21 15:30:12.000 in China.
pub(crate) const NOON: i64 = 1_795_246_212_000;

pub(crate) fn seat(name: &str) -> SeatId {
    SeatId::new(name).unwrap()
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
        Event::SeatDeviceChanged {
            seat: seat("1001"),
            device: Device::Registered,
            detail: "sip:1001@192.0.2.7:5060;transport=tcp".into(),
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
        ended(3, Outcome::Failed),
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
