//! `sipboard lint` as the real binary: its words, its JSON and its exit status.

mod cli_support;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use cli_support::Home;

fn torture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    folder.join(name).with_extension("dat").display().to_string()
}

fn lint(home: &Home, args: &[&str], input: &[u8]) -> Output {
    let mut command = home.command(&[&["lint"], args].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary starts");
    // A usage error ends the process before it reads.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("the binary ends")
}

fn json(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

#[test]
fn the_exit_status_tells_the_gravest_finding() {
    let home = Home::new();
    for (file, status) in
        [("esc01", 0), ("zeromf", 0), ("badbranch", 1), ("clerr", 3), ("bigcode", 3)]
    {
        let output = lint(&home, &[&torture(file)], b"");
        assert_eq!(output.status.code(), Some(status), "{file}: {output:?}");
    }
    let several = [&*torture("badbranch"), &torture("ncl"), &torture("esc01")];
    assert_eq!(lint(&home, &several, b"").status.code(), Some(3));
}

#[test]
fn a_file_that_cannot_be_read_is_2_and_the_others_are_linted() {
    let home = Home::new();
    let output = lint(&home, &["/nonexistent/x.sip", &torture("esc01"), "--json"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/x.sip: "));
    assert_eq!(json(&output).len(), 1);
    assert_eq!(lint(&home, &[], b"").status.code(), Some(2));
}

#[test]
fn json_names_what_is_wrong_and_where() {
    let home = Home::new();
    let (bad, good) = (torture("clerr"), torture("unreason"));
    let objects = json(&lint(&home, &["--json", &bad, &good], b""));
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["file"], bad);
    assert_eq!(objects[0]["kind"], "request");
    assert_eq!(objects[0]["method"], "INVITE");
    // A server matches it and answers 400.
    assert_eq!(objects[0]["usable"], true);
    let findings = objects[0]["findings"].as_array().unwrap();
    let finding = findings.iter().find(|f| f["rule"] == "content-length-too-long").unwrap();
    assert_eq!((&finding["severity"], &finding["line"]), (&"error".into(), &10.into()));
    assert_eq!(finding["column"], 17);
    assert_eq!(finding["section"], "RFC 3261 §20.14");
    let bytes = fs::read(&bad).unwrap();
    let offset = finding["offset"].as_u64().unwrap() as usize;
    assert!(bytes[offset..].starts_with(b"9999\r\n"));
    assert_eq!(objects[1]["kind"], "response");
    assert_eq!((&objects[1]["status"], &objects[1]["usable"]), (&200.into(), &true.into()));
}

#[test]
fn standard_input_is_a_file_called_dash() {
    let home = Home::new();
    let input = fs::read(torture("quotbal")).unwrap();
    let output = lint(&home, &["-"], &input);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("-:2:5: error: To: the quoted string is never closed"), "{text}");
    assert_eq!(lint(&home, &["-", "--json"], b"").status.code(), Some(3));
}

#[test]
fn every_message_that_the_rfcs_call_valid_has_no_error() {
    let home = Home::new();
    let names: Vec<PathBuf> = ["wsinv", "intmeth", "longreq", "mpart01", "inv2543", "unksm2"]
        .iter()
        .map(|name| torture(name).into())
        .collect();
    let args: Vec<_> = names.iter().map(|path| path.to_str().unwrap()).collect();
    let output = lint(&home, &[&["--json"], &args[..]].concat(), b"");
    assert_ne!(output.status.code(), Some(3));
    assert!(json(&output).iter().all(|object| object["usable"] == true));
}

#[test]
fn standard_input_is_read_once_and_a_size_that_was_not_read_is_not_told() {
    let home = Home::new();
    let twice = lint(&home, &["-", "-"], b"");
    assert_eq!(twice.status.code(), Some(2), "{twice:?}");
    assert!(twice.stdout.is_empty() && !twice.stderr.is_empty(), "{twice:?}");

    let output = lint(&home, &["-"], &vec![b'x'; 20 << 20]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("has more than") && text.contains("[over-limit,"), "{text}");
}

#[test]
fn limits_are_switches_and_the_one_that_is_passed_is_named() {
    let home = Home::new();
    let options = b"OPTIONS sip:b.test SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1;a;b;c\r\n\r\n";
    for (switch, words) in [
        ("--max-message-bytes", "the message has more than 1 bytes"),
        ("--max-line-bytes", "is longer than 1 bytes"),
        ("--max-parameters", "has more than 1 parameters"),
    ] {
        let output = lint(&home, &["-", switch, "1"], options);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains(words) && text.contains("[over-limit,"), "{switch}: {text}");
        assert_eq!(output.status.code(), Some(3));
    }
    let many = [&options[..options.len() - 2], b"X: y\r\n\r\n"].concat();
    let output = lint(&home, &["-", "--max-headers", "1"], &many);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("-:3:1: error: the message has more than 1 headers"), "{text}");
    assert_eq!(lint(&home, &["-", "--max-headers", "0"], b"").status.code(), Some(2));
}
