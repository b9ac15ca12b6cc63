//! The SIP parser beside rsip: time and allocations to parse one message and read every value the
//! core needs of it.
//!
//! `cargo bench --bench parser [-- --messages 100 --rounds 2001]`
//!
//! Both read the same values of the same bytes: start line, topmost Via, number of Vias, From and To
//! with tag, Call-ID, CSeq, Max-Forwards, Contact, Expires, Record-Route, P-Asserted-Identity,
//! Supported, Authorization, Content-Type and the body; they must agree. The rounds of the two
//! alternate, so that a change of the machine's speed meets both. A round is short against a time
//! slice of the scheduler, so that the fastest one ran undisturbed even on a busy machine: it is
//! what the ratio is made of. Median and slowest show how quiet the machine was.

use std::{
    env,
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

use hotline_sip::{
    digest::Fields,
    message::{Framing, Message, Name},
};
use rsip::{
    Header,
    prelude::{HeadersExt as _, ToTypedHeader as _, UntypedHeader as _},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const INVITE: &[u8] = b"INVITE sip:12345@10.0.0.1:5060;user=phone SIP/2.0\r\n\
Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK776asdhds\r\n\
Via: SIP/2.0/UDP 10.0.0.8:5060;branch=z9hG4bKnashds8;received=10.0.0.8\r\n\
Max-Forwards: 69\r\n\
Record-Route: <sip:10.0.0.9;lr>\r\n\
From: \"13800000000\" <sip:13800000000@10.0.0.9>;tag=1928301774\r\n\
To: <sip:12345@10.0.0.1>\r\n\
Call-ID: a84b4c76e66710@10.0.0.9\r\n\
CSeq: 314159 INVITE\r\n\
Contact: <sip:13800000000@10.0.0.9:5060;transport=udp>\r\n\
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE\r\n\
Supported: 100rel, timer\r\n\
P-Asserted-Identity: <sip:+8613800000000@10.0.0.9;user=phone>\r\n\
Session-Expires: 1800;refresher=uac\r\n\
User-Agent: trunk\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 127\r\n\r\n\
v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n\
m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

const REGISTER: &[u8] = b"REGISTER sip:10.0.0.1 SIP/2.0\r\n\
Via: SIP/2.0/UDP 10.0.0.20:5060;branch=z9hG4bKnashds7\r\n\
Max-Forwards: 70\r\n\
From: \"Seat 1001\" <sip:1001@10.0.0.1>;tag=456248\r\n\
To: <sip:1001@10.0.0.1>\r\n\
Call-ID: 843817637684230@998sdasdh09\r\n\
CSeq: 1826 REGISTER\r\n\
Contact: <sip:1001@10.0.0.20:5060>;expires=300\r\n\
Expires: 300\r\n\
Authorization: Digest username=\"1001\", realm=\"hotline\", nonce=\"84a4cc6f3082121f32b42a21\", \
uri=\"sip:10.0.0.1\", response=\"7587245234b3434cc3412213e5f113a5\", algorithm=MD5\r\n\
User-Agent: phone\r\n\
Content-Length: 0\r\n\r\n";

/// Reads a message as the endpoint and the stages do; returns how many values of lists it saw.
fn read_own(bytes: &[u8]) -> Option<usize> {
    let parsed = Message::parse(bytes, Framing::Datagram);
    let message = parsed.as_ref().ok()?;
    let via = message.via();
    black_box((message.method(), message.uri().user, message.uri().host));
    black_box((
        via.transport,
        via.host,
        via.port,
        via.branch()?,
        via.received(),
    ));
    black_box((message.from().tag()?, message.from().uri.user));
    black_box((message.to().tag(), message.to().uri.user));
    black_box((message.call_id(), message.cseq(), message.max_forwards()?));
    let contact = message.contact()?;
    black_box((contact.uri, contact.expires(), message.expires()));
    let mut seen = message.vias().map(black_box).count();
    seen += message.addresses(Name::RecordRoute).map(black_box).count();
    seen += message
        .addresses(Name::PAssertedIdentity)
        .map(black_box)
        .count();
    seen += message.supported().map(black_box).count();
    seen += message
        .authorizations()
        .filter_map(Fields::parse)
        .map(black_box)
        .count();
    if let Some(media_type) = message.content_type() {
        seen += usize::from(black_box(media_type).is("application/sdp"));
    }
    Some(seen + black_box(message.body()).len())
}

fn read_rsip(bytes: &[u8]) -> Option<usize> {
    let message = rsip::Request::try_from(bytes).ok()?;
    let via = message.via_header().ok()?.typed().ok()?;
    black_box((&message.method, message.uri.user(), message.uri.host()));
    black_box((
        &via.transport,
        via.uri.host(),
        via.uri.port(),
        via.branch()?,
        via.received().ok()?,
    ));
    let from = message.from_header().ok()?.typed().ok()?;
    black_box((from.tag()?, from.uri.user()));
    let to = message.to_header().ok()?.typed().ok()?;
    black_box((to.tag(), to.uri.user()));
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    let hops: u8 = message.max_forwards_header().ok()?.value().parse().ok()?;
    black_box((message.call_id_header().ok()?.value(), cseq, hops));
    let contact = message.contact_header().ok()?.typed().ok()?;
    let expires = message
        .expires_header()
        .map(|expires| expires.value().parse::<u32>());
    black_box((&contact.uri, contact.expires(), expires));
    let mut seen = 0;
    for header in message.headers.iter() {
        seen += match header {
            Header::Via(via) => black_box(via.value().split(',')).count(),
            Header::RecordRoute(routes) => black_box(routes.typed().ok()?).uris().len(),
            Header::Supported(tags) => black_box(tags.value().split(',')).count(),
            Header::Authorization(value) => usize::from(black_box(value.typed()).is_ok()),
            Header::ContentType(value) => usize::from(black_box(value.typed()).is_ok()),
            // It has no name for this one; it is an address like From.
            Header::Other(name, value) if name.eq_ignore_ascii_case("P-Asserted-Identity") => {
                let value = rsip::headers::From::new(value.as_str());
                usize::from(black_box(value.typed()).is_ok())
            }
            _ => 0,
        };
    }
    Some(seen + black_box(&message.body).len())
}

type Read = fn(&[u8]) -> Option<usize>;

/// Nanoseconds a message, one entry a round, ascending.
struct Figures {
    rounds: Vec<f64>,
    allocations: u64,
}

impl Figures {
    fn median(&self) -> f64 {
        self.rounds
            .get(self.rounds.len() / 2)
            .copied()
            .unwrap_or(f64::NAN)
    }

    fn fastest(&self) -> f64 {
        self.rounds.first().copied().unwrap_or(f64::NAN)
    }

    fn row(&self, message: &str, parser: &str, bytes: usize, ratio: f64) -> String {
        let slowest = self.rounds.last().copied().unwrap_or(f64::NAN);
        format!(
            "| {message} ({bytes} B) | {parser} | {:.0} | {:.0} | {slowest:.0} | {} | {ratio:.3} |",
            self.fastest(),
            self.median(),
            self.allocations
        )
    }
}

fn time(read: Read, bytes: &[u8], messages: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..messages {
        black_box(read(black_box(bytes)));
    }
    start.elapsed()
}

fn measure(bytes: &[u8], messages: u32, rounds: usize) -> Outcome<[Figures; 2]> {
    let reads: [Read; 2] = [read_own, read_rsip];
    let figures = reads.map(|read| {
        time(read, bytes, messages / 10);
        let allocations = allocation_counter::measure(|| {
            black_box(read(bytes));
        })
        .count_total;
        Figures {
            rounds: Vec::new(),
            allocations,
        }
    });
    let [mut own, mut other] = figures;
    for _ in 0..rounds {
        for (read, figures) in reads.iter().zip([&mut own, &mut other]) {
            let taken = time(*read, bytes, messages);
            figures
                .rounds
                .push(taken.as_nanos() as f64 / f64::from(messages));
        }
    }
    own.rounds.sort_by(f64::total_cmp);
    other.rounds.sort_by(f64::total_cmp);
    Ok([own, other])
}

/// The number behind `name` on the command line.
fn argument(name: &str, default: u32) -> Outcome<u32> {
    let mut arguments = env::args().skip_while(|argument| argument != name).skip(1);
    Ok(match arguments.next() {
        Some(number) => number.parse()?,
        None => default,
    })
}

fn main() -> Outcome<()> {
    let messages = argument("--messages", 100)?.max(10);
    let rounds = usize::try_from(argument("--rounds", 2_001)?.max(1))?;
    println!(
        "| message | parser | ns, fastest | median | slowest | allocations | of rsip's time |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, bytes) in [("INVITE", INVITE), ("REGISTER", REGISTER)] {
        if read_own(bytes).is_none() || read_own(bytes) != read_rsip(bytes) {
            return Err(format!("the parsers disagree about the {name}").into());
        }
        let [own, other] = measure(bytes, messages, rounds)?;
        let ratio = own.fastest() / other.fastest();
        println!("{}", own.row(name, "hotline", bytes.len(), ratio));
        println!("{}", other.row(name, "rsip 0.4", bytes.len(), 1.0));
    }
    Ok(())
}
