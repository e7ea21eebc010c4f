//! Themes and signs: what the screen looks like, whatever it shows.

mod ui_script;

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::style::Color;
use sipboard::ui::{
    Look,
    model::Severity,
    notify::Notify,
    view::{Colours, Signs, Theme, Themes},
};
use ui_script::Script;

/// Keys that open every view there is, from the table.
const VIEWS: [&str; 30] = [
    "",
    "\t1",
    "\t2",
    "\t3",
    "\t3v",
    "\t3vv",
    "\t3vvv",
    "\t4",
    "\t5",
    "\t6",
    "\t/b",
    "n",
    "nr",
    "?",
    "L",
    ":",
    ":canc",
    "/",
    "/target:ring",
    "/code:9",
    "a",
    "C",
    "y",
    "r",
    "e",
    "l",
    "fring",
    "I",
    "#",
    "L++",
];
const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

fn look(colours: Colours, theme: &str, signs: Signs) -> Look {
    let mut themes = Themes::built_in(colours);
    themes.choose(theme).unwrap();
    Look { themes, signs, notify: Notify::default() }
}

#[test]
fn with_ascii_signs_nothing_of_ours_is_beyond_ascii() {
    for keys in VIEWS {
        for row in [0, 2, 5] {
            let mut script = Script::tour(Colours::Many);
            script.model.dress(look(Colours::Many, "default", Signs::Ascii));
            script.registered(7);
            script.type_text(&"j".repeat(row));
            script.press(KeyCode::Right, KeyModifiers::NONE);
            script.type_text(keys);
            for (width, height) in SIZES {
                let text = script.text(width, height);
                let beyond: Vec<char> = text.chars().filter(|c| !c.is_ascii()).collect();
                assert!(beyond.is_empty(), "{keys:?} at {width}x{height}: {beyond:?}\n{text}");
            }
        }
    }
    let mut script = Script::tour(Colours::Many);
    script.model.dress(look(Colours::Many, "default", Signs::Ascii));
    script.model.signs = Signs::Ascii;
    script.press(KeyCode::F(1), KeyModifiers::NONE);
    script.text(200, 200).chars().for_each(|c| assert!(c.is_ascii(), "{c:?} in the help"));
}

#[test]
fn ascii_signs_keep_every_word_in_its_place() {
    let mut script = Script::tour(Colours::Many);
    script.model.dress(look(Colours::Many, "default", Signs::Ascii));
    insta::assert_snapshot!("ascii_120x30", script.text(120, 30));
}

#[test]
fn what_a_peer_wrote_stays_as_it_wrote_it() {
    let mut script = Script::new(Colours::Many);
    script.model.dress(look(Colours::Many, "default", Signs::Ascii));
    script.refuse(None, "Grüße 電話");
    assert!(script.text(80, 24).contains("Grüße 電話"));
}

#[test]
fn a_theme_with_a_ground_paints_every_cell_and_keeps_every_word() {
    for keys in VIEWS {
        let mut plain = Script::tour(Colours::All);
        plain.type_text(keys);
        let text = plain.text(120, 40);
        for theme in ["dark", "light", "high-contrast"] {
            let mut script = Script::tour(Colours::All);
            script.model.dress(look(Colours::All, theme, Signs::Unicode));
            script.type_text(keys);
            assert_eq!(script.text(120, 40), text, "{theme} {keys:?}");
            let (picture, _) = script.draw(120, 40);
            for cell in picture.content() {
                assert!(cell.fg != Color::Reset && cell.bg != Color::Reset, "{theme} {keys:?}");
            }
        }
    }
}

#[test]
fn every_cell_of_every_view_has_a_colour_of_the_theme() {
    for theme in ["default", "dark", "light", "high-contrast", "terminal", "monochrome"] {
        for keys in VIEWS.into_iter().chain(["/(", "n\tsip:{{nope}}", "nbob\t\tX: {{nope}}"]) {
            let mut script = Script::tour(Colours::All);
            script.model.dress(look(Colours::All, theme, Signs::Unicode));
            script.type_text(keys);
            let Theme { screen, plain, accent, good, pending, bad, dim, border, selected, chosen } =
                script.model.theme;
            let roles = [screen, plain, accent, good, pending, bad, dim, border, selected, chosen];
            let inks: Vec<Color> = roles.iter().filter_map(|role| role.fg).collect();
            let grounds: Vec<Color> = roles.iter().filter_map(|role| role.bg).collect();
            let is_of = |colour, of: &[Color], ground: Option<Color>| {
                of.contains(&colour) || colour == Color::Reset && ground.is_none()
            };
            for (width, height) in [(40, 10), (80, 24), (100, 30), (160, 45)] {
                let (picture, _) = script.draw(width, height);
                for cell in picture.content() {
                    let at = || format!("{theme} {keys:?} at {width}x{height}: {cell:?}");
                    assert!(is_of(cell.fg, &inks, screen.fg), "{}", at());
                    assert!(is_of(cell.bg, &grounds, screen.bg), "{}", at());
                }
            }
        }
    }
}

#[test]
fn a_key_takes_the_next_theme_and_says_its_name() {
    let mut script = Script::tour(Colours::Many);
    let mut names = Vec::new();
    for _ in 0..6 {
        script.type_text("T");
        let notice = script.model.notice.as_ref().unwrap();
        assert_eq!(notice.severity, Severity::Info);
        names.push(notice.text.clone());
        assert_eq!(script.model.theme, script.model.themes.current());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "theme dark",
            "theme light",
            "theme high-contrast",
            "theme terminal",
            "theme monochrome",
            "theme default"
        ]
    );
    // Where it cannot be seen, it is said.
    script.model.dress(look(Colours::None, "default", Signs::Unicode));
    script.type_text("T");
    let told = &script.model.notice.as_ref().unwrap().text;
    assert!(told.starts_with("theme dark, without colours, for NO_COLOR is set"), "{told}");
}
