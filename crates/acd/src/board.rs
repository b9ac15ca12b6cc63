//! The lock-free view: words of each seat and queue that any thread may read while the one writer
//! goes on writing.
//!
//! Each record is a seqlock: the writer makes its version odd, stores the words, makes it even; a
//! reader that saw an odd version, or two different ones, reads again. The words are atomics
//! themselves, so a torn read is discarded and never undefined. The writer never waits for a
//! reader; a reader waits only for the few stores of one record. Orderings after Boehm, "Can
//! seqlocks get along with programming language memory models?" (MSPC 2012); checked with loom in
//! `tests/loom.rs`.
//!
//! Each record is consistent in itself; two records may be of different turns.

use core::{fmt, time::Duration};

use hotline_model::{
    CallId, Instant,
    seat::{Device, Intent, Reason, Work},
};

use crate::estimate::Tempo;
use crate::shim::{Arc, AtomicU64, Ordering, fence, give_way};

/// A seat as anybody may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatWord {
    /// What the agent wants.
    pub intent: Intent,
    /// What the agent wants after the present offer or talk, if something else.
    pub pending: Option<Intent>,
    /// What the seat does.
    pub work: Work,
    /// Whether its phone is registered.
    pub device: Device,
    /// The call it does it for.
    pub call: Option<CallId>,
    /// Since when intent, work and call are what they are.
    pub since: Instant,
}

/// A queue as anybody may read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueWord {
    /// Callers waiting.
    pub waiting: u32,
    /// Original arrival of the one who waits longest.
    pub longest_wait_since: Option<Instant>,
    /// Seats that would take a call at once.
    pub ready_seats: u32,
    /// Seats being rung for a caller of this queue.
    pub offering: u32,
    /// Seats talking with a caller of this queue.
    pub talking: u32,
    /// Seats signed in with a registered phone.
    pub staffed: u32,
    /// How fast the line moves, to the millisecond; `None`: not known.
    pub tempo: Option<Tempo>,
}

const WORDS: usize = 5;

/// One seqlock. Words that a kind of record does not need stay zero.
struct Record {
    version: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Record {
    fn new(words: [u64; WORDS]) -> Self {
        Self {
            version: AtomicU64::new(0),
            words: words.map(AtomicU64::new),
        }
    }

    /// Only the one writer calls this.
    fn write(&self, words: [u64; WORDS]) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        // The words must not be seen before the odd version.
        fence(Ordering::Release);
        for (there, word) in self.words.iter().zip(words) {
            there.store(word, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }

    fn read(&self) -> [u64; WORDS] {
        let mut tries = 0;
        loop {
            let before = self.version.load(Ordering::Acquire);
            let words = self
                .words
                .each_ref()
                .map(|word| word.load(Ordering::Relaxed));
            // The version must not be read again before the words.
            fence(Ordering::Acquire);
            let after = self.version.load(Ordering::Relaxed);
            if before == after && before.is_multiple_of(2) {
                return words;
            }
            give_way(tries);
            tries = tries.saturating_add(1);
        }
    }
}

struct Board {
    seats: Box<[Record]>,
    queues: Box<[Record]>,
    turns: AtomicU64,
}

/// Makes a board for so many seats and queues: one writer, and a reader to be cloned. At first all
/// seats are signed out without a phone and all queues empty.
pub fn board(seats: usize, queues: usize) -> (BoardWriter, BoardReader) {
    let seat = pack_seat(SeatWord {
        intent: Intent::NotReady(Reason::LoggedOut),
        pending: None,
        work: Work::Free,
        device: Device::Unregistered,
        call: None,
        since: Instant::START,
    });
    let queue = pack_queue(QueueWord::default());
    let board = Arc::new(Board {
        seats: (0..seats).map(|_| Record::new(seat)).collect(),
        queues: (0..queues).map(|_| Record::new(queue)).collect(),
        turns: AtomicU64::new(0),
    });
    let reader = BoardReader(Arc::clone(&board));
    (BoardWriter(board), reader)
}

/// The one who writes. Not to be cloned: two writers would break the records.
pub struct BoardWriter(Arc<Board>);

impl BoardWriter {
    /// Writes a seat; an index beyond the board is ignored.
    pub fn set_seat(&mut self, index: usize, seat: SeatWord) {
        if let Some(record) = self.0.seats.get(index) {
            record.write(pack_seat(seat));
            self.turn();
        }
    }

    /// Writes a queue; an index beyond the board is ignored.
    pub fn set_queue(&mut self, index: usize, queue: QueueWord) {
        if let Some(record) = self.0.queues.get(index) {
            record.write(pack_queue(queue));
            self.turn();
        }
    }

    fn turn(&self) {
        let turns = self.0.turns.load(Ordering::Relaxed);
        self.0.turns.store(turns + 1, Ordering::Release);
    }
}

/// One who reads, from any thread.
#[derive(Clone)]
pub struct BoardReader(Arc<Board>);

impl BoardReader {
    /// The seat at this index; `None` beyond the board.
    pub fn seat(&self, index: usize) -> Option<SeatWord> {
        self.0.seats.get(index).map(|r| unpack_seat(r.read()))
    }

    /// The queue at this index; `None` beyond the board.
    pub fn queue(&self, index: usize) -> Option<QueueWord> {
        self.0.queues.get(index).map(|r| unpack_queue(r.read()))
    }

    /// All seats, in the order of the settings.
    pub fn seats(&self) -> impl Iterator<Item = SeatWord> {
        self.0.seats.iter().map(|r| unpack_seat(r.read()))
    }

    /// All queues, in the order of the settings.
    pub fn queues(&self) -> impl Iterator<Item = QueueWord> {
        self.0.queues.iter().map(|r| unpack_queue(r.read()))
    }

    /// Grows with every word written: whoever finds the figure of the last time has missed nothing.
    pub fn turns(&self) -> u64 {
        self.0.turns.load(Ordering::Acquire)
    }
}

impl fmt::Debug for BoardWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoardWriter").finish_non_exhaustive()
    }
}

impl fmt::Debug for BoardReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoardReader").finish_non_exhaustive()
    }
}

const REASONS: [Reason; 9] = [
    Reason::LoggedOut,
    Reason::Break,
    Reason::Meal,
    Reason::Meeting,
    Reason::Training,
    Reason::Coaching,
    Reason::RingNoAnswer,
    Reason::Refused,
    Reason::Forced,
];

const WORKS: [Work; 7] = [
    Work::Free,
    Work::Reserved,
    Work::Ringing,
    Work::Talking,
    Work::Hold,
    Work::WrapUp,
    Work::Busy,
];

/// Ready is 1, not ready 2 and more by reason; 0 is left for "none".
fn pack_intent(intent: Intent) -> u64 {
    match intent {
        Intent::Ready => 1,
        Intent::NotReady(reason) => 2 + index_of(&REASONS, &reason),
    }
}

fn unpack_intent(code: u64) -> Option<Intent> {
    match code {
        0 => None,
        1 => Some(Intent::Ready),
        _ => at(&REASONS, code - 2).map(Intent::NotReady),
    }
}

fn index_of<T: PartialEq>(all: &[T], one: &T) -> u64 {
    all.iter().position(|it| it == one).unwrap_or_default() as u64
}

fn at<T: Copy>(all: &[T], index: u64) -> Option<T> {
    all.get(usize::try_from(index).ok()?).copied()
}

/// State in bytes, the call, whether there is one, and since when.
fn pack_seat(seat: SeatWord) -> [u64; WORDS] {
    let state = pack_intent(seat.intent)
        | seat.pending.map_or(0, pack_intent) << 8
        | index_of(&WORKS, &seat.work) << 16
        | u64::from(seat.device == Device::Registered) << 24
        | u64::from(seat.call.is_some()) << 32;
    let call = seat.call.map_or(0, |call| call.0);
    [state, call, nanos(seat.since), 0, 0]
}

fn unpack_seat([state, call, since, ..]: [u64; WORDS]) -> SeatWord {
    let byte = |shift: u32| state >> shift & 0xff;
    SeatWord {
        intent: unpack_intent(byte(0)).unwrap_or(Intent::NotReady(Reason::LoggedOut)),
        pending: unpack_intent(byte(8)),
        work: at(&WORKS, byte(16)).unwrap_or(Work::Free),
        device: match byte(24) {
            0 => Device::Unregistered,
            _ => Device::Registered,
        },
        call: (byte(32) != 0).then_some(CallId(call)),
        since: instant(since),
    }
}

/// Counts in pairs; the longest wait, all ones for none; the tempo in milliseconds, zero for none.
fn pack_queue(queue: QueueWord) -> [u64; WORDS] {
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    [
        pair(queue.waiting, queue.ready_seats),
        pair(queue.offering, queue.talking),
        pair(queue.staffed, 0),
        queue.longest_wait_since.map_or(u64::MAX, nanos),
        queue.tempo.map_or(0, |tempo| {
            pair(millis(tempo.interval).max(1), millis(tempo.patience))
        }),
    ]
}

fn unpack_queue([line, talks, staff, longest, tempo]: [u64; WORDS]) -> QueueWord {
    let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
    QueueWord {
        waiting: low(line),
        ready_seats: high(line),
        offering: low(talks),
        talking: high(talks),
        staffed: low(staff),
        longest_wait_since: (longest != u64::MAX).then(|| instant(longest)),
        tempo: (tempo != 0).then(|| Tempo {
            interval: Duration::from_millis(low(tempo).into()),
            patience: Duration::from_millis(high(tempo).into()),
        }),
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn nanos(instant: Instant) -> u64 {
    u64::try_from(instant.since_start().as_nanos()).unwrap_or(u64::MAX)
}

fn instant(nanos: u64) -> Instant {
    Instant::from_start(Duration::from_nanos(nanos))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn intents() -> Vec<Intent> {
        let mut all: Vec<Intent> = REASONS.into_iter().map(Intent::NotReady).collect();
        all.push(Intent::Ready);
        all
    }

    #[test]
    fn every_seat_state_comes_back_as_it_went() {
        let (mut writer, reader) = board(1, 0);
        for intent in intents() {
            for work in WORKS {
                let seat = SeatWord {
                    intent,
                    pending: Some(intent).filter(|_| work == Work::Talking),
                    work,
                    device: Device::Registered,
                    call: Some(CallId(0)),
                    since: instant(123_456_789),
                };
                writer.set_seat(0, seat);
                assert_eq!(reader.seat(0), Some(seat));
            }
        }
        assert_eq!(reader.turns(), 70);
    }

    #[test]
    fn a_queue_comes_back_as_it_went() {
        let (mut writer, reader) = board(0, 2);
        let queue = QueueWord {
            waiting: 1,
            longest_wait_since: Some(Instant::START),
            ready_seats: 2,
            offering: 3,
            talking: 4,
            staffed: u32::MAX,
            tempo: Some(Tempo {
                interval: Duration::from_millis(4_321),
                patience: Duration::from_secs(90),
            }),
        };
        writer.set_queue(1, queue);
        writer.set_queue(2, queue);
        assert_eq!(reader.queue(1), Some(queue));
        assert_eq!(reader.queue(0), Some(QueueWord::default()));
        assert_eq!(reader.queue(2), None);
        assert_eq!(reader.queues().count(), 2);
    }
}
