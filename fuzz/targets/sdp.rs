//! Session descriptions: a peer's offer, and its answer to ours.

use std::net::{IpAddr, Ipv4Addr};

use hotline_media::{
    Format, Formats,
    sdp::{
        Agreed, Direction, Local, SdpError, Terms, accept_under, answer_under, offer_again_under,
    },
};

/// Answers `data` as an offer, and takes it as an answer: of G.711, and of all formats.
pub fn run(data: &[u8]) {
    let local = Local {
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        port: 40_000,
        session: 1,
        version: 1,
    };
    let all = [Format::G722, Format::Opus, Format::Pcmu, Format::Pcma];
    for formats in [Formats::G711, Formats::of(&all)] {
        let terms = Terms {
            formats,
            ..Terms::PLAIN
        };
        if let Ok((ours, agreed)) = answer_under(data, &local, &terms) {
            assert!(ours.starts_with(b"v=0\r\n") && ours.ends_with(b"\r\n"));
            let again = answer_under(&ours, &local, &terms);
            let readable = !matches!(again, Err(SdpError::Malformed(_)));
            assert!(readable, "what we write can be read: {again:?}");
            keeps_its_numbers(&local, &terms, &agreed);
        }
        match accept_under(data, &local, &terms) {
            Ok(agreed) => keeps_its_numbers(&local, &terms, &agreed),
            Err(error) => assert!(matches!(error.status(), 400 | 488)),
        }
    }
}

/// What we offer after an agreement is that, where it is answered as it is.
fn keeps_its_numbers(local: &Local, terms: &Terms, agreed: &Agreed) {
    let offer = offer_again_under(local, Direction::SendRecv, terms, agreed);
    let taken = accept_under(&offer, local, terms).map(|taken| {
        assert!(taken.digits.is_some(), "keys are always offered");
        (taken.codec, taken.payload_type)
    });
    assert_eq!(taken, Ok((agreed.codec, agreed.payload_type)));
}
