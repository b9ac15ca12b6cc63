//! What happens now: the wallboard as one picture, and as a stream (SSE).

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant as StdInstant},
};

use axum::{
    extract::State,
    http::header,
    response::{
        IntoResponse, Response,
        sse::{Event as Sse, KeepAlive},
    },
};
use hotline_calls::board::BoardReader;
use hotline_model::{Instant, event::TrunkState, seat::Work};
use hotline_store::{
    Wallboard,
    wallboard::{EngineLine, GuestLine, QueueLine, SeatLine, intent_words},
};
use tokio::sync::watch;
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, WatchStream, errors::BroadcastStreamRecvError},
};

use super::{App, error::ApiError, session::Who};
use crate::{config::accounts::Role, reload::roll::Roll, store_loop::Picture};
use hotline_model::limits::LIVE_STREAMS;

/// How often the stream says that it lives, when nothing else is said.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

static STREAMS: AtomicUsize = AtomicUsize::new(0);

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
    fn of(wallboard: Wallboard) -> Option<Self> {
        let all: Arc<str> = serde_json::to_string(&wallboard).ok()?.into();
        let mut guests = wallboard.calls.iter().flat_map(|call| &call.guests);
        // Seldom is anything kept from anybody, and nothing is written twice then.
        let for_agents = if guests.all(GuestLine::is_open) {
            Arc::clone(&all)
        } else {
            serde_json::to_string(&wallboard.for_agents()).ok()?.into()
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
    board: BoardReader,
    roll: watch::Receiver<Arc<Roll>>,
    epoch: StdInstant,
    canvas: watch::Sender<Painted>,
) {
    loop {
        let picture = pictures.borrow_and_update().clone();
        for line in &picture.trunks {
            let down = f64::from(u8::from(line.state == TrunkState::Down));
            metrics::gauge!("hotline_trunk_down", "trunk" => line.trunk.to_string()).set(down);
        }
        let names = roll.borrow().clone();
        let wallboard = compose(&picture, &board, &names, epoch);
        if let Some(painted) = Painted::of(wallboard) {
            canvas.send_replace(painted);
        }
        if pictures.changed().await.is_err() {
            return;
        }
    }
}

fn compose(picture: &Picture, board: &BoardReader, roll: &Roll, epoch: StdInstant) -> Wallboard {
    let now = Instant::from_start(epoch.elapsed());
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
        })
    });
    let queue_lines = roll.queues.iter().filter_map(|named| {
        let word = board.queue(named.index)?;
        if named.leaving && word.waiting + word.offering + word.talking == 0 {
            return None;
        }
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
            answer_rate: picture
                .queue_rates
                .get(&named.id)
                .and_then(|ratio| ratio.value()),
        })
    });
    Wallboard {
        at: picture.at,
        engine: EngineLine {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            up_s: epoch.elapsed().as_secs(),
            recording_gaps: crate::recording_loop::gaps(),
            recordings_failed: crate::recording_loop::failed(),
            recording_space_low: crate::recording_loop::space_is_low(),
        },
        totals: picture.totals.clone(),
        queues: queue_lines.collect(),
        seats: seat_lines.collect(),
        calls: picture.live_calls.clone(),
        trunks: picture.trunks.clone(),
        reasons: roll.reasons.clone(),
    }
}

/// `GET /api/v1/wallboard`
pub async fn wallboard(State(app): State<Arc<App>>, who: Who) -> Response {
    let json = app.wallboard.borrow().for_role(who.role).to_owned();
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

/// One open stream; its place is free again when it is dropped.
struct Seat;

impl Seat {
    fn take() -> Option<Self> {
        STREAMS
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
                (open < LIVE_STREAMS).then_some(open + 1)
            })
            .ok()
            .map(|_| Self)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        STREAMS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /api/v1/stream`: `wallboard` at each change, `happened` for each journal record; agents are
/// told of no silent guests.
pub async fn stream(State(app): State<Arc<App>>, who: Who) -> Result<Response, ApiError> {
    let role = who.role;
    let seat = Seat::take()
        .ok_or_else(|| ApiError::unavailable("too-many-streams", "too many live streams"))?;
    let wallboards = WatchStream::new(app.wallboard.clone())
        .map(move |it| vec![Sse::default().event("wallboard").data(it.for_role(role))]);
    let records =
        BroadcastStream::new(app.story.records.subscribe()).map(move |group| match group {
            Ok(group) => group
                .iter()
                .filter(|it| role == Role::Supervisor || !it.stamped.event.is_of_silent_guest())
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
        let _ = stop.wait_for(|&stop| stop).await;
    };
    let events = until(wallboards.merge(records), stopped, seat);
    let sse = axum::response::Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(header::CACHE_CONTROL, "no-store")], sse).into_response())
}

/// The events one by one, until the engine stops.
fn until(
    groups: impl Stream<Item = Vec<Sse>> + Send + 'static,
    stopped: impl Future<Output = ()> + Send + 'static,
    seat: Seat,
) -> impl Stream<Item = Result<Sse, Infallible>> + Send {
    let (to_reader, events) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        let _seat = seat;
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
