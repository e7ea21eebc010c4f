//! A peer that makes up a million tags: what is kept of them is bounded. `SIPBOARD_TAGS` makes them
//! fewer or more.
//!
//! Alone in its binary, because the allocator counts for all tests in one; and one test, for the
//! same reason.

use std::{
    alloc::System,
    env,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sipboard::sip::{
    ContextId, Event, ExtraHeader, Fact, FlowId, HeaderName, Identity, LegState, Message, Method,
    NewRequest, Output, Settings, Transport, UserAgent,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FLOW: FlowId = FlowId(1);
/// How many tags in all. Unoptimised a million take some minutes: whoever has them says
/// `SIPBOARD_TAGS`.
const TAGS: u32 = if cfg!(debug_assertions) { 25_000 } else { 1_000_000 };
/// After so many everything that is bounded has reached its bound.
const FEW: u32 = 11_000;
/// What may come and go between two counts: tables that are cleared and grow again.
const SLACK: usize = 256 << 10;

/// A user agent whose peer answers its own requests only where it is told to.
struct Flooded {
    tags: u32,
    ua: UserAgent,
    now: Instant,
    id: ContextId,
    request: Message,
    answers_bye: bool,
    /// Legs of the first context that are not over, and the most that there were.
    open: usize,
    most_open: usize,
    no_leg: u32,
    acked: u32,
    byes: u32,
    strays: u32,
    answered_481: u32,
}

impl Flooded {
    fn new(method: Method, answers_bye: bool) -> Flooded {
        let mut ua = UserAgent::new(Settings::default(), 1);
        let now = Instant::now();
        ua.flow_connecting(FLOW, Transport::Udp);
        ua.flow_up(now, FLOW, "192.0.2.1:5060".parse().unwrap());
        let uri = "sip:alice@a.test".parse().unwrap();
        let from = Identity { display_name: String::new(), uri };
        let mut new = NewRequest::new(method.clone(), "sip:bob@b.test".parse().unwrap(), from);
        if method == Method::Subscribe {
            new.headers.push(ExtraHeader::new("Event", "presence").unwrap());
        }
        let id = ua.request(now, FLOW, new);
        let mut request = None;
        while let Some(output) = ua.poll_output() {
            if let Output::Transmit(transmit) = output {
                request = Some(Message::read(transmit.bytes).unwrap());
            }
        }
        let request = request.expect("it was sent");
        let tags = env::var("SIPBOARD_TAGS").ok().and_then(|tags| tags.parse().ok());
        Flooded {
            tags: tags.unwrap_or(TAGS),
            ua,
            now,
            id,
            request,
            answers_bye,
            open: 0,
            most_open: 0,
            no_leg: 0,
            acked: 0,
            byes: 0,
            strays: 0,
            answered_481: 0,
        }
    }

    fn comes(&mut self, bytes: String) {
        let source: SocketAddr = "192.0.2.2:5060".parse().unwrap();
        self.ua.handle_message(self.now, FLOW, source, bytes.into());
        let mut answers = Vec::new();
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Transmit(transmit) if transmit.bytes.starts_with(b"BYE ") => {
                    self.byes += 1;
                    answers.extend(self.answers_bye.then(|| ok(&transmit.bytes)));
                }
                Output::Transmit(transmit) if transmit.bytes.starts_with(b"SIP/2.0 481 ") => {
                    self.answered_481 += 1;
                }
                Output::Event(Event::Context(event)) if event.context == self.id => {
                    match event.fact {
                        Fact::NoLeg { .. } => self.no_leg += 1,
                        Fact::Acked { .. } => self.acked += 1,
                        Fact::Leg { state: LegState::Terminated { .. }, .. } => self.open -= 1,
                        Fact::Leg { state: LegState::HangingUp { .. }, .. } => {}
                        Fact::Leg { .. } => self.open += 1,
                        _ => {}
                    }
                    self.most_open = self.most_open.max(self.open);
                }
                Output::Event(Event::Stray(_)) => self.strays += 1,
                _ => {}
            }
        }
        for answer in answers {
            self.comes(answer);
        }
    }

    fn header(&self, name: HeaderName) -> &str {
        self.request.header(name).unwrap().text().unwrap()
    }

    fn response(&self, status: u16, tag: u32) -> String {
        format!(
            "SIP/2.0 {status} X\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=t{tag}\r\nCall-ID: {}\r\n\
             CSeq: {}\r\nContact: <sip:b{tag}@192.0.2.2>\r\nContent-Length: 0\r\n\r\n",
            self.header(HeaderName::Via),
            self.header(HeaderName::From),
            self.header(HeaderName::To),
            self.header(HeaderName::CallId),
            self.header(HeaderName::CSeq),
        )
    }

    fn notify(&self, tag: u32) -> String {
        format!(
            "NOTIFY sip:alice@192.0.2.1 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKn{tag};rport\r\nFrom: {};tag=t{tag}\r\n\
             To: {}\r\nCall-ID: {}\r\nCSeq: 1 NOTIFY\r\nMax-Forwards: 70\r\nEvent: presence\r\n\
             Contact: <sip:b{tag}@192.0.2.2>\r\nSubscription-State: active;expires=3600\r\n\
             Content-Length: 0\r\n\r\n",
            self.header(HeaderName::To),
            self.header(HeaderName::From),
            self.header(HeaderName::CallId),
        )
    }

    /// So many tags within a time; gives what more is allocated at the end than after a few.
    fn flood(&mut self, time: Duration, message: impl Fn(&Flooded, u32) -> String) -> usize {
        let start = self.now;
        let mut after_few = 0;
        for tag in 0..self.tags {
            let at = start + time / self.tags * tag;
            while let Some(due) = self.ua.poll_timeout().filter(|due| *due <= at) {
                self.now = self.now.max(due);
                self.ua.handle_timeout(self.now);
            }
            self.now = at;
            self.comes(message(self, tag));
            if tag == FEW {
                after_few = allocated();
            }
        }
        allocated().saturating_sub(after_few)
    }
}

/// The 200 of a request.
fn ok(request: &Bytes) -> String {
    let request = Message::read(request.clone()).unwrap();
    let copied = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId];
    let lines = copied.map(|name| (name, request.header(name).unwrap().text().unwrap()));
    let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let cseq = request.header(HeaderName::CSeq).unwrap().text().unwrap();
    format!("SIP/2.0 200 OK\r\n{lines}CSeq: {cseq}\r\nContent-Length: 0\r\n\r\n")
}

/// Bytes that are allocated now.
fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

#[test]
fn a_million_tags_take_no_more_memory_than_a_few() {
    // So many legs are kept, and so many more are being hung up.
    const LEGS: usize = 64;
    const SURPLUS: usize = 16;

    let mut ringing = Flooded::new(Method::Invite, false);
    let more = ringing.flood(Duration::from_secs(60), |it, tag| it.response(180, tag));
    assert!(more <= SLACK, "{more} bytes more");
    assert_eq!((ringing.most_open, ringing.no_leg), (LEGS, ringing.tags - LEGS as u32));
    assert_eq!(ringing.ua.held().contexts, 1);

    // No BYE is answered: each is there until its Timer F.
    let mut accepted = Flooded::new(Method::Invite, false);
    let more = accepted.flood(Duration::from_secs(30), |it, tag| it.response(200, tag));
    assert!(more <= SLACK, "{more} bytes more");
    assert_eq!(accepted.most_open, LEGS + SURPLUS);
    assert_eq!(accepted.acked as usize, LEGS + SURPLUS);
    assert_eq!(accepted.strays, accepted.tags - accepted.acked, "what is not ACKed is told");

    // Each BYE is answered at once, and its context is there until Timer K.
    let mut hung_up = Flooded::new(Method::Invite, true);
    let more = hung_up.flood(Duration::from_secs(30), |it, tag| it.response(200, tag));
    assert!(more <= SLACK, "{more} bytes more");
    assert_eq!(hung_up.most_open, LEGS + 1);
    assert!(hung_up.byes as usize > LEGS + SURPLUS, "room is found again: {}", hung_up.byes);
    assert_eq!(hung_up.byes, hung_up.acked - LEGS as u32, "each ACKed one more is hung up");
    assert!(hung_up.ua.held().contexts <= 1 + LEGS + SURPLUS);

    let mut notified = Flooded::new(Method::Subscribe, false);
    let more = notified.flood(Duration::from_secs(30), |it, tag| it.notify(tag));
    assert!(more <= SLACK, "{more} bytes more");
    assert_eq!(notified.most_open, LEGS);
    assert_eq!(notified.no_leg, notified.answered_481, "each is told with its reason");
}
