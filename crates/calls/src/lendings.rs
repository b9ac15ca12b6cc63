//! Shared phones (公用话机): which phone is lent to which seat, and who typed too many wrong PINs.
//!
//! A shared phone registers as itself and belongs to no seat. An agent dials `*9` and the seat's
//! number there and types the PIN: from then on the seat's calls ring it, and what it dials is
//! dialled by the seat, until it is given back.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{
    Instant, PhoneId, SeatId,
    limits::{CONTACTS_PER_SEAT, PIN_LOCK_S, PIN_TRIES},
};
use hotline_sip::{
    digest::{Algorithm, Ha1, ha1},
    message::Message,
    registration::Series,
};

use crate::privacy::Srtp;

/// The code before a seat's number, by which its agent logs in at a shared phone.
pub const LOG_IN: &str = "*9";

/// What a phone may register as: the address of record whose bindings it makes (RFC 3261 §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aor {
    /// The seat whose own phone it is.
    Seat(SeatId),
    /// A shared phone.
    Phone(PhoneId),
}

impl Aor {
    /// The user it registers as.
    pub fn user(&self) -> &str {
        match self {
            Self::Seat(seat) => seat.as_str(),
            Self::Phone(phone) => phone.as_str(),
        }
    }
}

/// A shared phone, as configured.
#[derive(Clone)]
pub struct SharedPhone {
    /// The user it registers as.
    pub id: PhoneId,
    /// Where it stands, for people.
    pub place: String,
    /// Its digest secret, never the password.
    pub ha1: Ha1,
    /// It is offered MD5 alone.
    pub md5_only: bool,
    /// Whether its sound is private.
    pub srtp: Srtp,
}

/// The digest of a seat's PIN. It is as secret as what a phone registers with, which stands beside
/// it: six digits are guessed from any digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// From the kept digest.
    pub fn kept(digest: &str) -> Self {
        Self(digest.to_owned())
    }

    /// Of a PIN in the clear.
    pub fn of(seat: SeatId, pin: &str) -> Self {
        Self(ha1(Algorithm::Sha256, seat.as_str(), "hotline-pin", pin))
    }

    /// What is kept.
    pub fn digest(&self) -> &str {
        &self.0
    }
}

/// How often in a row it was wrong, and until when nobody is let in.
#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    wrong: u32,
    locked_until: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Lendings {
    at: BTreeMap<PhoneId, SeatId>,
    phones: BTreeMap<SeatId, PhoneId>,
    /// Seats that signed out: the phone goes back when nothing is left to do there.
    leaving: BTreeMap<SeatId, &'static str>,
    /// The seats' own phones that gave way to a shared one. Some are left running, and go on to
    /// register by themselves.
    gave_way: BTreeMap<SeatId, Vec<Series>>,
    /// Seats at shared phones that are in their shift's hours.
    on_shift: BTreeSet<SeatId>,
    /// Only of what is configured: never more than there are seats and phones.
    tries: BTreeMap<Aor, Tries>,
}

impl Lendings {
    /// The seat that has the phone now.
    pub fn seat_at(&self, phone: PhoneId) -> Option<SeatId> {
        self.at.get(&phone).copied()
    }

    /// The shared phone that the seat has now.
    pub fn phone_of(&self, seat: SeatId) -> Option<PhoneId> {
        self.phones.get(&seat).copied()
    }

    /// The seats that have a shared phone.
    pub fn seats(&self) -> impl Iterator<Item = SeatId> {
        self.phones.keys().copied()
    }

    /// The phone is the seat's; whatever either had before was given back.
    pub(crate) fn lend(&mut self, phone: PhoneId, seat: SeatId) {
        self.at.insert(phone, seat);
        self.phones.insert(seat, phone);
        self.leaving.remove(&seat);
    }

    /// The phone is nobody's; whose it was.
    pub(crate) fn take_back(&mut self, phone: PhoneId) -> Option<SeatId> {
        let seat = self.at.remove(&phone)?;
        self.phones.remove(&seat);
        self.leaving.remove(&seat);
        self.on_shift.remove(&seat);
        Some(seat)
    }

    /// These phones of the seat's own gave way to the shared one: at most as many as a seat can have,
    /// the latest.
    pub(crate) fn gives_way(&mut self, seat: SeatId, phones: Vec<Series>) {
        let all = self.gave_way.entry(seat).or_default();
        all.extend(phones);
        all.drain(..all.len().saturating_sub(CONTACTS_PER_SEAT));
    }

    /// Whether the REGISTER is of a phone that gave way.
    pub(crate) fn gave_way(&self, seat: SeatId, request: &Message<'_>) -> bool {
        let mut phones = self.gave_way.get(&seat).into_iter().flatten();
        phones.any(|phone| phone.is_continued_by(request))
    }

    /// That phone was ended by its agent: if it comes again, that is meant.
    pub(crate) fn ended_own(&mut self, seat: SeatId, request: &Message<'_>) {
        if let Some(phones) = self.gave_way.get_mut(&seat) {
            phones.retain(|phone| !phone.is_continued_by(request));
        }
    }

    /// The seat has no shared phone any more: its own may come as they like.
    pub(crate) fn may_come(&mut self, seat: SeatId) {
        self.gave_way.remove(&seat);
    }

    /// The seat gives its phone back as soon as nothing is left to do there.
    pub(crate) fn leaves(&mut self, seat: SeatId, why: &'static str) {
        if self.phones.contains_key(&seat) {
            self.leaving.insert(seat, why);
        }
    }

    /// The seat stays after all.
    pub(crate) fn stays(&mut self, seat: SeatId) {
        self.leaving.remove(&seat);
    }

    /// Notes whether the seat is in its shift's hours. True where it was until now and is no more.
    pub(crate) fn shift_ended(&mut self, seat: SeatId, works: bool) -> bool {
        if works {
            self.on_shift.insert(seat);
            return false;
        }
        self.on_shift.remove(&seat)
    }

    /// Seats that leave, each with its phone and why.
    pub(crate) fn leaving(&self) -> Vec<(SeatId, PhoneId, &'static str)> {
        let leaving = self.leaving.iter();
        leaving
            .filter_map(|(&seat, &why)| Some((seat, self.phone_of(seat)?, why)))
            .collect()
    }

    /// Whether nobody is let in there, or as that seat, now.
    pub(crate) fn is_locked(&self, now: Instant, whose: Aor) -> bool {
        let tries = self.tries.get(&whose);
        let until = tries.and_then(|tries| tries.locked_until);
        until.is_some_and(|until| now < until)
    }

    /// A PIN was wrong there, or for that seat. True where it was one too many.
    pub(crate) fn was_wrong(&mut self, now: Instant, whose: Aor) -> bool {
        let tries = self.tries.entry(whose).or_default();
        if tries.locked_until.take_if(|until| *until <= now).is_some() {
            tries.wrong = 0;
        }
        tries.wrong += 1;
        let locks = tries.wrong >= PIN_TRIES && tries.locked_until.is_none();
        if locks {
            tries.locked_until = Some(now + Duration::from_secs(PIN_LOCK_S));
        }
        locks
    }

    /// A PIN was right.
    pub(crate) fn was_right(&mut self, whose: Aor) {
        self.tries.remove(&whose);
    }

    /// Forgets what is configured no more.
    pub(crate) fn keep(&mut self, is_there: impl Fn(Aor) -> bool) {
        self.tries.retain(|&whose, _| is_there(whose));
    }
}
