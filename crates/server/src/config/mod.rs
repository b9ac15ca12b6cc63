//! Configuration: reads the files of a folder, checks all of them, and reports every fault with
//! file and line before anything starts.

pub mod accounts;
mod distribution;
pub mod fault;
mod files;
mod formats;
pub mod listen;
mod media;
pub mod prompts;
mod trunks;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hotline_acd::{QueueSettings, SeatSettings};
use hotline_calls::{
    Transport,
    settings::{
        AddressRange, AutoAnswer, Number, PickUp, Prompts, Queue, SoundFormats, Srtp, Trunk,
        compile_script,
    },
};
use hotline_media::wav::Encoding;
use hotline_model::{QueueId, ScriptId, SeatId, diagnostic::Diagnostic, ids::NameError};
use serde::de::DeserializeOwned;
use toml::Spanned;

use fault::FileFaults;
use files::{EngineFile, QueuesFile, SeatsFile};
use listen::Secured;
use trunks::TrunksFile;

use crate::{net::tls::PeerNames, recording_loop, signalling_loop::Ports, vault::Keys};

/// A compiled script.
pub type Script = hotline_calls::settings::Program;

/// The whole configuration, checked.
pub struct Config {
    /// Address of signalling, media and pages.
    pub address: IpAddr,
    /// Further addresses of signalling.
    pub also: Vec<IpAddr>,
    /// Ports of SIP.
    pub ports: Ports,
    /// Port of HTTP.
    pub http_port: u16,
    /// Certificates.
    pub tls: Secured,
    /// Pages that may open a WebSocket; where there are none, those of the same host.
    pub origins: Vec<String>,
    /// Whether MD5 may prove a phone or a trunk.
    pub md5: bool,
    /// First and last RTP port.
    pub rtp_ports: (u16, u16),
    /// UDP port of browsers' sound, of the first media thread; those of the others follow. 0 is off.
    pub browser_port: u16,
    /// Formats of sound.
    pub formats: SoundFormats,
    /// Media threads.
    pub media_threads: usize,
    /// Data folder.
    pub data: PathBuf,
    /// How recordings are kept.
    pub recordings: recording_loop::Settings,
    /// Time between announcements to a waiting caller.
    pub announce_every: Duration,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// The numbers served.
    pub numbers: Vec<Number>,
    /// The trunks.
    pub trunks: Vec<Trunk>,
    /// Whom the certificates of called peers must name.
    pub peer_names: PeerNames,
    /// The queues.
    pub queues: Vec<Queue>,
    /// The seats.
    pub seats: Vec<ConfiguredSeat>,
    /// The scripts.
    pub scripts: BTreeMap<ScriptId, Arc<Script>>,
    /// The survey's script.
    pub survey: Option<ScriptId>,
    /// The sounds.
    pub prompts: Prompts,
}

/// A seat as configured; its secret is among the accounts.
pub struct ConfiguredSeat {
    /// The distributor's part.
    pub floor: SeatSettings,
    /// Name shown to people.
    pub name: String,
    /// Its phone is offered MD5 alone.
    pub md5_only: bool,
    /// Whether its phone's sound is private.
    pub srtp: Srtp,
    /// Whether its phone answers by itself.
    pub pick_up: PickUp,
    /// What it may dial outside.
    pub outbound_prefixes: Vec<String>,
}

/// Faults of all files.
pub type Faults = Vec<FileFaults>;

impl Config {
    /// Reads and checks everything in `folder`.
    pub fn load(folder: &Path) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let engine = File::<EngineFile>::read(folder.join("engine.toml"), &mut faults);
        let trunks = File::<TrunksFile>::read(folder.join("trunks.toml"), &mut faults);
        let queues = File::<QueuesFile>::read(folder.join("queues.toml"), &mut faults);
        let seats = File::<SeatsFile>::read(folder.join("seats.toml"), &mut faults);
        let (Some(mut engine), Some(mut trunks), Some(mut queues), Some(mut seats)) =
            (engine, trunks, queues, seats)
        else {
            return Err(faults);
        };
        let scripts_folder = folder.join(&engine.value.scripts.directory);
        let (prompts, prompt_faults) = prompts::load(&scripts_folder.join("prompts"));
        faults.extend(prompt_faults);
        let listen = &engine.value.listen;
        let local = SocketAddr::new(*listen.address.get_ref(), *listen.sip_port.get_ref());
        let trunk_list = trunks::check(&mut trunks, folder, |transport| match transport {
            // Our TLS listener is where a carrier can call us back.
            Transport::Tls if *listen.tls_port.get_ref() != 0 => {
                SocketAddr::new(local.ip(), *listen.tls_port.get_ref())
            }
            _ => local,
        });
        let peer_names = trunks::peer_names(&mut trunks, &trunk_list);
        let queue_list = check_queues(&mut queues);
        let ids: Vec<QueueId> = queue_list.iter().map(|queue| queue.floor.id).collect();
        let seat_list = check_seats(&mut seats, &ids, engine.value.sip.md5);
        let scripts = read_scripts(&scripts_folder, &ids, &prompts, &mut faults);
        let numbers = check_numbers(&mut engine, &scripts);
        let survey = check_survey(&mut engine, &scripts);
        check_engine(&mut engine);
        let formats = formats::check(&engine.value.media, &mut engine.found);
        engine.value.listen.check(&mut engine.found);
        let recordings = check_recordings(&mut engine, folder);
        let secured = engine.value.listen.secured(folder, &mut engine.found);
        for file in [
            engine.faults(),
            trunks.faults(),
            queues.faults(),
            seats.faults(),
        ] {
            faults.extend(file);
        }
        let Some(tls) = secured.filter(|_| faults.is_empty()) else {
            return Err(faults);
        };
        let keys = engine.value;
        Ok(Self {
            address: *keys.listen.address.get_ref(),
            also: keys.listen.also.iter().map(|at| *at.get_ref()).collect(),
            ports: keys.listen.ports(),
            http_port: *keys.listen.http_port.get_ref(),
            tls,
            origins: keys.listen.origins(),
            md5: keys.sip.md5,
            rtp_ports: *keys.media.ports.get_ref(),
            browser_port: *keys.media.browser_port.get_ref(),
            formats,
            media_threads: media::threads(&keys.media),
            data: folder.join(keys.data.directory),
            recordings,
            announce_every: Duration::from_secs(*keys.waiting.announce_every_s.get_ref()),
            utc_offset_minutes: *keys.time.utc_offset_minutes.get_ref(),
            numbers,
            trunks: trunk_list,
            peer_names,
            queues: queue_list,
            seats: seat_list,
            scripts,
            survey,
            prompts,
        })
    }
}

impl Config {
    /// All local addresses, the first first.
    pub fn addresses(&self) -> Vec<IpAddr> {
        [self.address]
            .into_iter()
            .chain(self.also.iter().copied())
            .collect()
    }

    /// Serves SIP on another port than the file's; the ways out by trunks begin there too.
    pub fn use_sip_port(&mut self, port: u16) {
        let before = core::mem::replace(&mut self.ports.sip, port);
        for trunk in &mut self.trunks {
            let outbound = &mut trunk.outbound;
            let registered = outbound
                .register
                .as_mut()
                .map(|register| &mut register.target);
            for target in outbound.targets.iter_mut().chain(registered) {
                let local = &mut target.path.local;
                if local.port() == before {
                    local.set_port(port);
                }
            }
        }
    }

    /// The addresses that the trunks come from.
    pub fn trunk_addresses(&self) -> Vec<AddressRange> {
        let trunks = self.trunks.iter();
        trunks
            .flat_map(|trunk| trunk.addresses.iter().copied())
            .collect()
    }
}

/// A file with its text, for faults that point into it.
struct File<T> {
    path: PathBuf,
    text: String,
    value: T,
    found: Vec<Diagnostic>,
}

impl<T: DeserializeOwned> File<T> {
    fn read(path: PathBuf, faults: &mut Faults) -> Option<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let help = "name the folder of the configuration with --config FOLDER";
                faults.push(FileFaults::whole(
                    path,
                    format!("cannot be read: {error}"),
                    help,
                ));
                return None;
            }
        };
        match toml::from_str(&text) {
            Ok(value) => Some(Self {
                path,
                text,
                value,
                found: Vec::new(),
            }),
            Err(error) => {
                let fault = Diagnostic::new(error.span().unwrap_or(0..0), error.message().trim());
                faults.push(FileFaults {
                    file: path,
                    text,
                    faults: vec![fault],
                });
                None
            }
        }
    }
}

impl<T> File<T> {
    fn faults(&mut self) -> Option<FileFaults> {
        (!self.found.is_empty()).then(|| FileFaults {
            file: self.path.clone(),
            text: self.text.clone(),
            faults: std::mem::take(&mut self.found),
        })
    }
}

/// A name as written, or a fault that says why it is none.
fn name<N>(
    text: &Spanned<String>,
    new: impl Fn(&str) -> Result<N, NameError>,
    found: &mut Vec<Diagnostic>,
) -> Option<N> {
    match new(text.get_ref()) {
        Ok(name) => Some(name),
        Err(error) => {
            found.push(Diagnostic::new(text.span(), error.to_string()));
            None
        }
    }
}

/// Reports a second use of a name.
fn once<N: PartialEq>(
    seen: &mut Vec<N>,
    name: N,
    text: &Spanned<String>,
    what: &str,
    found: &mut Vec<Diagnostic>,
) {
    if seen.contains(&name) {
        let fault = format!("there is already a {what} {:?}", text.get_ref());
        found.push(Diagnostic::new(text.span(), fault).with_help("give each its own name"));
    }
    seen.push(name);
}

fn check_queues(file: &mut File<QueuesFile>) -> Vec<Queue> {
    let mut seen = Vec::new();
    let mut queues = Vec::new();
    let all = file.value.queue.iter();
    let all: Vec<QueueId> = all
        .filter_map(|keys| QueueId::new(keys.id.get_ref()).ok())
        .collect();
    for keys in &file.value.queue {
        let mut at_least_one = |value: u64, span: std::ops::Range<usize>, key: &str| {
            if value == 0 {
                let fault = Diagnostic::new(span, format!("`{key}` must be at least 1"));
                file.found.push(fault);
            }
        };
        at_least_one(
            u64::from(*keys.weight.get_ref()),
            keys.weight.span(),
            "weight",
        );
        at_least_one(
            *keys.capacity.get_ref() as u64,
            keys.capacity.span(),
            "capacity",
        );
        at_least_one(*keys.ring_s.get_ref(), keys.ring_s.span(), "ring_s");
        if *keys.wrap_up_cap_s.get_ref() < keys.wrap_up_s {
            let what = "`wrap_up_cap_s` is shorter than `wrap_up_s`";
            file.found
                .push(Diagnostic::new(keys.wrap_up_cap_s.span(), what));
        }
        let Some(id) = name(&keys.id, QueueId::new, &mut file.found) else {
            continue;
        };
        once(&mut seen, id, &keys.id, "queue", &mut file.found);
        let seconds = Duration::from_secs;
        let mut floor = QueueSettings {
            threshold: seconds(keys.threshold_s),
            weight: *keys.weight.get_ref(),
            capacity: *keys.capacity.get_ref(),
            longest_wait: (keys.longest_wait_s > 0).then(|| seconds(keys.longest_wait_s)),
            ring_for: seconds(*keys.ring_s.get_ref()),
            wrap_up: seconds(keys.wrap_up_s),
            wrap_up_cap: seconds(*keys.wrap_up_cap_s.get_ref()),
            ..QueueSettings::new(id)
        };
        let mut reader = distribution::Reader {
            text: &file.text,
            queues: &all,
            found: &mut file.found,
        };
        reader.queue(keys, &mut floor);
        queues.push(Queue {
            floor,
            name: keys.name.clone(),
        });
    }
    queues
}

fn check_seats(file: &mut File<SeatsFile>, queues: &[QueueId], md5: bool) -> Vec<ConfiguredSeat> {
    let mut seen = Vec::new();
    let mut seats = Vec::new();
    for keys in &file.value.seat {
        let mut serves = Vec::new();
        for queue in &keys.queues {
            match queues
                .iter()
                .find(|known| known.as_str() == queue.get_ref())
            {
                Some(&known) => serves.push(known),
                None => {
                    let what = format!("there is no queue {:?}", queue.get_ref());
                    let known: Vec<&str> = queues.iter().map(QueueId::as_str).collect();
                    let help = format!("queues.toml has: {}", known.join(", "));
                    file.found
                        .push(Diagnostic::new(queue.span(), what).with_help(help));
                }
            }
        }
        let Some(id) = name(&keys.id, SeatId::new, &mut file.found) else {
            continue;
        };
        once(&mut seen, id, &keys.id, "seat", &mut file.found);
        let mut floor = SeatSettings {
            queues: serves,
            ..SeatSettings::new(id)
        };
        let mut reader = distribution::Reader {
            text: &file.text,
            queues,
            found: &mut file.found,
        };
        reader.seat(keys, &mut floor);
        let md5_only = check_digest(keys, md5, &mut file.found);
        let pick_up = check_pick_up(keys, &mut file.found);
        let outbound_prefixes = trunks::prefixes(&keys.outbound_prefixes, &mut file.found);
        seats.push(ConfiguredSeat {
            floor,
            name: keys.name.clone(),
            md5_only,
            srtp: keys.srtp.into(),
            pick_up,
            outbound_prefixes,
        });
    }
    seats
}

/// Whether the seat's phone is offered MD5 alone; a fault where nobody may be.
fn check_digest(keys: &files::SeatKeys, md5: bool, found: &mut Vec<Diagnostic>) -> bool {
    let digest = keys.digest.as_ref();
    let only = digest.filter(|digest| *digest.get_ref() == files::DigestKey::Md5);
    if let Some(only) = only.filter(|_| !md5) {
        let what = "`digest` is \"md5\", which `md5 = false` under [sip] in engine.toml forbids";
        let help = "give the seat a phone that knows SHA-256 and delete this line, or allow MD5";
        found.push(Diagnostic::new(only.span(), what).with_help(help));
    }
    only.is_some()
}

/// Longest time a phone may ring before it answers by itself, seconds: a caller must not wait for
/// a machine's courtesy.
const AUTO_ANSWER_AFTER_MAX_S: u64 = 10;

fn check_pick_up(keys: &files::SeatKeys, found: &mut Vec<Diagnostic>) -> PickUp {
    use files::AutoAnswerKey as Key;
    let by = match keys.auto_answer {
        Key::Off => AutoAnswer::Off,
        Key::CallInfo => AutoAnswer::CallInfo,
        Key::AlertInfo => AutoAnswer::AlertInfo,
        Key::AnswerMode => AutoAnswer::AnswerMode,
        Key::All => AutoAnswer::All,
    };
    let Some(after) = &keys.auto_answer_after_s else {
        let after = Duration::ZERO;
        return PickUp { by, after };
    };
    let after_s = *after.get_ref();
    if after_s > AUTO_ANSWER_AFTER_MAX_S {
        let what = format!("`auto_answer_after_s` is at most {AUTO_ANSWER_AFTER_MAX_S}");
        found.push(Diagnostic::new(after.span(), what));
    }
    if after_s > 0 && matches!(by, AutoAnswer::Off | AutoAnswer::AnswerMode) {
        let what = "`auto_answer_after_s` says nothing with this `auto_answer`";
        let help = "set `auto_answer` to \"call-info\", \"alert-info\" or \"all\"";
        found.push(Diagnostic::new(after.span(), what).with_help(help));
    }
    let after = Duration::from_secs(after_s);
    PickUp { by, after }
}

fn check_numbers(
    file: &mut File<EngineFile>,
    scripts: &BTreeMap<ScriptId, Arc<Script>>,
) -> Vec<Number> {
    let mut seen = Vec::new();
    let mut numbers = Vec::new();
    for keys in &file.value.number {
        let number = keys.number.get_ref();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            let what = "a number has digits only";
            let help = "write other forms of it under `also`, digits only too";
            file.found
                .push(Diagnostic::new(keys.number.span(), what).with_help(help));
        }
        once(
            &mut seen,
            number.clone(),
            &keys.number,
            "number",
            &mut file.found,
        );
        if let Some(script) = known_script(&keys.script, scripts, &mut file.found) {
            numbers.push(Number {
                number: number.clone(),
                aliases: keys.also.clone(),
                script,
            });
        }
    }
    if file.value.number.is_empty() {
        let fault = Diagnostic::new(0..0, "no number is served");
        file.found
            .push(fault.with_help("add [[number]] with number and script"));
    }
    numbers
}

fn known_script(
    text: &Spanned<String>,
    scripts: &BTreeMap<ScriptId, Arc<Script>>,
    found: &mut Vec<Diagnostic>,
) -> Option<ScriptId> {
    let known = scripts.keys().find(|id| id.as_str() == text.get_ref());
    if known.is_none() {
        let names: Vec<&str> = scripts.keys().map(ScriptId::as_str).collect();
        let help = format!("the scripts folder has: {}", names.join(", "));
        let what = format!("there is no script {:?}", text.get_ref());
        found.push(Diagnostic::new(text.span(), what).with_help(help));
    }
    known.copied()
}

fn check_survey(
    file: &mut File<EngineFile>,
    scripts: &BTreeMap<ScriptId, Arc<Script>>,
) -> Option<ScriptId> {
    let survey = &file.value.scripts.survey;
    if survey.get_ref().is_empty() {
        None
    } else {
        known_script(survey, scripts, &mut file.found)
    }
}

/// How recordings are kept; a fault where their keys cannot be used.
fn check_recordings(file: &mut File<EngineFile>, folder: &Path) -> recording_loop::Settings {
    let keys = &file.value.recordings;
    let mut settings = recording_loop::Settings {
        encoding: match keys.format {
            files::RecordingFormat::Pcm => Encoding::Pcm,
            files::RecordingFormat::Alaw => Encoding::Alaw,
        },
        keys: None,
        keep_free_mb: keys.keep_free_mb,
    };
    if let Some(path) = &keys.key_file {
        match Keys::read(&folder.join(path.get_ref())) {
            Ok(keys) => settings.keys = Some(Arc::new(keys)),
            Err(fault) => {
                let help = "without this line recordings are kept as plain WAV";
                file.found
                    .push(Diagnostic::new(path.span(), fault).with_help(help));
            }
        }
    }
    settings
}

fn check_engine(file: &mut File<EngineFile>) {
    let keys = &file.value;
    media::check(
        &keys.media,
        *keys.listen.sip_port.get_ref(),
        &mut file.found,
    );
    if *keys.waiting.announce_every_s.get_ref() == 0 {
        let what = "`announce_every_s` must be at least 1";
        file.found
            .push(Diagnostic::new(keys.waiting.announce_every_s.span(), what));
    }
    if keys.time.utc_offset_minutes.get_ref().abs() > 14 * 60 {
        let what = "`utc_offset_minutes` is -840 to 840";
        file.found
            .push(Diagnostic::new(keys.time.utc_offset_minutes.span(), what));
    }
}

/// Compiles every script of the folder.
fn read_scripts(
    folder: &Path,
    queues: &[QueueId],
    prompts: &Prompts,
    faults: &mut Faults,
) -> BTreeMap<ScriptId, Arc<Script>> {
    let mut scripts = BTreeMap::new();
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect(),
        Err(error) => {
            let help = "set `directory` under [scripts] in engine.toml";
            faults.push(FileFaults::whole(
                folder,
                format!("cannot be read: {error}"),
                help,
            ));
            return scripts;
        }
    };
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    for path in files {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let help = "check its owner and its encoding (UTF-8)";
                faults.push(FileFaults::whole(
                    path,
                    format!("cannot be read: {error}"),
                    help,
                ));
                continue;
            }
        };
        match compile_script(&text, queues, prompts) {
            Ok(program) => {
                let name = program.name();
                if scripts.insert(name, Arc::new(program)).is_some() {
                    let what = format!("there is already a script named \"{name}\"");
                    let fault = Diagnostic::new(0..0, what);
                    faults.push(FileFaults {
                        file: path,
                        text,
                        faults: vec![fault],
                    });
                }
            }
            Err(found) => faults.push(FileFaults {
                file: path,
                text,
                faults: found,
            }),
        }
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_alone_is_a_fault_where_md5_is_forbidden() {
        let text = "[[seat]]\nid = \"1001\"\nname = \"a\"\nqueues = []\ndigest = \"md5\"\n";
        for (md5, faults) in [(true, 0), (false, 1)] {
            let mut file = File::<SeatsFile> {
                path: "seats.toml".into(),
                text: text.to_owned(),
                value: toml::from_str(text).unwrap(),
                found: Vec::new(),
            };
            let seats = check_seats(&mut file, &[], md5);
            assert!(seats[0].md5_only);
            assert_eq!(file.found.len(), faults, "{:?}", file.found);
        }
        let unset: files::SipKeys = toml::from_str("").unwrap();
        assert!(unset.md5);
        let set: files::SipKeys = toml::from_str("md5 = false").unwrap();
        assert!(!set.md5);
    }

    fn read<T: DeserializeOwned>(text: &str) -> File<T> {
        File {
            path: "a.toml".into(),
            text: text.to_owned(),
            value: toml::from_str(text).unwrap(),
            found: Vec::new(),
        }
    }

    /// A queue named "a" beside another named "b", and what is wrong with it: the text that is
    /// marked, and the words.
    fn queue(keys: &str) -> (QueueSettings, Vec<(String, String)>) {
        let rest = "name = \"n\"\nthreshold_s = 15\nweight = 1\ncapacity = 5\n\
                    longest_wait_s = 0\nring_s = 15\nwrap_up_s = 10\nwrap_up_cap_s = 120\n";
        let text = format!("[[queue]]\nid = \"a\"\n{rest}{keys}\n[[queue]]\nid = \"b\"\n{rest}");
        let mut file = read::<QueuesFile>(&text);
        let queues = check_queues(&mut file);
        let found = file.found.iter();
        let found = found.map(|it| (text[it.span.clone()].to_owned(), it.what.clone()));
        (queues[0].floor.clone(), found.collect())
    }

    #[test]
    fn a_queue_says_how_it_distributes() {
        use hotline_acd::{Choice, Skills, Widening};
        let (plain, found) = queue("");
        assert_eq!(found, []);
        assert_eq!(plain.choice, Choice::LongestIdle);
        let (full, found) = queue(
            "choice = \"most-skilled\"\nskills = \"english>=5 and (tax or social)\"\n\
             widen = [{ after_s = 10, skills = [\"english>=3\", \"tax or social\"] },\n\
             { after_s = 20, queues = [\"b\"] }]\nageing_s = 30",
        );
        assert_eq!(found, []);
        assert_eq!(full.choice, Choice::MostSkilled);
        assert_eq!(full.ageing, Some(Duration::from_secs(30)));
        assert_eq!(
            full.skills,
            Skills::parse("english>=5 and (tax or social)").unwrap()
        );
        let steps = [
            Widening {
                after: Duration::from_secs(10),
                skills: Some(Skills::parse("english>=3 and (tax or social)").unwrap()),
                queues: Vec::new(),
            },
            Widening {
                after: Duration::from_secs(20),
                skills: None,
                queues: vec![QueueId::new("b").unwrap()],
            },
        ];
        assert_eq!(full.widen, steps);
        let (drawn, found) = queue("choice = \"weighted-random\"\nseed = 7");
        assert_eq!(
            (drawn.choice, drawn.seed, found),
            (Choice::WeightedRandom, 7, vec![])
        );
    }

    #[test]
    fn what_a_queue_says_wrongly_is_shown() {
        for (keys, place, what) in [
            (
                "skills = \"english>=5 und tax\"",
                "und",
                "here \"and\" or \"or\" is missing, or a parenthesis is left over (column 12 of \
                 the skills)",
            ),
            (
                "skills = [\"english>=0\"]",
                "[\"english>=0\"]",
                "after \">=\" stands a level from 1 to 10 (column 11 of the skills)",
            ),
            (
                "choice = \"most-skilled\"",
                "\"most-skilled\"",
                "`choice` is \"most-skilled\", but the queue names no skills",
            ),
            ("seed = 7", "7", "`seed` says nothing with this `choice`"),
            ("ageing_s = 0", "0", "`ageing_s` is 1 to 86400"),
            (
                "widen = [{ after_s = 5, queues = [\"c\"] }]",
                "\"c\"",
                "there is no queue \"c\"",
            ),
            (
                "widen = [{ after_s = 5, queues = [\"a\"] }]",
                "\"a\"",
                "the queue names itself",
            ),
            (
                "widen = [{ after_s = 5 }]",
                "5",
                "a step of `widen` brings no further seats",
            ),
            (
                "widen = [{ after_s = 9, skills = \"x\" }, { after_s = 8, skills = \"x\" }]",
                "8",
                "each step of `widen` comes later than the one before, the first after 1",
            ),
        ] {
            let (_, found) = queue(keys);
            assert_eq!(found, [(place.to_owned(), what.to_owned())], "{keys}");
        }
    }

    #[test]
    fn a_seat_has_skills_and_a_weight() {
        let text = |keys: &str| format!("[[seat]]\nid = \"1\"\nname = \"a\"\nqueues = []\n{keys}");
        let mut file = read::<SeatsFile>(&text("skills = { english = 5, tax = 10 }\nweight = 3"));
        let seats = check_seats(&mut file, &[], true);
        assert!(file.found.is_empty());
        let skill = |name| hotline_model::SkillId::new(name).unwrap();
        let floor = &seats[0].floor;
        assert_eq!(floor.skills, [(skill("english"), 5), (skill("tax"), 10)]);
        assert_eq!(floor.weight, 3);
        for (keys, what) in [
            ("skills = { english = 11 }", "a level is 1 to 10"),
            ("weight = 0", "`weight` is 1 to 1000"),
        ] {
            let mut file = read::<SeatsFile>(&text(keys));
            check_seats(&mut file, &[], true);
            assert_eq!(file.found[0].what, what);
        }
    }
}
