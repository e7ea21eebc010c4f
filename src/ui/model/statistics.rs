//! [`Statistics`]: messages counted by method, status code and flow, and by the second.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use crate::sip::{Fact, FlowId, Method, StatusCode};

/// How many seconds are kept.
pub const SECONDS: u64 = 60;
/// How many methods are told apart: peers can make up as many as they like.
const METHODS: usize = 32;

/// How many flows are told apart: each connection that a peer opens is one.
const FLOWS: usize = 64;

/// Messages that went out and came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that went out, retransmissions too.
    pub sent: u64,
    /// Those that came in.
    pub received: u64,
}

/// What is counted.
#[derive(Debug, Default)]
pub struct Statistics {
    methods: BTreeMap<Box<str>, Counts>,
    others: Counts,
    codes: BTreeMap<u16, Counts>,
    flows: BTreeMap<FlowId, Counts>,
    /// Those of flows that gave way to newer ones.
    earlier: Counts,
    begun: Option<Instant>,
    /// By the second since the first message; seconds without one are left out.
    seconds: VecDeque<(u64, Counts)>,
}

/// A message, as far as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    is_sent: bool,
    code: Option<StatusCode>,
}

impl Counted {
    /// The message that a fact is about, where it is about one.
    pub fn of(fact: &Fact) -> Option<Counted> {
        let (is_sent, code) = match fact {
            Fact::Sent { .. }
            | Fact::Retransmitted { .. }
            | Fact::CancelSent { .. }
            | Fact::Acked { .. } => (true, None),
            Fact::Answered { response, .. } => (true, Some(response.status)),
            Fact::Received { .. } | Fact::Beside { .. } => (false, None),
            Fact::Progress(response)
            | Fact::PrackAnswered(response)
            | Fact::CancelAnswered(response)
            | Fact::Accepted { response, .. }
            | Fact::Rejected { response, .. }
            | Fact::Challenged { response, .. }
            | Fact::Redirected { response, .. }
            | Fact::Absorbed { response, .. } => (false, Some(response.status)),
            Fact::PassedOver { response: Some(response), .. } => (false, Some(response.status)),
            _ => return None,
        };
        Some(Counted { is_sent, code })
    }

    /// An answer of ours.
    pub const fn answer(status: StatusCode) -> Counted {
        Counted { is_sent: true, code: Some(status) }
    }

    /// One that came in and that no context claims.
    pub const STRAY: Counted = Counted { is_sent: false, code: None };
}

impl Counts {
    fn add(&mut self, counted: Counted) {
        match counted.is_sent {
            true => self.sent += 1,
            false => self.received += 1,
        }
    }

    fn sum(self) -> u64 {
        self.sent + self.received
    }
}

impl Statistics {
    /// Counts a message.
    pub fn count(
        &mut self,
        at: Instant,
        method: Option<&Method>,
        flow: Option<FlowId>,
        counted: Counted,
    ) {
        if let Some(method) = method {
            let name = method.as_str();
            let has_room = self.methods.len() < METHODS;
            match self.methods.get_mut(name) {
                Some(known) => known.add(counted),
                None if has_room => self.methods.entry(name.into()).or_default().add(counted),
                None => self.others.add(counted),
            }
        }
        if let Some(code) = counted.code {
            self.codes.entry(code.code()).or_default().add(counted);
        }
        if let Some(flow) = flow {
            self.flows.entry(flow).or_default().add(counted);
            if self.flows.len() > FLOWS {
                self.fold(flow);
            }
        }
        let begun = *self.begun.get_or_insert(at);
        let second = at.saturating_duration_since(begun).as_secs();
        match self.seconds.back_mut() {
            Some((last, counts)) if *last >= second => counts.add(counted),
            _ => {
                let mut counts = Counts::default();
                counts.add(counted);
                self.seconds.push_back((second, counts));
                while self.seconds.front().is_some_and(|(first, _)| first + SECONDS < second) {
                    self.seconds.pop_front();
                }
            }
        }
    }

    /// Counts one of the others together with those that gave way before: of the connections that
    /// peers opened, whose numbers are the highest, the oldest.
    fn fold(&mut self, newest: FlowId) {
        let oldest = self.flows.keys().copied().find(|flow| flow.is_accepted() && *flow != newest);
        let Some(flow) = oldest.or_else(|| self.flows.keys().copied().find(|it| *it != newest))
        else {
            return;
        };
        if let Some(Counts { sent, received }) = self.flows.remove(&flow) {
            self.earlier.sent += sent;
            self.earlier.received += received;
        }
    }

    /// Whether nothing was counted yet.
    pub fn is_empty(&self) -> bool {
        self.begun.is_none()
    }

    /// By method, those last that are too many to be told apart.
    pub fn methods(&self) -> impl Iterator<Item = (&str, Counts)> {
        let others = (self.others.sum() > 0).then_some(("others", self.others));
        self.methods.iter().map(|(name, counts)| (&**name, *counts)).chain(others)
    }

    /// By status code.
    pub fn codes(&self) -> impl Iterator<Item = (u16, Counts)> {
        self.codes.iter().map(|(code, counts)| (*code, *counts))
    }

    /// By flow, and those together that gave way to newer ones.
    pub fn flows(&self) -> impl Iterator<Item = (Option<FlowId>, Counts)> {
        let earlier = (self.earlier.sum() > 0).then_some((None, self.earlier));
        self.flows.iter().map(|(flow, counts)| (Some(*flow), *counts)).chain(earlier)
    }

    /// The last whole seconds, the oldest first, the one that runs now left out.
    pub fn last(&self, now: Instant) -> Vec<Counts> {
        let mut last = vec![Counts::default(); SECONDS as usize];
        let Some(begun) = self.begun else { return last };
        let running = now.saturating_duration_since(begun).as_secs();
        for (second, counts) in &self.seconds {
            // How many seconds before the one that runs.
            if let Some(back @ 1..=SECONDS) = running.checked_sub(*second) {
                last[(SECONDS - back) as usize] = *counts;
            }
        }
        last
    }

    /// When [`Statistics::last`] changes by itself; `None` where there is nothing left to move.
    pub fn changes_at(&self, now: Instant) -> Option<Instant> {
        let begun = self.begun?;
        let running = now.saturating_duration_since(begun).as_secs();
        let (latest, _) = self.seconds.back()?;
        (running <= latest + SECONDS).then(|| begun + Duration::from_secs(running + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_method_and_by_the_second() {
        let start = Instant::now();
        let mut statistics = Statistics::default();
        assert!(statistics.is_empty() && statistics.changes_at(start).is_none());
        let sent = Counted { is_sent: true, code: None };
        let busy = Counted { is_sent: false, code: StatusCode::new(486) };
        for second in 0..100 {
            let at = start + Duration::from_secs(second);
            statistics.count(at, Some(&Method::Invite), Some(FlowId(1)), sent);
            statistics.count(at, Some(&Method::Invite), Some(FlowId(1)), busy);
        }
        let all = Counts { sent: 100, received: 100 };
        assert_eq!(statistics.methods().collect::<Vec<_>>(), [("INVITE", all)]);
        assert_eq!(statistics.codes().collect::<Vec<_>>(), [(486, Counts { sent: 0, ..all })]);
        let now = start + Duration::from_secs(102);
        let last = statistics.last(now);
        let one = Counts { sent: 1, received: 1 };
        assert_eq!((last.len(), last[0], last[57]), (60, one, one));
        assert_eq!(last[58..], [Counts::default(); 2], "nothing came in the last two seconds");
        assert_eq!(statistics.changes_at(now), Some(start + Duration::from_secs(103)));
        assert_eq!(statistics.changes_at(now + Duration::from_secs(60)), None);
        assert!(statistics.seconds.len() <= 61);
    }

    #[test]
    fn connections_of_peers_without_end_take_no_room_without_end() {
        let mut statistics = Statistics::default();
        let sent = Counted { is_sent: true, code: None };
        let accepted = FlowId::FIRST_ACCEPTED.0;
        for flow in [1, 2].into_iter().chain(accepted..accepted + 1000) {
            statistics.count(Instant::now(), None, Some(FlowId(flow)), sent);
        }
        let flows: Vec<_> = statistics.flows().collect();
        assert_eq!(flows.len(), FLOWS + 1);
        assert_eq!((flows[0].0, flows[1].0), (Some(FlowId(1)), Some(FlowId(2))));
        assert_eq!(flows[FLOWS - 1].0, Some(FlowId(accepted + 999)));
        assert_eq!(flows[FLOWS], (None, Counts { sent: 1002 - FLOWS as u64, received: 0 }));
    }

    #[test]
    fn methods_that_a_peer_makes_up_take_no_room_without_end() {
        let mut statistics = Statistics::default();
        for n in 0..100 {
            let method: Method = format!("M{n}").parse().unwrap();
            statistics.count(Instant::now(), Some(&method), None, Counted::STRAY);
        }
        let (name, others) = statistics.methods().last().unwrap();
        assert_eq!((name, others.received), ("others", 100 - METHODS as u64));
    }
}
