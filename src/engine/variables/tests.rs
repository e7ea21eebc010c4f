use super::*;

fn variables() -> Variables {
    Variables::new(BTreeMap::from([("team".into(), "blue".into())]))
}

#[test]
fn the_password_of_an_account_is_written_into_no_text() {
    let variables = variables().without_passwords(BTreeSet::from(["PATH".into()]));
    let errors = variables.expand("a{{env PATH}}", &mut Values::new(1)).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].to_string().starts_with("at 2: the environment variable \"PATH\" is the"));
}

#[test]
fn each_kind_is_written_out() {
    let mut values = Values::new(1);
    let mut write = |text: &str| variables().expand(text, &mut values).unwrap();
    for (text, wanted) in [
        ("", ""),
        ("a } b { c }} d", "a } b { c }} d"),
        ("{{team}}-{{ team }}", "blue-blue"),
        ("{{seq}}", "1"),
        ("{{{{team}}", "{{team}}"),
        ("ü{{team}}ü", "üblueü"),
    ] {
        assert_eq!(write(text), wanted, "{text}");
    }
    let uuid = write("{{uuid}}");
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    assert_eq!(write("{{random 8}}").len(), 8);
    assert!(write("{{now}}").ends_with('Z'));
    assert_eq!(write("{{env PATH}}"), std::env::var("PATH").unwrap());
}

#[test]
fn a_value_is_taken_once_per_request() {
    let mut values = Values::new(1);
    let text = "{{uuid}} {{random 8}} {{seq}} {{random  8}}";
    let first = variables().expand(text, &mut values).unwrap();
    let words: Vec<&str> = first.split(' ').collect();
    assert_eq!(words[1], words[3]);
    assert_eq!(variables().expand(text, &mut values).unwrap(), first);
    values.next_request();
    let second = variables().expand(text, &mut values).unwrap();
    assert!(second.contains(" 2 ") && second[..36] != first[..36], "{first} {second}");
}

#[test]
fn a_request_that_is_numbered_anew_keeps_its_other_values() {
    let mut values = Values::new(1);
    let write = |values: &mut Values| variables().expand("{{seq}} {{uuid}}", values).unwrap();
    let first = write(&mut values);
    values.set_number(7);
    assert_eq!(write(&mut values), format!("7{}", &first[1..]));
}

#[test]
fn what_has_no_value_is_named_with_its_place() {
    for (text, wanted) in [
        ("ab{{nobody}}", "at 3: there is no variable \"nobody\""),
        ("a\nü{{x}}", "at line 2, 2: there is no variable \"x\""),
        ("{{env NO SUCH}}", "at 1: the environment variable \"NO SUCH\" is not set"),
        ("{{random}}", "at 1: random needs a number"),
        ("{{random 0}}", "at 1: random needs a number"),
        ("{{random 257}}", "at 1: random needs a number"),
        ("x {{uuid", "at 3: this {{ is never closed: write }}"),
        ("{{}}", "at 1: there is no variable \"\""),
    ] {
        let errors = variables().expand(text, &mut Values::new(1)).unwrap_err();
        let message = errors[0].to_string();
        assert!(message.starts_with(wanted), "{text}: {message}");
    }
    let both = variables().expand("{{a}}{{b}}", &mut Values::new(1)).unwrap_err();
    assert_eq!(both.len(), 2);
    assert!(both[0].to_string().contains("env NAME, team"));
}

#[test]
fn a_literal_text_comes_back_as_it_is() {
    for text in ["", "a {{b}} {{{{c", "{ {{{ {{{{ }}", "{{{"] {
        let written = variables().expand(&literal(text), &mut Values::new(1));
        assert_eq!(written.as_deref(), Ok(text));
    }
}

#[test]
fn every_text_of_a_draft_is_written_out() {
    let draft = Draft {
        target: "{{team}}".into(),
        headers: vec!["X: {{team}}".into(), "Y: {{no}}".into()],
        body: b"{{team}}".into(),
        ..Draft::default()
    };
    let errors = variables().expand_draft(&draft, &mut Values::new(1)).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.field).collect::<Vec<_>>(), [Field::Headers]);
    let good = Draft { headers: vec!["X: {{team}}".into()], ..draft };
    let written = variables().expand_draft(&good, &mut Values::new(1)).unwrap();
    assert_eq!((written.target.as_str(), &*written.body), ("blue", &b"blue"[..]));
    assert_eq!(written.headers, ["X: blue"]);
    let binary = Draft { body: b"\xff{{team}}".into(), ..Draft::default() };
    let written = variables().expand_draft(&binary, &mut Values::new(1)).unwrap();
    assert_eq!(written.body, b"\xff{{team}}");
}
