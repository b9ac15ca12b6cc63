//! `seats.toml`, checked.

use std::time::Duration;

use hotline_acd::SeatSettings;
use hotline_calls::settings::{AutoAnswer, PickUp};
use hotline_model::{QueueId, SeatId, diagnostic::Diagnostic};
use toml::Spanned;

use super::{
    ConfiguredSeat, File, distribution,
    files::{self, SeatsFile},
    memberships, name, once, trunks,
};

/// The seats, in the order of the file, which may serve these queues. `md5`: whether MD5 may prove
/// a phone.
pub(super) fn check(
    file: &mut File<SeatsFile>,
    queues: &[QueueId],
    md5: bool,
) -> Vec<ConfiguredSeat> {
    let mut seen = Vec::new();
    let mut seats = Vec::new();
    for keys in &file.value.seat {
        let mut serves = Vec::new();
        for queue in &keys.queues {
            match queues
                .iter()
                .find(|known| known.as_str() == queue.get_ref())
            {
                Some(&known) => serves.push(known),
                None => {
                    let what = format!("there is no queue {:?}", queue.get_ref());
                    let known: Vec<&str> = queues.iter().map(QueueId::as_str).collect();
                    let help = format!("queues.toml has: {}", known.join(", "));
                    file.found
                        .push(Diagnostic::new(queue.span(), what).with_help(help));
                }
            }
        }
        let Some(id) = name(&keys.id, SeatId::new, &mut file.found) else {
            continue;
        };
        once(&mut seen, id, &keys.id, "seat", &mut file.found);
        let mut floor = SeatSettings {
            queues: serves,
            ..SeatSettings::new(id)
        };
        let mut reader = distribution::Reader {
            text: &file.text,
            queues,
            found: &mut file.found,
        };
        reader.seat(keys, &mut floor);
        let md5_only = check_digest(keys.digest.as_ref(), md5, &mut file.found);
        let pick_up = check_pick_up(keys, &mut file.found);
        let outbound_prefixes = trunks::prefixes(&keys.outbound_prefixes, &mut file.found);
        seats.push(ConfiguredSeat {
            floor,
            name: keys.name.clone(),
            md5_only,
            srtp: keys.srtp.into(),
            pick_up,
            outbound_prefixes,
            memberships: memberships::check(&keys.membership, &mut file.found),
        });
    }
    seats
}

/// Whether a phone is offered MD5 alone; a fault where nobody may be.
pub(super) fn check_digest(
    digest: Option<&Spanned<files::DigestKey>>,
    md5: bool,
    found: &mut Vec<Diagnostic>,
) -> bool {
    let only = digest.filter(|digest| *digest.get_ref() == files::DigestKey::Md5);
    if let Some(only) = only.filter(|_| !md5) {
        let what = "`digest` is \"md5\", which `md5 = false` under [sip] in engine.toml forbids";
        let help = "put a phone there that knows SHA-256 and delete this line, or allow MD5";
        found.push(Diagnostic::new(only.span(), what).with_help(help));
    }
    only.is_some()
}

/// Longest time a phone may ring before it answers by itself, seconds: a caller must not wait for
/// a machine's courtesy.
const AUTO_ANSWER_AFTER_MAX_S: u64 = 10;

fn check_pick_up(keys: &files::SeatKeys, found: &mut Vec<Diagnostic>) -> PickUp {
    use files::AutoAnswerKey as Key;
    let by = match keys.auto_answer {
        Key::Off => AutoAnswer::Off,
        Key::CallInfo => AutoAnswer::CallInfo,
        Key::AlertInfo => AutoAnswer::AlertInfo,
        Key::AnswerMode => AutoAnswer::AnswerMode,
        Key::All => AutoAnswer::All,
    };
    let Some(after) = &keys.auto_answer_after_s else {
        let after = Duration::ZERO;
        return PickUp { by, after };
    };
    let after_s = *after.get_ref();
    if after_s > AUTO_ANSWER_AFTER_MAX_S {
        let what = format!("`auto_answer_after_s` is at most {AUTO_ANSWER_AFTER_MAX_S}");
        found.push(Diagnostic::new(after.span(), what));
    }
    if after_s > 0 && matches!(by, AutoAnswer::Off | AutoAnswer::AnswerMode) {
        let what = "`auto_answer_after_s` says nothing with this `auto_answer`";
        let help = "set `auto_answer` to \"call-info\", \"alert-info\" or \"all\"";
        found.push(Diagnostic::new(after.span(), what).with_help(help));
    }
    let after = Duration::from_secs(after_s);
    PickUp { by, after }
}

#[cfg(test)]
mod tests {
    use super::{super::file_of, *};

    #[test]
    fn md5_alone_is_a_fault_where_md5_is_forbidden() {
        let text = "[[seat]]\nid = \"1001\"\nname = \"a\"\nqueues = []\ndigest = \"md5\"\n";
        for (md5, faults) in [(true, 0), (false, 1)] {
            let mut file = file_of::<SeatsFile>(text);
            let seats = check(&mut file, &[], md5);
            assert!(seats[0].md5_only);
            assert_eq!(file.found.len(), faults, "{:?}", file.found);
        }
        let unset: files::SipKeys = toml::from_str("").unwrap();
        assert!(unset.md5);
        let set: files::SipKeys = toml::from_str("md5 = false").unwrap();
        assert!(!set.md5);
    }

    #[test]
    fn a_seat_has_skills_and_a_weight() {
        let text = |keys: &str| format!("[[seat]]\nid = \"1\"\nname = \"a\"\nqueues = []\n{keys}");
        let mut file =
            file_of::<SeatsFile>(&text("skills = { english = 5, tax = 10 }\nweight = 3"));
        let seats = check(&mut file, &[], true);
        assert!(file.found.is_empty());
        let skill = |name| hotline_model::SkillId::new(name).unwrap();
        let floor = &seats[0].floor;
        assert_eq!(floor.skills, [(skill("english"), 5), (skill("tax"), 10)]);
        assert_eq!(floor.weight, 3);
        for (keys, what) in [
            ("skills = { english = 11 }", "a level is 1 to 10"),
            ("weight = 0", "`weight` is 1 to 1000"),
        ] {
            let mut file = file_of::<SeatsFile>(&text(keys));
            check(&mut file, &[], true);
            assert_eq!(file.found[0].what, what);
        }
    }
}
