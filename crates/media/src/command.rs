//! What a media worker is told, and what it reports.

use core::{net::IpAddr, time::Duration};

use hotline_model::{LegId, MediaThread};

use crate::{Clip, sdp::Agreed, secure::ice::Ufrag};

/// An order to a media worker. Orders about a leg that is not open are counted and dropped.
#[derive(Clone, Debug)]
pub enum Command {
    /// Binds a port for the leg: answered by [`Report::Opened`] or [`Report::OpenFailed`].
    Open {
        /// The leg; new.
        leg: LegId,
        /// Our address, of which the port is: the peer is told it.
        address: IpAddr,
    },
    /// Gives a browser's leg its place at the shared port, found by this ufrag: answered as
    /// [`Command::Open`].
    OpenShared {
        /// The leg; new.
        leg: LegId,
        /// Our ufrag of the leg (RFC 8445 §5.3).
        ufrag: Ufrag,
    },
    /// Opens ports that are to be ready for legs to come: answered by [`Report::PortsReady`].
    Prepare {
        /// The thread.
        thread: MediaThread,
        /// Our address, of which the ports are.
        address: IpAddr,
        /// How many; at most [`MEDIA_PORTS_READY`](hotline_model::limits::MEDIA_PORTS_READY).
        many: usize,
    },
    /// Gives the leg a port that is ready. Whoever says so has known the port's number since
    /// [`Report::PortsReady`], so that nothing is answered; where it cannot be,
    /// [`Report::Broke`].
    OpenPrepared {
        /// The leg; new.
        leg: LegId,
        /// Our address, of which the port is.
        address: IpAddr,
        /// The port.
        port: u16,
    },
    /// As [`Command::OpenShared`], by whom the port's number is known already: answered as
    /// [`Command::OpenPrepared`].
    JoinShared {
        /// The leg; new.
        leg: LegId,
        /// Our ufrag of the leg (RFC 8445 §5.3).
        ufrag: Ufrag,
    },
    /// What the offer and answer agreed on; again after each re-INVITE. Restarts the watch for
    /// silence.
    Connect {
        /// The leg.
        leg: LegId,
        /// What was agreed.
        agreed: Agreed,
    },
    /// Plays clips without a gap between them, in place of what plays. On a bridged leg the play
    /// goes before the relay until it ends.
    Play {
        /// The leg.
        leg: LegId,
        /// Name of this play, given back in [`Report::PlayEnded`].
        play: u32,
        /// The sounds, in order.
        clips: Vec<Clip>,
        /// Whether to begin again at the end, for ever: music.
        repeat: bool,
    },
    /// Ends the play without a report.
    StopPlay {
        /// The leg.
        leg: LegId,
    },
    /// Each leg hears the other from now on and nobody else, and is heard by nobody else. Ends the
    /// plays of both without a report.
    Bridge {
        /// One leg.
        a: LegId,
        /// The other.
        b: LegId,
    },
    /// The leg hears nobody from now on, and nobody hears it.
    Unbridge {
        /// The leg.
        leg: LegId,
    },
    /// The leg hears these legs from now on and no others: its row of the matrix who hears whom.
    /// What it plays goes before them until it ends.
    Hear {
        /// Who hears.
        leg: LegId,
        /// Whom; at most [`VOICES`](hotline_model::limits::VOICES), else the command is dropped.
        voices: Vec<Voice>,
    },
    /// Nobody hears the leg while it is shielded, neither its sound nor its keys, and nothing of it
    /// is recorded: a citizen enters a card's number. Its keys are still reported.
    Shield {
        /// The leg.
        leg: LegId,
        /// Whether to shield it or to let it be heard again.
        shielded: bool,
    },
    /// Listens whether anybody speaks on the leg: answered once by [`Report::Spoke`] or, that late
    /// and a second more, by [`Report::Speechless`]. Replaces an order before it.
    Attend {
        /// The leg.
        leg: LegId,
        /// How long to listen.
        longest: Duration,
    },
    /// Records what is heard from one leg or two, into the left and the right channel.
    Record {
        /// Name of the recording, in each of its blocks.
        recording: u64,
        /// Heard on the left: the caller.
        left: LegId,
        /// Heard on the right: the agent. Silence when absent.
        right: Option<LegId>,
    },
    /// A further leg is heard in the right channel of a recording, beside those that are.
    RecordAlso {
        /// The recording.
        recording: u64,
        /// Who is heard.
        leg: LegId,
    },
    /// Nothing is recorded while paused; the file has silence there, so that time in it is the
    /// time of the call.
    PauseRecord {
        /// The recording.
        recording: u64,
        /// Whether to pause or to go on.
        paused: bool,
    },
    /// Ends a recording; its end marker follows the last block. Also happens by itself when the
    /// last of its legs is closed.
    StopRecord {
        /// The recording.
        recording: u64,
    },
    /// Sends a key press by RFC 4733, after those already waiting. Sound from a play stops for as
    /// long. Dropped and counted when telephone-event was not agreed.
    Press {
        /// The leg.
        leg: LegId,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// How long the key is held, milliseconds; 40 to 8,000.
        ms: u32,
    },
    /// Frees the port: answered by [`Report::Closed`].
    Close {
        /// The leg.
        leg: LegId,
    },
}

impl Command {
    /// The leg it is about; of a bridge the first.
    pub const fn leg(&self) -> Option<LegId> {
        match *self {
            Self::Open { leg, .. }
            | Self::OpenShared { leg, .. }
            | Self::OpenPrepared { leg, .. }
            | Self::JoinShared { leg, .. }
            | Self::Connect { leg, .. }
            | Self::Play { leg, .. }
            | Self::StopPlay { leg }
            | Self::Bridge { a: leg, .. }
            | Self::Unbridge { leg }
            | Self::Hear { leg, .. }
            | Self::Shield { leg, .. }
            | Self::Attend { leg, .. }
            | Self::Record { left: leg, .. }
            | Self::Press { leg, .. }
            | Self::Close { leg } => Some(leg),
            Self::RecordAlso { leg, .. } => Some(leg),
            Self::Prepare { .. } | Self::PauseRecord { .. } | Self::StopRecord { .. } => None,
        }
    }

    /// The thread that is to carry it out.
    pub fn thread(&self) -> MediaThread {
        match *self {
            Self::PauseRecord { recording, .. } | Self::StopRecord { recording } => {
                MediaThread::of(recording)
            }
            Self::Prepare { thread, .. } => thread,
            _ => self.leg().map_or(MediaThread::of(0), LegId::thread),
        }
    }

    /// Whether all legs and recordings that it names are one thread's: no thread can carry it out
    /// else.
    pub fn is_of_one_thread(&self) -> bool {
        let all = |numbers: &[u64]| {
            let mut threads = numbers.iter().map(|&number| MediaThread::of(number));
            threads.all(|thread| thread == self.thread())
        };
        match self {
            Self::Bridge { b, .. } => all(&[b.0]),
            Self::Hear { voices, .. } => voices.iter().all(|voice| all(&[voice.leg.0])),
            Self::Record {
                recording, right, ..
            } => all(&[*recording]) && right.is_none_or(|right| all(&[right.0])),
            Self::RecordAlso { recording, .. } => all(&[*recording]),
            _ => true,
        }
    }
}

/// A leg that another one hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Who is heard.
    pub leg: LegId,
    /// How loud.
    pub gain: Gain,
}

/// How loud a voice is: its samples times this, in 256ths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain(pub u16);

impl Gain {
    /// As it came.
    pub const FULL: Self = Self(256);
    /// Half the amplitude, −6 dB.
    pub const HALF: Self = Self(128);
}

/// What a media worker reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The leg has a port.
    Opened {
        /// The leg.
        leg: LegId,
        /// Its RTP port on the media address.
        port: u16,
    },
    /// The leg got no port and does not exist.
    OpenFailed {
        /// The leg.
        leg: LegId,
        /// Why, in a few words.
        cause: String,
    },
    /// These ports are ready for legs to come.
    PortsReady {
        /// The thread whose they are.
        thread: MediaThread,
        /// Our address, of which they are.
        address: IpAddr,
        /// Their numbers: fewer than were asked for where the thread has no more.
        ports: Vec<u16>,
    },
    /// The last frame of a play has been sent and its 20 ms are over. Not for plays that were
    /// replaced, stopped or repeat.
    PlayEnded {
        /// The leg.
        leg: LegId,
        /// The play's name.
        play: u32,
    },
    /// A key was pressed, once per press, when it was released (RFC 4733).
    Digit {
        /// The leg.
        leg: LegId,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// How long it was held, milliseconds, as far as was heard.
        ms: u32,
    },
    /// No packet came for [`RTP_SILENCE_S`](hotline_model::limits::RTP_SILENCE_S) although the
    /// peer may send. Once, until the next [`Command::Connect`].
    Silent {
        /// The leg.
        leg: LegId,
    },
    /// Sound as loud as speech came from a leg that is attended to, for
    /// [`VOICE_MS`](hotline_model::limits::VOICE_MS).
    Spoke {
        /// The leg.
        leg: LegId,
    },
    /// None came from it in the time given.
    Speechless {
        /// The leg.
        leg: LegId,
    },
    /// A fault of the worker's own closed the leg.
    Broke {
        /// The leg.
        leg: LegId,
    },
    /// The recorder was too slow: so many blocks of the recording are missing. Sent when the
    /// recording ends, only when there are any.
    RecordingGaps {
        /// The recording.
        recording: u64,
        /// Blocks of up to 20 ms lost.
        blocks: u64,
    },
    /// The leg is gone and its port free.
    Closed {
        /// The leg.
        leg: LegId,
        /// What it sent and received.
        stats: Stats,
    },
}

/// Counts of one leg's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// RTP packets taken in.
    pub received: u64,
    /// RTP packets sent.
    pub sent: u64,
    /// Packets that never came, from the sequence numbers (RFC 3550 §6.4.1, cumulative loss).
    pub lost: u64,
    /// Keys pressed.
    pub digits: u64,
    /// Packets from an address that was not negotiated.
    pub strangers: u64,
    /// Packets that are not RTP version 2, or longer than
    /// [`RTP_PACKET_BYTES`](hotline_model::limits::RTP_PACKET_BYTES).
    pub malformed: u64,
    /// Packets of a protected leg that were not made with its key: damaged, forged, in the clear.
    pub not_authentic: u64,
    /// Packets of a protected leg that came a second time, or too late to tell.
    pub replayed: u64,
    /// RTCP packets on the RTP port (RFC 5761 §4).
    pub rtcp: u64,
    /// Packets of a payload type that was not agreed, or while the peer may not send.
    pub not_agreed: u64,
    /// Of sound that is decoded, since its present format began: frames made up for what was lost or
    /// came late, and packets that came too late to be heard.
    pub concealed: u64,
    /// See [`concealed`](Self::concealed).
    pub late: u64,
    /// Packets that could not be passed on: the other leg lacks telephone-event, or they came too
    /// late for their place.
    pub not_relayed: u64,
    /// Packets the network refused to take, or that could not be protected: a browser's before its
    /// handshake, or after it stopped asking for them.
    pub send_failed: u64,
    /// Reports of ours sent (RTCP).
    pub reports: u64,
    /// Interarrival jitter at the end, microseconds (RFC 3550 §6.4.1).
    pub jitter_us: u32,
    /// Round trip of the last report that the peer answered, microseconds.
    pub round_trip_us: Option<u32>,
    /// Mean opinion score of what was heard, in hundredths (ITU-T G.107); `None` when nothing was.
    pub score: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_over_two_threads_is_told_from_others() {
        let leg = |thread: u64, nth| LegId(MediaThread::of(thread).number(nth));
        let (a, b, c) = (leg(3, 1), leg(3, 2), leg(4, 3));
        let recording = MediaThread::of(3).number(9);
        let voices = |legs: &[LegId]| {
            let voice = |&leg| Voice {
                leg,
                gain: Gain::FULL,
            };
            legs.iter().map(voice).collect()
        };
        let record = |right| Command::Record {
            recording,
            left: a,
            right,
        };
        for together in [
            Command::Bridge { a, b },
            Command::Hear {
                leg: a,
                voices: voices(&[b]),
            },
            record(Some(b)),
            record(None),
            Command::RecordAlso { recording, leg: b },
            Command::StopRecord { recording },
            Command::Close { leg: b },
        ] {
            assert_eq!(together.thread(), MediaThread::of(3), "{together:?}");
            assert!(together.is_of_one_thread(), "{together:?}");
        }
        for apart in [
            Command::Bridge { a, b: c },
            Command::Bridge { a: c, b },
            Command::Hear {
                leg: a,
                voices: voices(&[b, c]),
            },
            record(Some(c)),
            Command::Record {
                recording,
                left: c,
                right: None,
            },
            Command::RecordAlso { recording, leg: c },
        ] {
            assert!(!apart.is_of_one_thread(), "{apart:?}");
        }
    }
}
