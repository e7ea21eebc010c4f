//! The demo server inside this process.

use anyhow::Context as _;

use crate::demo::{self, Demo};

/// Starts it on ports of the loopback address that the system picks.
pub(super) async fn start() -> anyhow::Result<Demo> {
    demo::start(demo::Config::default()).await.context("the built-in demo server cannot be started")
}
