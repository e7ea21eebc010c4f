//! Any bytes are read or refused; what is read goes out as it came in.
#![no_main]

#[path = "../../tests/message_support/mod.rs"]
mod properties;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| properties::reading(bytes));
