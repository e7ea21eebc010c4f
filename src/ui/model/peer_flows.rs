//! The connections that peers have opened to us.

use std::collections::{BTreeMap, VecDeque};

use crate::{engine::PeerFlow, sip::FlowId};

/// Of how many that are over something is kept: a peer can come and go for ever.
const ENDED: usize = 1_000;

/// The connections that peers have opened to us: all that are open, and those that ended last.
#[derive(Debug, Default)]
pub struct PeerFlows {
    flows: BTreeMap<FlowId, Known>,
    ended: VecDeque<FlowId>,
}

/// One of them.
#[derive(Debug)]
struct Known {
    opened: PeerFlow,
    ended: Option<PeerFlow>,
}

impl PeerFlows {
    /// Takes in that one was opened, or has ended.
    pub fn apply(&mut self, told: PeerFlow) {
        if told.ended.is_none() {
            self.flows.insert(told.flow, Known { opened: told, ended: None });
            return;
        }
        let Some(known) = self.flows.get_mut(&told.flow) else { return };
        self.ended.push_back(told.flow);
        known.ended = Some(told);
        if self.ended.len() > ENDED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.flows.remove(&oldest);
        }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.flows.len() - self.ended.len()
    }

    /// How one was opened, and how it has ended, where it has.
    pub fn find(&self, flow: FlowId) -> Option<(&PeerFlow, Option<&PeerFlow>)> {
        self.flows.get(&flow).map(|known| (&known.opened, known.ended.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sip::Transport;

    #[test]
    fn only_the_last_of_those_that_ended_are_kept_and_all_that_are_open() {
        let address = "127.0.0.1:5060".parse().unwrap();
        let told = |number: u32, ended: Option<&str>| PeerFlow {
            at: Instant::now(),
            flow: FlowId(number),
            transport: Transport::Tcp,
            local: address,
            peer: address,
            ended: ended.map(str::to_owned),
        };
        let mut flows = PeerFlows::default();
        flows.apply(told(0, None));
        for number in 1..=ENDED as u32 + 10 {
            flows.apply(told(number, None));
            assert_eq!(flows.open(), 2);
            flows.apply(told(number, Some("closed")));
        }
        assert_eq!(flows.open(), 1);
        assert!(flows.find(FlowId(0)).is_some_and(|(_, ended)| ended.is_none()));
        assert!(flows.find(FlowId(10)).is_none());
        assert!(flows.find(FlowId(11)).is_some_and(|(_, ended)| ended.is_some()));
        assert_eq!(flows.flows.len(), ENDED + 1);
    }
}
