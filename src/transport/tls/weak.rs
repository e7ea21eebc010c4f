//! What makes a certificate unfit, whoever issued it, in words: the library says it by the names of
//! its errors, or not at all.

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, public_key::PublicKey};

/// The fewest bits of an RSA key that are taken.
const RSA_BITS: usize = 2048;

/// The extensions that are understood, below id-ce, 2.5.29 (RFC 5280 §4.2.1).
const KNOWN: [&str; 6] =
    ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.37"];

/// Signature algorithms that nobody should rely on any more, by their object identifiers.
const WEAK: [(&str, &str); 4] = [
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
    ("1.2.840.10040.4.3", "SHA-1"),
];

/// Whose certificate it is: the server's, or that of an issuer.
fn whose(place: usize, certificate: &X509Certificate<'_>) -> String {
    match place {
        0 => "its certificate".to_owned(),
        _ => format!("the certificate of {}, an issuer,", certificate.subject()),
    }
}

/// The first of a chain of which something is true, as a sentence; the server's own comes first.
fn first<'a>(
    chain: impl IntoIterator<Item = &'a CertificateDer<'a>>,
    what: impl Fn(&X509Certificate<'_>) -> Option<String>,
) -> Option<String> {
    chain.into_iter().enumerate().find_map(|(place, der)| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(format!("{} {}", whose(place, &certificate), what(&certificate)?))
    })
}

/// A signature by an algorithm that is not taken.
pub(super) fn signature<'a>(
    chain: impl IntoIterator<Item = &'a CertificateDer<'a>>,
) -> Option<String> {
    first(chain, |certificate| {
        // Its own signature says nothing of who signs itself.
        let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
        let (_, hash) = WEAK.iter().find(|(id, _)| *id == algorithm)?;
        (certificate.subject() != certificate.issuer()).then(|| {
            format!(
                "is signed with {hash}, which can be forged and is not taken (RFC 9155, RFC 8446 §4.2.3): it has to be issued anew with SHA-256"
            )
        })
    })
}

/// An RSA key that is too short.
pub(super) fn key<'a>(chain: impl IntoIterator<Item = &'a CertificateDer<'a>>) -> Option<String> {
    first(chain, |certificate| {
        let PublicKey::RSA(key) = certificate.public_key().parsed().ok()? else { return None };
        let bits = key.key_size();
        (1..RSA_BITS).contains(&bits).then(|| {
            format!("has an RSA key of {bits} bits, and fewer than {RSA_BITS} are not taken")
        })
    })
}

/// An extension that is critical and not understood.
pub(super) fn extension<'a>(
    chain: impl IntoIterator<Item = &'a CertificateDer<'a>>,
) -> Option<String> {
    first(chain, |certificate| {
        let unknown = certificate.extensions().iter().find_map(|extension| {
            let id = extension.oid.to_id_string();
            (extension.critical && !KNOWN.contains(&&*id)).then_some(id)
        })?;
        Some(format!(
            "has the extension {unknown}, which is marked critical and is not understood here: it has to be refused (RFC 5280 §4.2)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::pem::PemObject;

    use super::*;

    /// Signed with SHA-1 by another.
    const SHA1: &str = "-----BEGIN CERTIFICATE-----
MIIBBjCBrwIBATAJBgcqhkjOPQQBMBExDzANBgNVBAMMBmlzc3VlcjAeFw0yNjEx
MjMwOTE2MjRaFw0yNjEyMDIwOTE2MjRaMBExDzANBgNVBAMMBnNlcnZlcjBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABO1kkr6NltwHY1SVMcyHnNl674Wzw3hTlHp2
MR/S9gfHIUD/P6XTXyfBWHHmL2G7SgU7lPAYoVJuHmUlira5qYIwCQYHKoZIzj0E
AQNHADBEAiBk3IZZwgFtlPdMK165UWtAVa/0e4ejjlCoZmS291+nZgIgT9KzQS9X
peKLP+jq2jR0fkl/phI6snFJYV0BY75sxtg=
-----END CERTIFICATE-----";
    /// With a critical extension that nobody knows.
    const CRITICAL: &str = "-----BEGIN CERTIFICATE-----
MIIBYDCCAQegAwIBAgIBATAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZpc3N1ZXIw
HhcNMjYxMTIzMDkxNjI0WhcNMjYxMjAyMDkxNjI0WjARMQ8wDQYDVQQDDAZzZXJ2
ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATtZJK+jZbcB2NUlTHMh5zZeu+F
s8N4U5R6djEf0vYHxyFA/z+l018nwVhx5i9hu0oFO5TwGKFSbh5lJYq2uamCo1Aw
TjAMBgMqAwQBAf8EAgUAMB0GA1UdDgQWBBSO34dqDjbrKHOe54c2RGM/GMA9rzAf
BgNVHSMEGDAWgBS2rkKdjjD0eKmbUoosOrq2ieIgsDAKBggqhkjOPQQDAgNHADBE
AiBAyv6NJq/M4dj/nWHo74igFTkzNZPc5jpsDQe+J9oW/AIgSA0zeAIpK4nek6DV
i1927u63lEAvZ9Ba808Ky9kynHk=
-----END CERTIFICATE-----";
    /// With an RSA key of 1024 bits, signed by itself.
    const SHORT: &str = "-----BEGIN CERTIFICATE-----
MIIB/DCCAWWgAwIBAgIUHsLCdEWuKBPf2+bnYu4rUhn1E0swDQYJKoZIhvcNAQEL
BQAwEDEOMAwGA1UEAwwFc2hvcnQwHhcNMjYxMTIzMDkxNjI0WhcNMjYxMjAyMDkx
NjI0WjAQMQ4wDAYDVQQDDAVzaG9ydDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC
gYEAsK5XpHmSiZ8iCtD22ffwRAePrq5pObnjbQoWO6cm+q4K4G6eOQN6asjj+d36
IuvGoIRBNI7ddJioMl1tJkONlK702BE4sD+o2+fgoduKF9wUDFthXA4LSQV/VHhO
A8t2nYHdUZVdFHHggKrCmcFjXDIRJK/VgoROcAvUwgS8pOcCAwEAAaNTMFEwHQYD
VR0OBBYEFNsq/Awv76XY1eWcOK27acRXoxNgMB8GA1UdIwQYMBaAFNsq/Awv76XY
1eWcOK27acRXoxNgMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEA
RVIMAVlZoljLMy1lzhqSDcQSoowp5USIjFP/LDol2ZVCJfGr76xaQK8mipYbbvrq
vpJDnOXj4soaqxkv75boxeoDqIJufHg75JDxVC2am8Wc8WOsVzr92k5GGQSd2ywA
ar9+dbJGn6Z5aPD2jTB4eJkvPdvu4d9Tdg8j5xcQfEM=
-----END CERTIFICATE-----";
    /// Nothing is wrong with it.
    const GOOD: &str = "-----BEGIN CERTIFICATE-----
MIIBCTCBsAIBATAKBggqhkjOPQQDAjARMQ8wDQYDVQQDDAZpc3N1ZXIwHhcNMjYx
MTIzMDkxNjI1WhcNMjYxMjAyMDkxNjI1WjARMQ8wDQYDVQQDDAZzZXJ2ZXIwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAATtZJK+jZbcB2NUlTHMh5zZeu+Fs8N4U5R6
djEf0vYHxyFA/z+l018nwVhx5i9hu0oFO5TwGKFSbh5lJYq2uamCMAoGCCqGSM49
BAMCA0gAMEUCIQD7areNI8a1XfiJOP3KSlXd3aP7j/hDI2RwdCML83BY2gIgfBv8
IhIQ9o0hiTcW8NMVAbKQ8Nujx6p9tO45tPWPxSI=
-----END CERTIFICATE-----";

    /// What is found: of the server's own certificate, and of the same above another.
    fn found(
        what: impl Fn(&[CertificateDer<'static>]) -> Option<String>,
        pem: &str,
    ) -> [Option<String>; 2] {
        let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        [what(&[der(pem)]), what(&[der(GOOD), der(pem)])]
    }

    #[test]
    fn what_makes_a_certificate_unfit_is_named_with_whose_it_is() {
        let signed = found(|chain| signature(chain), SHA1).map(Option::unwrap);
        assert!(signed[0].starts_with("its certificate is signed with SHA-1"), "{signed:?}");
        let above = "the certificate of CN=server, an issuer, is signed with SHA-1";
        assert!(signed[1].starts_with(above), "{signed:?}");
        let [critical, _] = found(|chain| extension(chain), CRITICAL).map(Option::unwrap);
        assert!(critical.starts_with("its certificate has the extension 1.2.3.4,"), "{critical}");
        let [short, _] = found(|chain| key(chain), SHORT).map(Option::unwrap);
        assert!(short.starts_with("its certificate has an RSA key of 1024 bits"), "{short}");
    }

    #[test]
    fn nothing_is_found_where_nothing_is_wrong() {
        for pem in [GOOD, SHORT, CRITICAL] {
            assert_eq!(found(|chain| signature(chain), pem), [None, None]);
        }
        for pem in [GOOD, SHA1, CRITICAL] {
            assert_eq!(found(|chain| key(chain), pem), [None, None]);
        }
        for pem in [GOOD, SHA1, SHORT] {
            assert_eq!(found(|chain| extension(chain), pem), [None, None]);
        }
    }
}
