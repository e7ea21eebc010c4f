//! RFC 3326: the Reason of a CANCEL, as SIP.js's `cancel` gives it.

mod scripted;
mod simulation;

use scripted::*;
use sipboard::sip::{CancelError, HeaderName, Method};

/// The Reason of the CANCEL that these options make.
fn reason(status: Option<u16>, words: Option<&str>) -> Option<String> {
    let mut call = Call::ringing();
    call.cancel_with(status, words).expect("it can be cancelled");
    let cancel = call.sent(Method::Cancel);
    has(&cancel, HeaderName::Reason).then(|| text(&cancel, HeaderName::Reason))
}

#[test]
fn s2_a_cancel_without_options_has_no_reason() {
    assert_eq!(reason(None, None), None);
}

#[test]
fn s2_a_status_code_and_a_text_are_the_sip_cause_and_its_text() {
    assert_eq!(reason(Some(480), Some("gone")).unwrap(), r#"SIP;cause=480;text="gone""#);
}

#[test]
fn s2_a_status_code_alone_has_its_own_text() {
    assert_eq!(reason(Some(200), None).unwrap(), r#"SIP;cause=200;text="OK""#);
    assert_eq!(reason(Some(600), None).unwrap(), r#"SIP;cause=600;text="Busy Everywhere""#);
}

#[test]
fn s2_a_text_alone_stands_without_a_cause() {
    assert_eq!(reason(None, Some("changed my mind")).unwrap(), r#"SIP;text="changed my mind""#);
}

#[test]
fn s2_quotes_and_backslashes_in_the_text_are_escaped() {
    let text = reason(Some(480), Some(r#"a "b" \ c"#)).unwrap();
    assert_eq!(text, r#"SIP;cause=480;text="a \"b\" \\ c""#);
}

#[test]
fn s2_the_text_may_be_of_any_language() {
    assert_eq!(reason(None, Some("fort, 外出")).unwrap(), r#"SIP;text="fort, 外出""#);
}

#[test]
fn every_status_from_200_to_699_is_taken_and_no_other() {
    for status in 0..1000 {
        let mut call = Call::ringing();
        let result = call.cancel_with(Some(status), None);
        match (200..=699).contains(&status) {
            true => assert_eq!(result, Ok(()), "{status}"),
            false => {
                assert_eq!(result, Err(CancelError::BadStatus(status)));
                assert_eq!(call.wire(), [""; 0], "nothing was cancelled");
            }
        }
    }
}

#[test]
fn a_text_with_a_line_end_is_refused_and_nothing_is_cancelled() {
    for words in ["a\r\nEvil: b", "a\nb", "\0", "a\u{7f}"] {
        let mut call = Call::ringing();
        assert_eq!(call.cancel_with(None, Some(words)), Err(CancelError::BadReason), "{words:?}");
        assert_eq!(call.wire(), [""; 0]);
        call.cancel().unwrap();
    }
}

#[test]
fn a_cancel_that_waits_for_a_provisional_keeps_its_reason() {
    let mut call = Call::invited();
    call.cancel_with(Some(408), Some("too late")).unwrap();
    call.reply(180, "b");
    let cancel = call.sent(Method::Cancel);
    assert_eq!(text(&cancel, HeaderName::Reason), r#"SIP;cause=408;text="too late""#);
}
