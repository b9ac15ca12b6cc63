//! Plays a list of clips in 20 ms frames, one sample after the other without a gap.

use crate::{Clip, Codec, FRAME_SAMPLES};

/// What a leg plays.
#[derive(Clone, Debug)]
pub struct Player {
    clips: Vec<Clip>,
    /// Clip and sample that come next.
    clip: usize,
    sample: usize,
    repeat: bool,
}

impl Player {
    /// Plays `clips` from the beginning, once or for ever.
    pub fn new(clips: Vec<Clip>, repeat: bool) -> Self {
        // A list without a sample must end, not go round for ever.
        let repeat = repeat && clips.iter().any(|clip| !clip.is_empty());
        Self {
            clips,
            clip: 0,
            sample: 0,
            repeat,
        }
    }

    /// Writes the next frame: false when the list is at its end. The last frame is filled up with
    /// silence.
    pub fn frame(&mut self, codec: Codec, frame: &mut [u8; FRAME_SAMPLES]) -> bool {
        let mut filled = 0;
        while let Some(room) = frame.get_mut(filled..)
            && !room.is_empty()
        {
            let Some(clip) = self.clips.get(self.clip) else {
                if self.repeat {
                    self.clip = 0;
                    continue;
                }
                room.fill(codec.silence());
                break;
            };
            let rest = clip.bytes(codec).get(self.sample..).unwrap_or_default();
            let count = rest.len().min(room.len());
            for (to, from) in room.iter_mut().zip(rest) {
                *to = *from;
            }
            filled += count;
            self.sample += count;
            if count == rest.len() {
                self.clip += 1;
                self.sample = 0;
            }
        }
        filled > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clip(samples: usize, from: i16) -> Clip {
        let samples: Vec<i16> = (0..samples).map(|n| from + n as i16 * 64).collect();
        Clip::from_samples(&samples)
    }

    #[test]
    fn an_empty_list_ends_at_once_even_when_repeated() {
        let mut frame = [0; FRAME_SAMPLES];
        assert!(!Player::new(Vec::new(), true).frame(Codec::Pcma, &mut frame));
        assert_eq!(frame, [0xD5; FRAME_SAMPLES]);
        assert!(!Player::new(vec![clip(0, 0)], true).frame(Codec::Pcmu, &mut frame));
    }

    #[test]
    fn music_goes_round_within_a_frame() {
        let tune = clip(100, 0);
        let mut player = Player::new(vec![tune.clone()], true);
        let mut heard = Vec::new();
        for _ in 0..10 {
            let mut frame = [0; FRAME_SAMPLES];
            assert!(player.frame(Codec::Pcma, &mut frame));
            heard.extend_from_slice(&frame);
        }
        assert_eq!(heard, tune.bytes(Codec::Pcma).repeat(16));
    }

    proptest! {
        /// The frames are the clips joined, filled up with silence.
        #[test]
        fn frames_are_the_clips_in_a_row(lengths in proptest::collection::vec(0usize..500, 0..6)) {
            let clips: Vec<Clip> =
                lengths.iter().map(|&length| clip(length, length as i16)).collect();
            for codec in [Codec::Pcma, Codec::Pcmu] {
                let mut expected: Vec<u8> =
                    clips.iter().flat_map(|clip| clip.bytes(codec).to_vec()).collect();
                expected.resize(expected.len().next_multiple_of(FRAME_SAMPLES), codec.silence());
                let mut player = Player::new(clips.clone(), false);
                let (mut heard, mut frame) = (Vec::new(), [0; FRAME_SAMPLES]);
                while player.frame(codec, &mut frame) {
                    heard.extend_from_slice(&frame);
                }
                prop_assert_eq!(heard, expected);
            }
        }
    }
}
