//! [`Colours`]: how many a terminal has, and the nearest that it has to one that is wished for.

use ratatui::style::{Color, Style};

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// None, or the user wants none.
    None,
    /// The sixteen of the user's palette.
    Sixteen,
    /// 256.
    Many,
    /// Any of red, green and blue.
    All,
}

impl Colours {
    /// What the environment says. `NO_COLOR` wins (no-color.org).
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Colours {
        let set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|word| term.contains(word));
        let colorterm = variable("COLORTERM").unwrap_or_default();
        if set("NO_COLOR") || term == "dumb" || term.ends_with("-m") || term.ends_with("-mono") {
            Colours::None
        } else if matches!(&*colorterm, "truecolor" | "24bit") || has(&["truecolor", "direct"]) {
            Colours::All
        } else if !colorterm.is_empty()
            || has(&["256color", "kitty", "alacritty", "ghostty"])
            || (cfg!(windows) && set("WT_SESSION"))
        {
            Colours::Many
        } else {
            Colours::Sixteen
        }
    }

    /// A style as the terminal can show it; `None` where only other colours would do.
    pub(super) fn adapt(self, style: Style) -> Option<Style> {
        let adapt = |colour: Option<Color>| match (self, colour) {
            (Colours::All, colour) | (_, colour @ (None | Some(Color::Reset))) => Some(colour),
            (Colours::None, _) => None,
            (Colours::Many, Some(Color::Rgb(r, g, b))) => {
                Some(Some(Color::Indexed(nearest([r, g, b]))))
            }
            (Colours::Sixteen, Some(Color::Rgb(..) | Color::Indexed(16..))) => None,
            (Colours::Many | Colours::Sixteen, colour) => Some(colour),
        };
        Some(Style { fg: adapt(style.fg)?, bg: adapt(style.bg)?, ..style })
    }
}

/// The steps of each of red, green and blue in the cube of the 256 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The colour of the 256 behind the palette's sixteen.
pub(super) fn of_256(index: u8) -> [u8; 3] {
    match index.checked_sub(16) {
        // The palette's own: nobody knows what they are.
        None => [0; 3],
        Some(at @ 0..216) => [at / 36, at / 6 % 6, at % 6].map(|step| STEPS[usize::from(step)]),
        Some(at) => [8 + 10 * (at - 216); 3],
    }
}

/// The one of the 256 colours, without the palette's sixteen, that is nearest.
fn nearest(wanted: [u8; 3]) -> u8 {
    let distance = |index: &u8| {
        let apart = |(a, b): (u8, u8)| u32::from(a.abs_diff(b)).pow(2);
        of_256(*index).into_iter().zip(wanted).map(apart).sum::<u32>()
    };
    (16..=u8::MAX).min_by_key(distance).unwrap_or(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_on_colours() {
        for (set, colours) in [
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")][..], Colours::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Colours::Many),
            (&[("TERM", "vt100")], Colours::Sixteen),
            (&[("TERM", "dumb")], Colours::None),
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Colours::All),
            (&[("TERM", "xterm"), ("COLORTERM", "1")], Colours::Many),
            (&[("TERM", "xterm-direct")], Colours::All),
            (&[("TERM", "linux")], Colours::Sixteen),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Colours::of(variable), colours, "{set:?}");
        }
    }

    #[test]
    fn a_colour_becomes_the_nearest_that_there_is() {
        for (colour, index) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([0, 95, 135], 24),
            ([250, 250, 250], 231),
            ([138, 138, 138], 245),
        ] {
            assert_eq!(nearest(colour), index, "{colour:?}");
        }
    }
}
