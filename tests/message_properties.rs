//! What must hold for any bytes at all, and for messages that are almost right.

mod message_support;

use std::{collections::HashSet, path::Path, sync::LazyLock};

use message_support as properties;
use proptest::prelude::*;
use sipboard::sip::{HeaderName, header::check};

/// The torture corpus, as material to mutate.
static CORPUS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "dat"))
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("it can be read")).collect()
});

/// Pieces that mean something to a SIP parser.
const PIECES: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n ",
    "\r\n\r\n",
    ":",
    ";",
    ",",
    "\"",
    "\\",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "@",
    "%",
    "%00",
    "=",
    "?",
    "/",
    " ",
    "\t",
    "\0",
    "é",
    "SIP/2.0",
    "sip:",
    "l: ",
    "Via: ",
    "Content-Length: 5",
    "18446744073709551616",
    "-1",
    ";tag=",
    ";branch=z9hG4bK",
    "*",
    "&",
];

/// A message of the corpus with some bytes exchanged, left out, doubled or put in.
fn almost_right() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), 0..4u8, 0..PIECES.len(), any::<u8>());
    (0..CORPUS.len(), prop::collection::vec(edit, 0..8)).prop_map(|(file, edits)| {
        let mut bytes = CORPUS[file].clone();
        for (place, kind, piece, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.splice(at..at, PIECES[piece].bytes())),
                2 => drop(bytes.drain(at..(at + 1 + usize::from(byte) / 8).min(bytes.len()))),
                _ => {
                    let end = (at + 1 + usize::from(byte)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, copy));
                }
            }
        }
        bytes
    })
}

fn text_of_pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(PIECES).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9.]{1,6}",
        1 => "\\PC{0,3}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        properties::reading(&bytes);
        properties::linting(&bytes);
    }

    #[test]
    fn what_is_almost_right_is_kept_as_it_is(bytes in almost_right()) {
        properties::reading(&bytes);
    }

    #[test]
    fn the_lint_never_falls_over(bytes in almost_right()) {
        properties::linting(&bytes);
    }

    #[test]
    fn any_split_of_a_stream_gives_the_same(
        messages in prop::collection::vec(almost_right(), 1..4),
        cuts in prop::collection::vec(0..400usize, 0..12),
    ) {
        properties::framing(&messages.concat(), cuts);
    }

    #[test]
    fn streams_of_pieces_are_framed_the_same(
        texts in prop::collection::vec(text_of_pieces(), 1..4),
        cuts in prop::collection::vec(0..20usize, 0..12),
    ) {
        properties::framing(texts.concat().as_bytes(), cuts);
    }

    #[test]
    fn any_header_takes_any_text(name in 0..HeaderName::KNOWN.len(), text in text_of_pieces()) {
        properties::header(HeaderName::KNOWN[name], &text);
    }

    #[test]
    fn any_challenge_takes_any_text(text in text_of_pieces()) {
        properties::challenge(&text);
        properties::challenge(&format!("Digest realm=\"a\", {text}"));
    }
}

/// The headers that have a grammar of their own: those of which some text is refused.
fn typed() -> impl Iterator<Item = HeaderName> {
    let odd = ["", "<", "\u{e9} \u{e9}"];
    HeaderName::KNOWN
        .iter()
        .copied()
        .filter(move |name| odd.iter().any(|text| check(*name, text).is_err()))
}

#[test]
fn every_seed_of_the_fuzzer_goes_to_the_header_it_names_and_every_typed_header_has_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/header");
    let mut seeded = HashSet::new();
    for entry in std::fs::read_dir(folder).expect("the seeds are there") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let bytes = std::fs::read(&path).expect("it can be read");
        let (name, value) = properties::header_line(&bytes).expect("a known header");
        assert_eq!(name.as_str(), file);
        // A seed that is read opens more of the grammar than one that is refused.
        assert_eq!(check(name, value), Ok(()), "{file}");
        seeded.insert(name);
    }
    let without: Vec<_> = typed().filter(|name| !seeded.contains(name)).collect();
    assert_eq!(without, []);
    assert!(seeded.len() > 60);
}
