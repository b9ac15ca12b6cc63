//! libFuzzer's entry to `hotline_fuzz::framing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::framing::run(data));
