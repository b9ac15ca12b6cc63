//! The accessors of a parsed message.

use core::fmt;

use super::{
    Framing, Message, Start,
    address::{Contact, NameAddr},
    content::MediaType,
    malformed::Malformed,
    method::Method,
    name::Name,
    parse,
    table::Table,
    text::{Cursor, List, saturating_number},
    uri::Uri,
    via::Via,
};

/// What a request without Accept is taken to accept (RFC 3261 §20.1).
const ACCEPTED_BY_DEFAULT: &str = "application/sdp";

impl<'a> Message<'a> {
    /// Parses one message.
    ///
    /// # Errors
    /// [`Malformed`] with the status to answer, if any: 400 for what breaks the grammar, repeats
    /// a single header or belies its length; 505 for another version; 501 for an unknown method
    /// with a CSeq of another one; 513 for a head beyond 65,535 bytes.
    pub fn parse(bytes: &'a [u8], framing: Framing) -> Result<Self, Malformed<'a>> {
        parse::parse(bytes, framing)
    }

    #[inline]
    pub(super) const fn empty(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            start: Start::Response {
                status: 0,
                reason: b"",
            },
            table: Table::new(),
            via: Via::none(),
            from: NameAddr::none(),
            to: NameAddr::none(),
            call_id: b"",
            cseq: (0, Method::Other(b"")),
            contact: None,
            max_forwards: None,
            content_length: None,
            body: b"",
        }
    }

    /// The message, without CR LF before it and octets behind it.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it is a request.
    pub const fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method of a request; of a response, the method it answers (from CSeq).
    pub const fn method(&self) -> Method<'a> {
        match self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => self.cseq.1,
        }
    }

    /// The Request-URI; of a response an empty URI of an empty scheme.
    pub const fn uri(&self) -> Uri<'a> {
        match self.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => Uri::none(),
        }
    }

    /// The status of a response, 100–699; 0 for a request.
    pub const fn status(&self) -> u16 {
        match self.start {
            Start::Request { .. } => 0,
            Start::Response { status, .. } => status,
        }
    }

    /// The reason phrase of a response; it may be empty, and it may be UTF-8.
    pub const fn reason(&self) -> &'a [u8] {
        match self.start {
            Start::Request { .. } => b"",
            Start::Response { reason, .. } => reason,
        }
    }

    /// The topmost Via.
    pub const fn via(&self) -> Via<'a> {
        self.via
    }

    /// From.
    pub const fn from(&self) -> NameAddr<'a> {
        self.from
    }

    /// To.
    pub const fn to(&self) -> NameAddr<'a> {
        self.to
    }

    /// Call-ID, compared byte by byte (RFC 3261 §20.8).
    pub const fn call_id(&self) -> &'a [u8] {
        self.call_id
    }

    /// CSeq: number and method. In a request the method is the request's.
    pub const fn cseq(&self) -> (u32, Method<'a>) {
        self.cseq
    }

    /// Max-Forwards.
    pub const fn max_forwards(&self) -> Option<u8> {
        self.max_forwards
    }

    /// Content-Length, where there is one.
    pub const fn content_length(&self) -> Option<u32> {
        self.content_length
    }

    /// The body; empty where there is none.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The values of all Contact headers.
    pub fn contacts(&self) -> impl Iterator<Item = Contact<'a>> {
        self.values(Name::Contact).filter_map(Contact::parse)
    }

    /// The first address among the Contacts.
    pub const fn contact(&self) -> Option<NameAddr<'a>> {
        self.contact
    }

    /// Expires, seconds; too large a value is `u32::MAX`, a broken one absent (RFC 3261 §20.19).
    pub fn expires(&self) -> Option<u32> {
        self.number(Name::Expires)
    }

    /// Retry-After, seconds, without its comment and parameters (RFC 3261 §20.33).
    pub fn retry_after(&self) -> Option<u32> {
        let mut cursor = Cursor::new(self.header(Name::RetryAfter)?);
        saturating_number(cursor.take_while(|byte| byte.is_ascii_digit()))
    }

    /// A header that is one number: Min-Expires, Expires, RSeq, …; saturating.
    pub fn number(&self, name: Name) -> Option<u32> {
        saturating_number(self.header(name)?)
    }

    /// The values of all Via headers, the topmost first, as written.
    pub fn vias(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values(Name::Via)
    }

    /// The values of all Route headers in order, as written.
    pub fn routes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values(Name::Route)
    }

    /// The values of all Record-Route headers in order, as written (RFC 3261 §12.1.1).
    pub fn record_routes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values(Name::RecordRoute)
    }

    /// The values of a header of addresses (Route, Record-Route, P-Asserted-Identity, …) that
    /// can be read as one.
    pub fn addresses(&self, name: Name) -> impl Iterator<Item = NameAddr<'a>> {
        self.values(name).filter_map(NameAddr::parse)
    }

    /// The Authorization headers, one value each; their commas separate parameters, not values
    /// (RFC 3261 §7.3.1). See [`crate::digest`].
    pub fn authorizations(&self) -> impl Iterator<Item = &'a [u8]> {
        self.headers(Name::Authorization)
    }

    /// Option tags of Require (RFC 3261 §20.32).
    pub fn require(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values(Name::Require)
    }

    /// Option tags of Supported (RFC 3261 §20.37).
    pub fn supported(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values(Name::Supported)
    }

    /// Methods of Allow (RFC 3261 §20.5).
    pub fn allow(&self) -> impl Iterator<Item = Method<'a>> {
        self.values(Name::Allow).map(Method::of)
    }

    /// Whether the sender supports the extension `tag`.
    pub fn supports(&self, tag: &str) -> bool {
        self.supported()
            .any(|value| value.eq_ignore_ascii_case(tag.as_bytes()))
    }

    /// Whether the sender requires the extension `tag`.
    pub fn requires(&self, tag: &str) -> bool {
        self.require()
            .any(|value| value.eq_ignore_ascii_case(tag.as_bytes()))
    }

    /// Whether the sender takes a body of `media_type` (RFC 3261 §20.1): without Accept,
    /// `application/sdp` alone; with an empty one, nothing.
    pub fn accepts(&self, media_type: &str) -> bool {
        if !self.has(Name::Accept) {
            return media_type.eq_ignore_ascii_case(ACCEPTED_BY_DEFAULT);
        }
        self.values(Name::Accept)
            .filter_map(MediaType::parse)
            .any(|range| range.covers(media_type))
    }

    /// Content-Type; `None` where it is absent or malformed.
    pub fn content_type(&self) -> Option<MediaType<'a>> {
        MediaType::parse(self.header(Name::ContentType)?)
    }

    /// Whether the body is encoded (gzip, …), so that we would have to answer 415 (RFC 3261
    /// §8.2.3).
    pub fn has_content_encoding(&self) -> bool {
        self.values(Name::ContentEncoding)
            .any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
    }

    /// Whether the body may be ignored when it is not understood: `handling=optional` of
    /// Content-Disposition (RFC 3261 §20.11).
    pub fn has_optional_body(&self) -> bool {
        self.header(Name::ContentDisposition)
            .and_then(|value| {
                let mut cursor = Cursor::new(value);
                cursor.token()?;
                cursor.skip_lws();
                super::Params::parse(cursor.rest)?.get("handling")
            })
            .is_some_and(|handling| handling.eq_ignore_ascii_case(b"optional"))
    }

    /// Whether there is a header called `name`.
    pub fn has(&self, name: Name) -> bool {
        self.table.has(name)
    }

    /// The value of the first header called `name`: trimmed, as written, folds included.
    pub fn header(&self, name: Name) -> Option<&'a [u8]> {
        self.table.first(self.bytes, name)
    }

    /// The values of all headers called `name`, one a line, as written.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        self.table.named(self.bytes, name)
    }

    /// The values of all headers called `name` as one list (RFC 3261 §7.3.1).
    pub fn values(&self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        self.headers(name).flat_map(List::of)
    }

    /// The value of the first header written `name`, in any case, for names without a [`Name`].
    pub fn header_by_text(&self, name: &str) -> Option<&'a [u8]> {
        match Name::of(name.as_bytes()) {
            Name::Other => self
                .all_headers()
                .find(|(written, _, _)| written.eq_ignore_ascii_case(name.as_bytes()))
                .map(|(_, _, value)| value),
            known => self.header(known),
        }
    }

    /// Every header in order: name as written, name, value as written.
    pub fn all_headers(&self) -> impl Iterator<Item = (&'a [u8], Name, &'a [u8])> {
        self.table.all(self.bytes)
    }
}

impl fmt::Debug for Message<'_> {
    /// Says what it is without what callers say: the start, Call-ID and CSeq number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Message({} {}, CSeq {}, Call-ID {})",
            self.status(),
            self.method(),
            self.cseq.0,
            String::from_utf8_lossy(self.call_id),
        )
    }
}
