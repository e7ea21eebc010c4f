//! Stands in for the dashboard and the demo server until their branches are merged; then this file
//! goes, and `cli::shim::` becomes `crate::`.

pub(super) mod demo {
    use std::{io, net::SocketAddr};

    #[derive(Clone, Copy, Debug, Default)]
    pub struct Config {
        pub udp: Option<SocketAddr>,
        pub ws: Option<SocketAddr>,
    }

    #[derive(Clone, Copy, Debug)]
    pub struct Addresses {
        pub udp: Option<SocketAddr>,
        pub ws: Option<SocketAddr>,
    }

    #[derive(Debug)]
    pub struct Demo;

    impl Demo {
        pub fn addresses(&self) -> Addresses {
            Addresses { udp: None, ws: None }
        }
        pub async fn stop(self) {}
    }

    pub async fn start(_: Config) -> io::Result<Demo> {
        Err(io::Error::other("the demo server is on another branch"))
    }
}

pub(super) mod ui {
    #[derive(Debug)]
    pub struct Options {
        pub accounts: Vec<crate::engine::Account>,
        pub account: usize,
        pub settings: crate::engine::Settings,
        pub notice: Option<String>,
    }

    pub async fn run(options: Options) -> anyhow::Result<()> {
        anyhow::bail!("the dashboard is on another branch ({} accounts)", options.accounts.len())
    }
}
