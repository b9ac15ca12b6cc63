//! Handshakes with the library's own client, over networks that lose and shuffle.

use super::*;
use crate::secure::srtp::Guard;

const START: Instant = Instant::START;

/// A browser's end.
pub(crate) struct Client {
    endpoint: Endpoint,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) done: bool,
    failed: bool,
}

pub(crate) fn identity() -> Identity {
    // Any origin does; the certificate's clock is not asked.
    Identity::generate(origin()).unwrap()
}

/// A standard instant, the same for all ends: where the library's time begins. Only differences to
/// it are ever looked at.
fn origin() -> time::Instant {
    static ORIGIN: std::sync::OnceLock<time::Instant> = std::sync::OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no other way to a standard instant; the tests' time is virtual"
    )]
    *ORIGIN.get_or_init(time::Instant::now)
}

impl Client {
    pub(crate) fn new(
        server: Fingerprint,
        profiles: Vec<SrtpProtectionProfile>,
        with_certificate: bool,
    ) -> Self {
        let own = identity();
        let mut config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&own.provider))
            .with_srtp_protection_profiles(profiles)
            .with_insecure_skip_verify(true)
            .with_flight_interval(Duration::from_millis(500))
            .with_verify_peer_certificate(Some(Arc::new(move |chain, _| {
                if is_of(chain, server) {
                    return Ok(());
                }
                Err(rtc_shared::error::Error::Other("stranger".to_owned()))
            })));
        if with_certificate {
            config = config.with_certificates(vec![own.certificate.clone()]);
        }
        let mut endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        let config = Arc::new(config.build(true, None).unwrap());
        endpoint.connect(own.origin, PEER, config, None).unwrap();
        Self {
            endpoint,
            fingerprint: own.fingerprint,
            done: false,
            failed: false,
        }
    }

    pub(crate) fn read(&mut self, now: Instant, datagram: &[u8]) {
        let at = origin() + now.since_start();
        match self.endpoint.read(at, PEER, None, datagram.into()) {
            Ok(events) => {
                self.done |= events
                    .iter()
                    .any(|event| matches!(event, EndpointEvent::HandshakeComplete));
            }
            Err(_) => self.failed = true,
        }
    }

    /// What it says at the end of the channel.
    pub(crate) fn closes(&mut self) -> Vec<Vec<u8>> {
        self.endpoint.close(origin()).unwrap();
        self.sent()
    }

    /// What it wants sent.
    pub(crate) fn sent(&mut self) -> Vec<Vec<u8>> {
        let next = || Some(self.endpoint.poll_transmit()?.message.to_vec());
        core::iter::from_fn(next).collect()
    }

    /// Its keys: what it sends under, what it receives under.
    pub(crate) fn keys(&self, profile: Profile) -> (Keys, Keys) {
        let state = self.endpoint.get_connection_state(PEER).unwrap();
        let length = 2 * (16 + profile.salt_bytes());
        let secret = state.export_keying_material(EXPORT_LABEL, &[], length);
        let secret = secret.unwrap().into_bytes();
        let salts = &secret[32..];
        let (ours, theirs) = salts.split_at(profile.salt_bytes());
        (
            Keys::of(profile, &secret[..16], ours).unwrap(),
            Keys::of(profile, &secret[16..32], theirs).unwrap(),
        )
    }
}

pub(crate) const BOTH: [SrtpProtectionProfile; 2] = [
    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
    SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
];

/// Runs the two against each other for virtual seconds; `fate` says which datagrams arrive, and
/// whether the order of a round is turned.
fn run(server: &mut Handshake, client: &mut Client, mut fate: impl FnMut() -> (bool, bool)) {
    let mut now = START;
    for _ in 0..1_000 {
        let at = origin() + now.since_start();
        let _ = client.endpoint.handle_timeout(PEER, at);
        server.handle_timeout(now);
        let (mut up, mut down) = (Vec::new(), Vec::new());
        while let Some(transmit) = client.endpoint.poll_transmit() {
            up.push(transmit.message);
        }
        while let Some(datagram) = server.poll_transmit() {
            down.push(datagram);
        }
        if fate().1 {
            up.reverse();
            down.reverse();
        }
        up.retain(|_| fate().0);
        down.retain(|_| fate().0);
        up.iter()
            .for_each(|datagram| server.handle_datagram(now, datagram));
        down.iter().for_each(|datagram| client.read(now, datagram));
        now = now + Duration::from_millis(20);
        let over = client.done && server.progress() != Progress::Pending;
        if over || matches!(server.progress(), Progress::Failed(_)) {
            return;
        }
    }
}

fn agreed(server: &Handshake) -> (Keys, Keys) {
    match server.progress() {
        Progress::Agreed { sending, receiving } => (sending, receiving),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_ends_have_the_same_keys_and_sound_passes() {
    let identity = identity();
    for (profiles, profile) in [
        (BOTH.to_vec(), Profile::AeadAes128Gcm),
        (BOTH[1..].to_vec(), Profile::AesCm128HmacSha1_80),
    ] {
        let mut client = Client::new(identity.fingerprint(), profiles, true);
        let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
        run(&mut server, &mut client, || (true, false));
        assert!(client.done);
        let (sending, receiving) = agreed(&server);
        assert_eq!(client.keys(profile), (receiving, sending));
        let mut us = Guard::new(&sending, &receiving).unwrap();
        let mut browser = Guard::new(&receiving, &sending).unwrap();
        let mut packet = [0x80; 60];
        packet[0] = 0x80;
        let length = us.protect_rtp(&mut packet, 40);
        assert!(length.is_err() || browser.open_rtp(&mut packet[..length.unwrap()]).is_ok());
        assert_eq!(server.next_wake(), None);
    }
}

/// Any one datagram is lost on its way, or none, in either order; but not the client's last, which
/// the library's client does not repeat when the server has repeated itself.
#[test]
fn a_lost_datagram_is_made_up_for() {
    let identity = identity();
    for lost in [0, 1, 3, 5, 7, 11] {
        for turned in [false, true] {
            let mut client = Client::new(identity.fingerprint(), BOTH.to_vec(), true);
            let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
            let mut calls = 0;
            run(&mut server, &mut client, || {
                calls += 1;
                (calls - 1 != lost, turned)
            });
            assert!(client.done, "{lost}: {server:?}");
            let (sending, receiving) = agreed(&server);
            assert_eq!(client.keys(Profile::AeadAes128Gcm), (receiving, sending));
        }
    }
}

#[test]
fn another_certificate_or_none_is_refused() {
    let identity = identity();
    let mut client = Client::new(identity.fingerprint(), BOTH.to_vec(), true);
    let mut server = Handshake::new(START, &identity, Fingerprint([7; 32])).unwrap();
    run(&mut server, &mut client, || (true, false));
    assert_eq!(server.progress(), Progress::Failed(Failure::Refused));
    let mut client = Client::new(identity.fingerprint(), BOTH.to_vec(), false);
    let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
    run(&mut server, &mut client, || (true, false));
    assert!(
        matches!(server.progress(), Progress::Failed(_)),
        "{server:?}"
    );
    // And a client that offers no profile of ours.
    let other = vec![SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm];
    let mut client = Client::new(identity.fingerprint(), other, true);
    let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
    run(&mut server, &mut client, || (true, false));
    assert!(
        !matches!(server.progress(), Progress::Agreed { .. }),
        "{server:?}"
    );
}

#[test]
fn silence_ends_in_time() {
    let identity = identity();
    let mut server = Handshake::new(START, &identity, Fingerprint([7; 32])).unwrap();
    assert!(server.poll_transmit().is_none(), "nothing is said first");
    let last = START + Duration::from_secs(DTLS_HANDSHAKE_S);
    assert_eq!(server.next_wake(), Some(last));
    server.handle_timeout(last - Duration::from_millis(1));
    assert_eq!(server.progress(), Progress::Pending);
    server.handle_timeout(last);
    assert_eq!(server.progress(), Progress::Failed(Failure::TimedOut));
    // A client that falls silent after its hello.
    let mut client = Client::new(identity.fingerprint(), BOTH.to_vec(), true);
    let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
    let hello = client.endpoint.poll_transmit().unwrap().message;
    server.handle_datagram(START, &hello);
    assert!(server.poll_transmit().is_some());
    let mut wakes = 0;
    while let Some(at) = server.next_wake() {
        assert!(at <= last && wakes < 100);
        server.handle_timeout(at);
        while server.poll_transmit().is_some() {}
        wakes += 1;
    }
    assert_eq!(server.progress(), Progress::Failed(Failure::TimedOut));
}

#[test]
fn garbage_between_the_messages_changes_nothing() {
    let identity = identity();
    let mut client = Client::new(identity.fingerprint(), BOTH.to_vec(), true);
    let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
    let mut state = 5_u64;
    for round in 0..100 {
        let mut up = Vec::new();
        while let Some(transmit) = client.endpoint.poll_transmit() {
            up.push(transmit.message);
        }
        for datagram in &up {
            for _ in 0..20 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let mut noise = datagram.to_vec();
                let at = (state >> 33) as usize % 13;
                noise[at] ^= (state >> 25) as u8 | 1;
                noise.truncate(noise.len() - 1);
                server.handle_datagram(START, &noise);
                server.handle_datagram(START, &state.to_be_bytes());
            }
            server.handle_datagram(START, datagram);
        }
        while let Some(datagram) = server.poll_transmit() {
            client.read(START, &datagram);
        }
        if client.done && round > 20 {
            break;
        }
    }
    assert!(client.done);
    agreed(&server);
}

/// Each message of a real handshake with each of its bytes changed: the library may refuse, and
/// must not panic.
#[test]
fn no_changed_message_makes_the_library_panic() {
    let identity = identity();
    let mut client = Client::new(identity.fingerprint(), BOTH.to_vec(), true);
    let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
    let mut heard: Vec<BytesMut> = Vec::new();
    for _ in 0..10 {
        while let Some(transmit) = client.endpoint.poll_transmit() {
            server.handle_datagram(START, &transmit.message);
            heard.push(transmit.message);
        }
        while let Some(datagram) = server.poll_transmit() {
            client.read(START, &datagram);
        }
    }
    agreed(&server);
    let first = &heard[0];
    for at in 13..first.len() {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut changed = first.to_vec();
            changed[at] = value;
            let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
            server.handle_datagram(START, &changed);
            assert!(!matches!(server.progress(), Progress::Agreed { .. }));
        }
    }
    for (n, datagram) in heard.iter().enumerate().skip(1) {
        for at in (13..datagram.len()).step_by(3) {
            let mut server = Handshake::new(START, &identity, client.fingerprint).unwrap();
            for before in &heard[..n] {
                server.handle_datagram(START, before);
            }
            let mut changed = datagram.to_vec();
            changed[at] ^= 0xFF;
            server.handle_datagram(START, &changed);
        }
    }
}
