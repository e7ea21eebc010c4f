//! The screen, as a pure function of the model and the moment.
//!
//! ```text
//!  header                      account, flows, totals
//! ╭ table ───────╮╭ detail ───╮
//! │              ││           │   side by side from 120 columns on, one above the other from 80,
//! ╰──────────────╯╰───────────╯   else the one with the focus
//!  status                      notices, or what happened last
//!  footer                      the keys that can act now
//! ```
//!
//! The composer, the help and the log lie over the body. Text from the network goes through
//! `text::safe` on its way here.

mod accounts;
mod again;
mod columns;
mod composer;
pub(in crate::ui) mod detail;
mod finish;
mod footer;
mod header;
mod help;
mod log;
mod palette;
mod prompt;
mod registration;
mod statistics;
mod table;
mod text;
mod theme;
mod time;

use std::time::Instant;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Widget},
};

pub use composer::{
    has_room as composer_has_room, preview_end as composer_preview_end, slot_at as composer_slot_at,
};
pub use finish::Signs;
pub use help::lines as help_lines;
pub use log::log_line;
pub use statistics::lines as statistics_lines;
pub use table::{column_width, excess as table_excess, heading_at};
pub use text::{bytes_as_text, flow_text};
pub use theme::{Colours, Theme, ThemeError, Themes, UnknownTheme};
pub(in crate::ui) use time::short;

use crate::ui::{
    model::{Browse, Mode, Model, Pane},
    view::time::Moment,
};

/// The least screen that is useful.
const LEAST: (u16, u16) = (40, 8);
/// From how many columns on the panes stand side by side.
const WIDE: u16 = 120;
/// The least columns of a table beside the detail: every column, and a target that can be read.
const TABLE: u16 = 72;
/// From how many columns on both panes are shown, one above the other.
const MEDIUM: u16 = 80;
/// The fewest lines for that.
const HIGH: u16 = 17;

/// What a drawing has to say beside the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// When the picture changes by itself; `None` where it does not.
    pub changes_at: Option<Instant>,
    /// When it is to be drawn anew for that: a little later, together with what changes meanwhile.
    pub due_at: Option<Instant>,
    /// Where the cursor stands; `None` hides it.
    pub cursor: Option<Position>,
}

/// Where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regions {
    /// One line.
    pub header: Rect,
    /// Between header and status.
    pub body: Rect,
    /// The table, where there is room for it.
    pub table: Option<Rect>,
    /// The detail, where there is room for it.
    pub detail: Option<Rect>,
    /// One line, where there is room for it.
    pub status: Option<Rect>,
    /// One line.
    pub footer: Rect,
}

impl Regions {
    /// The regions of a screen; `None` where it is too small to be useful.
    pub fn of(area: Rect, browse: &Browse) -> Option<Regions> {
        if area.width < LEAST.0 || area.height < LEAST.1 {
            return None;
        }
        let status_height = u16::from(area.height >= 12);
        let line = |y| Rect { y, height: 1, ..area };
        let footer = line(area.bottom() - 1);
        let status = (status_height > 0).then(|| line(area.bottom() - 2));
        let body = Rect { y: area.y + 1, height: area.height - 2 - status_height, ..area };
        let (table, detail) = if browse.alone || !Regions::has_both(area) {
            match browse.pane {
                Pane::Table => (Some(body), None),
                Pane::Detail => (None, Some(body)),
            }
        } else if area.width >= WIDE {
            let width = (body.width * 55 / 100).max(TABLE);
            let table = Rect { width, ..body };
            let detail = Rect { x: body.x + width, width: body.width - width, ..body };
            (Some(table), Some(detail))
        } else {
            let height = body.height * 43 / 100;
            let table = Rect { height, ..body };
            let detail = Rect { y: body.y + height, height: body.height - height, ..body };
            (Some(table), Some(detail))
        };
        Some(Regions { header: line(area.y), body, table, detail, status, footer })
    }

    /// Whether a screen has room for both panes.
    pub fn has_both(area: Rect) -> bool {
        area.width >= WIDE || (area.width >= MEDIUM && area.height >= HIGH)
    }
}

/// What lies between header and status; `None` where the screen is too small.
fn body(model: &Model) -> Option<Rect> {
    let screen = Rect::from((Position::ORIGIN, model.size));
    Regions::of(screen, &model.browse).map(|regions| regions.body)
}

/// What was made to settle a model, and need not be made again to draw it.
#[derive(Debug, Default)]
pub struct Settled(pub(in crate::ui) Option<detail::Window>);

/// Draws the screen.
pub fn draw(frame: &mut Frame<'_>, model: &Model, now: Instant) -> Drawn {
    draw_settled(frame, model, now, Settled::default())
}

/// Draws the screen of a model that was settled for this moment and has not changed since.
pub fn draw_settled(frame: &mut Frame<'_>, model: &Model, now: Instant, settled: Settled) -> Drawn {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    let moment = Moment::new(now);
    let Some(regions) = Regions::of(area, &model.browse) else {
        too_small(buffer, area);
        finish::finish(buffer, &model.theme, model.signs);
        return Drawn::default();
    };
    header::draw(buffer, regions.header, model, &moment);
    let panes = |buffer: &mut Buffer| panes(buffer, &regions, model, &moment, settled);
    let mut cursor = None;
    match model.mode {
        Mode::Accounts { chosen } => {
            accounts::draw(buffer, regions.body, model, chosen, &moment);
        }
        Mode::Log { top } => log::draw(buffer, regions.body, model, top),
        Mode::Statistics { top } => {
            statistics::draw(buffer, regions.body, model, top, &moment);
        }
        Mode::Help { top } => {
            panes(buffer);
            help::draw(buffer, regions.body, model, top);
        }
        Mode::Compose => {
            panes(buffer);
            cursor = composer::draw(buffer, regions.body, model);
        }
        Mode::Again { edits, at } => {
            panes(buffer);
            again::draw(buffer, regions.body, model, edits, at);
        }
        Mode::Columns { at } => {
            panes(buffer);
            columns::draw(buffer, regions.body, regions.table, model, at);
        }
        Mode::Copy => {
            panes(buffer);
            detail::copy::draw(buffer, regions.body, model);
        }
        Mode::Prompt if model.prompt.is_over_form() => {
            panes(buffer);
            composer::draw(buffer, regions.body, model);
        }
        Mode::Browse | Mode::Find | Mode::Prompt | Mode::Quitting { .. } | Mode::Left => {
            cursor = panes(buffer);
        }
    }
    footer::draw(buffer, &regions, model, &moment);
    if model.mode == Mode::Prompt {
        cursor = prompt::draw(buffer, &regions, model);
    }
    finish::veil(buffer, &model.book.passwords);
    finish::finish(buffer, &model.theme, model.signs);
    Drawn { changes_at: moment.changes_at(), due_at: moment.due_at(), cursor }
}

/// Draws the panes; gives where the cursor stands in them.
fn panes(
    buffer: &mut Buffer,
    regions: &Regions,
    model: &Model,
    moment: &Moment,
    settled: Settled,
) -> Option<Position> {
    if let Some(area) = regions.table {
        table::draw(buffer, area, model, moment);
    }
    regions.detail.and_then(|area| detail::draw(buffer, area, model, moment, settled.0))
}

fn too_small(buffer: &mut Buffer, area: Rect) {
    let (width, height) = LEAST;
    let sentence =
        format!("sipboard needs {width}x{height}, this is {}x{}", area.width, area.height);
    put(buffer, area, 0, 0, &sentence, Style::new());
}

/// A frame with a title, in the accent colour where it has the focus.
fn block<'a>(title: impl Into<Line<'a>>, focus: bool, theme: &Theme) -> Block<'a> {
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(if focus { theme.accent } else { theme.border })
        .title(title)
}

/// A frame over what lies below; gives the area inside.
fn overlay(
    buffer: &mut Buffer,
    area: Rect,
    title: Line<'_>,
    hint: Line<'_>,
    theme: &Theme,
) -> Rect {
    Clear.render(area, buffer);
    let block = block(title, true, theme).title_bottom(hint);
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// A title with a space on each side.
fn title(text: &str, style: Style) -> Line<'static> {
    Line::from(Span::styled(format!(" {text} "), style))
}

/// Puts a text at an offset inside an area, cut at the area's end. Gives the columns it took.
fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    if x >= area.width || y >= area.height {
        return 0;
    }
    put_in(buffer, area, x, y, area.width - x, text, style)
}

/// Puts a text into a column of its own, cut at the column's end. Gives the columns it took.
fn put_in(
    buffer: &mut Buffer,
    area: Rect,
    x: u16,
    y: u16,
    width: u16,
    text: &str,
    style: Style,
) -> u16 {
    if x >= area.width || y >= area.height {
        return 0;
    }
    let width = usize::from(width.min(area.width - x));
    let from = area.x + x;
    let (end, _) = buffer.set_stringn(from, area.y + y, text::cut(text, width), width, style);
    end - from
}
