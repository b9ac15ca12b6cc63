//! `[media]`: the threads of sound, and the ports they share.

use std::{num::NonZero, thread::available_parallelism};

use hotline_model::{diagnostic::Diagnostic, limits::MEDIA_THREADS};

use super::files::Media;
use crate::media_threads::even_ports;

/// How many media threads there are to be: as many as the file says, else one for each core but
/// one, which is left to signalling and to everything else.
pub(super) fn threads(media: &Media) -> usize {
    match *media.threads.get_ref() {
        0 => {
            let cores = available_parallelism().map_or(1, NonZero::get);
            cores.saturating_sub(1).clamp(1, MEDIA_THREADS)
        }
        threads => threads,
    }
}

/// Finds threads and ports that do not go together.
pub(super) fn check(media: &Media, sip_port: u16, found: &mut Vec<Diagnostic>) {
    let (first, last) = *media.ports.get_ref();
    let mut fault = |at, what: String, help: &str| {
        found.push(Diagnostic::new(at, what).with_help(help));
    };
    if first < 1024 || last <= first {
        let what = "RTP ports are two numbers from 1024, the first below the last";
        fault(media.ports.span(), what.to_owned(), "e.g. [20000, 29998]");
        return;
    }
    let threads = threads(media);
    if threads > MEDIA_THREADS {
        let what = format!("`threads` is at most {MEDIA_THREADS}");
        let help = "0 takes one for each core but one";
        fault(media.threads.span(), what, help);
        return;
    }
    let pairs = even_ports(&(first..=last));
    if pairs < threads {
        let what = format!("`ports` has {pairs} even ports for {threads} media threads");
        let help = "each thread takes an equal part of them: widen `ports`, or set `threads`";
        fault(media.ports.span(), what, help);
    }
    let browsers = *media.browser_port.get_ref();
    if browsers == 0 {
        return;
    }
    // Counted where no port's number can overflow.
    let (begin, end) = (usize::from(browsers), usize::from(browsers) + threads - 1);
    let within = |port: u16| (begin..=end).contains(&usize::from(port));
    let meets = begin <= usize::from(last) && usize::from(first) <= end;
    if begin < 1024 || end > usize::from(u16::MAX) || meets || within(sip_port) {
        let what = format!(
            "`browser_port` takes a port for each of {threads} media threads, {begin} to {end}: \
             they must lie from 1024 to 65535, outside `ports`, and not at `sip_port`"
        );
        let help = "choose another first port, fewer `threads`, or 0, which is off";
        fault(media.browser_port.span(), what, help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(keys: &str) -> Vec<String> {
        let media: Media = toml::from_str(keys).unwrap();
        let mut found = Vec::new();
        check(&media, 5_060, &mut found);
        assert!(found.iter().all(|fault| fault.help.is_some()), "{found:?}");
        found.into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn there_is_a_thread_for_each_core_but_one_unless_the_file_says() {
        let of = |keys: &str| threads(&toml::from_str(keys).unwrap());
        let by_cores = of("ports = [20000, 29998]");
        assert!((1..=MEDIA_THREADS).contains(&by_cores));
        assert_eq!(of("ports = [20000, 29998]\nthreads = 0"), by_cores);
        assert_eq!(of("ports = [20000, 29998]\nthreads = 5"), 5);
        let cores = available_parallelism().unwrap().get();
        assert_eq!(by_cores, (cores - 1).clamp(1, MEDIA_THREADS));
    }

    #[test]
    fn every_thread_has_a_port() {
        for good in [
            "ports = [20000, 20006]\nthreads = 4",
            "ports = [20000, 29998]\nthreads = 64",
            "ports = [20000, 29998]\nthreads = 1\nbrowser_port = 19999",
            "ports = [20000, 29998]\nthreads = 2\nbrowser_port = 19998",
            "ports = [20000, 29998]\nthreads = 2\nbrowser_port = 65534",
            "ports = [20000, 29998]\nthreads = 60\nbrowser_port = 5061",
        ] {
            assert_eq!(faults(good), [""; 0], "{good}");
        }
        for (bad, told) in [
            ("ports = [1000, 2000]", "from 1024"),
            ("ports = [20000, 20000]", "from 1024"),
            ("ports = [20000, 29998]\nthreads = 65", "at most 64"),
            (
                "ports = [20000, 20005]\nthreads = 4",
                "3 even ports for 4 media threads",
            ),
            (
                "ports = [20000, 29998]\nthreads = 2\nbrowser_port = 19999",
                "2 media threads, 19999 to 20000",
            ),
            (
                "ports = [20000, 29998]\nthreads = 2\nbrowser_port = 29998",
                "29998 to 29999",
            ),
            (
                "ports = [20000, 29998]\nthreads = 2\nbrowser_port = 65535",
                "65535 to 65536",
            ),
            (
                "ports = [20000, 29998]\nthreads = 3\nbrowser_port = 5058",
                "5058 to 5060",
            ),
            (
                "ports = [20000, 29998]\nthreads = 1\nbrowser_port = 80",
                "80 to 80",
            ),
        ] {
            let faults = faults(bad);
            assert_eq!(faults.len(), 1, "{bad}: {faults:?}");
            assert!(faults[0].contains(told), "{bad}: {faults:?}");
        }
    }
}
