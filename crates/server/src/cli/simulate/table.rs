//! The KPIs of a simulated time as a table on the screen and as CSV.

use std::path::Path;

use hotline_sim::day::{Figures, Report, scenario::HALF_HOURS};
use hotline_store::kpi::Ratio;

/// Names of the KPI columns, in the order of [`columns`]: the registry's numbers first.
const COLUMNS: [&str; 29] = [
    "inbound",
    "rejected",
    "answered",
    "abandoned",
    "abandoned_short",
    "timed_out",
    "refused",
    "k1_answer_rate",
    "k2_in_time_rate",
    "k3_in_15s",
    "k3_in_20s",
    "k3_in_30s",
    "k4_human_requests",
    "k5a_handled_only",
    "k5b_abandon_ignored",
    "k5c_abandon_negative",
    "k5d_abandon_positive",
    "k6_abandon_rate",
    "k7_mean_wait_s",
    "k7_longest_wait_s",
    "k8_handling_s",
    "k8_talk_s",
    "overflowed_on",
    "offers_not_answered",
    "callbacks",
    "callback_attempts",
    "callbacks_reached",
    "callbacks_unreached",
    "callback_reached_rate",
];

/// A queue knows nothing of calls that heard busy or left before it: its K1 is answers ÷ requests.
fn columns(figures: &Figures, of_queue: bool) -> [String; COLUMNS.len()] {
    let counts = &figures.counts;
    let level = counts.service_level();
    let [in_15s, in_20s, in_30s] = counts.answered_in_seconds();
    let (inbound, k1) = if of_queue {
        let requests = counts.human_requests();
        (requests, Ratio::new(counts.answers, requests))
    } else {
        (counts.inbound(), counts.answer_rate())
    };
    let seconds = |seconds: Option<f64>| seconds.map_or(String::new(), |s| format!("{s:.1}"));
    let talk = Ratio::new(figures.talk_ms, counts.answered).value();
    [
        inbound.to_string(),
        counts.rejected.to_string(),
        counts.answered.to_string(),
        counts.abandoned.to_string(),
        counts.abandoned_short.to_string(),
        counts.timed_out.to_string(),
        counts.refused.to_string(),
        share(k1),
        share(counts.in_time_rate()),
        share(in_15s),
        share(in_20s),
        share(in_30s),
        counts.human_requests().to_string(),
        share(level.handled_only()),
        share(level.abandon_ignored()),
        share(level.abandon_negative()),
        share(level.abandon_positive()),
        share(figures.abandon_rate()),
        seconds(figures.mean_wait_s()),
        seconds(Some(figures.longest_ms as f64 / 1_000.0)),
        seconds(figures.handling_s()),
        seconds(talk.map(|ms| ms / 1_000.0)),
        figures.sent_on.to_string(),
        figures.not_answered.to_string(),
        figures.callbacks.to_string(),
        figures.attempts.to_string(),
        figures.reached.to_string(),
        counts.unreached.to_string(),
        share(figures.reached_rate()),
    ]
}

/// A share with four digits; empty where nothing is divided by nothing.
pub(in crate::cli) fn share(ratio: Ratio) -> String {
    ratio
        .value()
        .map_or(String::new(), |value| format!("{value:.4}"))
}

/// `HH:MM` of a half hour of the day.
pub(in crate::cli) fn clock(half_hour: usize) -> String {
    let at = half_hour % HALF_HOURS;
    format!("{:02}:{:02}", at / 2, at % 2 * 30)
}

/// One line a half hour and queue, `all` first.
pub fn half_hours(file: &Path, report: &Report) -> csv::Result<()> {
    let mut csv = csv::Writer::from_path(file)?;
    csv.write_record(["day", "from", "queue"].iter().chain(&COLUMNS))?;
    for (at, half_hour) in report.half_hours.iter().enumerate() {
        let (day, from) = ((at / HALF_HOURS + 1).to_string(), clock(at));
        let mut line = |queue: &str, figures: &Figures, of_queue| {
            let begins = [day.clone(), from.clone(), queue.to_owned()];
            csv.write_record(begins.into_iter().chain(columns(figures, of_queue)))
        };
        line("all", &half_hour.all, false)?;
        for (queue, figures) in &half_hour.queues {
            line(queue.as_str(), figures, true)?;
        }
    }
    Ok(csv.flush()?)
}

/// One line a queue, `all` first.
pub fn totals(file: &Path, report: &Report) -> csv::Result<()> {
    let mut csv = csv::Writer::from_path(file)?;
    csv.write_record(["queue"].iter().chain(&COLUMNS))?;
    let total = report.total();
    let mut line = |queue: &str, figures: &Figures, of_queue| {
        csv.write_record(
            [queue.to_owned()]
                .into_iter()
                .chain(columns(figures, of_queue)),
        )
    };
    line("all", &total.all, false)?;
    for (queue, figures) in &total.queues {
        line(queue.as_str(), figures, true)?;
    }
    Ok(csv.flush()?)
}

/// The whole time on the screen: a line a KPI, a column a queue.
pub fn print(report: &Report) {
    let total = report.total();
    let mut all = vec![("all".to_owned(), columns(&total.all, false))];
    let queues = total.queues.iter();
    all.extend(queues.map(|(queue, figures)| (queue.to_string(), columns(figures, true))));
    print!("{:<22}", "");
    all.iter().for_each(|(name, _)| print!(" {name:>12}"));
    println!();
    for (at, name) in COLUMNS.iter().enumerate() {
        print!("{name:<22}");
        for (_, values) in &all {
            let value = values.get(at).map_or("", String::as_str);
            print!(" {:>12}", if value.is_empty() { "-" } else { value });
        }
        println!();
    }
}
