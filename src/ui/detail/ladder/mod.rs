//! A context as a sequence diagram: who took part, and what went between them, in its true order.
//!
//! [`Ladder::of`] makes it from a row; [`lines`](Ladder::lines) sets it as text of a width, which
//! the screen and the copy share, and [`mermaid`](Ladder::mermaid) as a Mermaid `sequenceDiagram`.

mod layout;
mod mermaid;
#[cfg(test)]
mod tests;
mod words;

use std::{collections::HashMap, net::SocketAddr, time::Instant};

pub use layout::{LadderLine, Layout, Part};
pub use words::short;
use words::{contact_of, is_repeat, label, mood, note};

use crate::{
    engine::FlowState,
    sip::{ContextId, Deed, Direction, Fact, FlowId, HeaderName, Impaired, Message, Method},
    ui::model::{Entry, Facts, Row},
};

/// A sequence diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Who took part; we stand first.
    pub lifelines: Vec<Lifeline>,
    /// What happened.
    pub steps: Vec<Step>,
}

/// Somebody who took part. Texts may come from the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifeline {
    /// Who: our identity, the peer's address, a leg.
    pub name: String,
    /// More: our address, the transport, where the leg is.
    pub role: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Instant,
    /// Its place in the timeline; of a message that went several times, the first one's.
    pub place: usize,
    /// What.
    pub what: What,
    /// How it is meant.
    pub mood: Mood,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A message from one lifeline to another.
    Arrow {
        /// The index of the sender.
        from: usize,
        /// The index of the receiver.
        to: usize,
        /// What it is, the most important first.
        label: Vec<String>,
        /// How often it went.
        count: u32,
        /// Whether the same went before, further up.
        again: bool,
        /// Whether it was dropped on its way, on purpose: it reached nobody.
        lost: bool,
    },
    /// Something that happened at a lifeline.
    Note {
        /// The index of the lifeline.
        over: usize,
        /// What, in a few words.
        text: String,
    },
    /// So many entries were left out.
    Gap(usize),
}

/// How a step is meant: what its colour says besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// A request of ours.
    Out,
    /// Under way: a provisional, a request of the peer.
    Pending,
    /// A success.
    Good,
    /// A failure.
    Bad,
    /// By the way.
    Plain,
}

/// We stand first.
const US: usize = 0;

impl Ladder {
    /// The diagram of a row, with the requests in its dialogs.
    pub fn of(row: &Row, facts: &Facts) -> Ladder {
        let mut draft = Draft::new(row, facts);
        let gap = row.timeline.gap();
        for (place, entry) in row.timeline.iter().enumerate() {
            if let Some((at, count)) = gap
                && at == place
            {
                draft.push(entry.at, place, What::Gap(count), Mood::Plain);
            }
            draft.take(place, entry);
        }
        draft.ladder
    }
}

/// A ladder that is being made.
struct Draft<'a> {
    row: &'a Row,
    facts: &'a Facts,
    ladder: Ladder,
    /// The flows that have a lifeline, and the other addresses that were reached on one.
    flows: Vec<(Option<FlowId>, Option<SocketAddr>, usize)>,
    /// Where the last request of a context and method went.
    went: HashMap<(ContextId, Method), usize>,
    /// The flow that the row's own request rides on by now, where it goes from one to another.
    trying: Option<FlowId>,
    /// The legs that have a lifeline, where there are several.
    legs: Vec<(Box<str>, usize)>,
    /// What the last step was, to count its repetitions: the context and the method.
    last: Option<(ContextId, Method, [bool; 2])>,
}

impl<'a> Draft<'a> {
    fn new(row: &'a Row, facts: &'a Facts) -> Draft<'a> {
        let mut draft = Draft {
            row,
            facts,
            ladder: Ladder { lifelines: Vec::new(), steps: Vec::new() },
            flows: Vec::new(),
            went: HashMap::new(),
            trying: None,
            legs: Vec::new(),
            last: None,
        };
        draft.ladder.lifelines.push(draft.us());
        // A request that went from candidate to candidate has a lifeline for each.
        for entry in row.timeline.iter().filter(|entry| entry.context == row.id) {
            if let Fact::Trying(trial) = &entry.fact
                && entry.method == row.method
            {
                draft.peer(Some(trial.flow), None);
            }
        }
        draft.peer(row.created.flow, None);
        draft.name_legs();
        draft
    }

    fn us(&self) -> Lifeline {
        let flow = self.row.created.flow.and_then(|flow| self.facts.flows.get(&flow));
        let role = match flow.map(|flow| &flow.event.state) {
            Some(FlowState::Up { local, .. }) => local.to_string(),
            _ => "us".to_owned(),
        };
        let identity = &self.row.created.local_identity;
        let name = crate::sip::header::NameAddr::parse(HeaderName::From, identity)
            .map_or_else(|_| identity.to_string(), |from| from.uri().short().into_owned());
        Lifeline { name, role }
    }

    /// The lifeline of a flow's peer, or of a server that is being looked up.
    fn peer(&mut self, flow: Option<FlowId>, elsewhere: Option<SocketAddr>) -> usize {
        let is_it = |known: &&(Option<FlowId>, Option<SocketAddr>, usize)| {
            (known.0, known.1) == (flow, elsewhere)
        };
        if let Some((_, _, index)) = self.flows.iter().find(is_it) {
            return *index;
        }
        let lifeline = match flow.and_then(|flow| self.facts.flows.get(&flow)) {
            Some(known) => {
                let server = &known.event.server;
                let name = match (elsewhere, &known.event.state) {
                    (Some(elsewhere), _) => elsewhere.to_string(),
                    (None, FlowState::Up { peer, .. }) => peer.to_string(),
                    (None, _) => format!("{}:{}", server.host, server.port),
                };
                Lifeline { name, role: server.transport.to_string() }
            }
            None => Lifeline {
                name: flow.map_or("?".to_owned(), |flow| format!("flow {flow}")),
                role: self.row.created.transport.to_string(),
            },
        };
        // Two flows to one peer are one peer; the row's own flow comes first, behind us.
        let same = self.ladder.lifelines.iter().skip(1).position(|other| *other == lifeline);
        let index = match same {
            Some(index) => index + 1,
            None => {
                self.ladder.lifelines.push(lifeline);
                self.ladder.lifelines.len() - 1
            }
        };
        self.flows.push((flow, elsewhere, index));
        index
    }

    /// A lifeline for each leg, where there are several: a forked request.
    fn name_legs(&mut self) {
        let mut tags: Vec<&str> = Vec::new();
        for entry in self.row.timeline.iter().filter(|entry| entry.context == self.row.id) {
            if let Fact::Leg { tag, .. } = &entry.fact
                && !tags.contains(&&**tag)
                && tags.len() < MOST_LEGS
            {
                tags.push(tag);
            }
        }
        if tags.len() < 2 {
            return;
        }
        for tag in tags {
            let target = self.row.timeline.iter().find_map(|entry| contact_of(entry, tag));
            let name = format!("leg {}", short(tag));
            self.ladder.lifelines.push(Lifeline { name, role: target.unwrap_or_default() });
            self.legs.push((tag.into(), self.ladder.lifelines.len() - 1));
        }
    }

    fn push(&mut self, at: Instant, place: usize, what: What, mood: Mood) {
        self.last = None;
        self.ladder.steps.push(Step { at, place, what, mood });
    }

    fn take(&mut self, place: usize, entry: &Entry) {
        if let Fact::Trying(trial) = &entry.fact
            && entry.context == self.row.id
            && entry.method == self.row.method
        {
            self.trying = Some(trial.flow);
        }
        if let Fact::Impaired(impaired) = &entry.fact {
            match (impaired.deed, impaired.direction) {
                (Deed::Dropped, Direction::Out) => self.lose(entry, impaired),
                (Deed::Dropped, Direction::In) => self.lost(place, entry, impaired),
                _ => {}
            }
        }
        let Some(bytes) = entry.fact.message() else {
            if let Some((text, mood)) = note(entry, self.row) {
                let over = self.over(entry);
                self.push(entry.at, place, What::Note { over, text }, mood);
            }
            return;
        };
        let ours = entry.fact.is_ours();
        let is_response = entry.fact.response().is_some();
        let same = (entry.context, entry.method.clone(), [ours, is_response]);
        // Only what follows the first copy at once is told with it: the order stays true.
        if matches!(entry.fact, Fact::Retransmitted { .. } | Fact::Answered { attempt: 2.., .. })
            && self.last.as_ref() == Some(&same)
            && let Some(Step { what: What::Arrow { count, .. }, .. }) = self.ladder.steps.last_mut()
        {
            *count += 1;
            return;
        }
        let message = Message::read(bytes.clone()).ok();
        let there = self.there(entry, message.as_ref(), ours != is_response);
        let (from, to) = if ours { (US, there) } else { (there, US) };
        let mut label = label(entry, message.as_ref(), self.row);
        if self.legs.iter().any(|(_, index)| *index == there) {
            // The lifeline says which leg it is.
            label.retain(|piece| !piece.starts_with("tag "));
        }
        let again = is_repeat(&entry.fact);
        let what = What::Arrow { from, to, label, count: 1, again, lost: false };
        self.push(entry.at, place, what, mood(entry));
        self.last = Some(same);
    }

    /// What was dropped on its way out reached nobody: the last arrow of these bytes says so.
    fn lose(&mut self, entry: &Entry, impaired: &Impaired) {
        let row = self.row;
        let is_it = |place: usize| {
            row.timeline.entry(place).is_some_and(|sent| {
                sent.context == entry.context
                    && sent.fact.is_ours()
                    && sent.fact.message() == Some(&impaired.message)
            })
        };
        let steps = self.ladder.steps.iter_mut().rev();
        let mut arrows = steps.filter_map(|step| match &mut step.what {
            What::Arrow { count: 1, lost, .. } if is_it(step.place) => Some(lost),
            _ => None,
        });
        if let Some(lost) = arrows.next() {
            *lost = true;
        }
    }

    /// What was dropped on its way in did not reach us: no other entry has it.
    fn lost(&mut self, place: usize, entry: &Entry, impaired: &Impaired) {
        let message = Message::read(impaired.message.clone()).ok();
        let is_answer = message.as_ref().is_some_and(|message| message.status().is_some());
        let from = self.there(entry, message.as_ref(), is_answer);
        let cseq = message.as_ref().and_then(|message| message.cseq().ok());
        let cseq = cseq.map(|cseq| format!("CSeq {}", cseq.number));
        let label = [Some(impaired.name()), cseq].into_iter().flatten().collect();
        let what = What::Arrow { from, to: US, label, count: 1, again: false, lost: true };
        self.push(entry.at, place, what, Mood::Bad);
    }

    /// The lifeline at the other end of a message, of a request of ours or of the peer's.
    fn there(&mut self, entry: &Entry, message: Option<&Message>, from_us: bool) -> usize {
        let tag = message.and_then(|message| {
            let address = if from_us { message.to() } else { message.from() };
            address.ok()?.tag().map(str::to_owned)
        });
        if let Some(tag) = tag
            && let Some((_, index)) = self.legs.iter().find(|(known, _)| **known == *tag)
        {
            return *index;
        }
        let row = self.facts.contexts.find(entry.context).unwrap_or(self.row);
        let trying = self.trying.filter(|_| row.id == self.row.id);
        let key = (entry.context, entry.method.clone());
        match (&entry.fact, self.went.get(&key)) {
            (
                Fact::Sent { destination, .. }
                | Fact::CancelSent { destination, .. }
                | Fact::Acked { destination, .. },
                _,
            ) => {
                let there = self.peer(Some(destination.flow), destination.to.as_deref().copied());
                self.went.insert(key, there);
                there
            }
            // What goes again, and what answers it.
            (_, Some(there)) if from_us => *there,
            _ => self.peer(trying.or(row.created.flow), None),
        }
    }

    /// The lifeline at which something happened.
    fn over(&self, entry: &Entry) -> usize {
        match &entry.fact {
            Fact::Leg { tag, .. } => {
                self.legs.iter().find(|(known, _)| known == tag).map_or(US, |(_, index)| *index)
            }
            _ => US,
        }
    }
}

/// How many legs get a lifeline of their own.
const MOST_LEGS: usize = 16;
