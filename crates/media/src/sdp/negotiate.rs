//! The offer/answer model (RFC 3264) for one audio stream.

use core::net::SocketAddr;

use sdp_types::{Media, Session};

use super::{
    Agreed, Direction, Local, SdpError,
    compose::{self, Stream},
    read::{self, Audio},
};
use crate::{Codec, FRAME_MS, Format};

/// Payload type under which we offer telephone-event: the number most phones use.
const OFFERED_DIGITS: u8 = 101;

/// The formats a session uses when nothing else is said, best first: what can be relayed, played
/// and recorded byte by byte.
pub const G711: &[Format] = &[Format::Pcma, Format::Pcmu];

/// An offer of one audio stream: G.711 with `prefer` first, and telephone-event.
pub fn offer(local: &Local, prefer: Codec, direction: Direction) -> Vec<u8> {
    let formats = match prefer {
        Codec::Pcma => [Format::Pcma, Format::Pcmu],
        Codec::Pcmu => [Format::Pcmu, Format::Pcma],
    };
    offer_of(local, &formats, direction)
}

/// An offer of one audio stream: these formats, best first, and telephone-event.
pub fn offer_of(local: &Local, formats: &[Format], direction: Direction) -> Vec<u8> {
    let formats: Vec<(u8, Format)> = formats
        .iter()
        .map(|&format| (format.payload_type(), format))
        .collect();
    let mut session = compose::session(local);
    session.medias.push(compose::stream(
        local.port,
        &Stream {
            proto: "RTP/AVP",
            formats: &formats,
            digits: Some(OFFERED_DIGITS),
            direction,
            rtcp_mux: false,
        },
    ));
    compose::print(&session)
}

/// The answer to an offer, and what was agreed: the first audio stream with G.711, A-law before
/// µ-law; every other stream is refused in its place. Hold is mirrored (RFC 3264 §8.4); the hold
/// of RFC 2543 (`c=0.0.0.0`) becomes inactive.
///
/// # Errors
/// When nothing of the offer can be used; [`SdpError::status`] says what to answer.
pub fn answer(body: &[u8], local: &Local) -> Result<(Vec<u8>, Agreed), SdpError> {
    answer_of(body, local, G711)
}

/// As [`answer`], of `formats` and no other: the first of them if it is offered, else the one that
/// the peer likes best.
///
/// # Errors
/// As [`answer`].
pub fn answer_of(
    body: &[u8],
    local: &Local,
    formats: &[Format],
) -> Result<(Vec<u8>, Agreed), SdpError> {
    let offered = read::parse(body)?;
    let mut session = compose::session(local);
    let mut taken = None;
    let mut why = SdpError::NoAudio;
    for media in &offered.medias {
        let line = match take(&offered, media, local, formats) {
            _ if taken.is_some() => compose::refusal(media),
            Ok((audio, agreed)) => {
                taken = Some(agreed);
                accepted(media, local, &audio, &agreed)
            }
            Err(error @ SdpError::Malformed(_)) => return Err(error),
            Err(error) => {
                // The first reason that is more than "this is not audio".
                if why == SdpError::NoAudio {
                    why = error;
                }
                compose::refusal(media)
            }
        };
        session.medias.push(line);
    }
    let agreed = taken.ok_or(why)?;
    Ok((compose::print(&session), agreed))
}

/// The answer to an offer in a session that stands: as [`answer`], and a peer that holds by port 0
/// (or gives its stream up for a while, RFC 3264 §8.2) is answered with port 0 and hears nothing
/// until it offers a port again.
///
/// # Errors
/// As [`answer`].
pub fn answer_again(
    body: &[u8],
    local: &Local,
    before: &Agreed,
) -> Result<(Vec<u8>, Agreed), SdpError> {
    answer_again_of(body, local, before, G711)
}

/// As [`answer_again`], of `formats` as in [`answer_of`].
///
/// # Errors
/// As [`answer`].
pub fn answer_again_of(
    body: &[u8],
    local: &Local,
    before: &Agreed,
    formats: &[Format],
) -> Result<(Vec<u8>, Agreed), SdpError> {
    match answer_of(body, local, formats) {
        Err(SdpError::NoAudio) => {}
        answered => return answered,
    }
    let offered = read::parse(body)?;
    if !offered.medias.iter().any(read::is_audio_without_port) {
        return Err(SdpError::NoAudio);
    }
    let mut session = compose::session(local);
    session.medias = offered.medias.iter().map(compose::refusal).collect();
    let agreed = Agreed {
        remote: SocketAddr::new(compose::unspecified_like(local.address), 0),
        direction: Direction::Inactive,
        ..*before
    };
    Ok((compose::print(&session), agreed))
}

/// What the answer to our offer agreed on.
///
/// # Errors
/// When the peer refused the stream or answered with something we did not offer.
pub fn accept(body: &[u8], offered: &Local) -> Result<Agreed, SdpError> {
    accept_of(body, offered, G711)
}

/// As [`accept`], when we offered these formats.
///
/// # Errors
/// As [`accept`].
pub fn accept_of(body: &[u8], offered: &Local, formats: &[Format]) -> Result<Agreed, SdpError> {
    let session = read::parse(body)?;
    // We offered one stream, so the answer's first is ours (RFC 3264 §6).
    let media = session.medias.first().ok_or(SdpError::NoAudio)?;
    let audio = usable(&session, media, formats)?;
    // The answerer has chosen: its first codec, whatever we prefer.
    audio
        .formats
        .first()
        .and_then(|&format| agreed(&audio, format, offered))
        .ok_or_else(|| unusable(&audio, offered))
}

fn take(
    session: &Session,
    media: &Media,
    local: &Local,
    formats: &[Format],
) -> Result<(Audio, Agreed), SdpError> {
    let audio = usable(session, media, formats)?;
    let agreed = choose(&audio, local, formats).ok_or_else(|| unusable(&audio, local))?;
    Ok((audio, agreed))
}

/// The stream with those of its formats that we use.
fn usable(session: &Session, media: &Media, formats: &[Format]) -> Result<Audio, SdpError> {
    let mut audio = read::audio(session, media)?.ok_or(SdpError::NoAudio)?;
    audio.formats.retain(|(_, format)| formats.contains(format));
    Ok(audio)
}

fn choose(audio: &Audio, local: &Local, formats: &[Format]) -> Option<Agreed> {
    let best = formats.first();
    let ours = audio.formats.iter().find(|(_, f)| Some(f) == best);
    agreed(audio, *ours.or(audio.formats.first())?, local)
}

fn agreed(audio: &Audio, format: (u8, Format), local: &Local) -> Option<Agreed> {
    if !compose::same_family(local.address, audio.remote.ip()) {
        return None;
    }
    let held = audio.remote.ip().is_unspecified();
    Some(Agreed {
        remote: audio.remote,
        codec: format.1,
        payload_type: format.0,
        digits: audio.digits,
        direction: if held {
            Direction::Inactive
        } else {
            audio.direction.mirrored()
        },
        packet_ms: audio.packet_ms.unwrap_or(FRAME_MS as u8),
        learns: false,
    })
}

fn unusable(audio: &Audio, local: &Local) -> SdpError {
    if audio.formats.is_empty() || compose::same_family(local.address, audio.remote.ip()) {
        SdpError::NoCommonCodec
    } else {
        SdpError::Address(audio.remote.ip().to_string())
    }
}

fn accepted(offered: &Media, local: &Local, audio: &Audio, agreed: &Agreed) -> Media {
    compose::stream(
        local.port,
        &Stream {
            proto: &offered.proto,
            formats: &[(agreed.payload_type, agreed.codec)],
            digits: agreed.digits,
            direction: agreed.direction,
            rtcp_mux: audio.rtcp_mux,
        },
    )
}
