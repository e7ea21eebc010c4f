//! Who sends: the account, from the config file or the demo.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use crate::{
    config::{self, Config},
    engine::Account,
    sip::Credentials,
    transport::ServerUri,
};

/// The options that choose an account.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Profile {
    /// Use the built-in demo server, whatever the config file says
    #[arg(long, help_heading = WHO, conflicts_with_all = ["config", "account"])]
    pub(super) demo: bool,
    /// Read this config file and not your own
    #[arg(long, help_heading = WHO, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Use this account of the config file
    #[arg(long, help_heading = WHO, value_name = "NAME")]
    pub(super) account: Option<String>,
}

/// A profile, looked up.
#[derive(Debug)]
pub(super) enum Resolved {
    /// The config file has accounts; the index is the chosen one.
    Accounts(Config, usize),
    /// There is none, or the demo is wanted. The config's other settings still hold.
    Demo(Config),
}

impl Resolved {
    /// What the config file says that is hardly meant.
    pub(super) fn warnings(&self) -> &[String] {
        let (Resolved::Accounts(config, _) | Resolved::Demo(config)) = self;
        &config.warnings
    }
}

impl Profile {
    /// Takes over what stood before the command and not after it.
    pub(super) fn inherit(&mut self, outer: Profile) {
        self.demo |= outer.demo;
        self.config = self.config.take().or(outer.config);
        self.account = self.account.take().or(outer.account);
    }

    /// Refuses options that a command has no use for.
    pub(super) fn refuse(&self, command: &str) -> anyhow::Result<()> {
        if self.config.is_some() {
            anyhow::bail!("--config has no meaning with `sipboard {command}`: leave it out");
        }
        self.refuse_account_and_demo(command)
    }

    /// The same, but for a command that reads the config file.
    pub(super) fn refuse_account_and_demo(&self, command: &str) -> anyhow::Result<()> {
        for (given, option) in [(self.demo, "--demo"), (self.account.is_some(), "--account")] {
            if given {
                anyhow::bail!("{option} has no meaning with `sipboard {command}`: leave it out");
            }
        }
        Ok(())
    }

    /// Reads the config file and chooses the account.
    ///
    /// # Errors
    ///
    /// A config file that cannot be read or is wrong; an account that is not there.
    pub(super) fn resolve(&self) -> anyhow::Result<Resolved> {
        if self.demo {
            return Ok(Resolved::Demo(Config::default()));
        }
        let config = config::load(self.config.as_deref())?.unwrap_or_default();
        if !config.accounts.is_empty() {
            let index = config.account(self.account.as_deref())?;
            return Ok(Resolved::Accounts(config, index));
        }
        match &self.account {
            None => Ok(Resolved::Demo(config)),
            Some(name) => {
                let path = config::find(self.config.as_deref());
                let path = path.map_or("the config file".to_owned(), |p| p.display().to_string());
                anyhow::bail!(
                    "there is no account {name:?}, for {path} has none: `sipboard config example` shows one"
                )
            }
        }
    }
}

/// The account that is used with the demo server, and where no config file names one.
pub(super) fn demo_account(servers: Vec<ServerUri>) -> Account {
    let uri = format!("sip:alice@{DEMO_DOMAIN}").parse().expect("a constant that is a URI");
    Account { display_name: "Alice".to_owned(), servers, ..Account::new("alice", uri) }
}

/// What the demo server's `auth` user wants to hear.
pub(super) fn demo_credentials() -> Option<Arc<[Credentials]>> {
    Some(Arc::from([Credentials::new("demo", "demo")]))
}

const WHO: &str = "Who sends";

/// The domain of the demo server's users.
pub(super) const DEMO_DOMAIN: &str = "demo.test";
