//! Messages that callers left (留言): a list, their sound, and what was done. For supervisors: a
//! voicemail is nobody's yet, and a remark is about an agent.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use hotline_model::{CallId, event::Event, limits::MESSAGE_NOTE_CHARS};
use hotline_store::{fold::MessageState, tables::MessageLine};
use serde::Deserialize;

use super::{
    App,
    ask::{Body, read},
    error::ApiError,
    recording::{Fetched, journalled, serve},
    records::{page, rows, supervisors_only},
    session::Who,
};

/// Which part of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesPage {
    state: Option<MessageState>,
    limit: Option<u32>,
    before: Option<String>,
}

/// Body of a settlement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    #[serde(default)]
    note: String,
}

/// `GET /api/v1/messages`
pub async fn list(
    State(app): State<Arc<App>>,
    who: Who,
    query: Result<Query<MessagesPage>, QueryRejection>,
) -> Result<Json<Vec<MessageLine>>, ApiError> {
    supervisors_only(&who)?;
    let help = "state is new, heard or done; limit is 1 to 500; before is the last row's id";
    let MessagesPage {
        state,
        limit,
        before,
    } = page(query, help)?;
    let before = match before.as_deref() {
        None => None,
        Some(id) => Some(number(id).ok_or_else(|| {
            ApiError::bad_request("query", format!("{id:?} is no message's id"), help)
        })?),
    };
    let list = app.tables.messages(state, rows(limit), before, false);
    Ok(Json(list.await?))
}

/// `GET /api/v1/messages/{id}/recording`: the WAV. Who fetched it is journalled.
pub async fn recording(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    supervisors_only(&who)?;
    let line = find(&app, &id).await?;
    let none = || {
        let help = "it could not be written: the journal's recording-failed says why";
        ApiError::not_found("no-recording", format!("message {id} has no sound"), help)
    };
    let event = Event::MessageHeard {
        call: line.row.call,
        message: line.row.message,
        file: line.row.file.clone(),
        by: who.user,
    };
    let fetched = Fetched {
        call: line.row.call,
        file: line.row.file,
        event,
    };
    serve(&app, fetched, none, request).await
}

/// `POST /api/v1/messages/{id}/settle`: what it asked for was done. Settled again, the last note
/// stands in the list, and all in the journal.
pub async fn settle(
    State(app): State<Arc<App>>,
    who: Who,
    Path(id): Path<String>,
    body: Body<Settled>,
) -> Result<StatusCode, ApiError> {
    supervisors_only(&who)?;
    let help = "send {\"note\": \"called back\"}; the note may be empty";
    let Settled { note } = read(body, help)?;
    let note = note.trim().to_owned();
    if note.chars().count() > MESSAGE_NOTE_CHARS {
        let what = format!("`note` has at most {MESSAGE_NOTE_CHARS} characters");
        return Err(ApiError::bad_request("note", what, help));
    }
    let line = find(&app, &id).await?;
    let event = Event::MessageSettled {
        call: line.row.call,
        message: line.row.message,
        by: who.user,
        note,
    };
    journalled(&app, event).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &App, id: &str) -> Result<MessageLine, ApiError> {
    let unknown = || {
        let help = "GET /api/v1/messages lists the messages";
        ApiError::not_found(
            "message-unknown",
            format!("there is no message {id:?}"),
            help,
        )
    };
    let (call, nth) = number(id).ok_or_else(unknown)?;
    let found = app.tables.message(call, nth, false).await?;
    found.ok_or_else(unknown)
}

/// An id as the list gives it: the call's number, a hyphen, and which message of the call.
fn number(id: &str) -> Option<(CallId, u32)> {
    let (call, nth) = id.split_once('-')?;
    Some((CallId(call.parse().ok()?), nth.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_call_and_a_number() {
        assert_eq!(number("17-2"), Some((CallId(17), 2)));
        for wrong in [
            "",
            "17",
            "-",
            "17-",
            "-2",
            "a-b",
            "17-2-3",
            "17--2",
            "99999999999999999999-1",
        ] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
