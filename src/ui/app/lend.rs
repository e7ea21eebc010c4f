//! The terminal in the hands of somebody else: an editor, or the shell while we are stopped.

use std::time::{Duration, Instant};

use super::{App, Quit, RETRY, sleep_until};
use crate::engine::Command;
use crate::ui::{
    composer::{Slot, raw_text},
    editor::{Edited, Editor, EditorError},
    model::Notice,
    terminal::{self, Disturbance, Input, Screen},
};

/// How long an editor may take to end where it is told to.
const PATIENCE: Duration = Duration::from_secs(1);

impl App {
    /// Lends the terminal to whom the user wants to have it, as soon as it has taken what was for it:
    /// nobody else's output is to stand among ours. Whether that was done.
    pub(super) async fn lend(&mut self, input: &Input) -> bool {
        if !terminal::is_idle() {
            return false;
        }
        let edits = self.model.edits.take();
        let suspends = std::mem::take(&mut self.model.suspends);
        let is_lent = edits.is_some() || suspends;
        if let Some((slot, text)) = edits {
            self.edit(input, slot, &text).await;
        }
        if suspends {
            self.suspend(input);
        }
        is_lent
    }

    /// Hands the terminal to an editor with a text, and takes both back. What happens meanwhile is
    /// taken in.
    async fn edit(&mut self, input: &Input, slot: Slot, text: &str) {
        if !self.hand_over(input) {
            return;
        }
        let read = (slot == Slot::Raw).then_some(raw_text::of_file as fn(&[u8]) -> String);
        let modes = terminal::Modes::now();
        let edited = self.editor(text, read).await;
        // One that was ended may have left the terminal as it needs it.
        modes.set();
        self.retake();
        terminal::forget_typed();
        input.resume();
        match edited {
            Ok(Edited { text, remark }) => {
                self.model.drafts.open_mut().edited(slot, &text);
                self.model.look();
                if let Some(remark) = remark {
                    self.model.notice = Some(Notice::error(Instant::now(), remark));
                }
            }
            Err(error) => {
                self.model.notice = Some(Notice::error(Instant::now(), error.to_string()));
            }
        }
    }

    /// Stops until the shell lets us go on. The engine stops too: what is late by then is told
    /// with the time at which it happened.
    fn suspend(&mut self, input: &Input) {
        if !self.hand_over(input) {
            return;
        }
        let stopped = terminal::stop();
        self.retake();
        terminal::forget_typed();
        input.resume();
        if let Err(error) = stopped {
            let text = format!("the dashboard cannot be stopped: {error}");
            self.model.notice = Some(Notice::error(Instant::now(), text));
        }
    }

    /// Gives the terminal and its keys to somebody else; whether that could be done.
    fn hand_over(&mut self, input: &Input) -> bool {
        let lack = if !input.pause() {
            "its keys are still being read"
        } else if let Some(screen) = self.screen.take()
            && !screen.give_back(Instant::now() + terminal::PATIENCE)
        {
            self.retake();
            input.resume();
            "it takes nothing at the moment"
        } else {
            return true;
        };
        let text = format!("the terminal cannot be handed over: {lack}");
        self.model.notice = Some(Notice::error(Instant::now(), text));
        false
    }

    /// Takes the terminal again, and leaves where it is gone.
    pub(super) fn retake(&mut self) {
        match Screen::take(self.mouse) {
            Ok(screen) => self.screen = Some(screen),
            Err(_) => self.leave(),
        }
    }

    /// Puts the terminal in order after something befell it.
    pub(super) fn mend(&mut self, disturbance: Disturbance) {
        match (disturbance, &mut self.screen) {
            (Disturbance::Continued, _) => {
                // Nobody waits for that: what follows stands behind it.
                if let Some(screen) = self.screen.take() {
                    screen.give_back(Instant::now());
                }
                self.retake();
            }
            (Disturbance::Resized, Some(screen)) => screen.forget(),
            (Disturbance::Stopping, _) => self.model.suspends = true,
            (Disturbance::Resized, None) => {}
        }
    }

    /// Waits for the editor.
    async fn editor(
        &mut self,
        text: &str,
        read: Option<fn(&[u8]) -> String>,
    ) -> Result<Edited, EditorError> {
        let mut editor = Editor::start(text)?;
        let mut engine_is_there = true;
        // What was told before comes before.
        std::mem::take(&mut self.facts).for_each(|event| self.model.apply(event));
        let mut ends = None;
        loop {
            if let Some(status) = editor.has_ended()? {
                return editor.text(status, read);
            }
            if self.quit == Quit::Unsent {
                self.send(Command::Quit);
            }
            if ends.is_some_and(|at| at <= Instant::now()) {
                editor.kill();
            }
            tokio::select! {
                batch = self.engine.events.recv(), if engine_is_there => match batch {
                    Some(batch) => batch.into_iter().for_each(|event| self.model.apply(event)),
                    None => engine_is_there = false,
                },
                () = self.farewell.wait_beside_editor(), if ends.is_none() => {
                    self.leave();
                    editor.end();
                    ends = Some(Instant::now() + PATIENCE);
                }
                // Beside an editor that stops, its shell waits for us to stop too.
                () = self.disturbances.stopping() => {
                    // Where nobody could let us go on, the editor goes on alone too.
                    let _ = terminal::stop();
                }
                () = sleep_until(Instant::now() + RETRY) => {}
            }
        }
    }
}
