use super::*;

fn invite(cseq: u32, branch: &str, more: &str, body: &str) -> Bytes {
    format!(
        "INVITE sip:bob@h SIP/2.0\r\nVia: SIP/2.0/UDP a:5060;branch={branch};rport\r\n\
         From: <sip:a@h>;tag=1\r\nTo: <sip:bob@h>\r\nCall-ID: x\r\nCSeq: {cseq} INVITE\r\n\
         {more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn changes(diff: &Diff) -> Vec<String> {
    let part = |part: &Part| {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
        format!("{}:{}>{}", part.name, side(&part.before), side(&part.after))
    };
    diff.headers
        .iter()
        .map(|change| match &change.how {
            How::Added(value) => format!("+{} {value}", change.name),
            How::Removed(value) => format!("-{} {value}", change.name),
            How::Parts(parts) => {
                format!("{} {}", change.name, parts.iter().map(part).collect::<Vec<_>>().join(" "))
            }
        })
        .collect()
}

#[test]
fn the_first_and_the_authenticated_invite_differ_in_parameters() {
    let first = invite(1, "z9hG4bKa", "", "");
    let second = invite(2, "z9hG4bKb", "Proxy-Authorization: Digest username=\"a\"\r\n", "");
    let found = diff(&first, &second).unwrap();
    assert_eq!(
        changes(&found),
        [
            "Via branch:z9hG4bKa>z9hG4bKb",
            "CSeq number:1>2",
            "+Proxy-Authorization Digest username=\"a\"",
        ]
    );
    assert_eq!((found.same, found.identical), (4, false));
    assert!(found.body.is_empty());
}

#[test]
fn a_retransmission_is_the_same_and_another_spelling_says_the_same() {
    let first = invite(1, "z9hG4bKa", "", "");
    assert!(diff(&first, &first.clone()).unwrap().identical);
    let text = String::from_utf8(first.to_vec()).unwrap();
    let compact = text.replace("Via:", "v:").replace("From: ", "f:\r\n ");
    let found = diff(&first, &compact.into()).unwrap();
    assert!(found.headers.is_empty() && !found.identical, "{found:?}");
}

#[test]
fn values_are_compared_part_by_part() {
    for (kind, before, after, expected) in [
        (
            HeaderName::From,
            "<sip:a@h>;tag=1",
            "\"A\" <sip:a@h;x=1>;tag=2",
            ":<sip:a@h>>\"A\" <sip:a@h;x=1> tag:1>2",
        ),
        (
            HeaderName::Via,
            "SIP/2.0/UDP h;rport",
            "SIP/2.0/UDP h;rport=9;received=1.1.1.1",
            "rport:>9 received:->1.1.1.1",
        ),
        (HeaderName::Allow, "INVITE, ACK", "INVITE, BYE", "ACK:>- BYE:->"),
        (HeaderName::Authorization, "Digest nc=1, a=\"x, y\"", "Digest nc=2, a=\"x, y\"", "nc:1>2"),
        (HeaderName::Subject, "a;b", "a;c", ":a;b>a;c"),
        (
            HeaderName::Via,
            "SIP/2.0/UDP h;a;b",
            "SIP/2.0/UDP h;b;a",
            ":SIP/2.0/UDP h;a;b>SIP/2.0/UDP h;b;a",
        ),
    ] {
        let parts = parts(kind, before, after);
        let change = Change { name: String::new(), how: How::Parts(parts) };
        let found = Diff { headers: vec![change], same: 0, body: vec![], identical: false };
        assert_eq!(changes(&found)[0].trim_start(), expected, "{before}");
    }
}

#[test]
fn bodies_are_compared_by_line() {
    let first = invite(1, "b", "", "v=0\r\na=sendrecv\r\nm=audio 1\r\n");
    let second = invite(1, "b", "", "v=0\r\na=sendonly\r\nm=audio 1\r\n");
    let found = diff(&first, &second).unwrap();
    assert!(found.headers.is_empty());
    assert_eq!(
        found.body,
        [
            BodyLine::Same("v=0".into()),
            BodyLine::Removed("a=sendrecv".into()),
            BodyLine::Added("a=sendonly".into()),
            BodyLine::Same("m=audio 1".into()),
        ]
    );
    assert_eq!(bodies(b"\xff", b""), [BodyLine::Bytes(1, 0)]);
}

#[test]
fn what_is_no_message_is_said() {
    let good = invite(1, "b", "", "");
    assert!(diff(&Bytes::from_static(b"x"), &good).unwrap_err().contains("marked"));
    assert!(diff(&good, &Bytes::new()).unwrap_err().contains("this message"));
}

#[test]
fn a_request_and_its_answer_have_start_lines_as_they_stand() {
    let answer =
        Bytes::from_static(b"SIP/2.0 407 Proxy Authentication Required\r\nCall-ID: x\r\n\r\n");
    let found = diff(&invite(1, "z9hG4bKa", "", ""), &answer).unwrap();
    assert_eq!(
        changes(&found)[0],
        "start line :INVITE sip:bob@h SIP/2.0>SIP/2.0 407 Proxy Authentication Required"
    );
}
