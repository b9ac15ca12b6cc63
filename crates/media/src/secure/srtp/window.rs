//! Which packets of a source were seen: rollover counter and replay list (RFC 3711 §3.3).

/// Packets behind the newest of which each is remembered; RFC 3711 §3.3.2 wants at least 64.
pub(super) const REPLAY_PACKETS: u64 = u128::BITS as u64;

/// The sequence of one source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// Highest index seen; meaningless before the first packet.
    highest: u64,
    /// Bit n: the packet n before the highest was seen. Zero before the first packet.
    seen: u128,
}

impl Window {
    /// The index a sequence number stands for: the nearest to the highest (RFC 3711 §3.3.1,
    /// appendix A).
    pub(super) fn index(&self, sequence: u16) -> u64 {
        if self.seen == 0 {
            return u64::from(sequence);
        }
        let (rollover, newest) = (self.highest >> 16, self.highest as u16);
        let ahead = sequence.wrapping_sub(newest);
        let rollover = match (ahead < 1 << 15, sequence < newest) {
            (true, true) => rollover + 1,
            // Before the first rollover there is none to go back to.
            (false, false) if sequence != newest => rollover.saturating_sub(1),
            _ => rollover,
        };
        rollover << 16 | u64::from(sequence)
    }

    /// Whether the packet was neither seen nor is too old to know.
    pub(super) const fn is_fresh(&self, index: u64) -> bool {
        if self.seen == 0 || index > self.highest {
            return true;
        }
        let behind = self.highest - index;
        behind < REPLAY_PACKETS && self.seen & (1 << behind) == 0
    }

    /// Remembers a packet that is fresh.
    pub(super) fn mark(&mut self, index: u64) {
        if self.seen == 0 {
            (self.highest, self.seen) = (index, 1);
        } else if index > self.highest {
            let ahead = u32::try_from(index - self.highest).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = index;
        } else if self.highest - index < REPLAY_PACKETS {
            self.seen |= 1 << (self.highest - index);
        }
    }

    /// The index after the highest; zero before the first.
    pub(super) const fn next(&self) -> u64 {
        if self.seen == 0 { 0 } else { self.highest + 1 }
    }
}
