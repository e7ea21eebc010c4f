//! Random keys and sizes for the real binary in a real pseudo-terminal: it goes on or leaves, never breaks,
//! and the terminal is as it was before.
//!
//! `SIPBOARD_KEYS=300 cargo test --test ui_keys` does it for five minutes, `SIPBOARD_KEYS_SEED=N`
//! presses the same keys again.
#![cfg(unix)]

mod ui_terminal;

use std::{
    env, thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use ui_terminal::Dashboard;

/// How long a dashboard may take for anything.
const DEADLINE: Duration = Duration::from_secs(30);
/// Keys that are no characters.
const SPECIAL: [&str; 24] = [
    "\r",
    "\t",
    "\x1b",
    "\x7f",
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\x1b[H",
    "\x1b[F",
    "\x1b[5~",
    "\x1b[6~",
    "\x1b[3~",
    "\x1b[Z",
    "\x1bOP",
    "\x1bOQ",
    "\x1bOR",
    "\x1bOS",
    "\x1b[1;2A",
    "\x1b[1;2B",
    "\x1b[<0;20;8M",
    "\x1b[<65;60;20M",
    "\x1b[<64;20;4M",
    "\x1b[200~ring\x1b[201~",
];
/// What leads far.
const WORDS: [&str; 12] = [
    "nring\r",
    "nanswer\r",
    "nbusy\r",
    "nfork\r",
    "c",
    "b",
    "rr",
    "/code:4xx\r",
    "M",
    "T",
    "#",
    "L++",
];

#[test]
fn random_keys_break_nothing() {
    let number = |name| env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    let time = Duration::from_secs(number("SIPBOARD_KEYS").unwrap_or(10));
    let seed = number("SIPBOARD_KEYS_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(1, |since| since.as_nanos() as u64)
    });
    println!("SIPBOARD_KEYS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let start = Instant::now();
    let mut dashboard = begin();
    let (mut keys, mut begun) = (0, 1);
    while start.elapsed() < time {
        for _ in 0..random.random_range(20..200) {
            let key = key(&mut random);
            if dashboard.ended().is_some() {
                break;
            }
            dashboard.type_keys(&key);
            keys += 1;
            if random.random_ratio(1, 40) {
                resize(&mut random, &dashboard);
            }
        }
        if come_to_rest(&mut dashboard, seed) {
            dashboard = begin();
            begun += 1;
        }
    }
    dashboard.type_keys("\x03");
    assert_eq!(dashboard.wait_for_end(), 0, "seed {seed}");
    dashboard.assert_restored();
    println!("{keys} keys, {begun} dashboards");
}

/// On the demo server. No name is looked up: nobody listens there. No editor waits for a human.
fn begin() -> Dashboard {
    let text = "[resolver]\nserver = \"127.0.0.1:9\"\n";
    let dashboard = Dashboard::with_config_in(120, 40, text, &[("EDITOR", "true")]);
    dashboard.wait_for("reg ✔");
    dashboard
}

/// Another size, or a storm of them: what is usual, the least that there is, and more than any
/// screen has.
fn resize(random: &mut StdRng, dashboard: &Dashboard) {
    let times = if random.random_ratio(1, 5) { 40 } else { 1 };
    for _ in 0..times {
        let (columns, rows) = match random.random_range(0..8) {
            0 => (1, 1),
            1 => (random.random_range(1..4), random.random_range(1..200)),
            2 => (random.random_range(1..500), random.random_range(1..4)),
            3 => (500, 200),
            _ => (random.random_range(1..200), random.random_range(1..60)),
        };
        dashboard.resize(columns, rows);
    }
}

/// A key. Without a dot nothing that is typed is an address of somebody else.
fn key(random: &mut StdRng) -> String {
    match random.random_range(0..10) {
        0..5 => {
            let c = char::from(random.random_range(b' '..=b'~'));
            String::from(if c == '.' { 'j' } else { c })
        }
        5..7 => SPECIAL.choose(random).expect("there are some").to_string(),
        // Ctrl-c leaves, and rarely does here.
        7 => match char::from(random.random_range(1..=26)) {
            '\x03' if random.random_ratio(9, 10) => "é".to_owned(),
            c => c.to_string(),
        },
        8 => WORDS.choose(random).expect("there are some").to_string(),
        _ => format!("\x1b{}", char::from(random.random_range(b'a'..=b'z'))),
    }
}

/// Closes whatever is open; whether that, or a key before, was leaving. In the end either the table
/// is there again, or the terminal is as it was.
fn come_to_rest(dashboard: &mut Dashboard, seed: u64) -> bool {
    let deadline = Instant::now() + DEADLINE;
    dashboard.resize(120, 40);
    loop {
        if let Some(status) = dashboard.ended() {
            assert_eq!(status, 0, "seed {seed}:\n{}", dashboard.screen());
            // A Ctrl-s that came too late for the dashboard has stopped the terminal itself: Ctrl-q
            // lets it go on.
            dashboard.type_keys("\x11");
            dashboard.assert_restored();
            return true;
        }
        let screen = dashboard.screen();
        assert!(!screen.contains("panicked"), "seed {seed}:\n{screen}");
        if screen.contains("╭ Contexts") && screen.contains("q quit") {
            return false;
        }
        assert!(Instant::now() < deadline, "seed {seed}: it hangs:\n{screen}");
        dashboard.type_keys("\x1b");
        thread::sleep(Duration::from_millis(50));
    }
}
