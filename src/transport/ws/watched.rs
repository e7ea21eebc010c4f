//! [`Watched`]: a WebSocket's stream, and whether a message has begun on it that is not whole: the
//! library hands on whole messages, and says nothing of the bytes before.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose frames are followed as they are read.
#[derive(Debug)]
pub(in crate::transport) struct Watched<S> {
    stream: S,
    watch: Watch,
}

/// What is known of a [`Watched`].
#[derive(Clone, Debug, Default)]
pub(in crate::transport) struct Watch(Arc<Mutex<Frames>>);

/// How far the bytes have come (RFC 6455 §5.2).
#[derive(Debug, Default)]
struct Frames {
    place: Place,
    /// Whether the last data frame had no FIN: the message goes on in another (RFC 6455 §5.4).
    goes_on: bool,
}

#[derive(Debug)]
enum Place {
    /// In the HTTP head before the frames: so much of its end has come.
    Head(usize),
    /// In the header of a frame, of which that much has come.
    Header { bytes: [u8; HEADER], come: usize },
    /// In the payload of a frame: so much is still to come.
    Payload(u64),
}

/// The longest header: two bytes, a length of eight, and the mask.
const HEADER: usize = 14;

/// What ends the head of HTTP.
const END: &[u8] = b"\r\n\r\n";

impl Default for Place {
    fn default() -> Place {
        Place::Head(0)
    }
}

impl Place {
    const FRAME: Place = Place::Header { bytes: [0; HEADER], come: 0 };
}

impl<S> Watched<S> {
    /// The stream as it was accepted: its HTTP head comes first.
    pub(super) fn new(stream: S) -> (Watched<S>, Watch) {
        let watch = Watch::default();
        (Watched { stream, watch: watch.clone() }, watch)
    }
}

impl Watch {
    /// Whether something has begun that is not whole.
    pub(super) fn is_inside(&self) -> bool {
        let frames = self.frames();
        match frames.place {
            Place::Head(_) => false,
            Place::Header { come, .. } => come > 0 || frames.goes_on,
            Place::Payload(_) => true,
        }
    }

    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8]) {
        while let [byte, rest @ ..] = bytes {
            match &mut self.place {
                Place::Head(come) => {
                    *come =
                        if *byte == END[*come] { *come + 1 } else { usize::from(*byte == END[0]) };
                    if *come == END.len() {
                        self.place = Place::FRAME;
                    }
                    bytes = rest;
                }
                Place::Header { bytes: header, come } => {
                    header[*come] = *byte;
                    *come += 1;
                    bytes = rest;
                    if *come >= 2 && *come == header_length(header) {
                        let (header, length) = (*header, payload_length(header));
                        self.begin(header[0], length);
                    }
                }
                Place::Payload(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= here as u64;
                    bytes = &bytes[here..];
                    if *left == 0 {
                        self.place = Place::FRAME;
                    }
                }
            }
        }
    }

    /// The header of a frame is whole.
    fn begin(&mut self, first: u8, length: u64) {
        const FIN: u8 = 0x80;
        const CONTROL: u8 = 0x08;
        if first & CONTROL == 0 {
            self.goes_on = first & FIN == 0;
        }
        self.place = if length == 0 { Place::FRAME } else { Place::Payload(length) };
    }
}

/// By its second byte: how the length is written, and whether a mask follows.
fn header_length(header: &[u8; HEADER]) -> usize {
    let mask = if header[1] & 0x80 == 0 { 0 } else { 4 };
    mask + match header[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    }
}

fn payload_length(header: &[u8; HEADER]) -> u64 {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    match header[1] & 0x7f {
        126 => number(&header[2..4]),
        127 => number(&header[2..10]),
        length => length.into(),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.watch.frames().take(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is inside after each byte: `1` or `0`.
    fn inside(bytes: &[u8]) -> String {
        let watch = Watch::default();
        watch.frames().take(b"GET / HTTP/1.1\r\nA: b\r\r\n\r\n");
        let each = bytes.iter().map(|byte| {
            watch.frames().take(&[*byte]);
            if watch.is_inside() { '1' } else { '0' }
        });
        each.collect()
    }

    #[test]
    fn a_message_is_inside_from_its_first_byte_to_its_last() {
        assert_eq!(inside(b"\x81\x00"), "10");
        assert_eq!(inside(b"\x81\x02ab\x82\x01a"), "1110110");
        assert_eq!(inside(b"\x81\x82mask\x01\x02"), "11111110");
        assert_eq!(inside(b"\x81\x7e\x00\x01a"), "11110");
        assert_eq!(inside(b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01a"), "11111111110");
        // In two frames, with a ping between them.
        assert_eq!(inside(b"\x01\x01a\x89\x00\x80\x01b"), "11111110");
    }

    #[test]
    fn how_the_bytes_are_split_makes_no_difference() {
        let bytes = b"GET / HTTP/1.1\r\n\r\n\x81\x03abc\x01\x01a";
        for split in 0..bytes.len() {
            let watch = Watch::default();
            watch.frames().take(&bytes[..split]);
            watch.frames().take(&bytes[split..]);
            assert!(watch.is_inside(), "{split}");
        }
    }
}
