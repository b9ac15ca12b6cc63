//! `[media]`: the formats of sound with trunks and with seats.

use hotline_calls::settings::{Format, Formats, SoundFormats};
use hotline_model::diagnostic::Diagnostic;
use toml::Spanned;

use super::files::Media;

/// The names as they are written.
type Names = Spanned<Vec<Spanned<String>>>;

/// Both lists; what is not written is as [`SoundFormats::default`] has it.
pub fn check(media: &Media, found: &mut Vec<Diagnostic>) -> SoundFormats {
    let usual = SoundFormats::default();
    SoundFormats {
        trunks: list(media.trunk_formats.as_ref(), usual.trunks, found),
        seats: list(media.seat_formats.as_ref(), usual.seats, found),
    }
}

fn list(names: Option<&Names>, usual: Formats, found: &mut Vec<Diagnostic>) -> Formats {
    let Some(names) = names else { return usual };
    if names.get_ref().is_empty() {
        let what = "without a format there is no sound";
        let help = "name at least one, e.g. [\"PCMA\", \"PCMU\"]";
        found.push(Diagnostic::new(names.span(), what).with_help(help));
    }
    let named = names
        .get_ref()
        .iter()
        .filter_map(|name| format(name, found));
    Formats::of(&named.collect::<Vec<_>>())
}

fn format(name: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<Format> {
    let format = Format::named(name.get_ref());
    let (what, help) = match format {
        Some(format) if format.is_built() => return Some(format),
        Some(_) => (
            format!("this engine was built without {}", name.get_ref()),
            "delete it, or build the engine with `cargo build --release -p hotline-server \
             --features opus`, which takes CMake",
        ),
        None => (
            format!("there is no format {:?}", name.get_ref()),
            "write \"PCMA\", \"PCMU\", \"G722\" or \"opus\"",
        ),
    };
    found.push(Diagnostic::new(name.span(), what).with_help(help));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> (SoundFormats, Vec<String>) {
        let media: Media = toml::from_str(&format!("ports = [20000, 20098]\n{more}")).unwrap();
        let mut found = Vec::new();
        let formats = check(&media, &mut found);
        (formats, found.into_iter().map(|fault| fault.what).collect())
    }

    #[test]
    fn lists_are_taken_in_their_order_and_each_has_its_usual_one() {
        let usual = SoundFormats::default();
        assert_eq!(read(""), (usual, Vec::new()));
        let (formats, faults) = read("seat_formats = [\"g722\", \"PCMA\", \"G722\"]");
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(formats.trunks, usual.trunks);
        assert_eq!(formats.seats, Formats::of(&[Format::G722, Format::Pcma]));
        let (formats, _) = read("trunk_formats = [\"PCMU\"]");
        assert_eq!(formats.trunks, Formats::of(&[Format::Pcmu]));
    }

    #[test]
    fn what_is_no_format_is_a_fault() {
        assert!(read("trunk_formats = [\"G729\"]").1[0].contains("no format \"G729\""));
        assert!(read("trunk_formats = [\"L16\"]").1[0].contains("no format"));
        assert!(read("seat_formats = []").1[0].contains("no sound"));
        let (formats, faults) = read("seat_formats = [\"opus\", \"PCMA\"]");
        if Format::Opus.is_built() {
            assert!(faults.is_empty() && formats.seats.contains(Format::Opus));
        } else {
            assert_eq!(faults, ["this engine was built without opus"]);
        }
    }
}
