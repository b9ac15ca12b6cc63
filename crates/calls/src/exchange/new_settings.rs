//! New settings while calls go on.

use std::sync::Arc;

use hotline_acd::rules::DECISIONS;
use hotline_model::{Instant, change::ItemChange, event::Event};

use super::Exchange;
use crate::settings::{Aor, Replacement, Seat, SharedPhone};

/// Settings that were checked, and what the journal says of them.
pub struct NewSettings {
    /// Who asked for them: `api:NAME`, `local:USER` or `signal`.
    pub by: String,
    /// Digest of the queues' and seats' settings, hex.
    pub digest: String,
    /// Digest of the floor's settings, hex.
    pub floor_digest: String,
    /// The difference.
    pub changes: Vec<ItemChange>,
    /// Items that changed beside these.
    pub more: usize,
    /// The settings.
    pub settings: Replacement,
}

impl core::fmt::Debug for NewSettings {
    /// Without the seats' secrets.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewSettings")
            .field("by", &self.by)
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// Puts new settings in force in one turn. Calls, places in line and states of seats stay as
    /// they are; see [`hotline_acd::Floor::replace_settings`]. A seat that is not named any more
    /// finishes its talk, but its phones are bound no more; nor are those of a seat whose password
    /// is another now, until they prove the new one.
    pub(super) fn settings_replaced(&mut self, now: Instant, new: NewSettings) {
        let dismissed = self.dismissed_by(&new.settings);
        let queues = new.settings.queues.iter().map(|it| it.floor.clone());
        let queues = queues.collect();
        let seats = new.settings.seats.iter().map(|it| it.floor.clone());
        let seats = seats.collect();
        Arc::make_mut(&mut self.board.settings).replace(new.settings);
        let event = Event::SettingsChanged {
            by: new.by,
            digest: new.digest,
            changes: new.changes,
            more: new.more,
        };
        self.board.happened(now, event);
        let set = Event::FloorSet {
            ns: now,
            digest: new.floor_digest,
            rules: DECISIONS,
        };
        self.board.happened(now, set);
        self.board.floor.replace_settings(now, queues, seats);
        for (whose, why) in dismissed {
            self.board.registrar.dismiss(whose, why);
            let seat = match whose {
                Aor::Seat(seat) => seat,
                Aor::Phone(phone) => {
                    self.give_back(now, phone, why);
                    continue;
                }
            };
            self.browsers.retain(|_, at| *at != seat);
            if let Some(phone) = self.board.lendings.phone_of(seat) {
                self.give_back(now, phone, why);
            }
        }
        // A seat that is named again comes back as the floor left it.
        let settings = &self.board.settings;
        self.desks
            .retain(|seat, desk| settings.seat(*seat).is_some() || desk.is_lost());
        self.look_at_desks(now);
        let settings = self.board.settings.clone();
        self.board.lendings.keep(|whose| match whose {
            Aor::Seat(seat) => settings.seat(seat).is_some(),
            Aor::Phone(phone) => settings.phone(phone).is_some(),
        });
    }

    /// Seats whose phones and browsers have no leave any more.
    fn dismissed_by(&self, new: &Replacement) -> Vec<(Aor, &'static str)> {
        let before = self.board.settings.seats.iter();
        let why = |seat: &Seat| match new.seats.iter().find(|it| it.floor.id == seat.floor.id) {
            None => Some((Aor::Seat(seat.floor.id), "seat removed")),
            Some(now) if now.ha1 != seat.ha1 => {
                Some((Aor::Seat(seat.floor.id), "password changed"))
            }
            Some(_) => None,
        };
        let phones = self.board.settings.phones.iter();
        let why_phone = |phone: &SharedPhone| match new.phones.iter().find(|it| it.id == phone.id) {
            None => Some((Aor::Phone(phone.id), "phone removed")),
            Some(now) if now.ha1 != phone.ha1 => Some((Aor::Phone(phone.id), "password changed")),
            Some(_) => None,
        };
        let phones = phones.filter_map(why_phone);
        before.filter_map(why).chain(phones).collect()
    }
}
