//! [`Row`]: one client context, as far as the table and the detail have to know it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Timeline;
use crate::sip::{
    Cause, ContextId, Created, Fact, LegState, Method, Response, State, Status, TerminatedBy,
    Timer, TimerAt, UriBuf,
};

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
    /// The tags of the legs that are up though a BYE was sent.
    unended: Vec<Box<str>>,
    /// Whether a leg that was up is over for us, and its BYE has not reached the peer as far as is known.
    is_lost: bool,
}

/// How a context stands: its state, and what of its legs that does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The state says all.
    State(State),
    /// The dialog of a leg is still there: its BYE was refused, or could not be delivered.
    StillUp,
    /// Every leg is over for us, and one may be up at the peer: its BYE could not be sent, or its
    /// connection ended before the answer.
    MayBeUp,
    /// It rang when its connection failed, and its final response is waited for: the peer may still
    /// accept it.
    MayComeUp,
}

impl Standing {
    /// In a few words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Standing::State(state) => state.as_str(),
            Standing::StillUp => "still up",
            Standing::MayBeUp => "may be up",
            Standing::MayComeUp => State::Failed.as_str(),
        }
    }

    /// What the words leave open, as a sentence.
    pub const fn sentence(self) -> Option<&'static str> {
        match self {
            Standing::State(_) => None,
            Standing::StillUp => {
                Some("a BYE has failed: its dialog is still there, until another one ends it")
            }
            Standing::MayBeUp => {
                Some("the call may still be up at the peer: its BYE failed (Connection Error)")
            }
            Standing::MayComeUp => Some(
                "it rang when it failed: its final response is waited for, and a 2xx is hung up",
            ),
        }
    }
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

impl Row {
    /// How many legs are kept at most.
    pub const LEGS: usize = 256;

    pub(super) fn new(
        at: Instant,
        id: ContextId,
        method: Method,
        created: Box<Created>,
        status: Status,
    ) -> Row {
        Row {
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
        }
    }

    pub(super) fn shared_account(&self) -> Option<Arc<Box<str>>> {
        self.account.clone()
    }

    pub(super) fn set_account(&mut self, account: Arc<Box<str>>) {
        self.account = Some(account);
    }

    pub(super) fn set_data(&mut self, data: &str) {
        let data = data.trim();
        self.more().data = (!data.is_empty()).then(|| data.into());
    }

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

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let state = self.status.state;
        match (state, self.more.as_ref()) {
            (State::HungUp, Some(more)) if more.is_lost => Standing::MayBeUp,
            (State::Accepted, Some(more)) if !more.unended.is_empty() => Standing::StillUp,
            _ if self.final_wait().is_some() => Standing::MayComeUp,
            _ => Standing::State(state),
        }
    }

    /// Until when the final response to an INVITE is waited for that rang when its connection failed.
    pub fn final_wait(&self) -> Option<&TimerAt> {
        let waits = self.status.state == State::Failed && !self.status.ended;
        self.status.timers.iter().find(|at| waits && at.timer == Timer::CancelWait)
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

    pub(super) fn note_end(&mut self, at: Instant, fact: &Fact) {
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

    pub(super) fn note_leg(&mut self, at: Instant, fact: &Fact) {
        if let Fact::StillUp { tag, .. } = fact {
            self.more().unended.push(tag.clone());
        }
        let Fact::Leg { tag, state } = fact else { return };
        self.note_bye(tag, state);
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

    /// What a leg's new state says of its BYE.
    fn note_bye(&mut self, tag: &str, state: &LegState) {
        let is_over = matches!(state, LegState::Terminated { .. });
        if let Some(more) = &mut self.more
            && (is_over || matches!(state, LegState::HangingUp { .. }))
        {
            more.unended.retain(|unended| **unended != *tag);
        }
        // An early dialog ends with the connection of an INVITE that has no outcome, or fails with it.
        if *state == (LegState::Terminated { by: TerminatedBy::Transport })
            && matches!(self.status.state, State::Accepted | State::HungUp)
        {
            self.more().is_lost = true;
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
    pub(super) fn note_answer(&mut self, at: Instant, fact: &Fact) -> Option<Duration> {
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

/// What stands before a note: behind a label, or at the beginning.
const NOTE: [&str; 2] = [" -- ", "-- "];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::model::Entry;

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
