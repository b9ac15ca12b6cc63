//! Random centres, and random histories of what may rightly happen in them.

use std::time::Duration;

use hotline_acd::{
    Choice, Input, Overflow, OverflowTo, OverflowWhen, QueueSettings, SeatSettings, Skills,
    Widening,
};
use hotline_model::{
    CallId, QueueId, ScriptId, SeatId, SkillId,
    seat::{Device, Intent, OfferResult, Reason, Work},
};

use super::{Dice, Seen, Tracked, World, queue};

/// A random centre: a few queues of differing rules, a few seats of differing skills.
pub fn centre(dice: &mut Dice) -> (Vec<QueueSettings>, Vec<SeatSettings>) {
    let names = &QUEUES[..1 + dice.below(4) as usize];
    let queues: Vec<_> = names.iter().map(|name| a_queue(dice, name)).collect();
    let seats = 0..1 + dice.below(6);
    let seats = seats.map(|n| a_seat(dice, n, &queues)).collect();
    (queues, seats)
}

const QUEUES: [&str; 4] = ["general", "business", "english", "leader"];

/// The centre after a change: some queues and seats go, come or change.
pub fn changed(world: &World, dice: &mut Dice) -> (Vec<QueueSettings>, Vec<SeatSettings>) {
    let mut queues = Vec::new();
    for name in QUEUES {
        let now = world.queues.iter().find(|it| it.id.as_str() == name);
        match (now, dice.below(5)) {
            (Some(_), 0) | (None, 0..=2) => {}
            (None, _) | (_, 1) => queues.push(a_queue(dice, name)),
            (Some(queue), _) => queues.push(queue.clone()),
        }
    }
    if queues.is_empty() {
        queues.push(a_queue(dice, "general"));
    }
    let mut seats = Vec::new();
    for n in 0..7 {
        let now = world.seats.iter().find(|it| it.id == seat_name(n));
        match (now, dice.below(6)) {
            (Some(_), 0) | (None, 0..=3) => {}
            (None, _) | (_, 1..=2) => seats.push(a_seat(dice, n, &queues)),
            (Some(seat), _) => seats.push(seat.clone()),
        }
    }
    if seats.is_empty() {
        seats.push(a_seat(dice, 0, &queues));
    }
    if dice.below(3) == 0 {
        let by = dice.below(seats.len() as u64) as usize;
        seats.rotate_left(by);
    }
    (queues, seats)
}

fn seat_name(n: u64) -> SeatId {
    SeatId::new(&format!("{}", 1001 + n)).unwrap()
}

fn a_seat(dice: &mut Dice, n: u64, queues: &[QueueSettings]) -> SeatSettings {
    let english = SkillId::new("english").unwrap();
    let tax = SkillId::new("tax").unwrap();
    let some = queues.iter().filter(|_| dice.below(3) > 0);
    SeatSettings {
        queues: some.map(|it| it.id).collect(),
        skills: vec![
            (english, 1 + dice.below(5) as u8),
            (tax, dice.below(3) as u8),
        ],
        weight: dice.below(4) as u32,
        ..SeatSettings::new(seat_name(n))
    }
}

/// A queue with random rules; its widening may name queues that the centre does not have.
fn a_queue(dice: &mut Dice, name: &str) -> QueueSettings {
    let seconds = |n: u64| Duration::from_secs(n);
    let choices = [
        Choice::LongestIdle,
        Choice::LeastOccupied,
        Choice::FewestCalls,
        Choice::MostSkilled,
        Choice::RoundRobin,
        Choice::FixedOrder,
        Choice::WeightedRandom,
    ];
    let skills = match (name, dice.below(3)) {
        ("english", 0) => "english>=3",
        ("english", _) => "english>=3 and (tax or english>=5)",
        (_, 0) => "tax or english>=2",
        _ => "",
    };
    let skills = Skills::parse(skills).unwrap_or_default();
    let mut widen = Vec::new();
    for _ in 0..dice.below(4) {
        widen.push(Widening {
            after: Duration::from_millis(dice.below(80) * 100),
            skills: (dice.below(2) == 0).then(|| {
                let all = ["english>=2", "tax", "english or tax"];
                Skills::parse(dice.one_of::<&str>(&all)).unwrap()
            }),
            queues: (dice.below(2) == 0)
                .then(|| {
                    QueueId::new(dice.one_of::<&str>(&["general", "business", "leader"])).unwrap()
                })
                .into_iter()
                .collect(),
        });
    }
    QueueSettings {
        threshold: seconds(5 + dice.below(4) * 5),
        weight: 1 + dice.below(3) as u32,
        capacity: dice.below(8) as usize,
        longest_wait: (dice.below(2) == 0).then(|| seconds(30 + dice.below(60))),
        ring_for: seconds(3 + dice.below(20)),
        wrap_up: seconds(dice.below(4) * 10),
        wrap_up_cap: seconds(15 + dice.below(3) * 20),
        skills,
        choice: *dice.one_of(&choices),
        seed: dice.next(),
        widen,
        overflow: (0..dice.below(5).saturating_sub(2))
            .map(|_| an_overflow(dice))
            .collect(),
        ageing: (dice.below(2) == 0).then(|| Duration::from_millis(dice.below(60) * 100)),
        ..queue(name)
    }
}

/// Not by the expected wait: that would ask the judge for the same arithmetic once more.
fn an_overflow(dice: &mut Dice) -> Overflow {
    let wait = Duration::from_millis(dice.below(400) * 100);
    let whens = [
        OverflowWhen::Waited(wait),
        OverflowWhen::Unstaffed(wait / 4),
        OverflowWhen::Full,
    ];
    let tos = [
        OverflowTo::Queue(QueueId::new(dice.one_of::<&str>(&QUEUES)).unwrap()),
        OverflowTo::Queue(QueueId::new(dice.one_of::<&str>(&QUEUES)).unwrap()),
        OverflowTo::Script(ScriptId::new("voicemail").unwrap()),
        OverflowTo::Outside("021962288".into()),
    ];
    Overflow {
        when: *dice.one_of(&whens),
        to: dice.one_of(&tos).clone(),
    }
}

/// The next thing that may rightly happen, or `None` when the dice chose something that may not.
pub fn legal_input(world: &World, dice: &mut Dice, next_call: &mut u64) -> Option<Input> {
    // Half of the time something happens where a call is.
    let at_work = |it: &Tracked| match it.seen {
        Seen::Offered(seat) | Seen::Talking(seat) => Some(seat),
        Seen::Waiting => None,
    };
    let at_work: Vec<_> = world.calls.values().filter_map(at_work).collect();
    let seat = match dice.below(2) {
        0 if !at_work.is_empty() => *dice.one_of(&at_work),
        _ => dice.one_of(&world.seats).id,
    };
    let view = world.floor.seat(seat)?;
    let (registered, unregistered) = (Device::Registered, Device::Unregistered);
    let offered = world
        .calls
        .iter()
        .find(|(_, it)| it.seen == Seen::Offered(seat))
        .map(|it| *it.0);
    let talking = world
        .calls
        .iter()
        .find(|(_, it)| it.seen == Seen::Talking(seat))
        .map(|it| *it.0);
    let reasons = [Reason::Break, Reason::Meal, Reason::LoggedOut];
    let failures = [
        OfferResult::NoAnswer,
        OfferResult::Refused,
        OfferResult::Refused,
        OfferResult::Unreachable,
        OfferResult::CallerGone,
    ];
    Some(match dice.below(29) {
        0..=6 => {
            *next_call += 1;
            let queue = dice.one_of(&world.queues).id;
            let (priority, waited) = (
                dice.below(3) as u8,
                Duration::from_millis(dice.below(3) * 700),
            );
            Input::CallQueued {
                call: CallId(*next_call),
                queue,
                priority,
                arrived: world.now - waited,
                spent: [0, 0, 0, 1][dice.below(4) as usize],
                preferred: (dice.below(5) == 0).then(|| {
                    let longest = Duration::from_millis(dice.below(100) * 100);
                    (dice.one_of(&world.seats).id, longest)
                }),
                promised: dice.below(4) == 0,
            }
        }
        7 => {
            let calls: Vec<_> = world.calls.keys().copied().collect();
            let call = *dice.one_of(if calls.is_empty() {
                return None;
            } else {
                &calls
            });
            Input::CallLeft { call }
        }
        8..=9 if view.work == Work::Reserved => Input::Rang {
            call: offered?,
            seat,
        },
        8..=11 => Input::Answered {
            call: offered?,
            seat,
        },
        12..=13 => Input::NotAnswered {
            call: offered?,
            seat,
            why: *dice.one_of(&failures),
        },
        14 if dice.below(3) == 0 => Input::NotReached {
            call: talking?,
            seat,
        },
        14..=15 => Input::TalkEnded {
            call: talking?,
            seat,
        },
        16 if view.work == Work::Talking => Input::Held { seat },
        16 if view.work == Work::Hold => Input::Resumed { seat },
        17..=18 => Input::SetIntent {
            seat,
            intent: Intent::Ready,
        },
        19 => Input::SetIntent {
            seat,
            intent: Intent::NotReady(*dice.one_of(&reasons)),
        },
        20 => Input::SetDevice {
            seat,
            device: registered,
        },
        21 if dice.below(3) == 0 => Input::SetDevice {
            seat,
            device: unregistered,
        },
        22 => Input::SeatBusy {
            seat,
            busy: dice.below(4) == 0,
        },
        23 if view.work == Work::WrapUp => match dice.below(2) {
            0 => Input::EndWrapUp { seat },
            _ => Input::ExtendWrapUp {
                seat,
                by: Duration::from_secs(dice.below(30)),
            },
        },
        24..=26 => by_hand(world, dice)?,
        27 => Input::Force {
            seat,
            intent: match dice.below(4) {
                0 => Intent::NotReady(Reason::Forced),
                1 => Intent::NotReady(Reason::Break),
                _ => Intent::Ready,
            },
        },
        28 => Input::SetDesk {
            seat,
            lost: dice.below(4) == 0,
        },
        _ => Input::TimePassed,
    })
}

/// What a supervisor may ask for, fitting or not.
fn by_hand(world: &World, dice: &mut Dice) -> Option<Input> {
    let calls: Vec<_> = world.calls.keys().copied().collect();
    let call = (!calls.is_empty()).then(|| *dice.one_of(&calls))?;
    Some(match dice.below(3) {
        0 => Input::Prioritise {
            call,
            priority: dice.below(3) as u8,
        },
        1 => Input::Move {
            call,
            queue: dice.one_of(&world.queues).id,
        },
        _ => Input::Pick {
            call,
            seat: dice.one_of(&world.seats).id,
        },
    })
}

/// Signs in the seats at the start of a day, all but a few.
pub fn shift_begins(world: &World, dice: &mut Dice) -> Vec<Input> {
    let present = world.seats.iter().filter(|_| dice.below(8) > 0);
    let sign_in = |settings: &SeatSettings| {
        let (seat, device, intent) = (settings.id, Device::Registered, Intent::Ready);
        [
            Input::SetDevice { seat, device },
            Input::SetIntent { seat, intent },
        ]
    };
    present.flat_map(sign_in).collect()
}

/// Often several things in one millisecond, sometimes a pause in which deadlines pass unserved.
pub fn pause_ms(dice: &mut Dice) -> u64 {
    match dice.below(40) {
        0 => 9_000,
        1 => 2_500,
        _ => *dice.one_of(&[0, 0, 1, 50, 100, 200, 300, 600]),
    }
}
