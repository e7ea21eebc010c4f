//! Facts on their way in: what the engine says becomes what the screen shows.

use std::{sync::Arc, time::Instant};

use super::{Counted, Cursor, Flow, InDialogAsked, Level, LogEntry, Mode, Model, Notice, Row};
use crate::{
    engine::{Account, Event, FlowEvent, FlowState, Impairments, PeerFlow, Refusal},
    sip::{
        self, Asked, Cause, ContextEvent, Fact, FlowId, Outside, OutsideFact, RegistrationEvent,
        RegistrationState, answer_attempts,
    },
    ui::{
        LogFileError,
        bindings::{Action, Scope},
        notify::Occasion,
        view::{flow_text, short},
    },
};

impl Model {
    /// Takes in one fact.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Sip(sip::Event::Context(event)) => self.apply_context(event),
            Event::Sip(sip::Event::Registration(event)) => self.apply_registration(event),
            Event::Sip(sip::Event::Outside(outside)) => self.apply_outside(outside),
            Event::Sip(sip::Event::Stray(stray)) => {
                let flow = Some(stray.flow);
                self.facts.statistics.count(stray.at, None, flow, Counted::STRAY);
                if let Some(Asked { method, answer: Some(status), .. }) = &stray.asked {
                    let answer = Counted::answer(*status);
                    self.facts.statistics.count(stray.at, Some(method), flow, answer);
                }
                if let Some(asked) = stray.asked.as_ref().filter(|asked| !asked.again)
                    && self.notify.tells(Occasion::Received)
                {
                    self.alert.add(|| format!("{} came from {}", asked.method, asked.source));
                }
                self.facts.log.push(LogEntry {
                    at: stray.at,
                    level: Level::Warning,
                    flow,
                    sentence: stray.problem,
                    bytes: Some(stray.bytes),
                });
            }
            Event::Impaired { at, flow, impaired } => {
                let sentence = format!("{} {}", impaired.what(), impaired.how());
                self.log(at, Level::Warning, Some(flow), sentence);
            }
            Event::Impairing { at, impairments } => self.apply_impairments(at, impairments),
            Event::Flow(event) => self.apply_flow(event),
            Event::PeerFlow(told) => self.apply_peer_flow(told),
            Event::KeepAlive { flow, interval, by, .. } => {
                if let Some(flow) = self.facts.flows.get_mut(&flow) {
                    flow.asked = Some((interval, by));
                }
            }
            Event::Pong { at, flow, rtt } => {
                let sentence = format!("a keep-alive was answered after {}", short(rtt));
                self.log(at, Level::Debug, Some(flow), sentence);
                if let Some(flow) = self.facts.flows.get_mut(&flow) {
                    flow.rtt = Some(rtt);
                }
            }
            Event::Writing { flow, account, writing } => {
                if let Some(writing) = writing {
                    self.facts.writings.insert((flow, account), *writing);
                    self.look_if_composing();
                }
            }
            Event::DialogWriting { of, writing } => {
                self.facts.dialog_writing = Some(InDialogAsked { of, writing, is_old: false });
                self.look_if_composing();
            }
            Event::AsksPasswords(running) => self.facts.asks_passwords = running,
            Event::Password(known) => self.book.learn_printed(&self.accounts, &known),
            Event::Refused(refusal) => self.apply_refusal(refusal),
            Event::Stopped => self.mode = Mode::Left,
        }
    }

    /// Something happened to a request that belongs to no dialog.
    fn apply_outside(&mut self, outside: Outside) {
        let Outside { at, flow, source, method, fact } = outside;
        let (level, sentence, bytes) = match fact {
            OutsideFact::Answered { response, attempt, left } => {
                let counted = Counted::answer(response.status);
                self.facts.statistics.count(at, Some(&method), Some(flow), counted);
                let status = response.status;
                let sent = match attempt {
                    1 => "sent on another connection".to_owned(),
                    again => format!("sent again ({})", answer_attempts(&response, again, left)),
                };
                let sentence = format!("{status} to {method} of {source}, {sent}");
                (Level::Info, sentence, Some(response.message))
            }
            OutsideFact::AnswerFailed { detail } | OutsideFact::NeverAcked { detail } => {
                (Level::Warning, format!("{source}: {detail}"), None)
            }
        };
        self.facts.log.push(LogEntry { at, level, flow: Some(flow), sentence, bytes });
    }

    fn log(&mut self, at: Instant, level: Level, flow: Option<FlowId>, sentence: String) {
        self.facts.log.push(LogEntry { at, level, flow, sentence, bytes: None });
    }

    fn apply_impairments(&mut self, at: Instant, impairments: Impairments) {
        let text = match impairments.is_empty() {
            true => "messages are not impaired any more".to_owned(),
            false => format!("messages are impaired: {impairments}"),
        };
        self.log(at, Level::Info, None, text.clone());
        self.notice = Some(Notice::info(at, text));
        if !impairments.is_empty() {
            self.rules = impairments.to_string();
        }
        self.facts.impairments = impairments;
    }

    fn apply_context(&mut self, event: ContextEvent) {
        self.date_dialog_writing(&event);
        // What an account's requests look like follows from who challenges, and from where we are seen.
        if let Fact::SeenAs { .. } | Fact::Challenged { .. } | Fact::AuthGivenUp { .. } =
            &event.fact
        {
            self.facts.writings.clear();
            if let Some(asked) = &mut self.facts.dialog_writing {
                asked.is_old = true;
            }
        }
        // Every request on a broken flow fails with it, and is told in the same words.
        if let Fact::Failed { cause: Cause::ConnectionError, detail, .. } = &event.fact
            && !detail.is_empty()
            && self.notice(event.at).is_none_or(|notice| *notice.text != **detail)
        {
            self.notice = Some(Notice::error(event.at, detail.clone()));
        }
        let (at, id) = (event.at, event.context);
        let created = match &event.fact {
            Fact::Created(created) => {
                let own = created.parent.is_none() && created.registration.is_none();
                if own {
                    self.book.written.bind(&created.call_id, id);
                }
                let account = match &created.account {
                    Some(account) => Arc::clone(account),
                    None => self.account_of(&created.local_identity),
                };
                Some((own, account))
            }
            _ => None,
        };
        if let Some(tally) = &mut self.table.tally {
            tally.note(&event);
            self.tell_tally(at);
        }
        let counted = Counted::of(&event.fact).map(|counted| (counted, event.method.clone()));
        let occasion = occasion(&event.fact);
        let contexts = &mut self.facts.contexts;
        let Some(place) = contexts.apply(event) else { return };
        if let (Some((counted, method)), Some(row)) = (counted, contexts.row(place)) {
            self.facts.statistics.count(at, Some(&method), row.created.flow, counted);
        }
        if let Some(occasion) = occasion.filter(|occasion| self.notify.tells(*occasion))
            && let Some(row) = contexts.row(place)
            && is_told(occasion, row)
        {
            self.alert.add(|| told(occasion, row));
        }
        let Some((own, account)) = created else {
            return self.table.list.refresh(contexts, place);
        };
        contexts.set_account(place, &account);
        self.table.list.add(contexts, place);
        let awaited = own && self.browse.awaited > 0;
        self.browse.awaited -= usize::from(awaited);
        if awaited || self.table.follow || self.browse.selected.is_none() {
            self.choose(Cursor { context: id, leg: None });
        }
    }

    /// The name of the account with that From; the From itself where none has it.
    fn account_of(&self, identity: &str) -> Arc<str> {
        let uri = identity.rsplit_once('<').map_or(identity, |(_, uri)| uri);
        let uri = uri.split_once('>').map_or(uri, |(uri, _)| uri);
        let is_it = |account: &&Account| account.uri.as_str() == uri;
        let account = self.account().filter(is_it).or_else(|| self.accounts.iter().find(is_it));
        account.map_or_else(|| Arc::from(uri), |account| Arc::from(&*account.name))
    }

    /// Says what came of a wish for many contexts, once it is known of each.
    pub fn tell_tally(&mut self, at: Instant) {
        if let Some(tally) = self.table.tally.take_if(|tally| tally.is_complete()) {
            let sentence = tally.sentence();
            let good = tally.is_good();
            self.notice =
                Some(if good { Notice::info(at, sentence) } else { Notice::error(at, sentence) });
        }
    }

    fn apply_registration(&mut self, event: RegistrationEvent) {
        if let RegistrationState::Failed { reason, .. } = &event.state {
            let sentence = format!("{} is not registered: {reason}", event.account);
            self.log(event.at, Level::Error, event.flow, sentence.clone());
            self.notice = Some(Notice::error(event.at, sentence));
        }
        self.facts.registrations.apply(event);
        // A grant brings a GRUU and a service route.
        self.facts.writings.clear();
    }

    /// Whatever happens in a dialog can have changed how a request is written there.
    fn date_dialog_writing(&mut self, event: &ContextEvent) {
        let Some(asked) = &mut self.facts.dialog_writing else { return };
        let parent = match &event.fact {
            Fact::Created(created) => created.parent,
            _ => self.facts.contexts.find(event.context).and_then(|row| row.created.parent),
        };
        asked.is_old |= [Some(event.context), parent].contains(&Some(asked.of.context));
    }

    fn apply_flow(&mut self, event: FlowEvent) {
        if let Some(asked) = &mut self.facts.dialog_writing {
            asked.is_old = true;
        }
        self.facts.writings.retain(|(flow, _), _| flow.is_some_and(|flow| flow != event.flow));
        let known = self.facts.flows.get_mut(&event.flow);
        let (mut told, mut ends) = known
            .map(|flow| (flow.told.take(), std::mem::take(&mut flow.ends)))
            .unwrap_or_default();
        match &event.state {
            FlowState::Connecting => {
                let sentence = format!("{} is being connected to", flow_text(&event.server));
                self.log(event.at, Level::Debug, None, sentence);
            }
            FlowState::Up { .. } => {
                let sentence = format!("{} is up", flow_text(&event.server));
                self.log(event.at, Level::Info, None, sentence);
                // What is mended is no longer to be complained of.
                if let Some(told) = told.take() {
                    self.notice.take_if(|notice| notice.text == told);
                }
            }
            FlowState::Down { reason, .. } => {
                self.log(event.at, Level::Error, Some(event.flow), reason.clone());
                // Told once, not at every attempt to make it again.
                if told.as_ref() != Some(reason) {
                    self.notice = Some(Notice::error(event.at, reason.clone()));
                    told = Some(reason.clone());
                }
                if ends.len() == Flow::ENDS {
                    ends.pop_front();
                }
                ends.push_back((event.at, reason.clone()));
            }
            FlowState::Ended => {
                let sentence = format!(
                    "{} has ended: no account leads there any more",
                    flow_text(&event.server)
                );
                self.log(event.at, Level::Info, None, sentence);
            }
        }
        self.table.list.name_flow(event.flow, flow_text(&event.server));
        // What was measured belongs to a connection that is up.
        let (rtt, asked) = (None, None);
        self.facts.flows.insert(event.flow, Flow { event, rtt, asked, told, ends });
    }

    fn apply_peer_flow(&mut self, told: PeerFlow) {
        let PeerFlow { at, transport, local, peer, .. } = told;
        let sentence = match &told.ended {
            None => format!("{peer} has opened a connection to us: {transport}, at {local}"),
            Some(reason) => reason.clone(),
        };
        self.log(at, Level::Debug, Some(told.flow), sentence);
        self.facts.peer_flows.apply(told);
    }

    fn apply_refusal(&mut self, refusal: Refusal) {
        let tally = self.table.tally.as_mut().filter(|_| refusal.is_request);
        let counted = tally.is_some_and(|tally| tally.refuse(refusal.context, &refusal.reason));
        let text = match refusal.context {
            Some(context) => format!("#{context}: {}", refusal.reason),
            None if !refusal.is_request => refusal.reason,
            None => {
                self.browse.awaited = self.browse.awaited.saturating_sub(1);
                refusal.reason
            }
        };
        self.log(refusal.at, Level::Warning, None, text.clone());
        if counted {
            self.tell_tally(refusal.at);
        } else {
            self.notice = Some(Notice::error(refusal.at, text));
        }
    }

    /// The config file could not be read again: these are its mistakes. The log has all of them.
    pub fn reload_failed(&mut self, now: Instant, mistakes: &[String]) {
        self.log_lines(now, mistakes);
        let first = mistakes.first().map(String::as_str).unwrap_or_default();
        // What is cut off at the edge of the screen stands in the log.
        let more = match (mistakes.len(), self.bindings.key(Scope::Browse, Action::Log)) {
            (0 | 1, _) => String::new(),
            (count, Some(key)) => format!(" ({count} mistakes, {key} shows them)"),
            (count, None) => format!(" ({count} mistakes)"),
        };
        let text = format!("nothing is changed{more}: {first}");
        self.trouble = Some(Notice { until: None, ..Notice::error(now, text) });
    }

    /// The log is not written to its file, or no more.
    pub fn log_broken(&mut self, at: Instant, error: &LogFileError) {
        let sentence = error.to_string();
        self.log(at, Level::Error, None, sentence.clone());
        self.notice = Some(Notice::error(at, sentence));
    }

    /// Puts sentences about the config file into the log, the first on top.
    pub fn log_lines(&mut self, at: Instant, sentences: &[String]) {
        for sentence in sentences.iter().rev() {
            self.log(at, Level::Warning, None, sentence.clone());
        }
    }
}

/// What a fact could be told for to who looks elsewhere.
fn occasion(fact: &Fact) -> Option<Occasion> {
    match fact {
        Fact::Accepted { again: false, .. } => Some(Occasion::Accepted),
        Fact::Failed { .. } => Some(Occasion::Failed),
        Fact::Received { again: false, .. } => Some(Occasion::Received),
        _ => None,
    }
}

/// What nobody sent by hand is told only where the peer begins it.
fn is_told(occasion: Occasion, row: &Row) -> bool {
    occasion == Occasion::Received
        || (row.created.parent.is_none() && row.created.registration.is_none())
}

/// `#7 INVITE ring@demo.test: accepted`
fn told(occasion: Occasion, row: &Row) -> String {
    let what = match occasion {
        Occasion::Accepted => "accepted".to_owned(),
        Occasion::Failed => {
            row.cause().map_or("failed".to_owned(), |cause| format!("failed, {cause}"))
        }
        Occasion::Received => "a request of the peer came".to_owned(),
    };
    format!("#{} {} {}: {what}", row.id, row.method, row.target().as_uri().short())
}
