//! A request as a user writes it, in texts: the composer's fields and the command line's options.
//!
//! [`Draft::submit`] is the door through which both go. It checks every field and names every
//! mistake, each with the field that it stands in.

use std::{fmt, str::FromStr};

use crate::{
    engine::{Account, Submission, server_for},
    sip::{
        Answer, CSeqNumber, DialogRequest, ExtraHeader, Identity, Method, NewRequest, Scheme,
        StatusCode, Uri, UriBuf, ValueError,
    },
    transport::ServerUri,
};

/// The texts of a request that is being written. Empty means «not given».
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The method.
    pub method: String,
    /// The target: a URI, `user@host`, or a bare user at the account's domain.
    pub target: String,
    /// The server, where the account's first is not wanted.
    pub server: String,
    /// The From URI, where the account's user and host are not wanted.
    pub from: String,
    /// The From display name, where the account's is not wanted.
    pub from_display_name: String,
    /// The From tag.
    pub from_tag: String,
    /// The To URI, where the target's user and host are not wanted.
    pub to: String,
    /// The To display name.
    pub to_display_name: String,
    /// The To tag.
    pub to_tag: String,
    /// The Call-ID.
    pub call_id: String,
    /// The CSeq number.
    pub cseq: String,
    /// The route set, one URI each.
    pub routes: Vec<String>,
    /// Extra headers, one `Name: value` each; empty lines are passed over.
    pub headers: Vec<String>,
    /// The Content-Type; where there is a body and no type is given, the body's look decides.
    pub content_type: String,
    /// The body, which need not be text.
    pub body: Vec<u8>,
}

/// A field of a [`Draft`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The method.
    Method,
    /// The target.
    Target,
    /// The server.
    Server,
    /// The From URI.
    From,
    /// The From display name.
    FromDisplayName,
    /// The From tag.
    FromTag,
    /// The To URI.
    To,
    /// The To display name.
    ToDisplayName,
    /// The To tag.
    ToTag,
    /// The Call-ID.
    CallId,
    /// The CSeq number.
    CSeq,
    /// The route set.
    Routes,
    /// The extra headers.
    Headers,
    /// The content type.
    ContentType,
    /// The body.
    Body,
}

/// One mistake in a [`Draft`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DraftError {
    /// Where it stands.
    pub field: Field,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Draft {
    /// Checks everything and makes the request.
    ///
    /// # Errors
    ///
    /// Every mistake, in the order of the fields.
    pub fn submit(&self, account: &Account) -> Result<Submission, Vec<DraftError>> {
        let mut errors = Errors::default();
        let method = errors.keep(Field::Method, method(&self.method));
        let target = errors.keep(Field::Target, target(&self.target, account));
        let server = errors.keep(Field::Server, given(&self.server).map(on_one_line).transpose());
        let from = errors.keep(Field::From, given(&self.from).map(uri).transpose());
        let from_name = errors.keep(Field::FromDisplayName, display_name(&self.from_display_name));
        let from_tag =
            errors.keep(Field::FromTag, given(&self.from_tag).map(str::parse).transpose());
        let to = errors.keep(Field::To, given(&self.to).map(uri).transpose());
        let to_name = errors.keep(Field::ToDisplayName, display_name(&self.to_display_name));
        let to_tag = errors.keep(Field::ToTag, given(&self.to_tag).map(str::parse).transpose());
        let call_id = errors.keep(Field::CallId, given(&self.call_id).map(str::parse).transpose());
        let cseq = errors.keep(Field::CSeq, cseq(&self.cseq, method.as_ref()));
        let routes = self.routes.iter().filter_map(|route| given(route));
        let route_set = routes.filter_map(|text| errors.keep(Field::Routes, route(text))).collect();
        let (headers, content_type) = self.content(&mut errors);
        if !errors.0.is_empty() {
            return Err(errors.0);
        }
        let make = || {
            let (from, mut request_uri, mut to) = (from?, target?, to?);
            if method == Some(Method::Register) && to.is_none() {
                let record = from.clone().unwrap_or_else(|| account.uri.to_identity());
                (request_uri, to) = of_register(request_uri, record);
            }
            let account_name = if from.is_none() { &*account.display_name } else { "" };
            let request = NewRequest {
                method: method?,
                from: Identity {
                    display_name: from_name?.unwrap_or(account_name).to_owned(),
                    uri: from.unwrap_or_else(|| account.uri.to_identity()),
                },
                from_tag: from_tag?,
                to: Identity {
                    display_name: to_name?.unwrap_or_default().to_owned(),
                    uri: to.unwrap_or_else(|| request_uri.to_identity()),
                },
                to_tag: to_tag?,
                request_uri,
                call_id: call_id?,
                cseq: cseq?,
                branch: None,
                route_set,
                headers,
                content_type,
                body: self.body.clone().into(),
                credentials: account.credentials.clone(),
                profile: Some(account.profile.clone()),
            };
            Some(Submission {
                server: server?
                    .or_else(|| server_for(&account.servers, &request.request_uri).cloned()),
                request,
                password_command: account.password_command.clone(),
                flow: account.flow.clone(),
            })
        };
        Ok(make().expect("a field without a value has an error"))
    }

    /// Checks what a request in a dialog has of its own, and makes it.
    ///
    /// # Errors
    ///
    /// Every mistake, in the order of the fields.
    pub fn in_dialog(&self) -> Result<DialogRequest, Vec<DraftError>> {
        let mut errors = Errors::default();
        let method = errors.keep(Field::Method, method(&self.method));
        let (headers, content_type) = self.content(&mut errors);
        let body = self.body.clone().into();
        match method.filter(|_| errors.0.is_empty()) {
            Some(method) => {
                Ok(DialogRequest { headers, content_type, body, ..DialogRequest::new(method) })
            }
            None => Err(errors.0),
        }
    }

    /// Checks an answer to a request of the peer, and makes it. Its status and reason phrase stand
    /// in `method`.
    ///
    /// # Errors
    ///
    /// Every mistake, in the order of the fields.
    pub fn answer(&self) -> Result<Answer, Vec<DraftError>> {
        let mut errors = Errors::default();
        let status = errors.keep(Field::Method, status(&self.method));
        let (headers, content_type) = self.content(&mut errors);
        let body = self.body.clone().into();
        match status.filter(|_| errors.0.is_empty()) {
            Some((status, reason)) => Ok(Answer { status, reason, headers, content_type, body }),
            None => Err(errors.0),
        }
    }

    /// The headers and the content type.
    fn content(&self, errors: &mut Errors) -> (Vec<ExtraHeader>, Option<String>) {
        let mut headers: Vec<ExtraHeader> = Vec::new();
        for line in self.headers.iter().filter_map(|line| given(line)) {
            let header = errors.keep(Field::Headers, on_one_line::<ExtraHeader>(line));
            let Some(header) = header else { continue };
            if errors.keep(Field::Headers, header.check_beside(&headers)).is_some() {
                headers.push(header);
            }
        }
        let named = given(&self.content_type).map(content_type).transpose();
        let named = errors.keep(Field::ContentType, named).flatten();
        let guess = || (!self.body.is_empty()).then(|| guess_content_type(&self.body).to_owned());
        (headers, named.or_else(guess))
    }
}

/// The server that a request names itself: by its first Route, or by its Request-URI (RFC 3261
/// §8.1.2).
///
/// # Errors
///
/// A sentence where neither names a server.
pub fn next_hop(route: Option<&UriBuf>, request_uri: Option<&UriBuf>) -> Result<ServerUri, String> {
    let (uri, place) = match (route, request_uri) {
        (Some(route), _) => (route, "first Route"),
        (None, Some(uri)) => (uri, "Request-URI"),
        (None, None) => {
            return Err("no server is named, and no URI in these bytes names one".to_owned());
        }
    };
    ServerUri::from_uri(&uri.as_uri())
        .map_err(|error| format!("no server is named, and the {place} names none: {error}"))
}

/// Whether a server may be the next hop of a request with that first Route and Request-URI: each hop
/// towards a `sips` URI is secured, of a Route too (RFC 3261 §26.2.2, §8.1.2).
///
/// # Errors
///
/// A sentence that names the URI and the server which does not fit it.
pub fn secured(
    route: Option<&UriBuf>,
    request_uri: &UriBuf,
    server: &ServerUri,
) -> Result<(), String> {
    let sips = [route, Some(request_uri)].into_iter().flatten().find(|uri| uri.as_uri().is_sips());
    match sips {
        Some(sips) if !server.transport.is_secure() => Err(format!(
            "{sips} must go over TLS (RFC 3261 §26.2.2), and {server} is not encrypted: name a sips: or wss:// server, or a sip: URI"
        )),
        _ => Ok(()),
    }
}

/// What is wrong with a draft.
#[derive(Default)]
struct Errors(Vec<DraftError>);

impl Errors {
    /// The value of a field; where it has none, why is kept.
    fn keep<T, E: fmt::Display>(&mut self, field: Field, result: Result<T, E>) -> Option<T> {
        let message = |error: E| DraftError { field, message: error.to_string() };
        result.map_err(|error| self.0.push(message(error))).ok()
    }
}

fn given(text: &str) -> Option<&str> {
    let text = trimmed(text);
    (!text.is_empty()).then_some(text)
}

/// What reads it may drop a line end around it; what the user writes is refused with one.
fn on_one_line<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    match text.parse() {
        Ok(_) if text.contains(['\r', '\n']) => {
            Err("it holds a line end, which has no place there".to_owned())
        }
        parsed => parsed.map_err(|error: T::Err| error.to_string()),
    }
}

/// Without the blanks around it; a line end is no blank, and is refused by whatever it stands in.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn method(text: &str) -> Result<Method, String> {
    let method = trimmed(text).parse::<Method>().map_err(|error| error.to_string())?;
    if matches!(method, Method::Ack | Method::Cancel) {
        return Err(format!(
            "{method} belongs to an INVITE that is under way: sipboard sends it by itself (RFC 3261 §9.1, §13.2.2.4)"
        ));
    }
    Ok(method)
}

/// A request that makes a dialog leaves room for those that follow in it (RFC 3261 §12.2.1.1).
fn cseq(text: &str, method: Option<&Method>) -> Result<Option<CSeqNumber>, String> {
    let Some(text) = given(text) else { return Ok(None) };
    let number: CSeqNumber = text.parse().map_err(|error: ValueError| error.to_string())?;
    match method {
        Some(method @ (Method::Invite | Method::Subscribe | Method::Refer))
            if number.number() > MAX_DIALOG_CSEQ =>
        {
            Err(format!(
                "{text:?} leaves no room for the requests that follow in the dialog of the {method}, such as {}: write a number from 0 to {MAX_DIALOG_CSEQ} (RFC 3261 §12.2.1.1)",
                if *method == Method::Invite { "its BYE" } else { "the SUBSCRIBE that ends it" }
            ))
        }
        _ => Ok(Some(number)),
    }
}

/// The highest CSeq number that a dialog begins with.
const MAX_DIALOG_CSEQ: u32 = i32::MAX as u32 - 1000;

/// `486 Busy Here`, or the code alone.
fn status(text: &str) -> Result<(StatusCode, String), String> {
    let text = text.trim();
    let (code, reason) = text.split_once(' ').unwrap_or((text, ""));
    let reason = reason.trim();
    if reason.chars().any(char::is_control) {
        return Err("a reason phrase cannot hold a control character".to_owned());
    }
    code.parse()
        .ok()
        .and_then(StatusCode::new)
        .map(|code| (code, reason.to_owned()))
        .ok_or_else(|| format!("{text:?} is not a status: write a code from 100 to 699 and, if you like, a reason phrase, such as 486 Busy Here"))
}

fn route(text: &str) -> Result<UriBuf, String> {
    uri(text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text))
}

fn uri(text: &str) -> Result<UriBuf, String> {
    on_one_line(text).map_err(|error| format!("{text:?} is not a URI: {error}"))
}

/// A full URI, `user@host` (taken as `sip:`), or a bare user at the account's domain.
fn target(text: &str, account: &Account) -> Result<UriBuf, String> {
    let text = trimmed(text);
    if text.is_empty() {
        return Err(
            "a target is needed: sip:user@host, or a user of the account's domain".to_owned()
        );
    }
    let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        ["sip", "sips", "tel", "urn", "mailto"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
            || (!rest.contains('@') && !scheme.contains('@') && rest.parse::<u16>().is_err())
    });
    if has_scheme {
        let parsed = uri(text)?;
        if let Scheme::Sip | Scheme::Sips = parsed.as_uri().scheme()
            && !parsed.as_uri().headers().is_empty()
        {
            return Err(format!(
                "{text:?} has ?headers, which a Request-URI cannot hold (RFC 3261 §19.1.1): add them as headers"
            ));
        }
        return Ok(parsed);
    }
    if text.contains('@') || text.contains('.') || text.contains(':') {
        return uri(&format!("sip:{text}"));
    }
    let domain = account.uri.as_uri();
    let scheme = if domain.is_sips() { "sips" } else { "sip" };
    let domain: Uri<'_> = domain;
    uri(&format!("{scheme}:{text}@{}", domain.host()))
}

/// The Request-URI and the To of a REGISTER whose To is not given (RFC 3261 §10.2): the domain,
/// without userinfo, and the address of record. That is the target where it names a user, else the
/// identity that the REGISTER is from.
fn of_register(target: UriBuf, record: UriBuf) -> (UriBuf, Option<UriBuf>) {
    let uri = target.as_uri();
    if let Scheme::Other(_) = uri.scheme() {
        return (target, None);
    }
    if uri.user().is_none() {
        return (target, Some(record));
    }
    let domain = target.as_str().split_once('@').map(|(_, rest)| {
        let scheme = if uri.is_sips() { "sips" } else { "sip" };
        format!("{scheme}:{rest}").parse()
    });
    match domain {
        Some(Ok(domain)) => (domain, Some(target.to_identity())),
        Some(Err(_)) | None => (target, None),
    }
}

fn display_name(text: &str) -> Result<Option<&str>, &'static str> {
    if text.chars().any(char::is_control) {
        Err("a display name cannot hold a line end or another control character")
    } else {
        Ok(given(text))
    }
}

fn content_type(text: &str) -> Result<String, String> {
    let media = text.split(';').next().unwrap_or("");
    let good = media.split_once('/').is_some_and(|(kind, subtype)| {
        kind.trim().parse::<Method>().is_ok() && subtype.trim().parse::<Method>().is_ok()
    }) && !text.chars().any(char::is_control);
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a content type: write type/subtype, such as application/sdp"))
    }
}

fn guess_content_type(body: &[u8]) -> &'static str {
    match std::str::from_utf8(body) {
        Ok(text) if text.starts_with("v=0") => "application/sdp",
        Ok(_) => "text/plain",
        Err(_) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            display_name: "Alice".into(),
            servers: vec!["ws://127.0.0.1:5066".parse().unwrap()],
            ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
        }
    }

    #[test]
    fn a_bare_user_is_at_the_accounts_domain() {
        for (text, expected) in [
            ("ring", "sip:ring@demo.test"),
            ("ring@b.test", "sip:ring@b.test"),
            ("b.test", "sip:b.test"),
            ("127.0.0.1:5070", "sip:127.0.0.1:5070"),
            ("localhost:5070", "sip:localhost:5070"),
            ("sips:x@b.test", "sips:x@b.test"),
            ("tel:+1555", "tel:+1555"),
            ("bob@h:5070", "sip:bob@h:5070"),
        ] {
            let draft = Draft { method: "OPTIONS".into(), target: text.into(), ..Draft::default() };
            let submission = draft.submit(&account()).unwrap();
            assert_eq!(submission.request.request_uri.as_str(), expected, "{text}");
            assert_eq!(submission.request.from.display_name, "Alice");
        }
    }

    #[test]
    fn from_and_to_name_somebody_and_not_the_way_there_unless_they_are_written_so() {
        let account =
            Account { uri: "sip:alice@demo.test:5080;transport=tcp".parse().unwrap(), ..account() };
        let target = "sip:bob@127.0.0.1:5070;transport=tcp;user=phone";
        let draft = Draft { method: "OPTIONS".into(), target: target.into(), ..Draft::default() };
        let request = draft.submit(&account).unwrap().request;
        assert_eq!(request.request_uri.as_str(), target);
        assert_eq!(request.to.uri.as_str(), "sip:bob@127.0.0.1;user=phone");
        assert_eq!(request.from.uri.as_str(), "sip:alice@demo.test");
        let (from, to) = ("sip:a@a.test:5080", "sip:b@b.test:5070;transport=tcp");
        let draft = Draft { from: from.into(), to: to.into(), ..draft };
        let request = draft.submit(&account).unwrap().request;
        assert_eq!((request.from.uri.as_str(), request.to.uri.as_str()), (from, to));
    }

    #[test]
    fn a_register_is_for_an_address_of_record_at_its_domain() {
        for (target, to, from, request_uri, expected) in [
            ("sip:demo.test", "", "", "sip:demo.test", "sip:alice@demo.test"),
            ("demo.test", "", "sip:bob@b.test", "sip:demo.test", "sip:bob@b.test"),
            ("bob", "", "", "sip:demo.test", "sip:bob@demo.test"),
            ("sips:bob:pw@b.test", "", "", "sips:b.test", "sips:bob:pw@b.test"),
            // Who writes the To means the Request-URI as it is written.
            ("sip:bob@b.test", "sip:x@c.test", "", "sip:bob@b.test", "sip:x@c.test"),
            ("tel:+1555", "", "", "tel:+1555", "tel:+1555"),
        ] {
            let draft = Draft {
                method: "REGISTER".into(),
                target: target.into(),
                to: to.into(),
                from: from.into(),
                ..Draft::default()
            };
            let request = draft.submit(&account()).unwrap().request;
            let written = (request.request_uri.as_str(), request.to.uri.as_str());
            assert_eq!(written, (request_uri, expected), "{target}");
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_field() {
        let draft = Draft {
            method: "IN VITE".into(),
            target: String::new(),
            server: "http://x".into(),
            from_tag: "a b".into(),
            cseq: "2147483648".into(),
            headers: vec!["Subject".into(), "Via: x".into()],
            content_type: "sdp".into(),
            ..Draft::default()
        };
        let fields: Vec<_> =
            draft.submit(&account()).unwrap_err().iter().map(|e| e.field).collect();
        assert_eq!(
            fields,
            [
                Field::Method,
                Field::Target,
                Field::Server,
                Field::FromTag,
                Field::CSeq,
                Field::Headers,
                Field::Headers,
                Field::ContentType
            ]
        );
    }

    #[test]
    fn a_line_end_is_refused_wherever_it_stands() {
        let right = Draft { method: "OPTIONS".into(), target: "ring".into(), ..Draft::default() };
        type Wrong = (Field, fn(&mut Draft));
        let wrong: [Wrong; 8] = [
            (Field::Method, |draft| draft.method = "OPTIONS\r\n".into()),
            (Field::Target, |draft| draft.target = "sip:b@b.test\n".into()),
            (Field::Server, |draft| draft.server = "sip:b.test\r".into()),
            (Field::From, |draft| draft.from = "\nsip:a@a.test".into()),
            (Field::ToTag, |draft| draft.to_tag = "x\n".into()),
            (Field::CSeq, |draft| draft.cseq = "1\r\n".into()),
            (Field::Routes, |draft| draft.routes = vec!["<sip:p.test;lr>\n".into()]),
            (Field::Headers, |draft| draft.headers = vec!["X-A: b\r\n".into()]),
        ];
        for (field, change) in wrong {
            let mut draft = right.clone();
            change(&mut draft);
            let fields: Vec<Field> =
                draft.submit(&account()).unwrap_err().iter().map(|error| error.field).collect();
            assert_eq!(fields, [field]);
        }
        assert!(right.submit(&account()).is_ok());
    }

    #[test]
    fn ack_and_cancel_are_not_sent_by_hand() {
        let draft = Draft { method: "CANCEL".into(), target: "ring".into(), ..Draft::default() };
        assert_eq!(draft.submit(&account()).unwrap_err()[0].field, Field::Method);
    }

    #[test]
    fn the_look_of_a_body_decides_its_type_where_none_is_given() {
        let cases: [(&[u8], Option<&str>); 4] = [
            (b"", None),
            (b"v=0\r\n", Some("application/sdp")),
            ("gr\u{fc}\u{df}e".as_bytes(), Some("text/plain")),
            (b"v=0\xff\0", Some("application/octet-stream")),
        ];
        for (body, expected) in cases {
            let draft = Draft {
                method: "MESSAGE".into(),
                target: "ring".into(),
                body: body.into(),
                ..Draft::default()
            };
            let request = draft.submit(&account()).unwrap().request;
            assert_eq!((request.content_type.as_deref(), &*request.body), (expected, body));
        }
    }
}
