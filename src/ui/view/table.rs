//! The table of contexts. Only the rows inside the window are built.
//!
//! `layout` says where the columns stand, `cell` what is in them.

mod cell;
mod layout;

use std::time::Instant;

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line as Text,
    widgets::Widget,
};
use unicode_width::UnicodeWidthStr;

pub(super) use cell::{attempts, response_line};
pub(super) use layout::{Cell, layout};

use crate::ui::{
    bindings::{Action, Scope},
    model::{Column, LegRow, Line, Mode, Model, Pane, Row, Sort},
    view::{
        block, put, put_in,
        text::{balanced, cut, scrolled},
        time::Moment,
        title,
    },
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, moment: &Moment) {
    let theme = &model.theme;
    let focus = model.has_focus(Pane::Table);
    let contexts = &model.facts.contexts;
    let list = &model.table.list;
    let style = if focus { theme.accent.add_modifier(Modifier::BOLD) } else { theme.plain };
    let mut frame = block(title("Contexts", style), focus, theme);
    if !contexts.is_empty() {
        // The title's own columns, and the corners.
        let room = usize::from(area.width).saturating_sub(16);
        let told = format!(" {} ", summary(model, room));
        frame = frame.title(Text::styled(told, theme.dim).alignment(Alignment::Right));
    }
    let inner = frame.inner(area);
    frame.render(area, buffer);
    if contexts.is_empty() {
        return nothing_yet(buffer, inner, model);
    }
    // Rows come and go by themselves where the filter looks at the time.
    list.changes_at(contexts).into_iter().for_each(|at| moment.changes(at));
    let cells = layout(&model.table.columns, inner.width, contexts.len());
    headings(buffer, inner, &cells, model);
    let rows = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let lines = list.window(contexts, model.browse.top, usize::from(rows.height));
    if lines.is_empty() {
        return nothing_shown(buffer, rows, model);
    }
    for (y, line) in lines.iter().enumerate() {
        let place = Rect { y: rows.y + y as u16, height: 1, ..rows };
        draw_line(buffer, place, &cells, *line, model, moment);
        if is_chosen(*line, model) {
            put(buffer, place, 0, 0, "▸", theme.accent);
            buffer.set_style(place, if focus { theme.selected } else { theme.chosen });
        }
    }
    let count = list.lines(contexts);
    scroll_bar(buffer, area, model.browse.top, usize::from(rows.height), count, model);
    // What registers by itself is not what the user has sent.
    if contexts.iter().all(|row| row.created.registration.is_some()) {
        let used = (lines.len() as u16 + 1).min(rows.height);
        let rest = Rect { y: rows.y + used, height: rows.height - used, ..rows };
        nothing_yet(buffer, rest, model);
    }
}

/// `4 of 12 · /ring · 2 marked · follow`, as much of it as has room: what is marked and cannot be
/// seen stays to the last.
fn summary(model: &Model, room: usize) -> String {
    let table = &model.table;
    let (shown, all) = (table.list.rows(), model.facts.contexts.len());
    let filter = table.list.filter();
    let is_all = shown == all && filter.is_empty();
    let count = if is_all { all.to_string() } else { format!("{shown} of {all}") };
    let Sort { column, .. } = table.list.sort();
    // In their order, each with how soon it gives way.
    let mut pieces: Vec<(u8, String)> = [
        Some((1, count)),
        (!filter.is_empty()).then(|| (2, format!("/{}", model.safe(filter.text())))),
        (!table.marks.is_empty()).then(|| (0, model.marks_told())),
        table.list.hides_ended().then(|| (3, "ended hidden".to_owned())),
        (!table.columns.has(column)).then(|| (4, format!("by {}", column.name()))),
        table.follow.then(|| (5, "follow".to_owned())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let joined = |pieces: &[(u8, String)]| {
        pieces.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" · ")
    };
    while let Some(excess) = joined(&pieces).width().checked_sub(room + 1)
        && let Some(last) = (0..pieces.len()).max_by_key(|at| pieces[*at].0)
        && pieces.len() > 1
    {
        let (rank, text) = &mut pieces[last];
        // Of a filter, its beginning says something too.
        match text.width().checked_sub(excess + 1).filter(|left| *rank == 2 && *left > 3) {
            Some(left) => *text = cut(text, left).into_owned(),
            None => _ = pieces.remove(last),
        }
    }
    cut(&joined(&pieces), room).into_owned()
}

fn headings(buffer: &mut Buffer, inner: Rect, cells: &[Cell], model: &Model) {
    let sort = model.table.list.sort();
    for cell in cells {
        let mut text = cell.column.title().to_owned();
        if cell.column == sort.column {
            // The mark stays, whatever has to go for it.
            let room = usize::from(cell.width).saturating_sub(1);
            text.truncate(room);
            text.push(if sort.descending { '▼' } else { '▲' });
        }
        let style = match cell.column == sort.column {
            true => model.theme.dim.add_modifier(Modifier::BOLD),
            false => model.theme.dim,
        };
        put_cell(buffer, inner, cell, &text, style);
    }
}

/// A text in its cell, on the side that its column is read from.
fn put_cell(buffer: &mut Buffer, line: Rect, cell: &Cell, text: &str, style: Style) {
    let width = usize::from(cell.width);
    let shift = match cell::is_right(cell.column) {
        true => width.saturating_sub(text.width()) as u16,
        false => 0,
    };
    put_in(buffer, line, cell.x + shift, 0, cell.width - shift, text, style);
}

fn draw_line(
    buffer: &mut Buffer,
    place: Rect,
    cells: &[Cell],
    line: Line,
    model: &Model,
    moment: &Moment,
) {
    let Some((row, leg)) = row_of(line, model) else { return };
    for (cell, cell::Text { text, style }) in texts(row, leg, line, cells, model, moment) {
        let text = scrolled(&text, usize::from(cell.width), model.table.shift);
        put_cell(buffer, place, cell, &text, style);
    }
    if leg.is_none() {
        draw_signs(buffer, place, row, line, model);
    }
}

/// What stands in the cells of a line.
fn texts<'a>(
    row: &'a Row,
    leg: Option<&'a LegRow>,
    line: Line,
    cells: &'a [Cell],
    model: &'a Model,
    moment: &'a Moment,
) -> impl Iterator<Item = (&'a Cell, cell::Text<'a>)> {
    let has = |column| cells.iter().any(|cell| cell.column == column);
    cells.iter().map(move |cell| {
        let mut text = match leg {
            Some(leg) => cell::of_leg(leg, cell.column, model, moment),
            None => cell::of_row(row, cell.column, has, model, moment),
        };
        if let (Line::Member(_), Column::Method) = (line, cell.column) {
            text.text = format!("└ {}", text.text).into();
        }
        (cell, text)
    })
}

/// By how many columns the longest text on the screen is longer than its cell.
pub fn excess(model: &Model, area: Rect, now: Instant) -> usize {
    let contexts = &model.facts.contexts;
    let cells = shown_cells(model, area);
    let moment = Moment::new(now);
    let height = usize::from(area.height.saturating_sub(3));
    let lines = model.table.list.window(contexts, model.browse.top, height);
    let of_line = |line: &Line| {
        let (row, leg) = row_of(*line, model)?;
        texts(row, leg, *line, &cells, model, &moment)
            .map(|(cell, text)| text.text.width().saturating_sub(usize::from(cell.width)))
            .max()
    };
    lines.iter().filter_map(of_line).max().unwrap_or_default()
}

/// The row of a line, and the leg that it is of.
fn row_of(line: Line, model: &Model) -> Option<(&Row, Option<&LegRow>)> {
    let contexts = &model.facts.contexts;
    match line {
        Line::Row(row) | Line::Member(row) => Some((contexts.row(row)?, None)),
        Line::Leg { row, leg } => {
            let row = contexts.row(row)?;
            Some((row, row.legs().get(leg)))
        }
    }
}

/// The mark, and whether there is something to open or to close.
fn draw_signs(buffer: &mut Buffer, place: Rect, row: &Row, line: Line, model: &Model) {
    let table = &model.table;
    if table.marks.contains(&row.id) {
        put(buffer, place, 1, 0, "*", model.theme.accent);
    }
    if let Line::Row(row_place) = line {
        let sign = if table.list.is_open(row.id) {
            "-"
        } else if table.list.can_open(&model.facts.contexts, row_place) {
            "+"
        } else {
            return;
        };
        put(buffer, place, 2, 0, sign, model.theme.dim);
    }
}

fn is_chosen(line: Line, model: &Model) -> bool {
    let contexts = &model.facts.contexts;
    let Some(cursor) = model.cursor() else { return false };
    let is_it = |row: usize| contexts.row(row).is_some_and(|row| row.id == cursor.context);
    match line {
        Line::Row(row) | Line::Member(row) => cursor.leg.is_none() && is_it(row),
        Line::Leg { row, leg } => cursor.leg == Some(leg) && is_it(row),
    }
}

/// The column whose title stands in a column of the screen.
pub fn heading_at(model: &Model, area: Rect, x: u16) -> Option<Column> {
    let x = x.checked_sub(area.x + 1)?;
    let cells = shown_cells(model, area);
    let cell = cells.iter().find(|cell| (cell.x..cell.x + cell.width).contains(&x))?;
    Some(cell.column)
}

/// How wide a column is in a table; `None` where there is no room for it.
pub fn column_width(model: &Model, area: Rect, column: Column) -> Option<u16> {
    let cells = shown_cells(model, area);
    cells.iter().find(|cell| cell.column == column).map(|cell| cell.width)
}

fn shown_cells(model: &Model, area: Rect) -> Vec<Cell> {
    layout(&model.table.columns, area.width.saturating_sub(2), model.facts.contexts.len())
}

fn nothing_yet(buffer: &mut Buffer, inner: Rect, model: &Model) {
    // Half a sentence would peek out from behind what lies over it, and says nothing there.
    if matches!(model.mode, Mode::Compose | Mode::Help { .. } | Mode::Columns { .. }) {
        return;
    }
    let key = model.bindings.key(Scope::Browse, Action::Compose);
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    // A REGISTER was sent, though not by the user.
    let none = if model.facts.contexts.is_empty() {
        "Nothing sent yet."
    } else {
        "No request yet but what registers."
    };
    let sentence = format!("{none} Press {key} to write a request.");
    let hint = model.hint.as_deref().map(|hint| model.safe(hint));
    centred(buffer, inner, &[Some(sentence.into()), hint], model);
}

fn nothing_shown(buffer: &mut Buffer, rows: Rect, model: &Model) {
    let key = |scope, action| {
        model.bindings.key(scope, action).map(|key| key.to_string()).unwrap_or_default()
    };
    let list = &model.table.list;
    let filter = (!list.filter().is_empty()).then(|| {
        format!("Nothing passes the filter: {} clears it.", key(Scope::Browse, Action::Back))
    });
    let ended = list.hides_ended().then(|| {
        format!("What has ended is hidden: {} shows it.", key(Scope::Table, Action::HideEnded))
    });
    centred(buffer, rows, &[filter.map(Into::into), ended.map(Into::into)], model);
}

fn centred(
    buffer: &mut Buffer,
    area: Rect,
    sentences: &[Option<std::borrow::Cow<'_, str>>],
    model: &Model,
) {
    let width = usize::from(area.width.saturating_sub(4));
    let lines: Vec<String> =
        sentences.iter().flatten().flat_map(|sentence| balanced(sentence, width)).collect();
    let y = (area.height / 2).saturating_sub(lines.len() as u16 / 2);
    for (n, line) in lines.iter().enumerate() {
        let x = area.width.saturating_sub(line.width() as u16) / 2;
        put(buffer, area, x, y + n as u16, line, model.theme.dim);
    }
}

/// A mark on the right border where the window stands, where there is more than it holds.
pub(super) fn scroll_bar(
    buffer: &mut Buffer,
    area: Rect,
    top: usize,
    height: usize,
    count: usize,
    model: &Model,
) {
    let track = usize::from(area.height.saturating_sub(2));
    if count <= height || track < 3 {
        return;
    }
    let length = (track * height / count).clamp(1, track);
    let from = top * (track - length) / (count - height).max(1);
    for y in from..(from + length).min(track) {
        if let Some(cell) = buffer.cell_mut((area.right() - 1, area.y + 1 + y as u16)) {
            cell.set_symbol("┃").set_style(model.theme.accent);
        }
    }
}
