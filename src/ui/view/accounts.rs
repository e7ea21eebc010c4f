//! The accounts over the body: each with its servers and its registration, the bindings of the
//! chosen one below.

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Rect},
    style::{Modifier, Style},
    text::Line,
};

use super::registration;
use crate::{
    engine::{Account, FlowEvent, FlowState},
    sip::Grant,
    ui::{
        bindings::{Action, Scope},
        model::Model,
        view::{overlay, put, table::scroll_bar, text::wrap, time::Moment, title},
    },
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, chosen: usize, moment: &Moment) {
    let theme = &model.theme;
    let close = model.bindings.key(Scope::Accounts, Action::Back);
    let close = close.map(|key| format!(" {key} closes ")).unwrap_or_default();
    let hint = Line::styled(close, theme.dim);
    let heading = title("Accounts", theme.accent.add_modifier(Modifier::BOLD));
    let inner = overlay(buffer, area, heading, hint.alignment(Alignment::Right), theme);
    let count = model.accounts.len();
    // The list takes what it needs, and leaves a third to what is said of the chosen one.
    let rows = (count as u16).min((inner.height * 2 / 3).max(1));
    let first = (chosen + 1).saturating_sub(usize::from(rows));
    for (y, account) in model.accounts.iter().skip(first).take(usize::from(rows)).enumerate() {
        let line = Rect { y: inner.y + y as u16, height: 1, ..inner };
        draw_account(buffer, line, model, first + y, account, moment);
        if first + y == chosen {
            put(buffer, line, 0, 0, "▸", theme.accent);
            buffer.set_style(line, theme.selected);
        }
    }
    scroll_bar(buffer, Rect { height: rows + 2, ..area }, first, usize::from(rows), count, model);
    let below =
        Rect { y: inner.y + rows + 1, height: inner.height.saturating_sub(rows + 1), ..inner };
    if let Some(account) = model.accounts.get(chosen) {
        let width = usize::from(below.width.saturating_sub(3));
        // A sentence that is cut off loses what to do about it.
        let lines = details(model, account, moment).into_iter().flat_map(|(text, style)| {
            let lines = if text.starts_with(' ') { vec![text] } else { wrap(&text, width) };
            lines.into_iter().map(move |line| (line, style))
        });
        for (y, (text, style)) in lines.enumerate().take(below.height.into()) {
            put(buffer, below, 2, y as u16, &text, style);
        }
    }
}

fn draw_account(
    buffer: &mut Buffer,
    line: Rect,
    model: &Model,
    index: usize,
    account: &Account,
    moment: &Moment,
) {
    let used = if model.account == index { "✔" } else { " " };
    let mut x = 2 + put(buffer, line, 2, 0, used, model.theme.good) + 1;
    let names = model.accounts.iter().map(|account| account.name.chars().count()).max();
    let width = names.unwrap_or(0).min(20);
    let name: String = account.name.chars().take(width).collect();
    put(buffer, line, x, 0, &model.safe(&format!("{name:<width$}")), Style::new());
    x += width as u16 + 2;
    x += put(buffer, line, x, 0, &model.safe(&account.identity().to_string()), Style::new()) + 2;
    // A reason has what room is left.
    let room = usize::from(line.width.saturating_sub(x)).saturating_sub(registration::BESIDE);
    let said = registration::piece(model, account, moment, room.max(registration::REASON));
    let (text, style) = said.unwrap_or_else(|| (registration::NONE.to_owned(), model.theme.dim));
    put(buffer, line, x, 0, &text, style);
}

/// What there is to say of an account: its servers, then what its registrar said.
fn details(model: &Model, account: &Account, moment: &Moment) -> Vec<(String, Style)> {
    let theme = &model.theme;
    let servers: Vec<String> = account.servers.iter().map(ToString::to_string).collect();
    let servers = match servers.is_empty() {
        true => "where the target says".to_owned(),
        false => servers.join(", "),
    };
    let mut lines = vec![(format!("sends to {}", model.safe(&servers)), Style::new())];
    if let Some(command) = account.password_command.as_ref()
        && registration::asks(model, account)
    {
        let program = command.arguments.first().map_or("", String::as_str);
        let text = format!(
            "asking password_command ({}): what needs the password waits until it has ended",
            model.safe(program)
        );
        lines.push((text, theme.pending));
    }
    let events = model.facts.registrations.of(&account.name);
    if events.is_empty() {
        lines.push(("not registered".to_owned(), theme.dim));
    }
    // What a registration says of its own flow stands with it.
    let is_told = |flow: &FlowEvent| events.iter().any(|event| event.flow == Some(flow.flow));
    let flows = model.facts.flows.values().map(|flow| &flow.event);
    for flow in flows.filter(|flow| flow.settings == account.flow && !is_told(flow)) {
        let is_ours = account.servers.contains(&flow.asked);
        if let (FlowState::Down { reason, retry_at, .. }, true) = (&flow.state, is_ours) {
            let again = retry_at.map(|at| format!("; tried again in {}", moment.seconds_until(at)));
            lines.push((
                model.safe(&format!("{reason}{}", again.unwrap_or_default())).into_owned(),
                theme.bad,
            ));
        }
    }
    for event in &events {
        if events.len() > 1 {
            lines.push((format!("flow {}", event.reg_id), theme.accent));
        }
        lines.push((
            model.safe(&registration::sentence(model, event, moment)).into_owned(),
            Style::new(),
        ));
        if let Some(grant) = &event.grant {
            lines
                .extend(granted(model, grant, moment).into_iter().map(|text| (text, Style::new())));
        }
    }
    lines
}

/// What a registrar said, a line each: the bindings with ours marked, then the rest.
fn granted(model: &Model, grant: &Grant, moment: &Moment) -> Vec<String> {
    let binding = |binding: &crate::sip::Binding| {
        let mark = if binding.ours { "●" } else { "○" };
        let left = binding.until.map(|at| match at <= moment.now() {
            true => "  expired".to_owned(),
            false => format!("  {}", moment.seconds_until(at)),
        });
        let ours = if binding.ours { "  ours" } else { "" };
        format!("  {mark} {}{}{ours}", model.safe(&binding.uri), left.unwrap_or_default())
    };
    let mut lines: Vec<String> = grant.bindings.iter().map(binding).collect();
    let route: Vec<&str> = grant.service_route.iter().map(|uri| uri.as_str()).collect();
    let path: Vec<&str> = grant.path.iter().map(AsRef::as_ref).collect();
    let gruu = |uri: &Option<crate::sip::UriBuf>| {
        uri.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    for (what, value) in [
        ("Service-Route", route.join(", ")),
        ("Path", path.join(", ")),
        ("public GRUU", gruu(&grant.pub_gruu)),
        ("temporary GRUU", gruu(&grant.temp_gruu)),
    ] {
        if !value.is_empty() {
            lines.push(format!("  {what}: {}", model.safe(&value)));
        }
    }
    lines
}
