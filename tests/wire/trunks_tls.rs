//! Trunks called by TLS: a carrier's certificate must have the name that the trunk says.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use serde_json::Value;

use crate::{engine::Engine, interop::PATIENCE_S, journal, town};

/// The name that both trunks are told.
const NAME: &str = "sbc.carrier.example";

/// A carrier whose certificate is for `name`, answering OPTIONS.
struct Carrier {
    port: u16,
    /// Its certificate, PEM.
    certificate: String,
    /// Whom each handshake asked for (SNI).
    asked: Arc<Mutex<Vec<String>>>,
}

impl Carrier {
    fn start(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let certificate = made.cert.pem();
        let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (config, asked_here) = (Arc::new(config), asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(config.clone()).unwrap();
                let mut stream = StreamOwned::new(connection, stream.unwrap());
                // Who does not like the certificate says so here.
                let _ = serve(&mut stream);
                let name = stream.conn.server_name().map(str::to_owned);
                asked_here.lock().unwrap().extend(name);
            }
        });
        Self {
            port,
            certificate,
            asked,
        }
    }
}

/// Answers each request with 200, until the connection ends; the first one ends the conversation,
/// so that the next OPTIONS shows a further handshake.
fn serve(stream: &mut StreamOwned<ServerConnection, std::net::TcpStream>) -> std::io::Result<()> {
    let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.split_once(": ") {
            Some(("To", to)) => answer.push_str(&format!("To: {};tag=c\r\n", to.trim_end())),
            Some(("Via" | "From" | "Call-ID" | "CSeq", _)) => answer.push_str(&line),
            _ if line == "\r\n" => break,
            _ => {}
        }
    }
    answer.push_str("Content-Length: 0\r\n\r\n");
    reader.get_mut().write_all(answer.as_bytes())?;
    reader.get_mut().flush()
}

/// The line of a trunk on the wallboard, once it shows `state`.
fn once(engine: &Engine, trunk: &str, state: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(PATIENCE_S);
    loop {
        let board = engine.get("/api/v1/wallboard");
        let mut trunks = board["trunks"].as_array().unwrap().iter();
        let line = trunks.find(|line| line["trunk"] == trunk).unwrap();
        if line["state"] == state {
            return line.clone();
        }
        assert!(Instant::now() < until, "never {state}: {line}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_carrier_is_known_by_the_name_in_its_certificate_and_another_is_down_with_the_reason() {
    let (named, other) = (Carrier::start(NAME), Carrier::start("sbc.other.example"));
    let mut engine = town::prepare();
    let config = engine.dir.join("config");
    let authorities = format!("{}{}", named.certificate, other.certificate);
    fs::write(config.join("authorities.pem"), authorities).unwrap();
    engine.configure("engine.toml", "# authorities = ", "authorities = ");
    let mut trunks = fs::read_to_string(config.join("trunks.toml")).unwrap();
    for (name, ip, carrier) in [
        ("named", "127.0.0.21", &named),
        ("other", "127.0.0.22", &other),
    ] {
        trunks.push_str(&format!(
            "\n[[trunk]]\nname = \"{name}\"\naddresses = [\"{ip}\"]\n\
             outbound = [\"sip:127.0.0.1:{};transport=tls\"]\ntls_name = \"{NAME}\"\n\
             options_every_s = 1\n",
            carrier.port
        ));
    }
    fs::write(config.join("trunks.toml"), trunks).unwrap();
    engine.restart();

    once(&engine, "named", "up");
    let down = once(&engine, "other", "down");
    let expected = format!(
        "TLS 127.0.0.1:{}: cannot be reached: its certificate is not for {NAME}",
        other.port
    );
    assert_eq!(down["detail"], expected.as_str(), "{down}");
    let told = journal::until(&engine, "the reason", |record| {
        record["type"] == "trunk-state-changed" && record["trunk"] == "other"
    });
    assert_eq!(told["state"], "down", "{told}");
    let asked = named.asked.lock().unwrap();
    assert!(
        !asked.is_empty() && asked.iter().all(|name| name == NAME),
        "{asked:?}"
    );
}
