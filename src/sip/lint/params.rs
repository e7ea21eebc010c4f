//! Parameters, of headers and of URIs: what each must hold, in one table, and what holds for all.

use std::collections::HashSet;

use super::{Lint, Rule, values::members};
use crate::sip::{
    header::{RetryAfter, digits, grammar},
    message::Header,
    name::HeaderName::{self, *},
    params::Params,
    syntax,
    uri::Uri,
};

/// What a value must be.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A number up to a greatest one.
    Number(u64),
    /// A port that a response can be sent to, or no value at all.
    PortOrNothing,
    Quality,
    Token,
    Quoted,
    TokenOrQuoted,
    /// Tokens with commas between, in quotes.
    QuotedTokens,
    /// Hexadecimal digits in lower case, in quotes.
    QuotedHex,
    /// Eight of those, without quotes.
    Hex8,
    Host,
    Address,
    /// A URI in < and >.
    Angle,
    /// Numbers with dots between.
    Index,
    /// One of two words, in any case.
    Either([&'static str; 2]),
    /// A parameter that has no value.
    Nothing,
}

impl Shape {
    pub(super) fn fits(self, value: Option<&str>) -> bool {
        let Some(value) = value else {
            return matches!(self, Shape::Nothing | Shape::PortOrNothing);
        };
        let number = digits(value.as_bytes());
        match self {
            Shape::Number(max) => number.is_some_and(|n| n <= max),
            Shape::PortOrNothing => number.is_some_and(|port| (1..=65535).contains(&port)),
            Shape::Quality => grammar::qvalue(value).is_some(),
            Shape::Token => syntax::is_token(value),
            Shape::Quoted => grammar::is_quoted(value),
            Shape::TokenOrQuoted => syntax::is_token(value) || grammar::is_quoted(value),
            Shape::QuotedTokens => {
                let is_token = |text| syntax::is_token(syntax::trim(text));
                inner(value).is_some_and(|inner| inner.split(',').all(is_token))
            }
            Shape::QuotedHex => inner(value).is_some_and(grammar::is_lower_hex),
            Shape::Hex8 => value.len() == 8 && grammar::is_lower_hex(value),
            Shape::Host => grammar::is_host(value),
            Shape::Address => is_address(value),
            Shape::Angle => {
                let uri = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
                uri.is_some_and(|uri| Uri::parse(uri).is_ok())
            }
            Shape::Index => value.split('.').all(|part| digits(part.as_bytes()).is_some()),
            Shape::Either(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
            Shape::Nothing => false,
        }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shape::Number(max) => write!(f, "must be a number from 0 to {max}"),
            Shape::PortOrNothing => f.write_str("takes no value, or a port from 1 to 65535"),
            Shape::Quality => {
                f.write_str("must be a number from 0 to 1 with three decimals at most")
            }
            Shape::Token => f.write_str("must be a token (letters, digits and -.!%*_+`'~)"),
            Shape::Quoted => f.write_str("must be a quoted string"),
            Shape::TokenOrQuoted => f.write_str("must be a token or a quoted string"),
            Shape::QuotedTokens => f.write_str("must be tokens in quotes, commas between"),
            Shape::QuotedHex => f.write_str("must be hexadecimal digits in lower case, in quotes"),
            Shape::Hex8 => f.write_str("must be eight hexadecimal digits in lower case, unquoted"),
            Shape::Host => f.write_str("must be a host name or an IP address"),
            Shape::Address => f.write_str("must be an IP address"),
            Shape::Angle => f.write_str("must be a URI in < and >"),
            Shape::Index => f.write_str("must be numbers with dots between"),
            Shape::Either([one, other]) => write!(f, "must be {one} or {other}"),
            Shape::Nothing => f.write_str("takes no value"),
        }
    }
}

/// What stands between the quotes, where there are any.
fn inner(value: &str) -> Option<&str> {
    grammar::is_quoted(value).then(|| &value[1..value.len() - 1])
}

/// An IPv6 address stands there with brackets or without (RFC 5118 §4.5).
fn is_address(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(text).parse::<std::net::IpAddr>().is_ok()
}

/// A parameter that a section defines.
pub(super) struct Known {
    name: &'static str,
    shape: Shape,
    rule: Rule,
    section: &'static str,
}

const fn row(name: &'static str, shape: Shape, section: &'static str) -> Known {
    Known { name, shape, rule: Rule::ParameterValue, section }
}

const fn by_rule(name: &'static str, shape: Shape, rule: Rule) -> Known {
    Known { name, shape, rule, section: rule.section() }
}

/// Seconds, where no section names a bound.
const SECONDS: Shape = Shape::Number(u32::MAX as u64);

static VIA: [Known; 5] = [
    by_rule("branch", Shape::Token, Rule::BranchMalformed),
    row("maddr", Shape::Host, "RFC 3261 §18.1.1"),
    by_rule("received", Shape::Address, Rule::ReceivedInvalid),
    by_rule("rport", Shape::PortOrNothing, Rule::RportInvalid),
    by_rule("ttl", Shape::Number(255), Rule::TtlInvalid),
];
static TAG: [Known; 1] = [by_rule("tag", Shape::Token, Rule::TagMalformed)];
static CONTACT: [Known; 6] = [
    by_rule("q", Shape::Quality, Rule::ContactQ),
    by_rule("expires", SECONDS, Rule::ContactExpires),
    row("+sip.instance", Shape::Quoted, "RFC 5626 §10"),
    row("reg-id", Shape::Number(i32::MAX as u64), "RFC 5626 §10"),
    row("pub-gruu", Shape::Quoted, "RFC 5627 §9"),
    row("temp-gruu", Shape::Quoted, "RFC 5627 §9"),
];
static ACCEPT: [Known; 1] = [row("q", Shape::Quality, "RFC 3261 §20.1")];
static ACCEPT_ENCODING: [Known; 1] = [row("q", Shape::Quality, "RFC 3261 §20.2")];
static ACCEPT_LANGUAGE: [Known; 1] = [row("q", Shape::Quality, "RFC 3261 §20.3")];
static CALL_INFO: [Known; 1] = [row("purpose", Shape::Token, "RFC 3261 §20.9")];
static DISPOSITION: [Known; 1] = [row("handling", Shape::Token, "RFC 3261 §20.11")];
static RETRY_AFTER: [Known; 1] = [row("duration", SECONDS, "RFC 3261 §20.33")];
static EVENT: [Known; 1] = [row("id", Shape::Token, "RFC 6665 §8.2.1")];
static SUBSCRIPTION: [Known; 3] = [
    row("reason", Shape::Token, "RFC 6665 §8.2.3"),
    row("expires", SECONDS, "RFC 6665 §8.2.3"),
    row("retry-after", SECONDS, "RFC 6665 §8.2.3"),
];
static SESSION: [Known; 1] = [row("refresher", Shape::Either(["uac", "uas"]), "RFC 4028 §4")];
static REASON: [Known; 2] = [
    row("cause", Shape::Number(u32::MAX as u64), "RFC 3326 §2"),
    row("text", Shape::Quoted, "RFC 3326 §2"),
];
static REPLACES: [Known; 3] = [
    row("to-tag", Shape::Token, "RFC 3891 §6.1"),
    row("from-tag", Shape::Token, "RFC 3891 §6.1"),
    row("early-only", Shape::Nothing, "RFC 3891 §6.1"),
];
static JOIN: [Known; 2] =
    [row("to-tag", Shape::Token, "RFC 3911 §7.1"), row("from-tag", Shape::Token, "RFC 3911 §7.1")];
static REFERRED_BY: [Known; 1] = [row("cid", Shape::Quoted, "RFC 3892 §3")];
static HISTORY: [Known; 4] = [
    row("index", Shape::Index, "RFC 7044 §5"),
    row("rc", Shape::Index, "RFC 7044 §5"),
    row("mp", Shape::Index, "RFC 7044 §5"),
    row("np", Shape::Index, "RFC 7044 §5"),
];
static IDENTITY: [Known; 3] = [
    row("info", Shape::Angle, "RFC 8224 §4"),
    row("alg", Shape::Token, "RFC 8224 §4"),
    row("ppt", Shape::Token, "RFC 8224 §4"),
];
static DIVERSION: [Known; 2] = [
    row("counter", Shape::Number(99), "RFC 5806 §4"),
    row("limit", Shape::Number(99), "RFC 5806 §4"),
];
static SECURITY: [Known; 1] = [row("q", Shape::Quality, "RFC 3329 §2.2")];

/// The parameters that belong to the header; `None` where it has none at all.
fn of_header(name: HeaderName) -> Option<&'static [Known]> {
    Some(match name {
        Via => &VIA,
        From | To => &TAG,
        HeaderName::Contact => &CONTACT,
        Accept => &ACCEPT,
        AcceptEncoding => &ACCEPT_ENCODING,
        AcceptLanguage => &ACCEPT_LANGUAGE,
        CallInfo => &CALL_INFO,
        ContentDisposition => &DISPOSITION,
        HeaderName::RetryAfter => &RETRY_AFTER,
        Event => &EVENT,
        SubscriptionState => &SUBSCRIPTION,
        SessionExpires => &SESSION,
        Reason => &REASON,
        Replaces => &REPLACES,
        Join => &JOIN,
        ReferredBy => &REFERRED_BY,
        HistoryInfo => &HISTORY,
        Diversion => &DIVERSION,
        Identity => &IDENTITY,
        SecurityClient | SecurityServer | SecurityVerify => &SECURITY,
        AcceptContact | AlertInfo | ContentType | ErrorInfo | MinSe | PAssertedIdentity
        | PPreferredIdentity | Path | RecordRoute | ReferSub | ReferTo | RejectContact
        | ReplyTo | Route | ServiceRoute => &[],
        _ => return None,
    })
}

/// The parameters of a URI that RFC 3261 §19.1.1 and §25.1 define.
static URI_PARAMS: [Known; 6] = [
    uri_row("transport", Shape::Token),
    uri_row("user", Shape::Token),
    uri_row("method", Shape::Token),
    uri_row("ttl", Shape::Number(255)),
    uri_row("maddr", Shape::Host),
    uri_row("lr", Shape::Nothing),
];

const fn uri_row(name: &'static str, shape: Shape) -> Known {
    by_rule(name, shape, Rule::UriParameter)
}

fn find<'k>(known: &'k [Known], name: &str) -> Option<&'k Known> {
    known.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

pub(super) fn look(lint: &mut Lint<'_>) {
    let message = lint.message;
    for header in message.headers() {
        let Some(known) = of_header(header.name) else { continue };
        let Ok(text) = header.text() else { continue };
        for member in members(header.name, text) {
            if let Some(params) = params_of(header.name, member) {
                look_params(lint, header, params, known);
            }
        }
    }
}

/// `;name=value` behind everything that is quoted, in brackets or in a comment.
fn params_of(name: HeaderName, member: &str) -> Option<Params<'_>> {
    if name == HeaderName::RetryAfter
        && let Ok(after) = RetryAfter::parse(member)
    {
        return Some(after.params);
    }
    let first = match name {
        // A Call-ID may hold quotes and brackets that never close, and no semicolon.
        Replaces | Join => member.find(';')?,
        _ => syntax::find_outside(member, 0, b';')?,
    };
    Some(Params::new(&member[first..]))
}

/// Each semicolon that no parameter follows, and what stands behind it.
fn strays(params: Params<'_>) -> impl Iterator<Item = &str> {
    std::iter::successors(params.stray_semicolon(), |stray| {
        Params::new(syntax::trim_start(&stray[1..])).stray_semicolon()
    })
}

fn look_params(lint: &mut Lint<'_>, header: Header<'_>, params: Params<'_>, known: &[Known]) {
    for stray in strays(params) {
        let rule = match header.name {
            Via => Rule::ViaSeparators,
            _ => Rule::EmptyParameter,
        };
        lint.part(rule, header, stray, "no parameter follows this semicolon");
    }
    let mut names = HashSet::new();
    for (name, value) in params.iter() {
        let blamed = value.unwrap_or(name);
        match find(known, name) {
            Some(known) if !known.shape.fits(value) => {
                let within = blamed.as_ptr() as usize - header.value.as_ptr() as usize;
                let text = wrong(name, value, known.shape);
                lint.header_by(known.section, known.rule, header, within, text);
            }
            Some(_) => {}
            // RFC 3261 §25.1: gen-value = token / host / quoted-string; m-parameter has a value.
            None => {
                let fits = match value {
                    Some(value) => grammar::is_gen_value(value),
                    None => header.name != ContentType,
                };
                if !syntax::is_token(name) || !fits {
                    let text = "a parameter is name=value with a token, host or quoted text";
                    lint.part(
                        Rule::ParameterMalformed,
                        header,
                        name,
                        format_args!("{name}: {text}"),
                    );
                }
            }
        }
        if !names.insert(name.to_ascii_lowercase()) {
            let text = format_args!("the parameter {name} stands there more than once");
            lint.part(Rule::ParameterRepeated, header, name, text);
        }
    }
}

/// What is wrong with a value that has not the shape that it must have.
pub(super) fn wrong(name: &str, value: Option<&str>, shape: Shape) -> String {
    match value {
        None => format!("{name} {shape}, and has no value here"),
        Some("") => format!("{name} {shape}, and is empty here"),
        Some(value) => format!("{name} {shape}, not {value}"),
    }
}

/// Looks at the parameters of a URI; `sip` says whether they are those of RFC 3261, else they are
/// those of a `tel:` URI.
pub(super) fn look_uri_params(
    params: Params<'_>,
    sip: bool,
    mut find_fault: impl FnMut(Rule, &'static str, &str, String),
) {
    let section = match sip {
        true => Rule::UriParameter.section(),
        false => "RFC 3966 §3",
    };
    for stray in strays(params) {
        let text = "no parameter follows this semicolon".to_owned();
        find_fault(Rule::EmptyParameter, section, stray, text);
    }
    let mut names = HashSet::new();
    for (name, value) in params.iter() {
        let fault = match find(&URI_PARAMS, name).filter(|_| sip) {
            Some(known) if known.shape.fits(value) => None,
            Some(known) => Some(wrong(name, value, known.shape)),
            None if name.is_empty() => Some("a parameter begins with its name".to_owned()),
            None if value == Some("") => Some(format!("the parameter {name} is empty")),
            None if value.is_some_and(|value| value.contains('=')) => {
                Some(format!("a second = in the parameter {name} must be escaped"))
            }
            None => None,
        };
        if let Some(text) = fault {
            let is_there = |value: &&str| !value.is_empty() && !name.is_empty();
            let blamed = value.filter(is_there).unwrap_or(name);
            find_fault(Rule::UriParameter, section, blamed, text);
        }
        if !names.insert(name.to_ascii_lowercase()) {
            let text = format!("the parameter {name} stands there more than once");
            find_fault(Rule::ParameterRepeated, section, name, text);
        }
    }
}
