//! Configuration: reads the files of a folder, checks all of them, and reports every fault with
//! file and line before anything starts.

pub mod accounts;
mod announcements;
mod blacklist;
pub mod difference;
mod distribution;
pub mod fault;
mod files;
mod formats;
pub mod listen;
mod media;
mod memberships;
mod overflow;
mod phones;
pub mod prompts;
mod queues;
mod reasons;
mod seats;
mod shifts;
mod staffing;
mod talks;
mod tasks;
mod trunks;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hotline_acd::SeatSettings;
use hotline_calls::{
    Transport,
    blacklist::BlockedAnswer,
    settings::{
        AddressRange, Emergency, Membership, Number, OwnReasonSettings, PickUp, Prompts, Queue,
        SecondPhone, SoundFormats, Srtp, Trunk, compile_script,
    },
};
use hotline_media::wav::Encoding;
use hotline_model::{
    PhoneId, QueueId, ScriptId, diagnostic::Diagnostic, ids::NameError, shift::Shift,
    task::TaskRules,
};
use serde::de::DeserializeOwned;
use toml::Spanned;

use fault::FileFaults;
pub use files::SecondPageKey;
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
    /// What blocked callers get.
    pub blocked_answer: BlockedAnswer,
    /// The rules of the task list.
    pub task_rules: TaskRules,
    /// A seat is given no next task while callers wait whom it serves.
    pub callers_first: bool,
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
    /// The shared phones.
    pub phones: Vec<ConfiguredPhone>,
    /// The shifts.
    pub shifts: Vec<Shift>,
    /// The house's own reasons for not being ready.
    pub reasons: Vec<OwnReasonSettings>,
    /// Numbers of help.
    pub emergencies: Vec<Emergency>,
    /// How long a side of a talk says nothing before that is an event.
    pub silent_after: Option<Duration>,
    /// What a second browser of an agent does.
    pub second_page: SecondPageKey,
    /// What a second phone of a seat does.
    pub second_phone: SecondPhone,
    /// How long an agent's page may be cut off.
    pub desk_lost_after: Option<Duration>,
    /// The scripts.
    pub scripts: BTreeMap<ScriptId, Arc<Script>>,
    /// The survey's script.
    pub survey: Option<ScriptId>,
    /// The sounds.
    pub prompts: Prompts,
    /// What is no fault, but hardly meant.
    pub warnings: Vec<FileFaults>,
    /// The files as they were read.
    pub written: Written,
}

/// The text of each file.
#[derive(Clone, Debug)]
pub struct Written {
    /// `engine.toml`
    pub engine: String,
    /// `trunks.toml`
    pub trunks: String,
    /// `queues.toml`
    pub queues: String,
    /// `seats.toml`
    pub seats: String,
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
    /// When it may take calls, and for whom.
    pub memberships: Vec<Membership>,
}

/// A shared phone as configured; its secret is among the accounts.
pub struct ConfiguredPhone {
    /// The user it registers as.
    pub id: PhoneId,
    /// Where it stands.
    pub place: String,
    /// It is offered MD5 alone.
    pub md5_only: bool,
    /// Whether its sound is private.
    pub srtp: Srtp,
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
        let mut queue_list = queues::check(&mut queues, &prompts);
        let ids: Vec<QueueId> = queue_list.iter().map(|queue| queue.floor.id).collect();
        let seat_list = seats::check(&mut seats, &ids, engine.value.sip.md5);
        let reasons = reasons::check(&mut seats);
        let emergencies = talks::emergencies(&mut seats, &trunk_list);
        let silent_after = talks::silent_after(&mut seats);
        let shifts = shifts::check(&mut seats, &seat_list);
        let phones = phones::check(&mut seats, engine.value.sip.md5);
        if !phones.is_empty() {
            faults.extend(prompts::missing_for_phones(
                &scripts_folder.join("prompts"),
                &prompts,
            ));
        }
        let scripts = read_scripts(&scripts_folder, &ids, &prompts, &mut faults);
        let known = overflow::Known {
            queues: &ids,
            scripts: scripts.keys().copied().collect(),
            trunks: &trunk_list,
        };
        overflow::check(&mut queues, &mut queue_list, &known);
        let numbers = check_numbers(&mut engine, &scripts);
        let survey = check_survey(&mut engine, &scripts);
        check_engine(&mut engine);
        let formats = formats::check(&engine.value.media, &mut engine.found);
        engine.value.listen.check(&mut engine.found);
        let blocked_answer = engine.value.blacklist.check(&scripts, &mut engine.found);
        let callers_first = engine.value.tasks.callers_first();
        let task_rules = engine.value.tasks.check(&mut engine.found);
        let recordings = check_recordings(&mut engine, folder);
        let secured = engine.value.listen.secured(folder, &mut engine.found);
        let unstaffed = staffing::check(&queues.value, &queue_list, &seat_list);
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
        queues.found = unstaffed;
        let warnings = queues.faults().into_iter().collect();
        let written = Written {
            engine: engine.text,
            trunks: trunks.text,
            queues: queues.text,
            seats: seats.text,
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
            blocked_answer,
            task_rules,
            callers_first,
            utc_offset_minutes: *keys.time.utc_offset_minutes.get_ref(),
            numbers,
            trunks: trunk_list,
            peer_names,
            queues: queue_list,
            seats: seat_list,
            phones,
            shifts,
            reasons,
            emergencies,
            silent_after,
            second_page: seats.value.sign_in.second_page,
            second_phone: seats.value.sign_in.second_phone.into(),
            desk_lost_after: seats.value.sign_in.desk_lost_after(),
            scripts,
            survey,
            prompts,
            warnings,
            written,
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

/// A file of this text, as tests read it.
#[cfg(test)]
fn file_of<T: DeserializeOwned>(text: &str) -> File<T> {
    File {
        path: "a.toml".into(),
        text: text.to_owned(),
        value: toml::from_str(text).unwrap(),
        found: Vec::new(),
    }
}
