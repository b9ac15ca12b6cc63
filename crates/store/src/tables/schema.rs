//! The tables' definition. They are derived from the journal: a changed definition is put in place
//! by dropping them and applying the journal again.

/// Number of this definition. Another in the file: the tables are dropped and refilled.
pub(super) const VERSION: i64 = 5;

/// What is applied: one row.
pub(super) const APPLIED: &str = "
CREATE TABLE IF NOT EXISTS applied (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    -- Local time east of UTC, minutes: the numbers of cases depend on it.
    offset_minutes INTEGER NOT NULL,
    -- The last record that the tables contain and its hash; the two clocks of its run's latest.
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    at INTEGER NOT NULL,
    up_ms INTEGER NOT NULL
) STRICT;
";

/// Times (`at`, `…_at`) are milliseconds since 1970 UTC, durations (`…_ms`) are milliseconds.
pub(super) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS calls (
    call INTEGER PRIMARY KEY,
    direction TEXT NOT NULL,
    arrived_at INTEGER NOT NULL,
    answered_at INTEGER,
    ended_at INTEGER,
    caller TEXT NOT NULL,
    withheld INTEGER NOT NULL,
    called TEXT NOT NULL,
    trunk TEXT,
    queue TEXT,
    seat TEXT,
    outcome TEXT,
    released_by TEXT,
    cause TEXT,
    wait_ms INTEGER,
    talk_ms INTEGER,
    hold_ms INTEGER,
    talk_released_by TEXT,
    total_ms INTEGER,
    score TEXT,
    meaning TEXT,
    recording TEXT,
    case_number TEXT,
    nth_call INTEGER,
    last_seat TEXT,
    -- Uptime at which the call entered its first queue, for the wait of one that is not answered.
    queued_up_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS calls_arrived ON calls (arrived_at);

-- Each record of the journal, as {seq, at, up_ms, type, …}.
CREATE TABLE IF NOT EXISTS timeline (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    up_ms INTEGER NOT NULL,
    call INTEGER,
    type TEXT NOT NULL,
    json TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS timeline_call ON timeline (call, seq) WHERE call IS NOT NULL;
CREATE INDEX IF NOT EXISTS timeline_task_rules ON timeline (seq) WHERE type = 'task-rules-set';
CREATE INDEX IF NOT EXISTS timeline_tasks ON timeline (seq) WHERE type LIKE 'task-%';
CREATE INDEX IF NOT EXISTS timeline_blocks ON timeline (seq) WHERE type LIKE 'block-%';
CREATE INDEX IF NOT EXISTS calls_arrived ON calls (arrived_at);
CREATE INDEX IF NOT EXISTS calls_live ON calls (call) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS calls_caller ON calls (caller, call);
CREATE INDEX IF NOT EXISTS calls_called ON calls (called, call) WHERE direction = 'outbound';

CREATE TABLE IF NOT EXISTS cases (
    number TEXT PRIMARY KEY,
    call INTEGER NOT NULL UNIQUE,
    opened_at INTEGER NOT NULL,
    caller TEXT NOT NULL,
    withheld INTEGER NOT NULL,
    seat TEXT NOT NULL,
    queue TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    ended_at INTEGER,
    score TEXT,
    meaning TEXT,
    recording TEXT,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS messages (
    call INTEGER NOT NULL,
    message INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    queue TEXT,
    seat TEXT,
    file TEXT NOT NULL,
    ms INTEGER,
    empty INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    ended TEXT,
    state TEXT NOT NULL,
    heard_at INTEGER,
    heard_by TEXT,
    settled_at INTEGER,
    settled_by TEXT,
    note TEXT,
    PRIMARY KEY (call, message)
) STRICT, WITHOUT ROWID;

-- Citizens whom a seat is to call.
CREATE TABLE IF NOT EXISTS tasks (
    task INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- Until when it is taken; NULL also while a call is under way.
    taken_until INTEGER,
    first_try_at INTEGER,
    ended TEXT,
    -- The whole row, as JSON.
    row TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS tasks_open ON tasks (task) WHERE state <> 'done';
CREATE INDEX IF NOT EXISTS tasks_due ON tasks (due_at, opened_at, task) WHERE state <> 'done';
CREATE INDEX IF NOT EXISTS tasks_number ON tasks (json_extract(row, '$.number'));
CREATE INDEX IF NOT EXISTS tasks_results ON tasks (json_extract(row, '$.result_at'))
    WHERE kind = 'follow-up';
CREATE INDEX IF NOT EXISTS tasks_ended ON tasks (json_extract(row, '$.ended_at'))
    WHERE kind = 'follow-up';
CREATE INDEX IF NOT EXISTS tasks_opened ON tasks (opened_at) WHERE kind = 'missed-call';

-- The seat ledger: what is open has no end.
CREATE TABLE IF NOT EXISTS seat_intervals (
    seat TEXT NOT NULL,
    since_seq INTEGER NOT NULL,
    since_at INTEGER NOT NULL,
    since_up_ms INTEGER NOT NULL,
    intent TEXT NOT NULL,
    reason TEXT,
    work TEXT NOT NULL,
    call INTEGER,
    until_at INTEGER,
    ms INTEGER,
    ended_by TEXT,
    PRIMARY KEY (seat, since_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seat_intervals_since ON seat_intervals (since_at);
CREATE INDEX IF NOT EXISTS seat_intervals_open ON seat_intervals (seat) WHERE until_at IS NULL;
CREATE INDEX IF NOT EXISTS seat_intervals_long ON seat_intervals (since_at) WHERE ms > 604800000;
";

/// Removes all that [`TABLES`] defines.
pub(super) const DROP: &str = "
DROP TABLE IF EXISTS calls;
DROP TABLE IF EXISTS timeline;
DROP TABLE IF EXISTS cases;
DROP TABLE IF EXISTS messages;
DROP TABLE IF EXISTS tasks;
DROP TABLE IF EXISTS seat_intervals;
";
