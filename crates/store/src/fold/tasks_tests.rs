//! The list of tasks: what opens, merges, rests and ends one, and that reading again gives the same.

use hotline_model::{
    CallId, Timestamp, TrunkId,
    event::{Event, Outcome, ReleasedBy, Stamped},
    task::{TaskEnd, TaskKind, TaskResult, TaskRules, dialable},
};

use super::{TaskRow, TaskState, Tasks};
use crate::{
    Record,
    journal::Hash,
    kpi::{FollowUps, MissedCalls, Ratio},
    samples::{NOON, answered, queued, seat},
};

const CITIZEN: &str = "13812345678";

fn started() -> Event {
    Event::EngineStarted {
        version: String::new(),
    }
}

/// A list and the records it was made of.
#[derive(Default)]
struct Day {
    tasks: Tasks,
    records: Vec<Record>,
    all: std::collections::BTreeMap<u64, TaskRow>,
    ms: i64,
}

impl Day {
    fn after_s(&mut self, seconds: i64) -> &mut Self {
        self.ms += seconds * 1_000;
        self
    }

    fn now(&self) -> Timestamp {
        Timestamp(NOON + self.ms)
    }

    /// Something happens; the number of its record.
    fn happens(&mut self, event: Event) -> u64 {
        let seq = self.records.len() as u64 + 1;
        let stamped = Stamped {
            at: self.now(),
            up_ms: self.ms as u64,
            event,
        };
        let hash = Hash::START;
        let record = Record { seq, stamped, hash };
        for row in self.tasks.apply(&record) {
            self.all.insert(row.task, row);
        }
        self.records.push(record);
        seq
    }

    fn comes(&mut self, call: u64, caller: &str) {
        self.happens(Event::CallArrived {
            call: CallId(call),
            trunk: Some(TrunkId::new("mobile").unwrap()),
            caller: caller.to_owned(),
            called: "12345".into(),
            sip_call_id: String::new(),
            withheld: caller.ends_with("withheld"),
        });
        self.happens(queued(call, "general"));
    }

    fn ends(&mut self, call: u64, outcome: Outcome) {
        self.happens(crate::samples::ended(call, outcome));
    }

    /// Somebody waits for so long and leaves.
    fn leaves_after_s(&mut self, call: u64, caller: &str, seconds: i64) {
        self.comes(call, caller);
        self.after_s(seconds).ends(call, Outcome::Abandoned);
    }

    fn dials(&mut self, call: u64, by: &str, called: &str) {
        self.happens(Event::CallDialled {
            call: CallId(call),
            seat: seat(by),
            called: called.to_owned(),
            sip_call_id: String::new(),
            purpose: None,
        });
        self.trunk_rings(call, called);
    }

    /// The seat's own phone rings first.
    fn dials_seat_first(&mut self, call: u64, by: &str, called: &str, seconds: i64) {
        self.happens(Event::CallDialled {
            call: CallId(call),
            seat: seat(by),
            called: called.to_owned(),
            sip_call_id: String::new(),
            purpose: None,
        });
        self.after_s(seconds);
    }

    fn trunk_rings(&mut self, call: u64, called: &str) {
        self.happens(Event::TrunkTried {
            call: CallId(call),
            trunk: TrunkId::new("mobile").unwrap(),
            target: String::new(),
            called: called.to_owned(),
            for_guest: false,
        });
    }

    fn citizen_answers(&mut self, call: u64) {
        self.happens(Event::OutsideAnswered {
            call: CallId(call),
            trunk: TrunkId::new("mobile").unwrap(),
            since_dialled_ms: 1,
            for_guest: false,
        });
    }

    fn dial_ends(&mut self, call: u64, outcome: Outcome, total_ms: u64) {
        self.happens(Event::DialEnded {
            call: CallId(call),
            outcome,
            released_by: ReleasedBy::Agent,
            cause: String::new(),
            talk_ms: 0,
            hold_ms: 0,
            total_ms,
        });
    }

    fn takes(&mut self, task: u64, by: &str) {
        let by = seat(by);
        let user = by.to_string();
        self.happens(Event::TaskTaken {
            task,
            seat: by,
            by: user,
        });
    }

    fn task(&self, task: u64) -> &TaskRow {
        &self.all[&task]
    }

    /// The one task that is not done.
    fn open(&self) -> &TaskRow {
        let rows: Vec<_> = self.tasks.rows().collect();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0]
    }

    fn figures(&self) -> MissedCalls {
        let mut figures = MissedCalls::default();
        self.all.values().for_each(|row| figures.count(row));
        figures
    }

    fn has(&self, task: u64, by: &str) -> bool {
        self.task(task).is_of(seat(by), self.now())
    }
}

#[test]
fn missed_calls_of_one_number_are_one_task() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let first = day.now();
    day.after_s(600).leaves_after_s(2, CITIZEN, 30);
    let row = day.open();
    assert_eq!((row.kind, row.missed), (TaskKind::MissedCall, 2));
    assert_eq!((row.opened_at, row.missed_at), (first, Some(day.now())));
    assert_eq!(row.due_at.0, first.0 + 30 * 60_000);
    assert_eq!(row.missed_call, Some(CallId(2)));
    assert_eq!(row.missed_as, Some(Outcome::Abandoned));
    assert_eq!(row.queue.unwrap().as_str(), "general");
    day.leaves_after_s(3, "13900000000", 20);
    assert_eq!(day.tasks.rows().count(), 2);
}

#[test]
fn who_left_at_once_withheld_the_number_or_was_served_is_not_listed() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 4);
    day.leaves_after_s(2, "13800000000withheld", 60);
    day.leaves_after_s(3, "", 60);
    day.leaves_after_s(4, "110", 60);
    day.comes(5, CITIZEN);
    day.happens(answered(5, "1001", "general", 1));
    day.ends(5, Outcome::Answered);
    // Sent by the queue to somebody outside, who answered.
    day.comes(6, CITIZEN);
    day.citizen_answers(6);
    day.ends(6, Outcome::Overflowed);
    for (call, outcome) in [
        (7, Outcome::LeftMenu),
        (8, Outcome::LeftMessage),
        (9, Outcome::Rejected),
    ] {
        day.comes(call, CITIZEN);
        day.after_s(60).ends(call, outcome);
    }
    assert_eq!(day.tasks.rows().count(), 0);
    day.leaves_after_s(10, CITIZEN, 5);
    assert_eq!(day.open().missed, 1);
}

#[test]
fn everybody_who_asked_for_a_human_in_vain_is_listed() {
    use Outcome::{Failed, Interrupted, Overflowed, Refused, TimedOut, Unreached};
    for outcome in [
        TimedOut,
        Refused,
        Overflowed,
        Unreached,
        Failed,
        Interrupted,
    ] {
        let mut day = Day::default();
        day.comes(1, CITIZEN);
        day.ends(1, outcome);
        assert_eq!(day.open().missed_as, Some(outcome));
    }
}

#[test]
fn a_seats_answered_call_ends_the_task_as_reached() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let task = day.open().task;
    day.after_s(60).takes(task, "1001");
    assert!(day.has(task, "1001"));
    day.after_s(60).dials(2, "1001", "013812345678");
    assert_eq!(day.task(task).trying, Some(CallId(2)));
    day.after_s(5).citizen_answers(2);
    day.after_s(60).dial_ends(2, Outcome::Answered, 65_000);
    let row = day.task(task);
    assert_eq!(
        (row.state, row.end),
        (TaskState::Done, Some(TaskEnd::Reached))
    );
    assert_eq!((row.attempts, row.seat), (1, Some(seat("1001"))));
    assert_eq!(row.first_try_at.unwrap().0, row.opened_at.0 + 120_000);
    let figures = day.figures();
    assert_eq!(
        figures,
        MissedCalls {
            listed: 1,
            tried: 1,
            tried_in_time: 1,
            reached: 1,
            first_try_ms: 120_000,
            ..MissedCalls::default()
        }
    );
    assert_eq!(figures.reached_rate(), Ratio::new(1, 1));
    assert_eq!(figures.mean_first_try_ms(), Some(120_000));
    // Whoever calls after that is a new task.
    day.leaves_after_s(3, CITIZEN, 20);
    assert_eq!(day.open().missed, 1);
}

#[test]
fn who_was_not_reached_rests_and_is_given_up_in_the_end() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let task = day.open().task;
    for attempt in 1..=3 {
        day.after_s(3_600).takes(task, "1001");
        assert!(day.has(task, "1001"), "{attempt}");
        day.dials(10 + attempt, "1001", CITIZEN);
        day.after_s(30)
            .dial_ends(10 + attempt, Outcome::Refused, 30_000);
        if attempt < 3 {
            let row = day.task(task);
            assert_eq!(u64::from(row.attempts), attempt);
            assert_eq!(row.not_before.unwrap().0, day.now().0 + 3_600_000);
            day.after_s(3_500).takes(task, "1001");
            assert!(!day.has(task, "1001"), "it rests");
            day.ms -= 3_500_000;
        }
    }
    let row = day.task(task);
    assert_eq!((row.end, row.attempts), (Some(TaskEnd::GivenUp), 3));
    let figures = day.figures();
    assert_eq!((figures.tried, figures.tried_in_time), (1, 0));
    assert_eq!((figures.given_up, figures.open), (1, 0));
}

#[test]
fn whoever_calls_again_rests_no_more() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let task = day.open().task;
    day.dials(2, "1001", CITIZEN);
    day.after_s(30).dial_ends(2, Outcome::Refused, 30_000);
    assert!(!day.task(task).may_be_taken(day.now()));
    day.after_s(60).leaves_after_s(3, CITIZEN, 20);
    assert!(day.task(task).may_be_taken(day.now()));
    assert_eq!((day.task(task).missed, day.task(task).attempts), (2, 1));
}

#[test]
fn a_call_that_hardly_rang_or_never_left_is_no_attempt() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let task = day.open().task;
    for (call, outcome, ms) in [
        (2, Outcome::Abandoned, 9_999),
        (3, Outcome::Failed, 60_000),
        (4, Outcome::Interrupted, 60_000),
    ] {
        day.takes(task, "1001");
        day.dials(call, "1001", CITIZEN);
        day.dial_ends(call, outcome, ms);
        assert!(day.has(task, "1001"));
        assert_eq!((day.task(task).attempts, day.figures().tried), (0, 0));
    }
    day.dials(5, "1001", CITIZEN);
    day.dial_ends(5, Outcome::Abandoned, 10_000);
    assert_eq!(day.task(task).attempts, 1);
}

#[test]
fn a_direct_call_that_comes_to_nothing_leaves_the_task_to_everybody() {
    let mut list = Day::default();
    list.leaves_after_s(1, "13800001111", 20);
    // Nobody took it; the call fails, or the seat hangs up at once.
    for (call, outcome) in [(2, Outcome::Failed), (3, Outcome::Abandoned)] {
        list.dials(call, "1001", "13800001111");
        list.dial_ends(call, outcome, 2_000);
        let row = list.open();
        let at_rest = (row.state, row.seat, row.attempts);
        assert_eq!(at_rest, (TaskState::Open, None, 0), "{outcome:?}");
    }
    // The engine starts again in mid-call.
    list.dials(4, "1001", "13800001111");
    list.happens(started());
    assert_eq!(
        (list.open().state, list.open().seat),
        (TaskState::Open, None)
    );
}

#[test]
fn while_the_seats_own_phone_rings_nobody_is_tried() {
    let mut list = Day::default();
    list.leaves_after_s(1, "13800001111", 20);
    list.dials_seat_first(2, "1001", "13800001111", 30);
    list.dial_ends(2, Outcome::Abandoned, 30_000);
    assert_eq!((list.open().attempts, list.open().first_try_at), (0, None));
    list.dials_seat_first(3, "1001", "13800001111", 30);
    list.trunk_rings(3, "13800001111");
    list.after_s(12).dial_ends(3, Outcome::Abandoned, 42_000);
    assert_eq!(list.open().attempts, 1);
}

#[test]
fn a_callback_that_lived_through_a_restart_is_listed_or_ends_the_task() {
    let restored = |call: u64| Event::CallbackRestored {
        call: CallId(call),
        caller: "13800001111".to_owned(),
        called: "12345".to_owned(),
        queue: hotline_model::QueueId::new("general").unwrap(),
        priority: 5,
        attempts: 1,
        lived_ms: 60_000,
    };
    let mut list = Day::default();
    list.comes(7, "13800001111");
    list.happens(started());
    list.happens(restored(7));
    list.ends(7, Outcome::Unreached);
    assert_eq!(list.open().missed_as, Some(Outcome::Unreached));
    list.happens(restored(8));
    list.happens(answered(8, "1001", "general", 1));
    assert_eq!(list.tasks.rows().count(), 0);
}

#[test]
fn a_human_who_answers_the_citizen_ends_a_missed_call_but_no_follow_up() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let missed = day.open().task;
    let due_at = Timestamp(day.now().0 + 86_400_000);
    let add = |note: &str| Event::TaskAdded {
        number: CITIZEN.into(),
        note: note.into(),
        due_at,
        by: "lead".into(),
    };
    let follow_up = day.happens(add("满意吗"));
    day.happens(add("again"));
    assert_eq!(day.tasks.rows().count(), 2, "one of a kind for a number");
    day.comes(2, CITIZEN);
    day.happens(answered(2, "1002", "general", 1));
    assert_eq!(day.task(missed).end, Some(TaskEnd::CalledAgain));
    assert_eq!(day.open().task, follow_up);
    assert_eq!(day.open().note.as_deref(), Some("满意吗"));
    let figures = day.figures();
    assert_eq!((figures.listed, figures.called_again), (1, 1));
    assert_eq!(
        (figures.tried, figures.reached),
        (0, 0),
        "no merit of the list"
    );
    day.dials(3, "1001", CITIZEN);
    day.citizen_answers(3);
    assert_eq!(day.task(follow_up).end, Some(TaskEnd::Reached));
}

#[test]
fn one_seat_has_a_task_and_loses_it_after_a_while() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let task = day.open().task;
    let let_go = |by: &str| Event::TaskLetGo {
        task,
        seat: seat(by),
        by: by.into(),
    };
    day.takes(task, "1001");
    day.takes(task, "1002");
    assert!(day.has(task, "1001"));
    day.happens(let_go("1002"));
    assert!(day.has(task, "1001"), "another's");
    day.happens(let_go("1001"));
    day.takes(task, "1002");
    assert!(day.has(task, "1002"));
    day.after_s(599);
    assert!(day.has(task, "1002"));
    day.after_s(1).takes(task, "1001");
    assert!(day.has(task, "1001"));
    // A call that is under way is not interrupted.
    day.dials(2, "1001", CITIZEN);
    day.after_s(3_600).takes(task, "1002");
    assert!(day.has(task, "1001"));
}

#[test]
fn a_seat_has_no_more_tasks_than_it_can_call() {
    let mut day = Day::default();
    let taken: Vec<u64> = (0..4u64)
        .map(|n| {
            day.leaves_after_s(n + 1, &format!("1380000000{n}"), 20);
            let task = day.records.len() as u64;
            day.takes(task, "1001");
            task
        })
        .collect();
    let has: Vec<bool> = taken.iter().map(|&task| day.has(task, "1001")).collect();
    assert_eq!(has, [true, true, true, false]);
}

#[test]
fn a_task_is_closed_with_a_reason_or_grows_too_old() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let task = day.open().task;
    day.happens(Event::TaskClosed {
        task,
        end: TaskEnd::Closed,
        by: "lead".into(),
        reason: "已答复".into(),
    });
    let row = day.task(task);
    assert_eq!(
        (row.end, row.ended_by.as_deref()),
        (Some(TaskEnd::Closed), Some("lead"))
    );
    day.leaves_after_s(2, CITIZEN, 20);
    let task = day.open().task;
    let until = day.task(task).due_at.0 + 7 * 86_400_000;
    day.ms = until - NOON - 1;
    day.happens(Event::EngineStopped {});
    assert_eq!(day.open().task, task);
    day.ms += 1;
    day.happens(Event::EngineStopped {});
    let row = day.task(task);
    assert_eq!(
        (row.end, row.ended_at),
        (Some(TaskEnd::Expired), Some(Timestamp(until)))
    );
}

#[test]
fn the_rules_of_the_journal_are_in_force() {
    let mut day = Day::default();
    let rules = TaskRules {
        first_try_minutes: 10,
        retry_after_minutes: 1,
        attempts: 1,
        ignore_below_s: 30,
        keep_days: 1,
        take_minutes: 1,
    };
    day.happens(Event::TaskRulesSet { rules });
    day.leaves_after_s(1, CITIZEN, 29);
    assert_eq!(day.tasks.rows().count(), 0);
    day.leaves_after_s(2, CITIZEN, 30);
    let row = day.open().clone();
    assert_eq!(row.due_at.0, row.opened_at.0 + 600_000);
    day.dials(3, "1001", CITIZEN);
    day.dial_ends(3, Outcome::Refused, 1);
    assert_eq!(day.task(row.task).end, Some(TaskEnd::GivenUp));
}

#[test]
fn a_start_goes_on_where_the_rows_and_the_live_calls_stand() {
    let mut day = Day::default();
    let rules = TaskRules {
        attempts: 2,
        ..TaskRules::default()
    };
    day.happens(Event::TaskRulesSet { rules });
    day.leaves_after_s(1, CITIZEN, 20);
    day.comes(2, "13900000001");
    day.dials(3, "1001", CITIZEN);
    let rows: Vec<TaskRow> = day.tasks.rows().cloned().collect();
    let mut resumed = Tasks::resume(rows, Some(*day.tasks.rules()));
    for record in &day.records[1..] {
        let live = record.stamped.event.call().is_some_and(|call| call.0 > 1);
        if live {
            resumed.follow(record);
        }
    }
    assert_eq!(resumed, day.tasks);
}

#[test]
fn numbers_have_one_form() {
    for (number, form) in [
        ("13812345678", Some("13812345678")),
        ("013812345678", Some("13812345678")),
        ("01082345678", Some("01082345678")),
        ("06358261234", Some("06358261234")),
        ("+4915112345678", Some("+4915112345678")),
        ("950131234567890123456", Some("950131234567890123456")),
        ("1100", None),
        ("anonymous", None),
        ("", None),
        ("+", None),
    ] {
        assert_eq!(dialable(number).as_deref(), form, "{number}");
    }
}

impl Day {
    /// A supervisor wants a citizen called within two hours.
    fn follows_up(&mut self, number: &str) -> u64 {
        let due_at = Timestamp(self.now().0 + 7_200_000);
        self.happens(Event::TaskAdded {
            number: number.to_owned(),
            note: "是否满意".to_owned(),
            due_at,
            by: "supervisor".to_owned(),
        })
    }

    fn says(&mut self, task: u64, by: &str, result: TaskResult, score: Option<u8>) {
        self.happens(Event::TaskResultEntered {
            task,
            seat: seat(by),
            by: by.to_owned(),
            result,
            score,
            remark: "已答复".to_owned(),
        });
    }

    fn follow_ups(&self) -> FollowUps {
        let mut counts = FollowUps::default();
        let window = (Timestamp(NOON), Timestamp(NOON + 86_400_000));
        let rows = self.all.values();
        rows.for_each(|row| counts.count(row, window));
        counts
    }
}

#[test]
fn the_seat_that_reached_a_citizen_says_what_came_of_it_once() {
    let mut day = Day::default();
    let task = day.follows_up(CITIZEN);
    day.takes(task, "1001");
    day.after_s(30).dials(2, "1001", CITIZEN);
    // Not while the telephone rings.
    day.says(task, "1001", TaskResult::Satisfied, Some(5));
    assert_eq!(day.task(task).result, None);
    day.after_s(5).citizen_answers(2);
    assert_eq!(
        (day.task(task).end, day.follow_ups().without_result),
        (Some(TaskEnd::Reached), 1)
    );
    day.says(task, "1002", TaskResult::Dissatisfied, Some(1));
    assert_eq!(day.task(task).result, None, "it is another seat's");
    day.after_s(90)
        .says(task, "1001", TaskResult::Satisfied, Some(5));
    let row = day.task(task);
    assert_eq!(
        (row.result, row.score),
        (Some(TaskResult::Satisfied), Some(5))
    );
    assert_eq!(
        (row.remark.as_deref(), row.result_at),
        (Some("已答复"), Some(day.now()))
    );
    assert_eq!((row.end, row.attempts), (Some(TaskEnd::Reached), 1));
    day.says(task, "1001", TaskResult::Dissatisfied, None);
    assert_eq!(
        day.task(task).result,
        Some(TaskResult::Satisfied),
        "said once"
    );
    let counts = FollowUps {
        entered: 1,
        satisfied: 1,
        ..FollowUps::default()
    };
    assert_eq!(day.follow_ups(), counts);
}

#[test]
fn after_a_day_nobody_says_any_more_what_came_of_it() {
    let mut day = Day::default();
    let task = day.follows_up(CITIZEN);
    day.dials(2, "1001", CITIZEN);
    day.citizen_answers(2);
    day.after_s(24 * 3_600)
        .says(task, "1001", TaskResult::Satisfied, None);
    assert_eq!(day.task(task).result, None);
}

#[test]
fn what_a_seat_found_out_by_another_telephone_frees_or_ends_the_task() {
    for (result, end) in [
        (TaskResult::NotReached, None),
        (TaskResult::WrongNumber, Some(TaskEnd::GivenUp)),
        (TaskResult::Refused, Some(TaskEnd::Reached)),
        (TaskResult::NoOpinion, Some(TaskEnd::Reached)),
    ] {
        let mut day = Day::default();
        let task = day.follows_up(CITIZEN);
        day.says(task, "1001", result, None);
        assert_eq!(day.task(task).result, None, "nobody has it");
        day.takes(task, "1001");
        day.says(task, "1001", result, None);
        let row = day.task(task);
        assert_eq!((row.result, row.end), (Some(result), end), "{result:?}");
        if end.is_none() {
            assert!(!row.may_be_taken(day.now()) && !day.has(task, "1001"));
            assert!(row.may_be_taken(Timestamp(day.now().0 + 3_600_000)));
        }
        assert_eq!(day.follow_ups().entered, 1);
    }
}

#[test]
fn a_missed_call_has_no_result() {
    let mut day = Day::default();
    day.leaves_after_s(1, CITIZEN, 20);
    let task = day.open().task;
    day.takes(task, "1001");
    day.says(task, "1001", TaskResult::Satisfied, Some(5));
    assert_eq!((day.task(task).result, day.task(task).end), (None, None));
}
