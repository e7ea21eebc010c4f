//! SUBSCRIBE and REFER, and the NOTIFYs that follow from them (RFC 6665, RFC 3515).

use std::time::{Duration, Instant};

use crate::sip::{
    HeaderName, Message, Method, StatusCode, Transmit, Uri, header::NameAddr, syntax,
};

use super::{
    behaviour::{Behaviour, status},
    check::Refusal,
    core::{Core, Due},
    dialogs::{CallUsage, Dialog, DialogId},
    outgoing::Purpose,
    registrar::{EVENTS, LONGEST, expires},
    request::Request,
    schedule::Scheduled,
};

/// One subscription in a dialog.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    id: u64,
    /// The Event header, as the subscriber wrote it.
    event: String,
    until: Instant,
    /// Its end, or for a REFER the time at which the outcome is known.
    pub(super) timer: Scheduled,
    subject: Subject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A state that never changes while somebody looks.
    State,
    /// What became of a REFER.
    Refer { outcome: StatusCode },
}

/// A dialog holds no more subscriptions than this.
const MAX_SUBSCRIPTIONS: usize = 16;

/// How long the subscription of a REFER lasts at most, in seconds.
const REFER_EXPIRES: u32 = 60;

impl Core {
    pub(super) fn on_subscribe(
        &mut self,
        now: Instant,
        request: &Request,
        dialog: Option<DialogId>,
    ) {
        let Some(event) = event_of(&request.message) else {
            // RFC 6665 §7.2.
            return self.refuse(now, request, &Refusal::with(489, HeaderName::AllowEvents, EVENTS));
        };
        let seconds = expires(&request.message).unwrap_or(LONGEST).min(LONGEST);
        let Some((id, tag)) = self.subscription_dialog(now, request, dialog) else { return };
        let until = now + Duration::from_secs(seconds.into());
        let subscription = self.subscribe(id, event, until, until, Subject::State);
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        dialog.refresh(request);
        let response = request
            .success(StatusCode::OK)
            .header(HeaderName::Contact, dialog.contact.clone())
            .header(HeaderName::Expires, seconds.to_string())
            .to_tag(tag);
        self.respond(now, request, StatusCode::OK, response);
        // RFC 6665 §4.2.1.2: a NOTIFY at once, and the last one where the subscriber has had enough.
        self.notify(now, id, subscription, (seconds == 0).then_some("timeout"));
    }

    pub(super) fn on_refer(&mut self, now: Instant, request: &Request, dialog: Option<DialogId>) {
        let message = &request.message;
        let mut targets = message.list(HeaderName::ReferTo);
        let outcome = match (targets.next(), targets.next()) {
            // Deviation: RFC 3515 §2.4.2 wants exactly one. Who only tries the method out names
            // nobody, and is told that it went well.
            (None, _) => StatusCode::OK,
            (Some(target), None) => match NameAddr::parse(HeaderName::ReferTo, target) {
                Ok(target) => Behaviour::of_uri(&target.uri()).outcome(),
                Err(error) => {
                    return self.refuse(now, request, &Refusal::because(400, error.to_string()));
                }
            },
            (Some(_), Some(_)) => {
                let refusal = Refusal::because(400, "A REFER has one Refer-To");
                return self.refuse(now, request, &refusal);
            }
        };
        // RFC 4488 §4: the referrer may do without the subscription.
        let silent = message.list(HeaderName::ReferSub).any(|value| {
            value.split(';').next().is_some_and(|v| syntax::trim(v).eq_ignore_ascii_case("false"))
        });
        if silent {
            let response = request.success(status(202)).header(HeaderName::ReferSub, "false");
            let response = response.header(HeaderName::Contact, request.contact());
            self.respond(now, request, status(202), response);
            return;
        }
        let Ok(cseq) = message.cseq().map(|cseq| cseq.number) else { return };
        let Some((id, tag)) = self.subscription_dialog(now, request, dialog) else { return };
        // RFC 3515 §2.4.6: the id tells several REFERs of one dialog apart.
        let event = format!("refer;id={cseq}");
        let until = now + Duration::from_secs(REFER_EXPIRES.into());
        let known = now + self.settings.pace.answer;
        let subscription = self.subscribe(id, &event, until, known, Subject::Refer { outcome });
        let Some(dialog) = self.dialogs.by_id(id) else { return };
        dialog.refresh(request);
        let response = request
            .success(status(202))
            .header(HeaderName::Contact, dialog.contact.clone())
            .to_tag(tag);
        self.respond(now, request, status(202), response);
        self.notify(now, id, subscription, None);
    }

    /// The dialog that a subscription lives in, and our tag of it.
    fn subscription_dialog(
        &mut self,
        now: Instant,
        request: &Request,
        dialog: Option<DialogId>,
    ) -> Option<(DialogId, String)> {
        let tag = self.identifiers.tag();
        let Some(id) = dialog else {
            let dialog = Dialog::new(request, &tag, CallUsage::None)?;
            return Some((self.add_dialog(dialog), tag));
        };
        let full = self.dialogs.by_id(id)?.subscriptions.len() >= MAX_SUBSCRIPTIONS;
        if full {
            let refusal = Refusal::because(403, "Too many subscriptions in this dialog");
            self.refuse(now, request, &refusal);
            return None;
        }
        Some((id, tag))
    }

    /// Adds a subscription, or refreshes the one with the same Event.
    fn subscribe(
        &mut self,
        dialog_id: DialogId,
        event: &str,
        until: Instant,
        wake: Instant,
        subject: Subject,
    ) -> u64 {
        let Some(dialog) = self.dialogs.by_id(dialog_id) else { return 0 };
        let known = dialog.subscriptions.iter().position(|known| same_event(&known.event, event));
        let id = match known {
            Some(known) => {
                let old = dialog.subscriptions.remove(known);
                self.schedule.cancel(old.timer);
                old.id
            }
            None => dialog.subscriptions.iter().map(|known| known.id).max().unwrap_or(0) + 1,
        };
        let timer = self.schedule.add(wake, Due::Subscription(dialog_id, id));
        let event = event.to_owned();
        dialog.subscriptions.push(Subscription { id, event, until, timer, subject });
        id
    }

    /// The time of a subscription has come: it expires, or a REFER's outcome is known.
    pub(super) fn on_subscription_due(&mut self, now: Instant, dialog: DialogId, id: u64) {
        let subscription = self
            .dialogs
            .by_id(dialog)
            .and_then(|dialog| dialog.subscriptions.iter().find(|known| known.id == id));
        let reason = match subscription.map(|subscription| subscription.subject) {
            Some(Subject::State) => "timeout",
            Some(Subject::Refer { .. }) => "noresource",
            None => return,
        };
        self.notify(now, dialog, id, Some(reason));
    }

    /// Sends a NOTIFY; with a reason it is the subscription's last.
    fn notify(&mut self, now: Instant, dialog_id: DialogId, id: u64, end: Option<&str>) {
        let branch = self.identifiers.branch();
        let Some(dialog) = self.dialogs.by_id(dialog_id) else { return };
        let known = dialog.subscriptions.iter().find(|known| known.id == id);
        let Some(Subscription { event, until, subject, .. }) = known.cloned() else { return };
        let state = match end {
            Some(reason) => format!("terminated;reason={reason}"),
            None => format!("active;expires={}", until.duration_since(now).as_secs()),
        };
        let body = match subject {
            Subject::Refer { .. } if end.is_none() => {
                Some(("message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n".to_owned()))
            }
            Subject::Refer { outcome } => Some((
                "message/sipfrag;version=2.0",
                format!("SIP/2.0 {outcome} {}\r\n", outcome.canonical_reason()),
            )),
            Subject::State => state_of(&event, dialog.local_uri()),
        };
        let flow = dialog.flow;
        let headers = [(HeaderName::Event, &*event), (HeaderName::SubscriptionState, &*state)];
        let body = body.as_ref().map(|(content_type, body)| (*content_type, body.as_bytes()));
        let (bytes, to) = dialog.request(&Method::Notify, branch, &headers, body);
        let request = Transmit { flow: flow.id, to, bytes };
        let reliable = flow.transport.is_reliable();
        let purpose = Purpose::Notify(dialog_id, id);
        let transmit = self.outgoing.send(now, branch, reliable, request, purpose);
        self.transmit(transmit);
        if end.is_some() {
            self.end_subscription(dialog_id, id);
        }
    }

    /// Forgets a subscription; its dialog too where nothing else uses it.
    pub(super) fn end_subscription(&mut self, dialog_id: DialogId, id: u64) {
        let Some(dialog) = self.dialogs.by_id(dialog_id) else { return };
        let Some(known) = dialog.subscriptions.iter().position(|known| known.id == id) else {
            return;
        };
        let timer = dialog.subscriptions.remove(known).timer;
        let unused = dialog.is_unused();
        self.schedule.cancel(timer);
        if unused {
            self.drop_dialog(dialog_id);
        }
    }

    /// Ends every subscription of a dialog, for good.
    pub(super) fn end_subscriptions(&mut self, now: Instant, dialog_id: DialogId) {
        let Some(dialog) = self.dialogs.by_id(dialog_id) else { return };
        let ids: Vec<u64> = dialog.subscriptions.iter().map(|known| known.id).collect();
        for id in ids {
            self.notify(now, dialog_id, id, Some("deactivated"));
        }
    }
}

impl Dialog {
    /// Our identity in the dialog.
    fn local_uri(&self) -> Option<Uri<'_>> {
        NameAddr::parse(HeaderName::To, self.local_identity()).ok().map(|to| to.uri())
    }
}

/// The event of a request; `None` where it is not one that is served (RFC 6665 §8.2.1: a package,
/// then parameters).
///
/// Deviation: where there is no Event it is `presence`, for who only tries the method out.
pub(super) fn event_of(request: &Message) -> Option<&str> {
    let Some(event) = request.header(HeaderName::Event) else { return Some("presence") };
    let event = syntax::trim(event.text().ok()?);
    let package = syntax::trim(event.split(';').next().unwrap_or(""));
    EVENTS.split(", ").any(|known| known == package).then_some(event)
}

/// RFC 6665 §8.2.1: the package and the `id` tell subscriptions apart, byte for byte.
fn same_event(a: &str, b: &str) -> bool {
    let key = |event: &str| {
        let mut parts = event.split(';').map(syntax::trim);
        let package = parts.next().unwrap_or("").to_owned();
        let id = parts.find_map(|part| Some(part.strip_prefix("id=")?.to_owned()));
        (package, id)
    };
    key(a) == key(b)
}

/// What there is to say of us, in the packages that need a body.
fn state_of(event: &str, uri: Option<Uri<'_>>) -> Option<(&'static str, String)> {
    let uri = uri.map(|uri| uri.as_str()).unwrap_or("sip:demo.test");
    match syntax::trim(event.split(';').next().unwrap_or("")) {
        "presence" => Some((
            "application/pidf+xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
                 <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\">\r\n\
                 <tuple id=\"demo\"><status><basic>open</basic></status></tuple>\r\n</presence>\r\n",
                xml(uri)
            ),
        )),
        "message-summary" => Some((
            "application/simple-message-summary",
            format!("Messages-Waiting: no\r\nMessage-Account: {uri}\r\n"),
        )),
        _ => None,
    }
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_by_package_and_id() {
        for (a, b, same) in [
            ("presence", "presence;x=y", true),
            ("presence;id=1", "presence ; id=1", true),
            ("presence;id=1", "presence", false),
            ("presence", "dialog", false),
        ] {
            assert_eq!(same_event(a, b), same, "{a} {b}");
        }
        for (header, event) in [
            ("", Some("presence")),
            ("Event: dialog ;id=1\r\n", Some("dialog ;id=1")),
            ("Event: \r\n", None),
            ("Event: x.y\r\n", None),
            ("Event: Presence\r\n", None),
        ] {
            let text = format!("SUBSCRIBE sip:al@demo.test SIP/2.0\r\n{header}\r\n");
            assert_eq!(event_of(&Message::read(text.into()).unwrap()), event, "{header}");
        }
    }
}
