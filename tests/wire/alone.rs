//! A network of a test's own: torture messages name addresses of the Internet, and what the engine
//! answers them must not leave the machine.

use std::{env, process::Command};

/// Set inside the network of one's own.
const INSIDE: &str = "HOTLINE_TEST_ALONE";

/// Whether the test already runs in a network of its own, with nothing in it but the loopback.
/// Where not, it is run again in one, and its end is this test's.
pub fn is_alone(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let ways: [&[&str]; 2] = [
        &["--net"],
        // Who is not root may in a user namespace.
        &["--user", "--map-current-user", "--keep-caps", "--net"],
    ];
    let may = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).arg("true").output();
        tried.is_ok_and(|output| output.status.success())
    };
    let way = ways
        .iter()
        .find(may)
        .expect("this system gives no network namespace: run the tests as root");
    let output = Command::new("unshare")
        .args(*way)
        .args([
            "bash",
            "-c",
            "PATH=$PATH:/usr/sbin; ip link set lo up && exec \"$@\"",
            "alone",
        ])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}
