//! What the exchange knows of earlier runs when it starts: who called, who talked
//! with them, and who is not served.

use std::{path::Path, time::Duration};

use hotline_calls::{
    blacklist::{Blacklist, BlockedAnswer},
    callers::Callers,
};
use hotline_model::{
    Timestamp,
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
    for record in journal::read_since(journal, since)? {
        let told = record?.stamped;
        blacklist.note(told.at, &told.event);
    }
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
