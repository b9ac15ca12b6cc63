//! The registrar's bindings: which phone stands behind a seat, and until when (RFC 3261 §10.3).
//!
//! A binding keeps the path its REGISTER came by, and calls to the seat go that way: a phone
//! behind NAT can be reached nowhere else. Bindings over UDP are pinged, so that the NAT keeps the
//! way open and a phone that is gone is noticed; other bindings end with their connection.

mod binding;
mod keep_alive;
mod series;
mod wish;

use core::{cmp::Reverse, net::IpAddr, ops::RangeInclusive, time::Duration};
use std::collections::{BTreeMap, VecDeque, btree_map::Entry};

use hotline_model::{Instant, SeatId, limits::CONTACTS_PER_SEAT};

pub use binding::{Changed, Contact, RegisterAnswer};
pub use keep_alive::Ping;
pub use series::{Series, binds};
use wish::{Wanted, Wish, user_agent, wanted};

use crate::{message::Message, path::Path, transaction::timer::TimerQueue};

/// The bindings of all seats, or of whatever else phones may register as: `Whose` is the name that
/// a phone proves.
#[derive(Debug)]
pub struct Registrar<Whose = SeatId> {
    seats: BTreeMap<Whose, Vec<Contact>>,
    /// How many bindings were made from each address.
    made_from: BTreeMap<IpAddr, usize>,
    expiries: TimerQueue<(Whose, u64)>,
    pings: TimerQueue<(Whose, u64)>,
    changes: VecDeque<Changed<Whose>>,
    /// Whose bindings are others than before, the preferred one or not.
    rebound: VecDeque<Whose>,
    /// From where bindings were that are not any more.
    left: VecDeque<IpAddr>,
    last: u64,
}

impl<Whose: Copy + Ord> Default for Registrar<Whose> {
    fn default() -> Self {
        Self {
            seats: BTreeMap::new(),
            made_from: BTreeMap::new(),
            expiries: TimerQueue::default(),
            pings: TimerQueue::default(),
            changes: VecDeque::new(),
            rebound: VecDeque::new(),
            left: VecDeque::new(),
            last: 0,
        }
    }
}

impl<Whose: Copy + Ord> Registrar<Whose> {
    /// No bindings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out a REGISTER whose sender was authenticated as `seat` (§10.3 steps 3–5): all of
    /// it, or nothing.
    pub fn register(
        &mut self,
        now: Instant,
        seat: Whose,
        request: &Message<'_>,
        path: Path,
    ) -> RegisterAnswer {
        self.expire(now);
        let before = self.reachable_at(seat);
        let done = match wanted(request) {
            Ok(Wanted::List) => Ok(false),
            Ok(Wanted::RemoveAll) => self.remove_all(seat, request),
            Ok(Wanted::Update(wishes)) => self.update(now, seat, request, path, wishes),
            Err(answer) => Err(answer),
        };
        let flows = match done {
            Ok(flows) => flows && request.supports("outbound"),
            Err(answer) => return answer,
        };
        self.note_change(seat, before.as_ref(), "unregistered");
        let listed = |contact: &Contact| ("Contact", contact.listed(now));
        let mut headers: Vec<_> = self.contacts(seat).iter().map(listed).collect();
        if flows {
            // RFC 5626 §6: the phone learns that its connections are told apart.
            headers.push(("Require", "outbound".to_owned()));
        }
        RegisterAnswer {
            status: 200,
            headers,
        }
    }

    /// Whether any binding was made from one of these addresses.
    pub fn is_at(&self, addresses: RangeInclusive<IpAddr>) -> bool {
        self.made_from.range(addresses).next().is_some()
    }

    /// The contact to call: the most preferred, of equals the latest heard of.
    pub fn contact(&self, seat: Whose) -> Option<&Contact> {
        self.contacts(seat)
            .iter()
            .max_by_key(|contact| (contact.preference, contact.refreshed, contact.number))
    }

    /// The contacts to ring at once: all of the highest preference, the latest heard of first
    /// (§16.6 item 1 lets a group of equal `q` be called in parallel).
    pub fn contacts_to_ring(&self, seat: Whose) -> Vec<&Contact> {
        let contacts = self.contacts(seat);
        let highest = contacts.iter().map(|contact| contact.preference).max();
        let mut group: Vec<_> = contacts
            .iter()
            .filter(|contact| Some(contact.preference) == highest)
            .collect();
        group.sort_by_key(|contact| Reverse((contact.refreshed, contact.number)));
        group
    }

    /// All contacts of a seat, the oldest first.
    pub fn contacts(&self, seat: Whose) -> &[Contact] {
        self.seats.get(&seat).map_or(&[], Vec::as_slice)
    }

    /// Removes what has expired at `now`.
    pub fn expire(&mut self, now: Instant) {
        while let Some((_, (seat, number))) = self.expiries.pop_due(now) {
            self.remove_where(seat, "expired", |contact| contact.number == number);
        }
    }

    /// When to call [`Registrar::expire`] next.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.expiries.next_due()
    }

    /// When to call [`Registrar::expire`] and [`Registrar::poll_ping`] next.
    pub fn next_wake(&self) -> Option<Instant> {
        let due = [self.expiries.next_due(), self.pings.next_due()];
        due.into_iter().flatten().min()
    }

    /// A connection closed, or a datagram could not be delivered: nobody can be reached that way
    /// (RFC 5626 §5.3's reason).
    pub fn path_lost(&mut self, path: &Path) {
        let on_it = |contact: &Contact| contact.path.is_lost_with(path);
        let seats: Vec<_> = self
            .seats
            .iter()
            .filter(|(_, contacts)| contacts.iter().any(on_it))
            .map(|(&seat, _)| seat)
            .collect();
        for seat in seats {
            self.remove_where(seat, "connection lost", on_it);
        }
    }

    /// The seat's phones are bound no more, whatever they asked for; why, in a word.
    pub fn dismiss(&mut self, seat: Whose, why: &str) {
        self.dismiss_where(seat, why, |_| true);
    }

    /// Such of the seat's phones are bound no more; why, in a few words.
    pub fn dismiss_where(&mut self, seat: Whose, why: &str, such: impl Fn(&Contact) -> bool) {
        self.remove_where(seat, why, such);
    }

    /// The next change to tell; `None` when all was taken.
    pub fn poll_change(&mut self) -> Option<Changed<Whose>> {
        self.changes.pop_front()
    }

    /// Whose bindings are others than before: one was made, moved or went, also where calls go to
    /// another. `None` when all was taken.
    pub fn poll_rebound(&mut self) -> Option<Whose> {
        self.rebound.pop_front()
    }

    /// The REGISTERs behind the bindings, for telling later ones of the same phones.
    pub fn series(&self, seat: Whose) -> Vec<Series> {
        self.contacts(seat).iter().map(Series::of).collect()
    }

    /// An address that bindings were made from and none is any more, for whatever reason; another
    /// of its network may still be ([`Registrar::is_at`]). `None` when all were taken.
    pub fn poll_left(&mut self) -> Option<IpAddr> {
        self.left.pop_front()
    }

    /// `Contact: *` with `Expires: 0` (§10.3 step 6). A binding of the same Call-ID must be older
    /// than the request.
    fn remove_all(&mut self, seat: Whose, request: &Message<'_>) -> Result<bool, RegisterAnswer> {
        let stale = self
            .contacts(seat)
            .iter()
            .any(|contact| contact.is_newer(request));
        if stale {
            return Err(RegisterAnswer::plain(500));
        }
        for contact in self.seats.remove(&seat).unwrap_or_default() {
            self.forget(seat, &contact);
        }
        Ok(false)
    }

    /// Adds, refreshes and removes the contacts a REGISTER names (§10.3 step 7). Says whether it
    /// bound connections of a phone (RFC 5626).
    fn update(
        &mut self,
        now: Instant,
        seat: Whose,
        request: &Message<'_>,
        path: Path,
        wishes: Vec<Wish>,
    ) -> Result<bool, RegisterAnswer> {
        let flows = wishes.iter().any(|wish| wish.device.is_some());
        let mut contacts = self.contacts(seat).to_vec();
        if wishes.iter().any(|wish| {
            let mut meant = contacts.iter().filter(|contact| contact.is_meant_by(wish));
            meant.any(|contact| contact.is_newer(request))
        }) {
            return Err(RegisterAnswer::plain(500));
        }
        let user_agent = user_agent(request);
        let mut last = self.last;
        let mut named = Vec::new();
        for wish in wishes {
            let known = contacts.extract_if(.., |contact| contact.is_meant_by(&wish));
            let number = known.map(|contact| contact.number).max();
            if wish.expires == 0 {
                continue;
            }
            let number = number.unwrap_or_else(|| {
                last += 1;
                last
            });
            named.push(number);
            contacts.push(Contact {
                uri: wish.uri,
                path,
                expires: now + Duration::from_secs(u64::from(wish.expires)),
                preference: wish.preference,
                refreshed: now,
                user_agent: user_agent.clone(),
                device: wish.device,
                call_id: request.call_id().to_vec(),
                cseq: request.cseq().0,
                number,
                unanswered: 0,
            });
        }
        let displaced = displace(&mut contacts, &named)?;
        self.last = last;
        self.replace(now, seat, contacts);
        self.tell_displaced(seat, &displaced);
        Ok(flows)
    }

    /// Puts `contacts` in the place of what the seat had.
    fn replace(&mut self, now: Instant, seat: Whose, contacts: Vec<Contact>) {
        let before = self.seats.remove(&seat).unwrap_or_default();
        let was = |number| before.iter().find(|old| old.number == number);
        for contact in &contacts {
            *self.made_from.entry(contact.from()).or_default() += 1;
            self.expiries.set((seat, contact.number), contact.expires);
            if was(contact.number).is_none_or(|old| old.path != contact.path) {
                self.start_pings(now, seat, contact);
                self.rebound.push_back(seat);
            }
        }
        for old in &before {
            match contacts.iter().find(|contact| contact.number == old.number) {
                None => self.forget(seat, old),
                Some(_) => self.leave(old.from()),
            }
        }
        if !contacts.is_empty() {
            self.seats.insert(seat, contacts);
        }
    }

    /// The contact is none of the seat's any more.
    fn forget(&mut self, seat: Whose, contact: &Contact) {
        self.expiries.stop((seat, contact.number));
        self.pings.stop((seat, contact.number));
        self.rebound.push_back(seat);
        self.leave(contact.from());
    }

    /// A binding less was made from there.
    fn leave(&mut self, address: IpAddr) {
        if let Entry::Occupied(mut here) = self.made_from.entry(address) {
            *here.get_mut() -= 1;
            if *here.get() == 0 {
                here.remove();
                self.left.push_back(address);
            }
        }
    }

    fn remove_where(&mut self, seat: Whose, why: &str, gone: impl Fn(&Contact) -> bool) {
        let before = self.reachable_at(seat);
        let Some(contacts) = self.seats.get_mut(&seat) else {
            return;
        };
        let removed: Vec<_> = contacts.extract_if(.., |contact| gone(contact)).collect();
        if contacts.is_empty() {
            self.seats.remove(&seat);
        }
        for contact in &removed {
            self.forget(seat, contact);
        }
        self.note_change(seat, before.as_ref(), why);
    }

    fn reachable_at(&self, seat: Whose) -> Option<(String, Path)> {
        self.contact(seat)
            .map(|contact| (contact.uri.clone(), contact.path))
    }

    /// Tells a change of what `contact` says; a refresh changes nothing.
    fn note_change(&mut self, seat: Whose, before: Option<&(String, Path)>, why: &str) {
        let after = self.reachable_at(seat);
        if after.as_ref() == before {
            return;
        }
        self.changes.push_back(Changed {
            seat,
            registered: after.is_some(),
            detail: after.map_or_else(|| why.to_owned(), |(uri, path)| format!("{uri} by {path}")),
        });
    }

    /// A displaced phone does not know that it will not ring: whoever reads the journal must.
    fn tell_displaced(&mut self, seat: Whose, displaced: &[Contact]) {
        let newest = self.seats.get(&seat).and_then(|contacts| contacts.last());
        let newest = newest.map_or("", |new| new.uri.as_str());
        let told = displaced.iter().map(|old| Changed {
            seat,
            registered: true,
            detail: format!("{} displaced by {newest}", old.uri),
        });
        self.changes.extend(told);
    }
}

/// Takes the bindings longest without a refresh out of `contacts` until the seat's limit holds.
/// Those `named` by the request itself stay: what it asks for it gets, or 403.
fn displace(contacts: &mut Vec<Contact>, named: &[u64]) -> Result<Vec<Contact>, RegisterAnswer> {
    let mut displaced = Vec::new();
    while contacts.len() > CONTACTS_PER_SEAT {
        let oldest = contacts
            .iter()
            .enumerate()
            .filter(|(_, contact)| !named.contains(&contact.number))
            .min_by_key(|(_, contact)| (contact.refreshed, contact.number));
        let (at, _) = oldest.ok_or(RegisterAnswer::plain(403))?;
        displaced.push(contacts.remove(at));
    }
    Ok(displaced)
}

#[cfg(test)]
mod tests;
