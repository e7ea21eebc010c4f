//! Every client context as a row, with the totals that the header shows.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    sip::{
        Cause, ContextEvent, ContextId, Created, Fact, LegState, Method, Response, Status, UriBuf,
    },
    ui::model::Rtt,
};

/// The contexts, in the order in which they were made. Nothing in here scans them.
#[derive(Debug, Default)]
pub struct Contexts {
    rows: Vec<Row>,
    index: HashMap<ContextId, usize>,
    in_flight: usize,
    legs_up: usize,
    rtt: Rtt,
    latest: Option<ContextId>,
}

/// One client context.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub id: ContextId,
    /// Its method.
    pub method: Method,
    /// When it was made.
    pub at: Instant,
    /// Its attributes.
    pub created: Box<Created>,
    /// Where it stands.
    pub status: Status,
    /// What it came to.
    pub last: Last,
    /// How long the first answer took.
    pub round_trip: RoundTrip,
    /// Everything that happened to it and to the requests in its dialogs.
    pub timeline: Timeline,
    /// The name of the account that it was sent from, or its From where no account has that.
    account: Option<Arc<Box<str>>>,
    more: Option<Box<More>>,
}

/// What few of many pending contexts have: it takes no room in the others.
#[derive(Debug, Default)]
struct More {
    /// As the user typed it: `label #tag #tag -- note`.
    data: Option<Box<str>>,
    cause: Option<Cause>,
    ended_at: Option<Instant>,
    legs: Vec<LegRow>,
}

/// One leg of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegRow {
    /// Its To tag.
    pub tag: Box<str>,
    /// When it came to be.
    pub at: Instant,
    /// Where it stands.
    pub state: LegState,
}

/// What stands before a note: behind a label, or at the beginning.
const NOTE: [&str; 2] = [" -- ", "-- "];

/// The last word on a context.
#[derive(Clone, Debug, PartialEq)]
pub enum Last {
    /// Nothing came yet.
    Nothing,
    /// A response came.
    Response(Response),
    /// It failed without a response.
    Failed(Cause),
    /// This 2xx crossed the CANCEL.
    Crossed(Response),
}

/// The time from a request to its first response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundTrip {
    /// Not sent yet.
    Unsent,
    /// Sent once, at this moment.
    Since(Instant),
    /// Sent more than once before an answer came: which copy was answered nobody knows.
    Ambiguous,
    /// Measured.
    Took(Duration),
}

/// What happened to a context, in its true order.
#[derive(Debug, Default)]
pub struct Timeline {
    entries: VecDeque<Entry>,
    left_out: usize,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// To which context: the timeline's own, or one in its dialog.
    pub context: ContextId,
    /// The method of the transaction.
    pub method: Method,
    /// What.
    pub fact: Fact,
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
        self.rows.push(Row {
            id,
            method,
            at,
            created,
            status,
            last: Last::Nothing,
            round_trip: RoundTrip::Unsent,
            timeline: Timeline::default(),
            account: None,
            more: None,
        });
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
        let before = place.checked_sub(1).and_then(|before| self.rows[before].account.clone());
        let known = before.filter(|known| ***known == *account);
        self.rows[place].account = Some(known.unwrap_or_else(|| Arc::new(account.into())));
    }

    /// Says of a context what the user says of it, `label #tag #tag -- note`, each of which may be
    /// missing; an empty text takes all away.
    pub fn set_data(&mut self, id: ContextId, data: &str) {
        if let Some(&place) = self.index.get(&id) {
            let data = data.trim();
            self.rows[place].more().data = (!data.is_empty()).then(|| data.into());
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

impl Row {
    /// How many legs are kept at most.
    pub const LEGS: usize = 256;

    /// The Request-URI.
    pub fn target(&self) -> &UriBuf {
        &self.created.request_uri
    }

    /// What the user says of it, as it was typed: `label #tag #tag -- note`.
    pub fn data(&self) -> Option<&str> {
        self.more.as_ref()?.data.as_deref()
    }

    /// What the user calls it, with its tags.
    pub fn label(&self) -> Option<&str> {
        let data = self.data()?;
        let label = NOTE.iter().find_map(|mark| data.split_once(mark)).map_or(data, |it| it.0);
        Some(label.trim()).filter(|label| !label.is_empty())
    }

    /// Its tags, without their `#`.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let words = self.label().unwrap_or_default().split_whitespace();
        words.filter_map(|word| word.strip_prefix('#')).filter(|tag| !tag.is_empty())
    }

    /// What the user notes on it.
    pub fn note(&self) -> Option<&str> {
        let data = self.data()?;
        NOTE.iter().find_map(|mark| data.split_once(mark)).map(|(_, note)| note.trim())
    }

    /// The name of the account that it was sent from, or its From where no account has that.
    pub fn account(&self) -> &str {
        self.account.as_ref().map_or("", |account| account)
    }

    /// Why it failed or ended.
    pub fn cause(&self) -> Option<Cause> {
        self.more.as_ref()?.cause
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Instant> {
        self.more.as_ref()?.ended_at
    }

    /// Its legs, in the order in which they came to be, where it has more than one.
    pub fn legs(&self) -> &[LegRow] {
        self.more.as_ref().map_or(&[], |more| &more.legs)
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// The status code of the last response.
    pub fn code(&self) -> Option<u16> {
        match &self.last {
            Last::Response(response) | Last::Crossed(response) => Some(response.status.code()),
            Last::Failed(_) | Last::Nothing => None,
        }
    }

    /// From its beginning to its end, or until now.
    pub fn took(&self, now: Instant) -> Duration {
        self.ended_at().unwrap_or(now).saturating_duration_since(self.at)
    }

    fn note_end(&mut self, at: Instant, fact: &Fact) {
        match fact {
            Fact::Failed { cause, .. } => self.more().cause = Some(*cause),
            Fact::Ended { cause } => {
                let more = self.more();
                more.cause = Some(*cause);
                more.ended_at = Some(at);
            }
            _ => {}
        }
    }

    fn note_leg(&mut self, at: Instant, fact: &Fact) {
        let Fact::Leg { tag, state } = fact else { return };
        if self.legs().is_empty() {
            // The only leg is what the timeline says of it, until there is a second one.
            let Some(first) = self.only_leg().filter(|first| first.tag != *tag) else { return };
            self.more().legs.push(first);
        }
        let legs = &mut self.more().legs;
        if let Some(leg) = legs.iter_mut().find(|leg| leg.tag == *tag) {
            leg.state = state.clone();
        } else if legs.len() < Self::LEGS {
            // A peer can make up tags for ever; memory cannot.
            legs.push(LegRow { tag: tag.clone(), at, state: state.clone() });
        }
    }

    /// The leg that the timeline told of last.
    fn only_leg(&self) -> Option<LegRow> {
        let mut told = self.timeline.iter().rev().filter_map(|entry| match &entry.fact {
            Fact::Leg { tag, state } if entry.context == self.id => Some((entry.at, tag, state)),
            _ => None,
        });
        let (at, tag, state) = told.next()?;
        let at = told.take_while(|(_, other, _)| *other == tag).last().map_or(at, |first| first.0);
        Some(LegRow { tag: tag.clone(), at, state: state.clone() })
    }

    /// Takes in what happened to the context's own transaction; gives the round trip where this
    /// completed one.
    fn note_answer(&mut self, at: Instant, fact: &Fact) -> Option<Duration> {
        match fact {
            Fact::Sent { .. } => self.round_trip = RoundTrip::Since(at),
            Fact::Retransmitted { .. } => {
                // Karn's algorithm: an answer to a request sent twice measures nothing.
                if matches!(self.round_trip, RoundTrip::Since(_)) {
                    self.round_trip = RoundTrip::Ambiguous;
                }
            }
            Fact::Trying(trial) => {
                self.created.flow = Some(trial.flow);
                self.created.transport = trial.candidate().transport;
            }
            Fact::Failed { response: None, cause, .. } => self.last = Last::Failed(*cause),
            // Another fork rings, though one has accepted: that is the word on the context.
            Fact::Progress(_) if !self.status.state.is_pending() => {}
            Fact::Progress(response)
            | Fact::Accepted { response, again: false }
            | Fact::Rejected { response, .. }
            | Fact::Challenged { response, .. }
            | Fact::Redirected { response, .. } => return self.note_response(at, response),
            Fact::PassedOver { response: Some(response), .. } => {
                return self.note_response(at, response);
            }
            _ => {}
        }
        None
    }

    fn note_response(&mut self, at: Instant, response: &Response) -> Option<Duration> {
        self.last = Last::Response(response.clone());
        let RoundTrip::Since(sent) = self.round_trip else { return None };
        let took = at.saturating_duration_since(sent);
        self.round_trip = RoundTrip::Took(took);
        Some(took)
    }
}

impl Timeline {
    /// How many entries are kept from the beginning, whatever comes.
    const HEAD: usize = 100;
    /// How many entries are kept at most.
    const LIMIT: usize = 1_000;

    fn push(&mut self, entry: Entry) {
        // A peer can repeat itself for ever; memory cannot. The beginning and the end stay.
        if self.entries.len() == Self::LIMIT {
            let middle = Self::HEAD..Self::LIMIT / 2;
            self.left_out += middle.len();
            self.entries.drain(middle);
        }
        self.entries.push_back(entry);
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries, each with its place.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The entry in a place.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Before which place entries were left out, and how many.
    pub fn gap(&self) -> Option<(usize, usize)> {
        (self.left_out > 0).then_some((Self::HEAD, self.left_out))
    }

    /// How long before an entry the same request, or answer, was sent last.
    pub fn since_last_sent(&self, index: usize) -> Option<Duration> {
        let entry = self.entries.get(index)?;
        let is_answer = matches!(entry.fact, Fact::Answered { .. });
        let before = self.entries.iter().take(index).rev().find(|before| {
            before.context == entry.context
                && before.method == entry.method
                && match before.fact {
                    Fact::Answered { .. } => is_answer,
                    Fact::Sent { .. } | Fact::Retransmitted { .. } | Fact::CancelSent { .. } => {
                        !is_answer
                    }
                    _ => false,
                }
        })?;
        Some(entry.at.saturating_duration_since(before.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100,000 rows are a normal day, each with an entry for every thing that happened: what is
    /// rare and large is boxed.
    #[test]
    fn what_a_row_keeps_stays_small() {
        let sizes = [
            ("a fact", size_of::<Fact>(), 56),
            ("an entry of the timeline", size_of::<Entry>(), 104),
            ("a row", size_of::<Row>(), 224),
            ("its attributes", size_of::<Created>(), 120),
        ];
        for (what, size, most) in sizes {
            assert!(size <= most, "{what} has {size} bytes, and may have {most}");
        }
    }
}
