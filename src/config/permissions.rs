//! Who else can read a config file that holds a secret.

use std::path::Path;

/// A sentence with the way out, where others than the owner can read the file; `secret` is what it
/// holds.
#[cfg(unix)]
pub(super) fn warning(path: &Path, secret: &str) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;

    /// The group may read, or everybody may.
    const READABLE: u32 = 0o044;

    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & READABLE != 0).then(|| {
        let who = if mode & 0o004 != 0 { "every user" } else { "its group" };
        format!(
            "{} holds {secret} and {who} of this machine can read it: run chmod 600 {}",
            path.display(),
            quoted(path)
        )
    })
}

/// Elsewhere, who may read a file is not told by a mode.
#[cfg(not(unix))]
pub(super) fn warning(_: &Path, _: &str) -> Option<String> {
    None
}

/// The path as a shell takes it.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_take_it_apart() {
        for (path, expected) in [
            ("/home/a/config.toml", "/home/a/config.toml"),
            ("/home/a b/c.toml", "'/home/a b/c.toml'"),
            ("/home/a'b;c", "'/home/a'\\''b;c'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }
}
