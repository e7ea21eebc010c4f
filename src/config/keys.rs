//! `[keys]`: other keys for the dashboard's actions. What scopes, actions and keys there are the
//! dashboard knows: here they are text, each with its place in the file.

use toml::de::DeValue;

use crate::config::{
    Problem,
    table::{Problems, Table, wrong_type},
};

/// The keys of one action, as the file writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Where they hold: the part behind the dot in `[keys.browse]`.
    pub scope: String,
    /// What they do.
    pub action: String,
    /// The keys; none takes the action's keys away.
    pub keys: Vec<String>,
    /// Where the action stands in the file; its message is empty.
    pub place: Problem,
}

/// Reads the keys, in the order of the file.
pub(super) fn read(problems: &mut Problems<'_>, top: &Table<'_>) -> Vec<Keys> {
    const SCOPES: &str = "a table of scopes: write [keys.browse] and its actions below";
    const KEYS: &str = "a key such as \"ctrl-s\", or a list of them";
    let Some(value) = top.value("keys") else { return Vec::new() };
    let DeValue::Table(scopes) = value.get_ref() else {
        problems.note(value.span().start, wrong_type("keys", SCOPES, value.get_ref()));
        return Vec::new();
    };
    let mut found = Vec::new();
    for (scope, actions) in scopes {
        let DeValue::Table(actions) = actions.get_ref() else {
            problems
                .note(actions.span().start, wrong_type(scope.get_ref(), SCOPES, actions.get_ref()));
            continue;
        };
        for (action, value) in actions {
            let members = match value.get_ref() {
                DeValue::Array(list) => list.iter().collect(),
                _ => vec![value],
            };
            let mut keys = Vec::new();
            for member in members {
                match member.get_ref() {
                    DeValue::String(text) => keys.push(text.to_string()),
                    other => {
                        let what = wrong_type(action.get_ref(), KEYS, other);
                        problems.note(member.span().start, what);
                    }
                }
            }
            let start = action.span().start;
            let (scope, action) = (scope.get_ref().to_string(), action.get_ref().to_string());
            found.push((start, Keys { scope, action, keys, place: problems.place(start) }));
        }
    }
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, keys)| keys).collect()
}
