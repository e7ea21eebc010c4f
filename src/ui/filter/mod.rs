//! The filter's language: which rows the table shows.
//!
//! ```text
//! ring busy              both words, anywhere: method, target, state, last, cause, Call-ID, label, note, account
//! method:invite          a part of one field
//! code:4xx  code>=500    the status code of the last response
//! age>10s  rtt<5ms  took>1m  attempts>=3  number<100
//! !label:x  !busy        not
//! ~^bob|carol  target:~^bob    a regular expression
//! "a b"  last:"Busy Here"      with spaces
//! ```
//!
//! [`Filter::parse`] reads it in `parse`; a mistake says where it stands. Upper and lower case are
//! the same.

mod memo;
mod parse;
mod text;

use std::time::{Duration, Instant};

use memo::Memo;
pub use parse::FilterError;
use text::Pattern;

use crate::{
    sip::State,
    ui::model::{Last, RoundTrip, Row, Standing},
};

/// The language, for the help: what is written, and what it means.
pub const LANGUAGE: &[(&str, &str)] = &[
    (
        "ring busy",
        "both words, in any of: method, target, state, last, cause, Call-ID, label, note, account",
    ),
    ("method:invite", "in one field: those, tag and flow"),
    ("code:4xx code>=500", "the status code of the last response"),
    ("age>10s took<1m", "since it was made, and until it ended: us, ms, s, m, h"),
    ("rtt<5ms", "until its first answer"),
    ("attempts>2 number<9", "how often it was sent; its number"),
    ("!label:night", "not"),
    ("~^bob target:~^bob", "a regular expression"),
    ("last:\"Busy Here\"", "quotes keep spaces together"),
];

/// Which rows are shown.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

/// A condition; all must hold.
#[derive(Clone, Debug)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// In one of the fields that words look at.
    Anywhere(Pattern),
    /// In one field.
    Field(TextField, Pattern),
    /// A number within bounds, both included.
    Number(NumberField, u64, u64),
    /// A time on one side of a bound.
    Time(TimeField, Side, Duration),
}

/// A field that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextField {
    Account,
    CallId,
    Cause,
    Flow,
    Label,
    Last,
    Method,
    Note,
    State,
    Tag,
    Target,
}

/// A field that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberField {
    Attempts,
    Code,
    Number,
}

/// A field that is a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeField {
    Age,
    Rtt,
    Took,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Less than the bound.
    Below,
    /// More than the bound.
    Above,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// The first mistake, with its place in the text.
    pub fn parse(text: &str) -> Result<Filter, FilterError> {
        Ok(Filter { text: text.trim().to_owned(), terms: parse::terms(text)? })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it shows everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row is shown at a moment. `flow` is the text of its flow.
    pub fn matches(&self, row: &Row, flow: &str, now: Instant) -> bool {
        let holds = |term: &Term| term.test.holds(row, flow, now, &mut Memo::default());
        self.terms.iter().all(|term| holds(term) != term.negated)
    }

    /// The same for row after row.
    pub fn sieve(&self) -> Sieve<'_> {
        Sieve(self.terms.iter().map(|term| (term, Memo::default())).collect())
    }

    /// The times after its beginning at which a row may come or go by itself.
    pub fn turns(&self) -> impl Iterator<Item = Duration> {
        self.terms.iter().filter_map(|term| match term.test {
            Test::Time(TimeField::Age | TimeField::Took, side, bound) => Some(match side {
                Side::Below => bound,
                Side::Above => bound.saturating_add(Duration::from_nanos(1)),
            }),
            _ => None,
        })
    }
}

/// A filter that many rows go through: it remembers what it found in the texts that they share.
#[derive(Debug)]
pub struct Sieve<'a>(Vec<(&'a Term, Memo<'a>)>);

impl<'a> Sieve<'a> {
    /// [`Filter::matches`].
    pub fn lets_through(&mut self, row: &'a Row, flow: &'a str, now: Instant) -> bool {
        self.0.iter_mut().all(|(term, memo)| term.test.holds(row, flow, now, memo) != term.negated)
    }
}

impl Test {
    fn holds<'r>(&self, row: &'r Row, flow: &'r str, now: Instant, memo: &mut Memo<'r>) -> bool {
        match self {
            Test::Anywhere(pattern) => {
                ANYWHERE.iter().any(|field| field.has(row, flow, pattern, memo))
            }
            Test::Field(field, pattern) => field.has(row, flow, pattern, memo),
            Test::Number(field, low, high) => {
                field.of(row).is_some_and(|value| (*low..=*high).contains(&value))
            }
            Test::Time(field, side, bound) => field.of(row, now).is_some_and(|time| match side {
                Side::Below => time < *bound,
                Side::Above => time > *bound,
            }),
        }
    }
}

/// The fields that a word looks at, those that are read fastest first.
const ANYWHERE: [TextField; 9] = [
    TextField::Method,
    TextField::State,
    TextField::CallId,
    TextField::Label,
    TextField::Account,
    TextField::Target,
    TextField::Cause,
    TextField::Last,
    TextField::Note,
];

impl TextField {
    const ALL: [(&'static str, TextField); 12] = [
        ("account", TextField::Account),
        ("call-id", TextField::CallId),
        ("callid", TextField::CallId),
        ("cause", TextField::Cause),
        ("flow", TextField::Flow),
        ("label", TextField::Label),
        ("last", TextField::Last),
        ("method", TextField::Method),
        ("note", TextField::Note),
        ("state", TextField::State),
        ("tag", TextField::Tag),
        ("target", TextField::Target),
    ];

    fn has<'r>(self, row: &'r Row, flow: &'r str, pattern: &Pattern, memo: &mut Memo<'r>) -> bool {
        match self {
            TextField::Account => memo.account(row.account(), |text| pattern.is_in(text)),
            TextField::CallId => pattern.is_in(&row.created.call_id),
            TextField::Cause => row
                .cause()
                .is_some_and(|cause| memo.cause(cause as usize, || pattern.is_in(cause.as_str()))),
            TextField::Flow => memo.flow(flow, |text| pattern.is_in(text)),
            TextField::Label | TextField::Note | TextField::Tag if pattern.is_out(row.data()) => {
                false
            }
            TextField::Label => row.label().is_some_and(|label| pattern.is_in(label)),
            TextField::Last => match &row.last {
                Last::Nothing => false,
                Last::Failed(cause) => {
                    memo.cause(*cause as usize, || pattern.is_in(cause.as_str()))
                }
                Last::Response(response) | Last::Crossed(response) => {
                    let code = response.status.code();
                    memo.reason(code, response.reason(), |reason| {
                        // Put together only where a part alone cannot decide.
                        pattern.is_in(reason)
                            || pattern.may_span() && pattern.is_in(&format!("{code} {reason}"))
                    })
                }
            },
            TextField::Method => memo.method(row.method.as_str(), |text| pattern.is_in(text)),
            TextField::Note => row.note().is_some_and(|note| pattern.is_in(note)),
            TextField::Tag => row.tags().any(|tag| pattern.is_in(tag)),
            TextField::State => {
                let standing = row.standing();
                let variant = match standing {
                    Standing::State(state) => state as usize,
                    // So few that nothing is remembered of them.
                    Standing::StillUp | Standing::MayBeUp => usize::MAX,
                    Standing::MayComeUp => State::Failed as usize,
                };
                memo.state(variant, || pattern.is_in(standing.as_str()))
            }
            TextField::Target => {
                // What is shown; the whole URI where a scheme is looked for.
                let whole = row.target().as_str();
                // Without a password, what is shown is a part of the whole.
                let may_hide = || memchr::memchr_iter(b':', whole.as_bytes()).nth(1).is_some();
                (!pattern.is_out(Some(whole)) || may_hide())
                    && (pattern.is_in(&row.target().as_uri().short())
                        || pattern.names_a_scheme() && pattern.is_in(whole))
            }
        }
    }
}

impl NumberField {
    const ALL: [(&'static str, NumberField); 3] = [
        ("attempts", NumberField::Attempts),
        ("code", NumberField::Code),
        ("number", NumberField::Number),
    ];

    fn of(self, row: &Row) -> Option<u64> {
        match self {
            NumberField::Attempts => Some(row.status.attempts.into()),
            NumberField::Code => row.code().map(u64::from),
            NumberField::Number => Some(row.id.0),
        }
    }
}

impl TimeField {
    const ALL: [(&'static str, TimeField); 4] = [
        ("age", TimeField::Age),
        ("duration", TimeField::Took),
        ("rtt", TimeField::Rtt),
        ("took", TimeField::Took),
    ];

    fn of(self, row: &Row, now: Instant) -> Option<Duration> {
        match self {
            TimeField::Age => Some(now.saturating_duration_since(row.at)),
            TimeField::Rtt => match row.round_trip {
                RoundTrip::Took(took) => Some(took),
                _ => None,
            },
            TimeField::Took => Some(row.took(now)),
        }
    }
}
