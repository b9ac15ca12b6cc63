//! The sound of a call or of a message: journalled before the first byte leaves, opened on the way
//! where it is sealed.

use std::{fs::File, io, ops::RangeInclusive, path::Path as FilePath, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use hotline_model::{
    CallId,
    event::{Event, Stamped},
};
use hotline_store::Record;
use tokio::{sync::broadcast, task::spawn_blocking};
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::{
    App,
    error::ApiError,
    records::{find, may_see},
    session::Who,
};
use crate::{
    store_loop::stamped,
    vault::{Keys, Sealed, is_sealed},
};

/// Longest wait for the journal to have the access on the disk.
const JOURNALLED_WITHIN: Duration = Duration::from_secs(5);

/// `GET /api/v1/calls/{call}/recording`: the WAV. Who fetched it is journalled.
pub async fn recording(
    State(app): State<Arc<App>>,
    who: Who,
    Path(call): Path<u64>,
    request: Request,
) -> Result<Response, ApiError> {
    let row = find(&app, call).await?;
    may_see(&who, &row)?;
    let file = row.recording.ok_or_else(|| none(call))?;
    let event = Event::RecordingFetched {
        call: CallId(call),
        file: file.clone(),
        by: who.user,
    };
    let fetched = Fetched {
        call: CallId(call),
        file,
        event,
    };
    serve(&app, fetched, || none(call), request).await
}

/// A file of sound that is asked for.
pub(super) struct Fetched {
    /// Its call.
    pub(super) call: CallId,
    /// File name inside the recordings folder.
    pub(super) file: String,
    /// What the journal is told before the first byte leaves.
    pub(super) event: Event,
}

/// Answers with the file or the range of it that was asked for; with `none` where it is not there.
pub(super) async fn serve(
    app: &App,
    fetched: Fetched,
    none: impl Fn() -> ApiError,
    request: Request,
) -> Result<Response, ApiError> {
    let Fetched { call, file, event } = fetched;
    // The name comes from our own journal; it is checked all the same before it becomes a path.
    if file.contains(['/', '\\']) || file.starts_with('.') {
        return Err(none());
    }
    let path = app.recordings.join(&file);
    let keys = app.keys.clone();
    let sealed = {
        let (path, file) = (path.clone(), file.clone());
        blocking(move || open(&path, &file, keys.as_deref())).await
    };
    let sealed = sealed.map_err(|error| refused(call, &error, &none))?;
    if sealed.as_ref().is_some_and(|sealed| !sealed.is_complete()) {
        return Err(unfinished());
    }
    journalled(app, event).await?;
    let response = match sealed {
        Some(sealed) => unsealed(sealed, request.headers(), call, &none).await?,
        None => {
            let served = ServeFile::new(path).oneshot(request).await.into_response();
            if served.status() == StatusCode::NOT_FOUND {
                return Err(none());
            }
            served
        }
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], response).into_response())
}

fn none(call: u64) -> ApiError {
    let help = "only calls that a human answered are recorded";
    let message = format!("call {call} has no recording");
    ApiError::not_found("no-recording", message, help)
}

fn unfinished() -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "recording-unfinished",
        "the recording has no end yet / 录音尚未完成",
        "it is still being made, or was cut by a failure: then the next start gives it an end",
    )
}

/// Why a recording cannot be opened: the log says it exactly.
fn refused(call: CallId, error: &io::Error, none: impl Fn() -> ApiError) -> ApiError {
    tracing::error!(call = call.0, %error, "a recording cannot be opened");
    match error.kind() {
        io::ErrorKind::NotFound => none(),
        _ => ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "recording-damaged",
            "the recording cannot be opened / 录音无法打开",
            "the engine's log says why: its key is missing, or it was changed on the disk",
        ),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The recording, where it is a sealed one.
fn open(path: &FilePath, file: &str, keys: Option<&Keys>) -> io::Result<Option<Sealed>> {
    let mut opened = File::open(path)?;
    if !is_sealed(&mut opened)? {
        return Ok(None);
    }
    let keys = keys.ok_or_else(|| io::Error::other("no key file is configured"))?;
    let sealed = Sealed::open(opened, keys)?;
    if sealed.name() != file {
        let why = format!(
            "{file} is the recording {} under another name",
            sealed.name()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(Some(sealed))
}

/// Returns when the event is in the journal and on the disk: what cannot be recorded cannot be
/// allowed.
pub(super) async fn journalled(app: &App, event: Event) -> Result<u64, ApiError> {
    let full = || ApiError::unavailable("journal-full", "the access cannot be recorded now");
    let mut committed = app.story.records.subscribe();
    let stamped = stamped(app.epoch, event);
    app.doors.events.push(stamped.clone()).map_err(|_| full())?;
    app.doors.journal_bell.notify_one();
    let waited = tokio::time::timeout(JOURNALLED_WITHIN, written(&mut committed, &stamped)).await;
    waited.ok().flatten().ok_or_else(full)
}

/// Waits until the event is among what was committed.
async fn written(
    committed: &mut broadcast::Receiver<Arc<Vec<Record>>>,
    event: &Stamped,
) -> Option<u64> {
    loop {
        match committed.recv().await {
            Ok(group) => {
                if let Some(record) = group.iter().find(|record| record.stamped == *event) {
                    return Some(record.seq);
                }
            }
            // It may have been among those that were missed: nobody can say.
            Err(_) => return None,
        }
    }
}

/// The WAV of a sealed recording, or the part that was asked for.
async fn unsealed(
    mut sealed: Sealed,
    headers: &HeaderMap,
    call: CallId,
    none: impl Fn() -> ApiError,
) -> Result<Response, ApiError> {
    let total = sealed.wav_bytes();
    let asked = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    let range = match asked.map(|range| part(range, total)) {
        None | Some(Asked::Whole) => None,
        Some(Asked::Part(range)) => Some(range),
        Some(Asked::Nothing) => {
            let status = StatusCode::RANGE_NOT_SATISFIABLE;
            let size = [(header::CONTENT_RANGE, format!("bytes */{total}"))];
            return Ok((status, size).into_response());
        }
    };
    let (from, to) = range
        .clone()
        .unwrap_or(0..=total.saturating_sub(1))
        .into_inner();
    let sealed = blocking(move || sealed.seek(from).map(|()| sealed))
        .await
        .map_err(|error| refused(call, &error, &none))?;
    let pieces = stream::try_unfold(sealed, move |mut sealed| async move {
        blocking(move || Ok(cut(&mut sealed, from, to)?.map(|piece| (piece, sealed))))
            .await
            .inspect_err(|error| tracing::error!(%error, "a recording broke off"))
    });
    let mut response = Body::from_stream(pieces).into_response();
    let set = response.headers_mut();
    set.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("audio/wav"),
    );
    set.insert(
        header::ACCEPT_RANGES,
        header::HeaderValue::from_static("bytes"),
    );
    set.insert(header::CONTENT_LENGTH, (to + 1 - from).into());
    if range.is_some() {
        if let Ok(range) = format!("bytes {from}-{to}/{total}").try_into() {
            set.insert(header::CONTENT_RANGE, range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// The next piece, without what lies outside of the range.
fn cut(sealed: &mut Sealed, from: u64, to: u64) -> io::Result<Option<Bytes>> {
    while sealed.position() <= to {
        let begins = sealed.position();
        let Some(piece) = sealed.next_piece()? else {
            // The length was promised: a body that is too short must not look whole.
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let length = piece.len() as u64;
        let first = from.saturating_sub(begins).min(length) as usize;
        let last = (to + 1 - begins).min(length) as usize;
        if first < last {
            return Ok(Some(Bytes::from(piece).slice(first..last)));
        }
    }
    Ok(None)
}

/// What a Range header asks for (RFC 9110 §14.2).
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing understood, or several at once: all of it.
    Whole,
    Part(RangeInclusive<u64>),
    /// Beyond the end.
    Nothing,
}

fn part(range: &str, total: u64) -> Asked {
    let Some((from, to)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Asked::Whole;
    };
    let last = total.saturating_sub(1);
    let range = match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..=to.min(last),
        (Ok(from), Err(_)) if to.trim().is_empty() => from..=last,
        (Err(_), Ok(0)) if from.trim().is_empty() => return Asked::Nothing,
        (Err(_), Ok(suffix)) if from.trim().is_empty() => total.saturating_sub(suffix)..=last,
        _ => return Asked::Whole,
    };
    if range.is_empty() {
        return Asked::Nothing;
    }
    Asked::Part(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_its_header_says() {
        for (range, asked) in [
            ("bytes=0-", Asked::Part(0..=999)),
            ("bytes=0-0", Asked::Part(0..=0)),
            ("bytes=10-5000", Asked::Part(10..=999)),
            ("bytes=-10", Asked::Part(990..=999)),
            ("bytes=-5000", Asked::Part(0..=999)),
            ("bytes=1000-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=7-3", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("bytes=x-y", Asked::Whole),
        ] {
            assert_eq!(part(range, 1_000), asked, "{range}");
        }
    }
}
