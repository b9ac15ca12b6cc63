//! RTP in the test's own hands: a port that says a tone or speech in a format, presses keys, loses
//! what it shall lose, and knows what it hears.

use std::{
    collections::VecDeque,
    f64::consts::TAU,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use hotline_media::{
    Format,
    codec::{
        linear::{Decoder, Encoder, PACKET_SAMPLES},
        resample::{Rate, Resampler},
    },
    dtmf,
};

pub use crate::browser_seat::share;

/// Samples of a packet at 8 kHz: 20 ms.
const PACKET: usize = 160;

/// Samples that are looked at for a tone: the last half second.
const LOOKED_AT: usize = 4_000;

/// Length of a packet.
const TICK: Duration = Duration::from_millis(20);

/// Payload type of its telephone-event.
const KEYS: u8 = 101;

/// Amplitude of its tones.
const LOUD: f64 = 9_000.0;

/// A port with a voice.
pub struct Ear {
    /// Its port.
    pub port: u16,
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    to: Mutex<Option<SocketAddr>>,
    voice: Mutex<Voice>,
    heard: Mutex<Heard>,
}

/// What it says.
struct Voice {
    format: Format,
    says: Says,
    /// Packets of a thousand that get lost, and the state of what decides which.
    lost: (u32, u32),
    keys: VecDeque<char>,
}

enum Says {
    Tone(f64),
    /// Speech at 8 kHz and how far it is; silence after it.
    Speech(Vec<i16>, usize),
}

impl Voice {
    /// The next 20 ms, of which `number` is the number.
    fn next(&mut self, number: u32) -> [i16; PACKET] {
        let mut samples = [0; PACKET];
        match &mut self.says {
            Says::Tone(hertz) => {
                let first = number * PACKET as u32;
                for (sample, n) in samples.iter_mut().zip(first..) {
                    *sample = ((TAU * *hertz * f64::from(n) / 8_000.0).sin() * LOUD) as i16;
                }
            }
            Says::Speech(all, said) => {
                let rest = all.iter().skip(*said);
                samples
                    .iter_mut()
                    .zip(rest)
                    .for_each(|(to, &from)| *to = from);
                *said += PACKET;
            }
        }
        samples
    }

    fn is_lost(&mut self) -> bool {
        let (per_mille, state) = &mut self.lost;
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 16) % 1_000 < *per_mille
    }
}

/// What it heard.
#[derive(Default)]
struct Heard {
    /// At 8 kHz.
    samples: Vec<i16>,
    /// Payload type of the last sound.
    payload_type: u8,
    keys: String,
    receiver: dtmf::Receiver,
}

impl Ear {
    /// At a free port of `ip`; says a tone of `hertz` in A-law as soon as it knows to whom.
    pub fn at(ip: IpAddr, hertz: f64) -> Self {
        Self::speaking(ip, Says::Tone(hertz), Format::Pcma)
    }

    /// The same in another format.
    pub fn toned(ip: IpAddr, hertz: f64, format: Format) -> Self {
        Self::speaking(ip, Says::Tone(hertz), format)
    }

    /// Says this speech (8 kHz) and then nothing.
    pub fn reading(ip: IpAddr, speech: &[i16], format: Format) -> Self {
        Self::speaking(ip, Says::Speech(speech.to_vec(), 0), format)
    }

    fn speaking(ip: IpAddr, says: Says, format: Format) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(4)))
            .unwrap();
        let port = socket.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            to: Mutex::new(None),
            voice: Mutex::new(Voice {
                format,
                says,
                lost: (0, u32::from(port)),
                keys: VecDeque::new(),
            }),
            heard: Mutex::default(),
        });
        let theirs = Arc::clone(&shared);
        let worker = thread::spawn(move || speak(&socket, &theirs));
        Self {
            port,
            shared,
            worker: Some(worker),
        }
    }

    /// Speaks to this address from now on.
    pub fn speaks_to(&self, to: SocketAddr) {
        *self.shared.to.lock().unwrap() = Some(to);
    }

    /// Speaks in this format from now on.
    pub fn speaks(&self, format: Format) {
        self.shared.voice.lock().unwrap().format = format;
    }

    /// Loses so many per cent of what it sends, chosen by `seed`.
    pub fn loses(&self, per_cent: u32, seed: u32) {
        self.shared.voice.lock().unwrap().lost = (per_cent * 10, seed);
    }

    /// Says this speech from now on.
    pub fn reads(&self, speech: &[i16]) {
        self.shared.voice.lock().unwrap().says = Says::Speech(speech.to_vec(), 0);
    }

    /// Presses these keys, one after the other, by RFC 4733.
    pub fn presses(&self, keys: &str) {
        self.shared.voice.lock().unwrap().keys.extend(keys.chars());
    }

    /// The keys that were pressed on the other side.
    pub fn keys(&self) -> String {
        self.shared.heard.lock().unwrap().keys.clone()
    }

    /// What was heard so far, at 8 kHz.
    pub fn heard(&self) -> Vec<i16> {
        self.shared.heard.lock().unwrap().samples.clone()
    }

    /// Payload type of the sound that was heard last.
    pub fn payload_type(&self) -> u8 {
        self.shared.heard.lock().unwrap().payload_type
    }

    /// Whether the tone of `hertz` is what is heard, within five seconds.
    pub fn hears(&self, hertz: f64) -> bool {
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if self.share(hertz) > 0.8 {
                return true;
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Whether, within ten seconds, `these` tones are heard and no other `of` all. Silence has
    /// none of them.
    pub fn hears_just(&self, these: &[f64], of: &[f64]) -> bool {
        // What was heard before is no answer.
        let begun = self.shared.heard.lock().unwrap().samples.len();
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(50));
            let heard = self.shared.heard.lock().unwrap().samples.len();
            let right = of.iter().all(|hertz| {
                let share = self.share(*hertz);
                if these.contains(hertz) {
                    share > 0.2
                } else {
                    share < 0.02
                }
            });
            if heard >= begun + LOOKED_AT && right {
                return true;
            }
        }
        false
    }

    /// The shares of these tones in what was heard last, for messages.
    pub fn shares(&self, of: &[f64]) -> Vec<f64> {
        of.iter().map(|hertz| self.share(*hertz)).collect()
    }

    /// The share of the energy of what was heard last that is at this frequency.
    fn share(&self, hertz: f64) -> f64 {
        let heard = self.shared.heard.lock().unwrap();
        let start = heard.samples.len().checked_sub(LOOKED_AT);
        start.map_or(0.0, |start| share(&heard.samples[start..], hertz))
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// How many frames of 20 ms are not half as loud as a tone of ours.
pub fn quiet_frames(samples: &[i16]) -> usize {
    let frames = samples.chunks_exact(PACKET);
    let power = |frame: &[i16]| frame.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>();
    let least = LOUD * LOUD / 2.0 / 4.0 * PACKET as f64;
    frames.filter(|frame| power(frame) < least).count()
}

/// From packets to samples at 8 kHz.
struct Listening {
    payload_type: u8,
    decoder: Decoder,
    narrow: Resampler,
}

impl Listening {
    fn to(payload_type: u8) -> Option<Self> {
        let format = Format::of_static(payload_type)?;
        Some(Self {
            payload_type,
            decoder: Decoder::new(format)?,
            narrow: Resampler::new(format.rate(), Rate::Narrow),
        })
    }
}

fn hear(packet: &[u8], listening: &mut Option<Listening>, shared: &Shared) {
    if packet.len() < 12 {
        return;
    }
    let (payload_type, payload) = (packet[1] & 0x7f, &packet[12..]);
    let mut heard = shared.heard.lock().unwrap();
    if payload_type == KEYS {
        let timestamp = u32::from_be_bytes(packet[4..8].try_into().unwrap());
        let Heard { keys, receiver, .. } = &mut *heard;
        let over = |digit: dtmf::Digit| keys.push(digit.key);
        let now = hotline_model::Instant::START;
        receiver.receive(now, timestamp, packet[1] & 0x80 != 0, payload, over);
        return;
    }
    if listening
        .as_ref()
        .is_none_or(|it| it.payload_type != payload_type)
    {
        *listening = Listening::to(payload_type);
    }
    let Some(listening) = listening else { return };
    let (mut wide, mut narrow) = ([0; PACKET_SAMPLES], [0; PACKET_SAMPLES]);
    let count = listening.decoder.decode(payload, &mut wide);
    let count = listening.narrow.process(&wide[..count], &mut narrow);
    heard.samples.extend_from_slice(&narrow[..count]);
    heard.payload_type = payload_type;
}

fn speak(socket: &UdpSocket, shared: &Shared) {
    let mut begun = None;
    let mut number = 0_u32;
    let mut packet = [0; 2_048];
    let mut listening = None;
    let mut speaking: Option<(Format, Encoder, Resampler)> = None;
    let mut presses = dtmf::Sender::default();
    while !shared.stop.load(Ordering::Relaxed) {
        if let Ok((length, _)) = socket.recv_from(&mut packet) {
            hear(&packet[..length], &mut listening, shared);
        }
        let to = *shared.to.lock().unwrap();
        let Some(to) = to else {
            continue;
        };
        let due = *begun.get_or_insert_with(Instant::now) + TICK * number;
        if Instant::now() < due {
            continue;
        }
        let mut voice = shared.voice.lock().unwrap();
        if presses.is_idle()
            && let Some(key) = voice.keys.pop_front()
        {
            assert!(presses.press(key, 100));
        }
        let now = number * PACKET as u32;
        let mut head = (voice.format.payload_type(), now);
        let mut payload = vec![0; 2_048];
        if let dtmf::Turn::Packet {
            timestamp,
            payload: key,
            ..
        } = presses.turn(now, PACKET as u16)
        {
            head = (KEYS, timestamp);
            payload = key.to_vec();
        } else {
            let samples = voice.next(number);
            if speaking.as_ref().is_none_or(|it| it.0 != voice.format) {
                let (format, rate) = (voice.format, voice.format.rate());
                let encoder = Encoder::new(format).unwrap();
                speaking = Some((format, encoder, Resampler::new(Rate::Narrow, rate)));
            }
            let (_, encoder, wide) = speaking.as_mut().unwrap();
            let mut at_rate = [0; PACKET_SAMPLES];
            let count = wide.process(&samples, &mut at_rate);
            let length = encoder.encode(&at_rate[..count], &mut payload);
            payload.truncate(length);
        }
        let lost = voice.is_lost();
        drop(voice);
        let mut rtp = vec![0x80, head.0];
        rtp.extend_from_slice(&(number as u16).to_be_bytes());
        rtp.extend_from_slice(&head.1.to_be_bytes());
        rtp.extend_from_slice(&0x5eed_u32.to_be_bytes());
        rtp.extend_from_slice(&payload);
        if !lost {
            let _ = socket.send_to(&rtp, to);
        }
        number += 1;
    }
}
