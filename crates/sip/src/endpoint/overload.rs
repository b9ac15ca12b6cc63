//! Requests that are turned away unserved, because there are too many (RFC 7339 §5.10.2).

use hotline_model::{Instant, limits::SIP_TURNED_AWAY};

use super::Endpoint;
use crate::{
    message::{Message, Method},
    path::Path,
    transaction::{key::server_key, timer::GIVE_UP},
};

impl Endpoint {
    /// Answers a request 503 with Retry-After, without state and without a look at what it wants
    /// (RFC 3261 §21.5.4). What is served already is served on: a retransmission of it is answered
    /// as always. Responses, ACKs and what is no SIP are dropped.
    pub fn turn_away(&mut self, now: Instant, path: Path, bytes: &[u8], retry_after_s: u32) {
        self.fx.now = now;
        let request = match Message::parse(bytes, path.transport.framing()) {
            Ok(request) if request.is_request() && request.method() != Method::Ack => request,
            _ => {
                self.dropped += 1;
                return;
            }
        };
        let mut room = Vec::new();
        let key = server_key(&request, request.method(), &mut room);
        if let Some(id) = self.servers.find(key) {
            let _ = self.servers.retransmitted(id, path, &mut self.fx);
            return;
        }
        let mark = self.stateless_mark(request.call_id(), request.via().raw);
        if request.method() == Method::Invite {
            self.turned_away.note(now, mark);
        }
        let after = ("Retry-After", retry_after_s.to_string());
        self.refuse_marked(&request, path, 503, &[after], mark);
    }

    /// Whether this INVITE is the retransmission of one that was turned away: who sent it may have
    /// gone elsewhere by now, and nobody would acknowledge what it gets here.
    pub(super) fn was_turned_away(&self, request: &Message<'_>) -> bool {
        self.turned_away.may_recall(self.fx.now) && {
            let mark = self.stateless_mark(request.call_id(), request.via().raw);
            self.turned_away.recalls(self.fx.now, mark)
        }
    }
}

/// The INVITEs that were turned away last, by a number that strangers cannot choose. A newer one
/// takes the place of an older one with the same last digits.
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    marks: Vec<(u64, Instant)>,
    last: Option<Instant>,
}

impl TurnedAway {
    fn note(&mut self, now: Instant, mark: u64) {
        if self.marks.is_empty() {
            self.marks = vec![(0, Instant::START); SIP_TURNED_AWAY];
        }
        self.last = Some(now);
        if let Some(place) = self.marks.get_mut(place(mark)) {
            *place = (mark, now);
        }
    }

    fn may_recall(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.since(last) < GIVE_UP)
    }

    fn recalls(&self, now: Instant, mark: u64) -> bool {
        let kept = self.marks.get(place(mark));
        kept.is_some_and(|&(kept, at)| kept == mark && now.since(at) < GIVE_UP)
    }
}

const fn place(mark: u64) -> usize {
    (mark % SIP_TURNED_AWAY as u64) as usize
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn what_was_turned_away_is_known_until_nobody_asks_again() {
        let mut away = TurnedAway::default();
        let at = |s| Instant::START + Duration::from_secs(s);
        assert!(!away.may_recall(at(0)));
        away.note(at(1), 7);
        assert!(away.may_recall(at(30)) && away.recalls(at(30), 7));
        assert!(!away.recalls(at(30), 8));
        assert!(!away.recalls(at(33), 7));
        assert!(!away.may_recall(at(33)));
        away.note(at(33), 7 + SIP_TURNED_AWAY as u64);
        assert!(!away.recalls(at(33), 7));
        assert_eq!(away.marks.len(), SIP_TURNED_AWAY);
    }
}
