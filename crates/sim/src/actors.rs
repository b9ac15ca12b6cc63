//! The people: what a caller and an agent do when something happens at their phone.

use core::time::Duration;

use hotline_calls::{
    orders::TalkRequest,
    phone::{PhoneEvent, PhoneInput},
};
use hotline_model::SeatId;
use rand_chacha::{ChaCha8Rng, rand_core::Rng as _};

/// Something a person will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Sign the phone in.
    Register,
    /// Sign the phone out.
    Unregister,
    /// Dial.
    Dial(&'static str),
    /// Press keys.
    Press(&'static str),
    /// Pick up.
    Answer,
    /// Refuse with a status.
    Refuse(u16),
    /// Hang up.
    HangUp,
    /// Make a noise, so that the line is known to live.
    Breathe,
    /// The phone loses its power: nothing it sends or should hear passes from now on.
    Die,
    /// Ask for calls through the page.
    GoReady,
    /// Send the caller to another number.
    Redirect(&'static str),
    /// Put the other side on hold.
    Hold,
    /// Take it off hold.
    Resume,
    /// Put the call aside and dial a colleague.
    Consult(&'static str),
    /// Pass the call on to a number.
    Transfer(&'static str),
    /// Pass the call on through the page.
    Order(&'static str),
    /// Pass the call put aside on to the colleague.
    TransferToConsulted,
    /// Ask something of the talk through the page.
    Ask(TalkRequest),
}

impl Deed {
    /// As the phone's input, where it is one.
    pub fn input(&self) -> Option<PhoneInput<'static>> {
        Some(match self {
            Self::Register => PhoneInput::Register,
            Self::Unregister => PhoneInput::Unregister,
            Self::Dial(number) => PhoneInput::Dial((*number).to_owned()),
            Self::Press(keys) => PhoneInput::Press((*keys).to_owned()),
            Self::Answer => PhoneInput::Answer,
            Self::Refuse(status) => PhoneInput::Refuse(*status),
            Self::HangUp => PhoneInput::HangUp,
            Self::Redirect(number) => PhoneInput::Redirect((*number).to_owned()),
            Self::Hold => PhoneInput::Hold,
            Self::Resume => PhoneInput::Resume,
            Self::Consult(number) => PhoneInput::Consult((*number).to_owned()),
            Self::Transfer(number) => PhoneInput::Transfer((*number).to_owned()),
            Self::TransferToConsulted => PhoneInput::TransferToConsulted,
            Self::Breathe | Self::Die | Self::GoReady | Self::Order(_) | Self::Ask(_) => {
                return None;
            }
        })
    }
}

/// Plans: deeds and how long from now.
pub type Plans = Vec<(Duration, Deed)>;

/// How often a person on the line makes a noise.
const BREATH: Duration = Duration::from_secs(8);

/// A person with a phone.
#[derive(Clone, Debug)]
pub enum Person {
    /// A citizen with so much patience.
    Caller {
        /// From dialling to hanging up, whatever happens; `None`: stays to the end.
        patience: Option<Duration>,
        /// Keys pressed after the answer, and when.
        keys: Vec<(Duration, &'static str)>,
    },
    /// A citizen who may be called back, and may ring again meanwhile.
    Citizen {
        /// As of a caller.
        patience: Option<Duration>,
        /// As of a caller: whoever presses 1 all the time asks for the callback when it is offered.
        keys: Vec<(Duration, &'static str)>,
        /// The share of the ends of a call after which the citizen rings again, percent.
        again: u32,
    },
    /// An agent of a seat.
    Agent {
        /// The seat.
        seat: SeatId,
        /// Whether calls are ever refused, ignored or dropped.
        steady: bool,
        /// Length of a talk.
        talks: Duration,
    },
    /// Somebody who does what a test plans, and nothing else: an agent's phone, or a citizen's.
    Planned {
        /// The seat; `None`: a citizen.
        seat: Option<SeatId>,
    },
}

impl Person {
    /// A caller as there are many: some give up at once, some after a while, most stay.
    pub fn random_caller(random: &mut ChaCha8Rng) -> Self {
        let ms = |random: &mut ChaCha8Rng, most: u32| {
            Duration::from_millis(u64::from(random.next_u32() % most))
        };
        let patience = match random.next_u32() % 10 {
            0 => Some(ms(random, 60)),
            1 => Some(ms(random, 3_000)),
            2 | 3 => Some(ms(random, 40_000)),
            _ => None,
        };
        let choice = one_of(&["0", "1", "2", "9", "7", "", ""], random);
        let score = one_of(&["1", "2", "3", "", "8"], random);
        let mut keys = vec![(ms(random, 4_000), choice)];
        // Nobody knows when the survey comes: the same key again and again.
        keys.extend((1..12).map(|n| (Duration::from_secs(5 * n) + ms(random, 900), score)));
        keys.retain(|(_, key)| !key.is_empty());
        Self::Caller { patience, keys }
    }

    /// A citizen: most take the callback that is offered, some wait on, some give up.
    pub fn random_citizen(random: &mut ChaCha8Rng) -> Self {
        let dice = random.next_u32();
        let patience = (dice % 10 < 3)
            .then(|| Duration::from_millis(u64::from(1_000 + random.next_u32() % 60_000)));
        let first = one_of(&["1", "1", "2", "9"], random);
        let mut keys = vec![(Duration::from_millis(700), first)];
        if !dice.is_multiple_of(4) {
            keys.extend((2..40).map(|n| (Duration::from_secs(2 * n), "1")));
        }
        Self::Citizen {
            patience,
            keys,
            again: 30,
        }
    }

    /// The seat whose phone the person has.
    pub fn seat(&self) -> Option<SeatId> {
        match self {
            Self::Caller { .. } | Self::Citizen { .. } => None,
            Self::Agent { seat, .. } => Some(*seat),
            Self::Planned { seat } => *seat,
        }
    }

    /// What the person plans when the day begins for them.
    pub fn begins(&self) -> Plans {
        match self {
            Self::Planned { seat: None } => Vec::new(),
            Self::Planned { seat: Some(_) } => vec![(Duration::ZERO, Deed::Register)],
            Self::Caller { patience, .. } | Self::Citizen { patience, .. } => {
                let mut plans = vec![(Duration::ZERO, Deed::Dial("12345"))];
                plans.extend(patience.map(|patience| (patience, Deed::HangUp)));
                plans
            }
            Self::Agent { .. } => {
                vec![
                    (Duration::ZERO, Deed::Register),
                    (Duration::from_secs(40), Deed::GoReady),
                ]
            }
        }
    }

    /// What the person plans because of what happened at the phone.
    pub fn reacts(&self, event: &PhoneEvent, random: &mut ChaCha8Rng) -> Plans {
        match (self, event) {
            (_, PhoneEvent::PlayEnded(_)) => vec![(BREATH, Deed::Breathe)],
            (Self::Planned { .. }, PhoneEvent::Connected { .. }) => {
                vec![(Duration::ZERO, Deed::Breathe)]
            }
            (
                Self::Caller { keys, .. } | Self::Citizen { keys, .. },
                PhoneEvent::Connected { .. },
            ) => {
                let mut plans: Plans = keys
                    .iter()
                    .map(|&(after, keys)| (after, Deed::Press(keys)))
                    .collect();
                plans.push((Duration::ZERO, Deed::Breathe));
                plans
            }
            (Self::Citizen { .. }, PhoneEvent::Incoming { .. }) => is_called(random),
            (Self::Citizen { again, .. }, PhoneEvent::Ended { .. }) => {
                let after = Duration::from_millis(u64::from(random.next_u32() % 40_000));
                match random.next_u32() % 100 < *again {
                    true => vec![(after, Deed::Dial("12345"))],
                    false => Vec::new(),
                }
            }
            (Self::Agent { .. }, PhoneEvent::Registered) => {
                vec![(Duration::from_millis(100), Deed::GoReady)]
            }
            (Self::Agent { steady, .. }, PhoneEvent::Incoming { .. }) => {
                let after = Duration::from_millis(u64::from(100 + random.next_u32() % 3_000));
                let dice = if *steady { 99 } else { random.next_u32() % 100 };
                match dice {
                    0..3 => vec![(after, Deed::Refuse(486))],
                    3..6 => vec![(after, Deed::Refuse(603))],
                    6..8 => vec![(after, Deed::Refuse(480))],
                    // Nobody at the desk; back after a coffee.
                    8..13 => vec![(Duration::from_secs(30), Deed::GoReady)],
                    13..15 => vec![(after, Deed::Unregister), (3 * after, Deed::Register)],
                    15..17 => vec![(after, Deed::Answer), (2 * after, Deed::Die)],
                    _ => vec![(after, Deed::Answer)],
                }
            }
            (Self::Agent { talks, .. }, PhoneEvent::Connected { .. }) => {
                vec![(Duration::ZERO, Deed::Breathe), (*talks, Deed::HangUp)]
            }
            (Self::Agent { .. }, PhoneEvent::Ended { .. }) => {
                vec![(Duration::from_secs(5), Deed::GoReady)]
            }
            _ => Vec::new(),
        }
    }
}

/// What a citizen does whom the hotline calls.
fn is_called(random: &mut ChaCha8Rng) -> Plans {
    let after = Duration::from_millis(u64::from(100 + random.next_u32() % 6_000));
    match random.next_u32() % 100 {
        0..14 => vec![(after, Deed::Refuse(486))],
        14..19 => vec![(after, Deed::Refuse(603))],
        19..24 => vec![(after, Deed::Refuse(404))],
        // Nobody hears it.
        24..36 => Vec::new(),
        36..42 => vec![(after, Deed::Answer), (2 * after, Deed::HangUp)],
        42..45 => vec![(after, Deed::Die)],
        _ => vec![(after, Deed::Answer)],
    }
}

/// One of the keys, each as likely.
fn one_of(keys: &[&'static str], random: &mut ChaCha8Rng) -> &'static str {
    let at = random.next_u32() as usize % keys.len().max(1);
    keys.get(at).copied().unwrap_or_default()
}
