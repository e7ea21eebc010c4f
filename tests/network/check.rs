//! What must be true of a user agent after every step, whatever the network did.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    time::Instant,
};

use bytes::Bytes;
use rand::{RngExt, rngs::StdRng};
use sipboard::sip::{
    Cause, ContextEvent, ContextId, Fact, HeaderName, LegState, Message, Method, Response,
    ServerTransactionId, State, StatusCode, Transmit, UserAgent,
};

use super::{
    kind::kind,
    same::{is_for_us, same_but_for_us, same_request},
};

/// One user agent as it is seen from outside.
#[derive(Debug)]
pub struct Check {
    last: Instant,
    contexts: BTreeMap<ContextId, Context>,
    open: BTreeSet<ContextId>,
    /// Every request but ACK and CANCEL by its branch.
    sent: HashMap<String, Sent>,
    /// The branches of the INVITEs with that Call-ID and CSeq number.
    numbers: HashMap<(String, u32), Vec<String>>,
    /// The ACKs of 2xx and the CANCELs by their branch: always the same bytes.
    followers: HashMap<(String, Method), Bytes>,
    /// The last CSeq number of each dialog, or of each context before there is one.
    cseqs: HashMap<(String, String, Option<String>), u32>,
    /// Requests that went out and were not told yet.
    untold: VecDeque<Bytes>,
    waiting: Vec<ServerTransactionId>,
    /// How often which fact was told.
    pub tally: BTreeMap<&'static str, u64>,
}

#[derive(Debug)]
struct Sent {
    request: Message,
    provisional: bool,
    rejected: bool,
    accepted: HashSet<String>,
}

#[derive(Debug)]
struct Context {
    method: Method,
    parent: Option<ContextId>,
    outcome: Option<Outcome>,
    cancelled: bool,
    /// Whether a provisional has come.
    rang: bool,
    /// Whether it rang when its connection ended: it is cancelled, and a 2xx may still come.
    lost: bool,
    ended: bool,
    accepted: HashSet<Option<String>>,
    legs: BTreeMap<Box<str>, Leg>,
    /// The cause of a rejection whose failure must follow.
    rejected: Option<Cause>,
    /// The tag of a fork that rings, though another has accepted: its leg must follow.
    new_fork: Option<String>,
}

#[derive(Debug)]
struct Leg {
    state: LegState,
    confirmed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    Failed,
}

impl Check {
    pub fn new(now: Instant) -> Check {
        Check {
            last: now,
            contexts: BTreeMap::new(),
            open: BTreeSet::new(),
            sent: HashMap::new(),
            numbers: HashMap::new(),
            followers: HashMap::new(),
            cseqs: HashMap::new(),
            untold: VecDeque::new(),
            waiting: Vec::new(),
            tally: BTreeMap::new(),
        }
    }

    pub fn contexts(&self) -> usize {
        self.contexts.len()
    }

    /// How many contexts have not ended.
    pub fn under_way(&self) -> usize {
        self.open.len()
    }

    pub fn open(&self) -> impl ExactSizeIterator<Item = ContextId> {
        self.open.iter().copied()
    }

    /// The tag of a leg, one that is up where there is one.
    pub fn some_tag(&self, id: ContextId) -> Option<Box<str>> {
        let legs = &self.contexts.get(&id)?.legs;
        let up = legs.iter().find(|(_, leg)| leg.state == LegState::Confirmed);
        up.or_else(|| legs.iter().next()).map(|(tag, _)| tag.clone())
    }

    /// The tag of an early leg.
    pub fn early_tag(&self, id: ContextId) -> Option<Box<str>> {
        let mut legs = self.contexts.get(&id)?.legs.iter();
        legs.find(|(_, leg)| leg.state == LegState::Early).map(|(tag, _)| tag.clone())
    }

    /// A request of the peer that waits for an answer by hand.
    pub fn waiting_answer(&self, rng: &mut StdRng) -> Option<ServerTransactionId> {
        let count = self.waiting.len();
        (count > 0).then(|| self.waiting[rng.random_range(0..count)])
    }

    pub fn answered(&mut self, transaction: ServerTransactionId) {
        self.waiting.retain(|waiting| *waiting != transaction);
    }

    /// Before the user agent gets a message.
    pub fn message_comes(&mut self, bytes: &Bytes) {
        let Ok(message) = Message::read(bytes.clone()) else { return };
        let Some(status) = message.status() else { return };
        let Ok(essentials) = message.essentials() else { return };
        let Some(sent) = essentials.via.branch().and_then(|branch| self.sent.get_mut(branch))
        else {
            return;
        };
        if essentials.cseq.method != "INVITE" || !is_for_us(&message, &sent.request) {
            return;
        }
        match status.code() {
            100..=199 => sent.provisional = true,
            200..=299 => {
                // A line break that the network put into it is never sent on.
                let tag = essentials.to.tag().unwrap_or_default();
                sent.accepted.insert(tag.replace(['\r', '\n'], " "));
            }
            _ => sent.rejected = true,
        }
    }

    /// The user agent sends.
    pub fn transmit(&mut self, transmit: &Transmit) {
        let message = Message::read(transmit.bytes.clone()).expect("what is sent can be read");
        let essentials = match (message.status(), message.essentials()) {
            (_, Ok(essentials)) => essentials,
            // It echoes what the network has done to the peer's headers (RFC 3261 §8.2.6.2).
            (Some(status), Err(_)) if matches!(status.code(), 400 | 505) => return,
            (_, Err(error)) => panic!("what is sent cannot be used: {error}: {message:?}"),
        };
        let Some(method) = message.method() else { return };
        self.untold.push_back(transmit.bytes.clone());
        let branch = essentials.via.branch().expect("every request has a branch").to_owned();
        match method {
            Method::Ack => self.ack(branch, &message),
            Method::Cancel => self.cancel(branch, &message),
            _ => self.request(branch, message),
        }
    }

    /// RFC 3261 §17.1.1.3: the ACK of a rejection has the INVITE's branch; §13.2.2.4: that of a 2xx
    /// another. There is no ACK for a provisional.
    fn ack(&mut self, branch: String, ack: &Message) {
        let essentials = ack.essentials().expect("checked");
        if let Some(invite) = self.sent.get(&branch) {
            assert!(invite.rejected, "an ACK of what was not rejected: {ack:?}");
            return same_request(&invite.request, ack);
        }
        let key = (essentials.call_id.to_owned(), essentials.cseq.number);
        // RFC 3261 §12.1.2: a missing tag is a null tag.
        let tag = essentials.to.tag().unwrap_or_default();
        let invites = self.numbers.get(&key).map(Vec::as_slice).unwrap_or_default();
        assert!(
            // A peer that gave its dialog no tag may give a re-INVITE one: the dialog has none.
            invites.iter().map(|invite| &self.sent[invite].accepted).any(|accepted| {
                accepted.contains(tag) || (tag.is_empty() && !accepted.is_empty())
            }),
            "an ACK of what was not accepted: {ack:?}"
        );
        self.follower(branch, Method::Ack, ack);
    }

    /// RFC 3261 §9.1.
    fn cancel(&mut self, branch: String, cancel: &Message) {
        let invite = self.sent.get(&branch).expect("a CANCEL has the branch of its INVITE");
        assert_eq!(invite.request.method(), Some(Method::Invite));
        assert!(invite.provisional, "a CANCEL before a provisional: {cancel:?}");
        if !self.followers.contains_key(&(branch.clone(), Method::Cancel)) {
            let has_final = invite.rejected || !invite.accepted.is_empty();
            assert!(!has_final, "a CANCEL after a final response: {cancel:?}");
        }
        same_request(&invite.request, cancel);
        let to = |message: &Message| message.header(HeaderName::To).map(|to| to.value.to_vec());
        assert_eq!(to(&invite.request), to(cancel));
        self.follower(branch, Method::Cancel, cancel);
    }

    /// An ACK or CANCEL that is sent again is the same.
    fn follower(&mut self, branch: String, method: Method, message: &Message) {
        let first =
            self.followers.entry((branch, method)).or_insert_with(|| message.bytes().clone());
        assert_eq!(first, message.bytes());
    }

    fn request(&mut self, branch: String, request: Message) {
        if let Some(sent) = self.sent.get(&branch) {
            let names = |message: &Message| message.via().map(|via| via.host().to_owned());
            // What crossed the end of its connection goes once more on another, where we have another
            // name.
            match names(&sent.request) == names(&request) {
                true => assert_eq!(sent.request.bytes(), request.bytes(), "a branch is used twice"),
                false => same_but_for_us(&sent.request, &request),
            }
            self.sent.get_mut(&branch).expect("it is there").request = request;
            return;
        }
        let essentials = request.essentials().expect("checked");
        let (call_id, number) = (essentials.call_id.to_owned(), essentials.cseq.number);
        let from = essentials.from.tag().expect("From has a tag").to_owned();
        let to = essentials.to.tag().map(str::to_owned);
        // RFC 3261 §8.1.3.5, §12.2.1.1: the numbers of a context, or of a dialog, grow.
        let before = self.cseqs.insert((call_id.clone(), from, to), number);
        if before == Some(number) {
            // RFC 3263 §4.3: what was refused goes elsewhere, the same but for its branch; and so does a
            // BYE whose connection has ended, where the user leaves before there is another.
            let is_it = |sent: &&Sent| {
                let first = &sent.request;
                let tag = |message: &Message| message.to().unwrap().tag().map(str::to_owned);
                first.method() == request.method()
                    && first.call_id() == request.call_id()
                    && tag(first) == tag(&request)
                    && first.cseq().unwrap().number == number
                    && (first.via().unwrap().transport() == "UDP"
                        || request.method() == Some(Method::Bye))
            };
            let first = self.sent.values().find(is_it).expect("the CSeq number again");
            same_but_for_us(&first.request, &request);
        } else {
            assert!(before.is_none_or(|before| before < number), "CSeq {before:?}: {request:?}");
        }
        if request.method() == Some(Method::Invite) {
            self.numbers.entry((call_id, number)).or_default().push(branch.clone());
        }
        let sent = Sent { request, provisional: false, rejected: false, accepted: HashSet::new() };
        self.sent.insert(branch, sent);
    }

    /// The user agent tells something.
    pub fn event(&mut self, now: Instant, event: ContextEvent) {
        assert_eq!(event.at, now, "told at another time: {event:?}");
        assert!(event.at >= self.last);
        self.last = event.at;
        self.told(&event.fact);
        *self.tally.entry(kind(&event.fact)).or_default() += 1;
        let id = event.context;
        if let Fact::Created(created) = &event.fact {
            assert_eq!(id.0, self.contexts.len() as u64 + 1, "contexts are counted");
            if let Some(parent) = created.parent {
                assert!(self.contexts.contains_key(&parent));
            }
            let context = Context {
                method: event.method.clone(),
                parent: created.parent,
                outcome: None,
                cancelled: false,
                rang: false,
                lost: false,
                ended: false,
                accepted: HashSet::new(),
                legs: BTreeMap::new(),
                rejected: None,
                new_fork: None,
            };
            self.contexts.insert(id, context);
            self.open.insert(id);
        }
        if let Fact::Received { transaction: Some(transaction), .. } = &event.fact {
            self.waiting.push(*transaction);
        }
        if let Fact::Leg { tag, state: LegState::HangingUp { .. } } = &event.fact
            && !self.contexts[&id].legs[tag].confirmed
        {
            *self.tally.entry("leg hung up early").or_default() += 1;
        }
        if event.method == Method::Prack {
            self.prack(&event);
        }
        let context = self.contexts.get_mut(&id).expect("created comes first");
        context.happens(&event);
        if context.ended {
            self.open.remove(&id);
        } else {
            self.open.insert(id);
        }
    }

    /// No PRACK goes out for an INVITE that has ended, nor on a leg that is over.
    fn prack(&self, event: &ContextEvent) {
        let (Fact::Sent { message, .. } | Fact::Retransmitted { message, .. }) = &event.fact else {
            return;
        };
        let context = &self.contexts[&event.context];
        assert!(!context.ended, "after the end: {event:?}");
        let prack = Message::read(message.clone()).expect("what is sent can be read");
        let to = prack.to().expect("checked");
        let owner = context.parent.map_or(context, |parent| &self.contexts[&parent]);
        // A dialog of RFC 2543 has no tag.
        let leg = owner.legs.get(to.tag().unwrap_or_default());
        let is_over = leg.is_none_or(|leg| matches!(leg.state, LegState::Terminated { .. }));
        assert!(!is_over, "on a leg that is over: {event:?}");
    }

    /// What is said to have been sent was sent, in that order.
    fn told(&mut self, fact: &Fact) {
        let message = match fact {
            Fact::Sent { message, .. }
            | Fact::Retransmitted { message, .. }
            | Fact::CancelSent { message, .. }
            | Fact::Acked { message, .. } => message,
            _ => return,
        };
        if !message.starts_with(b"SIP/2.0 ") {
            assert_eq!(self.untold.pop_front().as_ref(), Some(message), "not what was sent");
        }
    }

    /// After each call of the user agent.
    pub fn settle(&self, ua: &UserAgent) {
        assert!(self.untold.is_empty(), "sent for a context that is gone: {:?}", self.untold);
        assert!(ua.contexts() >= self.open.len(), "a context is gone that has not ended");
    }

    /// Everything has run down.
    pub fn at_the_end(&self, ua: &UserAgent) {
        let open: Vec<_> = self.open.iter().map(|id| (id, &self.contexts[id])).collect();
        assert!(open.is_empty(), "contexts that never end: {open:?}");
        assert_eq!(ua.poll_timeout(), None);
    }
}

impl Context {
    fn happens(&mut self, event: &ContextEvent) {
        let own = event.method == self.method;
        if let Some(cause) = self.rejected.take() {
            let follows = matches!(
                &event.fact,
                Fact::Failed { response: Some(_), cause: same, .. } if *same == cause
            );
            assert!(follows, "a failure must follow a rejection: {event:?}");
        }
        if let Some(tag) = self.new_fork.take() {
            let Fact::Leg { tag: of, state: LegState::Early } = &event.fact else {
                panic!("a leg must follow: {event:?}")
            };
            assert_eq!(**of, *tag, "{event:?}");
        }
        match &event.fact {
            Fact::Sent { .. } if own => {
                self.goes_on(event);
                // RFC 3261 §12.1: each try of an INVITE makes dialogs of its own.
                self.legs.retain(|_, leg| !matches!(leg.state, LegState::Terminated { .. }));
            }
            Fact::Progress(response) if own => {
                assert!(response.status.is_provisional());
                self.rang = true;
                self.rings_on(event, response);
            }
            Fact::Challenged { .. } | Fact::Redirected { .. } if own => self.goes_on(event),
            Fact::Accepted { response, again } => {
                assert!(response.status.is_success());
                let in_time = self.outcome != Some(Outcome::Failed) || self.lost;
                assert!(in_time, "accepted too late: {event:?}");
                assert!(*again || self.outcome.is_none() || self.method == Method::Invite);
                let new = self.accepted.insert(response.to_tag());
                assert!(*again || new, "accepted twice: {event:?}");
                self.outcome = Some(Outcome::Accepted);
                assert!(!(self.lost && self.ended), "after the end: {event:?}");
                self.lost = false;
                // A late fork opens a context again that had ended with its other legs.
                self.ended &= *again;
            }
            Fact::Rejected { response, cause } => {
                assert!(response.status.code() >= 300);
                self.goes_on(event);
                self.rejected = Some(*cause);
            }
            // RFC 6665 §4.1.2.4: what a 2xx has announced fails where no NOTIFY follows.
            Fact::Failed { response: None, cause: Cause::RequestTimeout, .. }
                if self.outcome == Some(Outcome::Accepted) =>
            {
                let subscribes = matches!(self.method, Method::Subscribe | Method::Refer);
                assert!(subscribes && self.parent.is_none() && !self.ended, "{event:?}");
                assert!(self.legs.values().all(|leg| !leg.confirmed), "{event:?}");
                self.outcome = Some(Outcome::Failed);
            }
            Fact::Failed { response, cause, .. } => {
                self.goes_on(event);
                self.lost = response.is_none() && *cause == Cause::ConnectionError && self.rang;
                self.outcome = Some(Outcome::Failed);
            }
            Fact::Cancel { .. } => {
                // One that could not be sent is sent once more where the user wishes.
                let first = !self.cancelled || (self.lost && !self.ended);
                assert!(self.method == Method::Invite && first, "{event:?}");
                self.cancelled = true;
                if !self.lost {
                    self.goes_on(event);
                }
            }
            Fact::CancelSent { .. } => {
                assert!(self.cancelled || self.lost, "{event:?}");
                if !self.lost {
                    self.goes_on(event);
                }
            }
            Fact::Leg { tag, state } => {
                let leg = Leg { state: LegState::Early, confirmed: false };
                let leg = self.legs.entry(tag.clone()).or_insert(leg);
                let over = matches!(leg.state, LegState::Terminated { .. });
                assert!(!over || *state == LegState::Confirmed, "a leg comes back: {event:?}");
                leg.confirmed |= *state == LegState::Confirmed;
                leg.state = state.clone();
            }
            Fact::Ended { .. } => {
                assert!(self.outcome.is_some(), "ended without an outcome: {event:?}");
                assert!(!self.ended, "ended twice: {event:?}");
                self.ended = true;
            }
            _ => {}
        }
        self.status(event);
    }

    /// Another fork may ring after one has accepted, and its leg follows (RFC 3261 §13.2.2.4).
    fn rings_on(&mut self, event: &ContextEvent, response: &Response) {
        if self.outcome != Some(Outcome::Accepted) {
            return self.goes_on(event);
        }
        assert!(self.method == Method::Invite && self.parent.is_none(), "{event:?}");
        assert!(response.status != StatusCode::TRYING && !self.ended, "{event:?}");
        let tag = response.to_tag().unwrap_or_else(|| panic!("of no fork: {event:?}"));
        match self.legs.get(&*tag) {
            Some(Leg { confirmed: false, state })
                if !matches!(state, LegState::Terminated { .. }) => {}
            Some(leg) => panic!("of {leg:?}: {event:?}"),
            None => self.new_fork = Some(tag),
        }
    }

    /// Only a context without a final outcome gets here.
    fn goes_on(&self, event: &ContextEvent) {
        assert_eq!(self.outcome, None, "after the final outcome: {event:?}");
        assert!(!self.ended, "after the end: {event:?}");
    }

    fn status(&self, event: &ContextEvent) {
        let status = &event.status;
        assert_eq!(status.ended, self.ended, "{event:?}");
        assert!(status.attempts <= status.attempts_max, "{event:?}");
        assert!(status.timers.iter().all(|timer| timer.at >= event.at), "in the past: {event:?}");
        assert!(status.timers.is_sorted_by_key(|timer| timer.at), "{event:?}");
        let is_up = |leg: &&Leg| leg.confirmed && !matches!(leg.state, LegState::Terminated { .. });
        let up = self.legs.values().filter(is_up).count();
        // The leg of a 2xx is told right after it.
        if !matches!(event.fact, Fact::Accepted { .. } | Fact::Leg { .. }) {
            assert_eq!(status.legs_up as usize, up, "{event:?}");
        }
        match status.state {
            State::Sent => panic!("nothing raw is sent here: {event:?}"),
            State::Accepted | State::HungUp => {
                assert_eq!(self.outcome, Some(Outcome::Accepted), "{event:?}");
            }
            State::Cancelling => assert!(self.cancelled, "{event:?}"),
            State::Waiting | State::Calling | State::Trying | State::Proceeding => {
                assert_eq!(self.outcome, None, "{event:?}");
            }
            State::Canceled | State::Rejected | State::Failed => {
                assert_ne!(self.outcome, Some(Outcome::Accepted), "{event:?}");
            }
        }
    }
}

/// Every fact that there is but [`RARE`], and a leg that was hung up while it was early.
pub const KINDS: usize = 38;
/// What many worlds never see: an answer by hand whose flow is gone, an ACK whose hop cannot be
/// reached while the flow of its INVITE is gone too, and a fork that notifies too late.
pub const RARE: [&str; 3] = ["answer failed", "ack failed", "no leg"];
