//! Which way out is tried first, and what a trunk carries.

use super::*;

fn name(text: &str) -> TrunkId {
    TrunkId::new(text).unwrap()
}

fn trunk(id: &str, priority: u16, weight: u32, prefixes: &[&str], targets: u8) -> Trunk {
    let ours = "10.0.0.1:5060".parse().unwrap();
    let target = |last: u8| Target {
        path: Path::udp(ours, format!("192.0.2.{last}:5060").parse().unwrap()),
    };
    let mut trunk = Trunk::inbound(name(id), []);
    trunk.outbound = Outbound {
        targets: (1..=targets).map(target).collect(),
        priority,
        weight,
        prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(),
        ..Outbound::default()
    };
    trunk
}

fn firsts(trunks: &mut Trunks, number: &str) -> Vec<String> {
    let ways = trunks.ways(number);
    ways.iter().map(|way| way.trunk.to_string()).collect()
}

#[test]
fn the_lowest_priority_is_tried_first_and_only_what_allows_the_number() {
    let mut trunks = Trunks::new(
        &[
            trunk("last", 20, 1, &["0635", "1"], 1),
            trunk("first", 10, 1, &["0635"], 2),
            trunk("abroad", 0, 1, &["00"], 1),
            trunk("closed", 0, 1, &[], 1),
        ],
        [1; 32],
    );
    assert_eq!(
        firsts(&mut trunks, "06358261234"),
        ["first", "first", "last"]
    );
    assert_eq!(firsts(&mut trunks, "13800000001"), ["last"]);
    assert_eq!(firsts(&mut trunks, "0044"), ["abroad"]);
    assert_eq!(firsts(&mut trunks, "0531"), [""; 0]);
    let ways = trunks.ways("0635");
    let targets: Vec<_> = ways.iter().map(|way| way.target.to_string()).collect();
    assert_eq!(targets[..2], ["UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060"]);
}

#[test]
fn equals_share_the_calls_by_weight_and_each_stands_in_for_the_other() {
    let list = [
        trunk("a", 1, 3, &["1"], 1),
        trunk("b", 1, 1, &["1"], 1),
        trunk("none", 1, 0, &["1"], 1),
    ];
    let mut trunks = Trunks::new(&list, [2; 32]);
    let mut first = BTreeMap::<String, u32>::new();
    for _ in 0..5_000 {
        let order = firsts(&mut trunks, "110");
        assert_eq!(order.len(), 3);
        *first.entry(order[0].clone()).or_default() += 1;
    }
    // A weight of nothing counts as one: 3 to 1 to 1.
    assert!((2_850..3_150).contains(&first["a"]), "{first:?}");
    assert!((900..1_100).contains(&first["b"]), "{first:?}");
    let mut again = Trunks::new(&list, [2; 32]);
    let mut same = Trunks::new(&list, [2; 32]);
    for _ in 0..50 {
        assert_eq!(firsts(&mut again, "110"), firsts(&mut same, "110"));
    }
}

#[test]
fn a_trunk_is_full_at_its_limit_and_a_leg_counts_once() {
    let mut line = trunk("a", 1, 1, &["1"], 2);
    line.calls_limit = Some(2);
    let mut trunks = Trunks::new(&[line], [3; 32]);
    let ways = trunks.ways("110");
    let a = name("a");
    trunks.carries(ways[0].at, LegId(1));
    trunks.carries(ways[1].at, LegId(1));
    assert_eq!(trunks.live(a), 1);
    assert!(trunks.is_open(ways[0].at));
    trunks.brought(a, LegId(2));
    assert!(trunks.is_full(a) && !trunks.is_open(ways[0].at));
    trunks.released(LegId(1));
    trunks.released(LegId(1));
    assert_eq!(trunks.live(a), 1);
    trunks.released(LegId(2));
    trunks.brought(name("other"), LegId(3));
    assert_eq!((trunks.live(a), trunks.live(name("other"))), (0, 0));
}

#[test]
fn every_failure_says_why_the_connection_was_refused_until_the_target_answers() {
    let mut trunks = Trunks::new(&[trunk("a", 1, 1, &["1"], 1)], [4; 32]);
    let way = trunks.ways("110")[0].clone();
    let now = Instant::START;
    trunks.path_lost(now, &way.target.path, Some("its certificate has expired"));
    let mut whys = Vec::new();
    while whys.is_empty() {
        trunks.fared(now, way.at, Fared::Unavailable(None));
        whys.extend(trunks.poll_change().map(|change| change.why));
    }
    assert!(whys[0].contains("its certificate has expired"), "{whys:?}");
    // What was, was before the answer.
    trunks.fared(now, way.at, Fared::Answered);
    trunks.poll_change();
    whys.clear();
    while whys.is_empty() {
        trunks.fared(now, way.at, Fared::Unavailable(None));
        whys.extend(trunks.poll_change().map(|change| change.why));
    }
    assert!(!whys[0].contains("certificate"), "{whys:?}");
}

#[test]
fn what_invites_meet_is_known_of_the_target() {
    let mut trunks = Trunks::new(&[trunk("a", 1, 1, &["1"], 2)], [4; 32]);
    let at = trunks.ways("110")[0].at;
    trunks.carries(at, LegId(1));
    trunks.asks_for_rest(Instant::START, LegId(1), 20);
    trunks.asks_for_rest(Instant::START, LegId(9), 20);
    assert!(!trunks.is_open(at));
    let change = trunks.poll_change().unwrap();
    assert_eq!(
        (change.state, change.why.as_str()),
        (TrunkState::Down, "503, rests 20 s")
    );
    assert_eq!(trunks.poll_change(), None);
    assert_eq!(
        trunks.state(name("a")),
        TrunkState::Unknown,
        "the other may be up"
    );
    let after = Instant::START + Duration::from_secs(20);
    assert_eq!(trunks.next_wake(), Some(after));
}
