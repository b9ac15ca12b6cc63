//! Just enough of Rust's grammar for the rules: tokens without comments, which of them are test
//! code, the paths that are named, the modules that are declared, the functions and their length.

/// One token. Comments, lifetimes and white space leave none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The identifier, the punctuation (`::` is one token), or the inside of a literal.
    pub text: String,
    /// Whether it is a string, character or number.
    pub literal: bool,
    /// Line in the file, from 1.
    pub line: usize,
}

/// A module that a file declares and does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// The value of its `#[path]`, if it has one.
    pub path: Option<String>,
    /// Whether only tests compile it.
    pub test: bool,
}

/// A path that code names, with `use` trees written out: `use a::{b, c::d};` names `a::b`, `a::c::d`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its segments.
    pub segments: Vec<String>,
    /// Line in the file, from 1.
    pub line: usize,
}

impl Named {
    /// Whether the path holds these segments in a row, or imports all (`*`) of a module above them.
    pub fn names(&self, banned: &[&str]) -> bool {
        let own: Vec<&str> = self.segments.iter().map(String::as_str).collect();
        match own.split_last() {
            Some((&"*", module)) => banned.starts_with(module) || contains(module, banned),
            _ => contains(&own, banned),
        }
    }
}

fn contains(segments: &[&str], row: &[&str]) -> bool {
    segments
        .windows(row.len().max(1))
        .any(|window| window == row)
}

/// A Rust file, read.
#[derive(Debug)]
pub struct Code {
    /// All tokens.
    pub tokens: Vec<Token>,
    /// For each token, whether it is compiled for tests only.
    pub test: Vec<bool>,
}

impl Code {
    /// Reads a file's text.
    pub fn read(source: &str) -> Self {
        let tokens = tokens(source);
        let test = test_mask(&tokens);
        Self { tokens, test }
    }

    /// The token's text, or nothing past the end.
    pub fn text(&self, at: usize) -> &str {
        text(&self.tokens, at)
    }

    /// The tokens that are not for tests only.
    pub fn shipped(&self) -> Self {
        let tokens: Vec<Token> = self
            .tokens
            .iter()
            .zip(&self.test)
            .filter(|(_, test)| !**test)
            .map(|(token, _)| token.clone())
            .collect();
        let test = vec![false; tokens.len()];
        Self { tokens, test }
    }

    /// Every path named.
    pub fn named(&self) -> Vec<Named> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if self.is_word(at, "use") && self.text(at + 1) != "<" {
                at = self.use_tree(at + 1, &[], &mut found);
            } else if self.is_name(at) {
                let line = self.line(at);
                let (segments, next) = self.path(at);
                found.push(Named { segments, line });
                at = next;
            } else {
                at += 1;
            }
        }
        found
    }

    /// The modules declared here that live in files of their own.
    pub fn modules(&self) -> Vec<Module> {
        let mut found = Vec::new();
        let mut path = None;
        for at in 0..self.tokens.len() {
            let attribute = self.text(at) == "[" && self.text(at + 1) == "path";
            if attribute && self.text(at + 2) == "=" {
                path = Some(self.text(at + 3).to_owned());
            }
            if self.is_word(at, "mod") && self.is_name(at + 1) && self.text(at + 2) == ";" {
                found.push(Module {
                    name: self.text(at + 1).to_owned(),
                    path: path.clone(),
                    test: self.test.get(at).copied().unwrap_or_default(),
                });
            }
            if matches!(self.text(at), ";" | "{" | "}") {
                path = None;
            }
        }
        found
    }

    /// The functions with a body: name, line, number of lines.
    pub fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            if self.is_word(at, "fn") && self.is_name(at + 1) {
                let end = item_end(&self.tokens, at);
                if self.text(end) == "}" {
                    let lines = self.line(end) + 1 - self.line(at);
                    found.push((self.text(at + 1).to_owned(), self.line(at), lines));
                }
            }
        }
        found
    }

    fn line(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |token| token.line)
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| !token.literal && token.text == word)
    }

    fn is_name(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| !token.literal && token.text.starts_with(is_name_start))
    }

    fn path(&self, at: usize) -> (Vec<String>, usize) {
        let mut segments = vec![self.text(at).to_owned()];
        let mut next = at + 1;
        while self.text(next) == "::" && self.is_name(next + 1) {
            segments.push(self.text(next + 1).to_owned());
            next += 2;
        }
        (segments, next)
    }

    /// Writes out the `use` tree that begins at `at`, and returns where it ends.
    fn use_tree(&self, at: usize, above: &[String], found: &mut Vec<Named>) -> usize {
        let line = self.line(at);
        let mut segments = above.to_vec();
        let mut next = if self.text(at) == "::" { at + 1 } else { at };
        loop {
            if self.text(next) == "{" {
                return self.use_group(next + 1, &segments, found);
            }
            if self.is_name(next) || self.text(next) == "*" {
                segments.push(self.text(next).to_owned());
                next += 1;
            }
            if self.text(next) != "::" {
                break;
            }
            next += 1;
        }
        if segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        found.push(Named { segments, line });
        if self.is_word(next, "as") {
            next + 2
        } else {
            next
        }
    }

    fn use_group(&self, at: usize, above: &[String], found: &mut Vec<Named>) -> usize {
        let mut next = at;
        while next < self.tokens.len() && self.text(next) != "}" {
            next = if self.text(next) == "," {
                next + 1
            } else {
                self.use_tree(next, above, found).max(next + 1)
            };
        }
        next + 1
    }
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_name_rest(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Splits a source text. Unbalanced or unfinished text ends where the file ends.
fn tokens(source: &str) -> Vec<Token> {
    let mut scanner = Scanner {
        rest: source,
        line: 1,
        found: Vec::new(),
    };
    while !scanner.rest.is_empty() {
        scanner.step();
    }
    scanner.found
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    found: Vec<Token>,
}

impl<'a> Scanner<'a> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.take(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.take(block_comment(rest));
        } else if let Some((open, hashes)) = string_start(rest) {
            self.string(open, hashes);
        } else if rest.starts_with('\'') {
            self.quote();
        } else if rest.starts_with(is_name_start) {
            let raw = if rest.starts_with("r#") { 2 } else { 0 };
            self.take(raw);
            let name = self.take_while(is_name_rest);
            self.push(name, false);
        } else if rest.starts_with(|c: char| c.is_ascii_digit()) {
            let number = self.take_while(is_name_rest);
            self.push(number, true);
        } else if rest.starts_with("::") {
            self.take(2);
            self.push("::", false);
        } else {
            let c = self.take(rest.chars().next().map_or(1, char::len_utf8));
            if !c.trim().is_empty() {
                self.push(c, false);
            }
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, keep: fn(char) -> bool) -> &'a str {
        self.take(self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len()))
    }

    fn push(&mut self, text: &str, literal: bool) {
        self.found.push(Token {
            text: text.to_owned(),
            literal,
            line: self.line,
        });
    }

    /// A string whose opening takes `open` bytes; raw with `Some(number of #)`.
    fn string(&mut self, open: usize, hashes: Option<usize>) {
        let line = self.line;
        self.take(open);
        let (inside, close) = match hashes {
            Some(count) => {
                let end = format!("\"{}", "#".repeat(count));
                (self.rest.find(&end).unwrap_or(self.rest.len()), end.len())
            }
            None => (escaped_end(self.rest, '"'), 1),
        };
        let text = self.take(inside).to_owned();
        self.take(close);
        self.found.push(Token {
            text,
            literal: true,
            line,
        });
    }

    /// A character, or a lifetime, which leaves no token.
    fn quote(&mut self) {
        self.take(1);
        let mut chars = self.rest.chars();
        let first = chars.next();
        if first == Some('\\') || chars.next() == Some('\'') {
            let inside = self.take(escaped_end(self.rest, '\''));
            self.push(inside, true);
            self.take(1);
        } else {
            self.take_while(is_name_rest);
        }
    }
}

/// Where an unescaped `close` stands. The first character is never it: `'''` is not Rust.
fn escaped_end(text: &str, close: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && c == close {
            return at;
        }
        escaped = !escaped && c == '\\';
    }
    text.len()
}

/// The length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Whether a string literal begins here: how long its opening is, and its `#`s when it is raw.
fn string_start(text: &str) -> Option<(usize, Option<usize>)> {
    let prefix = text
        .find(|c| !matches!(c, 'b' | 'c' | 'r'))
        .unwrap_or(text.len());
    let after = text.get(prefix..)?;
    match text.get(..prefix)? {
        "" | "b" | "c" if after.starts_with('"') => Some((prefix + 1, None)),
        "r" | "br" | "cr" => {
            let hashes = after.find(|c| c != '#')?;
            let opens = after.get(hashes..)?.starts_with('"');
            opens.then_some((prefix + hashes + 1, Some(hashes)))
        }
        _ => None,
    }
}

/// Marks what is compiled for tests only: items under `#[test]` or a `#[cfg]` that asks for `test`.
fn test_mask(tokens: &[Token]) -> Vec<bool> {
    let mut mask = vec![false; tokens.len()];
    let mut at = 0;
    while at < tokens.len() {
        let inner = text(tokens, at + 1) == "!";
        let open = if inner { at + 2 } else { at + 1 };
        if text(tokens, at) != "#" || text(tokens, open) != "[" {
            at += 1;
            continue;
        }
        let close = closing(tokens, open);
        let end = match is_for_tests(tokens.get(open + 1..close).unwrap_or_default()) {
            false => close,
            true if inner => tokens.len(),
            true => item_end(tokens, close + 1),
        };
        if end > close {
            mask.iter_mut()
                .take(end + 1)
                .skip(at)
                .for_each(|token| *token = true);
        }
        at = end + 1;
    }
    mask
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().map(|token| token.text.as_str()).collect();
    match words.as_slice() {
        ["test"] | [.., "::", "test"] => true,
        ["cfg", rest @ ..] => {
            rest.contains(&"test") && !rest.windows(3).any(|row| row == ["not", "(", "test"])
        }
        _ => false,
    }
}

/// Where the bracket that opens at `open` closes.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens
        .iter()
        .enumerate()
        .skip(open)
        .filter(|(_, token)| !token.literal)
    {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// Words with which an item or statement begins that a comma does not end.
const ITEM_WORDS: [&str; 16] = [
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "let",
    "macro_rules",
    "mod",
    "static",
    "struct",
    "trait",
    "type",
    "union",
    "unsafe",
    "use",
];

/// The last token of the item whose attributes or words begin at `from`.
fn item_end(tokens: &[Token], from: usize) -> usize {
    let mut at = from;
    while text(tokens, at) == "#" {
        at = closing(tokens, at + 1) + 1;
    }
    if text(tokens, at) == "pub" {
        at = if text(tokens, at + 1) == "(" {
            closing(tokens, at + 1) + 1
        } else {
            at + 1
        };
    }
    let item = ITEM_WORDS.contains(&text(tokens, at));
    while at < tokens.len() {
        let literal = tokens.get(at).is_some_and(|token| token.literal);
        match text(tokens, at) {
            _ if literal => at += 1,
            ";" => return at,
            "," if !item => return at,
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at) + 1,
            ")" | "]" | "}" => return at.saturating_sub(1),
            _ => at += 1,
        }
    }
    tokens.len()
}
