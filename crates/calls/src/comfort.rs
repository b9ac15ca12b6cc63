//! What a caller hears until a human answers: the connecting notice, the position, the music.

use core::time::Duration;

use hotline_ivr::{Language, PromptKey};
use hotline_media::Command;
use hotline_model::{Instant, LegId, QueueId};

use crate::{
    announcements::{Announce, Standing, Told},
    leg::ToMedia,
    switchboard::Switchboard,
};

/// What plays now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sound {
    /// A notice; the music follows when it ended.
    Notice,
    /// The music, until the instant of the next announcement.
    Music(Instant),
    /// Nothing: nobody is on the line.
    Nobody,
}

/// The sound of waiting, carried from stage to stage while the caller waits.
#[derive(Clone, Debug)]
pub struct Comfort {
    leg: LegId,
    language: Language,
    sound: Sound,
    announce: Announce,
    every: Duration,
    play: u32,
    /// The first announcement's time has come.
    began: bool,
    told: Told,
}

impl Comfort {
    /// Starts with the connecting notice: a caller who is matched at once hears no position.
    pub fn begin(
        leg: LegId,
        language: Language,
        queue: QueueId,
        play: u32,
        board: &mut Switchboard,
    ) -> Self {
        let mut queues = board.settings.queues.iter();
        let queue = queues.find(|it| it.floor.id == queue);
        let announce = queue.map(|queue| queue.announce.clone());
        let announce = announce.unwrap_or_default();
        let every = announce.every.unwrap_or(board.settings.announce_every);
        let mut comfort = Self {
            leg,
            language,
            sound: Sound::Notice,
            began: announce.first_after.is_zero(),
            announce,
            every,
            play,
            told: Told::default(),
        };
        comfort.say(&comfort.key("connecting"), board);
        comfort
    }

    /// Nobody is on the line, and nothing is played.
    pub fn nobody(leg: LegId, language: Language) -> Self {
        Self {
            leg,
            language,
            sound: Sound::Nobody,
            announce: Announce::default(),
            every: Duration::ZERO,
            play: 0,
            began: false,
            told: Told::default(),
        }
    }

    /// A play of the caller's leg ended: after the notice comes what is new, then the music.
    pub fn play_ended(
        &mut self,
        now: Instant,
        play: u32,
        standing: Option<Standing>,
        board: &mut Switchboard,
    ) {
        if play != self.play || self.sound != Sound::Notice {
            return;
        }
        let news = standing.filter(|_| self.began);
        let news = news.map(|it| self.told.news(&self.announce, self.language, it));
        match news {
            Some(words) if !words.is_empty() => self.say(&words, board),
            _ => self.music(now, board),
        }
    }

    /// When the next announcement is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self.sound {
            Sound::Notice | Sound::Nobody => None,
            Sound::Music(until) => Some(until),
        }
    }

    /// The announcement's time came: what is new, else a kind word. While a seat is ringing
    /// (`standing` is `None`) the music just goes on.
    pub fn deadline_passed(
        &mut self,
        now: Instant,
        standing: Option<Standing>,
        board: &mut Switchboard,
    ) {
        match (self.sound, standing) {
            (Sound::Music(until), Some(standing)) if until <= now => {
                let mut words = self.told.news(&self.announce, self.language, standing);
                // The first announcement is of something, or there is none.
                if words.is_empty() && self.began {
                    let say = self.announce.say.iter();
                    words.extend(say.map(|key| PromptKey::new(self.language, key.as_str())));
                }
                self.began = true;
                if words.is_empty() {
                    self.sound = Sound::Music(now + self.every);
                } else {
                    self.say(&words, board);
                }
            }
            (Sound::Music(until), None) if until <= now => {
                self.sound = Sound::Music(now + self.every);
            }
            _ => {}
        }
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
        let pause = if self.began {
            self.every
        } else {
            self.announce.first_after
        };
        self.sound = Sound::Music(now + pause);
        let clips = board.settings.prompts.music();
        board.media(Command::Play {
            leg: self.leg,
            play: self.play,
            clips,
            repeat: true,
        });
    }
}
