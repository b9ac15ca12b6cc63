//! The API as a page uses it: a session, and where the telephone's socket is.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Try;

/// A user who is signed in.
#[derive(Clone)]
pub struct Page {
    /// Where the pages are.
    pub at: SocketAddr,
    token: String,
}

impl Page {
    /// Signs in.
    ///
    /// # Errors
    /// What the engine says to it.
    pub async fn sign_in(at: SocketAddr, user: &str, password: &str) -> Try<Self> {
        let mut page = Self {
            at,
            token: String::new(),
        };
        let body = json!({ "user": user, "password": password });
        let answer = page.post("/api/v1/session", &body).await?;
        let token = answer.get("token").and_then(Value::as_str);
        page.token = token.ok_or("no token")?.to_owned();
        Ok(page)
    }

    /// What shows a WebSocket whose session this is.
    pub fn cookie(&self) -> String {
        format!("hotline_session={}", self.token)
    }

    /// Where SIP is spoken by WebSocket in the clear.
    ///
    /// # Errors
    /// Where it is not.
    pub async fn socket(&self) -> Try<SocketAddr> {
        let ports = self.ask("GET", "/api/v1/phone", "").await?;
        let port = ports.get("ws_port").and_then(Value::as_u64);
        let port = u16::try_from(port.ok_or("no ws_port")?)?;
        match port {
            0 => Err("the engine serves no WebSocket".into()),
            port => Ok(SocketAddr::new(self.at.ip(), port)),
        }
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// What the engine says to it, where it does not do it.
    pub async fn post(&self, path: &str, body: &Value) -> Try<Value> {
        self.ask("POST", path, &body.to_string()).await
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Try<Value> {
        let mut stream = TcpStream::connect(self.at).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.at,
            self.cookie(),
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        if !status.starts_with('2') {
            return Err(format!("{method} {path}: {status} {body}").into());
        }
        Ok(serde_json::from_str(body).unwrap_or_default())
    }
}
