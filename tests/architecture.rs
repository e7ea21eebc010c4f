//! The floors: imports point down only, and `sip` has no I/O, no clock and no randomness.
//!
//! The source is read as tokens, so that comments, strings and formatting change nothing. Every
//! path that starts at the crate's root is looked at, wherever it stands: in a `use`, nested in
//! braces, in an expression, or climbed to with `super`.

#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/purity.rs"]
mod purity;
#[path = "architecture/tokens.rs"]
mod tokens;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use imports::imports_that_point_up;
use purity::{impurities, test_files};

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
