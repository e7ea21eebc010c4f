//! The log: what belongs to no context, the newest on top.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use crate::{
    sip::{KnownPasswords, secret},
    ui::{
        bindings::{Action, Scope},
        model::{Level, LogEntry, Model},
        view::{
            overlay, put,
            table::scroll_bar,
            text::{address, bytes_as_text, wrap},
            title,
        },
    },
};

/// Where the sentences begin: after the time of day and the sign of the level.
const WORDS: u16 = 16;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, top: usize) {
    let theme = &model.theme;
    let log = &model.facts.log;
    let close = model.bindings.key(Scope::Overlay, Action::Back);
    let close = close.map(|key| format!(" {key} closes ")).unwrap_or_default();
    let levels = [Action::LogLess, Action::LogMore]
        .map(|action| model.bindings.key(Scope::Log, action).map(|key| key.to_string()));
    let levels = match levels {
        [Some(less), Some(more)] => format!(" {less} less  {more} more "),
        _ => String::new(),
    };
    let hint = Line::styled(format!("{levels}{close}"), theme.dim).alignment(Alignment::Right);
    let level = log.level();
    let name = match level.step(true) == level {
        true => "Log: everything".to_owned(),
        false => format!("Log: up to {}", level.name()),
    };
    let heading = title(&name, theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, hint, theme);
    if log.is_empty() {
        let sentence = "Nothing here. Messages that no context can claim are shown here, broken flows, and what was refused.";
        for (y, line) in
            wrap(sentence, usize::from(inner.width.saturating_sub(4))).iter().enumerate()
        {
            put(buffer, inner, 2, y as u16, line, theme.dim);
        }
        return;
    }
    let mut y = 0;
    let mut shown = 0;
    for entry in log.newest_first().skip(top) {
        if y >= inner.height {
            break;
        }
        y += draw_entry(buffer, inner, y, entry, model);
        shown += 1;
    }
    if top > 0 || shown < log.len() {
        scroll_bar(buffer, area, top, shown.min(log.len() - 1), log.len(), model);
    }
}

/// Draws an entry; gives the lines it took.
fn draw_entry(buffer: &mut Buffer, inner: Rect, from: u16, entry: &LogEntry, model: &Model) -> u16 {
    let theme = &model.theme;
    put(buffer, inner, 1, from, &model.time.format(entry.at), theme.dim);
    let (sign, style) = match entry.level {
        Level::Error => ("✖", theme.bad),
        Level::Warning => ("▲", theme.pending),
        Level::Info => ("·", Style::new()),
        Level::Debug => (" ", theme.dim),
    };
    put(buffer, inner, WORDS - 2, from, sign, style);
    let sentence = sentence(entry, model);
    let mut y = from;
    let words = if entry.level == Level::Debug { theme.dim } else { Style::new() };
    for line in wrap(&sentence, usize::from(inner.width.saturating_sub(WORDS + 1))) {
        put(buffer, inner, WORDS, y, &line, words);
        y += 1;
    }
    if let Some(bytes) = &entry.bytes {
        put(buffer, inner, WORDS, y, &excerpt(bytes, &model.book.passwords), theme.dim);
        y += 1;
    }
    y - from
}

/// What to say of the flow before a sentence, which may name the address itself.
fn whence(transport: &str, address: &str, sentence: &str) -> String {
    if sentence.starts_with(address) {
        format!("{transport} ")
    } else if sentence.contains(address) {
        String::new()
    } else {
        format!("{transport} {address}: ")
    }
}

/// The first bytes of a message, without what must not be seen.
fn excerpt(bytes: &[u8], known: &KnownPasswords) -> String {
    if bytes.is_empty() {
        return "(empty)".to_owned();
    }
    // The host of what is cut off may be what makes a password of its end.
    let secrets = match bytes.len() {
        ..LogEntry::BYTES => secret::ranges(bytes, known),
        _ => secret::ranges_so_far(bytes, known),
    };
    bytes_as_text(&secret::masked(bytes, 0..bytes.len(), &secrets))
}

/// An entry as a line of a file: when, how much it matters, what happened, and the bytes.
pub fn log_line(entry: &LogEntry, model: &Model) -> String {
    let time = model.time.clock.wall(entry.at);
    let mut line = format!("{time:.6} {:7} {}", entry.level.name(), sentence(entry, model));
    if let Some(bytes) = &entry.bytes {
        line.push_str(" | ");
        line.push_str(&excerpt(bytes, &model.book.passwords));
    }
    line
}

/// What happened, and on which flow.
fn sentence(entry: &LogEntry, model: &Model) -> String {
    let flow = entry.flow.and_then(|id| match model.facts.flows.get(&id) {
        Some(flow) => Some((flow.event.server.transport, address(&flow.event.server))),
        None => {
            let (open, _) = model.facts.peer_flows.find(id)?;
            Some((open.transport, open.peer.to_string()))
        }
    });
    let flow = flow.map(|(transport, address)| whence(transport.name(), &address, &entry.sentence));
    format!("{}{}", flow.unwrap_or_default(), model.safe(&entry.sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_once() {
        for (sentence, before) in [
            ("127.0.0.1:5060 sent no SIP message", "udp "),
            ("udp 127.0.0.1:5060 cannot be reached", ""),
            ("no Via: nobody can claim it", "udp 127.0.0.1:5060: "),
        ] {
            assert_eq!(whence("udp", "127.0.0.1:5060", sentence), before);
        }
    }

    #[test]
    fn bytes_are_shown_as_visible_escapes() {
        let excerpt = |bytes| excerpt(bytes, &KnownPasswords::default());
        assert_eq!(
            excerpt(b"SIP/2.0 200 \x1b]0;x\x07\xff\r\n"),
            r"SIP/2.0 200 \x1b]0;x\x07\xff\r\n"
        );
        assert_eq!(excerpt(b""), "(empty)");
        let basic = &b"INFO sip:a@b SIP/2.0\r\nAuthorization: Basic c2VjcmV0\r\n"[..];
        assert!(!excerpt(basic).contains("c2VjcmV0"), "{}", excerpt(basic));
        let whole = "INFO sip:a@b SIP/2.0\r\nTo: <sip:h:$port>";
        assert!(excerpt(whole.as_bytes()).ends_with("$port>"));
        let cut = format!("{:<1$}sip:a:secret", "INFO", LogEntry::BYTES - "sip:a:secret".len());
        assert!(excerpt(cut.as_bytes()).ends_with("sip:a:***"));
    }
}
