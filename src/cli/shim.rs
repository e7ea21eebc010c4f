//! Stands in for the demo server until its branch is merged; then this file
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
