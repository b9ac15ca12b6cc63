//! `hotline`: the call-centre engine of a 12345 citizen hotline, and its tools.

mod cli;
mod config;
mod figures;
mod http;
mod media_loop;
mod media_threads;
mod metrics_page;
mod net;
mod phone_loop;
mod recall;
mod recording_loop;
mod reload;
mod signalling_loop;
mod store_loop;
mod vault;

use std::process::ExitCode;

/// Calls allocate and free in many threads, in sizes that come again: this costs less there than
/// the system's allocator, and gives back after a busy hour what it needed in it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
