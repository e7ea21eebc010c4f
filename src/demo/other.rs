//! Every other request outside of a dialog: OPTIONS, MESSAGE, INFO, REGISTER, PUBLISH and what
//! nobody has heard of.

use std::time::Instant;

use crate::sip::{HeaderName, Method, StatusCode};

use super::{core::Core, registrar::EVENTS, request::Request, sdp::SDP};

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
            // RFC 3428 §7: no Contact in the 2xx to a MESSAGE.
            _ => {
                let response = request.success(StatusCode::OK);
                self.respond(now, request, StatusCode::OK, response);
            }
        }
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
