//! `hotline serve`: the engine. Starts the threads in the order in which they need each other, and
//! stops them in the other.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant as StdInstant},
};

use clap::Args;
use crossbeam::queue::ArrayQueue;
use hotline_calls::{
    Exchange,
    blacklist::Blacklist,
    board::{BoardWriter, board},
    callback::Restored,
    callers::Callers,
    gate::Gate,
    settings::Settings,
};
use hotline_media::secure::dtls::Identity;
use hotline_model::{CallId, Instant, PhoneId, SeatId, Timestamp, event::Event, limits};
use hotline_store::{Tables, Writer, journal, recover::Leftover};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Notify, watch},
};

use super::{
    Failure, load, runtime, seed, standing,
    threads::{start, start_behind_the_calls},
};
use crate::{
    config::{
        Config,
        accounts::{Accounts, REALM, demo_file, demo_passwords, keep_for_demo},
    },
    http::{self, App, Painted, Sessions, paint_wallboards},
    media_loop,
    media_threads::{self, BlockRing, MediaThreads},
    metrics_page,
    net::{
        streams::{self, Streams},
        tls::{self, Tls},
        udp::Datagrams,
        ws::Browsers,
    },
    recall, recording_loop,
    reload::{
        self, InForce, Refused, Reloader, absolute, control, replacement,
        roll::{BoardOrder, Roll},
    },
    signalling_loop::{self, Bound, Doors, SignallingLoop, wall_clock},
    store_loop::{self, JournalLoop, TablesLoop, stamped},
};

/// Reports of the recorder waiting for the signalling loop; the recorder waits when it is full.
const RECORDINGS_WAITING: usize = 4_096;

/// See the module.
#[derive(Args)]
pub struct Serve {
    /// Folder of the configuration.
    #[arg(long, default_value = "config")]
    config: PathBuf,
    /// Data folder, in place of the one in engine.toml.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Port of SIP, in place of the one in engine.toml.
    #[arg(long)]
    sip_port: Option<u16>,
    /// Port of the pages, in place of the one in engine.toml.
    #[arg(long)]
    http_port: Option<u16>,
    /// When asked to stop, wait so many seconds for calls to end.
    #[arg(long, default_value_t = 60)]
    drain_s: u64,
    /// Log as JSON lines. What is logged is set by HOTLINE_LOG, e.g. HOTLINE_LOG=debug.
    #[arg(long)]
    json_log: bool,
}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        log(self.json_log);
        let mut config = load(&self.config)?;
        if let Some(data) = self.data {
            config.data = data;
        }
        if let Some(port) = self.sip_port {
            config.use_sip_port(port);
        }
        config.http_port = self.http_port.unwrap_or(config.http_port);
        runtime()?.block_on(serve(
            config,
            self.config,
            Duration::from_secs(self.drain_s),
        ))
    }
}

fn log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HOTLINE_LOG")
        // The library of key handshakes warns of every extension of a browser that it does not know.
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,rtc_dtls=error"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // A second subscriber in one process is only possible in tests.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
}

/// The folders and files of the data folder.
struct Data {
    journal: PathBuf,
    recordings: PathBuf,
    tables: PathBuf,
}

impl Data {
    fn open(data: &Path) -> Result<Self, Failure> {
        let made = Self {
            journal: data.join("journal"),
            recordings: data.join("recordings"),
            tables: data.join("tables.sqlite"),
        };
        for folder in [data, &made.journal, &made.recordings] {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::world(format!("{} cannot be made: {error}", folder.display()))
            })?;
        }
        Ok(made)
    }
}

async fn serve(config: Config, folder: PathBuf, drain_for: Duration) -> Result<(), Failure> {
    let epoch = StdInstant::now();
    let wall_at_start = wall_clock();
    let seed = seed()?;
    let metrics =
        metrics_page::begin().map_err(|error| Failure::world(format!("metrics: {error}")))?;
    let data = Data::open(&config.data)?;
    let seat_ids: Vec<SeatId> = config.seats.iter().map(|seat| seat.floor.id).collect();
    let phones: Vec<PhoneId> = config.phones.iter().map(|it| it.id).collect();
    let (accounts, fresh) =
        Accounts::open(&config.data, &seat_ids, &phones).map_err(Failure::world)?;
    keep_for_demo(&config.data, &fresh)
        .map_err(|error| Failure::world(format!("demo-accounts.txt: {error}")))?;

    // Ports first: an engine that cannot be reached must not touch the journal.
    let sip_address = SocketAddr::new(config.address, config.ports.sip);
    let http_address = SocketAddr::new(config.address, config.http_port);
    let sockets = signalling_loop::bind(&config.addresses(), config.ports)
        .map_err(|error| port_in_use(&error))?;
    let http_listener = TcpListener::bind(http_address).await.map_err(|error| {
        port_in_use(&io::Error::new(
            error.kind(),
            format!("HTTP port {http_address}: {error}"),
        ))
    })?;

    let (mut writer, start) = Writer::open(
        &data.journal,
        &journal::Settings::default(),
        config.utc_offset_minutes,
    )
    .map_err(Failure::world)?;
    if let Some(torn) = &start.recovery.torn {
        tracing::warn!(
            ?torn,
            "the journal's end was torn by a crash; it was cut and kept aside"
        );
    }
    let first_call = CallId(start.left.last_call.map_or(1, |call| call.0 + 1));
    begin_story(&mut writer, &config, &start.left, &data.recordings, epoch)?;
    match &config.recordings.keys {
        Some(keys) => tracing::info!(key = keys.newest_id(), "recordings are encrypted"),
        None => tracing::info!("recordings are plain WAV: recordings.key_file is not set"),
    }
    let tables = open_tables(data.tables.clone(), config.utc_offset_minutes)?;
    let whole = recall::catch_up(&tables, &data.journal).await;
    let terms = (config.blocked_answer, wall_at_start);
    let blacklist = recall::blacklist(&tables, whole, &data.journal, terms)
        .await
        .map_err(Failure::world)?;
    let callers = recall::callers(&tables, wall_at_start)
        .await
        .map_err(Failure::world)?;

    for warning in &config.warnings {
        tracing::warn!("{}", warning.to_string().trim_end());
    }
    let (view, reader) = board(config.seats.len(), config.queues.len());
    let order = BoardOrder::of(&config);
    let (roll, rolls) = watch::channel(Arc::new(Roll::at_start(&config, &order)));
    let doors = Arc::new(Doors {
        gate: Gate::new(limits::GATE_ORDERS),
        hands: Gate::new(limits::GATE_ORDERS),
        desks: ArrayQueue::new(limits::GATE_ORDERS),
        settings: ArrayQueue::new(1),
        reports: Arc::new(ArrayQueue::new(limits::MEDIA_REPORTS)),
        recordings: Arc::new(ArrayQueue::new(RECORDINGS_WAITING)),
        events: ArrayQueue::new(limits::STORE_EVENTS),
        bell: Notify::new(),
        journal_bell: Notify::new(),
    });
    let (drain, drain_asked) = watch::channel(false);
    let (stop_journal, journal_stops) = watch::channel(false);
    let (stop_http, http_stops) = watch::channel(false);
    let sessions = Arc::new(Sessions::default());

    let (journal_loop, tables_loop, story) = store_loop::loops(
        writer,
        tables.clone(),
        data.journal.clone(),
        doors.clone(),
        epoch,
        rolls.clone(),
        config.trunks.iter().map(|trunk| trunk.id).collect(),
        journal_stops,
    );
    let story_threads = start_story(journal_loop, tables_loop)?;
    let signalling = start_signalling(
        Core {
            settings: settings(&config, &accounts),
            seed,
            first_call,
            standing: standing::restored(start.left.standing),
            forced: start.left.forced,
            view,
            wall_at_start,
            callers,
            blacklist,
        },
        (sockets, sessions.clone()),
        &config,
        &data,
        doors.clone(),
        epoch,
        drain_asked,
        drain_for,
    )?;

    let (canvas, wallboard) = watch::channel(Painted::default());
    tokio::spawn(paint_wallboards(
        story.picture.clone(),
        story.tables.clone(),
        reader,
        rolls.clone(),
        epoch,
        canvas,
    ));
    let keys = config.recordings.keys.clone();
    let ports = config.ports;
    welcome(&config, sip_address, http_address);
    let (accounts, signing_in) = watch::channel(Arc::new(accounts));
    let reloader = Arc::new(Reloader {
        folder: absolute(&folder),
        data: config.data.clone(),
        doors: doors.clone(),
        sessions: sessions.clone(),
        roll,
        accounts,
        epoch,
        in_force: Arc::new(Mutex::new(InForce::new(config))),
    });
    take_commands(&reloader);
    let app = Arc::new(App {
        doors,
        tables,
        story,
        accounts: signing_in,
        roll: rolls,
        reloader,
        sessions,
        recordings: data.recordings,
        keys,
        epoch,
        wallboard,
        draining: drain.subscribe(),
        stop: http_stops,
        metrics,
        phone: http::Sockets {
            ws_port: ports.ws,
            wss_port: ports.wss,
        },
    });
    let http = tokio::spawn(http::serve(http_listener, app));

    asked_to_stop().await;
    tracing::info!(
        drain_s = drain_for.as_secs(),
        "stopping: no new calls; live ones may end"
    );
    drain.send_replace(true);
    join(signalling).await;
    stop_journal.send_replace(true);
    for thread in story_threads {
        join(thread).await;
    }
    stop_http.send_replace(true);
    let _ = tokio::time::timeout(Duration::from_secs(5), http).await;
    tracing::info!("stopped");
    Ok(())
}

fn port_in_use(error: &io::Error) -> Failure {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program uses it: stop that, or choose another port in engine.toml"
        }
        io::ErrorKind::AddrNotAvailable => {
            "; this machine does not have that address: see [listen] in engine.toml"
        }
        _ => "",
    };
    Failure::world(format!("{error}{help}"))
}

/// The first events of this run: what the last run left unfinished ends now, and the engine
/// starts with these settings, which are kept.
fn begin_story(
    writer: &mut Writer,
    config: &Config,
    left: &Leftover,
    recordings: &Path,
    epoch: StdInstant,
) -> Result<(), Failure> {
    let not_kept = |error: io::Error| Failure::world(format!("settings: {error}"));
    reload::keep(&config.data, &config.written).map_err(not_kept)?;
    let floor = reload::keep_floor(&config.data, config).map_err(not_kept)?;
    let keys = config.recordings.keys.as_deref();
    let mut events = Vec::new();
    for open in &left.recordings {
        let (call, file) = (open.call, open.file.clone());
        events.push(match recording_loop::repair_file(recordings, &file, keys) {
            Ok(found) => {
                tracing::warn!(
                    file,
                    ms = found.ms,
                    "a recording cut by a crash was completed"
                );
                open.closed(found.ms, found.sha256)
            }
            Err(error) => Event::RecordingFailed {
                call,
                file,
                cause: error.to_string(),
            },
        });
    }
    if !left.calls.is_empty() {
        // The crash may have taken the journal's word of a recording that had just begun.
        for found in recording_loop::repair(recordings, keys).map_err(Failure::world)? {
            tracing::warn!(
                file = found.file,
                ms = found.ms,
                "a recording cut by a crash was completed"
            );
        }
    }
    events.extend(left.calls.iter().map(|call| call.ended()));
    events.push(Event::EngineStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    events.push(Event::SettingsRead {
        digest: reload::digest(&config.written),
        queues: config.queues.len(),
        seats: config.seats.len(),
    });
    events.push(Event::FloorSet {
        ns: Instant::START,
        digest: floor,
        rules: hotline_acd::rules::DECISIONS,
    });
    events.push(Event::TaskRulesSet {
        rules: config.task_rules,
    });
    for event in events {
        writer
            .append(stamped(epoch, event))
            .map_err(|(error, _)| Failure::world(error))?;
    }
    if !left.calls.is_empty() {
        tracing::warn!(
            calls = left.calls.len(),
            "calls of the last run were closed as interrupted"
        );
    }
    writer.commit().map(drop).map_err(Failure::world)
}

fn settings(config: &Config, accounts: &Accounts) -> Settings {
    let live = replacement(config, accounts);
    Settings {
        product: concat!("hotline/", env!("CARGO_PKG_VERSION")).to_owned(),
        realm: REALM.to_owned(),
        md5: config.md5,
        utc_offset_minutes: config.utc_offset_minutes,
        media_address: config.address,
        more_media_addresses: config.also.clone(),
        formats: config.formats,
        browsers: None,
        media_threads: config.media_threads,
        trunks: config.trunks.clone(),
        numbers: live.numbers,
        queues: live.queues,
        seats: live.seats,
        phones: live.phones,
        shifts: live.shifts,
        reasons: live.reasons,
        second_phone: live.second_phone,
        desk_lost_after: live.desk_lost_after,
        scripts: live.scripts,
        survey: live.survey,
        prompts: live.prompts,
        announce_every: live.announce_every,
        emergencies: live.emergencies,
        silent_after: live.silent_after,
    }
}

/// Starts the journal thread and the tables thread, each with a runtime of its own.
fn start_story(
    journal_loop: JournalLoop,
    tables_loop: TablesLoop,
) -> Result<[JoinHandle<()>; 2], Failure> {
    Ok([
        start("journal", move |runtime| {
            runtime.block_on(journal_loop.run());
        })?,
        start_behind_the_calls("tables", move |runtime| {
            runtime.block_on(tables_loop.run());
        })?,
    ])
}

/// Opens the tables by a thread that stands behind the calls, as the one that writes them then
/// does: a thread begins with the priority of the one that made it.
fn open_tables(file: PathBuf, offset_minutes: i32) -> Result<Tables, Failure> {
    let opened = start_behind_the_calls("tables", move |runtime| {
        runtime.block_on(Tables::open(&file, offset_minutes))
    })?
    .join();
    opened
        .map_err(|_| Failure::world("the thread that opens the tables broke"))?
        .map_err(Failure::world)
}

/// What the exchange is made of.
struct Core {
    settings: Settings,
    seed: [u8; 32],
    first_call: CallId,
    standing: Vec<Restored>,
    forced: Vec<SeatId>,
    view: BoardWriter,
    wall_at_start: Timestamp,
    callers: Callers,
    blacklist: Blacklist,
}

#[expect(
    clippy::too_many_arguments,
    reason = "everything the signalling thread owns"
)]
fn start_signalling(
    core: Core,
    (sockets, sessions): (Bound, Arc<Sessions>),
    config: &Config,
    data: &Data,
    doors: Arc<Doors>,
    epoch: StdInstant,
    drain: watch::Receiver<bool>,
    drain_for: Duration,
) -> Result<JoinHandle<()>, Failure> {
    let blocks: Vec<BlockRing> = (0..config.media_threads)
        .map(|_| Arc::new(ArrayQueue::new(limits::RECORDING_BLOCKS)))
        .collect();
    let identity = (config.browser_port > 0)
        .then(|| Identity::generate(epoch))
        .transpose()
        .map_err(|error| Failure::world(format!("no certificate for browsers: {error}")))?;
    let mut core = core;
    core.settings.browsers = identity.as_ref().map(Identity::fingerprint);
    let ring = || {
        let doors = doors.clone();
        Arc::new(move || doors.bell.notify_one()) as media_loop::Notify
    };
    let recorder = recording_loop::spawn(
        config.recordings.clone(),
        data.recordings.clone(),
        blocks.clone(),
        doors.recordings.clone(),
        ring(),
    )
    .map_err(|error| Failure::world(format!("the recorder cannot start: {error}")))?;
    let plan = media_threads::Plan {
        ports: config.rtp_ports.0..=config.rtp_ports.1,
        browsers: identity.map(|identity| media_loop::Browsers {
            address: config.address,
            port: config.browser_port,
            identity,
        }),
        seeds: media_seeds(config.media_threads)?,
    };
    let media = MediaThreads::start(&plan, epoch, &doors.reports, ring, &blocks)
        .map_err(|failed| media_not_started(&failed))?;
    let secured = config.tls.clone();
    let mut treatment = streams::Settings {
        browsers: Some(Arc::new(Browsers {
            origins: config.origins.clone(),
            sessions,
        })),
        known: config.trunk_addresses(),
        names: config.peer_names.clone(),
        ..streams::Settings::default()
    };
    start("signalling", move |runtime| {
        let mut exchange = Exchange::new(
            core.settings,
            core.seed,
            core.first_call,
            core.wall_at_start,
        );
        exchange.remember(core.callers);
        exchange.block(core.blacklist);
        exchange.publish_on(core.view);
        exchange.force(Instant::from_start(epoch.elapsed()), &core.forced);
        exchange.restore(Instant::from_start(epoch.elapsed()), core.standing);
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            let tls = Tls::new(secured.server, secured.client, tls::LOOK_EVERY);
            treatment.tls = Some(tls);
            let (datagrams, streams) = match (
                Datagrams::new(sockets.datagrams),
                Streams::new(sockets.listening, treatment),
            ) {
                (Ok(datagrams), Ok(streams)) => (datagrams, streams),
                (Err(error), _) | (_, Err(error)) => {
                    // The runtime cannot watch a socket: out of descriptors.
                    tracing::error!(%error, "the signalling sockets cannot be used");
                    std::process::exit(1);
                }
            };
            let signalling = SignallingLoop {
                exchange,
                datagrams,
                streams,
                media,
                recorder,
                doors,
                epoch,
                drain,
                drain_for,
            };
            signalling.run().await;
        });
    })
}

/// What the media threads' SSRCs and first numbers begin with: drawn for each, and for nothing else,
/// since everybody sees them.
fn media_seeds(count: usize) -> Result<Vec<u64>, Failure> {
    let drawn = |_| {
        Ok(u64::from_le_bytes(
            *seed()?.first_chunk().unwrap_or(&[0; 8]),
        ))
    };
    (0..count).map(drawn).collect()
}

fn media_not_started(failed: &media_threads::NotStarted) -> Failure {
    let at = failed.browser_port.map_or_else(String::new, |port| {
        format!(" (its UDP port for browsers: {port}, see browser_port in engine.toml)")
    });
    let (thread, error) = (failed.thread, &failed.error);
    Failure::world(format!("media thread {thread} cannot start{at}: {error}"))
}

/// Takes the commands of this machine, and SIGHUP.
fn take_commands(reloader: &Arc<Reloader>) {
    match control::open(&reloader.data) {
        Ok(door) => {
            tokio::spawn(control::serve(door, reloader.clone()));
        }
        Err(error) => tracing::warn!(
            %error,
            "`hotline reload` cannot reach this engine; SIGHUP and the API can"
        ),
    }
    let reloader = reloader.clone();
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut hangups) = signal(SignalKind::hangup()) else {
            return;
        };
        while hangups.recv().await.is_some() {
            match reloader.reload("signal".to_owned(), false).await {
                Ok(report) => tracing::info!("settings read again:\n{report}"),
                Err(Refused::World(why)) => tracing::error!(why, "no new settings"),
                Err(Refused::Faults(faults)) => {
                    let told: String = faults.iter().map(ToString::to_string).collect();
                    tracing::error!("the configuration has faults; nothing was changed\n{told}");
                }
            }
        }
    });
}

/// Waits for a thread without stopping the runtime.
async fn join(thread: JoinHandle<()>) {
    let _ = tokio::task::spawn_blocking(move || {
        if thread.join().is_err() {
            tracing::error!("a thread of the engine panicked");
        }
    })
    .await;
}

/// SIGTERM, or Ctrl-C.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

/// Where to call, where the pages are, and who may sign in.
fn welcome(config: &Config, sip: SocketAddr, http: SocketAddr) {
    println!("hotline {} is ready / 已就绪", env!("CARGO_PKG_VERSION"));
    for number in &config.numbers {
        println!("  call / 拨打     sip:{}@{sip}   (UDP, TCP)", number.number);
    }
    for (scheme, port) in [
        ("sips", config.ports.tls),
        ("ws", config.ports.ws),
        ("wss", config.ports.wss),
    ] {
        if port != 0 {
            let at = SocketAddr::new(sip.ip(), port);
            println!(
                "  also / 亦可     {scheme}:{}{at}",
                if scheme == "sips" { "" } else { "//" }
            );
        }
    }
    println!("  pages / 页面    http://{http}/");
    let demo = demo_passwords(&config.data);
    if demo.is_empty() {
        println!("  accounts / 账号  supervisor, and each seat's number");
    } else {
        println!(
            "  accounts / 账号  (from {}; delete it when noted)",
            demo_file(&config.data).display()
        );
        for (user, password) in demo {
            println!("      {user:<12} {password}");
        }
    }
    println!("  no phone?       hotline seat 1001 --ready --talk-for 20");
    println!("                  hotline call 12345");
    if config.address.is_loopback() {
        println!(
            "  only this machine can reach it; to open it to a network, set `address` under [listen] in engine.toml"
        );
    }
}
