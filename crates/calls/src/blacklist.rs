//! Callers who are not served for a while (恶意骚扰): proposed by one person, approved by another,
//! until a day that is set with the proposal. A value that follows its own events, so that a start
//! comes to the same list from the journal.

use std::collections::BTreeMap;

use hotline_model::{
    ScriptId, Timestamp,
    event::Event,
    limits::{BLOCK_DAYS, BLOCK_PROPOSAL_DAYS, BLOCKS},
    task::dialable,
};

const DAY_MS: i64 = 86_400_000;

/// What a blocked caller gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockedAnswer {
    /// 603.
    #[default]
    Reject,
    /// This script, in place of the number's own.
    Script(ScriptId),
}

/// A number that is, or is to be, blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number for people and the API, counted up.
    pub block: u64,
    /// Whose calls.
    pub number: String,
    /// The citizen withheld it: nobody is shown any of it.
    pub withheld: bool,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
    /// Who approved it; `None`: nobody so far, and calls are served.
    pub approved_by: Option<String>,
    /// Calls not served because of it, since the start of the engine.
    pub turned_away: u64,
}

impl Block {
    /// When it is over, or nobody wanted it.
    fn ends(&self) -> Timestamp {
        match self.approved_by {
            Some(_) => self.until,
            None => {
                let wanted = self.proposed_at.0 + BLOCK_PROPOSAL_DAYS * DAY_MS;
                self.until.min(Timestamp(wanted))
            }
        }
    }
}

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockRequest {
    /// A number is to be blocked.
    Propose {
        /// The number.
        number: String,
        /// The citizen withheld it.
        withheld: bool,
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
    },
    /// It is blocked from now on.
    Approve(u64),
    /// It is not to be.
    Refuse(u64, String),
    /// It is no more.
    Lift(u64, String),
}

/// Why a request is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockDenied {
    /// There is no such block.
    Unknown,
    /// It is no telephone's number.
    NoNumber,
    /// The time has passed, or is too far away.
    Until,
    /// The number is blocked, or proposed, already.
    AlreadyListed,
    /// The list is full.
    Full,
    /// Whoever proposed it cannot approve it.
    SamePerson,
    /// It is approved already, or not yet.
    WrongState,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct Blacklist {
    answer: BlockedAnswer,
    blocks: BTreeMap<u64, Block>,
    by_number: BTreeMap<String, u64>,
    last: u64,
    /// When the next is over; asked for each turn.
    next_end: Option<Timestamp>,
}

impl Blacklist {
    /// An empty list.
    pub fn new(answer: BlockedAnswer) -> Self {
        Self {
            answer,
            ..Self::default()
        }
    }

    /// Gives blocks from here on higher numbers than this: of one that is forgotten none is taken
    /// twice.
    pub fn number_after(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// What a blocked caller gets.
    pub const fn answer(&self) -> BlockedAnswer {
        self.answer
    }

    /// All, the oldest first.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values()
    }

    /// The block that keeps the number from being served at that time.
    pub fn blocked(&self, number: &str, now: Timestamp) -> Option<u64> {
        let block = self.blocks.get(self.by_number.get(&dialable(number)?)?)?;
        let is_in_force = block.approved_by.is_some() && block.until > now;
        is_in_force.then_some(block.block)
    }

    /// When the next is over.
    pub const fn next_end(&self) -> Option<Timestamp> {
        self.next_end
    }

    /// The events of those that are over by then.
    pub fn ended(&self, now: Timestamp) -> Vec<Event> {
        let over = self.blocks.values().filter(|block| block.ends() <= now);
        over.map(|block| Event::BlockExpired { block: block.block })
            .collect()
    }

    /// What is to be journalled of the request; [`Blacklist::note`] then carries it out.
    ///
    /// # Errors
    /// Why not.
    pub fn asked(
        &self,
        now: Timestamp,
        by: &str,
        request: BlockRequest,
    ) -> Result<(u64, Event), BlockDenied> {
        let by = by.to_owned();
        match request {
            BlockRequest::Propose {
                number,
                withheld,
                reason,
                until,
            } => {
                let number = dialable(&number).ok_or(BlockDenied::NoNumber)?;
                if until <= now || until.0 > now.0 + BLOCK_DAYS * DAY_MS {
                    return Err(BlockDenied::Until);
                }
                if self.by_number.contains_key(&number) {
                    return Err(BlockDenied::AlreadyListed);
                }
                if self.blocks.len() >= BLOCKS {
                    return Err(BlockDenied::Full);
                }
                let block = self.last + 1;
                let event = Event::BlockProposed {
                    block,
                    number,
                    reason,
                    until,
                    by,
                    withheld,
                };
                Ok((block, event))
            }
            BlockRequest::Approve(block) => {
                let found = self.find(block, false)?;
                if found.proposed_by == by {
                    return Err(BlockDenied::SamePerson);
                }
                Ok((block, Event::BlockApproved { block, by }))
            }
            BlockRequest::Refuse(block, reason) => {
                self.find(block, false)?;
                Ok((block, Event::BlockRefused { block, by, reason }))
            }
            BlockRequest::Lift(block, reason) => {
                self.find(block, true)?;
                Ok((block, Event::BlockLifted { block, by, reason }))
            }
        }
    }

    fn find(&self, block: u64, approved: bool) -> Result<&Block, BlockDenied> {
        let found = self.blocks.get(&block).ok_or(BlockDenied::Unknown)?;
        let is_so = found.approved_by.is_some() == approved;
        is_so.then_some(found).ok_or(BlockDenied::WrongState)
    }

    /// An event was written, now or by an earlier run.
    pub fn note(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::BlockProposed {
                block,
                number,
                reason,
                until,
                by,
                withheld,
            } => {
                self.last = self.last.max(*block);
                self.by_number.insert(number.clone(), *block);
                let proposed = Block {
                    block: *block,
                    number: number.clone(),
                    withheld: *withheld,
                    reason: reason.clone(),
                    until: *until,
                    proposed_by: by.clone(),
                    proposed_at: at,
                    approved_by: None,
                    turned_away: 0,
                };
                self.blocks.insert(*block, proposed);
            }
            Event::BlockApproved { block, by } => {
                if let Some(block) = self.blocks.get_mut(block) {
                    block.approved_by = Some(by.clone());
                }
            }
            Event::BlockRefused { block, .. }
            | Event::BlockLifted { block, .. }
            | Event::BlockExpired { block } => {
                if let Some(gone) = self.blocks.remove(block) {
                    self.by_number.remove(&gone.number);
                }
            }
            Event::CallerBlocked { block, .. } => {
                if let Some(block) = self.blocks.get_mut(block) {
                    block.turned_away += 1;
                }
                return;
            }
            _ => return,
        }
        self.next_end = self.blocks.values().map(Block::ends).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_305_600_000);
    const NUMBER: &str = "13800000001";

    fn days(days: i64) -> Timestamp {
        Timestamp(NOW.0 + days * DAY_MS)
    }

    fn propose(number: &str, until: Timestamp) -> BlockRequest {
        BlockRequest::Propose {
            number: number.to_owned(),
            withheld: false,
            reason: "骚扰".to_owned(),
            until,
        }
    }

    /// Asks, and carries it out.
    fn asks(
        list: &mut Blacklist,
        now: Timestamp,
        by: &str,
        request: BlockRequest,
    ) -> Result<u64, BlockDenied> {
        let (block, event) = list.asked(now, by, request)?;
        list.note(now, &event);
        Ok(block)
    }

    #[test]
    fn two_people_block_a_number_until_its_day() {
        let mut list = Blacklist::default();
        let block = asks(&mut list, NOW, "li", propose(NUMBER, days(30))).unwrap();
        assert_eq!(list.blocked(NUMBER, NOW), None, "a proposal blocks nobody");
        let approve = BlockRequest::Approve(block);
        let same = asks(&mut list, NOW, "li", approve.clone());
        assert_eq!(same, Err(BlockDenied::SamePerson));
        assert_eq!(list.blocked(NUMBER, NOW), None);
        asks(&mut list, NOW, "wang", approve.clone()).unwrap();
        assert_eq!(list.blocked("013800000001", NOW), Some(block));
        assert_eq!(list.blocked("13800000002", NOW), None);
        let again = asks(&mut list, NOW, "wang", approve);
        assert_eq!(again, Err(BlockDenied::WrongState));
        assert_eq!(list.next_end(), Some(days(30)));
        assert_eq!(list.ended(Timestamp(days(30).0 - 1)), []);
        assert_eq!(
            list.blocked(NUMBER, days(30)),
            None,
            "even before it is told"
        );
        for event in list.ended(days(30)) {
            list.note(days(30), &event);
        }
        assert_eq!(list.blocks().count(), 0);
    }

    #[test]
    fn what_is_refused_lifted_or_forgotten_blocks_nobody() {
        let mut list = Blacklist::default();
        let why = || "认错人".to_owned();
        let one = asks(&mut list, NOW, "li", propose(NUMBER, days(90))).unwrap();
        let lift = asks(&mut list, NOW, "wang", BlockRequest::Lift(one, why()));
        assert_eq!(lift, Err(BlockDenied::WrongState));
        asks(&mut list, NOW, "wang", BlockRequest::Refuse(one, why())).unwrap();
        let two = asks(&mut list, NOW, "li", propose(NUMBER, days(90))).unwrap();
        assert_ne!(one, two);
        asks(&mut list, NOW, "wang", BlockRequest::Approve(two)).unwrap();
        asks(&mut list, NOW, "li", BlockRequest::Lift(two, why())).unwrap();
        assert_eq!(list.blocked(NUMBER, NOW), None);
        asks(&mut list, NOW, "li", propose(NUMBER, days(90))).unwrap();
        assert_eq!(list.next_end(), Some(days(BLOCK_PROPOSAL_DAYS)));
    }

    #[test]
    fn a_number_that_was_withheld_stays_marked_by_its_events() {
        let mut list = Blacklist::default();
        let BlockRequest::Propose {
            number,
            reason,
            until,
            ..
        } = propose(NUMBER, days(1))
        else {
            unreachable!();
        };
        let request = BlockRequest::Propose {
            number,
            withheld: true,
            reason,
            until,
        };
        let (_, event) = list.asked(NOW, "1001", request).unwrap();
        list.note(NOW, &event);
        assert!(list.blocks().all(|block| block.withheld));
    }

    #[test]
    fn a_number_of_a_block_is_not_taken_again_where_earlier_ones_are_not_known() {
        let mut list = Blacklist::default();
        list.number_after(41);
        let block = asks(&mut list, NOW, "li", propose(NUMBER, days(1))).unwrap();
        list.number_after(7);
        let next = asks(&mut list, NOW, "li", propose("13900000000", days(1))).unwrap();
        assert_eq!((block, next), (42, 43));
    }

    #[test]
    fn what_cannot_be_meant_is_denied() {
        let mut list = Blacklist::default();
        for (number, until, why) in [
            ("nobody", days(1), BlockDenied::NoNumber),
            (NUMBER, NOW, BlockDenied::Until),
            (NUMBER, days(91), BlockDenied::Until),
        ] {
            assert_eq!(asks(&mut list, NOW, "li", propose(number, until)), Err(why));
        }
        asks(&mut list, NOW, "li", propose(NUMBER, days(90))).unwrap();
        let twice = asks(&mut list, NOW, "li", propose(NUMBER, days(1)));
        assert_eq!(twice, Err(BlockDenied::AlreadyListed));
        let unknown = asks(&mut list, NOW, "li", BlockRequest::Approve(99));
        assert_eq!(unknown, Err(BlockDenied::Unknown));
        for n in 1..BLOCKS {
            asks(
                &mut list,
                NOW,
                "li",
                propose(&format!("139{n:08}"), days(1)),
            )
            .unwrap();
        }
        let full = asks(&mut list, NOW, "li", propose("13700000000", days(1)));
        assert_eq!(full, Err(BlockDenied::Full));
    }
}
