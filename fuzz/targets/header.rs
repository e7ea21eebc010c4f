//! Each typed header takes any text. The text begins with the name of its header, as in a message.
#![no_main]

#[path = "../../tests/message_support/mod.rs"]
mod properties;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((name, value)) = properties::header_line(bytes) {
        properties::header(name, value);
    }
});
