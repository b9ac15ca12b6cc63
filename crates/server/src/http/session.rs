//! Signing in and out, and who asks. A session is a random token in a cookie or a Bearer header;
//! only its digest is kept.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{ConnectInfo, FromRequestParts, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use hotline_model::{SeatId, event::Event};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{sync::watch, time::timeout};

use super::{
    App,
    ask::{Body, read},
    error::ApiError,
};
use crate::{
    config::{
        SecondPageKey,
        accounts::{self, Accounts, Role},
    },
    reload::roll::Roll,
    store_loop::stamped,
};

/// Longest life of a session: a long shift.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// Most sessions; a further sign-in ends the oldest.
const SESSIONS: usize = 20_000;

/// Wrong passwords of one user before further tries must wait.
const FREE_TRIES: u32 = 5;

/// How long they must wait.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Users whose wrong passwords are counted; more than that is an attack on the counter itself,
/// and the counts begin anew.
const TRIES_COUNTED: usize = 10_000;

/// Most password checks at once: each takes 20 MB and some 20 ms of a core.
const CHECKS_AT_ONCE: usize = 4;

const COOKIE: &str = "hotline_session";

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Who {
    /// User name.
    pub user: String,
    /// What the user may do.
    pub role: Role,
    /// The seat of an agent.
    pub seat: Option<SeatId>,
}

impl Who {
    /// Whether whoever signed in by the accounts of `then` may still be: the password is `now`'s, and
    /// an agent's seat is there.
    pub fn is_still_right(&self, then: &Accounts, now: &Accounts, roll: &Roll) -> bool {
        let is_there = self.seat.is_none_or(|seat| roll.has_seat(seat));
        is_there && Accounts::same_password(then, now, &self.user)
    }
}

/// An agent at a seat, by a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seated {
    /// The seat.
    pub seat: SeatId,
    session: [u8; 32],
}

impl std::fmt::Debug for Seated {
    /// The seat alone: what finds a session is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Seated").field(&self.seat).finish()
    }
}

struct Session {
    who: Who,
    since: Instant,
}

/// What finds a session: the digest of its token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionKey([u8; 32]);

/// All sessions. Behind a lock: it is far from a call's way.
pub struct Sessions {
    open: Mutex<HashMap<[u8; 32], Session>>,
    /// Told whenever sessions end before their time.
    ended: watch::Sender<()>,
    tries: Mutex<HashMap<String, (u32, Instant)>>,
    checks: tokio::sync::Semaphore,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            ended: watch::Sender::new(()),
            tries: Mutex::default(),
            checks: tokio::sync::Semaphore::new(CHECKS_AT_ONCE),
        }
    }
}

impl Sessions {
    fn open(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session by this new token, beside or instead of others of the same user as `rule`
    /// says: how many of them ended, or `None` where it is refused.
    fn begin(&self, token: &str, who: Who, rule: SecondPageKey) -> Option<usize> {
        let mut open = self.open();
        open.retain(|_, it| it.since.elapsed() < SESSION_LIFE);
        let before = open.len();
        match rule {
            SecondPageKey::Refused if open.values().any(|it| it.who.user == who.user) => {
                return None;
            }
            SecondPageKey::TakesOver => open.retain(|_, it| it.who.user != who.user),
            SecondPageKey::Refused | SecondPageKey::Allowed => {}
        }
        let ended = before - open.len();
        if open.len() >= SESSIONS {
            let oldest = open.iter().min_by_key(|(_, session)| session.since);
            if let Some((&oldest, _)) = oldest {
                open.remove(&oldest);
            }
        }
        let since = Instant::now();
        open.insert(digest(token), Session { who, since });
        drop(open);
        self.ended.send_replace(());
        Some(ended)
    }

    /// The session that a request shows.
    pub fn key(headers: &HeaderMap) -> Option<SessionKey> {
        token(headers).map(|token| SessionKey(digest(token)))
    }

    /// Waits until the session is over: signed out, replaced by another, ended by new settings, or
    /// too old.
    pub async fn over(&self, SessionKey(key): SessionKey) {
        let mut ended = self.ended.subscribe();
        loop {
            let age = self.open().get(&key).map(|it| it.since.elapsed());
            let left = age.and_then(|age| SESSION_LIFE.checked_sub(age));
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                return;
            };
            let _ = timeout(left, ended.changed()).await;
        }
    }

    fn find(&self, token: &str) -> Option<Who> {
        let open = self.open();
        let session = open.get(&digest(token))?;
        (session.since.elapsed() < SESSION_LIFE).then(|| session.who.clone())
    }

    /// Whether a request shows the cookie of a session, open or not.
    pub fn shows_cookie(headers: &HeaderMap) -> bool {
        cookie(headers).is_some()
    }

    /// The seat of the agent whose session's cookie is shown; `None` for a supervisor's, and for
    /// one that is over.
    pub fn seated(&self, headers: &HeaderMap) -> Option<Seated> {
        let token = cookie(headers)?;
        let who = self.find(token)?;
        let seat = who.seat.filter(|_| who.role == Role::Agent)?;
        let session = digest(token);
        Some(Seated { seat, session })
    }

    /// Whether the session is still open.
    pub fn holds(&self, seated: &Seated) -> bool {
        let open = self.open();
        open.get(&seated.session)
            .is_some_and(|session| session.since.elapsed() < SESSION_LIFE)
    }

    fn end(&self, token: &str) {
        self.open().remove(&digest(token));
        self.ended.send_replace(());
    }

    /// Ends the sessions of such people.
    pub fn end_where(&self, such: impl Fn(&Who) -> bool) {
        self.open().retain(|_, session| !such(&session.who));
        self.ended.send_replace(());
    }

    fn may_try(&self, user: &str) -> bool {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries
            .get(user)
            .is_none_or(|(count, last)| *count < FREE_TRIES || last.elapsed() > TRY_AGAIN_AFTER)
    }

    fn tried(&self, user: &str, right: bool) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if right {
            tries.remove(user);
            return;
        }
        if tries.len() >= TRIES_COUNTED {
            tries.clear();
        }
        let (count, last) = tries.entry(user.to_owned()).or_insert((0, Instant::now()));
        *count = count.saturating_add(1);
        *last = Instant::now();
    }
}

/// A token that nobody can guess.
fn new_token() -> Result<String, ApiError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|_| ApiError::unavailable("no-randomness", "no session can be made now"))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The digest under which a session is found: its comparison tells nothing about the token.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    bearer.or_else(|| cookie(headers))
}

/// The token in the cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(header::COOKIE).iter().find_map(|value| {
        value.to_str().ok()?.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE).then_some(value)
        })
    })
}

impl FromRequestParts<Arc<App>> for Who {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        token(&parts.headers)
            .and_then(|token| app.sessions.find(token))
            .ok_or_else(ApiError::not_signed_in)
    }
}

/// Body of a sign-in.
#[derive(Deserialize)]
pub struct SignIn {
    user: String,
    password: String,
}

/// `POST /api/v1/session`
pub async fn sign_in(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    body: Body<SignIn>,
) -> Result<Response, ApiError> {
    let help = "send {\"user\": …, \"password\": …}";
    let SignIn { user, password } = read(body, help)?;
    if !app.sessions.may_try(&user) {
        let help = "wait half a minute / 请半分钟后再试";
        let message = "too many wrong passwords / 密码错误次数过多";
        return Err(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-tries",
            message,
            help,
        ));
    }
    let then = app.accounts.borrow().clone();
    let account = then.find(&user).cloned();
    // An account outlives its seat, for the case that the seat comes back.
    let is_there = |seat: SeatId| app.roll.borrow().has_seat(seat);
    let account = account.filter(|it| it.seat.is_none_or(is_there));
    let permit = app.sessions.checks.acquire().await;
    let checked = account.clone();
    let right = tokio::task::spawn_blocking(move || match checked {
        Some(account) => account.has_password(&password),
        None => {
            accounts::check_nobody(&password);
            false
        }
    })
    .await
    .unwrap_or(false);
    drop(permit);
    app.sessions.tried(&user, right);
    let Some(account) = account.filter(|_| right) else {
        return Err(wrong_password());
    };
    let who = Who {
        user: account.user,
        role: account.role,
        seat: account.seat,
    };
    // Supervisors have several screens.
    let rule = match who.role {
        Role::Agent => app.roll.borrow().second_page,
        Role::Supervisor => SecondPageKey::Allowed,
    };
    let (user, from) = (who.user.clone(), from.ip().to_string());
    let token = new_token()?;
    let Some(ended) = app.sessions.begin(&token, who.clone(), rule) else {
        tell(&app, Event::PageSignInRefused { user, from });
        return Err(already_signed_in());
    };
    // New settings may have come while the password was looked at.
    let still = {
        let (now, roll) = (app.accounts.borrow(), app.roll.borrow());
        who.is_still_right(&then, &now, &roll)
    };
    if !still {
        app.sessions.end(&token);
        return Err(wrong_password());
    }
    let seat = who.seat;
    tell(
        &app,
        Event::PageSignedIn {
            user,
            seat,
            from,
            ended,
        },
    );
    let cookie = format!(
        "{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}",
        SESSION_LIFE.as_secs()
    );
    let body = json!({ "user": who.user, "role": who.role, "seat": who.seat, "token": token });
    Ok(([(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

fn wrong_password() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "wrong-password",
        "wrong user or password / 用户名或密码错误",
        "check both; passwords are in demo-accounts.txt of the data folder at first",
    )
}

fn already_signed_in() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "already-signed-in",
        "this agent is signed in elsewhere / 该工号已在别处登录",
        "sign out there, or have a supervisor sign the seat out / 请先在原处退出，或由班长签出",
    )
}

/// Has an event journalled; where the ring is full, the journal is far behind and the log says it.
fn tell(app: &App, event: Event) {
    if app.doors.events.push(stamped(app.epoch, event)).is_err() {
        tracing::error!("a sign-in could not be journalled: the journal is behind");
    }
    app.doors.journal_bell.notify_one();
}

/// `GET /api/v1/session`
pub async fn who(who: Who) -> Json<Who> {
    Json(who)
}

/// `DELETE /api/v1/session`
pub async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if let Some(token) = token(&headers) {
        app.sessions.end(token);
    }
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

#[cfg(test)]
impl Sessions {
    /// Signs in without a password: the token.
    pub fn signed_in(&self, role: Role, seat: Option<SeatId>) -> String {
        let user = seat.map_or_else(|| "supervisor".to_owned(), |seat| seat.to_string());
        let token = new_token().unwrap();
        let begun = self.begin(&token, Who { user, role, seat }, SecondPageKey::Allowed);
        begun.map(|_| token).unwrap()
    }

    /// Signs out.
    pub fn signed_out(&self, token: &str) {
        self.end(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervisor() -> Who {
        Who {
            user: "supervisor".into(),
            role: Role::Supervisor,
            seat: None,
        }
    }

    #[test]
    fn a_session_is_found_by_its_token_until_it_ends() {
        let sessions = Sessions::default();
        let token = sessions.signed_in(Role::Supervisor, None);
        assert_eq!(sessions.find(&token), Some(supervisor()));
        assert_eq!(sessions.find("other"), None);
        sessions.end(&token);
        assert_eq!(sessions.find(&token), None);
    }

    #[test]
    fn a_second_sign_in_takes_over_or_is_refused_by_rule() {
        let agent = Who {
            user: "1001".into(),
            role: Role::Agent,
            seat: SeatId::new("1001").ok(),
        };
        let sessions = Sessions::default();
        let begin = |rule| {
            let token = new_token().unwrap();
            let ended = sessions.begin(&token, agent.clone(), rule)?;
            Some((token, ended))
        };
        let (first, ended) = begin(SecondPageKey::Refused).unwrap();
        assert_eq!(ended, 0);
        assert!(begin(SecondPageKey::Refused).is_none());
        assert!(sessions.find(&first).is_some());
        let (second, ended) = begin(SecondPageKey::TakesOver).unwrap();
        assert_eq!((ended, sessions.find(&first)), (1, None));
        let (_, ended) = begin(SecondPageKey::Allowed).unwrap();
        assert_eq!((ended, sessions.find(&second)), (0, Some(agent.clone())));
        // Another's session is nobody's business.
        let other = sessions.signed_in(Role::Supervisor, None);
        assert_eq!(begin(SecondPageKey::TakesOver).unwrap().1, 2);
        assert!(sessions.find(&other).is_some());
    }

    #[test]
    fn who_signed_in_by_an_old_password_or_to_a_seat_that_is_gone_may_be_no_more() {
        let places = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let seat = SeatId::new("1001").unwrap();
        let open = |nth: usize| Accounts::open(places[nth].path(), &[seat], &[]).unwrap().0;
        let (then, now, other) = (open(0), open(0), open(1));
        let roll = |leaving| Roll {
            seats: vec![crate::reload::roll::Named {
                index: 0,
                id: seat,
                name: String::new(),
                leaving,
            }],
            ..Roll::default()
        };
        let agent = Who {
            user: "1001".into(),
            role: Role::Agent,
            seat: Some(seat),
        };
        assert!(agent.is_still_right(&then, &now, &roll(false)));
        assert!(!agent.is_still_right(&then, &other, &roll(false)));
        assert!(!agent.is_still_right(&then, &now, &roll(true)));
        assert!(!agent.is_still_right(&then, &Accounts::default(), &roll(false)));
        assert!(supervisor().is_still_right(&then, &now, &roll(true)));
        assert!(!supervisor().is_still_right(&then, &other, &roll(true)));
    }

    #[tokio::test]
    async fn whoever_waits_for_the_end_of_a_session_is_told_of_it() {
        let sessions = Sessions::default();
        let [one, other] = ["1001", "1002"].map(|seat| {
            let token = sessions.signed_in(Role::Agent, SeatId::new(seat).ok());
            (SessionKey(digest(&token)), token)
        });
        let mut over = std::pin::pin!(sessions.over(one.0));
        let poll = |it: std::pin::Pin<&mut _>| {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            Future::poll(it, &mut context).is_ready()
        };
        assert!(!poll(over.as_mut()));
        sessions.end(&other.1);
        assert!(!poll(over.as_mut()));
        sessions.end_where(|who| who.user == "1001");
        assert!(poll(over.as_mut()));
        sessions.over(other.0).await;
    }

    #[test]
    fn guessing_slows_down_and_a_right_password_forgives() {
        let sessions = Sessions::default();
        for _ in 0..FREE_TRIES {
            assert!(sessions.may_try("1001"));
            sessions.tried("1001", false);
        }
        assert!(!sessions.may_try("1001"));
        assert!(sessions.may_try("1002"));
        sessions.tried("1001", true);
        assert!(sessions.may_try("1001"));
    }

    #[test]
    fn the_token_comes_by_header_or_cookie() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; hotline_session=t1".parse().unwrap());
        assert_eq!(token(&headers), Some("t1"));
        headers.insert(header::AUTHORIZATION, "Bearer t2".parse().unwrap());
        assert_eq!(token(&headers), Some("t2"));
    }
}
