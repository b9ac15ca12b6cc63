//! Where each header of a message stands: a table of offsets without heap, and the first place of
//! each well-known name.

use hotline_model::limits::SIP_HEADERS;

use super::name::Name;

/// Offsets into a message whose head is at most 65,535 bytes long.
#[derive(Clone, Copy, Default)]
struct Entry {
    name: Name,
    written: Span,
    value: Span,
}

#[derive(Clone, Copy, Default)]
struct Span {
    start: u16,
    length: u16,
}

impl Span {
    /// The place of `part`, which is a piece of `whole`.
    fn of(whole: &[u8], part: &[u8]) -> Option<Self> {
        // Only the addresses are compared; a part from elsewhere yields a span that `read` finds
        // empty.
        let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
        let end = start.checked_add(part.len())?;
        u16::try_from(end).ok()?;
        Some(Self {
            start: u16::try_from(start).ok()?,
            length: u16::try_from(part.len()).ok()?,
        })
    }

    fn read<'a>(&self, whole: &'a [u8]) -> &'a [u8] {
        let start = usize::from(self.start);
        whole
            .get(start..start + usize::from(self.length))
            .unwrap_or_default()
    }
}

/// Number of [`Name`]s, [`Name::Other`] included.
const NAMES: usize = Name::ALL.len() + 1;

/// The headers of one message in order.
#[derive(Clone)]
pub(super) struct Table {
    entries: [Entry; SIP_HEADERS],
    length: u16,
    /// Position + 1 of the first header of each name; 0: there is none.
    first: [u16; NAMES],
}

/// One filed header: name as written, name, raw value.
pub(super) type Filed<'a> = (&'a [u8], Name, &'a [u8]);

impl Table {
    pub(super) fn new() -> Self {
        Self {
            entries: [Entry::default(); SIP_HEADERS],
            length: 0,
            first: [0; NAMES],
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.length as usize
    }

    /// Files one header. `None` where the table is full or the header stands too far back.
    pub(super) fn push(
        &mut self,
        name: Name,
        whole: &[u8],
        written: &[u8],
        value: &[u8],
    ) -> Option<()> {
        let entry = Entry {
            name,
            written: Span::of(whole, written)?,
            value: Span::of(whole, value)?,
        };
        let position = self.len();
        *self.entries.get_mut(position)? = entry;
        self.length += 1;
        let first = self.first.get_mut(name as usize)?;
        if *first == 0 {
            *first = self.length;
        }
        Some(())
    }

    pub(super) fn has(&self, name: Name) -> bool {
        self.first
            .get(name as usize)
            .is_some_and(|&first| first > 0)
    }

    /// Every header, in order.
    pub(super) fn all<'a>(&self, whole: &'a [u8]) -> impl Iterator<Item = Filed<'a>> {
        Self::read(self.entries.get(..self.len()).unwrap_or_default(), whole)
    }

    /// The value of the first header called `name`.
    pub(super) fn first<'a>(&self, whole: &'a [u8], name: Name) -> Option<&'a [u8]> {
        let position = usize::from(*self.first.get(name as usize)?).checked_sub(1)?;
        self.entries
            .get(position)
            .map(|entry| entry.value.read(whole))
    }

    /// The values of all headers called `name`, in order.
    pub(super) fn named<'a>(&self, whole: &'a [u8], name: Name) -> impl Iterator<Item = &'a [u8]> {
        let first = self.first.get(name as usize).copied().unwrap_or_default();
        let start = match usize::from(first) {
            0 => self.len(),
            position => position - 1,
        };
        let from_first = self.entries.get(start..self.len()).unwrap_or_default();
        from_first
            .iter()
            .filter(move |entry| entry.name == name)
            .map(move |entry| entry.value.read(whole))
    }

    fn read<'a, 't>(
        entries: &'t [Entry],
        whole: &'a [u8],
    ) -> impl Iterator<Item = Filed<'a>> + use<'a, 't> {
        entries.iter().map(move |entry| {
            let written = entry.written.read(whole);
            (written, entry.name, entry.value.read(whole))
        })
    }
}
