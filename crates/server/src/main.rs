//! `hotline`: the call-centre engine of a 12345 citizen hotline, and its tools.

mod busy;
mod cli;
mod config;
mod http;
mod media_loop;
mod net;
mod phone_loop;
mod recording_loop;
mod signalling_loop;
mod store_loop;
mod vault;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
