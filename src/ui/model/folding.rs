//! [`Fold`]: which rows of the table stand for others too.

use super::{Contexts, List};
use crate::sip::Method;

/// Which rows are folded into one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fold {
    /// The REGISTERs of one registration, into the last.
    #[default]
    Registrations,
    /// Those, and the requests of one dialog, into the one that made it.
    Dialogs,
    /// None.
    Nothing,
}

impl Fold {
    /// The next one, for a key that goes through them.
    pub const fn next(self) -> Fold {
        match self {
            Fold::Registrations => Fold::Dialogs,
            Fold::Dialogs => Fold::Nothing,
            Fold::Nothing => Fold::Registrations,
        }
    }
}

impl List {
    /// The row that a row is shown as: itself, or the one that it is folded into.
    pub fn head(&self, contexts: &Contexts, place: usize) -> usize {
        if !self.is_folded(contexts, place as u32) {
            return place;
        }
        let head = self.groups.of(place as u32).and_then(|group| {
            let last = self.is_registration(contexts, place as u32);
            if last { group.members.last() } else { group.members.first() }
        });
        head.map_or(place, |head| *head as usize)
    }

    /// Whether a row has a line of its own: it is listed, or stands below the open one that it is
    /// folded into.
    pub fn has_line(&self, contexts: &Contexts, place: usize) -> bool {
        let is_listed = |place: usize| self.places.get(place).is_some_and(|it| it.listed);
        let head = self.head(contexts, place);
        let is_open = || contexts.row(head).is_some_and(|row| self.is_open(row.id));
        is_listed(head) && (head == place || is_open())
    }

    /// The other rows that are folded into a row, the oldest first.
    pub fn members(&self, contexts: &Contexts, head: usize) -> impl Iterator<Item = usize> {
        let folded = self.is_folded(contexts, head as u32);
        let group = self.groups.of(head as u32).filter(|_| folded);
        let members = group.map_or(&[][..], |group| &group.members);
        members.iter().map(|place| *place as usize).filter(move |place| *place != head)
    }

    fn is_registration(&self, contexts: &Contexts, place: u32) -> bool {
        let root = contexts.row(self.groups.root(place) as usize);
        root.is_some_and(|row| row.method == Method::Register)
    }

    pub(super) fn is_folded(&self, contexts: &Contexts, place: u32) -> bool {
        if self.groups.of(place).is_none() {
            return false;
        }
        match self.fold {
            Fold::Nothing => false,
            Fold::Registrations => self.is_registration(contexts, place),
            Fold::Dialogs => true,
        }
    }

    pub(super) fn count_members(&mut self, place: u32) {
        if let Some(group) = self.groups.of_mut(place) {
            let matches = |place: &&u32| self.places[**place as usize].matches;
            // The group is new, or the row is its last.
            group.matching = match group.members.len() {
                2 => group.members.iter().filter(matches).count(),
                _ => group.matching + usize::from(self.places[place as usize].matches),
            };
        }
    }

    pub(super) fn settle_group(&mut self, contexts: &Contexts, place: u32) {
        let heads = self.groups.of(place).map(|group| {
            // The row that is shown for it may have been the one before the last.
            let last = group.members.len().saturating_sub(2);
            [
                Some(group.members[0]),
                group.members.get(last).copied(),
                group.members.last().copied(),
            ]
        });
        for head in heads.into_iter().flatten().flatten() {
            self.settle(contexts, head);
        }
        self.settle(contexts, place);
    }
}
