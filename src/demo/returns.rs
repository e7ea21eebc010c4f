//! [`Returns`]: the connections that carry answers whose own connection is gone (RFC 3261 §18.2.2).

use std::{collections::HashMap, net::SocketAddr};

use bytes::Bytes;

use crate::{
    sip::{FlowId, Message, Transport, WayBack},
    transport::{FlowSettings, Network, ServerUri},
};

/// How many such connections there are at most, and how many answers wait for each.
const MOST: usize = 1_000;
const WAITING: usize = 64;

/// Every such connection.
#[derive(Debug, Default)]
pub(super) struct Returns {
    flows: HashMap<FlowId, Return>,
    by_way: HashMap<(Transport, SocketAddr), FlowId>,
    /// The id that was given last; none is given twice.
    last: u32,
}

#[derive(Debug)]
struct Return {
    way: (Transport, SocketAddr),
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Connecting(Vec<Bytes>),
    Up,
}

impl Returns {
    /// Sends an answer on a connection to where its request came from. What nobody takes there is
    /// lost; names are not looked up here.
    pub(super) fn carry(&mut self, network: &mut Network, answer: Bytes) {
        let Ok(message) = Message::read(answer.clone()) else { return };
        // A request of ours has a Via of ours.
        if message.is_request() {
            return;
        }
        let Ok(WayBack { transport, address, .. }) = WayBack::of(&message) else { return };
        let way = (transport, address);
        if let Some(flow) = self.by_way.get(&way) {
            return match self.flows.get_mut(flow).map(|it| &mut it.stage) {
                Some(Stage::Connecting(waiting)) if waiting.len() < WAITING => waiting.push(answer),
                Some(Stage::Connecting(_)) | None => {}
                Some(Stage::Up) => _ = network.send(*flow, None, answer),
            };
        }
        if self.flows.len() >= MOST {
            return;
        }
        self.last += 1;
        let flow = FlowId(self.last);
        network.connect(flow, &ServerUri::at(transport, address), &FlowSettings::default());
        self.flows.insert(flow, Return { way, stage: Stage::Connecting(vec![answer]) });
        self.by_way.insert(way, flow);
    }

    /// A connection is there: what waits for it goes. Gives its transport.
    pub(super) fn up(&mut self, network: &mut Network, flow: FlowId) -> Option<Transport> {
        let it = self.flows.get_mut(&flow)?;
        if let Stage::Connecting(waiting) = std::mem::replace(&mut it.stage, Stage::Up) {
            for answer in waiting {
                // What cannot be sent is lost as on any network.
                let _ = network.send(flow, None, answer);
            }
        }
        Some(it.way.0)
    }

    /// A connection is gone, or was never made.
    pub(super) fn down(&mut self, flow: FlowId) {
        if let Some(Return { way, .. }) = self.flows.remove(&flow) {
            self.by_way.remove(&way);
        }
    }
}
