//! [`Behaviour`]: what the demo server does for a user, named by the user part of the URI.

use std::time::Duration;

use crate::{
    demo::{
        Pace,
        digest::{Algorithm, BOTH, MD5_ALONE},
    },
    sip::{HeaderName, Message, Method, StatusCode, Uri, header::NameAddr},
};

/// How the demo server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// 180, then 200 with SDP; 200 to what is no INVITE. Every user without a behaviour of its own.
    Answer,
    /// 407 with a Digest challenge; with the right answer as `answer`.
    Auth,
    /// 486.
    Busy,
    /// 603.
    Decline,
    /// 183 with SDP, reliable where the caller supports 100rel (RFC 3262), then 200.
    Early,
    /// Two legs: two 180s and two 200s with two To tags.
    Fork,
    /// Bytes that are no usable response.
    Garbled,
    /// As `answer`, then a BYE of its own.
    Hangup,
    /// 180, and a 200 when the CANCEL arrives, so that the two cross.
    Late,
    /// Ignores the first two copies of each request.
    Lossy,
    /// As `auth`, with a challenge that offers MD5 alone.
    Md5,
    /// 404.
    NotFound,
    /// 302 to `answer`.
    Redirect,
    /// 180 until the CANCEL, then 487.
    Ring,
    /// No answer at all.
    Silent,
    /// 100, then 200 after eight seconds.
    Slow,
}

/// One thing that the answer to an INVITE is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// How long after the INVITE.
    pub(super) after: Duration,
    /// Which leg: 0 or 1.
    pub(super) leg: usize,
    pub(super) status: StatusCode,
}

impl Behaviour {
    /// Every behaviour, under the user part that asks for it.
    pub const ALL: [(&'static str, Behaviour); 16] = [
        ("answer", Behaviour::Answer),
        ("auth", Behaviour::Auth),
        ("busy", Behaviour::Busy),
        ("decline", Behaviour::Decline),
        ("early", Behaviour::Early),
        ("fork", Behaviour::Fork),
        ("garbled", Behaviour::Garbled),
        ("hangup", Behaviour::Hangup),
        ("late", Behaviour::Late),
        ("lossy", Behaviour::Lossy),
        ("md5", Behaviour::Md5),
        ("notfound", Behaviour::NotFound),
        ("redirect", Behaviour::Redirect),
        ("ring", Behaviour::Ring),
        ("silent", Behaviour::Silent),
        ("slow", Behaviour::Slow),
    ];

    /// The behaviour of a user.
    pub fn of_user(user: &str) -> Behaviour {
        Behaviour::ALL
            .into_iter()
            .find(|(name, _)| *name == user)
            .map_or(Behaviour::Answer, |(_, behaviour)| behaviour)
    }

    /// The behaviour that a URI asks for.
    pub fn of_uri(uri: &Uri<'_>) -> Behaviour {
        uri.user().map_or(Behaviour::Answer, Behaviour::of_user)
    }

    /// The behaviour that a request asks for: by its Request-URI, and for a REGISTER, whose
    /// Request-URI names no user (RFC 3261 §10.2), by its address of record.
    pub(super) fn of_request(request: &Message) -> Behaviour {
        let uri = match request.method() {
            Some(Method::Register) => request.to().map(|to: NameAddr<'_>| to.uri()).ok(),
            _ => request.request_uri().and_then(|uri| Uri::parse(uri).ok()),
        };
        uri.map_or(Behaviour::Answer, |uri| Behaviour::of_uri(&uri))
    }

    /// The final response of the behaviours that refuse everything.
    pub(super) fn rejection(self) -> Option<StatusCode> {
        Some(match self {
            Behaviour::Busy => status(486),
            Behaviour::Decline => status(603),
            Behaviour::NotFound => status(404),
            Behaviour::Redirect => status(302),
            _ => return None,
        })
    }

    /// What is offered to those who have to say who they are.
    pub(super) fn challenge(self) -> Option<&'static [Algorithm]> {
        match self {
            Behaviour::Auth => Some(BOTH),
            Behaviour::Md5 => Some(MD5_ALONE),
            _ => None,
        }
    }

    /// What the final response to an INVITE would be, were the call made and nobody cancelled it.
    pub(super) fn outcome(self) -> StatusCode {
        match self {
            Behaviour::Auth | Behaviour::Md5 => status(407),
            Behaviour::Garbled | Behaviour::Silent => status(408),
            Behaviour::Ring | Behaviour::Late => status(480),
            other => other.rejection().unwrap_or(StatusCode::OK),
        }
    }

    /// How many legs the answer to an INVITE has.
    pub(super) fn legs(self) -> usize {
        if self == Behaviour::Fork { 2 } else { 1 }
    }

    /// Whether it rings until somebody ends it.
    pub(super) fn rings_on(self) -> bool {
        matches!(self, Behaviour::Ring | Behaviour::Late)
    }

    /// The answer to an INVITE that is not rejected, in order.
    pub(super) fn script(self, pace: &Pace) -> Vec<Step> {
        let step = |after, leg, code| Step { after, leg, status: status(code) };
        let (at_once, answer) = (Duration::ZERO, pace.answer);
        match self {
            Behaviour::Ring | Behaviour::Late => vec![step(at_once, 0, 180)],
            Behaviour::Early => vec![step(at_once, 0, 183), step(answer, 0, 200)],
            Behaviour::Fork => vec![
                step(at_once, 0, 180),
                step(at_once, 1, 180),
                step(answer, 0, 200),
                step(answer * 2, 1, 200),
            ],
            Behaviour::Slow => vec![step(at_once, 0, 100), step(pace.slow, 0, 200)],
            _ => vec![step(at_once, 0, 180), step(answer, 0, 200)],
        }
    }
}

/// A status code that stands in the source.
pub(super) const fn status(code: u16) -> StatusCode {
    match StatusCode::new(code) {
        Some(status) => status,
        None => panic!("every literal status code is from 100 to 699"),
    }
}

/// Whether a list header of the request names an option tag (RFC 3261 §19.2).
pub(super) fn names_option(request: &Message, name: HeaderName, tag: &str) -> bool {
    request.list(name).any(|member| member.eq_ignore_ascii_case(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_part_names_the_behaviour() {
        for (uri, behaviour) in [
            ("sip:ring@demo.test", Behaviour::Ring),
            ("sips:busy:pw@h;x=y", Behaviour::Busy),
            ("sip:Ring@demo.test", Behaviour::Answer),
            ("sip:demo.test", Behaviour::Answer),
            ("tel:+1555", Behaviour::Answer),
        ] {
            assert_eq!(Behaviour::of_uri(&Uri::parse(uri).unwrap()), behaviour, "{uri}");
        }
    }

    #[test]
    fn every_script_runs_forward_and_answers_each_leg_once() {
        for (name, behaviour) in Behaviour::ALL {
            let script = behaviour.script(&Pace::default());
            assert!(script.is_sorted_by_key(|step| step.after), "{name}");
            for leg in 0..behaviour.legs() {
                let finals = script.iter().filter(|step| step.leg == leg && step.status.is_final());
                assert_eq!(finals.count(), usize::from(!behaviour.rings_on()), "{name}");
            }
        }
    }
}
