//! Challenges inside a client context, in virtual time (RFC 3261 §22).

mod simulation;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use simulation::*;
use sipboard::sip::{
    CancelOptions, Cause, Credentials, Fact, HeaderName, Message, Method, NewRequest, Transport,
};

type Out = Vec<(Duration, Bytes)>;

/// Challenges what carries no credentials of the nonce that is good now, and answers the rest.
fn challenging(
    status: u16,
    nonces: &'static [&'static str],
) -> Script<impl FnMut(&Message, &mut Out)> {
    let mut challenges = 0;
    Script(move |request: &Message, out: &mut Out| {
        if matches!(request.method(), Some(Method::Ack)) {
            return;
        }
        let (asks, answers) = match status {
            401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            _ => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
        };
        let credentials = request.header(answers).map(|h| h.text().unwrap().to_owned());
        let good = nonces.last().unwrap();
        if credentials.is_some_and(|text| text.contains(&format!("nonce=\"{good}\""))) {
            return out.push((ms(1), response(request, 200, "b")));
        }
        let nonce = nonces[challenges.min(nonces.len() - 1)];
        challenges += 1;
        let challenge = format!(
            "Digest realm=\"demo.test\", nonce=\"{nonce}\", qop=\"auth\", algorithm=SHA-256"
        );
        out.push((ms(1), response_with(request, status, "c", |b| b.header(asks, challenge))));
    })
}

fn with_password(request: NewRequest) -> NewRequest {
    let credentials = Arc::from([Credentials::new("alice", "s3cret")]);
    NewRequest { credentials: Some(credentials), ..request }
}

fn simulation<P: Peer>(peer: P) -> Simulation<P> {
    Simulation::new(Transport::Udp, Link::PERFECT, 3, peer)
}

#[test]
fn a_challenge_is_answered_in_the_same_context_and_the_ack_carries_the_credentials() {
    let mut sim = simulation(challenging(407, &["n1"]));
    let id = sim.request(with_password(invite()));
    sim.run(ms(100));
    assert_eq!(
        sim.story(id),
        [
            "created",
            "sent INVITE",
            "challenged 407",
            "acked 407",
            "sent INVITE",
            "accepted 200",
            "leg b Confirmed",
            "acked 200"
        ]
    );
    let (first, ack, second, ack_2xx) =
        (&sim.sent[0].1, &sim.sent[1].1, &sim.sent[2].1, &sim.sent[3].1);
    assert_eq!(ack.via(), first.via());
    assert_ne!(second.via().unwrap().branch(), first.via().unwrap().branch());
    assert_eq!(second.call_id(), first.call_id());
    assert_eq!(second.from().unwrap().tag(), first.from().unwrap().tag());
    assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number + 1);
    let credentials =
        |m: &Message| m.header(HeaderName::ProxyAuthorization).map(|h| h.value.to_vec());
    assert!(credentials(second).is_some());
    assert_eq!(credentials(ack_2xx), credentials(second), "RFC 3261 §22.1");
    assert_eq!(ack_2xx.cseq().unwrap().number, second.cseq().unwrap().number);
}

#[test]
fn credentials_that_make_a_request_too_large_for_a_datagram_take_it_to_tcp() {
    for takes_tcp in [true, false] {
        let mut sim = simulation(challenging(407, &["n1"]));
        sim.peer_takes_tcp = takes_tcp;
        let mut request = with_password(invite());
        request.content_type = Some("text/plain".to_owned());
        request.body = "x".repeat(800).into();
        let id = sim.request(request);
        sim.run(ms(100));
        let invites: Vec<&Message> = sim
            .sent
            .iter()
            .map(|(_, message)| message)
            .filter(|message| message.method() == Some(Method::Invite))
            .collect();
        let [first, second] = invites[..] else { panic!("{:?}", sim.story(id)) };
        let transport = |m: &Message| m.via().unwrap().transport().to_owned();
        assert!(first.bytes().len() <= 1300 && second.bytes().len() > 1300);
        assert_eq!(transport(first), "UDP");
        assert_eq!(transport(second), if takes_tcp { "TCP" } else { "UDP" });
        assert_ne!(second.via().unwrap().branch(), first.via().unwrap().branch());
        assert_eq!(second.cseq().unwrap().number, first.cseq().unwrap().number + 1);
        assert!(second.header(HeaderName::ProxyAuthorization).is_some());
        assert_eq!(second.body(), first.body());
        assert!(sim.story(id).iter().any(|word| word == "accepted 200"), "{:?}", sim.story(id));
    }
}

#[test]
fn a_wrong_password_is_tried_once_with_its_nonce_and_rejected() {
    let mut sim = simulation(challenging(401, &["n1", "n2", "n3", "n4", "never"]));
    let id = sim.request(with_password(new_request(Method::Message, "sip:bob@demo.test")));
    sim.run(ms(1000));
    assert_eq!(
        sim.story(id),
        [
            "created",
            "sent MESSAGE",
            "challenged 401",
            "sent MESSAGE",
            "auth given up",
            "rejected 401 Authentication Error",
            "failed Authentication Error",
            "ended Authentication Error"
        ]
    );
}

#[test]
fn without_credentials_a_challenge_is_a_rejection_with_advice() {
    let mut sim = simulation(challenging(407, &["n1"]));
    let id = sim.request(new_request(Method::Options, "sip:demo.test"));
    sim.run(ms(100));
    assert_eq!(
        sim.story(id)[2..],
        [
            "rejected 407 Authentication Error",
            "failed Authentication Error",
            "ended Authentication Error"
        ]
    );
    let advice = sim.events.iter().find_map(|event| match &event.fact {
        Fact::Failed { advice, .. } => advice.as_ref(),
        _ => None,
    });
    assert!(advice.unwrap().sentence.contains("demo.test"));
}

#[test]
fn credentials_are_sent_ahead_on_the_same_flow_with_a_nonce_count_that_grows() {
    let mut sim = simulation(challenging(401, &["n1"]));
    sim.request(with_password(new_request(Method::Options, "sip:demo.test")));
    sim.run(ms(100));
    let id = sim.request(with_password(new_request(Method::Options, "sip:demo.test")));
    sim.run(ms(100));
    assert_eq!(
        sim.story(id),
        ["created", "auth ahead", "sent OPTIONS", "accepted 200", "ended Accepted"]
    );
    let last = &sim.sent.last().unwrap().1;
    let text = last.header(HeaderName::Authorization).unwrap().text().unwrap().to_owned();
    assert!(text.contains("nc=00000002"), "{text}");
}

#[test]
fn a_cancel_during_the_challenge_keeps_the_retry_from_being_sent() {
    let mut sim = simulation(challenging(407, &["n1"]));
    let id = sim.request(with_password(invite()));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(ms(1000));
    assert_eq!(
        sim.story(id)[2..],
        [
            "cancel, waiting",
            "rejected 407 Canceled",
            "failed Canceled",
            "cancel failed",
            "acked 407",
            "ended Canceled"
        ]
    );
    assert_eq!(sim.wire().len(), 2, "the INVITE and the ACK");
}

#[test]
fn a_cancel_after_the_retry_cancels_the_retry() {
    let mut ringing = None;
    let mut sim =
        simulation(Script(move |request: &Message, out: &mut Out| match request.method() {
            Some(Method::Invite) if request.header(HeaderName::Authorization).is_none() => {
                let challenge = "Digest realm=\"r\", nonce=\"n\"";
                out.push((
                    ms(1),
                    response_with(request, 401, "c", |b| {
                        b.header(HeaderName::WwwAuthenticate, challenge)
                    }),
                ));
            }
            Some(Method::Invite) => {
                ringing = Some(request.clone());
                out.push((ms(1), response(request, 180, "b")));
            }
            Some(Method::Cancel) => {
                out.push((ms(1), response(request, 200, "b")));
                out.push((ms(1), response(ringing.as_ref().unwrap(), 487, "b")));
            }
            _ => {}
        }));
    let id = sim.request(with_password(invite()));
    sim.run(ms(100));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(ms(100));
    let ended = sim.events.iter().rfind(|event| event.context == id).unwrap();
    assert_eq!(ended.fact, Fact::Ended { cause: Cause::Canceled });
    let cancel = sim.sent.iter().find(|(_, m)| m.method() == Some(Method::Cancel)).unwrap();
    let second = sim.sent.iter().rfind(|(_, m)| m.method() == Some(Method::Invite)).unwrap();
    assert_eq!(cancel.1.via(), second.1.via());
    assert_eq!(cancel.1.cseq().unwrap().number, second.1.cseq().unwrap().number);
}

#[test]
fn a_repeated_challenge_of_an_earlier_try_is_absorbed_and_acked_again() {
    let mut sim = simulation(Script(|request: &Message, out: &mut Out| {
        if request.method() == Some(Method::Invite)
            && request.header(HeaderName::Authorization).is_none()
        {
            let challenge = "Digest realm=\"r\", nonce=\"n\"";
            let bytes = response_with(request, 401, "c", |b| {
                b.header(HeaderName::WwwAuthenticate, challenge)
            });
            out.push((ms(1), bytes.clone()));
            out.push((ms(400), bytes));
        }
    }));
    let id = sim.request(with_password(invite()));
    sim.run(ms(600));
    assert_eq!(sim.story(id)[5..], ["absorbed 401", "acked again 401", "retransmitted INVITE 2"]);
    assert_eq!(sim.sent[1].1.bytes(), sim.sent[3].1.bytes());
}

#[test]
fn no_event_tells_the_password() {
    let mut sim = simulation(challenging(401, &["n1"]));
    sim.request(with_password(invite()));
    sim.run(ms(100));
    let told = format!("{:?} {:?}", sim.events, sim.ua);
    assert!(!told.contains("s3cret"));
}

#[test]
fn a_challenge_after_a_cancel_is_not_answered_and_says_so() {
    let mut sim = simulation(Script(|request: &Message, out: &mut Out| {
        let digest = "Digest realm=\"demo.test\", nonce=\"n\", qop=\"auth\"";
        if request.method() == Some(Method::Invite) {
            out.push((ms(1), response(request, 180, "b")));
            let bytes =
                response_with(request, 401, "b", |b| b.header(HeaderName::WwwAuthenticate, digest));
            out.push((ms(50), bytes));
        }
    }));
    let id = sim.request(with_password(invite()));
    sim.run(ms(10));
    sim.with(|ua, now| ua.cancel(now, id, CancelOptions::default())).unwrap();
    sim.run(ms(100));
    let detail = sim.events.iter().find_map(|event| match &event.fact {
        Fact::Failed { detail, advice, .. } => Some((detail.to_string(), advice.is_none())),
        _ => None,
    });
    let wanted = "not sent again with credentials: the INVITE was cancelled";
    assert_eq!(detail, Some((wanted.to_owned(), true)));
}
