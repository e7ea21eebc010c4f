//! Each typed header takes any text. The first byte says which header it is.
#![no_main]

#[path = "../../tests/message_support/mod.rs"]
mod properties;

use libfuzzer_sys::fuzz_target;
use sipboard::sip::HeaderName;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    properties::header(HeaderName::KNOWN[usize::from(*first) % HeaderName::KNOWN.len()], text);
});
