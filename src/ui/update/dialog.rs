//! The dialog of the chosen context, as far as the screen knows it, and the form for a request in it.

use super::{
    act::chosen_leg,
    again::{UNREADABLE, first_sent, row},
};
use crate::{
    sip::{
        ContextId, DialogRequest, ExtraHeader, Fact, HeaderName, LegState, Message, Method,
        NewRequest, Timer, TimerAt, TimerOf,
    },
    ui::{
        composer::{Purpose, Shape},
        model::{Model, Row},
    },
};

/// A form for a request in the dialog of a context, like one where that is given. Where only a
/// subscription lives on in the dialog, it begins as what ends that.
pub(super) fn in_dialog(
    model: &mut Model,
    context: ContextId,
    like: Option<&NewRequest>,
) -> Result<(), String> {
    let Open { context, tag, ending } = open_dialog_of(model, row(model, context)?)?;
    let purpose = Purpose::InDialog { context, tag: tag.clone() };
    if like.is_none() && model.drafts.resume(&purpose, Shape::Form) {
        return Ok(());
    }
    let like = like.map(|like| DialogRequest {
        headers: like.headers.clone(),
        content_type: like.content_type.clone(),
        body: like.body.clone(),
        ..DialogRequest::new(like.method.clone())
    });
    let like = like.or(ending);
    let composer = model.new_composer().in_dialog(context, tag, like.as_ref());
    model.drafts.begin(composer.map_err(|error| error.to_string())?);
    Ok(())
}

/// A dialog that a request can be sent in.
struct Open {
    context: ContextId,
    tag: Option<Box<str>>,
    /// What ends all that lives on in it, where that is a subscription.
    ending: Option<DialogRequest>,
}

/// The dialog of a context: its own, or the one that its request went in.
pub(super) fn dialog_of(model: &Model, row: &Row) -> Result<(ContextId, Option<Box<str>>), String> {
    let Some(parent) = row.created.parent else {
        return Ok((row.id, chosen_leg(model).filter(|_| model.browse.selected == Some(row.id))));
    };
    let message = Message::read(first_sent(row)?.clone()).map_err(|_| UNREADABLE)?;
    let tag = message.to().ok().and_then(|to| to.tag().map(Box::from));
    Ok((parent, tag))
}

/// The dialog, where the screen knows of a leg that is not over, or of what lives on in it.
fn open_dialog_of(model: &Model, row: &Row) -> Result<Open, String> {
    let (context, tag) = dialog_of(model, row)?;
    let parent = model.facts.contexts.find(context).ok_or("its dialog is not in the table")?;
    let is_it = |leg: &&str| tag.as_deref().is_none_or(|tag| tag == *leg);
    if open_legs(parent).iter().any(is_it) {
        return Ok(Open { context, tag, ending: None });
    }
    let first = living(parent, tag.as_deref()).next();
    if let Some(ending) = first.map(|living| living.ending(parent)) {
        return Ok(Open { context, tag, ending });
    }
    match has_leg(parent) {
        true => Err(format!(
            "the dialog of the {} is over: send it as a new request, or byte for byte",
            parent.method
        )),
        false => Err(format!(
            "{} has no dialog that is up: a response with a To tag makes one (RFC 3261 §12.1)",
            parent.method
        )),
    }
}

/// What is subscribed to in a dialog of a context, by the request that did.
struct Living<'a> {
    method: &'a Method,
    cseq: u32,
}

/// The subscriptions in the dialogs of a context, as their timers tell (RFC 5057 §4.1): what outlives a
/// call always has one.
fn living<'a>(row: &'a Row, tag: Option<&'a str>) -> impl Iterator<Item = Living<'a>> {
    let lasts = |timer: &&TimerAt| matches!(timer.timer, Timer::Expiry | Timer::N);
    let of = row.status.timers.iter().filter(lasts).filter_map(|timer| timer.of.as_deref());
    of.filter_map(move |of| match of {
        TimerOf::Request { method, cseq: Some(cseq), of_peer: false, leg }
            if leg.as_deref().is_none_or(|leg| tag.is_none_or(|tag| tag == leg)) =>
        {
            Some(Living { method, cseq: *cseq })
        }
        _ => None,
    })
}

/// Whether something lives on in the dialogs of a context.
pub fn is_subscribed(row: &Row) -> bool {
    living(row, None).next().is_some()
}

impl Living<'_> {
    /// What ends it: a SUBSCRIBE with its Event that expires at once (RFC 6665 §4.1.2.3).
    fn ending(&self, row: &Row) -> Option<DialogRequest> {
        let event = match self.method {
            Method::Refer => self.event_of_refer(row),
            _ => self.event_of_subscribe(row)?,
        };
        let headers = [("Event", &*event), ("Expires", "0")];
        Some(DialogRequest {
            headers: headers.iter().filter_map(|(n, v)| ExtraHeader::new(n, v).ok()).collect(),
            ..DialogRequest::new(Method::Subscribe)
        })
    }

    /// RFC 3515 §2.4.6: which REFER it is, where there was more than one.
    fn event_of_refer(&self, row: &Row) -> String {
        let refers = row.timeline.iter().filter(|entry| {
            entry.method == Method::Refer && matches!(entry.fact, Fact::Sent { .. })
        });
        let mut contexts: Vec<ContextId> = refers.map(|entry| entry.context).collect();
        contexts.dedup();
        match contexts.len() {
            0 | 1 => "refer".to_owned(),
            _ => format!("refer;id={}", self.cseq),
        }
    }

    fn event_of_subscribe(&self, row: &Row) -> Option<String> {
        let mut sent = row.timeline.iter().filter_map(|entry| match &entry.fact {
            Fact::Sent { message, .. } if entry.method == *self.method => {
                Message::read(message.clone()).ok()
            }
            _ => None,
        });
        let sent = sent.find(|sent| sent.cseq().is_ok_and(|cseq| cseq.number == self.cseq))?;
        Some(sent.header(HeaderName::Event)?.text().ok()?.trim().to_owned())
    }
}

fn has_leg(row: &Row) -> bool {
    row.timeline
        .iter()
        .any(|entry| entry.context == row.id && matches!(entry.fact, Fact::Leg { .. }))
}

/// The tags of the legs that are not over, as far as the timeline tells.
pub fn open_legs(row: &Row) -> Vec<&str> {
    let mut open: Vec<&str> = Vec::new();
    for entry in row.timeline.iter().filter(|entry| entry.context == row.id) {
        let Fact::Leg { tag, state } = &entry.fact else { continue };
        open.retain(|known| **known != **tag);
        if let LegState::Early | LegState::Confirmed = state {
            open.push(tag);
        }
    }
    open
}
