//! What happened, kept: the journal, its recovery, the folds that count it, and the case tables.
//!
//! - [`journal`]: append-only segments with a hash chain; the only truth.
//! - [`recover`]: what an earlier run left unfinished.
//! - [`fold`]: plain values that follow the records: call rows, cases, counters, live calls, the
//!   seat ledger. No clock, no file.
//! - [`kpi`]: the formulas over raw counts.
//! - [`wallboard`]: the dashboard's figures as JSON; [`agents_view`]: what of it agents see.
//! - [`tables`]: the folds' rows in SQLite, for lists and searches. Derived: can be rebuilt.
//! - [`writer`]: journal and folds together, for the one thread that writes.

pub mod adherence;
pub mod agents_view;
pub mod contractors;
pub mod ends;
pub mod fold;
pub mod journal;
pub mod kpi;
pub mod recover;
#[cfg(test)]
mod samples;
pub mod tables;
pub mod wallboard;
pub mod writer;

pub use agents_view::AgentsView;
pub use fold::Folds;
pub use journal::{Journal, Record, Recovery};
pub use tables::Tables;
pub use wallboard::Wallboard;
pub use writer::{Start, Writer};
