//! The demo server's certificate: made at its start, known to nobody else.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::transport::ServerIdentity;

/// The names that it is for, beside its addresses.
const NAMES: [&str; 2] = ["localhost", "demo.test"];

/// Makes a certificate for a server at these addresses; gives it with the PEM text of the
/// certificate of its issuer, which is what a client must trust.
pub(super) fn make(
    addresses: impl Iterator<Item = SocketAddr>,
) -> io::Result<(ServerIdentity, Arc<str>)> {
    let (issuer, ca_pem) = issuer().map_err(io::Error::other)?;
    let (certificate, key) = leaf(&issuer, addresses).map_err(io::Error::other)?;
    Ok((ServerIdentity::new(vec![certificate], key)?, ca_pem))
}

fn issuer() -> Result<(Issuer<'static, KeyPair>, Arc<str>), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "sipboard demo issuer");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem.into()))
}

/// The certificate and its key, both DER.
fn leaf(
    issuer: &Issuer<'static, KeyPair>,
    addresses: impl Iterator<Item = SocketAddr>,
) -> Result<(Vec<u8>, Vec<u8>), rcgen::Error> {
    let mut params = CertificateParams::new(NAMES.map(String::from).to_vec())?;
    let mut ours = vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    for address in addresses.map(|address| address.ip()) {
        if !address.is_unspecified() && !ours.contains(&address) {
            ours.push(address);
        }
    }
    params.subject_alt_names.extend(ours.into_iter().map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, "sipboard demo server");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.der().to_vec(), key.serialize_der()))
}
