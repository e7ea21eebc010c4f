//! A registration in a few words, and as a sentence.

use std::time::Instant;

use ratatui::style::Style;

use crate::{
    engine::{Account, FlowState, Register},
    sip::{RegistrationEvent, RegistrationState},
    ui::{
        model::Model,
        view::{text::cut, time::Moment},
    },
};

/// What is not registered.
pub(super) const NONE: &str = "reg –";

/// How much of a reason is told where there is little room.
pub(super) const REASON: usize = 28;

/// What stands before the time until it is tried again.
pub(super) const AGAIN: &str = ", again in ";

/// How many columns stand beside a reason: the shape, and the time until it is tried again.
pub(super) const BESIDE: usize = 24;

/// What is said while an account's password is waited for.
const ASKING: &str = "asking password_command";

/// Whether the command runs that prints an account's password.
pub(super) fn asks(model: &Model, account: &Account) -> bool {
    let command = account.password_command.as_ref();
    command.is_some_and(|command| model.facts.asks_passwords.contains(command))
}

/// How an account is registered: `reg ✔ 3571s`. Nothing for one that is not meant to be. `most` is
/// how many columns of a reason are told.
pub(super) fn piece(
    model: &Model,
    account: &Account,
    moment: &Moment,
    most: usize,
) -> Option<(String, Style)> {
    if asks(model, account) {
        let before = if account.register == Register::No { "" } else { "reg … " };
        return Some((format!("{before}{ASKING}"), model.theme.pending));
    }
    let events = model.facts.registrations.of(&account.name);
    let standings = || events.iter().map(|event| standing(model, event, moment, most));
    // Of several flows, the one that says the most of what is wrong.
    let Some((worst, style)) = standings().max_by_key(|(standing, _)| standing.rank()) else {
        return (account.register != Register::No).then(|| (NONE.to_owned(), model.theme.dim));
    };
    let words = match worst {
        Standing::Off => NONE.to_owned(),
        Standing::Good(left) => format!("reg ✔ {left}"),
        Standing::Pending(words) => format!("reg … {words}"),
        Standing::Bad(words) => format!("reg ✖ {words}"),
    };
    let up = standings().filter(|(standing, _)| matches!(standing, Standing::Good(_))).count();
    let count = if events.len() > 1 { format!(" {up}/{}", events.len()) } else { String::new() };
    Some((format!("{words}{count}"), style))
}

/// Where a registration stands, in a few words; the worse, the later.
enum Standing {
    Off,
    /// For how long.
    Good(String),
    Pending(String),
    Bad(String),
}

impl Standing {
    fn rank(&self) -> u8 {
        match self {
            Standing::Off => 0,
            Standing::Good(_) => 1,
            Standing::Pending(_) => 2,
            Standing::Bad(_) => 3,
        }
    }
}

fn standing(
    model: &Model,
    event: &RegistrationEvent,
    moment: &Moment,
    most: usize,
) -> (Standing, Style) {
    let theme = &model.theme;
    let pending = |words: &str| (Standing::Pending(words.to_owned()), theme.pending);
    let bad = |reason: &str, retry_at: Option<Instant>| {
        let mut words = cut(&model.safe(reason), most).into_owned();
        if let Some(at) = retry_at.filter(|at| *at > moment.now()) {
            words.push_str(&format!("{AGAIN}{}", moment.seconds_until(at)));
        }
        (Standing::Bad(words), theme.bad)
    };
    match &event.state {
        RegistrationState::Off | RegistrationState::Gone => (Standing::Off, theme.dim),
        RegistrationState::Waiting { .. } => match down(model, event) {
            Some((reason, retry_at)) => bad(reason, retry_at),
            None => pending("connecting"),
        },
        RegistrationState::Trying => pending("trying"),
        RegistrationState::Removing => pending("removing"),
        RegistrationState::Registered { until, .. } | RegistrationState::Refreshing { until } => {
            let left = moment.seconds_until(*until);
            if *until <= moment.now() {
                (Standing::Bad("expired".to_owned()), theme.bad)
            } else if is_cut_off(model, event) {
                // The registrar holds the binding, but nobody reaches us by it.
                (Standing::Bad(format!("flow down, held {left}")), theme.bad)
            } else {
                (Standing::Good(left), theme.good)
            }
        }
        RegistrationState::Failed { reason, retry_at, .. } => bad(reason, *retry_at),
    }
}

/// Why the flow that a registration has, or waits for, is down, and when it is made again.
fn down<'a>(model: &'a Model, event: &RegistrationEvent) -> Option<(&'a str, Option<Instant>)> {
    let flow = event.flow.and_then(|flow| model.facts.flows.get(&flow))?;
    match &flow.event.state {
        FlowState::Down { reason, retry_at, .. } => Some((reason, *retry_at)),
        _ => None,
    }
}

/// Whether the flow that a registration was made on is known not to be up.
fn is_cut_off(model: &Model, event: &RegistrationEvent) -> bool {
    let flow = event.flow.and_then(|flow| model.facts.flows.get(&flow));
    flow.is_some_and(|flow| !matches!(flow.event.state, FlowState::Up { .. }))
}

/// Where a registration stands, as a sentence.
pub(super) fn sentence(model: &Model, event: &RegistrationEvent, moment: &Moment) -> String {
    let left = |at| moment.seconds_until(at);
    let again = |at: Option<Instant>| {
        at.map(|at| format!("; tried again in {}", left(at))).unwrap_or_default()
    };
    let before = |until: Option<Instant>| match until {
        None => String::new(),
        Some(at) if at <= moment.now() => "; the binding of before has expired".to_owned(),
        Some(at) => format!("; the binding of before is held for {}", left(at)),
    };
    let sentence = match &event.state {
        RegistrationState::Off | RegistrationState::Gone => "not registered".to_owned(),
        RegistrationState::Waiting { until } => {
            let why = match down(model, event) {
                Some((reason, retry_at)) => format!("{reason}{}", again(retry_at)),
                None => "its flow is not up".to_owned(),
            };
            format!("not registered: {why}{}", before(*until))
        }
        RegistrationState::Trying => "registering".to_owned(),
        RegistrationState::Registered { until, .. } | RegistrationState::Refreshing { until }
            if *until <= moment.now() =>
        {
            let under_way = match event.state {
                RegistrationState::Refreshing { .. } => "; a REGISTER is under way",
                _ => "",
            };
            format!("not registered: the binding has expired{under_way}")
        }
        RegistrationState::Registered { until, refresh_at } => {
            format!("registered for {}, refreshed in {}", left(*until), left(*refresh_at))
        }
        RegistrationState::Refreshing { until } => {
            format!("registered for {}, and being refreshed", left(*until))
        }
        RegistrationState::Removing => "being unregistered".to_owned(),
        RegistrationState::Failed { reason, retry_at, until, .. } => {
            format!("not registered: {reason}{}{}", again(*retry_at), before(*until))
        }
    };
    match event.state {
        RegistrationState::Registered { .. } | RegistrationState::Refreshing { .. }
            if is_cut_off(model, event) =>
        {
            let why = down(model, event)
                .map(|(reason, retry_at)| format!(": {reason}{}", again(retry_at)));
            format!(
                "{sentence}; its flow is down, so that nobody reaches us by it{}",
                why.unwrap_or_default()
            )
        }
        _ => sentence,
    }
}
