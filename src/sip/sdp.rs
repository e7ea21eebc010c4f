//! Just enough of SDP (RFC 4566) to answer a peer's offer without a media stack (RFC 3264).

use std::fmt::Write;

use crate::sip::{message::Message, name::HeaderName, syntax};

/// The media type of a session description.
pub(crate) const SDP: &str = "application/sdp";

/// The session description in a message's body, where it has one that is text.
pub(crate) fn body(message: &Message) -> Option<String> {
    let media_type = message.header(HeaderName::ContentType)?.text().ok()?;
    let media_type = syntax::trim(media_type.split(';').next().unwrap_or_default());
    let text = String::from_utf8(message.body().to_vec()).ok()?;
    (media_type.eq_ignore_ascii_case(SDP) && !text.is_empty()).then_some(text)
}

/// An answer to `offer`: each medium that our own description `ours` has at the same place is
/// taken with our port and the formats that both name, and any other is refused with port zero
/// (RFC 3264 §6). `version` is the session version of the answer (§8).
pub(crate) fn answer(offer: &str, ours: Option<&str>, version: u32) -> String {
    let own: Vec<Medium<'_>> = ours.map(media).unwrap_or_default();
    let address = ours.and_then(connection).unwrap_or("IN IP4 0.0.0.0");
    let mut answer = head(address, version);
    for (index, medium) in media(offer).iter().enumerate() {
        let mine = own.get(index).filter(|own| own.kind == medium.kind && own.port != "0");
        let formats: Vec<&str> = match mine {
            Some(own) => medium.formats().filter(|f| own.formats().any(|g| g == *f)).collect(),
            None => Vec::new(),
        };
        // Writing into a String cannot fail.
        let _ = match mine.filter(|_| medium.port != "0" && !formats.is_empty()) {
            Some(own) => write!(
                answer,
                "m={} {} {} {}\r\na={}\r\n",
                medium.kind,
                own.port,
                medium.profile,
                formats.join(" "),
                medium.mirrored_direction()
            ),
            None => write!(answer, "m={} 0 {} {}\r\n", medium.kind, medium.profile, medium.formats),
        };
    }
    answer
}

/// `ours` once more, with another session version: what an INVITE without an offer is answered
/// with (RFC 3261 §14.2); a description without media where there is none.
pub(crate) fn offer_again(ours: Option<&str>, version: u32) -> String {
    let Some(ours) = ours else { return head("IN IP4 0.0.0.0", version) };
    let mut text = String::with_capacity(ours.len());
    for line in ours.lines() {
        match line.strip_prefix("o=").and_then(|origin| with_version(origin, version)) {
            Some(origin) => text.push_str(&format!("o={origin}")),
            None => text.push_str(line),
        }
        text.push_str("\r\n");
    }
    text
}

fn head(address: &str, version: u32) -> String {
    format!("v=0\r\no=- 1 {version} {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\n")
}

/// `o=user id version …`
fn with_version(origin: &str, version: u32) -> Option<String> {
    let mut parts: Vec<&str> = origin.split(' ').collect();
    let number = parts.get(2)?.parse::<u64>().ok()?.checked_add(u64::from(version))?.to_string();
    parts[2] = &number;
    Some(parts.join(" "))
}

fn connection(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("c="))
}

/// One `m=` section.
struct Medium<'a> {
    kind: &'a str,
    port: &'a str,
    profile: &'a str,
    formats: &'a str,
    direction: &'a str,
}

impl<'a> Medium<'a> {
    fn formats(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.formats.split(' ')
    }

    /// RFC 3264 §6.1.
    fn mirrored_direction(&self) -> &'static str {
        match self.direction {
            "sendonly" => "recvonly",
            "recvonly" => "sendonly",
            "inactive" => "inactive",
            _ => "sendrecv",
        }
    }
}

fn media(text: &str) -> Vec<Medium<'_>> {
    let mut session = "sendrecv";
    let mut media: Vec<Medium<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("m=") {
            let mut parts = line.splitn(4, ' ');
            let mut part = || parts.next().unwrap_or_default();
            media.push(Medium {
                kind: part(),
                port: part(),
                profile: part(),
                formats: part(),
                direction: session,
            });
        } else if let Some(direction @ ("sendrecv" | "sendonly" | "recvonly" | "inactive")) =
            line.strip_prefix("a=")
        {
            match media.last_mut() {
                Some(medium) => medium.direction = direction,
                None => session = direction,
            }
        }
    }
    media
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "v=0\r\no=- 7 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n";

    #[test]
    fn media_that_both_have_are_taken_and_others_refused() {
        let offer = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\na=sendonly\r\nm=audio 9000 RTP/AVP 8 18\r\nm=video 9002 RTP/AVP 97\r\n";
        assert_eq!(
            answer(offer, Some(OURS), 2),
            "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
             m=audio 4000 RTP/AVP 8\r\na=recvonly\r\nm=video 0 RTP/AVP 97\r\n"
        );
        assert!(answer(offer, None, 1).contains("m=audio 0 RTP/AVP 8 18\r\nm=video 0"));
    }

    #[test]
    fn an_offer_made_again_counts_its_version_on() {
        assert_eq!(offer_again(Some(OURS), 2), OURS.replace("o=- 7 7", "o=- 7 9"));
        assert!(offer_again(None, 1).starts_with("v=0\r\n"));
    }
}
