//! The house's own reasons for not being ready, as written in `seats.toml`.

use hotline_calls::settings::OwnReasonSettings;
use hotline_model::{
    diagnostic::Diagnostic,
    limits::OWN_REASONS,
    seat::{OWN_REASON_BYTES, OwnReason},
};

use super::{File, files::SeatsFile, once};

/// Star codes that mean something already.
const TAKEN: [&str; 8] = ["*1", "*2", "*21", "*22", "*23", "*24", "*3", "*4"];

/// The reasons, in the order of the file.
pub(super) fn check(file: &mut File<SeatsFile>) -> Vec<OwnReasonSettings> {
    let (mut ids, mut codes) = (Vec::new(), Vec::new());
    let mut reasons = Vec::new();
    let found = &mut file.found;
    for keys in &file.value.reason {
        let code = keys.code.as_ref().map(|code| {
            let digits = code.get_ref().strip_prefix('*').unwrap_or_default();
            let is_code =
                (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            if !is_code || TAKEN.contains(&code.get_ref().as_str()) {
                let what = "`code` is a star and one to four digits, as \"*25\"";
                let help = format!("these mean something already: {}", TAKEN.join(" "));
                found.push(Diagnostic::new(code.span(), what).with_help(help));
            }
            once(&mut codes, code.get_ref().clone(), code, "star code", found);
            code.get_ref().clone()
        });
        let Some(id) = OwnReason::new(keys.id.get_ref()) else {
            let what = format!("{:?} cannot be the word of a reason", keys.id.get_ref());
            let help = format!(
                "write at most {OWN_REASON_BYTES} lower-case letters, digits and '-', and none of \
                 the reasons that there are; what people read is its `name`"
            );
            found.push(Diagnostic::new(keys.id.span(), what).with_help(help));
            continue;
        };
        once(&mut ids, id, &keys.id, "reason", found);
        let name = keys.name.clone();
        reasons.push(OwnReasonSettings { id, name, code });
    }
    if let Some(one_more) = file.value.reason.get(OWN_REASONS) {
        let what = format!("more than {OWN_REASONS} reasons");
        found.push(Diagnostic::new(one_more.id.span(), what));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::{super::file_of, *};

    #[test]
    fn a_reason_has_a_word_a_name_and_perhaps_a_code() {
        let text = "seat = []\n[[reason]]\nid = \"tea\"\nname = \"茶歇\"\ncode = \"*25\"\n";
        let mut file = file_of::<SeatsFile>(text);
        let reasons = check(&mut file);
        assert!(file.found.is_empty(), "{:?}", file.found);
        assert_eq!(reasons[0].name, "茶歇");
        assert_eq!(reasons[0].code.as_deref(), Some("*25"));
    }

    #[test]
    fn what_is_wrong_with_a_reason_is_told() {
        for (keys, what) in [
            ("id = \"meal\"", "\"meal\" cannot be the word of a reason"),
            (
                "id = \"a-long-word\"",
                "\"a-long-word\" cannot be the word of a reason",
            ),
            ("id = \"b\"", "there is already a reason \"b\""),
            (
                "id = \"c\"\ncode = \"*3\"",
                "`code` is a star and one to four digits, as \"*25\"",
            ),
            (
                "id = \"c\"\ncode = \"25\"",
                "`code` is a star and one to four digits, as \"*25\"",
            ),
        ] {
            let text = format!(
                "seat = []\n[[reason]]\nid = \"b\"\nname = \"n\"\n[[reason]]\nname = \"n\"\n{keys}\n"
            );
            let mut file = file_of::<SeatsFile>(&text);
            check(&mut file);
            assert_eq!(file.found[0].what, what);
        }
    }
}
