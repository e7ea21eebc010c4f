//! The header line: who we are, where we are connected, how much is going on.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};
use unicode_width::UnicodeWidthStr;

use crate::{
    engine::{FlowEvent, FlowState},
    ui::{
        model::Model,
        view::{
            put,
            text::{address, safe},
            time::{self, Moment},
        },
    },
};

const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// From how many columns on the program's name is shown.
const NAMED: u16 = 70;

type Piece = (String, Style);

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, moment: &Moment) {
    let theme = &model.theme;
    let mut x = 1;
    if area.width >= NAMED {
        x += put(buffer, area, x, 0, "sipboard", theme.accent.add_modifier(Modifier::BOLD)) + 2;
    }
    let account = model.account().map(|account| safe(account.uri.as_uri().short()).into_owned());
    let account = account.unwrap_or_default();
    let before_flows = usize::from(x) + account.width() + 2;
    let totals = totals(model);
    let (shown, long) = fit(
        model,
        moment,
        &totals,
        usize::from(area.width) - before_flows.min(usize::from(area.width)),
    );
    let right = &totals[..shown];
    let right_at = area.width.saturating_sub(width(right) as u16 + 1);

    let left = Rect { width: right_at.saturating_sub(1), ..area };
    x += put(buffer, left, x, 0, &account, Style::new()) + 2;
    flows(buffer, left, x, long, model, moment);
    let mut x = right_at;
    for (text, style) in right {
        x += put(buffer, area, x, 0, text, *style);
    }
}

/// How many pieces of the right side fit, and whether the flows' addresses do. What matters less
/// gives way first: the bars, the addresses, the times.
fn fit(model: &Model, moment: &Moment, totals: &[Piece], room: usize) -> (usize, bool) {
    let flows = |long| {
        let flows = model.facts.flows.values();
        flows.map(|flow| piece(&flow.event, long, moment).width() + 2).sum::<usize>()
    };
    let bars = totals.iter().position(|(_, style)| *style == model.theme.accent);
    let without_bars = bars.unwrap_or(totals.len());
    let choices =
        [(totals.len(), true), (without_bars, true), (totals.len(), false), (without_bars, false)];
    choices
        .into_iter()
        .find(|&(shown, long)| flows(long) + width(&totals[..shown]) + 2 <= room)
        .unwrap_or((without_bars.saturating_sub(1).clamp(1, 2).min(totals.len()), false))
}

/// The pieces of the right side, the more important first.
fn totals(model: &Model) -> Vec<Piece> {
    let contexts = &model.facts.contexts;
    let theme = &model.theme;
    let plain = Style::new();
    let dot = " · ";
    let mut pieces = Vec::new();
    let strays = model.facts.log.strays();
    if strays > 0 {
        let word = if strays == 1 { "stray" } else { "strays" };
        pieces.push((format!("{strays} {word}{dot}"), theme.bad));
    }
    let legs = contexts.legs_up();
    let word = if legs == 1 { "leg" } else { "legs" };
    let totals = format!("{} in flight{dot}{legs} {word} up", contexts.in_flight());
    // One piece, so that both go or stay.
    pieces.push((totals, plain));
    let rtt = contexts.rtt();
    if let (Some(p50), Some(p99)) = (rtt.quantile(0.5), rtt.quantile(0.99)) {
        let (p50, p99) = (time::short(p50), time::short(p99));
        pieces.push((format!("{dot}RTT p50 {p50:>5} p99 {p99:>5}"), plain));
        let bars: String = rtt.bars().map(|part| BARS[(part * 7.0).round() as usize]).collect();
        pieces.push((format!(" {bars:>8}"), theme.accent));
    }
    pieces
}

fn width(pieces: &[Piece]) -> usize {
    pieces.iter().map(|(text, _)| text.width()).sum()
}

/// As many flows as there is room for.
fn flows(buffer: &mut Buffer, area: Rect, from: u16, long: bool, model: &Model, moment: &Moment) {
    let theme = &model.theme;
    let flows = || model.facts.flows.values().map(|flow| &flow.event);
    let count = flows().len();
    let mut x = from;
    for (n, flow) in flows().enumerate() {
        let text = piece(flow, long, moment);
        let rest = count - n;
        let more = if rest > 1 { 5 } else { 0 };
        if usize::from(x) + text.width() + more > usize::from(area.width) {
            put(buffer, area, x, 0, &format!("+{rest}"), theme.dim);
            return;
        }
        let style = match flow.state {
            FlowState::Connecting => theme.pending,
            FlowState::Up { .. } => theme.good,
            FlowState::Down { .. } => theme.bad,
        };
        let name = flow.server.transport.name();
        put(buffer, area, x, 0, &text, Style::new());
        put(buffer, area, x + name.len() as u16 + 1, 0, shape(&flow.state), style);
        x += text.width() as u16 + 2;
    }
}

fn piece(flow: &FlowEvent, long: bool, moment: &Moment) -> String {
    let name = flow.server.transport.name();
    let shape = shape(&flow.state);
    if !long {
        return format!("{name} {shape}");
    }
    match &flow.state {
        FlowState::Up { peer, .. } => format!("{name} {shape} {peer}"),
        FlowState::Down { retry_at: Some(at), .. } if *at > moment.now() => {
            format!(
                "{name} {shape} {} again in {}",
                address(&flow.server),
                moment.until(*at).trim_end()
            )
        }
        _ => format!("{name} {shape} {}", address(&flow.server)),
    }
}

fn shape(state: &FlowState) -> &'static str {
    match state {
        FlowState::Connecting => "◌",
        FlowState::Up { .. } => "●",
        FlowState::Down { .. } => "✖",
    }
}
