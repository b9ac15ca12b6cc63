//! The words an endpoint and its user speak: commands' arguments, outputs and events.

use core::{fmt, time::Duration};
use std::sync::Arc;

use hotline_model::limits;

use super::body;
use crate::{
    message::{Framing, Message},
    path::Path,
};

/// One dialog, or one INVITE on its way to become one, from its first message to its last. Never
/// reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialogId(pub u64);

/// One request outside any dialog: incoming (to be answered with `respond`) or outgoing. Never
/// reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// One REFER of a peer that waits for our word. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReferId(pub u64);

/// What a REFER asks for (RFC 3515): that we call somebody on the peer's behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The URI in Refer-To, without its headers.
    pub target: String,
    /// The dialog of ours that the new call shall take the place of: an attended transfer
    /// (RFC 3891). `None`: a blind one.
    pub replaces: Option<DialogId>,
    /// Refer-To names a dialog to replace that is none of ours.
    pub replaces_unknown: bool,
    /// Referred-By (RFC 3892), as received.
    pub referred_by: Option<String>,
}

impl fmt::Display for DialogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dialog {}", self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {}", self.0)
    }
}

/// What an endpoint says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSettings {
    /// Product and version, for User-Agent and Server (RFC 3261 §20.35, §20.41).
    pub product: String,
    /// User part of our Contact URIs.
    pub contact_user: String,
    /// Realm of our own challenges (RFC 3261 §22.1).
    pub realm: String,
    /// Session interval we ask for, seconds; 0 asks for none (RFC 4028 §4).
    pub session_expires_s: u32,
    /// Shortest session interval we take from a peer, seconds; 90 at least (RFC 4028 §5).
    pub min_session_expires_s: u32,
    /// Longest request sent as a datagram, bytes; a longer one goes over TCP (RFC 3261 §18.1.1).
    /// `usize::MAX`: all go as datagrams to a peer that is reached so.
    pub datagram_bytes: usize,
}

impl EndpointSettings {
    /// The settings of an endpoint that asks for sessions of half an hour.
    pub fn new(
        product: impl Into<String>,
        contact_user: impl Into<String>,
        realm: impl Into<String>,
    ) -> Self {
        Self {
            product: product.into(),
            contact_user: contact_user.into(),
            realm: realm.into(),
            session_expires_s: 1_800,
            min_session_expires_s: 90,
            datagram_bytes: limits::SIP_DATAGRAM_REQUEST_BYTES,
        }
    }
}

/// User name and password for a peer that challenges us (RFC 3261 §22).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The realm they are for: a challenge of a foreign realm is not answered, so that no digest
    /// leaks to whoever asks. `None`: any realm of the one peer they are sent to.
    pub realm: Option<String>,
    /// User name.
    pub user: String,
    /// Password, never printed.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// An INVITE to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Where to send it.
    pub path: Path,
    /// Request-URI.
    pub target: String,
    /// From: a name-addr without tag, e.g. `"12345" <sip:12345@10.0.0.1>`.
    pub from: String,
    /// To: a name-addr without tag.
    pub to: String,
    /// SDP offer. Not empty: the ACK of a late offer would have to carry our answer, and goes
    /// out before the user could give one.
    pub body: Vec<u8>,
    /// Further headers, by name and value.
    pub headers: Vec<(String, String)>,
    /// For a peer that challenges.
    pub credentials: Option<Credentials>,
    /// Longest time from the INVITE to a final answer: then it is cancelled and
    /// `Refused { status: 408 }` follows. `None`: three minutes (RFC 3261 §16.6, timer C).
    pub ring_for: Option<Duration>,
    /// Hops it may take. A call that is forwarded has one less than the caller's INVITE
    /// ([`Message::max_forwards`]), so that a loop of engines that call each other ends
    /// (RFC 7332 §4). `None`: 70 (RFC 3261 §8.1.1.6).
    pub max_forwards: Option<u32>,
}

/// A request outside any dialog to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingRequest {
    /// Where to send it.
    pub path: Path,
    /// REGISTER, OPTIONS, …; not INVITE, ACK, CANCEL or BYE.
    pub method: String,
    /// Request-URI.
    pub target: String,
    /// From: a name-addr without tag.
    pub from: String,
    /// To: a name-addr without tag.
    pub to: String,
    /// Call-ID; all REGISTERs of one client carry the same (RFC 3261 §10.2). `None`: a new one.
    pub call_id: Option<String>,
    /// CSeq number; REGISTERs of one Call-ID count up. `None`: 1. A retry with credentials uses
    /// the next number, so count by at least 3.
    pub cseq: Option<u32>,
    /// Further headers, by name and value (Contact, Expires, …).
    pub headers: Vec<(String, String)>,
    /// Body; its type is among `headers`.
    pub body: Vec<u8>,
    /// For a peer that challenges.
    pub credentials: Option<Credentials>,
}

/// Whose cause codes a Reason header carries (RFC 3326 §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReasonProtocol {
    /// SIP status codes.
    Sip,
    /// ITU-T Q.850 cause values.
    Q850,
}

/// Why a call is hung up, for the Reason header (RFC 3326).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HangUpReason {
    /// Whose codes.
    pub protocol: ReasonProtocol,
    /// The code.
    pub cause: u16,
    /// A few words; quotes and control characters are dropped.
    pub text: String,
}

impl HangUpReason {
    /// A SIP status, e.g. 200 "Call completed elsewhere" on the CANCEL of a lost race.
    pub fn sip(cause: u16, text: impl Into<String>) -> Self {
        Self {
            protocol: ReasonProtocol::Sip,
            cause,
            text: text.into(),
        }
    }

    /// A Q.850 cause, e.g. 16 "Normal call clearing".
    pub fn q850(cause: u16, text: impl Into<String>) -> Self {
        Self {
            protocol: ReasonProtocol::Q850,
            cause,
            text: text.into(),
        }
    }
}

impl fmt::Display for HangUpReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            ReasonProtocol::Sip => "SIP",
            ReasonProtocol::Q850 => "Q.850",
        };
        write!(f, "{protocol};cause={}", self.cause)?;
        if !self.text.is_empty() {
            f.write_str(";text=\"")?;
            self.text
                .chars()
                .filter(|c| !c.is_control() && !matches!(c, '"' | '\\'))
                .try_for_each(|c| write!(f, "{c}"))?;
            f.write_str("\"")?;
        }
        Ok(())
    }
}

/// A whole received message, kept for reading.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    bytes: Arc<[u8]>,
    framing: Framing,
}

/// A whole received response, kept for reading: the same thing as a [`Request`].
pub type Response = Request;

impl Request {
    pub(crate) fn new(bytes: &[u8], framing: Framing) -> Self {
        Self {
            bytes: bytes.into(),
            framing,
        }
    }

    /// The message, parsed anew without a copy. Always `Some` for what an endpoint hands out,
    /// since it was parsed before.
    pub fn message(&self) -> Option<Message<'_>> {
        Message::parse(&self.bytes, self.framing).ok()
    }

    /// The session description in its body: the whole body, or the part of a multipart body that
    /// is one (RFC 5621). Empty where there is none.
    pub fn session(&self) -> &[u8] {
        self.message()
            .map(|message| body::session(&message))
            .unwrap_or_default()
    }

    /// The message as received.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} bytes)", self.bytes.len())
    }
}

/// What an endpoint wants done or has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes. A retransmission shares the bytes of the first transmission.
    Transmit {
        /// Where to.
        path: Path,
        /// One whole message.
        bytes: Arc<[u8]>,
    },
    /// Something happened.
    Event(Event),
    /// Close this TCP connection: what comes by it is not SIP.
    ClosePath(Path),
}

/// How a confirmed dialog ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndedBy {
    /// The peer sent BYE.
    Bye,
    /// Our 200 was never acknowledged in 64*T1 (RFC 3261 §13.3.1.4); we sent BYE.
    NoAck,
    /// The path broke, and a request in the dialog could not be sent.
    PathLost,
    /// A request in the dialog was answered 408 or 481, or not at all (RFC 3261 §12.2.1.2); we
    /// sent BYE.
    Timeout,
    /// Nobody refreshed the session in its interval (RFC 4028 §10); we sent BYE.
    Expired,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An INVITE for a new dialog came. Answer with `ring`, `answer` or `reject`; 100 is sent by
    /// itself where nothing else is in 200 ms (RFC 3261 §17.2.1).
    Invited {
        /// Its dialog from now on.
        dialog: DialogId,
        /// The way it came.
        path: Path,
        /// The INVITE.
        request: Request,
        /// The dialog of ours whose place it is to take (RFC 3891): confirmed, or one that we
        /// began and that nobody has answered yet. Who asks must be entitled to; the user says,
        /// and hangs up the dialog whose place was taken, which sends BYE or CANCEL.
        replaces: Option<DialogId>,
    },
    /// The peer withdrew an INVITE that had no final answer: by CANCEL or BYE (487 was sent), by
    /// closing the connection the answer would have gone by, or by acknowledging no reliable
    /// provisional response (504 was sent, RFC 3262 §3). The dialog is gone.
    Cancelled {
        /// The dialog.
        dialog: DialogId,
    },
    /// Our 200 was acknowledged: that of `answer`, or of `answer_offer` to a re-INVITE.
    Acknowledged {
        /// The dialog.
        dialog: DialogId,
        /// SDP answer where our 200 carried the offer, else empty.
        body: Vec<u8>,
    },
    /// A re-INVITE or an UPDATE with a session came (RFC 3261 §14.2, RFC 3311). Answer with
    /// `answer_offer` or `refuse_offer`, at once: until then the peer can neither offer again nor
    /// be offered anything. A peer that cancels its re-INVITE before gets 487, and there is no
    /// event: an answer given after that does nothing. In an early dialog the offer comes by
    /// UPDATE or PRACK.
    Reoffered {
        /// The dialog.
        dialog: DialogId,
        /// SDP offer; empty where the peer wants ours.
        body: Vec<u8>,
    },
    /// Our re-INVITE was accepted, and the ACK was sent; or our UPDATE was; or the PRACK of a
    /// reliable provisional response answers the offer in it.
    ReofferAnswered {
        /// The dialog.
        dialog: DialogId,
        /// SDP answer.
        body: Vec<u8>,
    },
    /// Our refresh of the session (RFC 4028 §7.4) repeated our last description, and this is what the
    /// peer says to it now: from here on the session is as it says (RFC 3264 §8).
    Refreshed {
        /// The dialog.
        dialog: DialogId,
        /// SDP answer, not empty.
        body: Vec<u8>,
    },
    /// Our re-INVITE was refused; the session stays as it was (RFC 3261 §14.1).
    ReofferRefused {
        /// The dialog.
        dialog: DialogId,
        /// The status.
        status: u16,
    },
    /// A provisional response above 100 to our INVITE. A reliable one was acknowledged (RFC 3262),
    /// and comes up once. Forks (§13.2.1) ring under one dialog.
    Ringing {
        /// The dialog.
        dialog: DialogId,
        /// 180, 181, 182, 183, …
        status: u16,
        /// SDP for early media, or empty.
        body: Vec<u8>,
    },
    /// 2xx to our INVITE; the ACK was sent.
    Answered {
        /// The dialog.
        dialog: DialogId,
        /// SDP answer: that of the 2xx, also where it differs from an earlier one. A 2xx without
        /// one leaves the answer of this fork's reliable provisional response (RFC 3262 §5),
        /// which is given here again.
        body: Vec<u8>,
    },
    /// Our INVITE failed for good: the peer's status, 408 when nobody answered in time, 503 when
    /// the path broke. The dialog is gone.
    Refused {
        /// The dialog.
        dialog: DialogId,
        /// The status.
        status: u16,
        /// Retry-After, seconds (RFC 3261 §20.33).
        retry_after: Option<u32>,
        /// Contact URIs of a redirection (3xx), the preferred first (§8.1.3.4).
        contacts: Vec<String>,
    },
    /// A confirmed dialog ended, and not by our `hang_up`. The dialog is gone.
    Ended {
        /// The dialog.
        dialog: DialogId,
        /// How.
        why: EndedBy,
        /// The peer's Reason header, first value (RFC 3326).
        reason: Option<String>,
    },
    /// An INFO came in a dialog (digits: RFC 6086, `application/dtmf-relay`); 200 was sent.
    Info {
        /// The dialog.
        dialog: DialogId,
        /// Content-Type, or empty.
        content_type: String,
        /// Body.
        body: Vec<u8>,
    },
    /// The peer of a confirmed dialog asks us to call somebody (RFC 3515 §2.4.2). Answer with
    /// `accept_refer` or `refuse_refer`.
    Referred {
        /// The dialog.
        dialog: DialogId,
        /// Its number for the answer.
        refer: ReferId,
        /// What is asked for.
        transfer: Transfer,
    },
    /// How far our own REFER has come: the status the peer reports of the call it makes, or the
    /// status of its refusal. A final status is the last word.
    ReferProgress {
        /// The dialog.
        dialog: DialogId,
        /// The status.
        status: u16,
    },
    /// A request outside any dialog that the user must answer with `respond`: REGISTER, OPTIONS,
    /// and a REFER that names no dialog of its sender with us (RFC 4538).
    Request {
        /// Its number for the answer.
        id: RequestId,
        /// The way it came.
        path: Path,
        /// The request.
        request: Request,
    },
    /// The final response to our `request`. Where none came (408) or the path broke (503), the
    /// status stands alone.
    Response {
        /// The request's number.
        id: RequestId,
        /// Final status.
        status: u16,
        /// The response; `None` where the status was made here.
        message: Option<Response>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_cannot_break_out_of_its_header() {
        let reason = HangUpReason::sip(200, "Call completed\r\nEvil: \"x\"");
        assert_eq!(
            reason.to_string(),
            "SIP;cause=200;text=\"Call completedEvil: x\""
        );
        assert_eq!(HangUpReason::q850(16, "").to_string(), "Q.850;cause=16");
    }

    #[test]
    fn a_password_is_never_printed() {
        let credentials = Credentials {
            realm: None,
            user: "1001".into(),
            password: "s3cret".into(),
        };
        assert!(!format!("{credentials:?}").contains("s3cret"));
    }
}
