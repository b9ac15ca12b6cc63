//! The few things the journal asks of a disk, so that tests can make them fail.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A folder with segments.
pub trait Disk {
    /// A segment that is open for appending.
    type Tail: Tail;

    /// Creates the file, empty; one of this name that a failed creation left is replaced.
    fn create(&mut self, name: &str) -> io::Result<Self::Tail>;

    /// Opens an existing file for appending.
    fn open(&mut self, name: &str) -> io::Result<Self::Tail>;

    /// Removes the file.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Waits until created and removed names are on the disk.
    fn sync_folder(&mut self) -> io::Result<()>;
}

/// A segment that is open for appending.
pub trait Tail {
    /// Appends all the bytes; on an error any part of them may have been appended.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until all that was appended is on the disk.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`, which exists.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into() }
    }
}

impl Disk for Folder {
    type Tail = File;

    fn create(&mut self, name: &str) -> io::Result<File> {
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        private().create_new(true).open(path)
    }

    fn open(&mut self, name: &str) -> io::Result<File> {
        private().open(self.path.join(name))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Appending, and for the owner's eyes only: the journal holds callers' numbers.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

impl Tail for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}
