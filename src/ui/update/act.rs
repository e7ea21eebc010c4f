//! What keys do to the chosen context, or to all that are marked.

use std::time::Instant;

use crate::{
    engine::Command,
    sip::{CancelOptions, ContextId},
    ui::{
        bindings::{Action, Scope},
        model::{Model, Notice, Prompt, Row, Tally},
        update::table::{key, open_prompt, say},
    },
};

/// The marked contexts in the order in which they were made; none where none is marked.
pub(super) fn marked(model: &Model) -> Vec<ContextId> {
    let mut marked: Vec<ContextId> = model.table.marks.iter().copied().collect();
    marked.sort_unstable();
    marked
}

/// Carries out a wish for the chosen context, or for all that are marked.
pub(super) fn act(model: &mut Model, action: Action, now: Instant) -> Option<Command> {
    let marked = marked(model);
    if matches!(action, Action::Drop | Action::DropEnded) {
        drop_rows(model, action, &marked, now);
        return None;
    }
    let Some(context) = model.browse.selected.filter(|_| marked.is_empty()) else {
        if marked.is_empty() {
            refuse_without_row(model, action, now);
            return None;
        }
        return act_on_all(model, action, marked, now);
    };
    // What comes of this is newer than whatever was said before.
    model.notice = None;
    match action {
        // Both go to the engine whatever the row says: whether they can be done is for the user
        // agent to know, and its refusal says why not.
        Action::Cancel => Some(Command::Cancel { context, options: CancelOptions::default() }),
        Action::HangUp => Some(match chosen_leg(model) {
            Some(tag) => Command::HangUpLeg { context, tag },
            None => Command::HangUp { context },
        }),
        _ => {
            let label = model.selected().and_then(Row::data).unwrap_or_default().to_owned();
            open_prompt(model, Prompt::label(vec![context], &label));
            None
        }
    }
}

pub(super) fn refuse_without_row(model: &mut Model, action: Action, now: Instant) {
    let key = |action| key(model, Scope::Browse, action);
    let (verb, what) = match action {
        Action::Cancel => ("cancel", "an INVITE"),
        Action::HangUp => ("hang up", "an INVITE"),
        Action::Resend | Action::EditAgain => ("send again", "a request"),
        Action::InDialog => ("write in a dialog of", "an INVITE"),
        Action::Advice => ("take advice on", "a request"),
        Action::Answer => ("answer", "an INVITE"),
        Action::Copy => ("copy", "a request"),
        Action::Jump => ("jump to", "a request"),
        Action::Mark | Action::MarkAll | Action::InvertMarks => ("mark", "a request"),
        Action::OpenRow => ("open", "a request"),
        Action::CloseRow => ("close", "a request"),
        Action::Drop => ("drop", "a request"),
        Action::Label => ("label", "a request"),
        _ => ("look at", "a request"),
    };
    let list = &model.table.list;
    let text = if model.facts.contexts.is_empty() {
        format!("nothing to {verb} yet: send {what} with {}", key(Action::Compose))
    } else if list.rows() > 0 {
        format!("nothing to {verb} is chosen: {} goes to the first row", key(Action::Top))
    } else if list.hides_ended() && list.filter().is_empty() {
        let key = self::key(model, Scope::Table, Action::HideEnded);
        format!("nothing to {verb} is shown: {key} shows what has ended")
    } else {
        format!("nothing to {verb} is shown: {} clears the filter", key(Action::Back))
    };
    say(model, now, text);
}

pub(super) fn chosen_leg(model: &Model) -> Option<Box<str>> {
    let leg = model.selected()?.legs().get(model.browse.leg?)?;
    Some(leg.tag.clone())
}

fn act_on_all(
    model: &mut Model,
    action: Action,
    marked: Vec<ContextId>,
    now: Instant,
) -> Option<Command> {
    model.notice = None;
    let (tally, commands) = match action {
        Action::Cancel => {
            let cancel = |&context| Command::Cancel { context, options: CancelOptions::default() };
            (Tally::cancel(&marked), marked.iter().map(cancel).collect())
        }
        Action::HangUp => {
            let hang_up = |&context| Command::HangUp { context };
            (Tally::hang_up(&marked), marked.iter().map(hang_up).collect())
        }
        _ => {
            open_prompt(model, Prompt::label(marked, ""));
            return None;
        }
    };
    model.table.tally = Some(tally.with_not_shown(model.marks_not_shown()));
    model.tell_tally(now);
    Some(Command::Many(commands)).filter(|command| !is_empty(command))
}

fn is_empty(command: &Command) -> bool {
    matches!(command, Command::Many(commands) if commands.is_empty())
}

/// Takes rows that have ended out of the table. What is in flight stays, and is told of.
fn drop_rows(model: &mut Model, action: Action, marked: &[ContextId], now: Instant) {
    let not_shown = match (action, model.marks_not_shown()) {
        (Action::DropEnded, _) | (_, 0) => String::new(),
        (_, count) => format!(" ({count} of the marked are not shown)"),
    };
    let contexts = &mut model.facts.contexts;
    let list = &mut model.table.list;
    let chosen = model.browse.selected;
    let (wanted, gone) = match (action, marked, chosen) {
        (Action::DropEnded, ..) => {
            let gone = contexts.drop_ended(|row| list.passes(row));
            (gone, gone)
        }
        (_, [], None) => return refuse_without_row(model, action, now),
        (_, [], Some(chosen)) => (1, contexts.drop_ended(|row| row.id == chosen)),
        (_, marked, _) => {
            let gone = contexts.drop_ended(|row| marked.binary_search(&row.id).is_ok());
            (marked.len(), gone)
        }
    };
    if gone > 0 {
        list.rebuild(contexts);
        model.table.marks.retain(|id| contexts.place(*id).is_some());
    }
    let word = |count| if count == 1 { "row" } else { "rows" };
    let text = match (gone, wanted - gone) {
        (0, 0) => "nothing that is shown has ended: there is nothing to drop".to_owned(),
        (gone, 0) => format!("dropped {gone} {}{not_shown}", word(gone)),
        (gone, left) => format!(
            "dropped {gone} of {wanted} {}{not_shown}: {left} not ended yet; {} cancels, {} hangs up",
            word(wanted),
            key(model, Scope::Browse, Action::Cancel),
            key(model, Scope::Browse, Action::HangUp),
        ),
    };
    let good = gone == wanted && gone > 0;
    model.notice = Some(if good { Notice::info(now, text) } else { Notice::error(now, text) });
}
