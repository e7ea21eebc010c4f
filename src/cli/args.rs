//! What can be said on the command line. The doc comments are the texts of `--help`, where a bracket
//! is no link.
#![allow(rustdoc::broken_intra_doc_links)]

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    Args as ClapArgs, Parser, Subcommand,
    builder::{NonEmptyStringValueParser, styling},
};

use crate::{
    cli::{duration, flow::FlowArgs, impair::ImpairArgs, limits::LimitArgs, profile::Profile},
    transport::dns_server,
};

/// A terminal dashboard for SIP: send requests by hand, watch each one live through its whole
/// life, and cancel a pending INVITE with one key.
///
/// Without a command it opens the dashboard. With no config file the dashboard starts on the
/// built-in demo server.
#[derive(Debug, Parser)]
#[command(name = "sipboard", version, styles = STYLES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) profile: Profile,
    #[command(flatten)]
    pub(super) impair: ImpairArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Send(Box<Send>),
    Serve(Serve),
    /// Say what is wrong with SIP messages, and where
    ///
    /// Each file holds one message, as a datagram would bring it. The exit status is 0 where there
    /// is nothing above a note, 1 for warnings, 3 for an error in one of the files, and 2 for
    /// usage or a file that cannot be read.
    Lint {
        /// The files; - reads standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// One JSON object a line, instead of text
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Find, check or begin the config file
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
        /// The config file that is meant, where it is not your own
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, for `man -l -`
    Man {
        /// The command whose page is wanted; without it, the program's own
        page: Option<String>,
    },
}

/// Send one request, or many, without the dashboard
///
/// What happens is told on standard output as it happens, as a readable timeline or as JSON lines.
/// An accepted INVITE is hung up again.
#[derive(Debug, ClapArgs)]
#[command(override_usage = SEND_USAGE, after_help = EXIT_STATUS, after_long_help = SEND_NOTES)]
pub(super) struct Send {
    /// The method, such as OPTIONS or INVITE; methods are case-sensitive
    #[arg(required_unless_present = "raw")]
    pub(super) method: Option<String>,
    /// Where the request goes: a URI, user@host, or a user of the account's domain
    #[arg(required_unless_present = "raw")]
    pub(super) target: Option<String>,

    /// Send the bytes of this file as they are, malformed or not; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = WRITTEN, help_heading = REQUEST)]
    pub(super) raw: Option<PathBuf>,
    /// With --raw, end each line with CR LF where the file has LF alone
    // A requirement is waived where it conflicts with what is given, as METHOD does.
    #[arg(long, requires = "raw", conflicts_with = "method", help_heading = REQUEST)]
    pub(super) crlf: bool,

    /// A further header (repeatable)
    #[arg(short = 'H', long = "header", value_name = "'NAME: VALUE'", help_heading = REQUEST)]
    pub(super) headers: Vec<String>,
    /// The body
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file", help_heading = REQUEST)]
    pub(super) body: Option<String>,
    /// A file with the body, of any bytes; - reads standard input
    #[arg(long, value_name = "FILE", help_heading = REQUEST)]
    pub(super) body_file: Option<PathBuf>,
    /// The Content-Type; without it the body's look decides: application/sdp,
    /// text/plain, or application/octet-stream for what is not UTF-8. Without a body it is sent too,
    /// as the type of an empty one
    #[arg(long, value_name = "TYPE", default_value = "", hide_default_value = true, help_heading = REQUEST)]
    pub(super) content_type: String,
    /// The From URI, where the account's user and host are not wanted
    #[arg(long, value_name = "URI", default_value = "", hide_default_value = true, help_heading = REQUEST)]
    pub(super) from: String,
    /// The From display name
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = REQUEST)]
    pub(super) from_display_name: String,
    /// The From tag
    #[arg(long, value_name = "TAG", value_parser = NonEmptyStringValueParser::new(), help_heading = REQUEST)]
    pub(super) from_tag: Option<String>,
    /// The To URI, where the target's user and host are not wanted; with it a REGISTER's Request-URI is
    /// the target as written
    #[arg(long, value_name = "URI", default_value = "", hide_default_value = true, help_heading = REQUEST)]
    pub(super) to: String,
    /// The To display name
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = REQUEST)]
    pub(super) to_display_name: String,
    /// The To tag, for a request within a dialog
    #[arg(long, value_name = "TAG", value_parser = NonEmptyStringValueParser::new(), help_heading = REQUEST)]
    pub(super) to_tag: Option<String>,
    /// The Call-ID
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), help_heading = REQUEST)]
    pub(super) call_id: Option<String>,
    /// The CSeq number: 0 to 2147483647, and a thousand less where a dialog may follow
    #[arg(long, value_name = "N", default_value = "", hide_default_value = true, help_heading = REQUEST)]
    pub(super) cseq: String,
    /// A Route (repeatable, in order)
    #[arg(long = "route", value_name = "URI", help_heading = REQUEST)]
    pub(super) routes: Vec<String>,

    #[command(flatten)]
    pub(super) profile: Profile,
    /// The server that it is sent to: sip:host:port;transport=udp or tcp, sips:host:port, or
    /// ws://host:port/path or wss://…; without it the account's, else the target decides
    #[arg(long, value_name = "URI", default_value = "", hide_default_value = true, conflicts_with = "demo", help_heading = WHERE)]
    pub(super) server: String,

    #[command(flatten)]
    pub(super) flow: FlowArgs,

    /// Look names up with this DNS server, an address and a port, and not with the config's or the
    /// system's (repeatable)
    #[arg(long, value_name = "ADDRESS", value_parser = dns_server, help_heading = WHERE)]
    pub(super) resolver: Vec<SocketAddr>,

    #[command(flatten)]
    pub(super) impair: ImpairArgs,

    /// The user name that answers a challenge
    #[arg(long, value_name = "NAME", requires = "password_env", help_heading = WHERE)]
    pub(super) user: Option<String>,
    /// The environment variable that holds the password
    #[arg(long, value_name = "VAR", requires = "user", help_heading = WHERE)]
    pub(super) password_env: Option<String>,

    /// Cancel an INVITE that is still pending that long after it was begun
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = LIFE)]
    pub(super) cancel_after: Option<Duration>,
    /// The status code in the CANCEL's Reason (RFC 3326)
    #[arg(long, value_name = "CODE", requires = "cancel_after", value_parser = clap::value_parser!(u16).range(200..=699), help_heading = LIFE)]
    pub(super) cancel_status: Option<u16>,
    /// The text in the CANCEL's Reason
    #[arg(long, value_name = "TEXT", requires = "cancel_after", help_heading = LIFE)]
    pub(super) cancel_reason: Option<String>,
    /// Hang up an accepted INVITE that long after its 2xx; without it at once
    ///
    /// It ends when its BYE is answered or has timed out. Where another fork still rings, it is
    /// waited for, until 64 times T1 after the first 2xx (RFC 3261 §13.2.2.4): each that accepts late
    /// is acknowledged and hung up. A fork that was never heard of is not waited for.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = LIFE)]
    pub(super) hangup_after: Option<Duration>,
    /// Give up a request that has no outcome after that long; a pending INVITE is cancelled
    ///
    /// With --raw, and bytes to which no answer can be matched, it is how long whatever comes is
    /// listened for; without it 64 times T1, or twice T1 where nobody answers: a response, an ACK.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = LIFE)]
    pub(super) timeout: Option<Duration>,
    /// T1 in milliseconds, at most T2: requests are sent again after T1, given up after 64 times T1
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=60_000), help_heading = LIFE)]
    pub(super) t1_ms: Option<u32>,

    /// Send it so often, and tell the totals at the end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = MANY)]
    pub(super) count: Option<u64>,
    /// How many may be under way at once [default: 1, with --rate as many as it takes]
    #[arg(long, value_name = "N", requires = "count", value_parser = clap::value_parser!(u32).range(1..), help_heading = MANY)]
    pub(super) concurrency: Option<u32>,
    /// How many are sent in a time at most: 50/s, 600/m
    #[arg(long, value_name = "N/s", requires = "count", value_parser = duration::parse_rate, help_heading = MANY)]
    pub(super) rate: Option<f64>,

    /// Tell events as JSON, one object a line
    #[arg(long, help_heading = OUTPUT)]
    pub(super) json: bool,
    /// With --count above 1, tell each event too and not only the totals
    #[arg(long, help_heading = OUTPUT)]
    pub(super) events: bool,
}

/// Run the demo server alone, as a target for this and other SIP tools
///
/// It prints the addresses on which it listens, and a file with the certificate that its TLS clients
/// must trust (removed at the end), and ends on SIGINT, SIGTERM and SIGHUP. The user
/// part of a request's target says how it behaves: answer, ring, busy, notfound, decline, redirect,
/// auth (demo/demo), md5 (the same with MD5 alone), early, fork, slow, silent, lossy, late, hangup,
/// garbled; any other gets a 2xx. What is larger than 65535 bytes gets a 513, whatever the limits.
#[derive(Debug, ClapArgs)]
pub(super) struct Serve {
    /// Listen on UDP, at host:port or at a port of 127.0.0.1; port 0 lets the system pick. At 0.0.0.0
    /// or [::] answers leave from the address that the system's route to the peer has
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(super) udp: Option<SocketAddr>,
    /// Listen on TCP; with one of these named, only those named are on
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(super) tcp: Option<SocketAddr>,
    /// Listen on WebSocket
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(super) ws: Option<SocketAddr>,
    /// Listen on TLS, with a certificate that is made at the start
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(super) tls: Option<SocketAddr>,
    /// Listen on WebSocket over TLS, with the same certificate
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    pub(super) wss: Option<SocketAddr>,
    /// Print the addresses as one JSON object on one line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print where the config file belongs
    Path,
    /// Read the config file and name every mistake in it
    Check,
    /// Print a config file that shows everything it can say
    Example,
}

/// `host:port`, or a port of the loopback address.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.parse().map_err(|_| {
        "write an IP address and a port such as 127.0.0.1:5060 or [::1]:5060, or a port".to_owned()
    })
}

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Cyan.on_default().bold())
    .usage(styling::AnsiColor::Cyan.on_default().bold())
    .literal(styling::Style::new().bold())
    .placeholder(styling::Style::new());

/// What writes a request, which raw bytes are already.
const WRITTEN: [&str; 17] = [
    "method",
    "target",
    "headers",
    "body",
    "body_file",
    "content_type",
    "from",
    "from_display_name",
    "from_tag",
    "to",
    "to_display_name",
    "to_tag",
    "call_id",
    "cseq",
    "routes",
    "user",
    "password_env",
];

const REQUEST: &str = "The request";
const WHERE: &str = "Where it goes";
const LIFE: &str = "Its life";
const MANY: &str = "Many";
const OUTPUT: &str = "Output";

const SEND_USAGE: &str = "\
sipboard send [OPTIONS] <METHOD> <TARGET>
       sipboard send [OPTIONS] --raw <FILE>";

const EXIT_STATUS: &str = "\
Exit status: 0 accepted, 1 rejected, 2 usage or config error, 3 timed out, 4 transport error,
5 cancelled. Of many requests, 0 only if all were accepted, else the first of 4, 3, 1, 5 that
befell one of them.";

const SEND_NOTES: &str = "\
Durations: 1.5s, 200ms, 2m; a plain number means seconds.

Without an account in a config file the request comes from sip:alice@demo.test. A target at
demo.test then goes to a demo server inside this program, unless --server or --route names another
way; any other target goes where its URI says.

{{uuid}}, {{random 8}}, {{seq}}, {{now}}, {{now seconds}}, {{env NAME}} and the config file's own
[variables] stand for values in any text of a request but a file's, new ones for each of --count;
{{{{ writes two braces.

With --raw, nothing is added and nothing is corrected: a Content-Length that lies goes out lying.
With a readable top Via with a branch, and a readable CSeq, the bytes get a client transaction: they
are sent again as they are where the transport loses messages, and an INVITE gets its ACK, its
CANCEL and its BYE. A response finds it by branch and sent-by as they were written, so on UDP the
sent-by must lead back here, or the Via must have ;rport. Where no response can be matched, the
bytes are sent once, a sentence says why, what comes within 64·T1 (or --timeout) is told as
belonging to nothing, and the status is 0. No challenge is answered and no redirect followed: these
would be other bytes.

Where a 2xx crosses the CANCEL, the request was accepted: it is hung up with BYE, and the status is 0.
Whatever else answers the INVITE after the CANCEL ends it as cancelled.

Where an INVITE rings when its connection fails, the status is 4, and its peer rings on. So a CANCEL
goes out on a new connection, and send waits for the final response, until 64 times T1 after it or
--timeout: a call that comes up all the same is hung up.

The first Ctrl-C, SIGTERM or SIGHUP cancels what is pending and ends with 5; a second one ends at
once. Under nohup, SIGHUP is ignored (known on Linux only).

In JSON, t is the time in seconds since the context was created: since the request was made, and in
a BYE since the BYE was. A final response to a CANCEL or a PRACK is shown in the timeline, but is no
JSON event. A status always has a reason, which is empty where no phrase came.

send leaves as soon as the outcome is final and nothing is up. It waits for a fork that still rings
after another has accepted, but not for one that it never heard of, and it does not linger for
Timers D, M and J, which answer what the peer repeats; the dashboard does.

Exit status:
  0  accepted: a 2xx came; or raw bytes were sent to which nothing can be matched
  1  rejected: a 300–699 came
  2  usage or config error
  3  timed out: nobody answered within Timer B or F, or within --timeout
  4  transport error: the connection could not be made or broke
  5  cancelled

Where a call was accepted and its BYE then fails, so that it may still be up at the peer, the status
is that of the BYE: 1, 3 or 4. A 481 says that the call is over, and is no failure. The same holds
for a subscription.

Of many requests, 0 only if all were accepted, else the first of 4, 3, 1, 5 that befell one of them.

Examples:
  sipboard send OPTIONS sip:demo.test
  sipboard send INVITE ring --cancel-after 1.5s --cancel-status 480
  sipboard send OPTIONS sip:10.0.0.1 --count 1000 --rate 100/s --json
  sipboard send --raw broken.sip --server 'sip:10.0.0.1;transport=udp'";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn addresses_are_host_and_port_or_a_loopback_port() {
        assert_eq!(parse_address("0"), Ok(SocketAddr::from(([127, 0, 0, 1], 0))));
        assert_eq!(parse_address("[::1]:5060").unwrap().to_string(), "[::1]:5060");
        for wrong in ["", "localhost", "127.0.0.1", "65536", ":5060"] {
            assert!(parse_address(wrong).is_err(), "{wrong}");
        }
    }
}
