//! `trunks.toml`: the carriers' lines, in and out.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use hotline_calls::{
    Transport,
    settings::{
        AddressRange, Credentials, DigestIn, Ha1, NumberOf, NumberRule, Outbound, Register, Target,
        Trunk,
    },
};
use hotline_model::{TrunkId, diagnostic::Diagnostic, limits};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use toml::Spanned;

use super::{File, accounts::REALM, files::SrtpKey, name, once};
use crate::net::tls::PeerNames;

/// `trunks.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunksFile {
    /// The trunks.
    #[serde(default)]
    trunk: Vec<TrunkKeys>,
}

/// `[[trunk]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrunkKeys {
    name: Spanned<String>,
    addresses: Vec<Spanned<String>>,
    #[serde(default = "yes")]
    trust_identity: bool,
    numbers: Option<Vec<RuleKeys>>,
    calls_limit: Option<Spanned<u32>>,
    calls_per_s: Option<Spanned<u32>>,
    digest_in: Option<DigestInKeys>,
    #[serde(default)]
    srtp: SrtpKey,
    #[serde(default)]
    outbound: Vec<Spanned<String>>,
    tls_name: Option<Spanned<String>>,
    #[serde(default)]
    priority: u16,
    weight: Option<Spanned<u32>>,
    #[serde(default = "options_every_s")]
    options_every_s: u32,
    caller_id: Option<Spanned<String>>,
    #[serde(default)]
    outbound_prefixes: Vec<Spanned<String>>,
    digest_out: Option<DigestOutKeys>,
    register: Option<RegisterKeys>,
}

/// `numbers = [{ strip = "…", prefix = "…" }]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleKeys {
    #[serde(default)]
    strip: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    shortest: usize,
    #[serde(default = "longest")]
    longest: Spanned<usize>,
    #[serde(default)]
    of: RuleOf,
}

/// `of = "both" | "called" | "caller"`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RuleOf {
    #[default]
    Both,
    Called,
    Caller,
}

/// `digest_in = { user = "…", password_file = "…" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestInKeys {
    user: Spanned<String>,
    password_file: Spanned<String>,
}

/// `digest_out = { user = "…", realm = "…", password_file = "…" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestOutKeys {
    user: Spanned<String>,
    realm: Spanned<String>,
    password_file: Spanned<String>,
}

/// `register = { target = "…", user = "…" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisterKeys {
    target: Spanned<String>,
    user: Spanned<String>,
    domain: Option<Spanned<String>>,
    #[serde(default = "register_every_s")]
    every_s: Spanned<u32>,
}

fn yes() -> bool {
    true
}

fn options_every_s() -> u32 {
    30
}

fn longest() -> Spanned<usize> {
    Spanned::new(0..0, usize::MAX)
}

fn register_every_s() -> Spanned<u32> {
    Spanned::new(0..0, 600)
}

/// The trunks, checked. `local` is our address for a transport; password files are relative to
/// `folder`.
pub fn check(
    file: &mut File<TrunksFile>,
    folder: &Path,
    local: impl Fn(Transport) -> SocketAddr,
) -> Vec<Trunk> {
    let mut seen = Vec::new();
    let mut trunks = Vec::new();
    let found = &mut file.found;
    for keys in &file.value.trunk {
        let id = name(&keys.name, TrunkId::new, found);
        if let Some(id) = id {
            once(&mut seen, id, &keys.name, "trunk", found);
        }
        if keys.addresses.is_empty() {
            let fault =
                Diagnostic::new(keys.name.span(), "a trunk without addresses gets no calls");
            found.push(fault.with_help("list the carrier's addresses in `addresses`"));
        }
        let addresses = addresses(&keys.addresses, found);
        let outbound = outbound(keys, folder, &local, found);
        let digest_in = keys.digest_in.as_ref().and_then(|login| {
            let user = word(&login.user, "user", found)?;
            let password = password(folder, &login.password_file, found)?;
            let ha1 = Ha1::of(&user, REALM, &password);
            Some(DigestIn { user, ha1 })
        });
        let calls_limit = keys.calls_limit.as_ref().map(|limit| {
            if *limit.get_ref() == 0 {
                let fault = Diagnostic::new(limit.span(), "`calls_limit` must be at least 1");
                found.push(fault.with_help("leave it out for a trunk without a limit"));
            }
            *limit.get_ref()
        });
        let calls_per_s = keys.calls_per_s.as_ref().map(|rate| {
            if *rate.get_ref() == 0 {
                let fault = Diagnostic::new(rate.span(), "`calls_per_s` must be at least 1");
                found.push(fault.with_help("remove the trunk where it may bring no calls"));
            }
            *rate.get_ref()
        });
        if let Some(id) = id {
            trunks.push(Trunk {
                id,
                addresses,
                trust_identity: keys.trust_identity,
                numbers: rules(keys.numbers.as_deref(), &keys.name, found),
                calls_limit,
                calls_per_s: calls_per_s.unwrap_or(limits::TRUNK_INVITES_PER_S),
                digest_in,
                srtp: keys.srtp.into(),
                outbound,
            });
        }
    }
    if let Some(one_more) = file.value.trunk.get(limits::TRUNKS) {
        let what = format!("more than {} trunks", limits::TRUNKS);
        found.push(Diagnostic::new(one_more.name.span(), what));
    }
    trunks
}

/// Whom the certificates of the targets must name, where it is not their address. `trunks` are
/// those of the file, checked.
pub fn peer_names(file: &mut File<TrunksFile>, trunks: &[Trunk]) -> PeerNames {
    let mut names = PeerNames::default();
    let found = &mut file.found;
    for keys in &file.value.trunk {
        let mut trunks = trunks.iter();
        let trunk = trunks.find(|trunk| trunk.id.as_str() == keys.name.get_ref());
        let (Some(trunk), Some(text)) = (trunk, &keys.tls_name) else {
            continue;
        };
        let Ok(name) = ServerName::try_from(text.get_ref().clone()) else {
            let what = "`tls_name` is a host name, as the carrier's certificate has it";
            let help = "write it as \"sbc.carrier.example\", without sip: and without a port";
            found.push(Diagnostic::new(text.span(), what).with_help(help));
            continue;
        };
        let registrar = trunk.outbound.register.iter();
        let targets = trunk.outbound.targets.iter();
        let targets = targets.chain(registrar.map(|register| &register.target));
        let mut secured = targets
            .filter(|target| target.path.transport == Transport::Tls)
            .peekable();
        if secured.peek().is_none() {
            let what = "`tls_name` is for targets called by TLS, and this trunk has none";
            let help = "put ;transport=tls behind a target in `outbound`, or leave `tls_name` out";
            found.push(Diagnostic::new(text.span(), what).with_help(help));
        }
        let mut one = true;
        for target in secured {
            if !names.insert(target.path.remote, &name) {
                one = false;
                let what = format!("another trunk expects another `tls_name` of {target}");
                let help = "connections to one target are shared: give both trunks the same name";
                found.push(Diagnostic::new(text.span(), what).with_help(help));
            }
        }
        for &range in &trunk.addresses {
            if !names.insert_range(range, &name) && one {
                one = false;
                let what = "another trunk expects another `tls_name` at some of these `addresses`";
                let help = "who answers there can have one name only: let no range of the two \
                            trunks overlap, or give both the same name";
                found.push(Diagnostic::new(text.span(), what).with_help(help));
            }
        }
    }
    names
}

fn addresses(texts: &[Spanned<String>], found: &mut Vec<Diagnostic>) -> Vec<AddressRange> {
    let mut ranges = Vec::new();
    for text in texts {
        match text.get_ref().parse() {
            Ok(range) => ranges.push(range),
            Err(error) => {
                let what = format!("{:?} {error}", text.get_ref());
                let help = "write an address, or a range as \"10.1.0.0/16\"";
                found.push(Diagnostic::new(text.span(), what).with_help(help));
            }
        }
    }
    ranges
}

fn outbound(
    keys: &TrunkKeys,
    folder: &Path,
    local: impl Fn(Transport) -> SocketAddr,
    found: &mut Vec<Diagnostic>,
) -> Outbound {
    let mut targets = Vec::new();
    for text in &keys.outbound {
        targets.extend(target(text, &local, found));
    }
    if let Some(one_more) = keys.outbound.get(limits::TRUNK_TARGETS) {
        let what = format!("more than {} targets of one trunk", limits::TRUNK_TARGETS);
        found.push(Diagnostic::new(one_more.span(), what));
    }
    let prefixes = prefixes(&keys.outbound_prefixes, found);
    if let (Some(first), true) = (keys.outbound_prefixes.first(), keys.outbound.is_empty()) {
        let fault = Diagnostic::new(first.span(), "numbers are allowed that can go nowhere");
        found.push(fault.with_help("list the carrier's `outbound` targets"));
    }
    let caller_id = keys.caller_id.as_ref().map(|text| {
        if !is_number(text.get_ref()) {
            let fault =
                Diagnostic::new(text.span(), "`caller_id` is a number: digits, perhaps a +");
            found.push(fault);
        }
        text.get_ref().clone()
    });
    if let (Some(first), None) = (keys.outbound_prefixes.first(), &keys.caller_id) {
        let fault = Diagnostic::new(first.span(), "calls go out without a number to present");
        found.push(fault.with_help("set `caller_id` to the number the carrier gave you"));
    }
    let weight = keys.weight.as_ref().map_or(1, |weight| {
        if *weight.get_ref() == 0 {
            found.push(Diagnostic::new(
                weight.span(),
                "`weight` must be at least 1",
            ));
        }
        *weight.get_ref()
    });
    let login = keys.digest_out.as_ref().and_then(|login| {
        Some(Credentials {
            user: word(&login.user, "user", found)?,
            realm: Some(word(&login.realm, "realm", found)?),
            password: password(folder, &login.password_file, found)?,
        })
    });
    let register = keys.register.as_ref();
    let every = u64::from(keys.options_every_s);
    Outbound {
        targets,
        priority: keys.priority,
        weight,
        caller_id: caller_id.unwrap_or_default(),
        prefixes,
        login,
        register: register.and_then(|keys| registration(keys, &local, found)),
        options_every: (every > 0).then(|| Duration::from_secs(every)),
    }
}

fn target(
    text: &Spanned<String>,
    local: impl Fn(Transport) -> SocketAddr,
    found: &mut Vec<Diagnostic>,
) -> Option<Target> {
    match Target::parse(text.get_ref(), local) {
        Ok(target) => Some(target),
        Err(error) => {
            let what = format!("{:?} {error}", text.get_ref());
            let help = "write it as \"sip:192.0.2.1:5060;transport=udp\"";
            found.push(Diagnostic::new(text.span(), what).with_help(help));
            None
        }
    }
}

fn registration(
    keys: &RegisterKeys,
    local: impl Fn(Transport) -> SocketAddr,
    found: &mut Vec<Diagnostic>,
) -> Option<Register> {
    let target = target(&keys.target, local, found);
    let user = word(&keys.user, "user", found);
    let domain = match &keys.domain {
        Some(domain) => word(domain, "domain", found),
        None => target.map(|target| match target.path.remote.ip() {
            std::net::IpAddr::V4(v4) => v4.to_string(),
            std::net::IpAddr::V6(v6) => format!("[{v6}]"),
        }),
    };
    let every_s = *keys.every_s.get_ref();
    if !(60..=86_400).contains(&every_s) {
        let what = "`every_s` is 60 to 86400";
        found.push(Diagnostic::new(keys.every_s.span(), what));
    }
    Some(Register {
        target: target?,
        user: user?,
        domain: domain?,
        every: Duration::from_secs(u64::from(every_s)),
    })
}

fn rules(
    keys: Option<&[RuleKeys]>,
    name: &Spanned<String>,
    found: &mut Vec<Diagnostic>,
) -> Vec<NumberRule> {
    let Some(keys) = keys else {
        return NumberRule::usual();
    };
    if keys.len() > limits::TRUNK_TARGETS {
        let what = format!("more than {} number rules", limits::TRUNK_TARGETS);
        found.push(Diagnostic::new(name.span(), what));
    }
    let rule = |keys: &RuleKeys| {
        let longest = *keys.longest.get_ref();
        if longest < keys.shortest.max(keys.strip.len()) {
            let what = "this rule fits no number: `longest` is too short";
            found.push(Diagnostic::new(keys.longest.span(), what));
        }
        NumberRule {
            strip: keys.strip.clone(),
            prefix: keys.prefix.clone(),
            shortest: keys.shortest,
            longest,
            of: match keys.of {
                RuleOf::Both => NumberOf::Both,
                RuleOf::Called => NumberOf::Called,
                RuleOf::Caller => NumberOf::Caller,
            },
        }
    };
    keys.iter().map(rule).collect()
}

/// An allow-list of beginnings of numbers.
pub fn prefixes(texts: &[Spanned<String>], found: &mut Vec<Diagnostic>) -> Vec<String> {
    for text in texts.iter().filter(|text| !is_number(text.get_ref())) {
        let what = "a prefix is the beginning of a number: digits, perhaps after a +";
        let help = "an empty list allows nothing; to allow everything, list \"0\" to \"9\"";
        found.push(Diagnostic::new(text.span(), what).with_help(help));
    }
    texts.iter().map(|text| text.get_ref().clone()).collect()
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A word that stands in a SIP message.
fn word(text: &Spanned<String>, key: &str, found: &mut Vec<Diagnostic>) -> Option<String> {
    let good = !text.get_ref().is_empty() && text.get_ref().bytes().all(|b| b.is_ascii_graphic());
    if !good || text.get_ref().contains(['<', '>', '"', '@', '\\']) {
        let what = format!("`{key}` is a word of ASCII letters, digits and signs");
        found.push(Diagnostic::new(text.span(), what));
        return None;
    }
    Some(text.get_ref().clone())
}

/// The first line of a file that only its owner may read. The password itself is in no fault.
fn password(folder: &Path, file: &Spanned<String>, found: &mut Vec<Diagnostic>) -> Option<String> {
    let path = folder.join(file.get_ref());
    let mut fault = |what: String, help: String| {
        found.push(Diagnostic::new(file.span(), what).with_help(help));
        None
    };
    let read = fs::metadata(&path)
        .map(|metadata| metadata.permissions().mode() & 0o077)
        .and_then(|others| fs::read_to_string(&path).map(|text| (others, text)));
    match read {
        Err(error) => fault(
            format!("{} cannot be read: {error}", path.display()),
            "write the password into it, one line, and let only its owner read it".to_owned(),
        ),
        Ok((others, _)) if others != 0 => fault(
            format!("{} can be read by others", path.display()),
            format!("run: chmod 600 {}", path.display()),
        ),
        Ok((_, text)) => match text.lines().next().map(str::trim_end) {
            Some(password) if !password.is_empty() => Some(password.to_owned()),
            _ => fault(
                format!("{} is empty", path.display()),
                "write the password into its first line".to_owned(),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    /// Line and text of each.
    type Faults = Vec<(usize, String)>;

    /// What `trunks.toml` of this text means, or its faults as line and text.
    fn read(folder: &Path, text: &str) -> Result<Vec<Trunk>, Faults> {
        read_all(folder, text).map(|(trunks, _)| trunks)
    }

    /// The same, and whom certificates must name.
    fn read_all(folder: &Path, text: &str) -> Result<(Vec<Trunk>, PeerNames), Faults> {
        let path = folder.join("trunks.toml");
        fs::write(&path, text).unwrap();
        let mut faults = Vec::new();
        let lines = |faults: &super::super::FileFaults| {
            let of = |f: &Diagnostic| (f.line(&faults.text), f.what.clone());
            faults.faults.iter().map(of).collect::<Vec<_>>()
        };
        let Some(mut file) = File::<TrunksFile>::read(path, &mut faults) else {
            return Err(faults.iter().flat_map(lines).collect());
        };
        let trunks = check(&mut file, folder, |_| "10.0.0.1:5060".parse().unwrap());
        let names = peer_names(&mut file, &trunks);
        match file.faults() {
            None => Ok((trunks, names)),
            Some(faults) => Err(lines(&faults)),
        }
    }

    fn fault(text: &str) -> (usize, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut faults = read(folder.path(), text).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    }

    fn secret(folder: &Path, name: &str, mode: u32) {
        fs::write(folder.join(name), "s3cret\n").unwrap();
        fs::set_permissions(folder.join(name), Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_of_names_and_addresses_alone_is_still_good() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[trunk]]\nname = \"local\"\naddresses = [\"127.0.0.1\", \"::1\"]\n";
        let trunks = read(folder.path(), text).unwrap();
        assert_eq!(trunks.len(), 1);
        assert!(trunks[0].trust_identity && trunks[0].digest_in.is_none());
        assert_eq!(trunks[0].numbers, NumberRule::usual());
        assert!(trunks[0].outbound.targets.is_empty());
        assert!(trunks[0].outbound.prefixes.is_empty(), "denied by default");
        assert!(trunks[0].addresses[0].contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn the_shipped_file_is_good_and_its_sample_too() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = include_str!("../../../../config/trunks.toml");
        assert!(read(folder.path(), shipped).is_ok());
        // The sample is the shipped file's own comment, uncommented.
        let sample: String = shipped
            .lines()
            .skip_while(|line| *line != "# [[trunk]]")
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.contains('=') || line.starts_with(['[', '{', ']', '"']))
            .map(|line| format!("{line}\n"))
            .collect();
        secret(folder.path(), "mobile-in.secret", 0o600);
        secret(folder.path(), "mobile-out.secret", 0o600);
        let trunks = read(folder.path(), &sample).unwrap_or_else(|f| panic!("{f:?}\n{sample}"));
        let out = &trunks[0].outbound;
        assert_eq!(out.targets.len(), 3);
        assert_eq!(out.targets[1].to_string(), "TCP 192.0.2.2:5060");
        assert_eq!(out.targets[2].to_string(), "TLS 192.0.2.3:5061");
        assert_eq!(out.options_every, Some(Duration::from_secs(30)));
        assert_eq!(
            (out.prefixes.as_slice(), out.caller_id.as_str()),
            (&["0635".into(), "1".into()][..], "063512345")
        );
        assert_eq!(trunks[0].digest_in.as_ref().unwrap().user, "carrier");
        assert_eq!(
            out.login.as_ref().unwrap().realm.as_deref(),
            Some("ims.example")
        );
        assert_eq!(
            out.register.as_ref().unwrap().every,
            Duration::from_secs(600)
        );
        assert_eq!(trunks[0].calls_limit, Some(300));
        assert_eq!(trunks[0].calls_per_s, 100);
        assert!(trunks[0].numbers.len() > 2);
        assert!(!format!("{trunks:?}").contains("s3cret"));
    }

    #[test]
    fn a_fault_names_its_line_and_what_to_do() {
        let with = |line: &str| {
            fault(&format!(
                "[[trunk]]\nname = \"a\"\naddresses = [\"192.0.2.1\"]\n{line}\n"
            ))
        };
        assert_eq!(fault("[[trunk]]\nname = \"a\"\naddresses = []\n").0, 2);
        let (line, what) = fault("[[trunk]]\nname = \"a\"\naddresses = [\n\"10.1.0.7/16\"]\n");
        assert_eq!(
            (line, what.as_str()),
            (4, "\"10.1.0.7/16\" has bits set behind its length")
        );
        let (line, what) = with("outbound = [\"sip:sbc.carrier.example\"]");
        assert!(
            line == 4 && what.contains("names are not resolved"),
            "{what}"
        );
        assert!(
            with("outbound_prefixes = [\"0635\"]\ncaller_id = \"12345\"")
                .1
                .contains("nowhere")
        );
        let open = "outbound = [\"sip:192.0.2.1\"]\noutbound_prefixes = [\"0635\"]";
        assert!(with(open).1.contains("number to present"));
        let all =
            "outbound = [\"sip:192.0.2.1\"]\ncaller_id = \"12345\"\noutbound_prefixes = [\"\"]";
        let (line, what) = with(all);
        assert!(
            line == 6 && what.contains("beginning of a number"),
            "{what}"
        );
        assert!(with("caller_id = \"hot line\"").1.contains("is a number"));
        assert!(with("calls_limit = 0").1.contains("at least 1"));
        assert!(with("calls_per_s = 0").1.contains("at least 1"));
        assert!(with("weight = 0").1.contains("at least 1"));
        assert!(with("wieght = 1").1.contains("unknown field"));
        let rule = "numbers = [{ strip = \"0635\", longest = 3 }]";
        assert!(with(rule).1.contains("fits no number"));
        let register = "register = { target = \"sip:192.0.2.1\", user = \"a\", every_s = 5 }";
        assert!(with(register).1.contains("60 to 86400"));
    }

    #[test]
    fn a_certificate_is_for_the_name_that_the_trunk_has() {
        let folder = tempfile::tempdir().unwrap();
        let text = |outbound: &str, name: &str| {
            format!(
                "[[trunk]]\nname = \"a\"\naddresses = [\"192.0.2.0/24\"]\n\
                 outbound = [\"{outbound}\"]\ntls_name = \"{name}\"\n"
            )
        };
        let secured = text("sip:192.0.2.1;transport=tls", "sbc.carrier.example");
        let (_, names) = read_all(folder.path(), &secured).unwrap();
        let of = |at: &str| names.of(at.parse().unwrap()).to_str().into_owned();
        assert_eq!(of("192.0.2.1:5061"), "sbc.carrier.example");
        assert_eq!(of("192.0.2.9:5071"), "sbc.carrier.example", "a Contact");
        assert_eq!(of("198.51.100.1:5061"), "198.51.100.1");

        let (line, what) = fault(&text("sip:192.0.2.1;transport=tls", "sip:sbc:5061"));
        assert!(line == 5 && what.contains("is a host name"), "{what}");
        let (line, what) = fault(&text("sip:192.0.2.1", "sbc.carrier.example"));
        assert!(line == 5 && what.contains("this trunk has none"), "{what}");
        let other = text("sip:192.0.2.1;transport=tls", "other.example")
            .replace("name = \"a\"", "name = \"b\"");
        let (line, what) = fault(&format!("{secured}{other}"));
        let expected = "another trunk expects another `tls_name` of TLS 192.0.2.1:5061";
        assert_eq!((line, what.as_str()), (10, expected));
        let nearby = other.replace("192.0.2.1;", "192.0.2.2;");
        let (line, what) = fault(&format!("{secured}{nearby}"));
        assert!(line == 10 && what.contains("at some of these"), "{what}");
        let elsewhere = nearby.replace("192.0.2.", "198.51.100.");
        assert!(read_all(folder.path(), &format!("{secured}{elsewhere}")).is_ok());
    }

    #[test]
    fn a_password_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[trunk]]\nname = \"a\"\naddresses = [\"192.0.2.1\"]\n\
                    digest_out = { user = \"u\", realm = \"r\", password_file = \"p\" }\n";
        let what = |faults: Vec<(usize, String)>| faults[0].clone();
        let (line, missing) = what(read(folder.path(), text).unwrap_err());
        assert!(line == 4 && missing.contains("cannot be read"), "{missing}");
        for mode in [0o640, 0o604, 0o660] {
            secret(folder.path(), "p", mode);
            let (_, open) = what(read(folder.path(), text).unwrap_err());
            assert!(open.contains("can be read by others") && !open.contains("s3cret"));
        }
        secret(folder.path(), "p", 0o600);
        let trunks = read(folder.path(), text).unwrap();
        assert_eq!(
            trunks[0].outbound.login.as_ref().unwrap().password,
            "s3cret"
        );
        fs::write(folder.path().join("p"), "\n").unwrap();
        assert!(
            what(read(folder.path(), text).unwrap_err())
                .1
                .contains("is empty")
        );
    }
}
