//! What keys do in the table: looking at it otherwise, marking, and acting on what is marked.

use std::time::Instant;

use ratatui::layout::{Position, Rect};

use crate::{
    engine::{Command, Submission},
    sip::{CancelOptions, ContextId, Fact, Message, Method, NewRequest},
    ui::{
        bindings::{Action, Scope},
        model::{Column, Cursor, Fold, Mode, Model, Notice, Prompt, Row, Sort, Tally},
        update::{scrolled, table_height},
        view::{self, Regions},
    },
};

/// How many characters one step sideways is.
const SIDEWAYS: usize = 8;

/// Carries out a wish that is about how the table is looked at.
pub(super) fn look(model: &mut Model, action: Action, now: Instant) {
    match action {
        Action::Filter => open_prompt(model, Prompt::filter(model.table.list.filter())),
        Action::Jump if model.table.list.rows() == 0 => {
            say(model, now, "there is no row to jump to")
        }
        Action::Jump => open_prompt(model, Prompt::jump()),
        Action::Columns => model.mode = Mode::Columns { at: 0 },
        Action::SortNext => sort_by_next(model, now),
        Action::SortReverse => {
            let Sort { column, descending } = model.table.list.sort();
            set_sort(model, Sort { column, descending: !descending }, now);
        }
        Action::Fold => fold(model, now),
        Action::HideEnded => {
            let hide = !model.table.list.hides_ended();
            model.table.list.hide_ended(&model.facts.contexts, hide);
            let text = if hide { "what has ended is hidden" } else { "what has ended is shown" };
            model.notice = Some(Notice::info(now, text));
        }
        Action::Follow => {
            model.table.follow = !model.table.follow;
            let newest = model.facts.contexts.iter().next_back().map(|row| row.id);
            if let (true, Some(context)) = (model.table.follow, newest) {
                model.choose(Cursor { context, leg: None });
            }
        }
        Action::ScrollRight => model.table.shift = (model.table.shift + SIDEWAYS).min(1_000),
        Action::ScrollLeft => model.table.shift = model.table.shift.saturating_sub(SIDEWAYS),
        Action::OpenRow | Action::CloseRow => open(model, action == Action::OpenRow, now),
        Action::Mark | Action::MarkAll | Action::InvertMarks | Action::ClearMarks => {
            mark(model, action, now);
        }
        _ => {}
    }
}

fn open_prompt(model: &mut Model, prompt: Prompt) {
    model.prompt = prompt;
    model.mode = Mode::Prompt;
    model.notice = None;
}

fn say(model: &mut Model, now: Instant, text: impl Into<String>) {
    model.notice = Some(Notice::error(now, text));
}

/// Moves the cursor.
pub(super) fn go(model: &mut Model, action: Action, page: usize, now: Instant) {
    model.table.follow = false;
    let height = table_height(model);
    model.settle_table(height, now);
    let Some(line) = model.cursor_line() else { return };
    model.go_to_line(scrolled(line, action, page), height.unwrap_or(1));
}

fn sort_by_next(model: &mut Model, now: Instant) {
    let shown: Vec<Column> = model.table.columns.shown().iter().map(|it| it.column).collect();
    let sorted = model.table.list.sort().column;
    let next = shown.iter().position(|column| *column == sorted).map_or(0, |at| at + 1);
    if let Some(column) = shown.get(next % shown.len().max(1)) {
        set_sort(model, Sort::by(*column), now);
    }
}

/// How wide a column is on the screen, where it is there.
pub(super) fn width_on_screen(model: &Model, column: Column) -> Option<u16> {
    let area = Rect::from((Position::ORIGIN, model.size));
    let table = Regions::of(area, model.browse.pane)?.table?;
    view::column_width(model, table, column)
}

/// Sorts by a column; where it is sorted by it already, the other way.
pub(super) fn sort_by(model: &mut Model, column: Column, now: Instant) {
    let known = model.table.list.sort();
    let sort = match known.column == column {
        true => Sort { column, descending: !known.descending },
        false => Sort::by(column),
    };
    set_sort(model, sort, now);
}

fn set_sort(model: &mut Model, sort: Sort, now: Instant) {
    model.table.list.set_sort(&model.facts.contexts, sort);
    let way = if sort.descending { "descending" } else { "ascending" };
    let text = format!("sorted by {}, {way}", sort.column.name());
    model.notice = Some(Notice::info(now, text));
}

fn fold(model: &mut Model, now: Instant) {
    let fold = model.table.list.fold().next();
    model.table.list.set_fold(&model.facts.contexts, fold);
    let text = match fold {
        Fold::Registrations => "the REGISTERs of a registration are one row, its last",
        Fold::Dialogs => "the requests of a dialog are one row too, its first",
        Fold::Nothing => "every request has a row of its own",
    };
    model.notice = Some(Notice::info(now, text));
}

fn open(model: &mut Model, opens: bool, now: Instant) {
    let contexts = &model.facts.contexts;
    let Some(place) = model.selected().and_then(|row| contexts.place(row.id)) else {
        let verb = if opens { "open" } else { "close" };
        return say(model, now, format!("there is no row to {verb} yet"));
    };
    let list = &model.table.list;
    let head = list.head(contexts, place);
    let Some(id) = contexts.row(head).map(|row| row.id) else { return };
    if opens && !list.can_open(contexts, head) {
        let fold = key(model, Scope::Table, Action::Fold);
        return say(
            model,
            now,
            format!("#{id} has no second leg and nothing is folded into it ({fold} folds)"),
        );
    }
    if !opens && !list.is_open(id) {
        return say(model, now, format!("#{id} is not open"));
    }
    model.table.list.set_open(id, opens);
    if !opens {
        model.choose(Cursor { context: id, leg: None });
    }
}

fn mark(model: &mut Model, action: Action, now: Instant) {
    let marks = &mut model.table.marks;
    match action {
        Action::Mark => {
            let Some(id) = model.browse.selected else {
                return say(model, now, "there is no row to mark yet");
            };
            if !marks.remove(&id) {
                marks.insert(id);
            }
            // So that one key after the other marks row after row.
            let follow = model.table.follow;
            go(model, Action::Down, 1, now);
            model.table.follow = follow;
        }
        Action::ClearMarks if marks.is_empty() => {
            let key = key(model, Scope::Table, Action::Mark);
            say(model, now, format!("nothing is marked: mark a row with {key}"));
        }
        Action::ClearMarks => marks.clear(),
        _ => {
            let contexts = &model.facts.contexts;
            for id in model.table.list.iter().filter_map(|place| Some(contexts.row(place)?.id)) {
                if action == Action::MarkAll || !marks.remove(&id) {
                    marks.insert(id);
                }
            }
        }
    }
}

/// The marked contexts in the order in which they were made; none where none is marked.
fn marked(model: &Model) -> Vec<ContextId> {
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
        Action::Resend => resend(model, context, now),
        _ => {
            let label = model.selected().and_then(Row::label).unwrap_or_default().to_owned();
            open_prompt(model, Prompt::label(vec![context], &label));
            None
        }
    }
}

fn refuse_without_row(model: &mut Model, action: Action, now: Instant) {
    let key = |action| key(model, Scope::Browse, action);
    let (verb, what) = match action {
        Action::Cancel => ("cancel", "an INVITE"),
        Action::HangUp => ("hang up", "an INVITE"),
        Action::Resend => ("send again", "a request"),
        _ => ("label", "a request"),
    };
    let text = match model.facts.contexts.is_empty() {
        true => format!("nothing to {verb} yet: send {what} with {}", key(Action::Compose)),
        false => format!("nothing to {verb} is shown: {} clears the filter", key(Action::Back)),
    };
    say(model, now, text);
}

fn chosen_leg(model: &Model) -> Option<Box<str>> {
    let leg = model.selected()?.legs.get(model.browse.leg?)?;
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
        Action::Resend => resend_all(model, &marked),
        _ => {
            open_prompt(model, Prompt::label(marked, ""));
            return None;
        }
    };
    model.table.tally = Some(tally);
    model.tell_tally(now);
    Some(Command::Many(commands)).filter(|command| !is_empty(command))
}

fn is_empty(command: &Command) -> bool {
    matches!(command, Command::Many(commands) if commands.is_empty())
}

fn resend(model: &mut Model, context: ContextId, now: Instant) -> Option<Command> {
    match once_more(model, context) {
        Ok(submission) => {
            model.browse.awaited += 1;
            Some(Command::Send(Box::new(submission)))
        }
        Err(why) => {
            say(model, now, format!("#{context}: {why}"));
            None
        }
    }
}

fn resend_all(model: &mut Model, marked: &[ContextId]) -> (Tally, Vec<Command>) {
    let mut requests: Vec<(Method, _)> = Vec::new();
    let mut commands = Vec::new();
    let mut refused = Vec::new();
    for &context in marked {
        match once_more(model, context) {
            Ok(submission) => {
                let request = &submission.request;
                requests.push((request.method.clone(), request.request_uri.clone()));
                commands.push(Command::Send(Box::new(submission)));
            }
            Err(why) => refused.push(why),
        }
    }
    let mut tally = Tally::resend(requests, marked.len());
    refused.into_iter().for_each(|why| tally.give_up(why));
    (tally, commands)
}

/// The request of a context as a new one: with a fresh Call-ID, tags, CSeq and branch, over the
/// same flow.
fn once_more(model: &Model, context: ContextId) -> Result<Submission, &'static str> {
    let row = model.facts.contexts.find(context).ok_or("it is not in the table any more")?;
    let sent = row.timeline.iter().find_map(|entry| match &entry.fact {
        Fact::Sent { message } if entry.context == context => Some(message.clone()),
        _ => None,
    });
    let sent = sent.ok_or("it was never sent, so there is nothing to send again")?;
    let unreadable = "what was sent cannot be read as a request with From and To";
    let message = Message::read(sent).map_err(|_| unreadable)?;
    let request = NewRequest::from_message(&message).ok_or(unreadable)?;
    let account = model.accounts.iter().find(|account| *account.name == *row.account);
    let request = NewRequest {
        from_tag: None,
        to_tag: None,
        call_id: None,
        cseq: None,
        credentials: account.and_then(|account| account.credentials.clone()),
        ..request
    };
    let flow = model.facts.flows.get(&row.created.flow).map(|flow| &flow.event);
    Ok(Submission {
        request,
        server: flow.map(|flow| flow.server.clone()),
        flow: flow.map(|flow| flow.settings.clone()).unwrap_or_default(),
    })
}

/// Takes rows that have ended out of the table. What is in flight stays, and is told of.
fn drop_rows(model: &mut Model, action: Action, marked: &[ContextId], now: Instant) {
    let contexts = &mut model.facts.contexts;
    let list = &mut model.table.list;
    let chosen = model.browse.selected;
    let (wanted, gone) = match (action, marked, chosen) {
        (Action::DropEnded, ..) => {
            let gone = contexts.drop_ended(|row| list.passes(row));
            (gone, gone)
        }
        (_, [], None) => return say(model, now, "there is no row to drop yet"),
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
        (gone, 0) => format!("dropped {gone} {}", word(gone)),
        (gone, left) => format!(
            "dropped {gone} of {wanted} {}: {left} not ended yet; {} cancels, {} hangs up",
            word(wanted),
            key(model, Scope::Browse, Action::Cancel),
            key(model, Scope::Browse, Action::HangUp),
        ),
    };
    let good = gone == wanted && gone > 0;
    model.notice = Some(if good { Notice::info(now, text) } else { Notice::error(now, text) });
}

/// How a key is called; nothing where an action has none.
fn key(model: &Model, scope: Scope, action: Action) -> String {
    model.bindings.key(scope, action).map(|key| key.to_string()).unwrap_or_default()
}
