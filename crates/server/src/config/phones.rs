//! The shared phones (公用话机), as written in `seats.toml`.

use hotline_calls::settings::Srtp;
use hotline_model::{PhoneId, diagnostic::Diagnostic, limits::SHARED_PHONES};

use super::{ConfiguredPhone, File, files::SeatsFile, name, once, seats::check_digest};

/// The phones, in the order of the file. `md5`: whether MD5 may prove a phone.
pub(super) fn check(file: &mut File<SeatsFile>, md5: bool) -> Vec<ConfiguredPhone> {
    let (mut seen, mut phones) = (Vec::new(), Vec::new());
    let found = &mut file.found;
    for keys in &file.value.phone {
        let Some(id) = name(&keys.id, PhoneId::new, found) else {
            continue;
        };
        once(&mut seen, id, &keys.id, "phone", found);
        let mut seats = file.value.seat.iter();
        if seats.any(|seat| seat.id.get_ref() == keys.id.get_ref()) {
            let what = format!("there is already a seat {:?}", keys.id.get_ref());
            let help = "a shared phone registers by a name of its own, as \"desk-1\"";
            found.push(Diagnostic::new(keys.id.span(), what).with_help(help));
        }
        phones.push(ConfiguredPhone {
            id,
            place: keys.place.clone(),
            md5_only: check_digest(keys.digest.as_ref(), md5, found),
            srtp: Srtp::from(keys.srtp),
        });
    }
    if let Some(one_more) = file.value.phone.get(SHARED_PHONES) {
        let what = format!("more than {SHARED_PHONES} shared phones");
        found.push(Diagnostic::new(one_more.id.span(), what));
    }
    let codes = file.value.reason.iter().filter_map(|it| it.code.as_ref());
    for code in codes.filter(|it| !phones.is_empty() && it.get_ref().starts_with("*9")) {
        let what = "`code` begins with *9, by which agents log in at shared phones";
        let help = "choose another code for the reason, as \"*25\"";
        found.push(Diagnostic::new(code.span(), what).with_help(help));
    }
    phones
}

#[cfg(test)]
mod tests {
    use super::{super::file_of, *};

    const SEAT: &str = "[[seat]]\nid = \"1001\"\nname = \"a\"\nqueues = []\n";

    #[test]
    fn a_phone_has_a_name_of_its_own_and_a_place() {
        let text =
            format!("{SEAT}[[phone]]\nid = \"desk-1\"\nplace = \"三楼东\"\nsrtp = \"off\"\n");
        let mut file = file_of::<SeatsFile>(&text);
        let phones = check(&mut file, true);
        assert!(file.found.is_empty(), "{:?}", file.found);
        assert_eq!(phones[0].id.as_str(), "desk-1");
        assert_eq!(
            (phones[0].place.as_str(), phones[0].srtp),
            ("三楼东", Srtp::Off)
        );
        for (more, what) in [
            (
                "[[phone]]\nid = \"1001\"\n",
                "there is already a seat \"1001\"",
            ),
            (
                "[[phone]]\nid = \"a\"\n[[phone]]\nid = \"a\"\n",
                "there is already a phone \"a\"",
            ),
            (
                "[[phone]]\nid = \"a\"\n[[reason]]\nid = \"tea\"\nname = \"t\"\ncode = \"*91\"\n",
                "`code` begins with *9, by which agents log in at shared phones",
            ),
        ] {
            let mut file = file_of::<SeatsFile>(&format!("{SEAT}{more}"));
            check(&mut file, true);
            let found: Vec<_> = file.found.iter().map(|it| it.what.as_str()).collect();
            assert_eq!(found, [what]);
        }
    }
}
