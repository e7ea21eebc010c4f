//! The book of registrations: what is known of each, and which context serves which.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use bytes::Bytes;

use super::RegistrarName;
use crate::sip::{
    IdMap, compose,
    event::{ContextId, FlowId},
    header::NameAddr,
    message::Message,
    name::HeaderName,
    registration::{Grant, Gruu, NewRegistration, Profile, RegistrationId, RegistrationState},
    request::{CallId, ExtraHeader, NewRequest},
    status::StatusCode,
    transport::Transport,
    uri::UriBuf,
};

/// Every registration, and which context serves which.
#[derive(Debug, Default)]
pub(in crate::sip::user_agent) struct Registrations {
    pub(super) all: BTreeMap<RegistrationId, Registration>,
    pub(super) by_context: IdMap<ContextId, RegistrationId>,
    pub(super) last: u32,
}

/// One registration.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) wanted: NewRegistration,
    /// Where the registrar is, where that is a name: looked up for each try without a flow.
    pub(super) name: Option<RegistrarName>,
    /// The flow of the last REGISTER, once there is one.
    pub(super) flow: Option<FlowId>,
    pub(super) call_id: CallId,
    /// The CSeq number of the last REGISTER.
    pub(super) cseq: Option<u32>,
    pub(super) wish: Wish,
    pub(super) stage: Stage,
    /// How many seconds are asked for: what the user wants, or what a 423 wanted.
    pub(super) expires: u32,
    /// How many REGISTERs failed in a row.
    pub(super) failures: u32,
    /// The Contact URI of the last REGISTER.
    pub(super) contact: Box<str>,
    /// Whether it has followed our address since it was last made or refreshed: once is enough, so
    /// that a NAT that changes it all the time does not make a loop.
    pub(super) moved: bool,
    /// Whether the last REGISTER was accepted, and its flow has not failed since.
    pub(super) stands: bool,
    /// Where the registrar is known by name: when its flow is waited for no longer, and it is looked
    /// up again.
    pub(super) elsewhere_at: Option<Instant>,
    pub(super) binding: Option<Binding>,
    /// What the last 2xx said.
    pub(super) grant: Option<Arc<Grant>>,
    pub(super) deadline: Option<Instant>,
}

/// Our binding at the registrar.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) until: Instant,
    /// The Contact URI that it was made with.
    pub(super) contact: Box<str>,
}

/// What the user wants of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Keep,
    Remove,
    /// Removed, and then forgotten.
    Forget,
}

/// What is being done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Idle,
    /// The flow is not up, or has failed.
    Waiting,
    Registering(ContextId),
    Removing(ContextId),
    Registered {
        refresh_at: Instant,
    },
    Failed(Failure),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) status: Option<StatusCode>,
    pub(super) retry_at: Option<Instant>,
}

impl Registrations {
    pub(in crate::sip::user_agent) fn len(&self) -> usize {
        self.all.len()
    }

    /// A context was made for a registration.
    pub(in crate::sip::user_agent) fn serves(
        &mut self,
        context: ContextId,
        registration: RegistrationId,
    ) {
        self.by_context.insert(context, registration);
    }

    /// Whether a context is a REGISTER of a registration.
    pub(in crate::sip::user_agent) fn is_served_by(&self, context: ContextId) -> bool {
        self.by_context.contains_key(&context)
    }

    /// A request was sent: where it is a REGISTER of ours, the next one counts on from it.
    pub(in crate::sip::user_agent) fn sent(
        &mut self,
        context: ContextId,
        flow: FlowId,
        bytes: &Bytes,
    ) {
        let Some(id) = self.by_context.get(&context) else { return };
        let Some(registration) = self.all.get_mut(id) else { return };
        registration.flow = Some(flow);
        let Ok(register) = Message::read(bytes.clone()) else { return };
        registration.cseq = register.cseq().ok().map(|cseq| cseq.number).or(registration.cseq);
        let contact = register.list(HeaderName::Contact).next().and_then(|value| {
            let address = NameAddr::parse(HeaderName::Contact, value).ok()?;
            Some(address.uri().as_str().into())
        });
        registration.contact = contact.unwrap_or_default();
    }

    /// Names in a REGISTER where we can be reached on the flow that it goes out on; what removes a
    /// binding names the one that was made.
    pub(in crate::sip::user_agent) fn name_contact(
        &self,
        context: ContextId,
        register: &mut NewRequest,
        transport: Transport,
        reached_at: &str,
    ) {
        let Some(id) = self.by_context.get(&context) else { return };
        let Some(registration) = self.all.get(id) else { return };
        let removes = matches!(registration.stage, Stage::Removing(_));
        let address = registration.wanted.identity.uri.as_uri();
        let uri = match removes {
            true => registration.bound_to().to_owned(),
            false => compose::contact_uri(transport, reached_at, &address, address.is_sips()),
        };
        // RFC 5626 §4.2: a flow is told from others by instance and reg-id.
        let outbound =
            registration.wanted.instance.as_ref().map(|urn| {
                format!(";+sip.instance=\"<{urn}>\";reg-id={}", registration.wanted.reg_id)
            });
        let contact = format!("<{uri}>{}", outbound.unwrap_or_default());
        // Written once already where the request has changed its transport since.
        register.headers.retain(|header| !header.is_named(HeaderName::Contact));
        register.headers.insert(0, header(HeaderName::Contact, &contact));
        // RFC 3261 §10.2.2: where we are no longer reached, nobody shall call us.
        let bound_to = registration.bound_to();
        if transport == Transport::Udp && registration.binding.is_some() && bound_to != uri {
            let gone = format!("<{bound_to}>;expires=0");
            register.headers.insert(1, header(HeaderName::Contact, &gone));
        }
    }

    /// Whether a registration is kept on a flow.
    pub(in crate::sip::user_agent) fn has(&self, flow: FlowId) -> bool {
        self.all.values().any(|registration| registration.flow == Some(flow))
    }

    /// Whether something is registered on a flow once it is there again.
    pub(super) fn comes_back_to(&self, flow: FlowId) -> bool {
        self.all.values().any(|registration| {
            let is_kept = registration.flow == Some(flow) && registration.wish == Wish::Keep;
            is_kept
                && match &registration.stage {
                    Stage::Failed(failure) => failure.retry_at.is_some(),
                    // Where it was looked up just now, the next try looks it up again.
                    Stage::Registering(_) => registration.waits_for_its_flow(),
                    _ => true,
                }
        })
    }

    /// Whether a graceful end still waits for a registrar.
    pub(in crate::sip::user_agent) fn is_removing(&self) -> bool {
        self.all.values().any(|registration| {
            registration.wish != Wish::Keep && registration.stage.context().is_some()
        })
    }

    /// The registration that an account's requests go by: of several the first one whose flow is
    /// up.
    pub(super) fn standing(
        &self,
        profile: &Profile,
        is_up: impl Fn(FlowId) -> bool,
    ) -> Option<&Registration> {
        let bound = || {
            self.all.values().filter(|registration| {
                registration.binding.is_some() && registration.wanted.profile.name == profile.name
            })
        };
        bound()
            .find(|registration| registration.flow.is_some_and(&is_up))
            .or_else(|| bound().next())
    }

    /// Whether the registrar keeps the flow for an account (RFC 5626 §6).
    pub(in crate::sip::user_agent) fn is_outbound(&self, profile: &Profile, flow: FlowId) -> bool {
        self.all.values().any(|registration| {
            registration.flow == Some(flow)
                && registration.binding.is_some()
                && registration.wanted.profile.name == profile.name
                && registration.grant.as_ref().is_some_and(|grant| grant.outbound)
        })
    }

    /// What the registrar granted an account that is registered: on its first flow, where it has
    /// several.
    pub(super) fn granted(&self, profile: &Profile) -> Option<&Grant> {
        let mut of_account = self.all.values().filter(|registration| {
            registration.binding.is_some() && registration.wanted.profile.name == profile.name
        });
        of_account.find_map(|registration| registration.grant.as_deref())
    }

    /// The GRUU that an account's requests name as their Contact.
    pub(in crate::sip::user_agent) fn contact(&self, profile: &Profile) -> Option<UriBuf> {
        let grant = self.granted(profile)?;
        match profile.gruu {
            Gruu::Off => None,
            Gruu::Public => grant.pub_gruu.clone(),
            Gruu::Temporary => grant.temp_gruu.clone().or_else(|| grant.pub_gruu.clone()),
        }
    }

    pub(super) fn on(&self, flow: FlowId) -> Vec<RegistrationId> {
        let on = self.all.iter().filter(|(_, registration)| registration.flow == Some(flow));
        on.map(|(id, _)| *id).collect()
    }
}

impl Stage {
    /// The REGISTER that is under way.
    pub(super) fn context(&self) -> Option<ContextId> {
        match self {
            Stage::Registering(context) | Stage::Removing(context) => Some(*context),
            _ => None,
        }
    }
}

impl Registration {
    pub(super) fn state(&self) -> RegistrationState {
        let until = self.binding.as_ref().map(|binding| binding.until);
        match (&self.stage, until) {
            (Stage::Idle, _) if self.wish == Wish::Forget => RegistrationState::Gone,
            (Stage::Idle, _) => RegistrationState::Off,
            (Stage::Waiting, until) => RegistrationState::Waiting { until },
            (Stage::Registering(_), Some(until)) if self.stands => {
                RegistrationState::Refreshing { until }
            }
            (Stage::Registering(_), _) => RegistrationState::Trying,
            (Stage::Removing(_), _) => RegistrationState::Removing,
            (Stage::Registered { refresh_at }, until) => RegistrationState::Registered {
                until: until.unwrap_or(*refresh_at),
                refresh_at: *refresh_at,
            },
            (Stage::Failed(failure), until) => RegistrationState::Failed {
                reason: failure.reason.clone(),
                status: failure.status,
                retry_at: failure.retry_at,
                until,
            },
        }
    }

    /// Whether no other flow is looked for where its own has failed.
    pub(super) fn waits_for_its_flow(&self) -> bool {
        self.name.is_none() || self.stands || self.elsewhere_at.is_some()
    }

    /// The Contact URI of our binding, or what is to be one.
    pub(super) fn bound_to(&self) -> &str {
        self.binding.as_ref().map_or(&self.contact, |binding| &binding.contact)
    }

    /// When something is to be done without anyone asking.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Registered { refresh_at } => Some(*refresh_at),
            Stage::Failed(Failure { retry_at, .. }) => *retry_at,
            Stage::Waiting => self.elsewhere_at,
            _ => None,
        }
    }

    /// The headers of a REGISTER that only a registration gives it, but for its Contact.
    pub(super) fn headers(&self, expires: u32) -> Vec<ExtraHeader> {
        // RFC 3327 §5.1, RFC 5626 §4.2.1, RFC 5627 §4.1: offered, never required.
        vec![
            header(HeaderName::Expires, &expires.to_string()),
            header(HeaderName::Supported, "path, outbound, gruu"),
            header(HeaderName::Allow, compose::ALLOW),
        ]
    }
}

fn header(name: HeaderName, value: &str) -> ExtraHeader {
    ExtraHeader::new(name.as_str(), value).expect("these headers may be added")
}
