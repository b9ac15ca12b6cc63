//! SIP messages read in place: one pass, no copy, no allocation.
//!
//! [`Message::parse`] cuts a message into a table of offsets and checks what every message must
//! have; the accessors read typed values from the borrowed bytes. The parser is strict where two
//! readers could disagree about where a message, a header or a value ends, and tolerant where the
//! world is merely untidy: folded and compact headers, white space, unknown methods, schemes and
//! headers, names in UTF-8 or GBK, IPv6 in all its forms (RFC 4475, RFC 5118).
//!
//! Raw values may contain folds: CR LF and white space, which stand for one space (RFC 3261
//! §7.3.1). The typed readers know them; [`unfold`] and [`text`] remove them.

mod address;
mod content;
mod lines;
mod malformed;
mod method;
mod name;
mod params;
mod parse;
mod peek;
mod read;
mod table;
mod text;
mod uri;
mod via;

pub use address::{Contact, NameAddr};
pub use content::MediaType;
pub use malformed::Malformed;
pub use method::Method;
pub use name::Name;
pub use params::{Param, ParamIter, Params};
pub(crate) use parse::stream_body_length;
pub use peek::{Glance, STATELESS_TAG, glance};
pub(crate) use text::{Cursor, is_token};
pub use text::{List, Unfold, text, unfold};
pub use uri::{COMPARED_PARTS, Host, Scheme, Uri};
pub use via::{MAGIC_COOKIE, Rport, Via};

/// How the transport shows where a message ends (RFC 3261 §18.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    /// By the datagram: what follows the body is ignored, and without Content-Length the body
    /// goes to the end.
    Datagram,
    /// By Content-Length alone: without it there is no body.
    Stream,
}

#[derive(Clone, Copy)]
enum Start<'a> {
    Request { method: Method<'a>, uri: Uri<'a> },
    Response { status: u16, reason: &'a [u8] },
}

/// A well-formed message, borrowed from its bytes. About 3 KB of offsets, meant for the stack.
#[derive(Clone)]
pub struct Message<'a> {
    bytes: &'a [u8],
    start: Start<'a>,
    table: table::Table,
    via: Via<'a>,
    from: NameAddr<'a>,
    to: NameAddr<'a>,
    call_id: &'a [u8],
    cseq: (u32, Method<'a>),
    contact: Option<NameAddr<'a>>,
    max_forwards: Option<u8>,
    content_length: Option<u32>,
    body: &'a [u8],
}
