//! Completion: what could stand where the cursor is.

use super::{fields::Fields, known, slot::Slot};
use crate::{
    engine::{BUILT_IN, Variables},
    sip::{HeaderName, Method},
    ui::detail::explain,
};

/// How many candidates are kept.
const MOST: usize = 8;

/// Something that could stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The text that takes the place of what is typed of it.
    pub text: String,
    /// How many characters before the cursor it takes the place of.
    pub replaces: usize,
    /// What it is; may be empty.
    pub meaning: String,
}

/// What could stand where the cursor is in a field, the likeliest first.
pub(super) fn candidates(
    fields: &Fields,
    slot: Slot,
    targets: &[&str],
    variables: &Variables,
) -> Vec<Candidate> {
    let Some((before, after)) = fields.around_cursor(slot) else { return Vec::new() };
    if let Some(open) = before.rfind("{{").filter(|open| !before[*open..].contains("}}")) {
        return names(&before[open + 2..], after, variables);
    }
    // In the middle of something nothing is offered.
    if !after.is_empty() {
        return Vec::new();
    }
    match slot {
        Slot::Method => methods(before),
        Slot::Target | Slot::To | Slot::From | Slot::Routes => {
            let wanted = before.trim_start();
            // What is whole needs no more, though something else goes on from it.
            if targets.contains(&wanted) {
                return Vec::new();
            }
            let bare = |target: &str| target.split_once(':').map(|(_, rest)| rest.to_owned());
            let fits = targets.iter().filter(|target| {
                is_start(wanted, target) || bare(target).is_some_and(|bare| is_start(wanted, &bare))
            });
            finish(wanted, fits.map(|target| ((*target).to_owned(), String::new())))
        }
        Slot::ContentType => plain(before, known::values(HeaderName::ContentType)),
        Slot::Headers => match before.split_once(':') {
            None => headers(before.trim_start_matches(['#', ' '])),
            Some((name, value)) => header_values(name.trim_start_matches(['#', ' ']), value),
        },
        _ => Vec::new(),
    }
}

/// The variables, inside braces.
fn names(typed: &str, after: &str, variables: &Variables) -> Vec<Candidate> {
    let close = if after.starts_with("}}") { "" } else { "}}" };
    let own = variables.names().map(|name| (name, "of the config file"));
    let all = BUILT_IN.iter().copied().chain(own);
    let fits = all.filter(|(name, _)| name.starts_with(typed) && *name != typed);
    finish(typed, fits.map(|(name, meaning)| (format!("{name}{close}"), meaning.to_owned())))
}

fn methods(before: &str) -> Vec<Candidate> {
    let wanted = before.trim_start();
    let offered = Method::KNOWN
        .iter()
        .filter(|method| !matches!(method, Method::Ack | Method::Cancel | Method::Prack));
    let fits = offered.filter(|method| is_start(wanted, method.as_str()));
    let word = |method: &Method| known::method(method).unwrap_or_default().to_owned();
    finish(wanted, fits.map(|method| (method.as_str().to_owned(), word(method))))
}

fn headers(wanted: &str) -> Vec<Candidate> {
    let fits = known::HEADERS.iter().filter(|name| is_start(wanted, name.as_str()));
    let word = |name: HeaderName| {
        explain::meaning(name)
            .map(|meaning| format!("{} ({})", meaning.sentence, meaning.section))
            .unwrap_or_default()
    };
    finish(wanted, fits.map(|name| (format!("{name}: "), word(*name))))
}

fn header_values(name: &str, value: &str) -> Vec<Candidate> {
    let name = HeaderName::from_bytes(name.trim().as_bytes());
    let (before, wanted) = match value.rsplit_once(',') {
        Some(split) if known::is_list(name) => split,
        Some(_) => return Vec::new(),
        None => ("", value),
    };
    // What is in the list already is not wanted twice.
    let is_there = |value: &str| before.split(',').any(|it| it.trim().eq_ignore_ascii_case(value));
    let values: Vec<&str> =
        known::values(name).iter().copied().filter(|value| !is_there(value)).collect();
    plain(wanted, &values)
}

fn plain(before: &str, values: &[&str]) -> Vec<Candidate> {
    let wanted = before.trim_start();
    let fits = values.iter().filter(|value| is_start(wanted, value));
    finish(wanted, fits.map(|value| ((*value).to_owned(), String::new())))
}

/// Whether a text begins as typed, and goes on.
fn is_start(typed: &str, text: &str) -> bool {
    text.len() > typed.len()
        && text.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed))
}

fn finish(typed: &str, found: impl Iterator<Item = (String, String)>) -> Vec<Candidate> {
    let replaces = typed.chars().count();
    let candidate = |(text, meaning)| Candidate { text, replaces, meaning };
    found.take(MOST).map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn offered(slot: Slot, typed: &str) -> Vec<String> {
        let mut fields = Fields::new();
        fields.set(slot, typed);
        let variables = Variables::new(BTreeMap::from([("team".into(), "x".into())]));
        let targets = ["sip:ring@demo.test", "ring", "redirect", "answer"];
        let found = candidates(&fields, slot, &targets, &variables);
        found.into_iter().map(|candidate| candidate.text).collect()
    }

    #[test]
    fn what_is_typed_is_completed_where_it_stands() {
        for (slot, typed, first) in [
            (Slot::Target, "ri", Some("sip:ring@demo.test")),
            (Slot::Target, "re", Some("redirect")),
            (Slot::Target, "ring@demo.test", None),
            (Slot::Target, "ring", None),
            (Slot::Method, "in", Some("INVITE")),
            (Slot::Method, "INVITE", None),
            (Slot::Headers, "sub", Some("Subject: ")),
            (Slot::Headers, "# sub", Some("Subject: ")),
            (Slot::Headers, "Supported: 100rel, ti", Some("timer")),
            (Slot::Headers, "Supported: TIMER, 100rel, ti", None),
            (Slot::Headers, "event:", Some("presence")),
            (Slot::Headers, "X-Own: a", None),
            (Slot::ContentType, "application/s", Some("application/sdp")),
            (Slot::Body, "x {{te", Some("team}}")),
            (Slot::Body, "x {{", Some("uuid}}")),
            (Slot::Body, "x {{team}} y", None),
            (Slot::Body, "text", None),
        ] {
            assert_eq!(offered(slot, typed).first().map(String::as_str), first, "{slot:?} {typed}");
        }
    }
}
