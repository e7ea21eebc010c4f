//! `sipboard send --impair` against the demo server, as two processes.

mod cli_support;

use cli_support::{Home, Serve, sipboard};

#[test]
fn three_dropped_copies_are_three_retransmissions_and_each_is_marked() {
    let (server, home) = (Serve::start(), Home::new());
    let rule = "out drop first=3 method=OPTIONS";
    let args = ["send", "OPTIONS", "demo.test", "--server", &server.udp, "--t1-ms", "20"];
    let ran = sipboard(&home, &[&args[..], &["--impair", rule]].concat());
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(&format!("messages are impaired: {rule}; seed=")), "{}", ran.err);
    let mark = format!("OPTIONS dropped   on its way out, by the rule «{rule}»");
    let lines: Vec<String> =
        ran.out.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let mark = mark.split_whitespace().collect::<Vec<_>>().join(" ");
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| {
            [&*mark, "sent again", "200 OK", "→ OPTIONS"]
                .into_iter()
                .find(|word| line.contains(word))
        })
        .collect();
    let again = ["sent again", &mark];
    let mut expected = vec!["→ OPTIONS", &mark];
    expected.extend(again.iter().chain(&again));
    expected.extend(["sent again", "200 OK"]);
    assert_eq!(kinds, expected, "{}", ran.out);

    let ran = sipboard(&home, &[&args[..], &["--impair", rule, "--json"]].concat());
    let count = |wanted: &str| ran.events().iter().filter(|event| *event == wanted).count();
    assert_eq!((count("sent"), count("retransmitted"), count("accepted")), (1, 3, 1));
    let marked = ran.out.lines().filter(|line| {
        line.contains(r#""impaired":["OPTIONS dropped on its way out, by the rule «"#)
    });
    let marked: Vec<bool> = marked.map(|line| line.contains(r#""event":"sent""#)).collect();
    assert_eq!(marked, [true, false, false], "{}", ran.out);
    // JSON has no event of its own for it: standard error tells it too.
    assert_eq!(ran.err.matches("#1: OPTIONS dropped on its way out").count(), 3, "{}", ran.err);
}

#[test]
fn json_marks_what_came_too_and_what_was_corrupted() {
    let (server, home) = (Serve::start(), Home::new());
    let args = ["send", "OPTIONS", "demo.test", "--server", &server.udp, "--t1-ms", "20", "--json"];
    for (rule, event, word) in [
        ("in duplicate first=1", "accepted", "200 OK doubled on its way in"),
        ("out corrupt first=1", "sent", " corrupted on its way out, byte "),
    ] {
        let ran = sipboard(&home, &[&args[..], &["--impair", rule]].concat());
        let marked: Vec<&str> =
            ran.out.lines().filter(|line| line.contains(r#""impaired":["#)).collect();
        let [marked] = &*marked else { panic!("{}", ran.out) };
        assert!(marked.contains(&format!(r#""event":"{event}""#)), "{marked}");
        assert!(marked.contains(word), "{marked}");
    }
}

#[test]
fn the_rules_of_the_config_file_hold_and_the_command_line_goes_before_them() {
    let (server, home) = (Serve::start(), Home::new());
    home.config("[impair]\nrules = [\"out drop\"]\nseed = 9\n");
    let args = ["send", "OPTIONS", "demo.test", "--server", &server.udp, "--t1-ms", "5"];
    let ran = sipboard(&home, &args);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("messages are impaired: out drop; seed=9"), "{}", ran.err);
    let ran = sipboard(&home, &[&args[..], &["--impair", ""]].concat());
    assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{}", ran.out);
}

#[test]
fn many_are_told_by_their_number() {
    let (server, home) = (Serve::start(), Home::new());
    let args = ["send", "OPTIONS", "demo.test", "--server", &server.udp, "--t1-ms", "20"];
    let many = ["--count", "20", "--concurrency", "20", "--impair", "out drop first=5"];
    let ran = sipboard(&home, &[&args[..], &many].concat());
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("messages were impaired 5 times"), "{}", ran.err);
}

#[test]
fn a_mistake_names_its_place_and_what_would_be_right() {
    let home = Home::new();
    let ran = sipboard(&home, &["send", "OPTIONS", "demo.test", "--impair", "out drpo 30%"]);
    assert_eq!(ran.code, Some(2));
    for word in ["column 5", "\"drpo\" is no action", "write drop, duplicate"] {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
    home.config("[impair]\nrules = [\n  \"out drop\",\n  \"in delay\",\n]\n");
    let ran = sipboard(&home, &["config", "check"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains(":4:3: rules: \"in delay\", column 4: "), "{}", ran.err);
    let ran = sipboard(&home, &["--impair", "in drop", "serve"]);
    assert!(ran.err.contains("--impair has no meaning with `sipboard serve`"), "{}", ran.err);
}
