//! Settings changed while the engine runs: read and checked whole, compared with those in force, and
//! put in force in one turn of the signalling thread. With any fault nothing changes.
//!
//! Read again: queues and seats with their accounts, the numbers served, scripts, prompts, the
//! survey, the time between announcements, the rules of tasks. Everything else of engine.toml and all of trunks.toml is
//! for a start: sockets, threads and connections depend on it.

mod archive;
pub mod control;
pub mod report;
pub mod roll;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};

use hotline_calls::{
    NewSettings,
    settings::{Replacement, Seat, SharedPhone},
};
use hotline_model::{
    PhoneId, SeatId,
    change::{ChangeKind, ItemChange, KeyChange},
    event::Event,
    limits::SETTINGS_CHANGE_BYTES,
    task::TaskRules,
};
use tokio::{
    sync::{Mutex, oneshot, watch},
    task::spawn_blocking,
};

pub use archive::{digest, keep, keep_floor, kept_floor};
use report::{NeedsRestart, Report, Told};
use roll::{BoardOrder, Roll};

use crate::{
    config::{
        Config, Written,
        accounts::{Accounts, keep_for_demo},
        difference,
    },
    http::Sessions,
    signalling_loop::{Doors, Replacing},
    store_loop::stamped,
};

/// Why nothing changed.
#[derive(Debug)]
pub enum Refused {
    /// The configuration has faults.
    Faults(Vec<Told>),
    /// The disk, or the engine itself.
    World(String),
}

/// The settings in force, and the way to others.
pub struct Reloader {
    /// Folder of the configuration.
    pub folder: PathBuf,
    /// Data folder.
    pub data: PathBuf,
    /// The way to the signalling thread.
    pub doors: Arc<Doors>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    /// The seats and queues by name.
    pub roll: watch::Sender<Arc<Roll>>,
    /// Who may sign in.
    pub accounts: watch::Sender<Arc<Accounts>>,
    /// The monotonic clock's zero.
    pub epoch: StdInstant,
    /// What is in force. Whoever holds it changes it: one after the other.
    pub in_force: Arc<Mutex<InForce>>,
}

/// The configuration in force.
pub struct InForce {
    /// It.
    pub config: Config,
    /// The files as they were at the start.
    pub started: Written,
}

impl InForce {
    /// At the start.
    pub fn new(config: Config) -> Self {
        let started = config.written.clone();
        Self { config, started }
    }
}

impl Reloader {
    /// Reads the configuration again and puts it in force for `by` (`api:NAME`, `local:USER`,
    /// `signal`); in a dry run only says what would change. Goes to its end though whoever asked
    /// goes away meanwhile: half a change is none of the two settings.
    pub async fn reload(self: &Arc<Self>, by: String, dry_run: bool) -> Result<Report, Refused> {
        let this = Arc::clone(self);
        let change = tokio::spawn(async move { this.change(by, dry_run).await });
        change.await.unwrap_or_else(|_| Err(broke()))
    }

    async fn change(self: Arc<Self>, by: String, dry_run: bool) -> Result<Report, Refused> {
        let in_force = Arc::clone(&self.in_force).lock_owned().await;
        let this = Arc::clone(&self);
        // Files, prompts and the passwords of new seats: long work for the pages' only thread.
        let read = move || (this.read(&in_force, by, dry_run), in_force);
        let (read, mut in_force) = spawn_blocking(read).await.map_err(|_| broke())?;
        let (mut report, next) = read?;
        if let Some(next) = next {
            // First what may fail: then nothing has changed, and the next try finds the difference.
            if next.config.task_rules != in_force.config.task_rules {
                self.set_task_rules(next.config.task_rules).await?;
            }
            in_force.config = self.put_in_force(next).await?;
            report.applied = true;
        }
        Ok(report)
    }

    /// What differs, and the settings ready to be put in force, if they shall be.
    fn read(
        &self,
        in_force: &InForce,
        by: String,
        dry_run: bool,
    ) -> Result<(Report, Option<Next>), Refused> {
        let config = Config::load(&self.folder)
            .map_err(|faults| Refused::Faults(faults.iter().flat_map(Told::of).collect()))?;
        let on_disk =
            Accounts::read(&self.data).map_err(|error| Refused::World(error.to_string()))?;
        let needs_restart = needs_restart(&in_force.started, &config.written);
        let warnings = config.warnings.iter().flat_map(Told::of);
        let report = Report {
            applied: false,
            digest: digest(&config.written),
            changes: self.changes(&in_force.config, &config, &on_disk),
            warnings: warnings.chain(other_trunks(&needs_restart)).collect(),
            needs_restart,
        };
        if dry_run || report.changes.is_empty() {
            return Ok((report, None));
        }
        let next = self.prepare(by, &report, config)?;
        Ok((report, Some(next)))
    }

    fn changes(&self, before: &Config, after: &Config, on_disk: &Accounts) -> Vec<ItemChange> {
        let (was, is) = (&before.written, &after.written);
        let mut changes = difference::between("queues.toml", &was.queues, &is.queues);
        changes.extend(difference::between("seats.toml", &was.seats, &is.seats));
        let engine = difference::between("engine.toml", &was.engine, &is.engine);
        changes.extend(engine.into_iter().filter(|change| is_live(&change.item)));
        changes.extend(scripts(before, after));
        changes.extend(prompts(before, after));
        let accounts = self.accounts.borrow();
        passwords(&mut changes, after, &accounts, on_disk);
        changes
    }

    /// Archives the settings and makes the accounts of new seats.
    fn prepare(&self, by: String, report: &Report, config: Config) -> Result<Next, Refused> {
        let world =
            |what: &str, error: &dyn std::fmt::Display| Refused::World(format!("{what}: {error}"));
        keep(&self.data, &config.written).map_err(|error| world("settings", &error))?;
        let floor_digest =
            keep_floor(&self.data, &config).map_err(|error| world("settings", &error))?;
        let seats: Vec<SeatId> = config.seats.iter().map(|it| it.floor.id).collect();
        let phones: Vec<PhoneId> = config.phones.iter().map(|it| it.id).collect();
        let (accounts, fresh) = Accounts::open(&self.data, &seats, &phones)
            .map_err(|error| world("accounts", &error))?;
        keep_for_demo(&self.data, &fresh).map_err(|error| world("demo-accounts.txt", &error))?;
        let (changes, more) = within_a_record(&report.changes);
        let new = NewSettings {
            by,
            digest: report.digest.clone(),
            floor_digest,
            changes,
            more,
            settings: replacement(&config, &accounts),
        };
        Ok(Next {
            config,
            accounts,
            new: Box::new(new),
        })
    }

    /// First in the signalling thread, then for the pages.
    async fn put_in_force(&self, next: Next) -> Result<Config, Refused> {
        let order = self.hand_over(next.new).await?;
        let before = self.roll.borrow().clone();
        let roll = Roll::new(&next.config, &order, &before);
        let (new, old) = (Arc::new(next.accounts), self.accounts.borrow().clone());
        let roll = Arc::new(roll);
        // Published before sessions end: a sign-in whose password is being looked at either finds
        // them afterwards, or its session is there to be ended.
        self.roll.send_replace(Arc::clone(&roll));
        self.accounts.send_replace(Arc::clone(&new));
        self.sessions
            .end_where(|who| !who.is_still_right(&old, &new, &roll));
        Ok(next.config)
    }

    /// From this record of the journal on they are in force.
    async fn set_task_rules(&self, rules: TaskRules) -> Result<(), Refused> {
        let mut event = stamped(self.epoch, Event::TaskRulesSet { rules });
        // A full ring is emptied within a group commit.
        for _ in 0..100 {
            match self.doors.events.push(event) {
                Ok(()) => {
                    self.doors.journal_bell.notify_one();
                    return Ok(());
                }
                Err(full) => event = full,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let what = "the journal takes nothing: all is as it was";
        Err(Refused::World(what.to_owned()))
    }

    /// Has the signalling thread take the settings; the board's order afterwards. It answers within
    /// its turn, and is waited for without an end: what it was handed cannot be taken back.
    async fn hand_over(&self, new: Box<NewSettings>) -> Result<BoardOrder, Refused> {
        let (done, in_force) = oneshot::channel();
        if self.doors.settings.push(Replacing { new, done }).is_err() {
            return Err(Refused::World("other settings are on their way".to_owned()));
        }
        self.doors.bell.notify_one();
        let stopped = |_| Refused::World("the engine stops".to_owned());
        in_force.await.map_err(stopped)
    }
}

/// Settings read, checked and archived.
struct Next {
    config: Config,
    accounts: Accounts,
    new: Box<NewSettings>,
}

fn broke() -> Refused {
    Refused::World("the change of the settings broke".to_owned())
}

/// Rules name numbers outside, and were checked against the trunks as they are written now.
fn other_trunks(needs_restart: &[NeedsRestart]) -> Option<Told> {
    let trunks = needs_restart.iter().find(|it| it.file == "trunks.toml")?;
    Some(Told {
        file: trunks.file.clone(),
        line: 0,
        text: String::new(),
        what: "queues and seats were checked against the trunks written here, but calls go by \
               those of the start / 队列与坐席按现有中继文件检查，但呼叫仍走启动时的中继"
            .to_owned(),
        help: Some("restart the engine soon / 请尽快重启引擎".to_owned()),
    })
}

/// Whether an item of engine.toml can change while the engine runs.
fn is_live(item: &str) -> bool {
    item.starts_with("number ") || ["[scripts]", "[tasks]", "[waiting]"].contains(&item)
}

/// What is read at a start only and differs from then.
fn needs_restart(started: &Written, now: &Written) -> Vec<NeedsRestart> {
    let engine = difference::between("engine.toml", &started.engine, &now.engine);
    let engine = engine.into_iter().filter(|change| !is_live(&change.item));
    let trunks = difference::between("trunks.toml", &started.trunks, &now.trunks);
    let told = engine.chain(trunks).map(|change| NeedsRestart {
        file: change.file,
        item: change.item,
        keys: change.keys.into_iter().map(|key| key.key).collect(),
    });
    told.collect()
}

/// Scripts whose text is another one.
fn scripts(before: &Config, after: &Config) -> Vec<ItemChange> {
    let mut names: Vec<_> = before.scripts.keys().chain(after.scripts.keys()).collect();
    names.sort();
    names.dedup();
    let told = names.into_iter().filter_map(|name| {
        let version = |config: &Config| Some(config.scripts.get(name)?.version().to_owned());
        let (was, is) = (version(before), version(after));
        let kind = match (&was, &is) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            (was, is) if was == is => return None,
            _ => ChangeKind::Changed,
        };
        let key = "version".to_owned();
        Some(ItemChange {
            file: "ivr-scripts".to_owned(),
            item: format!("script {name}"),
            kind,
            keys: vec![KeyChange { key, was, is }],
        })
    });
    told.collect()
}

/// Prompts that sound otherwise.
fn prompts(before: &Config, after: &Config) -> Vec<ItemChange> {
    let changed = after.prompts.changed_since(&before.prompts);
    let told = changed.into_iter().map(|prompt| {
        let has = |config: &Config| config.prompts.has(prompt.language, &prompt.key);
        ItemChange {
            file: "prompts".to_owned(),
            item: format!("prompt {}/{}", prompt.language.as_str(), prompt.key),
            kind: match (has(before), has(after)) {
                (false, _) => ChangeKind::Added,
                (_, false) => ChangeKind::Removed,
                _ => ChangeKind::Changed,
            },
            keys: Vec::new(),
        }
    });
    told.collect()
}

/// Says of each seat and shared phone whose password is another, or is made, that it is: never which.
fn passwords(changes: &mut Vec<ItemChange>, after: &Config, old: &Accounts, new: &Accounts) {
    let seats = after.seats.iter().map(|it| it.floor.id);
    let other = |seat: &SeatId| {
        !Accounts::same_secrets(old, new, seat.as_str()) || new.find(seat.as_str()).is_none()
    };
    let seats = seats.filter(other).map(|seat| format!("seat {seat}"));
    let phones = after.phones.iter().map(|it| it.id);
    let other = |phone: &PhoneId| {
        !Accounts::same_phone_secret(old, new, *phone) || new.phone_ha1(*phone).is_none()
    };
    let phones = phones.filter(other).map(|phone| format!("phone {phone}"));
    for item in seats.chain(phones) {
        let key = KeyChange {
            key: "password".to_owned(),
            was: None,
            is: None,
        };
        match changes
            .iter_mut()
            .find(|it| it.file == "seats.toml" && it.item == item)
        {
            Some(change) => change.keys.push(key),
            None => changes.push(ItemChange {
                file: "seats.toml".to_owned(),
                item,
                kind: ChangeKind::Changed,
                keys: vec![key],
            }),
        }
    }
}

/// As much of the difference as a record of the journal holds, and how many items are left.
fn within_a_record(changes: &[ItemChange]) -> (Vec<ItemChange>, usize) {
    let mut bytes = 0;
    let fits = changes.iter().take_while(|change| {
        bytes += serde_json::to_string(change).map_or(0, |text| text.len() + 1);
        bytes <= SETTINGS_CHANGE_BYTES
    });
    let told: Vec<ItemChange> = fits.cloned().collect();
    let more = changes.len() - told.len();
    (told, more)
}

/// What of a configuration can be put in force while the engine runs.
pub fn replacement(config: &Config, accounts: &Accounts) -> Replacement {
    let seats = config.seats.iter().filter_map(|seat| {
        let ha1 = accounts.find(seat.floor.id.as_str())?.ha1();
        Some(Seat {
            floor: seat.floor.clone(),
            name: seat.name.clone(),
            ha1,
            md5_only: seat.md5_only,
            srtp: seat.srtp,
            pick_up: seat.pick_up,
            outbound_prefixes: seat.outbound_prefixes.clone(),
            memberships: seat.memberships.clone(),
            pin: accounts.find(seat.floor.id.as_str())?.pin(),
        })
    });
    let phones = config.phones.iter().filter_map(|phone| {
        Some(SharedPhone {
            id: phone.id,
            place: phone.place.clone(),
            ha1: accounts.phone_ha1(phone.id)?,
            md5_only: phone.md5_only,
            srtp: phone.srtp,
        })
    });
    Replacement {
        numbers: config.numbers.clone(),
        queues: config.queues.clone(),
        seats: seats.collect(),
        phones: phones.collect(),
        shifts: config.shifts.clone(),
        reasons: config.reasons.clone(),
        second_phone: config.second_phone,
        desk_lost_after: config.desk_lost_after,
        scripts: config.scripts.clone(),
        survey: config.survey,
        prompts: config.prompts.clone(),
        announce_every: config.announce_every,
        emergencies: config.emergencies.clone(),
        silent_after: config.silent_after,
    }
}

/// The folder as others will find it, wherever they are.
pub fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use crossbeam::queue::ArrayQueue;
    use hotline_calls::gate::Gate;
    use tokio::sync::Notify;

    use super::*;

    fn written(engine: &str, trunks: &str) -> Written {
        Written {
            engine: engine.to_owned(),
            trunks: trunks.to_owned(),
            queues: String::new(),
            seats: String::new(),
        }
    }

    #[test]
    fn what_a_start_alone_reads_is_told_without_its_values() {
        let before = written(
            "[sip]\nmd5 = true\n[[number]]\nnumber = \"1\"\n",
            "[[trunk]]\nname = \"t\"\npassword = \"old\"\n",
        );
        let after = written(
            "[sip]\nmd5 = false\n[[number]]\nnumber = \"2\"\n",
            "[[trunk]]\nname = \"t\"\npassword = \"new\"\n",
        );
        let told = needs_restart(&before, &after);
        let told: Vec<_> = told
            .iter()
            .map(|it| format!("{} {} {}", it.file, it.item, it.keys.join(",")))
            .collect();
        assert_eq!(
            told,
            ["engine.toml [sip] md5", "trunks.toml trunk t password"]
        );
    }

    #[test]
    fn a_record_holds_a_part_of_a_long_difference_and_the_number_of_the_rest() {
        let one = |n: usize| ItemChange {
            file: "seats.toml".to_owned(),
            item: format!("seat {n}"),
            kind: ChangeKind::Added,
            keys: Vec::new(),
        };
        let all: Vec<_> = (0..5_000).map(one).collect();
        let (told, more) = within_a_record(&all);
        assert_eq!(told.len() + more, 5_000);
        assert!(
            more > 0 && serde_json::to_string(&told).unwrap().len() <= SETTINGS_CHANGE_BYTES + 2
        );
        assert_eq!(within_a_record(&all[..3]), (all[..3].to_vec(), 0));
    }

    /// The shipped configuration in a folder of its own, with these lines at the end of seats.toml.
    fn shipped(folder: &Path, seats: &str) -> Config {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for name in ["engine.toml", "trunks.toml", "queues.toml", "seats.toml"] {
            std::fs::copy(from.join("config").join(name), folder.join(name)).unwrap();
        }
        let engine = folder.join("engine.toml");
        let text = std::fs::read_to_string(&engine).unwrap();
        let scripts = from.join("ivr-scripts");
        let own = format!("directory = \"{}\"", scripts.display());
        std::fs::write(
            &engine,
            text.replace("directory = \"../ivr-scripts\"", &own),
        )
        .unwrap();
        let file = folder.join("seats.toml");
        let text = std::fs::read_to_string(&file).unwrap() + seats;
        std::fs::write(&file, text).unwrap();
        Config::load(folder).unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    #[test]
    fn a_shared_phone_s_other_secret_is_a_difference() {
        let place = tempfile::tempdir().unwrap();
        let config = shipped(place.path(), "\n[[phone]]\nid = \"desk-1\"\n");
        let seats: Vec<SeatId> = config.seats.iter().map(|it| it.floor.id).collect();
        let phone = PhoneId::new("desk-1").unwrap();
        let (old, _) = Accounts::open(place.path(), &seats, &[phone]).unwrap();
        let told = |new: &Accounts| {
            let mut changes = Vec::new();
            passwords(&mut changes, &config, &old, new);
            let told = changes
                .iter()
                .map(|it| (it.item.clone(), it.keys[0].key.clone()));
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(&Accounts::read(place.path()).unwrap()), []);
        // Removed from the file, so that the next start makes another.
        let file = place.path().join("accounts.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let (people, _) = text.split_once("[[phone]]").unwrap();
        std::fs::write(&file, people).unwrap();
        let one = [("phone desk-1".to_owned(), "password".to_owned())];
        assert_eq!(told(&Accounts::read(place.path()).unwrap()), one);
        let (new, _) = Accounts::open(place.path(), &seats, &[phone]).unwrap();
        assert_eq!(told(&new), one);
    }

    #[tokio::test]
    async fn task_rules_that_the_journal_does_not_take_are_found_again_by_the_next_reload() {
        let place = tempfile::tempdir().unwrap();
        let config = shipped(place.path(), "");
        let seats: Vec<SeatId> = config.seats.iter().map(|it| it.floor.id).collect();
        let (accounts, _) = Accounts::open(place.path(), &seats, &[]).unwrap();
        let roll = Roll::at_start(&config, &BoardOrder::of(&config));
        let doors = Arc::new(Doors {
            gate: Gate::new(1),
            hands: Gate::new(1),
            desks: ArrayQueue::new(1),
            settings: ArrayQueue::new(1),
            reports: Arc::new(ArrayQueue::new(1)),
            recordings: Arc::new(ArrayQueue::new(1)),
            events: ArrayQueue::new(1),
            bell: Notify::new(),
            journal_bell: Notify::new(),
        });
        let epoch = StdInstant::now();
        let full = stamped(epoch, Event::EngineStopped {});
        doors.events.push(full).unwrap();
        let reloader = Arc::new(Reloader {
            folder: place.path().to_owned(),
            data: place.path().to_owned(),
            doors: Arc::clone(&doors),
            sessions: Arc::default(),
            roll: watch::Sender::new(Arc::new(roll)),
            accounts: watch::Sender::new(Arc::new(accounts)),
            epoch,
            in_force: Arc::new(Mutex::new(InForce::new(config))),
        });
        let file = place.path().join("engine.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let other = text.replace("first_try_minutes = 30", "first_try_minutes = 45");
        assert_ne!(text, other);
        std::fs::write(&file, other).unwrap();
        let by = || "signal".to_owned();
        assert!(matches!(
            reloader.reload(by(), false).await,
            Err(Refused::World(_))
        ));
        assert!(doors.settings.is_empty(), "nothing was handed over");
        let again = reloader.reload(by(), true).await.unwrap();
        let items: Vec<_> = again.changes.iter().map(|it| it.item.as_str()).collect();
        assert_eq!(items, ["[tasks]"]);
    }
}
