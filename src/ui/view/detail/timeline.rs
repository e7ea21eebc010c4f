//! The timeline: what happened, in its true order, and what will.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::{
    Room,
    page::{Line, Page},
    story::{self, Told},
};
use crate::{
    sip::{ContextId, TimerAt},
    ui::{
        detail::{self, Times},
        model::{Entry, Model, Row},
        view::{
            text::wrap,
            time::{Moment, delta},
        },
    },
};

/// From how many columns on the time of day stands before a delta.
const BOTH_TIMES: usize = 84;
/// The columns of `15:04:05.123`.
const OF_DAY: usize = 12;
/// The columns between the words and what they meant.
const GAP: usize = 2;
/// How many lines the timers that run may always have.
const FOOT: usize = 4;
/// The columns of `+1234.567`.
const DELTA: usize = 8;

/// The columns of a line.
#[derive(Clone, Copy)]
struct Columns {
    /// Where the shape stands, behind the times.
    shape: usize,
    /// Where the words begin.
    words: usize,
    /// Where what it meant begins, if the words leave room.
    meant: usize,
    width: usize,
}

impl Columns {
    /// The columns for what there is to tell: what it meant stands as far to the right as the
    /// longest of it that fits beside its words.
    fn of(room: &Room<'_>, told: &[Told]) -> Columns {
        let times = match room.model.detail.times {
            Times::OfDay => 1 + OF_DAY,
            _ if room.width >= BOTH_TIMES => 1 + OF_DAY + 1 + DELTA,
            _ => DELTA,
        };
        let shape = times + 1;
        let words = shape + 3;
        // A column stays free on the right.
        let width = room.width.saturating_sub(1);
        let rest = width.saturating_sub(words);
        let beside = told
            .iter()
            .map(|told| (told.what.width(), told.meant.width()))
            .filter(|(what, meant)| what + GAP + meant <= rest);
        let (what, meant) =
            beside.fold((0, 0), |(a, b), (what, meant)| (a.max(what), b.max(meant)));
        let column = rest.saturating_sub(meant).min(what + GAP);
        Columns { shape, words, meant: words + column, width }
    }
}

pub(super) fn page(room: &Room<'_>, moment: &Moment) -> Page {
    let row = room.row;
    let entries = row.timeline.iter().enumerate();
    let told: Vec<Told> =
        entries.map(|(place, entry)| story::tell(entry, place, row, room.model)).collect();
    let columns = Columns::of(room, &told);
    let dim = room.model.theme.dim;
    let gap = row.timeline.gap();
    let mut page = Page::default();
    let mut previous = row.at;
    for ((place, entry), told) in row.timeline.iter().enumerate().zip(told) {
        if let Some((at, count)) = gap
            && at == place
        {
            let words = format!("… {count} entries left out");
            page.push(Line::new().padded(columns.words).with(words, dim));
        }
        let opens = detail::carried(place, entry).map(|_| place);
        let when = when(room, entry, previous);
        let line = Line::of(format!("{when:>width$} ", width = columns.shape - 1), dim);
        line_of(&mut page, columns, line, told, dim, opens);
        for sentence in story::details(entry, room.model) {
            below(&mut page, columns, &sentence, dim, opens);
        }
        previous = entry.at;
    }
    let foot = Foot::of(room, moment);
    for Shown { timer, of, meant } in foot.shown {
        let left = format!("in {}", moment.until(timer.at));
        let of = of.map(|of| format!(" · {of}")).unwrap_or_default();
        let told = Told {
            shape: "◌",
            style: room.model.theme.pending,
            what: format!("Timer {}{of}", timer.timer),
            meant: meant.to_owned(),
        };
        let when = format!("{left:>width$} ", width = columns.shape - 1);
        line_of(&mut page, columns, Line::of(when, told.style), told, dim, None);
    }
    if foot.more > 0 {
        let timers = if foot.more == 1 { "timer runs" } else { "timers run" };
        let words = format!("… {} more {timers}", foot.more);
        page.push(Line::new().padded(columns.words).with(words, dim));
    }
    page
}

/// The timers that run: those of the context, and of the requests in its dialogs.
struct Foot<'a> {
    /// The soonest first.
    shown: Vec<Shown<'a>>,
    /// How many there is no room for.
    more: usize,
}

/// A timer that is shown.
struct Shown<'a> {
    timer: &'a TimerAt,
    /// The request that it belongs to, where that is not the context's.
    of: Option<String>,
    /// What it will do.
    meant: &'static str,
}

impl Foot<'_> {
    /// As many as leave most of the page to what happened. What only waits for repeats gives way.
    fn of<'a>(room: &Room<'a>, moment: &Moment) -> Foot<'a> {
        let row = room.row;
        let told: BTreeSet<ContextId> = row.timeline.iter().map(|entry| entry.context).collect();
        let children = told.into_iter().filter(|id| *id != row.id);
        let children = children.filter_map(|id| room.model.facts.contexts.find(id));
        let mut more = 0;
        let mut shown = Vec::new();
        for of in [row].into_iter().chain(children) {
            let number = (of.id != row.id).then_some(of.id);
            let running = of.status.running(moment.now());
            shown.extend(running.map(|timer| Shown {
                timer,
                of: named(timer, of, room.model, number),
                meant: story::purpose(timer.timer, of.status.state),
            }));
            more += of.status.more_timers as usize;
        }
        let most = (room.height / 3).max(FOOT);
        if shown.len() + usize::from(more > 0) > most {
            shown.sort_by_key(|it| (it.timer.timer.is_silent(), it.timer.at));
            more += shown.drain(most - 1..).count();
        }
        shown.sort_by_key(|it| it.timer.at);
        Foot { shown, more }
    }
}

/// Which request a timer of a row belongs to: `PRACK 2`, `CANCEL #26`; none for the own request of
/// the timeline's context, which has no `number` here.
fn named(timer: &TimerAt, row: &Row, model: &Model, number: Option<ContextId>) -> Option<String> {
    let of = match (&timer.of, number) {
        (None, None) => return None,
        (Some(of), _) => of.to_string(),
        (None, Some(_)) => row.method.to_string(),
    };
    let of = model.safe(&of);
    Some(number.map_or_else(|| of.to_string(), |number| format!("{of} #{number}")))
}

fn line_of(
    page: &mut Page,
    columns: Columns,
    when: Line,
    told: Told,
    dim: Style,
    opens: Option<usize>,
) {
    let beside = columns.words + told.what.width() + GAP;
    let meant_width = told.meant.width();
    // What it meant stands in its column, else right behind the words, else below them.
    let at = [columns.meant, beside]
        .into_iter()
        .find(|&at| at >= beside && at + meant_width <= columns.width);
    let words = when
        .with(told.shape, told.style)
        .padded(columns.words)
        .with(told.what, Style::new())
        .opening(opens);
    match at {
        _ if told.meant.is_empty() => {
            page.lines.extend(words.wrapped(columns.width, columns.words));
        }
        Some(at) => page.push(words.padded(at).with(told.meant, dim)),
        None => {
            page.lines.extend(words.wrapped(columns.width, columns.words));
            below(page, columns, &told.meant, dim, opens);
        }
    }
}

/// A sentence below an entry's words.
fn below(page: &mut Page, columns: Columns, text: &str, style: Style, opens: Option<usize>) {
    for line in wrap(text, columns.width.saturating_sub(columns.words)) {
        page.push(Line::new().padded(columns.words).with(line, style).opening(opens));
    }
}

fn when(room: &Room<'_>, entry: &Entry, previous: Instant) -> String {
    let since = |from: Instant| delta(entry.at.saturating_duration_since(from));
    let short = match room.model.detail.times {
        Times::SinceStart => since(room.row.at),
        Times::SincePrevious if entry.at.saturating_duration_since(previous) == Duration::ZERO => {
            "·".to_owned()
        }
        Times::SincePrevious => since(previous),
        Times::OfDay => return room.model.time.format(entry.at),
    };
    if room.width >= BOTH_TIMES {
        format!("{} {short:>DELTA$}", room.model.time.format(entry.at))
    } else {
        short
    }
}
