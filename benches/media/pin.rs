//! Engine and load on a core each, where that is asked for by `--pin`.

use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

use crate::Outcome;

/// Whether the arguments ask for it.
pub fn is_asked() -> bool {
    std::env::args().any(|argument| argument == "--pin")
}

/// Keeps this process on a core, where that was asked for.
pub fn to(core: usize) -> Outcome<()> {
    if is_asked() {
        let mut cores = CpuSet::new();
        cores.set(core)?;
        sched_setaffinity(Pid::from_raw(0), &cores)?;
    }
    Ok(())
}
