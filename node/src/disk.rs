//! Room on the node's disk: watched while it runs, so that it stops taking in work long before nothing can be written.

use std::path::{Path, PathBuf};

use crate::config::DiskSettings;

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Room {
    /// Enough.
    #[default]
    Enough,
    /// Somebody should look; the node works as usual.
    Low,
    /// The node takes nothing from clients; it follows the others as long as the store has room.
    Short,
}

/// The disk of a node's folder.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    path: PathBuf,
    settings: DiskSettings,
    /// Below this the store itself refuses, whatever the settings say.
    least: u64,
}

impl Disk {
    pub(crate) fn new(path: &Path, settings: &DiskSettings, least: u64) -> Self {
        Self { path: path.to_owned(), settings: settings.clone(), least }
    }

    /// Looks how much room there is. A disk that cannot be asked keeps its last word: the store will tell.
    pub(crate) fn look(&self, before: Room) -> Room {
        let free = match rustix::fs::statvfs(&self.path) {
            Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "the disk does not tell how much room there is");
                return before;
            }
        };
        let stop = self.settings.stop_below_bytes.max(self.least);
        let warn = self.settings.warn_below_bytes.max(stop);
        metrics::gauge!("keis_disk_free_bytes").set(free as f64);
        metrics::gauge!("keis_disk_stop_below_bytes").set(stop as f64);
        metrics::gauge!("keis_disk_warn_below_bytes").set(warn as f64);
        let now = judge(free, stop, warn, before);
        if now != before {
            tell(now, free);
        }
        now
    }
}

/// What so much room means. Who was short goes on with a tenth more, so that one block does not change it to and fro.
fn judge(free: u64, stop: u64, warn: u64, before: Room) -> Room {
    let resume = if before == Room::Short { stop.saturating_add(stop / 10) } else { stop };
    if free < resume {
        Room::Short
    } else if free < warn {
        Room::Low
    } else {
        Room::Enough
    }
}

fn tell(now: Room, free_bytes: u64) {
    match now {
        Room::Enough => tracing::info!(free_bytes, "there is room on the disk again"),
        Room::Low => tracing::warn!(free_bytes, "the disk is filling up"),
        Room::Short => tracing::error!(free_bytes, "the disk is nearly full: the node takes no more transactions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_room_stops_and_a_little_more_than_the_bound_resumes() {
        for (free, before, after) in [
            (3_000, Room::Enough, Room::Enough),
            (2_000, Room::Enough, Room::Enough),
            (1_999, Room::Enough, Room::Low),
            (1_000, Room::Low, Room::Low),
            (999, Room::Low, Room::Short),
            (999, Room::Enough, Room::Short),
            (1_099, Room::Short, Room::Short),
            (1_100, Room::Short, Room::Low),
            (2_000, Room::Short, Room::Enough),
        ] {
            assert_eq!(judge(free, 1_000, 2_000, before), after, "{free} after {before:?}");
        }
    }
}
