//! Which folder, on which machine, a sign log was written in. A copy elsewhere is recognised by it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bincode::{Decode, Encode};

/// Marks of a folder. The device number is left out on purpose: it may change with every boot, and then a power cut would
/// silence every validator at once. The inode with its time of birth tells a restored file from the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Identity {
    machine: [u8; 32],
    path: [u8; 32],
    inode: u64,
    born_nanos: Option<u64>,
}

impl Identity {
    /// The identity of the open log `file` that is, or will be, at `path`.
    pub(super) fn of(file: &File, path: &Path) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let folder = path.parent().unwrap_or(Path::new(".")).canonicalize()?;
        let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
        let born = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(Self {
            machine: *blake3::hash(machine.trim_ascii()).as_bytes(),
            path: *blake3::hash(folder.as_os_str().as_encoded_bytes()).as_bytes(),
            inode: metadata.ino(),
            born_nanos: born.and_then(|born| u64::try_from(born.as_nanos()).ok()),
        })
    }

    /// Where this identity differs from the recorded one.
    pub(super) fn difference(&self, recorded: &Self) -> Option<&'static str> {
        if self.machine != recorded.machine {
            Some("it was written on another machine")
        } else if self.path != recorded.path {
            Some("it was written in another folder")
        } else if self.inode != recorded.inode || self.born_nanos != recorded.born_nanos {
            Some("the file is a copy, restored from elsewhere")
        } else {
            None
        }
    }
}
