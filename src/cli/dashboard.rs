//! `sipboard` without a command: the dashboard.

use std::io::{self, IsTerminal, Write};

use crate::{
    cli::{
        USAGE, demo_server,
        profile::{Profile, Resolved, demo_account, demo_credentials},
        runtime,
    },
    config::{self, Config},
    ui::{
        self,
        model::{Columns, Shown},
    },
};

pub(super) fn run(profile: &Profile) -> anyhow::Result<u8> {
    if !io::stdout().is_terminal() {
        // There is nowhere left to tell that standard error is gone.
        let _ = writeln!(
            io::stderr(),
            "sipboard: the dashboard needs a terminal, and standard output is none; to send a request without one, use `sipboard send METHOD TARGET` (see `sipboard send --help`)"
        );
        return Ok(USAGE);
    }
    let resolved = profile.resolve()?;
    runtime()?.block_on(async {
        match resolved {
            Resolved::Accounts(config, account) => open(config, account, None, None).await,
            Resolved::Demo(mut config) => {
                let demo = demo_server::start().await?;
                let account = demo_account(demo.addresses().servers());
                config.accounts = vec![crate::engine::Account { credentials: demo_credentials(), flow: demo.flow_settings().into(), ..account }];
                let notice = "this is the built-in demo server: `sipboard config example` shows how to use your own";
                let result = open(config, 0, Some(notice.to_owned()), Some(hint())).await;
                demo.stop().await;
                result
            }
        }
    })
}

async fn open(
    config: Config,
    account: usize,
    notice: Option<String>,
    hint: Option<String>,
) -> anyhow::Result<u8> {
    let Config { accounts, columns, mouse, settings, .. } = config;
    let columns = shown(&columns);
    ui::run(ui::Options { accounts, account, settings, columns, mouse, notice, hint }).await?;
    Ok(0)
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
    use crate::{config::columns, demo::Behaviour};

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
