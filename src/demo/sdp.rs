//! Session descriptions: an answer that fits an offer (RFC 3264), or an offer.
//!
//! The demo server has no media: it names a port, and nothing listens there.

use std::{fmt::Write, net::IpAddr};

use bytes::Bytes;

use crate::sip::{HeaderName, Message, sdp, syntax};

use super::check::Refusal;

pub(super) use crate::sip::sdp::SDP;

/// An offer that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer(String);

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
            true => match std::str::from_utf8(&body) {
                Ok(text) if sdp::is_readable(text) => Ok(Some(Offer(text.to_owned()))),
                _ => Err(Refusal::because(400, "The session description cannot be read")),
            },
        }
    }

    /// The answer; `None` where no medium of the offer can be taken.
    pub(super) fn answer(&self, session: &Session) -> Option<Bytes> {
        let media = sdp::media(&self.0);
        let mut taken = 0;
        let text = sdp::answer_with(session.head(), &media, |_, medium| {
            let formats = known_formats(medium);
            let port = session.port + 2 * taken;
            taken += u32::from(!formats.is_empty());
            Some((port.to_string(), formats))
        });
        (taken > 0 || media.is_empty()).then(|| text.into())
    }
}

/// The formats of a medium that are taken; none of media other than plain RTP audio.
fn known_formats<'a>(medium: &sdp::Medium<'a>) -> Vec<&'a str> {
    if medium.kind != "audio" || !matches!(medium.profile, "RTP/AVP" | "RTP/AVPF") {
        return Vec::new();
    }
    let is_known = |format: &str| match medium.name_of(format) {
        Some(name) => DYNAMIC.iter().any(|known| known.eq_ignore_ascii_case(name)),
        None => STATIC.contains(&format),
    };
    let known: Vec<&str> = medium.formats.iter().copied().filter(|f| is_known(f)).collect();
    // Events alone are no audio.
    let audio = known.iter().any(|format| medium.name_of(format) != Some("telephone-event"));
    if audio { known } else { Vec::new() }
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
        let address = format!("IN {family} {}", self.address);
        sdp::head(&format!("sipboard {}", self.id), self.version, &address)
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
        assert!(sdp::is_readable(offer));
        let answer = Offer(offer.to_owned()).answer(&SESSION)?;
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
