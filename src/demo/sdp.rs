//! Session descriptions: an answer that fits an offer (RFC 3264), or an offer.
//!
//! The demo server has no media: it names a port, and nothing listens there.

use std::{fmt::Write, net::IpAddr};

use bytes::Bytes;

use crate::sip::{HeaderName, Message, syntax};

use super::check::Refusal;

/// The media type of a session description.
pub(super) const SDP: &str = "application/sdp";

/// An offer, as far as an answer needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    media: Vec<Media>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Media {
    kind: String,
    port: u32,
    profile: String,
    formats: Vec<String>,
    /// The `a=rtpmap` and `a=fmtp` lines.
    maps: Vec<String>,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    SendReceive,
    SendOnly,
    ReceiveOnly,
    Inactive,
}

/// How much of an offer is read; the rest would only make the answer longer.
const MAX_MEDIA: usize = 16;
const MAX_FORMATS: usize = 64;

/// The audio formats that the demo server says it knows: static payload types (RFC 3551 §6), and
/// names of dynamic ones.
const STATIC: [&str; 3] = ["0", "8", "9"];
const DYNAMIC: [&str; 5] = ["PCMU", "PCMA", "G722", "opus", "telephone-event"];

impl Offer {
    /// The offer in a request's body: `None` where there is no body.
    pub(super) fn of(request: &Message) -> Result<Option<Offer>, Refusal> {
        let body = request.body();
        if body.is_empty() {
            return Ok(None);
        }
        let text = |name| request.header(name).and_then(|header| header.text().ok());
        let media_type = text(HeaderName::ContentType).unwrap_or(SDP);
        let media_type = syntax::trim(media_type.split(';').next().unwrap_or(""));
        let optional = text(HeaderName::ContentDisposition).is_some_and(|disposition| {
            disposition.to_ascii_lowercase().replace(' ', "").contains("handling=optional")
        });
        let encoded = text(HeaderName::ContentEncoding)
            .is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"));
        match media_type.eq_ignore_ascii_case(SDP) {
            // RFC 3261 §8.2.3.
            _ if optional && (encoded || !media_type.eq_ignore_ascii_case(SDP)) => Ok(None),
            _ if encoded => Err(Refusal::with(415, HeaderName::AcceptEncoding, "identity")),
            false => Err(Refusal::with(415, HeaderName::Accept, SDP)),
            true => match std::str::from_utf8(&body).ok().and_then(Offer::parse) {
                Some(offer) => Ok(Some(offer)),
                None => Err(Refusal::because(400, "The session description cannot be read")),
            },
        }
    }

    fn parse(text: &str) -> Option<Offer> {
        let mut lines = text.lines();
        if lines.next()?.trim_end() != "v=0" {
            return None;
        }
        let mut session = Direction::SendReceive;
        let mut media: Vec<Media> = Vec::new();
        for line in lines {
            if let Some(line) = line.strip_prefix("m=") {
                if media.len() == MAX_MEDIA {
                    return None;
                }
                media.push(Media::parse(line, session)?);
            } else if let Some(attribute) = line.strip_prefix("a=") {
                let attribute = attribute.trim_end();
                let direction = Direction::parse(attribute);
                match (media.last_mut(), direction) {
                    (None, Some(direction)) => session = direction,
                    (Some(media), Some(direction)) => media.direction = direction,
                    (Some(media), None) => media.attribute(attribute),
                    (None, None) => {}
                }
            }
        }
        Some(Offer { media })
    }

    /// The answer; `None` where no medium of the offer can be taken.
    pub(super) fn answer(&self, session: &Session) -> Option<Bytes> {
        let mut text = session.head();
        let mut taken = 0;
        for media in &self.media {
            let formats = media.known_formats();
            let refused = media.port == 0 || formats.is_empty();
            let port = if refused { 0 } else { session.port + 2 * taken };
            let listed = if refused { &media.formats } else { &formats };
            // RFC 3264 §6: one m= line for each of the offer's, in its order.
            let formats_text = listed.join(" ");
            let _ = write!(text, "m={} {port} {} {formats_text}\r\n", media.kind, media.profile);
            if refused {
                continue;
            }
            taken += 1;
            for map in &media.maps {
                if formats.iter().any(|format| Media::map_is_of(map, format)) {
                    let _ = write!(text, "a={map}\r\n");
                }
            }
            let _ = write!(text, "a={}\r\n", media.direction.answered().as_str());
        }
        (taken > 0 || self.media.is_empty()).then(|| text.into())
    }
}

/// What a session description says of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) id: u32,
    /// Counts the descriptions of one session.
    pub(super) version: u32,
    pub(super) address: IpAddr,
    pub(super) port: u32,
}

impl Session {
    /// An offer of one audio stream, for an INVITE that brought none (RFC 3261 §13.2.1).
    pub(super) fn offer(&self) -> Bytes {
        let mut text = self.head();
        let _ = write!(
            text,
            "m=audio {} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n",
            self.port
        );
        text.into()
    }

    fn head(&self) -> String {
        let family = if self.address.is_ipv4() { "IP4" } else { "IP6" };
        format!(
            "v=0\r\no=sipboard {} {} IN {family} {}\r\ns=-\r\nc=IN {family} {}\r\nt=0 0\r\n",
            self.id, self.version, self.address, self.address
        )
    }
}

impl Media {
    /// `audio 49170 RTP/AVP 0 8`
    fn parse(line: &str, direction: Direction) -> Option<Media> {
        let mut words = line.split_ascii_whitespace();
        let kind = words.next()?.to_owned();
        // A port may count: 49170/2.
        let port = words.next()?.split('/').next()?.parse().ok().filter(|port| *port <= 65535)?;
        let profile = words.next()?.to_owned();
        let formats = words.take(MAX_FORMATS).map(str::to_owned).collect();
        Some(Media { kind, port, profile, formats, maps: Vec::new(), direction })
    }

    fn attribute(&mut self, attribute: &str) {
        let kept = attribute.starts_with("rtpmap:") || attribute.starts_with("fmtp:");
        if kept && self.maps.len() < 2 * MAX_FORMATS {
            self.maps.push(attribute.to_owned());
        }
    }

    /// The formats that are taken; none for media other than plain RTP audio.
    fn known_formats(&self) -> Vec<String> {
        if self.kind != "audio" || !matches!(&*self.profile, "RTP/AVP" | "RTP/AVPF") {
            return Vec::new();
        }
        let known: Vec<String> =
            self.formats.iter().filter(|format| self.is_known(format)).cloned().collect();
        // Events alone are no audio.
        let audio = known.iter().any(|format| self.name_of(format) != Some("telephone-event"));
        if audio { known } else { Vec::new() }
    }

    fn is_known(&self, format: &str) -> bool {
        match self.name_of(format) {
            Some(name) => DYNAMIC.iter().any(|known| known.eq_ignore_ascii_case(name)),
            None => STATIC.contains(&format),
        }
    }

    fn name_of(&self, format: &str) -> Option<&str> {
        self.maps
            .iter()
            .filter(|map| map.starts_with("rtpmap:") && Media::map_is_of(map, format))
            .find_map(|map| map.split_once(' ')?.1.split('/').next())
    }

    fn map_is_of(map: &str, format: &str) -> bool {
        map.split_once(':').and_then(|(_, rest)| rest.split(' ').next()) == Some(format)
    }
}

impl Direction {
    fn parse(attribute: &str) -> Option<Direction> {
        Some(match attribute {
            "sendrecv" => Direction::SendReceive,
            "sendonly" => Direction::SendOnly,
            "recvonly" => Direction::ReceiveOnly,
            "inactive" => Direction::Inactive,
            _ => return None,
        })
    }

    /// RFC 3264 §6.1: what is sent there is received here.
    fn answered(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::ReceiveOnly,
            Direction::ReceiveOnly => Direction::SendOnly,
            other => other,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Direction::SendReceive => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::ReceiveOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: Session = Session {
        id: 1,
        version: 2,
        address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        port: 40000,
    };

    fn answer(offer: &str) -> Option<String> {
        let answer = Offer::parse(offer).unwrap().answer(&SESSION)?;
        Some(String::from_utf8(answer.to_vec()).unwrap())
    }

    #[test]
    fn an_answer_has_a_line_for_each_medium_and_takes_what_it_knows() {
        let text = answer(
            "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\na=sendonly\r\n\
             m=audio 5004 RTP/AVP 18 0 96 97\r\na=rtpmap:96 Opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
             a=rtpmap:97 speex/8000\r\n\
             m=video 5006 RTP/AVP 31\r\nm=audio 5008/2 RTP/AVPF 8\r\na=inactive\r\n",
        );
        assert_eq!(
            text.unwrap(),
            "v=0\r\no=sipboard 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio 40000 RTP/AVP 0 96\r\na=rtpmap:96 Opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=recvonly\r\n\
             m=video 0 RTP/AVP 31\r\n\
             m=audio 40002 RTP/AVPF 8\r\na=inactive\r\n"
        );
    }

    #[test]
    fn an_offer_that_cannot_be_taken_has_no_answer() {
        for offer in [
            "v=0\r\nm=video 5006 RTP/AVP 31\r\n",
            "v=0\r\nm=audio 5006 UDP/TLS/RTP/SAVPF 111\r\n",
            "v=0\r\nm=audio 0 RTP/AVP 0\r\n",
            "v=0\r\nm=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        ] {
            assert_eq!(answer(offer), None, "{offer}");
        }
        // RFC 3264 §5: an offer may have no media at all.
        assert!(answer("v=0\n").is_some());
    }

    #[test]
    fn our_own_offer_could_be_answered() {
        let offer = SESSION.offer();
        assert!(answer(std::str::from_utf8(&offer).unwrap()).unwrap().contains(" 0 8 101\r\n"));
    }

    #[test]
    fn bodies_that_are_no_offer_are_refused_as_the_rfc_says() {
        let of = |headers: &str, body: &str| {
            let text = format!("INVITE sip:a SIP/2.0\r\n{headers}\r\n{body}");
            let refused = Offer::of(&Message::read(text.into()).unwrap());
            refused.map(|offer| offer.is_some()).map_err(|refusal| refusal.status.code())
        };
        for (headers, body, expected) in [
            ("", "", Ok(false)),
            ("c: Application/SDP;x=y\r\n", "v=0\r\n", Ok(true)),
            ("c: text/plain\r\n", "hi", Err(415)),
            ("c: text/plain\r\nContent-Disposition: render;handling=optional\r\n", "hi", Ok(false)),
            ("c: application/sdp\r\ne: gzip\r\n", "v=0\r\n", Err(415)),
            ("c: application/sdp\r\n", "o=-\r\n", Err(400)),
            ("c: application/sdp\r\n", "v=0\r\nm=audio x RTP/AVP 0\r\n", Err(400)),
        ] {
            assert_eq!(of(headers, body), expected, "{headers}{body}");
        }
    }
}
