//! How many bytes and header fields have been looked at: counted in this crate's own tests, and
//! nothing at all elsewhere.
//!
//! The scanners that everything in `sip` is read with tell of each byte that they look at, and the
//! index of each field that is gone through. What takes time quadratic in its input goes through one
//! of them too often, whatever the machine does at that moment.

/// Tells of so many bytes or fields that were looked at.
#[inline(always)]
pub(in crate::sip) fn look_at(_count: usize) {
    #[cfg(test)]
    tests::LOOKED_AT.with(|looked_at| looked_at.set(looked_at.get() + _count as u64));
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bytes::Bytes;
    use proptest::prelude::*;

    use crate::sip::{
        Flaw, Framer, HeaderName, Limits, Message, Params, Uri, header, lint, multipart, syntax,
    };

    thread_local! {
        pub(super) static LOOKED_AT: Cell<u64> = const { Cell::new(0) };
    }

    /// How often each byte may be looked at, on the average. What is linear stays below it at any
    /// length; what is quadratic takes [`LENGTH`] looks a byte, or a good part of that.
    const PER_BYTE: u64 = 120;

    /// The length of the inputs, about.
    const LENGTH: usize = 24 << 10;

    fn counted(work: impl FnOnce()) -> u64 {
        LOOKED_AT.set(0);
        work();
        LOOKED_AT.get()
    }

    /// Everything that is done with bytes from a network.
    fn everything(bytes: &[u8], name: HeaderName, value: &str) -> [(&'static str, u64); 5] {
        let bytes = Bytes::copy_from_slice(bytes);
        let reader = counted(|| {
            let _ = Message::read_with(bytes.clone(), &Limits::NONE);
        });
        let typed = counted(|| {
            let Ok(message) = Message::read_with(bytes.clone(), &Limits::NONE) else { return };
            let _ = (message.essentials().is_ok(), message.check_vias(), message.contact().is_ok());
            let _ = (message.check_request_line(), Flaw::of(&message, &Limits::NONE));
            let _ = HeaderName::KNOWN.iter().map(|name| message.list(*name).count()).sum::<usize>();
            if let Some(text) = message.header(HeaderName::ContentType)
                && let Ok(media) = header::MediaType::parse(&text.unfolded())
            {
                let _ = multipart::parts(media, &message.body(), 8).is_ok();
            }
        });
        let header = counted(|| {
            let _ = header::check(name, value);
        });
        let lint = counted(|| {
            let options = lint::Options { limits: Limits::NONE, now: Some(1_700_000_000) };
            lint::lint(bytes.clone(), &options);
        });
        let framer = counted(|| {
            let mut framer = Framer::new(Limits::NONE);
            for piece in bytes.chunks(7) {
                framer.push(piece);
                while let Ok(Some(_)) = framer.frame() {}
            }
        });
        [
            ("reader", reader),
            ("typed", typed),
            ("header", header),
            ("lint", lint),
            ("framer", framer),
        ]
    }

    const PIECES: [&str; 40] = [
        "\"",
        "\\\"",
        "\"\\",
        "(",
        ")",
        "<",
        ">",
        "<>",
        ",",
        ", ",
        ";",
        ";\"",
        "=",
        "%",
        "%41",
        "a",
        "a ",
        "a=b",
        "sip:",
        "@",
        "[",
        "]",
        ":",
        " ",
        "\t",
        "\r\n ",
        "\n\t",
        "1",
        "0",
        "*",
        "?",
        "&",
        "/",
        ".",
        "é",
        ";tag=1",
        "<sip:a@b>,",
        "Digest a=b, ",
        "SIP/2.0/UDP h,",
        "--b\r\n",
    ];

    /// A value that repeats a few pieces behind others.
    fn value() -> impl Strategy<Value = String> {
        let some = |range| {
            prop::collection::vec(prop::sample::select(&PIECES[..]), range).prop_map(|p| p.concat())
        };
        (some(0..4), some(1..4), some(0..4)).prop_map(|(start, unit, end)| {
            format!("{start}{}{end}", unit.repeat(LENGTH / unit.len()))
        })
    }

    /// A message in which the value stands in one place or another.
    fn message(kind: u8, name: HeaderName, value: &str) -> Vec<u8> {
        let head = "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\
                    Call-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n";
        match kind {
            0 => format!("INVITE sip:{value} SIP/2.0\r\n{head}\r\n"),
            1 => {
                let (unit, _) = value.split_at(value.floor_char_boundary(12));
                let line = format!("{name}: {unit}\r\n");
                let lines = line.repeat(LENGTH / line.len());
                format!("INVITE sip:c@d SIP/2.0\r\n{head}{lines}\r\n")
            }
            2 => format!(
                "INVITE sip:c@d SIP/2.0\r\n{head}Content-Type: multipart/mixed;boundary=b\r\n\r\n{value}"
            ),
            3 => format!("SIP/2.0 200 OK\r\n{head}{name}: {value}\r\n\r\n"),
            4 => format!("INVITE sip:{} SIP/2.0\r\n{name}: {value}\r\n{head}\r\n", "x".repeat(LENGTH)),
            5 => value.to_owned(),
            _ => format!("INVITE sip:c@d SIP/2.0\r\n{name}: {value}\r\n{head}\r\n"),
        }
        .into_bytes()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_byte_is_looked_at_more_than_a_bounded_number_of_times(
            kind in 0..8u8,
            name in prop::sample::select(HeaderName::KNOWN),
            value in value(),
        ) {
            let bytes = message(kind, name, &value);
            let bound = PER_BYTE * bytes.len().max(value.len()) as u64;
            for (what, work) in everything(&bytes, name, &value) {
                prop_assert!(work <= bound, "{what}: {work} looks at {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn parameters_are_compared_in_a_bounded_number_of_looks() {
        let params: String = (0..LENGTH / 6).map(|i| format!(";p{i}=v")).collect();
        let text = format!("sip:a@b{params}");
        let uri = Uri::parse(&text).unwrap();
        let work = counted(|| assert!(uri.is_equivalent(&uri)));
        assert!(work > 0 && work <= PER_BYTE * text.len() as u64, "{work} looks");
    }

    #[test]
    fn a_stream_of_single_bytes_is_not_searched_again_and_again() {
        let lines = "x\r\n ".repeat(LENGTH / 4);
        let text = format!("INVITE sip:a@b SIP/2.0\r\nl: 0\r\nSubject: {lines}\r\n\r\n");
        let work = counted(|| {
            let mut framer = Framer::new(Limits::NONE);
            for byte in text.as_bytes() {
                framer.push(&[*byte]);
                while let Ok(Some(_)) = framer.frame() {}
            }
        });
        assert!(work > 0 && work <= PER_BYTE * text.len() as u64, "{work} looks");
    }

    /// The count is worth something: what is quadratic is over the bound.
    #[test]
    fn what_is_quadratic_is_found_out() {
        let text = ";a=b".repeat(1000);
        let bound = PER_BYTE * text.len() as u64;
        let params = Params::new(&text);
        let linear = counted(|| assert!(!params.has("c")));
        assert!(linear >= text.len() as u64 / 2 && linear <= bound, "{linear}");
        let again = counted(|| {
            // The parameters are gone through once more for every one of them.
            assert_eq!(params.iter().filter(|_| params.has("c")).count(), 0);
        });
        assert!(again > bound, "{again}");
        let list = "a,".repeat(2000);
        let again = counted(|| {
            let rest = |at: usize| syntax::comma_list(&list[at..]).count();
            assert!((0..list.len()).step_by(2).map(rest).sum::<usize>() > 1_000_000);
        });
        assert!(again > PER_BYTE * list.len() as u64, "{again}");
    }
}
