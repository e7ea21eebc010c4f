//! `sipboard config`: where the config file is, what is wrong with it, what it can say.

use std::{fmt::Write, path::PathBuf};

use crate::{
    cli::{args::ConfigCommand, keys, look, print, tell},
    config,
    engine::Register,
    sip::escape,
};

pub(super) fn run(command: ConfigCommand, named: Option<PathBuf>) -> anyhow::Result<u8> {
    let path = config::find(named.as_deref())
        .ok_or_else(|| anyhow::anyhow!("this system names no home directory: use --config FILE"));
    let text = match command {
        ConfigCommand::Path => format!("{}\n", path?.display()),
        ConfigCommand::Example => {
            if named.is_some() {
                anyhow::bail!(
                    "--config has no meaning with `sipboard config example`: leave it out"
                );
            }
            format!("{}{}", config::EXAMPLE, keys::example())
        }
        ConfigCommand::Check => {
            let path = path?;
            match config::load(named.as_deref())? {
                None => format!(
                    "{} does not exist: sipboard runs on its built-in demo server\n",
                    path.display()
                ),
                Some(config) => {
                    keys::bindings(&config, Some(path.clone()))?;
                    let look = look::look(&config, Some(path.clone()))?;
                    look.themes.broken().for_each(tell);
                    config.warnings.iter().for_each(|warning| tell(warning));
                    config.lacks().for_each(|why| tell(&format!("{}: {why}", path.display())));
                    describe(&path.display().to_string(), &config)
                }
            }
        }
    };
    print(text.as_bytes())?;
    Ok(0)
}

fn describe(path: &str, config: &config::Config) -> String {
    let mut text = format!("{path}: ok\n");
    if config.accounts.is_empty() {
        text.push_str("no account: sipboard runs on its built-in demo server\n");
    }
    for (index, account) in config.accounts.iter().enumerate() {
        let servers: Vec<String> = account.servers.iter().map(ToString::to_string).collect();
        let servers = match servers.len() {
            0 => "where the target says".to_owned(),
            _ => servers.join(", "),
        };
        let default = if index == config.default_account { " (default)" } else { "" };
        let registers = match account.register {
            Register::No => String::new(),
            Register::First => format!(", registered for {} s", account.expires),
            Register::All => format!(", registered with each for {} s", account.expires),
        };
        writeln!(
            text,
            "account {}{default}: {} via {servers}{registers}",
            escape(&account.name),
            escape(&account.identity().to_string()),
        )
        .expect("writing to a String cannot fail");
    }
    text
}
