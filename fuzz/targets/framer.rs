//! Any split of a stream gives the same messages. The first eight bytes say where it is cut.
#![no_main]

#[path = "../../tests/message_support/mod.rs"]
mod properties;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (cuts, stream) = bytes.split_at(bytes.len().min(8));
    properties::framing(stream, cuts.iter().map(|cut| usize::from(*cut)));
});
