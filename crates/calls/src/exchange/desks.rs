//! The agents' desks: whose page follows the engine's live stream. An agent whose phone is in the
//! browser, and whose page is cut off, does not see who calls; the seat is offered nothing until the
//! page is back. A phone that stands on the table needs no page.

use core::time::Duration;

use hotline_acd::Input as FloorInput;
use hotline_model::{Instant, SeatId, event::Event};
use hotline_sip::registration::Contact;

use super::Exchange;
use crate::lendings::Aor;

/// A desk at which a page was opened since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Desk {
    /// Live streams of its pages.
    streams: u32,
    /// When the last of them ended.
    cut: Option<Instant>,
    /// Since when it is cut off that is lost, as the floor knows.
    lost: Option<Instant>,
}

impl Desk {
    /// Whether the floor was told that it is cut off.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_some()
    }
}

impl Exchange {
    /// A page of the seat's agent began to follow, or ended.
    pub(super) fn desk_streams(&mut self, now: Instant, seat: SeatId, opened: bool) {
        let desk = self.desks.entry(seat).or_default();
        desk.streams = if opened {
            desk.streams.saturating_add(1)
        } else {
            desk.streams.saturating_sub(1)
        };
        if let Some(cut) = desk.cut.take() {
            self.desks_cut.remove(&(cut, seat));
        }
        desk.cut = (desk.streams == 0).then_some(now);
        self.look_at_desk(now, seat);
    }

    /// When the next desk is lost, if its page does not come back.
    pub(super) fn next_desk(&self) -> Option<Instant> {
        let after = self.board.settings.desk_lost_after?;
        let &(cut, _) = self.desks_cut.first()?;
        Some(cut + after)
    }

    /// Looks at the desks whose time has passed by now. One that needs no page stays: whatever changes
    /// that has it looked at again.
    pub(super) fn desks_due(&mut self, now: Instant) {
        while self.next_desk().is_some_and(|at| at <= now) {
            let Some((_, seat)) = self.desks_cut.pop_first() else {
                return;
            };
            self.look_at_desk(now, seat);
        }
    }

    /// Looks at all desks.
    pub(super) fn look_at_desks(&mut self, now: Instant) {
        let desks: Vec<SeatId> = self.desks.keys().copied().collect();
        for seat in desks {
            self.look_at_desk(now, seat);
        }
    }

    /// Tells the floor where the desk is lost, or is back.
    pub(super) fn look_at_desk(&mut self, now: Instant, seat: SeatId) {
        let Some(desk) = self.desks.get(&seat).copied() else {
            return;
        };
        let after = self.board.settings.desk_lost_after;
        let cut_for = desk.cut.map_or(Duration::ZERO, |cut| now.since(cut));
        let is_cut = desk.cut.is_some() && after.is_some_and(|after| cut_for >= after);
        if let Some(cut) = desk.cut {
            let place = (cut, seat);
            if is_cut {
                self.desks_cut.remove(&place);
            } else {
                self.desks_cut.insert(place);
            }
        }
        let lost = is_cut && self.needs_page(seat, desk.lost.is_some());
        if lost == desk.lost.is_some() {
            return;
        }
        if let Some(desk) = self.desks.get_mut(&seat) {
            desk.lost = desk.cut.filter(|_| lost);
        }
        let since = desk.lost.or(desk.cut).unwrap_or(now);
        let ms = now.millis_since(since);
        self.board.happened(
            now,
            if lost {
                let after_ms = ms;
                Event::SeatDeskLost { seat, after_ms }
            } else {
                let lost_ms = ms;
                Event::SeatDeskBack { seat, lost_ms }
            },
        );
        self.board.floor(now, FloorInput::SetDesk { seat, lost });
    }

    /// Whether the seat is reached by browsers alone. One that is lost stays so when its browser's
    /// phone goes, too.
    fn needs_page(&self, seat: SeatId, is_lost: bool) -> bool {
        let own = self.board.registrar.contacts(Aor::Seat(seat));
        let in_browser = |contact: &Contact| contact.path.transport.is_websocket();
        let is_reached = is_lost || !own.is_empty();
        is_reached && own.iter().all(in_browser) && self.board.lendings.phone_of(seat).is_none()
    }
}
