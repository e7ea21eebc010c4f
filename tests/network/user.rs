//! Users: what they want, at random times.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rand::{RngExt, seq::IndexedRandom};
use sipboard::sip::{
    Answer, CancelOptions, ContextId, Credentials, DialogRequest, Identity, Method, NewRequest,
    ServerTransactionId, StatusCode,
};

use super::{BUSY, ELSEWHERE, Line, UDP, WS, World};

impl World {
    /// A user does something, and will do something again.
    pub(super) fn user(&mut self, agent: usize) {
        let pause = Duration::from_millis(self.rng.random_range(0..400));
        self.put(pause, super::Happening::User(agent));
        match self.rng.random_range(0..1000) {
            0..450 => self.sends(agent),
            450..650 => self.cancels(agent),
            650..780 => self.hangs_up(agent),
            780..900 => self.sends_in_dialog(agent),
            900..985 => self.answers(agent),
            985..990 => {
                let flow = match self.rng.random_range(0..10) {
                    0..6 => WS,
                    6..9 => ELSEWHERE,
                    _ => UDP,
                };
                self.flow_breaks(Line { agent, flow });
            }
            990..994 => self.with(agent, |ua, now| ua.flow_error(now, UDP, "port unreachable")),
            994..996 => self.with(agent, |ua, now| ua.shut_down(now)),
            996..998 => self.far.restart(),
            _ => {
                // A driver that polls too often does no harm.
                self.with(agent, |ua, now| ua.handle_timeout(now));
            }
        }
    }

    fn sends(&mut self, agent: usize) {
        if self.agents[agent].check.under_way() >= BUSY {
            return;
        }
        let methods = [
            Method::Options,
            Method::Message,
            Method::Register,
            Method::Subscribe,
            Method::Publish,
            Method::Refer,
            Method::Info,
            Method::from("FROBNICATE"),
        ];
        let method = match self.rng.random_bool(0.6) {
            true => Method::Invite,
            false => methods.choose(&mut self.rng).expect("not empty").clone(),
        };
        let target = match self.rng.random_range(0..12) {
            0 => format!("sip:agent{}@demo.test", 1 - agent),
            1 => "sips:bob@demo.test".to_owned(),
            _ => "sip:bob@demo.test".to_owned(),
        };
        let from = Identity {
            display_name: "Alice".to_owned(),
            uri: "sip:alice@demo.test".parse().expect("a URI"),
        };
        let mut request = NewRequest::new(method, target.parse().expect("a URI"), from);
        if self.rng.random_bool(0.5) {
            request.credentials = Some(Arc::from([Credentials::new("alice", "s3cret")]));
        }
        if self.rng.random_bool(0.3) {
            request.content_type = Some("application/sdp".to_owned());
            request.body = Bytes::from_static(
                b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
            );
        }
        if self.rng.random_bool(0.1) {
            let route = if self.rng.random_bool(0.5) { "sip:p1.test;lr" } else { "sip:p1.test" };
            request.route_set.push(route.parse().expect("a URI"));
        }
        let flow = if self.rng.random_bool(0.7) { UDP } else { WS };
        self.with(agent, |ua, now| ua.request(now, flow, request));
    }

    /// A context of this user's, mostly one that is still under way.
    fn any(&mut self, agent: usize) -> Option<ContextId> {
        let check = &self.agents[agent].check;
        let last = check.contexts() as u64;
        if last == 0 {
            return None;
        }
        let mut open = check.open();
        if self.rng.random_bool(0.9) && open.len() > 0 {
            let at = self.rng.random_range(0..open.len());
            return open.nth(at);
        }
        Some(ContextId(self.rng.random_range(1..=last + 1)))
    }

    fn cancels(&mut self, agent: usize) {
        let Some(id) = self.any(agent) else { return };
        let options = CancelOptions {
            status_code: match self.rng.random_range(0..6) {
                0 => Some(480),
                1 => Some(200),
                2 => Some(700),
                _ => None,
            },
            reason_phrase: match self.rng.random_range(0..6) {
                0 => Some("enough \"of\" it".to_owned()),
                1 => Some("a\r\nb: c".to_owned()),
                _ => None,
            },
        };
        // Refused or not: what a cancel may do, `check` sees.
        let _ = self.with(agent, |ua, now| ua.cancel(now, id, options));
    }

    fn hangs_up(&mut self, agent: usize) {
        let Some(id) = self.any(agent) else { return };
        let check = &self.agents[agent].check;
        // RFC 3261 §15: an early leg too, one of several.
        let tag = check.early_tag(id).or_else(|| check.some_tag(id));
        match tag.filter(|_| self.rng.random_bool(0.5)) {
            Some(tag) => _ = self.with(agent, |ua, now| ua.hang_up_leg(now, id, &tag)),
            None => _ = self.with(agent, |ua, now| ua.hang_up(now, id)),
        }
    }

    fn sends_in_dialog(&mut self, agent: usize) {
        let Some(id) = self.any(agent) else { return };
        let methods = [
            Method::Invite,
            Method::Update,
            Method::Info,
            Method::Message,
            Method::Refer,
            Method::Subscribe,
            Method::Options,
            Method::Bye,
            Method::Ack,
        ];
        let method = methods.choose(&mut self.rng).expect("not empty").clone();
        let tag = self.agents[agent].check.some_tag(id).filter(|_| self.rng.random_bool(0.8));
        let request = DialogRequest::new(method);
        let _ = self.with(agent, |ua, now| ua.request_in_dialog(now, id, tag.as_deref(), request));
    }

    fn answers(&mut self, agent: usize) {
        if let Some(waiting) = self.agents[agent].check.waiting_answer(&mut self.rng) {
            let status = [180, 200, 200, 202, 480, 603].choose(&mut self.rng).copied();
            self.answer(agent, waiting, status.unwrap_or(200));
        }
    }

    /// Answers everything that waits for an answer by hand.
    pub(super) fn answer_all(&mut self, agent: usize) {
        while let Some(waiting) = self.agents[agent].check.waiting_answer(&mut self.rng) {
            self.answer(agent, waiting, 480);
        }
    }

    fn answer(&mut self, agent: usize, waiting: ServerTransactionId, status: u16) {
        let answer = Answer {
            status: StatusCode::new(status).expect("a status code"),
            reason: String::new(),
            headers: Vec::new(),
            content_type: None,
            body: Bytes::new(),
        };
        if status >= 200 {
            self.agents[agent].check.answered(waiting);
        }
        let _ = self.with(agent, |ua, now| ua.answer(now, waiting, answer));
    }

    /// A context goes to another server, whose connection may just have broken.
    pub(super) fn goes_elsewhere(&mut self, agent: usize, context: ContextId) {
        if self.rng.random_ratio(1, 6) {
            self.flow_breaks(Line { agent, flow: ELSEWHERE });
        }
        self.with(agent, |ua, now| ua.ride(now, context, ELSEWHERE));
    }
}
