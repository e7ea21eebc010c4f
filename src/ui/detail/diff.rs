//! What differs between two messages: by header and parameter, not by line.
//!
//! Headers of one name are compared in their order, whatever the case of the name, its compact
//! form, folds and the order among other headers; a body is compared by line.

#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;

use crate::sip::{HeaderName, Message, StartLine, syntax};

/// What differs between two messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// What differs in the start line and the headers, in the order of the first message; what is
    /// only in the second comes behind.
    pub headers: Vec<Change>,
    /// How many headers say the same in both.
    pub same: usize,
    /// What differs in the body; empty where nothing does.
    pub body: Vec<BodyLine>,
    /// Whether the messages are the same, byte for byte.
    pub identical: bool,
}

/// A header that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name; `start line` for that.
    pub name: String,
    /// How.
    pub how: How,
}

/// How a header differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Only the second message has it.
    Added(String),
    /// Only the first message has it.
    Removed(String),
    /// Its parts differ.
    Parts(Vec<Part>),
}

/// A part of a header's value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The parameter's name; empty for what stands before the parameters.
    pub name: String,
    /// As the first message has it.
    pub before: Option<String>,
    /// As the second message has it.
    pub after: Option<String>,
}

/// A line of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyLine {
    /// In both.
    Same(String),
    /// Only in the second.
    Added(String),
    /// Only in the first.
    Removed(String),
    /// The bodies are no text; so many bytes in each.
    Bytes(usize, usize),
}

/// A header as it is compared.
struct Field {
    name: String,
    kind: HeaderName,
    value: String,
}

/// Compares two messages.
///
/// # Errors
///
/// Where one of them is no SIP message: which, and why.
pub fn diff(before: &Bytes, after: &Bytes) -> Result<Diff, String> {
    let read = |bytes: &Bytes, which| {
        Message::read(bytes.clone()).map_err(|error| format!("{which} cannot be read: {error}"))
    };
    let (a, b) = (read(before, "the marked message")?, read(after, "this message")?);
    let mut headers = start_lines(&a, &b);
    let old = fields(&a);
    let mut new = fields(&b).into_iter().map(Some).collect::<Vec<_>>();
    let mut same = 0;
    for field in old {
        let twin = new.iter_mut().find(|other| {
            other.as_ref().is_some_and(|other| other.name.eq_ignore_ascii_case(&field.name))
        });
        let how = match twin.and_then(Option::take) {
            None => How::Removed(field.value),
            Some(other) if other.value == field.value => {
                same += 1;
                continue;
            }
            Some(other) => How::Parts(parts(field.kind, &field.value, &other.value)),
        };
        headers.push(Change { name: field.name, how });
    }
    headers.extend(
        new.into_iter()
            .flatten()
            .map(|field| Change { name: field.name, how: How::Added(field.value) }),
    );
    Ok(Diff { headers, same, body: bodies(&a.body(), &b.body()), identical: before == after })
}

fn fields(message: &Message) -> Vec<Field> {
    message
        .headers()
        .map(|header| Field {
            name: match header.name.as_str() {
                "" => String::from_utf8_lossy(header.name_text).into_owned(),
                known => known.to_owned(),
            },
            kind: header.name,
            value: header.unfolded().into_owned(),
        })
        .collect()
}

fn start_lines(a: &Message, b: &Message) -> Vec<Change> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let words = |message: &Message| match message.start_line() {
        StartLine::Request { method, uri, version } => [
            ("method", method.to_owned()),
            ("Request-URI", uri.to_owned()),
            ("version", version.to_owned()),
        ],
        StartLine::BadRequest { method, uri, version } => {
            [("method", text(method)), ("Request-URI", text(uri)), ("version", text(version))]
        }
        StartLine::Status { version, status, .. } => [
            ("status", status.to_string()),
            ("reason", message.reason_phrase()),
            ("version", version.to_owned()),
        ],
        StartLine::BadStatus { version, code } => {
            [("status", text(code)), ("reason", String::new()), ("version", text(version))]
        }
    };
    let (old, new) = (words(a), words(b));
    let name = || "start line".to_owned();
    let parts: Vec<Part> = if a.is_request() == b.is_request() {
        old.into_iter()
            .zip(new)
            .filter(|(old, new)| old != new)
            .map(|((part, old), (_, new))| part_of(part, Some(old), Some(new)))
            .collect()
    } else {
        // A response's begins with what a request's ends in (RFC 3261 §7.2).
        let line = |message: &Message, words: [(&str, String); 3]| {
            let mut words = words.map(|(_, word)| word);
            if !message.is_request() {
                words.rotate_right(1);
            }
            words.join(" ")
        };
        vec![part_of("", Some(line(a, old)), Some(line(b, new)))]
    };
    if parts.is_empty() {
        Vec::new()
    } else {
        vec![Change { name: name(), how: How::Parts(parts) }]
    }
}

fn part_of(name: &str, before: Option<String>, after: Option<String>) -> Part {
    Part { name: name.to_owned(), before, after }
}

/// What differs between two values of one header.
fn parts(kind: HeaderName, before: &str, after: &str) -> Vec<Part> {
    let (old, new) = (split(kind, before), split(kind, after));
    let mut new: Vec<Option<(String, String)>> = new.into_iter().map(Some).collect();
    let mut parts = Vec::new();
    for (name, value) in old {
        let twin = new.iter_mut().find(|other| {
            other.as_ref().is_some_and(|(other, _)| other.eq_ignore_ascii_case(&name))
        });
        match twin.and_then(Option::take) {
            None => parts.push(Part { name, before: Some(value), after: None }),
            Some((_, other)) if other == value => {}
            Some((_, other)) => parts.push(Part { name, before: Some(value), after: Some(other) }),
        }
    }
    parts.extend(new.into_iter().flatten().map(|(name, value)| Part {
        name,
        before: None,
        after: Some(value),
    }));
    if parts.is_empty() {
        // The same parts in another order, or with other white space around them.
        parts.push(part_of("", Some(before.to_owned()), Some(after.to_owned())));
    }
    parts
}

/// The parts of a value, each with its name: what stands before the parameters has none.
fn split(kind: HeaderName, value: &str) -> Vec<(String, String)> {
    use HeaderName::{
        AuthenticationInfo, Authorization, CSeq, ProxyAuthenticate, ProxyAuthenticationInfo,
        ProxyAuthorization, Server, Subject, UserAgent, Warning, WwwAuthenticate,
    };
    let parameter = |text: &str| match text.split_once('=') {
        Some((name, value)) => (syntax::trim(name).to_owned(), syntax::trim(value).to_owned()),
        None => (text.to_owned(), String::new()),
    };
    match kind {
        CSeq => value
            .split_ascii_whitespace()
            .zip(["number", "method"])
            .map(|(word, name)| (name.to_owned(), word.to_owned()))
            .collect(),
        Authorization | ProxyAuthorization | WwwAuthenticate | ProxyAuthenticate => {
            let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
            std::iter::once((String::new(), scheme.to_owned()))
                .chain(syntax::comma_list(rest).filter(|text| !text.is_empty()).map(parameter))
                .collect()
        }
        AuthenticationInfo | ProxyAuthenticationInfo => {
            syntax::comma_list(value).map(parameter).collect()
        }
        Subject | UserAgent | Server | Warning => vec![(String::new(), value.to_owned())],
        _ => {
            // Members of a list keep their parameters to themselves.
            if kind.is_list() && syntax::comma_list(value).nth(1).is_some() {
                let members = syntax::comma_list(value);
                return members.map(|member| (member.to_owned(), String::new())).collect();
            }
            let mut pieces = outside(value, b';').into_iter();
            let main = pieces.next().map(|piece| value[piece].trim().to_owned());
            std::iter::once((String::new(), main.unwrap_or_default()))
                .chain(pieces.map(|piece| parameter(syntax::trim(&value[piece]))))
                .collect()
        }
    }
}

/// The pieces of a text between separators that stand outside quotes and angle brackets.
fn outside(text: &str, separator: u8) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(at) = syntax::find_outside(text, from, separator) {
        pieces.push(from..at);
        from = at + 1;
    }
    pieces.push(from..text.len());
    pieces
}

/// How many lines of a body are compared with each other; what is longer counts as replaced.
const MOST_LINES: usize = 600;

fn bodies(before: &[u8], after: &[u8]) -> Vec<BodyLine> {
    if before == after {
        return Vec::new();
    }
    let (Ok(before_text), Ok(after_text)) =
        (std::str::from_utf8(before), std::str::from_utf8(after))
    else {
        return vec![BodyLine::Bytes(before.len(), after.len())];
    };
    let old: Vec<&str> = before_text.lines().collect();
    let new: Vec<&str> = after_text.lines().collect();
    let mut lines = Vec::new();
    if old.len() > MOST_LINES || new.len() > MOST_LINES {
        lines.extend(old.iter().map(|line| BodyLine::Removed((*line).to_owned())));
        lines.extend(new.iter().map(|line| BodyLine::Added((*line).to_owned())));
        return lines;
    }
    // common[i][j]: the most lines that old[i..] and new[j..] have in common.
    let width = new.len() + 1;
    let mut common = vec![0u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(BodyLine::Same(old[i].to_owned()));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            lines.push(BodyLine::Removed(old[i].to_owned()));
            i += 1;
        } else {
            lines.push(BodyLine::Added(new[j].to_owned()));
            j += 1;
        }
    }
    lines
}
