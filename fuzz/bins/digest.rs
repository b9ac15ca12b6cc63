//! libFuzzer's entry to `hotline_fuzz::digest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::digest::run(data));
