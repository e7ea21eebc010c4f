//! The two lines at the bottom: what there is to say, and the keys that can act now.

use std::{borrow::Cow, time::Duration};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    widgets::{Clear, Widget},
};
use unicode_width::UnicodeWidthStr;

use crate::ui::{
    bindings::{Action, Binding, Key},
    composer::{Purpose, Shape, Slot},
    model::{Mode, Model, Severity},
    update,
    view::{Regions, composer, detail::story, put, text::balanced, time::Moment},
};

/// How long the engine takes at most to end gracefully.
const GRACE: Duration = Duration::from_secs(2);

/// The most lines that a sentence takes.
const MOST: u16 = 5;

/// What gives way first where the keys do not fit.
const SPARE: [Action; 26] = [
    Action::Accounts,
    Action::Label,
    Action::SortNext,
    Action::Jump,
    Action::InDialog,
    Action::Mark,
    Action::Log,
    Action::Copy,
    Action::NextPane,
    Action::EditAgain,
    Action::Palette,
    Action::ClearField,
    Action::Editor,
    Action::Advanced,
    Action::Raw,
    Action::NextCandidate,
    Action::Preview,
    Action::Resend,
    Action::Filter,
    Action::Search,
    Action::NextTemplate,
    Action::NextField,
    Action::ToggleHeader,
    Action::NextChoice,
    Action::HangUp,
    Action::Help,
];

pub(super) fn draw(buffer: &mut Buffer, regions: &Regions, model: &Model, moment: &Moment) {
    let said = said(model, moment);
    match (regions.status, &said) {
        (Some(status), Some((text, style))) => sentence(buffer, regions, status, text, *style),
        (Some(status), None) => {
            put(buffer, status, 1, 0, &activity(model), model.theme.dim);
        }
        // Without a line of its own, what there is to say takes the place of the keys.
        (None, Some((text, style))) => {
            sentence(buffer, regions, regions.footer, text, *style);
            return;
        }
        (None, None) => {}
    }
    keys(buffer, regions.footer, model);
}

/// A sentence in a line; in further ones over the body where it is longer, as its end says the way
/// out.
fn sentence(buffer: &mut Buffer, regions: &Regions, line: Rect, text: &str, style: Style) {
    if text.width() + 2 <= usize::from(line.width) {
        put(buffer, line, 1, 0, text, style);
        return;
    }
    let lines = balanced(text, usize::from(line.width.saturating_sub(2)));
    let most = MOST.min(1 + regions.body.height / 2);
    let height = u16::try_from(lines.len()).unwrap_or(most).min(most).max(1);
    let area = Rect { y: (line.y + 1).saturating_sub(height), height, ..line };
    Clear.render(area, buffer);
    for (y, line) in (0..height).zip(&lines) {
        let is_cut = y + 1 == height && lines.len() > usize::from(height);
        let line = if is_cut { format!("{line} …") } else { line.clone() };
        put(buffer, area, 1, y, &line, style);
    }
}

fn said<'a>(model: &'a Model, moment: &Moment) -> Option<(Cow<'a, str>, Style)> {
    let theme = &model.theme;
    if let Mode::Quitting { since } = model.mode {
        let contexts = &model.facts.contexts;
        let left = moment.until(since + GRACE);
        let (flying, legs) = (contexts.in_flight(), contexts.legs_up());
        let word = if legs == 1 { "leg" } else { "legs" };
        let text = format!("closing: {flying} in flight, {legs} {word} up, at most {left}");
        return Some((Cow::Owned(text), theme.pending));
    }
    let notice = model.notice(moment.now())?;
    if let Some(until) = notice.until {
        moment.changes(until);
    }
    let text = model.safe(&notice.text);
    Some(match notice.severity {
        Severity::Info => (text, Style::new()),
        Severity::Error => (Cow::Owned(format!("✖ {text}")), theme.bad),
    })
}

/// What happened last: `#6 → INVITE again, attempt 4 of 7`.
fn activity(model: &Model) -> String {
    let Some(row) = model.facts.contexts.latest() else { return String::new() };
    let Some(place) = row.timeline.len().checked_sub(1) else { return String::new() };
    let Some(entry) = row.timeline.entry(place) else { return String::new() };
    let told = story::tell(entry, place, row, model);
    let mut text = format!("#{} {} {}", row.id, told.shape, told.what);
    if !told.meant.is_empty() {
        text.push_str(" · ");
        text.push_str(&told.meant);
    }
    text
}

fn keys(buffer: &mut Buffer, area: Rect, model: &Model) {
    // What always holds stands first, so that it keeps its place whatever has the focus.
    let scopes = update::scopes(model).iter().rev();
    let all: Vec<Shown> = scopes
        .flat_map(|scope| model.bindings.scope(*scope))
        .filter(|binding| {
            !binding.label.is_empty()
                && is_of_use(model, binding.action)
                && update::lack_of(model, binding.action).is_none()
        })
        .filter_map(|binding| {
            let key = free_key(model, binding)?.to_string();
            Some(Shown { key, label: label(model, binding), action: binding.action })
        })
        .collect();
    let mut x = 1;
    for Shown { key, label, .. } in fitting(&all, usize::from(area.width)) {
        x += put(buffer, area, x, 0, key, model.theme.accent);
        x += 1 + put(buffer, area, x + 1, 0, label, Style::new());
        x += 2;
    }
}

/// A key of the footer.
struct Shown {
    key: String,
    label: &'static str,
    action: Action,
}

/// What a key does; of one that goes to and fro, where it goes now.
fn label(model: &Model, binding: &Binding) -> &'static str {
    let composer = model.drafts.open();
    match binding.action {
        Action::Raw if composer.shape() == Shape::Raw => "form",
        Action::Preview if composer.previews => "form",
        _ => binding.label,
    }
}

/// The keys that fit into a width. What can be spared goes first, then what stands last; of what went,
/// the last comes back where there is room after all.
fn fitting(all: &[Shown], width: usize) -> Vec<&Shown> {
    let fits = |gone: &[Action]| {
        let kept = all.iter().filter(|shown| !gone.contains(&shown.action));
        kept.map(|shown| shown.key.width() + shown.label.width() + 3).sum::<usize>() <= width
    };
    let mut gone = Vec::new();
    let last = all.iter().rev().map(|shown| shown.action).filter(|action| *action != Action::Back);
    for action in SPARE.into_iter().chain(last) {
        if fits(&gone) {
            break;
        }
        gone.push(action);
    }
    for at in (0..gone.len()).rev() {
        let action = gone.remove(at);
        if !fits(&gone) {
            gone.insert(at, action);
        }
    }
    all.iter().filter(|shown| !gone.contains(&shown.action)).collect()
}

/// The first key of a binding that the field with the cursor does not want for itself.
fn free_key(model: &Model, binding: &Binding) -> Option<Key> {
    let is_wanted =
        |key: &Key| model.mode == Mode::Compose && model.drafts.open().wants((*key).into());
    binding.keys.iter().find(|key| !is_wanted(key)).copied()
}

/// Whether there is something for a key to do on a screen of this size. Where there is room for
/// the form and what will be sent, both are there.
fn is_of_use(model: &Model, action: Action) -> bool {
    let composer = model.drafts.open();
    match action {
        Action::ToggleHeader => composer.focus() == Slot::Headers,
        Action::NextTemplate => matches!(composer.focus(), Slot::Body | Slot::ContentType),
        Action::NextCandidate => composer.candidates().0.len() > 1,
        Action::Preview => model.size.width < composer::BOTH,
        Action::Help => !matches!(model.mode, Mode::Help { .. }),
        // What is on the screen already is not more, and a raw message has no fields.
        Action::Advanced if composer.shape() != Shape::Form => false,
        Action::Advanced | Action::Raw => {
            matches!(composer.purpose(), Purpose::New | Purpose::Like(_) | Purpose::Retry(_))
        }
        _ => true,
    }
}
