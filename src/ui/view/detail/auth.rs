//! Authentication: each challenge, what was chosen and why, what the digest was made from, and
//! what failed. What is secret is masked where it is recorded.

use ratatui::style::{Modifier, Style};

use super::{Room, page::Page};
use crate::{
    sip::{
        Fact,
        auth::{
            AnswerRecord, AuthKind, AuthRecord, ChallengeOutcome, ChallengeRecord, InfoRecord,
            RspAuth, UsernameForm,
        },
    },
    ui::view::time::delta,
};

pub(super) fn page(room: &Room<'_>) -> Page {
    let theme = &room.model.theme;
    let mut page = Page::default();
    for (place, entry) in room.row.timeline.iter().enumerate() {
        let (title, style) = match &entry.fact {
            Fact::Challenged { response, .. } => {
                (format!("challenged with {}, and answered", response.status), theme.accent)
            }
            Fact::AuthGivenUp { .. } => ("challenge not answered".to_owned(), theme.bad),
            Fact::AuthAhead { .. } => ("credentials sent unasked".to_owned(), theme.accent),
            Fact::AuthInfo(_) => ("the server's own proof".to_owned(), theme.accent),
            _ => continue,
        };
        let when = delta(entry.at.saturating_duration_since(room.row.at));
        let child = match entry.context == room.row.id {
            true => String::new(),
            false => format!(" #{}", entry.context),
        };
        let method = room.model.safe(entry.method.as_str());
        let title = format!(" {when}  {method}{child} {title}");
        page.heading(title, style.add_modifier(Modifier::BOLD));
        if let (Some(line), Some(_)) = (page.lines.last_mut(), entry.fact.message()) {
            line.opens = Some(place);
        }
        let heading = page.lines.pop().map(|line| line.wrapped(room.width, 2));
        page.lines.extend(heading.into_iter().flatten());
        match &entry.fact {
            Fact::Challenged { record, .. }
            | Fact::AuthGivenUp { record }
            | Fact::AuthAhead { record } => round(&mut page, room, record),
            Fact::AuthInfo(info) => proof(&mut page, room, info),
            _ => {}
        }
    }
    if page.lines.is_empty() {
        page.sentence("Nobody asked for credentials.", 1, room.width, theme.dim);
    }
    page
}

fn round(page: &mut Page, room: &Room<'_>, record: &AuthRecord) {
    let theme = &room.model.theme;
    if let Some(reason) = &record.gave_up {
        page.fact(
            ("gave up", theme.dim),
            &room.model.safe(&reason.to_string()),
            room.width,
            theme.bad,
        );
    }
    for challenge in &record.challenges {
        asked(page, room, challenge);
        match &challenge.outcome {
            ChallengeOutcome::Answered { answer, why } => {
                let why = format!("yes: it is {why}");
                page.fact(("  answered", theme.dim), &why, room.width, theme.good);
                answered(page, room, answer);
            }
            ChallengeOutcome::PassedOver(why) => {
                let why = format!("no: {why}");
                page.fact(
                    ("  answered", theme.dim),
                    &room.model.safe(&why),
                    room.width,
                    theme.pending,
                );
            }
        }
    }
    if let Some(omission) = record.omission() {
        page.fact(("left out", theme.dim), &omission, room.width, theme.pending);
    }
    for answer in &record.carried {
        page.fact(
            ("carried", theme.dim),
            "credentials that nobody asked for now",
            room.width,
            theme.plain,
        );
        answered(page, room, answer);
    }
}

/// A challenge, as it came.
fn asked(page: &mut Page, room: &Room<'_>, challenge: &ChallengeRecord) {
    let theme = &room.model.theme;
    let scheme = if challenge.scheme.is_empty() { "unreadable" } else { &challenge.scheme };
    let mut words = format!("{} {scheme}", challenge.kind.challenge_header());
    if challenge.stale {
        words.push_str(", the last nonce was only too old");
    }
    page.fact(("challenge", theme.dim), &room.model.safe(&words), room.width, theme.plain);
    let mut fact = |name, value: &Option<String>| {
        if let Some(value) = value {
            page.fact((name, theme.dim), &room.model.safe(value), room.width, Style::new());
        }
    };
    fact("  realm", &challenge.realm);
    fact("  algorithm", &challenge.algorithm);
    fact("  nonce", &challenge.nonce);
    let offered = (!challenge.qop.is_empty()).then(|| challenge.qop.join(", "));
    fact("  qop offered", &offered);
}

/// What the digest was made from (RFC 7616 §3.4.1).
fn answered(page: &mut Page, room: &Room<'_>, answer: &AnswerRecord) {
    let theme = &room.model.theme;
    let mut fact = |name, value: &str| {
        page.fact((name, theme.dim), &room.model.safe(value), room.width, Style::new());
    };
    let form = match answer.username_form {
        UsernameForm::Plain => "",
        UsernameForm::Extended => " (written as username*)",
        UsernameForm::Hashed => " (hashed)",
    };
    fact("  header", answer.kind.credentials_header().as_str());
    fact("  username", &format!("{}{form}", answer.username));
    fact("  algorithm", &answer.algorithm.to_string());
    match &answer.qop {
        Some(qop) => {
            fact("  qop", &format!("{}, nonce used {}×", qop.qop, qop.count));
            fact("  cnonce", &qop.cnonce);
        }
        None => fact("  qop", "none, as RFC 2069 had it"),
    }
    fact("  uri", &answer.uri);
    fact("  A1", &answer.a1);
    fact("  A2", &answer.a2);
    fact("  response", &answer.response);
}

fn proof(page: &mut Page, room: &Room<'_>, info: &InfoRecord) {
    let theme = &room.model.theme;
    let from = match info.kind {
        AuthKind::Server => "the server",
        AuthKind::Proxy => "a proxy",
    };
    let realm = info.realm.as_ref().map(|realm| format!(" of {realm}")).unwrap_or_default();
    page.fact(
        ("from", theme.dim),
        &room.model.safe(&format!("{from}{realm}")),
        room.width,
        Style::new(),
    );
    let style = match info.rspauth {
        RspAuth::Verified => theme.good,
        RspAuth::Wrong => theme.bad,
        RspAuth::Absent | RspAuth::Unverifiable(_) => theme.dim,
    };
    page.fact(("proof", theme.dim), &info.rspauth.to_string(), room.width, style);
    if let Some(next) = &info.next_nonce {
        page.fact(("next nonce", theme.dim), &room.model.safe(next), room.width, Style::new());
    }
}
