//! Every other request outside of a dialog: OPTIONS, MESSAGE, INFO, REGISTER and PUBLISH.

use std::time::Instant;

use crate::sip::{HeaderName, Method, StatusCode, syntax};

use super::{
    behaviour::status,
    check::Refusal,
    core::{Core, Due},
    digest::{Algorithm, Verdict},
    registrar::EVENTS,
    request::Request,
    sdp::SDP,
};

impl Core {
    pub(super) fn on_other(&mut self, now: Instant, request: &Request) {
        match request.method {
            Method::Subscribe => self.on_subscribe(now, request, None),
            Method::Refer => self.on_refer(now, request, None),
            Method::Register => self.on_register(now, request),
            Method::Publish => self.on_publish(now, request),
            Method::Options => {
                // RFC 3261 §11.2.
                let response = request
                    .success(StatusCode::OK)
                    .header(HeaderName::Accept, SDP)
                    .header(HeaderName::AcceptEncoding, "identity")
                    .header(HeaderName::AcceptLanguage, "en")
                    .header(HeaderName::AllowEvents, EVENTS)
                    .header(HeaderName::Contact, request.contact());
                self.respond(now, request, StatusCode::OK, response);
            }
            // RFC 3261 §8.2.1: every answer has Allow.
            Method::Extension(_) => self.refuse(now, request, &Refusal::new(405)),
            // RFC 3428 §7: no Contact in the 2xx to a MESSAGE.
            _ => {
                let response = request.success(StatusCode::OK);
                self.respond(now, request, StatusCode::OK, response);
            }
        }
    }

    /// RFC 4320 §4.1: over UDP a 100 to a request that is no INVITE waits until Timer E is at T2.
    pub(super) fn answer_slowly(&mut self, now: Instant, request: Request) {
        let timing = self.settings.timing;
        let (mut wait, mut interval) = (timing.t1, timing.t1);
        while interval < timing.t2 {
            interval = timing.back_off(interval);
            wait += interval;
        }
        // The copy that the peer sends just then is absorbed first, and not answered as well.
        wait += timing.t1 / 10;
        let trying = Box::new(request.clone());
        if request.flow.transport.is_reliable() {
            self.respond(now, &request, StatusCode::TRYING, request.response(StatusCode::TRYING));
        } else if wait < self.settings.pace.slow {
            self.schedule.add(now + wait, Due::Answer(trying, StatusCode::TRYING));
        }
        let at = now + self.settings.pace.slow;
        self.schedule.add(at, Due::Answer(Box::new(request), StatusCode::OK));
    }

    /// Whether a request's credentials are good; where not, it has been challenged.
    pub(super) fn authenticate(
        &mut self,
        now: Instant,
        request: &Request,
        offered: &[Algorithm],
    ) -> bool {
        let verdict = self.services.authenticator.verify(now, &request.message, offered);
        if verdict == Verdict::Good {
            return true;
        }
        let salt = self.identifiers.tag();
        let stale = matches!(verdict, Verdict::Stale(_));
        let mut response = request.response(status(407));
        for challenge in self.services.authenticator.challenges(now, &salt, stale, offered) {
            response = response.header(HeaderName::ProxyAuthenticate, challenge);
        }
        if let Some(why) = verdict.reason() {
            let warning = format!("399 sipboard {}", syntax::quote(why));
            response = response.header(HeaderName::Warning, warning);
        }
        self.respond(now, request, status(407), response);
        false
    }

    fn on_register(&mut self, now: Instant, request: &Request) {
        match self.services.registrar.register(now, &request.message) {
            Ok(contacts) => {
                let mut response = request.success(StatusCode::OK);
                for contact in contacts {
                    response = response.header(HeaderName::Contact, contact);
                }
                self.respond(now, request, StatusCode::OK, response);
            }
            Err(refusal) => self.refuse(now, request, &refusal),
        }
    }

    fn on_publish(&mut self, now: Instant, request: &Request) {
        let tag = self.identifiers.tag();
        match self.services.publications.publish(now, &request.message, &tag) {
            Ok(seconds) => {
                let response = request
                    .success(StatusCode::OK)
                    .header(HeaderName::SipEtag, tag)
                    .header(HeaderName::Expires, seconds.to_string());
                self.respond(now, request, StatusCode::OK, response);
            }
            Err(refusal) => self.refuse(now, request, &refusal),
        }
    }
}
