//! The composer: a request as it is being written.
//!
//! It holds texts and where the cursor is. Whether they make a request is for
//! [`Draft::submit`](crate::engine::Draft::submit) to say; what it finds wrong is kept here, beside
//! the field that it stands in, with the preview of what would be sent.
//!
//! `slot` names the fields and `fields` holds their texts; `begin` fills them in from a message;
//! `attempt` makes a [`Command`] of them, and `filling` puts our address into a raw message; `keys` is writing, `wishes` what keys do beside it;
//! `passwords` keeps those of accounts out; `outlook` is what follows from the texts; `complete`, `known` and `templates` help to write; `made` is what is made ahead, and `drafts` keeps
//! what was written and not sent.

mod attempt;
mod begin;
mod complete;
mod drafts;
mod fields;
mod filling;
mod keys;
mod known;
mod made;
mod outlook;
mod passwords;
mod preview;
pub mod raw_text;
mod slot;
mod templates;
mod wishes;

use std::sync::Arc;

use ratatui_textarea::TextArea;
use tui_input::Input;

pub(crate) use begin::Keep;
pub use complete::Candidate;
pub use drafts::Drafts;
pub use fields::split_at;
pub use preview::{Asks, Preview};
pub use slot::{Kind, Slot};

use self::{fields::Fields, made::Made, outlook::Outlook};
use crate::{
    engine::{Account, Command, Variables, server_for},
    sip::{self, ContextId, KnownPasswords, Method, ServerTransactionId, UriBuf},
    transport::{FlowSettings, ServerUri},
    ui::model::Facts,
};

/// What the request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new request.
    New,
    /// A new request like that of a context.
    Like(ContextId),
    /// The request that would help, by the answer to that of a context.
    Retry(ContextId),
    /// A request in a dialog of a context.
    InDialog {
        /// The context.
        context: ContextId,
        /// The leg; `None` is the only one that is up.
        tag: Option<Box<str>>,
    },
    /// The answer to a request of the peer.
    Answer {
        /// The context in whose dialog it came.
        context: ContextId,
        /// The request.
        transaction: ServerTransactionId,
        /// Its method.
        method: Method,
    },
}

impl Facts {
    /// The session that a request is about to change: as the peer knows it of us.
    pub(in crate::ui) fn session(&self, purpose: &Purpose) -> Option<&str> {
        let Purpose::InDialog { context, tag } = purpose else { return None };
        let asked = self.dialog_writing.as_ref()?;
        let is_same = (asked.of.context, &asked.of.tag) == (*context, tag);
        asked.writing.as_ref().ok().filter(|_| is_same)?.session.as_deref()
    }
}

/// How much of the form is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The usual fields.
    Form,
    /// The advanced ones too.
    Unfolded,
    /// The whole message as one text, sent as it is.
    Raw,
}

/// Where a request went that this one is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The server.
    pub server: ServerUri,
    /// How the flow to it is made.
    pub flow: Arc<FlowSettings>,
}

/// What the composer must know of the world around it.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The accounts.
    pub accounts: &'a [Account],
    /// The variables of the config file.
    pub variables: &'a Variables,
    /// The passwords that must not be seen.
    pub passwords: &'a KnownPasswords,
    /// Targets to offer, the likeliest first.
    pub targets: &'a [String],
    /// The settings of the user agent.
    pub settings: &'a sip::Settings,
    /// The flows, and how requests are written on them.
    pub facts: &'a Facts,
    /// The number of the next request that is written, counted from 1.
    pub number: u64,
}

/// A request as it is being written.
#[derive(Debug)]
pub struct Composer {
    purpose: Purpose,
    shape: Shape,
    /// Whether the advanced fields are shown, where the user has said so; else as there is room.
    unfolds: Option<bool>,
    focus: Slot,
    fields: Fields,
    sender: Sender,
    /// The fields that the user has left or changed: only those may complain.
    touched: Vec<Slot>,
    /// The fields that hold what the user has not typed since: typing replaces it.
    given: Vec<Slot>,
    /// What is made ahead, so that the preview shows what is really sent.
    made: Made,
    outlook: Outlook,
    /// The raw message as it was begun, while it waits for our own address.
    unplaced: Option<String>,
    /// The raw message that the user has been warned of: it holds a password, and goes all the same.
    insists: Option<String>,
    /// Which candidate Tab takes.
    chosen: usize,
    /// Whether the preview stands in the place of the form, where there is no room for both.
    pub previews: bool,
    /// The line of the preview on top.
    pub preview_top: usize,
}

/// Who sends, and where to.
#[derive(Clone, Debug)]
struct Sender {
    account: usize,
    accounts: usize,
    /// A place in [`Composer::servers`]; `None` where the user has chosen none.
    server: Option<usize>,
    way: Option<Way>,
}

impl Composer {
    /// An empty form for an INVITE. `seed` is where all its randomness comes from.
    pub fn new(accounts: &[Account], account: usize, seed: u64) -> Composer {
        let mut fields = Fields::new();
        fields.set(Slot::Method, "INVITE");
        Composer {
            purpose: Purpose::New,
            shape: Shape::Form,
            unfolds: None,
            focus: Slot::Target,
            fields,
            sender: Sender { account, accounts: accounts.len(), server: None, way: None },
            touched: Vec::new(),
            given: vec![Slot::Method],
            made: Made::new(seed),
            outlook: Outlook::default(),
            unplaced: None,
            insists: None,
            chosen: 0,
            previews: false,
            preview_top: 0,
        }
    }

    /// What the request is for.
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// How much of the form is shown.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The fields, in order.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> + use<> {
        let several = self.sender.accounts > 1;
        Slot::all(&self.purpose, self.shape).filter(move |slot| several || *slot != Slot::Account)
    }

    /// The field with the cursor.
    pub fn focus(&self) -> Slot {
        self.focus
    }

    /// The index of the chosen account.
    pub fn account(&self) -> usize {
        self.sender.account
    }

    /// Whether the next character replaces what the field with the cursor holds.
    pub fn replaces(&self) -> bool {
        self.given.contains(&self.focus)
    }

    /// A single-line field.
    pub fn line(&self, slot: Slot) -> Option<&Input> {
        self.fields.line(slot)
    }

    /// A field of several lines.
    pub fn area(&self, slot: Slot) -> Option<&TextArea<'static>> {
        self.fields.area(slot)
    }

    /// The text of a field.
    pub fn text(&self, slot: Slot) -> String {
        self.fields.text(slot)
    }

    /// The servers to choose from; `None` is the target's own address.
    fn servers<'a>(&'a self, accounts: &'a [Account]) -> Vec<Option<&'a ServerUri>> {
        let own = accounts.get(self.sender.account).map_or(&[][..], |account| &account.servers);
        let way = self.sender.way.iter().map(|way| Some(&way.server));
        way.chain(own.iter().map(Some)).chain([None]).collect()
    }

    /// The server that it goes to; `None` for the target's own address.
    pub fn server<'a>(&'a self, accounts: &'a [Account]) -> Option<&'a ServerUri> {
        let servers = self.servers(accounts);
        servers.get(self.server_place(accounts, &servers)).copied().flatten()
    }

    /// The place of the chosen server, else of the one that fits the target.
    fn server_place(&self, accounts: &[Account], servers: &[Option<&ServerUri>]) -> usize {
        if let (Some(chosen), _) | (None, Some(chosen)) =
            (self.sender.server, self.sender.way.is_some().then_some(0))
        {
            return chosen.min(servers.len() - 1);
        }
        let target = self.fields.text(Slot::Target);
        let target = target.trim().parse::<UriBuf>().ok();
        let own = accounts.get(self.sender.account).map_or(&[][..], |account| &account.servers);
        let fits = target.and_then(|target| server_for(own, &target));
        fits.and_then(|fits| servers.iter().position(|it| *it == Some(fits))).unwrap_or(0)
    }

    /// Sends from another account, where it is a new request; or the accounts have changed.
    pub fn use_account(&mut self, accounts: &[Account], account: usize) {
        self.sender.accounts = accounts.len();
        let is_gone = self.sender.account >= accounts.len();
        if is_gone || self.purpose == Purpose::New {
            self.sender.account = account;
            self.sender.server = None;
        }
    }

    fn keep_focus(&mut self) {
        if !self.slots().any(|slot| slot == self.focus) {
            self.focus = self.slots().next().unwrap_or(Slot::Target);
        }
    }

    /// Shows the advanced fields where there is room for all, and hides them where there is not,
    /// unless the user has said otherwise or is in one of them.
    pub fn fit(&mut self, has_room: bool) {
        let stays = self.unfolds.is_some() || Slot::ADVANCED.contains(&self.focus);
        self.shape = match self.shape {
            Shape::Raw => Shape::Raw,
            shape if stays => shape,
            _ if has_room => Shape::Unfolded,
            _ => Shape::Form,
        };
    }

    /// Makes the request; where it cannot be made, every field may say why and the cursor goes to
    /// the first that does.
    pub fn submit(&mut self, around: &Around<'_>) -> Option<Command> {
        self.touched = self.slots().collect();
        self.made.values.set_number(around.number);
        let mut values = self.made.values.clone();
        if self.hold_back(around) {
            return None;
        }
        match self.attempt(around, &mut values) {
            Ok(command) => {
                values.next_request();
                self.made.values = values;
                self.made.renew();
                self.touched.clear();
                self.outlook.errors.clear();
                if self.shape != Shape::Raw {
                    self.focus = Slot::Target;
                    self.given = vec![Slot::Method, Slot::Target];
                }
                self.keep_focus();
                Some(command)
            }
            Err(errors) => {
                if let Some(first) = errors.first() {
                    self.focus = self.place(first);
                }
                self.outlook.errors = errors;
                None
            }
        }
    }

    fn touch(&mut self, slot: Slot) {
        if !self.touched.contains(&slot) {
            self.touched.push(slot);
        }
    }

    /// To the end of the target.
    pub fn open(&mut self) {
        self.focus = if self.shape == Shape::Raw { Slot::Raw } else { Slot::Target };
        self.keep_focus();
        self.fields.end_of(self.focus);
    }
}

/// What a method is for.
pub fn meaning(method: &str) -> Option<&'static str> {
    known::method(&Method::from(method.trim()))
}
