//! The pages, built by Vite and embedded in the program.

use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::Embed;

use super::phone::Sockets;

/// What a page may load: only what comes from here.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; media-src 'self' blob:; frame-ancestors 'none'";

/// The content security policy: what a page may load, and where its phone may connect.
pub fn policy(phone: Sockets) -> HeaderValue {
    let policy = format!("{POLICY}; {}", phone.sources());
    // Two constants and two numbers; should they ever not fit, the page loses its phone alone.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(POLICY))
}

#[derive(Embed)]
#[folder = "ui/dist"]
struct Pages;

/// Any path that is not the API: a file of the pages, or the page itself.
pub async fn page(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    match Pages::get(path) {
        Some(file) => {
            let mime = mime_guess::from_path(path).first_or_octet_stream();
            // Names under assets/ change with their content.
            let keep = if path.starts_with("assets/") {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            };
            let headers = [
                (header::CONTENT_TYPE, mime.as_ref()),
                (header::CACHE_CONTROL, keep),
            ];
            (headers, file.data).into_response()
        }
        None if path == "index.html" => {
            let text = "The pages are not built into this program: build it with `make build`.\n";
            (StatusCode::NOT_FOUND, text).into_response()
        }
        None => (StatusCode::NOT_FOUND, "not found\n").into_response(),
    }
}
