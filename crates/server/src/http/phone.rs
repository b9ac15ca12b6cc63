//! Where a browser finds the WebSocket of its phone, and the leave to open it.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use super::{App, session::Who};

/// The ports of SIP by WebSocket; 0 where it is not served.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sockets {
    /// In the clear: for a page of this machine, or behind a proxy that speaks TLS.
    pub ws_port: u16,
    /// Under TLS.
    pub wss_port: u16,
}

impl Sockets {
    /// What a page may open connections to (CSP3 §6.1.2): its own origin, and these ports of
    /// whichever name the page was reached by.
    pub fn sources(self) -> String {
        let mut sources = String::from("connect-src 'self'");
        for (scheme, port) in [("ws", self.ws_port), ("wss", self.wss_port)] {
            if port != 0 {
                sources += &format!(" {scheme}://*:{port}");
            }
        }
        sources
    }
}

/// `GET /api/v1/phone`
pub async fn sockets(State(app): State<Arc<App>>, _: Who) -> Json<Sockets> {
    Json(app.phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_open_the_sockets_that_are_served_and_no_others() {
        let sources = |ws_port, wss_port| Sockets { ws_port, wss_port }.sources();
        assert_eq!(sources(0, 0), "connect-src 'self'");
        assert_eq!(sources(0, 7443), "connect-src 'self' wss://*:7443");
        assert_eq!(
            sources(5080, 7443),
            "connect-src 'self' ws://*:5080 wss://*:7443"
        );
    }
}
