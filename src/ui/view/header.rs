//! The header line: who we are, where we are connected, how much is going on.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};
use unicode_width::UnicodeWidthStr;

use crate::{
    engine::{FlowEvent, FlowState},
    transport::ServerUri,
    ui::{
        model::Model,
        view::{
            put, registration,
            text::{address, cut},
            time::{self, Moment},
        },
    },
};

const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// What stands there as long as an account lets nobody look at its peers, or a flow is up whose peer
/// nobody has looked at.
const INSECURE: &str = "INSECURE  ";

/// The program's name.
const NAME: &str = "sipboard";
/// From how many columns on the program's name is shown.
const NAMED: u16 = 70;

/// From how many columns on it is told when a registration that failed is tried again.
const ROOMY: u16 = 120;

/// How many of the account's servers are shown though nothing leads there yet.
const IDLE: usize = 2;

type Piece = (String, Style);

/// A server, and the flow to it where there is one.
#[derive(Clone, Copy, Debug)]
struct Link<'a> {
    server: &'a ServerUri,
    state: Option<&'a FlowState>,
}

/// How much is said of each flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// The address, and when it is tried again.
    Retry,
    /// The address.
    Address,
    /// The first label of a name, and the port.
    Port,
    /// The transport and the shape only.
    Shape,
}

/// What the line holds.
#[derive(Clone, Copy, Debug)]
struct Layout {
    /// Whether the program's name stands first.
    named: bool,
    detail: Detail,
    /// How many pieces of the right side.
    totals: usize,
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, moment: &Moment) {
    let theme = &model.theme;
    let account =
        model.account().map(|account| model.safe(&account.uri.as_uri().short()).into_owned());
    let account = account.unwrap_or_default();
    let totals = totals(model);
    let warning = warning(area.width, model);
    let warned = warning.width() as u16 + 1;
    let registered_as = |most| registration(area.width, model, moment, most);
    let registration = registered_as(registration::REASON);
    let registered = registration.as_ref().map_or(0, |(text, _)| text.width() as u16 + 2);
    let said = account.width() + warning.width() + usize::from(registered) + 3;
    let room = usize::from(area.width).saturating_sub(said);
    let named = area.width >= NAMED;
    let layout = fit(model, moment, &totals, room, named, !warning.is_empty());
    // What is switched on, and changes what happens, goes before everything else.
    let fits = |count: &usize| width(&totals[..*count]) < usize::from(area.width - warned);
    let count = if area.width > warned { (0..=layout.totals).rev().find(fits) } else { None };
    let right = &totals[..count.unwrap_or(0)];
    let right_at = area.width.saturating_sub(width(right) as u16 + 1);

    let mut x = 1;
    if layout.named {
        x += put(buffer, area, x, 0, NAME, theme.accent.add_modifier(Modifier::BOLD)) + 2;
    }
    x += put(buffer, area, x, 0, &warning, theme.bad.add_modifier(Modifier::BOLD));
    let left = Rect { width: right_at.saturating_sub(1), ..area };
    let account = cut(&account, usize::from(left.width.saturating_sub(x)));
    x += put(buffer, left, x, 0, &account, Style::new()) + 2;
    let links = Rect { width: left.width.saturating_sub(registered), ..left };
    x = draw_links(buffer, links, x, layout.detail, model, moment);
    // A reason has what room is left.
    let spare = registration.map_or(0, |(text, _)| {
        usize::from(left.width.saturating_sub(x)).saturating_sub(text.width())
    });
    if let Some((text, style)) = registered_as(registration::REASON + spare) {
        put(buffer, left, x, 0, &text, style);
    }
    let mut x = right_at;
    for (text, style) in right {
        x += put(buffer, area, x, 0, text, *style);
    }
}

/// What is switched on that nobody should forget.
fn warning(width: u16, model: &Model) -> String {
    let is_asked_for = model.accounts.iter().any(|account| account.flow.tls.insecure);
    let insecure = if is_asked_for || model.facts.is_insecure() { INSECURE } else { "" };
    format!("{insecure}{}", impairment(width, model))
}

/// What stands there as long as messages are impaired: by which rules, as far as there is room.
fn impairment(width: u16, model: &Model) -> String {
    let rules = model.facts.impairments.rules();
    if rules.is_empty() {
        return String::new();
    }
    if width < NAMED {
        return "IMPAIR  ".to_owned();
    }
    let room = usize::from(width / 5);
    let rules = model.safe(&rules).into_owned();
    match rules.char_indices().nth(room) {
        Some((end, _)) => format!("IMPAIR {}…  ", rules[..end].trim_end()),
        None => format!("IMPAIR {rules}  "),
    }
}

/// How the account is registered: in a few words, or by the shape where the screen is narrow.
fn registration(width: u16, model: &Model, moment: &Moment, most: usize) -> Option<Piece> {
    let (mut text, style) = registration::piece(model, model.account()?, moment, most)?;
    // Where there is little room, where the flows lead matters more.
    if width < ROOMY
        && let Some(end) = text.find(registration::AGAIN)
    {
        text.truncate(end);
    }
    if width < NAMED
        && let Some((end, _)) = text.match_indices(' ').nth(1)
    {
        text.truncate(end);
    }
    Some((text, style))
}

/// The account's servers in their order, the first few whether they are connected or not, then
/// every other flow.
fn links<'a>(model: &'a Model) -> Vec<Link<'a>> {
    let account = model.account();
    let servers = account.map_or(&[][..], |account| &account.servers);
    let goes_on = |flow: &&FlowEvent| flow.state != FlowState::Ended;
    let flows = || model.facts.flows.values().map(|flow| &flow.event).filter(goes_on);
    let is_accounts = |flow: &FlowEvent| account.is_some_and(|a| a.flow == flow.settings);
    // A name may stand for several flows: one that is up is the one to show.
    let is_up = |flow: &&FlowEvent| matches!(flow.state, FlowState::Up { .. });
    let of = |server: &ServerUri| {
        let of_server = || flows().filter(|flow| *flow.asked == *server && is_accounts(flow));
        of_server().find(is_up).or_else(|| of_server().next())
    };
    let link = |flow: &'a FlowEvent| Link { server: &flow.server, state: Some(&flow.state) };
    let others = flows().filter(|flow| !(servers.contains(&flow.asked) && is_accounts(flow)));
    servers
        .iter()
        .map(|server| of(server).map_or(Link { server, state: None }, link))
        .enumerate()
        .filter(|(place, link)| *place < IDLE || link.state.is_some())
        .map(|(_, link)| link)
        .chain(others.map(link))
        .collect()
}

/// What fits. What matters less gives way first: the bars, the times, the retry, the program's
/// name, and then the addresses, which are shortened before they go.
fn fit(
    model: &Model,
    moment: &Moment,
    totals: &[Piece],
    room: usize,
    named: bool,
    warned: bool,
) -> Layout {
    let links = links(model);
    let bars = totals.iter().position(|(text, _)| BARS.iter().any(|bar| text.ends_with(bar)));
    let without_bars = bars.unwrap_or(totals.len());
    // The strays, the connections of peers and the counts; the times come after them.
    let counts = 1
        + usize::from(model.facts.log.strays() > 0)
        + usize::from(model.facts.peer_flows.open() > 0);
    let layout = |named: bool, detail, totals| Layout { named, detail, totals };
    let choices = [
        layout(named, Detail::Retry, totals.len()),
        layout(named, Detail::Retry, without_bars),
        layout(named, Detail::Retry, counts),
        layout(named, Detail::Address, counts),
        layout(false, Detail::Address, counts),
        layout(named, Detail::Port, counts),
        layout(false, Detail::Port, counts),
        layout(named, Detail::Shape, without_bars),
    ];
    let needs = |layout: &Layout| {
        let name = if layout.named { NAME.width() + 2 } else { 0 };
        let words = links.iter().map(|link| piece(link, layout.detail, moment).width() + 2);
        name + words.sum::<usize>() + width(&totals[..layout.totals]) + 1
    };
    let fits = choices.into_iter().find(|choice| needs(choice) <= room);
    // Where nothing fits, what is switched on matters more than our own name.
    let named = named && !warned;
    fits.unwrap_or(layout(named, Detail::Shape, counts))
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
    let opened = model.facts.peer_flows.open();
    if opened > 0 {
        pieces.push((format!("{opened} from peers{dot}"), theme.dim));
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

/// As many flows as there is room for; gives where they end.
fn draw_links(
    buffer: &mut Buffer,
    area: Rect,
    from: u16,
    detail: Detail,
    model: &Model,
    moment: &Moment,
) -> u16 {
    let theme = &model.theme;
    let links = links(model);
    let mut x = from;
    for (n, link) in links.iter().enumerate() {
        let text = piece(link, detail, moment);
        let rest = links.len() - n;
        let more = if rest > 1 { 5 } else { 0 };
        if usize::from(x) + text.width() + more > usize::from(area.width) {
            return x + put(buffer, area, x, 0, &format!("+{rest}"), theme.dim) + 2;
        }
        let (plain, style) = match link.state {
            None | Some(FlowState::Ended) => (theme.dim, theme.dim),
            Some(FlowState::Connecting) => (Style::new(), theme.pending),
            Some(FlowState::Up { .. }) => (Style::new(), theme.good),
            Some(FlowState::Down { .. }) => (Style::new(), theme.bad),
        };
        let name = link.server.transport.name();
        put(buffer, area, x, 0, &text, plain);
        put(buffer, area, x + name.len() as u16 + 1, 0, shape(link.state), style);
        x += text.width() as u16 + 2;
    }
    x
}

fn piece(link: &Link<'_>, detail: Detail, moment: &Moment) -> String {
    let name = link.server.transport.name();
    let shape = shape(link.state);
    let long = match link.state {
        Some(FlowState::Up { peer, .. }) => peer.to_string(),
        _ => address(link.server),
    };
    match (detail, link.state) {
        (Detail::Retry, Some(FlowState::Down { retry_at: Some(at), .. })) if *at > moment.now() => {
            format!("{name} {shape} {long} again in {}", moment.until(*at).trim_end())
        }
        (Detail::Retry | Detail::Address, _) => format!("{name} {shape} {long}"),
        (Detail::Port, _) => {
            let server = link.server;
            let is_address = server.host.parse::<std::net::IpAddr>().is_ok();
            let label = server.host.split('.').next().filter(|_| !is_address);
            let label = crate::sip::escape::escape(label.unwrap_or_default());
            match server.has_port() {
                true => format!("{name} {shape} {label}:{}", server.port),
                false => format!("{name} {shape} {label}"),
            }
        }
        (Detail::Shape, _) => format!("{name} {shape}"),
    }
}

const fn shape(state: Option<&FlowState>) -> &'static str {
    match state {
        None | Some(FlowState::Ended) => "○",
        Some(FlowState::Connecting) => "◌",
        Some(FlowState::Up { .. }) => "●",
        Some(FlowState::Down { .. }) => "✖",
    }
}
