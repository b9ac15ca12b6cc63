//! What the routes have in common that ask the signalling thread for something: the body, the way
//! through a gate, the answer.

use std::time::Duration;

use axum::{Json, extract::rejection::JsonRejection};
use hotline_calls::gate::Gate;
use tokio::{sync::oneshot, time::timeout};

use super::{App, error::ApiError};

/// Longest wait for the signalling thread; it answers in well under a millisecond.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A body, or what is wrong with it.
pub type Body<T> = Result<Json<T>, JsonRejection>;

/// The body, or what it should be.
pub fn read<T>(body: Body<T>, help: &'static str) -> Result<T, ApiError> {
    let Json(read) = body.map_err(|e| ApiError::bad_request("body", e.body_text(), help))?;
    Ok(read)
}

/// Hands to the signalling thread what is made with the way back, and waits for the answer.
pub async fn through<A, T>(
    app: &App,
    gate: &Gate<A>,
    asked: impl FnOnce(oneshot::Sender<T>) -> A,
) -> Result<T, ApiError> {
    let (answer, answered) = oneshot::channel();
    if gate.submit(asked(answer)).is_err() {
        let what = "too many requests at once";
        return Err(ApiError::unavailable("gate-full", what));
    }
    app.doors.bell.notify_one();
    match timeout(ANSWER_WITHIN, answered).await {
        Ok(Ok(answer)) => Ok(answer),
        _ => Err(ApiError::unavailable(
            "no-answer",
            "the engine did not answer in time",
        )),
    }
}
