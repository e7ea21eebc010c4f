//! A theme as a file: a style for each role, in words.

use std::fmt;

use ratatui::style::{Color, Modifier, Style};
use toml::de::{DeTable, DeValue};

use super::Theme;
use crate::sip::escape;

/// The themes that are built in, the usual one first.
const BUILT_IN: [(&str, &str); 6] = [
    ("default", include_str!("../../../../assets/themes/default.toml")),
    ("dark", include_str!("../../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../../assets/themes/light.toml")),
    ("high-contrast", include_str!("../../../../assets/themes/high-contrast.toml")),
    ("terminal", include_str!("../../../../assets/themes/terminal.toml")),
    ("monochrome", include_str!("../../../../assets/themes/monochrome.toml")),
];

/// What a style is written with.
const STYLE: &str = "write a colour, `on` and a colour, and bold, dim, italic, underlined or reversed, such as \"#ffffff on 24 bold\"";
/// What a colour is written with.
const COLOUR: &str = "a colour is default, black, red, green, yellow, blue, magenta, cyan, gray, white, bright-red …, a number from 0 to 255, or #rrggbb";

/// What is wrong with a theme file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ThemeError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, escape(&self.problem))
    }
}

/// The names of the themes that are built in, the usual one first.
pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

impl Theme {
    /// A theme that is built in.
    pub fn built_in(name: &str) -> Option<Theme> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some(Theme::parse(text).expect("the themes that are built in are whole"))
    }

    /// Reads a theme file. A role that it leaves out is as in the theme that `like` names, else as
    /// any other text.
    ///
    /// # Errors
    ///
    /// The first mistake.
    pub fn parse(text: &str) -> Result<Theme, ThemeError> {
        let error = |offset, problem| Err(at(text, offset, problem));
        let (document, syntax) = DeTable::parse_recoverable(text);
        if let Some(wrong) = syntax.first() {
            let offset = wrong.span().map_or(text.len(), |span| span.start);
            return error(offset, format!("not TOML: {}", wrong.message()));
        }
        let mut entries: Vec<_> = document.get_ref().iter().collect();
        // What it is like comes first; the rest in the order of the file.
        entries.sort_by_key(|(key, _)| (key.get_ref() != "like", key.span().start));
        let mut theme = Theme::PLAIN;
        for (key, value) in entries {
            let (name, offset) = (key.get_ref().as_ref(), value.span().start);
            let DeValue::String(words) = value.get_ref() else {
                return error(offset, format!("{name} must be a text: {STYLE}"));
            };
            if name == "like" {
                let Some(like) = Theme::built_in(words) else {
                    let known: Vec<&str> = built_in_names().collect();
                    let known = known.join(", ");
                    return error(offset, format!("like names one of {known}, not {words:?}"));
                };
                theme = like;
                continue;
            }
            let Some(role) = theme.role_mut(name) else {
                let roles = Theme::ROLES.join(", ");
                let problem = format!("there is no role {name:?}; the roles are {roles}");
                return error(key.span().start, problem);
            };
            match style(words) {
                Ok(style) => *role = style,
                Err(problem) => return error(offset, format!("{name}: {problem}")),
            }
        }
        theme.plain =
            Style::new().fg(theme.screen.fg.unwrap_or(Color::Reset)).remove_modifier(Modifier::DIM);
        Ok(theme)
    }
}

fn at(text: &str, offset: usize, problem: String) -> ThemeError {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    ThemeError { line, column: before[start..].chars().count() + 1, problem }
}

/// `#ffffff on 24 bold`
fn style(words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        let modifier = match word {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            "on" => {
                let word = words.next().ok_or_else(|| format!("no colour after `on`: {STYLE}"))?;
                style.bg = Some(colour(word)?);
                continue;
            }
            word if style.fg.is_none() => {
                style.fg = Some(colour(word)?);
                continue;
            }
            word => return Err(format!("{word:?} is one colour too many: {STYLE}")),
        };
        style = style.add_modifier(modifier);
    }
    Ok(style)
}

fn colour(word: &str) -> Result<Color, String> {
    let wrong = || format!("{word:?} is no colour: {COLOUR}");
    if word == "default" {
        return Ok(Color::Reset);
    }
    let starts =
        word.starts_with(|c: char| c == '#' || c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_hex = |text: &str| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !starts || word.strip_prefix('#').is_some_and(|hex| !is_hex(hex)) {
        return Err(wrong());
    }
    word.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_read_and_leaves_the_rest_to_another() {
        let theme = Theme::parse(
            "good = \"#00ff00 bold\"\nlike = \"light\"\nselected = \"white on 24\"\nbad = \"on bright-red\"\n",
        )
        .unwrap();
        assert_eq!(theme.good, Style::new().fg(Color::Rgb(0, 255, 0)).add_modifier(Modifier::BOLD));
        assert_eq!(theme.selected, Style::new().fg(Color::White).bg(Color::Indexed(24)));
        assert_eq!(theme.bad, Style::new().bg(Color::LightRed));
        let light = Theme::built_in("light").unwrap();
        assert_eq!((theme.accent, theme.plain), (light.accent, light.plain));
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        for (text, told) in [
            (
                "good = \"green\"\ngod = \"red\"",
                "2:1: there is no role \"god\"; the roles are screen,",
            ),
            ("good = \"gren\"", "1:8: good: \"gren\" is no colour: a colour is default, black"),
            ("good = \"#12\"", "1:8: good: \"#12\" is no colour"),
            ("good = \"256\"", "1:8: good: \"256\" is no colour"),
            ("\ngood = 3", "2:8: good must be a text"),
            ("good = \"red blue\"", "1:8: good: \"blue\" is one colour too many"),
            ("good = \"red on\"", "1:8: good: no colour after `on`"),
            ("like = \"dusk\"", "1:8: like names one of default, dark,"),
            ("good = \"red", "1:12: not TOML: "),
            ("good = \"\\u001b[2J\"", "1:8: good: \"\\u{1b}[2J\" is no colour"),
        ] {
            let error = Theme::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
            assert!(!error.contains('\x1b'));
        }
    }
}
