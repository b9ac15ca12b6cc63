//! The agent who consults hears the ring-back tone while the phone of the colleague, or outside,
//! rings; the caller hears music meanwhile.

use hotline_media::Command;
use hotline_model::{LegId, guest::GuestMode};

use super::{At, Scene};
use crate::{call::Facts, leg::ToMedia, switchboard::Switchboard};

impl Facts {
    /// A phone of a guest rings: the agent who asked hears it, once.
    pub(super) fn ring_back(&mut self, board: &mut Switchboard) {
        let Some(agent) = self.agents_leg().filter(|_| self.is_rung_for_agent()) else {
            return;
        };
        if self.guests.rings_back != Some(agent) {
            self.guests.rings_back = Some(agent);
            let play = self.next_play();
            board.play_ring_back(agent, play);
        }
    }

    /// Who hears the tone hears it by another phone from now on.
    pub fn ring_back_moves(&mut self, board: &mut Switchboard) {
        if self.guests.rings_back.is_some() {
            self.ring_back(board);
        }
    }

    /// A guest is rung no more: where nobody is for whom the agent waits, the tone ends.
    pub(super) fn ring_back_ends(&mut self, board: &mut Switchboard) {
        if self.is_rung_for_agent() {
            return;
        }
        if let Some(leg) = self.guests.rings_back.take() {
            board.media(Command::StopPlay { leg });
        }
    }

    /// Whether the agent waits for somebody, and hears nothing of the trunk's yet.
    fn is_rung_for_agent(&self) -> bool {
        let mut guests = self.guests.list.iter();
        guests.any(|guest| {
            let is_rung = match &guest.at {
                At::Rung(..) => true,
                At::Dialled(dialled) => !dialled.early,
                At::Here(_) => false,
            };
            is_rung && guest.mode == GuestMode::Consult
        })
    }

    /// The leg of the seat whose talk it is.
    fn agents_leg(&self) -> Option<LegId> {
        match self.guests.scene {
            Scene::Apart => None,
            Scene::Talk { .. } if self.outgoing.is_some() => Some(self.leg.id),
            Scene::Talk { other, .. } => Some(other),
        }
    }
}
