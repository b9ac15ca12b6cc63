//! One browser's leg on the shared port: checks, the key handshake and secure packets, told apart
//! by their first byte (RFC 7983).

use core::{net::SocketAddr, time::Duration};

use bytes::BytesMut;
use hotline_model::{Instant, limits::ICE_CONSENT_S};

use super::{
    dtls::{Failure, Handshake, Identity, Progress},
    ice::{Agent, Credentials, Ufrag},
    srtp::{Guard, Refusal},
    stun::{self, Binding},
};
use crate::sdp::Fingerprint;

/// What a datagram on the shared port is (RFC 7983 §7; RFC 5761 §4 for RTCP).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A connectivity check.
    Stun,
    /// A piece of the key handshake.
    Dtls,
    /// Sound.
    Rtp,
    /// A report on sound.
    Rtcp,
}

impl Kind {
    /// By the first byte, and for a report the second. `None` for what nobody should send.
    pub fn of(datagram: &[u8]) -> Option<Self> {
        match datagram.first()? {
            0..=3 => Some(Self::Stun),
            20..=63 => Some(Self::Dtls),
            128..=191 => Some(match datagram.get(1)? {
                192..=223 => Self::Rtcp,
                _ => Self::Rtp,
            }),
            _ => None,
        }
    }
}

/// The ufrag by which a check on the shared port finds its leg, when no leg has the address yet.
pub fn ufrag_of(datagram: &[u8]) -> Option<Ufrag> {
    Ufrag::of(&Binding::parse(datagram)?)
}

/// What a datagram meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// An authentic RTP packet.
    Rtp(&'a mut [u8]),
    /// An authentic compound RTCP packet.
    Rtcp(&'a mut [u8]),
    /// The peer is now here: sound goes to this address from now on.
    Moved(SocketAddr),
    /// The keys are agreed: packets can be protected and opened.
    Secured,
    /// The peer closed the handshake's connection: it has gone.
    Closed,
    /// The handshake came to nothing, and so does the leg.
    Failed(Failure),
    /// Dropped: to be counted.
    Dropped(Dropped),
    /// Seen to; nothing follows for the caller.
    Nothing,
}

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// Neither STUN, DTLS nor RTP, or malformed.
    Unknown,
    /// A check that is not the peer's. It was answered as RFC 8489 §9.1.3 wants.
    Check,
    /// Not from the address that the peer checked from.
    Stranger,
    /// Sound before the keys.
    Early,
    /// Not authentic, replayed, malformed.
    Packet(Refusal),
}

/// One browser's leg.
#[derive(Debug)]
pub struct Channel {
    agent: Agent,
    identity: Identity,
    peer: Fingerprint,
    handshake: Option<Handshake>,
    guard: Option<Guard>,
    answer: Option<Answer>,
    /// Whether [`Heard::Closed`] or [`Heard::Failed`] was said.
    ended: bool,
}

/// An answer to a check that waits to be sent.
#[derive(Debug)]
struct Answer {
    to: SocketAddr,
    room: [u8; stun::ANSWER_BYTES],
    length: usize,
}

/// A datagram to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Transmit<'a> {
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: &'a [u8],
}

impl Channel {
    /// A leg whose peer has said its certificate, and no more.
    pub const fn new(identity: Identity, ours: Credentials, peer: Fingerprint) -> Self {
        Self {
            agent: Agent::new(ours),
            identity,
            peer,
            handshake: None,
            guard: None,
            answer: None,
            ended: false,
        }
    }

    /// The ufrag by which a check finds this leg.
    pub const fn ufrag(&self) -> Ufrag {
        self.agent.credentials().ufrag
    }

    /// Where the peer is: `None` before its first check.
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.agent.chosen()
    }

    /// Whether packets can be protected.
    pub const fn is_secured(&self) -> bool {
        self.guard.is_some()
    }

    /// Whether the peer still wants to hear us: it has checked in the last [`ICE_CONSENT_S`]
    /// (RFC 7675 §5.1). Without consent nothing may be sent.
    pub fn has_consent(&self, now: Instant) -> bool {
        self.agent
            .last_check()
            .is_some_and(|at| now.since(at) < Duration::from_secs(ICE_CONSENT_S))
    }

    /// Takes a datagram from the shared port; a packet is opened where it lies. Drain
    /// [`Channel::poll_transmit`] after.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'a mut [u8],
    ) -> Heard<'a> {
        match Kind::of(datagram) {
            Some(Kind::Stun) => self.check(now, from, datagram),
            // A stranger's hello costs nothing: there is no handshake before a check, nor with
            // anybody else than whom the check came from.
            Some(_) if self.agent.chosen() != Some(from) => Heard::Dropped(Dropped::Stranger),
            Some(Kind::Dtls) => {
                let Some(handshake) = &mut self.handshake else {
                    return Heard::Dropped(Dropped::Unknown);
                };
                handshake.handle_datagram(now, datagram);
                self.progress()
            }
            Some(kind) => match &mut self.guard {
                Some(guard) => opened(guard, kind, datagram),
                None => Heard::Dropped(Dropped::Early),
            },
            None => Heard::Dropped(Dropped::Unknown),
        }
    }

    fn check<'a>(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Heard<'a> {
        let Some(check) = Binding::parse(datagram) else {
            return Heard::Dropped(Dropped::Unknown);
        };
        let Some(heard) = self.agent.hear(now, from, &check) else {
            return Heard::Nothing;
        };
        let mut room = [0; stun::ANSWER_BYTES];
        let written = self.agent.compose(&heard, &check, &mut room);
        if let Some(length) = written.map(<[u8]>::len) {
            let to = from;
            self.answer = Some(Answer { to, room, length });
        }
        if !matches!(heard.answer, stun::Answer::Mapped(_)) {
            return Heard::Dropped(Dropped::Check);
        }
        if self.handshake.is_none() {
            self.handshake = Handshake::new(now, &self.identity, self.peer);
        }
        if heard.moved {
            Heard::Moved(from)
        } else {
            Heard::Nothing
        }
    }

    /// What the handshake came to, said once.
    fn progress<'a>(&mut self) -> Heard<'a> {
        let progress = self.handshake.as_ref().map(Handshake::progress);
        match progress {
            Some(Progress::Agreed { sending, receiving }) if self.guard.is_none() => {
                self.guard = Guard::new(&sending, &receiving);
                Heard::Secured
            }
            Some(Progress::Closed) if !self.ended => {
                self.ended = true;
                Heard::Closed
            }
            Some(Progress::Failed(failure)) if !self.ended => {
                self.ended = true;
                Heard::Failed(failure)
            }
            _ => Heard::Nothing,
        }
    }

    /// The next datagram that checks and handshake want sent: to be drained after every datagram
    /// and timeout. `room` holds it.
    pub fn poll_transmit<'r>(&mut self, room: &'r mut BytesMut) -> Option<Transmit<'r>> {
        if let Some(answer) = self.answer.take() {
            room.clear();
            room.extend_from_slice(answer.room.get(..answer.length)?);
            let to = answer.to;
            return Some(Transmit { to, bytes: room });
        }
        *room = self.handshake.as_mut()?.poll_transmit()?;
        let to = self.agent.chosen()?;
        Some(Transmit { to, bytes: room })
    }

    /// When [`Channel::handle_timeout`] is due: while the handshake lasts.
    pub fn next_wake(&self) -> Option<Instant> {
        self.handshake.as_ref()?.next_wake()
    }

    /// Time has come: [`Heard::Failed`] when the handshake was given up, else [`Heard::Nothing`].
    pub fn handle_timeout(&mut self, now: Instant) -> Heard<'static> {
        if let Some(handshake) = &mut self.handshake {
            handshake.handle_timeout(now);
        }
        self.progress()
    }

    /// Protects an RTP packet in place: [`Guard::protect_rtp`]. `None` before the keys.
    pub fn protect_rtp(
        &mut self,
        buffer: &mut [u8],
        length: usize,
    ) -> Option<Result<usize, Refusal>> {
        Some(self.guard.as_mut()?.protect_rtp(buffer, length))
    }

    /// Protects an RTCP packet in place: [`Guard::protect_rtcp`]. `None` before the keys.
    pub fn protect_rtcp(
        &mut self,
        buffer: &mut [u8],
        length: usize,
    ) -> Option<Result<usize, Refusal>> {
        Some(self.guard.as_mut()?.protect_rtcp(buffer, length))
    }
}

fn opened<'a>(guard: &mut Guard, kind: Kind, datagram: &'a mut [u8]) -> Heard<'a> {
    let is_report = kind == Kind::Rtcp;
    let length = if is_report {
        guard.open_rtcp(datagram)
    } else {
        guard.open_rtp(datagram)
    };
    match length {
        Ok(length) => match datagram.get_mut(..length) {
            Some(packet) if is_report => Heard::Rtcp(packet),
            Some(packet) => Heard::Rtp(packet),
            None => Heard::Nothing,
        },
        Err(refusal) => Heard::Dropped(Dropped::Packet(refusal)),
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
