//! libFuzzer's entry to `hotline_fuzz::stun`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::stun::run(data));
