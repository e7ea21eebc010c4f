//! [`Slot`]: the fields of the composer, in their order.

use super::{Purpose, Shape};
use crate::engine::Field;

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The method; in an answer, the status and its reason phrase.
    Method,
    /// The target.
    Target,
    /// The account; only where there are several.
    Account,
    /// The server.
    Server,
    /// Extra headers, one a line; one that is switched off begins with `#`.
    Headers,
    /// The content type.
    ContentType,
    /// The body.
    Body,
    /// The route set, one URI a line.
    Routes,
    /// The To display name.
    ToDisplayName,
    /// The To URI.
    To,
    /// The To tag.
    ToTag,
    /// The From display name.
    FromDisplayName,
    /// The From URI.
    From,
    /// The From tag.
    FromTag,
    /// The Call-ID.
    CallId,
    /// The CSeq number.
    CSeq,
    /// The whole message, in raw mode.
    Raw,
}

/// How a field is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One line of text.
    Line,
    /// Several lines of text.
    Area,
    /// One of several values.
    Choice,
}

impl Slot {
    const FORM: [Slot; 7] = [
        Slot::Method,
        Slot::Target,
        Slot::Account,
        Slot::Server,
        Slot::Headers,
        Slot::ContentType,
        Slot::Body,
    ];
    /// The parameters that SIP.js calls advanced, in its order.
    pub(super) const ADVANCED: [Slot; 9] = [
        Slot::Routes,
        Slot::ToDisplayName,
        Slot::To,
        Slot::ToTag,
        Slot::FromDisplayName,
        Slot::From,
        Slot::FromTag,
        Slot::CallId,
        Slot::CSeq,
    ];
    const IN_DIALOG: [Slot; 4] = [Slot::Method, Slot::Headers, Slot::ContentType, Slot::Body];
    const RAW: [Slot; 3] = [Slot::Account, Slot::Server, Slot::Raw];

    /// The fields of a form, in order.
    pub fn all(purpose: &Purpose, shape: Shape) -> impl DoubleEndedIterator<Item = Slot> + use<> {
        let (first, then): (&'static [Slot], &'static [Slot]) = match (purpose, shape) {
            (Purpose::InDialog { .. } | Purpose::Answer { .. }, _) => (&Slot::IN_DIALOG, &[]),
            (_, Shape::Raw) => (&Slot::RAW, &[]),
            (_, Shape::Form) => (&Slot::FORM, &[]),
            (_, Shape::Unfolded) => (&Slot::FORM, &Slot::ADVANCED),
        };
        first.iter().chain(then).copied()
    }

    /// How it is filled in.
    pub const fn kind(self) -> Kind {
        match self {
            Slot::Account | Slot::Server => Kind::Choice,
            Slot::Headers | Slot::Body | Slot::Routes | Slot::Raw => Kind::Area,
            _ => Kind::Line,
        }
    }

    /// What stands before the field.
    pub const fn label(self, purpose: &Purpose) -> &'static str {
        match self {
            Slot::Method if matches!(purpose, Purpose::Answer { .. }) => "Status",
            Slot::Method => "Method",
            Slot::Target => "Target",
            Slot::Account => "From",
            Slot::Server => "Send to",
            Slot::Headers => "Headers",
            Slot::ContentType => "Content type",
            Slot::Body => "Body",
            Slot::Routes => "Route set",
            Slot::ToDisplayName => "To name",
            Slot::To => "To URI",
            Slot::ToTag => "To tag",
            Slot::FromDisplayName => "From name",
            Slot::From => "From URI",
            Slot::FromTag => "From tag",
            Slot::CallId => "Call-ID",
            Slot::CSeq => "CSeq number",
            Slot::Raw => "Raw message",
        }
    }

    /// The field that a mistake in a draft stands in.
    pub(super) const fn of(field: Field) -> Slot {
        match field {
            Field::Method => Slot::Method,
            Field::Target => Slot::Target,
            Field::Server => Slot::Server,
            Field::From => Slot::From,
            Field::FromDisplayName => Slot::FromDisplayName,
            Field::FromTag => Slot::FromTag,
            Field::To => Slot::To,
            Field::ToDisplayName => Slot::ToDisplayName,
            Field::ToTag => Slot::ToTag,
            Field::CallId => Slot::CallId,
            Field::CSeq => Slot::CSeq,
            Field::Routes => Slot::Routes,
            Field::Headers => Slot::Headers,
            Field::ContentType => Slot::ContentType,
            Field::Body => Slot::Body,
        }
    }
}
