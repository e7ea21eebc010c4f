//! An engine whose events are scripted, and runs against it.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use sipboard::{
    engine::{Command, Engine, Event, Submission},
    headless::{self, Format, Outcome, Plan, Sending, Style},
    outlet::Outlet,
    sip::{
        self, CancelOptions, Cause, ContextEvent, ContextId, Created, Destination, Fact, FlowId,
        Identity, LegState, Method, NewRequest, Response, State, Status, StatusCode, Transport,
    },
};
use tokio::sync::mpsc;

/// The engine's other end: takes commands, gives events.
pub struct Script {
    pub commands: mpsc::Receiver<Command>,
    pub events: mpsc::Sender<Vec<Event>>,
    pub next: u64,
}

impl Script {
    pub fn start(capacity: usize) -> (Engine, Script) {
        let (commands, commands_out) = mpsc::channel(capacity);
        let (events_in, events) = mpsc::channel(1);
        let task = tokio::spawn(std::future::pending());
        let script = Script { commands: commands_out, events: events_in, next: 1 };
        (Engine { commands, events, task }, script)
    }

    pub async fn command(&mut self) -> Command {
        tokio::time::timeout(DEADLINE, self.commands.recv())
            .await
            .expect("a command must come")
            .expect("the run must not be over")
    }

    /// Takes a request; gives its context.
    pub async fn request(&mut self) -> ContextId {
        let command = self.command().await;
        let Command::Send(submission) = command else { panic!("{command:?}") };
        let id = ContextId(self.next);
        self.next += 1;
        let method = submission.request.method.clone();
        self.tell(id, method, vec![created(None)]).await;
        id
    }

    pub async fn quit(&mut self) {
        let command = self.command().await;
        assert!(matches!(command, Command::Quit), "{command:?}");
        self.events.send(vec![Event::Stopped]).await.expect("the run must wait for the end");
    }

    pub async fn tell(&mut self, id: ContextId, method: Method, facts: Vec<Fact>) {
        let batch = facts.into_iter().map(|fact| context_event(id, method.clone(), fact)).collect();
        self.events.send(batch).await.expect("the run must not be over");
    }
}

pub fn context_event(context: ContextId, method: Method, fact: Fact) -> Event {
    let state = match fact {
        Fact::Leg { state: LegState::Terminated { .. }, .. } => State::HungUp,
        _ => State::Proceeding,
    };
    let legs_up = u32::from(matches!(fact, Fact::Accepted { .. }));
    let (timers, more_timers) = (Box::default(), 0);
    let status =
        Status { state, timers, more_timers, attempts: 1, attempts_max: 7, legs_up, ended: false };
    Event::Sip(sip::Event::Context(ContextEvent {
        at: Instant::now(),
        context,
        method,
        fact,
        status,
    }))
}

pub fn created(parent: Option<ContextId>) -> Fact {
    Fact::Created(Box::new(Created {
        request_uri: "sip:bob@demo.test".parse().unwrap(),
        local_identity: "<sip:alice@demo.test>".into(),
        remote_identity: "<sip:bob@demo.test>".into(),
        call_id: "x".into(),
        flow: Some(FlowId(1)),
        transport: Transport::Ws,
        parent,
        account: None,
        registration: None,
    }))
}

pub fn sent() -> Fact {
    Fact::Sent {
        message: Bytes::from_static(b"OPTIONS sip:bob@demo.test SIP/2.0\r\n\r\n"),
        destination: along(),
    }
}

pub fn response(status: u16, reason: &str) -> Response {
    let text = format!(
        "SIP/2.0 {status} {reason}\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=a8f2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    );
    Response { status: StatusCode::new(status).unwrap(), message: text.into() }
}

pub fn accepted() -> Fact {
    Fact::Accepted { response: response(200, "OK"), again: false }
}

pub fn rejected(status: u16, reason: &str, cause: Cause) -> Vec<Fact> {
    let response = response(status, reason);
    vec![
        Fact::Rejected { response: response.clone(), cause },
        Fact::Failed {
            response: Some(response.into()),
            cause,
            detail: Box::default(),
            advice: None,
        },
        Fact::Ended { cause },
    ]
}

pub fn failed(cause: Cause, detail: &str) -> Vec<Fact> {
    vec![
        Fact::Failed { response: None, cause, detail: detail.into(), advice: None },
        Fact::Ended { cause },
    ]
}

pub fn plan(method: Method) -> Plan {
    let identity =
        Identity { display_name: String::new(), uri: "sip:alice@demo.test".parse().unwrap() };
    let request = NewRequest::new(method, "sip:bob@demo.test".parse().unwrap(), identity);
    Plan {
        sending: Sending::Request(Box::new(Submission {
            request,
            server: None,
            password_command: None,
            flow: Default::default(),
        })),
        count: 1,
        concurrency: 1,
        rate: None,
        cancel_after: None,
        cancel: CancelOptions::default(),
        hangup_after: None,
        timeout: None,
    }
}

pub const JSON: Style =
    Style { format: Format::Json, events: true, totals: false, progress: false };
pub const READABLE: Style = Style { format: Format::Timeline { colour: false }, ..JSON };
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What a run left behind.
pub struct Ran {
    pub outcome: Outcome,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    pub fn events(&self) -> Vec<String> {
        self.json().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
    }
}

pub async fn run(plan: Plan, style: Style, script: impl AsyncFnOnce(&mut Script)) -> Ran {
    let (_sender, interrupts) = mpsc::channel(1);
    run_interrupted(plan, style, interrupts, script).await
}

pub async fn run_interrupted(
    plan: Plan,
    style: Style,
    interrupts: mpsc::Receiver<()>,
    script: impl AsyncFnOnce(&mut Script),
) -> Ran {
    let (engine, mut engine_side) = Script::start(1);
    let (out, err) = (Kept::default(), Kept::default());
    let outlet = Outlet::new(out.clone(), err.clone());
    let (outcome, ()) = tokio::time::timeout(DEADLINE, async {
        tokio::join!(
            headless::run(engine, plan, style, &outlet, interrupts),
            script(&mut engine_side)
        )
    })
    .await
    .expect("the run must come to an end");
    assert!(outlet.wait(Instant::now() + DEADLINE), "all is written");
    Ran { outcome, out: out.text(), err: err.text() }
}

/// A stream that keeps what is written to it.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where messages of ours went: along the first flow.
pub fn along() -> Destination {
    Destination::along(FlowId(1), Transport::Ws)
}
