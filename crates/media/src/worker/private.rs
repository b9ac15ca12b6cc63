//! A leg whose packets are secret: opened before anything looks at them, protected when they leave.

use super::leg::Leg;
use crate::{
    Stats,
    sdp::{Agreed, Security},
    secure::{
        Kind,
        srtp::{Guard, Refusal},
    },
};

impl Leg {
    /// Gets ready for the keys of an agreement. False when the library refuses them: then the
    /// agreement must not count, for its sound would go out in the clear.
    ///
    /// A guard stays when the peer goes over to the clear: should it come back under the same keys,
    /// no packet number may be used twice.
    pub(super) fn take_keys(&mut self, agreed: &Agreed) -> bool {
        let Security::Sdes { sending, receiving } = &agreed.security else {
            return true;
        };
        match &mut self.guard {
            Some(guard) => guard.renew(sending, receiving).is_some(),
            None => {
                self.guard = Guard::new(sending, receiving).map(Box::new);
                self.guard.is_some()
            }
        }
    }

    /// Whether the agreement has its packets protected.
    pub(super) fn is_private(&self) -> bool {
        self.agreed.is_some_and(|it| it.security.is_private())
    }

    /// Opens a packet in place and returns what it says; counts one that is not the peer's.
    pub(super) fn open<'a>(&mut self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let guard = self.guard.as_mut()?;
        let opened = match Kind::of(packet) {
            Some(Kind::Rtp) => guard.open_rtp(packet),
            Some(Kind::Rtcp) => guard.open_rtcp(packet),
            Some(Kind::Stun | Kind::Dtls) | None => Err(Refusal::Malformed),
        };
        match opened {
            Ok(length) => packet.get(..length),
            Err(refusal) => {
                self.stats.refused(refusal);
                None
            }
        }
    }

    /// Protects the packet of `length` bytes in place. The bytes to send; `None` when it may not be
    /// sent.
    pub(super) fn protect<'a>(
        &mut self,
        agreed: &Agreed,
        packet: &'a mut [u8],
        length: usize,
    ) -> Option<&'a [u8]> {
        if !agreed.security.is_private() {
            return packet.get(..length);
        }
        if let Some(browser) = self.browser.as_mut().filter(|_| self.shared) {
            let report = Kind::of(packet) == Some(Kind::Rtcp);
            let length = browser.protect(packet, length, report)?;
            return packet.get(..length);
        }
        let guard = self.guard.as_mut()?;
        let protected = match Kind::of(packet) {
            Some(Kind::Rtcp) => guard.protect_rtcp(packet, length),
            _ => guard.protect_rtp(packet, length),
        };
        packet.get(..protected.ok()?)
    }
}

impl Stats {
    pub(super) fn refused(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Malformed => self.malformed += 1,
            Refusal::Replayed => self.replayed += 1,
            Refusal::NotAuthentic | Refusal::Crowded | Refusal::Exhausted => {
                self.not_authentic += 1;
            }
        }
    }
}
