//! What happened, in the past tense: the journal's contract. Version 1.
//!
//! An event is written once and never changed. Adding a variant or an optional field is
//! compatible; renaming or removing one is not, and needs a new version.

use serde::{Deserialize, Serialize};

use crate::{
    CallId, Instant, PhoneId, QueueId, ScriptId, SeatId, Timestamp, TrunkId,
    change::ItemChange,
    floor::Input,
    guest::{GuestMode, GuestName},
    request::Request,
    seat::{Device, Intent, OfferResult, Work},
    task::{TaskEnd, TaskResult, TaskRules},
};

/// Version of the event schema, written into each journal segment's header.
pub const EVENT_VERSION: u32 = 1;

/// An event with its two clocks. The journal adds the sequence number and the hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped {
    /// Wall-clock time.
    pub at: Timestamp,
    /// Monotonic time: milliseconds since the engine's start. Durations between two events of one
    /// run are differences of this, whatever the wall clock did.
    pub up_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A side of a call, as its sound is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// 市民
    Caller,
    /// 话务员, or whoever is called in the agent's stead.
    Agent,
    /// Whoever takes part beside caller and agent.
    Guest,
}

/// Who released a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleasedBy {
    /// 市民 hung up.
    Caller,
    /// 话务员, or whoever outside took the caller over from one, hung up.
    Agent,
    /// The script, a limit or the survey's end: the engine hung up by rule.
    Engine,
    /// The carrier or the network: transport failure, media lost, session expired.
    Network,
}

/// How a talk went to another seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferKind {
    /// 盲转: the first seat named the second and was rid of the call.
    Blind,
    /// 咨询转: the two seats talked first.
    Attended,
    /// 抢接: a supervisor took the place of the seat, which was not asked.
    TakeOver,
}

/// What somebody says to the engine, for a human to hear later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// 留言: said in place of a talk.
    Voicemail,
    /// 评价留言: said about a talk, after the score.
    Remark,
}

/// How a message came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageEnd {
    /// The caller pressed a key.
    Key,
    /// The time that the script gives passed.
    Time,
    /// The caller hung up.
    HangUp,
    /// The carrier or the network took the caller away.
    Network,
    /// The engine stopped in the middle, or met a fault of its own.
    Interrupted,
}

/// How a call ended, one word for the statistics. Each call ends exactly once with one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A human answered.
    Answered,
    /// The caller left while waiting for a human (queue or ringing seat).
    Abandoned,
    /// The caller left in the menu, before asking for a human.
    LeftMenu,
    /// The caller left a message of a second or more, and talked with no human: not answered.
    LeftMessage,
    /// The longest wait of the queue passed.
    TimedOut,
    /// The call left its queue by an overflow rule, for a script or a number outside, and no seat
    /// answered it.
    Overflowed,
    /// The queue was full, closed or unknown: the caller was told so and released.
    Refused,
    /// The call was never answered by the engine: rejected or cancelled before the answer.
    Rejected,
    /// The caller asked to be called back, and could not be reached.
    Unreached,
    /// The caller asked to be called back, and rang again before: the later call stands at the place,
    /// and what becomes of the request is told of that one.
    RangAgain,
    /// Our fault, or the carrier's: media or transport failed before a human answered.
    Failed,
    /// The engine stopped in mid-call; written by the next start.
    Interrupted,
}

/// Whether calls can pass by a trunk or one of its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrunkState {
    /// It answers.
    Up,
    /// Nothing was heard of it, and nothing was asked.
    #[default]
    Unknown,
    /// It does not answer, cannot be reached, or asked to be left alone.
    Down,
}

impl TrunkState {
    /// The state of a trunk: the best of its targets', unless its registration is worse.
    pub fn of(targets: impl IntoIterator<Item = Self>, registration: Option<Self>) -> Self {
        let best = targets.into_iter().min();
        best.max(registration).unwrap_or_default()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// The engine started. Seats and calls of an earlier run are gone.
    EngineStarted {
        /// Package version of the engine.
        version: String,
    },
    /// The engine stopped in an orderly way.
    EngineStopped {},
    /// Queues and seats as they were at the start.
    SettingsRead {
        /// SHA-256, hex, of the queues' and the seats' settings, which are kept under this name in
        /// the data folder.
        digest: String,
        /// How many queues.
        queues: usize,
        /// How many seats.
        seats: usize,
    },
    /// The queues and seats of the floor are these from now on; the first of a run begin it.
    FloorSet {
        /// When, ns since the engine's start.
        ns: Instant,
        /// SHA-256, hex, of the floor's settings, which are kept under this name in the data
        /// folder.
        digest: String,
        /// By which rules it decides: `hotline_acd::rules::DECISIONS` of that release.
        rules: u32,
    },
    /// The floor was told something. Its decisions follow from these words and the settings alone,
    /// so whoever has both can take each of them again.
    FloorTold {
        /// When, ns since the engine's start.
        ns: Instant,
        /// What.
        input: Input,
    },
    /// New settings are in force, without a restart. What follows from them comes behind.
    SettingsChanged {
        /// Who asked: `api:NAME`, `local:USER` or `signal`.
        by: String,
        /// As of [`Event::SettingsRead`].
        digest: String,
        /// The difference.
        changes: Vec<ItemChange>,
        /// Items that changed beside these: too many for a record.
        #[serde(default, skip_serializing_if = "is_zero")]
        more: usize,
    },

    /// A trunk's INVITE was taken in.
    CallArrived {
        /// The call.
        call: CallId,
        /// Where it came from; `None` for a call from a registered seat.
        trunk: Option<TrunkId>,
        /// Caller's number as received, normalised.
        caller: String,
        /// Dialled number, normalised.
        called: String,
        /// SIP Call-ID, to find the call in a carrier's log.
        sip_call_id: String,
        /// The caller asked that the number be kept from whoever answers (RFC 3323): no seat is
        /// shown it.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        withheld: bool,
    },
    /// An INVITE was refused before it became a call (KPI K1 and K14 count it where it came by a
    /// trunk).
    InviteRejected {
        /// Source address, `ip:port`.
        source: String,
        /// Trunk, where the source is one.
        trunk: Option<TrunkId>,
        /// Caller's number as received.
        caller: String,
        /// Dialled number as received.
        called: String,
        /// SIP status sent.
        status: u16,
        /// Why, in a few words.
        cause: String,
    },
    /// Requests were turned away unread in the last second: the engine was too busy, or somebody
    /// asked too much (KPI K1 and K14 count a trunk's invitations).
    RequestsTurnedAway {
        /// The trunk they came by; `None`: from seats and strangers.
        trunk: Option<TrunkId>,
        /// Invitations among them.
        invites: u64,
        /// Everything else.
        others: u64,
        /// Why, in a few words.
        cause: String,
    },
    /// An address is not listened to for a while.
    SourceBanned {
        /// The address; of IPv6 the network.
        source: String,
        /// For how long, seconds.
        for_s: u64,
        /// Why, in a few words.
        cause: String,
    },
    /// The engine met a fault of its own. Where it was one call's, that call is over and all
    /// others go on.
    FaultCaught {
        /// The call it belonged to.
        call: Option<CallId>,
        /// What it says of itself.
        fault: String,
    },
    /// The engine answered (200 sent).
    CallAnswered {
        /// The call.
        call: CallId,
    },
    /// A script began for the call.
    ScriptStarted {
        /// The call.
        call: CallId,
        /// The script.
        script: ScriptId,
        /// SHA-256 of the script's text, first 16 hex digits.
        version: String,
    },
    /// The caller chose in a menu, or said nothing until its time ran out.
    MenuChosen {
        /// The call.
        call: CallId,
        /// The menu step's name.
        menu: String,
        /// The key, or `None` when the time ran out.
        digit: Option<char>,
    },
    /// The caller asked for a human and stands in a queue.
    QueueEntered {
        /// The call.
        call: CallId,
        /// The queue.
        queue: QueueId,
        /// Priority, 0 (first) to 9.
        priority: u8,
        /// Place at entry, 1 is next.
        position: u32,
    },
    /// The caller is known: called before within the queue's window, or talked with a seat. Comes
    /// before the first entry into a queue.
    CallerRecognised {
        /// The call.
        call: CallId,
        /// The queue asked for, whose window it is.
        queue: QueueId,
        /// Calls of the number within the window, this one included.
        calls: u32,
        /// The window, hours.
        within_h: u64,
        /// The seat that talked with the caller last within the window.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seat: Option<SeatId>,
    },
    /// The queue did not take the call (full, closed).
    QueueRefused {
        /// The call.
        call: CallId,
        /// The queue.
        queue: QueueId,
        /// Why, in a few words.
        cause: String,
    },
    /// The call left a queue by one of its overflow rules, or was sent on by a full one before it
    /// entered.
    QueueOverflowed {
        /// The call.
        call: CallId,
        /// The queue.
        queue: QueueId,
        /// Where it goes: `queue:ID`, `script:NAME` or `outside:NUMBER`.
        to: String,
        /// Why, in a few words a supervisor understands.
        why: String,
    },
    /// The caller asked to be called back and hung up: the call stands on in the queue, at its place,
    /// with nobody on the line.
    CallbackRequested {
        /// The call.
        call: CallId,
        /// The number to be called.
        number: String,
        /// The queue it stands in.
        queue: QueueId,
        /// Priority, 0 (first) to 9.
        priority: u8,
        /// How often the caller is called at most.
        attempts: u8,
        /// From an attempt that reached nobody to when the place counts again, seconds.
        retry_after_s: u64,
        /// How long the call stands there at most, seconds.
        keep_s: u64,
        /// The language the caller is spoken to, `zh` or `en`.
        language: String,
        /// For how long the place counts by now, ms: of who rang again since the first call's entry. 0
        /// in journals of before: since the call's own entry.
        #[serde(default, skip_serializing_if = "is_nothing")]
        in_line_ms: u64,
    },
    /// A callback that was asked for cannot come.
    CallbackRefused {
        /// The call.
        call: CallId,
        /// Why, in a few words.
        cause: String,
    },
    /// The engine started anew and stands the call in line again.
    CallbackRestored {
        /// The call.
        call: CallId,
        /// The caller's number as in `CallArrived`; empty where it was withheld.
        caller: String,
        /// The number that was dialled.
        called: String,
        /// The queue it stands in.
        queue: QueueId,
        /// Priority, 0 (first) to 9.
        priority: u8,
        /// Attempts made so far.
        attempts: u8,
        /// Since its INVITE, ms.
        lived_ms: u64,
    },
    /// A seat answered for the call, and the caller is called.
    CallbackDialled {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// Which attempt, 1 is the first.
        attempt: u8,
    },
    /// The attempt reached nobody; the seat is free.
    CallbackFailed {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// Which attempt.
        attempt: u8,
        /// Why, in a few words.
        cause: String,
        /// When the place counts again, seconds from now; `None`: it was the last attempt.
        again_after_s: Option<u64>,
        /// The number itself decided nothing (no trunk brought the call there, the seat hung up
        /// before): the next attempt is this one again.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        not_counted: bool,
    },
    /// The caller answered: what follows is a talk like any other.
    CallbackReached {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// Which attempt.
        attempt: u8,
        /// Since the callback was asked for, ms.
        since_requested_ms: u64,
    },
    /// A supervisor gave a waiting call another priority.
    CallPrioritised {
        /// The call.
        call: CallId,
        /// The priority from now on, 0 (first) to 9.
        priority: u8,
        /// Who: `api:USER`.
        by: String,
    },
    /// A supervisor moved a waiting call to another queue; it keeps its arrival.
    CallMoved {
        /// The call.
        call: CallId,
        /// The queue it left.
        from: QueueId,
        /// The queue it stands in now.
        to: QueueId,
        /// Who: `api:USER`.
        by: String,
    },
    /// A supervisor gave a waiting call to a seat, which is rung for it.
    CallPicked {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// Who: `api:USER`.
        by: String,
    },
    /// A seat was matched to the call and is being rung.
    SeatOffered {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// The queue.
        queue: QueueId,
        /// Why this seat, in a few words a supervisor understands.
        why: String,
    },
    /// The offer ended.
    OfferEnded {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// How.
        result: OfferResult,
        /// Time from offer to end, ms.
        rang_ms: u64,
    },
    /// A phone of the seat sent the caller elsewhere (3xx). It is never followed.
    OfferRedirected {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// `redirected to` and the number, masked.
        detail: String,
    },
    /// A human answered. Waits are measured three ways (kpi.md, Clocks).
    SeatAnswered {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// The queue it came from.
        queue: QueueId,
        /// Wait since the trunk's INVITE, ms.
        since_arrival_ms: u64,
        /// Wait since the end of the menu, ms.
        since_menu_ms: u64,
        /// Wait since the queue was entered, ms.
        since_queue_ms: u64,
    },
    /// The agent's number was announced to the caller (报工号).
    SeatAnnounced {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// Both sides hear each other.
    TalkStarted {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// One side put the other on hold.
    TalkHeld {
        /// The call.
        call: CallId,
        /// Who held.
        by: ReleasedBy,
    },
    /// The held talk went on.
    TalkResumed {
        /// The call.
        call: CallId,
        /// Who resumed.
        by: ReleasedBy,
    },
    /// The caller went from one seat to another, back into a queue, or outside.
    TalkTransferred {
        /// The call.
        call: CallId,
        /// The seat that gave the caller on, or from which the caller was taken.
        from: SeatId,
        /// Who takes the caller: a seat's number, `queue:NAME`, or `outside:NUMBER`.
        to: String,
        /// How.
        kind: TransferKind,
    },
    /// A transfer did not come about.
    TransferFailed {
        /// The call.
        call: CallId,
        /// The seat that wanted to give the caller on.
        from: SeatId,
        /// To whom, written as in `TalkTransferred`.
        to: String,
        /// Why, in a few words.
        cause: String,
        /// Whether the caller talks with `from` again; else the caller is back in the queue.
        back: bool,
    },
    /// A seat dialled another seat and was answered (内部咨询).
    ConsultStarted {
        /// Who dialled.
        from: SeatId,
        /// Who answered.
        to: SeatId,
    },
    /// The talk of two seats is over; also the end of one that was never answered.
    ConsultEnded {
        /// Who dialled.
        from: SeatId,
        /// Who was dialled.
        to: SeatId,
        /// Length of the talk, ms; 0: nobody answered.
        talk_ms: u64,
        /// Why, in a few words.
        cause: String,
    },
    /// A further seat's phone is rung, or a number outside called, to take part in a talk.
    GuestCalled {
        /// The call.
        call: CallId,
        /// The seat that talks with the caller.
        seat: SeatId,
        /// Who is rung.
        guest: GuestName,
        /// How it is to take part.
        mode: GuestMode,
    },
    /// The guest answered and takes part.
    GuestJoined {
        /// The call.
        call: CallId,
        /// Who.
        guest: GuestName,
        /// How it takes part.
        mode: GuestMode,
    },
    /// The guest takes part, or is rung to, in another way from now on.
    GuestModeChanged {
        /// The call.
        call: CallId,
        /// Who.
        guest: GuestName,
        /// How it takes part now.
        mode: GuestMode,
    },
    /// The guest takes part no more; also the end of one that never answered.
    GuestLeft {
        /// The call.
        call: CallId,
        /// Who.
        guest: GuestName,
        /// How it took part last.
        mode: GuestMode,
        /// Why, in a few words.
        cause: String,
    },
    /// A guest whose first word was waited for has said it: the agent may leave.
    GuestSpoke {
        /// The call.
        call: CallId,
        /// Who.
        guest: GuestName,
    },
    /// A guest whose first word was waited for said none for so long: the agent may leave all the same.
    GuestSilent {
        /// The call.
        call: CallId,
        /// Who.
        guest: GuestName,
        /// Since its answer, seconds.
        after_s: u64,
    },
    /// Nobody was heard at that side of the talk since it began, for so long.
    PartySilent {
        /// The call.
        call: CallId,
        /// The seat that talks.
        seat: SeatId,
        /// Caller or agent.
        party: Party,
        /// Since the talk began, seconds.
        after_s: u64,
    },
    /// Nothing of the talk is recorded from here on, until it is resumed.
    RecordingPaused {
        /// The call.
        call: CallId,
        /// Through what: `api:NAME`.
        by: String,
        /// Why, in the words of who asked.
        reason: String,
    },
    /// The talk is recorded again.
    RecordingResumed {
        /// The call.
        call: CallId,
        /// Through what: `api:NAME`; `engine` where the talk ended before.
        by: String,
        /// Why, in the words of who asked.
        reason: String,
    },
    /// The caller enters a card's number: nobody hears the caller's sound or keys, and nothing is
    /// recorded.
    CardEntryBegan {
        /// The call.
        call: CallId,
        /// Through what: `api:NAME`.
        by: String,
    },
    /// The caller is heard again.
    CardEntryEnded {
        /// The call.
        call: CallId,
        /// Through what: `api:NAME`; `engine` where the talk ended before.
        by: String,
    },
    /// Recording began.
    RecordingStarted {
        /// The call.
        call: CallId,
        /// File name inside the recordings folder.
        file: String,
    },
    /// Recording ended and the file is complete.
    RecordingClosed {
        /// The call.
        call: CallId,
        /// File name inside the recordings folder.
        file: String,
        /// Length of the sound, ms.
        ms: u64,
        /// SHA-256 of the file as it lies on the disk, hex: of a sealed recording that of the
        /// sealed bytes, so that it can be checked without the key.
        sha256: String,
    },
    /// The caller is being recorded alone: a voicemail, or a remark after the score.
    MessageBegan {
        /// The call.
        call: CallId,
        /// Which one of the call, from 1.
        message: u32,
        /// File name inside the recordings folder.
        file: String,
        /// What it is.
        kind: MessageKind,
        /// The queue the caller waited in last, without an answer.
        queue: Option<QueueId>,
        /// The seat that a remark is about.
        seat: Option<SeatId>,
    },
    /// The message is complete and on the disk. One whose file could not be written ends with
    /// `RecordingFailed` instead.
    MessageLeft {
        /// The call.
        call: CallId,
        /// Which one of the call.
        message: u32,
        /// File name inside the recordings folder.
        file: String,
        /// What it is.
        kind: MessageKind,
        /// The queue the caller waited in last, without an answer.
        queue: Option<QueueId>,
        /// The seat that a remark is about.
        seat: Option<SeatId>,
        /// Length of the sound, ms.
        ms: u64,
        /// SHA-256 of the file as it lies on the disk, hex, as of a recording.
        sha256: String,
        /// How it came to its end.
        ended: MessageEnd,
    },
    /// Somebody fetched a message to listen to it: in the journal before the first byte leaves, as
    /// for a recording.
    MessageHeard {
        /// The call.
        call: CallId,
        /// Which one of the call.
        message: u32,
        /// File name inside the recordings folder.
        file: String,
        /// User name.
        by: String,
    },
    /// What the message asked for was done.
    MessageSettled {
        /// The call.
        call: CallId,
        /// Which one of the call.
        message: u32,
        /// User name.
        by: String,
        /// What was done, in the words of who did it; may be empty.
        note: String,
    },
    /// A recording could not be written (disk full, slow, gone): the call went on without it.
    RecordingFailed {
        /// The call.
        call: CallId,
        /// File name inside the recordings folder.
        file: String,
        /// Why, in a few words.
        cause: String,
    },
    /// A leg of a call was closed on which sound was heard: how good it was.
    SoundMeasured {
        /// The call.
        call: CallId,
        /// Who spoke.
        party: Party,
        /// The guest, where one spoke.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guest: Option<GuestName>,
        /// How the guest took part last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<GuestMode>,
        /// RTP packets that came.
        received: u64,
        /// RTP packets that never came (RFC 3550 §6.4.1).
        lost: u64,
        /// Interarrival jitter at the end, µs.
        jitter_us: u32,
        /// Round trip, µs; `None` when the peer sent no RTCP that tells it.
        round_trip_us: Option<u32>,
        /// Mean opinion score, hundredths: 100 bad to 441 (ITU-T G.107, narrow band).
        score: u16,
    },
    /// Somebody fetched a recording to listen to it (PIPL: access is recorded). In the journal
    /// before the first byte leaves; each range that a player asks for is fetched anew.
    RecordingFetched {
        /// The call.
        call: CallId,
        /// File name inside the recordings folder.
        file: String,
        /// User name.
        by: String,
    },
    /// Less room is left for recordings than `keep_free_mb` of the configuration; told once.
    RecordingSpaceLow {
        /// Free, megabytes.
        free_mb: u64,
        /// What should be free, megabytes.
        keep_free_mb: u64,
    },
    /// Recordings lack sound, because their disk did not follow; told every two seconds at most.
    RecordingSoundLost {
        /// Blocks of up to 20 ms of one voice, since it was last told.
        blocks: u64,
    },
    /// The disk of the recordings takes nothing: sound waits in memory, and is lost when that is
    /// full. Told once.
    RecordingDiskStalled {
        /// For how long it took nothing until now, ms.
        for_ms: u64,
    },
    /// The disk of the recordings takes sound again.
    RecordingDiskFollowed {
        /// For how long it took nothing, ms.
        after_ms: u64,
    },
    /// There is room for recordings again.
    RecordingSpaceRegained {
        /// Free, megabytes.
        free_mb: u64,
    },
    /// The talk ended.
    TalkEnded {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// From the bridge to the release, ms; hold included.
        talk_ms: u64,
        /// On hold, ms.
        hold_ms: u64,
        /// Who released.
        released_by: ReleasedBy,
    },
    /// The caller was asked for a score (触发).
    SurveyOffered {
        /// The call.
        call: CallId,
        /// The seat that is scored.
        seat: SeatId,
    },
    /// The caller gave a score (参评).
    SurveyAnswered {
        /// The call.
        call: CallId,
        /// The seat that is scored.
        seat: SeatId,
        /// The key pressed, from the caller's leg only.
        digit: char,
        /// What the script says the key means, e.g. `satisfied`.
        meaning: String,
    },
    /// The caller gave no score before the time ran out or the caller left.
    SurveyUnanswered {
        /// The call.
        call: CallId,
        /// The seat that would have been scored.
        seat: SeatId,
    },
    /// The call is over. Written exactly once for each `CallArrived`.
    CallEnded {
        /// The call.
        call: CallId,
        /// One word for the statistics.
        outcome: Outcome,
        /// Who released.
        released_by: ReleasedBy,
        /// Why, in a few words; a SIP status where there was one.
        cause: String,
        /// From the INVITE to the end, ms.
        total_ms: u64,
    },

    /// A seat dials a number outside. Such a call is no inbound call: it ends with `DialEnded`,
    /// and no figure of the hotline counts it.
    CallDialled {
        /// The call.
        call: CallId,
        /// Who dials.
        seat: SeatId,
        /// The number.
        called: String,
        /// SIP Call-ID of the seat's INVITE; empty where the seat was rung first.
        sip_call_id: String,
        /// What for, in the words of whoever asked; the seat was rung first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        purpose: Option<String>,
    },
    /// A seat may not dial the number, or cannot now: there is no call.
    DialRejected {
        /// Who dialled.
        seat: SeatId,
        /// The number.
        called: String,
        /// SIP status sent.
        status: u16,
        /// Why, in a few words.
        cause: String,
    },
    /// An outside number is called through a trunk: for a seat, to transfer a caller, or to take
    /// part in a talk.
    TrunkTried {
        /// The call.
        call: CallId,
        /// The trunk.
        trunk: TrunkId,
        /// Its target.
        target: String,
        /// The number.
        called: String,
        /// It is to take part in a talk as a guest.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        for_guest: bool,
    },
    /// The trunk did not bring the call there. Another may be tried.
    TrunkFailed {
        /// The call.
        call: CallId,
        /// The trunk.
        trunk: TrunkId,
        /// The SIP status; 408 and 503 without a response, too.
        status: u16,
        /// Why, in a few words.
        cause: String,
        /// It was to take part in a talk as a guest.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        for_guest: bool,
    },
    /// The outside number answered.
    OutsideAnswered {
        /// The call.
        call: CallId,
        /// The trunk.
        trunk: TrunkId,
        /// From the first try to the answer, ms.
        since_dialled_ms: u64,
        /// It takes part in a talk as a guest.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        for_guest: bool,
    },
    /// The call of a seat to a number outside is over. Written exactly once for each `CallDialled`.
    DialEnded {
        /// The call.
        call: CallId,
        /// One word: `answered`, `abandoned` (by the seat), `refused` (by the number called),
        /// `failed` (no trunk), `interrupted`.
        outcome: Outcome,
        /// Who released; `caller` is the number called.
        released_by: ReleasedBy,
        /// Why, in a few words.
        cause: String,
        /// From the answer to the end, ms; hold included.
        talk_ms: u64,
        /// On hold, ms.
        hold_ms: u64,
        /// From the seat's INVITE to the end, ms.
        total_ms: u64,
    },
    /// A trunk's target, or the registration at a carrier, came up or went down.
    TrunkStateChanged {
        /// The trunk.
        trunk: TrunkId,
        /// The target, as `UDP 192.0.2.1:5060`; `register` before it for the registration.
        target: String,
        /// How it is now.
        state: TrunkState,
        /// Why, in a few words.
        detail: String,
    },

    /// The next quarter of an hour of a queue was forecast (Erlang A), and is another than before.
    StaffingForecast {
        /// The queue.
        queue: QueueId,
        /// Seats at work for it.
        serving: u32,
        /// Seats that reach its target; `None`: not known, because nobody is at work or too few
        /// callers were seen.
        needed: Option<u32>,
        /// Share of the callers that will be answered with the seats of now, thousandths.
        answered_permille: Option<u16>,
        /// Share that will be answered within the queue's threshold, thousandths.
        in_time_permille: Option<u16>,
    },
    /// A queue will miss its target in the next quarter of an hour, unless seats join.
    ServiceLevelAlerted {
        /// The queue.
        queue: QueueId,
        /// Seats at work for it.
        serving: u32,
        /// Seats that reach its target; `None`: not known; nobody is at work, or too few callers
        /// were seen.
        needed: Option<u32>,
        /// Share of the callers that will be answered with the seats of now, thousandths.
        answered_permille: Option<u16>,
        /// Share that should be, thousandths.
        answered_target_permille: u16,
        /// Share that will be answered within the queue's threshold, thousandths.
        in_time_permille: Option<u16>,
        /// Share that should be, thousandths; 0: does not matter.
        in_time_target_permille: u16,
    },
    /// The queue will reach its target again.
    ServiceLevelRecovered {
        /// The queue.
        queue: QueueId,
        /// Since the alert, ms.
        lasted_ms: u64,
    },

    /// A seat's phone registered, re-registered at another address, or went away.
    SeatDeviceChanged {
        /// The seat.
        seat: SeatId,
        /// Reachable or not.
        device: Device,
        /// Why or where: contact address, `expired`, `unregistered`.
        detail: String,
    },
    /// A seat's state changed: the seat ledger is the sum of these intervals.
    SeatChanged {
        /// The seat.
        seat: SeatId,
        /// What the agent wants.
        #[serde(flatten)]
        intent: Intent,
        /// What the seat does.
        work: Work,
        /// The call it does it for.
        call: Option<CallId>,
    },
    /// Somebody wants a number's calls served no more (malicious disruption). Nothing follows before
    /// another person approves it.
    BlockProposed {
        /// The block, counted up.
        block: u64,
        /// Whose calls.
        number: String,
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
        /// User name.
        by: String,
        /// The citizen withheld the number: nobody is shown any of it.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        withheld: bool,
    },
    /// Another person approved it: it is in force.
    BlockApproved {
        /// The block.
        block: u64,
        /// User name.
        by: String,
    },
    /// A proposal was refused.
    BlockRefused {
        /// The block.
        block: u64,
        /// User name.
        by: String,
        /// Why.
        reason: String,
    },
    /// A block that was in force is no more.
    BlockLifted {
        /// The block.
        block: u64,
        /// User name.
        by: String,
        /// Why.
        reason: String,
    },
    /// The block's time is over, or nobody approved it for too long.
    BlockExpired {
        /// The block.
        block: u64,
    },
    /// A call of a blocked number was not served: rejected, which `InviteRejected` tells beside this
    /// (KPI K1 counts it), or answered by the script for such callers.
    CallerBlocked {
        /// The block.
        block: u64,
        /// The call, where the script answers it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<CallId>,
    },
    /// The rules of the task list from here on; said at each start and when they change.
    TaskRulesSet {
        /// The rules.
        #[serde(flatten)]
        rules: TaskRules,
    },
    /// A supervisor wants a citizen called (回访). The task's number is this record's. It is nothing
    /// where the citizen is to be called for that reason already. A missed call puts itself on the
    /// list, without an event.
    TaskAdded {
        /// Whom to call.
        number: String,
        /// What about.
        note: String,
        /// When it should be done.
        due_at: Timestamp,
        /// User name.
        by: String,
    },
    /// A seat takes a task and is shown whom to call. It is nothing where another seat has it, or
    /// its time has not come.
    TaskTaken {
        /// The task.
        task: u64,
        /// The seat.
        seat: SeatId,
        /// User name.
        by: String,
    },
    /// The seat that took the task lets go of it: it is open again.
    TaskLetGo {
        /// The task.
        task: u64,
        /// The seat.
        seat: SeatId,
        /// User name.
        by: String,
    },
    /// Somebody closed a task.
    TaskClosed {
        /// The task.
        task: u64,
        /// What it is closed as.
        end: TaskEnd,
        /// User name.
        by: String,
        /// Why, in the words of who closed it.
        reason: String,
    },
    /// A seat entered what came of a follow-up. It is nothing where the seat neither has the task nor
    /// reached its citizen within the last [`TASK_RESULT_HOURS`](crate::limits::TASK_RESULT_HOURS).
    TaskResultEntered {
        /// The task.
        task: u64,
        /// The seat.
        seat: SeatId,
        /// User name.
        by: String,
        /// What came of it.
        result: TaskResult,
        /// How content, 1 (not at all) to 5.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        score: Option<u8>,
        /// What was said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        remark: String,
    },
    /// A supervisor was shown whole whom a task is to call.
    TaskRevealed {
        /// The task.
        task: u64,
        /// User name.
        by: String,
        /// Why, in the words of who asked.
        reason: String,
    },
    /// The seat that has the task was shown whole whom to call, once more.
    TaskShown {
        /// The task.
        task: u64,
        /// The seat.
        seat: SeatId,
        /// User name.
        by: String,
    },
    /// The page of an agent whose phone is in the browser is cut off: the seat is offered no call.
    SeatDeskLost {
        /// The seat.
        seat: SeatId,
        /// Since its page's live stream ended, ms.
        after_ms: u64,
    },
    /// The page is back, or the seat is reached by another phone.
    SeatDeskBack {
        /// The seat.
        seat: SeatId,
        /// Since its page's live stream ended, ms.
        lost_ms: u64,
    },
    /// A shared phone registered, re-registered at another address, or went away.
    PhoneDeviceChanged {
        /// The phone.
        phone: PhoneId,
        /// Reachable or not.
        device: Device,
        /// Why or where, as of [`Event::SeatDeviceChanged`].
        detail: String,
    },
    /// An agent logged in at a shared phone: it is the seat's until it is given back.
    SeatLentPhone {
        /// The seat.
        seat: SeatId,
        /// The phone.
        phone: PhoneId,
    },
    /// The shared phone is the seat's no more.
    SeatGavePhoneBack {
        /// The seat.
        seat: SeatId,
        /// The phone.
        phone: PhoneId,
        /// Why, in a few words.
        why: String,
    },
    /// Somebody at a shared phone was not let in.
    PhoneLogInRefused {
        /// The phone.
        phone: PhoneId,
        /// The seat that was asked for, where there is one of that number.
        seat: Option<SeatId>,
        /// Why, in a few words.
        why: String,
    },
    /// After too many wrong PINs nobody is let in for a while: at this phone, or as this seat.
    PhoneLogInLocked {
        /// The phone at which it was tried last.
        phone: PhoneId,
        /// The seat that is locked; `None`: the phone is.
        seat: Option<SeatId>,
        /// For how long, seconds.
        for_s: u64,
    },
    /// Somebody signed in to the pages.
    PageSignedIn {
        /// User name.
        user: String,
        /// The agent's seat.
        seat: Option<SeatId>,
        /// Address it was done from.
        from: String,
        /// Sessions of the same user that ended by it: they were taken over.
        ended: usize,
    },
    /// Somebody with the right password was not let in, because the user was signed in already.
    PageSignInRefused {
        /// User name.
        user: String,
        /// Address it was tried from.
        from: String,
    },
    /// A seat's request was carried out or refused (star code, page, API).
    SeatRequested {
        /// The seat.
        seat: SeatId,
        /// What was asked, e.g. `ready`, `not-ready meal`.
        request: String,
        /// Through what: `phone`, `api:NAME`; `restart`: an earlier run's, which still holds.
        through: String,
        /// Whether it was carried out.
        done: bool,
    },
}

fn is_nothing(ms: &u64) -> bool {
    *ms == 0
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Event {
    /// Whether it is kept for audits alone: the journal has it, and no page, list or stream.
    pub const fn is_for_audit(&self) -> bool {
        matches!(self, Self::FloorSet { .. } | Self::FloorTold { .. })
    }

    /// Whether an agent at `own` seat may be told. Nothing may tell of a supervisor who only listens,
    /// or is about to take a caller over: not who was called, not what was asked, not how good that
    /// sound was, and not that a phone was busy meanwhile. What another seat does is on the
    /// wallboard, as far as agents see it there.
    pub fn is_for_agent(&self, own: Option<SeatId>) -> bool {
        match self {
            Self::GuestCalled { mode, .. }
            | Self::GuestJoined { mode, .. }
            | Self::GuestModeChanged { mode, .. }
            | Self::GuestLeft { mode, .. } => !mode.is_silent(),
            Self::SoundMeasured {
                party: Party::Guest,
                mode,
                ..
            } => mode.is_some_and(|mode| !mode.is_silent()),
            // The phone that redirects may be a silent guest's.
            Self::OfferRedirected { seat, .. } => own == Some(*seat),
            Self::SeatRequested { request, .. } => Request::is_open(request),
            // For a call of the floor's no phone is busy in silence.
            Self::SeatChanged { seat, call, .. } => call.is_some() || own == Some(*seat),
            // That an agent said nothing is for supervisors.
            Self::PartySilent { party, .. } => *party == Party::Caller,
            // What a caller says about an agent, and what becomes of it, is the supervisors' alone.
            Self::MessageBegan { kind, .. } | Self::MessageLeft { kind, .. } => {
                *kind != MessageKind::Remark
            }
            Self::MessageHeard { .. } | Self::MessageSettled { .. } => false,
            // Who signed in from where, and how the house is set up.
            Self::PageSignedIn { .. }
            | Self::PageSignInRefused { .. }
            | Self::PhoneLogInRefused { .. }
            | Self::PhoneLogInLocked { .. }
            | Self::SettingsRead { .. }
            | Self::SettingsChanged { .. }
            | Self::FloorSet { .. }
            | Self::FloorTold { .. } => false,
            // What a citizen said of the house; whoever entered it sees it in the task.
            Self::TaskResultEntered { seat, .. } => own == Some(*seat),
            // Who was shown whose number.
            Self::TaskRulesSet { .. }
            | Self::TaskShown { .. }
            | Self::TaskRevealed { .. }
            | Self::BlockProposed { .. }
            | Self::BlockApproved { .. }
            | Self::BlockRefused { .. }
            | Self::BlockLifted { .. }
            | Self::BlockExpired { .. }
            | Self::CallerBlocked { .. } => false,
            _ => true,
        }
    }

    /// The call the event belongs to.
    pub fn call(&self) -> Option<CallId> {
        match *self {
            Self::CallArrived { call, .. }
            | Self::CallAnswered { call }
            | Self::ScriptStarted { call, .. }
            | Self::MenuChosen { call, .. }
            | Self::QueueEntered { call, .. }
            | Self::CallerRecognised { call, .. }
            | Self::QueueRefused { call, .. }
            | Self::QueueOverflowed { call, .. }
            | Self::CallbackRequested { call, .. }
            | Self::CallbackRefused { call, .. }
            | Self::CallbackRestored { call, .. }
            | Self::CallbackDialled { call, .. }
            | Self::CallbackFailed { call, .. }
            | Self::CallbackReached { call, .. }
            | Self::CallPrioritised { call, .. }
            | Self::CallMoved { call, .. }
            | Self::CallPicked { call, .. }
            | Self::SeatOffered { call, .. }
            | Self::OfferEnded { call, .. }
            | Self::OfferRedirected { call, .. }
            | Self::SeatAnswered { call, .. }
            | Self::SeatAnnounced { call, .. }
            | Self::TalkStarted { call, .. }
            | Self::TalkHeld { call, .. }
            | Self::TalkResumed { call, .. }
            | Self::TalkTransferred { call, .. }
            | Self::TransferFailed { call, .. }
            | Self::GuestCalled { call, .. }
            | Self::GuestJoined { call, .. }
            | Self::GuestModeChanged { call, .. }
            | Self::GuestLeft { call, .. }
            | Self::GuestSpoke { call, .. }
            | Self::GuestSilent { call, .. }
            | Self::PartySilent { call, .. }
            | Self::RecordingPaused { call, .. }
            | Self::RecordingResumed { call, .. }
            | Self::CardEntryBegan { call, .. }
            | Self::CardEntryEnded { call, .. }
            | Self::RecordingStarted { call, .. }
            | Self::RecordingClosed { call, .. }
            | Self::RecordingFailed { call, .. }
            | Self::MessageBegan { call, .. }
            | Self::MessageLeft { call, .. }
            | Self::MessageHeard { call, .. }
            | Self::MessageSettled { call, .. }
            | Self::SoundMeasured { call, .. }
            | Self::RecordingFetched { call, .. }
            | Self::TalkEnded { call, .. }
            | Self::SurveyOffered { call, .. }
            | Self::SurveyAnswered { call, .. }
            | Self::SurveyUnanswered { call, .. }
            | Self::CallDialled { call, .. }
            | Self::TrunkTried { call, .. }
            | Self::TrunkFailed { call, .. }
            | Self::OutsideAnswered { call, .. }
            | Self::DialEnded { call, .. }
            | Self::CallEnded { call, .. } => Some(call),
            Self::SeatChanged { call, .. }
            | Self::FaultCaught { call, .. }
            | Self::CallerBlocked { call, .. } => call,
            Self::EngineStarted { .. }
            | Self::EngineStopped {}
            | Self::SettingsRead { .. }
            | Self::SettingsChanged { .. }
            | Self::FloorSet { .. }
            | Self::FloorTold { .. }
            | Self::InviteRejected { .. }
            | Self::RequestsTurnedAway { .. }
            | Self::SourceBanned { .. }
            | Self::RecordingSoundLost { .. }
            | Self::RecordingSpaceLow { .. }
            | Self::RecordingDiskStalled { .. }
            | Self::RecordingDiskFollowed { .. }
            | Self::RecordingSpaceRegained { .. }
            | Self::DialRejected { .. }
            | Self::TrunkStateChanged { .. }
            | Self::SeatDeviceChanged { .. }
            | Self::SeatDeskLost { .. }
            | Self::SeatDeskBack { .. }
            | Self::PhoneDeviceChanged { .. }
            | Self::SeatLentPhone { .. }
            | Self::SeatGavePhoneBack { .. }
            | Self::PhoneLogInRefused { .. }
            | Self::PhoneLogInLocked { .. }
            | Self::ConsultStarted { .. }
            | Self::ConsultEnded { .. }
            | Self::StaffingForecast { .. }
            | Self::ServiceLevelAlerted { .. }
            | Self::ServiceLevelRecovered { .. }
            | Self::BlockProposed { .. }
            | Self::BlockApproved { .. }
            | Self::BlockRefused { .. }
            | Self::BlockLifted { .. }
            | Self::BlockExpired { .. }
            | Self::TaskRulesSet { .. }
            | Self::TaskAdded { .. }
            | Self::TaskTaken { .. }
            | Self::TaskLetGo { .. }
            | Self::TaskClosed { .. }
            | Self::TaskResultEntered { .. }
            | Self::TaskRevealed { .. }
            | Self::TaskShown { .. }
            | Self::PageSignedIn { .. }
            | Self::PageSignInRefused { .. }
            | Self::SeatRequested { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seat::Reason;

    #[test]
    fn an_event_is_one_flat_object() {
        let stamped = Stamped {
            at: Timestamp(1_795_305_600_123),
            up_ms: 42,
            event: Event::SeatChanged {
                seat: SeatId::new("1001").unwrap(),
                intent: Intent::NotReady(Reason::Meal),
                work: Work::WrapUp,
                call: Some(CallId(7)),
            },
        };
        let json = serde_json::to_string(&stamped).unwrap();
        assert_eq!(
            json,
            r#"{"at":1795305600123,"up_ms":42,"type":"seat-changed","seat":"1001","intent":"not-ready","reason":"meal","work":"wrap-up","call":7}"#
        );
        assert_eq!(serde_json::from_str::<Stamped>(&json).unwrap(), stamped);
    }

    #[test]
    fn agents_are_told_nothing_of_who_only_listens() {
        let call = CallId(7);
        let own = SeatId::new("1001").unwrap();
        let guest = GuestName::Seat(SeatId::new("1009").unwrap());
        let left = |mode| Event::GuestLeft {
            call,
            guest: guest.clone(),
            mode,
            cause: String::new(),
        };
        let measured = |party, mode| Event::SoundMeasured {
            call,
            party,
            guest: None,
            mode,
            received: 1,
            lost: 0,
            jitter_us: 0,
            round_trip_us: None,
            score: 400,
        };
        let asked = |request: &str| Event::SeatRequested {
            seat: own,
            request: request.to_owned(),
            through: "api:lead".to_owned(),
            done: true,
        };
        let busy = |seat: &str, call| Event::SeatChanged {
            seat: SeatId::new(seat).unwrap(),
            intent: Intent::Ready,
            work: Work::Busy,
            call,
        };
        let redirected = |seat: &str| Event::OfferRedirected {
            call,
            seat: SeatId::new(seat).unwrap(),
            detail: "redirected to 138****0000".to_owned(),
        };
        let open = [
            redirected("1001"),
            left(GuestMode::Whisper),
            measured(Party::Agent, None),
            measured(Party::Guest, Some(GuestMode::Barge)),
            asked("consult merge"),
            busy("1001", None),
            busy("1009", Some(call)),
        ];
        let kept_back = [
            redirected("1009"),
            left(GuestMode::Monitor),
            left(GuestMode::TakeOver),
            measured(Party::Guest, Some(GuestMode::Monitor)),
            measured(Party::Guest, None),
            asked("supervise whisper by seat 1009"),
            asked("end supervision by seat 1009"),
            asked("some new request"),
            busy("1009", None),
        ];
        for event in &open {
            assert!(event.is_for_agent(Some(own)), "{event:?}");
        }
        for event in &kept_back {
            assert!(!event.is_for_agent(Some(own)), "{event:?}");
        }
    }

    #[test]
    fn old_rows_of_guests_and_trunks_can_be_read() {
        for old in [
            r#"{"type":"guest-joined","call":7,"guest":"1009","mode":"barge"}"#,
            r#"{"type":"sound-measured","call":7,"party":"agent","received":1,"lost":0,"jitter_us":0,"round_trip_us":null,"score":400}"#,
            r#"{"type":"trunk-tried","call":7,"trunk":"mobile","target":"a","called":"110"}"#,
            r#"{"type":"outside-answered","call":7,"trunk":"mobile","since_dialled_ms":1}"#,
        ] {
            let event: Event = serde_json::from_str(old).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), old);
        }
    }

    #[test]
    fn an_arrival_without_the_word_withheld_can_be_read() {
        let old = r#"{"type":"call-arrived","call":7,"trunk":"mobile","caller":"13800000001","called":"12345","sip_call_id":"a"}"#;
        let event: Event = serde_json::from_str(old).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), old);
        let Event::CallArrived { withheld, .. } = event else {
            unreachable!()
        };
        assert!(!withheld);
        let new = old.replace("\"a\"}", "\"a\",\"withheld\":true}");
        let event: Event = serde_json::from_str(&new).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), new);
    }

    #[test]
    fn a_trunk_is_as_good_as_its_best_target_and_its_registration() {
        use TrunkState::{Down, Unknown, Up};
        assert_eq!(TrunkState::of([], None), Unknown);
        assert_eq!(TrunkState::of([Down, Up], None), Up);
        assert_eq!(TrunkState::of([Down, Unknown], None), Unknown);
        assert_eq!(TrunkState::of([Down], Some(Up)), Down);
        assert_eq!(TrunkState::of([Up], Some(Down)), Down);
        assert_eq!(TrunkState::of([], Some(Up)), Up);
    }

    #[test]
    fn a_ready_seat_has_no_reason() {
        let event = Event::SeatChanged {
            seat: SeatId::new("1001").unwrap(),
            intent: Intent::Ready,
            work: Work::Free,
            call: None,
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(
            json,
            r#"{"type":"seat-changed","seat":"1001","intent":"ready","work":"free","call":null}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}
