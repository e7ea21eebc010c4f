//! What the demo server keeps for others: bindings (RFC 3261 §10.3) and published states
//! (RFC 3903 §6). Both are bounded.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::sip::{HeaderName, Message, Params, Scheme, header::NameAddr, syntax};

use super::{check::Refusal, subscriptions::event_of};

/// The longest time for which anything is kept, and what is given where nothing was asked.
pub(super) const LONGEST: u32 = 3600;

const MAX_CONTACTS: usize = 32;

/// The bindings of every address of record.
#[derive(Debug)]
pub(super) struct Registrar {
    limit: usize,
    records: HashMap<String, Vec<Binding>>,
}

#[derive(Clone, Debug)]
struct Binding {
    uri: String,
    /// The Contact's other parameters, such as `q`.
    params: String,
    call_id: String,
    cseq: u32,
    until: Instant,
}

impl Registrar {
    pub(super) fn new(limit: usize) -> Registrar {
        Registrar { limit, records: HashMap::new() }
    }

    /// Carries out a REGISTER; gives the Contact values of the 200.
    pub(super) fn register(
        &mut self,
        now: Instant,
        request: &Message,
    ) -> Result<Vec<String>, Refusal> {
        let bad = |error: &dyn std::fmt::Display| Refusal::because(400, error.to_string());
        let essentials = request.essentials().map_err(|error| bad(&error))?;
        let record = address_of_record(&essentials.to);
        let mut bindings = self.records.get(&record).cloned().unwrap_or_default();
        bindings.retain(|binding| binding.until > now);
        let contacts: Vec<&str> = request.list(HeaderName::Contact).collect();
        let expires = expires(request);
        let out_of_order = |binding: &Binding| {
            binding.call_id == essentials.call_id && binding.cseq >= essentials.cseq.number
        };
        if contacts.contains(&"*") {
            // RFC 3261 §10.3, step 6.
            if contacts.len() > 1 || expires != Some(0) {
                return Err(Refusal::because(400, "Contact: * needs Expires: 0 and stands alone"));
            }
            if bindings.iter().any(out_of_order) {
                return Err(Refusal::new(500));
            }
            bindings.clear();
        }
        for contact in contacts.into_iter().filter(|contact| *contact != "*") {
            let contact =
                NameAddr::parse(HeaderName::Contact, contact).map_err(|error| bad(&error))?;
            let uri = contact.uri().as_str();
            let own = contact.params().value("expires").and_then(seconds);
            let seconds = own.or(expires).unwrap_or(LONGEST).min(LONGEST);
            let known = bindings.iter().position(|binding| binding.uri == uri);
            if let Some(known) = known {
                // RFC 3261 §10.3, step 7: an old request changes nothing.
                if out_of_order(&bindings[known]) {
                    return Err(Refusal::new(500));
                }
                bindings.remove(known);
            }
            if seconds == 0 {
                continue;
            }
            if bindings.len() == MAX_CONTACTS {
                return Err(Refusal::because(403, "Too many contacts"));
            }
            bindings.push(Binding {
                uri: uri.to_owned(),
                params: other_params(contact.params()),
                call_id: essentials.call_id.to_owned(),
                cseq: essentials.cseq.number,
                until: now + Duration::from_secs(seconds.into()),
            });
        }
        let values = bindings
            .iter()
            .map(|binding| {
                let left = binding.until.duration_since(now).as_secs();
                format!("<{}>{};expires={left}", binding.uri, binding.params)
            })
            .collect();
        self.keep(now, record, bindings)?;
        Ok(values)
    }

    fn keep(
        &mut self,
        now: Instant,
        record: String,
        bindings: Vec<Binding>,
    ) -> Result<(), Refusal> {
        if bindings.is_empty() {
            self.records.remove(&record);
            return Ok(());
        }
        if self.records.len() >= self.limit && !self.records.contains_key(&record) {
            self.records.retain(|_, bindings| bindings.iter().any(|b| b.until > now));
            if self.records.len() >= self.limit {
                return Err(Refusal::with(503, HeaderName::RetryAfter, "60"));
            }
        }
        self.records.insert(record, bindings);
        Ok(())
    }
}

/// Published states, known by their entity tags.
#[derive(Debug)]
pub(super) struct Publications {
    limit: usize,
    states: HashMap<String, Instant>,
}

impl Publications {
    pub(super) fn new(limit: usize) -> Publications {
        Publications { limit, states: HashMap::new() }
    }

    /// Carries out a PUBLISH; `tag` is a fresh entity tag. Gives the Expires of the 200.
    pub(super) fn publish(
        &mut self,
        now: Instant,
        request: &Message,
        tag: &str,
    ) -> Result<u32, Refusal> {
        // RFC 3903 §6, step 2.
        if event_of(request).is_none() {
            return Err(Refusal::with(489, HeaderName::AllowEvents, EVENTS));
        }
        if let Some(old) = request.header(HeaderName::SipIfMatch) {
            let old = old.text().unwrap_or("");
            // RFC 3903 §6, step 3: a tag that matches nothing.
            if self.states.remove(old).is_none_or(|until| until <= now) {
                return Err(Refusal::new(412));
            }
        }
        // Deviation: RFC 3903 §4.1 wants a body the first time; who only tries the method out has
        // none.
        let seconds = expires(request).unwrap_or(LONGEST).min(LONGEST);
        if seconds > 0 {
            if self.states.len() >= self.limit {
                self.states.retain(|_, until| *until > now);
            }
            if self.states.len() >= self.limit {
                return Err(Refusal::with(503, HeaderName::RetryAfter, "60"));
            }
            self.states.insert(tag.to_owned(), now + Duration::from_secs(seconds.into()));
        }
        Ok(seconds)
    }
}

/// The event packages that are served.
pub(super) const EVENTS: &str = "presence, dialog, message-summary, refer";

/// The Expires header in seconds.
pub(super) fn expires(request: &Message) -> Option<u32> {
    seconds(request.header(HeaderName::Expires)?.text().ok()?)
}

/// Digits; more than fit are very long (RFC 3261 §20.19).
fn seconds(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

/// RFC 3261 §10.3, step 5: the To URI without its parameters.
fn address_of_record(to: &NameAddr<'_>) -> String {
    let uri = to.uri();
    match uri.scheme() {
        Scheme::Other(_) => uri.as_str().to_owned(),
        _ => format!(
            "{}@{}:{}",
            uri.user().unwrap_or(""),
            uri.host().to_ascii_lowercase(),
            uri.port().unwrap_or(0)
        ),
    }
}

fn other_params(params: Params<'_>) -> String {
    let mut text = String::new();
    for (name, value) in params.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("expires")) {
        text.push(';');
        text.push_str(syntax::trim(name));
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(
        registrar: &mut Registrar,
        now: Instant,
        cseq: u32,
        more: &str,
    ) -> Result<Vec<String>, u16> {
        let text = format!(
            "REGISTER sip:demo.test SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{cseq}\r\n\
             From: <sip:al@demo.test>;tag=1\r\nTo: <sip:al@Demo.test;x=y>\r\nCall-ID: c\r\n\
             CSeq: {cseq} REGISTER\r\n{more}\r\n"
        );
        registrar
            .register(now, &Message::read(text.into()).unwrap())
            .map_err(|refusal| refusal.status.code())
    }

    #[test]
    fn bindings_come_are_refreshed_expire_and_go() {
        let now = Instant::now();
        let mut registrar = Registrar::new(10);
        let run = &mut |at: u64, cseq, more: &str| {
            register(&mut registrar, now + Duration::from_secs(at), cseq, more)
        };
        assert_eq!(run(0, 1, ""), Ok(vec![]));
        assert_eq!(
            run(
                0,
                2,
                "Contact: <sip:a@h>;q=0.5;expires=60, \"B\" <sip:b@h>\r\nExpires: 9999999999\r\n"
            ),
            Ok(vec!["<sip:a@h>;q=0.5;expires=60".into(), "<sip:b@h>;expires=3600".into()])
        );
        assert_eq!(run(1, 2, "Contact: <sip:a@h>\r\n"), Err(500), "an old CSeq");
        assert_eq!(
            run(10, 3, "m: <sip:b@h>;expires=0\r\n"),
            Ok(vec!["<sip:a@h>;q=0.5;expires=50".into()])
        );
        assert_eq!(run(70, 4, ""), Ok(vec![]));
        assert_eq!(run(70, 5, "Contact: *\r\nExpires: 1\r\n"), Err(400));
        assert_eq!(run(70, 6, "Contact: <sip:a@h\r\n"), Err(400));
        assert!(run(70, 7, "Contact: <sip:a@h>\r\n").is_ok());
        assert_eq!(run(70, 8, "Contact: *\r\nExpires: 0\r\n"), Ok(vec![]));
        assert!(registrar.records.is_empty());
    }

    #[test]
    fn a_publication_lives_by_its_entity_tag() {
        let now = Instant::now();
        let mut publications = Publications::new(2);
        let mut publish = |at: u64, tag: &str, more: &str| {
            let text = format!("PUBLISH sip:al@demo.test SIP/2.0\r\n{more}");
            let message = Message::read(text.into()).unwrap();
            publications
                .publish(now + Duration::from_secs(at), &message, tag)
                .map_err(|refusal| refusal.status.code())
        };
        assert_eq!(publish(0, "t0", "Event: x.y\r\n\r\nx"), Err(489));
        assert_eq!(publish(0, "t0", "Expires: 5\r\n\r\n"), Ok(5), "neither Event nor body");
        assert_eq!(publish(0, "t1", "Event: presence\r\nExpires: 60\r\n\r\nx"), Ok(60));
        assert_eq!(publish(9, "t2", "o: presence\r\nSIP-If-Match: t1\r\n\r\n"), Ok(3600));
        assert_eq!(publish(9, "t3", "o: presence\r\nSIP-If-Match: t1\r\n\r\n"), Err(412));
        assert_eq!(publish(9, "t4", "o: presence\r\n\r\nx"), Ok(3600));
        assert_eq!(publish(9, "t5", "o: presence\r\n\r\nx"), Err(503));
        assert_eq!(
            publish(9, "t6", "o: presence\r\nSIP-If-Match: t2\r\nExpires: 0\r\n\r\n"),
            Ok(0)
        );
        assert_eq!(publish(3700, "t7", "o: presence\r\nSIP-If-Match: t4\r\n\r\n"), Err(412));
    }
}
