//! Challenges and credentials (RFC 3261 §22.4, RFC 8760).

use super::{Lint, Rule};
use crate::sip::{
    header::{Credentials, challenges},
    name::HeaderName::{Authorization, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate},
    syntax,
};

pub(super) fn look(lint: &mut Lint<'_>) {
    let message = lint.message;
    // Read once, however many credentials there are.
    let request_uri = message.request_uri();
    for name in [WwwAuthenticate, ProxyAuthenticate] {
        for header in message.all(name) {
            let Ok(text) = header.text() else { continue };
            for challenge in challenges(name, text).flatten().filter(|c| c.is_digest()) {
                let within = challenge.scheme().as_ptr() as usize - text.as_ptr() as usize;
                for param in ["realm", "nonce"] {
                    if challenge.params().value(param).is_none() {
                        let text = format_args!("a Digest challenge must have {param}");
                        lint.header(Rule::ChallengeIncomplete, header, within, text);
                    }
                }
            }
        }
    }
    for name in [Authorization, ProxyAuthorization] {
        for header in message.all(name) {
            let Ok(text) = header.text() else { continue };
            let Ok(credentials) = Credentials::parse(name, text) else { continue };
            if !credentials.is_digest() {
                continue;
            }
            for param in ["username", "realm", "nonce", "uri", "response"] {
                // RFC 7616 §3.4 has username* in place of username.
                let there = credentials.params().value(param).is_some()
                    || (param == "username" && credentials.params().value("username*").is_some());
                if !there {
                    let text = format_args!("Digest credentials must have {param}");
                    lint.header(Rule::CredentialsIncomplete, header, 0, text);
                }
            }
            if let (Some(uri), Some(request_uri)) = (credentials.params().value("uri"), request_uri)
                && syntax::unquote(uri) != request_uri
            {
                let within = uri.as_ptr() as usize - text.as_ptr() as usize;
                let text = "the uri that was signed is not the Request-URI";
                lint.header(Rule::CredentialsUri, header, within, text);
            }
        }
    }
}
