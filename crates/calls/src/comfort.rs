//! What a caller hears until a human answers: the connecting notice, the position, the music.

use core::time::Duration;

use hotline_ivr::{Language, PromptKey, speech};
use hotline_media::Command;
use hotline_model::{Instant, LegId};

use crate::{leg::ToMedia, switchboard::Switchboard};

/// What plays now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sound {
    /// A notice; the music follows when it ended.
    Notice,
    /// The music, until the instant of the next announcement.
    Music(Instant),
}

/// The sound of waiting, carried from stage to stage while the caller waits.
#[derive(Clone, Debug)]
pub struct Comfort {
    leg: LegId,
    language: Language,
    sound: Sound,
    every: Duration,
    play: u32,
    announced: Option<u32>,
}

impl Comfort {
    /// Starts with the connecting notice: a caller who is matched at once hears no position.
    pub fn begin(leg: LegId, language: Language, play: u32, board: &mut Switchboard) -> Self {
        let every = board.settings.announce_every;
        let mut comfort = Self {
            leg,
            language,
            sound: Sound::Notice,
            every,
            play,
            announced: None,
        };
        comfort.say(&comfort.key("connecting"), board);
        comfort
    }

    /// A play of the caller's leg ended: after the notice comes the position where one is known
    /// and new, then the music.
    pub fn play_ended(
        &mut self,
        now: Instant,
        play: u32,
        position: Option<u32>,
        board: &mut Switchboard,
    ) {
        if play != self.play || self.sound != Sound::Notice {
            return;
        }
        match position {
            Some(position) if self.announced != Some(position) => self.announce(position, board),
            _ => self.music(now, board),
        }
    }

    /// When the next announcement is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self.sound {
            Sound::Notice => None,
            Sound::Music(until) => Some(until),
        }
    }

    /// The announcement's time came: the position where it changed, else a kind word. While a
    /// seat is ringing (`position` is `None`) the music just goes on.
    pub fn deadline_passed(
        &mut self,
        now: Instant,
        position: Option<u32>,
        board: &mut Switchboard,
    ) {
        match (self.sound, position) {
            (Sound::Music(until), Some(position)) if until <= now => {
                if self.announced == Some(position) {
                    self.say(&self.key("queue-wait"), board);
                } else {
                    self.announce(position, board);
                }
            }
            (Sound::Music(until), None) if until <= now => {
                self.sound = Sound::Music(now + self.every);
            }
            _ => {}
        }
    }

    fn announce(&mut self, position: u32, board: &mut Switchboard) {
        self.announced = Some(position);
        self.say(&speech::queue_position(self.language, position), board);
    }

    fn key(&self, key: &str) -> [PromptKey; 1] {
        [PromptKey::new(self.language, key)]
    }

    fn say(&mut self, words: &[PromptKey], board: &mut Switchboard) {
        self.play = self.play.wrapping_add(1);
        self.sound = Sound::Notice;
        let clips = board.settings.prompts.clips(words);
        board.media(Command::Play {
            leg: self.leg,
            play: self.play,
            clips,
            repeat: false,
        });
    }

    fn music(&mut self, now: Instant, board: &mut Switchboard) {
        self.play = self.play.wrapping_add(1);
        self.sound = Sound::Music(now + self.every);
        let clips = board.settings.prompts.music();
        board.media(Command::Play {
            leg: self.leg,
            play: self.play,
            clips,
            repeat: true,
        });
    }
}
