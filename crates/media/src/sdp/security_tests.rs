//! Private streams: of SIP phones over TLS, and of browsers.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::*;
use crate::{
    Formats,
    secure::{
        ice::{Credentials, SEED_BYTES},
        sdes::Seed,
        srtp::{Guard, Profile},
    },
};

const LOCAL: Local = Local {
    address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    port: 30_000,
    session: 77,
    version: 1,
};

/// What Chromium 156 offers for one audio transceiver.
const CHROMIUM: &[u8] = include_bytes!("chromium-offer.sdp");

const KEY: &str = "inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

fn sdes(plain: bool) -> Terms {
    Terms {
        formats: Formats::G711,
        plain,
        sdes: Some(Seed(core::array::from_fn(|n| n as u8))),
        dtls: None,
    }
}

fn browser() -> Terms {
    let ice = Credentials::random(&[3; SEED_BYTES]);
    let fingerprint = Fingerprint(core::array::from_fn(|n| n as u8));
    Terms {
        formats: Formats::G711,
        plain: false,
        sdes: None,
        dtls: Some(Dtls { ice, fingerprint }),
    }
}

fn phone(media: &[&str]) -> Vec<u8> {
    let head = "v=0\r\no=- 13 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n";
    format!("{head}{}\r\n", media.join("\r\n")).into_bytes()
}

fn media_lines(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    text.lines()
        .filter(|l| l.starts_with("m="))
        .map(str::to_owned)
        .collect()
}

fn with(offer: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(offer.to_vec()).unwrap();
    assert!(text.contains(from), "{from}");
    text.replace(from, to).into_bytes()
}

#[test]
fn a_phones_key_is_answered_with_ours_and_sound_passes() {
    let crypto = format!("a=crypto:4 AES_CM_128_HMAC_SHA1_80 {KEY}|2^31");
    let offer = phone(&["m=audio 4000 RTP/SAVP 8 0", "a=crypto:3 F8_128 x", &crypto]);
    let (answered, agreed) = answer_under(&offer, &LOCAL, &sdes(true)).unwrap();
    let Security::Sdes { sending, receiving } = agreed.security else {
        panic!("{agreed:?}");
    };
    assert_eq!(
        agreed.remote,
        "198.51.100.7:4000".parse::<SocketAddr>().unwrap()
    );
    let text = String::from_utf8(answered.clone()).unwrap();
    assert!(text.contains("m=audio 30000 RTP/SAVP 8\r\n"));
    assert!(
        text.contains("\r\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:"),
        "{text}"
    );
    assert_eq!(sending.profile(), Profile::AesCm128HmacSha1_80);
    // What the answer says is what we send under.
    let said = text
        .lines()
        .find_map(|line| line.strip_prefix("a=crypto:"))
        .unwrap();
    assert_eq!(
        crate::secure::sdes::Line::parse(said).unwrap().keys,
        sending
    );
    let mut us = Guard::new(&sending, &receiving).unwrap();
    let mut peer = Guard::new(&receiving, &sending).unwrap();
    let mut packet = [0_u8; 60];
    packet[0] = 0x80;
    let length = us.protect_rtp(&mut packet, 20).unwrap();
    assert_eq!(peer.open_rtp(&mut packet[..length]), Ok(20));
    // A further offer finds the same key of ours.
    let (again, _) = answer_again_under(&offer, &LOCAL, &agreed, &sdes(true)).unwrap();
    assert_eq!(again, answered);
    assert!(!format!("{agreed:?}").contains(said.split("inline:").nth(1).unwrap()));
}

#[test]
fn a_private_stream_goes_before_one_in_the_clear() {
    let crypto = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    let offer = phone(&["m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/SAVP 8", &crypto]);
    let (answered, agreed) = answer_under(&offer, &LOCAL, &sdes(true)).unwrap();
    assert!(agreed.security.is_private() && agreed.remote.port() == 4002);
    assert_eq!(
        media_lines(&answered),
        ["m=audio 0 RTP/AVP 8", "m=audio 30000 RTP/SAVP 8"]
    );
    let (answered, agreed) = answer(&offer, &LOCAL).unwrap();
    assert_eq!(agreed.security, Security::Plain);
    assert_eq!(
        media_lines(&answered),
        ["m=audio 30000 RTP/AVP 8", "m=audio 0 RTP/SAVP 8"]
    );
    // Best effort: keys beside RTP/AVP are answered in the clear, or not at all.
    let best = phone(&["m=audio 4000 RTP/AVP 8", &crypto]);
    let (answered, agreed) = answer_under(&best, &LOCAL, &sdes(true)).unwrap();
    assert_eq!(agreed.security, Security::Plain);
    assert_eq!(answer(&best, &LOCAL).unwrap().0, answered);
    let refused = answer_under(&best, &LOCAL, &sdes(false)).unwrap_err();
    assert_eq!(
        (&refused, refused.status()),
        (&SdpError::NoCommonSecurity, 488)
    );
}

#[test]
fn what_terms_do_not_have_is_refused() {
    let crypto = format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    let savp = phone(&["m=audio 4002 RTP/SAVP 8", &crypto]);
    let keyless = phone(&["m=audio 4002 RTP/SAVP 8"]);
    for (offer, terms) in [
        (&savp[..], Terms::PLAIN),
        (&savp, browser()),
        (&keyless, sdes(true)),
        (CHROMIUM, Terms::PLAIN),
        (CHROMIUM, sdes(true)),
        (&phone(&["m=audio 4002 RTP/AVP 8"]), browser()),
    ] {
        let refused = answer_under(offer, &LOCAL, &terms).unwrap_err();
        assert_eq!(refused, SdpError::NoCommonSecurity);
    }
}

#[test]
fn the_answer_to_our_keys_is_taken_by_its_tag() {
    let (us, them) = (sdes(false), sdes(false));
    let offered = offer_under(&LOCAL, Direction::SendRecv, &us);
    assert_eq!(media_lines(&offered), ["m=audio 30000 RTP/SAVP 8 0 101"]);
    let (answered, answerer) = answer_under(&offered, &LOCAL, &them).unwrap();
    let accepted = accept_under(&answered, &LOCAL, &us).unwrap();
    let Security::Sdes { sending, receiving } = accepted.security else {
        panic!("{accepted:?}");
    };
    assert_eq!(
        answerer.security,
        Security::Sdes {
            sending: receiving,
            receiving: sending
        }
    );
    assert_eq!(sending.profile(), Profile::AeadAes128Gcm);
    for wrong in [
        with(&answered, "a=crypto:1 ", "a=crypto:2 "),
        with(&answered, "a=crypto:1 ", "a=crypto:9 "),
        with(&answered, "RTP/SAVP", "RTP/AVP"),
    ] {
        let refused = accept_under(&wrong, &LOCAL, &us).unwrap_err();
        assert_eq!(refused, SdpError::NoCommonSecurity);
    }
    let refused = accept(&answered, &LOCAL).unwrap_err();
    assert_eq!(refused, SdpError::NoCommonSecurity, "we offered none");
}

#[test]
fn chromiums_offer_is_answered_as_it_expects() {
    let terms = browser();
    let (answered, agreed) = answer_under(CHROMIUM, &LOCAL, &terms).unwrap();
    let Security::Dtls { ice, fingerprint } = agreed.security else {
        panic!("{agreed:?}");
    };
    assert_eq!(ice, terms.dtls.unwrap().ice);
    assert!(String::from_utf8_lossy(CHROMIUM).contains(&fingerprint.to_string()));
    assert_eq!((agreed.codec, agreed.payload_type), (Format::Pcma, 8));
    assert_eq!(agreed.digits, Some(126));
    assert_eq!(
        agreed.direction,
        Direction::SendRecv,
        "c=0.0.0.0 is no hold here"
    );
    assert_eq!(
        String::from_utf8(answered).unwrap(),
        format!(
            "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
             a=ice-lite\r\na=group:BUNDLE 0\r\nm=audio 30000 UDP/TLS/RTP/SAVPF 8 126\r\n\
             a=rtpmap:8 PCMA/8000\r\na=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-15\r\n\
             a=ptime:20\r\na=rtcp-mux\r\na=mid:0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n\
             a=candidate:1 1 udp 2130706431 192.0.2.1 30000 typ host\r\n\
             a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:\
             14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:passive\r\na=end-of-candidates\r\n\
             a=sendrecv\r\n",
            ufrag = ice.ufrag.as_str(),
            pwd = ice.password(),
        )
    );
}

#[test]
fn a_browser_that_leaves_something_out_is_refused() {
    for (from, to) in [
        ("a=fingerprint:sha-256 ", "a=fingerprint:sha-1 "),
        ("a=setup:actpass", "a=setup:passive"),
        ("a=setup:actpass", "a=setup:holdconn"),
        ("a=rtcp-mux\r\n", ""),
        ("a=ice-ufrag:", "a=ice-ufrag:;"),
        ("a=ice-pwd:", "a=no-pwd:"),
    ] {
        let offer = with(CHROMIUM, from, to);
        let refused = answer_under(&offer, &LOCAL, &browser()).unwrap_err();
        assert_eq!(refused, SdpError::NoCommonSecurity, "{to}");
    }
    // In the session part they count as well.
    let text = String::from_utf8(CHROMIUM.to_vec()).unwrap();
    let setup = "a=setup:actpass\r\n";
    let moved = text
        .replace(setup, "")
        .replace("m=audio", &format!("{setup}m=audio"));
    assert!(answer_under(moved.as_bytes(), &LOCAL, &browser()).is_ok());
}

#[test]
fn our_offer_to_a_browser_is_taken_up() {
    let terms = browser();
    let offered = offer_under(&LOCAL, Direction::SendRecv, &terms);
    let text = String::from_utf8(offered.clone()).unwrap();
    for line in [
        "a=ice-lite\r\n",
        "a=group:BUNDLE 0\r\n",
        "m=audio 30000 UDP/TLS/RTP/SAVPF 8 0 101\r\n",
        "a=setup:actpass\r\n",
        "a=rtcp-mux\r\n",
        "a=mid:0\r\n",
    ] {
        assert!(text.contains(line), "{line}");
    }
    let active = with(&offered, "a=setup:actpass", "a=setup:active");
    let agreed = accept_under(&active, &LOCAL, &terms).unwrap();
    let Security::Dtls { ice, fingerprint } = agreed.security else {
        panic!("{agreed:?}");
    };
    let ours = terms.dtls.unwrap();
    assert_eq!((ice, fingerprint), (ours.ice, ours.fingerprint));
    for wrong in ["a=setup:actpass", "a=setup:passive"] {
        let answer = with(&offered, "a=setup:actpass", wrong);
        let refused = accept_under(&answer, &LOCAL, &terms).unwrap_err();
        assert_eq!(refused, SdpError::NoCommonSecurity);
    }
}

#[test]
fn fingerprints_are_read_strictly() {
    let fingerprint = Fingerprint([0xAB; 32]);
    let text = fingerprint.to_string();
    assert_eq!(Fingerprint::parse(&text), Some(fingerprint));
    assert_eq!(Fingerprint::parse(&text.to_lowercase()), Some(fingerprint));
    for wrong in [
        text.replace("sha-256", "sha-512"),
        format!("{text}:AB"),
        text[..text.len() - 3].to_owned(),
        text.replace(":AB", ":+B"),
        String::new(),
    ] {
        assert_eq!(Fingerprint::parse(&wrong), None, "{wrong}");
    }
}
