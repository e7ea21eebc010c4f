//! One user agent and a peer that says only what the test has it say.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::time::Duration;

use bytes::Bytes;
use sipboard::sip::{
    CancelError, CancelOptions, Cause, ContextEvent, ContextId, DialogError, DialogRequest, Fact,
    HeaderName, Message, MessageBuilder, Method, NewRequest, RawMessage, Settings, State,
    StatusCode, Timer, Transport, UriBuf,
};

use crate::simulation::{self, FLOW, Link, Peer, Simulation, invite, ms, response_with, word};

/// 64·T1.
pub const PATIENCE: Duration = Duration::from_secs(32);

/// What the peer says in its body.
pub const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/// A peer that answers nothing by itself.
pub struct Silent;

impl Peer for Silent {
    fn receive(&mut self, _: std::time::Instant, _: Bytes, _: &mut Vec<(Duration, Bytes)>) {}
}

/// A user agent, its first context, and what has been looked at of events and of the wire.
pub struct Call {
    pub sim: Simulation<Silent>,
    /// The first context.
    pub id: ContextId,
    events_seen: usize,
    sent_seen: usize,
}

impl Call {
    /// A request on a transport with these settings.
    pub fn with(settings: Settings, transport: Transport, request: NewRequest) -> Call {
        let mut sim = Simulation::with_settings(settings, transport, Link::PERFECT, 1, Silent);
        let id = sim.request(request);
        Call { sim, id, events_seen: 0, sent_seen: 0 }
    }

    /// A request on UDP.
    pub fn udp(request: NewRequest) -> Call {
        Call::with(Settings::default(), Transport::Udp, request)
    }

    /// A request on TCP.
    pub fn tcp(request: NewRequest) -> Call {
        Call::with(Settings::default(), Transport::Tcp, request)
    }

    /// Bytes of the user's on a transport, sent as they are.
    pub fn raw(transport: Transport, bytes: impl Into<Vec<u8>>) -> Call {
        let sim = Simulation::new(transport, Link::PERFECT, 1, Silent);
        let mut call = Call { sim, id: ContextId(0), events_seen: 0, sent_seen: 0 };
        call.id = call.send_raw(bytes);
        call
    }

    /// The user sends bytes as they are.
    pub fn send_raw(&mut self, bytes: impl Into<Vec<u8>>) -> ContextId {
        let raw = RawMessage::new(bytes.into().into());
        self.sim.with(|ua, now| ua.send_raw(now, FLOW, raw))
    }

    /// An INVITE on UDP; nothing has come yet, and what was told is looked at.
    pub fn invited() -> Call {
        Call::udp(invite()).looked()
    }

    /// An INVITE on UDP that rings with the tag `b`.
    pub fn ringing() -> Call {
        let mut call = Call::invited();
        call.reply(180, "b");
        call.looked()
    }

    /// An INVITE on UDP that was accepted with the tag `b`.
    pub fn up() -> Call {
        Call::up_with(Settings::default(), Transport::Udp)
    }

    /// An accepted INVITE with these settings.
    pub fn up_with(settings: Settings, transport: Transport) -> Call {
        let mut call = Call::with(settings, transport, invite());
        call.reply(200, "b");
        call.looked()
    }

    /// An OPTIONS on UDP.
    pub fn options() -> Call {
        Call::udp(simulation::new_request(Method::Options, "sip:demo.test")).looked()
    }

    /// Everything until now is looked at.
    pub fn looked(mut self) -> Call {
        self.look();
        self
    }

    /// Everything until now is looked at.
    pub fn look(&mut self) {
        self.events_seen = self.sim.events.len();
        self.sent_seen = self.sim.sent.len();
    }

    /// The events since the last look, of the first context as they are, of others with `#n`.
    pub fn news(&mut self) -> Vec<String> {
        let tell = |event: &ContextEvent| match event.context == self.id {
            true => word(event),
            false => format!("#{} {}", event.context, word(event)),
        };
        let news = self.sim.events[self.events_seen..].iter();
        let news = news.filter(|event| event.fact != Fact::TimersChanged).map(tell).collect();
        self.events_seen = self.sim.events.len();
        news
    }

    /// What was sent since the last look: `INVITE`, `200` …
    pub fn wire(&mut self) -> Vec<String> {
        let what = |(_, message): &(Duration, Message)| match (message.method(), message.status()) {
            (Some(method), _) => method.to_string(),
            (None, Some(status)) => status.to_string(),
            (None, None) => "nothing known".to_owned(),
        };
        let news = self.sim.sent[self.sent_seen..].iter().map(what).collect();
        self.sent_seen = self.sim.sent.len();
        news
    }

    /// What was sent last.
    pub fn last(&self) -> Message {
        self.sim.sent.last().expect("something was sent").1.clone()
    }

    /// The last request of that method that was sent.
    pub fn sent(&self, method: Method) -> Message {
        let mut all = self.all_sent(method);
        all.pop().expect("a request of that method was sent")
    }

    /// Every request of that method that was sent, in order, retransmissions included.
    pub fn all_sent(&self, method: Method) -> Vec<Message> {
        let of = |message: &&Message| message.method().as_ref() == Some(&method);
        self.sim.sent.iter().map(|(_, message)| message).filter(of).cloned().collect()
    }

    /// When requests of that method were sent, in milliseconds from the start.
    pub fn times(&self, method: Method) -> Vec<u128> {
        let of = |sent: &&(Duration, Message)| sent.1.method().as_ref() == Some(&method);
        self.sim.sent.iter().filter(of).map(|(at, _)| at.as_millis()).collect()
    }

    /// The peer answers the first context's request as it was sent last.
    pub fn reply(&mut self, status: u16, tag: &str) {
        let request = self.own_request();
        self.reply_to(&request, status, tag);
    }

    /// As [`Call::reply`], with more in the response.
    pub fn reply_with(
        &mut self,
        status: u16,
        tag: &str,
        more: impl FnOnce(MessageBuilder) -> MessageBuilder,
    ) {
        let request = self.own_request();
        self.reply_to_with(&request, status, tag, more);
    }

    /// The peer answers that request, with a Contact.
    pub fn reply_to(&mut self, request: &Message, status: u16, tag: &str) {
        self.reply_to_with(request, status, tag, |builder| {
            builder.header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
        });
    }

    /// As [`Call::reply_to`], with what is given instead of a Contact.
    pub fn reply_to_with(
        &mut self,
        request: &Message,
        status: u16,
        tag: &str,
        more: impl FnOnce(MessageBuilder) -> MessageBuilder,
    ) {
        let bytes = response_with(request, status, tag, more);
        self.deliver(bytes);
    }

    /// The peer answers with a body.
    pub fn reply_sdp(&mut self, status: u16, tag: &str, headers: &[(HeaderName, &str)]) {
        self.reply_body(status, tag, "application/sdp", SDP, headers);
    }

    /// A response with a body and a Contact.
    pub fn reply_body(
        &mut self,
        status: u16,
        tag: &str,
        content_type: &str,
        body: &str,
        headers: &[(HeaderName, &str)],
    ) {
        let mut more = vec![(HeaderName::ContentType, content_type)];
        more.extend_from_slice(headers);
        let bytes = response_with(&self.own_request(), status, tag, |builder| {
            add(builder.header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>"), &more)
        });
        self.deliver(with_body(&bytes, body));
    }

    /// A reliable provisional (RFC 3262).
    pub fn reply_reliably(&mut self, status: u16, tag: &str, rseq: u32) {
        self.reply_with(status, tag, |builder| {
            builder
                .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
                .header(HeaderName::Require, "100rel")
                .header(HeaderName::RSeq, rseq)
        });
    }

    fn own_request(&self) -> Message {
        let own = |event: &&ContextEvent| event.context == self.id;
        let sent = self.sim.events.iter().rev().filter(own).find_map(|event| match &event.fact {
            Fact::Sent { message, .. } if !matches!(event.method, Method::Prack) => Some(message),
            _ => None,
        });
        Message::read(sent.expect("the request was sent").clone()).unwrap()
    }

    /// Bytes come from the peer, and what follows at once happens.
    pub fn deliver(&mut self, bytes: Bytes) {
        self.sim.peer_sends(bytes);
        self.sim.run(ms(3));
    }

    /// The peer sends a request in the dialog of the tag `b`; what was sent for it comes back.
    pub fn peer(&mut self, method: Method, cseq: u32, headers: &[(HeaderName, &str)]) -> Message {
        self.peer_body(method, cseq, headers, "")
    }

    /// As [`Call::peer`], with a body.
    pub fn peer_body(
        &mut self,
        method: Method,
        cseq: u32,
        headers: &[(HeaderName, &str)],
        body: &str,
    ) -> Message {
        let bytes = self.peer_request("b", method, cseq, headers);
        self.deliver(with_body(&bytes, body));
        self.last()
    }

    /// A request of the peer in the dialog of a tag, each with a branch of its own.
    pub fn peer_request(
        &self,
        tag: &str,
        method: Method,
        cseq: u32,
        headers: &[(HeaderName, &str)],
    ) -> Bytes {
        let invite = self.all_sent(Method::Invite)[0].clone();
        let to = text(&invite, HeaderName::To);
        // RFC 3261 §9.2, §17.1.1.3: a CANCEL has the branch of its INVITE.
        let branch = match method {
            Method::Cancel => format!("{cseq}INVITE"),
            _ => format!("{cseq}{method}"),
        };
        let builder = MessageBuilder::request(&method, "sip:alice@192.0.2.1")
            .header(
                HeaderName::Via,
                format_args!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKp{branch};rport"),
            )
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("{to};tag={tag}"))
            .header(HeaderName::To, text(&invite, HeaderName::From))
            .copy(invite.header(HeaderName::CallId).unwrap())
            .header(HeaderName::CSeq, format_args!("{cseq} {method}"));
        add(builder, headers).body(None, b"")
    }

    /// The user cancels the first context.
    pub fn cancel(&mut self) -> Result<(), CancelError> {
        self.cancel_with(None, None)
    }

    /// The user cancels with a status and a text.
    pub fn cancel_with(
        &mut self,
        status_code: Option<u16>,
        text: Option<&str>,
    ) -> Result<(), CancelError> {
        let options = CancelOptions { status_code, reason_phrase: text.map(str::to_owned) };
        let id = self.id;
        let result = self.sim.with(|ua, now| ua.cancel(now, id, options));
        self.sim.run(ms(3));
        result
    }

    /// The user hangs up every leg.
    pub fn hang_up(&mut self) {
        let id = self.id;
        self.sim.with(|ua, now| ua.hang_up(now, id)).expect("a leg is up");
        self.sim.run(ms(3));
    }

    /// The user sends a request in the dialog of the only leg.
    pub fn in_dialog(&mut self, method: Method) -> Result<ContextId, DialogError> {
        self.in_dialog_with(None, DialogRequest::new(method))
    }

    /// The user sends a request in the dialog of a leg.
    pub fn in_dialog_with(
        &mut self,
        tag: Option<&str>,
        request: DialogRequest,
    ) -> Result<ContextId, DialogError> {
        let id = self.id;
        let result = self.sim.with(|ua, now| ua.request_in_dialog(now, id, tag, request));
        self.sim.run(ms(3));
        result
    }

    /// Time goes on.
    pub fn wait(&mut self, time: Duration) {
        self.sim.run(time);
    }

    /// The first context's state as the last event told it.
    pub fn state(&self) -> State {
        self.last_event().status.state
    }

    /// The timers of the first context as its last event told them, and when they fire, in
    /// milliseconds after that event.
    pub fn timers(&self) -> Vec<(Timer, u128)> {
        let event = self.last_event();
        let after = |at: std::time::Instant| (at - event.at).as_millis();
        event.status.timers.iter().map(|t| (t.timer, after(t.at))).collect()
    }

    /// The last event of the first context.
    pub fn last_event(&self) -> &ContextEvent {
        let own = |event: &&ContextEvent| event.context == self.id;
        self.sim.events.iter().rev().find(own).expect("a context has events")
    }

    /// How the first context ended, and how long after the start.
    pub fn ended(&self) -> Option<(Cause, Duration)> {
        self.sim.events.iter().filter(|event| event.context == self.id).find_map(
            |event| match event.fact {
                Fact::Ended { cause } => Some((cause, event.at - self.sim.start)),
                _ => None,
            },
        )
    }

    /// What the last failure advises: the sentence, and the retry.
    pub fn advice(&self) -> Option<(String, Option<NewRequest>)> {
        self.sim
            .events
            .iter()
            .rev()
            .find_map(|event| match &event.fact {
                Fact::Failed { advice, .. } => Some(advice.as_ref()),
                _ => None,
            })?
            .map(|advice| (advice.sentence.clone(), advice.retry.clone()))
    }
}

/// The values of a header's lines as they were written.
pub fn lines(message: &Message, name: HeaderName) -> Vec<String> {
    message.all(name).map(|header| header.text().unwrap().to_owned()).collect()
}

/// A header's first value.
pub fn text(message: &Message, name: HeaderName) -> String {
    let header = message.header(name).unwrap_or_else(|| panic!("no {name}"));
    header.text().unwrap().trim().to_owned()
}

/// Whether a header is there.
pub fn has(message: &Message, name: HeaderName) -> bool {
    message.header(name).is_some()
}

/// The members of a header that is a list.
pub fn list(message: &Message, name: HeaderName) -> Vec<String> {
    message.list(name).map(str::to_owned).collect()
}

/// The CSeq number.
pub fn cseq(message: &Message) -> u32 {
    message.cseq().unwrap().number
}

/// The branch of the top Via.
pub fn branch(message: &Message) -> String {
    message.via().unwrap().branch().unwrap().to_owned()
}

/// A URI that is written correctly.
pub fn uri(text: &str) -> UriBuf {
    text.parse().unwrap()
}

/// A status of a response.
pub fn code(message: &Message) -> u16 {
    message.status().map_or(0, StatusCode::code)
}

fn add(builder: MessageBuilder, headers: &[(HeaderName, &str)]) -> MessageBuilder {
    headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, value))
}

/// The message with a body in place of none.
pub fn with_body(bytes: &Bytes, body: &str) -> Bytes {
    let head = std::str::from_utf8(bytes).unwrap();
    let head = head.strip_suffix("Content-Length: 0\r\n\r\n").expect("no body yet");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into()
}
