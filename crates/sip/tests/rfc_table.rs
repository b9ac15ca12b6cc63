//! The table of standards in the README: each RFC has its row, each named test exists.

#![cfg(test)]

use std::{fs, path::Path};

/// The standards the engine is asked to speak, or to say that it does not.
const ASKED: &[u16] = &[
    3261, 3262, 3264, 3311, 3325, 3326, 3428, 3515, 3550, 3551, 3581, 3856, 3891, 3892, 4028, 4488,
    4538, 4568, 4733, 5373, 5621, 5626, 5761, 5763, 5764, 6026, 6357, 6665, 7118, 7339, 7616, 7866,
    8445, 8760, 8866,
];

const NO_TEST: &str = "none here";

fn root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.parent().unwrap()
}

/// The rows of the table, by cell.
fn rows() -> Vec<Vec<String>> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(readme).unwrap();
    text.lines()
        .filter(|line| line.starts_with("| ["))
        .map(|line| {
            let line = line.trim_start_matches('|').trim_end_matches('|');
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The tests a cell names: file and function.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    let named = cell.split('`').skip(1).step_by(2);
    named.map(|name| name.split_once("::").unwrap()).collect()
}

/// Whether `source` has a test called `name`.
fn has_test(source: &str, name: &str) -> bool {
    let start = format!("fn {name}(");
    source.match_indices(&start).any(|(at, _)| {
        let lines = source[..at].lines().rev().take(4);
        lines.into_iter().any(|line| line.trim() == "#[test]")
    })
}

#[test]
fn every_standard_has_its_row() {
    let rows = rows();
    let mut numbers = Vec::new();
    for row in &rows {
        assert_eq!(row.len(), 5, "{row:?}");
        let number = row[0].trim_start_matches('[').split(']').next().unwrap();
        numbers.push(number.parse::<u16>().unwrap());
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "in order, once each");
    for asked in ASKED {
        assert!(numbers.contains(asked), "RFC {asked} has no row");
    }
}

#[test]
fn every_named_test_is_there() {
    let mut named = 0;
    for row in rows() {
        let cell = &row[4];
        if cell == NO_TEST {
            continue;
        }
        let tests = tests(cell);
        assert!(!tests.is_empty(), "no test in {row:?}");
        for (file, name) in tests {
            let source = fs::read_to_string(root().join(file));
            let source = source.unwrap_or_else(|why| panic!("{file}: {why}"));
            assert!(has_test(&source, name), "{file} has no test {name}");
            named += 1;
        }
    }
    assert!(named > 50, "{named}");
}

#[test]
fn a_name_that_is_no_test_is_noticed() {
    assert!(has_test("#[test]\nfn a() {}", "a"));
    assert!(!has_test("#[test]\nfn ab() {}", "a"));
    assert!(!has_test("fn a() {}", "a"));
}
