//! What makes this installation recognisable to registrars: a random number, drawn once and kept
//! in the state directory (RFC 5626 §4.1). Where that cannot be written, it is drawn for this run.

use std::{fs, io::Write as _, path::PathBuf};

use crate::engine::Instance;

/// The number of this installation; drawn, and kept where that is possible, the first time.
pub fn load() -> Instance {
    match path() {
        Some(path) => at(path),
        None => Instance::random(),
    }
}

/// The number that a file keeps.
fn at(path: PathBuf) -> Instance {
    if let Some(known) = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()) {
        return known;
    }
    let instance = Instance::random();
    // Two that start together agree on the one that was written first.
    let written = path.parent().is_none_or(|parent| fs::create_dir_all(parent).is_ok())
        && fs::File::create_new(&path).and_then(|mut file| writeln!(file, "{instance}")).is_ok();
    if written {
        return instance;
    }
    let other = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
    other.unwrap_or(instance)
}

fn path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "sipboard")?;
    let state = dirs.state_dir().unwrap_or(dirs.data_local_dir());
    Some(state.join("instance"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_kept_where_it_can_be_and_else_drawn_anew() {
        let folder = std::env::temp_dir().join(format!("sipboard-instance-{}", std::process::id()));
        let file = folder.join("deeper").join("instance");
        let first = at(file.clone());
        assert_eq!(at(file.clone()), first);
        assert_eq!(fs::read_to_string(&file).unwrap().trim(), first.to_string());
        // A folder stands where the file should be: nothing can be kept.
        assert_ne!(at(folder.clone()), at(folder.clone()));
        fs::remove_dir_all(folder).unwrap();
    }
}
