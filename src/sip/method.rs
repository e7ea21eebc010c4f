//! Request methods: an open, case-sensitive set (RFC 3261 §7.1).

use std::{fmt, str::FromStr};

use crate::sip::syntax;

macro_rules! methods {
    ($($variant:ident $text:literal,)*) => {
        /// A request method. Methods compare byte for byte: `invite` is not `INVITE`.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// Any other token.
            Extension(Box<str>),
        }

        impl Method {
            /// The methods that have RFCs of their own.
            pub const KNOWN: &'static [Method] = &[$(Method::$variant,)*];

            /// The method as it stands in a request line.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Method::$variant => $text,)*
                    Method::Extension(text) => text,
                }
            }
        }

        impl From<&str> for Method {
            /// Any text; use [`str::parse`] where it comes from a user.
            fn from(text: &str) -> Method {
                match text {
                    $($text => Method::$variant,)*
                    _ => Method::Extension(text.into()),
                }
            }
        }
    };
}

methods! {
    Invite "INVITE",
    Ack "ACK",
    Bye "BYE",
    Cancel "CANCEL",
    Options "OPTIONS",
    Register "REGISTER",
    Message "MESSAGE",
    Info "INFO",
    Subscribe "SUBSCRIBE",
    Notify "NOTIFY",
    Publish "PUBLISH",
    Refer "REFER",
    Update "UPDATE",
    Prack "PRACK",
}

/// Why a text is no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a method: a method is a token of letters, digits and -.!%*_+`'~ (RFC 3261 §25.1)"
)]
pub struct MethodError {
    text: String,
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Method, MethodError> {
        if syntax::is_token(text) {
            Ok(Method::from(text))
        } else {
            Err(MethodError { text: text.to_owned() })
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive_and_open() {
        assert_eq!("INVITE".parse(), Ok(Method::Invite));
        assert_eq!("invite".parse(), Ok(Method::Extension("invite".into())));
        assert_eq!("RE%47IST%45R".parse(), Ok(Method::Extension("RE%47IST%45R".into())));
        assert!("IN VITE".parse::<Method>().is_err());
        assert!("".parse::<Method>().is_err());
    }
}
