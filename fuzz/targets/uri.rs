//! URIs, addresses, Vias and media types out of nowhere.

use hotline_sip::message::{Contact, List, MediaType, NameAddr, Params, Uri, Via};

/// Reads `data` as each kind of value, and compares the URIs on its lines with each other.
pub fn run(data: &[u8]) {
    for value in List::of(data) {
        if let Some(address) = NameAddr::parse(value) {
            assert_eq!(NameAddr::parse(address.raw), Some(address));
            (address.display_text(), address.tag(), address.expires());
        }
        if let Some(via) = Via::parse(value) {
            (via.branch(), via.rport(), via.received(), via.maddr());
        }
        Contact::parse(value);
        MediaType::parse(value);
    }
    if let Some(params) = Params::parse(data) {
        for param in params {
            assert!(params.has(&String::from_utf8_lossy(param.name)) || !param.name.is_ascii());
        }
    }
    let uris: Vec<_> = data
        .split(|byte| *byte == b'\n')
        .filter_map(Uri::parse)
        .take(8)
        .collect();
    for one in &uris {
        assert_eq!(Uri::parse(one.raw), Some(*one));
        assert!(one.equals(one), "a URI equals itself");
        (one.user_text(), one.host.ip(), one.is_loose_router());
        for other in &uris {
            assert_eq!(one.equals(other), other.equals(one), "both ways");
        }
    }
}
