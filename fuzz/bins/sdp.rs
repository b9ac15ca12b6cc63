//! libFuzzer's entry to `hotline_fuzz::sdp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::sdp::run(data));
