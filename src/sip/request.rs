//! What the user asks to be sent, checked at the door: nothing invalid goes further.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::sip::{
    auth::Credentials, header::CSeq, method::Method, name::HeaderName, random::Branch,
    registration::Profile, syntax, uri::UriBuf,
};

/// One request as the user wants it (SIP.js's `send` options).
///
/// What is `None` is filled in when it is sent: a fresh Call-ID, From tag and CSeq.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// The method.
    pub method: Method,
    /// The Request-URI.
    pub request_uri: UriBuf,
    /// From, without its tag.
    pub from: Identity,
    /// The From tag.
    pub from_tag: Option<Token>,
    /// To, without its tag.
    pub to: Identity,
    /// The To tag.
    pub to_tag: Option<Token>,
    /// The Call-ID.
    pub call_id: Option<CallId>,
    /// The CSeq number, at most [`CSeq::MAX`].
    pub cseq: Option<CSeqNumber>,
    /// The branch of its first transaction, where one was made ahead (RFC 3261 §8.1.1.7). One that
    /// is in use is not taken.
    pub branch: Option<Branch>,
    /// A preloaded route set, in order.
    pub route_set: Vec<UriBuf>,
    /// Further headers, in order, after the ones that every request has.
    pub headers: Vec<ExtraHeader>,
    /// The Content-Type; needed where there is a body.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// What answers a challenge.
    pub credentials: Option<Arc<[Credentials]>>,
    /// The account that it is sent for; what is not given above may come from there.
    pub profile: Option<Arc<Profile>>,
}

impl NewRequest {
    /// A request with nothing but what it must have. To is who the Request-URI names.
    pub fn new(method: Method, request_uri: UriBuf, from: Identity) -> NewRequest {
        let to = Identity { display_name: String::new(), uri: request_uri.to_identity() };
        NewRequest {
            method,
            request_uri,
            from,
            from_tag: None,
            to,
            to_tag: None,
            call_id: None,
            cseq: None,
            branch: None,
            route_set: Vec::new(),
            headers: Vec::new(),
            content_type: None,
            body: Bytes::new(),
            credentials: None,
            profile: None,
        }
    }
}

/// A request that the user wants sent in the dialog of a leg: the dialog gives it everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogRequest {
    /// The method.
    pub method: Method,
    /// Further headers, in order.
    pub headers: Vec<ExtraHeader>,
    /// The Content-Type; needed where there is a body.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// The branch that was made ahead for it; one that is in use is not taken.
    pub branch: Option<Branch>,
}

impl DialogRequest {
    /// A request with nothing but what it must have.
    pub fn new(method: Method) -> DialogRequest {
        let (headers, content_type, body) = (Vec::new(), None, Bytes::new());
        DialogRequest { method, headers, content_type, body, branch: None }
    }
}

/// A display name and a URI: From or To without a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The display name; empty for none. Free text, quoted when it is written.
    pub display_name: String,
    /// The URI.
    pub uri: UriBuf,
}

impl Identity {
    /// As in a From or To with that tag.
    pub(crate) fn with_tag(&self, tag: Option<&Token>) -> Box<str> {
        let (before, tag) = tag.map_or(("", ""), |tag| (";tag=", tag.as_str()));
        let (name, space) = match self.display_name.is_empty() {
            true => (String::new(), ""),
            false => (syntax::quote(&self.display_name), " "),
        };
        [&*name, space, "<", self.uri.as_str(), ">", before, tag].concat().into()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_tag(None))
    }
}

/// Why a value of a [`NewRequest`] is refused. Says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A tag is a token.
    #[error(
        "{0:?} is not a tag: a tag is a token of letters, digits and -.!%*_+`'~ (RFC 3261 §19.3)"
    )]
    Tag(String),
    /// A Call-ID is a word, or two with an @ between.
    #[error("{0:?} is not a Call-ID: write word or word@word, without spaces (RFC 3261 §20.8)")]
    CallId(String),
    /// A CSeq number is less than 2^31.
    #[error("{0:?} is not a CSeq number: write a number from 0 to 2147483647 (RFC 3261 §8.1.1.5)")]
    CSeq(String),
    /// A header line has a name, a colon and a value.
    #[error("{0:?} is not a header: write Name: value")]
    Header(String),
    /// A name is a token.
    #[error(
        "{0:?} is not a header name: a name is a token of letters, digits and -.!%*_+`'~ (RFC 3261 §7.3.1)"
    )]
    HeaderName(String),
    /// A line end in a value would begin another header.
    #[error(
        "the value of {0} holds a line end or another control character, which a header cannot hold"
    )]
    HeaderValue(String),
    /// A hop count is a number.
    #[error("{0:?} is not a value of Max-Forwards: write a number from 0 to 255 (RFC 3261 §20.22)")]
    MaxForwards(String),
    /// A header that a message has once.
    #[error(
        "{0} is given twice, and a message has it only once (RFC 3261 §7.3.1): keep one of them, or write the message byte for byte"
    )]
    Repeated(HeaderName),
    /// A header that this program writes itself.
    #[error("{name} is written by sipboard; {instead}")]
    Reserved {
        /// The header.
        name: HeaderName,
        /// What to do instead.
        instead: &'static str,
    },
}

/// A token, such as a tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token(Box<str>);

impl Token {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Token {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Token, ValueError> {
        if syntax::is_token(text) {
            Ok(Token(text.into()))
        } else {
            Err(ValueError::Tag(text.to_owned()))
        }
    }
}

/// A Call-ID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallId(Box<str>);

impl CallId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CallId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<CallId, ValueError> {
        // RFC 3261 §25.1: callid = word [ "@" word ].
        let word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| syntax::is_token_byte(b) || b"()<>:\\\"/[]?{}".contains(&b))
        };
        let good = match text.split_once('@') {
            Some((left, right)) => word(left) && word(right),
            None => word(text),
        };
        if good { Ok(CallId(text.into())) } else { Err(ValueError::CallId(text.to_owned())) }
    }
}

/// A CSeq number, at most [`CSeq::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CSeqNumber(u32);

impl CSeqNumber {
    /// The number, where it is in range.
    pub fn new(number: u32) -> Option<CSeqNumber> {
        (number <= CSeq::MAX).then_some(CSeqNumber(number))
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl std::str::FromStr for CSeqNumber {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<CSeqNumber, ValueError> {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten()
            .and_then(CSeqNumber::new)
            .ok_or_else(|| ValueError::CSeq(text.to_owned()))
    }
}

/// A header that the user adds: a token and a value without line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraHeader {
    name: String,
    value: String,
}

impl ExtraHeader {
    /// Checks a name and a value.
    ///
    /// # Errors
    ///
    /// A name that is no token, a value with a control character, a Max-Forwards that is no number, or a header that has an option
    /// of its own (Via, From, To, Call-ID, CSeq, Route, Content-Type) or is counted
    /// (Content-Length).
    pub fn new(name: &str, value: &str) -> Result<ExtraHeader, ValueError> {
        let (name, value) = (name.trim(), value.trim());
        if !syntax::is_token(name) {
            return Err(ValueError::HeaderName(name.to_owned()));
        }
        if value.bytes().any(|b| (b < b' ' && b != b'\t') || b == 0x7f) {
            return Err(ValueError::HeaderValue(name.to_owned()));
        }
        let known = HeaderName::from_bytes(name.as_bytes());
        // RFC 3261 §20.22.
        if known == HeaderName::MaxForwards
            && !(value.bytes().all(|b| b.is_ascii_digit()) && value.parse::<u8>().is_ok())
        {
            return Err(ValueError::MaxForwards(value.to_owned()));
        }
        let instead = match known {
            HeaderName::Via => "its branch and address belong to the transaction",
            HeaderName::From => "set the From URI, display name or tag instead",
            HeaderName::To => "set the To URI, display name or tag instead",
            HeaderName::CallId => "set the Call-ID itself instead",
            HeaderName::CSeq => "set the CSeq number instead",
            HeaderName::Route => "set the route set instead",
            HeaderName::ContentLength => "it is counted from the body",
            HeaderName::ContentType => "set the content type instead",
            _ => return Ok(ExtraHeader { name: name.to_owned(), value: value.to_owned() }),
        };
        Err(ValueError::Reserved { name: known, instead })
    }

    /// The name as the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it may stand behind these: whatever is no list stands there once (RFC 3261 §7.3.1).
    ///
    /// # Errors
    ///
    /// Where one of them has its name, and it is no list.
    pub fn check_beside(&self, others: &[ExtraHeader]) -> Result<(), ValueError> {
        let name = HeaderName::from_bytes(self.name.as_bytes());
        match !name.is_list() && others.iter().any(|other| other.is_named(name)) {
            true => Err(ValueError::Repeated(name)),
            false => Ok(()),
        }
    }

    /// Whether both have one name, in any case or compact form.
    pub(crate) fn has_name_of(&self, other: &ExtraHeader) -> bool {
        match HeaderName::from_bytes(self.name.as_bytes()) {
            HeaderName::Extension => self.name.eq_ignore_ascii_case(&other.name),
            known => other.is_named(known),
        }
    }

    /// Whether it is that header, in any case or compact form.
    pub(crate) fn is_named(&self, name: HeaderName) -> bool {
        HeaderName::from_bytes(self.name.as_bytes()) == name
    }
}

impl std::str::FromStr for ExtraHeader {
    type Err = ValueError;

    fn from_str(line: &str) -> Result<ExtraHeader, ValueError> {
        match line.split_once(':') {
            Some((name, value)) => ExtraHeader::new(name, value),
            None => Err(ValueError::Header(line.to_owned())),
        }
    }
}

/// The options of a cancel (SIP.js's `cancel`), sent as `Reason` (RFC 3326).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelOptions {
    /// From 200 to 699; anything else is refused.
    pub status_code: Option<u16>,
    /// The text; where it is missing, the status code's own.
    pub reason_phrase: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_and_the_refusal_says_what_would_be_right() {
        assert!("a b".parse::<Token>().unwrap_err().to_string().contains("§19.3"));
        assert!("".parse::<CallId>().is_err());
        assert!("a@b@c".parse::<CallId>().is_err());
        assert_eq!("a<b>@c".parse::<CallId>().unwrap().as_str(), "a<b>@c");
        assert_eq!("2147483647".parse::<CSeqNumber>().unwrap().number(), CSeq::MAX);
        assert!("2147483648".parse::<CSeqNumber>().is_err());
        assert!("".parse::<CSeqNumber>().is_err());
        assert!("Subject: a\r\nX: b".parse::<ExtraHeader>().is_err());
        assert!("Sub ject: a".parse::<ExtraHeader>().is_err());
        assert!("l: 5".parse::<ExtraHeader>().unwrap_err().to_string().contains("Content-Length"));
        let header: ExtraHeader = "X-Tab:a\tb ".parse().unwrap();
        assert_eq!((header.name(), header.value()), ("X-Tab", "a\tb"));
    }

    #[test]
    fn what_is_no_list_stands_there_once_under_any_of_its_names() {
        let header = |line: &str| line.parse::<ExtraHeader>().unwrap();
        for (one, other) in [
            ("Max-Forwards: 7", "max-forwards: 7"),
            ("s: x", "Subject: y"),
            ("Event: presence", "o: dialog"),
            ("Refer-To: <sip:a>", "r: <sip:b>"),
            ("Session-Expires: 90", "x: 90"),
            ("Privacy: id", "Privacy: user"),
        ] {
            let refused = header(other).check_beside(&[header("X: y"), header(one)]).unwrap_err();
            let name = HeaderName::from_bytes(one.split_once(':').unwrap().0.as_bytes());
            assert_eq!(refused, ValueError::Repeated(name));
            assert!(refused.to_string().starts_with(name.as_str()), "{refused}");
        }
        for line in
            ["Supported: timer", "Contact: <sip:a>", "X-Mine: 1", "Authorization: Digest a=b"]
        {
            assert_eq!(header(line).check_beside(&[header(line)]), Ok(()), "{line}");
        }
    }

    #[test]
    fn display_names_are_quoted() {
        let identity = Identity { display_name: "A \"B\"".into(), uri: "sip:a@b".parse().unwrap() };
        assert_eq!(identity.to_string(), r#""A \"B\"" <sip:a@b>"#);
    }
}
