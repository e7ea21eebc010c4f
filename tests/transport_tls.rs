//! TLS flows and listeners on loopback, with certificates of the tests' own (RFC 5922).

mod certificates;

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use certificates::{Authority, Issued, TempFile, dns, ip, uri};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    NameConstraints, SanType, date_time_ymd,
};
use sipboard::{
    sip::{FlowId, Transport},
    transport::{
        ClientIdentity, FlowFacts, FlowSettings, Network, ServerUri, Signal, TlsSettings, Trust,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, crypto::ring, pki_types::PrivateKeyDer,
        server::WebPkiClientVerifier,
    },
};

const DEADLINE: Duration = Duration::from_secs(30);
const LOOPBACK: &str = "127.0.0.1:0";
const FLOW: FlowId = FlowId(1);
const OPTIONS: &str = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n";

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.expect("in time")
}

struct Ear {
    network: Network,
    heard: VecDeque<Signal>,
}

impl Ear {
    fn dial(server: &ServerUri, tls: TlsSettings) -> Ear {
        let settings = FlowSettings { tls, ..FlowSettings::default() };
        let mut network = Network::new();
        network.connect(FLOW, server, &settings);
        Ear { network, heard: VecDeque::new() }
    }

    async fn next(&mut self) -> Signal {
        while self.heard.is_empty() {
            let mut signals = Vec::new();
            in_time(self.network.receive(&mut signals)).await;
            self.heard.extend(signals);
        }
        self.heard.pop_front().unwrap()
    }

    async fn up(&mut self) -> Arc<FlowFacts> {
        match self.next().await {
            Signal::Up { facts, .. } => facts,
            other => panic!("{other:?}"),
        }
    }

    async fn down(&mut self) -> String {
        match self.next().await {
            Signal::Down { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    async fn message(&mut self) -> Bytes {
        match self.next().await {
            Signal::Message { bytes, .. } => bytes,
            other => panic!("{other:?}"),
        }
    }
}

/// A server with that certificate, and how to reach it under a name.
struct Server {
    ear: Ear,
    address: SocketAddr,
    transport: Transport,
}

impl Server {
    async fn new(transport: Transport, issued: &Issued) -> Server {
        let mut network = Network::new();
        let address = LOOPBACK.parse().unwrap();
        let address = network.listen_secure(transport, address, &issued.identity()).unwrap();
        Server { ear: Ear { network, heard: VecDeque::new() }, address, transport }
    }

    fn uri(&self) -> ServerUri {
        match self.transport {
            Transport::Tls => format!("sips:{}", self.address).parse().unwrap(),
            _ => format!("wss://{}", self.address).parse().unwrap(),
        }
    }
}

fn trusting(trust: Trust, name: Option<&str>) -> TlsSettings {
    TlsSettings { trust, server_name: name.map(str::to_owned), ..TlsSettings::default() }
}

/// Why a client that asks for `name` does not take a certificate; nothing where it does.
async fn verdict(
    transport: Transport,
    authority: &Authority,
    name: Option<&str>,
    names: &[SanType],
    change: impl FnOnce(&mut CertificateParams),
) -> Option<String> {
    let server = Server::new(transport, &authority.issue(names, change)).await;
    let mut client = Ear::dial(&server.uri(), trusting(authority.trust(), name));
    let before = format!("{} cannot be reached: ", server.uri());
    match client.next().await {
        Signal::Up { .. } => None,
        Signal::Down { reason, .. } => {
            Some(reason.strip_prefix(&before).expect("the address stands first").to_owned())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_go_both_ways_and_the_facts_are_known() {
    let authority = Authority::new("the issuer");
    let issued = authority.issue(&[ip("127.0.0.1"), dns("a.test")], |_| {});
    let mut server = Server::new(Transport::Tls, &issued).await;
    let mut client = Ear::dial(&server.uri(), trusting(authority.trust(), None));
    let facts = client.up().await;
    let tls = facts.tls.as_ref().unwrap();
    assert_eq!((&*tls.version, tls.verified), ("TLS 1.3", true));
    assert!(tls.cipher_suite.starts_with("TLS_"), "{}", tls.cipher_suite);
    let [leaf] = &tls.chain[..] else { panic!("{tls:?}") };
    assert_eq!((&*leaf.subject, &*leaf.issuer), ("CN=the common name", "CN=the issuer"));
    assert_eq!((&leaf.names.dns[0], leaf.names.addresses.len()), (&"a.test".to_owned(), 1));

    client.network.send(FLOW, None, OPTIONS.into()).unwrap();
    let Signal::Accepted { flow, transport: Transport::Tls, .. } = server.ear.next().await else {
        panic!()
    };
    assert_eq!(server.ear.message().await, OPTIONS);
    server.ear.network.send(flow, None, OPTIONS.repeat(100).into()).unwrap();
    for _ in 0..100 {
        assert_eq!(client.message().await, OPTIONS);
    }
    server.ear.network.close(flow);
    assert_eq!(client.down().await, format!("{} closed the connection", server.uri()));
}

#[tokio::test]
async fn a_sip_identity_is_found_as_rfc_5922_says() {
    let authority = Authority::new("the issuer");
    let tls = Transport::Tls;
    let cases: [(&str, &[SanType], bool); 7] = [
        ("a.test", &[uri("sip:a.test"), dns("b.test")], true),
        ("b.test", &[uri("sip:a.test"), dns("b.test")], false),
        ("b.test", &[uri("sip:x@b.test"), dns("b.test")], true),
        ("B.Test", &[dns("b.test")], true),
        ("a.b.test", &[dns("*.b.test")], false),
        ("127.0.0.1", &[ip("127.0.0.1")], true),
        ("127.0.0.1", &[dns("localhost")], false),
    ];
    for (name, names, expected) in cases {
        let verdict = verdict(tls, &authority, Some(name), names, |_| {}).await;
        assert_eq!(verdict.is_none(), expected, "{name} {names:?}: {verdict:?}");
    }
    let common = |params: &mut CertificateParams| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "cn.test");
    };
    assert_eq!(verdict(tls, &authority, Some("cn.test"), &[], common).await, None);
    assert!(verdict(tls, &authority, Some("cn.test"), &[dns("x")], common).await.is_some());
}

#[tokio::test]
async fn a_websocket_server_may_have_a_wildcard() {
    let authority = Authority::new("the issuer");
    let names = [dns("*.b.test")];
    let verdict =
        async |name| verdict(Transport::Wss, &authority, Some(name), &names, |_| {}).await;
    assert_eq!(verdict("a.b.test").await, None);
    let words = "its certificate is for *.b.test, and not for b.test (RFC 9525 §6)";
    assert_eq!(verdict("b.test").await.as_deref(), Some(words));
}

#[tokio::test]
async fn messages_go_both_ways_over_wss_and_the_subprotocol_is_known() {
    let authority = Authority::new("the issuer");
    let issued = authority.issue(&[ip("127.0.0.1")], |_| {});
    let mut server = Server::new(Transport::Wss, &issued).await;
    let mut client = Ear::dial(&server.uri(), trusting(authority.trust(), None));
    let facts = client.up().await;
    assert_eq!(facts.subprotocol.as_deref(), Some("sip"));
    assert!(facts.tls.as_ref().is_some_and(|tls| tls.verified));
    client.network.send(FLOW, None, OPTIONS.into()).unwrap();
    let Signal::Accepted { flow, transport: Transport::Wss, .. } = server.ear.next().await else {
        panic!()
    };
    assert_eq!(server.ear.message().await, OPTIONS);
    server.ear.network.send(flow, None, OPTIONS.into()).unwrap();
    assert_eq!(client.message().await, OPTIONS);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_named_with_its_names() {
    let authority = Authority::new("the issuer");
    let names = [dns("a.test"), dns("b.test"), ip("10.0.0.1")];
    assert_eq!(
        verdict(Transport::Tls, &authority, None, &names, |_| {}).await.unwrap(),
        "its certificate is for a.test, b.test, 10.0.0.1, and not for 127.0.0.1 (RFC 5922 §7)"
    );
}

#[tokio::test]
async fn dates_are_told() {
    let authority = Authority::new("the issuer");
    let names = [ip("127.0.0.1")];
    let verdict = verdict(Transport::Tls, &authority, None, &names, |params| {
        params.not_after = date_time_ymd(2020, 3, 4);
    });
    let words = "its certificate expired on 2020-03-04 00:00:00 UTC";
    assert_eq!(verdict.await.as_deref(), Some(words));
    let verdict = self::verdict(Transport::Tls, &authority, None, &names, |params| {
        params.not_before = date_time_ymd(2999, 1, 1);
    });
    let words = "its certificate is not valid before 2999-01-01 00:00:00 UTC";
    assert_eq!(verdict.await.as_deref(), Some(words));
}

#[tokio::test]
async fn a_certificate_is_for_servers_or_for_sip_domains() {
    let authority = Authority::new("the issuer");
    let names = [ip("127.0.0.1")];
    let words = "its certificate may not be used for a server (extended key usage, RFC 5280 §4.2.1.12, RFC 5924)";
    let sip_domain = ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 20]);
    for (transport, purpose, expected) in [
        (Transport::Tls, ExtendedKeyUsagePurpose::ServerAuth, None),
        (Transport::Tls, sip_domain.clone(), None),
        (Transport::Tls, ExtendedKeyUsagePurpose::Any, None),
        (Transport::Tls, ExtendedKeyUsagePurpose::ClientAuth, Some(words)),
        (Transport::Wss, sip_domain, Some(words)),
    ] {
        let only = |params: &mut CertificateParams| params.extended_key_usages = vec![purpose];
        let verdict = verdict(transport, &authority, None, &names, only).await;
        assert_eq!(verdict.as_deref(), expected, "{transport}");
    }
}

#[tokio::test]
async fn an_issuer_vouches_for_the_names_only_that_it_may() {
    let authority = Authority::with("the issuer", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("a.test".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    for (name, expected) in [
        ("sip.a.test", None),
        (
            "sip.b.test",
            Some(
                "its certificate is for sip.b.test, and who issued it, or an issuer above, may not vouch for that (name constraints, RFC 5280 §4.2.1.10)",
            ),
        ),
    ] {
        let verdict = verdict(Transport::Tls, &authority, Some(name), &[dns(name)], |_| {}).await;
        assert_eq!(verdict.as_deref(), expected);
    }
}

#[tokio::test]
async fn an_issuer_whom_nobody_trusts_is_named() {
    let stranger = Authority::new("a \u{1b}[31mstranger");
    let server = Server::new(Transport::Tls, &stranger.issue(&[ip("127.0.0.1")], |_| {})).await;
    let other = Authority::new("another");
    let mut client = Ear::dial(&server.uri(), trusting(other.trust(), None));
    let reason = client.down().await;
    assert!(
        reason.contains(r"its certificate was issued by CN=a \x1b[31mstranger, whom"),
        "{reason}"
    );
    assert!(reason.ends_with("name the issuer's certificate with ca_file"), "{reason}");
    // The system does not trust it either.
    let mut client = Ear::dial(&server.uri(), TlsSettings::default());
    let reason = client.down().await;
    assert!(reason.contains("ca_file"), "{reason}");
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_where_it_is_named_itself() {
    for is_ca in [false, true] {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        if is_ca {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let issued = Issued { certificate: params.self_signed(&key).unwrap(), key };
        let server = Server::new(Transport::Tls, &issued).await;
        let file = TempFile::new(&issued.certificate.pem());
        let trust = Trust::File(file.0.clone());
        Ear::dial(&server.uri(), trusting(trust, Some("localhost"))).up().await;
        let other = Authority::new("another");
        let mut client = Ear::dial(&server.uri(), trusting(other.trust(), Some("localhost")));
        let Signal::Down { reason, refused, .. } = client.next().await else { panic!() };
        assert_eq!(refused.len(), 1, "what was refused can be looked at");
        assert_eq!(refused[0].names.dns, ["localhost"]);
        assert!(reason.contains("its certificate is self-signed"), "{reason}");
        assert!(reason.contains("name it with ca_file"), "{reason}");
    }
}

#[tokio::test]
async fn insecure_takes_anything_and_says_so() {
    let stranger = Authority::new("a stranger");
    let server = Server::new(Transport::Tls, &stranger.issue(&[], |_| {})).await;
    let settings = TlsSettings { insecure: true, ..TlsSettings::default() };
    let facts = Ear::dial(&server.uri(), settings).up().await;
    assert!(!facts.tls.as_ref().unwrap().verified);
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_told_as_such() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let address = listener.local_addr().unwrap();
    let uri = format!("sips:{address}").parse().unwrap();
    for (answer, words) in [
        ("SIP/2.0 400 Bad Request\r\n\r\n", format!("{address} does not speak TLS")),
        (
            "",
            format!(
                "{address} ended the connection during the TLS handshake; perhaps it does not speak TLS"
            ),
        ),
    ] {
        let mut client = Ear::dial(&uri, TlsSettings { insecure: true, ..TlsSettings::default() });
        let (mut stream, _) = in_time(listener.accept()).await.unwrap();
        let mut hello = [0; 4096];
        let _ = in_time(stream.read(&mut hello)).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(client.down().await, format!("{uri} cannot be reached: {words}"));
    }
}

#[tokio::test]
async fn files_that_are_no_good_are_named() {
    let authority = Authority::new("the issuer");
    let server = Server::new(Transport::Tls, &authority.issue(&[ip("127.0.0.1")], |_| {})).await;
    let empty = TempFile::new("nothing here\n");
    let reason = async |settings| Ear::dial(&server.uri(), settings).down().await;
    let missing = trusting(Trust::File("/nonexistent/ca.pem".into()), None);
    let words = reason(missing).await;
    assert!(words.contains("ca_file /nonexistent/ca.pem cannot be read: "), "{words}");
    let words = reason(trusting(Trust::File(empty.0.clone()), None)).await;
    assert!(words.ends_with("holds no certificate in PEM"), "{words}");

    let (one, two) = (authority.issue(&[], |_| {}), authority.issue(&[], |_| {}));
    let (cert, key) =
        (TempFile::new(&one.certificate.pem()), TempFile::new(&two.key.serialize_pem()));
    for (cert_file, key_file, words) in [
        (&cert, &empty, "holds no private key in PEM"),
        (&empty, &key, "holds no certificate in PEM"),
        (&cert, &key, "does not go with the certificate"),
    ] {
        let identity =
            Some(ClientIdentity { cert_file: cert_file.0.clone(), key_file: key_file.0.clone() });
        let settings = TlsSettings { identity, ..trusting(authority.trust(), None) };
        let reason = reason(settings).await;
        assert!(reason.contains(words), "{reason}");
        assert!(!reason.contains("PRIVATE"), "{reason}");
    }
}

#[tokio::test]
async fn a_key_that_is_encrypted_is_said_to_be_that_with_the_way_out() {
    let authority = Authority::new("the issuer");
    let server = Server::new(Transport::Tls, &authority.issue(&[ip("127.0.0.1")], |_| {})).await;
    let cert = TempFile::new(&authority.issue(&[], |_| {}).certificate.pem());
    for text in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n",
    ] {
        let key = TempFile::new(text);
        let identity = Some(ClientIdentity { cert_file: cert.0.clone(), key_file: key.0.clone() });
        let settings = TlsSettings { identity, ..trusting(authority.trust(), None) };
        let reason = Ear::dial(&server.uri(), settings).down().await;
        let path = key.0.display();
        let words = format!(
            "key_file {path} is encrypted, and sipboard asks for no passphrase: write the key without one (openssl pkey -in {path} -out NEW, then chmod 600 NEW)"
        );
        assert!(reason.ends_with(&words), "{reason}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_unfit_for_a_server_is_told_by_the_check_that_failed() {
    let authority = Authority::new("the issuer");
    for (what, names, is_issuer) in [
        ("is one to issue others with (basic constraints", [ip("127.0.0.1")], true),
        ("has 127.0.0.1 as a DNS name, and an address", [dns("127.0.0.1")], false),
    ] {
        let issued = authority.issue(&names, |params| {
            if is_issuer {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
        });
        for transport in [Transport::Tls, Transport::Wss] {
            let server = Server::new(transport, &issued).await;
            let settings = trusting(authority.trust(), None);
            let reason = Ear::dial(&server.uri(), settings).down().await;
            assert!(reason.contains(&format!("its certificate {what}")), "{reason}");
        }
    }
}

/// A server that wants a client certificate.
fn strict(authority: &Authority, issued: &Issued) -> TlsAcceptor {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![issued.certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_gets_it_and_says_where_it_does_not() {
    let authority = Authority::new("the issuer");
    let acceptor = strict(&authority, &authority.issue(&[ip("127.0.0.1")], |_| {}));
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let uri = format!("sips:{}", listener.local_addr().unwrap()).parse().unwrap();

    let ours = authority.issue(&[], |_| {});
    let (cert, key) =
        (TempFile::new(&ours.certificate.pem()), TempFile::new(&ours.key.serialize_pem()));
    let identity = Some(ClientIdentity { cert_file: cert.0.clone(), key_file: key.0.clone() });
    let settings = TlsSettings { identity, ..trusting(authority.trust(), None) };
    let mut client = Ear::dial(&uri, settings);
    let (stream, _) = in_time(listener.accept()).await.unwrap();
    let stream = in_time(acceptor.accept(stream)).await.unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap().len(), 1);
    client.up().await;

    let mut client = Ear::dial(&uri, trusting(authority.trust(), None));
    let (stream, _) = in_time(listener.accept()).await.unwrap();
    assert!(in_time(acceptor.accept(stream)).await.is_err());
    // With TLS 1.3 the client has done its part of the handshake before it is refused.
    let reason = match client.next().await {
        Signal::Up { .. } => client.down().await,
        Signal::Down { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason.ends_with("it wants a client certificate, cert_file and key_file"), "{reason}");
}

#[tokio::test]
async fn nothing_secret_is_in_the_debug_of_settings() {
    let authority = Authority::new("the issuer");
    let issued = authority.issue(&[], |_| {});
    assert_eq!(format!("{:?}", issued.identity()), "ServerIdentity");
}
