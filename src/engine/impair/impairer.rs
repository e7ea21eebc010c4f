//! [`Impairer`]: carries rules out, one message at a time, and keeps what is held back.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use smallvec::{SmallVec, smallvec};

use super::{Action, Impairments, Rule, rule::Traits};
use crate::sip::{Deed, Direction, FlowId, Impaired, Transport};

/// A message between the engine and the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Packet {
    pub(in crate::engine) direction: Direction,
    pub(in crate::engine) flow: FlowId,
    pub(in crate::engine) transport: Transport,
    /// On its way in: who sent it. On its way out: where it goes, where that is not the flow's peer.
    pub(in crate::engine) address: Option<SocketAddr>,
    pub(in crate::engine) bytes: Bytes,
}

/// What is to be told of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Mark {
    pub(in crate::engine) flow: FlowId,
    /// The bytes by which its context is found.
    pub(in crate::engine) original: Bytes,
    pub(in crate::engine) impaired: Impaired,
}

/// What is to be done now, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Step {
    /// Tell this.
    Tell(Mark),
    /// Hand this on, and then tell the mark, if it could be handed on.
    Pass(Packet, Option<Mark>),
}

pub(in crate::engine) type Steps = SmallVec<[Step; 2]>;

/// The rules at work, and what they hold back.
#[derive(Debug)]
pub(in crate::engine) struct Impairer {
    rules: Vec<Carried>,
    held: BTreeMap<Place, Held>,
    /// What waits to be overtaken: at most one message of each flow and direction.
    waiting: HashMap<(FlowId, Direction), Place>,
    /// How much is held back.
    weight: usize,
    next: u64,
}

/// A rule that is carried out.
#[derive(Debug)]
struct Carried {
    rule: Rule,
    /// How many messages it has been about.
    met: u64,
    /// For what goes out and for what comes in: which of the two was first says the clock, and no
    /// seed. Another rule's chance does not matter either.
    chance: [StdRng; 2],
}

impl Carried {
    fn chance(&mut self, direction: Direction) -> &mut StdRng {
        match direction {
            Direction::Out => &mut self.chance[0],
            Direction::In => &mut self.chance[1],
        }
    }
}

/// When a message is let go, and which of several at once comes first.
type Place = (Instant, u64);

#[derive(Debug)]
struct Held {
    packet: Packet,
    rule: Arc<str>,
    since: Instant,
}

impl Held {
    /// What it weighs: its bytes, and what is kept beside them.
    fn weight(&self) -> usize {
        self.packet.bytes.len() + 256
    }
}

/// How much may be held back; what comes then passes as it is.
const WEIGHT: usize = 64 << 20;

impl Impairer {
    /// Carries nothing out yet.
    pub(in crate::engine) fn new() -> Impairer {
        Impairer {
            rules: Vec::new(),
            held: BTreeMap::new(),
            waiting: HashMap::new(),
            weight: 0,
            next: 0,
        }
    }

    /// Carries other rules out from now on, with their seed or else the one given; gives them with
    /// the seed. What is held back stays so until its time.
    pub(in crate::engine) fn set(&mut self, mut rules: Impairments, seed: u64) -> Impairments {
        let seed = *rules.seed.get_or_insert(seed);
        let mut chance = StdRng::seed_from_u64(seed);
        let carried = rules.rules.iter().map(|rule| Carried {
            rule: rule.clone(),
            met: 0,
            chance: std::array::from_fn(|_| StdRng::seed_from_u64(chance.next_u64())),
        });
        self.rules = carried.collect();
        rules
    }

    /// Whether messages have to be shown to it.
    pub(in crate::engine) fn is_at_work(&self) -> bool {
        !self.rules.is_empty() || !self.waiting.is_empty()
    }

    /// Whether something of ours has not gone out yet.
    pub(in crate::engine) fn holds_ours(&self) -> bool {
        self.held.values().any(|held| held.packet.direction == Direction::Out)
    }

    /// When [`Impairer::take_due`] has something.
    pub(in crate::engine) fn poll_timeout(&self) -> Option<Instant> {
        self.held.first_key_value().map(|((at, _), _)| *at)
    }

    /// What is let go because its time has come; call it until it gives nothing.
    pub(in crate::engine) fn take_due(&mut self, now: Instant) -> Option<Step> {
        let place = *self.held.first_key_value()?.0;
        (place.0 <= now).then(|| self.release(now, place)).flatten()
    }

    /// What becomes of a message.
    pub(in crate::engine) fn judge(&mut self, now: Instant, packet: Packet) -> Steps {
        let lane = (packet.flow, packet.direction);
        let mut steps = match self.choose(&packet) {
            Some(place) => self.act(now, packet, place),
            None => smallvec![Step::Pass(packet, None)],
        };
        let passes = steps.iter().any(|step| matches!(step, Step::Pass(..)));
        if passes && let Some(&overtaken) = self.waiting.get(&lane) {
            steps.extend(self.release(now, overtaken));
        }
        steps
    }

    /// The place of the first rule that applies.
    fn choose(&mut self, packet: &Packet) -> Option<usize> {
        // RFC 5626 §3.5.1: a keep-alive is no message.
        if packet.bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            return None;
        }
        let Packet { direction, flow, transport, bytes, .. } = packet;
        let traits = Traits::of(*direction, *flow, *transport, bytes);
        self.rules.iter_mut().position(|carried| {
            if !carried.rule.is_about(&traits) {
                return false;
            }
            carried.met += 1;
            if carried.rule.first.is_some_and(|first| carried.met > first) {
                return false;
            }
            let percent = carried.rule.percent;
            percent >= 100.0 || unit(carried.chance(*direction)) * 100.0 < percent
        })
    }

    /// Carries out the rule in that place.
    fn act(&mut self, now: Instant, packet: Packet, place: usize) -> Steps {
        let carried = &mut self.rules[place];
        let (action, rule) = (carried.rule.action.clone(), carried.rule.text.clone());
        let chance = carried.chance(packet.direction);
        match action {
            Action::Drop => smallvec![Step::Tell(mark(&packet, Deed::Dropped, rule))],
            Action::Duplicate => {
                let mark = mark(&packet, Deed::Duplicated, rule);
                match packet.direction {
                    Direction::In => smallvec![
                        Step::Tell(mark),
                        Step::Pass(packet.clone(), None),
                        Step::Pass(packet, None)
                    ],
                    Direction::Out => {
                        smallvec![Step::Pass(packet.clone(), None), Step::Pass(packet, Some(mark))]
                    }
                }
            }
            Action::Delay(bounds) => {
                let more = bounds.end().saturating_sub(*bounds.start());
                let time = *bounds.start() + more.mul_f64(unit(chance));
                self.hold(now, packet, Deed::Held(time), rule, time).0
            }
            Action::Reorder(most) => {
                let lane = (packet.flow, packet.direction);
                // Two that wait for each other would go in their old order: this one overtakes.
                if self.waiting.contains_key(&lane) {
                    return smallvec![Step::Pass(packet, None)];
                }
                let (steps, place) = self.hold(now, packet, Deed::HeldForNext(most), rule, most);
                if let Some(place) = place {
                    self.waiting.insert(lane, place);
                }
                steps
            }
            Action::Corrupt => corrupt(packet, rule, chance),
        }
    }

    fn hold(
        &mut self,
        now: Instant,
        packet: Packet,
        deed: Deed,
        rule: Arc<str>,
        time: Duration,
    ) -> (Steps, Option<Place>) {
        let told = mark(&packet, deed, rule.clone());
        let held = Held { packet, rule, since: now };
        if self.weight + held.weight() > WEIGHT {
            return (smallvec![Step::Pass(held.packet, None)], None);
        }
        self.weight += held.weight();
        self.next += 1;
        let place = (now + time, self.next);
        self.held.insert(place, held);
        (smallvec![Step::Tell(told)], Some(place))
    }

    /// Lets go what is held back in a place.
    fn release(&mut self, now: Instant, place: Place) -> Option<Step> {
        let held = self.held.remove(&place)?;
        self.weight -= held.weight();
        let Held { packet, rule, since } = held;
        let lane = (packet.flow, packet.direction);
        if self.waiting.get(&lane) == Some(&place) {
            self.waiting.remove(&lane);
        }
        // What comes in is told by what it does.
        let told = (packet.direction == Direction::Out)
            .then(|| mark(&packet, Deed::Left(now.saturating_duration_since(since)), rule));
        Some(Step::Pass(packet, told))
    }
}

/// Changes one byte.
fn corrupt(packet: Packet, rule: Arc<str>, chance: &mut StdRng) -> Steps {
    let mut bytes = packet.bytes.to_vec();
    let offset = (unit(chance) * bytes.len() as f64) as usize;
    let Some(byte) = bytes.get_mut(offset) else {
        return smallvec![Step::Pass(packet, None)];
    };
    let from = *byte;
    // Never the same: what is added is not 0.
    *byte ^= (chance.next_u64() % 255) as u8 + 1;
    let deed = Deed::Corrupted { offset, from, to: *byte };
    let changed = Packet { bytes: bytes.into(), ..packet.clone() };
    let mut told = mark(&packet, deed, rule);
    match packet.direction {
        Direction::In => smallvec![Step::Tell(told), Step::Pass(changed, None)],
        Direction::Out => {
            told.impaired.message = changed.bytes.clone();
            smallvec![Step::Pass(changed, Some(told))]
        }
    }
}

fn mark(packet: &Packet, deed: Deed, rule: Arc<str>) -> Mark {
    let (direction, message) = (packet.direction, packet.bytes.clone());
    Mark {
        flow: packet.flow,
        original: packet.bytes.clone(),
        impaired: Impaired { direction, deed, rule, message },
    }
}

/// A number from 0, below 1.
fn unit(chance: &mut StdRng) -> f64 {
    // 53 bits are what an f64 holds.
    (chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
