//! The live dashboard's figures, with the JSON shape of `GET /api/v1/wallboard`.
//!
//! [`Totals`] and [`CallLine`] come from the folds; the states of queues and seats come from the
//! distributor's board and are filled in by whoever holds it.

use hotline_model::{
    CallId, PhoneId, QueueId, SeatId, Timestamp, TrunkId,
    event::TrunkState,
    guest::{GuestMode, GuestName},
    seat::{Device, Intent, Reason, Work},
};
use serde::{Deserialize, Serialize};

use crate::kpi::{FollowUps, MissedCalls};

/// Everything a wallboard shows at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wallboard {
    /// When this picture was taken.
    pub at: Timestamp,
    /// The engine itself.
    pub engine: EngineLine,
    /// Counts and rates of the rolling 24 hours.
    pub totals: Totals,
    /// One line per queue, in the order of the configuration.
    pub queues: Vec<QueueLine>,
    /// One line per seat, in the order of the configuration.
    pub seats: Vec<SeatLine>,
    /// The calls that live now, oldest first.
    pub calls: Vec<CallLine>,
    /// One line per trunk, in the order of the configuration.
    #[serde(default)]
    pub trunks: Vec<TrunkLine>,
    /// Numbers of help that any seat may call into its talk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emergencies: Vec<EmergencyLine>,
    /// The house's own reasons for not being ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonLine>,
    /// K13; `None` before it was first counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<MissedLine>,
    /// What came of the follow-ups; `None` before it was first counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_ups: Option<FollowUpLine>,
    /// The shared phones, in the order of the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<PhoneLine>,
}

/// K13 漏接电话回拨 of the rolling 24 hours: citizens who asked for a human in vain, each number once,
/// and what became of them. What each count means is documented at
/// [`MissedCalls`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissedLine {
    /// Listed.
    pub listed: u64,
    /// Tried.
    pub tried: u64,
    /// Tried in time.
    pub tried_in_time: u64,
    /// Reached.
    pub reached: u64,
    /// Called again and answered.
    pub called_again: u64,
    /// Given up.
    pub given_up: u64,
    /// Not done.
    pub open: u64,
    /// Tried ÷ listed; `None` where nobody was listed, as below.
    pub tried_rate: Option<f64>,
    /// Tried in time ÷ listed.
    pub in_time_rate: Option<f64>,
    /// Reached ÷ listed.
    pub reached_rate: Option<f64>,
    /// Mean time to the first try, ms; `None` where nobody was tried.
    pub first_try_ms: Option<u64>,
}

impl From<MissedCalls> for MissedLine {
    fn from(counts: MissedCalls) -> Self {
        Self {
            listed: counts.listed,
            tried: counts.tried,
            tried_in_time: counts.tried_in_time,
            reached: counts.reached,
            called_again: counts.called_again,
            given_up: counts.given_up,
            open: counts.open,
            tried_rate: counts.tried_rate().value(),
            in_time_rate: counts.in_time_rate().value(),
            reached_rate: counts.reached_rate().value(),
            first_try_ms: counts.mean_first_try_ms(),
        }
    }
}

/// 回访 of the rolling 24 hours: what came of the follow-ups. What each count means is documented at
/// [`FollowUps`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowUpLine {
    /// Results entered.
    pub entered: u64,
    /// Satisfied.
    pub satisfied: u64,
    /// Satisfied on the whole.
    pub neutral: u64,
    /// Dissatisfied.
    pub dissatisfied: u64,
    /// Without an opinion.
    pub no_opinion: u64,
    /// Did not want to talk.
    pub refused: u64,
    /// Not reached.
    pub not_reached: u64,
    /// Wrong numbers.
    pub wrong_number: u64,
    /// Reached, and no result so far.
    pub without_result: u64,
    /// Not done.
    pub open: u64,
    /// Satisfied ÷ opinions; `None` where there is none.
    pub satisfaction: Option<f64>,
}

impl From<FollowUps> for FollowUpLine {
    fn from(counts: FollowUps) -> Self {
        Self {
            entered: counts.entered,
            satisfied: counts.satisfied,
            neutral: counts.neutral,
            dissatisfied: counts.dissatisfied,
            no_opinion: counts.no_opinion,
            refused: counts.refused,
            not_reached: counts.not_reached,
            wrong_number: counts.wrong_number,
            without_result: counts.without_result,
            open: counts.open,
            satisfaction: counts.satisfaction().value(),
        }
    }
}

/// A number of help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyLine {
    /// As it is dialled.
    pub number: String,
    /// Its name for people.
    pub name: String,
}

/// A reason of the house's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonLine {
    /// Its word.
    pub reason: Reason,
    /// Its name for people.
    pub name: String,
}

/// A shared phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneLine {
    /// The phone.
    pub phone: PhoneId,
    /// Where it stands.
    pub place: String,
    /// Whether it can be reached.
    pub device: Device,
    /// The seat whose agent is logged in there.
    pub seat: Option<SeatId>,
}

/// The engine itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineLine {
    /// Package version.
    pub version: String,
    /// Seconds since its start.
    pub up_s: u64,
    /// Blocks of recorded sound lost since its start.
    pub recording_gaps: u64,
    /// Recordings that could not be written since its start.
    #[serde(default)]
    pub recordings_failed: u64,
    /// Less room is left for recordings than should be.
    #[serde(default)]
    pub recording_space_low: bool,
    /// The disk of the recordings takes nothing.
    #[serde(default)]
    pub recording_disk_stalled: bool,
}

/// Raw counts of the rolling window and the rates derived from them (kpi.md K1–K4, K10). Which
/// minute a count belongs to is documented at [`crate::fold::Counters`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Length of the window, seconds.
    pub window_s: u64,
    /// Inbound calls, those that a trunk's INVITE asked for and that were rejected too.
    pub inbound: u64,
    /// Of these, calls of blocked numbers (K14).
    #[serde(default)]
    pub blocked: u64,
    /// Beside the inbound calls, and in no rate: INVITEs refused that came by no trunk (K14).
    #[serde(default)]
    pub strangers: u64,
    /// Calls that a human answered.
    pub answered: u64,
    /// Of these, answered within 15 s of entering the queue.
    pub answered_in_15s: u64,
    /// K4: answers, abandons, time-outs, refused entries, messages left in place of an answer and
    /// calls sent away by overflow, and callbacks that reached nobody; repeats within a call each count.
    pub human_requests: u64,
    /// Callers who left while they waited for a human.
    pub abandoned: u64,
    /// Entries a queue refused.
    pub refused: u64,
    /// Calls that waited longer than their queue allows.
    pub timed_out: u64,
    /// Callers who asked for a human, and left a message because none answered.
    pub left_message: u64,
    /// Calls that left their queue by an overflow rule and that no seat answered.
    #[serde(default)]
    pub overflowed: u64,
    /// Callers who asked to be called back and could not be reached.
    #[serde(default)]
    pub unreached: u64,
    /// K1: answered ÷ inbound; `None` without inbound calls.
    pub answer_rate: Option<f64>,
    /// K2: answered in 15 s ÷ answered; `None` without answered calls.
    pub in_time_rate: Option<f64>,
    /// Surveys offered (触发).
    pub survey_offered: u64,
    /// Surveys answered (参评).
    pub survey_answered: u64,
    /// Surveys whose meaning is `satisfied` (满意).
    pub satisfied: u64,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueLine {
    /// The queue.
    pub queue: QueueId,
    /// Its name for people.
    pub name: String,
    /// Callers waiting.
    pub waiting: u32,
    /// Wait of the first of them, ms; 0 when nobody waits.
    pub longest_wait_ms: u64,
    /// Seats ready and free for it.
    pub ready_seats: u32,
    /// Seats talking to its callers.
    pub talking: u32,
    /// Seats logged in for it.
    pub staffed: u32,
    /// Answered ÷ human requests of this queue in the window; `None` without requests.
    pub answer_rate: Option<f64>,
    /// K3: answered in 15 s ÷ human requests of this queue in the window; `None` without requests.
    #[serde(default)]
    pub in_15s_rate: Option<f64>,
    /// The calls that came in the last quarter of an hour.
    #[serde(default)]
    pub quarter: QuarterLine,
    /// The next quarter of an hour; `None` before anything was known of it.
    #[serde(default)]
    pub forecast: Option<ForecastLine>,
    /// Set while the queue will miss its target in the next quarter of an hour.
    #[serde(default)]
    pub alert: Option<AlertLine>,
    /// Seats of this queue that should be at work by their shift and are not: signed out, or not to
    /// be reached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing: u32,
    /// Of these, the first fifty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_seats: Vec<SeatId>,
    /// How long a caller who comes now will probably wait; `None`: not known.
    #[serde(default)]
    pub expected_wait: Option<WaitLine>,
}

/// Counts of one queue in the last quarter of an hour, by the arrival of the call as
/// [`Counters`](crate::fold::Counters) count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuarterLine {
    /// Human requests (K4): answers, abandons, time-outs and refused entries. Who still waits is
    /// not among them.
    pub requests: u64,
    /// Answered ÷ requests; `None` without requests.
    pub answer_rate: Option<f64>,
    /// Answered in 15 s ÷ requests; `None` without requests.
    pub in_15s_rate: Option<f64>,
}

/// The next quarter of an hour of a queue, by Erlang A.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastLine {
    /// Seats at work for it.
    pub serving: u32,
    /// Seats that reach its target; `None`: not known.
    pub needed: Option<u32>,
    /// More seats needed now; 0: enough; `None`: not known.
    pub more: Option<u32>,
    /// Share of the callers that will be answered with the seats of now; `None`: not known.
    pub answered: Option<f64>,
    /// Share that will be answered within the queue's threshold; `None`: not known.
    pub in_time: Option<f64>,
}

/// An alert of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertLine {
    /// Time since it was raised, ms.
    pub since_ms: u64,
    /// Share of the callers that should be answered.
    pub answered_target: f64,
    /// Share that should be answered within the queue's threshold; 0: does not matter.
    pub in_time_target: f64,
}

/// How long somebody will probably wait still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitLine {
    /// At least, seconds.
    pub from_s: u64,
    /// At most, seconds.
    pub to_s: u64,
}

/// What an agent wants, as one word; the reason stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentWord {
    /// 示闲
    Ready,
    /// 示忙
    NotReady,
}

/// One seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatLine {
    /// The seat.
    pub seat: SeatId,
    /// The agent's or the desk's name.
    pub name: String,
    /// What the agent wants.
    pub intent: IntentWord,
    /// Why not, when not ready.
    pub reason: Option<Reason>,
    /// What the agent wants after the present offer or talk, if something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<IntentWord>,
    /// Why not, when that is not ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_reason: Option<Reason>,
    /// What the seat does.
    pub work: Work,
    /// Whether its phone can be reached.
    pub device: Device,
    /// The call it does it for.
    pub call: Option<CallId>,
    /// Time in this state, ms.
    pub since_ms: u64,
    /// Calls answered today (local calendar day).
    pub calls_today: u64,
    /// For which contractor the agent works now (外包单位).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contractor: Option<String>,
    /// The shared phone at which the agent is logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneId>,
    /// The agent's page, by which alone the seat is reached, is cut off (席位失联).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub desk_lost: bool,
    /// The shift in whose hours it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<String>,
}

/// A count of nobody is left out.
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Splits an intent into the two fields of a [`SeatLine`].
pub fn intent_words(intent: Intent) -> (IntentWord, Option<Reason>) {
    match intent {
        Intent::Ready => (IntentWord::Ready, None),
        Intent::NotReady(reason) => (IntentWord::NotReady, Some(reason)),
    }
}

/// Where a live call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its INVITE was taken in.
    Arriving,
    /// A script runs.
    Menu,
    /// Waits for a human.
    Waiting,
    /// 回呼等待: is to be called back; nobody is on the line.
    CallbackWaiting,
    /// A seat is being rung for it.
    Offering,
    /// 正在回呼: a seat answered, and the caller is being called.
    CallingBack,
    /// A human answered.
    Talking,
    /// The human gives the caller on: another seat or a number outside is being rung.
    Transferring,
    /// The caller is asked for a score.
    Surveying,
    /// A seat calls somebody outside.
    Dialling,
}

/// One live call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLine {
    /// The call.
    pub call: CallId,
    /// Where it stands.
    pub stage: Stage,
    /// The caller's number, masked.
    pub caller: String,
    /// The dialled number.
    pub called: String,
    /// The queue it asked for last.
    pub queue: Option<QueueId>,
    /// The seat that rings or talks.
    pub seat: Option<SeatId>,
    /// Place in the queue while it waits, 1 is next.
    pub position: Option<u32>,
    /// How long it will probably wait still, while it waits; `None`: not known.
    #[serde(default)]
    pub expected_wait: Option<WaitLine>,
    /// Time in this stage, ms.
    pub since_ms: u64,
    /// Time since the INVITE, ms.
    pub total_ms: u64,
    /// Who else takes part in the talk or is rung to, in the order they were called.
    #[serde(default)]
    pub guests: Vec<GuestLine>,
    /// Calls of the number lately, this one included, where the caller is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth_call: Option<u32>,
    /// The seat that talked with the caller last, before this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seat: Option<SeatId>,
}

/// A further seat in a talk, or somebody outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestLine {
    /// Who; a number outside is masked.
    #[serde(rename = "seat")]
    pub name: GuestName,
    /// How it takes part.
    pub mode: GuestMode,
    /// It has answered; else its phone rings.
    pub joined: bool,
    /// The agent asked for it, to consult; a supervisor asked for the others.
    pub asked: bool,
}

impl GuestLine {
    /// Whether the agent of the talk may know of it: nobody knows who only listens, or is about to
    /// take the caller over.
    pub const fn is_open(&self) -> bool {
        !self.mode.is_silent()
    }
}

/// One trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkLine {
    /// The trunk.
    pub trunk: TrunkId,
    /// Whether calls can pass.
    pub state: TrunkState,
    /// What is wrong, or how it is known; empty where nothing is.
    pub detail: String,
    /// Time in this state, ms.
    pub since_ms: u64,
    /// Live calls that came by it.
    pub calls_in: u32,
    /// Live calls that left by it.
    pub calls_out: u32,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_json_is_the_one_that_the_page_reads() {
        let wallboard = Wallboard {
            at: Timestamp(5),
            engine: EngineLine {
                version: "0.1.0".into(),
                up_s: 9,
                recording_gaps: 0,
                recordings_failed: 0,
                recording_space_low: false,
                recording_disk_stalled: false,
            },
            totals: crate::Folds::new(480).totals(Timestamp(5)),
            queues: vec![QueueLine {
                queue: QueueId::new("general").unwrap(),
                name: "综合".into(),
                waiting: 1,
                longest_wait_ms: 2,
                ready_seats: 3,
                talking: 4,
                staffed: 5,
                answer_rate: Some(0.5),
                in_15s_rate: None,
                quarter: QuarterLine {
                    requests: 4,
                    answer_rate: Some(0.75),
                    in_15s_rate: Some(0.25),
                },
                forecast: Some(ForecastLine {
                    serving: 5,
                    needed: Some(7),
                    more: Some(2),
                    answered: Some(0.9),
                    in_time: None,
                }),
                alert: Some(AlertLine {
                    since_ms: 1,
                    answered_target: 0.95,
                    in_time_target: 0.8,
                }),
                missing: 0,
                missing_seats: Vec::new(),
                expected_wait: None,
            }],
            seats: vec![SeatLine {
                seat: SeatId::new("1001").unwrap(),
                name: "张".into(),
                intent: IntentWord::NotReady,
                reason: Some(Reason::Meal),
                pending: None,
                pending_reason: None,
                work: Work::WrapUp,
                device: Device::Registered,
                call: None,
                since_ms: 6,
                calls_today: 7,
                contractor: None,
                phone: None,
                desk_lost: false,
                shift: None,
            }],
            calls: vec![CallLine {
                call: CallId(12),
                stage: Stage::Waiting,
                caller: "138****5678".into(),
                called: "12345".into(),
                queue: None,
                seat: None,
                position: Some(1),
                expected_wait: Some(WaitLine {
                    from_s: 20,
                    to_s: 90,
                }),
                since_ms: 8,
                total_ms: 9,
                guests: vec![GuestLine {
                    name: GuestName::Seat(SeatId::new("1009").unwrap()),
                    mode: GuestMode::Monitor,
                    joined: true,
                    asked: false,
                }],
                nth_call: Some(2),
                last_seat: SeatId::new("1001").ok(),
            }],
            trunks: vec![TrunkLine {
                trunk: TrunkId::new("mobile").unwrap(),
                state: TrunkState::Down,
                detail: "UDP 192.0.2.1:5060: no answer".into(),
                since_ms: 10,
                calls_in: 11,
                calls_out: 12,
            }],
            emergencies: Vec::new(),
            reasons: Vec::new(),
            missed: Some(MissedLine::from(MissedCalls {
                listed: 4,
                tried: 3,
                tried_in_time: 2,
                reached: 1,
                called_again: 1,
                given_up: 1,
                open: 1,
                first_try_ms: 90_000,
            })),
            follow_ups: Some(FollowUpLine::from(FollowUps {
                entered: 5,
                satisfied: 3,
                dissatisfied: 1,
                refused: 1,
                open: 2,
                ..FollowUps::default()
            })),
            phones: Vec::new(),
        };
        let json = json!({
            "at": 5,
            "engine": {"version": "0.1.0", "up_s": 9, "recording_gaps": 0,
                "recordings_failed": 0, "recording_space_low": false,
                "recording_disk_stalled": false},
            "totals": {
                "window_s": 86400, "inbound": 0, "blocked": 0, "strangers": 0, "answered": 0,
                "answered_in_15s": 0,
                "human_requests": 0, "abandoned": 0, "refused": 0, "timed_out": 0,
                "left_message": 0, "overflowed": 0, "unreached": 0,
                "answer_rate": null, "in_time_rate": null, "survey_offered": 0,
                "survey_answered": 0, "satisfied": 0
            },
            "queues": [{
                "queue": "general", "name": "综合", "waiting": 1, "longest_wait_ms": 2,
                "ready_seats": 3, "talking": 4, "staffed": 5, "answer_rate": 0.5,
                "in_15s_rate": null,
                "quarter": {"requests": 4, "answer_rate": 0.75, "in_15s_rate": 0.25},
                "forecast": {"serving": 5, "needed": 7, "more": 2, "answered": 0.9,
                    "in_time": null},
                "alert": {"since_ms": 1, "answered_target": 0.95, "in_time_target": 0.8},
                "expected_wait": null
            }],
            "seats": [{
                "seat": "1001", "name": "张", "intent": "not-ready", "reason": "meal",
                "work": "wrap-up", "device": "registered", "call": null, "since_ms": 6,
                "calls_today": 7
            }],
            "calls": [{
                "call": 12, "stage": "waiting", "caller": "138****5678", "called": "12345",
                "queue": null, "seat": null, "position": 1,
                "expected_wait": {"from_s": 20, "to_s": 90}, "since_ms": 8, "total_ms": 9,
                "guests": [{"seat": "1009", "mode": "monitor", "joined": true, "asked": false}],
                "nth_call": 2, "last_seat": "1001"
            }],
            "trunks": [{
                "trunk": "mobile", "state": "down", "detail": "UDP 192.0.2.1:5060: no answer",
                "since_ms": 10, "calls_in": 11, "calls_out": 12
            }],
            "missed": {"listed": 4, "tried": 3, "tried_in_time": 2, "reached": 1,
                "called_again": 1, "given_up": 1, "open": 1, "tried_rate": 0.75,
                "in_time_rate": 0.5, "reached_rate": 0.25, "first_try_ms": 30_000},
            "follow_ups": {"entered": 5, "satisfied": 3, "neutral": 0, "dissatisfied": 1,
                "no_opinion": 0, "refused": 1, "not_reached": 0, "wrong_number": 0,
                "without_result": 0, "open": 2, "satisfaction": 0.75}
        });
        assert_eq!(serde_json::to_value(&wallboard).unwrap(), json);
        assert_eq!(
            serde_json::from_value::<Wallboard>(json).unwrap(),
            wallboard
        );
        assert_eq!(intent_words(Intent::Ready), (IntentWord::Ready, None));
    }
}
