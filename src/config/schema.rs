//! The keys that a config file can hold, and how each is read.

use std::{net::SocketAddr, ops::Range, sync::Arc, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    config::{
        Config, Problem, columns, flow,
        table::{Problems, Table, wrong_type},
    },
    engine::Account,
    sip::{self, Credentials, ExtraLegs, Redirects, Scheme, UriBuf},
    transport::{ServerUri, dns_server},
};

/// Whether the value of a key is never to be shown, not in a mistake either.
pub(super) fn is_secret(key: &str) -> bool {
    key.starts_with("password")
}

/// A place where keys stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The top of the file, before any table.
    Top,
    /// `[resolver]`
    Resolver,
    /// `[table]`
    Table,
    /// `[timers]`
    Timers,
    /// `[[account]]`
    Account,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 5] =
        [Place::Top, Place::Resolver, Place::Table, Place::Timers, Place::Account];

    /// As it is written in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Place::Top => "the top of the file",
            Place::Resolver => "[resolver]",
            Place::Table => "[table]",
            Place::Timers => "[timers]",
            Place::Account => "[[account]]",
        }
    }

    /// The keys that can stand in it.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Place::Top => &[
                "account",
                "default_account",
                "extra_legs",
                "mouse",
                "redirects",
                "reliable_provisionals",
                "resolver",
                "table",
                "timers",
                "udp_max_bytes",
            ],
            Place::Resolver => &["server"],
            Place::Table => &["columns"],
            Place::Timers => &["t1_ms", "t2_ms", "t4_ms"],
            Place::Account => &[
                "bind",
                "ca_file",
                "cert_file",
                "display_name",
                "insecure",
                "keep_alive",
                "keep_alive_answered",
                "key_file",
                "name",
                "password",
                "password_env",
                "server",
                "server_name",
                "uri",
                "username",
                "ws_binary",
                "ws_headers",
            ],
        }
    }
}

/// What is wrong with a key at a place; `None` where it may stand there.
pub(super) fn unknown(key: &str, place: Place) -> Option<String> {
    if place.keys().contains(&key) {
        return None;
    }
    let elsewhere = Place::ALL.into_iter().find(|other| other.keys().contains(&key));
    Some(match elsewhere {
        Some(other) => format!(
            "{key} does not belong in {}, it belongs in {}; allowed here: {}",
            place.name(),
            other.name(),
            place.keys().join(", ")
        ),
        None => format!(
            "unknown key {key:?} in {}{}; allowed here: {}",
            place.name(),
            hint(key, place.keys().iter().copied()),
            place.keys().join(", ")
        ),
    })
}

/// `: did you mean "…"?` with the candidate that is nearest, where one is near enough.
pub(super) fn hint<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    let word = word.to_ascii_lowercase();
    let near = |candidate: &&str| {
        // A long word is not measured: the distance takes time quadratic in its length.
        if word.len() > 64 {
            return None;
        }
        let candidate = candidate.to_ascii_lowercase();
        let distance = strsim::damerau_levenshtein(&word, &candidate);
        let limit = (candidate.len() / 3).max(2);
        let is_typo = distance <= limit && distance < candidate.chars().count();
        let is_beginning = word.len() >= 2 && candidate.starts_with(&word);
        let is_part = word.len() >= 3 && candidate.contains(&word);
        let is_more = candidate.len() >= 3 && word.contains(&candidate);
        (is_typo || is_beginning || is_part || is_more).then_some(distance)
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((near(&candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map_or(String::new(), |(_, nearest)| format!(": did you mean {nearest:?}?"))
}

/// Reads the whole text.
pub(super) fn read(text: &str) -> Result<Config, Vec<Problem>> {
    let mut problems = Problems::new(text);
    let (document, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        let offset = error.span().map_or(text.len(), |span| span.start);
        problems.note(offset, format!("not TOML: {}", error.message()));
    }
    // What a broken text seems to say would only be guessed at.
    if !syntax.is_empty() {
        return Err(problems.finish());
    }

    let top = Table::open(&mut problems, document.get_ref(), 0, Place::Top);
    let mut config = Config::default();
    if let Some(mouse) = top.boolean(&mut problems, "mouse") {
        config.mouse = mouse;
    }
    config.columns = columns::read(&mut problems, &top);
    config.settings.resolver = read_resolver(&mut problems, &top);
    read_timers(&mut problems, &top, &mut config.settings.sip);
    read_calls(&mut problems, &top, &mut config.settings.sip);
    let names = read_accounts(&mut problems, &top, &mut config.accounts);
    if let Some((name, span)) = top.string(&mut problems, "default_account", "an account's name") {
        match names.iter().position(|known| known == name) {
            Some(index) => config.default_account = index,
            None => {
                let known = match names.len() {
                    0 => "; there is no [[account]] at all".to_owned(),
                    _ => format!("; the accounts are {}", names.join(", ")),
                };
                let hint = hint(name, names.iter().map(String::as_str));
                problems.note(
                    span.start,
                    format!("default_account: there is no account {name:?}{hint}{known}"),
                );
            }
        }
    }
    match problems.finish() {
        problems if problems.is_empty() => Ok(config),
        problems => Err(problems),
    }
}

/// The DNS servers; none means the system's.
fn read_resolver(problems: &mut Problems<'_>, top: &Table<'_>) -> Vec<SocketAddr> {
    const WHAT: &str = "the address of a DNS server such as \"127.0.0.1:5353\", or a list of them";
    fn one(
        problems: &mut Problems<'_>,
        value: &Spanned<DeValue<'_>>,
        servers: &mut Vec<SocketAddr>,
    ) {
        let offset = value.span().start;
        let DeValue::String(text) = value.get_ref() else {
            return problems.note(offset, wrong_type("server", WHAT, value.get_ref()));
        };
        match dns_server(text) {
            Ok(server) => servers.push(server),
            Err(why) => problems.note(offset, format!("server: {why}")),
        }
    }
    let Some(value) = top.value("resolver") else { return Vec::new() };
    let offset = value.span().start;
    let DeValue::Table(table) = value.get_ref() else {
        let what = "a table: write [resolver] and its keys below";
        problems.note(offset, wrong_type("resolver", what, value.get_ref()));
        return Vec::new();
    };
    let resolver = Table::open(problems, table, offset, Place::Resolver);
    let mut servers = Vec::new();
    match resolver.value("server").map(|value| (value, value.get_ref())) {
        None => {}
        Some((_, DeValue::Array(list))) => {
            list.iter().for_each(|value| one(problems, value, &mut servers));
        }
        Some((value, _)) => one(problems, value, &mut servers),
    }
    servers
}

fn read_timers(problems: &mut Problems<'_>, top: &Table<'_>, settings: &mut sip::Settings) {
    let Some(value) = top.value("timers") else { return };
    let DeValue::Table(table) = value.get_ref() else {
        return problems.note(
            value.span().start,
            wrong_type("timers", "a table: write [timers] and its keys below", value.get_ref()),
        );
    };
    let timers = Table::open(problems, table, value.span().start, Place::Timers);
    let mut read = |key, high, field: &mut Duration| {
        let (ms, span) = timers.integer(problems, key, 1..=high, "milliseconds")?;
        *field = Duration::from_millis(ms);
        Some(span.start)
    };
    let t1 = read("t1_ms", MAX_T1_MS, &mut settings.timing.t1);
    let t2 = read("t2_ms", MAX_T2_MS, &mut settings.timing.t2);
    read("t4_ms", MAX_T4_MS, &mut settings.timing.t4);
    // RFC 3261 §17.1.2.1: retransmission intervals double from T1 up to T2.
    if let Some(offset) = t2.or(t1)
        && settings.timing.t2 < settings.timing.t1
    {
        problems.note(
            offset,
            format!(
                "t2_ms ({}) must not be less than t1_ms ({})",
                settings.timing.t2.as_millis(),
                settings.timing.t1.as_millis()
            ),
        );
    }
}

/// What is done without asking in the course of a request.
fn read_calls(problems: &mut Problems<'_>, top: &Table<'_>, settings: &mut sip::Settings) {
    if let Some(reliable) = top.boolean(problems, "reliable_provisionals") {
        settings.reliable_provisionals = reliable;
    }
    if let Some((bytes, _)) = top.integer(problems, "udp_max_bytes", 0..=65_535, "bytes") {
        // No datagram is larger: nothing has to leave for TCP.
        settings.udp_max_bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes < 65_535);
    }
    let redirects = [("none", Redirects::None), ("best", Redirects::Best), ("all", Redirects::All)];
    if let Some(redirects) = read_choice(problems, top, "redirects", &redirects) {
        settings.redirects = redirects;
    }
    let extra_legs = [("keep", ExtraLegs::Keep), ("hang-up", ExtraLegs::HangUp)];
    if let Some(extra_legs) = read_choice(problems, top, "extra_legs", &extra_legs) {
        settings.extra_legs = extra_legs;
    }
}

/// One of several words.
fn read_choice<T: Copy>(
    problems: &mut Problems<'_>,
    table: &Table<'_>,
    key: &str,
    choices: &[(&str, T)],
) -> Option<T> {
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    let (text, span) = table.string(problems, key, &format!("one of {}", words.join(", ")))?;
    let choice = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
    if choice.is_none() {
        let hint = hint(text, words.iter().copied());
        problems.note(
            span.start,
            format!("{key} must be one of {}, not {text:?}{hint}", words.join(", ")),
        );
    }
    choice
}

/// Reads every account; gives their names, those of wrong accounts too.
fn read_accounts(
    problems: &mut Problems<'_>,
    top: &Table<'_>,
    accounts: &mut Vec<Account>,
) -> Vec<String> {
    let mut names: Vec<(String, usize)> = Vec::new();
    let Some(value) = top.value("account") else { return Vec::new() };
    let what = "a list of tables: write [[account]] and its keys below, once for each account";
    let DeValue::Array(list) = value.get_ref() else {
        problems.note(value.span().start, wrong_type("account", what, value.get_ref()));
        return Vec::new();
    };
    for value in list.iter() {
        let DeValue::Table(table) = value.get_ref() else {
            problems.note(value.span().start, wrong_type("account", what, value.get_ref()));
            continue;
        };
        let table = Table::open(problems, table, value.span().start, Place::Account);
        let name = read_name(problems, &table);
        if let Some((name, span)) = &name {
            match names.iter().find(|(known, _)| known == name) {
                Some((_, first)) => problems.note(
                    span.start,
                    format!("the account {name:?} is already there on line {first}: give each a name of its own"),
                ),
                None => names.push((name.clone(), problems.line(span.start))),
            }
        }
        let uri = read_uri(problems, &table);
        let display_name =
            table.string(problems, "display_name", "a string").and_then(|(text, span)| {
                if text.chars().any(char::is_control) {
                    problems.note(
                        span.start,
                        "display_name cannot hold a line end or another control character"
                            .to_owned(),
                    );
                    return None;
                }
                Some(text.to_owned())
            });
        let servers = read_servers(problems, &table);
        let flow = flow::read(problems, &table);
        if let (Some((name, _)), Some(uri)) = (name, uri) {
            let display_name = display_name.unwrap_or_default();
            let credentials = read_credentials(problems, &table, &uri);
            accounts.push(Account {
                name,
                uri,
                display_name,
                servers,
                flow: Arc::new(flow),
                credentials,
            });
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
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
    let (text, span) = account.string(problems, "uri", WHAT)?;
    match text.parse::<UriBuf>() {
        Ok(uri) if matches!(uri.as_uri().scheme(), Scheme::Sip | Scheme::Sips) => Some(uri),
        Ok(_) => {
            problems.note(span.start, format!("uri must be {WHAT}, not {text:?}"));
            None
        }
        Err(error) => {
            problems.note(span.start, format!("uri must be {WHAT}, not {text:?}: {error}"));
            None
        }
    }
}

/// The user name (by default the URI's own) and the password, given here or by the name of an
/// environment variable.
fn read_credentials(
    problems: &mut Problems<'_>,
    account: &Table<'_>,
    uri: &UriBuf,
) -> Option<Arc<[Credentials]>> {
    let username = account.string(problems, "username", "a string");
    let given = account.string(problems, "password", "a string");
    let from_environment =
        account.string(problems, "password_env", "the name of an environment variable");
    let password = match (given, from_environment) {
        (Some(_), Some((_, span))) => {
            problems
                .note(span.start, "password and password_env say two things: keep one".to_owned());
            return None;
        }
        (Some((password, _)), None) => password.to_owned(),
        (None, Some((name, span))) => match std::env::var(name) {
            Ok(password) => password,
            Err(_) => {
                let problem = format!("password_env: the environment variable {name:?} is not set");
                problems.note(span.start, problem);
                return None;
            }
        },
        (None, None) => {
            if let Some((_, span)) = username {
                let problem = "username needs a password: add password or password_env".to_owned();
                problems.note(span.start, problem);
            }
            return None;
        }
    };
    let username = match username {
        Some((username, _)) => username,
        None => uri.as_uri().user().unwrap_or_default(),
    };
    Some(Arc::from([Credentials::new(username, password)]))
}

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

/// A minute: with it, a request without an answer fails after 64 minutes.
const MAX_T1_MS: u64 = 60_000;
const MAX_T2_MS: u64 = 600_000;
const MAX_T4_MS: u64 = 600_000;
