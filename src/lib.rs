//! `sipboard`: a terminal dashboard for SIP.

#![forbid(unsafe_code)]

pub mod engine;
pub mod sip;
pub mod transport;
pub mod ui;
