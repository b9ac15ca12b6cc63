//! RFC 5769's vectors, and what a stranger may send.

use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";
const TRANSACTION: [u8; 12] = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

/// RFC 5769 §2.1.
const REQUEST: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\
\xdf\xae\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\
\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09evtj:h6vY\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\
\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

#[test]
fn the_request_of_rfc_5769_is_read_and_authentic() {
    let binding = Binding::parse(REQUEST).unwrap();
    assert!(binding.is_request && !binding.nominates && binding.has_integrity());
    assert_eq!(binding.transaction, TRANSACTION);
    assert_eq!(binding.names(), Some((&b"evtj"[..], &b"h6vY"[..])));
    assert_eq!(binding.priority, Some(0x6E00_01FF));
    assert_eq!(binding.controlled, Some(0x932F_F9B1_5126_3B36));
    assert_eq!((binding.controlling, binding.unknown), (None, None));
    assert!(binding.is_authentic(PASSWORD));
    assert!(!binding.is_authentic(b"VOkJxbRl1RmTxUk/WvJxBs"));
}

#[test]
fn no_changed_bit_is_authentic() {
    // The code covers all but FINGERPRINT, which comes after it.
    for bit in 0..(REQUEST.len() - 8) * 8 {
        let mut forged = REQUEST.to_vec();
        forged[bit / 8] ^= 1 << (bit % 8);
        // A length that swallows the fingerprint leaves a message without one.
        if let Some(binding) = Binding::parse(&forged) {
            assert!(!binding.is_authentic(PASSWORD), "bit {bit}");
        }
        // With the fingerprint put right again.
        let end = forged.len() - 8;
        let crc = fingerprint(&forged[..end]).to_be_bytes();
        forged[end + 4..].copy_from_slice(&crc);
        if let Some(binding) = Binding::parse(&forged)
            && forged != REQUEST
        {
            assert!(!binding.is_authentic(PASSWORD), "bit {bit}");
        }
    }
}

#[test]
fn success_carries_the_address_of_rfc_5769() {
    let mut room = [0; ANSWER_BYTES];
    let v4 = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 32_853));
    let answer = compose(Answer::Mapped(v4), &TRANSACTION, Some(PASSWORD), &mut room).unwrap();
    // The vector of §2.2 has a SOFTWARE attribute more; the address is the same.
    assert_eq!(answer[..2], [1, 1]);
    assert_eq!(
        answer[20..32],
        *b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
    );
    let v6: Ipv6Addr = "2001:db8:1234:5678:11:2233:4455:6677".parse().unwrap();
    let answer = compose(
        Answer::Mapped((v6, 32_853).into()),
        &TRANSACTION,
        Some(PASSWORD),
        &mut room,
    )
    .unwrap();
    assert_eq!(
        answer[20..44],
        *b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\
           \xbe\xd2\xb9\xd9"
    );
}

#[test]
fn every_answer_is_whole_and_signed() {
    let from = SocketAddr::from((Ipv6Addr::LOCALHOST, 9));
    for answer in [
        Answer::Mapped(from),
        Answer::BadRequest,
        Answer::Unauthenticated,
        Answer::Unknown(0x7FFF),
        Answer::RoleConflict,
    ] {
        for password in [None, Some(PASSWORD)] {
            let mut room = [0; ANSWER_BYTES];
            let written = compose(answer, &TRANSACTION, password, &mut room).unwrap();
            // Read back as if it were a request.
            let mut back = written.to_vec();
            let end = back.len() - 8;
            assert_eq!(back[end + 4..], fingerprint(&back[..end]).to_be_bytes());
            if let Some(password) = password {
                let at = end - 24;
                assert_eq!(back[at + 4..end], integrity(&back[..at], password).unwrap());
            }
            back[..2].copy_from_slice(&BINDING_REQUEST.to_be_bytes());
            let crc = fingerprint(&back[..end]).to_be_bytes();
            back[end + 4..].copy_from_slice(&crc);
            let read = Binding::parse(&back).unwrap();
            assert_eq!(read.has_integrity(), password.is_some());
            let length = written.len();
            for short in 0..length {
                let mut room = vec![0; short];
                assert_eq!(compose(answer, &TRANSACTION, password, &mut room), None);
            }
        }
    }
}

#[test]
fn what_must_be_understood_is_named_and_indications_are_known() {
    let mut room = [0; 200];
    let mut bytes = request(&[1; 12], "a:b", b"p", true, &mut room)
        .unwrap()
        .to_vec();
    let binding = Binding::parse(&bytes).unwrap();
    assert!(binding.nominates && binding.is_authentic(b"p") && binding.controlling.is_some());
    // USERNAME becomes an attribute that nobody knows.
    bytes[20..22].copy_from_slice(&0x7F01_u16.to_be_bytes());
    bytes.truncate(bytes.len() - 8);
    let length = (bytes.len() - 20) as u16;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let binding = Binding::parse(&bytes).unwrap();
    assert_eq!((binding.unknown, binding.username), (Some(0x7F01), None));
    bytes[..2].copy_from_slice(&BINDING_INDICATION.to_be_bytes());
    assert!(!Binding::parse(&bytes).unwrap().is_request);
    bytes[..2].copy_from_slice(&BINDING_SUCCESS.to_be_bytes());
    assert_eq!(Binding::parse(&bytes), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(binding) = Binding::parse(&bytes) {
            prop_assert!(!binding.is_authentic(PASSWORD));
        }
    }

    /// Nearer to the mark: a header that fits, then attributes.
    #[test]
    fn no_attributes_make_it_panic(
        attributes in proptest::collection::vec(
            (0_u16..0x30, 0_u16..40, proptest::collection::vec(any::<u8>(), 0..40)), 0..8),
    ) {
        let mut bytes = REQUEST[..20].to_vec();
        for (kind, length, value) in attributes {
            bytes.extend((kind | (length & 1) << 15).to_be_bytes());
            bytes.extend(length.to_be_bytes());
            bytes.extend(&value);
        }
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let length = (bytes.len() - 20) as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        if let Some(binding) = Binding::parse(&bytes) {
            prop_assert!(!binding.is_authentic(PASSWORD));
            let _ = binding.names();
        }
    }
}
