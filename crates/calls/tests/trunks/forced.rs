//! What a supervisor forced holds until a supervisor says otherwise, also over a restart.

use hotline_calls::orders::{OrderRefused, SeatRequest};
use hotline_model::{
    event::Event,
    seat::{Intent, Reason},
};

use crate::bench::{A, Bench, PHONE, s, seat, settings, trunk};

#[test]
fn who_was_forced_before_the_restart_is_so_after_it() {
    let mut bench = Bench::with(settings(vec![trunk("incoming", A, 1)]));
    bench.exchange.force(bench.now, &[seat()]);
    bench.settle();
    let again = |event: &Event| {
        matches!(event, Event::SeatRequested { request, done: true, .. }
            if request == "not-ready forced")
    };
    assert_eq!(bench.count(again), 1, "the next start finds it");
    bench.sign_in(PHONE, "1001", "secret");
    bench.pass(s(1));
    let refused = bench.order(seat(), SeatRequest::Ready);
    assert_eq!(refused, Err(OrderRefused::Forced));
    bench.call(A, "13800000001", "12345", None, &[]);
    assert!(bench.invited(PHONE).is_none());
    bench.supervisor_orders(seat(), SeatRequest::Ready).unwrap();
    assert!(bench.invited(PHONE).is_some());
    let floor = &bench.exchange.switchboard().floor;
    let intent = floor.seat(seat()).unwrap().intent;
    assert_ne!(intent, Intent::NotReady(Reason::Forced));
}
