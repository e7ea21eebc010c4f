//! [`Groups`]: which rows belong together, the requests of one dialog or of one registration.
//!
//! A request in a dialog belongs to the request that made the dialog; requests with one Call-ID
//! belong to the first of them (RFC 3261 §8.1.1.4: a dialog has one, and so should the REGISTERs
//! of one user agent, §10.2).

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use super::{Contexts, Row};

/// Rows that belong together, by their places.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// By place: the place of the first row that it belongs with.
    root: Vec<u32>,
    /// Those with more than one row, by their first.
    groups: HashMap<u32, Group>,
    /// The first row with a Call-ID, by the Call-ID's hash: the texts stand in the rows.
    calls: HashMap<u64, u32>,
    hasher: RandomState,
}

/// More than one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// In the order in which they were made.
    pub(super) members: Vec<u32>,
    /// How many of them the filter lets through.
    pub(super) matching: usize,
}

impl Groups {
    /// Takes in the next row; gives whether it belongs with others.
    pub(super) fn add(&mut self, contexts: &Contexts, row: &Row) -> bool {
        let place = self.root.len() as u32;
        let root = self.root_of(contexts, row, place);
        self.root.push(root);
        if root == place {
            return false;
        }
        let first = Group { members: vec![root], matching: 0 };
        self.groups.entry(root).or_insert(first).members.push(place);
        true
    }

    fn root_of(&mut self, contexts: &Contexts, row: &Row, place: u32) -> u32 {
        if let Some(parent) = row.created.parent.and_then(|parent| contexts.place(parent)) {
            return self.root[parent];
        }
        let call_id = &*row.created.call_id;
        let root = *self.calls.entry(self.hasher.hash_one(call_id)).or_insert(place);
        // Another text with the same hash is a stranger.
        let is_same = contexts.row(root as usize).is_some_and(|it| *it.created.call_id == *call_id);
        if root != place && is_same { self.root[root as usize] } else { place }
    }

    /// The first row that a row belongs with; itself where it is alone or the first.
    pub(super) fn root(&self, place: u32) -> u32 {
        self.root.get(place as usize).copied().unwrap_or(place)
    }

    /// The group of a row, where it is not alone.
    pub(super) fn of(&self, place: u32) -> Option<&Group> {
        self.groups.get(&self.root(place))
    }

    pub(super) fn of_mut(&mut self, place: u32) -> Option<&mut Group> {
        let root = self.root(place);
        self.groups.get_mut(&root)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        self.groups.values_mut()
    }
}
