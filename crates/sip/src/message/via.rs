//! One Via value: transport, sent-by, branch and where the message really came from.

use core::net::IpAddr;

use super::{
    params::Params,
    text::{Cursor, is_lws},
    uri::{Host, parse_port},
};

/// The start of every branch made by RFC 3261's rules (§8.1.1.7).
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// One Via value (RFC 3261 §20.42).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Via<'a> {
    /// The value as written; it may contain folds.
    pub raw: &'a [u8],
    /// Transport: `UDP`, `TCP`, … or one nobody knows (RFC 4475 §3.1.1.10).
    pub transport: &'a [u8],
    /// The host the sender gave for itself.
    pub host: Host<'a>,
    /// Its port, where one is written.
    pub port: Option<u16>,
    /// Parameters.
    pub params: Params<'a>,
    branch: Option<&'a [u8]>,
}

/// The `rport` parameter (RFC 3581).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rport {
    /// The client asks for the port it is seen from (§3).
    Asked,
    /// The port a server filled in (§4).
    Port(u16),
}

impl<'a> Via<'a> {
    /// Splits one value. White space and folds may stand around each part (RFC 4475 §3.1.1.1).
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(value);
        cursor.skip_lws();
        let raw = cursor.rest;
        cursor.token()?.eq_ignore_ascii_case(b"SIP").then_some(())?;
        // The version is the start line's business: a message that lies here is answered by that.
        cursor.eat_spaced(b'/').then_some(())?;
        cursor.token()?;
        cursor.eat_spaced(b'/').then_some(())?;
        let transport = cursor.token()?;
        let before = cursor.rest.len();
        cursor.skip_lws();
        if cursor.rest.len() == before {
            return None;
        }
        let host = if cursor.rest.starts_with(b"[") {
            let (host, rest) = cursor
                .rest
                .split_at_checked(memchr::memchr(b']', cursor.rest)? + 1)?;
            cursor.rest = rest;
            host
        } else {
            cursor.take_while(|byte| !is_lws(byte) && !matches!(byte, b':' | b';'))
        };
        let port = if cursor.eat_spaced(b':') {
            Some(parse_port(cursor.take_while(|byte| byte.is_ascii_digit()))?)
        } else {
            None
        };
        cursor.skip_lws();
        let (params, branch) = Params::parse_noting(cursor.rest, "branch")?;
        Some(Self {
            raw,
            transport,
            host: Host::parse(host)?,
            port,
            params,
            branch,
        })
    }

    /// A value of which nothing is known, to stand until the real one is read.
    pub(super) const fn none() -> Self {
        Self {
            raw: b"",
            transport: b"",
            host: Host { raw: b"" },
            port: None,
            params: Params::none(),
            branch: None,
        }
    }

    /// The `branch` parameter; absent in RFC 2543 messages.
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.branch.filter(|branch| !branch.is_empty())
    }

    /// Whether the branch alone names the transaction (RFC 3261 §17.2.3). The bare cookie names
    /// nothing (RFC 4475 §3.2.1); such a message is matched by the rules of RFC 2543.
    pub fn has_rfc3261_branch(&self) -> bool {
        self.branch().is_some_and(|branch| {
            branch.len() > MAGIC_COOKIE.len()
                && branch
                    .get(..MAGIC_COOKIE.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
        })
    }

    /// The `rport` parameter (RFC 3581).
    pub fn rport(&self) -> Option<Rport> {
        match self.params.get("rport")? {
            b"" => Some(Rport::Asked),
            digits => parse_port(digits).map(Rport::Port),
        }
    }

    /// The `received` parameter, an IPv6 address with or without brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let raw = self.params.get("received")?;
        Host { raw }.ip()
    }

    /// The `maddr` parameter (RFC 3261 §18.1.1).
    pub fn maddr(&self) -> Option<Host<'a>> {
        Host::parse(self.params.get("maddr")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(text: &str) -> Via<'_> {
        Via::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_parts_may_be_spaced_and_folded() {
        let via = via("SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5061 ;branch=390skdjuw");
        assert_eq!(via.transport, b"UDP");
        assert_eq!(via.host.ip(), Some("192.0.2.2".parse().unwrap()));
        assert_eq!(via.port, Some(5061));
        assert_eq!(via.branch(), Some(&b"390skdjuw"[..]));
        assert!(!via.has_rfc3261_branch());
    }

    #[test]
    fn an_ipv6_sender_is_understood() {
        let plain =
            via("SIP/2.0/UDP [2001:db8::9:1]:6050;received=2001:db8::9:255;branch=z9hG4bKas3");
        assert_eq!(plain.host.ip(), Some("2001:db8::9:1".parse().unwrap()));
        assert_eq!(plain.port, Some(6050));
        assert_eq!(plain.received(), Some("2001:db8::9:255".parse().unwrap()));
        assert!(plain.has_rfc3261_branch());
        let bracketed = via("SIP/2.0/UDP [::1];received=[2001:db8::9:255]");
        assert_eq!(bracketed.received(), plain.received());
    }

    #[test]
    fn a_cookie_without_more_names_no_transaction() {
        assert!(!via("SIP/2.0/UDP h;branch=z9hG4bK").has_rfc3261_branch());
        assert!(via("SIP/2.0/UDP h;branch=z9hG4bK1").has_rfc3261_branch());
        assert!(via("SIP/2.0/UNKNOWN h").branch().is_none());
    }

    #[test]
    fn rport_is_asked_for_or_given() {
        assert_eq!(via("SIP/2.0/UDP h;rport").rport(), Some(Rport::Asked));
        assert_eq!(
            via("SIP/2.0/UDP h;rport=5062").rport(),
            Some(Rport::Port(5062))
        );
        assert_eq!(via("SIP/2.0/UDP h;rport=x").rport(), None);
        assert_eq!(via("SIP/2.0/UDP h").rport(), None);
    }

    #[test]
    fn malformed_values_are_refused() {
        for bad in [
            "SIP/2.0/UDP 192.0.2.15;;",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDP ;branch=1",
            "SIP/2.0 h",
            "HTTP/1.1/TCP h",
            "SIP/2.0/UDP h:port",
            "SIP/2.0/UDP h:70000",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP h x",
            "",
        ] {
            assert_eq!(Via::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
