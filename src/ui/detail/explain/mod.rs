//! What a header means and what its value says, in sentences.
//!
//! Texts that come from the message are data: escape them before they reach a terminal.

mod codes;
mod names;
mod values;

pub use names::{Meaning, meaning};
pub use values::value;
