//! Which events of a batch are about a message that something was done to on purpose: the mark of what
//! went stands behind the event, that of what came before it.

use std::collections::HashMap;

use crate::{
    engine::Event,
    sip::{self, ContextEvent, Deed, Direction, Fact, Impaired},
};

/// What was done, by the place of the event in the batch.
pub(super) type Notes = HashMap<usize, Vec<String>>;

/// Finds for each mark the event that it is about.
pub(super) fn notes(batch: &[Event]) -> Notes {
    let mut notes = Notes::new();
    for (place, event) in batch.iter().enumerate() {
        let Some((of, impaired)) = mark(event) else { continue };
        let is_it = |place: &usize| {
            let event = context(&batch[*place]);
            event.is_some_and(|event| event.context == of.context && is_about(event, of, impaired))
        };
        let about = match impaired.direction {
            Direction::Out => (0..place).rev().find(is_it),
            Direction::In => (place + 1..batch.len()).find(is_it),
        };
        if let Some(about) = about {
            let note = format!("{} {}", impaired.what(), impaired.how());
            notes.entry(about).or_default().push(note);
        }
    }
    notes
}

fn context(event: &Event) -> Option<&ContextEvent> {
    match event {
        Event::Sip(sip::Event::Context(event)) => Some(event),
        _ => None,
    }
}

fn mark(event: &Event) -> Option<(&ContextEvent, &Impaired)> {
    let event = context(event)?;
    match &event.fact {
        Fact::Impaired(impaired) => Some((event, impaired)),
        _ => None,
    }
}

/// Whether an event tells of the message of a mark. Of what was corrupted on its way out the wire had
/// other bytes: it is the one of its method that went last.
fn is_about(event: &ContextEvent, of: &ContextEvent, impaired: &Impaired) -> bool {
    let Some(message) = event.fact.message() else { return false };
    let is_ours = event.fact.is_ours();
    match (impaired.direction, impaired.deed) {
        (Direction::Out, Deed::Corrupted { .. }) => is_ours && event.method == of.method,
        (Direction::Out, _) => is_ours && *message == impaired.message,
        (Direction::In, _) => !is_ours && *message == impaired.message,
    }
}
