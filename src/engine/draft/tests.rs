use super::*;

fn account() -> Account {
    Account {
        display_name: "Alice".into(),
        servers: vec!["ws://127.0.0.1:5066".parse().unwrap()],
        ..Account::new("alice", "sip:alice@demo.test".parse().unwrap())
    }
}

#[test]
fn a_bare_user_is_at_the_accounts_domain() {
    for (text, expected) in [
        ("ring", "sip:ring@demo.test"),
        ("ring@b.test", "sip:ring@b.test"),
        ("b.test", "sip:b.test"),
        ("127.0.0.1:5070", "sip:127.0.0.1:5070"),
        ("localhost:5070", "sip:localhost:5070"),
        ("sips:x@b.test", "sips:x@b.test"),
        ("tel:+1555", "tel:+1555"),
        ("bob@h:5070", "sip:bob@h:5070"),
    ] {
        let draft = Draft { method: "OPTIONS".into(), target: text.into(), ..Draft::default() };
        let submission = draft.submit(&account()).unwrap();
        assert_eq!(submission.request.request_uri.as_str(), expected, "{text}");
        assert_eq!(submission.request.from.display_name, "Alice");
    }
}

#[test]
fn the_zone_of_an_address_stands_in_no_uri_but_a_servers() {
    for target in ["sip:bob@[fe80::1%eth0]", "bob@[fe80::1%25eth0]:5060"] {
        let draft = Draft { method: "OPTIONS".into(), target: target.into(), ..Draft::default() };
        let errors = draft.submit(&account()).unwrap_err();
        let [error] = &errors[..] else { panic!("{errors:?}") };
        let says = error.to_string();
        assert!(says.contains("a SIP URI cannot carry the zone of an address"), "{says}");
        assert!(says.contains("that of a server can"), "{says}");
    }
}

#[test]
fn from_and_to_name_somebody_and_not_the_way_there_unless_they_are_written_so() {
    let account =
        Account { uri: "sip:alice@demo.test:5080;transport=tcp".parse().unwrap(), ..account() };
    let target = "sip:bob@127.0.0.1:5070;transport=tcp;user=phone";
    let draft = Draft { method: "OPTIONS".into(), target: target.into(), ..Draft::default() };
    let request = draft.submit(&account).unwrap().request;
    assert_eq!(request.request_uri.as_str(), target);
    assert_eq!(request.to.uri.as_str(), "sip:bob@127.0.0.1;user=phone");
    assert_eq!(request.from.uri.as_str(), "sip:alice@demo.test");
    let (from, to) = ("sip:a@a.test:5080", "sip:b@b.test:5070;transport=tcp");
    let draft = Draft { from: from.into(), to: to.into(), ..draft };
    let request = draft.submit(&account).unwrap().request;
    assert_eq!((request.from.uri.as_str(), request.to.uri.as_str()), (from, to));
}

#[test]
fn a_register_is_for_an_address_of_record_at_its_domain() {
    for (target, to, from, request_uri, expected) in [
        ("sip:demo.test", "", "", "sip:demo.test", "sip:alice@demo.test"),
        ("demo.test", "", "sip:bob@b.test", "sip:demo.test", "sip:bob@b.test"),
        ("bob", "", "", "sip:demo.test", "sip:bob@demo.test"),
        ("sips:bob:pw@b.test", "", "", "sips:b.test", "sips:bob:pw@b.test"),
        // Who writes the To means the Request-URI as it is written.
        ("sip:bob@b.test", "sip:x@c.test", "", "sip:bob@b.test", "sip:x@c.test"),
        ("tel:+1555", "", "", "tel:+1555", "tel:+1555"),
    ] {
        let draft = Draft {
            method: "REGISTER".into(),
            target: target.into(),
            to: to.into(),
            from: from.into(),
            ..Draft::default()
        };
        let request = draft.submit(&account()).unwrap().request;
        let written = (request.request_uri.as_str(), request.to.uri.as_str());
        assert_eq!(written, (request_uri, expected), "{target}");
    }
}

#[test]
fn every_mistake_is_named_with_its_field() {
    let draft = Draft {
        method: "IN VITE".into(),
        target: String::new(),
        server: "http://x".into(),
        from_tag: "a b".into(),
        cseq: "2147483648".into(),
        headers: vec!["Subject".into(), "Via: x".into()],
        content_type: "sdp".into(),
        ..Draft::default()
    };
    let fields: Vec<_> = draft.submit(&account()).unwrap_err().iter().map(|e| e.field).collect();
    assert_eq!(
        fields,
        [
            Field::Method,
            Field::Target,
            Field::Server,
            Field::FromTag,
            Field::CSeq,
            Field::Headers,
            Field::Headers,
            Field::ContentType
        ]
    );
}

#[test]
fn a_line_end_is_refused_wherever_it_stands() {
    let right = Draft { method: "OPTIONS".into(), target: "ring".into(), ..Draft::default() };
    type Wrong = (Field, fn(&mut Draft));
    let wrong: [Wrong; 8] = [
        (Field::Method, |draft| draft.method = "OPTIONS\r\n".into()),
        (Field::Target, |draft| draft.target = "sip:b@b.test\n".into()),
        (Field::Server, |draft| draft.server = "sip:b.test\r".into()),
        (Field::From, |draft| draft.from = "\nsip:a@a.test".into()),
        (Field::ToTag, |draft| draft.to_tag = "x\n".into()),
        (Field::CSeq, |draft| draft.cseq = "1\r\n".into()),
        (Field::Routes, |draft| draft.routes = vec!["<sip:p.test;lr>\n".into()]),
        (Field::Headers, |draft| draft.headers = vec!["X-A: b\r\n".into()]),
    ];
    for (field, change) in wrong {
        let mut draft = right.clone();
        change(&mut draft);
        let fields: Vec<Field> =
            draft.submit(&account()).unwrap_err().iter().map(|error| error.field).collect();
        assert_eq!(fields, [field]);
    }
    assert!(right.submit(&account()).is_ok());
}

#[test]
fn ack_and_cancel_are_not_sent_by_hand() {
    let draft = Draft { method: "CANCEL".into(), target: "ring".into(), ..Draft::default() };
    assert_eq!(draft.submit(&account()).unwrap_err()[0].field, Field::Method);
}

#[test]
fn the_look_of_a_body_decides_its_type_where_none_is_given() {
    let cases: [(&[u8], Option<&str>); 4] = [
        (b"", None),
        (b"v=0\r\n", Some("application/sdp")),
        ("gr\u{fc}\u{df}e".as_bytes(), Some("text/plain")),
        (b"v=0\xff\0", Some("application/octet-stream")),
    ];
    for (body, expected) in cases {
        let draft = Draft {
            method: "MESSAGE".into(),
            target: "ring".into(),
            body: body.into(),
            ..Draft::default()
        };
        let request = draft.submit(&account()).unwrap().request;
        assert_eq!((request.content_type.as_deref(), &*request.body), (expected, body));
    }
}
