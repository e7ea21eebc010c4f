//! The composer: a request as it is being written.
//!
//! It holds texts and where the cursor is. Whether they make a request is for
//! [`Draft::submit`](crate::engine::Draft::submit) to say; what it finds wrong is kept here, beside
//! the field that it stands in.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::TextArea;
use tui_input::{Input, InputRequest, backend::crossterm::EventHandler};

use crate::{
    engine::{Account, Draft, DraftError, Field, Submission},
    sip::Method,
    transport::ServerUri,
};

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The method.
    Method,
    /// The target.
    Target,
    /// The account; only where there are several.
    Account,
    /// The server.
    Server,
    /// Extra headers.
    Headers,
    /// The content type.
    ContentType,
    /// The body.
    Body,
}

impl Slot {
    const ALL: [Slot; 7] = [
        Slot::Method,
        Slot::Target,
        Slot::Account,
        Slot::Server,
        Slot::Headers,
        Slot::ContentType,
        Slot::Body,
    ];

    /// What stands before the field.
    pub const fn label(self) -> &'static str {
        match self {
            Slot::Method => "Method",
            Slot::Target => "Target",
            Slot::Account => "From",
            Slot::Server => "Send to",
            Slot::Headers => "Headers",
            Slot::ContentType => "Content type",
            Slot::Body => "Body",
        }
    }

    const fn of(field: Field) -> Slot {
        match field {
            Field::Method => Slot::Method,
            Field::Server => Slot::Server,
            Field::From | Field::FromDisplayName | Field::FromTag => Slot::Account,
            Field::Headers | Field::Routes => Slot::Headers,
            Field::ContentType => Slot::ContentType,
            Field::Body => Slot::Body,
            // What the form has no field for follows from the target.
            Field::Target
            | Field::To
            | Field::ToDisplayName
            | Field::ToTag
            | Field::CallId
            | Field::CSeq => Slot::Target,
        }
    }
}

/// A request as it is being written.
#[derive(Debug)]
pub struct Composer {
    focus: Slot,
    method: Input,
    target: Input,
    account: usize,
    accounts: usize,
    /// The account's server; one past the last is the target's own address.
    server: usize,
    headers: TextArea<'static>,
    content_type: Input,
    body: TextArea<'static>,
    /// The fields that the user has left or changed: only those may complain.
    touched: Vec<Slot>,
    errors: Vec<DraftError>,
    /// The fields that hold what the user has not typed since: typing replaces it.
    given: Vec<Slot>,
}

impl Composer {
    /// An empty form for an INVITE.
    pub fn new(accounts: &[Account], account: usize) -> Composer {
        Composer {
            focus: Slot::Target,
            method: Input::new("INVITE".to_owned()),
            target: Input::default(),
            account,
            accounts: accounts.len(),
            server: 0,
            headers: TextArea::default(),
            content_type: Input::default(),
            body: TextArea::default(),
            touched: Vec::new(),
            errors: Vec::new(),
            given: vec![Slot::Method],
        }
    }

    /// The fields, in order.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> + use<> {
        let several = self.accounts > 1;
        Slot::ALL.into_iter().filter(move |slot| several || *slot != Slot::Account)
    }

    /// The field with the cursor.
    pub fn focus(&self) -> Slot {
        self.focus
    }

    /// The index of the chosen account.
    pub fn account(&self) -> usize {
        self.account
    }

    /// Whether the next character replaces what the field with the cursor holds.
    pub fn replaces(&self) -> bool {
        self.given.contains(&self.focus)
    }

    /// A single-line field.
    pub fn line(&self, slot: Slot) -> Option<&Input> {
        match slot {
            Slot::Method => Some(&self.method),
            Slot::Target => Some(&self.target),
            Slot::ContentType => Some(&self.content_type),
            Slot::Account | Slot::Server | Slot::Headers | Slot::Body => None,
        }
    }

    /// A field of several lines.
    pub fn area(&self, slot: Slot) -> Option<&TextArea<'static>> {
        match slot {
            Slot::Headers => Some(&self.headers),
            Slot::Body => Some(&self.body),
            _ => None,
        }
    }

    /// The chosen server; `None` for the target's own address.
    pub fn server<'a>(&self, accounts: &'a [Account]) -> Option<&'a ServerUri> {
        accounts.get(self.account)?.servers.get(self.server)
    }

    /// What is wrong with a field, where the user may be told already.
    pub fn error(&self, slot: Slot) -> Option<&str> {
        self.touched.contains(&slot).then_some(())?;
        self.errors
            .iter()
            .find(|error| Slot::of(error.field) == slot)
            .map(|error| error.message.as_str())
    }

    /// A word of advice on a field that is not wrong.
    pub fn advice(&self, slot: Slot) -> Option<String> {
        let typed = self.method.value().trim();
        let known =
            || Method::KNOWN.iter().find(|known| known.as_str().eq_ignore_ascii_case(typed));
        match slot {
            Slot::Method => known()
                .filter(|known| known.as_str() != typed)
                .map(|known| format!("methods are case-sensitive: → makes it {known}")),
            _ => None,
        }
    }

    /// Opens the form.
    pub fn open(&mut self) {
        self.focus = Slot::Target;
    }

    /// Sends from another account; or the accounts have changed.
    pub fn use_account(&mut self, accounts: &[Account], account: usize) {
        self.account = account;
        self.accounts = accounts.len();
        self.server = 0;
        if !self.touched.is_empty() {
            self.check(accounts);
        }
    }

    /// To the next field, or the previous.
    pub fn step(&mut self, forward: bool, accounts: &[Account]) {
        let slots: Vec<Slot> = self.slots().collect();
        let place = slots.iter().position(|slot| *slot == self.focus).unwrap_or(0);
        let by = if forward { 1 } else { slots.len() - 1 };
        self.focus_on(slots[(place + by) % slots.len()], accounts);
    }

    /// To a field.
    pub fn focus_on(&mut self, slot: Slot, accounts: &[Account]) {
        if slot != self.focus {
            self.touch(self.focus);
            self.focus = slot;
            self.check(accounts);
        }
    }

    /// Whether the field with the cursor wants a key for itself, whatever else is bound to it.
    pub fn wants(&self, key: KeyEvent) -> bool {
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return false;
        }
        let several = self.area(self.focus).is_some();
        match key.code {
            KeyCode::Enter | KeyCode::Up | KeyCode::Down => several,
            KeyCode::Left | KeyCode::Right => {
                several || matches!(self.focus, Slot::Target | Slot::ContentType)
            }
            KeyCode::Char(_) => true,
            _ => false,
        }
    }

    /// A key for the field with the cursor.
    pub fn edit(&mut self, key: KeyEvent, accounts: &[Account]) {
        if self.replaces() {
            let types = matches!(key.code, KeyCode::Char(_))
                && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
            if types || matches!(key.code, KeyCode::Backspace | KeyCode::Delete) {
                self.empty();
            }
            self.given.retain(|slot| *slot != self.focus);
        }
        let event = crossterm::event::Event::Key(key);
        match self.focus {
            Slot::Method => drop(self.method.handle_event(&event)),
            Slot::Target => drop(self.target.handle_event(&event)),
            Slot::ContentType => drop(self.content_type.handle_event(&event)),
            Slot::Headers => drop(self.headers.input(key)),
            Slot::Body => drop(self.body.input(key)),
            Slot::Account | Slot::Server => return,
        }
        self.check(accounts);
    }

    /// Pasted text for the field with the cursor. A single-line field takes no control characters.
    pub fn paste(&mut self, text: &str, accounts: &[Account]) {
        let lines = || text.replace("\r\n", "\n").replace('\r', "\n");
        match self.focus {
            Slot::Headers => drop(self.headers.insert_str(lines())),
            Slot::Body => drop(self.body.insert_str(lines())),
            Slot::Account | Slot::Server => return,
            Slot::Method | Slot::Target | Slot::ContentType => {
                if self.replaces() {
                    self.empty();
                }
                let input = match self.focus {
                    Slot::Method => &mut self.method,
                    Slot::Target => &mut self.target,
                    _ => &mut self.content_type,
                };
                // One new value rather than a request a character: a paste can be long.
                let (before, after) = split_at(input);
                let clean: String =
                    text.trim().chars().filter(|c| !c.is_control()).take(4_096).collect();
                let cursor = before.chars().count() + clean.chars().count();
                *input = Input::new(format!("{before}{clean}{after}")).with_cursor(cursor);
            }
        }
        self.check(accounts);
    }

    /// The next value of a field with a choice, or the previous.
    pub fn choose(&mut self, forward: bool, accounts: &[Account]) {
        let turn = |place: usize, count: usize| {
            (place + if forward { 1 } else { count - 1 }) % count.max(1)
        };
        match self.focus {
            Slot::Method => {
                self.method = Input::new(self.next_method(forward));
                if !self.replaces() {
                    self.given.push(Slot::Method);
                }
            }
            Slot::Account if self.accounts > 1 => {
                self.account = turn(self.account, self.accounts);
                self.server = 0;
            }
            Slot::Server => {
                let servers = accounts.get(self.account).map_or(0, |account| account.servers.len());
                self.server = turn(self.server.min(servers), servers + 1);
            }
            _ => return,
        }
        self.touch(self.focus);
        self.check(accounts);
    }

    /// Empties the field with the cursor.
    pub fn clear(&mut self, accounts: &[Account]) {
        self.empty();
        self.check(accounts);
    }

    fn empty(&mut self) {
        match self.focus {
            Slot::Method => self.method.reset(),
            Slot::Target => self.target.reset(),
            Slot::ContentType => self.content_type.reset(),
            Slot::Headers => self.headers = TextArea::default(),
            Slot::Body => self.body = TextArea::default(),
            Slot::Account | Slot::Server => {}
        }
        self.given.retain(|slot| *slot != self.focus);
    }

    /// Makes the request; where it cannot be made, every field may say why and the cursor goes to
    /// the first that does.
    pub fn submit(&mut self, accounts: &[Account]) -> Option<Submission> {
        self.touched = self.slots().collect();
        match self.attempt(accounts) {
            Ok(submission) => {
                self.errors.clear();
                self.touched.clear();
                self.focus = Slot::Target;
                let end = self.target.value().chars().count();
                self.target.handle(InputRequest::SetCursor(end));
                self.given = vec![Slot::Method, Slot::Target];
                Some(submission)
            }
            Err(errors) => {
                if let Some(first) = errors.first() {
                    self.focus = Slot::of(first.field);
                }
                self.errors = errors;
                None
            }
        }
    }

    fn touch(&mut self, slot: Slot) {
        if !self.touched.contains(&slot) {
            self.touched.push(slot);
        }
    }

    fn check(&mut self, accounts: &[Account]) {
        self.errors = self.attempt(accounts).err().unwrap_or_default();
    }

    fn attempt(&self, accounts: &[Account]) -> Result<Submission, Vec<DraftError>> {
        let Some(account) = accounts.get(self.account) else {
            return Err(vec![DraftError {
                field: Field::From,
                message: "there is no account to send from: add one to the config file".to_owned(),
            }]);
        };
        let draft = Draft {
            method: self.method.value().to_owned(),
            target: self.target.value().to_owned(),
            headers: self.headers.lines().to_vec(),
            content_type: self.content_type.value().to_owned(),
            // RFC 3261 §7.4: lines of a text body end as those of the message do.
            body: self.body.lines().join("\r\n").into(),
            ..Draft::default()
        };
        let mut submission = draft.submit(account)?;
        submission.server = self.server(accounts).cloned();
        Ok(submission)
    }

    /// Completes what is typed, or goes on from a known method.
    fn next_method(&self, forward: bool) -> String {
        let known: Vec<&str> = Method::KNOWN
            .iter()
            .filter(|method| !matches!(method, Method::Ack | Method::Cancel))
            .map(Method::as_str)
            .collect();
        let typed = self.method.value().trim();
        let place = match known.iter().position(|method| *method == typed) {
            Some(place) if forward => (place + 1) % known.len(),
            Some(place) => (place + known.len() - 1) % known.len(),
            None => known
                .iter()
                .position(|method| {
                    method.get(..typed.len()).is_some_and(|s| s.eq_ignore_ascii_case(typed))
                })
                .unwrap_or(0),
        };
        known[place].to_owned()
    }
}

/// What stands before and after the cursor.
pub fn split_at(input: &Input) -> (&str, &str) {
    let value = input.value();
    let at = value.char_indices().nth(input.cursor()).map_or(value.len(), |(at, _)| at);
    value.split_at(at)
}
