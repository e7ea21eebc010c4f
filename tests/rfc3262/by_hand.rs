//! What we answer the peer's INVITE with, by hand (§3).

use sipboard::sip::{Answer, AnswerError, ServerTransactionId, StatusCode, Timer};

use super::*;

/// A call whose peer sends a re-INVITE that waits for the user, and requires 100rel or not.
fn reinvited(required: &str) -> (Call, ServerTransactionId) {
    let settings = Settings { by_hand: vec![Method::Invite], ..Settings::default() };
    let mut call = Call::up_with(settings, Transport::Udp);
    let headers = [(REQUIRE, required), (HeaderName::ContentType, "application/sdp")];
    call.peer_body(Method::Invite, 1, &headers[usize::from(required.is_empty())..], SDP);
    let waiting = call.sim.events.iter().rev().find_map(|event| match event.fact {
        Fact::Received { transaction, .. } => transaction,
        _ => None,
    });
    call.look();
    (call, waiting.expect("it waits for the user"))
}

fn answer(
    call: &mut Call,
    transaction: ServerTransactionId,
    status: u16,
    body: &'static str,
) -> Result<(), AnswerError> {
    let answer = Answer {
        status: StatusCode::new(status).unwrap(),
        reason: String::new(),
        headers: Vec::new(),
        content_type: (!body.is_empty()).then(|| "application/sdp".to_owned()),
        body: body.into(),
    };
    let result = call.sim.with(|ua, now| ua.answer(now, transaction, answer));
    call.wait(ms(3));
    result
}

fn rseq(message: &Message) -> u32 {
    text(message, RSEQ).parse().unwrap()
}

fn prack(call: &mut Call, cseq: u32, rack: &str) -> u16 {
    code(&call.peer(Method::Prack, cseq, &[(HeaderName::RAck, rack)]))
}

#[test]
fn s3_a_provisional_that_the_peer_requires_to_be_reliable_is_repeated_until_its_prack() {
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 183, "").unwrap();
    let provisional = call.last();
    assert_eq!(list(&provisional, REQUIRE), ["100rel"]);
    assert!((1..=0x7fff_ffff).contains(&rseq(&provisional)));
    assert_eq!(call.timers()[0].0, Timer::ProvisionalAgain);
    call.wait(ms(1600));
    assert_eq!(call.wire(), ["183", "183", "183"], "after 0.5 and 1.5 s");
    assert_eq!(call.last().bytes(), provisional.bytes());
    let again = ["answered 183", "answered again 183", "answered again 183"];
    assert_eq!(call.news(), again);
    assert_eq!(prack(&mut call, 2, &format!("{} 1 INVITE", rseq(&provisional))), 200);
    assert_eq!(call.news(), ["received PRACK", "answered 200"]);
    call.look();
    call.wait(PATIENCE * 2);
    assert_eq!(call.wire(), [""; 0]);
    assert!(call.last_event().status.legs_up == 1 && call.ended().is_none());
}

#[test]
fn s3_one_that_nobody_requires_to_be_reliable_goes_once_and_so_does_a_100() {
    let (mut call, transaction) = reinvited("");
    answer(&mut call, transaction, 183, "").unwrap();
    assert!(!has(&call.last(), RSEQ) && !has(&call.last(), REQUIRE));
    call.look();
    call.wait(PATIENCE);
    assert_eq!(call.wire(), [""; 0]);
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 100, "").unwrap();
    assert!(!has(&call.last(), RSEQ));
}

#[test]
fn s3_without_a_prack_the_invite_is_refused_after_64_t1() {
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 180, "").unwrap();
    call.look();
    call.wait(PATIENCE - ms(100));
    assert_eq!(call.wire(), ["180"; 6], "after 1, 3, 7, 15, 31 and 63 times T1");
    call.look();
    call.wait(ms(200));
    assert_eq!(call.news()[1..], ["never acked", "answered 500"], "after Timer M of our INVITE");
    assert_eq!(answer(&mut call, transaction, 200, ""), Err(AnswerError::Gone));
    assert_eq!(call.ended(), None, "the dialog goes on");
}

#[test]
fn s3_a_second_one_waits_for_the_prack_of_the_first_and_counts_on() {
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 180, "").unwrap();
    let first = rseq(&call.last());
    let waits = AnswerError::Unacknowledged(StatusCode::new(180).unwrap());
    assert_eq!(answer(&mut call, transaction, 183, ""), Err(waits));
    assert_eq!(prack(&mut call, 2, &format!("{first} 1 INVITE")), 200);
    answer(&mut call, transaction, 183, "").unwrap();
    assert_eq!(rseq(&call.last()), first + 1);
}

#[test]
fn s3_a_prack_that_names_nothing_that_waits_gets_481() {
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 180, "").unwrap();
    let rseq = rseq(&call.last());
    for (cseq, rack) in [
        (2, format!("{} 1 INVITE", rseq + 1)),
        (3, format!("{rseq} 2 INVITE")),
        (4, format!("{rseq} 1 UPDATE")),
        (5, "nonsense".to_owned()),
    ] {
        assert_eq!(prack(&mut call, cseq, &rack), 481, "{rack}");
    }
    assert_eq!(prack(&mut call, 6, &format!("{rseq} 1 INVITE")), 200);
    assert_eq!(prack(&mut call, 7, &format!("{rseq} 1 INVITE")), 481, "once");
}

#[test]
fn s3_a_final_answer_ends_the_repeats_and_a_prack_may_still_come() {
    for status in [200, 486] {
        let (mut call, transaction) = reinvited("100rel");
        answer(&mut call, transaction, 180, "").unwrap();
        let rseq = rseq(&call.last());
        answer(&mut call, transaction, status, "").unwrap();
        call.deliver(call.peer_request("b", Method::Ack, 1, &[]));
        assert_eq!(prack(&mut call, 2, &format!("{rseq} 1 INVITE")), 200, "{status}");
        call.look();
        call.wait(ms(5000));
        assert!(!call.wire().contains(&"180".to_owned()));
    }
}

#[test]
fn s5_a_2xx_waits_for_the_prack_of_what_describes_the_session() {
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 183, SDP).unwrap();
    let rseq = rseq(&call.last());
    let waits = AnswerError::Unacknowledged(StatusCode::new(183).unwrap());
    assert_eq!(answer(&mut call, transaction, 200, ""), Err(waits));
    // The INVITE's offer is answered: the PRACK makes another, which its 200 answers (§5).
    let headers = [
        (HeaderName::ContentType, "application/sdp"),
        (HeaderName::RAck, &*format!("{rseq} 1 INVITE")),
    ];
    let ok = call.peer_body(Method::Prack, 2, &headers, SDP);
    assert_eq!((code(&ok), ok.body().starts_with(b"v=0")), (200, true));
    answer(&mut call, transaction, 200, "").unwrap();
    assert_eq!(code(&call.last()), 200);
}

#[test]
fn s3_with_its_leg_everything_about_it_is_over() {
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 180, "").unwrap();
    call.peer(Method::Bye, 2, &[]);
    assert!(call.ended().is_some());
    call.look();
    call.wait(PATIENCE * 2);
    assert!(!call.wire().contains(&"180".to_owned()));
    assert_eq!(call.sim.ua.held(), Default::default());
    let (mut call, transaction) = reinvited("100rel");
    answer(&mut call, transaction, 180, "").unwrap();
    let cancel = call.peer_request("b", Method::Cancel, 1, &[]);
    call.deliver(cancel);
    call.look();
    call.wait(ms(5000));
    assert!(!call.wire().contains(&"180".to_owned()), "the CANCEL has ended it");
}
