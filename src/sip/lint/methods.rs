//! What each method and status code must bring along.

use super::{Lint, Rule};
use crate::sip::{
    header::{SessionExpires, number},
    message::Header,
    method::Method,
    name::HeaderName::{self, *},
    status::StatusCode,
};

pub(super) fn look(lint: &mut Lint<'_>) {
    if let Some(method) = lint.message.method() {
        look_request(lint, &method);
    }
    if let Some(status) = lint.message.status() {
        look_response(lint, status);
    }
    for name in [HeaderName::SessionExpires, MinSe] {
        let Some(header) = lint.message.header(name) else { continue };
        let value = header.text().and_then(|text| SessionExpires::parse(name, text));
        if let Ok(value) = value
            && value.seconds < SessionExpires::MIN
        {
            let text = format_args!("{} s is less than the least interval, 90 s", value.seconds);
            lint.header(Rule::SessionExpiresSmall, header, 0, text);
        }
    }
}

fn look_request(lint: &mut Lint<'_>, method: &Method) {
    let message = lint.message;
    if let Some(header) = message.header(CSeq)
        && let Ok(cseq) = message.cseq()
        && cseq.method != method.as_str()
    {
        let text = format_args!("CSeq says {}, but the request is {method}", cseq.method);
        lint.part(Rule::CSeqMethod, header, cseq.method, text);
    }
    // An ACK may have them: RFC 3261 §8.2.2.3 has the server disregard them there.
    if *method == Method::Cancel {
        for name in [Require, ProxyRequire] {
            if let Some(header) = message.header(name) {
                let text = format_args!("{name} has no place in a {method}");
                lint.header(Rule::RequireMisplaced, header, 0, text);
            }
        }
    }
    let needs: &[(HeaderName, Rule)] = match method {
        Method::Prack => &[(RAck, Rule::RAckMissing)],
        Method::Subscribe | Method::Publish => &[(Event, Rule::EventMissing)],
        Method::Notify => {
            &[(Event, Rule::EventMissing), (SubscriptionState, Rule::SubscriptionStateMissing)]
        }
        _ => &[],
    };
    for &(name, rule) in needs {
        if message.header(name).is_none() {
            lint.missing(rule, name, format_args!("a {method} must have {name}"));
        }
    }
    if *method == Method::Refer {
        match message.all(ReferTo).nth(1) {
            Some(second) => {
                lint.header(Rule::ReferToCount, second, 0, "a REFER has exactly one Refer-To");
            }
            None if message.header(ReferTo).is_none() => {
                lint.missing(Rule::ReferToCount, ReferTo, "a REFER must have Refer-To");
            }
            None => {}
        }
    }
}

fn look_response(lint: &mut Lint<'_>, status: StatusCode) {
    let message = lint.message;
    let need = match status.code() {
        401 => Some((WwwAuthenticate, Rule::ChallengeMissing)),
        405 => Some((Allow, Rule::AllowMissing)),
        407 => Some((ProxyAuthenticate, Rule::ChallengeMissing)),
        420 => Some((Unsupported, Rule::UnsupportedMissing)),
        422 => Some((MinSe, Rule::MinSeMissing)),
        423 => Some((MinExpires, Rule::MinExpiresMissing)),
        _ => None,
    };
    // An empty Allow says that nothing is allowed (RFC 3261 §25.1); an empty challenge says nothing.
    let says = |header: Header<'_>| header.name == Allow || !header.value.is_empty();
    if let Some((name, rule)) = need
        && !message.all(name).any(says)
    {
        let what = match message.header(name) {
            Some(_) => ", and not an empty one",
            None => "",
        };
        lint.missing(rule, name, format_args!("a {status} must have {name}{what}"));
    }
    if status.is_provisional() {
        look_reliable(lint);
    }
}

/// RFC 3262 §3: a reliable provisional has `Require: 100rel` and RSeq, and never one alone.
fn look_reliable(lint: &mut Lint<'_>) {
    let message = lint.message;
    let requires = message.list(Require).any(|tag| tag.eq_ignore_ascii_case("100rel"));
    let Some(header) = message.header(RSeq) else {
        if requires {
            let text = "a provisional that requires 100rel must have RSeq";
            lint.missing(Rule::RSeqMissing, RSeq, text);
        }
        return;
    };
    if !requires {
        let text = "a provisional with RSeq must have Require: 100rel";
        lint.header(Rule::RSeqUnrequired, header, 0, text);
    }
    if header.text().and_then(|text| number(RSeq, text)) == Ok(0) {
        lint.header(Rule::RSeqZero, header, 0, "RSeq counts from 1, not from 0");
    }
}
