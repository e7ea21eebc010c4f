use super::*;

/// A zone: what DNS says, one record a line as `NAME KIND DATA`.
fn answers(zone: &str, questions: &[Question]) -> Vec<Answer> {
    questions.iter().map(|question| answer(zone, question)).collect()
}

fn answer(zone: &str, question: &Question) -> Answer {
    let kind = question.kind.to_string();
    let lines = zone.lines().map(str::trim).filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let (of, data) = rest.split_once(' ')?;
        (name == question.name && of == kind).then_some(data)
    });
    let mut records = Vec::new();
    for data in lines {
        let word: Vec<&str> = data.split(' ').collect();
        records.push(match (question.kind, &*word) {
            (_, ["TIMEOUT"]) => return Err(LookupFailure::TimedOut),
            (_, ["SERVFAIL"]) => return Err(LookupFailure::Error("SERVFAIL".to_owned())),
            (Kind::A | Kind::Aaaa, [address]) => Record::Address(address.parse().unwrap()),
            (Kind::Srv, [priority, weight, port, target]) => Record::Srv(Srv {
                priority: priority.parse().unwrap(),
                weight: weight.parse().unwrap(),
                port: port.parse().unwrap(),
                target: (*target).to_owned(),
            }),
            (Kind::Naptr, [order, preference, flags, service, replacement]) => {
                Record::Naptr(Naptr {
                    order: order.parse().unwrap(),
                    preference: preference.parse().unwrap(),
                    flags: (*flags).to_owned(),
                    service: (*service).to_owned(),
                    replacement: (*replacement).to_owned(),
                })
            }
            _ => panic!("{data}"),
        });
    }
    let exists = zone.lines().any(|line| line.trim().split(' ').next() == Some(&question.name));
    match (records.is_empty(), exists) {
        (false, _) => Ok(records),
        (true, true) => Err(LookupFailure::NoRecords),
        (true, false) => Err(LookupFailure::NoSuchName),
    }
}

fn target(text: &str) -> Target {
    let (transport, rest) = text.split_once(' ').unwrap();
    let (host, port) = match rest.rsplit_once(' ') {
        Some((host, port)) => (host, Some(port.parse().unwrap())),
        None => (rest, None),
    };
    let (transport, discovery) = match transport {
        "sip" => (Transport::Udp, Discovery::Services),
        "sips" => (Transport::Tls, Discovery::Services),
        name => (name.parse().unwrap(), Discovery::Service),
    };
    let discovery = if port.is_some() { Discovery::Address } else { discovery };
    let port = port.unwrap_or(transport.default_port());
    Target { host: host.to_owned(), port, transport, discovery }
}

fn resolve(wanted: &str, usable: &[Transport], zone: &str) -> Resolved {
    let mut resolution = Resolution::new(target(wanted), usable, "10.0.0.53:53");
    for round in 0.. {
        let questions = resolution.questions();
        if questions.is_empty() {
            break;
        }
        assert!(round < 3, "three rounds at most");
        resolution.answer(answers(zone, &questions));
    }
    resolution.finish()
}

/// The candidates, one word each.
fn found(wanted: &str, zone: &str) -> String {
    let resolved = resolve(wanted, &Transport::ALL, zone);
    match resolved.candidates(1) {
        Ok(list) => list
            .iter()
            .map(|c| format!("{} {}", c.transport, c.address))
            .collect::<Vec<_>>()
            .join(", "),
        Err(error) => error.to_string(),
    }
}

const ZONE: &str = "
    a.test NAPTR 20 10 s SIP+D2U _sip._udp.a.test
    a.test NAPTR 10 20 s SIP+D2T _tcp.other.test
    a.test NAPTR 10 10 s SIPS+D2T _sips._tcp.a.test
    a.test NAPTR 5 10 u E2U+web .
    _sips._tcp.a.test SRV 0 0 5061 h1.test
    _tcp.other.test SRV 0 0 5070 h2.test
    _sip._udp.a.test SRV 0 0 5060 h1.test
    h1.test A 192.0.2.1
    h1.test AAAA 2001:db8::1
    h2.test A 192.0.2.2
    b.test A 192.0.2.9
    _sip._udp.b.test SRV 10 0 5062 h2.test
    _sip._udp.b.test SRV 5 0 5060 h1.test
    _sip._tcp.b.test SRV 0 0 5063 h2.test
    _sips._tcp.b.test SRV 0 0 5064 h2.test
    plain.test A 192.0.2.3
    plain.test AAAA 2001:db8::3
    six.test AAAA 2001:db8::6
    _sip._udp.none.test SRV 0 0 0 .
    none.test A 192.0.2.4
    _sip._udp.half.test SRV 0 0 0 .
    _sip._tcp.half.test SRV 0 0 5063 h2.test
    _sip._ws.b.test SRV 0 0 8080 h1.test
";

#[test]
fn each_kind_of_target_is_found_as_rfc_3263_says() {
    for (wanted, expected) in [
        // §4.1 NAPTR: the lowest order that has a SIP service, by preference, secure ones too.
        ("sip a.test", "tls 192.0.2.1:5061, tls [2001:db8::1]:5061, tcp 192.0.2.2:5070"),
        ("sips a.test", "tls 192.0.2.1:5061, tls [2001:db8::1]:5061"),
        // §4.1: no NAPTR, SRV of each transport; §4.3 all of them are candidates.
        (
            "sip b.test",
            "udp 192.0.2.1:5060, udp [2001:db8::1]:5060, udp 192.0.2.2:5062, tcp 192.0.2.2:5063",
        ),
        ("sips b.test", "tls 192.0.2.2:5064"),
        // One service that is refused does not keep the others out.
        ("sip half.test", "tcp 192.0.2.2:5063"),
        // A transport that is given needs no NAPTR.
        ("tcp a.test", "a.test"),
        ("tcp b.test", "tcp 192.0.2.2:5063"),
        ("tls b.test", "tls 192.0.2.2:5064"),
        ("ws b.test", "ws 192.0.2.1:8080, ws [2001:db8::1]:8080"),
        // §4.2: a port that is given needs no SRV.
        ("udp b.test 5090", "udp 192.0.2.9:5090"),
        // Neither: the addresses with the default transport and port.
        ("sip plain.test", "udp 192.0.2.3:5060, udp [2001:db8::3]:5060"),
        ("sips plain.test", "tls 192.0.2.3:5061, tls [2001:db8::3]:5061"),
        ("tcp plain.test", "tcp 192.0.2.3:5060, tcp [2001:db8::3]:5060"),
        ("sip six.test", "udp [2001:db8::6]:5060"),
        // An address is its own.
        ("sip 192.0.2.7", "udp 192.0.2.7:5060"),
        ("tls 2001:db8::7", "tls [2001:db8::7]:5061"),
        ("tcp 192.0.2.7 5099", "tcp 192.0.2.7:5099"),
    ] {
        let found = found(wanted, ZONE);
        assert!(found.starts_with(expected), "{wanted}: {found}");
        assert!(expected == "a.test" || found == expected, "{wanted}: {found}");
    }
}

#[test]
fn what_is_not_to_be_found_is_told_with_the_question_and_the_server() {
    for (wanted, zone, expected) in [
        (
            "sip no.test",
            "",
            "no.test cannot be resolved: 10.0.0.53:53 says that there is no such name (NXDOMAIN) (asked for NAPTR no.test, SRV _sip._udp.no.test, SRV _sip._tcp.no.test, A no.test, AAAA no.test)",
        ),
        (
            "udp x.test 5060",
            "x.test SRV 0 0 1 y.test",
            "x.test cannot be resolved: 10.0.0.53:53 has no such records (asked for A x.test, AAAA x.test)",
        ),
        (
            "udp x.test 5060",
            "x.test A SERVFAIL\nx.test AAAA SERVFAIL",
            "x.test cannot be resolved: 10.0.0.53:53 could not answer: SERVFAIL (asked for A x.test, AAAA x.test)",
        ),
        (
            "sip x.test",
            "x.test NAPTR TIMEOUT\n_sip._udp.x.test SRV TIMEOUT\n_sip._tcp.x.test SRV TIMEOUT\nx.test A TIMEOUT",
            "x.test cannot be resolved: 10.0.0.53:53 did not answer in time (asked for NAPTR x.test, SRV _sip._udp.x.test, SRV _sip._tcp.x.test, A x.test, AAAA x.test)",
        ),
        (
            "sip x.test",
            "_sip._udp.x.test SRV TIMEOUT\n_sip._tcp.x.test SRV SERVFAIL",
            "x.test cannot be resolved: 10.0.0.53:53 says that there is no such name (NXDOMAIN) (asked for NAPTR x.test, SRV _sip._udp.x.test, SRV _sip._tcp.x.test, A x.test, AAAA x.test); for SRV _sip._udp.x.test it did not answer in time; for SRV _sip._tcp.x.test it could not answer: SERVFAIL",
        ),
        (
            "sip none.test",
            "_sip._udp.none.test SRV 0 0 0 .\n_sip._tcp.none.test SRV 0 0 0 .",
            "none.test cannot be resolved: its SRV records say that it has no such service (_sip._udp.none.test, _sip._tcp.none.test, RFC 2782)",
        ),
        // One that is refused is told, though the name has an address.
        (
            "udp none.test",
            "_sip._udp.none.test SRV 0 0 0 .\nnone.test A 192.0.2.4",
            "none.test cannot be resolved: its SRV records say that it has no such service (_sip._udp.none.test, RFC 2782)",
        ),
        (
            "sip none.test",
            "_sip._udp.none.test SRV 0 0 0 .\nnone.test A 192.0.2.4",
            "none.test cannot be resolved: its SRV records say that it has no such service (_sip._udp.none.test, RFC 2782)",
        ),
        (
            "sip x.test",
            "x.test NAPTR 1 1 a SIP+D2U y.test\ny.test A 192.0.2.4",
            "x.test cannot be resolved: its NAPTR records offer only SIP+D2U with the flags \"a\" and not \"s\", and what can be used is udp, tcp, tls, ws, wss (RFC 3263 §4.1)",
        ),
        (
            "sips x.test",
            "x.test NAPTR 1 1 s SIP+D2U _sip._udp.x.test\nx.test NAPTR 1 2 s SIP+D2S _sip._sctp.x.test",
            "x.test cannot be resolved: its NAPTR records offer only SIP+D2U, SIP+D2S, and what can be used is tls, wss (RFC 3263 §4.1)",
        ),
        (
            "udp ev\x1bil.test 1",
            "",
            "ev\\x1bil.test cannot be resolved: 10.0.0.53:53 says that there is no such name (NXDOMAIN) (asked for A ev\\x1bil.test, AAAA ev\\x1bil.test)",
        ),
    ] {
        assert_eq!(found(wanted, zone), expected, "{wanted}");
    }
}

#[test]
fn a_server_that_fails_at_naptr_is_asked_for_the_rest() {
    let zone = "x.test NAPTR SERVFAIL\nx.test A 192.0.2.1";
    assert_eq!(found("sip x.test", zone), "udp 192.0.2.1:5060");
}

#[test]
fn one_family_that_fails_does_not_keep_the_other_out() {
    let zone = "x.test A 192.0.2.1\nx.test AAAA TIMEOUT";
    assert_eq!(found("udp x.test 5060", zone), "udp 192.0.2.1:5060");
}

#[test]
fn what_the_client_cannot_use_is_passed_over() {
    let resolved = resolve("sip a.test", &[Transport::Udp], ZONE);
    let list = resolved.candidates(1).unwrap();
    assert_eq!(list.len(), 2, "order 20 counts, because order 10 has nothing usable");
    assert!(list.iter().all(|candidate| candidate.transport == Transport::Udp));
    let lookups: Vec<String> = resolved.lookups.iter().map(Lookup::to_string).collect();
    assert_eq!(lookups[1], "SRV _sip._udp.a.test: 0 0 5060 h1.test");
    assert_eq!(list[0].to_string(), "udp 192.0.2.1:5060 (SRV 0 0 h1.test)");
}

#[test]
fn each_place_is_a_candidate_once() {
    let zone = "
        _sip._udp.x.test SRV 0 0 5060 h.test
        _sip._udp.x.test SRV 1 0 5060 h.test
        _sip._udp.x.test SRV 2 0 5060 other.test
        h.test A 192.0.2.1
        other.test A 192.0.2.1";
    assert_eq!(found("udp x.test", zone), "udp 192.0.2.1:5060");
}

#[test]
fn an_answer_without_end_is_cut() {
    let zone: String = (0..200).map(|n| format!("x.test A 10.0.0.{n}\n")).collect();
    let resolved = resolve("udp x.test 1", &Transport::ALL, &zone);
    assert_eq!(resolved.candidates(1).unwrap().len(), MOST_RECORDS);
}

#[test]
fn weights_are_drawn_in_their_proportion_and_priorities_never_mixed() {
    let zone = "
        _sip._udp.x.test SRV 10 75 1 a.test
        _sip._udp.x.test SRV 10 25 2 a.test
        _sip._udp.x.test SRV 20 100 3 a.test
        _sip._udp.x.test SRV 10 0 4 a.test
        a.test A 192.0.2.1";
    let resolved = resolve("udp x.test", &Transport::ALL, zone);
    let mut firsts = [0; 5];
    for seed in 0..4000 {
        let ports: Vec<u16> =
            resolved.candidates(seed).unwrap().iter().map(|c| c.address.port()).collect();
        assert_eq!(ports.len(), 4);
        assert_eq!(ports[3], 3, "the higher priority number comes last");
        firsts[usize::from(ports[0])] += 1;
    }
    assert!((2800..3100).contains(&firsts[1]), "{firsts:?}");
    assert!((850..1150).contains(&firsts[2]), "{firsts:?}");
    assert!((1..150).contains(&firsts[4]), "weight 0 has a very small chance: {firsts:?}");
    assert_eq!(resolved.candidates(7), resolved.candidates(7), "the seed decides");
}

#[test]
fn a_question_without_an_answer_leaves_the_next_ones_to_be_asked() {
    for (zone, expected) in [
        (
            "x.test NAPTR TIMEOUT\n_sip._udp.x.test SRV 0 0 5070 h.test\nh.test A 192.0.2.1",
            "udp 192.0.2.1:5070",
        ),
        (
            "x.test NAPTR TIMEOUT\n_sip._udp.x.test SRV TIMEOUT\n_sip._tcp.x.test SRV TIMEOUT\n\
             x.test A 192.0.2.2",
            "udp 192.0.2.2:5060",
        ),
    ] {
        assert_eq!(found("sip x.test", zone), expected, "{zone}");
    }
}

#[test]
fn what_is_never_answered_counts_as_timed_out() {
    let resolution = Resolution::new(target("sip x.test"), &Transport::ALL, "nobody");
    let error = resolution.finish().candidates(0).unwrap_err().to_string();
    assert!(error.contains("nobody did not answer in time"), "{error}");
}
