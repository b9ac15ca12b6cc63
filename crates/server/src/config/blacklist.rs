//! `[blacklist]`: what a blocked caller gets.

use std::{collections::BTreeMap, sync::Arc};

use hotline_calls::blacklist::BlockedAnswer;
use hotline_model::{ScriptId, diagnostic::Diagnostic};
use serde::Deserialize;
use toml::Spanned;

use super::Script;

/// `[blacklist]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlacklistKeys {
    /// `reject` or `script:NAME`.
    answer: Option<Spanned<String>>,
}

impl BlacklistKeys {
    /// What they get; a fault where it is neither.
    pub fn check(
        &self,
        scripts: &BTreeMap<ScriptId, Arc<Script>>,
        found: &mut Vec<Diagnostic>,
    ) -> BlockedAnswer {
        let Some(answer) = &self.answer else {
            return BlockedAnswer::Reject;
        };
        if answer.get_ref() == "reject" {
            return BlockedAnswer::Reject;
        }
        let name = answer.get_ref().strip_prefix("script:");
        let known = name.and_then(|name| scripts.keys().find(|id| id.as_str() == name));
        let Some(script) = known else {
            let names: Vec<&str> = scripts.keys().map(ScriptId::as_str).collect();
            let help = format!(
                "write \"reject\" or \"script:NAME\"; the scripts folder has: {}",
                names.join(", ")
            );
            let what = format!("there is no answer {:?}", answer.get_ref());
            found.push(Diagnostic::new(answer.span(), what).with_help(help));
            return BlockedAnswer::Reject;
        };
        let queues = scripts
            .get(script)
            .map(|it| it.queues())
            .unwrap_or_default();
        if let Some(queue) = queues.first() {
            let what = format!("the script `{script}` leads to the queue `{queue}`");
            let help = "blocked callers come to no queue: take a script without `enqueue`, `wait-on` \
                        and `callback` / 被屏蔽的来电不得进入队列";
            found.push(Diagnostic::new(answer.span(), what).with_help(help));
            return BlockedAnswer::Reject;
        }
        BlockedAnswer::Script(*script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_a_rejection_or_a_script_that_is_there() {
        let read = |text: &str| {
            let keys: BlacklistKeys = toml::from_str(text).unwrap();
            let mut found = Vec::new();
            let name = ScriptId::new("sorry").unwrap();
            let text = "name = \"sorry\"\nlanguage = \"zh\"\nstart = \"bye\"\n\n\
                        [step.bye]\nhang-up = \"blocked\"\n";
            let script = hotline_calls::settings::compile_alone(text).unwrap();
            let mut scripts = BTreeMap::from([(name, Arc::new(script))]);
            for (name, step) in [
                ("enqueues", "enqueue = \"general\""),
                ("waits", "wait-on = \"general\""),
            ] {
                let text = format!(
                    "name = \"{name}\"\nlanguage = \"zh\"\nstart = \"a\"\n\n[step.a]\n{step}\n"
                );
                let script = hotline_calls::settings::compile_alone(&text).unwrap();
                scripts.insert(ScriptId::new(name).unwrap(), Arc::new(script));
            }
            let answer = keys.check(&scripts, &mut found);
            (
                answer,
                found.into_iter().map(|it| it.what).collect::<Vec<_>>(),
            )
        };
        assert_eq!(read(""), (BlockedAnswer::Reject, vec![]));
        assert_eq!(read("answer = \"reject\"").0, BlockedAnswer::Reject);
        let script = BlockedAnswer::Script(ScriptId::new("sorry").unwrap());
        assert_eq!(read("answer = \"script:sorry\""), (script, vec![]));
        for name in ["enqueues", "waits"] {
            let (answer, found) = read(&format!("answer = \"script:{name}\""));
            assert_eq!(answer, BlockedAnswer::Reject);
            let what = format!("the script `{name}` leads to the queue `general`");
            assert_eq!(found, [what]);
        }
        for wrong in ["script:no", "busy", "script:"] {
            let (_, found) = read(&format!("answer = {wrong:?}"));
            assert_eq!(found, [format!("there is no answer {wrong:?}")]);
        }
    }
}
