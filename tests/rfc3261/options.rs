//! What the user may set of a request (SIP.js's `send` options), each honoured as it was written,
//! and each refused by name where it could not be sent.

use sipboard::{
    engine::{Account, Draft, Field},
    sip::{HeaderName, Message, Method},
};

use crate::scripted::*;

fn account() -> Account {
    Account {
        display_name: "Alice".into(),
        servers: Vec::new(),
        ..Account::new("alice", uri("sip:alice@demo.test"))
    }
}

/// An INVITE to bob in which something was set.
fn draft(set: impl FnOnce(&mut Draft)) -> Draft {
    let mut draft = Draft { method: "INVITE".into(), target: "bob".into(), ..Draft::default() };
    set(&mut draft);
    draft
}

fn sent(set: impl FnOnce(&mut Draft)) -> Message {
    Call::udp(draft(set).submit(&account()).expect("it can be sent").request).last()
}

/// The one field that is refused, and why.
fn refused(set: impl FnOnce(&mut Draft)) -> (Field, String) {
    let errors = draft(set).submit(&account()).expect_err("it cannot be sent");
    assert_eq!(errors.len(), 1, "{errors:?}");
    (errors[0].field, errors[0].message.clone())
}

#[test]
fn the_body_is_sent_byte_for_byte() {
    let body = "v=0\r\n\0\u{7f} ünï\n";
    assert_eq!(&*sent(|draft| draft.body = body.into()).body(), body.as_bytes());
}

#[test]
fn the_content_type_is_sent_as_written_and_guessed_where_none_is() {
    let message = sent(|draft| {
        draft.body = "x".into();
        draft.content_type = "multipart/mixed;boundary=\"a b\"".into();
    });
    assert_eq!(text(&message, HeaderName::ContentType), "multipart/mixed;boundary=\"a b\"");
    for (body, guess) in [("v=0\r\n", "application/sdp"), ("hello", "text/plain")] {
        let message = sent(|draft| draft.body = body.into());
        assert_eq!(text(&message, HeaderName::ContentType), guess);
    }
}

#[test]
fn extra_headers_are_sent_in_order_with_their_spelling() {
    let message = sent(|draft| {
        draft.headers = vec!["X-b: 2".into(), "x-A:  1".into(), "X-b: 3 ".into()];
    });
    let ours = |header: &sipboard::sip::Header<'_>| {
        header.name_text.to_ascii_lowercase().starts_with(b"x-")
    };
    let lines: Vec<Vec<u8>> = message
        .headers()
        .filter(ours)
        .map(|header| [header.name_text, header.value].concat())
        .collect();
    assert_eq!(lines, [b"X-b2".to_vec(), b"x-A1".to_vec(), b"X-b3".to_vec()]);
}

#[test]
fn an_extra_header_takes_the_place_of_the_one_that_would_be_written() {
    for (line, name) in [
        ("Max-Forwards: 5", HeaderName::MaxForwards),
        ("Contact: <sip:me@here.test>", HeaderName::Contact),
        ("Allow: INVITE", HeaderName::Allow),
        ("Supported: timer", HeaderName::Supported),
        ("User-Agent: other", HeaderName::UserAgent),
        ("m: <sip:compact@here.test>", HeaderName::Contact),
    ] {
        let message = sent(|draft| draft.headers = vec![line.into()]);
        let value = line.split_once(": ").unwrap().1;
        assert_eq!(lines(&message, name), [value], "{line}");
    }
}

#[test]
fn the_route_set_is_sent_in_order() {
    let message = sent(|draft| {
        draft.routes = vec!["sip:p1.test;lr".into(), "<sip:p2.test;lr>".into()];
    });
    assert_eq!(list(&message, HeaderName::Route), ["<sip:p1.test;lr>", "<sip:p2.test;lr>"]);
}

#[test]
fn the_to_display_name_is_quoted() {
    let message = sent(|draft| draft.to_display_name = "Bob \"B\" \\ Ünï, <x>".into());
    let to = text(&message, HeaderName::To);
    assert_eq!(to, r#""Bob \"B\" \\ Ünï, <x>" <sip:bob@demo.test>"#);
    assert_eq!(message.to().unwrap().display_name(), "Bob \"B\" \\ Ünï, <x>");
}

#[test]
fn the_to_uri_may_differ_from_the_target() {
    let message = sent(|draft| draft.to = "sip:other@else.test;x=1".into());
    assert_eq!(text(&message, HeaderName::To), "<sip:other@else.test;x=1>");
    assert_eq!(message.request_uri(), Some("sip:bob@demo.test"));
}

#[test]
fn the_to_tag_is_sent() {
    assert_eq!(sent(|draft| draft.to_tag = "t-1".into()).to().unwrap().tag(), Some("t-1"));
}

#[test]
fn the_from_display_name_is_sent_instead_of_the_accounts() {
    let message = sent(|draft| draft.from_display_name = "Carol".into());
    assert!(text(&message, HeaderName::From).starts_with("\"Carol\" <sip:alice@demo.test>;tag="));
}

#[test]
fn the_from_uri_is_sent_without_the_accounts_display_name() {
    let message = sent(|draft| draft.from = "sip:carol@else.test".into());
    assert!(text(&message, HeaderName::From).starts_with("<sip:carol@else.test>;tag="));
}

#[test]
fn the_from_tag_is_sent() {
    assert_eq!(sent(|draft| draft.from_tag = "f.1".into()).from().unwrap().tag(), Some("f.1"));
}

#[test]
fn the_call_id_is_sent() {
    assert_eq!(text(&sent(|draft| draft.call_id = "a<b>@c".into()), HeaderName::CallId), "a<b>@c");
}

#[test]
fn the_cseq_is_sent_and_counted_on_from() {
    assert_eq!(cseq(&sent(|draft| draft.cseq = "0".into())), 0);
    let last = sent(|draft| {
        draft.method = "OPTIONS".into();
        draft.cseq = "2147483647".into();
    });
    assert_eq!(cseq(&last), 2_147_483_647);
    let request = draft(|draft| draft.cseq = "41".into()).submit(&account()).unwrap().request;
    let mut call = Call::udp(request);
    call.reply(200, "b");
    call.hang_up();
    assert_eq!(cseq(&call.sent(Method::Bye)), 42);
}

#[test]
fn a_cseq_that_leaves_no_room_for_a_bye_is_refused() {
    assert_eq!(cseq(&sent(|draft| draft.cseq = "2147482647".into())), 2_147_482_647);
    for number in ["2147482648", "2147483647"] {
        let (field, why) = refused(|draft| draft.cseq = number.into());
        assert_eq!(field, Field::CSeq);
        assert!(why.contains("BYE") && why.contains("2147482647"), "{why}");
    }
}

#[test]
fn a_tag_that_is_no_token_is_refused() {
    for tag in ["a b", "a;b", "a\r\nb", "ä", "a,b", "\"a\""] {
        assert_eq!(refused(|draft| draft.from_tag = tag.into()).0, Field::FromTag, "{tag:?}");
        let (field, why) = refused(|draft| draft.to_tag = tag.into());
        assert_eq!(field, Field::ToTag, "{tag:?}");
        assert!(why.contains("§19.3"), "{why}");
    }
}

#[test]
fn a_cseq_that_is_no_number_below_2_to_31_is_refused() {
    for number in ["2147483648", "4294967296", "-1", "1.5", "0x10", "1 2"] {
        let (field, why) = refused(|draft| draft.cseq = number.into());
        assert_eq!(field, Field::CSeq, "{number:?}");
        assert!(why.contains("2147483647"), "{why}");
    }
}

#[test]
fn a_call_id_with_a_space_or_two_ats_is_refused() {
    for id in ["a b", "a@b@c", "@", "a@", "a\r\nX: y"] {
        assert_eq!(refused(|draft| draft.call_id = id.into()).0, Field::CallId, "{id:?}");
    }
}

#[test]
fn a_header_that_would_begin_another_is_refused() {
    for line in ["Subject: a\r\nEvil: b", "Subject: a\nEvil: b", "Subject: a\rb", "X\r\nY: b"] {
        assert_eq!(
            refused(|draft| draft.headers = vec![line.into()]).0,
            Field::Headers,
            "{line:?}"
        );
    }
}

#[test]
fn a_header_without_a_name_or_colon_is_refused() {
    for line in ["Subject", ": x", "Sub ject: x", "Ünï: x"] {
        assert_eq!(
            refused(|draft| draft.headers = vec![line.into()]).0,
            Field::Headers,
            "{line:?}"
        );
    }
}

#[test]
fn a_content_length_that_could_lie_is_refused() {
    for line in ["Content-Length: 5", "l: 5", "CONTENT-LENGTH:0"] {
        let (field, why) = refused(|draft| draft.headers = vec![line.into()]);
        assert_eq!(field, Field::Headers);
        assert!(why.contains("counted"), "{why}");
    }
}

#[test]
fn a_header_that_has_an_option_of_its_own_is_refused_with_that_option() {
    for (line, instead) in [
        ("Via: x", "branch"),
        ("f: <sip:a@b>", "From"),
        ("To: <sip:a@b>", "To"),
        ("i: x", "Call-ID"),
        ("CSeq: 1 INVITE", "CSeq"),
        ("Route: <sip:p>", "route set"),
        ("c: a/b", "content type"),
    ] {
        let (field, why) = refused(|draft| draft.headers = vec![line.into()]);
        assert_eq!(field, Field::Headers);
        assert!(why.contains(instead), "{why}");
    }
}

#[test]
fn uris_that_cannot_be_read_are_refused_by_their_field() {
    assert_eq!(refused(|draft| draft.from = "sip:".into()).0, Field::From);
    assert_eq!(refused(|draft| draft.to = "bob at home".into()).0, Field::To);
    assert_eq!(refused(|draft| draft.routes = vec!["not a uri".into()]).0, Field::Routes);
    assert_eq!(refused(|draft| draft.target = "sip:bob@demo.test?a=b".into()).0, Field::Target);
}

#[test]
fn display_names_with_line_ends_are_refused() {
    let name = "Bob\r\nEvil: x";
    let from = refused(|draft| draft.from_display_name = name.into());
    let to = refused(|draft| draft.to_display_name = name.into());
    assert_eq!((from.0, to.0), (Field::FromDisplayName, Field::ToDisplayName));
}

#[test]
fn a_content_type_that_is_none_is_refused() {
    for content_type in ["sdp", "/sdp", "a/", "a/b\r\nEvil: x"] {
        let (field, _) = refused(|draft| draft.content_type = content_type.into());
        assert_eq!(field, Field::ContentType, "{content_type:?}");
    }
}

#[test]
fn methods_that_belong_to_an_invite_are_refused() {
    for method in ["ACK", "CANCEL", "IN VITE", "INVITE\r\n X"] {
        assert_eq!(refused(|draft| draft.method = method.into()).0, Field::Method, "{method:?}");
    }
}

#[test]
fn a_max_forwards_that_is_no_number_up_to_255_is_refused() {
    for value in ["abc", "300", "-1", "", "1.0"] {
        let (field, why) = refused(|draft| draft.headers = vec![format!("Max-Forwards: {value}")]);
        assert_eq!(field, Field::Headers);
        assert!(why.contains("Max-Forwards") && why.contains("255"), "{why}");
    }
    let message = sent(|draft| draft.headers = vec!["Max-Forwards: 255".into()]);
    assert_eq!(lines(&message, HeaderName::MaxForwards), ["255"]);
}

#[test]
fn a_mailto_uri_is_no_user_of_a_sip_domain() {
    let request = draft(|draft| draft.target = "mailto:bob@demo.test".into());
    let request = request.submit(&account()).unwrap().request;
    assert_eq!(request.request_uri.as_str(), "mailto:bob@demo.test");
}
