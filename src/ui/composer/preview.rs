//! [`Preview`]: what will be sent, as far as it is known before it is sent, and what the lint says
//! of it.

use bytes::Bytes;

use crate::{
    engine::{Command, next_hop},
    sip::{
        self, Answer, DialogRequest, ExtraHeader, NewRequest, RawMessage,
        lint::{self, Finding},
    },
    ui::detail::secret,
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
}

/// How much of a message the preview shows at most.
const LONGEST: usize = 64 * 1024;

impl Preview {
    /// What a command will send.
    pub(super) fn of(command: &Command, settings: &sip::Settings) -> Preview {
        match command {
            Command::Send(submission) => {
                let request = &submission.request;
                let server = submission.server.clone().map_or_else(
                    || next_hop(request.route_set.first(), Some(&request.request_uri)),
                    Ok,
                );
                let mut notes = vec![made_later(request)];
                let transport = match server {
                    Ok(server) => server.transport,
                    Err(why) => {
                        notes.push(why);
                        sip::Transport::Udp
                    }
                };
                Preview::linted(sip::preview(request, transport, settings), notes)
            }
            Command::SendRaw(submission) => raw(&submission.message),
            Command::SendInDialog { request, .. } => in_dialog(request),
            Command::Answer { answer, .. } => answered(answer),
            _ => Preview::default(),
        }
    }

    fn linted(bytes: Bytes, notes: Vec<String>) -> Preview {
        let findings = match bytes.len() {
            ..=LONGEST => lint::lint(bytes.clone(), &lint::Options::default()).findings,
            _ => Vec::new(),
        };
        Preview { bytes, findings, notes }
    }

    /// Its lines as they can be shown: no secret, no line end. Where a line does not end in CR LF,
    /// what it ends in is written out.
    pub fn lines(&self) -> Vec<String> {
        let shown = &self.bytes[..self.bytes.len().min(LONGEST)];
        let secrets = secret::ranges(shown);
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

/// What the user agent makes when it sends.
fn made_later(request: &NewRequest) -> String {
    let mut note = format!(
        "the Via's branch ({}) and our address ({}) are made when it is sent",
        sip::PREVIEW_BRANCH,
        sip::PREVIEW_HOST
    );
    if request.credentials.is_some() {
        note.push_str("; credentials are added where the server has asked for them");
    }
    note
}

fn raw(message: &RawMessage) -> Preview {
    let mut notes = vec![format!("{} bytes, sent as they are", message.bytes().len())];
    if let Err(why) = message.matchable() {
        notes.push(why.to_string());
    }
    Preview::linted(message.bytes().clone(), notes)
}

fn in_dialog(request: &DialogRequest) -> Preview {
    let note = "the dialog gives Request-URI, Via, Route, From, To, Call-ID, CSeq and Contact when it is sent";
    let start = format!("{} … SIP/2.0", request.method);
    let (kind, body) = (request.content_type.as_deref(), &request.body);
    Preview { notes: vec![note.to_owned()], ..own_part(&start, &request.headers, kind, body) }
}

fn answered(answer: &Answer) -> Preview {
    let note =
        "Via, From, To, Call-ID and CSeq are those of the request, Contact that of the dialog";
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
    Preview { bytes: bytes.into(), findings: Vec::new(), notes: Vec::new() }
}
