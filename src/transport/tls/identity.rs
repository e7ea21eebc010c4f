//! Which server a certificate is for: SIP's rules (RFC 5922 §7) and HTTPS's (RFC 9525 §6).

use std::net::IpAddr;

use crate::{
    sip::{Scheme, Uri},
    transport::CertificateNames,
};

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// RFC 5922, for TLS.
    Sip,
    /// RFC 9525, for WebSocket over TLS.
    Https,
}

impl CertificateNames {
    /// Whether a certificate with these names is for a host, which is a name or an address.
    pub(super) fn are_for(&self, host: &str, rules: Rules) -> bool {
        if let Ok(address) = host.parse::<IpAddr>()
            && self.addresses.contains(&address)
        {
            return true;
        }
        let asked = host.trim_end_matches('.');
        let same = |name: &str| name.trim_end_matches('.').eq_ignore_ascii_case(asked);
        // RFC 2818 §3.1, RFC 9525 §6.4: a DNS name is no address. A SIP URI may have one.
        let is_address = host.parse::<IpAddr>().is_ok();
        match rules {
            Rules::Sip if is_address => {
                self.uris.iter().filter_map(|uri| sip_domain(uri)).any(same)
            }
            Rules::Sip => self.sip_identities().iter().any(|name| same(name)),
            Rules::Https => {
                !is_address
                    && self.dns.iter().any(|name| same(name) || matches_wildcard(name, asked))
            }
        }
    }

    /// Whether a host is an address, and stands here as a name.
    pub(super) fn has_address_as_name(&self, host: &str) -> bool {
        let common = self.common.iter().filter(|_| !self.alternative);
        host.parse::<IpAddr>().is_ok() && self.dns.iter().chain(common).any(|name| *name == host)
    }

    /// The SIP domain identities (RFC 5922 §7.1): the first kind of name that there is.
    fn sip_identities(&self) -> Vec<&str> {
        let uris: Vec<&str> = self.uris.iter().filter_map(|uri| sip_domain(uri)).collect();
        if !uris.is_empty() {
            uris
        } else if self.alternative {
            self.dns.iter().map(String::as_str).collect()
        } else {
            self.common.iter().map(String::as_str).collect()
        }
    }

    /// All names, as a list for a sentence under the rules that held.
    pub(super) fn list(&self, rules: Rules) -> Vec<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        match rules {
            Rules::Sip => {
                let identities = self.sip_identities().into_iter().map(str::to_owned);
                identities.chain(addresses).collect()
            }
            Rules::Https => self.dns.iter().cloned().chain(addresses).collect(),
        }
    }
}

impl CertificateNames {
    /// The names that a certificate has, and that do not count under these rules.
    pub(super) fn others(&self, rules: Rules) -> Vec<String> {
        let counted = self.list(rules);
        // Beside other names a common name is a title, and no name of a server.
        let common = self.common.iter().filter(|_| !self.alternative);
        let all = self.uris.iter().chain(&self.dns).chain(common);
        let mut others: Vec<String> = Vec::new();
        for name in all {
            let domain = sip_domain(name).unwrap_or(name);
            let is_known = |known: &String| known == domain || known == name;
            if !counted.iter().chain(&others).any(is_known) {
                others.push(name.clone());
            }
        }
        others
    }
}

/// RFC 5922 §7.1: a `sip` URI without a user part names a domain; no other URI does.
fn sip_domain(uri: &str) -> Option<&str> {
    let uri = Uri::parse(uri).ok()?;
    (uri.scheme() == Scheme::Sip && uri.user().is_none()).then(|| uri.host())
}

/// RFC 9525 §6.3: a wildcard is the whole leftmost label, and stands for exactly one.
fn matches_wildcard(pattern: &str, host: &str) -> bool {
    let Some(domain) = pattern.trim_end_matches('.').strip_prefix("*.") else { return false };
    let Some((label, rest)) = host.split_once('.') else { return false };
    !label.is_empty() && domain.contains('.') && rest.eq_ignore_ascii_case(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(uris: &[&str], dns: &[&str], addresses: &[&str]) -> CertificateNames {
        let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        CertificateNames {
            alternative: true,
            uris: own(uris),
            dns: own(dns),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            common: vec!["cn.test".to_owned()],
        }
    }

    #[test]
    fn a_sip_uri_is_the_identity_and_dns_only_counts_without_one() {
        let both = names(&["sip:a.test"], &["b.test"], &[]);
        for (host, expected) in [("a.test", true), ("A.TEST", true), ("b.test", false)] {
            assert_eq!(both.are_for(host, Rules::Sip), expected, "{host}");
        }
        let neither_user_nor_sips = names(&["sip:x@a.test", "sips:a.test"], &["b.test"], &[]);
        assert!(!neither_user_nor_sips.are_for("a.test", Rules::Sip));
        assert!(neither_user_nor_sips.are_for("b.test", Rules::Sip));
    }

    #[test]
    fn names_that_do_not_count_are_told_beside_those_that_do() {
        let both = names(&["sip:a.test", "sip:x@a.test"], &["b.test", "a.test"], &["10.0.0.1"]);
        assert_eq!(both.list(Rules::Sip), ["a.test", "10.0.0.1"]);
        assert_eq!(both.others(Rules::Sip), ["sip:x@a.test", "b.test"]);
        assert_eq!(both.others(Rules::Https), ["sip:x@a.test"]);
        let only_common = CertificateNames { alternative: false, ..names(&[], &[], &[]) };
        assert_eq!(only_common.others(Rules::Https), ["cn.test"]);
        assert!(names(&[], &["cn.test"], &[]).others(Rules::Sip).is_empty());
    }

    #[test]
    fn sip_knows_no_wildcards_and_https_does() {
        let wild = names(&[], &["*.b.test"], &[]);
        for (host, https) in
            [("a.b.test", true), ("b.test", false), ("x.a.b.test", false), ("*.b.test", true)]
        {
            assert_eq!(wild.are_for(host, Rules::Https), https, "{host}");
        }
        assert!(!wild.are_for("a.b.test", Rules::Sip));
        assert!(!names(&[], &["*.test"], &[]).are_for("a.test", Rules::Https));
        assert!(!names(&[], &["a*.b.test"], &[]).are_for("ab.b.test", Rules::Https));
    }

    #[test]
    fn a_common_name_counts_for_sip_where_there_is_no_other() {
        let mut only_common = names(&[], &[], &[]);
        assert!(!only_common.are_for("cn.test", Rules::Sip));
        only_common.alternative = false;
        assert!(only_common.are_for("cn.test", Rules::Sip));
        assert!(!only_common.are_for("cn.test", Rules::Https));
    }

    #[test]
    fn addresses_are_compared_as_addresses() {
        let two = names(&["sip:a.test"], &["10.0.0.1"], &["127.0.0.1", "::1"]);
        for rules in [Rules::Sip, Rules::Https] {
            assert!(two.are_for("127.0.0.1", rules));
            assert!(two.are_for("0:0:0:0:0:0:0:1", rules));
            assert!(!two.are_for("10.0.0.1", rules));
        }
    }

    #[test]
    fn an_address_that_stands_as_a_dns_name_is_none_and_a_sip_uri_may_have_one() {
        let as_name = names(&[], &["127.0.0.1"], &[]);
        let as_common = CertificateNames {
            alternative: false,
            common: vec!["127.0.0.1".to_owned()],
            ..names(&[], &[], &[])
        };
        for names in [as_name, as_common] {
            for rules in [Rules::Sip, Rules::Https] {
                assert!(!names.are_for("127.0.0.1", rules));
            }
            assert!(names.has_address_as_name("127.0.0.1"));
            assert!(!names.has_address_as_name("127.0.0.2"));
        }
        assert!(names(&["sip:127.0.0.1"], &[], &[]).are_for("127.0.0.1", Rules::Sip));
        assert!(!names(&[], &["a.test"], &[]).has_address_as_name("a.test"));
    }
}
