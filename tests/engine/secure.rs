//! Dialogs that a sips URI has made over TLS, on real connections.

use std::sync::Arc;

use sipboard::{
    engine::{Account, Command, Register, Submission},
    sip::{Fact, Identity, Method, NewRequest},
    transport::{FlowSettings, TlsSettings},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Duration, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
    server::TlsStream,
};

use crate::{
    certificates::{Authority, ip},
    support::*,
};

/// A server of TLS, and what a client needs to trust it.
struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    flow: Arc<FlowSettings>,
}

impl Server {
    async fn new() -> Server {
        let authority = Authority::new("the issuer");
        let issued = authority.issue(&[ip("127.0.0.1")], |_| {});
        let key = PrivateKeyDer::try_from(issued.key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.certificate.der().clone()], key)
            .unwrap();
        let tls = TlsSettings { trust: authority.trust(), ..TlsSettings::default() };
        Server {
            listener: TcpListener::bind(LOOPBACK).await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            flow: Arc::new(FlowSettings { tls, ..FlowSettings::default() }),
        }
    }

    /// A call to it: what its INVITE was answered with names that Contact, and was ACKed.
    async fn call(&self, front: &mut Front, contact: &str) -> TcpPeer<TlsStream<TcpStream>> {
        let uri = format!("sips:bob@{}", self.listener.local_addr().unwrap());
        let from =
            Identity { display_name: String::new(), uri: "sips:alice@a.test".parse().unwrap() };
        let submission = Submission {
            request: NewRequest::new(Method::Invite, uri.parse().unwrap(), from),
            server: None,
            password_command: None,
            flow: self.flow.clone(),
        };
        front.command(Command::Send(Box::new(submission))).await;
        let (stream, _) = in_time(self.listener.accept()).await.unwrap();
        let mut bob = TcpPeer::new(in_time(self.acceptor.accept(stream)).await.unwrap());
        let invite = bob.take().await;
        bob.send(&response_with_contact(&invite, "200 OK", contact)).await;
        assert_eq!(bob.take().await.method(), Some(Method::Ack), "the 2xx is ACKed over TLS");
        bob
    }
}

/// What is told of a Contact that is no sips URI.
async fn complaint(front: &mut Front) -> String {
    front
        .fact("complaint", |_, fact| match fact {
            Fact::NotSecure { detail } => Some(detail.clone()),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn the_bye_of_a_secure_dialog_goes_where_its_ack_went_and_not_in_the_clear() {
    let (server, clear) = (Server::new().await, UdpPeer::new().await);
    let mut front = Front::new();
    let contact = format!("<sip:bob@{}>", clear.socket.local_addr().unwrap());
    let mut bob = server.call(&mut front, &contact).await;
    let told = complaint(&mut front).await;
    assert!(told.contains("is not sips") && told.contains("in the clear"), "{told}");
    front.command(Command::HangUp { context: sipboard::sip::ContextId(1) }).await;
    assert_eq!(bob.answer("200 OK").await.method(), Some(Method::Bye));
    front.ended().await;
    front.ended().await;
    front.quit().await;
    // The engine has ended: what it had to send is sent.
    let mut buffer = [0; 10];
    let came = timeout(Duration::from_millis(1), clear.socket.recv_from(&mut buffer)).await;
    assert!(came.is_err(), "{came:?}");
}

#[tokio::test]
async fn a_bye_to_a_sip_contact_of_the_connections_own_peer_goes_on_the_connection() {
    let server = Server::new().await;
    let mut front = Front::new();
    let contact = format!("<sip:bob@{}>", server.listener.local_addr().unwrap());
    let mut bob = server.call(&mut front, &contact).await;
    assert!(complaint(&mut front).await.contains("is not sips"));
    front.command(Command::HangUp { context: sipboard::sip::ContextId(1) }).await;
    assert_eq!(bob.answer("200 OK").await.method(), Some(Method::Bye));
    front.ended().await;
    front.quit().await;
}

#[tokio::test]
async fn an_account_with_a_sips_uri_is_registered_over_tls_alone() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let uri = "sips:alice@a.test".parse().unwrap();
    let alice = Account {
        servers: vec![peer.server.clone()],
        register: Register::First,
        ..Account::new("alice", uri)
    };
    front.command(Command::Accounts(vec![Arc::new(alice)])).await;
    let (_, reason) = front.refusal().await;
    let begin = "alice is not registered: sips:alice@a.test must go over TLS";
    assert!(reason.starts_with(begin) && reason.contains(&peer.server.to_string()), "{reason}");

    // What goes to a sip URI may go in the clear, and names what reaches us there (§8.1.1.8).
    let mut request = request(Method::Options);
    request.from.uri = "sips:alice@a.test".parse().unwrap();
    front.send(request, &peer.server).await;
    let (options, _) = peer.answer("200 OK").await;
    assert!(!options.contact().unwrap().uri().is_sips(), "{options:?}");
    front.ended().await;
    front.quit().await;
}
