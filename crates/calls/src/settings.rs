//! What an exchange is told at its start: trunks, numbers, queues, seats, scripts and sounds.

use core::{net::IpAddr, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hotline_acd::{QueueSettings, SeatSettings};
pub use hotline_ivr::{Facts as ScriptFacts, Language, Program, PromptKey};
use hotline_ivr::{Known, speech};
use hotline_media::Clip;
pub use hotline_media::{Format, Formats, sdp::Fingerprint};
use hotline_model::{
    PhoneId, QueueId, ScriptId, SeatId, diagnostic::Diagnostic, seat::OwnReason, shift::Shift,
    time::Civil,
};
pub use hotline_sip::digest::{Algorithm, Ha1, ha1};

pub use crate::announcements::Announce;
pub use crate::auto_answer::{AutoAnswer, PickUp};
pub use crate::lendings::{Aor, Pin, SharedPhone};
pub use crate::privacy::Srtp;
pub use crate::trunks::{
    numbers::{NumberOf, NumberRule},
    settings::{
        AddressRange, BadRange, BadTarget, Credentials, DigestIn, Outbound, Register, Target, Trunk,
    },
};

/// Everything configured. Read once at the start; a plain value.
#[derive(Clone)]
pub struct Settings {
    /// `User-Agent` and `Server` of our messages.
    pub product: String,
    /// Digest realm of the registrar.
    pub realm: String,
    /// Whether MD5 may prove a phone or a trunk, beside SHA-256.
    pub md5: bool,
    /// Minutes east of UTC, for names with a date in them (China: 480).
    pub utc_offset_minutes: i32,
    /// Our main address, and that of sound where nothing asks for another.
    pub media_address: IpAddr,
    /// Further addresses of ours, for the sound of peers that reach us by them.
    pub more_media_addresses: Vec<IpAddr>,
    /// What sound may come and go in.
    pub formats: SoundFormats,
    /// Our certificate for browsers' sound; `None`: browsers have none.
    pub browsers: Option<Fingerprint>,
    /// Media threads, over which calls are spread: 1 to
    /// [`MEDIA_THREADS`](hotline_model::limits::MEDIA_THREADS).
    pub media_threads: usize,
    /// The carrier's lines.
    pub trunks: Vec<Trunk>,
    /// The numbers served, each with its script.
    pub numbers: Vec<Number>,
    /// The queues.
    pub queues: Vec<Queue>,
    /// The seats.
    pub seats: Vec<Seat>,
    /// The shifts: an agent at a shared phone is signed out when the shift ends.
    pub shifts: Vec<Shift>,
    /// The shared phones, at which agents log in.
    pub phones: Vec<SharedPhone>,
    /// The house's own reasons for not being ready.
    pub reasons: Vec<OwnReasonSettings>,
    /// What a second phone of a seat does.
    pub second_phone: SecondPhone,
    /// So long may the page of an agent whose phone is in the browser be cut off until the seat is
    /// offered nothing; `None`: for ever.
    pub desk_lost_after: Option<Duration>,
    /// The scripts, compiled.
    pub scripts: BTreeMap<ScriptId, Arc<Program>>,
    /// The script that asks for the score; `None`: no survey.
    pub survey: Option<ScriptId>,
    /// The sounds.
    pub prompts: Prompts,
    /// How often a waiting caller hears the position again.
    pub announce_every: Duration,
    /// Numbers of help that any seat may call into its talk.
    pub emergencies: Vec<Emergency>,
    /// How long a side of a talk says nothing before that is an event; `None`: never.
    pub silent_after: Option<Duration>,
}

/// A number of help (110, 119, 120, 122).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emergency {
    /// As it is dialled.
    pub number: String,
    /// Its name for people.
    pub name: String,
}

/// The formats of sound that are offered and taken, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundFormats {
    /// With trunks.
    pub trunks: Formats,
    /// With seats' phones and browsers. They are offered the caller's format first, where it is
    /// among these.
    pub seats: Formats,
}

impl Default for SoundFormats {
    /// G.711, in which a talk is passed on and recorded byte by byte; of a phone that has nothing
    /// else G.722 too.
    fn default() -> Self {
        Self {
            trunks: Formats::G711,
            seats: Formats::of(&[Format::Pcma, Format::Pcmu, Format::G722]),
        }
    }
}

/// A number that callers dial.
#[derive(Clone, Debug)]
pub struct Number {
    /// As normalised: digits only, e.g. `12345`.
    pub number: String,
    /// Other forms in which a trunk delivers it, e.g. `063512345`.
    pub aliases: Vec<String>,
    /// Script that answers it.
    pub script: ScriptId,
}

impl Number {
    /// Whether the number dialled is this, in whatever form.
    pub fn is(&self, dialled: &str) -> bool {
        self.number == dialled || self.aliases.iter().any(|alias| alias == dialled)
    }
}

/// A queue: how it distributes, and what people call it.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The distributor's part.
    pub floor: QueueSettings,
    /// Name shown to people.
    pub name: String,
    /// What is said to those who wait.
    pub announce: Announce,
    /// How callers who called before are received.
    pub regulars: Regulars,
}

/// How a queue receives callers who called before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regulars {
    /// How long a caller holds out for the seat that talked with them last; zero: for nobody.
    pub hold_out: Duration,
    /// How far back calls are counted, and talks remembered.
    pub window: Duration,
}

impl Default for Regulars {
    fn default() -> Self {
        Self {
            hold_out: Duration::ZERO,
            window: Duration::from_secs(72 * 3_600),
        }
    }
}

/// What becomes of a seat's phone when another, at another address, registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondPhone {
    /// Both ring.
    #[default]
    RingsToo,
    /// The first stays, the second is refused with 403.
    Refused,
    /// The second takes the first one's place.
    TakesOver,
}

/// Year, month, day, hour, minute, second of local time; hour 24 is the end of the day.
pub type LocalTime = (i32, u8, u8, u8, u8, u8);

/// A stretch of time in which a seat may take calls, and for whom its agent works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The contractor (外包单位); empty: the house itself.
    pub contractor: String,
    /// From when on; `None`: ever since.
    pub from: Option<LocalTime>,
    /// Until when, that moment excluded; `None`: for good.
    pub until: Option<LocalTime>,
}

impl Membership {
    /// Whether it holds at this time.
    pub fn holds(&self, at: &Civil) -> bool {
        let at = (at.year, at.month, at.day, at.hour, at.minute, at.second);
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// That of several which holds at this time.
    pub fn at<'a>(all: &'a [Self], now: &Civil) -> Option<&'a Self> {
        all.iter().find(|one| one.holds(now))
    }
}

/// A reason of the house's own for not being ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReasonSettings {
    /// Its word.
    pub id: OwnReason,
    /// Its name for people.
    pub name: String,
    /// The star code that asks for it, e.g. `*25`.
    pub code: Option<String>,
}

/// A seat: what it may serve, and how its phone signs in.
#[derive(Clone)]
pub struct Seat {
    /// The distributor's part.
    pub floor: SeatSettings,
    /// Name shown to supervisors.
    pub name: String,
    /// Digest secret of its phone, never the password.
    pub ha1: Ha1,
    /// Its phone gives up when it is offered SHA-256 (RFC 8760) beside MD5: it is offered MD5 alone.
    pub md5_only: bool,
    /// Whether its phone picks up by itself when a citizen's call is offered.
    pub pick_up: PickUp,
    /// Whether its phone's sound is private.
    pub srtp: Srtp,
    /// What it may dial outside: beginnings of numbers. Empty allows nothing.
    pub outbound_prefixes: Vec<String>,
    /// When it may take calls; empty: always.
    pub memberships: Vec<Membership>,
    /// What its agent types to log in at a shared phone; `None`: nobody does.
    pub pin: Option<Pin>,
}

impl Seat {
    /// Whether it may take calls at this time.
    pub fn is_valid(&self, at: &Civil) -> bool {
        self.memberships.is_empty() || Membership::at(&self.memberships, at).is_some()
    }
}

/// What can be replaced while calls go on; the rest of [`Settings`] is for a start.
#[derive(Clone)]
pub struct Replacement {
    /// The numbers served.
    pub numbers: Vec<Number>,
    /// The queues.
    pub queues: Vec<Queue>,
    /// The seats.
    pub seats: Vec<Seat>,
    /// The shifts.
    pub shifts: Vec<Shift>,
    /// The shared phones. One that goes, or whose password is another, is given back.
    pub phones: Vec<SharedPhone>,
    /// The house's own reasons. Who is not ready for one that goes stays so.
    pub reasons: Vec<OwnReasonSettings>,
    /// What a second phone of a seat does, from the next registration on.
    pub second_phone: SecondPhone,
    /// How long a desk may be cut off.
    pub desk_lost_after: Option<Duration>,
    /// The scripts. A call goes on in the one it began.
    pub scripts: BTreeMap<ScriptId, Arc<Program>>,
    /// The survey's script.
    pub survey: Option<ScriptId>,
    /// The sounds. What is being played is played to its end.
    pub prompts: Prompts,
    /// Time between announcements to a waiting caller.
    pub announce_every: Duration,
    /// Numbers of help.
    pub emergencies: Vec<Emergency>,
    /// How long a side of a talk says nothing before that is an event, from the next talk on.
    pub silent_after: Option<Duration>,
}

impl Settings {
    /// Whether the number is one of the hotline's own.
    pub fn serves(&self, number: &str) -> bool {
        self.numbers.iter().any(|it| it.is(number))
    }

    /// Takes what is new in place of what there was.
    pub fn replace(&mut self, new: Replacement) {
        // By name, so that nothing that can be replaced is forgotten here.
        let Replacement {
            numbers,
            queues,
            seats,
            phones,
            shifts,
            reasons,
            second_phone,
            desk_lost_after,
            scripts,
            survey,
            prompts,
            announce_every,
            emergencies,
            silent_after,
        } = new;
        self.numbers = numbers;
        self.queues = queues;
        self.seats = seats;
        self.phones = phones;
        self.shifts = shifts;
        self.reasons = reasons;
        self.second_phone = second_phone;
        self.desk_lost_after = desk_lost_after;
        self.scripts = scripts;
        self.survey = survey;
        self.prompts = prompts;
        self.announce_every = announce_every;
        self.emergencies = emergencies;
        self.silent_after = silent_after;
    }

    /// Our addresses, the main one first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        core::iter::once(self.media_address).chain(self.more_media_addresses.iter().copied())
    }

    /// The seat of that number.
    pub fn seat(&self, id: SeatId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.floor.id == id)
    }

    /// Whether the house has this reason of its own.
    pub fn has_reason(&self, own: OwnReason) -> bool {
        self.reasons.iter().any(|reason| reason.id == own)
    }

    /// The seat whose phone signs in as `user`.
    pub fn seat_of_user(&self, user: &str) -> Option<&Seat> {
        self.seats
            .iter()
            .find(|seat| seat.floor.id.as_str() == user)
    }

    /// The shared phone of that name.
    pub fn phone(&self, id: PhoneId) -> Option<&SharedPhone> {
        self.phones.iter().find(|phone| phone.id == id)
    }

    /// What a phone that signs in as `user` registers as, the secret that it proves, and whether
    /// MD5 alone is offered.
    pub fn aor_of_user(&self, user: &str) -> Option<(Aor, &Ha1, bool)> {
        if let Some(seat) = self.seat_of_user(user) {
            return Some((Aor::Seat(seat.floor.id), &seat.ha1, seat.md5_only));
        }
        let phone = self.phones.iter().find(|it| it.id.as_str() == user)?;
        Some((Aor::Phone(phone.id), &phone.ha1, phone.md5_only))
    }

    /// Ids of the queues, in the order of the configuration: the board's order.
    pub fn queue_ids(&self) -> impl Iterator<Item = QueueId> {
        self.queues.iter().map(|queue| queue.floor.id)
    }
}

/// Compiles a script's text against the queues and prompts that exist.
pub fn compile_script(
    text: &str,
    queues: &[QueueId],
    prompts: &Prompts,
) -> Result<Program, Vec<Diagnostic>> {
    let known = Known {
        queues: &|name| queues.iter().any(|queue| queue.as_str() == name),
        prompts: &|language, key| prompts.has(language, key),
    };
    Program::compile(text, &known)
}

/// The sounds callers hear, encoded once and shared by all calls.
#[derive(Clone)]
pub struct Prompts {
    clips: BTreeMap<(Language, String), Clip>,
    music: Option<Clip>,
    ring_back: [Clip; 2],
    beep: Clip,
}

impl Default for Prompts {
    /// No prompt and no music; the ring-back tone of GB 3380: 450 Hz, 1 s on, 4 s off; the tone
    /// before a message: 1,000 Hz, as answering machines have it, half a second.
    fn default() -> Self {
        Self {
            clips: BTreeMap::new(),
            music: None,
            ring_back: [Clip::tone(450, 1_000), Clip::silence(4_000)],
            beep: Clip::tone(1_000, 500),
        }
    }
}

impl Prompts {
    /// Adds a prompt.
    pub fn insert(&mut self, language: Language, key: &str, clip: Clip) {
        self.clips.insert((language, key.to_owned()), clip);
    }

    /// Sets the music of waiting and hold.
    pub fn set_music(&mut self, clip: Clip) {
        self.music = Some(clip);
    }

    /// Whether the prompt has a sound.
    pub fn has(&self, language: Language, key: &str) -> bool {
        self.clips.contains_key(&(language, key.to_owned()))
    }

    /// Keys whose sound is another than `before`, or which only one of the two has.
    pub fn changed_since(&self, before: &Self) -> Vec<PromptKey> {
        let keys: BTreeSet<_> = self.clips.keys().chain(before.clips.keys()).collect();
        let changed = keys
            .into_iter()
            .filter(|key| self.clips.get(key) != before.clips.get(key));
        changed
            .map(|(language, key)| PromptKey::new(*language, key))
            .collect()
    }

    /// The sounds for `keys` in order. A key without a sound is left out: the configuration check
    /// has refused scripts that name one, and a missing word must not silence the rest.
    pub fn clips(&self, keys: &[PromptKey]) -> Vec<Clip> {
        keys.iter()
            .filter_map(|k| self.clips.get(&(k.language, k.key.clone())).cloned())
            .collect()
    }

    /// One turn of the ring-back tone.
    pub fn ring_back(&self) -> Vec<Clip> {
        self.ring_back.to_vec()
    }

    /// The tone after which a message is said.
    pub fn beep(&self) -> Vec<Clip> {
        vec![self.beep.clone()]
    }

    /// The music; none configured is silence.
    pub fn music(&self) -> Vec<Clip> {
        self.music.iter().cloned().collect()
    }
}

/// Prompts the engine itself says, whatever the scripts say. `hotline check` reports missing ones.
pub const ENGINE_PROMPTS: &[&str] = &[
    "connecting",
    "queue-next",
    "queue-wait",
    "all-busy",
    "seat-ready",
    "seat-not-ready",
    "seat-code-refused",
];

/// What is said at shared phones, in Chinese: needed where there are such.
pub const PHONE_PROMPTS: &[&str] = &[
    "phone-enter-pin",
    "phone-logged-in",
    "phone-pin-wrong",
    "phone-locked",
    "phone-log-in-first",
];

/// Every prompt the engine may say by itself, in every language: its notices and its numbers.
pub fn engine_prompts() -> Vec<PromptKey> {
    Language::ALL
        .into_iter()
        .flat_map(|language| {
            let notices = ENGINE_PROMPTS
                .iter()
                .map(move |&key| PromptKey::new(language, key));
            notices.chain(speech::prompts(language))
        })
        .collect()
}

/// Compiles a script by itself, as if every queue and prompt it names existed.
pub fn compile_alone(text: &str) -> Result<Program, Vec<Diagnostic>> {
    Program::compile(
        text,
        &Known {
            queues: &|_| true,
            prompts: &|_, _| true,
        },
    )
}

#[cfg(test)]
mod tests {
    use hotline_model::Timestamp;

    use super::*;

    #[test]
    fn a_membership_holds_from_its_first_moment_to_its_last() {
        // 2026-11-21 15:30:12 in China.
        let noon = 1_795_246_212_000_i64;
        let at = |ms: i64| Timestamp(noon + ms).civil(480);
        let one = Membership {
            contractor: "a".to_owned(),
            from: Some((2026, 11, 21, 15, 30, 12)),
            until: Some((2026, 11, 21, 24, 0, 0)),
        };
        let evening = (8 * 3_600 + 29 * 60 + 47) * 1_000;
        assert!(!one.holds(&at(-1)) && one.holds(&at(0)));
        assert!(one.holds(&at(evening)) && !one.holds(&at(evening + 1_000)));
        let after = Membership {
            contractor: "b".to_owned(),
            from: Some((2026, 11, 22, 0, 0, 0)),
            until: None,
        };
        let all = [one, after];
        let whose = |ms| Membership::at(&all, &at(ms)).map(|it| it.contractor.as_str());
        assert_eq!(
            [whose(-1), whose(0), whose(evening + 1_000)],
            [None, Some("a"), Some("b")]
        );
    }
}
