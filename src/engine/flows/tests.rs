//! How flows are shared, and when they are made again.

use super::*;
use crate::sip::resolution::Candidate;

fn server(text: &str) -> Way {
    Way::direct(text.parse().unwrap(), Arc::default())
}

fn ends() -> Ends {
    let address = "127.0.0.1:1".parse().unwrap();
    Ends { local: address, peer: address, facts: Arc::default() }
}

#[test]
fn retries_double_from_one_second_to_thirty_less_a_quarter_at_most() {
    for (failures, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (u32::MAX, 30.0)] {
        assert_eq!(back_off(failures, 0.0).as_secs_f64(), seconds);
        assert_eq!(back_off(failures, 1.0).as_secs_f64(), seconds * 0.75);
    }
}

#[test]
fn one_flow_leads_to_each_server() {
    let mut flows = Flows::default();
    assert_eq!(flows.to(&server("ws://a")), Found::Connect(FlowId(1)));
    assert_eq!(flows.to(&server("ws://a")), Found::Ready(FlowId(1)));
    assert_eq!(flows.to(&server("ws://a/other")), Found::Connect(FlowId(2)));
    assert_eq!(flows.to(&server("sip:a")), Found::Connect(FlowId(3)));
    let by_tcp = server("sip:a").by_tcp(Some("192.0.2.1:5060".parse().unwrap()));
    assert_eq!(flows.to(&by_tcp), Found::Connect(FlowId(4)));
    assert_eq!(flows.to(&server("sip:192.0.2.1;transport=tcp")), Found::Ready(FlowId(4)));
}

#[test]
fn names_of_one_address_share_a_flow_unless_the_name_is_asked_for() {
    let resolved = |text: &str| {
        let Way { asked, settings, .. } = server(text);
        let (transport, address) = (asked.transport, ends().peer);
        let source = crate::sip::resolution::Source::Address;
        let server = asked.resolved(&Candidate { transport, address, source });
        Way { asked, server, settings, for_one: false }
    };
    let mut flows = Flows::default();
    assert_eq!(flows.to(&resolved("sip:a")), Found::Connect(FlowId(1)));
    assert_eq!(flows.to(&resolved("sip:b")), Found::Ready(FlowId(1)));
    assert_eq!(flows.to(&server("sip:127.0.0.1:1")), Found::Ready(FlowId(1)));
    assert_eq!(flows.to(&resolved("ws://a")), Found::Connect(FlowId(2)));
    assert_eq!(flows.to(&resolved("ws://b")), Found::Connect(FlowId(3)));
    let now = Instant::now();
    assert_eq!(flows.down(now, FlowId(2), false, 0.0), None, "it was never there");
    flows.up(now, FlowId(3), ends());
    assert!(flows.down(now, FlowId(3), false, 0.0).is_some());
}

#[test]
fn a_flow_that_only_a_long_request_wanted_is_not_made_again_until_something_else_wants_it() {
    let mut flows = Flows::default();
    let now = Instant::now();
    let udp = server("sip:192.0.2.1");
    let to = Some("192.0.2.1:5060".parse().unwrap());
    for way in [udp.by_tcp(to), udp.by_tcp(None)] {
        assert_eq!(flows.to(&way), Found::Connect(FlowId(1)));
        assert_eq!(flows.down(now, FlowId(1), false, 0.0), None);
    }
    assert_eq!(flows.next_retry(), None);
    flows.to(&udp.by_tcp(to));
    assert!(flows.down(now, FlowId(1), true, 0.0).is_some(), "a registration wants it");
    flows.to(&server("sip:192.0.2.1;transport=tcp"));
    assert!(flows.down(now, FlowId(1), false, 0.0).is_some(), "the user named it");
}

#[test]
fn a_request_on_a_flow_that_is_down_does_not_wait_for_the_retry() {
    let mut flows = Flows::default();
    let now = Instant::now();
    flows.to(&server("ws://a"));
    let at = flows.down(now, FlowId(1), false, 0.0).unwrap();
    assert_eq!(flows.next_retry(), Some(at));
    assert_eq!(flows.take_due(now), None);
    assert_eq!(flows.to(&server("ws://a")), Found::Connect(FlowId(1)));
    assert_eq!(flows.next_retry(), None);
    let later = flows.down(now, FlowId(1), false, 0.0).unwrap();
    assert_eq!(later - now, FIRST_RETRY * 2);
    assert_eq!(flows.take_due(later), Some(Again::Connect(FlowId(1))));
    assert_eq!(flows.take_due(later), None);
}

#[test]
fn what_nobody_wants_can_be_forgotten_and_its_id_is_not_given_again() {
    let mut flows = Flows::default();
    let now = Instant::now();
    for text in ["ws://a", "ws://b", "ws://c"] {
        flows.to(&server(text));
    }
    flows.down(now, FlowId(2), false, 0.0).unwrap();
    flows.want(|way| *way == server("ws://a"));
    assert_eq!(flows.unwanted(), [FlowId(2), FlowId(3)]);
    assert_eq!(flows.to(&server("ws://c")), Found::Ready(FlowId(3)), "a new request wants it");
    assert_eq!(flows.unwanted(), [FlowId(2)]);
    flows.forget(FlowId(2));
    assert_eq!((flows.unwanted(), flows.next_retry()), (Vec::new(), None));
    assert_eq!(flows.to(&server("ws://b")), Found::Connect(FlowId(4)));
}

#[test]
fn only_a_flow_that_lasted_begins_its_back_off_anew() {
    let mut flows = Flows::default();
    let now = Instant::now();
    flows.to(&server("ws://a"));
    flows.down(now, FlowId(1), false, 0.0);
    flows.up(now, FlowId(1), ends());
    assert_eq!(flows.down(now, FlowId(1), false, 0.0), Some(now + FIRST_RETRY * 2));
    flows.up(now, FlowId(1), ends());
    let later = now + LAST_RETRY;
    assert_eq!(flows.down(later, FlowId(1), false, 0.0), Some(later + FIRST_RETRY));
}

/// A flow over UDP that is up.
fn udp(now: Instant) -> Flows {
    let mut flows = Flows::default();
    flows.to(&server("sip:a"));
    flows.up(now, FlowId(1), ends());
    flows
}

#[test]
fn udp_without_a_registration_is_tried_by_the_next_request_until_something_goes_through() {
    let now = Instant::now();
    let mut flows = Flows::default();
    flows.to(&server("sip:a"));
    assert_eq!(flows.down(now, FlowId(1), false, 0.0), None);
    assert_eq!(flows.to(&server("sip:a")), Found::Connect(FlowId(1)));
    flows.up(now, FlowId(1), ends());
    assert_eq!(flows.refused(now, FlowId(1), false, 0.0), Some(None));
    assert_eq!(flows.refused(now, FlowId(1), false, 0.0), None, "no news");
    assert_eq!(flows.next_retry(), None);
    assert_eq!(flows.to(&server("sip:a")), Found::Ready(FlowId(1)));
    assert_eq!(flows.went_through(now, FlowId(1)), Some(ends()));
    assert_eq!(flows.went_through(now, FlowId(1)), None);
}

#[test]
fn udp_with_a_registration_is_tried_with_the_back_off_that_connections_have() {
    let mut now = Instant::now();
    let mut flows = udp(now);
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        let at = now + Duration::from_secs(seconds);
        assert_eq!(flows.refused(now, FlowId(1), true, 0.0), Some(Some(at)));
        // Keep-alives are refused meanwhile.
        assert_eq!(flows.refused(now, FlowId(1), true, 0.0), None);
        assert_eq!((flows.next_retry(), flows.take_due(now)), (Some(at), None));
        assert_eq!(flows.take_due(at), Some(Again::Try(FlowId(1))));
        assert_eq!(flows.next_retry(), None);
        now = at;
    }
    // What comes and goes is not asked without end.
    assert_eq!(flows.went_through(now, FlowId(1)), Some(ends()));
    let at = now + LAST_RETRY;
    assert_eq!(flows.refused(now, FlowId(1), true, 0.0), Some(Some(at)));
    assert_eq!(flows.went_through(now, FlowId(1)), Some(ends()));
    assert_eq!(flows.next_retry(), None, "nothing is to be tried any more");
    assert_eq!(flows.refused(at, FlowId(1), true, 0.0), Some(Some(at + FIRST_RETRY)));
    flows.forget(FlowId(1));
    assert_eq!(flows.next_retry(), None);
}

#[test]
fn a_flow_that_was_refused_hears_of_its_peer_by_the_peer_alone() {
    let now = Instant::now();
    let mut flows = udp(now);
    let at = |text: &str| text.parse::<SocketAddr>().unwrap();
    let (request, answer) = (&b"OPTIONS sip:us SIP/2.0"[..], &b"SIP/2.0 200 OK"[..]);
    assert!(!flows.is_heard(FlowId(1), ends().peer, request), "it is up");
    flows.refused(now, FlowId(1), true, 0.0);
    for (source, bytes, expected) in [
        ("127.0.0.1:1", request, true),
        ("127.0.0.1:2", request, false),
        ("127.0.0.1:2", answer, true),
        ("127.0.0.2:1", answer, false),
    ] {
        assert_eq!(flows.is_heard(FlowId(1), at(source), bytes), expected, "{source}");
    }
}
