//! The few SIP messages of a phone, and the dialog of its call (RFC 3261 §12).

use std::sync::atomic::{AtomicU32, Ordering};

use super::{
    line::Line,
    messages::{header, tag},
};

/// Makes each tag, branch and Call-ID another.
static COUNT: AtomicU32 = AtomicU32::new(1);

/// Something unique in this process.
pub fn unique() -> String {
    format!("b{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A dialog of the phone, or what will be one.
pub struct Dialog {
    /// Its Call-ID.
    pub call_id: String,
    /// The phone's side, with its tag.
    ours: String,
    /// The other side, with its tag as soon as it is known.
    theirs: String,
    /// Where requests go.
    target: String,
    cseq: u32,
}

impl Dialog {
    /// Of requests of the phone's own to `to`.
    pub fn to(from: &str, to: String) -> Self {
        Self {
            call_id: unique(),
            ours: format!("<{from}>;tag={}", unique()),
            theirs: format!("<{to}>"),
            target: to,
            cseq: 0,
        }
    }

    /// Of a phone's registrations at `registrar`.
    pub fn at(registrar: String, own: &str) -> Self {
        Self {
            target: registrar,
            ..Self::to(own, own.to_owned())
        }
    }

    /// Of an INVITE that came.
    pub fn of(invite: &str) -> Self {
        Self {
            call_id: header(invite, "Call-ID:").to_owned(),
            ours: format!("{};tag={}", header(invite, "To:"), unique()),
            theirs: header(invite, "From:").to_owned(),
            target: uri(header(invite, "Contact:")).to_owned(),
            cseq: 0,
        }
    }

    /// The phone's tag.
    pub fn own_tag(&self) -> &str {
        tag(&self.ours)
    }

    /// A response says who the other side is, and where.
    pub fn learns(&mut self, response: &str) {
        self.theirs = header(response, "To:").to_owned();
        let contact = header(response, "Contact:");
        if !contact.is_empty() {
            self.target = uri(contact).to_owned();
        }
    }

    /// The next request, with headers of its own that each end with a line break.
    pub fn request(&mut self, line: &Line, method: &str, headers: &str, body: &str) -> String {
        self.cseq += 1;
        self.text(line, method, self.cseq, &unique(), headers, body)
    }

    /// Acknowledges a final response to its INVITE; a refusal within the INVITE's transaction.
    pub fn ack(&mut self, line: &Line, response: &str, taken: bool) -> String {
        let cseq = header(response, "CSeq:").split(' ').next();
        let cseq = cseq.and_then(|number| number.parse().ok()).unwrap_or(1);
        let via = header(response, "Via:");
        let branch = via.split("branch=z9hG4bK").nth(1).unwrap_or_default();
        let branch = branch.split(';').next().unwrap_or_default();
        let branch = if taken { unique() } else { branch.to_owned() };
        let (theirs, own) = (header(response, "To:").to_owned(), self.theirs.clone());
        self.theirs = theirs;
        let text = self.text(line, "ACK", cseq, &branch, "", "");
        if !taken {
            self.theirs = own;
        }
        text
    }

    fn text(
        &self,
        line: &Line,
        method: &str,
        cseq: u32,
        branch: &str,
        headers: &str,
        body: &str,
    ) -> String {
        let Self {
            call_id,
            ours,
            theirs,
            target,
            ..
        } = self;
        let user = uri(ours).split(['@', ':']).nth(1).unwrap_or_default();
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: {ours}\r\nTo: {theirs}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{user}@{at}>\r\n{headers}{kind}\
             Content-Length: {length}\r\n\r\n{body}",
            via = line.via,
            at = line.reached_at,
            length = body.len(),
        )
    }
}

/// The URI of a name-addr.
fn uri(value: &str) -> &str {
    value.split(['<', '>']).nth(1).unwrap_or(value)
}

/// What is behind a message's head.
pub fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
