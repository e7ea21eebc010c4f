//! [`Verifier`]: looks at a server's certificate, and says in a sentence what is wrong with it.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio_rustls::rustls::{
    self, CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use webpki::{EndEntityCert, KeyUsage};

use super::{certificate, identity::Rules, weak};
use crate::{sip::escape, transport::Certificate};

/// `id-kp-sipDomain` (RFC 5924 §4), 1.3.6.1.5.5.7.3.20, as it is encoded.
const SIP_DOMAIN: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 20];

/// `anyExtendedKeyUsage` (RFC 5280 §4.2.1.12), 2.5.29.37.0.
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0];

/// How many names of a certificate stand in a sentence.
const NAMES: usize = 8;

/// Whose certificates are trusted.
#[derive(Debug)]
pub(super) struct Roots {
    /// Who may vouch for a certificate.
    pub(super) store: Arc<RootCertStore>,
    /// Certificates that need nobody to vouch for them: the server's own one may be named itself.
    pub(super) pinned: Vec<CertificateDer<'static>>,
    /// Where they come from, for a sentence.
    pub(super) origin: String,
}

/// Looks at the certificate of one server, once.
#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` takes any certificate.
    roots: Option<Roots>,
    /// The host that the certificate must be for.
    host: String,
    rules: Rules,
    algorithms: WebPkiSupportedAlgorithms,
    /// What was wrong, and the certificates with which it was.
    problem: OnceLock<(String, Arc<[Certificate]>)>,
}

impl Verifier {
    pub(super) fn new(roots: Option<Roots>, host: String, rules: Rules) -> Verifier {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        Verifier { roots, host, rules, algorithms, problem: OnceLock::new() }
    }

    /// What was wrong with the certificate, in a few words.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.get().map(|(words, _)| words.as_str())
    }

    /// The certificates that were refused, the server's own first.
    pub(super) fn refused(&self) -> Arc<[Certificate]> {
        self.problem.get().map(|(_, chain)| Arc::clone(chain)).unwrap_or_default()
    }

    fn check(
        &self,
        roots: &Roots,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), (CertificateError, String)> {
        let Some(leaf) = certificate::read(end_entity) else {
            let words = "its certificate cannot be read".to_owned();
            return Err((CertificateError::BadEncoding, words));
        };
        // A certificate that is trusted itself needs no issuer, only a date.
        if roots.pinned.iter().any(|pinned| pinned.as_ref() == end_entity.as_ref()) {
            check_dates(&leaf, now)?;
        } else {
            let vouched = ParsedCertificate::try_from(end_entity).and_then(|parsed| {
                let (store, algorithms) = (&roots.store, self.algorithms.all);
                verify_server_cert_signed_by_trust_anchor(
                    &parsed,
                    store,
                    intermediates,
                    now,
                    algorithms,
                )
            });
            let is_for_sip = || self.is_for_sip(roots, end_entity, intermediates, now);
            match vouched {
                Ok(()) => {}
                Err(Error::InvalidCertificate(
                    CertificateError::InvalidPurpose
                    | CertificateError::InvalidPurposeContext { .. },
                )) if is_for_sip() => {}
                Err(Error::InvalidCertificate(error)) => {
                    let chain = (end_entity, intermediates);
                    let words = chain_words(&error, &leaf, chain, roots);
                    return Err((error, words));
                }
                Err(error) => return Err((CertificateError::BadEncoding, error.to_string())),
            }
        }
        if leaf.names.are_for(&self.host, self.rules) {
            return Ok(());
        }
        Err((CertificateError::NotValidForName, self.name_words(&leaf)))
    }

    /// Whether a certificate that is for no web server is for a SIP domain, or for anything
    /// (RFC 5924 §3).
    fn is_for_sip(
        &self,
        roots: &Roots,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> bool {
        let Ok(parsed) = EndEntityCert::try_from(end_entity) else { return false };
        let (all, anchors) = (self.algorithms.all, &roots.store.roots);
        self.rules == Rules::Sip
            && [SIP_DOMAIN, ANY_PURPOSE].into_iter().any(|purpose| {
                let usage = KeyUsage::required_if_present(purpose);
                parsed.verify_for_usage(all, anchors, intermediates, now, usage, None, None).is_ok()
            })
    }

    /// A signature that cannot be verified with a key that is too short is not a bad one.
    fn look_at_key<T>(
        &self,
        certificate: &CertificateDer<'_>,
        verified: Result<T, Error>,
    ) -> Result<T, Error> {
        if verified.is_err()
            && let Some(words) = weak::key([certificate])
        {
            let chain = certificate::chain(std::slice::from_ref(certificate));
            let _ = self.problem.set((words, chain.into()));
        }
        verified
    }

    fn name_words(&self, leaf: &Certificate) -> String {
        let host = escape(&self.host);
        if leaf.names.has_address_as_name(&self.host) {
            return format!(
                "its certificate has {host} as a DNS name, and an address has to stand there as an IP address (iPAddress, RFC 2818 §3.1, RFC 9525 §6.4)"
            );
        }
        let section = match self.rules {
            Rules::Sip => "RFC 5922 §7",
            Rules::Https => "RFC 9525 §6",
        };
        let others = shown(&leaf.names.others(self.rules));
        let but = if others.is_empty() { String::new() } else { format!("; {others} {UNCOUNTED}") };
        let names = leaf.names.list(self.rules);
        if names.is_empty() {
            let subject = escape(&leaf.subject);
            return format!(
                "its certificate names no server at all, and not {host} ({section}); it is about {subject}{but}"
            );
        }
        format!("its certificate is for {}, and not for {host} ({section}){but}", shown(&names))
    }
}

/// What is said of names that a certificate has, and that the rules pass over.
const UNCOUNTED: &str = "in it does not count";

/// Names in a sentence, as many as it bears.
fn shown(names: &[String]) -> String {
    let first: Vec<_> = names.iter().take(NAMES).map(|name| escape(name).into_owned()).collect();
    let more = match names.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        match self.check(roots, end_entity, intermediates, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err((error, words)) => {
                let chain: Vec<CertificateDer<'_>> =
                    std::iter::once(end_entity).chain(intermediates).cloned().collect();
                // One verifier looks at one certificate.
                let _ = self.problem.set((words, certificate::chain(&chain).into()));
                Err(error.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = verify_tls12_signature(message, certificate, signed, &self.algorithms);
        self.look_at_key(certificate, verified)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verified = verify_tls13_signature(message, certificate, signed, &self.algorithms);
        self.look_at_key(certificate, verified)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn check_dates(leaf: &Certificate, now: UnixTime) -> Result<(), (CertificateError, String)> {
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if seconds > leaf.not_after.as_second() {
        return Err((CertificateError::Expired, expired(leaf.not_after)));
    }
    if seconds < leaf.not_before.as_second() {
        return Err((CertificateError::NotValidYet, not_yet(leaf.not_before)));
    }
    Ok(())
}

fn expired(since: Timestamp) -> String {
    format!("its certificate expired on {}", date(since))
}

fn not_yet(before: Timestamp) -> String {
    format!("its certificate is not valid before {}", date(before))
}

fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Why a chain does not lead to anyone who is trusted.
fn chain_words(
    error: &CertificateError,
    leaf: &Certificate,
    (own, intermediates): (&CertificateDer<'_>, &[CertificateDer<'_>]),
    roots: &Roots,
) -> String {
    let chain = || std::iter::once(own).chain(intermediates);
    let issuers = || chain().chain(&roots.pinned);
    let at = |time: &UnixTime| {
        let second = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    };
    match error {
        CertificateError::Expired => expired(leaf.not_after),
        CertificateError::ExpiredContext { not_after, .. } => expired(at(not_after)),
        CertificateError::NotValidYet => not_yet(leaf.not_before),
        CertificateError::NotValidYetContext { not_before, .. } => not_yet(at(not_before)),
        // A self-signed one that may sign others too, as many tools make it, is no unknown issuer to
        // the library, but a CA in a server's place.
        CertificateError::UnknownIssuer | CertificateError::Other(_)
            if leaf.issuer == leaf.subject =>
        {
            format!(
                "its certificate is self-signed ({}), and {} does not hold it: to trust it, name it with ca_file",
                escape(&leaf.subject),
                roots.origin
            )
        }
        CertificateError::UnknownIssuer => format!(
            "its certificate was issued by {}, whom {} does not hold: to trust it, name the issuer's certificate with ca_file",
            escape(&unknown_issuer(leaf, intermediates)),
            roots.origin
        ),
        CertificateError::BadSignature => weak::key(issuers()).unwrap_or_else(|| {
            "its certificate does not bear its issuer's signature".to_owned()
        }),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            weak::signature(chain()).unwrap_or_else(|| {
                "its certificate, or one above it, is signed with an algorithm that is not taken (RFC 8446 §4.2.3)".to_owned()
            })
        }
        CertificateError::Other(error) if is(error, &webpki::Error::UnsupportedCriticalExtension) => {
            weak::extension(issuers()).unwrap_or_else(|| {
                "its certificate, or one above it, has a critical extension that is not understood here: it has to be refused (RFC 5280 §4.2)".to_owned()
            })
        }
        CertificateError::Other(error) if is(error, &webpki::Error::CaUsedAsEndEntity) => {
            "its certificate is one to issue others with (basic constraints, RFC 5280 §4.2.1.9), and not for a server".to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate may not be used for a server (extended key usage, RFC 5280 §4.2.1.12, RFC 5924)".to_owned()
        }
        CertificateError::Other(error)
            if is(error, &webpki::Error::NameConstraintViolation) =>
        {
            let names = [leaf.names.list(Rules::Https), leaf.names.others(Rules::Https)].concat();
            format!(
                "its certificate is for {}, and who issued it, or an issuer above, may not vouch for that (name constraints, RFC 5280 §4.2.1.10)",
                shown(&names)
            )
        }
        other => format!("its certificate is not good: {}", escape(&other.to_string())),
    }
}

/// Whether an error of the library's is that.
fn is(error: &OtherError, what: &webpki::Error) -> bool {
    error.0.downcast_ref() == Some(what)
}

/// Whom the chain that was sent leads to in the end.
fn unknown_issuer(leaf: &Certificate, intermediates: &[CertificateDer<'_>]) -> String {
    let chain = certificate::chain(intermediates);
    let mut issuer = &leaf.issuer;
    for _ in 0..chain.len() {
        match chain.iter().find(|next| next.subject == *issuer && next.issuer != *issuer) {
            Some(next) => issuer = &next.issuer,
            None => break,
        }
    }
    issuer.clone()
}
