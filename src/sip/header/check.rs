//! [`check`]: whether a header value can be read as what its name says it is.

use crate::sip::{
    header::{
        CSeq, Contact, Credentials, Date, Event, HeaderError, HeaderProblem, MediaType, NameAddr,
        RAck, ReasonValue, Replaces, RetryAfter, SessionExpires, SubscriptionState, Via, Warning,
        challenges, event::token_and_params, fail, grammar, number, tokens,
    },
    name::HeaderName as H,
    syntax,
};

/// Reads a whole value, every member of a list, as the type that belongs to `name`. Headers
/// without a type of their own are texts, and any text will do.
///
/// # Errors
///
/// The first thing that is wrong, with its offset.
pub fn check(name: H, value: &str) -> Result<(), HeaderError> {
    match name {
        H::Via => each(name, value, |member| Via::parse(member).map(drop)),
        H::Contact => each(name, value, |member| Contact::parse(member).map(drop)),
        H::From | H::To | H::ReferTo | H::ReferredBy | H::ReplyTo => {
            NameAddr::parse(name, value).map(drop)
        }
        H::Route
        | H::RecordRoute
        | H::Path
        | H::ServiceRoute
        | H::PAssertedIdentity
        | H::PPreferredIdentity
        | H::Diversion
        | H::HistoryInfo => each(name, value, |member| NameAddr::parse(name, member).map(drop)),
        H::CSeq => CSeq::parse(value).map(drop),
        H::CallId => call_id(name, value),
        H::InReplyTo => call_ids(name, value),
        H::ContentLength | H::MaxForwards | H::Expires | H::MinExpires | H::RSeq | H::FlowTimer => {
            number(name, value).map(drop)
        }
        H::RAck => RAck::parse(value).map(drop),
        H::SessionExpires | H::MinSe => SessionExpires::parse(name, value).map(drop),
        H::ContentType => MediaType::parse(value).map(drop),
        H::Date => Date::parse(value).map(drop),
        H::Event => event_type(name, Event::parse(value)?.package, 0),
        H::AllowEvents => each(name, value, |member| event_type(name, member, 0)),
        H::SubscriptionState => SubscriptionState::parse(value).map(drop),
        // RFC 3911 §7.1 gives Join the parts of Replaces.
        H::Replaces | H::Join => match Replaces::parse(value) {
            Ok(_) => Ok(()),
            Err(error) => Err(HeaderError { name, ..error }),
        },
        H::AlertInfo | H::CallInfo | H::ErrorInfo => {
            each(name, value, |member| match member.starts_with('<') {
                true => NameAddr::parse(name, member).map(drop),
                false => fail(name, HeaderProblem::NoAngle, 0),
            })
        }
        H::MimeVersion => version(name, value),
        H::Priority | H::SipEtag | H::SipIfMatch => token(name, value, 0),
        H::Privacy => semicolons(name, value),
        H::Timestamp => timestamp(name, value),
        H::RetryAfter => RetryAfter::parse(value).map(drop),
        H::Reason => each(name, value, |member| ReasonValue::parse(member).map(drop)),
        H::Warning => each(name, value, warning),
        H::WwwAuthenticate | H::ProxyAuthenticate => {
            challenges(name, value).try_for_each(|challenge| challenge.map(drop))
        }
        H::AuthenticationInfo | H::ProxyAuthenticationInfo if syntax::trim(value).is_empty() => {
            fail(name, HeaderProblem::Empty, value.len())
        }
        H::Authorization | H::ProxyAuthorization => Credentials::parse(name, value).map(drop),
        // RFC 3261 §25.1: these two may be empty, the others name one at least.
        H::Supported | H::Allow => tokens(name, value).try_for_each(|token| token.map(drop)),
        H::Require
        | H::ProxyRequire
        | H::Unsupported
        | H::ContentEncoding
        | H::RequestDisposition => each(name, value, |member| token(name, member, 0)),
        H::ContentLanguage => each(name, value, |member| language(name, member)),
        H::Accept | H::AcceptEncoding | H::AcceptLanguage => match syntax::trim(value) {
            "" => Ok(()),
            _ => each(name, value, |member| accepted(name, member)),
        },
        H::ContentDisposition | H::ReferSub => token_and_params(name, value).map(drop),
        H::SecurityClient | H::SecurityServer | H::SecurityVerify => {
            each(name, value, |member| token_and_params(name, member).map(drop))
        }
        H::AcceptContact | H::RejectContact => each(name, value, |member| star(name, member)),
        H::Server | H::UserAgent => products(name, value),
        _ => Ok(()),
    }
}

fn call_id(name: H, value: &str) -> Result<(), HeaderError> {
    match syntax::trim(value) {
        "" => fail(name, HeaderProblem::Empty, 0),
        text if syntax::is_call_id(text) => Ok(()),
        _ => fail(name, HeaderProblem::BadToken, 0),
    }
}

/// A Call-ID may hold quotes and brackets that never close, and no comma.
fn call_ids(name: H, value: &str) -> Result<(), HeaderError> {
    value.split(',').try_for_each(|member| {
        let member = syntax::trim(member);
        let offset = member.as_ptr() as usize - value.as_ptr() as usize;
        call_id(name, member)
            .map_err(|error| HeaderError { offset: offset + error.offset, ..error })
    })
}

fn token(name: H, text: &str, offset: usize) -> Result<(), HeaderError> {
    match syntax::trim(text) {
        "" => fail(name, HeaderProblem::Empty, offset),
        text if syntax::is_token(text) => Ok(()),
        _ => fail(name, HeaderProblem::BadToken, offset),
    }
}

/// Fails at `offset` unless `is` so.
fn expect(is: bool, name: H, what: &'static str, offset: usize) -> Result<(), HeaderError> {
    if is { Ok(()) } else { fail(name, HeaderProblem::Expected(what), offset) }
}

fn event_type(name: H, text: &str, offset: usize) -> Result<(), HeaderError> {
    token(name, text, offset)?;
    expect(grammar::is_event_type(text), name, "an event package such as presence.winfo", offset)
}

fn language(name: H, text: &str) -> Result<(), HeaderError> {
    expect(grammar::is_language(text), name, "a language such as en or en-GB", 0)
}

/// What Accept and its kin list, without the parameters behind it.
fn accepted(name: H, member: &str) -> Result<(), HeaderError> {
    let end = memchr::memchr(b';', member.as_bytes()).unwrap_or(member.len());
    match (name, syntax::trim(&member[..end])) {
        (H::Accept, range) => {
            expect(grammar::is_media_range(range), name, "a range such as text/plain or */*", 0)
        }
        (H::AcceptLanguage, "*") => Ok(()),
        (H::AcceptLanguage, range) => language(name, range),
        (_, coding) => token(name, coding, 0),
    }
}

/// `"*" *( SEMI ac-params )` (RFC 3841 §9.2).
fn star(name: H, member: &str) -> Result<(), HeaderError> {
    let end = memchr::memchr(b';', member.as_bytes()).unwrap_or(member.len());
    expect(syntax::trim(&member[..end]) == "*", name, "a * with parameters", 0)
}

/// `warn-agent = hostport / pseudonym`.
fn warning(member: &str) -> Result<(), HeaderError> {
    let agent = Warning::parse(member)?.agent;
    let is_agent = syntax::is_token(agent) || grammar::is_host_port(agent);
    let offset = agent.as_ptr() as usize - member.as_ptr() as usize;
    expect(is_agent, H::Warning, "a host with or without a port, or a pseudonym", offset)
}

fn products(name: H, value: &str) -> Result<(), HeaderError> {
    match grammar::products(value) {
        Ok(()) => Ok(()),
        Err(_) if syntax::trim(value).is_empty() => fail(name, HeaderProblem::Empty, 0),
        Err(at) => expect(false, name, "a product such as name/1.0, or a comment in ( and ),", at),
    }
}

/// Tokens with semicolons between (RFC 3323 §4.2).
fn semicolons(name: H, value: &str) -> Result<(), HeaderError> {
    value.split(';').try_for_each(|part| {
        let part = syntax::trim(part);
        token(name, part, part.as_ptr() as usize - value.as_ptr() as usize)
    })
}

/// `1*DIGIT "." 1*DIGIT` (RFC 3261 §20.24).
fn version(name: H, value: &str) -> Result<(), HeaderError> {
    let parts = syntax::trim(value).split_once('.');
    let good = parts.is_some_and(|(major, minor)| {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number(major) && is_number(minor)
    });
    if good { Ok(()) } else { fail(name, HeaderProblem::BadVersion, 0) }
}

/// `1*DIGIT [ "." *DIGIT ] [ LWS delay ]`, and `delay = *DIGIT [ "." *DIGIT ]` (RFC 3261 §20.38).
fn timestamp(name: H, value: &str) -> Result<(), HeaderError> {
    let text = syntax::trim(value);
    let end = text.bytes().position(syntax::is_lws).unwrap_or(text.len());
    let (time, delay) = (&text[..end], syntax::trim_start(&text[end..]));
    let is_decimal = |text: &str| {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit())
    };
    if !time.starts_with(|c: char| c.is_ascii_digit()) || !is_decimal(time) {
        return fail(name, HeaderProblem::BadTimestamp, 0);
    }
    if !is_decimal(delay) {
        return fail(name, HeaderProblem::BadTimestamp, text.len() - delay.len());
    }
    Ok(())
}

fn each(
    name: H,
    value: &str,
    parse: impl Fn(&str) -> Result<(), HeaderError>,
) -> Result<(), HeaderError> {
    if syntax::trim(value).is_empty() {
        return fail(name, HeaderProblem::Empty, value.len());
    }
    for member in syntax::comma_list(value) {
        let offset = member.as_ptr() as usize - value.as_ptr() as usize;
        let offset = offset.min(value.len());
        if member.is_empty() {
            return fail(name, HeaderProblem::EmptyMember, offset);
        }
        if let Err(error) = parse(member) {
            // RFC 3261 §20: a comma in a URI outside < and > ends the member, and then the rest
            // is none.
            return Err(HeaderError { offset: offset + error.offset, ..error });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_is_read_and_the_offset_is_in_the_whole_value() {
        assert_eq!(check(H::Via, "SIP/2.0/UDP a , SIP/2.0/TCP b;branch=1"), Ok(()));
        let error = check(H::Via, "SIP/2.0/UDP a, SIP/2.0 b").unwrap_err();
        assert_eq!((error.problem, error.offset), (HeaderProblem::BadProtocol, 15));
        let error = check(H::Contact, "<sip:a@b>,,<sip:c@d>").unwrap_err();
        assert_eq!((error.problem, error.offset), (HeaderProblem::EmptyMember, 10));
    }

    #[test]
    fn texts_are_always_right() {
        for name in [H::Subject, H::Extension, H::Organization] {
            assert_eq!(check(name, ";;,,;,; \"(<"), Ok(()));
        }
    }

    #[test]
    fn every_typed_header_refuses_what_it_cannot_read() {
        for (name, bad) in [
            (H::From, "sip:a@b?x=y"),
            (H::CallId, "a b"),
            (H::InReplyTo, "a@b, c d"),
            (H::Expires, "soon"),
            (H::RAck, "1"),
            (H::MinSe, "-90"),
            (H::ContentType, "sdp"),
            (H::Date, "today"),
            (H::Event, ""),
            (H::SubscriptionState, "active;expires=x"),
            (H::Replaces, "a@b"),
            (H::RetryAfter, "x"),
            (H::Reason, "SIP;cause=x"),
            (H::Warning, "1 a b"),
            (H::WwwAuthenticate, "Digest realm=\"x"),
            (H::Authorization, ""),
            (H::Require, "a b"),
            (H::Accept, "a/b/c"),
            (H::Route, "<sip:a@b"),
            (H::AlertInfo, "http://a.test/ring.pcm"),
            (H::AlertInfo, "<urn:alert:x>, <>"),
            (H::CallInfo, "icon"),
            (H::Diversion, "<sip:a@b>, reason"),
            (H::Join, "a@b;from-tag=1"),
            (H::MimeVersion, "1"),
            (H::MimeVersion, "1.0 x"),
            (H::MimeVersion, "1."),
            (H::Priority, "very urgent"),
            (H::Priority, ""),
            (H::Privacy, "id, user"),
            (H::Privacy, "id;;user"),
            (H::Timestamp, "now"),
            (H::Timestamp, ".5"),
            (H::Timestamp, "5 x"),
            (H::Timestamp, "5.1.2"),
            (H::Require, ""),
            (H::ProxyRequire, " "),
            (H::Unsupported, ""),
            (H::AllowEvents, ""),
            (H::AllowEvents, "presence, a..b"),
            (H::Event, "presence."),
            (H::ContentEncoding, ""),
            (H::ContentDisposition, ""),
            (H::ContentDisposition, ";handling=optional"),
            (H::ContentDisposition, "a b"),
            (H::ContentLanguage, ""),
            (H::ContentLanguage, "1 2"),
            (H::Accept, "text"),
            (H::Accept, "*/sdp"),
            (H::AcceptEncoding, "a b"),
            (H::AcceptLanguage, "12345678901"),
            (H::SipEtag, "a b"),
            (H::SipIfMatch, ""),
            (H::AcceptContact, "audio"),
            (H::RejectContact, ""),
            (H::SecurityClient, ";x"),
            (H::ReferSub, ""),
            (H::RequestDisposition, "proxy recurse"),
            (H::Server, ""),
            (H::UserAgent, "/x"),
            (H::UserAgent, "a (unclosed"),
            (H::Warning, "307 a@b \"x\""),
            (H::InReplyTo, ""),
            (H::AuthenticationInfo, " "),
            (H::ErrorInfo, ""),
        ] {
            let error = check(name, bad).expect_err(bad);
            assert_eq!(error.name, name, "{bad}");
        }
    }

    #[test]
    fn what_the_grammar_allows_is_read() {
        for (name, good) in [
            (H::AlertInfo, "<http://a.test/ring.pcm>;appearance=1, <urn:alert:tone:x>"),
            (H::CallInfo, "<http://a.test/a.jpg> ;purpose=icon"),
            (H::Diversion, "\"Bob\" <sip:bob@b.test>;reason=user-busy;counter=1, <tel:+1>"),
            (H::Join, "a@b;from-tag=1;to-tag=2"),
            (H::MimeVersion, "1.0"),
            (H::Priority, "emergency"),
            (H::Privacy, "id ; user;critical"),
            (H::InReplyTo, "a<b@c[d], \"e"),
            (H::Timestamp, "54"),
            (H::Timestamp, "54.21"),
            (H::Timestamp, "54. .3"),
            (H::Timestamp, "54.21\r\n 0.3"),
            (H::Supported, ""),
            (H::Allow, " "),
            (H::Accept, ""),
            (H::Accept, "application/sdp;level=1, */*;q=0.1"),
            (H::AcceptEncoding, ""),
            (H::AcceptEncoding, "gzip;q=1.0, *;q=0"),
            (H::AcceptLanguage, ""),
            (H::AcceptLanguage, "da, en-gb;q=0.8, *"),
            (H::ContentLanguage, "fr, en-GB"),
            (H::ContentDisposition, "session ;handling=optional"),
            (H::AllowEvents, "presence, presence.winfo"),
            (H::AcceptContact, "*;audio;methods=\"INVITE,BYE\";require, *"),
            (H::SecurityVerify, "ipsec-3gpp;q=0.1, tls"),
            (H::ReferSub, "false"),
            (H::RequestDisposition, "proxy, recurse"),
            (H::SipIfMatch, "dx200xyz"),
            (H::Server, "HomeServer v2 (a (b))"),
            (H::Warning, "301 isi.edu:5060 \"x\", 399 [2001:db8::1]:5060 \"é\", 399 a_b \"x\""),
        ] {
            assert_eq!(check(name, good), Ok(()), "{name}: {good}");
        }
    }
}
