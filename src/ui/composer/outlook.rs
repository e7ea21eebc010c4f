//! What follows from the texts: what is wrong with them and where that is said, what would be sent,
//! and what could follow where the cursor is.

use super::{Around, Candidate, Composer, Kind, Preview, Purpose, Slot, complete};
use crate::{
    engine::{DraftError, Values, VariableError, Variables},
    sip::{Method, secret},
};

/// What follows from the texts.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    pub(super) errors: Vec<DraftError>,
    /// The fields with a variable that has no value: no more typing there gives it one.
    pub(super) unfilled: Vec<Slot>,
    pub(super) preview: Preview,
    pub(super) candidates: Vec<Candidate>,
    /// What the user should know of a raw message before it is sent.
    pub(super) advice: Option<String>,
}

impl Composer {
    /// What is wrong with a field, where the user may be told already.
    pub fn error(&self, slot: Slot) -> Option<&str> {
        let may_complain = self.touched.contains(&slot) || self.outlook.unfilled.contains(&slot);
        may_complain.then(|| self.mistake(slot)).flatten()
    }

    /// What is wrong with a field.
    fn mistake(&self, slot: Slot) -> Option<&str> {
        let mut errors = self.outlook.errors.iter();
        errors.find(|error| self.place(error) == slot).map(|error| error.message.as_str())
    }

    /// The fields that keep the texts from making a request, each with the reason where something
    /// stands in it.
    pub fn mistakes(&self) -> impl Iterator<Item = (Slot, Option<&str>)> {
        let wrong = self.slots().filter_map(|slot| Some((slot, self.mistake(slot)?)));
        wrong.map(|(slot, why)| (slot, (!self.text(slot).trim().is_empty()).then_some(why)))
    }

    /// The field that a mistake is shown at: one that the form has.
    pub(super) fn place(&self, error: &DraftError) -> Slot {
        let slot = Slot::of(error.field);
        let from = matches!(slot, Slot::From | Slot::FromDisplayName | Slot::FromTag);
        match self.slots().any(|shown| shown == slot) {
            true => slot,
            false if from && self.sender.accounts > 1 => Slot::Account,
            false => self.slots().find(|slot| slot.kind() != Kind::Choice).unwrap_or(slot),
        }
    }

    /// What would be sent; of the last texts that made a request, where they make none now.
    pub fn preview(&self) -> &Preview {
        &self.outlook.preview
    }

    /// Whether the texts make no request now.
    pub fn is_wrong(&self) -> bool {
        !self.outlook.errors.is_empty()
    }

    /// What could stand where the cursor is, and which of it Tab takes.
    pub fn candidates(&self) -> (&[Candidate], usize) {
        (&self.outlook.candidates, self.chosen)
    }

    /// A word of advice on a field that is not wrong.
    pub fn advice(&self, slot: Slot) -> Option<String> {
        if slot == Slot::Raw {
            return self.outlook.advice.clone();
        }
        let typed = self.fields.text(Slot::Method);
        let typed = typed.trim();
        if slot != Slot::Method || matches!(self.purpose, Purpose::Answer { .. }) {
            return None;
        }
        let known = Method::KNOWN.iter().find(|it| it.as_str().eq_ignore_ascii_case(typed))?;
        (known.as_str() != typed)
            .then(|| format!("methods are case-sensitive: Right makes it {known}"))
    }

    /// Looks at the texts anew: what is wrong with them, what would be sent, what could follow.
    pub fn look(&mut self, around: &Around<'_>) {
        self.made.values.set_number(around.number);
        let waits = self.fill_in_address(around);
        let mut values = self.made.values.clone();
        let preview = std::mem::take(&mut self.outlook.preview);
        let (errors, preview) = match self.attempt(around, &mut values) {
            Ok(command) => {
                let mut preview = Preview::of(&command, around);
                let said = preview.notes.iter_mut().chain(&mut preview.warnings);
                said.for_each(|text| self.cover_target(text));
                (Vec::new(), Preview { unfinished: self.unfinished_target(), ..preview })
            }
            // What was right last has all of the password but its end.
            Err(errors) if self.shows_password(around) => (errors, Preview::default()),
            Err(errors) => (errors, preview),
        };
        let preview = Preview { asks: preview.asks.clone().or(waits), ..preview };
        let advice = self.password_in_raw(around);
        let unfilled = match errors.is_empty() {
            true => Vec::new(),
            false => self.unfilled(around.variables, &values),
        };
        self.made.values = values;
        let targets: Vec<&str> = around.targets.iter().map(String::as_str).collect();
        let candidates = complete::candidates(&self.fields, self.focus, &targets, around.variables);
        self.chosen = self.chosen.min(candidates.len().saturating_sub(1));
        self.outlook = Outlook { errors, unfilled, preview, candidates, advice };
    }

    /// A target that may become a user with a password, and until then is a URI of another scheme.
    fn unfinished_target(&self) -> Option<(Box<str>, usize)> {
        let target = self.text(Slot::Target);
        let target = target.trim();
        let password = secret::passwords_in_target(target).into_iter().next_back()?;
        (password.end == target.len()).then(|| (target.into(), password.start))
    }

    /// A sentence that may name it shows no password of it.
    pub(super) fn cover_target(&self, text: &mut String) {
        let Some((target, clear)) = self.unfinished_target() else { return };
        let covered = format!("{}{}", &target[..clear], secret::MASK);
        let quoted = format!("{target:?}");
        for named in [&*target, quoted.trim_matches('"')] {
            *text = text.replace(named, &covered);
        }
    }

    /// The fields with a variable that is written to its end and has no value.
    fn unfilled(&self, variables: &Variables, values: &Values) -> Vec<Slot> {
        let is_wrong = |slot: &Slot| {
            let found = variables.expand(&self.text(*slot), &mut values.clone());
            let found = found.err().unwrap_or_default();
            found.iter().any(|error| !matches!(error, VariableError::Open { .. }))
        };
        self.slots().filter(|slot| *slot != Slot::Raw).filter(is_wrong).collect()
    }
}
