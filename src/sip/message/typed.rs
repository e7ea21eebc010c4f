//! What is read of a message by type: the headers that make a transaction and a dialog.

use crate::sip::{
    header::{self, CSeq, HeaderError, HeaderProblem, NameAddr, Via, fail},
    message::{Message, Start},
    name::HeaderName,
    syntax,
};

/// What a transaction must have to act on a message (RFC 3261 §8.1.1).
#[derive(Clone, Copy, Debug)]
pub struct Essentials<'a> {
    /// The top Via.
    pub via: Via<'a>,
    /// From.
    pub from: NameAddr<'a>,
    /// To.
    pub to: NameAddr<'a>,
    /// Call-ID, as written; it compares byte for byte.
    pub call_id: &'a str,
    /// CSeq.
    pub cseq: CSeq<'a>,
}

impl Essentials<'_> {
    pub(super) const NAMES: [HeaderName; 5] =
        [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
}

impl Message {
    /// The top Via.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn via(&self) -> Result<Via<'_>, HeaderError> {
        Via::parse(syntax::first_member(self.required(HeaderName::Via)?))
    }

    /// From.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(HeaderName::From, self.required(HeaderName::From)?)
    }

    /// To.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(HeaderName::To, self.required(HeaderName::To)?)
    }

    /// CSeq.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        CSeq::parse(self.required(HeaderName::CSeq)?)
    }

    /// Call-ID, as written.
    ///
    /// # Errors
    ///
    /// Where it is missing, empty or not UTF-8.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        not_empty(HeaderName::CallId, self.required(HeaderName::CallId)?)
    }

    /// The first Contact.
    ///
    /// # Errors
    ///
    /// Where it is missing or cannot be read.
    pub fn contact(&self) -> Result<NameAddr<'_>, HeaderError> {
        let value = self.required(HeaderName::Contact)?;
        NameAddr::parse(HeaderName::Contact, syntax::first_member(value))
    }

    /// Whether every Via is written as the grammar has it. [`Message::via`] passes over a stray
    /// semicolon, and over what stands behind the first member.
    ///
    /// # Errors
    ///
    /// Where one is not.
    pub fn check_vias(&self) -> Result<(), HeaderError> {
        self.all(HeaderName::Via).try_for_each(|header| {
            let text = header.text()?;
            header::check(HeaderName::Via, text)?;
            let stray = syntax::comma_list(text).find_map(|member| {
                let at = Via::parse(member).ok()?.params().stray_semicolon()?;
                Some(at.as_ptr() as usize - text.as_ptr() as usize)
            });
            stray.map_or(Ok(()), |at| fail(HeaderName::Via, HeaderProblem::StraySemicolon, at))
        })
    }

    /// What a transaction needs of any message: the gate between what can be shown and what can
    /// be acted on.
    ///
    /// # Errors
    ///
    /// [`Message::defect`], or the first header that is missing, cannot be read, or stands there
    /// twice though only one of it can count (RFC 3261 §7.3.1).
    pub fn essentials(&self) -> Result<Essentials<'_>, HeaderError> {
        match self.defect {
            Some(defect) => Err(defect),
            None => self.transaction_parts(),
        }
    }

    /// [`Message::essentials`], wherever the message ends: what a transaction is found by, and what
    /// an answer of 400 is made from (RFC 3261 §18.3).
    ///
    /// # Errors
    ///
    /// As [`Message::essentials`], but for [`Message::defect`].
    #[inline]
    pub fn transaction_parts(&self) -> Result<Essentials<'_>, HeaderError> {
        if let Start::BadStatus { .. } = self.start {
            return fail(HeaderName::Malformed, HeaderProblem::BadToken, 0);
        }
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            if self.repeats(name) {
                return fail(name, HeaderProblem::Repeated, 0);
            }
        }
        // One look at the part of the head that they share, where it is short, spares a look at
        // each value.
        let (first, end) = self.extent(&Essentials::NAMES);
        let shared = self.bytes.get(first..end).filter(|shared| shared.len() <= SHORT_HEAD);
        let shared = shared.and_then(|shared| std::str::from_utf8(shared).ok());
        let text = |name| match (shared, self.field(name)) {
            (Some(shared), Some(field)) => {
                let value = field.value.range();
                Ok(&shared[value.start - first..value.end - first])
            }
            _ => self.required(name),
        };
        Ok(Essentials {
            via: Via::parse(syntax::first_member(text(HeaderName::Via)?))?,
            from: NameAddr::parse(HeaderName::From, text(HeaderName::From)?)?,
            to: NameAddr::parse(HeaderName::To, text(HeaderName::To)?)?,
            call_id: not_empty(HeaderName::CallId, text(HeaderName::CallId)?)?,
            cseq: CSeq::parse(text(HeaderName::CSeq)?)?,
        })
    }

    /// From the first byte of the first of these values to the end of the last.
    fn extent(&self, names: &[HeaderName]) -> (usize, usize) {
        names.iter().filter_map(|name| self.field(*name)).fold((usize::MAX, 0), |extent, field| {
            let value = field.value.range();
            (extent.0.min(value.start), extent.1.max(value.end))
        })
    }
}

/// In bytes; most heads are shorter, and no more is looked at in vain.
const SHORT_HEAD: usize = 4096;

fn not_empty(name: HeaderName, text: &str) -> Result<&str, HeaderError> {
    if text.is_empty() { fail(name, HeaderProblem::Empty, 0) } else { Ok(text) }
}
