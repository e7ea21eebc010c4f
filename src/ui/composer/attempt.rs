//! From texts to a [`Command`].

use std::sync::Arc;

use super::{Around, Composer, Purpose, Shape, Slot, raw_text};
use crate::{
    engine::{
        Account, Command, Draft, DraftError, Field, RawSubmission, Submission, Values, next_hop,
    },
    sip::{CSeqNumber, DialogRequest, RawMessage},
    transport::{FlowSettings, ServerUri},
};

impl Composer {
    /// The command that the texts make.
    ///
    /// # Errors
    ///
    /// Every mistake, each with its field.
    pub(super) fn attempt(
        &self,
        around: &Around<'_>,
        values: &mut Values,
    ) -> Result<Command, Vec<DraftError>> {
        let Some(account) = around.accounts.get(self.sender.account) else {
            return Err(vec![DraftError {
                field: Field::From,
                message: "there is no account to send from: add one to the config file".to_owned(),
            }]);
        };
        let attempt = match self.shape {
            Shape::Raw => self.raw(around, account),
            Shape::Form | Shape::Unfolded => self.form(around, account, values),
        };
        attempt.map_err(|mut errors| {
            errors.iter_mut().for_each(|error| self.cover_target(&mut error.message));
            errors
        })
    }

    /// Whether the form holds the password of an account.
    pub(super) fn shows_password(&self, around: &Around<'_>) -> bool {
        self.shape != Shape::Raw && self.draft().refuse_passwords(around.passwords).is_err()
    }

    /// The command that the fields of the form make.
    pub(super) fn form(
        &self,
        around: &Around<'_>,
        account: &Account,
        values: &mut Values,
    ) -> Result<Command, Vec<DraftError>> {
        let draft = around.variables.expand_draft(&self.draft(), values)?;
        draft.refuse_passwords(around.passwords)?;
        match &self.purpose {
            Purpose::New | Purpose::Like(_) | Purpose::Retry(_) => {
                self.request(around, account, &draft)
            }
            Purpose::InDialog { context, tag } => Ok(Command::SendInDialog {
                context: *context,
                tag: tag.clone(),
                request: Box::new(DialogRequest {
                    branch: Some(self.made.branch),
                    ..draft.in_dialog()?
                }),
            }),
            Purpose::Answer { context, transaction, .. } => Ok(Command::Answer {
                context: *context,
                transaction: *transaction,
                answer: Box::new(draft.answer()?),
            }),
        }
    }

    /// What a request outside a dialog is written as, variables and all.
    pub(crate) fn written(&self) -> Option<Draft> {
        let is_new = matches!(self.purpose, Purpose::New | Purpose::Like(_) | Purpose::Retry(_));
        (is_new && self.shape != Shape::Raw).then(|| self.draft())
    }

    /// The texts, without the headers that are switched off.
    fn draft(&self) -> Draft {
        let text = |slot| self.fields.text(slot);
        let lines = |slot| -> Vec<String> { text(slot).split('\n').map(str::to_owned).collect() };
        let is_on = |line: &String| !line.trim_start().starts_with('#');
        Draft {
            method: text(Slot::Method),
            target: text(Slot::Target),
            server: String::new(),
            from: text(Slot::From),
            from_display_name: text(Slot::FromDisplayName),
            from_tag: text(Slot::FromTag),
            to: text(Slot::To),
            to_display_name: text(Slot::ToDisplayName),
            to_tag: text(Slot::ToTag),
            call_id: text(Slot::CallId),
            cseq: text(Slot::CSeq),
            routes: lines(Slot::Routes),
            headers: lines(Slot::Headers).into_iter().filter(is_on).collect(),
            content_type: text(Slot::ContentType),
            // RFC 3261 §7.4: lines of a text body end as those of the message do.
            body: text(Slot::Body).replace('\n', "\r\n").into(),
        }
    }

    fn request(
        &self,
        around: &Around<'_>,
        account: &Account,
        draft: &Draft,
    ) -> Result<Command, Vec<DraftError>> {
        let mut submission = draft.submit(account)?;
        // What the user leaves open is made here, so that it can be seen before it is sent.
        let request = &mut submission.request;
        request.call_id = request.call_id.take().or_else(|| self.made.call_id.parse().ok());
        request.from_tag = request.from_tag.take().or_else(|| self.made.from_tag.parse().ok());
        request.cseq = request.cseq.or_else(|| CSeqNumber::new(self.made.cseq));
        request.branch = Some(self.made.branch);
        let (server, flow) = self.way(around, account);
        Ok(Command::Send(Box::new(Submission { server, flow, ..submission })))
    }

    fn raw(&self, around: &Around<'_>, account: &Account) -> Result<Command, Vec<DraftError>> {
        let bytes = raw_text::decode(&self.fields.text(Slot::Raw));
        if bytes.is_empty() {
            let message = "there is nothing to send: write a message".to_owned();
            return Err(vec![DraftError { field: Field::Body, message }]);
        }
        let message = RawMessage::new(bytes.into());
        let message = if self.lacks_address() { message.lacking_address() } else { message };
        let (server, flow) = self.way(around, account);
        if server.is_none()
            && let Err(message) =
                next_hop(message.first_route().as_ref(), message.request_uri().as_ref())
        {
            return Err(vec![DraftError { field: Field::Server, message }]);
        }
        Ok(Command::SendRaw(Box::new(RawSubmission { message, server, flow })))
    }

    /// The chosen server, and how the flow to it is made.
    fn way(
        &self,
        around: &Around<'_>,
        account: &Account,
    ) -> (Option<ServerUri>, Arc<FlowSettings>) {
        let server = self.server(around.accounts).cloned();
        let flow = match &self.sender.way {
            Some(way) if self.sender.server.unwrap_or(0) == 0 => way.flow.clone(),
            _ => account.flow.clone(),
        };
        (server, flow)
    }
}
