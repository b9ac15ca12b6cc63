//! What tells one server transaction from another (RFC 3261 §17.2.3), and a merged request from a
//! new one (§8.2.2.2).

use crate::message::{Message, Method};

/// The key of a server transaction: equal for a request, its retransmissions, and the ACK of a
/// final response that is no 2xx. Two requests of different kinds never have equal keys.
///
/// `method` is the method to look for: INVITE finds the transaction an ACK or a CANCEL is about.
/// The key is written into `room` so that a lookup allocates nothing once the room has grown.
pub fn server_key<'r>(
    request: &Message<'_>,
    method: Method<'_>,
    room: &'r mut Vec<u8>,
) -> &'r [u8] {
    room.clear();
    let via = request.via();
    match via.branch() {
        Some(branch) if via.has_rfc3261_branch() => {
            field(room, b"3261");
            field(room, method.as_bytes());
            field(room, branch);
            field(room, &via.host.raw.to_ascii_lowercase());
            room.extend_from_slice(&via.port.unwrap_or(5060).to_be_bytes());
        }
        // A peer of RFC 2543: everything that a retransmission repeats.
        _ => {
            field(room, b"2543");
            field(room, method.as_bytes());
            field(room, request.uri().raw);
            field(room, request.from().tag().unwrap_or_default());
            field(room, request.call_id());
            field(room, via.raw);
            room.extend_from_slice(&request.cseq().0.to_be_bytes());
        }
    }
    room
}

/// The key that two copies of one request share though they came by different ways, or `None`
/// where copies cannot be told (§8.2.2.2: only requests without To tag).
pub fn merge_key<'r>(request: &Message<'_>, room: &'r mut Vec<u8>) -> Option<&'r [u8]> {
    let tag = request.from().tag()?;
    if request.to().tag().is_some() {
        return None;
    }
    let (number, method) = request.cseq();
    room.clear();
    field(room, tag);
    field(room, request.call_id());
    field(room, method.as_bytes());
    room.extend_from_slice(&number.to_be_bytes());
    Some(room)
}

/// A length and the bytes, so that no two lists of fields look alike.
fn field(room: &mut Vec<u8>, bytes: &[u8]) {
    room.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    room.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Framing;

    fn text(method: &str, via: &str, cseq: u32) -> String {
        format!(
            "{method} sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 9\r\n\r\n"
        )
    }

    fn key(text: &str, method: Method<'_>) -> Vec<u8> {
        let message = Message::parse(text.as_bytes(), Framing::Datagram).unwrap();
        server_key(&message, method, &mut Vec::new()).to_vec()
    }

    #[test]
    fn an_ack_and_a_cancel_find_their_invite() {
        for via in ["h;branch=z9hG4bKx", "h;branch=z9hG4bK", "h"] {
            let invite = key(&text("INVITE", via, 1), Method::Invite);
            assert_eq!(key(&text("ACK", via, 1), Method::Invite), invite);
            assert_eq!(key(&text("CANCEL", via, 1), Method::Invite), invite);
            assert_ne!(key(&text("CANCEL", via, 1), Method::Cancel), invite);
        }
    }

    #[test]
    fn branch_and_sender_make_the_difference() {
        let one = key(&text("INVITE", "host;branch=z9hG4bKx", 1), Method::Invite);
        let same = ["HOST;branch=z9hG4bKx", "host:5060;branch=z9hG4bKx;rport"];
        for via in same {
            assert_eq!(key(&text("INVITE", via, 2), Method::Invite), one);
        }
        for via in [
            "host;branch=z9hG4bKy",
            "other;branch=z9hG4bKx",
            "host:5070;branch=z9hG4bKx",
            "host;branch=x",
        ] {
            assert_ne!(key(&text("INVITE", via, 1), Method::Invite), one);
        }
    }

    #[test]
    fn a_bare_cookie_does_not_merge_transactions() {
        // RFC 4475 §3.2.1.
        let one = key(&text("OPTIONS", "h;branch=z9hG4bK", 1), Method::Options);
        let two = key(&text("OPTIONS", "h;branch=z9hG4bK", 2), Method::Options);
        assert_ne!(one, two);
    }

    #[test]
    fn copies_by_two_ways_share_a_merge_key() {
        let merge = |text: &str| {
            let message = Message::parse(text.as_bytes(), Framing::Datagram).unwrap();
            merge_key(&message, &mut Vec::new()).map(<[u8]>::to_vec)
        };
        let one = merge(&text("INVITE", "p1;branch=z9hG4bKx", 1));
        assert!(one.is_some());
        assert_eq!(merge(&text("INVITE", "p2;branch=z9hG4bKy", 1)), one);
        assert_ne!(merge(&text("INVITE", "p2;branch=z9hG4bKy", 2)), one);
        let in_dialog = text("INVITE", "p2;branch=z9hG4bKy", 1);
        let in_dialog = in_dialog.replace("To: <sip:b@h>", "To: <sip:b@h>;tag=2");
        assert_eq!(merge(&in_dialog), None);
    }
}
