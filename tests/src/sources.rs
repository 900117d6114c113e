//! The repository's own files, for the tests that judge the code.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
pub struct Source {
    /// Its path from the root of the repository.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests' crate lies in the repository").to_owned()
}

/// Members of the workspace, as paths from the root.
pub fn members() -> Vec<String> {
    let workspace = &manifest("")["workspace"];
    let members = workspace["members"].as_array().expect("a workspace has members");
    members.iter().map(|member| member.as_str().expect("a member is a path").to_owned()).collect()
}

/// The manifest of a member.
pub fn manifest(member: &str) -> toml::Table {
    let path = root().join(member).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder that end so, without what is built or installed, and hidden folders; ordered by path.
pub fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    gather(&root().join(folder), endings, &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn gather(folder: &Path, endings: &[&str], sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", "node_modules", "venv"].contains(&name.as_ref()) && !name.starts_with('.') {
                gather(&path, endings, sources);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let path = path.strip_prefix(root()).expect("it lies in the repository").display().to_string();
            sources.push(Source { path, text });
        }
    }
}

impl Source {
    /// Its lines without comments, with their numbers.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
    }
}
