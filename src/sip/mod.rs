//! SIP without I/O: messages, transactions, client contexts and dialogs.
//!
//! Nothing in here opens a socket, reads a clock or draws randomness of its own. [`UserAgent`] is
//! the one door: every call takes `now`, and what is to be done comes out of
//! [`UserAgent::poll_output`].

mod advice;
pub mod auth;
mod builder;
mod cause;
mod compose;
mod context;
mod dialog;
pub mod escape;
mod event;
mod flaw;
mod framing;
pub mod header;
mod id_map;
mod impaired;
pub mod lint;
mod message;
mod method;
pub mod multipart;
mod name;
mod notification;
mod params;
mod random;
mod raw;
mod redirect;
mod registration;
mod request;
pub mod resolution;
mod response;
pub(crate) mod sdp;
pub(crate) mod secret;
mod status;
pub mod syntax;
mod transaction;
mod transport;
mod uri;
mod user_agent;
mod way_back;
mod work;

pub use auth::{Credentials, KnownPasswords, Password};
pub use builder::MessageBuilder;
pub use cause::Cause;
pub(crate) use compose::transport_param;
pub use compose::{DialogWriting, PREVIEW_HOST, Writing, preview, preview_in_dialog};
pub(crate) use dialog::Routing;
pub use escape::escape;
pub use event::{
    Absorbed, Advice, Asked, ContextEvent, ContextId, Created, Destination, Event, Fact, FlowId,
    Followed, LegState, Outside, OutsideFact, Resolution, Response, State, Status, Stray,
    TerminatedBy, Timer, TimerAt, TimerOf, Trial, TrialState, answer_attempts,
};
pub use flaw::Flaw;
pub use framing::{Frame, FrameError, Framer};
pub(crate) use id_map::{IdMap, IdSet};
pub use impaired::{Deed, Direction, Impaired};
pub use message::{
    Essentials, Header, Limits, Message, ReadError, RequestLineError, RequestLineProblem, StartLine,
};
pub use method::{Method, MethodError};
pub use name::HeaderName;
pub use notification::notification;
pub use params::Params;
pub use random::Branch;
pub(crate) use random::Identifiers;
pub(crate) use raw::head_end;
pub use raw::{RawMessage, Unmatched};
pub use redirect::RedirectTarget;
pub use registration::{
    Binding, Grant, Gruu, NewRegistration, Profile, RegistrationEvent, RegistrationId,
    RegistrationState,
};
pub use request::{
    CSeqNumber, CallId, CancelOptions, DialogRequest, ExtraHeader, Identity, NewRequest, Token,
    ValueError,
};
pub use response::{ResponseBuilder, response_destination};
pub use status::StatusCode;
pub use transaction::{
    Incoming, ServerKey, ServerReceived, ServerTimeout, ServerTransaction, ServerTransactionId,
    ServerTransactions, TimedOut, Timing,
};
pub(crate) use transaction::{NonInviteClient, ResponseOutcome, TimeoutOutcome};
pub use transport::Transport;
pub use uri::{Scheme, Tel, Uri, UriBuf, UriError, UriProblem};
pub use user_agent::{
    Answer, AnswerError, CancelError, Connect, DialogError, ExtraLegs, FailedByes, Follow,
    HangUpError, Held, KeepAlive, KeepAliveBy, Output, Redirects, RegistrarAt, RegistrarName,
    Settings, Switch, Transmit, UserAgent,
};
pub use way_back::{NoWayBack, WayBack};
