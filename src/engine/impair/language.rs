//! The language in which impairments are written.
//!
//! ```text
//!  impairments = rule *( ";" rule )
//!  rule        = [ "in" | "out" ] action *condition  |  "seed=" number
//!  action      = "drop" | "duplicate" | "corrupt" | "delay" time [ ".." time ] | "reorder" [ time ]
//!  condition   = number "%" | "first=" number | "method=" list | "status=" list
//!              | "flow=" list | "transport=" list | "seed=" number
//! ```

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use super::{Action, Impairments, Rule};
use crate::sip::{Direction, FlowId, Method, Transport};

/// What is wrong in the text of impairments, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ImpairError {
    /// Where the word stands, in characters from 1.
    pub column: usize,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl FromStr for Impairments {
    type Err = ImpairError;

    fn from_str(text: &str) -> Result<Impairments, ImpairError> {
        let mut impairments = Impairments::default();
        let mut start = 0;
        for piece in text.split(';') {
            let words = words(text, start, piece);
            start += piece.len() + 1;
            read_rule(&mut impairments, piece, words)?;
        }
        Ok(impairments)
    }
}

/// A word and its column.
#[derive(Clone, Copy, Debug)]
struct Word<'t> {
    text: &'t str,
    column: usize,
}

impl Word<'_> {
    fn wrong(&self, message: impl fmt::Display) -> ImpairError {
        ImpairError { column: self.column, message: message.to_string() }
    }
}

fn words<'t>(text: &'t str, start: usize, piece: &'t str) -> Vec<Word<'t>> {
    let mut words = Vec::new();
    let mut rest = start;
    for word in piece.split_whitespace() {
        // The next place of a word is where it stands: `rest` is behind the one before.
        let at = rest + text[rest..].find(word).unwrap_or_default();
        words.push(Word { text: word, column: text[..at].chars().count() + 1 });
        rest = at + word.len();
    }
    words
}

fn read_rule(
    impairments: &mut Impairments,
    piece: &str,
    words: Vec<Word<'_>>,
) -> Result<(), ImpairError> {
    let mut seed = None;
    let mut rest = Vec::with_capacity(words.len());
    for word in words {
        match word.text.strip_prefix("seed=") {
            Some(_) if seed.is_some() => return Err(word.wrong(twice("seed="))),
            Some(number) => {
                seed = Some(number.parse::<u64>().map_err(|_| {
                    word.wrong(format!("{number:?} is no seed: write a whole number"))
                })?);
            }
            None => rest.push(word),
        }
    }
    impairments.seed = seed.or(impairments.seed);
    let mut words = rest.into_iter().peekable();
    let direction = match words.peek().map(|word| word.text) {
        Some("in") => Some(Direction::In),
        Some("out") => Some(Direction::Out),
        _ => None,
    };
    let way = if direction.is_some() { words.next() } else { None };
    let Some(word) = words.next() else {
        return match way {
            Some(way) => Err(way.wrong(format!("{:?} needs an action: {ACTIONS}", way.text))),
            // Nothing between two semicolons asks for nothing.
            None => Ok(()),
        };
    };
    let mut rule = Rule {
        text: piece
            .split_whitespace()
            .filter(|word| !word.starts_with("seed="))
            .fold(String::new(), |mut text, word| {
                let gap = if text.is_empty() { "" } else { " " };
                text.push_str(gap);
                text.push_str(word);
                text
            })
            .into(),
        action: Action::Drop,
        percent: 100.0,
        first: None,
        direction,
        methods: Vec::new(),
        statuses: Vec::new(),
        flows: Vec::new(),
        transports: Vec::new(),
    };
    rule.action = match word.text {
        "drop" => Action::Drop,
        "duplicate" => Action::Duplicate,
        "corrupt" => Action::Corrupt,
        "reorder" => match words.peek().map(|next| time(next.text)) {
            Some(Some(most)) => {
                words.next();
                Action::Reorder(most)
            }
            _ => Action::Reorder(OVERTAKEN_WITHIN),
        },
        "delay" => Action::Delay(read_delay(word, words.next())?),
        text => return Err(word.wrong(format!("{text:?} is no action: {ACTIONS}"))),
    };
    let mut seen: Vec<&str> = Vec::new();
    for word in words {
        let name = read_condition(&mut rule, word)?;
        if seen.contains(&name) {
            return Err(word.wrong(twice(name)));
        }
        seen.push(name);
    }
    impairments.rules.push(rule);
    Ok(())
}

fn read_delay(
    delay: Word<'_>,
    word: Option<Word<'_>>,
) -> Result<RangeInclusive<Duration>, ImpairError> {
    let Some(word) = word else {
        return Err(delay.wrong(format!("\"delay\" needs a time: {TIMES}")));
    };
    let (low, high) = word.text.split_once("..").unwrap_or((word.text, word.text));
    match (time(low), time(high)) {
        (Some(low), Some(high)) if low <= high => Ok(low..=high),
        (Some(_), Some(_)) => {
            Err(word.wrong(format!("{:?} ends before it begins: write {high}..{low}", word.text)))
        }
        _ => Err(word.wrong(format!("{:?} is no time: {TIMES}", word.text))),
    }
}

/// Reads one condition into the rule; gives its name.
fn read_condition(rule: &mut Rule, word: Word<'_>) -> Result<&'static str, ImpairError> {
    if let Some(number) = word.text.strip_suffix('%') {
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let percent = number.parse::<f64>().ok().filter(|p| plain && *p > 0.0 && *p <= 100.0);
        rule.percent = percent.ok_or_else(|| {
            word.wrong(format!("{:?} is no probability: write 0.1% to 100%", word.text))
        })?;
        return Ok("a probability");
    }
    let Some((name, value)) = word.text.split_once('=') else {
        return Err(word.wrong(format!("{:?} is no condition: {CONDITIONS}", word.text)));
    };
    match name {
        "first" => {
            let first = value.parse::<u64>().ok().filter(|first| *first > 0);
            rule.first = Some(first.ok_or_else(|| {
                word.wrong(format!("{value:?} is no number of messages: write first=3"))
            })?);
            Ok("first=")
        }
        "method" => {
            rule.methods = list(word, value, method)?;
            Ok("method=")
        }
        "status" => {
            rule.statuses = list(word, value, status)?;
            Ok("status=")
        }
        "flow" => {
            rule.flows = list(word, value, |text| {
                let number = text.trim_start_matches('#').parse().ok().filter(|n| *n > 0);
                let wrong = || format!("{text:?} is no flow: write its number, such as flow=1");
                number.map(FlowId).ok_or_else(wrong)
            })?;
            Ok("flow=")
        }
        "transport" => {
            rule.transports = list(word, value, |text| {
                let known = Transport::ALL.into_iter().find(|it| it.name() == text);
                let wrong = || format!("{text:?} is no transport: write udp, tcp, tls, ws or wss");
                known.ok_or_else(wrong)
            })?;
            Ok("transport=")
        }
        _ => Err(word.wrong(format!("{name:?} is no condition: {CONDITIONS}"))),
    }
}

fn list<T>(
    word: Word<'_>,
    value: &str,
    one: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, ImpairError> {
    value.split(',').map(|text| one(text).map_err(|why| word.wrong(why))).collect()
}

fn method(text: &str) -> Result<Method, String> {
    let method: Method = text.parse().map_err(|error| format!("{error}"))?;
    // RFC 3261 §7.1: methods are case-sensitive; `invite` is none that anybody sends.
    match Method::from(&*text.to_ascii_uppercase()) {
        known if method != known && !matches!(known, Method::Extension(_)) => {
            Err(format!("methods are case-sensitive (RFC 3261 §7.1): write {known}"))
        }
        _ => Ok(method),
    }
}

/// `180`, `1xx`, or `500-599`.
fn status(text: &str) -> Result<RangeInclusive<u16>, String> {
    let wrong = || format!("{text:?} is no status: write 180, 1xx or 400-499");
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=699).contains(code));
    if let Some(class) = text.strip_suffix("xx") {
        let class = class.parse::<u16>().ok().filter(|class| (1..=6).contains(class));
        return class.map(|class| class * 100..=class * 100 + 99).ok_or_else(wrong);
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    match (code(low), code(high)) {
        (Some(low), Some(high)) if low <= high => Ok(low..=high),
        _ => Err(wrong()),
    }
}

/// `200ms`, `1.5s`, `2m`; above zero, an hour at most.
fn time(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let scale = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    let time = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * scale).ok()?;
    (!time.is_zero() && time <= LONGEST).then_some(time)
}

fn twice(name: &str) -> String {
    format!("{name} stands there twice: leave one out, or begin a new rule with \";\"")
}

/// How long a message waits to be overtaken, where nothing is said of it.
const OVERTAKEN_WITHIN: Duration = Duration::from_secs(1);
/// How long a message is held back at most.
const LONGEST: Duration = Duration::from_secs(3600);

const ACTIONS: &str = "write drop, duplicate, delay, reorder or corrupt";
const TIMES: &str = "write 200ms, 1.5s or 200ms..1s, an hour at most";
const CONDITIONS: &str = "write 30%, first=3, method=INVITE, status=180 or 1xx, flow=1, transport=udp or seed=42; \";\" begins the next rule";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read_and_written_again() {
        for text in [
            "out drop 30%",
            "in delay 200ms..1s 50% method=INVITE",
            "in drop status=180",
            "out drop first=2 method=INVITE,BYE",
            "duplicate; reorder 300ms transport=udp,ws; corrupt flow=2 0.5%; seed=42",
            "in drop status=1xx,486,500-599",
            "",
            "seed=7",
        ] {
            let read: Impairments = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(read.to_string(), text);
            assert_eq!(read.to_string().parse(), Ok(read));
        }
    }

    #[test]
    fn a_rule_has_its_conditions_in_any_order_and_the_seed_anywhere() {
        let one: Impairments = "out  drop seed=9 method=INVITE 50%;".parse().unwrap();
        let [rule] = &one.rules[..] else { panic!("{one:?}") };
        assert_eq!((&*rule.text, one.seed), ("out drop method=INVITE 50%", Some(9)));
        assert_eq!((rule.percent, rule.direction), (50.0, Some(Direction::Out)));
        assert_eq!(rule.methods, [Method::Invite]);
        let ms = Duration::from_millis;
        for (text, action) in [
            ("delay 1.5s", Action::Delay(ms(1500)..=ms(1500))),
            ("delay 20ms..2m", Action::Delay(ms(20)..=ms(120_000))),
            ("reorder 50%", Action::Reorder(OVERTAKEN_WITHIN)),
            ("reorder 2s", Action::Reorder(ms(2000))),
        ] {
            assert_eq!(text.parse::<Impairments>().unwrap().rules[0].action, action, "{text}");
        }
    }

    #[test]
    fn a_mistake_names_its_column_and_what_would_be_right() {
        for (text, column, words) in [
            ("out drpo", 5, &["\"drpo\" is no action", "drop, duplicate"][..]),
            ("out", 1, &["\"out\" needs an action"]),
            ("out drop; in delay", 14, &["needs a time", "200ms..1s"]),
            ("delay 1s..20ms", 7, &["ends before it begins", "20ms..1s"]),
            ("delay 5", 7, &["\"5\" is no time"]),
            ("delay 2h", 7, &["\"2h\" is no time"]),
            ("drop 130%", 6, &["no probability"]),
            ("drop 0%", 6, &["no probability"]),
            ("drop NaN%", 6, &["no probability"]),
            ("drop first=0", 6, &["first=3"]),
            ("drop method=invite", 6, &["write INVITE"]),
            ("drop method=", 6, &["method"]),
            ("drop status=99", 6, &["\"99\" is no status"]),
            ("drop status=7xx", 6, &["no status"]),
            ("drop flow=x", 6, &["its number"]),
            ("drop transport=sctp", 6, &["udp, tcp"]),
            ("drop often", 6, &["\"often\" is no condition", "30%"]),
            ("drop 5% 6%", 9, &["twice"]),
            ("drop color=red", 6, &["\"color\" is no condition"]),
            ("é drop", 1, &["no action"]),
            ("drop é=1 x", 6, &["no condition"]),
            ("drop; é x", 7, &["no action"]),
            ("seed=x", 1, &["no seed"]),
            ("drop seed=1 seed=2", 13, &["twice"]),
        ] {
            let error = text.parse::<Impairments>().expect_err(text);
            assert_eq!(error.column, column, "{text}: {error}");
            for word in words {
                assert!(error.message.contains(word), "{text}: {error}");
            }
        }
    }
}
