//! The commands a person types. Each ends with one clear sentence on error: exit code 1 for what
//! the world refused, 2 for what the person wrote.

mod audit;
mod call;
mod check;
mod ivr;
mod keys;
mod plan;
mod prompts;
mod recording;
mod reload;
mod seat;
mod serve;
mod simulate;
mod standing;
mod threads;

use std::{
    fmt::Display,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::config::{Config, Faults};

/// The engine of a 12345 citizen hotline: answers, asks, queues, connects, records, and proves it.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Hotline {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the engine.
    #[command(after_help = "Example:\n  hotline serve --config config")]
    Serve(serve::Serve),
    /// Check configuration, scripts and prompts; exit code 2 and file:line when something is wrong.
    #[command(after_help = "Example:\n  hotline check --config config")]
    Check(check::Check),
    /// Have the running engine read queues, seats, numbers, scripts and prompts again, without
    /// losing a call; shows what changes.
    #[command(after_help = "Example:\n  hotline reload --config config --dry-run")]
    Reload(reload::Reload),
    /// Call a number as a headless caller: speaks, presses keys, records what it hears.
    #[command(
        after_help = "Example:\n  hotline call 12345 --press 0@4 --press 1@40 --record heard.wav"
    )]
    Call(call::Call),
    /// Be a headless seat: registers, goes ready, answers, speaks, records, hangs up.
    #[command(after_help = "Example:\n  hotline seat 1001 --ready --talk-for 20")]
    Seat(seat::SeatCommand),
    /// Talk to a script in the terminal.
    #[command(subcommand)]
    Ivr(ivr::Ivr),
    /// List and render the prompts.
    #[command(subcommand)]
    Prompts(prompts::Prompts),
    /// Make and add keys of recordings.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Open encrypted recordings.
    #[command(subcommand)]
    Recording(recording::Recording),
    /// Live through a day of calls in virtual time, with the real distribution and figures.
    #[command(after_help = "Example:\n  hotline simulate scenarios/liaocheng-day.toml --out day")]
    Simulate(simulate::Simulate),
    /// Say how many seats each half hour needs for a target.
    #[command(
        after_help = "Example:\n  hotline plan scenarios/liaocheng-day.toml --answered 95 --in-time 80 --out plan.xlsx\n  hotline plan history.csv --out plan.csv"
    )]
    Plan(plan::Plan),
    /// Check what was recorded.
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Why a command failed, and the exit code that says whose fault it is.
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The world refused: a port, a disk, a network.
    pub fn world(message: impl Display) -> Self {
        Self {
            message: message.to_string(),
            code: 1,
        }
    }

    /// What the person wrote is wrong.
    pub fn wrong(message: impl Display) -> Self {
        Self {
            message: message.to_string(),
            code: 2,
        }
    }
}

/// Reads the command line, runs the command, reports its failure.
pub fn run() -> ExitCode {
    let outcome = match Hotline::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::Reload(reload) => reload.run(),
        Command::Call(call) => call.run(),
        Command::Seat(seat) => seat.run(),
        Command::Ivr(ivr) => ivr.run(),
        Command::Prompts(prompts) => prompts.run(),
        Command::Keys(keys) => keys.run(),
        Command::Recording(recording) => recording.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Plan(plan) => plan.run(),
        Command::Audit(audit) => audit.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { message, code }) => {
            eprintln!("hotline: {}", message.trim_end());
            ExitCode::from(code)
        }
    }
}

/// Reads the configuration; every fault with its file and line.
fn load(folder: &Path) -> Result<Config, Failure> {
    Config::load(folder).map_err(|faults: Faults| {
        let mut text = String::from("the configuration cannot be used\n");
        for fault in faults {
            text.push_str(&fault.to_string());
        }
        Failure::wrong(text)
    })
}

/// A runtime of one thread.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::world(format!("the event loop cannot start: {error}")))
}

/// 32 bytes of fresh randomness.
fn seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::world(format!("the machine gives no randomness: {error}")))?;
    Ok(seed)
}

/// Options of the commands that act as a phone.
#[derive(clap::Args)]
pub struct PhoneOptions {
    /// Address of the engine's SIP port.
    #[arg(long, default_value = "127.0.0.1:5060")]
    server: SocketAddr,
    /// Speak over TCP instead of UDP.
    #[arg(long)]
    tcp: bool,
    /// WAV to speak (8 kHz, mono, 16 bit); silence without it.
    #[arg(long, value_name = "FILE")]
    say: Option<PathBuf>,
    /// WAV to write with what is heard.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}
