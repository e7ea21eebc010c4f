//! A user agent that keeps a registration, and a registrar that says only what the test has it say.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use sipboard::sip::{
    FlowId, Grant, HeaderName, Identity, Message, MessageBuilder, Method, NewRegistration, Profile,
    RegistrarAt, RegistrationId, RegistrationState, Settings, Transport,
};

use crate::{
    scripted::Silent,
    simulation::{FLOW, Link, Simulation, ms, response_with},
};

/// The instance of every registration here.
pub const INSTANCE: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";

pub const HOUR: u64 = 3600;

/// What `alice@demo.test` asks for: an hour.
pub fn wanted() -> NewRegistration {
    NewRegistration {
        profile: Arc::new(Profile::new("alice")),
        identity: Identity {
            display_name: "Alice".to_owned(),
            uri: "sip:alice@demo.test".parse().unwrap(),
        },
        expires: HOUR as u32,
        instance: Some(INSTANCE.into()),
        reg_id: NonZeroU32::MIN,
        credentials: None,
    }
}

/// One registration and its registrar.
pub struct Registering {
    pub sim: Simulation<Silent>,
    pub id: RegistrationId,
}

impl Registering {
    pub fn new() -> Registering {
        Registering::with(Transport::Udp, wanted())
    }

    pub fn with(transport: Transport, wanted: NewRegistration) -> Registering {
        let settings = Settings::default();
        let mut sim = Simulation::with_settings(settings, transport, Link::PERFECT, 1, Silent);
        let id = sim.with(|ua, now| ua.register(now, RegistrarAt::Flow(FLOW), wanted));
        Registering { sim, id }
    }

    /// Registered for an hour.
    pub fn registered() -> Registering {
        Registering::registered_with(Transport::Udp, wanted(), &[])
    }

    /// Registered for an hour, with more in the 200.
    pub fn registered_with(
        transport: Transport,
        wanted: NewRegistration,
        headers: &[(HeaderName, &str)],
    ) -> Registering {
        let mut it = Registering::with(transport, wanted);
        it.grant(HOUR, headers);
        it
    }

    /// Every REGISTER that was sent, retransmissions included.
    pub fn registers(&self) -> Vec<Message> {
        let sent = self.sim.sent.iter().map(|(_, message)| message);
        sent.filter(|message| message.method() == Some(Method::Register)).cloned().collect()
    }

    /// The last REGISTER.
    pub fn last(&self) -> Message {
        self.registers().pop().expect("a REGISTER was sent")
    }

    /// When REGISTERs were sent, in seconds from the start.
    pub fn times(&self) -> Vec<f64> {
        let of = |(_, message): &&(Duration, Message)| message.method() == Some(Method::Register);
        self.sim.sent.iter().filter(of).map(|(at, _)| at.as_secs_f64()).collect()
    }

    /// The registrar answers the last REGISTER.
    pub fn answer(&mut self, status: u16, headers: &[(HeaderName, &str)]) {
        let bytes = response_with(&self.last(), status, "r", |builder| {
            let add = |builder: MessageBuilder, (name, value): &(HeaderName, &str)| {
                builder.header(*name, value)
            };
            headers.iter().fold(builder, add)
        });
        self.sim.peer_sends(bytes);
        self.sim.run(ms(5));
    }

    /// The registrar accepts the last REGISTER for so many seconds.
    pub fn grant(&mut self, seconds: u64, headers: &[(HeaderName, &str)]) {
        let contact = format!("{};expires={seconds}", contact(&self.last()));
        let mut all = vec![(HeaderName::Contact, &*contact)];
        all.extend_from_slice(headers);
        self.answer(200, &all);
    }

    pub fn wait(&mut self, seconds: f64) {
        self.sim.run(Duration::from_secs_f64(seconds));
    }

    pub fn refresh(&mut self) {
        let id = self.id;
        assert!(self.sim.with(|ua, now| ua.register_now(now, id)));
        self.sim.run(ms(5));
    }

    pub fn unregister(&mut self) {
        let id = self.id;
        assert!(self.sim.with(|ua, now| ua.unregister(now, id)));
        self.sim.run(ms(5));
    }

    pub fn flow_down(&mut self) {
        self.sim.with(|ua, now| ua.flow_down(now, FLOW, "the connection broke"));
    }

    /// A datagram to the registrar was refused.
    pub fn refused(&mut self) {
        self.sim.with(|ua, now| ua.flow_error(now, FLOW, "connection refused"));
    }

    pub fn flow_up(&mut self, transport: Transport) {
        self.sim.with(|ua, now| {
            ua.flow_connecting(FLOW, transport);
            ua.flow_up(now, FLOW, "192.0.2.1:5060".parse().unwrap());
        });
    }

    /// Another flow, up.
    pub fn add_flow(&mut self, flow: FlowId, transport: Transport, local: &str) {
        self.sim.with(|ua, now| {
            ua.flow_connecting(flow, transport);
            ua.flow_up(now, flow, local.parse().unwrap());
        });
    }

    pub fn state(&self) -> RegistrationState {
        self.sim.registrations.last().expect("something was told").state.clone()
    }

    /// The state in one word, and how many seconds the binding has left.
    pub fn told(&self) -> (&'static str, Option<u64>) {
        let state = self.state();
        let word = match &state {
            RegistrationState::Off => "off",
            RegistrationState::Waiting { .. } => "waiting",
            RegistrationState::Trying => "trying",
            RegistrationState::Registered { .. } => "registered",
            RegistrationState::Refreshing { .. } => "refreshing",
            RegistrationState::Removing => "removing",
            RegistrationState::Failed { .. } => "failed",
            RegistrationState::Gone => "gone",
        };
        let left = |until| self.sim.now.max(until) - self.sim.now;
        (word, state.until().map(|until| left(until).as_secs_f64().round() as u64))
    }

    pub fn granted(&self) -> Arc<Grant> {
        let event = self.sim.registrations.last().expect("something was told");
        Arc::clone(event.grant.as_ref().expect("a 200 came"))
    }
}

/// The Contact of a REGISTER.
pub fn contact(register: &Message) -> String {
    register.header(HeaderName::Contact).unwrap().text().unwrap().to_owned()
}
