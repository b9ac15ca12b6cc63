//! The HTTP API, version 1, and the pages. Shapes: `GET /api/v1/openapi.json`.

mod ask;
mod blocks;
mod config;
mod error;
mod figures;
mod hands;
mod live;
mod messages;
mod next_task;
mod openapi;
mod pages;
mod phone;
mod places;
mod recording;
mod records;
mod seats;
mod session;
mod talks;
mod tasks;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Instant as StdInstant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hotline_model::limits;
use hotline_store::Tables;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    config::accounts::Accounts,
    reload::{Reloader, roll::Roll},
    signalling_loop::Doors,
    store_loop::Story,
    vault::Keys,
};
pub use live::{Painted, paint_wallboards};
pub use phone::Sockets;
pub use session::{Seated, Sessions};

/// What every request may need.
pub struct App {
    /// The doors to the signalling thread.
    pub doors: Arc<Doors>,
    /// Lists and searches.
    pub tables: Tables,
    /// What happens.
    pub story: Story,
    /// Who may sign in.
    pub accounts: watch::Receiver<Arc<Accounts>>,
    /// The seats and queues by name.
    pub roll: watch::Receiver<Arc<Roll>>,
    /// The settings in force.
    pub reloader: Arc<Reloader>,
    /// Who has.
    pub sessions: Arc<Sessions>,
    /// Folder of the recordings.
    pub recordings: PathBuf,
    /// The keys of sealed recordings.
    pub keys: Option<Arc<Keys>>,
    /// The monotonic clock's zero.
    pub epoch: StdInstant,
    /// The newest wallboard.
    pub wallboard: watch::Receiver<Painted>,
    /// Rises when the engine takes no more calls.
    pub draining: watch::Receiver<bool>,
    /// Rises when the engine stops: long answers end.
    pub stop: watch::Receiver<bool>,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// Where browsers' phones connect.
    pub phone: Sockets,
}

/// All routes.
pub fn router(app: Arc<App>) -> Router {
    let policy = pages::policy(app.phone);
    let api = Router::new()
        .route(
            "/session",
            post(session::sign_in)
                .get(session::who)
                .delete(session::sign_out),
        )
        .route("/wallboard", get(live::wallboard))
        .route("/stream", get(live::stream))
        .route("/seats", get(seats::list))
        .route("/seats/{seat}/ready", post(seats::ready))
        .route("/seats/{seat}/not-ready", post(seats::not_ready))
        .route("/seats/{seat}/wrap-up/end", post(seats::end_wrap_up))
        .route("/seats/{seat}/sign-out", post(seats::sign_out))
        .route("/seats/{seat}/emergency", post(talks::emergency))
        .route("/seats/{seat}/wrap-up/extend", post(seats::extend_wrap_up))
        .route("/seats/{seat}/transfer", post(seats::transfer))
        .route("/seats/{seat}/dial", post(seats::dial))
        .route("/seats/{seat}/supervise", post(talks::supervise))
        .route("/seats/{seat}/supervise/end", post(talks::end_supervision))
        .route("/seats/{seat}/consult", post(talks::consult))
        .route("/seats/{seat}/consult/merge", post(talks::merge))
        .route("/seats/{seat}/consult/complete", post(talks::complete))
        .route("/seats/{seat}/consult/cancel", post(talks::cancel))
        .route("/seats/{seat}/card-entry", post(talks::card_entry))
        .route("/seats/{seat}/recording/pause", post(talks::pause))
        .route("/seats/{seat}/recording/resume", post(talks::resume))
        .route("/queues", get(seats::queues))
        .route("/config/reload", post(config::reload))
        .route("/phone", get(phone::sockets))
        .route("/calls", get(records::calls))
        .route("/calls/{call}", get(records::call))
        .route("/calls/{call}/waiting", get(hands::waiting))
        .route("/calls/{call}/priority", post(hands::priority))
        .route("/calls/{call}/queue", post(hands::queue))
        .route("/calls/{call}/seat", post(hands::seat))
        .route("/calls/{call}/recording", get(recording::recording))
        .route("/messages", get(messages::list))
        .route("/messages/{id}/recording", get(messages::recording))
        .route("/messages/{id}/settle", post(messages::settle))
        .route("/tasks", get(tasks::list).post(tasks::add))
        .route("/tasks/next", post(next_task::next))
        .route("/tasks/{task}", get(tasks::task))
        .route("/tasks/{task}/result", post(next_task::result))
        .route("/tasks/{task}/reveal", post(next_task::reveal))
        .route("/tasks/{task}/take", post(tasks::take))
        .route("/tasks/{task}/let-go", post(tasks::let_go))
        .route("/tasks/{task}/close", post(tasks::close))
        .route("/blocks", get(blocks::list).post(blocks::propose))
        .route("/blocks/{block}/approve", post(blocks::approve))
        .route("/blocks/{block}/refuse", post(blocks::refuse))
        .route("/blocks/{block}/lift", post(blocks::lift))
        .route("/adherence", get(figures::adherence))
        .route("/kpi", get(figures::kpi))
        .route("/cases", get(records::cases))
        .route("/cases/{number}", get(records::case))
        .route("/openapi.json", get(openapi::document))
        .fallback(error::no_such_route);
    Router::new()
        .nest("/api/v1", api)
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(pages::page)
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY_BYTES))
        .layer(middleware::from_fn_with_state(policy, guard))
        .with_state(app)
}

/// Serves until `stop` rises.
pub async fn serve(listener: TcpListener, app: Arc<App>) -> std::io::Result<()> {
    let mut stop = app.stop.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let _ = stop.wait_for(|&stop| stop).await;
        })
        .await
}

/// Whether calls can be taken: 503 while the engine drains.
async fn ready(State(app): State<Arc<App>>) -> Response {
    if *app.draining.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    "ready\n".into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> String {
    metrics::gauge!("hotline_events_waiting").set(app.doors.events.len() as f64);
    app.metrics.render()
}

/// Headers that keep a browser from doing what a page of ours never asks for.
async fn guard(State(policy): State<HeaderValue>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
