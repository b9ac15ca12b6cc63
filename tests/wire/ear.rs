//! RTP in the test's own hands: a port that says a tone and knows which tone it hears.

use std::{
    f64::consts::TAU,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::sound;

/// Samples of a packet: 20 ms.
const PACKET: usize = 160;

/// Samples that are looked at for a tone: the last half second.
const LOOKED_AT: usize = 4_000;

/// A port with a voice.
pub struct Ear {
    /// Its port.
    pub port: u16,
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    to: Mutex<Option<SocketAddr>>,
    heard: Mutex<Vec<u8>>,
}

impl Ear {
    /// At a free port of `ip`; says a tone of `hertz` as soon as it knows to whom.
    pub fn at(ip: IpAddr, hertz: f64) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(4)))
            .unwrap();
        let port = socket.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        let worker = thread::spawn(move || speak(&socket, hertz, &theirs));
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
        let begun = self.shared.heard.lock().unwrap().len();
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(50));
            let heard = self.shared.heard.lock().unwrap().len();
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

    /// The share of the energy of what was heard last that is at this frequency (Goertzel).
    fn share(&self, hertz: f64) -> f64 {
        let heard = self.shared.heard.lock().unwrap();
        let Some(start) = heard.len().checked_sub(LOOKED_AT) else {
            return 0.0;
        };
        let samples = sound::linear(&heard[start..]);
        let k = 2.0 * (TAU * hertz / 8_000.0).cos();
        let (mut a, mut b, mut energy) = (0.0, 0.0, 1.0);
        for sample in samples {
            let sample = f64::from(sample);
            energy += sample * sample;
            (a, b) = (sample + k * a - b, a);
        }
        (a * a + b * b - k * a * b) * 2.0 / LOOKED_AT as f64 / energy
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

fn speak(socket: &UdpSocket, hertz: f64, shared: &Shared) {
    let mut begun = None;
    let mut number = 0_u32;
    let mut packet = [0; 2_048];
    while !shared.stop.load(Ordering::Relaxed) {
        if let Ok((length, _)) = socket.recv_from(&mut packet)
            && length == PACKET + 12
            && packet[1] & 0x7f == 8
        {
            shared.heard.lock().unwrap().extend(&packet[12..length]);
        }
        let to = *shared.to.lock().unwrap();
        let Some(to) = to else {
            continue;
        };
        let due = *begun.get_or_insert_with(Instant::now) + Duration::from_millis(20) * number;
        if Instant::now() < due {
            continue;
        }
        let first = number * PACKET as u32;
        let tone = |n: u32| ((TAU * hertz * f64::from(n) / 8_000.0).sin() * 9_000.0) as i16;
        let samples: Vec<i16> = (first..first + PACKET as u32).map(tone).collect();
        let mut rtp = vec![0x80, 8];
        rtp.extend_from_slice(&(number as u16).to_be_bytes());
        rtp.extend_from_slice(&first.to_be_bytes());
        rtp.extend_from_slice(&0x5eed_u32.to_be_bytes());
        rtp.extend_from_slice(&sound::a_law(&samples));
        let _ = socket.send_to(&rtp, to);
        number += 1;
    }
}
