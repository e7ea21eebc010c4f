//! The far side: a proxy that forks, and peers behind it that do whatever they like, also what no
//! peer may do.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use sipboard::sip::{FlowId, HeaderName, Message, MessageBuilder, Method, UriBuf};

use super::{
    Line,
    write::{SDP, agent_of, damaged, response, start, tag_of},
};

/// Another server, by TCP.
pub const ELSEWHERE: &str = "192.0.2.9:5070";

/// Whether a hop is that server.
pub fn is_elsewhere(hop: &UriBuf) -> bool {
    hop.as_str().contains(ELSEWHERE)
}

/// What comes of a message or of time.
#[derive(Debug)]
pub enum Out {
    Send(Line, Bytes),
    Later(Plan),
}

/// What the far side will do later.
#[derive(Debug)]
pub enum Plan {
    /// Answer an INVITE, once more.
    Respond { branch: String, what: What },
    /// Send a response again until its ACK comes.
    Repeat { line: Line, key: (String, String), bytes: Bytes, pause: Duration, left: u8 },
    /// Send a request in a dialog.
    Request { dialog: u64 },
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    Trying,
    Tagless,
    Ringing { fork: usize, reliable: bool },
    Gone { fork: usize },
    Success { fork: usize },
    Final(u16),
    Challenge,
}

#[derive(Debug)]
struct Call {
    line: Line,
    invite: Message,
    tags: Vec<String>,
    rseqs: Vec<u32>,
    last: Option<Bytes>,
}

#[derive(Debug)]
struct Dialog {
    line: Line,
    call_id: String,
    from: String,
    to: String,
    target: String,
    cseq: u32,
}

pub struct Far {
    rng: StdRng,
    count: u64,
    /// The INVITEs that came, by their branch.
    calls: HashMap<String, Call>,
    /// The tags that the last try of an INVITE got, by its Call-ID.
    tags: HashMap<String, Vec<String>>,
    dialogs: BTreeMap<u64, Dialog>,
    /// Requests of our own: the branch, and what was sent.
    requests: HashMap<String, Message>,
    /// What was acknowledged: branch and To tag of a rejection, Call-ID and To tag of a 2xx.
    acked: HashSet<(String, String)>,
    /// Where the answers to forwarded requests go.
    forwarded: HashMap<String, Line>,
}

type Outs = Vec<(Duration, Out)>;

impl Far {
    pub fn new(seed: u64) -> Far {
        Far {
            rng: StdRng::seed_from_u64(seed),
            count: 0,
            calls: HashMap::new(),
            tags: HashMap::new(),
            dialogs: BTreeMap::new(),
            requests: HashMap::new(),
            acked: HashSet::new(),
            forwarded: HashMap::new(),
        }
    }

    /// Everything is forgotten.
    pub fn restart(&mut self) {
        let (seed, count) = (self.rng.random(), self.count);
        *self = Far { count, ..Far::new(seed) };
    }

    pub fn receive(&mut self, line: Line, bytes: Bytes, out: &mut Outs) {
        let message = Message::read(bytes).expect("the user agent writes what can be read");
        let branch = message.via().ok().and_then(|via| via.branch().map(str::to_owned));
        // The answer to a damaged request may have none.
        let Some(branch) = branch else { return };
        match message.method() {
            None => self.response(line, &branch, &message, out),
            Some(_) if agent_of(&message).is_some() => self.forward(line, &branch, &message, out),
            Some(Method::Invite) => self.invite(line, branch, message, out),
            Some(Method::Ack) => {
                let tag = tag_of(&message);
                self.acked.insert((branch, tag.clone()));
                let call_id = message.call_id().expect("it has one").to_owned();
                self.acked.insert((call_id, tag));
            }
            Some(Method::Cancel) => self.cancel(line, &branch, &message, out),
            Some(_) => self.other(line, &message, out),
        }
    }

    pub fn go_on(&mut self, plan: Plan, out: &mut Outs) {
        match plan {
            Plan::Respond { branch, what } => self.respond(&branch, what, out),
            Plan::Repeat { line, key, bytes, pause, left } => {
                if left > 0 && !self.acked.contains(&key) {
                    self.send(line, Duration::ZERO, bytes.clone(), out);
                    let next = (pause * 2).min(Duration::from_secs(4));
                    let plan = Plan::Repeat { line, key, bytes, pause: next, left: left - 1 };
                    out.push((pause, Out::Later(plan)));
                }
            }
            Plan::Request { dialog } => self.request(dialog, out),
        }
    }

    fn invite(&mut self, line: Line, branch: String, invite: Message, out: &mut Outs) {
        if let Some(call) = self.calls.get(&branch) {
            if let Some(last) = call.last.clone().filter(|_| self.rng.random_bool(0.6)) {
                self.send(line, Duration::ZERO, last, out);
            }
            return;
        }
        let forks = self.rng.random_range(1..=3);
        let in_dialog = invite.to().is_ok_and(|to| to.tag().is_some());
        let tags = self.tags(&invite, forks);
        let signed = [HeaderName::Authorization, HeaderName::ProxyAuthorization]
            .iter()
            .any(|name| invite.header(*name).is_some());
        let call = Call { line, invite, tags, rseqs: vec![0; forks], last: None };
        self.calls.insert(branch.clone(), call);
        if self.rng.random_bool(0.08) {
            return;
        }
        let mut plan = Vec::new();
        let mut at = 0;
        if self.rng.random_bool(0.6) {
            plan.push((0, What::Trying));
        }
        if self.rng.random_bool(if signed { 0.1 } else { 0.25 }) {
            plan.push((self.rng.random_range(0..300), What::Challenge));
        } else {
            for _ in 0..self.rng.random_range(0..5) {
                at += self.rng.random_range(0..2500);
                plan.push((at, self.provisional(forks)));
            }
            at += self.rng.random_range(0..4000);
            match self.rng.random_range(0..100) {
                0..55 => {
                    let answering = if in_dialog { 1 } else { self.rng.random_range(1..=forks) };
                    for fork in 0..answering {
                        plan.push((at, What::Success { fork }));
                        at += self.rng.random_range(0..4000);
                    }
                }
                55..85 => plan.push((at, What::Final(self.rejection()))),
                _ => {}
            }
            // What no peer may do: go on after the end.
            if self.rng.random_bool(0.05) {
                plan.push((at + 500, self.provisional(forks)));
                plan.push((at + 900, What::Final(self.rejection())));
                plan.push((at + 1200, What::Success { fork: 0 }));
            }
        }
        for (at, what) in plan {
            let plan = Plan::Respond { branch: branch.clone(), what };
            out.push((Duration::from_millis(at), Out::Later(plan)));
        }
    }

    /// The tags of the forks; who has had an earlier try of the INVITE may keep them, and should not.
    fn tags(&mut self, invite: &Message, forks: usize) -> Vec<String> {
        let call_id = invite.call_id().expect("it has one").to_owned();
        let kept = self.tags.get(&call_id).filter(|_| self.rng.random_bool(0.4));
        let mut tags = kept.cloned().unwrap_or_default();
        tags.extend((tags.len()..forks).map(|_| self.fresh("t")));
        self.tags.insert(call_id, tags.clone());
        tags.truncate(forks);
        tags
    }

    fn provisional(&mut self, forks: usize) -> What {
        let fork = self.rng.random_range(0..forks);
        match self.rng.random_range(0..10) {
            0 => What::Tagless,
            1 => What::Gone { fork },
            n => What::Ringing { fork, reliable: n < 5 },
        }
    }

    fn rejection(&mut self) -> u16 {
        let statuses = [
            300, 302, 302, 305, 380, 400, 403, 404, 405, 408, 415, 420, 422, 480, 481, 484, 486,
            487, 488, 491, 500, 503, 600, 603, 699,
        ];
        *statuses.choose(&mut self.rng).expect("not empty")
    }

    fn respond(&mut self, branch: &str, what: What, out: &mut Outs) {
        let Some(mut call) = self.calls.remove(branch) else { return };
        let line = call.line;
        // A restart may have made another number of forks of it.
        let tag = |fork: usize| call.tags[fork % call.tags.len()].clone();
        let contact = |builder: MessageBuilder| {
            builder.header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
        };
        let record_route = self.rng.random_range(0..6);
        let routed = |builder: MessageBuilder| match record_route {
            0 => builder.header(HeaderName::RecordRoute, "<sip:p1.test;lr>, <sip:p2.test>"),
            1 => builder.header(HeaderName::RecordRoute, "<sip:p1.test;lr>"),
            2 if line.flow == FlowId(1) => {
                let route = format!("<sip:{ELSEWHERE};transport=tcp;lr>");
                builder.header(HeaderName::RecordRoute, route)
            }
            _ => builder,
        };
        let mut repeats = None;
        let bytes = match what {
            What::Trying => response(&call.invite, 100, "", |b| b),
            What::Tagless => response(&call.invite, 183, "", |b| b),
            What::Gone { fork } => response(&call.invite, 199, &tag(fork), |b| b),
            What::Ringing { fork, reliable } => {
                let tag = tag(fork);
                // Sometimes one is left out, or comes again.
                let fork = fork % call.tags.len();
                call.rseqs[fork] += [1, 1, 1, 1, 0, 2][self.rng.random_range(0..6)];
                let rseq = call.rseqs[fork];
                let offer = self.rng.random_bool(0.2);
                let mut builder = start(&call.invite, 180, &tag);
                builder = routed(contact(builder));
                if reliable && rseq > 0 {
                    builder = builder
                        .header(HeaderName::Require, "100rel")
                        .header(HeaderName::RSeq, rseq);
                }
                if offer {
                    builder.body(Some("application/sdp"), SDP)
                } else {
                    builder.body(None, b"")
                }
            }
            What::Success { fork } => {
                let tag = if self.rng.random_ratio(1, 60) { String::new() } else { tag(fork) };
                let bytes = response(&call.invite, 200, &tag, |b| routed(contact(b)));
                let tag = tag_of(&Message::read(bytes.clone()).expect("just written"));
                let call_id = call.invite.call_id().expect("it has one").to_owned();
                self.dialog(&call, &bytes, out);
                repeats = Some((call_id, tag));
                bytes
            }
            What::Final(status) => {
                repeats = Some((branch.to_owned(), tag(0)));
                self.rejects(&call.invite, status, &tag(0))
            }
            What::Challenge => {
                repeats = Some((branch.to_owned(), tag(0)));
                self.challenge(&call.invite, &tag(0))
            }
        };
        if let Some(key) = repeats {
            let pause = Duration::from_millis(500);
            let plan = Plan::Repeat { line, key, bytes: bytes.clone(), pause, left: 6 };
            out.push((pause, Out::Later(plan)));
        }
        call.last = Some(bytes.clone());
        self.calls.insert(branch.to_owned(), call);
        self.send(line, Duration::ZERO, bytes, out);
    }

    fn rejects(&mut self, request: &Message, status: u16, tag: &str) -> Bytes {
        let count = self.count;
        response(request, status, tag, |builder| match status {
            300..=399 => builder.header(
                HeaderName::Contact,
                format_args!(
                    "<sip:c{}@demo.test>;q=0.5, <sips:d@demo.test>;q=0.9, <sip:bob@demo.test>",
                    count % 5
                ),
            ),
            503 => builder.header(HeaderName::RetryAfter, 3),
            422 => builder.header(HeaderName::MinSe, 1800),
            420 => builder.header(HeaderName::Unsupported, "100rel"),
            _ => builder,
        })
    }

    fn challenge(&mut self, request: &Message, tag: &str) -> Bytes {
        let nonce = match self.rng.random_range(0..3) {
            0 => "n1".to_owned(),
            _ => self.fresh("n"),
        };
        let stale = if self.rng.random_bool(0.3) { ", stale=true" } else { "" };
        let algorithm = ["MD5", "SHA-256", "SHA-512-256", "FOO"][self.rng.random_range(0..4)];
        let (status, name) = match self.rng.random_bool(0.5) {
            true => (401, HeaderName::WwwAuthenticate),
            false => (407, HeaderName::ProxyAuthenticate),
        };
        let realm = ["demo.test", "other.test"][self.rng.random_range(0..2)];
        response(request, status, tag, |builder| {
            builder.header(
                name,
                format_args!(
                    "Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}{stale}"
                ),
            )
        })
    }

    fn cancel(&mut self, line: Line, branch: &str, cancel: &Message, out: &mut Outs) {
        let delay = Duration::from_millis(self.rng.random_range(0..300));
        match self.rng.random_range(0..10) {
            0 => {}
            1 => self.send(line, delay, response(cancel, 481, "x", |b| b), out),
            n => {
                if n == 2 {
                    self.send(line, delay, response(cancel, 100, "", |b| b), out);
                }
                self.send(line, delay, response(cancel, 200, "x", |b| b), out);
            }
        }
        let what = match self.rng.random_range(0..10) {
            0 => return,
            1 => What::Success { fork: 0 },
            _ => What::Final(487),
        };
        out.push((delay, Out::Later(Plan::Respond { branch: branch.to_owned(), what })));
    }

    /// Any request but INVITE, ACK and CANCEL.
    fn other(&mut self, line: Line, request: &Message, out: &mut Outs) {
        let delay = Duration::from_millis(self.rng.random_range(0..200));
        let tag = self.fresh("o");
        let in_dialog = request.to().is_ok_and(|to| to.tag().is_some());
        let bytes = match self.rng.random_range(0..100) {
            0..8 => return,
            8..15 => response(request, 100, "", |b| b),
            15..30 => {
                let status = self.rejection();
                self.rejects(request, status, &tag)
            }
            30..45 if !in_dialog => self.challenge(request, &tag),
            30..36 => self.challenge(request, &tag),
            36..38 => response(request, 481, &tag, |b| b),
            _ => response(request, 200, &tag, |b| {
                b.header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
                    .header(HeaderName::from_bytes(b"Authentication-Info"), "nextnonce=\"nn\"")
            }),
        };
        self.send(line, delay, bytes, out);
    }

    /// A dialog has come to be: the peer will have something to say in it.
    fn dialog(&mut self, call: &Call, success: &Bytes, out: &mut Outs) {
        let success = Message::read(success.clone()).expect("just written");
        let text = |message: &Message, name| {
            message.header(name).and_then(|h| h.text().ok().map(str::to_owned)).unwrap_or_default()
        };
        let Ok(contact) = call.invite.contact() else { return };
        let dialog = Dialog {
            line: call.line,
            call_id: text(&success, HeaderName::CallId),
            from: text(&success, HeaderName::To),
            to: text(&success, HeaderName::From),
            target: contact.uri().as_str().to_owned(),
            cseq: self.rng.random_range(1..100),
        };
        self.count += 1;
        self.dialogs.insert(self.count, dialog);
        for _ in 0..self.rng.random_range(0..5) {
            let at = Duration::from_millis(self.rng.random_range(0..30_000));
            out.push((at, Out::Later(Plan::Request { dialog: self.count })));
        }
    }

    fn request(&mut self, id: u64, out: &mut Outs) {
        let branch = self.fresh("z9hG4bKfar");
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        let methods = [
            Method::Bye,
            Method::Invite,
            Method::Invite,
            Method::Update,
            Method::Info,
            Method::Options,
            Method::Notify,
            Method::Refer,
            Method::Message,
            Method::Prack,
            Method::Cancel,
            Method::Subscribe,
            Method::from("FROBNICATE"),
        ];
        let method = methods.choose(&mut self.rng).expect("not empty").clone();
        dialog.cseq = match self.rng.random_range(0..10) {
            0 => dialog.cseq.saturating_sub(3),
            _ => dialog.cseq + 1,
        };
        let mut builder = MessageBuilder::request(&method, &dialog.target)
            .header(
                HeaderName::Via,
                format_args!("SIP/2.0/UDP 192.0.2.2:5060;branch={branch};rport"),
            )
            .header(HeaderName::From, &dialog.from)
            .header(HeaderName::To, &dialog.to)
            .header(HeaderName::CallId, &dialog.call_id)
            .header(HeaderName::CSeq, format_args!("{} {method}", dialog.cseq))
            .header(HeaderName::Contact, "<sip:bob2@192.0.2.3:5060>");
        if self.rng.random_bool(0.05) {
            builder = builder.header(HeaderName::Require, "frobnication");
        } else if method == Method::Invite && self.rng.random_bool(0.4) {
            builder = builder.header(HeaderName::Require, "100rel");
        }
        if method == Method::Notify && self.rng.random_bool(0.9) {
            let events = ["refer", "refer", "refer;id=2", "presence"];
            let states = ["active;expires=20", "active", "pending", "terminated;reason=noresource"];
            builder = builder
                .header(HeaderName::Event, events.choose(&mut self.rng).expect("not empty"))
                .header(
                    HeaderName::SubscriptionState,
                    states.choose(&mut self.rng).expect("not empty"),
                );
        }
        let bytes = match self.rng.random_range(0..4) {
            0 => builder.body(Some("application/sdp"), SDP),
            1 if method == Method::Invite => builder.body(Some("text/plain"), b"hello"),
            _ => builder.body(None, b""),
        };
        let line = dialog.line;
        let message = Message::read(bytes.clone()).expect("just written");
        self.requests.insert(branch, message);
        let copies = if line.flow == FlowId(1) { self.rng.random_range(1..=3) } else { 1 };
        for copy in 0..copies {
            self.send(line, Duration::from_millis(500 * copy), bytes.clone(), out);
        }
    }

    /// A user agent answers: a request of ours, or one that was forwarded.
    fn response(&mut self, line: Line, branch: &str, message: &Message, out: &mut Outs) {
        if let Some(back) = self.forwarded.get(branch).copied() {
            let text = message.bytes();
            let via = message.header(HeaderName::Via).expect("it has one");
            let mut stripped = text[..via.line_offset].to_vec();
            stripped.extend_from_slice(&text[via.offset + via.value.len() + 2..]);
            return self.send(back, Duration::ZERO, stripped.into(), out);
        }
        let Some(request) = self.requests.get(branch) else { return };
        if let Some(rseq) = message.header(HeaderName::RSeq) {
            let rseq = rseq.text().unwrap_or_default().to_owned();
            return self.prack(line, branch, &rseq, out);
        }
        let Some(status) = message.status().filter(|status| status.is_final()) else { return };
        if request.method() != Some(Method::Invite) || self.rng.random_bool(0.15) {
            return;
        }
        let branch = match status.is_success() {
            true => "z9hG4bKack".to_owned() + branch,
            false => branch.to_owned(),
        };
        let cseq = request.cseq().expect("just written").number;
        let mut ack = MessageBuilder::request(&Method::Ack, request.request_uri().unwrap_or(""))
            .header(HeaderName::Via, format_args!("SIP/2.0/UDP 192.0.2.2:5060;branch={branch}"));
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
            ack = ack.copy(request.header(name).expect("just written"));
        }
        let ack = ack.header(HeaderName::CSeq, format_args!("{cseq} ACK")).body(None, b"");
        self.send(line, Duration::ZERO, ack, out);
    }

    /// Acknowledges a reliable provisional, mostly.
    fn prack(&mut self, line: Line, branch: &str, rseq: &str, out: &mut Outs) {
        let Some(invite) = self.requests.get(branch) else { return };
        let cseq = invite.cseq().expect("just written").number;
        let rack = format!("{rseq} {cseq} INVITE");
        if self.rng.random_bool(0.4) {
            return;
        }
        let via = format!("SIP/2.0/UDP 192.0.2.2:5060;branch={branch}prack{};rport", self.count);
        let mut prack = MessageBuilder::request(&Method::Prack, invite.request_uri().unwrap_or(""))
            .header(HeaderName::Via, via);
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
            prack = prack.copy(invite.header(name).expect("just written"));
        }
        let prack = prack
            .header(HeaderName::CSeq, format_args!("{} PRACK", cseq + 1))
            .header(HeaderName::RAck, rack)
            .body(None, b"");
        self.count += 1;
        self.send(line, Duration::ZERO, prack, out);
    }

    /// From one user agent to the other, now and then two ways at once.
    fn forward(&mut self, line: Line, branch: &str, request: &Message, out: &mut Outs) {
        let agent = agent_of(request).expect("it was looked at");
        let ways = if self.rng.random_bool(0.2) { 2 } else { 1 };
        for way in 0..ways {
            let via = format!("z9hG4bKproxy{way}{}", branch.trim_start_matches("z9hG4bK"));
            let text = request.bytes();
            let end = text.iter().position(|b| *b == b'\n').expect("it has lines") + 1;
            let mut bytes = text[..end].to_vec();
            let line_of_ours = format!("Via: SIP/2.0/UDP 192.0.2.2:5060;branch={via};rport\r\n");
            bytes.extend_from_slice(line_of_ours.as_bytes());
            bytes.extend_from_slice(&text[end..]);
            self.forwarded.insert(via, line);
            let to = Line { agent, flow: line.flow };
            self.send(to, Duration::ZERO, bytes.into(), out);
        }
    }

    /// Sends, now and then damaged.
    fn send(&mut self, line: Line, delay: Duration, bytes: Bytes, out: &mut Outs) {
        let bytes = match self.rng.random_ratio(15, 1000) {
            true => damaged(&bytes, &mut self.rng),
            false => bytes,
        };
        out.push((delay, Out::Send(line, bytes)));
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}{}", self.count)
    }
}
