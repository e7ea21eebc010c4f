//! Our own address in a raw message: it is begun before the connection is there, and so with a
//! placeholder, which is filled in as soon as the address is known and where the user has not
//! written something else; at the latest when it is sent.

use super::{Around, Composer, Preview, Shape, Slot, preview::Asks, raw_text};
use crate::sip::PREVIEW_HOST;

impl Composer {
    /// Puts our address where a raw message waits for it. Gives what the engine has yet to say for
    /// that.
    pub(super) fn fill_in_address(&mut self, around: &Around<'_>) -> Option<Asks> {
        let begun = self.unplaced.as_ref().filter(|_| self.shape == Shape::Raw)?;
        let account = around.accounts.get(self.sender.account)?;
        let command = self.form(around, account, &mut self.made.values.clone()).ok()?;
        let preview = Preview::of(&command, around);
        if preview.lacks_address() {
            return preview.asks;
        }
        let known = raw_text::encode(&preview.bytes);
        let text = filled_in(begun, &known, &self.fields.text(Slot::Raw));
        self.fields.put_in_place(Slot::Raw, &text);
        self.unplaced = None;
        None
    }

    /// Whether our address is still to be put into the raw message.
    pub(super) fn lacks_address(&self) -> bool {
        self.shape == Shape::Raw && self.unplaced.is_some()
    }
}

/// A text in which each line that was begun with the placeholder, and has not been touched since,
/// is what it is now that our address is known.
fn filled_in(begun: &str, known: &str, text: &str) -> String {
    if text == begun {
        return known.to_owned();
    }
    let name = |line: &str| line.split_once(':').map(|(name, _)| name.to_owned());
    let mut waiting: Vec<(&str, &str)> = begun
        .split('\n')
        .filter(|line| line.contains(PREVIEW_HOST))
        .filter_map(|line| {
            let now = known.split('\n').find(|now| name(now).is_some() && name(now) == name(line));
            Some((line, now?))
        })
        .collect();
    let lines =
        text.split('\n').map(|line| match waiting.iter().position(|(before, _)| *before == line) {
            Some(at) => waiting.swap_remove(at).1,
            None => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_user_has_not_touched_is_filled_in() {
        let begun = "INVITE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP our-address.invalid;branch=z\nContact: <sip:a@our-address.invalid>\n\n";
        let known = "INVITE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z\nContact: <sip:a@192.0.2.1:5060>\n\n";
        assert_eq!(filled_in(begun, known, begun), known);
        let edited = begun.replace("INVITE", "XINVITE").replace("a@our", "c@our");
        assert_eq!(
            filled_in(begun, known, &edited),
            known.replace("INVITE", "XINVITE").replace("a@192.0.2.1:5060", "c@our-address.invalid")
        );
    }
}
