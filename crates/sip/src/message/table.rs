//! Where each header of a message stands: a table of offsets without heap, and the first place of
//! each well-known name.

use hotline_model::limits::SIP_HEADERS;

use super::name::Name;

/// One header of a message whose head is at most 65,535 bytes long. Eight bytes, for 256 of them
/// are cleared and copied with each message.
#[derive(Clone, Copy)]
struct Entry {
    written: u16,
    value: u16,
    value_length: u16,
    written_length: u8,
    name: Name,
}

impl Entry {
    fn of(name: Name, whole: &[u8], written: &[u8], value: &[u8]) -> Option<Self> {
        let start = place(whole, written)?;
        let value_start = place(whole, value)?;
        // The end is the largest of these numbers: where it fits, they all do.
        u16::try_from(value_start.checked_add(value.len())?).ok()?;
        (start <= value_start && written.len() <= LONGEST_NAME).then_some(Self {
            name,
            written: start as u16,
            written_length: written.len() as u8,
            value: value_start as u16,
            value_length: value.len() as u16,
        })
    }

    fn written<'a>(&self, whole: &'a [u8]) -> &'a [u8] {
        read(whole, self.written, u16::from(self.written_length))
    }

    fn value<'a>(&self, whole: &'a [u8]) -> &'a [u8] {
        read(whole, self.value, self.value_length)
    }
}

/// Offset of `part`, which is a piece of `whole`. Only addresses are compared; a piece of
/// something else gives an offset at which [`read`] finds nothing.
fn place(whole: &[u8], part: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)
}

fn read(whole: &[u8], start: u16, length: u16) -> &[u8] {
    let start = usize::from(start);
    whole
        .get(start..start + usize::from(length))
        .unwrap_or_default()
}

/// Longest name of a header, bytes: RFC 4475 §3.1.1.7 has one of 93. A longer one is answered 400.
pub(super) const LONGEST_NAME: usize = 255;

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
    #[inline]
    pub(super) const fn new() -> Self {
        const NONE: Entry = Entry {
            written: 0,
            value: 0,
            value_length: 0,
            written_length: 0,
            name: Name::Other,
        };
        Self {
            entries: [NONE; SIP_HEADERS],
            length: 0,
            first: [0; NAMES],
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.length as usize
    }

    /// Files one header. `None` where the table is full, the header stands too far back, or its
    /// name is too long.
    pub(super) fn push(
        &mut self,
        name: Name,
        whole: &[u8],
        written: &[u8],
        value: &[u8],
    ) -> Option<()> {
        let entry = Entry::of(name, whole, written, value)?;
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
        let entries = self.entries.get(..self.len()).unwrap_or_default();
        entries
            .iter()
            .map(move |entry| (entry.written(whole), entry.name, entry.value(whole)))
    }

    /// The value of the first header called `name`.
    pub(super) fn first<'a>(&self, whole: &'a [u8], name: Name) -> Option<&'a [u8]> {
        let position = usize::from(*self.first.get(name as usize)?).checked_sub(1)?;
        self.entries.get(position).map(|entry| entry.value(whole))
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
            .map(move |entry| entry.value(whole))
    }
}
