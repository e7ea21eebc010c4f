//! The timeline for people: when, which context, which way, what, and what it means.

use std::{fmt::Write, time::Instant};

use crate::{
    headless::{call::Call, totals::Totals},
    sip::{
        Asked, CancelOptions, ContextEvent, Fact, Followed, HeaderName, LegState, Message, Outside,
        OutsideFact, RedirectTarget, Response, Stray, TerminatedBy, UriBuf, answer_attempts,
        escape, notification, secret::without_passwords,
    },
};

/// One line, not yet coloured.
pub(super) struct Line {
    when: String,
    context: String,
    way: Way,
    what: String,
    note: String,
    tone: Tone,
}

/// Which way a message went.
#[derive(Clone, Copy)]
enum Way {
    Out,
    In,
    /// Nothing went over the wire.
    None,
}

/// What a line means, which is its colour; its words say the same.
#[derive(Clone, Copy)]
enum Tone {
    Plain,
    Faint,
    Good,
    Pending,
    Bad,
}

impl Line {
    /// As text without a line end. Nothing in it can steer a terminal but its own colours.
    pub(super) fn render(&self, colour: bool) -> String {
        let arrow = match self.way {
            Way::Out => "→",
            Way::In => "←",
            Way::None => " ",
        };
        let (what, note) = (without_passwords(&self.what), without_passwords(&self.note));
        let (what, note) = (escape(&what), escape(&note));
        let (when, context) = (&self.when, &self.context);
        let (on, off) = match self.tone {
            _ if !colour => ("", ""),
            Tone::Plain => ("", ""),
            Tone::Faint => ("\x1b[2m", "\x1b[0m"),
            Tone::Good => ("\x1b[32m", "\x1b[0m"),
            Tone::Pending => ("\x1b[33m", "\x1b[0m"),
            Tone::Bad => ("\x1b[31m", "\x1b[0m"),
        };
        let (dim, undim) = if colour { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        let mut line = format!("{dim}{when:>9} {context:>4}{undim} {arrow} {on}{what:<42}{off}");
        if !note.is_empty() {
            write!(line, " {note}").expect("writing to a String cannot fail");
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// The line of one event; `None` where there is nothing to tell.
pub(super) fn line(event: &ContextEvent, call: &Call, zero: Instant, server: &str) -> Option<Line> {
    let since = event.at.saturating_duration_since(zero).as_secs_f64();
    let (way, what, mut note, tone) = words(event, server)?;
    if event.method != call.method {
        note.insert_str(0, &mark(event));
    }
    Some(Line {
        when: format!("+{since:.3}"),
        context: format!("#{}", event.context),
        way,
        what,
        note,
        tone,
    })
}

/// The line of a peer's request that belongs to no context.
pub(super) fn outside(stray: &Stray, asked: &Asked, zero: Instant) -> Line {
    let since = stray.at.saturating_duration_since(zero).as_secs_f64();
    let source = asked.source;
    let note = match asked.answer {
        Some(status) => format!("answered {status} {}", status.canonical_reason()),
        None if asked.again => "again".to_owned(),
        None => "nothing to answer".to_owned(),
    };
    Line {
        when: format!("+{since:.3}"),
        context: String::new(),
        way: Way::In,
        what: asked.method.to_string(),
        note: format!("from {source}, outside every dialog: {note}"),
        tone: Tone::Plain,
    }
}

/// The line of what happened to such a request later.
pub(super) fn outside_later(outside: &Outside, zero: Instant) -> Line {
    let since = outside.at.saturating_duration_since(zero).as_secs_f64();
    let Outside { method, source, .. } = outside;
    let (way, what, note, tone) = match &outside.fact {
        OutsideFact::Answered { response, attempt, left, .. } => {
            let note = answered(method.as_str(), response, (*attempt, *left));
            (Way::Out, said(response), format!("{note} from {source}"), Tone::Faint)
        }
        OutsideFact::AnswerFailed { detail } => {
            told("answer failed", format!("to {source}: {detail}"), Tone::Bad)
        }
        OutsideFact::NeverAcked { detail } => {
            told("never ACKed", format!("by {source}: {detail}"), Tone::Bad)
        }
    };
    Line { when: format!("+{since:.3}"), context: String::new(), way, what, note, tone }
}

/// `to INVITE, sent again (2 of 11)`
fn answered(method: &str, response: &Response, (attempt, left): (u32, u32)) -> String {
    match attempt {
        1 => format!("to {method}"),
        _ => format!("to {method}, sent again ({})", answer_attempts(response, attempt, left)),
    }
}

/// Which request a line is about, where its words do not name it: the PRACK's or the CANCEL's, not
/// the context's own.
fn mark(event: &ContextEvent) -> String {
    match &event.fact {
        Fact::Progress(_)
        | Fact::Absorbed { .. }
        | Fact::Challenged { .. }
        | Fact::PassedOver { response: Some(_), .. } => format!("to {}, ", event.method),
        Fact::AuthGivenUp { .. }
        | Fact::AuthAhead { .. }
        | Fact::AuthInfo(_)
        | Fact::PassedOver { response: None, .. } => format!("{}: ", event.method),
        _ => String::new(),
    }
}

/// A line's way, words, note and tone.
type Words = (Way, String, String, Tone);

fn words(event: &ContextEvent, server: &str) -> Option<Words> {
    let method = event.method.as_str();
    Some(match &event.fact {
        Fact::Created(_) | Fact::TimerFired { .. } | Fact::TimersChanged => return None,
        Fact::Resolving { server } => told("resolving", server.as_ref(), Tone::Faint),
        Fact::Resolved(resolution) => told("resolved", resolution.to_string(), Tone::Faint),
        Fact::Trying(trial) => told(trial.label(), trial.to_string(), Tone::Faint),
        Fact::PassedOver { response: Some(response), .. } => {
            came(response, "passed over", Tone::Bad)
        }
        Fact::PassedOver { response: None, why } => told("passed over", why.as_ref(), Tone::Bad),
        Fact::SeenAs { .. } => {
            told("seen as", event.fact.seen_as().unwrap_or_default(), Tone::Faint)
        }
        Fact::CameOver { .. } => told("comes over", server, Tone::Faint),
        Fact::Sent { message, .. } => {
            // A retry, or a PRACK, may go elsewhere than the first request.
            let sent = Message::read(message.clone()).ok();
            // Why a leg is hung up without the user's wish (RFC 3326).
            let reason = sent.as_ref().and_then(|sent| sent.header(HeaderName::Reason));
            let note = match reason.and_then(|reason| reason.text().ok()) {
                Some(reason) => format!("{server} {reason}"),
                None => server.to_owned(),
            };
            match sent.as_ref().and_then(|sent| sent.request_uri()) {
                Some(uri) => went(format!("{method} {uri}"), note),
                // Raw bytes need not be a request.
                None => went(format!("{method}, {} bytes", message.len()), server),
            }
        }
        Fact::Retransmitted { attempt, left, .. } => {
            let note = format!("sent again ({attempt} of {})", attempt.saturating_add(*left));
            (Way::Out, method.to_owned(), note, Tone::Faint)
        }
        Fact::Progress(response) => came(response, tagged("progress", response), Tone::Pending),
        Fact::Accepted { response, again } => {
            let word = if *again { "accepted, again" } else { "accepted" };
            came(response, tagged(word, response), Tone::Good)
        }
        Fact::Rejected { response, cause } => {
            came(response, format!("rejected: {cause}"), Tone::Bad)
        }
        Fact::Failed { cause, detail, advice, .. } => {
            let mut note = cause.to_string();
            let advice = advice.as_ref().map_or("", |advice| &*advice.sentence);
            for more in [&**detail, advice].into_iter().filter(|more| !more.is_empty()) {
                note = format!("{note}: {more}");
            }
            told("failed", note, Tone::Bad)
        }
        Fact::Challenged { response, record } => {
            came(response, format!("challenged: {record}"), Tone::Pending)
        }
        Fact::AuthGivenUp { record } => {
            told("challenge not answered", record.to_string(), Tone::Bad)
        }
        Fact::AuthAhead { record } => told("credentials", record.to_string(), Tone::Faint),
        Fact::AuthInfo(info) => told("credentials", info.rspauth.to_string(), Tone::Faint),
        Fact::Redirected { response, followed } => {
            let Followed { targets, next, skipped } = &**followed;
            came(response, redirected(targets, next, skipped), Tone::Pending)
        }
        Fact::PrackAnswered(response) => came(response, format!("to {method}"), Tone::Plain),
        Fact::ConnectionLost { detail } => told("connection lost", detail.clone(), Tone::Bad),
        Fact::AnswerFailed { detail } => told("answer failed", detail.clone(), Tone::Bad),
        Fact::AckFailed { detail } => told("ACK failed", detail.clone(), Tone::Bad),
        Fact::NotSecure { detail } => told("not secure", detail.clone(), Tone::Bad),
        Fact::PrackFailed { detail } => told("PRACK failed", detail.clone(), Tone::Bad),
        Fact::Cancel { options, waiting } => {
            told("cancel requested", cancel(options, *waiting), Tone::Pending)
        }
        Fact::CancelSent { .. } => went(method, server),
        Fact::CancelAnswered(response) => came(response, format!("to {method}"), Tone::Plain),
        Fact::CancelCrossed { detail } => told("cancel crossed", detail.clone(), Tone::Pending),
        Fact::CancelFailed { detail } => told("CANCEL failed", detail.clone(), Tone::Bad),
        Fact::Impaired(impaired) => told(impaired.what(), impaired.how(), Tone::Bad),
        Fact::Unmatched { detail } => told("unmatched", detail.clone(), Tone::Pending),
        Fact::Acked { status, again, .. } => {
            let again = if *again { ", again" } else { "" };
            went("ACK", format!("for {status}{again}, {server}"))
        }
        Fact::Absorbed { response, why, count } => {
            let times = if *count > 1 { format!(", {count} times") } else { String::new() };
            came(response, format!("{}{times}", tagged(why.as_str(), response)), Tone::Faint)
        }
        Fact::Leg { tag, state } => told(format!("leg {tag}"), leg(state), Tone::Faint),
        Fact::Subscription { detail } => {
            told("subscription".to_owned(), detail.clone(), Tone::Pending)
        }
        Fact::StillUp { tag, detail } => {
            told(format!("leg {tag} not hung up"), detail.clone(), Tone::Bad)
        }
        Fact::Unwanted { tag, detail } => {
            told(format!("leg {tag} not wanted"), detail.clone(), Tone::Bad)
        }
        Fact::NoLeg { tag, detail } => {
            told(format!("no leg {tag}").trim_end().to_owned(), detail.clone(), Tone::Bad)
        }
        Fact::Received { again, message, .. } => {
            let note = if *again { "from the peer, again" } else { "from the peer" };
            let read = Message::read(message.clone()).ok();
            let note = match read.as_ref().and_then(notification) {
                Some(said) => format!("{note}, {said}"),
                None => note.to_owned(),
            };
            (Way::In, method.to_owned(), note, Tone::Plain)
        }
        Fact::Answered { response, attempt, left, .. } => {
            let note = answered(method, response, (*attempt, *left));
            went(said(response), format!("{note}, {server}"))
        }
        Fact::NeverAcked { detail } => told("never ACKed", detail.clone(), Tone::Bad),
        Fact::Beside { message, detail } => {
            let what = match Message::read(message.clone()).ok().and_then(|read| read.status()) {
                Some(status) => status.to_string(),
                None => format!("{} bytes", message.len()),
            };
            (Way::In, what, format!("belongs to nothing: {detail}"), Tone::Pending)
        }
        Fact::Ended { cause } => told("ended", cause.to_string(), Tone::Plain),
    })
}

fn came(response: &Response, note: impl Into<String>, tone: Tone) -> Words {
    (Way::In, said(response), note.into(), tone)
}

fn went(what: impl Into<String>, note: impl Into<String>) -> Words {
    (Way::Out, what.into(), note.into(), Tone::Plain)
}

fn told(what: impl Into<String>, note: impl Into<String>, tone: Tone) -> Words {
    (Way::None, what.into(), note.into(), tone)
}

/// With what a cancel was asked for, and what it waits for.
fn cancel(options: &CancelOptions, waiting: bool) -> String {
    let cause = options.status_code.map(|code| format!("cause {code}"));
    let waits = waiting.then(|| "waits for a provisional (RFC 3261 §9.1)".to_owned());
    let parts = [cause, options.reason_phrase.clone(), waits];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// The status line as it came, without a reason phrase where none came.
fn said(response: &Response) -> String {
    format!("{} {}", response.status, response.reason()).trim_end().to_owned()
}

/// Where a redirect goes, what else it named, and what of it is not done.
fn redirected(targets: &[RedirectTarget], next: &UriBuf, skipped: &[String]) -> String {
    let mut note = format!("redirected to {next}");
    if targets.len() > 1 || targets.iter().any(|target| target.q < 1000 || target.bad_q.is_some()) {
        let contacts: Vec<String> = targets.iter().map(RedirectTarget::described).collect();
        note.push_str(&format!(", of {}", contacts.join(", ")));
    }
    if !skipped.is_empty() {
        let skipped = skipped.join(", ");
        note.push_str(&format!("; without the headers {skipped} of its URI (RFC 3261 §19.1.5)"));
    }
    note
}

fn tagged(word: &str, response: &Response) -> String {
    match response.to_tag() {
        Some(tag) => format!("{word}, tag {tag}"),
        None => word.to_owned(),
    }
}

fn leg(state: &LegState) -> String {
    match state {
        LegState::Early => "early".to_owned(),
        LegState::Confirmed => "up".to_owned(),
        LegState::HangingUp { bye } => format!("hanging up with #{bye}"),
        LegState::Terminated { by } => match by {
            TerminatedBy::Local => "over: we hung up",
            TerminatedBy::Peer => "over: the peer hung up",
            TerminatedBy::Response(status) => return format!("over: a {status} ended it"),
            TerminatedBy::Expiry => "over: the subscription expired",
            TerminatedBy::GivenUp => "over: given up",
            TerminatedBy::Transport => "over: the connection broke",
        }
        .to_owned(),
    }
}

/// The totals as a line.
pub(super) fn summary(totals: &Totals) -> String {
    let mut line = format!(
        "{} sent: {} accepted, {} rejected, {} failed, {} cancelled · {:.3} s, {:.1}/s",
        totals.sent,
        totals.accepted,
        totals.rejected,
        totals.failed,
        totals.cancelled,
        totals.elapsed.as_secs_f64(),
        totals.per_second()
    );
    if totals.unmatched > 0 {
        write!(line, " · {} to which nothing can be matched", totals.unmatched)
            .expect("writing to a String cannot fail");
    }
    if totals.late > 0 {
        write!(line, " · {} late responses", totals.late).expect("writing to a String cannot fail");
    }
    if let Some(rtt) = totals.rtt() {
        write!(
            line,
            " · RTT p50 {:.3} ms p90 {:.3} ms p99 {:.3} ms max {:.3} ms",
            rtt.p50, rtt.p90, rtt.p99, rtt.max
        )
        .expect("writing to a String cannot fail");
    }
    line
}
