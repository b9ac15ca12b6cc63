//! The ways in and out of the kernel, for legs of real calls: each has a port of its own, and a
//! packet each 20 ms in both directions.

use std::{
    io::{ErrorKind, IoSlice, IoSliceMut},
    net::UdpSocket,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::AsRawFd,
    time::Duration,
};

use mio::{Events, Poll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};
use rustix::event::epoll;

use crate::{
    Measured, Outcome, PACKET,
    figures::median,
    floor::{self, each_tick, measured, sockets, watched},
    load::{self, Ears, Load},
};

/// Packets handed over by one call of `sendmmsg` or `recvmmsg`.
const AT_ONCE: usize = 64;

/// Ticks after which a socket is read to its end, where it is read once a tick.
const TO_THE_END: u32 = 4;

#[derive(Clone, Copy)]
enum Way {
    /// `sendto` and `recvfrom` until nothing is left.
    Unconnected,
    /// `send` and `recv` until nothing is left.
    Connected,
    /// As [`Way::Unconnected`], but one packet read a tick, and all of them each fourth.
    OneRead,
    /// `recvmmsg` for what is left, `send`.
    ManyReads,
    /// One socket for all legs: `sendmmsg`, `recvmmsg`.
    Shared,
    /// On arrival, edge-triggered: `recvfrom` until nothing is left, `sendto`.
    Edge,
    /// The same by connected sockets.
    EdgeConnected,
    /// On arrival, level-triggered: one `recvfrom`, `sendto`.
    Level,
    /// The same by connected sockets.
    LevelConnected,
}

const WAYS: [(&str, Way); 9] = [
    ("each tick: recvfrom until empty, sendto", Way::Unconnected),
    (
        "each tick: connected, recv until empty, send",
        Way::Connected,
    ),
    (
        "each tick: one recvfrom, each 4th until empty; sendto",
        Way::OneRead,
    ),
    ("each tick: connected, recvmmsg of 4, send", Way::ManyReads),
    (
        "each tick: one socket for all, recvmmsg and sendmmsg of 64",
        Way::Shared,
    ),
    (
        "on arrival: epoll by edge, recvfrom until empty, sendto",
        Way::Edge,
    ),
    (
        "on arrival: epoll by edge, connected, recv until empty, send",
        Way::EdgeConnected,
    ),
    (
        "on arrival: epoll by level, one recvfrom, sendto",
        Way::Level,
    ),
    (
        "on arrival: epoll by level, connected, one recv, send",
        Way::LevelConnected,
    ),
];

/// Measures every way for so many legs.
pub fn measure(legs: &[usize], time: Duration, runs: usize) -> Outcome<()> {
    println!("| way | legs | µs CPU per leg and second |");
    println!("| --- | ---: | ---: |");
    for &count in legs {
        let mut figures: Vec<Vec<f64>> = vec![Vec::new(); WAYS.len()];
        for _ in 0..runs {
            for ((name, way), figures) in WAYS.iter().zip(&mut figures) {
                let measured = once(*way, count, time)?;
                eprintln!(
                    "{name}, {count}: {:.0} µs, arrived {:.3}",
                    measured.cpu, measured.heard.arrived
                );
                figures.push(measured.cpu);
            }
        }
        for ((name, _), mut figures) in WAYS.iter().zip(figures) {
            let middle = median(&mut figures);
            let (least, most) = (figures.first(), figures.last());
            println!(
                "| {name} | {count} | {middle:.0} ({:.0}–{:.0}) |",
                least.unwrap_or(&middle),
                most.unwrap_or(&middle)
            );
        }
    }
    Ok(())
}

fn once(way: Way, count: usize, time: Duration) -> Outcome<Measured> {
    let mut load = Load::new(count, time, Ears::Plain)?;
    let own = if matches!(way, Way::Shared) { 1 } else { count };
    let connected = matches!(
        way,
        Way::Connected | Way::ManyReads | Way::EdgeConnected | Way::LevelConnected
    );
    let sockets = sockets(own, connected)?;
    let ports = match own {
        1 => vec![floor::PORT; count],
        _ => floor::ports(count),
    };
    load.begin(&ports)?;
    let cpu = match way {
        Way::Unconnected => unconnected(time, &sockets, 1),
        Way::OneRead => unconnected(time, &sockets, TO_THE_END),
        Way::Connected => connected_batch(time, &sockets),
        Way::ManyReads => many_reads(time, &sockets),
        Way::Shared => shared(time, &sockets, count),
        Way::Edge | Way::EdgeConnected => edge(time, sockets, connected),
        Way::Level | Way::LevelConnected => level(time, &sockets, connected),
    }?;
    let heard = load.heard()?;
    Ok(Measured { cpu, heard })
}

fn unconnected(time: Duration, sockets: &[UdpSocket], to_the_end: u32) -> Outcome<f64> {
    let packet = [1; PACKET];
    let mut buffer = [0; 2_048];
    let mut tick = 0_u32;
    each_tick(time, sockets.len(), &mut || {
        tick += 1;
        let all = tick.is_multiple_of(to_the_end);
        for (index, socket) in sockets.iter().enumerate() {
            while socket.recv_from(&mut buffer).is_ok() && all {}
            let _ = socket.send_to(&packet, load::address(index));
        }
    })
}

fn connected_batch(time: Duration, sockets: &[UdpSocket]) -> Outcome<f64> {
    let packet = [1; PACKET];
    let mut buffer = [0; 2_048];
    each_tick(time, sockets.len(), &mut || {
        for socket in sockets {
            while socket.recv(&mut buffer).is_ok() {}
            let _ = socket.send(&packet);
        }
    })
}

fn many_reads(time: Duration, sockets: &[UdpSocket]) -> Outcome<f64> {
    let packet = [1; PACKET];
    let mut rooms = [[0; 2_048]; 4];
    let mut headers = MultiHeaders::<()>::preallocate(4, None);
    each_tick(time, sockets.len(), &mut || {
        for socket in sockets {
            let mut rooms = rooms.each_mut().map(|room| [IoSliceMut::new(room)]);
            let flags = MsgFlags::MSG_DONTWAIT;
            let _ = recvmmsg(
                socket.as_raw_fd(),
                &mut headers,
                rooms.iter_mut(),
                flags,
                None,
            );
            let _ = socket.send(&packet);
        }
    })
}

fn shared(time: Duration, sockets: &[UdpSocket], count: usize) -> Outcome<f64> {
    let socket = sockets.first().ok_or("no socket")?.as_raw_fd();
    let packet = [1; PACKET];
    let packets = vec![[IoSlice::new(&packet)]; AT_ONCE];
    let mut rooms = vec![[0; 2_048]; AT_ONCE];
    let phone = |index| {
        let port = load::address(index).port();
        Some(SockaddrIn::from(SocketAddrV4::new(
            Ipv4Addr::LOCALHOST,
            port,
        )))
    };
    let phones: Vec<_> = (0..count).map(phone).collect();
    let mut headers = MultiHeaders::<SockaddrIn>::preallocate(AT_ONCE, None);
    each_tick(time, count, &mut || {
        let flags = MsgFlags::MSG_DONTWAIT;
        for phones in phones.chunks(AT_ONCE) {
            let _ = sendmmsg(socket, &mut headers, &packets, phones, [], flags);
            let mut rooms: Vec<_> = rooms
                .iter_mut()
                .map(|room| [IoSliceMut::new(room)])
                .collect();
            let _ = recvmmsg(socket, &mut headers, rooms.iter_mut(), flags, None);
        }
    })
}

fn edge(time: Duration, sockets: Vec<UdpSocket>, connected: bool) -> Outcome<f64> {
    let count = sockets.len();
    let mut poll = Poll::new()?;
    let sockets = watched(&poll, sockets)?;
    let mut events = Events::with_capacity(256);
    let mut buffer = [0; 2_048];
    measured(time, count, &mut || {
        match poll.poll(&mut events, Some(Duration::from_millis(100))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            let from = event.token().0;
            let to = from ^ 1;
            let (Some(from), Some(other)) = (sockets.get(from), sockets.get(to)) else {
                continue;
            };
            let mut read = || match connected {
                true => from.recv(&mut buffer),
                false => from.recv_from(&mut buffer).map(|(length, _)| length),
            };
            while let Ok(length) = read() {
                let packet = [1; PACKET];
                let packet = packet.get(..length).unwrap_or_default();
                let _ = match connected {
                    true => other.send(packet),
                    false => other.send_to(packet, load::address(to)),
                };
            }
        }
        Ok(())
    })
}

fn level(time: Duration, sockets: &[UdpSocket], connected: bool) -> Outcome<f64> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (index, socket) in sockets.iter().enumerate() {
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&poll, socket, data, epoll::EventFlags::IN)?;
    }
    let mut events = Vec::with_capacity(256);
    let mut buffer = [0; 2_048];
    let wait = Duration::from_millis(100).try_into()?;
    measured(time, sockets.len(), &mut || {
        events.clear();
        epoll::wait(
            &poll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&wait),
        )?;
        for event in &events {
            let event: &epoll::Event = event;
            let from = event.data.u64() as usize;
            let to = from ^ 1;
            let (Some(from), Some(other)) = (sockets.get(from), sockets.get(to)) else {
                continue;
            };
            let read = match connected {
                true => from.recv(&mut buffer),
                false => from.recv_from(&mut buffer).map(|(length, _)| length),
            };
            let packet = buffer.get(..read.unwrap_or(0)).unwrap_or_default();
            let _ = match connected {
                true => other.send(packet),
                false => other.send_to(packet, load::address(to)),
            };
        }
        Ok(())
    })
}
