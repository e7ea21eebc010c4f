//! Client contexts from the request to the end, in virtual time, on a network that behaves.

#[path = "../simulation/mod.rs"]
mod simulation;

mod cancel;
mod peers;
mod requests;

use std::{
    cell::Cell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use simulation::*;
use sipboard::sip::{
    CancelError, CancelOptions, Cause, ContextEvent, Fact, FlowId, HangUpError, HeaderName,
    Message, MessageBuilder, Method, State, Timer, Transport,
};

type Out = Vec<(Duration, Bytes)>;

fn silent() -> Script<impl FnMut(&Message, &mut Out)> {
    Script(|_: &Message, _: &mut Out| {})
}

/// Answers every request but ACK with these statuses, in order and at once.
fn answers(statuses: &'static [u16]) -> Script<impl FnMut(&Message, &mut Out)> {
    Script(move |request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Ack) {
            return;
        }
        if request.method() != Some(Method::Invite) {
            return out.push((ms(0), response(request, 200, "b")));
        }
        for (i, status) in statuses.iter().enumerate() {
            let tag = if *status == 100 { "" } else { "b" };
            out.push((ms(i as u64), response(request, *status, tag)));
        }
    })
}

/// Rings, and answers a CANCEL with 200 and the INVITE with 487.
fn rings() -> Script<impl FnMut(&Message, &mut Out)> {
    let mut invite = None;
    Script(move |request: &Message, out: &mut Out| match request.method() {
        Some(Method::Invite) => {
            invite = Some(request.clone());
            out.push((ms(0), response(request, 180, "b")));
        }
        Some(Method::Cancel) => {
            out.push((ms(0), response(request, 200, "b")));
            out.push((ms(1), response(invite.as_ref().unwrap(), 487, "b")));
        }
        _ => {}
    })
}

fn udp<P: Peer>(peer: P) -> Simulation<P> {
    Simulation::new(Transport::Udp, Link::PERFECT, 1, peer)
}

fn ws<P: Peer>(peer: P) -> Simulation<P> {
    Simulation::new(Transport::Ws, Link::PERFECT, 1, peer)
}
