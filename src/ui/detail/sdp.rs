//! What a session description says (RFC 8866), line by line.
//!
//! A line is explained by itself, so that a description that is broken somewhere still says what
//! it can; [`problem`] says what is broken. Texts come from the network: escape them.

/// Why a body is no session description; `None` where it is one.
pub fn problem(body: &[u8]) -> Option<String> {
    sdp_types::Session::parse(body).err().map(|error| error.to_string())
}

/// What the lines of a description say, each in the place of its line; empty for a line that says
/// itself.
pub fn explain(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut said = Vec::with_capacity(lines.len());
    let mut media_from = None;
    for (place, line) in lines.iter().enumerate() {
        if line.starts_with("m=") {
            media_from = Some(place);
        }
        said.push(match (line.split_once('='), media_from) {
            (Some(("m", value)), _) => media(value, section(&lines, place + 1)),
            (Some(("a", value)), Some(from)) => attribute(value, section(&lines, from + 1)),
            (Some(("a", value)), None) => attribute(value, &[]),
            (Some((kind, value)), _) => field(kind, value),
            (None, _) => String::new(),
        });
    }
    said
}

/// The lines of a medium, from behind its `m=` on.
fn section<'a, 'b>(lines: &'b [&'a str], from: usize) -> &'b [&'a str] {
    let rest = &lines[from.min(lines.len())..];
    let end = rest.iter().position(|line| line.starts_with("m=")).unwrap_or(rest.len());
    &rest[..end]
}

fn field(kind: &str, value: &str) -> String {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    match (kind, words.as_slice()) {
        ("v", _) => "version of SDP".to_owned(),
        ("o", [_, id, version, _, _, address]) => {
            format!("session {id}, version {version}, made at {address}")
        }
        ("s", _) => "the session's name".to_owned(),
        ("c", [_, family, "0.0.0.0" | "::"]) => {
            format!("{family}: no address: on hold, as RFC 2543 had it")
        }
        ("c", [_, family, address]) => format!("media to {address} ({family})"),
        ("t", ["0", "0"]) => "without an end".to_owned(),
        ("t", [from, to]) => format!("from {from} to {to} (NTP seconds)"),
        ("b", _) => match value.split_once(':') {
            Some(("AS", rate)) => format!("at most {rate} kbit/s"),
            Some(("TIAS", rate)) => format!("at most {rate} bit/s of media (RFC 3890)"),
            Some(("CT", rate)) => format!("at most {rate} kbit/s for the whole conference"),
            _ => "a limit of bandwidth".to_owned(),
        },
        ("k", _) => "a key, as RFC 4566 had it; RFC 8866 forbids it".to_owned(),
        _ => String::new(),
    }
}

fn media(value: &str, section: &[&str]) -> String {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let [kind, port, profile, formats @ ..] = words.as_slice() else {
        return "should be: media port protocol formats".to_owned();
    };
    let mut said = match *port {
        "0" => format!("{kind} refused (port 0)"),
        "9" => format!("{kind}, port by ICE"),
        port => format!("{kind} to port {port}"),
    };
    if let Some(profile) = profile_words(profile) {
        said.push_str(&format!(", {profile}"));
    }
    if profile.contains("RTP") {
        let codecs: Vec<String> =
            formats.iter().take(MOST_FORMATS).map(|format| codec(format, section)).collect();
        if !codecs.is_empty() {
            said.push_str(&format!(": {}", codecs.join(", ")));
        }
        if formats.len() > MOST_FORMATS {
            said.push_str(&format!(", and {} more", formats.len() - MOST_FORMATS));
        }
    }
    said
}

/// How many formats of a medium are named.
const MOST_FORMATS: usize = 24;

fn profile_words(profile: &str) -> Option<&'static str> {
    Some(match profile {
        "RTP/AVP" => "RTP without encryption",
        "RTP/SAVP" => "SRTP",
        "RTP/AVPF" => "RTP with feedback",
        "RTP/SAVPF" => "SRTP with feedback",
        "UDP/TLS/RTP/SAVP" => "SRTP with keys by DTLS",
        "UDP/TLS/RTP/SAVPF" => "SRTP with feedback, keys by DTLS",
        "UDP/DTLS/SCTP" => "data channels",
        "udptl" => "fax (T.38)",
        "TCP/MSRP" | "TCP/TLS/MSRP" => "messages (MSRP)",
        _ => return None,
    })
}

/// A format by its `rtpmap`, else by what RFC 3551 §6 has for its number.
fn codec(format: &str, section: &[&str]) -> String {
    let mapped = section
        .iter()
        .find_map(|line| line.strip_prefix("a=rtpmap:")?.strip_prefix(format)?.strip_prefix(' '));
    match mapped.or_else(|| static_type(format)) {
        Some(name) => name.trim().to_owned(),
        None => format!("{format} (without rtpmap)"),
    }
}

/// The static payload types (RFC 3551 §6).
fn static_type(format: &str) -> Option<&'static str> {
    Some(match format {
        "0" => "PCMU/8000",
        "3" => "GSM/8000",
        "4" => "G723/8000",
        "5" => "DVI4/8000",
        "6" => "DVI4/16000",
        "7" => "LPC/8000",
        "8" => "PCMA/8000",
        "9" => "G722/8000",
        "10" => "L16/44100/2",
        "11" => "L16/44100",
        "12" => "QCELP/8000",
        "13" => "CN/8000",
        "14" => "MPA/90000",
        "15" => "G728/8000",
        "16" => "DVI4/11025",
        "17" => "DVI4/22050",
        "18" => "G729/8000",
        "25" => "CelB/90000",
        "26" => "JPEG/90000",
        "28" => "nv/90000",
        "31" => "H261/90000",
        "32" => "MPV/90000",
        "33" => "MP2T/90000",
        "34" => "H263/90000",
        _ => return None,
    })
}

fn attribute(value: &str, section: &[&str]) -> String {
    let (name, rest) = value.split_once(':').unwrap_or((value, ""));
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    match (name, words.as_slice()) {
        ("sendrecv", _) => "sends and receives".to_owned(),
        ("sendonly", _) => "only sends: on hold, or one way".to_owned(),
        ("recvonly", _) => "only receives".to_owned(),
        ("inactive", _) => "neither sends nor receives: on hold".to_owned(),
        ("rtpmap", [format, name, ..]) => format!("format {format} is {name}"),
        ("fmtp", [format, ..]) => format!("how {} is set", codec(format, section)),
        ("ptime", [millis]) => format!("{millis} ms of sound in a packet"),
        ("maxptime", [millis]) => format!("at most {millis} ms of sound in a packet"),
        ("rtcp", [port, ..]) => format!("RTCP to port {port} (RFC 3605)"),
        ("rtcp-mux", _) => "RTP and RTCP on one port (RFC 5761)".to_owned(),
        ("rtcp-fb", _) => "feedback that is understood (RFC 4585)".to_owned(),
        ("ssrc", [id, ..]) => format!("what the stream {id} is (RFC 5576)"),
        ("mid", [id]) => format!("this medium is called {id} (RFC 5888)"),
        ("group", ["BUNDLE", mids @ ..]) => {
            format!("the media {} share one port (RFC 9143)", mids.join(", "))
        }
        ("setup", ["active"]) => "begins the DTLS handshake (RFC 4145)".to_owned(),
        ("setup", ["passive"]) => "waits for the DTLS handshake (RFC 4145)".to_owned(),
        ("setup", ["actpass"]) => "takes either part in the handshake (RFC 4145)".to_owned(),
        ("fingerprint", [hash, ..]) => format!("the {hash} of the DTLS certificate (RFC 8122)"),
        ("crypto", [_, suite, ..]) => {
            format!("SRTP with {suite}, the key in the message (RFC 4568)")
        }
        ("ice-ufrag", _) => "the user name of ICE (RFC 8839)".to_owned(),
        ("ice-pwd", _) => "the password of ICE, masked (RFC 8839)".to_owned(),
        ("ice-options", _) => "how ICE is done (RFC 8839)".to_owned(),
        ("ice-lite", _) => "only answers the checks of ICE (RFC 8839)".to_owned(),
        ("candidate", [_, component, transport, _, address, port, "typ", kind, ..]) => {
            let part = match *component {
                "1" => "RTP",
                "2" => "RTCP",
                other => other,
            };
            let kind = match *kind {
                "host" => "its own address",
                "srflx" => "as a STUN server sees it",
                "prflx" => "as the peer sees it",
                "relay" => "a TURN relay",
                other => other,
            };
            format!("{part} over {transport} at {address}:{port}, {kind}")
        }
        ("end-of-candidates", _) => "no more candidates".to_owned(),
        ("extmap", [id, uri, ..]) => format!("header extension {id} is {uri}"),
        ("sctp-port", [port]) => format!("SCTP port {port}"),
        ("label", [label]) => format!("this medium is labelled {label} (RFC 4574)"),
        ("curr" | "des" | "conf", _) => "a precondition (RFC 3312)".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 96 101 99\r\na=rtpmap:96 opus/48000/2\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendonly\r\n\
        m=video 0 RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";

    #[test]
    fn an_offer_is_explained_line_by_line() {
        assert_eq!(problem(OFFER.as_bytes()), None);
        let said = explain(OFFER);
        assert_eq!(
            said[5],
            "audio to port 4000, RTP without encryption: PCMU/8000, opus/48000/2, telephone-event/8000, 99 (without rtpmap)"
        );
        assert_eq!(said[1], "session 1, version 2, made at 192.0.2.1");
        assert_eq!(said[3], "media to 192.0.2.1 (IP4)");
        assert_eq!(said[8], "how telephone-event/8000 is set");
        assert_eq!(said[9], "only sends: on hold, or one way");
        // The same number is another codec in another medium.
        assert_eq!(said[10], "video refused (port 0), SRTP with feedback: VP8/90000");
        assert_eq!(said.len(), OFFER.lines().count());
    }

    #[test]
    fn attributes_of_webrtc_are_explained() {
        for (line, expected) in [
            ("a=setup:actpass", "takes either part in the handshake (RFC 4145)"),
            ("a=fingerprint:sha-256 AB:CD", "the sha-256 of the DTLS certificate (RFC 8122)"),
            (
                "a=candidate:1 1 UDP 2130706431 10.0.0.1 5000 typ host",
                "RTP over UDP at 10.0.0.1:5000, its own address",
            ),
            ("a=group:BUNDLE a v", "the media a, v share one port (RFC 9143)"),
            (
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x",
                "SRTP with AES_CM_128_HMAC_SHA1_80, the key in the message (RFC 4568)",
            ),
            ("m=audio 9 UDP/TLS/RTP/SAVPF", "audio, port by ICE, SRTP with feedback, keys by DTLS"),
            ("m=audio", "should be: media port protocol formats"),
            ("c=IN IP4 0.0.0.0", "IP4: no address: on hold, as RFC 2543 had it"),
            ("a=x-own:1", ""),
            ("nothing", ""),
        ] {
            assert_eq!(explain(line), [expected], "{line}");
        }
    }

    #[test]
    fn what_is_broken_is_said() {
        assert!(problem(b"v=1\r\n").is_some());
        assert!(problem(b"hello").is_some());
    }
}
