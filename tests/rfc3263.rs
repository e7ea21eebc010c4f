//! RFC 3263 §4.3: a request goes from candidate to candidate of its server, in the same context.
//!
//! The look-ups are made by a table here; what they ask for in which order is tested where it
//! stands, and against a DNS server in `resolution`.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use sipboard::sip::{
    CancelOptions, ContextEvent, ContextId, Credentials, Event, Fact, FlowId, HeaderName, Message,
    Method, NewRequest, Output, Settings, State, Transport, TrialState, UserAgent,
    resolution::{
        Answer, Discovery, Kind, LookupFailure, Record, Resolution, Resolved, Srv, Target,
    },
};

mod simulation;

use simulation::{new_request, response, word};

/// What an SRV look-up of these ports finds, in this order, on one address.
fn found(transport: Transport, ports: &[u16]) -> Resolved {
    let target =
        Target { host: "b.test".into(), port: 5060, transport, discovery: Discovery::Service };
    let mut resolution = Resolution::new(target, &Transport::ALL, "nobody");
    let srv = |(place, port): (usize, &u16)| {
        let priority = u16::try_from(place).unwrap();
        Record::Srv(Srv { priority, weight: 0, port: *port, target: "h.test".to_owned() })
    };
    loop {
        let questions = resolution.questions();
        if questions.is_empty() {
            return resolution.finish();
        }
        let answer = |kind| -> Answer {
            match kind {
                Kind::Srv if ports.is_empty() => Err(LookupFailure::NoSuchName),
                Kind::Srv => Ok(ports.iter().enumerate().map(srv).collect()),
                Kind::A if !ports.is_empty() => {
                    Ok(vec![Record::Address("192.0.2.2".parse().unwrap())])
                }
                _ => Err(LookupFailure::NoRecords),
            }
        };
        let answers = questions.iter().map(|question| answer(question.kind)).collect();
        resolution.answer(answers);
    }
}

/// A user agent whose flows are one for each port, and come up when the test says so.
struct Bench {
    ua: UserAgent,
    now: Instant,
    id: ContextId,
    events: Vec<ContextEvent>,
    sent: Vec<(FlowId, Message)>,
}

fn source(flow: FlowId) -> SocketAddr {
    SocketAddr::new("192.0.2.2".parse().unwrap(), u16::try_from(flow.0).unwrap())
}

impl Bench {
    /// A request by name that is being looked up.
    fn new(transport: Transport, request: NewRequest) -> Bench {
        let now = Instant::now();
        let mut ua = UserAgent::new(Settings::default(), 1);
        let id = ua.request_by_name(now, "sip:b.test", transport, request);
        let mut bench = Bench { ua, now, id, events: Vec::new(), sent: Vec::new() };
        bench.drain();
        bench
    }

    /// The same, looked up; flow N leads to port N.
    fn looked_up(transport: Transport, request: NewRequest, ports: &[u16]) -> Bench {
        let mut bench = Bench::new(transport, request);
        bench.ua.resolved(bench.now, bench.id, &found(transport, ports));
        bench.drain();
        bench
    }

    fn drain(&mut self) {
        while let Some(output) = self.ua.poll_output() {
            match output {
                Output::Event(Event::Context(event)) => self.events.push(event),
                Output::Event(Event::Outside(outside)) => panic!("nobody asks: {outside:?}"),
                Output::Event(Event::Stray(stray)) => panic!("{}", stray.problem),
                Output::Transmit(transmit) => {
                    self.sent.push((transmit.flow, Message::read(transmit.bytes).unwrap()));
                }
                Output::Switch(switch) => panic!("nothing is that large here: {switch:?}"),
                Output::Follow(follow) => panic!("nothing goes elsewhere here: {follow:?}"),
                Output::Settled(id) => panic!("nothing goes elsewhere here: {id:?}"),
                Output::Reconnect(flow) => panic!("no dialog here: {flow:?}"),
                Output::KeepAlive(_) => {}
                Output::Event(Event::Registration(event)) => panic!("nobody registers: {event:?}"),
                Output::Connect(connect) => {
                    let candidate = connect.candidate;
                    let flow = FlowId(candidate.address.port().into());
                    self.ua.flow_connecting(flow, candidate.transport);
                    self.ua.ride(self.now, connect.context, flow);
                }
            }
        }
    }

    fn up(&mut self, flow: u32) {
        let local = SocketAddr::new("192.0.2.1".parse().unwrap(), 10_000 + flow as u16);
        self.ua.flow_up(self.now, FlowId(flow), local);
        self.drain();
    }

    fn down(&mut self, flow: u32) {
        let reason = format!("192.0.2.2:{flow} cannot be reached: connection refused");
        self.ua.flow_down(self.now, FlowId(flow), &reason);
        self.drain();
    }

    /// The last request that was sent, and its flow.
    fn last(&self) -> (u32, &Message) {
        let (flow, message) = self.sent.last().expect("something was sent");
        (flow.0, message)
    }

    fn answer(&mut self, status: u16) {
        let (flow, request) = self.sent.last().expect("something was sent").clone();
        self.hear(flow, &request, status);
    }

    fn hear(&mut self, flow: FlowId, request: &Message, status: u16) {
        let bytes = response(request, status, "b");
        self.ua.handle_message(self.now, flow, source(flow), bytes);
        self.drain();
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.ua.poll_timeout().filter(|at| *at <= until) {
            self.now = at;
            self.ua.handle_timeout(at);
            self.drain();
        }
        self.now = until;
    }

    fn story(&self) -> Vec<String> {
        self.events.iter().map(word).filter(|word| !word.starts_with("retransmitted")).collect()
    }

    fn told(&self, what: &str) -> bool {
        self.story().iter().any(|word| word.starts_with(what))
    }
}

fn options() -> NewRequest {
    new_request(Method::Options, "sip:bob@b.test")
}

fn header(message: &Message, name: HeaderName) -> String {
    message.header(name).unwrap().text().unwrap().to_owned()
}

#[test]
fn the_row_exists_while_its_server_is_looked_up_and_nothing_is_sent() {
    let mut bench = Bench::new(Transport::Udp, options());
    assert_eq!(bench.story(), ["created", "resolving sip:b.test"]);
    assert_eq!(bench.events[1].status.state, State::Waiting);
    assert!(matches!(&bench.events[0].fact, Fact::Created(created) if created.flow.is_none()));
    bench.ua.resolved(bench.now, bench.id, &found(Transport::Udp, &[1]));
    bench.drain();
    bench.up(1);
    assert_eq!(
        bench.story()[2..],
        [
            "resolved SRV _sip._udp.b.test: 0 0 1 h.test; A h.test: 192.0.2.2; AAAA h.test: none",
            "trying udp 192.0.2.2:1 (SRV 0 0 h.test)",
            "sent OPTIONS"
        ]
    );
    bench.answer(200);
    assert!(bench.told("ended Accepted"));
}

#[test]
fn a_name_that_has_no_address_fails_with_the_sentence() {
    let bench = Bench::looked_up(Transport::Udp, options(), &[]);
    let detail = bench.events.iter().find_map(|event| match &event.fact {
        Fact::Failed { detail, .. } => Some(&**detail),
        _ => None,
    });
    assert_eq!(
        detail.unwrap(),
        "b.test cannot be resolved: nobody has no such records (asked for SRV _sip._udp.b.test, A b.test, AAAA b.test)"
    );
    assert!(bench.told("ended Connection Error"));
    assert_eq!(bench.ua.held().contexts, 0);
}

#[test]
fn a_connection_that_is_refused_leaves_the_request_to_the_next_candidate() {
    let mut bench = Bench::looked_up(Transport::Tcp, options(), &[1, 2]);
    bench.down(1);
    bench.up(2);
    assert_eq!(
        bench.story()[3..],
        [
            "trying tcp 192.0.2.2:1 (SRV 0 0 h.test), 1 of 2",
            "passed over: 192.0.2.2:1 cannot be reached: connection refused",
            "trying tcp 192.0.2.2:2 (SRV 1 0 h.test), 2 of 2",
            "sent OPTIONS"
        ]
    );
    let (flow, _) = bench.last();
    assert_eq!(flow, 2);
    bench.answer(200);
    assert!(bench.told("ended Accepted"));
    assert_eq!(bench.ua.held().riders, 0);
}

#[test]
fn each_candidate_is_tried_once_and_the_last_failure_is_the_requests() {
    let mut bench = Bench::looked_up(Transport::Tcp, options(), &[1, 2, 3]);
    for flow in [1, 2, 3] {
        bench.down(flow);
    }
    let trial = bench.events.iter().rev().find_map(|event| match &event.fact {
        Fact::Trying(trial) => Some(trial),
        _ => None,
    });
    let states: Vec<TrialState> = trial.unwrap().states().map(|(_, state)| state).collect();
    assert!(matches!(&*states, [TrialState::Failed(_), TrialState::Failed(why), TrialState::InUse]
            if why.contains("192.0.2.2:2")));
    assert_eq!(bench.story().last().unwrap(), "ended Connection Error");
    assert!(bench.sent.is_empty());
    assert_eq!(bench.ua.held().contexts, 0);
}

#[test]
fn the_same_request_goes_to_the_next_candidate_with_a_new_branch() {
    let mut bench =
        Bench::looked_up(Transport::Udp, new_request(Method::Invite, "sip:bob@b.test"), &[1, 2]);
    bench.up(1);
    let first = bench.last().1.clone();
    // Timer B.
    bench.wait(Duration::from_secs(33));
    bench.up(2);
    let (flow, second) = bench.last();
    assert_eq!(flow, 2);
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::To, HeaderName::CSeq] {
        assert_eq!(header(&first, name), header(second, name));
    }
    let branch = |message: &Message| message.essentials().unwrap().via.branch().unwrap().to_owned();
    assert_ne!(branch(&first), branch(second));
    assert!(header(second, HeaderName::Via).contains("192.0.2.1:10002"), "{second:?}");
    assert_eq!(header(second, HeaderName::Contact), "<sip:alice@192.0.2.1:10002>");
    assert!(bench.told("passed over: no final response within 32 s (Timer B, 64·T1)"));
    bench.answer(180);
    bench.answer(200);
    assert!(bench.told("accepted 200"));
}

#[test]
fn nothing_else_of_the_request_changes_on_its_way_to_the_next_candidate() {
    let mut request = options();
    request.headers.push("Contact: <sip:me@mine.test>".parse().unwrap());
    request.headers.push("Authorization: Basic by-hand".parse().unwrap());
    request.headers.push("X-Thing: one".parse().unwrap());
    request.content_type = Some("text/plain".to_owned());
    request.body = "hello".into();
    let mut bench = Bench::looked_up(Transport::Udp, request, &[1, 2]);
    bench.up(1);
    let first = bench.last().1.clone();
    bench.answer(503);
    bench.up(2);
    let second = bench.last().1;
    let rest = |message: &Message| -> Vec<String> {
        let lines = message.headers().filter(|header| header.name != HeaderName::Via);
        lines.map(|header| format!("{:?}", header.text())).collect()
    };
    assert_eq!(rest(&first), rest(second));
    assert_eq!(first.body(), second.body());
}

#[test]
fn a_request_that_nobody_answers_goes_on_after_timer_f() {
    let mut bench = Bench::looked_up(Transport::Udp, options(), &[1, 2]);
    bench.up(1);
    bench.wait(Duration::from_secs(33));
    assert!(bench.told("passed over: no final response within 32 s (Timer F, 64·T1)"));
    bench.up(2);
    bench.wait(Duration::from_secs(33));
    assert_eq!(bench.story().last().unwrap(), "ended Request Timeout");
}

#[test]
fn who_has_sent_a_provisional_is_not_left() {
    let mut bench = Bench::looked_up(Transport::Tcp, options(), &[1, 2]);
    bench.up(1);
    bench.answer(100);
    bench.down(1);
    assert!(bench.told("failed Connection Error"));
    assert!(!bench.told("passed over"));
}

#[test]
fn a_503_is_acked_where_it_came_from_and_the_next_candidate_has_the_invite() {
    let mut bench =
        Bench::looked_up(Transport::Udp, new_request(Method::Invite, "sip:bob@b.test"), &[1, 2]);
    bench.up(1);
    let first = bench.last().1.clone();
    bench.answer(100);
    bench.hear(FlowId(1), &first, 503);
    let (flow, ack) = bench.last();
    assert_eq!((flow, ack.method()), (1, Some(Method::Ack)));
    assert_eq!(header(ack, HeaderName::Via), header(&first, HeaderName::Via));
    bench.up(2);
    let (flow, invite) = bench.last();
    assert_eq!((flow, invite.method()), (2, Some(Method::Invite)));
    let second = invite.clone();
    // The first one says it again: the ACK goes there, and nothing else comes of it.
    bench.hear(FlowId(1), &first, 503);
    assert_eq!((bench.last().0, bench.last().1.method()), (1, Some(Method::Ack)));
    bench.hear(FlowId(2), &second, 486);
    assert_eq!(bench.last().0, 2);
    assert!(bench.told("rejected 486 Busy"));
    bench.wait(Duration::from_secs(40));
    assert_eq!(bench.ua.held().contexts, 0);
}

#[test]
fn a_503_that_says_how_long_keeps_later_requests_away_unless_there_is_no_other_server() {
    let busy = |bench: &mut Bench| {
        let (flow, request) = bench.sent.last().unwrap().clone();
        let bytes = simulation::response_with(&request, 503, "b", |builder| {
            builder.header(HeaderName::RetryAfter, "60 (maintenance)")
        });
        bench.ua.handle_message(bench.now, flow, source(flow), bytes);
        bench.drain();
    };
    let again = |bench: &mut Bench| {
        bench.id = bench.ua.request_by_name(bench.now, "sip:b.test", Transport::Udp, options());
        bench.drain();
        bench.events.clear();
        bench.ua.resolved(bench.now, bench.id, &found(Transport::Udp, &[1, 2]));
        bench.drain();
    };
    let mut bench = Bench::looked_up(Transport::Udp, options(), &[1, 2]);
    bench.up(1);
    busy(&mut bench);
    bench.up(2);
    bench.answer(200);
    bench.wait(Duration::from_secs(30));
    again(&mut bench);
    assert_eq!(
        bench.story()[1..3],
        [
            "passed over: udp 192.0.2.2:1 is tried last: it answered 503 and asked to be left alone, for 30 s more (RFC 3261 §21.5.4)",
            "trying udp 192.0.2.2:2 (SRV 1 0 h.test), 1 of 2"
        ]
    );
    bench.up(2);
    // It is still there where the other fails.
    busy(&mut bench);
    bench.up(1);
    assert_eq!(bench.last().0, 1);
    bench.answer(200);
    assert!(bench.told("ended Accepted"));
    // None is left that may be asked: their own order counts.
    again(&mut bench);
    assert!(bench.story()[1].starts_with("trying udp 192.0.2.2:1"), "{:?}", bench.story());
    bench.up(1);
    bench.answer(200);
    bench.wait(Duration::from_secs(61));
    again(&mut bench);
    assert!(bench.story()[1].starts_with("trying udp 192.0.2.2:1"), "{:?}", bench.story());
}

#[test]
fn the_last_503_is_a_rejection() {
    let mut bench = Bench::looked_up(Transport::Udp, options(), &[1]);
    bench.up(1);
    bench.answer(503);
    assert!(bench.told("rejected 503"));
    assert!(!bench.told("passed over"));
}

#[test]
fn any_other_rejection_stands() {
    let mut bench = Bench::looked_up(Transport::Udp, options(), &[1, 2]);
    bench.up(1);
    bench.answer(500);
    assert!(bench.told("rejected 500"));
    assert!(!bench.told("passed over"));
}

#[test]
fn cancel_and_the_retry_with_credentials_go_to_the_candidate_in_use() {
    let mut request = new_request(Method::Invite, "sip:bob@b.test");
    request.credentials = Some([Credentials::new("alice", "secret")].into());
    let mut bench = Bench::looked_up(Transport::Udp, request, &[1, 2, 3]);
    bench.down(1);
    bench.up(2);
    let invite = bench.last().1.clone();
    let challenge = simulation::response_with(&invite, 401, "b", |builder| {
        builder.header(HeaderName::WwwAuthenticate, "Digest realm=\"b.test\", nonce=\"n\"")
    });
    bench.ua.handle_message(bench.now, FlowId(2), source(FlowId(2)), challenge);
    bench.drain();
    let (flow, retry) = bench.last();
    assert_eq!((flow, retry.header(HeaderName::Authorization).is_some()), (2, true));
    bench.answer(180);
    bench.ua.cancel(bench.now, bench.id, CancelOptions::default()).unwrap();
    bench.drain();
    assert_eq!((bench.last().0, bench.last().1.method()), (2, Some(Method::Cancel)));
}

#[test]
fn credentials_of_ours_are_not_told_to_the_next_candidate() {
    let mut request = options();
    request.credentials = Some([Credentials::new("alice", "secret")].into());
    let mut bench = Bench::looked_up(Transport::Udp, request, &[1, 2]);
    bench.up(1);
    let first = bench.last().1.clone();
    let challenge = simulation::response_with(&first, 401, "b", |builder| {
        builder.header(HeaderName::WwwAuthenticate, "Digest realm=\"b.test\", nonce=\"n\"")
    });
    bench.ua.handle_message(bench.now, FlowId(1), source(FlowId(1)), challenge);
    bench.drain();
    assert!(bench.last().1.header(HeaderName::Authorization).is_some());
    bench.answer(503);
    bench.up(2);
    let (flow, second) = bench.last();
    assert_eq!((flow, second.header(HeaderName::Authorization).is_none()), (2, true));
}

#[test]
fn a_request_that_is_cancelled_goes_nowhere_else() {
    let invite = || new_request(Method::Invite, "sip:bob@b.test");
    let mut bench = Bench::looked_up(Transport::Udp, invite(), &[1, 2]);
    bench.up(1);
    bench.ua.cancel(bench.now, bench.id, CancelOptions::default()).unwrap();
    bench.answer(503);
    assert!(!bench.told("passed over"));
    assert!(bench.told("rejected 503"));

    let mut bench = Bench::new(Transport::Udp, invite());
    bench.ua.cancel(bench.now, bench.id, CancelOptions::default()).unwrap();
    bench.drain();
    assert!(bench.told("ended Canceled"));
    bench.ua.resolved(bench.now, bench.id, &found(Transport::Udp, &[1]));
    bench.drain();
    assert_eq!(bench.story().last().unwrap(), "ended Canceled");
}

#[test]
fn early_legs_outlive_the_end_of_an_earlier_try() {
    let mut bench =
        Bench::looked_up(Transport::Udp, new_request(Method::Invite, "sip:bob@b.test"), &[1, 2]);
    bench.up(1);
    bench.answer(503);
    bench.up(2);
    bench.answer(180);
    // Timer D of the first INVITE.
    bench.wait(Duration::from_secs(33));
    assert!(!bench.story().iter().any(|word| word.contains("Terminated")), "{:?}", bench.story());
}
