//! One entry of a timeline in words: what went over the wire, and what it meant.

mod mark;
mod words;

use ratatui::style::Style;

pub(in crate::ui::view) use words::{by, flow, went_to, whence};

use words::{by as by_whom, found, reason};

use crate::{
    sip::{
        Absorbed, Fact, LegState, Message, RedirectTarget, Response, State, Timer, answer_attempts,
        notification,
    },
    ui::{
        detail::ladder::short,
        model::{Entry, Model, Row},
        view::{table::response_line, theme::Theme, time::interval},
    },
};

/// An entry in words.
#[derive(Debug)]
pub(in crate::ui::view) struct Told {
    /// → ← and the like; at most two columns.
    pub(in crate::ui::view) shape: &'static str,
    /// The shape's colour.
    pub(in crate::ui::view) style: Style,
    /// The message, or the fact in two words.
    pub(in crate::ui::view) what: String,
    /// What it meant.
    pub(in crate::ui::view) meant: String,
}

/// Tells an entry of a row's timeline.
pub(in crate::ui::view) fn tell(entry: &Entry, place: usize, row: &Row, model: &Model) -> Told {
    let teller = Teller { entry, place, row, model, theme: &model.theme };
    let (shape, style, mut what, meant) = teller.tell();
    what.push_str(&teller.mark());
    Told { shape, style, what, meant }
}

/// The sentences that belong to an entry and have lines of their own.
pub(in crate::ui::view) fn details(entry: &Entry, model: &Model) -> Vec<String> {
    let sentence = |text: &str| model.safe(text).into_owned();
    let mut details = Vec::new();
    match &entry.fact {
        Fact::Cancel { waiting: true, .. } => {
            details.push("waiting for a provisional response first (RFC 3261 §9.1)".to_owned());
        }
        Fact::Failed { response, detail, advice, .. } => {
            // The response itself stands in the line above already.
            if response
                .as_ref()
                .is_none_or(|response| response_line(response, model) != model.safe(detail))
            {
                details.push(sentence(detail));
            }
            details.extend(advice.iter().map(|advice| sentence(&advice.sentence)));
        }
        Fact::Resolved(resolution) => {
            details.extend(resolution.lookups.iter().map(|lookup| sentence(&lookup.to_string())));
        }
        Fact::Trying(trial) => details.push(sentence(&trial.to_string())),
        Fact::PassedOver { response: None, why } => details.push(sentence(why)),
        Fact::Beside { detail, .. } => details.push(sentence(detail)),
        Fact::CancelFailed { detail }
        | Fact::CancelCrossed { detail }
        | Fact::NoLeg { detail, .. }
        | Fact::StillUp { detail, .. }
        | Fact::Unwanted { detail, .. }
        | Fact::Subscription { detail }
        | Fact::Unmatched { detail }
        | Fact::NeverAcked { detail }
        | Fact::PrackFailed { detail }
        | Fact::NotSecure { detail }
        | Fact::ConnectionLost { detail }
        | Fact::AnswerFailed { detail }
        | Fact::AckFailed { detail } => {
            details.push(sentence(detail));
        }
        Fact::Challenged { record, .. }
        | Fact::AuthGivenUp { record }
        | Fact::AuthAhead { record } => details.push(sentence(&record.to_string())),
        fact @ Fact::SeenAs { .. } => details.extend(fact.seen_as().map(|seen| sentence(&seen))),
        Fact::Impaired(impaired) => details.push(sentence(&impaired.how())),
        Fact::Redirected { followed, .. } => {
            let told = |target: &&RedirectTarget| target.q < 1000 || target.bad_q.is_some();
            let told = followed.targets.iter().filter(told);
            details.extend(told.map(|target| sentence(&target.described())));
        }
        Fact::AuthInfo(info) => details.push(sentence(&info.rspauth.to_string())),
        _ => {}
    }
    details.retain(|detail| !detail.is_empty());
    details
}

/// What a timer of a row in that state will do.
pub(in crate::ui::view) const fn purpose(timer: Timer, state: State) -> &'static str {
    match timer {
        Timer::A | Timer::E => "sends it again",
        Timer::B | Timer::F => "gives up",
        Timer::G => "sends the final again",
        Timer::H => "stops waiting for the ACK",
        Timer::SuccessAgain => "sends the 2xx again",
        Timer::AckWait => "hangs up without an ACK",
        Timer::ProvisionalAgain => "sends the provisional again",
        Timer::PrackWait => "refuses without a PRACK",
        Timer::CancelWait if matches!(state, State::Failed) => "stops waiting for a final",
        Timer::CancelWait => "counts as cancelled",
        Timer::N => "fails without a NOTIFY",
        Timer::Expiry => "subscription ends",
        Timer::D | Timer::I | Timer::J | Timer::K | Timer::L | Timer::M => "waits for repeats",
    }
}

struct Teller<'a> {
    entry: &'a Entry,
    place: usize,
    row: &'a Row,
    model: &'a Model,
    theme: &'a Theme,
}

type Words = (&'static str, Style, String, String);

impl Teller<'_> {
    fn tell(&self) -> Words {
        let theme = self.theme;
        match &self.entry.fact {
            Fact::Created(_) => ("·", theme.dim, "created".to_owned(), String::new()),
            Fact::Resolving { server } => {
                ("·", theme.dim, "resolving".to_owned(), self.model.safe(server).into_owned())
            }
            Fact::Resolved(resolution) => {
                ("·", theme.dim, "resolved".to_owned(), found(resolution))
            }
            Fact::Trying(trial) => {
                let candidate = trial.candidate();
                let place = format!("{} {}", candidate.transport, candidate.address);
                ("▷", theme.pending, trial.label().to_owned(), place)
            }
            Fact::PassedOver { response: Some(response), .. } => {
                self.came(response, "passed over".to_owned())
            }
            Fact::PassedOver { response: None, .. } => {
                ("✖", theme.bad, "passed over".to_owned(), String::new())
            }
            Fact::SeenAs { seen, .. } => ("·", theme.dim, "seen as".to_owned(), seen.to_string()),
            Fact::CameOver { flow } => {
                ("·", theme.dim, "comes over".to_owned(), whence(*flow, self.model))
            }
            Fact::Sent { .. } => self.out(self.name(), self.route()),
            Fact::Retransmitted { attempt, left, .. } => {
                let of = format!("{attempt} of {}", attempt.saturating_add(*left));
                self.out(format!("{} again", self.name()), self.after(of))
            }
            Fact::Progress(response) => self.came(response, "progress".to_owned()),
            Fact::Accepted { response, again } => self.came(response, self.accepted(*again)),
            Fact::Rejected { response, cause } => self.came(response, format!("rejected: {cause}")),
            Fact::Failed { cause, .. } => {
                ("✖", theme.bad, self.came_to("failed"), cause.to_string())
            }
            Fact::Cancel { options, .. } => {
                ("⊘", theme.pending, "cancel requested".to_owned(), reason(options, self.model))
            }
            Fact::CancelSent { .. } => self.out("CANCEL".to_owned(), self.route()),
            Fact::AuthGivenUp { .. } => {
                ("✖", theme.bad, "challenge not answered".to_owned(), String::new())
            }
            Fact::AuthAhead { .. } | Fact::AuthInfo(_) => {
                ("◆", theme.dim, "credentials".to_owned(), String::new())
            }
            Fact::Challenged { response, .. } => self.came(response, "challenged".to_owned()),
            Fact::Redirected { response, followed } => self.came(
                response,
                format!("goes on to {}", self.model.safe(&followed.next.as_uri().short())),
            ),
            Fact::PrackAnswered(response) => {
                let meant = if response.status.is_success() {
                    "the PRACK arrived"
                } else {
                    "the PRACK was refused"
                };
                self.came(response, meant.to_owned())
            }
            Fact::ConnectionLost { .. } => {
                ("✖", theme.bad, "connection lost".to_owned(), "the dialog stays".to_owned())
            }
            Fact::AnswerFailed { .. } => {
                ("✖", theme.bad, "answer failed".to_owned(), format!("to {}", self.name()))
            }
            Fact::AckFailed { .. } => ("✖", theme.bad, "ACK failed".to_owned(), String::new()),
            Fact::NotSecure { .. } => ("✖", theme.bad, "not secure".to_owned(), String::new()),
            Fact::PrackFailed { .. } => ("✖", theme.bad, "PRACK failed".to_owned(), String::new()),
            Fact::CancelAnswered(response) => {
                let meant = if response.status.is_success() {
                    "the CANCEL arrived"
                } else {
                    "the CANCEL was refused"
                };
                self.came(response, meant.to_owned())
            }
            Fact::CancelCrossed { .. } => {
                ("⊘", theme.pending, "cancel crossed".to_owned(), "by a 2xx".to_owned())
            }
            Fact::Impaired(impaired) => {
                ("≠", theme.bad, self.model.safe(&impaired.what()).into_owned(), String::new())
            }
            Fact::Unmatched { .. } => {
                ("○", theme.dim, "nothing can answer it".to_owned(), String::new())
            }
            Fact::CancelFailed { .. } => {
                ("✖", theme.bad, "CANCEL failed".to_owned(), String::new())
            }
            Fact::Acked { status, again, .. } => {
                let again = if *again { ", again" } else { "" };
                self.out("ACK".to_owned(), self.and_route(format!("for the {status}{again}")))
            }
            Fact::Absorbed { response, why, count } => {
                let word = match why {
                    Absorbed::Repeated => "repeated, absorbed",
                    Absorbed::Late => "late, changes nothing",
                    Absorbed::OutOfOrder => "out of order, waits",
                };
                let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
                self.came(response, format!("{word}{times}"))
            }
            Fact::Leg { tag, state } => self.leg(tag, state),
            Fact::Subscription { .. } => {
                ("◆", theme.pending, "subscription".to_owned(), String::new())
            }
            Fact::StillUp { tag, .. } => {
                ("◆", theme.bad, format!("leg {} not hung up", self.model.safe(tag)), String::new())
            }
            Fact::Unwanted { tag, .. } => {
                ("◆", theme.bad, format!("leg {} not wanted", self.model.safe(tag)), String::new())
            }
            Fact::NoLeg { tag, .. } => (
                "◇",
                theme.bad,
                format!("no leg {}", self.model.safe(tag)).trim_end().to_owned(),
                String::new(),
            ),
            Fact::Received { again, message, .. } => {
                let meant = if *again { "from the peer, repeated" } else { "from the peer" };
                let read = Message::read(message.clone()).ok();
                let meant = match read.as_ref().and_then(notification) {
                    Some(said) => format!("{meant} · {}", self.model.safe(&said)),
                    None => meant.to_owned(),
                };
                ("←", theme.pending, self.name(), meant)
            }
            Fact::Answered { response, attempt, left, .. } => {
                let what = format!("{} to {}", response_line(response, self.model), self.name());
                match attempt {
                    1 => self.out(what, self.and_route("our answer".to_owned())),
                    again => self.out(
                        format!("{what} again"),
                        self.after(answer_attempts(response, *again, *left)),
                    ),
                }
            }
            Fact::TimerFired { timer, of } => {
                let of = match of {
                    Some(of) => self.numbered(&of.to_string()),
                    None => self.name(),
                };
                let meant = format!("no repeats of {of} are waited for");
                ("·", theme.dim, format!("Timer {timer} over"), meant)
            }
            Fact::NeverAcked { .. } => ("✖", theme.bad, "never ACKed".to_owned(), self.name()),
            // No timeline has it.
            Fact::TimersChanged => ("·", theme.dim, "timers changed".to_owned(), String::new()),
            Fact::Beside { message, .. } => {
                let status = Message::read(message.clone()).ok().and_then(|read| read.status());
                let what = match status {
                    Some(status) => {
                        response_line(&Response { status, message: message.clone() }, self.model)
                    }
                    None => format!("{} bytes", message.len()),
                };
                ("←", theme.pending, what, "belongs to nothing".to_owned())
            }
            Fact::Ended { cause } => ("■", theme.dim, self.came_to("ended"), cause.to_string()),
        }
    }

    fn out(&self, what: String, meant: String) -> Words {
        ("→", self.theme.accent, what, meant)
    }

    fn came(&self, response: &Response, meant: String) -> Words {
        let style = match response.status.code() {
            0..200 => self.theme.pending,
            200..300 => self.theme.good,
            _ => self.theme.bad,
        };
        let mut what = response_line(response, self.model);
        let mut meant = meant;
        if self.entry.method != self.row.method || self.is_child() {
            what.push_str(" to ");
            what.push_str(&self.name());
        } else if let Some(other) = self.other_try(&response.message) {
            what.push_str(&format!(" to {other}"));
        } else if let Some(tag) = response.to_tag().filter(|_| response.status.code() > 100) {
            meant.push_str(&format!(" · tag {}", self.model.safe(&short(&tag))));
        }
        ("←", style, what, meant)
    }

    fn leg(&self, tag: &str, state: &LegState) -> Words {
        let (style, meant) = match state {
            LegState::Early => (self.theme.pending, "early".to_owned()),
            LegState::Confirmed => (self.theme.good, "confirmed: up".to_owned()),
            LegState::HangingUp { bye } => (self.theme.pending, format!("hanging up with #{bye}")),
            LegState::Terminated { by } => (self.theme.dim, format!("ended by {}", by_whom(*by))),
        };
        ("◆", style, format!("leg {}", self.model.safe(tag)), meant)
    }

    /// Over which transport and to which address.
    fn route(&self) -> String {
        let destination = self.entry.fact.destination();
        destination.map_or_else(String::new, |it| went_to(it, self.model))
    }

    /// What is said of it, and where it went where the last one of ours went elsewhere.
    fn and_route(&self, meant: String) -> String {
        let here = self.entry.fact.destination();
        let mut before = self.row.timeline.iter().take(self.place).rev();
        if before.find_map(|entry| entry.fact.destination()) == here {
            return meant;
        }
        format!("{meant} · {}", self.route())
    }

    /// Which attempt it is, and how long after the one before.
    fn after(&self, of: String) -> String {
        match self.row.timeline.since_last_sent(self.place) {
            Some(after) => format!("{of} after {}", interval(after)),
            None => of,
        }
    }

    fn accepted(&self, again: bool) -> String {
        let cancelled = self
            .row
            .timeline
            .iter()
            .take(self.place)
            .any(|before| matches!(before.fact, Fact::Cancel { .. }) && !self.is_child());
        match (again, cancelled) {
            (true, _) => "accepted, repeated".to_owned(),
            (false, true) => "accepted: it crossed the CANCEL".to_owned(),
            (false, false) => "accepted".to_owned(),
        }
    }
}
