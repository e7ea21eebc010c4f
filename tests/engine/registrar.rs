//! Accounts that are registered, and their registrar.

use std::sync::Arc;

use sipboard::{
    engine::{Account, Command, Event, Register},
    sip::{self, HeaderName, Message, Method, RegistrationState},
    transport::ServerUri,
};

use crate::support::*;

/// An account that is registered with a server.
pub fn registered(name: &str, server: &ServerUri) -> Account {
    Account { servers: vec![server.clone()], register: Register::First, ..account(name) }
}

pub fn account(name: &str) -> Account {
    Account::new(name, format!("sip:{name}@a.test").parse().unwrap())
}

pub fn all(accounts: impl IntoIterator<Item = Account>) -> Command {
    Command::Accounts(accounts.into_iter().map(Arc::new).collect())
}

pub fn text(message: &Message, name: HeaderName) -> String {
    message.header(name).unwrap_or_else(|| panic!("no {name}")).text().unwrap().to_owned()
}

pub fn user(message: &Message) -> String {
    message.to().unwrap().uri().user().unwrap().to_owned()
}

/// A 200 that grants what was asked for.
pub fn granted(register: &Message) -> String {
    let expires = text(register, HeaderName::Expires);
    match &*expires {
        "0" => "200 OK".to_owned(),
        _ => format!("200 OK\r\nContact: {};expires=3600", text(register, HeaderName::Contact)),
    }
}

impl Front {
    /// Waits until the registration of an account stands so.
    pub async fn registration(&mut self, account: &str, what: &str) -> RegistrationState {
        self.find(what, |event| match event {
            Event::Sip(sip::Event::Registration(event)) if *event.account == *account => {
                let state = format!("{:?}", event.state);
                state.starts_with(what).then(|| event.state.clone())
            }
            _ => None,
        })
        .await
    }
}

impl UdpPeer {
    /// Takes a REGISTER and grants what it asks for.
    pub async fn registrar(&self) -> Message {
        let (register, from) = self.take().await;
        assert_eq!(register.method(), Some(Method::Register));
        let response = response(&register, &granted(&register));
        self.socket.send_to(&response, from).await.unwrap();
        register
    }
}
