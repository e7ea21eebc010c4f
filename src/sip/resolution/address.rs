//! The order of the addresses of one host (RFC 6724 §6, as RFC 7984 §4 asks for).
//!
//! Rules 1, 2, 5, 6 and 8 decide. What rules 3, 4 and 7 look at only the system knows; rule 9 would
//! undo the turns that a DNS server lets the addresses of a host take.

use std::{
    cmp::Reverse,
    net::{IpAddr, Ipv6Addr},
};

/// Puts addresses in the order in which they are tried. `source` gives the address that we would
/// have towards one; `None` where there is no way to it.
pub(super) fn order(addresses: &mut [IpAddr], source: &dyn Fn(IpAddr) -> Option<IpAddr>) {
    addresses.sort_by_cached_key(|address| {
        let source = source(*address);
        let (precedence, label) = policy(*address);
        let other_scope = source.is_none_or(|source| scope(source) != scope(*address));
        let other_label = source.is_none_or(|source| policy(source).1 != label);
        (source.is_none(), other_scope, other_label, Reverse(precedence), scope(*address))
    });
}

/// Precedence and label of an address (RFC 6724 §2.1).
fn policy(address: IpAddr) -> (u8, u8) {
    let address = mapped(address);
    let bits = u128::from(address);
    let row = POLICIES.iter().find(|(prefix, length, ..)| {
        let rest = 128 - u32::from(*length);
        u128::from(*prefix).checked_shr(rest) == bits.checked_shr(rest)
    });
    row.map_or((40, 1), |(.., precedence, label)| (*precedence, *label))
}

/// RFC 6724 §3.1, §3.2: link-local, site-local or global, as multicast addresses number them.
fn scope(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) if address.is_loopback() || address.is_link_local() => LINK_LOCAL,
        IpAddr::V4(_) => GLOBAL,
        IpAddr::V6(address) => match address.segments()[0] {
            _ if address.is_loopback() || address.is_unicast_link_local() => LINK_LOCAL,
            first if first & 0xff00 == 0xff00 => (first & 0xf) as u8,
            first if first & 0xffc0 == 0xfec0 => 5,
            _ => GLOBAL,
        },
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

const LINK_LOCAL: u8 = 2;
const GLOBAL: u8 = 14;

/// The default policy table (RFC 6724 §2.1), the longer prefix first: prefix, its length, precedence,
/// label.
const POLICIES: [(Ipv6Addr, u8, u8, u8); 8] = [
    (Ipv6Addr::LOCALHOST, 128, 50, 0),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 35, 4),
    (Ipv6Addr::UNSPECIFIED, 96, 1, 3),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 5, 5),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 30, 2),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, 1, 12),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, 1, 11),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, 3, 13),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_stand_in_the_order_of_rfc_6724() {
        // Destination and source as the examples of RFC 6724 §10.2 have them; `-` is no source.
        for (given, expected) in [
            // Rule 6: IPv6 before IPv4.
            ("198.51.100.121<198.51.100.117 2001:db8:1::1<2001:db8:1::2", "2001:db8:1::1"),
            // Rule 2: matching scope.
            ("2001:db8:1::1<fe80::2 198.51.100.121<198.51.100.117", "198.51.100.121"),
            // Rule 1: no source.
            ("2001:db8:1::1<- 10.1.2.3<10.1.2.4", "10.1.2.3"),
            // Rule 8: the smaller scope.
            ("2001:db8:1::1<2001:db8:1::2 fe80::1<fe80::2", "fe80::1"),
            // Rule 5: 6to4 without a 6to4 source after IPv4.
            ("2002:c633:6401::1<2001:db8:1::2 10.1.2.3<10.1.2.4", "10.1.2.3"),
            ("fc00::1<fc00::2 10.1.2.3<10.1.2.4", "10.1.2.3"),
            ("127.0.0.1<127.0.0.1 ::1<::1", "::1"),
            // What nothing tells apart keeps its order.
            ("10.1.2.9<10.1.2.4 10.1.2.3<10.1.2.4", "10.1.2.9"),
        ] {
            let pairs: Vec<(IpAddr, Option<IpAddr>)> = given
                .split(' ')
                .map(|pair| {
                    let (address, source) = pair.split_once('<').unwrap();
                    (ip(address), source.parse().ok())
                })
                .collect();
            let mut addresses: Vec<IpAddr> = pairs.iter().map(|(address, _)| *address).collect();
            let source = |wanted: IpAddr| {
                pairs.iter().find(|(address, _)| *address == wanted).and_then(|(_, source)| *source)
            };
            order(&mut addresses, &source);
            assert_eq!(addresses[0], ip(expected), "{given}");
        }
    }
}
