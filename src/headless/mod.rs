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

use std::{io::Write, time::Duration};

use tokio::sync::mpsc;

pub use outcome::Outcome;
pub use sending::{Sending, Template};

use crate::{
    engine::{Clock, Engine},
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
/// `out` gets the events and totals, `err` the sentences about what could not be done. The first
/// interrupt cancels what is pending and ends gracefully, a second one ends at once.
pub async fn run(
    engine: Engine,
    plan: Plan,
    style: Style,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
    interrupts: mpsc::Receiver<()>,
) -> Outcome {
    let reporter = report::Reporter::new(style, Clock::now(), out, err);
    run::Run::new(plan, reporter).run(engine, interrupts).await
}
