//! Which client transaction a message belongs to (RFC 3261 §17.1.3, §18.1.2).

use memchr::memmem;

use super::{
    UserAgent,
    transactions::{Entry, Key},
};
use crate::sip::{
    event::FlowId,
    header::{HeaderError, Via},
    message::{Essentials, Header, Message, StartLine},
    name::HeaderName,
    random::Branch,
};

impl UserAgent {
    /// The transaction that a response answers, or a request of ours begins.
    pub(super) fn find_transaction(&self, flow: FlowId, message: &Message) -> Result<Key, String> {
        if let Some(key) = self.find_raw(flow, message) {
            self.answers_raw(key, message)?;
            self.answers_request(key, message)?;
            return Ok(key);
        }
        if let StartLine::Status { version, .. } = message.start_line()
            && !version.eq_ignore_ascii_case("SIP/2.0")
        {
            return Err(format!("its version {version} is not SIP/2.0 (RFC 3261 §7.1)"));
        }
        let Essentials { via, cseq, .. } =
            message.essentials().map_err(|error: HeaderError| error.to_string())?;
        // RFC 3261 §8.1.3.3: more than one Via means that it was meant for somebody else.
        if message.list(HeaderName::Via).nth(1).is_some() {
            return Err(TOO_MANY_VIAS.to_owned());
        }
        let Some(branch) = via.branch() else {
            return Err("its top Via has no branch".to_owned());
        };
        // RFC 3261 §18.1.2: the sent-by must be what was sent, on this connection or the one before.
        if !self.flows.is_sent_by(flow, &via) && !self.was_sent_by(&via) {
            let port = via.port().map(|port| format!(":{port}")).unwrap_or_default();
            return Err(format!(
                "the sent-by of its top Via, {}{port}, is somebody else's (RFC 3261 §18.1.2)",
                via.host()
            ));
        }
        let key = Branch::parse(branch)
            .filter(|branch| !self.transactions.is_foreign(*branch))
            .map(|branch| Key { branch, is_cancel: cseq.method == "CANCEL" })
            .filter(|key| {
                let entry = self.transactions.entry(*key);
                entry.is_some_and(|entry| entry.method.as_str() == cseq.method)
            });
        let key = key.ok_or_else(|| {
            format!("no {} with the branch {branch} is under way (RFC 3261 §17.1.3)", cseq.method)
        })?;
        self.answers_request(key, message)?;
        Ok(key)
    }

    /// Whether a Via is the one of a request that its branch names. A connection that was made again
    /// mostly has another name.
    fn was_sent_by(&self, via: &Via<'_>) -> bool {
        let entry = |is_cancel| {
            let branch = Branch::parse(via.branch()?)?;
            self.transactions.entry(Key { branch, is_cancel })
        };
        let is_same = |entry: &Entry| {
            let sent = Message::read(entry.transaction.request().clone()).ok();
            sent.is_some_and(|sent| {
                sent.via().is_ok_and(|sent| (sent.host(), sent.port()) == (via.host(), via.port()))
            })
        };
        [false, true].into_iter().filter_map(entry).any(is_same)
    }

    /// Whether a response copies what it must copy of the request that its branch names
    /// (RFC 3261 §8.2.6.2). What cannot be read of a raw request cannot be compared.
    fn answers_request(&self, key: Key, message: &Message) -> Result<(), String> {
        let request = self.transactions.entry(key).map(|entry| entry.transaction.request());
        let Some(request) = request.filter(|_| message.status().is_some()) else { return Ok(()) };
        // RFC 3261 §8.2.6.2: mostly they come back as they went out.
        if COPIED.iter().all(|(name, line)| is_copied(request, line, message.header(*name))) {
            return Ok(());
        }
        let Ok(sent) = Message::read(request.clone()) else { return Ok(()) };
        let of_another = |name: HeaderName, what: &str| {
            let name = name.as_str();
            Err(format!(
                "its branch is that of a request of ours, but its {name} has another {what} (RFC 3261 §8.2.6.2)"
            ))
        };
        let call_ids = (sent.call_id(), message.call_id());
        if matches!(call_ids, (Ok(ours), Ok(theirs)) if ours != theirs) {
            return of_another(HeaderName::CallId, "value");
        }
        if let (Ok(ours), Ok(theirs)) = (sent.from(), message.from())
            && ours.tag() != theirs.tag()
        {
            return of_another(HeaderName::From, "tag");
        }
        if let (Ok(ours), Ok(theirs)) = (sent.cseq(), message.cseq())
            && ours.number != theirs.number
        {
            return of_another(HeaderName::CSeq, "number");
        }
        Ok(())
    }

    /// Whether a response can be what a raw request is answered with. What the user wrote twice may
    /// come back twice: of the headers it must have no more than what has found the transaction.
    fn answers_raw(&self, key: Key, message: &Message) -> Result<(), String> {
        if message.is_request() {
            return Ok(());
        }
        if let Some(defect) = message.defect() {
            return Err(defect.to_string());
        }
        // RFC 3261 §8.1.3.3, but for the Vias that were written on purpose: they all come back.
        let vias = |message: &Message| message.list(HeaderName::Via).count();
        let sent = self.transactions.entry(key).map(|entry| entry.transaction.request().clone());
        let sent = sent.and_then(|sent| Message::read(sent).ok());
        let came = vias(message);
        if came > 1 && sent.is_none_or(|sent| vias(&sent) != came) {
            return Err(TOO_MANY_VIAS.to_owned());
        }
        Ok(())
    }
}

const TOO_MANY_VIAS: &str = "it has more than one Via (RFC 3261 §8.1.3.3)";

/// What a response has of its request, and how the request begins a line of it.
const COPIED: [(HeaderName, &[u8]); 3] = [
    (HeaderName::CallId, b"\r\nCall-ID: "),
    (HeaderName::From, b"\r\nFrom: "),
    (HeaderName::CSeq, b"\r\nCSeq: "),
];

/// Whether a header stands in a request byte for byte.
fn is_copied(request: &[u8], line: &[u8], header: Option<Header<'_>>) -> bool {
    let (Some(at), Some(header)) = (memmem::find(request, line), header) else { return false };
    let rest = request[at + line.len()..].strip_prefix(header.value);
    rest.is_some_and(|rest| rest.starts_with(b"\r\n"))
}
