//! `sipboard`: a terminal dashboard for SIP.

#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod demo;
pub mod engine;
pub mod headless;
pub mod sip;
pub mod transport;
pub mod ui;
