//! Whether a peer's sound is private: what is configured, what its signalling allows, and the terms
//! that follow for its session descriptions.

use hotline_media::{
    sdp::{Dtls, Fingerprint, Terms},
    secure::{
        ice::{self, Credentials},
        sdes::{SEED_BYTES, Seed},
    },
};
use hotline_sip::path::Path;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// Secure RTP with a phone or a trunk, by keys in the session description (RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Srtp {
    /// Never.
    Off,
    /// Where the peer offers it. What we offer is in the clear.
    #[default]
    Optional,
    /// Always: we offer nothing else, and an offer in the clear is refused (488).
    Required,
}

/// Random bytes for keys. Of a generator of their own: what others draw is seen by everybody.
pub struct Secrets(ChaCha20Rng);

impl Secrets {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// The terms of a new leg whose signalling goes by `path`. Keys go only where nobody on the way
    /// reads them: who must have secure RTP and is not there gets no sound at all.
    pub(crate) fn terms(&mut self, srtp: Srtp, path: &Path) -> Terms {
        let unread = path.transport.is_secure() && srtp != Srtp::Off;
        let mut terms = Terms {
            plain: srtp != Srtp::Required,
            ..Terms::PLAIN
        };
        if unread {
            let mut bytes = [0; SEED_BYTES];
            self.0.fill_bytes(&mut bytes);
            terms.sdes = Some(Seed(bytes));
        }
        terms
    }

    /// The terms of a new leg of a browser, which knows sound under a handshake alone.
    pub(crate) fn browser_terms(&mut self, fingerprint: Fingerprint) -> Terms {
        let mut bytes = [0; ice::SEED_BYTES];
        self.0.fill_bytes(&mut bytes);
        Terms {
            plain: false,
            dtls: Some(Dtls {
                ice: Credentials::random(&bytes),
                fingerprint,
            }),
            ..Terms::PLAIN
        }
    }
}
