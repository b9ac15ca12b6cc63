//! The sound of a plain phone: RTP over UDP, in the clear.

use std::{net::SocketAddr, sync::Arc};

use tokio::{net::UdpSocket, sync::watch, task::JoinHandle, time::interval};

use super::{
    Try,
    messages::{media_port, sdp},
    phone::Handset,
    tone::{PACKET_SAMPLES, PCMA, TICK},
};

/// Bytes of an RTP header without extensions (RFC 3550 §5.1).
const HEAD_BYTES: usize = 12;

/// A socket and what is said over it.
pub struct Plain {
    address: SocketAddr,
    to: watch::Sender<Option<SocketAddr>>,
    tasks: [JoinHandle<()>; 2],
}

impl Plain {
    /// Opens one on the loopback.
    ///
    /// # Errors
    /// What the kernel says to it.
    pub async fn open(handset: &Handset) -> Try<Self> {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let address = socket.local_addr()?;
        let (to, whom) = watch::channel(None);
        let voice = tokio::spawn(speak(socket.clone(), handset.clone(), whom));
        let ear = tokio::spawn(listen(socket, handset.clone()));
        Ok(Self {
            address,
            to,
            tasks: [voice, ear],
        })
    }

    /// Its own session; on hold only the phone would speak (RFC 3264 §8.4).
    pub fn session(&self, hold: bool) -> String {
        let session = sdp(self.address);
        if hold {
            session.replace("a=sendrecv", "a=sendonly")
        } else {
            session
        }
    }

    /// The other side's session says whom it speaks to.
    pub fn learns(&self, session: &str) -> Try<()> {
        let port = media_port(session).ok_or("no port in the session")?;
        self.to
            .send_replace(Some(SocketAddr::from(([127, 0, 0, 1], port))));
        Ok(())
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A packet of RTP in the clear.
pub fn packet(number: u32, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(HEAD_BYTES + payload.len());
    packet.extend_from_slice(&[0x80, PCMA]);
    packet.extend_from_slice(&(number as u16).to_be_bytes());
    packet.extend_from_slice(&number.wrapping_mul(PACKET_SAMPLES as u32).to_be_bytes());
    packet.extend_from_slice(&stream.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

async fn speak(
    socket: Arc<UdpSocket>,
    handset: Handset,
    mut whom: watch::Receiver<Option<SocketAddr>>,
) {
    if whom.wait_for(Option::is_some).await.is_err() {
        return;
    }
    let stream = u32::from(socket.local_addr().map_or(0, |own| own.port()));
    let mut tick = interval(TICK);
    for number in 0_u32.. {
        tick.tick().await;
        let to = *whom.borrow_and_update();
        if let Some(to) = to {
            let _ = socket
                .send_to(&packet(number, stream, &handset.says()), to)
                .await;
        }
    }
}

async fn listen(socket: Arc<UdpSocket>, handset: Handset) {
    let mut packet = [0; 2_048];
    // A port that is closed over there is told as a fault of this socket: the sound goes on.
    loop {
        let Ok((length, _)) = socket.recv_from(&mut packet).await else {
            continue;
        };
        if let Some(([first, kind, high, low, ..], payload)) = packet
            .get(..length)
            .and_then(|all| all.split_first_chunk::<HEAD_BYTES>())
            && (*first, *kind & 0x7f) == (0x80, PCMA)
        {
            handset.hears(u16::from_be_bytes([*high, *low]), payload);
        }
    }
}
