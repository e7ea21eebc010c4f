//! The statistics: how fast answers come, and what went to and fro.

use std::time::{Duration, Instant};

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};
use unicode_width::UnicodeWidthStr;

use crate::ui::{
    bindings::{Action, Scope},
    model::{Counts, Model},
    view::{
        flow_text, overlay, put,
        table::scroll_bar,
        text::wrap,
        time::{self, Moment},
        title,
    },
};

/// From shortest to longest, what the bar of a share is made of.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The columns of the longest bar.
const WIDEST: u64 = 30;
/// Below how many milliseconds each line of the histogram counts; one more counts the rest.
const STEPS: [u64; 13] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

type Piece = (String, Style);

/// How many lines there are.
pub fn lines(model: &Model, now: Instant) -> usize {
    let width = super::body(model).map_or(0, |body| usize::from(body.width.saturating_sub(2)));
    items(model, &Moment::new(now), width).len()
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, top: usize, moment: &Moment) {
    let theme = &model.theme;
    let close = model.bindings.key(Scope::Overlay, Action::Back);
    let close = close.map(|key| format!(" {key} closes ")).unwrap_or_default();
    let hint = Line::styled(close, theme.dim).alignment(Alignment::Right);
    let heading = title("Statistics", theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, hint, theme);
    if model.facts.statistics.is_empty() {
        let key = model.bindings.key(Scope::Browse, Action::Compose);
        let with = key.map(|key| format!(" with {key}")).unwrap_or_default();
        let sentence = format!(
            "Nothing was sent yet. Send a request{with}: messages are counted here by method, answer and connection, and how long answers take."
        );
        let width = usize::from(inner.width.saturating_sub(4));
        for (y, line) in wrap(&sentence, width).iter().enumerate() {
            put(buffer, inner, 2, y as u16, line, theme.dim);
        }
        return;
    }
    let items = items(model, moment, usize::from(inner.width));
    let height = usize::from(inner.height);
    let top = top.min(items.len().saturating_sub(height));
    for (y, pieces) in items[top..].iter().take(height).enumerate() {
        let mut x = 1;
        for (text, style) in pieces {
            x += put(buffer, inner, x, y as u16, text, *style);
        }
    }
    scroll_bar(buffer, area, top, height, items.len(), model);
}

/// The lines, of at most that width but for the bars.
fn items(model: &Model, moment: &Moment, width: usize) -> Vec<Vec<Piece>> {
    // On a screen that is too small for anything its keys are taken all the same.
    let width = width.max(4);
    let theme = &model.theme;
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let plain = Style::new();
    let statistics = &model.facts.statistics;
    let mut items = Vec::new();
    let heading = |items: &mut Vec<Vec<Piece>>, text: &str| {
        if !items.is_empty() {
            items.push(Vec::new());
        }
        items.extend(wrap(text, width - 1).into_iter().map(|line| vec![(line, bold)]));
    };
    let sentence = |text: &str| {
        let lines = wrap(text, width - 3).into_iter();
        lines.map(|line| vec![(format!("  {line}"), plain)]).collect::<Vec<_>>()
    };

    if let Some(at) = statistics.changes_at(moment.now()) {
        moment.changes(at);
    }
    let minute = statistics.last(moment.now());
    // Where a minute has no room, what was last is shown.
    let last = &minute[minute.len() - minute.len().min(width - 3)..];
    let since = match last.len() == minute.len() {
        true => "in the last minute".to_owned(),
        false => format!("in the last {} s", last.len()),
    };
    heading(&mut items, &format!("Messages a second, {since}"));
    let most = last.iter().map(|counts| counts.sent + counts.received).max().unwrap_or_default();
    let bars = last.iter().map(|counts| bar(counts.sent + counts.received, most)).collect();
    items.push(vec![("  ".to_owned(), plain), (bars, theme.accent)]);
    let ten = &minute[minute.len() - 10..];
    let mean = |of: fn(&Counts) -> u64| ten.iter().map(of).sum::<u64>() as f64 / 10.0;
    let (sent, received) = (mean(|counts| counts.sent), mean(|counts| counts.received));
    items.extend(sentence(&format!(
        "{sent:.1} sent and {received:.1} received in the last ten seconds; most in one second: {most}"
    )));

    heading(&mut items, "Round trips of requests that were sent once");
    let (quantiles, steps) = rtt(model);
    items.extend(sentence(&quantiles));
    items.extend(steps.into_iter().map(|text| vec![(text, plain)]));

    heading(&mut items, "Responses");
    let most = statistics.codes().map(|(_, counts)| counts.sent + counts.received).max();
    for (code, counts) in statistics.codes() {
        let style = match code {
            100..200 => theme.pending,
            200..300 => theme.good,
            _ => theme.bad,
        };
        let sum = counts.sent + counts.received;
        items.push(vec![
            (format!("  {code} "), style),
            (numbers(counts), plain),
            (share(sum, most.unwrap_or_default()), style),
        ]);
    }

    heading(&mut items, "By method");
    for (method, counts) in statistics.methods() {
        items
            .push(vec![(format!("  {:<10}", model.safe(method)), plain), (numbers(counts), plain)]);
    }

    heading(&mut items, "By connection");
    for (flow, counts) in statistics.flows() {
        let known = |flow| model.facts.flows.get(&flow).map(|it| flow_text(&it.event.server));
        let from = |flow| {
            model
                .facts
                .peer_flows
                .find(flow)
                .map(|(opened, _)| format!("{} from {}", opened.transport, opened.peer))
        };
        let name = match flow {
            Some(flow) => known(flow).or_else(|| from(flow)).unwrap_or_else(|| format!("#{flow}")),
            None => "earlier ones".to_owned(),
        };
        let (name, numbers) = (format!("  {name:<28}"), numbers(counts));
        if name.width() + numbers.trim_end().width() < width {
            items.push(vec![(name, plain), (numbers, plain)]);
        } else {
            items.push(vec![(name.trim_end().to_owned(), plain)]);
            items.push(vec![(format!("      {numbers}"), plain)]);
        }
    }
    items
}

/// The quantiles, and a line for each step that has any between the shortest and the longest.
fn rtt(model: &Model) -> (String, Vec<String>) {
    let rtt = model.facts.contexts.rtt();
    let quantile = |part| rtt.quantile(part).map(time::short);
    let (Some(p50), Some(p90), Some(p99), Some(max)) =
        (quantile(0.5), quantile(0.9), quantile(0.99), quantile(1.0))
    else {
        return ("none yet: no answer has come".to_owned(), Vec::new());
    };
    let quantiles = format!("p50 {p50} · p90 {p90} · p99 {p99} · max {max}");
    let mut lines = Vec::new();
    let steps: Vec<Duration> = STEPS.into_iter().map(Duration::from_millis).collect();
    let counts = rtt.counts(&steps);
    let most = counts.iter().copied().max().unwrap_or_default();
    let first = counts.iter().position(|count| *count > 0).unwrap_or_default();
    let last = counts.iter().rposition(|count| *count > 0).unwrap_or_default();
    for (at, count) in counts.iter().enumerate().take(last + 1).skip(first) {
        let below = match steps.get(at) {
            Some(step) => format!("under {}", whole(*step)),
            None => "longer".to_owned(),
        };
        lines.push(format!("  {below:<12} {count:>7} {}", share(*count, most)));
    }
    (quantiles, lines)
}

/// `500 ms`, `2 s`
fn whole(step: Duration) -> String {
    match step.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis => format!("{} s", millis / 1_000),
    }
}

fn numbers(counts: Counts) -> String {
    format!("{:>7} sent {:>7} received ", counts.sent, counts.received)
}

/// A bar for a share of the most; whatever is not nothing can be seen.
fn share(count: u64, most: u64) -> String {
    let length = (count * WIDEST).checked_div(most).unwrap_or_default();
    "█".repeat(length.max(u64::from(count > 0)) as usize)
}

fn bar(count: u64, most: u64) -> char {
    let eighths = (count * 8).checked_div(most).unwrap_or_default();
    BARS[eighths.max(u64::from(count > 0)).min(8) as usize]
}
