//! Personal data as it may be shown: numbers are masked wherever a person did not ask for them
//! with a stated reason (PIPL).

use core::fmt;

/// A telephone number shown as `138****5678`: the first three and the last four digits of a long
/// number, fewer of a short one. Never shows more than half of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Masked<'a>(pub &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.chars().count();
        let (head, tail) = match count {
            11.. => (3, count - 4),
            6.. => (1, count - 2),
            _ => (0, count),
        };
        self.0.chars().enumerate().try_for_each(|(i, c)| {
            if i < head || i >= tail {
                write!(f, "{c}")
            } else {
                write!(f, "*")
            }
        })
    }
}

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_number_cannot_be_dialled() {
        assert_eq!(Masked("13812345678").to_string(), "138****5678");
        assert_eq!(Masked("8888123").to_string(), "8****23");
        assert_eq!(Masked("12345").to_string(), "*****");
        assert_eq!(Masked("").to_string(), "");
        assert_eq!(Masked("匿名").to_string(), "**");
    }
}
