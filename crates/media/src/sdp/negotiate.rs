//! The offer/answer model (RFC 3264) for one audio stream.

use core::net::SocketAddr;

use sdp_types::{Attribute, Media, Session};

use super::{
    Agreed, Direction, Local, SdpError, Security, Terms,
    compose::{self, Stream},
    read::{self, Audio},
    security::{self, Words},
};
use crate::{Codec, FRAME_MS, Format, Formats, SAMPLE_RATE, secure::sdes::Line};

/// Payload types under which we offer telephone-event, the numbers most peers use: with 8,000 ticks
/// a second, and with Opus' 48,000 (RFC 4733 §2.1, RFC 7587 §4.1).
const OFFERED_DIGITS: [(u8, u32); 2] = [(101, 8_000), (110, 48_000)];

/// Payload types without a fixed meaning (RFC 3551 §6).
const DYNAMIC: core::ops::RangeInclusive<u8> = 96..=127;

/// What payload types stand for.
type Numbered<T> = Vec<(u8, T)>;

/// An offer of one audio stream in the clear: G.711 with `prefer` first, and telephone-event.
pub fn offer(local: &Local, prefer: Codec, direction: Direction) -> Vec<u8> {
    let terms = Terms {
        formats: Formats::G711.led_by(prefer.into()),
        ..Terms::PLAIN
    };
    offer_under(local, direction, &terms)
}

/// An offer of one audio stream under our terms: their formats, telephone-event, and the best
/// protection they have.
pub fn offer_under(local: &Local, direction: Direction, terms: &Terms) -> Vec<u8> {
    offered(local, direction, terms, None)
}

/// As [`offer_under`], in a session that stands: the format that is spoken is offered first, so that
/// nothing changes without need, and no payload type changes its meaning (RFC 3264 §8.3.2).
pub fn offer_again_under(
    local: &Local,
    direction: Direction,
    terms: &Terms,
    before: &Agreed,
) -> Vec<u8> {
    let terms = Terms {
        formats: terms.formats.led_by(before.codec),
        ..*terms
    };
    offered(local, direction, &terms, Some(before))
}

fn offered(local: &Local, direction: Direction, terms: &Terms, before: Option<&Agreed>) -> Vec<u8> {
    let (formats, digits) = numbered(terms, before);
    let (proto, words) = match (&terms.dtls, &terms.sdes) {
        (Some(ours), _) => (
            "UDP/TLS/RTP/SAVPF",
            Words::handshake(ours, local, "actpass", Some("0"), true),
        ),
        (None, Some(seed)) => ("RTP/SAVP", Words::keys(seed.offered())),
        (None, None) => ("RTP/AVP", Words::default()),
    };
    let mut session = compose::session(local);
    session.attributes = words.session;
    session.medias.push(compose::stream(
        local.port,
        &Stream {
            proto,
            formats: &formats,
            digits: &digits,
            direction,
            rtcp_mux: terms.dtls.is_some(),
            protection: &words.media,
        },
    ));
    compose::print(&session)
}

/// What we offer with its payload types: formats, and telephone-event in each of their clocks. What
/// was agreed before keeps its number; what is new gets none of those.
fn numbered(terms: &Terms, before: Option<&Agreed>) -> (Numbered<Format>, Numbered<u32>) {
    let spoken = before.map(|before| (before.payload_type, before.codec));
    let keys = before.and_then(|before| Some((before.digits?, before.digits_clock)));
    let mut taken: Vec<u8> = spoken
        .iter()
        .map(|it| it.0)
        .chain(keys.map(|it| it.0))
        .collect();
    let mut new = |usual: u8| {
        let mut numbers = core::iter::once(usual).chain(DYNAMIC);
        let number = numbers
            .find(|number| !taken.contains(number))
            .unwrap_or(usual);
        taken.push(number);
        number
    };
    let formats = terms
        .formats
        .iter()
        .map(|format| match spoken.filter(|it| it.1 == format) {
            Some(spoken) => spoken,
            None => (new(format.payload_type()), format),
        })
        .collect();
    let digits = OFFERED_DIGITS
        .iter()
        .filter(|(_, clock)| terms.formats.iter().any(|format| format.clock() == *clock))
        .map(|&(number, clock)| match keys.filter(|it| it.1 == clock) {
            Some(keys) => keys,
            None => (new(number), clock),
        })
        .collect();
    (formats, digits)
}

/// The answer to an offer of streams in the clear, and what was agreed: as [`answer_under`] with
/// [`Terms::PLAIN`].
///
/// # Errors
/// As [`answer_under`].
pub fn answer(body: &[u8], local: &Local) -> Result<(Vec<u8>, Agreed), SdpError> {
    answer_under(body, local, &Terms::PLAIN)
}

/// The answer to an offer, and what was agreed: the first audio stream with a format that our
/// terms have, in the best of them, a private stream before one in the clear; every other stream is refused
/// in its place. Hold is mirrored (RFC 3264 §8.4); the hold of RFC 2543 (`c=0.0.0.0`) becomes
/// inactive.
///
/// # Errors
/// When nothing of the offer can be used; [`SdpError::status`] says what to answer.
pub fn answer_under(
    body: &[u8],
    local: &Local,
    terms: &Terms,
) -> Result<(Vec<u8>, Agreed), SdpError> {
    let offered = read::parse(body)?;
    let mut taken: Option<(usize, Taken)> = None;
    let mut why = SdpError::NoAudio;
    for (at, media) in offered.medias.iter().enumerate() {
        match take(&offered, media, local, terms) {
            Ok(found) => match &taken {
                Some((_, before)) if before.is_private() || !found.is_private() => {}
                _ => taken = Some((at, found)),
            },
            Err(_) if taken.is_some() => {}
            Err(error @ SdpError::Malformed(_)) => return Err(error),
            // The first reason that is more than "this is not audio".
            Err(error) if why == SdpError::NoAudio => why = error,
            Err(_) => {}
        }
    }
    let (chosen, taken) = taken.ok_or(why)?;
    let mut session = compose::session(local);
    for (at, media) in offered.medias.iter().enumerate() {
        session.medias.push(if at == chosen {
            let words = taken.words(terms, local, &offered, media);
            session.attributes = words.session;
            accepted(media, local, &taken, &words.media)
        } else {
            compose::refusal(media)
        });
    }
    Ok((compose::print(&session), taken.agreed))
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
    answer_again_under(body, local, before, &Terms::PLAIN)
}

/// As [`answer_again`], under our terms: the same as before, so that keys and names stay.
///
/// # Errors
/// As [`answer_under`].
pub fn answer_again_under(
    body: &[u8],
    local: &Local,
    before: &Agreed,
    terms: &Terms,
) -> Result<(Vec<u8>, Agreed), SdpError> {
    match answer_under(body, local, terms) {
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
        rtcp: SocketAddr::new(compose::unspecified_like(local.address), 0),
        direction: Direction::Inactive,
        ..*before
    };
    Ok((compose::print(&session), agreed))
}

/// What the answer to our offer in the clear agreed on.
///
/// # Errors
/// When the peer refused the stream or answered with something we did not offer.
pub fn accept(body: &[u8], offered: &Local) -> Result<Agreed, SdpError> {
    accept_under(body, offered, &Terms::PLAIN)
}

/// What the answer to our offer agreed on; `terms` are those of the offer.
///
/// # Errors
/// As [`accept`], and when the answer is not protected as we offered.
pub fn accept_under(body: &[u8], offered: &Local, terms: &Terms) -> Result<Agreed, SdpError> {
    let session = read::parse(body)?;
    // We offered one stream, so the answer's first is ours (RFC 3264 §6).
    let media = session.medias.first().ok_or(SdpError::NoAudio)?;
    if !read::is_live_audio(media) {
        return Err(SdpError::NoAudio);
    }
    let security = security::accepted(terms, &session, media);
    accept_stream(&session, media, offered, terms, security)
}

/// What the answer to our last description agreed on, which a refresh of the session repeated
/// (RFC 4028 §7.4); `before` is what is agreed. That description may have been an answer: to several
/// streams, of which we took one, and with the tag of the peer's key.
///
/// # Errors
/// As [`accept_under`].
pub fn accept_again_under(
    body: &[u8],
    offered: &Local,
    before: &Agreed,
    terms: &Terms,
) -> Result<Agreed, SdpError> {
    let session = read::parse(body)?;
    let mut live = session.medias.iter().filter(|it| read::is_live_audio(it));
    let media = live.next().ok_or(SdpError::NoAudio)?;
    let security = security::accepted_again(terms, &before.security, &session, media);
    accept_stream(&session, media, offered, terms, security)
}

fn accept_stream(
    session: &Session,
    media: &Media,
    offered: &Local,
    terms: &Terms,
    security: Option<Security>,
) -> Result<Agreed, SdpError> {
    let security = security.ok_or(SdpError::NoCommonSecurity)?;
    let audio = read::audio(session, media, found(security, offered))?;
    let mut audio = audio.ok_or(SdpError::NoAudio)?;
    audio.use_only(&terms.formats);
    // The answerer has chosen: its first codec, whatever we prefer.
    audio
        .formats
        .first()
        .and_then(|&format| agreed(&audio, format, offered, security))
        .ok_or_else(|| unusable(&audio, offered))
}

/// One offered stream that we could take.
struct Taken {
    audio: Audio,
    agreed: Agreed,
    /// The a=crypto line of the answer.
    key: Option<Line>,
}

impl Taken {
    const fn is_private(&self) -> bool {
        self.agreed.security.is_private()
    }

    fn words(&self, terms: &Terms, local: &Local, session: &Session, media: &Media) -> Words {
        match (&self.agreed.security, &terms.dtls) {
            (Security::Dtls { .. }, Some(ours)) => Words::answering(ours, local, session, media),
            _ => Words::keys(self.key),
        }
    }
}

fn take(session: &Session, media: &Media, local: &Local, terms: &Terms) -> Result<Taken, SdpError> {
    let Some((security, key)) = security::answering(terms, session, media) else {
        let why = if read::is_live_audio(media) {
            SdpError::NoCommonSecurity
        } else {
            SdpError::NoAudio
        };
        return Err(why);
    };
    let audio = read::audio(session, media, found(security, local))?;
    let mut audio = audio.ok_or(SdpError::NoAudio)?;
    audio.use_only(&terms.formats);
    let agreed = choose(&audio, local, terms, security).ok_or_else(|| unusable(&audio, local))?;
    Ok(Taken { audio, agreed, key })
}

/// The address of a leg that ICE will find, whose c= line says nothing.
fn found(security: Security, local: &Local) -> Option<SocketAddr> {
    let by_ice = matches!(security, Security::Dtls { .. });
    by_ice.then(|| security::unknown_address(local))
}

fn choose(audio: &Audio, local: &Local, terms: &Terms, security: Security) -> Option<Agreed> {
    let offered = |format: Format| audio.formats.iter().find(|(_, it)| *it == format);
    let best = terms.formats.iter().find_map(offered);
    agreed(audio, *best?, local, security)
}

fn agreed(
    audio: &Audio,
    format: (u8, Format),
    local: &Local,
    security: Security,
) -> Option<Agreed> {
    if !compose::same_family(local.address, audio.remote.ip()) {
        return None;
    }
    let digits = audio.digits_with(format.1);
    let by_ice = matches!(security, Security::Dtls { .. });
    let held = audio.remote.ip().is_unspecified() && !by_ice;
    Some(Agreed {
        remote: audio.remote,
        rtcp: audio.rtcp(),
        codec: format.1,
        payload_type: format.0,
        digits: digits.map(|(number, _)| number),
        digits_clock: digits.map_or(SAMPLE_RATE, |(_, clock)| clock),
        direction: if held {
            Direction::Inactive
        } else {
            audio.direction.mirrored()
        },
        packet_ms: audio.packet_ms.unwrap_or(FRAME_MS as u8),
        learns: false,
        security,
    })
}

fn unusable(audio: &Audio, local: &Local) -> SdpError {
    if audio.formats.is_empty() || compose::same_family(local.address, audio.remote.ip()) {
        SdpError::NoCommonCodec
    } else {
        SdpError::Address(audio.remote.ip().to_string())
    }
}

fn accepted(offered: &Media, local: &Local, taken: &Taken, protection: &[Attribute]) -> Media {
    let Taken { audio, agreed, .. } = taken;
    let digits = agreed.digits.map(|number| (number, agreed.digits_clock));
    compose::stream(
        local.port,
        &Stream {
            proto: &offered.proto,
            formats: &[(agreed.payload_type, agreed.codec)],
            digits: digits.as_slice(),
            direction: agreed.direction,
            rtcp_mux: audio.rtcp_mux,
            protection,
        },
    )
}
