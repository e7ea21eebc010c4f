//! Flows that come up, break, and are made again.

use std::{net::SocketAddr, time::Duration};

use rand::RngExt;
use sipboard::sip::{FlowId, Transport};

use super::{ELSEWHERE, Happening, Line, UDP, WS, World, far};

impl World {
    pub(super) fn flow_up(&mut self, line: Line) {
        if self.agents[line.agent].up[&line.flow] {
            return;
        }
        self.agents[line.agent].up.insert(line.flow, true);
        let local: SocketAddr = format!("192.0.2.{}:5060", 10 + line.agent).parse().expect("one");
        let leads_to: Option<SocketAddr> = match line.flow {
            UDP => Some("192.0.2.2:5060".parse().expect("an address")),
            ELSEWHERE => Some(far::ELSEWHERE.parse().expect("an address")),
            _ => None,
        };
        self.with(line.agent, |ua, now| {
            if let Some(peer) = leads_to {
                ua.flow_leads_to(line.flow, &peer.ip().to_string(), peer.port(), peer);
            }
            ua.flow_up(now, line.flow, local);
        });
    }

    /// A flow that is being made comes up, also where nothing would have brought it up again.
    pub(super) fn flow_is_made(&mut self, line: Line) {
        let comes = |it: &Happening| matches!(it, Happening::FlowUp(other) if *other == line);
        if !self.queue.values().any(comes) {
            let pause = Duration::from_millis(self.rng.random_range(0..5_000));
            self.put(pause, Happening::FlowUp(line));
        }
    }

    pub(super) fn flow_down(&mut self, line: Line) {
        self.agents[line.agent].up.insert(line.flow, false);
        self.with(line.agent, |ua, now| ua.flow_down(now, line.flow, "192.0.2.2:5060 is gone"));
    }

    /// A flow breaks; sometimes it is made again, and requests wait for it.
    pub(super) fn flow_breaks(&mut self, line: Line) {
        if !self.agents[line.agent].up[&line.flow] {
            return;
        }
        self.flow_down(line);
        let transport = transport(line.flow);
        let pause = Duration::from_millis(self.rng.random_range(0..5_000));
        if self.rng.random_bool(0.7) {
            self.with(line.agent, |ua, _| ua.flow_connecting(line.flow, transport));
        }
        self.put(pause, Happening::FlowUp(line));
    }
}

pub(super) fn transport(flow: FlowId) -> Transport {
    match flow {
        UDP => Transport::Udp,
        WS => Transport::Ws,
        _ => Transport::Tcp,
    }
}
