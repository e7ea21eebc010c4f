//! A dashboard whose facts are written down rather than sent over a network: every moment of it is
//! chosen by the test.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Size};
use sipboard::{
    engine::{Account, Clock, Command, Event, FlowEvent, FlowState, Refusal},
    sip::{
        self, Cause, ContextEvent, ContextId, Created, Destination, Fact, FlowId, LegState, Method,
        Response, State, Status, StatusCode, Stray, Timer, TimerAt, Transport,
    },
    ui::{
        Model,
        model::TimeOfDay,
        update,
        view::{self, Colours, Drawn, Theme},
    },
};
use unicode_width::UnicodeWidthStr;

/// A dashboard and the moment that it is at.
pub struct Script {
    pub model: Model,
    pub start: Instant,
    pub now: Instant,
}

impl Script {
    /// An account with a WebSocket and a UDP server.
    pub fn new(colours: Colours) -> Script {
        let start = Instant::now();
        let wall: Timestamp = "2026-11-22T15:04:05Z".parse().unwrap();
        let time = TimeOfDay { clock: Clock::fixed(start, wall), zone: TimeZone::UTC };
        let account = Account {
            display_name: "Alice".into(),
            servers: vec![
                "ws://127.0.0.1:5066".parse().unwrap(),
                "sip:127.0.0.1:5060;transport=udp".parse().unwrap(),
            ],
            ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
        };
        let model = Model::new(vec![account], 0, time, Theme::new(colours));
        Script { model, start, now: start }
    }

    /// The dashboard of the README's tour, some seconds into it.
    pub fn tour(colours: Colours) -> Script {
        let mut script = Script::new(colours);
        script.flow(1, "ws://127.0.0.1:5066", up("127.0.0.1:5066"));
        script.flow(2, "sip:127.0.0.1:5060;transport=udp", up("127.0.0.1:5060"));
        script.options(1);
        script.wait(2_000);
        script.busy(2);
        script.wait(1_000);
        script.answered(3);
        script.wait(3_000);
        script.silent(4);
        script.wait(1_000);
        script.rejected_by_cancel(5);
        script.wait(495);
        script.retransmit(4, 4);
        script.wait(400);
        script.ringing(6);
        script.wait(2_366);
        script.wait(130);
        script
    }

    /// A call, and a MESSAGE that was sent as these bytes and is chosen.
    pub fn having_sent(bytes: impl Into<Bytes>) -> Script {
        let mut script = Script::new(Colours::Many);
        script.flow(1, "ws://127.0.0.1:5066", up("127.0.0.1:5066"));
        script.answered(1);
        let status = script.model.selected().unwrap().status.clone();
        script.created(2, Method::Message, "sip:bob@demo.test", false);
        let sent = Fact::Sent { message: bytes.into(), destination: script.along(2) };
        script.fact(2, Method::Message, sent, status);
        script.type_text("g");
        script
    }

    pub fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    pub fn apply(&mut self, event: Event) {
        self.model.apply(event);
    }

    pub fn flow(&mut self, flow: u32, server: &str, state: FlowState) {
        let event = FlowEvent {
            at: self.now,
            flow: FlowId(flow),
            asked: std::sync::Arc::new(server.parse().unwrap()),
            server: server.parse().unwrap(),
            settings: Default::default(),
            state,
        };
        self.apply(Event::Flow(event));
    }

    pub fn fact(&mut self, context: u64, method: Method, fact: Fact, status: Status) {
        let context = ContextId(context);
        let event = ContextEvent { at: self.now, context, method, fact, status };
        self.apply(Event::Sip(sip::Event::Context(event)));
    }

    pub fn stray(&mut self, bytes: &'static [u8], problem: &str) {
        let stray = Stray {
            at: self.now,
            flow: FlowId(2),
            bytes: Bytes::from_static(bytes),
            problem: problem.to_owned(),
            asked: None,
        };
        self.apply(Event::Sip(sip::Event::Stray(stray)));
    }

    pub fn refuse(&mut self, context: Option<u64>, reason: &str) {
        let refusal = Refusal {
            at: self.now,
            context: context.map(ContextId),
            is_request: true,
            reason: reason.to_owned(),
        };
        self.apply(Event::Refused(refusal));
    }

    pub fn created(&mut self, context: u64, method: Method, target: &str, udp: bool) {
        self.created_by(context, method, target, udp, None);
    }

    pub fn created_by(
        &mut self,
        context: u64,
        method: Method,
        target: &str,
        udp: bool,
        parent: Option<u64>,
    ) {
        let created = Created {
            request_uri: target.parse().unwrap(),
            local_identity: "Alice <sip:alice@demo.test>".into(),
            remote_identity: format!("<{target}>").into(),
            call_id: format!("{context}c4d8e1f2a7@sipboard").into(),
            flow: Some(FlowId(if udp { 2 } else { 1 })),
            transport: if udp { Transport::Udp } else { Transport::Ws },
            parent: parent.map(ContextId),
            account: None,
            registration: None,
        };
        let state = if method == Method::Invite { State::Calling } else { State::Trying };
        let status = Status { attempts: 0, attempts_max: 0, ..status(state, udp) };
        self.fact(context, method, Fact::Created(Box::new(created)), status);
    }

    /// A REGISTER that was accepted, one of a registration: all have one Call-ID.
    pub fn registered(&mut self, id: u64) {
        let created = Created {
            request_uri: "sip:demo.test".parse().unwrap(),
            local_identity: "Alice <sip:alice@demo.test>".into(),
            remote_identity: "<sip:alice@demo.test>".into(),
            call_id: "registration@sipboard".into(),
            flow: Some(FlowId(1)),
            transport: Transport::Ws,
            parent: None,
            account: None,
            registration: None,
        };
        let trying = status(State::Trying, false);
        self.fact(id, Method::Register, Fact::Created(Box::new(created)), trying.clone());
        self.sent(id, Method::Register, trying);
        let ok = Fact::Accepted { response: response(200, "OK", "REGISTER"), again: false };
        self.fact(id, Method::Register, ok, status(State::Accepted, false));
    }

    /// Where what a context sends goes: along its flow.
    pub fn along(&self, context: u64) -> Destination {
        let row = self.model.facts.contexts.find(ContextId(context)).unwrap();
        let mut tried = row.timeline.iter().filter_map(|entry| match &entry.fact {
            Fact::Trying(trial) => Some((trial.flow, trial.candidate().transport)),
            _ => None,
        });
        let created = || (row.created.flow.unwrap_or(FlowId(1)), row.created.transport);
        let (flow, transport) = tried.next_back().unwrap_or_else(created);
        Destination::along(flow, transport)
    }

    pub fn sent(&mut self, context: u64, method: Method, status: Status) {
        self.fact(
            context,
            method,
            Fact::Sent { message: Bytes::from_static(b"x"), destination: self.along(context) },
            status,
        );
    }

    fn options(&mut self, id: u64) {
        self.created(id, Method::Options, "sip:demo.test", false);
        self.sent(id, Method::Options, status(State::Trying, false));
        self.wait(1);
        let ok = Fact::Accepted { response: response(200, "OK", "OPTIONS"), again: false };
        self.fact(id, Method::Options, ok, status(State::Accepted, false));
        let ended = Status { ended: true, ..status(State::Accepted, false) };
        self.fact(id, Method::Options, Fact::Ended { cause: Cause::Accepted }, ended);
    }

    fn busy(&mut self, id: u64) {
        self.invite(id, "sip:busy@demo.test");
        let busy = response(486, "Busy Here", "INVITE");
        let over = status(State::Rejected, false);
        let rejected = Fact::Rejected { response: busy.clone(), cause: Cause::Busy };
        self.fact(id, Method::Invite, rejected, over.clone());
        let failed = Fact::Failed {
            response: Some(busy.into()),
            cause: Cause::Busy,
            detail: Box::default(),
            advice: None,
        };
        self.fact(id, Method::Invite, failed, over.clone());
        self.ack(id, 486, over.clone());
        let ended = Status { ended: true, ..over };
        self.fact(id, Method::Invite, Fact::Ended { cause: Cause::Busy }, ended);
    }

    fn invite(&mut self, id: u64, target: &str) {
        self.created(id, Method::Invite, target, false);
        let calling = timers(
            status(State::Calling, false),
            &[(Timer::B, self.now + Duration::from_secs(32))],
        );
        self.sent(id, Method::Invite, calling);
        self.wait(2);
        let proceeding = status(State::Proceeding, false);
        let trying = Fact::Progress(response(100, "Trying", "INVITE"));
        self.fact(id, Method::Invite, trying, proceeding);
        self.wait(2);
    }

    fn ring(&mut self, id: u64) {
        let proceeding = status(State::Proceeding, false);
        let ringing = Fact::Progress(response(180, "Ringing", "INVITE"));
        self.fact(id, Method::Invite, ringing, proceeding.clone());
        let leg = Fact::Leg { tag: "a8f2".into(), state: LegState::Early };
        self.fact(id, Method::Invite, leg, proceeding);
    }

    fn ack(&mut self, id: u64, code: u16, status: Status) {
        let ack = Fact::Acked {
            message: Bytes::from_static(b"x"),
            status: StatusCode::new(code).unwrap(),
            again: false,
            destination: self.along(id),
        };
        self.fact(id, Method::Ack, ack, status);
    }

    /// An answered INVITE that is up.
    pub fn answered(&mut self, id: u64) {
        self.invite(id, "sip:answer@demo.test");
        self.ring(id);
        self.wait(400);
        let up = Status { legs_up: 1, ..status(State::Accepted, false) };
        let ok = Fact::Accepted { response: response(200, "OK", "INVITE"), again: false };
        self.fact(id, Method::Invite, ok, up.clone());
        let leg = Fact::Leg { tag: "a8f2".into(), state: LegState::Confirmed };
        self.fact(id, Method::Invite, leg, up.clone());
        self.ack(id, 200, up);
    }

    /// A BYE on the leg of an answered INVITE.
    pub fn hung_up(&mut self, id: u64, bye: u64) {
        let up = Status { legs_up: 1, ..status(State::Accepted, false) };
        self.created_by(bye, Method::Bye, "sip:answer@127.0.0.1:5066", false, Some(id));
        let leg =
            Fact::Leg { tag: "a8f2".into(), state: LegState::HangingUp { bye: ContextId(bye) } };
        self.fact(id, Method::Invite, leg, up);
        self.sent(bye, Method::Bye, status(State::Trying, false));
        self.wait(1);
        let ok = Fact::Accepted { response: response(200, "OK", "BYE"), again: false };
        self.fact(bye, Method::Bye, ok, status(State::Accepted, false));
        let over = Status { ended: true, ..status(State::HungUp, false) };
        let leg = Fact::Leg {
            tag: "a8f2".into(),
            state: LegState::Terminated { by: sip::TerminatedBy::Local },
        };
        self.fact(id, Method::Invite, leg, over.clone());
        self.fact(id, Method::Invite, Fact::Ended { cause: Cause::Bye }, over);
    }

    /// An INVITE that rings.
    pub fn ringing(&mut self, id: u64) {
        self.invite(id, "sip:ring@demo.test");
        self.ring(id);
    }

    /// The whole life of a cancel.
    pub fn rejected_by_cancel(&mut self, id: u64) {
        self.created(id, Method::Invite, "sip:ring@demo.test", true);
        self.sent(id, Method::Invite, status(State::Calling, true));
        self.wait(1);
        self.cancel(id, true);
        self.wait(2);
        let cancelling = status(State::Cancelling, true);
        let trying = Fact::Progress(response(100, "Trying", "INVITE"));
        self.fact(id, Method::Invite, trying, cancelling.clone());
        let sent =
            Fact::CancelSent { message: Bytes::from_static(b"x"), destination: self.along(id) };
        self.fact(id, Method::Cancel, sent, cancelling.clone());
        self.wait(500);
        let again = Fact::Retransmitted { message: Bytes::from_static(b"x"), attempt: 2, left: 9 };
        self.fact(id, Method::Cancel, again, cancelling.clone());
        self.wait(1);
        let ok = Fact::CancelAnswered(response(200, "OK", "CANCEL"));
        self.fact(id, Method::Cancel, ok, cancelling);
        self.wait(1);
        let over = status(State::Canceled, true);
        let terminated = response(487, "Request Terminated", "INVITE");
        let rejected = Fact::Rejected { response: terminated.clone(), cause: Cause::Canceled };
        self.fact(id, Method::Invite, rejected, over.clone());
        let failed = Fact::Failed {
            response: Some(terminated.into()),
            cause: Cause::Canceled,
            detail: Box::default(),
            advice: None,
        };
        self.fact(id, Method::Invite, failed, over.clone());
        self.ack(id, 487, over.clone());
        let ended = Status { ended: true, ..over };
        self.fact(id, Method::Invite, Fact::Ended { cause: Cause::Canceled }, ended);
    }

    pub fn cancel(&mut self, id: u64, waiting: bool) {
        let options =
            sip::CancelOptions { status_code: Some(480), reason_phrase: Some("Gone".into()) };
        let cancelling = status(State::Cancelling, true);
        self.fact(id, Method::Invite, Fact::Cancel { options, waiting }, cancelling);
    }

    /// An INVITE over UDP that nobody answers.
    pub fn silent(&mut self, id: u64) {
        self.created(id, Method::Invite, "sip:silent@demo.test", true);
        let b = (Timer::B, self.now + Duration::from_secs(32));
        let a = |at| (Timer::A, at);
        let calling = |at| timers(status(State::Calling, true), &[a(at), b]);
        self.sent(id, Method::Invite, calling(self.now + Duration::from_millis(500)));
        for attempt in 2..=3 {
            self.wait(500 << (attempt - 2));
            let next = self.now + Duration::from_millis(500 << (attempt - 1));
            let again = Fact::Retransmitted {
                message: Bytes::from_static(b"x"),
                attempt,
                left: 7 - attempt,
            };
            let status = Status { attempts: attempt, ..calling(next) };
            self.fact(id, Method::Invite, again, status);
        }
    }

    pub fn retransmit(&mut self, id: u64, attempt: u32) {
        let a = (Timer::A, self.now + Duration::from_millis(500 << (attempt - 1)));
        let b = (Timer::B, self.now + Duration::from_secs(28));
        let status = timers(Status { attempts: attempt, ..status(State::Calling, true) }, &[a, b]);
        let again =
            Fact::Retransmitted { message: Bytes::from_static(b"x"), attempt, left: 7 - attempt };
        self.fact(id, Method::Invite, again, status);
    }

    /// Types a key.
    pub fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Option<Command> {
        update::input(&mut self.model, Input::Key(KeyEvent::new(code, modifiers)), self.now)
    }

    /// Types a text, with Enter at a line end and Tab at a tab.
    pub fn type_text(&mut self, text: &str) -> Option<Command> {
        let mut last = None;
        for c in text.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                c => KeyCode::Char(c),
            };
            last = self.press(code, KeyModifiers::NONE);
        }
        last
    }

    /// The screen at a size.
    pub fn draw(&mut self, width: u16, height: u16) -> (Buffer, Drawn) {
        self.model.size = Size { width, height };
        let settled = update::settle(&mut self.model, self.now);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut drawn = Drawn::default();
        terminal
            .draw(|frame| drawn = view::draw_settled(frame, &self.model, self.now, settled))
            .unwrap();
        (terminal.backend().buffer().clone(), drawn)
    }

    /// The screen at a size, as text.
    pub fn text(&mut self, width: u16, height: u16) -> String {
        text(&self.draw(width, height).0)
    }
}

/// The text of a picture, line by line.
pub fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (symbol.width() as u16).max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub fn up(peer: &str) -> FlowState {
    FlowState::Up {
        local: "127.0.0.1:40000".parse().unwrap(),
        peer: peer.parse().unwrap(),
        facts: Default::default(),
    }
}

pub fn status(state: State, udp: bool) -> Status {
    let attempts_max = match state {
        State::Calling if udp => 7,
        State::Trying if udp => 11,
        _ => 1,
    };
    let (timers, more_timers) = (Box::default(), 0);
    Status { state, timers, more_timers, attempts: 1, attempts_max, legs_up: 0, ended: false }
}

pub fn timers(status: Status, timers: &[(Timer, Instant)]) -> Status {
    let timers = timers.iter().map(|&(timer, at)| TimerAt::own(timer, at)).collect();
    Status { timers, ..status }
}

pub fn response(code: u16, reason: &str, method: &str) -> Response {
    let message = format!(
        "SIP/2.0 {code} {reason}\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n\
         From: <sip:alice@demo.test>;tag=1\r\nTo: <sip:x@demo.test>;tag=a8f2\r\n\
         Call-ID: 1\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    );
    Response { status: StatusCode::new(code).unwrap(), message: message.into_bytes().into() }
}

/// Where messages of ours went: along the UDP flow.
pub fn along() -> Destination {
    Destination::along(FlowId(2), Transport::Udp)
}
