//! Where the form, its fields and the preview stand.

use ratatui::layout::{Position, Rect};

use super::{below, message, preview};
use crate::ui::{
    composer::{Composer, Shape, Slot},
    model::Model,
};

/// The columns of the labels.
pub(super) const LABEL: u16 = 16;
/// From how many columns on the form and the preview stand side by side.
pub(in crate::ui::view) const BOTH: u16 = 110;
/// The columns of the form, where there is room.
const WIDTH: u16 = 84;
/// The most lines that a message takes.
pub(super) const MESSAGE: u16 = 3;
/// The lines of the completions below it.
const CANDIDATES: u16 = 2;

/// A field's place: the field, and the message below it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) slot: Slot,
    pub(super) field: Rect,
    pub(super) message: Rect,
}

/// Whether there is room for the advanced fields too, without what is said below each.
pub fn has_room(model: &Model) -> bool {
    let Some(body) = super::super::body(model) else { return false };
    let form = if body.width >= BOTH { regions(model, body).0.unwrap_or(body) } else { body };
    let composer = model.drafts.open();
    let fields = |shape| Slot::all(composer.purpose(), shape).map(height).sum::<u16>();
    // The usual fields keep their air.
    let air = Slot::all(composer.purpose(), Shape::Form).count() as u16;
    fields(Shape::Unfolded) + air <= inside(form).height
}

/// The furthest that the preview can be scrolled.
pub fn preview_end(model: &Model) -> usize {
    let Some(body) = super::super::body(model) else { return 0 };
    regions(model, body).1.map_or(0, |area| preview::end(model, inside(area)))
}

/// The field under the mouse.
pub fn slot_at(model: &Model, body: Rect, at: Position) -> Option<Slot> {
    let (form, _) = regions(model, body);
    let form = form?;
    let area = if body.width >= BOTH { form } else { outside(model.drafts.open(), form) };
    let places = places(model, inside(area));
    places.into_iter().find(|place| place.field.contains(at)).map(|place| place.slot)
}

/// Where the form and the preview stand: side by side where there is room, else one of them.
pub(super) fn regions(model: &Model, body: Rect) -> (Option<Rect>, Option<Rect>) {
    if body.width >= BOTH {
        let width = (body.width / 2).min(WIDTH);
        let form = Rect { width, ..body };
        let preview = Rect { x: body.x + width, width: body.width - width, ..body };
        return (Some(form), Some(preview));
    }
    match model.drafts.open().previews {
        true => (None, Some(body)),
        false => (Some(body), None),
    }
}

/// The form's frame: as high as it wants to be, in the middle of the body.
pub(super) fn outside(composer: &Composer, body: Rect) -> Rect {
    let width = body.width.min(WIDTH);
    let wanted: u16 = composer.slots().map(|slot| height(slot) + 1).sum::<u16>() + 2;
    let height = body.height.min(wanted);
    Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    }
}

pub(super) fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// How many lines a field wants.
const fn height(slot: Slot) -> u16 {
    match slot {
        Slot::Headers => 4,
        Slot::Routes => 2,
        Slot::Body => 6,
        Slot::Raw => 24,
        _ => 1,
    }
}

/// The places of the fields. Where there is little room, long fields shrink first, then the lines
/// for messages go except those that are needed, then the fields far from the cursor.
pub(super) fn places(model: &Model, inner: Rect) -> Vec<Place> {
    let composer = model.drafts.open();
    let width = inner.width.saturating_sub(LABEL + 1);
    let message = |slot| (message(model, slot, width).len() as u16).min(MESSAGE);
    let below = |slot| (below(model, slot, width).len() as u16).clamp(1, MESSAGE + CANDIDATES);
    let mut lines: Vec<(Slot, u16, u16)> =
        composer.slots().map(|slot| (slot, height(slot), below(slot))).collect();
    let total = |lines: &[(Slot, u16, u16)]| lines.iter().map(|(_, f, m)| f + m).sum::<u16>();
    // What is left over goes to what is longest.
    let spare = inner.height.saturating_sub(total(&lines));
    if let Some((_, field, _)) =
        lines.iter_mut().find(|(slot, ..)| matches!(slot, Slot::Raw | Slot::Body))
    {
        *field += spare;
    }
    for slot in [Slot::Raw, Slot::Body, Slot::Headers, Slot::Routes] {
        let over = total(&lines).saturating_sub(inner.height);
        if let Some((_, field, _)) = lines.iter_mut().find(|line| line.0 == slot) {
            *field -= over.min(*field - 1);
        }
    }
    // From the bottom up, so that the first fields keep their air. What is begun keeps what it could
    // become.
    let completes = |slot| u16::from(composer.focus() == slot && composer.takes_candidate());
    for n in (0..lines.len()).rev() {
        if total(&lines) > inner.height {
            lines[n].2 = message(lines[n].0).max(completes(lines[n].0));
        }
    }
    let focus = lines.iter().position(|line| line.0 == composer.focus()).unwrap_or(0);
    let first = (0..focus).find(|first| total(&lines[*first..=focus]) <= inner.height);
    places_from(inner, &lines[first.unwrap_or(focus)..])
}

fn places_from(inner: Rect, lines: &[(Slot, u16, u16)]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut y = inner.y;
    for &(slot, field, message) in lines {
        let line = |y: u16, height: u16| {
            let width = inner.width.saturating_sub(LABEL + 1);
            let height = height.min(inner.bottom().saturating_sub(y));
            Rect { x: inner.x + LABEL, y, width, height }
        };
        if y >= inner.bottom() {
            break;
        }
        places.push(Place { slot, field: line(y, field), message: line(y + field, message) });
        y += field + message;
    }
    places
}
