//! Looks over the records of a DTLS datagram (RFC 6347 §4.1) before anything keeps them.

/// Length of a record's header, bytes.
const RECORD_HEADER_BYTES: usize = 13;

/// Length of a handshake message's header (RFC 6347 §4.2.2), bytes.
const MESSAGE_HEADER_BYTES: usize = 12;

/// Longest handshake message: a browser's longest is its certificate or its first, a thousand
/// bytes or two.
const MESSAGE_BYTES: usize = 16_384;

/// How many records a datagram has. `None` when anything of it is not as it should be: then the
/// whole is dropped, as RFC 6347 §4.1.2.7 wants.
pub(super) fn count(mut datagram: &[u8]) -> Option<u32> {
    let mut records = 0;
    while !datagram.is_empty() {
        let header: &[u8; RECORD_HEADER_BYTES] = datagram.first_chunk()?;
        let [kind, major, _, e0, e1, .., l0, l1] = *header;
        let end = RECORD_HEADER_BYTES + usize::from(u16::from_be_bytes([l0, l1]));
        let body = datagram.get(RECORD_HEADER_BYTES..end)?;
        let readable = [e0, e1] == [0, 0];
        if major != 254 || (readable && !is_sound(kind, body)) || !(20..=23).contains(&kind) {
            return None;
        }
        records += 1;
        datagram = datagram.get(end..)?;
    }
    (records > 0).then_some(records)
}

/// The number of the client's hello that begins in a datagram which [`count`] found sound.
pub(super) fn hello(datagram: &[u8]) -> Option<u16> {
    let body = match datagram.split_first_chunk::<RECORD_HEADER_BYTES>()? {
        ([22, _, _, 0, 0, ..], body) => body,
        _ => return None,
    };
    match *body.first_chunk::<MESSAGE_HEADER_BYTES>()? {
        [1, _, _, _, n0, n1, 0, 0, 0, ..] => Some(u16::from_be_bytes([n0, n1])),
        _ => None,
    }
}

/// Whether a record that is not yet encrypted can be part of a handshake.
fn is_sound(kind: u8, body: &[u8]) -> bool {
    match kind {
        // ChangeCipherSpec, alert.
        20 => body == [1],
        21 => matches!(body, [1 | 2, _]),
        22 => is_messages(body),
        _ => false,
    }
}

/// Whole handshake messages, or at the end a piece of one. A piece lies within its message: pieces
/// that do not could be chained without end.
fn is_messages(mut body: &[u8]) -> bool {
    if body.is_empty() {
        return false;
    }
    while !body.is_empty() {
        let Some(header) = body.first_chunk::<MESSAGE_HEADER_BYTES>() else {
            return false;
        };
        let [_, l0, l1, l2, _, _, o0, o1, o2, p0, p1, p2] = *header;
        let number = |a, b, c| usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let (length, offset, piece) = (number(l0, l1, l2), number(o0, o1, o2), number(p0, p1, p2));
        let Some(rest) = body.get(MESSAGE_HEADER_BYTES + piece..) else {
            return false;
        };
        let whole = piece == length;
        let last = rest.is_empty() && piece > 0;
        if length > MESSAGE_BYTES || offset + piece > length || !(whole || last) {
            return false;
        }
        body = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 0];
        record.extend((body.len() as u16).to_be_bytes());
        record.extend(body);
        record
    }

    fn message(length: u8, offset: u8, piece: u8) -> Vec<u8> {
        let mut message = vec![1, 0, 0, length, 0, 0, 0, 0, offset, 0, 0, piece];
        message.resize(12 + usize::from(piece), 7);
        message
    }

    #[test]
    fn messages_and_pieces_are_counted() {
        let two = [message(5, 0, 5), message(9, 0, 4)].concat();
        assert_eq!(count(&record(22, 0, &two)), Some(1));
        assert_eq!(count(&record(22, 0, &message(0, 0, 0))), Some(1));
        let three = [
            record(22, 0, &message(9, 4, 5)),
            record(20, 0, &[1]),
            record(22, 1, &[0xFF; 40]),
        ];
        assert_eq!(count(&three.concat()), Some(3));
        assert_eq!(count(&record(21, 0, &[2, 40])), Some(1));
    }

    #[test]
    fn the_hello_is_known_by_its_number() {
        let mut second = message(5, 0, 5);
        second[5] = 1;
        assert_eq!(hello(&record(22, 0, &message(9, 0, 4))), Some(0));
        assert_eq!(hello(&record(22, 0, &second)), Some(1));
        second[0] = 16;
        for other in [
            record(22, 0, &second),
            record(22, 0, &message(9, 4, 5)),
            record(22, 1, &message(9, 0, 4)),
            record(21, 0, &[2, 40]),
        ] {
            assert_eq!(hello(&other), None);
        }
    }

    #[test]
    fn what_chains_or_overlaps_is_dropped() {
        let long = record(22, 0, &message(5, 0, 5));
        for wrong in [
            Vec::new(),
            long[..20].to_vec(),
            [&long[..], &[22]].concat(),
            record(22, 0, &[]),
            record(22, 0, &[1; 11]),
            record(22, 0, &message(1, 0, 5)),
            record(22, 0, &message(5, 3, 5)),
            record(22, 0, &message(9, 9, 0)),
            record(22, 0, &[message(9, 0, 4), message(5, 0, 5)].concat()),
            record(
                22,
                0,
                &[&[1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], &[7]].concat(),
            ),
            record(20, 0, &[2]),
            record(21, 0, &[2]),
            record(23, 0, b"hello"),
            record(24, 1, b"heartbeat"),
            record(19, 1, b""),
        ] {
            assert_eq!(count(&wrong), None, "{wrong:?}");
        }
        let mut old = long;
        old[1] = 3;
        assert_eq!(count(&old), None);
    }
}
