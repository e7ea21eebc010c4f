//! What a certificate says, read for people.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, time::ASN1Time,
};

use crate::transport::{Certificate, CertificateNames};

/// How many certificates of a chain are read.
const CHAIN: usize = 16;

/// Reads what can be read of a chain.
pub(super) fn chain(certificates: &[CertificateDer<'_>]) -> Vec<Certificate> {
    certificates.iter().take(CHAIN).filter_map(read).collect()
}

/// Reads one certificate; `None` where it is none.
pub(super) fn read(der: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        not_before: timestamp(certificate.validity().not_before),
        not_after: timestamp(certificate.validity().not_after),
        names: names(&certificate),
    })
}

fn names(certificate: &X509Certificate<'_>) -> CertificateNames {
    let common = certificate.subject().iter_common_name();
    let common = common.filter_map(|name| name.as_str().ok()).map(str::to_owned).collect();
    let mut names = CertificateNames { common, ..CertificateNames::default() };
    // An extension that occurs twice is an error, and no name at all.
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        let san = x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
        names.alternative = certificate.extensions().iter().any(|e| e.oid == san);
        return names;
    };
    names.alternative = true;
    for name in &extension.value.general_names {
        match name {
            GeneralName::URI(uri) => names.uris.push((*uri).to_owned()),
            GeneralName::DNSName(name) => names.dns.push((*name).to_owned()),
            GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
            _ => {}
        }
    }
    names
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
    let v6 = || <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::from(Ipv6Addr::from(bytes)));
    v4.or_else(|_| v6()).ok()
}

/// A time that no clock can show is the nearest that one can.
fn timestamp(time: ASN1Time) -> Timestamp {
    let second = time.timestamp();
    let extreme = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(extreme)
}
