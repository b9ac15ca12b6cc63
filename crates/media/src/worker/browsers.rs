//! Legs of browsers, on the shared port: checks and the key handshake before their sound.

use core::{mem, net::SocketAddr, time::Duration};

use bytes::BytesMut;
use hotline_model::{Instant, LegId, limits::BROWSER_BYE_MS};

use super::{
    Slot, Wire, Worker,
    leg::{Leg, Reading},
};
use crate::{
    Stats,
    sdp::{Agreed, Fingerprint, Security},
    secure::{
        Channel, Dropped, Heard,
        dtls::Identity,
        ice::{Credentials, Ufrag},
    },
};

/// A browser's leg: what finds it and keeps it private.
pub(super) struct Browser {
    channel: Channel,
    agreed: (Credentials, Fingerprint),
    /// Whether the peer still wants to hear us, as of the last look.
    pub(super) consents: bool,
    /// When its leg is silent, since nothing will be heard of it any more.
    silent: Option<Instant>,
}

/// What a datagram of the shared port came to, once the channel has let go of it.
enum Came {
    Sound(usize),
    Moved(SocketAddr),
    Gone,
    Nothing,
}

impl Worker {
    /// Serves browsers from now on, under this certificate.
    pub fn serve_browsers(&mut self, identity: Identity) {
        self.identity = Some(identity);
    }

    pub(super) fn open_shared(
        &mut self,
        now: Instant,
        leg: LegId,
        ufrag: Ufrag,
        wire: &mut impl Wire,
    ) -> Option<Result<u16, String>> {
        let opened = self.open_by(now, leg, |slot| wire.open_shared(slot, ufrag));
        if let Some((_, leg)) = self.leg_mut(leg).filter(|_| matches!(opened, Some(Ok(_)))) {
            leg.shared = true;
            // Its packets are always handed over.
            leg.reading = Reading::OnArrival;
        }
        opened
    }

    /// Gets the leg's channel ready for an agreement; false where it cannot be.
    pub(super) fn take_fingerprint(&mut self, slot: usize, agreed: &mut Agreed) -> bool {
        let Security::Dtls { ice, fingerprint } = agreed.security else {
            return true;
        };
        let (Some(leg), Some(identity)) = (self.legs.get_mut(slot), &self.identity) else {
            return false;
        };
        let known = leg
            .browser
            .as_ref()
            .filter(|it| it.agreed == (ice, fingerprint));
        if let Some(browser) = known {
            // The description says nothing of the address, the checks have.
            if let Some(peer) = browser.channel.peer() {
                agreed.remote = peer;
            }
            return true;
        }
        leg.browser = Some(Box::new(Browser {
            channel: Channel::new(identity.clone(), ice, fingerprint),
            agreed: (ice, fingerprint),
            consents: false,
            silent: None,
        }));
        true
    }

    /// A datagram came by the shared port for the leg.
    pub(super) fn browser_came(
        &mut self,
        now: Instant,
        slot: Slot,
        from: SocketAddr,
        bytes: &[u8],
        wire: &mut impl Wire,
    ) {
        let mut room = mem::take(&mut self.opened);
        let came = self.hear_browser(now, slot, from, bytes, &mut room);
        self.drain_channel(slot, wire);
        match came {
            Came::Sound(length) => {
                let packet = room.get(..length).unwrap_or_default();
                self.packet_came(now, slot, from, packet, wire);
            }
            Came::Moved(to) => wire.found(slot, to),
            Came::Gone => self.browser_gone(now, slot.0),
            Came::Nothing => {}
        }
        self.opened = room;
        self.settle(now, slot.0);
    }

    fn hear_browser(
        &mut self,
        now: Instant,
        slot: Slot,
        from: SocketAddr,
        bytes: &[u8],
        room: &mut [u8],
    ) -> Came {
        let Some(leg) = self.legs.get_mut(slot.0) else {
            return Came::Nothing;
        };
        let Some(browser) = &mut leg.browser else {
            leg.stats.strangers += 1;
            return Came::Nothing;
        };
        let Some(room) = room.get_mut(..bytes.len()) else {
            leg.stats.malformed += 1;
            return Came::Nothing;
        };
        room.copy_from_slice(bytes);
        match browser.channel.handle_datagram(now, from, room) {
            Heard::Rtp(packet) | Heard::Rtcp(packet) => Came::Sound(packet.len()),
            Heard::Moved(to) => {
                browser.consents = true;
                if let Some(agreed) = &mut leg.agreed {
                    agreed.remote = to;
                }
                Came::Moved(to)
            }
            Heard::Closed | Heard::Failed(_) => Came::Gone,
            Heard::Dropped(why) => {
                leg.stats.dropped(why);
                Came::Nothing
            }
            Heard::Secured | Heard::Nothing => {
                // A check renews it.
                browser.consents = browser.channel.has_consent(now);
                Came::Nothing
            }
        }
    }

    /// Sends what checks and handshake want sent.
    fn drain_channel(&mut self, slot: Slot, wire: &mut impl Wire) {
        let Some(browser) = self
            .legs
            .get_mut(slot.0)
            .and_then(|leg| leg.browser.as_mut())
        else {
            return;
        };
        let mut room = BytesMut::new();
        while let Some(transmit) = browser.channel.poll_transmit(&mut room) {
            // What is lost is sent again.
            let _ = wire.send(slot, transmit.to, transmit.bytes);
        }
    }

    /// The handshake goes on.
    pub(super) fn handshake_due(&mut self, now: Instant, slot: usize, wire: &mut impl Wire) {
        let browser = self.legs.get_mut(slot).and_then(|leg| leg.browser.as_mut());
        let Some(browser) = browser else { return };
        if browser.channel.next_wake().is_some_and(|at| at <= now) {
            let heard = browser.channel.handle_timeout(now);
            self.drain_channel(Slot(slot), wire);
            if matches!(heard, Heard::Closed | Heard::Failed(_)) {
                self.browser_gone(now, slot);
            }
        }
    }

    /// Nothing will be heard of it any more: as good as silent, unless it hung up.
    fn browser_gone(&mut self, now: Instant, slot: usize) {
        let leg = self.legs.get_mut(slot);
        if let Some(browser) = leg.and_then(|leg| leg.browser.as_mut()) {
            let silent = now + Duration::from_millis(BROWSER_BYE_MS);
            browser.silent.get_or_insert(silent);
        }
    }
}

impl Leg {
    /// Whether the key handshake waits for a time.
    pub(super) fn shakes_hands(&self) -> bool {
        let browser = self.browser.as_ref();
        browser.is_some_and(|browser| browser.channel.next_wake().is_some())
    }

    /// Whether it is a browser's, and nothing will be heard of that any more.
    pub(super) fn is_left(&self, now: Instant) -> bool {
        let silent = self.browser.as_ref().and_then(|browser| browser.silent);
        silent.is_some_and(|at| at <= now)
    }

    /// Looks whether the browser still wants to hear us.
    pub(super) fn ask_consent(&mut self, now: Instant) {
        if let Some(browser) = &mut self.browser {
            browser.consents = browser.channel.has_consent(now);
        }
    }
}

impl Browser {
    /// Protects a packet in place; its new length. `None` before the keys are agreed, and when the
    /// browser no longer consents to hear us.
    pub(super) fn protect(
        &mut self,
        packet: &mut [u8],
        length: usize,
        report: bool,
    ) -> Option<usize> {
        if !self.consents {
            return None;
        }
        let protected = if report {
            self.channel.protect_rtcp(packet, length)
        } else {
            self.channel.protect_rtp(packet, length)
        };
        protected?.ok()
    }
}

impl Stats {
    fn dropped(&mut self, why: Dropped) {
        match why {
            Dropped::Unknown => self.malformed += 1,
            Dropped::Check | Dropped::Early => self.not_authentic += 1,
            Dropped::Stranger => self.strangers += 1,
            Dropped::Packet(refusal) => self.refused(refusal),
        }
    }
}
