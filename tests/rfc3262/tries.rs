//! An INVITE that goes out again in its context: every try counts its provisionals anew (§3), and
//! makes dialogs of its own (RFC 3261 §12.1).

use sipboard::sip::Redirects;

use super::*;

const CHALLENGE: &str = "Digest realm=\"demo.test\", nonce=\"n1\", qop=\"auth\", algorithm=MD5";

fn with_password() -> NewRequest {
    let credentials = Arc::from([Credentials::new("alice", "s3cret")]);
    NewRequest { credentials: Some(credentials), ..invite() }
}

fn challenged(call: &mut Call) {
    call.reply_with(407, "b", |b| b.header(HeaderName::ProxyAuthenticate, CHALLENGE));
}

fn redirecting() -> Call {
    let settings = Settings { redirects: Redirects::Best, ..Settings::default() };
    Call::with(settings, Transport::Udp, invite()).looked()
}

fn redirected(call: &mut Call) {
    call.reply_with(302, "b", |b| b.header(CONTACT, "<sip:bob@192.0.2.2:5060>"));
}

/// A reliable 183 with the tag `b`, rejected so that the INVITE goes out again; that is looked at.
fn tried_again(rseq: u32, redirects: bool) -> Call {
    let mut call = if redirects { redirecting() } else { Call::udp(with_password()) };
    call.reply_reliably(183, "b", rseq);
    match redirects {
        true => redirected(&mut call),
        false => challenged(&mut call),
    }
    assert_eq!(call.all_sent(Method::Invite).len(), 2);
    call.looked()
}

/// The news, but for the credentials.
fn told(call: &mut Call) -> Vec<String> {
    call.news().into_iter().filter(|word| word != "auth ahead").collect()
}

/// The answer to the peer's request is among what was sent.
fn answers(call: &mut Call, method: Method, cseq: u32, body: &str) -> u16 {
    let headers = [(HeaderName::ContentType, "application/sdp"), (CONTACT, "<sip:bob@192.0.2.2>")];
    code(&call.peer_body(method, cseq, &headers, body))
}

#[test]
fn s3_each_try_of_an_invite_has_a_sequence_of_its_own() {
    for redirects in [false, true] {
        for (before, after) in [(1, 1), (5, 3), (5, 6), (5, 77)] {
            let mut call = tried_again(before, redirects);
            let number = cseq(&call.sent(Method::Invite));
            call.reply_reliably(183, "b", after);
            assert_eq!(told(&mut call), ["progress 183", "leg b Early", "sent PRACK"], "{after}");
            assert_eq!(racks(&call).last().unwrap(), &format!("{after} {number} INVITE"));
            call.reply_reliably(183, "b", after);
            assert_eq!(call.news(), ["absorbed 183"], "{after}");
            call.reply_reliably(180, "b", after + 2);
            assert_eq!(call.news(), ["absorbed 180"], "one is missing");
            call.reply_reliably(180, "b", after + 1);
            assert_eq!(told(&mut call), ["progress 180", "sent PRACK"], "{after}");
        }
    }
}

#[test]
fn s3_the_prack_of_a_later_try_has_a_number_that_the_dialog_has_not_had() {
    let mut call = tried_again(1, false);
    call.reply_reliably(183, "b", 1);
    let numbers: Vec<u32> = call.all_sent(Method::Prack).iter().map(cseq).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    assert!(*numbers.last().unwrap() > cseq(&call.sent(Method::Invite)));
}

#[test]
fn s3_a_reinvite_that_is_challenged_counts_its_provisionals_anew() {
    let mut call = Call::udp(with_password());
    call.reply(200, "b");
    call.in_dialog(Method::Invite).unwrap();
    let first = call.sent(Method::Invite);
    reliable_to(&mut call, &first, 183, 1);
    let header = (HeaderName::ProxyAuthenticate, CHALLENGE);
    call.reply_to_with(&first, 407, "b", |b| b.header(header.0, header.1));
    let second = call.sent(Method::Invite);
    assert_ne!(branch(&first), branch(&second));
    call.look();
    for _ in 0..3 {
        reliable_to(&mut call, &second, 183, 1);
    }
    assert_eq!(call.wire(), ["PRACK"]);
    assert_eq!(text(&call.sent(Method::Prack), HeaderName::RAck), rack(1, &second));
    reliable_to(&mut call, &second, 183, 2);
    assert_eq!(text(&call.sent(Method::Prack), HeaderName::RAck), rack(2, &second));
}

fn rack(rseq: u32, invite: &Message) -> String {
    format!("{rseq} {} INVITE", cseq(invite))
}

fn reliable_to(call: &mut Call, request: &Message, status: u16, rseq: u32) {
    call.reply_to_with(request, status, "b", |b| {
        b.header(CONTACT, "<sip:bob@192.0.2.2:5060>").header(REQUIRE, "100rel").header(RSEQ, rseq)
    });
}

#[test]
fn s3_a_provisional_of_an_earlier_try_that_comes_late_is_acknowledged_by_nothing() {
    let mut call = tried_again(1, false);
    let first = call.all_sent(Method::Invite)[0].clone();
    for rseq in [1, 2, 9] {
        reliable_to(&mut call, &first, 183, rseq);
        assert_eq!(call.news(), ["late 183"], "{rseq}");
    }
    assert_eq!(call.wire(), [""; 0]);
    call.reply_reliably(183, "b", 3);
    assert_eq!(call.wire(), ["PRACK"], "the sequence of the later one is its own");
}

#[test]
fn s4_a_prack_that_waits_for_its_way_is_not_sent_for_a_reinvite_that_was_rejected() {
    let mut call = Call::udp(with_password());
    call.sim.ua.flow_leads_to(FLOW, "192.0.2.2", 5060, "192.0.2.2:5060".parse().unwrap());
    call.reply(200, "b");
    call.in_dialog(Method::Invite).unwrap();
    let first = call.sent(Method::Invite);
    // Its Contact leads elsewhere, by another transport: the PRACK needs a flow.
    call.reply_to_with(&first, 183, "b", |b| {
        b.header(CONTACT, "<sip:bob@192.0.2.9:5070;transport=tcp>")
            .header(REQUIRE, "100rel")
            .header(RSEQ, 1)
    });
    assert_eq!(racks(&call), [""; 0]);
    call.look();
    let header = (HeaderName::ProxyAuthenticate, CHALLENGE);
    call.reply_to_with(&first, 407, "b", |b| b.header(header.0, header.1));
    let detail = call.sim.events.iter().find_map(|event| match &event.fact {
        Fact::PrackFailed { detail } => Some(detail.clone()),
        _ => None,
    });
    assert_eq!(detail.as_deref(), Some("not sent: its INVITE was rejected"));
}

#[test]
fn rfc3261_s12_1_a_leg_that_an_earlier_try_left_comes_up_anew_with_its_tag() {
    for redirects in [false, true] {
        let mut call = if redirects { redirecting() } else { Call::udp(with_password()).looked() };
        call.reply(180, "b");
        match redirects {
            true => redirected(&mut call),
            false => challenged(&mut call),
        }
        let over = if redirects { "302" } else { "407" };
        assert!(call.news().contains(&format!("leg b ended by a {over}")), "{over}");
        assert_eq!(answers(&mut call, Method::Info, 1, ""), 481, "nothing has made it again");
        call.look();
        call.reply(180, "b");
        assert_eq!(call.news(), ["progress 180", "leg b Early"], "{over}");
        assert_eq!(answers(&mut call, Method::Info, 2, ""), 200);
        assert_eq!(answers(&mut call, Method::Update, 3, ""), 200);
        // RFC 3311 §5.2: the offer of the INVITE has no answer yet.
        assert_eq!(answers(&mut call, Method::Invite, 4, SDP), 491);
        call.look();
        call.reply(200, "b");
        assert_eq!(call.wire(), ["ACK"]);
        assert_eq!(call.state(), State::Accepted);
    }
}

#[test]
fn rfc3261_s12_1_the_peer_counts_anew_in_the_dialog_of_a_later_try() {
    let mut call = Call::udp(with_password());
    call.reply(180, "b");
    assert_eq!(answers(&mut call, Method::Info, 50, ""), 200);
    challenged(&mut call);
    call.reply(180, "b");
    assert_eq!(answers(&mut call, Method::Info, 2, ""), 200);
}

#[test]
fn rfc3261_s13_2_2_4_a_2xx_with_the_tag_of_an_earlier_try_is_a_dialog_that_stays() {
    let mut call = Call::udp(with_password());
    call.reply(180, "b");
    // The user has hung up what rang then.
    let bye = DialogRequest::new(Method::Bye);
    call.in_dialog_with(Some("b"), bye).unwrap();
    let bye = call.sent(Method::Bye);
    challenged(&mut call);
    call.look();
    call.reply(200, "b");
    assert_eq!(call.wire(), ["ACK"]);
    call.reply_to(&bye, 200, "b");
    call.wait(ms(100));
    assert_eq!(call.last_event().status.legs_up, 1, "its BYE was for the dialog before");
}

/// A request in the dialog of a try that is over, and what becomes of it once the next try has made
/// another dialog with its tag: the new one is none of its business.
#[test]
fn rfc3261_s12_2_1_2_a_request_in_a_dialog_of_an_earlier_try_does_nothing_to_that_of_a_later_one() {
    for redirects in [false, true] {
        for (method, early, status) in [
            (Method::Info, false, 481),
            (Method::Info, true, 481),
            (Method::Info, false, 408),
            (Method::Info, false, 0),
            (Method::Update, false, 200),
            (Method::Update, true, 200),
            (Method::Options, false, 481),
        ] {
            let what = format!("{method} {status}, early: {early}, redirected: {redirects}");
            let mut call = if redirects { redirecting() } else { Call::udp(with_password()) };
            call.reply(180, "b");
            call.in_dialog_with(Some("b"), DialogRequest::new(method.clone())).unwrap();
            let before = call.sent(method.clone());
            match redirects {
                true => redirected(&mut call),
                false => challenged(&mut call),
            }
            call.reply(if early { 180 } else { 200 }, "b");
            call.look();
            match status {
                0 => call.wait(PATIENCE + ms(1)),
                status => call.reply_to_with(&before, status, "b", |builder| {
                    builder.header(CONTACT, "<sip:elsewhere@192.0.2.9>")
                }),
            }
            let told = call.news();
            assert!(!told.iter().any(|told| told.starts_with("leg ")), "{what}: {told:?}");
            assert_eq!(call.all_sent(Method::Bye).len(), 0, "{what}");
            if early {
                call.reply(200, "b");
            }
            assert_eq!(call.last_event().status.legs_up, 1, "{what}");
            call.in_dialog_with(Some("b"), DialogRequest::new(Method::Info)).unwrap();
            let after = call.sent(Method::Info);
            assert_eq!(after.request_uri(), Some("sip:bob@192.0.2.2:5060"), "{what}");
            assert!(cseq(&after) > cseq(&before), "{what}");
        }
    }
}

#[test]
fn rfc6228_a_199_of_a_later_try_makes_no_leg_of_one_that_is_over() {
    let mut call = Call::udp(with_password());
    call.reply(180, "b");
    challenged(&mut call);
    call.look();
    call.reply(199, "b");
    assert_eq!(call.news(), ["progress 199"]);
    call.reply(180, "b");
    assert_eq!(call.news(), ["progress 180", "leg b Early"]);
    call.reply(199, "b");
    call.look();
    call.reply(180, "b");
    assert_eq!(call.news(), ["progress 180"], "within one try a leg that is over stays so");
}

#[test]
fn rfc3261_s12_2_1_1_the_next_try_is_numbered_after_what_its_early_dialogs_have_sent() {
    for redirects in [false, true] {
        let mut call = if redirects { redirecting() } else { Call::udp(with_password()) };
        call.reply(180, "b");
        call.in_dialog_with(Some("b"), DialogRequest::new(Method::Info)).unwrap();
        call.in_dialog_with(Some("b"), DialogRequest::new(Method::Info)).unwrap();
        let last = call.sent(Method::Info);
        match redirects {
            true => redirected(&mut call),
            false => challenged(&mut call),
        }
        let again = call.sent(Method::Invite);
        assert_eq!(call.all_sent(Method::Invite).len(), 2);
        assert!(cseq(&again) > cseq(&last));
    }
}
