//! The file of a recording, which does not exist before something is written to it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A file that is made by the first write. Most recordings of callers who hang up at once are one
/// write, so that one call of the system makes, fills and ends them.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    file: Option<File>,
}

impl Draft {
    /// A file of that name in the folder, and nowhere else.
    ///
    /// # Errors
    /// When it is not a plain file name.
    pub(super) fn new(folder: &Path, file: &str) -> io::Result<Self> {
        if Path::new(file).file_name() != Some(file.as_ref()) {
            let why = format!("{file:?} is not a plain file name");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        Ok(Self {
            path: folder.join(file),
            file: None,
        })
    }

    /// The file, made now if it does not exist. One that somebody else made is never opened.
    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }

    /// The file, where it was made.
    pub(super) fn existing(&mut self) -> Option<&mut File> {
        self.file.as_mut()
    }

    /// The file, to be made durable.
    pub(super) fn into_file(mut self) -> io::Result<File> {
        self.file()?;
        self.file
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Draft {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(position)
    }
}
