//! TLS 1.2 and 1.3 (RFC 3261 §26.3.1): our certificate, read again when its files change, and whom
//! we trust when we call.

use std::{
    collections::BTreeMap,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use hotline_calls::settings::AddressRange;
use rustls::{
    CertificateError, ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    sync::watch,
    task::{spawn_blocking, spawn_local},
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How often the files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where the certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The chain, PEM, our own certificate first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why a pair cannot be used; says nothing of the key but its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The chain cannot be read.
    #[error("{} {why}", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key cannot be read, or is another's.
    #[error("{} {why}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Both sides of TLS.
#[derive(Clone)]
pub struct Tls {
    server: Option<watch::Receiver<Arc<ServerConfig>>>,
    client: Arc<ClientConfig>,
}

impl Tls {
    /// With the certificate of `files`, read again for new connections when they change; within a
    /// runtime and a `LocalSet`. Without it, for calling only.
    pub fn new(
        server: Option<(Files, Arc<ServerConfig>)>,
        client: Arc<ClientConfig>,
        every: Duration,
    ) -> Self {
        let server = server.map(|(files, first)| {
            let (to_all, current) = watch::channel(first);
            spawn_local(keep_fresh(files, to_all, every));
            current
        });
        Self { server, client }
    }

    /// For a connection that was accepted: the newest certificate.
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        let server = self.server.as_ref()?;
        Some(server.borrow().clone().into())
    }

    /// For a connection that we opened.
    pub fn connector(&self) -> TlsConnector {
        self.client.clone().into()
    }
}

/// Reads and checks a pair.
///
/// # Errors
/// What is wrong, with the file.
pub fn server(files: &Files) -> Result<Arc<ServerConfig>, Unusable> {
    let certificate = |why: String| Unusable::Certificate {
        file: files.certificate.clone(),
        why,
    };
    let key = |why: String| Unusable::Key {
        file: files.key.clone(),
        why,
    };
    let chain = chain(&files.certificate).map_err(certificate)?;
    let private = PrivateKeyDer::from_pem_slice(&read(&files.key).map_err(key)?)
        .map_err(|error| key(format!("holds no private key in PEM: {error}")))?;
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| certificate(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map(Arc::new)
        .map_err(|error| match error {
            rustls::Error::InvalidCertificate(_) => certificate(format!("is unusable: {error}")),
            _ => key(format!("does not fit the certificate: {error}")),
        })
}

/// Whom we trust when we call: the authorities of the file, or where none is named those of the
/// system.
///
/// # Errors
/// What is wrong with the file.
pub fn client(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(file) => {
            for authority in chain(file)? {
                roots
                    .add(authority)
                    .map_err(|error| format!("holds an unusable certificate: {error}"))?;
            }
        }
        // A system without any trusts nobody, which every call by TLS then says.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Whom the certificates of called peers must name (RFC 5922 §7.2) and whom we ask for in the
/// handshake (SNI), where it is not their address.
#[derive(Clone, Debug, Default)]
pub struct PeerNames {
    targets: BTreeMap<SocketAddr, ServerName<'static>>,
    ranges: Vec<(AddressRange, ServerName<'static>)>,
}

impl PeerNames {
    /// The peer at `target` has a certificate for `name`. `false` when another name was given for
    /// it before, which stays.
    pub fn insert(&mut self, target: SocketAddr, name: &ServerName<'static>) -> bool {
        let known = self.targets.entry(target);
        known.or_insert_with(|| name.clone()) == name
    }

    /// So do peers at any port of these addresses, unless they were named themselves: a carrier
    /// may want later requests of a call at another of its ports. `false` when another name was
    /// given for some of them before, which stays.
    pub fn insert_range(&mut self, range: AddressRange, name: &ServerName<'static>) -> bool {
        let mut others = self.ranges.iter();
        let one = others.all(|(other, known)| known == name || !other.overlaps(&range));
        if one {
            self.ranges.push((range, name.clone()));
        }
        one
    }

    /// Whom the certificate of the peer at `remote` must name: its address, unless told otherwise.
    pub fn of(&self, remote: SocketAddr) -> ServerName<'static> {
        let mut ranges = self.ranges.iter();
        let named = self.targets.get(&remote).or_else(|| {
            let around = ranges.find(|(range, _)| range.contains(remote.ip()));
            around.map(|(_, name)| name)
        });
        named.cloned().unwrap_or_else(|| remote.ip().into())
    }
}

/// Why a handshake with who had to be `name` failed, in a few words for who runs the engine.
pub fn refusal(error: &io::Error, name: &ServerName<'_>) -> String {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(invalid)) => match invalid {
            NotValidForName | NotValidForNameContext { .. } => {
                format!("its certificate is not for {}", name.to_str())
            }
            // A signature under the name of somebody we trust, but not theirs, is the second.
            UnknownIssuer | BadSignature => "its certificate is from nobody we trust".to_owned(),
            Expired | ExpiredContext { .. } => "its certificate has expired".to_owned(),
            NotValidYet | NotValidYetContext { .. } => {
                "its certificate is not valid yet".to_owned()
            }
            other => format!("its certificate is unusable: {other}"),
        },
        _ => format!("no TLS with it: {error}"),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("cannot be read: {error}"))
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("holds no certificate in PEM".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("is no PEM: {error}")),
    }
}

/// What changes when a file is written.
type Stamp = (SystemTime, u64);

fn stamps(files: &Files) -> io::Result<[Stamp; 2]> {
    let stamp = |file: &Path| {
        let about = fs::metadata(file)?;
        Ok::<_, io::Error>((about.modified()?, about.len()))
    };
    Ok([stamp(&files.certificate)?, stamp(&files.key)?])
}

/// Looks at the files for ever. A new pair is for connections from then on; a broken one is
/// said once, and the old one stays until the files change again.
async fn keep_fresh(files: Files, to_all: watch::Sender<Arc<ServerConfig>>, every: Duration) {
    let files = Arc::new(files);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = stamps(&files).ok();
    while !to_all.is_closed() {
        ticks.tick().await;
        let looked_at = files.clone();
        // Files may be on a slow disk, and the signalling thread waits for none.
        let looked = spawn_blocking(move || {
            // The stamps come first: what is written while we read is read again.
            let found = stamps(&looked_at).ok();
            (found != known).then(|| (found, server(&looked_at)))
        });
        let Ok(Some((found, pair))) = looked.await else {
            continue;
        };
        known = found;
        match pair {
            Ok(pair) => {
                to_all.send_replace(pair);
                tracing::info!(
                    certificate = %files.certificate.display(),
                    "new connections use the new certificate"
                );
            }
            Err(error) => tracing::error!(
                %error,
                "the certificate's files have changed, but cannot be used; the old one stays in use"
            ),
        }
    }
}
