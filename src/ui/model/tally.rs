//! [`Tally`]: what came of a wish that was for many contexts, counted from what the engine said.

use std::collections::{BTreeMap, HashSet};

use crate::{
    engine::Command,
    sip::{ContextEvent, ContextId, Fact, LegState, Method, UriBuf},
};

/// Counts what became of one wish for many contexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    waits: Waits,
    wanted: usize,
    /// How many of those wanted nobody sees in the table.
    not_shown: usize,
    done: usize,
    /// What is to be said besides.
    remark: Option<String>,
    refused: BTreeMap<String, usize>,
}

/// What has not been answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Waits {
    Cancel(HashSet<ContextId>),
    HangUp(HashSet<ContextId>),
    /// The requests whose rows have not come yet.
    Resend(Vec<(Method, UriBuf)>),
    /// The contexts in whose dialogs they are sent, once for each request.
    InDialog(Vec<ContextId>),
}

impl Tally {
    /// These are to be cancelled.
    pub fn cancel(contexts: &[ContextId]) -> Tally {
        Tally::new(Waits::Cancel(contexts.iter().copied().collect()), contexts.len())
    }

    /// These are to be hung up.
    pub fn hang_up(contexts: &[ContextId]) -> Tally {
        Tally::new(Waits::HangUp(contexts.iter().copied().collect()), contexts.len())
    }

    /// These are sent again; `wanted` counts those too that could not even be written.
    pub fn resend(requests: Vec<(Method, UriBuf)>, wanted: usize) -> Tally {
        Tally::new(Waits::Resend(requests), wanted)
    }

    /// These are sent in the dialogs of their contexts; `wanted` counts those too that could not even
    /// be written.
    pub fn in_dialog(wanted: usize, commands: &[Command]) -> Tally {
        let dialogs = commands.iter().filter_map(|command| match command {
            Command::SendInDialog { context, .. } => Some(*context),
            _ => None,
        });
        Tally::new(Waits::InDialog(dialogs.collect()), wanted)
    }

    fn new(waits: Waits, wanted: usize) -> Tally {
        Tally { waits, wanted, not_shown: 0, done: 0, remark: None, refused: BTreeMap::new() }
    }

    /// So many of them are not shown in the table.
    #[must_use]
    pub fn with_not_shown(self, not_shown: usize) -> Tally {
        Tally { not_shown, ..self }
    }

    /// This is to be said besides.
    pub fn remark(&mut self, remark: Option<String>) {
        self.remark = remark;
    }

    /// Takes in what happened.
    pub fn note(&mut self, event: &ContextEvent) {
        let is_done = match (&mut self.waits, &event.fact) {
            (Waits::Cancel(waiting), Fact::Cancel { .. }) => waiting.remove(&event.context),
            (Waits::HangUp(waiting), Fact::Leg { state: LegState::HangingUp { .. }, .. }) => {
                waiting.remove(&event.context)
            }
            (Waits::Resend(waiting), Fact::Created(created)) if created.parent.is_none() => {
                let is_it = |(method, uri): &(Method, UriBuf)| {
                    *method == event.method && *uri == created.request_uri
                };
                let place = waiting.iter().position(is_it);
                place.map(|place| waiting.swap_remove(place)).is_some()
            }
            (Waits::InDialog(waiting), Fact::Created(created)) => {
                let place = waiting.iter().position(|parent| created.parent == Some(*parent));
                place.map(|place| waiting.swap_remove(place)).is_some()
            }
            _ => false,
        };
        self.done += usize::from(is_done);
    }

    /// Takes in a refusal; gives whether it was for one of these.
    pub fn refuse(&mut self, context: Option<ContextId>, reason: &str) -> bool {
        let was_waiting = match (&mut self.waits, context) {
            (Waits::Cancel(waiting) | Waits::HangUp(waiting), Some(context)) => {
                waiting.remove(&context)
            }
            (Waits::InDialog(waiting), Some(context)) => {
                let place = waiting.iter().position(|it| *it == context);
                place.map(|place| waiting.swap_remove(place)).is_some()
            }
            (Waits::Resend(waiting), None) => waiting.pop().is_some(),
            _ => false,
        };
        if was_waiting {
            self.give_up(reason);
        }
        was_waiting
    }

    /// One could not even be asked for.
    pub fn give_up(&mut self, reason: &str) {
        *self.refused.entry(reason.to_owned()).or_default() += 1;
    }

    /// Whether everything is known.
    pub fn is_complete(&self) -> bool {
        match &self.waits {
            Waits::Cancel(waiting) | Waits::HangUp(waiting) => waiting.is_empty(),
            Waits::Resend(waiting) => waiting.is_empty(),
            Waits::InDialog(waiting) => waiting.is_empty(),
        }
    }

    /// Whether all of it was done.
    pub fn is_good(&self) -> bool {
        self.refused.is_empty()
    }

    /// `cancelled 3 of 5: 2 already accepted`.
    pub fn sentence(&self) -> String {
        let verb = match self.waits {
            Waits::Cancel(_) => "cancelled",
            Waits::HangUp(_) => "hung up",
            Waits::Resend(_) => "sent again",
            Waits::InDialog(_) => "sent again in the dialog",
        };
        let mut sentence = match self.is_good() {
            true => format!("{verb} all {}", self.wanted),
            false => format!("{verb} {} of {}:", self.done, self.wanted),
        };
        if self.not_shown > 0 {
            let colon = if self.is_good() { "" } else { ":" };
            sentence = sentence.trim_end_matches(':').to_owned();
            sentence.push_str(&format!(" ({} of them not shown){colon}", self.not_shown));
        }
        for (n, (reason, count)) in self.refused.iter().enumerate() {
            let comma = if n == 0 { "" } else { ";" };
            sentence.push_str(&format!("{comma} {count}× {reason}"));
        }
        if let Some(remark) = &self.remark {
            sentence.push_str("; ");
            sentence.push_str(remark);
        }
        sentence
    }
}
