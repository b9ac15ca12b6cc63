//! What is said to those who wait, and when it is worth saying: the place where it got better, the
//! wait where it is known and did not grow, else a kind word.

use core::time::Duration;

use hotline_acd::{ExpectedWait, Floor};
use hotline_ivr::{Language, PromptKey, speech};
use hotline_model::CallId;

/// What a queue says to those who wait in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    /// The caller's place.
    pub position: bool,
    /// How long the caller will probably wait still.
    pub estimate: bool,
    /// From the connecting notice to the first announcement; zero: at once.
    pub first_after: Duration,
    /// From one announcement to the next; `None`: as everywhere
    /// ([`Settings::announce_every`](crate::settings::Settings)).
    pub every: Option<Duration>,
    /// Prompts that are said where there is nothing new; empty: the music goes on.
    pub say: Vec<String>,
}

impl Default for Announce {
    /// The place at once, and a kind word between.
    fn default() -> Self {
        Self {
            position: true,
            estimate: false,
            first_after: Duration::ZERO,
            every: None,
            say: vec!["queue-wait".to_owned()],
        }
    }
}

/// Where a caller stands in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// 1 is next.
    pub position: u32,
    /// How long it will probably be; `None`: not known.
    pub wait: Option<ExpectedWait>,
}

impl Standing {
    /// As the floor has it; `None` when the call does not stand in line.
    pub fn of(call: CallId, floor: &Floor) -> Option<Self> {
        Some(Self {
            position: floor.position(call)?,
            wait: floor.expected_wait(call),
        })
    }
}

/// What a caller was told so far.
#[derive(Clone, Debug, Default)]
pub struct Told {
    position: Option<u32>,
    /// End of the wait that was told last, and its words.
    wait: Option<(Duration, Vec<PromptKey>)>,
}

impl Told {
    /// What is new, in words; empty when nothing is. Nobody is told a worse place, or a longer wait,
    /// than before: it says nothing that the caller could do anything about.
    pub fn news(
        &mut self,
        announce: &Announce,
        language: Language,
        standing: Standing,
    ) -> Vec<PromptKey> {
        let mut words = Vec::new();
        let place = standing.position;
        if announce.position && self.position.is_none_or(|told| place < told) {
            self.position = Some(place);
            words.extend(speech::queue_position(language, place));
        }
        if announce.estimate
            && let Some(wait) = standing.wait
        {
            words.extend(self.wait(language, wait));
        }
        words
    }

    fn wait(&mut self, language: Language, wait: ExpectedWait) -> Vec<PromptKey> {
        let words = speech::expected_wait(language, wait.from, wait.to);
        let news = match &self.wait {
            None => !words.is_empty(),
            Some((to, told)) => !words.is_empty() && wait.to < *to && words != *told,
        };
        if !news {
            return Vec::new();
        }
        self.wait = Some((wait.to, words.clone()));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(position: u32, wait: Option<(u64, u64)>) -> Standing {
        let wait = wait.map(|(from, to)| ExpectedWait {
            from: Duration::from_secs(from),
            to: Duration::from_secs(to),
        });
        Standing { position, wait }
    }

    fn both() -> Announce {
        Announce {
            estimate: true,
            ..Announce::default()
        }
    }

    fn said(told: &mut Told, announce: &Announce, standing: Standing) -> String {
        let words = told.news(announce, Language::Zh, standing);
        let keys: Vec<String> = words.into_iter().map(|word| word.key).collect();
        keys.join(" ")
    }

    #[test]
    fn place_and_wait_are_said_together() {
        let mut told = Told::default();
        let here = standing(4, Some((130, 230)));
        assert_eq!(
            said(&mut told, &both(), here),
            "queue-position-before num-3 queue-position-after \
             wait-before num-2-measure num-to num-4 wait-minutes"
        );
        assert_eq!(said(&mut told, &both(), here), "", "nothing is new");
    }

    #[test]
    fn nobody_is_told_that_it_got_worse() {
        let mut told = Told::default();
        said(&mut told, &both(), standing(3, Some((130, 230))));
        // Somebody with precedence came, and seats went for their meal.
        assert_eq!(said(&mut told, &both(), standing(4, Some((300, 500)))), "");
        assert_eq!(said(&mut told, &both(), standing(3, Some((200, 260)))), "");
        assert_eq!(
            said(&mut told, &both(), standing(2, Some((70, 170)))),
            "queue-position-before num-1 queue-position-after wait-before num-1 num-to num-3 wait-minutes"
        );
        // The same words are not said twice, however little the wait got shorter.
        assert_eq!(said(&mut told, &both(), standing(2, Some((65, 150)))), "");
        assert_eq!(
            said(&mut told, &both(), standing(1, Some((0, 50)))),
            "queue-next wait-below-minute"
        );
    }

    #[test]
    fn what_is_not_known_or_not_wanted_is_not_said() {
        let mut told = Told::default();
        assert_eq!(said(&mut told, &both(), standing(1, None)), "queue-next");
        assert_eq!(
            said(&mut told, &both(), standing(1, Some((0, 50)))),
            "wait-below-minute"
        );
        let silent = Announce {
            position: false,
            ..Announce::default()
        };
        let mut told = Told::default();
        assert_eq!(said(&mut told, &silent, standing(3, Some((0, 50)))), "");
        let estimate = Announce {
            position: false,
            ..both()
        };
        let words = said(&mut told, &estimate, standing(3, Some((0, 50))));
        assert_eq!(words, "wait-below-minute");
    }
}
