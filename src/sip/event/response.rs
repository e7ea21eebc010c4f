//! [`Response`]: a response as an event carries it.

use std::borrow::Cow;

use bytes::Bytes;

use crate::sip::{message::Message, status::StatusCode};

/// A response: its status, and its bytes as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The bytes.
    pub message: Bytes,
}

impl Response {
    /// The reason phrase as it came, bad bytes replaced. It is data: escape it before it reaches a
    /// terminal.
    pub fn reason(&self) -> Cow<'_, str> {
        // Only the start line is looked at: a table asks this of many rows at once.
        let end = memchr::memchr(b'\n', &self.message).unwrap_or(self.message.len());
        let line = &self.message[..end];
        match line.strip_suffix(b"\r").unwrap_or(line) {
            [b'S', b'I', b'P', b'/', b'2', b'.', b'0', b' ', a, b, c, b' ', reason @ ..]
                if [a, b, c].iter().all(|byte| byte.is_ascii_digit()) =>
            {
                String::from_utf8_lossy(reason)
            }
            _ => Cow::Owned(self.read().map(|it| it.reason_phrase()).unwrap_or_default()),
        }
    }

    /// The To tag, which names the leg.
    pub fn to_tag(&self) -> Option<String> {
        Some(self.read()?.to().ok()?.tag()?.to_owned())
    }

    fn read(&self) -> Option<Message> {
        Message::read(self.message.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_that_of_the_message_however_its_start_line_is_written() {
        for line in [
            "SIP/2.0 486 Busy Here\r\n",
            "SIP/2.0 486 Busy \rHere\r\n",
            "SIP/2.0 200 \r\n",
            "SIP/2.0 200\r\n",
            "\r\nSIP/2.0 180 Ringing\r\n",
            "sip/2.0 180 Ringing\n",
            "SIP/2.0 180  two  spaces \r\n",
            "SIP/2.0 180 \u{fc}\r\n",
        ] {
            let message = Bytes::from(format!("{line}Content-Length: 0\r\n\r\n"));
            let read = Message::read(message.clone()).expect("a response");
            let status = read.status().expect("a status");
            let response = Response { status, message };
            assert_eq!(response.reason(), read.reason_phrase(), "{line:?}");
        }
    }
}
