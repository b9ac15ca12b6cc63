//! Which IP version a description speaks of, at a glance: a leg's port is bound before its offer is
//! read in full.

/// An IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The version of an address.
    pub const fn of(address: &core::net::IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

/// The IP version at which the peer of an offer listens: of the c= line of its first audio stream
/// that is not refused, else of its session (RFC 8866 §5.7). `None` where none is to be seen, and
/// for the address that is nowhere, which fits both (the hold of RFC 2543). Only a hint: the offer
/// may still be unusable. Allocates nothing.
pub fn family(offer: &[u8]) -> Option<Family> {
    let mut of_session = None;
    let mut in_stream = None;
    let lines = offer.split(|byte| matches!(byte, b'\r' | b'\n'));
    for line in lines.map(<[u8]>::trim_ascii) {
        if line.starts_with(b"m=") {
            if in_stream == Some(true) {
                break;
            }
            in_stream = Some(is_open_audio(line));
        } else if line.starts_with(b"c=") {
            match in_stream {
                None => of_session = connection(line),
                Some(true) => return connection(line),
                Some(false) => {}
            }
        }
    }
    of_session
}

fn is_open_audio(line: &[u8]) -> bool {
    let words = line.get(2..).unwrap_or_default();
    let mut words = words.split(u8::is_ascii_whitespace);
    let mut words = words.by_ref().filter(|word| !word.is_empty());
    let audio = words
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(b"audio"));
    audio && words.next() != Some(b"0")
}

fn connection(line: &[u8]) -> Option<Family> {
    let mut words = line.split(u8::is_ascii_whitespace);
    let address = words.rfind(|word| !word.is_empty())?;
    let address: core::net::IpAddr = core::str::from_utf8(address).ok()?.parse().ok()?;
    (!address.is_unspecified()).then(|| Family::of(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_an_offer_is_that_of_its_first_audio_stream() {
        const V4: &str = "c=IN IP4 192.0.2.1";
        const V6: &str = "c=IN IP6 2001:db8::1";
        let cases: [(&[&str], Option<Family>); 9] = [
            (&[V4, "m=audio 4000 RTP/AVP 8"], Some(Family::V4)),
            (&[V6, "m=audio 4000 RTP/AVP 8"], Some(Family::V6)),
            (&[V4, "m=audio 4000 RTP/AVP 8", V6], Some(Family::V6)),
            (
                &[V6, "m=video 4000 RTP/AVP 96", V4, "m=audio 4 RTP/AVP 8"],
                Some(Family::V6),
            ),
            (
                &[V4, "m=audio 0 RTP/AVP 8", V4, "m=audio 4 RTP/AVP 8", V6],
                Some(Family::V6),
            ),
            (
                &["c=  IN  IP6  ::1 ", "m=audio 4000 RTP/AVP 8"],
                Some(Family::V6),
            ),
            (&["c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 8"], None),
            (&["c=IN IP4 host.example", "m=audio 4000 RTP/AVP 8"], None),
            (&["m=audio 4000 RTP/AVP 8"], None),
        ];
        for (lines, expected) in cases {
            assert_eq!(family(lines.join("\r\n").as_bytes()), expected, "{lines:?}");
            assert_eq!(family(lines.join("\n").as_bytes()), expected, "{lines:?}");
        }
        assert_eq!(family(b""), None);
        assert_eq!(family(&[0xff; 100]), None);
    }
}
