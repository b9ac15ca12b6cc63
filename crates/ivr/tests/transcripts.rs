//! The shipped scripts compile against the shipped prompts, and do what their transcripts say.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use hotline_ivr::{Facts, Known, Language, Program, dialogue, dialogue::Dialogue, speech};

/// Queues that the shipped configuration has.
const QUEUES: [&str; 3] = ["general", "business", "english"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../ivr-scripts")
}

fn recorded(language: Language) -> BTreeSet<String> {
    let path = folder().join(format!("prompts/{language}/prompts.tsv"));
    let table = fs::read_to_string(&path).unwrap();
    let keys = table
        .lines()
        .map(|line| line.split_once('\t').unwrap().0.to_owned());
    keys.collect()
}

/// Names of the shipped scripts, without their ending.
fn scripts() -> Vec<String> {
    let files = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().path());
    let scripts = files.filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let names = scripts.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn compiled(name: &str) -> Arc<Program> {
    let text = fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
    compile(name, &text)
}

fn compile(name: &str, text: &str) -> Arc<Program> {
    let (zh, en) = (recorded(Language::Zh), recorded(Language::En));
    let known = Known {
        queues: &|queue| QUEUES.contains(&queue),
        prompts: &|language, key| match language {
            Language::Zh => zh.contains(key),
            Language::En => en.contains(key),
        },
    };
    match Program::compile(text, &known) {
        Ok(program) => Arc::new(program),
        Err(faults) => {
            let lines = faults
                .iter()
                .map(|f| format!("{name}:{} {f:?}\n", f.line(text)));
            panic!("{}", lines.collect::<String>());
        }
    }
}

#[test]
fn the_shipped_scripts_are_these() {
    let shipped = [
        "12345-direct",
        "12345-menu",
        "callback-offer",
        "survey",
        "survey-remark",
        "voicemail",
    ];
    assert_eq!(scripts(), shipped);
    for name in scripts() {
        assert_eq!(
            compiled(&name).name().as_str(),
            name,
            "a script is named as its file"
        );
    }
}

#[test]
fn the_scripts_do_what_their_transcripts_say() {
    for name in scripts() {
        let program = compiled(&name);
        let path = folder().join(format!("{name}.transcript"));
        let transcript = fs::read_to_string(&path).unwrap();
        if let Err(faults) = dialogue::replay(&program, &transcript) {
            for fault in faults {
                eprintln!(
                    "{name}.transcript:{} {}",
                    fault.line(&transcript),
                    fault.what
                );
            }
            panic!("{name}.toml does not do what {name}.transcript says");
        }
    }
}

#[test]
fn every_step_of_a_shipped_script_is_visited_by_its_transcript() {
    for name in scripts() {
        let program = compiled(&name);
        let transcript = fs::read_to_string(folder().join(format!("{name}.transcript"))).unwrap();
        let mut visited = BTreeSet::new();
        let mut dialogue = None;
        for line in transcript.lines() {
            if line.starts_with("==") {
                dialogue = Some(Dialogue::start(
                    Arc::clone(&program),
                    Facts::default(),
                    &mut Vec::new(),
                ));
            } else if let (Some(dialogue), Some(done)) = (&mut dialogue, line.strip_prefix('>')) {
                dialogue.line(done, &mut Vec::new()).unwrap();
            }
            visited.extend(dialogue.as_ref().map(|dialogue| dialogue.step().to_owned()));
        }
        for step in program.steps() {
            assert!(
                visited.contains(step),
                "{name}.transcript never comes to {step}"
            );
        }
    }
}

#[test]
fn every_word_of_the_announcements_is_recorded() {
    for language in Language::ALL {
        let recorded = recorded(language);
        for prompt in speech::prompts(language) {
            assert!(
                recorded.contains(&prompt.key),
                "{prompt} is not in prompts.tsv"
            );
        }
    }
}

#[test]
fn the_example_of_the_readme_is_a_script() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let (_, example) = readme.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let program = compile("README.md", example);
    assert_eq!(program.queues().len(), QUEUES.len());
}
