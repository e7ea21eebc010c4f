//! What SIP.js expects of a `ClientContext`, in its own words.

mod scripted;
mod simulation;

use scripted::*;
use simulation::{FLOW, invite, new_request};
use sipboard::sip::{
    CancelError, Cause, ContextEvent, Fact, Method, NewRequest, Settings, StatusCode, Transport,
};

/// What SIP.js's `SIP_ERROR_CAUSES` say of a status.
fn cause(status: u16) -> &'static str {
    match status {
        486 | 600 => "Busy",
        403 | 603 => "Rejected",
        300 | 301 | 302 | 305 | 380 => "Redirected",
        480 | 410 | 408 | 430 => "Unavailable",
        404 | 604 => "Not Found",
        484 => "Address Incomplete",
        488 | 606 => "Incompatible SDP",
        401 | 407 => "Authentication Error",
        _ => "SIP Failure Code",
    }
}

fn requests() -> [NewRequest; 3] {
    [
        invite(),
        new_request(Method::Options, "sip:bob@demo.test"),
        new_request(Method::Message, "sip:bob@demo.test"),
    ]
}

/// What a response made happen, without what only an INVITE has.
fn after(request: NewRequest, transport: Transport, status: u16) -> Vec<String> {
    let mut call = Call::with(Settings::default(), transport, request).looked();
    call.reply(status, "b");
    let only_of_invites = ["leg", "acked", "ended"];
    call.news()
        .into_iter()
        .filter(|word| !only_of_invites.iter().any(|start| word.starts_with(start)))
        .collect()
}

#[test]
fn every_status_from_100_to_199_is_progress() {
    for request in requests() {
        for status in 100..=199 {
            let told = after(request.clone(), Transport::Ws, status);
            assert_eq!(told, [format!("progress {status}")], "{}", request.method);
        }
    }
}

#[test]
fn every_status_from_200_to_299_is_accepted() {
    for request in requests() {
        for status in 200..=299 {
            let told = after(request.clone(), Transport::Ws, status);
            assert_eq!(told, [format!("accepted {status}")], "{}", request.method);
        }
    }
}

#[test]
fn every_status_from_300_to_699_is_rejected_and_then_failed_with_its_cause() {
    for request in requests() {
        for status in 300..=699 {
            let told = after(request.clone(), Transport::Ws, status);
            let cause = cause(status);
            let expected = [format!("rejected {status} {cause}"), format!("failed {cause}")];
            assert_eq!(told, expected, "{}", request.method);
        }
    }
}

#[test]
fn every_status_means_the_same_on_udp() {
    for status in 100..=699 {
        for request in requests() {
            let ws = after(request.clone(), Transport::Ws, status);
            assert_eq!(after(request, Transport::Udp, status), ws, "{status}");
        }
    }
}

fn facts(call: &Call) -> Vec<&Fact> {
    let own = |event: &&ContextEvent| event.context == call.id;
    call.sim.events.iter().filter(own).map(|event| &event.fact).collect()
}

#[test]
fn progress_accepted_rejected_and_failed_carry_the_response() {
    for (status, name) in [(180, "progress"), (200, "accepted"), (486, "rejected")] {
        let mut call = Call::invited();
        call.reply(status, "b");
        let facts = facts(&call);
        let fact = facts.iter().find(|fact| fact.name() == Some(name)).unwrap();
        assert_eq!(fact.response().unwrap().status, StatusCode::new(status).unwrap());
    }
    let mut call = Call::invited();
    call.reply(486, "b");
    let failed = facts(&call).into_iter().find(|fact| fact.name() == Some("failed")).unwrap();
    assert_eq!(failed.response().unwrap().status.code(), 486);
}

#[test]
fn a_timeout_is_failed_without_a_response_because_of_request_timeout() {
    for request in requests() {
        let mut call = Call::with(Settings::default(), Transport::Ws, request);
        call.wait(PATIENCE);
        let failed = |fact: &&Fact| matches!(fact, Fact::Failed { response: None, cause, .. } if *cause == Cause::RequestTimeout);
        assert!(facts(&call).iter().any(failed));
    }
}

#[test]
fn a_transport_error_is_failed_without_a_response_because_of_connection_error() {
    for request in requests() {
        let mut call = Call::with(Settings::default(), Transport::Ws, request);
        call.sim.with(|ua, now| ua.flow_down(now, FLOW, "gone"));
        let failed = |fact: &&Fact| matches!(fact, Fact::Failed { response: None, cause, .. } if *cause == Cause::ConnectionError);
        assert!(facts(&call).iter().any(failed));
    }
}

#[test]
fn a_context_has_its_method_request_and_identities_from_the_start() {
    let call = Call::udp(invite());
    let Fact::Created(created) = facts(&call)[0] else { panic!("created comes first") };
    assert_eq!(&*created.local_identity, "\"Alice\" <sip:alice@demo.test>");
    assert_eq!(&*created.remote_identity, "<sip:bob@demo.test>");
    assert_eq!(created.request_uri.as_str(), "sip:bob@demo.test");
    assert_eq!(*created.call_id, *text(&call.last(), sipboard::sip::HeaderName::CallId));
    let Fact::Sent { message, .. } = facts(&call)[1] else { panic!("sent comes next") };
    assert_eq!(message, call.last().bytes());
}

#[test]
fn a_cancel_is_told_with_its_options_before_anything_comes_of_it() {
    let mut call = Call::ringing();
    call.cancel_with(Some(480), Some("gone")).unwrap();
    let options = facts(&call).into_iter().find_map(|fact| match fact {
        Fact::Cancel { options, .. } => Some(options.clone()),
        _ => None,
    });
    let options = options.unwrap();
    assert_eq!((options.status_code, options.reason_phrase.as_deref()), (Some(480), Some("gone")));
    assert_eq!(call.news(), ["cancel", "cancel sent"]);
}

#[test]
fn a_cancel_with_a_status_outside_200_to_699_is_an_error_and_nothing_is_told() {
    for status in [0, 100, 199, 700, 65_535] {
        let mut call = Call::ringing();
        assert_eq!(call.cancel_with(Some(status), None), Err(CancelError::BadStatus(status)));
        assert_eq!(call.news(), [""; 0]);
    }
}

#[test]
fn a_cancelled_context_fails_because_of_canceled() {
    let mut call = Call::ringing();
    call.cancel().unwrap();
    call.reply(487, "b");
    assert!(call.news().contains(&"failed Canceled".to_owned()));
}

#[test]
fn there_is_one_final_outcome_however_many_responses_come() {
    for request in requests() {
        let mut call = Call::with(Settings::default(), Transport::Udp, request);
        for status in [180, 404, 404, 486, 200, 180, 603] {
            call.reply(status, "b");
        }
        let names: Vec<&str> = facts(&call).iter().filter_map(|fact| fact.name()).collect();
        let count = |name| names.iter().filter(|other| **other == name).count();
        assert_eq!([count("rejected"), count("failed"), count("accepted")], [1, 1, 0]);
        assert_eq!(count("ended"), 1);
    }
}
