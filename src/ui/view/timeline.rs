//! The timeline of the chosen context: what happened, in its true order, and what will.

use std::time::Instant;

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Position, Rect},
    style::{Modifier, Style},
    text::Line,
    widgets::Widget,
};

use crate::{
    sip::{Status, TimerAt},
    ui::{
        model::{Model, Pane, RoundTrip, Row},
        view::{
            Regions, block, put, put_in, story,
            table::{attempts, scroll_bar},
            text::{cut, safe, wrap},
            theme::shape,
            time::{Moment, short},
            title,
        },
    },
};

/// Where an entry's words begin: after the time and the shape.
const WORDS: u16 = 12;
/// Where the shape stands.
const SHAPE: u16 = 9;

/// One line below the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// The entry in a place.
    Entry(usize),
    /// A line of the sentence that belongs to an entry.
    Sentence(String),
    /// So many entries were left out.
    Gap(usize),
    /// A timer that runs.
    Timer(TimerAt),
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, moment: &Moment) {
    let theme = &model.theme;
    let now = moment.now();
    let focus = model.has_focus(Pane::Timeline);
    let style = if focus { theme.accent.add_modifier(Modifier::BOLD) } else { theme.plain };
    let Some(row) = model.selected() else {
        return block(title("Timeline", style), focus, theme).render(area, buffer);
    };
    let heading = format!("#{} {} {}", row.id, row.method, row.target());
    let heading = safe(&heading);
    let heading = cut(&heading, usize::from(area.width.saturating_sub(6)));
    let mut frame = block(title(&heading, style), focus, theme);
    let below = model.browse.up.min(overflow(model, now));
    if below > 0 {
        let more = format!(" {below} more below ");
        frame = frame.title_bottom(Line::styled(more, theme.dim).alignment(Alignment::Right));
    }
    let inner = frame.inner(area);
    frame.render(area, buffer);
    let summary = summary_height(inner);
    draw_summary(buffer, Rect { height: summary, ..inner }, row, model);
    if summary > 1 {
        let rule = format!("├{}┤", "─".repeat(usize::from(inner.width)));
        let line = Rect { x: area.x, width: area.width, ..inner };
        put(buffer, line, 0, summary - 1, &rule, if focus { theme.accent } else { theme.border });
    }
    let lines = Rect { y: inner.y + summary, height: inner.height - summary, ..inner };
    let items = items(row, inner.width, now);
    let height = usize::from(lines.height);
    let first = items.len().saturating_sub(height + below);
    for (y, item) in items[first..].iter().take(height).enumerate() {
        let line = Rect { y: lines.y + y as u16, height: 1, ..lines };
        draw_item(buffer, line, item, row, model, moment);
    }
    scroll_bar(buffer, area, first, height, items.len(), model);
}

/// How many lines of the timeline do not fit into its pane.
pub fn overflow(model: &Model, now: Instant) -> usize {
    let area = Rect::from((Position::ORIGIN, model.size));
    let pane = Regions::of(area, model.browse.pane).and_then(|regions| regions.timeline);
    let (Some(pane), Some(row)) = (pane, model.selected()) else { return 0 };
    let inner =
        Rect { width: pane.width.saturating_sub(2), height: pane.height.saturating_sub(2), ..pane };
    let height = usize::from(inner.height - summary_height(inner));
    items(row, inner.width, now).len().saturating_sub(height)
}

/// The lines of a context's timeline. Its length is bounded by the timeline's.
fn items(row: &Row, width: u16, now: Instant) -> Vec<Item> {
    let room = usize::from(width.saturating_sub(WORDS + 1));
    let gap = row.timeline.gap();
    let mut items = Vec::with_capacity(row.timeline.len() + 8);
    for (place, entry) in row.timeline.iter().enumerate() {
        if let Some((at, count)) = gap
            && at == place
        {
            items.push(Item::Gap(count));
        }
        items.push(Item::Entry(place));
        for sentence in story::details(entry) {
            items.extend(wrap(&sentence, room).into_iter().map(Item::Sentence));
        }
    }
    // Once a context has ended, its last timers fire without a word.
    let runs = |timer: &TimerAt| !row.status.ended || timer.at > now;
    items.extend(row.status.timers.into_iter().flatten().filter(runs).map(Item::Timer));
    items
}

fn draw_item(
    buffer: &mut Buffer,
    line: Rect,
    item: &Item,
    row: &Row,
    model: &Model,
    moment: &Moment,
) {
    let theme = &model.theme;
    match item {
        Item::Entry(place) => {
            let Some(entry) = row.timeline.entry(*place) else { return };
            let told = story::tell(entry, *place, row, model);
            let words = words_width(line.width);
            draw_when(buffer, line, &told.when, theme.dim);
            put_in(buffer, line, SHAPE, 0, 2, told.shape, told.style);
            put_in(buffer, line, WORDS, 0, words, &told.what, Style::new());
            put(buffer, line, WORDS + words + 1, 0, &told.meant, theme.dim);
        }
        Item::Sentence(sentence) => {
            put(buffer, line, WORDS, 0, sentence, theme.dim);
        }
        Item::Gap(count) => {
            put(buffer, line, WORDS, 0, &format!("… {count} entries left out"), theme.dim);
        }
        Item::Timer(timer) => {
            let words = words_width(line.width);
            let left = moment.until(timer.at);
            draw_when(buffer, line, &format!("in {left}"), theme.pending);
            put_in(buffer, line, SHAPE, 0, 2, "◌", theme.pending);
            put_in(buffer, line, WORDS, 0, words, &format!("Timer {}", timer.timer), theme.dim);
            put(buffer, line, WORDS + words + 1, 0, story::purpose(timer.timer), theme.dim);
        }
    }
}

/// A time, right-aligned before the shape.
fn draw_when(buffer: &mut Buffer, line: Rect, when: &str, style: Style) {
    let width = when.chars().count() as u16;
    put_in(buffer, line, (SHAPE - 1).saturating_sub(width), 0, SHAPE - 1, when, style);
}

/// How wide the message is; what it meant comes after it.
fn words_width(width: u16) -> u16 {
    let rest = width.saturating_sub(WORDS + 1);
    (rest * 55 / 100).clamp(rest.min(16), 36)
}

/// The lines above the timeline, with the rule.
fn summary_height(inner: Rect) -> u16 {
    match inner.height {
        0 => 0,
        1..8 => 1,
        8..12 => 3,
        _ => 4,
    }
}

fn draw_summary(buffer: &mut Buffer, area: Rect, row: &Row, model: &Model) {
    let theme = &model.theme;
    let state = row.status.state;
    let mut x = 1;
    let words = format!("{} {}", shape(state), state.as_str());
    x += put(buffer, area, x, 0, &words, theme.state(state).add_modifier(Modifier::BOLD));
    for piece in pieces(row, &row.status) {
        x += put(buffer, area, x, 0, " · ", theme.dim);
        x += put(buffer, area, x, 0, &piece, Style::new());
    }
    let details = [
        format!("{} over {}", safe(&row.created.local_identity), story::flow(row, model)),
        format!("Call-ID {}", safe(&row.created.call_id)),
    ];
    for (n, text) in details.iter().enumerate() {
        // The last line is the rule's.
        let y = n as u16 + 1;
        if y + 1 < area.height {
            put(buffer, area, 1, y, text, theme.dim);
        }
    }
}

fn pieces(row: &Row, status: &Status) -> Vec<String> {
    let mut pieces = vec![format!("sent {}", attempts(status))];
    if let RoundTrip::Took(took) = row.round_trip {
        pieces.push(format!("RTT {}", short(took)));
    }
    match status.legs_up {
        0 => {}
        1 => pieces.push("1 leg up".to_owned()),
        legs => pieces.push(format!("{legs} legs up")),
    }
    pieces
}
