//! The dashboard with many rows: taking an event in, drawing a frame, a key in the filter, the order
//! by each column, each view.
//!
//! `cargo bench --bench dashboard`, or `-- 10 1000` for other numbers of rows; filters, columns and
//! views are measured with the most of them. Medians, for a filter and a column of the best of three;
//! nothing is asserted.

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
        self, ContextEvent, ContextId, Created, Destination, Fact, FlowId, Method, Response, State,
        Status, StatusCode, Timer, TimerAt, Transport,
    },
    ui::{
        Model,
        model::{Column, Columns, Cursor, Level, LogEntry, Shown, Sort, TimeOfDay},
        update,
        view::{self, Colours, Theme},
    },
};

/// What a frame, and a key in the filter, may take at 100,000 rows.
const FRAME: Duration = Duration::from_millis(8);
const KEY: Duration = Duration::from_millis(50);
/// The filters that are typed, key by key: words, fields, numbers, times, regular expressions; what is
/// in every row, in few and in none.
const FILTERS: [&str; 14] = [
    "bob77",
    "sipboard",
    "zzzz",
    "äöü",
    "!zzzz !yyyy !xxxx !wwww",
    "code:180 target:bob9",
    "!state:calling ring",
    "age<1h rtt>1us number>50",
    "label:x note:y tag:z",
    "call-id:c4d8 flow:udp account:alice",
    "~bob1.*5@",
    "~(a|b)+.*z$",
    "~[^@]*x{2,5}y",
    "!~\\p{L}+\\d{9}",
];
/// The views, and the keys that lead from each to the next.
const VIEWS: [(&str, &[KeyCode]); 15] = [
    ("table and timeline", &[KeyCode::Char('1')]),
    ("table, all of it wide", &[KeyCode::Char('>')]),
    ("timeline, its beginning", &[KeyCode::Tab, KeyCode::Home]),
    ("timeline, searched in", &[KeyCode::Char('/'), KeyCode::Char('1'), KeyCode::Enter]),
    ("ladder", &[KeyCode::Esc, KeyCode::Char('2')]),
    ("messages, the first of 1.3 kB", &[KeyCode::Char('3')]),
    ("messages, explained", &[KeyCode::Char('v')]),
    ("messages, of 60 kB, explained", &[KeyCode::Char('J')]),
    ("messages, of 60 kB, raw", &[KeyCode::Char('v')]),
    ("messages, of 60 kB, hex", &[KeyCode::Char('v')]),
    ("messages, of 60 kB, highlighted", &[KeyCode::Char('v')]),
    ("legs", &[KeyCode::Char('4')]),
    ("log", &[KeyCode::Char('L'), KeyCode::Char('+'), KeyCode::Char('+')]),
    ("statistics", &[KeyCode::Esc, KeyCode::Char('#')]),
    ("help", &[KeyCode::Esc, KeyCode::Char('?')]),
];
/// How many entries the timeline of one context got, of which it keeps some.
const ENTRIES: u64 = 10_000;

fn main() {
    let numbers: Vec<usize> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let numbers = if numbers.is_empty() { vec![10, 1_000, 100_000] } else { numbers };
    println!("medians on a screen of 160x45\n");
    println!(
        "{:>8} {:>14} {:>14} {:>14} {:>14} {:>14}",
        "rows", "event", "event, moved", "frame", "frame, idle", "filter key"
    );
    let mut most: Option<(usize, Bench)> = None;
    for rows in numbers {
        let bench = measure(rows);
        if most.as_ref().is_none_or(|(known, _)| *known <= rows) {
            most = Some((rows, bench));
        }
    }
    if let Some((rows, mut bench)) = most {
        println!("\nwith {rows} rows");
        filters(&mut bench);
        columns(&mut bench);
        views(&mut bench);
    }
    println!("\nwork of 20 µs takes this machine {:.1} times as long at the moment", slowness());
    println!("bars at 100,000 rows: a frame {FRAME:?}, a key in the filter {KEY:?}");
}

fn measure(rows: usize) -> Bench {
    let mut bench = Bench::new();
    for id in 1..=rows as u64 {
        bench.create(id);
        bench.ring(id);
        if id.is_multiple_of(3) {
            let data = format!("night {} #t{id} -- a note on {id}", id % 7);
            bench.model.facts.contexts.set_data(ContextId(id), &data);
        }
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
    let keys: Vec<Duration> = FILTERS[..6].iter().flat_map(|filter| bench.filter(filter)).collect();
    println!(
        "{rows:>8} {:>14} {:>14} {:>14} {:>14} {:>14}",
        text(event),
        text(moved),
        text(frame),
        text(idle),
        text(middle(keys)),
    );
    bench
}

/// Types each filter, and says which of its keys took longest until it was drawn.
fn filters(bench: &mut Bench) {
    println!("\n{:<40} {:>14} {:>14}", "filter", "key", "slowest key");
    for filter in FILTERS {
        let keys = best(|| bench.filter(filter));
        let worst = keys.iter().max().copied().unwrap_or_default();
        println!("{filter:<40} {:>14} {:>14}", text(middle(keys)), text(worst));
    }
}

/// Sorts by each column, both ways, and draws.
fn columns(bench: &mut Bench) {
    println!("\n{:<40} {:>14} {:>14}", "column", "sorted by", "other way");
    let every = Column::ALL.map(|column| Shown { column, width: None });
    bench.model.table.columns = Columns::new(every);
    for column in Column::ALL {
        let took = best(|| {
            bench.sort_beside(column);
            let key = |key| {
                let start = Instant::now();
                bench.key(key);
                bench.draw();
                start.elapsed()
            };
            ['s', 'S'].map(key).to_vec()
        });
        assert_eq!(bench.model.table.list.sort().column, column);
        println!("{:<40} {:>14} {:>14}", column.name(), text(took[0]), text(took[1]));
    }
    bench.model.table.columns = Columns::default();
}

/// The best of three of each: what else the machine does counts little.
fn best(mut work: impl FnMut() -> Vec<Duration>) -> Vec<Duration> {
    let (mut best, others) = (work(), [work(), work()]);
    for other in others {
        best.iter_mut().zip(other).for_each(|(best, other)| *best = other.min(*best));
    }
    best
}

/// Draws each view, whatever is in it new each time.
fn views(bench: &mut Bench) {
    bench.fill();
    println!("\n{:<40} {:>14} {:>14}", "view", "frame", "slowest of ten");
    for (view, keys) in VIEWS {
        keys.iter().for_each(|key| bench.press(*key));
        let mut took: Vec<Duration> = (0..50)
            .map(|_| {
                bench.now += Duration::from_secs(1);
                bench.ring(bench.full);
                let start = Instant::now();
                bench.draw();
                start.elapsed()
            })
            .collect();
        took.sort_unstable();
        println!("{view:<40} {:>14} {:>14}", text(took[25]), text(took[45]));
    }
}

fn median(times: usize, mut work: impl FnMut(usize)) -> Duration {
    let took: Vec<Duration> = (0..times)
        .map(|n| {
            let start = Instant::now();
            work(n);
            start.elapsed()
        })
        .collect();
    middle(took)
}

fn middle(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

/// How many times longer the same work takes now, what else the machine does included, than at its
/// best.
fn slowness() -> f64 {
    let start = Instant::now();
    let work = || {
        let start = Instant::now();
        black_box((0..20_000_u64).fold(0, |sum, n| black_box(sum ^ n)));
        start.elapsed()
    };
    let took: Vec<Duration> = (0..5_000).map(|_| work()).collect();
    let best = took.iter().min().copied().unwrap_or_default();
    start.elapsed().as_secs_f64() / (best.as_secs_f64() * took.len() as f64)
}

fn text(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

struct Bench {
    model: Model,
    terminal: Terminal<TestBackend>,
    now: Instant,
    /// The context with the longest history.
    full: u64,
}

/// An INVITE about that long.
fn invite(length: usize) -> Bytes {
    let mut text = "INVITE sip:bob@demo.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        From: <sip:alice@demo.test>;tag=1\r\nTo: <sip:bob@demo.test>\r\nCall-ID: 1\r\n\
        CSeq: 1 INVITE\r\nContact: <sip:alice@127.0.0.1>\r\nMax-Forwards: 70\r\n"
        .to_owned();
    while text.len() + 100 < length {
        text.push_str(
            "Route: <sip:proxy.demo.test;lr;transport=udp>, <sip:second.demo.test;lr>\r\n",
        );
        text.push_str("X-Long: a header that nobody knows, with a value of some length\r\n");
    }
    text.push_str("Content-Length: 0\r\n\r\n");
    Bytes::from(text)
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
        Bench { model, terminal, now: Instant::now(), full: 1 }
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
        self.fact(id, Fact::Created(Box::new(created)), status.clone());
        self.fact(
            id,
            Fact::Sent { message: Bytes::from_static(b"x"), destination: along() },
            status,
        );
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
        let again = Fact::Retransmitted { message: Bytes::from_static(b"x"), attempt: 2, left: 5 };
        self.fact(id, again, status);
    }

    fn status(&self, state: State, attempts: u32, next: u64) -> Status {
        let at = self.now + Duration::from_millis(next);
        let timers = [TimerAt::own(Timer::A, at)].into();
        let (attempts_max, legs_up) = (7, 0);
        Status { state, timers, more_timers: 0, attempts, attempts_max, legs_up, ended: false }
    }

    fn fact(&mut self, id: u64, fact: Fact, status: Status) {
        let context = ContextId(id);
        let event = ContextEvent { at: self.now, context, method: Method::Invite, fact, status };
        self.model.apply(Event::Sip(sip::Event::Context(event)));
    }

    /// Types a filter; gives how long each key took until it was drawn.
    fn filter(&mut self, filter: &str) -> Vec<Duration> {
        self.key('/');
        let keys = filter.chars().map(|c| {
            let start = Instant::now();
            self.key(c);
            self.draw();
            start.elapsed()
        });
        let keys = keys.collect();
        self.press(KeyCode::Esc);
        keys
    }

    /// Sorts by the column before this one, so that the next key sorts by it.
    fn sort_beside(&mut self, column: Column) {
        let at = Column::ALL.iter().position(|known| *known == column).expect("it is one of them");
        let before = Column::ALL[(at + Column::ALL.len() - 1) % Column::ALL.len()];
        self.model.table.list.set_sort(&self.model.facts.contexts, Sort::by(before));
    }

    /// One context with a long history, which is chosen; its second message as long as a datagram can
    /// be. And a full log.
    fn fill(&mut self) {
        self.full = self.model.facts.contexts.len() as u64 + 1;
        let status = self.status(State::Calling, 1, 500);
        self.create(self.full);
        self.fact(
            self.full,
            Fact::Sent { message: invite(1_300), destination: along() },
            status.clone(),
        );
        self.fact(
            self.full,
            Fact::Retransmitted { message: invite(60_000), attempt: 2, left: 5 },
            status,
        );
        for _ in 0..ENTRIES {
            self.now += Duration::from_millis(1);
            self.ring(self.full);
        }
        for n in 0..2_000 {
            let at = self.now;
            let sentence = format!("127.0.0.1:5060 sent no SIP message: it begins with {n}");
            let bytes = Some(invite(1_300));
            let level = Level::Warning;
            self.model.facts.log.push(LogEntry {
                at,
                level,
                flow: Some(FlowId(1)),
                sentence,
                bytes,
            });
        }
        self.model.choose(Cursor { context: ContextId(self.full), leg: None });
    }

    fn key(&mut self, c: char) {
        self.press(KeyCode::Char(c));
    }

    fn press(&mut self, code: KeyCode) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        black_box(update::input(&mut self.model, Input::Key(key), self.now));
    }

    fn draw(&mut self) {
        let settled = update::settle(&mut self.model, self.now);
        let (model, now) = (&self.model, self.now);
        self.terminal
            .draw(|frame| _ = black_box(view::draw_settled(frame, model, now, settled)))
            .expect("a terminal in memory can be drawn on");
    }
}

/// Where messages of ours went: along the first flow.
fn along() -> Destination {
    Destination::along(FlowId(1), Transport::Udp)
}
