//! The book of registrations: which account has which, and what a change of the accounts means.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Instant};

use crate::{
    engine::{
        Account, Event, Register,
        draft::{next_hop, secured},
        task::{Lead, Task},
        wishes::Wish,
    },
    sip::{
        self, Credentials, Fact, NewRegistration, Profile, RegistrarAt, RegistrarName,
        RegistrationId,
    },
    transport::{FlowSettings, ServerUri},
};

/// Every account that is registered, or was.
#[derive(Debug, Default)]
pub(super) struct Registrations {
    by_account: BTreeMap<String, Kept>,
    /// Where each leads.
    servers: BTreeMap<RegistrationId, Registrar>,
}

/// A registrar, and how the flow to it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Registrar {
    server: ServerUri,
    settings: Arc<FlowSettings>,
}

/// The registrations of one account.
#[derive(Debug)]
struct Kept {
    account: Arc<Account>,
    registrations: Vec<RegistrationId>,
}

impl Task {
    /// These are the accounts now: those that are to be registered are, and what has gone or
    /// changed is removed.
    pub(super) fn accounts(&mut self, now: Instant, accounts: Vec<Arc<Account>>) {
        // A password may be what has changed. What waited for one waits for the new one.
        let mut asked_for = Vec::new();
        for wish in self.passwords.forget() {
            match wish {
                Wish::Send(submission) => self.send_or_refuse(now, submission),
                Wish::Register(account) => asked_for.push(account.name.clone()),
            }
        }
        let stays = |kept: &Kept| accounts.iter().any(|account| account.name == kept.account.name);
        let gone: Vec<String> = self
            .registrations
            .by_account
            .iter()
            .filter(|(_, kept)| !stays(kept))
            .map(|it| it.0.clone())
            .collect();
        for name in gone {
            self.forget(now, &name);
        }
        self.want_flows_of(&accounts);
        for account in accounts {
            let kept = self.registrations.by_account.get(&account.name);
            let has_changed = kept.is_some_and(|kept| kept.account != account);
            let is_wanted = account.register != Register::No || asked_for.contains(&account.name);
            if has_changed && !is_wanted {
                self.forget(now, &account.name);
            } else if has_changed || (kept.is_none() && is_wanted) {
                self.register(now, account);
            }
        }
    }

    /// Registers an account now, or refreshes what is registered; where the account has changed,
    /// as it is now.
    pub(super) fn register(&mut self, now: Instant, account: Arc<Account>) {
        match account.password_command.clone() {
            None => self.register_with(now, &account, account.credentials.clone()),
            Some(command) => {
                let wish = Wish::Register(Arc::clone(&account));
                if let Some((_, credentials)) = self.passwords.want(&command, wish) {
                    self.register_with(now, &account, Some(credentials));
                }
            }
        }
    }

    /// Removes the bindings of an account; they are made again only when the user asks.
    pub(super) fn unregister(&mut self, now: Instant, account: &str) -> Result<(), String> {
        let Some(kept) = self.registrations.by_account.get(account) else {
            return Err(format!("{account} is not registered: there is nothing to remove"));
        };
        for id in &kept.registrations {
            self.user_agent.unregister(now, *id);
        }
        Ok(())
    }

    fn forget(&mut self, now: Instant, account: &str) {
        let Some(kept) = self.registrations.by_account.remove(account) else { return };
        for id in kept.registrations {
            self.registrations.servers.remove(&id);
            self.user_agent.forget_registration(now, id);
        }
    }

    /// Makes the registrations of an account, with what answers a challenge.
    pub(super) fn register_with(
        &mut self,
        now: Instant,
        account: &Arc<Account>,
        credentials: Option<Arc<[Credentials]>>,
    ) {
        let wanted = |reg_id, profile| NewRegistration {
            profile,
            identity: account.identity(),
            expires: account.expires,
            instance: Some(self.instance.urn(account)),
            reg_id,
            credentials: credentials.clone(),
        };
        let servers = Task::registrars(account).and_then(|servers| {
            for (server, profile) in &servers {
                let way = profile.ways_out.first().and_then(|way| way.first());
                secured(way, &account.uri, server)?;
            }
            Ok(servers)
        });
        let servers = match servers {
            Ok(servers) => servers,
            Err(why) => {
                return self
                    .refuse_account(now, format!("{} is not registered: {why}", account.name));
            }
        };
        let numbered = servers.into_iter().zip(1..).filter_map(|((server, profile), number)| {
            Some((server, wanted(NonZeroU32::new(number)?, profile)))
        });
        let wanted: Vec<(ServerUri, NewRegistration)> = numbered.collect();
        let before = self.registrations.by_account.remove(&account.name);
        // In place where only what is asked for has changed: a binding that was removed after it
        // was made anew would be lost.
        let (mut old, is_same) = match before {
            Some(kept) => (kept.registrations, kept.account.uri == account.uri),
            None => (Vec::new(), true),
        };
        let mut registrations = Vec::new();
        for (server, wanted) in wanted {
            let registrar = Registrar { server, settings: Arc::clone(&account.flow) };
            let leads_there = |id: &RegistrationId| {
                is_same && self.registrations.servers.get(id) == Some(&registrar)
            };
            let id = match old.iter().position(leads_there) {
                Some(place) => {
                    let id = old.swap_remove(place);
                    // Who asks does not wait for the time at which it would be tried again.
                    if registrar.server.socket_address().is_some() {
                        let Registrar { server, settings } = registrar;
                        self.lead(now, server, settings);
                    }
                    self.user_agent.change_registration(now, id, wanted);
                    id
                }
                None => {
                    let Registrar { server, settings } = registrar.clone();
                    let at = self.registrar_at(now, server, settings);
                    let id = self.user_agent.register(now, at, wanted);
                    self.registrations.servers.insert(id, registrar);
                    id
                }
            };
            registrations.push(id);
        }
        for id in old {
            self.registrations.servers.remove(&id);
            self.user_agent.forget_registration(now, id);
        }
        let kept = Kept { account: Arc::clone(account), registrations };
        self.registrations.by_account.insert(account.name.clone(), kept);
    }

    /// Only flows to the servers of these accounts are wanted from now on.
    fn want_flows_of(&mut self, accounts: &[Arc<Account>]) {
        let mut wanted = Vec::new();
        for account in accounts {
            // An account that names no server has none to keep a flow to.
            let servers = Task::ways(account, |count| count).unwrap_or_default();
            wanted.extend(servers.into_iter().map(|(server, _)| (server, &account.flow)));
        }
        self.flows.want(|way| {
            wanted.iter().any(|(server, flow)| *way.asked == *server && way.settings == **flow)
        });
    }

    fn registrar_at(
        &mut self,
        now: Instant,
        server: ServerUri,
        settings: Arc<FlowSettings>,
    ) -> RegistrarAt {
        match self.lead(now, server, settings) {
            Lead::Flow(flow) => RegistrarAt::Flow(flow),
            Lead::Name(server, _) => RegistrarAt::Name(RegistrarName {
                server: server.to_string(),
                transport: server.transport,
            }),
        }
    }

    /// Looks up the server of a REGISTER that has no flow yet.
    pub(super) fn find_registrar(&mut self, event: &Event) {
        let Event::Sip(sip::Event::Context(event)) = event else { return };
        if let Fact::Created(created) = &event.fact
            && created.flow.is_none()
            && let Some(id) = created.registration
            && let Some(Registrar { server, settings }) = self.registrations.servers.get(&id)
        {
            self.names.look_up(event.context, server.clone(), Arc::clone(settings));
        }
    }

    /// Where an account is registered, and by which way out: with its servers, else with its outbound
    /// proxies, else with the domain of its address of record (RFC 3261 §10.2.6).
    fn registrars(account: &Account) -> Result<Vec<(ServerUri, Arc<Profile>)>, String> {
        Task::ways(account, |count| match account.register {
            Register::All => count,
            Register::First | Register::No => 1,
        })
    }

    /// The first so many of the servers that requests of an account go to, as `of_all` has it.
    fn ways(
        account: &Account,
        of_all: impl Fn(usize) -> usize,
    ) -> Result<Vec<(ServerUri, Arc<Profile>)>, String> {
        let (servers, profile) = (&account.servers, &account.profile);
        if !servers.is_empty() {
            let servers = servers.iter().take(of_all(servers.len()));
            return Ok(servers.map(|server| (server.clone(), Arc::clone(profile))).collect());
        }
        if profile.ways_out.len() < 2 {
            let proxy = profile.ways_out.first().and_then(|way| way.first());
            return Ok(vec![(next_hop(proxy, Some(&account.uri))?, Arc::clone(profile))]);
        }
        let ways = profile.ways_out.iter().take(of_all(profile.ways_out.len()));
        ways.map(|way| {
            let one = Profile { ways_out: vec![way.clone()], ..(**profile).clone() };
            Ok((next_hop(way.first(), Some(&account.uri))?, Arc::new(one)))
        })
        .collect()
    }
}
