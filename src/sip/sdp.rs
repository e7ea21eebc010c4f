//! Session descriptions (RFC 4566), as far as an offer is answered without media (RFC 3264).

use std::fmt::Write;

use crate::sip::{
    header::MediaType,
    message::Message,
    multipart::{Part, parts},
    name::HeaderName,
    syntax,
};

/// The media type of a session description.
pub(crate) const SDP: &str = "application/sdp";

/// How deep a session description may stand in bodies of several parts.
const NESTING: usize = 4;

/// The session description in a message's body, or in a part of it (RFC 5621 §3.1), where it has
/// one that is text.
pub(crate) fn body(message: &Message) -> Option<String> {
    let media = message.header(HeaderName::ContentType)?.text().ok()?;
    let media = MediaType::parse(media).ok()?;
    let body = message.body();
    let description = if media.is_multipart() {
        let parts = parts(media, &body, NESTING).ok()?;
        let part = parts.into_iter().find(|part| describes_session(part, &body))?;
        &body[part.body]
    } else {
        is_sdp(media).then_some(&*body)?
    };
    let text = std::str::from_utf8(description).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn is_sdp(media: MediaType<'_>) -> bool {
    media.is("application", "sdp")
}

/// Whether a part is a session description that is offered or answered here, and not one for
/// something else (RFC 3261 §20.11: `session` is what it is without a Content-Disposition).
fn describes_session(part: &Part, body: &[u8]) -> bool {
    let value = |name| part.header(body, name);
    let disposition = value(HeaderName::ContentDisposition).unwrap_or("session");
    let disposition = syntax::trim(disposition.split(';').next().unwrap_or_default());
    disposition.eq_ignore_ascii_case("session")
        && value(HeaderName::ContentType)
            .and_then(|value| MediaType::parse(value).ok())
            .is_some_and(is_sdp)
}

/// Our side of a session on one leg (RFC 3264 §8).
#[derive(Clone, Debug, Default)]
pub(crate) struct Described {
    /// What we offered last: our ports and formats.
    offered: Option<Box<str>>,
    /// What the peer knows now.
    current: Option<Box<str>>,
}

impl Described {
    /// The session that a message of ours describes, where it does.
    pub(crate) fn by(message: &Message) -> Described {
        let mut described = Described::default();
        described.offer(message);
        described
    }

    /// A message of ours made an offer that was accepted.
    pub(crate) fn offer(&mut self, message: &Message) {
        if let Some(text) = body(message) {
            self.offered = Some(text.as_str().into());
            self.current = Some(text.into());
        }
    }

    /// We have answered, or made the offer that we were asked for.
    pub(crate) fn describe(&mut self, text: &str) {
        self.current = Some(text.into());
    }

    /// Whether an offer has fewer media than there are: none may go (RFC 3264 §8).
    pub(crate) fn loses_media(&self, offer: &str) -> bool {
        self.current.as_deref().is_some_and(|current| media(offer).len() < media(current).len())
    }

    /// What the peer knows of us now.
    pub(crate) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// The answer to an offer.
    pub(crate) fn answer(&self, offer: &str) -> String {
        answer(offer, self.offered.as_deref(), self.current.as_deref())
    }

    /// What an INVITE without an offer is answered with (RFC 3261 §14.2): what there is, once more;
    /// a description without media where there is nothing.
    pub(crate) fn offer_again(&self) -> String {
        match &self.current {
            Some(current) => current.to_string(),
            None => head("- 1", 1, "IN IP4 0.0.0.0"),
        }
    }
}

/// An answer to `offer`: each medium that our own description `ours` has at the same place is
/// taken with our port and the formats that both name, and any other is refused. Where it says
/// something else than `current` does, its version is the next one (RFC 3264 §8).
fn answer(offer: &str, ours: Option<&str>, current: Option<&str>) -> String {
    let own: Vec<Medium<'_>> = ours.map(media).unwrap_or_default();
    let address = ours.and_then(connection).unwrap_or("IN IP4 0.0.0.0");
    let origin = current.or(ours).and_then(origin);
    let with = |more: u32| match origin.and_then(|origin| with_version(origin, more)) {
        Some(origin) => {
            format!("v=0\r\no={origin}\r\ns=-\r\nc={address}\r\nt=0 0\r\n")
        }
        None => head("- 1", more, address),
    };
    let answer = |head: String| {
        answer_with(head, &media(offer), |index, medium| {
            let own = own.get(index).filter(|own| own.kind == medium.kind && own.port != "0")?;
            let formats = medium.formats.iter().filter(|format| {
                // A dynamic number may mean another format over there.
                let names = (own.name_of(format), medium.name_of(format));
                own.formats.contains(format)
                    && !matches!(names, (Some(own), Some(name)) if !own.eq_ignore_ascii_case(name))
            });
            Some((own.port.to_owned(), formats.copied().collect()))
        })
    };
    let same = answer(with(0));
    if current == Some(&*same) { same } else { answer(with(1)) }
}

/// An answer to the media of an offer: `take` chooses the port and the formats of each that can be
/// taken. Where it chooses none, the medium is refused with port zero (RFC 3264 §6).
pub(crate) fn answer_with<'a>(
    head: String,
    offer: &[Medium<'a>],
    mut take: impl FnMut(usize, &Medium<'a>) -> Option<(String, Vec<&'a str>)>,
) -> String {
    let mut answer = head;
    // RFC 3264 §6: one m= line for each of the offer's, in its order.
    for (index, medium) in offer.iter().enumerate() {
        let taken = if medium.port == "0" { None } else { take(index, medium) };
        let taken = taken.filter(|(_, formats)| !formats.is_empty());
        let (port, formats) = taken.as_ref().map_or(("0", &medium.formats), |(p, f)| (p, f));
        let formats_text = formats.join(" ");
        // Writing into a String cannot fail.
        let _ = write!(answer, "m={} {port} {} {formats_text}\r\n", medium.kind, medium.profile);
        if taken.is_some() {
            for map in &medium.maps {
                if formats.iter().any(|format| map_is_of(map, format)) {
                    let _ = write!(answer, "a={map}\r\n");
                }
            }
            let _ = write!(answer, "a={}\r\n", medium.mirrored_direction());
        }
    }
    answer
}

/// The lines before the media. `origin` is the user and the session's id, `address` is
/// `IN IP4 192.0.2.1`.
pub(crate) fn head(origin: &str, version: u32, address: &str) -> String {
    format!("v=0\r\no={origin} {version} {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\n")
}

/// `o=user id version …`
fn with_version(origin: &str, version: u32) -> Option<String> {
    let mut parts: Vec<&str> = origin.split(' ').collect();
    let number = parts.get(2)?.parse::<u64>().ok()?.checked_add(u64::from(version))?.to_string();
    parts[2] = &number;
    Some(parts.join(" "))
}

fn origin(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("o="))
}

/// The `o=` value of the offer that changes a session (RFC 3264 §8): its own, with the next version.
pub fn next_origin(session: &str) -> Option<String> {
    with_version(origin(session)?.trim_end(), 1)
}

/// The offer that puts a session on hold (RFC 3264 §8.4): the next version of its description, in
/// which each medium only sends, or does nothing where it did not send.
pub fn on_hold(session: &str) -> Option<String> {
    let origin = next_origin(session)?;
    let media = media(session);
    let held = |medium: &Medium<'_>| match medium.direction {
        "recvonly" | "inactive" => "a=inactive\r\n",
        _ => "a=sendonly\r\n",
    };
    let (mut offer, mut open) = (String::with_capacity(session.len() + 32), None);
    let mut next = media.iter();
    for line in session.lines() {
        if line.strip_prefix("a=").is_some_and(|attribute| is_direction(attribute.trim_end())) {
            continue;
        }
        if line.starts_with("m=") {
            offer.push_str(open.map_or("", held));
            open = next.next();
        }
        match line.starts_with("o=") {
            true => offer.extend(["o=", &origin]),
            false => offer.push_str(line),
        }
        offer.push_str("\r\n");
    }
    offer.push_str(open.map_or("", held));
    Some(offer)
}

fn connection(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("c="))
}

/// One `m=` section.
#[derive(Clone, Debug)]
pub(crate) struct Medium<'a> {
    pub(crate) kind: &'a str,
    port: &'a str,
    pub(crate) profile: &'a str,
    pub(crate) formats: Vec<&'a str>,
    /// The `rtpmap` and `fmtp` attributes.
    maps: Vec<&'a str>,
    direction: &'a str,
}

/// How many formats of a medium are read; the rest would only make the answer longer.
const MAX_FORMATS: usize = 64;

impl<'a> Medium<'a> {
    /// `audio 49170 RTP/AVP 0 8`
    fn new(line: &'a str, direction: &'a str) -> Medium<'a> {
        let mut words = line.split_ascii_whitespace();
        let mut word = || words.next().unwrap_or_default();
        let (kind, port, profile) = (word(), word(), word());
        let formats = words.take(MAX_FORMATS).collect();
        Medium { kind, port, profile, formats, maps: Vec::new(), direction }
    }

    fn attribute(&mut self, attribute: &'a str) {
        if is_direction(attribute) {
            self.direction = attribute;
        }
        let is_map = attribute.starts_with("rtpmap:") || attribute.starts_with("fmtp:");
        if is_map && self.maps.len() < 2 * MAX_FORMATS {
            self.maps.push(attribute);
        }
    }

    /// The encoding that a format is mapped to.
    pub(crate) fn name_of(&self, format: &str) -> Option<&'a str> {
        self.maps
            .iter()
            .filter(|map| map.starts_with("rtpmap:") && map_is_of(map, format))
            .find_map(|map| map.split_once(' ')?.1.split('/').next())
    }

    /// RFC 3264 §6.1: what is sent there is received here.
    fn mirrored_direction(&self) -> &'static str {
        match self.direction {
            "sendonly" => "recvonly",
            "recvonly" => "sendonly",
            "inactive" => "inactive",
            _ => "sendrecv",
        }
    }

    fn is_readable(&self) -> bool {
        // A port may count: 49170/2.
        let port = self.port.split('/').next().unwrap_or_default();
        port.parse::<u16>().is_ok() && !self.profile.is_empty()
    }
}

fn map_is_of(map: &str, format: &str) -> bool {
    map.split_once(':').and_then(|(_, rest)| rest.split(' ').next()) == Some(format)
}

fn is_direction(attribute: &str) -> bool {
    matches!(attribute, "sendrecv" | "sendonly" | "recvonly" | "inactive")
}

/// The media of a description, as far as they can be read.
pub(crate) fn media(text: &str) -> Vec<Medium<'_>> {
    let mut session = "sendrecv";
    let mut media: Vec<Medium<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("m=") {
            media.push(Medium::new(line, session));
        } else if let Some(attribute) = line.strip_prefix("a=").map(str::trim_end) {
            match media.last_mut() {
                Some(medium) => medium.attribute(attribute),
                None if is_direction(attribute) => session = attribute,
                None => {}
            }
        }
    }
    media
}

/// Whether a text is a session description whose media can be answered.
pub(crate) fn is_readable(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.trim_end() == "v=0")
        && media(text).iter().all(Medium::is_readable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "v=0\r\no=- 7 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n";

    #[test]
    fn media_that_both_have_are_taken_and_others_refused() {
        let offer = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\na=sendonly\r\nm=audio 9000 RTP/AVP 8 18\r\nm=video 9002 RTP/AVP 97\r\n";
        assert_eq!(
            answer(offer, Some(OURS), None),
            "v=0\r\no=- 7 8 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
             m=audio 4000 RTP/AVP 8\r\na=recvonly\r\nm=video 0 RTP/AVP 97\r\n"
        );
        assert!(answer(offer, None, None).contains("m=audio 0 RTP/AVP 8 18\r\nm=video 0"));
    }

    #[test]
    fn a_session_on_hold_is_its_next_version_that_only_sends() {
        let session = "v=0\r\no=- 7 7 IN IP4 h\r\ns=-\r\na=recvonly\r\nm=audio 9 RTP/AVP 0\r\n\
            a=sendrecv\r\na=rtpmap:0 PCMU/8000\r\nm=video 9 RTP/AVP 97\r\n";
        let held = "v=0\r\no=- 7 8 IN IP4 h\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\n\
            a=rtpmap:0 PCMU/8000\r\na=sendonly\r\nm=video 9 RTP/AVP 97\r\na=inactive\r\n";
        assert_eq!(on_hold(session).as_deref(), Some(held));
        assert_eq!(on_hold("v=0\r\no=-\r\n"), None);
    }

    #[test]
    fn a_description_is_found_in_a_body_of_several_parts() {
        let message = |parts: &str| {
            let text = format!(
                "SIP/2.0 200 OK\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n{parts}--b--\r\n"
            );
            Message::read(text.into()).unwrap()
        };
        let part = |head: &str, body: &str| format!("--b\r\n{head}\r\n\r\n{body}\r\n");
        let text = part("Content-Type: text/plain", "hello");
        let early = "Content-Type: application/sdp\r\nContent-Disposition: early-session";
        let early = part(early, "v=0\r\ns=early");
        let sdp = part("content-type: Application/SDP ;x=y", "v=0\r\ns=-");
        let found = body(&message(&format!("{text}{early}{sdp}")));
        assert_eq!(found.as_deref(), Some("v=0\r\ns=-"));
        assert_eq!(body(&message(&format!("{text}{early}"))), None);
    }

    #[test]
    fn a_dynamic_number_is_taken_where_both_mean_the_same_format() {
        let with = |maps: &str| format!("v=0\r\nm=audio 9 RTP/AVP 0 96 97\r\n{maps}");
        let ours = with("a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 G726-32/8000\r\n");
        let offer = with(
            "a=rtpmap:96 OPUS/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:97 speex/8000\r\n",
        );
        assert!(answer(&offer, Some(&ours), None).ends_with(
            "m=audio 9 RTP/AVP 0 96\r\na=rtpmap:96 OPUS/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=sendrecv\r\n"
        ));
    }

    #[test]
    fn the_version_counts_on_where_something_changes_and_only_there() {
        let offer = "v=0\r\nm=audio 9000 RTP/AVP 8\r\n";
        let first = answer(offer, Some(OURS), Some(OURS));
        assert!(first.contains("o=- 7 8 IN IP4 192.0.2.1\r\n"), "{first}");
        assert_eq!(answer(offer, Some(OURS), Some(&first)), first);
        let other = answer(&offer.replace("AVP 8", "AVP 0"), Some(OURS), Some(&first));
        assert!(other.contains("o=- 7 9 IN IP4 192.0.2.1\r\n"), "{other}");
    }
}
