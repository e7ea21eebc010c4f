use super::*;

const REQUEST: &str = "INVITE sips:bob@b.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\
    Max-Forwards: 70\r\nRoute: <sip:p;lr>\r\nFrom: \"A\" <sip:alice@a.test>;tag=f\r\nTo: <sips:bob@b.test>\r\n\
    Call-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:alice@192.0.2.1:5060>\r\nRequire: x, y\r\nSubject: s\r\n\
    Authorization: Digest a=b\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nhi";

fn advice(status: u16, headers: &str) -> Option<(String, Option<NewRequest>)> {
    let request = Message::read(Bytes::from_static(REQUEST.as_bytes())).unwrap();
    let response = format!("SIP/2.0 {status} R\r\n{headers}\r\n");
    let response = Message::read(Bytes::from(response)).unwrap();
    advise(&request, &response).map(|advice| (advice.sentence, advice.retry))
}

fn header(request: &NewRequest, name: &str) -> Option<String> {
    let found = request.headers.iter().find(|header| header.name() == name);
    found.map(|header| header.value().to_owned())
}

#[test]
fn a_retry_keeps_the_request_and_counts_on() {
    let retry = advice(491, "").unwrap().1.unwrap();
    assert_eq!(retry.cseq.unwrap().number(), 8);
    assert_eq!(retry.call_id.as_ref().unwrap().as_str(), "c");
    assert_eq!(retry.from_tag.as_ref().unwrap().as_str(), "f");
    assert_eq!(retry.from.display_name, "A");
    assert_eq!(retry.route_set[0].as_str(), "sip:p;lr");
    assert_eq!((&*retry.body, retry.content_type.as_deref()), (&b"hi"[..], Some("a/b")));
    let names: Vec<&str> = retry.headers.iter().map(ExtraHeader::name).collect();
    assert_eq!(names, ["Require", "Subject"]);
}

#[test]
fn each_status_is_answered_by_what_it_asks_for() {
    let retry = |status, headers| advice(status, headers).unwrap().1.unwrap();
    assert_eq!(header(&retry(420, "Unsupported: X\r\n"), "Require").unwrap(), "y");
    assert_eq!(header(&retry(420, "Unsupported: x, y\r\n"), "Require"), None);
    assert_eq!(header(&retry(423, "Min-Expires: 60\r\n"), "Expires").unwrap(), "60");
    assert_eq!(header(&retry(422, "Min-SE: 90\r\n"), "Session-Expires").unwrap(), "90");
    assert!(header(&retry(421, "Require: timer\r\n"), "Supported").is_some());
    assert_eq!(header(&retry(406, ""), "Accept").unwrap(), "*/*");
    assert!(retry(415, "Accept: application/sdp\r\n").body.is_empty());
    assert_eq!(retry(416, "").request_uri.as_str(), "sip:bob@b.test");
    assert_eq!(retry(305, "Contact: <sip:p2>\r\n").route_set[0].as_str(), "sip:p2;lr");
    let best = "Contact: <sip:a>;q=0.2, <sip:b?x=y>;q=0.9\r\n";
    assert_eq!(retry(302, best).request_uri.as_str(), "sip:b");
}

#[test]
fn rfc3261_s20_1_an_empty_accept_is_answered_without_a_body() {
    let (sentence, retry) = advice(415, "Accept:\r\n").unwrap();
    assert!(sentence.contains("no body at all"), "{sentence}");
    let retry = retry.unwrap();
    assert_eq!((retry.body.len(), retry.content_type), (0, None));
    assert_eq!(advice(415, "").unwrap().1, None);
}

#[test]
fn s8_1_3_5_what_a_420_lists_is_not_named_again_and_what_a_421_lists_is_named_once() {
    let request = REQUEST.replacen("Subject: s", "Supported: 100rel, 199", 1);
    let request = Message::read(Bytes::from(request)).unwrap();
    let supported = |status: u16, headers: &str| {
        let response = format!("SIP/2.0 {status} R\r\n{headers}\r\n\r\n");
        let response = Message::read(Bytes::from(response)).unwrap();
        header(&advise(&request, &response).unwrap().retry.unwrap(), "Supported")
    };
    assert_eq!(supported(420, "Unsupported: 100rel").unwrap(), "199");
    assert_eq!(supported(420, "Unsupported: 100rel, 199").unwrap(), "");
    assert_eq!(supported(420, "Unsupported: x"), None);
    let both = supported(421, "Require: 100rel, sec-agree").unwrap();
    assert_eq!(both, "100rel, 199, sec-agree");
}

#[test]
fn rfc4028_s7_1_the_request_after_a_422_supports_the_timer() {
    let retry = advice(422, "Min-SE: 90\r\n").unwrap().1.unwrap();
    assert!(header(&retry, "Supported").unwrap().contains("timer"));
}

#[test]
fn sentences_name_what_the_peer_said() {
    let sentence = |status, headers| advice(status, headers).unwrap().0;
    assert!(sentence(503, "Retry-After: 120 (maintenance);duration=60\r\n").contains("120 s"));
    assert!(sentence(503, "").contains("another"));
    assert!(sentence(405, "Allow: OPTIONS, BYE\r\n").contains("OPTIONS, BYE"));
    let challenge =
        "WWW-Authenticate: Digest algorithm=MD5, realm=\"a \\\"b\\\"\", nonce=\"x\"\r\n";
    assert!(sentence(401, challenge).contains(r#"a \"b\""#));
    assert_eq!(advice(486, ""), None);
    assert_eq!(advice(500, "Retry-After: x\r\n"), None);
}
