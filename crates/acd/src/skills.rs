//! What a queue asks of a seat: skills with their least levels, joined by "and" and "or".
//!
//! # Grammar
//! ```text
//! skills = any
//! any    = all { "or" all }
//! all    = one { "and" one }
//! one    = "(" any ")" | name [ ">=" level ]
//! name   = letters, digits, "-", "_", "." (at most 23), neither "and" nor "or"
//! level  = 1 to 10; without one, 1
//! ```
//! "and" binds closer than "or"; white space separates and says nothing else.

use core::{fmt, ops::Range};

use hotline_model::{SkillId, diagnostic::Diagnostic, limits};
use serde::{Deserialize, Serialize};

/// What is asked of a seat; by default nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Skills(Need);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    Level(SkillId, u8),
    All(Vec<Need>),
    Any(Vec<Need>),
}

impl Default for Skills {
    fn default() -> Self {
        Self(Need::All(Vec::new()))
    }
}

/// As written; nothing where nothing is asked.
impl From<Skills> for String {
    fn from(skills: Skills) -> Self {
        match skills.is_empty() {
            true => Self::new(),
            false => skills.to_string(),
        }
    }
}

impl TryFrom<String> for Skills {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.is_empty() {
            true => Ok(Self::default()),
            false => Self::parse(&text).map_err(|fault| fault.what),
        }
    }
}

/// All of the skills, each at its least level.
impl From<Vec<(SkillId, u8)>> for Skills {
    fn from(all: Vec<(SkillId, u8)>) -> Self {
        let levels = all.into_iter();
        Self(Need::All(levels.map(|(k, l)| Need::Level(k, l)).collect()))
    }
}

impl Skills {
    /// Reads an expression such as `english>=5 and (tax or social)`.
    ///
    /// # Errors
    /// What is wrong, with the bytes of `text` that are meant.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let mut reader = Reader {
            text,
            tokens: tokens(text)?,
            at: 0,
            levels: 0,
        };
        let need = reader.any(0)?;
        match reader.peek() {
            None => Ok(Self(need)),
            Some((_, span)) => Err(reader.fault(
                span.clone(),
                "here \"and\" or \"or\" is missing, or a parenthesis is left over",
            )),
        }
    }

    /// Whether a seat with these skills and levels will do.
    pub fn met_by(&self, skills: &[(SkillId, u8)]) -> bool {
        self.0.met_by(skills)
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Need::All(all) if all.is_empty())
    }

    /// The skills that are named, each with a level that is asked somewhere.
    pub fn asked(&self) -> Vec<(SkillId, u8)> {
        let mut asked = Vec::new();
        self.0.levels(&mut asked);
        asked
    }

    /// How skilled the seat is for this: the sum of its levels in the skills that are named, each
    /// once.
    pub(crate) fn level_of(&self, skills: &[(SkillId, u8)]) -> u32 {
        let mut named: Vec<SkillId> = self.asked().into_iter().map(|(skill, _)| skill).collect();
        named.sort_unstable();
        named.dedup();
        let level = |name: &SkillId| skills.iter().find(|(has, _)| has == name);
        named
            .iter()
            .filter_map(level)
            .map(|&(_, l)| u32::from(l))
            .sum()
    }
}

impl Need {
    fn met_by(&self, skills: &[(SkillId, u8)]) -> bool {
        match self {
            Self::Level(skill, least) => skills
                .iter()
                .any(|(has, level)| has == skill && level >= least),
            Self::All(needs) => needs.iter().all(|need| need.met_by(skills)),
            Self::Any(needs) => needs.iter().any(|need| need.met_by(skills)),
        }
    }

    fn levels(&self, into: &mut Vec<(SkillId, u8)>) {
        match self {
            Self::Level(skill, level) => into.push((*skill, *level)),
            Self::All(needs) | Self::Any(needs) => {
                needs.iter().for_each(|need| need.levels(into));
            }
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, inner: bool) -> fmt::Result {
        let (needs, word) = match self {
            Self::Level(skill, level) => return write!(f, "{skill}>={level}"),
            Self::All(needs) => (needs, " and "),
            Self::Any(needs) => (needs, " or "),
        };
        let group = inner && needs.len() > 1;
        f.write_str(if group { "(" } else { "" })?;
        for (n, need) in needs.iter().enumerate() {
            f.write_str(if n > 0 { word } else { "" })?;
            need.write(f, true)?;
        }
        f.write_str(if group { ")" } else { "" })
    }
}

impl fmt::Display for Skills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, false)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    AtLeast,
    Word(&'a str),
}

fn tokens(text: &str) -> Result<Vec<(Token<'_>, Range<usize>)>, Diagnostic> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let start = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(found);
        };
        let word = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(rest.len());
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '>' if rest.starts_with(">=") => (Token::AtLeast, 2),
            _ if word > 0 => (Token::Word(rest.get(..word).unwrap_or_default()), word),
            other => {
                let span = start..start + other.len_utf8();
                let what = format!("{other:?} has no meaning in skills");
                return Err(fault(text, span, &what));
            }
        };
        found.push((token, start..start + length));
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn fault(text: &str, span: Range<usize>, what: &str) -> Diagnostic {
    let column = text.get(..span.start).unwrap_or(text).chars().count() + 1;
    let what = format!("{what} (column {column} of the skills)");
    Diagnostic::new(span, what)
        .with_help("write them like \"english>=5 and (tax or social)\", levels 1 to 10")
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<(Token<'a>, Range<usize>)>,
    at: usize,
    levels: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&(Token<'a>, Range<usize>)> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, wanted: Token<'_>) -> bool {
        let found = self.peek().is_some_and(|(token, _)| *token == wanted);
        self.at += usize::from(found);
        found
    }

    fn fault(&self, span: Range<usize>, what: &str) -> Diagnostic {
        fault(self.text, span, what)
    }

    /// The token that stands where another is wanted, or the end.
    fn here(&self) -> Range<usize> {
        let end = self.text.len();
        self.peek().map_or(end..end, |(_, span)| span.clone())
    }

    fn any(&mut self, depth: usize) -> Result<Need, Diagnostic> {
        let mut needs = vec![self.all(depth)?];
        while self.takes(Token::Word("or")) {
            needs.push(self.all(depth)?);
        }
        Ok(one_or(needs, Need::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Need, Diagnostic> {
        let mut needs = vec![self.one(depth)?];
        while self.takes(Token::Word("and")) {
            needs.push(self.one(depth)?);
        }
        Ok(one_or(needs, Need::All))
    }

    fn one(&mut self, depth: usize) -> Result<Need, Diagnostic> {
        let here = self.here();
        if depth > limits::SKILL_DEPTH {
            let what = format!("parentheses stand at most {} deep", limits::SKILL_DEPTH);
            return Err(self.fault(here, &what));
        }
        if self.takes(Token::Open) {
            let need = self.any(depth + 1)?;
            let here = self.here();
            return match self.takes(Token::Close) {
                true => Ok(need),
                false => Err(self.fault(here, "here \")\" is missing")),
            };
        }
        let Some(&(Token::Word(word), _)) = self.peek() else {
            return Err(self.fault(here, "here a skill is missing"));
        };
        if matches!(word, "and" | "or") {
            return Err(self.fault(here, "here a skill is missing"));
        }
        self.at += 1;
        self.levels += 1;
        if self.levels > limits::SKILL_TERMS {
            let what = format!("at most {} skills are asked", limits::SKILL_TERMS);
            return Err(self.fault(here, &what));
        }
        let skill = SkillId::new(word).map_err(|why| self.fault(here, &why.to_string()))?;
        let level = match self.takes(Token::AtLeast) {
            true => self.level()?,
            false => 1,
        };
        Ok(Need::Level(skill, level))
    }

    fn level(&mut self) -> Result<u8, Diagnostic> {
        let here = self.here();
        let level = match self.peek() {
            Some((Token::Word(word), _)) => word.parse().ok(),
            _ => None,
        };
        let level = level.filter(|level| (1..=10).contains(level));
        self.at += 1;
        level.ok_or_else(|| self.fault(here, "after \">=\" stands a level from 1 to 10"))
    }
}

fn one_or(mut needs: Vec<Need>, several: fn(Vec<Need>) -> Need) -> Need {
    match needs.len() {
        1 => needs.swap_remove(0),
        _ => several(needs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(skills: &[(&str, u8)]) -> Vec<(SkillId, u8)> {
        let one = |&(name, level): &(&str, u8)| (SkillId::new(name).unwrap(), level);
        skills.iter().map(one).collect()
    }

    #[test]
    fn and_binds_closer_than_or() {
        let skills = Skills::parse("tax or english>=5 and social").unwrap();
        assert_eq!(skills.to_string(), "tax>=1 or (english>=5 and social>=1)");
        assert!(skills.met_by(&has(&[("tax", 1)])));
        assert!(!skills.met_by(&has(&[("english", 5)])));
        assert!(skills.met_by(&has(&[("english", 5), ("social", 1)])));
        assert!(!skills.met_by(&has(&[("english", 4), ("social", 9)])));
    }

    #[test]
    fn parentheses_bind_closest() {
        let skills = Skills::parse(" english >=5 and(tax or social ) ").unwrap();
        assert_eq!(skills.to_string(), "english>=5 and (tax>=1 or social>=1)");
        assert_eq!(Skills::parse(&skills.to_string()), Ok(skills.clone()));
        assert!(skills.met_by(&has(&[("english", 5), ("social", 1)])));
        assert!(!skills.met_by(&has(&[("tax", 9), ("social", 1)])));
        assert_eq!(
            skills.level_of(&has(&[("english", 7), ("tax", 2), ("x", 9)])),
            9
        );
    }

    #[test]
    fn nothing_asked_is_met_by_nothing() {
        assert!(Skills::default().is_empty() && Skills::default().met_by(&[]));
        let all = Skills::from(has(&[("english", 3), ("tax", 1)]));
        assert!(!all.is_empty() && !all.met_by(&has(&[("english", 3)])));
        assert_eq!(all.to_string(), "english>=3 and tax>=1");
    }

    #[test]
    fn a_fault_names_its_column() {
        let deep = format!("{}a{}", "(".repeat(20), ")".repeat(20));
        let many = ["a"; 40].join(" and ");
        for (text, what, start) in [
            ("", "here a skill is missing (column 1 of the skills)", 0),
            (
                "english and",
                "here a skill is missing (column 12 of the skills)",
                11,
            ),
            (
                "or tax",
                "here a skill is missing (column 1 of the skills)",
                0,
            ),
            (
                "(tax or social",
                "here \")\" is missing (column 15 of the skills)",
                14,
            ),
            (
                "tax social",
                "here \"and\" or \"or\" is missing, or a parenthesis is left over (column 5 of \
                 the skills)",
                4,
            ),
            (
                "tax>=11",
                "after \">=\" stands a level from 1 to 10 (column 6 of the skills)",
                5,
            ),
            (
                "tax>=",
                "after \">=\" stands a level from 1 to 10 (column 6 of the skills)",
                5,
            ),
            (
                "a and 英语",
                "'英' has no meaning in skills (column 7 of the skills)",
                6,
            ),
            (
                "tax > 3",
                "'>' has no meaning in skills (column 5 of the skills)",
                4,
            ),
            (
                &deep,
                "parentheses stand at most 8 deep (column 10 of the skills)",
                9,
            ),
            (
                &many,
                "at most 32 skills are asked (column 193 of the skills)",
                192,
            ),
            (
                "a-name-that-has-24-bytes",
                "a name has at most 23 characters (column 1 of the skills)",
                0,
            ),
        ] {
            let fault = Skills::parse(text).unwrap_err();
            assert_eq!(
                (fault.what.as_str(), fault.span.start),
                (what, start),
                "{text}"
            );
        }
    }
}
