//! What keys do in the composer.

use std::{borrow::Cow, time::Instant};

use crossterm::event::KeyEvent;

use crate::{
    engine::Command,
    ui::{
        bindings::Action,
        composer::{Purpose, Shape, Slot},
        model::{Mode, Model, Notice, Pane},
        update::{palette, scrolled},
        view,
    },
};

/// How many lines of the preview one step is.
const PREVIEW: usize = 5;

/// Opens the draft of a new request.
pub(super) fn begin_new(model: &mut Model) {
    if !model.drafts.resume(&Purpose::New, Shape::Form) {
        let draft = model.new_composer();
        model.drafts.begin(draft);
    }
    open(model);
}

/// Goes to the open draft.
pub(super) fn open(model: &mut Model) {
    model.book.gather(&model.facts.contexts, &model.accounts);
    model.drafts.open_mut().open();
    model.mode = Mode::Compose;
    model.notice = None;
    model.look();
}

/// A key that is text.
pub(super) fn edit(model: &mut Model, event: KeyEvent) {
    model.drafts.open_mut().edit(event);
    model.look();
}

/// A paste.
pub(super) fn paste(model: &mut Model, text: &str) {
    model.drafts.open_mut().paste(text);
    model.look();
}

/// The mouse chose a field.
pub(super) fn focus_on(model: &mut Model, slot: Slot) {
    model.drafts.open_mut().focus_on(slot);
    model.look();
}

/// Carries out a wish.
pub(super) fn update(model: &mut Model, action: Action, now: Instant) -> Option<Command> {
    let composer = model.drafts.open_mut();
    let mut refused: Option<Cow<'static, str>> = None;
    match action {
        Action::NextField => composer.step(true),
        Action::PreviousField => composer.step(false),
        Action::NextChoice => composer.choose(true, &model.accounts),
        Action::PreviousChoice => composer.choose(false, &model.accounts),
        Action::NextCandidate => match composer.candidates().0.len() {
            0 => refused = Some("nothing that is known begins like that".into()),
            1 => refused = Some("this is the only completion that is known".into()),
            _ => composer.next_candidate(),
        },
        Action::ClearField => composer.clear(),
        Action::Advanced => refused = composer.unfold().err().map(Cow::from),
        Action::Preview => composer.previews = !composer.previews,
        Action::Raw => refused = composer.toggle_raw().err().map(Cow::from),
        Action::ToggleHeader => refused = composer.toggle_header().err().map(Cow::from),
        Action::NextTemplate => {
            match composer.next_template(model.facts.session(composer.purpose())) {
                Ok(name) => model.notice = Some(Notice::info(now, format!("the body is: {name}"))),
                Err(why) => refused = Some(why.into()),
            }
        }
        Action::Editor => model.edits = Some(composer.for_editor()),
        Action::PageDown | Action::PageUp => {
            let end = view::composer_preview_end(model);
            let top = model.drafts.open().preview_top.min(end);
            model.drafts.open_mut().preview_top = scrolled(top, action, PREVIEW).min(end);
            return None;
        }
        Action::Palette => {
            palette::open(model);
            return None;
        }
        Action::Back if composer.previews => composer.previews = false,
        Action::Back => model.mode = Mode::Browse,
        Action::Send => return send(model),
        _ => {}
    }
    if let Some(why) = refused {
        model.notice = Some(Notice::error(now, why));
    }
    model.look();
    None
}

fn send(model: &mut Model) -> Option<Command> {
    let around = model.book.around(&model.accounts, &model.facts);
    let composer = model.drafts.open_mut();
    composer.previews = false;
    let command = composer.submit(&around)?;
    model.book.count();
    if let (Command::Send(submission), Some(draft)) = (&command, composer.written())
        && let Some(call_id) = &submission.request.call_id
    {
        model.book.written.note(call_id.as_str(), draft);
    }
    model.account = composer.account();
    model.drafts.sent();
    // A request in a dialog has its row below that of the dialog, which stays chosen.
    if let Command::Send(_) | Command::SendRaw(_) = command {
        model.browse.awaited += 1;
        model.browse.pane = Pane::Table;
    }
    model.mode = Mode::Browse;
    model.notice = None;
    Some(command)
}
