//! Threads of the engine: each has a name and a runtime of its own.

use std::thread::{self, JoinHandle};

use tokio::runtime::Runtime;

use super::{Failure, runtime};

/// How much less a thread behind the calls weighs than one of theirs, as a step of Unix `nice`:
/// where both want the processor, it gets a tenth.
#[cfg(target_os = "linux")]
const BEHIND: i32 = 10;

/// Starts a named thread with a runtime.
pub(super) fn start<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(Runtime) -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    let runtime = runtime()?;
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || work(runtime))
        .map_err(|error| Failure::world(format!("the {name} thread cannot start: {error}")))
}

/// Starts a named thread before which calls and the journal go where processors are short, and
/// before all threads it starts in turn.
pub(super) fn start_behind_the_calls<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(Runtime) -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    start(name, |runtime| {
        // Linux has a priority for each thread; elsewhere this would be the whole program's.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(BEHIND) {
            tracing::warn!(%error, "this thread keeps the priority of the calls");
        }
        work(runtime)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn a_thread_behind_the_calls_and_its_own_leave_them_the_processor() {
        let usual = getpriority_process(None).unwrap();
        let behind = start_behind_the_calls("test", |_| {
            let own = thread::spawn(|| getpriority_process(None).unwrap());
            (getpriority_process(None).unwrap(), own.join().unwrap())
        });
        let (behind, own) = behind.map_err(|_| ()).unwrap().join().unwrap();
        let expected = (usual + BEHIND).min(19);
        assert_eq!((behind, own), (expected, expected));
        assert_eq!(
            getpriority_process(None).unwrap(),
            usual,
            "the others keep theirs"
        );
        let beside = start("test", |_| getpriority_process(None).unwrap());
        assert_eq!(beside.map_err(|_| ()).unwrap().join().unwrap(), usual);
    }
}
