//! What is copied: nothing in it that nobody is to see, and what it is said to be says so.

use std::{borrow::Cow, time::Instant};

use super::{
    act::refuse_without_row,
    detail::{key, meant, name, refuse},
};
use crate::{
    sip::{Message, secret},
    ui::{
        bindings::Action,
        detail::{Carried, Tab, ladder::Ladder, messages, resend},
        model::{Clip, Mode, Model, Pane, Row},
        view::detail::{chosen_message, window},
    },
};

/// Carries out a choice of the copy menu.
pub(super) fn update(model: &mut Model, action: Action, now: Instant) {
    model.mode = Mode::Browse;
    if model.selected().is_none() && action != Action::Back {
        return refuse_without_row(model, Action::Copy, now);
    }
    match clip(model, action, now) {
        None => {}
        Some(Ok(clip)) => model.clip = Some(clip),
        Some(Err(text)) => refuse(model, now, text),
    }
}

/// What is to be copied.
fn clip(model: &Model, action: Action, now: Instant) -> Option<Result<Clip, String>> {
    let row = model.selected()?;
    let message = || {
        meant(model, now)
            .map(|(_, message)| message)
            .or_else(|| chosen_message(model))
            .ok_or_else(|| "there is no message to copy yet".to_owned())
    };
    Some(match action {
        Action::CopyMessage => message().map(|message| masked(model, row, &message)),
        Action::CopyHeader => header(model, now),
        Action::CopyCallId => Ok(hidden(model, "the Call-ID", &row.created.call_id)),
        Action::CopyLadder => {
            Ok(hidden(model, "the ladder as text", &Ladder::of(row, &model.facts).text()))
        }
        Action::CopyMermaid => {
            Ok(hidden(model, "the ladder as Mermaid", &Ladder::of(row, &model.facts).mermaid()))
        }
        Action::CopyCommand => command(model, row, now),
        _ => return None,
    })
}

/// A text to be copied, without the passwords of accounts.
fn hidden(model: &Model, what: &str, text: &str) -> Clip {
    match model.book.passwords.hide(text) {
        Cow::Borrowed(text) => Clip::new(what, text.as_bytes().to_vec()),
        Cow::Owned(text) => Clip::new(format!("{what} (a password is masked)"), text.into_bytes()),
    }
}

fn masked(model: &Model, row: &Row, message: &Carried<'_>) -> Clip {
    let secrets = secret::ranges(message.bytes, &model.book.passwords);
    let bytes = secret::masked(message.bytes, 0..message.bytes.len(), &secrets).into_owned();
    let mut what = name(row, message);
    match secrets.len() {
        0 => {}
        1 => what.push_str(" (a secret is masked)"),
        count => what.push_str(&format!(" ({count} secrets are masked)")),
    }
    Clip::new(what, bytes)
}

/// The header of the chosen line.
fn header(model: &Model, now: Instant) -> Result<Clip, String> {
    let range = window(model, now).and_then(|window| {
        let line = model.detail.spot().line(model.detail.tab, window.page.lines.len());
        window.page.lines.get(line)?.header.clone()
    });
    let (Some(range), Some(message)) = (range, chosen_message(model)) else {
        let key = key(model, Action::Show(Tab::Messages));
        return Err(format!("the chosen line is no header: choose one in the messages ({key})"));
    };
    let secrets = secret::ranges(message.bytes, &model.book.passwords);
    let text = secret::masked(message.bytes, range, &secrets).into_owned();
    let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
    let name = String::from_utf8_lossy(&text[..end]).into_owned();
    Ok(Clip::new(format!("the header {name}"), text))
}

/// The command that sends the chosen request again, else the context's own.
fn command(model: &Model, row: &Row, now: Instant) -> Result<Clip, String> {
    let is_request = |message: &Carried<'_>| {
        message.ours && Message::read(message.bytes.clone()).is_ok_and(|it| it.method().is_some())
    };
    let message = meant(model, now)
        .map(|(_, message)| message)
        .filter(|_| model.has_focus(Pane::Detail) && model.detail.tab != Tab::Timeline)
        .filter(is_request)
        .or_else(|| messages(row).find(is_request))
        .ok_or_else(|| "no request was sent yet: nothing can be sent again".to_owned())?;
    let flow = row.created.flow.and_then(|flow| model.facts.flows.get(&flow));
    let server = flow.map(|flow| &*flow.event.asked);
    let known = &model.book.passwords;
    let command =
        resend::command(message.bytes, server, known).map_err(|error| error.to_string())?;
    let what = match secret::ranges(message.bytes, known).len() {
        0 => "the sipboard send command".to_owned(),
        count => format!("the sipboard send command, without its secrets ({count})"),
    };
    Ok(Clip::new(what, command.into_bytes()))
}
