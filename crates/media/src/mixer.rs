//! Who hears whom: up to 16 parties, an explicit gain for each pair, sums without the listener's
//! own voice.
//!
//! The matrix is the whole truth of a conversation: talk, silent monitoring, whispering and barging
//! in are only ways to fill it. A frame is mixed by adding each speaker into each listener's sum
//! and saturating once.

use hotline_model::limits::MIX_PARTIES;

/// Most samples of a frame: 20 ms at 48 kHz.
pub const FRAME_MOST: usize = 960;

/// What one hears of another: a factor in 256ths, so that one is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gain(u16);

impl Gain {
    /// Nothing.
    pub const NOTHING: Self = Self(0);

    /// As it is.
    pub const FULL: Self = Self(256);

    /// A gain in decibels: below −48 nothing, above +12 as +12.
    pub fn decibels(decibels: f32) -> Self {
        if decibels < -48.0 {
            return Self::NOTHING;
        }
        let factor = 10f32.powf(decibels.min(12.0) / 20.0);
        Self((factor * 256.0).round() as u16)
    }
}

/// What a party is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Hears and is heard.
    Talker,
    /// Hears all talkers and is heard by nobody.
    Monitor,
    /// Hears all talkers and is heard by one of them: the party with this number.
    Whisperer {
        /// Who hears it.
        to: usize,
    },
    /// Neither hears nor is heard.
    Away,
}

/// A gain for each pair of parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// By listener, then by speaker.
    gains: [[Gain; MIX_PARTIES]; MIX_PARTIES],
}

impl Default for Matrix {
    /// Nobody hears anybody.
    fn default() -> Self {
        Self {
            gains: [[Gain::NOTHING; MIX_PARTIES]; MIX_PARTIES],
        }
    }
}

impl Matrix {
    /// A conversation of parties in these roles; those beyond [`MIX_PARTIES`] are left out.
    pub fn of(roles: &[Role]) -> Self {
        let mut matrix = Self::default();
        for (listener, hears) in roles.iter().enumerate() {
            for (speaker, is) in roles.iter().enumerate() {
                let heard = match (hears, is) {
                    (Role::Away, _) => false,
                    (_, Role::Talker) => true,
                    (_, Role::Whisperer { to }) => *to == listener,
                    (_, Role::Monitor | Role::Away) => false,
                };
                if heard && listener != speaker {
                    matrix.set(listener, speaker, Gain::FULL);
                }
            }
        }
        matrix
    }

    /// So many parties who all talk: a conference; with two, a call; with three, a consultation
    /// joined, or a supervisor who has barged in.
    pub fn talk(parties: usize) -> Self {
        let all = [Role::Talker; MIX_PARTIES];
        Self::of(all.get(..parties).unwrap_or(&all))
    }

    /// Caller (0) and agent (1) talk; the supervisor (2) hears both, unheard.
    pub fn monitor() -> Self {
        Self::of(&[Role::Talker, Role::Talker, Role::Monitor])
    }

    /// Caller (0) and agent (1) talk; the supervisor (2) hears both, and only the agent hears the
    /// supervisor.
    pub fn whisper() -> Self {
        Self::of(&[Role::Talker, Role::Talker, Role::Whisperer { to: 1 }])
    }

    /// Caller (0), agent (1) and supervisor (2) all talk.
    pub fn barge() -> Self {
        Self::talk(3)
    }

    /// Caller (0) and supervisor (2) talk; the agent (1) is out of it.
    pub fn take_over() -> Self {
        Self::of(&[Role::Talker, Role::Away, Role::Talker])
    }

    /// What `listener` hears of `speaker`. Nothing of a party that is none.
    pub fn gain(&self, listener: usize, speaker: usize) -> Gain {
        let row = self.gains.get(listener);
        let gain = row.and_then(|row| row.get(speaker));
        gain.copied().unwrap_or_default()
    }

    /// Sets what `listener` hears of `speaker`; of itself too, if that is wished. Without effect on
    /// a party that is none.
    pub fn set(&mut self, listener: usize, speaker: usize, gain: Gain) {
        let row = self.gains.get_mut(listener);
        if let Some(place) = row.and_then(|row| row.get_mut(speaker)) {
            *place = gain;
        }
    }

    /// Mixes what `listener` hears: of the speakers' frames, in the order of the parties, `None`
    /// for one who is silent. A frame that is shorter ends in silence; what is longer than `to` or
    /// [`FRAME_MOST`] is left out.
    pub fn mix(&self, listener: usize, frames: &[Option<&[i16]>], to: &mut [i16]) {
        let mut sums = [0i32; FRAME_MOST];
        let gains = self.gains.get(listener).map_or(&[][..], |row| row);
        for (gain, frame) in gains.iter().zip(frames) {
            let Some(frame) = frame.filter(|_| *gain != Gain::NOTHING) else {
                continue;
            };
            let factor = i32::from(gain.0);
            for (sum, &sample) in sums.iter_mut().zip(frame) {
                *sum += i32::from(sample) * factor;
            }
        }
        to.fill(0);
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = (sum / 256).clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
    }

    /// The only one whom `listener` hears, as it is: then no mixing is needed.
    pub fn only_source(&self, listener: usize) -> Option<usize> {
        let row = self.gains.get(listener)?;
        let mut heard = row
            .iter()
            .enumerate()
            .filter(|(_, gain)| **gain != Gain::NOTHING);
        let (speaker, gain) = heard.next()?;
        (heard.next().is_none() && *gain == Gain::FULL).then_some(speaker)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRAME: usize = 160;

    /// Each party's own tone: 250 Hz, 300 Hz, … which all fit into 20 ms.
    fn hertz(party: usize) -> f64 {
        250.0 + 50.0 * party as f64
    }

    fn tone(party: usize, amplitude: f64) -> [i16; FRAME] {
        let step = core::f64::consts::TAU * hertz(party) / 8_000.0;
        core::array::from_fn(|n| (amplitude * (step * n as f64).sin()).round() as i16)
    }

    /// Amplitude of a party's tone in what was heard.
    fn level(party: usize, heard: &[i16]) -> f64 {
        let step = core::f64::consts::TAU * hertz(party) / 8_000.0;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &s) in heard.iter().enumerate() {
            re += f64::from(s) * (step * n as f64).cos();
            im += f64::from(s) * (step * n as f64).sin();
        }
        2.0 * re.hypot(im) / heard.len() as f64
    }

    /// Whom each party hears when all speak.
    fn heard(matrix: &Matrix, parties: usize) -> Vec<Vec<usize>> {
        let tones: Vec<_> = (0..parties).map(|party| tone(party, 1_000.0)).collect();
        let frames: Vec<_> = tones.iter().map(|tone| Some(&tone[..])).collect();
        (0..parties)
            .map(|listener| {
                let mut out = [99; FRAME];
                matrix.mix(listener, &frames, &mut out);
                let levels = (0..parties).map(|party| level(party, &out));
                let heard = levels.enumerate().filter_map(|(party, level)| {
                    assert!(!(10.0..990.0).contains(&level), "{party}: {level}");
                    (level > 990.0).then_some(party)
                });
                heard.collect()
            })
            .collect()
    }

    #[test]
    fn everybody_hears_everybody_else() {
        for parties in [2, 3, 16] {
            let heard = heard(&Matrix::talk(parties), parties);
            for (listener, heard) in heard.iter().enumerate() {
                let others: Vec<usize> = (0..parties).filter(|&p| p != listener).collect();
                assert_eq!(heard, &others);
            }
        }
    }

    #[test]
    fn a_supervisor_is_heard_by_whom_the_role_says() {
        let both = vec![0, 1];
        assert_eq!(
            heard(&Matrix::monitor(), 3),
            [vec![1], vec![0], both.clone()]
        );
        assert_eq!(
            heard(&Matrix::whisper(), 3),
            [vec![1], vec![0, 2], both.clone()]
        );
        assert_eq!(heard(&Matrix::barge(), 3), [vec![1, 2], vec![0, 2], both]);
        assert_eq!(heard(&Matrix::take_over(), 3), [vec![2], vec![], vec![0]]);
    }

    #[test]
    fn gains_are_kept_and_sums_saturate() {
        let mut matrix = Matrix::talk(3);
        matrix.set(0, 1, Gain::decibels(-6.0));
        matrix.set(0, 2, Gain::decibels(-60.0));
        let one = tone(1, 20_000.0);
        let mut out = [0; FRAME];
        matrix.mix(0, &[None, Some(&one), Some(&one)], &mut out);
        assert!(
            (level(1, &out) - 10_024.0).abs() < 40.0,
            "{}",
            level(1, &out)
        );
        matrix.set(0, 1, Gain::decibels(40.0));
        matrix.mix(0, &[None, Some(&one)], &mut out);
        assert_eq!(
            (out.iter().max(), out.iter().min()),
            (Some(&i16::MAX), Some(&i16::MIN))
        );
        // Sixteen of the loudest do not wrap.
        let loud = [i16::MIN; FRAME];
        let matrix = Matrix::talk(16);
        matrix.mix(3, &[Some(&loud[..]); 16], &mut out);
        assert_eq!(out, [i16::MIN; FRAME]);
    }

    #[test]
    fn one_speaker_alone_needs_no_mixing() {
        let mut matrix = Matrix::talk(2);
        assert_eq!(
            (matrix.only_source(0), matrix.only_source(1)),
            (Some(1), Some(0))
        );
        matrix.set(0, 1, Gain::decibels(-3.0));
        assert_eq!(matrix.only_source(0), None);
        assert_eq!(Matrix::barge().only_source(0), None);
        assert_eq!(Matrix::default().only_source(0), None);
        let said = tone(0, 30_000.0);
        let mut out = [0; FRAME];
        matrix.mix(1, &[Some(&said), None], &mut out);
        assert_eq!(out, said, "to the sample");
    }

    #[test]
    fn nobody_beyond_the_last_party_is_heard() {
        let mut matrix = Matrix::talk(99);
        matrix.set(99, 0, Gain::FULL);
        assert_eq!(matrix.gain(99, 0), Gain::NOTHING);
        let mut out = [7; FRAME];
        matrix.mix(99, &[Some(&[1; FRAME])], &mut out);
        assert_eq!(out, [0; FRAME]);
        let mut long = [7; 2 * FRAME_MOST];
        matrix.mix(0, &[None, Some(&[5; 100])], &mut long);
        assert_eq!((long[99], long[100], long[2 * FRAME_MOST - 1]), (5, 0, 0));
    }

    proptest! {
        /// Any roles: a monitor is heard by nobody, a whisperer by at most one, nobody by itself.
        #[test]
        fn roles_hold_whatever_the_company(
            kinds in proptest::collection::vec((0u8..4, 0usize..16), 1..16),
        ) {
            let roles: Vec<Role> = kinds
                .iter()
                .map(|&(kind, to)| match kind {
                    0 => Role::Talker,
                    1 => Role::Monitor,
                    2 => Role::Whisperer { to },
                    _ => Role::Away,
                })
                .collect();
            let matrix = Matrix::of(&roles);
            for (speaker, role) in roles.iter().enumerate() {
                let hears = |l: usize| matrix.gain(l, speaker) != Gain::NOTHING;
                let listeners: Vec<usize> = (0..MIX_PARTIES).filter(|&l| hears(l)).collect();
                prop_assert!(!listeners.contains(&speaker));
                prop_assert!(listeners.iter().all(|&l| roles[l] != Role::Away));
                match role {
                    Role::Talker => {}
                    Role::Whisperer { to } => prop_assert!(listeners.iter().all(|l| l == to)),
                    Role::Monitor | Role::Away => prop_assert!(listeners.is_empty()),
                }
            }
        }
    }
}
