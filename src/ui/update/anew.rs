//! A request once more as a new one: with a fresh Call-ID, tags, CSeq and branch.

use super::again::{How, read, row};
use crate::{
    engine::{Draft, DraftError},
    sip::{ContextId, Fact, HeaderName, Identifiers, Message, NewRequest},
    ui::model::{Model, Row},
};

/// The request of a context as it was written, with new values for its variables, where it is known
/// how it was written.
pub(super) fn written_again(
    model: &mut Model,
    context: ContextId,
) -> Result<Option<NewRequest>, String> {
    let row = row(model, context)?;
    let account = model.accounts.iter().find(|account| account.name == row.account()).cloned();
    let (Some(draft), Some(account)) = (model.book.written.of(context).cloned(), account) else {
        return Ok(None);
    };
    let [from_tag, to_tag, call_id, cseq] = Default::default();
    let draft = Draft { from_tag, to_tag, call_id, cseq, ..draft };
    let mut values = model.book.values();
    let mut request = model
        .book
        .variables
        .expand_draft(&draft, &mut values)
        .and_then(|draft| {
            draft.refuse_passwords(&model.book.passwords)?;
            draft.submit(&account)
        })
        .map_err(|errors: Vec<DraftError>| {
            let first = errors.first().map(ToString::to_string);
            first.unwrap_or_default()
        })?
        .request;
    model.book.count();
    // By it the row that comes is known as written so, and can be sent again in its turn.
    let call_id = Identifiers::new(model.book.next_seed()).call_id();
    request.call_id = call_id.parse().ok();
    model.book.written.note(&call_id, draft);
    Ok(Some(request))
}

/// The same from the bytes that were sent.
pub(super) fn like(model: &Model, row: &Row) -> Result<NewRequest, String> {
    let account = model.accounts.iter().find(|account| account.name == row.account());
    Ok(NewRequest {
        from_tag: None,
        to_tag: None,
        call_id: None,
        cseq: None,
        credentials: account.and_then(|account| account.credentials.clone()),
        profile: account.map(|account| account.profile.clone()),
        ..read(row)?
    })
}

/// What is not sent once more although the user had written it, as a sentence: credentials, of
/// which the bytes do not say whose they are.
pub(super) fn left_out(model: &Model, context: ContextId, how: How) -> Option<String> {
    let row = row(model, context).ok()?;
    let is_written = how == How::New && model.book.written.of(context).is_some();
    if how == How::Bytes || is_written {
        return None;
    }
    let mut own = row.timeline.iter().filter(|entry| entry.context == row.id);
    let first = own.find_map(|entry| match &entry.fact {
        // What goes out with the account's credentials is made again.
        Fact::AuthAhead { .. } => Some(None),
        Fact::Sent { message, .. } => Some(Some(message.clone())),
        _ => None,
    });
    let message = Message::read(first??).ok()?;
    let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let name = names.into_iter().find(|name| message.header(*name).is_some())?;
    Some(format!(
        "its {name}, written by hand, is left out: edit it in again, or send it byte for byte"
    ))
}
