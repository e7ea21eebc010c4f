//! Requests in a dialog in which only a subscription lives on.

use sipboard::sip::{DialogRequest, TerminatedBy, TimerAt, TimerOf};

use super::*;

fn refer(cseq: u32) -> bytes::Bytes {
    format!("REFER sip:answer@demo.test SIP/2.0\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bK{cseq}\r\n\
        Max-Forwards: 70\r\nFrom: <sip:alice@demo.test>;tag=f\r\nTo: <sip:answer@demo.test>;tag=a8f2\r\n\
        Call-ID: c\r\nCSeq: {cseq} REFER\r\nRefer-To: <sip:c@demo.test>\r\nContent-Length: 0\r\n\r\n").into()
}

/// A call that was hung up, in whose dialog the last of these REFERs lives on.
fn hung_up(refers: &[u32]) -> Script {
    let mut script = Script::new(Colours::Many);
    script.answered(1);
    let up = Status { legs_up: 1, ..status(State::Accepted, false) };
    for (nth, cseq) in refers.iter().enumerate() {
        let id = nth as u64 + 2;
        script.created_by(id, Method::Refer, "sip:answer@demo.test", false, Some(1));
        let sent = Fact::Sent { message: refer(*cseq), destination: script.along(id) };
        script.fact(id, Method::Refer, sent, status(State::Trying, false));
    }
    let leg = |state| Fact::Leg { tag: "a8f2".into(), state };
    script.fact(1, Method::Invite, leg(LegState::HangingUp { bye: ContextId(9) }), up);
    let of = TimerOf::Request {
        method: Method::Refer,
        cseq: refers.last().copied(),
        of_peer: false,
        leg: None,
    };
    let at = script.now + Duration::from_secs(3600);
    let timers =
        refers.last().map(|_| TimerAt { timer: Timer::Expiry, at, of: Some(Box::new(of)) });
    let over = Status { timers: timers.into_iter().collect(), ..status(State::HungUp, false) };
    script.fact(1, Method::Invite, leg(LegState::Terminated { by: TerminatedBy::Local }), over);
    script.type_text("G");
    script
}

#[test]
fn what_lives_on_after_a_call_is_offered_to_be_ended() {
    for (refers, event) in [(&[7][..], "refer"), (&[7, 8], "refer;id=8")] {
        let mut script = hung_up(refers);
        // The call is the oldest row.
        while script.model.browse.selected != Some(ContextId(1)) {
            script.type_text("j");
        }
        script.type_text("o");
        let screen = script.text(120, 40);
        assert!(screen.contains("SUBSCRIBE"), "{screen}");
        let sent = script.press(KeyCode::Char('s'), KeyModifiers::CONTROL);
        let Some(Command::SendInDialog { context, request, .. }) = sent else { panic!("{sent:?}") };
        assert_eq!(context, ContextId(1));
        let DialogRequest { method, headers, .. } = *request;
        let headers: Vec<_> = headers.iter().map(|it| (it.name(), it.value())).collect();
        assert_eq!(
            (method, headers),
            (Method::Subscribe, vec![("Event", event), ("Expires", "0")])
        );
    }
}

#[test]
fn where_nothing_lives_on_the_dialog_is_over() {
    let mut script = hung_up(&[]);
    script.type_text("o");
    assert!(script.text(120, 40).contains("the dialog of the INVITE is over"));
}
