//! libFuzzer's entry to `hotline_fuzz::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::message::run(data));
