//! A first look at a message, before it is worth being parsed: what must be served in any case, and
//! what begins something new.

/// What a message is, as far as a glance tells. A wrong glance costs nothing but a place in the
/// order of service: whatever is served is parsed and checked afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Glance {
    /// A response, an ACK, a CANCEL, or a request within a dialog: it ends or goes on with what is
    /// already under way.
    Ongoing,
    /// An INVITE for a new dialog.
    NewInvite,
    /// Another request outside any dialog: REGISTER, OPTIONS, …
    NewOther,
    /// An ACK of an answer that was given without state: nobody waits for it.
    Nothing,
}

/// What the To tags of answers without state begin with, so that the ACKs of refused INVITEs are
/// known at a glance. The tags of dialogs are hexadecimal numbers and never begin so.
pub const STATELESS_TAG: &str = "n-";

/// How far a glance goes for the To header, bytes. Real ones stand within the first thousand.
const GLANCE_BYTES: usize = 4_096;

/// Looks at a message.
pub fn glance(bytes: &[u8]) -> Glance {
    let method = bytes.split(|&b| b == b' ').next().unwrap_or_default();
    match method {
        b"INVITE" if to_tag(bytes).is_none() => Glance::NewInvite,
        b"REGISTER" => Glance::NewOther,
        b"ACK" if to_tag(bytes).is_some_and(|tag| tag.starts_with(STATELESS_TAG.as_bytes())) => {
            Glance::Nothing
        }
        b"OPTIONS" | b"SUBSCRIBE" | b"MESSAGE" | b"PUBLISH" | b"REFER" | b"NOTIFY" | b"INFO"
            if to_tag(bytes).is_none() =>
        {
            Glance::NewOther
        }
        _ => Glance::Ongoing,
    }
}

/// The tag of the first To, which only an answer of ours gives (RFC 3261 §19.3).
fn to_tag(bytes: &[u8]) -> Option<&[u8]> {
    let value = bytes
        .get(..GLANCE_BYTES.min(bytes.len()))
        .unwrap_or_default()
        .split(|&b| b == b'\n')
        .skip(1)
        .take_while(|line| !matches!(line, [] | [b'\r']))
        .find_map(to_value)?;
    // After the address, since a user part may hold anything.
    let params = value.rsplit(|&b| b == b'>').next().unwrap_or_default();
    params.split(|&b| b == b';').skip(1).find_map(|param| {
        let (name, value) = param.trim_ascii_start().split_at_checked(3)?;
        let value = value.trim_ascii();
        is_tag(name).then(|| value.strip_prefix(b"=").unwrap_or_default().trim_ascii())
    })
}

const fn is_tag(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"tag")
}

fn to_value(line: &[u8]) -> Option<&[u8]> {
    let at = line.iter().position(|&b| b == b':')?;
    let (name, value) = line.split_at(at);
    let name = name.trim_ascii_end();
    (name.eq_ignore_ascii_case(b"to") || name.eq_ignore_ascii_case(b"t")).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_told_from_what_begins() {
        for (text, expected) in [
            ("SIP/2.0 200 OK\r\nTo: <sip:a@h>\r\n\r\n", Glance::Ongoing),
            (
                "INVITE sip:1@h SIP/2.0\r\nTo: <sip:1@h>\r\n\r\n",
                Glance::NewInvite,
            ),
            (
                "INVITE sip:1@h SIP/2.0\r\nt: <sip:1@h;tag=no>\r\n\r\n",
                Glance::NewInvite,
            ),
            (
                "INVITE sip:1@h SIP/2.0\r\nt : <sip:1@h> ; tag=x\r\n\r\n",
                Glance::Ongoing,
            ),
            (
                "INVITE sip:1@h SIP/2.0\r\nTO: sip:1@h;TAG=x\r\n\r\n",
                Glance::Ongoing,
            ),
            (
                "INVITE sip:1@h SIP/2.0\r\n\r\nTo: <sip:1@h>;tag=x\r\n",
                Glance::NewInvite,
            ),
            ("BYE sip:1@h SIP/2.0\r\n\r\n", Glance::Ongoing),
            (
                "CANCEL sip:1@h SIP/2.0\r\nTo: <sip:1@h>\r\n\r\n",
                Glance::Ongoing,
            ),
            (
                "REGISTER sip:h SIP/2.0\r\nTo: <sip:1@h>;tag=x\r\n\r\n",
                Glance::NewOther,
            ),
            (
                "OPTIONS sip:h SIP/2.0\r\nTo: <sip:1@h>\r\n\r\n",
                Glance::NewOther,
            ),
            (
                "OPTIONS sip:h SIP/2.0\r\nTo: <sip:1@h>;tag=1\r\n\r\n",
                Glance::Ongoing,
            ),
            (
                "ACK sip:1@h SIP/2.0\r\nTo: <sip:1@h>;tag=n-0123456789abcdef\r\n\r\n",
                Glance::Nothing,
            ),
            (
                "ACK sip:1@h SIP/2.0\r\nt: sip:1@h ; x ; tag = n-0\r\n\r\n",
                Glance::Nothing,
            ),
            (
                "ACK sip:1@h SIP/2.0\r\nTo: <sip:1@h>;tag=0123456789abcdef\r\n\r\n",
                Glance::Ongoing,
            ),
            (
                "ACK sip:1@h SIP/2.0\r\nTo: <sip:1@h;tag=n-0>\r\n\r\n",
                Glance::Ongoing,
            ),
            (
                "BYE sip:1@h SIP/2.0\r\nTo: <sip:1@h>;tag=n-0\r\n\r\n",
                Glance::Ongoing,
            ),
            ("", Glance::Ongoing),
        ] {
            assert_eq!(glance(text.as_bytes()), expected, "{text:?}");
        }
    }
}
