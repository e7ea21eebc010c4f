//! The config file: where it is, what it may say, and what is wrong with it.
//!
//! [`find`] says which file it is, [`load`] reads it, [`parse`] turns its text into a [`Config`] or
//! into every mistake that it holds, each with its line and column and what would be right. The
//! keys stand in [`schema`]; [`EXAMPLE`] shows all of them.

mod account;
pub mod columns;
mod flow;
mod impair;
pub mod instance;
mod keys;
pub mod limits;
pub mod log;
mod permissions;
mod problem;
mod requests;
pub mod schema;
mod table;
pub mod ui;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use keys::Keys;
pub use log::Log;
pub use problem::{Invalid, Problem};
pub use ui::Ui;

use crate::{
    engine::{self, Account},
    sip::{Credentials, escape},
    transport::{HttpHeader, broken_files},
};

/// A config file with everything that it can say, commented.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// What a config file says; what it leaves out has its default.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The accounts, in the order of the file. Empty means the built-in demo.
    pub accounts: Vec<Account>,
    /// The account that is used where none is named; an index that is good where there is one.
    pub default_account: usize,
    /// The columns of the dashboard's table; none leaves them as they are.
    pub columns: Vec<columns::Column>,
    /// Other keys for the dashboard's actions, not looked at yet.
    pub keys: Vec<Keys>,
    /// What becomes of the dashboard's log.
    pub log: Log,
    /// How the dashboard looks.
    pub ui: Ui,
    /// Whether the dashboard takes the mouse.
    pub mouse: bool,
    /// The engine's settings.
    pub settings: engine::Settings,
    /// Whether a password stands in the file itself.
    pub holds_password: bool,
    /// What is allowed, but hardly meant: sentences for the user.
    pub warnings: Vec<String>,
    /// What `{{name}}` stands for in a request.
    pub variables: engine::Variables,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            accounts: Vec::new(),
            default_account: 0,
            columns: Vec::new(),
            keys: Vec::new(),
            log: Log::default(),
            ui: Ui::default(),
            mouse: true,
            settings: engine::Settings::default(),
            holds_password: false,
            warnings: Vec::new(),
            variables: engine::Variables::default(),
        }
    }
}

impl Config {
    /// Why accounts have no password though they should, a sentence each.
    pub fn lacks(&self) -> impl Iterator<Item = String> {
        self.accounts.iter().filter_map(|account| {
            let why = Credentials::lack(account.credentials.as_deref()?)?;
            Some(format!("{} answers no challenge: {why}", escape(&account.name)))
        })
    }

    /// The account of that name, as an index; the default one where no name is given.
    ///
    /// # Errors
    ///
    /// An unknown name; the sentence names the nearest one and all there are.
    pub fn account(&self, name: Option<&str>) -> Result<usize, UnknownAccount> {
        let Some(name) = name else { return Ok(self.default_account) };
        self.accounts.iter().position(|account| account.name == name).ok_or_else(|| {
            let names: Vec<String> = self.accounts.iter().map(|a| a.name.clone()).collect();
            UnknownAccount {
                name: name.to_owned(),
                hint: schema::hint(name, names.iter().map(String::as_str)),
                known: names,
            }
        })
    }
}

/// There is no account of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no account {name:?}{hint}; the accounts are {}", known.join(", "))]
pub struct UnknownAccount {
    /// The name that was asked for.
    name: String,
    /// `: did you mean "…"?`, or nothing.
    hint: String,
    /// The names that there are.
    known: Vec<String>,
}

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: the config file cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file says something wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// The file that holds the config: the named one, else the user's own, which need not exist.
/// `None` where the system knows no home directory.
pub fn find(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.to_owned()),
        None => directories::ProjectDirs::from("", "", "sipboard")
            .map(|dirs| dirs.config_dir().join("config.toml")),
    }
}

/// Reads the config file. Without a file there is none: `Ok(None)`, unless it was named.
///
/// # Errors
///
/// A file that cannot be read, or that says something wrong.
pub fn load(named: Option<&Path>) -> Result<Option<Config>, LoadError> {
    let Some(path) = find(named) else { return Ok(None) };
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
            return Ok(None);
        }
        Err(error) => return Err(LoadError::Read { path, error }),
    };
    let problems = match std::str::from_utf8(&bytes) {
        Ok(text) => match parse(text) {
            Ok(mut config) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                for account in &mut config.accounts {
                    flow::relative_to(Arc::make_mut(&mut account.flow), folder);
                    let broken = broken_files(&account.flow.tls).map(|(key, why)| {
                        let line = schema::line_of(text, &account.name, key);
                        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
                        format!("{}{line}: {}", path.display(), escape(&why))
                    });
                    config.warnings.extend(broken);
                }
                log::relative_to(&mut config.log, folder);
                if let Some(secret) = secret_in(&config) {
                    config.warnings.extend(permissions::warning(&path, &secret));
                }
                return Ok(Some(config));
            }
            Err(problems) => problems,
        },
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            vec![Problem::at(&good, good.len(), "this is not UTF-8 text".to_owned())]
        }
    };
    Err(Invalid { path, problems }.into())
}

/// What in a config file nobody else should read, in words.
fn secret_in(config: &Config) -> Option<String> {
    if config.holds_password {
        return Some("a password".to_owned());
    }
    let headers = config.accounts.iter().flat_map(|account| &account.flow.websocket.headers);
    let secret = headers.map(HttpHeader::name).find(|name| SECRET_HEADERS.contains(name))?;
    Some(format!("a secret (the {secret} header in ws_headers)"))
}

/// The headers of a handshake that say who somebody is, as [`HttpHeader::name`] gives them.
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Turns the text of a config file into a [`Config`].
///
/// # Errors
///
/// Every mistake, in the order of the text.
pub fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    schema::read(text)
}
