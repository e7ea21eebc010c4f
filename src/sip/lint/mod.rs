//! The lint: everything that is wrong with a message that can be read.
//!
//! Each [`Rule`] has a name, a [`Severity`] and the section that it stands on; each [`Finding`]
//! says where. The lint changes nothing and decides nothing: whether a transaction can act on a
//! message is for [`Message::essentials`] to say. Its time is linear in the message.
//!
//! The rules stand in [`Rule`]; what trips them, in one file for each part of a message.

mod auth;
mod body;
mod contact;
mod lines;
mod methods;
mod presence;
mod rule;
mod start_line;
#[cfg(test)]
mod tests;
mod uris;
mod values;
mod via;

use bytes::Bytes;

pub use rule::{Rule, Severity};

use crate::sip::{
    escape,
    message::{Header, Limits, Message, ReadError},
    name::HeaderName,
};

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The header that it speaks of, safe to print; none for the start line and the body.
    pub header: Option<String>,
    /// The byte offset in the message.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong, as a sentence that is safe to print.
    pub message: String,
}

impl Finding {
    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

/// What the lint looks at besides the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Bounds on what is read.
    pub limits: Limits,
    /// Seconds since 1970, against which a Date is held; without it no Date is too old.
    pub now: Option<u64>,
}

/// What the lint says of some bytes.
#[derive(Clone, Debug)]
pub struct Report {
    /// The message, where the bytes can be read as one.
    pub message: Result<Message, ReadError>,
    /// What is wrong, in the order of the bytes.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether a transaction could act on the message.
    pub fn is_usable(&self) -> bool {
        self.message.as_ref().is_ok_and(|message| message.essentials().is_ok())
    }

    /// The gravest finding.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }
}

/// Reads bytes as one datagram and lints what is read.
pub fn lint(bytes: Bytes, options: &Options) -> Report {
    match Message::read_with(bytes.clone(), &options.limits) {
        Ok(message) => Report { findings: lint_message(&message, options), message: Ok(message) },
        Err(error) => {
            let rule = match error {
                ReadError::Empty | ReadError::BadStartLine { .. } => Rule::Unreadable,
                _ => Rule::OverLimit,
            };
            let finding = Finding {
                rule,
                header: None,
                offset: error.offset(),
                line: 1,
                column: 1,
                message: error.to_string(),
            };
            let mut findings = vec![finding];
            place(&bytes, &mut findings);
            Report { message: Err(error), findings }
        }
    }
}

/// Lints a message that has been read. The findings stand in the order of the bytes.
pub fn lint_message(message: &Message, options: &Options) -> Vec<Finding> {
    let mut lint = Lint { message, options, findings: Vec::new() };
    start_line::look(&mut lint);
    lines::look(&mut lint);
    presence::look(&mut lint);
    values::look(&mut lint);
    uris::look(&mut lint);
    via::look(&mut lint);
    contact::look(&mut lint);
    methods::look(&mut lint);
    auth::look(&mut lint);
    body::look(&mut lint);
    let mut findings = lint.findings;
    findings.sort_by_key(|finding| finding.offset);
    place(message.bytes(), &mut findings);
    findings
}

/// A message under the lint, and what was found so far.
struct Lint<'a> {
    message: &'a Message,
    options: &'a Options,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    /// Something at a byte offset, in no header.
    fn at(&mut self, rule: Rule, offset: usize, message: impl AsRef<str>) {
        self.push(rule, None, offset, message.as_ref());
    }

    /// Something in a header's value, `within` it.
    fn header(&mut self, rule: Rule, header: Header<'_>, within: usize, message: impl AsRef<str>) {
        let offset = header.offset + within.min(header.value.len());
        self.push(rule, Some(name_of(header)), offset, message.as_ref());
    }

    /// A header that is not there; the finding stands at the start line.
    fn missing(&mut self, rule: Rule, name: HeaderName, message: impl AsRef<str>) {
        let offset = self.message.start_offset();
        self.push(rule, Some(name.to_string()), offset, message.as_ref());
    }

    fn push(&mut self, rule: Rule, header: Option<String>, offset: usize, message: &str) {
        let message = escape(message).into_owned();
        self.findings.push(Finding { rule, header, offset, line: 1, column: 1, message });
    }
}

fn name_of(header: Header<'_>) -> String {
    match header.name.as_str() {
        "" => escape(&String::from_utf8_lossy(header.name_text)).into_owned(),
        known => known.to_owned(),
    }
}

/// Lines and columns, in one pass over findings that stand in order.
fn place(bytes: &[u8], findings: &mut [Finding]) {
    let (mut line, mut start, mut at) = (1, 0, 0);
    for finding in findings {
        let offset = finding.offset.min(bytes.len());
        for newline in memchr::memchr_iter(b'\n', &bytes[at..offset]) {
            line += 1;
            start = at + newline + 1;
        }
        at = offset;
        (finding.line, finding.column) = (line, offset - start + 1);
    }
}
