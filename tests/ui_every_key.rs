//! Every key of the table of bindings, in every view and state: it does something, or a sentence
//! says what it would need. None is dead.

mod ui_script;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sipboard::{
    engine::Command,
    sip::ContextId,
    ui::{
        Model,
        bindings::Action,
        detail::Tab,
        model::{Mode, Pane, Severity},
        update,
        view::Colours,
    },
};
use ui_script::Script;

/// The tables there are: with nothing in it, with every state chosen once, with all filtered out.
const TABLES: [&str; 9] =
    ["empty", "options", "busy", "answered", "silent", "cancelled", "ringing", "marked", "hidden"];

fn table(name: &str) -> Script {
    if name == "empty" {
        return Script::new(Colours::Many);
    }
    let mut script = Script::tour(Colours::Many);
    let row = match name {
        "options" => 1,
        "busy" => 2,
        "answered" => 3,
        "silent" => 4,
        "cancelled" => 5,
        _ => 6,
    };
    script.model.browse.selected = Some(ContextId(row));
    match name {
        "marked" => drop(script.type_text("M")),
        "hidden" => drop(script.type_text("/nobody\n")),
        _ => {}
    }
    script
}

/// Opens a view: of the detail, the tab of that index.
type Open = fn(&mut Script, usize);

/// What can be on the screen.
fn views() -> Vec<(String, Open)> {
    let mut views: Vec<(String, Open)> = vec![
        ("table".into(), |script, _| script.model.browse.pane = Pane::Table),
        ("copy".into(), |script, _| script.model.mode = Mode::Copy),
        ("accounts".into(), |script, _| script.model.mode = Mode::Accounts { chosen: 0 }),
        ("compose".into(), |script, _| drop(script.type_text("n"))),
        ("columns".into(), |script, _| drop(script.type_text("C"))),
        ("again".into(), |script, _| script.model.mode = Mode::Again { edits: false, at: 0 }),
        ("edit".into(), |script, _| script.model.mode = Mode::Again { edits: true, at: 0 }),
        ("palette".into(), |script, _| drop(script.type_text(":"))),
        ("filter".into(), |script, _| drop(script.type_text("/"))),
        ("label".into(), |script, _| drop(script.type_text("l"))),
        ("jump".into(), |script, _| drop(script.type_text("f"))),
        ("impair".into(), |script, _| drop(script.type_text("I"))),
        ("log".into(), |script, _| drop(script.type_text("L"))),
        ("statistics".into(), |script, _| drop(script.type_text("#"))),
        ("help".into(), |script, _| drop(script.type_text("?"))),
    ];
    for (name, finds) in [("detail", false), ("found", true)] {
        for (at, tab) in Tab::ALL.into_iter().enumerate() {
            let open: Open = match finds {
                false => |script, at| {
                    script.model.browse.pane = Pane::Detail;
                    script.model.detail.tab = Tab::ALL[at % Tab::ALL.len()];
                },
                true => |script, at| {
                    script.model.browse.pane = Pane::Detail;
                    script.model.detail.tab = Tab::ALL[at % Tab::ALL.len()];
                    script.type_text("/in\n");
                },
            };
            views.push((format!("{name} {at} {}", tab.name()), open));
        }
    }
    views
}

fn open(table_name: &str, view: usize) -> Script {
    let views = views();
    let (name, open) = &views[view];
    let tab = name.split(' ').nth(1).and_then(|at| at.parse().ok()).unwrap_or_default();
    let mut script = table(table_name);
    script.model.size = (100, 30).into();
    open(&mut script, tab);
    script.draw(100, 30);
    script.model.notice = None;
    script
}

/// What there is nothing to say of: going further than the end, what holds already, and keys that
/// are as good as unbound where there is nothing to close or to empty.
fn may_be_silent(action: Action, model: &Model) -> bool {
    use Action::*;
    match action {
        Up | Down | PageUp | PageDown | Top | Bottom => true,
        Show(tab) => model.detail.tab == tab,
        Back => model.mode == Mode::Browse,
        ClearField => matches!(model.mode, Mode::Prompt | Mode::Compose),
        // There they move the cursor of the field.
        NextChoice | PreviousChoice => true,
        _ => false,
    }
}

fn state(model: &Model) -> String {
    format!("{model:?}")
}

#[test]
fn every_key_acts_or_says_what_it_would_need() {
    let mut silent = std::collections::BTreeMap::<String, Vec<String>>::new();
    let mut pressed = 0;
    for table in TABLES {
        for (view, (name, _)) in views().iter().enumerate() {
            // What lies over the table cares little for what is in it.
            let few = ["empty", "ringing", "hidden"];
            if name != "table" && name != "detail 0 Timeline" && !few.contains(&table) {
                continue;
            }
            let Script { model, .. } = open(table, view);
            let (scopes, bindings) = (update::scopes(&model), &model.bindings);
            for binding in scopes.iter().flat_map(|scope| bindings.scope(*scope)) {
                let key = binding.keys[0];
                if may_be_silent(binding.action, &model)
                    || bindings.action(scopes, key) != Some(binding.action)
                {
                    continue;
                }
                let mut script = open(table, view);
                let before = state(&script.model);
                let event = KeyEvent::from(key);
                let command: Option<Command> = script.press(event.code, event.modifiers);
                pressed += 1;
                if let Some(notice) = script.model.notice.as_ref()
                    && notice.severity == Severity::Error
                    && ![": ", "already", "only"].iter().any(|word| notice.text.contains(word))
                {
                    let what = format!("{:?} says {:?}", binding.action, notice.text);
                    silent.entry(what).or_default().push(format!("{table}/{name}"));
                }
                if command.is_none() && state(&script.model) == before {
                    let what = format!("{:?} {:?} {key}", binding.scope, binding.action);
                    silent.entry(what).or_default().push(format!("{table}/{name}"));
                }
            }
        }
    }
    assert!(pressed > 2_000, "{pressed}");
    assert!(silent.is_empty(), "silent, or without a way out: {silent:#?}");
}

#[test]
fn a_key_that_nothing_is_bound_to_says_so() {
    let mut script = Script::tour(Colours::Many);
    for (opens, key) in [("", 'X'), ("L", 'X'), ("#", 'X'), ("a", 'X'), ("C", 'X'), ("y", 'X')] {
        script.type_text(opens);
        script.press(KeyCode::Char(key), KeyModifiers::NONE);
        let screen = script.text(100, 30);
        assert!(screen.contains("X does nothing here: ? for help"), "{opens}: {screen}");
        script.model.notice = None;
        script.press(KeyCode::Esc, KeyModifiers::NONE);
    }
    // What is typed is no key without a meaning.
    script.type_text("/X");
    assert_eq!(script.model.notice, None);
}
