//! [`List`]: the rows that the table shows, in its order: filtered, sorted, folded.
//!
//! It is kept, not made anew: an event moves one row, whatever there is in the table. Only a wish
//! of the user (another filter, another column to sort by) looks at every row once. Which rows stand
//! for others is in `folding`.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use super::{
    Contexts, Row,
    columns::{Column, Sort},
    folding::Fold,
    groups::Groups,
    order::Order,
    sort_key::Key,
};
use crate::{
    sip::{ContextId, FlowId},
    ui::filter::Filter,
};

/// The rows that the table shows.
#[derive(Debug, Default)]
pub struct List {
    sort: Sort,
    filter: Filter,
    pub(super) fold: Fold,
    ended_hidden: bool,
    /// The rows that the user has opened.
    pub(super) open: BTreeSet<ContextId>,
    /// The texts of the flows, which a filter may look at.
    flows: HashMap<FlowId, Box<str>>,
    pub(super) places: Vec<Place>,
    pub(super) groups: Groups,
    pub(super) order: Order,
    turns: Vec<Turn>,
    /// The moment up to which time has been taken into account.
    now: Option<Instant>,
}

/// What is kept of a row.
#[derive(Clone, Debug)]
pub(super) struct Place {
    key: Key,
    pub(super) matches: bool,
    pub(super) listed: bool,
}

/// Rows come and go by themselves so long after their beginning; those before `next` have.
#[derive(Clone, Copy, Debug)]
struct Turn {
    after: Duration,
    next: usize,
}

impl List {
    /// By what it is sorted.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// The filter.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// What is folded.
    pub fn fold(&self) -> Fold {
        self.fold
    }

    /// Whether rows that have ended are left out.
    pub fn hides_ended(&self) -> bool {
        self.ended_hidden
    }

    /// How many rows are shown, without what is open below them.
    pub fn rows(&self) -> usize {
        self.order.len()
    }

    /// The rows that are shown, from the top.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.order.from(0).map(|place| place as usize)
    }

    /// Sorts it by a column, one way or the other.
    pub fn set_sort(&mut self, contexts: &Contexts, sort: Sort) {
        if sort.column != self.sort.column {
            in_parts(&mut self.places, contexts.rows(), |places, rows| {
                for (place, row) in places.iter_mut().zip(rows) {
                    place.key = Key::of(row, sort.column);
                }
            });
        }
        self.sort = sort;
        self.arrange(contexts);
    }

    /// Shows only what a filter lets through.
    pub fn set_filter(&mut self, contexts: &Contexts, filter: Filter, now: Instant) {
        self.filter = filter;
        self.advance_to(now);
        self.judge(contexts);
    }

    /// Shows the rows that have ended, or leaves them out.
    pub fn hide_ended(&mut self, contexts: &Contexts, hide: bool) {
        self.ended_hidden = hide;
        self.judge(contexts);
    }

    /// Folds rows into one.
    pub fn set_fold(&mut self, contexts: &Contexts, fold: Fold) {
        self.fold = fold;
        self.arrange(contexts);
    }

    /// The text of a flow changed, or it is a new one.
    pub fn name_flow(&mut self, flow: FlowId, text: String) {
        self.flows.insert(flow, text.into());
    }

    /// Takes in a row that came last.
    pub fn add(&mut self, contexts: &Contexts, place: usize) {
        let Some(row) = contexts.row(place) else { return };
        self.advance_to(row.at);
        let matches = self.judges(row);
        let joins = self.groups.add(contexts, row);
        self.places.push(Place { key: Key::of(row, self.sort.column), matches, listed: false });
        if joins {
            self.count_members(place as u32);
            self.settle_group(contexts, place as u32);
        } else {
            self.settle(contexts, place as u32);
        }
    }

    /// Takes in that a row changed.
    pub fn refresh(&mut self, contexts: &Contexts, place: usize) {
        let Some(row) = contexts.row(place) else { return };
        let Some(before) = self.places.get(place) else { return };
        let key = Key::of(row, self.sort.column);
        let matches = self.judges(row);
        if before.key != key {
            self.unlist(place as u32);
            self.places[place].key = key;
        }
        let turned = self.places[place].matches != matches;
        self.places[place].matches = matches;
        if turned && let Some(group) = self.groups.of_mut(place as u32) {
            group.matching = if matches { group.matching + 1 } else { group.matching - 1 };
            self.settle_group(contexts, place as u32);
        } else {
            self.settle(contexts, place as u32);
        }
    }

    /// Takes in that rows were dropped.
    pub fn rebuild(&mut self, contexts: &Contexts) {
        self.groups = Groups::default();
        self.places.clear();
        for row in contexts.iter() {
            self.groups.add(contexts, row);
            let key = Key::of(row, self.sort.column);
            self.places.push(Place { key, matches: false, listed: false });
        }
        self.open.retain(|id| contexts.place(*id).is_some());
        self.judge(contexts);
    }

    /// Takes in what time alone has changed.
    pub fn advance(&mut self, contexts: &Contexts, now: Instant) {
        self.advance_to(now);
        for n in 0..self.turns.len() {
            let Turn { after, next } = self.turns[n];
            let due = |row: &Row| row.at + after <= now;
            let mut at = next;
            while contexts.row(at).is_some_and(due) {
                self.refresh(contexts, at);
                at += 1;
            }
            self.turns[n].next = at;
        }
    }

    /// When time alone changes it next.
    pub fn changes_at(&self, contexts: &Contexts) -> Option<Instant> {
        let moment = |turn: &Turn| Some(contexts.row(turn.next)?.at + turn.after);
        self.turns.iter().filter_map(moment).min()
    }

    /// At which position a row is shown.
    pub(super) fn position(&self, place: usize) -> Option<usize> {
        self.places.get(place).filter(|it| it.listed)?;
        self.order.position(place as u32, |other| self.compare(other, place as u32))
    }

    fn compare(&self, one: u32, other: u32) -> Ordering {
        compare(&self.places, self.sort, one, other)
    }

    /// Whether the filter lets a row through.
    pub fn passes(&self, row: &Row) -> bool {
        self.filter.matches(row, self.flow_of(row), self.now.unwrap_or(row.at))
    }

    fn flow_of(&self, row: &Row) -> &str {
        row.created.flow.and_then(|flow| self.flows.get(&flow)).map_or("", |text| text)
    }

    fn judges(&self, row: &Row) -> bool {
        !(self.ended_hidden && row.status.ended) && self.passes(row)
    }

    /// Looks at every row once.
    fn judge(&mut self, contexts: &Contexts) {
        let mut places = std::mem::take(&mut self.places);
        in_parts(&mut places, contexts.rows(), |places, rows| {
            // A regular expression of its own: threads that share one wait for each other.
            let filter = self.filter.clone();
            let mut sieve = filter.sieve();
            for (place, row) in places.iter_mut().zip(rows) {
                let (flow, now) = (self.flow_of(row), self.now.unwrap_or(row.at));
                place.matches =
                    !(self.ended_hidden && row.status.ended) && sieve.lets_through(row, flow, now);
            }
        });
        self.places = places;
        for group in self.groups.all_mut() {
            let matches = |place: &&u32| self.places[**place as usize].matches;
            group.matching = group.members.iter().filter(matches).count();
        }
        let turns = self.filter.turns().map(|after| Turn {
            after,
            next: self
                .now
                .and_then(|now| now.checked_sub(after))
                .map_or(0, |until| contexts.made_until(until)),
        });
        self.turns = turns.collect();
        self.arrange(contexts);
    }

    /// Puts every row where it belongs.
    fn arrange(&mut self, contexts: &Contexts) {
        let mut listed = Vec::new();
        for place in (0..self.places.len() as u32).rev() {
            let wanted = self.is_wanted(contexts, place);
            self.places[place as usize].listed = wanted;
            if wanted {
                listed.push((self.places[place as usize].key.weight(self.sort), place));
            }
        }
        let (places, sort) = (&self.places, self.sort);
        listed.sort_unstable_by(|(weight, one), (other_weight, other)| {
            weight.cmp(other_weight).then_with(|| compare(places, sort, *one, *other))
        });
        let listed: Vec<u32> = listed.into_iter().map(|(_, place)| place).collect();
        self.order = Order::of(&listed);
    }

    fn is_wanted(&self, contexts: &Contexts, place: u32) -> bool {
        match self.groups.of(place) {
            Some(group) if self.is_folded(contexts, place) => {
                self.head(contexts, place as usize) == place as usize && group.matching > 0
            }
            _ => self.places[place as usize].matches,
        }
    }

    /// Lists a row where it belongs there, and takes it out where it does not.
    pub(super) fn settle(&mut self, contexts: &Contexts, place: u32) {
        let wanted = self.is_wanted(contexts, place);
        if !wanted {
            self.unlist(place);
        } else if !self.places[place as usize].listed {
            let (places, sort) = (&self.places, self.sort);
            self.order.insert(place, |other| compare(places, sort, other, place));
            self.places[place as usize].listed = true;
        }
    }

    fn unlist(&mut self, place: u32) {
        if std::mem::take(&mut self.places[place as usize].listed) {
            let (places, sort) = (&self.places, self.sort);
            self.order.remove(place, |other| compare(places, sort, other, place));
        }
    }

    fn advance_to(&mut self, now: Instant) {
        self.now = Some(self.now.map_or(now, |known| known.max(now)));
    }
}

/// Has something done to every row and its place, by as many threads as the machine has cores where
/// there are many rows: a key waits for it.
fn in_parts(places: &mut [Place], rows: &[Row], work: impl Fn(&mut [Place], &[Row]) + Sync) {
    let threads = if rows.len() < MANY {
        1
    } else {
        std::thread::available_parallelism().map_or(1, usize::from).min(THREADS)
    };
    let part = rows.len().div_ceil(threads).max(1);
    let mut parts = places.chunks_mut(part).zip(rows.chunks(part));
    let Some((first, first_rows)) = parts.next() else { return };
    std::thread::scope(|scope| {
        for (places, rows) in parts {
            scope.spawn(|| work(places, rows));
        }
        work(first, first_rows);
    });
}

/// Which of two rows stands above the other; the newer one where all else is equal.
fn compare(places: &[Place], sort: Sort, one: u32, other: u32) -> Ordering {
    let key = |place: u32| &places[place as usize].key;
    key(one).compare(key(other), sort).then(other.cmp(&one))
}

/// From how many rows on threads share the work, and how many of them at most.
const MANY: usize = 10_000;
const THREADS: usize = 8;

impl Sort {
    /// By a column, the way that is looked for first.
    pub const fn by(column: Column) -> Sort {
        Sort { column, descending: column.begins_with_greatest() }
    }
}
