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

use super::{OPTIONS, Settings, is_closed, pair, round_trip, secured, settings, with, write_pair};

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
            let expected = "its certificate is from nobody we trust".to_owned();
            assert_eq!(bench.refused().await, (remote, expected));
        },
    );
}

/// A carrier behind a name: its certificate has the name, and not the address that is called.
#[test]
fn a_peer_is_called_by_the_name_it_is_known_by() {
    let folder = tempfile::tempdir().unwrap();
    let files = {
        let name = "sbc.carrier.example".to_owned();
        let pair = rcgen::generate_simple_self_signed([name]).unwrap();
        write_pair(folder.path(), &pair)
    };
    let (named, misnamed) = listeners();
    let (at_named, at_misnamed) = (named.local_addr().unwrap(), misnamed.local_addr().unwrap());
    let trusted = files.certificate.clone();
    let chosen = move || {
        let name = |text: &'static str| ServerName::try_from(text).unwrap();
        let mut names = secured::PeerNames::default();
        assert!(names.insert(at_named, &name("sbc.carrier.example")));
        assert!(names.insert(at_misnamed, &name("sbc.other.example")));
        let client = secured::client(Some(&trusted)).unwrap();
        Settings {
            tls: Some(secured::Tls::new(None, client, Duration::from_secs(5))),
            names,
            ..Settings::default()
        }
    };
    with(chosen, move |mut bench| async move {
        let acceptor: TlsAcceptor = secured::server(&files).unwrap().into();
        let (named, misnamed) = (asynchronous(named), asynchronous(misnamed));

        let path = Path::stream(Transport::Tls, bench.tls, at_named, 0);
        bench.send(path, OPTIONS);
        let (stream, _) = named.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        assert_eq!(
            stream.get_ref().1.server_name(),
            Some("sbc.carrier.example"),
            "SNI"
        );
        let mut came = vec![0; OPTIONS.len()];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut came)
            .await
            .unwrap();
        assert_eq!(came, OPTIONS.as_bytes());
        drop(stream);
        bench.closed().await;

        // The same carrier, known by another name, and by none but its address.
        let path = Path::stream(Transport::Tls, bench.tls, at_misnamed, 0);
        bench.send(path, OPTIONS);
        let (stream, _) = misnamed.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
        let expected = "its certificate is not for sbc.other.example";
        assert_eq!(bench.refused().await, (at_misnamed, expected.to_owned()));

        let (third, at_third) = {
            let third = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let at = third.local_addr().unwrap();
            (asynchronous(third), at)
        };
        let path = Path::stream(Transport::Tls, bench.tls, at_third, 0);
        bench.send(path, OPTIONS);
        let (stream, _) = third.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
        let expected = "its certificate is not for 127.0.0.1";
        assert_eq!(bench.refused().await, (at_third, expected.to_owned()));
    });
}

fn listeners() -> (std::net::TcpListener, std::net::TcpListener) {
    let bind = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    (bind(), bind())
}

fn asynchronous(listener: std::net::TcpListener) -> tokio::net::TcpListener {
    listener.set_nonblocking(true).unwrap();
    tokio::net::TcpListener::from_std(listener).unwrap()
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
            let (refused, why) = bench.refused().await;
            assert_eq!(refused, remote);
            assert!(why.starts_with("no TLS with it: "), "{why}");
            // Nobody there at all.
            drop(listener);
            bench.send(path, OPTIONS);
            assert_eq!(bench.closed().await.remote, remote);
        },
    );
}
