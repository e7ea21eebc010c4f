//! Lines as lines: their ends, their names, and the bytes that they hold.

use super::{Lint, Rule};
use crate::sip::{message::Header, name::HeaderName, syntax, uri::escaped_byte};

pub(super) fn look(lint: &mut Lint<'_>) {
    let start = lint.message.start_offset();
    if start > 0 && matches!(lint.message.bytes()[0], b'\r' | b'\n') {
        lint.at(Rule::LeadingLineEnds, 0, "line ends before the start line are passed over");
    }
    look_line_ends(lint);
    if lint.message.defect().is_some_and(|defect| defect.name == HeaderName::Malformed) {
        let end = lint.message.bytes().len();
        lint.at(Rule::NoEndOfHeaders, end, "no empty line ends the headers");
    }
    let message = lint.message;
    for header in message.headers() {
        look_name(lint, header);
        look_value(lint, header);
    }
}

/// Only the first of each kind is reported: a file that was saved with LF has them everywhere.
fn look_line_ends(lint: &mut Lint<'_>) {
    let head = &lint.message.bytes()[..lint.message.body_range().start];
    let bare_lf = memchr::memchr_iter(b'\n', head).find(|&at| at == 0 || head[at - 1] != b'\r');
    if let Some(at) = bare_lf {
        lint.at(Rule::BareLf, at, "a line ends in LF alone; SIP's lines end in CR LF");
    }
    let bare_cr = memchr::memchr_iter(b'\r', head).find(|&at| head.get(at + 1) != Some(&b'\n'));
    if let Some(at) = bare_cr {
        lint.at(Rule::BareCr, at, "a CR stands here without the LF that belongs to it");
    }
}

fn look_name(lint: &mut Lint<'_>, header: Header<'_>) {
    let name = header.name_text;
    if header.name == HeaderName::Malformed {
        lint.at(Rule::NotAHeader, header.line_offset, "a header is a name, a colon and a value");
        return;
    }
    if header.name != HeaderName::Extension {
        return;
    }
    let start = header.line_offset;
    if name.eq_ignore_ascii_case(b"Transfer-Encoding")
        && header.unfolded().to_ascii_lowercase().contains("chunked")
    {
        let text = "SIP has no chunked bodies; the body is read as it stands";
        lint.header(Rule::TransferEncoding, header, 0, text);
    }
    let text = String::from_utf8_lossy(name);
    if !name.iter().all(|b| syntax::is_token_byte(*b)) {
        lint.push(
            Rule::HeaderName.section(),
            Rule::HeaderName,
            Some(header),
            start,
            format_args!("the header name {text:?} is no token of letters, digits and -.!%*_+`'~"),
        );
    } else if memchr::memchr_iter(b'%', name).any(|at| escaped_byte(&name[at..]).is_some()) {
        lint.push(
            Rule::HeaderNameEscaped.section(),
            Rule::HeaderNameEscaped,
            Some(header),
            start,
            format_args!("{text} is a name of its own: escapes stand for nothing in a header name"),
        );
    }
}

fn look_value(lint: &mut Lint<'_>, header: Header<'_>) {
    if let Err(error) = header.text() {
        lint.header(Rule::NotUtf8, header, error.offset, "the value is not UTF-8 from here on");
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, &byte) in header.value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'\t' | b'\r' | b'\n' => {}
            0..0x20 | 0x7f => {
                let what = match quoted {
                    true => "must have a backslash before it",
                    false => "has no place here; a quoted string can hold it behind a backslash",
                };
                let text = format_args!("the control character 0x{byte:02x} {what}");
                lint.header(Rule::ControlCharacter, header, at, text);
                return;
            }
            _ => {}
        }
    }
}
