//! A listener with bounds: so many connections in all, so many of one address, and an end that lets what is under way finish.
//!
//! Who serves what on a connection is the caller's; this room knows neither HTTP nor TLS.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Pause after a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Leading 16-bit groups of an IPv6 address that name a network; the rest its user chooses freely.
const NETWORK_GROUPS: usize = 4;

/// The bounds of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Connections of one address at a time; more are refused. Of IPv6 a whole network of 64 bits counts as one.
    pub per_address: usize,
    /// How long connections have to end when the listener stops.
    pub drain: Duration,
}

/// How many connections each address has.
#[derive(Default)]
struct Visitors(Mutex<BTreeMap<IpAddr, usize>>);

/// A connection's place among those of its address, given back when it is dropped.
struct Visit {
    visitors: Arc<Visitors>,
    address: IpAddr,
}

impl Visitors {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<Visit> {
        let address = network(address);
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        if *count >= most.max(1) {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Visit { visitors: self.clone(), address })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut counts = self.visitors.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let mut groups = address.segments();
            groups[NETWORK_GROUPS..].fill(0);
            Ipv6Addr::from(groups).into()
        }
    }
}

/// Takes connections until `stopping` and lets `handle` serve each, then gives those under way the time to end. One that is beyond its
/// address's bound is closed after `refuse`, which must not wait: what it writes at once, a new connection takes.
pub async fn serve<R, H, F>(listener: TcpListener, bounds: Bounds, stopping: CancellationToken, refuse: R, handle: H)
where
    R: Fn(&TcpStream),
    H: Fn(TcpStream) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(bounds.connections.clamp(1, Semaphore::MAX_PERMITS)));
    let visitors = Arc::new(Visitors::default());
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = stopping.cancelled() => break,
            place = places.clone().acquire_owned() => place.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => match visitors.enter(peer.ip(), bounds.per_address) {
                Some(visit) => {
                    let serving = handle(stream);
                    connections.spawn(async move {
                        serving.await;
                        drop((place, visit));
                    });
                }
                None => {
                    tracing::debug!("a connection was refused: its address has as many as it may");
                    refuse(&stream);
                }
            },
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(bounds.drain, all).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were cut when the drain time was over");
        connections.shutdown().await;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpSocket;
    use tokio::task::JoinHandle;

    use super::*;

    const BOUNDS: Bounds = Bounds { connections: 3, per_address: 2, drain: Duration::from_secs(60) };

    /// A listener that sends back what it is sent.
    async fn echo(bounds: Bounds) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stopping) = (listener.local_addr().unwrap(), CancellationToken::new());
        let handle = |mut stream: TcpStream| async move {
            let (mut reads, mut writes) = stream.split();
            tokio::io::copy(&mut reads, &mut writes).await.ok();
        };
        let refuse = |stream: &TcpStream| assert_eq!(stream.try_write(b"full").unwrap(), 4);
        (address, stopping.clone(), tokio::spawn(serve(listener, bounds, stopping, refuse, handle)))
    }

    async fn visit(from: &str, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(from.parse().unwrap()).unwrap();
        socket.connect(to).await.unwrap()
    }

    async fn answers(stream: &mut TcpStream) -> bool {
        let mut answer = [0; 4];
        stream.write_all(b"ping").await.is_ok() && stream.read_exact(&mut answer).await.is_ok() && answer == *b"ping"
    }

    #[tokio::test]
    async fn an_address_has_its_share_and_others_have_theirs() {
        let (address, ..) = echo(BOUNDS).await;
        let mut first = visit("127.0.0.1:0", address).await;
        let mut second = visit("127.0.0.1:0", address).await;
        assert!(answers(&mut first).await && answers(&mut second).await);
        let mut told = String::new();
        visit("127.0.0.1:0", address).await.read_to_string(&mut told).await.unwrap();
        assert_eq!(told, "full");
        assert!(answers(&mut visit("127.0.0.2:0", address).await).await, "another address is served");
        drop(second);
        // The place is free once the server has seen the end.
        while !answers(&mut visit("127.0.0.1:0", address).await).await {
            tokio::task::yield_now().await;
        }
        assert!(answers(&mut first).await);
    }

    #[tokio::test]
    async fn more_than_all_places_wait_for_one() {
        let (address, ..) = echo(Bounds { per_address: 9, ..BOUNDS }).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            let mut stream = visit("127.0.0.1:0", address).await;
            assert!(answers(&mut stream).await);
            held.push(stream);
        }
        let mut waits = visit("127.0.0.1:0", address).await;
        waits.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        tokio::select! {
            biased;
            read = waits.read_exact(&mut answer) => panic!("no place is free: {read:?}"),
            served = answers(&mut held[0]) => assert!(served),
        }
        held.pop();
        waits.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *b"ping");
    }

    #[tokio::test]
    async fn the_end_waits_for_what_is_under_way_and_no_longer_than_it_may() {
        let (address, stopping, serving) = echo(BOUNDS).await;
        let mut stream = visit("127.0.0.1:0", address).await;
        assert!(answers(&mut stream).await);
        stopping.cancel();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(answers(&mut stream).await, "what is under way goes on");
        drop(stream);
        serving.await.unwrap();
        let (address, stopping, serving) = echo(Bounds { drain: Duration::ZERO, ..BOUNDS }).await;
        let mut stream = visit("127.0.0.1:0", address).await;
        assert!(answers(&mut stream).await);
        stopping.cancel();
        serving.await.unwrap();
        assert!(!answers(&mut stream).await, "it was cut");
    }

    #[test]
    fn a_network_counts_as_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
