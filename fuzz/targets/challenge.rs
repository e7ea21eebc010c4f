//! Challenges and credentials take any text.
#![no_main]

#[path = "../../tests/message_support/mod.rs"]
mod properties;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        properties::challenge(text);
    }
});
