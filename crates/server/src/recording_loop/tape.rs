//! A recording's file, plain or sealed.

use std::{
    io::{self, Seek, SeekFrom},
    path::Path,
};

use hotline_media::{
    recorder::{Tape, Wav},
    wav::Encoding,
};

use super::{Settings, draft::Draft, repair};
use crate::vault::Seal;

/// What a recording is written to.
pub(super) enum FileTape {
    Plain(Wav<Draft>),
    Sealed(Box<Seal<Draft>>),
}

impl FileTape {
    /// A file of that name, plain or sealed as the settings say; for one voice alone or several.
    ///
    /// # Errors
    /// When it is not a plain file name, or cannot be sealed.
    pub(super) fn new(
        settings: &Settings,
        folder: &Path,
        file: &str,
        alone: bool,
    ) -> io::Result<Self> {
        let draft = Draft::new(folder, file)?;
        let encoding = if alone {
            settings.encoding.alone()
        } else {
            settings.encoding
        };
        Ok(match &settings.keys {
            None => Self::Plain(Wav::new(draft, encoding)),
            Some(keys) => Self::Sealed(Box::new(Seal::new(draft, encoding, file, keys)?)),
        })
    }

    /// The file, and its SHA-256 where it was written at once.
    pub(super) fn into_parts(self) -> (Draft, Option<String>) {
        let (draft, whole) = match self {
            Self::Plain(wav) => wav.into_parts(),
            Self::Sealed(seal) => seal.into_parts(),
        };
        (draft, whole.map(|whole| repair::sha256_of(&whole)))
    }

    /// Makes the best of a file that could not be written to the end: what a sealed one has of its
    /// last chunk goes, and where that makes room, it gets an end and can be played. A plain one
    /// plays as far as its header tells.
    pub(super) fn give_up(self) {
        let Self::Sealed(mut seal) = self else {
            return;
        };
        let good = seal.good();
        let cut = seal.writer().existing().is_some_and(|file| {
            file.set_len(good)
                .and_then(|()| file.seek(SeekFrom::End(0)))
                .is_ok()
        });
        if cut && good > 0 && seal.end(&[], 0).is_err() {
            tracing::warn!("a recording that failed has no end; the next start can give it one");
        }
    }
}

impl Tape for FileTape {
    fn encoding(&self) -> Encoding {
        match self {
            Self::Plain(wav) => wav.encoding(),
            Self::Sealed(seal) => seal.encoding(),
        }
    }

    fn add(&mut self, sound: &[u8], frames: u64) -> io::Result<()> {
        match self {
            Self::Plain(wav) => wav.add(sound, frames),
            Self::Sealed(seal) => seal.add(sound, frames),
        }
    }

    fn end(&mut self, sound: &[u8], frames: u64) -> io::Result<()> {
        match self {
            Self::Plain(wav) => wav.end(sound, frames),
            Self::Sealed(seal) => seal.end(sound, frames),
        }
    }
}
