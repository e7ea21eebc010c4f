//! A registration in a few words, and as a sentence.

use ratatui::style::Style;

use crate::{
    engine::{Account, Register},
    sip::{RegistrationEvent, RegistrationState},
    ui::{
        model::Model,
        view::{
            text::{cut, safe},
            time::Moment,
        },
    },
};

/// What is not registered.
pub(super) const NONE: &str = "reg –";

/// How much of a reason is told in a few words.
const REASON: usize = 28;

/// How an account is registered: `reg ✔ 3571s`. Nothing for one that is not meant to be.
pub(super) fn piece(model: &Model, account: &Account, moment: &Moment) -> Option<(String, Style)> {
    let events = model.facts.registrations.of(&account.name);
    let theme = &model.theme;
    // Of several flows, the one that says the most of what is wrong.
    let Some(worst) = events.iter().max_by_key(|event| rank(&event.state)) else {
        return (account.register != Register::No).then(|| (NONE.to_owned(), theme.dim));
    };
    let (words, style) = match &worst.state {
        RegistrationState::Off | RegistrationState::Gone => (NONE.to_owned(), theme.dim),
        RegistrationState::Waiting => ("reg … connecting".to_owned(), theme.pending),
        RegistrationState::Trying => ("reg … trying".to_owned(), theme.pending),
        RegistrationState::Removing => ("reg … removing".to_owned(), theme.pending),
        RegistrationState::Registered { until, .. } | RegistrationState::Refreshing { until } => {
            (format!("reg ✔ {}", moment.seconds_until(*until)), theme.good)
        }
        RegistrationState::Failed { reason, .. } => {
            (format!("reg ✖ {}", cut(&safe(reason), REASON)), theme.bad)
        }
    };
    Some((format!("{words}{}", count(&events)), style))
}

/// `2/3` where there are several flows.
fn count(events: &[&RegistrationEvent]) -> String {
    let up = events.iter().filter(|event| event.state.until().is_some()).count();
    if events.len() > 1 { format!(" {up}/{}", events.len()) } else { String::new() }
}

fn rank(state: &RegistrationState) -> u8 {
    match state {
        RegistrationState::Gone => 0,
        RegistrationState::Off => 1,
        RegistrationState::Registered { .. } => 2,
        RegistrationState::Refreshing { .. } => 3,
        RegistrationState::Removing => 4,
        RegistrationState::Trying => 5,
        RegistrationState::Waiting => 6,
        RegistrationState::Failed { .. } => 7,
    }
}

/// Where a registration stands, as a sentence.
pub(super) fn sentence(state: &RegistrationState, moment: &Moment) -> String {
    let left = |at| moment.seconds_until(at);
    match state {
        RegistrationState::Off | RegistrationState::Gone => "not registered".to_owned(),
        RegistrationState::Waiting => "not registered: its flow is not up".to_owned(),
        RegistrationState::Trying => "registering".to_owned(),
        RegistrationState::Registered { until, refresh_at } => {
            format!("registered for {}, refreshed in {}", left(*until), left(*refresh_at))
        }
        RegistrationState::Refreshing { until } => {
            format!("registered for {}, and being refreshed", left(*until))
        }
        RegistrationState::Removing => "being unregistered".to_owned(),
        RegistrationState::Failed { reason, retry_at, until, .. } => {
            let held = until.map(|at| format!("; the binding of before is held for {}", left(at)));
            let again = retry_at.map(|at| format!("; tried again in {}", left(at)));
            let (held, again) = (held.unwrap_or_default(), again.unwrap_or_default());
            format!("not registered: {reason}{again}{held}")
        }
    }
}
