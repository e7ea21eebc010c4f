//! The lint: everything that is wrong with a message that can be read.
//!
//! Each [`Rule`] has a name, a [`Severity`] and the section that it stands on; each [`Finding`]
//! says where. The lint changes nothing and decides nothing: whether a transaction can act on a
//! message is for [`Message::essentials`] to say. Its time is linear in the message.
//!
//! The rules stand in [`Rule`]; what trips them, in one file for each part of a message.

mod absolute;
mod auth;
mod body;
mod components;
mod contact;
mod lines;
mod methods;
mod params;
mod presence;
mod rule;
mod start_line;
#[cfg(test)]
mod tests;
mod uris;
mod values;
mod via;

use std::fmt::Display;

use bytes::Bytes;

pub use rule::{Rule, Severity};

use crate::sip::{
    escape,
    message::{Header, Limits, Message, ReadError},
    name::HeaderName,
    work,
};

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The section that it stands on: the header's own where its value cannot be read, else mostly
    /// [`Rule::section`].
    pub section: &'static str,
    /// The header that it speaks of, safe to print; none for the start line and the body.
    pub header: Option<String>,
    /// The byte offset in the message.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1. What is no UTF-8 counts as the replacement characters that
    /// are shown for it.
    pub column: usize,
    /// What is wrong, as a sentence that is safe to print.
    pub message: String,
    /// How many it stands for: 1, or more in the last of a rule that found too much.
    pub count: usize,
}

/// How many findings of one rule a message gets in full; one more counts the rest.
pub const MAX_FINDINGS: usize = 20;

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
    /// Whether a transaction could act on the message, be it that a server refuses it: a request
    /// with a doubtful end is matched and answered 400 (RFC 3261 §18.3).
    pub fn is_usable(&self) -> bool {
        self.message.as_ref().is_ok_and(|message| message.transaction_parts().is_ok())
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
                section: section_of(&error, &bytes),
                header: None,
                offset: error.offset(),
                line: 1,
                column: 1,
                message: error.to_string(),
                count: 1,
            };
            let mut findings = vec![finding];
            place(&bytes, &mut findings);
            Report { message: Err(error), findings }
        }
    }
}

/// Where it stands how bytes that are no message are answered.
fn section_of(error: &ReadError, bytes: &[u8]) -> &'static str {
    match error {
        ReadError::Empty | ReadError::BadStartLine { .. } => Rule::Unreadable.section(),
        ReadError::TooLarge { .. } => Rule::OverLimit.section(),
        // The start line: only line ends stand before it.
        ReadError::LineTooLong { offset, .. }
            if bytes.iter().take(*offset).all(|byte| matches!(byte, b'\r' | b'\n')) =>
        {
            "RFC 3261 §21.4.12"
        }
        _ => "RFC 3261 §21.4.1",
    }
}

/// Lints a message that has been read. The findings stand in the order of the bytes.
pub fn lint_message(message: &Message, options: &Options) -> Vec<Finding> {
    let mut lint = Lint { message, options, findings: Vec::new(), seen: [(0, 0); RULES] };
    start_line::look(&mut lint);
    lines::look(&mut lint);
    presence::look(&mut lint);
    values::look(&mut lint);
    params::look(&mut lint);
    uris::look(&mut lint);
    via::look(&mut lint);
    contact::look(&mut lint);
    methods::look(&mut lint);
    auth::look(&mut lint);
    body::look(&mut lint);
    let mut findings = lint.finish();
    findings.sort_by_key(|finding| finding.offset);
    place(message.bytes(), &mut findings);
    findings
}

/// A message under the lint, and what was found so far.
struct Lint<'a> {
    message: &'a Message,
    options: &'a Options,
    findings: Vec<Finding>,
    /// For each rule how often it was tripped, and where first beyond the bound.
    seen: [(usize, usize); RULES],
}

const RULES: usize = Rule::ALL.len();

impl Lint<'_> {
    /// Something at a byte offset, in no header.
    fn at(&mut self, rule: Rule, offset: usize, message: impl Display) {
        self.push(rule.section(), rule, None, offset, message);
    }

    /// Something in a header's value, `within` it.
    fn header(&mut self, rule: Rule, header: Header<'_>, within: usize, message: impl Display) {
        let section = match rule {
            Rule::EssentialUnreadable | Rule::HeaderUnreadable => header.name.section(),
            _ => None,
        };
        self.header_by(section.unwrap_or(rule.section()), rule, header, within, message);
    }

    /// [`Lint::header`], by a section that says it more closely than the rule's.
    fn header_by(
        &mut self,
        section: &'static str,
        rule: Rule,
        header: Header<'_>,
        within: usize,
        message: impl Display,
    ) {
        let offset = header.offset + within.min(header.value.len());
        self.push(section, rule, Some(header), offset, message);
    }

    /// Something in a header's value: `part` of it is to blame.
    fn part(&mut self, rule: Rule, header: Header<'_>, part: &str, message: impl Display) {
        let within = (part.as_ptr() as usize).saturating_sub(header.value.as_ptr() as usize);
        self.header(rule, header, within, message);
    }

    /// A header that is not there; the finding stands at the start line.
    fn missing(&mut self, rule: Rule, name: HeaderName, message: impl Display) {
        self.missing_by(rule.section(), rule, name, message);
    }

    /// [`Lint::missing`], by a section that says it more closely than the rule's.
    fn missing_by(
        &mut self,
        section: &'static str,
        rule: Rule,
        name: HeaderName,
        message: impl Display,
    ) {
        let offset = self.message.start_offset();
        if self.count(rule, offset) {
            self.add(rule, section, Some(name.to_string()), offset, message);
        }
    }

    /// Something at a byte offset, in that header where there is one.
    fn push(
        &mut self,
        section: &'static str,
        rule: Rule,
        header: Option<Header<'_>>,
        offset: usize,
        message: impl Display,
    ) {
        if self.count(rule, offset) {
            self.add(rule, section, header.map(name_of), offset, message);
        }
    }

    /// Counts a finding, and says whether there is room for it.
    fn count(&mut self, rule: Rule, offset: usize) -> bool {
        let (count, first_beyond) = &mut self.seen[rule as usize];
        *count += 1;
        if *count == MAX_FINDINGS + 1 {
            *first_beyond = offset;
        }
        *count <= MAX_FINDINGS
    }

    fn add(
        &mut self,
        rule: Rule,
        section: &'static str,
        header: Option<String>,
        offset: usize,
        message: impl Display,
    ) {
        // A line that is no header has no name.
        let header = header.filter(|name| !name.is_empty());
        let message = escape(&message.to_string()).into_owned();
        let (line, column, count) = (1, 1, 1);
        self.findings.push(Finding { rule, section, header, offset, line, column, message, count });
    }

    /// What was found, and one more for each rule that found more than there is room for.
    fn finish(mut self) -> Vec<Finding> {
        for (&rule, (count, offset)) in Rule::ALL.iter().zip(self.seen) {
            let more = count.saturating_sub(MAX_FINDINGS);
            if more > 0 {
                self.push_rest(rule, offset, more);
            }
        }
        self.findings
    }

    fn push_rest(&mut self, rule: Rule, offset: usize, count: usize) {
        let message = format!("and {count} more of the same");
        self.findings.push(Finding {
            rule,
            section: rule.section(),
            header: None,
            offset,
            line: 1,
            column: 1,
            message,
            count,
        });
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
    let (mut line, mut column, mut at) = (1, 1, 0);
    for finding in findings {
        let between = &bytes[at..finding.offset.clamp(at, bytes.len())];
        work::look_at(between.len());
        at += between.len();
        let rest = match memchr::memrchr(b'\n', between) {
            Some(last) => {
                line += memchr::memchr_iter(b'\n', between).count();
                column = 1;
                &between[last + 1..]
            }
            None => between,
        };
        column += characters(rest);
        (finding.line, finding.column) = (line, column);
    }
}

/// How many characters a terminal or an editor shows for the bytes, where it shows one for each.
fn characters(bytes: &[u8]) -> usize {
    let chunks = bytes.utf8_chunks();
    chunks.map(|chunk| chunk.valid().chars().count() + chunk.invalid().len().min(1)).sum()
}
