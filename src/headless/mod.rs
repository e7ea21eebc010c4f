//! `sipboard send`: one request, or many, without the dashboard.
//!
//! It stands where the dashboard stands: on the same [`Engine`], with the same commands and
//! events. [`run()`] hands over what a [`Plan`] asks for, tells what happens as [`Style`] says (a
//! readable timeline or JSON lines), and gives the [`Outcome`], which is the exit status. It shows
//! facts only: nothing is printed because it was asked for, but because it came back as an event.

mod call;
mod outcome;
mod report;
mod run;
mod sending;
mod totals;

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

pub use outcome::Outcome;
pub use sending::{Sending, Template};

use crate::{
    engine::{Clock, Engine},
    outlet::{Outlet, Stream},
    sip::CancelOptions,
};

/// What is to be sent, and what is to be done with it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is sent.
    pub sending: Sending,
    /// How often it is sent, each time as a context of its own; at least 1.
    pub count: u64,
    /// How many contexts may be under way at once; at least 1.
    pub concurrency: usize,
    /// How many are sent a second at most; finite and above 0.
    pub rate: Option<f64>,
    /// When an INVITE is cancelled, counted from when it was sent.
    pub cancel_after: Option<Duration>,
    /// What goes into the CANCEL's Reason.
    pub cancel: CancelOptions,
    /// When an accepted INVITE is hung up, counted from its 2xx. Without it: at once.
    pub hangup_after: Option<Duration>,
    /// When a request without an outcome is given up, counted from its creation.
    pub timeout: Option<Duration>,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// The format.
    pub format: Format,
    /// Whether every event is told.
    pub events: bool,
    /// Whether the totals are told at the end.
    pub totals: bool,
    /// Whether a line on standard error shows how far it is (on a terminal).
    pub progress: bool,
}

/// The format on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, one object a line. Its field names are an interface.
    Json,
    /// A timeline for people.
    Timeline {
        /// Whether it is coloured.
        colour: bool,
    },
}

/// Carries out a plan, to its end, and says how it ended.
///
/// Standard output gets the events and totals, standard error the sentences about what could not be
/// done. The first interrupt cancels what is pending and ends gracefully, a second one ends at once.
/// Whoever reads what is told may take as long as they like: the calls do not wait for them, only new
/// requests do, and the end, unless it was wished for.
pub async fn run(
    engine: Engine,
    plan: Plan,
    style: Style,
    outlet: &Outlet,
    mut interrupts: mpsc::Receiver<()>,
) -> Outcome {
    let reporter = report::Reporter::new(style, Clock::now(), outlet);
    let run = run::Run::new(plan, reporter);
    let (outcome, left) = run.run(engine, &mut interrupts).await;
    let patience = async {
        match left {
            run::Left::ByItself if interrupts.recv().await.is_none() => {
                std::future::pending().await
            }
            run::Left::ByItself => {}
            run::Left::Interrupted { at } => tokio::select! {
                () = tokio::time::sleep_until((at + GRACE).max(Instant::now() + LAST).into()) => {}
                Some(()) = interrupts.recv() => {}
            },
            run::Left::AtOnce => tokio::time::sleep(LAST).await,
        }
    };
    tokio::select! {
        biased;
        () = outlet.written() => {}
        () = patience => outlet.abandon(),
    }
    if let Some(broken) = outlet.error(Stream::Out)
        // A reader that has seen enough (`| head`) is no mistake.
        && broken.kind != io::ErrorKind::BrokenPipe
    {
        let text = format!("sipboard: standard output takes no more: {}\n", broken.reason);
        outlet.hand(Stream::Err, text.as_bytes());
    }
    outcome
}

/// How long it may take in all, from an interrupt on, until what was told has been read.
const GRACE: Duration = Duration::from_secs(2);

/// How long it may take to be read where the time is over.
const LAST: Duration = Duration::from_millis(50);
