//! What is written in the single fields of a [`super::Draft`], read.

use std::{fmt, str::FromStr};

use crate::{
    engine::Account,
    sip::{CSeqNumber, Method, Scheme, StatusCode, Uri, UriBuf, UriProblem, ValueError, secret},
};

pub(super) fn given(text: &str) -> Option<&str> {
    let text = trimmed(text);
    (!text.is_empty()).then_some(text)
}

/// What reads it may drop a line end around it; what the user writes is refused with one.
pub(super) fn on_one_line<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    match text.parse() {
        Ok(_) if text.contains(['\r', '\n']) => {
            Err("it holds a line end, which has no place there".to_owned())
        }
        parsed => parsed.map_err(|error: T::Err| error.to_string()),
    }
}

/// Without the blanks around it; a line end is no blank, and is refused by whatever it stands in.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

pub(super) fn method(text: &str) -> Result<Method, String> {
    let method = trimmed(text).parse::<Method>().map_err(|error| error.to_string())?;
    if matches!(method, Method::Ack | Method::Cancel) {
        return Err(format!(
            "{method} belongs to an INVITE that is under way: sipboard sends it by itself (RFC 3261 §9.1, §13.2.2.4)"
        ));
    }
    Ok(method)
}

/// A request that makes a dialog leaves room for those that follow in it (RFC 3261 §12.2.1.1).
pub(super) fn cseq(text: &str, method: Option<&Method>) -> Result<Option<CSeqNumber>, String> {
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
pub(super) fn status(text: &str) -> Result<(StatusCode, String), String> {
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

pub(super) fn route(text: &str) -> Result<UriBuf, String> {
    uri(text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text))
}

pub(super) fn uri(text: &str) -> Result<UriBuf, String> {
    on_one_line(text).map_err(|error| {
        let is_zoned = Uri::parse(text).is_err_and(|error| error.problem == UriProblem::Zone);
        let way_out = match is_zoned {
            true => "; that of a server can, as in the account's server or --server",
            false => "",
        };
        // What is wrong with it may be what hides its password elsewhere.
        let shown = secret::hide(text, &secret::passwords_in_target(text));
        format!("{shown:?} is not a URI: {error}{way_out}")
    })
}

/// A full URI, `user@host` (taken as `sip:`), or a bare user at the account's domain.
pub(super) fn target(text: &str, account: &Account) -> Result<UriBuf, String> {
    let text = trimmed(text);
    if text.is_empty() {
        return Err(
            "a target is needed: sip:user@host, or a user of the account's domain".to_owned()
        );
    }
    let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        secret::SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known))
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
pub(super) fn of_register(target: UriBuf, record: UriBuf) -> (UriBuf, Option<UriBuf>) {
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

pub(super) fn display_name(text: &str) -> Result<Option<&str>, &'static str> {
    if text.chars().any(char::is_control) {
        Err("a display name cannot hold a line end or another control character")
    } else {
        Ok(given(text))
    }
}

pub(super) fn content_type(text: &str) -> Result<String, String> {
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

pub(super) fn guess_content_type(body: &[u8]) -> &'static str {
    match std::str::from_utf8(body) {
        Ok(text) if text.starts_with("v=0") => "application/sdp",
        Ok(_) => "text/plain",
        Err(_) => "application/octet-stream",
    }
}
