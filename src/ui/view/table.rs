//! The table of contexts, the newest on top. Only the rows inside the window are built.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
    widgets::Widget,
};

use crate::{
    sip::{Response, State, Status},
    ui::{
        bindings::{Action, Scope},
        model::{Last, Mode, Model, Pane, Row},
        view::{
            block, put, put_in,
            text::{safe, wrap},
            theme::shape,
            time::Moment,
            title,
        },
    },
};

/// The columns, as many as there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Columns {
    number: u16,
    method: u16,
    target: u16,
    state: u16,
    last: u16,
    /// 0 where the attempts stand in `last`.
    attempts: u16,
    age: u16,
    /// Between two columns.
    gap: u16,
}

impl Columns {
    fn of(width: u16, contexts: usize) -> Columns {
        // At least two digits, so that the columns do not move at once.
        let mut columns = Columns {
            number: (contexts.max(10).ilog10() + 1) as u16,
            method: 9,
            target: 0,
            state: 12,
            last: 18,
            attempts: 8,
            age: 4,
            gap: if width < 90 { 1 } else { 2 },
        };
        if columns.fixed() + 17 > width {
            columns.method = 7;
            columns.last = 14;
        }
        // The target shrinks before a column goes.
        if columns.fixed() + 6 > width {
            columns.attempts = 0;
        }
        if columns.attempts == 0 && columns.fixed() + 10 > width {
            columns.age = 0;
        }
        if columns.fixed() + 8 > width {
            columns.last = 11;
        }
        if columns.fixed() + 8 > width {
            columns.last = 0;
        }
        // A whole «487 Request Terminated» first, then a part of what is left.
        let rest = width.saturating_sub(columns.fixed() + 17);
        if columns.last > 0 {
            columns.last += rest.min(23u16.saturating_sub(columns.last)) + (rest / 3).min(12);
        }
        columns.target = width.saturating_sub(columns.fixed());
        columns
    }

    /// Everything but the target, with the gaps and a margin on the right.
    fn fixed(&self) -> u16 {
        let others = [self.last, self.attempts, self.age];
        let gaps = 3 + others.iter().filter(|width| **width > 0).count() as u16;
        let columns = self.number + self.method + self.state + others.iter().sum::<u16>();
        MARK + columns + gaps * self.gap + 1
    }
}

/// The columns of the mark on the chosen row.
const MARK: u16 = 2;

/// Which line of the table is on top, so that the chosen row is inside the window.
pub fn top(model: &Model, area: Rect) -> usize {
    let height = usize::from(area.height.saturating_sub(3)).max(1);
    let count = model.facts.contexts.len();
    let mut top = model.browse.top.min(count.saturating_sub(height));
    if let Some(selected) = model.browse.selected {
        let line = count.saturating_sub(selected + 1);
        top = top.min(line).max((line + 1).saturating_sub(height));
    }
    top
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, moment: &Moment) {
    let theme = &model.theme;
    let focus = model.has_focus(Pane::Table);
    let count = model.facts.contexts.len();
    let style = if focus { theme.accent.add_modifier(Modifier::BOLD) } else { theme.plain };
    let mut frame = block(title("Contexts", style), focus, theme);
    if let Some(selected) = model.browse.selected {
        let place = format!(" {} of {count} ", count - selected);
        frame = frame.title(Line::styled(place, theme.dim).alignment(Alignment::Right));
    }
    let inner = frame.inner(area);
    frame.render(area, buffer);
    if count == 0 {
        return empty(buffer, inner, model);
    }
    let columns = Columns::of(inner.width, count);
    headings(buffer, inner, &columns, theme.dim);
    let top = top(model, area);
    let rows = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    for y in 0..rows.height {
        let Some(index) = count.checked_sub(top + usize::from(y) + 1) else { break };
        let Some(row) = model.facts.contexts.row(index) else { break };
        let line = Rect { y: rows.y + y, height: 1, ..rows };
        let chosen = model.browse.selected == Some(index);
        draw_row(buffer, line, &columns, row, model, moment);
        if chosen {
            put(buffer, line, 0, 0, "▸", theme.accent);
            buffer.set_style(line, if focus { theme.selected } else { theme.chosen });
        }
    }
    scroll_bar(buffer, area, top, usize::from(rows.height), count, model);
}

fn headings(buffer: &mut Buffer, inner: Rect, columns: &Columns, style: Style) {
    let mut x = MARK;
    let mut column = |width: u16, text: &str, right: bool| {
        if width > 0 {
            let shift = if right { width.saturating_sub(text.len() as u16) } else { 0 };
            put_in(buffer, inner, x + shift, 0, width - shift, text, style);
            x += width + columns.gap;
        }
    };
    column(columns.number, "#", true);
    column(columns.method, "Method", false);
    column(columns.target, "Target", false);
    column(columns.state, "State", false);
    column(columns.last, "Last", false);
    column(columns.attempts, "Attempts", false);
    column(columns.age, "Age", true);
}

fn draw_row(
    buffer: &mut Buffer,
    line: Rect,
    columns: &Columns,
    row: &Row,
    model: &Model,
    moment: &Moment,
) {
    let theme = &model.theme;
    let plain = Style::new();
    let mut x = MARK;
    let mut column = |width: u16, text: &str, style: Style, right: bool| {
        if width > 0 {
            let shift =
                if right { usize::from(width).saturating_sub(text.chars().count()) } else { 0 };
            let shift = shift as u16;
            put_in(buffer, line, x + shift, 0, width - shift, text, style);
            x += width + columns.gap;
        }
    };
    let state = row.status.state;
    let colour = theme.state(state);
    column(columns.number, &row.id.to_string(), theme.dim, true);
    column(columns.method, &safe(row.method.as_str()), plain, false);
    column(columns.target, &safe(row.target().as_uri().short()), plain, false);
    column(columns.state, &format!("{} {}", shape(state), state.as_str()), colour, false);
    column(columns.last, &last(row, columns.attempts == 0, moment), plain, false);
    column(columns.attempts, &attempts(&row.status), theme.dim, false);
    column(columns.age, &moment.since(row.at), theme.dim, true);
}

/// The last response, or the countdown of the timer that fires next: that also while a cancel is
/// under way, which is what one waits for then.
fn last(row: &Row, with_attempts: bool, moment: &Moment) -> String {
    if let (State::Cancelling, Some(timer)) = (row.status.state, row.status.timers[0]) {
        return format!("{} in {}", timer.timer, moment.until(timer.at));
    }
    match &row.last {
        Last::Response(response) => response_line(response),
        Last::Crossed(response) => format!("{} crossed CANCEL", response.status),
        Last::Failed(cause) => cause.as_str().to_owned(),
        Last::Nothing => match row.status.timers[0] {
            Some(timer) if with_attempts && row.status.attempts > 1 => {
                format!("{} in {} {}×", timer.timer, moment.until(timer.at), row.status.attempts)
            }
            Some(timer) => format!("{} in {}", timer.timer, moment.until(timer.at)),
            None => String::new(),
        },
    }
}

/// `180 Ringing`, with the phrase as it came.
pub(super) fn response_line(response: &Response) -> String {
    let reason = response.reason();
    format!("{} {}", response.status, safe(&reason)).trim_end().to_owned()
}

/// `3 of 7`; just `1` where there is no second.
pub(super) fn attempts(status: &Status) -> String {
    if status.attempts_max > 1 {
        format!("{} of {}", status.attempts, status.attempts_max)
    } else {
        status.attempts.to_string()
    }
}

fn empty(buffer: &mut Buffer, inner: Rect, model: &Model) {
    // Half a sentence would peek out from behind what lies over it, and says nothing there.
    if matches!(model.mode, Mode::Compose | Mode::Help { .. }) {
        return;
    }
    let key = model.bindings.key(Scope::Browse, Action::Compose);
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    let sentence = format!("Nothing sent yet. Press {key} to write a request.");
    let width = usize::from(inner.width.saturating_sub(4));
    let mut lines = wrap(&sentence, width);
    lines.extend(model.hint.iter().flat_map(|hint| wrap(&safe(hint), width)));
    let y = (inner.height / 2).saturating_sub(lines.len() as u16 / 2);
    for (n, line) in lines.iter().enumerate() {
        let x = inner.width.saturating_sub(line.chars().count() as u16) / 2;
        put(buffer, inner, x, y + n as u16, line, model.theme.dim);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::view::Regions;

    #[test]
    fn every_wide_table_has_every_column() {
        for screen in 80..300 {
            let area = Rect { width: screen, height: 30, ..Rect::default() };
            let table = Regions::of(area, Pane::Table).and_then(|regions| regions.table);
            let width = table.expect("there is room for it").width - 2;
            for contexts in [0, 7, 1_000, 100_000] {
                let columns = Columns::of(width, contexts);
                assert!(columns.attempts > 0 && columns.age > 0, "{screen}: {columns:?}");
                assert!(columns.last >= 14, "{screen}: {columns:?}");
            }
        }
    }

    #[test]
    fn the_columns_fill_every_width() {
        for width in 38..300 {
            for contexts in [0, 7, 1_000, 100_000] {
                let columns = Columns::of(width, contexts);
                assert_eq!(columns.fixed() + columns.target, width, "{columns:?}");
                assert!(columns.target >= 6, "{width}: {columns:?}");
            }
        }
    }
}
