//! The list of blocked callers, and what it does to their calls.

use std::sync::Arc;

use hotline_ivr::Program;
use hotline_model::{CallId, Instant, event::Event};

use super::Exchange;
use crate::blacklist::{Blacklist, Block, BlockDenied, BlockRequest, BlockedAnswer};

/// What becomes of a call of a blocked number.
pub(super) enum Barred {
    /// It is rejected, because of this block.
    Rejected(u64),
    /// This script answers in place of the number's own.
    Hears(u64, Arc<Program>),
}

impl Exchange {
    /// Gives the exchange the blocked callers of earlier runs; before the first input.
    pub fn block(&mut self, blacklist: Blacklist) {
        self.board.blacklist = blacklist;
    }

    /// The numbers that are, or are to be, blocked; the oldest first.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.board.blacklist.blocks()
    }

    /// Carries out what somebody asks of the list, and gives the block's number. Drain
    /// [`Exchange::poll_output`] afterwards.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn ask_of_blocks(
        &mut self,
        now: Instant,
        by: &str,
        request: BlockRequest,
    ) -> Result<u64, BlockDenied> {
        let wall = self.board.wall(now);
        let (block, event) = self.board.blacklist.asked(wall, by, request)?;
        self.board.happened(now, event);
        Ok(block)
    }

    pub(super) fn blocks_end(&mut self, now: Instant) {
        let wall = self.board.wall(now);
        if self.board.blacklist.next_end().is_some_and(|at| at <= wall) {
            for event in self.board.blacklist.ended(wall) {
                self.board.happened(now, event);
            }
        }
    }

    /// When the next block is over. The wall clock may be set meanwhile: it is looked at again.
    pub(super) fn next_block_end(&self) -> Option<Instant> {
        let at = self.board.blacklist.next_end()?;
        Some(self.board.instant_of(at))
    }

    /// Whether a citizen's call is not to be served.
    pub(super) fn barred(&self, now: Instant, caller: &str) -> Option<Barred> {
        let blacklist = &self.board.blacklist;
        let block = blacklist.blocked(caller, self.board.wall(now))?;
        let script = match blacklist.answer() {
            BlockedAnswer::Reject => None,
            BlockedAnswer::Script(name) => self.board.settings.scripts.get(&name).cloned(),
        };
        Some(match script {
            Some(script) => Barred::Hears(block, script),
            None => Barred::Rejected(block),
        })
    }

    /// Says that a call is not served.
    pub(super) fn blocked(&mut self, now: Instant, block: u64, call: Option<CallId>) {
        self.board
            .happened(now, Event::CallerBlocked { block, call });
    }
}
