//! Every case that RFC 4475 and RFC 5118 describe, in messages of our own under `torture/`.
//!
//! Each test says what a user agent does with the case: it acts on the message, refuses it, or
//! may do either. Whatever it does, the bytes stay as they came.

use std::{collections::BTreeSet, path::Path, time::Instant};

use bytes::Bytes;
use sipboard::sip::{
    Event, FlowId, HeaderName, Message, Output, Scheme, Settings, Transport, Uri, UserAgent,
    header::{self, NameAddr},
    lint::{self, Report, Rule, Severity},
    multipart,
};

struct Case {
    bytes: Bytes,
    report: Report,
}

fn read(name: &str) -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/torture/{name}.dat"));
    let bytes: Bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{path:?}: {e}")).into();
    let report = lint::lint(bytes.clone(), &lint::Options::default());
    if let Ok(message) = &report.message {
        assert_eq!(message.bytes(), &bytes, "{name} goes out as it came in");
    }
    let case = Case { bytes, report };
    case.hand_to_a_user_agent(name);
    case
}

/// A case that a user agent acts on: usable, every header typed, nothing that must be refused.
fn acted_on(name: &str) -> Message {
    let case = read(name);
    let errors: Vec<_> =
        case.report.findings.iter().filter(|f| f.severity() == Severity::Error).collect();
    assert!(errors.is_empty(), "{name} must be accepted: {errors:#?}");
    assert!(case.report.is_usable(), "{name} must be usable");
    let message = case.report.message.expect("usable messages are read");
    for header in message.headers() {
        if let Ok(text) = header.text() {
            assert_eq!(header::check(header.name, text), Ok(()), "{name}: {}", header.name);
        }
    }
    message
}

/// A case that a user agent refuses: at least these rules say why.
fn refused(name: &str, why: &[Rule]) -> Report {
    let case = read(name);
    assert_eq!(case.report.worst(), Some(Severity::Error), "{name} must be refused");
    for &rule in why {
        assert!(
            case.report.findings.iter().any(|finding| finding.rule == rule),
            "{rule} is not among what is wrong with {name}: {:#?}",
            case.report.findings
        );
    }
    case.report
}

fn finds(name: &str, rule: Rule) -> bool {
    read(name).report.findings.iter().any(|finding| finding.rule == rule)
}

impl Case {
    /// A user agent never falls over, and shows what it cannot use.
    fn hand_to_a_user_agent(&self, name: &str) -> Vec<Output> {
        let now = Instant::now();
        let address = "127.0.0.1:5060".parse().expect("an address");
        let mut agent = UserAgent::new(Settings::default(), 7);
        agent.flow_connecting(FlowId(1), Transport::Udp);
        agent.flow_up(now, FlowId(1), address);
        agent.handle_message(now, FlowId(1), address, self.bytes.clone());
        let mut outputs = Vec::new();
        while let Some(output) = agent.poll_output() {
            outputs.push(output);
        }
        let message = self.report.message.as_ref();
        if !message.is_ok_and(|message| message.essentials().is_ok()) {
            let shown = outputs.iter().any(|output| match output {
                Output::Event(Event::Stray(stray)) => stray.bytes == self.bytes,
                _ => false,
            });
            assert!(shown, "{name} is shown with its bytes: {outputs:?}");
        }
        outputs
    }
}

/// The status codes with which a user agent answers the case.
fn answers(name: &str) -> Vec<String> {
    let bytes =
        read(name).hand_to_a_user_agent(name).into_iter().filter_map(|output| match output {
            Output::Transmit(transmit) => Some(transmit.bytes),
            _ => None,
        });
    bytes
        .map(|bytes| {
            let response = Message::read(bytes).expect("an answer is a message");
            response.status().expect("an answer has a status").to_string()
        })
        .collect()
}

fn text(message: &Message, name: HeaderName) -> String {
    message.header(name).expect("the header is there").unfolded().into_owned()
}

/// Declares the tests and remembers their files, so that no file is without a test.
macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident $file:literal $body:block)*) => {
        $($(#[$doc])* #[test] fn $name() { $body })*
        const FILES: &[&str] = &[$($file,)*];
    };
}

#[test]
fn every_file_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let files: BTreeSet<_> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .filter_map(|entry| {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            name.strip_suffix(".dat").map(str::to_owned)
        })
        .collect();
    assert_eq!(files, FILES.iter().map(|file| (*file).to_owned()).collect());
    assert_eq!(FILES.len(), 49 + 12);
}

cases! {
    /// RFC 4475 §3.1.1.1
    wsinv_is_read_through_folds_cases_and_odd_white_space "wsinv" {
        let message = acted_on("wsinv");
        assert_eq!(message.to().unwrap().tag(), Some("77aa1n"));
        assert_eq!(message.from().unwrap().display_name(), "K \\\" Hale");
        assert_eq!(message.from().unwrap().tag(), Some("8f8g8h"));
        assert_eq!(message.via().unwrap().branch(), Some("oldstyle77"));
        assert_eq!(message.list(HeaderName::Via).count(), 3);
        assert_eq!((message.cseq().unwrap().number, message.cseq().unwrap().method), (31, "INVITE"));
        assert_eq!(text(&message, HeaderName::MaxForwards), "0042");
        assert_eq!(message.header(HeaderName::Subject).unwrap().value, b"");
        let contact = message.contact().unwrap();
        assert_eq!((contact.display_name(), contact.q()), ("All \"quoted\"".into(), Some(250)));
        assert_eq!(contact.params().value("freshparam"), Some("freshvalue"));
        let header = message.headers().find(|h| h.name_text == b"BrandNewHeader").unwrap();
        assert_eq!(header.unfolded(), "its value goes on in the next line");
        assert!(message.body().starts_with(b"v=0"));
        assert!(finds("wsinv", Rule::BranchCookie));
    }

    /// RFC 4475 §3.1.1.2
    intmeth_has_every_character_that_a_method_and_a_uri_may_hold "intmeth" {
        let message = acted_on("intmeth");
        assert_eq!(message.method().unwrap().as_str(), "~Odd-Method.42_*+`.%most'certainly!");
        assert_eq!(message.cseq().unwrap().method, message.method().unwrap().as_str());
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!(uri.user(), Some("9_odd.user~(is-it!so)&can't+be$/mad?,/;;*"));
        assert_eq!(uri.password(), Some("&a+word=7,wild!*p$w~d_(isn't-it)"));
        assert_eq!(uri.host(), "torture.example");
        assert_eq!(message.to().unwrap().display_name(), "BEL=\u{7} NUL=\0 DEL=\u{7f}");
        let from = message.from().unwrap();
        assert_eq!(from.display_name(), "tok1~` tok2'+_ tok3*%!.-");
        assert_eq!(from.params().unquoted("hdrParam''~+*_!.-%").unwrap(), "проверка связи");
        assert_eq!(message.call_id(), Ok("odd.word%ZZ-!.*_+'@other`~)(><:\\/\"][?}{"));
    }

    /// RFC 4475 §3.1.1.3
    esc01_keeps_escapes_as_they_are_written "esc01" {
        let message = acted_on("esc01");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!(uri.user(), Some("sips%3Akit%40lab.example"));
        let to = message.to().unwrap().uri();
        assert!(to.is_equivalent(&Uri::parse("sip:kit@torture.example").unwrap()));
        assert!(message.contact().unwrap().uri().params().has("%6C%72"));
    }

    /// RFC 4475 §3.1.1.4
    escnull_does_not_end_at_an_escaped_nul "escnull" {
        let message = acted_on("escnull");
        assert_eq!(message.to().unwrap().uri().user(), Some("before-%00-behind"));
        let users: Vec<_> = message
            .list(HeaderName::Contact)
            .map(|contact| NameAddr::parse(HeaderName::Contact, contact).unwrap().uri().user())
            .collect();
        assert_eq!(users, [Some("%00"), Some("%00%00")]);
    }

    /// RFC 4475 §3.1.1.5
    esc02_is_no_register_and_has_two_contacts "esc02" {
        let message = acted_on("esc02");
        assert_eq!(message.method().unwrap().as_str(), "RE%47IST%45R");
        assert_eq!(message.all(HeaderName::Contact).count(), 2);
        assert_eq!(message.to().unwrap().display_name(), "%Q%41");
        assert!(finds("esc02", Rule::HeaderNameEscaped));
    }

    /// RFC 4475 §3.1.1.6
    lwsdisp_needs_no_space_before_the_bracket "lwsdisp" {
        assert_eq!(acted_on("lwsdisp").from().unwrap().display_name(), "nospace");
    }

    /// RFC 4475 §3.1.1.7
    longreq_is_long_in_every_part_and_read_all_the_same "longreq" {
        let message = acted_on("longreq");
        assert_eq!(message.list(HeaderName::Via).count(), 34);
        assert_eq!(message.via().unwrap().branch(), None);
        assert_eq!(message.via().unwrap().host(), "hop34.lab.example");
        assert!(message.to().unwrap().display_name().len() > 300);
        assert!(message.from().unwrap().uri().user().unwrap().len() > 200);
    }

    /// RFC 4475 §3.1.1.8
    dblreq_ends_where_content_length_says "dblreq" {
        let message = acted_on("dblreq");
        assert_eq!(message.method().unwrap().as_str(), "REGISTER");
        assert!(message.body().is_empty());
        assert!(finds("dblreq", Rule::BytesAfterBody));
    }

    /// RFC 4475 §3.1.1.9
    semiuri_has_a_user_with_a_semicolon "semiuri" {
        let message = acted_on("semiuri");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!(uri.user(), Some("kit;par=x%40lab.example"));
        assert_eq!(uri.params().iter().count(), 0);
        assert_eq!(message.list(HeaderName::Accept).count(), 6);
    }

    /// RFC 4475 §3.1.1.10
    transports_may_be_unknown "transports" {
        let message = acted_on("transports");
        let transports: Vec<_> = message
            .list(HeaderName::Via)
            .map(|via| header::Via::parse(via).unwrap().transport())
            .collect();
        assert_eq!(transports, ["UDP", "SCTP", "TLS", "PIGEON", "TCP"]);
    }

    /// RFC 4475 §3.1.1.11
    mpart01_holds_two_parts_one_of_them_binary "mpart01" {
        let message = acted_on("mpart01");
        let value = text(&message, HeaderName::ContentType);
        let media = header::MediaType::parse(&value).unwrap();
        let body = message.body();
        let parts = multipart::parts(media, &body, 8).unwrap();
        assert_eq!(&body[parts[0].body.clone()], b"Good day");
        assert_eq!(&body[parts[1].body.clone()], (0..=255).collect::<Vec<u8>>());
    }

    /// RFC 4475 §3.1.1.12
    unreason_has_a_reason_phrase_of_utf_8 "unreason" {
        let message = acted_on("unreason");
        assert_eq!(message.status().unwrap().code(), 200);
        assert_eq!(message.reason_phrase(), "= 10**2 * 2 всё хорошо и в порядке");
    }

    /// RFC 4475 §3.1.1.13
    noreason_has_an_empty_reason_phrase "noreason" {
        let message = acted_on("noreason");
        assert_eq!((message.status().unwrap().code(), message.reason_phrase()), (100, "".into()));
    }

    /// RFC 4475 §3.1.2.1
    badinv01_is_refused_for_its_stray_separators "badinv01" {
        refused("badinv01", &[Rule::ViaSeparators, Rule::EmptyParameter]);
        assert_eq!(answers("badinv01"), ["400"]);
    }

    /// RFC 4475 §3.1.2.2
    clerr_is_refused_for_the_body_that_is_not_there "clerr" {
        let report = refused("clerr", &[Rule::ContentLengthTooLong]);
        assert!(report.is_usable(), "a transaction can refuse it");
        assert!(report.message.unwrap().body().starts_with(b"v=0"), "what is there is shown");
        assert_eq!(answers("clerr"), ["400"]);
    }

    /// RFC 4475 §3.1.2.3
    ncl_is_refused_for_its_negative_content_length "ncl" {
        assert!(refused("ncl", &[Rule::ContentLengthInvalid]).is_usable());
        assert_eq!(answers("ncl"), ["400"]);
    }

    /// RFC 4475 §3.1.2.4
    scalar02_is_refused_for_numbers_out_of_range "scalar02" {
        let report = refused("scalar02", &[
            Rule::EssentialUnreadable,
            Rule::MaxForwardsRange,
            Rule::HeaderUnreadable,
            Rule::ContactExpires,
        ]);
        assert!(!report.is_usable());
    }

    /// RFC 4475 §3.1.2.5
    scalarlg_is_a_response_to_drop_for_numbers_out_of_range "scalarlg" {
        let report = refused("scalarlg", &[Rule::EssentialUnreadable, Rule::HeaderUnreadable]);
        assert!(!report.is_usable());
    }

    /// RFC 4475 §3.1.2.6
    quotbal_is_refused_for_the_quote_that_never_closes "quotbal" {
        let report = refused("quotbal", &[Rule::EssentialUnreadable]);
        assert!(!report.is_usable());
        assert!(report.message.unwrap().via().is_ok(), "the other headers are read");
    }

    /// RFC 4475 §3.1.2.7
    ltgtruri_is_refused_for_the_brackets_around_its_request_uri "ltgtruri" {
        refused("ltgtruri", &[Rule::RequestUri]);
    }

    /// RFC 4475 §3.1.2.8
    lwsruri_is_refused_for_the_space_in_its_request_uri "lwsruri" {
        let report = refused("lwsruri", &[Rule::RequestUri]);
        assert_eq!(report.message.unwrap().request_uri(), Some("sip:kit@torture.example; lr"));
    }

    /// RFC 4475 §3.1.2.9 lets a receiver pass over the spaces: it can be read.
    lwsstart_has_two_spaces_in_its_request_line "lwsstart" {
        let report = refused("lwsstart", &[Rule::StartLineSpaces]);
        assert_eq!(report.message.unwrap().request_uri(), Some("sip:kit@torture.example"));
    }

    /// RFC 4475 §3.1.2.10 lets a receiver pass over the spaces: it can be read.
    trws_has_spaces_behind_its_request_line "trws" {
        assert!(refused("trws", &[Rule::StartLineSpaces]).is_usable());
    }

    /// RFC 4475 §3.1.2.11
    escruri_has_headers_in_its_request_uri "escruri" {
        refused("escruri", &[Rule::RequestUriHeaders]);
    }

    /// RFC 4475 §3.1.2.12
    baddate_has_a_date_that_is_not_gmt "baddate" {
        refused("baddate", &[Rule::DateInvalid]);
    }

    /// RFC 4475 §3.1.2.13
    regbadct_has_a_contact_that_needs_brackets "regbadct" {
        let report = refused("regbadct", &[Rule::EssentialUnreadable]);
        assert!(report.message.unwrap().contact().is_err());
    }

    /// RFC 4475 §3.1.2.14
    badaspec_has_spaces_within_its_brackets "badaspec" {
        assert!(!refused("badaspec", &[Rule::EssentialUnreadable]).is_usable());
    }

    /// RFC 4475 §3.1.2.15
    baddn_has_a_comma_in_an_unquoted_display_name "baddn" {
        assert!(!refused("baddn", &[Rule::EssentialUnreadable]).is_usable());
    }

    /// RFC 4475 §3.1.2.16
    badvers_is_refused_for_a_version_of_the_future "badvers" {
        refused("badvers", &[Rule::Version]);
    }

    /// RFC 4475 §3.1.2.17
    mismatch01_is_refused_for_the_method_in_its_cseq "mismatch01" {
        refused("mismatch01", &[Rule::CSeqMethod]);
    }

    /// RFC 4475 §3.1.2.18
    mismatch02_is_refused_for_the_method_in_its_cseq "mismatch02" {
        refused("mismatch02", &[Rule::CSeqMethod, Rule::MethodUnknown]);
    }

    /// RFC 4475 §3.1.2.19
    bigcode_is_no_status_5_and_only_linted "bigcode" {
        let report = refused("bigcode", &[Rule::StatusCode]);
        assert_eq!(report.message.unwrap().status(), None);
    }

    /// RFC 4475 §3.2.1
    badbranch_is_matched_as_rfc_2543_had_it "badbranch" {
        assert_eq!(acted_on("badbranch").via().unwrap().branch(), Some("z9hG4bK"));
        assert!(finds("badbranch", Rule::BranchEmpty));
    }

    /// RFC 4475 §3.3.1
    insuf_is_refused_for_what_is_missing "insuf" {
        let report = refused("insuf", &[Rule::HeaderMissing, Rule::MaxForwardsMissing]);
        let missing = report.findings.iter().filter(|f| f.rule == Rule::HeaderMissing);
        assert_eq!(missing.count(), 3, "Call-ID, From and To");
    }

    /// RFC 4475 §3.3.2: 416.
    unkscm_is_read_though_nobody_knows_the_scheme "unkscm" {
        let message = acted_on("unkscm");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!(uri.scheme(), Scheme::Other("nobodyhasheardofit"));
    }

    /// RFC 4475 §3.3.3: 416.
    novelsc_is_read_though_the_scheme_is_no_sip "novelsc" {
        acted_on("novelsc");
    }

    /// RFC 4475 §3.3.4
    unksm2_registers_with_other_schemes "unksm2" {
        let message = acted_on("unksm2");
        assert_eq!(message.to().unwrap().uri().as_str(), "isbn:9780306406157");
        assert_eq!(message.from().unwrap().tag(), Some("uns2"));
        assert_eq!(message.contact().unwrap().uri().scheme(), Scheme::Other("name"));
    }

    /// RFC 4475 §3.3.5: 420.
    bext01_requires_what_nobody_does "bext01" {
        assert_eq!(acted_on("bext01").list(HeaderName::Require).count(), 2);
        assert!(finds("bext01", Rule::OptionTagUnknown));
    }

    /// RFC 4475 §3.3.6: 415.
    invut_has_a_body_of_an_unknown_type "invut" {
        let message = acted_on("invut");
        assert_eq!(text(&message, HeaderName::ContentType), "application/nobodyreadsthis");
        assert!(message.body().starts_with(b"<sound>"));
    }

    /// RFC 4475 §3.3.7: as if there were no credentials.
    regaut01_has_credentials_of_an_unknown_scheme "regaut01" {
        let message = acted_on("regaut01");
        let value = text(&message, HeaderName::Authorization);
        let credentials = header::Credentials::parse(HeaderName::Authorization, &value).unwrap();
        assert_eq!(credentials.scheme(), "NobodyKnowsThisScheme");
    }

    /// RFC 4475 §3.3.8
    multi01_is_refused_for_headers_that_may_stand_there_once "multi01" {
        let report = refused("multi01", &[Rule::HeaderRepeated]);
        assert!(!report.is_usable());
        let repeated = report.findings.iter().filter(|f| f.rule == Rule::HeaderRepeated);
        assert_eq!(repeated.count(), 5, "CSeq, Call-ID, To, From and Max-Forwards");
        assert_eq!(answers("multi01"), ["400"]);
    }

    /// RFC 4475 §3.3.9
    mcl01_is_refused_for_two_content_lengths "mcl01" {
        assert!(refused("mcl01", &[Rule::ContentLengthConflict]).is_usable());
        assert_eq!(answers("mcl01"), ["400"]);
    }

    /// RFC 4475 §3.3.10: a client drops it, for its second Via.
    bcast_is_read_and_would_go_to_everyone "bcast" {
        assert_eq!(acted_on("bcast").list(HeaderName::Via).count(), 2);
        assert!(finds("bcast", Rule::ViaBroadcast) && finds("bcast", Rule::SeveralVias));
    }

    /// RFC 4475 §3.3.11: the last hop may still answer.
    zeromf_has_no_hops_left "zeromf" {
        assert_eq!(text(&acted_on("zeromf"), HeaderName::MaxForwards), "0");
        assert!(finds("zeromf", Rule::MaxForwardsZero));
    }

    /// RFC 4475 §3.3.12
    cparam01_has_a_parameter_of_the_header "cparam01" {
        let message = acted_on("cparam01");
        let contact = message.contact().unwrap();
        assert!(contact.params().has("strangeparam"));
        assert!(!contact.uri().params().has("strangeparam"));
    }

    /// RFC 4475 §3.3.13
    cparam02_has_a_parameter_of_the_uri "cparam02" {
        let message = acted_on("cparam02");
        let contact = message.contact().unwrap();
        assert!(!contact.params().has("strangeparam"));
        assert!(contact.uri().params().has("strangeparam"));
    }

    /// RFC 4475 §3.3.14
    regescrt_has_a_header_in_its_contact "regescrt" {
        let message = acted_on("regescrt");
        let value = message.contact().unwrap().uri().headers();
        assert_eq!(value, "Route=%3Csip:proxy.torture.example%3E");
    }

    /// RFC 4475 §3.3.15: 406 where only SDP could be answered.
    sdp01_accepts_no_sdp "sdp01" {
        assert_eq!(text(&acted_on("sdp01"), HeaderName::Accept), "text/nobodywritesthis");
    }

    /// RFC 4475 §3.4.1
    inv2543_has_no_branch_no_tag_no_length_and_a_body "inv2543" {
        let message = acted_on("inv2543");
        assert_eq!(message.via().unwrap().branch(), None);
        assert_eq!(message.from().unwrap().tag(), None);
        assert_eq!(message.to().unwrap().params().value("user"), Some("phone"));
        assert!(message.body().starts_with(b"v=0\r\n") && message.body().ends_with(b"\r\n"));
    }

    /// RFC 5118 §4.1
    ipv6_good_has_an_address_in_brackets "ipv6-good" {
        let message = acted_on("ipv6-good");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!((uri.host(), uri.port()), ("[2001:db8::10]", None));
        assert_eq!(message.contact().unwrap().uri().host(), "[2001:db8::1]");
    }

    /// RFC 5118 §4.2
    ipv6_bad_is_refused_for_the_brackets_that_are_not_there "ipv6-bad" {
        refused("ipv6-bad", &[Rule::UriHost]);
    }

    /// RFC 5118 §4.3
    port_ambiguous_has_no_port "port-ambiguous" {
        let message = acted_on("port-ambiguous");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!((uri.host(), uri.port()), ("[2001:db8::10:5070]", None));
    }

    /// RFC 5118 §4.4
    port_unambiguous_has_a_port "port-unambiguous" {
        let message = acted_on("port-unambiguous");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!((uri.host(), uri.port()), ("[2001:db8::10]", Some(5070)));
    }

    /// RFC 5118 §4.5
    received_may_have_brackets "via-received-param-with-delim" {
        let message = acted_on("via-received-param-with-delim");
        assert_eq!(message.via().unwrap().received(), "2001:db8::9:255".parse().ok());
    }

    /// RFC 5118 §4.5
    received_may_have_no_brackets "via-received-param-no-delim" {
        let message = acted_on("via-received-param-no-delim");
        assert_eq!(message.via().unwrap().received(), "2001:db8::9:255".parse().ok());
    }

    /// RFC 5118 §4.6
    ipv6_in_sdp_stays_as_it_is "ipv6-in-sdp" {
        let body = acted_on("ipv6-in-sdp").body();
        assert!(String::from_utf8_lossy(&body).contains("c=IN IP6 2001:db8::20\r\n"));
    }

    /// RFC 5118 §4.7
    mult_ip_in_header_mixes_versions "mult-ip-in-header" {
        let message = acted_on("mult-ip-in-header");
        assert_eq!(message.via().unwrap().port(), Some(6050));
        let last = message.list(HeaderName::Via).last().unwrap();
        let last = header::Via::parse(last).unwrap();
        assert_eq!((last.host(), last.received()), ("[2001:db8::9:255]", "192.0.2.200".parse().ok()));
    }

    /// RFC 5118 §4.8
    mult_ip_in_sdp_mixes_versions "mult-ip-in-sdp" {
        let body = acted_on("mult-ip-in-sdp").body();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("IP4 192.0.2.33") && body.contains("IP6 2001:db8::20"));
    }

    /// RFC 5118 §4.9
    ipv4_mapped_addresses_are_read "ipv4-mapped" {
        let message = acted_on("ipv4-mapped");
        assert_eq!(message.contact().unwrap().uri().host(), "[::ffff:192.0.2.2]");
        assert_eq!(message.via().unwrap().port(), Some(19823));
    }

    /// RFC 5118 §4.9
    ipv4_mapped_addresses_may_be_in_hexadecimal "ipv4-mapped-ipv6" {
        let message = acted_on("ipv4-mapped-ipv6");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert!(uri.is_equivalent(&Uri::parse("sip:kit@[::ffff:192.0.2.10]").unwrap()));
    }

    /// RFC 5118 §4.10
    three_colons_are_taken "ipv6-bug-abnf-3-colons" {
        let message = acted_on("ipv6-bug-abnf-3-colons");
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!(uri.host(), "[2001:db8:::192.0.2.1]");
        assert!(finds("ipv6-bug-abnf-3-colons", Rule::UriThreeColons));
    }
}
