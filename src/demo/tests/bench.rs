//! A [`Core`], its virtual time, and a peer that writes requests.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    demo::{Settings, core::Core},
    sip::{FlowId, HeaderName, Message, Transmit, Transport},
};

pub(super) const FLOW: FlowId = FlowId(1);
pub(super) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n\
                                t=0 0\r\nm=audio 5004 RTP/AVP 0\r\n";

pub(super) struct Bench {
    pub(super) core: Core,
    pub(super) transport: Transport,
    start: Instant,
    now: Instant,
}

/// One thing that the server sent, and when: milliseconds from the start.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) at: u128,
    pub(super) to: Option<SocketAddr>,
    pub(super) bytes: Bytes,
}

impl Sent {
    pub(super) fn message(&self) -> Message {
        Message::read(self.bytes.clone()).expect("the server sends what can be read")
    }

    /// `BYE`, or `200 INVITE`.
    pub(super) fn short(&self) -> String {
        let message = self.message();
        match (message.method(), message.status()) {
            (Some(method), _) => method.to_string(),
            (None, Some(status)) => match (message.cseq(), message.from(), message.call_id()) {
                (Ok(cseq), Ok(_), Ok(_)) => format!("{status} {}", cseq.method),
                // It answers a request that had no more.
                _ => status.to_string(),
            },
            (None, None) => unreachable!("a message is one or the other"),
        }
    }

    pub(super) fn tag(&self) -> String {
        self.message().to().unwrap().tag().unwrap_or("").to_owned()
    }

    pub(super) fn header(&self, name: HeaderName) -> String {
        let message = self.message();
        let header = message.header(name);
        header.map(|header| header.text().unwrap().to_owned()).unwrap_or_default()
    }

    pub(super) fn body(&self) -> String {
        String::from_utf8(self.message().body().to_vec()).unwrap()
    }
}

/// `at what` for each.
pub(super) fn log(sent: &[Sent]) -> Vec<String> {
    sent.iter().map(|sent| format!("{} {}", sent.at, sent.short())).collect()
}

impl Bench {
    pub(super) fn new(transport: Transport) -> Bench {
        Bench::with(transport, Settings::default())
    }

    pub(super) fn with(transport: Transport, settings: Settings) -> Bench {
        let start = Instant::now();
        let mut core = Core::new(start, settings, 7);
        core.flow_up(FLOW, transport, "127.0.0.1:5060".parse().unwrap());
        Bench { core, transport, start, now: start }
    }

    /// Where the peer's datagrams come from.
    pub(super) fn source() -> SocketAddr {
        "127.0.0.1:40001".parse().unwrap()
    }

    pub(super) fn receive(&mut self, text: impl Into<Bytes>) -> Vec<Sent> {
        self.core.handle_message(self.now, FLOW, None, Bench::source(), text.into());
        self.collect()
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, time: Duration) -> Vec<Sent> {
        let end = self.now + time;
        let mut sent = Vec::new();
        while let Some(at) = self.core.next_timeout().filter(|at| *at <= end) {
            assert!(at >= self.now, "a deadline in the past");
            self.now = at;
            self.core.handle_timeout(at);
            sent.extend(self.collect());
        }
        self.now = end;
        sent
    }

    pub(super) fn pass_ms(&mut self, millis: u64) -> Vec<Sent> {
        self.pass(Duration::from_millis(millis))
    }

    pub(super) fn shut_down(&mut self) -> Vec<Sent> {
        self.core.shut_down(self.now);
        self.collect()
    }

    fn collect(&mut self) -> Vec<Sent> {
        let at = (self.now - self.start).as_millis();
        std::iter::from_fn(|| self.core.poll_transmit())
            .map(|Transmit { flow, to, bytes }| {
                assert_eq!(flow, FLOW);
                assert_eq!(to.is_none(), self.transport.is_reliable());
                Sent { at, to, bytes }
            })
            .collect()
    }

    /// A request of the peer. `to_tag` may be empty; `more` is whole header lines.
    pub(super) fn request(&self, spec: &Spec<'_>) -> String {
        let Spec { method, user, branch, to_tag, cseq, more, body } = *spec;
        let (via, contact) = match self.transport {
            Transport::Udp => ("SIP/2.0/UDP 127.0.0.1:40001;rport", "sip:al@127.0.0.1:40001"),
            _ => ("SIP/2.0/WS x.invalid", "sip:al@x.invalid;transport=ws"),
        };
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let (of, length) = (method.strip_prefix("ACK ").unwrap_or(method), body.len());
        format!(
            "{of} sip:{user}@demo.test SIP/2.0\r\nVia: {via};branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:al@demo.test>;tag=me\r\n\
             To: <sip:{user}@demo.test>{to_tag}\r\nCall-ID: call\r\nCSeq: {cseq} {of}\r\n\
             Contact: <{contact}>\r\n{more}{content}Content-Length: {length}\r\n\r\n{body}"
        )
    }

    pub(super) fn send(&mut self, spec: &Spec<'_>) -> Vec<Sent> {
        let text = self.request(spec);
        self.receive(text)
    }

    pub(super) fn invite(&mut self, user: &str) -> Vec<Sent> {
        self.send(&Spec { user, body: OFFER, ..Spec::new("INVITE", "1") })
    }

    /// The ACK for a 2xx, or for another final response of the INVITE.
    pub(super) fn ack(&mut self, user: &str, branch: &str, to_tag: &str) -> Vec<Sent> {
        self.send(&Spec { user, to_tag, ..Spec::new("ACK", branch) })
    }

    /// Calls `user`, is answered, and acknowledges; gives the tag of the one leg.
    pub(super) fn establish(&mut self, user: &str) -> String {
        self.invite(user);
        let answered = self.pass_ms(200);
        assert_eq!(answered.last().unwrap().short(), "200 INVITE");
        let tag = answered.last().unwrap().tag();
        assert!(self.ack(user, "ack", &tag).is_empty());
        tag
    }

    /// Answers a request of the server.
    pub(super) fn answer(&mut self, request: &Sent, status: &str) -> Vec<Sent> {
        let message = request.message();
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in [
            HeaderName::Via,
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
        ] {
            let value = message.header(name).unwrap().text().unwrap();
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        self.receive(text + "\r\n")
    }
}

/// What to write into a request.
#[derive(Clone, Copy)]
pub(super) struct Spec<'a> {
    pub(super) method: &'a str,
    pub(super) user: &'a str,
    pub(super) branch: &'a str,
    pub(super) to_tag: &'a str,
    pub(super) cseq: u32,
    pub(super) more: &'a str,
    pub(super) body: &'a str,
}

impl<'a> Spec<'a> {
    pub(super) fn new(method: &'a str, branch: &'a str) -> Spec<'a> {
        Spec { method, user: "answer", branch, to_tag: "", cseq: 1, more: "", body: "" }
    }
}
