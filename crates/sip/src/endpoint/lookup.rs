//! Finding a transaction by what its messages repeat: a hash map that can be asked and not walked
//! through, so that no order of it can ever show in an answer.

use core::hash::{BuildHasher, Hasher as _};
use std::{hash::DefaultHasher, sync::Arc};

use crate::transaction::TransactionId;

#[allow(
    clippy::disallowed_types,
    reason = "it is never iterated: this module has no way to do so"
)]
type Map<K, V> = std::collections::HashMap<K, V, Keyed>;

/// The transactions by a key. Among tens of thousands of keys of a hundred bytes this takes a
/// fraction of a tree's comparisons.
#[derive(Debug)]
pub(super) struct Lookup(Map<Arc<[u8]>, TransactionId>);

impl Lookup {
    /// Nothing yet. The secret keeps strangers, who choose the keys, from choosing keys that
    /// collide.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Map::with_hasher(Keyed(secret)))
    }

    pub fn get(&self, key: &[u8]) -> Option<TransactionId> {
        self.0.get(key).copied()
    }

    pub fn insert(&mut self, key: Arc<[u8]>, id: TransactionId) {
        self.0.insert(key, id);
    }

    pub fn remove(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// The standard hash, begun with a secret.
#[derive(Clone)]
struct Keyed([u8; 32]);

impl core::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keyed")
    }
}

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.0);
        hasher
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_until_it_is_removed() {
        let mut lookup = Lookup::new([7; 32]);
        for n in 0..1_000_u64 {
            lookup.insert(n.to_be_bytes().as_slice().into(), TransactionId(n));
        }
        let key = |n: u64| n.to_be_bytes();
        assert_eq!(lookup.get(&key(999)), Some(TransactionId(999)));
        lookup.remove(&key(999));
        assert_eq!(lookup.get(&key(999)), None);
        assert_eq!(lookup.get(&key(998)), Some(TransactionId(998)));
    }

    #[test]
    fn another_secret_is_another_order() {
        let hash = |secret: [u8; 32]| Keyed(secret).hash_one(b"z9hG4bK1".as_slice());
        assert_eq!(hash([1; 32]), hash([1; 32]));
        assert_ne!(hash([1; 32]), hash([2; 32]));
        assert_eq!(format!("{:?}", Keyed([1; 32])), "Keyed");
    }
}
