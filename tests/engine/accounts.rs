//! Accounts: registered, changed while running, several at once, with passwords from commands.

use std::{sync::Arc, time::Duration};

use sipboard::{
    engine::{Account, Command, Event, PasswordCommand, Register, Submission},
    sip::{self, Credentials, HeaderName, Message, Method, Password, Profile, RegistrationState},
    transport::ServerUri,
};

use crate::{registrar::*, support::*};

#[tokio::test]
async fn an_account_is_registered_from_the_start_and_unregistered_at_the_end() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.command(all([registered("alice", &peer.server), account("bob")])).await;
    let register = peer.registrar().await;
    assert_eq!(
        (user(&register), text(&register, HeaderName::Expires)),
        ("alice".into(), "3600".into())
    );
    assert!(text(&register, HeaderName::Contact).contains(";+sip.instance=\"<urn:uuid:"));
    front.registration("alice", "Registered").await;
    front.command(Command::Quit).await;
    let removal = peer.registrar().await;
    assert_eq!(text(&removal, HeaderName::Expires), "0");
    front.registration("alice", "Off").await;
    front.stopped().await;
}

#[tokio::test]
async fn a_registrar_that_is_gone_does_not_hold_up_the_end() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.command(all([registered("alice", &peer.server)])).await;
    peer.registrar().await;
    front.registration("alice", "Registered").await;
    // Nobody answers the removal.
    front.quit().await;
}

#[tokio::test]
async fn two_accounts_are_registered_over_two_transports_at_once() {
    let (udp, ws) = (UdpPeer::new().await, WsPeer::new().await);
    let mut front = Front::new();
    front.command(all([registered("alice", &udp.server), registered("bob", &ws.server)])).await;
    let alice = udp.registrar().await;
    let mut connection = ws.accept().await;
    let bob = connection.take().await;
    connection.send(&response(&bob, &granted(&bob))).await;
    assert_eq!((user(&alice), user(&bob)), ("alice".to_owned(), "bob".to_owned()));
    front.registration("bob", "Registered").await;
    front.command(Command::Quit).await;
    udp.registrar().await;
    connection.answer("200 OK").await;
    front.stopped().await;
}

#[tokio::test]
async fn every_server_of_an_account_may_be_a_flow_of_its_own() {
    let (one, two) = (UdpPeer::new().await, UdpPeer::new().await);
    let front = Front::new();
    let alice = Account {
        servers: vec![one.server.clone(), two.server.clone()],
        register: Register::All,
        ..account("alice")
    };
    front.command(all([alice])).await;
    let (first, second) = (one.registrar().await, two.registrar().await);
    assert!(text(&first, HeaderName::Contact).ends_with(";reg-id=1"));
    assert!(text(&second, HeaderName::Contact).ends_with(";reg-id=2"));
    let instance = |message: &Message| {
        let contact = text(message, HeaderName::Contact);
        contact.split_once(';').unwrap().1.split(";reg-id").next().unwrap().to_owned()
    };
    assert_eq!(instance(&first), instance(&second));
    drop(front.engine.commands);
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_and_registered_on_again() {
    let peer = WsPeer::new().await;
    let mut front = Front::new();
    front.command(all([registered("alice", &peer.server)])).await;
    let mut connection = peer.accept().await;
    let first = connection.take().await;
    connection.send(&response(&first, &granted(&first))).await;
    front.registration("alice", "Registered").await;
    drop(connection);
    front.registration("alice", "Waiting").await;
    let mut connection = peer.accept().await;
    let second = connection.take().await;
    assert_eq!(text(&first, HeaderName::CallId), text(&second, HeaderName::CallId));
    connection.send(&response(&second, &granted(&second))).await;
    front.registration("alice", "Registered").await;
}

#[tokio::test]
async fn other_accounts_are_registered_and_those_that_went_are_not() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let carol = registered("carol", &peer.server);
    front.command(all([registered("alice", &peer.server), carol.clone()])).await;
    peer.registrar().await;
    peer.registrar().await;
    front.registration("carol", "Registered").await;
    // alice goes, bob comes, carol stays as she is.
    front.command(all([registered("bob", &peer.server), carol])).await;
    let mut said = Vec::new();
    for _ in 0..2 {
        let register = peer.registrar().await;
        said.push((user(&register), text(&register, HeaderName::Expires)));
    }
    said.sort();
    let expected =
        [("alice", "0"), ("bob", "3600")].map(|(user, n)| (user.to_owned(), n.to_owned()));
    assert_eq!(said, expected);
    front.registration("bob", "Registered").await;
    assert!(front.story().iter().any(|word| word.contains("Gone")), "{:?}", front.story());
}

#[tokio::test]
async fn an_account_that_changes_on_the_same_flow_is_registered_anew_and_not_removed() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let alice = registered("alice", &peer.server);
    front.command(all([alice.clone()])).await;
    let first = peer.registrar().await;
    front.registration("alice", "Registered").await;
    front.command(all([Account { expires: 120, ..alice }])).await;
    let second = peer.registrar().await;
    assert_eq!(text(&second, HeaderName::Expires), "120");
    assert_eq!(text(&first, HeaderName::CallId), text(&second, HeaderName::CallId));
    front.registration("alice", "Registered").await;
}

#[tokio::test]
async fn a_registration_is_made_refreshed_and_removed_by_hand() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let alice = Arc::new(Account { register: Register::No, ..registered("alice", &peer.server) });
    front.command(Command::Unregister { account: "alice".to_owned() }).await;
    assert!(front.refusal().await.1.contains("alice is not registered"));
    for _ in 0..2 {
        front.command(Command::Register(Arc::clone(&alice))).await;
        peer.registrar().await;
        front.registration("alice", "Registered").await;
    }
    front.command(Command::Unregister { account: "alice".to_owned() }).await;
    assert_eq!(text(&peer.registrar().await, HeaderName::Expires), "0");
    front.registration("alice", "Off").await;
    front.quit().await;
}

/// A request of an account whose password a command prints.
fn with_command(arguments: &[&str], server: &ServerUri) -> Box<Submission> {
    let command = PasswordCommand {
        username: "alice".to_owned(),
        arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
    };
    Box::new(Submission {
        request: request(Method::Options),
        server: Some(server.clone()),
        password_command: Some(Arc::new(command)),
        flow: Default::default(),
    })
}

#[cfg(unix)]
#[tokio::test]
async fn a_password_that_a_command_prints_answers_the_challenge() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.command(Command::Send(with_command(&["sh", "-c", "echo secret"], &peer.server))).await;
    // Whoever shows what happens must know what to keep out, before anything of it happens.
    let told = front.find("password", |event| match event {
        Event::Password(known) => Some(Arc::clone(known)),
        _ => None,
    });
    assert_eq!(*told.await, [Credentials::new("alice", "secret")]);
    peer.answer("401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"").await;
    let (second, _) = peer.answer("200 OK").await;
    // MD5 of alice:r:secret, n, and OPTIONS:sip:bob@b.test.
    let authorization = text(&second, HeaderName::Authorization);
    assert!(authorization.contains("username=\"alice\""), "{authorization}");
    assert!(authorization.contains(&format!("response=\"{}\"", digest())), "{authorization}");
    assert_eq!(front.ended().await.1, "Accepted");
    assert!(!format!("{:?}", front.log).contains("secret"));
}

fn digest() -> String {
    use md5::{Digest, Md5};
    let md5 = |text: String| -> String {
        Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (one, two) = (md5("alice:r:secret".into()), md5("OPTIONS:sip:bob@b.test".into()));
    md5(format!("{one}:n:{two}"))
}

#[cfg(unix)]
#[tokio::test]
async fn a_password_command_that_fails_matters_to_who_asks_for_the_password_alone() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let script = "echo s3cret; echo s3cret is wrong >&2; exit 7";
    let send = || Command::Send(with_command(&["sh", "-c", script], &peer.server));
    front.command(send()).await;
    peer.answer("200 OK").await;
    assert_eq!(front.ended().await.1, "Accepted");
    front.command(send()).await;
    peer.answer(CHALLENGE).await;
    let why = front.failure().await;
    assert_eq!(front.ended().await.1, "Authentication Error");
    assert!(why.starts_with("not sent again with credentials: password_command"), "{why}");
    assert!(why.contains("exit status: 7: run it by hand") && !why.contains("s3cret"), "{why}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_account_without_its_password_says_why_it_is_not_registered_and_the_others_are() {
    let (peer, other) = (UdpPeer::new().await, UdpPeer::new().await);
    let mut front = Front::new();
    let why = Password::missing("password_env: the environment variable \"X\" is not set");
    let alice = Account {
        password_command: with_command(&["false"], &peer.server).password_command,
        ..registered("alice", &peer.server)
    };
    let carol = Account {
        credentials: Some([Credentials::new("carol", why)].into()),
        ..registered("carol", &peer.server)
    };
    front.command(all([alice, carol, registered("bob", &other.server)])).await;
    other.registrar().await;
    front.registration("bob", "Registered").await;
    let mut told = std::collections::BTreeSet::new();
    while told.len() < 2 {
        let (register, _) = peer.answer(CHALLENGE).await;
        let name = user(&register);
        if !told.insert(name.clone()) {
            continue;
        }
        let expected = match &*name {
            "alice" => "password_command (false)",
            _ => "password_env: the environment variable",
        };
        let RegistrationState::Failed { reason, .. } = front.registration(&name, "Failed").await
        else {
            unreachable!("it was waited for");
        };
        let sentence = format!("not sent again with credentials: {expected}");
        assert!(reason.contains("401") && reason.contains(&sentence), "{reason}");
    }
}

const CHALLENGE: &str = "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"";

#[cfg(unix)]
#[tokio::test]
async fn leaving_does_not_wait_for_a_password() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    front.command(Command::Send(with_command(&["sleep", "30"], &peer.server))).await;
    front.command(Command::Quit).await;
    assert!(front.refusal().await.1.contains("leaving"));
    front.stopped().await;
}

#[tokio::test]
async fn without_a_server_the_outbound_proxy_is_where_requests_go() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let address = peer.socket.local_addr().unwrap();
    let mut request = request(Method::Options);
    request.profile = Some(Arc::new(Profile {
        ways_out: vec![vec![format!("sip:{address};lr").parse().unwrap()]],
        ..Profile::new("alice")
    }));
    let submission =
        Submission { request, server: None, password_command: None, flow: Default::default() };
    front.command(Command::Send(Box::new(submission))).await;
    let (options, _) = peer.answer("200 OK").await;
    assert_eq!(text(&options, HeaderName::Route), format!("<sip:{address};lr>"));
    assert_eq!(options.request_uri(), Some("sip:bob@b.test"));
    front.ended().await;
}

#[tokio::test]
async fn an_account_is_registered_through_each_of_its_proxies_and_goes_by_the_first_that_stands() {
    let peers = [UdpPeer::new().await, UdpPeer::new().await];
    let ways = peers
        .each_ref()
        .map(|peer| vec![format!("sip:{};lr", peer.socket.local_addr().unwrap()).parse().unwrap()]);
    let profile = Arc::new(Profile { ways_out: ways.to_vec(), ..Profile::new("alice") });
    let alice =
        Account { register: Register::All, profile: Arc::clone(&profile), ..account("alice") };
    let mut front = Front::new();
    front.command(all([alice])).await;
    // The first proxy takes nobody in.
    let (first, _) = peers[0].answer("403 Forbidden").await;
    let second = peers[1].registrar().await;
    for (n, (register, way)) in [(&first, &ways[0]), (&second, &ways[1])].into_iter().enumerate() {
        assert_eq!(text(register, HeaderName::Route), format!("<{}>", way[0]));
        let contact = text(register, HeaderName::Contact);
        assert!(contact.ends_with(&format!(";reg-id={}", n + 1)), "{contact}");
        assert_eq!(register.request_uri(), Some("sip:a.test"));
    }
    front.registration("alice", "Registered").await;
    let mut request = request(Method::Options);
    request.profile = Some(profile);
    let submission =
        Submission { request, server: None, password_command: None, flow: Default::default() };
    front.command(Command::Send(Box::new(submission))).await;
    let (options, _) = peers[1].answer("200 OK").await;
    assert_eq!(options.method(), Some(Method::Options));
    assert_eq!(text(&options, HeaderName::Route), format!("<{}>", ways[1][0]));
}

#[tokio::test]
async fn other_settings_hold_for_what_is_begun_from_then_on() {
    let peer = UdpPeer::new().await;
    let mut front = Front::new();
    let mut settings = sip::Settings { user_agent: "other".to_owned(), ..sip::Settings::default() };
    settings.timing.t1 = Duration::from_millis(10);
    settings.timing.t2 = Duration::from_millis(20);
    front.command(Command::Settings(Box::new(settings))).await;
    front.send(request(Method::Options), &peer.server).await;
    let (options, _) = peer.take().await;
    assert_eq!(text(&options, HeaderName::UserAgent), "other");
    // Nobody answers: 64 times the new T1 is over soon.
    assert_eq!(front.ended().await.1, "Request Timeout");
}

#[tokio::test]
async fn a_registrar_with_a_name_is_looked_up_and_kept() {
    let peer = UdpPeer::new().await;
    let port = peer.socket.local_addr().unwrap().port();
    let server: ServerUri = format!("sip:localhost:{port};transport=udp").parse().unwrap();
    let mut front = Front::new();
    front.command(all([registered("alice", &server)])).await;
    // `localhost` may lead to ::1 first, where nobody is: then the next candidate is tried.
    let register = peer.registrar().await;
    let from = text(&register, HeaderName::Contact);
    assert!(from.starts_with("<sip:alice@127.0.0.1:"), "{from}");
    assert!(from.contains(";reg-id=1"), "{from}");
    front.registration("alice", "Registered").await;
    front.command(Command::Quit).await;
    assert_eq!(text(&peer.registrar().await, HeaderName::Expires), "0");
    front.stopped().await;
}
