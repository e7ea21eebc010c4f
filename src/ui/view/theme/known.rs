//! [`Themes`]: those that are built in and those of the user, and which of them holds.

use std::{fs, io::Read, path::Path};

use super::{Colours, Theme, file::built_in_names};

/// The most themes that a folder may hold, and the most bytes of one.
const MOST: usize = 100;
const BYTES: u64 = 65_536;

/// Every theme that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Themes {
    colours: Colours,
    /// By name, those that are built in first; what is wrong with one that cannot be read.
    known: Vec<(String, Result<Theme, String>)>,
    at: usize,
}

/// There is no theme of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownTheme {
    /// Nothing is called like that.
    #[error("there is no theme {name:?}; the themes are {}", known.join(", "))]
    Name {
        /// The name that was asked for.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// Its file cannot be read, or says something wrong: the file, the place, and what.
    #[error("{0}")]
    Broken(String),
}

impl Themes {
    /// Those that are built in.
    pub fn built_in(colours: Colours) -> Themes {
        let known = built_in_names()
            .filter_map(|name| Some((name.to_owned(), Ok(Theme::built_in(name)?))))
            .collect();
        Themes { colours, known, at: 0 }
    }

    /// Those too that stand in a folder as `NAME.toml`; one that is called like a theme that is
    /// built in takes its place. A folder that is not there holds none.
    pub fn read(colours: Colours, folder: &Path) -> Themes {
        let mut themes = Themes::built_in(colours);
        let mut paths: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        paths.sort();
        for path in paths.into_iter().take(MOST) {
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            let theme = read(&path);
            match themes.known.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = theme,
                None => themes.known.push((name.to_owned(), theme)),
            }
        }
        themes
    }

    /// Chooses a theme by its name.
    ///
    /// # Errors
    ///
    /// Where there is none, or its file is broken. The one that held holds on.
    pub fn choose(&mut self, name: &str) -> Result<Theme, UnknownTheme> {
        let Some(at) = self.known.iter().position(|(known, _)| known == name) else {
            let known = self.known.iter().map(|(name, _)| name.clone()).collect();
            return Err(UnknownTheme::Name { name: name.to_owned(), known });
        };
        let theme = self.theme(at)?;
        self.at = at;
        Ok(theme)
    }

    /// Chooses the next one. One that is broken is passed over the next time.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn choose_next(&mut self) -> Result<Theme, UnknownTheme> {
        self.at = (self.at + 1) % self.known.len();
        self.theme(self.at)
    }

    fn theme(&self, at: usize) -> Result<Theme, UnknownTheme> {
        let theme = self.known[at].1.clone().map_err(UnknownTheme::Broken)?;
        Ok(theme.fit(self.colours))
    }

    /// The one that was chosen last; the usual one where that is broken.
    pub fn current(&self) -> Theme {
        self.theme(self.at).unwrap_or_else(|_| Theme::new(self.colours))
    }

    /// The name of the one that was chosen last.
    pub fn name(&self) -> &str {
        &self.known[self.at].0
    }

    /// What is wrong with those that cannot be used, one sentence each.
    pub fn broken(&self) -> impl Iterator<Item = &str> {
        self.known.iter().filter_map(|(_, theme)| theme.as_ref().err().map(String::as_str))
    }

    /// Why the chosen one does not look as its file says; `None` where it does.
    pub fn lack(&self) -> Option<&'static str> {
        let theme = self.known[self.at].1.as_ref().ok()?;
        if self.colours != Colours::None && theme.adapt(self.colours).is_some() {
            return None;
        }
        Some(match self.colours {
            Colours::None => "without colours, for NO_COLOR is set or the terminal has none",
            _ => "in the terminal's own colours, for it says that it has only sixteen",
        })
    }
}

fn read(path: &Path) -> Result<Theme, String> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(BYTES).read_to_string(&mut text))
        .map_err(|error| format!("{}: the theme cannot be read: {error}", path.display()))?;
    Theme::parse(&text).map_err(|error| format!("{}:{error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_themes_of_a_folder_are_there_too_and_a_broken_one_changes_nothing() {
        let folder = std::env::temp_dir().join(format!("sipboard-themes-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("mine.toml"), "good = \"blue\"").unwrap();
        fs::write(folder.join("broken.toml"), "good = \"blue\"\nbad = \"rde\"").unwrap();
        fs::write(folder.join("dark.toml"), "like = \"dark\"\ngood = \"green\"").unwrap();
        let mut themes = Themes::read(Colours::Many, &folder);
        fs::remove_dir_all(&folder).unwrap();
        let green = Theme::built_in("terminal").unwrap().good;
        assert_eq!(themes.choose("dark").unwrap().good, green);
        let told = themes.choose("broken").unwrap_err().to_string();
        assert!(told.contains("broken.toml:2:7: bad: \"rde\" is no colour"), "{told}");
        assert_eq!(themes.name(), "dark");
        assert_eq!(themes.broken().count(), 1);
        let told = themes.choose("dusk").unwrap_err().to_string();
        assert!(told.contains("no theme \"dusk\"; the themes are default, dark,"), "{told}");
        themes.choose("monochrome").unwrap();
        assert!(themes.choose_next().is_err(), "the broken one");
        assert!(themes.choose_next().is_ok());
        assert_eq!(themes.name(), "mine");
        themes.choose_next().unwrap();
        assert_eq!(themes.name(), "default");
    }

    #[test]
    fn a_theme_that_cannot_look_as_it_says_says_so() {
        for (colours, name, lacks) in [
            (Colours::All, "dark", false),
            (Colours::Many, "dark", false),
            (Colours::Sixteen, "dark", true),
            (Colours::Sixteen, "terminal", false),
            (Colours::None, "terminal", true),
        ] {
            let mut themes = Themes::built_in(colours);
            themes.choose(name).unwrap();
            assert_eq!(themes.lack().is_some(), lacks, "{colours:?} {name}");
        }
    }
}
