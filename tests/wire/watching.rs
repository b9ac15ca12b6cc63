//! Somebody who looks at the live stream: what it told, event by event.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::engine::Engine;

/// An open stream of a user.
pub struct Watching {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
    /// Of the session that the stream belongs to.
    pub token: String,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    told: Mutex<Vec<u8>>,
}

impl Watching {
    /// Opens the stream as this user; returns once the first picture came.
    pub fn by(engine: &Engine, user: &str) -> Self {
        let token = engine.sign_in(user);
        let mut stream = TcpStream::connect((engine.host, engine.http)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let request = format!(
            "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let worker = thread::spawn(move || {
            let mut bytes = [0; 65_536];
            while !theirs.stop.load(Ordering::Relaxed) {
                match stream.read(&mut bytes) {
                    Ok(0) => return,
                    Ok(length) => {
                        let mut told = theirs.told.lock().unwrap();
                        told.extend_from_slice(&bytes[..length]);
                    }
                    Err(_) => {}
                }
            }
        });
        let watching = Self {
            shared,
            worker: Some(worker),
            token,
        };
        let until = Instant::now() + Duration::from_secs(5);
        while watching.pictures().is_empty() {
            assert!(Instant::now() < until, "no picture came");
            thread::sleep(Duration::from_millis(20));
        }
        watching
    }

    /// Waits until the engine ends the stream.
    pub fn ends(&self) {
        let until = Instant::now() + Duration::from_secs(5);
        // The last chunk of RFC 9112 §7.1.
        while !self.shared.told.lock().unwrap().ends_with(b"\r\n0\r\n\r\n") {
            assert!(Instant::now() < until, "the stream goes on");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn told(&self) -> Vec<Value> {
        let told = self.shared.told.lock().unwrap().clone();
        let text = String::from_utf8_lossy(&told).into_owned();
        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|json| serde_json::from_str(json.trim()).ok())
            .collect()
    }

    /// The journal's records it told.
    pub fn records(&self) -> Vec<Value> {
        let told = self.told().into_iter();
        told.filter(|it| it["type"].is_string()).collect()
    }

    /// The wallboards it showed.
    pub fn pictures(&self) -> Vec<Value> {
        let told = self.told().into_iter();
        told.filter(|it| it["seats"].is_array()).collect()
    }

    /// Waits until it told a record for which `is` holds.
    pub fn until(&self, what: &str, is: impl Fn(&Value) -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while !self.records().iter().any(&is) {
            assert!(Instant::now() < until, "the stream never told: {what}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}
