//! `hotline seat`: an agent without a phone.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use hotline_calls::phone::{PhoneEvent, PhoneInput};
use hotline_model::SeatId;

use super::{Failure, PhoneOptions, runtime, seed};
use crate::{
    config::accounts::demo_passwords,
    phone_loop::{PhoneLine, Setup, speech},
};

/// Star code of 示闲.
const READY: &str = "*1";

/// See the module.
#[derive(Args)]
pub struct SeatCommand {
    /// The seat's number (工号).
    seat: SeatId,
    /// Its password; without it, the one in demo-accounts.txt of the data folder.
    #[arg(long, env = "HOTLINE_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Data folder of the engine, for the demo passwords.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Go ready (dial *1) after registering.
    #[arg(long)]
    ready: bool,
    /// Answer so many seconds after the phone began to ring.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    answer_after: f64,
    /// Hang up so many seconds after answering; without it, wait for the caller.
    #[arg(long, value_name = "SECONDS")]
    talk_for: Option<f64>,
    /// Stop after so many calls.
    #[arg(long, value_name = "N")]
    calls: Option<u32>,
    #[command(flatten)]
    phone: PhoneOptions,
}

/// What the agent is about to do, and when.
enum Next {
    Nothing,
    Answer(Instant),
    HangUp(Instant),
}

/// What the line is used for.
#[derive(PartialEq)]
enum Use {
    None,
    GoingReady,
    Caller,
}

impl SeatCommand {
    pub fn run(self) -> Result<(), Failure> {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime()?, self.serve())
    }

    fn password(&self) -> Result<String, Failure> {
        let demo = || {
            let accounts = demo_passwords(&self.data);
            accounts
                .into_iter()
                .find(|(user, _)| user == self.seat.as_str())
                .map(|found| found.1)
        };
        self.password.clone().or_else(demo).ok_or_else(|| {
            Failure::wrong(format!(
                "no password for seat {}: give --password, or name the engine's folder with --data",
                self.seat
            ))
        })
    }

    async fn serve(self) -> Result<(), Failure> {
        let seconds = |name: &str, value: f64| {
            Duration::try_from_secs_f64(value)
                .map_err(|_| Failure::wrong(format!("{name} is a number of seconds")))
        };
        let answer_after = seconds("--answer-after", self.answer_after)?;
        let talk_for = self
            .talk_for
            .map(|value| seconds("--talk-for", value))
            .transpose()?;
        let say = self
            .phone
            .say
            .as_deref()
            .map(speech)
            .transpose()
            .map_err(Failure::wrong)?;
        let setup = Setup {
            user: self.seat.to_string(),
            password: Some(self.password()?),
            server: self.phone.server,
            tcp: self.phone.tcp,
            say,
            record: self.phone.record.clone(),
        };
        let mut line = PhoneLine::open(setup, seed()?).map_err(Failure::world)?;
        let started = Instant::now();
        let say_so = |what: &str| println!("{:8.3} s  {what}", started.elapsed().as_secs_f64());
        line.order(PhoneInput::Register);
        let (mut next, mut used, mut registered, mut served) = (Next::Nothing, Use::None, false, 0);
        loop {
            let deed = async {
                match next {
                    Next::Nothing => std::future::pending().await,
                    Next::Answer(at) | Next::HangUp(at) => {
                        tokio::time::sleep_until(at.into()).await;
                    }
                }
            };
            tokio::select! {
                event = line.next() => match event {
                    PhoneEvent::Registered
                        if !registered => {
                            registered = true;
                            say_so("registered");
                            if self.ready {
                                used = Use::GoingReady;
                                line.order(PhoneInput::Dial(READY.to_owned()));
                            }
                        }
                    PhoneEvent::NotRegistered(status) => {
                        if matches!(status, 401 | 403 | 407) {
                            return Err(Failure::world(format!("seat {} was not let in ({status}): is the password right?", self.seat)));
                        }
                        say_so(&format!("not registered ({status}), trying again"));
                    }
                    PhoneEvent::Incoming { call } => {
                        say_so(&format!("call {} rings", call.as_deref().unwrap_or("?")));
                        used = Use::Caller;
                        next = Next::Answer(Instant::now() + answer_after);
                    }
                    PhoneEvent::Connected { .. } if used == Use::Caller => {
                        say_so("talking");
                        line.record();
                        next = talk_for.map_or(Next::Nothing, |d| Next::HangUp(Instant::now() + d));
                    }
                    PhoneEvent::Ended { status } => {
                        let was = std::mem::replace(&mut used, Use::None);
                        next = Next::Nothing;
                        match (was, status) {
                            (Use::GoingReady, None) => say_so("ready"),
                            (Use::GoingReady, Some(status)) => {
                                return Err(Failure::world(format!("could not go ready ({status})")));
                            }
                            _ => {
                                say_so("the call is over");
                                served += 1;
                            }
                        }
                        if self.calls.is_some_and(|calls| served >= calls) {
                            return leave(line).await;
                        }
                    }
                    PhoneEvent::Digit(digit) => say_so(&format!("the caller pressed {digit}")),
                    _ => {}
                },
                () = deed => match std::mem::replace(&mut next, Next::Nothing) {
                    Next::Answer(_) => line.order(PhoneInput::Answer),
                    Next::HangUp(_) => {
                        say_so("hanging up");
                        line.order(PhoneInput::HangUp);
                    }
                    Next::Nothing => {}
                },
                _ = tokio::signal::ctrl_c() => return leave(line).await,
            }
        }
    }
}

/// Signs off, so that the engine offers no further call to a phone that is gone.
async fn leave(mut line: PhoneLine) -> Result<(), Failure> {
    line.order(PhoneInput::HangUp);
    line.order(PhoneInput::Unregister);
    let _ = tokio::time::timeout(Duration::from_secs(1), async {
        while line.next().await != PhoneEvent::Registered {}
    })
    .await;
    line.close().await;
    Ok(())
}
