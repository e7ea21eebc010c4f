//! Challenges and credentials (RFC 3261 §22.4, RFC 7616 §3.3 to §3.5, RFC 8760).

use std::collections::HashSet;

use super::{
    Lint, Rule,
    params::{Shape, wrong},
};
use crate::sip::{
    header::{AuthParams, Credentials, challenges},
    message::Header,
    name::HeaderName::{
        AuthenticationInfo, Authorization, ProxyAuthenticate, ProxyAuthenticationInfo,
        ProxyAuthorization, WwwAuthenticate,
    },
    syntax,
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let message = lint.message;
    // Read once, however many credentials there are.
    let request_uri = message.request_uri();
    for name in [WwwAuthenticate, ProxyAuthenticate] {
        for header in message.all(name) {
            let Ok(text) = header.text() else { continue };
            if text.is_empty() {
                let text = "a scheme and its parameters should stand here";
                lint.header(Rule::HeaderUnreadable, header, 0, text);
            }
            for challenge in challenges(name, text).flatten() {
                let params = challenge.params();
                if !challenge.is_digest() {
                    look_other(lint, header, params);
                    continue;
                }
                let missing = ["realm", "nonce"].map(|name| (name, params.value(name).is_none()));
                for (name, _) in missing.iter().filter(|(_, is_missing)| *is_missing) {
                    let text = format_args!("a Digest challenge must have {name}");
                    lint.part(Rule::ChallengeIncomplete, header, challenge.scheme(), text);
                }
                look_params(lint, header, params, &CHALLENGE);
            }
        }
    }
    for name in [Authorization, ProxyAuthorization] {
        for header in message.all(name) {
            let Ok(text) = header.text() else { continue };
            match Credentials::parse(name, text) {
                Ok(credentials) if credentials.is_digest() => {
                    look_digest(lint, header, credentials.params(), request_uri);
                }
                Ok(credentials) => look_other(lint, header, credentials.params()),
                Err(_) => {}
            }
        }
    }
    for name in [AuthenticationInfo, ProxyAuthenticationInfo] {
        for header in message.all(name) {
            let Ok(text) = header.text() else { continue };
            look_params(lint, header, AuthParams::new(text), &INFO);
        }
    }
}

/// The parameters of a challenge, of credentials, or of what follows them, and their section.
struct Known {
    section: &'static str,
    params: &'static [(&'static str, Shape)],
}

/// What RFC 3261 §25.1 quotes, and RFC 7616 says must be quoted; and what must not be.
static CHALLENGE: Known = Known {
    section: "RFC 7616 §3.3",
    params: &[
        ("realm", Shape::Quoted),
        ("domain", Shape::Quoted),
        ("nonce", Shape::Quoted),
        ("opaque", Shape::Quoted),
        ("stale", Shape::Either(["true", "false"])),
        ("algorithm", Shape::Token),
        ("qop", Shape::QuotedTokens),
    ],
};
static CREDENTIALS: Known = Known {
    section: "RFC 7616 §3.4",
    params: &[
        ("username", Shape::Quoted),
        ("realm", Shape::Quoted),
        ("nonce", Shape::Quoted),
        ("uri", Shape::Quoted),
        ("response", Shape::QuotedHex),
        ("algorithm", Shape::Token),
        ("cnonce", Shape::Quoted),
        ("opaque", Shape::Quoted),
        ("qop", Shape::Token),
        ("nc", Shape::Hex8),
    ],
};
static INFO: Known = Known {
    section: "RFC 7616 §3.5",
    params: &[
        ("nextnonce", Shape::Quoted),
        ("qop", Shape::Token),
        ("rspauth", Shape::QuotedHex),
        ("cnonce", Shape::Quoted),
        ("nc", Shape::Hex8),
    ],
};
/// A scheme of which nothing is known.
static OTHER: Known = Known { section: "RFC 3261 §25.1", params: &[] };

fn look_other(lint: &mut Lint<'_>, header: Header<'_>, params: AuthParams<'_>) {
    // RFC 9110 §11.2: in place of parameters there may be one token68.
    let text = params.as_str();
    let is_one = text
        .trim_end_matches('=')
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    if !is_one {
        look_params(lint, header, params, &OTHER);
    }
}

fn look_params(lint: &mut Lint<'_>, header: Header<'_>, params: AuthParams<'_>, known: &Known) {
    let mut names = HashSet::new();
    for member in params.members() {
        if member.is_empty() && params.as_str().is_empty() {
            break;
        }
        let Some((name, value)) = member.split_once('=') else {
            let what = match member {
                "" => "a parameter should stand here, between the commas",
                _ => "a parameter is name=value",
            };
            lint.part(Rule::AuthParameter, header, member, what);
            continue;
        };
        let (name, value) = (syntax::trim(name), syntax::trim(value));
        let shape = known.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (shape, section) = match shape {
            Some((_, shape)) => (*shape, known.section),
            None => (Shape::TokenOrQuoted, OTHER.section),
        };
        let within = |part: &str| part.as_ptr() as usize - header.value.as_ptr() as usize;
        if !syntax::is_token(name) {
            let text = format_args!("the name of a parameter is a token, not {name}");
            lint.part(Rule::AuthParameter, header, name, text);
        } else if let Some(surplus) = surplus(value) {
            let text = format_args!("a comma is missing behind the value of {name}");
            lint.part(Rule::AuthParameter, header, surplus, text);
        } else if !shape.fits(Some(value)) {
            let text = wrong(name, Some(value), shape);
            lint.header_by(section, Rule::AuthParameter, header, within(value), text);
        }
        if !names.insert(name.to_ascii_lowercase()) {
            let text = format_args!("the parameter {name} stands there more than once");
            let section = "RFC 9110 §11.2";
            lint.header_by(section, Rule::ParameterRepeated, header, within(name), text);
        }
    }
}

/// What stands behind the quoted string or token that a value begins with.
fn surplus(value: &str) -> Option<&str> {
    let end = match value.starts_with('"') {
        true => syntax::quoted_end(value, 0)?,
        false => value.bytes().position(syntax::is_lws)?,
    };
    Some(syntax::trim_start(&value[end..])).filter(|rest| !rest.is_empty())
}

fn look_digest(
    lint: &mut Lint<'_>,
    header: Header<'_>,
    params: AuthParams<'_>,
    request_uri: Option<&str>,
) {
    let has = |name| params.value(name).is_some();
    for name in ["username", "realm", "nonce", "uri", "response"] {
        // RFC 7616 §3.4 has username* in place of username.
        let is_there = has(name) || (name == "username" && has("username*"));
        if !is_there {
            let text = format_args!("Digest credentials must have {name}");
            lint.header(Rule::CredentialsIncomplete, header, 0, text);
        }
    }
    let algorithm = params.unquoted("algorithm").unwrap_or("MD5".into());
    // RFC 2617 §3.2.2.2: MD5-sess takes a cnonce even where there is no qop.
    let is_session = algorithm.to_ascii_lowercase().ends_with("-sess");
    for (name, needs) in [("qop", "cnonce"), ("qop", "nc"), ("nc", "qop"), ("cnonce", "qop")] {
        if has(name) && !has(needs) && !(name == "cnonce" && is_session) {
            let text = format_args!("{name} stands there, so {needs} must as well");
            let section = CREDENTIALS.section;
            lint.header_by(section, Rule::CredentialsIncomplete, header, 0, text);
        }
    }
    look_params(lint, header, params, &CREDENTIALS);
    if let Some(response) =
        params.value("response").filter(|text| Shape::QuotedHex.fits(Some(text)))
        && let Some(length) = response_length(&algorithm)
        && response.len() - 2 != length
    {
        let text = format_args!("a response of {algorithm} has {length} digits");
        let within = response.as_ptr() as usize - header.value.as_ptr() as usize;
        lint.header_by("RFC 8760 §2.2", Rule::AuthParameter, header, within, text);
    }
    if let (Some(uri), Some(request_uri)) = (params.value("uri"), request_uri)
        && syntax::unquote(uri) != request_uri
    {
        lint.part(
            Rule::CredentialsUri,
            header,
            uri,
            "the uri that was signed is not the Request-URI",
        );
    }
}

/// How many digits a response has, where that is known.
fn response_length(algorithm: &str) -> Option<usize> {
    let algorithm = algorithm.to_ascii_lowercase();
    match algorithm.strip_suffix("-sess").unwrap_or(&algorithm) {
        "md5" | "akav1-md5" | "akav2-md5" => Some(32),
        "sha-256" | "sha-512-256" => Some(64),
        _ => None,
    }
}
