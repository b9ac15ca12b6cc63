//! Media types: Content-Type and Accept.

use super::{
    params::Params,
    text::{Cursor, cut, trim},
};

/// A media type with its parameters (RFC 3261 §20.15).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MediaType<'a> {
    /// The type, e.g. `application`, or `*`.
    pub main: &'a [u8],
    /// The subtype, e.g. `sdp`, or `*`.
    pub sub: &'a [u8],
    /// Parameters, e.g. `boundary`.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Splits one value; `None` where it is malformed.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(trim(value));
        let main = cursor.token()?;
        cursor.eat_spaced(b'/').then_some(())?;
        let sub = cursor.token()?;
        cursor.skip_lws();
        Some(Self {
            main,
            sub,
            params: Params::parse(cursor.rest)?,
        })
    }

    /// Whether this is `media_type`, e.g. `application/sdp`, in any case and whatever its
    /// parameters.
    pub fn is(&self, media_type: &str) -> bool {
        let (main, sub) = split(media_type);
        self.main.eq_ignore_ascii_case(main) && self.sub.eq_ignore_ascii_case(sub)
    }

    /// Whether this, as one range of an Accept header, covers `media_type` (RFC 3261 §20.1;
    /// `q=0` excludes).
    pub fn covers(&self, media_type: &str) -> bool {
        let (main, sub) = split(media_type);
        let covered = (self.main == b"*" || self.main.eq_ignore_ascii_case(main))
            && (self.sub == b"*" || self.sub.eq_ignore_ascii_case(sub));
        let excluded = self
            .params
            .get("q")
            .is_some_and(|q| q.iter().all(|byte| matches!(byte, b'0' | b'.')));
        covered && !excluded
    }
}

fn split(media_type: &str) -> (&[u8], &[u8]) {
    let bytes = media_type.as_bytes();
    let (main, sub) = cut(bytes, memchr::memchr(b'/', bytes).unwrap_or(bytes.len()));
    (main, sub.strip_prefix(b"/").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_in_any_case_and_with_parameters() {
        let sdp = MediaType::parse(b"Application / SDP ;charset=utf-8").unwrap();
        assert!(sdp.is("application/sdp") && !sdp.is("application/isup"));
        assert!(MediaType::parse(b"text").is_none());
        assert!(MediaType::parse(b"multipart/mixed;boundary=7a9cbec02ceef655").is_some());
    }

    #[test]
    fn ranges_cover_types() {
        let covers = |range: &str| {
            MediaType::parse(range.as_bytes())
                .unwrap()
                .covers("application/sdp")
        };
        assert!(covers("*/*") && covers("application/*") && covers("application/sdp;q=0.1"));
        assert!(!covers("text/*") && !covers("text/nobodyKnowsThis") && !covers("*/*;q=0.0"));
    }
}
