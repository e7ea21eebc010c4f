//! [`IdMap`]: a map whose keys we give out ourselves.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

/// A map by ids that no peer can choose. Nobody can choose them so that they collide, so that a hash
/// which is fast is good enough; what a peer has written is a key of std's own map.
pub(crate) type IdMap<K, V> = HashMap<K, V, FixedState>;

/// [`IdMap`] without values.
pub(crate) type IdSet<K> = HashSet<K, FixedState>;
