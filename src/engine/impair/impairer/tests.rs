//! The rules in virtual time.

use super::*;

const FLOW: FlowId = FlowId(1);

fn impairer(rules: &str) -> Impairer {
    let mut impairer = Impairer::new();
    impairer.set(rules.parse().unwrap(), 1);
    impairer
}

fn packet(direction: Direction, bytes: impl Into<String>) -> Packet {
    let bytes = Bytes::from(bytes.into());
    Packet { direction, flow: FLOW, transport: Transport::Udp, address: None, bytes }
}

fn request(method: &str, cseq: u32) -> Packet {
    packet(
        Direction::Out,
        format!("{method} sip:b@b.test SIP/2.0\r\nCSeq: {cseq} {method}\r\n\r\n"),
    )
}

fn response(status: &str, method: &str) -> Packet {
    packet(Direction::In, format!("SIP/2.0 {status}\r\nCSeq: 1 {method}\r\n\r\n"))
}

/// What passes at once.
fn passed(steps: &[Step]) -> Vec<&Packet> {
    let pass = steps.iter().filter_map(|step| match step {
        Step::Pass(packet, _) => Some(packet),
        Step::Tell(_) => None,
    });
    pass.collect()
}

/// What is told, in order.
fn deeds(steps: &[Step]) -> Vec<Deed> {
    let told = steps.iter().filter_map(|step| match step {
        Step::Tell(mark) | Step::Pass(_, Some(mark)) => Some(mark.impaired.deed),
        Step::Pass(_, None) => None,
    });
    told.collect()
}

/// How many of so many requests a rule drops.
fn dropped(rules: &str, of: u32) -> usize {
    let (mut impairer, now) = (impairer(rules), Instant::now());
    (0..of).filter(|n| passed(&impairer.judge(now, request("OPTIONS", *n))).is_empty()).count()
}

#[test]
fn conditions_choose_the_messages() {
    let now = Instant::now();
    for (rules, falls, stays) in [
        ("out drop", request("INVITE", 1), response("200 OK", "INVITE")),
        ("in drop", response("200 OK", "INVITE"), request("INVITE", 1)),
        ("drop method=BYE,INVITE", request("INVITE", 1), request("OPTIONS", 1)),
        ("drop method=INVITE", response("180 Ringing", "INVITE"), response("200 OK", "BYE")),
        ("drop status=1xx", response("180 Ringing", "INVITE"), response("200 OK", "INVITE")),
        ("drop status=180,486", response("486 Busy", "INVITE"), response("183 X", "INVITE")),
        ("drop status=100-699", response("183 X", "INVITE"), request("INVITE", 1)),
        ("drop flow=1", request("INVITE", 1), Packet { flow: FlowId(2), ..request("INVITE", 1) }),
        (
            "drop transport=udp",
            request("INVITE", 1),
            Packet { transport: Transport::Ws, ..request("INVITE", 1) },
        ),
        ("drop", packet(Direction::In, "no SIP at all"), packet(Direction::In, "\r\n\r\n")),
        ("drop method=INVITE", request("INVITE", 1), packet(Direction::In, "no SIP at all")),
    ] {
        let mut impairer = impairer(rules);
        assert_eq!(deeds(&impairer.judge(now, falls.clone())), [Deed::Dropped], "{rules}");
        let steps = impairer.judge(now, stays.clone());
        assert_eq!(steps[..], [Step::Pass(stays, None)], "{rules}");
    }
}

#[test]
fn the_first_so_many_of_those_it_is_about_fall_and_then_the_next_rule_is_asked() {
    let (mut impairer, now) =
        (impairer("out drop first=2 method=INVITE; duplicate"), Instant::now());
    let counts: Vec<usize> = ["INVITE", "OPTIONS", "INVITE", "INVITE"]
        .iter()
        .map(|method| passed(&impairer.judge(now, request(method, 1))).len())
        .collect();
    assert_eq!(counts, [0, 2, 0, 2]);
}

#[test]
fn the_seed_decides_what_chance_does() {
    let fall = |seed: u32| {
        let (mut impairer, now) = (impairer(&format!("drop 30%; seed={seed}")), Instant::now());
        let falls =
            (0..500).map(|n| passed(&impairer.judge(now, request("OPTIONS", n))).is_empty());
        falls.collect::<Vec<bool>>()
    };
    assert_eq!(fall(42), fall(42));
    assert_ne!(fall(42), fall(43));
    let count = dropped("drop 30%", 10_000);
    assert!((2_700..3_300).contains(&count), "{count} of 10000");
    assert_eq!((dropped("drop", 100), dropped("drop 100%", 100)), (100, 100));
}

/// What becomes of a lively exchange on two flows, down to the last byte and nanosecond.
fn exchange(rules: &str, swapped: bool) -> Vec<(Packet, Vec<Step>)> {
    let (mut impairer, now) = (impairer(rules), Instant::now());
    let mut told = Vec::new();
    for n in 0..60 {
        let flow = FlowId(1 + n % 2);
        let method = ["OPTIONS", "INVITE", "MESSAGE"][n as usize % 3];
        let status = ["200 OK", "180 Ringing", "486 Busy Here", "200 OK"][n as usize % 4];
        let mut pair =
            [Packet { flow, ..request(method, n) }, Packet { flow, ..response(status, method) }];
        if swapped {
            pair.reverse();
        }
        for packet in pair {
            let steps = impairer.judge(now, packet.clone()).to_vec();
            told.push((packet, steps));
        }
    }
    while let Some(at) = impairer.poll_timeout() {
        let Some(step) = impairer.take_due(at) else { panic!("it is due") };
        let Step::Pass(packet, _) = &step else { panic!("{step:?}") };
        told.push((packet.clone(), vec![step]));
    }
    told
}

#[test]
fn with_a_seed_every_action_on_every_choice_of_messages_does_the_same_again() {
    for action in ["drop", "duplicate", "delay 1ms..900ms", "reorder 50ms", "corrupt"] {
        for way in ["", "out ", "in "] {
            for about in ["", "method=INVITE,OPTIONS", "status=2xx", "flow=1", "transport=udp"] {
                let rules = |seed| format!("{way}{action} 50% {about}; seed={seed}");
                let first = exchange(&rules(42), false);
                assert_eq!(first, exchange(&rules(42), false), "{}", rules(42));
                let hits = first.iter().filter(|(_, steps)| !deeds(steps).is_empty()).count();
                let out_of = first.len();
                let is_never = way == "out " && about.starts_with("status");
                assert_eq!(hits == 0, is_never, "{}: {hits} of {out_of}", rules(42));
                if !is_never {
                    assert_ne!(first, exchange(&rules(43), false), "{}", rules(43));
                }
            }
        }
    }
}

#[test]
fn what_chance_does_on_one_way_does_not_depend_on_when_the_other_way_is_used() {
    for rules in ["drop 50%; seed=7", "out corrupt 50%; in drop 20%; duplicate 30%; seed=7"] {
        let of = |swapped, direction| {
            let mut exchange = exchange(rules, swapped);
            exchange.retain(|(packet, _)| packet.direction == direction);
            exchange
        };
        for direction in [Direction::Out, Direction::In] {
            assert_eq!(of(false, direction), of(true, direction), "{rules}");
        }
    }
}

#[test]
fn a_delayed_message_goes_when_its_time_has_come_and_not_before() {
    let (mut impairer, now) = (impairer("out delay 200ms..1s"), Instant::now());
    let mut due = Vec::new();
    for n in 0..50 {
        let steps = impairer.judge(now, request("OPTIONS", n));
        let [Deed::Held(time)] = deeds(&steps)[..] else { panic!("{steps:?}") };
        assert!(passed(&steps).is_empty());
        assert!((200..=1000).contains(&time.as_millis()), "{time:?}");
        due.push((now + time, n));
    }
    assert!(impairer.holds_ours());
    due.sort();
    for (at, n) in due {
        assert_eq!(impairer.poll_timeout(), Some(at));
        assert_eq!(impairer.take_due(at - Duration::from_nanos(1)), None);
        let step = impairer.take_due(at).unwrap();
        let Step::Pass(packet, Some(mark)) = step else { panic!("{step:?}") };
        assert_eq!(packet, request("OPTIONS", n));
        assert_eq!(mark.impaired.deed, Deed::Left(at - now));
    }
    assert_eq!((impairer.poll_timeout(), impairer.weight), (None, 0));
    assert!(!impairer.holds_ours());
}

#[test]
fn a_reordered_message_goes_behind_the_next_of_its_flow_and_direction() {
    let (mut impairer, now) = (impairer("out reorder first=2"), Instant::now());
    assert!(passed(&impairer.judge(now, request("OPTIONS", 1))).is_empty());
    let elsewhere = Packet { flow: FlowId(2), ..request("OPTIONS", 7) };
    assert!(passed(&impairer.judge(now, elsewhere.clone())).is_empty(), "a flow of its own");
    let answer = response("200 OK", "OPTIONS");
    assert_eq!(passed(&impairer.judge(now, answer.clone())), [&answer]);
    let steps = impairer.judge(now, request("OPTIONS", 2));
    assert_eq!(passed(&steps), [&request("OPTIONS", 2), &request("OPTIONS", 1)]);
    assert_eq!(deeds(&steps), [Deed::Left(Duration::ZERO)]);
    // Nothing overtakes the other one: it goes after a second.
    let due = impairer.poll_timeout().unwrap();
    assert_eq!(due, now + Duration::from_secs(1));
    assert!(matches!(impairer.take_due(due), Some(Step::Pass(packet, _)) if packet == elsewhere));
    assert!(impairer.waiting.is_empty() && impairer.held.is_empty());
}

#[test]
fn of_two_in_a_row_that_are_to_be_reordered_the_second_overtakes_the_first() {
    let (mut impairer, now) = (impairer("out reorder"), Instant::now());
    assert!(passed(&impairer.judge(now, request("OPTIONS", 1))).is_empty());
    let steps = impairer.judge(now, request("OPTIONS", 2));
    assert_eq!(passed(&steps), [&request("OPTIONS", 2), &request("OPTIONS", 1)]);
}

#[test]
fn rules_that_change_leave_what_is_held_back_to_its_time() {
    let (mut impairer, now) = (impairer("out reorder"), Instant::now());
    impairer.judge(now, request("OPTIONS", 1));
    impairer.set(Impairments::default(), 1);
    assert!(impairer.is_at_work(), "something waits to be overtaken");
    let steps = impairer.judge(now, request("OPTIONS", 2));
    assert_eq!(passed(&steps).len(), 2);
    assert!(!impairer.is_at_work());
}

#[test]
fn a_corrupted_message_differs_in_one_byte_and_the_mark_says_which() {
    let (mut impairer, now) = (impairer("corrupt"), Instant::now());
    for n in 0..200 {
        let before = request("OPTIONS", n);
        let steps = impairer.judge(now, before.clone());
        let [Step::Pass(after, Some(mark))] = &steps[..] else { panic!("{steps:?}") };
        let Deed::Corrupted { offset, from, to } = mark.impaired.deed else { panic!("{mark:?}") };
        assert_eq!((before.bytes[offset], after.bytes[offset]), (from, to));
        let differ = before.bytes.iter().zip(&after.bytes).filter(|(a, b)| a != b).count();
        assert_eq!((differ, before.bytes.len()), (1, after.bytes.len()));
        assert_eq!((&mark.original, &mark.impaired.message), (&before.bytes, &after.bytes));
    }
    // What came is what the wire had, whatever is made of it.
    let came = response("200 OK", "OPTIONS");
    let steps = impairer.judge(now, came.clone());
    let [Step::Tell(mark), Step::Pass(after, None)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(mark.impaired.message, came.bytes);
    assert_ne!(after.bytes, came.bytes);
}

#[test]
fn what_is_held_back_is_bounded_and_the_rest_passes() {
    let (mut impairer, now) = (impairer("in delay 10s"), Instant::now());
    let large = packet(Direction::In, "x".repeat(60_000));
    let held =
        (0..2_000).filter(|_| passed(&impairer.judge(now, large.clone())).is_empty()).count();
    assert!((1_000..1_200).contains(&held), "{held}");
    assert!(impairer.weight <= WEIGHT);
}
