//! libFuzzer's entry to `hotline_fuzz::uri`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::uri::run(data));
