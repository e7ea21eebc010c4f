//! The config file: every mistake is named with its line, its column and what would be right.

use std::time::Duration;

use sipboard::{
    config::{self, Config, EXAMPLE, schema::Place},
    engine::Values,
    sip::Limits,
};

const ACCOUNT: &str = "[[account]]\nname = \"a\"\nuri = \"sip:a@b.test\"\n";

#[test]
fn the_example_is_read_whole_and_names_every_key() {
    let config = config::parse(EXAMPLE).expect("the example must be right");
    assert_eq!(config.accounts.len(), 2);
    let alice = &config.accounts[0];
    assert_eq!((&*alice.name, &*alice.display_name), ("alice", "Alice"));
    assert_eq!(alice.uri.to_string(), "sip:alice@example.org");
    let servers: Vec<String> = alice.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["ws://127.0.0.1:5066", "sip:127.0.0.1:5060;transport=udp"]);
    assert_eq!(config.accounts[1].servers.len(), 1, "one server may stand without a list");
    // The example shows the defaults, so that it can be copied without changing anything.
    assert_eq!(config.settings, Config::default().settings);
    assert_eq!((config.mouse, config.default_account), (true, 0));

    for place in Place::ALL {
        for key in place.keys() {
            // What excludes another key stands there as a comment.
            let set = EXAMPLE.lines().map(|line| line.trim_start_matches("# ")).any(|line| {
                line.split_once('=').is_some_and(|(name, _)| name.trim() == *key)
                    || line == format!("[{key}]")
                    || line == format!("[[{key}]]")
            });
            assert!(set, "the example does not show {key} of {}", place.name());
        }
    }
}

#[test]
fn an_empty_file_has_every_default() {
    assert_eq!(config::parse("").unwrap(), Config::default());
}

#[test]
fn what_the_file_says_is_what_counts() {
    let text = format!(
        "default_account = \"z\"\nmouse = false\n[timers]\nt1_ms = 1_00\nt4_ms = 0x64\n{ACCOUNT}[[account]]\nname = \"z\"\nuri = \"sips:z@y.test\"\n"
    );
    let config = config::parse(&text).unwrap();
    assert_eq!(config.settings.sip.timing.t1, Duration::from_millis(100));
    assert_eq!(config.settings.sip.timing.t2, Duration::from_secs(4));
    assert_eq!(config.settings.sip.timing.t4, Duration::from_millis(100));
    assert!(!config.mouse);
    assert_eq!(config.default_account, 1);
    assert_eq!(config.account(None), Ok(1));
    assert_eq!(config.account(Some("a")), Ok(0));
    let error = config.account(Some("b")).unwrap_err().to_string();
    assert_eq!(error, "there is no account \"b\"; the accounts are a, z");
}

#[test]
fn limits_are_what_the_file_says_or_the_default() {
    let text = "[limits]\nmax_message_bytes = 5000\nmax_headers = 60\nmax_line_bytes = 700\nmax_parameters = 8\nmax_nesting = 2\n";
    let limits = config::parse(text).unwrap().settings.sip.limits;
    assert_eq!(limits, Limits { message: 5000, headers: 60, line: 700, parameters: 8, nesting: 2 });
    let limits = config::parse("[limits]\nmax_headers = 60\n").unwrap().settings.sip.limits;
    assert_eq!(limits, Limits { headers: 60, ..Limits::default() });
}

/// (text, [(line, column, words of the message)])
type Case<'a> = (&'a str, &'a [(usize, usize, &'a [&'a str])]);

#[test]
fn each_mistake_is_named_with_its_place_and_what_is_allowed() {
    let cases: &[Case<'_>] = &[
        // Keys.
        (
            "mose = true",
            &[(1, 1, &["\"mose\"", "did you mean \"mouse\"?", "allowed here: account"])],
        ),
        ("\n\n  Mouse = true", &[(3, 3, &["\"Mouse\"", "did you mean \"mouse\""])]),
        ("zebra = 1", &[(1, 1, &["unknown key \"zebra\"", "allowed here"])]),
        ("[timer]\nt1_ms = 1", &[(1, 2, &["did you mean \"timers\""])]),
        (
            "[timers]\nt1ms = 1",
            &[(2, 1, &["did you mean \"t1_ms\"", "allowed here: t1_ms, t2_ms, t4_ms"])],
        ),
        ("[timers]\nt1 = 500", &[(2, 1, &["did you mean \"t1_ms\""])]),
        ("[timers]\nt = 500", &[(2, 1, &["unknown key \"t\" in [timers]; allowed"])]),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\nuser = \"a\"\nservers = 1\nserver_uri = 1\npass = \"\"",
            &[
                (4, 1, &["did you mean \"username\""]),
                (5, 1, &["did you mean \"server\""]),
                (6, 1, &["did you mean \"server\""]),
                (7, 1, &["did you mean \"password\""]),
            ],
        ),
        ("t1_ms = 1", &[(1, 1, &["does not belong in the top of the file", "[timers]"])]),
        ("[[acount]]\nname = \"x\"", &[(1, 3, &["did you mean \"account\""])]),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\ndisplayname = \"A\"",
            &[(4, 1, &["did you mean \"display_name\""])],
        ),
        ("\"\\u001b[2J\" = 1", &[(1, 1, &["unknown key", "[2J"])]),
        // Types.
        ("mouse = \"yes\"", &[(1, 9, &["mouse must be true or false, not the string \"yes\""])]),
        ("default_account = 3", &[(1, 19, &["must be an account's name, not the number 3"])]),
        ("limits = 5", &[(1, 10, &["limits must be a table", "[limits]", "not the number 5"])]),
        ("[limits]\nmax_headers = 0", &[(2, 15, &["max_headers", "from 1 to 1000000", "not 0"])]),
        ("[limits]\nmax_nesting = 65", &[(2, 15, &["levels from 1 to 64"])]),
        ("[limits]\nmax_header = 5", &[(2, 1, &["did you mean \"max_headers\""])]),
        ("timers = 5", &[(1, 10, &["timers must be a table", "[timers]", "not the number 5"])]),
        (
            "[timers]\nt1_ms = \"500\"",
            &[(2, 9, &["t1_ms must be a whole number of milliseconds from 1 to 60000"])],
        ),
        ("[timers]\nt1_ms = 0.5", &[(2, 9, &["a whole number", "not the number 0.5"])]),
        (
            "[account]\nname = \"a\"",
            &[(1, 1, &["account must be a list of tables", "[[account]]", "not a table"])],
        ),
        ("account = [1]", &[(1, 12, &["[[account]]", "not the number 1"])]),
        (
            "[[account]]\nname = 1\nuri = 1979-05-27",
            &[(2, 8, &["name must be a string"]), (3, 7, &["uri must be a SIP URI", "not a date"])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\nserver = true\ndisplay_name = []",
            &[(4, 10, &["server must be a server such as", "not true"]), (5, 16, &["not a list"])],
        ),
        // Values.
        ("[timers]\nt1_ms = 0", &[(2, 9, &["from 1 to 60000, not 0"])]),
        ("[timers]\nt1_ms = -5", &[(2, 9, &["not -5"])]),
        ("[timers]\nt2_ms = 99999999999999999999", &[(2, 9, &["from 1 to 600000"])]),
        ("[timers]\nt2_ms = 100", &[(2, 9, &["t2_ms (100) must not be less than t1_ms (500)"])]),
        ("[timers]\nt1_ms = 5000", &[(2, 9, &["t2_ms (4000) must not be less than t1_ms (5000)"])]),
        (
            "default_account = \"alcie\"\n[[account]]\nname = \"alice\"\nuri = \"sip:a@b\"",
            &[(1, 19, &["no account \"alcie\"", "did you mean \"alice\""])],
        ),
        ("default_account = \"a\"", &[(1, 19, &["there is no [[account]] at all"])]),
        ("[[account]]", &[(1, 1, &["no name"]), (1, 1, &["no uri", "sip:user@domain"])]),
        (
            "[[account]]\nname = \"\"\nuri = \"tel:1\"",
            &[(2, 8, &["a word"]), (3, 7, &["uri must be a SIP URI"])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"alice\"",
            &[(3, 7, &["uri must be a SIP URI", "\"alice\""])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\nserver = [\"ws://h\", \"http://h\"]",
            &[(4, 21, &["\"http://h\" is not a server", "ws://host:port"])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\nserver = []",
            &[(4, 10, &["the list is empty", "leave the key out"])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\ndisplay_name = \"a\\nb\"",
            &[(4, 16, &["display_name cannot hold a line end"])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\n[[account]]\nname = \"a\"\nuri = \"sip:c@d\"",
            &[(5, 8, &["\"a\" is already there on line 2"])],
        ),
        // Accounts.
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\nregister = \"yes\"\nexpires = 0\ngruu = \"privat\"",
            &[
                (4, 12, &["register must be true, false, or \"all\"", "not the string \"yes\""]),
                (5, 11, &["expires must be a whole number of seconds from 1 to 4294967295, not 0"]),
                (6, 8, &["gruu must be one of off, public, temporary"]),
            ],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\noutbound_proxy = [\"sip:p\", \"p\", 1]\nheaders = [\"Via: x\", \"X\", \"s: a\", \"Subject: b\"]\nuser_agent = \"a\\nb\"",
            &[
                (4, 28, &["outbound_proxy must be a SIP URI", "\"p\""]),
                (4, 33, &["outbound_proxy must be", "not the number 1"]),
                (5, 12, &["headers: Via is written by sipboard"]),
                (5, 22, &["headers: \"X\" is not a header: write Name: value"]),
                (5, 35, &["headers: Subject is given twice"]),
                (6, 14, &["user_agent cannot hold a line end"]),
            ],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\npassword_command = []",
            &[(4, 20, &["password_command names no program", "\"pass show sip\""])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\npassword = \"x\"\npassword_command = \"y\"",
            &[(5, 20, &["password and password_command say two things: keep one"])],
        ),
        (
            "[[account]]\nname = \"a\"\nuri = \"sip:a@b\"\nusername = \"x\"",
            &[(4, 12, &["username needs a password", "password_command"])],
        ),
        // Not TOML.
        ("mouse = ", &[(1, 9, &["not TOML"])]),
        ("mouse true", &[(1, 7, &["not TOML"])]),
        ("mouse = true\nmouse = false", &[(2, 1, &["not TOML", "duplicate"])]),
        ("[timers\nt1_ms = 1", &[(1, 8, &["not TOML"])]),
        // Columns count characters, not bytes.
        ("\"ü\" = 1\n[timers]\n\"é\" = 1 # ü", &[(1, 1, &["\"ü\""]), (3, 1, &["\"é\""])]),
        // Several at once, in the order of the text.
        (
            "muose = 1\n[timers]\nt3_ms = 1\nt1_ms = true",
            &[(1, 1, &["mouse"]), (3, 1, &["t3_ms"]), (4, 9, &["not true"])],
        ),
    ];
    for (text, expected) in cases {
        let problems = config::parse(text).expect_err(text);
        let places: Vec<_> = problems.iter().map(|p| (p.line, p.column)).collect();
        let wanted: Vec<_> = expected.iter().map(|(line, column, _)| (*line, *column)).collect();
        assert_eq!(places, wanted, "{text:?}: {problems:#?}");
        for (problem, (_, _, words)) in problems.iter().zip(*expected) {
            for word in *words {
                assert!(problem.message.contains(word), "{text:?}: {word:?} in {problem}");
            }
            assert!(!problem.to_string().contains(char::is_control), "{problem:?}");
        }
    }
}

/// A value that is not the default, for each key; of an account that has a name and a uri already.
const GOOD: &[(Place, &str, &str)] = &[
    (Place::Top, "mouse", "false"),
    (Place::Top, "redirects", "\"best\""),
    (Place::Top, "extra_legs", "\"hang-up\""),
    (Place::Top, "reliable_provisionals", "false"),
    (Place::Top, "contact_as_seen", "false"),
    (Place::Top, "udp_max_bytes", "65535"),
    (Place::Top, "answer_by_hand", "[\"INVITE\"]"),
    (Place::Impair, "rules", "[\"out drop\"]"),
    (Place::Impair, "seed", "7"),
    (Place::Limits, "max_headers", "9"),
    (Place::Limits, "max_line_bytes", "9"),
    (Place::Limits, "max_message_bytes", "9"),
    (Place::Limits, "max_nesting", "9"),
    (Place::Limits, "max_parameters", "9"),
    (Place::Log, "file", "\"sipboard.log\""),
    (Place::Log, "level", "\"debug\""),
    (Place::Resolver, "server", "\"127.0.0.1:5353\""),
    (Place::Table, "columns", "[\"number\"]"),
    (Place::Timers, "t1_ms", "7"),
    (Place::Timers, "t2_ms", "7000"),
    (Place::Timers, "t4_ms", "7"),
    (Place::Ui, "ascii", "true"),
    (Place::Ui, "notify", "\"bell\""),
    (Place::Ui, "notify_on", "[\"failed\"]"),
    (Place::Ui, "theme", "\"dark\""),
    (Place::Account, "bind", "\"127.0.0.1\""),
    (Place::Account, "ca_file", "\"ca.pem\""),
    (Place::Account, "cert_file", "\"c.pem\"\nkey_file = \"k.pem\""),
    (Place::Account, "display_name", "\"A\""),
    (Place::Account, "expires", "60"),
    (Place::Account, "gruu", "\"off\""),
    (Place::Account, "headers", "[\"X-A: b\"]"),
    (Place::Account, "insecure", "true"),
    (Place::Account, "keep_alive", "0"),
    (Place::Account, "keep_alive_answered", "true"),
    (Place::Account, "key_file", "\"k.pem\"\ncert_file = \"c.pem\""),
    (Place::Account, "outbound_proxy", "\"sip:p\""),
    (Place::Account, "password", "\"x\""),
    (Place::Account, "password_command", "\"x\""),
    (Place::Account, "password_env", "\"SIPBOARD_NOT_SET\""),
    (Place::Account, "register", "\"all\""),
    (Place::Account, "server", "\"sip:h\""),
    (Place::Account, "server_name", "\"h.test\""),
    (Place::Account, "user_agent", "\"x\""),
    (Place::Account, "username", "\"x\"\npassword = \"y\""),
    (Place::Account, "ws_binary", "true"),
    (Place::Account, "ws_headers", "[\"Origin: https://a\"]"),
];

/// A text that says one thing, and the line on which it does.
fn with(place: Place, key: &str, value: &str) -> (String, usize) {
    let before = match place {
        Place::Top => String::new(),
        Place::Account => ACCOUNT.to_owned(),
        _ => format!("{}\n", place.name()),
    };
    let line = before.lines().count() + 1;
    (format!("{before}{key} = {value}\n"), line)
}

#[test]
fn every_key_changes_what_the_file_means() {
    for place in Place::ALL {
        for key in place.keys() {
            let is_table = |other: &Place| other.name().trim_matches(['[', ']']) == *key;
            let is_other = ["keys", "variables", "default_account", "name", "uri"].contains(key);
            if is_other || (place == Place::Top && Place::ALL.iter().any(is_table)) {
                continue;
            }
            let found = GOOD.iter().find(|(at, name, _)| (*at, *name) == (place, *key));
            let Some((_, _, value)) = found else { panic!("{key} of {} is missing", place.name()) };
            let (text, _) = with(place, key, value);
            let config = config::parse(&text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let without = match place {
                Place::Account => config::parse(ACCOUNT).unwrap(),
                _ => Config::default(),
            };
            assert_ne!(config, without, "{key} of {} says nothing", place.name());
        }
    }
}

#[test]
fn a_value_of_another_kind_is_refused_for_every_key_with_its_line() {
    for (place, key, _) in GOOD {
        // No key takes a date, and none takes a table with one in it.
        for value in ["1979-05-27", "{ a = 1979-05-27 }", "[1979-05-27]"] {
            let (text, line) = with(*place, key, value);
            let problems = config::parse(&text).expect_err(&text);
            assert!(problems.iter().any(|problem| problem.line == line), "{text}: {problems:?}");
            assert!(problems.iter().any(|p| p.message.contains(key)), "{text}: {problems:?}");
        }
    }
}

#[test]
fn files_that_are_named_and_not_there_are_told_with_their_line() {
    let path = std::env::temp_dir().join(format!("sipboard-files-{}.toml", std::process::id()));
    let text =
        format!("{ACCOUNT}ca_file = \"no.pem\"\ncert_file = \"c.toml\"\nkey_file = \"c.toml\"\n");
    std::fs::write(&path, &text).unwrap();
    let config = config::load(Some(&path)).unwrap().unwrap();
    let line = ACCOUNT.lines().count() + 1;
    let told = |line: usize, words: &str| {
        let begins = format!("{}:{line}: {words}", path.display());
        assert!(config.warnings.iter().any(|it| it.starts_with(&begins)), "{:?}", config.warnings);
    };
    told(line, "ca_file");
    told(line + 1, "cert_file");
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    let (text, at) = with(Place::Account, "server_name", "\"a b\"");
    let problems = config::parse(&text).expect_err(&text);
    assert_eq!((problems.len(), problems[0].line), (1, at));
    assert!(problems[0].message.starts_with("server_name must be a name"), "{}", problems[0]);
}

#[test]
fn every_transport_can_be_a_server() {
    for server in ["sip:h", "sip:h;transport=tcp", "sips:h", "ws://h", "wss://h:1"] {
        let text = format!("{ACCOUNT}server = [\"ws://h\", {server:?}]");
        assert_eq!(config::parse(&text).unwrap().accounts[0].servers.len(), 2);
    }
}

#[test]
fn a_file_that_nests_without_end_is_refused() {
    let text = format!("a = {}", "[".repeat(100_000));
    assert!(!config::parse(&text).unwrap_err().is_empty());
    let text = format!("{} = 1", "a.".repeat(50_000) + "a");
    assert!(!config::parse(&text).unwrap_err().is_empty());
}

#[test]
fn what_is_done_without_asking_is_one_of_a_few_words() {
    let text = "redirects = \"best\"\nextra_legs = \"hang-up\"\nreliable_provisionals = false\n";
    let sip = config::parse(text).unwrap().settings.sip;
    assert_eq!(sip.redirects, sipboard::sip::Redirects::Best);
    assert_eq!(sip.extra_legs, sipboard::sip::ExtraLegs::HangUp);
    assert!(!sip.reliable_provisionals);
    let problem = config::parse("redirects = \"bset\"\n").unwrap_err()[0].to_string();
    assert!(problem.contains("did you mean \"best\""), "{problem}");
}

#[test]
fn the_variable_of_a_password_is_written_into_no_request() {
    let text = format!("{ACCOUNT}username = \"a\"\npassword_env = \"PATH\"\n");
    for text in [text.clone(), format!("{text}[variables]\nx = \"y\"\n")] {
        let variables = config::parse(&text).unwrap().variables;
        let errors = variables.expand("{{env PATH}}", &mut Values::new(1)).unwrap_err();
        assert!(errors[0].to_string().contains("is the password of an account"), "{errors:?}");
    }
}

#[test]
fn a_secret_is_never_shown_in_a_mistake() {
    for value in ["5551234", "5551.25", "[\"5551234\"]", "true", "5551234 # x", "5551234x"] {
        let account = format!("[[account]]\nuri = \"sip:a@b\"\npassword = {value}\n");
        for text in [account.clone(), account.replace("password =", "passwrd =")] {
            for problem in config::parse(&text).unwrap_err() {
                assert!(!problem.message.contains("555"), "{problem}");
                assert!(!problem.message.contains("not true"), "{problem}");
            }
        }
    }
}

#[test]
fn the_columns_of_the_table_are_read_and_their_mistakes_told() {
    let config =
        sipboard::config::parse("[table]\ncolumns = [\"label\", \"target:30\"]\n").unwrap();
    let columns: Vec<_> = config.columns.iter().map(|it| (it.name, it.width)).collect();
    assert_eq!(columns, [("label", None), ("target", Some(30))]);
    for (columns, told) in [
        (
            "[\"target 40\"]",
            "there is no column \"target 40\": a width stands behind a colon, \"target:40\";",
        ),
        ("[\"tagret\"]", "there is no column \"tagret\": did you mean \"target\"?"),
        ("[\"age:1\"]", "age:1: a width is a number from 2 to 120"),
        ("[\"age\", \"age:9\"]", "age is there twice"),
        ("[]", "the list is empty"),
        ("\"age\"", "columns must be a list of columns"),
        ("[7]", "columns must be a list of columns"),
    ] {
        let text = format!("[table]\ncolumns = {columns}\n");
        let problems = sipboard::config::parse(&text).unwrap_err();
        assert_eq!(problems.len(), 1, "{columns}");
        assert!(problems[0].to_string().contains(told), "{}", problems[0]);
    }
}

#[test]
fn an_account_may_be_registered_and_routed_as_it_likes() {
    use sipboard::{engine::Register, sip::Gruu};
    let text = format!(
        "{ACCOUNT}register = \"all\"\nexpires = 60\ngruu = \"off\"\nuser_agent = \"me\"\noutbound_proxy = \"sip:p.test\"\nheaders = [\"X-A: 1\", \"X-B: 2\"]\npassword_command = \"pass show 'a b'\"\n"
    );
    let account = config::parse(&text).unwrap().accounts.remove(0);
    assert_eq!((account.register, account.expires), (Register::All, 60));
    let profile = &account.profile;
    assert_eq!((&*profile.name, profile.gruu), ("a", Gruu::Off));
    assert_eq!(profile.user_agent.as_deref(), Some("me"));
    assert_eq!(profile.ways_out, [["sip:p.test;lr".parse().unwrap()]]);
    let headers: Vec<_> = profile.headers.iter().map(|h| (h.name(), h.value())).collect();
    assert_eq!(headers, [("X-A", "1"), ("X-B", "2")]);
    let command = account.password_command.unwrap();
    assert_eq!(
        (&*command.username, command.arguments.last().unwrap().as_str()),
        ("a", "pass show 'a b'")
    );
    assert_eq!(account.credentials, None);
}

#[test]
fn a_password_command_as_a_list_is_run_as_it_is_and_never_shown() {
    let text = format!("{ACCOUNT}password_command = [\"print\", \"s3cret\"]\n");
    let config = config::parse(&text).unwrap();
    let command = config.accounts[0].password_command.clone().unwrap();
    assert_eq!(command.arguments, ["print", "s3cret"]);
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[cfg(unix)]
#[test]
fn a_file_with_a_secret_that_others_can_read_is_warned_of_with_the_way_out() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let file = std::env::temp_dir().join(format!("sipboard-modes-{}.toml", std::process::id()));
    for (text, mode, warned) in [
        (format!("{ACCOUNT}password = \"x\"\n"), 0o644, Some("every user")),
        (format!("{ACCOUNT}password = \"x\"\n"), 0o640, Some("its group")),
        (format!("{ACCOUNT}password = \"x\"\n"), 0o600, None),
        (ACCOUNT.to_owned(), 0o644, None),
        (format!("{ACCOUNT}ws_headers = [\"Cookie: s=1\"]\n"), 0o644, Some("the cookie header")),
        (format!("{ACCOUNT}ws_headers = [\"Origin: https://a\"]\n"), 0o644, None),
    ] {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let warnings = config::load(Some(&file)).unwrap().unwrap().warnings;
        assert_eq!(warnings.len(), usize::from(warned.is_some()), "{mode:o}: {warnings:?}");
        if let (Some(who), [warning]) = (warned, &warnings[..]) {
            let command = format!("run chmod 600 {}", file.display());
            assert!(warning.contains(who) && warning.ends_with(&command), "{warning}");
        }
    }
    fs::remove_file(file).unwrap();
}
