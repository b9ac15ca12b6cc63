//! Whether somebody can serve what the queues ask. A queue that nobody can serve is no fault, since
//! it may be made before its seats are, but it must not go unnoticed: its callers wait in vain.

use hotline_acd::{QueueSettings, SeatSettings, may_serve};
use hotline_calls::settings::Queue;
use hotline_model::{SkillId, diagnostic::Diagnostic};

use super::{
    ConfiguredSeat,
    files::{QueueKeys, QueuesFile},
};

/// How alike two names are (Jaro-Winkler, 1 is the same) of which one is taken for a slip of the
/// other.
const ALIKE: f64 = 0.85;

/// What nobody can serve.
pub(super) fn check(
    file: &QueuesFile,
    queues: &[Queue],
    seats: &[ConfiguredSeat],
) -> Vec<Diagnostic> {
    let all: Vec<QueueSettings> = queues.iter().map(|queue| queue.floor.clone()).collect();
    let seats: Vec<&SeatSettings> = seats.iter().map(|seat| &seat.floor).collect();
    let mut found = Vec::new();
    for queue in &all {
        let mut keys = file.queue.iter();
        let Some(keys) = keys.find(|keys| keys.id.get_ref() == queue.id.as_str()) else {
            continue;
        };
        let unknown = unknown_skills(keys, queue, &seats);
        let unstaffed = !seats.iter().any(|seat| may_serve(seat, queue, &all));
        if unstaffed && unknown.is_empty() {
            found.push(nobody_serves(keys, queue, &seats));
        }
        found.extend(unknown);
    }
    found
}

/// Skills that a queue or one of its widenings names and no seat has at all.
fn unknown_skills(
    keys: &QueueKeys,
    queue: &QueueSettings,
    seats: &[&SeatSettings],
) -> Vec<Diagnostic> {
    let own = keys.skills.iter().map(|it| (it.span(), &queue.skills));
    let steps = keys.widen.iter().zip(&queue.widen);
    let wider = steps.filter_map(|(keys, step)| {
        let span = keys.skills.as_ref()?.span();
        Some((span, step.skills.as_ref()?))
    });
    let mut found = Vec::new();
    for (span, skills) in own.chain(wider) {
        for (skill, _) in skills.asked() {
            if level(skill, seats).is_none() {
                let (queue, name) = (queue.id.as_str(), skill.as_str());
                let what = format!("queue {queue:?}: no seat has the skill {name:?}");
                found.push(Diagnostic::new(span.clone(), what).with_help(near(skill, seats)));
            }
        }
    }
    found
}

/// No seat can serve the queue, though each of its skills is somebody's.
fn nobody_serves(keys: &QueueKeys, queue: &QueueSettings, seats: &[&SeatSettings]) -> Diagnostic {
    let own = seats.iter().filter(|seat| seat.queues.contains(&queue.id));
    let own: Vec<&SeatSettings> = own.copied().collect();
    let id = queue.id.as_str();
    if own.is_empty() {
        let what = format!("no seat serves the queue {id:?}: its callers wait in vain");
        let help = format!("name {id:?} under `queues` of a seat in seats.toml");
        return Diagnostic::new(keys.id.span(), what).with_help(help);
    }
    let span = keys
        .skills
        .as_ref()
        .map_or(keys.id.span(), toml::Spanned::span);
    let what = format!(
        "no seat of the queue {id:?} can do what it asks ({}): its callers wait in vain",
        queue.skills
    );
    let best = queue.skills.asked().into_iter().map(|(skill, least)| {
        let name = skill.as_str();
        match level(skill, &own) {
            Some((has, seat)) if has < least => {
                format!("{name} is asked at {least}, the best of its seats ({seat}) has {has}")
            }
            Some((has, seat)) => format!("{name}: {seat} has {has}"),
            None => format!("{name}: none of its seats has it"),
        }
    });
    let help: Vec<String> = best.collect();
    Diagnostic::new(span, what).with_help(help.join("; "))
}

/// The highest level of a skill, and whose.
fn level<'a>(skill: SkillId, seats: &[&'a SeatSettings]) -> Option<(u8, &'a str)> {
    let levels = seats.iter().filter_map(|seat| {
        let (_, level) = seat.skills.iter().find(|(has, _)| *has == skill)?;
        Some((*level, seat.id.as_str()))
    });
    levels.max_by_key(|(level, _)| *level)
}

/// The skill that was probably meant, or what to do.
fn near(skill: SkillId, seats: &[&SeatSettings]) -> String {
    let all = seats.iter().flat_map(|seat| &seat.skills);
    let alike = |name: &str| strsim::jaro_winkler(skill.as_str(), name);
    let nearest = all
        .map(|(has, _)| has.as_str())
        .max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match nearest.filter(|name| alike(name) >= ALIKE) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!(
            "write it under `skills` of a seat: {{ {} = 5 }}",
            skill.as_str()
        ),
    }
}

#[cfg(test)]
mod tests {
    use hotline_calls::settings::Prompts;
    use hotline_model::QueueId;

    use super::{
        super::{file_of, files::SeatsFile, queues, seats},
        *,
    };

    /// What is said of queue "a" with these keys, its seat having these.
    fn said(queue: &str, seat: &str) -> Vec<(String, String)> {
        let text = format!(
            "[[queue]]\nid = \"a\"\nname = \"n\"\nthreshold_s = 15\nweight = 1\ncapacity = 5\n\
             longest_wait_s = 0\nring_s = 15\nwrap_up_s = 10\nwrap_up_cap_s = 120\n{queue}\n"
        );
        let mut file = file_of::<QueuesFile>(&text);
        let queues = queues::check(&mut file, &Prompts::default());
        let seat = format!("[[seat]]\nid = \"1001\"\nname = \"s\"\n{seat}\n");
        let mut seat_file = file_of::<SeatsFile>(&seat);
        let ids: Vec<QueueId> = queues.iter().map(|it| it.floor.id).collect();
        let seats = seats::check(&mut seat_file, &ids, true);
        assert!(file.found.is_empty() && seat_file.found.is_empty());
        let found = check(&file.value, &queues, &seats);
        let told = found.into_iter();
        told.map(|it| (it.what, it.help.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_queue_that_is_staffed_is_not_spoken_of() {
        let able = "queues = [\"a\"]\nskills = { english = 5 }";
        assert_eq!(said("skills = \"english>=5\"", able), []);
        assert_eq!(said("", "queues = [\"a\"]"), []);
        let later = "skills = \"english>=7\"\nwiden = [{ after_s = 9, skills = \"english\" }]";
        assert_eq!(said(later, able), []);
    }

    #[test]
    fn a_skill_that_no_seat_has_is_told_with_the_one_meant() {
        let seat = "queues = [\"a\"]\nskills = { english = 5 }";
        let found = said("skills = \"englsh>=5\"", seat);
        let what = "queue \"a\": no seat has the skill \"englsh\"".to_owned();
        assert_eq!(found, [(what, "did you mean \"english\"?".to_owned())]);
        let found = said("skills = \"english or tax\"", seat);
        assert_eq!(found[0].1, "write it under `skills` of a seat: { tax = 5 }");
    }

    #[test]
    fn a_level_that_no_seat_of_the_queue_reaches_is_told() {
        let found = said(
            "skills = \"english>=8\"",
            "queues = [\"a\"]\nskills = { english = 5 }",
        );
        assert_eq!(found.len(), 1);
        assert!(
            found[0].0.starts_with("no seat of the queue \"a\" can do"),
            "{found:?}"
        );
        assert_eq!(
            found[0].1,
            "english is asked at 8, the best of its seats (1001) has 5"
        );
        let found = said("", "queues = []");
        assert_eq!(
            found[0].0,
            "no seat serves the queue \"a\": its callers wait in vain"
        );
    }
}
