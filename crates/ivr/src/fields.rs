//! A TOML table while it is read: fields are taken out by name, and what is left is a fault.

use core::{
    fmt::Display,
    ops::{Range, RangeInclusive},
};

use hotline_model::diagnostic::Diagnostic;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::near;

/// One field with the places of its name and of its value.
pub(crate) struct Field<'t> {
    /// The name.
    pub name: Spanned<String>,
    /// The value.
    pub value: Spanned<DeValue<'t>>,
}

/// The fields of a table that are not yet read, in the order of the text.
pub(crate) struct Fields<'t>(Vec<Field<'t>>);

impl<'t> Fields<'t> {
    pub(crate) fn of(table: DeTable<'t>) -> Self {
        let mut fields: Vec<_> = table
            .into_iter()
            .map(|(name, value)| Field {
                name: Spanned::new(name.span(), name.into_inner().into_owned()),
                value,
            })
            .collect();
        fields.sort_by_key(|field| field.name.span().start);
        Self(fields)
    }

    /// Place of the field's name, if the field is there.
    pub(crate) fn place(&self, name: &str) -> Option<Range<usize>> {
        let field = self.0.iter().find(|field| field.name.get_ref() == name)?;
        Some(field.name.span())
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Spanned<DeValue<'t>>> {
        let at = self.0.iter().position(|f| f.name.get_ref() == name)?;
        Some(self.0.remove(at).value)
    }

    pub(crate) fn text(
        &mut self,
        name: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Spanned<String>> {
        let value = self.take(name)?;
        text(name, value, faults)
    }

    /// A text, or a list of texts: `"a"` is `["a"]`.
    pub(crate) fn texts(
        &mut self,
        name: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Vec<Spanned<String>> {
        let Some(value) = self.take(name) else {
            return Vec::new();
        };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(list) => list
                .into_iter()
                .filter_map(|value| text(name, value, faults))
                .collect(),
            other => text(name, Spanned::new(span, other), faults)
                .into_iter()
                .collect(),
        }
    }

    pub(crate) fn truth(&mut self, name: &str, faults: &mut Vec<Diagnostic>) -> Option<bool> {
        let value = self.take(name)?;
        if let DeValue::Boolean(truth) = value.get_ref() {
            return Some(*truth);
        }
        faults.push(wrong_kind(name, "true or false", &value));
        None
    }

    /// A whole number within `bounds`.
    pub(crate) fn number<T>(
        &mut self,
        name: &str,
        bounds: &RangeInclusive<T>,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<T>
    where
        T: TryFrom<u32> + PartialOrd + Display,
    {
        let value = self.take(name)?;
        let (low, high) = (bounds.start(), bounds.end());
        if let DeValue::Integer(integer) = value.get_ref() {
            let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
            let number = number.and_then(|number| T::try_from(number).ok());
            if let Some(number) = number.filter(|number| bounds.contains(number)) {
                return Some(number);
            }
        }
        let kind = format!("a whole number from {low} to {high}");
        faults.push(wrong_kind(name, &kind, &value));
        None
    }

    /// The fields of a table inside this one.
    pub(crate) fn table(
        &mut self,
        name: &str,
        example: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Fields<'t>> {
        let value = self.take(name)?;
        if !matches!(value.get_ref(), DeValue::Table(_)) {
            faults.push(wrong_kind(name, "a table", &value).with_help(format!("write {example}")));
            return None;
        }
        match value.into_inner() {
            DeValue::Table(table) => Some(Fields::of(table)),
            _ => None,
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The place of a field that is nearly called as one of `names`, with that name.
    pub(crate) fn nearly<'n>(&self, names: &[&'n str]) -> Option<(Spanned<&str>, &'n str)> {
        self.0.iter().find_map(|field| {
            let name = field.name.get_ref().as_str();
            let near = near::nearest(name, names.iter().copied())?;
            Some((Spanned::new(field.name.span(), name), near))
        })
    }

    /// Everything that is left is a fault: `known` are the names that may stand in `place`.
    pub(crate) fn refuse_rest(self, place: &str, known: &[&str], faults: &mut Vec<Diagnostic>) {
        for field in self.0 {
            let name = field.name.get_ref();
            let help = match near::nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{place} may have: {}", known.join(", ")),
            };
            let what = format!("{place} has no setting `{name}`");
            faults.push(Diagnostic::new(field.name.span(), what).with_help(help));
        }
    }
}

impl<'t> IntoIterator for Fields<'t> {
    type Item = Field<'t>;
    type IntoIter = std::vec::IntoIter<Field<'t>>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The value as a text; another kind of value is a fault of the setting `name`.
pub(crate) fn text(
    name: &str,
    value: Spanned<DeValue<'_>>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Spanned<String>> {
    let span = value.span();
    if !matches!(value.get_ref(), DeValue::String(_)) {
        faults.push(wrong_kind(name, "a text in quotes", &value));
        return None;
    }
    match value.into_inner() {
        DeValue::String(text) => Some(Spanned::new(span, text.into_owned())),
        _ => None,
    }
}

fn wrong_kind(name: &str, wanted: &str, value: &Spanned<DeValue<'_>>) -> Diagnostic {
    let found = match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(integer) => &format!("the number {integer}"),
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Diagnostic::new(
        value.span(),
        format!("`{name}` is {wanted}, but this is {found}"),
    )
}
