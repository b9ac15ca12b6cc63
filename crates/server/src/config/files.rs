//! The shapes of the configuration files, as written. Meaning is checked in [`super`].

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use hotline_calls::settings::{SecondPhone, Srtp};
use serde::Deserialize;
use toml::{Spanned, value::Datetime};

use super::{
    announcements::AnnounceKeys,
    blacklist::BlacklistKeys,
    distribution::{ChoiceKey, SkillsKey, WidenKeys},
    listen::Listen,
    overflow::OverflowKeys,
    talks::{EmergencyKeys, TalkKeys},
    tasks::TaskKeys,
};

/// `engine.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineFile {
    /// Where the engine listens.
    pub listen: Listen,
    /// Signalling.
    #[serde(default)]
    pub sip: SipKeys,
    /// RTP.
    pub media: Media,
    /// What it keeps.
    pub data: Data,
    /// How recordings are kept.
    #[serde(default)]
    pub recordings: RecordingKeys,
    /// Scripts and prompts.
    pub scripts: Scripts,
    /// What waiting callers hear.
    pub waiting: WaitingKeys,
    /// Callers who are not served.
    #[serde(default)]
    pub blacklist: BlacklistKeys,
    /// Citizens to be called.
    #[serde(default)]
    pub tasks: TaskKeys,
    /// Local time.
    pub time: Time,
    /// The numbers served.
    pub number: Vec<NumberKeys>,
}

/// `[sip]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipKeys {
    /// Whether MD5 may prove a phone or a trunk.
    pub md5: bool,
}

impl Default for SipKeys {
    fn default() -> Self {
        Self { md5: true }
    }
}

/// `[media]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// First and last RTP port.
    pub ports: Spanned<(u16, u16)>,
    /// UDP port of browsers' sound, of the first thread; 0 is off.
    #[serde(default = "off")]
    pub browser_port: Spanned<u16>,
    /// Formats of sound with trunks, best first.
    pub trunk_formats: Option<Spanned<Vec<Spanned<String>>>>,
    /// The same with seats.
    pub seat_formats: Option<Spanned<Vec<Spanned<String>>>>,
    /// Media threads; 0 is one for each core but one.
    #[serde(default = "by_cores")]
    pub threads: Spanned<usize>,
}

fn by_cores() -> Spanned<usize> {
    Spanned::new(0..0, 0)
}

fn off() -> Spanned<u16> {
    Spanned::new(0..0, 0)
}

/// `[data]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Journal, recordings, tables, secrets.
    pub directory: PathBuf,
}

/// `[recordings]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingKeys {
    /// File of the keys under which they are sealed.
    pub key_file: Option<Spanned<PathBuf>>,
    /// How their samples lie.
    pub format: RecordingFormat,
    /// Free room below which an alert is raised, megabytes.
    pub keep_free_mb: u64,
}

impl Default for RecordingKeys {
    fn default() -> Self {
        Self {
            key_file: None,
            format: RecordingFormat::Pcm,
            keep_free_mb: 500,
        }
    }
}

/// `format = "pcm"` or `"alaw"`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingFormat {
    /// 16-bit PCM.
    Pcm,
    /// G.711 A-law.
    Alaw,
}

/// `[scripts]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripts {
    /// Where the scripts are.
    pub directory: PathBuf,
    /// Name of the survey's script, or "".
    pub survey: Spanned<String>,
}

/// `[waiting]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingKeys {
    /// Seconds between announcements.
    pub announce_every_s: Spanned<u64>,
}

/// `[time]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Minutes east of UTC.
    pub utc_offset_minutes: Spanned<i32>,
}

/// `[[number]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberKeys {
    /// The number, digits.
    pub number: Spanned<String>,
    /// Other forms.
    #[serde(default)]
    pub also: Vec<String>,
    /// Its script.
    pub script: Spanned<String>,
}

/// `queues.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueuesFile {
    /// The queues.
    pub queue: Vec<QueueKeys>,
}

/// `[[queue]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueKeys {
    /// Its name in scripts.
    pub id: Spanned<String>,
    /// Its name for people.
    pub name: String,
    /// Service level, seconds.
    pub threshold_s: u64,
    /// Weight between queues.
    pub weight: Spanned<u32>,
    /// Most callers.
    pub capacity: Spanned<usize>,
    /// Longest wait, seconds; 0 is no limit.
    pub longest_wait_s: u64,
    /// Ring time, seconds.
    pub ring_s: Spanned<u64>,
    /// Wrap-up, seconds.
    pub wrap_up_s: u64,
    /// Longest wrap-up, seconds.
    pub wrap_up_cap_s: Spanned<u64>,
    /// Which ready seat is rung.
    #[serde(default)]
    pub choice: Option<Spanned<ChoiceKey>>,
    /// Where the dice begin.
    #[serde(default)]
    pub seed: Option<Spanned<u64>>,
    /// What its seats must be able to do.
    #[serde(default)]
    pub skills: Option<Spanned<SkillsKey>>,
    /// Who joins when a caller waits long.
    #[serde(default)]
    pub widen: Vec<WidenKeys>,
    /// Where callers go whom the queue cannot serve.
    #[serde(default)]
    pub overflow: Vec<OverflowKeys>,
    /// What a step of priority counts in waiting, seconds.
    #[serde(default)]
    pub ageing_s: Option<Spanned<u64>>,
    /// What is said to those who wait.
    #[serde(default)]
    pub announce: AnnounceKeys,
    /// How long a caller holds out for the seat of the last talk, seconds; 0: not at all.
    #[serde(default = "hold_out_s")]
    pub last_agent_s: Spanned<u64>,
    /// How far back calls of the same number are counted, hours.
    #[serde(default = "repeat_caller_hours")]
    pub repeat_caller_hours: Spanned<u64>,
    /// Share of the callers that a human should answer, percent.
    #[serde(default = "answered_percent")]
    pub answered_percent: Spanned<u8>,
    /// Share that should be answered within the threshold, percent; 0: does not matter.
    #[serde(default = "in_time_percent")]
    pub in_time_percent: Spanned<u8>,
}

/// Off: it makes callers wait.
fn hold_out_s() -> Spanned<u64> {
    Spanned::new(0..0, 0)
}

/// Our default.
fn repeat_caller_hours() -> Spanned<u64> {
    Spanned::new(0..0, 72)
}

/// GB/T 33358-2016.
fn answered_percent() -> Spanned<u8> {
    Spanned::new(0..0, 95)
}

/// Our default.
fn in_time_percent() -> Spanned<u8> {
    Spanned::new(0..0, 80)
}

/// `seats.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatsFile {
    /// The seats.
    pub seat: Vec<SeatKeys>,
    /// The shifts.
    #[serde(default)]
    pub shift: Vec<ShiftKeys>,
    /// The shared phones.
    #[serde(default)]
    pub phone: Vec<PhoneKeys>,
    /// The house's own reasons.
    #[serde(default)]
    pub reason: Vec<ReasonKeys>,
    /// Who may sign in beside whom.
    #[serde(default)]
    pub sign_in: SignInKeys,
    /// Numbers of help.
    #[serde(default)]
    pub emergency: Vec<EmergencyKeys>,
    /// What is watched in a talk.
    #[serde(default)]
    pub talk: TalkKeys,
}

/// `[sign_in]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInKeys {
    /// What a second browser of an agent does.
    pub second_page: SecondPageKey,
    /// What a second phone of a seat does.
    pub second_phone: SecondPhoneKey,
    /// Seconds for which the page of an agent with a browser's phone may be cut off; 0: for ever.
    pub desk_lost_after_s: Option<u32>,
}

impl SignInKeys {
    /// How long a page may be cut off; `None`: for ever.
    pub fn desk_lost_after(&self) -> Option<Duration> {
        let seconds = self.desk_lost_after_s.unwrap_or(DESK_LOST_AFTER_S);
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }
}

/// So long a page may be cut off, where nothing else is said, seconds: longer than a browser takes
/// to connect again.
const DESK_LOST_AFTER_S: u32 = 15;

/// `second_page = "takes-over"`, `"refused"` or `"allowed"`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondPageKey {
    /// The first is signed out.
    #[default]
    TakesOver,
    /// The second is not let in.
    Refused,
    /// Both are.
    Allowed,
}

/// `second_phone = "rings-too"`, `"refused"` or `"takes-over"`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondPhoneKey {
    /// Both ring.
    #[default]
    RingsToo,
    /// The second is refused.
    Refused,
    /// The second takes the first one's place.
    TakesOver,
}

impl From<SecondPhoneKey> for SecondPhone {
    fn from(key: SecondPhoneKey) -> Self {
        match key {
            SecondPhoneKey::RingsToo => Self::RingsToo,
            SecondPhoneKey::Refused => Self::Refused,
            SecondPhoneKey::TakesOver => Self::TakesOver,
        }
    }
}

/// `membership = [{ contractor = "…", from = 2026-01-01, until = 2026-12-31 }]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembershipKeys {
    /// For whom the agent works; without it, the house itself.
    #[serde(default)]
    pub contractor: String,
    /// The first day, or the first moment.
    #[serde(default)]
    pub from: Option<Spanned<Datetime>>,
    /// The last day, or the moment after.
    #[serde(default)]
    pub until: Option<Spanned<Datetime>>,
}

/// `[[shift]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftKeys {
    /// What people call it.
    pub name: Spanned<String>,
    /// On which days it begins; without it, on every day.
    #[serde(default)]
    pub days: Vec<WeekdayKey>,
    /// When it begins, a time of day.
    pub from: Spanned<Datetime>,
    /// When it ends; at or before `from`: on the next day.
    pub to: Spanned<Datetime>,
    /// The first day on which it begins.
    #[serde(default)]
    pub first_day: Option<Spanned<Datetime>>,
    /// The last day on which it begins.
    #[serde(default)]
    pub last_day: Option<Spanned<Datetime>>,
    /// Who is in it.
    #[serde(default)]
    pub seats: Vec<Spanned<String>>,
    /// All seats of these queues are, too.
    #[serde(default)]
    pub queues: Vec<Spanned<String>>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeekdayKey {
    /// 周一
    Mon,
    /// 周二
    Tue,
    /// 周三
    Wed,
    /// 周四
    Thu,
    /// 周五
    Fri,
    /// 周六
    Sat,
    /// 周日
    Sun,
}

/// `[[phone]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhoneKeys {
    /// The user it registers as.
    pub id: Spanned<String>,
    /// Where it stands.
    #[serde(default)]
    pub place: String,
    /// The best digest algorithm it can be offered.
    #[serde(default)]
    pub digest: Option<Spanned<DigestKey>>,
    /// Whether its sound is private.
    #[serde(default)]
    pub srtp: SrtpKey,
}

/// `[[reason]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonKeys {
    /// Its word.
    pub id: Spanned<String>,
    /// Its name for people.
    pub name: String,
    /// Its star code.
    #[serde(default)]
    pub code: Option<Spanned<String>>,
}

/// `[[seat]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatKeys {
    /// 工号
    pub id: Spanned<String>,
    /// Its name for supervisors.
    pub name: String,
    /// The queues it serves.
    pub queues: Vec<Spanned<String>>,
    /// Its skills with their levels.
    #[serde(default)]
    pub skills: BTreeMap<String, Spanned<u8>>,
    /// How often it is drawn.
    #[serde(default)]
    pub weight: Option<Spanned<u32>>,
    /// The best digest algorithm its phone can be offered.
    #[serde(default)]
    pub digest: Option<Spanned<DigestKey>>,
    /// Whether its phone's sound is private.
    #[serde(default)]
    pub srtp: SrtpKey,
    /// What it may dial outside.
    #[serde(default)]
    pub outbound_prefixes: Vec<Spanned<String>>,
    /// When it may take calls, and for whom.
    #[serde(default)]
    pub membership: Vec<MembershipKeys>,
    /// By which header its phone is told to answer by itself.
    #[serde(default)]
    pub auto_answer: AutoAnswerKey,
    /// Seconds it rings before, where the header can say so.
    #[serde(default)]
    pub auto_answer_after_s: Option<Spanned<u64>>,
}

/// `srtp = "off"`, `"optional"` or `"required"`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SrtpKey {
    /// Never.
    Off,
    /// Where it is offered.
    #[default]
    Optional,
    /// Always.
    Required,
}

impl From<SrtpKey> for Srtp {
    fn from(key: SrtpKey) -> Self {
        match key {
            SrtpKey::Off => Self::Off,
            SrtpKey::Optional => Self::Optional,
            SrtpKey::Required => Self::Required,
        }
    }
}

/// `auto_answer = "off"`, `"call-info"`, `"alert-info"`, `"answer-mode"` or `"all"`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AutoAnswerKey {
    /// The agent picks up.
    #[default]
    Off,
    /// Call-Info with answer-after.
    CallInfo,
    /// Alert-Info with alert-autoanswer.
    AlertInfo,
    /// Answer-Mode (RFC 5373).
    AnswerMode,
    /// All of them.
    All,
}

/// `digest = "sha-256"` or `"md5"`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestKey {
    /// SHA-256 above MD5.
    #[default]
    #[serde(rename = "sha-256")]
    Sha256,
    /// MD5 alone, for a phone that gives up when it reads SHA-256.
    Md5,
}
