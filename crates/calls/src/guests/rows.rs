//! Who hears whom in a call: computed here alone, from what is between caller and agent and from
//! the guests.

use hotline_media::{Command, Gain, Voice};
use hotline_model::{LegId, guest::GuestMode};

use super::{At, Guest};
use crate::{call::Facts, leg::ToMedia, switchboard::Switchboard};

/// What is between the two who talk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scene {
    /// Nobody talks with the caller: a queue, an announcement.
    #[default]
    Apart,
    /// A talk.
    Talk {
        /// The leg at the other end of the call's own: the agent's, or the one called outside.
        other: LegId,
        /// Whose leg hears music, while a side holds.
        music: Option<LegId>,
    },
}

/// A party of the talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Caller,
    Agent,
    Guest(GuestMode),
    /// A trunk before the answer of whom it leads to: its ringing, or an announcement.
    Early,
}

/// Whether the one hears the other. `open`: nobody holds. While somebody does, the caller hears
/// music and is heard by nobody, and the agent's side goes on among itself.
const fn hears(listener: Party, speaker: Party, open: bool) -> bool {
    use GuestMode::{Barge, Consult, Monitor, TakeOver, Whisper};
    use Party::{Agent, Caller, Early, Guest};
    match (listener, speaker) {
        // Whoever consults hears how it goes on there, and nobody is heard there yet.
        (_, Early) => matches!(listener, Agent),
        (Early, _) => false,
        // Heard by nobody, ever.
        (_, Guest(Monitor | TakeOver)) => false,
        (Guest(TakeOver), _) => false,
        (Caller, Agent | Guest(Barge)) => open,
        (Caller, Caller | Guest(_)) => false,
        (Agent, Guest(_)) => true,
        (Agent, speaker) => open && matches!(speaker, Caller),
        // Whoever is consulted does not hear the caller, nor the other way round.
        (Guest(Consult), Caller) => false,
        (Guest(_), Caller) => open,
        (Guest(_), Agent | Guest(Barge | Consult)) => true,
        (Guest(_), Guest(Whisper)) => false,
    }
}

impl Facts {
    /// The scene changes: who talks hears each other, who is held hears music, the guests what is
    /// theirs.
    pub fn sounds(&mut self, scene: Scene, board: &mut Switchboard) {
        self.guests.scene = scene;
        let own = self.leg.id;
        match scene {
            Scene::Apart => {
                board.media(Command::Unbridge { leg: own });
                // Nor do the guests hear each other: whoever becomes a silent one meanwhile would
                // still be heard.
                let guests = self.guests.list.iter().filter_map(|guest| guest.here());
                for leg in guests {
                    board.media(Command::Unbridge { leg });
                }
            }
            Scene::Talk { other, music: None } => {
                board.media(Command::Bridge { a: own, b: other });
            }
            Scene::Talk {
                music: Some(listener),
                ..
            } => {
                board.media(Command::Unbridge { leg: own });
                board.play_music(listener, self.next_play());
            }
        }
        if self.parties().len() > 2 {
            self.hear(board);
        }
    }

    /// The rows of all, after a guest came, went or changed its part.
    pub(super) fn hear(&self, board: &mut Switchboard) {
        let parties = self.parties();
        let open = matches!(self.guests.scene, Scene::Talk { music: None, .. });
        for &(leg, listener) in &parties {
            let heard = parties
                .iter()
                .filter(|(other, speaker)| *other != leg && hears(listener, *speaker, open));
            let voices = heard.map(|&(leg, _)| Voice {
                leg,
                gain: Gain::FULL,
            });
            let voices = voices.collect();
            board.media(Command::Hear { leg, voices });
        }
    }

    /// The leg of the citizen, while somebody talks with one.
    pub(super) fn citizens_leg(&self) -> Option<LegId> {
        match (&self.outgoing, self.guests.scene) {
            (None, _) => Some(self.leg.id),
            // A seat's own call: the citizen is at the other end.
            (Some(_), Scene::Talk { other, .. }) => Some(other),
            (Some(_), Scene::Apart) => None,
        }
    }

    /// The legs that take part. Without a talk there are none: the caller's is the script's.
    fn parties(&self) -> Vec<(LegId, Party)> {
        let Scene::Talk { other, .. } = self.guests.scene else {
            return Vec::new();
        };
        let (caller, agent) = match self.outgoing {
            // A seat's own call: the citizen is at the other end.
            Some(_) => (other, self.leg.id),
            None => (self.leg.id, other),
        };
        let guests = self.guests.list.iter();
        let guests = guests.filter_map(Guest::party);
        [(caller, Party::Caller), (agent, Party::Agent)]
            .into_iter()
            .chain(guests)
            .collect()
    }
}

impl Guest {
    /// Its leg and its part, where somebody hears it.
    fn party(&self) -> Option<(LegId, Party)> {
        match &self.at {
            At::Rung(..) => None,
            At::Dialled(dialled) => {
                let early = dialled.early.then_some(Party::Early);
                early.map(|party| (dialled.attempt.leg_id(), party))
            }
            At::Here(leg) => Some((leg.id, Party::Guest(self.mode))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Party; 7] = [
        Party::Caller,
        Party::Agent,
        Party::Guest(GuestMode::Monitor),
        Party::Guest(GuestMode::Whisper),
        Party::Guest(GuestMode::Barge),
        Party::Guest(GuestMode::Consult),
        Party::Early,
    ];

    /// The matrix as a supervisor would write it down: rows hear columns, in the order of `ALL`.
    /// The last column of the diagonal kinds is two guests of one kind.
    #[test]
    fn the_matrix_is_the_one_on_paper() {
        let open = [
            "-x--x--", "x--xxxx", "xx--xx-", "xx--xx-", "xx--xx-", "-x--xx-", "-------",
        ];
        let held = [
            "-------", "---xxxx", "-x--xx-", "-x--xx-", "-x--xx-", "-x--xx-", "-------",
        ];
        for (table, open) in [(open, true), (held, false)] {
            for (row, listener) in table.iter().zip(ALL) {
                let computed: String = ALL
                    .iter()
                    .map(|&speaker| {
                        if hears(listener, speaker, open) {
                            'x'
                        } else {
                            '-'
                        }
                    })
                    .collect();
                assert_eq!(*row, computed, "{listener:?} open {open}");
            }
        }
    }
}
