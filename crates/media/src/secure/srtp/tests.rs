//! The standards' vectors, and what an attacker or a bad network may try.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter_map(|b| char::from(b).to_digit(16).map(|d| d as u8))
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

const PROFILES: [Profile; 3] = [
    Profile::AeadAes128Gcm,
    Profile::AesCm128HmacSha1_80,
    Profile::AesCm128HmacSha1_32,
];

fn keys(profile: Profile, seed: u8) -> Keys {
    Keys::random(
        profile,
        &core::array::from_fn(|n| seed.wrapping_add(n as u8)),
    )
}

/// The two ends of one leg.
fn pair(profile: Profile) -> (Guard, Guard) {
    let (a, b) = (keys(profile, 1), keys(profile, 99));
    (Guard::new(&a, &b).unwrap(), Guard::new(&b, &a).unwrap())
}

fn rtp(ssrc: u32, sequence: u16, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend(sequence.to_be_bytes());
    packet.extend(7_u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(body);
    packet
}

fn report(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x5A; 20]);
    packet
}

fn protected(guard: &mut Guard, packet: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + OVERHEAD_BYTES, 0);
    let length = guard.protect_rtp(&mut buffer, packet.len())?;
    buffer.truncate(length);
    Ok(buffer)
}

fn opened(guard: &mut Guard, packet: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut buffer = packet.to_vec();
    let length = guard.open_rtp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

fn protected_report(guard: &mut Guard, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + OVERHEAD_BYTES, 0);
    let length = guard.protect_rtcp(&mut buffer, packet.len()).unwrap();
    buffer.truncate(length);
    buffer
}

fn opened_report(guard: &mut Guard, packet: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut buffer = packet.to_vec();
    let length = guard.open_rtcp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

#[test]
fn keys_are_derived_as_in_rfc_3711_b3() {
    let keys = Keys::of(
        Profile::AesCm128HmacSha1_80,
        &hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &hex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    .unwrap();
    assert_eq!(
        keys.derive::<16>(0)[..],
        hex("C61E7A93744F39EE10734AFE3FF7A087")
    );
    assert_eq!(
        keys.derive::<14>(2)[..],
        hex("30CBBC08863D8C85D49DB34A9AE1")
    );
    assert_eq!(
        keys.derive::<64>(1)[..],
        hex(
            "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE
             E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25"
        )
    );
}

#[test]
fn aes_cm_makes_the_keystream_of_rfc_3711_b2() {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap();
    let salt = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
    let cipher = Cipher::cm(key, salt, &[0; 20], 10).unwrap();
    // SSRC and index 0: the packet's first twelve bytes are its header.
    let mut packet = vec![0; 12 + 48 + 10];
    let name = Name { ssrc: 0, index: 0 };
    assert_eq!(cipher.seal_rtp(&mut packet, 12, 60, name), Some(70));
    assert_eq!(
        packet[12..60],
        hex(
            "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB
             41E95B3BB0A2E8DD477901E4FCA894C0"
        )
    );
}

#[test]
fn a_whole_packet_is_protected_as_others_do() {
    // The reference packet of libsrtp's own self test.
    let keys = Keys::of(
        Profile::AesCm128HmacSha1_80,
        &hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &hex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    .unwrap();
    let mut guard = Guard::new(&keys, &keys).unwrap();
    let plain = hex("800f1234decafbadcafebabeabababababababababababababababab");
    let sealed = protected(&mut guard, &plain).unwrap();
    assert_eq!(
        sealed,
        hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb")
    );
    assert_eq!(opened(&mut guard, &sealed).unwrap(), plain);
}

#[test]
fn aes_gcm_is_that_of_rfc_7714_16_and_17() {
    let key = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
    let salt = hex("517569642070726f2071756f").try_into().unwrap();
    let cipher = Cipher::gcm(&key, salt).unwrap();
    let plain = hex(
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e6973206469766973612069
         6e207061727465732074726573",
    );
    let mut packet = plain.clone();
    packet.resize(plain.len() + 16, 0);
    let name = Name {
        ssrc: 0x5501_A0B2,
        index: 0xF17B,
    };
    cipher.seal_rtp(&mut packet, 12, plain.len(), name).unwrap();
    assert_eq!(
        packet,
        hex(
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f
             42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"
        )
    );
    assert_eq!(cipher.open_rtp(&mut packet, 12, name), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);

    let plain = hex(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeef
         deadbeefdeadbeefdeadbeef",
    );
    let mut packet = plain.clone();
    packet.resize(plain.len() + 20, 0);
    let name = Name {
        ssrc: 0x4D61_7273,
        index: 0x5D4,
    };
    cipher.seal_rtcp(&mut packet, plain.len(), name).unwrap();
    assert_eq!(
        packet,
        hex(
            "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda
             4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"
        )
    );
    assert_eq!(cipher.rtcp_word(&packet), Some(0x8000_05D4));
    assert_eq!(cipher.open_rtcp(&mut packet, name), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}

#[test]
fn what_one_end_protects_the_other_opens() {
    for profile in PROFILES {
        let (mut us, mut peer) = pair(profile);
        for sequence in 0..300 {
            let packet = rtp(7, sequence, &vec![sequence as u8; usize::from(sequence)]);
            let sealed = protected(&mut us, &packet).unwrap();
            assert!(sequence < 30 || sealed[12..42] != packet[12..42]);
            assert_eq!(opened(&mut peer, &sealed).unwrap(), packet);
            // Not our own direction's key.
            assert_eq!(opened(&mut us, &sealed), Err(Refusal::NotAuthentic));
            let report = report(7);
            let sealed = protected_report(&mut us, &report);
            assert_eq!(opened_report(&mut peer, &sealed).unwrap(), report);
            assert_eq!(
                opened_report(&mut peer, &sealed),
                Err(Refusal::Replayed),
                "{profile:?}"
            );
        }
    }
}

#[test]
fn header_extensions_and_contributors_stay_readable() {
    for profile in PROFILES {
        let (mut us, mut peer) = pair(profile);
        let mut packet = rtp(7, 1, &[0x11; 4]);
        packet[0] = 0x91;
        packet.extend([0xBE, 0xDE, 0, 1, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let sealed = protected(&mut us, &packet).unwrap();
        assert_eq!(sealed[..24], packet[..24]);
        assert_ne!(sealed[24..33], packet[24..33]);
        assert_eq!(opened(&mut peer, &sealed).unwrap(), packet);
    }
}

#[test]
fn no_changed_bit_passes_and_none_spoils_the_state() {
    for profile in PROFILES {
        let (mut us, mut peer) = pair(profile);
        for (sequence, sealed) in [(65_535, 0), (0, 1), (1, 2)].map(|(sequence, n)| {
            let packet = rtp(7, sequence, &[n; 20]);
            (sequence, protected(&mut us, &packet).unwrap())
        }) {
            for bit in 0..sealed.len() * 8 {
                let mut forged = sealed.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                let refusal = opened(&mut peer, &forged).unwrap_err();
                assert!(
                    [Refusal::NotAuthentic, Refusal::Malformed, Refusal::Replayed]
                        .contains(&refusal),
                    "{refusal}"
                );
            }
            assert_eq!(
                opened(&mut peer, &sealed).unwrap()[2..4],
                sequence.to_be_bytes()
            );
        }
        let sealed = protected_report(&mut us, &report(7));
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(opened_report(&mut peer, &forged).is_err());
        }
        assert_eq!(opened_report(&mut peer, &sealed).unwrap(), report(7));
    }
}

#[test]
fn each_packet_opens_once_in_any_order() {
    let (mut us, mut peer) = pair(Profile::AeadAes128Gcm);
    let sealed: Vec<_> = (0..400)
        .map(|sequence| protected(&mut us, &rtp(7, sequence, b"sound")).unwrap())
        .collect();
    assert_eq!(
        protected(&mut us, &rtp(7, 399, b"other")),
        Err(Refusal::Replayed)
    );
    // Backwards within the window, then everything again.
    for packet in sealed[200..300].iter().rev() {
        opened(&mut peer, packet).unwrap();
    }
    for packet in &sealed[200..300] {
        assert_eq!(opened(&mut peer, packet), Err(Refusal::Replayed));
    }
    // One that is late but not seen, and one that is too late to know.
    opened(&mut peer, &sealed[180]).unwrap();
    assert_eq!(opened(&mut peer, &sealed[171]), Err(Refusal::Replayed));
    // A jump beyond the window forgets what is behind it, and lets nothing in again.
    opened(&mut peer, &sealed[399 - 1]).unwrap();
    for packet in &sealed[200..300] {
        assert_eq!(opened(&mut peer, packet), Err(Refusal::Replayed));
    }
}

#[test]
fn the_sequence_number_wraps_with_loss_and_reordering() {
    for profile in PROFILES {
        let (mut us, mut peer) = pair(profile);
        let mut late: Option<Vec<u8>> = None;
        for n in 0..3 * 65_536_u32 + 500 {
            let sealed = protected(&mut us, &rtp(7, (n + 40_000) as u16, b"s")).unwrap();
            match n % 16 {
                0..3 => {}
                3 => late = Some(sealed),
                4 => {
                    opened(&mut peer, &sealed).unwrap();
                    opened(&mut peer, &late.take().unwrap()).unwrap();
                    assert_eq!(opened(&mut peer, &sealed), Err(Refusal::Replayed));
                }
                _ => {
                    opened(&mut peer, &sealed).unwrap();
                }
            }
        }
        // 20,000 packets are lost, across a wrap; the next is found all the same.
        let mut sealed = Vec::new();
        for n in 3 * 65_536_u32 + 500..3 * 65_536 + 27_000 {
            sealed = protected(&mut us, &rtp(7, (n + 40_000) as u16, b"s")).unwrap();
        }
        opened(&mut peer, &sealed).unwrap();
        assert_eq!(peer.receiving.sources[0].rtp.next() >> 16, 4);
    }
}

#[test]
fn strangers_take_no_place_and_a_peer_takes_few() {
    let (mut us, mut peer) = pair(Profile::AesCm128HmacSha1_80);
    for ssrc in 0..10_000 {
        let forged = rtp(ssrc, 1, &[0; 40]);
        assert_eq!(opened(&mut peer, &forged), Err(Refusal::NotAuthentic));
        let mut forged = report(ssrc);
        forged[26] = 0x80;
        let at = forged.len() - 14;
        forged[at] = 0x80;
        assert_eq!(
            opened_report(&mut peer, &forged),
            Err(Refusal::NotAuthentic)
        );
    }
    assert!(peer.receiving.sources.is_empty());
    for ssrc in 0..SRTP_SOURCES as u32 {
        let sealed = protected(&mut us, &rtp(ssrc, 1, b"s")).unwrap();
        opened(&mut peer, &sealed).unwrap();
    }
    let more = rtp(1_000, 1, &[0; 40]);
    assert_eq!(protected(&mut us, &more), Err(Refusal::Crowded));
    assert_eq!(opened(&mut peer, &more), Err(Refusal::Crowded));
    // Those that are known go on.
    let sealed = protected(&mut us, &rtp(3, 2, b"s")).unwrap();
    opened(&mut peer, &sealed).unwrap();
}

#[test]
fn nothing_is_allocated_after_set_up() {
    for profile in PROFILES {
        let (mut us, mut peer) = pair(profile);
        let mut buffer = [0_u8; 256];
        let packet = rtp(7, 0, &[0xD5; 160]);
        let about = report(7);
        let info = allocation_counter::measure(|| {
            for n in 0..2_000_u16 {
                let ssrc = u32::from(n) % (SRTP_SOURCES as u32 + 2);
                buffer[..packet.len()].copy_from_slice(&packet);
                buffer[2..4].copy_from_slice(&n.to_be_bytes());
                buffer[8..12].copy_from_slice(&ssrc.to_be_bytes());
                if let Ok(length) = us.protect_rtp(&mut buffer, packet.len()) {
                    assert_eq!(peer.open_rtp(&mut buffer[..length]), Ok(packet.len()));
                }
                buffer[..about.len()].copy_from_slice(&about);
                let length = us.protect_rtcp(&mut buffer, about.len()).unwrap();
                assert_eq!(peer.open_rtcp(&mut buffer[..length]), Ok(about.len()));
                buffer[length - 1] ^= 1;
                assert!(peer.open_rtcp(&mut buffer[..length]).is_err());
            }
        });
        assert_eq!(info.count_total, 0, "{profile:?}");
    }
    let seen = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(seen.count_total, 1, "the counter counts");
}

#[test]
fn keys_have_one_length_and_are_never_shown() {
    for profile in PROFILES {
        let whole = KEY_BYTES + profile.salt_bytes();
        for length in 0..40 {
            let read = Keys::read(profile, &vec![0x41; length]);
            assert_eq!(read.is_some(), length == whole);
        }
        let keys = keys(profile, 0x41);
        assert_eq!(
            Keys::read(profile, &keys.bytes().collect::<Vec<_>>()),
            Some(keys)
        );
        assert_eq!(format!("{keys:?}"), format!("Keys({})", profile.name()));
    }
}

#[test]
fn only_a_changed_key_begins_anew() {
    let (a, b, c) = (
        keys(Profile::AeadAes128Gcm, 1),
        keys(Profile::AeadAes128Gcm, 99),
        keys(Profile::AeadAes128Gcm, 50),
    );
    let (mut us, mut peer) = (Guard::new(&a, &b).unwrap(), Guard::new(&b, &a).unwrap());
    let sealed = protected(&mut us, &rtp(7, 1, b"s")).unwrap();
    opened(&mut peer, &sealed).unwrap();
    us.renew(&a, &c).unwrap();
    peer.renew(&c, &a).unwrap();
    assert_eq!(protected(&mut us, &rtp(7, 1, b"s")), Err(Refusal::Replayed));
    assert_eq!(opened(&mut peer, &sealed), Err(Refusal::Replayed));
    let sealed = protected(&mut peer, &rtp(8, 1, b"s")).unwrap();
    opened(&mut us, &sealed).unwrap();
}

#[test]
fn a_key_is_not_used_beyond_its_last_packet() {
    let (mut us, _) = pair(Profile::AeadAes128Gcm);
    protected(&mut us, &rtp(7, 65_535, b"s")).unwrap();
    protected_report(&mut us, &report(7));
    let source = &mut us.sending.sources[0];
    source.rtp = Window::default();
    source.rtp.mark(RTP_INDEX_LAST);
    source.rtcp = Window::default();
    source.rtcp.mark(RTCP_INDEX_LAST);
    assert_eq!(
        protected(&mut us, &rtp(7, 0, b"s")),
        Err(Refusal::Exhausted)
    );
    let mut buffer = report(7);
    buffer.resize(100, 0);
    assert_eq!(us.protect_rtcp(&mut buffer, 28), Err(Refusal::Exhausted));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        gcm in any::<bool>(),
        length in 0_usize..100,
    ) {
        let (mut us, mut peer) = pair(PROFILES[usize::from(gcm)]);
        for first in [bytes.first().copied().unwrap_or(0), 0x80, 0x90, 0xBF] {
            let mut bytes = bytes.clone();
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            prop_assert!(peer.open_rtp(&mut bytes.clone()).is_err());
            prop_assert!(peer.open_rtcp(&mut bytes.clone()).is_err());
            let _ = us.protect_rtp(&mut bytes.clone(), length);
            let _ = us.protect_rtcp(&mut bytes, length);
        }
    }

    /// The window beside a list of everything seen.
    #[test]
    fn the_window_remembers_what_a_list_would(
        steps in proptest::collection::vec(-200_i64..300, 1..200),
    ) {
        let mut window = Window::default();
        let mut seen = BTreeSet::new();
        let mut highest = 100_000_i64;
        for step in steps {
            let index = (highest + step) as u64;
            let forgotten = highest as u64 >= index + window::REPLAY_PACKETS;
            let fresh = seen.is_empty() || !(seen.contains(&index) || forgotten);
            prop_assert_eq!(window.is_fresh(index), fresh);
            if fresh {
                if !seen.is_empty() {
                    prop_assert_eq!(window.index(index as u16), index);
                }
                window.mark(index);
                highest = if seen.is_empty() { index as i64 } else { highest.max(index as i64) };
                seen.insert(index);
            }
        }
    }
}
