//! Session descriptions: a peer's offer, and its answer to ours.

use std::net::{IpAddr, Ipv4Addr};

use hotline_media::sdp::{Local, SdpError, accept, answer};

/// Answers `data` as an offer, and takes it as an answer.
pub fn run(data: &[u8]) {
    let local = Local {
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        port: 40_000,
        session: 1,
        version: 1,
    };
    if let Ok((ours, _)) = answer(data, &local) {
        assert!(ours.starts_with(b"v=0\r\n") && ours.ends_with(b"\r\n"));
        let again = answer(&ours, &local);
        let readable = !matches!(again, Err(SdpError::Malformed(_)));
        assert!(readable, "what we write can be read: {again:?}");
    }
    match accept(data, &local) {
        Ok(_) => {}
        Err(error) => assert!(matches!(error.status(), 400 | 488)),
    }
}
