//! The ways a phone's SIP goes: a browser's WebSocket (RFC 7118), or UDP.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{Page, Try};

/// Longest message.
const MESSAGE_BYTES: usize = 65_536;

enum Way {
    WebSocket(Box<WebSocketStream<TcpStream>>),
    Udp(UdpSocket),
}

/// A line to the engine.
pub struct Line {
    way: Way,
    /// The engine, as its address is said in SIP.
    pub server: SocketAddr,
    /// Transport and address of a Via.
    pub via: String,
    /// What is behind the user in a Contact.
    pub reached_at: String,
}

impl Line {
    /// A browser's, with the session of `page`.
    pub async fn web_socket(page: &Page, unique: &str) -> Try<Self> {
        let server = page.socket().await?;
        let mut request = format!("ws://{server}/").into_client_request()?;
        for (name, value) in [
            ("Sec-WebSocket-Protocol", "sip".to_owned()),
            ("Origin", format!("http://{}", page.at)),
            ("Cookie", page.cookie()),
        ] {
            request.headers_mut().insert(name, value.parse()?);
        }
        let stream = TcpStream::connect(server).await?;
        let (socket, answer) = client_async(request, stream).await?;
        let spoken = answer.headers().get("Sec-WebSocket-Protocol");
        if spoken != Some(&HeaderValue::from_static("sip")) {
            return Err("the WebSocket does not speak sip".into());
        }
        // A browser does not know its address (RFC 7118 §5).
        Ok(Self {
            way: Way::WebSocket(Box::new(socket)),
            server,
            via: format!("WS {unique}.invalid"),
            reached_at: format!("{unique}.invalid;transport=ws"),
        })
    }

    /// By UDP from a free port of the loopback.
    pub async fn udp(server: SocketAddr) -> Try<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        socket.connect(server).await?;
        let own = socket.local_addr()?;
        Ok(Self {
            way: Way::Udp(socket),
            server,
            via: format!("UDP {own}"),
            reached_at: own.to_string(),
        })
    }

    /// Says a message.
    pub async fn say(&mut self, text: String) -> Try<()> {
        match &mut self.way {
            Way::WebSocket(socket) => socket.send(Message::text(text)).await?,
            Way::Udp(socket) => drop(socket.send(text.as_bytes()).await?),
        }
        Ok(())
    }

    /// The next message. May be given up and asked for again.
    pub async fn hear(&mut self) -> Try<String> {
        match &mut self.way {
            Way::WebSocket(socket) => loop {
                match socket.next().await.ok_or("the WebSocket is closed")?? {
                    Message::Text(text) => return Ok(text.as_str().to_owned()),
                    Message::Close(why) => return Err(format!("closed: {why:?}").into()),
                    // The library answers a ping by itself.
                    _ => {}
                }
            },
            Way::Udp(socket) => {
                let mut buffer = vec![0; MESSAGE_BYTES];
                let length = socket.recv(&mut buffer).await?;
                buffer.truncate(length);
                Ok(String::from_utf8(buffer)?)
            }
        }
    }
}
