//! Which seats may serve a queue, and from which wait of its caller on.

use core::time::Duration;

use hotline_model::{QueueId, limits};

use crate::{QueueSettings, SeatSettings, settings::Widening};

/// The widenings that count, with the wait from which each does: never sooner than the one before.
fn widenings(queue: &QueueSettings) -> impl Iterator<Item = (Duration, &Widening)> {
    let steps = queue.widen.iter().take(limits::QUEUE_WIDENINGS);
    steps.scan(Duration::ZERO, |wait, step| {
        *wait = step.after.max(*wait);
        Some((*wait, step))
    })
}

/// The wait from which each ring of seats counts; the first is the queue's own, from none on.
pub(crate) fn waits(queue: &QueueSettings) -> Vec<Duration> {
    let further = widenings(queue).map(|(wait, _)| wait);
    [Duration::ZERO].into_iter().chain(further).collect()
}

/// Whether the seat lists the queue and has the skills that it asks for.
fn is_own(seat: &SeatSettings, queue: &QueueSettings) -> bool {
    seat.queues.contains(&queue.id) && queue.skills.met_by(&seat.skills)
}

/// The first ring of the queue that the seat is in.
pub(crate) fn ring_of<'a>(
    seat: &SeatSettings,
    queue: &QueueSettings,
    find: impl Fn(&QueueId) -> Option<&'a QueueSettings>,
) -> Option<usize> {
    if is_own(seat, queue) {
        return Some(0);
    }
    let joins = |step: &Widening| {
        let skilled = step
            .skills
            .as_ref()
            .is_some_and(|skills| seat.queues.contains(&queue.id) && skills.met_by(&seat.skills));
        let lent = || {
            step.queues
                .iter()
                .filter_map(&find)
                .any(|other| is_own(seat, other))
        };
        skilled || lent()
    };
    widenings(queue)
        .position(|(_, step)| joins(step))
        .map(|at| at + 1)
}

/// Whether the seat may ever be rung for a caller of the queue, however long the caller waits.
/// `queues` are all there are.
pub fn may_serve(seat: &SeatSettings, queue: &QueueSettings, queues: &[QueueSettings]) -> bool {
    let find = |id: &QueueId| queues.iter().find(|it| it.id == *id);
    ring_of(seat, queue, find).is_some()
}

#[cfg(test)]
mod tests {
    use hotline_model::{SeatId, SkillId};

    use super::*;
    use crate::settings::Skills;

    fn seat(queues: &[&QueueSettings], level: u8) -> SeatSettings {
        SeatSettings {
            queues: queues.iter().map(|queue| queue.id).collect(),
            skills: vec![(SkillId::new("english").unwrap(), level)],
            ..SeatSettings::new(SeatId::new("1001").unwrap())
        }
    }

    #[test]
    fn a_seat_is_in_the_first_ring_that_takes_it() {
        let backup = QueueSettings::new(QueueId::new("backup").unwrap());
        let step = |s, skills: Option<&str>, queues: &[QueueId]| Widening {
            after: Duration::from_secs(s),
            skills: skills.map(|text| Skills::parse(text).unwrap()),
            queues: queues.to_vec(),
        };
        let foreign = QueueSettings {
            skills: Skills::parse("english>=5").unwrap(),
            widen: vec![
                step(10, Some("english>=3"), &[]),
                step(5, None, &[backup.id]),
            ],
            ..QueueSettings::new(QueueId::new("foreign").unwrap())
        };
        let both = [&foreign, &backup];
        let ring = |seat: &SeatSettings| {
            ring_of(seat, &foreign, |id| {
                both.into_iter().find(|queue| queue.id == *id)
            })
        };
        assert_eq!(ring(&seat(&both, 5)), Some(0));
        assert_eq!(ring(&seat(&both, 3)), Some(1));
        assert_eq!(ring(&seat(&both, 1)), Some(2));
        assert_eq!(ring(&seat(&[&backup], 9)), Some(2));
        assert_eq!(ring(&seat(&[&foreign], 2)), None);
        let seconds = Duration::from_secs;
        assert_eq!(waits(&foreign), [seconds(0), seconds(10), seconds(10)]);
    }
}
