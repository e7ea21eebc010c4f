//! For each rule a message that breaks it and its nearest neighbour that does not.

use super::*;

/// For each rule a message that trips it and one that does not.
pub(super) fn cases() -> Vec<(Rule, Vec<u8>, Vec<u8>)> {
    use Rule::*;
    let good = || REQUEST.to_owned();
    let text: Vec<(Rule, String, String)> = vec![
        (Unreadable, "hello\r\n\r\n".into(), good()),
        (OverLimit, with(&format!("X-A: {}", "x".repeat(70_000))), with("X-A: x")),
        (StartLineSpaces, request("INVITE sip:", "INVITE  sip:"), good()),
        (Version, request("SIP/2.0\r\n", "SIP/7.0\r\n"), good()),
        (VersionCase, request("SIP/2.0\r\n", "Sip/2.0\r\n"), good()),
        (MethodToken, method("IN<VITE"), method("IN%VITE")),
        (MethodCase, method("Invite"), good()),
        (MethodUnknown, method("JUMP"), method("UPDATE")),
        (RequestUri, request("INVITE sip:bob@b.test", "INVITE <sip:bob@b.test>"), good()),
        (RequestUriHeaders, request("b.test SIP", "b.test?Route=x SIP"), good()),
        (
            SchemeUnknown,
            request("INVITE sip:", "INVITE news:"),
            request("INVITE sip:", "INVITE tel:+1"),
        ),
        (ReasonPhraseSpace, response("200 OK", "200"), response("200 OK", "200 ")),
        (ReasonPhraseUtf8, response("OK", "O\u{1b}K"), response("OK", "в порядке")),
        (
            ReasonPhraseCharacter,
            response("200 OK", "200 100%"),
            response("200 OK", "200 100%25 (a)?;\t\u{e9}"),
        ),
        (
            RegisterUri,
            method("REGISTER"),
            method("REGISTER").replace("REGISTER sip:bob@", "REGISTER sip:"),
        ),
        (
            UriComponent,
            request("b.test SIP", "b.test;method=INVITE SIP"),
            request("b.test SIP", "b.test;transport=tcp SIP"),
        ),
        (
            UriPort,
            request("To: <sip:bob@b.test>", "To: <sip:bob@b.test:5060>"),
            request("bob@b.test SIP", "bob@b.test:5060 SIP"),
        ),
        (StatusCode, response("200 OK", "700 x"), response("200 OK", "699 x")),
        (StatusUnknown, status(299), status(202)),
        (BareLf, request("70\r\n", "70\n"), good()),
        (BareCr, with("Subject: a\rb"), with("Subject: a\r\n b")),
        (LeadingLineEnds, format!("\r\n{REQUEST}"), good()),
        (NoEndOfHeaders, REQUEST.split("\r\n\r\n").next().unwrap().into(), good()),
        (NotAHeader, with("not a header"), with("X-A: header")),
        (HeaderName, with("X Y: z"), with("X-Y : z")),
        (HeaderNameEscaped, with("C%6Fntact: x"), with("C%ontact: x")),
        (ControlCharacter, with("Subject: \u{7}"), with("Subject: \"\\\u{7}\"")),
        (HeaderMissing, request("Call-ID: 1@a.test\r\n", ""), request("Call-ID", "i")),
        (HeaderRepeated, with("i: 2@a.test"), with("In-Reply-To: 2@a.test")),
        (SingleHeaderRepeated, with("Subject: a\r\nSubject: b"), with("X-A: a\r\nX-A: b")),
        (MaxForwardsMissing, request("Max-Forwards: 70\r\n", ""), RESPONSE.into()),
        (MaxForwardsRange, request(": 70", ": 256"), request(": 70", ": 0255")),
        (MaxForwardsZero, request(": 70", ": 0"), request(": 70", ": 1")),
        (ResponseOnly, with("Retry-After: 1"), response_with("Retry-After: 1")),
        (RequestOnly, response_with("Subject: x"), with("Subject: x")),
        (EssentialUnreadable, request("\"Alice\"", "\"Alice"), good()),
        (HeaderUnreadable, with("Expires: soon"), with("Expires: 60")),
        (EmptyParameter, request(";tag=1", ";;tag=1"), request(";tag=1", ";x=\";;\";tag=1")),
        (ParameterRepeated, request(";tag=1", ";tag=1;TAG=1"), request(";tag=1", ";tag=1;gat=1")),
        (ParameterMalformed, request(";tag=1", ";tag=1;a b=c"), request(";tag=1", ";tag=1;a = b")),
        (
            DateInvalid,
            with("Date: Sat, 13 Nov 2010 23:29:00 EST"),
            with("Date: Sat, 13 Nov 2010 23:29:00 GMT"),
        ),
        (
            DateWeekday,
            with("Date: Fri, 13 Nov 2010 23:29:00 GMT"),
            with("Date: Sat, 13 Nov 2010 23:29:00 GMT"),
        ),
        (
            DateExpired,
            with("Date: Sat, 13 Nov 2010 22:29:00 GMT"),
            with("Date: Sat, 13 Nov 2010 23:28:00 GMT"),
        ),
        (
            IdentityStale,
            with("Identity: x\r\nDate: Sat, 13 Nov 2010 23:27:59 GMT"),
            with("Identity: x\r\nDate: Sat, 13 Nov 2010 23:28:00 GMT"),
        ),
        (OptionTagUnknown, with("Require: 100rel, warp"), with("Require: 100rel, Timer")),
        (
            UriHost,
            request("INVITE sip:bob@b.test", "INVITE sip:2001:db8::10"),
            request("INVITE sip:bob@b.test", "INVITE sip:[2001:db8::10]"),
        ),
        (
            UriThreeColons,
            request("bob@b.test SIP", "bob@[2001:db8:::192.0.2.1] SIP"),
            request("bob@b.test SIP", "bob@[2001:db8::192.0.2.1] SIP"),
        ),
        (
            HostName,
            request("bob@b.test SIP", "bob@b..test SIP"),
            request("bob@b.test SIP", "bob@b.test. SIP"),
        ),
        (
            HostName,
            request("bob@b.test SIP", "bob@256.1.1.1 SIP"),
            request("bob@b.test SIP", "bob@192.0.2.1 SIP"),
        ),
        (
            HostName,
            request("alice@a.test:5062", "alice@a.7"),
            request("alice@a.test:5062", "alice@7.a7"),
        ),
        (UriEscape, request("sip:alice", "sip:al%ice"), request("sip:alice", "sip:al%69ce")),
        (UriReserved, request("sip:alice", "sip:al{ce"), request("sip:alice", "sip:al;/?ce")),
        (UriPassword, request("sip:alice", "sip:alice:secret"), good()),
        (
            TelInvalid,
            request("<sip:bob@b.test>", "<tel:7042>"),
            request("<sip:bob@b.test>", "<tel:7042;phone-context=b.test>"),
        ),
        (ViaSeparators, request(";rport", ";rport;,"), good()),
        (ViaSeparators, request(";rport", ";;rport"), good()),
        (BranchMissing, request(";branch=z9hG4bKx1", ""), good()),
        (BranchCookie, request("z9hG4bKx1", "x1"), request("z9hG4bKx1", "Z9hg4bKx1")),
        (BranchEmpty, request("z9hG4bKx1", "z9hG4bK"), good()),
        (TransportUnknown, request("2.0/UDP", "2.0/CAT"), request("2.0/UDP", "2.0/wss")),
        (
            ReceivedInvalid,
            request(";rport", ";received=h.test"),
            request(";rport", ";received=::1"),
        ),
        (
            ReceivedBrackets,
            request(";rport", ";received=[::1]"),
            request(";rport", ";received=::1"),
        ),
        (RportInvalid, request(";rport", ";rport=0"), request(";rport", ";rport=65535")),
        (TtlInvalid, request(";rport", ";ttl=256"), request(";rport", ";ttl=255")),
        (SeveralVias, response_with("v: SIP/2.0/UDP b.test"), with("v: SIP/2.0/UDP b.test")),
        (ViaBroadcast, request("UDP a.test", "UDP 255.255.255.255"), good()),
        (FromTagMissing, request(";tag=1", ""), good()),
        (ToTagMissing, response(";tag=2", ""), response(";tag=2", "").replace("200", "100")),
        (
            DialogTagMissing,
            method("BYE"),
            method("BYE").replace("To: <sip:bob@b.test>", "To: <sip:bob@b.test>;tag=2"),
        ),
        (TagMalformed, request(";tag=1", ";tag=[1]"), good()),
        (CallIdMalformed, request("1@a.test", "1@a@test"), request("1@a.test", "(1)@a")),
        (CSeqMethod, request("7 INVITE", "7 BYE"), response("7 INVITE", "7 BYE")),
        (
            ContactMissingInAccept,
            response("Contact: <sip:bob@b.test>\r\n", ""),
            status(183).replace("Contact: <sip:bob@b.test>\r\n", ""),
        ),
        (
            ContactMissing,
            method("SUBSCRIBE").replace("Contact: <sip:alice@a.test:5062>", "Event: presence"),
            method("MESSAGE").replace("Contact: <sip:alice@a.test:5062>\r\n", ""),
        ),
        (ContactMissing, request("Contact: <sip:alice@a.test:5062>\r\n", ""), good()),
        (ContactCount, with("m: <sip:x@y>, <sip:z@y>"), RESPONSE.into()),
        (
            ContactCount,
            response("<sip:bob@b.test>\r\nContent", "<sip:bob@b.test>, <sip:c@d>\r\nContent"),
            response("<sip:bob@b.test>\r\nContent", "<sip:bob@b.test>, <sip:c@d>\r\nContent")
                .replace("200 OK", "302 Moved"),
        ),
        (ContactScheme, request("<sip:alice@a.test:5062>", "<tel:+1>"), good()),
        (
            ContactScheme,
            method("SUBSCRIBE").replace("<sip:alice@a.test:5062>", "<mailto:a@b>"),
            method("SUBSCRIBE").replace("<sip:alice@a.test:5062>", "<sips:a@b>"),
        ),
        (
            ContactScheme,
            response("<sip:bob@b.test>\r\nContent", "<tel:+1>\r\nContent"),
            response("<sip:bob@b.test>\r\nContent", "<tel:+1>\r\nContent")
                .replace("200 OK", "302 Moved"),
        ),
        (
            ContactStar,
            request("<sip:alice@a.test:5062>", "*"),
            method("REGISTER").replace("<sip:alice@a.test:5062>", "*\r\nExpires: 0"),
        ),
        (
            ContactStar,
            method("REGISTER").replace("<sip:alice@a.test:5062>", "*\r\nExpires: 60"),
            good(),
        ),
        (
            ContactSips,
            request("INVITE sip:", "INVITE sips:"),
            request("INVITE sip:", "INVITE sips:").replace("Contact: <sip:", "Contact: <sips:"),
        ),
        (
            ContactSips,
            response("To: <sip:", "To: <sips:"),
            response("To: <sip:", "To: <sips:").replace("Contact: <sip:", "Contact: <sips:"),
        ),
        (
            ContactSips,
            response("Contact:", "Record-Route: <sips:p.test;lr>\r\nContact:"),
            response("Contact:", "Record-Route: <sip:p.test;lr>\r\nContact:"),
        ),
        (ContactQ, request(":5062>", ":5062>;q=1.5"), request(":5062>", ":5062>;q=0.5")),
        (
            ContactExpires,
            request(":5062>", ":5062>;expires=4294967296"),
            request(":5062>", ":5062>;expires=0"),
        ),
        (RouteStrict, with("Route: <sip:p.test>;lr"), with("Route: <sip:p.test;lr>")),
        (RouteBrackets, with("Route: sip:p.test;lr"), with("Route: \"P\" <sip:p.test;lr>")),
        (RouteStrict, with("Path: <sip:p.test>"), with("Path: sip:p.test;lr")),
        (
            RequireMisplaced,
            method("CANCEL").replace("Max-F", "Require: timer\r\nMax-F"),
            with("Require: timer"),
        ),
        (
            ContentLengthInvalid,
            request("Length: 5", "Length: -5"),
            request("Length: 5", "Length: 005"),
        ),
        (ContentLengthConflict, with("l: 4"), with("l: 05")),
        (ContentLengthTooLong, request("Length: 5", "Length: 6"), good()),
        (BytesAfterBody, request("Length: 5", "Length: 4"), good()),
        (ContentLengthMissing, request("Content-Length: 5\r\n", ""), good()),
        (ContentTypeMissing, request("Content-Type: application/sdp\r\n", ""), good()),
        (ContentTypeUnused, response_with("c: text/plain"), good()),
        (
            MultipartBoundary,
            body("multipart/mixed", "--b\r\n\r\n--b--"),
            body("multipart/mixed;boundary=b", "--b\r\n\r\n--b--"),
        ),
        (
            MultipartBoundary,
            body("multipart/mixed;boundary=\"a<b\"", "--a<b\r\n\r\n--a<b--"),
            body("multipart/mixed;boundary=\"a b\"", "--a b\r\n\r\n--a b--"),
        ),
        {
            let long = |count| {
                let b = "b".repeat(count);
                body(&format!("multipart/x;boundary={b}"), &format!("--{b}\r\n\r\n--{b}--"))
            };
            (MultipartBoundary, long(71), long(70))
        },
        (
            MultipartPart,
            body("multipart/x;boundary=b", "--b\r\nc: a/b\r\nbody\r\n--b--"),
            body("multipart/x;boundary=b", "--b\r\nc: a/b\r\n\r\nbody\r\n--b--"),
        ),
        (
            MultipartPart,
            body("multipart/x;boundary=b", "--b\r\nc: a/b\r\n--b--"),
            body("multipart/x;boundary=b", "--b\r\nc: a/b\r\n\r\n--b--"),
        ),
        (
            MultipartPart,
            body("multipart/x;boundary=b", "--b\r\nX Y: a\r\n\r\nz\r\n--b--"),
            body("multipart/x;boundary=b", "--b\r\nX-Y : a\r\n b\r\n\r\nz\r\n--b--"),
        ),
        (
            MultipartUnterminated,
            body("multipart/mixed;boundary=b", "--b\r\n\r\n--b"),
            body("multipart/mixed;boundary=b", "--b\r\n\r\n--b--"),
        ),
        (
            MultipartNesting,
            body(
                "multipart/mixed;boundary=a",
                "--a\r\nc: multipart/x;boundary=b\r\n\r\n--b\r\nc: multipart/x;boundary=d\r\n\r\n--d--\r\n--b--\r\n--a--",
            ),
            body(
                "multipart/mixed;boundary=a",
                "--a\r\nc: multipart/x;boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n--a--",
            ),
        ),
        (TransferEncoding, with("transfer-encoding: Chunked"), with("Transfer-Encoding: identity")),
        (SdpVersion, body("application/sdp", "m=audio"), body("text/plain", "m=audio")),
        (
            ChallengeMissing,
            status(401),
            status(401).replace("Contact", "WWW-Authenticate: Basic realm=\"x\"\r\nContact"),
        ),
        (
            ChallengeMissing,
            status(407).replace("Contact", "Proxy-Authenticate:\r\nContact"),
            status(407).replace("Contact", "Proxy-Authenticate: Basic realm=\"x\"\r\nContact"),
        ),
        (
            HeaderUnreadable,
            status(401).replace("Contact", "WWW-Authenticate:\r\nContact"),
            status(401).replace("Contact", "WWW-Authenticate: Basic realm=\"x\"\r\nContact"),
        ),
        (
            ChallengeIncomplete,
            response_with("Proxy-Authenticate: Digest realm=\"x\""),
            response_with("Proxy-Authenticate: Digest realm=\"x\", nonce=\"y\""),
        ),
        (
            CredentialsIncomplete,
            with(
                "Authorization: Digest username=\"a\",realm=\"b\",nonce=\"c\",uri=\"sip:bob@b.test\"",
            ),
            with(
                "Authorization: Digest username=\"a\",realm=\"b\",nonce=\"c\",uri=\"sip:bob@b.test\",response=\"d\"",
            ),
        ),
        (
            CredentialsUri,
            with(
                "Authorization: Digest username=\"a\",realm=\"b\",nonce=\"c\",uri=\"sip:b.test\",response=\"d\"",
            ),
            with(
                "Authorization: Digest username=\"a\",realm=\"b\",nonce=\"c\",uri=\"sip:bob@b.test\",response=\"d\"",
            ),
        ),
        (AllowMissing, status(405), status(405).replace("Contact", "Allow: ACK\r\nContact")),
        (
            UnsupportedMissing,
            status(420),
            status(420).replace("Contact", "Unsupported: x\r\nContact"),
        ),
        (
            MinExpiresMissing,
            status(423),
            status(423).replace("Contact", "Min-Expires: 60\r\nContact"),
        ),
        (MinSeMissing, status(422), status(422).replace("Contact", "Min-SE: 90\r\nContact")),
        (
            RSeqMissing,
            status(183).replace("Contact", "Require: 100rel\r\nContact"),
            status(183).replace("Contact", "Require: 100rel\r\nRSeq: 1\r\nContact"),
        ),
        (
            RSeqUnrequired,
            status(183).replace("Contact", "RSeq: 1\r\nContact"),
            status(183).replace("Contact", "Require: 100rel\r\nRSeq: 1\r\nContact"),
        ),
        (
            RSeqZero,
            status(183).replace("Contact", "Require: 100rel\r\nRSeq: 0\r\nContact"),
            status(183).replace("Contact", "Require: 100rel\r\nRSeq: 1\r\nContact"),
        ),
        (
            RAckMissing,
            method("PRACK"),
            method("PRACK").replace("Contact", "RAck: 1 7 INVITE\r\nContact"),
        ),
        (
            EventMissing,
            method("SUBSCRIBE"),
            method("SUBSCRIBE").replace("Contact", "o: presence\r\nContact"),
        ),
        (
            SubscriptionStateMissing,
            method("NOTIFY"),
            method("NOTIFY").replace("Contact", "Subscription-State: active\r\nContact"),
        ),
        (
            ReferToCount,
            method("REFER"),
            method("REFER").replace("Contact", "r: <sip:c@c>\r\nContact"),
        ),
        (
            ReferToCount,
            method("REFER").replace("Contact", "r: <sip:c@c>\r\nr: <sip:d@d>\r\nContact"),
            good(),
        ),
        (SessionExpiresSmall, with("x: 89"), with("x: 90;refresher=uac")),
    ];
    let mut cases: Vec<_> =
        text.into_iter().map(|(rule, bad, good)| (rule, bad.into(), good.into())).collect();
    let mut bad = with("Subject: ?").into_bytes();
    let at = bad.iter().position(|b| *b == b'?').unwrap();
    bad[at] = 0xff;
    cases.push((NotUtf8, bad, with("Subject: ÿ").into_bytes()));
    cases
}
