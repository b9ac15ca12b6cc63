//! Named things kept in the order they were configured, and the handles to them.

use core::{
    hash::Hash,
    ops::{Index, IndexMut},
};

use crate::lookup::Lookup;

/// Handle to a seat of the floor's roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeatAt(u32);

/// Handle to a queue of the floor's roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QueueAt(u32);

/// What a handle is to its roster.
pub(crate) trait At: Copy {
    fn from_index(index: u32) -> Self;
    fn index(self) -> usize;
}

impl At for SeatAt {
    fn from_index(index: u32) -> Self {
        Self(index)
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

impl At for QueueAt {
    fn from_index(index: u32) -> Self {
        Self(index)
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Members come and never go, so a handle is good for ever.
#[derive(Debug)]
pub(crate) struct Roster<Id, A, T> {
    by_name: Lookup<Id, A>,
    members: Vec<T>,
}

impl<Id: Eq + Hash, A: At, T> Roster<Id, A, T> {
    /// Takes the members; of two with one name the first counts.
    pub(crate) fn new(named: impl IntoIterator<Item = (Id, T)>) -> Self {
        let mut roster = Self {
            by_name: Lookup::new(),
            members: Vec::new(),
        };
        for (name, member) in named {
            if !roster.by_name.contains(&name) {
                roster.push(name, member);
            }
        }
        roster
    }

    /// Takes one more, of a name that is not here yet.
    pub(crate) fn push(&mut self, name: Id, member: T) -> A {
        let at = A::from_index(self.members.len() as u32);
        self.by_name.insert(name, at);
        self.members.push(member);
        at
    }

    pub(crate) fn find(&self, name: &Id) -> Option<A> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn named(&self, name: &Id) -> Option<&T> {
        self.members.get(self.find(name)?.index())
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (A, &T)> {
        (0..).map(A::from_index).zip(&self.members)
    }
}

#[allow(
    clippy::indexing_slicing,
    reason = "a handle comes only from this roster, which never shrinks; nothing from outside is \
              an index"
)]
mod by_handle {
    use super::{At, Index, IndexMut, Roster};

    impl<Id, A: At, T> Index<A> for Roster<Id, A, T> {
        type Output = T;
        fn index(&self, at: A) -> &T {
            &self.members[at.index()]
        }
    }

    impl<Id, A: At, T> IndexMut<A> for Roster<Id, A, T> {
        fn index_mut(&mut self, at: A) -> &mut T {
            &mut self.members[at.index()]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_with_one_name_the_first_counts() {
        let roster: Roster<u8, SeatAt, char> = Roster::new([(7, 'a'), (7, 'b'), (9, 'c')]);
        assert_eq!(roster.len(), 2);
        assert_eq!(roster.find(&7).map(|at| roster[at]), Some('a'));
        assert_eq!(roster.find(&9).map(|at| roster[at]), Some('c'));
        assert_eq!(roster.find(&8), None);
    }
}
