//! Offers and answers of real phones, and of nobody.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::{Codec, Formats};

const LOCAL: Local = Local {
    address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    port: 30_000,
    session: 77,
    version: 1,
};

fn body(lines: &[&str]) -> Vec<u8> {
    format!("{}\r\n", lines.join("\r\n")).into_bytes()
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap()
}

fn direction_line(answer: &str) -> &str {
    answer
        .lines()
        .rev()
        .find(|line| line.len() < 12 && line.starts_with("a="))
        .unwrap()
}

/// An offer with this media part.
fn phone(media: &[&str]) -> Vec<u8> {
    let mut lines = vec![
        "v=0",
        "o=- 13 1 IN IP4 198.51.100.7",
        "s=call",
        "c=IN IP4 198.51.100.7",
        "t=0 0",
    ];
    lines.extend(media);
    body(&lines)
}

fn agreed_on(media: &[&str]) -> Result<Agreed, SdpError> {
    answer(&phone(media), &LOCAL).map(|(_, agreed)| agreed)
}

#[test]
fn our_offer_reads_as_it_should() {
    assert_eq!(
        text(offer(&LOCAL, Codec::Pcma, Direction::SendRecv)),
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
         m=audio 30000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let ulaw = text(offer(&LOCAL, Codec::Pcmu, Direction::SendOnly));
    assert!(ulaw.contains("RTP/AVP 0 8 101\r\n") && ulaw.ends_with("a=sendonly\r\n"));
}

#[test]
fn a_law_is_chosen_and_the_offered_numbers_are_mirrored() {
    let (answer, agreed) = answer(
        &phone(&[
            "m=audio 49170 RTP/AVP 0 18 8 96",
            "a=rtpmap:18 G729/8000",
            "a=rtpmap:96 telephone-event/8000",
            "a=fmtp:96 0-16",
            "a=rtcp:49171",
            "a=ptime:30",
        ]),
        &LOCAL,
    )
    .unwrap();
    assert_eq!(
        agreed,
        Agreed {
            remote: "198.51.100.7:49170".parse().unwrap(),
            rtcp: "198.51.100.7:49171".parse().unwrap(),
            codec: Format::Pcma,
            payload_type: 8,
            digits: Some(96),
            digits_clock: 8_000,
            direction: Direction::SendRecv,
            packet_ms: 30,
            learns: false,
            security: Security::Plain,
        }
    );
    let answer = text(answer);
    let media = answer.find("m=").unwrap();
    assert_eq!(
        &answer[media..],
        "m=audio 30000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\
         \r\na=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn codecs_are_known_by_name_and_clock_before_number() {
    let agreed = agreed_on(&[
        "m=audio 4000 RTP/AVP 0 97 98 99",
        "a=rtpmap:0 opus/48000/2",
        "a=rtpmap:97 telephone-event/48000",
        "a=rtpmap:98 pcma/8000/1",
        "a=rtpmap:99 TELEPHONE-EVENT/8000",
    ])
    .unwrap();
    assert_eq!(
        (agreed.codec, agreed.payload_type, agreed.digits),
        (Format::Pcma, 98, Some(99))
    );
    assert_eq!(
        agreed_on(&["m=audio 4000 RTP/AVP 0"]).unwrap().codec,
        Format::Pcmu
    );
    assert_eq!(agreed_on(&["m=audio 4000 RTP/AVP 0"]).unwrap().digits, None);
}

#[test]
fn other_streams_are_refused_in_their_places() {
    let offer = phone(&[
        "m=video 5000 RTP/AVP 31 34",
        "m=audio 0 RTP/AVP 8",
        "m=audio 5002 RTP/SAVP 8",
        "m=audio 5004 RTP/AVP 18",
        "m=audio 5006 RTP/AVP 8",
        "c=IN IP4 198.51.100.8",
        "m=audio 5008 RTP/AVP 8",
        "m=application 5010 TCP/BFCP *",
    ]);
    let (answer, agreed) = answer(&offer, &LOCAL).unwrap();
    assert_eq!(
        agreed.remote,
        "198.51.100.8:5006".parse::<SocketAddr>().unwrap()
    );
    let answer = text(answer);
    let lines: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    assert_eq!(
        lines,
        [
            "m=video 0 RTP/AVP 31 34",
            "m=audio 0 RTP/AVP 8",
            "m=audio 0 RTP/SAVP 8",
            "m=audio 0 RTP/AVP 18",
            "m=audio 30000 RTP/AVP 8",
            "m=audio 0 RTP/AVP 8",
            "m=application 0 TCP/BFCP *",
        ]
    );
}

#[test]
fn every_form_of_hold_is_mirrored() {
    for (offered, ours, sends, receives) in [
        ("a=sendonly", "a=recvonly", false, true),
        ("a=recvonly", "a=sendonly", true, false),
        ("a=inactive", "a=inactive", false, false),
        ("a=sendrecv", "a=sendrecv", true, true),
    ] {
        let in_media = phone(&["m=audio 4000 RTP/AVP 8", offered]);
        let in_session = phone(&[offered, "m=audio 4000 RTP/AVP 8"]);
        let both = phone(&["a=inactive", "m=audio 4000 RTP/AVP 8", offered]);
        for offer in [in_media, in_session, both] {
            let (answer, agreed) = answer(&offer, &LOCAL).unwrap();
            assert_eq!(direction_line(&text(answer)), ours);
            assert_eq!(agreed.direction.sends(), sends);
            assert_eq!(agreed.direction.receives(), receives);
        }
    }
    let old = phone(&["m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"]);
    let (answer, agreed) = answer(&old, &LOCAL).unwrap();
    assert_eq!(direction_line(&text(answer)), "a=inactive");
    assert_eq!(agreed.direction, Direction::Inactive);
    assert!(agreed.remote.ip().is_unspecified());
}

#[test]
fn ipv6_needs_an_ipv6_end() {
    let offer = body(&[
        "v=0",
        "o=- 1 1 IN IP6 2001:db8::7",
        "s=-",
        "c=IN IP6 2001:db8::7",
        "t=0 0",
        "m=audio 4000 RTP/AVP 8",
    ]);
    let refused = answer(&offer, &LOCAL).unwrap_err();
    assert_eq!(refused, SdpError::Address("2001:db8::7".to_owned()));
    assert_eq!(refused.status(), 488);
    let address = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let (answer, agreed) = answer(&offer, &Local { address, ..LOCAL }).unwrap();
    assert!(text(answer).contains("\r\nc=IN IP6 ::1\r\n"));
    assert_eq!(
        agreed.remote,
        "[2001:db8::7]:4000".parse::<SocketAddr>().unwrap()
    );
}

#[test]
fn what_cannot_be_used_is_488_and_what_cannot_be_read_is_400() {
    assert_eq!(
        agreed_on(&["m=audio 4000 RTP/AVP 18"]),
        Err(SdpError::NoCommonCodec)
    );
    assert_eq!(agreed_on(&["m=audio 0 RTP/AVP 8"]), Err(SdpError::NoAudio));
    assert_eq!(
        agreed_on(&["m=video 4000 RTP/AVP 31"]),
        Err(SdpError::NoAudio)
    );
    assert_eq!(agreed_on(&[]), Err(SdpError::NoAudio));
    for address in ["224.0.0.1", "phone.example.com", "224.2.1.1/127"] {
        let line = format!("c=IN IP4 {address}");
        let error = agreed_on(&["m=audio 4000 RTP/AVP 8", &line]).unwrap_err();
        assert_eq!(error, SdpError::Address(address.to_owned()));
    }
    for status in [SdpError::NoCommonCodec, SdpError::NoAudio].map(|error| error.status()) {
        assert_eq!(status, 488);
    }
    let no_connection = body(&[
        "v=0",
        "o=- 1 1 IN IP4 1.2.3.4",
        "s=-",
        "t=0 0",
        "m=audio 4 RTP/AVP 8",
    ]);
    let many = vec!["m=audio 4000 RTP/AVP 8"; SDP_MEDIA_LINES + 1];
    for wrong in [
        &b""[..],
        b"hello",
        b"\0\xFF\xFE",
        &no_connection,
        &phone(&many),
    ] {
        let error = answer(wrong, &LOCAL).unwrap_err();
        assert!(matches!(error, SdpError::Malformed(_)), "{error}");
        assert_eq!(error.status(), 400);
        assert_eq!(accept(wrong, &LOCAL).unwrap_err().status(), 400);
    }
}

#[test]
fn what_phones_get_wrong_is_understood() {
    let bare_lf = text(phone(&["m=audio 4000 RTP/AVP 8", "a=sendonly"])).replace("\r\n", "\n");
    let spaces = "v=0 \r\no=-  1 1 IN IP4 198.51.100.7 \r\ns= \r\nc=IN  IP4 198.51.100.7 \r\n\
                  t=0 0\r\nm=audio  4000  RTP/AVP  8 \r\na=sendonly \r\n\r\n\0";
    let bandwidth = text(phone(&[
        "b=AS",
        "m=audio 4000 RTP/AVP 8",
        "b=TIAS:x",
        "a=sendonly",
    ]));
    let no_end = text(phone(&["m=audio 4000 RTP/AVP 8", "a=sendonly"]))
        .trim_end()
        .to_owned();
    let no_origin = "v=0\r\nc=IN IP4 198.51.100.7\r\nm=audio 4000 RTP/AVP 8\r\na=sendonly\r\n";
    let mut gbk = phone(&["m=audio 4000 RTP/AVP 8", "a=sendonly"]);
    let name = gbk.windows(4).position(|window| window == b"call").unwrap();
    gbk[name..name + 4].copy_from_slice(b"\xC4\xE3\xBA\xC3");
    for offer in [
        bare_lf.as_bytes(),
        spaces.as_bytes(),
        bandwidth.as_bytes(),
        no_end.as_bytes(),
        no_origin.as_bytes(),
        &gbk,
    ] {
        let (_, agreed) = answer(offer, &LOCAL).unwrap();
        assert_eq!(
            agreed.remote,
            "198.51.100.7:4000".parse::<SocketAddr>().unwrap()
        );
        assert_eq!(agreed.direction, Direction::RecvOnly);
    }
}

#[test]
fn the_answer_to_our_offer_decides() {
    let agreed = accept(
        &phone(&[
            "m=audio 4000 RTP/AVP 0 8 101",
            "a=rtpmap:101 telephone-event/8000",
        ]),
        &LOCAL,
    );
    let agreed = agreed.unwrap();
    assert_eq!(
        (agreed.codec, agreed.digits),
        (Format::Pcmu, Some(101)),
        "the answerer's first"
    );
    let held = accept(&phone(&["m=audio 4000 RTP/AVP 8", "a=sendonly"]), &LOCAL).unwrap();
    assert_eq!(held.direction, Direction::RecvOnly);
    assert_eq!(
        accept(&phone(&["m=audio 0 RTP/AVP 8"]), &LOCAL),
        Err(SdpError::NoAudio)
    );
    assert_eq!(
        accept(&phone(&["m=audio 1 RTP/AVP 9"]), &LOCAL),
        Err(SdpError::NoCommonCodec)
    );
}

#[test]
fn rtcp_on_the_rtp_port_is_agreed_when_asked_for() {
    let offer = phone(&["m=audio 4000 RTP/AVP 8", "a=rtcp-mux"]);
    assert!(text(answer(&offer, &LOCAL).unwrap().0).contains("\r\na=rtcp-mux\r\n"));
    let offer = phone(&["m=audio 4000 RTP/AVP 8"]);
    assert!(!text(answer(&offer, &LOCAL).unwrap().0).contains("rtcp"));
}

fn direction() -> impl Strategy<Value = Direction> {
    (any::<bool>(), any::<bool>()).prop_map(|(sends, receives)| Direction::of(sends, receives))
}

/// Some of the formats that can be agreed on, in any order.
fn formats() -> impl Strategy<Value = Vec<Format>> {
    let all = vec![Format::Pcma, Format::Pcmu, Format::G722, Format::Opus];
    proptest::sample::subsequence(all, 1..=4).prop_shuffle()
}

fn terms_of(formats: impl AsRef<[Format]>) -> Terms {
    Terms {
        formats: Formats::of(formats.as_ref()),
        ..Terms::PLAIN
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = answer(&bytes, &LOCAL);
        let _ = accept(&bytes, &LOCAL);
    }

    /// Nearer to the mark: lines of SDP with wrong pieces.
    #[test]
    fn no_lines_make_it_panic(
        pieces in proptest::collection::vec(
            "[vosctmab]=( |[A-Za-z0-9:/. *-]{0,12}|audio 4000 RTP/AVP 8|IN IP4 1\\.2\\.3\\.4|0\
         |rtpmap:|fmtp:|9[0-9]|opus/48000/2|G722/8000|telephone-event/(8000|48000)){1,3}",
            0..12,
        ),
    ) {
        let text = format!("v=0\r\n{}", pieces.join("\r\n"));
        if let Ok((answer, _)) = answer(text.as_bytes(), &LOCAL) {
            let media = |text: &str| text.lines().filter(|line| line.starts_with("m=")).count();
            prop_assert_eq!(media(core::str::from_utf8(&answer).unwrap()), media(&text));
        }
        let _ = accept(text.as_bytes(), &LOCAL);
    }

    /// The two ends of one negotiation agree: each sends to the other, in the same codec, and
    /// one may send exactly when the other may receive.
    #[test]
    fn our_answer_to_our_offer_is_accepted(
        port in (1u16..=32_000).prop_map(|n| 2 * n),
        ours in formats(),
        theirs in formats(),
        wish in direction(),
        version in any::<u64>(),
    ) {
        let offerer = Local { address: Ipv4Addr::new(192, 0, 2, 2).into(), port, version, ..LOCAL };
        let (ours, theirs) = (terms_of(ours), terms_of(theirs));
        let offered = offer_under(&offerer, wish, &theirs);
        let common = ours.formats.iter().find(|format| theirs.formats.contains(*format));
        let Some(common) = common else {
            let refused = answer_under(&offered, &LOCAL, &ours).unwrap_err();
            prop_assert_eq!(refused, SdpError::NoCommonCodec);
            return Ok(());
        };
        let (answered, answerer) = answer_under(&offered, &LOCAL, &ours).unwrap();
        prop_assert_eq!(answerer.codec, common);
        let accepted = accept_under(&answered, &offerer, &theirs).unwrap();
        prop_assert_eq!(answerer.remote, SocketAddr::new(offerer.address, offerer.port));
        prop_assert_eq!(accepted.remote, SocketAddr::new(LOCAL.address, LOCAL.port));
        prop_assert_eq!(accepted.direction, wish);
        prop_assert_eq!(answerer.direction, wish.mirrored());
        prop_assert_eq!(accepted.codec, answerer.codec);
        prop_assert_eq!(accepted.digits, answerer.digits);
        prop_assert_eq!(accepted.payload_type, answerer.payload_type);
        prop_assert_eq!(accepted.digits_clock, common.clock());
        prop_assert_eq!(answerer.digits_clock, common.clock());
        prop_assert_eq!(accepted.digits.is_some(), true);
        // Either offers anew, to hold: nothing else changes, not even a number.
        let again = offer_again_under(&offerer, Direction::SendOnly, &theirs, &accepted);
        let (_, held) = answer_again_under(&again, &LOCAL, &answerer, &terms_of([common])).unwrap();
        prop_assert_eq!(
            (held.codec, held.payload_type, held.digits, held.digits_clock),
            (common, answerer.payload_type, answerer.digits, answerer.digits_clock)
        );
        prop_assert_eq!(held.direction, Direction::RecvOnly);
    }

    /// Whatever numbers a peer gives to what it offers, the answer uses them, and an offer of ours
    /// after it gives none of them another meaning (RFC 3264 §8.3.2).
    #[test]
    fn the_peers_numbers_stay(
        numbers in proptest::sample::subsequence((96u8..=127).collect::<Vec<_>>(), 4).prop_shuffle(),
        ours in formats(),
    ) {
        let [opus, g722, narrow, full] = numbers[..] else { panic!("four numbers") };
        let lines = [
            format!("m=audio 4000 RTP/AVP {full} {opus} {g722} {narrow}"),
            format!("a=rtpmap:{opus} opus/48000/2"),
            format!("a=rtpmap:{g722} G722/8000"),
            format!("a=rtpmap:{narrow} telephone-event/8000"),
            format!("a=rtpmap:{full} telephone-event/48000"),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let terms = terms_of(ours);
        match answer_under(&phone(&lines), &LOCAL, &terms) {
            Err(error) => {
                prop_assert_eq!(error, SdpError::NoCommonCodec);
                let wide = [Format::Opus, Format::G722];
                prop_assert!(!wide.iter().any(|format| terms.formats.contains(*format)));
            }
            Ok((answer, agreed)) => {
                let (format, events) = match agreed.codec {
                    Format::Opus => (opus, full),
                    _ => (g722, narrow),
                };
                prop_assert_eq!((agreed.payload_type, agreed.digits), (format, Some(events)));
                let said = format!("m=audio 30000 RTP/AVP {format} {events}\r\n");
                prop_assert!(text(answer).contains(&said));
                let again = text(offer_again_under(&LOCAL, Direction::SendRecv, &terms, &agreed));
                let mine = format!("m=audio 30000 RTP/AVP {format} ");
                prop_assert!(again.contains(&mine), "{}", again);
                for (number, name) in [(format, agreed.codec.name()), (events, "telephone-event")] {
                    let map = format!("a=rtpmap:{number} {name}/");
                    let of_number = format!("a=rtpmap:{number} ");
                    prop_assert_eq!(again.matches(&of_number).count(), 1, "{}", again);
                    prop_assert!(again.contains(&map), "{}", again);
                }
            }
        }
    }
}

#[test]
fn keys_beside_opus_are_of_its_clock_where_the_peer_has_them() {
    let terms = terms_of([Format::Opus]);
    let both = [
        "m=audio 4000 RTP/AVP 96 97 98",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:97 telephone-event/8000",
        "a=rtpmap:98 telephone-event/48000",
    ];
    let (answer, agreed) = answer_under(&phone(&both), &LOCAL, &terms).unwrap();
    assert_eq!((agreed.digits, agreed.digits_clock), (Some(98), 48_000));
    assert!(text(answer).contains("a=rtpmap:98 telephone-event/48000\r\n"));
    let (answer, agreed) = answer_under(&phone(&both[..3]), &LOCAL, &terms).unwrap();
    assert_eq!((agreed.digits, agreed.digits_clock), (Some(97), 8_000));
    assert!(text(answer).contains("a=rtpmap:97 telephone-event/8000\r\n"));
    // Beside G.711 the other clock is of no use.
    let narrow = [
        "m=audio 4000 RTP/AVP 8 98",
        "a=rtpmap:98 telephone-event/48000",
    ];
    assert_eq!(agreed_on(&narrow).unwrap().digits, None);
}

#[test]
fn a_hold_by_no_address_is_one_in_both_families() {
    let six = Local {
        address: IpAddr::V6(Ipv6Addr::LOCALHOST),
        ..LOCAL
    };
    for local in [LOCAL, six] {
        for nowhere in ["c=IN IP4 0.0.0.0", "c=IN IP6 ::"] {
            let (answer, agreed) =
                answer(&phone(&["m=audio 4000 RTP/AVP 8", nowhere]), &local).unwrap();
            assert_eq!(direction_line(&text(answer)), "a=inactive");
            assert_eq!(agreed.direction, Direction::Inactive, "{nowhere}");
        }
    }
}

#[test]
fn port_0_holds_a_session_that_stands_and_begins_none() {
    let hold = phone(&["m=audio 0 RTP/AVP 8 0", "m=video 0 RTP/AVP 31"]);
    assert_eq!(answer(&hold, &LOCAL).unwrap_err(), SdpError::NoAudio);
    let before = agreed_on(&["m=audio 4000 RTP/AVP 8"]).unwrap();
    let (held, agreed) = answer_again(&hold, &LOCAL, &before).unwrap();
    let held = text(held);
    let lines: Vec<&str> = held.lines().filter(|l| l.starts_with("m=")).collect();
    assert_eq!(lines, ["m=audio 0 RTP/AVP 8 0", "m=video 0 RTP/AVP 31"]);
    assert_eq!(agreed.direction, Direction::Inactive);
    assert!(agreed.remote.ip().is_unspecified());
    // A port again: the talk goes on; and what was never audio stays refused.
    let again = phone(&["m=audio 4002 RTP/AVP 8"]);
    let (_, agreed) = answer_again(&again, &LOCAL, &agreed).unwrap();
    assert_eq!(agreed.direction, Direction::SendRecv);
    assert_eq!(
        agreed.remote,
        "198.51.100.7:4002".parse::<SocketAddr>().unwrap()
    );
    let video = phone(&["m=video 0 RTP/AVP 31"]);
    let refused = answer_again(&video, &LOCAL, &before).unwrap_err();
    assert_eq!(refused, SdpError::NoAudio);
}

#[test]
fn an_ipv6_offer_of_ours_is_held_and_taken_up_again() {
    let address = IpAddr::V6("2001:db8::1".parse().unwrap());
    let local = Local { address, ..LOCAL };
    let offered = text(offer(&local, Codec::Pcma, Direction::SendRecv));
    assert!(offered.contains("o=- 77 1 IN IP6 2001:db8::1\r\n"));
    assert!(offered.contains("c=IN IP6 2001:db8::1\r\n"));
    for (line, direction) in [
        ("a=sendonly", Direction::RecvOnly),
        ("a=sendrecv", Direction::SendRecv),
    ] {
        let peer = body(&[
            "v=0",
            "o=- 1 1 IN IP6 2001:db8::7",
            "s=-",
            "c=IN IP6 2001:db8::7",
            "t=0 0",
            "m=audio 4000 RTP/AVP 8",
            line,
        ]);
        assert_eq!(accept(&peer, &local).unwrap().direction, direction);
    }
}

#[test]
fn g722_and_opus_are_taken_only_where_they_are_asked_for() {
    let wide = phone(&[
        "m=audio 4000 RTP/AVP 9 8 101",
        "a=rtpmap:101 telephone-event/8000",
    ]);
    assert_eq!(answer(&wide, &LOCAL).unwrap().1.codec, Format::Pcma);
    let only = phone(&["m=audio 4000 RTP/AVP 9"]);
    assert_eq!(answer(&only, &LOCAL).unwrap_err(), SdpError::NoCommonCodec);
    assert_eq!(accept(&only, &LOCAL).unwrap_err(), SdpError::NoCommonCodec);

    let wide_terms = Terms {
        formats: Formats::of(&[Format::G722, Format::Pcma]),
        ..Terms::PLAIN
    };
    let (answer, agreed) = answer_under(&wide, &LOCAL, &wide_terms).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (Format::G722, 9));
    assert!(text(answer).contains("m=audio 30000 RTP/AVP 9 101\r\na=rtpmap:9 G722/8000\r\n"));
    // Our order counts, not the peer's.
    let browser = phone(&["m=audio 4000 RTP/AVP 96 0 8", "a=rtpmap:96 OPUS/48000/2"]);
    let wide_terms = Terms {
        formats: Formats::of(&[Format::G722, Format::Pcma, Format::Pcmu, Format::Opus]),
        ..Terms::PLAIN
    };
    let (answer, agreed) = answer_under(&browser, &LOCAL, &wide_terms).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (Format::Pcma, 8));
    assert!(text(answer).contains("m=audio 30000 RTP/AVP 8\r\n"));
    let opus_alone = phone(&["m=audio 4000 RTP/AVP 96", "a=rtpmap:96 OPUS/48000/2"]);
    let (answer, agreed) = answer_under(&opus_alone, &LOCAL, &wide_terms).unwrap();
    assert_eq!((agreed.codec, agreed.payload_type), (Format::Opus, 96));
    assert!(
        text(answer)
            .contains("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=10;useinbandfec=1\r\n")
    );
    // One channel or another clock is another codec (RFC 7587 §7).
    for wrong in ["opus/48000", "opus/8000/2", "G722/16000", "G722"] {
        let map = format!("a=rtpmap:96 {wrong}");
        let offered = phone(&["m=audio 4000 RTP/AVP 96", &map]);
        let refused = answer_under(&offered, &LOCAL, &wide_terms).unwrap_err();
        assert_eq!(refused, SdpError::NoCommonCodec, "{wrong}");
    }
}

#[test]
fn an_offer_of_formats_is_answered_by_one_of_them() {
    let wide_terms = Terms {
        formats: Formats::of(&[Format::Opus, Format::G722, Format::Pcma]),
        ..Terms::PLAIN
    };
    let offered = text(offer_under(&LOCAL, Direction::SendRecv, &wide_terms));
    assert!(offered.contains("m=audio 30000 RTP/AVP 111 9 8 101 110\r\n"));
    assert!(offered.contains("a=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-15\r\n"));
    for (line, format) in [
        ("9 8", Format::G722),
        ("111", Format::Opus),
        ("0 8", Format::Pcma),
    ] {
        let line = format!("m=audio 4000 RTP/AVP {line}");
        let answer = phone(&[&line, "a=rtpmap:111 opus/48000/2"]);
        assert_eq!(
            accept_under(&answer, &LOCAL, &wide_terms).unwrap().codec,
            format
        );
    }
    let before = accept(&phone(&["m=audio 4000 RTP/AVP 8"]), &LOCAL).unwrap();
    let again = phone(&["m=audio 4000 RTP/AVP 9"]);
    assert_eq!(
        answer_again_under(&again, &LOCAL, &before, &wide_terms)
            .unwrap()
            .1
            .codec,
        Format::G722
    );
    assert!(answer_again(&again, &LOCAL, &before).is_err());
}
