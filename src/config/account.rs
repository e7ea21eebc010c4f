//! What `[[account]]` says.

use std::{ops::Range, sync::Arc};

use toml::{Spanned, de::DeValue};

use crate::{
    config::{
        flow,
        schema::{Place, read_choice},
        table::{At, Problems, Table, wrong_type},
    },
    engine::{Account, PasswordCommand, Register},
    sip::{Credentials, ExtraHeader, Gruu, Password, Profile, Scheme, UriBuf},
    transport::ServerUri,
};

/// What the accounts of a file are, and what else is to be known of them.
#[derive(Default)]
pub(super) struct Accounts {
    pub(super) accounts: Vec<Account>,
    /// The names, those of wrong accounts too.
    pub(super) names: Vec<String>,
    /// Whether a password stands in the file itself.
    pub(super) holds_password: bool,
}

/// Reads every account.
pub(super) fn read(problems: &mut Problems<'_>, top: &Table<'_>) -> Accounts {
    let mut found = Accounts::default();
    let Some(value) = top.value("account") else { return found };
    let what = "a list of tables: write [[account]] and its keys below, once for each account";
    let DeValue::Array(list) = value.get_ref() else {
        problems.note(value.span().start, wrong_type("account", what, value.get_ref()));
        return found;
    };
    let mut lines: Vec<usize> = Vec::new();
    for value in list.iter() {
        let DeValue::Table(table) = value.get_ref() else {
            problems.note(value.span().start, wrong_type("account", what, value.get_ref()));
            continue;
        };
        let table = Table::open(problems, table, value.span().start, Place::Account);
        let name = read_name(problems, &table);
        if let Some((name, span)) = &name {
            match found.names.iter().position(|known| known == name) {
                Some(place) => {
                    let first = lines[place];
                    problems.note(
                        span.start,
                        format!("the account {name:?} is already there on line {first}: give each a name of its own"),
                    );
                }
                None => {
                    found.names.push(name.clone());
                    lines.push(problems.line(span.start));
                }
            }
        }
        found.holds_password |= table.value("password").is_some();
        found.accounts.extend(read_account(problems, &table, name.map(|(name, _)| name)));
    }
    found
}

/// Reads the keys of one account; none where it has no usable name or address.
fn read_account(
    problems: &mut Problems<'_>,
    table: &Table<'_>,
    name: Option<String>,
) -> Option<Account> {
    let uri = read_uri(problems, table);
    let display_name = read_text(problems, table, "display_name");
    let servers = read_servers(problems, table);
    let flow = flow::read(problems, table);
    let register = read_register(problems, table);
    // Where every proxy is registered with, they are ways of their own and no chain.
    let is_chain = register != Register::All || !servers.is_empty();
    let profile = read_profile(problems, table, name.as_deref().unwrap_or_default(), is_chain);
    let expires = table.integer(problems, "expires", 1..=MAX_EXPIRES, "seconds");
    let (name, uri) = (name?, uri?);
    let password = read_password(problems, table, &uri);
    let mut account = Account::new(name, uri);
    match password {
        Some(Secret::Known(credentials)) => account.credentials = Some(Arc::from([credentials])),
        Some(Secret::Command(command)) => account.password_command = Some(Arc::new(command)),
        None => {}
    }
    if let Some((seconds, _)) = expires {
        account.expires = u32::try_from(seconds).unwrap_or(u32::MAX);
    }
    account.display_name = display_name.unwrap_or_default();
    account.servers = servers;
    account.flow = Arc::new(flow);
    account.profile = Arc::new(profile);
    account.register = register;
    Some(account)
}

fn read_name(problems: &mut Problems<'_>, account: &Table<'_>) -> Option<(String, Range<usize>)> {
    if account.value("name").is_none() {
        problems.note(
            account.start,
            "this account has no name: add name = \"…\", by which --account picks it".to_owned(),
        );
        return None;
    }
    let (name, span) = account.string(problems, "name", "a string")?;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        problems.note(span.start, "name must be a word that --account can pick it by".to_owned());
        return None;
    }
    Some((name.to_owned(), span))
}

fn read_uri(problems: &mut Problems<'_>, account: &Table<'_>) -> Option<UriBuf> {
    const WHAT: &str = "a SIP URI, such as \"sip:alice@example.org\"";
    if account.value("uri").is_none() {
        problems.note(
            account.start,
            "this account has no uri: add uri = \"sip:user@domain\"".to_owned(),
        );
        return None;
    }
    let written = account.string(problems, "uri", WHAT)?;
    sip_uri(problems, "uri", written, WHAT)
}

/// A URI of the scheme `sip` or `sips`.
fn sip_uri(
    problems: &mut Problems<'_>,
    key: &str,
    (text, span): At<&str>,
    what: &str,
) -> Option<UriBuf> {
    match text.parse::<UriBuf>() {
        Ok(uri) if matches!(uri.as_uri().scheme(), Scheme::Sip | Scheme::Sips) => Some(uri),
        Ok(_) => {
            problems.note(span.start, format!("{key} must be {what}, not {text:?}"));
            None
        }
        Err(error) => {
            problems.note(span.start, format!("{key} must be {what}, not {text:?}: {error}"));
            None
        }
    }
}

/// A text that is to stand in a header.
fn read_text(problems: &mut Problems<'_>, account: &Table<'_>, key: &str) -> Option<String> {
    let (text, span) = account.string(problems, key, "a string")?;
    if text.chars().any(char::is_control) {
        let problem = format!("{key} cannot hold a line end or another control character");
        problems.note(span.start, problem);
        return None;
    }
    Some(text.to_owned())
}

/// What its requests have in common.
fn read_profile(
    problems: &mut Problems<'_>,
    account: &Table<'_>,
    name: &str,
    is_chain: bool,
) -> Profile {
    const PROXY: &str = "a SIP URI such as \"sip:proxy.example.org;lr\", or a list of them";
    const HEADER: &str = "a list of headers, each \"Name: value\"";
    let mut profile = Profile::new(name);
    profile.user_agent = read_text(problems, account, "user_agent").map(Into::into);
    let proxies = account.strings(problems, "outbound_proxy", PROXY);
    let proxies: Vec<UriBuf> = proxies
        .into_iter()
        .filter_map(|proxy| sip_uri(problems, "outbound_proxy", proxy, PROXY).map(loose))
        .collect();
    profile.ways_out = match proxies.is_empty() {
        true => Vec::new(),
        false if is_chain => vec![proxies],
        false => proxies.into_iter().map(|proxy| vec![proxy]).collect(),
    };
    for (line, span) in account.strings(problems, "headers", HEADER) {
        let header = line.parse::<ExtraHeader>();
        match header.and_then(|header| header.check_beside(&profile.headers).map(|()| header)) {
            Ok(header) => profile.headers.push(header),
            Err(error) => problems.note(span.start, format!("headers: {error}")),
        }
    }
    let gruus = [("off", Gruu::Off), ("public", Gruu::Public), ("temporary", Gruu::Temporary)];
    if let Some(gruu) = read_choice(problems, account, "gruu", &gruus) {
        profile.gruu = gruu;
    }
    profile
}

/// A route that says `lr`: every proxy of these days is a loose router (RFC 3261 §16.12).
fn loose(uri: UriBuf) -> UriBuf {
    let parsed = uri.as_uri();
    if parsed.params().has("lr") || !parsed.headers().is_empty() {
        return uri;
    }
    format!("{uri};lr").parse().unwrap_or(uri)
}

/// `true`, `false`, or `"all"`.
fn read_register(problems: &mut Problems<'_>, account: &Table<'_>) -> Register {
    const WHAT: &str = "true, false, or \"all\" for every server";
    let Some(value) = account.value("register") else { return Register::No };
    match value.get_ref() {
        DeValue::Boolean(false) => Register::No,
        DeValue::Boolean(true) => Register::First,
        DeValue::String(text) if text == "all" => Register::All,
        other => {
            problems.note(value.span().start, wrong_type("register", WHAT, other));
            Register::No
        }
    }
}

/// Where the password comes from.
enum Secret {
    Known(Credentials),
    Command(PasswordCommand),
}

/// The user name (by default the URI's own), and the password: given here, by the name of an
/// environment variable, or by a command that prints it.
fn read_password(problems: &mut Problems<'_>, account: &Table<'_>, uri: &UriBuf) -> Option<Secret> {
    let username = account.string(problems, "username", "a string");
    let given = account.string(problems, "password", "a string");
    let variable = account.string(problems, "password_env", "the name of an environment variable");
    let command = read_command(problems, account);
    let mut sources = [
        ("password", given.as_ref().map(|(_, span)| span.start)),
        ("password_env", variable.as_ref().map(|(_, span)| span.start)),
        ("password_command", command.as_ref().map(|(_, offset)| *offset)),
    ]
    .into_iter()
    .filter_map(|(key, offset)| Some((key, offset?)));
    let (first, second) = (sources.next(), sources.next());
    if let (Some((one, _)), Some((other, offset))) = (first, second) {
        problems.note(offset, format!("{one} and {other} say two things: keep one"));
        return None;
    }
    if let (None, Some((_, span))) = (first, &username) {
        let problem =
            "username needs a password: add password, password_env or password_command".to_owned();
        problems.note(span.start, problem);
    }
    let username = match username {
        Some((username, _)) => username.to_owned(),
        None => uri.as_uri().user().unwrap_or_default().to_owned(),
    };
    if let Some((arguments, _)) = command {
        return Some(Secret::Command(PasswordCommand { username, arguments }));
    }
    let password = match (given, variable) {
        (Some((password, _)), _) => Password::from(password),
        (None, Some((name, span))) => match std::env::var(name) {
            Ok(password) => Password::from(password),
            // Only who asks for the password is refused: the other accounts need none of it.
            Err(_) => {
                let line = problems.line(span.start);
                let why = format!(
                    "password_env on line {line}: the environment variable {name:?} is not set"
                );
                Password::missing(why)
            }
        },
        (None, None) => return None,
    };
    Some(Secret::Known(Credentials::new(username, password)))
}

/// The arguments of `password_command`, and where it stands. A string is for the shell, a list is
/// run as it is.
fn read_command(problems: &mut Problems<'_>, account: &Table<'_>) -> Option<(Vec<String>, usize)> {
    const KEY: &str = "password_command";
    const WHAT: &str =
        "a command such as \"pass show sip\", or a list such as [\"pass\", \"show\", \"sip\"]";
    let value = account.value(KEY)?;
    let offset = value.span().start;
    let words = account.strings(problems, KEY, WHAT);
    let mut arguments: Vec<String> = words.iter().map(|(word, _)| (*word).to_owned()).collect();
    if arguments.first().is_none_or(|program| program.trim().is_empty()) {
        if matches!(value.get_ref(), DeValue::String(_) | DeValue::Array(_)) {
            problems.note(offset, format!("{KEY} names no program: write {WHAT}"));
        }
        return None;
    }
    if matches!(value.get_ref(), DeValue::String(_)) {
        arguments.splice(0..0, SHELL.map(str::to_owned));
    }
    Some((arguments, offset))
}

/// What a command in one string is run by.
#[cfg(not(windows))]
const SHELL: [&str; 2] = ["sh", "-c"];
#[cfg(windows)]
const SHELL: [&str; 2] = ["cmd", "/C"];

/// One server, or a list of them.
fn read_servers(problems: &mut Problems<'_>, account: &Table<'_>) -> Vec<ServerUri> {
    const WHAT: &str = "a server such as \"ws://host:port\", or a list of them";
    fn one(problems: &mut Problems<'_>, value: &Spanned<DeValue<'_>>) -> Option<ServerUri> {
        let offset = value.span().start;
        let DeValue::String(text) = value.get_ref() else {
            problems.note(offset, wrong_type("server", WHAT, value.get_ref()));
            return None;
        };
        match text.parse::<ServerUri>() {
            Ok(server) => Some(server),
            Err(error) => {
                problems.note(offset, format!("server: {error}"));
                None
            }
        }
    }
    let Some(value) = account.value("server") else { return Vec::new() };
    match value.get_ref() {
        DeValue::Array(list) if list.is_empty() => {
            let what = "server: the list is empty: name a server, or leave the key out so that the target decides";
            problems.note(value.span().start, what.to_owned());
            Vec::new()
        }
        DeValue::Array(list) => list.iter().filter_map(|value| one(problems, value)).collect(),
        _ => one(problems, value).into_iter().collect(),
    }
}

/// The longest registration that can be asked for (RFC 3261 §20.19).
const MAX_EXPIRES: u64 = u32::MAX as u64;
