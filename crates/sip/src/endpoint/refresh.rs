//! Session timers (RFC 4028): what is agreed on in a 2xx, the refresh that is on us, and the end
//! of a session that nobody refreshes.

use core::time::Duration;

use hotline_model::limits::SIP_SESSION_MAX_S;

use super::{
    Endpoint,
    blueprint::Blueprint,
    client::{About, Sent},
    effects::Owner,
    reply::Header,
    session::{Session, Stage},
    words::{DialogId, EndedBy},
};
use crate::{
    message::{Message, Method, Name, Params},
    transaction::{TransactionId, timer::Timer},
};

/// The shortest interval there may be, seconds (§5).
const SHORTEST_S: u32 = 90;

/// The refresh again, after it failed for a reason that may pass.
const AGAIN: Duration = Duration::from_secs(10);

/// How a session is kept alive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refresh {
    /// The session interval, seconds; 0: the session never expires.
    pub interval_s: u32,
    /// The refreshes are on us.
    pub by_us: bool,
    /// The longest Min-SE the peer has named, seconds.
    pub floor_s: u32,
    /// Our UPDATE under way.
    pub transaction: Option<TransactionId>,
}

/// Who refreshes: the one that sent the request, or the one that answered it (§4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refresher {
    Uac,
    Uas,
}

/// Session-Expires: the interval in seconds, and the refresher where it is named.
fn session_expires(message: &Message<'_>) -> Option<(u32, Option<Refresher>)> {
    let value = message.header(Name::SessionExpires)?;
    let at = memchr::memchr(b';', value).unwrap_or(value.len());
    let (digits, params) = value.split_at(at);
    let seconds: u64 = core::str::from_utf8(digits.trim_ascii())
        .ok()?
        .parse()
        .ok()?;
    let refresher = Params::parse(params).and_then(|params| match params.get("refresher")? {
        uac if uac.eq_ignore_ascii_case(b"uac") => Some(Refresher::Uac),
        uas if uas.eq_ignore_ascii_case(b"uas") => Some(Refresher::Uas),
        _ => None,
    });
    Some((u32::try_from(seconds).unwrap_or(u32::MAX), refresher))
}

/// Min-SE without its parameters.
fn min_se(message: &Message<'_>) -> Option<u32> {
    let value = message.header(Name::MinSe)?;
    let at = memchr::memchr(b';', value).unwrap_or(value.len());
    let digits = value.get(..at)?.trim_ascii();
    let seconds: u64 = core::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(u32::try_from(seconds).unwrap_or(u32::MAX))
}

impl Endpoint {
    /// What an INVITE of ours asks for (§7.1).
    pub(super) fn interval_asked(&self) -> Vec<(String, String)> {
        self.interval_headers(&Refresh::default())
    }

    fn interval_headers(&self, refresh: &Refresh) -> Vec<(String, String)> {
        let (interval, role) = match (refresh.interval_s, refresh.by_us) {
            (0, _) => (self.settings.session_expires_s, ""),
            (agreed, true) => (agreed, ";refresher=uac"),
            (agreed, false) => (agreed, ";refresher=uas"),
        };
        if interval == 0 {
            return Vec::new();
        }
        let floor = self.shortest().max(refresh.floor_s);
        let interval = interval.max(floor);
        vec![
            ("Session-Expires".to_owned(), format!("{interval}{role}")),
            ("Min-SE".to_owned(), floor.to_string()),
        ]
    }

    /// The headers of a refreshing request in a confirmed dialog (§7.4).
    pub(super) fn refresh_headers(&self, session: &Session) -> Vec<(String, String)> {
        match session.stage {
            Stage::Confirmed => self.interval_headers(&session.refresh),
            _ => Vec::new(),
        }
    }

    /// The shortest interval we take from a peer, seconds.
    const fn shortest(&self) -> u32 {
        let least = self.settings.min_session_expires_s;
        if least > SHORTEST_S {
            least
        } else {
            SHORTEST_S
        }
    }

    /// Min-SE for a 422, where `request` asks for too short an interval and its sender can be told
    /// so (§9).
    pub(super) fn too_short(&self, request: &Message<'_>) -> Option<String> {
        let (asked, _) = session_expires(request)?;
        let shortest = self.shortest();
        (asked < shortest && request.supports("timer")).then(|| shortest.to_string())
    }

    /// What our 2xx to `request` says of the session's interval, which runs from now on (§9).
    pub(super) fn agree(
        &mut self,
        dialog: DialogId,
        request: &Message<'_>,
    ) -> Vec<Header<'static>> {
        let ours = self.settings.session_expires_s;
        let floor = min_se(request).unwrap_or_default().max(SHORTEST_S);
        let asked = session_expires(request);
        let interval = match (asked, ours) {
            (None, 0) => {
                self.expire_after(dialog, 0, false);
                return Vec::new();
            }
            (None, ours) => ours.max(floor),
            (Some((asked, _)), 0) => asked.max(floor),
            (Some((asked, _)), ours) => asked.min(ours).max(floor),
        };
        let interval = interval.min(SIP_SESSION_MAX_S);
        // §9 table 2: who does not know timers does not refresh.
        let knows = request.supports("timer") || request.requires("timer");
        let by_us = !knows || matches!(asked, Some((_, Some(Refresher::Uas))));
        self.expire_after(dialog, interval, by_us);
        if by_us {
            return vec![("Session-Expires", format!("{interval};refresher=uas"))];
        }
        vec![
            ("Require", "timer".to_owned()),
            ("Session-Expires", format!("{interval};refresher=uac")),
        ]
    }

    /// What a 2xx to our request says of the interval (§7.2). A peer that says nothing does not
    /// know timers: what we asked for holds for us alone.
    pub(super) fn agreed(&mut self, dialog: DialogId, response: &Message<'_>) {
        let Some(session) = self.sessions.get(&dialog) else {
            return;
        };
        let floor = session.refresh.floor_s;
        let (interval, by_us) = match session_expires(response) {
            Some((interval, refresher)) => (interval, refresher != Some(Refresher::Uas)),
            None => match self.settings.session_expires_s {
                0 => (0, false),
                ours => (ours.max(floor), true),
            },
        };
        let interval = match interval {
            0 => 0,
            interval => interval.clamp(SHORTEST_S, SIP_SESSION_MAX_S),
        };
        self.expire_after(dialog, interval, by_us);
    }

    /// The session has been refreshed: both timers begin anew (§10).
    fn expire_after(&mut self, dialog: DialogId, interval_s: u32, by_us: bool) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        session.refresh.interval_s = interval_s;
        session.refresh.by_us = by_us;
        let owner = Owner::Dialog(dialog);
        self.fx.stop(owner, Timer::Refresh);
        self.fx.stop(owner, Timer::Expired);
        if interval_s == 0 {
            return;
        }
        let interval = Duration::from_secs(interval_s.into());
        let early = (interval / 3).min(Duration::from_secs(32));
        self.fx
            .set(owner, Timer::Expired, interval.saturating_sub(early));
        if by_us {
            self.fx.set(owner, Timer::Refresh, interval / 2);
        }
    }

    /// Half of the interval is over: the refresh, by UPDATE where the peer takes it (§7.4), else
    /// by a re-INVITE that repeats our last description.
    pub(super) fn refresh_time_came(&mut self, dialog: DialogId) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        if session.stage != Stage::Confirmed || session.refresh.transaction.is_some() {
            return;
        }
        // Whatever becomes of this one, there will be another before the end.
        self.fx.set(Owner::Dialog(dialog), Timer::Refresh, AGAIN);
        if session.unreachable {
            return self.lost(dialog, EndedBy::PathLost);
        }
        if !session.is_quiet() {
            return;
        }
        if !session.updatable {
            if session.ours.wanted.is_none() && !session.described.is_empty() {
                session.ours.wanted = Some(session.described.clone());
                session.ours.refreshes = true;
            }
            return self.reoffer_if_quiet(dialog);
        }
        let cseq = session.dialog.next_sequence();
        let mut blueprint = Blueprint::in_dialog(&session.dialog, Method::Update, cseq);
        let (path, credentials) = (session.dialog.path(), session.credentials.clone());
        if let Some(session) = self.sessions.get(&dialog) {
            blueprint.headers = self.refresh_headers(session);
        }
        let sent = Sent::new(About::Refresh(dialog), blueprint, credentials);
        let transaction = self.send(sent, path);
        if let Some(session) = self.sessions.get_mut(&dialog) {
            session.refresh.transaction = Some(transaction);
        }
    }

    /// The final response to our refreshing UPDATE (§7.4, RFC 3261 §12.2.1.2).
    pub(super) fn refresh_response(
        &mut self,
        id: TransactionId,
        dialog: DialogId,
        response: &Message<'_>,
    ) {
        let Some(session) = self.sessions.get_mut(&dialog) else {
            return;
        };
        if session.refresh.transaction != Some(id) {
            return;
        }
        session.refresh.transaction = None;
        if !session.is_known() {
            return;
        }
        match response.status() {
            200..=299 => {
                session.dialog.refresh_target(response);
                self.agreed(dialog, response);
            }
            408 | 481 => self.lost(dialog, EndedBy::Timeout),
            405 | 501 => session.updatable = false,
            _ => {}
        }
    }

    /// The refresh under way found no answer.
    pub(super) fn refresh_failed(&mut self, id: TransactionId, dialog: DialogId, why: EndedBy) {
        if let Some(session) = self.sessions.get_mut(&dialog)
            && session.refresh.transaction == Some(id)
        {
            session.refresh.transaction = None;
            if session.is_known() {
                self.lost(dialog, why);
            }
        }
    }

    /// Nobody has refreshed the session (§10).
    pub(super) fn session_expired(&mut self, dialog: DialogId) {
        let known = self
            .sessions
            .get(&dialog)
            .is_some_and(|session| session.is_known());
        if known {
            self.lost(dialog, EndedBy::Expired);
        }
    }

    /// 422: the request again with the interval the peer wants at least (§7.3).
    pub(super) fn lengthened(
        &mut self,
        id: TransactionId,
        response: &Message<'_>,
    ) -> Option<TransactionId> {
        let floor = min_se(response)?.min(SIP_SESSION_MAX_S);
        let client = self.clients.get(id)?;
        let (path, mut retry) = (client.path(), client.context.again()?);
        let headers = &mut retry.blueprint.headers;
        let asked = headers
            .iter_mut()
            .find(|(name, _)| name == "Session-Expires")?;
        let (seconds, role) = match asked.1.split_once(';') {
            Some((seconds, role)) => (seconds.to_owned(), format!(";{role}")),
            None => (asked.1.clone(), String::new()),
        };
        // Who refuses what is long enough would refuse it for ever.
        if seconds.parse::<u32>().ok()? >= floor {
            return None;
        }
        asked.1 = format!("{floor}{role}");
        headers.retain(|(name, _)| name != "Min-SE");
        headers.push(("Min-SE".to_owned(), floor.to_string()));
        if let About::Invite(dialog) | About::Reoffer(dialog) | About::Refresh(dialog) = retry.about
        {
            self.sessions.get_mut(&dialog)?.refresh.floor_s = floor;
        }
        self.renumbered(&mut retry)?;
        Some(self.send(retry, path))
    }
}
