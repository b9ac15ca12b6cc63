//! What is handed to the recorder.

use super::*;

pub(super) fn record(bench: &mut Bench) {
    bench.tell(Command::Record {
        recording: 9,
        left: A,
        right: Some(B),
    });
}

#[test]
fn both_sides_are_recorded_where_they_were_heard() {
    let mut bench = Bench::new();
    bench.bridge();
    record(&mut bench);
    bench.pass(100);
    bench.hear(A, &rtp(8, 1, 1_000, &[1; 160]));
    bench.pass(5);
    // 60 ms in one packet are three blocks.
    bench.hear(B, &rtp(8, 1, 5_000, &[2; 480]));
    bench.hear(A, &rtp(8, 2, 1_160, &[3; 160]));
    bench.pass(895);
    bench.tell(Command::StopRecord { recording: 9 });
    bench.hear(A, &rtp(8, 3, 1_320, &[4; 160]));
    let blocks: Vec<(u8, u64, u8)> = bench
        .net
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Sound(sound) => Some((sound.voice, sound.at_sample, sound.bytes[0])),
            Block::End { .. } => None,
        })
        .collect();
    assert_eq!(
        blocks,
        [
            (0, 800, 1),
            (1, 840, 2),
            (1, 1_000, 2),
            (1, 1_160, 2),
            (0, 960, 3)
        ]
    );
    let end = Block::End {
        recording: 9,
        at_sample: 8_000,
    };
    assert_eq!(bench.net.blocks.last(), Some(&end));
    assert_eq!(bench.reports(), []);
}

#[test]
fn a_recording_ends_with_its_last_leg_and_its_end_is_never_lost() {
    let mut bench = Bench::new();
    record(&mut bench);
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    bench.net.recorder_full = true;
    bench.hear(A, &rtp(8, 2, 160, &[1; 160]));
    bench.tell(Command::Close { leg: A });
    assert_eq!(bench.net.blocks.len(), 1);
    bench.tell(Command::Close { leg: B });
    let gaps = Report::RecordingGaps {
        recording: 9,
        blocks: 1,
    };
    assert!(bench.reports().contains(&gaps));
    assert_eq!(bench.worker.counts().blocks_dropped, 1);
    bench.pass(1_500);
    bench.net.recorder_full = false;
    bench.pass(1_500);
    assert_eq!(bench.net.blocks.len(), 2);
    assert!(matches!(
        bench.net.blocks[1],
        Block::End { recording: 9, .. }
    ));
    assert_eq!(bench.worker.next_tick(), None, "nothing is left to do");
}

#[test]
fn a_leg_is_in_no_more_than_two_recordings() {
    let mut bench = Bench::new();
    record(&mut bench);
    record(&mut bench);
    bench.tell(Command::Record {
        recording: 10,
        left: A,
        right: None,
    });
    bench.tell(Command::Record {
        recording: 11,
        left: A,
        right: None,
    });
    bench.tell(Command::Record {
        recording: 12,
        left: B,
        right: Some(B),
    });
    assert_eq!(bench.worker.counts().commands_dropped, 3);
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    let recordings: Vec<u64> = bench.net.blocks.iter().map(Block::recording).collect();
    assert_eq!(recordings, [9, 10]);
}

#[test]
fn a_paused_recording_has_a_gap_of_the_same_length() {
    let mut bench = Bench::new();
    record(&mut bench);
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    bench.pass(20);
    let paused = |paused| Command::PauseRecord {
        recording: 9,
        paused,
    };
    bench.tell(paused(true));
    bench.hear(A, &rtp(8, 2, 160, &[2; 160]));
    bench.pass(20);
    bench.tell(paused(false));
    bench.hear(A, &rtp(8, 3, 320, &[3; 160]));
    let heard: Vec<(u64, u8)> = sounds(&bench)
        .iter()
        .map(|s| (s.at_sample, s.bytes[0]))
        .collect();
    assert_eq!(heard, [(0, 1), (320, 3)]);
    bench.tell(Command::PauseRecord {
        recording: 8,
        paused: true,
    });
    assert_eq!(bench.worker.counts().commands_dropped, 1);
}

#[test]
fn a_third_party_joins_a_recording_with_a_voice_of_its_own() {
    let mut bench = Bench::new();
    let third = LegId(33);
    bench.tell(open(third));
    bench.connect(third, agreed(third));
    record(&mut bench);
    bench.pass(40);
    for _ in 0..2 {
        // The second time it is in the recording already.
        bench.tell(Command::RecordAlso {
            recording: 9,
            leg: third,
        });
    }
    assert_eq!(bench.worker.counts().commands_dropped, 1);
    bench.worker.handle_packet(
        bench.now,
        Slot(2),
        peer(third),
        &rtp(8, 1, 0, &[7; 160]),
        &mut bench.net,
    );
    let sound = sounds(&bench)[0];
    assert_eq!((sound.voice, sound.at_sample), (2, 320));
    // The recording goes on when both it began with have left.
    bench.close(A);
    bench.close(B);
    assert!(
        !bench
            .net
            .blocks
            .iter()
            .any(|b| matches!(b, Block::End { .. }))
    );
    bench.close(third);
    assert!(
        bench
            .net
            .blocks
            .iter()
            .any(|b| matches!(b, Block::End { .. }))
    );
}

fn sounds(bench: &Bench) -> Vec<crate::Sound> {
    let blocks = bench.net.blocks.iter();
    blocks
        .filter_map(|block| match block {
            Block::Sound(sound) => Some(*sound),
            Block::End { .. } => None,
        })
        .collect()
}

#[test]
fn a_recording_that_could_not_begin_ends_all_the_same() {
    let mut bench = Bench::new();
    // One side is gone before the recording begins.
    bench.tell(Command::Close { leg: B });
    record(&mut bench);
    bench.net.recorder_full = true;
    bench.tell(Command::StopRecord { recording: 9 });
    bench.net.recorder_full = false;
    bench.pass(1_500);
    let end = Block::End {
        recording: 9,
        at_sample: 0,
    };
    assert_eq!(bench.net.blocks, [end]);
}
