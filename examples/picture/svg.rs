//! A screen as an SVG picture: every run of text stands where its cells stand, whatever the font;
//! lines, bars and corners are drawn and not written, so that they meet.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// The size of a cell.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: f64 = 14.0;
/// The window's frame around the cells.
const MARGIN: f64 = 14.0;
const TITLE: f64 = 34.0;

const BACKGROUND: &str = "#16191f";
const FOREGROUND: &str = "#d7dbe2";

/// The picture of a screen in a window with a title.
pub fn render(screen: &Buffer, title: &str) -> String {
    let area = screen.area;
    let width = f64::from(area.width) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(area.height) * CELL.1 + TITLE + MARGIN;
    let mut svg = String::new();
    let mut line = |text: String| writeln!(svg, "{text}").expect("writing to a String cannot fail");
    line(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1} {height:.1}" width="{width:.0}" height="{height:.0}" role="img" aria-label="{}">"#,
        xml(title)
    ));
    // The window is as its screen is.
    let paper = colour(screen[(0, 0)].bg, BACKGROUND);
    line(format!(r#"<rect width="{width:.1}" height="{height:.1}" rx="10" fill="{paper}"/>"#));
    for (n, colour) in ["#e5646b", "#dfb056", "#74bd72"].iter().enumerate() {
        let x = 22.0 + 20.0 * n as f64;
        line(format!(r#"<circle cx="{x}" cy="17" r="6" fill="{colour}"/>"#));
    }
    line(format!(
        r##"<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="{FONT}" fill="{FOREGROUND}" xml:space="preserve">"##
    ));
    line(format!(
        r##"<text x="{:.1}" y="22" text-anchor="middle" fill="#8a919e">{}</text>"##,
        width / 2.0,
        xml(title)
    ));
    line(format!(r#"<g transform="translate({MARGIN} {TITLE})">"#));
    for y in 0..area.height {
        for shape in row(screen, y) {
            line(shape);
        }
    }
    line("</g></g></svg>".to_owned());
    svg
}

/// The shapes of one line: backgrounds, then lines and texts.
fn row(screen: &Buffer, y: u16) -> Vec<String> {
    let mut shapes = backgrounds(screen, y);
    let mut x = 0;
    while x < screen.area.width {
        let cell = &screen[(x, y)];
        let wide = (cell.symbol().width() as u16).max(1);
        let mut end = x + wide;
        if cell.symbol() == " " {
            x = end;
            continue;
        }
        if let Some(shape) = drawn(cell, x, y) {
            shapes.push(shape);
            x = end;
            continue;
        }
        // Plain letters of one style go together; anything else stands alone in its cell.
        let mut text = cell.symbol().to_owned();
        if text.is_ascii() {
            while end < screen.area.width {
                let next = &screen[(end, y)];
                let same = next.fg == cell.fg
                    && next.bg == cell.bg
                    && next.modifier == cell.modifier
                    && next.symbol().is_ascii();
                if !same || (next.symbol() == " " && text.ends_with(' ')) {
                    break;
                }
                text.push_str(next.symbol());
                end += 1;
            }
        }
        shapes.push(run(cell, text.trim_end(), x, y));
        x = end;
    }
    shapes
}

/// What is behind the text of a line, as far as it is not what the window is.
fn backgrounds(screen: &Buffer, y: u16) -> Vec<String> {
    let paper = colour(screen[(0, 0)].bg, BACKGROUND);
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for x in 0..screen.area.width {
        let (_, fill) = colours(&screen[(x, y)]);
        match runs.last_mut() {
            Some((_, end, known)) if *end == x && *known == fill => *end = x + 1,
            _ if fill == paper => {}
            _ => runs.push((x, x + 1, fill)),
        }
    }
    let shape = |(from, end, fill): &(u16, u16, String)| {
        rect((f64::from(*from), 0.0), (f64::from(end - from) + 0.05, 1.0), y, fill)
    };
    runs.iter().map(shape).collect()
}

fn run(cell: &Cell, text: &str, x: u16, y: u16) -> String {
    let (fill, _) = colours(cell);
    let bold = if cell.modifier.contains(Modifier::BOLD) { r#" font-weight="bold""# } else { "" };
    let length = if text.is_ascii() {
        format!(r#" textLength="{:.1}""#, text.len() as f64 * CELL.0)
    } else {
        String::new()
    };
    format!(
        r#"<text x="{:.1}" y="{:.1}" fill="{fill}"{bold}{length}>{}</text>"#,
        f64::from(x) * CELL.0,
        f64::from(y) * CELL.1 + 13.5,
        xml(text)
    )
}

/// Borders and bars, in parts of a cell.
fn drawn(cell: &Cell, x: u16, y: u16) -> Option<String> {
    let (stroke, _) = colours(cell);
    let symbol = cell.symbol();
    if let Some(eighths) = "▁▂▃▄▅▆▇█".chars().position(|bar| symbol.starts_with(bar))
    {
        let height = (eighths + 1) as f64 / 8.0 * 0.7;
        return Some(rect((f64::from(x) + 0.08, 0.82 - height), (0.84, height), y, &stroke));
    }
    let (left, top) = (f64::from(x) * CELL.0, f64::from(y) * CELL.1);
    // The middle and the ends of the cell, on half pixels so that lines stay sharp.
    let (right, bottom) = (left + CELL.0, top + CELL.1);
    let (middle, centre) = ((left + CELL.0 / 2.0).round() + 0.5, top + CELL.1 / 2.0 + 0.5);
    let across = |from: f64, to: f64| format!("M{from:.1} {centre:.1}H{to:.1}");
    let down = format!("M{middle:.1} {top:.1}V{bottom:.1}");
    let corner = |from: f64, to: f64| {
        format!("M{from:.1} {centre:.1}Q{middle:.1} {centre:.1} {middle:.1} {to:.1}")
    };
    let path = match symbol {
        "─" => across(left, right),
        "│" | "┃" => down,
        "╭" => corner(right, bottom),
        "╮" => corner(left, bottom),
        "╰" => corner(right, top),
        "╯" => corner(left, top),
        "├" => down + &across(middle, right),
        "┤" => down + &across(left, middle),
        _ => return None,
    };
    let width = if symbol == "┃" { 3 } else { 1 };
    Some(format!(r#"<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{width}"/>"#))
}

fn rect(at: (f64, f64), size: (f64, f64), y: u16, fill: &str) -> String {
    format!(
        r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="{fill}"/>"#,
        at.0 * CELL.0,
        (f64::from(y) + at.1) * CELL.1,
        size.0 * CELL.0,
        size.1 * CELL.1
    )
}

/// The colours of a cell's text and of what is behind it.
fn colours(cell: &Cell) -> (String, String) {
    let front = colour(cell.fg, FOREGROUND);
    let back = colour(cell.bg, BACKGROUND);
    if cell.modifier.contains(Modifier::REVERSED) { (back, front) } else { (front, back) }
}

fn colour(colour: Color, reset: &str) -> String {
    match colour {
        Color::Cyan => "#56c2d6".to_owned(),
        Color::Green => "#82c57c".to_owned(),
        Color::Yellow => "#e0b45f".to_owned(),
        Color::Red => "#ec6a72".to_owned(),
        Color::Indexed(index @ 16..=231) => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * u32::from(n) };
            let cube = index - 16;
            format!("#{:02x}{:02x}{:02x}", step(cube / 36), step(cube / 6 % 6), step(cube % 6))
        }
        Color::Indexed(index @ 232..) => {
            let grey = 8 + 10 * (u32::from(index) - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        _ => reset.to_owned(),
    }
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
