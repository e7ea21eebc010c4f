//! The real binary in a pseudo-terminal: from a key to the datagram that it sends, from a datagram
//! to the screen, in quiet and in a storm of responses, and what it costs when nothing happens.
//!
//! In the same run, turn by turn with it and in a terminal of the same size: a program of a few lines
//! that sends a datagram for a key and writes what comes, which is what machine, kernel and terminal
//! take by themselves; and baresip, where it is installed. Machines are noisy: read the ratios.
//!
//! `cargo bench --bench terminal`, or `-- 1000` for another number of times. Nothing is asserted.

#[cfg(unix)]
mod baresip;
#[cfg(unix)]
mod dashboard;
#[cfg(unix)]
mod echo;
#[cfg(unix)]
mod peer;
#[cfg(unix)]
mod program;

#[cfg(unix)]
mod unix {
    use std::{
        env, fs,
        ops::Range,
        thread,
        time::{Duration, Instant},
    };

    use crate::{
        baresip::Baresip,
        dashboard::Dashboard,
        echo::{self, Echo},
    };

    /// So long nothing happens before each measurement, as when a human looks at the screen.
    pub const QUIET: Duration = Duration::from_millis(80);
    /// How long it is left alone.
    const IDLE: Duration = Duration::from_secs(10);
    /// What these may take, of a hundred the slowest but one; and what idling may, in percent.
    const KEY: Duration = Duration::from_millis(3);
    const SCREEN: Duration = Duration::from_millis(20);
    const CORE: f64 = 0.2;
    /// So many responses a second a storm has.
    const STORM: u32 = 1_000;

    /// How long it took from a key to its datagram, and from a datagram to the screen.
    pub struct Took {
        pub key: Duration,
        pub screen: Duration,
    }

    /// A program that sends a request for a key and shows the answer.
    pub trait Caller {
        /// Its name.
        fn name(&self) -> &'static str;
        /// Sends one and is answered with a word that no answer before had.
        fn call(&mut self, word: &str) -> Took;
    }

    pub fn main() {
        if let Some(address) = env::var_os(echo::ADDRESS) {
            return echo::run(&address.to_string_lossy());
        }
        let times = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(200);
        let cores = thread::available_parallelism().map_or(0, usize::from);
        println!("{cores} cores, {}", load());
        let mut dashboard = Dashboard::start();
        let idle = share(&dashboard, IDLE);
        println!("idle for {IDLE:?}: {idle:.2} % of a core, bar {CORE} %");

        let mut echo = Echo::start();
        let mut baresip = Baresip::start();
        let mut callers: Vec<&mut dyn Caller> = vec![&mut dashboard, &mut echo];
        match &mut baresip {
            Ok(baresip) => callers.push(baresip),
            Err(lack) => println!("baresip is not measured: {lack}"),
        }
        compare("in quiet", 0..times, &mut callers);

        let aged = share(&dashboard, IDLE);
        println!("\nidle for {IDLE:?} with {times} ended calls: {aged:.2} % of a core");

        let storm = dashboard.storm(STORM);
        let begun = (Instant::now(), dashboard.ticks());
        let name = format!("in a storm of {STORM} responses a second");
        compare(&name, times..times + times / 4, &mut [&mut dashboard, &mut echo]);
        let ticks = dashboard.ticks() - begun.1;
        println!("{:.1} % of a core", ticks as f64 / begun.0.elapsed().as_secs_f64());
        storm.end();
        println!("\n{}", load());
        dashboard.end();
        echo.end();
        if let Ok(baresip) = baresip {
            baresip.end();
        }
    }

    /// Lets all of them call in turn, and says how long it took.
    fn compare(name: &str, calls: Range<usize>, callers: &mut [&mut dyn Caller]) {
        let mut took: Vec<Vec<Took>> = callers.iter().map(|_| Vec::new()).collect();
        for call in calls {
            for (caller, took) in callers.iter_mut().zip(&mut took) {
                took.push(caller.call(&word(call)));
            }
        }
        println!("\n{name}");
        println!("{:<34}{:>9}{:>9}{:>9}{:>9}", "", "p50", "p90", "p99", "max");
        for (what, bar, of) in [
            ("key to datagram", KEY, (|took| took.key) as fn(&Took) -> Duration),
            ("datagram to screen", SCREEN, |took| took.screen),
        ] {
            for (caller, took) in callers.iter().zip(&took) {
                let mut took: Vec<Duration> = took.iter().map(of).collect();
                took.sort_unstable();
                let at = |part: usize| text(took[(took.len() - 1) * part / 100]);
                print!("{what:<20}{:<14}", caller.name());
                print!("{:>9}{:>9}{:>9}{:>9}", at(50), at(90), at(99), at(100));
                println!(
                    "{}",
                    if caller.name() == crate::dashboard::NAME {
                        bar_text(bar)
                    } else {
                        String::new()
                    }
                );
            }
        }
    }

    fn bar_text(bar: Duration) -> String {
        format!("   bar of p99: {}", text(bar))
    }

    fn text(time: Duration) -> String {
        format!("{:.2} ms", time.as_secs_f64() * 1e3)
    }

    /// How much of a core the dashboard takes for some time, in percent.
    fn share(dashboard: &Dashboard, time: Duration) -> f64 {
        let before = dashboard.ticks();
        thread::sleep(time);
        // Linux counts a hundredth of a second each (USER_HZ).
        (dashboard.ticks() - before) as f64 / time.as_secs_f64()
    }

    /// How busy the machine is. Known on Linux only.
    fn load() -> String {
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let minute = text.split_whitespace().next().unwrap_or("unknown");
        format!("load {minute}")
    }

    /// A word that no other call has.
    fn word(call: usize) -> String {
        format!("{call:05}").bytes().map(|digit| char::from(b'A' + digit - b'0')).collect()
    }
}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {
    println!("this needs a pseudo-terminal");
}
