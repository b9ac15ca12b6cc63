//! TLS 1.2 and 1.3, a certificate that changes, and whom we trust.

use std::{path::Path as FilePath, sync::Arc, time::Duration};

use hotline_calls::{Path, Transport};
use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use super::{OPTIONS, is_closed, pair, round_trip, secured, settings, with, write_pair};

/// A client that trusts what `certificate` holds.
fn trusting(certificate: &FilePath, version: &'static SupportedProtocolVersion) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

async fn connect(
    to: std::net::SocketAddr,
    connector: &TlsConnector,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(to).await?;
    connector.connect(name, stream).await
}

#[test]
fn both_versions_of_tls_carry_messages() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    let certificate = at.join("certificate.pem");
    with(
        move || settings(&at, Default::default()),
        |mut bench| async move {
            for (version, name) in [
                (&TLS12, ProtocolVersion::TLSv1_2),
                (&TLS13, ProtocolVersion::TLSv1_3),
            ] {
                let connector = trusting(&certificate, version);
                let mut stream = connect(bench.tls, &connector).await.unwrap();
                round_trip(&mut stream).await;
                let (path, _) = bench.message().await;
                assert_eq!(path.transport, Transport::Tls);
                assert_eq!(stream.get_ref().1.protocol_version(), Some(name));
                // Gone without a goodbye.
                drop(stream);
                assert_eq!(bench.closed().await, path);
            }
        },
    );
}

#[test]
fn a_new_certificate_is_for_new_connections_and_a_broken_one_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    with(
        {
            let at = at.clone();
            move || settings(&at, Default::default())
        },
        |bench| async move {
            let first = trusting(&at.join("certificate.pem"), &TLS13);
            let mut old = connect(bench.tls, &first).await.unwrap();
            round_trip(&mut old).await;

            // Broken: the first one stays.
            std::fs::write(at.join("key.pem"), "half a key").unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            round_trip(&mut connect(bench.tls, &first).await.unwrap()).await;

            write_pair(&at, &pair());
            let second = trusting(&at.join("certificate.pem"), &TLS13);
            let mut new = loop {
                match connect(bench.tls, &second).await {
                    Ok(stream) => break stream,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            };
            round_trip(&mut new).await;
            assert!(
                connect(bench.tls, &first).await.is_err(),
                "the first still serves"
            );
            round_trip(&mut old).await;
        },
    );
}

#[test]
fn we_call_whom_we_trust_by_address_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    with(
        {
            let at = at.clone();
            move || settings(&at, Default::default())
        },
        |mut bench| async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let remote = listener.local_addr().unwrap();
            let path = Path::stream(Transport::Tls, bench.tls, remote, 0);
            let own = secured::Files {
                certificate: at.join("certificate.pem"),
                key: at.join("key.pem"),
            };
            let trusted: TlsAcceptor = secured::server(&own).unwrap().into();

            bench.send(path, OPTIONS);
            let (stream, from) = listener.accept().await.unwrap();
            assert_eq!(from.ip(), bench.tls.ip());
            let mut stream = trusted.accept(stream).await.unwrap();
            let mut came = vec![0; OPTIONS.len()];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut came)
                .await
                .unwrap();
            assert_eq!(came, OPTIONS.as_bytes());
            drop(stream);
            bench.closed().await;

            let other = tempfile::tempdir().unwrap();
            let files = write_pair(other.path(), &pair());
            let stranger: TlsAcceptor = secured::server(&files).unwrap().into();
            bench.send(path, OPTIONS);
            let (stream, _) = listener.accept().await.unwrap();
            assert!(stranger.accept(stream).await.is_err());
            assert_eq!(bench.closed().await.remote, remote);
        },
    );
}

#[test]
fn a_call_by_tls_to_who_speaks_none_fails() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_owned();
    with(
        move || settings(&at, Default::default()),
        |mut bench| async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let remote = listener.local_addr().unwrap();
            let path = Path::stream(Transport::Tls, bench.tls, remote, 0);
            bench.send(path, OPTIONS);
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, OPTIONS.as_bytes())
                .await
                .unwrap();
            is_closed(&mut stream).await;
            assert_eq!(bench.closed().await.remote, remote);
            // Nobody there at all.
            drop(listener);
            bench.send(path, OPTIONS);
            assert_eq!(bench.closed().await.remote, remote);
        },
    );
}
