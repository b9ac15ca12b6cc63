//! How a stream is kept private: what our end will agree to, what was agreed, and the attributes
//! that say it (RFC 4568; RFC 5763, 8122, 8839, 8842).

use core::{fmt, net::SocketAddr};

use sdp_types::{Attribute, Media, Session};

use super::{Local, read};
use crate::{
    Formats,
    secure::{
        ice::{self, Credentials},
        sdes::{self, Line, Seed},
        srtp::Keys,
    },
};

/// Priority of our only candidate: a host's, with the highest local preference (RFC 8445 §5.1.2.1).
const CANDIDATE_PRIORITY: u32 = (126 << 24) + (65_535 << 8) + 255;

/// What our end of a stream may agree to. In an answer a private stream goes before one in the
/// clear; an offer has the most private alone, for a description of two is refused by phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The formats of sound, best first. Of an offer the best that it has is taken, whatever the
    /// peer likes best.
    pub formats: Formats,
    /// RTP in the clear.
    pub plain: bool,
    /// Keys in the description, when its signalling is private.
    pub sdes: Option<Seed>,
    /// A handshake with a browser.
    pub dtls: Option<Dtls>,
}

impl Terms {
    /// G.711 in the clear and nothing else.
    pub const PLAIN: Self = Self {
        formats: Formats::G711,
        plain: true,
        sdes: None,
        dtls: None,
    };
}

/// Our end of a browser's leg: ICE-lite, and the server of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dtls {
    /// Ufrag and password of the leg.
    pub ice: Credentials,
    /// Our certificate.
    pub fingerprint: Fingerprint,
}

/// SHA-256 of a certificate (RFC 8122 §5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Reads the value of an `a=fingerprint` attribute. `None` for another hash.
    pub fn parse(value: &str) -> Option<Self> {
        let (hash, digits) = value.trim().split_once(' ')?;
        if !hash.eq_ignore_ascii_case("sha-256") {
            return None;
        }
        let mut octets = digits.trim().split(':').map(|octet| {
            let plain = octet.len() == 2 && octet.bytes().all(|b| b.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(octet, 16).ok()).flatten()
        });
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            *byte = octets.next()??;
        }
        octets.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha-256 ")?;
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How an agreed stream is kept private. Keys are shown nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// In the clear.
    #[default]
    Plain,
    /// Secure RTP under the keys of the descriptions.
    Sdes {
        /// What we send under.
        sending: Keys,
        /// What we receive under.
        receiving: Keys,
    },
    /// Secure RTP under the keys of a handshake, to an address found by ICE: the agreed address
    /// says nothing.
    Dtls {
        /// Our ufrag and password.
        ice: Credentials,
        /// The peer's certificate.
        fingerprint: Fingerprint,
    },
}

impl Security {
    /// Whether strangers on the way hear nothing.
    pub const fn is_private(&self) -> bool {
        !matches!(self, Self::Plain)
    }
}

/// The protection of an m= line under our terms, with the tag of its key. `None` when it is not
/// one of theirs.
pub(super) fn answering(
    terms: &Terms,
    session: &Session,
    media: &Media,
) -> Option<(Security, Option<Line>)> {
    match media.proto.as_str() {
        // Keys beside RTP/AVP are the best effort of some phones: they take an answer without.
        "RTP/AVP" | "RTP/AVPF" => terms.plain.then_some((Security::Plain, None)),
        proto => {
            if let Some(ours) = &terms.dtls
                && let Some(security) = handshake(ours, session, media, true)
            {
                return Some((security, None));
            }
            let seed = terms.sdes.filter(|_| !proto.starts_with("UDP/TLS/"))?;
            let theirs = sdes::choose(read::values(&media.attributes, "crypto"))?;
            let sending = seed.keys(theirs.keys.profile());
            let security = Security::Sdes {
                sending,
                receiving: theirs.keys,
            };
            let answer = Line {
                tag: theirs.tag,
                keys: sending,
            };
            Some((security, Some(answer)))
        }
    }
}

/// The protection that the answer to our offer agreed on.
pub(super) fn accepted(terms: &Terms, session: &Session, media: &Media) -> Option<Security> {
    match (&terms.dtls, &terms.sdes, media.proto.as_str()) {
        (Some(ours), _, proto) if is_browser(proto) => handshake(ours, session, media, false),
        (None, Some(seed), "RTP/SAVP" | "RTP/SAVPF") => {
            let theirs = sdes::choose(read::values(&media.attributes, "crypto"))?;
            let mut offered = seed.offered();
            // The answer names our line by its tag, and is of its suite (RFC 4568 §5.1.3).
            let ours = offered.find(|line| {
                line.tag == theirs.tag && line.keys.profile() == theirs.keys.profile()
            })?;
            Some(Security::Sdes {
                sending: ours.keys,
                receiving: theirs.keys,
            })
        }
        (None, None, "RTP/AVP" | "RTP/AVPF") => Some(Security::Plain),
        _ => None,
    }
}

/// The protection that the answer to our repeated description agreed on. Under keys we go on with
/// our own, whatever tag it has: the peer's offer may have given it.
pub(super) fn accepted_again(
    terms: &Terms,
    before: &Security,
    session: &Session,
    media: &Media,
) -> Option<Security> {
    let Security::Sdes { sending, .. } = *before else {
        return accepted(terms, session, media);
    };
    if !matches!(media.proto.as_str(), "RTP/SAVP" | "RTP/SAVPF") {
        return None;
    }
    let mut lines = read::values(&media.attributes, "crypto").filter_map(Line::parse);
    let theirs = lines.find(|line| line.keys.profile() == sending.profile())?;
    Some(Security::Sdes {
        sending,
        receiving: theirs.keys,
    })
}

/// Profiles of a stream whose keys a handshake makes (RFC 5764 §8, RFC 8842 §5.1).
fn is_browser(proto: &str) -> bool {
    [
        "UDP/TLS/RTP/SAVPF",
        "UDP/TLS/RTP/SAVP",
        "RTP/SAVPF",
        "RTP/SAVP",
    ]
    .contains(&proto)
}

/// What a browser must say: a SHA-256 fingerprint, ICE credentials, one port for RTP and RTCP, and
/// that it begins the handshake, since we only answer one (RFC 5763 §5).
fn handshake(ours: &Dtls, session: &Session, media: &Media, offers: bool) -> Option<Security> {
    let find = |name| {
        read::value(&media.attributes, name).or_else(|| read::value(&session.attributes, name))
    };
    let in_media = read::values(&media.attributes, "fingerprint");
    let in_session = read::values(&session.attributes, "fingerprint");
    let fingerprint = in_media.chain(in_session).find_map(Fingerprint::parse)?;
    let begins = match find("setup").unwrap_or("active") {
        "active" => true,
        "actpass" => offers,
        _ => false,
    };
    let named = ice::is_ice_text(find("ice-ufrag")?, 4) && ice::is_ice_text(find("ice-pwd")?, 22);
    let usable = begins && named && read::has(&media.attributes, "rtcp-mux");
    usable.then_some(Security::Dtls {
        ice: ours.ice,
        fingerprint,
    })
}

/// What an m= line of ours says of its protection, and the session of its bundle.
#[derive(Default)]
pub(super) struct Words {
    pub(super) session: Vec<Attribute>,
    pub(super) media: Vec<Attribute>,
}

impl Words {
    /// Of an SDES stream.
    pub(super) fn keys(lines: impl IntoIterator<Item = Line>) -> Self {
        let line = |line: Line| Attribute::with_value("crypto", line.compose());
        Self {
            session: Vec::new(),
            media: lines.into_iter().map(line).collect(),
        }
    }

    /// Of a browser's stream: `mid` names it, and is bundled (RFC 9143) when the peer bundles.
    pub(super) fn handshake(
        ours: &Dtls,
        local: &Local,
        setup: &str,
        mid: Option<&str>,
        bundled: bool,
    ) -> Self {
        let mut words = Self::default();
        words.session.push(Attribute::new("ice-lite"));
        let mut say = |name: &str, value: String| {
            words.media.push(Attribute::with_value(name, value));
        };
        if let Some(mid) = mid {
            say("mid", mid.to_owned());
        }
        say("ice-ufrag", ours.ice.ufrag.as_str().to_owned());
        say("ice-pwd", ours.ice.password().to_owned());
        let Local { address, port, .. } = local;
        say(
            "candidate",
            format!("1 1 udp {CANDIDATE_PRIORITY} {address} {port} typ host"),
        );
        say("fingerprint", ours.fingerprint.to_string());
        say("setup", setup.to_owned());
        words.media.push(Attribute::new("end-of-candidates"));
        if let Some(mid) = mid.filter(|_| bundled) {
            let group = Attribute::with_value("group", format!("BUNDLE {mid}"));
            words.session.push(group);
        }
        words
    }

    /// Of the answer to a browser.
    pub(super) fn answering(ours: &Dtls, local: &Local, session: &Session, media: &Media) -> Self {
        let mid = read::value(&media.attributes, "mid");
        let bundled = read::values(&session.attributes, "group").any(|group| {
            let mut words = group.split_ascii_whitespace();
            words.next() == Some("BUNDLE") && words.any(|word| Some(word) == mid)
        });
        Self::handshake(ours, local, "passive", mid, bundled)
    }
}

/// Where nobody is: what stands for the address of a leg whose address ICE finds.
pub(super) fn unknown_address(local: &Local) -> SocketAddr {
    SocketAddr::new(super::compose::unspecified_like(local.address), 9)
}
