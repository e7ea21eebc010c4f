//! `sipboard` without a command: the dashboard.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use crate::{
    cli::{
        USAGE, demo_server,
        impair::ImpairArgs,
        kept, keys, look,
        profile::{Profile, Resolved, demo_account, demo_credentials},
        runtime, tell,
    },
    config::{self, Config},
    demo::Behaviour,
    engine::{Account, Register},
    transport::key_log_problem,
    ui::{
        self,
        bindings::Bindings,
        model::{Columns, Shown},
    },
};

pub(super) fn run(profile: &Profile, impair: &ImpairArgs) -> anyhow::Result<u8> {
    if !io::stdout().is_terminal() {
        tell(
            "the dashboard needs a terminal, and standard output is none; to send a request without one, use `sipboard send METHOD TARGET` (see `sipboard send --help`)",
        );
        return Ok(USAGE);
    }
    let mut resolved = profile.resolve()?;
    let (Resolved::Accounts(config, _) | Resolved::Demo(config)) = &mut resolved;
    impair.over(&mut config.settings);
    let path = config::find(profile.config.as_deref());
    let dress =
        Dress { bindings: keys::bindings(config, path.clone())?, look: look::look(config, path)? };
    runtime()?.block_on(async {
        match resolved {
            Resolved::Accounts(mut config, account) => {
                config.settings.instance = Some(config::instance::load());
                open(config, account, dress, None, None, again(profile, impair, None)).await
            }
            Resolved::Demo(mut config) => {
                let demo = demo_server::start(config.settings.sip.limits).await?;
                let account = demo_account(demo.addresses().servers());
                let account = Account {
                    credentials: demo_credentials(),
                    flow: demo.flow_settings().into(),
                    register: Register::First,
                    ..account
                };
                config.accounts = vec![account.clone()];
                let notice = "this is the built-in demo server: `sipboard config example` shows how to use your own";
                let reload = again(profile, impair, Some(account));
                let notice = Some(notice.to_owned());
                let result = open(config, 0, dress, notice, Some(hint()), reload).await;
                demo.stop().await;
                result
            }
        }
    })
}

/// What the keys do, and what everything looks like.
struct Dress {
    bindings: Bindings,
    look: ui::Look,
}

async fn open(
    config: Config,
    account: usize,
    dress: Dress,
    notice: Option<String>,
    hint: Option<String>,
    reload: ui::Reload,
) -> anyhow::Result<u8> {
    let Dress { bindings, look } = dress;
    let warnings = warnings(&config);
    let log = look::log(&config.log);
    let Config { accounts, columns, mouse, settings, variables, .. } = config;
    // A warning is worth more than a welcome.
    let notice = warnings.first().cloned().or(notice);
    let columns = shown(&columns);
    let arranged = kept::load(&columns);
    let keep = ui::Keep(Arc::new(|arranged| {
        if let Err(error) = kept::store(arranged) {
            tell(&format!("how the table was left could not be kept for the next time: {error}"));
        }
    }));
    // Who names a hint is on the demo server.
    let targets = match hint {
        Some(_) => Behaviour::ALL.iter().map(|(name, _)| (*name).to_owned()).collect(),
        None => Vec::new(),
    };
    let options = ui::Options {
        accounts,
        account,
        settings,
        columns,
        arranged,
        keep,
        bindings,
        look,
        log,
        mouse,
        notice,
        warnings,
        reload,
        hint,
        variables,
        targets,
    };
    ui::run(options).await?;
    Ok(0)
}

/// Reads the config file again, as it was read at the start. Where it has no accounts they are
/// the demo server's, if that runs.
fn again(profile: &Profile, impair: &ImpairArgs, demo: Option<Account>) -> ui::Reload {
    let (profile, impair) = (profile.clone(), impair.clone());
    ui::Reload(Arc::new(move || {
        if profile.demo {
            return Err(vec!["--demo reads no config file".to_owned()]);
        }
        let resolved = profile.resolve().map_err(|error| lines(&error))?;
        let (mut config, account) = match resolved {
            Resolved::Accounts(config, account) => (config, account),
            Resolved::Demo(config) => (config, 0),
        };
        if config.accounts.is_empty() {
            let Some(demo) = &demo else {
                return Err(vec!["the config file has no account any more".to_owned()]);
            };
            config.accounts = vec![demo.clone()];
        }
        impair.over(&mut config.settings);
        let path = config::find(profile.config.as_deref());
        let bindings =
            keys::bindings(&config, path.clone()).map_err(|error| lines(&error.into()))?;
        let look = look::look(&config, path).map_err(|error| lines(&error))?;
        let warnings = warnings(&config);
        let log = look::log(&config.log);
        let Config { accounts, columns, mouse, settings, variables, .. } = config;
        let columns = shown(&columns);
        Ok(ui::Reloaded {
            accounts,
            account,
            settings,
            columns,
            bindings,
            look,
            log,
            mouse,
            variables,
            warnings,
        })
    }))
}

/// Every mistake, a line each.
fn lines(error: &anyhow::Error) -> Vec<String> {
    format!("{error:#}").lines().map(str::to_owned).collect()
}

/// What a config file says that is hardly meant, and what it could not find.
fn warnings(config: &Config) -> Vec<String> {
    let of_config = config.warnings.iter().cloned().chain(config.lacks());
    of_config.chain(key_log_problem()).collect()
}

/// The columns that a config file names.
fn shown(named: &[config::columns::Column]) -> Columns {
    let find = |name| ui::model::Column::ALL.into_iter().find(|column| column.name() == name);
    Columns::new(
        named.iter().filter_map(|it| Some(Shown { column: find(it.name)?, width: it.width })),
    )
}

/// What to try on the demo server.
fn hint() -> String {
    format!("The demo server has users to try: {}", USERS.join(", "))
}

/// The demo server's users that show the most of a dashboard.
const USERS: [&str; 8] = ["ring", "answer", "busy", "slow", "silent", "lossy", "late", "hangup"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::columns;

    #[test]
    fn the_config_file_can_name_every_column() {
        let name = |name| columns::Column { name, width: None };
        let named: Vec<columns::Column> = columns::NAMES.into_iter().map(name).collect();
        let shown = shown(&named);
        let names: Vec<&str> = shown.shown().iter().map(|shown| shown.column.name()).collect();
        assert_eq!(names, columns::NAMES);
        assert_eq!(names.len(), ui::model::Column::ALL.len());
        assert_eq!(columns::WIDEST, Shown::WIDEST);
    }

    #[test]
    fn every_user_of_the_hint_is_one_of_the_demo_server() {
        for user in USERS {
            assert!(Behaviour::ALL.iter().any(|(name, _)| *name == user), "{user}");
            assert!(hint().contains(user));
        }
    }
}
