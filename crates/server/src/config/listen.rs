//! `[listen]`: addresses, ports, certificate, and the browsers that may come.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::http::Uri;
use hotline_model::{
    diagnostic::Diagnostic,
    limits::{SIP_ADDRESSES, SIP_WEBSOCKET_ORIGINS},
};
use rustls::{ClientConfig, ServerConfig};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    net::tls::{self, Unusable},
    signalling_loop::Ports,
};

/// `[listen]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Address of signalling, media and pages.
    pub address: Spanned<IpAddr>,
    /// Further addresses of signalling.
    #[serde(default)]
    pub also: Vec<Spanned<IpAddr>>,
    /// Port of SIP by UDP and TCP.
    pub sip_port: Spanned<u16>,
    /// Port of HTTP.
    pub http_port: Spanned<u16>,
    /// Port of SIP by TLS; 0 is off.
    #[serde(default = "off")]
    pub tls_port: Spanned<u16>,
    /// Port of SIP by WebSocket; 0 is off.
    #[serde(default = "off")]
    pub ws_port: Spanned<u16>,
    /// Port of SIP by WebSocket under TLS; 0 is off.
    #[serde(default = "off")]
    pub wss_port: Spanned<u16>,
    /// Certificates.
    #[serde(default)]
    pub tls: TlsKeys,
    /// Browsers.
    #[serde(default)]
    pub websocket: WebSocketKeys,
}

fn off() -> Spanned<u16> {
    Spanned::new(0..0, 0)
}

/// `[listen.tls]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsKeys {
    /// The chain, PEM.
    pub certificate: Option<Spanned<PathBuf>>,
    /// Its private key, PEM.
    pub key: Option<Spanned<PathBuf>>,
    /// Whom we trust when we call by TLS, PEM.
    pub authorities: Option<Spanned<PathBuf>>,
}

/// `[listen.websocket]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebSocketKeys {
    /// Pages that may open a WebSocket.
    #[serde(default)]
    pub origins: Vec<Spanned<String>>,
}

/// Certificates as checked.
#[derive(Clone)]
pub struct Secured {
    /// Ours.
    pub server: Option<(tls::Files, Arc<ServerConfig>)>,
    /// Whom we trust.
    pub client: Arc<ClientConfig>,
}

impl Listen {
    /// The ports of signalling.
    pub fn ports(&self) -> Ports {
        Ports {
            sip: *self.sip_port.get_ref(),
            tls: *self.tls_port.get_ref(),
            ws: *self.ws_port.get_ref(),
            wss: *self.wss_port.get_ref(),
        }
    }

    /// The Origins, in small letters.
    pub fn origins(&self) -> Vec<String> {
        let origins = self.websocket.origins.iter();
        origins
            .map(|origin| origin.get_ref().to_ascii_lowercase())
            .collect()
    }

    /// Checks all but the certificates.
    pub fn check(&self, found: &mut Vec<Diagnostic>) {
        self.check_addresses(found);
        self.check_ports(found);
        self.check_origins(found);
    }

    fn check_addresses(&self, found: &mut Vec<Diagnostic>) {
        let mut seen = Vec::new();
        for address in [&self.address].into_iter().chain(&self.also) {
            let mut fault = |what: String, help: &str| {
                found.push(Diagnostic::new(address.span(), what).with_help(help));
            };
            if address.get_ref().is_unspecified() {
                fault(
                    "an address that callers can reach is needed: it stands in what phones are told"
                        .to_owned(),
                    "write the machine's own address, e.g. \"192.0.2.10\"",
                );
            }
            if seen.contains(address.get_ref()) {
                fault(
                    format!("{} is listened at already", address.get_ref()),
                    "name each address once",
                );
            }
            seen.push(*address.get_ref());
        }
        if let Some(first) = self.also.get(SIP_ADDRESSES) {
            let what = format!("`also` has room for {SIP_ADDRESSES} addresses");
            found.push(Diagnostic::new(first.span(), what));
        }
    }

    fn check_ports(&self, found: &mut Vec<Diagnostic>) {
        let mut seen = BTreeMap::new();
        for (key, port) in [
            ("sip_port", &self.sip_port),
            ("http_port", &self.http_port),
            ("tls_port", &self.tls_port),
            ("ws_port", &self.ws_port),
            ("wss_port", &self.wss_port),
        ] {
            let number = *port.get_ref();
            if number == 0 {
                continue;
            }
            if let Some(other) = seen.insert(number, key) {
                let what = format!("`{key}` is {number}, as `{other}` is");
                let help = "give each its own port; 0 switches tls_port, ws_port and wss_port off";
                found.push(Diagnostic::new(port.span(), what).with_help(help));
            }
        }
    }

    fn check_origins(&self, found: &mut Vec<Diagnostic>) {
        for origin in &self.websocket.origins {
            if !is_origin(origin.get_ref()) {
                let what = format!("{:?} is not the origin of a page", origin.get_ref());
                let help = "write scheme, host and port as the browser shows them, without a path, \
                            e.g. \"https://hotline.example.gov.cn\"";
                found.push(Diagnostic::new(origin.span(), what).with_help(help));
            }
        }
        if let Some(first) = self.websocket.origins.get(SIP_WEBSOCKET_ORIGINS) {
            let what = format!("`origins` has room for {SIP_WEBSOCKET_ORIGINS} pages");
            found.push(Diagnostic::new(first.span(), what));
        }
    }

    /// Reads the certificates, relative to `folder`; `None` after a fault.
    pub fn secured(&self, folder: &Path, found: &mut Vec<Diagnostic>) -> Option<Secured> {
        let server = self.server(folder, found);
        let authorities = self.tls.authorities.as_ref();
        let file = authorities.map(|file| folder.join(file.get_ref()));
        match tls::client(file.as_deref()) {
            Ok(client) => Some(Secured {
                server: server?,
                client,
            }),
            Err(why) => {
                let span = authorities.map_or(0..0, Spanned::span);
                let file = file.unwrap_or_default();
                let what = format!("{} {why}", file.display());
                let help = "`authorities` names a PEM file with the certificates of whom to trust; \
                            without it the system's are used";
                found.push(Diagnostic::new(span, what).with_help(help));
                None
            }
        }
    }

    /// The outer `None` after a fault, the inner where nothing is configured.
    fn server(
        &self,
        folder: &Path,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Option<(tls::Files, Arc<ServerConfig>)>> {
        let TlsKeys {
            certificate, key, ..
        } = &self.tls;
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let files = tls::Files {
                    certificate: folder.join(certificate.get_ref()),
                    key: folder.join(key.get_ref()),
                };
                match tls::server(&files) {
                    Ok(server) => return Some(Some((files, server))),
                    Err(why) => {
                        let at = match why {
                            Unusable::Certificate { .. } => certificate,
                            Unusable::Key { .. } => key,
                        };
                        let fault = Diagnostic::new(at.span(), why.to_string());
                        found.push(fault.with_help(MAKE_A_PAIR));
                    }
                }
            }
            (Some(one), None) | (None, Some(one)) => {
                let what = "`certificate` and `key` go together";
                found.push(Diagnostic::new(one.span(), what).with_help(MAKE_A_PAIR));
            }
            (None, None) => {
                let needing = [("tls_port", &self.tls_port), ("wss_port", &self.wss_port)];
                let needing = needing.into_iter().find(|(_, port)| *port.get_ref() != 0);
                let Some((name, port)) = needing else {
                    return Some(None);
                };
                let what = format!(
                    "`{name}` needs a certificate: `certificate` and `key` under [listen.tls]"
                );
                found.push(Diagnostic::new(port.span(), what).with_help(MAKE_A_PAIR));
            }
        }
        None
    }
}

const MAKE_A_PAIR: &str = "a pair for trying out is made in the configuration's folder by: \
     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
     -subj /CN=hotline -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem";

/// `scheme://host[:port]`, as a browser writes it (RFC 6454 §6.1).
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    matches!(scheme, "http" | "https")
        && !authority.as_str().contains('@')
        && text.len() == scheme.len() + "://".len() + authority.as_str().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(more: &str) -> Listen {
        let text = format!("address = \"127.0.0.1\"\nsip_port = 5060\nhttp_port = 8080\n{more}");
        toml::from_str(&text).unwrap()
    }

    fn faults(more: &str, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let listen = listen(more);
        listen.check(&mut found);
        let before = found.len();
        let secured = listen.secured(folder, &mut found);
        assert_eq!(found.len() == before, secured.is_some(), "{found:?}");
        found.iter().map(|fault| fault.what.clone()).collect()
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for good in [
            "https://h.example",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "h.example",
            "https://h.example/",
            "https://h.example/a",
            "ws://h.example",
            "https://u@h.example",
            "*",
            "null",
            "",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn a_secure_port_needs_a_pair() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!(faults("", folder), [""; 0]);
        assert_eq!(faults("tls_port = 0", folder), [""; 0]);
        assert!(faults("wss_port = 7443", folder)[0].contains("`wss_port` needs a certificate"));
        let half = "tls_port = 5061\ntls.certificate = \"c.pem\"";
        assert!(faults(half, folder)[0].contains("go together"));
        let pair = "tls_port = 5061\ntls.certificate = \"c.pem\"\ntls.key = \"k.pem\"";
        assert!(faults(pair, folder)[0].contains("c.pem cannot be read"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("c.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("k.pem"), "no key").unwrap();
        assert!(faults(pair, folder)[0].contains("k.pem holds no private key"));
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("k.pem"), other.signing_key.serialize_pem()).unwrap();
        assert!(faults(pair, folder)[0].contains("k.pem does not fit"));
        std::fs::write(folder.join("k.pem"), made.signing_key.serialize_pem()).unwrap();
        assert_eq!(faults(pair, folder), [""; 0]);
        let trusted = format!("{pair}\ntls.authorities = \"k.pem\"");
        assert!(faults(&trusted, folder)[0].contains("k.pem holds no certificate"));
    }

    #[test]
    fn addresses_and_ports_are_used_once() {
        let folder = Path::new(".");
        assert_eq!(faults("also = [\"::1\"]\nws_port = 8088", folder), [""; 0]);
        assert!(faults("also = [\"127.0.0.1\"]", folder)[0].contains("listened at already"));
        assert!(faults("also = [\"::\"]", folder)[0].contains("callers can reach"));
        assert!(faults("ws_port = 8080", folder)[0].contains("as `http_port` is"));
        let origins = "websocket.origins = [\"https://a/\"]";
        assert!(faults(origins, folder)[0].contains("not the origin"));
    }
}
