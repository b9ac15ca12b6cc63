//! `queues.toml`, checked.

use std::time::Duration;

use hotline_acd::QueueSettings;
use hotline_calls::settings::Queue;
use hotline_model::{QueueId, diagnostic::Diagnostic};

use super::{File, distribution, files::QueuesFile, name, once};

/// The queues, in the order of the file.
pub(super) fn check(file: &mut File<QueuesFile>) -> Vec<Queue> {
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
        });
    }
    queues
}

#[cfg(test)]
mod tests {
    use super::{super::file_of, *};

    /// A queue named "a" beside another named "b", and what is wrong with it: the text that is
    /// marked, and the words.
    fn queue(keys: &str) -> (QueueSettings, Vec<(String, String)>) {
        let rest = "name = \"n\"\nthreshold_s = 15\nweight = 1\ncapacity = 5\n\
                    longest_wait_s = 0\nring_s = 15\nwrap_up_s = 10\nwrap_up_cap_s = 120\n";
        let text = format!("[[queue]]\nid = \"a\"\n{rest}{keys}\n[[queue]]\nid = \"b\"\n{rest}");
        let mut file = file_of::<QueuesFile>(&text);
        let queues = check(&mut file);
        let found = file.found.iter();
        let found = found.map(|it| (text[it.span.clone()].to_owned(), it.what.clone()));
        (queues[0].floor.clone(), found.collect())
    }

    #[test]
    fn a_queue_says_how_it_distributes() {
        use hotline_acd::{Choice, Skills, Widening};
        let (plain, found) = queue("");
        assert_eq!(found, []);
        assert_eq!(plain.choice, Choice::LongestIdle);
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
