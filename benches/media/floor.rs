//! The same packets through the kernel, and nothing else.

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token};

use crate::{
    LOOPBACK, Measured, Outcome, PACKET, Plan, TAIL, TICK, WARM_UP,
    figures::Meter,
    load::{self, Ears, Load},
};

/// First port of the floor's sockets.
pub const PORT: u16 = 20_000;

/// How packets are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// All sockets each 20 ms: one packet sent, and what has come read.
    Batch,
    /// As they arrive, and sent on by the socket beside.
    Arrival,
}

/// Sockets of the floor, each connected with its phone.
pub fn sockets(count: usize, connected: bool) -> Outcome<Vec<UdpSocket>> {
    let mut sockets = Vec::with_capacity(count);
    for index in 0..count {
        let socket = load::bind(SocketAddr::new(LOOPBACK, PORT + index as u16))?;
        if connected {
            socket.connect(load::address(index))?;
        }
        sockets.push(socket);
    }
    Ok(sockets)
}

/// The ports of so many sockets of the floor.
pub fn ports(count: usize) -> Vec<u16> {
    (0..count).map(|index| PORT + index as u16).collect()
}

pub fn measure(plan: Plan, timed: bool) -> Outcome<Measured> {
    let count = plan.work.legs() * plan.calls;
    // What the packets carry is all the same to it.
    let ears = if timed { Ears::Timed } else { Ears::Plain };
    let mut load = Load::new(count, plan.time, ears)?;
    let sockets = sockets(count, true)?;
    load.begin(&ports(count))?;
    let cpu = match plan.work.shape() {
        Shape::Batch => batch(plan, &sockets)?,
        Shape::Arrival => arrival(plan, sockets)?,
    };
    let heard = load.heard()?;
    Ok(Measured { cpu, heard })
}

fn batch(plan: Plan, sockets: &[UdpSocket]) -> Outcome<f64> {
    let packet = [1; PACKET];
    let mut buffer = [0; 2_048];
    let mut turn = || {
        for socket in sockets {
            let _ = socket.send(&packet);
            while socket.recv(&mut buffer).is_ok() {}
        }
    };
    each_tick(plan.time, plan.calls, &mut turn)
}

/// Does `turn` each 20 ms; the CPU it takes for each of `count` and second.
pub fn each_tick(time: Duration, count: usize, turn: &mut dyn FnMut()) -> Outcome<f64> {
    let mut tick = 0;
    let began = Instant::now();
    measured(time, count, &mut || {
        turn();
        tick += 1;
        thread::sleep((began + TICK * tick).saturating_duration_since(Instant::now()));
        Ok(())
    })
}

fn arrival(plan: Plan, sockets: Vec<UdpSocket>) -> Outcome<f64> {
    let mut poll = Poll::new()?;
    let sockets = watched(&poll, sockets)?;
    let mut events = Events::with_capacity(512);
    let mut buffer = [0; 2_048];
    let mut turn = || -> Outcome<()> {
        match poll.poll(&mut events, Some(Duration::from_millis(100))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            let from = event.token().0;
            // One read an event: in edge-triggered epoll each arrival is one.
            if let Some(Ok(length)) = sockets.get(from).map(|socket| socket.recv(&mut buffer))
                && let (Some(to), Some(packet)) = (sockets.get(from ^ 1), buffer.get(..length))
            {
                let _ = to.send(packet);
            }
        }
        Ok(())
    };
    measured(plan.time, plan.calls, &mut turn)
}

/// The sockets, watched under their index.
pub fn watched(poll: &Poll, sockets: Vec<UdpSocket>) -> Outcome<Vec<mio::net::UdpSocket>> {
    let mut watched = Vec::with_capacity(sockets.len());
    for (index, socket) in sockets.into_iter().enumerate() {
        let mut socket = mio::net::UdpSocket::from_std(socket);
        poll.registry()
            .register(&mut socket, Token(index), Interest::READABLE)?;
        watched.push(socket);
    }
    Ok(watched)
}

/// Does `turn`, which waits for packets or for a time, as long as the load runs; the CPU it takes
/// for each of `count` and second.
pub fn measured(
    time: Duration,
    count: usize,
    turn: &mut dyn FnMut() -> Outcome<()>,
) -> Outcome<f64> {
    let began = Instant::now();
    let (mut meter, mut cpu) = (None, None);
    while began.elapsed() < WARM_UP + time + TAIL {
        turn()?;
        let passed = began.elapsed();
        match &meter {
            None if passed >= WARM_UP => meter = Some(Meter::start()?),
            Some(meter) if passed >= WARM_UP + time && cpu.is_none() => {
                cpu = Some(meter.per_second(count)?);
            }
            _ => {}
        }
    }
    Ok(cpu.ok_or("too short")?)
}
