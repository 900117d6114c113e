//! Words to the service manager that started the process, if one did: ready, stopping, where the node stands.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable that names the manager's socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Tells the service manager something; nobody else hears it, and its silence changes nothing.
pub(super) fn tell(words: &str) {
    let Ok(socket) = std::env::var(SOCKET) else { return };
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&socket),
    };
    let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(words.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager was not told");
    }
}
