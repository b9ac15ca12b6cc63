//! The runtime of a peer connection, whose socket others can speak through: what somebody on the way
//! could send with its address.

use std::{
    fmt, io,
    net::{self, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    default_runtime,
};

use super::Try;

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The library's own runtime, and the socket that was given to it.
pub struct Tap {
    inner: Arc<dyn Runtime>,
    socket: Mutex<Option<net::UdpSocket>>,
}

impl Tap {
    /// No socket yet.
    ///
    /// # Errors
    /// Where the library was built without a runtime.
    pub fn new() -> Try<Self> {
        Ok(Self {
            inner: default_runtime().ok_or("no runtime")?,
            socket: Mutex::default(),
        })
    }

    /// Sends these bytes out of the socket.
    ///
    /// # Errors
    /// Where there is none, or the kernel does not take them.
    pub fn slip(&self, bytes: &[u8], to: SocketAddr) -> Try<()> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.as_ref().ok_or("no socket")?.send_to(bytes, to)?;
        Ok(())
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl Runtime for Tap {
    fn spawn(&self, future: Later<'static, ()>) -> Box<dyn JoinHandle> {
        self.inner.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let mut kept = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(socket.try_clone()?);
        self.inner.wrap_udp_socket(socket)
    }

    fn wrap_tcp_listener(
        &self,
        listener: net::TcpListener,
    ) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.inner.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, to: SocketAddr) -> Later<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.inner.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Later<'a, io::Result<Vec<SocketAddr>>> {
        self.inner.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Later<'static, ()> {
        self.inner.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.inner.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.inner.block_on(future);
    }
}
