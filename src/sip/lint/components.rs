//! Which parts a URI may have where it stands (RFC 3261 §19.1.1, Table 1).

use super::{Lint, Rule};
use crate::sip::{
    message::Header,
    name::HeaderName::{From, RecordRoute, Route, To},
    uri::{Scheme, Uri},
};

/// Looks at a URI that stands at `offset` of the message: in that header, or in the request line.
pub(super) fn look(lint: &mut Lint<'_>, uri: Uri<'_>, offset: usize, header: Option<Header<'_>>) {
    if let Scheme::Other(_) = uri.scheme() {
        return;
    }
    let name = header.map(|header| header.name);
    let forbidden: &[&str] = match name {
        None => &["method"],
        Some(To | From) => &["transport", "method", "lr", "maddr", "ttl"],
        Some(Route | RecordRoute) => &["method", "ttl"],
        _ => return,
    };
    let place = name.map_or("a Request-URI".to_owned(), |name| format!("the URI of {name}"));
    let text = uri.as_str();
    let start = |part: &str| offset + (part.as_ptr() as usize - text.as_ptr() as usize);
    for (param, _) in uri.params().iter() {
        if forbidden.iter().any(|name| param.eq_ignore_ascii_case(name)) {
            let message = format_args!("the parameter {param} has no place in {place}");
            lint.push(
                Rule::UriComponent.section(),
                Rule::UriComponent,
                header,
                start(param),
                message,
            );
        }
    }
    // The headers of a Request-URI have a rule of their own.
    if name.is_some() && !uri.headers().is_empty() {
        let message = format_args!("headers have no place in {place}");
        let at = start(uri.headers()) - 1;
        lint.push(Rule::UriComponent.section(), Rule::UriComponent, header, at, message);
    }
    if matches!(name, Some(To | From)) && uri.port().is_some() {
        let message = format_args!("{place} is to have no port");
        let at = start(uri.host()) + uri.host().len();
        lint.push(Rule::UriPort.section(), Rule::UriPort, header, at, message);
    }
}
