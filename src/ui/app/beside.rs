//! What the terminal is handed beside the picture: copies, and what it is to tell who looks elsewhere.

use std::time::{Duration, Instant};

use super::App;
use crate::ui::{
    model::{Clip, Notice},
    terminal,
};

/// The least time between two notifications.
const ALERT: Duration = Duration::from_secs(1);

/// So many bytes go through every terminal that takes copies at all: in Base64 they are the 100,000
/// that some of them stop at.
const SHORT: usize = 74_994;

impl App {
    /// Has the terminal tell what there is to be told, at most once a second.
    pub(super) fn alert(&mut self, now: Instant) {
        if !terminal::is_idle() || self.alert_due.is_some_and(|due| now < due) {
            return;
        }
        let Some(screen) = &mut self.screen else { return };
        if let Some(text) = self.model.alert.take() {
            // Where the terminal is gone, the next picture says so.
            let _ = screen.notify(self.model.notify.how, &self.model.book.passwords.hide(&text));
            self.alert_due = Some(now + ALERT);
        }
    }

    /// Hands over what is to be copied, and says so.
    pub(super) fn copy(&mut self) {
        if let (Some(clip), Some(screen)) = (self.model.clip.take(), &mut self.screen) {
            let now = Instant::now();
            self.model.notice = Some(match screen.copy(&clip.bytes) {
                Ok(()) => Notice::info(now, copied(&clip, std::env::var_os("TMUX").is_some())),
                Err(error) => Notice::error(now, format!("cannot copy {}: {error}", clip.what)),
            });
        }
    }
}

/// What is told of a copy. Nobody says whether the terminal took it.
fn copied(clip: &Clip, in_tmux: bool) -> String {
    let count = clip.bytes.len();
    let mut text = format!("{} went to the terminal's clipboard, {count} bytes", clip.what);
    if count > SHORT {
        text.push_str(": some terminals take no more than 74994, and leave out the rest or all");
    }
    if in_tmux {
        text.push_str("; tmux hands it on with `set -g set-clipboard on`");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_says_what_could_keep_it_from_arriving() {
        let told = |count, in_tmux| copied(&Clip::new("it", vec![b'x'; count]), in_tmux);
        assert_eq!(told(7, false), "it went to the terminal's clipboard, 7 bytes");
        assert!(told(7, true).ends_with("; tmux hands it on with `set -g set-clipboard on`"));
        assert!(told(SHORT + 1, false).contains("some terminals take no more than 74994"));
        assert!(!told(SHORT, false).contains("terminals take"));
    }
}
