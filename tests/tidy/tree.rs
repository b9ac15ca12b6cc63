//! The checked-out tree as the rules see it: its files, its packages, and which Rust file declares
//! which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::rust::{Code, Module};

/// Crates that are plain values from end to end.
pub const CORES: [&str; 6] = ["model", "sip", "media", "ivr", "acd", "calls"];

/// The part of the store that is plain values: what follows from the records, and what is counted.
const FOLDS: [&str; 2] = ["crates/store/src/fold/", "crates/store/src/kpi.rs"];

/// Folders that hold what was built or fetched.
const NOT_OURS: [&str; 5] = [".git", "target", "node_modules", "dist", "data"];

/// The tree.
pub struct Tree {
    root: PathBuf,
    /// The project's own files, relative, with `/`.
    pub files: Vec<String>,
}

impl Tree {
    /// Lists the files: what git keeps or would keep, or without git, what is not built or fetched.
    pub fn read() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut files = if root.join(".git").exists() {
            listed_by_git(&root)
        } else {
            let mut found = Vec::new();
            walk(&root, &root, &mut found);
            found
        };
        files.retain(|file| root.join(file).is_file());
        files.sort();
        assert!(
            files.len() > 50,
            "found only {} files under {}",
            files.len(),
            root.display()
        );
        Self { root, files }
    }

    /// The file's bytes.
    pub fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.root.join(file)).unwrap_or_else(|error| panic!("cannot read {file}: {error}"))
    }

    /// The file's text, unless it is not text.
    pub fn text(&self, file: &str) -> Option<String> {
        String::from_utf8(self.bytes(file)).ok()
    }

    /// Whether there is such a file.
    pub fn has(&self, file: &str) -> bool {
        self.files
            .binary_search_by(|own| own.as_str().cmp(file))
            .is_ok()
    }

    /// The Rust files under a folder ("" for all), read.
    pub fn rust(&self, under: &str) -> Vec<(String, Code)> {
        self.files
            .iter()
            .filter(|file| file.starts_with(under) && file.ends_with(".rs"))
            .filter_map(|file| Some((file.clone(), Code::read(&self.text(file)?))))
            .collect()
    }

    /// The packages: folder ("" is the root) and manifest.
    pub fn packages(&self) -> Vec<(String, toml::Table)> {
        self.files
            .iter()
            .filter_map(|file| Some((file.strip_suffix("Cargo.toml")?, self.text(file)?)))
            .filter(|(folder, _)| folder.is_empty() || folder.ends_with('/'))
            .map(|(folder, text)| {
                let table = text
                    .parse()
                    .unwrap_or_else(|error| panic!("{folder}Cargo.toml is not TOML: {error}"));
                (folder.to_owned(), table)
            })
            .filter(|(_, table): &(String, toml::Table)| table.contains_key("package"))
            .collect()
    }

    /// What of the cores is shipped: file and code without tests.
    pub fn shipped_cores(&self) -> Vec<(String, Code)> {
        let reach = self.reachable();
        self.rust("crates/")
            .into_iter()
            .filter(|(file, _)| {
                let core = CORES
                    .iter()
                    .any(|core| file.starts_with(&format!("crates/{core}/src/")));
                core || FOLDS.iter().any(|fold| file.starts_with(fold))
            })
            .filter(|(file, _)| reach.get(file) != Some(&true))
            .map(|(file, code)| (file, code.shipped()))
            .collect()
    }

    /// Every Rust file that some target compiles, and whether only its tests do.
    pub fn reachable(&self) -> BTreeMap<String, bool> {
        let codes: BTreeMap<String, Code> = self.rust("").into_iter().collect();
        let mut found: BTreeMap<String, bool> = BTreeMap::new();
        let mut open: Vec<(String, bool, bool)> = Vec::new();
        for (folder, manifest) in self.packages() {
            open.extend(
                self.targets(&folder, &manifest)
                    .into_iter()
                    .map(|file| (file, true, false)),
            );
        }
        while let Some((file, is_root, test)) = open.pop() {
            let Some(code) = codes.get(&file) else {
                continue;
            };
            if found.get(&file).is_some_and(|known| *known <= test) {
                continue;
            }
            for module in code.modules() {
                let test = test || module.test;
                for child in children(&file, is_root, &module)
                    .into_iter()
                    .filter(|c| self.has(c))
                {
                    open.push((child, false, test));
                }
            }
            found.insert(file, test);
        }
        found
    }

    /// The files with which a package's targets begin.
    fn targets(&self, folder: &str, manifest: &toml::Table) -> BTreeSet<String> {
        let mut roots: BTreeSet<String> = ["src/lib.rs", "src/main.rs", "build.rs"]
            .iter()
            .map(|file| format!("{folder}{file}"))
            .collect();
        let library = manifest
            .get("lib")
            .and_then(|lib| lib.get("path")?.as_str());
        roots.extend(library.map(|path| format!("{folder}{path}")));
        for (kind, auto, home) in [
            ("bin", "autobins", "src/bin/"),
            ("test", "autotests", "tests/"),
            ("bench", "autobenches", "benches/"),
            ("example", "autoexamples", "examples/"),
        ] {
            let home = format!("{folder}{home}");
            let tables = manifest.get(kind).and_then(toml::Value::as_array);
            for table in tables.into_iter().flatten() {
                let value = |key: &str| table.get(key).and_then(toml::Value::as_str);
                roots.extend(value("path").map(|path| format!("{folder}{path}")));
                roots.extend(value("name").map(|name| format!("{home}{name}.rs")));
                roots.extend(value("name").map(|name| format!("{home}{name}/main.rs")));
            }
            let package = manifest.get("package");
            let found = package.and_then(|package| package.get(auto)?.as_bool());
            if found != Some(false) {
                roots.extend(
                    self.files
                        .iter()
                        .filter(|file| begins_target(file, &home))
                        .cloned(),
                );
            }
        }
        roots
    }
}

/// Whether cargo takes the file for a target of its own: `home/x.rs` or `home/x/main.rs`.
fn begins_target(file: &str, home: &str) -> bool {
    let Some(rest) = file.strip_prefix(home) else {
        return false;
    };
    match rest.split_once('/') {
        None => rest.ends_with(".rs"),
        Some((_, inside)) => inside == "main.rs",
    }
}

/// Where a declared module may live.
fn children(file: &str, is_root: bool, module: &Module) -> Vec<String> {
    let (folder, name) = file
        .rsplit_once('/')
        .map_or(("", file), |(folder, name)| (folder, name));
    let beside = |inside: &str| match folder {
        "" => inside.to_owned(),
        folder => format!("{folder}/{inside}"),
    };
    if let Some(path) = &module.path {
        return vec![beside(path)];
    }
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let own = if is_root || stem == "mod" {
        String::new()
    } else {
        format!("{stem}/")
    };
    let name = &module.name;
    vec![
        beside(&format!("{own}{name}.rs")),
        beside(&format!("{own}{name}/mod.rs")),
    ]
}

fn listed_by_git(root: &Path) -> Vec<String> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .expect("git is needed to list the project's files");
    assert!(
        output.status.success(),
        "git: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    let entries = fs::read_dir(folder).expect("a folder of the project can be listed");
    for path in entries.map(|entry| entry.expect("a folder of the project can be listed").path()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                walk(root, &path, found);
            }
        } else if let Ok(relative) = path.strip_prefix(root) {
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}
