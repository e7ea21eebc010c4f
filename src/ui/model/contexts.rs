//! Every client context as a row, with the totals that the header shows. `row` is one of them, and
//! `timeline` what happened to it.

use std::{sync::Arc, time::Instant};

use super::{Entry, Last, Row, Rtt};
use crate::sip::{ContextEvent, ContextId, Created, Fact, IdMap, Method, Status};

/// The contexts, in the order in which they were made. Nothing in here scans them.
#[derive(Debug, Default)]
pub struct Contexts {
    rows: Vec<Row>,
    index: IdMap<ContextId, usize>,
    in_flight: usize,
    legs_up: usize,
    rtt: Rtt,
    latest: Option<ContextId>,
}

impl Contexts {
    /// Takes in what happened to a context; gives the place of its row, where it has one.
    pub fn apply(&mut self, event: ContextEvent) -> Option<usize> {
        let ContextEvent { at, context, method, fact, status } = event;
        let fact = match fact {
            Fact::Created(created) => {
                self.create(at, context, method, created, status);
                return Some(self.rows.len() - 1);
            }
            fact => fact,
        };
        let &index = self.index.get(&context)?;
        let row = &mut self.rows[index];
        self.in_flight -= usize::from(row.status.state.is_pending());
        self.legs_up -= row.status.legs_up as usize;
        self.in_flight += usize::from(status.state.is_pending());
        self.legs_up += status.legs_up as usize;
        row.status = status;
        row.note_end(at, &fact);
        row.note_leg(at, &fact);
        if method == row.method
            && let Some(round_trip) = row.note_answer(at, &fact)
        {
            self.rtt.record(at, round_trip);
        }
        if let (Fact::CancelCrossed { .. }, Last::Response(response)) = (&fact, &row.last) {
            row.last = Last::Crossed(response.clone());
        }
        if fact == Fact::TimersChanged {
            return Some(index);
        }
        let entry = Entry { at, context, method, fact };
        if let Some(parent) = row.created.parent
            && let Some(&parent) = self.index.get(&parent)
        {
            self.rows[parent].timeline.push(entry.clone());
        }
        self.rows[index].timeline.push(entry);
        self.latest = Some(context);
        Some(index)
    }

    fn create(
        &mut self,
        at: Instant,
        id: ContextId,
        method: Method,
        created: Box<Created>,
        status: Status,
    ) {
        self.in_flight += usize::from(status.state.is_pending());
        self.legs_up += status.legs_up as usize;
        self.index.insert(id, self.rows.len());
        if self.rows.len() == self.rows.capacity() {
            // A quarter more: to double would leave half of many rows empty.
            self.rows.reserve_exact((self.rows.len() / 4).max(64));
        }
        self.rows.push(Row::new(at, id, method, created, status));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row in a place, counted from the oldest.
    pub fn row(&self, index: usize) -> Option<&Row> {
        self.rows.get(index)
    }

    /// The row of a context.
    pub fn find(&self, id: ContextId) -> Option<&Row> {
        self.index.get(&id).map(|&index| &self.rows[index])
    }

    /// The place of a context's row, counted from the oldest.
    pub fn place(&self, id: ContextId) -> Option<usize> {
        self.index.get(&id).copied()
    }

    /// Every row, the oldest first, by its place.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Every row, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Row> + ExactSizeIterator {
        self.rows.iter()
    }

    /// How many rows were made at a moment or before it: they stand first.
    pub fn made_until(&self, at: Instant) -> usize {
        self.rows.partition_point(|row| row.at <= at)
    }

    /// Says which account a context belongs to.
    pub fn set_account(&mut self, place: usize, account: &str) {
        if place >= self.rows.len() {
            return;
        }
        // Rows one after the other mostly share it.
        let before = place.checked_sub(1).and_then(|before| self.rows[before].shared_account());
        let known = before.filter(|known| ***known == *account);
        self.rows[place].set_account(known.unwrap_or_else(|| Arc::new(account.into())));
    }

    /// Says of a context what the user says of it, `label #tag #tag -- note`, each of which may be
    /// missing; an empty text takes all away.
    pub fn set_data(&mut self, id: ContextId, data: &str) {
        if let Some(&place) = self.index.get(&id) {
            self.rows[place].set_data(data);
        }
    }

    /// Takes rows out of the table; those that have not ended stay. Gives how many went.
    pub fn drop_ended(&mut self, unwanted: impl Fn(&Row) -> bool) -> usize {
        let before = self.rows.len();
        self.rows.retain(|row| !row.status.ended || !unwanted(row));
        if self.rows.len() < before {
            self.index = self.rows.iter().enumerate().map(|(place, row)| (row.id, place)).collect();
        }
        before - self.rows.len()
    }

    /// The row to which something happened last.
    pub fn latest(&self) -> Option<&Row> {
        self.find(self.latest?)
    }

    /// How many have no final outcome yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many legs are up.
    pub fn legs_up(&self) -> usize {
        self.legs_up
    }

    /// The round-trip times.
    pub fn rtt(&self) -> &Rtt {
        &self.rtt
    }
}
