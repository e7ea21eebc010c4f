//! A ladder as text for a page: plain, and as a Mermaid `sequenceDiagram`.

use super::{Ladder, What};

impl Ladder {
    /// The diagram as lines of text, each with its time since the first step.
    pub fn text(&self) -> String {
        let layout = self.layout(None, 0);
        let Some(start) = self.steps.first().map(|step| step.at) else { return String::new() };
        let mut text = String::new();
        let mut push = |time: &str, line: &str| {
            text.push_str(format!("{time:>9}  {line}").trim_end());
            text.push('\n');
        };
        for head in self.heads(&layout) {
            push("", &head.text());
        }
        for (line, step) in self.lines(&layout).zip(&self.steps) {
            let since = step.at.saturating_duration_since(start);
            push(&format!("+{}.{:03}", since.as_secs(), since.subsec_millis()), &line.text());
        }
        text
    }

    /// The diagram in Mermaid's language.
    pub fn mermaid(&self) -> String {
        let mut text = "sequenceDiagram\n".to_owned();
        for (index, lifeline) in self.lifelines.iter().enumerate() {
            let role = match lifeline.role.as_str() {
                "" => String::new(),
                role => format!("<br/>{}", entities(role)),
            };
            text.push_str(&format!(
                "    participant p{index} as {}{role}\n",
                entities(&lifeline.name)
            ));
        }
        for step in &self.steps {
            let line = match &step.what {
                What::Arrow { from, to, label, count, again, lost } => {
                    // A response is drawn with a dashed line.
                    let is_response = label.first().is_some_and(|first| {
                        first.len() >= 3 && first.as_bytes()[..3].iter().all(u8::is_ascii_digit)
                    });
                    let arrow = match (is_response, *lost) {
                        (false, false) => "->>",
                        (true, false) => "-->>",
                        (false, true) => "-x",
                        (true, true) => "--x",
                    };
                    let mut words = label.clone();
                    if *count > 1
                        && let Some(first) = words.first_mut()
                    {
                        first.push_str(&format!(" ×{count}"));
                    }
                    if *again && let Some(first) = words.first_mut() {
                        first.push_str(" again");
                    }
                    format!("p{from}{arrow}p{to}: {}", entities(&words.join(", ")))
                }
                What::Note { over, text } => format!("Note over p{over}: {}", entities(text)),
                What::Gap(count) => format!("Note over p0: {count} entries left out"),
            };
            text.push_str(&format!("    {line}\n"));
        }
        text
    }
}

/// A text that cannot end a statement of Mermaid's or begin another: what has a meaning there, or
/// could have, stands as an entity code, and what would steer a terminal as a question mark.
///
/// `;` and a line end would end the statement, `#` and `%%` begin a comment, `<` a tag, `&` an entity
/// and `$$` a formula; `\n` is a line end, `wrap:` before a text is taken off it, and `style…:…#` loses
/// the end of the code that follows.
fn entities(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let lower = text.to_ascii_lowercase();
    let is_plain_colon = !["wrap", "style", "classdef"].iter().any(|word| lower.contains(word));
    for c in text.chars() {
        match c {
            c if crate::sip::escape::is_unsafe(c) => safe.push('?'),
            ':' if is_plain_colon => safe.push(c),
            c if c.is_ascii_punctuation() && !PLAIN.contains(c) => {
                safe.push_str(&format!("#{};", u32::from(c)));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// The punctuation that means nothing to Mermaid in a text.
const PLAIN: &str = "!'()*+,-./=?@[]_|";
