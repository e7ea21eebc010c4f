//! `Event` and `Subscription-State` (RFC 6665 §8.2).

use crate::sip::{
    header::{HeaderError, HeaderProblem, digits, fail},
    name::HeaderName,
    params::Params,
    syntax,
};

/// An Event value: a package, its templates, and parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The package with its templates, as written: `presence.winfo`. It compares byte for byte.
    pub package: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Reads an Event value.
    ///
    /// # Errors
    ///
    /// Where the package is no token.
    pub fn parse(value: &'a str) -> Result<Event<'a>, HeaderError> {
        let (package, params) = token_and_params(HeaderName::Event, value)?;
        Ok(Event { package, params })
    }

    /// The `id` parameter.
    pub fn id(&self) -> Option<&'a str> {
        self.params.value("id")
    }
}

/// A Subscription-State value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// `active`, `pending`, `terminated` or another token, as written.
    pub state: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> SubscriptionState<'a> {
    /// Reads a Subscription-State value.
    ///
    /// # Errors
    ///
    /// Where the state is no token, or `expires` or `retry-after` no number.
    pub fn parse(value: &'a str) -> Result<SubscriptionState<'a>, HeaderError> {
        let name = HeaderName::SubscriptionState;
        let (state, params) = token_and_params(name, value)?;
        for param in ["expires", "retry-after"] {
            if params.has(param) && seconds(params, param).is_none() {
                return fail(name, HeaderProblem::BadParam(param), state.len());
            }
        }
        Ok(SubscriptionState { state, params })
    }

    /// Whether the subscription is over.
    pub fn is_terminated(&self) -> bool {
        self.state.eq_ignore_ascii_case("terminated")
    }

    /// How long the subscription lasts, in seconds.
    pub fn expires(&self) -> Option<u32> {
        seconds(self.params, "expires")
    }

    /// After how many seconds to try again.
    pub fn retry_after(&self) -> Option<u32> {
        seconds(self.params, "retry-after")
    }

    /// Why, as written: `deactivated`, `timeout` …
    pub fn reason(&self) -> Option<&'a str> {
        self.params.value("reason")
    }
}

fn seconds(params: Params<'_>, name: &str) -> Option<u32> {
    u32::try_from(digits(params.value(name)?.as_bytes())?).ok()
}

/// `token *( ";" param )`.
pub(super) fn token_and_params(
    name: HeaderName,
    value: &str,
) -> Result<(&str, Params<'_>), HeaderError> {
    let end = memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len());
    let token = syntax::trim(&value[..end]);
    if token.is_empty() {
        return fail(name, HeaderProblem::Empty, 0);
    }
    if !syntax::is_token(token) {
        return fail(name, HeaderProblem::BadToken, 0);
    }
    Ok((token, Params::new(&value[end..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_a_package_and_an_id() {
        let event = Event::parse(" presence.winfo ;id=7").unwrap();
        assert_eq!((event.package, event.id()), ("presence.winfo", Some("7")));
        assert!(Event::parse("a b").is_err());
        assert!(Event::parse(";id=7").is_err());
    }

    #[test]
    fn states_tell_how_long() {
        let state = SubscriptionState::parse("active ; expires=600").unwrap();
        assert_eq!((state.expires(), state.is_terminated()), (Some(600), false));
        let over = SubscriptionState::parse("Terminated;reason=probation;retry-after=5").unwrap();
        assert!(over.is_terminated());
        assert_eq!((over.reason(), over.retry_after()), (Some("probation"), Some(5)));
        assert!(SubscriptionState::parse("active;expires=soon").is_err());
    }
}
