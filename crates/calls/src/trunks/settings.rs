//! What is configured of a trunk: whom it is known by, what it may carry, and where it leads to.

use core::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use hotline_model::{TrunkId, limits::TRUNK_INVITES_PER_S};
pub use hotline_sip::{digest::Ha1, endpoint::Credentials};
use hotline_sip::{
    message::Uri,
    path::{Path, Transport},
};

use super::numbers::NumberRule;
use crate::privacy::Srtp;

/// A carrier's line, known by the addresses its requests come from.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Its name in the configuration.
    pub id: TrunkId,
    /// Source addresses (any port).
    pub addresses: Vec<AddressRange>,
    /// Whether its P-Asserted-Identity, Remote-Party-ID and P-Called-Party-ID are believed
    /// (RFC 3325 §3: within a trust domain only).
    pub trust_identity: bool,
    /// How its numbers are brought into one form, in order.
    pub numbers: Vec<NumberRule>,
    /// Most live calls, both ways together; `None`: no limit but the engine's.
    pub calls_limit: Option<u32>,
    /// New calls it may bring a second; more are answered 503.
    pub calls_per_s: u32,
    /// Its INVITEs must prove this login by digest beside their address.
    pub digest_in: Option<DigestIn>,
    /// Whether its sound is private.
    pub srtp: Srtp,
    /// The way out.
    pub outbound: Outbound,
}

/// What a trunk's INVITEs must prove.
#[derive(Clone)]
pub struct DigestIn {
    /// User name.
    pub user: String,
    /// The secret, as digest.
    pub ha1: Ha1,
}

impl fmt::Debug for DigestIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestIn")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// How calls leave by a trunk. The default leads nowhere and allows nothing.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Where INVITEs go, the first that is up first.
    pub targets: Vec<Target>,
    /// Trunks of the lowest number are tried first.
    pub priority: u16,
    /// Share among trunks of one priority; 0 counts as 1.
    pub weight: u32,
    /// The number we present.
    pub caller_id: String,
    /// What may be dialled: beginnings of numbers. Empty allows nothing.
    pub prefixes: Vec<String>,
    /// For a carrier that challenges us.
    pub login: Option<Credentials>,
    /// A registration to keep.
    pub register: Option<Register>,
    /// How often each target is asked by OPTIONS; `None`: never.
    pub options_every: Option<Duration>,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            priority: 0,
            weight: 1,
            caller_id: String::new(),
            prefixes: Vec::new(),
            login: None,
            register: None,
            options_every: None,
        }
    }
}

/// A registration at a carrier (RFC 3261 §10).
#[derive(Clone, Debug)]
pub struct Register {
    /// The registrar.
    pub target: Target,
    /// The address of record's user part; the carrier sends calls to it.
    pub user: String,
    /// The address of record's host; the registrar's address where the carrier wants no name.
    pub domain: String,
    /// Lifetime asked for.
    pub every: Duration,
}

/// One of a trunk's peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The way to it; any connection.
    pub path: Path,
}

/// A text that names no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTarget {
    /// It is no `sip:` URI of a host alone.
    Uri,
    /// Its host is a name.
    Name,
    /// Its transport is none to call by.
    Transport,
    /// It is of another family than our own address.
    Family,
}

impl fmt::Display for BadTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uri => "is not sip:ADDRESS:PORT;transport=udp|tcp|tls",
            Self::Name => "has a host name, and names are not resolved: write the IP address",
            Self::Transport => "has a transport other than udp, tcp and tls",
            Self::Family => "is IPv4 where we have an IPv6 address, or the other way round",
        })
    }
}

impl core::error::Error for BadTarget {}

impl Target {
    /// Reads `sip:ADDRESS:PORT;transport=udp`. Without a port it is 5060, 5061 for TLS (RFC 3261
    /// §19.1.2); without a transport UDP. `local` is our address for it.
    ///
    /// # Errors
    /// [`BadTarget`].
    pub fn parse(text: &str, local: impl Fn(Transport) -> SocketAddr) -> Result<Self, BadTarget> {
        let uri = Uri::parse(text.as_bytes()).filter(Uri::is_sip);
        let uri = uri.filter(|uri| uri.user.is_none() && uri.headers.is_empty());
        let uri = uri.ok_or(BadTarget::Uri)?;
        let host = uri.host.ip().ok_or(BadTarget::Name)?;
        let transport = match uri.transport() {
            None => Transport::Udp,
            Some(name) => [Transport::Udp, Transport::Tcp, Transport::Tls]
                .into_iter()
                .find(|known| name.eq_ignore_ascii_case(known.uri_name().as_bytes()))
                .ok_or(BadTarget::Transport)?,
        };
        let usual = if transport == Transport::Tls {
            5061
        } else {
            5060
        };
        let remote = SocketAddr::new(host, uri.port.unwrap_or(usual));
        let local = local(transport);
        if local.is_ipv4() != remote.is_ipv4() {
            return Err(BadTarget::Family);
        }
        let path = match transport {
            Transport::Udp => Path::udp(local, remote),
            other => Path::stream(other, local, remote, 0),
        };
        Ok(Self { path })
    }

    /// The Request-URI of `user` at this peer.
    pub fn uri(&self, user: &str) -> String {
        let (remote, transport) = (self.path.remote, self.path.transport);
        let at = if user.is_empty() { "" } else { "@" };
        match transport {
            Transport::Udp => format!("sip:{user}{at}{remote}"),
            _ => format!("sip:{user}{at}{remote};transport={}", transport.uri_name()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl Trunk {
    /// A trunk that only brings calls, believed and unlimited.
    pub fn inbound(id: TrunkId, addresses: impl IntoIterator<Item = AddressRange>) -> Self {
        Self {
            id,
            addresses: addresses.into_iter().collect(),
            trust_identity: true,
            numbers: NumberRule::usual(),
            calls_limit: None,
            calls_per_s: TRUNK_INVITES_PER_S,
            digest_in: None,
            srtp: Srtp::default(),
            outbound: Outbound::default(),
        }
    }
}

/// An address, or all that begin alike (CIDR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: u128,
    bits: u8,
    v4: bool,
}

/// A text that is neither an address nor a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRange {
    /// The address cannot be read.
    Address,
    /// The length is no number up to 32 (IPv4) or 128 (IPv6).
    Length,
    /// Bits behind the length are set, so that the text means less than it seems to.
    HostBits,
}

impl fmt::Display for BadRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "is no IP address",
            Self::Length => "has a length that is not 0 to 32 (IPv4) or 0 to 128 (IPv6)",
            Self::HostBits => "has bits set behind its length",
        })
    }
}

impl core::error::Error for BadRange {}

/// An address as a number, as long as the widest: IPv4 in the upper bits.
fn number(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

fn mask(bits: u8) -> u128 {
    u128::MAX
        .checked_shl(128_u32.saturating_sub(u32::from(bits)))
        .unwrap_or(0)
}

impl AddressRange {
    /// Whether the address is among them. An IPv4 address in IPv6 clothes is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (number, v4) = number(address);
        v4 == self.v4 && number & mask(self.bits) == self.first
    }

    /// Whether an address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let narrower = mask(self.bits.min(other.bits));
        self.v4 == other.v4 && self.first & narrower == other.first & narrower
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        let (first, v4) = number(address);
        let bits = if v4 { 32 } else { 128 };
        Self { first, bits, v4 }
    }
}

impl FromStr for AddressRange {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let whole = Self::from(address.parse::<IpAddr>().map_err(|_| BadRange::Address)?);
        let Some(length) = length else {
            return Ok(whole);
        };
        let bits: u8 = length.parse().map_err(|_| BadRange::Length)?;
        if bits > whole.bits {
            return Err(BadRange::Length);
        }
        if whole.first & !mask(bits) != 0 {
            return Err(BadRange::HostBits);
        }
        Ok(Self { bits, ..whole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(range: &str, address: &str) -> bool {
        let range: AddressRange = range.parse().unwrap();
        range.contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_has_its_addresses_and_no_other() {
        assert!(has("10.1.0.0/16", "10.1.255.255") && !has("10.1.0.0/16", "10.2.0.0"));
        assert!(has("10.1.0.0/16", "::ffff:10.1.2.3"), "IPv4 in IPv6");
        assert!(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.2"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "2001:db8::1"));
        assert!(has("2001:db8::/32", "2001:db8:1::1") && !has("2001:db8::/32", "2001:db9::1"));
        assert!(has("::/0", "2001:db8::1") && !has("::/0", "10.0.0.1"));
        assert!(has("::1", "::1") && !has("::1", "::2"));
    }

    #[test]
    fn ranges_overlap_where_one_is_in_the_other() {
        let overlap = |a: &str, b: &str| {
            let [a, b]: [AddressRange; 2] = [a, b].map(|text| text.parse().unwrap());
            assert_eq!(a.overlaps(&b), b.overlaps(&a));
            a.overlaps(&b)
        };
        assert!(overlap("10.1.0.0/16", "10.1.2.0/24") && overlap("10.1.0.0/16", "10.1.0.1"));
        assert!(!overlap("10.1.0.0/16", "10.2.0.0/16") && !overlap("0.0.0.0/0", "::/0"));
        assert!(overlap("::/0", "2001:db8::/32") && !overlap("2001:db8::1", "2001:db8::2"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let parse = |text: &str| text.parse::<AddressRange>();
        assert_eq!(parse("carrier.example"), Err(BadRange::Address));
        assert_eq!(parse("10.1.0.0/33"), Err(BadRange::Length));
        assert_eq!(parse("10.1.0.0/x"), Err(BadRange::Length));
        assert_eq!(parse("10.1.0.7/16"), Err(BadRange::HostBits));
    }

    #[test]
    fn a_target_is_read_from_a_uri() {
        let parse = |text: &str| {
            let local = |_: Transport| "10.0.0.1:5060".parse().unwrap();
            Target::parse(text, local).map(|target| target.to_string())
        };
        assert_eq!(parse("sip:10.0.0.2").unwrap(), "UDP 10.0.0.2:5060");
        let tcp = parse("sip:10.0.0.2:5080;transport=TCP");
        assert_eq!(tcp.unwrap(), "TCP 10.0.0.2:5080");
        let tls = parse("sip:10.0.0.2;transport=tls");
        assert_eq!(tls.unwrap(), "TLS 10.0.0.2:5061");
        assert_eq!(parse("sip:carrier.example"), Err(BadTarget::Name));
        assert_eq!(
            parse("sip:10.0.0.2;transport=ws"),
            Err(BadTarget::Transport)
        );
        assert_eq!(parse("sip:[2001:db8::1]"), Err(BadTarget::Family));
        for text in [
            "10.0.0.2",
            "tel:12345",
            "sip:0635@10.0.0.2",
            "sip:10.0.0.2?a=b",
            "",
        ] {
            assert_eq!(parse(text), Err(BadTarget::Uri), "{text}");
        }
    }

    #[test]
    fn a_target_is_written_as_a_uri() {
        let at = |text: &str| text.parse().unwrap();
        let udp = Target {
            path: Path::udp(at("10.0.0.1:5060"), at("10.0.0.2:5080")),
        };
        assert_eq!(udp.uri("0635110"), "sip:0635110@10.0.0.2:5080");
        let tcp = Target {
            path: Path::tcp(at("[::1]:5060"), at("[2001:db8::2]:5060"), 0),
        };
        assert_eq!(tcp.uri(""), "sip:[2001:db8::2]:5060;transport=tcp");
        assert_eq!(tcp.to_string(), "TCP [2001:db8::2]:5060");
    }
}
