//! The journal as its users see it; damage and failing disks stand in the other files.

mod crash;
mod damage;

use std::path::Path;

use super::*;
use crate::samples;
use hotline_model::event::Event;

fn small() -> Settings {
    Settings {
        segment_bytes: 4_096,
        check: Check::Whole,
    }
}

/// Appends events `from..=to` of the samples, cycled, in groups of `group`.
fn write(journal: &mut Journal<impl Disk>, count: u64, group: u64) {
    let samples = samples::one_of_each();
    for _ in 0..count {
        let seq = journal.last_seq() + 1;
        let event = samples[seq as usize % samples.len()].clone();
        journal.append(&samples::stamped(seq, event)).unwrap();
        if journal.last_seq().is_multiple_of(group) {
            journal.commit().unwrap();
        }
    }
    journal.commit().unwrap();
}

fn all(dir: &Path) -> Vec<Record> {
    read(dir, 1).unwrap().map(Result::unwrap).collect()
}

#[test]
fn each_kind_of_event_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, recovery) = Journal::open(dir.path()).unwrap();
    assert_eq!((recovery.records, recovery.last_call), (0, None));
    let mut written = Vec::new();
    for stamped in (1..)
        .zip(samples::one_of_each())
        .map(|(n, e)| samples::stamped(n, e))
    {
        written.push(journal.append(&stamped).unwrap());
    }
    assert_eq!(all(dir.path()), [], "nothing is there before the commit");
    journal.commit().unwrap();
    assert_eq!(all(dir.path()), written);
    drop(journal);

    let (_journal, recovery) = Journal::open(dir.path()).unwrap();
    let last = written.last().unwrap();
    assert_eq!(recovery.records, written.len() as u64);
    assert_eq!(
        (recovery.last_seq, recovery.last_hash),
        (last.seq, last.hash)
    );
    assert_eq!(recovery.last_at, Some(last.stamped.at));
    assert_eq!(recovery.last_call, Some(CallId(3)));
    assert_eq!(recovery.torn, None);
}

#[test]
fn a_record_is_json_that_a_person_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    let record = journal
        .append(&samples::stamped(1, samples::arrived(7)))
        .unwrap();
    journal.commit().unwrap();
    let bytes = std::fs::read(dir.path().join("00000001.journal")).unwrap();
    let line = format!(
        r#"{{"seq":1,"at":1795246212000,"up_ms":0,"type":"call-arrived","call":7,"trunk":"mobile","caller":"13800000007","called":"12345","sip_call_id":"7@carrier","hash":"{}"}}"#,
        record.hash
    );
    assert!(String::from_utf8_lossy(&bytes).contains(&line), "{line}");
    assert_eq!(
        serde_json::to_string(&record.masked()).unwrap(),
        r#"{"seq":1,"at":1795246212000,"up_ms":0,"type":"call-arrived","call":7,"trunk":"mobile","caller":"138****0007","called":"12345","sip_call_id":"7@carrier"}"#
    );
}

#[test]
fn segments_roll_and_join() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open_with(dir.path(), &small()).unwrap();
    write(&mut journal, 200, 3);
    drop(journal);
    let segments = segment::list(dir.path()).unwrap();
    assert!(segments.len() > 5, "{segments:?}");
    let written = all(dir.path());
    assert_eq!(written.len(), 200);
    let verified = verify(dir.path()).unwrap();
    assert_eq!((verified.records, verified.torn), (200, None));
    for from in [1, 2, 57, 199, 200, 201] {
        let read: Vec<_> = read(dir.path(), from)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(read, written[from as usize - 1..], "from {from}");
    }
    for check in [Check::Whole, Check::LastSegment] {
        let settings = Settings { check, ..small() };
        let (mut journal, recovery) = Journal::open_with(dir.path(), &settings).unwrap();
        let count = recovery.records;
        assert_eq!(recovery.last_hash, all(dir.path()).last().unwrap().hash);
        assert_eq!(recovery.last_call, Some(CallId(3)));
        write(&mut journal, 50, 7);
        assert_eq!(verify(dir.path()).unwrap().records, count + 50);
    }
}

#[test]
fn a_time_is_found_by_whole_segments() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open_with(dir.path(), &small()).unwrap();
    write(&mut journal, 200, 1);
    let since = Timestamp(samples::NOON + 150_000);
    let read: Vec<_> = read_since(dir.path(), since)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        read[0].stamped.at <= since && read[0].seq > 100,
        "{}",
        read[0].seq
    );
    assert_eq!(read.last().unwrap().seq, 200);
    let first = read_since(dir.path(), Timestamp(0))
        .unwrap()
        .next()
        .unwrap();
    assert_eq!(first.unwrap().seq, 1);
}

#[test]
fn a_second_engine_is_kept_out() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = Journal::open(dir.path()).unwrap();
    assert!(matches!(
        Journal::open(dir.path()),
        Err(OpenError::Locked(_))
    ));
    drop(first);
    assert!(Journal::open(dir.path()).is_ok());
}

#[test]
fn a_reader_goes_on_with_what_a_live_writer_appends() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open_with(dir.path(), &small()).unwrap();
    let mut records = read(dir.path(), 1).unwrap();
    assert!(records.next().is_none());
    let mut seen = 0;
    for _ in 0..40 {
        write(&mut journal, 3, 2);
        seen += records.by_ref().map(Result::unwrap).count();
    }
    assert_eq!(seen, 120);
}

#[test]
fn an_event_beyond_the_limits_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open(dir.path()).unwrap();
    let long = |length| Event::EngineStarted {
        version: "v".repeat(length),
    };
    let refused = journal.append(&samples::stamped(1, long(70_000)));
    assert!(matches!(refused, Err(AppendError::TooLong)));
    let mut count = 0;
    while journal.append(&samples::stamped(1, long(60_000))).is_ok() {
        count += 1;
    }
    assert!(journal.pending_bytes() >= PENDING_BYTES);
    journal.commit().unwrap();
    assert!(journal.append(&samples::stamped(1, long(1))).is_ok());
    assert_eq!(verify(dir.path()).unwrap().records, count);
}

#[test]
fn a_hash_kept_elsewhere_shows_what_the_chain_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open_with(dir.path(), &small()).unwrap();
    write(&mut journal, 60, 1);
    let early = verify(dir.path()).unwrap();
    write(&mut journal, 60, 1);
    let late = verify(dir.path()).unwrap();
    let known = |v: &Verified| Some((v.last_seq, v.last_hash));
    assert_eq!(verify_against(dir.path(), known(&early)), Ok(late.clone()));
    assert_eq!(verify_against(dir.path(), known(&late)), Ok(late.clone()));
    let forged = Some((early.last_seq, late.last_hash));
    assert!(verify_against(dir.path(), forged).is_err());

    // Somebody cuts the newest records off.
    // Two segments: the last may have been begun and hold nothing yet.
    for last in segment::list(dir.path()).unwrap().into_iter().rev().take(2) {
        std::fs::remove_file(dir.path().join(segment::name(last))).unwrap();
    }
    assert!(verify(dir.path()).is_ok());
    assert!(verify_against(dir.path(), known(&late)).is_err());
    assert!(verify_against(dir.path(), known(&early)).is_ok());
}

/// A new journal with one record of this body, sealed and framed as it should be.
fn forged(body: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    drop(Journal::open(dir.path()).unwrap());
    let path = dir.path().join("00000001.journal");
    let mut frames = frame::Frames::open(&path).unwrap();
    frames.advance().unwrap();
    let (.., hash) = Header::parse(frames.payload()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let start = frame::begin(&mut bytes);
    bytes.extend(body.as_bytes());
    chain::seal(&mut bytes, start + frame::HEAD_BYTES, hash);
    assert!(frame::close(&mut bytes, start));
    std::fs::write(&path, bytes).unwrap();
    dir
}

#[test]
fn an_event_of_a_later_engine_is_whole_but_not_understood() {
    let dir = forged(r#"{"seq":1,"at":1,"up_ms":1,"type":"moon-landed","call":4"#);
    assert_eq!(verify(dir.path()).unwrap().records, 1);
    let (_, recovery) = Journal::open(dir.path()).unwrap();
    assert_eq!(recovery.last_call, Some(CallId(4)));
    let next = read(dir.path(), 1).unwrap().next();
    assert!(matches!(next, Some(Err(ReadError::Event { seq: 1, .. }))));
}

#[test]
fn a_rewritten_chain_cannot_leave_a_number_out() {
    for seq in ["0", "2", "01", "-1", "1.0"] {
        let body = format!(r#"{{"seq":{seq},"at":1,"up_ms":1,"type":"engine-stopped""#);
        let dir = forged(&body);
        assert!(verify(dir.path()).is_err(), "{seq}");
        let opened = Journal::open(dir.path());
        assert!(matches!(opened, Err(OpenError::Broken(_))), "{seq}");
    }
}

/// The check of the format's documentation, without a line of this crate.
#[test]
fn an_auditors_own_reader_agrees() {
    use sha2::{Digest as _, Sha256};

    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = Journal::open_with(dir.path(), &small()).unwrap();
    write(&mut journal, 50, 4);
    let (mut hash, mut records) = ([0; 32], 0);
    for number in 1..100 {
        let Ok(bytes) = std::fs::read(dir.path().join(format!("{number:08}.journal"))) else {
            break;
        };
        let mut rest = &bytes[..];
        while let Some((head, after)) = rest.split_first_chunk::<8>() {
            let length = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
            let crc = u32::from_le_bytes(head[4..].try_into().unwrap());
            let payload = &after[..length];
            rest = &after[length..];
            assert_eq!(crc32fast::hash(&[&head[..4], payload].concat()), crc);
            let text = std::str::from_utf8(payload).unwrap();
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            if json.get("synced").is_some() {
                assert_eq!(json["synced"], records);
                continue;
            }
            let body = &payload[..length - 75];
            hash = Sha256::digest([&hash[..], body].concat()).into();
            assert_eq!(json["hash"], Hash(hash).to_string());
            if json.get("magic").is_none() {
                records += 1;
                assert_eq!(json["seq"], records);
            }
        }
    }
    assert_eq!(records, 50);
}
