//! What is wrong with something a person wrote: what, where, and what to do.

use core::ops::Range;

/// One fault in a configuration file or a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// Byte range in the text.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A fault at `span`.
    pub fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            span,
            help: None,
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Line of the fault in `text`, counted from 1.
    pub fn line(&self, text: &str) -> usize {
        let upto = self.span.start.min(text.len());
        text.bytes().take(upto).filter(|&b| b == b'\n').count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        assert_eq!(Diagnostic::new(0..1, "x").line("a\nb\n"), 1);
        assert_eq!(Diagnostic::new(2..3, "x").line("a\nb\n"), 2);
        assert_eq!(Diagnostic::new(99..99, "x").line("a\nb"), 2);
    }
}
