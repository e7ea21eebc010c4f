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
    close: Close,
}

/// The code of a close frame, as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
struct Close {
    /// Whether the frame that has begun last is one.
    is_it: bool,
    mask: [u8; 4],
    code: [u8; 2],
    come: usize,
}

#[derive(Debug)]
enum Place {
    /// In the header of a frame, of which that much has come.
    Header { bytes: [u8; HEADER], come: usize },
    /// In the payload of a frame: so much is still to come.
    Payload(u64),
}

/// The longest header: two bytes, a length of eight, and the mask.
const HEADER: usize = 14;

impl Default for Place {
    fn default() -> Place {
        Place::FRAME
    }
}

impl Place {
    const FRAME: Place = Place::Header { bytes: [0; HEADER], come: 0 };
}

impl<S> Watched<S> {
    /// The stream behind a handshake; `come` is what came with that.
    pub(super) fn new(stream: S, come: &[u8]) -> (Watched<S>, Watch) {
        let watch = Watch::default();
        watch.frames().take(come);
        (Watched { stream, watch: watch.clone() }, watch)
    }
}

impl Watch {
    /// Whether something has begun that is not whole.
    pub(super) fn is_inside(&self) -> bool {
        let frames = self.frames();
        match frames.place {
            Place::Header { come, .. } => come > 0 || frames.goes_on,
            Place::Payload(_) => true,
        }
    }

    /// The code of a close frame (RFC 6455 §5.5.1), which the library tells only where it may be
    /// sent.
    pub(super) fn close_code(&self) -> Option<u16> {
        let close = self.frames().close;
        (close.come == 2).then(|| u16::from_be_bytes(close.code))
    }

    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8]) {
        while let [byte, rest @ ..] = bytes {
            match &mut self.place {
                Place::Header { bytes: header, come } => {
                    header[*come] = *byte;
                    *come += 1;
                    bytes = rest;
                    if *come >= 2 && *come == header_length(header) {
                        let (header, length) = (*header, payload_length(header));
                        self.begin(&header, length);
                    }
                }
                Place::Payload(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= here as u64;
                    self.close.take(&bytes[..here]);
                    bytes = &bytes[here..];
                    if *left == 0 {
                        self.place = Place::FRAME;
                    }
                }
            }
        }
    }

    /// The header of a frame is whole.
    fn begin(&mut self, header: &[u8; HEADER], length: u64) {
        const FIN: u8 = 0x80;
        const CONTROL: u8 = 0x08;
        let first = header[0];
        self.close.is_it = first & 0x0f == CONTROL;
        if self.close.is_it {
            // Where there is a mask, it is the last part of the header.
            let is_masked = header[1] & 0x80 != 0;
            let mask = header_length(header).checked_sub(4).filter(|_| is_masked);
            let mask = mask.and_then(|at| header.get(at..at + 4)?.try_into().ok());
            self.close.mask = mask.unwrap_or_default();
        }
        if first & CONTROL == 0 {
            self.goes_on = first & FIN == 0;
        }
        self.place = if length == 0 { Place::FRAME } else { Place::Payload(length) };
    }
}

impl Close {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().take(if self.is_it { 2 - self.come } else { 0 }) {
            self.code[self.come] = byte ^ self.mask[self.come];
            self.come += 1;
        }
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
        let bytes = b"\x81\x03abc\x01\x01a";
        for split in 0..bytes.len() {
            let watch = Watch::default();
            watch.frames().take(&bytes[..split]);
            watch.frames().take(&bytes[split..]);
            assert!(watch.is_inside(), "{split}");
        }
    }

    #[test]
    fn the_code_of_a_close_frame_is_read_masked_or_not() {
        let masked = b"\x81\x01a\x88\x84\x01\x02\x03\x04\x02\xe5ab";
        for (bytes, code) in [
            (&b"\x88\x02\x03\xe7"[..], Some(999)),
            (b"\x88\x04\x03\xedxy", Some(1005)),
            (masked, Some(0x03e7)),
            (b"\x88\x00\x81\x02ab", None),
            (b"\x89\x02ab\x81\x02ab", None),
        ] {
            let watch = Watch::default();
            bytes.iter().for_each(|byte| watch.frames().take(&[*byte]));
            assert_eq!(watch.close_code(), code, "{bytes:?}");
        }
    }
}
