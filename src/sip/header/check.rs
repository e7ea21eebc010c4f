//! [`check`]: whether a header value can be read as what its name says it is.

use crate::sip::{
    header::{
        CSeq, Contact, Credentials, Date, Event, HeaderError, HeaderProblem, MediaType, NameAddr,
        RAck, ReasonValue, Replaces, RetryAfter, SessionExpires, SubscriptionState, Via, Warning,
        challenges, fail, is_entry, number, tokens,
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
        | H::HistoryInfo => each(name, value, |member| NameAddr::parse(name, member).map(drop)),
        H::CSeq => CSeq::parse(value).map(drop),
        H::CallId => call_id(name, value),
        H::InReplyTo => each(name, value, |member| call_id(name, member)),
        H::ContentLength | H::MaxForwards | H::Expires | H::MinExpires | H::RSeq | H::FlowTimer => {
            number(name, value).map(drop)
        }
        H::RAck => RAck::parse(value).map(drop),
        H::SessionExpires | H::MinSe => SessionExpires::parse(name, value).map(drop),
        H::ContentType => MediaType::parse(value).map(drop),
        H::Date => Date::parse(value).map(drop),
        H::Event => Event::parse(value).map(drop),
        H::SubscriptionState => SubscriptionState::parse(value).map(drop),
        H::Replaces => Replaces::parse(value).map(drop),
        H::RetryAfter => RetryAfter::parse(value).map(drop),
        H::Reason => each(name, value, |member| ReasonValue::parse(member).map(drop)),
        H::Warning => each(name, value, |member| Warning::parse(member).map(drop)),
        H::WwwAuthenticate | H::ProxyAuthenticate => {
            challenges(name, value).try_for_each(|challenge| challenge.map(drop))
        }
        H::Authorization | H::ProxyAuthorization => Credentials::parse(name, value).map(drop),
        H::Require
        | H::ProxyRequire
        | H::Supported
        | H::Unsupported
        | H::Allow
        | H::AllowEvents
        | H::ContentEncoding => tokens(name, value).try_for_each(|token| token.map(drop)),
        H::Accept | H::AcceptEncoding | H::AcceptLanguage => {
            if syntax::trim(value).is_empty() {
                return Ok(());
            }
            each(name, value, |member| match is_entry(member) {
                true => Ok(()),
                false => fail(name, HeaderProblem::BadToken, 0),
            })
        }
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

fn each(
    name: H,
    value: &str,
    parse: impl Fn(&str) -> Result<(), HeaderError>,
) -> Result<(), HeaderError> {
    let members = syntax::comma_list(value);
    for member in members {
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
        for name in [H::Subject, H::Server, H::UserAgent, H::Extension, H::Organization] {
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
        ] {
            assert!(check(name, bad).is_err(), "{name}: {bad}");
        }
    }
}
