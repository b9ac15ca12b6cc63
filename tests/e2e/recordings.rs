//! Recordings on the disk: encrypted, cut by a kill, and without room.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use hotline_store::journal;
use serde_json::{Value, json};

use crate::{
    at,
    browsers::desk,
    engine::{Engine, Lines, hotline},
    sound, types,
};

/// Words for the phones to say, again and again.
fn speech(engine: &Engine) -> String {
    let wav = engine.dir.join("say.wav");
    let words = sound::repeat_with_pauses(&sound::prompt("zh", "survey-ask"), 6);
    sound::write_wav(&wav, &words);
    wav.to_str().unwrap().to_owned()
}

fn verify(engine: &Engine) -> (bool, String) {
    let data = engine.dir.join("data");
    let mut command = hotline();
    command
        .args(["audit", "verify", "--recordings", "--data"])
        .arg(data);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said)
}

/// What a `kill -9` leaves of an encrypted recording is ended at the next start, verifies without
/// the key, plays through the API whole and in parts, and opens with the key by hand.
pub fn encrypted_through_a_kill() {
    let mut engine = Engine::prepare();
    let keys = engine.encrypt();
    engine.configure("engine.toml", "format = \"pcm\"", "format = \"alaw\"");
    engine.restart();
    let wav = speech(&engine);
    let mut seat = Lines::of(engine.seat_phone("1001").args(["--ready", "--say", &wav]));
    seat.expect("ready", 20);
    let mut caller = Lines::of(engine.call_phone().args(["--press", "0@1", "--say", &wav]));
    seat.expect("talking", 40);
    let talking = Instant::now();
    engine.until("the talk has lasted", 30, |board| {
        let seat = Engine::seat(board, "1001");
        (seat["work"] == "talking" && seat["since_ms"].as_u64() > Some(6_000)).then_some(())
    });
    let talked = talking.elapsed();
    engine.kill();
    engine.restart();
    let call = engine.ended_call(1);
    assert_eq!(call["outcome"], "interrupted", "{call}");
    let file = call["recording"].as_str().unwrap();
    let on_disk = engine.dir.join("data/recordings").join(file);
    assert!(fs::read(&on_disk).unwrap().starts_with(b"HLVAULT1"));
    let (good, said) = verify(&engine);
    assert!(good && said.contains("1 recordings are"), "{said}");

    let whole = engine.recording(1);
    let (left, right) = sound::channels(&whole);
    let recorded = Duration::from_millis(left.len() as u64 / 8);
    assert!(
        recorded + Duration::from_millis(1_200) > talked,
        "talked {talked:?}, recorded {recorded:?}"
    );
    for channel in [&left, &right] {
        let loud = channel.iter().any(|&sample| sample.unsigned_abs() > 2_000);
        assert!(loud, "a silent channel");
    }
    for (range, from, to) in [
        ("0-", 0, whole.len()),
        ("50-99", 50, 100),
        ("30001-30003", 30_001, 30_004),
        ("-7", whole.len() - 7, whole.len()),
    ] {
        let (status, part) = engine.recording_range(1, range);
        assert_eq!(status, 206, "{range}");
        assert!(part == whole[from..to], "{range}");
    }
    assert_eq!(engine.recording_range(1, "999999999-").0, 416);
    fetched_is_journalled(&engine, 6);

    let out = engine.dir.join("out.wav");
    assert!(decrypt(&on_disk, &keys, &out));
    assert!(
        fs::read(&out).unwrap() == whole,
        "the API and the command disagree"
    );
    // Another key opens nothing, and a changed byte is told without any.
    let other = engine.dir.join("other.key");
    let made = hotline().args(["keys", "new"]).arg(&other).status();
    assert!(made.unwrap().success());
    assert!(!decrypt(&on_disk, &other, &engine.dir.join("none.wav")));
    let mut bytes = fs::read(&on_disk).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&on_disk, bytes).unwrap();
    let (good, said) = verify(&engine);
    assert!(!good && said.contains("is not what was recorded"), "{said}");
    caller.kill();
    seat.kill();
}

fn decrypt(file: &Path, keys: &Path, out: &Path) -> bool {
    let mut command = hotline();
    command.args(["recording", "decrypt"]).arg(file);
    command.arg("--key-file").arg(keys).arg("--out").arg(out);
    command.status().unwrap().success()
}

/// Each answer with sound in it has its record, and it was there before.
fn fetched_is_journalled(engine: &Engine, times: usize) {
    let fetched = engine.until("the accesses are in the call's story", 5, |_| {
        let call = engine.get("/api/v1/calls/1");
        let timeline = call["timeline"].as_array()?.clone();
        let kind = |record: &&Value| record["type"] == "recording-fetched";
        let fetched: Vec<Value> = timeline.iter().filter(kind).cloned().collect();
        (fetched.len() >= times).then_some(fetched)
    });
    assert_eq!(fetched.len(), times);
    assert!(fetched.iter().all(|record| record["by"] == "supervisor"));
}

/// The disk of the recordings is a small one of its own. It fills up while a call is recorded: the
/// recording fails, the board says so, the call goes on to its regular end; and when there is room
/// again, the next call is recorded.
pub fn a_full_disk_harms_no_call() {
    let mut engine = Engine::prepare();
    engine.encrypt();
    engine.configure("engine.toml", "keep_free_mb = 500", "keep_free_mb = 2");
    let folder = engine.dir.join("data/recordings");
    fs::create_dir_all(&folder).unwrap();
    let serve = engine.serve_on(&engine.sip.to_string(), &engine.http.to_string());
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount -t tmpfs -o size=3500k none \"$0\" && exec \"$@\"");
    command
        .arg(&folder)
        .arg(serve.get_program())
        .args(serve.get_args());
    let log = fs::File::create(engine.dir.join("serve.log")).unwrap();
    engine.run(command, log);
    assert_eq!(
        engine.get("/api/v1/wallboard")["engine"]["recording_space_low"],
        false
    );
    // The same folder as the engine sees it.
    let inside = PathBuf::from(format!("/proc/{}/root", engine.id()));
    let inside = inside.join(folder.strip_prefix("/").unwrap());
    let filler = inside.join("filler");

    let wav = speech(&engine);
    let mut seat = Lines::of(engine.seat_phone("1001").args([
        "--ready",
        "--say",
        &wav,
        "--talk-for",
        "9",
        "--calls",
        "2",
    ]));
    seat.expect("ready", 20);
    let mut caller = Lines::of(engine.call_phone().args(["--press", "0@1", "--say", &wav]));
    seat.expect("talking", 40);
    // More than there is room for.
    assert!(fs::write(&filler, vec![0; 4 << 20]).is_err());
    engine.until("the failure is on the board", 20, |board| {
        let engine = &board["engine"];
        (engine["recordings_failed"] == 1 && engine["recording_space_low"] == true).then_some(())
    });
    let (_, metrics) = engine.text("/metrics");
    assert!(
        metrics.contains("hotline_recordings_failed_total 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("hotline_recording_space_low 1"),
        "{metrics}"
    );
    seat.expect("the call is over", 40);
    // It is asked for its score, says nothing, and is released.
    caller.expect("the other side hung up", 60);
    let call = engine.ended_call(1);
    assert_eq!(call["outcome"], "answered", "{call}");
    assert_eq!(call["talk_released_by"], "agent", "{call}");
    let timeline = call["timeline"].as_array().unwrap();
    let failed = at(timeline, "recording-failed");
    assert!(
        failed["cause"].as_str().unwrap().contains("No space left"),
        "{failed}"
    );
    assert!(
        !types(timeline).contains(&"recording-closed"),
        "{timeline:?}"
    );
    assert!(at(timeline, "talk-ended")["talk_ms"].as_u64() > Some(4_000));

    fs::remove_file(&filler).unwrap();
    engine.until("there is room again", 20, |board| {
        (board["engine"]["recording_space_low"] == false).then_some(())
    });
    let mut caller = Lines::of(engine.call_phone().args(["--press", "0@1", "--say", &wav]));
    seat.expect("the call is over", 60);
    caller.expect("the other side hung up", 60);
    let call = engine.ended_call(2);
    let timeline = call["timeline"].as_array().unwrap();
    assert!(at(timeline, "recording-closed")["ms"].as_u64() > Some(7_000));
    let (left, _) = sound::channels(&engine.recording(2));
    assert!(left.len() > 7 * 8_000);
    seat.kill();
}

/// The first record of that kind in the journal.
fn journalled(engine: &Engine, kind: &str) -> Value {
    let records = journal::read(&engine.dir.join("data/journal"), 1).unwrap();
    let mut records = records
        .map_while(Result::ok)
        .map(|record| serde_json::to_value(record).unwrap());
    records.find(|record| record["type"] == kind).unwrap()
}

/// The disk of the recordings stands still for seven seconds in the middle of a talk: both go on
/// hearing each other, it is told while it lasts, and the recording lacks nothing afterwards. Only
/// root can freeze a file system; without it this is left out.
pub fn a_disk_that_stands_still_harms_no_call() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: only root can freeze a disk");
        return;
    }
    let mut engine = Engine::prepare();
    engine.configure("engine.toml", "keep_free_mb = 500", "keep_free_mb = 2");
    let (menu, direct) = ("script = \"12345-menu\"", "script = \"12345-direct\"");
    engine.configure("engine.toml", menu, direct);
    let folder = engine.dir.join("data/recordings");
    fs::create_dir_all(&folder).unwrap();
    let disk = engine.dir.join("disk.img");
    fs::File::create(&disk).unwrap().set_len(64 << 20).unwrap();
    let made = Command::new("mkfs.ext4").arg("-q").arg(&disk).status();
    assert!(made.unwrap().success());
    let serve = engine.serve_on(&engine.sip.to_string(), &engine.http.to_string());
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c"]);
    command.arg("mount -o loop \"$0\" \"$1\" && shift && exec \"$@\"");
    command.args([&disk, &folder]);
    command.arg(serve.get_program()).args(serve.get_args());
    let log = fs::File::create(engine.dir.join("serve.log")).unwrap();
    engine.run(command, log);
    let inside = PathBuf::from(format!("/proc/{}/root", engine.id()));
    let inside = inside.join(folder.strip_prefix("/").unwrap());
    let freeze = |how: &str| {
        let done = Command::new("fsfreeze").arg(how).arg(&inside).status();
        assert!(done.unwrap().success(), "fsfreeze {how}");
    };

    let mut seat = desk(&engine, "1001", &engine.password("1001"), 600);
    let mut caller = desk(&engine, "13800001234", "-", 900);
    assert_eq!(engine.post("/api/v1/seats/1001/ready", &json!({})).0, 204);
    caller.say("call 12345");
    seat.expect("answered", 40);
    let talks = |caller: &mut Lines, seat: &mut Lines| {
        caller.say("hears 600");
        caller.expect("hears 600", 30);
        seat.say("hears 900");
        seat.expect("hears 900", 30);
    };
    talks(&mut caller, &mut seat);
    freeze("--freeze");
    let frozen = Instant::now();
    let stalled = |wanted: bool| {
        engine.until(&format!("a stalled disk: {wanted}"), 20, |board| {
            (board["engine"]["recording_disk_stalled"] == wanted).then_some(())
        });
    };
    stalled(true);
    talks(&mut caller, &mut seat);
    let frozen_ms = frozen.elapsed().as_millis() as u64;
    assert!(frozen_ms > 4_000, "{frozen_ms}");
    freeze("--unfreeze");
    stalled(false);
    talks(&mut caller, &mut seat);
    caller.say("hangup");
    let call = engine.ended_call(1);
    assert_eq!(call["outcome"], "answered", "{call}");
    let timeline = call["timeline"].as_array().unwrap();
    let talk_ms = at(timeline, "talk-ended")["talk_ms"].as_u64().unwrap();
    assert!(talk_ms > frozen_ms, "{talk_ms} and {frozen_ms}");
    let closed = engine.until("the recording is closed", 20, |_| {
        let call = engine.get("/api/v1/calls/1");
        let timeline = call["timeline"].as_array()?;
        let closed = timeline.iter().find(|e| e["type"] == "recording-closed")?;
        closed["ms"].as_u64()
    });
    assert!(closed + 500 > talk_ms, "{closed} of {talk_ms} ms");
    let board = engine.get("/api/v1/wallboard");
    assert_eq!(board["engine"]["recording_gaps"], 0, "{board}");
    // Both voices are there from the first to the last second, also of what was said meanwhile.
    let (left, right) = sound::channels(&engine.recording(1));
    let seconds = |voice: &[i16]| {
        let loud = |second: &&[i16]| second.iter().any(|&sample| sample.unsigned_abs() > 1_000);
        voice.chunks_exact(8_000).filter(loud).count() as u64
    };
    for voice in [left, right] {
        assert!(seconds(&voice) + 2 > talk_ms / 1_000, "{}", seconds(&voice));
    }
    let frozen = journalled(&engine, "recording-disk-stalled");
    assert!(frozen["for_ms"].as_u64() >= Some(2_000), "{frozen}");
    let followed = journalled(&engine, "recording-disk-followed");
    assert!(followed["after_ms"].as_u64() > Some(4_000), "{followed}");
}

/// `check` and `serve` name the line, and what to do.
pub fn a_bad_key_file_is_said() {
    let engine = Engine::prepare();
    let keys = engine.encrypt();
    let good = fs::read_to_string(&keys).unwrap();
    let says = |words: &[&str]| {
        let mut check = hotline();
        check
            .args(["check", "--config"])
            .arg(engine.dir.join("config"));
        let serve = engine.serve_on(&engine.sip.to_string(), &engine.http.to_string());
        for mut command in [check, serve] {
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains("engine.toml:"), "{said}");
            for word in words {
                assert!(said.contains(word), "{word}: {said}");
            }
            let secret = good.split_whitespace().last().unwrap();
            assert!(!said.contains(&secret[..60]), "a key was printed");
        }
    };
    fs::write(&keys, good.trim_end().split_at(good.len() - 3).0).unwrap();
    says(&["recordings.key:3", "64 hex digits"]);
    fs::write(&keys, &good).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
        says(&["chmod 600"]);
    }
    fs::remove_file(&keys).unwrap();
    says(&["cannot be read", "hotline keys new"]);
}
