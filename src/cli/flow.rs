//! The options that say how a flow is made, over what the account says.

use std::path::PathBuf;

use clap::Args;

use crate::transport::{ClientIdentity, FlowSettings, HttpHeader, LocalAddress, Trust};

/// How the flow is made.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct FlowArgs {
    /// Send from this address of ours, a link-local one with its interface (fe80::1%eth0); without it the
    /// system picks one
    #[arg(long, value_name = "ADDRESS", help_heading = FLOW)]
    bind: Option<LocalAddress>,
    /// Trust a TLS server whose certificate is vouched for by one of this PEM file, and no other;
    /// without it, those that this system trusts
    #[arg(long, value_name = "FILE", conflicts_with = "insecure", help_heading = FLOW)]
    ca_file: Option<PathBuf>,
    /// The name that the TLS server's certificate must be for, where it is not the server's host
    #[arg(long, value_name = "NAME", conflicts_with = "insecure", help_heading = FLOW)]
    server_name: Option<String>,
    /// The certificate that is shown to a TLS server that asks for one, a PEM file
    #[arg(long, value_name = "FILE", requires = "client_key", help_heading = FLOW)]
    client_cert: Option<PathBuf>,
    /// The private key of that certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "client_cert", help_heading = FLOW)]
    client_key: Option<PathBuf>,
    /// A header of the WebSocket handshake, such as Origin, Cookie or Authorization (repeatable)
    #[arg(long = "ws-header", value_name = "'NAME: VALUE'", help_heading = FLOW)]
    ws_headers: Vec<HttpHeader>,
    /// Send WebSocket messages in binary frames
    #[arg(long, help_heading = FLOW)]
    ws_binary: bool,
    /// Take any TLS certificate: whoever is in between can read and change everything
    #[arg(long, help_heading = FLOW)]
    insecure: bool,
}

impl FlowArgs {
    /// The account's settings, with what the options say.
    pub(super) fn over(&self, settings: &FlowSettings) -> FlowSettings {
        let mut settings = settings.clone();
        let FlowArgs { bind, ca_file, server_name, client_cert, client_key, .. } = self.clone();
        settings.bind = bind.or(settings.bind.take());
        let tls = &mut settings.tls;
        if let Some(ca_file) = ca_file {
            tls.trust = Trust::File(ca_file);
            tls.insecure = false;
        }
        tls.server_name = server_name.or(tls.server_name.take());
        if let (Some(cert_file), Some(key_file)) = (client_cert, client_key) {
            tls.identity = Some(ClientIdentity { cert_file, key_file });
        }
        tls.insecure |= self.insecure;
        settings.websocket.headers.extend(self.ws_headers.iter().cloned());
        settings.websocket.binary |= self.ws_binary;
        settings
    }
}

const FLOW: &str = "How the flow is made";
