//! Header values: whether they can be read as what they are, and their parameters.

use std::collections::HashSet;

use super::{Lint, Rule};
use crate::sip::{
    header::{Date, HeaderError, HeaderProblem, check, tokens},
    message::Header,
    name::HeaderName::{self, *},
    params::Params,
    syntax,
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let message = lint.message;
    let is_signed = message.header(Identity).is_some();
    for header in message.headers() {
        // A value that is not UTF-8 has a finding of its own; where it is essential, it cannot be
        // read either.
        let text = match header.text() {
            Ok(text) => text,
            Err(error) => {
                if is_essential(header.name) {
                    unreadable(lint, header, error);
                }
                continue;
            }
        };
        match header.name {
            // They have rules of their own.
            ContentLength | MaxForwards => {}
            Date => look_date(lint, header, text, is_signed),
            CallId => {
                if let Err(error) = check(CallId, text) {
                    match error.problem {
                        HeaderProblem::Empty => unreadable(lint, header, error),
                        _ => lint.header(
                            Rule::CallIdMalformed,
                            header,
                            0,
                            "a Call-ID is a word, or two with an @ between",
                        ),
                    }
                }
            }
            name => {
                if let Err(error) = check(name, text) {
                    unreadable(lint, header, error);
                }
            }
        }
        if matches!(header.name, Require | ProxyRequire) {
            look_option_tags(lint, header, text);
        }
        if has_params(header.name) {
            for member in members(header.name, text) {
                let within = member.as_ptr() as usize - text.as_ptr() as usize;
                look_params(lint, header, member, within);
            }
        }
    }
}

/// The members of a list; the whole value of any other header.
pub(super) fn members(name: HeaderName, text: &str) -> impl Iterator<Item = &str> {
    let (list, single) = match name.is_list() {
        true => (Some(syntax::comma_list(text)), None),
        false => (None, Some(syntax::trim(text))),
    };
    list.into_iter().flatten().chain(single).filter(|member| !member.is_empty())
}

/// RFC 3261 §8.1.1 and §17.2.3: what a transaction, a dialog or a binding is made of must be read
/// before anything can be done.
fn is_essential(name: HeaderName) -> bool {
    matches!(name, Via | From | To | CallId | CSeq | Contact | Route | RecordRoute)
}

fn unreadable(lint: &mut Lint<'_>, header: Header<'_>, error: HeaderError) {
    let rule = match header.name {
        Via if error.problem == HeaderProblem::EmptyMember => Rule::ViaSeparators,
        name if is_essential(name) => Rule::EssentialUnreadable,
        _ => Rule::HeaderUnreadable,
    };
    lint.header(rule, header, error.offset, error.problem.to_string());
}

/// The option tags of the RFCs, as the registry lists them.
const OPTION_TAGS: [&str; 36] = [
    "100rel",
    "199",
    "answermode",
    "early-session",
    "eventlist",
    "explicitsub",
    "from-change",
    "geolocation-http",
    "geolocation-sip",
    "gin",
    "gruu",
    "histinfo",
    "ice",
    "join",
    "multiple-refer",
    "norefersub",
    "nosub",
    "outbound",
    "path",
    "policy",
    "precondition",
    "pref",
    "privacy",
    "recipient-list-invite",
    "recipient-list-message",
    "recipient-list-subscribe",
    "record-aware",
    "replaces",
    "resource-priority",
    "sdp-anat",
    "sec-agree",
    "siprec",
    "tdialog",
    "timer",
    "trickle-ice",
    "uui",
];

fn look_option_tags(lint: &mut Lint<'_>, header: Header<'_>, text: &str) {
    for tag in tokens(header.name, text).flatten() {
        if !OPTION_TAGS.iter().any(|known| known.eq_ignore_ascii_case(tag)) {
            let within = tag.as_ptr() as usize - text.as_ptr() as usize;
            lint.header(
                Rule::OptionTagUnknown,
                header,
                within,
                format_args!("{tag} is in no RFC; who does not know it answers 420"),
            );
        }
    }
}

/// The farthest that an honest clock is away.
const DATE_TOLERANCE: u64 = 10 * 60;
/// RFC 8224 §6.2.3 advises 60 seconds.
const IDENTITY_TOLERANCE: u64 = 60;

fn look_date(lint: &mut Lint<'_>, header: Header<'_>, text: &str, is_signed: bool) {
    let Ok(date) = Date::parse(text) else {
        lint.header(
            Rule::DateInvalid,
            header,
            0,
            "a Date looks like Sat, 13 Nov 2010 23:29:00 GMT, and is always GMT",
        );
        return;
    };
    if !date.weekday_agrees() {
        lint.header(Rule::DateWeekday, header, 0, "that day has another weekday");
    }
    let Some(now) = lint.options.now else { return };
    let away = now.abs_diff(date.unix_seconds());
    if is_signed && away > IDENTITY_TOLERANCE {
        lint.header(
            Rule::IdentityStale,
            header,
            0,
            format_args!("the request is signed, and its Date is {away} s away from now"),
        );
    } else if away > DATE_TOLERANCE {
        lint.header(
            Rule::DateExpired,
            header,
            0,
            format_args!("the Date is {away} s away from now"),
        );
    }
}

fn has_params(name: HeaderName) -> bool {
    matches!(
        name,
        Accept
            | AcceptContact
            | AlertInfo
            | CallInfo
            | Contact
            | ContentDisposition
            | ContentType
            | Event
            | From
            | HistoryInfo
            | MinSe
            | PAssertedIdentity
            | Path
            | Reason
            | RecordRoute
            | ReferTo
            | ReferredBy
            | Replaces
            | ReplyTo
            | RetryAfter
            | Route
            | ServiceRoute
            | SessionExpires
            | SubscriptionState
            | To
            | Via
    )
}

/// `;name=value` behind everything that is quoted or in brackets.
fn look_params(lint: &mut Lint<'_>, header: Header<'_>, member: &str, within: usize) {
    let Some(first) = syntax::find_outside(member, 0, b';') else { return };
    let text = &member[first..];
    let within = within + first;
    let params = Params::new(text);
    if let Some(stray) = params.stray_semicolon() {
        let rule = match header.name {
            Via => Rule::ViaSeparators,
            _ => Rule::EmptyParameter,
        };
        lint.part(rule, header, stray, HeaderProblem::StraySemicolon);
    }
    let mut names = HashSet::new();
    for (name, value) in params.iter() {
        let at = within + (name.as_ptr() as usize - text.as_ptr() as usize);
        // A tag has a rule of its own.
        let tag = matches!(header.name, From | To) && name.eq_ignore_ascii_case("tag");
        let value = value.filter(|_| !tag);
        if !syntax::is_token(name) || !value.is_none_or(is_param_value) {
            lint.header(
                Rule::ParameterMalformed,
                header,
                at,
                format_args!(
                    "the parameter {name} is not name=value with a token, host or quoted text"
                ),
            );
        }
        if !names.insert(name.to_ascii_lowercase()) {
            lint.header(
                Rule::ParameterRepeated,
                header,
                at,
                format_args!("the parameter {name} stands there more than once"),
            );
        }
    }
}

/// RFC 3261 §25.1: `gen-value = token / host / quoted-string`; Replaces and others hold more of
/// what a word can.
fn is_param_value(value: &str) -> bool {
    if value.starts_with('"') {
        return syntax::quoted_end(value, 0) == Some(value.len());
    }
    !value.is_empty()
        && value.bytes().all(|b| syntax::is_token_byte(b) || b"[]:@/<>?&=$()".contains(&b))
}
