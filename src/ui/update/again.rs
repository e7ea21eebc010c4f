//! Sending again, in one of three ways; and writing what belongs to the chosen context: a request
//! in its dialog (`dialog`), an answer to the peer, what the peer's advice says.

use std::time::Instant;

use bytes::Bytes;

use super::{
    act::{marked, refuse_without_row},
    anew, compose,
    dialog::{dialog_of, in_dialog},
    scrolled,
    table::{key, say},
};
use crate::{
    engine::{Command, RawSubmission, Submission},
    sip::{
        Advice, ContextId, DialogRequest, Fact, Message, Method, NewRequest, RawMessage,
        ServerTransactionId, UriBuf,
    },
    ui::{
        bindings::{Action, Scope},
        composer::{Composer, Keep, Purpose, Shape, Way},
        model::{Mode, Model, Notice, Row, Tally},
    },
};

/// A way to send a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// With a fresh Call-ID, tags, CSeq and branch.
    New,
    /// In the dialog, with the next CSeq number.
    InDialog,
    /// Byte for byte, on the same branch.
    Bytes,
}

impl How {
    /// The ways, in the order of the menu, with the action of each.
    pub const ALL: [(How, Action); 3] = [
        (How::New, Action::AgainNew),
        (How::InDialog, Action::AgainInDialog),
        (How::Bytes, Action::AgainBytes),
    ];
}

pub(super) const UNREADABLE: &str =
    "what was sent cannot be read as a request with From and To: it can only be sent byte for byte";

/// Opens what a key is for.
pub(super) fn act(model: &mut Model, action: Action, now: Instant) {
    let marks = !marked(model).is_empty();
    if action == Action::Resend && marks {
        model.notice = None;
        model.mode = Mode::Again { edits: false, at: 0 };
        return;
    }
    let Some(context) = model.browse.selected else {
        return refuse_without_row(model, action, now);
    };
    model.notice = None;
    let opened = match action {
        Action::Resend => {
            model.mode = Mode::Again { edits: false, at: 0 };
            return;
        }
        _ if marks => {
            let key = key(model, Scope::Table, Action::ClearMarks);
            return say(model, now, format!("that is for one at a time: {key} unmarks all"));
        }
        Action::EditAgain => {
            model.mode = Mode::Again { edits: true, at: 0 };
            return;
        }
        Action::InDialog => in_dialog(model, context, None),
        Action::Advice => take_advice(model, context),
        _ => answer(model, context),
    };
    match opened {
        Ok(()) => compose::open(model),
        Err(why) => say(model, now, format!("#{context}: {why}")),
    }
}

/// Carries out a wish in the menu.
pub(super) fn update(
    model: &mut Model,
    action: Action,
    edits: bool,
    at: usize,
    now: Instant,
) -> Option<Command> {
    let taken = How::ALL.iter().find(|(_, of)| *of == action).map(|(how, _)| *how);
    let how = match action {
        Action::Accept => How::ALL.get(at).map(|(how, _)| *how),
        Action::Back => {
            model.mode = Mode::Browse;
            return None;
        }
        _ => taken,
    };
    let Some(how) = how else {
        let at = scrolled(at, action, 1).min(How::ALL.len() - 1);
        model.mode = Mode::Again { edits, at };
        return None;
    };
    model.mode = Mode::Browse;
    if !edits {
        return resend(model, how, now);
    }
    let context = model.browse.selected?;
    let left_out = anew::left_out(model, context, how);
    match edit(model, context, how) {
        Ok(()) => {
            compose::open(model);
            let told = |what| Notice::info(now, format!("#{context}: {what}"));
            model.notice = left_out.map(told);
        }
        Err(why) => say(model, now, format!("#{context}: {why}")),
    }
    None
}

fn resend(model: &mut Model, how: How, now: Instant) -> Option<Command> {
    let marked = marked(model);
    if !marked.is_empty() {
        let (tally, commands) = resend_all(model, &marked, how);
        model.table.tally = tally.map(|tally| tally.with_not_shown(model.marks_not_shown()));
        model.tell_tally(now);
        return (!commands.is_empty()).then_some(Command::Many(commands));
    }
    let context = model.browse.selected?;
    let left_out = anew::left_out(model, context, how);
    match once_more(model, context, how) {
        Ok(command) => {
            if let Some(what) = left_out {
                model.notice = Some(Notice::info(now, format!("#{context}: {what}")));
            }
            // A request in a dialog leaves the cursor where it is.
            model.browse.awaited += usize::from(how != How::InDialog);
            Some(command)
        }
        Err(why) => {
            say(model, now, format!("#{context}: {why}"));
            None
        }
    }
}

fn resend_all(model: &mut Model, marked: &[ContextId], how: How) -> (Option<Tally>, Vec<Command>) {
    let mut requests: Vec<(Method, UriBuf)> = Vec::new();
    let mut commands = Vec::new();
    let mut refused = Vec::new();
    let mut left_out = None;
    for &context in marked {
        let lost = anew::left_out(model, context, how);
        match once_more(model, context, how) {
            Ok(command) => {
                requests.extend(request_of(model, context, &command));
                left_out = left_out.or(lost.map(|what| format!("#{context}: {what}")));
                commands.push(command);
            }
            Err(why) => refused.push(why),
        }
    }
    let mut tally = match how {
        How::InDialog => Tally::in_dialog(marked.len(), &commands),
        How::New | How::Bytes => Tally::resend(requests, marked.len()),
    };
    refused.iter().for_each(|why| tally.give_up(why));
    tally.remark(left_out);
    (Some(tally), commands)
}

/// How the row that a command makes is told.
fn request_of(model: &Model, context: ContextId, command: &Command) -> Option<(Method, UriBuf)> {
    match command {
        Command::Send(submission) => {
            let request = &submission.request;
            Some((request.method.clone(), request.request_uri.clone()))
        }
        Command::SendRaw(submission) => {
            let row = model.facts.contexts.find(context)?;
            let uri = submission.message.request_uri();
            Some((submission.message.method(), uri.unwrap_or_else(|| row.target().clone())))
        }
        _ => None,
    }
}

/// A context's request once more.
fn once_more(model: &mut Model, context: ContextId, how: How) -> Result<Command, String> {
    let written = match how {
        How::New => anew::written_again(model, context)?,
        How::InDialog | How::Bytes => None,
    };
    let row = row(model, context)?;
    match how {
        How::New => {
            let request = match written {
                Some(request) => request,
                None => anew::like(model, row)?,
            };
            let way = way(model, row);
            let (server, flow) = match way {
                Some(way) => (Some(way.server), way.flow),
                None => (None, Default::default()),
            };
            let account = model.accounts.iter().find(|account| account.name == row.account());
            let password_command = account.and_then(|account| account.password_command.clone());
            let submission = Submission { request, server, password_command, flow };
            Ok(Command::Send(Box::new(submission)))
        }
        How::InDialog => {
            let NewRequest { method, headers, content_type, body, .. } = read(row)?;
            let (context, tag) = dialog_of(model, row)?;
            let request =
                DialogRequest { headers, content_type, body, ..DialogRequest::new(method) };
            let request = Box::new(request);
            Ok(Command::SendInDialog { context, tag, request })
        }
        How::Bytes => {
            let message = RawMessage::new(last_sent(row)?.clone());
            let way = way(model, row).ok_or("the flow that it went on is gone")?;
            let (server, flow) = (Some(way.server), way.flow);
            Ok(Command::SendRaw(Box::new(RawSubmission { message, server, flow })))
        }
    }
}

pub(super) fn row(model: &Model, context: ContextId) -> Result<&Row, String> {
    let row = model.facts.contexts.find(context);
    row.ok_or_else(|| "it is not in the table any more".to_owned())
}

/// What a context sent first, and so without what came of a challenge.
pub(super) fn first_sent(row: &Row) -> Result<&Bytes, String> {
    sent(row).next().ok_or_else(|| NEVER.to_owned())
}

/// What a context sent last.
fn last_sent(row: &Row) -> Result<&Bytes, String> {
    sent(row).next_back().ok_or_else(|| NEVER.to_owned())
}

const NEVER: &str = "it was never sent, so there is nothing to send again";

fn sent(row: &Row) -> impl DoubleEndedIterator<Item = &Bytes> {
    row.timeline.iter().filter_map(|entry| match &entry.fact {
        Fact::Sent { message, .. } if entry.context == row.id => Some(message),
        _ => None,
    })
}

pub(super) fn read(row: &Row) -> Result<NewRequest, String> {
    let message = Message::read(first_sent(row)?.clone()).map_err(|_| UNREADABLE)?;
    NewRequest::from_message(&message).ok_or_else(|| UNREADABLE.to_owned())
}

/// The way that a context's request went.
fn way(model: &Model, row: &Row) -> Option<Way> {
    let flow = &model.facts.flows.get(&row.created.flow?)?.event;
    Some(Way { server: (*flow.asked).clone(), flow: flow.settings.clone() })
}

fn edit(model: &mut Model, context: ContextId, how: How) -> Result<(), String> {
    let shape = if how == How::Bytes { Shape::Raw } else { Shape::Form };
    if how != How::InDialog && model.drafts.resume(&Purpose::Like(context), shape) {
        return Ok(());
    }
    let row = row(model, context)?;
    let way = way(model, row);
    let account = model.accounts.iter().position(|account| account.name == row.account());
    match how {
        How::New => {
            if let Some(draft) = model.book.written.of(context).cloned() {
                let composer = composer(model, account).like_written(context, &draft, way);
                model.drafts.begin(composer);
                return Ok(());
            }
            let request = anew::like(model, row)?;
            let composer = composer(model, account);
            let composer = composer
                .like(context, &request, Keep::Content, way, &model.accounts)
                .map_err(|error| error.to_string())?;
            model.drafts.begin(composer);
        }
        How::InDialog => {
            let request = read(row)?;
            return in_dialog(model, context, Some(&request));
        }
        How::Bytes => {
            let bytes = last_sent(row)?.clone();
            let composer = composer(model, account).raw_like(context, &bytes, way);
            model.drafts.begin(composer);
        }
    }
    Ok(())
}

fn composer(model: &mut Model, account: Option<usize>) -> Composer {
    let account = account.unwrap_or(model.account);
    model.new_composer().sent_from(account)
}

/// A form with the request that the peer's answer says would help.
fn take_advice(model: &mut Model, context: ContextId) -> Result<(), String> {
    let row = row(model, context)?;
    let Some(advice) = advice(row) else {
        return Err("no answer to it says what would help".to_owned());
    };
    let Some(retry) = advice.retry.clone() else {
        return Err(format!("{}; there is no request that would do it by itself", advice.sentence));
    };
    let parent = row.created.parent;
    if parent.is_some() {
        return in_dialog(model, context, Some(&retry));
    }
    let way = way(model, row);
    let account = model.accounts.iter().position(|account| account.name == row.account());
    let composer = composer(model, account)
        .like(context, &retry, Keep::Identity, way, &model.accounts)
        .map_err(|error| error.to_string())?;
    model.drafts.begin(composer);
    Ok(())
}

/// What the answer to a context's request says would help.
pub fn advice(row: &Row) -> Option<&Advice> {
    row.timeline.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Failed { advice, .. } if entry.context == row.id => advice.as_deref(),
        _ => None,
    })
}

/// A form for the answer to the peer's request that waits.
fn answer(model: &mut Model, context: ContextId) -> Result<(), String> {
    let row = row(model, context)?;
    let Some(Waiting { transaction, method, session }) = waiting(row) else {
        return Err(
            "no request of the peer waits for an answer: answer_by_hand in the config file says which methods do"
                .to_owned(),
        );
    };
    let (method, session) = (method.clone(), session.cloned());
    let purpose = Purpose::Answer { context, transaction, method: method.clone() };
    if !model.drafts.resume(&purpose, Shape::Form) {
        let composer = model.new_composer().answer(context, transaction, method, session.as_ref());
        model.drafts.begin(composer);
    }
    Ok(())
}

/// A request of the peer that waits for an answer by hand.
#[derive(Debug)]
pub struct Waiting<'a> {
    /// Its server transaction.
    pub transaction: ServerTransactionId,
    /// Its method.
    pub method: &'a Method,
    /// The session description that an automatic 200 would have had.
    pub session: Option<&'a Bytes>,
}

/// The oldest request of the peer that waits for an answer by hand.
pub fn waiting(row: &Row) -> Option<Waiting<'_>> {
    let number =
        |message: &Bytes| Message::read(message.clone()).ok()?.cseq().ok().map(|it| it.number);
    let mut waiting: Vec<(Waiting<'_>, Option<u32>)> = Vec::new();
    for entry in row.timeline.iter().filter(|entry| entry.context == row.id) {
        match &entry.fact {
            Fact::Received {
                message,
                transaction: Some(transaction),
                session,
                again: false,
                ..
            } => {
                let (transaction, session) = (*transaction, session.as_deref());
                let it = Waiting { transaction, method: &entry.method, session };
                waiting.push((it, number(message)));
            }
            // Most rows have nothing that waits: then no answer need be read, picture by picture.
            Fact::Answered { response, attempt: 1, .. }
                if !waiting.is_empty() && response.status.is_final() =>
            {
                // Answers come in any order, each with the CSeq of its request (RFC 3261 §8.2.6.2); the
                // engine refuses one that comes too late.
                let answered = (&entry.method, number(&response.message));
                waiting.retain(|(it, cseq)| (it.method, *cseq) != answered);
            }
            _ => {}
        }
    }
    waiting.into_iter().next().map(|(it, _)| it)
}
