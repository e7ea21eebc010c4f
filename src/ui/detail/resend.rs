//! The `sipboard send …` command that sends a request again, for a shell.
//!
//! It is sent anew: what belongs to the transaction and to the call is made afresh. Only a request
//! within a dialog keeps its tags and its Call-ID, with the next CSeq. No password is in it: where
//! the request carried credentials, the command takes them from the environment, and the keys in a
//! body are masked as they are on screen.

use bytes::Bytes;

use crate::{
    engine::literal,
    sip::{
        HeaderName, KnownPasswords, Message, Method,
        header::{Credentials, NameAddr},
        secret,
    },
    transport::ServerUri,
};

/// Why a message cannot be sent again from a command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResendError {
    /// Only requests are sent.
    #[error("a response cannot be sent by a command: choose the request")]
    Response,
    /// The dashboard sends these by themselves.
    #[error("{0} is sent by sipboard itself, as part of the INVITE: choose that")]
    Automatic(Method),
    /// It is no SIP message.
    #[error("these bytes are no request that could be sent again: {0}")]
    Unreadable(String),
    /// A body with a zero byte.
    #[error("its body is binary, and no command line can hold it: copy the message instead")]
    Binary,
}

/// The command that sends a request again to a server.
///
/// # Errors
///
/// Where it is no request, one that is never sent by hand, or has a body that no shell can hold.
pub fn command(
    request: &Bytes,
    server: Option<&ServerUri>,
    known: &KnownPasswords,
) -> Result<String, ResendError> {
    let message = Message::read(request.clone())
        .map_err(|error| ResendError::Unreadable(error.to_string()))?;
    let (Some(method), Some(target)) = (message.method(), message.request_uri()) else {
        return Err(ResendError::Response);
    };
    if matches!(method, Method::Ack | Method::Cancel | Method::Prack) {
        return Err(ResendError::Automatic(method));
    }
    let target = without_password(target);
    let mut words = vec!["sipboard".to_owned(), "send".to_owned()];
    words.extend([method.as_str(), &target].map(|word| written(&known.hide(word))));
    let mut option = |name: &str, value: &str| {
        words.push(name.to_owned());
        // Of all that stands here only the credentials have no variables.
        words.push(match name {
            "--user" => quote(value),
            _ => written(&known.hide(value)),
        });
    };
    if let Some(server) = server {
        option("--server", &server.to_string());
    }
    identities(&message, &target, &mut option);
    for route in message.list(HeaderName::Route) {
        let uri = route.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        option("--route", &without_password(uri.map_or(route, |(uri, _)| uri)));
    }
    for header in message.headers().filter(|header| !is_made(header.name)) {
        let name = String::from_utf8_lossy(header.name_text);
        option("-H", &format!("{name}: {}", without_password(&header.unfolded())));
    }
    if let Some(user) = user(&message) {
        option("--user", &user);
        option("--password-env", "SIP_PASSWORD");
    }
    let body = message.body();
    if !body.is_empty() {
        let shown = secret::masked(&body, 0..body.len(), &secret::ranges_in_body(&body, known));
        let body = std::str::from_utf8(&shown).map_err(|_| ResendError::Binary)?;
        if body.contains('\0') {
            return Err(ResendError::Binary);
        }
        if let Some(kind) = message.header(HeaderName::ContentType) {
            option("--content-type", &kind.unfolded());
        }
        option("--body", body);
    }
    Ok(words.join(" "))
}

/// From and To, and what makes the request one of a dialog.
fn identities(message: &Message, target: &str, option: &mut impl FnMut(&str, &str)) {
    let name = |address: &NameAddr<'_>| address.display_name().into_owned();
    let in_dialog = message.to().is_ok_and(|to| to.tag().is_some());
    if let Ok(from) = message.from() {
        option("--from", &without_password(from.uri().as_str()));
        if !name(&from).is_empty() {
            option("--from-display-name", &name(&from));
        }
        if let Some(tag) = from.tag().filter(|_| in_dialog) {
            option("--from-tag", tag);
        }
    }
    if let Ok(to) = message.to() {
        let uri = without_password(to.uri().as_str());
        if uri != target {
            option("--to", &uri);
        }
        if !name(&to).is_empty() {
            option("--to-display-name", &name(&to));
        }
        if let Some(tag) = to.tag() {
            option("--to-tag", tag);
        }
    }
    if in_dialog {
        if let Ok(call_id) = message.call_id() {
            option("--call-id", call_id);
        }
        if let Ok(cseq) = message.cseq() {
            // RFC 3261 §12.2.1.1: one more than the last.
            option("--cseq", &cseq.number.saturating_add(1).to_string());
        }
    }
}

/// Whether sipboard writes that header itself, or has an option for it.
const fn is_made(name: HeaderName) -> bool {
    use HeaderName::{
        Allow, Authorization, CSeq, CallId, Contact, ContentLength, ContentType, From, Malformed,
        MaxForwards, ProxyAuthorization, Route, Supported, To, UserAgent, Via,
    };
    matches!(
        name,
        Allow
            | Authorization
            | CSeq
            | CallId
            | Contact
            | ContentLength
            | ContentType
            | From
            | Malformed
            | MaxForwards
            | ProxyAuthorization
            | Route
            | Supported
            | To
            | UserAgent
            | Via
    )
}

/// The user name of the Digest credentials that it carried.
fn user(message: &Message) -> Option<String> {
    [HeaderName::Authorization, HeaderName::ProxyAuthorization].into_iter().find_map(|name| {
        let value = message.header(name)?.unfolded().into_owned();
        let credentials = Credentials::parse(name, &value).ok()?;
        Some(credentials.params().unquoted("username")?.into_owned())
    })
}

/// A value whose URIs have lost their passwords.
fn without_password(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secret::passwords(bytes) {
        // The colon before it goes as well.
        plain.push_str(&text[at..secret.start - 1]);
        at = secret.end;
    }
    plain.push_str(&text[at..]);
    plain
}

/// A text that `send` reads back as it is: its braces stand for no variable.
fn written(text: &str) -> String {
    quote(&literal(text))
}

/// A word for a POSIX shell; with control characters as bash, zsh and ksh write them.
pub fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if !word.contains(crate::sip::escape::is_unsafe) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut quoted = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            '\r' => quoted.push_str("\\r"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if crate::sip::escape::is_unsafe(c) => {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    // Three octal digits always end where they should.
                    quoted.push_str(&format!("\\{byte:03o}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(head: &str, body: &str) -> Bytes {
        format!(
            "{head} SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: \"Al O'Hara\" <sip:a@h>;tag=1\r\n\
             To: <sip:bob@h>\r\nCall-ID: x@y\r\nCSeq: 4 INVITE\r\nX-Own: a b\r\n{body}"
        )
        .into()
    }

    #[test]
    fn a_request_is_sent_anew() {
        let server = "ws://127.0.0.1:5066".parse().unwrap();
        let text = request(
            "INVITE sip:bob@h",
            "Proxy-Authorization: Digest username=\"demo\", response=\"ff\"\r\n\
             Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n",
        );
        assert_eq!(
            command(&text, Some(&server), &KnownPasswords::default()).unwrap(),
            "sipboard send INVITE sip:bob@h --server ws://127.0.0.1:5066/ --from sip:a@h \
             --from-display-name 'Al O'\\''Hara' -H 'X-Own: a b' --user demo \
             --password-env SIP_PASSWORD --content-type application/sdp --body $'v=0\\r\\n'"
                .replace("5066/ ", &format!("{} ", &server.to_string()["ws://127.0.0.1:".len()..]))
        );
    }

    #[test]
    fn braces_are_written_so_that_they_stand_for_no_variable() {
        let text = request("INVITE sip:bob@h", "X-T: {{uuid}} {{nope}} {\r\n\r\n{{{{ }}");
        let command = command(&text, None, &KnownPasswords::default()).unwrap();
        assert!(command.contains("-H 'X-T: {{{{uuid}} {{{{nope}} {'"), "{command}");
        assert!(command.ends_with("--body '{{{{{{{{ }}'"), "{command}");
        let body = crate::engine::Variables::default()
            .expand("{{{{{{{{ }}", &mut crate::engine::Values::new(1));
        assert_eq!(body.as_deref(), Ok("{{{{ }}"));
    }

    #[test]
    fn what_stands_in_place_of_a_port_is_sent_again_as_it_was() {
        let text = request("INVITE sip:bob@h", "X-Port: <sip:h:50x60>, 'sip:h:5060'\r\n\r\n");
        let command = command(&text, None, &KnownPasswords::default()).unwrap();
        assert!(
            command.contains("<sip:h:50x60>, ") && command.contains("sip:h:5060'"),
            "{command}"
        );
    }

    #[test]
    fn a_request_in_a_dialog_keeps_it() {
        let text = Bytes::from_static(
            b"INFO sip:b:pw@1.2.3.4 SIP/2.0\r\nRoute: <sip:p:pw@h;lr>\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\nCall-ID: x\r\nCSeq: 4 INFO\r\n\r\n",
        );
        assert_eq!(
            command(&text, None, &KnownPasswords::default()).unwrap(),
            "sipboard send INFO sip:b@1.2.3.4 --from sip:a@h --from-tag 1 --to sip:b@h --to-tag 2 \
             --call-id x --cseq 5 --route 'sip:p@h;lr'"
        );
    }

    #[test]
    fn the_keys_in_a_body_are_masked() {
        let text = request(
            "INVITE sip:bob@h",
            "Content-Type: application/sdp\r\n\r\nv=0\r\na=ice-pwd:qLCP5\r\n",
        );
        let command = command(&text, None, &KnownPasswords::default()).unwrap();
        assert!(command.ends_with(r"--body $'v=0\r\na=ice-pwd:***\r\n'"), "{command}");
    }

    #[test]
    fn what_cannot_be_sent_again_says_why() {
        let refused = |text: &'static [u8]| {
            command(&Bytes::from_static(text), None, &KnownPasswords::default()).unwrap_err()
        };
        assert_eq!(refused(b"SIP/2.0 200 OK\r\n\r\n"), ResendError::Response);
        assert_eq!(refused(b"ACK sip:a@b SIP/2.0\r\n\r\n"), ResendError::Automatic(Method::Ack));
        assert_eq!(refused(b"MESSAGE sip:a@b SIP/2.0\r\n\r\n\xff"), ResendError::Binary);
        assert!(matches!(refused(b"x"), ResendError::Unreadable(_)));
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, quoted) in [
            ("sip:a@b", "sip:a@b"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(reboot)`x`", "'$(reboot)`x`'"),
            ("it's", r"'it'\''s'"),
            ("a\r\nb'c\\", r"$'a\r\nb\'c\\'"),
            ("\x1b]0;1", r"$'\033]0;1'"),
            ("\u{202e}x", r"$'\342\200\256x'"),
            ("~x", "'~x'"),
        ] {
            assert_eq!(quote(word), quoted, "{word:?}");
        }
    }
}
