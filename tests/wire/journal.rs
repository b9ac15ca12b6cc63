//! What the journal says: the truth about a call, whatever the telephone thinks.

use std::{
    thread,
    time::{Duration, Instant},
};

use hotline_store::journal;
use serde_json::Value;

use crate::engine::Engine;

/// Everything the journal holds by now.
pub fn records(engine: &Engine) -> Vec<Value> {
    let records = journal::read(&engine.dir.join("data/journal"), 1).unwrap();
    records
        .map_while(Result::ok)
        .map(|record| serde_json::to_value(record).unwrap())
        .collect()
}

/// The story of the call whose Call-ID begins with `call_id`, once it has ended.
pub fn story(engine: &Engine, call_id: &str) -> Story {
    story_within(engine, call_id, 10)
}

/// The same, with so many seconds of patience.
pub fn story_within(engine: &Engine, call_id: &str, seconds: u64) -> Story {
    let until = Instant::now() + Duration::from_secs(seconds);
    loop {
        let story = story_so_far(engine, call_id);
        if story.as_ref().is_some_and(|story| story.has("call-ended")) {
            return story.unwrap();
        }
        assert!(
            Instant::now() < until,
            "{call_id} has not ended: {:?}",
            story.map(|story| story.0)
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// The same, of a call that may go on.
pub fn story_so_far(engine: &Engine, call_id: &str) -> Option<Story> {
    let records = records(engine);
    let begins = |record: &&Value| {
        record["type"] == "call-arrived"
            && record["sip_call_id"]
                .as_str()
                .is_some_and(|id| id.starts_with(call_id))
    };
    let call = records.iter().find(begins)?["call"].as_u64();
    let of_call = |record: &Value| record["call"].as_u64() == call;
    Some(Story(records.into_iter().filter(of_call).collect()))
}

/// Waits until the journal has a record for which `is` holds.
pub fn until(engine: &Engine, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = records(engine).into_iter().find(|record| is(record)) {
            return found;
        }
        assert!(Instant::now() < until, "the journal never told: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The records of one call, in order.
#[derive(Debug)]
pub struct Story(pub Vec<Value>);

impl Story {
    /// Whether there is an event of this type.
    pub fn has(&self, kind: &str) -> bool {
        self.0.iter().any(|record| record["type"] == kind)
    }

    /// The first event of this type.
    pub fn event(&self, kind: &str) -> &Value {
        let found = self.0.iter().find(|record| record["type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}: {:?}", self.types()))
    }

    /// How many events of this type there are.
    pub fn count(&self, kind: &str) -> usize {
        self.0
            .iter()
            .filter(|record| record["type"] == kind)
            .count()
    }

    /// The types, in order.
    pub fn types(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|record| record["type"].as_str())
            .collect()
    }

    /// How it ended: outcome and who released.
    pub fn end(&self) -> (&str, &str) {
        let end = self.event("call-ended");
        let word = |key: &str| end[key].as_str().unwrap_or_default();
        (word("outcome"), word("released_by"))
    }
}
