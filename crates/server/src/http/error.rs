//! Errors of the API: what is wrong, and what to do about it.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A refusal.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    help: &'static str,
}

impl ApiError {
    /// A refusal with its status, its word for programs and its sentence for people.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        help: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            help,
        }
    }

    /// Nobody is signed in.
    pub fn not_signed_in() -> Self {
        let help = "POST /api/v1/session with user and password";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not-signed-in",
            "sign in first / 请先登录",
            help,
        )
    }

    /// Signed in, but not allowed.
    pub fn forbidden(message: &str) -> Self {
        let help = "ask a supervisor / 请联系班长";
        Self::new(StatusCode::FORBIDDEN, "forbidden", message, help)
    }

    /// There is no such thing.
    pub fn not_found(code: &'static str, message: String, help: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message, help)
    }

    /// What was sent cannot be understood.
    pub fn bad_request(code: &'static str, message: String, help: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, help)
    }

    /// Too much at once, or a part is down: try again.
    pub fn unavailable(code: &'static str, message: &str) -> Self {
        let help = "try again in a moment / 请稍后再试";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message, help)
    }
}

impl From<hotline_store::tables::TablesError> for ApiError {
    fn from(error: hotline_store::tables::TablesError) -> Self {
        tracing::error!(%error, "the tables did not answer");
        Self::unavailable("tables-down", "the call records cannot be read now")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error": {
            "code": self.code, "message": self.message, "help": self.help,
        }});
        (self.status, Json(body)).into_response()
    }
}

/// A path below `/api/v1` that does not exist.
pub async fn no_such_route() -> ApiError {
    let help = "GET /api/v1/openapi.json lists what there is";
    ApiError::not_found(
        "route-unknown",
        "there is nothing at this path".to_owned(),
        help,
    )
}
