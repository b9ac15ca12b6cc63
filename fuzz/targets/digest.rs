//! Challenges and answers of digest authentication.

use hotline_model::Instant;
use hotline_sip::{
    digest::{Fields, Ha1, Login, Nonces, Offered, Verdict, answer},
    message::{Method, text},
};

/// Reads `data` as a challenge to answer and as an answer to judge.
pub fn run(data: &[u8]) {
    let Some(fields) = Fields::parse(data) else {
        return;
    };
    fields.user_text();
    meet(data, &fields);
    let realm = String::from_utf8_lossy(fields.realm);
    let mut nonces = Nonces::new([7; 32]);
    let (method, offered) = (Method::Register, Offered::Both);
    let nobody = Ha1::of_nobody();
    let verdict = nonces.verify(
        Instant::START,
        &realm,
        method,
        Some(&fields),
        &nobody,
        offered,
    );
    assert!(matches!(verdict, Verdict::Wrong | Verdict::Missing));
}

/// What answers a challenge says what the challenge said, and nothing more.
fn meet(data: &[u8], fields: &Fields<'_>) {
    let login = Login {
        user: "1001",
        password: "secret",
        realm: None,
    };
    let Ok(value) = answer([data], &login, Method::Invite, "sip:h", "c", 1) else {
        return;
    };
    assert!(!value.contains(['\r', '\n']), "one line: {value:?}");
    assert!(!value.contains("secret"));
    let Some(said) = Fields::parse(value.as_bytes()) else {
        panic!("our own answer cannot be read: {value:?}");
    };
    assert_eq!(said.nonce, text(fields.nonce).as_bytes());
    assert_eq!(said.realm, text(fields.realm).as_bytes());
    assert_eq!(said.user, b"1001");
}
