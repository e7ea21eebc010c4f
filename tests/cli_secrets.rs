//! The passwords of accounts, and what `sipboard send` is told to send.

mod answering;
mod cli_support;

use answering::Peer;
use cli_support::*;

const PASSWORD: &str = "hunter2-and-more";

fn home(peer: &Peer) -> Home {
    let home = Home::new();
    home.config(&format!(
        "[[account]]\nname = \"lab\"\nuri = \"sip:a@a.test\"\nserver = \"{}\"\n\
         [[account]]\nname = \"other\"\nuri = \"sip:b@a.test\"\npassword = \"{PASSWORD}\"\n",
        peer.server()
    ));
    home
}

#[test]
fn a_request_with_the_password_of_an_account_is_refused_and_the_place_is_named() {
    let peer = Peer::start(true);
    let home = home(&peer);
    let target = format!("sip:{PASSWORD}@a.test");
    let header = format!("X: {PASSWORD}");
    for (args, option, place) in [
        (&["OPTIONS", target.as_str()][..], "TARGET", "the target"),
        (&["OPTIONS", "bob", "-H", &header], "-H", "a header"),
        (&["MESSAGE", "bob", "--body", PASSWORD], "--body", "the body"),
        (
            &["MESSAGE", "bob", "--from-display-name", PASSWORD],
            "--from-display-name",
            "the display name of From",
        ),
        (&["OPTIONS", "bob", "-H", "X: {{env SECRET_OF_ITS}}"], "-H", "a header"),
    ] {
        let mut command = home.command(&[&["send"], args].concat());
        command.env("SECRET_OF_ITS", PASSWORD);
        let ran = finish(command.spawn().expect("it can be started"));
        assert_eq!((ran.code, &*ran.out), (Some(2), ""), "{args:?}: {}", ran.err);
        let sentence = format!(
            "{option}: the password of the account \"other\" stands in {place}, where everybody could read it: leave it out, a challenge is answered with it by itself"
        );
        assert!(ran.err.contains(&sentence), "{args:?}: {}", ran.err);
        assert!(!ran.err.contains(PASSWORD), "{}", ran.err);
    }
    assert!(!peer.has("OPTIONS") && !peer.has("MESSAGE"), "nothing was sent");
}

#[test]
fn so_is_one_with_the_password_of_the_options() {
    let peer = Peer::start(true);
    let home = home(&peer);
    let args = ["send", "OPTIONS", "bob", "-H", "X: of-the-options", "--user", "bob"];
    let mut command = home.command(&[&args[..], &["--password-env", "SECRET_OF_ITS"]].concat());
    command.env("SECRET_OF_ITS", "of-the-options");
    let ran = finish(command.spawn().expect("it can be started"));
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(
        ran.err.contains("the password of the account \"bob\" stands in a header"),
        "{}",
        ran.err
    );
}

#[test]
fn a_raw_message_with_it_goes_out_and_that_is_said() {
    let peer = Peer::start(true);
    let home = home(&peer);
    let text = format!(
        "OPTIONS sip:bob@a.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr;rport\r\n\
         From: <sip:a@a.test>;tag=1\r\nTo: <sip:bob@a.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
         X: {PASSWORD}\r\nContent-Length: 0\r\n\r\n"
    );
    let file = home.config_file().with_file_name("by-hand.sip");
    std::fs::write(&file, text).expect("it can be written");
    let ran = sipboard(&home, &["send", "--raw", file.to_str().expect("a path of ours")]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let sentence = "the password of the account \"other\" stands in the message, where everybody could read it: it goes out as it is";
    assert!(ran.err.contains(sentence), "{}", ran.err);
    assert!(!ran.err.contains(PASSWORD) && !ran.out.contains(PASSWORD), "{}{}", ran.out, ran.err);
    peer.wait_for("OPTIONS");
}
