//! What each thing on the screen looks like: a style for each role, from a file of
//! `assets/themes` or of the user's. Each is an addition: shape, word and position say the same
//! without it.
//!
//! `file` reads a theme, `colours` fits it to the terminal, `known` holds those there are.

mod colours;
mod file;
mod known;

use ratatui::style::Style;

pub use colours::Colours;
pub use file::ThemeError;
pub use known::{Themes, UnknownTheme};

use crate::sip::State;

/// The styles of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// What every cell is that nothing else is said of; colours only.
    pub screen: Style,
    /// What is as any other text, also on a border.
    pub plain: Style,
    /// The one accent: what has the focus, and the keys.
    pub accent: Style,
    /// What is good.
    pub good: Style,
    /// What is under way.
    pub pending: Style,
    /// What is bad.
    pub bad: Style,
    /// What stands back.
    pub dim: Style,
    /// Borders without the focus.
    pub border: Style,
    /// The chosen line of the pane with the focus.
    pub selected: Style,
    /// The chosen line of the other pane.
    pub chosen: Style,
}

impl Theme {
    /// Nothing differs from any other text.
    const PLAIN: Theme = Theme {
        screen: Style::new(),
        plain: Style::new(),
        accent: Style::new(),
        good: Style::new(),
        pending: Style::new(),
        bad: Style::new(),
        dim: Style::new(),
        border: Style::new(),
        selected: Style::new(),
        chosen: Style::new(),
    };

    /// The roles, as a theme file names them; `plain` follows from `screen`.
    const ROLES: [&str; 9] =
        ["screen", "accent", "good", "pending", "bad", "dim", "border", "selected", "chosen"];

    /// The usual theme for a number of colours.
    pub fn new(colours: Colours) -> Theme {
        Theme::built_in("default").unwrap_or(Theme::PLAIN).fit(colours)
    }

    /// The theme as a terminal can show it: where it has none of its colours, another.
    pub fn fit(self, colours: Colours) -> Theme {
        self.adapt(colours).unwrap_or_else(|| {
            let instead = if colours == Colours::None { "monochrome" } else { "terminal" };
            Theme::built_in(instead).unwrap_or(Theme::PLAIN)
        })
    }

    /// The theme in the colours that there are; `None` where other colours would be needed.
    fn adapt(mut self, colours: Colours) -> Option<Theme> {
        for name in Theme::ROLES {
            let role = self.role_mut(name)?;
            *role = colours.adapt(*role)?;
        }
        self.plain = colours.adapt(self.plain)?;
        Some(self)
    }

    fn role_mut(&mut self, name: &str) -> Option<&mut Style> {
        Some(match name {
            "screen" => &mut self.screen,
            "accent" => &mut self.accent,
            "good" => &mut self.good,
            "pending" => &mut self.pending,
            "bad" => &mut self.bad,
            "dim" => &mut self.dim,
            "border" => &mut self.border,
            "selected" => &mut self.selected,
            "chosen" => &mut self.chosen,
            _ => return None,
        })
    }

    /// The style of a state.
    pub const fn state(&self, state: State) -> Style {
        match state {
            State::Waiting | State::Sent | State::Canceled | State::HungUp => self.dim,
            State::Calling | State::Trying | State::Proceeding | State::Cancelling => self.pending,
            State::Accepted => self.good,
            State::Rejected | State::Failed => self.bad,
        }
    }
}

/// The shape of a state: one column, each different from what else can stand beside its word.
pub const fn shape(state: State) -> &'static str {
    match state {
        State::Waiting | State::Calling | State::Trying => "◌",
        State::Proceeding => "◐",
        State::Cancelling => "◑",
        State::Accepted => "●",
        State::Sent | State::HungUp => "○",
        State::Canceled => "⊘",
        State::Rejected | State::Failed => "✖",
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::{file::built_in_names, *};

    /// WCAG 2.2's relative luminance.
    fn luminance(colour: Color) -> f64 {
        let parts = match colour {
            Color::Rgb(r, g, b) => [r, g, b],
            Color::Indexed(index @ 16..) => colours::of_256(index),
            other => panic!("nobody knows how light {other} is"),
        };
        let linear = |part: u8| match f64::from(part) / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        };
        let [r, g, b] = parts.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: Color, b: Color) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.2 §1.4.3, §1.4.6, §1.4.11: 4.5 for text, 7 where contrast is to be high, 3 for lines.
    #[test]
    fn themes_that_choose_the_background_can_be_read_on_it() {
        for (name, least) in [("dark", 4.5), ("light", 4.5), ("high-contrast", 7.0)] {
            for colours in [Colours::Many, Colours::All] {
                let mut theme = Theme::built_in(name).unwrap().fit(colours);
                let screen = theme.screen;
                for role in Theme::ROLES {
                    let least = if role == "border" { 3.0 } else { least };
                    let style = screen.patch(*theme.role_mut(role).unwrap());
                    let contrast = contrast(style.fg.unwrap(), style.bg.unwrap());
                    assert!(contrast >= least, "{name}, {role}, {colours:?}: {contrast:.2}");
                }
            }
        }
    }

    #[test]
    fn what_is_built_in_fits_every_terminal() {
        for name in built_in_names() {
            let theme = Theme::built_in(name).unwrap();
            assert_eq!(theme.fit(Colours::All), theme);
            let mono = theme.fit(Colours::None);
            assert_eq!(mono, Theme::built_in("monochrome").unwrap(), "{name}");
            let mut few = theme.fit(Colours::Sixteen);
            for role in Theme::ROLES {
                let style = *few.role_mut(role).unwrap();
                for colour in [style.fg, style.bg].into_iter().flatten() {
                    assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{name}");
                }
            }
            assert!(few.selected.add_modifier.contains(Modifier::REVERSED), "{name}");
        }
    }
}
