//! No password of an account is sent by mistake: nobody could keep it from whoever sees the screen,
//! the log or the message. Challenges are answered with it without anybody writing it down.

use crate::{
    engine::{Account, Draft, DraftError, Field},
    sip::{Credentials, KnownPasswords},
};

impl Account {
    /// Has one of its passwords looked for, its own or one that a command has printed for it.
    pub fn keep_secret(&self, credentials: &[Credentials], known: &mut KnownPasswords) {
        known.add(&self.name, &self.identity().to_string(), credentials);
    }
}

impl Draft {
    /// What is said of every field of a draft that holds the password of an account.
    ///
    /// # Errors
    ///
    /// One for each such field.
    pub fn refuse_passwords(&self, known: &KnownPasswords) -> Result<(), Vec<DraftError>> {
        let lines = [(Field::Routes, &self.routes), (Field::Headers, &self.headers)];
        let lines = lines
            .into_iter()
            .flat_map(|(field, lines)| lines.iter().map(move |line| (field, line.as_bytes())));
        let texts = [
            (Field::Method, &self.method),
            (Field::Target, &self.target),
            (Field::Server, &self.server),
            (Field::From, &self.from),
            (Field::FromDisplayName, &self.from_display_name),
            (Field::FromTag, &self.from_tag),
            (Field::To, &self.to),
            (Field::ToDisplayName, &self.to_display_name),
            (Field::ToTag, &self.to_tag),
            (Field::CallId, &self.call_id),
            (Field::CSeq, &self.cseq),
            (Field::ContentType, &self.content_type),
        ];
        let texts = texts.into_iter().map(|(field, text)| (field, text.as_bytes()));
        let mut errors: Vec<DraftError> = texts
            .chain(lines)
            .chain([(Field::Body, &*self.body)])
            .filter_map(|(field, text)| {
                let whose = known.whose(text)?;
                let message = format!(
                    "{}: leave it out, a challenge is answered with it by itself",
                    stands(whose, place(field))
                );
                Some(DraftError { field, message })
            })
            .collect();
        errors.dedup();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// What is said of a whole message that holds the password of an account.
pub fn password_in_message(bytes: &[u8], known: &KnownPasswords) -> Option<String> {
    Some(stands(known.whose(bytes)?, "the message"))
}

fn stands(whose: &str, place: &str) -> String {
    format!(
        "the password of the account {whose:?} stands in {place}, where everybody could read it"
    )
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
