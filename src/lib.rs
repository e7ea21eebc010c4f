//! `sipboard`: a terminal dashboard for SIP.
//!
//! The program sends SIP requests that a user writes by hand, and shows the whole life of each.
//! This is its library; the binary only calls [`cli::run`].
//!
//! # Floors
//!
//! ```text
//!                     cli                       the command line
//!      ┌──────────┬────┴─────┬──────────┐
//!      ▼          ▼          ▼          ▼
//!     ui      headless    config      demo      the dashboard, `send`, accounts, a server
//!      └──────────┴────┬─────┘          │
//!          Command  │  │  ▲             │
//!                   ▼  │  │  Vec<Event> │
//!                   engine              │       one task: order and time
//!                      │                │
//!                      ▼                ▼
//!                  transport ◄──────────┘       sockets and bytes
//!                      │
//!                      ▼
//!                     sip                       messages, transactions, contexts, dialogs:
//!                                               no I/O, no clock, no randomness of its own
//! ```
//!
//! Imports follow the arrows, over several floors too. `tests/architecture.rs` fails where one does
//! not, or where `sip` touches tokio, a socket, the clock or randomness. Wishes go down as
//! [`engine::Command`], facts come up as [`engine::Event`], and a front end shows a context only as
//! its facts tell it.
//!
//! # A keystroke on its way down
//!
//! The user has chosen an INVITE that rings, and presses `c`.
//!
//! 1. A thread of `ui::terminal` reads the key, and the loop in `ui::app` hands it to
//!    [`ui::update::input`].
//! 2. The table of keys, [`ui::bindings::Bindings`], knows what `c` means in
//!    [`Scope::Browse`](ui::bindings::Scope::Browse):
//!    [`Action::Cancel`](ui::bindings::Action::Cancel).
//! 3. [`ui::update::update`] makes a [`Command::Cancel`](engine::Command::Cancel) of it, with the
//!    [`ContextId`](sip::ContextId) of the chosen row. The [`Model`](ui::Model) stays as it is:
//!    that something was asked for is no fact yet.
//! 4. The command goes over a bounded channel to `engine::task`, whose one `select!` waits for
//!    commands, signals of the network and the next deadline. It calls
//!    [`UserAgent::cancel`](sip::UserAgent::cancel) with the present moment. A context that cannot
//!    be cancelled is refused here: a [`CancelError`](sip::CancelError) says why, and goes up as
//!    [`Event::Refused`](engine::Event::Refused).
//! 5. The user agent notes [`State::Cancelling`](sip::State::Cancelling). As the INVITE has a
//!    provisional response (RFC 3261 §9.1), it writes the CANCEL at once, begins a client
//!    transaction for it with timers of its own, and puts three things into its one queue of
//!    [`Output`](sip::Output): [`Fact::Cancel`](sip::Fact::Cancel), the bytes as a
//!    [`Transmit`](sip::Transmit), and [`Fact::CancelSent`](sip::Fact::CancelSent).
//! 6. The task takes them out with [`UserAgent::poll_output`](sip::UserAgent::poll_output). The
//!    bytes go to [`Network::send`](transport::Network::send), which writes a datagram or queues a
//!    WebSocket frame and never waits; the facts go up, as below.
//!
//! # A response on its way up
//!
//! `SIP/2.0 180 Ringing` arrives for an INVITE.
//!
//! 1. The flow's own task in `transport::udp`, `tcp` or `ws` reads it, notes when it came, and
//!    hands it on. [`Network::receive`](transport::Network::receive) gives it to the engine as a
//!    [`Signal::Message`](transport::Signal::Message).
//! 2. The engine's task calls [`UserAgent::handle_message`](sip::UserAgent::handle_message), which
//!    reads the bytes into a [`Message`](sip::Message). What is no message, or answers nothing that
//!    is under way, becomes a [`Stray`](sip::Stray) here and goes to the log.
//! 3. The branch of the top Via and the method of CSeq find the client transaction (RFC 3261
//!    §17.1.3). `InviteClient` in `sip::transaction` stops Timers A and B, and says that the
//!    response is news and no repetition.
//! 4. The context takes it in: [`State::Proceeding`](sip::State::Proceeding), and an early leg, as
//!    the response has a To tag. That is [`Fact::Progress`](sip::Fact::Progress) and
//!    [`Fact::Leg`](sip::Fact::Leg), each in a [`ContextEvent`](sip::ContextEvent) with the
//!    [`Status`](sip::Status) that the context has now. A cancel that had to wait for a provisional
//!    goes out at this moment.
//! 5. The task gathers what happened and gives it to the front end as one `Vec<Event>` where that
//!    has room; else it gathers on. SIP timers never wait for a terminal.
//! 6. `ui::app` fetches the batch when the next picture is due, [`Model::apply`](ui::Model::apply)
//!    changes the row and adds two lines to its timeline, and [`ui::view::draw`] paints the window
//!    from the model alone. `headless` stands in the same place, and prints a line instead.
//!
//! # Layout
//!
//! - [`sip`]: messages, transactions, client contexts and dialogs. [`sip::UserAgent`] is its one
//!   door; it is also where digest authentication and [`sip::lint`] are.
//! - [`transport`]: UDP, TCP and WebSocket behind one [`transport::Network`].
//! - [`engine`]: the one task that owns a user agent and a network; what a user writes becomes a
//!   request in [`engine::Draft`].
//! - [`demo`]: the built-in server, a user agent server on real sockets.
//! - [`config`]: the config file and what is wrong with it.
//! - [`ui`]: the dashboard: a model, the table of keys, and a view that is a pure function.
//! - [`headless`]: `sipboard send`: the same engine, a timeline or JSON lines.
//! - [`cli`]: the command line.
//! - [`outlet`]: what `ui`, `headless` and `cli` write to the terminal goes through it, so that a
//!   terminal or a pipe that takes no bytes holds up nothing else.

#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod demo;
pub mod engine;
pub mod headless;
pub mod outlet;
pub mod sip;
pub mod transport;
pub mod ui;
