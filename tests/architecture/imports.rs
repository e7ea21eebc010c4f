//! Paths that start at the crate's root, and the floors that they may reach.

use crate::tokens::{Token, tokens};

/// Each top-level module, and the ones that it may import.
const FLOORS: &[(&str, &[&str])] = &[
    ("outlet", &[]),
    ("sip", &[]),
    ("transport", &["sip"]),
    ("engine", &["transport", "sip"]),
    ("demo", &["transport", "sip"]),
    ("config", &["engine", "transport", "sip"]),
    ("ui", &["engine", "outlet", "transport", "sip"]),
    ("headless", &["engine", "outlet", "transport", "sip"]),
    ("cli", &["ui", "headless", "config", "demo", "engine", "outlet", "transport", "sip"]),
];

/// Every path from the crate's root that the module's floor may not take, as `line: what`.
pub fn imports_that_point_up(module: &[String], source: &str) -> Vec<String> {
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
pub fn first_segments(tokens: &[Token], at: usize, found: &mut Vec<(usize, String)>) {
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

/// Whether a token cannot be the segment before a `::`, so that a path begins after it.
fn is_not_name(text: &str) -> bool {
    matches!(
        text,
        "use" | "in" | "return" | "as" | "dyn" | "impl" | "mut" | "else" | "match" | "if"
    ) || !text.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}
