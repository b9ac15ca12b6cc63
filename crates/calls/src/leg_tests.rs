//! Session descriptions of a leg under the terms of its signalling.

use hotline_media::sdp::{self, Dtls, Security};
use hotline_sip::path::{Path, Transport};

use super::*;
use crate::privacy::{Secrets, Srtp};

#[derive(Default)]
struct Media(Vec<Command>);

impl ToMedia for Media {
    fn media(&mut self, command: Command) {
        self.0.push(command);
    }
}

fn end(terms: Terms) -> End {
    End {
        address: us(),
        terms,
        seen_at: None,
    }
}

fn us() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

fn terms(srtp: Srtp, transport: Transport) -> Terms {
    let at = "192.0.2.1:5061".parse().unwrap();
    Secrets::new([3; 32]).terms(srtp, &Path::stream(transport, at, at, 1))
}

fn fresh(srtp: Srtp, transport: Transport) -> Leg {
    let mut leg = Leg::new(LegId(7), end(terms(srtp, transport)));
    leg.opened(4_000);
    leg
}

/// The peer's end; a key of its own.
fn theirs() -> (Local, Terms) {
    let address = "192.0.2.9".parse().unwrap();
    let local = Local {
        address,
        port: 9_000,
        session: 1,
        version: 1,
    };
    let at = "192.0.2.9:5061".parse().unwrap();
    let path = Path::stream(Transport::Tls, at, at, 1);
    (local, Secrets::new([4; 32]).terms(Srtp::Required, &path))
}

fn offer_of_theirs(secure: bool) -> Vec<u8> {
    let (local, own) = theirs();
    let own = if secure { own } else { Terms::PLAIN };
    sdp::offer_under(&local, Direction::SendRecv, &own)
}

fn text(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}

fn is_secure(leg: &Leg) -> bool {
    matches!(leg.agreed().unwrap().security, Security::Sdes { .. })
}

#[test]
fn a_leg_in_the_clear_says_what_it_always_said() {
    for (srtp, transport) in [
        (Srtp::Optional, Transport::Udp),
        (Srtp::Off, Transport::Tls),
        (Srtp::Optional, Transport::Tcp),
        (Srtp::Optional, Transport::Tls),
    ] {
        let mut leg = fresh(srtp, transport);
        let plain = sdp::offer(
            &leg.local(4_000),
            hotline_media::Codec::Pcma,
            Direction::SendRecv,
        );
        assert_eq!(text(&leg.offer().unwrap()), text(&plain));
        let mut again = fresh(srtp, transport);
        let offer = offer_of_theirs(false);
        let answer = again.answer(&offer, &mut Media::default()).unwrap();
        let plain = sdp::answer(&offer, &again.local(4_000)).unwrap().0;
        assert_eq!(text(&answer), text(&plain));
    }
}

#[test]
fn keys_are_taken_over_private_signalling_alone() {
    let offer = offer_of_theirs(true);
    for (srtp, transport, taken) in [
        (Srtp::Optional, Transport::Tls, true),
        (Srtp::Required, Transport::Tls, true),
        (Srtp::Off, Transport::Tls, false),
        (Srtp::Optional, Transport::Tcp, false),
        (Srtp::Required, Transport::Udp, false),
    ] {
        let mut leg = fresh(srtp, transport);
        let mut media = Media::default();
        match leg.answer(&offer, &mut media) {
            Ok(answer) => {
                assert!(taken, "{srtp:?} {transport}");
                assert!(
                    text(&answer).contains("m=audio 4000 RTP/SAVP 8"),
                    "{}",
                    text(&answer)
                );
                let (local, own) = theirs();
                let agreed = sdp::accept_under(
                    &answer,
                    &local,
                    &Terms {
                        plain: false,
                        ..own
                    },
                );
                let Security::Sdes { sending, receiving } = agreed.unwrap().security else {
                    panic!("not secure");
                };
                let [Command::Connect { agreed, .. }] = &media.0[..] else {
                    panic!("{:?}", media.0);
                };
                let crossed = Security::Sdes {
                    sending: receiving,
                    receiving: sending,
                };
                assert_eq!(agreed.security, crossed);
            }
            Err(refused) => {
                assert!(!taken, "{srtp:?} {transport}");
                assert_eq!(refused, BadBody(488));
                let why = "its sound is not protected in a way that is agreed to here";
                assert_eq!(leg.unusable(&offer), why);
                assert!(media.0.is_empty());
            }
        }
    }
}

#[test]
fn required_means_that_the_clear_is_refused_and_never_offered() {
    let mut tls = fresh(Srtp::Required, Transport::Tls);
    let refused = tls.answer(&offer_of_theirs(false), &mut Media::default());
    assert_eq!(refused, Err(BadBody(488)));
    let offer = text(&tls.offer().unwrap());
    assert!(offer.contains("m=audio 4000 RTP/SAVP 8 0 101"), "{offer}");
    assert_eq!(offer.matches("a=crypto:").count(), 2, "{offer}");
    // A phone that answers in the clear nevertheless.
    let (local, _) = theirs();
    let plain = sdp::offer_under(&local, Direction::SendRecv, &Terms::PLAIN);
    assert_eq!(tls.accept(&plain, &mut Media::default()), Err(BadBody(488)));
    // Where everybody reads the keys there is nothing to offer.
    assert_eq!(fresh(Srtp::Required, Transport::Udp).offer(), None);
}

#[test]
fn a_session_stays_private_when_we_offer_anew_and_keeps_its_keys() {
    let mut leg = fresh(Srtp::Optional, Transport::Tls);
    let mut media = Media::default();
    leg.answer(&offer_of_theirs(true), &mut media).unwrap();
    assert!(is_secure(&leg));
    let before = *leg.agreed().unwrap();
    let offer = leg.offer_as(Direction::SendOnly).unwrap();
    assert!(text(&offer).contains("RTP/SAVP"), "{}", text(&offer));
    let (local, own) = theirs();
    let (answer, _) = sdp::answer_under(&offer, &local, &own).unwrap();
    leg.accept(&answer, &mut media).unwrap();
    assert!(is_secure(&leg));
    // The same offer again: the same key of ours, so that no packet number is used twice.
    leg.answer(&offer_of_theirs(true), &mut media).unwrap();
    assert_eq!(leg.agreed().unwrap().security, before.security);
    // A trunk that is tried next gets other keys, and what was agreed early is void.
    let other = Terms {
        sdes: Some(hotline_media::secure::sdes::Seed([9; 60])),
        ..terms(Srtp::Required, Transport::Tls)
    };
    leg.offer().unwrap();
    leg.renew_terms(other);
    assert_eq!(leg.agreed(), None);
}

#[test]
fn a_browser_is_offered_a_handshake_and_nothing_else_is_taken() {
    let fingerprint = sdp::Fingerprint([7; 32]);
    let own = Secrets::new([3; 32]).browser_terms(fingerprint);
    let mut leg = Leg::new(LegId(7), end(own));
    leg.opened(4_000);
    for other in [offer_of_theirs(false), offer_of_theirs(true)] {
        let refused = leg.answer(&other, &mut Media::default());
        assert_eq!(refused, Err(BadBody(488)));
    }
    let offer = text(&leg.offer().unwrap());
    for line in [
        "m=audio 4000 UDP/TLS/RTP/SAVPF 8 0 101\r\n",
        "a=ice-lite\r\n",
        "a=setup:actpass\r\n",
        "a=rtcp-mux\r\n",
        "a=fingerprint:sha-256 07:07:",
    ] {
        assert!(offer.contains(line), "{line} in {offer}");
    }
    assert!(!offer.contains("a=crypto"), "{offer}");
    let names = own.dtls.unwrap().ice;
    assert!(offer.contains(&format!("a=ice-ufrag:{}\r\n", names.ufrag.as_str())));
}

#[test]
fn each_leg_has_keys_of_its_own() {
    let at = "192.0.2.1:5061".parse().unwrap();
    let path = Path::stream(Transport::Tls, at, at, 1);
    let mut secrets = Secrets::new([3; 32]);
    let (first, second) = (
        secrets.terms(Srtp::Optional, &path),
        secrets.terms(Srtp::Optional, &path),
    );
    assert!(first.sdes.is_some() && first.sdes != second.sdes);
    assert_eq!(None::<Dtls>, first.dtls);
}

#[test]
fn a_refresh_says_where_the_peer_is_now_and_whether_it_holds() {
    let mut leg = fresh(Srtp::Optional, Transport::Udp);
    let mut media = Media::default();
    leg.offer().unwrap();
    let answer = |port: u16, direction| {
        let (mut local, _) = theirs();
        local.port = port;
        sdp::offer_under(&local, direction, &Terms::PLAIN)
    };
    let same = answer(9_000, Direction::SendRecv);
    leg.refreshed(&same, &mut media);
    assert_eq!(media.0.len(), 0, "nothing is agreed yet");
    leg.accept(&same, &mut media).unwrap();
    media.0.clear();

    leg.refreshed(&same, &mut media);
    assert_eq!(
        media.0.len(),
        0,
        "nothing changed, and no sound is disturbed"
    );
    leg.refreshed(b"v=0\r\nnonsense", &mut media);
    leg.refreshed(&answer(0, Direction::SendRecv), &mut media);
    assert_eq!(media.0.len(), 0, "what is unusable changes nothing");

    leg.refreshed(&answer(9_100, Direction::SendRecv), &mut media);
    assert!(
        matches!(media.0[..], [Command::Connect { leg: LegId(7), agreed }] if agreed.remote.port() == 9_100)
    );
    leg.refreshed(&answer(9_100, Direction::SendOnly), &mut media);
    assert!(!leg.is_two_way() && media.0.len() == 2, "it holds");
    // Our next description counts on from the last one, which was no new one.
    let next = text(&leg.offer().unwrap());
    assert!(next.contains("o=- 7 2 IN"), "{next}");
}

/// What we repeat in a refresh is our answer: with the tag of the key that the peer offered, and
/// with the streams that we refused.
#[test]
fn a_refresh_is_followed_where_the_peer_offered() {
    for refused in ["", "m=image 5000 udptl t38\r\n"] {
        for secure in [false, true] {
            let offer = text(&offer_of_theirs(secure));
            // The second key alone, as the first.
            let lines = offer.split_inclusive("\r\n");
            let lines = lines.filter(|line| !line.starts_with("a=crypto:1"));
            let offer = lines
                .collect::<String>()
                .replace("a=crypto:2", "a=crypto:1");
            let offer = offer.replace("m=audio", &format!("{refused}m=audio"));
            let mut leg = fresh(Srtp::Optional, Transport::Tls);
            let mut media = Media::default();
            let answer = leg.answer(offer.as_bytes(), &mut media).unwrap();
            assert_eq!(is_secure(&leg), secure);
            let before = *leg.agreed().unwrap();
            media.0.clear();

            let (mut local, own) = theirs();
            let own = if secure { own } else { Terms::PLAIN };
            local.port = 9_100;
            let (refresh, _) = sdp::answer_under(&answer, &local, &own).unwrap();
            leg.refreshed(&refresh, &mut media);
            let after = leg.agreed().unwrap();
            assert_eq!(after.remote.port(), 9_100, "{refused:?} {secure}");
            assert_eq!(after.security, before.security);
            assert_eq!(media.0.len(), 1);
            // The clear is never the answer to a key.
            if secure {
                let plain = sdp::offer_under(&local, Direction::SendRecv, &Terms::PLAIN);
                leg.refreshed(&plain, &mut media);
                assert_eq!(media.0.len(), 1);
            }
        }
    }
}

#[test]
fn our_formats_are_offered_in_order_and_ever_after_what_is_spoken_first() {
    use hotline_media::{Format, Formats};
    let mut own = terms(Srtp::Off, Transport::Udp);
    own.formats = Formats::of(&[Format::Pcma, Format::Pcmu, Format::G722]);
    let mut leg = Leg::new(LegId(7), end(own));
    leg.opened(4_000);
    let offer = text(&leg.offer().unwrap());
    assert!(
        offer.contains("m=audio 4000 RTP/AVP 8 0 9 101\r\n"),
        "{offer}"
    );
    let answer = offer_of_theirs(false);
    let answer = text(&answer)
        .replace("RTP/AVP 8 0 101", "RTP/AVP 9 96")
        .replace("a=rtpmap:101", "a=rtpmap:96");
    let mut media = Media::default();
    leg.accept(answer.as_bytes(), &mut media).unwrap();
    assert_eq!(leg.agreed().unwrap().codec, Format::G722);
    let held = text(&leg.offer_as(Direction::SendOnly).unwrap());
    assert!(held.contains("m=audio 4000 RTP/AVP 9 8 0 96\r\n"), "{held}");
    assert!(
        held.contains("a=rtpmap:96 telephone-event/8000\r\n"),
        "{held}"
    );
}
