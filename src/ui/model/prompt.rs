//! [`Prompt`]: the one line that is typed at the bottom: a filter, a label, or where to jump.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use tui_input::Input;

use super::{Contexts, Mode};
use crate::{
    engine::impair::ImpairError,
    sip::ContextId,
    ui::{
        bindings::{Action, Scope},
        filter::{Filter, FilterError},
    },
};

/// What is typed, and what for.
#[derive(Debug)]
pub struct Prompt {
    /// The text.
    pub input: Input,
    /// What for.
    pub purpose: Purpose,
}

/// What a text is typed for.
#[derive(Debug)]
pub enum Purpose {
    /// Which rows are shown.
    Filter {
        /// The mistake in it: the last good one holds meanwhile.
        error: Option<FilterError>,
    },
    /// How messages are impaired.
    Impair {
        /// The mistake in it: it cannot be taken.
        error: Option<ImpairError>,
    },
    /// What the chosen context, or the marked ones, are called.
    Label {
        /// Which ones.
        contexts: Vec<ContextId>,
    },
    /// Which row to go to.
    Jump {
        /// The best ones, the best first.
        found: Vec<ContextId>,
        /// Which of them Enter goes to.
        chosen: usize,
    },
    /// What to do.
    Palette {
        /// What is meant, the best first.
        found: Vec<(Scope, Action)>,
        /// Which of them Enter does.
        chosen: usize,
        /// Whether it was opened over the form, and goes back there.
        composing: bool,
    },
}

/// How many matches are offered.
const OFFERED: usize = 9;

impl Prompt {
    /// An empty line, for no purpose yet.
    pub fn new() -> Prompt {
        Prompt { input: Input::default(), purpose: Purpose::Filter { error: None } }
    }

    /// Types a filter, beginning with the one that holds.
    pub fn filter(filter: &Filter) -> Prompt {
        Prompt {
            input: Input::new(filter.text().to_owned()),
            purpose: Purpose::Filter { error: None },
        }
    }

    /// Types how messages are impaired, beginning with these rules.
    pub fn impair(rules: &str) -> Prompt {
        Prompt { input: Input::new(rules.to_owned()), purpose: Purpose::Impair { error: None } }
    }

    /// Types a label.
    pub fn label(contexts: Vec<ContextId>, label: &str) -> Prompt {
        Prompt { input: Input::new(label.to_owned()), purpose: Purpose::Label { contexts } }
    }

    /// Types where to jump to.
    pub fn jump() -> Prompt {
        let purpose = Purpose::Jump { found: Vec::new(), chosen: 0 };
        Prompt { input: Input::default(), purpose }
    }

    /// Types what to do.
    pub fn palette(composing: bool) -> Prompt {
        let purpose = Purpose::Palette { found: Vec::new(), chosen: 0, composing };
        Prompt { input: Input::default(), purpose }
    }

    /// Whether a filter is typed.
    pub fn is_filter(&self) -> bool {
        matches!(self.purpose, Purpose::Filter { .. })
    }

    /// Whether the form lies beneath the line.
    pub fn is_over_form(&self) -> bool {
        matches!(self.purpose, Purpose::Palette { composing: true, .. })
    }

    /// Where one is without the line.
    pub fn beneath(&self) -> Mode {
        if self.is_over_form() { Mode::Compose } else { Mode::Browse }
    }

    /// Looks for the rows that are meant, among those that are given.
    pub fn find<'c>(&mut self, contexts: &'c Contexts, rows: impl Iterator<Item = usize> + 'c) {
        let Purpose::Jump { found, chosen } = &mut self.purpose else { return };
        *chosen = 0;
        found.clear();
        let wanted = self.input.value();
        if wanted.trim().is_empty() {
            return;
        }
        let pattern = Pattern::parse(wanted, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let (mut text, mut buffer) = (String::new(), Vec::new());
        // The best so far, the best first; those that were met first where all else is equal.
        let mut best: Vec<(u32, ContextId)> = Vec::with_capacity(OFFERED + 1);
        for row in rows.filter_map(|place| contexts.row(place)) {
            text.clear();
            haystack(&mut text, row);
            let score = pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher);
            let Some(score) = score else { continue };
            let at = best.partition_point(|(known, _)| *known >= score);
            if at < OFFERED {
                best.insert(at, (score, row.id));
                best.truncate(OFFERED);
            }
        }
        found.extend(best.into_iter().map(|(_, id)| id));
    }
}

impl Default for Prompt {
    fn default() -> Prompt {
        Prompt::new()
    }
}

/// What a row is looked for by.
fn haystack(text: &mut String, row: &super::Row) {
    use std::fmt::Write;
    let target = row.target().as_uri();
    // Writing to a string cannot fail.
    let _ =
        write!(text, "#{} {} {} {}", row.id, row.method, target.short(), row.standing().as_str());
    if let Some(label) = row.label() {
        let _ = write!(text, " {label}");
    }
}
