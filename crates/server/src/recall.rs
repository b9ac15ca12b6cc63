//! What the exchange knows of earlier runs when it starts: who called, who talked
//! with them, and who is not served.

use std::{path::Path, time::Duration};

use hotline_calls::{
    blacklist::{Blacklist, BlockedAnswer},
    callers::Callers,
};
use hotline_model::{
    Timestamp,
    event::Event,
    limits::{BLOCK_DAYS, BLOCK_PROPOSAL_DAYS, CALLERS_KEPT_H},
    task::dialable,
};
use hotline_store::{
    Tables, journal,
    tables::{CallerLine, TablesError},
};

/// Longest wait until the tables have what the journal has. After a change of their definition they
/// are filled anew, which takes longer with a long journal: then the start does not wait, and callers
/// of before are recognised from the next start on.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(10);

/// Brings the tables up to the journal's end; whether they are.
pub async fn catch_up(tables: &Tables, journal: &Path) -> bool {
    match tokio::time::timeout(CAUGHT_UP_WITHIN, tables.catch_up(journal)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the tables do not follow the journal");
            false
        }
        Err(_) => {
            tracing::warn!("the tables are being filled anew; repeat callers show later");
            false
        }
    }
}

/// The blocked callers. Where the tables are not `whole`, they are read from the journal itself:
/// that takes longer, but nobody is let through.
pub async fn blacklist(
    tables: &Tables,
    whole: bool,
    journal: &Path,
    (answer, now): (BlockedAnswer, Timestamp),
) -> Result<Blacklist, TablesError> {
    let mut blacklist = Blacklist::new(answer);
    if whole {
        for told in tables.block_events().await? {
            blacklist.note(told.at, &told.event);
        }
        return Ok(blacklist);
    }
    let days = BLOCK_DAYS + BLOCK_PROPOSAL_DAYS + 1;
    let since = Timestamp(now.0.saturating_sub(days * 86_400_000));
    let mut last = 0;
    for record in journal::read_since(journal, since)? {
        let record = record?;
        last = record.seq;
        let told = record.stamped;
        // Of this run only: the tables do not tell of earlier ones either.
        if !matches!(told.event, Event::CallerBlocked { .. }) {
            blacklist.note(told.at, &told.event);
        }
    }
    // Who proposed was a record each: no block of before what was read has a higher number.
    blacklist.number_after(last);
    Ok(blacklist)
}

/// The callers of the days before `now`.
pub async fn callers(tables: &Tables, now: Timestamp) -> Result<Callers, TablesError> {
    let kept = i64::try_from(CALLERS_KEPT_H * 3_600_000).unwrap_or(i64::MAX);
    let since = Timestamp(now.0.saturating_sub(kept));
    let mut callers = Callers::default();
    for CallerLine {
        number,
        called,
        talked,
    } in tables.callers_since(since).await?
    {
        let Some(number) = dialable(&number) else {
            continue;
        };
        if let Some(at) = called {
            callers.called(&number, at);
        }
        if let Some((seat, at)) = talked {
            callers.talked(&number, seat, at);
        }
    }
    Ok(callers)
}

#[cfg(test)]
mod tests {
    use hotline_calls::blacklist::BlockRequest;
    use hotline_model::event::Stamped;
    use hotline_store::Journal;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_305_600_000);

    #[tokio::test]
    async fn the_journal_alone_tells_the_same_blocks_as_the_tables() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("journal");
        let settings = journal::Settings {
            segment_bytes: 1,
            ..journal::Settings::default()
        };
        let proposed = |block, number: &str| Event::BlockProposed {
            block,
            number: number.to_owned(),
            reason: "骚扰".to_owned(),
            until: Timestamp(NOW.0 + 86_400_000),
            by: "1001".to_owned(),
            withheld: false,
        };
        let (by, call) = ("lead".to_owned(), None);
        let version = "0.1.0".to_owned();
        let long_ago = 200 * 86_400_000;
        let events = [
            (long_ago, Event::EngineStarted { version }),
            (long_ago, proposed(1, "13800000001")),
            (long_ago, Event::BlockExpired { block: 1 }),
            (2_000, proposed(2, "13800000002")),
            (1_000, Event::BlockApproved { block: 2, by }),
            (1_000, Event::CallerBlocked { block: 2, call }),
            (
                1_000,
                Event::BlockLifted {
                    block: 2,
                    by: "lead".to_owned(),
                    reason: "道歉".to_owned(),
                },
            ),
            (500, proposed(3, "13800000003")),
            (400, Event::CallerBlocked { block: 3, call }),
        ];
        let (mut journal, _) = Journal::open_with(&folder, &settings).unwrap();
        for (ago, event) in events {
            let (at, up_ms) = (Timestamp(NOW.0 - ago), 0);
            journal.append(&Stamped { at, up_ms, event }).unwrap();
            journal.commit().unwrap();
        }
        let tables = Tables::open(&place.path().join("tables"), 480)
            .await
            .unwrap();
        let terms = (BlockedAnswer::Reject, NOW);
        let alone = blacklist(&tables, false, &folder, terms).await.unwrap();
        assert!(catch_up(&tables, &folder).await);
        let whole = blacklist(&tables, true, &folder, terms).await.unwrap();
        let told = |list: &Blacklist| list.blocks().cloned().collect::<Vec<_>>();
        assert_eq!(told(&alone), told(&whole));
        assert_eq!(told(&alone)[0].turned_away, 0, "since the start");
        tables.close().await;

        // Where nothing of late is known of blocks, the numbers go on all the same.
        let mut later = Timestamp(NOW.0 + 150 * 86_400_000);
        let event = Event::EngineStopped {};
        let stamped = Stamped {
            at: later,
            up_ms: 0,
            event,
        };
        journal.append(&stamped).unwrap();
        journal.commit().unwrap();
        later.0 += 1;
        let place = tempfile::tempdir().unwrap();
        let tables = Tables::open(&place.path().join("tables"), 480)
            .await
            .unwrap();
        let terms = (BlockedAnswer::Reject, later);
        let alone = blacklist(&tables, false, &folder, terms).await.unwrap();
        let request = BlockRequest::Propose {
            number: "13800000001".to_owned(),
            withheld: false,
            reason: "骚扰".to_owned(),
            until: Timestamp(later.0 + 1),
        };
        let (block, _) = alone.asked(later, "1001", request).unwrap();
        assert!(block > 3, "{block}");
        tables.close().await;
    }
}
