//! Fifty calls through a network that loses a tenth of all datagrams and lets some overtake
//! others: every one is answered, asked to end, and ended.

use std::{
    collections::BinaryHeap,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{engine::Engine, journal, scenario::Scenario, town};

/// Of a hundred datagrams, so many are lost.
const LOST_IN_A_HUNDRED: u64 = 10;

/// A datagram waits up to so many milliseconds: what was sent later may come first.
const DELAY_MS: u64 = 30;

/// A network between a caller and the engine that loses, delays and reorders by a seed.
struct Network {
    front: SocketAddr,
    stop: Arc<AtomicBool>,
    lost: Arc<AtomicU32>,
    carrier: Option<thread::JoinHandle<()>>,
}

/// A datagram under way: to be delivered at this time, to the engine or back.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct UnderWay(std::cmp::Reverse<(Instant, u64)>, bool, Vec<u8>);

/// A small generator of chance (SplitMix64): the same seed gives the same losses.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

impl Network {
    fn before(engine: &Engine, seed: u64) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").unwrap();
        let back = UdpSocket::bind("127.0.0.1:0").unwrap();
        back.connect(("127.0.0.1", engine.sip)).unwrap();
        for socket in [&front, &back] {
            socket.set_nonblocking(true).unwrap();
        }
        let address = front.local_addr().unwrap();
        let (stop, lost) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&lost));
        let carrier = thread::spawn(move || {
            carry(&front, &back, &mut Chance(seed), &stopped, &counted);
        });
        Self {
            front: address,
            stop,
            lost,
            carrier: Some(carrier),
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(carrier) = self.carrier.take() {
            let _ = carrier.join();
        }
    }
}

fn carry(
    front: &UdpSocket,
    back: &UdpSocket,
    chance: &mut Chance,
    stop: &AtomicBool,
    lost: &AtomicU32,
) {
    let mut heap = BinaryHeap::new();
    let mut caller = None;
    let mut number = 0;
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        for inward in [true, false] {
            let socket = if inward { front } else { back };
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if inward {
                    caller = Some(from);
                }
                if chance.below(100) < LOST_IN_A_HUNDRED {
                    lost.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                number += 1;
                let due = Instant::now() + Duration::from_millis(chance.below(DELAY_MS));
                let order = std::cmp::Reverse((due, number));
                heap.push(UnderWay(order, inward, buffer[..length].to_vec()));
            }
        }
        while heap.peek().is_some_and(|next| next.0.0.0 <= Instant::now()) {
            let Some(UnderWay(_, inward, bytes)) = heap.pop() else {
                break;
            };
            // A socket that is full loses the datagram, as networks do.
            let _ = match (inward, caller) {
                (true, _) => back.send(&bytes),
                (false, Some(caller)) => front.send_to(&bytes, caller),
                (false, None) => continue,
            };
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn every_call_completes_although_a_tenth_is_lost_and_the_rest_out_of_order() {
    let engine = town::start();
    let network = Network::before(&engine, 12_345);
    let mut callers = Scenario::new("answered")
        .with("stay", &300)
        .option(&["-m", "50", "-l", "50", "-r", "10"])
        .through(network.front)
        .start(&engine);
    callers.finish(90);
    let lost = network.lost.load(Ordering::Relaxed);
    assert!(lost >= 20, "only {lost} datagrams were lost");
    engine.until("no call is left", 40, |board| {
        board["calls"]
            .as_array()
            .is_some_and(Vec::is_empty)
            .then_some(())
    });
    let records = journal::records(&engine);
    let of = |kind: &str| {
        records
            .iter()
            .filter(|record| record["type"] == kind)
            .count()
    };
    assert_eq!(of("call-arrived"), 50);
    assert_eq!(of("call-answered"), 50);
    assert_eq!(of("call-ended"), 50);
    let ends = records
        .iter()
        .filter(|record| record["type"] == "call-ended");
    let otherwise: Vec<_> = ends.filter(|end| end["released_by"] != "caller").collect();
    for end in &otherwise {
        let is = |r: &&serde_json::Value| r["type"] == "call-arrived" && r["call"] == end["call"];
        let id = records
            .iter()
            .find(is)
            .map(|arrived| &arrived["sip_call_id"]);
        let messages = callers.messages();
        let of_it = messages.split("-----------------------------------------------");
        let words = id.and_then(|id| id.as_str()).unwrap_or_default();
        let of_it = of_it.filter(|message| message.contains(&format!("Call-ID: {words}\r")));
        eprintln!("{}", of_it.collect::<Vec<_>>().join("---"));
    }
    assert!(otherwise.is_empty(), "ended by themselves: {otherwise:?}");
    assert!(engine.audit().contains("unbroken"));
}
