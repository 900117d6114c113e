//! The engine's own log after a loss of power. What no sync followed may be there in pieces, and the engine refuses to go on over
//! such pieces. Nothing was told to anybody before its sync, and the sign guard keeps its own log: they are dropped before the
//! engine looks.

use std::io::{self, ErrorKind};
use std::path::Path;

use malachite_app_channel::app::wal::Log;

/// Drops the log from its first entry on that cannot be read; a log without a sound head is set aside.
///
/// # Errors
/// When the disk does not answer.
pub(crate) fn drop_pieces(path: &Path) -> io::Result<()> {
    let mut log = match Log::open(path) {
        Ok(log) => log,
        Err(error) if is_damage(&error) => {
            let aside = path.with_extension("damaged");
            tracing::warn!(%error, aside = %aside.display(), "the log of consensus has no sound head and is set aside");
            return std::fs::rename(path, aside);
        }
        Err(error) => return Err(error),
    };
    let sound = sound_entries(&mut log)?;
    if sound < log.len() {
        tracing::warn!(sound, entries = log.len(), "the log of consensus ends in pieces, which are dropped");
        log.truncate(sound as u64)?;
        log.flush()?;
    }
    Ok(())
}

fn sound_entries(log: &mut Log) -> io::Result<usize> {
    if log.is_empty() {
        return Ok(0);
    }
    let mut sound = 0;
    for entry in log.iter()? {
        match entry {
            // A stretch of zeros reads as an entry of no bytes, which the engine never writes.
            Ok(bytes) if bytes.is_empty() => break,
            Ok(_) => sound += 1,
            Err(error) if is_damage(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sound)
}

/// Whether the bytes are at fault, and not the disk that is asked for them.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path) -> Vec<u8> {
        let mut log = Log::open(path).expect("a new log");
        [b"one".as_slice(), b"two", b"three"].iter().for_each(|entry| log.append(entry).expect("it is written"));
        log.flush().expect("it is synced");
        drop(log);
        std::fs::read(path).expect("a file of ours")
    }

    fn entries(path: &Path) -> Vec<Vec<u8>> {
        let mut log = Log::open(path).expect("a sound log");
        if log.is_empty() {
            return Vec::new();
        }
        log.iter().expect("it is read").collect::<io::Result<_>>().expect("every entry is sound")
    }

    #[test]
    fn whatever_byte_is_wrong_and_wherever_it_ends_what_is_before_stays_and_the_rest_is_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let whole = written(&path);
        let all = entries(&path);
        let mut damaged = Vec::new();
        for position in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[position] ^= 0x55;
            damaged.push(bytes);
            damaged.push(whole[..position].to_vec());
            damaged.push([&whole[..position], &vec![0; whole.len() - position]].concat());
        }
        for bytes in damaged {
            std::fs::write(&path, &bytes).expect("a file of ours");
            drop_pieces(&path).expect("the disk answers");
            let left = entries(&path);
            assert_eq!(left, all[..left.len()], "{bytes:?}");
        }
    }

    #[test]
    fn a_sound_log_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let whole = written(&path);
        drop_pieces(&path).expect("the disk answers");
        assert_eq!(std::fs::read(&path).expect("a file of ours"), whole);
        drop_pieces(&folder.path().join("new.wal")).expect("a log that is not there yet");
    }
}
