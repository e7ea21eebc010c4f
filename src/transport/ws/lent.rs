//! [`Lent`]: a stream that a WebSocket handshake borrows, so that its failure can be looked at: the
//! library drops the stream, and keeps of an HTTP answer what had come with its head.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    time::timeout,
};

/// How many bytes of an answer are kept at most.
const HEARD: usize = 8 << 10;

/// How long the body of a refusal is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// A stream that comes back when it is dropped, with what was heard on it.
#[derive(Debug)]
pub(in crate::transport) struct Lent<S> {
    stream: Option<S>,
    /// While it shakes hands.
    heard: Option<Vec<u8>>,
    owner: Arc<Mutex<Option<Returned<S>>>>,
}

/// A stream that came back.
#[derive(Debug)]
struct Returned<S> {
    stream: S,
    heard: Vec<u8>,
}

/// Who lends a stream.
#[derive(Debug)]
pub(super) struct Lender<S>(Arc<Mutex<Option<Returned<S>>>>);

/// What a server answered that did not shake hands.
#[derive(Debug, Default)]
pub(super) struct Answer {
    bytes: Vec<u8>,
}

impl<S> Lent<S> {
    pub(super) fn new(stream: S) -> (Lent<S>, Lender<S>) {
        let owner = Arc::default();
        let lender = Lender(Arc::clone(&owner));
        (Lent { stream: Some(stream), heard: Some(Vec::new()), owner }, lender)
    }

    /// Hands were shaken: from now on it is a stream like any other.
    pub(super) fn keep(&mut self) {
        self.heard = None;
    }

    fn stream(&mut self) -> &mut S {
        self.stream.as_mut().expect("it is there until it is dropped")
    }
}

impl<S> Drop for Lent<S> {
    fn drop(&mut self) {
        if let (Some(stream), Some(heard)) = (self.stream.take(), self.heard.take())
            && let Ok(mut owner) = self.owner.lock()
        {
            *owner = Some(Returned { stream, heard });
        }
    }
}

impl<S: AsyncRead + Unpin> Lender<S> {
    /// What the server has answered; of an HTTP answer the beginning of its body too, which may
    /// come later than its head.
    pub(super) async fn answer(self) -> Answer {
        self.answer_within(PATIENCE).await
    }

    async fn answer_within(self, patience: Duration) -> Answer {
        let returned = self.0.lock().ok().and_then(|mut owner| owner.take());
        let Some(Returned { mut stream, heard }) = returned else { return Answer::default() };
        let mut answer = Answer { bytes: heard };
        let read_on = async {
            let mut buffer = [0; 1024];
            while answer.wants_more() {
                match stream.read(&mut buffer).await {
                    Ok(length) if length > 0 => answer.bytes.extend_from_slice(&buffer[..length]),
                    _ => return,
                }
            }
        };
        // What came until then is shown.
        let _ = timeout(patience, read_on).await;
        answer
    }
}

impl Answer {
    /// The header and the body.
    fn parts(&self) -> Option<(&[u8], &[u8])> {
        let end = memchr::memmem::find(&self.bytes, b"\r\n\r\n")?;
        Some((&self.bytes[..end], &self.bytes[end + 4..]))
    }

    /// The first line, where it is one of HTTP.
    pub(super) fn status_line(&self) -> Option<&[u8]> {
        let end = memchr::memchr(b'\n', &self.bytes)?;
        Some(self.bytes[..end].trim_ascii_end()).filter(|line| line.starts_with(b"HTTP/"))
    }

    /// What has come of the body, from the first of its chunks on where it comes in chunks
    /// (RFC 9112 §7.1).
    pub(super) fn body(&self) -> &[u8] {
        let Some((_, body)) = self.parts() else { return &[] };
        if !self.is_chunked() {
            return body;
        }
        let size = memchr::memchr(b'\n', body).map_or(body.len(), |end| end + 1);
        &body[size..]
    }

    fn is_chunked(&self) -> bool {
        let coding = self.header("Transfer-Encoding");
        coding.is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
    }

    /// The value of a header field.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(self.parts()?.0);
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let mut named = fields.filter(|(found, _)| found.trim().eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.trim().to_owned())
    }

    /// Whether the first line of the body is still to come.
    fn wants_more(&self) -> bool {
        // RFC 9110 §15.2: a 1xx has no body.
        let has_body = self.status_line().is_some_and(|line| line.get(9) != Some(&b'1'));
        let Some((_, whole)) = self.parts().filter(|_| has_body) else { return false };
        let body = self.body();
        let length = self.header("Content-Length").and_then(|length| length.parse().ok());
        let has_line = body.trim_ascii_start().contains(&b'\n');
        self.bytes.len() < HEARD && !has_line && length.is_none_or(|length| whole.len() < length)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(self.stream()).poll_read(cx, buffer))?;
        if let Some(heard) = &mut self.heard {
            let fresh = &buffer.filled()[before..];
            let room = HEARD.saturating_sub(heard.len());
            heard.extend_from_slice(&fresh[..fresh.len().min(room)]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.stream()).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_body_that_comes_byte_by_byte_is_heard_to_the_end_of_its_first_line() {
        for length in ["Content-Length: 14\r\n", "Transfer-Encoding: identity\r\n"] {
            // There is room for one byte: each is read before the next one is there.
            let (near, mut far) = duplex(1);
            let head = format!("HTTP/1.1 403 Forbidden\r\n{length}\r\n");
            let writer = tokio::spawn(async move {
                for part in [&*head, "go ", "away\nnow"] {
                    // The reader goes after the first line.
                    if far.write_all(part.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
            let (mut lent, lender) = Lent::new(near);
            // The handshake reads the head; what it does not read is still to come.
            while !lent.heard.as_ref().is_some_and(|heard| heard.ends_with(b"\r\n\r\n")) {
                assert_ne!(lent.read(&mut [0]).await.unwrap(), 0);
            }
            drop(lent);
            let answer = lender.answer_within(Duration::from_secs(30)).await;
            assert!(answer.body().starts_with(b"go away\n"), "{answer:?}");
            writer.await.unwrap();
        }
    }
}
