//! What sans-I/O code must not touch, and which modules only tests have.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    imports::first_segments,
    tokens::{Token, tokens},
};

/// Everything that sans-I/O code must not touch, as `line: what`. Test modules are passed over.
pub fn impurities(source: &str) -> Vec<String> {
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
pub fn test_files(file: &Path) -> Vec<PathBuf> {
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
