//! A registration that we keep at a carrier (RFC 3261 §10.2): refreshed at half its lifetime, tried
//! again after a failure with waits that double.

use core::time::Duration;

use hotline_model::{Instant, event::TrunkState, limits};
use hotline_sip::{
    endpoint::{Endpoint, OutgoingRequest, RequestId},
    message::{Contact, Message},
};
use rand_chacha::{ChaCha8Rng, rand_core::Rng as _};

use super::{
    condition::Turn,
    settings::{Credentials, Register},
};

/// A registration.
#[derive(Clone, Debug)]
pub struct Registration {
    settings: Register,
    login: Option<Credentials>,
    call_id: String,
    sequence: u32,
    asked: Option<RequestId>,
    due: Option<Instant>,
    failures: u32,
    expires_s: u32,
    state: TrunkState,
    /// Why the last connection to the registrar came to nothing, where that was told.
    refused: Option<String>,
}

/// Why nothing could be sent to a peer.
pub fn unreachable(refused: Option<String>) -> String {
    match refused {
        Some(why) => format!("cannot be reached: {why}"),
        None => "cannot be reached".to_owned(),
    }
}

impl Registration {
    /// Not registered yet; the first REGISTER is due at once.
    pub fn new(settings: Register, login: Option<Credentials>, random: &mut ChaCha8Rng) -> Self {
        let expires_s = u32::try_from(settings.every.as_secs()).unwrap_or(u32::MAX);
        Self {
            settings,
            login,
            call_id: format!("{:016x}{:016x}", random.next_u64(), random.next_u64()),
            sequence: 0,
            asked: None,
            due: Some(Instant::START),
            failures: 0,
            expires_s,
            state: TrunkState::Unknown,
            refused: None,
        }
    }

    /// When the next REGISTER is due.
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// How it is.
    pub const fn state(&self) -> TrunkState {
        self.state
    }

    /// What it is called in the journal.
    pub fn name(&self) -> String {
        format!("register {}", self.settings.target)
    }

    /// Whether `request` is its REGISTER.
    pub fn asked(&self, request: RequestId) -> bool {
        self.asked == Some(request)
    }

    /// Sends the REGISTER.
    pub fn ask(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.due = None;
        // All of one client carry one Call-ID and count up; a challenged one takes the next
        // numbers too.
        self.sequence = self.sequence.saturating_add(3);
        let Register {
            target,
            user,
            domain,
            ..
        } = &self.settings;
        let local = target.path.local;
        let address = format!("<sip:{user}@{domain}>");
        let contact = match target.path.transport {
            hotline_sip::path::Transport::Udp => format!("<sip:{user}@{local}>"),
            other => format!("<sip:{user}@{local};transport={}>", other.uri_name()),
        };
        self.asked = Some(endpoint.request(
            now,
            OutgoingRequest {
                path: target.path,
                method: "REGISTER".to_owned(),
                target: format!("sip:{domain}"),
                from: address.clone(),
                to: address,
                call_id: Some(self.call_id.clone()),
                cseq: Some(self.sequence),
                headers: vec![
                    ("Contact".to_owned(), contact),
                    ("Expires".to_owned(), self.expires_s.to_string()),
                ],
                body: Vec::new(),
                credentials: self.login.clone(),
            },
        ));
    }

    /// The answer to its REGISTER.
    pub fn answered(
        &mut self,
        now: Instant,
        status: u16,
        message: Option<&Message<'_>>,
        random: &mut ChaCha8Rng,
    ) -> Option<Turn> {
        self.asked = None;
        if (200..300).contains(&status) {
            self.failures = 0;
            let granted = message.and_then(granted).unwrap_or(self.expires_s).max(2);
            // At half its life, so that one lost refresh leaves time for another.
            self.due = Some(now + Duration::from_secs(u64::from(granted) / 2));
            return self.turn(TrunkState::Up, format!("for {granted} s"));
        }
        let least = message.and_then(|m| m.number(hotline_sip::message::Name::MinExpires));
        if let Some(least) = least.filter(|&least| status == 423 && least > self.expires_s) {
            // RFC 3261 §10.2.8: the registrar wants them longer.
            self.expires_s = least.min(86_400);
            self.due = Some(now);
            return None;
        }
        self.due = Some(now + self.wait(random));
        let why = match message {
            Some(_) => format!("refused, {status}"),
            None if status == 408 => "no answer".to_owned(),
            None => unreachable(self.refused.take()),
        };
        self.turn(TrunkState::Down, why)
    }

    /// The connection it went by is gone, and the carrier's way to us with it; `why` where it
    /// never came about.
    pub fn path_lost(
        &mut self,
        now: Instant,
        why: Option<&str>,
        random: &mut ChaCha8Rng,
    ) -> Option<Turn> {
        self.refused = why.map(str::to_owned);
        if self.asked.is_some() || self.state != TrunkState::Up {
            // The endpoint tells of a request under way by itself.
            return None;
        }
        self.due = Some(now + self.wait(random));
        self.turn(TrunkState::Down, "connection lost".to_owned())
    }

    /// The next wait: 5 s and twice as long with each failure, up to five minutes, a fifth more or
    /// less, so that the registrations of a carrier that comes back do not meet.
    fn wait(&mut self, random: &mut ChaCha8Rng) -> Duration {
        let doubled = limits::TRUNK_REGISTER_AGAIN_S << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let ms = doubled.min(limits::TRUNK_REGISTER_AGAIN_MAX_S) * 1_000;
        let fifth = ms / 5;
        Duration::from_millis(ms - fifth + random.next_u64() % (2 * fifth + 1))
    }

    fn turn(&mut self, state: TrunkState, why: String) -> Option<Turn> {
        let changed = self.state != state;
        self.state = state;
        changed.then_some(Turn { state, why })
    }
}

/// The lifetime granted: that of the Contact, else the header's (RFC 3261 §10.2.4). A registrar
/// lists all bindings of the address; the shortest is taken, which is safe whichever is ours.
fn granted(message: &Message<'_>) -> Option<u32> {
    let contacts = message.contacts().filter_map(|contact| match contact {
        Contact::Address(address) => address.expires(),
        Contact::All => None,
    });
    contacts.min().or_else(|| message.expires())
}
