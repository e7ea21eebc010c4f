//! A request as a user writes it, in texts: the composer's fields and the command line's options.
//!
//! [`Draft::submit`] is the door through which both go. It checks every field and names every
//! mistake, each with the field that it stands in.

mod fields;
mod passwords;
#[cfg(test)]
mod tests;

use std::fmt;

pub use passwords::password_in_message;

use fields::{
    content_type, cseq, display_name, given, guess_content_type, method, of_register, on_one_line,
    route, status, target, uri,
};

use crate::{
    engine::{Account, Submission, server_for},
    sip::{Answer, DialogRequest, ExtraHeader, Identity, Method, NewRequest, UriBuf},
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
