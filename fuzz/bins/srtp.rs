//! libFuzzer's entry to `hotline_fuzz::srtp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::srtp::run(data));
