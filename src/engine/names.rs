//! Servers that are known by name: their look-ups, and who waits for them.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use tokio::task::{Id, JoinSet};

use crate::{
    engine::{Event, flows::Way},
    sip::{
        self, Connect, ContextId, Fact, IdMap,
        resolution::{Resolution, Resolved, Target},
    },
    transport::{FlowSettings, Resolver, ServerUri},
};

/// The look-ups of one engine. Requests to one name that come while it is being looked up share the
/// look-up, and draw the weights each for itself.
#[derive(Debug)]
pub(super) struct Names {
    resolver: Resolver,
    /// What each context has asked for that may still go from candidate to candidate.
    asked: IdMap<ContextId, Asked>,
    waiting: HashMap<Target, Vec<ContextId>>,
    running: HashMap<Id, Target>,
    look_ups: JoinSet<Resolved>,
}

/// A server by name, and how its flow is made.
#[derive(Debug)]
struct Asked {
    server: Arc<ServerUri>,
    settings: Arc<FlowSettings>,
}

impl Names {
    /// `servers` are the DNS servers; the system's where there are none.
    pub(super) fn new(servers: &[SocketAddr]) -> Names {
        Names {
            resolver: Resolver::new(servers),
            asked: IdMap::default(),
            waiting: HashMap::new(),
            running: HashMap::new(),
            look_ups: JoinSet::new(),
        }
    }

    /// Asks these DNS servers from now on.
    pub(super) fn ask(&mut self, servers: &[SocketAddr]) {
        self.resolver = Resolver::new(servers);
    }

    /// Writes down which server a context asks for, where its address is in its name.
    pub(super) fn remember(
        &mut self,
        context: ContextId,
        server: ServerUri,
        settings: Arc<FlowSettings>,
    ) {
        self.asked.insert(context, Asked { server: Arc::new(server), settings });
    }

    /// How the flows of a context are made that has asked for a server before.
    pub(super) fn settings(&self, context: ContextId) -> Option<&Arc<FlowSettings>> {
        self.asked.get(&context).map(|asked| &asked.settings)
    }

    /// Looks up the server of a context.
    pub(super) fn look_up(
        &mut self,
        context: ContextId,
        server: ServerUri,
        settings: Arc<FlowSettings>,
    ) {
        let target = server.target();
        self.remember(context, server, settings);
        self.look_up_for(context, target);
    }

    /// The server that a context has asked for.
    pub(super) fn server(&self, context: ContextId) -> Option<&ServerUri> {
        self.asked.get(&context).map(|asked| &*asked.server)
    }

    /// Looks up another service of the server that a context has asked for.
    pub(super) fn look_up_for(&mut self, context: ContextId, target: Target) {
        let waiting = self.waiting.entry(target.clone()).or_default();
        waiting.push(context);
        if waiting.len() == 1 {
            let (resolver, name) = (self.resolver.clone(), target.clone());
            let task = self.look_ups.spawn(async move { resolver.resolve(name).await });
            self.running.insert(task.id(), target);
        }
    }

    /// Whether nothing is being looked up.
    pub(super) fn is_idle(&self) -> bool {
        self.look_ups.is_empty()
    }

    /// Waits for the next look-up to end; gives the contexts that waited for it. Never ends where
    /// there is none. Nothing is lost where it is dropped.
    pub(super) async fn next(&mut self) -> (Resolved, Vec<ContextId>) {
        let (id, resolved) = match self.look_ups.join_next_with_id().await {
            Some(Ok((id, resolved))) => (id, Some(resolved)),
            Some(Err(error)) => (error.id(), None),
            None => std::future::pending().await,
        };
        let target = self.running.remove(&id).expect("every look-up that runs is written down");
        let contexts = self.waiting.remove(&target).unwrap_or_default();
        let broken = || Resolution::new(target, &[], "a look-up that failed").finish();
        (resolved.unwrap_or_else(broken), contexts)
    }

    /// The way to the candidate that a context wants to go to.
    pub(super) fn way(&self, connect: &Connect) -> Option<Way> {
        let asked = self.asked.get(&connect.context)?;
        Some(Way {
            asked: asked.server.clone(),
            server: asked.server.resolved(&connect.candidate),
            settings: asked.settings.clone(),
            for_one: false,
        })
    }

    /// Forgets what asks for nothing more.
    pub(super) fn forget(&mut self, id: ContextId) {
        self.asked.remove(&id);
    }

    /// Forgets a context with its end.
    pub(super) fn follow(&mut self, event: &Event) {
        if let Event::Sip(sip::Event::Context(event)) = event
            && let Fact::Ended { .. } = event.fact
            && !self.asked.is_empty()
        {
            self.asked.remove(&event.context);
        }
    }
}
