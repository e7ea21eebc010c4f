//! What the user wants: each [`Command`] is carried out, or refused with a sentence.

use std::{sync::Arc, time::Instant};

use super::{LEAVING, Lead, Task, write_timeout};
use crate::{
    engine::{
        Command, Event, InDialog, RawSubmission, Refusal, Submission,
        draft::{next_hop, secured},
        flows::{Found, Way},
    },
    sip::ContextId,
    transport::{FlowSettings, ServerUri},
};

impl Task {
    pub(super) fn command(&mut self, command: Command) {
        let now = self.now();
        let result = match command {
            Command::Quit => {
                self.leave();
                return;
            }
            Command::Cancel { context, options } => self
                .user_agent
                .cancel(now, context, options)
                .map_err(|error| (Some(context), error.to_string())),
            Command::HangUp { context } => self
                .user_agent
                .hang_up(now, context)
                .map_err(|error| (Some(context), error.to_string())),
            Command::HangUpLeg { context, tag } => self
                .user_agent
                .hang_up_leg(now, context, &tag)
                .map_err(|error| (Some(context), error.to_string())),
            Command::SendInDialog { context, tag, request } => self
                .user_agent
                .request_in_dialog(now, context, tag.as_deref(), *request)
                .map(drop)
                .map_err(|error| (Some(context), error.to_string())),
            Command::Answer { context, transaction, answer } => self
                .user_agent
                .answer(now, transaction, *answer)
                .map_err(|error| (Some(context), error.to_string())),
            Command::Many(commands) => {
                commands.into_iter().for_each(|command| self.command(command));
                Ok(())
            }
            Command::Resolver(servers) => {
                self.names.ask(&servers);
                Ok(())
            }
            Command::Impair(impairments) => {
                self.impair(impairments);
                Ok(())
            }
            Command::GiveUp { context, detail } => {
                self.user_agent.give_up(now, context, &detail);
                Ok(())
            }
            Command::Send(_) | Command::SendRaw(_) if self.leaving.is_some() => {
                Err((None, LEAVING.to_owned()))
            }
            Command::Send(submission) => {
                self.send_or_refuse(now, submission);
                Ok(())
            }
            Command::SendRaw(submission) => {
                self.send_raw(now, *submission).map_err(|why| (None, why))
            }
            Command::Accounts(_) | Command::Register(_) if self.leaving.is_some() => Ok(()),
            Command::Accounts(accounts) => {
                self.accounts(now, accounts);
                Ok(())
            }
            Command::Register(account) => {
                self.register(now, account);
                Ok(())
            }
            Command::Unregister { account } => {
                if let Err(why) = self.unregister(now, &account) {
                    self.refuse_account(now, why);
                }
                Ok(())
            }
            Command::DialogWriting(of) => {
                let InDialog { context, tag, method } = &of;
                let writing = self.user_agent.dialog_writing(*context, tag.as_deref(), method);
                let writing = writing.map(Box::new).map_err(|error| error.to_string());
                self.tell(Event::DialogWriting { of, writing });
                Ok(())
            }
            Command::Writing { flow, profile } => {
                let writing = self.user_agent.writing(flow, profile.as_ref()).map(Box::new);
                let account = profile.map(|profile| profile.name.clone());
                self.tell(Event::Writing { flow, account, writing });
                Ok(())
            }
            Command::Settings(settings) => {
                self.network.set_write_timeout(write_timeout(&settings));
                self.user_agent.change_settings(*settings);
                Ok(())
            }
        };
        if let Err((context, reason)) = result {
            self.refuse(now, context, reason);
        }
    }

    pub(in crate::engine) fn refuse(
        &mut self,
        at: Instant,
        context: Option<ContextId>,
        reason: String,
    ) {
        self.tell(Event::Refused(Refusal { at, context, is_request: true, reason }));
    }

    /// Says why an account is not registered or unregistered.
    pub(in crate::engine) fn refuse_account(&mut self, at: Instant, reason: String) {
        let refusal = Refusal { at, context: None, is_request: false, reason };
        self.tell(Event::Refused(refusal));
    }

    /// Sends a request; a sentence where no flow can be found for it.
    pub(in crate::engine) fn send(
        &mut self,
        now: Instant,
        submission: Submission,
    ) -> Result<(), String> {
        let Submission { mut request, server, flow: settings, .. } = submission;
        request.route_set = self.user_agent.routes(&request);
        let server = match server {
            Some(server) => server,
            None => next_hop(request.route_set.first(), Some(&request.request_uri))?,
        };
        secured(request.route_set.first(), &request.request_uri, &server)?;
        match self.lead(now, server, settings) {
            Lead::Flow(flow) => _ = self.user_agent.request(now, flow, request),
            Lead::Name(server, settings) => {
                let (name, transport) = (server.to_string(), server.transport);
                let id = self.user_agent.request_by_name(now, &name, transport, request);
                self.names.look_up(id, server, settings);
            }
        }
        Ok(())
    }

    /// Sends bytes as they are; a sentence where no flow can be found for them.
    fn send_raw(&mut self, now: Instant, submission: RawSubmission) -> Result<(), String> {
        let RawSubmission { message, server, flow: settings } = submission;
        let server = match server {
            Some(server) => server,
            None => next_hop(message.first_route().as_ref(), message.request_uri().as_ref())?,
        };
        match self.lead(now, server, settings) {
            Lead::Flow(flow) => _ = self.user_agent.send_raw(now, flow, message),
            Lead::Name(server, settings) => {
                let (name, transport) = (server.to_string(), server.transport);
                let id = self.user_agent.send_raw_by_name(now, &name, transport, message);
                self.names.look_up(id, server, settings);
            }
        }
        Ok(())
    }

    /// The flow that leads to a server, which is made where there is none yet; a server with a name
    /// must be looked up first.
    pub(in crate::engine) fn lead(
        &mut self,
        now: Instant,
        server: ServerUri,
        settings: Arc<FlowSettings>,
    ) -> Lead {
        if server.socket_address().is_none() {
            return Lead::Name(server, settings);
        }
        Lead::Flow(match self.flows.to(&Way::direct(server, settings)) {
            Found::Ready(flow) => flow,
            Found::Connect(flow) => {
                self.connect(now, flow);
                flow
            }
        })
    }
}
