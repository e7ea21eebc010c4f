//! One authentication session: a nonce of a realm, how often it was used, and where it is good.

use crate::sip::{
    HeaderName,
    auth::{
        AnswerRecord, AuthKind, AuthRequest, Credentials, QopRecord, UsernameForm,
        digest::{Identity, Proof, Qop},
        offer::{Offer, Quoted},
    },
    syntax,
    uri::Uri,
};

/// Lasts from a challenge until the next one for the realm (RFC 7616 §3.4.2).
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Grows with each session; names it.
    pub id: u64,
    /// Grows with each response that challenges; the newest of a realm is used ahead.
    pub batch: u64,
    pub offer: Offer,
    pub username: Box<str>,
    /// How often the nonce has been used.
    count: u32,
    /// The first nonce and cnonce, for the `-sess` forms.
    pub first: Option<(Box<str>, Box<str>)>,
    /// The digest-uri that was challenged.
    uri: Box<str>,
    /// Whether the server let a request through with it. Before that it is not used ahead, so that
    /// a wrong password costs each context one try and not two.
    pub proven: bool,
}

/// Credentials that a request carries, as its context remembers them.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The session, unless it has been forgotten.
    pub session: u64,
    pub kind: AuthKind,
    pub realm: Box<str>,
    pub username: Box<str>,
    pub nonce: Box<str>,
    /// Whether nobody had asked for them in this context.
    pub ahead: bool,
    /// The nonce count in eight hex digits, and the cnonce.
    pub qop: Option<(Qop, Box<str>, Box<str>)>,
    pub uri: Box<str>,
    /// The nextnonce that this request already brought: a response may come again.
    pub learned: Option<Box<str>>,
}

/// The header, what it was made of for the screen, and for the context.
pub(super) struct Signed {
    pub header: (HeaderName, String),
    pub answer: AnswerRecord,
    pub sent: Sent,
}

impl Session {
    pub(super) fn new(id: u64, batch: u64, offer: Offer, username: &str, uri: &str) -> Session {
        Session {
            id,
            batch,
            offer,
            username: username.into(),
            count: 0,
            first: None,
            uri: uri.into(),
            proven: false,
        }
    }

    /// The same nonce was handed out once more: its count goes on.
    pub(super) fn challenged_again(&mut self, batch: u64, offer: Offer, uri: &str) {
        self.batch = batch;
        self.offer = offer;
        self.first = None;
        self.uri = uri.into();
    }

    /// Whether both are of one realm and user.
    pub(super) fn is_of(&self, kind: AuthKind, realm: &str, username: &str) -> bool {
        self.offer.kind == kind && &*self.offer.realm.text == realm && &*self.username == username
    }

    /// The user that it was made for, where the credentials still hold that name.
    pub(super) fn user<'a>(&self, credentials: &'a [Credentials]) -> Option<&'a Credentials> {
        Credentials::find(credentials, &self.offer.realm.text)
            .filter(|user| *user.username == *self.username)
    }

    /// Whether a request to `uri` is in the protection space (RFC 7616 §3.3, RFC 3261 §22.2).
    pub(super) fn covers(&self, uri: &str) -> bool {
        if self.offer.kind == AuthKind::Proxy {
            return true;
        }
        let mut domain = self.offer.domain.iter().filter(|uri| Uri::parse(uri).is_ok()).peekable();
        if domain.peek().is_some() {
            return domain.any(|space| is_in(uri, space, true));
        }
        is_in(uri, &self.uri, false)
    }

    /// The server wants another nonce from now on (RFC 7616 §3.5). A1 of the `-sess` forms stays.
    pub(super) fn renew(&mut self, nonce: Quoted) {
        if self.offer.nonce.text != nonce.text {
            self.offer.nonce = nonce;
            self.count = 0;
        }
    }

    /// Whether the nonce may be used once more: its count has eight digits.
    pub(super) fn is_usable(&self) -> bool {
        self.count < u32::MAX
    }

    /// Uses the nonce once more.
    pub(super) fn sign(
        &mut self,
        credentials: &Credentials,
        request: &AuthRequest<'_>,
        ahead: bool,
        cnonce: &mut dyn FnMut() -> String,
    ) -> Signed {
        self.count = self.count.saturating_add(1);
        let count = format!("{:08x}", self.count);
        // The same cnonce all through a -sess session: many servers make A1 from the cnonce of the
        // request at hand, and so both readings agree.
        let cnonce = match &self.first {
            Some((_, first)) if self.offer.algorithm.is_session() => first.to_string(),
            _ => cnonce(),
        };
        let nonce = &self.offer.nonce.text;
        let first = self.first.get_or_insert_with(|| (nonce.clone(), cnonce.as_str().into()));
        let identity = identity(&self.offer, credentials, (&first.0, &first.1));
        let proof = Proof {
            nonce,
            qop: self.offer.qop.map(|qop| (qop, count.as_str(), cnonce.as_str())),
            method: request.method,
            uri: request.uri,
            body: request.body,
        };
        let response = proof.response(&identity);
        let (username, username_form) = username(&self.offer, credentials);
        let value = Value { offer: &self.offer, username, proof, response: &response }.write();
        Signed {
            header: (self.offer.kind.credentials_header(), value),
            answer: AnswerRecord {
                kind: self.offer.kind,
                realm: self.offer.realm.text.to_string(),
                username: credentials.username.clone(),
                username_form,
                algorithm: self.offer.algorithm,
                nonce: nonce.to_string(),
                qop: self.offer.qop.map(|qop| QopRecord {
                    qop,
                    count: self.count,
                    cnonce: cnonce.clone(),
                }),
                uri: request.uri.to_owned(),
                a1: identity.describe(),
                a2: proof.describe(self.offer.algorithm),
                response: format!("{}…", &response[..6]),
            },
            sent: Sent {
                session: self.id,
                kind: self.offer.kind,
                realm: self.offer.realm.text.clone(),
                username: self.username.clone(),
                nonce: nonce.clone(),
                ahead,
                qop: self.offer.qop.map(|qop| (qop, count.into(), cnonce.into())),
                uri: request.uri.into(),
                learned: None,
            },
        }
    }
}

pub(super) fn identity<'a>(
    offer: &'a Offer,
    credentials: &'a Credentials,
    first: (&'a str, &'a str),
) -> Identity<'a> {
    Identity {
        algorithm: offer.algorithm,
        username: &credentials.username,
        realm: &offer.realm.text,
        password: &credentials.password,
        first,
    }
}

/// The username parameter, whole.
fn username(offer: &Offer, credentials: &Credentials) -> (String, UsernameForm) {
    let name = &credentials.username;
    if offer.userhash {
        let hash = offer.algorithm.hash(&[name.as_bytes(), offer.realm.text.as_bytes()]);
        return (format!("username=\"{hash}\""), UsernameForm::Hashed);
    }
    // RFC 3261 §25.1 has UTF-8 in quoted strings, RFC 7616 §3.4 has username* for it; only a server
    // that says charset=UTF-8 is known to have read the latter.
    let extended = (offer.utf8 && !name.is_ascii()) || name.contains(char::is_control);
    if extended {
        (format!("username*=UTF-8''{}", percent_encoded(name)), UsernameForm::Extended)
    } else {
        (format!("username={}", syntax::quote(name)), UsernameForm::Plain)
    }
}

/// The value-chars of RFC 5987 §3.2.1.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The value of an Authorization or Proxy-Authorization header.
struct Value<'a> {
    offer: &'a Offer,
    username: String,
    proof: Proof<'a>,
    response: &'a str,
}

impl Value<'_> {
    /// RFC 3261 §25.1 and RFC 7616 §3.4: algorithm, qop, nc and userhash stand without quotes, the
    /// others in quotes.
    fn write(&self) -> String {
        let Value { offer, username, proof, response } = self;
        let mut value = format!(
            "Digest {username}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            offer.realm.wire,
            offer.nonce.wire,
            syntax::quote(proof.uri),
        );
        let mut add = |name: &str, text: &str| {
            value.push_str(", ");
            value.push_str(name);
            value.push('=');
            value.push_str(text);
        };
        if let Some(algorithm) = &offer.algorithm_text {
            add("algorithm", algorithm);
        }
        if let Some((qop, count, cnonce)) = proof.qop {
            add("cnonce", &syntax::quote(cnonce));
            add("qop", qop.as_str());
            add("nc", count);
        }
        if let Some(opaque) = &offer.opaque {
            add("opaque", &opaque.wire);
        }
        if offer.userhash {
            add("userhash", "true");
        }
        value
    }
}

/// Whether `uri` is on the server of `space`, and where `with_user` says so, of its user as well.
fn is_in(uri: &str, space: &str, with_user: bool) -> bool {
    let (Ok(uri), Ok(space)) = (Uri::parse(uri), Uri::parse(space)) else { return uri == space };
    if space.host().is_empty() || uri.host().is_empty() {
        return uri.as_str() == space.as_str();
    }
    uri.is_sips() == space.is_sips()
        && uri.host().eq_ignore_ascii_case(space.host())
        && uri.port() == space.port()
        && (!with_user || space.user().is_none() || space.user() == uri.user())
}
