//! RTCP (RFC 3550 §6): reports of what was sent and received, read and written.
//!
//! Nothing that is read is trusted: lengths are checked, a packet that does not hold what it says
//! ends the reading, and unknown packets are passed over. A datagram need not begin with a report
//! (reduced size, RFC 5506).

use hotline_model::{Instant, limits::RTCP_BLOCKS};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// The item of a source description that every compound packet has (§6.5.1).
const CNAME: u8 = 1;

/// A time in the 64 bits of NTP: seconds and their 2³²ths. Ours are those since the engine's start,
/// as §6.4.1 allows: receivers only ever compare one sender's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ntp(pub u64);

impl Ntp {
    /// An instant of the engine's clock.
    pub fn at(now: Instant) -> Self {
        let nanos = now.since_start().as_nanos();
        Self(((nanos << 32) / 1_000_000_000) as u64)
    }

    /// The middle 32 bits: 65,536ths of a second.
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// What a sender says of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// When.
    pub ntp: Ntp,
    /// The same time on the stream's RTP clock.
    pub timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Bytes of payload sent.
    pub octets: u32,
}

/// What a receiver says of a stream (§6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The stream.
    pub ssrc: u32,
    /// Share lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning, in 24 bits; negative with duplicates.
    pub lost: i32,
    /// Highest sequence number, its cycles in the upper half.
    pub highest: u32,
    /// Interarrival jitter, in ticks of the stream's clock.
    pub jitter: u32,
    /// Middle of the last sender report's time; 0 when there was none.
    pub last_report: u32,
    /// Time since that report, 65,536ths of a second.
    pub since_last_report: u32,
}

impl Block {
    const BYTES: usize = 24;

    /// The round trip of the report that this one answers, in milliseconds (§6.4.1); `None` when it
    /// answers none, or tells what cannot be.
    pub fn round_trip_ms(&self, now: Instant) -> Option<f64> {
        if self.last_report == 0 {
            return None;
        }
        let gone = Ntp::at(now).middle().wrapping_sub(self.last_report);
        let trip = gone.checked_sub(self.since_last_report)?;
        // No network takes a minute.
        (trip < 60 << 16).then(|| f64::from(trip) * 1_000.0 / 65_536.0)
    }

    fn read(bytes: &[u8; Self::BYTES]) -> Self {
        let word = |at: usize| word(bytes, at).unwrap_or_default();
        let losses = word(4);
        Self {
            ssrc: word(0),
            fraction_lost: (losses >> 24) as u8,
            // The lower 24 bits with their sign.
            lost: (losses << 8).cast_signed() >> 8,
            highest: word(8),
            jitter: word(12),
            last_report: word(16),
            since_last_report: word(20),
        }
    }

    fn words(&self) -> [u32; 6] {
        let lost = self.lost.clamp(-0x80_0000, 0x7F_FFFF).cast_unsigned() & 0xFF_FFFF;
        [
            self.ssrc,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest,
            self.jitter,
            self.last_report,
            self.since_last_report,
        ]
    }
}

/// The report blocks of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a>(&'a [[u8; Block::BYTES]]);

impl<'a> Blocks<'a> {
    /// Each block.
    pub fn iter(&self) -> impl Iterator<Item = Block> + use<'a> {
        self.0.iter().map(Block::read)
    }
}

/// A packet of a compound.
#[derive(Clone, Copy, Debug)]
pub enum Packet<'a> {
    /// A report of one that sends.
    Sender {
        /// Who.
        ssrc: u32,
        /// Of its own stream.
        info: SenderInfo,
        /// Of what it receives.
        blocks: Blocks<'a>,
    },
    /// A report of one that only receives.
    Receiver {
        /// Who.
        ssrc: u32,
        /// Of what it receives.
        blocks: Blocks<'a>,
    },
    /// Who is who: the first source and its canonical name, as far as there is one.
    Description {
        /// The first source.
        ssrc: Option<u32>,
        /// Its CNAME, in what should be UTF-8.
        cname: Option<&'a [u8]>,
    },
    /// The first of the sources that leave.
    Bye {
        /// The source.
        ssrc: Option<u32>,
    },
    /// A type that is not read here.
    Other(u8),
}

/// A datagram does not hold what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The packets of a datagram, in order; after the first malformed one no more.
pub fn packets(datagram: &[u8]) -> impl Iterator<Item = Result<Packet<'_>, Malformed>> {
    let mut rest = datagram;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (packet, after) = split(rest).unzip();
        rest = after.unwrap_or_default();
        Some(packet.and_then(read).ok_or(Malformed))
    })
}

/// A packet with its header, and what comes after it.
fn split(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let [first, _, high, low, ..] = *datagram else {
        return None;
    };
    let words = usize::from(u16::from_be_bytes([high, low]));
    let of_version_2 = first >> 6 == 2;
    of_version_2.then(|| datagram.split_at_checked(4 * words + 4))?
}

fn read(packet: &[u8]) -> Option<Packet<'_>> {
    let (&[first, kind, _, _], body) = packet.split_first_chunk()?;
    let count = usize::from(first & 0x1F);
    let body = match (first & 0x20 != 0, body.last()) {
        (false, _) => body,
        // Padding says its own length at its end (§6.4.1).
        (true, Some(&padding)) if padding > 0 => {
            body.get(..body.len().checked_sub(usize::from(padding))?)?
        }
        (true, _) => return None,
    };
    let ssrc = word(body, 0);
    Some(match kind {
        SENDER_REPORT => Packet::Sender {
            ssrc: ssrc?,
            info: SenderInfo {
                ntp: Ntp(u64::from(word(body, 4)?) << 32 | u64::from(word(body, 8)?)),
                timestamp: word(body, 12)?,
                packets: word(body, 16)?,
                octets: word(body, 20)?,
            },
            blocks: blocks(body.get(24..)?, count)?,
        },
        RECEIVER_REPORT => Packet::Receiver {
            ssrc: ssrc?,
            blocks: blocks(body.get(4..)?, count)?,
        },
        SOURCE_DESCRIPTION => Packet::Description {
            ssrc: ssrc.filter(|_| count > 0),
            cname: if count > 0 {
                cname(body.get(4..)?)?
            } else {
                None
            },
        },
        BYE if body.len() < 4 * count => return None,
        BYE => Packet::Bye {
            ssrc: ssrc.filter(|_| count > 0),
        },
        other => Packet::Other(other),
    })
}

fn blocks(body: &[u8], count: usize) -> Option<Blocks<'_>> {
    body.as_chunks().0.get(..count).map(Blocks)
}

/// The CNAME of a chunk; an error when an item goes beyond the end.
fn cname(mut items: &[u8]) -> Option<Option<&[u8]>> {
    loop {
        match *items {
            [] | [0, ..] => return Some(None),
            [kind, length, ref rest @ ..] => {
                let (item, after) = rest.split_at_checked(length.into())?;
                if kind == CNAME {
                    return Some(Some(item));
                }
                items = after;
            }
            [_] => return None,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// A compound packet to be written.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a> {
    /// Who reports.
    pub ssrc: u32,
    /// Of its own stream, when it sent since its last report.
    pub sent: Option<SenderInfo>,
    /// Of what it receives: at most 31; those beyond are left out.
    pub blocks: &'a [Block],
    /// Its canonical name: at most 255 bytes; what is beyond is left out.
    pub cname: &'a str,
    /// Whether it leaves.
    pub bye: bool,
}

impl Compound<'_> {
    /// Writes it and returns its length; 0 when it does not fit.
    pub fn write(&self, to: &mut [u8]) -> usize {
        let mut writer = Writer { to, length: 0 };
        self.write_all(&mut writer).map_or(0, |()| writer.length)
    }

    fn write_all(&self, to: &mut Writer<'_>) -> Option<()> {
        let blocks = self.blocks.get(..RTCP_BLOCKS).unwrap_or(self.blocks);
        let words = 6 * blocks.len() as u16;
        match self.sent {
            Some(info) => {
                to.header(SENDER_REPORT, blocks.len() as u8, words + 6)?;
                to.word(self.ssrc)?;
                to.word((info.ntp.0 >> 32) as u32)?;
                to.word(info.ntp.0 as u32)?;
                to.word(info.timestamp)?;
                to.word(info.packets)?;
                to.word(info.octets)?;
            }
            None => {
                to.header(RECEIVER_REPORT, blocks.len() as u8, words + 1)?;
                to.word(self.ssrc)?;
            }
        }
        let words = blocks.iter().flat_map(Block::words);
        words.into_iter().try_for_each(|word| to.word(word))?;
        self.write_name(to)?;
        if self.bye {
            to.header(BYE, 1, 1)?;
            to.word(self.ssrc)?;
        }
        Some(())
    }

    fn write_name(&self, to: &mut Writer<'_>) -> Option<()> {
        let name = self.cname.as_bytes();
        let name = name.get(..255).unwrap_or(name);
        // The item, one zero at the least, and as many as make a word full (§6.5).
        let words = (2 + name.len()) / 4 + 1;
        to.header(SOURCE_DESCRIPTION, 1, words as u16 + 1)?;
        to.word(self.ssrc)?;
        to.bytes(&[CNAME, name.len() as u8])?;
        to.bytes(name)?;
        to.bytes([0; 4].get(..4 * words - 2 - name.len())?)
    }
}

struct Writer<'a> {
    to: &'a mut [u8],
    length: usize,
}

impl Writer<'_> {
    fn header(&mut self, kind: u8, count: u8, words: u16) -> Option<()> {
        let [high, low] = words.to_be_bytes();
        self.bytes(&[0x80 | count, kind, high, low])
    }

    fn word(&mut self, word: u32) -> Option<()> {
        self.bytes(&word.to_be_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.length + bytes.len();
        self.to.get_mut(self.length..end)?.copy_from_slice(bytes);
        self.length = end;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn block(ssrc: u32) -> Block {
        Block {
            ssrc,
            fraction_lost: 12,
            lost: -3,
            highest: 0x1_FFFF,
            jitter: 77,
            last_report: 0x1234_5678,
            since_last_report: 65_536,
        }
    }

    const SENT: SenderInfo = SenderInfo {
        ntp: Ntp(0x0102_0304_8000_0000),
        timestamp: 160,
        packets: 5,
        octets: 800,
    };

    #[test]
    fn a_compound_reads_back_as_it_was_written() {
        let compound = Compound {
            ssrc: 9,
            sent: Some(SENT),
            blocks: &[block(1), block(2)],
            cname: "hotline",
            bye: true,
        };
        let mut to = [0; 200];
        let length = compound.write(&mut to);
        assert_eq!(length, 28 + 48 + 20 + 8);
        let read: Vec<Packet<'_>> = packets(&to[..length]).map(Result::unwrap).collect();
        let [
            Packet::Sender {
                ssrc: 9,
                info: SENT,
                blocks,
            },
            Packet::Description {
                ssrc: Some(9),
                cname: Some(b"hotline"),
            },
            Packet::Bye { ssrc: Some(9) },
        ] = read[..]
        else {
            panic!("{read:?}");
        };
        assert_eq!(blocks.iter().collect::<Vec<_>>(), [block(1), block(2)]);
        assert_eq!(compound.write(&mut to[..length - 1]), 0);
        assert!(matches!(
            super::super::classify(&to[..length]),
            super::super::Arrival::Rtcp
        ));
    }

    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        let compound = Compound {
            ssrc: 7,
            sent: None,
            blocks: &[],
            cname: "ab",
            bye: false,
        };
        let mut to = [0xFF; 64];
        let length = compound.write(&mut to);
        assert_eq!(
            to[..length],
            [
                0x80, 201, 0, 1, 0, 0, 0, 7, // RR without blocks
                0x81, 202, 0, 3, 0, 0, 0, 7, 1, 2, b'a', b'b', 0, 0, 0, 0, // SDES
            ]
        );
    }

    #[test]
    fn the_round_trip_is_what_the_peer_did_not_keep() {
        let at = |ms| Instant::START + Duration::from_millis(ms);
        let answered = Block {
            last_report: Ntp::at(at(10_000)).middle(),
            // Half a second.
            since_last_report: 32_768,
            ..block(1)
        };
        let trip = answered.round_trip_ms(at(10_580)).unwrap();
        assert!((trip - 80.0).abs() < 0.1, "{trip}");
        assert_eq!(
            answered.round_trip_ms(at(10_400)),
            None,
            "before it was sent"
        );
        assert_eq!(
            answered.round_trip_ms(at(200_000)),
            None,
            "nobody's network"
        );
        let none = Block {
            last_report: 0,
            ..answered
        };
        assert_eq!(none.round_trip_ms(at(10_580)), None);
    }

    #[test]
    fn reduced_size_padding_and_unknown_packets_are_read() {
        // A transport-wide feedback packet alone, with two words after its header.
        let feedback = [0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        assert!(matches!(
            packets(&feedback).next(),
            Some(Ok(Packet::Other(205)))
        ));
        let padded = [0xA0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4];
        let read: Vec<_> = packets(&padded).collect();
        assert!(matches!(read[..], [Ok(Packet::Receiver { ssrc: 7, .. })]));
    }

    #[test]
    fn what_does_not_hold_what_it_says_is_malformed() {
        for bytes in [
            &[0x80][..],
            &[0x40, 201, 0, 1, 0, 0, 0, 7],
            &[0x80, 201, 0, 2, 0, 0, 0, 7],
            &[0x81, 201, 0, 1, 0, 0, 0, 7],
            &[0x80, 200, 0, 1, 0, 0, 0, 7],
            &[0x80, 201, 0, 0],
            &[0x82, 203, 0, 1, 0, 0, 0, 7],
            &[0x81, 202, 0, 2, 0, 0, 0, 7, 1, 9, 0, 0],
            &[0xA0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0],
            &[0xA0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 99],
        ] {
            assert!(
                matches!(packets(bytes).next(), Some(Err(Malformed))),
                "{bytes:?}"
            );
            assert_eq!(packets(bytes).count(), 1);
        }
        assert_eq!(packets(&[]).count(), 0);
    }

    proptest! {
        #[test]
        fn any_compound_reads_back(
            ssrc: u32, ntp: u64, numbers: [u32; 6], fraction_lost: u8, lost in -0x80_0000..0x80_0000,
            count in 0usize..40, cname in "[a-z@.]{0,300}", sender: bool, bye: bool,
        ) {
            let [timestamp, sent_packets, octets, highest, jitter, last_report] = numbers;
            let info = SenderInfo { ntp: Ntp(ntp), timestamp, packets: sent_packets, octets };
            let one = Block {
                ssrc: !ssrc, fraction_lost, lost, highest, jitter, last_report,
                since_last_report: octets,
            };
            let blocks = vec![one; count];
            let sent = sender.then_some(info);
            let compound = Compound { ssrc, sent, blocks: &blocks, cname: &cname, bye };
            let mut to = [0; 1_500];
            let length = compound.write(&mut to);
            prop_assert!(length > 0 && length.is_multiple_of(4));
            let read: Vec<_> = packets(&to[..length]).map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), 2 + usize::from(bye));
            let (who, found) = match read[0] {
                Packet::Sender { ssrc, info: found, blocks } => {
                    prop_assert_eq!(Some(found), sent);
                    (ssrc, blocks)
                }
                Packet::Receiver { ssrc, blocks } => {
                    prop_assert!(!sender);
                    (ssrc, blocks)
                }
                _ => panic!("{read:?}"),
            };
            prop_assert_eq!(who, ssrc);
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), vec![one; count.min(31)]);
            let named = match read[1] {
                Packet::Description { cname, .. } => cname,
                _ => None,
            };
            prop_assert_eq!(named, Some(&cname.as_bytes()[..cname.len().min(255)]));
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for packet in packets(&bytes).flatten() {
                if let Packet::Sender { blocks, .. } | Packet::Receiver { blocks, .. } = packet {
                    prop_assert!(blocks.iter().count() <= 31);
                }
            }
        }
    }
}
