//! Keys as tones (ITU-T Q.23): for legs without telephone-event.

use core::f32::consts::TAU;

/// Frequencies of the keypad's rows, hertz.
pub(super) const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];

/// Frequencies of the keypad's columns, hertz.
pub(super) const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];

/// The keypad, row by row.
pub(super) const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// Sampling rate, per second.
pub(super) const HERTZ: f32 = 8_000.0;

/// Amplitude of a tone of 0 dBm0: a sine at the top of A-law's range has +3.14 dBm0
/// (ITU-T G.711, Table 5).
pub(crate) const ZERO_DBM0: f32 = 22_378.0;

/// The two tones of a key, at 8 kHz.
#[derive(Clone, Copy, Debug)]
pub struct Tone {
    phases: [f32; 2],
    steps: [f32; 2],
    amplitude: f32,
}

impl Tone {
    /// The tones of a key, each at `dbm0`. `None` when it is no key.
    pub fn new(key: char, dbm0: f32) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        let rows = KEYS.iter().zip(ROWS);
        let (row, column) = rows
            .flat_map(|(keys, row)| keys.iter().zip(COLUMNS).map(move |(k, c)| (k, row, c)))
            .find_map(|(k, row, column)| (*k == key).then_some((row, column)))?;
        Some(Self {
            phases: [0.0; 2],
            steps: [row, column].map(|hertz| TAU * hertz / HERTZ),
            amplitude: ZERO_DBM0 * 10f32.powf(dbm0 / 20.0),
        })
    }

    /// Writes the next samples.
    pub fn fill(&mut self, to: &mut [i16]) {
        for sample in to {
            let [row, column] = self.phases;
            *sample = (self.amplitude * (row.sin() + column.sin())).round() as i16;
            for (phase, step) in self.phases.iter_mut().zip(self.steps) {
                *phase = (*phase + step) % TAU;
            }
        }
    }
}
