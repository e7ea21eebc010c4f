//! A client that answers challenges, its cnonces `c1`, `c2` … in order.
#![allow(dead_code, reason = "each test file uses its own part")]

use bytes::Bytes;
use sipboard::sip::{
    FlowId, HeaderName, Message, StatusCode,
    auth::{
        AuthRecord, AuthRequest, AuthSessions, AuthState, Authorized, ChallengeOutcome,
        Credentials, Decision, GiveUp, InfoRecord, PassedOver,
    },
    header,
};

/// One user and what its flows know; each request is a context of its own.
pub struct Client {
    pub sessions: AuthSessions,
    pub credentials: Vec<Credentials>,
    pub flow: FlowId,
    cnonces: u32,
    fixed_cnonce: Option<&'static str>,
}

/// A context: the request and what was tried.
#[derive(Clone)]
pub struct Context {
    pub method: &'static str,
    pub uri: &'static str,
    pub body: &'static [u8],
    pub state: AuthState,
}

pub fn context(method: &'static str, uri: &'static str) -> Context {
    Context { method, uri, body: b"", state: AuthState::default() }
}

pub fn invite() -> Context {
    Context { body: b"v=0\r\n", ..context("INVITE", "sip:bob@demo.test") }
}

impl Context {
    fn parts<'a>(
        &'a mut self,
        flow: FlowId,
        credentials: &'a [Credentials],
    ) -> (AuthRequest<'a>, &'a mut AuthState) {
        let Context { method, uri, body, state } = self;
        (AuthRequest { flow, method, uri, body, credentials }, state)
    }
}

impl Client {
    pub fn new(username: &str, password: &str) -> Client {
        Client {
            sessions: AuthSessions::new(),
            credentials: vec![Credentials::new(username, password)],
            flow: FlowId(1),
            cnonces: 0,
            fixed_cnonce: None,
        }
    }

    pub fn alice() -> Client {
        Client::new("alice", "wonderland")
    }

    pub fn with_cnonce(self, cnonce: &'static str) -> Client {
        Client { fixed_cnonce: Some(cnonce), ..self }
    }

    pub fn answer(&mut self, context: &mut Context, response: &Message) -> Decision {
        let Client { sessions, credentials, flow, cnonces, fixed_cnonce } = self;
        let (request, state) = context.parts(*flow, credentials);
        let mut cnonce = || {
            *cnonces += 1;
            fixed_cnonce.map_or_else(|| format!("c{cnonces}"), Into::into)
        };
        sessions.answer(&request, response, state, &mut cnonce)
    }

    pub fn retry(&mut self, context: &mut Context, response: &Message) -> Authorized {
        match self.answer(context, response) {
            Decision::Retry(authorized) => authorized,
            Decision::GiveUp { reason, .. } => panic!("gave up: {reason}"),
        }
    }

    pub fn give_up(&mut self, context: &mut Context, response: &Message) -> (GiveUp, AuthRecord) {
        match self.answer(context, response) {
            Decision::GiveUp { reason, record } => {
                assert_eq!(record.gave_up.as_ref(), Some(&reason));
                (reason, record)
            }
            Decision::Retry(authorized) => panic!("went on: {authorized:?}"),
        }
    }

    pub fn ahead(&mut self, context: &mut Context) -> Vec<(HeaderName, String)> {
        let Client { sessions, credentials, flow, cnonces, .. } = self;
        let (request, state) = context.parts(*flow, credentials);
        let mut cnonce = || {
            *cnonces += 1;
            format!("c{cnonces}")
        };
        let ahead = sessions.ahead(&request, state, &mut cnonce);
        ahead.map_or_else(Vec::new, |authorized| {
            assert_eq!(authorized.record.carried.len(), authorized.headers.len());
            authorized.headers
        })
    }

    pub fn learn(&mut self, context: &mut Context, response: &Message) -> Vec<InfoRecord> {
        self.sessions.learn(self.flow, response, &mut context.state, &self.credentials)
    }

    /// A challenge answered, and the answer let through: the session may be used ahead.
    pub fn succeed(&mut self, context: &mut Context, response: &Message) -> Authorized {
        let authorized = self.retry(context, response);
        self.learn(context, &ok(&[]));
        authorized
    }
}

pub fn response(status: u16, headers: &[&str], body: &str) -> Message {
    let mut text = format!("SIP/2.0 {status} x\r\n");
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    Message::read(Bytes::from(text)).expect("a response that can be read")
}

pub fn ok(headers: &[&str]) -> Message {
    response(200, headers, "")
}

/// A 401 whose challenges are `Digest` and these parameters.
pub fn www(params: &[&str]) -> Message {
    challenge(401, "WWW-Authenticate", params)
}

/// A 407 whose challenges are `Digest` and these parameters.
pub fn proxy(params: &[&str]) -> Message {
    challenge(407, "Proxy-Authenticate", params)
}

fn challenge(status: u16, name: &str, params: &[&str]) -> Message {
    let headers: Vec<_> = params.iter().map(|params| format!("{name}: Digest {params}")).collect();
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    response(status, &headers, "")
}

/// A parameter of an Authorization value, as written.
pub fn raw(value: &str, name: &str) -> Option<String> {
    let credentials = header::Credentials::parse(HeaderName::Authorization, value)
        .unwrap_or_else(|error| panic!("{value}: {error}"));
    assert!(credentials.is_digest());
    let mut names: Vec<_> =
        credentials.params().iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "a parameter stands there twice: {value}");
    credentials.params().value(name).map(Into::into)
}

/// The parameters of the only header, as written.
pub fn only(authorized: &Authorized, name: &str) -> Option<String> {
    assert_eq!(authorized.headers.len(), 1, "{:?}", authorized.headers);
    raw(&authorized.headers[0].1, name)
}

/// The response of the only header, without quotes.
pub fn digest(authorized: &Authorized) -> String {
    unquoted(only(authorized, "response"))
}

pub fn unquoted(text: Option<String>) -> String {
    text.expect("the parameter is there").trim_matches('"').to_owned()
}

/// Why each challenge was passed over; `None` where it was answered.
pub fn passed_over(record: &AuthRecord) -> Vec<Option<&PassedOver>> {
    record
        .challenges
        .iter()
        .map(|challenge| match &challenge.outcome {
            ChallengeOutcome::Answered { .. } => None,
            ChallengeOutcome::PassedOver(why) => Some(why),
        })
        .collect()
}

pub fn status(code: u16) -> StatusCode {
    StatusCode::new(code).expect("a status code")
}
