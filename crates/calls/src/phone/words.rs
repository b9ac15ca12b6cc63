//! What happens to a phone, and what it tells.

use core::net::IpAddr;
use std::sync::Arc;

use hotline_media::{Command, Report};
use hotline_model::LegId;
use hotline_sip::path::Path;

/// How a phone is set up.
#[derive(Clone, Debug)]
pub struct PhoneSettings {
    /// `User-Agent`.
    pub product: String,
    /// User part of its address: the seat's number, or a caller's.
    pub user: String,
    /// Password, when the server asks for one.
    pub password: Option<String>,
    /// Domain of its address.
    pub domain: String,
    /// The way to the server.
    pub server: Path,
    /// Address of its media.
    pub media_address: IpAddr,
}

/// What happens to a phone.
#[derive(Debug)]
pub enum PhoneInput<'a> {
    /// A message came.
    Received {
        /// The way it came.
        path: Path,
        /// The message.
        bytes: &'a [u8],
    },
    /// A connection closed, or a datagram could not be sent.
    PathLost(Path),
    /// The media worker reported.
    Media(Report),
    /// The owner wants to be reachable from now on.
    Register,
    /// The owner wants to be reachable no more.
    Unregister,
    /// The owner dials.
    Dial(String),
    /// The owner answers the incoming call.
    Answer,
    /// The owner refuses the incoming call with this status.
    Refuse(u16),
    /// The owner's phone sends the caller to another number (302).
    Redirect(String),
    /// The owner puts the other side on hold.
    Hold,
    /// The owner takes the other side off hold.
    Resume,
    /// The owner puts the call aside and dials a colleague.
    Consult(String),
    /// The owner passes the call on to a number.
    Transfer(String),
    /// The owner passes the call put aside on to the colleague.
    TransferToConsulted,
    /// The owner presses keys.
    Press(String),
    /// The owner hangs up.
    HangUp,
    /// Time passed; see [`super::Phone::next_wake`].
    TimePassed,
}

/// What a phone wants done, or tells its owner.
#[derive(Debug)]
pub enum PhoneOutput {
    /// Send a message.
    Transmit {
        /// The way it goes.
        path: Path,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// Close a connection.
    ClosePath(Path),
    /// Tell the media worker.
    Media(Command),
    /// Tell the owner.
    Happened(PhoneEvent),
}

/// What a phone tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneEvent {
    /// The server knows where we are.
    Registered,
    /// The server refused, with the status.
    NotRegistered(u16),
    /// Somebody calls; the header `From` as received. The phone rings.
    Incoming {
        /// The call's number at the server, from `X-Hotline-Call`.
        call: Option<String>,
    },
    /// The other side rings.
    Ringing,
    /// The call is answered and its sound flows.
    Connected {
        /// The leg, for recording and playing.
        leg: LegId,
    },
    /// A sound we played ended.
    PlayEnded(u32),
    /// The other side pressed a key.
    Digit(char),
    /// How far a transfer has come, as a SIP status.
    Transfer(u16),
    /// The call is over: refused with a status, or ended.
    Ended {
        /// Status of the refusal; `None` when the call was answered and then ended, or withdrawn.
        status: Option<u16>,
    },
}
