//! Secure RTP and RTCP: packets of anybody, and packets of the other side that are lost, damaged and
//! repeated on their way.

use hotline_media::secure::srtp::{
    Guard, KEY_BYTES, Keys, OVERHEAD_BYTES, Profile, Refusal, SALT_BYTES,
};

/// Longest packet of the input, bytes: its length is one byte.
const PACKET_BYTES: usize = 255;

/// Takes `data` as packets, each behind two bytes: its length, and what becomes of it.
pub fn run(data: &[u8]) {
    for profile in [
        Profile::AeadAes128Gcm,
        Profile::AesCm128HmacSha1_80,
        Profile::AesCm128HmacSha1_32,
    ] {
        let mut talk = Talk::new(profile);
        let mut rest = data;
        while let [length, fate, after @ ..] = rest {
            let (packet, after) = after.split_at(after.len().min((*length).into()));
            rest = after;
            talk.take(packet, *fate);
        }
    }
}

/// Two sides that agreed on keys, and a third that hears strangers only.
struct Talk {
    from: Guard,
    to: Guard,
    alone: Guard,
}

impl Talk {
    fn new(profile: Profile) -> Self {
        let keys = |n: u8| Keys::random(profile, &[n; KEY_BYTES + SALT_BYTES]);
        let guard = |sends, hears| Guard::new(&keys(sends), &keys(hears)).expect("good keys");
        Self {
            from: guard(1, 2),
            to: guard(2, 1),
            alone: guard(3, 4),
        }
    }

    /// The lowest bit says whether it is RTCP, the next whether a stranger sends it; the rest where
    /// it is damaged first, if it is.
    fn take(&mut self, packet: &[u8], fate: u8) {
        let (control, stranger, damaged) = (fate & 1 == 1, fate & 2 == 2, usize::from(fate >> 2));
        if stranger {
            let mut packet = packet.to_vec();
            if let Ok(length) = open(&mut self.alone, control, &mut packet) {
                assert!(length <= packet.len());
            }
            return;
        }
        let mut sent = [0; PACKET_BYTES + OVERHEAD_BYTES];
        sent[..packet.len()].copy_from_slice(packet);
        let sealed = if control {
            self.from.protect_rtcp(&mut sent, packet.len())
        } else {
            self.from.protect_rtp(&mut sent, packet.len())
        };
        let Ok(sealed) = sealed else { return };
        assert!(sealed > packet.len() && sealed <= packet.len() + OVERHEAD_BYTES);
        let sent = &sent[..sealed];
        if damaged > 0 {
            let mut wrong = sent.to_vec();
            if let Some(byte) = wrong.get_mut(damaged - 1) {
                *byte ^= 0x10;
                assert!(open(&mut self.to, control, &mut wrong).is_err());
            }
        }
        // What was not authentic has changed nothing: the packet itself is opened, and once.
        let mut came = sent.to_vec();
        let opened = open(&mut self.to, control, &mut came);
        assert_eq!(opened.map(|length| &came[..length]), Ok(packet));
        let again = open(&mut self.to, control, &mut sent.to_vec());
        assert_eq!(again, Err(Refusal::Replayed));
    }
}

fn open(guard: &mut Guard, control: bool, packet: &mut [u8]) -> Result<usize, Refusal> {
    if control {
        guard.open_rtcp(packet)
    } else {
        guard.open_rtp(packet)
    }
}
