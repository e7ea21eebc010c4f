//! Telling what happens: events and totals to standard output, sentences to standard error.

mod json;
mod timeline;

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt, io,
    io::Write,
    time::{Duration, Instant},
};

use crate::{
    engine::{Clock, FlowEvent, PeerFlow},
    headless::{Format, Style, call::Call, totals::Totals},
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
    out: &'o mut (dyn Write + Send),
    err: &'o mut (dyn Write + Send),
    /// The zero of the timeline: when the first context was created.
    zero: Option<Instant>,
    /// The server of each flow.
    servers: HashMap<FlowId, String>,
    broken: bool,
    /// What was done on purpose to the message of the next event.
    notes: Vec<String>,
    progress_at: Option<Instant>,
}

impl<'o> Reporter<'o> {
    pub(super) fn new(
        style: Style,
        clock: Clock,
        out: &'o mut (dyn Write + Send),
        err: &'o mut (dyn Write + Send),
    ) -> Reporter<'o> {
        Reporter {
            style,
            clock,
            out,
            err,
            zero: None,
            servers: HashMap::new(),
            broken: false,
            notes: Vec::new(),
            progress_at: None,
        }
    }

    /// Whether each event is told.
    pub(super) fn tells_events(&self) -> bool {
        self.style.events
    }

    /// Whether standard output takes no more: its reader has gone.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
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
        // There is nowhere left to tell that standard error is gone.
        let _ = writeln!(self.err, "sipboard: {}", escape(&without_passwords(&text)));
        let _ = self.err.flush();
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
        if !self.style.progress || !due {
            return;
        }
        self.progress_at = Some(now);
        let _ = write!(self.err, "\r\x1b[K{} of {count} done, {open} under way", totals.ended());
        let _ = self.err.flush();
    }

    fn clear_progress(&mut self) {
        if self.progress_at.take().is_some() {
            let _ = write!(self.err, "\r\x1b[K");
            let _ = self.err.flush();
        }
    }

    /// Hands on what was printed.
    pub(super) fn flush(&mut self) {
        if !self.broken {
            let result = self.out.flush();
            self.check(result);
        }
    }

    fn print(&mut self, line: &str) {
        if !self.broken {
            let result = writeln!(self.out, "{line}");
            self.check(result);
        }
    }

    fn check(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.broken = true;
            // A reader that has seen enough (`| head`) is no mistake.
            if error.kind() != io::ErrorKind::BrokenPipe {
                let _ = writeln!(self.err, "sipboard: standard output takes no more: {error}");
            }
        }
    }
}

/// The first line of a message, as far as it can be shown.
fn start_line(message: &[u8]) -> String {
    let line = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(START_LINE)]).into_owned()
}

/// How many bytes of a start line are shown.
const START_LINE: usize = 80;

const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
