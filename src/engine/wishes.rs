//! What waits for a password that a command prints.

use std::{sync::Arc, time::Instant};

use crate::{
    engine::{Account, Event, Submission, passwords::Answer, task::Task},
    sip::Credentials,
};

/// A wish that waits for a password.
#[derive(Debug)]
pub(super) enum Wish {
    Send(Box<Submission>),
    Register(Arc<Account>),
}

impl Task {
    /// Sends a request, where its password is known or none is needed; says why where it cannot.
    pub(super) fn send_or_refuse(&mut self, now: Instant, mut submission: Box<Submission>) {
        let is_needed = submission.request.credentials.is_none();
        if let Some(command) = submission.password_command.clone().filter(|_| is_needed) {
            match self.passwords.want(&command, Wish::Send(submission)) {
                Some((Wish::Send(known), credentials)) => {
                    submission = known;
                    submission.request.credentials = Some(credentials);
                }
                _ => return,
            }
        }
        if let Err(why) = self.send(now, *submission) {
            self.refuse(now, None, why);
        }
    }

    /// A password command has ended: what waited for it goes on. Where it gave none, who asks for
    /// the password is told why.
    pub(super) fn password(&mut self, answer: Answer) {
        let now = self.now();
        let Some((waited, credentials)) = self.passwords.take_in(answer) else { return };
        if Credentials::lack(&credentials).is_none() {
            self.tell(Event::Password(Arc::clone(&credentials)));
        }
        for wish in waited {
            match wish {
                _ if self.leaving.is_some() => {}
                Wish::Send(mut submission) => {
                    submission.request.credentials = Some(Arc::clone(&credentials));
                    self.send_or_refuse(now, submission);
                }
                Wish::Register(account) => {
                    self.register_with(now, &account, Some(Arc::clone(&credentials)));
                }
            }
        }
    }
}
