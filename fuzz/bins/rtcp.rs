//! libFuzzer's entry to `hotline_fuzz::rtcp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hotline_fuzz::rtcp::run(data));
