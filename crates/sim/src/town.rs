//! The settings of the simulated town: its number, scripts, queues and seats.

use core::{net::IpAddr, time::Duration};
use std::{collections::BTreeMap, sync::Arc};

use hotline_acd::{Overflow, OverflowTo, OverflowWhen, QueueSettings, SeatSettings};
use hotline_calls::{
    Path,
    settings::{
        AddressRange, Announce, Ha1, Language, Number, Outbound, PickUp, Program, Prompts, Queue,
        Regulars, Seat, SecondPhone, Settings, SoundFormats, Srtp, Target, Trunk, compile_alone,
        engine_prompts,
    },
};
use hotline_media::Clip;
use hotline_model::{QueueId, ScriptId, SeatId, TrunkId};

use crate::network::{CARRIER, EXCHANGE};

/// Digest realm.
pub const REALM: &str = "hotline";

/// Every seat's password.
pub const PASSWORD: &str = "virtual";

/// Length of every prompt: time passes, but packets are few.
const PROMPT_MS: u32 = 80;

/// The town's settings: one queue for all, `seats` seats, all phones in 10.1.0.0/16 on the trunk.
///
/// # Errors
/// When a shipped script does not compile.
pub fn settings(seats: usize, callers: impl Iterator<Item = IpAddr>) -> Result<Settings, String> {
    let name = |error: hotline_model::ids::NameError| error.to_string();
    let queues = ["general", "business", "english"]
        .into_iter()
        .map(|id| {
            let floor = QueueSettings {
                ring_for: Duration::from_secs(8),
                wrap_up: Duration::from_secs(2),
                ..QueueSettings::new(QueueId::new(id)?)
            };
            Ok(Queue {
                floor,
                name: id.to_owned(),
                announce: Announce::default(),
                regulars: Regulars::default(),
            })
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(name)?;
    let serves: Vec<QueueId> = queues.iter().map(|queue| queue.floor.id).collect();
    let seats = (0..seats)
        .map(|at| {
            let id = seat_id(at);
            let ha1 = Ha1::of(id.as_str(), REALM, PASSWORD);
            let floor = SeatSettings {
                queues: serves.clone(),
                ..SeatSettings::new(id)
            };
            Seat {
                floor,
                name: id.to_string(),
                ha1,
                md5_only: false,
                srtp: Srtp::default(),
                pick_up: PickUp::default(),
                outbound_prefixes: Vec::new(),
                memberships: Vec::new(),
                pin: None,
            }
        })
        .collect();
    let mut prompts = Prompts::default();
    let mut scripts = BTreeMap::new();
    for text in [
        include_str!("../../../ivr-scripts/12345-menu.toml"),
        include_str!("../../../ivr-scripts/survey.toml"),
    ] {
        let program = compile_alone(text).map_err(|faults| format!("{faults:?}"))?;
        give_sound(&mut prompts, &program);
        scripts.insert(program.name(), Arc::new(program));
    }
    for prompt in engine_prompts() {
        prompts.insert(prompt.language, &prompt.key, Clip::silence(PROMPT_MS));
    }
    prompts.set_music(Clip::silence(1_000));
    Ok(Settings {
        product: "hotline-sim".to_owned(),
        realm: REALM.to_owned(),
        md5: true,
        utc_offset_minutes: 480,
        media_address: EXCHANGE.ip(),
        browsers: None,
        more_media_addresses: Vec::new(),
        formats: SoundFormats::default(),
        media_threads: 3,
        trunks: vec![Trunk::inbound(
            TrunkId::new("town").map_err(name)?,
            callers.map(AddressRange::from),
        )],
        numbers: vec![Number {
            number: "12345".to_owned(),
            aliases: Vec::new(),
            script: ScriptId::new("12345-menu").map_err(name)?,
        }],
        queues,
        seats,
        scripts,
        survey: Some(ScriptId::new("survey").map_err(name)?),
        prompts,
        phones: Vec::new(),
        shifts: Vec::new(),
        reasons: Vec::new(),
        emergencies: Vec::new(),
        silent_after: Some(Duration::from_secs(10)),
        second_phone: SecondPhone::default(),
        desk_lost_after: None,
        announce_every: Duration::from_secs(10),
    })
}

/// The number of the citizen at a line.
pub fn citizen(line: usize) -> String {
    format!("1380000{line:04}")
}

/// Callers are sent on by rules of every kind, and who waits for ten seconds in the queue for all is
/// offered a callback: two attempts half a minute apart, kept for fifteen minutes. A carrier leads
/// to the citizens.
///
/// # Errors
/// When the shipped script does not compile.
pub fn send_on(settings: &mut Settings) -> Result<(), String> {
    let name = |error: hotline_model::ids::NameError| error.to_string();
    let script = ScriptId::new("callback-offer").map_err(name)?;
    let text = include_str!("../../../ivr-scripts/callback-offer.toml")
        .replace("attempts = 3", "attempts = 2")
        .replace("retry-seconds = 600", "retry-seconds = 30")
        .replace("keep-minutes = 240", "keep-minutes = 15");
    let program = compile_alone(&text).map_err(|faults| format!("{faults:?}"))?;
    give_sound(&mut settings.prompts, &program);
    settings.scripts.insert(script, Arc::new(program));
    settings.trunks.push(Trunk {
        outbound: Outbound {
            targets: vec![Target {
                path: Path::udp(EXCHANGE, CARRIER),
            }],
            caller_id: "12345".to_owned(),
            prefixes: vec!["1".to_owned()],
            ..Outbound::default()
        },
        ..Trunk::inbound(
            TrunkId::new("carrier").map_err(name)?,
            [AddressRange::from(CARRIER.ip())],
        )
    });
    let s = Duration::from_secs;
    let general = QueueId::new("general").map_err(name)?;
    let business = QueueId::new("business").map_err(name)?;
    let rules = [
        vec![
            (OverflowWhen::Waited(s(10)), OverflowTo::Script(script)),
            (OverflowWhen::Full, OverflowTo::Queue(business)),
        ],
        vec![
            (OverflowWhen::Expected(s(12)), OverflowTo::Script(script)),
            (OverflowWhen::Waited(s(25)), OverflowTo::Queue(general)),
        ],
        vec![
            (OverflowWhen::Unstaffed(s(3)), OverflowTo::Queue(general)),
            (OverflowWhen::Full, OverflowTo::Script(script)),
        ],
    ];
    for ((queue, rules), capacity) in settings.queues.iter_mut().zip(rules).zip([4, 4, 2]) {
        let rules = rules.into_iter().map(|(when, to)| Overflow { when, to });
        queue.floor.overflow = rules.collect();
        queue.floor.capacity = capacity;
    }
    // Only some seats speak English: now and then nobody does.
    for seat in settings.seats.iter_mut().skip(1) {
        seat.floor
            .queues
            .retain(|queue| queue.as_str() != "english");
    }
    Ok(())
}

fn give_sound(prompts: &mut Prompts, program: &Program) {
    for prompt in program.prompts() {
        prompts.insert(prompt.language, &prompt.key, Clip::silence(PROMPT_MS));
    }
    for language in Language::ALL {
        prompts.insert(language, "connecting", Clip::silence(PROMPT_MS));
    }
}

/// The number of a seat: 1000 and up.
pub fn seat_id(at: usize) -> SeatId {
    // Four digits are always a name.
    SeatId::new(&format!("{}", 1_000 + at % 9_000)).unwrap_or_else(|_| unreachable!())
}
