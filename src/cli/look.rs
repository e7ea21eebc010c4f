//! `[ui]` and `[log]`: what the config file says of the dashboard's look, held against the themes
//! there are, and of its log.

use std::path::{Path, PathBuf};

use crate::{
    config::{self, Config, Invalid, LoadError, Problem},
    ui::{
        LogSettings, Look,
        model::Level,
        notify::{How, Notify, Occasion},
        view::{Colours, Signs, Themes, UnknownTheme},
    },
};

/// The look that the file wishes for. The user's own themes stand in `themes` beside it.
///
/// # Errors
///
/// A theme that is not there, with the place of its name; a theme file that is broken.
pub(super) fn look(config: &Config, path: Option<PathBuf>) -> anyhow::Result<Look> {
    let variable = |name: &str| std::env::var(name).ok();
    let colours = Colours::of(variable);
    let folder = path.as_deref().and_then(Path::parent).map(|folder| folder.join("themes"));
    let mut themes = match folder {
        Some(folder) => Themes::read(colours, &folder),
        None => Themes::built_in(colours),
    };
    if let Some((name, place)) = &config.ui.theme {
        themes.choose(name).map_err(|error| match error {
            UnknownTheme::Name { .. } => {
                let problem = Problem { message: format!("theme: {error}"), ..place.clone() };
                let path = path.unwrap_or_default();
                LoadError::from(Invalid { path, problems: vec![problem] }).into()
            }
            UnknownTheme::Broken(_) => anyhow::Error::from(error),
        })?;
    }
    let signs = match config.ui.ascii {
        Some(true) => Signs::Ascii,
        Some(false) => Signs::Unicode,
        None => Signs::of(variable),
    };
    Ok(Look { themes, signs, notify: notify(&config.ui) })
}

/// What becomes of the log.
pub(super) fn log(log: &config::Log) -> LogSettings {
    let level = Level::ALL.into_iter().find(|level| Some(level.name()) == log.level);
    LogSettings { level: level.unwrap_or_default(), file: log.file.clone() }
}

fn notify(ui: &config::Ui) -> Notify {
    let is_meant = |name: &str| ui.notify_on.as_ref().is_none_or(|on| on.contains(&name));
    let how = How::ALL.into_iter().find(|(name, _)| Some(*name) == ui.notify);
    Notify {
        how: how.map_or(How::Off, |(_, how)| how),
        on: Occasion::ALL.into_iter().filter(|it| is_meant(it.0)).map(|it| it.1).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_theme_that_cannot_hold_is_told_with_file_and_line() {
        let folder = std::env::temp_dir().join(format!("sipboard-look-{}", std::process::id()));
        fs::create_dir_all(folder.join("themes")).unwrap();
        fs::write(folder.join("themes/mine.toml"), "like = \"dark\"\ngood = \"gren\"\n").unwrap();
        let told = |text: &str| {
            let config = config::parse(text).unwrap();
            look(&config, Some(folder.join("c.toml"))).unwrap_err().to_string()
        };
        let broken = told("[ui]\ntheme = \"mine\"\n");
        let unknown = told("[ui]\n\ntheme = \"drak\"\n");
        fs::remove_dir_all(&folder).unwrap();
        assert!(broken.contains("themes/mine.toml:2:8: good: \"gren\" is no colour"), "{broken}");
        assert!(unknown.contains("c.toml:3:9: theme: there is no theme \"drak\""), "{unknown}");
        assert!(unknown.contains("mine"), "{unknown}");
    }

    #[test]
    fn the_file_decides_on_what_is_told_and_how() {
        for (name, how) in How::ALL {
            let text = format!("[ui]\nnotify = {name:?}\nnotify_on = [\"failed\"]\n");
            let look = look(&config::parse(&text).unwrap(), None).unwrap();
            assert_eq!(look.notify, Notify { how, on: vec![Occasion::Failed] });
        }
        assert_eq!(How::ALL.map(|(name, _)| name), config::ui::NOTIFY);
        assert_eq!(Occasion::ALL.map(|(name, _)| name), config::ui::OCCASIONS);
        let wrong = config::parse("[ui]\nnotify = \"loud\"\nnotify_on = \"accept\"\n").unwrap_err();
        assert!(wrong[0].to_string().starts_with("2:10: notify must be one of off, bell"));
        assert!(wrong[1].to_string().ends_with("did you mean \"accepted\"?"), "{}", wrong[1]);
    }

    #[test]
    fn the_file_decides_on_the_log() {
        for level in Level::ALL {
            let text = format!("[log]\nlevel = {:?}\nfile = \"a.log\"\n", level.name());
            let config = config::parse(&text).unwrap();
            let file = Some(PathBuf::from("a.log"));
            assert_eq!(log(&config.log), LogSettings { level, file });
        }
        assert_eq!(Level::ALL.map(Level::name), config::log::LEVELS);
        assert_eq!(log(&config::parse("").unwrap().log), LogSettings::default());
        let wrong = config::parse("[log]\nlevel = \"warn\"\nfile = \"\"\n").unwrap_err();
        let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert!(told[0].ends_with("did you mean \"warning\"?"), "{told:?}");
        assert_eq!(told[1], "3:8: file must be the name of a file, not \"\"");
    }

    #[test]
    fn the_file_decides_on_theme_and_signs() {
        let config = config::parse("[ui]\ntheme = \"light\"\nascii = true\n").unwrap();
        let look = look(&config, None).unwrap();
        assert_eq!((look.themes.name(), look.signs), ("light", Signs::Ascii));
    }
}
