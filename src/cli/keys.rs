//! `[keys]`: what the config file says of keys, held against those of the dashboard.

use std::{fmt::Write, path::PathBuf};

use crate::{
    config::{Config, Invalid, Keys, LoadError, Problem, schema},
    ui::bindings::{Bindings, RebindError, Rebinding, Scope},
};

/// The dashboard's keys, with those that the file names.
///
/// # Errors
///
/// Every name and key that does not fit, with its place in the file.
pub(super) fn bindings(config: &Config, path: Option<PathBuf>) -> Result<Bindings, LoadError> {
    let wanted: Vec<Rebinding<'_>> = config
        .keys
        .iter()
        .map(|it| Rebinding { scope: &it.scope, action: &it.action, keys: &it.keys })
        .collect();
    let hint = |name: &str, known: &[&str]| schema::hint(name, known.iter().copied());
    Bindings::default().rebind(&wanted, hint).map_err(|errors| {
        let problem = |(place, error): (usize, RebindError)| {
            let wanted: &Keys = &config.keys[place];
            Problem { message: format!("keys: {error}"), ..wanted.place.clone() }
        };
        let problems = errors.into_iter().map(problem).collect();
        Invalid { path: path.unwrap_or_default(), problems }.into()
    })
}

/// Every action and its keys, as a config file would name them, commented out.
pub(super) fn example() -> String {
    let mut text = String::new();
    let mut scope: Option<Scope> = None;
    let bindings = Bindings::default();
    let mut all: Vec<_> = bindings.all().iter().collect();
    // One scope's may stand apart in the table of keys.
    let first = |scope| bindings.all().iter().position(|binding| binding.scope == scope);
    all.sort_by_key(|binding| first(binding.scope));
    for binding in all {
        if scope != Some(binding.scope) {
            scope = Some(binding.scope);
            writeln!(text, "\n# [keys.{}]", binding.scope.name())
                .expect("writing to a String cannot fail");
        }
        let keys: Vec<String> =
            binding.keys.iter().map(|key| format!("{:?}", key.written())).collect();
        writeln!(text, "# {} = [{}]  # {}", binding.action.name(), keys.join(", "), binding.help)
            .expect("writing to a String cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn the_keys_of_the_example_are_the_keys_that_hold() {
        let lines = example();
        let uncommented: String =
            lines.lines().map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
        let config = config::parse(&uncommented).unwrap();
        assert!(config.keys.len() > 100, "every action has a line");
        assert_eq!(bindings(&config, None).unwrap(), Bindings::default());
    }

    #[test]
    fn a_mistake_is_told_with_file_and_line() {
        let config = config::parse("[keys.browse]\ncancle = \"x\"\nhang-up = [\"n\"]\n").unwrap();
        let told = bindings(&config, Some("c.toml".into())).unwrap_err().to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert!(
            lines[0].starts_with(
                "c.toml:2:1: keys: browse has no action \"cancle\": did you mean \"cancel\"?"
            ),
            "{told}"
        );
        assert!(lines[1].starts_with("c.toml:3:1: keys: n is compose in browse already"), "{told}");
    }
}
