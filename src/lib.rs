//! `sipboard`: a terminal dashboard for SIP.

#![forbid(unsafe_code)]

pub mod config;
pub mod demo;
pub mod engine;
pub mod sip;
pub mod transport;
