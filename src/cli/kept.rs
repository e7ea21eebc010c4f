//! How the table was left: its columns and its order, kept in the state directory from one run to the
//! next. The config file, which is the user's own text, is never written.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::ui::{
    Arrangement,
    model::{Column, Columns, Shown, Sort},
};

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    columns: Vec<String>,
    sort: String,
    descending: bool,
    /// What the config file said then: where it says something else now, it is the newer word.
    configured: Vec<String>,
}

const HEADING: &str = "# How the table of sipboard's dashboard was left. It may be removed.\n";

/// How the table was left, unless the config file has got other columns since.
pub(super) fn load(configured: &Columns) -> Arrangement {
    let kept = path().and_then(|path| read(path, configured));
    kept.unwrap_or(Arrangement {
        configured: configured.clone(),
        columns: configured.clone(),
        sort: Sort::default(),
    })
}

/// Keeps how the table is left.
pub(super) fn store(arranged: &Arrangement) -> io::Result<()> {
    path().map_or(Ok(()), |path| write(path, arranged))
}

fn path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "sipboard")?;
    let state = dirs.state_dir().unwrap_or(dirs.data_local_dir());
    Some(state.join("table.toml"))
}

fn names(columns: &Columns) -> Vec<String> {
    columns.shown().iter().map(Shown::to_string).collect()
}

/// What a file says; nothing where it is not as it was written.
fn read(path: PathBuf, configured: &Columns) -> Option<Arrangement> {
    let kept: Kept = toml::from_str(&fs::read_to_string(path).ok()?).ok()?;
    if kept.configured != names(configured) {
        return None;
    }
    let columns: Result<Vec<Shown>, _> = kept.columns.iter().map(|text| text.parse()).collect();
    let column = Column::ALL.into_iter().find(|column| column.name() == kept.sort)?;
    let sort = Sort { column, descending: kept.descending };
    Some(Arrangement { configured: configured.clone(), columns: Columns::new(columns.ok()?), sort })
}

fn write(path: PathBuf, arranged: &Arrangement) -> io::Result<()> {
    let kept = Kept {
        columns: names(&arranged.columns),
        sort: arranged.sort.column.name().to_owned(),
        descending: arranged.sort.descending,
        configured: names(&arranged.configured),
    };
    let text = toml::to_string(&kept).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Whole or not at all: another dashboard may be left at the same moment.
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&beside, format!("{HEADING}{text}"))
        .and_then(|()| fs::rename(&beside, path))
        .inspect_err(|_| _ = fs::remove_file(&beside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Columns {
        Columns::new(names.iter().map(|name| name.parse().unwrap()))
    }

    #[test]
    fn the_table_comes_back_as_it_was_left_until_the_config_file_says_otherwise() {
        let folder = std::env::temp_dir().join(format!("sipboard-kept-{}", std::process::id()));
        let file = folder.join("deeper").join("table.toml");
        let mut arranged = Arrangement {
            configured: Columns::default(),
            columns: columns(&["age", "target:30", "label"]),
            sort: Sort { column: Column::Rtt, descending: true },
        };
        assert_eq!(read(file.clone(), &Columns::default()), None);
        write(file.clone(), &arranged).unwrap();
        assert_eq!(read(file.clone(), &Columns::default()), Some(arranged.clone()));
        assert_eq!(read(file.clone(), &columns(&["number"])), None);
        // Written over, and no other file is left beside it.
        arranged.configured = columns(&["number"]);
        write(file.clone(), &arranged).unwrap();
        assert_eq!(read(file.clone(), &columns(&["number"])), Some(arranged));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        for broken in ["", "columns = 1", "columns = [\"x\"]\nsort = \"age\"\ndescending = true"] {
            fs::write(&file, broken).unwrap();
            assert_eq!(read(file.clone(), &columns(&["number"])), None, "{broken}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
