//! What `sipboard send --json` told, in words that a test can compare.

use serde_json::Value;

use crate::cli_support::{Home, Ran, finish};

/// A finished `sipboard send --json`.
pub struct Story {
    ran: Ran,
    lines: Vec<Value>,
    words: Vec<String>,
}

impl Story {
    /// Runs it to its end, with `alice-pw` in the environment as `PEER_PASSWORD`.
    pub fn of(args: &[&str]) -> Story {
        let home = Home::new();
        let mut all = vec!["send", "--json"];
        all.extend(args);
        let mut command = home.command(&all);
        command.env("PEER_PASSWORD", "alice-pw");
        let ran = finish(command.spawn().expect("the binary can be started"));
        let lines = ran.json();
        let words = lines.iter().map(words).collect();
        Story { ran, lines, words }
    }

    /// The exit status is this one, and lines that begin with these words are among what was told,
    /// in this order.
    #[track_caller]
    pub fn is(&self, code: i32, wanted: &[&str]) {
        assert_eq!(self.ran.code, Some(code), "{}", self.text());
        let mut rest = self.words.iter();
        for want in wanted {
            let found = rest.any(|words| {
                words
                    .strip_prefix(want)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            });
            assert!(found, "{want:?} is missing, or not in its place:\n{}", self.text());
        }
        assert!(self.ran.err.is_empty(), "{}", self.text());
    }

    /// How many lines begin with these words.
    pub fn count(&self, words: &str) -> usize {
        self.words.iter().filter(|line| line.starts_with(words)).count()
    }

    /// The lines of one event.
    pub fn events<'s>(&'s self, event: &'s str) -> impl Iterator<Item = &'s Value> {
        self.lines.iter().filter(move |line| line["event"] == event)
    }

    /// All of it, for a test that fails.
    pub fn text(&self) -> String {
        format!("exit status {:?}\n{}{}", self.ran.code, self.ran.out, self.ran.err)
    }
}

/// The event, and its method, status and cause where it has them.
fn words(line: &Value) -> String {
    let fields = ["event", "method", "status", "cause"].map(|key| match &line[key] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    fields.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
