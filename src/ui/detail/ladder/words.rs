//! What is said of an entry of a timeline in a diagram.

use std::borrow::Cow;

use super::Mood;
use crate::{
    sip::{Absorbed, Fact, HeaderName, LegState, Message, TerminatedBy, header::MediaType},
    ui::model::{Entry, Row},
};

/// The contact of a leg, as one of its responses names it.
pub(super) fn contact_of(entry: &Entry, tag: &str) -> Option<String> {
    let response = entry.fact.response()?;
    let message = Message::read(response.message.clone()).ok()?;
    if message.to().ok()?.tag() != Some(tag) {
        return None;
    }
    Some(message.contact().ok()?.uri().short().into_owned())
}

/// What a message is, the most important first.
pub(super) fn label(entry: &Entry, message: Option<&Message>, row: &Row) -> Vec<String> {
    let mut label = Vec::new();
    let cseq = message.and_then(|message| message.cseq().ok());
    match entry.fact.response() {
        Some(response) => {
            label.push(format!("{} {}", response.status, response.reason()).trim_end().to_owned());
            if entry.method != row.method || entry.context != row.id {
                label.push(entry.method.to_string());
            }
        }
        None => label.push(entry.method.to_string()),
    }
    let Some(message) = message else { return label };
    if let Some(kind) = body_kind(message) {
        label.push(kind);
    }
    if let Some(cseq) = cseq {
        label.push(format!("CSeq {}", cseq.number));
    }
    let has = |name| message.header(name).is_some();
    if has(HeaderName::Authorization) || has(HeaderName::ProxyAuthorization) {
        label.push("auth".to_owned());
    }
    if let Some(tag) = message.to().ok().and_then(|to| to.tag()) {
        label.push(format!("tag {}", short(tag)));
    }
    label
}

/// `SDP`, or the media type of another body.
fn body_kind(message: &Message) -> Option<String> {
    if message.body_range().is_empty() {
        return None;
    }
    let text = message.header(HeaderName::ContentType)?.unfolded().into_owned();
    let media = MediaType::parse(&text).ok()?;
    Some(if media.is("application", "sdp") {
        "SDP".to_owned()
    } else {
        format!("{}/{}", media.kind, media.subtype)
    })
}

/// Whether the same message went or came before.
pub(super) fn is_repeat(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Retransmitted { .. }
            | Fact::Answered { attempt: 2.., .. }
            | Fact::Accepted { again: true, .. }
            | Fact::Absorbed { why: Absorbed::Repeated, .. }
            | Fact::Acked { again: true, .. }
            | Fact::Received { again: true, .. }
    )
}

/// How an entry is meant.
pub(super) fn mood(entry: &Entry) -> Mood {
    match entry.fact.response() {
        Some(response) => match response.status.code() {
            0..200 => Mood::Pending,
            200..300 => Mood::Good,
            _ => Mood::Bad,
        },
        None if entry.fact.is_ours() => Mood::Out,
        None => Mood::Pending,
    }
}

/// What happened without a message, where the diagram needs it.
pub(super) fn note(entry: &Entry, row: &Row) -> Option<(String, Mood)> {
    let own = entry.context == row.id;
    Some(match &entry.fact {
        Fact::Cancel { waiting: true, .. } => {
            ("cancel requested, waits for a provisional".to_owned(), Mood::Pending)
        }
        Fact::Cancel { .. } => ("cancel requested".to_owned(), Mood::Pending),
        Fact::Failed { response: None, cause, .. } => {
            (format!("{} failed: {cause}", entry.method), Mood::Bad)
        }
        Fact::PassedOver { response: None, .. } if own => {
            ("passed over for another way".to_owned(), Mood::Bad)
        }
        Fact::CancelCrossed { .. } => ("a 2xx crossed the CANCEL".to_owned(), Mood::Pending),
        Fact::CancelFailed { .. } => ("CANCEL failed".to_owned(), Mood::Bad),
        Fact::ConnectionLost { .. } => ("connection lost".to_owned(), Mood::Bad),
        Fact::AnswerFailed { .. } => (format!("answer to {} failed", entry.method), Mood::Bad),
        Fact::AckFailed { .. } => ("ACK failed".to_owned(), Mood::Bad),
        Fact::NotSecure { .. } => ("a hop is not sips".to_owned(), Mood::Bad),
        Fact::PrackFailed { .. } => ("PRACK failed".to_owned(), Mood::Bad),
        Fact::NeverAcked { .. } => (format!("{} never ACKed", entry.method), Mood::Bad),
        Fact::Impaired(impaired) => {
            (format!("{} on its way {}", impaired.what(), impaired.direction), Mood::Bad)
        }
        Fact::AuthGivenUp { .. } => ("challenge not answered".to_owned(), Mood::Bad),
        Fact::Leg { tag, state } => {
            let (words, mood) = match state {
                LegState::Early => ("early", Mood::Pending),
                LegState::Confirmed => ("up", Mood::Good),
                LegState::HangingUp { .. } => return None,
                LegState::Terminated { by } => (&*ended_by(*by), Mood::Plain),
            };
            (format!("leg {} {words}", short(tag)), mood)
        }
        Fact::Subscription { .. } => ("subscription".to_owned(), Mood::Pending),
        Fact::StillUp { tag, .. } => (format!("leg {} not hung up", short(tag)), Mood::Bad),
        Fact::Unwanted { tag, .. } => (format!("leg {} not wanted", short(tag)), Mood::Bad),
        Fact::NoLeg { tag, .. } => (format!("no leg {}", short(tag)), Mood::Bad),
        Fact::Ended { cause } if own => (format!("ended: {cause}"), Mood::Plain),
        _ => return None,
    })
}

fn ended_by(by: TerminatedBy) -> Cow<'static, str> {
    Cow::Borrowed(match by {
        TerminatedBy::Local => "over: we hung up",
        TerminatedBy::Peer => "over: the peer hung up",
        TerminatedBy::Response(status) => return format!("over: a {status}").into(),
        TerminatedBy::Expiry => "over: it expired",
        TerminatedBy::GivenUp => "over: given up",
        TerminatedBy::Transport => "over: the connection broke",
    })
}

/// As much of a tag as tells it from others.
pub fn short(tag: &str) -> String {
    match tag.char_indices().nth(8) {
        Some((end, _)) if tag.chars().count() > 10 => format!("{}…", &tag[..end]),
        _ => tag.to_owned(),
    }
}
