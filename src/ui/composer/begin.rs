//! A form that begins with something: a message that was sent, a peer's advice, a dialog.

use bytes::Bytes;

use super::{Composer, Purpose, Shape, Slot, Way, raw_text};
use crate::{
    engine::{Account, Draft, literal},
    sip::{
        ContextId, DialogRequest, ExtraHeader, Identity, Method, NewRequest, ServerTransactionId,
        sdp::SDP,
    },
};

/// Why a form cannot begin with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// A form holds text.
    #[error("its body is no plain text, which a form cannot hold: edit it byte for byte")]
    Body,
}

/// What a new request like another one keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Call-ID, tags and CSeq are to be fresh.
    Content,
    /// Call-ID, From tag and CSeq are given.
    Identity,
}

impl Composer {
    /// A form for a request like that of a context.
    ///
    /// # Errors
    ///
    /// Where a form cannot hold it.
    pub(crate) fn like(
        mut self,
        context: ContextId,
        request: &NewRequest,
        keep: Keep,
        way: Option<Way>,
        accounts: &[Account],
    ) -> Result<Composer, BeginError> {
        self.purpose = match keep {
            Keep::Content => Purpose::Like(context),
            Keep::Identity => Purpose::Retry(context),
        };
        self.content(&request.method, &request.headers, &request.content_type, &request.body)?;
        self.fields.set(Slot::Target, request.request_uri.as_str());
        let routes: Vec<&str> = request.route_set.iter().map(|uri| uri.as_str()).collect();
        self.fields.set(Slot::Routes, &routes.join("\n"));
        let account = accounts.get(self.sender.account).map(Account::identity);
        if account.as_ref() != Some(&request.from) {
            let Identity { display_name, uri } = &request.from;
            self.fields.set(Slot::FromDisplayName, display_name);
            self.fields.set(Slot::From, uri.as_str());
        }
        self.fields.set(Slot::ToDisplayName, &request.to.display_name);
        if request.to.uri != request.request_uri {
            self.fields.set(Slot::To, request.to.uri.as_str());
        }
        if keep == Keep::Identity {
            let tag = |tag: &Option<crate::sip::Token>| {
                tag.as_ref().map(|tag| tag.as_str().to_owned()).unwrap_or_default()
            };
            self.fields.set(Slot::FromTag, &tag(&request.from_tag));
            self.fields.set(Slot::ToTag, &tag(&request.to_tag));
            let call_id = request.call_id.as_ref().map(|id| id.as_str()).unwrap_or_default();
            self.fields.set(Slot::CallId, call_id);
            let cseq = request.cseq.map(|cseq| cseq.number().to_string());
            self.fields.set(Slot::CSeq, &cseq.unwrap_or_default());
        }
        self.unfold_if_used();
        self.sender.way = way;
        Ok(self)
    }

    /// A form for a request that is written as that of a context was, variables and all.
    pub(crate) fn like_written(
        mut self,
        context: ContextId,
        draft: &Draft,
        way: Option<Way>,
    ) -> Composer {
        self.purpose = Purpose::Like(context);
        let body = String::from_utf8_lossy(&draft.body).replace("\r\n", "\n");
        for (slot, text) in [
            (Slot::Method, &draft.method),
            (Slot::Target, &draft.target),
            (Slot::Headers, &draft.headers.join("\n")),
            (Slot::ContentType, &draft.content_type),
            (Slot::Body, &body),
            (Slot::Routes, &draft.routes.join("\n")),
            (Slot::FromDisplayName, &draft.from_display_name),
            (Slot::From, &draft.from),
            (Slot::ToDisplayName, &draft.to_display_name),
            (Slot::To, &draft.to),
        ] {
            self.fields.set(slot, text);
        }
        self.unfold_if_used();
        self.sender.way = way;
        self
    }

    /// Shows the advanced fields where one of them holds something.
    fn unfold_if_used(&mut self) {
        if Slot::ADVANCED.into_iter().any(|slot| !self.fields.is_empty(slot)) {
            self.shape = Shape::Unfolded;
            self.unfolds = Some(true);
        }
    }

    /// A form for a request in a dialog, which may begin as one that was sent.
    ///
    /// # Errors
    ///
    /// Where a form cannot hold it.
    pub(crate) fn in_dialog(
        mut self,
        context: ContextId,
        tag: Option<Box<str>>,
        like: Option<&DialogRequest>,
    ) -> Result<Composer, BeginError> {
        self.purpose = Purpose::InDialog { context, tag };
        match like {
            Some(like) => {
                self.content(&like.method, &like.headers, &like.content_type, &like.body)?;
            }
            None => self.fields.set(Slot::Method, Method::Info.as_str()),
        }
        self.focus = Slot::Method;
        Ok(self)
    }

    /// A form for the answer to a request of the peer: a 200 with that session description.
    pub(crate) fn answer(
        mut self,
        context: ContextId,
        transaction: ServerTransactionId,
        method: Method,
        session: Option<&Bytes>,
    ) -> Composer {
        self.purpose = Purpose::Answer { context, transaction, method };
        self.fields.set(Slot::Method, "200 OK");
        // RFC 3261 §13.2.1, §14.2: what the automatic answer would say of the session.
        if let Some(session) = session.and_then(plain) {
            self.fields.set(Slot::ContentType, SDP);
            self.fields.set(Slot::Body, &literal(&session));
        }
        self.focus = Slot::Method;
        self
    }

    /// A raw message, to be sent the way that it went.
    pub(crate) fn raw_like(
        mut self,
        context: ContextId,
        bytes: &Bytes,
        way: Option<Way>,
    ) -> Composer {
        self.purpose = Purpose::Like(context);
        self.shape = Shape::Raw;
        self.focus = Slot::Raw;
        self.fields.set(Slot::Raw, &raw_text::encode(bytes));
        if let Some(area) = self.fields.area_mut(Slot::Raw) {
            area.move_cursor(ratatui_textarea::CursorMove::Jump(0, 0));
        }
        self.sender.way = way;
        self
    }

    /// From the account of that index.
    pub(crate) fn sent_from(mut self, account: usize) -> Composer {
        self.sender.account = account;
        self
    }

    fn content(
        &mut self,
        method: &Method,
        headers: &[ExtraHeader],
        content_type: &Option<String>,
        body: &Bytes,
    ) -> Result<(), BeginError> {
        let body = plain(body).ok_or(BeginError::Body)?;
        self.fields.set(Slot::Method, &literal(method.as_str()));
        let line = |header: &ExtraHeader| format!("{}: {}", header.name(), header.value());
        let lines: Vec<String> = headers.iter().map(line).collect();
        self.fields.set(Slot::Headers, &literal(&lines.join("\n")));
        self.fields.set(Slot::ContentType, content_type.as_deref().unwrap_or_default());
        self.fields.set(Slot::Body, &literal(&body));
        Ok(())
    }
}

/// A body as the form holds it; `None` where the form would send other bytes.
fn plain(body: &Bytes) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let lines = text.replace("\r\n", "\n");
    let same = lines.replace('\n', "\r\n") == text;
    let visible = lines.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    (same && visible).then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_body_that_the_form_sends_again_is_taken() {
        for (body, text) in [
            (&b"v=0\r\ns=-\r\n"[..], Some("v=0\ns=-\n")),
            (b"", Some("")),
            (b"a\nb", None),
            (b"a\rb", None),
            (b"\xff", None),
            (b"\x1b[", None),
        ] {
            assert_eq!(plain(&Bytes::from_static(body)).as_deref(), text, "{body:?}");
        }
    }
}
