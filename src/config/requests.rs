//! What a config file says of requests: variables in their texts, and which of the peer's are
//! answered by hand.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Spanned, de::DeValue};

use crate::{
    config::table::{Problems, Table, wrong_type},
    engine::{BUILT_IN, Variables},
    sip::Method,
};

/// Reads `[variables]`.
pub(super) fn variables(problems: &mut Problems<'_>, top: &Table<'_>) -> Variables {
    const WHAT: &str = "a table: write [variables] and name = \"value\" below";
    let nothing = Variables::default().without_passwords(password_variables(top));
    let Some(value) = top.value("variables") else { return nothing };
    let DeValue::Table(table) = value.get_ref() else {
        problems.note(value.span().start, wrong_type("variables", WHAT, value.get_ref()));
        return nothing;
    };
    let mut own = BTreeMap::new();
    for (name, value) in table.iter() {
        let text = name.get_ref().as_ref();
        let is_name =
            text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let is_taken = BUILT_IN.iter().any(|(known, _)| known.split(' ').next() == Some(text));
        match value.get_ref() {
            _ if !is_name => problems.note(
                name.span().start,
                format!("variables: {text:?} is not a name of letters, digits and -_."),
            ),
            _ if is_taken => problems.note(
                name.span().start,
                format!("variables: {{{{{text}}}}} means something already: take another name"),
            ),
            DeValue::String(value) => _ = own.insert(text.to_owned(), value.to_string()),
            other => problems.note(value.span().start, wrong_type(text, "a string", other)),
        }
    }
    Variables::new(own).without_passwords(password_variables(top))
}

/// The environment variables that `password_env` names in the accounts.
fn password_variables(top: &Table<'_>) -> BTreeSet<String> {
    let accounts = top.value("account").map(|value| value.get_ref());
    let Some(DeValue::Array(accounts)) = accounts else { return BTreeSet::new() };
    let name =
        |account: &Spanned<DeValue<'_>>| match account.get_ref().get("password_env")?.get_ref() {
            DeValue::String(name) => Some(name.to_string()),
            _ => None,
        };
    accounts.iter().filter_map(name).collect()
}

/// Reads `answer_by_hand`.
pub(super) fn by_hand(problems: &mut Problems<'_>, top: &Table<'_>) -> Vec<Method> {
    const WHAT: &str = "a list of methods, such as [\"INFO\", \"BYE\"]";
    let Some(value) = top.value("answer_by_hand") else { return Vec::new() };
    let DeValue::Array(list) = value.get_ref() else {
        problems.note(value.span().start, wrong_type("answer_by_hand", WHAT, value.get_ref()));
        return Vec::new();
    };
    let mut methods = Vec::new();
    for value in list.iter() {
        let offset = value.span().start;
        let DeValue::String(text) = value.get_ref() else {
            problems.note(offset, wrong_type("answer_by_hand", WHAT, value.get_ref()));
            continue;
        };
        match text.parse::<Method>() {
            Ok(Method::Ack | Method::Cancel) => {
                problems.note(offset, format!("answer_by_hand: {text} is never answered by a user"))
            }
            Ok(method) => methods.push(method),
            Err(error) => problems.note(offset, format!("answer_by_hand: {error}")),
        }
    }
    methods
}

#[cfg(test)]
mod tests {
    use crate::{config::parse, engine::Values, sip::Method};

    #[test]
    fn variables_and_methods_are_read() {
        let text = "answer_by_hand = [\"INFO\", \"BYE\"]\n[variables]\nteam = \"blue\"\n";
        let config = parse(text).unwrap();
        assert_eq!(config.settings.sip.by_hand, [Method::Info, Method::Bye]);
        let written = config.variables.expand("{{team}}", &mut Values::new(1));
        assert_eq!(written.unwrap(), "blue");
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        for (text, line, word) in [
            ("variables = 1", 1, "[variables]"),
            ("[variables]\nuuid = \"x\"", 2, "already"),
            ("[variables]\n\"a b\" = \"x\"", 2, "not a name"),
            ("[variables]\na = 1", 2, "a string"),
            ("answer_by_hand = \"INFO\"", 1, "a list"),
            ("answer_by_hand = [1]", 1, "a list"),
            ("answer_by_hand = [\"ACK\"]", 1, "never answered"),
            ("answer_by_hand = [\"a b\"]", 1, "method"),
        ] {
            let problems = parse(text).unwrap_err();
            assert_eq!(problems[0].line, line, "{text}");
            assert!(problems[0].message.contains(word), "{text}: {}", problems[0].message);
        }
    }
}
