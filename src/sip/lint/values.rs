//! Header values: whether they can be read as what they are.

use super::{Lint, Rule};
use crate::sip::{
    header::{Date, HeaderError, HeaderProblem, check, date_has_case, tokens},
    message::Header,
    name::HeaderName::{self, *},
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
        // The parameters' own rules say more.
        _ if matches!(error.problem, HeaderProblem::BadParam(_)) => return,
        Via if error.problem == HeaderProblem::EmptyMember => Rule::ViaSeparators,
        name if is_essential(name) => Rule::EssentialUnreadable,
        _ => Rule::HeaderUnreadable,
    };
    match error.problem {
        HeaderProblem::BadProtocol => {
            let section = "RFC 3261 §8.1.1.7";
            lint.header_by(section, rule, header, error.offset, error.problem);
        }
        // The host of a Via stands in no URI.
        HeaderProblem::BadUri(uri) if header.name == Via => {
            lint.header(rule, header, error.offset, uri.problem);
        }
        problem => lint.header(rule, header, error.offset, problem),
    }
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
    if !date_has_case(text) {
        let text = "a Date is case-sensitive: Sat, 13 Nov 2010 23:29:00 GMT";
        lint.header(Rule::DateCase, header, 0, text);
    }
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
