//! `hotline prompts`: what callers hear, and sounds for texts that have none.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use clap::{Args, Subcommand};
use hotline_calls::settings::Language;
use hotline_media::Clip;
use indicatif::ProgressBar;

use super::Failure;
use crate::config::prompts::{PromptText, texts};

/// See the module.
#[derive(Subcommand)]
pub enum Prompts {
    /// List every prompt: language, key, file (or MISSING), text.
    #[command(after_help = "Example:\n  hotline prompts list")]
    List(List),
    /// Make sounds for prompts with a text-to-speech command.
    #[command(after_help = "Example:\n  hotline prompts render --only-missing\n  \
        hotline prompts render --language zh --voice-command 'mytts --out {file} {text}'")]
    Render(Render),
}

/// See [`Prompts::List`].
#[derive(Args)]
pub struct List {
    /// Folder of the prompts.
    #[arg(long, default_value = "ivr-scripts/prompts")]
    folder: PathBuf,
}

/// See [`Prompts::Render`].
#[derive(Args)]
pub struct Render {
    /// Folder of the prompts.
    #[arg(long, default_value = "ivr-scripts/prompts")]
    folder: PathBuf,
    /// One language only: zh or en.
    #[arg(long)]
    language: Option<Language>,
    /// Leave existing sounds alone.
    #[arg(long)]
    only_missing: bool,
    /// Command that writes a WAV: {text}, {file} and {language} are replaced in each word of it.
    /// espeak-ng by default.
    #[arg(long, value_name = "COMMAND")]
    voice_command: Option<String>,
}

impl Prompts {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Render(render) => render.run(),
        }
    }
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let mut missing = 0;
        for prompt in all(&self.folder, None)? {
            let PromptText {
                language,
                key,
                text,
                wav,
            } = prompt;
            let file = if wav.exists() {
                wav.display().to_string()
            } else {
                missing += 1;
                "MISSING".to_owned()
            };
            println!("{language}\t{key}\t{file}\t{text}");
        }
        if missing > 0 {
            eprintln!(
                "{missing} prompts have no sound; make them with: hotline prompts render --only-missing"
            );
        }
        Ok(())
    }
}

fn all(folder: &Path, language: Option<Language>) -> Result<Vec<PromptText>, Failure> {
    let mut prompts = Vec::new();
    for of in Language::ALL {
        if language.is_none_or(|only| only == of) {
            prompts.extend(texts(folder, of).map_err(Failure::wrong)?);
        }
    }
    Ok(prompts)
}

impl Render {
    fn run(self) -> Result<(), Failure> {
        let mut prompts = all(&self.folder, self.language)?;
        if self.only_missing {
            prompts.retain(|prompt| !prompt.wav.exists());
        }
        let progress = ProgressBar::new(prompts.len() as u64);
        for prompt in &prompts {
            self.render(prompt)?;
            progress.inc(1);
        }
        progress.finish_and_clear();
        println!("{} prompts rendered", prompts.len());
        Ok(())
    }

    /// Renders one prompt beside its place and moves it there when it is whole.
    fn render(&self, prompt: &PromptText) -> Result<(), Failure> {
        let draft = prompt.wav.with_extension("wav.new");
        let default = match prompt.language {
            Language::Zh => "espeak-ng -v cmn -s 160 -w {file} {text}",
            Language::En => "espeak-ng -v en-us -s 150 -w {file} {text}",
        };
        let words = self
            .voice_command
            .as_deref()
            .unwrap_or(default)
            .split_whitespace();
        let mut words = words.map(|word| {
            word.replace("{file}", &draft.display().to_string())
                .replace("{language}", prompt.language.as_str())
                .replace("{text}", &prompt.text)
        });
        let program = words
            .next()
            .ok_or_else(|| Failure::wrong("--voice-command is empty"))?;
        let status = Command::new(&program).args(words).status().map_err(|error| {
            Failure::world(format!("{program} cannot be run: {error}; install it, or name another with --voice-command"))
        })?;
        if !status.success() {
            return Err(Failure::world(format!(
                "{program} failed for {}: {status}",
                prompt.key
            )));
        }
        let samples = telephone_samples(&draft)?;
        write_wav(&draft, &samples)
            .and_then(|()| std::fs::rename(&draft, &prompt.wav).map_err(hound::Error::IoError))
            .map_err(|error| Failure::world(format!("{}: {error}", prompt.wav.display())))?;
        // What was written is what the engine will read.
        let file = std::fs::File::open(&prompt.wav).map_err(Failure::world)?;
        Clip::from_wav(file)
            .map(drop)
            .map_err(|error| Failure::world(format!("{}: {error}", prompt.wav.display())))
    }
}

/// Reads any PCM WAV as 8 kHz mono. The band is limited before the rate is lowered: a moving mean
/// as wide as the step is enough for speech that a telephone will carry.
fn telephone_samples(file: &Path) -> Result<Vec<i16>, Failure> {
    let fault = |error: hound::Error| Failure::world(format!("{}: {error}", file.display()));
    let mut reader = hound::WavReader::open(file).map_err(fault)?;
    let spec = reader.spec();
    if spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
        return Err(Failure::world(format!(
            "{}: not 16-bit PCM",
            file.display()
        )));
    }
    let channels = usize::from(spec.channels.max(1));
    let all: Vec<i16> = reader.samples().collect::<Result<_, _>>().map_err(fault)?;
    let mono: Vec<f64> = all
        .chunks(channels)
        .map(|frame| frame.iter().map(|&s| f64::from(s)).sum::<f64>() / channels as f64)
        .collect();
    let step = f64::from(spec.sample_rate) / f64::from(hotline_media::SAMPLE_RATE);
    let count = (mono.len() as f64 / step) as usize;
    let samples = (0..count).map(|i| {
        let from = (i as f64 * step) as usize;
        let to = (((i + 1) as f64 * step) as usize).max(from + 1);
        let part = mono.get(from..to.min(mono.len())).unwrap_or_default();
        (part.iter().sum::<f64>() / part.len().max(1) as f64) as i16
    });
    Ok(samples.collect())
}

fn write_wav(file: &Path, samples: &[i16]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: hotline_media::SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec)?;
    for &sample in samples {
        writer.write_sample(sample)?;
    }
    writer.finalize()
}
