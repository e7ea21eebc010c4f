//! Other keys for actions, as the config file names both.

use crate::ui::bindings::{Action, Binding, Bindings, Key, Scope, held};

/// The keys that an action is to have in a scope.
#[derive(Clone, Debug)]
pub struct Rebinding<'a> {
    /// The scope's name.
    pub scope: &'a str,
    /// The action's name.
    pub action: &'a str,
    /// The keys, as text.
    pub keys: &'a [String],
}

/// Why a rebinding cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebindError {
    /// There is no such scope.
    #[error("there is no scope {name:?}{hint}; the scopes are {known}")]
    Scope {
        /// The name that was given.
        name: String,
        /// `: did you mean "…"?`, or nothing.
        hint: String,
        /// The names there are.
        known: String,
    },
    /// The scope has no such action.
    #[error("{scope} has no action {name:?}{hint}; `sipboard config example` lists them all")]
    Action {
        /// The scope's name.
        scope: String,
        /// The name that was given.
        name: String,
        /// `: did you mean "…"?`, or nothing.
        hint: String,
    },
    /// That is no key.
    #[error(transparent)]
    Key(#[from] super::KeyError),
    /// The key types text there.
    #[error(
        "{key} would be missing for text in {scope}: take one with ctrl- or alt-, or f1 to f12"
    )]
    Text {
        /// The key, as it is written.
        key: String,
        /// The scope's name.
        scope: String,
    },
    /// The key does something else there.
    #[error("{key} is {other} in {scope} already: give {other} another key too, or take another")]
    Taken {
        /// The key, as it is written.
        key: String,
        /// What it does.
        other: String,
        /// The scope's name.
        scope: String,
    },
    /// The key does something else in a scope that holds at the same time.
    #[error(
        "{key} in {scope} is {other} in {beside} too, and both hold at once, so that {loser} would \
         lose it: give {other} another key too, or take another"
    )]
    Shadows {
        /// The key, as it is written.
        key: String,
        /// The scope's name.
        scope: String,
        /// What it does in the other scope.
        other: String,
        /// The other scope's name.
        beside: String,
        /// Which of the two actions would not have the key.
        loser: String,
    },
    /// Nobody could leave.
    #[error("quit needs a key in {scope}: name one, or leave it out")]
    NoWayOut {
        /// The scope's name.
        scope: String,
    },
}

impl Bindings {
    /// Takes other keys; what is not named keeps its own. `hint` says which name was meant.
    ///
    /// # Errors
    ///
    /// Every rebinding that cannot hold, by its place in the list.
    pub fn rebind(
        mut self,
        wanted: &[Rebinding<'_>],
        hint: impl Fn(&str, &[&str]) -> String,
    ) -> Result<Bindings, Vec<(usize, RebindError)>> {
        let mut errors = Vec::new();
        let mut changed = Vec::new();
        for (place, rebinding) in wanted.iter().enumerate() {
            match self.find(rebinding, &hint) {
                Ok((at, keys)) => {
                    self.0[at].keys = keys;
                    changed.push((place, at));
                }
                Err(error) => errors.push((place, error)),
            }
        }
        // Looked at once all are there: two actions can change places.
        for (place, at) in changed {
            let binding = &self.0[at];
            let scope = binding.scope.name();
            if binding.action == Action::Quit && binding.keys.is_empty() {
                errors.push((place, RebindError::NoWayOut { scope: scope.clone() }));
            }
            let others = self.0.iter().enumerate();
            let others = others.filter(|(it, other)| *it != at && other.scope == binding.scope);
            for (other, key) in others.flat_map(|(_, it)| it.keys.iter().map(move |key| (it, key)))
            {
                if binding.keys.contains(key) {
                    let (key, other) = (key.written(), other.action.name());
                    let scope = scope.clone();
                    errors.push((place, RebindError::Taken { key, other, scope }));
                }
            }
            errors.extend(self.shadows(binding).map(|error| (place, error)));
        }
        errors.sort_by_key(|(place, _)| *place);
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// The keys of a binding that mean something else in a scope that holds at once, but for those
    /// two actions that share one from the start.
    fn shadows(&self, binding: &Binding) -> impl Iterator<Item = RebindError> {
        let defaults = Bindings::default();
        let shares = |one: &Binding, other: &Binding| {
            let keys = |of: &Binding| {
                let is_it = |it: &&Binding| (it.scope, it.action) == (of.scope, of.action);
                defaults.0.iter().find(is_it).map(|it| it.keys.clone()).unwrap_or_default()
            };
            let others = keys(other);
            keys(one).iter().any(|key| others.contains(key))
        };
        let mut errors = Vec::new();
        for other in &self.0 {
            let loser = match () {
                () if held::comes_before(binding.scope, other.scope) => other,
                () if held::comes_before(other.scope, binding.scope) => binding,
                () => continue,
            };
            let both = binding.keys.iter().filter(|key| other.keys.contains(key));
            for key in both.filter(|_| binding.action != other.action && !shares(binding, other)) {
                errors.push(RebindError::Shadows {
                    key: key.written(),
                    scope: binding.scope.name(),
                    other: other.action.name(),
                    beside: other.scope.name(),
                    loser: loser.action.name(),
                });
            }
        }
        errors.into_iter()
    }

    /// The binding that is meant, and its new keys.
    fn find(
        &self,
        wanted: &Rebinding<'_>,
        hint: impl Fn(&str, &[&str]) -> String,
    ) -> Result<(usize, Vec<Key>), RebindError> {
        let nearest = |name: &str, known: &[String]| {
            hint(name, &known.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let name = |name: &str| name.to_owned();
        let mut scopes: Vec<String> = self.0.iter().map(|binding| binding.scope.name()).collect();
        scopes.sort();
        scopes.dedup();
        if !scopes.iter().any(|scope| scope == wanted.scope) {
            let hint = nearest(wanted.scope, &scopes);
            let known = scopes.join(", ");
            return Err(RebindError::Scope { name: name(wanted.scope), hint, known });
        }
        let of_scope = |binding: &&super::Binding| binding.scope.name() == wanted.scope;
        let is_meant =
            |binding: &super::Binding| of_scope(&binding) && binding.action.name() == wanted.action;
        let Some(at) = self.0.iter().position(is_meant) else {
            let actions = self.0.iter().filter(of_scope).map(|binding| binding.action.name());
            let hint = nearest(wanted.action, &actions.collect::<Vec<_>>());
            let (scope, name) = (name(wanted.scope), name(wanted.action));
            return Err(RebindError::Action { scope, name, hint });
        };
        let types = matches!(
            self.0[at].scope,
            Scope::Compose | Scope::Everywhere | Scope::Find | Scope::Prompt
        );
        let mut keys = Vec::new();
        for text in wanted.keys {
            let key: Key = text.parse()?;
            if types && key.is_text() {
                return Err(RebindError::Text { key: key.written(), scope: name(wanted.scope) });
            }
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok((at, keys))
    }
}

/// `CopyCallId` is `copy-call-id`, and `Show(Ladder)` is `show-ladder`.
pub(super) fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars().filter(|c| c.is_ascii_alphanumeric()) {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rebind(wanted: &[(&str, &str, &[&str])]) -> Result<Bindings, Vec<(usize, RebindError)>> {
        let keys: Vec<Vec<String>> = wanted
            .iter()
            .map(|(_, _, keys)| keys.iter().map(|key| (*key).to_owned()).collect())
            .collect();
        let wanted: Vec<Rebinding<'_>> = wanted
            .iter()
            .zip(&keys)
            .map(|(&(scope, action, _), keys)| Rebinding { scope, action, keys })
            .collect();
        Bindings::default().rebind(&wanted, |_, known| format!(" of {}", known.len()))
    }

    #[test]
    fn actions_take_other_keys_and_can_change_places() {
        let bindings = rebind(&[
            ("browse", "cancel", &["b", "f5"]),
            ("browse", "hang-up", &["c"]),
            ("browse", "show-ladder", &[]),
        ])
        .unwrap();
        let action = |key: &str| bindings.action(&[Scope::Browse], key.parse().unwrap());
        assert_eq!(action("b"), Some(Action::Cancel));
        assert_eq!(action("f5"), Some(Action::Cancel));
        assert_eq!(action("c"), Some(Action::HangUp));
        assert_eq!(action("2"), None);
        assert_eq!(action("n"), Some(Action::Compose));
    }

    #[test]
    fn what_cannot_hold_is_told_with_its_place() {
        for (wanted, told) in [
            (("brows", "cancel", &["x"][..]), "there is no scope \"brows\" of "),
            (("browse", "cancle", &["x"]), "browse has no action \"cancle\" of "),
            (("browse", "cancel", &["hyper-x"]), "\"hyper-x\" is not a key"),
            (("browse", "cancel", &["a"]), "a is accounts in browse already"),
            (("browse", "quit", &[]), "quit needs a key in browse"),
            (("compose", "send", &["s"]), "s would be missing for text in compose"),
            (("prompt", "accept", &["shift-s"]), "S would be missing for text in prompt"),
            (("table", "filter", &["c"]), "c in table is cancel in browse too, and both hold at"),
            (("browse", "theme", &["s"]), "s in browse is sort-next in table too, and both hold"),
            (("browse", "theme", &["t"]), "t in browse is times in detail too"),
            (("found", "next-match", &["J"]), "J in found is next-message in detail too"),
            (("log", "log-more", &["j"]), "j in log is down in overlay too"),
            (("compose", "editor", &["ctrl-z"]), "ctrl-z in compose is suspend in everywhere"),
        ] {
            let good: (&str, &str, &[&str]) = ("table", "mark", &["m"]);
            let errors = rebind(&[good, wanted]).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert_eq!(errors[0].0, 1);
            assert!(errors[0].1.to_string().starts_with(told), "{}", errors[0].1);
        }
    }

    #[test]
    fn scopes_that_never_hold_at_once_may_share_a_key_and_so_may_what_shares_one_from_the_start() {
        for wanted in [
            &[("table", "filter", &["t"][..])][..],
            &[("table", "mark", &["c"]), ("browse", "cancel", &["ctrl-k"])],
            &[("found", "next-match", &["n", "f3"]), ("browse", "compose", &["n"])],
            &[("detail", "open", &["enter", "O"])],
        ] {
            assert!(rebind(wanted).is_ok(), "{wanted:?}: {:?}", rebind(wanted));
        }
        // What is written out as it is must hold as well.
        let bindings = Bindings::default();
        let all: Vec<(String, String, Vec<String>)> = bindings
            .0
            .iter()
            .map(|it| {
                let keys = it.keys.iter().map(|key| key.written()).collect();
                (it.scope.name(), it.action.name(), keys)
            })
            .collect();
        let all: Vec<Rebinding<'_>> =
            all.iter().map(|(scope, action, keys)| Rebinding { scope, action, keys }).collect();
        assert_eq!(Bindings::default().rebind(&all, |_, _| String::new()), Ok(bindings.clone()));
    }

    #[test]
    fn each_action_has_one_name_in_its_scope_and_each_key_is_read_as_it_is_written() {
        let bindings = Bindings::default();
        let mut names = std::collections::HashSet::new();
        for binding in &bindings.0 {
            let name = (binding.scope.name(), binding.action.name());
            assert!(names.insert(name.clone()), "{name:?} twice");
            for key in &binding.keys {
                assert_eq!(key.written().parse(), Ok(*key));
            }
        }
        assert!(names.contains(&("copy".to_owned(), "copy-call-id".to_owned())));
    }
}
