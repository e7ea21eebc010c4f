//! The ladder: the sequence diagram of a context.

use super::{
    Room,
    page::{Line, Page},
};
use crate::ui::{
    detail::ladder::{Ladder, LadderLine, Mood, Part, What},
    model::Model,
    view::time::delta,
};

/// The columns of the times, with the space behind them.
const TIMES: usize = 9;

pub(super) fn page(room: &Room<'_>) -> Page {
    let theme = &room.model.theme;
    let ladder = Ladder::of(room.row, &room.model.facts);
    let layout = ladder.layout(Some(room.width.saturating_sub(TIMES)), room.model.detail.zoom);
    let heads = ladder.heads(&layout);
    let head = heads.iter().map(|line| set(Line::new().padded(TIMES), line, room.model)).collect();
    let mut page = Page { head, ..Page::default() };
    for (line, step) in ladder.lines(&layout).zip(&ladder.steps) {
        let when = delta(step.at.saturating_duration_since(room.row.at));
        let opens = matches!(step.what, What::Arrow { .. }).then_some(step.place);
        let start = Line::of(format!("{when:>width$} ", width = TIMES - 1), theme.dim);
        page.push(set(start, &line, room.model).opening(opens));
    }
    page
}

fn set(start: Line, line: &LadderLine, model: &Model) -> Line {
    let theme = &model.theme;
    let mood = |mood| match mood {
        Mood::Out => theme.accent,
        Mood::Pending => theme.pending,
        Mood::Good => theme.good,
        Mood::Bad => theme.bad,
        Mood::Plain => theme.dim,
    };
    line.pieces.iter().fold(start, |set, (text, part)| {
        let style = match part {
            Part::Lifelines => theme.border,
            Part::Arrow(which) => mood(*which),
            Part::Label(Mood::Plain) | Part::Role => theme.dim,
            Part::Label(_) => theme.plain,
            Part::Name => theme.accent,
        };
        set.with(model.book.passwords.cover(text), style)
    })
}
