//! A telephone with one call at a time: what the test orders and what the engine says, each as it
//! comes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use hotline_sip::{
    digest::{self, Login},
    message::Method,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    Fault, Heard, Oddity, Page, Try,
    dialog::{Dialog, body, unique},
    line::Line,
    messages::{answer, header, media_port, status},
    peer::Peer,
    plain::{self, Plain},
    tone::packet_of,
};

/// Longest wait for what must come soon, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked of the registrar, seconds, and after how long it is asked again.
const REGISTERED_S: u64 = 300;

/// Where a phone is with its call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// No call.
    Idle,
    /// Its INVITE has no final answer yet.
    Dialling,
    /// The call stands.
    Talking,
    /// The call stands, and the phone holds it.
    Held,
}

/// What the test can see.
#[derive(Clone, Debug)]
struct Seen {
    registered: bool,
    stage: Stage,
    /// Calls that stood so far.
    calls: u32,
    /// Final answer that refused its last INVITE.
    refused: Option<u16>,
    /// Why it does no more.
    fault: Option<String>,
}

enum Order {
    Dial(String),
    Hold(bool),
    HangUp,
    /// A packet in the clear, out of the socket of the encrypted sound.
    Slip(Vec<u8>),
}

/// What a phone says and hears, whatever carries it.
#[derive(Clone)]
pub struct Handset {
    tone: Bytes,
    silence: Bytes,
    mute: Arc<AtomicBool>,
    heard: Arc<Mutex<Heard>>,
}

impl Handset {
    fn new(hertz: u32) -> Try<Self> {
        Ok(Self {
            tone: packet_of(hertz)?,
            silence: packet_of(0)?,
            mute: Arc::default(),
            heard: Arc::default(),
        })
    }

    /// The next packet to say.
    pub fn says(&self) -> Bytes {
        if self.mute.load(Ordering::Relaxed) {
            self.silence.clone()
        } else {
            self.tone.clone()
        }
    }

    /// A packet came.
    pub fn hears(&self, sequence: u16, payload: &[u8]) {
        self.heard().packet(sequence, payload);
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A telephone; it goes away when this does.
pub struct Phone {
    orders: mpsc::UnboundedSender<Order>,
    seen: watch::Receiver<Seen>,
    handset: Handset,
    task: JoinHandle<()>,
}

impl Phone {
    /// The browser of a seat whose agent is signed in, registered by the session; it says a tone of
    /// `hertz`.
    ///
    /// # Errors
    /// What the engine says to it.
    pub async fn browser(page: &Page, user: &str, hertz: u32, oddity: Oddity) -> Try<Self> {
        let line = Line::web_socket(page, &unique()).await?;
        let phone = Self::on(line, user, None, hertz, Kind::Browser(oddity))?;
        phone.until("registered", |seen| seen.registered).await?;
        Ok(phone)
    }

    /// A seat's plain phone, registered by its password.
    ///
    /// # Errors
    /// What the engine says to it.
    pub async fn seat(server: SocketAddr, user: &str, password: &str, hertz: u32) -> Try<Self> {
        let line = Line::udp(server).await?;
        let phone = Self::on(line, user, Some(password.to_owned()), hertz, Kind::Plain)?;
        phone.until("registered", |seen| seen.registered).await?;
        Ok(phone)
    }

    /// A caller at the carrier's, whose number this is.
    ///
    /// # Errors
    /// What the kernel says to it.
    pub async fn caller(server: SocketAddr, number: &str, hertz: u32) -> Try<Self> {
        Self::on(Line::udp(server).await?, number, None, hertz, Kind::Caller)
    }

    fn on(line: Line, user: &str, password: Option<String>, hertz: u32, kind: Kind) -> Try<Self> {
        let (orders, ordered) = mpsc::unbounded_channel();
        let (seen, shown) = watch::channel(Seen {
            registered: false,
            stage: Stage::Idle,
            calls: 0,
            refused: None,
            fault: None,
        });
        let handset = Handset::new(hertz)?;
        let own = format!("sip:{user}@{}", line.server);
        let registration = Dialog::at(format!("sip:{}", line.server), &own);
        let life = Life {
            line,
            user: user.to_owned(),
            password,
            kind,
            handset: handset.clone(),
            seen,
            registration,
            call: None,
            proven: false,
        };
        Ok(Self {
            orders,
            seen: shown,
            handset,
            task: tokio::spawn(life.lead(ordered)),
        })
    }

    /// Calls a number or a colleague, and waits until it is answered.
    ///
    /// # Errors
    /// Where it is not.
    pub async fn dial(&self, number: &str) -> Try<()> {
        let before = self.seen.borrow().calls;
        self.order(Order::Dial(number.to_owned()))?;
        let answered = |seen: &Seen| seen.calls > before || seen.refused.is_some();
        self.until("answered", answered).await?;
        match self.seen.borrow().refused {
            Some(status) => Err(format!("{number} was refused with {status}").into()),
            None => Ok(()),
        }
    }

    /// Waits until it is in this stage of a call.
    ///
    /// # Errors
    /// Where it does not come to that.
    pub async fn is(&self, stage: Stage) -> Try<()> {
        let what = format!("{stage:?}");
        self.until(&what, |seen| seen.stage == stage).await
    }

    /// Puts its call on hold, and waits until the engine has agreed.
    ///
    /// # Errors
    /// Where it does not.
    pub async fn hold(&self) -> Try<()> {
        self.order(Order::Hold(true))?;
        self.is(Stage::Held).await
    }

    /// Takes its call back from hold, likewise.
    ///
    /// # Errors
    /// Where the engine does not agree.
    pub async fn resume(&self) -> Try<()> {
        self.order(Order::Hold(false))?;
        self.is(Stage::Talking).await
    }

    /// Hangs up.
    ///
    /// # Errors
    /// Where the phone is gone.
    pub async fn hang_up(&self) -> Try<()> {
        self.order(Order::HangUp)?;
        self.is(Stage::Idle).await
    }

    /// Sends a packet of this tone, the `number`th, in the clear out of the socket of its encrypted
    /// sound, as somebody on the way could.
    ///
    /// # Errors
    /// Where the tone is none or the phone is gone.
    pub fn slips(&self, hertz: u32, number: u32) -> Try<()> {
        let tone = packet_of(hertz)?;
        self.order(Order::Slip(plain::packet(number, 1, &tone)))
    }

    /// What it heard since it listened anew.
    pub fn heard(&self) -> Heard {
        self.handset.heard().clone()
    }

    /// Forgets what it heard.
    pub fn listens_anew(&self) {
        *self.handset.heard() = Heard::default();
    }

    /// Waits until it has heard half a second of this tone, from now on.
    ///
    /// # Errors
    /// Where it does not hear that.
    pub async fn hears(&self, hertz: u32) -> Try<()> {
        self.listens_anew();
        let until = Instant::now() + PATIENCE;
        while self.heard().seconds_of(hertz) < 0.5 {
            if Instant::now() > until {
                let packets = self.heard().packets;
                return Err(format!("{hertz} Hz is not heard, of {packets} packets").into());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn order(&self, order: Order) -> Try<()> {
        let sent = self.orders.send(order);
        sent.map_err(|_| format!("the phone is gone: {:?}", self.seen.borrow().fault).into())
    }

    async fn until(&self, what: &str, is: impl Fn(&Seen) -> bool) -> Try<()> {
        let mut seen = self.seen.clone();
        let came = timeout(
            PATIENCE,
            seen.wait_for(|seen| is(seen) || seen.fault.is_some()),
        );
        let state = || format!("not {what}: {:?}", self.seen.borrow());
        let came = came.await.map_err(|_| state())?;
        match came.map_err(|_| state())?.fault {
            Some(_) => Err(state().into()),
            None => Ok(()),
        }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Browser(Oddity),
    Plain,
    Caller,
}

enum Sound {
    Browser(Peer),
    Plain(Plain),
}

impl Sound {
    async fn open(kind: Kind, handset: &Handset) -> Try<Self> {
        Ok(match kind {
            Kind::Browser(oddity) => Self::Browser(Peer::open(handset, oddity).await?),
            Kind::Plain | Kind::Caller => Self::Plain(Plain::open(handset).await?),
        })
    }

    async fn offer(&mut self, hold: bool) -> Try<String> {
        match self {
            Self::Browser(peer) => peer.offer(hold).await,
            Self::Plain(plain) => Ok(plain.session(hold)),
        }
    }

    async fn answer(&mut self, offer: &str) -> Try<String> {
        match self {
            Self::Browser(peer) => peer.answer(offer).await,
            Self::Plain(plain) => {
                plain.learns(offer)?;
                Ok(plain.session(false))
            }
        }
    }

    async fn accept(&mut self, answer: &str) -> Try<()> {
        match self {
            Self::Browser(peer) => peer.accept(answer).await,
            Self::Plain(plain) => plain.learns(answer),
        }
    }

    async fn close(self) {
        if let Self::Browser(peer) = self {
            peer.close().await;
        }
    }
}

struct Call {
    dialog: Dialog,
    sound: Sound,
    /// The INVITE of its own that waits for its answer: the stage that it leads to.
    asked: Option<Stage>,
    /// The engine's port for the sound.
    port: u16,
}

/// A phone from the inside.
struct Life {
    line: Line,
    user: String,
    password: Option<String>,
    kind: Kind,
    handset: Handset,
    seen: watch::Sender<Seen>,
    registration: Dialog,
    call: Option<Call>,
    /// The registration's challenge was answered, and the answer is not known yet.
    proven: bool,
}

impl Life {
    async fn lead(mut self, mut ordered: mpsc::UnboundedReceiver<Order>) {
        if let Err(fault) = self.goes_on(&mut ordered).await {
            self.seen
                .send_modify(|seen| seen.fault = Some(fault.to_string()));
        }
    }

    async fn goes_on(&mut self, ordered: &mut mpsc::UnboundedReceiver<Order>) -> Result<(), Fault> {
        let registers = self.kind != Kind::Caller;
        let mut refresh = Instant::now();
        loop {
            tokio::select! {
                said = self.line.hear() => self.hears(&said?).await?,
                order = ordered.recv() => match order {
                    Some(order) => self.does(order).await?,
                    None => return Ok(()),
                },
                () = sleep_until(refresh), if registers => {
                    refresh = Instant::now() + Duration::from_secs(REGISTERED_S / 2);
                    self.registers("").await?;
                }
            }
        }
    }

    async fn registers(&mut self, proof: &str) -> Try<()> {
        self.proven = !proof.is_empty();
        let headers = format!("Expires: {REGISTERED_S}\r\n{proof}");
        let text = self
            .registration
            .request(&self.line, "REGISTER", &headers, "");
        self.line.say(text).await
    }

    async fn does(&mut self, order: Order) -> Try<()> {
        match (order, &mut self.call) {
            (Order::Dial(number), None) => {
                let mut sound = Sound::open(self.kind, &self.handset).await?;
                let offer = sound.offer(false).await?;
                let at = self.line.server;
                let own = format!("sip:{}@{at}", self.user);
                let mut dialog = Dialog::to(&own, format!("sip:{number}@{at}"));
                let invite = dialog.request(&self.line, "INVITE", "", &offer);
                self.call = Some(Call {
                    dialog,
                    sound,
                    asked: Some(Stage::Talking),
                    port: 0,
                });
                self.seen.send_modify(|seen| {
                    (seen.stage, seen.refused) = (Stage::Dialling, None);
                });
                self.line.say(invite).await
            }
            (Order::Hold(hold), Some(call)) => {
                // A page mutes the microphone while it holds.
                self.handset.mute.store(hold, Ordering::Relaxed);
                call.asked = Some(if hold { Stage::Held } else { Stage::Talking });
                let offer = call.sound.offer(hold).await?;
                let invite = call.dialog.request(&self.line, "INVITE", "", &offer);
                self.line.say(invite).await
            }
            (Order::HangUp, Some(call)) => {
                let bye = call.dialog.request(&self.line, "BYE", "", "");
                self.line.say(bye).await?;
                self.ends().await;
                Ok(())
            }
            (Order::Slip(packet), Some(call)) => {
                let Sound::Browser(peer) = &mut call.sound else {
                    return Err("a plain phone has nothing to slip past".into());
                };
                peer.connected().await?;
                peer.slip(&packet, SocketAddr::from(([127, 0, 0, 1], call.port)))
            }
            (Order::Dial(_), Some(_)) => Err("one call at a time".into()),
            (Order::Hold(_) | Order::HangUp | Order::Slip(_), None) => Err("no call".into()),
        }
    }

    async fn ends(&mut self) {
        if let Some(call) = self.call.take() {
            call.sound.close().await;
        }
        self.handset.mute.store(false, Ordering::Relaxed);
        self.seen.send_modify(|seen| seen.stage = Stage::Idle);
    }

    async fn hears(&mut self, text: &str) -> Try<()> {
        if let Some(status) = status(text) {
            let method = header(text, "CSeq:").split(' ').nth(1);
            return match method {
                Some("REGISTER") => self.registered(status, text).await,
                Some("INVITE") => self.answered(status, text).await,
                _ => Ok(()),
            };
        }
        let mine = self.call.as_ref().map(|call| call.dialog.call_id.as_str())
            == Some(header(text, "Call-ID:"));
        match (text.split(' ').next().unwrap_or_default(), mine) {
            ("INVITE", true) => self.offered(text).await,
            ("INVITE", false) if self.call.is_none() => self.rung(text).await,
            ("INVITE", false) => self.replies(text, "486 Busy Here", "").await,
            ("BYE", true) => {
                self.replies(text, "200 OK", "").await?;
                self.ends().await;
                Ok(())
            }
            ("BYE", false) => {
                self.replies(text, "481 Call/Transaction Does Not Exist", "")
                    .await
            }
            ("ACK", _) => Ok(()),
            // It answers at once: a CANCEL always comes too late (RFC 3261 §9.2).
            ("CANCEL" | "OPTIONS" | "NOTIFY" | "UPDATE" | "INFO", _) => {
                self.replies(text, "200 OK", "").await
            }
            _ => self.replies(text, "501 Not Implemented", "").await,
        }
    }

    async fn replies(&mut self, request: &str, line: &str, body: &str) -> Try<()> {
        let contact = format!("sip:{}@{}", self.user, self.line.reached_at);
        let tag = match &self.call {
            Some(call) => call.dialog.own_tag().to_owned(),
            None => unique(),
        };
        let text = answer(request, line, &tag, &contact, body);
        self.line.say(text).await
    }

    /// Called by the engine: answered at once.
    async fn rung(&mut self, invite: &str) -> Try<()> {
        let sound = Sound::open(self.kind, &self.handset).await?;
        self.call = Some(Call {
            dialog: Dialog::of(invite),
            sound,
            asked: None,
            port: 0,
        });
        self.offered(invite).await?;
        self.seen.send_modify(|seen| {
            seen.calls += 1;
            seen.stage = Stage::Talking;
        });
        Ok(())
    }

    /// A session of the engine is answered with its own.
    async fn offered(&mut self, invite: &str) -> Try<()> {
        let Some(call) = &mut self.call else {
            return Ok(());
        };
        call.port = media_port(invite).unwrap_or_default();
        let own = call.sound.answer(body(invite)).await?;
        self.replies(invite, "200 OK", &own).await
    }

    /// The answer to its own INVITE.
    async fn answered(&mut self, status: u16, text: &str) -> Try<()> {
        let Some(call) = &mut self.call else {
            return Ok(());
        };
        if status < 200 || call.dialog.call_id != header(text, "Call-ID:") {
            return Ok(());
        }
        if status < 300 {
            call.dialog.learns(text);
        }
        let ack = call.dialog.ack(&self.line, text, status < 300);
        self.line.say(ack).await?;
        let Some(stage) = call.asked.take() else {
            return Ok(());
        };
        if status >= 300 {
            if self.seen.borrow().stage != Stage::Dialling {
                return Err(format!("a repeated INVITE was refused with {status}").into());
            }
            self.ends().await;
            self.seen.send_modify(|seen| seen.refused = Some(status));
            return Ok(());
        }
        call.port = media_port(text).unwrap_or_default();
        call.sound.accept(body(text)).await?;
        self.seen.send_modify(|seen| {
            seen.calls += u32::from(seen.stage == Stage::Dialling);
            seen.stage = stage;
        });
        Ok(())
    }

    /// The answer to its REGISTER.
    async fn registered(&mut self, status: u16, text: &str) -> Try<()> {
        match (status, self.password.clone()) {
            (200, _) => {
                self.seen.send_modify(|seen| seen.registered = true);
                Ok(())
            }
            (401, Some(password)) if !self.proven => {
                let login = Login {
                    user: &self.user,
                    password: &password,
                    realm: None,
                };
                let challenges = text
                    .split("\r\n")
                    .filter_map(|line| line.strip_prefix("WWW-Authenticate:"))
                    .map(|value| value.trim().as_bytes());
                let uri = format!("sip:{}", self.line.server);
                let proof = digest::answer(challenges, &login, Method::Register, &uri, "b1", 1);
                let proof = proof.map_err(|fault| fault.to_string())?;
                self.registers(&format!("Authorization: {proof}\r\n")).await
            }
            (..200, _) => Ok(()),
            _ => Err(format!("the registration was refused with {status}").into()),
        }
    }
}
