//! Bodies to begin with: session descriptions (RFC 4566), ready to be edited.

use std::borrow::Cow;

use crate::sip::sdp::{next_origin, on_hold};

/// A body to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What it is, in a few words.
    pub name: &'static str,
    /// Its text; lines end in a line feed.
    pub text: Cow<'static, str>,
}

/// The templates, in the order in which they are offered. The ports are those of nobody.
const TEMPLATES: [Template; 3] = [
    Template { name: "audio offer", text: Cow::Borrowed(AUDIO) },
    Template { name: "hold", text: Cow::Borrowed(HOLD) },
    Template { name: "WebRTC-shaped offer", text: Cow::Borrowed(WEBRTC) },
];

/// The templates, in the order in which they are offered. Where a session is changed, each goes on
/// from its origin, and `hold` from all of it (RFC 3264 §8).
fn templates(session: Option<&str>) -> [Template; 3] {
    let Some((session, origin)) =
        session.and_then(|session| Some((session, next_origin(session)?)))
    else {
        return TEMPLATES;
    };
    TEMPLATES.map(|template| {
        let text = match on_hold(session).filter(|_| template.text == HOLD) {
            Some(held) => literal(&held.replace("\r\n", "\n")),
            None => {
                let line = |line: &str| match line.starts_with("o=") {
                    true => format!("o={}\n", literal(&origin)),
                    false => format!("{line}\n"),
                };
                template.text.lines().map(line).collect()
            }
        };
        Template { text: Cow::Owned(text), ..template }
    })
}

/// A text in which nothing stands for a variable.
fn literal(text: &str) -> String {
    text.replace("{{", "{{{{")
}

const AUDIO: &str = "v=0
o=- {{now seconds}} 1 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 40000 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv
";

/// RFC 3264 §8.4.
const HOLD: &str = "v=0
o=- {{now seconds}} 2 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 40000 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendonly
";

/// RFC 8829 §5.2.1: what a browser's offer looks like. Nobody holds its keys.
const WEBRTC: &str = "v=0
o=- {{now seconds}} 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=ice-options:trickle
m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:{{random 4}}
a=ice-pwd:{{random 24}}
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF
a=setup:actpass
a=mid:0
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:126 telephone-event/8000
";

/// The template after the one that a text is, as it was put there; `None` where the text is
/// something else. After the last comes an empty body. `session` is what is changed, where the
/// request changes a session.
pub fn next(text: &str, session: Option<&str>) -> Option<Option<Template>> {
    let mut templates = templates(session).into_iter();
    if text.is_empty() {
        return Some(templates.next());
    }
    templates.find(|template| template.text == text)?;
    Some(templates.next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Values, Variables};

    #[test]
    fn every_template_is_a_session_description() {
        for template in TEMPLATES {
            let text = Variables::default().expand(&template.text, &mut Values::new(1)).unwrap();
            let text = text.replace('\n', "\r\n");
            let session = sdp_types::Session::parse(text.as_bytes()).unwrap();
            assert_eq!(session.medias.len(), 1, "{}", template.name);
        }
    }

    #[test]
    fn they_come_one_after_the_other_and_then_nothing() {
        for session in [None, Some(SESSION)] {
            let mut text = Cow::Borrowed("");
            for template in templates(session) {
                assert_eq!(next(&text, session).flatten().as_ref(), Some(&template));
                text = template.text;
            }
            assert_eq!(next(&text, session), Some(None));
            assert_eq!(next("my own", session), None);
        }
    }

    const SESSION: &str =
        "v=0\r\no=- 7 1 IN IP4 h\r\ns={{x\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\na=sendrecv\r\n";

    #[test]
    fn in_a_dialog_they_go_on_from_the_session() {
        let [audio, hold, webrtc] = templates(Some(SESSION));
        for template in [&audio, &hold, &webrtc] {
            assert!(template.text.contains("\no=- 7 2 IN IP4 h\n"), "{}", template.text);
        }
        assert!(hold.text.ends_with("s={{{{x\nt=0 0\nm=audio 9 RTP/AVP 8\na=sendonly\n"));
    }
}
