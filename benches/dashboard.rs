//! The dashboard with many rows: taking an event in, drawing a frame, a key in the filter.
//!
//! `cargo bench --bench dashboard`, or `-- 10 1000` for other numbers of rows. Medians; nothing is
//! asserted.

use std::{
    env,
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, layout::Size};
use sipboard::{
    engine::{Account, Event},
    sip::{
        self, ContextEvent, ContextId, Created, Fact, FlowId, Method, Response, State, Status,
        StatusCode, Timer, TimerAt, Transport,
    },
    ui::{
        Model,
        model::TimeOfDay,
        update,
        view::{self, Colours, Theme},
    },
};

/// What a frame, and a key in the filter, may take at 100,000 rows.
const FRAME: Duration = Duration::from_millis(8);
const KEY: Duration = Duration::from_millis(50);
/// The filter that is typed, key by key: words, fields, a number, a regular expression.
const FILTERS: [&str; 4] = ["bob77", "code:180 target:bob9", "!state:calling ring", "~bob1.*5@"];

fn main() {
    let numbers: Vec<usize> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let numbers = if numbers.is_empty() { vec![10, 1_000, 100_000] } else { numbers };
    println!("medians on a screen of 160x45\n");
    println!(
        "{:>8} {:>14} {:>14} {:>14} {:>14} {:>14} {:>14}",
        "rows", "event", "event, moved", "frame", "frame, idle", "filter key", "filter worst"
    );
    for rows in numbers {
        measure(rows);
    }
    println!("\nbars at 100,000 rows: a frame {FRAME:?}, a key in the filter {KEY:?}");
}

fn measure(rows: usize) {
    let mut bench = Bench::new();
    for id in 1..=rows as u64 {
        bench.create(id);
    }
    bench.key('g');
    let event = median(2_000, |n| bench.ring(1 + (n as u64 * 7_919) % rows as u64));
    // Sorted by a column that the events change, each moves its row.
    for _ in 0..5 {
        bench.key('s');
    }
    let moved = median(2_000, |n| bench.retransmit(1 + (n as u64 * 7_919) % rows as u64));
    let frame = median(200, |n| {
        bench.ring(1 + (n as u64 * 104_729) % rows as u64);
        bench.draw();
    });
    let idle = median(200, |_| bench.draw());
    let mut keys = Vec::new();
    for filter in FILTERS {
        bench.key('/');
        for c in filter.chars() {
            let start = Instant::now();
            bench.key(c);
            bench.draw();
            keys.push(start.elapsed());
        }
        bench.press(KeyCode::Esc);
    }
    keys.sort_unstable();
    let worst = keys.last().copied().unwrap_or_default();
    println!(
        "{rows:>8} {:>14} {:>14} {:>14} {:>14} {:>14} {:>14}",
        text(event),
        text(moved),
        text(frame),
        text(idle),
        text(keys[keys.len() / 2]),
        text(worst)
    );
}

fn median(times: usize, mut work: impl FnMut(usize)) -> Duration {
    let mut took: Vec<Duration> = (0..times)
        .map(|n| {
            let start = Instant::now();
            work(n);
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[times / 2]
}

fn text(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

struct Bench {
    model: Model,
    terminal: Terminal<TestBackend>,
    now: Instant,
}

impl Bench {
    fn new() -> Bench {
        let account = Account {
            display_name: "Alice".into(),
            servers: Vec::new(),
            ..Account::new("alice", "sip:alice@demo.test".parse().expect("a URI"))
        };
        let theme = Theme::new(Colours::Many);
        let mut model = Model::new(vec![account], 0, TimeOfDay::system(), theme);
        model.size = Size { width: 160, height: 45 };
        let terminal = Terminal::new(TestBackend::new(160, 45)).expect("a terminal in memory");
        Bench { model, terminal, now: Instant::now() }
    }

    fn create(&mut self, id: u64) {
        let target = format!("sip:bob{id}@demo.test");
        let created = Created {
            request_uri: target.parse().expect("a URI"),
            local_identity: "Alice <sip:alice@demo.test>".into(),
            remote_identity: format!("<{target}>").into(),
            call_id: format!("{id:x}c4d8e1f2a7b3c9@sipboard").into(),
            flow: Some(FlowId(1)),
            transport: Transport::Udp,
            parent: None,
            account: None,
            registration: None,
        };
        let status = self.status(State::Calling, 1, 500);
        self.fact(id, Fact::Created(Box::new(created)), status);
        self.fact(id, Fact::Sent { message: Bytes::from_static(b"x") }, status);
    }

    fn ring(&mut self, id: u64) {
        let status = self.status(State::Proceeding, 1, 32_000);
        let message = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
            From: <sip:alice@demo.test>;tag=1\r\nTo: <sip:bob@demo.test>;tag=2\r\n\
            Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
        let ringing = Response {
            status: StatusCode::RINGING,
            message: Bytes::from_static(message.as_bytes()),
        };
        self.fact(id, Fact::Progress(ringing), status);
    }

    fn retransmit(&mut self, id: u64) {
        let status = self.status(State::Calling, 2, 1_000);
        let again = Fact::Retransmitted { message: Bytes::from_static(b"x"), attempt: 2 };
        self.fact(id, again, status);
    }

    fn status(&self, state: State, attempts: u32, next: u64) -> Status {
        let at = self.now + Duration::from_millis(next);
        let timers = [Some(TimerAt { timer: Timer::A, at }), None];
        Status { state, timers, attempts, attempts_max: 7, legs_up: 0, ended: false }
    }

    fn fact(&mut self, id: u64, fact: Fact, status: Status) {
        let context = ContextId(id);
        let event = ContextEvent { at: self.now, context, method: Method::Invite, fact, status };
        self.model.apply(Event::Sip(sip::Event::Context(event)));
    }

    fn key(&mut self, c: char) {
        self.press(KeyCode::Char(c));
    }

    fn press(&mut self, code: KeyCode) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        black_box(update::input(&mut self.model, Input::Key(key), self.now));
    }

    fn draw(&mut self) {
        update::settle(&mut self.model, self.now);
        let (model, now) = (&self.model, self.now);
        self.terminal
            .draw(|frame| _ = black_box(view::draw(frame, model, now)))
            .expect("a terminal in memory can be drawn on");
    }
}
