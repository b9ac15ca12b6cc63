//! What is said to those who wait, as written in `queues.toml`.

use std::time::Duration;

use hotline_calls::settings::{Announce, Language, Prompts};
use hotline_model::{diagnostic::Diagnostic, limits::ANNOUNCE_EVERY_S};
use serde::Deserialize;
use toml::Spanned;

/// `announce = { position = true, estimate = true, first_after_s = 10, every_s = 30, say = ["…"] }`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnnounceKeys {
    /// The caller's place.
    pub position: Option<bool>,
    /// How long the caller will probably wait still.
    pub estimate: Option<bool>,
    /// From the connecting notice to the first announcement, seconds.
    pub first_after_s: Option<Spanned<u64>>,
    /// From one announcement to the next, seconds.
    pub every_s: Option<Spanned<u64>>,
    /// Prompts that are said where there is nothing new.
    pub say: Option<Vec<Spanned<String>>>,
}

/// What the keys say, with the usual where they are silent.
pub(super) fn check(
    keys: &AnnounceKeys,
    prompts: &Prompts,
    found: &mut Vec<Diagnostic>,
) -> Announce {
    let usual = Announce::default();
    let mut seconds = |key: &Option<Spanned<u64>>, name: &str, least: u64| {
        let key = key.as_ref()?;
        if !(least..=ANNOUNCE_EVERY_S).contains(key.get_ref()) {
            let what = format!("`{name}` is {least} to {ANNOUNCE_EVERY_S}");
            found.push(Diagnostic::new(key.span(), what));
        }
        Some(Duration::from_secs(*key.get_ref()))
    };
    let first_after = seconds(&keys.first_after_s, "first_after_s", 0);
    let every = seconds(&keys.every_s, "every_s", 5);
    for key in keys.say.iter().flatten() {
        for language in Language::ALL {
            if !prompts.has(language, key.get_ref()) {
                let what = format!("the prompt {:?} has no sound in {language}", key.get_ref());
                let help = "record it, or make it with: hotline prompts render";
                found.push(Diagnostic::new(key.span(), what).with_help(help));
            }
        }
    }
    let say = keys.say.as_ref();
    let say = say.map(|say| say.iter().map(|key| key.get_ref().clone()).collect());
    Announce {
        position: keys.position.unwrap_or(usual.position),
        estimate: keys.estimate.unwrap_or(usual.estimate),
        first_after: first_after.unwrap_or(usual.first_after),
        every: every.or(usual.every),
        say: say.unwrap_or(usual.say),
    }
}
