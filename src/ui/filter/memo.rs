//! [`Memo`]: what one term found in the texts that many rows share, so that it looks once and not
//! in every row.

use std::borrow::Cow;

/// What was found so far. The result is that of looking, in fewer steps.
#[derive(Debug, Default)]
pub(super) struct Memo<'r> {
    account: Shared<'r>,
    flow: Shared<'r>,
    method: Shared<'r>,
    causes: [Option<bool>; VARIANTS],
    states: [Option<bool>; VARIANTS],
    reasons: Vec<(u16, Cow<'r, str>, bool)>,
}

/// A text that the row before had too.
type Shared<'r> = Option<(&'r str, bool)>;

/// How many variants of an enum are remembered.
const VARIANTS: usize = 24;
/// How many responses are remembered: a peer can make up reason phrases for ever.
const REASONS: usize = 16;

impl<'r> Memo<'r> {
    pub(super) fn account(&mut self, text: &'r str, look: impl FnOnce(&str) -> bool) -> bool {
        shared(&mut self.account, text, look)
    }

    pub(super) fn flow(&mut self, text: &'r str, look: impl FnOnce(&str) -> bool) -> bool {
        shared(&mut self.flow, text, look)
    }

    pub(super) fn method(&mut self, text: &'r str, look: impl FnOnce(&str) -> bool) -> bool {
        shared(&mut self.method, text, look)
    }

    pub(super) fn cause(&mut self, variant: usize, look: impl FnOnce() -> bool) -> bool {
        variants(&mut self.causes, variant, look)
    }

    pub(super) fn state(&mut self, variant: usize, look: impl FnOnce() -> bool) -> bool {
        variants(&mut self.states, variant, look)
    }

    pub(super) fn reason(
        &mut self,
        code: u16,
        reason: Cow<'r, str>,
        look: impl FnOnce(&str) -> bool,
    ) -> bool {
        let known = self.reasons.iter().find(|(it, text, _)| *it == code && *text == reason);
        if let Some((_, _, found)) = known {
            return *found;
        }
        let found = look(&reason);
        if self.reasons.len() < REASONS {
            self.reasons.push((code, reason, found));
        }
        found
    }
}

fn shared<'r>(known: &mut Shared<'r>, text: &'r str, look: impl FnOnce(&str) -> bool) -> bool {
    match known {
        Some((other, found)) if *other == text => *found,
        _ => known.insert((text, look(text))).1,
    }
}

fn variants(known: &mut [Option<bool>], variant: usize, look: impl FnOnce() -> bool) -> bool {
    match known.get_mut(variant) {
        Some(known) => *known.get_or_insert_with(look),
        None => look(),
    }
}
