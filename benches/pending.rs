//! Many INVITEs that ring: memory and time of each, with the history that the dashboard keeps.
//!
//! `cargo bench --bench pending`, or `-- 1000 2000` for other numbers of INVITEs.

use std::{
    alloc::System,
    env, fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sipboard::{
    sip::{
        Event, Fact, FlowId, HeaderName, Identity, Message, MessageBuilder, Method, NewRequest,
        Output, Settings, State, StatusCode, Transport, UserAgent,
    },
    ui::model::Contexts,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FLOW: FlowId = FlowId(1);
/// What each may take, in KiB.
const BAR: f64 = 3.0;

const SDP: &[u8] = b"v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=-\r\n\
    c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

/// What was measured at one number of INVITEs.
struct Measured {
    count: usize,
    /// Bytes that are allocated for each, and how many pages are resident.
    agent: f64,
    all: f64,
    resident: f64,
    opening: Duration,
    round: Duration,
    ringing: Duration,
}

fn main() {
    let numbers: Vec<usize> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let numbers = if numbers.is_empty() { vec![10_000, 100_000] } else { numbers };
    let measured: Vec<Measured> = numbers.into_iter().map(measure).collect();
    println!("INVITEs pending on UDP after a retransmission and a 180 each, with history\n");
    println!(
        "{:>8} {:>12} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "INVITEs", "agent each", "all each", "resident", "open each", "Timer A each", "180 each"
    );
    for it in &measured {
        let each = |time: Duration| format!("{:.2} µs", time.as_secs_f64() * 1e6 / it.count as f64);
        println!(
            "{:>8} {:>8.2} KiB {:>8.2} KiB {:>8.2} KiB {:>12} {:>12} {:>12}",
            it.count,
            it.agent,
            it.all,
            it.resident,
            each(it.opening),
            each(it.round),
            each(it.ringing)
        );
    }
    println!("\nresident at 10,000 pending, for comparison: SIPp 2.9 KiB (no history),");
    println!("SIP.js 8.6 to 28.9, JsSIP 11.1, rsipstack 13.9, pjsip 15.1");
    let most = measured.iter().map(|it| it.all).fold(0.0, f64::max);
    let verdict = if most <= BAR { "holds" } else { "DOES NOT HOLD" };
    println!("\nat most {BAR} KiB allocated for each: {verdict}");
}

fn measure(count: usize) -> Measured {
    let start = Instant::now();
    let (before, resident) = (allocated(), resident());
    let mut ua = UserAgent::new(Settings::default(), 1);
    let mut history = Contexts::default();
    ua.flow_connecting(FLOW, Transport::Udp);
    ua.flow_up(start, FLOW, "192.0.2.1:5060".parse().expect("an address"));

    let opening = timed(|| {
        for number in 0..count {
            ua.request(start, FLOW, invite(number));
            drain(&mut ua, &mut history);
        }
    });
    let due = ua.poll_timeout().expect("Timer A runs");
    let round = timed(|| {
        ua.handle_timeout(due);
        drain(&mut ua, &mut history);
    });
    let ringing = ring(&mut ua, &mut history, due, count);

    assert_eq!(history.in_flight(), count);
    assert_eq!(history.row(count - 1).map(|row| row.status.state), Some(State::Proceeding));
    assert_eq!(history.row(0).map(|row| row.timeline.len()), Some(4));
    let each = |bytes: usize| bytes as f64 / 1024.0 / count as f64;
    let all = each(allocated() - before);
    let resident = each(self::resident().saturating_sub(resident));
    // What the history shares with the user agent is the user agent's.
    drop(history);
    let agent = each(allocated() - before);
    Measured { count, agent, all, resident, opening, round, ringing }
}

/// One 180 for each. Making them is not what is measured.
fn ring(ua: &mut UserAgent, history: &mut Contexts, now: Instant, count: usize) -> Duration {
    let source: SocketAddr = "192.0.2.2:5060".parse().expect("an address");
    let mut time = Duration::ZERO;
    for first in (0..count).step_by(1000) {
        let batch = first..count.min(first + 1000);
        let responses: Vec<Bytes> = batch
            .map(|index| {
                let row = history.row(index).expect("there is a row for each");
                let sent = row.timeline.iter().find_map(|entry| match &entry.fact {
                    Fact::Sent { message, .. } => Some(message.clone()),
                    _ => None,
                });
                ringing(sent.expect("each was sent"))
            })
            .collect();
        time += timed(|| {
            for response in responses {
                ua.handle_message(now, FLOW, source, response);
                drain(ua, history);
            }
        });
    }
    time
}

fn drain(ua: &mut UserAgent, history: &mut Contexts) {
    while let Some(output) = ua.poll_output() {
        match output {
            Output::Event(Event::Context(event)) => _ = history.apply(event),
            Output::Event(Event::Registration(_)) => {}
            Output::Event(Event::Outside(outside)) => panic!("nobody asks: {outside:?}"),
            Output::Event(Event::Stray(stray)) => panic!("{}", stray.problem),
            Output::Transmit(_)
            | Output::Connect(_)
            | Output::Switch(_)
            | Output::Follow(_)
            | Output::Settled(_)
            | Output::Reconnect(_)
            | Output::KeepAlive(_) => {}
        }
    }
}

fn invite(number: usize) -> NewRequest {
    let from = Identity {
        display_name: "Alice".to_owned(),
        uri: "sip:alice@demo.test".parse().expect("a URI"),
    };
    let target = format!("sip:bob{number}@demo.test").parse().expect("a URI");
    NewRequest {
        content_type: Some("application/sdp".to_owned()),
        body: Bytes::from_static(SDP),
        ..NewRequest::new(Method::Invite, target, from)
    }
}

/// As it comes from a socket: a buffer of its own, no longer than the message.
fn ringing(invite: Bytes) -> Bytes {
    let invite = Message::read(invite).expect("what is sent can be read");
    let header = |name| invite.header(name).expect("every request has it");
    let to = header(HeaderName::To).text().expect("To is text");
    let response = MessageBuilder::response(StatusCode::RINGING, "Ringing")
        .copy(header(HeaderName::Via))
        .copy(header(HeaderName::From))
        .header(HeaderName::To, format_args!("{to};tag=a6c85cf"))
        .copy(header(HeaderName::CallId))
        .copy(header(HeaderName::CSeq))
        .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
        .header(HeaderName::Server, "demo")
        .body(None, b"");
    Bytes::copy_from_slice(&response)
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Bytes that are allocated now.
fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    // What grows or shrinks in its place counts as one of the two.
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Bytes that are resident now; 0 where the system does not say.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    pages * 4096
}
