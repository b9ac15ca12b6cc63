//! Where callers go whom a queue cannot serve, as written in `queues.toml`. Read when queues,
//! scripts and trunks are known, since a rule may name each of them.

use std::{ops::Range, sync::Arc, time::Duration};

use hotline_acd::{Overflow, OverflowTo, OverflowWhen};
use hotline_calls::settings::{Queue, Trunk};
use hotline_model::{QueueId, ScriptId, diagnostic::Diagnostic, limits};
use serde::Deserialize;
use toml::Spanned;

use super::{File, files::QueuesFile};

/// `overflow = [{ after_s = 60, to = "queue:backup" }, { unstaffed = true, to = "script:NAME" }]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverflowKeys {
    /// So long after the caller came, seconds.
    #[serde(default)]
    pub after_s: Option<Spanned<u64>>,
    /// When the expected wait is longer, seconds.
    #[serde(default)]
    pub estimate_s: Option<Spanned<u64>>,
    /// When no seat of the queue is signed in.
    #[serde(default)]
    pub unstaffed: bool,
    /// For so long, seconds.
    #[serde(default)]
    pub for_s: Option<Spanned<u64>>,
    /// When the queue is full.
    #[serde(default)]
    pub full: bool,
    /// Where callers go.
    pub to: Spanned<String>,
}

/// What a rule may name.
pub(super) struct Known<'a> {
    pub(super) queues: &'a [QueueId],
    pub(super) scripts: Vec<ScriptId>,
    pub(super) trunks: &'a [Trunk],
}

/// Fills in the overflow rules of the queues.
pub(super) fn check(file: &mut File<QueuesFile>, queues: &mut [Queue], known: &Known<'_>) {
    for keys in &file.value.queue {
        let of = |queue: &&mut Queue| queue.floor.id.as_str() == keys.id.get_ref();
        let Some(queue) = queues.iter_mut().find(of) else {
            continue;
        };
        let mut found = Vec::new();
        let id = queue.floor.id;
        let rules = keys.overflow.iter().enumerate();
        let rules = rules.filter_map(|(nth, rule)| {
            if nth == limits::QUEUE_OVERFLOWS {
                let what = format!("`overflow` has at most {nth} rules");
                found.push(Diagnostic::new(rule.to.span(), what));
            }
            let when = when(rule, &mut found);
            let to = known.target(id, &rule.to, &mut found);
            Some(Overflow {
                when: when?,
                to: to?,
            })
        });
        queue.floor.overflow = rules.collect();
        file.found.extend(found);
    }
}

fn fault(found: &mut Vec<Diagnostic>, span: Range<usize>, what: &str, help: &str) {
    found.push(Diagnostic::new(span, what).with_help(help));
}

/// The one condition of a rule.
fn when(rule: &OverflowKeys, found: &mut Vec<Diagnostic>) -> Option<OverflowWhen> {
    let at_least_one = |key: &Option<Spanned<u64>>, name: &str, found: &mut Vec<Diagnostic>| {
        let key = key.as_ref()?;
        if *key.get_ref() == 0 {
            let help = "a queue that nobody is to wait in needs no seats; let the script go there";
            let what = format!("`{name}` must be at least 1");
            fault(found, key.span(), &what, help);
        }
        Some(Duration::from_secs(*key.get_ref()))
    };
    let grace = rule.for_s.as_ref().map_or(0, |key| *key.get_ref());
    if let Some(key) = rule.for_s.as_ref().filter(|_| !rule.unstaffed) {
        let help = "for a wait write `after_s`";
        fault(
            found,
            key.span(),
            "`for_s` belongs to `unstaffed = true`",
            help,
        );
    }
    let waited = at_least_one(&rule.after_s, "after_s", found).map(OverflowWhen::Waited);
    let expected = at_least_one(&rule.estimate_s, "estimate_s", found).map(OverflowWhen::Expected);
    let unstaffed = OverflowWhen::Unstaffed(Duration::from_secs(grace));
    let whens = [
        waited,
        expected,
        rule.unstaffed.then_some(unstaffed),
        rule.full.then_some(OverflowWhen::Full),
    ];
    let mut whens = whens.into_iter().flatten();
    let when = whens.next();
    if when.is_none() || whens.next().is_some() {
        let help = "write one of `after_s`, `estimate_s`, `unstaffed = true` and `full = true`; \
                    for two conditions write two rules";
        let what = "a rule of `overflow` has exactly one condition";
        fault(found, rule.to.span(), what, help);
    }
    when
}

impl Known<'_> {
    fn target(
        &self,
        own: QueueId,
        to: &Spanned<String>,
        found: &mut Vec<Diagnostic>,
    ) -> Option<OverflowTo> {
        let mut fault = |what: &str, help: &str| fault(found, to.span(), what, help);
        match to.get_ref().split_once(':') {
            Some(("queue", name)) => {
                let queue = self.queues.iter().find(|it| it.as_str() == name).copied();
                let names: Vec<&str> = self.queues.iter().map(QueueId::as_str).collect();
                let help = format!("queues.toml has: {}", names.join(", "));
                match queue {
                    None => fault(&format!("there is no queue {name:?}"), &help),
                    Some(queue) if queue == own => fault("the queue names itself", &help),
                    Some(queue) => return Some(OverflowTo::Queue(queue)),
                }
            }
            Some(("script", name)) => {
                let script = self.scripts.iter().find(|it| it.as_str() == name);
                let names: Vec<&str> = self.scripts.iter().map(ScriptId::as_str).collect();
                let help = format!("the scripts folder has: {}", names.join(", "));
                match script {
                    None => fault(&format!("there is no script {name:?}"), &help),
                    Some(&script) => return Some(OverflowTo::Script(script)),
                }
            }
            Some(("outside", number)) => match carried(number, self.trunks) {
                Ok(()) => return Some(OverflowTo::Outside(Arc::from(number))),
                Err((what, help)) => fault(what, help),
            },
            _ => fault(
                "`to` is \"queue:ID\", \"script:NAME\" or \"outside:NUMBER\"",
                "for example to = \"queue:general\"",
            ),
        }
        None
    }
}

/// Whether a number outside is one, and some trunk may carry it; else what is wrong, and what to do.
pub(super) fn carried(number: &str, trunks: &[Trunk]) -> Result<(), (&'static str, &'static str)> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    if digits.len() < 3 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        let what = "a number outside has three digits or more";
        return Err((what, "write it as dialled"));
    }
    let carries = |trunk: &Trunk| {
        let mut prefixes = trunk.outbound.prefixes.iter();
        prefixes.any(|it| !it.is_empty() && number.starts_with(it.as_str()))
    };
    if !trunks.iter().any(carries) {
        let help = "name its beginning in `outbound_prefixes` of a trunk (trunks.toml)";
        return Err(("no trunk may carry this number", help));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hotline_calls::settings::Prompts;

    use super::{
        super::{file_of, queues},
        *,
    };

    const REST: &str = "name = \"n\"\nthreshold_s = 15\nweight = 1\ncapacity = 5\n\
                        longest_wait_s = 0\nring_s = 15\nwrap_up_s = 10\nwrap_up_cap_s = 120\n";

    /// The rules of a queue "a" beside another "b", and what is wrong: the text that is marked and
    /// the words.
    fn rules(overflow: &str) -> (Vec<Overflow>, Vec<(String, String)>) {
        let text = format!(
            "[[queue]]\nid = \"a\"\n{REST}overflow = [{overflow}]\n[[queue]]\nid = \"b\"\n{REST}"
        );
        let mut file = file_of::<QueuesFile>(&text);
        let mut all = queues::check(&mut file, &Prompts::default());
        let ids: Vec<QueueId> = all.iter().map(|queue| queue.floor.id).collect();
        let known = Known {
            queues: &ids,
            scripts: vec![ScriptId::new("voicemail").unwrap()],
            trunks: &[],
        };
        check(&mut file, &mut all, &known);
        let found = file.found.iter();
        let found = found.map(|it| (text[it.span.clone()].to_owned(), it.what.clone()));
        (all[0].floor.overflow.clone(), found.collect())
    }

    #[test]
    fn each_condition_and_target_is_read() {
        let (read, found) = rules(
            "{ after_s = 60, to = \"queue:b\" }, { estimate_s = 300, to = \"script:voicemail\" },\n\
             { unstaffed = true, for_s = 30, to = \"queue:b\" }, { full = true, to = \"queue:b\" }",
        );
        assert_eq!(found, []);
        let secs = Duration::from_secs;
        let whens: Vec<OverflowWhen> = read.iter().map(|rule| rule.when).collect();
        assert_eq!(
            whens,
            [
                OverflowWhen::Waited(secs(60)),
                OverflowWhen::Expected(secs(300)),
                OverflowWhen::Unstaffed(secs(30)),
                OverflowWhen::Full,
            ]
        );
        let script = OverflowTo::Script(ScriptId::new("voicemail").unwrap());
        assert_eq!(read[1].to, script);
        assert_eq!(read[3].to, OverflowTo::Queue(QueueId::new("b").unwrap()));
    }

    #[test]
    fn what_a_rule_says_wrongly_is_shown() {
        for (overflow, place, what) in [
            (
                "{ to = \"queue:b\" }",
                "\"queue:b\"",
                "a rule of `overflow` has exactly one condition",
            ),
            (
                "{ after_s = 5, full = true, to = \"queue:b\" }",
                "\"queue:b\"",
                "a rule of `overflow` has exactly one condition",
            ),
            (
                "{ after_s = 0, to = \"queue:b\" }",
                "0",
                "`after_s` must be at least 1",
            ),
            (
                "{ full = true, for_s = 9, to = \"queue:b\" }",
                "9",
                "`for_s` belongs to `unstaffed = true`",
            ),
            (
                "{ full = true, to = \"queue:a\" }",
                "\"queue:a\"",
                "the queue names itself",
            ),
            (
                "{ full = true, to = \"queue:c\" }",
                "\"queue:c\"",
                "there is no queue \"c\"",
            ),
            (
                "{ full = true, to = \"script:c\" }",
                "\"script:c\"",
                "there is no script \"c\"",
            ),
            (
                "{ full = true, to = \"outside:12\" }",
                "\"outside:12\"",
                "a number outside has three digits or more",
            ),
            (
                "{ full = true, to = \"outside:021962288\" }",
                "\"outside:021962288\"",
                "no trunk may carry this number",
            ),
            (
                "{ full = true, to = \"b\" }",
                "\"b\"",
                "`to` is \"queue:ID\", \"script:NAME\" or \"outside:NUMBER\"",
            ),
        ] {
            let (_, found) = rules(overflow);
            assert_eq!(found, [(place.to_owned(), what.to_owned())], "{overflow}");
        }
        let many = "{ full = true, to = \"queue:b\" },".repeat(9);
        let (_, found) = rules(&many);
        assert_eq!(found[0].1, "`overflow` has at most 8 rules");
    }
}
