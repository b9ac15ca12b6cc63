//! What a leg plays.

use super::*;

#[test]
fn a_prompt_is_sent_whole_in_20_ms_frames_and_its_end_reported() {
    let mut bench = Bench::new();
    let clips = [Clip::tone(440, 50), Clip::tone(600, 35)];
    bench.play(A, &clips);
    bench.pass(97);
    assert_eq!(bench.reports(), [], "the last frame's time is not over");
    bench.pass(20);
    assert_eq!(bench.reports(), [Report::PlayEnded { leg: A, play: 1 }]);
    let sent = bench.sent(A);
    let mut expected = [clips[0].bytes(Codec::Pcma), clips[1].bytes(Codec::Pcma)].concat();
    expected.resize(5 * 160, 0xD5);
    assert_eq!(payloads(&sent), expected);
    assert!(is_continuous(&sent));
    let markers: Vec<bool> = sent.iter().map(|packet| packet.marker).collect();
    assert_eq!(markers, [true, false, false, false, false]);
    assert!(sent.iter().all(|packet| packet.payload_type == 8));
    // A second later: the next number, the time that passed, a marker.
    bench.pass(903);
    bench.play(A, &clips);
    bench.pass(20);
    let next = bench.sent(A).remove(0);
    assert_eq!(next.sequence, sent[4].sequence.wrapping_add(1));
    assert_eq!(next.timestamp, sent[0].timestamp.wrapping_add(8_000 + 160));
    assert!(next.marker);
}

#[test]
fn a_new_play_replaces_the_old_and_a_stopped_one_is_not_reported() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 1_000)]);
    bench.pass(100);
    let second = Clip::tone(880, 40);
    let (clips, repeat) = (vec![second.clone()], false);
    bench.tell(Command::Play {
        leg: A,
        play: 2,
        clips,
        repeat,
    });
    bench.pass(100);
    assert_eq!(bench.reports(), [Report::PlayEnded { leg: A, play: 2 }]);
    let sent = bench.sent(A);
    assert_eq!(payloads(&sent[5..]), second.bytes(Codec::Pcma));
    assert!(is_continuous(&sent));
    bench.play(A, &[second]);
    bench.tell(Command::StopPlay { leg: A });
    bench.pass(100);
    assert_eq!((bench.reports(), bench.sent(A)), (vec![], vec![]));
}

#[test]
fn music_goes_on_until_it_is_stopped() {
    let mut bench = Bench::new();
    let tune = Clip::tone(300, 30);
    let (clips, repeat) = (vec![tune.clone()], true);
    bench.tell(Command::Play {
        leg: A,
        play: 1,
        clips,
        repeat,
    });
    bench.pass(600);
    let heard = payloads(&bench.sent(A));
    assert_eq!(heard, tune.bytes(Codec::Pcma).repeat(20));
    assert_eq!(bench.reports(), []);
}

#[test]
fn a_leg_on_hold_hears_nothing_and_its_script_goes_on() {
    let mut bench = Bench::new();
    let hold = Agreed {
        direction: Direction::RecvOnly,
        ..agreed(A)
    };
    bench.connect(A, hold);
    bench.play(A, &[Clip::tone(440, 100)]);
    bench.pass(200);
    assert_eq!(bench.reports(), [Report::PlayEnded { leg: A, play: 1 }]);
    bench.bridge();
    bench.hear(B, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.sent(A), []);
    // Resumed: the bridge is heard again.
    bench.connect(A, agreed(A));
    bench.hear(B, &rtp(8, 2, 160, &[2; 160]));
    assert_eq!(payloads(&bench.sent(A)), [2; 160]);
    // We hold A: it may not send.
    bench.connect(
        A,
        Agreed {
            direction: Direction::SendOnly,
            ..agreed(A)
        },
    );
    bench.hear(A, &rtp(8, 1, 0, &[1; 160]));
    assert_eq!(bench.sent(B), []);
    assert_eq!(bench.close(A).not_agreed, 1);
}

#[test]
fn a_late_tick_makes_up_a_little_and_leaves_out_the_rest() {
    let mut bench = Bench::new();
    bench.play(A, &[Clip::tone(440, 400)]);
    bench.pass(20);
    // The thread sleeps through 60 ms.
    bench.now = bench.now + Duration::from_millis(60);
    bench.worker.handle_tick(bench.now, &mut bench.net);
    let sent = bench.sent(A);
    assert_eq!(sent.len(), 4);
    assert!(is_continuous(&sent));
    // And through a second: five frames, at the times they belong to.
    bench.now = bench.now + Duration::from_secs(1);
    bench.worker.handle_tick(bench.now, &mut bench.net);
    let caught_up = bench.sent(A);
    assert_eq!(caught_up.len(), 5);
    assert!(is_continuous(&caught_up));
    assert_eq!(bench.worker.counts().frames_late, 45);
    let skipped = caught_up[0].timestamp.wrapping_sub(sent[3].timestamp);
    assert_eq!(skipped, 46 * 160);
    bench.pass(220);
    assert_eq!(payloads(&[sent, caught_up, bench.sent(A)].concat()), {
        let clip = Clip::tone(440, 400);
        clip.bytes(Codec::Pcma).to_vec()
    });
}
