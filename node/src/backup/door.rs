//! Where a running node hands its ledger out: a socket without a place in the file system, named after the folder. It answers
//! processes of this machine that run as the node's own user or as the superuser, one after the other.

use std::io::{self, BufWriter};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use keis_ledger::crypto::Hash;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::frame::FrameWriter;
use super::write::{BackupError, write};
use crate::store::Store;

/// Longest time that whoever asked may take nothing; the node waits for it when it ends.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is written together.
const BUFFER: usize = 256 * 1024;

/// The name of the socket of a folder.
fn name(home: &Path) -> io::Result<SocketAddr> {
    let place = home.canonicalize()?;
    let hash = blake3::hash(place.as_os_str().as_bytes()).to_hex();
    SocketAddr::from_abstract_name(format!("keis-node-backup-{hash}"))
}

/// Opens the door of a folder's node until `stopping` is raised.
pub(crate) fn open(
    home: &Path,
    store: Store,
    network: Hash,
    stopping: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let listener = UnixListener::bind_addr(&name(home)?)?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::UnixListener::from_std(listener)?;
    Ok(tokio::spawn(serve(listener, store, network, stopping)))
}

async fn serve(listener: tokio::net::UnixListener, store: Store, network: Hash, mut stopping: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Nobody left who could raise it is as good as raised.
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        let Ok((stream, _)) = accepted.inspect_err(|error| tracing::warn!(%error, "nobody came for a backup")) else {
            tokio::time::sleep(PATIENCE).await;
            continue;
        };
        let user = stream.peer_cred().map(|peer| peer.uid());
        if !user.as_ref().is_ok_and(|user| may(*user)) {
            tracing::warn!(?user, "another user asks for a backup, and gets none");
            continue;
        }
        let (store, stopping) = (store.clone(), stopping.clone());
        let written = tokio::task::spawn_blocking(move || hand_out(stream, &store, network, &stopping));
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = &error as &dyn std::error::Error, "a backup was broken off"),
            Err(error) => tracing::error!(%error, "a backup failed"),
        }
    }
}

fn may(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

fn hand_out(
    stream: tokio::net::UnixStream,
    store: &Store,
    network: Hash,
    stopping: &watch::Receiver<bool>,
) -> Result<(), BackupError> {
    let plain = || -> io::Result<UnixStream> {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    };
    let stream = plain().map_err(BackupError::Write)?;
    let mut out = FrameWriter::new(BufWriter::with_capacity(BUFFER, stream));
    let head = write(store, network, &mut out, &|| *stopping.borrow())?;
    out.into_inner().into_inner().map_err(|error| BackupError::Write(error.into_error()))?;
    tracing::info!(height = %head.tip, "a backup was handed out");
    Ok(())
}

/// Asks the node of a folder for its ledger; none when no node runs there.
///
/// # Errors
/// When the folder is not to be had, or somebody else listens in the node's place.
pub async fn ask(home: &Path) -> io::Result<Option<UnixStream>> {
    let stream = match UnixStream::connect_addr(&name(home)?) {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_nonblocking(true)?;
    let stream = tokio::net::UnixStream::from_std(stream)?;
    let owner = home.metadata()?.uid();
    let user = stream.peer_cred()?.uid();
    if user != owner && !may(user) {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("user {user} listens in the node's place"),
        ));
    }
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(Some(stream))
}
