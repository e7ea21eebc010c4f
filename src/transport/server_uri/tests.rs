//! How servers are written, and read.

use super::*;

#[test]
fn sips_over_udp_is_refused_with_what_would_be_secure() {
    let error = "sips:h;transport=udp".parse::<ServerUri>().unwrap_err().to_string();
    assert!(error.contains("transport=tls") && !error.contains("write udp"), "{error}");
}

#[test]
fn a_websocket_url_has_no_user_no_fragment_and_no_bare_bytes() {
    for (text, error) in [
        ("ws://alice:s3cret@h/ws", ServerUriError::UserInfo),
        ("wss://h/ws#top", ServerUriError::Fragment),
        ("wss://h#top", ServerUriError::Fragment),
        ("ws://h/caf\u{e9}", ServerUriError::Path('\u{e9}')),
        ("ws://h/a b", ServerUriError::Path(' ')),
    ] {
        assert_eq!(text.parse::<ServerUri>(), Err(error.clone()), "{text}");
        assert!(!error.to_string().contains("s3cret"));
    }
    assert!("ws://h/a@b;c=%20?x=1&y='z'".parse::<ServerUri>().is_ok());
}

#[test]
fn every_form_is_read_and_written_back() {
    for (text, transport, host, port, written) in [
        ("ws://127.0.0.1:5066", Transport::Ws, "127.0.0.1", 5066, "ws://127.0.0.1:5066"),
        ("WSS://edge.test/ws", Transport::Wss, "edge.test", 443, "wss://edge.test:443/ws"),
        ("ws://[::1]:80/a?b", Transport::Ws, "::1", 80, "ws://[::1]:80/a?***"),
        ("sip:10.0.0.1", Transport::Udp, "10.0.0.1", 5060, "sip:10.0.0.1:5060;transport=udp"),
        ("sip:h:5070;transport=TCP", Transport::Tcp, "h", 5070, "sip:h:5070;transport=tcp"),
        ("sips:h", Transport::Tls, "h", 5061, "sips:h"),
        ("sips:h:5061", Transport::Tls, "h", 5061, "sips:h:5061"),
        ("sip:h", Transport::Udp, "h", 5060, "sip:h"),
        ("sip:h;transport=tcp", Transport::Tcp, "h", 5060, "sip:h;transport=tcp"),
        (
            "sip:h;maddr=192.0.2.1",
            Transport::Udp,
            "h",
            5060,
            "sip:h:5060;transport=udp;maddr=192.0.2.1",
        ),
        ("sip:h:5070;maddr=::1", Transport::Udp, "h", 5070, "sip:h:5070;transport=udp;maddr=[::1]"),
        (
            "sip:[2001:db8::1]",
            Transport::Udp,
            "2001:db8::1",
            5060,
            "sip:[2001:db8::1]:5060;transport=udp",
        ),
    ] {
        let server: ServerUri = text.parse().unwrap();
        assert_eq!(
            (server.transport, &*server.host, server.port),
            (transport, host, port),
            "{text}"
        );
        assert_eq!(server.to_string(), written);
    }
    let server: ServerUri = "wss://h/p?token=secret".parse().unwrap();
    assert_eq!(server.url(), "wss://h:443/p?token=secret");
}

#[test]
fn what_is_left_open_is_looked_up_and_maddr_in_place_of_the_host() {
    for (text, host, discovery) in [
        ("sip:h", "h", Discovery::Services),
        ("sip:h;transport=udp", "h", Discovery::Service),
        ("sip:h:5060", "h", Discovery::Address),
        ("sip:h;maddr=m", "m", Discovery::Services),
        ("sip:h;maddr=[::1]", "::1", Discovery::Address),
        ("sip:192.0.2.1", "192.0.2.1", Discovery::Address),
        ("ws://h", "h", Discovery::Address),
    ] {
        let target = text.parse::<ServerUri>().unwrap().target();
        assert_eq!((&*target.host, target.discovery), (host, discovery), "{text}");
    }
}

#[test]
fn a_maddr_is_a_host_and_nothing_else() {
    for (text, host) in [("m.test", "m.test"), ("[::1]", "::1"), ("::1", "::1")] {
        let server: ServerUri = format!("sip:h;maddr={text}").parse().unwrap();
        assert_eq!(server.maddr.as_deref(), Some(host), "{text}");
    }
    for text in ["h:5070", "192.0.2.1:5070", "[::1]:5070"] {
        let error = format!("sip:h;maddr={text}").parse::<ServerUri>().unwrap_err();
        assert!(error.to_string().contains("is no"), "{text}: {error}");
    }
}

#[test]
fn a_resolved_server_keeps_its_name_and_has_an_address() {
    let server: ServerUri = "ws://h:8080/p".parse().unwrap();
    assert_eq!(server.socket_address(), None);
    let address = "192.0.2.1:8080".parse().unwrap();
    let candidate = Candidate {
        transport: Transport::Ws,
        address,
        source: crate::sip::resolution::Source::Address,
    };
    let resolved = server.resolved(&candidate);
    assert_eq!(resolved.socket_address(), Some(address));
    assert_eq!(resolved.to_string(), "ws://h:8080/p (192.0.2.1:8080)");
    assert_eq!(resolved.url(), "ws://h:8080/p");
}

#[test]
fn brackets_behind_the_host_hold_no_address() {
    for text in ["ws://127.0.0.1:9/a[%20]b", "ws://[::1]:9/a?b=[%25lo]", "wss://h:9?[%3]"] {
        let server: ServerUri = text.parse().unwrap();
        assert_eq!(server.zone, None, "{text}");
        assert_eq!(server.url().replace("/?", "?"), text);
    }
    let server: ServerUri = "sip:h?subject=[%20]".parse().unwrap();
    assert_eq!(server.zone, None);
}

#[test]
fn the_refusal_says_what_to_write() {
    for text in ["", "host", "http://x", "sip:", "sip:h;transport=sctp", "ws://", "sip:h:0x1"] {
        let error = text.parse::<ServerUri>().unwrap_err().to_string();
        assert!(error.contains("not a"), "{text}: {error}");
    }
}

#[test]
fn a_link_local_server_is_in_its_zone_which_nobody_else_is_told() {
    for (text, address, written, url) in [
        (
            "sip:[fe80::1%253]",
            "[fe80::1%3]:5060",
            "sip:[fe80::1%253]:5060;transport=udp",
            "sip:[fe80::1]:5060;transport=udp",
        ),
        (
            "ws://[fe80::1%3]:80/a",
            "[fe80::1%3]:80",
            "ws://[fe80::1%253]:80/a",
            "ws://[fe80::1]:80/a",
        ),
        (
            "sip:h;maddr=[fe80::1%253]",
            "[fe80::1%3]:5060",
            "sip:h:5060;transport=udp;maddr=[fe80::1%253]",
            "sip:h:5060;transport=udp;maddr=[fe80::1]",
        ),
    ] {
        let server: ServerUri = text.parse().unwrap();
        assert_eq!(server.socket_address(), Some(address.parse().unwrap()), "{text}");
        assert_eq!((&*server.to_string(), &*server.url()), (written, url));
        assert_eq!(written.parse::<ServerUri>().unwrap().to_string(), written);
    }
    for text in ["sip:[fe80::1%25]", "sip:[fe80::1%25no such]", "sips:[fe80::1%25nowhere]:5061"] {
        let error = text.parse::<ServerUri>().unwrap_err().to_string();
        assert!(error.starts_with("no network interface is called"), "{text}: {error}");
    }
    assert!("sip:[%253]".parse::<ServerUri>().is_err());
}
