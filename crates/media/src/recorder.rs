//! Writes two channels of sound, as they were heard, into a WAV file.

use core::time::Duration;
use std::io::{self, Seek, SeekFrom, Write};

use hotline_model::limits::RECORDED_VOICES;

use crate::{
    block::Sound,
    repair::{HEADER_BYTES, header_for},
};

/// How much of the end of a recording is kept back, in samples of both channels: 512 ms. Sound
/// that comes later than that is dropped and counted. It is what a killed process loses beside
/// what it had not yet written, and longer than any jitter a call survives.
const WINDOW: u64 = 4_096;

/// Longest recording, samples: a WAV file's length fields hold 4 GiB, 37 hours. Sound beyond is
/// dropped and counted.
pub const RECORDING_SAMPLES: u64 = (u32::MAX as u64 - 64) / 4;

/// Bytes that are gathered before they are written without being asked to: 2 s.
const GATHERED: usize = 64 * 1_024;

/// A recording being written: 16-bit PCM at 8 kHz, the caller left, the agent right.
///
/// Nothing reaches the writer before there is sound to keep or the recording is finished, so that
/// a short one is a single write, header and all.
pub struct Recorder<W: Write + Seek> {
    writer: W,
    /// What follows the bytes written; begins with the header's place while nothing is written.
    gathered: Vec<u8>,
    /// Whether the file has begun.
    begun: bool,
    /// The last [`WINDOW`] samples of the caller and of the agent, as a ring by sample number.
    window: Box<[[i16; 2]]>,
    /// The same of each further voice, once it was heard.
    further: Vec<Box<[i16]>>,
    /// First sample that has not left the window.
    written: u64,
    /// Sample after the last one heard.
    heard: u64,
    late: u64,
}

/// A finished recording.
#[derive(Debug)]
pub struct Finished<W> {
    /// What it was written to, the position being at its end.
    pub writer: W,
    /// Length of the sound.
    pub length: Duration,
    /// The whole file, where it was so short that it was written at once.
    pub whole: Option<Vec<u8>>,
}

impl<W: Write + Seek> Recorder<W> {
    /// Begins a recording at the start of an empty file.
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            gathered: header_for(0),
            begun: false,
            window: vec![[0; 2]; WINDOW as usize].into_boxed_slice(),
            further: Vec::new(),
            written: 0,
            heard: 0,
            late: 0,
        }
    }

    /// Puts sound in its place. Where nothing is put there is silence; a second sound for a place
    /// replaces the first.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(&mut self, sound: &Sound) -> io::Result<()> {
        let samples = sound.samples();
        let end = sound.at_sample.saturating_add(samples.len() as u64);
        if end > RECORDING_SAMPLES {
            self.late += samples.len() as u64;
            return Ok(());
        }
        self.gather_up_to(end.saturating_sub(WINDOW))?;
        for (at, &byte) in (sound.at_sample..end).zip(samples) {
            if at < self.written {
                self.late += 1;
                continue;
            }
            if let Some(sample) = self.place(at, usize::from(sound.voice)) {
                *sample = sound.codec.decode(byte);
            }
        }
        self.heard = self.heard.max(end);
        Ok(())
    }

    /// Where a voice's sample is kept.
    fn place(&mut self, at: u64, voice: usize) -> Option<&mut i16> {
        let at = (at % WINDOW) as usize;
        let Some(further) = voice.checked_sub(2) else {
            return self.window.get_mut(at)?.get_mut(voice);
        };
        if voice >= RECORDED_VOICES {
            return None;
        }
        while self.further.len() <= further {
            self.further
                .push(vec![0; WINDOW as usize].into_boxed_slice());
        }
        self.further.get_mut(further)?.get_mut(at)
    }

    /// Makes what is kept so far a valid file; of one that has no sound yet there is no file. Call
    /// it each second: then a killed process loses no more than that and the half second that is
    /// kept back.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.written == 0 || self.gathered.is_empty() {
            return Ok(());
        }
        self.complete()
    }

    /// Samples of both channels that came too late for their place, or after the longest
    /// recording.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Completes the file: `length` samples, more when more was heard.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn finish(mut self, length: u64) -> io::Result<Finished<W>> {
        self.gather_up_to(self.heard.max(length.min(RECORDING_SAMPLES)))?;
        let at_once = !self.begun;
        if at_once {
            self.tell_length_in_gathered();
            self.writer.write_all(&self.gathered)?;
            self.writer.flush()?;
        } else {
            self.complete()?;
        }
        Ok(Finished {
            writer: self.writer,
            length: Duration::from_micros(self.written * 125),
            whole: at_once.then_some(self.gathered),
        })
    }

    /// Writes what is gathered and a header that tells how much there is.
    fn complete(&mut self) -> io::Result<()> {
        if self.begun {
            self.spill()?;
            self.writer.rewind()?;
            self.writer.write_all(&header_for(self.written))?;
            self.writer.seek(SeekFrom::End(0))?;
        } else {
            self.tell_length_in_gathered();
            self.spill()?;
        }
        self.writer.flush()
    }

    fn tell_length_in_gathered(&mut self) {
        if let Some(header) = self.gathered.get_mut(..HEADER_BYTES as usize) {
            header.copy_from_slice(&header_for(self.written));
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.gathered)?;
        self.gathered.clear();
        self.begun = true;
        Ok(())
    }

    /// Takes the samples before `end` out of the window, and silence where the window does not
    /// reach.
    fn gather_up_to(&mut self, end: u64) -> io::Result<()> {
        while self.written < end {
            let place = (self.written % WINDOW) as usize;
            let kept = self.window.get_mut(place);
            let [left, mut right] = kept.map(core::mem::take).unwrap_or_default();
            for voice in &mut self.further {
                let sample = voice.get_mut(place).map(core::mem::take);
                right = right.saturating_add(sample.unwrap_or_default());
            }
            let ([a, b], [c, d]) = (left.to_le_bytes(), right.to_le_bytes());
            self.gathered.extend_from_slice(&[a, b, c, d]);
            self.written += 1;
            if self.gathered.len() >= GATHERED {
                self.complete()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::{Codec, FRAME_SAMPLES};

    fn sound(voice: u8, at_sample: u64, byte: u8, length: u8) -> Sound {
        Sound {
            recording: 1,
            at_sample,
            voice,
            codec: Codec::Pcma,
            length,
            bytes: [byte; FRAME_SAMPLES],
        }
    }

    fn samples(bytes: Vec<u8>) -> Vec<[i16; 2]> {
        let mut wav = hound::WavReader::new(Cursor::new(bytes)).unwrap();
        assert_eq!((wav.spec().channels, wav.spec().sample_rate), (2, 8_000));
        let flat: Vec<i16> = wav.samples().collect::<Result<_, _>>().unwrap();
        flat.chunks(2).map(|frame| [frame[0], frame[1]]).collect()
    }

    fn recorded(sounds: &[Sound], length: u64) -> Vec<[i16; 2]> {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(&mut file);
        sounds
            .iter()
            .for_each(|sound| recorder.write(sound).unwrap());
        let finished = recorder.finish(length).unwrap();
        let (duration, whole) = (finished.length, finished.whole);
        assert!(whole.is_none_or(|whole| &whole == file.get_ref()));
        let samples = samples(file.into_inner());
        assert_eq!(duration, Duration::from_micros(samples.len() as u64 * 125));
        samples
    }

    #[test]
    fn both_channels_lie_beside_each_other_with_silence_in_the_gaps() {
        let heard = recorded(&[sound(0, 0, 0xAA, 160), sound(1, 80, 0x2A, 160)], 400);
        let (left, right) = (Codec::Pcma.decode(0xAA), Codec::Pcma.decode(0x2A));
        assert_eq!(heard.len(), 400);
        assert_eq!(heard[79], [left, 0]);
        assert_eq!(heard[80], [left, right]);
        assert_eq!(heard[160], [0, right]);
        assert_eq!(heard[240], [0, 0]);
    }

    #[test]
    fn further_voices_are_added_up_in_the_right_channel() {
        let heard = recorded(
            &[
                sound(1, 0, 0xAA, 160),
                sound(2, 0, 0xAA, 160),
                sound(3, 80, 0x2A, 160),
            ],
            0,
        );
        let (a, b) = (Codec::Pcma.decode(0xAA), Codec::Pcma.decode(0x2A));
        assert_eq!(heard.len(), 240);
        assert_eq!(heard[0], [0, a.saturating_add(a)]);
        assert_eq!(heard[100], [0, a.saturating_add(a).saturating_add(b)]);
        assert_eq!(heard[200], [0, b]);
        // A voice too many is not heard, and harms nobody.
        assert_eq!(recorded(&[sound(200, 0, 0xAA, 160)], 0), vec![[0, 0]; 160]);
    }

    #[test]
    fn a_long_pause_is_written_as_silence_and_what_is_too_late_is_counted() {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(&mut file);
        recorder.write(&sound(0, 0, 0xAA, 160)).unwrap();
        recorder.write(&sound(0, 80_000, 0xAA, 160)).unwrap();
        recorder.write(&sound(1, 70_000, 0xAA, 160)).unwrap();
        recorder
            .write(&sound(1, RECORDING_SAMPLES, 0xAA, 1))
            .unwrap();
        recorder.write(&sound(1, u64::MAX, 0xAA, 160)).unwrap();
        assert_eq!(recorder.late(), 160 + 1 + 160);
        recorder.finish(0).unwrap();
        let heard = samples(file.into_inner());
        assert_eq!(heard.len(), 80_160);
        assert_eq!(heard[159][0], heard[80_000][0]);
        assert!(heard[160..80_000].iter().all(|frame| *frame == [0, 0]));
    }

    #[test]
    fn after_a_flush_the_file_is_valid_as_far_as_it_goes() {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(&mut file);
        for n in 0..100 {
            recorder.write(&sound(0, n * 160, 0xAA, 160)).unwrap();
        }
        recorder.flush().unwrap();
        // The process is killed: nothing more is written, not even by a destructor.
        core::mem::forget(recorder);
        assert_eq!(samples(file.into_inner()).len(), 16_000 - WINDOW as usize);
    }

    #[test]
    fn a_short_recording_is_one_write_and_no_file_before() {
        let mut file = Counted(Cursor::new(Vec::new()), 0);
        let mut recorder = Recorder::new(&mut file);
        for n in 0..25 {
            recorder.write(&sound(0, n * 160, 0xAA, 160)).unwrap();
            recorder.flush().unwrap();
        }
        let finished = recorder.finish(8_000).unwrap();
        let whole = finished.whole.unwrap();
        assert_eq!(file.1, 1, "writes");
        assert_eq!(file.0.get_ref(), &whole);
        assert_eq!(samples(whole).len(), 8_000);
    }

    #[test]
    fn a_long_recording_is_valid_after_each_flush_and_is_not_kept_in_memory() {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(&mut file);
        for n in 0..1_000 {
            recorder.write(&sound(0, n * 160, 0xAA, 160)).unwrap();
            assert!(recorder.gathered.len() < GATHERED);
        }
        let kept = 160_000 - WINDOW as usize;
        recorder.flush().unwrap();
        assert_eq!(samples(recorder.writer.get_ref().clone()).len(), kept);
        // With nothing new there is nothing to write.
        recorder.flush().unwrap();
        let finished = recorder.finish(0).unwrap();
        assert!(finished.whole.is_none());
        assert_eq!(finished.length, Duration::from_secs(20));
        assert_eq!(samples(file.into_inner()).len(), 160_000);
    }

    /// Counts the writes.
    struct Counted(Cursor<Vec<u8>>, usize);

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
            self.0.seek(position)
        }
    }

    struct FullDisk(Cursor<Vec<u8>>);

    impl Write for FullDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.position() > 10_000 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for FullDisk {
        fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
            self.0.seek(position)
        }
    }

    #[test]
    fn a_full_disk_is_an_error_not_a_panic() {
        let mut recorder = Recorder::new(FullDisk(Cursor::new(Vec::new())));
        let failed = (0..500).any(|n| recorder.write(&sound(0, n * 160, 1, 160)).is_err());
        assert!(failed);
        assert!(recorder.finish(0).is_err());
    }

    proptest! {
        /// Sound that is out of order by less than the window lands in its place.
        #[test]
        fn order_does_not_matter_within_the_window(
            delays in proptest::collection::vec(0..WINDOW - 1_000, 1..80),
            channel in 0u8..2,
        ) {
            let mut sounds: Vec<(u64, Sound)> = delays
                .iter()
                .enumerate()
                .map(|(n, delay)| {
                    let at = n as u64 * 160;
                    (at + delay, sound(channel, at, n as u8, 160))
                })
                .collect();
            let in_order: Vec<Sound> = sounds.iter().map(|(_, sound)| *sound).collect();
            sounds.sort_by_key(|(at, _)| *at);
            let shuffled: Vec<Sound> = sounds.into_iter().map(|(_, sound)| sound).collect();
            prop_assert_eq!(recorded(&shuffled, 0), recorded(&in_order, 0));
        }
    }
}
