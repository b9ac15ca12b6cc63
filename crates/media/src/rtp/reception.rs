//! What a receiver reports of the stream it hears (RFC 3550 §6.4.1, A.1, A.3, A.8), and what a
//! call's quality is estimated from.

use hotline_model::Instant;

use super::{
    continues,
    rtcp::{Block, Ntp},
};

/// Statistics of one incoming stream over all its sources.
#[derive(Clone, Debug)]
pub struct Reception {
    clock: u32,
    source: Option<Source>,
    /// Sums of the sources before the present one.
    before: Totals,
}

/// Counts of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets that should have come, by the sequence numbers.
    pub expected: u64,
    /// Packets that came, doubles included.
    pub received: u64,
    /// Runs of missing packets.
    pub bursts: u64,
}

impl Totals {
    /// Packets that did not come.
    pub fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.received)
    }
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    /// Extended sequence numbers.
    first: u64,
    highest: u64,
    received: u64,
    bursts: u64,
    /// At the last report of ours.
    reported: Totals,
    /// Relative transit time of the last packet, ticks, and the jitter times 16.
    transit: Option<u32>,
    jitter_16: u32,
    /// The peer's last sender report: middle of its time, and when it came.
    report: Option<(u32, Instant)>,
}

impl Source {
    fn totals(&self) -> Totals {
        Totals {
            expected: self.highest - self.first + 1,
            received: self.received,
            bursts: self.bursts,
        }
    }
}

impl Reception {
    /// Statistics of a stream whose RTP clock has so many ticks a second.
    pub const fn new(clock: u32) -> Self {
        Self {
            clock,
            source: None,
            before: Totals {
                expected: 0,
                received: 0,
                bursts: 0,
            },
        }
    }

    /// The stream's clock has so many ticks a second from now on: its sound has another format.
    pub fn retune(&mut self, clock: u32) {
        if let Some(source) = self.source.as_mut().filter(|_| clock != self.clock) {
            source.transit = None;
            let jitter = u64::from(source.jitter_16) * u64::from(clock) / u64::from(self.clock);
            source.jitter_16 = jitter as u32;
        }
        self.clock = clock;
    }

    /// Counts a packet. Another source, or a jump of the numbers, begins anew.
    pub fn count(&mut self, now: Instant, ssrc: u32, sequence: u16, timestamp: u32) {
        let known = self
            .source
            .filter(|s| s.ssrc == ssrc && continues(s.highest as u16, sequence));
        if known.is_none() {
            self.before = self.totals();
        }
        let mut source = known.unwrap_or_else(|| {
            // One cycle of room below, for packets that come before the first.
            let first = 0x1_0000 + u64::from(sequence);
            Source {
                ssrc,
                first,
                highest: first,
                received: 0,
                bursts: 0,
                reported: Totals::default(),
                transit: None,
                jitter_16: 0,
                report: self
                    .source
                    .filter(|s| s.ssrc == ssrc)
                    .and_then(|s| s.report),
            }
        });
        let ahead = sequence.wrapping_sub(source.highest as u16);
        if ahead < 0x8000 {
            source.highest += u64::from(ahead);
            source.bursts += u64::from(ahead > 1);
        } else {
            let extended = source.highest - u64::from(ahead.wrapping_neg());
            source.first = source.first.min(extended);
        }
        source.received += 1;
        source.measure(self.ticks(now), timestamp);
        self.source = Some(source);
    }

    /// Notes a sender report of the peer.
    pub fn sender_reported(&mut self, now: Instant, ssrc: u32, ntp: Ntp) {
        if let Some(source) = self.source.as_mut().filter(|source| source.ssrc == ssrc) {
            source.report = Some((ntp.middle(), now));
        }
    }

    /// The block of our next report; `None` while nothing was heard.
    pub fn block(&mut self, now: Instant) -> Option<Block> {
        let source = self.source.as_mut()?;
        let totals = source.totals();
        let expected = totals.expected.saturating_sub(source.reported.expected);
        let received = totals.received.saturating_sub(source.reported.received);
        source.reported = totals;
        let lost = expected.saturating_sub(received);
        let fraction = (lost << 8).checked_div(expected).unwrap_or(0).min(255);
        let cumulative = totals.expected.cast_signed() - totals.received.cast_signed();
        let (last_report, since_last_report) = source.report.map_or((0, 0), |(middle, came)| {
            let since = Ntp::at(now).middle().wrapping_sub(Ntp::at(came).middle());
            (middle, since)
        });
        Some(Block {
            ssrc: source.ssrc,
            fraction_lost: fraction as u8,
            lost: cumulative.clamp(-0x80_0000, 0x7F_FFFF) as i32,
            // The first cycle is our room below.
            highest: source.highest.saturating_sub(0x1_0000) as u32,
            jitter: source.jitter_16 / 16,
            last_report,
            since_last_report,
        })
    }

    /// Counts over all sources.
    pub fn totals(&self) -> Totals {
        let now = self
            .source
            .map(|source| source.totals())
            .unwrap_or_default();
        Totals {
            expected: self.before.expected + now.expected,
            received: self.before.received + now.received,
            bursts: self.before.bursts + now.bursts,
        }
    }

    /// Interarrival jitter of the present source, milliseconds.
    pub fn jitter_ms(&self) -> f64 {
        let ticks = self.source.map_or(0, |source| source.jitter_16 / 16);
        f64::from(ticks) * 1_000.0 / f64::from(self.clock.max(1))
    }

    fn ticks(&self, now: Instant) -> u32 {
        (now.since_start().as_micros() * u128::from(self.clock) / 1_000_000) as u32
    }
}

impl Source {
    /// RFC 3550 A.8.
    fn measure(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            // A clock that was set is no jitter; neither may one packet tell of hours.
            let difference = difference.min(1 << 20);
            self.jitter_16 += difference;
            self.jitter_16 -= (self.jitter_16 - difference + 8) / 16;
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::START + Duration::from_millis(ms)
    }

    #[test]
    fn losses_are_told_since_the_last_report_and_in_all() {
        let mut reception = Reception::new(8_000);
        assert_eq!(reception.block(at(0)), None);
        // Over a wrap: 1 of 10 is missing, then 3 in a row of 10, then one comes twice.
        for (n, sequence) in (65_530u16..=65_535).chain(0..=15).enumerate() {
            if [2, 10, 11, 12].contains(&sequence) {
                continue;
            }
            let n = n as u64;
            reception.count(at(n * 20), 7, sequence, n as u32 * 160);
            if sequence == 3 {
                let block = reception.block(at(n * 20)).unwrap();
                assert_eq!((block.fraction_lost, block.lost), (25, 1));
                assert_eq!(block.highest, 0x1_0003);
            }
        }
        reception.count(at(600), 7, 15, 21 * 160);
        let block = reception.block(at(600)).unwrap();
        // 12 more were expected, 10 came.
        assert_eq!((block.fraction_lost, block.lost), (42, 3));
        let totals = reception.totals();
        assert_eq!((totals.expected, totals.lost(), totals.bursts), (22, 3, 2));
        let block = reception.block(at(600)).unwrap();
        assert_eq!(
            (block.fraction_lost, block.lost),
            (0, 3),
            "nothing was expected"
        );
        // Another source: the call's totals go on, the reports begin anew.
        reception.count(at(700), 8, 100, 0);
        reception.count(at(720), 8, 102, 320);
        assert_eq!(reception.block(at(720)).unwrap().lost, 1);
        assert_eq!(reception.totals().lost(), 4);
    }

    #[test]
    fn jitter_is_that_of_the_rfc() {
        let mut reception = Reception::new(8_000);
        // Alternately in time and 10 ms late: each difference is 80 ticks.
        for n in 0..1_000u32 {
            let late = if n % 2 == 0 { 0 } else { 10 };
            reception.count(at(u64::from(n) * 20 + late), 7, n as u16, n * 160);
        }
        assert!(
            (9.0..=10.1).contains(&reception.jitter_ms()),
            "{}",
            reception.jitter_ms()
        );
        let mut steady = Reception::new(8_000);
        (0..100u32).for_each(|n| steady.count(at(u64::from(n) * 20), 7, n as u16, n * 160));
        assert_eq!(steady.block(at(2_000)).unwrap().jitter, 0);
    }

    #[test]
    fn the_peer_finds_its_round_trip_in_our_block() {
        let mut reception = Reception::new(8_000);
        reception.count(at(0), 7, 1, 0);
        assert_eq!(reception.block(at(10)).unwrap().last_report, 0);
        // The peer's clock is ours here; its report takes 30 ms each way, we wait 400 ms.
        reception.sender_reported(at(1_030), 99, Ntp::at(at(5)));
        reception.sender_reported(at(1_030), 7, Ntp::at(at(1_000)));
        let block = reception.block(at(1_430)).unwrap();
        let trip = block.round_trip_ms(at(1_460)).unwrap();
        assert!((trip - 60.0).abs() < 0.1, "{trip}");
    }

    proptest! {
        #[test]
        fn any_packets_are_counted(
            packets in proptest::collection::vec((0u32..2, any::<u16>(), any::<u32>(), 0u64..9), 1..300),
        ) {
            let mut reception = Reception::new(8_000);
            let mut now = 0;
            for &(ssrc, sequence, timestamp, later) in &packets {
                now += later;
                reception.count(at(now), ssrc, sequence, timestamp);
                if later == 3 {
                    let block = reception.block(at(now)).unwrap();
                    prop_assert_eq!(block.ssrc, ssrc);
                }
            }
            let totals = reception.totals();
            prop_assert_eq!(totals.received, packets.len() as u64);
            prop_assert!(totals.bursts <= packets.len() as u64);
            prop_assert!(totals.lost() <= totals.expected);
        }
    }
}
