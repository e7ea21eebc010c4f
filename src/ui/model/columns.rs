//! The columns of the table: which ones, in which order, how wide, and by which one it is sorted.

use std::{fmt, str::FromStr};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// The context's number.
    Number,
    /// The method.
    Method,
    /// The Request-URI, without scheme and parameters.
    Target,
    /// The state.
    State,
    /// The last response, or what came instead of one.
    Last,
    /// Why it failed or ended.
    Cause,
    /// How long the first answer took.
    Rtt,
    /// How long ago it was made.
    Age,
    /// From its beginning to its end, or until now.
    Duration,
    /// How often it was sent.
    Attempts,
    /// The timer that fires next, with its countdown.
    Timer,
    /// The transport and the peer's address.
    Flow,
    /// The account that it was sent from.
    Account,
    /// The Call-ID.
    CallId,
    /// What the user calls it.
    Label,
}

impl Column {
    /// Every column, in the order in which the picker offers them.
    pub const ALL: [Column; 15] = [
        Column::Number,
        Column::Method,
        Column::Target,
        Column::State,
        Column::Last,
        Column::Attempts,
        Column::Age,
        Column::Cause,
        Column::Rtt,
        Column::Duration,
        Column::Timer,
        Column::Flow,
        Column::Account,
        Column::CallId,
        Column::Label,
    ];

    /// As the config file calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Column::Number => "number",
            Column::Method => "method",
            Column::Target => "target",
            Column::State => "state",
            Column::Last => "last",
            Column::Cause => "cause",
            Column::Rtt => "rtt",
            Column::Age => "age",
            Column::Duration => "duration",
            Column::Attempts => "attempts",
            Column::Timer => "timer",
            Column::Flow => "flow",
            Column::Account => "account",
            Column::CallId => "call-id",
            Column::Label => "label",
        }
    }

    /// As its heading calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Column::Number => "#",
            Column::Method => "Method",
            Column::Target => "Target",
            Column::State => "State",
            Column::Last => "Last",
            Column::Cause => "Cause",
            Column::Rtt => "RTT",
            Column::Age => "Age",
            Column::Duration => "Took",
            Column::Attempts => "Sent",
            Column::Timer => "Timer",
            Column::Flow => "Flow",
            Column::Account => "Account",
            Column::CallId => "Call-ID",
            Column::Label => "Label",
        }
    }

    /// What it shows, for the picker.
    pub const fn help(self) -> &'static str {
        match self {
            Column::Number => "the context's number",
            Column::Method => "the method",
            Column::Target => "the Request-URI: user, host and port",
            Column::State => "where it stands",
            Column::Last => "the last response; before it, the timer",
            Column::Cause => "why it failed or ended",
            Column::Rtt => "from the request to its first answer",
            Column::Age => "how long ago it was made",
            Column::Duration => "from its beginning to its end",
            Column::Attempts => "how often it was sent",
            Column::Timer => "the timer that fires next",
            Column::Flow => "the transport and the peer's address",
            Column::Account => "the account that sent it",
            Column::CallId => "the Call-ID",
            Column::Label => "what you call it",
        }
    }

    /// Whether sorting by it begins with the greatest: the newest, the longest, the most.
    pub const fn begins_with_greatest(self) -> bool {
        matches!(self, Column::Number | Column::Rtt | Column::Duration | Column::Attempts)
    }
}

/// A column that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which.
    pub column: Column,
    /// How many characters wide; `None` as wide as it needs and there is room for.
    pub width: Option<u16>,
}

impl Shown {
    /// The widest that a column can be made.
    pub const WIDEST: u16 = 120;
}

/// Why a text is no [`Shown`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// There is no such column.
    #[error("{0:?} is no column: the columns are {names}", names = names())]
    Unknown(String),
    /// The width is no number, or not within bounds.
    #[error("{0:?} is no width of a column: write a number from 2 to {widest}", widest = Shown::WIDEST)]
    Width(String),
}

fn names() -> String {
    Column::ALL.map(Column::name).join(", ")
}

impl FromStr for Shown {
    type Err = ColumnError;

    /// `target`, or `target:30`.
    fn from_str(text: &str) -> Result<Shown, ColumnError> {
        let (name, width) = match text.split_once(':') {
            Some((name, width)) => (name, Some(width)),
            None => (text, None),
        };
        let column = Column::ALL.into_iter().find(|column| column.name() == name);
        let column = column.ok_or_else(|| ColumnError::Unknown(name.to_owned()))?;
        let read = |text: &str| match text.parse() {
            Ok(width @ 2..=Shown::WIDEST) => Ok(width),
            _ => Err(ColumnError::Width(text.to_owned())),
        };
        Ok(Shown { column, width: width.map(read).transpose()? })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.column.name())?;
        self.width.map_or(Ok(()), |width| write!(f, ":{width}"))
    }
}

/// By what the table is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// Whether the greatest stands on top.
    pub descending: bool,
}

impl Default for Sort {
    /// The newest on top.
    fn default() -> Sort {
        Sort { column: Column::Number, descending: true }
    }
}

/// The columns that are shown, from left to right. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<Shown>);

impl Default for Columns {
    fn default() -> Columns {
        let shown = |column| Shown { column, width: None };
        Columns(Column::ALL[..7].iter().copied().map(shown).collect())
    }
}

impl Columns {
    /// These columns, each once; the usual ones where there is none.
    pub fn new(shown: impl IntoIterator<Item = Shown>) -> Columns {
        let mut columns: Vec<Shown> = Vec::new();
        for wanted in shown {
            if columns.iter().all(|known| known.column != wanted.column) {
                columns.push(wanted);
            }
        }
        if columns.is_empty() { Columns::default() } else { Columns(columns) }
    }

    /// Those shown, from left to right.
    pub fn shown(&self) -> &[Shown] {
        &self.0
    }

    /// Whether a column is shown.
    pub fn has(&self, column: Column) -> bool {
        self.0.iter().any(|shown| shown.column == column)
    }

    /// What the picker lists: those shown in their order, then the others.
    pub fn offered(&self) -> Vec<Column> {
        let others = Column::ALL.into_iter().filter(|column| !self.has(*column));
        self.0.iter().map(|shown| shown.column).chain(others).collect()
    }

    /// Shows a column, as the last one, or hides it. The only one stays: gives whether it changed.
    pub fn toggle(&mut self, column: Column) -> bool {
        if !self.has(column) {
            self.0.push(Shown { column, width: None });
            return true;
        }
        let more = self.0.len() > 1;
        if more {
            self.0.retain(|shown| shown.column != column);
        }
        more
    }

    /// Moves a shown column one place; gives whether it could.
    pub fn shift(&mut self, column: Column, right: bool) -> bool {
        let Some(from) = self.0.iter().position(|shown| shown.column == column) else {
            return false;
        };
        let to = if right { from + 1 } else { from.wrapping_sub(1) };
        let can = to < self.0.len();
        if can {
            self.0.swap(from, to);
        }
        can
    }

    /// Sets the width of a shown column; `None` leaves it to the table.
    pub fn set_width(&mut self, column: Column, width: Option<u16>) {
        if let Some(shown) = self.0.iter_mut().find(|shown| shown.column == column) {
            shown.width = width.map(|width| width.clamp(2, Shown::WIDEST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_the_config_file_writes_them() {
        for column in Column::ALL {
            assert_eq!(column.name().parse(), Ok(Shown { column, width: None }));
        }
        assert_eq!("target:30".parse(), Ok(Shown { column: Column::Target, width: Some(30) }));
        for (text, told) in [
            ("tagret", "the columns are number, method"),
            ("target:", "a number from 2 to 120"),
            ("target:1", "a number from 2 to 120"),
            ("target:65536", "a number from 2 to 120"),
        ] {
            assert!(text.parse::<Shown>().unwrap_err().to_string().contains(told), "{text}");
        }
    }

    #[test]
    fn columns_are_chosen_and_moved_and_the_last_one_stays() {
        let mut columns = Columns::new(["age", "age:9", "label"].map(|text| text.parse().unwrap()));
        assert_eq!(columns.shown().len(), 2);
        assert!(columns.shift(Column::Age, true) && !columns.shift(Column::Age, true));
        assert!(columns.toggle(Column::Label) && !columns.toggle(Column::Age));
        assert!(columns.toggle(Column::Cause));
        let names: Vec<String> = columns.shown().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["age", "cause"]);
        assert_eq!(columns.offered().len(), Column::ALL.len());
    }
}
