//! The key handshake with a browser: DTLS 1.2 as server (RFC 6347), the peer known by the
//! fingerprint of its certificate (RFC 5763, RFC 8122), keys for secure RTP out of it (RFC 5764).
//!
//! `rtc-dtls` does the handshake. Before it sees a datagram, the records are looked over, for it
//! is trusting: it keeps what it is sent without bound and joins pieces by recursion. Two things of
//! this core are not passed in, since the library takes them itself: the random bytes of the
//! handshake and of the certificate.

use core::{fmt, net::SocketAddr, time::Duration};
// The library counts in the standard instant. Its origin is passed in, and it is never read.
use std::{collections::VecDeque, sync::Arc, time};

use bytes::BytesMut;
use hotline_model::{
    Instant,
    limits::{DTLS_AGAIN_MS, DTLS_DATAGRAM_BYTES, DTLS_HANDSHAKE_S, DTLS_RECORDS},
};
use rtc_dtls::{
    cipher_suite::CipherSuiteId,
    config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig},
    crypto::Certificate,
    crypto_provider::{RTCCryptoProvider, default_provider},
    endpoint::{Endpoint, EndpointEvent},
    extension::extension_use_srtp::SrtpProtectionProfile,
};
use rtc_shared::TransportProtocol;
use sha2::{Digest as _, Sha256};

use super::{
    records,
    srtp::{KEY_BYTES, Keys, Profile},
};
use crate::sdp::Fingerprint;

/// What the exported keys are called (RFC 5764 §4.2).
const EXPORT_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// How often a flight is repeated without the library's timer.
const FLIGHT_REPEATS: u32 = 7;

/// Both ends' name inside the library: a leg has one handshake, wherever its peer moves.
const PEER: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 9);

/// Our certificate: self-signed, ECDSA P-256, made once a start.
#[derive(Clone)]
pub struct Identity {
    certificate: Certificate,
    provider: Arc<dyn RTCCryptoProvider>,
    fingerprint: Fingerprint,
    origin: time::Instant,
}

impl Identity {
    /// A new certificate. `origin` is any standard instant, the same for the life of the engine.
    ///
    /// # Errors
    /// What the library says, when there is no randomness.
    pub fn generate(origin: time::Instant) -> Result<Self, String> {
        let provider = default_provider().map_err(|error| error.to_string())?;
        let names = vec!["hotline".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto())
            .map_err(|error| error.to_string())?;
        let der = certificate.certificate.first().ok_or("no certificate")?;
        Ok(Self {
            fingerprint: fingerprint(der),
            certificate,
            provider,
            origin,
        })
    }

    /// What our description says of the certificate.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    fn config(&self, peer: Fingerprint) -> Option<HandshakeConfig> {
        ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&self.provider))
            .with_certificates(vec![self.certificate.clone()])
            .with_cipher_suites(vec![
                CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
                CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256,
            ])
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_flight_interval(Duration::from_millis(DTLS_AGAIN_MS))
            .with_verify_peer_certificate(Some(Arc::new(move |chain, _| {
                if is_of(chain, peer) {
                    return Ok(());
                }
                let why = "the certificate is not the described one".to_owned();
                Err(rtc_shared::error::Error::Other(why))
            })))
            .build(false, None)
            .ok()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint)
    }
}

fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint(Sha256::digest(der).into())
}

fn is_of(chain: &[Vec<u8>], peer: Fingerprint) -> bool {
    chain.first().is_some_and(|der| fingerprint(der) == peer)
}

/// How far a handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    Pending,
    /// The keys are agreed.
    Agreed {
        /// What we send under.
        sending: Keys,
        /// What we receive under.
        receiving: Keys,
    },
    /// The peer said goodbye after the keys were agreed.
    Closed,
    /// There will be no keys.
    Failed(Failure),
}

/// Why a handshake came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The peer's certificate is not that of its description, it has none, or we cannot agree on a
    /// cipher or a profile; or it gave up.
    Refused,
    /// It took longer than [`DTLS_HANDSHAKE_S`], or the peer fell silent.
    TimedOut,
}

/// One leg's handshake. It is begun when a check has shown that the peer is where it says, never
/// by a datagram of a stranger.
pub struct Handshake {
    endpoint: Endpoint,
    config: Arc<HandshakeConfig>,
    /// What was sent last and when it is sent again: the library forgets its timer when the peer
    /// repeats itself.
    flight: Vec<BytesMut>,
    again: Option<(Instant, u32)>,
    outbox: VecDeque<BytesMut>,
    /// Number of the last hello: 0 before the peer has shown our cookie, 1 with it.
    hello: Option<u16>,
    origin: time::Instant,
    peer: Fingerprint,
    records: u32,
    until: Instant,
    progress: Progress,
}

impl Handshake {
    /// Waits for the peer's first message. `None` when the library refuses our own certificate.
    pub fn new(now: Instant, identity: &Identity, peer: Fingerprint) -> Option<Self> {
        let config = Arc::new(identity.config(peer)?);
        Some(Self {
            endpoint: Endpoint::new(PEER, TransportProtocol::UDP, Some(Arc::clone(&config))),
            config,
            flight: Vec::new(),
            again: None,
            outbox: VecDeque::new(),
            hello: None,
            origin: identity.origin,
            peer,
            records: DTLS_RECORDS,
            until: now + Duration::from_secs(DTLS_HANDSHAKE_S),
            progress: Progress::Pending,
        })
    }

    /// How far it is.
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// Takes a datagram of the peer. What is no DTLS, or more than [`DTLS_RECORDS`], is dropped.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        if matches!(self.progress, Progress::Closed | Progress::Failed(_))
            || datagram.len() > DTLS_DATAGRAM_BYTES
        {
            return;
        }
        let Some(left) = records::count(datagram).and_then(|n| self.records.checked_sub(n)) else {
            return;
        };
        self.records = left;
        self.hear_hello(datagram);
        let at = self.origin + now.since_start();
        let read = self.endpoint.read(at, PEER, None, BytesMut::from(datagram));
        match read {
            Ok(events) => events.iter().for_each(|event| self.happened(event)),
            // After the keys, nothing that the library minds ends the talk.
            Err(_) if self.progress == Progress::Pending => {
                self.progress = Progress::Failed(Failure::Refused);
            }
            Err(_) => {}
        }
        self.collect(now);
    }

    /// Takes what the library wants sent; it is the flight to be repeated from now on.
    fn collect(&mut self, now: Instant) {
        let sent = || Some(self.endpoint.poll_transmit()?.message);
        let sent: Vec<BytesMut> = core::iter::from_fn(sent).collect();
        if !sent.is_empty() {
            self.outbox.extend(sent.iter().cloned());
            self.flight = sent;
            self.again = Some((now + Duration::from_millis(DTLS_AGAIN_MS), FLIGHT_REPEATS));
        }
    }

    /// Repeats the flight when the library has no timer for it. The same records will do: those
    /// that arrived before are dropped as replays, and those that did not are new.
    fn repeat(&mut self, now: Instant) {
        // The cookie is not repeated unasked: its answer is to the client (RFC 6347 §4.2.4).
        if self.hello == Some(0) || self.endpoint.poll_timeout(&PEER).is_some() {
            return;
        }
        if let Some((at, left)) = self.again
            && now >= at
        {
            self.outbox.extend(self.flight.iter().cloned());
            let next = now + Duration::from_millis(DTLS_AGAIN_MS);
            self.again = left.checked_sub(1).map(|left| (next, left));
        }
    }

    /// When our cookie is lost, the peer says its first hello again, which the library takes for
    /// old: it begins anew (RFC 6347 §4.2.4 has nobody remember who was sent a cookie).
    fn hear_hello(&mut self, datagram: &[u8]) {
        let Some(number) = records::hello(datagram) else {
            return;
        };
        if number == 0 && self.hello == Some(0) {
            let config = Some(Arc::clone(&self.config));
            self.endpoint = Endpoint::new(PEER, TransportProtocol::UDP, config);
        }
        self.hello = self.hello.max(Some(number));
    }

    fn happened(&mut self, event: &EndpointEvent) {
        match event {
            EndpointEvent::HandshakeComplete => {
                self.progress = self
                    .exported()
                    .unwrap_or(Progress::Failed(Failure::Refused));
            }
            EndpointEvent::PeerClosed => {
                self.progress = match self.progress {
                    Progress::Pending => Progress::Failed(Failure::Refused),
                    _ => Progress::Closed,
                };
            }
            _ => {}
        }
    }

    /// The keys (RFC 5764 §4.2): client's and server's key, then client's and server's salt. The
    /// certificate is looked at once more: a library that forgot to ask must not open the door.
    fn exported(&self) -> Option<Progress> {
        let state = self.endpoint.get_connection_state(PEER)?;
        if !is_of(&state.peer_certificates, self.peer) {
            return None;
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Profile::AeadAes128Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Profile::AesCm128HmacSha1_80,
            _ => return None,
        };
        let length = 2 * (KEY_BYTES + profile.salt_bytes());
        let secret = state
            .export_keying_material(EXPORT_LABEL, &[], length)
            .ok()?;
        let secret = secret.into_bytes();
        let (keys, salts) = secret.split_at_checked(2 * KEY_BYTES)?;
        let (client_key, server_key) = keys.split_at_checked(KEY_BYTES)?;
        let (client_salt, server_salt) = salts.split_at_checked(profile.salt_bytes())?;
        Some(Progress::Agreed {
            sending: Keys::of(profile, server_key, server_salt)?,
            receiving: Keys::of(profile, client_key, client_salt)?,
        })
    }

    /// The next datagram for the peer.
    pub fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.outbox.pop_front()
    }

    /// When [`Handshake::handle_timeout`] is due.
    pub fn next_wake(&self) -> Option<Instant> {
        if self.progress != Progress::Pending {
            return None;
        }
        let again = self
            .endpoint
            .poll_timeout(&PEER)
            .map(|at| Instant::from_start(at.saturating_duration_since(self.origin)));
        let ours = self
            .again
            .filter(|_| self.hello != Some(0))
            .map(|(at, _)| at);
        let again = again.or(ours);
        Some(again.map_or(self.until, |again| again.min(self.until)))
    }

    /// Sends again what was not answered, and gives up in the end.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.progress != Progress::Pending {
            return;
        }
        let at = self.origin + now.since_start();
        let known = self.endpoint.get_connection_state(PEER).is_some();
        let failed = known && self.endpoint.handle_timeout(PEER, at).is_err();
        if failed || now >= self.until {
            self.progress = Progress::Failed(Failure::TimedOut);
            return;
        }
        self.collect(now);
        self.repeat(now);
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handshake({:?})", self.progress)
    }
}

#[cfg(test)]
#[path = "dtls_tests.rs"]
pub(crate) mod tests;
