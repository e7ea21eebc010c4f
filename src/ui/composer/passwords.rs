//! No password of an account is sent by mistake: nobody could keep it from whoever sees the screen,
//! the log or the message. The dashboard answers challenges with it by itself.

use super::{Around, Composer, Shape, Slot, raw_text};
use crate::{
    engine::{Draft, DraftError, Field},
    sip::KnownPasswords,
};

impl Composer {
    /// What is said of a raw message that holds the password of an account. It may be meant so: it is
    /// held back once, and goes out as it is when it is sent again.
    pub(super) fn password_in_raw(&self, around: &Around<'_>) -> Option<String> {
        let text = (self.shape == Shape::Raw).then(|| self.fields.text(Slot::Raw))?;
        let whose = around.passwords.whose(&raw_text::decode(&text))?;
        let then = match self.insists.as_ref() == Some(&text) {
            true => "it was held back: sent again, it goes out as it is",
            false => "sending it is refused once",
        };
        Some(format!(
            "the password of the account {whose:?} stands in the message, where everybody could read it: {then}"
        ))
    }

    /// Whether a raw message with a password is held back, which is done once.
    pub(super) fn hold_back(&mut self, around: &Around<'_>) -> bool {
        let text = self.fields.text(Slot::Raw);
        if self.insists.as_ref() == Some(&text) || self.password_in_raw(around).is_none() {
            self.insists = None;
            return false;
        }
        self.insists = Some(text);
        self.outlook.advice = self.password_in_raw(around);
        true
    }
}

/// What is said of every field of a draft that holds the password of an account.
///
/// # Errors
///
/// One for each such field.
pub(crate) fn refuse(draft: &Draft, known: &KnownPasswords) -> Result<(), Vec<DraftError>> {
    let lines = [(Field::Routes, &draft.routes), (Field::Headers, &draft.headers)];
    let lines = lines
        .into_iter()
        .flat_map(|(field, lines)| lines.iter().map(move |line| (field, line.as_bytes())));
    let texts = [
        (Field::Method, &draft.method),
        (Field::Target, &draft.target),
        (Field::Server, &draft.server),
        (Field::From, &draft.from),
        (Field::FromDisplayName, &draft.from_display_name),
        (Field::FromTag, &draft.from_tag),
        (Field::To, &draft.to),
        (Field::ToDisplayName, &draft.to_display_name),
        (Field::ToTag, &draft.to_tag),
        (Field::CallId, &draft.call_id),
        (Field::CSeq, &draft.cseq),
        (Field::ContentType, &draft.content_type),
    ];
    let texts = texts.into_iter().map(|(field, text)| (field, text.as_bytes()));
    let mut errors: Vec<DraftError> = texts
        .chain(lines)
        .chain([(Field::Body, &*draft.body)])
        .filter_map(|(field, text)| {
            let whose = known.whose(text)?;
            let message = format!(
                "the password of the account {whose:?} stands in {}, where everybody could read it: leave it out, a challenge is answered with it by itself",
                place(field)
            );
            Some(DraftError { field, message })
        })
        .collect();
    errors.dedup();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// A field, as a sentence names it.
const fn place(field: Field) -> &'static str {
    match field {
        Field::Method => "the method",
        Field::Target => "the target",
        Field::Server => "the server",
        Field::From => "From",
        Field::FromDisplayName => "the display name of From",
        Field::FromTag => "the From tag",
        Field::To => "To",
        Field::ToDisplayName => "the display name of To",
        Field::ToTag => "the To tag",
        Field::CallId => "the Call-ID",
        Field::CSeq => "the CSeq",
        Field::Routes => "a route",
        Field::Headers => "a header",
        Field::ContentType => "the content type",
        Field::Body => "the body",
    }
}
