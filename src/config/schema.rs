//! The keys that a config file can hold, and how each is read.

use std::{net::SocketAddr, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    config::{
        Config, Problem, account, columns, impair, keys, limits, log, requests,
        table::{Problems, Table, wrong_type},
        ui,
    },
    sip::{self, ExtraLegs, Redirects},
    transport::dns_server,
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
    /// `[impair]`
    Impair,
    /// `[limits]`
    Limits,
    /// `[log]`
    Log,
    /// `[resolver]`
    Resolver,
    /// `[table]`
    Table,
    /// `[timers]`
    Timers,
    /// `[ui]`
    Ui,
    /// `[[account]]`
    Account,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 9] = [
        Place::Top,
        Place::Impair,
        Place::Limits,
        Place::Log,
        Place::Resolver,
        Place::Table,
        Place::Timers,
        Place::Ui,
        Place::Account,
    ];

    /// As it is written in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Place::Top => "the top of the file",
            Place::Resolver => "[resolver]",
            Place::Impair => "[impair]",
            Place::Limits => "[limits]",
            Place::Log => "[log]",
            Place::Table => "[table]",
            Place::Timers => "[timers]",
            Place::Ui => "[ui]",
            Place::Account => "[[account]]",
        }
    }

    /// The keys that can stand in it.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Place::Top => &[
                "account",
                "answer_by_hand",
                "contact_as_seen",
                "default_account",
                "extra_legs",
                "impair",
                "keys",
                "limits",
                "log",
                "mouse",
                "redirects",
                "reliable_provisionals",
                "resolver",
                "table",
                "timers",
                "udp_max_bytes",
                "ui",
                "variables",
            ],
            Place::Resolver => &["server"],
            Place::Impair => &["rules", "seed"],
            Place::Limits => &[
                "max_headers",
                "max_line_bytes",
                "max_message_bytes",
                "max_nesting",
                "max_parameters",
            ],
            Place::Log => &["file", "level"],
            Place::Table => &["columns"],
            Place::Timers => &["t1_ms", "t2_ms", "t4_ms"],
            Place::Ui => &["ascii", "notify", "notify_on", "theme"],
            Place::Account => &[
                "bind",
                "ca_file",
                "cert_file",
                "display_name",
                "expires",
                "gruu",
                "headers",
                "insecure",
                "keep_alive",
                "keep_alive_answered",
                "key_file",
                "name",
                "outbound_proxy",
                "password",
                "password_command",
                "password_env",
                "register",
                "server",
                "server_name",
                "uri",
                "user_agent",
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
pub fn hint<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
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
    config.log = log::read(&mut problems, &top);
    config.ui = ui::read(&mut problems, &top);
    config.columns = columns::read(&mut problems, &top);
    config.keys = keys::read(&mut problems, &top);
    config.settings.resolver = read_resolver(&mut problems, &top);
    config.settings.impair = impair::read(&mut problems, &top);
    config.variables = requests::variables(&mut problems, &top);
    config.settings.sip.by_hand = requests::by_hand(&mut problems, &top);
    config.settings.sip.limits = limits::read(&mut problems, &top);
    read_timers(&mut problems, &top, &mut config.settings.sip);
    read_calls(&mut problems, &top, &mut config.settings.sip);
    let account::Accounts { accounts, names, holds_password } = account::read(&mut problems, &top);
    config.accounts = accounts;
    config.holds_password = holds_password;
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

/// The line on which a key of an account stands.
pub(super) fn line_of(text: &str, account: &str, key: &str) -> Option<usize> {
    let (document, _) = DeTable::parse_recoverable(text);
    let DeValue::Array(accounts) = document.get_ref().get("account")?.get_ref() else {
        return None;
    };
    let has_name = |table: &DeTable<'_>| {
        let name = table.get("name").map(Spanned::get_ref);
        matches!(name, Some(DeValue::String(name)) if name == account)
    };
    let tables = accounts.iter().filter_map(|value| match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    });
    let offset = tables.into_iter().find(|table| has_name(table))?.get(key)?.span().start;
    Some(Problem::at(text, offset, String::new()).line)
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
    if let Some(as_seen) = top.boolean(problems, "contact_as_seen") {
        settings.contact_as_seen = as_seen;
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
pub(super) fn read_choice<T: Copy>(
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

/// A minute: with it, a request without an answer fails after 64 minutes.
const MAX_T1_MS: u64 = 60_000;
const MAX_T2_MS: u64 = 600_000;
const MAX_T4_MS: u64 = 600_000;
