//! Messages that belong together.

use sipboard::sip::{HeaderName, Message};

/// Whether a response is no damaged one that must be discarded: its version (RFC 3261 §7.1), its
/// sent-by (§18.1.2), one Via alone (§8.1.3.3) and what it copies of its request say so.
pub fn is_for_us(response: &Message, request: &Message) -> bool {
    let sent_by =
        |message: &Message| message.via().ok().map(|via| (via.host().to_owned(), via.port()));
    let line = response.bytes().get(..8);
    line.is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/2.0 "))
        && sent_by(response) == sent_by(request)
        && response.list(HeaderName::Via).nth(1).is_none()
        && copies(response, request)
}

/// Whether it has of its request what it must copy of it, as far as that can be read
/// (RFC 3261 §8.2.6.2).
fn copies(response: &Message, request: &Message) -> bool {
    let tag = |message: &Message| message.from().ok().map(|from| from.tag().map(str::to_owned));
    let number = |message: &Message| message.cseq().ok().map(|cseq| cseq.number);
    let call_id = |message: &Message| message.call_id().ok().map(str::to_owned);
    tag(response).is_none_or(|it| Some(it) == tag(request))
        && number(response).is_none_or(|it| Some(it) == number(request))
        && call_id(response).is_none_or(|it| Some(it) == call_id(request))
}

/// What a request that is sent again on another connection shares with itself.
pub fn same_but_for_us(first: &Message, again: &Message) {
    assert_eq!(first.start_line(), again.start_line());
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        let value = |message: &Message| message.header(name).map(|header| header.value.to_vec());
        assert_eq!(value(first), value(again), "{again:?}");
    }
}

/// What an ACK of a rejection and a CANCEL share with their INVITE (RFC 3261 §9.1, §17.1.1.3).
pub fn same_request(invite: &Message, other: &Message) {
    assert_eq!(invite.request_uri(), other.request_uri(), "{other:?}");
    assert_eq!(invite.cseq().unwrap().number, other.cseq().unwrap().number, "{other:?}");
    for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId] {
        let value = |message: &Message| message.header(name).map(|header| header.value.to_vec());
        assert_eq!(value(invite), value(other), "{other:?}");
    }
    assert_eq!(other.all(HeaderName::Via).count(), 1);
    let routes = |message: &Message| -> Vec<String> {
        message.list(HeaderName::Route).map(str::to_owned).collect()
    };
    assert_eq!(routes(invite), routes(other), "{other:?}");
}
