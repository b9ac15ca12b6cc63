//! A few formats in the order in which one end of a session likes them.

use core::fmt;

use super::Format;

/// Formats that can be agreed on: all but [`Format::L16`].
const MOST: usize = 4;

/// What one end of a session may use, best first; none twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// The first `count` count.
    list: [Format; MOST],
    count: usize,
}

impl Formats {
    /// What can be relayed, played and recorded byte by byte: a session uses nothing else where
    /// nothing else is said.
    pub const G711: Self = Self {
        list: [Format::Pcma, Format::Pcmu, Format::L16, Format::L16],
        count: 2,
    };

    /// These, without repetitions and without [`Format::L16`].
    pub fn of(formats: &[Format]) -> Self {
        let mut own = Self {
            list: [Format::L16; MOST],
            count: 0,
        };
        for &format in formats {
            if format != Format::L16
                && !own.contains(format)
                && let Some(place) = own.list.get_mut(own.count)
            {
                *place = format;
                own.count += 1;
            }
        }
        own
    }

    /// The same with one of them first. One that is not among them changes nothing.
    #[must_use]
    pub fn led_by(self, first: Format) -> Self {
        if !self.contains(first) {
            return self;
        }
        let mut led = [Format::L16; MOST + 1];
        led.iter_mut()
            .zip(core::iter::once(first).chain(self.iter()))
            .for_each(|(to, format)| *to = format);
        Self::of(&led)
    }

    /// Whether it is one of them.
    pub fn contains(&self, format: Format) -> bool {
        self.iter().any(|it| it == format)
    }

    /// They, best first.
    pub fn iter(&self) -> impl Iterator<Item = Format> {
        self.list.into_iter().take(self.count)
    }
}

impl fmt::Debug for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(formats: Formats) -> Vec<Format> {
        formats.iter().collect()
    }

    #[test]
    fn each_is_there_once_and_one_can_be_put_first() {
        use Format::{G722, L16, Opus, Pcma, Pcmu};
        let all = Formats::of(&[Pcma, Pcmu, Pcma, L16, G722, Opus, G722]);
        assert_eq!(list(all), [Pcma, Pcmu, G722, Opus]);
        assert_eq!(list(all.led_by(G722)), [G722, Pcma, Pcmu, Opus]);
        assert_eq!(list(all.led_by(Opus)), [Opus, Pcma, Pcmu, G722]);
        assert_eq!(list(all.led_by(Pcma)), list(all));
        assert_eq!(list(Formats::G711), [Pcma, Pcmu]);
        assert_eq!(list(Formats::G711.led_by(Pcmu)), [Pcmu, Pcma]);
        assert_eq!(Formats::G711.led_by(G722), Formats::G711);
        assert_eq!(list(Formats::of(&[])), []);
    }
}
