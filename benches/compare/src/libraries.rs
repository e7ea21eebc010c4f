//! How each library does each job. A job that a library has no way to do is left out by giving
//! none of its work: sip-core has no typed headers, and types CSeq and Call-ID only.

use std::hint::black_box;

use bytes::Bytes;

/// One library.
pub struct Library {
    /// Its name in reports.
    pub name: &'static str,
    /// Whether all six headers are typed.
    pub types: bool,
    pub(crate) index: fn(&Bytes, u64) -> usize,
    pub(crate) typed: fn(&Bytes, u64) -> usize,
    pub(crate) write: fn(&Bytes, u64) -> usize,
}

/// Every library, ours first.
pub const LIBRARIES: [Library; 6] = [
    Library {
        name: "sipboard",
        types: true,
        index: sipboard::index,
        typed: sipboard::typed,
        write: sipboard::write,
    },
    Library {
        name: "rsip",
        types: true,
        index: rsip::index,
        typed: rsip::typed,
        write: rsip::write,
    },
    Library {
        name: "rsipstack",
        types: true,
        index: rsipstack::index,
        typed: rsipstack::typed,
        write: rsipstack::write,
    },
    Library {
        name: "ezk-sip-types",
        types: true,
        index: ezk::index,
        typed: ezk::typed,
        write: ezk::write,
    },
    Library {
        name: "sipx-sip",
        types: true,
        index: sipx::index,
        typed: sipx::typed,
        write: sipx::write,
    },
    Library {
        name: "sip-core",
        types: false,
        index: sip_core::index,
        typed: sip_core::typed,
        write: sip_core::write,
    },
];

/// A result must be looked at, or the compiler leaves the work out.
fn see<T>(value: &T) -> usize {
    black_box(value);
    1
}

mod sipboard {
    use super::*;
    use ::sipboard::sip::Message;

    fn read(bytes: &Bytes) -> Message {
        Message::read(black_box(bytes).clone()).unwrap()
    }

    pub(super) fn index(bytes: &Bytes, times: u64) -> usize {
        (0..times).map(|_| see(&read(bytes))).sum()
    }

    pub(super) fn typed(bytes: &Bytes, times: u64) -> usize {
        (0..times)
            .map(|_| {
                let message = read(bytes);
                see(&message.essentials().unwrap()) + see(&message.contact().unwrap())
            })
            .sum()
    }

    pub(super) fn write(bytes: &Bytes, times: u64) -> usize {
        let message = read(bytes);
        (0..times)
            .map(|_| {
                let mut out = Vec::new();
                black_box(&message).write_to(&mut out);
                see(&out)
            })
            .sum()
    }
}

mod rsip {
    use super::*;
    use ::rsip::{
        SipMessage,
        headers::UntypedHeader,
        prelude::{HasHeaders, HeadersExt, ToTypedHeader},
    };

    fn read(bytes: &Bytes) -> SipMessage {
        SipMessage::try_from(&black_box(bytes)[..]).unwrap()
    }

    pub(super) fn index(bytes: &Bytes, times: u64) -> usize {
        (0..times).map(|_| see(&read(bytes))).sum()
    }

    pub(super) fn typed(bytes: &Bytes, times: u64) -> usize {
        (0..times)
            .map(|_| {
                let message = read(bytes);
                black_box(message.headers());
                see(&message.from_header().unwrap().typed().unwrap())
                    + see(&message.to_header().unwrap().typed().unwrap())
                    + see(&message.via_header().unwrap().typed().unwrap())
                    + see(&message.cseq_header().unwrap().typed().unwrap())
                    + see(&message.contact_header().unwrap().typed().unwrap())
                    + see(&message.call_id_header().unwrap().value())
            })
            .sum()
    }

    pub(super) fn write(bytes: &Bytes, times: u64) -> usize {
        let message = read(bytes);
        (0..times).map(|_| see(&black_box(&message).to_string())).sum()
    }
}

mod rsipstack {
    use super::*;
    use ::rsipstack::sip::{HeadersExt, SipMessage, headers::ToTypedHeader};

    fn read(bytes: &Bytes) -> SipMessage {
        SipMessage::try_from(&black_box(bytes)[..]).unwrap()
    }

    pub(super) fn index(bytes: &Bytes, times: u64) -> usize {
        (0..times).map(|_| see(&read(bytes))).sum()
    }

    pub(super) fn typed(bytes: &Bytes, times: u64) -> usize {
        (0..times)
            .map(|_| {
                let message = read(bytes);
                see(&message.from_header().unwrap().typed().unwrap())
                    + see(&message.to_header().unwrap().typed().unwrap())
                    + see(&message.via_header().unwrap().typed().unwrap())
                    + see(&message.cseq_header().unwrap().typed().unwrap())
                    + see(&message.contact_header().unwrap().typed().unwrap())
                    + see(&message.call_id_header().unwrap().value())
            })
            .sum()
    }

    pub(super) fn write(bytes: &Bytes, times: u64) -> usize {
        let message = read(bytes);
        (0..times).map(|_| see(&black_box(&message).to_string())).sum()
    }
}

mod ezk {
    use super::*;
    use bytesstr::BytesStr;
    use ezk_sip_types::{
        Headers, Name,
        header::typed::{CSeq, CallID, Contact, FromTo, Via},
        msg::{Line, MessageLine, PullParser},
        parse::Parse,
        print::{AppendCtx, PrintCtx},
    };

    struct Read {
        line: MessageLine,
        headers: Headers,
        body: Bytes,
    }

    /// As the library's own examples put its parts together.
    fn read(bytes: &Bytes) -> Read {
        let bytes = black_box(bytes);
        let mut parser = PullParser::new(bytes, 0);
        let text = |slice: &[u8]| BytesStr::from_utf8_bytes(bytes.slice_ref(slice)).unwrap();
        let first = text(parser.next().unwrap().unwrap());
        let line = MessageLine::parse(bytes)(&first).unwrap().1;
        let mut headers = Headers::new();
        for slice in &mut parser {
            let line = text(slice.unwrap());
            let line = Line::parse(bytes, &line).unwrap().1;
            headers.insert(line.name, line.value);
        }
        Read { line, headers, body: bytes.slice(parser.head_end()..) }
    }

    pub(super) fn index(bytes: &Bytes, times: u64) -> usize {
        (0..times).map(|_| see(&read(bytes))).sum()
    }

    pub(super) fn typed(bytes: &Bytes, times: u64) -> usize {
        (0..times)
            .map(|_| {
                let headers = read(bytes).headers;
                see(&headers.get::<FromTo>(Name::FROM).unwrap())
                    + see(&headers.get::<FromTo>(Name::TO).unwrap())
                    + see(&headers.get_named::<Via>().unwrap())
                    + see(&headers.get_named::<CSeq>().unwrap())
                    + see(&headers.get_named::<Contact>().unwrap())
                    + see(&headers.get_named::<CallID>().unwrap())
            })
            .sum()
    }

    pub(super) fn write(bytes: &Bytes, times: u64) -> usize {
        use std::io::Write;
        let message = read(bytes);
        (0..times)
            .map(|_| {
                let message = black_box(&message);
                let mut out = Vec::new();
                let line = message.line.default_print_ctx();
                write!(out, "{line}\r\n{}\r\n", message.headers).unwrap();
                out.extend_from_slice(&message.body);
                see(&out)
            })
            .sum::<usize>()
            + see(&PrintCtx::default())
    }
}

mod sipx {
    use super::*;
    use sipx_sip::{
        CSeq, CallId, Limits, Message, Via,
        headers::{ContactValue, From, To},
        parse_datagram,
    };

    fn read(bytes: &Bytes) -> Message {
        parse_datagram(black_box(bytes).clone(), &Limits::datagram()).unwrap()
    }

    pub(super) fn index(bytes: &Bytes, times: u64) -> usize {
        (0..times).map(|_| see(&read(bytes))).sum()
    }

    pub(super) fn typed(bytes: &Bytes, times: u64) -> usize {
        (0..times)
            .map(|_| {
                let message = read(bytes);
                let headers = message.headers();
                see(&headers.typed::<From>().unwrap().unwrap())
                    + see(&headers.typed::<To>().unwrap().unwrap())
                    + see(&headers.typed::<Via>().unwrap().unwrap())
                    + see(&headers.typed::<CSeq>().unwrap().unwrap())
                    + see(&headers.typed::<ContactValue>().unwrap().unwrap())
                    + see(&headers.typed::<CallId>().unwrap().unwrap())
            })
            .sum()
    }

    pub(super) fn write(bytes: &Bytes, times: u64) -> usize {
        let message = read(bytes);
        (0..times)
            .map(|_| {
                let mut out = Vec::new();
                black_box(&message).write_to(&mut out);
                see(&out)
            })
            .sum()
    }
}

mod sip_core {
    use super::*;
    use ::sip_core::SipMessage;

    fn read(bytes: &Bytes) -> SipMessage {
        SipMessage::parse(std::str::from_utf8(black_box(bytes)).unwrap()).unwrap()
    }

    pub(super) fn index(bytes: &Bytes, times: u64) -> usize {
        (0..times).map(|_| see(&read(bytes))).sum()
    }

    pub(super) fn typed(bytes: &Bytes, times: u64) -> usize {
        (0..times)
            .map(|_| {
                let message = read(bytes);
                see(&message.cseq()) + see(&message.call_id())
            })
            .sum()
    }

    pub(super) fn write(bytes: &Bytes, times: u64) -> usize {
        let message = read(bytes);
        (0..times).map(|_| see(&black_box(&message).to_bytes())).sum()
    }
}
