//! RFC 3261, one test a requirement, named by its section. §22 has a file of its own.

#[path = "../registering/mod.rs"]
mod registering;
#[path = "../scripted/mod.rs"]
mod scripted;
#[path = "../simulation/mod.rs"]
mod simulation;

mod options;
mod s08_1_redirects;
mod s08_1_requests;
mod s08_1_responses;
mod s08_2_flaws;
mod s08_2_server;
mod s09_cancel;
mod s10_registrations;
mod s12_2_2_received;
mod s12_dialogs;
mod s13_2_2_4_lost_ack;
mod s13_2_2_4_next_hop;
mod s13_invite;
mod s14_session_changes;
mod s15_1_1_failed_byes;
mod s15_bye;
mod s17_1_client_transactions;
mod s17_2_server_transactions;
mod s18_1_1_large;
mod s18_2_2_answers;
mod s18_4_refused;
mod s18_lost_invite;
mod s18_transport;
mod s19_identifiers;
mod s21_advice;
mod s26_sips;
