//! The lint finds an error in whatever cannot be acted on, and says only what is safe to print.
#![no_main]

#[path = "../../tests/message_support/mod.rs"]
mod properties;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| properties::linting(bytes));
