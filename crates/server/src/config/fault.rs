//! A fault in something a person wrote, shown with file, line and what to do.

use std::{fmt, path::PathBuf};

use hotline_model::diagnostic::Diagnostic;
use miette::{Diagnostic as Miette, LabeledSpan, NamedSource, SourceSpan};

/// All faults found in one file.
#[derive(Debug)]
pub struct FileFaults {
    /// The file.
    pub file: PathBuf,
    /// Its text; empty when it could not be read.
    pub text: String,
    /// The faults.
    pub faults: Vec<Diagnostic>,
}

impl FileFaults {
    /// One fault of a whole file: missing, unreadable.
    pub fn whole(file: impl Into<PathBuf>, what: impl Into<String>, help: &str) -> Self {
        let fault = Diagnostic::new(0..0, what).with_help(help);
        Self {
            file: file.into(),
            text: String::new(),
            faults: vec![fault],
        }
    }
}

impl fmt::Display for FileFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            let line = if self.text.is_empty() {
                String::new()
            } else {
                format!(":{}", fault.line(&self.text))
            };
            writeln!(f, "{}{line}: {}", self.file.display(), fault.what)?;
            if !self.text.is_empty() {
                self.excerpt(f, fault)?;
            }
            if let Some(help) = &fault.help {
                writeln!(f, "  help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for FileFaults {}

impl FileFaults {
    /// The lines around the fault, drawn by miette.
    fn excerpt(&self, f: &mut fmt::Formatter<'_>, fault: &Diagnostic) -> fmt::Result {
        let length = fault
            .span
            .end
            .min(self.text.len())
            .saturating_sub(fault.span.start);
        let shown = Excerpt {
            source: NamedSource::new(self.file.display().to_string(), self.text.clone()),
            label: LabeledSpan::new_with_span(
                None,
                SourceSpan::new(fault.span.start.min(self.text.len()).into(), length),
            ),
        };
        let mut drawn = String::new();
        miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
            .with_context_lines(1)
            .render_report(&mut drawn, &shown)
            .map_err(|_| fmt::Error)?;
        // The handler repeats the (empty) message above the source; the lines with a bar are it.
        for line in drawn
            .lines()
            .filter(|line| line.contains('│') || line.contains('·'))
        {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Excerpt {
    source: NamedSource<String>,
    label: LabeledSpan,
}

impl fmt::Display for Excerpt {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Excerpt {}

impl Miette for Excerpt {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}
