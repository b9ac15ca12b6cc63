//! Ports that are open before anybody needs them: a seat that becomes free is rung without a word of
//! the media thread.

use hotline_media::Command;
use hotline_model::{limits::MEDIA_PORTS_READY, seat::Work};
use hotline_sip::endpoint::DialogId;

use crate::bench::{A, B, Bench, PHONE, s, sdp, settings, trunk};

/// A talk, and a caller who waits; from now on the media thread opens nothing for who asks. The
/// phone's dialog.
fn talk_and_line(to_spare: usize) -> (Bench, DialogId) {
    let mut settings = settings(vec![trunk("incoming", A, 1)]);
    settings.media_threads = 1;
    let mut bench = Bench::with(settings);
    bench.to_spare = to_spare;
    bench.register();
    bench.call(A, "13800000001", "12345", None, &[]);
    let agent = bench.invited(PHONE).unwrap();
    bench.does(PHONE, |endpoint, now| {
        endpoint.answer(now, agent, sdp(PHONE, 5_000, "sendrecv"));
    });
    bench.call(A, "13800000002", "12345", None, &[]);
    bench.told(PHONE);
    bench.ports_wait = true;
    bench.pass(s(5));
    (bench, agent)
}

/// The seat hangs up, and is free when its wrap-up is over.
fn becomes_free(bench: &mut Bench, agent: DialogId) {
    bench.does(PHONE, |endpoint, now| endpoint.hang_up(now, agent, None));
    while bench.work() == Work::WrapUp {
        bench.pass(s(1));
    }
}

fn kinds(bench: &Bench) -> (usize, usize, Vec<usize>) {
    let count = |which: fn(&Command) -> bool| bench.media.iter().filter(|it| which(it)).count();
    let asked = bench.media.iter().filter_map(|command| match command {
        Command::Prepare { many, .. } => Some(*many),
        _ => None,
    });
    (
        count(|it| matches!(it, Command::Open { .. })),
        count(|it| matches!(it, Command::OpenPrepared { .. })),
        asked.collect(),
    )
}

#[test]
fn a_free_seat_is_rung_while_the_media_thread_is_busy() {
    let (mut bench, agent) = talk_and_line(100);
    // The first leg asked for its port, and for those to come.
    assert_eq!(kinds(&bench), (1, 2, vec![MEDIA_PORTS_READY]));
    assert!(bench.measured.is_empty(), "nobody had waited");
    becomes_free(&mut bench, agent);
    assert!(bench.invited(PHONE).is_some());
    assert_eq!(kinds(&bench).0, 1);
    let Some(Command::OpenPrepared { leg, address, port }) = bench
        .media
        .iter()
        .rev()
        .find(|it| matches!(it, Command::OpenPrepared { .. }))
    else {
        panic!("{:?}", bench.media);
    };
    let invite = bench.invite_heard(PHONE);
    assert!(invite.contains(&format!("m=audio {port} ")), "{invite}");
    assert!(invite.contains(&format!("IN IP4 {address}")), "{invite}");
    assert!(bench.exchange.switchboard().owner(*leg).is_some());
    assert_eq!(bench.measured, [bench.now], "in the same turn");
}

#[test]
fn where_none_is_ready_the_media_thread_is_asked() {
    let (mut bench, agent) = talk_and_line(0);
    becomes_free(&mut bench, agent);
    assert_eq!(
        kinds(&bench),
        (4, 0, vec![MEDIA_PORTS_READY]),
        "asked once, in vain"
    );
    assert_eq!((bench.invited(PHONE), bench.measured.len()), (None, 0));
    let found = bench.now;
    bench.pass(s(1));
    bench.open_ports();
    assert!(bench.invited(PHONE).is_some());
    assert_eq!(bench.measured, [found], "the wait is in the measure");
}

#[test]
fn a_thread_that_is_lost_takes_its_ports_along() {
    let mut bench = Bench::new(vec![trunk("incoming", A, 1)]);
    bench.to_spare = 1_000;
    for number in ["13800000001", "13800000002", "13800000003"] {
        bench.call(A, number, "12345", None, &[]);
    }
    let ready = |bench: &Bench| bench.exchange.switchboard().ports.ready();
    assert_eq!(ready(&bench), 2 * MEDIA_PORTS_READY - 1);
    bench.thread_lost(0);
    assert_eq!(ready(&bench), MEDIA_PORTS_READY);
    bench.media.clear();
    bench.call(B, "13800000004", "12345", None, &[]);
    bench.call(A, "13800000005", "12345", None, &[]);
    assert_eq!(kinds(&bench).0, 0);
    let at =
        |it: &Command| matches!(it, Command::OpenPrepared { leg, .. } if leg.thread().at() == 0);
    assert!(!bench.media.iter().any(at));
}
