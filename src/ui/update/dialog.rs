//! The dialog of the chosen context, as far as the screen knows it, and the form for a request in it.

use super::{
    act::chosen_leg,
    again::{UNREADABLE, first_sent, row},
};
use crate::{
    sip::{ContextId, Fact, LegState, Message, NewRequest},
    ui::{
        composer::{Purpose, Shape},
        model::{Model, Row},
    },
};

/// A form for a request in the dialog of a context, like one where that is given.
pub(super) fn in_dialog(
    model: &mut Model,
    context: ContextId,
    like: Option<&NewRequest>,
) -> Result<(), String> {
    let (context, tag) = open_dialog_of(model, row(model, context)?)?;
    let purpose = Purpose::InDialog { context, tag: tag.clone() };
    if like.is_none() && model.drafts.resume(&purpose, Shape::Form) {
        return Ok(());
    }
    let composer =
        model.new_composer().in_dialog(context, tag, like).map_err(|error| error.to_string())?;
    model.drafts.begin(composer);
    Ok(())
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

/// The dialog, where the screen knows of a leg that is not over.
fn open_dialog_of(model: &Model, row: &Row) -> Result<(ContextId, Option<Box<str>>), String> {
    let (context, tag) = dialog_of(model, row)?;
    let parent = model.facts.contexts.find(context).ok_or("its dialog is not in the table")?;
    let is_it = |leg: &&str| tag.as_deref().is_none_or(|tag| tag == *leg);
    match open_legs(parent).iter().any(is_it) {
        true => Ok((context, tag)),
        false if has_leg(parent) => Err(format!(
            "the dialog of the {} is over: send it as a new request, or byte for byte",
            parent.method
        )),
        false => Err(format!(
            "{} has no dialog that is up: a response with a To tag makes one (RFC 3261 §12.1)",
            parent.method
        )),
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
