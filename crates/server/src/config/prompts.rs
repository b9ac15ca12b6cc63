//! The prompts folder: texts in `<language>/prompts.tsv`, sounds beside them as `<key>.wav`, the
//! music in `music/hold.wav`. A city puts its own recordings in their place.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use hotline_calls::settings::{Language, PHONE_PROMPTS, PromptKey, Prompts, engine_prompts};
use hotline_media::Clip;
use hotline_model::diagnostic::Diagnostic;

use super::fault::FileFaults;

/// A line of `prompts.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptText {
    /// Its language.
    pub language: Language,
    /// Its key in scripts.
    pub key: String,
    /// What is said.
    pub text: String,
    /// Where its sound is, or would be.
    pub wav: PathBuf,
}

/// Reads the texts of one language.
pub fn texts(folder: &Path, language: Language) -> Result<Vec<PromptText>, FileFaults> {
    let path = folder.join(language.as_str()).join("prompts.tsv");
    let text = fs::read_to_string(&path).map_err(|error| {
        let help = "each language folder has a prompts.tsv: key, tab, text";
        FileFaults::whole(&path, format!("cannot be read: {error}"), help)
    })?;
    let mut prompts = Vec::new();
    let mut faults = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let span = start..start + line.trim_end().len();
        start += line.len();
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('\t') {
            Some((key, words)) if is_key(key) => prompts.push(PromptText {
                language,
                key: key.to_owned(),
                text: words.trim().to_owned(),
                wav: folder.join(language.as_str()).join(format!("{key}.wav")),
            }),
            Some((key, _)) => {
                let what = format!("{key:?} cannot be a key: it names a file");
                let help = "use lower-case letters, digits and '-'";
                faults.push(Diagnostic::new(span, what).with_help(help));
            }
            None => {
                let fault = Diagnostic::new(span, "a line is a key, one tab, and the text");
                faults.push(fault);
            }
        }
    }
    if faults.is_empty() {
        Ok(prompts)
    } else {
        Err(FileFaults {
            file: path,
            text,
            faults,
        })
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Where the music of waiting is.
pub fn music_file(folder: &Path) -> PathBuf {
    folder.join("music").join("hold.wav")
}

/// Loads every sound there is. A text without a sound is not a fault by itself; a script that
/// names it is, and so is a missing word of the engine's own.
pub fn load(folder: &Path) -> (Prompts, Vec<FileFaults>) {
    let mut prompts = Prompts::default();
    let mut faults = Vec::new();
    for language in Language::ALL {
        match texts(folder, language) {
            Ok(texts) => {
                for prompt in texts.iter().filter(|prompt| prompt.wav.exists()) {
                    match clip(&prompt.wav) {
                        Ok(clip) => prompts.insert(language, &prompt.key, clip),
                        Err(fault) => faults.push(fault),
                    }
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    match clip(&music_file(folder)) {
        Ok(music) => prompts.set_music(music),
        Err(fault) => faults.push(fault),
    }
    faults.extend(missing(folder, &prompts, engine_prompts()));
    (prompts, faults)
}

/// What shared phones say and has no sound.
pub fn missing_for_phones(folder: &Path, prompts: &Prompts) -> Vec<FileFaults> {
    let needed = PHONE_PROMPTS.iter();
    let needed = needed.map(|&key| PromptKey::new(Language::Zh, key));
    missing(folder, prompts, needed.collect())
}

fn missing(folder: &Path, prompts: &Prompts, needed: Vec<PromptKey>) -> Vec<FileFaults> {
    let mut faults = Vec::new();
    for needed in needed {
        if !prompts.has(needed.language, &needed.key) {
            let file = folder
                .join(needed.language.as_str())
                .join(format!("{}.wav", needed.key));
            let help = "record it, or make it with: hotline prompts render";
            faults.push(FileFaults::whole(
                file,
                "the engine says this prompt and has no sound for it",
                help,
            ));
        }
    }
    faults
}

fn clip(path: &Path) -> Result<Clip, FileFaults> {
    let help = "a prompt is a WAV file, 8 kHz, mono, 16 bit";
    let file = File::open(path)
        .map_err(|error| FileFaults::whole(path, format!("cannot be read: {error}"), help))?;
    Clip::from_wav(BufReader::new(file))
        .map_err(|error| FileFaults::whole(path, error.to_string(), help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_reported_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("zh")).unwrap();
        let file = folder.path().join("zh").join("prompts.tsv");
        fs::write(&file, "welcome\t您好\nno tab here\n../up\tx\n").unwrap();
        let faults = texts(folder.path(), Language::Zh).unwrap_err();
        let lines: Vec<usize> = faults.faults.iter().map(|f| f.line(&faults.text)).collect();
        assert_eq!(lines, [2, 3]);
    }
}
