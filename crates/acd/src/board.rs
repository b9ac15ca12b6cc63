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
//!
//! A board grows while it is read: a further part is hung on behind the last, once, and no record
//! ever moves. What counts as there is said afterwards, so a reader finds every record it may ask
//! for.

use core::{fmt, time::Duration};
use std::sync::OnceLock;

use hotline_model::{
    CallId, Instant,
    seat::{Device, Intent, OwnReason, Reason, Work},
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
    /// Original arrival of the one who waits longest, of those who were promised no callback.
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

/// So many records as were needed when it was made, and what was hung on since. Each part is at
/// least as large as all before it, so that there are few.
struct Part {
    seats: Box<[Record]>,
    queues: Box<[Record]>,
    /// Set by the one writer alone: nobody ever waits for it.
    next: OnceLock<Arc<Part>>,
}

impl Part {
    /// At first all seats are signed out without a phone and all queues empty.
    fn new(seats: usize, queues: usize) -> Self {
        let seat = pack_seat(SeatWord {
            intent: Intent::NotReady(Reason::LoggedOut),
            pending: None,
            work: Work::Free,
            device: Device::Unregistered,
            call: None,
            since: Instant::START,
        });
        let queue = pack_queue(QueueWord::default());
        Self {
            seats: (0..seats).map(|_| Record::new(seat)).collect(),
            queues: (0..queues).map(|_| Record::new(queue)).collect(),
            next: OnceLock::new(),
        }
    }
}

/// Which of a part's records are meant.
type Kind = fn(&Part) -> &[Record];

fn seats_of(part: &Part) -> &[Record] {
    &part.seats
}

fn queues_of(part: &Part) -> &[Record] {
    &part.queues
}

struct Board {
    first: Part,
    /// Seats that count as there, and queues.
    seats: AtomicU64,
    queues: AtomicU64,
    turns: AtomicU64,
}

impl Board {
    fn parts(&self) -> impl Iterator<Item = &Part> {
        core::iter::successors(Some(&self.first), |part| {
            part.next.get().map(|next| &**next)
        })
    }

    /// The record at this index, whether it counts as there or not.
    fn record(&self, of: Kind, mut index: usize) -> Option<&Record> {
        for part in self.parts() {
            let here = of(part);
            match here.get(index) {
                Some(record) => return Some(record),
                None => index -= here.len(),
            }
        }
        None
    }

    fn records(&self, of: Kind, count: usize) -> impl Iterator<Item = &Record> {
        self.parts().flat_map(of).take(count)
    }

    fn capacity(&self, of: Kind) -> usize {
        self.parts().map(|part| of(part).len()).sum()
    }
}

fn count(of: &AtomicU64) -> usize {
    usize::try_from(of.load(Ordering::Acquire)).unwrap_or(usize::MAX)
}

/// Makes a board for so many seats and queues: one writer, and a reader to be cloned. At first all
/// seats are signed out without a phone and all queues empty.
pub fn board(seats: usize, queues: usize) -> (BoardWriter, BoardReader) {
    let board = Arc::new(Board {
        first: Part::new(seats, queues),
        seats: AtomicU64::new(seats as u64),
        queues: AtomicU64::new(queues as u64),
        turns: AtomicU64::new(0),
    });
    let reader = BoardReader(Arc::clone(&board));
    (BoardWriter(board), reader)
}

/// The one who writes. Not to be cloned: two writers would break the records.
pub struct BoardWriter(Arc<Board>);

impl BoardWriter {
    /// Makes room for so many seats and queues, where there is less. Readers go on meanwhile, and
    /// those there are see the new records, too.
    pub fn grow(&mut self, seats: usize, queues: usize) {
        let board = &self.0;
        if seats <= count(&board.seats) && queues <= count(&board.queues) {
            return;
        }
        let room = (board.capacity(seats_of), board.capacity(queues_of));
        if seats > room.0 || queues > room.1 {
            let more = |wanted: usize, room: usize| match wanted.saturating_sub(room) {
                0 => 0,
                short => short.max(room),
            };
            let part = Part::new(more(seats, room.0), more(queues, room.1));
            if let Some(last) = board.parts().last() {
                // Nobody else hangs on: there is one writer.
                let _ = last.next.set(Arc::new(part));
            }
        }
        for (of, wanted) in [(&board.seats, seats), (&board.queues, queues)] {
            of.store(wanted.max(count(of)) as u64, Ordering::Release);
        }
    }

    /// Writes a seat; an index beyond the board is ignored.
    pub fn set_seat(&mut self, index: usize, seat: SeatWord) {
        if let Some(record) = self.0.record(seats_of, index) {
            record.write(pack_seat(seat));
            self.turn();
        }
    }

    /// Writes a queue; an index beyond the board is ignored.
    pub fn set_queue(&mut self, index: usize, queue: QueueWord) {
        if let Some(record) = self.0.record(queues_of, index) {
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
        let there = index < count(&self.0.seats);
        let record = self.0.record(seats_of, index).filter(|_| there)?;
        Some(unpack_seat(record.read()))
    }

    /// The queue at this index; `None` beyond the board.
    pub fn queue(&self, index: usize) -> Option<QueueWord> {
        let there = index < count(&self.0.queues);
        let record = self.0.record(queues_of, index).filter(|_| there)?;
        Some(unpack_queue(record.read()))
    }

    /// All seats, in the order of the settings, those named later behind.
    pub fn seats(&self) -> impl Iterator<Item = SeatWord> {
        let records = self.0.records(seats_of, count(&self.0.seats));
        records.map(|record| unpack_seat(record.read()))
    }

    /// All queues, in the order of the settings, those named later behind.
    pub fn queues(&self) -> impl Iterator<Item = QueueWord> {
        let records = self.0.records(queues_of, count(&self.0.queues));
        records.map(|record| unpack_queue(record.read()))
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

const WORKS: [Work; 7] = [
    Work::Free,
    Work::Reserved,
    Work::Ringing,
    Work::Talking,
    Work::Hold,
    Work::WrapUp,
    Work::Busy,
];

/// Code of a reason of the house's own; its word stands in a word of the record.
const OWN: u64 = 255;

/// Ready is 1, not ready 2 and more by reason; 0 is left for "none".
fn pack_intent(intent: Intent) -> u64 {
    match intent {
        Intent::Ready => 1,
        Intent::NotReady(Reason::Own(_)) => OWN,
        Intent::NotReady(reason) => 2 + index_of(&Reason::BUILT_IN, &reason),
    }
}

fn pack_own(intent: Intent) -> u64 {
    match intent {
        Intent::NotReady(Reason::Own(own)) => own.to_bits(),
        Intent::NotReady(_) | Intent::Ready => 0,
    }
}

fn unpack_intent(code: u64, own: u64) -> Option<Intent> {
    match code {
        0 => None,
        1 => Some(Intent::Ready),
        OWN => OwnReason::from_bits(own).map(|own| Intent::NotReady(Reason::Own(own))),
        _ => at(&Reason::BUILT_IN, code - 2).map(Intent::NotReady),
    }
}

fn index_of<T: PartialEq>(all: &[T], one: &T) -> u64 {
    all.iter().position(|it| it == one).unwrap_or_default() as u64
}

fn at<T: Copy>(all: &[T], index: u64) -> Option<T> {
    all.get(usize::try_from(index).ok()?).copied()
}

/// State in bytes, the call, whether there is one, since when, and own reasons.
fn pack_seat(seat: SeatWord) -> [u64; WORDS] {
    let state = pack_intent(seat.intent)
        | seat.pending.map_or(0, pack_intent) << 8
        | index_of(&WORKS, &seat.work) << 16
        | u64::from(seat.device == Device::Registered) << 24
        | u64::from(seat.call.is_some()) << 32;
    let call = seat.call.map_or(0, |call| call.0);
    let [own, pending] = [Some(seat.intent), seat.pending].map(|it| it.map_or(0, pack_own));
    [state, call, nanos(seat.since), own, pending]
}

fn unpack_seat([state, call, since, own, pending]: [u64; WORDS]) -> SeatWord {
    let byte = |shift: u32| state >> shift & 0xff;
    SeatWord {
        intent: unpack_intent(byte(0), own).unwrap_or(Intent::NotReady(Reason::LoggedOut)),
        pending: unpack_intent(byte(8), pending),
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
        let reasons = Reason::BUILT_IN.into_iter().chain(Reason::of("tea"));
        let mut all: Vec<Intent> = reasons.map(Intent::NotReady).collect();
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
        assert_eq!(reader.turns(), 77);
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

    #[test]
    fn a_board_grows_under_its_readers() {
        let (mut writer, reader) = board(1, 1);
        let word = |n: u32| QueueWord {
            waiting: n,
            ..QueueWord::default()
        };
        writer.set_queue(0, word(1));
        for size in [2, 3, 9, 40] {
            writer.grow(size, size);
            assert_eq!(
                (reader.seats().count(), reader.queues().count()),
                (size, size)
            );
            assert_eq!(reader.queue(size), None);
            let last = reader.seat(size - 1).unwrap();
            assert_eq!(last.intent, Intent::NotReady(Reason::LoggedOut));
            writer.set_queue(size - 1, word(size as u32));
            assert_eq!(reader.queue(size - 1), Some(word(size as u32)));
        }
        // Never smaller, and nothing moved.
        writer.grow(1, 1);
        let waiting: Vec<u32> = reader.queues().map(|it| it.waiting).collect();
        assert_eq!(waiting.len(), 40);
        assert_eq!(
            (waiting[0], waiting[1], waiting[2], waiting[8]),
            (1, 2, 3, 9)
        );
        assert_eq!(reader.seats().count(), 40);
    }
}
