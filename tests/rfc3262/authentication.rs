//! PRACKs that are challenged, and those that go out with credentials.

use super::*;

fn with_password() -> Call {
    let credentials = Arc::from([Credentials::new("alice", "s3cret")]);
    let request = NewRequest { credentials: Some(credentials), ..invite() };
    Call::udp(request).looked()
}

const PROXY: HeaderName = HeaderName::ProxyAuthorization;

fn challenge(call: &mut Call, request: &Message, nonce: &str, more: &str) {
    let digest =
        format!("Digest realm=\"demo.test\", nonce=\"{nonce}\", qop=\"auth\", algorithm=MD5{more}");
    call.reply_to_with(request, 407, "b", |b| b.header(HeaderName::ProxyAuthenticate, digest));
}

#[test]
fn s4_a_challenged_prack_is_sent_again_with_credentials_and_the_next_cseq() {
    let mut call = with_password();
    call.reply_reliably(183, "b", 10);
    let first = call.sent(Method::Prack);
    call.look();
    challenge(&mut call, &first, "n1", "");
    assert_eq!(call.news(), ["challenged 407", "sent PRACK"]);
    let second = call.sent(Method::Prack);
    assert!(text(&second, PROXY).contains("nonce=\"n1\""));
    assert_eq!(cseq(&second), cseq(&first) + 1);
    assert_ne!(branch(&second), branch(&first));
    assert_eq!(text(&second, HeaderName::RAck), text(&first, HeaderName::RAck));
    challenge(&mut call, &second, "n2", ", stale=true");
    let third = call.sent(Method::Prack);
    assert!(text(&third, PROXY).contains("nonce=\"n2\""), "a stale nonce is answered anew");
    call.reply_to(&third, 200, "");
    assert_eq!(call.news().last().unwrap(), "prack answered 200");
}

#[test]
fn s4_a_prack_that_is_challenged_twice_is_explained_and_not_sent_again() {
    let mut call = with_password();
    call.reply_reliably(183, "b", 10);
    for nonce in ["n1", "n2", "n3"] {
        let prack = call.sent(Method::Prack);
        challenge(&mut call, &prack, nonce, "");
    }
    assert_eq!(racks(&call).len(), 1);
    assert_eq!(call.all_sent(Method::Prack).len(), 2);
    let detail = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PrackFailed { detail } => Some(detail.clone()),
        _ => None,
    });
    assert!(detail.as_ref().is_some_and(|detail| detail.contains("wrong password")), "{detail:?}");
}

#[test]
fn s4_a_prack_carries_the_credentials_that_the_invite_was_let_through_with() {
    let mut call = with_password();
    let first = call.sent(Method::Invite);
    challenge(&mut call, &first, "n1", "");
    call.reply_reliably(183, "b", 10);
    assert!(text(&call.sent(Method::Prack), PROXY).contains("nonce=\"n1\""));
}
