//! Where each column stands, for every width.

use crate::ui::model::{Column, Columns};

/// A column on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ui::view) struct Cell {
    /// Which.
    pub(in crate::ui::view) column: Column,
    /// Where it begins, counted from the table's left edge.
    pub(in crate::ui::view) x: u16,
    /// How wide it is.
    pub(in crate::ui::view) width: u16,
}

/// The columns of the cursor, of the mark, and of the sign that something is folded.
pub(super) const GUTTER: u16 = 3;

/// Below so many columns, method and target give some of theirs for the state.
const TIGHT: u16 = 40;

/// How wide a column wants to be.
#[derive(Clone, Copy, Debug)]
struct Wish {
    column: Column,
    /// It goes before it is narrower.
    least: u16,
    /// Enough for what is there mostly.
    usual: u16,
    /// Enough for nearly everything.
    most: u16,
}

impl Wish {
    fn of(column: Column, contexts: usize, is_tight: bool) -> Wish {
        let (least, usual, most) = match column {
            Column::Number => {
                // At least two digits, so that the columns do not move at once.
                let digits = (contexts.max(10).ilog10() + 1) as u16;
                (digits, digits, digits)
            }
            // SUBSCRIBE is the longest that one meets every day, REGISTER stands in every table.
            Column::Method => (if is_tight { 7 } else { 8 }, 9, 9),
            Column::Target => (if is_tight { 10 } else { 12 }, 24, 80),
            Column::State => (12, 12, 12),
            Column::Last => (13, 20, 36),
            Column::Cause => (8, 19, 20),
            Column::Rtt => (5, 5, 5),
            Column::Age => (4, 4, 4),
            Column::Duration => (5, 5, 5),
            Column::Attempts => (7, 7, 8),
            Column::Timer => (13, 13, 20),
            Column::Flow => (9, 19, 26),
            Column::Account => (6, 10, 24),
            Column::CallId => (8, 20, 50),
            Column::Label => (6, 12, 40),
        };
        Wish { column, least, usual, most }
    }
}

/// The columns that there is room for. Where there is not enough for all, those on the right go;
/// what stays grows until the line is full.
pub(in crate::ui::view) fn layout(columns: &Columns, width: u16, contexts: usize) -> Vec<Cell> {
    let gap = if width < 90 { 1 } else { 2 };
    // A margin on the right, so that nothing touches the border.
    let room = width.saturating_sub(GUTTER + 1);
    // The state is worth more than the end of a method.
    let is_tight = room < TIGHT;
    let wishes: Vec<(Wish, bool)> = columns
        .shown()
        .iter()
        .map(|shown| {
            let wish = Wish::of(shown.column, contexts, is_tight);
            match shown.width {
                Some(width) => (Wish { least: width, usual: width, most: width, ..wish }, true),
                None => (wish, false),
            }
        })
        .collect();
    let kept = kept(&wishes, room, gap);
    let mut widths: Vec<u16> = kept.iter().map(|&n| wishes[n].0.least).collect();
    let gaps = gap * (kept.len().max(1) as u16 - 1);
    let mut rest = room.saturating_sub(widths.iter().sum::<u16>() + gaps);
    let grows = |n: usize, limit: u16, width: u16| !wishes[n].1 && width < limit;
    for limit in [|wish: &Wish| wish.usual, |wish: &Wish| wish.most] {
        while rest > 0 {
            // The one that lacks most of what it wishes, the leftmost where all else is equal.
            let next = kept
                .iter()
                .enumerate()
                .filter(|(at, n)| grows(**n, limit(&wishes[**n].0), widths[*at]))
                .min_by_key(|(at, n)| {
                    u32::from(widths[*at]) * 1_000 / u32::from(limit(&wishes[**n].0).max(1))
                });
            let Some((at, _)) = next else { break };
            widths[at] += 1;
            rest -= 1;
        }
    }
    // What nobody wishes for goes to the target, which is the longest.
    if let Some(at) =
        kept.iter().position(|&n| wishes[n].0.column == Column::Target && !wishes[n].1)
    {
        widths[at] += rest;
    }
    let mut x = GUTTER;
    let mut cells = Vec::with_capacity(kept.len());
    for (&n, width) in kept.iter().zip(widths) {
        // A width that the user wished for may be more than there is.
        let width = width.min((GUTTER + room).saturating_sub(x));
        cells.push(Cell { column: wishes[n].0.column, x, width });
        x += width + gap;
    }
    cells.retain(|cell| cell.width > 0);
    cells
}

/// Which columns stay, as indices.
fn kept(wishes: &[(Wish, bool)], room: u16, gap: u16) -> Vec<usize> {
    let needs = |kept: &[usize]| -> u16 {
        let least = |n: &usize| wishes[*n].0.least + gap;
        kept.iter().map(least).sum::<u16>().saturating_sub(gap)
    };
    let mut kept: Vec<usize> = (0..wishes.len()).collect();
    let mut gone = Vec::new();
    while needs(&kept) > room && kept.len() > 1 {
        let is_target = |n: &usize| wishes[*n].0.column == Column::Target;
        let at = kept.iter().rposition(|n| !is_target(n)).unwrap_or(0);
        gone.push(kept.remove(at));
    }
    // A narrow one may fit where a wide one had to go.
    for n in gone.into_iter().rev() {
        let at = kept.partition_point(|other| *other < n);
        kept.insert(at, n);
        if needs(&kept) > room {
            kept.remove(at);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;

    use super::*;
    use crate::ui::{
        model::{Browse, Shown},
        view::Regions,
    };

    #[test]
    fn every_wide_table_has_every_usual_column() {
        for screen in 80..300 {
            let area = Rect { width: screen, height: 30, ..Rect::default() };
            let table = Regions::of(area, &Browse::default()).and_then(|regions| regions.table);
            let width = table.expect("there is room for it").width - 2;
            for contexts in [0, 7, 1_000] {
                let cells = layout(&Columns::default(), width, contexts);
                assert_eq!(cells.len(), 7, "{screen}: {cells:?}");
            }
        }
    }

    #[test]
    fn the_usual_columns_fill_every_width() {
        for width in 38..300 {
            for contexts in [0, 7, 1_000, 100_000] {
                let cells = layout(&Columns::default(), width, contexts);
                let last = cells.last().expect("one column stays");
                assert_eq!(last.x + last.width + 1, width, "{cells:?}");
                let target = cells.iter().find(|cell| cell.column == Column::Target);
                assert!(target.is_some_and(|target| target.width >= 10), "{width}: {cells:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_choice_of_columns_leaves_the_table(
            chosen in prop::collection::vec((0..15_usize, prop::option::of(0..200_u16)), 0..20),
            width in 0..400_u16,
        ) {
            let shown = chosen.iter().map(|&(n, width)| Shown { column: Column::ALL[n], width });
            let cells = layout(&Columns::new(shown), width, 1_000);
            for pair in cells.windows(2) {
                prop_assert!(pair[0].x + pair[0].width < pair[1].x);
            }
            for cell in &cells {
                prop_assert!(cell.x + cell.width < width.max(GUTTER + 1), "{:?} in {}", cell, width);
            }
        }
    }
}
