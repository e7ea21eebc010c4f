//! JSON lines. The field names are an interface: they stay as they are.

use std::{borrow::Cow, time::Instant};

use bytes::Bytes;
use serde::Serialize;

use crate::{
    engine::Clock,
    headless::{call::Call, totals::Totals},
    sip::{
        Asked, CancelOptions, ContextEvent, Fact, HeaderName, LegState, Message, Outside,
        RedirectTarget, Response, StatusCode, Stray, TerminatedBy, escape::escape_json,
        secret::without_passwords,
    },
};

/// One event. What an event has nothing to say about is absent.
#[derive(Default, Serialize)]
struct Line<'e> {
    /// Seconds since the context was created, to the microsecond.
    t: f64,
    time: String,
    /// Absent where a peer's request belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<u64>,
    event: &'e str,
    method: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// There with every status; empty where no phrase came, or none belongs to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    cause: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// With every `attempt`: how many more follow by themselves, if nothing comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    again: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: Cow<'e, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bye: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u64>,
    /// With `ended`: the final status that answered the CANCEL.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_status: Option<u16>,
    /// With `ended`: how many responses came that were too late to change anything.
    #[serde(skip_serializing_if = "is_zero")]
    late: u64,
    /// With the `sent` that follows a redirect: the status that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirected_by: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact<'e>>,
    /// With `sent` and `acked`: why it goes here, and not to each place that was tried before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed_over: Vec<&'e str>,
    /// What was done to its message on purpose.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    impaired: &'e [String],
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A contact of a 3xx.
#[derive(Serialize)]
struct Contact<'e> {
    uri: &'e str,
    /// Not there where the peer gave one that is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<f64>,
}

/// One event as an object; `None` where the fact is no part of the interface.
pub(super) fn line(
    event: &ContextEvent,
    call: &Call,
    impaired: &[String],
    clock: &Clock,
) -> Option<String> {
    let since = event.at.saturating_duration_since(call.created);
    let mut line = Line {
        t: since.as_micros() as f64 / 1e6,
        time: format!("{:.6}", clock.wall(event.at)),
        context: Some(event.context.0),
        event: event.fact.name()?,
        method: event.method.as_str(),
        parent: call.parent.map(|parent| parent.0),
        impaired,
        ..Line::default()
    };
    if let Some(response) = event.fact.response() {
        line.status = Some(response.status.code());
        line.reason = Some(response.reason().into_owned());
        line.cause = response.status.canonical_reason();
        // RFC 3261 §12.1: a 100 makes no dialog, whatever tag it has.
        line.leg = response.to_tag().filter(|_| response.status != StatusCode::TRYING);
    }
    if let Fact::Answered { response, attempt, left, .. } = &event.fact {
        line.answered_again(response, *attempt, *left);
    }
    line.details(&event.fact, call);
    if matches!(event.fact, Fact::Sent { .. } | Fact::Acked { .. }) {
        let of_method = call.passed_over.iter().filter(|(method, _)| *method == event.method);
        line.passed_over = of_method.map(|(_, why)| &**why).collect();
    }
    if line.status.is_some() {
        line.reason.get_or_insert_default();
    }
    Some(object(&line))
}

/// A request of a peer outside every dialog: `received`, without a context. Its time counts from
/// the run's first context.
pub(super) fn outside(stray: &Stray, asked: &Asked, zero: Instant, clock: &Clock) -> String {
    let mut line = Line {
        t: stray.at.saturating_duration_since(zero).as_micros() as f64 / 1e6,
        time: format!("{:.6}", clock.wall(stray.at)),
        event: "received",
        method: asked.method.as_str(),
        flow: Some(stray.flow.0),
        detail: stray.problem.as_str().into(),
        ..Line::default()
    };
    line.received(&stray.bytes, asked.again, asked.answer);
    object(&line)
}

/// Its answer went out again: `retransmitted`, without a context.
pub(super) fn outside_again(
    outside: &Outside,
    (response, attempt, left): (&Response, u32, u32),
    zero: Instant,
    clock: &Clock,
) -> String {
    let mut line = Line {
        t: outside.at.saturating_duration_since(zero).as_micros() as f64 / 1e6,
        time: format!("{:.6}", clock.wall(outside.at)),
        event: "retransmitted",
        method: outside.method.as_str(),
        status: Some(response.status.code()),
        reason: Some(response.reason().into_owned()),
        cause: response.status.canonical_reason(),
        flow: Some(outside.flow.0),
        ..Line::default()
    };
    line.answered_again(response, attempt, left);
    object(&line)
}

impl<'e> Line<'e> {
    /// What only some facts have.
    fn details(&mut self, fact: &'e Fact, call: &'e Call) {
        let is_own = self.method == call.method.as_str();
        match fact {
            Fact::Sent { message, destination } => {
                // A retry, or a PRACK, may go elsewhere than the first request.
                let sent = Message::read(message.clone()).ok();
                // Raw bytes need not have one.
                let uri = sent.as_ref().and_then(|sent| sent.request_uri());
                self.request_uri = uri.map(|uri| without_passwords(uri).into_owned());
                self.transport = Some(destination.transport.name());
                self.flow = Some(destination.flow.0);
                self.leg = sent.as_ref().and_then(to_tag);
                // Raw bytes need not be a request.
                let status = sent.as_ref().and_then(|sent| sent.status());
                self.status = status.map(|status| status.code());
                self.reason =
                    sent.as_ref().filter(|_| status.is_some()).map(Message::reason_phrase);
                // Why a leg is hung up without the user's wish (RFC 3326).
                let reason = sent.as_ref().and_then(|sent| sent.header(HeaderName::Reason));
                let reason = reason.and_then(|reason| Some(reason.text().ok()?.to_owned()));
                self.detail = reason.unwrap_or_default().into();
                if let Some(redirect) = call.redirect.as_ref().filter(|_| is_own) {
                    self.redirected_by = Some(redirect.status);
                    let contact = |target: &'e RedirectTarget| Contact {
                        uri: target.uri.as_str(),
                        q: target.bad_q.is_none().then(|| f64::from(target.q) / 1000.0),
                    };
                    self.contacts = redirect.contacts.iter().map(contact).collect();
                }
            }
            Fact::Retransmitted { attempt, left, .. } => {
                (self.attempt, self.left) = (Some(*attempt), Some(*left));
            }
            Fact::Accepted { again, .. } => self.again = *again,
            Fact::Received { message, again, answer, .. } => {
                self.received(message, *again, *answer);
            }
            Fact::Rejected { cause, .. } => self.cause = cause.as_str(),
            Fact::Ended { cause } => {
                self.cause = cause.as_str();
                self.cancel_status = call.cancel_status;
                self.late = call.late.into();
            }
            Fact::Failed { cause, detail, advice, .. } => {
                self.cause = cause.as_str();
                self.detail = (&**detail).into();
                self.advice = advice.as_ref().map(|advice| &*advice.sentence);
            }
            Fact::Cancel { options: CancelOptions { status_code, reason_phrase }, waiting } => {
                self.status = *status_code;
                self.reason = reason_phrase.clone();
                self.waiting = Some(*waiting);
            }
            Fact::Acked { message, status, again, .. } => {
                self.leg = Message::read(message.clone()).ok().as_ref().and_then(to_tag);
                self.status = Some(status.code());
                self.again = *again;
            }
            Fact::Leg { tag, state } => {
                self.leg = Some(tag.to_string());
                self.leg_state(state);
            }
            Fact::Challenged { record, .. } => self.detail = record.to_string().into(),
            _ => {}
        }
    }

    /// An answer of ours: the leg is named by the peer's tag.
    fn answered_again(&mut self, response: &Response, attempt: u32, left: u32) {
        (self.attempt, self.left) = (Some(attempt), Some(left));
        self.leg = Message::read(response.message.clone()).ok().as_ref().and_then(from_tag);
    }

    /// A request of the peer.
    fn received(&mut self, message: &Bytes, again: bool, answer: Option<StatusCode>) {
        self.again = again;
        self.status = answer.map(|answer| answer.code());
        self.reason = answer.map(|answer| answer.canonical_reason().to_owned());
        let received = Message::read(message.clone()).ok();
        self.leg = received.as_ref().and_then(from_tag);
    }

    fn leg_state(&mut self, state: &LegState) {
        self.state = Some(match state {
            LegState::Early => "early",
            LegState::Confirmed => "confirmed",
            LegState::HangingUp { bye } => {
                self.bye = Some(bye.0);
                "hanging_up"
            }
            LegState::Terminated { by } => {
                self.by = Some(match by {
                    TerminatedBy::Local => "local",
                    TerminatedBy::Peer => "peer",
                    TerminatedBy::Response(_) => "response",
                    TerminatedBy::Expiry => "expiry",
                    TerminatedBy::GivenUp => "given_up",
                    TerminatedBy::Transport => "transport",
                });
                "terminated"
            }
        });
    }
}

fn from_tag(message: &Message) -> Option<String> {
    Some(message.from().ok()?.tag()?.to_owned())
}

fn to_tag(message: &Message) -> Option<String> {
    Some(message.to().ok()?.tag()?.to_owned())
}

/// The totals, as the last line.
#[derive(Serialize)]
#[serde(tag = "event", rename = "summary")]
struct Summary {
    sent: u64,
    accepted: u64,
    rejected: u64,
    failed: u64,
    cancelled: u64,
    /// Raw bytes that went out, and to which nothing can be matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    unmatched: Option<u64>,
    /// Responses that came after their requests' ends, and changed nothing.
    #[serde(skip_serializing_if = "is_zero")]
    late: u64,
    seconds: f64,
    per_second: f64,
    rtt_ms: Rtt,
}

/// Each is null where no final response came.
#[derive(Serialize)]
struct Rtt {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

/// The totals as an object.
pub(super) fn summary(totals: &Totals) -> String {
    let rtt = totals.rtt();
    object(&Summary {
        sent: totals.sent,
        accepted: totals.accepted,
        rejected: totals.rejected,
        failed: totals.failed,
        cancelled: totals.cancelled,
        unmatched: (totals.unmatched > 0).then_some(totals.unmatched),
        late: totals.late,
        seconds: totals.elapsed.as_micros() as f64 / 1e6,
        per_second: thousandths(totals.per_second()),
        rtt_ms: Rtt {
            p50: rtt.map(|rtt| thousandths(rtt.p50)),
            p90: rtt.map(|rtt| thousandths(rtt.p90)),
            p99: rtt.map(|rtt| thousandths(rtt.p99)),
            max: rtt.map(|rtt| thousandths(rtt.max)),
        },
    })
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn object(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("numbers and texts in a struct are JSON");
    escape_json(&json).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::headless::Outcome;

    #[test]
    fn fields_stand_in_their_order_and_times_end_at_the_microsecond() {
        let line = Line { t: 0.004123, time: "now".into(), context: Some(7), ..Line::default() };
        let (event, method) = ("progress", "INVITE");
        let (status, cause, leg) = (Some(180), "Ringing", Some("a8f2".into()));
        let line =
            Line { event, method, status, cause, leg, reason: Some("Ringing".into()), ..line };
        assert_eq!(
            object(&line),
            r#"{"t":0.004123,"time":"now","context":7,"event":"progress","method":"INVITE","status":180,"reason":"Ringing","cause":"Ringing","leg":"a8f2"}"#
        );
    }

    #[test]
    fn the_summary_has_its_fields_whether_there_was_a_round_trip_or_not() {
        let mut totals = Totals::new();
        totals.sent = 1;
        totals.count(Outcome::Accepted);
        totals.elapsed = Duration::from_nanos(3_000_000_123);
        let counts = r#"{"event":"summary","sent":1,"accepted":1,"rejected":0,"failed":0,"cancelled":0,"seconds":3.0,"per_second":0.333"#;
        let none = r#""rtt_ms":{"p50":null,"p90":null,"p99":null,"max":null}"#;
        assert_eq!(summary(&totals), format!("{counts},{none}}}"));
        totals.record(Duration::from_nanos(2_000_500));
        let times = r#""rtt_ms":{"p50":2.0,"p90":2.0,"p99":2.0,"max":2.001}"#;
        assert_eq!(summary(&totals), format!("{counts},{times}}}"));
    }
}
