//! [`Sending`]: what is sent, once or many times.

use crate::{
    engine::{Account, Command, Draft, DraftError, RawSubmission, Submission, Values, Variables},
    sip::NewRequest,
};

/// What is sent.
#[derive(Clone, Debug)]
pub enum Sending {
    /// A request, each time the same.
    Request(Box<Submission>),
    /// A request whose texts have variables, each time with values of its own.
    Template(Box<Template>),
    /// Bytes as they are.
    Raw(Box<RawSubmission>),
}

/// A request whose texts have variables.
#[derive(Clone, Debug)]
pub struct Template {
    /// The first request, which was checked; all go its way with its credentials.
    pub submission: Submission,
    /// Its texts, as the user wrote them.
    pub draft: Draft,
    /// Who sends.
    pub account: Account,
    /// What the variables stand for.
    pub variables: Variables,
    /// Their values in the next request.
    pub values: Values,
    /// Whether the next request is the first.
    pub is_first: bool,
}

impl Sending {
    /// The wish to send it once.
    ///
    /// # Errors
    ///
    /// Where the values of this time make no request.
    pub(super) fn command(&mut self) -> Result<Command, Vec<DraftError>> {
        Ok(match self {
            Sending::Request(submission) => Command::Send(submission.clone()),
            Sending::Template(template) => Command::Send(Box::new(template.next()?)),
            Sending::Raw(submission) => Command::SendRaw(submission.clone()),
        })
    }
}

impl Template {
    fn next(&mut self) -> Result<Submission, Vec<DraftError>> {
        let mut submission = self.submission.clone();
        if !std::mem::take(&mut self.is_first) {
            self.values.next_request();
            let draft = self.variables.expand_draft(&self.draft, &mut self.values)?;
            let credentials = submission.request.credentials.take();
            let request = draft.submit(&self.account)?.request;
            submission.request = NewRequest { credentials, ..request };
        }
        Ok(submission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(draft: Draft) -> Sending {
        let account = Account::new("alice", "sip:alice@demo.test".parse().unwrap());
        let (variables, mut values) = (Variables::default(), Values::new(1));
        let submission = variables.expand_draft(&draft, &mut values).unwrap();
        let submission = submission.submit(&account).unwrap();
        let template = Template { submission, draft, account, variables, values, is_first: true };
        Sending::Template(Box::new(template))
    }

    fn body(sending: &mut Sending) -> String {
        let Ok(Command::Send(submission)) = sending.command() else { panic!("not sent") };
        String::from_utf8(submission.request.body.to_vec()).unwrap()
    }

    #[test]
    fn every_request_has_values_of_its_own() {
        let method = "MESSAGE".to_owned();
        let target = "bob".to_owned();
        let draft = Draft { method, target, body: b"{{seq}} {{uuid}}".into(), ..Draft::default() };
        let mut sending = sending(draft);
        let (first, second) = (body(&mut sending), body(&mut sending));
        assert!(first.starts_with("1 ") && second.starts_with("2 "), "{first} {second}");
        assert_ne!(first[2..], second[2..]);
    }

    #[test]
    fn values_that_make_no_request_are_told() {
        let method = "OPTIONS".to_owned();
        // The second is above what a CSeq number can be.
        let cseq = "214748364{{seq}}".to_owned();
        let draft = Draft { method, target: "bob".into(), cseq, ..Draft::default() };
        let mut sending = sending(draft);
        for _ in 1..=7 {
            assert!(sending.command().is_ok());
        }
        let errors = sending.command().unwrap_err();
        assert!(errors[0].message.contains("2147483648"), "{}", errors[0]);
    }
}
