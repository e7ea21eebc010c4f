//! Telling what happens: events and totals to standard output, sentences to standard error.

mod json;
mod timeline;

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::{self, Write},
    time::{Duration, Instant},
};

use crate::{
    engine::{Clock, FlowEvent, PeerFlow},
    headless::{Format, Style, call::Call, totals::Totals},
    outlet::{Outlet, Stream},
    sip::{
        ContextEvent, Destination, Fact, FlowId, Outside, OutsideFact, Stray, escape,
        secret::without_passwords,
    },
    transport::ServerUri,
};

/// Where everything is told.
pub(super) struct Reporter<'o> {
    style: Style,
    clock: Clock,
    outlet: &'o Outlet,
    /// Lines for standard output that were not handed over.
    lines: String,
    /// The zero of the timeline: when the first context was created.
    zero: Option<Instant>,
    /// The server of each flow.
    servers: HashMap<FlowId, String>,
    /// What was done on purpose to the message of the next event.
    notes: Vec<String>,
    progress_at: Option<Instant>,
}

impl<'o> Reporter<'o> {
    pub(super) fn new(style: Style, clock: Clock, outlet: &'o Outlet) -> Reporter<'o> {
        Reporter {
            style,
            clock,
            outlet,
            lines: String::new(),
            zero: None,
            servers: HashMap::new(),
            notes: Vec::new(),
            progress_at: None,
        }
    }

    /// Whether each event is told.
    pub(super) fn tells_events(&self) -> bool {
        self.style.events
    }

    /// Where everything is told.
    pub(super) fn outlet(&self) -> &'o Outlet {
        self.outlet
    }

    /// Whether more waits to be read than is good: whoever reads it does not keep up.
    pub(super) fn is_crowded(&self) -> bool {
        self.outlet.waiting() > CROWDED
    }

    /// Whether standard output takes no more: its reader has gone.
    pub(super) fn is_broken(&self) -> bool {
        self.outlet.error(Stream::Out).is_some()
    }

    /// What was done on purpose to the message of the next event.
    pub(super) fn notes(&mut self, notes: Vec<String>) {
        self.notes = notes;
    }

    /// Something happened to a context.
    pub(super) fn event(&mut self, event: &ContextEvent, call: &Call) {
        let zero = *self.zero.get_or_insert(event.at);
        if !self.style.events {
            return;
        }
        let line = match self.style.format {
            Format::Json => json::line(event, call, &self.notes, &self.clock),
            Format::Timeline { colour } => {
                let server = self.server(&event.fact, call);
                timeline::line(event, call, zero, &server).map(|line| line.render(colour))
            }
        };
        if let Some(line) = line {
            self.print(&line);
        }
    }

    /// Where a message went, or the flow that it is about.
    fn server(&self, fact: &Fact, call: &Call) -> Cow<'_, str> {
        if let Some(Destination { transport, to: Some(to), .. }) = fact.destination() {
            return ServerUri::at(*transport, **to).to_string().into();
        }
        let flow = match fact {
            Fact::CameOver { flow } => Some(*flow),
            fact => fact.destination().map(|it| it.flow).or(call.flow),
        };
        let server = flow.and_then(|flow| self.servers.get(&flow));
        server.map_or("", String::as_str).into()
    }

    /// A message came that no context can claim; a request among them is an event of its own.
    pub(super) fn stray(&mut self, stray: &Stray) {
        let Some(asked) = &stray.asked else {
            let problem = &stray.problem;
            return self
                .sentence(format_args!("a message came that belongs to nothing: {problem}"));
        };
        let zero = *self.zero.get_or_insert(stray.at);
        let line = match self.style.format {
            Format::Json => json::outside(stray, asked, zero, &self.clock),
            Format::Timeline { colour } => timeline::outside(stray, asked, zero).render(colour),
        };
        self.print(&line);
    }

    /// Something happened to such a request later.
    pub(super) fn outside(&mut self, outside: &Outside) {
        let zero = *self.zero.get_or_insert(outside.at);
        let line = match (self.style.format, &outside.fact) {
            (Format::Timeline { colour }, _) => {
                timeline::outside_later(outside, zero).render(colour)
            }
            (Format::Json, OutsideFact::Answered { response, attempt: 1, .. }) => {
                let Outside { source, method, .. } = outside;
                let status = response.status;
                return self.sentence(format_args!(
                    "{status} to {method} of {source} went on another connection"
                ));
            }
            (Format::Json, OutsideFact::Answered { response, attempt, left }) => {
                json::outside_again(outside, (response, *attempt, *left), zero, &self.clock)
            }
            (
                Format::Json,
                OutsideFact::AnswerFailed { detail } | OutsideFact::NeverAcked { detail },
            ) => {
                let source = outside.source;
                return self.sentence(format_args!("{source}: {detail}"));
            }
        };
        self.print(&line);
    }

    /// A flow came into being or changed.
    pub(super) fn flow(&mut self, event: &FlowEvent) {
        self.servers.entry(event.flow).or_insert_with(|| event.server.to_string());
    }

    /// A peer has opened a connection to us, or it is over.
    pub(super) fn peer_flow(&mut self, open: &PeerFlow) {
        let PeerFlow { flow, transport, local, peer, ended, .. } = open;
        match ended {
            None => {
                _ = self
                    .servers
                    .insert(*flow, format!("{transport}, which {peer} has opened to {local}"))
            }
            Some(_) => _ = self.servers.remove(flow),
        }
    }

    /// The end of the run.
    pub(super) fn totals(&mut self, totals: &Totals) {
        self.clear_progress();
        if self.style.totals {
            let line = match self.style.format {
                Format::Json => json::summary(totals),
                Format::Timeline { .. } => timeline::summary(totals),
            };
            self.print(&line);
        }
        self.flush();
    }

    /// Something could not be done: a sentence on standard error.
    pub(super) fn sentence(&mut self, sentence: fmt::Arguments<'_>) {
        self.clear_progress();
        // What was printed before it must stand before it where both go to one terminal.
        self.flush();
        let text = sentence.to_string();
        self.say(format_args!("sipboard: {}\n", escape(&without_passwords(&text))));
    }

    /// Hands something over to standard error.
    fn say(&self, text: fmt::Arguments<'_>) {
        self.outlet.hand(Stream::Err, text.to_string().as_bytes());
    }

    /// What the timeline tells and JSON has no event for: a sentence.
    pub(super) fn beside_json(&mut self, event: &ContextEvent) {
        if !self.style.events || self.style.format != Format::Json {
            return;
        }
        let id = event.context;
        match &event.fact {
            Fact::Unmatched { detail }
            | Fact::NeverAcked { detail }
            | Fact::PrackFailed { detail }
            | Fact::ConnectionLost { detail }
            | Fact::AnswerFailed { detail }
            | Fact::AckFailed { detail }
            | Fact::NotSecure { detail }
            | Fact::CancelFailed { detail } => self.sentence(format_args!("#{id}: {detail}")),
            Fact::Beside { message, detail } => {
                let line = start_line(message);
                self.sentence(format_args!("#{id}: {line} came beside it: {detail}"));
            }
            Fact::Impaired(impaired) => {
                let (what, how) = (impaired.what(), impaired.how());
                self.sentence(format_args!("#{id}: {what} {how}"));
            }
            // Before the end they are counted in `ended`.
            Fact::Absorbed { response, why, count } if event.status.ended => {
                let (method, status, why) = (&event.method, response.status, why.as_str());
                let reason = response.reason();
                self.sentence(format_args!(
                    "#{id}: {status} {reason} to {method}, {why}, changes nothing ({count})"
                ));
            }
            _ => {}
        }
    }

    /// How far it is, on a terminal.
    pub(super) fn progress(&mut self, now: Instant, totals: &Totals, open: usize, count: u64) {
        let due = self.progress_at.is_none_or(|at| now.duration_since(at) >= PROGRESS_INTERVAL);
        // Where nobody reads it there is no use in more of it.
        if !self.style.progress || !due || !self.outlet.is_idle() {
            return;
        }
        self.progress_at = Some(now);
        let ended = totals.ended();
        self.say(format_args!("\r\x1b[K{ended} of {count} done, {open} under way"));
    }

    fn clear_progress(&mut self) {
        if self.progress_at.take().is_some() {
            self.say(format_args!("\r\x1b[K"));
        }
    }

    /// Hands on what was printed.
    pub(super) fn flush(&mut self) {
        self.outlet.hand(Stream::Out, self.lines.as_bytes());
        self.lines.clear();
    }

    fn print(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.lines, "{line}");
    }
}

/// The first line of a message, as far as it can be shown.
fn start_line(message: &[u8]) -> String {
    let line = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(START_LINE)]).into_owned()
}

/// How many bytes of a start line are shown.
const START_LINE: usize = 80;

/// So many bytes may wait to be read before no more requests are made.
const CROWDED: usize = 1024 * 1024;

const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
