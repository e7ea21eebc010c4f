//! What stands in each cell.

use std::borrow::Cow;

use ratatui::style::Style;

use crate::{
    sip::{LegState, Response, State, Status, TimerAt},
    ui::{
        model::{Column, Last, LegRow, Model, RoundTrip, Row},
        view::{
            detail::story,
            flow_text,
            theme::shape,
            time::{Moment, short},
        },
    },
};

/// What stands in a cell.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) style: Style,
}

/// What a row shows in a column. `alone` is whether `Last` has to say what has columns of their
/// own elsewhere: how often it was sent, and the timer.
pub(super) fn of_row<'a>(
    row: &'a Row,
    column: Column,
    has: impl Fn(Column) -> bool,
    model: &'a Model,
    moment: &Moment,
) -> Text<'a> {
    let theme = &model.theme;
    let state = row.status.state;
    // What is over stands back.
    let plain = if row.status.ended { theme.dim } else { Style::new() };
    let dim = theme.dim;
    let (text, style): (Cow<'a, str>, Style) = match column {
        Column::Number => (row.id.to_string().into(), dim),
        Column::Method => (model.safe(row.method.as_str()), plain),
        Column::Target => (model.safe_cow(row.target().as_uri().short()), plain),
        Column::State => {
            (format!("{} {}", shape(state), row.standing().as_str()).into(), theme.state(state))
        }
        Column::Last => (last(row, &has, model, moment).into(), plain),
        Column::Cause => (row.cause().map_or("", |cause| cause.as_str()).into(), plain),
        Column::Rtt => match row.round_trip {
            RoundTrip::Took(took) => (short(took).into(), plain),
            _ => ("".into(), plain),
        },
        Column::Age => (moment.since(row.at).into(), dim),
        Column::Duration => (took(row, moment).into(), plain),
        Column::Attempts => (attempts(&row.status).into(), dim),
        Column::Timer => (timer(row, model, moment).unwrap_or_default().into(), theme.pending),
        Column::Flow => (flow(row, model).into(), dim),
        Column::Account => (model.safe(row.account()), dim),
        Column::CallId => (model.safe(&row.created.call_id), dim),
        Column::Label => (model.safe(row.label().unwrap_or_default()), plain),
    };
    Text { text, style }
}

/// What a leg shows in a column.
pub(super) fn of_leg<'a>(
    leg: &'a LegRow,
    column: Column,
    model: &'a Model,
    moment: &Moment,
) -> Text<'a> {
    let theme = &model.theme;
    let (style, sign, state, last) = match &leg.state {
        LegState::Early => (theme.pending, "◐", "early", String::new()),
        LegState::Confirmed => (theme.good, "●", "up", String::new()),
        LegState::HangingUp { bye } => (theme.pending, "◑", "hanging up", format!("BYE #{bye}")),
        LegState::Terminated { by } => (theme.dim, "○", "over", format!("by {}", story::by(*by))),
    };
    let (text, style): (Cow<'a, str>, Style) = match column {
        Column::Method => ("└ leg".into(), theme.dim),
        Column::Target => (model.safe(&leg.tag), Style::new()),
        Column::State => (format!("{sign} {state}").into(), style),
        Column::Last => (last.into(), theme.dim),
        Column::Age => (moment.since(leg.at).into(), theme.dim),
        _ => ("".into(), theme.dim),
    };
    Text { text, style }
}

/// Whether a column's texts stand on its right side.
pub(super) const fn is_right(column: Column) -> bool {
    matches!(column, Column::Number | Column::Age | Column::Rtt | Column::Duration)
}

/// The last response, or the countdown of the timer that fires next: that also while a cancel is
/// under way, or what was subscribed to in a call that is over lasts, which is what one waits for then.
/// An INVITE that has failed and may still be accepted has both: why, and until when.
fn last(row: &Row, has: impl Fn(Column) -> bool, model: &Model, moment: &Moment) -> String {
    let timed = || {
        let mut running = row.status.running(moment.now());
        let next = running.find(|timer| !timer.timer.is_silent());
        next.map(|next| countdown(next, moment)).filter(|_| !has(Column::Timer))
    };
    let waits = match row.status.state {
        State::Cancelling => true,
        State::HungUp => !row.status.ended,
        _ => false,
    };
    if waits && let Some(timer) = timed() {
        return timer;
    }
    if let (Some(until), Last::Failed(cause), false) =
        (row.final_wait(), &row.last, has(Column::Timer))
    {
        return format!("{}, {cause}", countdown(until, moment).trim_end());
    }
    if let Some(sentence) = row.standing().sentence() {
        return sentence.to_owned();
    }
    match &row.last {
        Last::Response(response) => response_line(response, model),
        Last::Crossed(response) => format!("{} crossed CANCEL", response.status),
        Last::Failed(cause) => cause.as_str().to_owned(),
        Last::Nothing => match timed() {
            Some(timer) if !has(Column::Attempts) && row.status.attempts > 1 => {
                format!("{timer} {}×", row.status.attempts)
            }
            timer => timer.unwrap_or_default(),
        },
    }
}

/// The soonest timer, and whose it is: `E in 0.5s PRACK 2`. That is cut off first.
fn timer(row: &Row, model: &Model, moment: &Moment) -> Option<String> {
    let timer = row.status.running(moment.now()).next()?;
    let left = countdown(timer, moment);
    Some(match &timer.of {
        Some(of) => format!("{left} {}", model.safe(&of.to_string())),
        None => left,
    })
}

/// `A in 2.1s`
fn countdown(timer: &TimerAt, moment: &Moment) -> String {
    format!("{} in {}", timer.timer, moment.until(timer.at))
}

fn took(row: &Row, moment: &Moment) -> String {
    match row.ended_at() {
        Some(_) => short(row.took(moment.now())),
        // It counts whole seconds, as the age does.
        None => moment.since(row.at),
    }
}

fn flow(row: &Row, model: &Model) -> String {
    match row.created.flow.and_then(|flow| model.facts.flows.get(&flow)) {
        Some(flow) => flow_text(&flow.event.server),
        None => row.created.transport.to_string(),
    }
}

/// `180 Ringing`, with the phrase as it came.
pub(in crate::ui::view) fn response_line(response: &Response, model: &Model) -> String {
    let reason = response.reason();
    format!("{} {}", response.status, model.safe(&reason)).trim_end().to_owned()
}

/// `3 of 7`; just `3` where it is not sent again: on a reliable transport, or because an answer came.
pub(in crate::ui::view) fn attempts(status: &Status) -> String {
    let is_unheard = matches!(status.state, State::Calling | State::Trying);
    if status.attempts_max > status.attempts || (is_unheard && status.attempts > 1) {
        format!("{} of {}", status.attempts, status.attempts_max)
    } else {
        status.attempts.to_string()
    }
}
