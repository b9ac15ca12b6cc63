//! One leg: its agreement, its streams, what it plays and what it has heard.

use hotline_model::{Instant, LegId};

use super::{
    attention::Attention,
    browsers::Browser,
    control::Control,
    ear::{Ear, Voice},
    hearing::{Heard, Way},
    schedule::Place,
    source::Source,
};
use crate::{
    Format, Stats, dtmf,
    player::Player,
    rtp::{Incoming, Outgoing, Relay},
    sdp::Agreed,
    secure::srtp::Guard,
};

/// Most recordings of one leg at once; a further one is refused.
pub(super) const TAPS: usize = 2;

/// A leg of the worker's table.
pub(super) struct Leg {
    pub(super) id: LegId,
    pub(super) agreed: Option<Agreed>,
    /// What its last sound came in, with its payload type: after a change of the agreement the
    /// format before, until the peer has changed too.
    pub(super) said: Option<(u8, Format)>,
    /// Whether its packets may come from elsewhere than agreed.
    pub(super) source: Source,
    /// Protects its packets, where keys were agreed on.
    pub(super) guard: Option<Box<Guard>>,
    /// Whether it has no port of its own.
    pub(super) shared: bool,
    /// Its handshake and checks, where it is a browser's.
    pub(super) browser: Option<Box<Browser>>,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
    pub(super) control: Control,
    pub(super) play: Option<(u32, Player)>,
    /// Whether the last frame's slot sent sound of the play: else the next begins a talk spurt.
    pub(super) sounding: bool,
    pub(super) presses: dtmf::Sender,
    pub(super) digits: dtmf::Receiver,
    /// The legs that this one hears.
    pub(super) hears: Vec<Heard>,
    /// Slots of the legs that hear this one.
    pub(super) heard_by: Vec<usize>,
    /// How it hears them.
    pub(super) way: Way,
    /// Whether a leg hears this one's packets as they arrive.
    pub(super) relayed: bool,
    /// Whether a leg mixes what this one says.
    pub(super) mixed: bool,
    /// Its sound as samples, while somebody needs them.
    pub(super) ear: Option<Box<Ear>>,
    /// Encodes what it is sent, where that is not G.711.
    pub(super) voice: Option<Box<Voice>>,
    /// Hears keys in its sound, where it has no other way to press them.
    pub(super) tones: Option<Box<dtmf::Listener>>,
    /// Listens whether anybody speaks there, until somebody does.
    pub(super) attention: Option<Attention>,
    /// Whether nobody may hear it, nor a recording keep it.
    pub(super) shielded: bool,
    /// How the packets of the leg it hears are numbered towards this one.
    pub(super) relay: Relay,
    pub(super) taps: [Option<Tap>; TAPS],
    pub(super) reading: Reading,
    /// Its place in the schedule, while it needs ticks.
    pub(super) place: Option<Place>,
    /// Last packet of the peer, or the last [`Connect`](crate::Command::Connect).
    pub(super) heard: Instant,
    pub(super) silence_reported: bool,
    pub(super) stats: Stats,
}

/// Where a leg's sound is recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub(super) recording: u64,
    pub(super) voice: u8,
    /// When the recording began, on the sample clock.
    pub(super) began: u64,
}

/// How a leg's packets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Not at all: nothing is agreed yet.
    Not,
    /// In each of its ticks; so many in a row found nothing.
    EachTick { empty: u8 },
    /// As they arrive: it is relayed, or quiet.
    OnArrival,
}

/// What a payload type means on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Sound(Format),
    Digits,
    Unknown,
}

impl Leg {
    pub(super) fn new(id: LegId, now: Instant, random: u128) -> Self {
        Self {
            id,
            agreed: None,
            said: None,
            source: Source::Locked,
            guard: None,
            shared: false,
            browser: None,
            outgoing: Outgoing::new(random),
            incoming: Incoming::default(),
            control: Control::new(now),
            tones: None,
            play: None,
            sounding: false,
            presses: dtmf::Sender::default(),
            digits: dtmf::Receiver::default(),
            hears: Vec::new(),
            heard_by: Vec::new(),
            way: Way::Nobody,
            relayed: false,
            mixed: false,
            ear: None,
            voice: None,
            attention: None,
            shielded: false,
            relay: Relay::default(),
            taps: [None; TAPS],
            reading: Reading::Not,
            place: None,
            heard: now,
            silence_reported: false,
            stats: Stats::default(),
        }
    }

    /// Whether the leg has to be visited each 20 ms.
    pub(super) fn needs_ticks(&self) -> bool {
        self.agreed.is_some()
            && (self.play.is_some()
                || !self.presses.is_idle()
                || self.digits.deadline().is_some()
                || self.ear.is_some()
                || self.shakes_hands()
                || self.way == Way::Mixed
                || matches!(self.reading, Reading::EachTick { .. }))
    }

    /// Whether the peer's packets of this type are sound or keys. Both static types are
    /// understood whichever was chosen: an answer that lists both lets the peer send either. So is
    /// what the peer spoke before the agreement changed (RFC 3264 §8.3.2): it has not heard of it
    /// yet.
    pub(super) fn meaning(&self, agreed: &Agreed, payload_type: u8) -> Meaning {
        match payload_type {
            number if Some(number) == agreed.digits => Meaning::Digits,
            number if number == agreed.payload_type => Meaning::Sound(agreed.codec),
            number
                if let Some((before, format)) = self.said
                    && number == before =>
            {
                Meaning::Sound(format)
            }
            8 => Meaning::Sound(Format::Pcma),
            0 => Meaning::Sound(Format::Pcmu),
            _ => Meaning::Unknown,
        }
    }

    /// The format that the peer speaks.
    pub(super) fn spoken(&self) -> Option<Format> {
        let agreed = self.agreed.map(|agreed| agreed.codec);
        self.said.map(|(_, format)| format).or(agreed)
    }

    /// Gets what it takes to decode what the leg says, where somebody needs samples of it, and to
    /// encode what it is sent; lets go of what is no longer needed.
    pub(super) fn tune(&mut self) {
        let is_foreign = |format: &Format| format.law().is_none();
        let spoken = self.spoken();
        let foreign = self.agreed.map(|agreed| agreed.codec).filter(is_foreign);
        let recorded = spoken.as_ref().is_some_and(is_foreign);
        let recorded = recorded && self.taps.iter().any(Option::is_some);
        let toned = self
            .agreed
            .is_some_and(|it| it.digits.is_none() && it.direction.receives());
        if toned != self.tones.is_some() {
            self.tones = toned.then(Box::default);
        }
        let heard = spoken.filter(|_| self.mixed || recorded || toned);
        let changed = match (&mut self.ear, heard) {
            (Some(ear), Some(format)) => ear.understands(format) || ear.change(format),
            _ => false,
        };
        if !changed {
            self.ear = heard.and_then(Ear::new).map(Box::new);
        }
        if self.voice.as_ref().map(|voice| voice.format()) != foreign {
            self.voice = foreign.and_then(Voice::new).map(Box::new);
        }
    }

    /// The agreement, when it lets us send now.
    pub(super) fn sending(&self) -> Option<Agreed> {
        self.agreed.filter(|agreed| agreed.direction.sends())
    }
}
