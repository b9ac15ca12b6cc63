//! Writes two channels of sound, as they were heard, into a WAV file.

use core::time::Duration;
use std::io::{self, Seek, SeekFrom, Write};

use hotline_model::limits::RECORDED_VOICES;

use crate::{block::Sound, wav::Encoding};

/// How much of the end of a recording is kept back, in samples of both channels: 512 ms. Sound
/// that comes later than that is dropped and counted. It is what a killed process loses beside
/// what it had not yet written, and longer than any jitter a call survives.
const WINDOW: u64 = 4_096;

/// Longest recording, samples: a year. Nothing in the file limits it; a clock gone wild must not
/// fill the disk with silence. Sound beyond is dropped and counted.
pub const RECORDING_SAMPLES: u64 = 366 * 24 * 3_600 * 8_000;

/// Bytes that are gathered before they are written without being asked to: 2 s.
const GATHERED: usize = 64 * 1_024;

/// What a recording is written to. Sound is only ever added at its end; after each call everything
/// added so far survives the end of the process.
pub trait Tape {
    /// How the sound it is given is encoded.
    fn encoding(&self) -> Encoding;

    /// Adds sound, with which the recording is `frames` samples of all channels long.
    ///
    /// # Errors
    /// When it cannot be written.
    fn add(&mut self, sound: &[u8], frames: u64) -> io::Result<()>;

    /// Adds the last sound; there may be none.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end(&mut self, sound: &[u8], frames: u64) -> io::Result<()>;
}

/// A plain WAV file as a tape.
#[derive(Debug)]
pub struct Wav<W> {
    writer: W,
    encoding: Encoding,
    begun: bool,
    whole: Option<Vec<u8>>,
}

impl<W: Write + Seek> Wav<W> {
    /// A recording at the start of an empty file. Nothing reaches the writer before there is sound
    /// to keep or the recording ends, so that a short one is a single write, header and all.
    pub fn new(writer: W, encoding: Encoding) -> Self {
        Self {
            writer,
            encoding,
            begun: false,
            whole: None,
        }
    }

    /// What it was written to, the position being at its end; and the whole file, where it was so
    /// short that it was written at once.
    pub fn into_parts(self) -> (W, Option<Vec<u8>>) {
        (self.writer, self.whole)
    }

    /// Header and sound as the file's first write.
    fn begin(&mut self, sound: &[u8], frames: u64) -> io::Result<Vec<u8>> {
        let mut whole = self.encoding.header(frames);
        whole.extend_from_slice(sound);
        self.writer.write_all(&whole)?;
        self.begun = true;
        Ok(whole)
    }
}

impl<W: Write + Seek> Tape for Wav<W> {
    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn add(&mut self, sound: &[u8], frames: u64) -> io::Result<()> {
        if self.begun {
            self.writer.write_all(sound)?;
            self.writer.rewind()?;
            self.writer.write_all(&self.encoding.header(frames))?;
            self.writer.seek(SeekFrom::End(0))?;
        } else {
            self.begin(sound, frames)?;
        }
        self.writer.flush()
    }

    fn end(&mut self, sound: &[u8], frames: u64) -> io::Result<()> {
        if self.begun {
            return self.add(sound, frames);
        }
        self.whole = Some(self.begin(sound, frames)?);
        self.writer.flush()
    }
}

/// A recording being written, at 8 kHz: the caller left, the agent right; of a message the caller
/// alone.
pub struct Recorder<T: Tape> {
    tape: T,
    encoding: Encoding,
    /// Sound that follows what is on the tape.
    gathered: Vec<u8>,
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
pub struct Finished<T> {
    /// What it was written to.
    pub tape: T,
    /// Length of the sound.
    pub length: Duration,
}

impl<T: Tape> Recorder<T> {
    /// Begins a recording on an empty tape.
    pub fn new(tape: T) -> Self {
        Self {
            encoding: tape.encoding(),
            tape,
            gathered: Vec::new(),
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

    /// Puts what is kept so far on the tape; of a recording that has no sound yet nothing. Call it
    /// each second: then a killed process loses no more than that and the half second that is
    /// kept back.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.tape.add(&self.gathered, self.written)?;
        self.gathered.clear();
        Ok(())
    }

    /// Samples of both channels that came too late for their place, or after the longest
    /// recording.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Gives the tape back as it is, without what is still kept: for one that cannot be written.
    pub fn into_tape(self) -> T {
        self.tape
    }

    /// Completes the file: `length` samples, more when more was heard.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn finish(mut self, length: u64) -> io::Result<Finished<T>> {
        self.gather_up_to(self.heard.max(length.min(RECORDING_SAMPLES)))?;
        self.tape.end(&self.gathered, self.written)?;
        Ok(Finished {
            tape: self.tape,
            length: Duration::from_micros(self.written * 125),
        })
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
            self.encoding.put([left, right], &mut self.gathered);
            self.written += 1;
            if self.gathered.len() >= GATHERED {
                self.flush()?;
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
        let mut recorder = Recorder::new(Wav::new(&mut file, Encoding::Pcm));
        sounds
            .iter()
            .for_each(|sound| recorder.write(sound).unwrap());
        let finished = recorder.finish(length).unwrap();
        let (duration, (_, whole)) = (finished.length, finished.tape.into_parts());
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
    fn of_one_voice_alone_there_is_one_channel() {
        for (encoding, bytes) in [(Encoding::PcmAlone, 2), (Encoding::AlawAlone, 1)] {
            let mut file = Cursor::new(Vec::new());
            let mut recorder = Recorder::new(Wav::new(&mut file, encoding));
            for n in 0..100 {
                recorder.write(&sound(0, n * 160, 0xAA, 160)).unwrap();
                recorder.flush().unwrap();
            }
            let finished = recorder.finish(16_080).unwrap();
            assert_eq!(finished.length, Duration::from_millis(2_010));
            let file = file.into_inner();
            let (header, sound) = file.split_at(encoding.header_bytes() as usize);
            assert_eq!(header, encoding.header(16_080));
            assert_eq!(sound.len(), 16_080 * bytes);
            let said = |sample: i16| match encoding {
                Encoding::PcmAlone => sample.to_le_bytes().to_vec(),
                _ => vec![Codec::Pcma.encode(sample)],
            };
            let loud = said(Codec::Pcma.decode(0xAA));
            assert!(sound[..16_000 * bytes].chunks(bytes).all(|s| s == loud));
            assert!(sound[16_000 * bytes..].chunks(bytes).all(|s| s == said(0)));
        }
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
        let mut recorder = Recorder::new(Wav::new(&mut file, Encoding::Pcm));
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
        let mut recorder = Recorder::new(Wav::new(&mut file, Encoding::Pcm));
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
        let mut recorder = Recorder::new(Wav::new(&mut file, Encoding::Pcm));
        for n in 0..25 {
            recorder.write(&sound(0, n * 160, 0xAA, 160)).unwrap();
            recorder.flush().unwrap();
        }
        let finished = recorder.finish(8_000).unwrap();
        let whole = finished.tape.into_parts().1.unwrap();
        assert_eq!(file.1, 1, "writes");
        assert_eq!(file.0.get_ref(), &whole);
        assert_eq!(samples(whole).len(), 8_000);
    }

    #[test]
    fn a_long_recording_is_valid_after_each_flush_and_is_not_kept_in_memory() {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(Wav::new(&mut file, Encoding::Pcm));
        for n in 0..1_000 {
            recorder.write(&sound(0, n * 160, 0xAA, 160)).unwrap();
            assert!(recorder.gathered.len() < GATHERED);
        }
        let kept = 160_000 - WINDOW as usize;
        recorder.flush().unwrap();
        assert_eq!(samples(recorder.tape.writer.get_ref().clone()).len(), kept);
        // With nothing new there is nothing to write.
        recorder.flush().unwrap();
        let finished = recorder.finish(0).unwrap();
        assert_eq!(finished.length, Duration::from_secs(20));
        assert!(finished.tape.into_parts().1.is_none());
        assert_eq!(samples(file.into_inner()).len(), 160_000);
    }

    #[test]
    fn in_a_law_what_a_leg_said_in_it_is_kept_byte_for_byte() {
        let mut file = Cursor::new(Vec::new());
        let mut recorder = Recorder::new(Wav::new(&mut file, Encoding::Alaw));
        for n in 0..1_000 {
            recorder.write(&sound(0, n * 160, n as u8, 160)).unwrap();
            recorder.flush().unwrap();
        }
        recorder.finish(160_080).unwrap();
        let file = file.into_inner();
        let (header, sound) = file.split_at(Encoding::Alaw.header_bytes() as usize);
        assert_eq!(header, Encoding::Alaw.header(160_080));
        assert_eq!(sound.len(), 2 * 160_080);
        let silence = Codec::Pcma.silence();
        for (at, frame) in sound.chunks(2).enumerate() {
            let said = if at < 160_000 {
                (at / 160) as u8
            } else {
                silence
            };
            assert_eq!(frame, [said, silence], "{at}");
        }
    }

    /// A file of which only the beginning is kept, as a sparse one would.
    struct Sparse {
        header: Vec<u8>,
        position: u64,
        length: u64,
    }

    impl Write for Sparse {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            for (at, &byte) in (self.position..).zip(bytes) {
                match self.header.get_mut(at as usize) {
                    Some(kept) => *kept = byte,
                    None if at < 80 => self.header.push(byte),
                    None => break,
                }
            }
            self.position += bytes.len() as u64;
            self.length = self.length.max(self.position);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Sparse {
        fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
            self.position = match position {
                SeekFrom::Start(at) => at,
                SeekFrom::End(by) => self.length.saturating_add_signed(by),
                SeekFrom::Current(by) => self.position.saturating_add_signed(by),
            };
            Ok(self.position)
        }
    }

    #[test]
    fn a_recording_outgrows_4_gib_in_the_same_file() {
        let file = Sparse {
            header: Vec::new(),
            position: 0,
            length: 0,
        };
        let mut tape = Wav::new(file, Encoding::Pcm);
        // 4 GiB are 37 hours and 17 minutes.
        let mut frames = 0;
        let piece = vec![0; 64 << 20];
        while tape.writer.length < (4 << 30) - 80 {
            frames += piece.len() as u64 / 4;
            tape.add(&piece, frames).unwrap();
            let large = tape.writer.length - 8 >= u64::from(u32::MAX);
            let magic: &[u8] = if large { b"RF64" } else { b"RIFF" };
            assert_eq!(&tape.writer.header[..4], magic);
            assert_eq!(tape.writer.header, Encoding::Pcm.header(frames));
        }
        assert_eq!(&tape.writer.header[..4], b"RF64");
        tape.end(&[0; 4], frames + 1).unwrap();
        assert_eq!(tape.writer.header, Encoding::Pcm.header(frames + 1));
        assert_eq!(tape.writer.length, 80 + 4 * (frames + 1));
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
        let mut recorder =
            Recorder::new(Wav::new(FullDisk(Cursor::new(Vec::new())), Encoding::Pcm));
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
