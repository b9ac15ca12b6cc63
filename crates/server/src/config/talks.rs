//! What belongs to every seat's talk, as written in `seats.toml`: the numbers of help, and how long
//! a side may say nothing.

use std::time::Duration;

use hotline_calls::settings::{Emergency, Trunk};
use hotline_model::{
    diagnostic::Diagnostic,
    limits::{EMERGENCIES, SILENT_AFTER_S},
};
use serde::Deserialize;
use toml::Spanned;

use super::{File, files::SeatsFile, once, overflow::carried};

/// `[[emergency]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmergencyKeys {
    /// The number, as it is dialled.
    pub number: Spanned<String>,
    /// Its name for people.
    pub name: String,
}

/// `[talk]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TalkKeys {
    /// How long a side says nothing before that is an event, seconds; 0: never.
    pub silent_after_s: Spanned<u64>,
}

impl Default for TalkKeys {
    /// The figures ask whether both were heard in the first ten seconds.
    fn default() -> Self {
        let silent_after_s = Spanned::new(0..0, 10);
        Self { silent_after_s }
    }
}

/// The numbers of help, in the order of the file.
pub(super) fn emergencies(file: &mut File<SeatsFile>, trunks: &[Trunk]) -> Vec<Emergency> {
    let (mut numbers, found) = (Vec::new(), &mut file.found);
    let listed = &file.value.emergency;
    if let Some(one_more) = listed.get(EMERGENCIES) {
        let what = format!("more than {EMERGENCIES} numbers of help");
        found.push(Diagnostic::new(one_more.number.span(), what));
    }
    let all = listed.iter().map(|keys| {
        let number = keys.number.get_ref().clone();
        if let Err((what, help)) = carried(&number, trunks) {
            found.push(Diagnostic::new(keys.number.span(), what).with_help(help));
        }
        once(&mut numbers, number.clone(), &keys.number, "number", found);
        let name = keys.name.clone();
        Emergency { number, name }
    });
    all.collect()
}

/// How long a side may say nothing.
pub(super) fn silent_after(file: &mut File<SeatsFile>) -> Option<Duration> {
    let key = &file.value.talk.silent_after_s;
    if *key.get_ref() > SILENT_AFTER_S {
        let what = format!("`silent_after_s` is 0 to {SILENT_AFTER_S}");
        file.found.push(Diagnostic::new(key.span(), what));
    }
    Some(Duration::from_secs(*key.get_ref())).filter(|after| !after.is_zero())
}

#[cfg(test)]
mod tests {
    use super::{super::file_of, *};

    /// The text that is marked and what is wrong with it.
    fn wrong(text: &str) -> Vec<(String, String)> {
        let text = format!("seat = []\n{text}");
        let mut file = file_of::<SeatsFile>(&text);
        emergencies(&mut file, &[]);
        silent_after(&mut file);
        let found = file.found.iter();
        let found = found.map(|it| (text[it.span.clone()].to_owned(), it.what.clone()));
        found.collect()
    }

    #[test]
    fn a_number_of_help_needs_a_trunk_that_carries_it() {
        let text = "[[emergency]]\nnumber = \"110\"\nname = \"公安\"\n";
        let what = "no trunk may carry this number";
        assert_eq!(wrong(text), [("\"110\"".to_owned(), what.to_owned())]);
        let text = "[[emergency]]\nnumber = \"11\"\nname = \"公安\"\n";
        let what = "a number outside has three digits or more";
        assert_eq!(wrong(text), [("\"11\"".to_owned(), what.to_owned())]);
    }

    #[test]
    fn a_side_may_be_silent_for_ten_seconds_or_as_long_as_is_written() {
        let after = |text: &str| silent_after(&mut file_of::<SeatsFile>(text));
        assert_eq!(after("seat = []"), Some(Duration::from_secs(10)));
        assert_eq!(after("seat = []\n[talk]\nsilent_after_s = 0"), None);
        let what = format!("`silent_after_s` is 0 to {SILENT_AFTER_S}");
        let told = wrong("[talk]\nsilent_after_s = 601");
        assert_eq!(told, [("601".to_owned(), what)]);
    }
}
