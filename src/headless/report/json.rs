//! JSON lines. The field names are an interface: they stay as they are.

use std::fmt::{self, Write};

use crate::{
    engine::Clock,
    headless::{call::Call, totals::Totals},
    sip::{CancelOptions, ContextEvent, Fact, LegState, TerminatedBy, escape::is_unsafe},
};

/// One event as an object; `None` where the fact is no part of the interface.
pub(super) fn line(event: &ContextEvent, call: &Call, clock: &Clock) -> Option<String> {
    let name = event.fact.name()?;
    let since = event.at.saturating_duration_since(call.created);
    let mut object = Object::new();
    object
        .raw("t", format_args!("{:.6}", since.as_secs_f64()))
        .raw("time", format_args!("\"{:.6}\"", clock.wall(event.at)))
        .raw("context", event.context)
        .text("event", name)
        .text("method", event.method.as_str());

    if let Some(response) = event.fact.response() {
        object.raw("status", response.status).some("reason", &response.reason());
        let cause = match &event.fact {
            Fact::Rejected { cause, .. } | Fact::Failed { cause, .. } => cause.as_str(),
            _ => response.status.canonical_reason(),
        };
        object.some("cause", cause);
        if let Some(tag) = response.to_tag() {
            object.text("leg", &tag);
        }
    }
    details(&mut object, event, call);
    if let Some(parent) = call.parent {
        object.raw("parent", parent);
    }
    Some(object.finish())
}

/// What only some facts have.
fn details(object: &mut Object, event: &ContextEvent, call: &Call) {
    match &event.fact {
        Fact::Sent { .. } => {
            object
                .text("request_uri", &call.request_uri)
                .text("transport", call.transport.name())
                .raw("flow", call.flow);
        }
        Fact::Retransmitted { attempt, .. } => {
            object.raw("attempt", attempt);
        }
        Fact::Accepted { again: true, .. } | Fact::Received { again: true, .. } => {
            object.raw("again", true);
        }
        Fact::Failed { response, cause, detail, advice } => {
            if response.is_none() {
                object.text("cause", cause.as_str());
            }
            object.some("detail", detail);
            if let Some(advice) = advice {
                object.text("advice", &advice.sentence);
            }
        }
        Fact::Cancel { options: CancelOptions { status_code, reason_phrase }, waiting } => {
            if let Some(code) = status_code {
                object.raw("status", code);
            }
            object.some("reason", reason_phrase.as_deref().unwrap_or("")).raw("waiting", waiting);
        }
        Fact::Acked { status, again, .. } => {
            object.raw("status", status);
            if *again {
                object.raw("again", true);
            }
        }
        Fact::Leg { tag, state } => {
            object.text("leg", tag);
            leg(object, state);
        }
        Fact::Challenged { record, .. } => {
            object.text("detail", &record.to_string());
        }
        Fact::Ended { cause } => {
            object.text("cause", cause.as_str());
        }
        _ => {}
    }
}

fn leg(object: &mut Object, state: &LegState) {
    match state {
        LegState::Early => object.text("state", "early"),
        LegState::Confirmed => object.text("state", "confirmed"),
        LegState::HangingUp { bye } => object.text("state", "hanging_up").raw("bye", bye),
        LegState::Terminated { by } => object.text("state", "terminated").text(
            "by",
            match by {
                TerminatedBy::Local => "local",
                TerminatedBy::Peer => "peer",
                TerminatedBy::Response => "response",
                TerminatedBy::Expiry => "expiry",
                TerminatedBy::Transport => "transport",
            },
        ),
    };
}

/// The totals as an object.
pub(super) fn summary(totals: &Totals) -> String {
    let mut object = Object::new();
    object
        .text("event", "summary")
        .raw("sent", totals.sent)
        .raw("accepted", totals.accepted)
        .raw("rejected", totals.rejected)
        .raw("failed", totals.failed)
        .raw("cancelled", totals.cancelled)
        .raw("seconds", format_args!("{:.6}", totals.elapsed.as_secs_f64()))
        .raw("per_second", format_args!("{:.3}", totals.per_second()));
    if let Some(rtt) = totals.rtt() {
        let mut times = Object::new();
        for (name, ms) in [("p50", rtt.p50), ("p90", rtt.p90), ("p99", rtt.p99), ("max", rtt.max)] {
            times.raw(name, format_args!("{ms:.3}"));
        }
        object.raw("rtt_ms", times.finish());
    }
    object.finish()
}

/// A JSON object that keeps the order of its fields and the decimals of its numbers.
struct Object(String);

impl Object {
    fn new() -> Object {
        Object("{".to_owned())
    }

    /// A value that is JSON already.
    fn raw(&mut self, name: &str, value: impl fmt::Display) -> &mut Object {
        let comma = if self.0.len() > 1 { "," } else { "" };
        write!(self.0, "{comma}\"{name}\":{value}").expect("writing to a String cannot fail");
        self
    }

    fn text(&mut self, name: &str, value: &str) -> &mut Object {
        self.raw(name, Quoted(value))
    }

    /// A text, left out where it is empty.
    fn some(&mut self, name: &str, value: &str) -> &mut Object {
        if value.is_empty() { self } else { self.text(name, value) }
    }

    fn finish(&mut self) -> String {
        std::mem::take(&mut self.0) + "}"
    }
}

/// A JSON string. Beyond what JSON demands, whatever could steer a terminal is written as a `\u`
/// escape: a reader gets the same text back, and a terminal gets none of it.
struct Quoted<'t>(&'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c if is_unsafe(c) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(f, "\\u{unit:04x}")?;
                    }
                }
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_as_it_was_and_never_steers_a_terminal() {
        for text in [
            "Busy Here",
            "\"quoted\" \\ back\\slash",
            "\x1b]0;x\x07",
            "a\r\nb\0\x7f\u{9b}2J",
            "\u{202e}gnp \u{e0041}\u{2028}",
            "Grüße 電話 📞",
        ] {
            let mut object = Object::new();
            object.text("reason", text).raw("t", "0.004000");
            let line = object.finish();
            assert!(!line.chars().any(is_unsafe), "{line}");
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(value["reason"], text);
        }
    }
}
