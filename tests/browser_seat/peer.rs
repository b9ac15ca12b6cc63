//! The sound of a browser: a peer connection of the `webrtc` crate with one track of A-law.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rtc::{
    ice::mdns::MulticastDnsMode,
    media_stream::MediaStreamTrack,
    peer_connection::{configuration::media_engine::MIME_TYPE_PCMA, transport::RTCDtlsRole},
    rtp,
    rtp_transceiver::rtp_sender::{
        RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
        RtpCodecKind,
    },
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{interval, timeout},
};
use webrtc::{
    media_stream::{
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
        RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription, Registry,
        SettingEngineBuilder, configure_rtcp_reports,
    },
    rtp_transceiver::RTCRtpTransceiverDirection,
};

use super::{
    Oddity, Try,
    phone::Handset,
    tap::Tap,
    tone::{PACKET_SAMPLES, PCMA, TICK},
};

/// Longest wait for the one candidate there is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes each stream another (RFC 3550 §8).
static STREAMS: AtomicU32 = AtomicU32::new(0x5ea7_0000);

/// A peer connection and what is said over it.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    voice: JoinHandle<()>,
    gathered: watch::Receiver<bool>,
    connected: watch::Receiver<bool>,
    tap: Arc<Tap>,
    oddity: Oddity,
}

impl Peer {
    /// Opens one on the loopback.
    ///
    /// # Errors
    /// What the library says to it.
    pub async fn open(handset: &Handset, oddity: Oddity) -> Try<Self> {
        let codec = RTCRtpCodec {
            mime_type: MIME_TYPE_PCMA.to_owned(),
            clock_rate: 8_000,
            ..RTCRtpCodec::default()
        };
        let mut media = MediaEngine::default();
        let spoken = RTCRtpCodecParameters {
            rtp_codec: codec.clone(),
            payload_type: PCMA,
        };
        media.register_codec(spoken, RtpCodecKind::Audio)?;
        // Names are not asked for, by a further socket each. And to one with ICE-lite the library
        // would leave the handshake's beginning, which a browser never does (RFC 8842 §5.3).
        let settings = SettingEngineBuilder::new()
            .with_answering_dtls_role(RTCDtlsRole::Client)
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .build();
        let (gathered, has_gathered) = watch::channel(false);
        let (connected, is_connected) = watch::channel(false);
        let events = Events {
            gathered,
            connected,
            handset: handset.clone(),
        };
        let tap = Arc::new(Tap::new()?);
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_setting_engine(settings)
            .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
            .with_handler(Arc::new(events))
            .with_runtime(tap.clone())
            .with_udp_addrs(vec![SocketAddr::from(([127, 0, 0, 1], 0))])
            .build()
            .await?;
        let stream = STREAMS.fetch_add(1, Ordering::Relaxed);
        let track = Arc::new(track(codec, stream));
        connection.add_track(track.clone()).await?;
        let voice = speak(track, stream, handset.clone(), is_connected.clone());
        Ok(Self {
            connection: Arc::new(connection),
            voice: tokio::spawn(voice),
            gathered: has_gathered,
            connected: is_connected,
            tap,
            oddity,
        })
    }

    /// A session to offer; on hold only the phone would speak (RFC 3264 §8.4).
    pub async fn offer(&mut self, hold: bool) -> Try<String> {
        for transceiver in self.connection.get_transceivers().await {
            let direction = if hold {
                RTCRtpTransceiverDirection::Sendonly
            } else {
                RTCRtpTransceiverDirection::Sendrecv
            };
            transceiver.set_direction(direction).await?;
        }
        let offer = self.connection.create_offer(None).await?;
        self.own(offer).await
    }

    /// The answer to an offer.
    pub async fn answer(&mut self, offer: &str) -> Try<String> {
        let offer = RTCSessionDescription::offer(offer.to_owned())?;
        self.connection.set_remote_description(offer).await?;
        let answer = self.connection.create_answer(None).await?;
        self.own(answer).await
    }

    /// The answer to its own offer came.
    pub async fn accept(&mut self, answer: &str) -> Try<()> {
        let answer = RTCSessionDescription::answer(answer.to_owned())?;
        Ok(self.connection.set_remote_description(answer).await?)
    }

    /// Puts the own session in force, and gives it with its candidate.
    async fn own(&mut self, session: RTCSessionDescription) -> Try<String> {
        self.connection.set_local_description(session).await?;
        timeout(PATIENCE, self.gathered.wait_for(|done| *done)).await??;
        let own = self.connection.local_description().await;
        let own = own.ok_or("no session of its own")?.sdp;
        match self.oddity {
            Oddity::None => Ok(own),
            Oddity::ForeignFingerprint => foreign(&own),
        }
    }

    /// Waits until ICE and DTLS are done.
    pub async fn connected(&mut self) -> Try<()> {
        timeout(PATIENCE, self.connected.wait_for(|up| *up)).await??;
        Ok(())
    }

    /// Sends these bytes out of the socket of the sound, past the library.
    pub fn slip(&self, bytes: &[u8], to: SocketAddr) -> Try<()> {
        self.tap.slip(bytes, to)
    }

    /// Ends it.
    pub async fn close(self) {
        self.voice.abort();
        let _ = self.connection.close().await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.voice.abort();
    }
}

/// The session with the fingerprint of a certificate that nobody has.
fn foreign(session: &str) -> Try<String> {
    let start = session
        .find("a=fingerprint:sha-256 ")
        .ok_or("no fingerprint")?;
    let (before, from) = session.split_at(start);
    let end = from.find('\r').ok_or("no end of line")?;
    let foreign = ["5A"; 32].join(":");
    let rest = from.get(end..).unwrap_or_default();
    Ok(format!("{before}a=fingerprint:sha-256 {foreign}{rest}"))
}

fn track(codec: RTCRtpCodec, stream: u32) -> TrackLocalStaticRTP {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(stream),
            ..RTCRtpCodingParameters::default()
        },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let name = format!("microphone-{stream:x}");
    let kind = RtpCodecKind::Audio;
    let track = MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![coding]);
    TrackLocalStaticRTP::new(track)
}

/// Speaks from the end of the handshake on.
async fn speak(
    track: Arc<TrackLocalStaticRTP>,
    stream: u32,
    handset: Handset,
    mut connected: watch::Receiver<bool>,
) {
    if connected.wait_for(|up| *up).await.is_err() {
        return;
    }
    let mut tick = interval(TICK);
    for number in 0_u32.. {
        tick.tick().await;
        let packet = rtp::Packet {
            header: rtp::Header {
                version: 2,
                payload_type: PCMA,
                sequence_number: number as u16,
                timestamp: number.wrapping_mul(PACKET_SAMPLES as u32),
                ssrc: stream,
                ..rtp::Header::default()
            },
            payload: handset.says(),
        };
        if track.write_rtp(packet).await.is_err() {
            return;
        }
    }
}

/// What the library tells.
struct Events {
    gathered: watch::Sender<bool>,
    connected: watch::Sender<bool>,
    handset: Handset,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Connected {
            self.connected.send_replace(true);
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let handset = self.handset.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event
                    && packet.header.payload_type == PCMA
                {
                    handset.hears(packet.header.sequence_number, &packet.payload);
                }
            }
        });
    }
}
