//! The floors: imports point down only, and `sip` has no I/O, no clock and no randomness.
//!
//! The source is read as tokens, so that comments, strings and formatting change nothing. Every
//! path that starts at the crate's root is looked at, wherever it stands: in a `use`, nested in
//! braces, in an expression, or climbed to with `super`.

#[path = "architecture/tokens.rs"]
mod tokens;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use tokens::{Token, tokens};

/// Each top-level module, and the ones that it may import.
const FLOORS: &[(&str, &[&str])] = &[
    ("sip", &[]),
    ("transport", &["sip"]),
    ("engine", &["transport", "sip"]),
    ("demo", &["transport", "sip"]),
    ("config", &["engine", "transport", "sip"]),
    ("ui", &["engine", "transport", "sip"]),
    ("headless", &["engine", "transport", "sip"]),
    ("cli", &["ui", "headless", "config", "demo", "engine", "transport", "sip"]),
];

#[test]
fn imports_point_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut floors = BTreeSet::new();
    let mut problems = Vec::new();
    for file in rust_files(&root) {
        let module = module_path(&root, &file);
        // `lib.rs` and `main.rs` stand above all floors.
        let Some(floor) = module.first() else { continue };
        floors.insert(floor.clone());
        let source = fs::read_to_string(&file).expect("a source file can be read");
        for problem in imports_that_point_up(&module, &source) {
            problems.push(format!("{}:{problem}", file.display()));
        }
    }
    assert!(floors.contains("sip") && floors.contains("engine"), "nothing was looked at");
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn sip_has_no_io_no_clock_and_no_randomness() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&root.join("sip"));
    assert!(files.len() > 10, "nothing was looked at");
    let tests: BTreeSet<PathBuf> = files.iter().flat_map(|file| test_files(file)).collect();
    let mut problems = Vec::new();
    for file in &files {
        if tests.iter().any(|test| file == test || file.starts_with(test.with_extension(""))) {
            continue;
        }
        let source = fs::read_to_string(file).expect("a source file can be read");
        for problem in impurities(&source) {
            problems.push(format!("{}:{problem}", file.display()));
        }
    }
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn an_import_that_points_up_is_found_however_it_is_written() {
    for (module, source) in [
        ("sip", "use crate::engine::Event;"),
        ("sip::header::via", "use crate::{sip::Uri, transport};"),
        ("sip", "use crate::{sip::{Uri, Method}, ui::{self, view}};"),
        ("sip", "fn f() { crate :: engine\n::Engine::start() }"),
        ("sip::uri", "use super::super::engine::Event;"),
        ("sip::uri", "mod tests { use super::super::super::engine; }"),
        ("sip", "mod tests { fn f() { super::super::demo::start() } }"),
        ("transport", "pub(crate) use crate::engine as e;"),
        ("transport", "use ::sipboard::engine::Command;"),
        ("transport", "use sipboard::demo;"),
        ("engine", "use crate::headless::run;"),
        ("engine", "type X = <crate::ui::Model as Y>::Z;"),
        ("demo", "use crate::engine::Account;"),
        ("headless", "use crate::ui::view;"),
        ("headless", "use crate::config::Config;"),
        ("ui", "use crate::cli;"),
        ("config", "use crate::*;"),
        ("config", "use crate::{engine, *};"),
        ("config", "use crate as everything;"),
        ("config", "use super::*;"),
        ("config", "pub(in crate::cli) fn f() {}"),
        ("sip", "/* /* nested */ */ use crate::engine;"),
        ("sip", "const C: char = '\\''; use crate::engine; const D: char = '\"';"),
        ("sip", "fn f<'a>(x: &'a str) { crate::engine::f(x) }"),
        ("sip", "const S: &str = r#\"a\" // \"#; use crate::engine;"),
        ("sip", "use crate::r#engine;"),
        ("nowhere", "use crate::sip;"),
    ] {
        let module: Vec<String> = module.split("::").map(str::to_owned).collect();
        assert!(!imports_that_point_up(&module, source).is_empty(), "{module:?}: {source}");
    }
}

#[test]
fn an_import_that_points_down_is_let_through() {
    for (module, source) in [
        ("sip", "use crate::sip::Uri; use std::fmt; // use crate::engine"),
        ("sip", "const S: &str = \"use crate::engine;\"; /* crate::ui */"),
        ("sip::header::via", "use super::super::uri; use super::{name, params};"),
        ("sip::uri", "mod tests { use super::*; use super::super::Method; }"),
        ("sip", "pub(crate) fn engine() {} fn f() { engine::x() }"),
        ("engine", "use crate::{sip::{self, Uri}, transport::ServerUri};"),
        ("ui", "fn f() { crate::engine::Engine::start(x) }"),
        ("cli", "use crate::{ui, headless, config, demo};"),
        ("sip", "macro_rules! m { () => { $crate::sip::Uri } }"),
    ] {
        let module: Vec<String> = module.split("::").map(str::to_owned).collect();
        assert_eq!(imports_that_point_up(&module, source), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn what_sip_must_not_touch_is_found_however_it_is_written() {
    for source in [
        "use tokio::time::sleep;",
        "use std::net::UdpSocket;",
        "use std::{fmt, net::{SocketAddr, TcpStream}};",
        "use std::net;",
        "use std::net::*;",
        "use std::net as n;",
        "fn f() { let now = Instant::now(); }",
        "fn f() { std::time::Instant :: now() }",
        "use std::time::Instant as I; fn f() -> I { I::now() }",
        "let clock: fn() -> Instant = Instant::now;",
        "fn f(at: Instant) { at.elapsed() }",
        "use std::time::{Duration, SystemTime};",
        "fn f() { std::time::UNIX_EPOCH }",
        "use jiff::Timestamp;",
        "fn f() { rand::rng() }",
        "use rand::{Rng, rng};",
        "fn f() -> u32 { rand::random() }",
        "fn f() { rand::rngs::SysRng }",
        "use rand::rngs::{StdRng, ThreadRng};",
        "fn f() { rand::make_rng() }",
        "fn f() { getrandom::fill(&mut x) }",
        "use std::thread;",
        "use std::fs::File;",
        "fn f() { std::env::var(x) }",
        "use std::{fmt, env};",
        "use rand as r;",
        "use ::std::net::{self, SocketAddr};",
        "fn f() { println!(\"x\") }",
        "#[cfg(test)] mod tests { fn f() {} } use tokio::spawn;",
        "#[cfg(not(test))] mod real { use tokio::spawn; }",
        "static S: RandomState = RandomState::new();",
    ] {
        assert!(!impurities(source).is_empty(), "{source}");
    }
}

#[test]
fn what_sip_may_use_is_let_through() {
    for source in [
        "use std::{net::{IpAddr, SocketAddr}, time::{Duration, Instant}};",
        "use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6, AddrParseError};",
        "fn f(now: Instant) { let rng = StdRng::seed_from_u64(1); }",
        "use rand::{Rng, SeedableRng, rngs::StdRng};",
        "// tokio::spawn and Instant::now()\nconst S: &str = \"std::net::UdpSocket\";",
        "#[cfg(test)] mod tests { use super::*; fn f() { Instant::now() } }",
        "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;",
        "#[test] fn f() {}",
        "const V: &str = env!(\"CARGO_PKG_VERSION\");",
        "fn f(mut rng: StdRng) -> u64 { self.rng().random() + rng.random_range(0..2) }",
        "fn thread() {} fn f() { self.process.env() }",
        "use std::{collections::HashMap, collections::VecDeque};",
    ] {
        assert_eq!(impurities(source), Vec::<String>::new(), "{source}");
    }
}

/// Every path from the crate's root that the module's floor may not take, as `line: what`.
fn imports_that_point_up(module: &[String], source: &str) -> Vec<String> {
    let floor = &module[0];
    let Some((_, below)) = FLOORS.iter().find(|(name, _)| name == floor) else {
        return vec![format!("1: {floor} has no floor yet: add it to FLOORS")];
    };
    let mut problems = Vec::new();
    for (line, target) in paths_from_root(module, &tokens(source)) {
        if target != *floor && !below.contains(&&*target) {
            problems.push(format!("{line}: {floor} must not import {target}"));
        }
    }
    problems
}

/// The first segment of every path that starts at the crate's root, with its line.
fn paths_from_root(module: &[String], tokens: &[Token]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    // For each open brace, whether it is that of an inline module.
    let mut braces = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let previous = |back: usize| index.checked_sub(back).map(|at| &*tokens[at].text);
        match &*token.text {
            "{" => braces.push(previous(2) == Some("mod")),
            "}" => {
                braces.pop();
            }
            // `pub(crate)` names no path; `crate as x` and `crate::*` reach for everything.
            "crate" | "sipboard"
                if previous(1) != Some("::") || previous(2).is_none_or(is_not_name) =>
            {
                let next = tokens.get(index + 1).map(|next| &*next.text);
                match next {
                    Some("::") => first_segments(tokens, index + 2, &mut found),
                    Some("as" | ";") => found.push((token.line, "everything".to_owned())),
                    _ => {}
                }
            }
            "super" if previous(1) != Some("::") => {
                let mut end = index + 1;
                let mut climbed = 1;
                while tokens.get(end).is_some_and(|t| t.text == "::")
                    && tokens.get(end + 1).is_some_and(|t| t.text == "super")
                {
                    (climbed, end) = (climbed + 1, end + 2);
                }
                let depth = module.len() + braces.iter().filter(|inline| **inline).count();
                if climbed >= depth && tokens.get(end).is_some_and(|t| t.text == "::") {
                    first_segments(tokens, end + 1, &mut found);
                }
            }
            _ => {}
        }
    }
    found
}

/// The name at a place, or each first name in the braces there.
fn first_segments(tokens: &[Token], at: usize, found: &mut Vec<(usize, String)>) {
    let Some(token) = tokens.get(at) else { return };
    if token.text != "{" {
        return found.push((token.line, token.text.trim_start_matches("r#").to_owned()));
    }
    let (mut depth, mut index, mut first) = (1, at + 1, true);
    while let Some(token) = tokens.get(index).filter(|_| depth > 0) {
        match &*token.text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => first = true,
            name if depth == 1 && first => {
                found.push((token.line, name.trim_start_matches("r#").to_owned()));
                first = false;
            }
            _ => {}
        }
        index += 1;
    }
}

/// Everything that sans-I/O code must not touch, as `line: what`. Test modules are passed over.
fn impurities(source: &str) -> Vec<String> {
    let tokens = without_tests(tokens(source));
    let mut problems = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let text = |at: usize| tokens.get(at).map_or("", |token| &*token.text);
        let previous = index.checked_sub(1).map_or("", text);
        let (name, next) = (&*token.text, text(index + 1));
        let bad = FORBIDDEN.contains(&name)
            // Any `…::now`, whatever name the clock goes by, and the clock within `elapsed`.
            || (name == "now" && previous == "::")
            || (name == "elapsed" && previous == ".")
            || (PRINTING.contains(&name) && next == "!")
            || (STD_MODULES.contains(&name) && of_crate(&tokens, index, "std"))
            || (RAND_SOURCES.contains(&name) && of_crate(&tokens, index, "rand"))
            || (name == "rand" && next == "as");
        if bad {
            problems.push(format!("{}: sip must not touch {name}", token.line));
        }
        // `net` as a path segment of std: only addresses may follow.
        if name == "net" && of_crate(&tokens, index, "std") {
            let mut segments = Vec::new();
            if next == "::" {
                first_segments(&tokens, index + 2, &mut segments);
            } else {
                segments.push((token.line, "net".to_owned()));
            }
            for (line, segment) in segments {
                if !ADDRESSES.contains(&&*segment) {
                    problems.push(format!("{line}: sip must not touch std::net::{segment}"));
                }
            }
        }
    }
    problems
}

/// Whether a name is one of that crate's: it follows it in a path, or stands in a `use` of it.
fn of_crate(tokens: &[Token], index: usize, krate: &str) -> bool {
    let text = |back: usize| index.checked_sub(back).map_or("", |at| &*tokens[at].text);
    if text(1) == "::" && text(2) == krate {
        return true;
    }
    let start = tokens[..index].iter().rposition(|t| t.text == ";" || t.text == "use");
    start.is_some_and(|at| {
        let first = tokens[at + 1..].iter().find(|t| t.text != "::");
        tokens[at].text == "use" && first.is_some_and(|t| t.text == krate)
    })
}

/// Without the modules that only tests have.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut index = 0;
    while index < tokens.len() {
        match test_item(&tokens, index) {
            Some(item) => index = item.end,
            None => {
                kept.push(tokens[index].clone());
                index += 1;
            }
        }
    }
    kept
}

/// A module under `#[cfg(test)]`.
struct TestItem {
    name: String,
    /// Whether its body is in a file of its own.
    in_file: bool,
    end: usize,
}

/// The test module that begins at a place with its `#[cfg(test)]`.
fn test_item(tokens: &[Token], start: usize) -> Option<TestItem> {
    let text = |at: usize| tokens.get(at).map_or("", |token| &*token.text);
    let cfg = ["#", "[", "cfg", "(", "test", ")", "]"];
    if !cfg.iter().enumerate().all(|(offset, want)| text(start + offset) == *want) {
        return None;
    }
    let mut at = start + cfg.len();
    // Further attributes.
    while text(at) == "#" {
        at += tokens[at..].iter().position(|t| t.text == "]")? + 1;
    }
    while matches!(text(at), "pub" | "(" | "crate" | "super" | ")") {
        at += 1;
    }
    if text(at) != "mod" {
        return None;
    }
    let name = text(at + 1).to_owned();
    if text(at + 2) == ";" {
        return Some(TestItem { name, in_file: true, end: at + 3 });
    }
    let mut depth = 0;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match &*token.text {
            "{" => depth += 1,
            "}" if depth == 1 => {
                return Some(TestItem { name, in_file: false, end: at + offset + 1 });
            }
            "}" => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The files of the test modules that a file declares: `dir/name.rs`, which also names
/// `dir/name/` by its stem.
fn test_files(file: &Path) -> Vec<PathBuf> {
    let source = fs::read_to_string(file).expect("a source file can be read");
    let tokens = tokens(&source);
    let is_root = file.file_name().is_some_and(|name| name == "mod.rs");
    let folder = if is_root {
        file.parent().expect("a file is in a folder").to_owned()
    } else {
        file.with_extension("")
    };
    (0..tokens.len())
        .filter_map(|at| test_item(&tokens, at).filter(|item| item.in_file))
        .map(|item| folder.join(item.name).with_extension("rs"))
        .collect()
}

/// Whether a token cannot be the segment before a `::`, so that a path begins after it.
fn is_not_name(text: &str) -> bool {
    matches!(
        text,
        "use" | "in" | "return" | "as" | "dyn" | "impl" | "mut" | "else" | "match" | "if"
    ) || !text.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// `src/sip/header/via.rs` is `sip::header::via`; `lib.rs` and `main.rs` are the root.
fn module_path(root: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(root).expect("the file is below the root").with_extension("");
    let mut path: Vec<String> =
        relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|name| matches!(&**name, "mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

/// What of `std::net` is only data.
const ADDRESSES: &[&str] = &[
    "AddrParseError",
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "SocketAddr",
    "SocketAddrV4",
    "SocketAddrV6",
];

/// Names that mean I/O, a clock or randomness wherever they stand.
const FORBIDDEN: &[&str] = &[
    // I/O and runtimes.
    "tokio",
    "tokio_tungstenite",
    "tungstenite",
    "crossterm",
    "ratatui",
    "socket2",
    "mio",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "ToSocketAddrs",
    "stdin",
    "stdout",
    "stderr",
    // Clocks.
    "SystemTime",
    "UNIX_EPOCH",
    "jiff",
    "chrono",
    // Randomness of its own.
    "thread_rng",
    "ThreadRng",
    "OsRng",
    "SysRng",
    "getrandom",
    "from_os_rng",
    "try_from_os_rng",
    "from_entropy",
    "make_rng",
    "RandomState",
    "DefaultHasher",
];

/// Modules of `std` that reach out of the program.
const STD_MODULES: &[&str] = &["env", "fs", "os", "process", "thread"];

/// Functions of `rand` that draw from the system or the thread.
const RAND_SOURCES: &[&str] = &["random", "random_bool", "random_iter", "random_range", "rng"];

const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];
