//! `hotline call`: a caller without a phone.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use clap::Args;
use hotline_calls::phone::{PhoneEvent, PhoneInput};

use super::{Failure, PhoneOptions, runtime, seed};
use crate::phone_loop::{PhoneLine, Setup, speech};

/// See the module.
#[derive(Args)]
pub struct Call {
    /// The number to call.
    number: String,
    /// The caller's own number.
    #[arg(long, default_value = "13800001234")]
    from: String,
    /// Keys to press and when, in seconds after the answer: KEYS@SECONDS. May be repeated.
    #[arg(long, value_name = "KEYS@SECONDS")]
    press: Vec<Press>,
    /// Hang up so many seconds after the answer; without it, wait for the other side.
    #[arg(long, value_name = "SECONDS")]
    hang_up_after: Option<f64>,
    #[command(flatten)]
    phone: PhoneOptions,
}

/// Keys and their time.
#[derive(Clone)]
struct Press {
    keys: String,
    at: Duration,
}

impl FromStr for Press {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let help = || format!("{text:?} is not KEYS@SECONDS, e.g. 1@3.5");
        let (keys, seconds) = text.split_once('@').ok_or_else(help)?;
        if keys.is_empty() || !keys.chars().all(|key| "0123456789*#ABCD".contains(key)) {
            return Err(help());
        }
        let seconds: f64 = seconds.parse().map_err(|_| help())?;
        let at = Duration::try_from_secs_f64(seconds).map_err(|_| help())?;
        Ok(Self {
            keys: keys.to_owned(),
            at,
        })
    }
}

/// What is due at a time after the answer.
enum Deed {
    Press(String),
    HangUp,
}

impl Call {
    pub fn run(self) -> Result<(), Failure> {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime()?, self.call())
    }

    async fn call(self) -> Result<(), Failure> {
        let say = self
            .phone
            .say
            .as_deref()
            .map(speech)
            .transpose()
            .map_err(Failure::wrong)?;
        let setup = Setup {
            user: self.from.clone(),
            password: None,
            server: self.phone.server,
            tcp: self.phone.tcp,
            say,
            record: self.phone.record.clone(),
        };
        let mut line = PhoneLine::open(setup, seed()?).map_err(Failure::world)?;
        let mut deeds: Vec<(Duration, Deed)> = self
            .press
            .iter()
            .map(|press| (press.at, Deed::Press(press.keys.clone())))
            .collect();
        if let Some(seconds) = self.hang_up_after {
            let at = Duration::try_from_secs_f64(seconds)
                .map_err(|_| Failure::wrong("--hang-up-after is a number of seconds"))?;
            deeds.push((at, Deed::HangUp));
        }
        deeds.sort_by_key(|(at, _)| *at);
        let mut deeds = deeds.into_iter().peekable();
        let started = Instant::now();
        let say_so = |what: &str| println!("{:8.3} s  {what}", started.elapsed().as_secs_f64());
        say_so(&format!("calling {}", self.number));
        line.order(PhoneInput::Dial(self.number.clone()));
        let mut answered: Option<Instant> = None;
        loop {
            let due = answered
                .zip(deeds.peek())
                .map(|(since, (at, _))| since + *at);
            let deed = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = line.next() => match event {
                    PhoneEvent::Ringing => say_so("ringing"),
                    PhoneEvent::Connected { .. } => {
                        say_so("answered");
                        line.record();
                        answered = Some(Instant::now());
                    }
                    PhoneEvent::Ended { status: None } => {
                        say_so("the other side hung up");
                        line.close().await;
                        return Ok(());
                    }
                    PhoneEvent::Ended { status: Some(status) } => {
                        line.close().await;
                        return Err(Failure::world(refusal(status)));
                    }
                    _ => {}
                },
                () = deed => match deeds.next() {
                    Some((_, Deed::Press(keys))) => {
                        say_so(&format!("pressing {keys}"));
                        line.order(PhoneInput::Press(keys));
                    }
                    _ => {
                        say_so("hanging up");
                        return hang_up(line).await;
                    }
                },
                _ = tokio::signal::ctrl_c() => {
                    say_so("hanging up");
                    return hang_up(line).await;
                }
            }
        }
    }
}

/// Hangs up and gives the BYE time to be answered, so that the other side knows.
async fn hang_up(mut line: PhoneLine) -> Result<(), Failure> {
    line.order(PhoneInput::HangUp);
    let _ = tokio::time::timeout(Duration::from_millis(500), async {
        loop {
            line.next().await;
        }
    })
    .await;
    line.close().await;
    Ok(())
}

fn refusal(status: u16) -> String {
    let hint = match status {
        403 => ": this address is not a trunk of the engine (trunks.toml)",
        404 => ": the engine does not serve this number (engine.toml, [[number]])",
        408 | 503 => ": is the engine running, and is --server right?",
        488 => ": no common codec",
        _ => "",
    };
    format!("the call was refused with {status}{hint}")
}
