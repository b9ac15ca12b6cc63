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
