//! What of a URI may stand where: the table of RFC 3261 §19.1.1.

use std::borrow::Cow;

use super::{Kind, Uri, UriBuf};

impl<'a> Uri<'a> {
    /// As it may stand in a Request-URI: without headers and without the method parameter.
    pub(crate) fn for_request_line(&self) -> Cow<'a, str> {
        if self.kind == Kind::Other {
            return self.text.into();
        }
        let bare = &self.text[..self.question as usize];
        match self.params().has("method") {
            false => bare.into(),
            true => {
                self.with_params(|name| !name.eq_ignore_ascii_case("method"), self.params).into()
            }
        }
    }

    /// The text up to `end`, and those of the parameters that stay.
    fn with_params(&self, stays: impl Fn(&str) -> bool, end: u32) -> String {
        let mut text = self.text[..end as usize].to_owned();
        for (name, value) in self.params().iter().filter(|(name, _)| stays(name)) {
            text.push(';');
            text.push_str(name);
            if let Some(value) = value {
                text.push('=');
                text.push_str(value);
            }
        }
        text
    }
}

impl UriBuf {
    /// Who it names, without the way there: as From and To may have it, which know no port, no
    /// headers, and none of the parameters that say how to reach somebody.
    pub fn to_identity(&self) -> UriBuf {
        let uri = self.as_uri();
        if uri.kind == Kind::Other {
            return self.clone();
        }
        let ways = ["lr", "maddr", "method", "transport", "ttl"];
        let stays = |name: &str| !ways.iter().any(|way| way.eq_ignore_ascii_case(name));
        uri.with_params(stays, uri.host_end).parse().unwrap_or_else(|_| self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_has_no_headers_and_no_method() {
        for (uri, allowed) in [
            ("sip:c.test", "sip:c.test"),
            ("sip:c.test;transport=tcp?Subject=a", "sip:c.test;transport=tcp"),
            ("sip:c.test:5070;METHOD=BYE;transport=tcp;lr?a=b", "sip:c.test:5070;transport=tcp;lr"),
            ("sips:a@c.test;method-x=1;method", "sips:a@c.test;method-x=1"),
            ("tel:+1?a", "tel:+1?a"),
        ] {
            assert_eq!(Uri::parse(uri).unwrap().for_request_line(), allowed, "{uri}");
        }
    }

    #[test]
    fn an_identity_is_a_uri_without_the_way_there() {
        for (uri, identity) in [
            ("sip:bob@b.test:5070;transport=tcp", "sip:bob@b.test"),
            (
                "sip:+1555;ext=1:pw@[::1]:5060;user=phone;LR;Maddr=10.0.0.1;ttl=1;x=\"a;b\"?a=b",
                "sip:+1555;ext=1:pw@[::1];user=phone;x=\"a;b\"",
            ),
            ("sips:b.test;method=INVITE;method-x=1", "sips:b.test;method-x=1"),
            ("tel:+1555;phone-context=b.test", "tel:+1555;phone-context=b.test"),
        ] {
            assert_eq!(uri.parse::<UriBuf>().unwrap().to_identity().as_str(), identity, "{uri}");
        }
    }
}
