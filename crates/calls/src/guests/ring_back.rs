//! The agent who consults hears the ring-back tone while the phone of the colleague, or outside,
//! rings; the caller hears music meanwhile.

use hotline_media::Command;
use hotline_model::{LegId, guest::GuestMode};

use super::{At, Scene};
use crate::{call::Facts, leg::ToMedia, switchboard::Switchboard};

impl Facts {
    /// A phone of a guest rings: the agent who asked hears it, once.
    pub(super) fn ring_back(&mut self, board: &mut Switchboard) {
        let guests = self.guests.list.iter();
        let mut rung = guests.filter(|guest| matches!(guest.at, At::Rung(..) | At::Dialled(_)));
        let consults = rung.any(|guest| guest.mode == GuestMode::Consult);
        let Some(agent) = self.agents_leg().filter(|_| consults) else {
            return;
        };
        if self.guests.rings_back != Some(agent) {
            self.guests.rings_back = Some(agent);
            let play = self.next_play();
            board.play_ring_back(agent, play);
        }
    }

    /// Nobody is rung any more for whom the agent waits.
    pub(super) fn ring_back_ends(&mut self, board: &mut Switchboard) {
        if let Some(leg) = self.guests.rings_back.take() {
            board.media(Command::StopPlay { leg });
        }
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
