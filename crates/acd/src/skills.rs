//! Which seat may serve which queue.

use crate::{QueueSettings, SeatSettings};

/// Whether the seat lists the queue and has each of its skills at the level asked for.
pub(crate) fn may_serve(seat: &SeatSettings, queue: &QueueSettings) -> bool {
    seat.queues.contains(&queue.id)
        && queue.skills.iter().all(|(skill, least)| {
            seat.skills
                .iter()
                .any(|(has, level)| has == skill && level >= least)
        })
}

#[cfg(test)]
mod tests {
    use hotline_model::{QueueId, SeatId, SkillId};

    use super::*;

    #[test]
    fn a_skill_below_the_level_is_none() {
        let english = SkillId::new("english").unwrap();
        let id = QueueId::new("foreign").unwrap();
        let queue = QueueSettings {
            skills: vec![(english, 5)],
            ..QueueSettings::new(id)
        };
        let seat = |level| SeatSettings {
            id: SeatId::new("1001").unwrap(),
            queues: vec![id],
            skills: vec![(english, level)],
        };
        assert!(may_serve(&seat(5), &queue));
        assert!(!may_serve(&seat(4), &queue));
        let unlisted = SeatSettings {
            queues: Vec::new(),
            ..seat(9)
        };
        assert!(!may_serve(&unlisted, &queue));
    }
}
