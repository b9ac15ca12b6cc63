//! Every limit in one place: unit in the name, the reason, and what happens when it is reached.

/// Longest SIP message on a datagram transport. A UDP payload cannot be longer than 65,507 bytes;
/// when longer, the datagram is cut by the kernel and parsed as far as it goes.
pub const SIP_DATAGRAM_BYTES: usize = 65_535;

/// Longest SIP message on a stream transport (RFC 3261 §18.3 frames by Content-Length). A longer
/// one is answered 513 where it can be read, and the connection is closed.
pub const SIP_STREAM_MESSAGE_BYTES: usize = 65_536;

/// Most header lines of one SIP message. RFC 4475's longest has 35; 256 leaves room for a path
/// through many proxies. More: 400.
pub const SIP_HEADERS: usize = 256;

/// Most live SIP transactions. 20,000 are 600 new calls a second with a minute of retransmissions.
/// When full, new requests are answered 503 with Retry-After, without state.
pub const SIP_TRANSACTIONS: usize = 20_000;

/// Most live dialogs: twice the calls, for each has a caller's and an agent's leg, and a
/// few for seats' own calls. When full: 503.
pub const SIP_DIALOGS: usize = 2 * CALLS + 2_000;

/// Most TCP connections at once. When full, the newest is closed at once.
pub const SIP_CONNECTIONS: usize = 10_000;

/// Longest quiet time of a TCP connection that carries no registration or call, seconds. Then it
/// is closed.
pub const SIP_CONNECTION_IDLE_S: u64 = 600;

/// Longest time for one message to arrive whole on a stream, seconds; slower is an attack or a
/// broken peer, and the connection is closed.
pub const SIP_STREAM_MESSAGE_S: u64 = 32;

/// Most calls at once in one engine: the design tier of a province. When full: 503.
pub const CALLS: usize = 4_000;

/// Contacts of one seat. A further one is answered 403; the oldest is not displaced, so that a
/// stranger with the password cannot push the agent's phone out unseen.
pub const CONTACTS_PER_SEAT: usize = 4;

/// Shortest registration the registrar grants, seconds; shorter is answered 423 with Min-Expires.
pub const REGISTRATION_MIN_S: u32 = 30;

/// Longest registration granted, seconds; longer is shortened in the answer.
pub const REGISTRATION_MAX_S: u32 = 3_600;

/// Life of a digest nonce, seconds. Older is answered 401 with stale=true.
pub const NONCE_LIFE_S: u64 = 300;

/// Commands waiting for one media worker. When full the call that asked is ended with 503 and the
/// failure is counted: a worker that far behind cannot carry it.
pub const MEDIA_COMMANDS: usize = 16_384;

/// Reports waiting for the signalling loop. When full the worker keeps them in order and tries
/// again next turn; nothing is lost.
pub const MEDIA_REPORTS: usize = 16_384;

/// Blocks of sound waiting for the recorder. 32,768 blocks of 20 ms in two channels are 1.6 s of
/// 200 recorded calls. When full the block is dropped, counted and reported as a gap; the call
/// goes on.
pub const RECORDING_BLOCKS: usize = 32_768;

/// Longest RTP packet accepted, bytes: an Ethernet frame. Longer is dropped and counted.
pub const RTP_PACKET_BYTES: usize = 1_500;

/// Time without any packet from a leg that should send, seconds. Then the leg is reported silent
/// and the call is ended as lost.
pub const RTP_SILENCE_S: u64 = 30;

/// Digits kept for a call that is not asking for any; more are dropped, oldest first.
pub const TYPED_AHEAD_DIGITS: usize = 32;

/// Steps a script may take without waiting for anything. More is a loop, and the call is
/// led to the end that silence leads to.
pub const SCRIPT_STEPS_AT_ONCE: u32 = 256;

/// Orders waiting at the gate (HTTP, media and other threads to the floor). When full the order
/// is refused with 503, and the caller of the API is told to try again.
pub const GATE_ORDERS: usize = 4_096;

/// Events waiting for the store. When full, the signalling loop waits: no event may be lost, and
/// a call without a journal does not exist. 65,536 events are 4,000 calls' whole story.
pub const STORE_EVENTS: usize = 65_536;

/// Longest journal record, bytes. An event is far shorter; a longer record is refused at write
/// and is a torn tail at read.
pub const JOURNAL_RECORD_BYTES: usize = 65_536;

/// Live streams (SSE) at once. When full: 503.
pub const LIVE_STREAMS: usize = 512;

/// Longest body of an HTTP request, bytes. Longer: 413.
pub const HTTP_BODY_BYTES: usize = 65_536;

// Trunks and outgoing calls.

/// Failures in a row after which a trunk's target is taken for down: one lost ping is weather. One
/// success takes it for up again.
pub const TRUNK_FAILURES_DOWN: u32 = 2;

/// Longest time an OPTIONS may stay without an answer, seconds; then it has failed. Over UDP it is
/// sent four times in it.
pub const TRUNK_OPTIONS_ANSWER_S: u64 = 5;

/// Longest rest a 503 with Retry-After gives a trunk's target, seconds. A longer wish is shortened,
/// so that one answer cannot silence a line for a day.
pub const TRUNK_REST_MAX_S: u32 = 600;

/// Rest of a target that is down and is not asked by OPTIONS, seconds; then it is tried again.
pub const TRUNK_REST_S: u64 = 30;

/// First wait after a failed REGISTER, seconds. It doubles with each failure.
pub const TRUNK_REGISTER_AGAIN_S: u64 = 5;

/// Longest wait after a failed REGISTER, seconds: a carrier that comes back is found in so long.
pub const TRUNK_REGISTER_AGAIN_MAX_S: u64 = 300;

/// Most trunks. More is a fault of the configuration.
pub const TRUNKS: usize = 64;

/// Most targets of one trunk, and most number rules. More is a fault of the configuration.
pub const TRUNK_TARGETS: usize = 16;

/// Longest time a trunk may leave our INVITE without any response, seconds; then the next trunk is
/// tried. A hundred is a response.
pub const OUTGOING_UNHEARD_S: u64 = 4;

/// Longest time in which an outgoing call may go from one trunk to the next, seconds; then it
/// fails with the last trunk's status.
pub const OUTGOING_TRIES_S: u64 = 30;

/// Longest time an outside number rings, seconds; then the call is cancelled and fails with 480.
pub const OUTGOING_RING_S: u64 = 120;
