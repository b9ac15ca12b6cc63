//! What happens now: the wallboard as one picture, and as a stream (SSE).

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Sse, KeepAlive},
    },
};
use hotline_calls::{
    ExpectedWait, Tempo,
    board::{BoardReader, QueueWord},
};
use hotline_model::{
    Instant, PhoneId, QueueId, SeatId,
    event::TrunkState,
    seat::{Device, Intent, Reason, Work},
};
use hotline_store::{
    AgentsView, Wallboard,
    wallboard::{
        CallLine, EngineLine, FollowUpLine, MissedLine, QueueLine, SeatLine, WaitLine, intent_words,
    },
};
use tokio::sync::watch;
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, WatchStream, errors::BroadcastStreamRecvError},
};

use super::{
    App,
    error::ApiError,
    places::{Place, Places},
    session::{Sessions, Who},
};
use crate::{
    config::accounts::Role,
    reload::roll::Roll,
    signalling_loop::Doors,
    store_loop::{Filed, Picture},
};
use hotline_model::limits::MISSING_SEATS_NAMED;

/// How often the stream says that it lives, when nothing else is said.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

static PLACES: Places = Places::new();

/// The wallboard as JSON, as supervisors see it and as agents do.
#[derive(Clone)]
pub struct Painted {
    all: Arc<str>,
    for_agents: Arc<str>,
}

impl Default for Painted {
    /// Nothing yet.
    fn default() -> Self {
        let nothing: Arc<str> = Arc::from("{}");
        Self {
            all: Arc::clone(&nothing),
            for_agents: nothing,
        }
    }
}

impl Painted {
    fn of(wallboard: &Wallboard, for_agents: Option<&Wallboard>) -> Option<Self> {
        let all: Arc<str> = serde_json::to_string(wallboard).ok()?.into();
        // Seldom is anything kept from anybody, and nothing is written twice then.
        let for_agents = match for_agents {
            Some(wallboard) => serde_json::to_string(wallboard).ok()?.into(),
            None => Arc::clone(&all),
        };
        Some(Self { all, for_agents })
    }

    /// What somebody of that role may see.
    pub fn for_role(&self, role: Role) -> &str {
        match role {
            Role::Supervisor => &self.all,
            Role::Agent => &self.for_agents,
        }
    }
}

/// Turns each new picture of the folds, with the board of that moment, into JSON for everybody.
pub async fn paint_wallboards(
    mut pictures: watch::Receiver<Arc<Picture>>,
    tables: watch::Receiver<Filed>,
    board: BoardReader,
    roll: watch::Receiver<Arc<Roll>>,
    epoch: StdInstant,
    canvas: watch::Sender<Painted>,
) {
    let mut agents = AgentsView::default();
    let mut measured = BTreeSet::new();
    loop {
        let picture = pictures.borrow_and_update().clone();
        for line in &picture.trunks {
            let down = f64::from(u8::from(line.state == TrunkState::Down));
            metrics::gauge!("hotline_trunk_down", "trunk" => line.trunk.to_string()).set(down);
        }
        metrics::gauge!("hotline_invites_of_no_trunk_24h").set(picture.totals.strangers as f64);
        let now = Instant::from_start(epoch.elapsed());
        let names = roll.borrow().clone();
        let mut wallboard = compose(&picture, &board, &names, now);
        let filed = *tables.borrow();
        wallboard.missed = filed.missed.map(MissedLine::from);
        wallboard.follow_ups = filed.follow_ups.map(FollowUpLine::from);
        let up_ms = now.millis_since(Instant::START);
        let for_agents = agents.of(&wallboard, &picture.consulting, up_ms);
        measured = measure(&wallboard.queues, &measured);
        if let Some(painted) = Painted::of(&wallboard, for_agents.as_ref()) {
            canvas.send_replace(painted);
        }
        if pictures.changed().await.is_err() {
            return;
        }
    }
}

fn compose(picture: &Picture, board: &BoardReader, roll: &Roll, now: Instant) -> Wallboard {
    let lent = picture.phones.iter();
    let lent: BTreeMap<SeatId, PhoneId> = lent
        .filter_map(|line| Some((line.seat?, line.phone)))
        .collect();
    let on_shift = roll.on_shift(picture.at);
    let missing = missing_seats(picture, board, roll, &on_shift);
    let seat_lines = roll.seats.iter().filter_map(|named| {
        let word = board.seat(named.index)?;
        if named.leaving && word.work == Work::Free {
            return None;
        }
        let (intent, reason) = intent_words(word.intent);
        let (pending, pending_reason) = word.pending.map(intent_words).unzip();
        Some(SeatLine {
            seat: named.id,
            name: named.name.clone(),
            intent,
            reason,
            pending,
            pending_reason: pending_reason.flatten(),
            work: word.work,
            device: word.device,
            call: word.call,
            since_ms: now.millis_since(word.since),
            calls_today: picture.calls_today.get(&named.id).copied().unwrap_or(0),
            contractor: roll.contractor(named.id, picture.at),
            phone: lent.get(&named.id).copied(),
            desk_lost: picture.desks_lost.contains(&named.id),
            shift: on_shift.get(&named.id).map(|&name| name.to_owned()),
        })
    });
    let queue_lines = roll.queues.iter().filter_map(|named| {
        let word = board.queue(named.index)?;
        if named.leaving && word.waiting + word.offering + word.talking == 0 {
            return None;
        }
        let level = picture.queue_levels.get(&named.id);
        let level = level.copied().unwrap_or_default();
        Some(QueueLine {
            queue: named.id,
            name: named.name.clone(),
            waiting: word.waiting,
            longest_wait_ms: word
                .longest_wait_since
                .map_or(0, |since| now.millis_since(since)),
            ready_seats: word.ready_seats,
            talking: word.talking,
            staffed: word.staffed,
            answer_rate: level.answer_rate().value(),
            in_15s_rate: level.in_15s_rate().value(),
            quarter: level.quarter_line(),
            forecast: level.forecast,
            alert: level.alert,
            missing: missing.get(&named.id).map_or(0, |seats| count(seats.len())),
            missing_seats: missing.get(&named.id).map_or_else(Vec::new, |seats| {
                seats.iter().take(MISSING_SEATS_NAMED).copied().collect()
            }),
            expected_wait: wait_of_next(&word),
        })
    });
    Wallboard {
        at: picture.at,
        engine: EngineLine {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            up_s: now.since_start().as_secs(),
            recording_gaps: crate::recording_loop::gaps(),
            recordings_failed: crate::recording_loop::failed(),
            recording_space_low: crate::recording_loop::space_is_low(),
            recording_disk_stalled: crate::recording_loop::disk_is_stalled(),
        },
        totals: picture.totals.clone(),
        queues: queue_lines.collect(),
        seats: seat_lines.collect(),
        calls: live_calls(picture, board, roll).collect(),
        trunks: picture.trunks.clone(),
        emergencies: roll.emergencies.clone(),
        reasons: roll.reasons.clone(),
        missed: None,
        follow_ups: None,
        phones: picture.phones.clone(),
    }
}

/// Of each queue the seats that should be at work by their shift and are not.
fn missing_seats(
    picture: &Picture,
    board: &BoardReader,
    roll: &Roll,
    on_shift: &BTreeMap<SeatId, &str>,
) -> BTreeMap<QueueId, Vec<SeatId>> {
    let mut missing: BTreeMap<QueueId, Vec<SeatId>> = BTreeMap::new();
    let expected = roll.seats.iter();
    for named in expected.filter(|it| on_shift.contains_key(&it.id)) {
        let is_there = board.seat(named.index).is_some_and(|word| {
            word.intent != Intent::NotReady(Reason::LoggedOut)
                && word.device == Device::Registered
                && !picture.desks_lost.contains(&named.id)
        });
        let serves = roll.serves.get(&named.id).filter(|_| !is_there);
        for queue in serves.into_iter().flatten() {
            missing.entry(*queue).or_default().push(named.id);
        }
    }
    missing
}

fn count(seats: usize) -> u32 {
    u32::try_from(seats).unwrap_or(u32::MAX)
}

/// The live calls, those that wait with the time they will probably wait still.
fn live_calls(
    picture: &Picture,
    board: &BoardReader,
    roll: &Roll,
) -> impl Iterator<Item = CallLine> {
    let queues = roll.queues.iter();
    let tempos: BTreeMap<QueueId, Tempo> = queues
        .filter_map(|named| Some((named.id, board.queue(named.index)?.tempo?)))
        .collect();
    picture.live_calls.iter().cloned().map(move |mut call| {
        let place = call.position.and_then(|place| usize::try_from(place).ok());
        let tempo = call.queue.and_then(|queue| tempos.get(&queue));
        if let (Some(place), Some(tempo)) = (place, tempo) {
            call.expected_wait = Some(wait_line(tempo.expects(place)));
        }
        call
    })
}

/// The wait of a caller who came now: none where a seat is ready.
fn wait_of_next(queue: &QueueWord) -> Option<WaitLine> {
    if queue.ready_seats > 0 {
        return Some(WaitLine { from_s: 0, to_s: 0 });
    }
    let place = usize::try_from(queue.waiting).ok()?.saturating_add(1);
    queue.tempo.map(|tempo| wait_line(tempo.expects(place)))
}

/// In whole seconds, the end rounded up.
fn wait_line(wait: ExpectedWait) -> WaitLine {
    WaitLine {
        from_s: wait.from.as_secs(),
        to_s: wait.to.as_secs_f64().ceil() as u64,
    }
}

/// Says what monitoring asks of each queue; of those measured before that are gone, nothing.
fn measure(queues: &[QueueLine], before: &BTreeSet<QueueId>) -> BTreeSet<QueueId> {
    for line in queues {
        gauges(line).set(line.queue);
    }
    let now: BTreeSet<QueueId> = queues.iter().map(|line| line.queue).collect();
    for &gone in before.difference(&now) {
        Gauges::default().set(gone);
    }
    now
}

/// What monitoring asks of a queue; `None`: not known, or no such queue any more.
#[derive(Default)]
struct Gauges([Option<f64>; GAUGES.len()]);

const GAUGES: [&str; 8] = [
    "hotline_queue_waiting",
    "hotline_queue_staffed",
    "hotline_queue_answer_rate",
    "hotline_queue_in_15s_rate",
    "hotline_queue_quarter_answer_rate",
    "hotline_queue_quarter_in_15s_rate",
    "hotline_queue_seats_missing",
    "hotline_queue_alert",
];

fn gauges(queue: &QueueLine) -> Gauges {
    let more = queue.forecast.and_then(|forecast| forecast.more);
    Gauges([
        Some(queue.waiting.into()),
        Some(queue.staffed.into()),
        queue.answer_rate,
        queue.in_15s_rate,
        queue.quarter.answer_rate,
        queue.quarter.in_15s_rate,
        more.map(f64::from),
        Some(u8::from(queue.alert.is_some()).into()),
    ])
}

impl Gauges {
    fn set(self, queue: QueueId) {
        for (metric, value) in GAUGES.into_iter().zip(self.0) {
            // Not a number where it is not known: a gauge that stood still would lie.
            let gauge = metrics::gauge!(metric, "queue" => queue.to_string());
            gauge.set(value.unwrap_or(f64::NAN));
        }
    }
}

/// `GET /api/v1/wallboard`
pub async fn wallboard(State(app): State<Arc<App>>, who: Who) -> Response {
    let json = app.wallboard.borrow().for_role(who.role).to_owned();
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

/// The desk of an agent whose page follows the stream: the signalling thread knows from when on and
/// until when.
struct Desk {
    seat: SeatId,
    doors: Arc<Doors>,
}

impl Desk {
    /// `None` where the signalling thread is too far behind to be told.
    fn open(seat: SeatId, doors: Arc<Doors>) -> Option<Self> {
        doors.desks.push((seat, true)).ok()?;
        doors.bell.notify_one();
        Some(Self { seat, doors })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if self.doors.desks.push((self.seat, false)).is_err() {
            tracing::error!(seat = %self.seat, "an agent's page ended, and nobody could be told");
        }
        self.doors.bell.notify_one();
    }
}

/// `GET /api/v1/stream`: `wallboard` at each change, `happened` for each journal record; agents are
/// told nothing that betrays a silent guest, and not what is said about them.
pub async fn stream(
    State(app): State<Arc<App>>,
    who: Who,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (role, own) = (who.role, who.seat);
    let key = Sessions::key(&headers).ok_or_else(ApiError::not_signed_in)?;
    let own_desk = own.filter(|_| role == Role::Agent);
    let place = PLACES
        .take(own_desk)
        .ok_or_else(|| ApiError::unavailable("too-many-streams", "too many live streams"))?;
    let desk = own_desk.map(|own| {
        let behind = || ApiError::unavailable("too-busy", "the engine is too busy");
        Desk::open(own, app.doors.clone()).ok_or_else(behind)
    });
    let desk = desk.transpose()?;
    let wallboards = WatchStream::new(app.wallboard.clone())
        .map(move |it| vec![Sse::default().event("wallboard").data(it.for_role(role))]);
    let records =
        BroadcastStream::new(app.story.records.subscribe()).map(move |group| match group {
            Ok(group) => group
                .iter()
                .filter(|it| !it.stamped.event.is_for_audit())
                .filter(|it| role == Role::Supervisor || it.stamped.event.is_for_agent(own))
                .filter_map(|record| {
                    let json = serde_json::to_string(&record.masked()).ok()?;
                    Some(Sse::default().event("happened").data(json))
                })
                .collect(),
            // The reader was too slow: it is told, and reads the list instead.
            Err(BroadcastStreamRecvError::Lagged(groups)) => {
                vec![Sse::default().event("missed").data(groups.to_string())]
            }
        });
    let mut stop = app.stop.clone();
    let stopped = async move {
        tokio::select! {
            _ = stop.wait_for(|&stop| stop) => {}
            () = app.sessions.over(key) => {}
        }
    };
    let events = until(wallboards.merge(records), stopped, (place, desk));
    let sse = axum::response::Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(header::CACHE_CONTROL, "no-store")], sse).into_response())
}

/// The events one by one, until the engine stops or the session is over.
fn until(
    groups: impl Stream<Item = Vec<Sse>> + Send + 'static,
    stopped: impl Future<Output = ()> + Send + 'static,
    kept: (Place<'static>, Option<Desk>),
) -> impl Stream<Item = Result<Sse, Infallible>> + Send {
    let (to_reader, events) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        let _kept = kept;
        let work = async {
            let mut groups = std::pin::pin!(groups);
            while let Some(group) = groups.next().await {
                for event in group {
                    if to_reader.send(Ok(event)).await.is_err() {
                        return;
                    }
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = stopped => {}
            () = to_reader.closed() => {}
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(events)
}
