//! An account of a config file, kept registered by the engine.

use sipboard::{
    config,
    engine::{Command, Engine, Event},
    sip::{self, RegistrationState},
};
use tokio::{runtime::Runtime, time::timeout};

use super::{Lab, Way};
use crate::cli_support::DEADLINE;

/// An engine with the account `alice` at a Kamailio.
pub struct Registered {
    runtime: Runtime,
    engine: Engine,
    /// Every state of the registration, in order.
    pub states: Vec<RegistrationState>,
}

impl Registered {
    /// Starts it; each REGISTER asks for that many seconds.
    pub fn start(lab: &Lab, expires: u32) -> Registered {
        let mut text = format!(
            "[[account]]\nname = \"alice\"\nuri = \"sip:alice@lab.test\"\npassword = \"alice-pw\"\n\
             server = \"{}\"\nregister = true\nexpires = {expires}\n",
            lab.kamailio.server(lab.way)
        );
        if matches!(lab.way, Way::Tls | Way::Wss) {
            text.push_str(&format!("ca_file = {:?}\n", lab.kamailio.ca_file()));
        }
        let config = config::parse(&text).expect("the config file is right");
        let runtime = Runtime::new().expect("a runtime can be started");
        let accounts = config.accounts.into_iter().map(Into::into).collect();
        let engine = runtime.block_on(async { Engine::start(config.settings) });
        let accounts = engine.commands.try_send(Command::Accounts(accounts));
        accounts.expect("the engine takes commands");
        Registered { runtime, engine, states: Vec::new() }
    }

    /// Waits until the registrar has granted a registration that often.
    pub fn granted(&mut self, times: usize) {
        let granted =
            |state: &&RegistrationState| matches!(state, RegistrationState::Registered { .. });
        while self.states.iter().filter(granted).count() < times {
            assert!(self.next(), "the engine ended: {:#?}", self.states);
        }
    }

    /// Quits, and waits for the end.
    pub fn quit(&mut self) {
        self.engine.commands.try_send(Command::Quit).expect("the engine takes commands");
        while self.next() {}
    }

    /// Takes the next events; whether there were any.
    fn next(&mut self) -> bool {
        let events = self.engine.events.recv();
        let events = self.runtime.block_on(async { timeout(DEADLINE, events).await });
        let Some(events) = events.unwrap_or_else(|_| panic!("silence after {:#?}", self.states))
        else {
            return false;
        };
        self.states.extend(events.into_iter().filter_map(|event| match event {
            Event::Sip(sip::Event::Registration(event)) => Some(event.state),
            _ => None,
        }));
        true
    }
}
