//! How long a connection may take for what it does, and when it is asked whether it is still
//! there.

use std::time::Duration;

use hotline_model::limits;
use tokio::time::Instant;

/// The times of a connection. The tests have shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the handshakes of TLS and WebSocket together.
    pub handshake: Duration,
    /// Until the first message of a peer that opened the connection.
    pub first_message: Duration,
    /// For one message to come whole, or to be taken by the peer.
    pub message: Duration,
    /// Without a message, until the loop is asked whether the connection carries anything.
    pub idle: Duration,
    /// Without a sign of life, until TCP or TLS is sent CR LF CR LF (RFC 5626 §4.4.1).
    pub keep_alive: Duration,
    /// The same for the ping of a WebSocket (RFC 6455 §5.5.2).
    pub ping: Duration,
    /// Until the peer's network confirms what was sent.
    pub confirmed: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(limits::SIP_HANDSHAKE_S),
            first_message: Duration::from_secs(limits::SIP_FIRST_MESSAGE_S),
            message: Duration::from_secs(limits::SIP_STREAM_MESSAGE_S),
            idle: Duration::from_secs(limits::SIP_CONNECTION_IDLE_S),
            keep_alive: Duration::from_secs(limits::SIP_KEEP_ALIVE_S),
            ping: Duration::from_secs(limits::SIP_WEBSOCKET_PING_S),
            confirmed: Duration::from_secs(limits::SIP_PEER_ACK_S),
        }
    }
}

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// Somebody who came: must speak soon, and may not be quiet for ever.
    Stranger,
    /// Somebody we called: may wait for us to speak.
    Called,
    /// A trunk: may be quiet, too.
    Trunk,
}

/// What is to be done when nothing came until then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Due {
    /// Close: the peer is too slow, or gone.
    Close,
    /// Ask the loop whether the connection carries anything.
    Idle,
    /// Send a keep-alive.
    Ping,
}

/// What a connection's peer is waited for.
pub struct Watch {
    patience: Patience,
    every: Duration,
    must_answer: bool,
    may_be_quiet: bool,
    first_by: Option<Instant>,
    whole_by: Option<Instant>,
    message: Instant,
    heard: Instant,
    pinged: Option<Instant>,
}

impl Watch {
    /// A watch over a stream of bytes, whose peers need not answer a ping.
    pub fn bytes(patience: Patience, now: Instant, peer: Peer) -> Self {
        Self::new(patience, now, peer, patience.keep_alive, false)
    }

    /// A watch over a WebSocket, whose peers must answer a ping.
    pub fn frames(patience: Patience, now: Instant, peer: Peer) -> Self {
        Self::new(patience, now, peer, patience.ping, true)
    }

    fn new(
        patience: Patience,
        now: Instant,
        peer: Peer,
        every: Duration,
        must_answer: bool,
    ) -> Self {
        Self {
            patience,
            every,
            must_answer,
            may_be_quiet: peer == Peer::Trunk,
            first_by: (peer == Peer::Stranger).then(|| now + patience.first_message),
            whole_by: None,
            message: now,
            heard: now,
            pinged: None,
        }
    }

    /// What is due next, and when.
    pub fn next(&self) -> (Instant, Due) {
        let ping = match self.pinged {
            Some(at) if self.must_answer => (at + self.every, Due::Close),
            Some(at) => (at + self.every, Due::Ping),
            None => (self.heard + self.every, Due::Ping),
        };
        let idle = (!self.may_be_quiet).then(|| (self.message + self.patience.idle, Due::Idle));
        [self.first_by, self.whole_by]
            .into_iter()
            .flatten()
            .map(|at| (at, Due::Close))
            .chain(idle)
            .fold(ping, Ord::min)
    }

    /// Something came.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
    }

    /// A whole message came.
    pub fn message(&mut self, now: Instant) {
        self.message = now;
        self.first_by = None;
        self.whole_by = None;
    }

    /// Whether part of a message is here. The time for it runs from its first byte, however
    /// the others dribble in.
    pub fn mid_message(&mut self, now: Instant, is: bool) {
        match (is, self.whole_by) {
            (true, None) => self.whole_by = Some(now + self.patience.message),
            (false, _) => self.whole_by = None,
            (true, Some(_)) => {}
        }
    }

    /// A ping was sent.
    pub fn pinged(&mut self, now: Instant) {
        self.pinged = Some(now);
    }

    /// The loop was asked, and would have closed the connection if it carried nothing.
    pub fn asked(&mut self, now: Instant) {
        self.message = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn due(watch: &Watch, start: Instant) -> (u64, Due) {
        let (at, due) = watch.next();
        ((at - start).as_secs(), due)
    }

    #[test]
    fn a_stranger_must_speak_soon_and_to_the_end() {
        let start = Instant::now();
        let mut watch = Watch::bytes(Patience::default(), start, Peer::Stranger);
        assert_eq!(due(&watch, start), (32, Due::Close));
        watch.message(start + 5 * SECOND);
        watch.heard(start + 5 * SECOND);
        assert_eq!(due(&watch, start), (65, Due::Ping));
        // Bytes that dribble in do not buy time.
        for second in 10..20 {
            watch.heard(start + second * SECOND);
            watch.mid_message(start + second * SECOND, true);
        }
        assert_eq!(due(&watch, start), (42, Due::Close));
        watch.message(start + 20 * SECOND);
        watch.mid_message(start + 20 * SECOND, false);
        assert_eq!(due(&watch, start), (79, Due::Ping));
    }

    #[test]
    fn pings_are_no_messages() {
        let start = Instant::now();
        let mut watch = Watch::bytes(Patience::default(), start, Peer::Stranger);
        watch.message(start);
        for minute in 1..10 {
            assert_eq!(due(&watch, start), (minute * 60, Due::Ping));
            watch.pinged(start + 60 * SECOND * u32::try_from(minute).unwrap());
        }
        watch.pinged(start + 599 * SECOND);
        assert_eq!(due(&watch, start), (600, Due::Idle));
        watch.asked(start + 600 * SECOND);
        assert_eq!(due(&watch, start), (659, Due::Ping));
    }

    #[test]
    fn a_browser_that_answers_no_ping_is_gone() {
        let start = Instant::now();
        let mut watch = Watch::frames(Patience::default(), start, Peer::Stranger);
        watch.message(start);
        assert_eq!(due(&watch, start), (25, Due::Ping));
        watch.pinged(start + 25 * SECOND);
        assert_eq!(due(&watch, start), (50, Due::Close));
        watch.heard(start + 26 * SECOND);
        assert_eq!(due(&watch, start), (51, Due::Ping));
    }

    #[test]
    fn who_was_called_may_wait_but_not_for_ever() {
        let start = Instant::now();
        let mut watch = Watch::bytes(Patience::default(), start, Peer::Called);
        assert_eq!(due(&watch, start), (60, Due::Ping));
        watch.pinged(start + 599 * SECOND);
        assert_eq!(due(&watch, start), (600, Due::Idle));
    }

    #[test]
    fn a_trunk_may_be_quiet() {
        let start = Instant::now();
        let mut watch = Watch::bytes(Patience::default(), start, Peer::Trunk);
        for minute in 1..100 {
            assert_eq!(due(&watch, start), (minute * 60, Due::Ping));
            watch.pinged(start + 60 * SECOND * u32::try_from(minute).unwrap());
        }
    }
}
