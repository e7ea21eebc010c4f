//! The real binary in a pseudo-terminal that takes no bytes: it is held, or nobody reads it.
#![cfg(unix)]

mod answering;
mod ui_terminal;

use std::{
    thread,
    time::{Duration, Instant},
};

use answering::Peer;
use ui_terminal::Dashboard;

/// A dashboard with a call that is up, one that rings and one that nobody answers.
fn with_calls(peer: &Peer) -> Dashboard {
    let server = peer.server();
    let text = format!(
        "[[account]]\nname = \"a\"\nuri = \"sip:a@a.test\"\nserver = [\"{server}\"]\n\
         [ui]\nnotify = \"bell\"\nnotify_on = [\"accepted\", \"failed\"]\n"
    );
    let (mut dashboard, _) = Dashboard::with_config(120, 40, &text);
    dashboard.wait_for("q quit");
    dashboard.send("sip:up@a.test");
    dashboard.wait_for("1 leg up");
    dashboard.send("sip:ring@a.test");
    dashboard.wait_for("180 Ringing");
    dashboard.send("sip:nobody@a.test");
    peer.wait_for("INVITE sip:nobody");
    dashboard
}

/// Sooner than the end comes that waits for a peer which answers nothing.
const AT_ONCE: Duration = Duration::from_millis(1_500);

/// How a terminal is that takes no bytes.
#[derive(Clone, Copy, Debug)]
enum Stuck {
    /// Nobody reads what is written to it.
    Unread,
    /// Its output is stopped, as by Ctrl-S.
    Stopped,
}

impl Stuck {
    const ALL: [Stuck; 2] = [Stuck::Unread, Stuck::Stopped];

    /// Makes it so, and has more drawn than it holds.
    fn begin(self, dashboard: &mut Dashboard) {
        match self {
            Stuck::Unread => dashboard.hold(true),
            Stuck::Stopped => dashboard.flow(false),
        }
        dashboard.flood();
    }

    fn end(self, dashboard: &Dashboard) {
        match self {
            Stuck::Unread => dashboard.hold(false),
            Stuck::Stopped => dashboard.flow(true),
        }
    }
}

#[test]
fn calls_are_ended_and_so_is_the_program_while_the_terminal_takes_nothing() {
    let ways = [
        (Stuck::Unread, "TERM"),
        (Stuck::Unread, "HUP"),
        (Stuck::Unread, "INT"),
        (Stuck::Unread, "q"),
        (Stuck::Stopped, "TERM"),
    ];
    for (stuck, way) in ways {
        let peer = Peer::start(true);
        let mut dashboard = with_calls(&peer);
        stuck.begin(&mut dashboard);
        match way {
            "q" => dashboard.type_keys("q"),
            name => dashboard.signal(name),
        }
        peer.wait_for("CANCEL sip:ring");
        peer.wait_for("BYE");
        assert_eq!(dashboard.wait_for_end(), 0, "{stuck:?} {way}");
    }
}

#[test]
fn a_second_signal_is_not_held_up_by_a_terminal_nor_by_a_peer() {
    for stuck in Stuck::ALL {
        let peer = Peer::start(false);
        let mut dashboard = with_calls(&peer);
        stuck.begin(&mut dashboard);
        let since = Instant::now();
        dashboard.signal("TERM");
        peer.wait_for("CANCEL sip:ring");
        peer.wait_for("BYE");
        // Two that come together count as one.
        thread::sleep(Duration::from_millis(100));
        dashboard.signal("TERM");
        dashboard.wait_for_end();
        assert!(since.elapsed() < AT_ONCE, "{stuck:?}: {:?}", since.elapsed());
    }
}

#[test]
fn a_second_signal_is_heard_where_the_terminal_is_well_too() {
    let peer = Peer::start(false);
    let mut dashboard = with_calls(&peer);
    let since = Instant::now();
    dashboard.signal("INT");
    peer.wait_for("BYE");
    thread::sleep(Duration::from_millis(100));
    dashboard.signal("INT");
    assert_eq!(dashboard.wait_for_end(), 0);
    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
    dashboard.assert_restored();
}

#[test]
fn what_happened_meanwhile_is_on_the_screen_when_the_terminal_is_read_again() {
    for stuck in Stuck::ALL {
        let peer = Peer::start(true);
        let mut dashboard = with_calls(&peer);
        stuck.begin(&mut dashboard);
        // An even number of them: the help is closed.
        dashboard.type_keys("nsip:later@a.test\r");
        peer.wait_for("INVITE sip:later");
        // Nothing piles up meanwhile.
        dashboard.flood();
        let before = dashboard.bytes().len();
        stuck.end(&dashboard);
        dashboard.wait_for("sip:later@a.test");
        dashboard.wait_for("q quit");
        let frames =
            dashboard.bytes()[before..].windows(8).filter(|it| it == b"\x1b[?2026h").count();
        assert!(frames < 60, "{stuck:?}: {frames} pictures");
        dashboard.type_keys("q");
        assert_eq!(dashboard.wait_for_end(), 0, "{stuck:?}");
        dashboard.assert_restored();
    }
}

#[test]
fn the_terminal_is_lent_once_it_has_taken_what_was_for_it() {
    let mut dashboard = Dashboard::start_in_shell(120, 40);
    dashboard.wait_for("n new");
    dashboard.hold(true);
    dashboard.flood();
    dashboard.type_keys("\x1a");
    thread::sleep(Duration::from_millis(100));
    dashboard.hold(false);
    dashboard.wait_for("back in the shell");
    dashboard.assert_given_back();
    dashboard.type_keys("\r");
    dashboard.wait_for("q quit");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn an_editor_is_opened_once_the_terminal_has_taken_what_was_for_it() {
    let editor = [("EDITOR", "printf edited >")];
    let mut dashboard = Dashboard::start_with(120, 40, &editor);
    dashboard.type_keys("n");
    dashboard.wait_for("New request");
    dashboard.type_keys("\x1b[Z");
    dashboard.hold(true);
    // The fold opens and closes.
    for _ in 0..150 {
        dashboard.type_keys("\x1bOQ");
        thread::sleep(Duration::from_millis(12));
    }
    dashboard.type_keys("\x05");
    thread::sleep(Duration::from_millis(100));
    dashboard.hold(false);
    dashboard.wait_for("edited");
    dashboard.type_keys("\x1b");
    dashboard.wait_until("the form has closed", |screen| !screen.contains("New request"));
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}

#[test]
fn a_terminal_that_is_read_before_the_time_is_over_is_given_back() {
    let peer = Peer::start(true);
    let mut dashboard = with_calls(&peer);
    Stuck::Unread.begin(&mut dashboard);
    // Longer than a terminal is waited for that takes nothing for no reason.
    thread::sleep(Duration::from_millis(1_500));
    dashboard.signal("TERM");
    peer.wait_for("BYE");
    thread::sleep(Duration::from_millis(300));
    Stuck::Unread.end(&dashboard);
    assert_eq!(dashboard.wait_for_end(), 0);
    dashboard.assert_restored();
}
