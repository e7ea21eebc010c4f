//! The lines above a tab: the tabs by name, and where the context stands.

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::story;
use crate::{
    sip::{HeaderName, Status, header::NameAddr},
    ui::{
        detail::Tab,
        model::{Model, RoundTrip, Row},
        view::{put, table::attempts, theme::shape, time::short},
    },
};

/// The tabs with their numbers, each with its first column: all by name, or where there is no room
/// only the open one.
fn tabs(open: Tab, width: u16) -> Vec<(Tab, u16, String)> {
    let place = |gap: u16, name: fn(Tab) -> &'static str, own: fn(Tab) -> &'static str| {
        let mut x = 1;
        let mut placed = Vec::new();
        for tab in Tab::ALL {
            let number = tab as usize + 1;
            let name = if tab == open { own(tab) } else { name(tab) };
            let text = format!("{number} {name}").trim_end().to_owned();
            let columns = text.len() as u16;
            placed.push((tab, x, text));
            x += columns + gap;
        }
        (placed, x - gap)
    };
    let forms = [
        place(2, Tab::name, Tab::name),
        place(1, Tab::name, Tab::name),
        place(1, short_name, Tab::name),
        place(1, short_name, short_name),
    ];
    // Behind the last one there is room for a bracket.
    let fits = |(_, end): &(_, u16)| *end < width;
    forms.into_iter().find(fits).unwrap_or_else(|| place(2, |_| "", Tab::name)).0
}

const fn short_name(tab: Tab) -> &'static str {
    match tab {
        Tab::Timeline => "Time",
        Tab::Messages => "Msgs",
        tab => tab.name(),
    }
}

pub(super) fn draw_tabs(buffer: &mut Buffer, area: Rect, model: &Model) {
    let theme = &model.theme;
    let open = model.detail.tab;
    for (tab, x, text) in tabs(open, area.width) {
        if tab == open {
            // Brackets stand in the gaps: what is open is told without colour too.
            let chosen = theme.accent.add_modifier(Modifier::BOLD);
            put(buffer, area, x - 1, 0, &format!("[{text}]"), chosen);
            continue;
        }
        let (number, name) = text.split_once(' ').unwrap_or((&text, ""));
        let taken = put(buffer, area, x, 0, number, theme.accent);
        put(buffer, area, x + taken + 1, 0, name, theme.dim);
    }
}

/// The tab at a column of the screen.
pub(super) fn tab_at(model: &Model, area: Rect, column: u16) -> Option<Tab> {
    let x = column.checked_sub(area.x)?;
    tabs(model.detail.tab, area.width)
        .into_iter()
        .find(|(_, from, text)| (*from..from + text.len() as u16).contains(&x))
        .map(|(tab, ..)| tab)
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, row: &Row, model: &Model) {
    let theme = &model.theme;
    let state = row.status.state;
    let mut x = 1;
    let words = format!("{} {}", shape(state), row.standing().as_str());
    x += put(buffer, area, x, 0, &words, theme.state(state).add_modifier(Modifier::BOLD));
    for piece in pieces(row, &row.status) {
        x += put(buffer, area, x, 0, " · ", theme.dim);
        x += put(buffer, area, x, 0, &piece, Style::new());
    }
    let identity = &row.created.local_identity;
    let from = NameAddr::parse(HeaderName::From, identity)
        .map_or(Cow::Borrowed(&**identity), |address| address.uri().short());
    // What the user says of it comes first.
    let data = row.data().map(|data| format!("“{}”", model.safe(data)));
    let details = [
        format!("{} over {}", model.safe(&from), story::flow(row, model)),
        format!("Call-ID {}", model.safe(&row.created.call_id)),
    ];
    for (y, text) in (1..area.height).zip(data.iter().chain(&details)) {
        put(buffer, area, 1, y, text, theme.dim);
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
    // What it leaves open comes first.
    row.standing().sentence().into_iter().map(str::to_owned).chain(pieces).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_has_its_place_at_every_width() {
        for width in 38..120 {
            for open in Tab::ALL {
                let placed = tabs(open, width);
                let end = placed.iter().map(|(_, x, text)| x + text.len() as u16).max();
                assert!(end.is_some_and(|end| end <= width), "{width}: {placed:?}");
                assert_eq!(placed.len(), 6);
                assert!(placed.iter().any(|(tab, _, text)| *tab == open
                    && (text.contains(open.name()) || text.contains(short_name(open)))));
            }
        }
    }
}
