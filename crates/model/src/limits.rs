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

/// Most live SIP transactions. A call leaves about 3.2 of them behind, each for up to 64*T1 (32 s):
/// the server's INVITE and BYE, the client's INVITE and now and then a PRACK or an UPDATE. 3,000
/// new calls a second, more than one core serves, are some 307,000. When full, new requests are
/// answered 503 with Retry-After, without state.
pub const SIP_TRANSACTIONS: usize = 524_288;

/// Most live dialogs: twice the calls, for each has a caller's and an agent's leg, and a
/// few for seats' own calls. When full: 503.
pub const SIP_DIALOGS: usize = 2 * CALLS + 2_000;

/// Most TCP connections at once. When full, the newest is closed at once.
pub const SIP_CONNECTIONS: usize = 10_000;

/// How long the first word of who was called to help (110, 119, 120, 122) is waited for, from the
/// answer, seconds: an operator says something within a few, and two minutes outlast any recorded
/// announcement that the ear does not take for a voice. Then the journal says that nobody spoke, and
/// the agent may leave all the same: a dead line must not hold a seat for ever.
pub const HELP_SILENT_S: u64 = 120;

/// Longest quiet time of a TCP connection that carries no registration or call, seconds. Then it
/// is closed.
pub const SIP_CONNECTION_IDLE_S: u64 = 600;

/// Longest time for one message to arrive whole on a stream, seconds; slower is an attack or a
/// broken peer, and the connection is closed.
pub const SIP_STREAM_MESSAGE_S: u64 = 32;

/// Most calls at once in one engine: the design tier of a province. When full: 503.
pub const CALLS: usize = 4_000;

/// Contacts of one seat: a desk phone, a browser, and each once more while it comes back by a new
/// address. A further one displaces the one longest without a refresh, which is journalled; one
/// REGISTER that names more is answered 403.
pub const CONTACTS_PER_SEAT: usize = 4;

/// Shortest registration the registrar grants, seconds; shorter is answered 423 with Min-Expires.
pub const REGISTRATION_MIN_S: u32 = 30;

/// Longest registration granted, seconds; longer is shortened in the answer.
pub const REGISTRATION_MAX_S: u32 = 3_600;

/// Life of a digest nonce, seconds. Older is answered 401 with stale=true.
pub const NONCE_LIFE_S: u64 = 300;

/// Most media threads: their number has six bits in the numbers of legs and recordings. More cores
/// than that go on with other work; a configuration that asks for more is refused.
pub const MEDIA_THREADS: usize = 64;

/// Commands waiting for one media worker. When full the call that asked is ended with 503 and the
/// failure is counted: a worker that far behind cannot carry it.
pub const MEDIA_COMMANDS: usize = 16_384;

/// Reports waiting for the signalling loop. When full the worker keeps them in order and tries
/// again next turn; nothing is lost.
pub const MEDIA_REPORTS: usize = 16_384;

/// Ports that a media thread keeps open of each of our addresses before anybody needs them: as many
/// seats may become free at one moment without one waiting for its port. When none is left the
/// thread is asked for one, which takes until it is between two batches of sound. Each is a socket.
pub const MEDIA_PORTS_READY: usize = 64;

/// So many of them are used before more are asked for, all at once; opening them holds the sound
/// of the thread's other legs up by some tenths of a millisecond.
pub const MEDIA_PORTS_REFILL: usize = 16;

/// Rest of a media port after its leg was closed, milliseconds, so that what its peer still sends
/// finds nobody. Far above a packet's way and the first repetition of a BYE. Where all others are
/// taken, a leg gets one that rests: its sound is judged by its source all the same.
pub const MEDIA_PORT_REST_MS: u64 = 1_000;

/// Packets that came to an open port before it was a leg's, and are thrown away when it becomes one:
/// more than the kernel keeps for a socket. What a flood puts in meanwhile is judged as all sound.
pub const MEDIA_PORT_STRAYS: usize = 512;

/// Blocks of sound of one media thread that wait for the recorder. 32,768 blocks of 20 ms in two
/// channels are 1.6 s of 200 recorded calls. When full the block is dropped, counted and reported as
/// a gap; the call goes on.
pub const RECORDING_BLOCKS: usize = 32_768;

/// Longest RTP packet accepted, bytes: an Ethernet frame. Longer is dropped and counted.
pub const RTP_PACKET_BYTES: usize = 1_500;

/// Time without any packet from a leg that should send, seconds. Then the leg is reported silent
/// and the call is ended as lost.
pub const RTP_SILENCE_S: u64 = 30;

/// How loud a sound is to count as somebody's speaking, dBm0 over a packet: quiet speech at a bad
/// line is some -35, a carrier's comfort noise below -50.
pub const VOICE_LOUD_DBM0: f32 = -40.0;

/// How much of such sound is somebody, milliseconds: a short word, and more than a click.
pub const VOICE_MS: u32 = 160;

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

/// Live streams (SSE) at once beside those kept for the seats' own pages: supervisors' screens, and
/// more pages of a seat than [`DESK_STREAMS`]. When full: 503, counted and logged.
pub const LIVE_STREAMS: usize = 512;

/// Live streams kept for each seat's own pages, beyond [`LIVE_STREAMS`]: a seat whose page has none is
/// offered no calls. Two, since a page that comes back may do so before the engine knows that the
/// stream it had is dead. Further ones take a place of those for everybody.
pub const DESK_STREAMS: usize = 2;

/// Longest body of an HTTP request, bytes. Longer: 413.
pub const HTTP_BODY_BYTES: usize = 65_536;

// Admission: what strangers may ask, and how guessing is answered.

/// Requests a second from one address that has proved nothing, beyond its first burst. An office
/// of fifty phones behind one address signs in within a few seconds; when more come they are
/// answered 503 a few times a second and else ignored. Trunks and signed-in phones are not counted.
pub const STRANGER_REQUESTS_PER_S: u32 = 50;

/// Requests at once from one address that has proved nothing: see [`STRANGER_REQUESTS_PER_S`].
pub const STRANGER_BURST: u32 = 200;

/// Refusals a second told to one address that asks too much. More is silence, which costs the
/// engine nothing and an attacker his certainty.
pub const STRANGER_ANSWERS_PER_S: u32 = 5;

/// Addresses remembered. When full, those not heard of for longest are forgotten; what all of them
/// together may ask is bounded by [`STRANGERS_PER_S`].
pub const STRANGER_SOURCES: usize = 65_536;

/// Requests a second from all strangers together: forged addresses must not cost more than one
/// core's tenth. More are ignored.
pub const STRANGERS_PER_S: u32 = 2_000;

/// Wrong passwords from one address until it is banned.
pub const WRONG_PROOFS: u32 = 10;

/// First ban of an address that guesses, seconds; each further one is twice as long. A trunk is
/// never banned, nor an address at which a seat's phone is signed in.
pub const BAN_FIRST_S: u64 = 30;

/// Longest ban, seconds.
pub const BAN_LONGEST_S: u64 = 3_600;

/// New calls a second that one trunk may bring, where `calls_per_s` in `trunks.toml` does not say
/// otherwise. A province's busiest second has some hundred; ten
/// times that is a fault of the carrier or an attack through it. More are answered 503.
pub const TRUNK_INVITES_PER_S: u32 = 5_000;

// The registrar and digest.

/// Longest name a phone gives itself (`User-Agent`) that is kept with its binding, bytes. The rest
/// is cut off.
pub const USER_AGENT_BYTES: usize = 128;

/// Longest `+sip.instance` of a contact, bytes; a URN of a UUID has 45. A longer one is passed over:
/// the contact is then known by its URI alone.
pub const CONTACT_INSTANCE_BYTES: usize = 256;

/// Time between two pings of a phone on UDP, seconds. NATs forget a mapping after 30 s and more
/// (RFC 5626 §4.4 says 24 to 29).
pub const KEEP_ALIVE_S: u64 = 25;

/// Pings a phone may leave unanswered in a row. Then its binding is removed; it comes back by its
/// next REGISTER.
pub const KEEP_ALIVE_LOST: u8 = 2;

// Transfers, redirections and long requests (`sip::endpoint`).

/// REFERs under way in one dialog, both directions. A person transfers a call once; a second and
/// third are somebody pressing again. A further one of the peer is answered 503, one of ours is
/// reported as refused with 503.
pub const SIP_REFERS_PER_DIALOG: usize = 4;

/// Life of the subscription a REFER makes, seconds: the longest ringing of three minutes, and one
/// for what comes before it. Then it ends with the reason `timeout`; a peer that tells of a longer
/// one is believed this long.
pub const SIP_REFER_S: u64 = 240;

// Sessions in SIP: provisional responses, early dialogs, bodies.

/// Early dialogs of one INVITE of ours, and 2xx of it that are acknowledged: a proxy that forks
/// rings a handful of phones. A further fork's provisional responses are dropped, and its 2xx is
/// left to time out.
pub const SIP_FORKS: usize = 8;

/// Reliable provisional responses of one INVITE that wait for the PRACK of the one before. Ringing,
/// forwarding and queueing are three; a further one is not sent.
pub const SIP_PROVISIONALS_WAITING: usize = 8;

/// Most parts of a multipart body, nested ones included. A carrier's INVITE has two or three (SDP,
/// ISUP, a location). More: 400.
pub const SIP_BODY_PARTS: usize = 16;

/// How deep multipart bodies may nest. RFC 5621 has alternatives within a mixed body; what lies
/// deeper is not looked at, as if its type were unknown.
pub const SIP_BODY_DEPTH: usize = 2;

/// Longest session interval that is kept, seconds: a day. A longer one is taken for this
/// (RFC 4028 §9 lets a server shorten it).
pub const SIP_SESSION_MAX_S: u32 = 86_400;

/// Contacts of a redirection that are handed out; a phone names one or two. The less preferred
/// are left out.
pub const SIP_REDIRECT_CONTACTS: usize = 8;

/// Longest request sent as a datagram, bytes, where the path's MTU is not known (RFC 3261
/// §18.1.1). A longer one goes over TCP.
pub const SIP_DATAGRAM_REQUEST_BYTES: usize = 1_300;

/// Longest wait for a first response to a request that went over TCP for its length, seconds: a
/// firewall may swallow the connection without a word, and the caller hears nothing meanwhile.
/// Then it goes as a datagram.
pub const SIP_OPENING_S: u64 = 4;

/// Peers that are remembered to take no TCP. When full, the oldest is forgotten, and asked again.
pub const SIP_DATAGRAM_ONLY_PEERS: usize = 256;

/// How long a peer is remembered to take no TCP, seconds: ten minutes, so that one call in many
/// pays for the asking.
pub const SIP_DATAGRAM_ONLY_S: u64 = 600;

// Transports of signalling.

/// Connections that one address may have open at once (an IPv6 /64 counts as one). A call centre
/// behind one address has one for each browser and phone; 512 leaves 200 seats room to come
/// back before their old connections are given up. When full, the newest is closed at once. A
/// trunk's address is exempt.
pub const SIP_CONNECTIONS_PER_SOURCE: usize = 512;

/// Connections that the accepting tasks hold ready for the signalling loop; when full, further ones
/// wait in the kernel.
pub const SIP_CONNECTIONS_ACCEPTED: usize = 64;

/// Longest time for the TLS and the WebSocket handshake of a connection together, seconds. Slower
/// is an attack or a broken peer, and the connection is closed.
pub const SIP_HANDSHAKE_S: u64 = 10;

/// Longest time until the first message on a connection that a peer opened, seconds; who
/// has nothing to say is closed. A trunk's address is exempt.
pub const SIP_FIRST_MESSAGE_S: u64 = 32;

/// Quiet time after which a peer on TCP or TLS is sent CR LF CR LF, seconds (RFC 5626 §4.4.1),
/// and every so often after it: below the shortest time for which routers remember a quiet
/// connection. A peer need not answer; its network must (`SIP_PEER_ACK_S`).
pub const SIP_KEEP_ALIVE_S: u64 = 60;

/// Longest time until a peer's network confirms what was sent on a stream, seconds. Then the
/// connection is given up, and what was registered over it with it.
pub const SIP_PEER_ACK_S: u64 = 32;

/// Quiet time after which a WebSocket is pinged, seconds: below the minute after which proxies
/// close. A peer that lets the second ping pass in silence is gone, and its connection is closed.
pub const SIP_WEBSOCKET_PING_S: u64 = 25;

/// Allowed Origins of WebSockets in the configuration. More is a fault of the configuration.
pub const SIP_WEBSOCKET_ORIGINS: usize = 64;

/// Local addresses of signalling besides the first. More is a fault of the configuration.
pub const SIP_ADDRESSES: usize = 8;

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

// Who hears whom.

/// Legs that one leg hears at once: a conference of sixteen. A command that names more is dropped
/// and counted.
pub const VOICES: usize = 15;

/// Voices in one recording: the caller left, the agent and six more right. A further one is not
/// recorded, and its command counted as dropped.
pub const RECORDED_VOICES: usize = 8;

// Sound that is decoded.

/// Packets one jitter buffer holds: 320 ms of the shortest. When full, the oldest is left out.
pub const JITTER_PACKETS: usize = 32;

/// Longest payload a jitter buffer takes, bytes: 60 ms of G.711 or G.722 are 480, of Opus at
/// 64 kbit/s as much. Longer is dropped and counted.
pub const JITTER_PACKET_BYTES: usize = 512;

/// Report blocks of one RTCP packet: what its 5-bit count can tell. More are left out.
pub const RTCP_BLOCKS: usize = 31;

// Secure media.

/// Sources (SSRCs) of one direction of a leg under one key. A peer has one, and another after each
/// restart of its sound. When full, packets of further sources are dropped: to forget one would
/// let its packets be replayed. New keys begin anew.
pub const SRTP_SOURCES: usize = 16;

/// Records that one leg's key handshake takes from its peer, those after it included. A browser
/// needs about twenty, with every one lost seven times some hundred; further ones are dropped, so
/// that nobody fills the memory with pieces of messages.
pub const DTLS_RECORDS: u32 = 160;

/// Longest datagram of a key handshake that is read, bytes; a longer one never crossed a network
/// in one piece and is dropped.
pub const DTLS_DATAGRAM_BYTES: usize = 2_048;

/// Longest time of a key handshake, seconds, from the first check of the address. Then the leg has
/// failed: a browser that is alive needs one or two.
pub const DTLS_HANDSHAKE_S: u64 = 30;

/// Time after which an unanswered part of a key handshake is sent again, milliseconds; seven times
/// at most.
pub const DTLS_AGAIN_MS: u64 = 500;

/// Time after a browser's last check for which it is still sent sound, seconds (RFC 7675 §5.1). It
/// checks every five or so; then it is gone.
pub const ICE_CONSENT_S: u64 = 30;

/// Time after a browser's end of the key channel after which its leg is reported silent,
/// milliseconds. Who hangs up ends that channel in the same moment, and what says so comes by
/// another way: without this time the caller would be sent back to the queue as if the line had
/// been cut.
pub const BROWSER_BYE_MS: u64 = 2_000;

// Signalling under overload.

/// Most messages of calls under way that wait for their turn: some seconds of work, while a sender
/// repeats after half a second. When full, the rest waits in the sockets.
pub const ONGOING_WAITING: usize = 4_096;

/// Most new requests of one class (trunks, seats, strangers) that wait for their turn: about a
/// twentieth of a second of work. When full, the next is turned away at once, which serves it
/// better than a late answer.
pub const NEW_WAITING: usize = 64;

/// Longest wait of a new request, milliseconds: less than the half second after which its sender
/// repeats it (RFC 3261 T1). What waited longer is turned away.
pub const NEW_WAITING_MS: u64 = 200;

/// Most 503 sent a second because of overload. What is beyond is not answered at all (RFC 7339
/// §5.10.2): answers must not eat what the calls need. Up to there they cost less than silence,
/// after which each request comes again, several times.
pub const TURNED_AWAY_PER_S: u32 = 40_000;

/// How many INVITEs that were turned away are remembered, so that their retransmissions are turned
/// away too: two megabytes, some seconds of a heavy overload. The newest push out the oldest.
pub const SIP_TURNED_AWAY: usize = 131_072;

/// Room asked of the kernel for datagrams that were not read yet, bytes. It gives what its
/// administrator allows (`net.core.rmem_max`).
pub const SIP_SOCKET_BYTES: usize = 4 << 20;

// Guests of a talk.

/// Parties of one talk: caller, agent and fourteen guests, rung ones included. A conference of
/// sixteen is what one leg can hear at once ([`VOICES`] and itself). Who asks for a further guest
/// is refused.
pub const TALK_PARTIES: usize = 16;

/// Longest time a guest's phone rings, seconds: a caller may be waiting for it. Then the guest is
/// not there.
pub const GUEST_RINGS_S: u64 = 30;

/// Longest reason for a pause of the recording, characters. A longer one is refused.
pub const PAUSE_REASON_CHARS: usize = 200;

// Messages.

/// Longest message that a script may ask for, seconds: five minutes are 600 words, and somebody
/// listens to each of them. A longer one is a fault of the script.
pub const MESSAGE_S: u16 = 300;

/// Messages shorter than this are kept and called empty, milliseconds: whoever hangs up at the beep
/// has said nothing, and the call counts as if there were no message.
pub const MESSAGE_EMPTY_MS: u64 = 1_000;

/// Longest note of who settled a message, characters. A longer one is refused.
pub const MESSAGE_NOTE_CHARS: usize = 500;

// Distribution.

/// Skills named in one expression of a queue. A longer one is a fault of the configuration.
pub const SKILL_TERMS: usize = 32;

/// Parentheses within parentheses in a skill expression: deeper ones nobody reads. A fault of the
/// configuration.
pub const SKILL_DEPTH: usize = 8;

/// Widenings of one queue: each costs every decision a look at one more set of seats. More are a
/// fault of the configuration; the distributor leaves out those beyond.
pub const QUEUE_WIDENINGS: usize = 8;

/// Overflow rules of one queue: each costs every caller who enters or leaves its line an entry in
/// one more list. More are a fault of the configuration; the distributor leaves out those beyond.
pub const QUEUE_OVERFLOWS: usize = 8;

// Callbacks.

/// Callers who stand in line to be called back at once, each in memory with its facts and none with
/// a phone. A further one is not promised a callback: the script goes its `else` way.
pub const CALLBACKS: usize = 1_000;

/// Time after which a promised callback is looked at again while no trunk can carry it, seconds: no
/// seat is rung for it meanwhile. Short beside any wait for a seat, and long enough that a thousand
/// of them cost nothing.
pub const CALLBACK_NO_WAY_REST_S: u64 = 20;

/// Longest time that a script may keep a place for a caller to be called back, minutes: whoever
/// asked in the morning need not be called at night. Beyond it the script has a fault.
pub const CALLBACK_KEPT_MIN: u16 = 720;

// Settings changed while the engine runs.

/// Characters of a value that are told of a key that changed. The rest is left out.
pub const SETTINGS_VALUE_CHARS: usize = 120;

/// Bytes of a difference that one record of the journal holds, well below
/// [`JOURNAL_RECORD_BYTES`]. Of what is beyond the number is told; the settings themselves are kept
/// in the data folder under the digest that the record names.
pub const SETTINGS_CHANGE_BYTES: usize = 48 * 1_024;

/// Reasons for not being ready that a house has of its own: a list that an agent can still choose
/// from. More are a fault of the configuration.
pub const OWN_REASONS: usize = 16;

/// Longest time by which a wrap-up is extended at once, seconds; the queue's cap holds anyway.
pub const WRAP_UP_EXTENSION_S: u64 = 3_600;

/// The last priority of a call; 0 is served first. A later one is refused, in scripts and by the API.
pub const LAST_PRIORITY: u8 = 9;

/// Longest time between two announcements to a waiting caller, seconds: nobody waits an hour for
/// one. More is a fault of the configuration.
pub const ANNOUNCE_EVERY_S: u64 = 3_600;

/// Longest line of a command at the engine's local door, bytes; a longer one is not understood.
pub const COMMAND_LINE_BYTES: u64 = 4_096;

/// Numbers of help (110, 119, 120, 122) that any seat may call into its talk: buttons that an agent
/// finds at once. More are a fault of the configuration.
pub const EMERGENCIES: usize = 8;

/// Longest silence of a side of a talk before it is an event, seconds. A longer one is a fault of the
/// configuration.
pub const SILENT_AFTER_S: u64 = 600;

// Callers who are recognised.

/// Numbers that are known: three days of a large city. When full, the one that was not heard of for
/// the longest time is forgotten.
pub const CALLERS: usize = 200_000;

/// Calls of one number that are known. Of more the oldest are forgotten, and the number counts as
/// having called so often.
pub const CALLER_CALLS: usize = 64;

/// Time for which a number is known, hours: the longest window in which a queue counts calls.
pub const CALLERS_KEPT_H: u64 = 168;

// Callers who are not served.

/// Most numbers that are, or are to be, blocked. When full, no further one can be proposed.
pub const BLOCKS: usize = 1_000;

/// Longest time for which a number is blocked, days: nobody is shut out of a public service for ever.
/// A longer one is refused.
pub const BLOCK_DAYS: i64 = 90;

/// Time after which a proposal that nobody approved is dropped, days.
pub const BLOCK_PROPOSAL_DAYS: i64 = 7;

// Tasks.

/// Most tasks that are not done: two bad days of a large city. When full, a further missed call
/// pushes out the oldest (`displaced`), and a further follow-up is refused.
pub const TASKS: usize = 50_000;

/// Tasks that one seat has at a time: whoever collects numbers is no caller. A further one is not
/// given out.
pub const TASKS_TAKEN: usize = 3;

/// Tasks that a seat put back and is not given again at once. A request that names more is refused.
pub const TASKS_SKIPPED: usize = 100;

/// What came of a follow-up is entered so long after its citizen was reached, hours: a shift and the
/// next. Later it is refused.
pub const TASK_RESULT_HOURS: u32 = 24;

/// Follow-ups reached whose result is not entered yet. When full, the oldest stays without one.
pub const TASKS_UNANSWERED: usize = 10_000;

/// Calls, and tasks, of a citizen's past that whoever calls is shown; the newest.
pub const TASK_PAST_ROWS: u32 = 10;

/// Longest note of a task, longest remark on a result, and longest reason for closing one, characters. A longer one is refused.
pub const TASK_NOTE_CHARS: usize = 500;

/// Farthest day for which a follow-up is put in, days from now. A farther one is refused.
pub const TASK_DUE_DAYS: i64 = 366;

/// A seat that hangs up before its call rang so long has not tried, milliseconds: three rings. So
/// nobody is given up by hanging up at once.
pub const TASK_ATTEMPT_MS: u64 = 10_000;

/// Shortest caller's number that can be called back, digits. A shorter one is a carrier's own.
pub const TASK_NUMBER_DIGITS: usize = 5;

// Shared phones.

/// Digits of the PIN with which an agent logs in at a shared phone. Five guesses in a quarter of an
/// hour find one after three years on the average.
pub const PIN_DIGITS: usize = 6;

/// Wrong PINs in a row at one shared phone, or as one seat, until nobody is let in there for
/// [`PIN_LOCK_S`].
pub const PIN_TRIES: u32 = 5;

/// How long nobody is let in after [`PIN_TRIES`] wrong PINs, seconds.
pub const PIN_LOCK_S: u64 = 900;

/// Shared phones that can be configured: a big house's desks. More is a fault of the configuration.
pub const SHARED_PHONES: usize = 10_000;

// Shifts.

/// Shifts that can be configured: each hour of a week has some. More is a fault of the
/// configuration.
pub const SHIFTS: usize = 256;

/// Seats of one queue that are named as missing on the wallboard; more are only counted.
pub const MISSING_SEATS_NAMED: usize = 50;
