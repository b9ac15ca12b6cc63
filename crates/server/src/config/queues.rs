//! `queues.toml`, checked.

use std::time::Duration;

use hotline_acd::QueueSettings;
use hotline_calls::settings::{Prompts, Queue, Regulars};
use hotline_model::{QueueId, diagnostic::Diagnostic, limits::CALLERS_KEPT_H};

use super::{File, announcements, distribution, files::QueuesFile, name, once};

/// Longest hold for the last agent, seconds: nobody waits five minutes for one person.
const LAST_AGENT_S: u64 = 300;

/// The queues, in the order of the file.
pub(super) fn check(file: &mut File<QueuesFile>, prompts: &Prompts) -> Vec<Queue> {
    let mut seen = Vec::new();
    let mut queues = Vec::new();
    let all = file.value.queue.iter();
    let all: Vec<QueueId> = all
        .filter_map(|keys| QueueId::new(keys.id.get_ref()).ok())
        .collect();
    for keys in &file.value.queue {
        let mut at_least_one = |value: u64, span: std::ops::Range<usize>, key: &str| {
            if value == 0 {
                let fault = Diagnostic::new(span, format!("`{key}` must be at least 1"));
                file.found.push(fault);
            }
        };
        at_least_one(
            u64::from(*keys.weight.get_ref()),
            keys.weight.span(),
            "weight",
        );
        at_least_one(
            *keys.capacity.get_ref() as u64,
            keys.capacity.span(),
            "capacity",
        );
        at_least_one(*keys.ring_s.get_ref(), keys.ring_s.span(), "ring_s");
        if *keys.wrap_up_cap_s.get_ref() < keys.wrap_up_s {
            let what = "`wrap_up_cap_s` is shorter than `wrap_up_s`";
            file.found
                .push(Diagnostic::new(keys.wrap_up_cap_s.span(), what));
        }
        for (key, percent, least) in [
            ("answered_percent", &keys.answered_percent, 1),
            ("in_time_percent", &keys.in_time_percent, 0),
        ] {
            if !(least..=99).contains(percent.get_ref()) {
                let what = format!("`{key}` is {least} to 99");
                let help = "100 % is reached by no number of seats";
                let fault = Diagnostic::new(percent.span(), what).with_help(help);
                file.found.push(fault);
            }
        }
        for (key, value, from, to) in [
            ("last_agent_s", &keys.last_agent_s, 0, LAST_AGENT_S),
            (
                "repeat_caller_hours",
                &keys.repeat_caller_hours,
                1,
                CALLERS_KEPT_H,
            ),
        ] {
            if !(from..=to).contains(value.get_ref()) {
                let what = format!("`{key}` is {from} to {to}");
                file.found.push(Diagnostic::new(value.span(), what));
            }
        }
        let Some(id) = name(&keys.id, QueueId::new, &mut file.found) else {
            continue;
        };
        once(&mut seen, id, &keys.id, "queue", &mut file.found);
        let seconds = Duration::from_secs;
        let mut floor = QueueSettings {
            threshold: seconds(keys.threshold_s),
            weight: *keys.weight.get_ref(),
            capacity: *keys.capacity.get_ref(),
            longest_wait: (keys.longest_wait_s > 0).then(|| seconds(keys.longest_wait_s)),
            ring_for: seconds(*keys.ring_s.get_ref()),
            wrap_up: seconds(keys.wrap_up_s),
            wrap_up_cap: seconds(*keys.wrap_up_cap_s.get_ref()),
            answered_percent: *keys.answered_percent.get_ref(),
            in_time_percent: *keys.in_time_percent.get_ref(),
            ..QueueSettings::new(id)
        };
        let mut reader = distribution::Reader {
            text: &file.text,
            queues: &all,
            found: &mut file.found,
        };
        reader.queue(keys, &mut floor);
        queues.push(Queue {
            floor,
            name: keys.name.clone(),
            announce: announcements::check(&keys.announce, prompts, &mut file.found),
            regulars: Regulars {
                hold_out: seconds(*keys.last_agent_s.get_ref()),
                window: seconds(keys.repeat_caller_hours.get_ref().saturating_mul(3_600)),
            },
        });
    }
    queues
}

#[cfg(test)]
mod tests {
    use hotline_calls::settings::{Announce, Language};
    use hotline_media::Clip;

    use super::{super::file_of, *};

    /// A queue named "a" beside another named "b", and what is wrong with it: the text that is
    /// marked, and the words.
    fn whole_queue(keys: &str) -> (Queue, Vec<(String, String)>) {
        let rest = "name = \"n\"\nthreshold_s = 15\nweight = 1\ncapacity = 5\n\
                    longest_wait_s = 0\nring_s = 15\nwrap_up_s = 10\nwrap_up_cap_s = 120\n";
        let text = format!("[[queue]]\nid = \"a\"\n{rest}{keys}\n[[queue]]\nid = \"b\"\n{rest}");
        let mut file = file_of::<QueuesFile>(&text);
        let mut prompts = Prompts::default();
        for language in [Language::Zh, Language::En] {
            prompts.insert(language, "please-hold", Clip::silence(20));
        }
        prompts.insert(Language::Zh, "half", Clip::silence(20));
        let queues = check(&mut file, &prompts);
        let found = file.found.iter();
        let found = found.map(|it| (text[it.span.clone()].to_owned(), it.what.clone()));
        (queues[0].clone(), found.collect())
    }

    fn queue(keys: &str) -> (QueueSettings, Vec<(String, String)>) {
        let (queue, found) = whole_queue(keys);
        (queue.floor, found)
    }

    #[test]
    fn a_queue_says_what_is_said_to_those_who_wait() {
        let (plain, found) = whole_queue("");
        assert_eq!((plain.announce, found), (Announce::default(), vec![]));
        let (full, found) = whole_queue(
            "announce = { position = false, estimate = true, first_after_s = 10, every_s = 45, \
             say = [\"please-hold\"] }",
        );
        assert_eq!(found, []);
        let announce = Announce {
            position: false,
            estimate: true,
            first_after: Duration::from_secs(10),
            every: Some(Duration::from_secs(45)),
            say: vec!["please-hold".to_owned()],
        };
        assert_eq!(full.announce, announce);
        let (music, _) = whole_queue("announce = { say = [] }");
        assert!(music.announce.say.is_empty() && music.announce.position);
        for (keys, place, what) in [
            ("{ every_s = 4 }", "4", "`every_s` is 5 to 3600"),
            (
                "{ first_after_s = 9999 }",
                "9999",
                "`first_after_s` is 0 to 3600",
            ),
            (
                "{ say = [\"half\"] }",
                "\"half\"",
                "the prompt \"half\" has no sound in en",
            ),
        ] {
            let (_, found) = whole_queue(&format!("announce = {keys}"));
            assert_eq!(found, [(place.to_owned(), what.to_owned())], "{keys}");
        }
    }

    #[test]
    fn a_queue_says_how_it_distributes() {
        use hotline_acd::{Choice, Skills, Widening};
        let (plain, found) = queue("");
        assert_eq!(found, []);
        assert_eq!(whole_queue("").0.regulars, Regulars::default());
        let (kept, _) = whole_queue("last_agent_s = 20\nrepeat_caller_hours = 24");
        assert_eq!(kept.regulars.hold_out, Duration::from_secs(20));
        assert_eq!(kept.regulars.window, Duration::from_secs(86_400));
        assert_eq!(plain.choice, Choice::LongestIdle);
        assert_eq!((plain.answered_percent, plain.in_time_percent), (95, 80));
        let (aims, found) = queue("answered_percent = 90\nin_time_percent = 0");
        assert_eq!(found, []);
        assert_eq!((aims.answered_percent, aims.in_time_percent), (90, 0));
        let (full, found) = queue(
            "choice = \"most-skilled\"\nskills = \"english>=5 and (tax or social)\"\n\
             widen = [{ after_s = 10, skills = [\"english>=3\", \"tax or social\"] },\n\
             { after_s = 20, queues = [\"b\"] }]\nageing_s = 30",
        );
        assert_eq!(found, []);
        assert_eq!(full.choice, Choice::MostSkilled);
        assert_eq!(full.ageing, Some(Duration::from_secs(30)));
        assert_eq!(
            full.skills,
            Skills::parse("english>=5 and (tax or social)").unwrap()
        );
        let steps = [
            Widening {
                after: Duration::from_secs(10),
                skills: Some(Skills::parse("english>=3 and (tax or social)").unwrap()),
                queues: Vec::new(),
            },
            Widening {
                after: Duration::from_secs(20),
                skills: None,
                queues: vec![QueueId::new("b").unwrap()],
            },
        ];
        assert_eq!(full.widen, steps);
        let (drawn, found) = queue("choice = \"weighted-random\"\nseed = 7");
        assert_eq!(
            (drawn.choice, drawn.seed, found),
            (Choice::WeightedRandom, 7, vec![])
        );
    }

    #[test]
    fn what_a_queue_says_wrongly_is_shown() {
        for (keys, place, what) in [
            (
                "skills = \"english>=5 und tax\"",
                "und",
                "here \"and\" or \"or\" is missing, or a parenthesis is left over (column 12 of \
                 the skills)",
            ),
            (
                "skills = [\"english>=0\"]",
                "[\"english>=0\"]",
                "after \">=\" stands a level from 1 to 10 (column 11 of the skills)",
            ),
            (
                "choice = \"most-skilled\"",
                "\"most-skilled\"",
                "`choice` is \"most-skilled\", but the queue names no skills",
            ),
            ("last_agent_s = 301", "301", "`last_agent_s` is 0 to 300"),
            (
                "repeat_caller_hours = 169",
                "169",
                "`repeat_caller_hours` is 1 to 168",
            ),
            (
                "answered_percent = 100",
                "100",
                "`answered_percent` is 1 to 99",
            ),
            (
                "in_time_percent = 120",
                "120",
                "`in_time_percent` is 0 to 99",
            ),
            ("seed = 7", "7", "`seed` says nothing with this `choice`"),
            ("ageing_s = 0", "0", "`ageing_s` is 1 to 86400"),
            (
                "widen = [{ after_s = 5, queues = [\"c\"] }]",
                "\"c\"",
                "there is no queue \"c\"",
            ),
            (
                "widen = [{ after_s = 5, queues = [\"a\"] }]",
                "\"a\"",
                "the queue names itself",
            ),
            (
                "widen = [{ after_s = 5 }]",
                "5",
                "a step of `widen` brings no further seats",
            ),
            (
                "widen = [{ after_s = 9, skills = \"x\" }, { after_s = 8, skills = \"x\" }]",
                "8",
                "each step of `widen` comes later than the one before, the first after 1",
            ),
        ] {
            let (_, found) = queue(keys);
            assert_eq!(found, [(place.to_owned(), what.to_owned())], "{keys}");
        }
    }
}
