//! [`Preview`]: what will be sent, as far as it is known before it is sent, and what the lint says
//! of it.

use std::sync::Arc;

use bytes::Bytes;

use super::Around;
use crate::{
    engine::{Command, FlowEvent, FlowState, InDialog, Submission, next_hop, secured},
    sip::{
        self, Answer, DialogRequest, ExtraHeader, FlowId, KnownPasswords, NewRequest, Profile,
        RawMessage, Writing,
        lint::{self, Finding},
        secret,
    },
};

/// What will be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// The message; where it is made by the user agent, only what is known of it.
    pub bytes: Bytes,
    /// What the lint says of it.
    pub findings: Vec<Finding>,
    /// What is not known yet, each a sentence.
    pub notes: Vec<String>,
    /// What would go wrong, each a sentence.
    pub warnings: Vec<String>,
    /// What the engine has yet to say for it.
    pub asks: Option<Asks>,
    /// A target of which more is to be typed, maybe, as it stands in the message, and how much of it is no
    /// password.
    pub(super) unfinished: Option<(Box<str>, usize)>,
}

/// What a preview must know of the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Asks {
    /// How requests of an account are written on the flow that it would ride on.
    Writing {
        /// The flow; none for one that is still to be made.
        flow: Option<FlowId>,
        /// The account.
        profile: Option<Arc<Profile>>,
    },
    /// How requests are written in its dialog.
    InDialog(InDialog),
}

/// How much of a message the preview shows at most.
const LONGEST: usize = 64 * 1024;

impl Preview {
    /// What a command will send.
    pub(super) fn of(command: &Command, around: &Around<'_>) -> Preview {
        match command {
            Command::Send(submission) => request(submission, around),
            Command::SendRaw(submission) => raw(&submission.message),
            Command::SendInDialog { context, tag, request } => {
                let (tag, method) = (tag.clone(), request.method.clone());
                in_dialog(request, InDialog { context: *context, tag, method }, around)
            }
            Command::Answer { answer, .. } => answered(answer),
            _ => Preview::default(),
        }
    }

    fn linted(bytes: Bytes, notes: Vec<String>) -> Preview {
        let findings = match bytes.len() {
            ..=LONGEST => lint::lint(bytes.clone(), &lint::Options::default()).findings,
            _ => Vec::new(),
        };
        Preview { bytes, findings, notes, ..Preview::default() }
    }

    /// Whether our own address is not in it yet.
    pub(super) fn lacks_address(&self) -> bool {
        memchr::memmem::find(&self.bytes, sip::PREVIEW_HOST.as_bytes()).is_some()
    }

    /// Its lines as they can be shown: no secret, no line end. Where a line does not end in CR LF,
    /// what it ends in is written out.
    pub fn lines(&self, known: &KnownPasswords) -> Vec<String> {
        let shown = &self.bytes[..self.bytes.len().min(LONGEST)];
        let mut secrets = secret::ranges_so_far(shown, known);
        if let Some((target, clear)) = &self.unfinished {
            let found = memchr::memmem::find_iter(shown, target.as_bytes());
            secrets.extend(found.map(|at| at + clear..at + target.len()));
            secrets = secret::apart(secrets);
        }
        let mut lines = Vec::new();
        let mut at = 0;
        while at < shown.len() {
            let next = memchr::memchr(b'\n', &shown[at..]).map_or(shown.len(), |end| at + end + 1);
            let line = &shown[at..next];
            let (text, end) = match line.strip_suffix(b"\r\n") {
                Some(text) => (text, ""),
                None => match line.strip_suffix(b"\n") {
                    Some(text) => (text, "\\n"),
                    None => (line, ""),
                },
            };
            let text = secret::masked(shown, at..at + text.len(), &secrets);
            lines.push(format!("{}{end}", crate::ui::view::bytes_as_text(&text)));
            at = next;
        }
        if self.bytes.len() > LONGEST {
            lines.push(format!("… {} bytes more", self.bytes.len() - LONGEST));
        }
        lines
    }
}

/// A request as it will be written: all of it where its flow is up.
fn request(submission: &Submission, around: &Around<'_>) -> Preview {
    let request = &submission.request;
    let mut notes = Vec::new();
    let named = submission.server.clone();
    let of_account = request.profile.iter().flat_map(|profile| profile.ways_out.first());
    let first = request.route_set.first().or(of_account.flatten().next());
    let server = named
        .map_or_else(|| next_hop(first, Some(&request.request_uri)), Ok)
        .map_err(|why| notes.push(why))
        .ok();
    let secured = server.as_ref().map(|server| secured(first, &request.request_uri, server));
    let refused = secured.and_then(Result::err).map(|why| format!("it would be refused: {why}"));
    let is_it = |flow: &&FlowEvent| {
        Some(&*flow.asked) == server.as_ref()
            && flow.settings == submission.flow
            && matches!(flow.state, FlowState::Up { .. })
    };
    let flow = around.facts.flows.values().map(|flow| &flow.event).find(is_it);
    // Of a name, DNS may have named the transport.
    let named = server.as_ref().map_or(sip::Transport::Udp, |server| server.transport);
    let transport = flow.map_or(named, |flow| flow.server.transport);
    let (told, asks) = written(submission, flow, around);
    let known;
    let writing = match flow {
        Some(_) => told,
        None => {
            let keep = submission.flow.keep_alive.interval_on(transport).is_some();
            known = Writing { keep, ..told.cloned().unwrap_or_else(|| unregistered(request)) };
            Some(&known)
        }
    };
    let bytes = sip::preview(request, transport, writing, around.settings);
    let may_sign = request.credentials.is_some() || submission.password_command.is_some();
    match (flow, writing) {
        (Some(_), Some(writing)) if writing.is_challenged && may_sign => notes.push(
            "credentials are added where the server has asked for them: nothing else changes"
                .to_owned(),
        ),
        (Some(_), Some(_)) => {}
        _ => notes.push(format!(
            "our address ({}) is known as soon as the connection is there",
            sip::PREVIEW_HOST
        )),
    }
    if transport == sip::Transport::Udp {
        notes.extend(too_long(&bytes, around));
    }
    if request.body.contains(&b'\n') {
        notes.push("each line of the body ends in CR LF; a raw message can have others".to_owned());
    }
    let warnings = refused.into_iter().collect();
    Preview { asks, warnings, ..Preview::linted(bytes, notes) }
}

/// What the engine has said of how the account's requests are written on a flow, or on one that is
/// still to be made; or what it is to be asked.
fn written<'a>(
    submission: &Submission,
    flow: Option<&FlowEvent>,
    around: &Around<'a>,
) -> (Option<&'a Writing>, Option<Asks>) {
    let flow = flow.map(|flow| flow.flow);
    let profile = submission.request.profile.clone();
    let account = profile.as_ref().map(|profile| Arc::clone(&profile.name));
    // Without a registration, the account itself says what a flow that is not there changes.
    let is_registered =
        account.as_ref().is_some_and(|name| !around.facts.registrations.of(name).is_empty());
    let told = around.facts.writings.get(&(flow, account));
    let is_missing = told.is_none() && (flow.is_some() || is_registered);
    (told, is_missing.then_some(Asks::Writing { flow, profile }))
}

/// What is known of the requests of an account that is not registered, on a flow that is still to be
/// made.
fn unregistered(request: &NewRequest) -> Writing {
    let way = request.profile.iter().flat_map(|profile| profile.ways_out.first());
    Writing { routes: way.flatten().cloned().collect(), ..Writing::unknown() }
}

fn raw(message: &RawMessage) -> Preview {
    let bytes = message.bytes();
    let places = placeholders(bytes);
    let (mut notes, mut warnings) = (Vec::new(), Vec::new());
    let size = bytes.len();
    match (places.is_empty(), message.lacks_address()) {
        (false, true) => notes.push(format!(
            "sent as it stands, but for our own address: it takes the place of {} ({places}) once the connection is there",
            sip::PREVIEW_HOST
        )),
        (true, _) => notes.push(format!("{size} bytes, sent as they are")),
        (false, false) => {
            notes.push(format!("{size} bytes, sent as they are"));
            warnings.push(format!(
                "{} is no address, and nothing that is sent there arrives ({places}): write one",
                sip::PREVIEW_HOST
            ));
        }
    }
    notes
        .push("each line of the text ends in CR LF, one that ends in \\n\\ in LF alone".to_owned());
    if let Err(why) = message.matchable() {
        notes.push(why.to_string());
    }
    Preview { warnings, ..Preview::linted(bytes.clone(), notes) }
}

/// The lines of a message's head in which our own address is left open.
fn placeholders(bytes: &Bytes) -> String {
    let head = String::from_utf8_lossy(&bytes[..sip::head_end(bytes)]);
    let lines = head.lines().filter(|line| line.contains(sip::PREVIEW_HOST));
    let names = lines.map(|line| line.split_once(':').map_or("its first line", |(name, _)| name));
    names.collect::<Vec<_>>().join(", ")
}

/// A request in a dialog as it will be written; only its own part until the engine has said how.
fn in_dialog(request: &DialogRequest, of: InDialog, around: &Around<'_>) -> Preview {
    let asked = around.facts.dialog_writing.as_ref();
    let asked = asked.filter(|asked| (asked.of.context, &asked.of.tag) == (of.context, &of.tag));
    // While the engine looks again, what it said last stands.
    let asks = asked.is_none_or(|asked| asked.is_old || asked.of.method != of.method);
    let asks = asks.then_some(Asks::InDialog(of));
    let mut notes = Vec::new();
    let written = match asked.map(|asked| &asked.writing) {
        Some(Ok(writing)) => Some(writing),
        Some(Err(why)) => {
            notes.push(format!("it would be refused now: {why}"));
            None
        }
        None => None,
    };
    let Some(writing) = written else {
        let start = format!("{} … SIP/2.0", request.method);
        let (kind, body) = (request.content_type.as_deref(), &request.body);
        return Preview { notes, asks, ..own_part(&start, &request.headers, kind, body) };
    };
    let bytes = sip::preview_in_dialog(request, writing);
    if writing.sent_by.is_none() {
        notes.push(format!(
            "our address ({}) is known as soon as the connection is there",
            sip::PREVIEW_HOST
        ));
    }
    if writing.transport == sip::Transport::Udp {
        notes.extend(too_long(&bytes, around));
    }
    if writing.is_challenged {
        notes.push(
            "credentials are added where the server has asked for them: nothing else changes"
                .to_owned(),
        );
    }
    Preview { asks, ..Preview::linted(bytes, notes) }
}

/// What becomes of a request on UDP that is too long for it.
fn too_long(bytes: &Bytes, around: &Around<'_>) -> Option<String> {
    let most = around.settings.udp_max_bytes.filter(|most| bytes.len() > *most)?;
    Some(format!(
        "longer than {most} bytes: it goes over TCP, and Via and Contact say so (RFC 3261 §18.1.1)",
    ))
}

fn answered(answer: &Answer) -> Preview {
    let note = "Via, From, To, Call-ID and CSeq are those of the request, Contact that of the dialog; a provisional that the peer requires to be reliable gets an RSeq";
    let reason = match answer.reason.as_str() {
        "" => answer.status.canonical_reason(),
        reason => reason,
    };
    let start = format!("SIP/2.0 {} {reason}", answer.status);
    let (kind, body) = (answer.content_type.as_deref(), &answer.body);
    Preview { notes: vec![note.to_owned()], ..own_part(&start, &answer.headers, kind, body) }
}

/// The part of a message that the user writes.
fn own_part(
    start: &str,
    headers: &[ExtraHeader],
    content_type: Option<&str>,
    body: &Bytes,
) -> Preview {
    let mut text = format!("{start}\r\n");
    for header in headers {
        text.push_str(&format!("{}: {}\r\n", header.name(), header.value()));
    }
    if let Some(kind) = content_type {
        text.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    Preview { bytes: bytes.into(), ..Preview::default() }
}
