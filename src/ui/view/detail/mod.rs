//! The detail of the chosen context: its tabs, and the window on the open one.
//!
//! ```text
//! ╭ #7 INVITE sip:ring@demo.test ──────────────╮
//! │ 1 Timeline  2 Ladder  3 Messages  4 Legs … │
//! │ ◐ proceeding · sent 1 of 7 · RTT 2.1ms     │
//! ├────────────────────────────────────────────┤
//! │ the messages, in the tab of that name      │
//! ├────────────────────────────────────────────┤
//! │ the page: a head that stays, and lines     │
//! ╰──────────────────── /tag · 2 of 5 ─ 12/80 ─╯
//! ```
//!
//! Each tab makes a [`page::Page`]; the window on it, the chosen line, the search and the copy are
//! here and the same for all.

mod auth;
mod body;
pub(super) mod copy;
mod flow;
mod ladder;
mod legs;
mod list;
mod messages;
mod page;
pub(super) mod story;
mod summary;
mod timeline;

use std::time::Instant;

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Position, Rect},
    style::Modifier,
    text::{Line as Title, Span},
    widgets::Widget,
};

pub(in crate::ui) use page::Page;

use crate::ui::{
    detail::{Carried, Tab},
    model::{Mode, Model, Pane, Row},
    view::{Regions, block, put, table::scroll_bar, text::cut, time::Moment, title},
};

/// What a tab is made from.
struct Room<'a> {
    model: &'a Model,
    row: &'a Row,
    /// The columns that there are.
    width: usize,
    /// The lines that are seen at once.
    height: usize,
}

/// The open tab with the window on it.
#[derive(Debug)]
pub(in crate::ui) struct Window {
    /// The page.
    pub(in crate::ui) page: Page,
    /// How many of its lines are seen at once.
    pub(in crate::ui) height: usize,
    /// How many columns are seen at once.
    pub(in crate::ui) width: usize,
    /// When what it tells changes.
    moment: Moment,
}

/// Where everything inside the frame stands.
#[derive(Clone, Copy, Debug)]
struct Areas {
    tabs: Rect,
    summary: Rect,
    /// The list of messages; empty in other tabs.
    list: Rect,
    page: Rect,
}

impl Areas {
    fn of(inner: Rect, tab: Tab, messages: usize, has_data: bool) -> Areas {
        let mut y = inner.y;
        let mut left = inner.height;
        // Each part takes its lines and, behind it, one for a rule.
        let mut take = |lines: u16, rule: u16| {
            let area = Rect { y, height: lines.min(left), ..inner };
            let taken = (lines + rule).min(left);
            y += taken;
            left -= taken;
            area
        };
        let tabs = take(1, 0);
        let summary = match (inner.height, tab) {
            (0..5, _) => take(0, 0),
            (5..7, _) => take(0, 1),
            (16.., Tab::Timeline) => take(3 + u16::from(has_data), 1),
            (10.., _) => take(1 + u16::from(has_data), 1),
            _ => take(1, 1),
        };
        let rest = inner.bottom().saturating_sub(summary.bottom());
        let list = match (tab, rest) {
            (Tab::Messages, 9..) => take((messages as u16).clamp(1, rest / 3), 1),
            (Tab::Messages, 4..) => take(1, 0),
            _ => take(0, 0),
        };
        let page = take(u16::MAX - 1, 0);
        Areas { tabs, summary, list, page }
    }
}

/// The open tab, as it stands on the screen; `None` where there is nothing or no room.
pub(in crate::ui) fn window(model: &Model, now: Instant) -> Option<Window> {
    let row = model.selected()?;
    let areas = areas(model, row)?;
    let moment = Moment::new(now);
    let page = page(model, row, areas.page, &moment);
    let height = usize::from(areas.page.height).saturating_sub(page.head.len());
    Some(Window { page, height, width: usize::from(areas.page.width), moment })
}

/// The message that is chosen in the messages.
pub(in crate::ui) fn chosen_message(model: &Model) -> Option<Carried<'_>> {
    list::chosen(model, model.selected()?).map(|(_, message)| message)
}

/// What a click in the detail means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui) enum Target {
    /// A tab.
    Tab(Tab),
    /// A message of the list, by its place in the timeline.
    Message(usize),
    /// A line of the window, counted from its top.
    Line(usize),
}

/// What stands at a position of the screen.
pub(in crate::ui) fn at(model: &Model, at: Position, now: Instant) -> Option<Target> {
    let row = model.selected()?;
    let areas = areas(model, row)?;
    if areas.tabs.contains(at) {
        return summary::tab_at(model, areas.tabs, at.x).map(Target::Tab);
    }
    if areas.list.contains(at) {
        let line = usize::from(at.y - areas.list.y);
        return list::message_at(model, row, areas.list.height, line).map(Target::Message);
    }
    let head = window(model, now)?.page.head.len();
    let line = usize::from(at.y.checked_sub(areas.page.y)?).checked_sub(head)?;
    areas.page.contains(at).then_some(Target::Line(line))
}

fn areas(model: &Model, row: &Row) -> Option<Areas> {
    let screen = Rect::from((Position::ORIGIN, model.size));
    let area = Regions::of(screen, &model.browse)?.detail?;
    let inner = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    };
    Some(Areas::of(inner, model.detail.tab, list::count(model, row), row.data().is_some()))
}

fn page(model: &Model, row: &Row, area: Rect, moment: &Moment) -> Page {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let room = Room { model, row, width, height };
    match model.detail.tab {
        Tab::Timeline => timeline::page(&room, moment),
        Tab::Ladder => ladder::page(&room),
        Tab::Messages => messages::page(&room),
        Tab::Legs => legs::page(&room),
        Tab::Auth => auth::page(&room),
        Tab::Flow => flow::page(&room, moment),
    }
}

/// Draws the detail; gives where the cursor stands while a search is typed. Where the window was made
/// already, it is taken.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    model: &Model,
    moment: &Moment,
    settled: Option<Window>,
) -> Option<Position> {
    let theme = &model.theme;
    let focus = model.has_focus(Pane::Detail);
    let style = if focus { theme.accent.add_modifier(Modifier::BOLD) } else { theme.plain };
    let Some(row) = model.selected() else {
        let frame = block(title(model.detail.tab.name(), style), focus, theme);
        let inner = frame.inner(area);
        frame.render(area, buffer);
        put(buffer, inner, 1, 0, "Nothing is chosen.", theme.dim);
        return None;
    };
    let heading = format!("#{} {} {}", row.id, row.method, row.target().as_uri().as_str());
    let heading = model.safe(&heading);
    let heading = cut(&heading, usize::from(area.width.saturating_sub(6)));
    let frame = block(title(&heading, style), focus, theme);
    let inner = frame.inner(area);
    let areas = Areas::of(inner, model.detail.tab, list::count(model, row), row.data().is_some());
    let page = match settled {
        Some(window) if window.width == usize::from(areas.page.width) => {
            moment.joins(&window.moment);
            window.page
        }
        _ => page(model, row, areas.page, moment),
    };
    let spot = model.detail.spot();
    let tab = model.detail.tab;
    let height = usize::from(areas.page.height).saturating_sub(page.head.len());
    let top = spot.top(tab, page.lines.len(), height);
    let (bottom, cursor) = bottom(model, &page, top, height, area);
    bottom.into_iter().fold(frame, |frame, title| frame.title_bottom(title)).render(area, buffer);
    summary::draw_tabs(buffer, areas.tabs, model);
    summary::draw(buffer, areas.summary, row, model);
    list::draw(buffer, areas.list, row, model);
    let mut from = areas.tabs.bottom();
    for part in [areas.summary, areas.list] {
        // A rule stands where a part leaves a line before the next.
        let next = if part == areas.summary { areas.list.y } else { areas.page.y };
        if part.bottom() < next && part.bottom() >= from {
            rule(buffer, area, part.bottom(), focus, model);
        }
        from = next;
    }
    draw_page(buffer, areas.page, model, &page, top, height);
    let track = Rect {
        x: area.x,
        width: area.width,
        y: areas.page.y + page.head.len() as u16 - 1,
        height: height as u16 + 2,
    };
    scroll_bar(buffer, track, top, height, page.lines.len(), model);
    cursor
}

fn rule(buffer: &mut Buffer, area: Rect, y: u16, focus: bool, model: &Model) {
    let rule = format!("├{}┤", "─".repeat(usize::from(area.width.saturating_sub(2))));
    let style = if focus { model.theme.accent } else { model.theme.border };
    put(buffer, Rect { y, height: 1, ..area }, 0, 0, &rule, style);
}

fn draw_page(
    buffer: &mut Buffer,
    area: Rect,
    model: &Model,
    page: &Page,
    top: usize,
    height: usize,
) {
    let theme = &model.theme;
    let left = left(model, page, usize::from(area.width));
    let line_at = |y: usize| Rect { y: area.y + y as u16, height: 1, ..area };
    for (y, line) in page.head.iter().take(usize::from(area.height)).enumerate() {
        page::draw_line(buffer, line_at(y), line, left, None);
    }
    let found = theme.accent.add_modifier(Modifier::REVERSED);
    let wanted = model.detail.wanted().map(|wanted| (wanted, found));
    let chosen = model.detail.spot().line(model.detail.tab, page.lines.len());
    let shows_chosen = model.has_focus(Pane::Detail) || model.mode == Mode::Find;
    for (y, line) in page.lines.iter().skip(top).take(height).enumerate() {
        let area = line_at(y + page.head.len());
        if shows_chosen && top + y == chosen {
            buffer.set_style(area, theme.selected);
            page::draw_line(buffer, area, line, left, wanted);
            if line.pieces.is_empty() || wanted.is_none() {
                buffer.set_style(area, theme.selected);
            }
        } else {
            page::draw_line(buffer, area, line, left, wanted);
        }
    }
}

/// How many columns are scrolled out on the left, no more than there is.
pub(in crate::ui) fn left(model: &Model, page: &Page, width: usize) -> usize {
    model.detail.spot().left.min(page.width().saturating_sub(width))
}

/// What stands in the lower border: the search, and which part of the page is seen.
fn bottom(
    model: &Model,
    page: &Page,
    top: usize,
    height: usize,
    area: Rect,
) -> (Vec<Title<'static>>, Option<Position>) {
    let theme = &model.theme;
    let mut titles = Vec::new();
    let mut cursor = None;
    if let Some(find) = &model.detail.find {
        let typing = model.mode == Mode::Find;
        let text = model.safe(find.value()).into_owned();
        let count = model.detail.wanted().map(|wanted| {
            let lines = page.matches(wanted);
            let chosen = model.detail.spot().line(model.detail.tab, page.lines.len());
            match lines.iter().position(|line| *line == chosen) {
                _ if lines.is_empty() => " · nothing found".to_owned(),
                Some(place) => format!(" · {} of {}", place + 1, lines.len()),
                None if lines.len() == 1 => " · 1 line".to_owned(),
                None => format!(" · {} lines", lines.len()),
            }
        });
        if typing {
            let column = area.x + 3 + find.visual_cursor() as u16;
            cursor = Some(Position { x: column.min(area.right() - 1), y: area.bottom() - 1 });
        }
        let style = if typing { theme.accent } else { theme.dim };
        titles.push(Title::from(vec![
            Span::styled(format!(" /{text}"), style),
            Span::styled(format!("{} ", count.unwrap_or_default()), theme.dim),
        ]));
    }
    let below = page.lines.len().saturating_sub(top + height);
    let mut seen = match (top, below) {
        (0, 0) => Vec::new(),
        (_, 0) => vec![format!("{top} above")],
        (0, _) => vec![format!("{below} more below")],
        (above, below) => vec![format!("{above} above"), format!("{below} below")],
    };
    let width = usize::from(area.width.saturating_sub(2));
    let left = left(model, page, width);
    match (left, page.width().saturating_sub(left + width)) {
        (0, 0) => {}
        (left, 0) => seen.push(format!("← {left}")),
        (0, right) => seen.push(format!("{right} →")),
        (left, right) => seen.push(format!("← {left}, {right} →")),
    }
    if seen.is_empty() {
        return (titles, cursor);
    }
    let seen = format!(" {} ", seen.join(" · "));
    titles.push(Title::styled(seen, theme.dim).alignment(Alignment::Right));
    (titles, cursor)
}
