//! The newest forecast of each queue, and which queues will miss their target.

use std::collections::BTreeMap;

use hotline_model::{QueueId, event::Event};

use crate::{
    Record,
    wallboard::{AlertLine, ForecastLine},
};

/// The forecasts and alerts of the present run.
#[derive(Clone, Debug, Default)]
pub struct Outlooks {
    forecasts: BTreeMap<QueueId, ForecastLine>,
    /// With the uptime of the alert.
    alerts: BTreeMap<QueueId, (u64, AlertLine)>,
}

impl Outlooks {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        match record.stamped.event {
            Event::EngineStarted { .. } | Event::EngineStopped {} => {
                self.forecasts.clear();
                self.alerts.clear();
            }
            Event::StaffingForecast {
                queue,
                serving,
                needed,
                answered_permille,
                in_time_permille,
            } => {
                let share = |permille: Option<u16>| permille.map(|n| f64::from(n) / 1_000.0);
                let forecast = ForecastLine {
                    serving,
                    needed,
                    more: needed.map(|needed| needed.saturating_sub(serving)),
                    answered: share(answered_permille),
                    in_time: share(in_time_permille),
                };
                self.forecasts.insert(queue, forecast);
            }
            Event::ServiceLevelAlerted {
                queue,
                answered_target_permille,
                in_time_target_permille,
                ..
            } => {
                let share = |permille: u16| f64::from(permille) / 1_000.0;
                let alert = AlertLine {
                    since_ms: 0,
                    answered_target: share(answered_target_permille),
                    in_time_target: share(in_time_target_permille),
                };
                self.alerts.insert(queue, (record.stamped.up_ms, alert));
            }
            Event::ServiceLevelRecovered { queue, .. } => {
                self.alerts.remove(&queue);
            }
            _ => {}
        }
    }

    /// The queues of which something was said.
    pub fn queues(&self) -> impl Iterator<Item = QueueId> {
        self.forecasts.keys().chain(self.alerts.keys()).copied()
    }

    /// The newest forecast of the queue; `None` before the first.
    pub fn forecast(&self, queue: QueueId) -> Option<ForecastLine> {
        self.forecasts.get(&queue).copied()
    }

    /// The alert of the queue, if it will miss its target; `now_up_ms` is the engine's uptime.
    pub fn alert(&self, queue: QueueId, now_up_ms: u64) -> Option<AlertLine> {
        let &(since, alert) = self.alerts.get(&queue)?;
        Some(AlertLine {
            since_ms: now_up_ms.saturating_sub(since),
            ..alert
        })
    }
}
