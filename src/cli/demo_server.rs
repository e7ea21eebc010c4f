//! The demo server inside this process.

use anyhow::Context as _;

use crate::{
    demo::{self, Demo},
    sip::Limits,
};

/// Starts it on ports of the loopback address that the system picks.
pub(super) async fn start(messages: Limits) -> anyhow::Result<Demo> {
    let mut config = demo::Config::default();
    config.settings.messages = messages;
    demo::start(config).await.context("the built-in demo server cannot be started")
}
