//! The real binary: usage errors, the config file, pages, and what needs a terminal.

mod cli_support;

use cli_support::{Home, sipboard};

#[test]
fn without_a_terminal_the_dashboard_says_so_and_names_send() {
    let home = Home::new();
    for args in [&[][..], &["--demo"]] {
        let ran = sipboard(&home, args);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains("terminal") && ran.err.contains("sipboard send"), "{}", ran.err);
        assert_eq!(ran.out, "");
    }
}

#[test]
fn whatever_is_said_wrong_ends_with_2_and_a_sentence() {
    let home = Home::new();
    home.config("[[account]]\nname = \"bob\"\nuri = \"sip:bob@b.test\"\n");
    for (args, words) in [
        (&["sned"][..], "unrecognized subcommand 'sned'"),
        (&["send"], "METHOD"),
        (&["send", "OPTIONS"], "TARGET"),
        (&["send", "IN VITE", "sip:x"], "METHOD: \"IN VITE\" is not a method"),
        (&["send", "CANCEL", "sip:x"], "METHOD: CANCEL belongs to an INVITE"),
        (&["send", "OPTIONS", ""], "TARGET: a target is needed"),
        (&["send", "OPTIONS", "sip:x?a=b"], "TARGET: "),
        (
            &["send", "OPTIONS", "x", "--server", "http://x"],
            "--server: \"http://x\" is not a server",
        ),
        (&["send", "OPTIONS", "x", "-H", "Subject"], "-H: \"Subject\" is not a header"),
        (&["send", "OPTIONS", "x", "-H", "Via: x"], "-H: Via is written by sipboard"),
        (
            &["send", "OPTIONS", "x", "-H", "Max-Forwards: 7", "-H", "max-forwards: 7"],
            "-H: Max-Forwards is given twice, and a message has it only once (RFC 3261 §7.3.1)",
        ),
        (&["send", "INVITE", "x", "-H", "s: a", "-H", "Subject: b"], "-H: Subject is given twice"),
        (&["send", "OPTIONS", "x", "--cseq=-1"], "--cseq: "),
        (&["send", "OPTIONS", "x", "--cseq", "4294967296"], "--cseq: "),
        (&["send", "OPTIONS", "x", "--call-id", "a b"], "--call-id: "),
        (&["send", "OPTIONS", "x", "--from", "bob"], "--from: \"bob\" is not a URI"),
        (&["send", "OPTIONS", "x", "--to", "bob"], "--to: \"bob\" is not a URI"),
        (&["send", "OPTIONS", "x", "--to-display-name", "a\nb"], "--to-display-name: "),
        (&["send", "OPTIONS", "x", "--from-display-name", "a\nb"], "--from-display-name: "),
        (&["send", "OPTIONS", "x", "--from-tag", "a b"], "--from-tag: "),
        (&["send", "OPTIONS", "x", "--to-tag", "\u{1b}[2J"], "--to-tag: "),
        (&["send", "OPTIONS", "x", "--route", "nowhere"], "--route: "),
        (&["send", "OPTIONS", "x", "--content-type", "sdp"], "--content-type: "),
        (&["send", "OPTIONS", "x", "--body", "a", "--body-file", "b"], "cannot be used with"),
        (&["send", "OPTIONS", "x", "--body-file", "/nonexistent"], "--body-file /nonexistent: "),
        (&["send", "OPTIONS", "x", "--cancel-after", "soon"], "is not a duration"),
        (&["send", "OPTIONS", "x", "--cancel-after", "1", "--cancel-status", "100"], "200..=699"),
        (&["send", "OPTIONS", "x", "--cancel-status", "480"], "--cancel-after"),
        (&["send", "OPTIONS", "x", "--cancel-after", "1"], "OPTIONS cannot be cancelled"),
        (&["send", "OPTIONS", "x", "--count", "0"], "--count"),
        (&["send", "OPTIONS", "x", "--count", "5", "--concurrency", "0"], "--concurrency"),
        (&["send", "OPTIONS", "x", "--rate", "5/s"], "--count"),
        (&["send", "OPTIONS", "x", "--count", "5", "--rate", "0/s"], "is not a rate"),
        (
            &["send", "OPTIONS", "x", "--account", "bbo"],
            "no account \"bbo\": did you mean \"bob\"?",
        ),
        (&["send", "OPTIONS", "x", "--demo", "--account", "bob"], "cannot be used with"),
        (
            &["send", "OPTIONS", "x", "--config", "/nonexistent"],
            "/nonexistent: the config file cannot be read",
        ),
        (&["--account", "bob", "serve"], "--account has no meaning with `sipboard serve`"),
        (&["--config", "x", "man"], "--config has no meaning with `sipboard man`"),
        (&["serve", "--udp", "localhost"], "write an IP address and a port"),
        (&["serve", "--udp", "192.0.2.1:0"], "the demo server cannot listen"),
        (&["config", "chekc"], "unrecognized subcommand"),
        (&["man", "nothing"], "the pages are"),
    ] {
        let ran = sipboard(&home, args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(words), "{args:?}: {words:?} in {}", ran.err);
        assert_eq!(ran.out, "", "{args:?}");
        assert!(!ran.err.contains('\u{1b}'), "{args:?}: {:?}", ran.err);
    }
}

#[test]
fn every_mistake_in_the_request_is_named_at_once() {
    let home = Home::new();
    let ran = sipboard(&home, &["send", "IN VITE", "", "--cseq", "x", "-H", "a", "-H", "b"]);
    assert_eq!(ran.err.lines().count(), 5, "{}", ran.err);
}

#[test]
fn config_says_where_the_file_is_and_what_is_wrong_with_it() {
    let home = Home::new();
    let path = sipboard(&home, &["config", "path"]);
    assert_eq!((path.code, path.out.trim_end()), (Some(0), home.config_file().to_str().unwrap()));
    let missing = sipboard(&home, &["config", "check"]);
    assert_eq!(missing.code, Some(0));
    assert!(missing.out.contains("does not exist"), "{}", missing.out);

    let example = sipboard(&home, &["config", "example"]);
    assert_eq!(example.code, Some(0));
    let keys = example.out.strip_prefix(sipboard::config::EXAMPLE).expect("the file comes first");
    assert!(keys.contains("# [keys.browse]") && keys.contains("# cancel = [\"c\"]"), "{keys}");
    home.config(&example.out);
    let good = sipboard(&home, &["config", "check"]);
    assert_eq!(good.code, Some(0), "{}", good.err);
    for words in [
        ": ok\n",
        "account alice (default): \"Alice\" <sip:alice@example.org> via ws://127.0.0.1:5066, ",
        "account bob: ",
    ] {
        assert!(good.out.contains(words), "{words:?} in {}", good.out);
    }

    home.config("mose = true\n[timers]\nt1_ms = \"x\"\n");
    let bad = sipboard(&home, &["config", "check"]);
    assert_eq!((bad.code, &*bad.out), (Some(2), ""));
    let file = home.config_file();
    let lines: Vec<&str> = bad.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", bad.err);
    assert!(lines[0].starts_with(&format!("{}:1:1: ", file.display())), "{}", bad.err);
    assert!(lines[1].starts_with(&format!("{}:3:9: ", file.display())), "{}", bad.err);
    // The same stops everything else that reads it.
    let send = sipboard(&home, &["send", "OPTIONS", "sip:demo.test"]);
    assert_eq!((send.code, send.err), (Some(2), bad.err));
}

#[test]
fn the_pages_name_every_command() {
    let home = Home::new();
    let man = sipboard(&home, &["man"]);
    assert_eq!(man.code, Some(0));
    assert!(man.out.contains(".TH sipboard 1"), "{}", man.out);
    let send = sipboard(&home, &["man", "send"]);
    assert!(
        send.out.contains("cancel\\-after") && send.out.contains("Exit status"),
        "{}",
        send.out
    );
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sipboard(&home, &["completions", shell]);
        assert_eq!(script.code, Some(0));
        assert!(script.out.contains("cancel-after"), "{shell}");
    }
    let help = sipboard(&home, &["send", "--help"]);
    assert_eq!(help.code, Some(0));
    for note in ["seconds since the context was created", "no\nJSON event", "Timers D, M and J"] {
        assert!(help.out.contains(note), "{note}: {}", help.out);
    }
    for code in
        ["0  accepted", "1  rejected", "2  usage", "3  timed out", "4  transport", "5  cancelled"]
    {
        assert!(help.out.contains(code), "{code}");
    }
}
