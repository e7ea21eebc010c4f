//! Where messages meet the [`Impairer`](super::Impairer): on their way out after the user agent, on
//! their way in before it.

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;

use super::{Mark, Packet, Step, Task};
use crate::{
    engine::{
        Event,
        impair::{self, Impairments},
    },
    sip::{Direction, FlowId, Transmit, Transport},
};

impl Task {
    /// Impairs messages in another way from now on, and tells so.
    pub(super) fn impair(&mut self, impairments: Impairments) {
        let impairments = self.impairer.set(impairments, u64::from(rand::random::<u32>()));
        let at = self.now();
        self.tell(Event::Impairing { at, impairments });
    }

    /// Decides what becomes of a message that the user agent wants to be sent.
    pub(super) fn judge(&mut self, transmit: Transmit) {
        let now = self.now();
        let Transmit { flow, to, bytes } = transmit;
        let packet = self.packet(Direction::Out, flow, to, bytes);
        let steps = self.impairer.judge(now, packet);
        // In front of all that waits: it was its turn.
        for step in steps.into_iter().rev() {
            self.held.push_front(outgoing(step));
        }
    }

    /// Decides what becomes of a message that came.
    pub(super) fn judge_received(
        &mut self,
        now: Instant,
        flow: FlowId,
        source: SocketAddr,
        bytes: Bytes,
    ) {
        let packet = self.packet(Direction::In, flow, Some(source), bytes);
        for step in self.impairer.judge(now, packet) {
            self.receive(now, step);
        }
    }

    /// Lets go what was held back until now.
    pub(super) fn let_go(&mut self, now: Instant) {
        while let Some(step) = self.impairer.take_due(now) {
            match &step {
                impair::Step::Pass(packet, _) if packet.direction == Direction::Out => {
                    self.held.push_back(outgoing(step));
                }
                _ => self.receive(now, step),
            }
        }
    }

    fn receive(&mut self, now: Instant, step: impair::Step) {
        match step {
            impair::Step::Tell(mark) => self.tell_mark(mark),
            impair::Step::Pass(Packet { flow, address: Some(source), bytes, .. }, _) => {
                self.user_agent.handle_message(now, flow, source, bytes);
            }
            // What comes has somebody who sent it.
            impair::Step::Pass(..) => {}
        }
    }

    fn packet(
        &self,
        direction: Direction,
        flow: FlowId,
        address: Option<SocketAddr>,
        bytes: Bytes,
    ) -> Packet {
        let transport = self.user_agent.transport_of(flow).unwrap_or(Transport::Udp);
        Packet { direction, flow, transport, address, bytes }
    }

    pub(super) fn tell_mark(&mut self, mark: Mark) {
        let now = self.now();
        let Mark { flow, original, impaired } = mark;
        let told = self.user_agent.impaired(now, flow, &original, Box::new(impaired));
        if let Err(impaired) = told {
            // Behind all that happened before.
            while let Some(step) = self.poll_step() {
                self.held.push_back(step);
            }
            self.held.push_back(Step::Tell(Event::Impaired { at: now, flow, impaired }));
        }
    }

    /// Hands a message to the network, and tells the mark where that went well.
    pub(super) fn send_now(&mut self, transmit: Transmit, mark: Option<Box<Mark>>) {
        let Transmit { flow, to, bytes } = transmit.clone();
        match (self.network.send(flow, to, bytes), mark) {
            (Ok(()), None) => {}
            (Ok(()), Some(mark)) => self.tell_mark(*mark),
            (Err(error), mark) => {
                let now = self.now();
                // Of what was corrupted only the original says whose it was.
                let bytes = mark.map_or(transmit.bytes, |mark| mark.original);
                let transmit = Transmit { bytes, ..transmit };
                self.user_agent.transmit_failed(now, &transmit, &error.to_string());
            }
        }
    }
}

/// A step for a message on its way out.
fn outgoing(step: impair::Step) -> Step {
    match step {
        impair::Step::Tell(mark) => Step::Mark(Box::new(mark)),
        impair::Step::Pass(Packet { flow, address, bytes, .. }, mark) => {
            Step::Send(Transmit { flow, to: address, bytes }, mark.map(Box::new))
        }
    }
}
