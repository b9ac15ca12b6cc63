//! The description of the API, for programs: OpenAPI 3.1.

use axum::Json;
use serde_json::{Value, json};

/// `GET /api/v1/openapi.json`
pub async fn document() -> Json<Value> {
    Json(description())
}

/// The description. A test compares its paths with the router's.
pub fn description() -> Value {
    serde_json::from_str(include_str!("openapi.json"))
        .unwrap_or_else(|error| json!({ "error": error.to_string() }))
}
