//! Invoices by a folder that another program empties, and answers that it puts there.
//!
//! A message is made whole in a folder of its own under `ready`, which is then renamed to the message's id under `claimed`. Of several
//! who try, one succeeds, and what it claimed leaves by one rename into `out`. So after a kill it is known whether a message left,
//! also when the other program has taken it away; and it leaves once, whoever works here at the same time.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use keis_registry::dispatch::{Batch, Carrier, Item, Message, NotNow, SendOutcome, Told};
use keis_registry::ids::MessageId;
use keis_registry::invoices::FileMark;
use serde_json::json;

use super::{SetupError, wire};

/// Files of answers that are read at once, and the longest of them.
const MOST_ANSWERS: usize = 200;
const LONGEST_ANSWER: u64 = 64 * 1024;
/// What was made ready and never claimed is cleared away after so long.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

const DOCUMENT: &str = "document.xml";
const SIDECAR: &str = "document.json";

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder and those within it, if they are not there.
    ///
    /// # Errors
    /// [`SetupError::Folder`].
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, SetupError> {
        let folder = Self { path: path.into() };
        for name in ["ready", "claimed", "out", "answers", "answers/done", "answers/bad"] {
            let within = folder.path.join(name);
            fs::create_dir_all(&within).map_err(|source| SetupError::Folder { path: within.clone(), source })?;
        }
        if let Err(error) = folder.clear() {
            tracing::warn!(%error, "what was left in the folder of the buyer's system could not be cleared away");
        }
        Ok(folder)
    }

    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.path.join("ready"))?.flatten() {
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age > STALE {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn claimed(&self, id: MessageId) -> PathBuf {
        self.path.join("claimed").join(id.to_string())
    }

    /// Makes the message whole, without letting it leave; gives the folder that it is in.
    fn prepare(&self, message: &Message) -> io::Result<PathBuf> {
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let ready = self.path.join("ready").join(format!("{}.{}", message.id, hex::encode(random)));
        fs::create_dir(&ready)?;
        let document = &message.document;
        let sidecar = json!({
            "message": message.id,
            "kind": if message.is_credit_note { "credit_note" } else { "invoice" },
            "sender": document.sender,
            "receiver": document.receiver,
            "sha256": FileMark::of("", &document.bytes).hash_text(),
            "bytes": document.bytes.len(),
        });
        write(&ready.join(DOCUMENT), &document.bytes)?;
        write(&ready.join(SIDECAR), sidecar.to_string().as_bytes())?;
        // Keeps the claimed folder from being empty once both have left: an empty one could be claimed again.
        write(&ready.join("claimed"), b"")?;
        sync(&ready)?;
        Ok(ready)
    }

    /// Claims the message, or finds that somebody did.
    fn claim(&self, id: MessageId, ready: &Path) -> io::Result<()> {
        match fs::rename(ready, self.claimed(id)) {
            Ok(()) => sync(&self.path.join("claimed")),
            Err(_) if self.claimed(id).is_dir() => fs::remove_dir_all(ready),
            Err(error) => Err(error),
        }
    }

    /// Lets what was claimed leave, unless it has: what belongs to the document first, the document last.
    fn finish(&self, id: MessageId) -> io::Result<()> {
        let (claimed, out) = (self.claimed(id), self.path.join("out"));
        for (name, ending) in [(SIDECAR, "json"), (DOCUMENT, "xml")] {
            match fs::rename(claimed.join(name), out.join(format!("{id}.{ending}"))) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        sync(&out)?;
        sync(&claimed)
    }

    fn send(&self, message: &Message) -> io::Result<()> {
        if !self.claimed(message.id).is_dir() {
            let ready = self.prepare(message)?;
            self.claim(message.id, &ready)?;
        }
        self.finish(message.id)
    }

    fn known(&self, id: MessageId) -> io::Result<bool> {
        let is_claimed = self.claimed(id).is_dir();
        if is_claimed {
            self.finish(id)?;
        }
        Ok(is_claimed)
    }

    fn read(&self) -> io::Result<Batch> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path.join("answers"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".json") && entry.file_type()?.is_file() {
                names.push(name);
            }
        }
        names.sort();
        let more = names.len() > MOST_ANSWERS;
        let mut items = Vec::new();
        for source in names.into_iter().take(MOST_ANSWERS) {
            let path = self.path.join("answers").join(&source);
            let told = match fs::metadata(&path) {
                Ok(file) if file.len() > LONGEST_ANSWER => Told::Unreadable { why: "too_long", text: String::new() },
                Ok(_) => wire::told(&fs::read(&path)?),
                // Another worker was faster.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            items.push(Item { source, told });
        }
        Ok(Batch { items, cursor: String::new(), more })
    }

    fn put_away(&self, batch: &Batch) -> io::Result<()> {
        let answers = self.path.join("answers");
        for item in &batch.items {
            let to = match &item.told {
                Told::Answer(_) => "done",
                Told::Unreadable { .. } => "bad",
            };
            let place = free(&answers.join(to), &item.source);
            match fs::rename(answers.join(&item.source), &place) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                moved => moved?,
            }
            if let Told::Unreadable { why, .. } = &item.told {
                write(&place.with_added_extension("why"), format!("{why}\n").as_bytes())?;
            }
        }
        for name in ["", "done", "bad"] {
            sync(&answers.join(name))?;
        }
        Ok(())
    }
}

/// A name in a folder that nothing has.
fn free(folder: &Path, name: &str) -> PathBuf {
    let mut place = folder.join(name);
    let mut number = 1;
    while place.exists() {
        place = folder.join(format!("{name}.{number}"));
        number += 1;
    }
    place
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes names in a folder durable.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Work with files, beside what must not wait for a disk.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, NotNow> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| NotNow::because("folder"))?;
    done.map_err(|error| {
        tracing::warn!(%error, "the folder of the buyer's system cannot be used now");
        NotNow::because("folder")
    })
}

#[async_trait]
impl Carrier for Folder {
    async fn send(&self, message: &Message) -> Result<SendOutcome, NotNow> {
        let (folder, message) = (self.clone(), message.clone());
        beside(move || Folder::send(&folder, &message)).await?;
        Ok(SendOutcome::Sent)
    }

    async fn known(&self, id: MessageId) -> Result<Option<bool>, NotNow> {
        let folder = self.clone();
        beside(move || Folder::known(&folder, id)).await.map(Some)
    }

    async fn answers(&self, after: &str) -> Result<Batch, NotNow> {
        let (folder, after) = (self.clone(), after.to_owned());
        let batch = beside(move || folder.read()).await?;
        Ok(Batch { cursor: after, ..batch })
    }

    async fn taken(&self, batch: &Batch) -> Result<(), NotNow> {
        let (folder, batch) = (self.clone(), batch.clone());
        beside(move || folder.put_away(&batch)).await
    }
}

#[cfg(test)]
mod tests {
    use keis_registry::dispatch::Document;

    use super::*;

    fn message(number: u8) -> Message {
        let bytes = format!("<Invoice>{number} ąčęėįšųūž</Invoice>").into_bytes();
        let document = Document { bytes, sender: Some("0200:300000017".to_owned()), receiver: None };
        Message { id: MessageId([number; 16]), is_credit_note: false, document }
    }

    fn names(folder: &Folder, within: &str) -> Vec<String> {
        let entries = fs::read_dir(folder.path.join(within)).expect("it is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The steps of a message's way, so that a test ends after any of them.
    fn up_to(folder: &Folder, message: &Message, steps: usize) {
        if steps == 0 {
            return;
        }
        let ready = folder.prepare(message).expect("it is made ready");
        if steps == 1 {
            return;
        }
        folder.claim(message.id, &ready).expect("it is claimed");
        if steps == 2 {
            return;
        }
        let out = folder.path.join("out");
        fs::rename(folder.claimed(message.id).join(SIDECAR), out.join(format!("{}.json", message.id)))
            .expect("it leaves");
        if steps == 3 {
            return;
        }
        fs::rename(folder.claimed(message.id).join(DOCUMENT), out.join(format!("{}.xml", message.id)))
            .expect("it leaves");
    }

    #[test]
    fn killed_after_any_step_a_message_leaves_once_also_when_it_was_taken_away_meanwhile() {
        for steps in 0..=4 {
            for asks in [true, false] {
                let place = tempfile::tempdir().expect("a folder");
                let folder = Folder::new(place.path()).expect("it is made");
                let message = message(7);
                up_to(&folder, &message, steps);
                let mut arrived = 0;
                let mut take = || {
                    let xml = folder.path.join("out").join(format!("{}.xml", message.id));
                    if let Ok(bytes) = fs::read(&xml) {
                        assert_eq!(bytes, message.document.bytes);
                        fs::remove_file(xml).expect("it is taken");
                        arrived += 1;
                    }
                };
                take();
                let known = asks && folder.known(message.id).expect("it tells");
                assert_eq!(known, asks && steps >= 2, "after {steps} steps");
                take();
                for _ in 0..3 {
                    folder.send(&message).expect("it goes on");
                    take();
                }
                assert_eq!(arrived, 1, "after {steps} steps");
            }
        }
    }

    #[test]
    fn of_many_who_send_at_once_one_does() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(place.path()).expect("it is made");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for number in 0..20 {
                        folder.send(&message(number)).expect("it is sent");
                        let xml = folder.path.join("out").join(format!("{}.xml", MessageId([number; 16])));
                        // The other program takes it away at once, under a name that tells of a second one.
                        let taken = folder.path.join(format!("taken.{number}"));
                        if fs::rename(&xml, folder.path.join(format!("{number}.{:?}", std::thread::current().id())))
                            .is_ok()
                        {
                            assert!(!taken.exists(), "{number} left twice");
                            File::create_new(taken).expect("it left once");
                        }
                    }
                });
            }
        });
        assert!((0..20).all(|number| folder.path.join(format!("taken.{number}")).exists()));
        assert_eq!(names(&folder, "ready"), Vec::<String>::new());
        assert_eq!(names(&folder, "out").len(), 20, "what belongs to the documents");
    }

    #[test]
    fn answers_are_put_away_and_none_takes_the_place_of_another() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::new(place.path()).expect("it is made");
        let sound = br#"{"id": "a1", "message": "m1", "verdict": "received"}"#;
        for _ in 0..2 {
            fs::write(folder.path.join("answers/a.json"), sound).expect("it is written");
            fs::write(folder.path.join("answers/b.json"), b"{").expect("it is written");
            fs::write(folder.path.join("answers/c.json.tmp"), b"{").expect("it is written");
            let batch = folder.read().expect("it is read");
            assert_eq!(batch.items.len(), 2);
            folder.put_away(&batch).expect("they are put away");
            folder.put_away(&batch).expect("it may be told twice");
        }
        assert_eq!(names(&folder, "answers/done"), ["a.json", "a.json.1"]);
        assert_eq!(names(&folder, "answers/bad"), ["b.json", "b.json.1", "b.json.1.why", "b.json.why"]);
        let why = fs::read_to_string(folder.path.join("answers/bad/b.json.why")).expect("it says why");
        assert_eq!(why, "no_json\n");
        assert_eq!(names(&folder, "answers"), ["bad", "c.json.tmp", "done"]);
    }
}
