//! Every fault of a script is reported: what, at which place, and what to do.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use hotline_ivr::{Known, Language, Program, SCRIPT_BYTES, SCRIPT_STEPS};
use hotline_model::diagnostic::Diagnostic;

const GOOD: &str = r#"
name = "test"
language = "zh"
start = "main"

[step.main]
say = ["menu-main", "en:menu-english"]
menu = { 1 = "human", 9 = "score" }
on-silence = "human"
on-wrong = "bye"

[step.human]
say = "connecting"
enqueue = "general"
skills = ["tax"]
priority = 0
language = "en"

[step.score]
say = "survey-ask"
score = { 1 = "satisfied" }
then = "bye"
on-silence = "bye"

[step.bye]
hang-up = "finished"
"#;

fn compile(text: &str) -> Result<Program, Vec<Diagnostic>> {
    Program::compile(
        text,
        &Known {
            queues: &|queue| ["general", "business"].contains(&queue),
            prompts: &|language, key| match language {
                Language::Zh => ["menu-main", "connecting", "survey-ask"].contains(&key),
                Language::En => ["menu-english", "connecting", "survey-ask"].contains(&key),
            },
        },
    )
}

/// The faults of `text`, one line each: the text they point at, what is wrong, what to do.
fn faults(text: &str) -> Vec<String> {
    let faults = compile(text).expect_err("the script has a fault");
    let lines = faults.iter().map(|fault| {
        let place = text
            .get(fault.span.clone())
            .expect("a fault points into the text");
        let help = fault.help.as_deref().unwrap_or("-");
        format!("{place} | {} | {help}", fault.what)
    });
    lines.collect()
}

/// The faults of the good script with one thing changed.
#[track_caller]
fn expect(was: &str, is: &str, expected: &[&str]) {
    assert!(GOOD.contains(was), "{was} is not in the good script");
    assert_eq!(faults(&GOOD.replacen(was, is, 1)), expected);
}

#[test]
fn the_good_script_is_good() {
    let program = compile(GOOD).expect("no fault");
    assert_eq!(program.name().as_str(), "test");
    assert_eq!(program.language(), Language::Zh);
    let queues: Vec<_> = program.queues().iter().map(ToString::to_string).collect();
    assert_eq!(queues, ["general"]);
    let prompts: Vec<_> = program.prompts().iter().map(ToString::to_string).collect();
    assert_eq!(
        prompts,
        [
            "zh:connecting",
            "zh:menu-main",
            "zh:survey-ask",
            "en:menu-english"
        ]
    );
    let steps: Vec<_> = program.steps().collect();
    assert_eq!(steps, ["main", "human", "score", "bye"]);
}

#[test]
fn the_version_is_the_digest_of_the_text() {
    let program = compile(GOOD).expect("no fault");
    // As `sha256sum` gives it.
    assert_eq!(program.version(), "04149f69da3c1ac9");
    let other = compile(&GOOD.replace("finished", "done")).expect("no fault");
    assert_ne!(program.version(), other.version());
}

#[test]
fn names_at_the_top() {
    expect(
        "name = \"test\"",
        "name = \"te st\"",
        &["\"te st\" | a name has only letters, digits, '-', '_' and '.', not ' ' | -"],
    );
    expect(
        "name = \"test\"",
        "",
        &[" | the script has no `name` | add it at the top, e.g. name = \"12345-menu\""],
    );
    expect(
        "language = \"zh\"",
        "language = \"cn\"",
        &["\"cn\" | a language is \"zh\" or \"en\" | -"],
    );
    expect(
        "start = \"main\"",
        "start = \"mian\"",
        &["\"mian\" | there is no step `mian` | did you mean `main`?"],
    );
    expect(
        "start = \"main\"",
        "start = \"main\"\nlanguages = \"en\"",
        &["languages | a script has no setting `languages` | did you mean `language`?"],
    );
    expect(
        "name = \"test\"",
        "name = 5",
        &["5 | `name` is a text in quotes, but this is the number 5 | -"],
    );
}

#[test]
fn targets_prompts_and_queues() {
    expect(
        "9 = \"score\"",
        "9 = \"score\", 2 = \"nobody\"",
        &["\"nobody\" | there is no step `nobody` \
           | add [step.nobody], or name one of: main, human, score, bye"],
    );
    expect(
        "say = \"connecting\"",
        "say = \"conecting\"",
        &["\"conecting\" | there is no prompt `conecting` in zh | did you mean `connecting`?"],
    );
    expect(
        "say = \"connecting\"",
        "say = \"menu-english\"",
        &[
            "\"menu-english\" | there is no prompt `menu-english` in zh \
           | it is recorded in en: write \"en:menu-english\" to say it in en",
        ],
    );
    expect(
        "say = \"connecting\"",
        "say = \"festival\"",
        &["\"festival\" | there is no prompt `festival` in zh \
           | record it as prompts/zh/festival.wav and add it to prompts.tsv there"],
    );
    expect(
        "say = \"connecting\"",
        "say = \"fr:connecting\"",
        &["\"fr:connecting\" | a language is \"zh\" or \"en\" | -"],
    );
    expect(
        "enqueue = \"general\"",
        "enqueue = \"genral\"",
        &["\"genral\" | there is no queue `genral` | did you mean `general`?"],
    );
    expect(
        "enqueue = \"general\"",
        "enqueue = \"tourism\"",
        &["\"tourism\" | there is no queue `tourism` | the queues stand in config/queues.toml"],
    );
}

#[test]
fn a_prompt_is_needed_in_every_language_of_the_script() {
    expect(
        "language = \"zh\"",
        "language = \"zh\"\nalso-in = \"en\"",
        &["\"menu-main\" | there is no prompt `menu-main` in en \
           | it is recorded in zh: write \"zh:menu-main\" to say it in zh"],
    );
}

#[test]
fn keys_and_meanings() {
    expect(
        "1 = \"human\"",
        "1 = \"human\", 1 = \"bye\"",
        &["1 | `1` is given twice | keep one of the two"],
    );
    expect(
        "1 = \"human\"",
        "10 = \"human\"",
        &["10 | `10` is not a key of a telephone \
           | the keys are 0 to 9, \"*\", \"#\" and A to D, each alone"],
    );
    expect(
        "menu = { 1 = \"human\", 9 = \"score\" }",
        "menu = {}",
        &["main | `main` has no key to press | write menu = { 1 = \"step\" }"],
    );
    expect(
        "menu = { 1 = \"human\", 9 = \"score\" }",
        "menu = \"human\"",
        &["\"human\" | `menu` is a table, but this is a text | write menu = { 1 = \"step\" }"],
    );
    expect(
        "1 = \"satisfied\"",
        "1 = \"satisified\"",
        &["\"satisified\" | `satisified` is not a meaning of a score | did you mean `satisfied`?"],
    );
    expect(
        "1 = \"satisfied\"",
        "1 = \"good\"",
        &[
            "\"good\" | `good` is not a meaning of a score | one of: very-satisfied, satisfied, \
           fairly-satisfied, dissatisfied, very-dissatisfied, solved, not-solved",
        ],
    );
    expect(
        "say = \"survey-ask\"",
        "",
        &["score | `score` asks for a score without a question | add `say` with the question"],
    );
}

#[test]
fn settings_of_a_message() {
    let end = "hang-up = \"finished\"";
    let message = |seconds: &str| format!("message-seconds = {seconds}\nthen = \"human\"");
    let right = GOOD.replace(end, &message("300"));
    assert_eq!(compile(&right).err(), None);
    for seconds in ["0", "301", "-5", "70000"] {
        let fault = format!(
            "{seconds} | `message-seconds` is a whole number from 1 to 300, \
             but this is the number {seconds} | -"
        );
        expect(end, &message(seconds), &[&fault]);
    }
    expect(
        end,
        &message("60").replace("seconds", "second"),
        &[
            "message-second | a step that only speaks has no setting `message-second` \
           | a step that only speaks may have: say, interruptible, then",
        ],
    );
    expect(
        end,
        &format!("{}\nwait-seconds = 3", message("60")),
        &[
            "wait-seconds | a step that takes a message has no setting `wait-seconds` \
           | a step that takes a message may have: say, interruptible, message-seconds, then",
        ],
    );
    expect(
        end,
        "message-seconds = 60",
        &["bye | `bye` does not say what comes next \
           | add `then`, `menu`, `score`, `callback`, `type-number`, `enqueue`, `wait-on` or `hang-up`"],
    );
}

#[test]
fn settings_of_steps() {
    expect(
        "on-wrong = \"bye\"",
        "on-worng = \"bye\"",
        &["on-worng | a menu has no setting `on-worng` | did you mean `on-wrong`?"],
    );
    expect(
        "on-wrong = \"bye\"",
        "priority = 3",
        &[
            "priority | a menu has no setting `priority` | a menu may have: say, interruptible, \
           menu, wait-seconds, on-silence, tries, say-wrong, on-wrong",
        ],
    );
    expect(
        "on-silence = \"human\"",
        "",
        &["main | `main` does not say what comes next | add `on-silence` with the name of a step"],
    );
    expect(
        "hang-up = \"finished\"",
        "",
        &["bye | `bye` does not say what comes next \
           | add `then`, `menu`, `score`, `callback`, `type-number`, `enqueue`, `wait-on` or `hang-up`"],
    );
    expect(
        "menu = {",
        "meun = {",
        &["meun | `main` has no setting `meun` | did you mean `menu`?"],
    );
    expect(
        "hang-up = \"finished\"",
        "hang-up = \"finished\"\nenqueue = \"general\"",
        &[
            "hang-up | `bye` is two steps in one: it also has `hang-up` \
           | a step has one of `menu`, `score`, `message-seconds`, `callback`, `type-number`, `enqueue`, `wait-on`, \
           `hang-up` or only `then`",
        ],
    );
    expect(
        "hang-up = \"finished\"",
        "callback = \"genral\"\nthen = \"human\"\nkeep-minutes = 0",
        &[
            "bye | `bye` does not say what comes next | add `else` with the name of a step",
            "\"genral\" | there is no queue `genral` | did you mean `general`?",
            "0 | `keep-minutes` is a whole number from 1 to 720, but this is the number 0 | -",
        ],
    );
    expect(
        "hang-up = \"finished\"",
        "callback = \"general\"\nthen = \"human\"\nelse = \"human\"\nno-number = \"bye\"",
        &[
            "bye | these steps go round without waiting for the caller: bye → bye \
           | let `then` of one of them lead to a menu, to `enqueue`, `wait-on` or `hang-up`",
        ],
    );
    expect(
        "hang-up = \"finished\"",
        "callback = \"general\"\nthen = \"human\"\nelse = \"bye\"",
        &[
            "bye | these steps go round without waiting for the caller: bye → bye \
           | let `then` of one of them lead to a menu, to `enqueue`, `wait-on` or `hang-up`",
        ],
    );
    expect(
        "hang-up = \"finished\"",
        "callback = \"general\"\nthen = \"bye\"\nelse = \"human\"",
        &[
            "bye | these steps go round without waiting for the caller: bye → bye \
           | let `then` of one of them lead to a menu, to `enqueue`, `wait-on` or `hang-up`",
        ],
    );
    expect(
        "hang-up = \"finished\"",
        "wait-on = \"general\"\nskills = []",
        &["skills | a step with `wait-on` has no setting `skills` \
           | a step with `wait-on` may have: say, interruptible, wait-on"],
    );
    expect(
        "hang-up = \"finished\"",
        "hang-up = \"\"",
        &[
            "\"\" | the cause of a hang-up is one line of 1 to 64 bytes \
           | write a few words for the journal, e.g. hang-up = \"survey finished\"",
        ],
    );
    expect(
        "priority = 0",
        "priority = 10",
        &["10 | `priority` is a whole number from 0 to 9, but this is the number 10 | -"],
    );
    expect(
        "on-wrong = \"bye\"",
        "on-wrong = \"bye\"\nwait-seconds = 2.5",
        &["2.5 | `wait-seconds` is a whole number from 1 to 60, \
           but this is a number with a fraction | -"],
    );
    expect(
        "on-wrong = \"bye\"",
        "on-wrong = \"bye\"\ninterruptible = \"no\"",
        &["\"no\" | `interruptible` is true or false, but this is a text | -"],
    );
    expect(
        "skills = [\"tax\"]",
        "skills = [\"税务\"]",
        &["\"税务\" | a name has only letters, digits, '-', '_' and '.', not '税' | -"],
    );
}

#[test]
fn ways_that_never_end() {
    expect(
        "on-silence = \"human\"",
        "on-silence = \"main\"",
        &[
            "main | a caller who presses nothing goes round forever: main → main \
           | let `on-silence` of one of them lead to a step with `enqueue`, `wait-on` or `hang-up`",
        ],
    );
    expect(
        "hang-up = \"finished\"",
        "then = \"again\"\n[step.again]\nsay = \"connecting\"\nthen = \"bye\"",
        &[
            "bye | these steps go round without waiting for the caller: bye → again → bye \
           | let `then` of one of them lead to a menu, to `enqueue`, `wait-on` or `hang-up`",
        ],
    );
}

#[test]
fn steps_that_nothing_leads_to() {
    expect(
        ", 9 = \"score\"",
        "",
        &["score | no step leads to `score` \
           | remove it, or let a menu's key, `then` or `on-silence` lead to it"],
    );
}

#[test]
fn several_faults_are_reported_at_once_in_the_order_of_the_text() {
    let text = GOOD
        .replace("start = \"main\"", "start = \"mian\"")
        .replace("9 = \"score\"", "9 = \"scroe\", 9 = \"bye\"")
        .replace("\"connecting\"", "\"conecting\"")
        .replace("\"general\"", "\"genral\"")
        .replace("hang-up", "hangup");
    let places: Vec<_> = compile(&text)
        .expect_err("six faults")
        .iter()
        .map(|fault| (fault.line(&text), fault.help.clone().unwrap_or_default()))
        .collect();
    let expected = [
        (4, "did you mean `main`?"),
        (8, "did you mean `score`?"),
        (8, "keep one of the two"),
        (13, "did you mean `connecting`?"),
        (14, "did you mean `general`?"),
        (26, "did you mean `hang-up`?"),
    ];
    assert_eq!(places, expected.map(|(line, help)| (line, help.to_owned())));
}

#[test]
fn a_text_that_is_not_toml_has_only_those_faults() {
    let text = "name = \nlanguage = \"zh\nstart = \"nowhere\"\n";
    let faults = compile(text).expect_err("not TOML");
    assert!(faults.len() >= 2, "{faults:?}");
    for fault in faults {
        assert!(fault.what.starts_with("this is not TOML: "), "{fault:?}");
    }
}

#[test]
fn a_script_has_limits() {
    let faults = compile(&"#".repeat(SCRIPT_BYTES + 1)).expect_err("too long");
    assert_eq!(faults[0].what, "the script is longer than 65536 bytes");
    let mut many = GOOD.to_owned();
    for step in 4..=SCRIPT_STEPS {
        many.push_str(&format!("[step.s{step}]\nthen = \"bye\"\n"));
    }
    assert_eq!(faults_named(&many, "a script has at most"), 1);
    let crowd = format!("say = [{}]", "\"connecting\",".repeat(17));
    let crowd = GOOD.replace("say = \"connecting\"", &crowd);
    assert_eq!(faults_named(&crowd, "a step says at most 16 prompts"), 1);
    let empty = "name = \"a\"\nlanguage = \"zh\"\nstart = \"b\"\n";
    assert_eq!(faults_named(empty, "the script has no steps"), 1);
    assert_eq!(faults_named("step = 5", "the script has no steps"), 1);
    assert_eq!(faults_named("[step]\na = 5", "`step.a` is not a step"), 1);
}

fn faults_named(text: &str, what: &str) -> usize {
    let faults = compile(text).expect_err("a fault");
    faults
        .iter()
        .filter(|fault| fault.what.starts_with(what))
        .count()
}
