//! libFuzzer's entry to `hotline_fuzz::ws`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::ws::run(data));
